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
    /// The mean of the members' probabilities of eGFR < 60.
    pub p_ckd: Probability,
    /// The same in a word.
    pub ckd: Ckd,
    /// The KDIGO category of `egfr`.
    pub stage: Stage,
    /// The standard deviation of the members' eGFR.
    pub spread: Egfr,
    /// What each member said.
    pub members: MemberOutputs,
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
        let egfr = members.iter().map(|m| m.egfr.0).sum::<f32>() / count;
        let p_ckd = members.iter().map(|m| m.p_ckd.0).sum::<f32>() / count;
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
            members: members.clone(),
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
mod tests {
    use super::*;

    fn rules() -> Rules {
        let band = |up_to, below, above| IntervalBand {
            up_to: Egfr(up_to),
            below: Egfr(below),
            above: Egfr(above),
            count: 100,
        };
        Rules {
            coverage: 0.9,
            intervals: alloc::vec![band(45.0, -20.0, 15.0), band(120.0, -30.0, 25.0)],
            reportable: [Egfr(5.0), Egfr(110.0)],
            likely_from: Probability(0.8),
            unlikely_to: Probability(0.2),
            spread_limit: Egfr(15.0),
            length_cm: Some([Centimetres(7.0), Centimetres(14.0)]),
        }
    }

    fn outputs(pairs: &[(f32, f32)]) -> MemberOutputs {
        pairs.iter().map(|&(egfr, p)| MemberOutput { egfr: Egfr(egfr), p_ckd: Probability(p) }).collect()
    }

    #[test]
    fn given_members_expect_their_mean_with_the_bands_interval() {
        let estimate = rules().estimate(&outputs(&[(40.0, 0.9), (44.0, 1.0)])).unwrap();
        assert_eq!((estimate.egfr, estimate.stage, estimate.ckd), (Egfr(42.0), Stage::G3b, Ckd::Likely));
        assert_eq!(estimate.interval, [Egfr(22.0), Egfr(57.0)]);
        assert_eq!((estimate.spread, estimate.p_ckd.0), (Egfr(2.0), 0.95));
    }

    #[test]
    fn given_a_high_probability_expect_low_egfr_likely_and_never_the_reverse() {
        // Polarity: the probability speaks of eGFR < 60 (`CKD_EGFR`), so a sick kidney has a high one.
        let sick = rules().estimate(&outputs(&[(20.0, 0.97)])).unwrap();
        let well = rules().estimate(&outputs(&[(95.0, 0.03)])).unwrap();
        let between = rules().estimate(&outputs(&[(60.0, 0.5)])).unwrap();
        assert_eq!((sick.ckd, well.ckd, between.ckd), (Ckd::Likely, Ckd::Unlikely, Ckd::Uncertain));
    }

    #[test]
    fn given_members_apart_out_of_range_or_not_numbers_expect_a_refusal() {
        let refused = |pairs: &[(f32, f32)]| rules().estimate(&outputs(pairs)).unwrap_err();
        let apart = refused(&[(10.0, 0.9), (90.0, 0.1)]);
        assert_eq!(apart, Refusal::MembersDisagree { spread: Egfr(40.0), limit: Egfr(15.0) });
        let outside = Refusal::OutsideRange { low: Egfr(5.0), high: Egfr(110.0) };
        assert_eq!(refused(&[(111.0, 0.0)]), outside);
        assert_eq!(refused(&[(4.9, 1.0)]), outside);
        assert_eq!(refused(&[(50.0, f32::NAN)]), outside);
        assert!(matches!(refused(&[(f32::NAN, 0.5)]), Refusal::MembersDisagree { .. }));
    }

    #[test]
    fn given_no_length_or_one_beyond_the_proven_ones_expect_a_refusal_and_never_a_guess() {
        let of = |cm| rules().length(Some(Centimetres(cm)));
        let outside =
            |cm, limit| Err(Refusal::LengthOutsideRange { length: Centimetres(cm), limit: Centimetres(limit) });
        assert_eq!(rules().length(None), Err(Refusal::LengthUnknown));
        assert_eq!((of(7.0), of(14.0)), (Ok(Some(Centimetres(7.0))), Ok(Some(Centimetres(14.0)))));
        assert_eq!((of(6.9), of(14.1)), (outside(6.9, 7.0), outside(14.1, 14.0)));
        assert!(matches!(of(f32::NAN), Err(Refusal::LengthOutsideRange { .. })));
        let without = Rules { length_cm: None, ..rules() };
        assert_eq!((without.length(None), without.length(Some(Centimetres(3.0)))), (Ok(None), Ok(None)));
    }

    #[test]
    fn given_each_stage_boundary_expect_kdigos_category() {
        let stages = [90.0, 89.9, 60.0, 59.9, 45.0, 44.9, 30.0, 29.9, 15.0, 14.9].map(|e| Stage::of(Egfr(e)).name());
        assert_eq!(stages, ["G1", "G2", "G2", "G3a", "G3a", "G3b", "G3b", "G4", "G4", "G5"]);
    }

    #[test]
    fn given_broken_rules_expect_the_field_named() {
        let broken = |change: fn(&mut Rules)| {
            let mut rules = rules();
            change(&mut rules);
            rules.check().unwrap_err()
        };
        assert_eq!(rules().check(), Ok(()));
        assert_eq!(broken(|r| r.coverage = 1.0), RulesError::Coverage);
        assert_eq!(broken(|r| r.intervals.clear()), RulesError::Intervals);
        assert_eq!(broken(|r| r.intervals[0].below = Egfr(1.0)), RulesError::Intervals);
        assert_eq!(broken(|r| r.reportable[1] = Egfr(200.0)), RulesError::Reportable);
        assert_eq!(broken(|r| r.unlikely_to = Probability(0.9)), RulesError::CkdLimits);
        assert_eq!(broken(|r| r.spread_limit = Egfr(f32::NAN)), RulesError::SpreadLimit);
        assert_eq!(broken(|r| r.length_cm = Some([Centimetres(9.0), Centimetres(9.0)])), RulesError::LengthCm);
    }
}
