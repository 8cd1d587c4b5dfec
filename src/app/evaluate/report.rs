//! All that is said of a table, as JSON and as lines of text.

use super::table::Table;
use crate::evaluate::{
    self, Case, Figure, Settings,
    agreement::{mean, pearson_interval},
    discrimination::{Counts, auc_interval},
    measures::{MEASURES, Measure, Unit},
    tables::{self, BandCoverage, CalibrationBin, StageErrors},
};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Below this many patients an interval is itself uncertain, and the report says so.
const PATIENTS_FEW: usize = 50;

/// All that is said of a table.
pub struct Report {
    /// What was evaluated.
    pub cases: Vec<Case>,
    /// How many patients.
    pub patients: usize,
    /// By what.
    pub settings: Settings,
    /// SHA-256 of the table's file.
    pub sha256: String,
    /// In the order of [`MEASURES`].
    pub figures: Vec<Figure>,
    /// Rows are true categories.
    pub confusion: [[usize; tables::STAGES.len()]; tables::STAGES.len()],
    /// By true category.
    pub by_stage: Vec<StageErrors>,
    /// By the estimates' category.
    pub by_band: Vec<BandCoverage>,
    /// By what was said.
    pub calibration: Vec<CalibrationBin>,
    /// How often eGFR < 60 was said and was.
    pub counts: Counts,
    /// Of r and of the AUC, where every patient has one case, which these two ask for.
    pub by_formula: [Option<[f64; 2]>; 2],
    /// What a reader must know of these figures.
    pub notes: Vec<String>,
}

impl Report {
    /// Evaluates a table; `progress` is called after each draw.
    pub fn of(table: Table, sha256: String, settings: Settings, progress: impl FnMut()) -> Self {
        let notes = notes(&table, &settings);
        let Table { cases, patients, .. } = table;
        let single = patients == cases.len();
        Self {
            figures: evaluate::figures(&cases, &settings, progress),
            confusion: tables::confusion(&cases),
            by_stage: tables::by_stage(&cases),
            by_band: tables::by_band(&cases),
            calibration: tables::calibration(&cases),
            counts: Counts::of(&cases, &settings),
            by_formula: if single { [pearson_interval(&cases), auc_interval(&cases)] } else { [None; 2] },
            cases,
            patients,
            settings,
            sha256,
            notes,
        }
    }

    /// The measures that these cases define, each with its figure.
    pub fn defined(&self) -> impl Iterator<Item = (&Measure, f64, Option<[f64; 2]>)> {
        let pairs = MEASURES.iter().zip(&self.figures);
        pairs.filter_map(|(measure, figure)| Some((measure, figure.value?, figure.interval)))
    }

