//! Where to look for markers: places from which strokes go out as from a cross, a tee or an arrow's head.
//!
//! Each place of the echo is held against templates of a few points: those on strokes must have more ink than those between
//! them. The points on strokes are read from a plane of the most ink of 3 x 3 pixels, so that strokes of one pixel, slanted or
//! smeared, are met by few points and few directions. Templates have one size; a picture of half the size finds
//! markers that are twice as large. What is found is only where to look: [`judge`](super::judge) says what it is.

use super::{echo::Echo, ink::Ink};
use crate::{frame::Spot, wide::wide};
use alloc::{vec, vec::Vec};
use core::{
    cmp::Reverse,
    f32::consts::{FRAC_PI_4, TAU},
};

/// What a place may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Two strokes that cross in their middles, with or without a middle or a box.
    Cross,
    /// A bar with a stem at its middle.
    Tee,
    /// Two strokes that meet in a tip.
    Arrow,
}

/// A place to look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// What it may be.
    pub kind: Kind,
    /// About where its centre is, on the picture.
    pub at: Spot,
    /// The direction of its axis, in radians: of one stroke of a cross, towards the partner of others.
    pub axis: f32,
    /// The picture's size over that of the plane on which it was found: 1 or 2.
    pub scale: usize,
    /// By how much its strokes have more ink than what lies between them.
    pub step: u8,
}

/// The least step. Strokes of markers that JPEG has worn have about 20.
const STEP: u8 = 14;
/// The least ink of strokes, after widening.
const INK_MIN: u8 = 60;
/// Of places nearer together than this, in pixels of their plane, the one with the largest step is kept.
const BUCKET: usize = 4;
/// The directions of tees and arrows that are tried.
const TURNS: usize = 16;
/// Distances of a template's points from the centre, in pixels. Arms are at least so long; at twice that the next plane begins.
const RADIUS: f32 = 4.0;
/// The slant of an arrow's strokes to its axis.
pub(crate) const SLANT: f32 = 0.55;
/// Room around the centre that all points of all templates keep to.
const MARGIN: usize = 6;
/// Pixels of a row that are tried or passed over together.
const RUN: usize = 32;

/// How many places of each kind are kept on each plane, those with the largest steps. *Source*: on `sonogfr carts` of seeds 41
/// and 52 the best place of a marker has up to 42 (crosses), 423 (tees) and 632 (arrows) others before it on the picture itself.
const KEPT: [usize; 3] = [100, 350, 300];

/// Points of a template as offsets from the centre.
type Point = (isize, isize);

/// The same along and across the axis, in parts of the radius.
type Aligned = (f32, f32);

/// A template: points with ink, and points without.
struct Template {
    kind: Kind,
    axis: f32,
    on: [Point; 4],
    off: [Point; 5],
}

impl Template {
    fn new(kind: Kind, axis: f32) -> Self {
        let (sin, cos) = (libm::sinf(axis), libm::cosf(axis));
        let point = |&(along, aside): &Aligned| {
            let (x, y) = (RADIUS * (along * cos - aside * sin), RADIUS * (along * sin + aside * cos));
            (libm::roundf(x) as isize, libm::roundf(y) as isize)
        };
        let (on, off): ([Aligned; 4], [Aligned; 5]) = match kind {
            Kind::Cross => (
                [(0.95, 0.0), (-0.95, 0.0), (0.0, 0.95), (0.0, -0.95)],
                [(0.7, 0.7), (0.7, -0.7), (-0.7, 0.7), (-0.7, -0.7), (0.8, 0.8)],
            ),
            Kind::Tee => (
                [(0.0, 0.0), (0.7, 0.0), (0.0, 0.95), (0.0, -0.95)],
                [(-0.85, 0.0), (0.7, 0.75), (0.7, -0.75), (-0.7, 0.7), (-0.7, -0.7)],
            ),
            Kind::Arrow => (
                [(0.15, 0.0), (0.5, 0.0), (1.15, 1.15 * SLANT), (1.15, -1.15 * SLANT)],
                [(-0.75, 0.0), (0.1, 0.85), (0.1, -0.85), (0.85, 1.2), (0.85, -1.2)],
            ),
        };
        Self { kind, axis, on: [0, 1, 2, 3].map(|i| point(&on[i])), off: [0, 1, 2, 3, 4].map(|i| point(&off[i])) }
    }
}

