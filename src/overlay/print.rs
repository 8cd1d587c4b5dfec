//! Where print stands that may be a length: lines of sharp glyphs, the likeliest first.
//!
//! Carts print their measurements in one sharp bright colour, beside the echo or over it. Glyphs are joined pixels with
//! steep edges, taken at several levels of brightness, as the ground may be dark, grey or echo; glyphs of a height that
//! stand side by side are a line; a decimal point and a low, wide end ("cm", "mm") make a length of it. Lines below each
//! other with one left edge are a box. Deliberately absent: reading the glyphs, which a recogniser does, and any
//! place or colour of one cart's box.

use super::{
    blobs::{Area, Blob, Shine},
    text::Letter,
};
use crate::frame::{Frame, Picture, RGB_BYTES, Spot};
use alloc::vec::Vec;

/// The most lines handed to the recogniser; its time is what a freeze costs most.
pub const LINES_MAX: usize = 8;
/// The levels of brightness at which glyphs are looked for.
const LEVELS: [u8; 5] = [60, 90, 130, 175, 215];
/// The rise of brightness at a glyph's edges.
const RISE_MIN: i32 = 40;
/// The heights of capitals and digits that are read, in pixels.
const CAP: core::ops::RangeInclusive<i32> = 5..=40;
/// Glyphs that touch are one blob: not wider than so many heights.
const JOINED_MAX: i32 = 7;
/// The least part of a glyph's rectangle that is ink. A box's border has less.
const INK_MIN: f32 = 0.16;
/// How many blobs a line has, and how many capitals' heights it is wide.
const LINE_BLOBS: core::ops::RangeInclusive<usize> = 3..=28;
const LINE_WIDTH: core::ops::RangeInclusive<f32> = 3.5..=18.0;
/// The part of the recogniser's height that capitals take; the rest is margin, as in the pictures that it learnt from.
/// Larger letters are read no better and take more time; a second look at another size errs otherwise.
const CAP_PART: f32 = 0.5;
const CAP_PART_TIGHT: f32 = 0.66;

/// A line of print that may be a length.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The line, cut out with a margin.
    pub picture: Picture,
    /// Where its upper left pixel lies on the picture.
    pub at: Spot,
    /// How much it looks like a length; only to compare, and with [`LIKELY`].
    pub likeness: u32,
    /// The number of the box, or column, that it stands in.
    pub stack: usize,
    /// The height of its capitals, in pixels.
    cap: i32,
}

impl Line {
    /// Tells each letter how wide the gap before it is.
    ///
    /// Gaps belong to letters in their order where there are as many pieces of ink as letters, else by place.
    pub fn set_gaps(&self, letters: &mut [Letter]) {
        let gaps = self.gaps();
        let printed = |letter: &&mut Letter| !letter.character.is_whitespace();
        let in_order = letters.iter_mut().filter(printed).count() == gaps.len() + 1;
        let mut before: Option<f32> = None;
        for (at, letter) in letters.iter_mut().filter(printed).enumerate() {
            let x = letter.x;
            let between = |gap: &&(f32, f32)| before.is_some_and(|before| before < gap.0) && gap.0 < x;
            let gap = match in_order {
                true => at.checked_sub(1).map(|at| gaps[at].1),
                false => gaps.iter().filter(between).map(|gap| gap.1).reduce(f32::max),
            };
            letter.gap = gap.map_or(-1.0, |gap| gap / self.cap as f32);
            before = Some(x);
        }
    }

    /// The same line with less margin, so that a recogniser sees it larger.
    pub fn tighter(&self) -> Self {
        let trimmed = margin(self.cap, CAP_PART) - margin(self.cap, CAP_PART_TIGHT);
        let from = &self.picture;
        let by = usize::try_from(trimmed).unwrap_or(0);
        let (width, height) = (from.width() - 2 * by, from.height() - 2 * by);
        let rows = from.as_rgb().chunks_exact(from.width() * RGB_BYTES).skip(by).take(height);
        let rgb: Vec<u8> = rows.flat_map(|row| &row[by * RGB_BYTES..(by + width) * RGB_BYTES]).copied().collect();
        let picture = Picture::from_rgb(rgb, width, height).unwrap_or_else(|_| from.clone());
        Self { picture, at: Spot { x: self.at.x + by as f32, y: self.at.y + by as f32 }, ..self.clone() }
    }

