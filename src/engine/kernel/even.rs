//! A part of a layer for a kernel that wants pixels evenly apart, and that computes one tile while it finishes the one before.

use super::{Job, Kernel, Layer, layer::Part};
use crate::engine::{
    pack::Packed,
    spread::{Pieces, Source, Spread},
    table::Reads,
};
use std::{mem::MaybeUninit, ops::Range};

/// Sums of a tile at most.
const SUMS_MAX: usize = 32 * 32;
/// Tiles that go through all blocks together, so that their pixels stay in a core's first cache. *Source*: of 1, 2, 4 and 8 tiles
/// and all, the best for ResNet-50 by 2 to 4 %.
const TILES: usize = 2;
/// Weights of a layer that are read once for every so many tiles; larger ones would leave a core's own cache. *Units*: bytes.
const WEIGHTS_MAX: usize = 512 << 10;

/// What a kernel does that wants pixels evenly apart.
#[derive(Clone, Copy)]
pub(super) struct Even {
    /// Makes the thread ready for tiles.
    ///
    /// # Safety
    /// The kernel's `runs` gave true.
    pub(super) begin: unsafe fn(),
    /// Copies all pieces of some places, each of which takes so many bytes, to `to`.
    ///
    /// # Safety
    /// The kernel's `runs` gave true. At each of the offsets, after `input`, a piece's bytes are readable, up to the next multiple
    /// of [`Kernel::step`]; as much more is writable than the places take.
    pub(super) copy:
        unsafe fn(input: *const u8, pieces: &Pieces, places: Range<usize>, place_bytes: usize, to: *mut u8),
    /// Computes the sums of one tile of one block, and stores the bytes of another, if there is one, whose sums are there.
    ///
    /// # Safety
    /// The kernel's `runs` gave true, what [`Job`] and [`Rows`] say holds of both, and `begin` was the last of these on this thread
    /// but `tile`. Both places have room for the sums of a tile, and the other's sums are what this wrote for it.
    pub(super) tile: unsafe fn(&Job, &Rows, sums: *mut i32, before: Option<(&Job, *const i32)>),
    /// Stores the bytes of a tile whose sums are there.
    ///
    /// # Safety
    /// That of `tile`.
    pub(super) finish: unsafe fn(&Job, *const i32),
    /// Leaves the thread as it was.
    ///
    /// # Safety
    /// That of `begin`.
    pub(super) end: unsafe fn(),
}

/// Where a tile's pixels are read: `tap_bytes` readable bytes for each of [`Kernel::rows`] and each of `taps`, the first at `start`,
/// each row `stride` after the one before and each tap so many strides further on. Rows that are no pixel's may hold anything.
#[cfg_attr(target_arch = "aarch64", allow(dead_code, reason = "only a kernel of x86 reads it"))]
pub(super) struct Rows<'a> {
    pub(super) start: *const u8,
    pub(super) stride: usize,
    pub(super) taps: &'a [usize],
}

#[repr(align(64))]
struct Sums(MaybeUninit<[i32; SUMS_MAX]>);

impl Kernel {
    /// Bytes that a thread needs for itself to run a layer that reads so.
    pub fn own_bytes(&self, reads: &Reads, packed: &Packed) -> usize {
        match reads {
            Reads::Even(spread) if matches!(spread.source(), Source::Copies(_)) => {
                let tiles = spread.tiles().len();
                let each = group(spread, packed);
                let places = (0..tiles).step_by(each).map(|tile| spread.span(tile..(tile + each).min(tiles)).len());
                places.max().unwrap_or(0) * packed.tap_bytes + self.step
            }
            _ => 0,
        }
    }
}

/// How many tiles a thread takes through all blocks before it goes on to the next ones.
fn group(spread: &Spread, packed: &Packed) -> usize {
    // Neighbouring tiles share what several taps read.
    if spread.taps().len() > 1 || packed.weights.len() > WEIGHTS_MAX { spread.tiles().len().max(1) } else { TILES }
}

impl Even {
    /// Computes a part of a layer.
    ///
    /// # Safety
    /// That of [`Kernel::run`]; `common` is of this part of the layer, which was checked.
    pub(super) unsafe fn run(
        &self,
        kernel: &Kernel,
        layer: &Layer,
        spread: &Spread,
        common: &Job,
        part: Part,
        own: &mut [u8],
    ) {
        assert!(kernel.rows * kernel.columns <= SUMS_MAX, "a tile's sums have room");
        let mut sums = [const { Sums(MaybeUninit::uninit()) }; 2];
        let [mut now, mut other] = sums.each_mut().map(|sums| sums.0.as_mut_ptr().cast::<i32>());
        let mut jobs = [*common; 2];
        let [mut job, mut before] = jobs.each_mut();
        let mut is_first = true;
        let place_bytes = common.tap_bytes;
        let each = group(spread, layer.packed);
        // SAFETY: what was checked and the caller's promise are what `Job` asks for; `places_of` gives what `Rows` says. The sums
        // of the tile before lie where they were written.
        unsafe {
            (self.begin)();
            for first in part.tiles.clone().step_by(each) {
                let tiles = first..(first + each).min(part.tiles.end);
                let places = self.places_of(kernel, spread, common, tiles.clone(), own);
                for block in part.blocks.clone() {
                    for tile in tiles.clone() {
                        layer.aim(job, kernel, block, tile, common);
                        job.held = spread.held(tile).as_ptr();
                        let start = places.wrapping_add(spread.start(tile) * place_bytes);
                        let rows = Rows { start, stride: place_bytes, taps: spread.taps() };
                        (self.tile)(job, &rows, now, (!is_first).then_some((&*before, other.cast_const())));
                        is_first = false;
                        (job, before) = (before, job);
                        (now, other) = (other, now);
                    }
                }
            }
            if !is_first {
                (self.finish)(before, other);
            }
            (self.end)();
        }
    }

    /// Where the first place is, or would be, such that those of some tiles can be read.
    ///
    /// # Safety
    /// As long as it and what it gives are used, nobody writes the input; the job is the layer's, which was checked.
    unsafe fn places_of(
        &self,
        kernel: &Kernel,
        spread: &Spread,
        common: &Job,
        tiles: Range<usize>,
        own: &mut [u8],
    ) -> *const u8 {
        match spread.source() {
            Source::Input(first) => common.input.wrapping_add(*first),
            Source::Copies(pieces) => {
                let span = spread.span(tiles);
                assert!(span.len() * common.tap_bytes + kernel.step <= own.len(), "there is room for the places");
                assert!(pieces.each() * pieces.bytes() <= common.tap_bytes, "a place has room for its pieces");
                // SAFETY: the layer was checked, and there is room.
                unsafe { (self.copy)(common.input, pieces, span.clone(), common.tap_bytes, own.as_mut_ptr()) };
                own.as_ptr().wrapping_sub(span.start * common.tap_bytes)
            }
        }
    }
}
