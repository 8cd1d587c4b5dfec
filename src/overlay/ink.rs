//! How much each pixel looks like overlay: bright, and the more so the more colour it has.
//!
//! Echo is grey and overlay is either coloured or among the brightest there is. The brightest channel less half of the
//! darkest keeps grey below the middle of the range and lifts every colour above it, so that one plane serves to see a yellow
//! stroke over white tissue and a white one over black. Deliberately absent: which colour it is; see [`tone`](super::tone).

use super::echo::Echo;
use crate::{
    frame::{Frame, RGB_BYTES},
    wide::wide,
};
use alloc::{vec, vec::Vec};
use core::ops::Range;

/// How far beyond the echo ink is still known: farther than any marker's arm or label reaches, in pixels.
const MARGIN: usize = 64;

/// So far from grey a pixel is all colour.
const COLOURED: u8 = 48;

/// The ink of an exact pixel: that of a clear marker.
const EXACT: u8 = 200;

/// Pictures of up to 32,768 pixels a side have room above these bits, and a walk of 32 steps ends within 0.001 pixels.
const PART_BITS: u32 = 16;

wide! {
    /// The ink of each pixel.
    fn translate(pixels: &[u8], out: &mut [u8]) {
        for (ink, &[r, g, b]) in out.iter_mut().zip(pixels.as_chunks::<RGB_BYTES>().0) {
            let (most, least) = (r.max(g).max(b), r.min(g).min(b));
            *ink = most.wrapping_sub(least / 2);
        }
    }
}

/// A plane of ink, one byte a pixel, 0 to 255.
pub(crate) struct Ink {
    all: Vec<u8>,
    width: usize,
    height: usize,
    columns: Range<usize>,
    rows: Range<usize>,
}

