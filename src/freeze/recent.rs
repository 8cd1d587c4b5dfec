//! The last frames of a rest, and whether the newest still shows what the oldest did.
//!
//! A stroke over an echo as bright as itself, its colour halved and rounded by a JPEG, changes no value by much more than noise
//! does. But it changes many values and stays, while noise is another one in each frame: the squares of what differs between
//! the mean of the two oldest frames and the newest one, summed over a cell, tell them apart where [`Grid::look`] does not. It is
//! asked only when a picture is about to be settled, so that it costs nothing else than keeping the frames until then.

use super::grid::{Grid, Lines};
use crate::frame::Frame;
use alloc::vec::Vec;

/// The frames that a rest is looked back over, with the newest one.
const FRAMES: usize = super::SETTLE_FRAMES as usize;
/// A cell has changed weakly if the squares of its values' differences, scaled so that noise gives those of one frame, reach so much,
/// and so many times what noise gives all cells in the mean. *Units*: squared grey levels. *Source*: 97 sequences of the population
/// 110013 of tests/freeze_sequences without clocks and cursors. JPEG's rounding comes and goes in few cells: resting pictures stay
/// below in nine windows of ten; windows with a change of the overlay, and its first frame, have 1.5 times as much at least.
const WEAK_LEAST: f32 = 8000.0;
const WEAK_TIMES: f32 = 30.0;

/// The last frames of a rest.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    /// Each in the place that its number leaves.
    kept: [Lines; FRAMES],
}

impl Recent {
    pub fn new(grid: &Grid) -> Self {
        Self { kept: core::array::from_fn(|_| Lines::dark(grid)) }
    }

    fn place(rested: u32) -> usize {
        rested as usize % FRAMES
    }

    /// Keeps the frame that has `rested` others of its rest before it.
    pub fn keep(&mut self, grid: &Grid, frame: Frame<'_>, rested: u32) {
        self.kept[Self::place(rested)].keep(grid, frame);
    }

    /// Whether that frame, kept as the others, differs from the oldest ones in a cell that may not be left out.
    pub fn is_left_by(
        &self,
        grid: &Grid,
        frame: Frame<'_>,
        rested: u32,
        may_leave_out: impl Fn(usize) -> bool,
    ) -> bool {
        let old = [1, 2].map(|age| &self.kept[Self::place(rested + age)]);
        // What goes on by itself, as a heart line, is no noise either.
        let cells = (0..grid.len()).filter(|&cell| !may_leave_out(cell));
        let drifts: Vec<[f32; 2]> = cells.map(|cell| grid.drift(frame, old, cell)).collect();
        let noise = drifts.iter().map(|[_, noise]| noise).sum::<f32>() / drifts.len().max(1) as f32;
        let limit = WEAK_LEAST + WEAK_TIMES * noise;
        drifts.iter().any(|[drift, _]| *drift >= limit)
    }
}
