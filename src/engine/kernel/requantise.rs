//! What the aarch64 kernels do with sums. Activations are held less 128.

use super::{Activations, Job};
use std::arch::aarch64::*;

/// Requantises 4 sums.
///
/// # Safety
/// None beyond NEON, which is part of aarch64.
#[inline(always)]
pub unsafe fn requantise(sums: int32x4_t, scales: float32x4_t, job: &Job, residual: Option<uint32x4_t>) -> int32x4_t {
    // SAFETY: NEON is part of aarch64.
    unsafe {
        let steps = vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(sums), scales));
        let bytes = vaddq_s32(steps, vdupq_n_s32(job.zero.into()));
        let Some(residual) = residual else { return bytes };
        let held = vminq_s32(vmaxq_s32(bytes, vdupq_n_s32(0)), vdupq_n_s32(255));
        let [own, scale, offset] =
            [job.added.own, job.added.residual, job.added.offset].map(|value| vdupq_n_f32(value));
        let other = vfmaq_f32(offset, vcvtq_f32_u32(residual), scale);
        vcvtnq_s32_f32(vfmaq_f32(other, vcvtq_f32_s32(held), own))
    }
}

/// Requantises and stores one pixel's 16 channels.
///
/// # Safety
/// The tile has this row and 16 columns.
#[inline(always)]
pub unsafe fn finish(sums: int32x4x4_t, job: &Job, row: usize) {
    let at = row * job.stride;
    let flip = Activations::Signed.flip();
    // SAFETY: the caller's; NEON is part of aarch64.
    unsafe {
        let scales = vld1q_f32_x4(job.scales);
        let residual = (!job.residual.is_null()).then(|| {
            let bytes = veorq_u8(vld1q_u8(job.residual.add(at)), vdupq_n_u8(flip));
            let (low, high) = (vmovl_u8(vget_low_u8(bytes)), vmovl_high_u8(bytes));
            [vmovl_u16(vget_low_u16(low)), vmovl_high_u16(low), vmovl_u16(vget_low_u16(high)), vmovl_high_u16(high)]
        });
        let words = |sums, scales, index: usize| {
            vqmovn_s32(requantise(sums, scales, job, residual.map(|residual| residual[index])))
        };
        let low = vcombine_s16(words(sums.0, scales.0, 0), words(sums.1, scales.1, 1));
        let high = vcombine_s16(words(sums.2, scales.2, 2), words(sums.3, scales.3, 3));
        let bytes = vmaxq_u8(vcombine_u8(vqmovun_s16(low), vqmovun_s16(high)), vdupq_n_u8(job.low));
        vst1q_u8(job.output.add(at), veorq_u8(bytes, vdupq_n_u8(flip)));
    }
}
