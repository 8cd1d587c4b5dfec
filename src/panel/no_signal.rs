//! The screen while no video comes from the cart.

use super::{
    layout::{CAUTION, Grid, hint},
    message,
    symbol::Symbol,
};
use embedded_graphics::{pixelcolor::Rgb888, prelude::*};

pub(super) fn draw<D: DrawTarget<Color = Rgb888>>(target: &mut D, grid: Grid) -> Result<(), D::Error> {
    message::label(target, grid, "Cannot see the cart", CAUTION)?;
    message::words(target, grid, "No video signal")?;
    message::sign(target, grid, Symbol::EmptyScreen, CAUTION)?;
    hint(target, grid, "Check the cable from the cart's video output")
}
