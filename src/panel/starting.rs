//! The screen while the members are being loaded.

use super::{
    layout::{ACCENT, Grid, LEFT, RIGHT},
    measuring, message,
};
use embedded_graphics::{pixelcolor::Rgb888, prelude::*};

pub(super) fn draw<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    grid: Grid,
    loaded: usize,
    members: usize,
) -> Result<(), D::Error> {
    message::label(target, grid, "Starting", ACCENT)?;
    message::words(target, grid, "Loading the models")?;
    let bar = grid.area((LEFT, measuring::FOOT - 36), (RIGHT, measuring::FOOT));
    measuring::bar(target, grid.size(3), bar, loaded, members)
}
