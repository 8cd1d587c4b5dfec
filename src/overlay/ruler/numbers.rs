//! The numbers beside a ruler's large ticks: cut out for a recogniser, and what it read held against the ticks.
//!
//! A number stands beyond one end of its tick and at its height. Several are laid side by side into one line, so that they
//! cost one reading. Blanks get lost in reading, so nothing is split: for each worth of a step the line that it would give
//! is written, and the one that was read decides. Always holds: what was read in part or in doubt decides nothing.
//! Deliberately absent: reading, which a recogniser does.

use super::{Mark, worth};
use crate::frame::{Frame, Picture, RGB_BYTES};
use alloc::{format, string::String, vec::Vec};

/// The most numbers laid into one line, and the fewest that tell a step from an offset.
const NUMBERS: core::ops::RangeInclusive<usize> = 2..=4;
/// A line's width in heights that the recogniser takes; see `recognise`.
const ASPECT_MAX: f32 = 6.6;
/// The picture's height in: what a number's height may be, how far from its tick it may start, how wide it may be, and how
/// wide a blank between two digits may be.
const HEIGHT_PARTS: (i32, i32) = (120, 24);
const START_PART: i32 = 40;
const WIDTH_PART: i32 = 14;
const BLANK_PART: i32 = 110;
/// A number's middle lies this near to its tick's, in its own heights.
const OFF_MAX: f32 = 0.3;
/// The part of its tick's brightness above the ground that a number's pixels have.
const INK_PART: f32 = 0.4;
/// How many places before the first number the ruler's zero may lie.
const ZERO_BEFORE: i32 = 60;

/// A few of a ruler's numbers in one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// The line, for the recogniser.
    pub picture: Picture,
    /// The places of their ticks, from the left.
    places: Vec<i32>,
}

/// What numbers say of a step's worth.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    /// Nothing: they could not be read.
    Nothing,
    /// It is one of these, in centimetres; none if they are no numbers of such ticks.
    Worths(Vec<f32>),
}

/// A number's rectangle: left, top, right, bottom, and its tick's place.
#[derive(Clone, Copy, Debug)]
struct Piece {
    area: [i32; 4],
    place: i32,
}

impl Piece {
    fn height(&self) -> i32 {
        self.area[3] - self.area[1] + 1
    }

    fn width(&self) -> i32 {
        self.area[2] - self.area[0] + 1
    }
}

/// A side of the ruler.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// The numbers beside the large ones of these ticks.
pub(super) fn cut(frame: Frame<'_>, marks: &[Mark]) -> Option<Numbers> {
    // Where all ticks are alike, any of them may have one.
    let all_alike = marks.iter().all(|mark| !mark.is_large);
    let pieces = [Side::Left, Side::Right].map(|side| {
        let numbered = marks.iter().filter(|mark| mark.is_large || all_alike);
        alike(numbered.filter_map(|mark| piece(frame, mark, side)).collect())
    });
    let [left, right] = pieces;
    let mut pieces = if left.len() > right.len() { left } else { right };
    if pieces.len() < *NUMBERS.start() {
        return None;
    }
    let most = *NUMBERS.end();
    if pieces.len() > most {
        // Spread over the ruler, both ends included.
        let last = pieces.len() - 1;
        pieces = (0..most).map(|i| pieces[i * last / (most - 1)]).collect();
    }
    line(frame, &pieces)
}

/// The number beside a tick, if one stands there alone.
fn piece(frame: Frame<'_>, mark: &Mark, side: Side) -> Option<Piece> {
    let (width, height) = (frame.width() as i32, frame.height() as i32);
    let luma = |x: i32, y: i32| {
        let inside = (0..width).contains(&x) && (0..height).contains(&y);
        if inside { frame.luma(x as usize, y as usize) } else { 0 }
    };
    let y = libm::roundf(mark.spot.y) as i32;
    let tallest = height / HEIGHT_PARTS.1;
    let rows = y - tallest * 2 / 3..=y + tallest * 2 / 3;
    let (from, way) = match side {
        Side::Left => (mark.reach[0] - 2, -1),
        Side::Right => (mark.reach[1] + 2, 1),
    };
    let ground = i32::from(rows.clone().map(|y| luma(from + way, y)).min()?);
    let peak = i32::from(luma(libm::roundf(mark.spot.x) as i32, y));
    let limit = ground + ((peak - ground) as f32 * INK_PART) as i32;
    let is_ink = |x: i32, y: i32| i32::from(luma(x, y)) > limit;
    let has_ink = |x: &i32| rows.clone().any(|y| is_ink(*x, y));
    let column = |i: i32| from + way * i;
    let start = (0..height / START_PART).map(column).find(has_ink)?;
    let (mut end, mut blank, mut x) = (start, 0, start);
    while blank <= (height / BLANK_PART).max(3) {
        if (x - start).abs() > height / WIDTH_PART {
            return None;
        }
        if has_ink(&x) {
            (end, blank) = (x, 0)
        } else {
            blank += 1
        }
        x += way;
    }
    let [left, right] = [start.min(end), start.max(end)];
    let mut inked = rows.clone().filter(|&y| (left..=right).any(|x| is_ink(x, y)));
    let (top, bottom) = (inked.next()?, rows.clone().rev().find(|&y| (left..=right).any(|x| is_ink(x, y)))?);
    let piece = Piece { area: [left, top, right, bottom], place: mark.place };
    let off = ((top + bottom) as f32 / 2.0 - mark.spot.y).abs();
    let fits = ((height / HEIGHT_PARTS.0).max(5)..=tallest).contains(&piece.height())
        && off <= OFF_MAX * piece.height() as f32
        && top > *rows.start()
        && bottom < *rows.end();
    fits.then_some(piece)
}

