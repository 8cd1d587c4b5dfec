//! A line of print as read -> the length in it, if it is one.
//!
//! Carts print a length as an optional number, letter or mark of the caliper, an optional name, a value and a unit at the
//! end: "1 L 8.84 cm", "1L8.84cm", "Dist2 10.6 cm", "D1 106.2 mm", "+ 10.6cm", "x Dist 2.4 cm", "A: 10.62 cm". Always holds:
//! what has another name (an area, a velocity, the depth setting), no unit, no decimals, or a value that nothing in a
//! kidney's picture has, is no length; a length with one unsure letter that matters is said to be unsure, never guessed.

use super::{Mark, PrintedLength};
use crate::units::Centimetres;
use alloc::{string::String, vec::Vec};
use letters::{Glyph, NAMES, glyphs, is_near, is_part, is_point};
pub use letters::{Letter, raw};

mod letters;

/// What a line of print says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// A length.
    Length {
        /// The length.
        length: PrintedLength,
        /// How sure its least sure digit or point is, 0 to 1.
        sure: f32,
    },
    /// Something that looks like a length and is not surely one, or not surely this one.
    Unsure,
    /// A number with a point and a unit of length, and nothing that says whose it is: a depth, or a length whose mark was lost.
    Bare,
    /// Something else.
    Other,
}

/// Lengths that are measured on a kidney's picture, in centimetres, with room for dwarfed and giant kidneys.
const LENGTH_CM: core::ops::RangeInclusive<f32> = 0.5..=30.0;
/// Digits that a value has before the point, and after it.
const WHOLE_DIGITS_MAX: usize = 3;
const DECIMALS: core::ops::RangeInclusive<usize> = 1..=2;
/// A length whose digits are this sure needs no second look.
pub const BEYOND_DOUBT: f32 = 0.85;
/// How sure every digit and point must be, every letter of label and mark, and of the unit.
const VALUE_SURE: f32 = 0.6;
const OWNER_SURE: f32 = 0.5;
const UNIT_SURE: f32 = 0.5;
/// A blank's gap is wider than that between letters of a word by this, in heights of a capital.
const BLANK_WIDER: f32 = 0.1;

/// The length in a line of print that was read without doubt.
pub fn parse(text: &str) -> Option<PrintedLength> {
    let letter = |character| Letter { character, sure: 1.0, x: 0.0, gap: -1.0 };
    match judge(&text.chars().map(letter).collect::<Vec<_>>()) {
        Said::Length { length, .. } => Some(length),
        Said::Unsure | Said::Bare | Said::Other => None,
    }
}

/// What two readings of one line say together, the first of which left a doubt.
///
/// They must agree on every digit. A length that the first is not sure of must be the other's as well, and one that only
/// one of them reads is taken where the other has the same digits and points, or where it is itself beyond doubt.
pub fn agreed(first: (&[Letter], Said), second: (&[Letter], Said)) -> Said {
    let digits = |letters: &[Letter], kept: fn(&Glyph) -> bool| -> String {
        glyphs(letters).iter().filter(|glyph| kept(glyph)).map(|glyph| glyph.character).collect()
    };
    let same = |kept: fn(&Glyph) -> bool| digits(first.0, kept) == digits(second.0, kept);
    if !same(|glyph| glyph.character.is_ascii_digit()) {
        return Said::Unsure;
    }
    let same_points = same(is_part);
    match (first.1, second.1) {
        (Said::Length { length, .. }, Said::Length { length: other, sure }) => {
            let is_same = (length.label, length.mark, length.length) == (other.label, other.mark, other.length);
            if is_same { Said::Length { length: other, sure } } else { Said::Unsure }
        }
        (Said::Length { length, sure }, _) | (Said::Unsure, Said::Length { length, sure }) if same_points => {
            Said::Length { length, sure }
        }
        (Said::Unsure | Said::Other, Said::Length { length, sure }) if sure >= BEYOND_DOUBT => {
            Said::Length { length, sure }
        }
        _ => Said::Unsure,
    }
}

