//! A line of print as read -> the length in it, if it is one.
//!
//! Carts print a length as an optional number or plus of the caliper, an optional name, a value and a unit at the end:
//! "1 L 8.84 cm", "1L8.84cm", "Dist 10.6 cm", "D1 106.2 mm", "+ 10.6cm". Always holds: what has another name (an area, a
//! velocity, the depth setting), no unit, or a value that no kidney has, is no length.

use super::PrintedLength;
use crate::units::Centimetres;
use alloc::{string::String, vec::Vec};

/// Lengths that a kidney may have, in centimetres, with room for dwarfed and giant ones.
const LENGTH_CM: core::ops::RangeInclusive<f32> = 1.0..=30.0;
/// Names that carts give to a distance. *Source*: the measurement boxes of LOGIQ, Philips, Siemens, Canon, Samsung, Mindray.
const NAMES: [&str; 7] = ["L", "DIST", "DIST.", "DISTANCE", "LENGTH", "LEN", "LT"];
/// More digits than this before the point hold a label and the value run together.
const WHOLE_DIGITS_MAX: usize = 3;

/// The length in a line of print.
pub fn parse(raw: &str) -> Option<PrintedLength> {
    let letters: Vec<char> = raw.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let (body, cm_per_unit) = match letters.as_slice() {
        [body @ .., 'C', 'M'] => (body, 1.0),
        [body @ .., 'M', 'M'] => (body, 0.1),
        _ => return None,
    };
    let is_part = |c: &char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let start = body.iter().rposition(|c| !is_part(c)).map_or(0, |at| at + 1);
    let (name, number) = body.split_at(start);
    let (mut label, distance) = name_of(name)?;
    let point = number.iter().position(|c| !c.is_ascii_digit()).unwrap_or(number.len());
    let (mut whole, fraction) = number.split_at(point);
    // Where the blank got lost, "D1 106.2" comes as "D1106.2".
    if whole.len() > WHOLE_DIGITS_MAX && label.is_none() {
        label = label_of(whole[0]);
        whole = &whole[1..];
    }
    if !(distance || label.is_some()) || whole.is_empty() || whole.len() > WHOLE_DIGITS_MAX {
        return None;
    }
    let decimals = fraction.split_first().map_or(&[][..], |(_, decimals)| decimals);
    if decimals.len() > 3 || !decimals.iter().all(char::is_ascii_digit) || (!fraction.is_empty() && decimals.is_empty())
    {
        return None;
    }
    let digits: String = whole.iter().chain(&['.']).chain(decimals).collect();
    let length = Centimetres(digits.parse::<f32>().ok()? * cm_per_unit);
    LENGTH_CM.contains(&length.0).then(|| PrintedLength { raw: String::from(raw.trim()), label, length })
}

/// What stands before a length's value: the caliper's label, and whether it is the name of a distance.
fn name_of(name: &[char]) -> Option<(Option<u8>, bool)> {
    let (label, marked, rest) = match name {
        ['+' | 'X' | '\u{d7}', rest @ ..] => (None, true, rest),
        [digit @ '1'..='9', rest @ ..] => (label_of(*digit), true, rest),
        rest => (None, false, rest),
    };
    let rest = match rest {
        [rest @ .., ':' | '='] => rest,
        rest => rest,
    };
    // "D1" and "D" with a label are distances; a "D" alone may be the depth setting.
    if let ['D', digit @ '1'..='9'] = rest {
        return Some((label_of(*digit), true));
    }
    if rest == ['D'] {
        return Some((label, label.is_some()));
    }
    let word: String = rest.iter().collect();
    // A bare number with a unit may be the depth or the scale: it needs the caliper's mark.
    (NAMES.contains(&word.as_str()) || marked && word.is_empty()).then_some((label, true))
}

fn label_of(digit: char) -> Option<u8> {
    digit.to_digit(10).filter(|&label| label > 0).map(|label| label as u8)
}

#[cfg(test)]
mod tests {
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
        check("L 10,62 cm", Some((None, 10.62)));
        check("Length: 9.80cm", Some((None, 9.8)));
        check(" L 11.0 cm ", Some((None, 11.0)));
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
        ] {
            check(raw, None);
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
            prop_assert_eq!(length.label, Some(label));
            prop_assert!((length.length.0 - hundredths as f32 / 100.0).abs() < 1e-4);
        }
    }
}
