//! A frame on a grid of cells: how bright each is, and how far its pixels are from a picture kept.
//!
//! A cell is [`CELL_PX`] wide and four lines of pixels high; between the lines looked at others are skipped, so that a frame of any
//! size costs about the same. Brightness is the mean luma: noise cancels in it, a moving echo does not, and neither does a JPEG's
//! rounding of colour, which turns whole blocks of a tinted echo a little bluer or redder, reach it. Excess adds up only what
//! differs by more than noise does: a stroke of few pixels stands out in it.

use crate::frame::{Frame, RGB_BYTES};
use alloc::{vec, vec::Vec};
use core::ops::Range;

/// The width of a cell, in pixels.
pub(super) const CELL_PX: usize = 16;
const CELL_BYTES: usize = CELL_PX * RGB_BYTES;
/// Lines looked at in a cell.
const CELL_LINES: usize = 4;
/// Lines looked at in a frame, at most.
const LINES_MAX: usize = 300;
/// What a value may differ by before it adds to the excess. *Units*: grey levels. *Source*: in the echo and beside print, JPEG
/// of quality 60 turns noise of 3 levels into differences of up to about 8 (standard deviation).
const NOISE_LEVELS: u8 = 24;

/// The weights of red, green and blue in luma, and their sum. *Source*: ITU-R BT.601, rounded so that JPEG's two colour signals
/// cancel to within 0.03.
const LUMA: [u16; RGB_BYTES] = [3, 6, 1];
const LUMA_SUM: f32 = 10.0;
/// The weight of each byte of a cell's lines.
const WEIGHTS: [u16; CELL_BYTES] = {
    let mut weights = [0; CELL_BYTES];
    let mut at = 0;
    while at < CELL_BYTES {
        weights[at] = LUMA[at % RGB_BYTES];
        at += 1;
    }
    weights
};

/// How frames of one size are divided.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub width: usize,
    pub height: usize,
    /// Cells side by side, and above each other.
    pub columns: usize,
    pub rows: usize,
    /// Pixels from line to line.
    step: usize,
    lines: usize,
    /// One over the weights of all values of each cell.
    shares: Vec<f32>,
    /// Of one row of cells: the sum over its lines of each value, and of each value's excess.
    sums: Vec<u16>,
    excesses: Vec<u8>,
}

/// What is known of each cell of one frame.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    /// Its mean luma, in grey levels.
    pub mean: Vec<f32>,
    /// By how much its values differ from the reference, beyond noise, in grey levels added up.
    pub excess: Vec<u16>,
}

impl Grid {
    pub fn of(frame: Frame<'_>) -> Self {
        let (width, height) = (frame.width(), frame.height());
        let step = height.div_ceil(LINES_MAX);
        let lines = height.div_ceil(step);
        let (columns, rows) = (width.div_ceil(CELL_PX), lines.div_ceil(CELL_LINES));
        let row_bytes = width * RGB_BYTES;
        let weights = |row: usize, column: usize| {
            let tall = CELL_LINES.min(lines - row * CELL_LINES);
            let wide = CELL_BYTES.min(row_bytes - column * CELL_BYTES);
            (tall * wide / RGB_BYTES) as f32 * LUMA_SUM
        };
        let shares = (0..rows).flat_map(|row| (0..columns).map(move |column| 1.0 / weights(row, column))).collect();
        Self {
            width,
            height,
            columns,
            rows,
            step,
            lines,
            shares,
            sums: vec![0; row_bytes],
            excesses: vec![0; row_bytes],
        }
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.columns * self.rows
    }

    pub fn fits(&self, frame: Frame<'_>) -> bool {
        (self.width, self.height) == (frame.width(), frame.height())
    }

