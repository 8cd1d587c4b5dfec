//! Markers -> pairs, or why they cannot be joined.
//!
//! Only markers drawn alike belong together. A line between two of them settles it; without lines there must be just
//! two. Whatever is left over, or leads out of the picture, is a reason to refuse: a pair is never guessed.

use super::{
    Pair,
    candidates::{Marker, Proof},
    glyph,
    line::{self, Leaving, LineEnd},
    tone::Tones,
};
use crate::{frame::Spot, refusal::Refusal};
use alloc::vec::Vec;

/// The ways in from the picture's edges: right, left, down, up.
const INWARDS: [(i32, i32); 4] = [(1, 0), (-1, 0), (0, 1), (0, -1)];
/// More markers than this are not calipers, and need not be joined.
const MARKERS_MAX: usize = 24;
/// More markers than this are not joined in every possible way, nor are more ways kept.
const OPEN_MAX: usize = 8;
const PAIRINGS_MAX: usize = 256;

/// One way to join all markers, or all but a few.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pairing {
    pub pairs: Vec<Pair>,
    /// Markers that are in no pair.
    pub left_out: usize,
}

/// The pairs found, and the reason why they are not all that there is to know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Joined {
    pub pairs: Vec<Pair>,
    /// The pairings that stay possible where there is a refusal that they could end.
    pub pairings: Vec<Pairing>,
    /// Pairs that neither a line nor a label joins, or of which one end is not clear.
    pub by_likeness: Vec<Pair>,
    pub refusal: Option<Refusal>,
}

impl Joined {
    fn refused(refusal: Refusal) -> Self {
        Self { pairs: Vec::new(), pairings: Vec::new(), by_likeness: Vec::new(), refusal: Some(refusal) }
    }
}

/// Joins markers to pairs.
pub(crate) fn join(tones: &Tones, markers: &[Marker]) -> Joined {
    let styles = by_style(markers);
    if styles.is_empty() {
        return Joined::refused(Refusal::NoMarkers);
    }
    if markers.len() > MARKERS_MAX {
        return Joined::refused(Refusal::PairsAmbiguous);
    }
    let groups: Vec<Group> = styles.iter().map(|style| Group::of(tones, style)).collect();
    // What nothing but likeness joins must not be longer than what a line or a label proves.
    let longest = |group: &Group| group.pairs.iter().map(|pair| pair.length().0).fold(0.0, f32::max);
    let proven = |group: &&Group| group.refusal.is_none() && group.is_proven();
    let length = groups.iter().filter(proven).map(longest).fold(0.0, f32::max);
    let rivals = length > 0.0 && groups.iter().any(|group| !group.is_proven() && longest(group) > length);
    let refusals = groups.iter().filter_map(|group| group.refusal);
    let refusal = refusals.chain(rivals.then_some(Refusal::PairsAmbiguous)).min_by_key(|refusal| match refusal {
        Refusal::PartnerOutside => 0,
        Refusal::PairsAmbiguous => 1,
        _ => 2,
    });
    let pairings = if refusal.is_some() { every_pairing(&groups) } else { Vec::new() };
    // A marker that is not clear may be one that the echo's border cuts, whatever line leads to it.
    let is_weak = |end: Spot| markers.iter().any(|marker| marker.at == end && marker.proof == Proof::Weak);
    let is_open = |group: &Group, pair: &Pair| !group.is_proven() || pair.ends.into_iter().any(is_weak);
    let open = |group: &Group| group.pairs.iter().filter(|pair| is_open(group, pair)).copied().collect::<Vec<Pair>>();
    let by_likeness = groups.iter().flat_map(open).collect();
    let mut pairs: Vec<Pair> = groups.into_iter().flat_map(|group| group.pairs).collect();
    drop_doubled_labels(&mut pairs);
    Joined { pairs, pairings, by_likeness, refusal }
}

/// Each group joined in each of its ways; none if there are too many, or a marker lies outside.
fn every_pairing(groups: &[Group]) -> Vec<Pairing> {
    let mut all: Vec<Pairing> = [Pairing { pairs: Vec::new(), left_out: 0 }].into();
    for group in groups {
        if all.len() * group.open.len() > PAIRINGS_MAX {
            return Vec::new();
        }
        let with = |one: &Pairing, other: &Pairing| Pairing {
            pairs: one.pairs.iter().chain(&other.pairs).copied().collect(),
            left_out: one.left_out + other.left_out,
        };
        all = all.iter().flat_map(|one| group.open.iter().map(move |other| with(one, other))).collect();
    }
    all.retain(|pairing| !pairing.pairs.is_empty());
    for pairing in &mut all {
        drop_doubled_labels(&mut pairing.pairs);
    }
    all
}

