//! Where the echo is: the largest part of the picture in which neighbouring pixels hardly ever agree.
//!
//! Carts draw print, bars and rulers in even colours; echo is speckle. The part is closed over its holes (fluid is as even
//! as print's ground) and widened by a cell. Where no part is large enough, nothing is known.

use super::tone::Tones;
use alloc::{vec, vec::Vec};

/// Cells are squares of so many pixels; of their rows every so many is looked at.
const CELL: usize = 16;
const ROW_STEP: usize = 4;
/// Neighbours differ by at least this, and in a busy cell this part of them does.
const DIFFERENT: u8 = 1;
const BUSY_PART: f32 = 0.35;
/// The least part of the picture that an echo takes.
const PART_MIN: f32 = 0.06;

/// An echo that takes this part of the picture was cut out of a screen.
const ALL_PART: f32 = 0.9;

/// The echo's cells.
pub(crate) struct Echo {
    cells: Vec<bool>,
    columns: usize,
}

impl Echo {
    /// Finds the echo; none if there is no large enough part of speckle.
    pub(crate) fn of(tones: &Tones) -> Option<Self> {
        let (width, height) = (tones.width() as usize, tones.height() as usize);
        let (columns, rows) = (width.div_ceil(CELL), height.div_ceil(CELL));
        let mut counts = vec![[0u32; 2]; columns * rows];
        let mut row = Vec::with_capacity(width);
        for y in (0..height).step_by(ROW_STEP) {
            row.clear();
            tones.brightness(y, 0..width, &mut row);
            let counts = &mut counts[y / CELL * columns..][..columns];
            for ((count, here), next) in counts.iter_mut().zip(row.chunks(CELL)).zip(row[1..].chunks(CELL)) {
                let different = here.iter().zip(next).map(|(a, b)| u8::from(a.abs_diff(*b) >= DIFFERENT));
                count[0] += here.len().min(next.len()) as u32;
                count[1] += u32::from(different.sum::<u8>());
            }
        }
        let busy: Vec<bool> = counts.iter().map(|&[all, busy]| busy as f32 > BUSY_PART * all as f32).collect();
        let cells = largest(&busy, columns)?;
        let size = cells.iter().filter(|cell| **cell).count();
        (size as f32 >= PART_MIN * cells.len() as f32).then(|| Self { cells: closed(&cells, columns), columns })
    }

    /// Whether it fills the picture, so that no print of the cart can be beside it.
    pub(crate) fn is_all(&self) -> bool {
        let own = self.cells.iter().filter(|cell| **cell).count();
        own as f32 >= ALL_PART * self.cells.len() as f32
    }

    /// The box around it with a cell more on each side: left, top, right, bottom, in pixels. It may exceed the picture.
    pub(crate) fn bounds(&self) -> [i32; 4] {
        // A cell at the border that is mostly ground is not busy, and then neither is the ground beyond it in the box.
        let [left, top, right, bottom] = self.area().map(|side| side as i32);
        let cell = CELL as i32;
        [left - cell, top - cell, right + cell, bottom + cell]
    }

    /// The rectangle around it: left, top, right, bottom in pixels, the last two excluded. It may end beyond the picture.
    pub(crate) fn area(&self) -> [usize; 4] {
        let on = || {
            self.cells.iter().enumerate().filter(|(_, on)| **on).map(|(at, _)| (at % self.columns, at / self.columns))
        };
        let around = |[left, top, right, bottom]: [usize; 4], (x, y): (usize, usize)| {
            [left.min(x * CELL), top.min(y * CELL), right.max((x + 1) * CELL), bottom.max((y + 1) * CELL)]
        };
        on().fold([usize::MAX, usize::MAX, 0, 0], around)
    }

    /// Whether the pixel (x, y) is in the echo or right beside it.
    pub(crate) fn holds(&self, x: f32, y: f32) -> bool {
        let at = (y.max(0.0) as usize / CELL) * self.columns + (x.max(0.0) as usize / CELL).min(self.columns - 1);
        self.cells.get(at).copied().unwrap_or(false)
    }
}

/// The largest connected part.
fn largest(busy: &[bool], columns: usize) -> Option<Vec<bool>> {
    let mut seen = vec![false; busy.len()];
    let mut best: Vec<usize> = Vec::new();
    for start in 0..busy.len() {
        if !busy[start] || seen[start] {
            continue;
        }
        let (mut part, mut next) = (vec![start], 0);
        seen[start] = true;
        while let Some(&at) = part.get(next) {
            next += 1;
            let x = at % columns;
            let beside = [
                (x > 0).then(|| at - 1),
                (x + 1 < columns).then_some(at + 1),
                at.checked_sub(columns),
                Some(at + columns),
            ];
            for near in beside.into_iter().flatten().filter(|&near| near < busy.len()) {
                if busy[near] && !seen[near] {
                    seen[near] = true;
                    part.push(near);
                }
            }
        }
        if part.len() > best.len() {
            best = part;
        }
    }
    let mut cells = vec![false; busy.len()];
    best.iter().for_each(|&at| cells[at] = true);
    (!best.is_empty()).then_some(cells)
}

/// Closed: every cell between two of the part in its row and between two in its column, and one more around all of them.
fn closed(cells: &[bool], columns: usize) -> Vec<bool> {
    let rows = cells.len() / columns;
    let on = |x: usize, y: usize| cells[y * columns + x];
    let mut ends = vec![[usize::MAX, 0]; rows];
    for (y, ends) in ends.iter_mut().enumerate() {
        for x in (0..columns).filter(|&x| on(x, y)) {
            *ends = [ends[0].min(x), ends[1].max(x)];
        }
    }
    let mut whole = cells.to_vec();
    for x in 0..columns {
        let (first, last) = ((0..rows).find(|&y| on(x, y)), (0..rows).rev().find(|&y| on(x, y)));
        let (Some(first), Some(last)) = (first, last) else { continue };
        for y in first..=last {
            whole[y * columns + x] |= (ends[y][0]..=ends[y][1]).contains(&x);
        }
    }
    let near = |at: usize| {
        let (x, y) = (at % columns, at / columns);
        let (xs, ys) = (x.saturating_sub(1)..=(x + 1).min(columns - 1), y.saturating_sub(1)..=(y + 1).min(rows - 1));
        ys.into_iter().any(|y| xs.clone().any(|x| whole[y * columns + x]))
    };
    (0..cells.len()).map(near).collect()
}