/// A template on a plane of a certain width: its points as offsets into a window that begins a margin before a run.
struct Fitted {
    kind: Kind,
    on: [usize; 4],
    off: [usize; 5],
}

impl Fitted {
    fn new(template: &Template, width: usize) -> Self {
        let offset = |&(x, y): &Point| MARGIN.strict_add_signed(y) * width + MARGIN.strict_add_signed(x);
        Self { kind: template.kind, on: template.on.each_ref().map(offset), off: template.off.each_ref().map(offset) }
    }

    /// Of each place of a run, by how much the points on strokes have more ink than those between, beyond what is too little; the
    /// brightest of these does not count, since a line or a label may lie there. `number` leads where it has the most so far.
    #[inline(always)]
    fn score(&self, on: &[u8], off: &[u8], number: u8, leaders: &mut Leaders) {
        let [a, b, c, d] = self.on;
        let (a, b, c, d) = (run(on, a), run(on, b), run(on, c), run(on, d));
        let [e, f, g, h, j] = self.off;
        let (e, f, g, h, j) = (run(off, e), run(off, f), run(off, g), run(off, h), run(off, j));
        let mut over = [0u8; RUN];
        for (i, over) in over.iter_mut().enumerate() {
            let least = a[i].min(b[i]).min(c[i].min(d[i]));
            // The second of five: that of two pairs, then against the fifth.
            let (low, high) = (e[i].min(f[i]).max(g[i].min(h[i])), e[i].max(f[i]).min(g[i].max(h[i])));
            let first = e[i].max(f[i]).max(g[i].max(h[i]));
            let second = low.max(high).max(first.min(j[i]));
            *over = least.saturating_sub(second.max(INK_MIN - STEP)).saturating_sub(STEP - 1);
        }
        if over != [0; RUN] {
            leaders.challenge(&over, number);
        }
    }
}

/// Which of the templates of one kind has the most at each place of a run, and what it has beyond what is too little.
#[derive(Clone, Copy, Default)]
struct Leaders {
    over: [u8; RUN],
    template: [u8; RUN],
}

impl Leaders {
    #[inline(always)]
    fn challenge(&mut self, over: &[u8; RUN], number: u8) {
        let (mut most, mut template) = (self.over, self.template);
        for ((&over, most), template) in over.iter().zip(&mut most).zip(&mut template) {
            // All ones where it leads: a choice by bits is made for many places at once.
            let leads = u8::from(over > *most).wrapping_neg();
            *template = (number & leads) | (*template & !leads);
            *most = over.max(*most);
        }
        (self.over, self.template) = (most, template);
    }
}

wide! {
    /// Scores a run by all templates.
    fn score_all(fitted: &[Fitted], on: &[u8], off: &[u8], leaders: &mut [Leaders; 3]) {
        for (number, fitted) in (0..).zip(fitted) {
            fitted.score(on, off, number, &mut leaders[fitted.kind as usize]);
        }
    }
}

/// The ink at a template's point for each place of a run.
#[inline(always)]
fn run(window: &[u8], offset: usize) -> &[u8; RUN] {
    window[offset..].first_chunk().expect("templates keep to the margin")
}

/// Finds the places on `echo` where upright or diagonal strokes may cross; on the whole picture where no echo is known.
pub(crate) fn crosses(ink: &Ink, half: &Ink, echo: Option<&Echo>) -> Vec<Place> {
    find(ink, half, echo, &[0.0, FRAC_PI_4].map(|axis| Template::new(Kind::Cross, axis)))
}

/// Finds the places where tees or arrows may be, which may be turned anyhow.
pub(crate) fn turned(ink: &Ink, half: &Ink, echo: Option<&Echo>) -> Vec<Place> {
    let turns = (0..TURNS).map(|i| i as f32 * TAU / TURNS as f32);
    let templates: Vec<Template> =
        turns.flat_map(|axis| [Kind::Tee, Kind::Arrow].map(|kind| Template::new(kind, axis))).collect();
    find(ink, half, echo, &templates)
}

fn find(ink: &Ink, half: &Ink, echo: Option<&Echo>, templates: &[Template]) -> Vec<Place> {
    let mut all = largest(find_on(ink, &ink.widened(), 1, templates, echo));
    all.append(&mut largest(find_on(half, &ink.halved_most().widened(), 2, templates, echo)));
    all
}

