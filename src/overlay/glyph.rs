//! Print beside a marker: the label digit that belongs to it, or the text of which it is only a plus sign.
//!
//! A label stands diagonally beside its marker, as on the LOGIQ screens; print on the marker's own line makes it a plus
//! sign. Digits are told by where their ink lies on a few heights. A shape that is not surely one of 1 to 4 has no
//! number.

use super::{marker::Marker, star::Shape, tone::Tones};
use alloc::{vec, vec::Vec};

/// Farther than this part of the marker's size from its middle's height, print is on another line than the marker.
const SAME_LINE: f32 = 0.3;
/// How far print may leave the marker's colour in a picture that is not exact: its strokes are thinner than the
/// marker's.
const SMEARED: u8 = 34;
/// How much of a marker's colour its print has at least, where a cable or JPEG has smeared it.
const TINT_MIN: f32 = 0.3;
/// The least height of a label in parts of the marker's: of any shape, and of one that is read as a digit.
const USUAL: f32 = 0.5;
const SMALL: f32 = 0.33;
/// How sharply print rises from what lies beside it, as a part of how the marker's strokes do, and at most so much is asked.
const SHARP: f32 = 0.4;
const RISE_MAX: f32 = 40.0;
/// How far outside of an edge, and inside, its rise is looked for, in pixels; how far beside a stroke.
const OUTSIDE: i32 = 2;
const INSIDE: i32 = 1;
const BESIDE: i32 = 3;
/// Where a digit's uppermost and lowest rows are looked at: the very outermost ones may be smeared away, and of strokes of one pixel
/// they are the only ones.
const HIGH: [f32; 2] = [0.0, 0.05];
const LOW: [f32; 2] = [0.93, 1.0];

/// One connected shape in a marker's colour, in pixels of the picture.
#[derive(Clone, Debug, PartialEq)]
struct Glyph {
    left: i32,
    top: i32,
    width: i32,
    height: i32,
    /// *Shape*: `[height, width]`.
    ink: Vec<bool>,
    /// How much nearer to the marker's colour it is than what lies beside it, on average.
    rise: i32,
}

/// Whether `marker` has print on its own line, as the plus in "A+B" and "+3" has.
pub(crate) fn stands_in_print(tones: &Tones, marker: &Marker) -> bool {
    let rise = least_rise(tones, marker);
    let is_print = |glyph: &&Glyph| is_on_line(glyph, marker) && glyph.rise >= rise;
    let beside = glyphs(tones, marker, tolerance(marker)).iter().filter(is_print).count();
    // A tee or an arrow may be any part of a letter, which has letters beside it; one digit is its label.
    beside >= if marker.axis.is_some() { 2 } else { 1 }
}

/// Whether `glyph` stands where the letters would be of which `marker` is one, or a part.
fn is_on_line(glyph: &Glyph, marker: &Marker) -> bool {
    let size = marker.size();
    let [aside, offset] = glyph.offset(marker);
    // A small diagonal cross may be a crossing within larger letters.
    let within = marker.shape == Shape::X && (1.25 * size..=2.6 * size).contains(&(glyph.height as f32));
    if within && offset <= 0.8 * size && aside <= size {
        return true;
    }
    let (least, line) = if marker.axis.is_some() { (0.35, 1.0) } else { (0.6, SAME_LINE) };
    let tall = (least * size..=1.8 * size).contains(&(glyph.height as f32)) && glyph.width as f32 <= 1.5 * size;
    // What surrounds the marker is its box.
    let nearest = if marker.shape == Shape::BoxedPlus { 0.0 } else { -size / 2.0 };
    tall && aside > nearest && offset <= line * size && aside <= size
}

/// The number beside `marker`, if there is just one shape in a label's place and it surely is one of 1 to 4.
pub(crate) fn label(tones: &Tones, marker: &Marker) -> Option<u8> {
    let digit = |tolerance: u8| labelling(tones, marker, tolerance, SMALL)?.digit();
    [tolerance(marker), SMEARED].into_iter().find_map(digit)
}

