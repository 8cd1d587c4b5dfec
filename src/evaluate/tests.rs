//! Figures worked out by hand; `tests/evaluate.rs` holds all of them against numpy, scipy and scikit-learn.

use super::{
    agreement::{bias, ccc, iqr, mae, pearson_r, quantile, r2, slope, within},
    discrimination::{Counts, auc, auc_interval, roc},
    tables::{by_band, by_stage, calibration, confusion, wilson},
    *,
};

const SETTINGS: Settings = Settings { ckd_threshold: 0.5, prevalence: None, resamples: 200, seed: 1 };

fn case(truth: f64, predicted: f64) -> Case {
    Case { truth, predicted, p_ckd: None, interval: None, patient: 0 }
}

/// Cases of truth and probability, of a patient each.
fn said(pairs: &[(f64, f64)]) -> Vec<Case> {
    let of = |(patient, &(truth, p)): (usize, &(f64, f64))| Case { p_ckd: Some(p), patient, ..case(truth, truth) };
    pairs.iter().enumerate().map(of).collect()
}

fn check_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
}

#[test]
fn given_four_cases_expect_their_errors_as_by_hand() {
    // Errors 10, -10, 30, 0.
    let cases = [case(20.0, 30.0), case(40.0, 30.0), case(60.0, 90.0), case(80.0, 80.0)];
    check_near(mae(&cases), 12.5);
    check_near(bias(&cases), 5.0);
    // Quartiles -2.5 and 15 by straight lines between -10, 0, 10, 30.
    check_near(iqr(&cases), 17.5);
    check_near(within(&cases, 30.0), 0.5);
    check_near(within(&cases, 50.0), 1.0);
    // Squared errors 1100 over squares 2000.
    check_near(r2(&cases).unwrap(), 0.45);
    check_near(slope(&cases).unwrap(), 1.05);
}

#[test]
fn given_estimates_that_are_the_truth_or_its_mirror_expect_plus_and_minus_one() {
    let same = [case(20.0, 20.0), case(50.0, 50.0), case(90.0, 90.0)];
    let mirror = [case(20.0, 90.0), case(55.0, 55.0), case(90.0, 20.0)];
    for (cases, expected) in [(same, 1.0), (mirror, -1.0)] {
        check_near(pearson_r(&cases).unwrap(), expected);
        check_near(ccc(&cases).unwrap(), expected);
    }
    let level = [case(20.0, 50.0), case(80.0, 50.0)];
    assert_eq!((pearson_r(&level), ccc(&level), r2(&level)), (None, Some(0.0), Some(0.0)));
    assert_eq!(r2(&[case(50.0, 40.0), case(50.0, 60.0)]), None);
}

#[test]
fn given_scores_expect_the_share_of_pairs_in_order_with_ties_half() {
    // Of the pairs (0.9, 0.4 below 60) x (0.4, 0.1 above): right, right, tie, right.
    let cases = said(&[(30.0, 0.9), (50.0, 0.4), (70.0, 0.4), (90.0, 0.1)]);
    check_near(auc(&cases).unwrap(), 0.875);
    let corners = roc(&cases).unwrap();
    assert_eq!(corners, [[0.0, 0.0], [0.0, 0.5], [0.5, 1.0], [1.0, 1.0]]);
    let counts = Counts::of(&cases, &SETTINGS);
    assert_eq!((counts.sensitivity(), counts.specificity(), counts.accuracy()), (Some(0.5), Some(1.0), Some(0.75)));
    // Half of a tenth against none of the rest.
    assert_eq!((counts.ppv(Some(0.1)), counts.npv(Some(0.5))), (Some(1.0), Some(1.0 / 1.5)));
    let lower = Counts::of(&cases, &Settings { ckd_threshold: 0.4, ..SETTINGS });
    assert_eq!((lower.true_positive, lower.false_positive), (2, 1), "the threshold itself counts");
}

