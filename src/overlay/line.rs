//! The dotted or solid line that a cart draws from a marker to its partner.
//!
//! A line is found by walking straight away from a marker: its dots have about the marker's colour, what lies beside
//! them has not, and they come at even steps. Echo gives neither even steps nor dots all the way. Between two markers a line that
//! shows no dots may still stand out as a whole: see [`ridge`].

use super::{
    marker::Marker,
    ridge,
    tone::{Tone, Tones},
};
use crate::frame::Spot;
use alloc::vec::Vec;

/// Dots nearer together or farther apart than this are no line, in pixels.
const STEP_MIN: f32 = 3.0;
const STEP_MAX: f32 = 14.0;
/// The least part of its places at which a line has its dots, and how many standard deviations that must lie above
/// chance.
const HIT_MIN: f32 = 0.6;
const SURE: f32 = 5.0;
const SURE_SMEARED: f32 = 6.5;
/// From this step on a dot and the gap beside it are told apart even where dots lie a pixel off.
const LOOSE_STEP_MIN: f32 = 4.5;
/// The fewest dots that make a line between two markers, and one that leads anywhere.
const DOTS_MIN: usize = 5;
const DOTS_ANYWHERE_MIN: usize = 8;
/// Where this part of all that surrounds a marker looks like dots, tissue has its colour, and a line must be longer.
const SPECKLED: f32 = 0.06;
const DOTS_IN_SPECKLE_MIN: usize = 20;
/// How far dots may lie from even steps, root mean square, in pixels. Dots are drawn on whole pixels.
const UNEVEN_MAX: f32 = 0.7;
/// A dot that is smeared over two pixels keeps less than its colour: it must still stand out from both sides by this,
/// and cover this part of the way to the marker's colour.
const STANDS_OUT: u8 = 24;
const COVER_MIN: f32 = 0.3;
/// Directions tried around a marker: at 400 pixels two neighbours are 1.7 pixels apart, within a dot's width.
const DIRECTIONS: i32 = 1440;

/// How far behind a marker a line is looked for, in pixels: dots enough at any step.
const BEHIND: f32 = 5.0 * STEP_MAX;
/// How far beside a frame's side its ground is looked at, in pixels; the least part of a side that has its colour and not the ground,
/// and the fewest of such sides.
const BESIDE: f32 = 4.0;
const DRAWN_MIN: f32 = 0.3;
const SIDES_MIN: usize = 3;
/// How much of a marker's colour a dash has at least.
const TINT_MIN: f32 = 0.5;
/// Two directions at most 3 degrees apart count as one: the cosine of that.
const TOWARDS: f32 = 0.9986;

/// How a line that starts at a marker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// At the picture's edge.
    Edge,
    /// On the picture.
    Inside,
}

/// Whether a line joins two markers.
pub(crate) fn joins(tones: &Tones, from: &Marker, to: &Marker) -> bool {
    let length = from.at.distance(to.at) - (from.size() + to.size()) / 2.0;
    let direction = [(to.at.x - from.at.x) / from.at.distance(to.at), (to.at.y - from.at.y) / from.at.distance(to.at)];
    if length < 2.0 * STEP_MAX {
        return false;
    }
    let dots = Dots::walk(tones, from, direction, length + from.size() / 2.0);
    dots.are_periodic() || dots.is_solid(length) || ridge::stands_out(tones, from, to)
}

/// Whether the line that joins two markers goes on behind one of them, as a guide's does through its ticks.
pub(crate) fn goes_on(tones: &Tones, ends: [&Marker; 2]) -> bool {
    let is_behind = |[from, to]: [&Marker; 2]| {
        let long = from.at.distance(to.at);
        let direction = [(to.at.x - from.at.x) / long, (to.at.y - from.at.y) / long];
        let dots = Dots::walk(tones, to, direction, BEHIND + to.size() / 2.0);
        dots.are_periodic() && dots.are_on_a_lattice()
    };
    let [a, b] = ends;
    is_behind([a, b]) || is_behind([b, a])
}