/// Whether there is just one shape in a label's place, whatever it is. Its strokes may be thin and smeared where the marker's are exact.
pub(crate) fn is_labelled(tones: &Tones, marker: &Marker) -> bool {
    [tolerance(marker), SMEARED].into_iter().any(|tolerance| labelling(tones, marker, tolerance, USUAL).is_some())
}

/// How far print may leave the marker's colour.
pub(super) fn tolerance(marker: &Marker) -> u8 {
    if marker.is_exact() { marker.tolerance() } else { SMEARED }
}

/// Whether a pixel has enough of a marker's colour for print of the same; tissue may be as bright as that, and is grey.
pub(super) fn is_tinted(tones: &Tones, marker: &Marker, x: i32, y: i32) -> bool {
    marker.is_exact()
        || !marker.tone.is_coloured()
        || tones.get(x, y).is_some_and(|tone| tone.colour_like(marker.tone) >= TINT_MIN)
}

/// How sharply what is print in the marker's colour rises at least.
pub(super) fn least_rise(tones: &Tones, marker: &Marker) -> i32 {
    (SHARP * rise_of(tones, marker) as f32).min(RISE_MAX) as i32
}

/// How much nearer to its colour a marker's strokes are than what lies beside them in their rows, for half of them.
fn rise_of(tones: &Tones, marker: &Marker) -> i32 {
    let reach = marker.reach[1] as i32;
    let wide = libm::ceilf(marker.stroke / 2.0) as i32;
    let [x, y] = [marker.at.x, marker.at.y].map(|at| libm::roundf(at) as i32);
    let rise = |(aside, dy): (i32, i32)| {
        let gap =
            |dx: i32| tones.get(x + aside + dx, y + dy).map_or(i32::from(u8::MAX), |tone| tone.gap(marker.tone).into());
        let outside = |side: i32| (1..=BESIDE).map(|off| gap(side * (wide + off))).max().unwrap_or(0);
        (outside(-1) + outside(1)) / 2 - (-wide..=wide).map(gap).min().unwrap_or(0)
    };
    // Where strokes do not meet.
    let rows = (-reach..=reach).filter(|dy| 2 * dy.abs() >= reach);
    let mut rises: Vec<i32> = match marker.shape {
        Shape::X => rows.flat_map(|dy| [(dy, dy), (-dy, dy)]).map(rise).collect(),
        _ => rows.map(|dy| (0, dy)).map(rise).collect(),
    };
    rises.sort_unstable();
    rises.get(rises.len() / 2).copied().unwrap_or(0)
}

/// The only shape in a label's place, at least `least` times as high as the marker.
fn labelling(tones: &Tones, marker: &Marker, tolerance: u8, least: f32) -> Option<Glyph> {
    let size = marker.size();
    let glyphs = glyphs(tones, marker, tolerance);
    let mut labels = glyphs.iter().filter(|glyph| {
        let [aside, offset] = glyph.offset(marker);
        let high = (least * size..=1.3 * size).contains(&(glyph.height as f32)) && glyph.width <= glyph.height;
        high && aside <= 0.6 * size && offset > SAME_LINE * size && offset <= 1.3 * size
    });
    let only = labels.next()?.clone();
    if labels.next().is_some() { None } else { Some(only) }
}

