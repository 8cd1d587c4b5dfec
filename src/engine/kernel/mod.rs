//! The kernels: a tile of pixels times a block of output channels, by whatever the core has for it.
//!
//! Always holds: all kernels give the same bytes as [`plain`]. Chosen at run time, by [`Kernel::best`]; the environment's
//! `SONOGFR_KERNEL` names another. Deliberately absent: layers, buffers and threads, which are the plan's.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod crew;
#[cfg(target_arch = "aarch64")]
mod dot;
mod even;
mod layer;
#[cfg(target_arch = "aarch64")]
mod neon;
pub mod pages;
mod plain;
#[cfg(target_arch = "aarch64")]
mod requantise;
#[cfg(target_arch = "x86_64")]
mod tiles;

use super::{net::Quantisation, pool::Pool};
pub use layer::Layer;
use layer::{Job, Part, Tile};
use std::time::Instant;

/// Rounds of one measurement of the peak: some milliseconds.
const PEAK_ROUNDS: usize = 1 << 17;
/// Measurements of the peak, of which the best counts.
const PEAK_TRIES: usize = 20;

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
    /// How it computes one tile of one block.
    tile: Tile,
    /// [`quantise_row`](crate::engine::numbers::quantise_row), compiled for this kernel's vectors.
    ///
    /// # Safety
    /// `runs` gave true.
    quantise: unsafe fn(&[f32], Quantisation, &mut [u8]),
    /// [`Pool::run`], compiled for this kernel's vectors.
    ///
    /// # Safety
    /// `runs` gave true.
    largest: unsafe fn(&Pool, Activations, &[u8], usize, &mut [u8]),
    /// Multiplies as fast as the core can without reading memory, so many rounds, and says how often it did. None where
    /// nobody has written it.
    ///
    /// # Safety
    /// `runs` gave true.
    peak: Option<unsafe fn(usize) -> u64>,
}

/// The kernels of this architecture, best first; the last runs everywhere.
static KERNELS: &[&Kernel] = &[
    #[cfg(target_arch = "x86_64")]
    &amx::KERNEL,
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

    /// Whether it wants pixels evenly apart.
    pub fn reads_evenly(&self) -> bool {
        matches!(self.tile, Tile::Even(_))
    }

    /// Makes bytes of numbers.
    pub fn quantise(&self, numbers: &[f32], quantisation: Quantisation, bytes: &mut [u8]) {
        assert!((self.runs)(), "the plan is made for its kernel");
        // SAFETY: `runs` gave true.
        unsafe { (self.quantise)(numbers, quantisation, bytes) }
    }

    /// Writes the largest of each window of a max-pooling, for the pixels from `first` that fit in `output`.
    pub fn largest(&self, pool: &Pool, input: &[u8], first: usize, output: &mut [u8]) {
        assert!((self.runs)(), "the plan is made for its kernel");
        // SAFETY: `runs` gave true.
        unsafe { (self.largest)(pool, self.activations, input, first, output) }
    }
}
