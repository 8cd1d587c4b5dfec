//! Markers -> pairs, or why they cannot be joined.
//!
//! Only markers drawn alike belong together. A line between two of them settles it, or the same label beside both; without either
//! there must be just two. Whatever is left over, or leads out of the picture, is a reason to refuse: a pair is never guessed.

use super::{
    Pair, cut, glyph, labels,
    lengths::RIVAL,
    line::{self, Leaving, LineEnd},
    lines::Lines,
    marker::{Marker, Proof},
    tone::Tones,
};
use crate::{frame::Spot, refusal::Refusal};
use alloc::vec::Vec;

/// Ends that differ by less than this in one direction lie in one row or column, in pixels.
const LEVEL: f32 = 0.5;
/// More markers than this are not calipers, and need not be joined.
const MARKERS_MAX: usize = 24;
/// How surely a marker must be seen that only its likeness to another one tells, as [`Marker::outline`].
const LONE_MIN: f32 = 0.95;
/// The least size of such a cross, in pixels: calipers' arms have 5 pixels and more, on a picture made smaller by a quarter 3.75; plus
/// signs in small print have fewer.
const LONE_SIZE_MIN: f32 = 8.2;
/// How far the colours of other markers must be from those of such crosses: by as much, and so many times what those differ by.
const COLOURS: u8 = 20;
const WORN_TIMES: u8 = 3;
/// The cosine of the most by which a tee or an arrow may look past one that nothing else joins to it.
const STRAIGHT: f32 = 0.9962;
/// How far from a line that joins two others a marker's centre lies on it, in pixels.
const ON_LINE: f32 = 2.0;
/// More markers than this are not joined in every possible way, nor are more ways kept.
pub(super) const OPEN_MAX: usize = 8;
const PAIRINGS_MAX: usize = 256;

/// One way to join all markers, or all but a few.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pairing {
    pub pairs: Vec<Pair>,
    /// Markers that are in no pair.
    pub left_out: usize,
}

/// The pairs found, and the reason why they are not all that there is to know.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Joined {
    pub pairs: Vec<Pair>,
    /// The pairings that stay possible where there is a refusal that they could end.
    pub pairings: Vec<Pairing>,
    /// Pairs that neither a line nor a number joins, and those beside which a longer one may be.
    pub unproven: Vec<Pair>,
    /// Those beside which a longer one may be.
    pub rivalled: Vec<Pair>,
    /// Those of several of one look that the print beside them joins.
    pub by_print: Vec<Pair>,
    /// Pairs of which one end is not clear.
    pub weak: Vec<Pair>,
    /// Pairs that a line joins and no other line touches, also where there is a refusal.
    pub by_line: Vec<Pair>,
    /// How many clear markers are in none of those.
    pub unlined: usize,
    /// Whether there is a refusal only because a pair that nothing but likeness joins is longer than all others.
    pub is_outranked: bool,
    pub refusal: Option<Refusal>,
}

impl Joined {
    fn refused(refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), ..Self::default() }
    }
}

