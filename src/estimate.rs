//! Member outputs -> one estimate, or the refusal.
//!
//! Always holds: the probability is that of eGFR < 60 and of nothing else; an estimate exists only if the members agree and
//! the number lies in the range in which the bundle was proven. Every limit comes from the bundle's [`Rules`]; none stands here.

use crate::{
    refusal::Refusal,
    units::{Centimetres, Egfr, Probability},
};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The most members that a bundle may hold. The method uses ten.
pub const MEMBERS_MAX: usize = 16;

/// The eGFR below which the word CKD is used. *Source*: KDIGO 2012, chapter 1, GFR categories G3a to G5.
pub const CKD_EGFR: Egfr = Egfr(60.0);

/// What one member says of a crop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberOutput {
    /// The network's eGFR.
    pub egfr: Egfr,
    /// The trees' probability of eGFR < 60.
    pub p_ckd: Probability,
    /// How unlike its training pictures the crop is, by [`crate::likeness`]; none where the bundle does not say what they are like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<f32>,
}

/// All members' outputs for one crop.
pub type MemberOutputs = heapless::Vec<MemberOutput, MEMBERS_MAX>;

/// One row of the interval table: for estimates up to `up_to`, the truth lay between the two offsets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntervalBand {
    /// The largest estimate of the band.
    pub up_to: Egfr,
    /// Lower end of the interval minus the estimate; not above zero.
    pub below: Egfr,
    /// Upper end of the interval minus the estimate; not below zero.
    pub above: Egfr,
    /// How many held-out pictures the offsets come from.
    pub count: u32,
}

/// How probable eGFR < 60 was where the members' mean said p: of log-odds `slope` x log-odds of p + `intercept`.
///
/// *Source*: Platt 1999, Probabilistic outputs for support vector machines.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbabilityFit {
    /// Above zero: it never turns likely into unlikely.
    pub slope: f32,
    /// See above.
    pub intercept: f32,
    /// How many held-out patients it comes from.
    pub count: u32,
}

impl ProbabilityFit {
    /// The probability that stands behind `said`. NaN stays NaN, 0 and 1 stay what they are.
    fn of(self, said: Probability) -> Probability {
        let log_odds = self.slope * libm::logf(said.0 / (1.0 - said.0)) + self.intercept;
        Probability(1.0 / (1.0 + libm::expf(-log_odds)))
    }

    fn usable(self) -> bool {
        self.slope > 0.0 && self.slope.is_finite() && self.intercept.is_finite()
    }
}

/// What a bundle says about turning member outputs into an estimate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The share of truths that the interval holds, such as 0.9.
    pub coverage: f32,
    /// The interval table, by rising `up_to`.
    pub intervals: Vec<IntervalBand>,
    /// The lowest and highest eGFR that the bundle was proven for.
    pub reportable: [Egfr; 2],
    /// At this probability of eGFR < 60 and above, "likely" is said.
    pub likely_from: Probability,
    /// At this probability and below, "unlikely" is said.
    pub unlikely_to: Probability,
    /// The largest standard deviation of the members' eGFR with which an estimate is shown.
    pub spread_limit: Egfr,
    /// The shortest and longest kidney that the bundle was proven for; none where it takes no length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_cm: Option<[Centimetres; 2]>,
    /// What makes the members' mean probability right as often as it says; none where it is taken as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<ProbabilityFit>,
    /// The largest mean of the members' distances with which an estimate is shown; none where the bundle has no distances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_limit: Option<f32>,
}

/// What is wrong with [`Rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulesError {
    /// The coverage is not between 0 and 1.
    Coverage,
    /// The interval table is empty, not rising, or an offset has the wrong sign.
    Intervals,
    /// The reportable range is empty, or the interval table does not reach its upper end.
    Reportable,
    /// The two probability limits are not 0 <= unlikely_to < likely_from <= 1.
    CkdLimits,
    /// The spread limit is not above zero.
    SpreadLimit,
    /// The lengths are not 0 < low < high.
    LengthCm,
    /// The probability's fit has a slope that is not above zero, or no numbers.
    Probability,
    /// The distance limit is not above zero.
    DistanceLimit,
}

