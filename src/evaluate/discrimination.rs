//! How well eGFR < 60 is told from the rest.

use super::{
    Case, Settings,
    agreement::{Z_95, mean},
};
use alloc::vec::Vec;
use libm::sqrt;
use serde::Serialize;

/// How often eGFR < 60 was said and was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Said and was.
    pub true_positive: usize,
    /// Said and was not.
    pub false_positive: usize,
    /// Not said and was.
    pub false_negative: usize,
    /// Not said and was not.
    pub true_negative: usize,
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Counts {
    /// Counts the cases.
    pub fn of(cases: &[Case], settings: &Settings) -> Self {
        let mut counts = Self::default();
        for case in cases {
            *match (case.said_ckd(settings), case.ckd()) {
                (true, true) => &mut counts.true_positive,
                (true, false) => &mut counts.false_positive,
                (false, true) => &mut counts.false_negative,
                (false, false) => &mut counts.true_negative,
            } += 1;
        }
        counts
    }

    /// The share said rightly.
    pub fn accuracy(self) -> Option<f64> {
        let Self { true_positive, false_positive, false_negative, true_negative } = self;
        ratio(true_positive + true_negative, true_positive + true_negative + false_positive + false_negative)
    }

    /// The share of eGFR < 60 of which it was said; none where there is none.
    pub fn sensitivity(self) -> Option<f64> {
        ratio(self.true_positive, self.true_positive + self.false_negative)
    }

    /// The share of the rest of which it was not said.
    pub fn specificity(self) -> Option<f64> {
        ratio(self.true_negative, self.true_negative + self.false_positive)
    }

    /// How often "eGFR < 60" is right where a share `prevalence` has it; at that of the cases where none is given.
    pub fn ppv(self, prevalence: Option<f64>) -> Option<f64> {
        let Some(prevalence) = prevalence else {
            return ratio(self.true_positive, self.true_positive + self.false_positive);
        };
        let (right, wrong) = (self.sensitivity()? * prevalence, (1.0 - self.specificity()?) * (1.0 - prevalence));
        (right + wrong > 0.0).then(|| right / (right + wrong))
    }

    /// The same of "not below 60".
    pub fn npv(self, prevalence: Option<f64>) -> Option<f64> {
        let Some(prevalence) = prevalence else {
            return ratio(self.true_negative, self.true_negative + self.false_negative);
        };
        let (right, wrong) = (self.specificity()? * (1.0 - prevalence), (1.0 - self.sensitivity()?) * prevalence);
        (right + wrong > 0.0).then(|| right / (right + wrong))
    }
}

/// Each value's place among all from 1, the same for equal ones.
fn mid_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = alloc::vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let equal = order[start..].iter().take_while(|&&i| values[i] == values[order[start]]).count();
        for &i in &order[start..start + equal] {
            ranks[i] = start as f64 + (equal as f64 + 1.0) / 2.0;
        }
        start += equal;
    }
    ranks
}

/// For each case with eGFR < 60 the share of the others that it scores above, and the reverse for the others; ties half.
fn placements(cases: &[Case]) -> Option<[Vec<f64>; 2]> {
    // Without -0.0, which orders apart from 0.0.
    let scores = |ckd: bool| cases.iter().filter(move |case| case.ckd() == ckd).map(|case| case.score() + 0.0);
    let (ones, others): (Vec<f64>, Vec<f64>) = (scores(true).collect(), scores(false).collect());
    if ones.is_empty() || others.is_empty() {
        return None;
    }
    let together: Vec<f64> = ones.iter().chain(&others).copied().collect();
    let ranks = mid_ranks(&together);
    let (of_ones, of_others) = ranks.split_at(ones.len());
    let above =
        of_ones.iter().zip(mid_ranks(&ones)).map(|(all, own)| (all - own) / others.len() as f64).collect::<Vec<_>>();
    let below = of_others.iter().zip(mid_ranks(&others)).map(|(all, own)| 1.0 - (all - own) / ones.len() as f64);
    Some([above, below.collect()])
}

/// The area under the ROC curve: how often eGFR < 60 scores above the rest, ties half. None where one of the two is missing.
pub fn auc(cases: &[Case]) -> Option<f64> {
    let [above, _] = placements(cases)?;
    Some(above.iter().sum::<f64>() / above.len() as f64)
}

/// Its 95% interval as of independent cases; none where one of the two has less than two cases.
///
/// *Source*: DeLong 1988, Biometrics 44:837, by the ranks of Sun and Xu 2014, IEEE Signal Processing Letters 21:1389.
pub fn auc_interval(cases: &[Case]) -> Option<[f64; 2]> {
    let parts = placements(cases)?;
    let auc = auc(cases)?;
    let mut variance = 0.0;
    for part in &parts {
        let count = part.len() as f64;
        if part.len() < 2 {
            return None;
        }
        let mean = part.iter().sum::<f64>() / count;
        variance += part.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (count - 1.0) / count;
    }
    let half = Z_95 * sqrt(variance);
    Some([(auc - half).max(0.0), (auc + half).min(1.0)])
}

/// The ROC curve's corners, from (0, 0) to (1, 1): share of the rest, and of eGFR < 60, that score at least so high. None where one
/// of the two is missing.
pub fn roc(cases: &[Case]) -> Option<Vec<[f64; 2]>> {
    let mut scored: Vec<(f64, bool)> = cases.iter().map(|case| (case.score(), case.ckd())).collect();
    scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let ones = scored.iter().filter(|(_, ckd)| *ckd).count();
    let others = scored.len() - ones;
    if ones == 0 || others == 0 {
        return None;
    }
    let mut corners = alloc::vec![[0.0, 0.0]];
    let (mut hits, mut alarms) = (0, 0);
    for (i, &(score, ckd)) in scored.iter().enumerate() {
        if ckd {
            hits += 1
        } else {
            alarms += 1
        }
        // Equal scores are one step.
        if scored.get(i + 1).is_none_or(|next| next.0 != score) {
            corners.push([alarms as f64 / others as f64, hits as f64 / ones as f64]);
        }
    }
    Some(corners)
}

/// The mean squared distance of the probability from what was; none without probabilities. *Source*: Brier 1950.
pub fn brier(cases: &[Case]) -> Option<f64> {
    cases[0].p_ckd?;
    Some(mean(cases, |case| {
        let off = case.p_ckd.unwrap_or_default() - f64::from(u8::from(case.ckd()));
        off * off
    }))
}
