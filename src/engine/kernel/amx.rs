//! The kernel for x86 with AMX: 32 pixels by 32 channels, in four squares of 16 by 16 that one instruction multiplies each, 64 bytes deep.
//!
//! A core reads 32 pixels in one go only where they lie evenly apart, so pixels are brought together first where they do not.
//! The compiler knows these registers by name alone and never uses them, so all that does is written out; they hold nothing from one
//! tile to the next but their shapes.
//! *Source* of instructions and limits: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.

use super::{
    Activations, Job, Kernel, Tile, avx512,
    layer::{Even, Rows},
};
use crate::engine::{net::Quantisation, numbers::quantise_row};
use std::{
    arch::{asm, x86_64::*},
    mem::MaybeUninit,
    sync::LazyLock,
};

const ROWS: usize = 32;
const COLUMNS: usize = 32;
/// Bytes of a pixel that one instruction takes.
const STEP: usize = 64;
/// Bytes of a unit of packed weights, 4 of each column; also of a row of sums.
const UNIT: usize = 4 * COLUMNS;

/// The kernel for AMX.
pub static KERNEL: Kernel = Kernel {
    name: "amx",
    rows: ROWS,
    columns: COLUMNS,
    depth: 4,
    step: STEP,
    activations: Activations::Unsigned,
    runs: || *RUNS,
    tile: Tile::Even(Even { begin, copy, tile, end }),
    quantise,
    peak: Some(peak),
};

static RUNS: LazyLock<bool> = LazyLock::new(|| (avx512::KERNEL.runs)() && has_tiles() && may_use_tiles());

/// Whether core and system have the registers and the instruction for bytes.
fn has_tiles() -> bool {
    const MOST_LEAF: u32 = 7;
    const TILES_AND_BYTES: u32 = 1 << 24 | 1 << 25;
    const KEPT_BY_SYSTEM: u64 = 1 << 17 | 1 << 18;
    if __cpuid_count(0, 0).eax < MOST_LEAF || !std::is_x86_feature_detected!("xsave") {
        return false;
    }
    // SAFETY: the core has the instruction, and the system allows it, as `xsave` was seen.
    let kept = unsafe { kept_by_system() };
    __cpuid_count(MOST_LEAF, 0).edx & TILES_AND_BYTES == TILES_AND_BYTES && kept & KEPT_BY_SYSTEM == KEPT_BY_SYSTEM
}

/// # Safety
/// The core has XSAVE, and the system uses it.
#[target_feature(enable = "xsave")]
unsafe fn kept_by_system() -> u64 {
    // SAFETY: the caller's.
    unsafe { _xgetbv(0) }
}

/// Asks the system for the registers, once for the process. *Source*: Linux, Documentation/arch/x86/xstate.rst.
fn may_use_tiles() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_int = 0x1023;
    const TILE_DATA: libc::c_ulong = 18;
    // SAFETY: the call reads two numbers; where the system does not know it, it says so.
    cfg!(target_os = "linux") && unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) } == 0
}

/// How the eight registers are cut: 16 rows of 64 bytes each.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    first_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

static SHAPES: Shapes = Shapes {
    palette: 1,
    first_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
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
/// That of `Kernel::quantise`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn quantise(numbers: &[f32], quantisation: Quantisation, bytes: &mut [u8]) {
    quantise_row(numbers, quantisation, bytes);
}

/// Sets the registers: zeros, of these shapes.
///
/// # Safety
/// That of `Even::begin`.
unsafe fn begin() {
    // SAFETY: the caller's.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const SHAPES, options(nostack, preserves_flags)) }
}

/// Releases the registers, so that the system need not keep them for the thread.
///
/// # Safety
/// That of `Even::end`.
unsafe fn end() {
    // SAFETY: the caller's.
    unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) }
}

/// # Safety
/// That of `Even::copy`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn copy(job: &Job, copied: &mut [u8]) {
    assert!(job.rows * job.taps * job.tap_bytes <= copied.len(), "there is room for the tile");
    let mut to = copied.as_mut_ptr().cast::<__m512i>();
    for row in 0..job.rows {
        for tap in 0..job.taps {
            // SAFETY: `Job` says that the tap lies there; there is room for all of them.
            unsafe {
                let from = job.input.add(*job.offsets.add(tap * ROWS + row) as usize).cast::<__m512i>();
                for vector in 0..job.tap_bytes / STEP {
                    _mm512_storeu_si512(to, _mm512_loadu_si512(from.add(vector)));
                    to = to.add(1);
                }
            }
        }
    }
}

/// A tile's sums.
#[repr(C, align(64))]
struct Sums([[i32; COLUMNS]; ROWS]);

