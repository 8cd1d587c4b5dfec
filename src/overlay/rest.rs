//! Ink in a pair's colour that belongs to no pair that was found: a longer measurement's line, of which nothing else was seen.
//!
//! Only markers with a colour are looked at, as echo has none. The line is what is left of the ink when whatever lies farther from its
//! middle line is dropped again and again, as long as that has ink all along. A trace of the heart, which runs along a row, is none.
//! Deliberately absent: where the line ends.

use super::{Pair, echo::Echo, lengths::RIVAL, marker::Marker, tone::Tones};
use crate::frame::Spot;
use alloc::{vec, vec::Vec};

/// How far from the line between a pair's ends its own ink lies, and its labels from its ends, in sizes of the marker and pixels.
const OWN: f32 = 0.5;
const OWN_LABEL: f32 = 2.0;
const OWN_PX: f32 = 4.0;
/// How often ink that is farther away than the root mean square is dropped; nearer than this it stays, in sizes of the marker.
const ROUNDS: usize = 8;
const NEAR: f32 = 0.6;
/// Parts of the line that are looked at, and how many must have ink.
const PARTS: usize = 16;
const FILLED: usize = 14;

/// The sine of the least angle to rows and columns of what may be a measurement's line.
const LEVEL: f32 = 0.02;

/// Whether there is a line on the echo in the colour of `marker` beside these pairs, their lines and their labels, so long that a pair
/// of its length would rival the longest.
pub(super) fn has_line(tones: &Tones, echo: Option<&Echo>, marker: &Marker, pairs: &[Pair]) -> bool {
    if !marker.tone.is_coloured() {
        return false;
    }
    let size = marker.size();
    let is_own = |at: Spot| pairs.iter().any(|pair| is_of(pair, at, OWN * size + OWN_PX, OWN_LABEL * size + OWN_PX));
    let mut ink = Vec::new();
    let mut gaps = vec![0; tones.width() as usize];
    for y in 0..tones.height() {
        tones.gaps(y, 0, marker.tone, &mut gaps);
        let near = gaps.iter().enumerate().filter(|&(_, &gap)| gap <= marker.tolerance());
        let near = near.map(|(x, _)| Spot { x: x as f32, y: y as f32 });
        ink.extend(near.filter(|&at| echo.is_none_or(|echo| echo.holds(at.x, at.y)) && !is_own(at)));
    }
    let longest = pairs.iter().map(|pair| pair.length().0).fold(0.0, f32::max);
    length_of_line(&ink, NEAR * size) > RIVAL * longest
}

/// Whether a place is as near to the line between a pair's ends, or to one of them.
fn is_of(pair: &Pair, at: Spot, line: f32, end: f32) -> bool {
    let [a, b] = pair.ends;
    let long = pair.length().0.max(1.0);
    let [dx, dy] = [(b.x - a.x) / long, (b.y - a.y) / long];
    let along = ((at.x - a.x) * dx + (at.y - a.y) * dy).clamp(0.0, long);
    let nearest = Spot { x: a.x + along * dx, y: a.y + along * dy };
    at.distance(nearest) <= line || a.distance(at).min(b.distance(at)) <= end
}

/// The length of the line that most of these places lie on, none farther than `near` beside it; 0 where there is none.
fn length_of_line(all: &[Spot], near: f32) -> f32 {
    let mut places = all.to_vec();
    for _ in 0..ROUNDS {
        let line = Line::through(&places);
        let far = line.aside.max(near);
        places.retain(|&at| line.parts(at)[1].abs() <= far);
    }
    let line = Line::through(&places);
    // What was dropped while the line was another one may lie on it.
    places = all.iter().copied().filter(|&at| line.parts(at)[1].abs() <= near).collect();
    let along = || places.iter().map(|&at| line.parts(at)[0]);
    let (least, most) = (along().fold(f32::MAX, f32::min), along().fold(f32::MIN, f32::max));
    let mut filled = [false; PARTS];
    along().for_each(|at| filled[((at - least) / (most - least).max(1.0) * (PARTS as f32 - 0.5)) as usize] = true);
    let is_slanted = line.along.into_iter().all(|part| part.abs() >= LEVEL);
    let is_line = is_slanted && filled.into_iter().filter(|&has| has).count() >= FILLED;
    if is_line { most - least } else { 0.0 }
}

/// The line that places lie nearest to.
struct Line {
    middle: Spot,
    along: [f32; 2],
    /// How far they lie beside it, root mean square.
    aside: f32,
}

impl Line {
    fn through(places: &[Spot]) -> Self {
        let count = places.len().max(1) as f32;
        let mean = |of: &dyn Fn(&Spot) -> f32| places.iter().map(of).sum::<f32>() / count;
        let middle = Spot { x: mean(&|at| at.x), y: mean(&|at| at.y) };
        let [xx, xy, yy] = [
            mean(&|at| (at.x - middle.x) * (at.x - middle.x)),
            mean(&|at| (at.x - middle.x) * (at.y - middle.y)),
            mean(&|at| (at.y - middle.y) * (at.y - middle.y)),
        ];
        let angle = libm::atan2f(2.0 * xy, xx - yy) / 2.0;
        let less = libm::sqrtf((xx - yy) * (xx - yy) / 4.0 + xy * xy);
        let aside = libm::sqrtf(((xx + yy) / 2.0 - less).max(0.0));
        Self { middle, along: [libm::cosf(angle), libm::sinf(angle)], aside }
    }

    /// How far along the line a place is, from its middle, and how far beside it.
    fn parts(&self, at: Spot) -> [f32; 2] {
        let ([x, y], [dx, dy]) = ([at.x - self.middle.x, at.y - self.middle.y], self.along);
        [x * dx + y * dy, y * dx - x * dy]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dots(from: (f32, f32), to: (f32, f32)) -> impl Iterator<Item = Spot> {
        let at = move |part: f32| Spot { x: from.0 + part * (to.0 - from.0), y: from.1 + part * (to.1 - from.1) };
        (0..100).map(move |i| at(i as f32 / 99.0))
    }

    #[test]
    fn given_a_line_of_dots_beside_other_ink_expect_its_length() {
        let line = || dots((100.0, 300.0), (500.0, 380.0));
        let square = (0..5).flat_map(|x| (0..5).map(move |y| Spot { x: 150.0 + x as f32, y: 600.0 + y as f32 }));
        for places in [line().collect::<Vec<_>>(), line().chain(square).collect()] {
            assert!((length_of_line(&places, 6.0) - 407.9).abs() < 8.0);
        }
    }

    #[test]
    fn given_ink_in_two_places_or_all_around_or_in_a_row_or_none_expect_no_line() {
        let two = dots((100.0, 100.0), (110.0, 104.0)).chain(dots((500.0, 300.0), (510.0, 304.0)));
        let around = (0..360).map(|i| (i as f32).to_radians()).map(|a| Spot { x: 300.0 * a.cos(), y: 300.0 * a.sin() });
        let row = dots((100.0, 400.0), (700.0, 400.0));
        for places in [two.collect::<Vec<_>>(), around.collect(), row.collect(), Vec::new()] {
            assert_eq!(length_of_line(&places, 6.0), 0.0);
        }
    }
}
