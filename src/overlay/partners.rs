//! Clear markers -> places where others of the same look may be, which the search for any look passed over.
//!
//! A cart draws all markers of a measurement alike: where one is clear, its colour, size and shape tell what to look for, and a
//! tee or an arrow tells the direction too. Every place whose points on strokes have the clear marker's colour, while most
//! points between have not, is worth a look, however little it stands out. Deliberately absent: what a place is, which
//! [`judge`](super::judge) says.

use super::{
    Looks,
    candidates::cleared,
    echo::Echo,
    judge::{self, Judged},
    marker::{Marker, Proof},
    places::{Kind, Place, SLANT},
    star::Shape,
    tone::{Tone, Tones},
};
use crate::{frame::Spot, wide::wide};
use alloc::{vec, vec::Vec};
use core::{cmp::Reverse, f32::consts::FRAC_PI_4};

/// Looks of clear markers that are sought, and places of each.
const LOOKS_MAX: usize = 4;
const PLACES_MAX: usize = 40;
/// How far a point's colour may be off, beside what the clear marker's own pixels are.
const TOLERANCE_MIN: u8 = 24;
/// A point on a stroke may lack the colour, and points between may have it where a label or a line lies.
const ON_MISSED: u8 = 2;
const OFF_MOST: u8 = 3;
/// Pixels of a row that are held against a look together.
const RUN: usize = 32;
/// A marker larger than this is looked at on the picture of half the size, in pixels from its centre.
const LARGE: f32 = 9.0;
/// The sine of the most by which a tee or an arrow may look past its partner, and the nearest that one is, in pixels.
const ASIDE: f32 = 0.14;
const NEAREST: f32 = 20.0;
/// The cosine of the most by which one that is looked at seems to look elsewhere.
const TURNED: f32 = 0.94;

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
pub(super) fn find(looks: &Looks<'_>, markers: &[Marker]) -> Vec<Marker> {
    let &Looks { tones, echo, ink, half, nets } = looks;
    let places = places(tones, echo, markers);
    if places.is_empty() {
        return Vec::new();
    }
    let judged = judge::judge_all(ink, half, &places, nets, SURE_MIN);
    let seen = judged.iter().map(|one| Marker::of(tones, ink, &aimed(one, markers)));
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

/// A tee or an arrow as the one that looks at it tells it: just as large, and looking back. A label that touches it makes it look
/// larger, or turned.
fn aimed(one: &Judged, markers: &[Marker]) -> Judged {
    let looks_at = |like: &&Marker| {
        let sought = Sought::new(like);
        like.proof == Proof::Clear && like.axis.is_some() && sought.kind == one.kind && sought.is_ahead(one.at)
    };
    let towards = |like: &Marker| libm::atan2f(like.at.y - one.at.y, like.at.x - one.at.x);
    let turned = |like: &Marker| libm::cosf(towards(like) - one.axis);
    let likeliest = markers.iter().filter(looks_at).max_by(|a, b| turned(a).total_cmp(&turned(b)));
    let Some(like) = likeliest.filter(|like| turned(like) >= TURNED) else { return *one };
    Judged { axis: towards(like), reach: like.judged, ..*one }
}

/// Tees and arrows, and those that the lone ones among them look at: a label that touches a marker, or a line that leaves it
/// otherwise than most, spoils it for the search for any look. Where its colour is not exact such a one is no clear marker.
pub(super) fn with_lone(looks: &Looks<'_>, mut turned: Vec<Marker>) -> Vec<Marker> {
    let mut more = find(looks, &turned);
    for marker in more.iter_mut().filter(|marker| !marker.is_exact()) {
        marker.proof = Proof::Weak;
    }
    let all = turned.clone();
    let faces = |old: &Marker| all.iter().any(|other| other.at != old.at && other.is_alike(old));
    turned.retain(|old| faces(old) || !more.iter().any(|new| new.at.distance(old.at) <= new.size() / 2.0));
    turned.append(&mut more);
    turned
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
        let nearest = |v: f32| libm::floorf(v + 0.5) as isize;
        let [on, off] = self.points().map(|points| {
            points.map(|(along, aside)| {
                let (dx, dy) = (along * cos - aside * sin, along * sin + aside * cos);
                [nearest(self.reach * dx), nearest(self.reach * dy)]
            })
        });
        let area = echo.map_or([0, 0, tones.width() as usize, tones.height() as usize], Echo::area);
        let area = self.ahead(area);
        let gaps = Gaps::around(tones, area, self.like.tone, libm::ceilf(self.reach) as usize + 1);
        let [on, off] = [on, off].map(|points| points.map(|[dx, dy]| gaps.offset(dx, dy)));
        let mut found = Found { all: Vec::new(), from: 0, near: self.reach / 2.0 };
        let mut fitting = gaps.blank_row();
        for y in area[1]..area[3] {
            mark_fitting(gaps.rows_from(y), &on, &off, self.tolerance, &mut fitting);
            found.forget_above(y as f32);
            for x in set(&fitting).map(|i| area[0] + i).take_while(|x| *x < area[2]) {
                let at = Spot { x: x as f32, y: y as f32 };
                if self.is_ahead(at) && echo.is_none_or(|echo| echo.holds(at.x, at.y)) && !seen(at) {
                    let window = &gaps.rows_from(y)[x - area[0]..];
                    let sum = |points: &Offsets| points.iter().map(|&point| i32::from(window[point])).sum::<i32>();
                    found.keep(sum(&off) - sum(&on), at);
                }
            }
        }
        let mut found = found.all;
        found.sort_by_key(|&(score, _)| Reverse(score));
        let scale = if self.reach > LARGE { 2 } else { 1 };
        let place = |(_, at): (i32, Spot)| Place { kind: self.kind, at, axis, scale, step: 0 };
        found.into_iter().take(PLACES_MAX).map(place).collect()
    }

    /// The part of an area (left, top, right, bottom) in which all places lie where the marker looks.
    fn ahead(&self, [left, top, right, bottom]: [usize; 4]) -> [usize; 4] {
        let Some((x, y)) = self.like.axis else { return [left, top, right, bottom] };
        let far = (right.saturating_sub(left) + bottom.saturating_sub(top)) as f32;
        let within = |at: f32, along: f32, across: f32, first: usize, end: usize| {
            let ends = [at, at + far * (along - ASIDE * across), at + far * (along + ASIDE * across)];
            let low = ends.into_iter().fold(f32::MAX, f32::min) - 3.0;
            let high = ends.into_iter().fold(f32::MIN, f32::max) + 4.0;
            (low.max(first as f32).min(end as f32) as usize, high.max(first as f32).min(end as f32) as usize)
        };
        let (first, end) = within(self.like.at.x, x, y, left, right);
        let (upper, lower) = within(self.like.at.y, y, x, top, bottom);
        [first, upper, end, lower]
    }

    /// Whether the place lies where the marker looks; a cross looks everywhere.
    fn is_ahead(&self, at: Spot) -> bool {
        let Some((x, y)) = self.like.axis else { return true };
        let (dx, dy) = (at.x - self.like.at.x, at.y - self.like.at.y);
        let (along, aside) = (dx * x + dy * y, dx * y - dy * x);
        along >= NEAREST && aside.abs() <= ASIDE * along + 1.0
    }
}

