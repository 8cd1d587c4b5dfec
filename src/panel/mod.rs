//! The attached display: `State` -> pixels, one file a screen.
//!
//! The screens are `no_signal`, `live`, `measuring`, `result` and `refusal`; `message` is the form that three of them
//! share. Below them: `layout` (grid, colours, header), `thumbnail`, `scale`, `symbol`, `text` and `stencil`.
//!
//! Always holds: a screen shows the state and decides nothing; a demonstration says so above every screen; nothing is told by
//! colour alone; any size of display is drawn without a panic. Deliberately absent: the display's driver.

mod layout;
mod live;
mod measuring;
mod message;
mod no_signal;
mod refusal;
mod result;
mod scale;
mod stencil;
mod symbol;
mod text;
mod thumbnail;

use crate::machine::{Phase, State};
use embedded_graphics::{pixelcolor::Rgb888, prelude::*};
use layout::Grid;

/// Draws the whole screen for `state`; every pixel is set.
///
/// *Shape*: laid out for 800 x 480 and 480 x 320, scaled to any other size.
/// *Errors*: those of `target` only.
pub fn draw<D: DrawTarget<Color = Rgb888> + OriginDimensions>(state: &State, target: &mut D) -> Result<(), D::Error> {
    let Some(grid) = Grid::over(target.size()) else { return Ok(()) };
    target.clear(layout::GROUND)?;
    match &state.phase {
        Phase::NoSignal => no_signal::draw(target, grid)?,
        Phase::Live => live::draw(target, grid)?,
        Phase::Measuring { subject, done, members } => measuring::draw(target, grid, subject, *done, *members)?,
        Phase::Result { subject, estimate } => result::draw(target, grid, subject, estimate)?,
        Phase::Refused(refusal) => refusal::draw(target, grid, *refusal)?,
    }
    // Last, so that nothing can cover it.
    if state.demonstration { layout::demonstration_header(target, grid) } else { layout::header(target, grid) }
}

#[cfg(test)]
mod tests;
