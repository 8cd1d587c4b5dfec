//! A part of a layer, as a kernel runs it: block by block of output channels, tile by tile of pixels.
//!
//! Most kernels find a pixel's taps wherever they lie. One wants all that a pixel reads in one piece, and the pieces evenly apart:
//! where they are not, as in every window larger than a pixel, they are copied to a place of the thread's own, as many tiles at a
//! time as fit, and once for all blocks.

use super::{Kernel, crew::Arena};
use crate::engine::{
    net::{Added, Requantise},
    pack::Packed,
    table::Table,
};
use std::{ops::Range, ptr};

/// Tiles during which the next block's weights are brought nearer. They come from memory, as a network has more than caches
/// hold: where a block has few tiles, the first would wait. *Source*: 3 to 4 % of ResNet-18, 50 and 101 on x86.
const AHEAD_TILES: usize = 4;
/// What copied tiles of a layer may take. *Units*: bytes. They are read once a block, so they should stay in a core's own cache; so
/// little in tests that small layers too need more than one round.
const COPIED_MAX: usize = if cfg!(test) { 64 << 10 } else { 512 << 10 };

/// How a kernel computes one tile of one block.
pub(super) enum Tile {
    /// Each pixel's taps by their offsets.
    ///
    /// # Safety
    /// The kernel's `runs` gave true, and what [`Job`] says of its pointers holds.
    Scattered(unsafe fn(&Job)),
    /// All that a pixel reads in one piece, and the pieces evenly apart.
    #[cfg_attr(target_arch = "aarch64", allow(dead_code, reason = "only a kernel of x86 does"))]
    Even(Even),
}

/// What a kernel does that wants pixels evenly apart.
#[derive(Clone, Copy)]
pub(super) struct Even {
    /// Makes the thread ready for tiles.
    ///
    /// # Safety
    /// The kernel's `runs` gave true.
    pub(super) begin: unsafe fn(),
    /// Copies what a tile's pixels read, one piece of `taps * tap_bytes` behind the other.
    ///
    /// # Safety
    /// That of [`Tile::Scattered`]; nobody writes what is read.
    pub(super) copy: unsafe fn(&Job, &mut [u8]),
    /// Computes one tile of one block.
    ///
    /// # Safety
    /// That of [`Tile::Scattered`]; what [`Rows`] says holds, and `begin` was the last of these on this thread but `tile`.
    pub(super) tile: unsafe fn(&Job, Rows),
    /// Leaves the thread as it was.
    ///
    /// # Safety
    /// That of `begin`.
    pub(super) end: unsafe fn(),
}

/// Pieces of `taps * tap_bytes` readable bytes, one for each of [`Kernel::rows`], the first at `start` and each `stride` after the
/// one before. Those beyond a tile's rows may hold anything.
#[derive(Clone, Copy)]
#[cfg_attr(target_arch = "aarch64", allow(dead_code, reason = "only a kernel of x86 reads it"))]
pub(super) struct Rows {
    pub(super) start: *const u8,
    pub(super) stride: usize,
}

