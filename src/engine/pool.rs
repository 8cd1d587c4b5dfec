//! Max-pooling of bytes.

use super::{
    kernel::Activations,
    net::{Shape, Window},
};

/// Channels taken at a time. *Units*: bytes.
const LINE: usize = 64;

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
    ///
    /// Inlined so that kernels compile it for their own vectors.
    #[inline(always)]
    pub fn run(&self, activations: Activations, input: &[u8], first: usize, output: &mut [u8]) {
        match activations {
            Activations::Unsigned => self.run_by(input, first, output, 0, |a, b| a.max(b)),
            Activations::Signed => {
                let larger = |a: u8, b: u8| a.cast_signed().max(b.cast_signed()).cast_unsigned();
                self.run_by(input, first, output, i8::MIN.cast_unsigned(), larger);
            }
        }
    }

    #[inline(always)]
    fn run_by(&self, input: &[u8], first: usize, output: &mut [u8], least: u8, larger: impl Fn(u8, u8) -> u8) {
        let input = &input[self.pixel_bytes..];
        let inside = |start: usize, pad: usize, size: usize, length: usize| {
            start.saturating_sub(pad)..(start + size).saturating_sub(pad).min(length)
        };
        let Window { size, stride, pads } = self.window;
        for (pixel, largest) in (first..).zip(output.chunks_exact_mut(self.pixel_bytes)) {
            let rows = inside(pixel / self.output.width * stride[0], pads[0], size[0], self.input.height);
            let columns = inside(pixel % self.output.width * stride[1], pads[1], size[1], self.input.width);
            // A cache line of channels after another, so that the largest stay in a register.
            let mut at = 0;
            for line in largest.chunks_mut(LINE) {
                let mut kept = [least; LINE];
                for y in rows.clone() {
                    let first = (y * self.input.width + columns.start) * self.pixel_bytes + at;
                    let others = input[first..].chunks(self.pixel_bytes).take(columns.len());
                    if line.len() == LINE {
                        others.for_each(|other| keep_larger(&mut kept, &other[..LINE], &larger));
                    } else {
                        others.for_each(|other| keep_larger(&mut kept[..line.len()], other, &larger));
                    }
                }
                line.copy_from_slice(&kept[..line.len()]);
                at += LINE;
            }
        }
    }
}

#[inline(always)]
fn keep_larger(largest: &mut [u8], other: &[u8], larger: impl Fn(u8, u8) -> u8) {
    largest.iter_mut().zip(other).for_each(|(a, &b)| *a = larger(*a, b));
}