    /// The pixels of line `line` of those looked at.
    fn line<'a>(&self, frame: Frame<'a>, line: usize) -> &'a [u8] {
        frame.row(line * self.step)
    }

    /// Looks at every cell of `frame`, against `reference`.
    pub fn look(&mut self, frame: Frame<'_>, reference: &Lines, cells: &mut Cells) {
        cells.mean.clear();
        cells.excess.clear();
        for row in 0..self.rows {
            self.add_up(frame, reference, row);
            let shares = &self.shares[row * self.columns..][..self.columns];
            let sums = self.sums.chunks(CELL_BYTES).zip(shares);
            cells.mean.extend(sums.map(|(sums, share)| {
                let weighed = sums.iter().zip(&WEIGHTS).map(|(sum, weight)| u32::from(*sum) * u32::from(*weight));
                weighed.fold(0_u32, u32::wrapping_add) as f32 * share
            }));
            let excesses = self.excesses.chunks(CELL_BYTES);
            cells
                .excess
                .extend(excesses.map(|all| all.iter().fold(0_u16, |all, &one| all.wrapping_add(u16::from(one)))));
        }
    }

    /// Sums up the lines of one row of cells, byte by byte.
    fn add_up(&mut self, frame: Frame<'_>, reference: &Lines, row: usize) {
        let lines = row * CELL_LINES..((row + 1) * CELL_LINES).min(self.lines);
        let bytes = self.sums.len();
        let over = |value: u8, kept: u8| value.abs_diff(kept).saturating_sub(NOISE_LEVELS);
        if lines.len() == CELL_LINES {
            // All lines at once, so that the sums are written once; two loops, because they differ in width: each becomes
            // plain vector code.
            let now: [&[u8]; CELL_LINES] = core::array::from_fn(|i| &self.line(frame, lines.start + i)[..bytes]);
            let kept: [&[u8]; CELL_LINES] = core::array::from_fn(|i| &reference.line(lines.start + i)[..bytes]);
            let ([a, b, c, d], [e, f, g, h]) = (now, kept);
            for (i, sum) in self.sums.iter_mut().enumerate() {
                let pair = |x: u8, y: u8| u16::from(x).wrapping_add(u16::from(y));
                *sum = pair(a[i], b[i]).wrapping_add(pair(c[i], d[i]));
            }
            for (i, excess) in self.excesses.iter_mut().enumerate() {
                let pair = |x: u8, y: u8| x.saturating_add(y);
                *excess = pair(pair(over(a[i], e[i]), over(b[i], f[i])), pair(over(c[i], g[i]), over(d[i], h[i])));
            }
            return;
        }
        self.sums.fill(0);
        self.excesses.fill(0);
        for line in lines {
            let now = self.line(frame, line);
            for (sum, &value) in self.sums.iter_mut().zip(now) {
                *sum = sum.wrapping_add(u16::from(value));
            }
            for ((excess, &value), &kept) in self.excesses.iter_mut().zip(now).zip(reference.line(line)) {
                *excess = excess.saturating_add(over(value, kept));
            }
        }
    }

    /// The excess of one cell of `frame` against `kept`.
    pub fn excess(&self, frame: Frame<'_>, kept: &Lines, cell: usize) -> u16 {
        self.excess_over(frame, |line| kept.line(line), cell)
    }

    /// The excess of one cell of `frame` against `kept`, a frame too.
    pub fn excess_of(&self, frame: Frame<'_>, kept: Frame<'_>, cell: usize) -> u16 {
        self.excess_over(frame, |line| self.line(kept, line), cell)
    }

    fn excess_over<'k>(&self, frame: Frame<'_>, kept: impl Fn(usize) -> &'k [u8], cell: usize) -> u16 {
        let (columns, lines) = self.extent(cell);
        let mut all = 0_u16;
        for line in lines {
            let (now, kept) = (&self.line(frame, line)[columns.clone()], &kept(line)[columns.clone()]);
            for (value, kept) in now.iter().zip(kept) {
                all = all.saturating_add(u16::from(value.abs_diff(*kept).saturating_sub(NOISE_LEVELS)));
            }
        }
        all
    }

    /// By how much one cell of `frame` differs from the mean of two frames before it, and these from each other: the squares of
    /// all values' differences, so scaled that noise of one variance makes both the same.
    pub fn drift(&self, frame: Frame<'_>, [a, b]: [&Lines; 2], cell: usize) -> [f32; 2] {
        let (columns, lines) = self.extent(cell);
        let (mut drift, mut noise) = (0_u32, 0_u32);
        for line in lines {
            let [now, a, b] = [self.line(frame, line), a.line(line), b.line(line)].map(|line| &line[columns.clone()]);
            for ((now, a), b) in now.iter().zip(a).zip(b) {
                let [now, a, b] = [now, a, b].map(|&value| i16::from(value));
                let (off, apart) = (now.wrapping_mul(2).wrapping_sub(a).wrapping_sub(b), a.wrapping_sub(b));
                let square = |value: i16| i32::from(value).wrapping_mul(i32::from(value)) as u32;
                drift = drift.wrapping_add(square(off));
                noise = noise.wrapping_add(square(apart));
            }
        }
        // The variances of both are six and two times that of one frame's noise.
        [drift as f32 / 6.0, noise as f32 / 2.0]
    }

    /// The columns and rows of pixels of one cell, those between the lines looked at too.
    pub fn area(&self, cell: usize) -> (Range<usize>, Range<usize>) {
        let (bytes, lines) = self.extent(cell);
        (
            bytes.start / RGB_BYTES..bytes.end / RGB_BYTES,
            lines.start * self.step..(lines.end * self.step).min(self.height),
        )
    }

    /// The bytes of a line that belong to a cell, and the cell's lines.
    fn extent(&self, cell: usize) -> (Range<usize>, Range<usize>) {
        let (row, column) = (cell / self.columns, cell % self.columns);
        let bytes = column * CELL_BYTES..((column + 1) * CELL_BYTES).min(self.width * RGB_BYTES);
        (bytes, row * CELL_LINES..((row + 1) * CELL_LINES).min(self.lines))
    }
}

/// The lines of a picture that a grid looks at, kept.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    row_bytes: usize,
}

impl Lines {
    pub fn of(grid: &Grid, frame: Frame<'_>) -> Self {
        let mut lines = Self::dark(grid);
        lines.keep(grid, frame);
        lines
    }

    /// Those of a black picture.
    pub fn dark(grid: &Grid) -> Self {
        let row_bytes = grid.width * RGB_BYTES;
        Self { bytes: vec![0; row_bytes * grid.lines], row_bytes }
    }

    fn line(&self, line: usize) -> &[u8] {
        &self.bytes[line * self.row_bytes..][..self.row_bytes]
    }

    /// Keeps the whole of `frame`.
    pub fn keep(&mut self, grid: &Grid, frame: Frame<'_>) {
        for (line, kept) in self.bytes.chunks_exact_mut(self.row_bytes).enumerate() {
            kept.copy_from_slice(grid.line(frame, line));
        }
    }

    /// Keeps one cell of `frame`.
    pub fn keep_cell(&mut self, grid: &Grid, frame: Frame<'_>, cell: usize) {
        let (columns, lines) = grid.extent(cell);
        for line in lines {
            let from = &grid.line(frame, line)[columns.clone()];
            self.bytes[line * self.row_bytes..][columns.clone()].copy_from_slice(from);
        }
    }

    /// Takes over one cell of `other`.
    pub fn take_cell(&mut self, grid: &Grid, other: &Self, cell: usize) {
        let (columns, lines) = grid.extent(cell);
        for line in lines {
            self.bytes[line * self.row_bytes..][columns.clone()].copy_from_slice(&other.line(line)[columns.clone()]);
        }
    }
}
