//! Letters as a recogniser reads them -> what was printed, where it can have been only one thing.

use super::OWNER_SURE;
use alloc::{string::String, vec::Vec};

/// Names that carts give to a distance. *Source*: the measurement boxes of LOGIQ, Philips, Siemens, Canon, Samsung, Mindray.
pub(super) const NAMES: [&str; 8] = ["L", "D", "LT", "LEN", "DIST", "DIST.", "LENGTH", "DISTANCE"];
/// Names this long are known also with one letter misread.
const NAME_LONG: usize = 4;
/// Marks that no length has.
const SPECKS: &str = "/-_'`~\"\\";
/// Marks that nothing ends in.
const LAST_SPECKS: &str = "-_'`~\"^";

/// A letter as it was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letter {
    /// The letter.
    pub character: char,
    /// How sure the recogniser is of it, 0 to 1.
    pub sure: f32,
    /// About where its middle lies on the line's picture, in pixels from the left.
    pub x: f32,
    /// The widest inkless gap between it and the letter before, in heights of a capital; negative where it is not known.
    pub gap: f32,
}

/// A letter without the blanks around it.
#[derive(Clone, Copy)]
pub(super) struct Glyph {
    pub character: char,
    pub sure: f32,
    pub gap: f32,
    /// Whether a blank was read before it.
    pub after_blank: bool,
}

/// The text of letters as read.
pub fn raw(letters: &[Letter]) -> String {
    let text: String = letters.iter().map(|letter| letter.character).collect();
    String::from(text.trim())
}

/// The letters without blanks, capital, in one writing of what recognisers write in several.
pub(super) fn glyphs(letters: &[Letter]) -> Vec<Glyph> {
    let mut glyphs: Vec<Glyph> = Vec::new();
    let mut after_blank = false;
    let is_end = |letter: &Letter| !letter.character.is_whitespace() && !LAST_SPECKS.contains(letter.character);
    let letters = &letters[..letters.iter().rposition(is_end).map_or(0, |last| last + 1)];
    for letter in letters {
        // What smear makes of a blank.
        let is_speck = SPECKS.contains(letter.character) && letter.sure < OWNER_SURE;
        if letter.character.is_whitespace() || is_speck {
            after_blank = true;
            continue;
        }
        let before: String = glyphs.iter().map(|glyph| glyph.character).collect();
        let character = match letter.character {
            '\u{ff1a}' | ';' | '\u{ff1b}' => ':',
            '\u{ff0c}' | ',' | '\u{b7}' => '.',
            '\u{d7}' | '\u{2715}' => 'X',
            '\u{5341}' | '\u{ff0b}' => '+',
            // Many typefaces draw a one like these. At a label's place there is no such letter.
            'l' | 'I' | '|' if !after_blank && (before == "D" || before.ends_with("DIST")) => '1',
            'l' | 'I' | '|' if before.is_empty() => '1',
            'l' | '|' if !after_blank && before.ends_with('.') => '1',
            c => c.to_ascii_uppercase(),
        };
        glyphs.push(Glyph { character, sure: letter.sure, gap: letter.gap, after_blank });
        after_blank = false;
    }
    with_own_points(glyphs)
}

/// The same with colons and points where only they can stand: after a letter that is a label, and within a value.
fn with_own_points(mut glyphs: Vec<Glyph>) -> Vec<Glyph> {
    let points = glyphs.iter().filter(|glyph| is_point(glyph)).count();
    if let [Glyph { character: 'A'..='C', .. }, mark @ Glyph { character: '.', .. }, ..] = &mut glyphs[..]
        && points == 2
    {
        mark.character = ':';
    }
    let is_digit = |glyph: &Glyph| glyph.character.is_ascii_digit();
    let mut places = (0..glyphs.len()).filter(|&at| is_point(&glyphs[at]));
    match (places.next(), places.next(), points) {
        // Before the unit stands a blank.
        (_, Some(last), 2) if glyphs.get(last + 1).is_some_and(|next| !is_digit(next)) => {
            glyphs.remove(last);
        }
        // So does one between name and value.
        (Some(first @ 2..), Some(last), 2) if last > first + 1 && is_named(&glyphs[..first]) => {
            glyphs.remove(first);
            glyphs[first].after_blank = true;
        }
        // No label stands there.
        (Some(at @ 2..), None, _) if glyphs[at - 1].character == 'B' && glyphs.get(at + 1).is_some_and(is_digit) => {
            glyphs[at - 1].character = '8';
        }
        _ => {}
    }
    let is_within = |at: &usize| glyphs[*at].character == ':' && is_digit(&glyphs[at - 1]) && is_digit(&glyphs[at + 1]);
    if points == 0
        && let Some(at) = (1..glyphs.len().saturating_sub(1)).find(is_within)
    {
        glyphs[at].character = '.';
    }
    glyphs
}

/// Whether letters are a distance's name with the number before or behind it.
fn is_named(letters: &[Glyph]) -> bool {
    let word: String = letters.iter().map(|glyph| glyph.character).collect();
    let name = word.trim_matches(|c: char| c.is_ascii_digit());
    word.len() <= name.len() + 1 && NAMES.iter().any(|known| is_near(name, known))
}

/// Whether two words are the same, or the known one is long and one of its letters is misread or lost.
pub(super) fn is_near(word: &str, known: &str) -> bool {
    let (word_length, length) = (word.chars().count(), known.len());
    if word == known || length < NAME_LONG {
        return word == known;
    }
    let before = word.chars().zip(known.chars()).take_while(|(a, b)| a == b).count();
    let after = word.chars().rev().zip(known.chars().rev()).take_while(|(a, b)| a == b).count();
    (word_length == length || word_length + 1 == length) && before + after + 1 >= length
}

pub(super) fn is_point(glyph: &Glyph) -> bool {
    glyph.character == '.'
}

pub(super) fn is_part(glyph: &Glyph) -> bool {
    glyph.character.is_ascii_digit() || is_point(glyph)
}
