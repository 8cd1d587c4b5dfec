//! Where a kernel finds pixels that wants them evenly apart: at places, of which each tap of a window is a fixed number further on.
//!
//! A window of one pixel reads its input as it is. For others the picture is copied with its padding around it, once a layer, and
//! where the window takes more than one step at a time those pixels lie together that one tap reads. Rows of pixels are then a
//! little further apart than they are long: what a kernel computes between them is thrown away. Always holds: a tile's rows from
//! its first place on, and all their taps, are places.

use super::{
    net::Window,
    table::{Geometry, Plane, Tile},
};
use std::ops::Range;

/// The places of one geometry.
#[derive(Debug)]
pub struct Spread {
    source: Source,
    tiles: Vec<Tile>,
    starts: Vec<usize>,
    held: Vec<u8>,
    taps: Vec<usize>,
    rows: usize,
}

/// What lies at the places.
#[derive(Debug)]
pub enum Source {
    /// The input's pixels, from this offset on.
    Input(usize),
    /// Copies of the input.
    Copies(Pieces),
}

/// What is copied: to each place so many pieces, one behind the other.
#[derive(Debug)]
pub struct Pieces {
    /// Offsets in the input, place by place.
    offsets: Vec<u32>,
    /// How many a place has.
    each: usize,
    /// Of one piece.
    bytes: usize,
    /// The largest offset.
    last: usize,
}

impl Pieces {
    fn new(each: usize, bytes: usize, offsets: impl Iterator<Item = usize>) -> Option<Self> {
        let offsets: Vec<u32> = offsets.map(|offset| u32::try_from(offset).ok()).collect::<Option<_>>()?;
        let last = offsets.iter().max().map_or(0, |&last| last as usize);
        Some(Self { offsets, each, bytes, last })
    }

    /// The offsets of some places.
    #[cfg_attr(target_arch = "aarch64", allow(dead_code, reason = "only a kernel of x86 copies"))]
    pub fn offsets(&self, places: Range<usize>) -> &[u32] {
        &self.offsets[places.start * self.each..places.end * self.each]
    }

    /// How many pieces a place has.
    pub fn each(&self) -> usize {
        self.each
    }

    /// Bytes of a piece.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// A picture's pixels in as many planes as a window steps, such that each tap walks through one of them.
struct Planes<'a> {
    geometry: &'a Geometry,
    /// Places from one row to the next.
    row: usize,
    /// Places of a plane.
    size: usize,
}

impl Planes<'_> {
    fn new(geometry: &Geometry, output: [usize; 2]) -> Planes<'_> {
        let window = &geometry.window;
        let [more_rows, more] = [0, 1].map(|axis| (window.size[axis] - 1) / window.stride[axis]);
        // What stands behind a row as padding also stands before the next.
        let shared = if window.stride[1] == 1 { window.pads[1].min(window.pads[3]) } else { 0 };
        let row = (output[1] + more - shared.min(more)).max(1);
        Planes { geometry, row, size: (output[0] + more_rows) * row + more }
    }

    /// Of the window's taps, how far each is from a pixel's own place.
    fn taps(&self) -> Vec<usize> {
        let [height, width] = self.geometry.window.size;
        let [down, right] = self.geometry.window.stride;
        let tap = |y: usize, x: usize| {
            let plane = y % down * right.min(width) + x % right;
            plane * self.size + y / down * self.row + x / right
        };
        (0..height * width).map(|at| tap(at / width, at % width)).collect()
    }

    /// The offset of the pixel at a place; 0, which is padding, where there is none.
    fn offset(&self, place: usize) -> usize {
        let Geometry { input, window, pixel_bytes, .. } = self.geometry;
        let right = window.stride[1].min(window.size[1]);
        let (plane, at) = (place / self.size, place % self.size);
        let pixel = || {
            let y = (at / self.row * window.stride[0] + plane / right).checked_sub(window.pads[0])?;
            let x = (at % self.row * window.stride[1] + plane % right).checked_sub(window.pads[1])?;
            (y < input.height && x < input.width).then(|| (1 + y * input.width + x) * pixel_bytes)
        };
        pixel().unwrap_or(0)
    }
}

