//! The kernel for x86 with AMX: 32 pixels by 32 channels, in four squares of 16 by 16 that one instruction multiplies each, 64 bytes deep.
//!
//! A core reads 32 pixels in one go only where they lie evenly apart, so pixels are brought together first where they do not.
//! The compiler knows these registers by name alone and never uses them, so all that does is written out, and what one piece of that
//! leaves in them the next one finds; they hold nothing from one tile to the next but their shapes.
//!
//! Where the time goes, in cycles of a core of 2023: 85 a step; 65 to store the sums, during which nothing else begins; 200 to make
//! bytes of them, and 450 where something is added. Vectors and tiles run at once only in part, as both take the same port.
//! *Source* of instructions and limits: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.

use super::{
    Activations, Job, Kernel, Tile, avx512,
    even::{Even, Rows},
    tiles::{self, begin, end},
};
use crate::engine::spread::Pieces;
use std::{
    arch::{asm, x86_64::*},
    ops::Range,
};

const ROWS: usize = 32;
const COLUMNS: usize = 32;
/// Bytes of a pixel that one instruction takes.
const STEP: usize = 64;
/// Bytes of a unit of packed weights, 4 of each column; also of a row of sums.
const UNIT: usize = 4 * COLUMNS;

/// Steps of a tile between which there is no room for another one's end. *Source*: with 1 and 2 steps 1.1 times as fast.
const FEW_STEPS: usize = 4;

/// The kernel for AMX.
pub static KERNEL: Kernel = Kernel {
    name: "amx",
    rows: ROWS,
    columns: COLUMNS,
    depth: 4,
    step: STEP,
    activations: Activations::Unsigned,
    runs: || *tiles::RUNS,
    tile: Tile::Even(Even { begin, copy, tile, finish, end }),
    quantise: avx512::quantise,
    largest: avx512::largest,
    peak: Some(peak),
};

/// # Safety
/// That of `Kernel::peak`.
unsafe fn peak(rounds: usize) -> u64 {
    // An instruction takes 16 times as long as others.
    let rounds = rounds.div_ceil(16).max(1);
    // SAFETY: the registers are there, and no memory is touched but the shapes'.
    unsafe {
        begin();
        asm!(
            "2:",
            "tdpbusd tmm0, tmm4, tmm6",
            "tdpbusd tmm1, tmm4, tmm7",
            "tdpbusd tmm2, tmm5, tmm6",
            "tdpbusd tmm3, tmm5, tmm7",
            "sub {rounds}, 1",
            "jnz 2b",
            rounds = inout(reg) rounds => _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            options(nostack),
        );
        end();
    }
    (rounds * 4 * 16 * 16 * STEP) as u64
}

/// # Safety
/// That of `Even::copy`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn copy(input: *const u8, pieces: &Pieces, places: Range<usize>, place_bytes: usize, to: *mut u8) {
    let mut place = to;
    for offsets in pieces.offsets(places).chunks_exact(pieces.each()) {
        let mut to = place;
        for &offset in offsets {
            // SAFETY: the caller's; what is written too much is written over by the next piece, or there is room for it.
            unsafe {
                let from = input.add(offset as usize);
                if pieces.bytes() <= 32 {
                    _mm256_storeu_si256(to.cast(), _mm256_loadu_si256(from.cast()));
                } else {
                    for at in (0..pieces.bytes()).step_by(STEP) {
                        _mm512_storeu_si512(to.add(at).cast(), _mm512_loadu_si512(from.add(at).cast()));
                    }
                }
                to = to.add(pieces.bytes());
            }
        }
        place = place.wrapping_add(place_bytes);
    }
}

