//! Frames -> is the cart live, frozen, and has its overlay settled?
//!
//! A live echo changes everywhere; a frozen one stands, and only small parts of the screen change as calipers are drawn. `grid`
//! measures each cell of a frame: its brightness, and its excess over what was there when it last changed. `motion` says
//! whether the echo moves, by the brightness of large zones against the frame before. `learned` says which changes go on by
//! themselves: a clock, a heart rate, a heart line, a blinking cursor. What else changes is the overlay.
//!
//! Always holds: a frame is settled only if the echo has not moved for [`FREEZE_FRAMES`] and the overlay has not changed for
//! [`SETTLE_FRAMES`]; once after each change, and not again where the picture is what it was when it was settled last. A cell is
//! held against the picture of its last change, not against the frame before, so that nothing creeps or alternates unseen.
//!
//! The trade-off of [`SETTLE_FRAMES`]: a reading must follow the last marker within ten frames, so an overlay that rests for eight
//! frames (0.27 s at 30 frames a second) is settled, whoever was only pausing. A half-drawn measurement read in such a pause has one marker
//! and is refused, or has two and is replaced as soon as the second one moves on. What stands is told three
//! frames earlier, for the panel. A cart that shows fewer than six new pictures a second looks frozen in between, and one
//! that shows fewer than four is read.
//!
//! What it cannot tell: an echo that changes no more than the grabber's noise does, as of a probe in air at low gain, counts
//! as frozen; the reader then refuses it for want of calipers. A heart line drawn over the echo itself is not learned:
//! nothing settles while it runs. Deliberately absent: any clock; frames are the time.

use crate::frame::Frame;
use alloc::{vec, vec::Vec};
use grid::{Cells, Grid, Lines};
use learned::{Change, Learned};
use motion::Zones;

mod grid;
mod learned;
mod motion;
mod outline;

#[cfg(test)]
mod tests;

/// Frames without motion of the echo, after its last, until the picture stands.
pub const FREEZE_FRAMES: u32 = 5;
/// Frames without a change of the overlay, after its last, until it is settled.
pub const SETTLE_FRAMES: u32 = 8;
/// A cell has changed if its excess over the reference reaches this. *Units*: grey levels added up over its values.
const CHANGE_EXCESS: u16 = 400;
/// So much is no noise: it counts at once. Less counts where it is seen in two frames in a row, unless something else that counts
/// changes with it. *Source*: where a JPEG of quality 60 rounds strong strokes now up, now down, a cell changes by up to 650.
const SURE_EXCESS: u16 = 800;
/// When some cells have changed, the others follow from this excess on.
const FOLLOW_EXCESS: u16 = 100;
/// What is to pass for the settled picture may differ from it by so much in each cell, which is less than a change.
const SAME_EXCESS: u16 = CHANGE_EXCESS / 2;
/// If more than one of so many cells have changed, the picture has moved.
const MOVED_PART: usize = 10;

/// How much more a standing picture must change to be live again than a live one to be live still.
const LEAVE_OVER_STAY: f32 = 1.2;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The echo moves, or nothing is known yet.
    Live,
    /// The echo stands; the overlay may still change, or was settled before.
    Standing,
    /// The picture has just settled: the frame is worth reading.
    Settled,
}

/// Follows a stream of frames.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    stream: Option<Stream>,
}

impl Watch {
    /// Takes the next frame of the stream.
    pub fn push(&mut self, frame: Frame<'_>) -> Seen {
        match &mut self.stream {
            Some(stream) if stream.grid.fits(frame) => stream.push(frame),
            other => {
                *other = Some(Stream::new(frame));
                Seen::Live
            }
        }
    }

    /// Forgets the stream, as after a lost signal.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Frames of one size.
#[derive(Clone, Debug)]
struct Stream {
    grid: Grid,
    zones: Zones,
    learned: Learned,
    /// Each cell as it was when it last changed, and as it was before that.
    reference: Lines,
    before: Lines,
    /// The picture that was settled last, if the echo has not moved since.
    settled: Option<Lines>,
    cells: Cells,
    last_mean: Vec<f32>,
    changed: Vec<usize>,
    /// The excess of the frame before, but none where the reference is newer than that.
    last_excess: Vec<u16>,
    /// Frames since the echo moved, since the overlay changed, and since the answer turned from live to standing or back.
    unmoved: u32,
    rested: u32,
    turned_ago: u32,
    pending: Pending,
}

/// Whether there is anything new to settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    News,
    Nothing,
}