/// What a line of print says.
pub fn judge(letters: &[Letter]) -> Said {
    let glyphs = glyphs(letters);
    let Some((body, unit, cm_per_unit)) = with_unit(&glyphs) else {
        return if may_have_unit(&glyphs) { Said::Unsure } else { Said::Other };
    };
    let start = body.iter().rposition(|glyph| !is_part(glyph)).map_or(0, |at| at + 1);
    let (name, number) = body.split_at(start);
    let owner = match owner_of(name) {
        Named::Distance(owner) => owner,
        // A number of its own, or with a name that is none of a distance.
        Named::Unknown if number.iter().any(is_point) => return Said::Unsure,
        // Digits and a blank before the value may be a label, or a name or a mark misread.
        Named::Other if name.is_empty() && number.iter().skip(1).any(|glyph| glyph.after_blank) => return Said::Unsure,
        Named::Other if name.is_empty() && number.iter().any(is_point) => return Said::Bare,
        // A name of a distance behind a letter that may be a number.
        Named::Other if may_be_owned(name) && number.iter().any(is_point) => return Said::Unsure,
        Named::Unknown | Named::Other => return Said::Other,
    };
    // Depth settings are written without decimals, also where a blank was lost; more digits are a length's without its point.
    let is_whole = !number.iter().any(is_point) && !number.iter().skip(1).any(|glyph| glyph.after_blank);
    if owner.bare_d && is_whole && number.len() <= WHOLE_DIGITS_MAX {
        return Said::Other;
    }
    let possible = |value: &[Glyph]| value_of(value).is_some_and(|(cm, _)| LENGTH_CM.contains(&(cm * cm_per_unit)));
    let (label, value) = match split(&owner, number, possible) {
        Split::Into(label, value) => (label, value),
        Split::Unsure => return Said::Unsure,
        Split::Other => return Said::Other,
    };
    let sure = |glyphs: &[Glyph], least: f32| glyphs.iter().all(|glyph| glyph.sure >= least);
    let Some((cm, step)) = value_of(value) else { return Said::Unsure };
    let length = Centimetres(cm * cm_per_unit);
    let owners = [&number[..number.len() - value.len()], &name[..owner.letters]];
    if !sure(value, VALUE_SURE) || !owners.iter().all(|owner| sure(owner, OWNER_SURE)) || !sure(unit, UNIT_SURE) {
        return Said::Unsure;
    }
    if !LENGTH_CM.contains(&length.0) {
        return Said::Unsure;
    }
    let label = owner.label.or(label);
    let step = Centimetres(step * cm_per_unit);
    let sure = value.iter().map(|glyph| glyph.sure).fold(1.0, f32::min);
    Said::Length { length: PrintedLength { raw: raw(letters), label, mark: owner.mark, length, step }, sure }
}

/// Whether a line that says something else may be a length with letters misread: a number with a point, the end of a unit, and a letter
/// that was not read surely.
pub fn is_doubtful(letters: &[Letter]) -> bool {
    let glyphs = glyphs(letters);
    glyphs.last().is_some_and(|last| last.character == 'M')
        && glyphs.iter().any(is_point)
        && glyphs.iter().any(|glyph| glyph.sure < BEYOND_DOUBT)
}

/// What stands before a unit of length, the unit, and what it is worth in centimetres; none where there is none.
fn with_unit(glyphs: &[Glyph]) -> Option<(&[Glyph], &[Glyph], f32)> {
    let (body, unit) = glyphs.split_at_checked(glyphs.len().checked_sub(2)?)?;
    match unit {
        [Glyph { character: 'C', .. }, Glyph { character: 'M', .. }] => Some((body, unit, 1.0)),
        [Glyph { character: 'M', .. }, Glyph { character: 'M', .. }] => Some((body, unit, 0.1)),
        _ => None,
    }
}

