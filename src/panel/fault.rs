//! The screen of a device that cannot go on.

use super::{
    layout::{CAUTION, Grid, hint},
    message,
    symbol::Symbol,
};
use crate::machine::{Fault, Part};
use embedded_graphics::{pixelcolor::Rgb888, prelude::*};

pub(super) fn draw<D: DrawTarget<Color = Rgb888>>(target: &mut D, grid: Grid, fault: Fault) -> Result<(), D::Error> {
    message::label(target, grid, "Fault: starting again", CAUTION)?;
    message::words(target, grid, words(fault.part))?;
    message::sign(target, grid, Symbol::Barred, CAUTION)?;
    hint(target, grid, "If this returns, call the engineer")
}

/// What failed, in words for the person scanning.
fn words(part: Part) -> &'static str {
    match part {
        Part::Capture => "The video input has failed",
        Part::Inference => "The estimate has failed",
        Part::Journal => "Readings cannot be kept",
        Part::Panel => "The display has failed",
        Part::Controls => "The buttons have failed",
    }
}