impl Ink {
    /// [`Ink::walk`] counts so many parts of a pixel.
    pub(crate) const PART: f32 = (1 << PART_BITS) as f32;

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
            translate(pixels, own);
        }
        Self { all, width, height, columns, rows }
    }

    /// The pixels of `frame` around the echo that have exactly the colour of two of their four neighbours, unless that is black
    /// or white, which echo may be for many pixels too.
    pub(crate) fn exact(frame: Frame<'_>, echo: Option<&Echo>) -> Self {
        let mut ink = Self::of(frame, echo);
        for y in ink.rows.clone() {
            let row = |y: usize| if y < frame.height() { frame.row(y).as_chunks::<RGB_BYTES>().0 } else { &[] };
            let (above, own, below) = (row(y.wrapping_sub(1)), row(y), row(y + 1));
            for x in ink.columns.clone() {
                let pixel = own[x];
                let beside = [above.get(x), below.get(x), own.get(x.wrapping_sub(1)), own.get(x + 1)];
                let same = beside.into_iter().filter(|&other| other == Some(&pixel)).count();
                let is_plain = pixel == [0; RGB_BYTES] || pixel == [255; RGB_BYTES] || same < 2;
                ink.all[y * frame.width() + x] = if is_plain { 0 } else { EXACT };
            }
        }
        ink
    }

    /// The same of coloured pixels alone, which echo has none of; the less colour the less ink.
    pub(crate) fn coloured(frame: Frame<'_>, echo: Option<&Echo>) -> Self {
        let mut ink = Self::of(frame, echo);
        for y in ink.rows.clone() {
            let pixels = &frame.row(y).as_chunks::<RGB_BYTES>().0[ink.columns.clone()];
            let own = &mut ink.all[y * frame.width()..][ink.columns.clone()];
            for (ink, &[r, g, b]) in own.iter_mut().zip(pixels) {
                let colour = (r.max(g).max(b) - r.min(g).min(b)).min(COLOURED);
                *ink = (u16::from(*ink) * u16::from(colour) / u16::from(COLOURED)) as u8;
            }
        }
        ink
    }

    /// The most ink of each pixel and its eight neighbours.
    pub(crate) fn widened(&self) -> Self {
        let (width, columns) = (self.width, self.columns.clone());
        let mut across = self.all.clone();
        for y in self.rows.clone() {
            let row = &self.row(y)[columns.clone()];
            let out = &mut across[y * width..][columns.clone()];
            for i in 1..row.len() {
                out[i] = row[i].max(row[i - 1]);
            }
            for (out, &next) in out.iter_mut().zip(row.iter().skip(1)) {
                *out = (*out).max(next);
            }
        }
        let mut all = across.clone();
        for y in self.rows.clone() {
            let out = &mut all[y * width..][columns.clone()];
            for near in [y.wrapping_sub(1), y + 1].into_iter().filter(|near| self.rows.contains(near)) {
                for (out, &other) in out.iter_mut().zip(&across[near * width..][columns.clone()]) {
                    *out = (*out).max(other);
                }
            }
        }
        Self { all, width, height: self.height, columns, rows: self.rows.clone() }
    }

    /// At half the size, the mean of each four pixels.
    pub(crate) fn halved(&self) -> Self {
        self.halved_by(|[a, b, c, d]| ((u16::from(a) + u16::from(b) + u16::from(c) + u16::from(d) + 2) / 4) as u8)
    }

    /// At half the size, the most of each four pixels.
    pub(crate) fn halved_most(&self) -> Self {
        self.halved_by(|[a, b, c, d]| a.max(b).max(c.max(d)))
    }

    fn halved_by(&self, one: impl Fn([u8; 4]) -> u8) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let half = |range: &Range<usize>, most: usize| range.start / 2..range.end.div_ceil(2).min(most);
        let (columns, rows) = (half(&self.columns, width), half(&self.rows, height));
        let mut all = vec![0; width * height];
        for y in rows.clone() {
            let [above, below] = [2 * y, 2 * y + 1].map(|y| &self.row(y)[2 * columns.start..2 * columns.end]);
            let fours = above.chunks_exact(2).zip(below.chunks_exact(2));
            for (out, (a, b)) in all[y * width..][columns.clone()].iter_mut().zip(fours) {
                *out = one([a[0], a[1], b[0], b[1]]);
            }
        }
        Self { all, width, height, columns, rows }
    }

    /// The columns and rows outside of which there is no ink.
    pub(crate) fn area(&self) -> [Range<usize>; 2] {
        [self.columns.clone(), self.rows.clone()]
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

    /// The ink from `margin` rows and pixels before pixel (x, y) on; all rows follow each other.
    pub(crate) fn window(&self, x: usize, y: usize, margin: usize) -> &[u8] {
        &self.all[(y - margin) * self.width + x - margin..]
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

    /// Fills `out` with the ink at `start`, at one `step` from there and so on, bilinear; no ink outside. Both are x and y in
    /// parts of a pixel.
    pub(crate) fn walk(&self, start: [i32; 2], step: [i32; 2], out: &mut [u8]) {
        let last = out.len() as i32 - 1;
        let whole = |i: usize, steps: i32| (start[i] + steps * step[i]) >> PART_BITS;
        let inside = |i: usize, side: usize| [0, last].iter().all(|&n| (0..side as i32 - 1).contains(&whole(i, n)));
        if inside(0, self.width) && inside(1, self.height) {
            let [mut x, mut y] = start;
            for out in out {
                *out = self.between(x, y);
                (x, y) = (x + step[0], y + step[1]);
            }
        } else {
            let at = |i: usize, n: i32| (start[i] + n * step[i]) as f32 / Self::PART;
            for (n, out) in (0..).zip(out) {
                *out = libm::roundf(self.at(at(0, n), at(1, n))) as u8;
            }
        }
    }

    /// The ink at a point between four pixels of the plane, in parts of a pixel.
    fn between(&self, x: i32, y: i32) -> u8 {
        let part = |v: i32| (v as u32 >> (PART_BITS - 8)) & 0xff;
        let (dx, dy) = (part(x), part(y));
        let start = (y >> PART_BITS) as usize * self.width + (x >> PART_BITS) as usize;
        let four = &self.all[start..][..self.width + 2];
        let row = |i: usize| u32::from(four[i]) * (256 - dx) + u32::from(four[i + 1]) * dx;
        let (above, below) = (row(0), row(self.width));
        ((above * (256 - dy) + below * dy + (1 << 15)) >> 16) as u8
    }
}
