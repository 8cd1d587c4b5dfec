//! Clear markers -> places where others of the same look may be, which the search for any look passed over.
//!
//! A cart draws all markers of a measurement alike: where one is clear, its colour, size and shape tell what to look for, and a
//! tee or an arrow tells the direction too. Every place whose points on strokes have the clear marker's colour, while most
//! points between have not, is worth a look, however little it stands out. Deliberately absent: what a place is, which
//! [`judge`](super::judge) says.

use super::{
    candidates::{Marker, Proof, cleared},
    echo::Echo,
    ink::Ink,
    judge,
    net::Nets,
    places::{Kind, Place, SLANT},
    star::Shape,
    tone::Tones,
};
use crate::frame::{Frame, Spot};
use alloc::vec::Vec;
use core::{cmp::Reverse, f32::consts::FRAC_PI_4};

/// Looks of clear markers that are sought, and places of each.
const LOOKS_MAX: usize = 4;
const PLACES_MAX: usize = 40;
/// How far a point's colour may be off, beside what the clear marker's own pixels are.
const TOLERANCE_MIN: u8 = 24;
/// A point on a stroke may lack the colour, and points between may have it where a label or a line lies.
const ON_MISSED: usize = 2;
const OFF_MOST: usize = 3;
/// A marker larger than this is looked at on the picture of half the size, in pixels from its centre.
const LARGE: f32 = 9.0;
/// The sine of the most by which a tee or an arrow may look past its partner, and the nearest that one is, in pixels.
const ASIDE: f32 = 0.08;
const NEAREST: f32 = 20.0;

/// Log-odds from which a place is a marker where a clear one tells how it looks.
const SURE_MIN: f32 = -3.0;

/// Points from the centre, in parts of the reach: along the axis and across.
type Points = [(f32, f32); 8];

/// A look to be sought: the clear marker, its kind, and its points.
struct Sought<'a> {
    like: &'a Marker,
    kind: Kind,
    reach: f32,
    tolerance: u8,
}

/// Finds markers that look like the clear ones of `markers`, those left out.
pub(crate) fn find(frame: Frame<'_>, tones: &Tones, echo: Option<&Echo>, markers: &[Marker]) -> Vec<Marker> {
    let places = places(tones, echo, markers);
    if places.is_empty() {
        return Vec::new();
    }
    let ink = Ink::of(frame, echo);
    let judged = judge::judge_all(&ink, &ink.halved(), &places, &Nets::shipped(), SURE_MIN);
    let seen = judged.iter().map(|one| Marker::of(tones, &ink, one));
    let alike = |one: &Marker| {
        let clear = |other: &&Marker| other.proof == Proof::Clear;
        let near = |other: &Marker| other.at.distance(one.at) <= other.size();
        echo.is_none_or(|echo| echo.holds(one.at.x, one.at.y))
            && markers.iter().filter(clear).any(|other| other.is_alike(one))
            && !markers.iter().filter(clear).any(|other| near(other) && other.is_alike(one))
    };
    let found = cleared(seen.filter(alike).collect(), markers);
    found.into_iter().map(|marker| marker.in_print(tones)).collect()
}

/// The places where others like the clear ones of `markers` may be, those already seen left out.
fn places(tones: &Tones, echo: Option<&Echo>, markers: &[Marker]) -> Vec<Place> {
    let clear = || markers.iter().filter(|marker| marker.proof == Proof::Clear);
    let mut looks: Vec<&Marker> = Vec::new();
    for marker in clear() {
        // Crosses of one look are sought together, tees and arrows each along its own axis.
        if marker.axis.is_some() || !looks.iter().any(|look| look.is_alike(marker)) {
            looks.push(marker);
        }
    }
    let lonely =
        |look: &&&Marker| look.axis.is_none() || !clear().any(|other| other.at != look.at && other.is_alike(look));
    let looks = looks.iter().filter(lonely).take(LOOKS_MAX);
    let seen = |look: &Marker, at: Spot| {
        clear().any(|marker| marker.at.distance(at) <= marker.size() && marker.is_alike(look))
    };
    looks.flat_map(|look| Sought::new(look).places(tones, echo, &|at| seen(look, at))).collect()
}

impl<'a> Sought<'a> {
    fn new(like: &'a Marker) -> Self {
        let kind = match like.shape {
            Shape::Tee => Kind::Tee,
            Shape::Arrow => Kind::Arrow,
            Shape::Plus | Shape::BoxedPlus | Shape::X => Kind::Cross,
        };
        let diagonal = if like.shape == Shape::X { core::f32::consts::SQRT_2 } else { 1.0 };
        let reach = diagonal * (like.size() / 2.0);
        Self { like, kind, reach, tolerance: like.tolerance().max(TOLERANCE_MIN) }
    }

    /// The direction of the axis, in radians.
    fn axis(&self) -> f32 {
        match self.like.axis {
            // A partner looks back.
            Some((x, y)) => libm::atan2f(-y, -x),
            None if self.like.shape == Shape::X => FRAC_PI_4,
            None => 0.0,
        }
    }