/// The lengths that a line may say whose point, label or mark was not read surely: its last number, with a point where it has none.
/// To be held against what else tells the length.
pub fn perhaps(letters: &[Letter]) -> Vec<PrintedLength> {
    let glyphs = glyphs(letters);
    // A letter too many may have been read behind the unit.
    let shorter = || with_unit(glyphs.split_last()?.1);
    let Some((body, _, cm_per_unit)) = with_unit(&glyphs).or_else(shorter) else { return Vec::new() };
    let start = body.iter().rposition(|glyph| !is_part(glyph)).map_or(0, |at| at + 1);
    let (name, number) = body.split_at(start);
    let is_numbered = matches!(owner_of(name), Named::Distance(Owner { numbered: true, .. }));
    let begins = (0..number.len()).filter(|&at| at == 0 || number[at].after_blank || at == 1 && is_numbered);
    let point = Glyph { character: '.', sure: 0.0, gap: -1.0, after_blank: false };
    let mut values: Vec<Vec<Glyph>> = Vec::new();
    for value in begins.map(|at| &number[at..]) {
        if value.iter().any(is_point) {
            values.push(value.to_vec());
        } else {
            let places = DECIMALS.filter_map(|decimals| value.len().checked_sub(decimals));
            values.extend(places.map(|at| [&value[..at], &[point], &value[at..]].concat()));
        }
    }
    let length = |value: &Vec<Glyph>| {
        let (value, step) = value_of(value)?;
        let [length, step] = [value, step].map(|value| Centimetres(value * cm_per_unit));
        let is_possible = LENGTH_CM.contains(&length.0);
        is_possible.then(|| PrintedLength { raw: raw(letters), label: None, mark: None, length, step })
    };
    values.iter().filter_map(length).collect()
}

/// Whether a line without a unit may be a length whose unit was misread.
///
/// A number with a point ends in one to three letters that begin as a unit does ("MHz" is none), or in two that end as one, or stands
/// between a distance's name and letters. Squares and speeds are none.
fn may_have_unit(glyphs: &[Glyph]) -> bool {
    let Some(point) = glyphs.iter().position(is_point) else { return false };
    let digits = |glyphs: &[Glyph]| glyphs.iter().take_while(|glyph| glyph.character.is_ascii_digit()).count();
    let start = glyphs[..point].iter().rposition(|glyph| !is_part(glyph)).map_or(0, |at| at + 1);
    let end = point + 1 + digits(&glyphs[point + 1..]);
    let tail: String = glyphs[end..].iter().map(|glyph| glyph.character).collect();
    if start == point || tail.is_empty() || tail.contains(['/', '2', '\u{b2}', 'H']) {
        return false;
    }
    let is_distance = match owner_of(&glyphs[..start]) {
        Named::Distance(owner) => !owner.bare_d,
        Named::Unknown => true,
        Named::Other => false,
    };
    let like_unit = tail.starts_with(['C', 'M']) || tail.len() == 2 && tail.ends_with('M');
    is_distance || like_unit && tail.len() <= 3 && tail.chars().all(|c| c.is_ascii_alphabetic())
}

/// What stands before the value: whose it is, and what it is called.
struct Owner {
    label: Option<u8>,
    mark: Option<Mark>,
    /// Whether it ends in a name that carries a number ("D1", "Dist2").
    numbered: bool,
    /// Whether that name is a bare "D", which may be the depth setting.
    bare_d: bool,
    /// How many of its letters are label and mark.
    letters: usize,
}

/// Whether a name is one of a distance but for a first letter that was not read surely.
fn may_be_owned(name: &[Glyph]) -> bool {
    let [first, rest @ ..] = name else { return false };
    first.sure < BEYOND_DOUBT && !rest.is_empty() && matches!(owner_of(rest), Named::Distance(_))
}

/// What a name says.
enum Named {
    Distance(Owner),
    Unknown,
    Other,
}

