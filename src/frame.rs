//! Pictures: a borrowed [`Frame`] (what a grabber or a file gave) and an owned [`Picture`] (what we draw or cut).
//!
//! Always holds: 8-bit RGB, rows top down, pixel (x, y) has its centre at the coordinate (x, y), so the picture reaches
//! from -0.5 to width - 0.5. A row may be followed by padding (`stride`); padding never reaches a result.
//! Deliberately absent: decoding, colour spaces of grabbers, files.

use alloc::{vec, vec::Vec};
use core::convert::Infallible;
use embedded_graphics::{Pixel, pixelcolor::Rgb888, prelude::*};
use serde::Serialize;

/// Bytes of one RGB pixel.
pub const RGB_BYTES: usize = 3;

/// A point on a picture, in pixels; see the module's header for the origin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spot {
    /// Rightwards.
    pub x: f32,
    /// Downwards.
    pub y: f32,
}

impl Spot {
    /// The distance to `other`, in pixels.
    pub fn distance(self, other: Spot) -> f32 {
        libm::hypotf(self.x - other.x, self.y - other.y)
    }
}

/// Why bytes do not make a [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// Width or height is zero.
    Empty,
    /// A row's pixels do not fit its stride.
    StrideTooSmall {
        /// Bytes needed by a row.
        needed: usize,
        /// Bytes given.
        stride: usize,
    },
    /// The buffer ends before the last row does.
    TooShort {
        /// Bytes needed by the picture.
        needed: usize,
        /// Bytes given.
        given: usize,
    },
}

/// A borrowed picture: `height` rows of `width` RGB pixels, each row starting `stride` bytes after the one before.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    rgb: &'a [u8],
    width: usize,
    height: usize,
    stride: usize,
}

impl<'a> Frame<'a> {
    /// Views `rgb` as a picture.
    ///
    /// *Shape*: `[height, stride]` bytes, of which `3 * width` in each row are pixels; the last row may lack its padding.
    /// *Errors*: see [`FrameError`].
    pub fn new(rgb: &'a [u8], width: usize, height: usize, stride: usize) -> Result<Self, FrameError> {
        if width == 0 || height == 0 {
            return Err(FrameError::Empty);
        }
        let row = width.saturating_mul(RGB_BYTES);
        if stride < row {
            return Err(FrameError::StrideTooSmall { needed: row, stride });
        }
        let needed = stride.saturating_mul(height - 1).saturating_add(row);
        if rgb.len() < needed {
            return Err(FrameError::TooShort { needed, given: rgb.len() });
        }
        Ok(Self { rgb, width, height, stride })
    }

    /// A copy without padding.
    pub fn to_picture(self) -> Picture {
        // Row by row: byte by byte the watch would be late by some frames of a board.
        let mut rgb = Vec::with_capacity(self.width * self.height * RGB_BYTES);
        for y in 0..self.height {
            rgb.extend_from_slice(self.row(y));
        }
        Picture { rgb, width: self.width, height: self.height }
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels of row `y`, without padding. *Shape*: `[width, 3]`.
    ///
    /// # Panics
    /// If `y` is not below the height.
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.rgb[y * self.stride..][..self.width * RGB_BYTES]
    }

    /// The colour of pixel (x, y).
    ///
    /// # Panics
    /// If (x, y) is outside the picture.
    pub fn rgb(&self, x: usize, y: usize) -> [u8; 3] {
        let at = &self.row(y)[x * RGB_BYTES..][..RGB_BYTES];
        [at[0], at[1], at[2]]
    }

    /// The brightness of pixel (x, y), 0 to 255; see [`luma`].
    pub fn luma(&self, x: usize, y: usize) -> u8 {
        luma(self.rgb(x, y))
    }
}

/// The brightness of a colour. *Source*: ITU-R BT.601-7, section 2.5.1, in 8-bit fixed point.
#[inline(always)]
pub fn luma(rgb: [u8; 3]) -> u8 {
    let [r, g, b] = rgb.map(u16::from);
    // At most 255 times 256, and a half more: 16 bits hold it, so that vectors hold twice as many.
    let sum = r.wrapping_mul(77).wrapping_add(g.wrapping_mul(150)).wrapping_add(b.wrapping_mul(29));
    (sum.wrapping_add(128) >> 8) as u8
}

/// An owned picture without padding; also a target that embedded-graphics draws on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    rgb: Vec<u8>,
    width: usize,
    height: usize,
}

impl Picture {
    /// A picture all in `colour`.
    ///
    /// # Panics
    /// If width or height is zero.
    pub fn filled(width: usize, height: usize, colour: [u8; 3]) -> Self {
        assert!(width > 0 && height > 0, "a picture has at least one pixel");
        let mut rgb = vec![0; width * height * RGB_BYTES];
        for pixel in rgb.chunks_exact_mut(RGB_BYTES) {
            pixel.copy_from_slice(&colour);
        }
        Self { rgb, width, height }
    }

    /// Takes over the bytes of an unpadded RGB picture. *Errors*: as [`Frame::new`].
    pub fn from_rgb(rgb: Vec<u8>, width: usize, height: usize) -> Result<Self, FrameError> {
        Frame::new(&rgb, width, height, width.saturating_mul(RGB_BYTES))?;
        Ok(Self { rgb, width, height })
    }

    /// The picture, borrowed.
    pub fn frame(&self) -> Frame<'_> {
        Frame { rgb: &self.rgb, width: self.width, height: self.height, stride: self.width * RGB_BYTES }
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All pixels. *Shape*: `[height, width, 3]`.
    pub fn as_rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// All pixels, to be changed. *Shape*: `[height, width, 3]`.
    pub fn as_rgb_mut(&mut self) -> &mut [u8] {
        &mut self.rgb
    }
}

impl OriginDimensions for Picture {
    fn size(&self) -> Size {
        Size::new(self.width as u32, self.height as u32)
    }
}

impl DrawTarget for Picture {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, colour) in pixels {
            let (Ok(x), Ok(y)) = (usize::try_from(at.x), usize::try_from(at.y)) else { continue };
            if x < self.width && y < self.height {
                let start = (y * self.width + x) * RGB_BYTES;
                self.rgb[start..start + RGB_BYTES].copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_padded_buffer_expect_pixels_without_padding() {
        let bytes = [1, 2, 3, 99, 4, 5, 6];
        let frame = Frame::new(&bytes, 1, 2, 4).unwrap();
        assert_eq!((frame.rgb(0, 0), frame.rgb(0, 1)), ([1, 2, 3], [4, 5, 6]));
    }

    #[test]
    fn given_bytes_that_do_not_fit_expect_the_reason() {
        assert_eq!(Frame::new(&[], 0, 4, 0).unwrap_err(), FrameError::Empty);
        assert_eq!(Frame::new(&[0; 9], 2, 1, 5).unwrap_err(), FrameError::StrideTooSmall { needed: 6, stride: 5 });
        assert_eq!(Frame::new(&[0; 11], 2, 2, 6).unwrap_err(), FrameError::TooShort { needed: 12, given: 11 });
        assert!(Frame::new(&[0; 9], usize::MAX, usize::MAX, usize::MAX).is_err());
    }

    #[test]
    fn given_drawing_beyond_the_edge_expect_it_clipped() {
        let mut picture = Picture::filled(2, 1, [0; 3]);
        let pixels = [(-1, 0), (1, 0), (2, 0), (0, 1)].map(|(x, y)| Pixel(Point::new(x, y), Rgb888::WHITE));
        picture.draw_iter(pixels).unwrap();
        assert_eq!(picture.as_rgb(), [0, 0, 0, 255, 255, 255]);
    }
}