impl RulesError {
    /// The manifest's field that is wrong and what it should be.
    pub fn message(self) -> &'static str {
        match self {
            Self::Coverage => "coverage must lie between 0 and 1",
            Self::Intervals => "intervals must rise in up_to, with below <= 0 <= above",
            Self::Reportable => "reportable must be [low, high] with low < high, covered by intervals",
            Self::CkdLimits => "need 0 <= unlikely_to < likely_from <= 1",
            Self::SpreadLimit => "spread_limit must be above 0",
            Self::LengthCm => "length_cm must be [low, high] with 0 < low < high",
            Self::Probability => "probability needs a slope above 0 and an intercept",
            Self::DistanceLimit => "distance_limit must be above 0",
        }
    }
}

/// How probable eGFR < 60 is, in the words that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ckd {
    /// eGFR < 60 likely.
    Likely,
    /// eGFR < 60 unlikely.
    Unlikely,
    /// Neither.
    Uncertain,
}

/// The KDIGO GFR category. *Source*: KDIGO 2012, chapter 1, table 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the standard's own names")]
pub enum Stage {
    G1,
    G2,
    G3a,
    G3b,
    G4,
    G5,
}

impl Stage {
    /// The category of an eGFR.
    pub fn of(Egfr(egfr): Egfr) -> Self {
        match egfr {
            e if e >= 90.0 => Self::G1,
            e if e >= 60.0 => Self::G2,
            e if e >= 45.0 => Self::G3a,
            e if e >= 30.0 => Self::G3b,
            e if e >= 15.0 => Self::G4,
            _ => Self::G5,
        }
    }

    /// The category's name, such as "G3a".
    pub fn name(self) -> &'static str {
        match self {
            Self::G1 => "G1",
            Self::G2 => "G2",
            Self::G3a => "G3a",
            Self::G3b => "G3b",
            Self::G4 => "G4",
            Self::G5 => "G5",
        }
    }
}

impl Ckd {
    /// The word shown: "likely", "unlikely" or "uncertain".
    pub fn name(self) -> &'static str {
        match self {
            Self::Likely => "likely",
            Self::Unlikely => "unlikely",
            Self::Uncertain => "uncertain",
        }
    }
}

/// What the ensemble says of one crop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean of the members.
    pub egfr: Egfr,
    /// The interval that holds the truth with probability `coverage`.
    pub interval: [Egfr; 2],
    /// See [`Rules::coverage`].
    pub coverage: f32,
    /// The mean of the members' probabilities of eGFR < 60, made right by [`Rules::probability`].
    pub p_ckd: Probability,
    /// The same in a word.
    pub ckd: Ckd,
    /// The KDIGO category of `egfr`.
    pub stage: Stage,
    /// The standard deviation of the members' eGFR.
    pub spread: Egfr,
    /// What each member said.
    pub members: Vec<MemberOutput>,
}

impl Estimate {
    /// The eGFR as the whole number that is shown: rounded, but never out of its stage.
    pub fn whole_egfr(&self) -> u32 {
        let rounded = libm::roundf(self.egfr.0);
        // 59.7 is G3a: shown as 60 it would contradict its stage.
        let whole = if Stage::of(Egfr(rounded)) == self.stage { rounded } else { libm::floorf(self.egfr.0) };
        whole as u32
    }

    /// The interval in whole numbers, rounded outwards: it holds the truth at least as often as is said.
    pub fn whole_interval(&self) -> [u32; 2] {
        [libm::floorf(self.interval[0].0) as u32, libm::ceilf(self.interval[1].0) as u32]
    }
}

