//! How near estimates are to the truth, as numbers. Every function takes at least one case.

use super::Case;
use alloc::vec::Vec;
use libm::{log, sqrt, tanh};

/// What a normal variable exceeds with probability 2.5%.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// The mean of what `of` says of each case.
pub fn mean(cases: &[Case], of: impl Fn(&Case) -> f64) -> f64 {
    cases.iter().map(of).sum::<f64>() / cases.len() as f64
}

/// The share of the cases for which `is` holds.
pub fn share(cases: &[Case], is: impl Fn(&Case) -> bool) -> f64 {
    cases.iter().filter(|case| is(case)).count() as f64 / cases.len() as f64
}

/// The value below which a share `at` of `ordered` lies, in a straight line between neighbours.
///
/// # Panics
/// If there are no values.
pub fn quantile(ordered: &[f64], at: f64) -> f64 {
    let place = at * (ordered.len() - 1) as f64;
    let low = place as usize;
    let high = (low + 1).min(ordered.len() - 1);
    ordered[low] + (place - low as f64) * (ordered[high] - ordered[low])
}

/// The errors from the lowest to the highest.
fn ordered_errors(cases: &[Case]) -> Vec<f64> {
    let mut errors: Vec<f64> = cases.iter().map(Case::error).collect();
    errors.sort_unstable_by(f64::total_cmp);
    errors
}

/// The mean absolute error.
pub fn mae(cases: &[Case]) -> f64 {
    mean(cases, |case| case.error().abs())
}

/// The root of the mean squared error.
pub fn rmse(cases: &[Case]) -> f64 {
    sqrt(mean(cases, |case| case.error() * case.error()))
}

/// The median error, which the eGFR field calls bias.
pub fn bias(cases: &[Case]) -> f64 {
    quantile(&ordered_errors(cases), 0.5)
}

/// The interquartile range of the errors, which the eGFR field calls precision.
pub fn iqr(cases: &[Case]) -> f64 {
    let errors = ordered_errors(cases);
    quantile(&errors, 0.75) - quantile(&errors, 0.25)
}

/// The share of estimates within `percent` of the truth.
pub fn within(cases: &[Case], percent: f64) -> f64 {
    share(cases, |case| case.error().abs() <= percent / 100.0 * case.truth)
}

/// Means and second moments about them, each by n.
struct Moments {
    truth: f64,
    predicted: f64,
    truth_variance: f64,
    predicted_variance: f64,
    covariance: f64,
}

impl Moments {
    fn of(cases: &[Case]) -> Self {
        let (truth, predicted) = (mean(cases, |case| case.truth), mean(cases, |case| case.predicted));
        let square = |x: f64| x * x;
        Self {
            truth,
            predicted,
            truth_variance: mean(cases, |case| square(case.truth - truth)),
            predicted_variance: mean(cases, |case| square(case.predicted - predicted)),
            covariance: mean(cases, |case| (case.truth - truth) * (case.predicted - predicted)),
        }
    }
}

/// A quotient where its divisor is above 0.
fn ratio(dividend: f64, divisor: f64) -> Option<f64> {
    (divisor > 0.0).then(|| dividend / divisor)
}

/// Pearson's correlation; none where truths or estimates are all the same.
pub fn pearson_r(cases: &[Case]) -> Option<f64> {
    let moments = Moments::of(cases);
    ratio(moments.covariance, sqrt(moments.truth_variance) * sqrt(moments.predicted_variance))
}

/// Its 95% interval as of independent cases; none below four of them. *Source*: Fisher 1921, r's inverse hyperbolic tangent.
pub fn pearson_interval(cases: &[Case]) -> Option<[f64; 2]> {
    let r = pearson_r(cases).filter(|r| cases.len() > 3 && r.abs() < 1.0)?;
    let (z, half) = (0.5 * log((1.0 + r) / (1.0 - r)), Z_95 / sqrt((cases.len() - 3) as f64));
    Some([tanh(z - half), tanh(z + half)])
}

/// The coefficient of determination: 1 less the squared errors over the squares about the truths' mean. It is below 0 where the
/// mean alone would do better.
pub fn r2(cases: &[Case]) -> Option<f64> {
    let squares = mean(cases, |case| case.error() * case.error());
    ratio(squares, Moments::of(cases).truth_variance).map(|rest| 1.0 - rest)
}

/// Concordance of truth and estimate. *Source*: Lin 1989, Biometrics 45:255, moments by n.
pub fn ccc(cases: &[Case]) -> Option<f64> {
    let moments = Moments::of(cases);
    let apart = moments.predicted - moments.truth;
    ratio(2.0 * moments.covariance, moments.truth_variance + moments.predicted_variance + apart * apart)
}

/// How much the estimate rises where the truth rises by 1, by least squares.
pub fn slope(cases: &[Case]) -> Option<f64> {
    let moments = Moments::of(cases);
    ratio(moments.covariance, moments.truth_variance)
}

/// The estimate where the same line is at truth 0.
pub fn intercept(cases: &[Case]) -> Option<f64> {
    let moments = Moments::of(cases);
    slope(cases).map(|slope| moments.predicted - slope * moments.truth)
}

/// The mean error plus `sign` times 1.96 standard deviations: a limit of agreement. None of a single case.
///
/// *Source*: Bland and Altman 1986, Lancet 327:307; deviations by n - 1.
pub fn limit(cases: &[Case], sign: f64) -> Option<f64> {
    let bias = mean(cases, Case::error);
    let squares: f64 = cases.iter().map(|case| (case.error() - bias) * (case.error() - bias)).sum();
    ratio(squares, (cases.len() - 1) as f64).map(|variance| bias + sign * Z_95 * sqrt(variance))
}
