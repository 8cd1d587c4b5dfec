//! Markers -> the lines that join them, each marker to one other.
//!
//! A line joins two markers that are drawn alike; where lines hang together, as where they cross near markers, those count that leave
//! each marker just one partner. Deliberately absent: how a line is seen, which [`line`](super::line) says.

use super::{
    Pair, line,
    marker::{Marker, Proof},
    pairs::{OPEN_MAX, lies_on, pair},
    tone::Tones,
};
use alloc::vec::Vec;

/// So many markers on a line between two that look alike make a row of all of them.
const ROW_MIN: usize = 2;

/// The lines between markers that are drawn alike, as indices of both.
pub(super) struct Lines {
    /// Those that leave each marker one partner.
    pub only: Vec<[usize; 2]>,
    /// Whether there are markers that others leave several.
    pub tangled: bool,
}

impl Lines {
    /// Finds them where one marker is clear; where none is, between any.
    pub fn among(tones: &Tones, markers: &[Marker]) -> Self {
        let is_clear = |i: usize| markers[i].proof == Proof::Clear;
        let any_clear = (0..markers.len()).any(is_clear);
        let is_line = |&[i, j]: &[usize; 2]| {
            let (a, b) = (&markers[i], &markers[j]);
            (is_clear(i) || is_clear(j) || !any_clear) && a.is_alike(b) && line::joins(tones, a, b)
        };
        let count = markers.len();
        let mut all: Vec<[usize; 2]> =
            (0..count).flat_map(|i| (i + 1..count).map(move |j| [i, j])).filter(is_line).collect();
        // A line that ends on another one, where the two cross, is a part of that.
        let whole = all.clone();
        let pairs = whole.iter().map(|&[i, j]| pair([&markers[i], &markers[j]], [None; 2]));
        let pairs: Vec<Pair> = pairs.collect();
        let ends_on =
            |i: usize| pairs.iter().any(|pair| !pair.ends.contains(&markers[i].at) && lies_on(markers[i].at, pair));
        all.retain(|line| !line.iter().any(|&i| ends_on(i)));
        // Several markers in one row may be what looks like its dots.
        let is_row = |&[i, j]: &[usize; 2]| {
            let joined = pair([&markers[i], &markers[j]], [None; 2]);
            let on = |marker: &&Marker| !joined.ends.contains(&marker.at) && lies_on(marker.at, &joined);
            markers.iter().filter(on).filter(|marker| marker.is_drawn_as(&markers[i])).count() >= ROW_MIN
        };
        all.retain(|line| !is_row(line));
        let (mut only, mut tangled) = (Vec::new(), false);
        while let Some(&first) = all.first() {
            let net = net_of(first, &all);
            all.retain(|line| !net.contains(line));
            match &matched(&net)[..] {
                [one] => only.extend(one),
                _ => tangled = true,
            }
        }
        Self { only, tangled }
    }

    pub fn join(&self, marker: usize) -> bool {
        self.only.iter().any(|line| line.contains(&marker))
    }
}

/// All of `lines` that hang together with `first`.
fn net_of(first: [usize; 2], lines: &[[usize; 2]]) -> Vec<[usize; 2]> {
    let mut net = Vec::from([first]);
    while let Some(&more) = lines.iter().find(|line| !net.contains(line) && net.iter().any(|other| touch(other, line)))
    {
        net.push(more);
    }
    net
}

fn touch(one: &[usize; 2], other: &[usize; 2]) -> bool {
    one.iter().any(|end| other.contains(end))
}

/// Every choice among lines that hang together that gives each of their markers just one; none if they are too many to try.
fn matched(net: &[[usize; 2]]) -> Vec<Vec<[usize; 2]>> {
    let Some(&first) = net.first() else { return [Vec::new()].into() };
    if net.len() > OPEN_MAX {
        return Vec::new();
    }
    let marker = first[0];
    let own = net.iter().filter(|line| line.contains(&marker));
    own.flat_map(|&line| {
        let rest: Vec<[usize; 2]> = net.iter().filter(|other| !touch(other, &line)).copied().collect();
        // A marker all of whose lines are gone has none.
        let lost = net.iter().flatten().any(|end| !line.contains(end) && !rest.iter().any(|other| other.contains(end)));
        let more = if lost { Vec::new() } else { matched(&rest) };
        more.into_iter().map(move |mut lines| {
            lines.push(line);
            lines
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_lines_that_hang_together_expect_every_choice_that_leaves_no_marker_alone() {
        let count = |lines: &[[usize; 2]]| matched(lines).len();
        assert_eq!(matched(&[[0, 1], [1, 2], [2, 3]]), [[[2, 3], [0, 1]]]);
        assert_eq!((count(&[[0, 1], [1, 2], [2, 3], [0, 3]]), count(&[[0, 1], [1, 2], [0, 2]])), (2, 0));
        assert_eq!((count(&[[0, 1], [0, 2], [0, 3]]), count(&[[0, 1]])), (0, 1));
    }
}