/// Whether two markers are opposite corners of an upright frame, as that of a region is: most of its sides are drawn in their colour.
pub(crate) fn are_corners(tones: &Tones, [a, b]: [&Marker; 2]) -> bool {
    let corners = [Spot { x: a.at.x, y: b.at.y }, Spot { x: b.at.x, y: a.at.y }];
    let sides = corners.into_iter().flat_map(|corner| [(a, corner), (b, corner)]);
    sides.filter(|&(marker, corner)| is_drawn(tones, marker, corner)).count() >= SIDES_MIN
}

/// Whether there is a line, of whatever dashes, from a marker straight to a place: more of its colour than beside it.
fn is_drawn(tones: &Tones, marker: &Marker, to: Spot) -> bool {
    let long = marker.at.distance(to);
    let [dx, dy] = [(to.x - marker.at.x) / long, (to.y - marker.at.y) / long];
    let places =
        || (1..).map(|i| marker.size() / 2.0 + i as f32).take_while(|along| *along < long - marker.size() / 2.0);
    let has_colour = |along: f32, off: f32| {
        let spot = Spot { x: marker.at.x + along * dx - off * dy, y: marker.at.y + along * dy + off * dx };
        let is_tinted = |tone: Tone| marker.tone.is_coloured() && tone.colour_like(marker.tone) >= TINT_MIN;
        tones.nearest(spot).is_some_and(|tone| is_tinted(tone) || tone.gap(marker.tone) <= marker.tolerance())
    };
    let count =
        |offs: [f32; 3]| places().filter(|&along| offs.into_iter().any(|off| has_colour(along, off))).count() as f32;
    let beside = count([-1.0 - BESIDE, -BESIDE, 1.0 - BESIDE]).max(count([BESIDE - 1.0, BESIDE, BESIDE + 1.0]));
    let all = places().count() as f32;
    all >= 2.0 * STEP_MAX && count([-1.0, 0.0, 1.0]) - beside >= DRAWN_MIN * all
}

/// A line that leaves a marker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Leaving {
    /// Where to, as a vector of length 1.
    direction: [f32; 2],
    pub end: LineEnd,
}

impl Leaving {
    /// Whether the line leads from the marker `from` towards `to`, though it was not seen all the way.
    pub(crate) fn leads(&self, from: &Marker, to: &Marker) -> bool {
        let [dx, dy] = [to.at.x - from.at.x, to.at.y - from.at.y];
        self.direction[0] * dx + self.direction[1] * dy >= TOWARDS * from.at.distance(to.at)
    }
}

/// The longest line that leaves `marker`, one to the picture's edge before others.
pub(crate) fn leaving(tones: &Tones, marker: &Marker) -> Option<Leaving> {
    let far = (tones.width() + tones.height()) as f32;
    let mut lines: Vec<(usize, Leaving)> = Vec::new();
    let (mut covered, mut steps) = (0, 0);
    for i in 0..DIRECTIONS {
        let angle = i as f32 * core::f32::consts::TAU / DIRECTIONS as f32;
        let direction = [libm::cosf(angle), libm::sinf(angle)];
        let dots = Dots::walk(tones, marker, direction, far);
        covered += dots.covered();
        steps += dots.steps.len();
        let near = dots.at.first().is_some_and(|at| *at <= marker.size() / 2.0 + STEP_MAX);
        if near && dots.at.len() >= DOTS_ANYWHERE_MIN && dots.are_on_a_lattice() {
            lines.push((dots.at.len(), Leaving { direction, end: dots.end }));
        }
    }
    let speckled = covered as f32 > SPECKLED * steps as f32;
    lines.retain(|(dots, _)| !speckled || *dots >= DOTS_IN_SPECKLE_MIN);
    lines.into_iter().max_by_key(|(dots, line)| (line.end == LineEnd::Edge, *dots)).map(|(_, line)| line)
}

