//! Print in a marker's colour on the echo: where there are words, a cross may be the plus sign of one.
//!
//! Pixels near the colour are joined to shapes; two of letters' size with sharp edges, side by side on one line, are a word. A label
//! stands alone. Deliberately absent: reading it.

use super::{
    blobs::{Area, Blob, Shine},
    candidates::Marker,
    echo::Echo,
    glyph,
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
/// How sharply letters rise from what lies beside them, as a part of how the marker does, and at most so much is asked.
const SHARP: f32 = 0.4;
const RISE_MAX: f32 = 40.0;
/// How far apart letters stand, in parts of their height.
const APART: f32 = 0.8;

/// Whether there is a word in the colour of `marker` on the echo.
pub(super) fn are_there(tones: &Tones, echo: Option<&Echo>, marker: &Marker) -> bool {
    let size = marker.size();
    let is_letter = |area: &Area| {
        let [x, y] = [area.left + area.right, area.top + area.bottom].map(|sum| sum as f32 / 2.0);
        LETTER.contains(&(area.height() as f32 / size))
            && area.width() <= 2 * area.height()
            && echo.is_none_or(|echo| echo.holds(x, y))
    };
    let blobs = Shine::like(tones, marker.tone).blobs(u8::MAX - glyph::tolerance(marker));
    let rise = (SHARP * rise_of(marker, &blobs)).min(RISE_MAX);
    let sharp = blobs.into_iter().filter(|blob| blob.rise as f32 >= rise);
    let letters: Vec<Area> = sharp.map(|blob| blob.area).filter(is_letter).collect();
    letters.iter().enumerate().any(|(i, one)| letters[i + 1..].iter().any(|other| are_side_by_side(one, other)))
}

/// How sharply a marker's strokes rise, where they are seen.
fn rise_of(marker: &Marker, blobs: &[Blob]) -> f32 {
    let reach = marker.size() / 2.0;
    let is_own = |area: &Area| {
        let [x, y] = [area.left + area.right, area.top + area.bottom].map(|sum| sum as f32 / 2.0);
        (x - marker.at.x).abs() <= reach
            && (y - marker.at.y).abs() <= reach
            && area.height() as f32 <= LETTER.end() * marker.size()
    };
    blobs.iter().filter(|blob| is_own(&blob.area)).map(|blob| blob.rise as f32).fold(0.0, f32::max)
}

fn are_side_by_side(one: &Area, other: &Area) -> bool {
    let (high, low) = (one.height().max(other.height()) as f32, one.height().min(other.height()) as f32);
    let below = (one.bottom - other.bottom).abs() as f32;
    let apart = one.left.max(other.left) - one.right.min(other.right) - 1;
    low >= LEVEL * high && below <= BELOW * high + BELOW_PX && (0.0..=APART * high).contains(&(apart as f32))
}