/// Joins markers to pairs.
pub(crate) fn join(tones: &Tones, markers: &[Marker]) -> Joined {
    if markers.len() > MARKERS_MAX {
        return Joined::refused(Refusal::PairsAmbiguous);
    }
    let lines = Lines::among(tones, markers);
    if lines.only.is_empty() && !markers.iter().any(|marker| marker.proof == Proof::Clear) {
        return Joined::refused(Refusal::NoMarkers);
    }
    let by_line: Vec<Pair> = lines.only.iter().map(|&[i, j]| labelled(tones, [&markers[i], &markers[j]])).collect();
    let lined = by_line.iter().map(|pair| pair.length().0).fold(0.0, f32::max);
    let loose: Vec<&Marker> = (0..markers.len()).filter(|&i| !lines.join(i)).map(|i| &markers[i]).collect();
    let mut styles = by_style(&loose);
    // Where lines cross it may look like a marker of a style of its own.
    styles.retain(|style| style.len() > 1 || !by_line.iter().any(|pair| lies_on(style[0].at, pair)));
    let unlined = styles.iter().flatten().filter(|marker| marker.proof == Proof::Clear).count();
    let groups: Vec<Group> = styles.iter().map(|style| Group::of(tones, style, lined)).collect();
    // What nothing but likeness joins must not be longer than what a line or a label proves.
    let longest = |group: &Group| group.pairs.iter().map(|pair| pair.length().0).fold(0.0, f32::max);
    let proven = |group: &&Group| group.refusal.is_none() && group.is_proven();
    let length = groups.iter().filter(proven).map(longest).fold(lined, f32::max);
    let rivals = length > 0.0 && groups.iter().any(|group| !group.is_proven() && longest(group) > length);
    let is_cut = markers.iter().any(|marker| marker.proof == Proof::Clear && marker.is_cut(tones));
    let is_outranked = rivals && !lines.tangled && !is_cut && groups.iter().all(|group| group.refusal.is_none());
    let refusals = groups.iter().filter_map(|group| group.refusal);
    let refusals = refusals.chain((rivals || lines.tangled).then_some(Refusal::PairsAmbiguous));
    let refusal = refusals.chain(is_cut.then_some(Refusal::PartnerOutside)).min_by_key(|refusal| match refusal {
        Refusal::PartnerOutside => 0,
        Refusal::PairsAmbiguous => 1,
        _ => 2,
    });
    let pairings = if refusal.is_some() { every_pairing(&by_line, &groups) } else { Vec::new() };
    // A marker that is not clear may be one that the echo's border cuts, whatever line leads to it; a cross that is seen whole beside
    // print is weak only where no line leads to it.
    let is_weak = |end: Spot, pair: &Pair| {
        let mut weak = markers.iter().filter(|marker| marker.at == end && marker.proof == Proof::Weak);
        weak.any(|marker| marker.axis.is_some() || marker.outline < LONE_MIN || !by_line.contains(pair))
    };
    let is_rivalled = |pair: &&Pair| is_rivalled(pair, markers, &loose);
    let rivalled =
        by_line.iter().chain(groups.iter().flat_map(|group| &group.pairs)).filter(is_rivalled).copied().collect();
    let by_print: Vec<Pair> =
        groups.iter().filter(|group| group.is_several()).flat_map(|group| group.pairs.clone()).collect();
    // A shape in a label's place that is no number may be a letter.
    let is_open = |pair: &&Pair| pair.label.is_none() && !by_print.contains(pair) || is_rivalled(pair);
    let joined = groups.iter().flat_map(|group| &group.pairs).filter(is_open);
    let unproven = joined.chain(by_line.iter().filter(is_rivalled)).copied().collect();
    let mut pairs = by_line.clone();
    pairs.extend(groups.into_iter().flat_map(|group| group.pairs));
    let weak = pairs.iter().filter(|pair| pair.ends.into_iter().any(|end| is_weak(end, pair))).copied().collect();
    drop_doubled_labels(&mut pairs);
    Joined { pairs, pairings, unproven, rivalled, by_print, weak, by_line, unlined, is_outranked, refusal }
}

/// Whether markers that no line joins may be the ends of what is longer than a pair: a third tee or arrow that looks like its ends, or
/// two that are not clear.
fn is_rivalled(pair: &Pair, markers: &[Marker], loose: &[&Marker]) -> bool {
    // A part of an end may look like a marker too.
    let is_at = |end: &Spot, marker: &Marker| end.distance(marker.at) < marker.size();
    let others = || loose.iter().filter(|marker| !pair.ends.iter().any(|end| is_at(end, marker)));
    let is_third = |end: &Marker| end.axis.is_some() && others().any(|other| other.looks_like(end));
    let weak = || others().filter(|marker| marker.proof == Proof::Weak);
    let is_longer = |a: &Marker, b: &Marker| a.is_akin(b) && a.at.distance(b.at) > RIVAL * pair.length().0;
    let mut ends = markers.iter().filter(|marker| pair.ends.contains(&marker.at));
    ends.any(is_third) || weak().any(|a| weak().any(|b| is_longer(a, b)))
}

/// Whether a pair's ends are two crosses of one size, or two tees or arrows that look straight at each other, surely seen, with nothing
/// like them on the picture but in another colour, no line that leaves them, and no print in their colour: plus signs in print are as
/// like as calipers are.
pub(super) fn is_lone(tones: &Tones, markers: &[Marker], pair: &Pair, in_print: impl Fn(&Marker) -> bool) -> bool {
    let Some([a, b]) = ends_of(markers, pair) else { return false };
    let apart = a.tone.gap(b.tone).saturating_mul(WORN_TIMES).saturating_add(COLOURS);
    let is_double = |other: &Marker, end: &Marker| {
        !pair.ends.contains(&other.at) && other.looks_like(end) && other.tone.gap(end.tone) < apart
    };
    let is_lone = |end: &Marker| {
        end.outline >= LONE_MIN
            && end.size() >= LONE_SIZE_MIN
            && line::leaving(tones, end).is_none()
            && !markers.iter().any(|other| is_double(other, end))
            && !in_print(end)
    };
    (a.is_size_of(b) || is_straight(a, b)) && [a, b].into_iter().all(is_lone)
}

