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

/// The ink of an exact pixel: that of a clear marker.
const EXACT: u8 = 200;

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

    /// The pixels of `frame` around the echo that have exactly the colour of two of their four neighbours, unless that is black
    /// or white, which echo may be for many pixels too.
    pub(crate) fn exact(frame: Frame<'_>, echo: Option<&Echo>) -> Self {
        let mut ink = Self::of(frame, echo);
        for y in ink.rows.clone() {
            for x in ink.columns.clone() {
                let own = frame.rgb(x, y);
                let is_same = |x: usize, y: usize| x < frame.width() && y < frame.height() && frame.rgb(x, y) == own;
                let beside = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
                let is_plain =
                    own == [0; 3] || own == [255; 3] || beside.iter().filter(|&&(x, y)| is_same(x, y)).count() < 2;
                ink.all[y * frame.width() + x] = if is_plain { 0 } else { EXACT };
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
