//! Where a convolution finds its input: one offset for each tile, tap and pixel, so that no picture is unfolded.
//!
//! A buffer is one vector of zero points, then the pixels: a tap outside the picture reads that vector at offset 0.
//! Offsets count from the buffer's start, so buffers may move and layers of one geometry share a table.

use super::{
    net::{Shape, Window},
    spread::Spread,
};
use std::ops::Range;

/// Where a kernel finds a convolution's input.
#[derive(Debug)]
pub enum Reads {
    /// Wherever each tap lies.
    Scattered(Table),
    /// Evenly apart.
    Even(Spread),
}

impl Reads {
    /// The tiles, in order.
    pub fn tiles(&self) -> &[Tile] {
        match self {
            Self::Scattered(table) => &table.tiles,
            Self::Even(spread) => spread.tiles(),
        }
    }

    /// A tile's most rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Scattered(table) => table.rows,
            Self::Even(spread) => spread.rows(),
        }
    }

    /// How many bytes of the input are read at most, with taps of so many bytes and by so many bytes at a time.
    pub fn end(&self, tap_bytes: usize, step: usize) -> usize {
        match self {
            Self::Scattered(table) => table.last + tap_bytes,
            Self::Even(spread) => spread.end(tap_bytes, step),
        }
    }

    /// Pixels of all tiles.
    pub fn pixels(&self) -> usize {
        self.tiles().last().map_or(0, |tile| tile.pixel + tile.rows)
    }
}

/// Some pixels that a kernel takes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The first.
    pub pixel: usize,
    /// How many.
    pub rows: usize,
}

/// What a table is made for; layers for which it is equal share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// The picture that is read.
    pub input: Shape,
    /// Bytes from one pixel to the next.
    pub pixel_bytes: usize,
    /// Where the kernel looks; `(1, 1)` with stride for a plane that holds its padding.
    pub window: Window,
    /// Pixels taken at once.
    pub rows: usize,
}

/// The offsets of one geometry.
#[derive(Debug)]
pub struct Table {
    offsets: Vec<u32>,
    tiles: Vec<Tile>,
    taps: usize,
    rows: usize,
    last: usize,
}

impl Table {
    /// The table of a convolution over a buffer of pixels. None where the window does not fit or an offset leaves u32.
    pub fn new(geometry: &Geometry) -> Option<Self> {
        let Geometry { input, pixel_bytes, window, rows } = geometry;
        let [height, width] = window.slide(input)?;
        let place = |pixel: usize, tap: usize| {
            let y = (pixel / width * window.stride[0] + tap / window.size[1]).checked_sub(window.pads[0])?;
            let x = (pixel % width * window.stride[1] + tap % window.size[1]).checked_sub(window.pads[1])?;
            (y < input.height && x < input.width).then(|| (1 + y * input.width + x) * pixel_bytes)
        };
        Self::build(height * width, window.size[0] * window.size[1], *rows, |pixel, tap| place(pixel, tap).unwrap_or(0))
    }

    /// The table of a convolution over a plane that holds its own padding, each of whose taps is one row of the window.
    pub fn of_rows(window: &Window, output: [usize; 2], plane: &Plane, rows: usize) -> Option<Self> {
        Self::build(output[0] * output[1], window.size[0], rows, |pixel, tap| {
            let y = pixel / output[1] * window.stride[0] + tap;
            y * plane.row_bytes + pixel % output[1] * window.stride[1] * plane.pixel_bytes
        })
    }

    fn build(pixels: usize, taps: usize, rows: usize, place: impl Fn(usize, usize) -> usize) -> Option<Self> {
        let tiles = split(0..pixels, rows);
        let mut offsets = Vec::with_capacity(tiles.len() * taps * rows);
        for tile in &tiles {
            for tap in 0..taps {
                // Rows that a short tile lacks repeat its last one.
                let pixels = (0..rows).map(|row| tile.pixel + row.min(tile.rows - 1));
                offsets.extend(
                    pixels.map(|pixel| place(pixel, tap)).map(u32::try_from).collect::<Result<Vec<_>, _>>().ok()?,
                );
            }
        }
        let last = offsets.iter().max().map_or(0, |&last| last as usize);
        Some(Self { offsets, tiles, taps, rows, last })
    }

    /// One tile's offsets, `[taps][rows]`.
    pub fn offsets(&self, tile: usize) -> &[u32] {
        let count = self.taps * self.rows;
        &self.offsets[tile * count..(tile + 1) * count]
    }

    /// Taps of the window.
    pub fn taps(&self) -> usize {
        self.taps
    }
}

/// A picture of few channels with its padding around it, pixels one after another without a vector in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plane {
    /// Bytes from one row to the next.
    pub row_bytes: usize,
    /// Bytes from one pixel to the next.
    pub pixel_bytes: usize,
}

/// Splits pixels evenly into tiles of at most `rows`, so that no short rest is left: 49 by 6 is 4 of 6 and 5 of 5.
pub fn split(pixels: Range<usize>, rows: usize) -> Vec<Tile> {
    let count = pixels.len().div_ceil(rows);
    let place = |i: usize| pixels.start + pixels.len() * i / count;
    (0..count).map(|i| Tile { pixel: place(i), rows: place(i + 1) - place(i) }).collect()
}
