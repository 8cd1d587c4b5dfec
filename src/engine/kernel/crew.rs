//! Threads that walk through a plan's layers together, each computing its part of every layer.
//!
//! The threads live for one run: starting one costs less than a hundredth of the smallest network's time, and none is there
//! while nothing runs. Between layers they wait for each other without sleeping, as layers take a tenth of a millisecond.
//! Always holds: within a layer all threads read its input and write apart; between layers all have finished.

use super::{Kernel, Layer, Part};
use crate::engine::{
    numbers::{Input, Output},
    pool::Pool,
};
use std::{
    iter::Enumerate,
    marker::PhantomData,
    num::NonZeroUsize,
    ops::Range,
    slice::{self, ChunksMut},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// How often a thread looks for the others before it lets other programs have the core.
const LOOKS_MAX: usize = 1 << 12;
/// Weights of a layer whose pixels are shared out, for each byte of its input; where there are more, its channels are.
/// *Source*: of 3, 5, 10, 20 and 30 none is better for ResNet-18, 50 and 101 on two cores; none or all layers so is 1.05 to
/// 1.3 times as slow.
const WEIGHTS_MAX: usize = 10;

/// One layer.
pub struct Work<'a> {
    /// What it computes.
    pub doing: Doing<'a>,
    /// The byte of which the vector before its pixels is made.
    pub padding: u8,
}

/// What a layer computes.
pub enum Doing<'a> {
    /// A convolution.
    Conv(Layer<'a>),
    /// A max-pooling.
    Pool {
        /// Its shape.
        pool: &'a Pool,
        /// Where its input lies.
        input: Range<usize>,
        /// Where its output lies.
        output: Range<usize>,
    },
    /// The first tensor, from numbers.
    Quantise {
        /// How.
        input: &'a Input,
        /// The numbers.
        picture: &'a [f32],
    },
    /// Numbers, from the last tensor.
    Dequantise {
        /// How.
        output: &'a Output,
        /// Where they go: [`Output::CHANNELS`] channels at a time, taken by whoever comes next.
        planes: &'a Mutex<Enumerate<ChunksMut<'a, f32>>>,
    },
}

/// The memory of all tensors, which threads share.
pub(super) struct Arena<'a> {
    start: *mut u8,
    length: usize,
    borrowed: PhantomData<&'a mut [u8]>,
}

// SAFETY: what lies at `start` is bytes, borrowed alone for as long as this lives; those who write promise to write apart.
unsafe impl Sync for Arena<'_> {}

impl Arena<'_> {
    /// The start of a place. *Panics*: if it is not in the arena.
    pub(super) fn place(&self, place: &Range<usize>) -> *mut u8 {
        assert!(place.start <= place.end && place.end <= self.length, "a place lies in the arena");
        self.start.wrapping_add(place.start)
    }

    /// # Safety
    /// Nobody writes there meanwhile.
    unsafe fn read(&self, place: &Range<usize>) -> &[u8] {
        // SAFETY: it lies in the arena; the rest is the caller's.
        unsafe { slice::from_raw_parts(self.place(place), place.len()) }
    }

    /// # Safety
    /// Nobody else reads or writes there meanwhile.
    #[allow(clippy::mut_from_ref)]
    unsafe fn write(&self, place: &Range<usize>) -> &mut [u8] {
        // SAFETY: it lies in the arena; the rest is the caller's.
        unsafe { slice::from_raw_parts_mut(self.place(place), place.len()) }
    }
}

/// Runs layers in order; `own` is shared out evenly among the threads, for what each needs for itself.
///
/// # Panics
/// If a layer's output overlaps what it reads and is not the very place of what is added, or its places are too short.
pub fn run(kernel: &Kernel, works: &[Work], arena: &mut [u8], own: &mut [u8], threads: NonZeroUsize) {
    let nowhere = 0..0;
    for work in works {
        let (input, residual, output) = match &work.doing {
            Doing::Conv(layer) => (&layer.input, layer.residual.as_ref(), &layer.output),
            Doing::Pool { input, output, .. } => (input, None, output),
            Doing::Quantise { input, .. } => (&nowhere, None, &input.place),
            Doing::Dequantise { output, .. } => (&output.place, None, &nowhere),
        };
        let apart = |other: &Range<usize>| other.end <= output.start || output.end <= other.start;
        assert!(apart(input), "what is read together with what is written lies apart");
        let in_place = |place: &Range<usize>| place == output;
        assert!(
            residual.is_none_or(|place| apart(place) || in_place(place)),
            "so does what is added, or each byte in its place"
        );
    }
    let arena = Arena { start: arena.as_mut_ptr(), length: arena.len(), borrowed: PhantomData };
    let gate = Gate::default();
    let walk = |thread: usize, own: &mut [u8]| {
        let _watch = Watch(&gate);
        let threads = gate.open.wait();
        for (index, work) in works.iter().enumerate() {
            // SAFETY: places were seen to lie apart, or what is added where it goes; shares of one layer are apart, and the gate
            // keeps layers apart.
            unsafe { share(kernel, work, [thread, *threads], &arena, own) };
            gate.pass((index + 1) * threads);
        }
    };
    let each = own.len() / threads;
    let (first, mut others) = own.split_at_mut(each);
    thread::scope(|scope| {
        // Where the system gives fewer threads, those that came share the work.
        let more = (1..threads.get()).take_while(|&thread| {
            let (walk, own) = (&walk, others.split_off_mut(..each).unwrap_or_default());
            thread::Builder::new().spawn_scoped(scope, move || walk(thread, own)).is_ok()
        });
        let threads = 1 + more.count();
        gate.open.get_or_init(|| threads);
        walk(0, first);
    });
}

