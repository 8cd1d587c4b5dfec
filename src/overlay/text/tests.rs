//! Lines of print as read, and what they say.
#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn check(raw: &str, expected: Option<(Option<u8>, f32)>) {
    let found = parse(raw).map(|length| (length.label, length.length.0));
    match (found, expected) {
        (Some((label, cm)), Some((wanted, wanted_cm))) => {
            assert!(label == wanted && (cm - wanted_cm).abs() < 1e-4, "{raw}: {label:?} {cm}");
        }
        _ => assert_eq!(found, expected, "{raw}"),
    }
}

#[test]
fn given_the_forms_of_the_carts_expect_label_and_length() {
    check("1 L 8.84 cm", Some((Some(1), 8.84)));
    check("1L8.84cm", Some((Some(1), 8.84)));
    check("Dist 10.6 cm", Some((None, 10.6)));
    check("+ Dist 10.6 cm", Some((None, 10.6)));
    check("+ 10.6cm", Some((None, 10.6)));
    check("D1 106.2 mm", Some((Some(1), 10.62)));
    check("D1106.2mm", Some((Some(1), 10.62)));
    check("2 D 9.1 cm", Some((Some(2), 9.1)));
    check("Dist2 5.1 cm", Some((Some(2), 5.1)));
    check("Distl 10.6 cm", Some((Some(1), 10.6)));
    check("Dis2 10.6 cm", Some((Some(2), 10.6)));
    check("Dist10.6 cm", None);
    check("Dist 10.6 cm", Some((None, 10.6)));
    check("D495.1mm", Some((Some(4), 9.51)));
    check("B: 7.08 cm", Some((Some(2), 7.08)));
    check("l L 8.84 cm", Some((Some(1), 8.84)));
    check("x 10.6cm", Some((None, 10.6)));
    check("xDist6.1cm", Some((None, 6.1)));
    check("L 10,62 cm", Some((None, 10.62)));
    check("Length: 9.80cm", Some((None, 9.8)));
    check(" L 11.0 cm ", Some((None, 11.0)));
    // A colon or a point where only the other can stand.
    check("D1116:5 mm", Some((Some(1), 11.65)));
    check("A. 9.52 cm", Some((Some(1), 9.52)));
    // A point where a blank is.
    check("1D.10.06cm", Some((Some(1), 10.06)));
    check("D2.57.2 mm", Some((Some(2), 5.72)));
    check("1D7.84.cm", Some((Some(1), 7.84)));
    // A letter where only a digit can stand, and what nothing ends in.
    check("1 L B.36 cm", Some((Some(1), 8.36)));
    check("1D 2.23 cm ^", Some((Some(1), 2.23)));
}

#[test]
fn given_other_print_expect_no_length() {
    for raw in [
        "",
        "cm",
        "L cm",
        "8.84",
        "D 15.0 cm",
        "Vol 120 cm",
        "A 12.3 cm2",
        "Vel 30.1 cm/s",
        "1 L 8.84 m",
        "0.4 cm",
        "99.9 cm",
        "1 L 8. cm",
        "L 8.8.4 cm",
        "MI 1.2",
        "12345.6 mm",
        "Frq 4.0",
        "1 W 5.1 cm",
        "L -8.84 cm",
        "11.0 cm",
        "15 cm",
        "49.7 cm",
        "12 Hz / 15.0cm",
        "D 174 mm",
        "D174mm",
        "-22.5 cm/s",
        "D121.1mm",
        "Dist25.1cm",
        "x Dist 32 cm",
        "1 10.6 cm",
        "1:5 cm",
        "D. 9.52 cm",
    ] {
        check(raw, None);
    }
}

/// Letters of a text, of which those of `unsure` are not sure; gaps before the letters of `wide` are wide.
fn letters(text: &str, unsure: &str, wide: &str) -> Vec<Letter> {
    let letter = |character| Letter {
        character,
        sure: if unsure.contains(character) { 0.4 } else { 0.95 },
        x: 0.0,
        gap: if wide.contains(character) { 0.5 } else { 0.15 },
    };
    text.chars().map(letter).collect()
}

#[test]
fn given_a_lost_blank_expect_the_wider_gap_to_tell_label_from_value() {
    let value = |text: &str, wide: &str| match judge(&letters(text, "", wide)) {
        Said::Length { length, .. } => Some((length.label, length.length.0)),
        Said::Unsure | Said::Bare | Said::Other => None,
    };
    assert_eq!(value("Dist25.1cm", "5"), Some((Some(2), 5.1)));
    assert_eq!(value("Dist25.1cm", "2"), Some((None, 25.1)));
    assert_eq!(judge(&letters("Dist25.1cm", "", "")), Said::Unsure);
    // What has a mark has no number: a gap that tells one is not measured rightly.
    assert_eq!(judge(&letters("xDist10.9cm", "", "0")), Said::Unsure);
    assert_eq!(value("xDist10.9cm", "1"), Some((None, 10.9)));
    // An eighth measurement is a B.
    assert_eq!(value("8: 10.93 cm", ""), Some((Some(2), 10.93)));
    // With its blank before the value this is the depth setting.
    assert_eq!(judge(&letters("D15.0cm", "", "1")), Said::Other);
}

