//! The kernel for x86 with AVX2 alone: 4 pixels by 2 vectors of 8 channels, bytes widened to 16 bits.
//!
//! The instruction that multiplies bytes (vpmaddubsw) saturates its sums at 16 bits, so it cannot be used.

use super::{Activations, Job, Kernel, Tile};
use crate::engine::{net::Quantisation, numbers::quantise_row, pool::Pool};
use std::arch::x86_64::*;

const ROWS: usize = 4;

/// The kernel for AVX2.
pub static KERNEL: Kernel = Kernel {
    name: "avx2",
    rows: ROWS,
    columns: 16,
    depth: 4,
    step: 4,
    activations: Activations::Unsigned,
    runs: || std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma"),
    tile: Tile::Scattered(tile),
    quantise,
    largest,
    peak: None,
};

/// # Safety
/// That of `Kernel::quantise`.
#[target_feature(enable = "avx2,fma")]
unsafe fn quantise(numbers: &[f32], quantisation: Quantisation, bytes: &mut [u8]) {
    quantise_row(numbers, quantisation, bytes);
}

/// # Safety
/// That of `Kernel::largest`.
#[target_feature(enable = "avx2,fma")]
unsafe fn largest(pool: &Pool, activations: Activations, input: &[u8], first: usize, output: &mut [u8]) {
    pool.run(activations, input, first, output);
}

/// # Safety
/// That of [`Tile::Scattered`].
unsafe fn tile(job: &Job) {
    // SAFETY: the caller's; the features were seen by `runs`.
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
#[target_feature(enable = "avx2,fma")]
unsafe fn rows<const N: usize>(job: &Job) {
    // SAFETY: `Job` says that all these lie where it points.
    unsafe {
        let two = |start: *const __m256i| [_mm256_loadu_si256(start), _mm256_loadu_si256(start.add(1))];
        let mut sums = [two(job.bias.cast()); N];
        let mut weights = job.weights.cast::<__m256i>();
        let even = _mm256_set1_epi32(0x00FF_00FF);
        for tap in 0..job.taps {
            let inputs: [*const i32; N] =
                std::array::from_fn(|row| job.input.add(*job.offsets.add(tap * ROWS + row) as usize).cast());
            for unit in 0..job.tap_bytes / 4 {
                let bytes = two(weights);
                weights = weights.add(2);
                let low = bytes.map(|w| _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(w)));
                let high = bytes.map(|w| _mm256_srai_epi16::<8>(w));
                for row in 0..N {
                    let four = _mm256_set1_epi32(inputs[row].add(unit).read_unaligned());
                    let (first, second) = (_mm256_and_si256(four, even), _mm256_srli_epi16::<8>(four));
                    for half in 0..2 {
                        let products = _mm256_add_epi32(
                            _mm256_madd_epi16(low[half], first),
                            _mm256_madd_epi16(high[half], second),
                        );
                        sums[row][half] = _mm256_add_epi32(sums[row][half], products);
                    }
                }
            }
        }
        let scales = two(job.scales.cast()).map(|scales| _mm256_castsi256_ps(scales));
        for (row, [first, second]) in sums.into_iter().enumerate() {
            let at = row * job.stride;
            let words =
                _mm256_packs_epi32(requantise(first, scales[0], job, at), requantise(second, scales[1], job, at + 8));
            // Packing works within each 128 bits; this brings the channels back in order.
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(words);
            let bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            let bytes = _mm_max_epu8(bytes, _mm_set1_epi8(job.low.cast_signed()));
            _mm_storeu_si128(job.output.add(at).cast(), bytes);
        }
    }
}

/// Requantises 8 sums. The residual is read at `at`, a place in the output.
///
/// # Safety
/// That of [`Tile::Scattered`].
#[target_feature(enable = "avx2,fma")]
unsafe fn requantise(sums: __m256i, scales: __m256, job: &Job, at: usize) -> __m256i {
    let steps = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scales);
    let bytes = _mm256_add_epi32(_mm256_cvtps_epi32(steps), _mm256_set1_epi32(job.zero.into()));
    if job.residual.is_null() {
        return bytes;
    }
    // SAFETY: `at` is a place of the tile.
    let residual = _mm256_cvtepu8_epi32(unsafe { _mm_loadl_epi64(job.residual.add(at).cast()) });
    let held = _mm256_min_epi32(_mm256_max_epi32(bytes, _mm256_setzero_si256()), _mm256_set1_epi32(255));
    let added = &job.added;
    let other =
        _mm256_fmadd_ps(_mm256_cvtepi32_ps(residual), _mm256_set1_ps(added.residual), _mm256_set1_ps(added.offset));
    _mm256_cvtps_epi32(_mm256_fmadd_ps(_mm256_cvtepi32_ps(held), _mm256_set1_ps(added.own), other))
}
