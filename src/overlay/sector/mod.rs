//! The echo's border -> how many times as wide as high the picture shows things, or none.
//!
//! The echo of a curved probe is a sector: two straight sides that meet in an apex, two arcs around it. On a stretched
//! picture the arcs are ellipses, and the apex, which the sides give, says of each how flat a circle would be there. `border`
//! finds where the echo may end, `fit` the sector through these places. Always holds: a stretch is told only where the parts
//! of the border tell the same by themselves, and its error is as large as the largest difference between them. Deliberately
//! absent: linear probes, which have no arcs, and sector probes, whose border lacks the second arc that proves the first.

mod border;
mod fit;

#[cfg(test)]
mod tests;

use super::{echo::Echo, tone::Tones};
use crate::frame::Spot;
use alloc::vec::Vec;
use border::Border;
use fit::{Fit, INNER, OPENING, OUTER, Part, ROUNDS, STRETCH, Sector, Task, UNKNOWNS, X, Y};

/// A stretch with more than this error is not told: a length may be off by as much, and half of the 2 % that lengths may
/// differ by should be left to markers and print.
const ERROR_MAX: f32 = 0.006;
/// The scatter of places is one-sided, so that the mean may be off by more than its standard error. *Source*: on 600
/// synthetic carts (seeds 101 to 103) three times as much left none that was off by more than 0.6 %.
const ERRORS: f64 = 3.0;
/// The arcs tell the same stretch within this, and the inner one, which is short, tells it within this.
const ARCS_APART_MAX: f64 = 0.04;
const INNER_ERROR_MAX: f64 = 0.03;
/// Places near the border on each side at least, of 80 lines; fewer may be those of a box's edge or of a row of print.
const SIDE_MIN: usize = 20;
/// Rounds that a part of the border needs from the sector that all of it gave.
const PART_ROUNDS: usize = 4;
/// Points with which a side or an arc is drawn.
const DRAWN: usize = 24;

/// How many times as wide as high a picture shows things.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Horizontal over vertical scale.
    pub ratio: f32,
    /// How far off it may be.
    pub error: f32,
}

impl Stretch {
    /// The ratio, 1 where it may be 1: nearly all pictures are not stretched, and these lose nothing to the error.
    pub fn likeliest(&self) -> f32 {
        if (self.ratio - 1.0).abs() <= self.error.max(ERROR_MAX) { 1.0 } else { self.ratio }
    }
}

/// The sector that the echo is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outline {
    sector: Sector,
    /// The stretch that its arcs tell.
    pub stretch: Stretch,
}

impl Outline {
    /// Whether `spot` lies within the sector, at least `room` pixels from its border.
    pub(crate) fn has_room(&self, spot: Spot, room: f32) -> bool {
        let Sector(unknowns) = self.sector;
        let half = libm::atan(unknowns[OPENING] / unknowns[STRETCH]);
        let across = (f64::from(spot.x) - unknowns[X]) / unknowns[STRETCH];
        let down = f64::from(spot.y) - unknowns[Y];
        let (radius, room) = (libm::hypot(across, down), f64::from(room));
        let aside = (half - libm::atan2(across, down).abs()) * radius;
        aside >= room && radius >= unknowns[INNER] + room && radius <= unknowns[OUTER] - room
    }

    /// Its border, once around.
    pub fn points(&self) -> impl Iterator<Item = Spot> {
        let Sector(unknowns) = self.sector;
        let half = libm::atan(unknowns[OPENING] / unknowns[STRETCH]);
        let arc = move |radius: f64, from: f64| {
            (0..=DRAWN).map(move |i| {
                let angle = from * half * (1.0 - 2.0 * i as f64 / DRAWN as f64);
                let x = unknowns[X] + unknowns[STRETCH] * radius * libm::sin(angle);
                Spot { x: x as f32, y: (unknowns[Y] + radius * libm::cos(angle)) as f32 }
            })
        };
        let end = arc(unknowns[INNER], -1.0).take(1);
        arc(unknowns[INNER], -1.0).chain(arc(unknowns[OUTER], 1.0)).chain(end)
    }
}

/// Finds the sector; none where the picture shows none, or its parts do not tell the same stretch.
pub(super) fn find(tones: &Tones, echo: &Echo) -> Option<Outline> {
    const ALL: [bool; UNKNOWNS] = [true; UNKNOWNS];
    let border = Border::of(tones, echo.bounds());
    let voted = Sector::voted(&border)?;
    let all = voted.fitted(&Task { border: &border, uses: &|_, _| true, free: ALL, rounds: ROUNDS })?;
    let without = |unknown: usize| {
        let mut free = ALL;
        free[unknown] = false;
        free
    };
    let by = |uses: &dyn Fn(Part, f64) -> bool, free: [bool; UNKNOWNS]| {
        all.sector.fitted(&Task { border: &border, uses, free, rounds: PART_ROUNDS })
    };
    let x = all.sector.0[X];
    // Each arc with both sides, and each half around the middle of the whole.
    let arcs =
        [by(&|part, _| part != Part::Top, without(INNER))?, by(&|part, _| part != Part::Bottom, without(OUTER))?];
    let halves = [by(&|_, at| at <= x, without(X))?, by(&|_, at| at >= x, without(X))?];
    let error = error(&all, &arcs, &halves)?;
    let stretch = Stretch { ratio: all.sector.0[STRETCH] as f32, error: error as f32 };
    (stretch.error <= ERROR_MAX).then_some(Outline { sector: all.sector, stretch })
}

/// How far the stretch may be off; none where parts of the border contradict each other or are hardly seen.
fn error(all: &Fit, [outer, inner]: &[Fit; 2], halves: &[Fit; 2]) -> Option<f64> {
    let apart = |a: &Fit, b: &Fit| (a.sector.0[STRETCH] - b.sector.0[STRETCH]).abs();
    let [left, right, ..] = all.near;
    if left.min(right) < SIDE_MIN || inner.error > INNER_ERROR_MAX || apart(outer, inner) > ARCS_APART_MAX {
        return None;
    }
    // An apex that is off by some pixels changes what an arc tells by as many parts of its radius, so that the outer arc is
    // off by this part of the difference between both.
    let share = inner.sector.0[INNER] / (outer.sector.0[OUTER] - inner.sector.0[INNER]);
    let errors: Vec<f64> = [ERRORS * all.error, share * apart(outer, inner), apart(all, outer)]
        .into_iter()
        .chain(halves.iter().map(|half| apart(all, half)))
        .collect();
    errors.into_iter().reduce(f64::max)
}
