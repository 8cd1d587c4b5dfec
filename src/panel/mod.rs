//! The attached display: `State` -> pixels, one file a screen.
//!
//! The screens are `starting`, `no_signal`, `live`, `frozen`, `measuring`, `result`, `refusal` and `fault`; `message` is the form
//! that most of them share. Below them: `layout` (grid, colours, header), `thumbnail`, `scale`, `symbol`, `text` and `stencil`.
//!
//! Always holds: a screen shows the state and decides nothing; above every screen a demonstration says so, and so does a
//! device that does not use the installed bundle; nothing is told by
//! colour alone; any size of display is drawn without a panic. Deliberately absent: the display's driver.

mod fault;
mod frozen;
mod layout;
mod live;
mod measuring;
mod message;
mod no_signal;
mod refusal;
mod result;
mod scale;
mod starting;
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
        Phase::Starting { loaded, members } => starting::draw(target, grid, *loaded, *members)?,
        Phase::NoSignal(missing) => no_signal::draw(target, grid, *missing)?,
        Phase::Live => live::draw(target, grid, state.slow_link)?,
        Phase::Frozen => frozen::draw(target, grid, state.slow_link)?,
        Phase::Measuring { subject, done, members } => measuring::draw(target, grid, subject, *done, *members)?,
        Phase::Result { subject, estimate, accepted } => {
            result::draw(target, grid, subject, estimate)?;
            if *accepted {
                result::accepted(target, grid, estimate.ckd)?;
            }
        }
        Phase::Refused(refusal) => refusal::draw(target, grid, *refusal)?,
        Phase::Fault(fault) => fault::draw(target, grid, *fault)?,
    }
    // Last, so that nothing can cover it.
    if state.demonstration {
        layout::demonstration_header(target, grid, state.bundle)
    } else {
        layout::header(target, grid, state.bundle)
    }
}

#[cfg(test)]
mod tests;
