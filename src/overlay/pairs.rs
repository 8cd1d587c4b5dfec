//! Markers -> pairs, or why they cannot be joined.
//!
//! Only markers drawn alike belong together. A line between two of them settles it; without lines there must be just
//! two. Whatever is left over, or leads out of the picture, is a reason to refuse: a pair is never guessed.

use super::{
    Pair,
    candidates::{Marker, Proof},
    cross::ARMS,
    glyph,
    line::{self, Leaving, LineEnd},
    tone::Tones,
};
use crate::refusal::Refusal;
use alloc::vec::Vec;

/// More markers than this are not calipers, and need not be joined.
const MARKERS_MAX: usize = 24;

/// The pairs found, and the reason why they are not all that there is to know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Joined {
    pub pairs: Vec<Pair>,
    pub refusal: Option<Refusal>,
}

/// Joins markers to pairs.
pub(crate) fn join(tones: &Tones, markers: &[Marker]) -> Joined {
    let styles = by_style(markers);
    if styles.is_empty() {
        return Joined { pairs: Vec::new(), refusal: Some(Refusal::NoMarkers) };
    }
    if markers.len() > MARKERS_MAX {
        return Joined { pairs: Vec::new(), refusal: Some(Refusal::PairsAmbiguous) };
    }
    let groups: Vec<Group> = styles.iter().map(|style| Group::of(tones, style)).collect();
    // Beside a pair that its line or its label proves, what is drawn otherwise matters only if it may be the length.
    let longest = |group: &Group| group.pairs.iter().map(|pair| pair.length().0).fold(0.0, f32::max);
    let proven = |group: &&Group| group.refusal.is_none() && group.is_proven();
    let length = groups.iter().filter(proven).map(longest).fold(0.0, f32::max);
    let rivals = length > 0.0 && groups.iter().any(|group| !group.is_proven() && longest(group) > length);
    let counts = |group: &&Group| length == 0.0 || group.by_line || group.count > 1 && group.refusal.is_some();
    let refusals = groups.iter().filter(counts).filter_map(|group| group.refusal);
    let refusal = refusals.chain(rivals.then_some(Refusal::PairsAmbiguous)).min_by_key(|refusal| match refusal {
        Refusal::PartnerOutside => 0,
        Refusal::PairsAmbiguous => 1,
        _ => 2,
    });
    let mut pairs: Vec<Pair> = groups.into_iter().flat_map(|group| group.pairs).collect();
    drop_doubled_labels(&mut pairs);
    Joined { pairs, refusal }
}

/// Groups markers that are drawn alike; each group has a clear marker, and its weak ones are like that.
fn by_style(markers: &[Marker]) -> Vec<Vec<&Marker>> {
    let mut styles: Vec<Vec<&Marker>> = Vec::new();
    for proof in [Proof::Clear, Proof::Weak, Proof::Cut] {
        for marker in markers.iter().filter(|m| m.proof == proof) {
            match styles.iter_mut().find(|style| style[0].is_alike(marker)) {
                Some(style) => style.push(marker),
                None if proof == Proof::Clear => styles.push([marker].into()),
                None => {}
            }
        }
    }
    styles
}

/// What markers of one style say.
struct Group {
    pairs: Vec<Pair>,
    count: usize,
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
        let mut lines: Vec<[usize; 2]> = Vec::new();
        for i in 0..markers.len() {
            lines
                .extend((i + 1..markers.len()).filter(|&j| line::joins(tones, markers[i], markers[j])).map(|j| [i, j]));
        }
        let degree = |i: usize| lines.iter().filter(|line| line.contains(&i)).count();
        let group = |joined: &[[usize; 2]], refusal| Self {
            pairs: joined.iter().map(|&[i, j]| pair(tones, markers[i], markers[j])).collect(),
            count: markers.len(),
            by_line: !lines.is_empty(),
            refusal,
        };
        if (0..markers.len()).any(|i| degree(i) > 1) {
            return group(&[], Some(Refusal::PairsAmbiguous));
        }
        if markers.iter().any(|m| m.proof == Proof::Cut) {
            return group(&lines, Some(Refusal::PartnerOutside));
        }
        let loose: Vec<usize> = (0..markers.len()).filter(|&i| degree(i) == 0).collect();
        if loose.is_empty() {
            return group(&lines, None);
        }
        let mut leaving: Vec<(usize, Leaving)> =
            loose.iter().filter_map(|&i| Some((i, line::leaving(tones, markers[i])?))).collect();
        if let (&[i, j], []) = (&loose[..], &lines[..]) {
            leaving.retain(|&(from, line)| !line.leads(markers[from], markers[if from == i { j } else { i }]));
        }
        let leads_out = leaving.iter().any(|(_, line)| line.end == LineEnd::Edge);
        if leads_out || has_cut_arm(tones, markers[0]) {
            return group(&lines, Some(Refusal::PartnerOutside));
        }
        match (&loose[..], &lines[..]) {
            (&[_], _) => group(&lines, Some(Refusal::PartnerMissing)),
            _ if !leaving.is_empty() => group(&lines, Some(Refusal::PartnerMissing)),
            (&[i, j], []) => {
                let only = group(&[[i, j]], None);
                let sure = only.pairs[0].label.is_some() || markers[i].is_twin(markers[j]);
                if sure { only } else { group(&[], Some(Refusal::PartnerMissing)) }
            }
            _ => group(&lines, Some(Refusal::PairsAmbiguous)),
        }
    }
}

fn pair(tones: &Tones, a: &Marker, b: &Marker) -> Pair {
    let (first, second) = if (a.at.x, a.at.y) <= (b.at.x, b.at.y) { (a, b) } else { (b, a) };
    let label = match (glyph::label(tones, first), glyph::label(tones, second)) {
        (Some(label), None) | (None, Some(label)) => Some(label),
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
    ARMS.into_iter().any(|(dx, dy)| {
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