/// # Safety
/// That of `Even::tile`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn tile(job: &Job, rows: &Rows, sums: *mut i32, before: Option<(&Job, *const i32)>) {
    // SAFETY: the caller's.
    unsafe {
        let last = *job.held.add(job.rows - 1);
        let (done, from) = before.unwrap_or((job, sums));
        let pairs = if before.is_some() { done.rows.div_ceil(2) } else { 0 };
        match (usize::from(last) < ROWS / 2, done.residual.is_null()) {
            (true, true) => both::<1, false>(job, rows, sums, done, from, pairs),
            (true, false) => both::<1, true>(job, rows, sums, done, from, pairs),
            (false, true) => both::<2, false>(job, rows, sums, done, from, pairs),
            (false, false) => both::<2, true>(job, rows, sums, done, from, pairs),
        }
    }
}

/// # Safety
/// That of `Even::finish`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn finish(job: &Job, sums: *const i32) {
    // SAFETY: the caller's.
    unsafe {
        if job.residual.is_null() {
            let finish = Finish::<false>::new(job, sums);
            (0..job.rows.div_ceil(2)).for_each(|pair| finish.pair(pair));
        } else {
            let finish = Finish::<true>::new(job, sums);
            (0..job.rows.div_ceil(2)).for_each(|pair| finish.pair(pair));
        }
    }
}

/// Multiplies a tile of so many times 16 rows, and finishes pairs of rows of another one between its steps: what waits for tiles and
/// what waits for vectors then run at once.
///
/// # Safety
/// That of `Even::tile`.
#[inline(always)]
unsafe fn both<const HALVES: usize, const ADDS: bool>(
    job: &Job,
    rows: &Rows,
    sums: *mut i32,
    done: &Job,
    from: *const i32,
    pairs: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        let finish = Finish::<ADDS>::new(done, from);
        let steps = job.taps * job.tap_bytes / STEP;
        // What has just been stored cannot be read at once, so with few steps pairs wait until this tile's sums are stored too.
        let each = if steps < FEW_STEPS { 0 } else { pairs.div_ceil(steps) };
        let mut pair = 0;
        begin_sums();
        let mut weights = job.weights;
        let mut ahead = job.ahead;
        let apart = job.taps * job.tap_bytes * COLUMNS / 2;
        for &tap in rows.taps {
            let mut start = rows.start.wrapping_add(tap * rows.stride);
            let end = start.wrapping_add(job.tap_bytes);
            while start < end {
                multiply::<HALVES>(start, rows.stride, weights);
                start = start.wrapping_add(STEP);
                weights = weights.wrapping_add(STEP * COLUMNS);
                for line in 0..8 {
                    _mm_prefetch::<_MM_HINT_T1>(ahead.wrapping_add(line * 64));
                    _mm_prefetch::<_MM_HINT_T1>(ahead.wrapping_add(apart + line * 64));
                }
                ahead = ahead.wrapping_add(512);
                let until = pairs.min(pair + each);
                while pair < until {
                    finish.pair(pair);
                    pair += 1;
                }
            }
        }
        end_sums::<HALVES>(sums);
        (pair..pairs).for_each(|pair| finish.pair(pair));
    }
}

/// Sums begin at zero. They could begin with the bias, but reading it for each row takes longer than adding it at the end where it
/// does not begin at a cache line.
///
/// # Safety
/// That of `Even::tile`.
#[inline(always)]
unsafe fn begin_sums() {
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            options(nostack, nomem, preserves_flags),
        );
    }
}

/// One step: 64 bytes of each row by 32 columns.
///
/// # Safety
/// That of `Even::tile`.
#[inline(always)]
unsafe fn multiply<const HALVES: usize>(start: *const u8, stride: usize, weights: *const i8) {
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "tileloadd tmm4, [{first} + {stride}*1]",
            "tileloadd tmm6, [{weights} + {unit}*1]",
            "tdpbusd tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{weights} + {unit}*1 + 64]",
            "tdpbusd tmm1, tmm4, tmm7",
            first = in(reg) start,
            stride = in(reg) stride,
            weights = in(reg) weights,
            unit = in(reg) UNIT,
            out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm6") _, out("tmm7") _,
            options(nostack, readonly, preserves_flags),
        );
        if HALVES == 2 {
            asm!(
                "tileloadd tmm5, [{second} + {stride}*1]",
                "tdpbusd tmm2, tmm5, tmm6",
                "tdpbusd tmm3, tmm5, tmm7",
                second = in(reg) start.wrapping_add(16 * stride),
                stride = in(reg) stride,
                out("tmm2") _, out("tmm3") _, out("tmm5") _,
                options(nostack, readonly, preserves_flags),
            );
        }
    }
}

