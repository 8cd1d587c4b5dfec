//! How much each pixel looks like overlay: bright, and the more so the more colour it has.
//!
//! Echo is grey and overlay is either coloured or among the brightest there is. The brightest channel less half of the
//! darkest keeps grey below the middle of the range and lifts every colour above it, so that one plane serves to see a yellow
//! stroke over white tissue and a white one over black. Deliberately absent: which colour it is; see [`tone`](super::tone).

use crate::frame::{Frame, RGB_BYTES};
use alloc::vec::Vec;

/// A plane of ink, one byte a pixel, 0 to 255.
pub(crate) struct Ink {
    all: Vec<u8>,
    width: usize,
    height: usize,
}

impl Ink {
    /// Translates `frame`.
    pub(crate) fn of(frame: Frame<'_>) -> Self {
        let (width, height) = (frame.width(), frame.height());
        let mut all = Vec::with_capacity(width * height);
        for y in 0..height {
            all.extend(frame.row(y).chunks_exact(RGB_BYTES).map(|p| {
                let (most, least) = (p[0].max(p[1]).max(p[2]), p[0].min(p[1]).min(p[2]));
                most - least / 2
            }));
        }
        Self { all, width, height }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// All pixels of row `y`.
    pub(crate) fn row(&self, y: usize) -> &[u8] {
        &self.all[y * self.width..][..self.width]
    }

    /// The ink at pixel (x, y); none of it outside.
    pub(crate) fn get(&self, x: i32, y: i32) -> f32 {
        if x < 0 || y < 0 || x >= self.width as i32 || y >= self.height as i32 {
            return 0.0;
        }
        f32::from(self.all[y as usize * self.width + x as usize])
    }

    /// The ink at a point between pixels, bilinear.
    pub(crate) fn at(&self, x: f32, y: f32) -> f32 {
        let (left, top) = (libm::floorf(x), libm::floorf(y));
        let (dx, dy) = (x - left, y - top);
        let (left, top) = (left as i32, top as i32);
        let row = |y: i32| self.get(left, y) * (1.0 - dx) + self.get(left + 1, y) * dx;
        row(top) * (1.0 - dy) + row(top + 1) * dy
    }
}