    /// The inkless gaps between letters: middle and width, in pixels.
    fn gaps(&self) -> Vec<(f32, f32)> {
        let (width, height) = (self.picture.width(), self.picture.height());
        let mut columns = alloc::vec![0_u8; width];
        let margin = (height - self.cap as usize) / 2;
        for row in self.picture.as_rgb().chunks_exact(width * RGB_BYTES).skip(margin).take(self.cap as usize) {
            for (column, pixel) in columns.iter_mut().zip(row.chunks_exact(RGB_BYTES)) {
                *column = pixel.iter().copied().fold(*column, u8::max);
            }
        }
        let (low, high) = columns.iter().fold((u8::MAX, 0), |(low, high), &v| (low.min(v), high.max(v)));
        let level = low + ((high - low) as f32 * INK_LEVEL) as u8;
        let mut gaps = Vec::new();
        let mut last: Option<usize> = None;
        for x in (0..width).filter(|&x| columns[x] > level) {
            if let Some(last) = last.filter(|last| last + 1 < x) {
                gaps.push(((last + x) as f32 / 2.0, (x - last - 1) as f32));
            }
            last = Some(x);
        }
        gaps
    }
}

/// A line on the picture, before it is cut out.
#[derive(Clone, Debug)]
struct Found {
    area: Area,
    likeness: u32,
    stack: usize,
}

/// The lines of print that may be lengths, the likeliest first; at most [`LINES_MAX`].
pub fn lines(frame: Frame<'_>) -> Vec<Line> {
    let shine = Shine::of(frame);
    let mut found: Vec<Found> = Vec::new();
    for level in LEVELS {
        for line in join(glyphs(&shine, level)) {
            take(&mut found, line);
        }
    }
    found.retain(|line| line.likeness > 0);
    for line in &mut found {
        line.area = widened(&shine, line.area);
    }
    found.sort_by_key(|line| (line.area.top, line.area.left));
    stack(&mut found);
    weigh_stacks(&mut found);
    let worth: Vec<usize> = found.iter().filter(|line| line.likeness >= LIKENESS_MIN).map(|line| line.stack).collect();
    let in_box = |stack: usize| found.iter().filter(|line| line.stack == stack).count() <= BOX_LINES_MAX;
    let boxes: Vec<usize> = worth.into_iter().filter(|&stack| in_box(stack)).collect();
    found.retain(|line| line.likeness >= LIKENESS_MIN || boxes.contains(&line.stack));
    found.sort_by_key(|line| (core::cmp::Reverse(line.likeness), line.area.top, line.area.left));
    found.into_iter().take(LINES_MAX).map(|line| cut(frame, &line)).collect()
}

/// Blobs that may be a glyph, several that touch, or a point, from left to right.
fn glyphs(shine: &Shine, level: u8) -> Vec<Area> {
    let is_glyph = |blob: &Blob| {
        let (wide, tall) = (blob.area.width(), blob.area.height());
        let full = wide * tall;
        blob.rise >= RISE_MIN
            && tall <= *CAP.end()
            && wide <= JOINED_MAX * tall.max(4)
            && blob.pixels as f32 >= INK_MIN * full as f32
    };
    let mut glyphs: Vec<Area> = shine.blobs(level).iter().filter(|blob| is_glyph(blob)).map(|blob| blob.area).collect();
    glyphs.sort_by_key(|glyph| (glyph.left, glyph.top));
    glyphs
}

/// Glyphs side by side, from left to right, with what they look like.
fn join(glyphs: Vec<Area>) -> Vec<Found> {
    let mut open: Vec<(Area, Vec<Area>)> = Vec::new();
    let mut found = Vec::new();
    for glyph in glyphs {
        let mut at = 0;
        while at < open.len() {
            // A low first glyph, a plus or a point, may still be joined by one of full height.
            if glyph.left - open[at].0.right > open[at].0.height().max(LOW_MAX) * 5 / 4 {
                found.extend(judge(&open.swap_remove(at).1));
            } else {
                at += 1;
            }
        }
        let belongs = |(whole, _): &&mut (Area, Vec<Area>)| {
            let tall = whole.height().max(glyph.height());
            let (_, overlap) = whole.overlap(&glyph);
            // Blanks are narrower than a line is high, but for those that set columns apart.
            let gap = glyph.left - whole.right;
            overlap >= (glyph.height().min(whole.height()) * 2 / 3).max(1)
                && gap <= tall * 5 / 4
                && tall <= *CAP.end() * 3 / 2
        };
        match open.iter_mut().filter(belongs).max_by_key(|(whole, _)| whole.right) {
            Some((whole, line)) => {
                *whole = whole.join(glyph);
                line.push(glyph);
            }
            None => open.push((glyph, alloc::vec![glyph])),
        }
    }
    found.extend(open.iter().filter_map(|(_, line)| judge(line)));
    found
}