/// A look's points as offsets into the rows of gaps.
type Offsets = [usize; 8];

wide! {
    /// Marks the places of a row at which most points on strokes have the colour and most between them have not. `rows`: the gaps
    /// from a margin above and left of the row's first place on.
    fn mark_fitting(rows: &[u8], on: &Offsets, off: &Offsets, tolerance: u8, fitting: &mut [u8]) {
        for (run, out) in fitting.as_chunks_mut::<RUN>().0.iter_mut().enumerate() {
            let (mut missed, mut near) = ([0u8; RUN], [0u8; RUN]);
            for (&on, &off) in on.iter().zip(off) {
                let [on, off]: [&[u8; RUN]; 2] =
                    [on, off].map(|at| rows[run * RUN + at..].first_chunk().expect("rows are as wide as runs"));
                for i in 0..RUN {
                    missed[i] = missed[i].wrapping_add(u8::from(on[i] > tolerance));
                    near[i] = near[i].wrapping_add(u8::from(off[i] <= tolerance));
                }
            }
            for i in 0..RUN {
                out[i] = u8::from(missed[i] <= ON_MISSED) & u8::from(near[i] <= OFF_MOST);
            }
        }
    }
}

/// Where a row is marked.
fn set(row: &[u8]) -> impl Iterator<Item = usize> {
    let runs = row.as_chunks::<RUN>().0.iter().enumerate().filter(|(_, run)| **run != [0; RUN]);
    runs.flat_map(|(i, run)| (0..RUN).filter(|&j| run[j] != 0).map(move |j| i * RUN + j))
}

/// How far the pixels of a part of the picture are from a colour.
struct Gaps {
    all: Vec<u8>,
    width: usize,
    top: usize,
    margin: usize,
}

impl Gaps {
    /// Those of the area (left, top, right, bottom), with a margin all around, and at the right up to whole runs.
    fn around(tones: &Tones, [left, top, right, bottom]: [usize; 4], tone: Tone, margin: usize) -> Self {
        let width = right.saturating_sub(left).next_multiple_of(RUN) + 2 * margin;
        let mut all = vec![0; width * (bottom.saturating_sub(top) + 2 * margin + 1)];
        for (row, y) in all.chunks_exact_mut(width).zip(top as i32 - margin as i32..) {
            tones.gaps(y, left as i32 - margin as i32, tone, row);
        }
        Self { all, width, top, margin }
    }

    /// Where a point is in what [`Self::rows_from`] gives, from a place's own index on.
    fn offset(&self, dx: isize, dy: isize) -> usize {
        self.margin.strict_add_signed(dy) * self.width + self.margin.strict_add_signed(dx)
    }

    /// The gaps from a margin above and left of the first place of row `y` on.
    fn rows_from(&self, y: usize) -> &[u8] {
        &self.all[(y - self.top) * self.width..]
    }

    fn blank_row(&self) -> Vec<u8> {
        vec![0; self.width - 2 * self.margin]
    }
}

/// The best of places that lie near each other, met row by row.
struct Found {
    all: Vec<(i32, Spot)>,
    /// Those before it lie too far above to be near any that is still to come.
    from: usize,
    near: f32,
}

impl Found {
    fn forget_above(&mut self, y: f32) {
        let dead = self.all[self.from..].iter().take_while(|(_, at)| y - at.y > self.near).count();
        self.from += dead;
    }

    fn keep(&mut self, score: i32, at: Spot) {
        let near = self.near;
        match self.all[self.from..].iter_mut().rev().find(|(_, other)| other.distance(at) <= near) {
            Some(other) if other.0 < score => *other = (score, at),
            Some(_) => {}
            None => self.all.push((score, at)),
        }
    }
}