/// The shapes within `tolerance` of the marker's colour around it, without its own strokes and without what runs out of view.
fn glyphs(tones: &Tones, marker: &Marker, tolerance: u8) -> Vec<Glyph> {
    let [across, down] = marker.reach.map(|reach| libm::ceilf(reach) as i32);
    let (middle_x, middle_y) = (libm::roundf(marker.at.x) as i32, libm::roundf(marker.at.y) as i32);
    let half = libm::ceilf(marker.stroke / 2.0) as i32;
    // Along a row a slanted stroke is wider, and its smear with it.
    let slanted = libm::ceilf(marker.stroke * core::f32::consts::FRAC_1_SQRT_2) as i32 + 1;
    let view = 4 * across.max(down) + 8;
    let side = (2 * view + 1) as usize;
    let own = |dx: i32, dy: i32| match marker.shape {
        Shape::X => (dx.abs() - dy.abs()).abs() <= slanted && dx.abs().max(dy.abs()) <= across.max(down) + 1,
        _ => (dx.abs() <= across + 1 && dy.abs() <= half) || (dy.abs() <= down + 1 && dx.abs() <= half),
    };
    let is_tinted = |dx: i32, dy: i32| is_tinted(tones, marker, middle_x + dx, middle_y + dy);
    let (mut ink, mut gaps) = (vec![false; side * side], vec![0; side * side]);
    for (dy, (row, gaps)) in (-view..).zip(ink.chunks_exact_mut(side).zip(gaps.chunks_exact_mut(side))) {
        tones.gaps(middle_y + dy, middle_x - view, marker.tone, gaps);
        for ((dx, pixel), &mut gap) in (-view..).zip(row).zip(gaps) {
            *pixel = gap <= tolerance && !own(dx, dy) && is_tinted(dx, dy);
        }
    }
    let mut glyphs = Vec::new();
    for start in 0..ink.len() {
        if ink[start] {
            glyphs.extend(take(&mut ink, &gaps, side, start).map(|mut glyph| {
                glyph.left += middle_x - view;
                glyph.top += middle_y - view;
                glyph
            }));
        }
    }
    glyphs
}

/// Takes the shape that holds `start` out of `ink`, whose pixels are as far from the marker's colour as `gaps` say; none if it touches
/// the view's rim.
fn take(ink: &mut [bool], gaps: &[u8], side: usize, start: usize) -> Option<Glyph> {
    let mut open = vec![start];
    let mut spots = Vec::new();
    ink[start] = false;
    while let Some(at) = open.pop() {
        let (x, y) = ((at % side) as i32, (at / side) as i32);
        spots.push((x, y));
        for (dx, dy) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))) {
            let (x, y) = (x + dx, y + dy);
            let inside = (0..side as i32).contains(&x) && (0..side as i32).contains(&y);
            if !inside {
                continue;
            }
            let next = y as usize * side + x as usize;
            if ink[next] {
                ink[next] = false;
                open.push(next);
            }
        }
    }
    let left = spots.iter().map(|s| s.0).min()?;
    let right = spots.iter().map(|s| s.0).max()?;
    let top = spots.iter().map(|s| s.1).min()?;
    let bottom = spots.iter().map(|s| s.1).max()?;
    let last = side as i32 - 1;
    if left == 0 || top == 0 || right == last || bottom == last {
        return None;
    }
    let (width, height) = (right - left + 1, bottom - top + 1);
    let mut own = vec![false; (width * height) as usize];
    for &(x, y) in &spots {
        own[((y - top) * width + x - left) as usize] = true;
    }
    let mut glyph = Glyph { left, top, width, height, ink: own, rise: 0 };
    glyph.rise = glyph.rise_from(|x, y| i32::from(gaps[y as usize * side + x.clamp(0, last) as usize]));
    Some(glyph)
}

impl Glyph {
    fn has(&self, x: i32, y: i32) -> bool {
        let (right, down) = (x - self.left, y - self.top);
        let is_inside = (0..self.width).contains(&right) && (0..self.height).contains(&down);
        is_inside && self.ink[(down * self.width + right) as usize]
    }

    /// How much its rows' ends rise, on average, where pixels are so far from its colour.
    fn rise_from(&self, gap: impl Fn(i32, i32) -> i32) -> i32 {
        let rows = self.top..self.top + self.height;
        let all = rows.flat_map(|y| (self.left..self.left + self.width).flat_map(move |x| [(x, y, -1), (x, y, 1)]));
        let ends = all.filter(|&(x, y, way)| self.has(x, y) && !self.has(x + way, y));
        let rise = |(x, y, way): (i32, i32, i32)| {
            let outside = (0..=OUTSIDE).map(|off| gap(x + way * off, y)).max();
            let inside = (0..=INSIDE).map(|off| x - way * off).filter(|&x| self.has(x, y)).map(|x| gap(x, y)).min();
            outside.unwrap_or(0) - inside.unwrap_or(0)
        };
        let (sum, count) = ends.map(rise).fold((0, 0), |(sum, count), rise| (sum + rise, count + 1));
        sum / count.max(1)
    }

