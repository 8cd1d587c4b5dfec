//! Which markers have one label: a cart that labels both ends of a distance writes the same beside them.
//!
//! Markers that all have a number, or all but two, are joined by it. Else what stands out around each marker in its colour is held
//! against what stands out around the others: markers with one label have it at one place, read or not. Always holds: all markers are
//! joined, each to one other, or none. Deliberately absent: print on a marker's own line, of which a plus may be a part, and what lies
//! towards another marker, as a line does.

use super::{
    marker::Marker,
    tone::{Tone, Tones},
};
use alloc::{vec, vec::Vec};

/// How far around a marker a label is looked for, in sizes of the marker and pixels.
const VIEW: f32 = 1.2;
const VIEW_PX: f32 = 10.0;
/// A marker's own strokes, and print on its line, in sizes of the marker; half the width of a line, in pixels.
const OWN: f32 = 0.5;
const OWN_LINE: f32 = 0.3;
const LINE: f32 = 3.0;
/// The colour of a marker, on a scale like that of brightness.
const COLOUR: f32 = 100.0;
/// This part of what surrounds a marker is no label.
const GROUND: f32 = 0.92;
/// How alike the surroundings of two markers with one label are, as a correlation; how alike in what is theirs, on average; and by how
/// much more in all than joined in any other way.
const ALIKE: f32 = 0.4;
const OWN_MEAN: f32 = 0.2;
const CLEARER: f32 = 0.5;

/// The markers that have one number, where every marker has one, or every one but two, and each is that of two.
pub(super) fn by_number(labels: &[Option<u8>]) -> Option<Vec<[usize; 2]>> {
    let partner = |i: usize| {
        let mut same = (0..labels.len()).filter(|&j| j != i && labels[j] == labels[i]);
        same.next().filter(|_| labels.iter().any(Option::is_some) && same.next().is_none())
    };
    let partners: Option<Vec<usize>> = (0..labels.len()).map(partner).collect();
    let twos: Vec<[usize; 2]> = partners?.into_iter().enumerate().filter(|(i, j)| i < j).map(|(i, j)| [i, j]).collect();
    if twos.is_empty() { None } else { Some(twos) }
}

/// Which of the ways to join these markers the like print beside them tells, if one.
pub(super) fn by_print(tones: &Tones, markers: &[&Marker], ways: &[Vec<[usize; 2]>]) -> Option<usize> {
    if ways.is_empty() {
        return None;
    }
    let size = markers.iter().map(|marker| marker.size()).fold(0.0, f32::max);
    let seen: Vec<Vec<f32>> = markers.iter().map(|marker| around(tones, marker, markers, size)).collect();
    // What all have, as a box, tells nothing.
    let of_all = |fold: fn(f32, f32) -> f32, start: f32| -> Vec<f32> {
        (0..seen[0].len()).map(|at| seen.iter().map(|one| one[at]).fold(start, fold)).collect()
    };
    let least = of_all(f32::min, f32::MAX);
    let mean: Vec<f32> = of_all(|a, b| a + b, 0.0).iter().map(|sum| sum / seen.len() as f32).collect();
    let raw = correlations(&seen.iter().map(|one| centred(less(one, &least))).collect::<Vec<_>>());
    let own = correlations(&seen.iter().map(|one| less(one, &mean)).collect::<Vec<_>>());
    let sum = |way: &Vec<[usize; 2]>| way.iter().map(|&[i, j]| own[i][j]).sum::<f32>();
    let mut sums: Vec<(f32, usize)> = ways.iter().map(sum).zip(0..).collect();
    sums.sort_by(|a, b| b.0.total_cmp(&a.0));
    let [(best, way), rest @ ..] = &sums[..] else { return None };
    let is_clear = rest.first().is_none_or(|(second, _)| *best >= second + CLEARER);
    let are_alike = ways[*way].iter().all(|&[i, j]| raw[i][j] >= ALIKE && own[i][j] >= 0.0);
    (is_clear && are_alike && *best >= OWN_MEAN * ways[*way].len() as f32).then_some(*way)
}

