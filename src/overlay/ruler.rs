//! Pixels -> the depth ruler and the picture's scale, or none.
//!
//! A ruler is a column of short bars with one edge in line, at even steps, every fifth of them longer. That structure
//! is what tells a tick's worth: on LOGIQ screens minor ticks are 1 cm apart and every fifth is a major one. A column
//! without it has no known scale, and none is guessed.

use super::{
    Ruler,
    tone::{Tone, Tones},
};
use crate::{frame::Spot, units::PixelsPerCm};
use alloc::vec::Vec;

/// A bar is brighter than what lies so many rows above and below it, by this much.
const CLEARANCE: i32 = 4;
const CONTRAST: u8 = 40;
/// A tick's length and thickness, in pixels.
const LENGTH: core::ops::RangeInclusive<i32> = 3..=24;
const THICKNESS_MAX: i32 = 4;
/// Minor ticks to a major one, and what a minor one is worth. *Source*: the real LOGIQ E9 screen, 0, 5, 10 and 15 at
/// the majors.
const MINORS_A_MAJOR: i32 = 5;
const MINOR_CM: f32 = 1.0;
/// The depths that an abdominal picture may have, in minor ticks.
const DEPTH: core::ops::RangeInclusive<i32> = 5..=30;
/// The fewest and the most bars of one column; more are texture.
const COUNT: core::ops::RangeInclusive<usize> = 6..=80;
/// A tick lies this near to its place, in pixels, and this part of the places is filled.
const OFF_MAX: f32 = 1.0;
const FILLED_MIN: f32 = 0.7;
/// Major and minor ticks differ in colour at most by this; on the real screen by 32.
const TONE_SPREAD: u8 = 48;

/// A short horizontal bar.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bar {
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
    /// Sum of the rows, weighted by their ink, and sum of the ink.
    moment: f32,
    ink: f32,
    tone: Tone,
}

impl Bar {
    fn middle(&self) -> Spot {
        Spot { x: (self.left + self.right) as f32 / 2.0, y: self.moment / self.ink }
    }

    fn area(&self) -> i32 {
        (self.right - self.left + 1) * (self.bottom - self.top + 1)
    }
}

/// Finds the depth ruler.
pub(crate) fn find(tones: &Tones) -> Option<Ruler> {
    let mut bars = bars(tones);
    let mut best: Option<Ruler> = None;
    for edge in [|bar: &Bar| bar.left, |bar: &Bar| bar.right] {
        bars.sort_by_key(|bar| (edge(bar), bar.top));
        let mut start = 0;
        for x in 0..tones.width() {
            start += bars[start..].iter().take_while(|bar| edge(bar) < x - 1).count();
            let count = bars[start..].iter().take_while(|bar| edge(bar) <= x + 1).count();
            if !COUNT.contains(&count) {
                continue;
            }
            let mut column = bars[start..start + count].to_vec();
            column.sort_by_key(|bar| bar.top);
            let found = scale(&column);
            if found.as_ref().map(|r| r.ticks.len()) > best.as_ref().map(|r| r.ticks.len()) {
                best = found;
            }
        }
    }
    best
}

/// Every short bar on the picture.
fn bars(tones: &Tones) -> Vec<Bar> {
    let mut done: Vec<Bar> = Vec::new();
    let mut open: Vec<Bar> = Vec::new();
    for y in 0..tones.height() {
        let mut next: Vec<Bar> = Vec::new();
        for bar in runs(tones, y) {
            let same = |b: &Bar| (b.left - bar.left).abs() <= 1 && (b.right - bar.right).abs() <= 1;
            match open.iter().position(same) {
                Some(i) => {
                    let above = open.swap_remove(i);
                    next.push(Bar { bottom: y, moment: above.moment + bar.moment, ink: above.ink + bar.ink, ..above });
                }
                None => next.push(bar),
            }
        }
        done.append(&mut open);
        open = next;
    }
    done.append(&mut open);
    done.retain(|bar| bar.bottom - bar.top < THICKNESS_MAX);
    done
}

/// The stretches of row `y` that stand out from above and below and have a tick's length.
fn runs(tones: &Tones, y: i32) -> Vec<Bar> {
    let here = tones.row(y);
    let [above, below] = [y - CLEARANCE, y + CLEARANCE].map(|y| (0..tones.height()).contains(&y).then(|| tones.row(y)));
    let luma = |row: Option<&[Tone]>, x: usize| row.map_or(0, |row| row[x].luma());
    let mut runs = Vec::new();
    let mut open: Option<Bar> = None;
    for (x, &tone) in here.iter().enumerate() {
        let ground = luma(above, x).max(luma(below, x));
        let out = tone.luma().saturating_sub(ground);
        let stands_out = out >= CONTRAST;
        // What has another colour is no part of the same bar, such as echo that a tick lies on.
        let goes_on = |bar: &Bar| stands_out && tone.gap(bar.tone) <= TONE_SPREAD;
        if let Some(bar) = open.take_if(|bar| !goes_on(bar)) {
            runs.push(bar);
        }
        if stands_out {
            let x = x as i32;
            let ink = f32::from(out);
            let bar = open.get_or_insert(Bar { left: x, right: x, top: y, bottom: y, moment: 0.0, ink: 0.0, tone });
            *bar = Bar { right: x, moment: bar.moment + ink * y as f32, ink: bar.ink + ink, ..*bar };
        }
    }
    runs.extend(open);
    runs.retain(|bar| LENGTH.contains(&(bar.right - bar.left + 1)));
    runs
}