fn owner_of(name: &[Glyph]) -> Named {
    let letters: Vec<char> = name.iter().map(|glyph| glyph.character).collect();
    let (label, mark, rest) = match letters.as_slice() {
        ['+', rest @ ..] => (None, Some(Mark::Plus), rest),
        ['X', rest @ ..] => (None, Some(Mark::Cross), rest),
        // No screen has eight measurements.
        ['8', ':'] => (Some(2), None, &[][..]),
        [digit @ '1'..='9', rest @ ..] => (digit.to_digit(10).map(|digit| digit as u8), None, rest),
        [letter @ 'A'..='D', ':'] => (Some(*letter as u8 - b'A' + 1), None, &[][..]),
        rest => (None, None, rest),
    };
    let is_owned = label.is_some() || mark.is_some();
    let word: String = match rest {
        [rest @ .., ':' | '='] => rest.iter().collect(),
        rest => rest.iter().collect(),
    };
    let owner = Owner {
        label,
        mark,
        numbered: !rest.is_empty() && label.is_none() && (word == "D" || is_near(&word, "DIST")),
        bare_d: word == "D" && !is_owned,
        letters: usize::from(is_owned),
    };
    match word.as_str() {
        "" if is_owned => Named::Distance(owner),
        // A bare number with a unit may be the depth or the scale: it needs the caliper's mark.
        "" => Named::Other,
        word if NAMES.iter().any(|known| is_near(word, known)) => Named::Distance(owner),
        word if is_owned && word.chars().all(char::is_alphabetic) => Named::Unknown,
        word if resembles(word, "DIST") || resembles(word, "LENGTH") => Named::Unknown,
        _ => Named::Other,
    }
}

/// Whether most letters of a word are those of the known one, in their order, or its first and last letter are.
fn resembles(word: &str, known: &str) -> bool {
    let frame = |word: &str| (word.chars().next(), word.chars().last());
    if frame(word) == frame(known) {
        return true;
    }
    let mut rest = known.chars();
    let shared = word.chars().filter(|&letter| rest.clone().any(|c| c == letter) && rest.any(|c| c == letter)).count();
    shared >= 2 && 5 * shared > 3 * word.chars().count()
}

/// How the digits after a name are shared between its number and the value.
enum Split<'a> {
    Into(Option<u8>, &'a [Glyph]),
    Unsure,
    Other,
}

/// Shares the digits out: by the blank that was read, else by the wider gap, for recognisers lose blanks.
fn split<'a>(owner: &Owner, number: &'a [Glyph], possible: impl Fn(&[Glyph]) -> bool) -> Split<'a> {
    let digit = |glyph: &Glyph| glyph.character.is_ascii_digit();
    let inner = |at: &usize| number[*at].after_blank && digit(&number[*at]) && digit(&number[*at - 1]);
    let mut blanks = (1..number.len()).filter(inner);
    let (blank, more) = (blanks.next(), blanks.next());
    let Some(first) = number.first() else { return Split::Other };
    let label = first.character.to_digit(10).filter(|&digit| digit > 0).map(|digit| digit as u8);
    let whole = number.iter().take_while(|glyph| digit(glyph)).count();
    let without = if owner.bare_d { Split::Other } else { Split::Into(None, number) };
    match (blank, more) {
        (Some(1), None) if owner.numbered && label.is_some() => Split::Into(label, &number[1..]),
        // "1 10.6 cm": a number before the value with no name between them.
        (Some(_), _) => Split::Unsure,
        (None, _) if !owner.numbered || first.after_blank || label.is_none() || whole < 2 => without,
        (None, _) => match (first.gap, number[1].gap) {
            (before, after) if after >= 0.0 && before >= after + BLANK_WIDER => without,
            // What has a mark needs no number.
            _ if owner.mark.is_some() => Split::Unsure,
            (before, after) if before >= 0.0 && after >= before + BLANK_WIDER => Split::Into(label, &number[1..]),
            // Without gaps to go by, only one reading may be possible.
            _ if !possible(number) && possible(&number[1..]) => Split::Into(label, &number[1..]),
            _ => Split::Unsure,
        },
    }
}

/// A value and the step that it is printed in, both in its unit; none where it is not written as carts write them.
fn value_of(value: &[Glyph]) -> Option<(f32, f32)> {
    let point = value.iter().position(is_point)?;
    let (whole, decimals) = (point, value.len() - point - 1);
    let plain = value.iter().filter(|glyph| is_point(glyph)).count() == 1;
    let padded = whole > 1 && value[0].character == '0';
    if !plain || padded || !(1..=WHOLE_DIGITS_MAX).contains(&whole) || !DECIMALS.contains(&decimals) {
        return None;
    }
    let digits: String = value.iter().map(|glyph| glyph.character).collect();
    Some((digits.parse().ok()?, if decimals == 1 { 0.1 } else { 0.01 }))
}

#[cfg(test)]
mod tests;
