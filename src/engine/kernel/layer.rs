//! A part of a layer, as a kernel runs it: block by block of output channels, tile by tile of pixels.
//!
//! Most kernels find a pixel's taps wherever they lie; [`even`](super::even) has what the other ones need.

use super::{Kernel, crew::Arena, even::Even};
use crate::engine::{
    net::{Added, Requantise},
    pack::Packed,
    table::Reads,
};
use std::{ops::Range, ptr};

/// Tiles during which the next block's weights are brought nearer. They come from memory, as a network has more than caches
/// hold: where a block has few tiles, the first would wait. *Source*: 3 to 4 % of ResNet-18, 50 and 101 on x86.
const AHEAD_TILES: usize = 4;
/// How a kernel computes one tile of one block.
pub(super) enum Tile {
    /// Each pixel's taps by their offsets.
    ///
    /// # Safety
    /// The kernel's `runs` gave true, and what [`Job`] says of its pointers holds.
    Scattered(unsafe fn(&Job)),
    /// Each tap of a tile's pixels evenly apart.
    #[cfg_attr(target_arch = "aarch64", allow(dead_code, reason = "only a kernel of x86 does"))]
    Even(Even),
}

/// One tile of one block. What it points to holds for the whole of a call:
/// - `offsets`: `[taps][Kernel::rows]`; each is the start of `tap_bytes` readable bytes after `input`; not for [`Tile::Even`];
/// - `weights`: `taps * tap_bytes * Kernel::columns`; `bias` and `scales`: `Kernel::columns`;
/// - `output`: `Kernel::columns` writable bytes at each of `rows` steps of `stride`, which nothing else reads or writes;
/// - `residual`: null, or as many readable bytes: apart from the output or the very same, so each is read before its place is written.
#[derive(Clone, Copy)]
pub(super) struct Job {
    pub(super) rows: usize,
    pub(super) taps: usize,
    pub(super) tap_bytes: usize,
    pub(super) input: *const u8,
    pub(super) offsets: *const u32,
    /// Of [`Tile::Even`], which of a tile's rows each pixel is.
    #[cfg_attr(target_arch = "aarch64", allow(dead_code, reason = "only a kernel of x86 reads it"))]
    pub(super) held: *const u8,
    pub(super) weights: *const i8,
    /// Anywhere; a kernel may have the first and the third quarter of a block's weights from there on brought nearer.
    #[cfg_attr(target_arch = "aarch64", allow(dead_code, reason = "only kernels of x86 do"))]
    pub(super) ahead: *const i8,
    pub(super) bias: *const i32,
    pub(super) scales: *const f32,
    pub(super) zero: u8,
    pub(super) low: u8,
    pub(super) residual: *const u8,
    pub(super) added: Added,
    pub(super) output: *mut u8,
    pub(super) stride: usize,
}

/// A layer as a kernel runs it.
pub struct Layer<'a> {
    /// Where it reads.
    pub reads: &'a Reads,
    /// What it multiplies with.
    pub weights: &'a [i8],
    /// How that lies, and what goes with it.
    pub packed: &'a Packed,
    /// What becomes of the sums.
    pub requantise: &'a Requantise,
    /// Where the input lies in the arena.
    pub input: Range<usize>,
    /// Where what is added lies.
    pub residual: Option<Range<usize>>,
    /// Where the output lies, apart from the input; from what is added too, or in its place.
    pub output: Range<usize>,
    /// Bytes of an output pixel, a multiple of the kernel's columns; one such vector stands before the pixels.
    pub stride: usize,
}

/// The part of a layer that one thread computes: tiles of pixels times blocks of output channels.
pub(super) struct Part {
    pub(super) tiles: Range<usize>,
    pub(super) blocks: Range<usize>,
}

