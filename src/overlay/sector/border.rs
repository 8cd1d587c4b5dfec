//! Pixels -> places where the echo may end against the screen's even ground.
//!
//! Lines are followed from outside towards the echo's middle: a few rows from the left and from the right, a few columns from
//! above and from below. Wherever a run of even pixels ends, the border may be. Print, rulers and fluid give such places
//! too, so a line keeps several of them; `fit` takes those that lie on one sector.

use super::super::tone::{Tone, Tones};
use alloc::vec::Vec;

/// Lines that are followed from each of the four sides. Speckle is a few pixels large: nearer lines would tell the same again.
const LINES: i32 = 80;
/// Places kept of one line. Ruler, number and a line of print may stand between the picture's edge and the echo.
const PLACES_MAX: usize = 5;
/// Ground is even over so many pixels; print's gaps are smaller on most screens.
const RUN: usize = 6;
/// Pixels between the run and the echo that may be either: scaling by half and JPEG blur a border over so many.
const RAMP: usize = 2;
/// Values of ground differ by no more than this. *Source*: JPEG of quality 60 on the synthetic carts leaves up to 8.
const EVEN: u8 = 10;
/// Echo differs from ground by this and by as much as ground from itself.
const CONTRAST: u8 = 4;

/// A place where the border may be: the first pixel of the echo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub x: f32,
    pub y: f32,
    /// Which line it is on; the border crosses a line once.
    pub line: i32,
}

/// Where the border may be, by the side from which it was looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Border {
    pub left: Vec<Place>,
    pub right: Vec<Place>,
    pub top: Vec<Place>,
    pub bottom: Vec<Place>,
}

impl Border {
    /// Looks for the border in the box (left, top, right, bottom), in pixels.
    pub(super) fn of(tones: &Tones, [left, top, right, bottom]: [i32; 4]) -> Self {
        let mut border = Self::default();
        let [across, down] = [(left + right) / 2, (top + bottom) / 2];
        for line in 0..LINES {
            let part = |from: i32, to: i32| from + (to - from) * (2 * line + 1) / (2 * LINES);
            let [x, y] = [part(left, right), part(top, bottom)];
            let along_row = |at: i32| tones.get(at, y);
            let in_row = |at: i32| Place { x: at as f32, y: y as f32, line };
            border.left.extend(ends_of_ground(left..across, along_row).map(in_row));
            border.right.extend(ends_of_ground((across..right).rev(), along_row).map(in_row));
            let along_column = |at: i32| tones.get(x, at);
            let in_column = |at: i32| Place { x: x as f32, y: at as f32, line };
            border.top.extend(ends_of_ground(top..down, along_column).map(in_column));
            border.bottom.extend(ends_of_ground((down..bottom).rev(), along_column).map(in_column));
        }
        border
    }
}

/// Where even runs end along a line.
fn ends_of_ground(line: impl Iterator<Item = i32>, tone: impl Fn(i32) -> Option<Tone>) -> impl Iterator<Item = i32> {
    const KEPT: usize = RUN + RAMP;
    let mut kept = [0_u8; KEPT];
    let mut seen = 0;
    let ends = line.filter(move |&at| {
        let Some(tone) = tone(at) else { return false };
        let luma = tone.luma();
        // The oldest is next to be replaced; the ramp's pixels are the youngest.
        let run = (0..RUN).map(|i| kept[(seen + i) % KEPT]);
        let (least, most) = run.fold((u8::MAX, 0), |(least, most), luma| (luma.min(least), luma.max(most)));
        let range = most.saturating_sub(least);
        let is_ground = seen >= KEPT && range <= EVEN;
        let gap = luma.saturating_sub(most).max(least.saturating_sub(luma));
        let ends = is_ground && gap >= CONTRAST + range && !tone.is_coloured();
        kept[seen % KEPT] = luma;
        seen = if ends { 0 } else { seen + 1 };
        ends
    });
    ends.take(PLACES_MAX)
}
