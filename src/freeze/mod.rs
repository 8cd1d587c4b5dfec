//! Frames -> is the cart live, frozen, and has its overlay settled?
//!
//! A live echo changes everywhere; a frozen one stands, and only small parts of the screen change as calipers are drawn. `grid`
//! measures each cell of a frame: its brightness, and its excess over what was there when it last changed. `motion` says
//! whether the echo moves, by the brightness of large zones against the frame before. `learned` says which changes go on by
//! themselves: a clock, a heart rate, a heart line, a blinking cursor. What else changes is the overlay. `settled` compares with the
//! picture read last.
//!
//! Always holds: a frame is settled only if the echo has not moved for [`FREEZE_FRAMES`] and the overlay has not changed for
//! [`SETTLE_FRAMES`]; once after each change, and not again where the picture is what it was when it was settled last. A cell is
//! held against the picture of its last change, not against the frame before, so that nothing creeps or alternates unseen.
//!
//! A cursor over the echo cannot be learned before the picture stands, and its first blink is a change like any other. A filled
//! bar or block that alone came or went since the picture was settled is therefore given [`CURSOR_FRAMES`] to return, and what
//! differs no more than noise may, [`WEAK_FRAMES`]; what stays is settled. No marker and no number is such a bar.
//!
//! A stroke over an echo as bright as itself may change no cell enough to be told from a JPEG's flicker. So `recent` holds what
//! would be settled against the first frames of its rest, by squares, which tell more: where it differs, somebody is still at work, and
//! it is settled once it has been the same for [`SETTLE_FRAMES`].
//!
//! The trade-off of [`SETTLE_FRAMES`]: a reading must follow the last marker within ten frames, so an overlay that rests for eight
//! frames (0.27 s at 30 frames a second) is settled, whoever was only pausing. A half-drawn measurement read in such a pause has one marker
//! and is refused, or has two and is replaced as soon as the second one moves on. What stands is told three
//! frames earlier, for the panel. A cart that shows fewer than six new pictures a second looks frozen in between, and one
//! that shows fewer than four is read.
//!
//! What it cannot tell: an echo that changes no more than the grabber's noise does, as of a probe in air at low gain, counts
//! as frozen; the reader then refuses it for want of calipers. A thin letter over an echo nearly as bright that is added to a picture
//! settled before may be no news. A heart line drawn over the echo itself is not learned:
//! nothing settles while it runs. Deliberately absent: any clock; frames are the time.

use crate::frame::Frame;
use alloc::{vec, vec::Vec};
use grid::{Cells, Grid, Lines};
use learned::{Change, Learned};
use motion::Zones;
use recent::Recent;
use settled::{Difference, Settled};

mod grid;
mod learned;
mod motion;
mod outline;
mod recent;
mod settled;

#[cfg(test)]
mod tests;

/// Frames without motion of the echo, after its last, until the picture stands.
pub const FREEZE_FRAMES: u32 = 5;
/// Frames without a change of the overlay, after its last, until it is settled.
pub const SETTLE_FRAMES: u32 = 8;
/// Frames without a change until a picture that differs from the settled one by a filled bar alone is settled: a cursor not yet
/// known goes back to its other half before. *Source*: cursors blink with half periods of up to 600 ms (GTK; Windows has
/// 530 ms), which is 18 frames at 30 a second.
const CURSOR_FRAMES: u32 = 20;
/// Frames without a change until a picture that differs weakly from the settled one is settled. A JPEG's rounding of one stroke
/// does not stay the same for so many.
const WEAK_FRAMES: u32 = SETTLE_FRAMES + 4;
/// Frames without a change after which a picture is settled even if something changes weakly: what goes on so for two seconds without
/// ever changing a cell is no hand at work.
const CREEP_FRAMES: u32 = 60;
/// A cell has changed if its excess over the reference reaches this. *Units*: grey levels added up over its values.
const CHANGE_EXCESS: u16 = 400;
/// So much is no noise: it counts at once. Less counts where it is seen in two frames in a row, unless something else that counts
/// changes with it. *Source*: where a JPEG of quality 60 rounds strong strokes now up, now down, a cell changes by up to 650.
const SURE_EXCESS: u16 = 800;
/// When some cells have changed, the others follow from this excess on.
const FOLLOW_EXCESS: u16 = 100;
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
    /// The picture that was settled last, if the echo has not moved since; it follows what goes on by itself.
    settled: Option<Settled>,
    /// The frames of this rest while there is news.
    recent: Recent,
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
    /// The cells that have differed from the settled picture in every frame since they are doubted.
    doubted: Vec<usize>,
}

