//! Parts of a file in memory, as they lie in it.
#![allow(unsafe_code)]

use memmap2::{Mmap, MmapOptions};
use std::{fs::File, io, ops::Deref, slice};

/// A part of a file, read-only and never copied.
pub struct Map(Mmap);

impl Map {
    /// Maps `bytes` from `start` on, and has the system read them now. *Errors*: the system's.
    pub fn of(file: &File, start: u64, bytes: usize) -> io::Result<Self> {
        // SAFETY: the memory is what the file holds for as long as nobody writes or cuts that file. The program writes a packed
        // form under another name and renames it when it is whole; afterwards it is replaced or removed, which leaves a mapped
        // file as it was, and never written. Its folder is the program's own. Whoever breaks that, or a disk that cannot be read
        // any more, ends the process with SIGBUS or changes its numbers, and no more than that.
        let map = unsafe { MmapOptions::new().offset(start).len(bytes).populate().map(file)? };
        Ok(Self(map))
    }

    /// As bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Deref for Map {
    type Target = [i8];

    fn deref(&self) -> &[i8] {
        // SAFETY: i8 has the size and alignment of u8, and every byte is one.
        unsafe { slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len()) }
    }
}

/// Weights as bytes.
pub fn bytes_of(weights: &[i8]) -> &[u8] {
    // SAFETY: as above.
    unsafe { slice::from_raw_parts(weights.as_ptr().cast(), weights.len()) }
}