/// Whether a pair's ends are crosses of which nothing is cut.
pub(super) fn are_whole(markers: &[Marker], pair: &Pair) -> bool {
    ends_of(markers, pair).is_some_and(|[a, b]| a.is_whole_as(b))
}

/// Whether a pair's ends are opposite corners of a region's frame.
pub(super) fn are_corners(tones: &Tones, markers: &[Marker], pair: &Pair) -> bool {
    ends_of(markers, pair).is_some_and(|ends| line::are_corners(tones, ends))
}

/// Whether the line that joins a pair is one with ticks: it goes on behind its ends, or one like them lies on it.
pub(super) fn is_on_a_guide(tones: &Tones, markers: &[Marker], pair: &Pair) -> bool {
    let Some([a, b]) = ends_of(markers, pair) else { return false };
    let is_between = |other: &Marker| {
        let is_apart = [a, b].iter().all(|end| end.at.distance(other.at) > end.size());
        is_apart && other.looks_like(a) && lies_on(other.at, pair)
    };
    line::goes_on(tones, [a, b]) || markers.iter().any(is_between)
}

fn ends_of<'a>(markers: &'a [Marker], pair: &Pair) -> Option<[&'a Marker; 2]> {
    let at = |end: Spot| markers.iter().find(|marker| marker.at == end);
    Some([at(pair.ends[0])?, at(pair.ends[1])?])
}

/// Whether a pair's ends lie in one row or column.
pub(super) fn is_level(pair: &Pair) -> bool {
    let [a, b] = pair.ends;
    (a.x - b.x).abs().min((a.y - b.y).abs()) < LEVEL
}

/// Whether `at` lies on the line that joins a pair, and not at its ends.
pub(super) fn lies_on(at: Spot, pair: &Pair) -> bool {
    let [a, b] = pair.ends;
    let long = pair.length().0;
    let along = ((at.x - a.x) * (b.x - a.x) + (at.y - a.y) * (b.y - a.y)) / long;
    let aside = ((at.x - a.x) * (b.y - a.y) - (at.y - a.y) * (b.x - a.x)) / long;
    aside.abs() <= ON_LINE && (0.0..=long).contains(&along)
}

/// Each group joined in each of its ways, beside what lines join; none if there are too many, or a marker lies outside.
fn every_pairing(by_line: &[Pair], groups: &[Group]) -> Vec<Pairing> {
    let mut all: Vec<Pairing> = [Pairing { pairs: by_line.to_vec(), left_out: 0 }].into();
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
fn by_style<'a>(markers: &[&'a Marker]) -> Vec<Vec<&'a Marker>> {
    let mut styles: Vec<Vec<&Marker>> = Vec::new();
    for &marker in markers.iter().filter(|m| m.proof == Proof::Clear) {
        let alike = styles.iter_mut().filter(|style| style[0].is_alike(marker));
        match alike.min_by_key(|style| style[0].tone.gap(marker.tone)) {
            Some(style) => style.push(marker),
            None => styles.push([marker].into()),
        }
    }
    for &marker in markers.iter().filter(|m| m.proof == Proof::Weak) {
        let fits = |style: &&mut Vec<&Marker>| style.len() % 2 == 1 && style[0].is_alike(marker);
        if let Some(style) = styles.iter_mut().find(fits) {
            style.push(marker);
        }
    }
    styles
}

/// What markers of one style say that no line joins.
struct Group {
    pairs: Vec<Pair>,
    /// Every way in which they may be joined.
    open: Vec<Pairing>,
    refusal: Option<Refusal>,
    /// Whether a label stands beside one of two.
    is_labelled: bool,
}

impl Group {
    /// Whether more than being alike joins the markers.
    fn is_proven(&self) -> bool {
        self.is_labelled || self.pairs.iter().any(|pair| pair.label.is_some())
    }

    /// Whether they are more than two and labels alone join them.
    fn is_several(&self) -> bool {
        self.refusal.is_none() && self.pairs.len() > 1
    }

