//! The kernel for x86 with AVX512-VNNI: 6 pixels by 4 vectors of 16 channels, 24 sums that never leave their registers.
//!
//! The sums are single variables by a macro, as the compiler spills an array of so many (140 instead of 460 GMAC/s).

use super::{Activations, Job, Kernel, Tile};
use crate::engine::{net::Quantisation, numbers::quantise_row, pool::Pool};
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
    tile: Tile::Scattered(tile),
    quantise,
    largest,
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
/// That of `Kernel::quantise`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn quantise(numbers: &[f32], quantisation: Quantisation, bytes: &mut [u8]) {
    quantise_row(numbers, quantisation, bytes);
}

/// # Safety
/// That of `Kernel::largest`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn largest(pool: &Pool, activations: Activations, input: &[u8], first: usize, output: &mut [u8]) {
    pool.run(activations, input, first, output);
}

/// # Safety
/// That of [`Tile::Scattered`].
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

/// What a job's sums are requantised with.
#[derive(Clone, Copy)]
pub(super) struct Finish {
    zero: __m512i,
    low: __m512i,
    own: __m512,
    residual: __m512,
    offset: __m512,
    least: __m512,
    most: __m512,
    round: __m512,
    round_less_zero: __m512,
    turned: __m512i,
}

impl Finish {
    /// Of a job.
    ///
    /// # Safety
    /// The core has the features of this kernel.
    #[inline(always)]
    pub(super) unsafe fn new(job: &Job) -> Self {
        // Added to a value below 2^22 in size, this leaves it rounded to even; taken off again with less, so much is added.
        const ROUND: f32 = 12_582_912.0;
        let zero = f32::from(job.zero);
        // SAFETY: the features are the caller's.
        unsafe {
            Self {
                zero: _mm512_set1_epi16(job.zero.into()),
                low: _mm512_set1_epi8(job.low.cast_signed()),
                own: _mm512_set1_ps(job.added.own),
                residual: _mm512_set1_ps(job.added.residual),
                offset: _mm512_set1_ps(job.added.offset),
                least: _mm512_set1_ps(-zero),
                most: _mm512_set1_ps(255.0 - zero),
                round: _mm512_set1_ps(ROUND),
                round_less_zero: _mm512_set1_ps(ROUND - zero),
                // A table of 4 by 4, turned: so it brings channels into their order after packing.
                turned: _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
            }
        }
    }

    /// Requantises 64 sums, of one pixel's channels or of two pixels' 32. Packing saturates, which is the clamp at 0 and 255. It
    /// works within each 128 bits, so that packed bytes are those of four vectors by turns of four, until all is done.
    ///
    /// # Safety
    /// The core has the features of this kernel.
    #[inline(always)]
    pub(super) unsafe fn bytes(
        &self,
        sums: [__m512i; 4],
        scales: &[__m512; 4],
        residual: Option<[__m128i; 4]>,
    ) -> __m512i {
        // SAFETY: the features are the caller's.
        unsafe {
            let (low, high) = match residual {
                Some(other) => (
                    _mm512_packs_epi32(
                        self.added(sums[0], scales[0], other[0]),
                        self.added(sums[1], scales[1], other[1]),
                    ),
                    _mm512_packs_epi32(
                        self.added(sums[2], scales[2], other[2]),
                        self.added(sums[3], scales[3], other[3]),
                    ),
                ),
                None => {
                    let steps = |i: usize| _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sums[i]), scales[i]));
                    (
                        _mm512_adds_epi16(_mm512_packs_epi32(steps(0), steps(1)), self.zero),
                        _mm512_adds_epi16(_mm512_packs_epi32(steps(2), steps(3)), self.zero),
                    )
                }
            };
            _mm512_max_epu8(_mm512_permutexvar_epi32(self.turned, _mm512_packus_epi16(low, high)), self.low)
        }
    }

    /// 16 requantised sums with what is added to them. The first bytes stay numbers, which takes fewer instructions than to make
    /// bytes of them and numbers again.
    ///
    /// # Safety
    /// The core has the features of this kernel.
    #[inline(always)]
    unsafe fn added(&self, sums: __m512i, scales: __m512, residual: __m128i) -> __m512i {
        // SAFETY: the features are the caller's.
        unsafe {
            let steps = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), scales);
            let held = _mm512_min_ps(_mm512_max_ps(steps, self.least), self.most);
            let byte = _mm512_sub_ps(_mm512_add_ps(held, self.round), self.round_less_zero);
            let other = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(residual));
            let other = _mm512_fmadd_ps(other, self.residual, self.offset);
            _mm512_cvtps_epi32(_mm512_fmadd_ps(byte, self.own, other))
        }
    }
}

/// 64 bytes, or two times 32, in parts of 16.
///
/// # Safety
/// They are readable.
#[inline(always)]
pub(super) unsafe fn parts(first: *const u8, second: *const u8) -> [__m128i; 4] {
    let (first, second) = (first.cast::<__m128i>(), second.cast::<__m128i>());
    // SAFETY: the caller's.
    unsafe {
        [_mm_loadu_si128(first), _mm_loadu_si128(first.add(1)), _mm_loadu_si128(second), _mm_loadu_si128(second.add(1))]
    }
}

/// Requantises and stores one pixel's 64 channels.
#[inline(always)]
unsafe fn store(sums: [__m512i; 4], scales: &[__m512; 4], finish: &Finish, job: &Job, row: usize) {
    let at = row * job.stride;
    // SAFETY: the features are the caller's, and the tile has this row.
    unsafe {
        let residual = match job.residual.is_null() {
            true => None,
            false => Some(parts(job.residual.add(at), job.residual.add(at + 32))),
        };
        _mm512_storeu_si512(job.output.add(at).cast(), finish.bytes(sums, scales, residual));
    }
}

macro_rules! tile {
    ($name:ident: $($row:literal $input:ident $a:ident $b:ident $c:ident $d:ident),+) => {
        /// # Safety
        /// That of [`Tile::Scattered`].
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
                let mut ahead = job.ahead;
                for _ in 0..job.taps {
                    $( let $input = job.input.add(*offsets.add($row) as usize).cast::<i32>(); )+
                    offsets = offsets.add(ROWS);
                    for unit in 0..job.tap_bytes / 4 {
                        _mm_prefetch::<_MM_HINT_T0>(ahead);
                        // A quarter of what a unit reads, as four tiles bring a block.
                        ahead = ahead.wrapping_add(64);
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
                let finish = Finish::new(job);
                $( store([$a, $b, $c, $d], &scales, &finish, job, $row); )+
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