impl Layer<'_> {
    /// What the jobs of a part have in common, with the places where its input and output begin.
    ///
    /// # Panics
    /// If a place is shorter than the layer reads or writes, or the plan is for another kernel.
    fn checked(&self, kernel: &Kernel, part: &Part, arena: &Arena) -> Job {
        let Self { reads, weights, packed, requantise, stride, .. } = self;
        let (taps, tap_bytes) = (self.taps(), packed.tap_bytes);
        let bytes = (1 + reads.pixels()) * stride;
        assert!((kernel.runs)() && reads.rows() == kernel.rows, "the plan is made for its kernel");
        assert!(
            reads.end(tap_bytes, kernel.step) <= self.input.len() && tap_bytes % kernel.step == 0,
            "a tap lies in the input"
        );
        assert!(
            part.tiles.end <= reads.tiles().len() && part.blocks.end * kernel.columns <= *stride,
            "a part of the layer"
        );
        assert!(part.blocks.end * taps * tap_bytes * kernel.columns <= weights.len(), "weights for each block");
        assert!(
            part.blocks.end * kernel.columns <= packed.bias.len().min(packed.scales.len()),
            "a scale for each column"
        );
        assert!(bytes <= self.output.len(), "pixels lie in the output");
        assert!(self.residual.as_ref().is_none_or(|place| bytes <= place.len()), "pixels lie in the residual");
        assert_eq!(self.residual.is_some(), requantise.added.is_some(), "a residual is what is added");
        Job {
            rows: 0,
            taps,
            tap_bytes,
            input: arena.place(&self.input),
            offsets: ptr::null(),
            held: ptr::null(),
            weights: ptr::null(),
            ahead: ptr::null(),
            bias: ptr::null(),
            scales: ptr::null(),
            zero: requantise.zero,
            low: requantise.low,
            residual: self.residual.as_ref().map_or(ptr::null(), |place| arena.place(place).cast_const()),
            added: requantise.added.unwrap_or(Added { own: 0.0, residual: 0.0, offset: 0.0 }),
            output: arena.place(&self.output),
            stride: *stride,
        }
    }

    pub(super) fn taps(&self) -> usize {
        match self.reads {
            Reads::Scattered(table) => table.taps(),
            Reads::Even(spread) => spread.taps().len(),
        }
    }

    /// Makes a job of this part that of one tile of one block, but for where its pixels are read.
    ///
    /// It is changed where it lies, as a copy of it would wait for what was written last, and that for the whole tile before.
    #[inline(always)]
    pub(super) fn aim(&self, job: &mut Job, kernel: &Kernel, block: usize, tile: usize, common: &Job) {
        let Self { reads, weights, packed, stride, .. } = self;
        let column = block * kernel.columns;
        let block_weights = common.taps * common.tap_bytes * kernel.columns;
        let own = weights[block * block_weights..].as_ptr();
        let at = (1 + reads.tiles()[tile].pixel) * stride + column;
        job.rows = reads.tiles()[tile].rows;
        job.weights = own;
        job.ahead = own.wrapping_add(block_weights + tile % AHEAD_TILES * (block_weights / AHEAD_TILES));
        job.bias = packed.bias[column..].as_ptr();
        job.scales = packed.scales[column..].as_ptr();
        if !common.residual.is_null() {
            job.residual = common.residual.wrapping_add(at);
        }
        job.output = common.output.wrapping_add(at);
    }
}

impl Kernel {
    /// Computes a part of a layer, with bytes of the thread's own.
    ///
    /// # Safety
    /// As long as it runs, nobody else writes the input, or the residual but in a part of the output that is theirs, or reads or
    /// writes this part of the output.
    ///
    /// # Panics
    /// If a place is shorter than the layer reads or writes, or the plan is for another kernel.
    pub(super) unsafe fn run(&self, layer: &Layer, part: Part, arena: &Arena, own: &mut [u8]) {
        let common = layer.checked(self, &part, arena);
        match (&self.tile, layer.reads) {
            (Tile::Scattered(tile), Reads::Scattered(table)) => {
                let mut job = common;
                for block in part.blocks {
                    for at in part.tiles.clone() {
                        layer.aim(&mut job, self, block, at, &common);
                        job.offsets = table.offsets(at).as_ptr();
                        // SAFETY: what was checked and the caller's promise are what `Job` asks for.
                        unsafe { tile(&job) }
                    }
                }
            }
            // SAFETY: the caller's; the layer was checked.
            (Tile::Even(even), Reads::Even(spread)) => unsafe {
                even.run(self, layer, spread, &common, part, own);
            },
            _ => unreachable!("the plan is made for its kernel"),
        }
    }
}
