//! Places -> markers: small networks say which of them are markers, of what kind, where exactly and how large.
//!
//! The first network glances at the middle of every place and passes over most; the second looks at what is left, and once
//! more where it saw a marker, from where it saw it. They were trained on synthetic carts of all makers, whole and damaged
//! (models/markers). They know no colour, only ink. Deliberately absent: whether two markers belong together.

use super::{
    ink::Ink,
    net::Nets,
    patch::Planes,
    places::{Kind, Place, SLANT},
    star::Shape,
};
use crate::frame::Spot;
use alloc::vec::Vec;
use core::f32::consts::FRAC_PI_4;

/// At most so many places get the second look, for the time that it takes. *Source*: with the weights before, on the carts that the
/// networks are checked on (models/markers), every cross is among the first 26, and 98.9% of the tees and arrows that have a place are
/// among the first 40.
const LOOKS_MAX: usize = 40;
/// A marker has several places. Of those of one kind within so many pixels of one plane so many get the second look.
const BESIDE: f32 = 3.0;
const BESIDE_MAX: usize = 2;
/// Log-odds of the first look of a cross, a tee and an arrow below which there is no second one. *Source*: chosen with the weights before
/// on `sonogfr carts` of seeds 41 and 52, where markers with print that touches them fall to -3.3.
const GLIMPSE_MIN: [f32; 3] = [-3.5, -4.0, -4.0];
/// Log-odds from which a place is a marker, and by how much fewer it is looked at once more.
const SURE_MIN: f32 = 0.0;
const AGAIN: f32 = -2.0;
/// Sizes that the networks give as logarithms are parts of these, in pixels. *Source*: the training run.
const REACH: f32 = 6.0;
const STROKE: f32 = 2.0;
/// How far a place may be off, in pixels of its plane, and turned, in radians.
const OFF_MAX: f32 = 4.0;
const TURN_MAX: f32 = 0.6;
/// Two places nearer together than this part of a marker's reach are one marker.
const SAME_PART: f32 = 1.4;

/// A marker as judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Judged {
    pub kind: Kind,
    pub at: Spot,
    /// The direction of a cross's stroke, or that to the partner.
    pub axis: f32,
    /// From the centre to the strokes' ends, and their width, in pixels of the picture.
    pub reach: f32,
    pub stroke: f32,
    /// Log-odds that it is a marker.
    pub sure: f32,
}

/// Judges `places`, the surest first.
pub(crate) fn judge(ink: &Ink, half: &Ink, places: &[Place], nets: &Nets) -> Vec<Judged> {
    let planes = Planes::of(ink, half);
    let mut seen: Vec<(f32, &Place)> = places
        .iter()
        .map(|place| (nets.glimpse(&planes.glimpse(place))[place.kind as usize], place))
        .filter(|(odds, place)| *odds >= GLIMPSE_MIN[place.kind as usize])
        .collect();
    seen.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut likeliest: Vec<&Place> = Vec::new();
    for (_, place) in seen {
        let is_beside = |other: &&&Place| {
            let near = other.at.distance(place.at) <= BESIDE * place.scale as f32;
            (other.kind, other.scale) == (place.kind, place.scale) && near
        };
        if likeliest.iter().filter(is_beside).count() < BESIDE_MAX {
            likeliest.push(place);
        }
        if likeliest.len() == LOOKS_MAX {
            break;
        }
    }
    surest(likeliest.iter().filter_map(|place| look(&planes, place, nets, SURE_MIN)).collect())
}

/// Those of the places that are at least `least` sure to be markers, in log-odds; all are looked at.
pub(crate) fn judge_all(ink: &Ink, half: &Ink, places: &[Place], nets: &Nets, least: f32) -> Vec<Judged> {
    let planes = Planes::of(ink, half);
    surest(places.iter().filter_map(|place| look(&planes, place, nets, least)).collect())
}

/// Of those that lie near each other the surest, and the surest first.
fn surest(mut judged: Vec<Judged>) -> Vec<Judged> {
    judged.sort_by(|a, b| b.sure.total_cmp(&a.sure));
    let mut kept: Vec<Judged> = Vec::new();
    for one in judged {
        let same = |other: &Judged| other.at.distance(one.at) <= SAME_PART * other.reach.max(one.reach);
        if !kept.iter().any(same) {
            kept.push(one);
        }
    }
    kept
}

fn look(planes: &Planes<'_>, place: &Place, nets: &Nets, least: f32) -> Option<Judged> {
    let one = look_once(planes, place, nets);
    if one.sure < least + AGAIN {
        return None;
    }
    let axis = if place.kind == Kind::Cross { place.axis } else { one.axis };
    let nearer = Place { at: one.at, axis, ..*place };
    let two = look_once(planes, &nearer, nets);
    let sure = (one.sure + two.sure) / 2.0;
    (sure >= least).then_some(Judged { sure, ..two })
}

fn look_once(planes: &Planes<'_>, place: &Place, nets: &Nets) -> Judged {
    let seen = nets.look(place.kind, &planes.cut(place));
    let scale = place.scale as f32;
    let [along, aside] = [seen[3], seen[4]].map(|off| off.clamp(-OFF_MAX, OFF_MAX) * scale);
    let (sin, cos) = (libm::sinf(place.axis), libm::cosf(place.axis));
    let at = Spot { x: place.at.x + along * cos - aside * sin, y: place.at.y + along * sin + aside * cos };
    let turn = if place.kind == Kind::Cross { 0.0 } else { seen[5].clamp(-TURN_MAX, TURN_MAX) };
    Judged {
        kind: place.kind,
        at,
        axis: place.axis + turn,
        reach: libm::expf(seen[6].clamp(-1.0, 1.5)) * REACH * scale,
        stroke: libm::expf(seen[7].clamp(-2.0, 1.5)) * STROKE * scale,
        sure: seen[place.kind as usize],
    }
}

impl Judged {
    /// Its shape; a box shows only when it is measured.
    pub(crate) fn shape(&self) -> Shape {
        match self.kind {
            Kind::Cross if self.is_diagonal() => Shape::X,
            Kind::Cross => Shape::Plus,
            Kind::Tee => Shape::Tee,
            Kind::Arrow => Shape::Arrow,
        }
    }

    /// The directions of the strokes whose length is its reach.
    pub(crate) fn rays(&self) -> Vec<(f32, f32)> {
        let (cos, sin) = (libm::cosf(self.axis), libm::sinf(self.axis));
        let long = libm::hypotf(1.0, SLANT);
        let slanted = |side: f32| ((cos - side * SLANT * sin) / long, (sin + side * SLANT * cos) / long);
        match self.kind {
            Kind::Cross => [(cos, sin), (-cos, -sin), (-sin, cos), (sin, -cos)].into(),
            Kind::Tee => [(-sin, cos), (sin, -cos)].into(),
            Kind::Arrow => [slanted(1.0), slanted(-1.0)].into(),
        }
    }

    /// Whether it is a diagonal cross.
    pub(crate) fn is_diagonal(&self) -> bool {
        self.kind == Kind::Cross && self.axis >= FRAC_PI_4 / 2.0
    }
}