/// Stores the sums.
///
/// # Safety
/// That of `Even::tile`.
#[inline(always)]
unsafe fn end_sums<const HALVES: usize>(sums: *mut i32) {
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "tilestored [{sums} + {unit}*1], tmm0",
            "tilestored [{sums} + {unit}*1 + 64], tmm1",
            sums = in(reg) sums,
            unit = in(reg) UNIT,
            options(nostack, preserves_flags),
        );
        if HALVES == 2 {
            asm!(
                "tilestored [{sums} + {unit}*1 + 2048], tmm2",
                "tilestored [{sums} + {unit}*1 + 2112], tmm3",
                sums = in(reg) sums,
                unit = in(reg) UNIT,
                options(nostack, preserves_flags),
            );
        }
    }
}

/// A tile whose sums become bytes. It holds all it needs, as the compiler must take what is written for what it reads.
struct Finish<const ADDS: bool> {
    sums: *const i32,
    held: *const u8,
    last: usize,
    residual: *const u8,
    output: *mut u8,
    stride: usize,
    bias: [__m512i; 2],
    scales: [__m512; 4],
    finish: avx512::Finish,
}

impl<const ADDS: bool> Finish<ADDS> {
    /// # Safety
    /// That of `Even::finish`, with a residual or without.
    #[inline(always)]
    unsafe fn new(job: &Job, sums: *const i32) -> Self {
        let Job { held, residual, output, stride, .. } = *job;
        // SAFETY: the caller's.
        unsafe {
            let [low, high] = two(job.scales.cast()).map(|scales| _mm512_castsi512_ps(scales));
            let scales = [low, high, low, high];
            let bias = two(job.bias);
            Self {
                sums,
                held,
                last: job.rows - 1,
                residual,
                output,
                stride,
                bias,
                scales,
                finish: avx512::Finish::new(job),
            }
        }
    }

    /// Two pixels; the last of an odd number is done twice at once.
    ///
    /// # Safety
    /// That of `Even::finish`; the job has this pair.
    #[inline(always)]
    unsafe fn pair(&self, pair: usize) {
        // SAFETY: the caller's.
        unsafe {
            let pixels = [2 * pair, (2 * pair + 1).min(self.last)];
            let [first, second] = pixels.map(|pixel| two(self.sums.add(usize::from(*self.held.add(pixel)) * COLUMNS)));
            let at = pixels.map(|pixel| pixel * self.stride);
            let residual = match ADDS {
                true => Some(avx512::parts(self.residual.add(at[0]), self.residual.add(at[1]))),
                false => None,
            };
            let sums = [
                _mm512_add_epi32(first[0], self.bias[0]),
                _mm512_add_epi32(first[1], self.bias[1]),
                _mm512_add_epi32(second[0], self.bias[0]),
                _mm512_add_epi32(second[1], self.bias[1]),
            ];
            let bytes = self.finish.bytes(sums, &self.scales, residual);
            _mm256_storeu_si256(self.output.add(at[0]).cast(), _mm512_castsi512_si256(bytes));
            _mm256_storeu_si256(self.output.add(at[1]).cast(), _mm512_extracti64x4_epi64::<1>(bytes));
        }
    }
}

/// Two vectors.
///
/// # Safety
/// They are readable.
#[inline(always)]
unsafe fn two(start: *const i32) -> [__m512i; 2] {
    // SAFETY: the caller's.
    unsafe { [_mm512_loadu_si512(start.cast()), _mm512_loadu_si512(start.add(16).cast())] }
}