/// Whether a pixel whose colour is `dot` away from the marker's is a dot's, by what lies beside it.
fn is_dot(marker: &Marker, dot: u8, on: impl Fn(f32) -> Option<u8>) -> bool {
    let own = marker.tolerance();
    // What lies beside must be so far from the colour at least: most places are done with at the first look.
    let exact_from = (dot <= own).then(|| own.saturating_add(5));
    let smeared_from = (!marker.is_exact()).then(|| dot.saturating_add(STANDS_OUT));
    let Some(least) = exact_from.into_iter().chain(smeared_from).min() else { return false };
    let first = on(-3.5);
    if first.is_some_and(|gap| gap < least) {
        return false;
    }
    let beside = [first, on(3.5)].into_iter().flatten().min().unwrap_or(0);
    let cover = 1.0 - f32::from(dot) / f32::from(beside.max(1));
    exact_from.is_some_and(|from| beside >= from)
        || smeared_from.is_some_and(|from| beside >= from) && cover >= COVER_MIN
}

/// What a walk away from a marker met.
struct Dots {
    /// The middles of the dots, by their distance from the marker's centre.
    at: Vec<f32>,
    /// For each step of one pixel, whether it lay on a dot.
    steps: Vec<bool>,
    /// Whether the dots went on to the picture's edge.
    end: LineEnd,
    /// How many standard deviations above chance they must be.
    sure: f32,
}

impl Dots {
    /// Walks from the marker's arms outwards for `length` pixels, or until the dots cease.
    fn walk(tones: &Tones, marker: &Marker, [dx, dy]: [f32; 2], length: f32) -> Self {
        let sure = if marker.is_exact() { SURE } else { SURE_SMEARED };
        let mut dots = Self { at: Vec::new(), steps: Vec::new(), end: LineEnd::Inside, sure };
        let start = marker.size() / 2.0 + 1.0;
        let (mut along, mut last, mut entered) = (start, start, None);
        while along <= length {
            let on = |off: f32| {
                let spot = Spot { x: marker.at.x + along * dx - off * dy, y: marker.at.y + along * dy + off * dx };
                tones.nearest(spot).map(|t| t.gap(marker.tone))
            };
            let Some(middle) = on(0.0) else {
                if along - last <= STEP_MAX {
                    dots.end = LineEnd::Edge;
                }
                break;
            };
            let dot = [on(-1.0), on(1.0)].into_iter().flatten().fold(middle, u8::min);
            let dotted = is_dot(marker, dot, on);
            dots.steps.push(dotted);
            if dotted {
                entered.get_or_insert(along);
                last = along;
            } else if let Some(from) = entered.take() {
                dots.at.push((from + along - 1.0) / 2.0);
            }
            if along - last > STEP_MAX && length > (tones.width() + tones.height() - 1) as f32 {
                break;
            }
            along += 1.0;
        }
        dots.at.extend(entered.map(|from| (from + along - 1.0) / 2.0));
        dots
    }

    /// The usual distance between neighbouring dots.
    fn step(&self) -> f32 {
        let mut steps: Vec<f32> = self.at.windows(2).map(|w| w[1] - w[0]).collect();
        steps.sort_by(f32::total_cmp);
        steps.get(steps.len() / 2).copied().unwrap_or(f32::INFINITY)
    }

    /// Whether most dots follow each other at the same step, a missing one allowed.
    fn are_even(&self) -> bool {
        let step = self.step();
        let fits = |gap: f32| (gap - step).abs() <= 1.5 || (gap - 2.0 * step).abs() <= 1.5;
        let even = self.at.windows(2).filter(|w| fits(w[1] - w[0])).count();
        self.at.len() >= DOTS_MIN && step <= STEP_MAX && 4 * even >= 3 * (self.at.len() - 1)
    }

