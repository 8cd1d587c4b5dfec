//! Numbers become bytes at a plan's beginning, and bytes numbers at its end; in portions, so that threads can share it.

use super::{
    kernel::Kernel,
    net::{Ending, Quantisation, Shape},
    table::Plane,
};
use std::ops::Range;

/// How the picture becomes bytes.
pub struct Input {
    /// *Shape* of the picture.
    pub shape: Shape,
    /// What the bytes stand for.
    pub quantisation: Quantisation,
    /// Where the bytes lie.
    pub place: Range<usize>,
    /// Bytes before the plane, which stand for padding.
    pub before: usize,
    /// Of the first pixel in the plane.
    pub first: usize,
    /// How the plane's lines lie.
    pub plane: Plane,
}

impl Input {
    /// Lines of the plane, with those of padding and a last one that may be shorter.
    pub fn lines(&self) -> usize {
        (self.place.len() - self.before).div_ceil(self.plane.row_bytes)
    }

    /// Where some lines lie.
    pub fn place_of(&self, lines: Range<usize>) -> Range<usize> {
        let at = |line: usize| (self.place.start + self.before + line * self.plane.row_bytes).min(self.place.end);
        at(lines.start)..at(lines.end)
    }

    /// Writes the lines from `line` on that fit in `bytes`, padding around the pixels of a picture of this shape.
    pub fn quantise(&self, picture: &[f32], line: usize, bytes: &mut [u8], kernel: &Kernel) {
        let Shape { channels, height, width } = self.shape;
        let Plane { row_bytes, pixel_bytes } = self.plane;
        let flip = kernel.activations.flip();
        bytes.fill(self.quantisation.zero ^ flip);
        // Bytes first in a row of their own for each channel, which takes vectors, then together to their pixels.
        let mut rows = vec![0; channels * width];
        for (line, bytes) in (line..).zip(bytes.chunks_mut(row_bytes)) {
            let Some(y) = line.checked_sub(self.first / row_bytes).filter(|&y| y < height) else { continue };
            for (channel, row) in rows.chunks_exact_mut(width).enumerate() {
                let numbers = &picture[(channel * height + y) * width..][..width];
                kernel.quantise(numbers, self.quantisation, row);
                row.iter_mut().for_each(|byte| *byte ^= flip);
            }
            let planes: Vec<&[u8]> = rows.chunks_exact(width).collect();
            let pixels = &mut bytes[self.first % row_bytes..];
            if let (3, &[red, green, blue]) = (pixel_bytes, &planes[..]) {
                // Pictures, known to the compiler: a pixel at a time.
                for (pixel, ((&r, &g), &b)) in pixels.as_chunks_mut().0.iter_mut().zip(red.iter().zip(green).zip(blue))
                {
                    *pixel = [r, g, b];
                }
                continue;
            }
            for (channel, row) in planes.iter().enumerate() {
                let pixels = pixels[channel..].iter_mut().step_by(pixel_bytes);
                pixels.zip(*row).for_each(|(pixel, &byte)| *pixel = byte);
            }
        }
    }
}

/// Rounds half to even and adds the zero point, in the limits of a byte. What is no number becomes 0.
///
/// Inlined so that kernels compile it for their own vectors.
#[inline(always)]
pub fn quantise_row(numbers: &[f32], Quantisation { scale, zero }: Quantisation, bytes: &mut [u8]) {
    // Added to a value below 2^22 in size, this leaves the rounded value in the low bits: round_ties_even, which is a call into
    // libm for cores of 2003, takes three times as long.
    const ROUND: f32 = 12_582_912.0;
    let (low, high) = (-f32::from(zero), 255.0 - f32::from(zero));
    for (byte, number) in bytes.iter_mut().zip(numbers) {
        let held = (number / scale).max(low).min(high);
        let rounded = (held + ROUND).to_bits().wrapping_sub(ROUND.to_bits());
        *byte = rounded.wrapping_add(zero.into()) as u8;
    }
}

/// What becomes of the last tensor.
pub struct Output {
    /// *Shape* of the tensor.
    pub tensor: Shape,
    /// What is given of it.
    pub ending: Ending,
    /// What the bytes stand for.
    pub quantisation: Quantisation,
    /// Where the bytes lie, behind one pixel of padding.
    pub place: Range<usize>,
    /// Bytes from one pixel to the next.
    pub pixel_bytes: usize,
}

impl Output {
    /// Channels written at a time: a cache line of each pixel. Pixels lie a power of two apart, so that a whole column of them
    /// would not stay in the cache from one channel to the next.
    pub const CHANNELS: usize = 64;

    /// *Shape* of what is given.
    pub fn shape(&self) -> Shape {
        match self.ending {
            Ending::Pixels => self.tensor,
            Ending::Mean => Shape { height: 1, width: 1, ..self.tensor },
        }
    }

    /// Writes `[channels, pixels]` from channel `first` on, or one mean for each of those channels.
    pub fn dequantise(&self, bytes: &[u8], first: usize, planes: &mut [f32], flip: u8) {
        let Quantisation { scale, zero } = self.quantisation;
        let count = self.tensor.pixels();
        let pixels = bytes[self.pixel_bytes..].chunks_exact(self.pixel_bytes).take(count).map(|bytes| &bytes[first..]);
        match self.ending {
            Ending::Pixels => {
                for (pixel, bytes) in pixels.enumerate() {
                    for (number, &byte) in planes[pixel..].iter_mut().step_by(count).zip(bytes) {
                        *number = (f32::from(byte ^ flip) - f32::from(zero)) * scale;
                    }
                }
            }
            Ending::Mean => {
                // No tensor has so many pixels that a sum of bytes leaves 64 bits, nor this f64's whole numbers.
                let mut sums = [0_u64; Self::CHANNELS];
                for bytes in pixels {
                    sums.iter_mut().zip(bytes).for_each(|(sum, &byte)| *sum += u64::from(byte ^ flip));
                }
                for (number, sum) in planes.iter_mut().zip(sums) {
                    *number = ((sum as f64 / count as f64 - f64::from(zero)) * f64::from(scale)) as f32;
                }
            }
        }
    }
}
