//! Max-pooling of bytes.

use super::{
    kernel::Activations,
    net::{Shape, Window},
};

/// One max-pooling over pixels behind a vector of zero points.
pub struct Pool {
    /// Where it looks.
    pub window: Window,
    /// What it reads.
    pub input: Shape,
    /// What it gives.
    pub output: Shape,
    /// Bytes of a pixel in both.
    pub pixel_bytes: usize,
}

impl Pool {
    /// Writes the largest of each window, in the order of the activations, for the pixels from `first` that fit in `output`.
    pub fn run(&self, activations: Activations, input: &[u8], first: usize, output: &mut [u8]) {
        let input = &input[self.pixel_bytes..];
        for (pixel, largest) in (first..).zip(output.chunks_exact_mut(self.pixel_bytes)) {
            let inside = |start: usize, pad: usize, size: usize, length: usize| {
                start.saturating_sub(pad)..(start + size).saturating_sub(pad).min(length)
            };
            let Window { size, stride, pads } = self.window;
            let y = pixel / self.output.width * stride[0];
            let x = pixel % self.output.width * stride[1];
            let mut first = true;
            for y in inside(y, pads[0], size[0], self.input.height) {
                for x in inside(x, pads[1], size[1], self.input.width) {
                    let place = (y * self.input.width + x) * self.pixel_bytes;
                    let other = &input[place..place + self.pixel_bytes];
                    match activations {
                        _ if first => largest.copy_from_slice(other),
                        Activations::Unsigned => keep_larger(largest, other, |a, b| a.max(b)),
                        Activations::Signed => {
                            keep_larger(largest, other, |a, b| a.cast_signed().max(b.cast_signed()).cast_unsigned());
                        }
                    }
                    first = false;
                }
            }
        }
    }
}

#[inline(always)]
fn keep_larger(largest: &mut [u8], other: &[u8], larger: impl Fn(u8, u8) -> u8) {
    for (a, &b) in largest.iter_mut().zip(other) {
        *a = larger(*a, b);
    }
}