    /// Whether all dots lie at whole steps from the first, which no texture keeps up.
    fn are_on_a_lattice(&self) -> bool {
        let (Some(&first), true) = (self.at.first(), self.are_even()) else { return false };
        let step = self.step();
        // Numbered one after the other, so that a step that is slightly off does not add up.
        let mut number = 0.0;
        let mut numbered: Vec<[f32; 2]> = [[0.0, first]].into();
        for pair in self.at.windows(2) {
            number += libm::roundf((pair[1] - pair[0]) / step).max(1.0);
            numbered.push([number, pair[1]]);
        }
        let count = numbered.len() as f32;
        let [mean_n, mean_at] = [0, 1].map(|i| numbered.iter().map(|dot| dot[i]).sum::<f32>() / count);
        let product = |i: usize, j: usize| {
            let means = [mean_n, mean_at];
            numbered.iter().map(|dot| (dot[i] - means[i]) * (dot[j] - means[j])).sum::<f32>()
        };
        let left_over = product(1, 1) - product(0, 1) * product(0, 1) / product(0, 0);
        number <= 1.25 * count && left_over <= UNEVEN_MAX * UNEVEN_MAX * count
    }

    /// Whether dots come at one step all the way, seen against how much looks like dots between them.
    fn are_periodic(&self) -> bool {
        let covered = self.covered() as f32;
        let wide: Vec<bool> = (0..self.steps.len())
            .map(|at| self.steps[at.saturating_sub(1)..(at + 2).min(self.steps.len())].contains(&true))
            .collect();
        // Each place needs a dotted step of its own: with too few of them no phase of this step can be a line.
        let fewest = |step: f32| HIT_MIN * (self.steps.len() as f32 / step - 2.0);
        let steps = (STEP_MIN as i32 * 8..=STEP_MAX as i32 * 8).map(|eighths| eighths as f32 / 8.0);
        let steps = steps.filter(|step| covered >= fewest(*step));
        steps.flat_map(|step| (0..libm::ceilf(step) as i32).map(move |phase| (step, phase as f32))).any(
            |(step, phase)| {
                // A short dot may lie a pixel off its place; looking there too costs certainty where much looks like
                // dots.
                self.have_period(&self.steps, step, phase)
                    || (step >= LOOSE_STEP_MIN && self.have_period(&wide, step, phase))
            },
        )
    }

    /// The same at one step, from `phase` on; `steps` says where there are dots.
    fn have_period(&self, steps: &[bool], step: f32, phase: f32) -> bool {
        let part = |phase: f32, range: core::ops::Range<usize>| {
            // Rounding by a cast, which is many times as fast; no place is negative.
            let places =
                (0u16..).map(|i| (phase + f32::from(i) * step + 0.5) as usize).take_while(|at| *at < range.end);
            let (mut count, mut hits) = (0u16, 0u16);
            for at in places.filter(|at| *at >= range.start) {
                count += 1;
                hits += u16::from(steps[at]);
            }
            (f32::from(count), f32::from(hits) / f32::from(count.max(1)))
        };
        let all = 0..steps.len();
        let (count, hit) = part(phase, all.clone());
        if count < DOTS_MIN as f32 || hit < HIT_MIN {
            return false;
        }
        let between = [0.4, 0.5, 0.6].map(|off| part((phase + off * step) % step, all.clone()).1);
        let ground = between.iter().sum::<f32>() / between.len() as f32;
        let sure = hit - ground >= self.sure * libm::sqrtf((ground * (1.0 - ground) + 0.02) / count);
        let third = steps.len() / 3;
        sure && (0..3).all(|i| part(phase, i * third..(i + 1) * third).1 >= HIT_MIN / 2.0)
    }

    fn covered(&self) -> usize {
        self.steps.iter().filter(|on| **on).count()
    }

    fn is_solid(&self, length: f32) -> bool {
        self.covered() as f32 >= 0.9 * length
    }
}
