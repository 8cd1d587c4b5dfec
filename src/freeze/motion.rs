//! Does the echo move? A weak change everywhere is an echo; a strong one in few places is the overlay.

use super::grid::Grid;
use alloc::{vec, vec::Vec};

/// Zones side by side and above each other. An echo fills many; a line between calipers touches few cells of each.
const ZONES: usize = 6;
/// What a cell's change of brightness counts at most, so that calipers and print cannot pass for an echo. *Units*: grey levels.
const CHANGE_MAX: f32 = 2.0;
/// A zone moves if the mean change of its cells reaches this. *Units*: grey levels. *Source*: a frozen echo through JPEG of
/// quality 60 with noise of 3 levels stays below 0.55; see tests/freeze_sequences.rs.
const ZONE_MOVES: f32 = 0.65;
/// The echo moves if so many zones do; an echo fills a third of the screen, which is twelve zones.
const ZONES_MOVE: usize = 4;

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

    /// The mean change of each zone from one frame's brightness to the next one's.
    pub fn changes(&self, before: &[f32], now: &[f32]) -> [f32; ZONES * ZONES] {
        let (mut sums, mut counts) = ([0.0; ZONES * ZONES], [0.0_f32; ZONES * ZONES]);
        let columns = self.of_column.len();
        let rows = before.chunks_exact(columns).zip(now.chunks_exact(columns)).zip(&self.of_row);
        let mut changes = vec![0.0; columns];
        for ((before, now), zone_row) in rows {
            for ((change, before), now) in changes.iter_mut().zip(before).zip(now) {
                *change = (now - before).abs().min(CHANGE_MAX);
            }
            for (change, zone) in changes.iter().zip(&self.of_column) {
                let zone = usize::from(zone_row * ZONES as u8 + zone);
                sums[zone] += change;
                counts[zone] += 1.0;
            }
        }
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum /= count.max(1.0);
        }
        sums
    }

    /// Whether the echo has moved from one frame's brightness to the next one's.
    pub fn move_between(&self, before: &[f32], now: &[f32]) -> bool {
        self.changes(before, now).into_iter().filter(|&change| change >= ZONE_MOVES).count() >= ZONES_MOVE
    }
}