impl Stream {
    fn new(frame: Frame<'_>) -> Self {
        let mut grid = Grid::of(frame);
        let reference = Lines::of(&grid, frame);
        let mut cells = Cells::default();
        grid.look(frame, &reference, &mut cells);
        Self {
            zones: Zones::of(&grid),
            learned: Learned::new(&grid),
            before: reference.clone(),
            reference,
            settled: None,
            last_mean: cells.mean.clone(),
            cells,
            changed: Vec::new(),
            last_excess: vec![0; grid.len()],
            unmoved: 0,
            rested: 0,
            turned_ago: 0,
            pending: Pending::News,
            grid,
        }
    }

    fn push(&mut self, frame: Frame<'_>) -> Seen {
        self.grid.look(frame, &self.reference, &mut self.cells);
        let excesses = self.cells.excess.iter().enumerate();
        self.changed.clear();
        self.changed.extend(excesses.filter(|(_, excess)| **excess >= CHANGE_EXCESS).map(|(cell, _)| cell));
        // A picture that stands needs somewhat more to be called live than a live one to stay so: noise must not toggle it.
        let stands = self.unmoved >= FREEZE_FRAMES;
        let reluctance = if stands { LEAVE_OVER_STAY } else { 1.0 };
        let moves = self.zones.move_between(&self.last_mean, &self.cells.mean, self.learned.echo(), reluctance)
            || self.changed.len() * MOVED_PART > self.grid.len();
        core::mem::swap(&mut self.last_mean, &mut self.cells.mean);
        self.turned_ago = self.turned_ago.saturating_add(1);
        if moves { self.take_moving(frame) } else { self.take_standing(frame) }
    }

    fn take_moving(&mut self, frame: Frame<'_>) -> Seen {
        if self.unmoved >= FREEZE_FRAMES {
            self.turned_ago = 0;
        }
        self.learned.take_moving(&self.changed, self.turned_ago);
        self.reference.keep(&self.grid, frame);
        self.last_excess.fill(0);
        self.settled = None;
        self.pending = Pending::News;
        (self.unmoved, self.rested) = (0, 0);
        Seen::Live
    }

    fn take_standing(&mut self, frame: Frame<'_>) -> Seen {
        self.leave_out_doubtful();
        let (grid, before) = (&self.grid, &self.before);
        let returned = |cell| grid.excess(frame, before, cell) < CHANGE_EXCESS;
        let change = self.learned.take_standing(&self.changed, self.turned_ago, returned);
        if !self.changed.is_empty() {
            // Whoever moves a marker changes some cells by little: they follow too, or noise would make them news later.
            let excesses = self.cells.excess.iter().enumerate();
            let follow = |excess: u16| (FOLLOW_EXCESS..CHANGE_EXCESS).contains(&excess);
            for (cell, _) in excesses.filter(|(_, excess)| follow(**excess)) {
                self.reference.keep_cell(grid, frame, cell);
                self.last_excess[cell] = 0;
            }
        }
        for &cell in &self.changed {
            self.before.take_cell(grid, &self.reference, cell);
            self.reference.keep_cell(grid, frame, cell);
            self.last_excess[cell] = 0;
        }
        self.unmoved = self.unmoved.saturating_add(1);
        self.rested = self.rested.saturating_add(1);
        if change == Change::Unknown {
            self.rested = 0;
            self.pending = Pending::News;
        }
        if self.unmoved < FREEZE_FRAMES {
            return Seen::Live;
        }
        if self.unmoved == FREEZE_FRAMES {
            self.turned_ago = 0;
        }
        if self.rested < SETTLE_FRAMES || self.pending == Pending::Nothing {
            return Seen::Standing;
        }
        self.pending = Pending::Nothing;
        if self.is_settled_already(frame) {
            return Seen::Standing;
        }
        match &mut self.settled {
            Some(settled) => settled.keep(&self.grid, frame),
            none => *none = Some(Lines::of(&self.grid, frame)),
        }
        Seen::Settled
    }

    /// Keeps as changed only what is surely so, or changed in the frame before too.
    fn leave_out_doubtful(&mut self) {
        let (excess, last) = (&self.cells.excess, &self.last_excess);
        if self.changed.iter().all(|&cell| excess[cell] < SURE_EXCESS) {
            self.changed.retain(|&cell| last[cell] >= CHANGE_EXCESS);
        }
        self.last_excess.copy_from_slice(&self.cells.excess);
    }

    /// Whether all but what goes on changing is as it was when it was settled last.
    fn is_settled_already(&self, frame: Frame<'_>) -> bool {
        let same = |settled: &Lines| {
            (0..self.grid.len())
                .all(|cell| self.learned.leaves_out(cell) || self.grid.excess(frame, settled, cell) < SAME_EXCESS)
        };
        self.settled.as_ref().is_some_and(same)
    }
}