/// A line is not closed before a capital of this height could still follow, in pixels.
const LOW_MAX: i32 = 20;
/// The least likeness that is worth a look outside a box of lengths.
pub const LIKENESS_MIN: u32 = 2;
/// The least likeness of a line with the marks of a length.
pub const LIKELY: u32 = 5;
/// Lines in a stack are not farther apart than this, in halves of a capital's height.
const STACK_PITCH_MAX: i32 = 5;
/// More lines than this below each other are a column of settings.
const BOX_LINES_MAX: usize = 4;
/// A row belongs to a line if it has this part (one so many-th) of the ink that a row has on average.
const ROW_PART: i32 = 4;
/// So many heights of a capital may be missing at an end of a line.
const WIDEN_MAX: i32 = 4;
/// The part of the way from ground to ink at which a column of pixels has ink.
const INK_LEVEL: f32 = 0.4;

/// Capitals from this height on show small letters' height well, in pixels.
const LARGE: i32 = 12;

/// How much a line of glyphs looks like a length; none if it is no line of print.
fn judge(line: &[Area]) -> Option<Found> {
    if !LINE_BLOBS.contains(&line.len()) {
        return None;
    }
    let mut heights: Vec<i32> = line.iter().map(Area::height).collect();
    heights.sort_unstable();
    // Digits and capitals are most of a length, so the third tallest of more is one of them.
    let cap = heights[heights.len() - 1 - heights.len() / 4];
    if !CAP.contains(&cap) {
        return None;
    }
    let slack = 1 + cap / 10;
    let full = line.iter().filter(|glyph| (glyph.height() - cap).abs() <= slack);
    let (tops, bottoms): (Vec<i32>, Vec<i32>) = full.map(|glyph| (glyph.top, glyph.bottom)).unzip();
    let (top, bottom) = (middle(tops)?, middle(bottoms)?);
    // What rises above the line or hangs below it is no part of a length; a "g" and smear may.
    let inside: Vec<Area> = line
        .iter()
        .copied()
        .filter(|glyph| glyph.top >= top - slack - 1 && glyph.bottom <= bottom + slack + cap / 3)
        .collect();
    if let Some((left, right)) = parted(&inside) {
        return [judge(left), judge(right)].into_iter().flatten().max_by_key(|line| (line.likeness, line.area.width()));
    }
    let whole = inside.iter().copied().reduce(Area::join)?;
    if !LINE_WIDTH.contains(&(whole.width() as f32 / cap as f32)) || inside.len() < 3 {
        return None;
    }
    let is_point = |glyph: &Area| {
        3 * glyph.height() <= cap + 2 && 2 * glyph.width() <= cap && (glyph.bottom - bottom).abs() <= slack
    };
    let has_point = inside[1..inside.len() - 1].iter().any(is_point);
    let last = inside.last()?;
    let ends_even = (last.bottom - bottom).abs() <= slack && !is_point(last);
    // Small letters of some typefaces are nearly as high; among few pixels that may be chance.
    let low = last.top - top;
    let ends_low = ends_even && (10 * low >= 2 * cap || cap >= LARGE && 8 * low >= cap);
    let ends_wide = ends_low && 3 * last.width() >= 2 * cap;
    // A low end that touches the digits before it.
    let ends_joined = has_point && !ends_low && ends_even && last.width() >= 2 * cap;
    let likeness = u32::from(has_point)
        + u32::from(ends_low)
        + u32::from(ends_wide)
        + 2 * u32::from(has_point && ends_low)
        + u32::from(has_point && ends_wide)
        + 3 * u32::from(ends_joined);
    Some(Found { area: Area { top, bottom, ..whole }, likeness, stack: 0 })
}

/// What stands on both sides of a gap that is wider than blanks are: something higher bridged it, and is no part of the line.
fn parted(glyphs: &[Area]) -> Option<(&[Area], &[Area])> {
    let tall = glyphs.iter().map(Area::height).max()?;
    let is_wide = |pair: &[Area]| pair[1].left - pair[0].right > tall.max(LOW_MAX / 2) * 5 / 4;
    let at = glyphs.windows(2).position(is_wide)?;
    Some(glyphs.split_at(at + 1))
}