/// How much what surrounds a marker stands out from most of it in brightness and in its colour, 1 for as much as the marker does.
fn around(tones: &Tones, marker: &Marker, markers: &[&Marker], size: f32) -> Vec<f32> {
    let view = (VIEW * size + VIEW_PX) as i32;
    let own = (OWN * size) as i32 + 1;
    let line = (OWN_LINE * size) as i32;
    let is_own = |dx: i32, dy: i32| dy.abs() <= line || dx.abs() <= own && dy.abs() <= own;
    let leads_on = |dx: f32, dy: f32| {
        markers.iter().filter(|other| other.at != marker.at).any(|other| {
            let [x, y] = [other.at.x - marker.at.x, other.at.y - marker.at.y];
            let long = libm::hypotf(x, y);
            dx * x + dy * y >= 0.0 && (dx * y - dy * x).abs() <= LINE * long
        })
    };
    let places: Vec<(f32, f32)> = (-view..=view)
        .flat_map(|dy| (-view..=view).map(move |dx| (dx, dy)))
        .filter(|&(dx, dy)| !is_own(dx, dy))
        .map(|(dx, dy)| (dx as f32, dy as f32))
        .collect();
    let mut seen = vec![1.0_f32; places.len()];
    let ink = |tone: Tone| f32::from(tone.ink());
    let nearness = |tone: Tone| -f32::from(tone.gap(marker.tone));
    let colour = |tone: Tone| COLOUR * tone.colour_like(marker.tone).min(1.0);
    let all: [&dyn Fn(Tone) -> f32; 3] = [&ink, &nearness, &colour];
    // Tissue is as bright as coloured print, and is grey.
    for of in &all[..if marker.tone.is_coloured() { 3 } else { 2 }] {
        let all: Vec<f32> = places.iter().map(|(dx, dy)| at(tones, marker.at.x + dx, marker.at.y + dy, of)).collect();
        let mut sorted = all.clone();
        sorted.sort_by(f32::total_cmp);
        let ground = sorted[(GROUND * sorted.len() as f32) as usize];
        let most = (of(marker.tone) - ground).max(1.0);
        for (seen, value) in seen.iter_mut().zip(all) {
            *seen = seen.min(((value - ground) / most).clamp(0.0, 1.0));
        }
    }
    for (seen, &(dx, dy)) in seen.iter_mut().zip(&places) {
        if leads_on(dx, dy) {
            *seen = 0.0;
        }
    }
    seen
}

/// What the four pixels around a place say of it, each as it is near.
fn at(tones: &Tones, x: f32, y: f32, of: &dyn Fn(Tone) -> f32) -> f32 {
    let (left, top) = (libm::floorf(x), libm::floorf(y));
    let of = |right: i32, down: i32| of(tones.get(left as i32 + right, top as i32 + down).unwrap_or(Tone::BLACK));
    let (right, down) = (x - left, y - top);
    let row = |down: i32| (1.0 - right) * of(0, down) + right * of(1, down);
    (1.0 - down) * row(0) + down * row(1)
}

fn less(values: &[f32], others: &[f32]) -> Vec<f32> {
    values.iter().zip(others).map(|(value, other)| value - other).collect()
}

/// Values less their mean.
fn centred(mut values: Vec<f32>) -> Vec<f32> {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    values.iter_mut().for_each(|value| *value -= mean);
    values
}

fn correlations(all: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let long: Vec<f32> = all.iter().map(|one| libm::sqrtf(product(one, one)).max(f32::MIN_POSITIVE)).collect();
    let row = |i: usize| (0..all.len()).map(|j| product(&all[i], &all[j]) / long[i] / long[j]).collect();
    (0..all.len()).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_number_beside_every_marker_expect_those_of_one_number_joined() {
        let joined = |labels: &[u8]| by_number(&labels.iter().map(|&n| (n > 0).then_some(n)).collect::<Vec<_>>());
        assert_eq!(joined(&[1, 2, 2, 1]), Some([[0, 3], [1, 2]].into()));
        assert_eq!(joined(&[3, 3]), Some([[0, 1]].into()));
        // Two cannot be read, and are those that are left.
        assert_eq!(joined(&[1, 0, 0, 1]), Some([[0, 3], [1, 2]].into()));
        // One cannot be read; one is alone; three have one number; none has any.
        for labels in [&[1, 2, 0, 1][..], &[1, 2, 3, 1], &[1, 1, 1, 2], &[0, 0], &[]] {
            assert_eq!(joined(labels), None, "{labels:?}");
        }
    }
}
