//! Memory for weights and for what a run works in, in huge pages where the system has them.
//!
//! A run reads all weights once, tens of megabytes in order: with pages of 4 KiB each one's beginning is waited for, which takes
//! 2 % of a ResNet-101. Tensors are read and written at steps of up to 2 KiB, a page every other pixel: another 2 to 5 %.

use rustix::mm::{Advice, madvise};
use std::ops::{Deref, DerefMut};

/// A huge page of x86, and of aarch64 with pages of 4 KiB. *Units*: bytes.
const HUGE: usize = 2 << 20;
/// A cache line, and the longest vector. *Units*: bytes.
const LINE: usize = 64;

/// Bytes, signed or not, that begin at a cache line, or at a huge page where there are enough of them.
pub struct Pages<T> {
    bytes: Vec<T>,
    start: usize,
    length: usize,
}

impl<T: Copy + Default> Pages<T> {
    /// So many zeros. What is left over of whole huge pages lies in small ones, so that no more memory is taken than there are
    /// bytes.
    pub fn zeroed(length: usize) -> Self {
        const { assert!(size_of::<T>() == 1, "lengths are in bytes") }
        let alignment = if length < HUGE { LINE } else { HUGE };
        // What lies around is never touched and so takes no memory.
        let mut bytes = vec![T::default(); length + alignment];
        let start = bytes.as_ptr().align_offset(alignment);
        let first = bytes[start..].as_mut_ptr();
        if length >= HUGE {
            // Where the system has no huge pages it refuses, and the memory is as good.
            // SAFETY: the range lies in `bytes`, and this advice changes no content.
            let _ = unsafe { madvise(first.cast(), length / HUGE * HUGE, Advice::LinuxHugepage) };
        }
        Self { bytes, start, length }
    }

    /// At least so many zeros, all in huge pages where they fill half of one.
    pub fn zeroed_wholly(length: usize) -> Self {
        Self::zeroed(if length < HUGE / 2 { length } else { length.next_multiple_of(HUGE) })
    }
}

impl<T: Copy + Default> Default for Pages<T> {
    fn default() -> Self {
        Self::zeroed(0)
    }
}

impl<T> Deref for Pages<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.bytes[self.start..][..self.length]
    }
}

impl<T> DerefMut for Pages<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.bytes[self.start..][..self.length]
    }
}

/// Gives memory that was freed and is kept for later back to the system: reading networks leaves tens of megabytes of it.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it changes nothing that is in use.
    let _any = unsafe { libc::malloc_trim(0) };
}
