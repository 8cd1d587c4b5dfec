//! The page's charts, each from the report alone.

use super::{
    figure::{Anchor, Axis, Figure},
    report::Report,
};
use crate::{
    estimate::CKD_EGFR,
    evaluate::{Case, agreement::quantile, discrimination::roc, stage, tables::STAGES},
};

const TRUE_EGFR: &str = "true eGFR (mL/min/1.73 m²)";
/// The least that an axis of eGFR shows.
const EGFR_SHOWN: f64 = 120.0;
/// Above this many dots they are drawn smaller.
const DOTS_MANY: usize = 400;
/// So many intervals are drawn at most, evenly over the table: more hide the dots.
const INTERVALS_SHOWN: usize = 150;

fn dot_radius(report: &Report) -> f64 {
    if report.cases.len() > DOTS_MANY { 1.8 } else { 3.2 }
}

/// The lowest and highest of some values, and of what must be in view.
fn span(values: impl Iterator<Item = f64>, [low, high]: [f64; 2]) -> [f64; 2] {
    values.fold([low, high], |[low, high], value| [low.min(value), high.max(value)])
}

fn title(case: &Case) -> String {
    format!("true {:.1}, estimated {:.1}", case.truth, case.predicted)
}

/// Truth against estimate, with the intervals where there are any, and the fitted line.
pub fn scatter(report: &Report) -> String {
    // What the program shows below 0 is 0.
    let ends = |case: &Case| case.interval.map_or([case.predicted; 2], |[low, high]| [low.max(0.0), high]);
    let cases = &report.cases;
    let [low, high] = span(cases.iter().flat_map(|case| [case.predicted, ends(case)[1]]), [0.0, EGFR_SHOWN]);
    let [_, high] = span(cases.iter().map(|case| case.truth), [0.0, high]);
    let (x, y) = (Axis::numbers(TRUE_EGFR, 0.0, high), Axis::numbers("estimated eGFR", low, high));
    let high = x.range()[1].min(y.range()[1]);
    let mut figure = Figure::new("scatter", x, y);
    let ckd = f64::from(CKD_EGFR.0);
    figure.level(ckd, "limit");
    figure.upright(ckd, "limit");
    let with_interval = cases.iter().filter(|case| case.interval.is_some());
    let step = with_interval.clone().count().div_ceil(INTERVALS_SHOWN).max(1);
    for case in with_interval.step_by(step) {
        let [bottom, top] = ends(case);
        figure.line(&[[case.truth, bottom], [case.truth, top]], "whisker faint");
    }
    figure.line(&[[0.0, 0.0], [high, high]], "ideal");
    for case in cases {
        figure.dot(case.truth, case.predicted, dot_radius(report), "point", &title(case));
    }
    if let (Some(slope), Some(intercept)) = (report.value("slope"), report.value("intercept")) {
        let [low, high] = span(cases.iter().map(|case| case.truth), [f64::INFINITY, f64::NEG_INFINITY]);
        figure.line(&[[low, intercept + slope * low], [high, intercept + slope * high]], "fit");
    }
    figure.finish("True against estimated eGFR, with the line of identity and the fitted line")
}

/// The error against the mean of both, with the limits of agreement.
pub fn bland_altman(report: &Report) -> String {
    let mean = |case: &Case| (case.truth + case.predicted) / 2.0;
    let cases = &report.cases;
    let lines: Vec<_> = report
        .defined()
        .filter(|(measure, ..)| matches!(measure.name, "mean_error" | "limit_low" | "limit_high"))
        .map(|(measure, value, interval)| (measure.name, value, interval))
        .collect();
    let [left, right] = span(cases.iter().map(mean), [0.0, EGFR_SHOWN]);
    let values = lines.iter().flat_map(|(_, value, interval)| interval.unwrap_or([*value; 2]));
    let [low, high] = span(values.chain(cases.iter().map(Case::error)), [0.0, 0.0]);
    let x = Axis::numbers("mean of estimate and truth (mL/min/1.73 m²)", left, right);
    let [start, edge] = x.range();
    let y = Axis::numbers("estimate - truth", low, high);
    let mut figure = Figure::new("bland", x, y);
    figure.level(0.0, "ideal");
    for &(name, value, interval) in &lines {
        if let Some([low, high]) = interval {
            figure.area([start, low], [edge, high], "band", 0.13);
        }
        let (class, word) = match name {
            "mean_error" => ("fit", "mean"),
            "limit_low" => ("fit dashed", "mean - 1.96 SD"),
            _ => ("fit dashed", "mean + 1.96 SD"),
        };
        figure.level(value, class);
        figure.text([edge, value], 5.0, Anchor::End, "tag", &format!("{word} {value:.1}"));
    }
    for case in cases {
        figure.dot(mean(case), case.error(), dot_radius(report), "point", &title(case));
    }
    figure.finish("Error against the mean of estimate and truth, with the limits of agreement")
}

