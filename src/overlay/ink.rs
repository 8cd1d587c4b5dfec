//! How much each pixel looks like overlay: bright, and the more so the more colour it has.
//!
//! Echo is grey and overlay is either coloured or among the brightest there is. The brightest channel less half of the
//! darkest keeps grey below the middle of the range and lifts every colour above it, so that one plane serves to see a yellow
//! stroke over white tissue and a white one over black. Deliberately absent: which colour it is; see [`tone`](super::tone).

use super::echo::Echo;
use crate::frame::{Frame, RGB_BYTES};
use alloc::{vec, vec::Vec};
use core::ops::Range;

/// How far beyond the echo ink is still known: farther than any marker's arm or label reaches, in pixels.
const MARGIN: usize = 64;

/// A plane of ink, one byte a pixel, 0 to 255.
pub(crate) struct Ink {
    all: Vec<u8>,
    width: usize,
    height: usize,
    columns: Range<usize>,
    rows: Range<usize>,
}

impl Ink {
    /// Translates `frame` around the echo, or all of it where none is known; there is no ink elsewhere.
    pub(crate) fn of(frame: Frame<'_>, echo: Option<&Echo>) -> Self {
        let (width, height) = (frame.width(), frame.height());
        let [left, top, right, bottom] = echo.map_or([0, 0, width, height], Echo::area);
        let columns = left.saturating_sub(MARGIN)..(right + MARGIN).min(width);
        let rows = top.saturating_sub(MARGIN)..(bottom + MARGIN).min(height);
        let mut all = vec![0; width * height];
        for y in rows.clone() {
            let own = &mut all[y * width..][columns.clone()];
            let pixels = &frame.row(y)[RGB_BYTES * columns.start..RGB_BYTES * columns.end];
            for (ink, p) in own.iter_mut().zip(pixels.chunks_exact(RGB_BYTES)) {
                let (most, least) = (p[0].max(p[1]).max(p[2]), p[0].min(p[1]).min(p[2]));
                *ink = most - least / 2;
            }
        }
        Self { all, width, height, columns, rows }
    }

    /// The columns and rows outside of which there is no ink.
    pub(crate) fn area(&self) -> [Range<usize>; 2] {
        [self.columns.clone(), self.rows.clone()]
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
        // Rounding down by a cast, which is many times as fast.
        let floor = |v: f32| v as i32 - i32::from(v < 0.0);
        let (left, top) = (floor(x), floor(y));
        let (dx, dy) = (x - left as f32, y - top as f32);
        if left >= 0 && top >= 0 && left + 1 < self.width as i32 && top + 1 < self.height as i32 {
            let start = top as usize * self.width + left as usize;
            let row = |pair: &[u8]| f32::from(pair[0]) * (1.0 - dx) + f32::from(pair[1]) * dx;
            return row(&self.all[start..start + 2]) * (1.0 - dy)
                + row(&self.all[start + self.width..start + self.width + 2]) * dy;
        }
        let row = |y: i32| self.get(left, y) * (1.0 - dx) + self.get(left + 1, y) * dx;
        row(top) * (1.0 - dy) + row(top + 1) * dy
    }
}