impl Spread {
    /// The places of a convolution over a buffer of pixels. None where the window does not fit or an offset leaves u32.
    pub fn new(geometry: &Geometry) -> Option<Self> {
        let Geometry { input, pixel_bytes, window, rows } = geometry;
        let output = window.slide(input)?;
        if window.size == [1, 1] && window.stride == [1, 1] && window.pads == [0; 4] && input.pixels() >= *rows {
            return Some(Self::tiled(output, output[1], vec![0], *rows, Source::Input(*pixel_bytes)));
        }
        let planes = Planes::new(geometry, output);
        let spread = Self::tiled(output, planes.row, planes.taps(), *rows, Source::Input(0));
        let copied = Pieces::new(1, *pixel_bytes, (0..spread.places()).map(|place| planes.offset(place)))?;
        Some(Self { source: Source::Copies(copied), ..spread })
    }

    /// The places of a convolution over a plane that holds its own padding: each has a whole window, its rows one after another.
    pub fn of_plane(window: &Window, output: [usize; 2], plane: &Plane, rows: usize) -> Option<Self> {
        let spread = Self::tiled(output, output[1], vec![0], rows, Source::Input(0));
        let [each, bytes] = [window.size[0], window.size[1] * plane.pixel_bytes];
        let piece = |pixel: usize, row: usize| {
            let y = pixel / output[1] * window.stride[0] + row;
            y * plane.row_bytes + pixel % output[1] * window.stride[1] * plane.pixel_bytes
        };
        // Places that a short tile lacks repeat the last one.
        let pixels = (0..spread.places()).map(|place| place.min(output[0] * output[1] - 1));
        let offsets = pixels.flat_map(|pixel| (0..each).map(move |row| piece(pixel, row)));
        Some(Self { source: Source::Copies(Pieces::new(each, bytes, offsets)?), ..spread })
    }

    /// Cuts rows of pixels into tiles that begin with a pixel.
    fn tiled([height, width]: [usize; 2], row: usize, taps: Vec<usize>, rows: usize, source: Source) -> Self {
        let (mut tiles, mut starts, mut held) = (Vec::new(), Vec::new(), Vec::new());
        let end = (height - 1) * row + width;
        let mut next = 0;
        while next < end {
            let last = (next + rows).min(end);
            let pixels = || (next..last).filter(|place| place % row < width);
            // The last may begin before its pixels, as pixels of the input itself end with the input.
            let start = next.min(end.saturating_sub(rows));
            tiles.push(Tile { pixel: next / row * width + next % row, rows: pixels().count() });
            starts.push(start);
            held.extend(pixels().map(|place| (place - start) as u8));
            held.resize(tiles.len() * rows, 0);
            next = (last..).find(|place| place % row < width).unwrap_or(end);
        }
        Self { source, tiles, starts, held, taps, rows }
    }

    /// How many places there are.
    pub fn places(&self) -> usize {
        self.span(0..self.tiles.len()).end
    }

    /// The places that some tiles read.
    pub fn span(&self, tiles: Range<usize>) -> Range<usize> {
        let Some(last) = tiles.clone().next_back() else { return 0..0 };
        self.starts[tiles.start]..self.starts[last] + self.rows + self.taps.iter().max().unwrap_or(&0)
    }

    /// How many bytes of the input are read at most, by so many at a time, where a place has so many.
    pub fn end(&self, place_bytes: usize, step: usize) -> usize {
        match &self.source {
            Source::Input(first) => first + self.places() * place_bytes,
            Source::Copies(Pieces { last, bytes, .. }) => last + bytes.next_multiple_of(step),
        }
    }

    /// A tile's most rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What lies there.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The tiles, in order.
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// The place of a tile's first row.
    pub fn start(&self, tile: usize) -> usize {
        self.starts[tile]
    }

    /// Which of a tile's rows its pixels are.
    pub fn held(&self, tile: usize) -> &[u8] {
        &self.held[tile * self.rows..][..self.rows]
    }

    /// Places from a row to each of its taps.
    pub fn taps(&self) -> &[usize] {
        &self.taps
    }
}
