//! The screen while the cart scans.

use super::{
    layout::{ACCENT, Grid, hint},
    message,
    symbol::Symbol,
};
use embedded_graphics::{pixelcolor::Rgb888, prelude::*};

pub(super) fn draw<D: DrawTarget<Color = Rgb888>>(target: &mut D, grid: Grid) -> Result<(), D::Error> {
    message::label(target, grid, "Ready", ACCENT)?;
    message::words(target, grid, "Freeze and measure the length")?;
    message::sign(target, grid, Symbol::MeasuredKidney, ACCENT)?;
    hint(target, grid, "One caliper at each pole")
}
