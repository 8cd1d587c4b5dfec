//! The screen while the cart's picture stands and nothing on it has been measured.

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
    message::label(target, grid, "Picture frozen", ACCENT)?;
    message::words(target, grid, "Measure the kidney's length")?;
    message::sign(target, grid, Symbol::MeasuredKidney, ACCENT)?;
    message::hint_or_slow_link(target, grid, "One caliper at each pole", slow_link)
}