/// Every way to join these markers in pairs; of an odd number one is left out.
fn matchings(loose: &[usize]) -> Vec<Vec<[usize; 2]>> {
    if loose.len() > OPEN_MAX {
        return Vec::new();
    }
    if loose.len() % 2 == 1 {
        let without = |i: usize| -> Vec<usize> { loose.iter().copied().filter(|&j| j != loose[i]).collect() };
        return (0..loose.len()).flat_map(|i| matchings(&without(i))).collect();
    }
    let [first, rest @ ..] = loose else { return [Vec::new()].into() };
    let mut all = Vec::new();
    for (i, partner) in rest.iter().enumerate() {
        let others: Vec<usize> = rest[..i].iter().chain(&rest[i + 1..]).copied().collect();
        all.extend(matchings(&others).into_iter().map(|mut joined| {
            joined.push([*first, *partner]);
            joined
        }));
    }
    all
}

/// Groups markers that are drawn alike. Each group has a clear marker; a weak one counts only where it may be the partner
/// of the clear one that has none.
fn by_style(markers: &[Marker]) -> Vec<Vec<&Marker>> {
    let mut styles: Vec<Vec<&Marker>> = Vec::new();
    for marker in markers.iter().filter(|m| m.proof == Proof::Clear) {
        match styles.iter_mut().find(|style| style[0].is_alike(marker)) {
            Some(style) => style.push(marker),
            None => styles.push([marker].into()),
        }
    }
    for marker in markers.iter().filter(|m| m.proof == Proof::Weak) {
        let fits = |style: &&mut Vec<&Marker>| style.len() % 2 == 1 && style[0].is_alike(marker);
        if let Some(style) = styles.iter_mut().find(fits) {
            style.push(marker);
        }
    }
    styles
}

/// What markers of one style say.
struct Group {
    pairs: Vec<Pair>,
    /// Every way in which they may be joined.
    open: Vec<Pairing>,
    /// Whether lines joined the pairs.
    by_line: bool,
    refusal: Option<Refusal>,
}

impl Group {
    /// Whether more than being alike joins the markers.
    fn is_proven(&self) -> bool {
        self.by_line || self.pairs.iter().any(|pair| pair.label.is_some())
    }

    fn of(tones: &Tones, markers: &[&Marker]) -> Self {
        let labels: Vec<Option<u8>> = markers.iter().map(|marker| glyph::label(tones, marker)).collect();
        let joined = |joined: &[[usize; 2]]| -> Vec<Pair> {
            joined.iter().map(|&[i, j]| pair([markers[i], markers[j]], [labels[i], labels[j]])).collect()
        };
        let lines = lines_among(tones, markers);
        let degree = |i: usize| lines.iter().filter(|line| line.contains(&i)).count();
        let all: Vec<usize> = (0..markers.len()).collect();
        let tangled = all.iter().any(|&i| degree(i) > 1);
        let kept = if tangled { Vec::new() } else { lines };
        let degree = |i: usize| kept.iter().filter(|line| line.contains(&i)).count();
        let loose: Vec<usize> = all.into_iter().filter(|&i| degree(i) == 0).collect();
        let whole = |more: &[[usize; 2]]| -> Vec<[usize; 2]> { kept.iter().chain(more).copied().collect() };
        let (more, refusal) =
            if tangled { (Vec::new(), Some(Refusal::PairsAmbiguous)) } else { settle(tones, markers, &kept, &loose) };
        let open = match refusal {
            None => [Pairing { pairs: joined(&whole(&more)), left_out: 0 }].into(),
            Some(Refusal::PartnerOutside) => Vec::new(),
            Some(_) => {
                let pairing =
                    |more: Vec<[usize; 2]>| Pairing { pairs: joined(&whole(&more)), left_out: loose.len() % 2 };
                matchings(&loose).into_iter().map(pairing).collect()
            }
        };
        Self { pairs: joined(&whole(&more)), open, by_line: !kept.is_empty(), refusal }
    }
}

/// The markers that lines join.
fn lines_among(tones: &Tones, markers: &[&Marker]) -> Vec<[usize; 2]> {
    let mut lines = Vec::new();
    for i in 0..markers.len() {
        lines.extend((i + 1..markers.len()).filter(|&j| line::joins(tones, markers[i], markers[j])).map(|j| [i, j]));
    }
    lines
}