#[test]
fn given_an_unsure_letter_that_matters_expect_no_length_and_it_said() {
    for (text, unsure) in [("1 L 8.84 cm", "4"), ("1 L 8.84 cm", "."), ("1 L 8.84 cm", "1"), ("1 L 8.84 cm", "c")] {
        assert_eq!(judge(&letters(text, unsure, "")), Said::Unsure, "{unsure} in {text}");
    }
    for text in [
        "1 L 8.84 c",
        "1 L 8.84 cr",
        "10:11.20 om",
        "20 7.89 em",
        "1 L 884 cm",
        "1 W 5.1 cm",
        "Ds12 9.2 cm",
        "1 L 8.8.4 cm",
        "3 L 8.84 cml!",
    ] {
        assert_eq!(judge(&letters(text, "", "")), Said::Unsure, "{text}");
    }
    for text in [
        "H4.00 MHz",
        "12 Hz / 15.0cm",
        "R13.0",
        "D 174 mm",
        "D114mm",
        "Depth 15.0 cm",
        "A 12.3 cm2",
        "+23.4",
        "1 L 8.8 cm2",
    ] {
        assert_eq!(judge(&letters(text, "", "")), Said::Other, "{text}");
    }
    for text in ["13.4cm", "49.7 cm"] {
        assert_eq!(judge(&letters(text, "", "")), Said::Bare, "{text}");
    }
    for text in ["D1932mm", "D162 5mm", "x 11.lcm", "01 93.1 mm"] {
        assert_eq!(judge(&letters(text, "l5", "")), Said::Unsure, "{text}");
    }
    assert!(matches!(judge(&letters("1 L 8.84 cm", "L ", "")), Said::Length { .. }));
    // What smear makes of a blank; what is surely read is no smear.
    assert!(matches!(judge(&letters("D1/114.5 mm", "/", "")), Said::Length { .. }));
    assert!(!matches!(judge(&letters("D1/114.5 mm", "", "")), Said::Length { .. }));
}

#[test]
fn given_two_readings_expect_a_length_only_where_they_agree() {
    let both = |first: &str, second: &str| {
        let (first, second) = (letters(first, "", ""), letters(second, "", ""));
        match agreed((&first, judge(&first)), (&second, judge(&second))) {
            Said::Length { length, .. } => Some((length.label, length.length.0)),
            Said::Unsure | Said::Bare | Said::Other => None,
        }
    };
    assert_eq!(both("1 L 8.84 cm", "1 L 8.84 cm"), Some((Some(1), 8.84)));
    assert_eq!(both("1 L 8.84.cm", "1 L 8.84 cm"), Some((Some(1), 8.84)));
    assert_eq!(both("1 L 8.84 cm", "1 L 8.84 c"), Some((Some(1), 8.84)));
    assert_eq!(both("1 L 884 cm", "1 L 8.84 cm"), Some((Some(1), 8.84)));
    assert_eq!(both("2 D 10.46 cmm", "2 D 10.46 cm"), Some((Some(2), 10.46)));
    for (first, second) in [
        ("1 L 8.84 cm", "1 L 8.34 cm"),
        ("1 L 8.84 cm", "1 L 884 cm"),
        ("1 L 8.84 cm", "7 L 8.84 cm"),
        ("Dist1 1.8 cm", "Dist 11.8 cm"),
        ("+ 10.6cm", "x 10.6cm"),
    ] {
        assert_eq!(both(first, second), None, "{first} and {second}");
    }
}

#[test]
fn given_a_line_not_surely_read_expect_the_values_that_it_may_have() {
    for (text, values) in [
        ("x72cm", &[7.2][..]),
        ("x Dist 92 cm", &[9.2]),
        ("D2 104 9 mm", &[21.049, 10.49, 1.049]),
        ("63 40.7 mm", &[4.07]),
        ("8. 8.17 cm", &[8.17]),
        ("+ Dist 10.2 cm", &[10.2]),
        ("Dist27.8cm", &[27.8, 7.8]),
        ("x 7.3cml", &[7.3]),
        ("5.0MHz", &[]),
        ("cm", &[]),
    ] {
        let found: Vec<f32> = perhaps(&letters(text, "", "")).iter().map(|length| length.length.0).collect();
        let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-4;
        assert!(found.len() == values.len() && found.iter().zip(values).all(near), "{text}: {found:?}");
    }
}

#[test]
fn given_another_line_with_a_point_and_a_unit_and_an_unsure_letter_expect_a_doubt() {
    assert!(is_doubtful(&letters("B2 56.4 mm", "B", "")));
    for (text, unsure) in [("B2 56.4 mm", ""), ("B2 564 mm", "B"), ("B2 56.4", "B"), ("", "")] {
        assert!(!is_doubtful(&letters(text, unsure, "")), "{text}");
    }
}

#[test]
fn given_marks_and_decimals_expect_them_kept() {
    for (text, mark, step) in [
        ("+ 10.6cm", Some(Mark::Plus), 0.1),
        ("x Dist 10.6 cm", Some(Mark::Cross), 0.1),
        ("\u{d7} 10.62 cm", Some(Mark::Cross), 0.01),
        ("D1 106.2 mm", None, 0.01),
        ("1 L 8.84 cm", None, 0.01),
    ] {
        let length = parse(text).unwrap();
        assert!(length.mark == mark && (length.step.0 - step).abs() < 1e-6, "{length:?}");
    }
}

proptest! {
    #[test]
    fn given_any_text_expect_no_panic_and_only_lengths_of_kidneys(raw in "\\PC{0,24}") {
        if let Some(length) = parse(&raw) {
            prop_assert!(LENGTH_CM.contains(&length.length.0));
        }
    }

    #[test]
    fn given_a_printed_length_expect_it_back(label in 1_u8..=4, hundredths in 300_u32..2_400) {
        let raw = alloc::format!("{label} L {}.{:02} cm", hundredths / 100, hundredths % 100);
        let length = parse(&raw).unwrap();
        prop_assert!((length.step.0 - 0.01).abs() < 1e-6);
        prop_assert_eq!(length.label, Some(label));
        prop_assert!((length.length.0 - hundredths as f32 / 100.0).abs() < 1e-4);
    }
}
