//! Where print stands that may be a length: lines of glyphs on a dark ground, the likeliest first.
//!
//! Carts print their measurements beside the echo, in one sharp colour on a flat dark ground. Glyphs are joined pixels of
//! one colour; glyphs of a height that stand side by side are a line; a decimal point and a low end ("cm", "mm") make a
//! length of it. Deliberately absent: reading the glyphs, which a recogniser does.

use super::tone::{Tone, Tones};
use crate::frame::{Frame, Picture, RGB_BYTES, Spot};
use alloc::{vec, vec::Vec};

/// The most lines handed to the recogniser; its time is what a freeze costs most.
pub const LINES_MAX: usize = 6;
/// A glyph's height, in pixels.
const GLYPH_HEIGHT: core::ops::RangeInclusive<i32> = 2..=48;
/// A line's height, and how many glyphs it may have.
const LINE_HEIGHT: core::ops::RangeInclusive<i32> = 8..=48;
const LINE_GLYPHS: core::ops::RangeInclusive<usize> = 4..=24;
/// Print is brighter than its ground by this.
const CONTRAST: u8 = 60;
/// Neighbouring pixels of one glyph differ in chroma at most by this; in brightness they may, where edges are smooth.
const CHROMA_STEP: u8 = 26;
/// Print's ground is not brighter than this; echo is.
const GROUND_LUMA_MAX: u8 = 48;
/// The most of a glyph's surroundings that may be brighter than a ground.
const CLUTTER_MAX: f32 = 0.3;

/// Digits and capitals, as high as the line itself, are at least this part of a length's glyphs.
const FULL_MIN: f32 = 0.4;
/// Ground pixels this near to the ground's middle brightness are flat, and this part of them is.
const FLAT_LEVELS: u8 = 10;
const FLAT_MIN: f32 = 0.8;

/// A rectangle of whole pixels, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Area {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Area {
    fn height(&self) -> i32 {
        self.bottom - self.top + 1
    }

    fn join(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

/// A line of print that may be a length.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The line, cut out with a margin.
    pub picture: Picture,
    /// Where its upper left pixel lies on the picture.
    pub at: Spot,
    /// How much it looks like a length; only to compare.
    pub likeness: u32,
}

/// The lines of print that may be lengths, the likeliest first; at most [`LINES_MAX`].
pub fn lines(frame: Frame<'_>) -> Vec<Line> {
    let tones = Tones::of(frame);
    let mut lines: Vec<(u32, Area)> =
        join(glyphs(&tones)).into_iter().map(|line| (likeness(&line), bounds(&line))).collect();
    lines.retain(|(likeness, area)| *likeness > 0 && is_on_flat_ground(&tones, *area));
    lines.sort_by_key(|(likeness, area)| (core::cmp::Reverse(*likeness), area.top, area.left));
    lines.truncate(LINES_MAX);
    lines.into_iter().map(|(likeness, area)| cut(frame, area, likeness)).collect()
}

fn bounds(line: &[Area]) -> Area {
    line.iter().copied().reduce(Area::join).expect("a line has glyphs")
}

/// Joined bright pixels of one colour that are as large as a glyph and stand on a dark ground.
fn glyphs(tones: &Tones) -> Vec<Area> {
    let (width, height) = (tones.width(), tones.height());
    let mut seen = vec![false; (width * height) as usize];
    let mut stack = Vec::new();
    let mut found = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let at = (y * width + x) as usize;
            let tone = tones.row(y)[x as usize];
            if seen[at] || tone.luma() < CONTRAST {
                continue;
            }
            seen[at] = true;
            stack.push((x, y, tone));
            let mut area = Area { left: x, top: y, right: x, bottom: y };
            while let Some((x, y, tone)) = stack.pop() {
                area = area.join(Area { left: x, top: y, right: x, bottom: y });
                for (nx, ny) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (x + dx, y + dy))) {
                    let Some(next) = tones.get(nx, ny) else { continue };
                    let at = (ny * width + nx) as usize;
                    if !seen[at] && next.luma() >= CONTRAST && next.chroma_gap(tone) <= CHROMA_STEP {
                        seen[at] = true;
                        stack.push((nx, ny, next));
                    }
                }
            }
            let narrow = area.right - area.left < 2 * *GLYPH_HEIGHT.end();
            if GLYPH_HEIGHT.contains(&area.height()) && narrow && stands_alone(tones, area, tone) {
                found.push(area);
            }
        }
    }
    found
}

