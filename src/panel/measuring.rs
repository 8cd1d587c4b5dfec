//! The screen while the members are at work.

use super::{
    layout::{ACCENT, CAPTION, Grid, LEFT, RULE, TEXT, fill, on_ground, outline},
    message,
    text::{self, Anchor},
    thumbnail,
};
use crate::machine::Subject;
use core::fmt::Write;
use embedded_graphics::{pixelcolor::Rgb888, prelude::*, primitives::Rectangle};

/// The lower edge of the thumbnail and of the bar.
pub(super) const FOOT: i32 = 432;
/// The right edge of the bar.
const BAR_END: i32 = 420;
/// The most segments that stay apart on the bar.
const SEGMENTS_MAX: usize = 64;

pub(super) fn draw<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    subject: &Subject,
    done: usize,
    members: usize,
) -> Result<(), D::Error> {
    message::label(target, grid, "Kidney found", ACCENT)?;
    let line = |target: &mut D, words: &str, baseline: i32, cap: i32, ink| {
        let at = Point::new(grid.x(LEFT), grid.y(baseline));
        text::line(target, words, at, Anchor::Left, grid.size(cap), on_ground(ink))
    };
    line(target, "Measuring", 176, 54, TEXT)?;
    let mut words = heapless::String::<48>::new();
    write!(words, "{} of {members}", done.min(members)).expect("two numbers fit");
    line(target, &words, 296, 54, TEXT)?;
    line(target, "models done", 340, 22, CAPTION)?;
    bar(target, grid.size(3), grid.area((LEFT, FOOT - 36), (BAR_END, FOOT)), done, members)?;
    thumbnail::draw(target, grid, grid.area((448, 109), (784, FOOT + 13)), subject)
}

/// A segment for each member: those done full, the others outlined `thin` pixels wide.
pub(super) fn bar<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    thin: i32,
    area: Rectangle,
    done: usize,
    members: usize,
) -> Result<(), D::Error> {
    let segments = members.clamp(1, SEGMENTS_MAX);
    let filled = done.min(members).saturating_mul(segments) / members.max(1);
    let width = area.size.width as usize;
    let gap = (width / segments / 6).max(1);
    for segment in 0..segments {
        let (from, to) = (width * segment / segments, width * (segment + 1) / segments);
        let size = Size::new(to.saturating_sub(from + gap) as u32, area.size.height);
        let cell = Rectangle::new(area.top_left + Point::new(from as i32, 0), size);
        if segment < filled {
            fill(target, cell, ACCENT)?;
        } else {
            outline(target, cell, thin, RULE)?;
        }
    }
    Ok(())
}
