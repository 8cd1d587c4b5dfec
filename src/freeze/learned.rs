//! What goes on changing while the rest stands: clocks, heart rates, heart lines, blinking cursors.
//!
//! Two ways of learning. A cell *off the echo* that has ticked several times while nothing changed on the echo may tick on, as
//! often as it did and no more. A cell *anywhere* that went back to the picture before [`RETURNS_LEARNED`] times in a row
//! blinks: its two pictures are known, and a third one is a change. Always holds: where calipers are drawn nothing is
//! left out, for ticks are only learned off the echo and its edge, and the echo is where the picture moved while it was live; where no
//! echo was seen no tick is learned. Learned cells together stay a small part of the screen, and what a cell
//! was learned for is forgotten when it changes more often than that, or not for long.

use super::{grid::Grid, outline};
use alloc::{vec, vec::Vec};

/// A cell is known to tick after so many ticks, each a change after some rest. A tick while the picture moves counts for two: nobody
/// edits a measurement then.
const TICKS_LEARNED: u8 = 6;
const TICK_MOVING: u8 = 2;
const TICK_STANDING: u8 = 1;
/// Cells around one that ticks, each way, that tick with it.
const AROUND: usize = 2;
/// Frames from one tick to the next, at least and at most, while a cell is learned: eight seconds are a heart line's slowest sweep.
const TICK_GAP_MIN: u32 = 8;
const TICK_GAP_MAX: u32 = 240;
/// Frames without a change after which a cell must be learned anew: ten seconds.
const FORGOTTEN_AFTER: u32 = 300;
/// Returns to the picture before after which a cell is known to blink.
const RETURNS_LEARNED: u8 = 3;
/// Frames without a change before one that makes it a tick or a return, as bits of a cell's history.
const RESTED: u32 = 0b1_1110;
/// Frames that the echo and the freeze must have stayed as they are before a tick counts: calipers and the cart's own news of a
/// freeze change cells off the echo too.
const CALM_FRAMES: u32 = 8;
/// What changes at once off the echo is no tick if it is more than one of so many cells.
const TICK_PART: usize = 32;
/// All learned cells are at most one of so many. With the cells around them, a heart line along the screen takes one of twelve, a
/// clock and a heart rate another of twenty-four; carts show more than one of them.
const LEARNED_PART: usize = 5;
/// Cells beside, above and below the hull of what stirs that belong to the echo, and so many where no tick is learned: the echo's dim
/// edge and its upper corners stir now and then, as a clock does, and a note typed there passed for one. One more beside would reach
/// the numbers that carts write there, and below, a heart line.
const MARGIN: [usize; 3] = [1, 1, 1];
const MARGIN_DRAWN: [usize; 3] = [2, 4, 2];
/// The echo is known if it is at least one of so many cells.
const ECHO_PART: usize = 20;
/// Cells beside a tick, in its rows, that may change with it: from a clock's seconds to its hours.
const BESIDE_COLUMNS: usize = 6;
/// How much a change while the picture moves says that a cell is echo, against the one lost by each moving frame without.
const STIR_GAIN: u8 = 4;
/// Moving frames from one drawing of the echo's outline to the next.
const OUTLINE_EVERY: u32 = 16;

/// What is remembered of one cell.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    /// When it last changed after rest.
    ticked_at: u32,
    ticks: u8,
    /// The most changes within 32 frames while it was learned.
    busiest: u8,
    /// How often in a row it went back to the picture before.
    returns: u8,
    learned: bool,
}

/// What has been learned of a stream.
#[derive(Clone, Debug)]
pub(super) struct Learned {
    columns: usize,
    memories: Vec<Memory>,
    /// Whether each cell changed in each of the last 32 frames, the newest in bit 0.
    histories: Vec<u32>,
    /// How much each cell has stirred while the picture moved.
    stirs: Vec<u8>,
    echo: Vec<bool>,
    /// The echo and what is right beside it: where somebody draws calipers and types notes.
    drawn_on: Vec<bool>,
    echo_known: bool,
    learned_count: usize,
    /// Frames so far; it may wrap.
    now: u32,
    moving_frames: u32,
    /// When the echo last changed while the picture stood.
    echo_changed_at: u32,
    tolerated: Vec<usize>,
}

