//! Memory for weights, in huge pages where the system has them.
//!
//! A run reads all weights once, tens of megabytes in order: with pages of 4 KiB each one's beginning is waited for, which takes
//! 2 % of a ResNet-101.

use rustix::mm::{Advice, madvise};
use std::ops::{Deref, DerefMut};

/// A huge page of x86, and of aarch64 with pages of 4 KiB. *Units*: bytes.
const HUGE: usize = 2 << 20;
/// A cache line, and the longest vector. *Units*: bytes.
const LINE: usize = 64;

/// Bytes that begin at a cache line, or at a huge page where there are enough of them.
pub struct Pages {
    bytes: Vec<i8>,
    start: usize,
    length: usize,
}

impl Pages {
    /// So many zeros.
    pub fn zeroed(length: usize) -> Self {
        let alignment = if length < HUGE { LINE } else { HUGE };
        // What lies around is never touched and so takes no memory.
        let mut bytes = vec![0_i8; length + alignment];
        let start = bytes.as_ptr().align_offset(alignment);
        let first = bytes[start..].as_mut_ptr();
        if length >= HUGE {
            // The last part of a page stays in small ones, so that no more memory is taken than there are bytes. Where the system
            // has no huge pages it refuses, and the memory is as good.
            // SAFETY: the range lies in `bytes`, and this advice changes no content.
            let _ = unsafe { madvise(first.cast(), length / HUGE * HUGE, Advice::LinuxHugepage) };
        }
        Self { bytes, start, length }
    }
}

impl Deref for Pages {
    type Target = [i8];

    fn deref(&self) -> &[i8] {
        &self.bytes[self.start..][..self.length]
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [i8] {
        &mut self.bytes[self.start..][..self.length]
    }
}

/// Gives memory that was freed and is kept for later back to the system: reading networks leaves tens of megabytes of it.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it changes nothing that is in use.
    let _any = unsafe { libc::malloc_trim(0) };
}