/// Those as high as most.
fn alike(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut heights: Vec<i32> = pieces.iter().map(Piece::height).collect();
    heights.sort_unstable();
    let Some(&usual) = heights.get(heights.len() / 2) else { return pieces };
    pieces.into_iter().filter(|piece| (piece.height() - usual).abs() <= 1 + usual / 8).collect()
}

/// The pieces side by side on their own ground.
fn line(frame: Frame<'_>, pieces: &[Piece]) -> Option<Numbers> {
    let inner = pieces.iter().map(Piece::height).max()?;
    let (margin, gap) = (inner / 3 + 1, inner);
    let height = inner + 2 * margin;
    let mut used = pieces;
    let wide = |pieces: &[Piece]| pieces.iter().map(|piece| piece.width() + gap).sum::<i32>() + gap;
    while wide(used) as f32 > ASPECT_MAX * height as f32 {
        used = &used[1..];
    }
    if used.len() < *NUMBERS.start() {
        return None;
    }
    let colour = |x: i32, y: i32| {
        let inside = x >= 0 && y >= 0 && x < frame.width() as i32 && y < frame.height() as i32;
        if inside { frame.rgb(x as usize, y as usize) } else { [0; 3] }
    };
    let [left, top, ..] = used[0].area;
    let mut picture = Picture::filled(wide(used) as usize, height as usize, colour(left - 2, top - 2));
    let row_bytes = picture.width() * RGB_BYTES;
    let mut at = gap;
    for piece in used {
        let [left, top, right, _] = piece.area;
        for (row, line) in picture.as_rgb_mut().chunks_exact_mut(row_bytes).enumerate() {
            let pixels = line.chunks_exact_mut(RGB_BYTES).skip((at - 2) as usize);
            for (x, pixel) in (left - 2..=right + 2).zip(pixels) {
                pixel.copy_from_slice(&colour(x, top - margin + row as i32));
            }
        }
        at += piece.width() + gap;
    }
    Some(Numbers { picture, places: used.iter().map(|piece| piece.place).collect() })
}

impl Numbers {
    /// What the text that was read in the line says, on a ruler that reaches so many places and whose steps may have
    /// these worths.
    pub(super) fn said(&self, text: &str, reach: i32, possible: &[f32]) -> Said {
        let Some(digits) = digits(text) else { return Said::Nothing };
        // Carts number in centimetres, some in millimetres.
        let lines = |cm: f32| {
            let places = (0..ZERO_BEFORE).map(|before| self.places[0] - before);
            places.flat_map(move |zero| [cm, 10.0 * cm].map(|step| self.written(zero, step)))
        };
        let fits = |cm: &f32| worth::is_depth(reach as f32 * cm) && lines(*cm).any(|line| line == digits);
        let worths: Vec<f32> = worth::all().filter(fits).collect();
        // One letter lost or taken for another contradicts nothing.
        if worths.is_empty() && possible.iter().any(|cm| lines(*cm).any(|line| is_misread(&line, &digits))) {
            return Said::Nothing;
        }
        Said::Worths(worths)
    }

    /// The line that a ruler from 0 at place `zero` shows, if its numbers are whole ones.
    fn written(&self, zero: i32, step: f32) -> String {
        let mut line = String::new();
        for place in &self.places {
            let value = (place - zero) as f32 * step;
            if (value - libm::roundf(value)).abs() > 0.01 {
                return String::new();
            }
            line += &format!("{}", libm::roundf(value) as i32);
        }
        line
    }
}

/// The digits of a text that has nothing else; letters that look like digits count.
fn digits(text: &str) -> Option<String> {
    let digit = |c: char| match c {
        '0'..='9' => Some(c),
        'O' | 'o' | 'D' | 'Q' => Some('0'),
        'I' | 'l' | '|' | 'i' => Some('1'),
        _ => None,
    };
    let found: Option<String> = text.chars().filter(|c| !c.is_whitespace()).map(digit).collect();
    found.filter(|digits| !digits.is_empty())
}

/// Whether two lines differ in one letter, or by one.
fn is_misread(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same = |(a, b): &(&u8, &u8)| a == b;
    let front = a.iter().zip(b).take_while(same).count();
    let back = a.iter().rev().zip(b.iter().rev()).take_while(same).count();
    let longer = a.len().max(b.len());
    !a.is_empty() && longer - a.len().min(b.len()) <= 1 && front + back + 1 >= longer
}