fn middle(mut values: Vec<i32>) -> Option<i32> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// Keeps a line, or the better one where it was found at another level.
fn take(found: &mut Vec<Found>, line: Found) {
    let is_same = |other: &&mut Found| {
        let (along, down) = other.area.overlap(&line.area);
        2 * along >= other.area.width().min(line.area.width())
            && 2 * down >= other.area.height().min(line.area.height())
    };
    match found.iter_mut().find(is_same) {
        Some(other) if (line.likeness, line.area.width()) > (other.likeness, other.area.width()) => *other = line,
        Some(_) => {}
        None => found.push(line),
    }
}

/// Numbers the stacks: lines of one height below each other, with one left edge, or one right edge where a mark was not found at the
/// left. Lines come from the top down.
fn stack(found: &mut [Found]) {
    for at in 0..found.len() {
        let Area { left, right, bottom, .. } = found[at].area;
        let cap = found[at].area.height();
        let is_above = |other: &Found| {
            let down = bottom - other.area.bottom;
            ((other.area.left - left).abs() <= cap / 2 || (other.area.right - right).abs() <= cap / 2 + 1)
                && (other.area.height() - cap).abs() <= 1 + cap.max(other.area.height()) / 6
                && down > cap
                && down <= STACK_PITCH_MAX * cap / 2
        };
        found[at].stack = found[..at].iter().rev().find(|other| is_above(other)).map_or(at, |above| above.stack);
    }
}

/// Makes what stands in a box with a likely length likelier, and what stands in a long column of settings less likely.
fn weigh_stacks(found: &mut [Found]) {
    let all: Vec<Found> = found.to_vec();
    for line in found.iter_mut() {
        let own = || all.iter().filter(|other| other.stack == line.stack);
        if own().count() > BOX_LINES_MAX {
            line.likeness = line.likeness.saturating_sub(2);
        } else if line.likeness < LIKELY
            && let Some(likely) = own().find(|other| other.likeness >= LIKELY)
        {
            line.likeness += 2;
            // Its capitals are as high, though fewer of their rows were found.
            line.area.top = line.area.top.min(line.area.bottom + 1 - likely.area.height());
        }
    }
}

/// A line with the rows and the glyphs at its ends that were too faint, or too smeared together, to be found.
fn widened(shine: &Shine, mut area: Area) -> Area {
    let mut all: Vec<u8> =
        (area.top..=area.bottom).flat_map(|y| (area.left..=area.right).map(move |x| shine.at(x, y))).collect();
    all.sort_unstable();
    let (ground, ink) = (all[all.len() / 5], all[all.len() * 19 / 20]);
    let level = ground + (ink.saturating_sub(ground) as f32 * INK_LEVEL) as u8;
    let inked = |y: i32| (area.left..=area.right).filter(|&x| shine.at(x, y) > level).count() as i32;
    let least = (area.top..=area.bottom).map(inked).sum::<i32>() / area.height() / ROW_PART;
    let row = |from: i32, step: i32| {
        let more = (1..=area.height() / 2).take_while(|&away| inked(from + step * away) > least);
        from + step * more.last().unwrap_or(0)
    };
    (area.top, area.bottom) = (row(area.top, -1), row(area.bottom, 1));
    let cap = area.height();
    let is_ink = |x: i32| {
        // What goes on above and below is a border or echo.
        let beyond = [area.top - 1 - cap / 3, area.bottom + 1 + cap / 3];
        (area.top..=area.bottom).any(|y| shine.at(x, y) > level) && !beyond.iter().all(|&y| shine.at(x, y) > level)
    };
    let end = |from: i32, step: i32| {
        let mut end = from;
        for away in 1..=WIDEN_MAX * cap {
            let x = from + step * away;
            if (end - x).abs() > cap {
                return end;
            }
            if is_ink(x) {
                end = x;
            }
        }
        // More than a few glyphs are no end of this line.
        from
    };
    Area { left: end(area.left, -1), right: end(area.right, 1), ..area }
}

/// The margin around capitals of height `cap` that take `part` of a line's height.
fn margin(cap: i32, part: f32) -> i32 {
    libm::roundf(cap as f32 * (1.0 / part - 1.0) / 2.0) as i32
}

/// Cuts a line out with the margin that the recogniser is used to; what lies outside the picture is black.
fn cut(frame: Frame<'_>, line: &Found) -> Line {
    let area = line.area;
    let margin = margin(area.height(), CAP_PART);
    let (left, top) = (area.left - margin - 1, area.top - margin);
    let width = (area.width() + 2 * margin + 2) as usize;
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
    Line {
        picture,
        at: Spot { x: left as f32, y: top as f32 },
        likeness: line.likeness,
        stack: line.stack,
        cap: area.height(),
    }
}

#[cfg(test)]
mod tests;