/// One tile of one block. What it points to holds for the whole of a call:
/// - `offsets`: `[taps][Kernel::rows]`; each is the start of `tap_bytes` readable bytes after `input`;
/// - `weights`: `taps * tap_bytes * Kernel::columns`; `bias` and `scales`: `Kernel::columns`;
/// - `output`: `Kernel::columns` writable bytes at each of `rows` steps of `stride`, which nothing else reads or writes;
/// - `residual`: null, or the same, readable.
pub(super) struct Job {
    pub(super) rows: usize,
    pub(super) taps: usize,
    pub(super) tap_bytes: usize,
    pub(super) input: *const u8,
    pub(super) offsets: *const u32,
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
    pub table: &'a Table,
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
    /// Where the output lies, apart from both.
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
        let Self { table, weights, packed, requantise, stride, .. } = self;
        let (taps, tap_bytes) = (table.taps(), packed.tap_bytes);
        let bytes = (1 + table.pixels()) * stride;
        assert!((kernel.runs)() && table.rows() == kernel.rows, "the plan is made for its kernel");
        assert!(
            table.last() + tap_bytes <= self.input.len() && tap_bytes % kernel.step == 0,
            "a tap lies in the input"
        );
        assert!(
            part.tiles.end <= table.tiles().len() && part.blocks.end * kernel.columns <= *stride,
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

    /// The job of one tile of one block.
    fn job(&self, kernel: &Kernel, common: &Job, block: usize, tile: usize) -> Job {
        let Self { table, weights, packed, stride, .. } = self;
        let column = block * kernel.columns;
        let block_weights = common.taps * common.tap_bytes * kernel.columns;
        let own = weights[block * block_weights..].as_ptr();
        let at = (1 + table.tiles()[tile].pixel) * stride + column;
        Job {
            rows: table.tiles()[tile].rows,
            offsets: table.offsets(tile).as_ptr(),
            weights: own,
            ahead: own.wrapping_add(block_weights + tile % AHEAD_TILES * (block_weights / AHEAD_TILES)),
            bias: packed.bias[column..].as_ptr(),
            scales: packed.scales[column..].as_ptr(),
            residual: if common.residual.is_null() { ptr::null() } else { common.residual.wrapping_add(at) },
            output: common.output.wrapping_add(at),
            ..*common
        }
    }
}

impl Kernel {
    /// Bytes that a thread needs for itself to run a layer with such a table.
    pub fn own_bytes(&self, table: &Table, tap_bytes: usize) -> usize {
        let tile = self.rows * table.taps() * tap_bytes;
        match (&self.tile, table.step()) {
            (Tile::Scattered(_), _) => 0,
            // The last tile alone may reach beyond its input.
            (Tile::Even(_), Some(_)) => tile,
            (Tile::Even(_), None) => tile * (COPIED_MAX / tile).clamp(1, table.tiles().len().max(1)),
        }
    }

    /// Computes a part of a layer, with bytes of the thread's own.
    ///
    /// # Safety
    /// As long as it runs, nobody else writes the input or the residual, or reads or writes the part of the output.
    ///
    /// # Panics
    /// If a place is shorter than the layer reads or writes, or the plan is for another kernel.
    pub(super) unsafe fn run(&self, layer: &Layer, part: Part, arena: &Arena, own: &mut [u8]) {
        let common = layer.checked(self, &part, arena);
        match self.tile {
            Tile::Scattered(tile) => {
                for block in part.blocks {
                    for at in part.tiles.clone() {
                        // SAFETY: what was checked and the caller's promise are what `Job` asks for.
                        unsafe { tile(&layer.job(self, &common, block, at)) }
                    }
                }
            }
            // SAFETY: the caller's; the layer was checked.
            Tile::Even(even) => unsafe { self.run_even(&even, layer, &common, part, own) },
        }
    }

    /// # Safety
    /// That of [`Kernel::run`]; `common` is of this part of the layer.
    unsafe fn run_even(&self, even: &Even, layer: &Layer, common: &Job, part: Part, own: &mut [u8]) {
        let mut tiles = part.tiles;
        while !tiles.is_empty() {
            // SAFETY: what was checked and the caller's promise are what `Job` asks for; `rows_of` gives what `Rows` says.
            unsafe {
                let rows = self.rows_of(even, layer, common, tiles.clone(), own);
                (even.begin)();
                for block in part.blocks.clone() {
                    for (at, rows) in tiles.clone().zip(&rows) {
                        (even.tile)(&layer.job(self, common, block, at), *rows);
                    }
                }
                (even.end)();
                tiles.start += rows.len();
            }
        }
    }

    /// Where the pixels of tiles lie evenly apart, of as many tiles as there is room to bring together where they do not.
    ///
    /// # Safety
    /// As long as it and what it gives are used, nobody writes the input; the job is the layer's.
    unsafe fn rows_of(
        &self,
        even: &Even,
        layer: &Layer,
        common: &Job,
        tiles: Range<usize>,
        own: &mut [u8],
    ) -> Vec<Rows> {
        let row = common.taps * common.tap_bytes;
        let mut free = own.chunks_exact_mut(self.rows * row);
        assert!(free.len() > 0, "there is room for a tile");
        let rows = tiles.map_while(|tile| {
            let first = layer.table.offsets(tile)[0] as usize;
            if let Some(stride) = layer.table.step()
                && first + (self.rows - 1) * stride + row <= layer.input.len()
            {
                return Some(Rows { start: common.input.wrapping_add(first), stride });
            }
            let copied = free.next()?;
            // SAFETY: the caller's.
            unsafe { (even.copy)(&layer.job(self, common, 0, tile), copied) };
            Some(Rows { start: copied.as_ptr(), stride: row })
        });
        rows.collect()
    }
}
