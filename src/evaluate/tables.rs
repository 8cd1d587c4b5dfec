//! What is more than one number: categories, calibration, and figures by category or band.

use super::{
    Case,
    agreement::{Z_95, bias, mae, within},
    measures::{coverage, interval_width},
    stage,
};
use crate::estimate::Stage;
use alloc::vec::Vec;
use libm::sqrt;
use serde::Serialize;

/// The categories from the best kidney to the worst.
pub const STAGES: [Stage; 6] = [Stage::G1, Stage::G2, Stage::G3a, Stage::G3b, Stage::G4, Stage::G5];
/// Into how many equal steps probabilities are divided.
const CALIBRATION_BINS: usize = 10;

/// How many cases of each true category (row) were estimated in which (column).
pub fn confusion(cases: &[Case]) -> [[usize; STAGES.len()]; STAGES.len()] {
    let mut counts = [[0; STAGES.len()]; STAGES.len()];
    for case in cases {
        counts[stage(case.truth) as usize][stage(case.predicted) as usize] += 1;
    }
    counts
}

/// The errors in one true category. *Units*: mL/min/1.73 m2.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageErrors {
    /// The true category.
    pub stage: Stage,
    /// How many cases.
    pub count: usize,
    /// Their median error.
    pub bias: f64,
    /// Their mean absolute error.
    pub mae: f64,
    /// Their share within 30% of the truth.
    pub p30: f64,
}

/// Of every category that has cases.
pub fn by_stage(cases: &[Case]) -> Vec<StageErrors> {
    let of = |wanted: Stage| {
        let own: Vec<Case> = cases.iter().filter(|case| stage(case.truth) == wanted).copied().collect();
        let errors = |own: &[Case]| StageErrors {
            stage: wanted,
            count: own.len(),
            bias: bias(own),
            mae: mae(own),
            p30: within(own, 30.0),
        };
        (!own.is_empty()).then(|| errors(&own))
    };
    STAGES.into_iter().filter_map(of).collect()
}

/// How the intervals hold among the estimates of one category, as the device knows no other. *Units*: mL/min/1.73 m2.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BandCoverage {
    /// The estimates' category.
    pub stage: Stage,
    /// How many cases.
    pub count: usize,
    /// The share of truths inside their interval.
    pub coverage: f64,
    /// Its 95% interval, by [`wilson`].
    pub coverage_interval: [f64; 2],
    /// The mean width of the intervals.
    pub interval_width: f64,
}

/// Of every category of estimates that has cases; none without intervals.
pub fn by_band(cases: &[Case]) -> Vec<BandCoverage> {
    let of = |wanted: Stage| {
        let own: Vec<Case> = cases.iter().filter(|case| stage(case.predicted) == wanted).copied().collect();
        let share = coverage(&own)?;
        Some(BandCoverage {
            stage: wanted,
            count: own.len(),
            coverage: share,
            coverage_interval: wilson(share, own.len()),
            interval_width: interval_width(&own)?,
        })
    };
    STAGES.into_iter().filter_map(of).collect()
}

/// What was said and what was, among cases of about the same probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// The probability that the tenth begins with.
    pub from: f64,
    /// The mean probability of eGFR < 60.
    pub said: f64,
    /// The share with eGFR < 60.
    pub was: f64,
    /// Its 95% interval, by [`wilson`].
    pub was_interval: [f64; 2],
    /// How many cases.
    pub count: usize,
}

/// Of every tenth of the probabilities that has cases; none without probabilities.
pub fn calibration(cases: &[Case]) -> Vec<CalibrationBin> {
    let mut bins = [(0.0, 0_usize, 0_usize); CALIBRATION_BINS];
    for case in cases {
        let Some(p) = case.p_ckd else { continue };
        let (said, ones, count) = &mut bins[((p * CALIBRATION_BINS as f64) as usize).min(CALIBRATION_BINS - 1)];
        (*said, *ones, *count) = (*said + p, *ones + usize::from(case.ckd()), *count + 1);
    }
    let bin = |(place, (said, ones, count)): (usize, (f64, usize, usize))| {
        let was = ones as f64 / count as f64;
        let from = place as f64 / CALIBRATION_BINS as f64;
        CalibrationBin { from, said: said / count as f64, was, was_interval: wilson(was, count), count }
    };
    bins.into_iter().enumerate().filter(|(_, (_, _, count))| *count > 0).map(bin).collect()
}

/// The 95% interval of a share among `count` independent cases. *Source*: Wilson 1927.
pub fn wilson(share: f64, count: usize) -> [f64; 2] {
    let (n, z2) = (count as f64, Z_95 * Z_95);
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_95 / (1.0 + z2 / n) * sqrt(share * (1.0 - share) / n + z2 / (4.0 * n * n));
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}