impl Learned {
    pub fn new(grid: &Grid) -> Self {
        let cells = grid.len();
        Self {
            columns: grid.columns,
            memories: vec![Memory::default(); cells],
            histories: vec![0; cells],
            stirs: vec![0; cells],
            echo: vec![false; cells],
            drawn_on: vec![false; cells],
            echo_known: false,
            learned_count: 0,
            now: 0,
            moving_frames: 0,
            echo_changed_at: 0,
            tolerated: Vec::new(),
        }
    }

    /// Whether each cell is echo; none if the echo is not known.
    pub fn echo(&self) -> Option<&[bool]> {
        self.echo_known.then_some(&self.echo)
    }

    /// Whether a change of `cell` may be left out of a comparison with a picture settled before.
    pub fn leaves_out(&self, cell: usize) -> bool {
        let memory = &self.memories[cell];
        memory.learned || memory.returns >= RETURNS_LEARNED
    }

    /// Whether `cell` or one beside it changed in one of the last `frames` frames, of 32 at most.
    pub fn has_changed_near(&self, cell: usize, frames: u32) -> bool {
        let (x, y) = (cell % self.columns, cell / self.columns);
        let rows = self.histories.chunks_exact(self.columns).skip(y.saturating_sub(1)).take(if y == 0 { 2 } else { 3 });
        let mut near = rows.flat_map(|row| &row[x.saturating_sub(1)..(x + 2).min(self.columns)]);
        near.any(|history| history.trailing_zeros() < frames)
    }

    /// Takes a frame of a moving picture. `turned_ago`: frames since the picture was last frozen.
    pub fn take_moving(&mut self, changed: &[usize], turned_ago: u32) {
        self.begin_frame(changed);
        for (stir, history) in self.stirs.iter_mut().zip(&self.histories) {
            *stir = if history & 1 == 1 { stir.saturating_add(STIR_GAIN) } else { stir.saturating_sub(1) };
        }
        self.moving_frames = self.moving_frames.wrapping_add(1);
        if self.moving_frames.is_multiple_of(OUTLINE_EVERY) {
            self.outline_echo();
        }
        for &cell in changed {
            self.memories[cell].returns = 0;
        }
        if turned_ago >= CALM_FRAMES {
            self.count_ticks(changed, TICK_MOVING);
        }
    }

    /// Takes a frame of a standing picture; whether it shows a change that is not known to go on.
    ///
    /// `turned_ago`: frames since the picture froze. `returned`: whether a cell shows the picture before its last change.
    pub fn take_standing(&mut self, changed: &[usize], turned_ago: u32, returned: impl Fn(usize) -> bool) -> Change {
        self.begin_frame(changed);
        if changed.is_empty() {
            return Change::None;
        }
        self.tolerated.clear();
        let (mut unknown, mut on_echo) = (0, false);
        for &cell in changed {
            let blinks = self.blinks(cell, returned(cell));
            if !blinks && self.ticks_on(cell) {
                self.tolerated.push(cell);
            } else if !blinks {
                unknown += 1;
                on_echo |= self.drawn_on[cell];
            }
        }
        if on_echo {
            self.echo_changed_at = self.now;
        }
        let calm = turned_ago >= CALM_FRAMES && self.now.wrapping_sub(self.echo_changed_at) >= CALM_FRAMES;
        let beside = changed.iter().filter(|&&cell| self.is_beside_tick(cell)).count();
        if calm {
            self.count_ticks(changed, TICK_STANDING);
        }
        if unknown > beside { Change::Unknown } else { Change::Known }
    }

    fn begin_frame(&mut self, changed: &[usize]) {
        self.now = self.now.wrapping_add(1);
        for history in &mut self.histories {
            *history <<= 1;
        }
        for &cell in changed {
            self.histories[cell] |= 1;
        }
    }

    fn rested(&self, cell: usize) -> bool {
        self.histories[cell] & RESTED == 0
    }

    /// Notes whether a changed cell went back to the picture before; whether it is known to do so.
    fn blinks(&mut self, cell: usize, returned: bool) -> bool {
        let rested = self.rested(cell);
        let memory = &mut self.memories[cell];
        memory.returns = if returned && rested { memory.returns.saturating_add(1) } else { 0 };
        memory.returns >= RETURNS_LEARNED
    }

