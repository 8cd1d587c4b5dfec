//! Does the echo move? A weak change everywhere is an echo; a strong one in few places is the overlay.
//!
//! A still probe in air or on a still patient changes the picture hardly more than a bad grabber's noise does. So only the echo
//! is looked at once it is known: what is flat beside it may lie just between two steps of a JPEG, and then flickers as a whole.

use super::grid::Grid;
use alloc::{vec, vec::Vec};

/// Zones side by side and above each other. An echo fills many; a line between calipers touches few cells of each.
const ZONES: usize = 6;
/// What a cell's change of brightness counts at most, so that calipers and print cannot pass for an echo. *Units*: grey levels.
const CHANGE_MAX: f32 = 2.0;
/// The echo moves if so many zones do; an echo fills a third of the screen, which is twelve zones.
const ZONES_MOVE: usize = 4;
/// Cells of echo that a zone must have to count.
const ZONE_ECHO_MIN: f32 = 12.0;
/// A zone moves if its cells change by so much in the mean; and where it is not known which cells are echo. *Units*: grey levels.
/// *Source*: sequences of tests/freeze_sequences, whose noise of 1 to 3 levels through JPEG of quality 60 gives the four zones
/// of a frozen echo up to 0.58, and those of the weakest live one at least 0.76 in one frame of five.
const ZONE_MOVES: f32 = 0.68;
const ZONE_MOVES_UNKNOWN: f32 = 0.8;

fn change(before: f32, now: f32) -> f32 {
    (now - before).abs().min(CHANGE_MAX)
}

/// Which zone each cell is in.
#[derive(Clone, Debug)]
pub(super) struct Zones {
    of_column: Vec<u8>,
    of_row: Vec<u8>,
}

impl Zones {
    pub fn of(grid: &Grid) -> Self {
        let zones = |count: usize| (0..count).map(|i| (i * ZONES / count) as u8).collect();
        Self { of_column: zones(grid.columns), of_row: zones(grid.rows) }
    }

    /// Whether the echo has moved from one frame's brightness to the next one's.
    ///
    /// `echo`: the cells that count; all of them where it is not known. `reluctance`: how many times as much it takes.
    pub fn move_between(&self, before: &[f32], now: &[f32], echo: Option<&[bool]>, reluctance: f32) -> bool {
        let (mut sums, mut counts) = ([0.0; ZONES * ZONES], [0.0_f32; ZONES * ZONES]);
        let columns = self.of_column.len();
        let rows = before.chunks_exact(columns).zip(now.chunks_exact(columns)).zip(&self.of_row);
        let mut changes = vec![0.0; columns];
        for (y, ((before, now), zone_row)) in rows.enumerate() {
            for ((of_cell, before), now) in changes.iter_mut().zip(before).zip(now) {
                *of_cell = change(*before, *now);
            }
            let echo = echo.map(|echo| &echo[y * columns..][..columns]);
            for (x, (of_cell, zone)) in changes.iter().zip(&self.of_column).enumerate() {
                let zone = usize::from(zone_row * ZONES as u8 + zone);
                let share = f32::from(u8::from(echo.is_none_or(|echo| echo[x])));
                sums[zone] += of_cell * share;
                counts[zone] += share;
            }
        }
        let (cells_min, moves) = if echo.is_some() { (ZONE_ECHO_MIN, ZONE_MOVES) } else { (1.0, ZONE_MOVES_UNKNOWN) };
        let zones = sums.iter().zip(counts).filter(|&(_, count)| count >= cells_min);
        zones.filter(|&(sum, count)| sum / count >= moves * reluctance).count() >= ZONES_MOVE
    }
}
