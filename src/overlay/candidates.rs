//! Pixels -> caliper markers: what the judge takes for one, on the echo, with its size, colour and how well it is seen.
//!
//! Crosses are looked for first; tees and arrows, of which tissue has many, only where no two clear crosses are alike, and they count
//! only if two look at each other; last, on an undamaged picture, markers over tissue as bright as themselves, by pixels that repeat a
//! colour. No colour and no size is assumed.

use super::{
    Looks,
    ink::Ink,
    judge::{self, Judged},
    marker::{Marker, Proof},
    partners,
    places::{self, Kind, Place},
};
use crate::frame::Frame;
use alloc::vec::Vec;

/// The least outline of one that looks like a clear one, and how far its colour may be from that one's.
const LIKELY_MIN: f32 = 0.6;
const NEAR: u8 = 12;
/// Its strokes are so many times as long as its reach is, and go on where they keep this part of their ink.
const DIAGONAL: f32 = 1.2;
const RUNS_ON: f32 = 0.75;
/// A label that touches a stroke ends within so many times the stroke's length and so many pixels of the centre.
const LABEL_PART: f32 = 2.0;
const LABEL: f32 = 12.0;
/// Finds every marker on the picture, the clearest first.
pub(super) fn find(frame: Frame<'_>, looks: &Looks<'_>) -> Vec<Marker> {
    let &Looks { ink, half, echo, .. } = looks;
    let is_clear = |markers: &[Marker]| markers.iter().any(|marker| marker.proof == Proof::Clear);
    let mut markers = drawn(looks, ink, half, &places::crosses(ink, half, echo));
    if !has_crosses(&markers) {
        let turned = drawn(looks, ink, half, &places::turned(ink, half, echo));
        markers.append(&mut partners::with_lone(looks, turned));
        facing(&mut markers);
    }
    if !is_clear(&markers) {
        // Where tissue is as bright as markers, only that their pixels are exactly alike tells them.
        let ink = Ink::exact(frame, echo);
        let half = ink.halved();
        markers = drawn(looks, &ink, &half, &places::crosses(&ink, &half, echo));
    }
    markers.sort_by(|a, b| b.outline.total_cmp(&a.outline));
    markers
}

/// Whether two clear crosses are alike. Where the lines of tees or arrows cross may look like a cross, but like one alone.
fn has_crosses(markers: &[Marker]) -> bool {
    let clear = || markers.iter().filter(|marker| marker.proof == Proof::Clear && marker.axis.is_none());
    clear().any(|one| clear().any(|other| other.at != one.at && other.is_alike(one)))
}

/// Finds the markers that show on the plane of coloured pixels, where no echo hides them; tees and arrows only where none of `known` are
/// crosses of a pair.
pub(super) fn find_coloured(frame: Frame<'_>, looks: &Looks<'_>, known: &[Marker]) -> Vec<Marker> {
    let echo = looks.echo;
    let ink = Ink::coloured(frame, echo);
    let half = ink.halved();
    let mut places = places::crosses(&ink, &half, echo);
    if !has_crosses(known) {
        places.extend(places::turned(&ink, &half, echo));
    }
    let mut markers = drawn(looks, &ink, &half, &places);
    markers.retain(|marker| marker.tone.is_coloured());
    facing(&mut markers);
    markers
}

/// The markers among places of a plane and its half, as they are drawn on the echo.
fn drawn(looks: &Looks<'_>, ink: &Ink, half: &Ink, places: &[Place]) -> Vec<Marker> {
    let &Looks { tones, echo, nets, .. } = looks;
    let judged = judge::judge(ink, half, places, nets);
    let alone = judged.iter().filter(|one| !runs_on(ink, one)).map(|one| Marker::of(tones, ink, one));
    let seen = alone.filter(|marker| echo.is_none_or(|echo| echo.holds(marker.at.x, marker.at.y)));
    cleared(seen.collect(), &[]).into_iter().map(|marker| marker.in_print(tones)).collect()
}

/// The same, but clear are also those whose strokes have exactly the colour, shape and size of a clear one's among them or `known`,
/// and crosses that are likelier markers than not and have nearly that colour; guides and tissue have tees of one colour too.
pub(super) fn cleared(mut markers: Vec<Marker>, known: &[Marker]) -> Vec<Marker> {
    let clear = known.iter().chain(&markers).filter(|marker| marker.proof == Proof::Clear);
    let clear: Vec<Marker> = clear.cloned().collect();
    for marker in &mut markers {
        let is_as_clear = |other: &Marker| {
            let is_exact = marker.is_exact() && other.is_exact();
            let is_near = marker.axis.is_none() && marker.outline >= LIKELY_MIN && marker.tone.gap(other.tone) <= NEAR;
            (is_exact || is_near) && other.is_drawn_as(marker)
        };
        if clear.iter().any(is_as_clear) {
            marker.proof = Proof::Clear;
        }
    }
    markers
}

/// Whether two strokes of a cross or more go on beyond its reach: it is where lines cross, or a box's corner. One may go on as
/// the measuring line.
fn runs_on(ink: &Ink, judged: &Judged) -> bool {
    if judged.kind != Kind::Cross {
        return false;
    }
    let along = |(dx, dy): (f32, f32), r: f32| ink.at(judged.at.x + r * dx, judged.at.y + r * dy);
    let rays = judged.rays();
    let strokes = rays.iter().map(|&ray| along(ray, 0.6 * judged.reach)).sum::<f32>() / rays.len() as f32;
    let length = if judged.is_diagonal() { DIAGONAL } else { 1.0 } * judged.reach;
    let goes_on = |ray: (f32, f32)| {
        let (from, to) = ((length + 2.0) as i32, (LABEL_PART * length + LABEL) as i32);
        (from..=to).all(|r| along(ray, r as f32) >= RUNS_ON * strokes)
    };
    rays.into_iter().filter(|&ray| goes_on(ray)).count() >= 2
}

/// Leaves the tees and arrows that look at one like them, and those drawn like them that look at none: tissue has many
/// that look anywhere.
fn facing(markers: &mut Vec<Marker>) {
    let turned = |marker: &Marker| marker.axis.is_some();
    let faces = |a: &Marker| turned(a) && markers.iter().any(|b| turned(b) && b.at != a.at && a.is_alike(b));
    let paired: Vec<Marker> = markers.iter().filter(|a| faces(a)).cloned().collect();
    markers.retain(|marker| !turned(marker) || paired.iter().any(|other| other.is_drawn_as(marker)));
}
