//! How good estimates were, by the measures of the eGFR field: cases in, figures out.
//!
//! [`measures::MEASURES`] is the list of all single figures; [`tables`] has what is more than one number; [`bootstrap`] gives every
//! single figure its interval, by drawing patients, as pictures of one patient are no independent cases. Always holds: "CKD" is a true
//! eGFR below 60 and nothing else, and a probability speaks of that; a figure that the cases do not define is `None`, never
//! a number. Deliberately absent: reading files and drawing, which `app::evaluate` does.

pub mod agreement;
pub mod bootstrap;
pub mod discrimination;
pub mod measures;
pub mod tables;

#[cfg(test)]
mod tests;

use crate::{estimate::Stage, units::Egfr};
use alloc::vec::Vec;
use bootstrap::Draws;
use measures::MEASURES;

/// One picture whose truth is known. *Units*: mL/min/1.73 m2 but for the probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    /// The eGFR by creatinine, above 0.
    pub truth: f64,
    /// The eGFR that was estimated.
    pub predicted: f64,
    /// The probability of eGFR < 60, where the estimates have one.
    pub p_ckd: Option<f64>,
    /// The interval's ends, where the estimates have one.
    pub interval: Option<[f64; 2]>,
    /// Whose picture it is: patients are numbered from 0, none left out.
    pub patient: usize,
}

/// What decides a figure beside the cases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// At this probability and above, eGFR < 60 is said.
    pub ckd_threshold: f64,
    /// The share of eGFR < 60 for which predictive values are told, beside that of the cases.
    pub prevalence: Option<f64>,
    /// How often patients are drawn anew for the intervals.
    pub resamples: usize,
    /// Which draws.
    pub seed: u64,
}

impl Case {
    /// Whether the true eGFR is below 60.
    pub fn ckd(&self) -> bool {
        stage(self.truth) > Stage::G2
    }

    /// Whether eGFR < 60 is said: by the probability where there is one, else by the estimate.
    pub fn said_ckd(&self, settings: &Settings) -> bool {
        self.p_ckd.map_or(stage(self.predicted) > Stage::G2, |p| p >= settings.ckd_threshold)
    }

    /// The higher, the more eGFR < 60 is said.
    pub fn score(&self) -> f64 {
        self.p_ckd.unwrap_or(-self.predicted)
    }

    /// Estimate less truth.
    pub fn error(&self) -> f64 {
        self.predicted - self.truth
    }
}

/// The KDIGO category of an eGFR.
pub fn stage(egfr: f64) -> Stage {
    Stage::of(Egfr(egfr as f32))
}

/// A figure, and the interval that holds it with 95% probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// None where the cases do not define it.
    pub value: Option<f64>,
    /// None where too many draws do not define it.
    pub interval: Option<[f64; 2]>,
}

/// Every figure of [`MEASURES`], in that order. `progress` is called after each draw.
///
/// # Panics
/// If there are no cases.
pub fn figures(cases: &[Case], settings: &Settings, mut progress: impl FnMut()) -> Vec<Figure> {
    assert!(!cases.is_empty(), "figures are those of cases");
    let values = MEASURES.iter().map(|measure| (measure.of)(cases, settings));
    let mut figures: Vec<Figure> = values.map(|value| Figure { value, interval: None }).collect();
    let mut drawn: Vec<Vec<f64>> = MEASURES.iter().map(|_| Vec::with_capacity(settings.resamples)).collect();
    let mut draws = Draws::new(cases, settings.seed);
    for _ in 0..settings.resamples {
        let sample = draws.draw();
        for ((measure, figure), values) in MEASURES.iter().zip(&figures).zip(&mut drawn) {
            // What all cases do not define is not asked of some of them.
            values.extend(figure.value.and_then(|_| (measure.of)(sample, settings)));
        }
        progress();
    }
    for (figure, values) in figures.iter_mut().zip(drawn) {
        figure.interval = bootstrap::interval(values, settings.resamples);
    }
    figures
}