/// The share of a layer of one thread of so many; the first also writes the padding.
///
/// # Safety
/// What the layer reads is not written meanwhile, and what it writes is read and written by other shares of it alone.
unsafe fn share(kernel: &Kernel, work: &Work, [thread, threads]: [usize; 2], arena: &Arena, own: &mut [u8]) {
    let part = |count: usize| count * thread / threads..count * (thread + 1) / threads;
    let pad = |output: &Range<usize>, bytes: usize| {
        if thread == 0 {
            // SAFETY: no share of a layer writes before its pixels.
            unsafe { arena.write(&(output.start..output.start + bytes)) }.fill(work.padding);
        }
    };
    match &work.doing {
        Doing::Conv(layer) => {
            pad(&layer.output, layer.stride);
            let [tiles, blocks] = [layer.reads.tiles().len(), layer.packed.bias.len() / kernel.columns];
            // By pixels a core reads mostly what it wrote itself, by blocks half the weights; both must come out even.
            let by_pixels = tiles >= 2 * threads && layer.weights.len() <= WEIGHTS_MAX * layer.input.len();
            let part = if by_pixels || blocks % threads != 0 {
                Part { tiles: part(tiles), blocks: 0..blocks }
            } else {
                Part { tiles: 0..tiles, blocks: part(blocks) }
            };
            // SAFETY: shares are different tiles or different blocks.
            unsafe { kernel.run(layer, part, arena, own) };
        }
        Doing::Pool { pool, input, output } => {
            pad(output, pool.pixel_bytes);
            let pixels = part(pool.output.pixels());
            let at = |pixel: usize| output.start + (1 + pixel) * pool.pixel_bytes;
            assert!(at(pixels.end) <= output.end, "pixels lie in the output");
            // SAFETY: shares are different pixels.
            let (input, largest) = unsafe { (arena.read(input), arena.write(&(at(pixels.start)..at(pixels.end)))) };
            kernel.largest(pool, input, pixels.start, largest);
        }
        Doing::Quantise { input, picture } => {
            pad(&input.place, input.before);
            let lines = part(input.lines());
            // SAFETY: shares are different lines.
            let bytes = unsafe { arena.write(&input.place_of(lines.clone())) };
            input.quantise(picture, lines.start, bytes, kernel);
        }
        Doing::Dequantise { output, planes } => {
            // SAFETY: no share of this writes in the arena.
            let bytes = unsafe { arena.read(&output.place) };
            let next = || planes.lock().unwrap_or_else(PoisonError::into_inner).next();
            while let Some((index, planes)) = next() {
                output.dequantise(bytes, index * Output::CHANNELS, planes, kernel.activations.flip());
            }
        }
    }
}

/// Where threads wait for each other.
#[derive(Default)]
struct Gate {
    /// How many threads there are, once all have come.
    open: OnceLock<usize>,
    /// How often one of them has finished a layer.
    arrived: AtomicUsize,
    lost: AtomicBool,
}

impl Gate {
    /// Waits until layers were finished `all` times. *Panics*: if a thread has panicked.
    fn pass(&self, all: usize) {
        self.arrived.fetch_add(1, Ordering::AcqRel);
        let mut looks = 0;
        while self.arrived.load(Ordering::Acquire) < all {
            assert!(!self.lost.load(Ordering::Relaxed), "another thread of the crew is lost");
            looks += 1;
            if looks < LOOKS_MAX { std::hint::spin_loop() } else { thread::yield_now() }
        }
    }
}

/// Tells the others if its thread panics, as they would wait for ever.
struct Watch<'a>(&'a Gate);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lost.store(true, Ordering::Relaxed);
        }
    }
}
