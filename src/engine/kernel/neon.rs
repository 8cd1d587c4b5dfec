//! The kernel for aarch64 without dot products (Cortex-A72): 4 pixels by 16 channels, 16 bytes deep; four channels at a time.
//!
//! Two products of signed bytes are summed in 16 bits, which holds them as long as no weight is -128; the network's check
//! refuses that one. Then pairs are added to sums of 32 bits.

use super::{Activations, Job, Kernel, Tile, requantise::finish};
use crate::engine::{numbers::quantise_row, pool::Pool};
use std::arch::aarch64::*;

const ROWS: usize = 4;
const COLUMNS: usize = 16;
/// Channels whose sums are in registers at once.
const CHANNELS: usize = 4;
const DEPTH: usize = 16;

/// The kernel for plain NEON.
pub static KERNEL: Kernel = Kernel {
    name: "neon",
    rows: ROWS,
    columns: COLUMNS,
    depth: DEPTH,
    step: DEPTH,
    activations: Activations::Signed,
    runs: || true,
    tile: Tile::Scattered(tile),
    quantise: quantise_row,
    largest: Pool::run,
    peak: None,
};

/// # Safety
/// That of [`Tile::Scattered`].
unsafe fn tile(job: &Job) {
    // SAFETY: the caller's.
    unsafe {
        match job.rows {
            4 => rows::<4>(job),
            3 => rows::<3>(job),
            2 => rows::<2>(job),
            _ => rows::<1>(job),
        }
    }
}

/// # Safety
/// That of [`Tile::Scattered`], with this many rows.
#[inline(always)]
unsafe fn rows<const N: usize>(job: &Job) {
    // SAFETY: `Job` says that all these lie where it points; NEON is part of aarch64.
    unsafe {
        let mut totals = [[vdupq_n_s32(0); COLUMNS / CHANNELS]; N];
        for pass in 0..COLUMNS / CHANNELS {
            let mut sums = [[vdupq_n_s32(0); CHANNELS]; N];
            let mut weights = job.weights.add(pass * CHANNELS * DEPTH);
            for tap in 0..job.taps {
                let inputs: [*const i8; N] =
                    std::array::from_fn(|row| job.input.add(*job.offsets.add(tap * ROWS + row) as usize).cast());
                for at in (0..job.tap_bytes).step_by(DEPTH) {
                    let bytes = inputs.map(|input| vld1q_s8(input.add(at)));
                    for channel in 0..CHANNELS {
                        let w = vld1q_s8(weights.add(channel * DEPTH));
                        for row in 0..N {
                            let low = vmull_s8(vget_low_s8(w), vget_low_s8(bytes[row]));
                            let both = vmlal_high_s8(low, w, bytes[row]);
                            sums[row][channel] = vpadalq_s16(sums[row][channel], both);
                        }
                    }
                    weights = weights.add(COLUMNS * DEPTH);
                }
            }
            let bias = vld1q_s32(job.bias.add(pass * CHANNELS));
            for (total, [a, b, c, d]) in totals.iter_mut().zip(sums) {
                total[pass] = vaddq_s32(bias, vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d)));
            }
        }
        for (row, [a, b, c, d]) in totals.into_iter().enumerate() {
            finish(int32x4x4_t(a, b, c, d), job, row);
        }
    }
}