    /// A figure by its name in JSON; none where the cases do not define it.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.defined().find(|(measure, ..)| measure.name == name).map(|(_, value, _)| value)
    }

    /// Whether the cases have probabilities of eGFR < 60.
    pub fn has_probabilities(&self) -> bool {
        self.cases.iter().all(|case| case.p_ckd.is_some())
    }

    /// By what eGFR < 60 was said, in words.
    pub fn ckd_rule(&self) -> String {
        if self.has_probabilities() {
            format!("p_ckd of {} or more", self.settings.ckd_threshold)
        } else {
            String::from("pred_egfr below 60")
        }
    }

    /// One JSON object: single figures by name, their intervals in "ci", and the tables.
    pub fn json(&self) -> Value {
        let mut all = Map::new();
        let mut intervals = Map::new();
        all.insert("cases".into(), self.cases.len().into());
        all.insert("patients".into(), self.patients.into());
        for (measure, figure) in MEASURES.iter().zip(&self.figures) {
            all.insert(measure.name.into(), json!(figure.value));
            intervals.insert(measure.name.into(), json!(figure.interval));
        }
        let by = if self.has_probabilities() { "p_ckd" } else { "pred_egfr" };
        let threshold = if self.has_probabilities() { self.settings.ckd_threshold } else { 60.0 };
        let rest = json!({
            "ci": intervals,
            "pearson_r_fisher": self.by_formula[0],
            "auc_delong": self.by_formula[1],
            "ckd": {
                "by": by, "threshold": threshold, "share": mean(&self.cases, |case| f64::from(u8::from(case.ckd()))),
                "stated_prevalence": self.settings.prevalence, "counts": self.counts,
            },
            "confusion": {"stages": tables::STAGES, "counts": self.confusion},
            "by_stage": self.by_stage,
            "coverage_by_band": self.by_band,
            "calibration": self.calibration,
            "resamples": self.settings.resamples,
            "seed": self.settings.seed,
            "table_sha256": self.sha256,
            "notes": self.notes,
        });
        if let Value::Object(rest) = rest {
            all.extend(rest);
        }
        Value::Object(all)
    }

    /// Lines for a person.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} pictures of {} patients; eGFR in mL/min/1.73 m2; 95% intervals from {} draws of patients\n\n",
            self.cases.len(),
            self.patients,
            self.settings.resamples
        );
        for (measure, value, interval) in self.defined() {
            let interval = interval.map_or_else(String::new, |ends| interval_in(ends, measure.unit));
            let value = in_unit(value, measure.unit);
            let _always = writeln!(text, "  {:<18}{value:>8}  {interval:<18} {}", measure.title, measure.meaning);
        }
        for (name, ends) in ["r (Fisher)", "AUC (DeLong)"].iter().zip(self.by_formula) {
            if let Some(ends) = ends {
                let _always = writeln!(text, "  {name:<18}{:>8}  {}", "", interval_in(ends, Unit::Plain));
            }
        }
        let _always = write!(text, "\n  eGFR < 60 is said by {}\n", self.ckd_rule());
        text.push_str("\n  true \\ estimated  ");
        text.extend(tables::STAGES.map(|stage| format!("{:>6}", stage.name())));
        for (stage, row) in tables::STAGES.iter().zip(self.confusion) {
            let _always = write!(text, "\n  {:<18}", stage.name());
            text.extend(row.map(|count| format!("{count:>6}")));
        }
        text.push('\n');
        for row in &self.by_band {
            let (share, width) = (100.0 * row.coverage, row.interval_width);
            let (stage, count) = (row.stage.name(), row.count);
            let _always = write!(text, "\n  estimates in {stage:<4} {share:>5.1}% inside, {width:.1} wide ({count})");
        }
        if !self.by_band.is_empty() {
            text.push('\n');
        }
        for bin in &self.calibration {
            let _always = write!(text, "\n  said {:.2}, was {:.2} ({})", bin.said, bin.was, bin.count);
        }
        if !self.calibration.is_empty() {
            text.push('\n');
        }
        for note in &self.notes {
            let _always = writeln!(text, "\n  Note: {note}");
        }
        text
    }
}

/// A figure as people read it.
pub fn in_unit(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Egfr => format!("{value:.2}"),
        Unit::Share => format!("{:.1}%", 100.0 * value),
        Unit::Plain => format!("{value:.4}"),
    }
}

/// An interval as people read it.
pub fn interval_in([low, high]: [f64; 2], unit: Unit) -> String {
    format!("{} to {}", in_unit(low, unit), in_unit(high, unit))
}

fn notes(table: &Table, settings: &Settings) -> Vec<String> {
    let cases = &table.cases;
    let mut notes = Vec::new();
    let ones = cases.iter().filter(|case| case.ckd()).count();
    if ones == 0 || ones == cases.len() {
        let side = if ones == 0 { "no true eGFR is below 60" } else { "every true eGFR is below 60" };
        notes.push(format!("{side}: AUC and whatever else needs both sides is undefined and left out."));
    }
    if cases.iter().all(|case| case.truth == cases[0].truth) {
        notes.push("all true eGFR are the same: r, R² and slope are undefined and left out.".into());
    }
    if !table.names_patients {
        notes.push(
            "no column patient: each row counts as another patient. If some are not, the intervals are too narrow."
                .into(),
        );
    }
    if cases[0].p_ckd.is_none() {
        notes.push("no column p_ckd: eGFR < 60 is told by pred_egfr, and there is no calibration.".into());
    }
    if cases[0].interval.is_none() {
        notes.push("no columns lo and hi: nothing is said of intervals' coverage.".into());
    }
    if table.patients < PATIENTS_FEW {
        notes.push(format!("{} patients are few: the figures and their intervals are rough.", table.patients));
    }
    if settings.prevalence.is_none() {
        notes.push("PPV and NPV hold at this table's share of eGFR < 60; --prevalence tells those at another.".into());
    }
    notes
}