/// What becomes of the markers that no line joins: the pair that they are, or why they are none.
fn settle(
    tones: &Tones,
    markers: &[&Marker],
    lines: &[[usize; 2]],
    loose: &[usize],
) -> (Vec<[usize; 2]>, Option<Refusal>) {
    if markers.iter().any(|marker| marker.is_cut(tones)) {
        return (Vec::new(), Some(Refusal::PartnerOutside));
    }
    if loose.is_empty() {
        return (Vec::new(), None);
    }
    let mut leaving: Vec<(usize, Leaving)> =
        loose.iter().filter_map(|&i| Some((i, line::leaving(tones, markers[i])?))).collect();
    if let &[i, j] = loose {
        leaving.retain(|&(from, line)| !line.leads(markers[from], markers[if from == i { j } else { i }]));
    }
    let leads_out = leaving.iter().any(|(_, line)| line.end == LineEnd::Edge);
    if leads_out || has_cut_arm(tones, markers[0]) {
        return (Vec::new(), Some(Refusal::PartnerOutside));
    }
    match *loose {
        [_] => (Vec::new(), Some(Refusal::PartnerMissing)),
        _ if !leaving.is_empty() => (Vec::new(), Some(Refusal::PartnerMissing)),
        [i, j] => {
            let has_label = |marker: &Marker| glyph::label(tones, marker).is_some();
            let labelled = has_label(markers[i]) != has_label(markers[j]);
            // Tissue has tees and arrows too: there, likeness alone joins nothing.
            let sure = labelled || markers[i].axis.is_none() && markers[i].is_twin(markers[j]);
            // Where others have lines, the length is not what has none, unless print says so.
            let length = |&[i, j]: &[usize; 2]| markers[i].at.distance(markers[j].at);
            let lined = lines.iter().map(length).fold(0.0, f32::max);
            if !labelled && !lines.is_empty() && length(&[i, j]) > lined {
                return (Vec::new(), Some(Refusal::PairsAmbiguous));
            }
            if sure { ([[i, j]].into(), None) } else { (Vec::new(), Some(Refusal::PartnerMissing)) }
        }
        _ => (Vec::new(), Some(Refusal::PairsAmbiguous)),
    }
}

fn pair([a, b]: [&Marker; 2], labels: [Option<u8>; 2]) -> Pair {
    let (first, second) = if (a.at.x, a.at.y) <= (b.at.x, b.at.y) { (a, b) } else { (b, a) };
    let label = match labels {
        [Some(one), Some(other)] if one == other => Some(one),
        [Some(label), None] | [None, Some(label)] => Some(label),
        _ => None,
    };
    Pair { label, ends: [first.at, second.at], chosen: false }
}

/// A number that two pairs seem to have tells neither of them.
fn drop_doubled_labels(pairs: &mut [Pair]) {
    let labels: Vec<Option<u8>> = pairs.iter().map(|pair| pair.label).collect();
    for pair in pairs {
        if labels.iter().filter(|label| **label == pair.label).count() > 1 {
            pair.label = None;
        }
    }
}

/// Whether the tip of an arm of a marker like `marker` reaches in from the picture's edge.
fn has_cut_arm(tones: &Tones, marker: &Marker) -> bool {
    INWARDS.into_iter().any(|(dx, dy)| {
        // (dx, dy) leads inwards; the edge runs across it.
        let (length, depth) = if dx != 0 { (tones.height(), tones.width()) } else { (tones.width(), tones.height()) };
        let at = |along: i32, deep: i32| {
            let deep = if dx + dy < 0 { depth - 1 - deep } else { deep };
            if dx != 0 { tones.get(deep, along) } else { tones.get(along, deep) }
        };
        let on = |along: i32, deep: i32| at(along, deep).is_some_and(|t| t.gap(marker.tone) <= marker.tolerance());
        (2..length - 2).any(|along| is_cut_arm(&on, marker, along))
    })
}

/// Whether a stroke of the marker's width comes in from the edge at `along` and ends within an arm's length.
///
/// It is looked for three pixels in, where a crossing stroke right at the edge no longer widens it.
fn is_cut_arm(on: &impl Fn(i32, i32) -> bool, marker: &Marker, along: i32) -> bool {
    const DEPTH: i32 = 3;
    if !on(along, DEPTH) || on(along - 1, DEPTH) {
        return false;
    }
    let width = (1..).take_while(|i| on(along + i, DEPTH)).count() as i32 + 1;
    if (width as f32 - marker.stroke).abs() > 1.0 {
        return false;
    }
    let middle = along + (width - 1) / 2;
    let reach = libm::ceilf(marker.size() / 2.0) as i32;
    if !(0..DEPTH).all(|deep| on(middle, deep)) {
        return false;
    }
    let length = (0..).take_while(|&deep| on(middle, deep)).count() as i32;
    let beside = || (DEPTH..length).flat_map(|deep| [(along - 2, deep), (along + width + 1, deep)]);
    let clear = beside().filter(|&(along, deep)| !on(along, deep)).count();
    let ends = !on(middle, length + 1);
    length > DEPTH + 1 && length <= reach && ends && 5 * clear >= 4 * beside().count()
}
