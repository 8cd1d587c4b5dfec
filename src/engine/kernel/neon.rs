//! The kernel for aarch64 without dot products (Cortex-A72): 4 pixels by 4 channels, 16 bytes deep.
//!
//! Two products of signed bytes are summed in 16 bits, which holds them as long as no weight is -128; the network's check
//! refuses that one. Then pairs are added to sums of 32 bits.

use super::{Activations, Job, Kernel, requantise::requantise};
use std::arch::aarch64::*;

const ROWS: usize = 4;
const COLUMNS: usize = 4;
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
    tile,
    peak: None,
};

/// # Safety
/// That of [`Kernel::tile`].
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
/// That of [`Kernel::tile`], with this many rows.
#[inline(always)]
unsafe fn rows<const N: usize>(job: &Job) {
    // SAFETY: `Job` says that all these lie where it points; NEON is part of aarch64.
    unsafe {
        let mut sums = [[vdupq_n_s32(0); COLUMNS]; N];
        let mut weights = job.weights;
        for tap in 0..job.taps {
            let inputs: [*const i8; N] =
                std::array::from_fn(|row| job.input.add(*job.offsets.add(tap * ROWS + row) as usize).cast());
            for at in (0..job.tap_bytes).step_by(DEPTH) {
                let bytes = inputs.map(|input| vld1q_s8(input.add(at)));
                for column in 0..COLUMNS {
                    let w = vld1q_s8(weights.add(column * DEPTH));
                    for row in 0..N {
                        let low = vmull_s8(vget_low_s8(w), vget_low_s8(bytes[row]));
                        let both = vmlal_high_s8(low, w, bytes[row]);
                        sums[row][column] = vpadalq_s16(sums[row][column], both);
                    }
                }
                weights = weights.add(COLUMNS * DEPTH);
            }
        }
        let (bias, scales) = (vld1q_s32(job.bias), vld1q_f32(job.scales));
        let flip = Activations::Signed.flip();
        for (row, [a, b, c, d]) in sums.into_iter().enumerate() {
            let at = row * job.stride;
            let total = vaddq_s32(bias, vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d)));
            let residual = (!job.residual.is_null()).then(|| {
                let four = vdup_n_u32(job.residual.add(at).cast::<u32>().read_unaligned());
                vmovl_u16(vget_low_u16(vmovl_u8(veor_u8(vreinterpret_u8_u32(four), vdup_n_u8(flip)))))
            });
            let words = vqmovn_s32(requantise(total, scales, job, residual));
            let bytes = vmax_u8(vqmovun_s16(vcombine_s16(words, words)), vdup_n_u8(job.low));
            let bytes = vreinterpret_u32_u8(veor_u8(bytes, vdup_n_u8(flip)));
            job.output.add(at).cast::<u32>().write_unaligned(vget_lane_u32::<0>(bytes));
        }
    }
}