    /// Joins `markers`, where the longest line between others is `lined` pixels long.
    fn of(tones: &Tones, markers: &[&Marker], lined: f32) -> Self {
        let settled = settle(tones, markers, lined);
        // Looked for once, however many ways there are to join.
        let count = if settled.is_err() && (2..=OPEN_MAX).contains(&markers.len()) { markers.len() } else { 0 };
        let labels: Vec<Option<u8>> = markers[..count].iter().map(|marker| glyph::label(tones, marker)).collect();
        let joined = |joined: &[[usize; 2]]| -> Vec<Pair> {
            joined.iter().map(|&[i, j]| pair([markers[i], markers[j]], [labels[i], labels[j]])).collect()
        };
        let (open, refusal) = match settled {
            Ok(pair) => {
                let open = Pairing { pairs: [pair].into(), left_out: 0 };
                let labelled = markers.iter().filter(|marker| glyph::is_labelled(tones, marker)).count();
                return Self { pairs: [pair].into(), open: [open].into(), refusal: None, is_labelled: labelled == 1 };
            }
            Err(Refusal::PartnerOutside) => (Vec::new(), Refusal::PartnerOutside),
            Err(refusal) => {
                let all: Vec<usize> = (0..markers.len()).collect();
                let ways = matchings(&all);
                let by_number = labels::by_number(&labels).filter(|twos| are_alike(markers, twos));
                let by_print = || {
                    // A cart draws all lines or none.
                    let is_whole = lined <= 0.0 && markers.len() >= 4 && markers.len().is_multiple_of(2);
                    let way = is_whole.then(|| labels::by_print(tones, markers, &ways)).flatten()?;
                    Some(&ways[way]).filter(|twos| are_alike(markers, twos))
                };
                if let Some(twos) = by_number.as_ref().or_else(by_print) {
                    let open = Pairing { pairs: joined(twos), left_out: 0 };
                    return Self { pairs: open.pairs.clone(), open: [open].into(), refusal: None, is_labelled: true };
                }
                let pairing = |more: &Vec<[usize; 2]>| Pairing { pairs: joined(more), left_out: markers.len() % 2 };
                (ways.iter().map(pairing).collect(), refusal)
            }
        };
        Self { pairs: Vec::new(), open, refusal: Some(refusal), is_labelled: false }
    }
}

fn are_alike(markers: &[&Marker], twos: &[[usize; 2]]) -> bool {
    let is_clear = |i: usize| markers[i].proof == Proof::Clear;
    twos.iter().all(|&[i, j]| is_clear(i) && is_clear(j) && markers[i].is_alike(markers[j]))
}

/// The pair that markers are which no line joins, or why they are none.
fn settle(tones: &Tones, markers: &[&Marker], lined: f32) -> Result<Pair, Refusal> {
    let mut leaving: Vec<(usize, Leaving)> =
        (0..markers.len()).filter_map(|i| Some((i, line::leaving(tones, markers[i])?))).collect();
    if let &[a, b] = markers {
        leaving.retain(|&(from, line)| if from == 0 { !line.leads(a, b) } else { !line.leads(b, a) });
    }
    let leads_out = leaving.iter().any(|(_, line)| line.end == LineEnd::Edge);
    if leads_out || cut::has_cut_arm(tones, markers[0]) {
        return Err(Refusal::PartnerOutside);
    }
    match *markers {
        [_] => Err(Refusal::PartnerMissing),
        _ if !leaving.is_empty() => Err(Refusal::PartnerMissing),
        [a, b] => {
            let labels = [a, b].map(|marker| glyph::label(tones, marker));
            let is_labelled = labels[0].is_some() != labels[1].is_some();
            // Where others have lines, the length is not what has none, unless print says so.
            if !is_labelled && lined > 0.0 && a.at.distance(b.at) > lined {
                return Err(Refusal::PairsAmbiguous);
            }
            // Tissue has tees and arrows too: there, likeness alone joins nothing but two that look straight at each other.
            let sure = is_labelled || if a.axis.is_none() { a.is_twin(b) } else { is_straight(a, b) };
            if sure { Ok(pair([a, b], labels)) } else { Err(Refusal::PartnerMissing) }
        }
        _ => Err(Refusal::PairsAmbiguous),
    }
}

/// Whether two tees or arrows, both surely seen and alone of their look, look straight at each other.
fn is_straight(a: &Marker, b: &Marker) -> bool {
    let looks_at = |from: &Marker, to: &Marker| {
        let [dx, dy] = [to.at.x - from.at.x, to.at.y - from.at.y];
        from.axis.is_some_and(|(x, y)| x * dx + y * dy >= STRAIGHT * from.at.distance(to.at))
    };
    a.outline.min(b.outline) >= LONE_MIN && a.is_twin(b) && looks_at(a, b) && looks_at(b, a)
}

/// The pair of two markers with the number that stands beside them.
fn labelled(tones: &Tones, markers: [&Marker; 2]) -> Pair {
    pair(markers, markers.map(|marker| glyph::label(tones, marker)))
}

pub(super) fn pair([a, b]: [&Marker; 2], labels: [Option<u8>; 2]) -> Pair {
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
