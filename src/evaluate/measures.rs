//! The single figures: their names, what they are, and how each comes from the cases.

use super::{
    Case, Settings,
    agreement::{bias, ccc, intercept, iqr, limit, mae, mean, pearson_r, r2, rmse, share, slope, within},
    discrimination::{Counts, auc, brier},
    stage,
};
use Unit::{Egfr, Plain, Share};

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// mL/min/1.73 m2.
    Egfr,
    /// A share or probability, 0 to 1.
    Share,
    /// A plain number.
    Plain,
}

/// One single figure.
pub struct Measure {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it says, in a line.
    pub meaning: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// How it comes from the cases; none where they do not define it.
    pub of: fn(&[Case], &Settings) -> Option<f64>,
}

const fn measure(
    name: &'static str,
    title: &'static str,
    unit: Unit,
    of: fn(&[Case], &Settings) -> Option<f64>,
    meaning: &'static str,
) -> Measure {
    Measure { name, title, meaning, unit, of }
}

/// The share of cases whose category is at most `off` from the true one.
fn stage_within(cases: &[Case], off: usize) -> f64 {
    share(cases, |case| (stage(case.truth) as usize).abs_diff(stage(case.predicted) as usize) <= off)
}

/// All of them, agreement first.
pub const MEASURES: [Measure; 27] = [
    measure("mae", "MAE", Egfr, |c, _| Some(mae(c)), "mean absolute error"),
    measure("rmse", "RMSE", Egfr, |c, _| Some(rmse(c)), "root of the mean squared error"),
    measure("bias", "Bias", Egfr, |c, _| Some(bias(c)), "median of estimate - truth"),
    measure("mean_error", "Mean error", Egfr, |c, _| Some(mean(c, Case::error)), "mean of estimate - truth"),
    measure("iqr", "IQR", Egfr, |c, _| Some(iqr(c)), "interquartile range of the errors (precision)"),
    measure("p30", "P30", Share, |c, _| Some(within(c, 30.0)), "estimates within 30% of the truth"),
    measure("p10", "P10", Share, |c, _| Some(within(c, 10.0)), "estimates within 10% of the truth"),
    measure("pearson_r", "Pearson's r", Plain, |c, _| pearson_r(c), "correlation"),
    measure("r2", "R²", Plain, |c, _| r2(c), "coefficient of determination, 1 - squared errors / variance"),
    measure("ccc", "Concordance", Plain, |c, _| ccc(c), "Lin's concordance with the line of identity"),
    measure("slope", "Slope", Plain, |c, _| slope(c), "rise of the estimate when the truth rises by 1; 1 is right"),
    measure("intercept", "Intercept", Egfr, |c, _| intercept(c), "estimate of that line at truth 0; 0 is right"),
    measure("limit_low", "Lower limit", Egfr, |c, _| limit(c, -1.0), "of agreement: mean error - 1.96 deviations"),
    measure("limit_high", "Upper limit", Egfr, |c, _| limit(c, 1.0), "of agreement: mean error + 1.96 deviations"),
    measure("stage_exact", "G-stage exact", Share, |c, _| Some(stage_within(c, 0)), "in the true KDIGO category"),
    measure("stage_near", "G-stage near", Share, |c, _| Some(stage_within(c, 1)), "in the true one or its neighbour"),
    measure("auc", "AUC", Plain, |c, _| auc(c), "area under the ROC curve of eGFR < 60"),
    measure(
        "accuracy",
        "Accuracy",
        Share,
        |c, s| Counts::of(c, s).accuracy(),
        "eGFR < 60 said rightly, or rightly not",
    ),
    measure("sensitivity", "Sensitivity", Share, |c, s| Counts::of(c, s).sensitivity(), "of true eGFR < 60, said"),
    measure("specificity", "Specificity", Share, |c, s| Counts::of(c, s).specificity(), "of the rest, not said"),
    measure("ppv", "PPV", Share, |c, s| Counts::of(c, s).ppv(None), "\"eGFR < 60\" right, at the cases' own share"),
    measure("npv", "NPV", Share, |c, s| Counts::of(c, s).npv(None), "\"not below 60\" right, at the cases' own share"),
    measure(
        "ppv_at_prevalence",
        "PPV, stated share",
        Share,
        |c, s| s.prevalence.and_then(|p| Counts::of(c, s).ppv(Some(p))),
        "\"eGFR < 60\" right, where the stated share has it",
    ),
    measure(
        "npv_at_prevalence",
        "NPV, stated share",
        Share,
        |c, s| s.prevalence.and_then(|p| Counts::of(c, s).npv(Some(p))),
        "\"not below 60\" right, where the stated share has it",
    ),
    measure("brier", "Brier score", Plain, |c, _| brier(c), "squared error of the probability; 0 is best"),
    measure("coverage", "Coverage", Share, |c, _| coverage(c), "truths inside their interval"),
    measure("interval_width", "Interval width", Egfr, |c, _| interval_width(c), "mean width of the intervals"),
];

/// The share of truths inside their interval, ends included; none without intervals.
pub(super) fn coverage(cases: &[Case]) -> Option<f64> {
    cases.first()?.interval?;
    Some(share(cases, |case| case.interval.is_some_and(|[low, high]| (low..=high).contains(&case.truth))))
}

/// The mean width of the intervals; none without.
pub(super) fn interval_width(cases: &[Case]) -> Option<f64> {
    cases.first()?.interval?;
    Some(mean(cases, |case| case.interval.map_or(0.0, |[low, high]| high - low)))
}