#[test]
fn given_one_side_alone_expect_none_and_no_number() {
    let sick = said(&[(30.0, 0.9), (50.0, 0.4)]);
    assert_eq!((auc(&sick), auc_interval(&sick), roc(&sick)), (None, None, None));
    let counts = Counts::of(&sick, &SETTINGS);
    assert_eq!((counts.sensitivity(), counts.specificity(), counts.ppv(Some(0.5))), (Some(0.5), None, None));
    let figures = figures(&sick, &SETTINGS, || {});
    let auc = MEASURES.iter().position(|measure| measure.name == "auc").unwrap();
    assert_eq!(figures[auc], Figure { value: None, interval: None });
    assert!(figures.iter().all(|figure| figure.value.is_none_or(f64::is_finite)));
}

#[test]
fn given_low_estimates_without_probabilities_expect_them_to_score_and_to_say_below_60() {
    let cases = [case(30.0, 40.0), case(90.0, 80.0)];
    assert_eq!(auc(&cases), Some(1.0));
    assert_eq!(cases.map(|case| case.said_ckd(&SETTINGS)), [true, false]);
    assert_eq!([case(50.0, 59.9), case(50.0, 60.0)].map(|case| case.said_ckd(&SETTINGS)), [true, false]);
}

#[test]
fn given_cases_expect_them_in_their_category_band_and_tenth() {
    let with =
        |truth, predicted, p, interval| Case { p_ckd: Some(p), interval: Some(interval), ..case(truth, predicted) };
    let cases = [
        with(10.0, 20.0, 1.0, [5.0, 10.0]),
        with(12.0, 20.0, 0.95, [13.0, 30.0]),
        with(95.0, 70.0, 0.0, [60.0, 100.0]),
    ];
    let counts = confusion(&cases);
    assert_eq!((counts[5][4], counts[0][1], counts.iter().flatten().sum::<usize>()), (2, 1, 3));
    let stages = by_stage(&cases);
    assert_eq!(stages.iter().map(|row| (row.stage, row.count)).collect::<Vec<_>>(), [(Stage::G1, 1), (Stage::G5, 2)]);
    check_near(stages[1].bias, 9.0);
    // An interval holds its own ends.
    let bands = by_band(&cases);
    assert_eq!(
        bands.iter().map(|row| (row.stage, row.coverage)).collect::<Vec<_>>(),
        [(Stage::G2, 1.0), (Stage::G4, 0.5)]
    );
    check_near(bands[1].interval_width, 11.0);
    let bins = calibration(&cases);
    assert_eq!(
        bins.iter().map(|bin| (bin.from, bin.count, bin.was)).collect::<Vec<_>>(),
        [(0.0, 1, 0.0), (0.9, 2, 1.0)]
    );
}

#[test]
fn given_a_share_expect_wilsons_interval_within_0_and_1() {
    // Source: Newcombe 1998, Statistics in Medicine 17:857, table I: 81 of 263, and 0 of 20.
    let [low, high] = wilson(81.0 / 263.0, 263);
    assert!((low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5, "{low} {high}");
    let [low, high] = wilson(0.0, 20);
    assert!(low == 0.0 && (high - 0.1611).abs() < 5e-5, "{low} {high}");
}

#[test]
fn given_patients_with_several_pictures_expect_all_of_theirs_or_none_in_a_draw() {
    let cases: Vec<Case> = (0..30).map(|n| Case { patient: n / 3, ..case(50.0 + n as f64, 50.0) }).collect();
    let (mut draws, mut same) = (Draws::new(&cases, 3), Draws::new(&cases, 3));
    for _ in 0..20 {
        let drawn = draws.draw();
        assert_eq!(drawn.len(), 30);
        for patient in 0..10 {
            let own = |case: &&Case| case.patient == patient;
            assert_eq!(drawn.iter().filter(own).count() % 3, 0);
        }
        assert_eq!(drawn, same.draw());
    }
}

#[test]
fn given_values_expect_their_quantiles_in_straight_lines() {
    assert_eq!([0.0, 0.5, 1.0].map(|at| quantile(&[1.0, 2.0, 4.0, 8.0], at)), [1.0, 3.0, 8.0]);
    assert_eq!(quantile(&[5.0], 0.3), 5.0);
    assert_eq!(bootstrap::interval(alloc::vec![1.0; 80], 100), None, "too few draws define it");
    assert_eq!(bootstrap::interval(alloc::vec![1.0; 95], 100), Some([1.0, 1.0]));
}
