//! The picture that was settled last, and what a frame shows that is not on it.
//!
//! Always holds: it is kept whole, not only the lines that a grid looks at, for a cross whose arm lies between those would pass
//! for a bar. No marker, digit or letter fills the rectangle around it; a stroke of one that comes or goes alone may. So a bar
//! is no proof of a cursor: it only says that waiting for its return is worth while.

use super::grid::Grid;
use crate::frame::{Frame, Picture, RGB_BYTES};
use alloc::vec::Vec;
use core::ops::Range;

/// What is to pass for the settled picture may differ from it by so much in each cell, which is less than a change.
const SAME_EXCESS: u16 = super::CHANGE_EXCESS / 2;
/// Cells that a cursor's difference touches, each way, at most: its own and those that a JPEG's blocks carry it into.
const CELLS_MAX: usize = 4;
/// A pixel belongs to a bar if it differs by this part of the most that one does: the echo below a white cursor is unevenly
/// bright, and a JPEG's ringing beside it stays below.
const STRONG_PART: f32 = 0.35;
/// A bar's pixels are at least this part of the rectangle around them.
const FILLED_PART: f32 = 0.75;

/// The picture that was settled last.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    picture: Picture,
}

/// What a frame shows that is not on the settled picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// In no cell so much that it would be a change: it may be noise.
    Weak,
    /// One small filled bar or block.
    Bar,
    Other,
}

impl Settled {
    pub fn of(frame: Frame<'_>) -> Self {
        Self { picture: frame.to_picture() }
    }

    /// Keeps the whole of `frame`.
    pub fn keep(&mut self, frame: Frame<'_>) {
        let row_bytes = frame.width() * RGB_BYTES;
        for (y, kept) in self.picture.as_rgb_mut().chunks_exact_mut(row_bytes).enumerate() {
            kept.copy_from_slice(frame.row(y));
        }
    }

    /// Keeps one cell of `frame`.
    pub fn keep_cell(&mut self, grid: &Grid, frame: Frame<'_>, cell: usize) {
        let (columns, rows) = grid.area(cell);
        let row_bytes = frame.width() * RGB_BYTES;
        let bytes = columns.start * RGB_BYTES..columns.end * RGB_BYTES;
        for y in rows {
            let kept = &mut self.picture.as_rgb_mut()[y * row_bytes..][bytes.clone()];
            kept.copy_from_slice(&frame.row(y)[bytes.clone()]);
        }
    }

    /// By how much one cell of `frame` differs from it.
    fn excess(&self, grid: &Grid, frame: Frame<'_>, cell: usize) -> u16 {
        grid.excess_of(frame, self.picture.frame(), cell)
    }

    /// Keeps of `cells` those in which `frame` differs from it.
    pub fn keep_differing(&self, grid: &Grid, frame: Frame<'_>, cells: &mut Vec<usize>) {
        cells.retain(|&cell| self.excess(grid, frame, cell) >= SAME_EXCESS);
    }

    /// What kind of difference there is in `cells`, which are all that differ.
    pub fn judge(&self, grid: &Grid, frame: Frame<'_>, cells: &[usize]) -> Difference {
        let (Some(columns), Some(rows)) = (
            bounds(cells.iter().map(|cell| cell % grid.columns)),
            bounds(cells.iter().map(|cell| cell / grid.columns)),
        ) else {
            return Difference::Weak;
        };
        if cells.iter().all(|&cell| self.excess(grid, frame, cell) < super::CHANGE_EXCESS) {
            return Difference::Weak;
        }
        if columns.len() > CELLS_MAX || rows.len() > CELLS_MAX {
            return Difference::Other;
        }
        let corner = |row: usize, column: usize| grid.area(row * grid.columns + column);
        let (first, last) = (corner(rows.start, columns.start), corner(rows.end - 1, columns.end - 1));
        let (columns, rows) = (first.0.start..last.0.end, first.1.start..last.1.end);
        if is_bar(frame, self.picture.frame(), columns, rows) { Difference::Bar } else { Difference::Other }
    }
}

/// Whether the difference between `frame` and `kept` within `columns` and `rows` of pixels is one filled bar.
fn is_bar(frame: Frame<'_>, kept: Frame<'_>, columns: Range<usize>, rows: Range<usize>) -> bool {
    let places = || rows.clone().flat_map(|y| columns.clone().map(move |x| (x, y)));
    let difference = |(x, y): (usize, usize)| frame.luma(x, y).abs_diff(kept.luma(x, y));
    let most = places().map(difference).max().unwrap_or(0);
    let strong = || places().filter(|&place| f32::from(difference(place)) >= STRONG_PART * f32::from(most));
    let (across, down) = (bounds(strong().map(|(x, _)| x)), bounds(strong().map(|(_, y)| y)));
    let extent = across.map_or(0, |range| range.len()) * down.map_or(0, |range| range.len());
    strong().count() as f32 >= FILLED_PART * extent as f32
}

/// From the least to the greatest; none of no values.
fn bounds(values: impl Iterator<Item = usize>) -> Option<Range<usize>> {
    values.fold(None, |bounds: Option<Range<usize>>, value| {
        let bounds = bounds.unwrap_or(value..value + 1);
        Some(bounds.start.min(value)..bounds.end.max(value + 1))
    })
}
