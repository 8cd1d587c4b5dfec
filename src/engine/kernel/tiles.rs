//! The registers of AMX: whether core and system have them, their shapes, their beginning and end on a thread.
//!
//! *Source* of all numbers: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18, and volume 2, CPUID.

use super::avx512;
use std::{
    arch::{asm, x86_64::*},
    sync::LazyLock,
};

/// Whether the kernel for them can run.
pub(super) static RUNS: LazyLock<bool> = LazyLock::new(|| (avx512::KERNEL.runs)() && has_tiles() && may_use_tiles());

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

/// Sets the registers: zeros, of these shapes.
///
/// # Safety
/// That of `Even::begin`.
pub(super) unsafe fn begin() {
    // SAFETY: the caller's.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const SHAPES, options(nostack, preserves_flags)) }
}

/// Releases the registers, so that the system need not keep them for the thread.
///
/// # Safety
/// That of `Even::end`.
pub(super) unsafe fn end() {
    // SAFETY: the caller's.
    unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) }
}
