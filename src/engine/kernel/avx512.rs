//! The kernel for x86 with AVX512-VNNI: 6 pixels by 4 vectors of 16 channels, 24 sums that never leave their registers.
//!
//! The sums are single variables by a macro, as the compiler spills an array of so many (140 instead of 460 GMAC/s).

use super::{Activations, Job, Kernel};
use std::arch::{asm, x86_64::*};

const ROWS: usize = 6;

/// The kernel for AVX512-VNNI.
pub static KERNEL: Kernel = Kernel {
    name: "avx512vnni",
    rows: ROWS,
    columns: 64,
    depth: 4,
    step: 4,
    activations: Activations::Unsigned,
    runs: || {
        std::is_x86_feature_detected!("avx512f")
            && std::is_x86_feature_detected!("avx512bw")
            && std::is_x86_feature_detected!("avx512vl")
            && std::is_x86_feature_detected!("avx512vnni")
    },
    tile,
    peak: Some(peak),
};

/// As many sums as hide the instruction's latency.
macro_rules! peak {
    ($rounds:ident: $($sum:ident)+) => {{
        let (bytes, weights) = (_mm512_set1_epi32(0x0101_0101), _mm512_set1_epi32(0x0102_0304));
        $( let mut $sum = _mm512_setzero_si512(); )+
        let mut macs = 0;
        for _ in 0..$rounds {
            $(
                $sum = _mm512_dpbusd_epi32($sum, bytes, weights);
                macs += 64;
                // SAFETY: there is nothing in it; it keeps the compiler from multiplying once for all rounds.
                unsafe { asm!("/* {0} */", inout(zmm_reg) $sum, options(pure, nomem, nostack, preserves_flags)) };
            )+
        }
        let mut total = _mm512_setzero_si512();
        $( total = _mm512_add_epi32(total, $sum); )+
        std::hint::black_box(_mm512_reduce_add_epi32(total));
        macs
    }};
}

/// # Safety
/// That of `Kernel::peak`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn peak(rounds: usize) -> u64 {
    peak!(rounds: a b c d e f g h i j k l m n o p q r s t u v w x)
}

/// # Safety
/// That of [`Kernel::tile`].
unsafe fn tile(job: &Job) {
    // SAFETY: the caller's; the features were seen by `runs`.
    unsafe {
        match job.rows {
            6 => tile6(job),
            5 => tile5(job),
            4 => tile4(job),
            3 => tile3(job),
            2 => tile2(job),
            _ => tile1(job),
        }
    }
}

/// Requantises 16 sums. The residual is read at `at`, a place in the output.
#[inline(always)]
unsafe fn requantise(sums: __m512i, scales: __m512, job: &Job, at: usize) -> __m512i {
    // SAFETY: the features are the caller's, and `at` is a place of the tile.
    unsafe {
        let steps = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), scales);
        let bytes = _mm512_add_epi32(_mm512_cvtps_epi32(steps), _mm512_set1_epi32(job.zero.into()));
        if job.residual.is_null() {
            return bytes;
        }
        let held = _mm512_min_epi32(_mm512_max_epi32(bytes, _mm512_setzero_si512()), _mm512_set1_epi32(255));
        let own = _mm512_cvtepi32_ps(held);
        let residual = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(job.residual.add(at).cast())));
        let other = _mm512_fmadd_ps(residual, _mm512_set1_ps(job.added.residual), _mm512_set1_ps(job.added.offset));
        _mm512_cvtps_epi32(_mm512_fmadd_ps(own, _mm512_set1_ps(job.added.own), other))
    }
}

/// Requantises and stores one pixel's 64 channels. Packing saturates, which is the clamp at 0 and 255.
#[inline(always)]
unsafe fn finish(sums: [__m512i; 4], scales: &[__m512; 4], job: &Job, row: usize) {
    let at = row * job.stride;
    // SAFETY: the features are the caller's, and the tile has this row.
    unsafe {
        let low =
            _mm512_packs_epi32(requantise(sums[0], scales[0], job, at), requantise(sums[1], scales[1], job, at + 16));
        let high = _mm512_packs_epi32(
            requantise(sums[2], scales[2], job, at + 32),
            requantise(sums[3], scales[3], job, at + 48),
        );
        // Packing works within each 128 bits; this brings the channels back in order.
        let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        let bytes = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high));
        let bytes = _mm512_max_epu8(bytes, _mm512_set1_epi8(job.low.cast_signed()));
        _mm512_storeu_si512(job.output.add(at).cast(), bytes);
    }
}

macro_rules! tile {
    ($name:ident: $($row:literal $input:ident $a:ident $b:ident $c:ident $d:ident),+) => {
        /// # Safety
        /// That of [`Kernel::tile`].
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
        unsafe fn $name(job: &Job) {
            // SAFETY: `Job` says that all these lie where it points.
            unsafe {
                let four = |start: *const __m512i| {
                    [_mm512_loadu_si512(start), _mm512_loadu_si512(start.add(1)), _mm512_loadu_si512(start.add(2)), _mm512_loadu_si512(start.add(3))]
                };
                let bias = four(job.bias.cast());
                $( let [mut $a, mut $b, mut $c, mut $d] = bias; )+
                let mut weights = job.weights.cast::<__m512i>();
                let mut offsets = job.offsets;
                for _ in 0..job.taps {
                    $( let $input = job.input.add(*offsets.add($row) as usize).cast::<i32>(); )+
                    offsets = offsets.add(ROWS);
                    for unit in 0..job.tap_bytes / 4 {
                        let w = four(weights);
                        weights = weights.add(4);
                        $(
                            let bytes = _mm512_set1_epi32($input.add(unit).read_unaligned());
                            $a = _mm512_dpbusd_epi32($a, bytes, w[0]);
                            $b = _mm512_dpbusd_epi32($b, bytes, w[1]);
                            $c = _mm512_dpbusd_epi32($c, bytes, w[2]);
                            $d = _mm512_dpbusd_epi32($d, bytes, w[3]);
                        )+
                    }
                }
                let scales = four(job.scales.cast()).map(|scales| _mm512_castsi512_ps(scales));
                $( finish([$a, $b, $c, $d], &scales, job, $row); )+
            }
        }
    };
}
tile!(tile6: 0 i0 a0 b0 c0 d0, 1 i1 a1 b1 c1 d1, 2 i2 a2 b2 c2 d2, 3 i3 a3 b3 c3 d3, 4 i4 a4 b4 c4 d4, 5 i5 a5 b5 c5 d5);
tile!(tile5: 0 i0 a0 b0 c0 d0, 1 i1 a1 b1 c1 d1, 2 i2 a2 b2 c2 d2, 3 i3 a3 b3 c3 d3, 4 i4 a4 b4 c4 d4);
tile!(tile4: 0 i0 a0 b0 c0 d0, 1 i1 a1 b1 c1 d1, 2 i2 a2 b2 c2 d2, 3 i3 a3 b3 c3 d3);
tile!(tile3: 0 i0 a0 b0 c0 d0, 1 i1 a1 b1 c1 d1, 2 i2 a2 b2 c2 d2);
tile!(tile2: 0 i0 a0 b0 c0 d0, 1 i1 a1 b1 c1 d1);
tile!(tile1: 0 i0 a0 b0 c0 d0);
