use super::*;

fn rules() -> Rules {
    let band =
        |up_to, below, above| IntervalBand { up_to: Egfr(up_to), below: Egfr(below), above: Egfr(above), count: 100 };
    Rules {
        coverage: 0.9,
        intervals: alloc::vec![band(45.0, -20.0, 15.0), band(120.0, -30.0, 25.0)],
        reportable: [Egfr(5.0), Egfr(110.0)],
        likely_from: Probability(0.8),
        unlikely_to: Probability(0.2),
        spread_limit: Egfr(15.0),
        length_cm: Some([Centimetres(7.0), Centimetres(14.0)]),
        probability: None,
        distance_limit: None,
    }
}

fn outputs(pairs: &[(f32, f32)]) -> MemberOutputs {
    let output = |&(egfr, p)| MemberOutput { egfr: Egfr(egfr), p_ckd: Probability(p), distance: None };
    pairs.iter().map(output).collect()
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
    let outside = |cm, limit| Err(Refusal::LengthOutsideRange { length: Centimetres(cm), limit: Centimetres(limit) });
    assert_eq!(rules().length(None), Err(Refusal::LengthUnknown));
    assert_eq!((of(7.0), of(14.0)), (Ok(Some(Centimetres(7.0))), Ok(Some(Centimetres(14.0)))));
    assert_eq!((of(6.9), of(14.1)), (outside(6.9, 7.0), outside(14.1, 14.0)));
    assert!(matches!(of(f32::NAN), Err(Refusal::LengthOutsideRange { .. })));
    let without = Rules { length_cm: None, ..rules() };
    assert_eq!((without.length(None), without.length(Some(Centimetres(3.0)))), (Ok(None), Ok(None)));
}

#[test]
fn given_a_fit_expect_its_probability_shown_and_judged_and_the_order_kept() {
    let fit = ProbabilityFit { slope: 2.0, intercept: -0.5, count: 90 };
    let fitted = Rules { probability: Some(fit), ..rules() };
    let p = |said| fitted.estimate(&outputs(&[(50.0, said)])).unwrap();
    // Log-odds of 0.8 are 1.386294: twice that less 0.5 are 2.272589, of which the probability is 0.906581.
    assert!((p(0.8).p_ckd.0 - 0.906_581).abs() < 1e-6 && p(0.7).ckd == Ckd::Uncertain && p(0.8).ckd == Ckd::Likely);
    assert_eq!((p(0.0).p_ckd.0, p(1.0).p_ckd.0, p(0.8).members[0].p_ckd.0), (0.0, 1.0, 0.8));
    assert!(fitted.estimate(&outputs(&[(50.0, f32::NAN)])).is_err());
    assert!((1..100).all(|i| p(i as f32 / 100.0).p_ckd > p((i - 1) as f32 / 100.0).p_ckd));
}

#[test]
fn given_a_picture_far_from_the_trainings_expect_a_refusal_whatever_the_members_say() {
    let limited = Rules { distance_limit: Some(1.5), ..rules() };
    let at = |distances: [Option<f32>; 2]| {
        let output = |distance| MemberOutput { distance, ..outputs(&[(50.0, 0.5)])[0] };
        limited.estimate(&distances.into_iter().map(output).collect())
    };
    assert!(at([Some(1.0), Some(2.0)]).is_ok());
    let far = at([Some(1.0), Some(2.5)]);
    assert_eq!(far.unwrap_err(), Refusal::UnlikeTraining { distance: 1.75, limit: 1.5 });
    for unknown in [None, Some(f32::NAN)] {
        assert!(matches!(at([Some(1.0), unknown]), Err(Refusal::UnlikeTraining { .. })));
    }
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
    let fit = ProbabilityFit { slope: 1.0, intercept: 0.0, count: 90 };
    assert_eq!(Rules { probability: Some(fit), ..rules() }.check(), Ok(()));
    let turned = Rules { probability: Some(ProbabilityFit { slope: -1.0, ..fit }), ..rules() };
    assert_eq!(turned.check(), Err(RulesError::Probability));
    assert_eq!(broken(|r| r.distance_limit = Some(0.0)), RulesError::DistanceLimit);
}