/// # Safety
/// That of `Even::tile`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn tile(job: &Job, rows: Rows) {
    let mut sums = MaybeUninit::<Sums>::uninit();
    // SAFETY: `Job` and `Rows` say that all these lie where they point; the sums of the job's rows are written before they are read.
    unsafe {
        if job.rows > ROWS / 2 {
            multiply(job, &rows, sums.as_mut_ptr());
        } else {
            multiply_few(job, &rows, sums.as_mut_ptr());
        }
        let two = |start: *const i32| [_mm512_loadu_si512(start.cast()), _mm512_loadu_si512(start.add(16).cast())];
        let [low, high] = two(job.scales.cast()).map(|scales| _mm512_castsi512_ps(scales));
        for row in (0..job.rows).step_by(2) {
            // The last of an odd number is done twice at once.
            let pair = [row, (row + 1).min(job.rows - 1)];
            let [first, second] = pair.map(|row| two(sums.as_ptr().cast::<i32>().add(row * COLUMNS)));
            let at = pair.map(|row| row * job.stride);
            let residual = (!job.residual.is_null()).then(|| {
                let [first, second] = at.map(|at| _mm256_loadu_si256(job.residual.add(at).cast()));
                _mm512_inserti64x4::<1>(_mm512_castsi256_si512(first), second)
            });
            let sums = [first[0], first[1], second[0], second[1]];
            let bytes = avx512::finish(sums, &[low, high, low, high], job, residual);
            _mm256_storeu_si256(job.output.add(at[0]).cast(), _mm512_castsi512_si256(bytes));
            _mm256_storeu_si256(job.output.add(at[1]).cast(), _mm512_extracti64x4_epi64::<1>(bytes));
        }
    }
}

/// Multiplies 32 pixels.
///
/// # Safety
/// That of `Even::tile`.
#[inline(always)]
unsafe fn multiply(job: &Job, rows: &Rows, sums: *mut Sums) {
    // SAFETY: the caller's; what is brought nearer may lie anywhere.
    unsafe {
        asm!(
            // Each row of the sums begins with the bias.
            "tileloadd tmm0, [{bias} + {none}*1]",
            "tileloadd tmm1, [{bias} + {none}*1 + 64]",
            "tileloadd tmm2, [{bias} + {none}*1]",
            "tileloadd tmm3, [{bias} + {none}*1 + 64]",
            "2:",
            "tileloadd tmm4, [{first} + {stride}*1]",
            "tileloadd tmm6, [{weights} + {unit}*1]",
            "tdpbusd tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{weights} + {unit}*1 + 64]",
            "tdpbusd tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{second} + {stride}*1]",
            "tdpbusd tmm2, tmm5, tmm6",
            "tdpbusd tmm3, tmm5, tmm7",
            // A quarter of what a step reads from each of two places.
            "prefetcht1 [{ahead}]",
            "prefetcht1 [{ahead} + 64]",
            "prefetcht1 [{ahead} + 128]",
            "prefetcht1 [{ahead} + 192]",
            "prefetcht1 [{ahead} + 256]",
            "prefetcht1 [{ahead} + 320]",
            "prefetcht1 [{ahead} + 384]",
            "prefetcht1 [{ahead} + 448]",
            "prefetcht1 [{ahead} + {apart}]",
            "prefetcht1 [{ahead} + {apart} + 64]",
            "prefetcht1 [{ahead} + {apart} + 128]",
            "prefetcht1 [{ahead} + {apart} + 192]",
            "prefetcht1 [{ahead} + {apart} + 256]",
            "prefetcht1 [{ahead} + {apart} + 320]",
            "prefetcht1 [{ahead} + {apart} + 384]",
            "prefetcht1 [{ahead} + {apart} + 448]",
            "add {ahead}, 512",
            "add {weights}, 2048",
            "add {first}, 64",
            "add {second}, 64",
            "sub {steps}, 1",
            "jnz 2b",
            "tilestored [{sums} + {unit}*1], tmm0",
            "tilestored [{sums} + {unit}*1 + 64], tmm1",
            "tilestored [{sums} + {unit}*1 + 2048], tmm2",
            "tilestored [{sums} + {unit}*1 + 2112], tmm3",
            bias = in(reg) job.bias,
            none = in(reg) 0_usize,
            first = inout(reg) rows.start => _,
            second = inout(reg) rows.start.add(16 * rows.stride) => _,
            stride = in(reg) rows.stride,
            weights = inout(reg) job.weights => _,
            unit = in(reg) UNIT,
            ahead = inout(reg) job.ahead => _,
            apart = in(reg) job.taps * job.tap_bytes * COLUMNS / 4,
            steps = inout(reg) job.taps * job.tap_bytes / STEP => _,
            sums = in(reg) sums,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

/// The same for 16 pixels or fewer, as the last tile of 28 x 28 and of 14 x 14 pixels has. *Source*: 4 to 5 % of ResNet-50 and 101.
///
/// # Safety
/// That of [`multiply`].
#[inline(always)]
unsafe fn multiply_few(job: &Job, rows: &Rows, sums: *mut Sums) {
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "tileloadd tmm0, [{bias} + {none}*1]",
            "tileloadd tmm1, [{bias} + {none}*1 + 64]",
            "2:",
            "tileloadd tmm4, [{first} + {stride}*1]",
            "tileloadd tmm6, [{weights} + {unit}*1]",
            "tdpbusd tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{weights} + {unit}*1 + 64]",
            "tdpbusd tmm1, tmm4, tmm7",
            "add {weights}, 2048",
            "add {first}, 64",
            "sub {steps}, 1",
            "jnz 2b",
            "tilestored [{sums} + {unit}*1], tmm0",
            "tilestored [{sums} + {unit}*1 + 64], tmm1",
            bias = in(reg) job.bias,
            none = in(reg) 0_usize,
            first = inout(reg) rows.start => _,
            stride = in(reg) rows.stride,
            weights = inout(reg) job.weights => _,
            unit = in(reg) UNIT,
            steps = inout(reg) job.taps * job.tap_bytes / STEP => _,
            sums = in(reg) sums,
            out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}
