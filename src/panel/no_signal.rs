//! The screen while no video comes.

use super::{
    layout::{CAUTION, Grid, hint},
    message,
    symbol::Symbol,
};
use crate::machine::Missing;
use embedded_graphics::{pixelcolor::Rgb888, prelude::*};

pub(super) fn draw<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    missing: Missing,
) -> Result<(), D::Error> {
    let (words, what_to_do) = match missing {
        Missing::Signal => ("No video signal", "Check the cable from the cart's video output"),
        Missing::Grabber => ("No video grabber", "Plug the video grabber into this box"),
    };
    message::label(target, grid, "Cannot see the cart", CAUTION)?;
    message::words(target, grid, words)?;
    message::sign(target, grid, Symbol::EmptyScreen, CAUTION)?;
    hint(target, grid, what_to_do)
}
