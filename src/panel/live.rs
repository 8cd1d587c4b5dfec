//! The screen while the cart scans.

use super::{
    layout::{ACCENT, Grid},
    message,
    symbol::Symbol,
};
use embedded_graphics::{pixelcolor::Rgb888, prelude::*};

pub(super) fn draw<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    slow_link: Option<u32>,
) -> Result<(), D::Error> {
    message::label(target, grid, "Ready", ACCENT)?;
    message::words(target, grid, "Freeze and measure the length")?;
    message::sign(target, grid, Symbol::MeasuredKidney, ACCENT)?;
    message::hint_or_slow_link(target, grid, "One caliper at each pole", slow_link)
}