/// The ROC curve of eGFR < 60 with the point at which it is said; none where one side is missing.
pub fn roc_curve(report: &Report) -> Option<String> {
    let corners = roc(&report.cases)?;
    let share = |label| Axis::numbers(label, 0.0, 1.0);
    let mut figure = Figure::new("roc", share("1 - specificity"), share("sensitivity"));
    figure.line(&[[0.0, 0.0], [1.0, 1.0]], "ideal");
    figure.line(&corners, "curve");
    if let (Some(sensitivity), Some(specificity)) = (report.value("sensitivity"), report.value("specificity")) {
        let percent = |share: f64| 100.0 * share;
        let rule = report.ckd_rule();
        let words = format!("at {rule}: {:.0}% / {:.0}%", percent(sensitivity), percent(specificity));
        figure.dot(1.0 - specificity, sensitivity, 5.0, "chosen", &words);
        figure.text([0.97, 0.05], 0.0, Anchor::End, "tag", &words);
    }
    if let Some(auc) = report.value("auc") {
        figure.text([0.97, 0.11], 0.0, Anchor::End, "figure", &format!("AUC {auc:.3}"));
    }
    Some(figure.finish("ROC curve of eGFR below 60"))
}

/// How many of each true category were estimated in which; the darker, the larger its share of the row.
pub fn confusion(report: &Report) -> String {
    let names = || STAGES.map(|stage| String::from(stage.name()));
    let rows = Axis::names("true category", names()).turned();
    let mut figure = Figure::new("confusion", Axis::names("estimated category", names()), rows);
    for (y, row) in (0..).map(f64::from).zip(report.confusion) {
        let total: usize = row.iter().sum();
        for (x, count) in (0..).map(f64::from).zip(row) {
            let share = count as f64 / total.max(1) as f64;
            let corners = [[x - 0.48, y - 0.46], [x + 0.48, y + 0.46]];
            // No line of the grid shows through.
            figure.area(corners[0], corners[1], "paper", 1.0);
            figure.area(corners[0], corners[1], if x == y { "right" } else { "cell" }, share);
            let class = if share > 0.55 { "count light" } else { "count" };
            let place = if count > 0 { [x, y - 0.02] } else { [x, y + 0.06] };
            figure.text(place, 0.0, Anchor::Middle, if count > 0 { class } else { "none" }, &count.to_string());
            if count > 0 {
                let class = if share > 0.55 { "share light" } else { "share" };
                figure.text([x, y + 0.26], 0.0, Anchor::Middle, class, &format!("{:.0}%", 100.0 * share));
            }
        }
    }
    figure.finish("True against estimated KDIGO category")
}

