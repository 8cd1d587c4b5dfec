//! Pixels -> small bright rectangles on a darker ground: what a ruler's tick may be, line or dot.
//!
//! One pass over the picture compares each pixel with those a little way off on both sides along the ruler; only what is
//! brighter than both is looked at closely. Works for an upright ruler and, with the axes changed over, for one that lies:
//! `u` runs across the ruler and `v` along it. Always holds: a bar's centre along the ruler is that of its ink, so it is
//! finer than a pixel.

use super::super::tone::Tones;
use alloc::{vec, vec::Vec};
use core::ops::Range;

/// A tick is brighter than what lies before and behind it along the ruler, by this.
const CONTRAST: u8 = 40;
/// The part of a tick's contrast that its surroundings may have.
const CLUTTER: f32 = 0.42;
/// How far off a tick is compared: this part of the picture's height, at least and at most so many pixels. Ticks are
/// thinner, and their steps wider.
const CLEARANCE_PART: i32 = 96;
const CLEARANCE: (i32, i32) = (4, 14);
/// The longest tick, as part of the picture's height, at least and at most so many pixels.
const LENGTH_PART: i32 = 30;
const LENGTH_MAX: (i32, i32) = (18, 48);
/// The part of its rectangle that a bar fills. Where scaling halves a row, noise leaves some of it.
const LIT_MIN: f32 = 0.5;
/// Steps uphill from a bar's corner to its brightest pixel.
const CLIMB_MAX: usize = 4;
/// Pixels that are looked through at once for corners.
const BLOCK: usize = 32;
/// More bars than this are texture.
const BARS_MAX: usize = 40_000;

/// Which way a ruler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Down,
    Across,
}

/// A small bright rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bar {
    /// The first and the last pixel across the ruler.
    pub first: i32,
    pub last: i32,
    /// Its middle along the ruler, by its ink.
    pub at: f32,
    /// Pixels along the ruler.
    pub thickness: i32,
    /// Brightness above the ground, summed over its pixels.
    pub ink: f32,
}

/// The brightness of some columns of a picture, from its first row on.
pub(super) struct Plane {
    luma: Vec<u8>,
    width: usize,
    height: usize,
    /// The picture's height, to which limits go.
    whole: usize,
    /// The first column.
    left: usize,
}

impl Plane {
    pub fn of(tones: &Tones) -> Self {
        Self::part(tones, 0..tones.width() as usize, tones.height() as usize)
    }

    /// These columns of the first `rows` rows.
    pub fn part(tones: &Tones, columns: Range<usize>, rows: usize) -> Self {
        let (width, height, whole) = (columns.len(), rows, tones.height() as usize);
        let mut luma = Vec::with_capacity(width * height);
        for y in 0..height {
            tones.brightness(y, columns.clone(), &mut luma);
        }
        Self { luma, width, height, whole, left: columns.start }
    }

    fn row(&self, y: usize) -> &[u8] {
        &self.luma[y * self.width..][..self.width]
    }
}

/// A picture's brightness with the axes named after the ruler.
struct View<'a> {
    luma: &'a [u8],
    /// Entries from one pixel to the next across and along the ruler.
    stride: [usize; 2],
    /// Pixels across and along.
    size: [i32; 2],
}

impl View<'_> {
    fn index(&self, u: i32, v: i32) -> Option<usize> {
        let inside = u >= 0 && v >= 0 && u < self.size[0] && v < self.size[1];
        inside.then(|| u as usize * self.stride[0] + v as usize * self.stride[1])
    }

    fn luma(&self, u: i32, v: i32) -> u8 {
        self.index(u, v).map_or(0, |i| self.luma[i])
    }
}

/// The limits of a tick on a picture.
struct Limits {
    clearance: i32,
    length: i32,
}

/// Every bar on the first `rows` rows of a picture.
pub(super) fn find(plane: &Plane, way: Way, rows: usize) -> Vec<Bar> {
    let height = plane.whole as i32;
    let limits = Limits {
        clearance: (height / CLEARANCE_PART).clamp(CLEARANCE.0, CLEARANCE.1),
        length: (height / LENGTH_PART).clamp(LENGTH_MAX.0, LENGTH_MAX.1),
    };
    let (width, height) = (plane.width as i32, plane.height as i32);
    let (stride, size) = match way {
        Way::Down => ([1, plane.width], [width, height]),
        Way::Across => ([plane.width, 1], [height, width]),
    };
    let view = View { luma: &plane.luma, stride, size };
    let mut bars: Vec<Bar> = Vec::new();
    seeds(plane, way, limits.clearance as usize, rows, |x, y| {
        let (u, v) = if way == Way::Down { (x, y) } else { (y, x) };
        if bars.len() < BARS_MAX {
            bars.extend(bar(&view, &limits, u, v));
        }
    });
    // Noise around a bar leads to it more than once.
    bars.sort_by(|a, b| (a.first, a.last).cmp(&(b.first, b.last)).then(a.at.total_cmp(&b.at)));
    bars.dedup();
    let left = plane.left as i32;
    for bar in &mut bars {
        match way {
            Way::Down => (bar.first, bar.last) = (bar.first + left, bar.last + left),
            Way::Across => bar.at += left as f32,
        }
    }
    bars
}

