//! Where to look for markers: places from which strokes go out as from a cross, a tee or an arrow's head.
//!
//! Each place of the echo is held against templates of a few points: those on strokes must have more ink than those between
//! them. The points on strokes are read from a plane of the most ink of 3 x 3 pixels, so that strokes of one pixel, slanted or
//! smeared, are met by few points and few directions. Templates have one size; a picture of half the size finds
//! markers that are twice as large. What is found is only where to look: [`judge`](super::judge) says what it is.

use super::{echo::Echo, ink::Ink};
use crate::frame::Spot;
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

/// How many places of each kind are kept, those with the largest steps.
const KEPT: [usize; 3] = [200, 1200, 500];

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
                [(0.0, 0.0), (0.5, 0.0), (0.0, 0.95), (0.0, -0.95)],
                [(-0.85, 0.0), (0.7, 0.75), (0.7, -0.75), (-0.7, 0.7), (-0.7, -0.7)],
            ),
            Kind::Arrow => (
                [(0.15, 0.0), (0.5, 0.0), (1.0, SLANT), (1.0, -SLANT)],
                [(-0.75, 0.0), (0.1, 0.85), (0.1, -0.85), (0.85, 1.2), (0.85, -1.2)],
            ),
        };
        Self { kind, axis, on: [0, 1, 2, 3].map(|i| point(&on[i])), off: [0, 1, 2, 3, 4].map(|i| point(&off[i])) }
    }

    /// Of each place of a run, by how much the points on strokes have more ink than those between; the brightest of these
    /// does not count, since a line or a label may lie there.
    fn score(&self, wide: &Ink, ink: &Ink, (x, y): (usize, usize), out: &mut [u8; RUN]) {
        let run = |plane: &Ink, &(dx, dy): &Point| -> [u8; RUN] {
            let row = plane.row(y.wrapping_add_signed(dy));
            let start = x.wrapping_add_signed(dx);
            row[start..start + RUN].try_into().expect("the run's length is a constant")
        };
        let on = [0, 1, 2, 3].map(|i| run(wide, &self.on[i]));
        let off = [0, 1, 2, 3, 4].map(|i| run(ink, &self.off[i]));
        for i in 0..RUN {
            let least = on[0][i].min(on[1][i]).min(on[2][i]).min(on[3][i]);
            let (mut first, mut second) = (off[0][i], 0u8);
            for other in &off[1..] {
                second = second.max(first.min(other[i]));
                first = first.max(other[i]);
            }
            out[i] = least.saturating_sub(second.max(INK_MIN - STEP));
        }
    }
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
    let mut all = Vec::new();
    find_on(ink, &ink.widened(), 1, templates, echo, &mut all);
    find_on(half, &ink.halved_most().widened(), 2, templates, echo, &mut all);
    all.sort_by_key(|place| Reverse(place.step));
    let mut left = KEPT;
    all.retain(|place| {
        let left = &mut left[place.kind as usize];
        *left = left.saturating_sub(1);
        *left > 0
    });
    all
}

/// The best place of one kind in a bucket.
#[derive(Clone, Copy, Default)]
struct Best {
    step: u8,
    x: u32,
    y: u32,
    template: u8,
}

fn find_on(ink: &Ink, wide: &Ink, scale: usize, templates: &[Template], echo: Option<&Echo>, all: &mut Vec<Place>) {
    let [columns, rows] = ink.area();
    let (left, right) = (columns.start.max(MARGIN), columns.end.min(ink.width().saturating_sub(MARGIN)));
    let (top, bottom) = (rows.start.max(MARGIN), rows.end.min(ink.height().saturating_sub(MARGIN)));
    if right < left + RUN || bottom <= top {
        return;
    }
    let kind = |template: usize| templates[template].kind as usize;
    let mut best = vec![[Best::default(); 3]; right / BUCKET + 1];
    let mut scores = [0u8; RUN];
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
            for (t, template) in templates.iter().enumerate() {
                template.score(wide, ink, (from, y), &mut scores);
                if scores.iter().fold(0, |a, &b| a.max(b)) < STEP {
                    continue;
                }
                for (i, &step) in scores.iter().enumerate() {
                    let slot = &mut best[(from + i) / BUCKET][kind(t)];
                    if step >= STEP && step > slot.step {
                        *slot = Best { step, x: (from + i) as u32, y: y as u32, template: t as u8 };
                    }
                }
            }
        }
        if y % BUCKET == BUCKET - 1 || y == bottom - 1 {
            for slot in best.iter_mut().flatten().filter(|slot| slot.step > 0) {
                let Best { step, x, y, template } = core::mem::take(slot);
                let template = &templates[usize::from(template)];
                let at = |v: u32| (v as f32 + 0.5) * scale as f32 - 0.5;
                all.push(Place {
                    kind: template.kind,
                    at: Spot { x: at(x), y: at(y) },
                    axis: template.axis,
                    scale,
                    step,
                });
            }
        }
    }
}
