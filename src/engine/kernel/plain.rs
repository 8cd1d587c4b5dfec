//! The kernel without any instructions of its own: what the others are held against, and what runs everywhere.

use super::{Activations, Job, Kernel, Tile};
use crate::engine::{numbers::quantise_row, pool::Pool};

const COLUMNS: usize = 16;
const DEPTH: usize = 4;

/// The plain kernel.
pub static KERNEL: Kernel = Kernel {
    name: "plain",
    rows: 4,
    columns: COLUMNS,
    depth: DEPTH,
    step: DEPTH,
    activations: Activations::Unsigned,
    runs: || true,
    tile: Tile::Scattered(tile),
    quantise: quantise_row,
    largest: Pool::run,
    peak: None,
};

/// # Safety
/// That of [`Tile::Scattered`].
unsafe fn tile(job: &Job) {
    for row in 0..job.rows {
        // SAFETY: `Job` says that all these lie where it points.
        unsafe {
            let mut sums: [i32; COLUMNS] = job.bias.cast::<[i32; COLUMNS]>().read_unaligned();
            let mut weights = job.weights.cast::<[[i8; DEPTH]; COLUMNS]>();
            for tap in 0..job.taps {
                let input = job.input.add(*job.offsets.add(tap * KERNEL.rows + row) as usize);
                for unit in 0..job.tap_bytes / DEPTH {
                    let bytes = input.cast::<[u8; DEPTH]>().add(unit).read();
                    for (sum, column) in sums.iter_mut().zip(&*weights) {
                        for (&byte, &weight) in bytes.iter().zip(column) {
                            *sum += i32::from(byte) * i32::from(weight);
                        }
                    }
                    weights = weights.add(1);
                }
            }
            for (column, &sum) in sums.iter().enumerate() {
                let at = row * job.stride + column;
                let residual = (!job.residual.is_null()).then(|| *job.residual.add(at));
                *job.output.add(at) = requantise(job, sum, *job.scales.add(column), residual);
            }
        }
    }
}

/// What all kernels do with a sum, as [`super::super::net::Requantise`] says.
fn requantise(job: &Job, sum: i32, scale: f32, residual: Option<u8>) -> u8 {
    // The network's check of ranges keeps all values within i32.
    let round = |value: f32| value.round_ties_even() as i32;
    let byte = round(sum as f32 * scale) + i32::from(job.zero);
    let byte = match residual {
        None => byte,
        Some(residual) => {
            let other = f32::from(residual).mul_add(job.added.residual, job.added.offset);
            round((byte.clamp(0, 255) as f32).mul_add(job.added.own, other))
        }
    };
    byte.clamp(job.low.into(), 255) as u8
}