/// The scale that a column of bars shows, if every fifth is a major tick and hardly any bar is out of place.
fn scale(column: &[Bar]) -> Option<Ruler> {
    let alike = |tone: Tone| column.iter().filter(move |bar| bar.tone.gap(tone) <= TONE_SPREAD).copied();
    let mut best: Option<Ruler> = None;
    for (i, origin) in column.iter().enumerate() {
        let alike: Vec<Bar> = alike(origin.tone).collect();
        let mut areas: Vec<i32> = alike.iter().map(Bar::area).collect();
        areas.sort_unstable();
        let usual = areas[areas.len() / 2];
        let is_major = |bar: &Bar| 10 * bar.area() >= 15 * usual;
        let next = column[i + 1..].iter().find(|bar| is_major(bar) && bar.tone.gap(origin.tone) <= TONE_SPREAD);
        let (true, Some(next)) = (is_major(origin), next) else { continue };
        let step = (next.middle().y - origin.middle().y) / MINORS_A_MAJOR as f32;
        let found = fit(&alike, &is_major, origin.middle().y, step);
        if found.as_ref().map(|r| r.ticks.len()) > best.as_ref().map(|r| r.ticks.len()) {
            best = found;
        }
    }
    best
}

/// The bars around place 0 without a gap of more than one place: what lies farther up or down is no part of the ruler.
fn unbroken<'a>(in_place: &[&'a Bar], place: impl Fn(&Bar) -> i32) -> Vec<&'a Bar> {
    let joined = |w: &[&Bar]| place(w[1]) - place(w[0]) <= 2;
    let origin = in_place.iter().position(|bar| place(bar) == 0).unwrap_or(0);
    let above = in_place[..=origin].windows(2).rev().take_while(|w| joined(w)).count();
    let below = in_place[origin..].windows(2).take_while(|w| joined(w)).count();
    in_place[origin - above..=origin + below].to_vec()
}

/// The ruler with a major tick at `origin` and minor ones about `step` apart, if the column is one.
fn fit(column: &[Bar], is_major: &impl Fn(&Bar) -> bool, origin: f32, step: f32) -> Option<Ruler> {
    if step < 2.0 * CLEARANCE as f32 {
        return None;
    }
    let place = |bar: &Bar| libm::roundf((bar.middle().y - origin) / step) as i32;
    let off = |bar: &Bar| (bar.middle().y - origin - place(bar) as f32 * step).abs();
    let in_place: Vec<&Bar> = column.iter().filter(|bar| off(bar) <= OFF_MAX + 0.02 * step).collect();
    let ticks = unbroken(&in_place, |bar| place(bar));
    let on_fifth = |bar: &&Bar| place(bar) % MINORS_A_MAJOR == 0;
    let orderly = ticks.iter().filter(|bar| is_major(bar) == on_fifth(bar)).count();
    let [first, last] = [place(ticks.first()?), place(ticks.last()?)];
    let whole = (last - first + 1) as f32;
    // Print above and below the ruler may stand in its column; between its ticks it may not.
    let between = |bar: &&Bar| (first..=last).contains(&place(bar));
    let stray = column.iter().filter(between).count() - ticks.len();
    if !DEPTH.contains(&(last - first))
        || (ticks.len() as f32) < FILLED_MIN * whole
        || 5 * stray > ticks.len()
        || orderly < ticks.len()
        || ticks.windows(2).any(|w| place(w[0]) == place(w[1]))
    {
        return None;
    }
    // Majors and minors differ in thickness, so each kind is drawn around its own line: one step, two origins.
    let mean = |major: bool, of: &dyn Fn(&Bar) -> f32| {
        let kind = || ticks.iter().filter(|bar| is_major(bar) == major);
        kind().map(|bar| of(bar)).sum::<f32>() / kind().count().max(1) as f32
    };
    let at_place = |bar: &Bar| place(bar) as f32;
    let at_y = |bar: &Bar| bar.middle().y;
    let means = [false, true].map(|major| [mean(major, &at_place), mean(major, &at_y)]);
    let from_mean = |bar: &Bar| {
        let [mean_place, mean_y] = means[usize::from(is_major(bar))];
        [at_place(bar) - mean_place, at_y(bar) - mean_y]
    };
    let offsets = || ticks.iter().map(|bar| from_mean(bar));
    let step = offsets().map(|[p, y]| p * y).sum::<f32>() / offsets().map(|[p, _]| p * p).sum::<f32>();
    if offsets().any(|[p, y]| (y - p * step).abs() > OFF_MAX) {
        return None;
    }
    Some(Ruler { scale: PixelsPerCm(step / MINOR_CM), ticks: ticks.iter().map(|bar| bar.middle()).collect() })
}