/// Whether there is anything new to settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    News,
    /// News that may be noise or half a cursor's blink, until the picture has rested for so long.
    Doubted {
        until: u32,
    },
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
            recent: Recent::new(&grid),
            last_mean: cells.mean.clone(),
            cells,
            changed: Vec::new(),
            last_excess: vec![0; grid.len()],
            unmoved: 0,
            rested: 0,
            turned_ago: 0,
            pending: Pending::News,
            doubted: Vec::new(),
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
        if change == Change::Unknown {
            // Whoever moves a marker changes some cells by little: they follow too, or noise would make them news later. Beside
            // what goes on by itself they do not: a marker of little contrast could creep while a heart line runs.
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
            if let (Change::Known, Some(settled)) = (change, &mut self.settled) {
                // Beside a tick a clock's hour or a heart line is not learned by itself: it must not be news afterwards.
                settled.keep_cell(grid, frame, cell);
            }
        }
        self.unmoved = self.unmoved.saturating_add(1);
        self.rested = self.rested.saturating_add(1);
        if change == Change::Unknown {
            self.rested = 0;
            self.pending = Pending::News;
        }
        if self.pending != Pending::Nothing {
            self.recent.keep(&self.grid, frame, self.rested);
        }
        if self.unmoved < FREEZE_FRAMES {
            return Seen::Live;
        }
        if self.unmoved == FREEZE_FRAMES {
            self.turned_ago = 0;
        }
        if self.rested < SETTLE_FRAMES || self.creeps(frame) {
            return Seen::Standing;
        }
        self.compare_with_settled(frame);
        match self.pending {
            Pending::Nothing => return Seen::Standing,
            Pending::Doubted { until } if self.rested < until => return Seen::Standing,
            Pending::News | Pending::Doubted { .. } => self.pending = Pending::Nothing,
        }
        match &mut self.settled {
            Some(settled) => settled.keep(frame),
            none => *none = Some(Settled::of(frame)),
        }
        Seen::Settled
    }

    /// Whether a frame that would be settled shows more than those at the beginning of its rest did. What goes on by itself is left
    /// out, with what is beside it: a JPEG's blocks carry it there.
    fn creeps(&self, frame: Frame<'_>) -> bool {
        let is_due = match self.pending {
            Pending::Nothing => false,
            Pending::News => true,
            Pending::Doubted { until } => self.rested >= until,
        };
        let goes_on = |cell| self.learned.leaves_out(cell) || self.learned.has_changed_near(cell, SETTLE_FRAMES);
        is_due && self.rested < CREEP_FRAMES && self.recent.is_left_by(&self.grid, frame, self.rested, goes_on)
    }

    /// Keeps as changed only what is surely so, or changed in the frame before too.
    fn leave_out_doubtful(&mut self) {
        let (excess, last) = (&self.cells.excess, &self.last_excess);
        if self.changed.iter().all(|&cell| excess[cell] < SURE_EXCESS) {
            self.changed.retain(|&cell| last[cell] >= CHANGE_EXCESS);
        }
        self.last_excess.copy_from_slice(&self.cells.excess);
    }

    /// Judges what is pending by what `frame` shows that is neither on the settled picture nor known to go on changing.
    fn compare_with_settled(&mut self, frame: Frame<'_>) {
        let Some(settled) = &self.settled else { return };
        let is_new = self.pending == Pending::News;
        match self.pending {
            Pending::Nothing => return,
            Pending::News => {
                self.doubted.clear();
                self.doubted.extend(0..self.grid.len());
            }
            Pending::Doubted { .. } => {}
        }
        self.doubted.retain(|&cell| !self.learned.leaves_out(cell));
        settled.keep_differing(&self.grid, frame, &mut self.doubted);
        if self.doubted.is_empty() {
            self.pending = Pending::Nothing;
        } else if is_new {
            self.pending = match settled.judge(&self.grid, frame, &self.doubted) {
                Difference::Weak => Pending::Doubted { until: WEAK_FRAMES },
                Difference::Bar => Pending::Doubted { until: CURSOR_FRAMES },
                Difference::Other => Pending::News,
            };
        }
    }
}