    /// Whether a changed cell is known to tick and does so no more often than it did; otherwise it is forgotten.
    fn ticks_on(&mut self, cell: usize) -> bool {
        let memory = &mut self.memories[cell];
        if !memory.learned {
            return false;
        }
        let changes = self.histories[cell].count_ones();
        let stale = self.now.wrapping_sub(memory.ticked_at) > FORGOTTEN_AFTER;
        if stale || changes > u32::from(memory.busiest) + 1 {
            *memory = Memory::default();
            self.learned_count -= 1;
            return false;
        }
        true
    }

    /// Whether a changed cell that is not known stands in a row with one that ticks in this very frame.
    fn is_beside_tick(&self, cell: usize) -> bool {
        if self.echo[cell] || self.memories[cell].learned || self.memories[cell].returns >= RETURNS_LEARNED {
            return false;
        }
        let place = |cell: usize| (cell % self.columns, cell / self.columns);
        let (x, y) = place(cell);
        self.tolerated.iter().any(|&tick| {
            let (tick_x, tick_y) = place(tick);
            x.abs_diff(tick_x) <= BESIDE_COLUMNS && y.abs_diff(tick_y) <= 1
        })
    }

    /// Counts ticks of the cells off the echo, and of those around them: a number changes some of its strokes at a time.
    fn count_ticks(&mut self, changed: &[usize], worth: u8) {
        let off_echo = changed.iter().filter(|&&cell| !self.drawn_on[cell]).count();
        if !self.echo_known || off_echo > (self.memories.len() / TICK_PART).max(2) {
            return;
        }
        let rows = self.memories.len() / self.columns;
        for &cell in changed {
            if self.drawn_on[cell] {
                continue;
            }
            let busy = self.histories[cell].count_ones() as u8;
            self.busy_at(cell, busy);
            if !self.rested(cell) {
                continue;
            }
            let (x, y) = (cell % self.columns, cell / self.columns);
            for y in y.saturating_sub(AROUND)..(y + AROUND + 1).min(rows) {
                for x in x.saturating_sub(AROUND)..(x + AROUND + 1).min(self.columns) {
                    self.tick_at(y * self.columns + x, busy, worth);
                }
            }
        }
    }

    fn busy_at(&mut self, cell: usize, busy: u8) {
        let memory = &mut self.memories[cell];
        if !memory.learned {
            memory.busiest = memory.busiest.max(busy);
        }
    }

    fn tick_at(&mut self, cell: usize, busy: u8, worth: u8) {
        let learned_max = self.memories.len() / LEARNED_PART;
        let memory = &mut self.memories[cell];
        let gap = self.now.wrapping_sub(memory.ticked_at);
        if self.drawn_on[cell] || (gap < TICK_GAP_MIN && memory.ticks > 0) {
            return;
        }
        if !memory.learned {
            if gap > TICK_GAP_MAX {
                *memory = Memory { returns: memory.returns, ..Memory::default() };
            }
            memory.busiest = memory.busiest.max(busy);
        }
        memory.ticks = memory.ticks.saturating_add(worth);
        memory.ticked_at = self.now;
        if memory.ticks >= TICKS_LEARNED && !memory.learned && self.learned_count < learned_max {
            memory.learned = true;
            self.learned_count += 1;
        }
    }

    /// Draws the echo's outline anew; what was learned within is forgotten.
    fn outline_echo(&mut self) {
        outline::draw(&self.stirs, self.columns, MARGIN, &mut self.echo);
        outline::draw(&self.stirs, self.columns, MARGIN_DRAWN, &mut self.drawn_on);
        self.echo_known = self.echo.iter().filter(|&&echo| echo).count() * ECHO_PART >= self.echo.len();
        for (memory, _) in self.memories.iter_mut().zip(&self.drawn_on).filter(|(_, is_drawn_on)| **is_drawn_on) {
            self.learned_count -= usize::from(memory.learned);
            *memory = Memory { returns: memory.returns, ..Memory::default() };
        }
    }
}

/// What a frame of a standing picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing changed.
    None,
    /// Only what is known to go on changed.
    Known,
    /// Something else changed.
    Unknown,
}
