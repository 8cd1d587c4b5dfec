//! Does the echo move? A weak change everywhere is an echo; a strong one in few places is the overlay.
//!
//! A still probe in air or on a still patient changes the picture hardly more than a bad grabber's noise does. What stands
//! beside the echo, print and settings, shows how strong that noise is: the echo must change by clearly more.

use super::grid::Grid;
use alloc::{vec, vec::Vec};

/// Zones side by side and above each other. An echo fills many; a line between calipers touches few cells of each.
const ZONES: usize = 6;
/// What a cell's change of brightness counts at most, so that calipers and print cannot pass for an echo. *Units*: grey levels.
const CHANGE_MAX: f32 = 2.0;
/// The echo moves if so many zones do; an echo fills a third of the screen, which is twelve zones.
const ZONES_MOVE: usize = 4;
/// A zone moves if the mean change of its cells is so many times that beside the echo. *Source*: 1.8 at most in frozen
/// sequences of tests/freeze_sequences.
const OVER_FLOOR: f32 = 2.0;
/// The least and the greatest change from which on a zone moves, and the one where nothing is known of what stands beside the
/// echo. *Units*: grey levels. *Source*: noise of 3 levels through JPEG of quality 60 gives a frozen echo up to 0.76.
const ZONE_MOVES: (f32, f32) = (0.5, 0.9);
const ZONE_MOVES_UNKNOWN: f32 = 0.8;
/// Cells of these mean brightnesses show noise as it is: black and white cut it off.
const MIDDLING: core::ops::Range<f32> = 24.0..231.0;
/// So many such cells beside the echo tell how strong the noise is.
const FLOOR_CELLS_MIN: u32 = 30;
/// Below this mean change a frame is the one before, sent twice.
const REPEATED: f32 = 0.02;
/// The weight of one frame in the floor.
const FLOOR_WEIGHT: f32 = 1.0 / 16.0;

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

    /// Whether the echo has moved from one frame's brightness to the next one's: enough zones have changed by `zone_moves`.
    pub fn move_between(&self, before: &[f32], now: &[f32], zone_moves: f32) -> bool {
        let (mut sums, mut counts) = ([0.0; ZONES * ZONES], [0.0_f32; ZONES * ZONES]);
        let columns = self.of_column.len();
        let rows = before.chunks_exact(columns).zip(now.chunks_exact(columns)).zip(&self.of_row);
        let mut changes = vec![0.0; columns];
        for ((before, now), zone_row) in rows {
            for ((of_cell, before), now) in changes.iter_mut().zip(before).zip(now) {
                *of_cell = change(*before, *now);
            }
            for (of_cell, zone) in changes.iter().zip(&self.of_column) {
                let zone = usize::from(zone_row * ZONES as u8 + zone);
                sums[zone] += of_cell;
                counts[zone] += 1.0;
            }
        }
        sums.iter().zip(counts).filter(|&(sum, count)| count > 0.0 && sum / count >= zone_moves).count() >= ZONES_MOVE
    }
}

/// How much the picture changes where nothing moves: the grabber's noise.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Floor {
    level: Option<f32>,
}

impl Floor {
    /// Takes the change beside the echo from one frame's brightness to the next one's.
    pub fn look(&mut self, before: &[f32], now: &[f32], echo: &[bool]) {
        let (mut sum, mut count) = (0.0, 0);
        for ((before, now), echo) in before.iter().zip(now).zip(echo) {
            if !echo && MIDDLING.contains(now) {
                sum += change(*before, *now);
                count += 1;
            }
        }
        if count < FLOOR_CELLS_MIN {
            self.level = None;
            return;
        }
        let mean = sum / count as f32;
        if mean >= REPEATED {
            let level = self.level.unwrap_or(mean);
            self.level = Some(level + (mean - level) * FLOOR_WEIGHT);
        }
    }

    /// The change from which on a zone moves.
    pub fn zone_moves(&self) -> f32 {
        self.level.map_or(ZONE_MOVES_UNKNOWN, |level| (level * OVER_FLOOR).clamp(ZONE_MOVES.0, ZONE_MOVES.1))
    }
}
