//! The kernels: a tile of pixels times a block of output channels, by whatever the core has for it.
//!
//! Always holds: all kernels give the same bytes as [`plain`]. Chosen at run time, by [`Kernel::best`]; the environment's
//! `SONOGFR_KERNEL` names another. Deliberately absent: layers, buffers and threads, which are the plan's.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod crew;
#[cfg(target_arch = "aarch64")]
mod dot;
#[cfg(target_arch = "aarch64")]
mod neon;
pub mod pages;
mod plain;
#[cfg(target_arch = "aarch64")]
mod requantise;

use super::{
    net::{Added, Quantisation, Requantise},
    pack::Packed,
    table::Table,
};
use crew::Arena;
use std::{ops::Range, time::Instant};

/// Rounds of one measurement of the peak: some milliseconds.
const PEAK_ROUNDS: usize = 1 << 17;
/// Measurements of the peak, of which the best counts.
const PEAK_TRIES: usize = 20;

/// Tiles during which the next block's weights are brought nearer. They come from memory, as a network has more than caches
/// hold: where a block has few tiles, the first would wait. *Source*: 3 to 4 % of ResNet-18, 50 and 101 on x86.
const AHEAD_TILES: usize = 4;

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
    /// [`quantise_row`](crate::engine::numbers::quantise_row), compiled for this kernel's vectors.
    ///
    /// # Safety
    /// `runs` gave true.
    quantise: unsafe fn(&[f32], Quantisation, &mut [u8]),
    /// Multiplies as fast as the core can without reading memory, so many rounds, and says how often it did. None where
    /// nobody has written it.
    ///
    /// # Safety
    /// `runs` gave true.
    peak: Option<unsafe fn(usize) -> u64>,
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
    /// Anywhere; a kernel may have a quarter of a block's weights from there on brought nearer.
    #[cfg_attr(target_arch = "aarch64", allow(dead_code, reason = "only a kernel of x86 does"))]
    ahead: *const i8,
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
struct Part {
    tiles: Range<usize>,
    blocks: Range<usize>,
}

/// The kernels of this architecture, best first; the last runs everywhere.
static KERNELS: &[&Kernel] = &[
    #[cfg(target_arch = "x86_64")]
    &avx512::KERNEL,
    #[cfg(target_arch = "x86_64")]
    &avx2::KERNEL,
    #[cfg(target_arch = "aarch64")]
    &dot::KERNEL,
    #[cfg(target_arch = "aarch64")]
    &neon::KERNEL,
    &plain::KERNEL,
];

/// There is no such kernel, or this core cannot run it.
#[derive(Debug, thiserror::Error)]
#[error("this core has no kernel {named:?}; unset SONOGFR_KERNEL")]
pub struct KernelError {
    /// What was asked for.
    pub named: String,
}

impl Kernel {
    /// Those that this core can run, best first.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        KERNELS.iter().copied().filter(|kernel| (kernel.runs)())
    }

    /// Multiplications a second, in 10^9, that one core can do with this kernel's instruction, as measured now.
    pub fn peak_gmacs(&self) -> Option<f64> {
        let peak = self.peak.filter(|_| (self.runs)())?;
        let once = || {
            let began = Instant::now();
            // SAFETY: `runs` gave true.
            let macs = unsafe { peak(PEAK_ROUNDS) };
            macs as f64 / began.elapsed().as_secs_f64() / 1e9
        };
        Some((0..PEAK_TRIES).map(|_| once()).fold(0.0, f64::max))
    }

    /// The best that this core can run, or the one that `SONOGFR_KERNEL` names. *Errors*: [`KernelError`].
    pub fn best() -> Result<&'static Self, KernelError> {
        let named = std::env::var("SONOGFR_KERNEL").ok();
        let mut fitting = Self::all().filter(|kernel| named.as_ref().is_none_or(|name| name == kernel.name));
        fitting.next().ok_or(KernelError { named: named.unwrap_or_default() })
    }

    /// Makes bytes of numbers.
    pub fn quantise(&self, numbers: &[f32], quantisation: Quantisation, bytes: &mut [u8]) {
        assert!((self.runs)(), "the plan is made for its kernel");
        // SAFETY: `runs` gave true.
        unsafe { (self.quantise)(numbers, quantisation, bytes) }
    }

    /// Computes a part of a layer.
    ///
    /// # Safety
    /// As long as it runs, nobody else writes the input or the residual, or reads or writes the part of the output.
    ///
    /// # Panics
    /// If a place is shorter than the layer reads or writes, or the plan is for another kernel.
    unsafe fn run(&self, layer: &Layer, part: Part, arena: &Arena) {
        let Layer { table, weights, packed, requantise, stride, .. } = layer;
        let (taps, tap_bytes) = (table.taps(), packed.tap_bytes);
        let block_weights = taps * tap_bytes * self.columns;
        let (input, output) = (arena.place(&layer.input), arena.place(&layer.output));
        let residual = layer.residual.as_ref().map(|place| arena.place(place));
        let bytes = (1 + table.pixels()) * stride;
        assert!((self.runs)() && table.rows() == self.rows, "the plan is made for its kernel");
        assert!(table.last() + tap_bytes <= layer.input.len() && tap_bytes % self.step == 0, "a tap lies in the input");
        assert!(
            part.tiles.end <= table.tiles().len() && part.blocks.end * self.columns <= *stride,
            "a part of the layer"
        );
        assert!(part.blocks.end * block_weights <= weights.len(), "weights for each block");
        assert!(
            part.blocks.end * self.columns <= packed.bias.len().min(packed.scales.len()),
            "a scale for each column"
        );
        assert!(bytes <= layer.output.len(), "pixels lie in the output");
        assert!(layer.residual.as_ref().is_none_or(|place| bytes <= place.len()), "pixels lie in the residual");
        assert_eq!(residual.is_some(), requantise.added.is_some(), "a residual is what is added");
        let added = requantise.added.unwrap_or(Added { own: 0.0, residual: 0.0, offset: 0.0 });
        for block in part.blocks {
            let column = block * self.columns;
            let own = weights[block * block_weights..].as_ptr();
            for tile in part.tiles.clone() {
                let at = (1 + table.tiles()[tile].pixel) * stride + column;
                let job = Job {
                    rows: table.tiles()[tile].rows,
                    taps,
                    tap_bytes,
                    input,
                    offsets: table.offsets(tile).as_ptr(),
                    weights: own,
                    ahead: own.wrapping_add(block_weights + tile % AHEAD_TILES * (block_weights / AHEAD_TILES)),
                    bias: packed.bias[column..].as_ptr(),
                    scales: packed.scales[column..].as_ptr(),
                    zero: requantise.zero,
                    low: requantise.low,
                    residual: residual.map_or(std::ptr::null(), |residual| residual.wrapping_add(at)),
                    added,
                    output: output.wrapping_add(at),
                    stride: *stride,
                };
                // SAFETY: the assertions above and the caller's promise are what `Job` asks for.
                unsafe { (self.tile)(&job) }
            }
        }
    }
}
