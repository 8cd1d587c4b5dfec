//! Print in a marker's colour on the echo: where there are words, a cross may be the plus sign of one.
//!
//! Pixels near the colour are joined to shapes; two of letters' size with sharp edges, side by side on one line, are a word. A label
//! stands alone. Deliberately absent: reading it.

use super::{
    blobs::{Area, Shine},
    echo::Echo,
    glyph,
    marker::Marker,
    tone::Tones,
};
use alloc::vec::Vec;

/// How high letters are, in parts of a plus sign of theirs.
const LETTER: core::ops::RangeInclusive<f32> = 0.6..=2.2;
/// The least height of two letters in parts of each other, and the most by which one ends below the other, in the same parts and
/// pixels.
const LEVEL: f32 = 0.75;
const BELOW: f32 = 0.1;
const BELOW_PX: f32 = 1.0;
/// How far apart letters stand, in parts of their height.
const APART: f32 = 0.8;
/// Of a letter's rectangle one so many-th at least has its colour.
const TINTED: i32 = 5;

/// Whether there is a word in the colour of `marker` on the echo.
pub(super) fn are_there(tones: &Tones, echo: Option<&Echo>, marker: &Marker) -> bool {
    let size = marker.size();
    let is_letter = |area: &Area| {
        let [x, y] = [area.left + area.right, area.top + area.bottom].map(|sum| sum as f32 / 2.0);
        LETTER.contains(&(area.height() as f32 / size))
            && area.width() <= 2 * area.height()
            && echo.is_none_or(|echo| echo.holds(x, y))
    };
    let shine = Shine::like(tones, marker.tone);
    let rise = glyph::least_rise(tones, marker);
    let sharp = shine.blobs(u8::MAX - glyph::tolerance(marker)).into_iter().filter(|blob| blob.rise >= rise);
    let is_tinted = |area: &Area| {
        let tinted =
            |y: i32| (area.left..=area.right).filter(|&x| glyph::is_tinted(tones, marker, x, y)).count() as i32;
        TINTED * (area.top..=area.bottom).map(tinted).sum::<i32>() >= area.width() * area.height()
    };
    let letters: Vec<Area> = sharp.map(|blob| blob.area).filter(is_letter).filter(is_tinted).collect();
    letters.iter().enumerate().any(|(i, one)| letters[i + 1..].iter().any(|other| are_side_by_side(one, other)))
}

fn are_side_by_side(one: &Area, other: &Area) -> bool {
    let (high, low) = (one.height().max(other.height()) as f32, one.height().min(other.height()) as f32);
    let below = (one.bottom - other.bottom).abs() as f32;
    let apart = one.left.max(other.left) - one.right.min(other.right) - 1;
    low >= LEVEL * high && below <= BELOW * high + BELOW_PX && (0.0..=APART * high).contains(&(apart as f32))
}