/// What was said against what was; none without probabilities.
pub fn calibration(report: &Report) -> Option<String> {
    let most = report.calibration.iter().map(|bin| bin.count).max()?;
    let share = |label| Axis::numbers(label, 0.0, 1.0);
    let x = share("probability of eGFR < 60 that was said");
    let mut figure = Figure::new("calibration", x, share("share that had it"));
    // How many said what, at the foot: a sixth of the height is the most.
    for bin in &report.calibration {
        let height = bin.count as f64 / most as f64 / 6.0;
        figure.area([bin.from + 0.005, 0.0], [bin.from + 0.095, height], "bar", 1.0);
    }
    figure.line(&[[0.0, 0.0], [1.0, 1.0]], "ideal");
    let points: Vec<[f64; 2]> = report.calibration.iter().map(|bin| [bin.said, bin.was]).collect();
    figure.line(&points, "curve");
    for bin in &report.calibration {
        let [low, high] = bin.was_interval;
        figure.line(&[[bin.said, low], [bin.said, high]], "whisker");
        let words = format!("said {:.2}, was {:.2}, {} pictures", bin.said, bin.was, bin.count);
        figure.dot(bin.said, bin.was, 4.5, "chosen", &words);
    }
    if let Some(brier) = report.value("brier") {
        figure.text([0.03, 0.94], 0.0, Anchor::Start, "figure", &format!("Brier {brier:.3}"));
    }
    Some(figure.finish("Probability said against the share that had eGFR below 60"))
}

/// The errors in each true category: quartiles, median, and 5th to 95th percentile.
pub fn error_by_stage(report: &Report) -> String {
    let own = |index: usize| {
        let cases = report.cases.iter().filter(|case| stage(case.truth) as usize == index);
        let mut errors: Vec<f64> = cases.map(Case::error).collect();
        errors.sort_unstable_by(f64::total_cmp);
        errors
    };
    let names = (0..STAGES.len()).map(|index| format!("{} ({})", STAGES[index].name(), own(index).len()));
    let [low, high] = span(report.cases.iter().map(Case::error), [0.0, 0.0]);
    let x = Axis::names("true category (pictures)", names);
    let mut figure = Figure::new("stages", x, Axis::numbers("estimate - truth (mL/min/1.73 m²)", low, high));
    figure.level(0.0, "ideal");
    for index in 0..STAGES.len() {
        let (errors, x) = (own(index), index as f64);
        if errors.is_empty() {
            continue;
        }
        let [least, low, middle, high, most] = [0.05, 0.25, 0.5, 0.75, 0.95].map(|at| quantile(&errors, at));
        figure.line(&[[x, least], [x, most]], "whisker");
        figure.area([x - 0.22, low], [x + 0.22, high], "box", 1.0);
        figure.line(&[[x - 0.22, middle], [x + 0.22, middle]], "median");
        for error in errors.iter().filter(|error| **error < least || **error > most) {
            figure.dot(x, *error, 2.2, "point", &format!("{error:.1}"));
        }
        figure.text([x + 0.25, middle], -4.0, Anchor::Start, "tag", &format!("{middle:+.0}"));
    }
    figure.finish("Errors by true KDIGO category")
}

/// How many truths lie inside their interval, by the estimates' category; none without intervals.
pub fn coverage_by_band(report: &Report) -> Option<String> {
    let all = report.value("coverage")?;
    let names = report.by_band.iter().map(|row| format!("{} ({})", row.stage.name(), row.count));
    let x = Axis::names("category of the estimate (pictures)", names);
    let lows = report.by_band.iter().map(|row| row.coverage_interval[0]);
    let [low, _] = span(lows, [0.7, 1.0]);
    let mut figure = Figure::new("coverage", x, Axis::numbers("truths inside their interval", low, 1.0));
    figure.level(all, "fit dashed");
    figure.text([-0.45, all], 5.0, Anchor::Start, "tag", &format!("all {:.1}%", 100.0 * all));
    for (x, row) in (0..).map(f64::from).zip(&report.by_band) {
        let [low, high] = row.coverage_interval;
        figure.line(&[[x, low], [x, high]], "whisker");
        let words = format!("{:.1}%, intervals {:.0} wide", 100.0 * row.coverage, row.interval_width);
        figure.dot(x, row.coverage, 5.0, "chosen", &words);
        figure.text([x + 0.08, row.coverage], -4.0, Anchor::Start, "tag", &format!("{:.0}%", 100.0 * row.coverage));
    }
    Some(figure.finish("Coverage of the intervals by the estimates' category"))
}
