//! The screens that say one thing: a label, large words on the left, a sign or values on the right, a hint below.

use super::{
    layout::{CAPTION_CAP, Grid, LEFT, RIGHT, TEXT, hint, on_ground},
    symbol::{self, Symbol},
    text::{self, Anchor},
};
use core::{fmt::Write, ops::RangeInclusive};
use embedded_graphics::{pixelcolor::Rgb888, prelude::*, primitives::Rectangle};

/// The left edge of the sign or the values.
pub const ASIDE: i32 = 584;

/// Where the large words go.
pub fn words_area(grid: Grid) -> Rectangle {
    grid.area((LEFT, 122), (ASIDE - 20, 344))
}

/// The sizes that the large words may have.
pub fn words_caps(grid: Grid) -> RangeInclusive<i32> {
    grid.size(36)..=grid.size(54)
}

/// Draws the label above the words.
pub fn label<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    words: &str,
    ink: Rgb888,
) -> Result<(), D::Error> {
    let cap = grid.size(CAPTION_CAP + 3);
    text::line(target, words, Point::new(grid.x(LEFT), grid.y(76) + cap), Anchor::Left, cap, on_ground(ink))
}

/// Draws the large words.
pub fn words<D: DrawTarget<Color = Rgb888>>(target: &mut D, grid: Grid, words: &str) -> Result<(), D::Error> {
    text::paragraph(target, words, words_area(grid), words_caps(grid), on_ground(TEXT)).map(|_| ())
}

/// Draws the sign beside the words.
pub fn sign<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    sign: Symbol,
    ink: Rgb888,
) -> Result<(), D::Error> {
    let side = grid.size(RIGHT - ASIDE);
    let at = Point::new(grid.x(RIGHT) - side, grid.y(230) - side / 2);
    symbol::draw(target, sign, at, side, on_ground(ink))
}

/// Draws what to do; where the video comes too slowly, what to do about that first.
pub fn hint_or_slow_link<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    words: &str,
    slow_link: Option<u32>,
) -> Result<(), D::Error> {
    let Some(frames_per_s) = slow_link else { return hint(target, grid, words) };
    let mut slow = heapless::String::<80>::new();
    write!(slow, "Slow video: {frames_per_s} pictures a second; use a USB 3 port").expect("a number fits");
    hint(target, grid, &slow)
}