impl Rules {
    /// Whether the rules can be used; to be asked once, when a bundle is opened.
    pub fn check(&self) -> Result<(), RulesError> {
        let [low, high] = self.reportable;
        if !(self.coverage > 0.0 && self.coverage < 1.0) {
            return Err(RulesError::Coverage);
        }
        let rising = self.intervals.windows(2).all(|w| w[0].up_to < w[1].up_to);
        let signs = self.intervals.iter().all(|b| b.below.0 <= 0.0 && b.above.0 >= 0.0 && b.up_to.0.is_finite());
        let Some(last) = self.intervals.last().filter(|_| rising && signs) else {
            return Err(RulesError::Intervals);
        };
        if !(low < high && last.up_to >= high) {
            return Err(RulesError::Reportable);
        }
        if !(self.unlikely_to.0 >= 0.0 && self.unlikely_to < self.likely_from && self.likely_from.0 <= 1.0) {
            return Err(RulesError::CkdLimits);
        }
        if !(self.spread_limit.0 > 0.0 && self.spread_limit.0.is_finite()) {
            return Err(RulesError::SpreadLimit);
        }
        if self.length_cm.is_some_and(|[low, high]| !(low.0 > 0.0 && low < high && high.0.is_finite())) {
            return Err(RulesError::LengthCm);
        }
        if !self.probability.is_none_or(ProbabilityFit::usable) {
            return Err(RulesError::Probability);
        }
        if self.distance_limit.is_some_and(|limit| !(limit > 0.0 && limit.is_finite())) {
            return Err(RulesError::DistanceLimit);
        }
        Ok(())
    }

    /// The length that the members take: none where the bundle takes no length, else that of the picture, or why not.
    pub fn length(&self, measured: Option<Centimetres>) -> Result<Option<Centimetres>, Refusal> {
        let Some([low, high]) = self.length_cm else { return Ok(None) };
        let length = measured.ok_or(Refusal::LengthUnknown)?;
        if !(length >= low && length <= high) {
            let limit = if length < low { low } else { high };
            return Err(Refusal::LengthOutsideRange { length, limit });
        }
        Ok(Some(length))
    }

    /// Joins the members' outputs into an estimate, or says why there is none.
    ///
    /// # Panics
    /// If `members` is empty; a bundle without members is refused when it is opened.
    #[expect(clippy::neg_cmp_op_on_partial_ord, reason = "a NaN from a member must refuse")]
    pub fn estimate(&self, members: &MemberOutputs) -> Result<Estimate, Refusal> {
        assert!(!members.is_empty(), "a checked bundle has members");
        let count = members.len() as f32;
        if let Some(limit) = self.distance_limit {
            // A member without a distance must refuse as one that is far.
            let distance = members.iter().map(|m| m.distance.unwrap_or(f32::INFINITY)).sum::<f32>() / count;
            if !(distance <= limit) {
                return Err(Refusal::UnlikeTraining { distance, limit });
            }
        }
        let egfr = members.iter().map(|m| m.egfr.0).sum::<f32>() / count;
        let p_ckd = members.iter().map(|m| m.p_ckd.0).sum::<f32>() / count;
        let p_ckd = self.probability.map_or(Probability(p_ckd), |fit| fit.of(Probability(p_ckd))).0;
        let variance = members.iter().map(|m| (m.egfr.0 - egfr) * (m.egfr.0 - egfr)).sum::<f32>() / count;
        let spread = libm::sqrtf(variance);
        if !(spread <= self.spread_limit.0) {
            return Err(Refusal::MembersDisagree { spread: Egfr(spread), limit: self.spread_limit });
        }
        let [low, high] = self.reportable;
        if !(egfr >= low.0 && egfr <= high.0 && (0.0..=1.0).contains(&p_ckd)) {
            return Err(Refusal::OutsideRange { low, high });
        }
        let band =
            self.intervals.iter().find(|b| egfr <= b.up_to.0).expect("a checked table covers the reportable range");
        Ok(Estimate {
            egfr: Egfr(egfr),
            interval: [Egfr((egfr + band.below.0).max(0.0)), Egfr(egfr + band.above.0)],
            coverage: self.coverage,
            p_ckd: Probability(p_ckd),
            ckd: self.ckd(Probability(p_ckd)),
            stage: Stage::of(Egfr(egfr)),
            spread: Egfr(spread),
            members: members.to_vec(),
        })
    }

    fn ckd(&self, p_ckd: Probability) -> Ckd {
        if p_ckd >= self.likely_from {
            Ckd::Likely
        } else if p_ckd <= self.unlikely_to {
            Ckd::Unlikely
        } else {
            Ckd::Uncertain
        }
    }
}

#[cfg(test)]
mod tests;