    /// The free space between glyph and marker sideways, and how far their middles differ in height.
    fn offset(&self, marker: &Marker) -> [f32; 2] {
        let middle = |start: i32, length: i32| start as f32 + (length - 1) as f32 / 2.0;
        let apart = (middle(self.left, self.width) - marker.at.x).abs() - self.width as f32 / 2.0;
        [apart - marker.reach[0], (middle(self.top, self.height) - marker.at.y).abs()]
    }

    /// The stretches of ink on the row at `height` (0 the top, 1 the bottom), each as parts of the width.
    fn stretches(&self, height: f32) -> Vec<[f32; 2]> {
        let y = libm::roundf(height * (self.height - 1) as f32) as usize;
        let row = &self.ink[y * self.width as usize..][..self.width as usize];
        let mut stretches: Vec<[f32; 2]> = Vec::new();
        for x in (0..row.len()).filter(|&x| row[x]) {
            let [from, to] = [x, x + 1].map(|x| x as f32 / row.len() as f32);
            match stretches.last_mut() {
                Some(last) if row[x - 1] => last[1] = to,
                _ => stretches.push([from, to]),
            }
        }
        stretches
    }

    fn digit(&self) -> Option<u8> {
        let at = |height| self.stretches(height);
        let only = |height: f32, fits: &dyn Fn(f32, f32) -> bool| match at(height)[..] {
            [[from, to]] => fits(from, to),
            _ => false,
        };
        let slim = 100 * self.width <= 65 * self.height;
        let post = |from: f32, to: f32| from >= 0.3 && to >= 0.95;
        let flag = (0..=4).any(|i| at(i as f32 / 12.0).first().is_some_and(|s| s[0] <= 0.2));
        if slim && flag && [0.5, 0.65, 0.8].into_iter().chain(LOW).all(|h| only(h, &post)) {
            return Some(1);
        }
        if 100 * self.width < 45 * self.height {
            return None;
        }
        let outermost = |rows: [f32; 2], fits: &dyn Fn(f32, f32) -> bool| rows.into_iter().any(|row| only(row, fits));
        let right = |height: f32| at(height).last().is_some_and(|s| s[0] >= 0.45 && s[1] >= 0.85);
        let base = outermost(LOW, &|from, to| to - from >= 0.85);
        if base && right(0.28) && only(0.75, &|from, to| from <= 0.4 && to <= 0.8) && only(0.5, &|from, _| from >= 0.25)
        {
            return Some(2);
        }
        let cap = |from: f32, to: f32| from <= 0.4 && from > 0.0 && (0.6..1.0).contains(&to);
        let caps = outermost(HIGH, &cap) && outermost(LOW, &cap);
        if caps && right(0.25) && right(0.72) && only(0.48, &|from, _| from >= 0.25) {
            return Some(3);
        }
        // The same with ends cut straight, which no hook then follows.
        let end = |from: f32, to: f32| from <= 0.1 && (0.6..1.0).contains(&to);
        let alone = |height: f32| right(height) && at(height).len() == 1;
        let ends = outermost(HIGH, &end) && outermost(LOW, &end);
        if ends && alone(0.25) && alone(0.72) && only(0.48, &|from, _| from >= 0.18) {
            return Some(3);
        }
        let bar = (6..=9).any(|i| only(i as f32 / 12.0, &|from, to| to - from >= 0.95));
        let foot = outermost(LOW, &|from, to| from >= 0.4 && to < 1.0);
        if bar && foot && outermost(HIGH, &|from, to| from >= 0.35 && to < 1.0) && at(0.5).len() == 2 {
            return Some(4);
        }
        None
    }
}
