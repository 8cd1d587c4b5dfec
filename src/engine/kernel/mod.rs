//! The kernels: a tile of pixels times a block of output channels, by whatever the core has for it.
//!
//! Always holds: all kernels give the same bytes as [`plain`]. Chosen at run time, by [`Kernel::best`]; the environment's
//! `SONOGFR_KERNEL` names another. Deliberately absent: layers, buffers and threads, which are the plan's.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx512;
mod plain;

use super::{
    net::{Added, Requantise},
    pack::Packed,
    table::Table,
};
use std::ops::Range;

/// What kernels take for activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activations {
    /// Bytes as they are.
    Unsigned,
    /// Bytes less 128.
    Signed,
}

impl Activations {
    /// What turns a byte into what a buffer holds, and back.
    pub fn flip(self) -> u8 {
        match self {
            Self::Unsigned => 0,
            Self::Signed => 0x80,
        }
    }
}

/// One way to multiply.
pub struct Kernel {
    /// Its name in logs and in `SONOGFR_KERNEL`.
    pub name: &'static str,
    /// The most pixels it takes at once.
    pub rows: usize,
    /// The output channels it takes at once.
    pub columns: usize,
    /// Bytes of a tap that lie together for each column of the packed weights.
    pub depth: usize,
    /// What a tap's bytes are a multiple of.
    pub step: usize,
    /// What it takes for activations.
    pub activations: Activations,
    /// Whether this core can run it.
    runs: fn() -> bool,
    /// Computes one tile of one block.
    ///
    /// # Safety
    /// `runs` gave true, and what [`Job`] says of its pointers holds.
    tile: unsafe fn(&Job),
}

/// One tile of one block. What it points to holds for the whole of a call:
/// - `offsets`: `[taps][Kernel::rows]`; each is the start of `tap_bytes` readable bytes after `input`;
/// - `weights`: `taps * tap_bytes * Kernel::columns`; `bias` and `scales`: `Kernel::columns`;
/// - `output`: `Kernel::columns` writable bytes at each of `rows` steps of `stride`, which nothing else reads or writes;
/// - `residual`: null, or the same, readable.
struct Job {
    rows: usize,
    taps: usize,
    tap_bytes: usize,
    input: *const u8,
    offsets: *const u32,
    weights: *const i8,
    bias: *const i32,
    scales: *const f32,
    zero: u8,
    low: u8,
    residual: *const u8,
    added: Added,
    output: *mut u8,
    stride: usize,
}

/// A layer as a kernel runs it.
pub struct Layer<'a> {
    /// Where it reads.
    pub table: &'a Table,
    /// What it multiplies with.
    pub packed: &'a Packed,
    /// What becomes of the sums.
    pub requantise: &'a Requantise,
    /// Bytes of an output pixel, a multiple of the kernel's columns; one such vector stands before the pixels.
    pub stride: usize,
}

/// The part of a layer that one thread computes.
#[derive(Clone, Debug)]
pub struct Part {
    /// Tiles of pixels.
    pub tiles: Range<usize>,
    /// Blocks of output channels.
    pub blocks: Range<usize>,
}

/// The kernels of this architecture, best first; the last runs everywhere.
static KERNELS: &[&Kernel] = &[
    #[cfg(target_arch = "x86_64")]
    &avx512::KERNEL,
    &plain::KERNEL,
];

impl Kernel {
    /// Those that this core can run, best first.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        KERNELS.iter().copied().filter(|kernel| (kernel.runs)())
    }

    /// The best that this core can run.
    pub fn best() -> &'static Self {
        Self::all().next().expect("the plain kernel runs everywhere")
    }

    /// Computes a part of a layer.
    ///
    /// # Panics
    /// If the buffers are shorter than the layer reads or writes, or its table is for another kernel.
    pub fn run(&self, layer: &Layer, part: Part, input: &[u8], residual: Option<&[u8]>, output: &mut [u8]) {
        let Layer { table, packed, requantise, stride } = layer;
        let (taps, tap_bytes) = (table.taps(), packed.tap_bytes);
        let block_weights = taps * tap_bytes * self.columns;
        let pixels = table.tiles().last().map_or(0, |tile| tile.pixel + tile.rows);
        assert!((self.runs)() && table.rows() == self.rows, "the plan is made for its kernel");
        assert!(table.last() + tap_bytes <= input.len() && tap_bytes % self.step == 0, "a tap lies in the input");
        assert!(part.tiles.end <= table.tiles().len() && part.blocks.end * self.columns <= *stride, "a part of the layer");
        assert!(part.blocks.end * block_weights <= packed.weights.len(), "weights for each block");
        assert!(part.blocks.end * self.columns <= packed.bias.len().min(packed.scales.len()), "a scale for each column");
        assert!((1 + pixels) * stride <= output.len(), "pixels lie in the output");
        assert!(residual.is_none_or(|residual| (1 + pixels) * stride <= residual.len()), "pixels lie in the residual");
        assert_eq!(residual.is_some(), requantise.added.is_some(), "a residual is what is added");
        let added = requantise.added.unwrap_or(Added { own: 0.0, residual: 0.0, offset: 0.0 });
        for block in part.blocks {
            let column = block * self.columns;
            for tile in part.tiles.clone() {
                let at = (1 + table.tiles()[tile].pixel) * stride + column;
                let job = Job {
                    rows: table.tiles()[tile].rows,
                    taps,
                    tap_bytes,
                    input: input.as_ptr(),
                    offsets: table.offsets(tile).as_ptr(),
                    weights: packed.weights[block * block_weights..].as_ptr(),
                    bias: packed.bias[column..].as_ptr(),
                    scales: packed.scales[column..].as_ptr(),
                    zero: requantise.zero,
                    low: requantise.low,
                    residual: residual.map_or(std::ptr::null(), |residual| residual[at..].as_ptr()),
                    added,
                    output: output[at..].as_mut_ptr(),
                    stride: *stride,
                };
                // SAFETY: the assertions above are what `Job` asks for; `output` is borrowed alone.
                unsafe { (self.tile)(&job) }
            }
        }
    }
}
