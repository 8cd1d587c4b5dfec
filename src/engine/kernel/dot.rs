//! The kernel for aarch64 with dot products (Cortex-A76): 6 pixels by 4 vectors of 4 channels.
//!
//! The instruction is written out, as its intrinsic is not stable. It takes signed bytes alone, so activations are held less
//! 128. The sums are single variables by a macro, as the compiler spills an array of so many.

use super::{Activations, Job, Kernel, Tile, requantise::finish};
use crate::engine::{numbers::quantise_row, pool::Pool};
use std::arch::{aarch64::*, asm};

const ROWS: usize = 6;

/// The kernel for dot products.
pub static KERNEL: Kernel = Kernel {
    name: "dotprod",
    rows: ROWS,
    columns: 16,
    depth: 4,
    step: 16,
    activations: Activations::Signed,
    runs: || std::arch::is_aarch64_feature_detected!("dotprod"),
    tile: Tile::Scattered(tile),
    quantise: quantise_row,
    largest: Pool::run,
    peak: None,
};

/// # Safety
/// That of [`Tile::Scattered`].
unsafe fn tile(job: &Job) {
    // SAFETY: the caller's; the feature was seen by `runs`.
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

/// Adds the products of four weights for each of four channels with four bytes of one pixel.
macro_rules! dot {
    ($sums:ident, $weights:ident, $bytes:ident, $lane:literal) => {
        asm!(
            concat!("sdot {0:v}.4s, {1:v}.16b, {2:v}.4b[", $lane, "]"),
            inout(vreg) $sums, in(vreg) $weights, in(vreg) $bytes,
            options(pure, nomem, nostack, preserves_flags)
        )
    };
}

macro_rules! tile {
    ($name:ident: $($row:literal $input:ident $bytes:ident $a:ident $b:ident $c:ident $d:ident),+) => {
        /// # Safety
        /// That of [`Tile::Scattered`].
        #[target_feature(enable = "dotprod")]
        unsafe fn $name(job: &Job) {
            // SAFETY: `Job` says that all these lie where it points.
            unsafe {
                let bias = vld1q_s32_x4(job.bias);
                $( let (mut $a, mut $b, mut $c, mut $d) = (bias.0, bias.1, bias.2, bias.3); )+
                let mut weights = job.weights;
                let mut offsets = job.offsets;
                for _ in 0..job.taps {
                    $( let $input = job.input.add(*offsets.add($row) as usize).cast::<i8>(); )+
                    offsets = offsets.add(ROWS);
                    for at in (0..job.tap_bytes).step_by(16) {
                        $( let $bytes = vld1q_s8($input.add(at)); )+
                        tile!(@lane weights "0" $($bytes $a $b $c $d),+);
                        tile!(@lane weights "1" $($bytes $a $b $c $d),+);
                        tile!(@lane weights "2" $($bytes $a $b $c $d),+);
                        tile!(@lane weights "3" $($bytes $a $b $c $d),+);
                    }
                }
                $( finish(int32x4x4_t($a, $b, $c, $d), job, $row); )+
            }
        }
    };
    (@lane $weights:ident $lane:literal $($bytes:ident $a:ident $b:ident $c:ident $d:ident),+) => {
        let w = vld1q_s8($weights);
        $( dot!($a, w, $bytes, $lane); )+
        let w = vld1q_s8($weights.add(16));
        $( dot!($b, w, $bytes, $lane); )+
        let w = vld1q_s8($weights.add(32));
        $( dot!($c, w, $bytes, $lane); )+
        let w = vld1q_s8($weights.add(48));
        $( dot!($d, w, $bytes, $lane); )+
        $weights = $weights.add(64);
    };
}
tile!(tile6: 0 i0 x0 a0 b0 c0 d0, 1 i1 x1 a1 b1 c1 d1, 2 i2 x2 a2 b2 c2 d2, 3 i3 x3 a3 b3 c3 d3, 4 i4 x4 a4 b4 c4 d4, 5 i5 x5 a5 b5 c5 d5);
tile!(tile5: 0 i0 x0 a0 b0 c0 d0, 1 i1 x1 a1 b1 c1 d1, 2 i2 x2 a2 b2 c2 d2, 3 i3 x3 a3 b3 c3 d3, 4 i4 x4 a4 b4 c4 d4);
tile!(tile4: 0 i0 x0 a0 b0 c0 d0, 1 i1 x1 a1 b1 c1 d1, 2 i2 x2 a2 b2 c2 d2, 3 i3 x3 a3 b3 c3 d3);
tile!(tile3: 0 i0 x0 a0 b0 c0 d0, 1 i1 x1 a1 b1 c1 d1, 2 i2 x2 a2 b2 c2 d2);
tile!(tile2: 0 i0 x0 a0 b0 c0 d0, 1 i1 x1 a1 b1 c1 d1);
tile!(tile1: 0 i0 x0 a0 b0 c0 d0);