    fn points(&self) -> [Points; 2] {
        let (near, far) = (0.55, 0.85);
        match self.kind {
            Kind::Cross => {
                let ray = |(x, y): (f32, f32)| [(near * x, near * y), (far * x, far * y)];
                let [a, b, c, d] = [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)].map(ray);
                let between = |(x, y): (f32, f32)| [(0.5 * x, 0.5 * y), (0.65 * x, 0.65 * y)];
                let [e, f, g, h] = [(1.0, 1.0), (-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0)].map(between);
                [[a[0], a[1], b[0], b[1], c[0], c[1], d[0], d[1]], [e[0], e[1], f[0], f[1], g[0], g[1], h[0], h[1]]]
            }
            Kind::Tee => [
                [(0.0, 0.0), (0.3, 0.0), (0.55, 0.0), (0.0, 0.4), (0.0, -0.4), (0.0, 0.8), (0.0, -0.8), (0.0, 0.6)],
                [(-0.5, 0.0), (-0.5, 0.6), (-0.5, -0.6), (0.5, 0.5), (0.5, -0.5), (0.5, 0.9), (0.5, -0.9), (-0.8, 0.3)],
            ],
            Kind::Arrow => {
                let edge = |along: f32| [(along, SLANT * along), (along, -SLANT * along)];
                let [a, b, c, d] = [0.35, 0.55, 0.75, 0.9].map(edge);
                [
                    [a[0], a[1], b[0], b[1], c[0], c[1], d[0], d[1]],
                    [
                        (-0.5, 0.0),
                        (-0.5, 0.5),
                        (-0.5, -0.5),
                        (0.1, 0.6),
                        (0.1, -0.6),
                        (0.5, 0.8),
                        (0.5, -0.8),
                        (0.85, 0.0),
                    ],
                ]
            }
        }
    }

    fn places(&self, tones: &Tones, echo: Option<&Echo>, seen: &impl Fn(Spot) -> bool) -> Vec<Place> {
        let axis = self.axis();
        let (sin, cos) = (libm::sinf(axis), libm::cosf(axis));
        let [on, off] = self.points().map(|points| {
            points.map(|(along, aside)| {
                (self.reach * (along * cos - aside * sin), self.reach * (along * sin + aside * cos))
            })
        });
        let [left, top, right, bottom] =
            echo.map_or([0, 0, tones.width() as usize, tones.height() as usize], Echo::area);
        let mut found: Vec<(i32, Spot)> = Vec::new();
        for y in top..bottom {
            for x in left..right {
                let at = Spot { x: x as f32, y: y as f32 };
                let Some(score) = self.score(tones, at, &on, &off) else { continue };
                if self.is_ahead(at) && echo.is_none_or(|echo| echo.holds(at.x, at.y)) && !seen(at) {
                    keep(&mut found, score, at, self.reach / 2.0);
                }
            }
        }
        found.sort_by_key(|&(score, _)| Reverse(score));
        let scale = if self.reach > LARGE { 2 } else { 1 };
        let place = |(_, at): (i32, Spot)| Place { kind: self.kind, at, axis, scale, step: 0 };
        found.into_iter().take(PLACES_MAX).map(place).collect()
    }

    /// By how much the points between have another colour than those on strokes; none where too many are as they should not be.
    fn score(&self, tones: &Tones, at: Spot, on: &Points, off: &Points) -> Option<i32> {
        let gap = |&(dx, dy): &(f32, f32)| {
            let tone = tones.nearest(Spot { x: at.x + dx, y: at.y + dy });
            tone.map_or(u8::MAX, |tone| tone.gap(self.like.tone))
        };
        let (mut missed, mut score) = (0, 0);
        for gap in on.iter().map(gap) {
            missed += usize::from(gap > self.tolerance);
            if missed > ON_MISSED {
                return None;
            }
            score -= i32::from(gap);
        }
        let between = off.map(|point| gap(&point));
        score += between.iter().map(|&gap| i32::from(gap)).sum::<i32>();
        (between.iter().filter(|&&gap| gap <= self.tolerance).count() <= OFF_MOST).then_some(score)
    }

    /// Whether the place lies where the marker looks; a cross looks everywhere.
    fn is_ahead(&self, at: Spot) -> bool {
        let Some((x, y)) = self.like.axis else { return true };
        let (dx, dy) = (at.x - self.like.at.x, at.y - self.like.at.y);
        let (along, aside) = (dx * x + dy * y, dx * y - dy * x);
        along >= NEAREST && aside.abs() <= ASIDE * along + 1.0
    }
}

/// Keeps the best of places that lie near each other.
fn keep(found: &mut Vec<(i32, Spot)>, score: i32, at: Spot, near: f32) {
    match found.iter_mut().rev().find(|(_, other)| other.distance(at) <= near) {
        Some(other) if other.0 < score => *other = (score, at),
        Some(_) => {}
        None => found.push((score, at)),
    }
}