/// Whether what surrounds a glyph is dark, or is the glyph's own colour (its neighbours).
fn stands_alone(tones: &Tones, area: Area, tone: Tone) -> bool {
    let (left, right) = (area.left - 2, area.right + 2);
    let above_and_below = (left..=right).flat_map(|x| [(x, area.top - 2), (x, area.bottom + 2)]);
    let beside = (area.top..=area.bottom).flat_map(|y| [(left, y), (right, y)]);
    let (mut clutter, mut count) = (0, 0);
    for around in above_and_below.chain(beside).filter_map(|(x, y)| tones.get(x, y)) {
        count += 1;
        let own = around.luma() >= CONTRAST && around.chroma_gap(tone) <= CHROMA_STEP;
        clutter += i32::from(around.luma() > GROUND_LUMA_MAX && !own);
    }
    clutter as f32 <= CLUTTER_MAX * count as f32
}

/// Glyphs side by side, from left to right.
fn join(mut glyphs: Vec<Area>) -> Vec<Vec<Area>> {
    glyphs.sort_by_key(|glyph| (glyph.left, glyph.top));
    let mut lines: Vec<Vec<Area>> = Vec::new();
    for glyph in glyphs {
        let belongs = |line: &Vec<Area>| {
            let whole = bounds(line);
            let tall = whole.height().max(glyph.height());
            let overlap = whole.bottom.min(glyph.bottom) - whole.top.max(glyph.top) + 1;
            // Blanks are narrower than a line is high, but for those that set columns apart.
            let gap = glyph.left - whole.right;
            overlap >= glyph.height().min(whole.height()) * 2 / 3 && gap <= tall && tall <= *LINE_HEIGHT.end()
        };
        match lines.iter_mut().filter(|line| belongs(line)).max_by_key(|line| bounds(line).right) {
            Some(line) => line.push(glyph),
            None => lines.push(vec![glyph]),
        }
    }
    lines.retain(|line| LINE_GLYPHS.contains(&line.len()) && LINE_HEIGHT.contains(&bounds(line).height()));
    lines
}

/// Whether what lies between a line's glyphs has one brightness, as a screen's own ground has and echo has not.
fn is_on_flat_ground(tones: &Tones, area: Area) -> bool {
    let pixels = (area.top..=area.bottom).flat_map(|y| (area.left..=area.right).map(move |x| (x, y)));
    let mut ground: Vec<u8> =
        pixels.filter_map(|(x, y)| tones.get(x, y)).map(Tone::luma).filter(|&luma| luma <= GROUND_LUMA_MAX).collect();
    ground.sort_unstable();
    let Some(&middle) = ground.get(ground.len() / 2) else { return false };
    let flat = ground.iter().filter(|luma| luma.abs_diff(middle) <= FLAT_LEVELS).count();
    flat as f32 >= FLAT_MIN * ground.len() as f32
}

/// How much a line looks like a length: 0 not at all.
fn likeness(line: &[Area]) -> u32 {
    let whole = bounds(line);
    let full = line.iter().filter(|glyph| 10 * glyph.height() >= 8 * whole.height()).count();
    if (full as f32) < FULL_MIN * line.len() as f32 {
        return 0;
    }
    let low = |glyph: &Area| 10 * (glyph.top - whole.top) >= 2 * whole.height();
    let is_point = |glyph: &Area| {
        3 * glyph.height() <= whole.height() && 3 * (glyph.top - whole.top) >= 2 * (whole.height() - glyph.height())
    };
    let has_point = line[1..line.len() - 1].iter().any(is_point);
    // The unit's letters are lower than digits; smeared together they are one.
    let ends_low = line.last().is_some_and(low);
    2 * u32::from(has_point) + u32::from(ends_low) + u32::from(has_point && ends_low)
}

/// Cuts an area out with the margin that recognisers are used to; what lies outside the picture is black.
fn cut(frame: Frame<'_>, area: Area, likeness: u32) -> Line {
    let margin = area.height() / 5 + 1;
    let (left, top) = (area.left - 2 * margin, area.top - margin);
    let width = (area.right - area.left + 1 + 4 * margin) as usize;
    let height = (area.height() + 2 * margin) as usize;
    let mut picture = Picture::filled(width, height, [0; 3]);
    for (i, pixel) in picture.as_rgb_mut().chunks_exact_mut(RGB_BYTES).enumerate() {
        let (x, y) = (left + (i % width) as i32, top + (i / width) as i32);
        if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y))
            && x < frame.width()
            && y < frame.height()
        {
            pixel.copy_from_slice(&frame.rgb(x, y));
        }
    }
    Line { picture, at: Spot { x: left as f32, y: top as f32 }, likeness }
}