/// Calls `seen` for every upper left corner of pixels that stand out from those `clearance` away along the ruler.
fn seeds(plane: &Plane, way: Way, clearance: usize, rows: usize, mut seen: impl FnMut(i32, i32)) {
    let width = plane.width;
    let dark = vec![0; width];
    let mut padded = vec![0; width + 2 * clearance];
    // One entry before the row, which stands for what is left of the picture.
    let [mut above, mut marks] = [vec![0; width + 1], vec![0; width + 1]];
    let mut corners = vec![0; width];
    for y in 0..rows.min(plane.height) {
        let here = plane.row(y);
        match way {
            Way::Down => {
                let before = y.checked_sub(clearance).map_or(&dark[..], |y| plane.row(y));
                let behind = if y + clearance < plane.height { plane.row(y + clearance) } else { &dark };
                mark(&mut marks[1..], here, before, behind);
            }
            Way::Across => {
                padded[clearance..clearance + width].copy_from_slice(here);
                mark(&mut marks[1..], here, &padded[..width], &padded[2 * clearance..]);
            }
        }
        for (((corner, &mark), &left), &above) in corners.iter_mut().zip(&marks[1..]).zip(&marks).zip(&above[1..]) {
            *corner = mark & !left & !above;
        }
        for (block, part) in corners.chunks(BLOCK).enumerate() {
            if part.iter().fold(0, |any, &corner| any | corner) != 0 {
                let is_corner = |i: &usize| part[*i] != 0;
                (0..part.len()).filter(is_corner).for_each(|i| seen((block * BLOCK + i) as i32, y as i32));
            }
        }
        core::mem::swap(&mut above, &mut marks);
    }
}

fn mark(out: &mut [u8], here: &[u8], before: &[u8], behind: &[u8]) {
    for (((out, &here), &before), &behind) in out.iter_mut().zip(here).zip(before).zip(behind) {
        *out = u8::from(here > before.max(behind).saturating_add(CONTRAST - 1));
    }
}

/// The bar that the marked pixel (u, v) belongs to, if it is one.
fn bar(view: &View<'_>, limits: &Limits, u: i32, v: i32) -> Option<Bar> {
    let (u, v) = peak(view, u, v);
    let peak = view.luma(u, v);
    let ground = view.luma(u, v - limits.clearance).max(view.luma(u, v + limits.clearance));
    if peak < ground.saturating_add(CONTRAST) {
        return None;
    }
    // Half way up, where scaling and JPEG leave an edge in its place.
    let level = ground + (peak - ground) / 2;
    let is_lit = |u: i32, v: i32| view.luma(u, v) >= level;
    let [mut first, mut last, mut top, mut bottom] = [u, u, v, v];
    // Grows the rectangle until no lit pixel touches it.
    loop {
        let across = |v: i32| (first..=last).any(|u| is_lit(u, v));
        let along = |u: i32| (top..=bottom).any(|v| is_lit(u, v));
        let grown = [along(first - 1), along(last + 1), across(top - 1), across(bottom + 1)].map(i32::from);
        if grown == [0; 4] {
            break;
        }
        (first, last, top, bottom) = (first - grown[0], last + grown[1], top - grown[2], bottom + grown[3]);
        if last - first >= limits.length || bottom - top >= limits.clearance {
            return None;
        }
    }
    let places = || (top..=bottom).flat_map(|v| (first..=last).map(move |u| (u, v)));
    let lit = places().filter(|&(u, v)| is_lit(u, v)).count() as i32;
    let area = (last - first + 1) * (bottom - top + 1);
    if (lit as f32) < LIT_MIN * area as f32 { None } else { measured(view, peak, [first, last, top, bottom]) }
}

/// The brightest pixel that is reached from (u, v) uphill.
fn peak(view: &View<'_>, u: i32, v: i32) -> (i32, i32) {
    let mut at = (u, v);
    for _ in 0..CLIMB_MAX {
        let near = (-2..=2).flat_map(|dv| (-2..=2).map(move |du| (at.0 + du, at.1 + dv)));
        let best = near.max_by_key(|&(u, v)| view.luma(u, v)).unwrap_or(at);
        if view.luma(best.0, best.1) <= view.luma(at.0, at.1) {
            break;
        }
        at = best;
    }
    at
}

/// The bar in the rectangle (first, last, top, bottom), if what surrounds it is dark.
fn measured(view: &View<'_>, peak: u8, [first, last, top, bottom]: [i32; 4]) -> Option<Bar> {
    let (mut sum, mut count, mut brightest) = (0.0, 0.0, 0);
    for (u, v) in (first..=last).flat_map(|u| [(u, top - 3), (u, bottom + 3)]) {
        let luma = view.luma(u, v);
        (sum, count, brightest) = (sum + f32::from(luma), count + 1.0, brightest.max(luma));
    }
    let ground = sum / count;
    let contrast = f32::from(peak) - ground;
    let clutter = |luma: u8| f32::from(luma) - ground > CLUTTER * contrast;
    // A number may stand at one side.
    let side = |u: i32| (top..=bottom).any(|v| clutter(view.luma(u, v)));
    if clutter(brightest) || side(first - 2) && side(last + 2) {
        return None;
    }
    let (mut ink, mut moment) = (0.0, 0.0);
    for v in top - 1..=bottom + 1 {
        let row: f32 = (first..=last).map(|u| (f32::from(view.luma(u, v)) - ground).max(0.0)).sum();
        (ink, moment) = (ink + row, moment + row * v as f32);
    }
    (ink > 0.0).then(|| Bar { first, last, at: moment / ink, thickness: bottom - top + 1, ink })
}
