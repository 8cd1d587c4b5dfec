//! Joined bright pixels with sharp edges: what glyphs are made of.
//!
//! The picture is cut into runs of pixels above a level, row by row; runs that touch, also at a corner, are one blob. Each
//! run adds how steeply brightness rises at its ends, because print's edges are steep and echo's are not. Always holds:
//! one pass over the picture a level, and no more blobs than runs.

use super::tone::{Tone, Tones};
use crate::frame::{Frame, RGB_BYTES};
use alloc::vec::Vec;

/// How far outside and inside of an edge its rise is looked for, in pixels. A scaled edge takes three.
const OUTSIDE: usize = 2;
const INSIDE: usize = 1;

/// A rectangle of whole pixels, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
}

impl Area {
    pub(super) fn width(&self) -> i32 {
        self.right - self.left + 1
    }

    pub(super) fn height(&self) -> i32 {
        self.bottom - self.top + 1
    }

    pub(super) fn join(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// The pixels that both have, along the rows and down.
    pub(super) fn overlap(&self, other: &Self) -> (i32, i32) {
        let along = self.right.min(other.right) - self.left.max(other.left) + 1;
        let down = self.bottom.min(other.bottom) - self.top.max(other.top) + 1;
        (along.max(0), down.max(0))
    }
}

/// Joined pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blob {
    pub area: Area,
    /// How many pixels it has.
    pub pixels: i32,
    /// The mean rise of brightness at the ends of its runs.
    pub rise: i32,
}

/// The picture's brightness as print shows it: the strongest channel, in which every bright colour is bright.
pub(super) struct Shine {
    all: Vec<u8>,
    width: usize,
}

impl Shine {
    pub(super) fn of(frame: Frame<'_>) -> Self {
        let mut all = Vec::with_capacity(frame.width() * frame.height());
        for y in 0..frame.height() {
            all.extend(frame.row(y).chunks_exact(RGB_BYTES).map(|p| p[0].max(p[1]).max(p[2])));
        }
        Self { all, width: frame.width() }
    }

    /// How near each pixel is to a colour: 255 where it has it.
    pub(super) fn like(tones: &Tones, tone: Tone) -> Self {
        let (width, height) = (tones.width() as usize, tones.height() as usize);
        let mut all = alloc::vec![0; width * height];
        for (y, row) in (0..).zip(all.chunks_exact_mut(width.max(1))) {
            tones.gaps(y, 0, tone, row);
            row.iter_mut().for_each(|gap| *gap = u8::MAX - *gap);
        }
        Self { all, width }
    }

    /// The brightness of a pixel; black beyond the picture.
    pub(super) fn at(&self, x: i32, y: i32) -> u8 {
        match (usize::try_from(x), usize::try_from(y)) {
            (Ok(x), Ok(y)) if x < self.width => self.all.get(y * self.width + x).copied().unwrap_or(0),
            _ => 0,
        }
    }

    /// The blobs of the pixels that are at least as bright as `level`.
    pub(super) fn blobs(&self, level: u8) -> Vec<Blob> {
        let mut runs: Vec<Run> = Vec::new();
        // The runs of the row before, as indices.
        let mut above = 0..0;
        for (y, row) in self.all.chunks_exact(self.width).enumerate() {
            let first = runs.len();
            cut_row(row, y, level, &mut runs);
            join_rows(&mut runs, above, first);
            above = first..runs.len();
        }
        gather(runs)
    }
}

/// A run of bright pixels; also a node of the forest of joined runs.
struct Run {
    y: i32,
    left: i32,
    right: i32,
    rise: i32,
    parent: usize,
}

fn cut_row(row: &[u8], y: usize, level: u8, runs: &mut Vec<Run>) {
    let mut x = 0;
    while let Some(skipped) = row[x..].iter().position(|&v| v >= level) {
        let left = x + skipped;
        let right = row[left..].iter().position(|&v| v < level).map_or(row.len(), |length| left + length) - 1;
        // The least outside and the most inside: beyond two pixels may lie the next stroke of the same glyph.
        let span = |from: usize, to: usize| row[from..=to.min(row.len() - 1)].iter().map(|&v| i32::from(v));
        let before = span(left.saturating_sub(OUTSIDE), left).min().unwrap_or(0);
        let after = span(right, right + OUTSIDE).min().unwrap_or(0);
        let inside_left = span(left, (left + INSIDE).min(right)).max().unwrap_or(0);
        let inside_right = span(right.saturating_sub(INSIDE).max(left), right).max().unwrap_or(0);
        let rise = inside_left - before + inside_right - after;
        let (left, right, parent) = (left as i32, right as i32, runs.len());
        runs.push(Run { y: y as i32, left, right, rise, parent });
        x = right as usize + 1;
        if x >= row.len() {
            break;
        }
    }
}

/// Joins the runs from `first` on with those of the row above that touch them.
fn join_rows(runs: &mut [Run], above: core::ops::Range<usize>, first: usize) {
    let mut upper = above.start;
    for lower in first..runs.len() {
        while upper < above.end && runs[upper].right + 1 < runs[lower].left {
            upper += 1;
        }
        let mut touching = upper;
        while touching < above.end && runs[touching].left <= runs[lower].right + 1 {
            let (a, b) = (root(runs, touching), root(runs, lower));
            runs[a.max(b)].parent = a.min(b);
            touching += 1;
        }
    }
}

/// The first run of the blob that run `at` belongs to; the way there is halved.
fn root(runs: &mut [Run], mut at: usize) -> usize {
    while runs[at].parent != at {
        runs[at].parent = runs[runs[at].parent].parent;
        at = runs[at].parent;
    }
    at
}

fn gather(mut runs: Vec<Run>) -> Vec<Blob> {
    let mut places = alloc::vec![usize::MAX; runs.len()];
    let mut found: Vec<(Blob, i32)> = Vec::new();
    for at in 0..runs.len() {
        let root = root(&mut runs, at);
        let run = &runs[at];
        let area = Area { left: run.left, top: run.y, right: run.right, bottom: run.y };
        if places[root] == usize::MAX {
            places[root] = found.len();
            found.push((Blob { area, pixels: 0, rise: 0 }, 0));
        }
        let (blob, ends) = &mut found[places[root]];
        blob.area = blob.area.join(area);
        blob.pixels += area.width();
        blob.rise += run.rise;
        *ends += 2;
    }
    found.into_iter().map(|(blob, ends)| Blob { rise: blob.rise / ends, ..blob }).collect()
}