/// Of the places of a plane, those that are kept, largest steps first.
fn largest(mut all: Vec<Place>) -> Vec<Place> {
    all.sort_by_key(|place| Reverse(place.step));
    let mut kept = [0; 3];
    all.retain(|place| {
        kept[place.kind as usize] += 1;
        kept[place.kind as usize] <= KEPT[place.kind as usize]
    });
    all
}

/// The best place of one kind in a bucket.
#[derive(Clone, Copy, Default)]
struct Best {
    over: u8,
    x: u32,
    y: u32,
    template: u8,
}

fn find_on(ink: &Ink, wide: &Ink, scale: usize, templates: &[Template], echo: Option<&Echo>) -> Vec<Place> {
    let mut all = Vec::new();
    let [columns, rows] = ink.area();
    let (left, right) = (columns.start.max(MARGIN), columns.end.min(ink.width().saturating_sub(MARGIN)));
    let (top, bottom) = (rows.start.max(MARGIN), rows.end.min(ink.height().saturating_sub(MARGIN)));
    if right < left + RUN || bottom <= top {
        return all;
    }
    let fitted: Vec<Fitted> = templates.iter().map(|template| Fitted::new(template, ink.width())).collect();
    let mut best = vec![[Best::default(); 3]; right / BUCKET + 1];
    for y in top..bottom {
        let mut x = left;
        while x < right {
            let from = x.min(right - RUN);
            x += RUN;
            let on_echo = echo.is_none_or(|echo| {
                (0..3).any(|i| echo.holds(((from + i * RUN / 2) * scale) as f32, (y * scale) as f32))
            });
            let most = wide.row(y)[from..from + RUN].iter().fold(0, |a, &b| a.max(b));
            if !on_echo || most < INK_MIN {
                continue;
            }
            let (on, off) = (wide.window(from, y, MARGIN), ink.window(from, y, MARGIN));
            let mut leaders = [Leaders::default(); 3];
            score_all(&fitted, on, off, &mut leaders);
            for (kind, leaders) in leaders.iter().enumerate().filter(|(_, leaders)| leaders.over != [0; RUN]) {
                for (i, (&over, &template)) in leaders.over.iter().zip(&leaders.template).enumerate() {
                    let slot = &mut best[(from + i) / BUCKET][kind];
                    if over > slot.over {
                        *slot = Best { over, x: (from + i) as u32, y: y as u32, template };
                    }
                }
            }
        }
        if y % BUCKET == BUCKET - 1 || y == bottom - 1 {
            for slot in best.iter_mut().flatten().filter(|slot| slot.over > 0) {
                let Best { over, x, y, template } = core::mem::take(slot);
                let template = &templates[usize::from(template)];
                let at = |v: u32| (v as f32 + 0.5) * scale as f32 - 0.5;
                all.push(Place {
                    kind: template.kind,
                    at: Spot { x: at(x), y: at(y) },
                    axis: template.axis,
                    scale,
                    step: over + STEP - 1,
                });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Picture;
    use core::f32::consts::PI;

    #[test]
    fn given_a_tee_with_a_measuring_line_expect_places_that_look_along_it_and_not_back() {
        let side = 200;
        let is_drawn = |x: usize, y: usize| {
            let bar = x.abs_diff(100) <= 1 && y.abs_diff(100) <= 9;
            bar || (100..190).contains(&x) && y.abs_diff(100) <= 1
        };
        let rgb = (0..side * side).flat_map(|i| [if is_drawn(i % side, i / side) { 255 } else { 0 }; 3]).collect();
        let picture = Picture::from_rgb(rgb, side, side).unwrap();
        let ink = Ink::of(picture.frame(), None);
        let places = turned(&ink, &ink.halved(), None);
        let here = |place: &&Place| place.kind == Kind::Tee && place.at.distance(Spot { x: 100.0, y: 100.0 }) <= 2.0;
        let turns: Vec<f32> = places.iter().filter(here).map(|place| (place.axis + PI) % TAU - PI).collect();
        assert!(!turns.is_empty() && turns.iter().all(|turn| turn.abs() < 0.5), "{turns:?}");
    }
}
