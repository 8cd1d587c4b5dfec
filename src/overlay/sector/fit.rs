//! Places on a border -> the sector through them.
//!
//! A first sector comes from votes (*Source*: Hough 1962, US patent 3,069,654): of both sides for apex and opening, then of both arcs for stretch and radii.
//! Least squares in all six unknowns then move it onto the places near it. Echo is dark here and there, so that places lie
//! inside of the border much oftener than outside: the nearer ones count fully and those inside less and less.

use super::border::{Border, Place};
use alloc::vec::Vec;

/// Unknowns of a sector.
pub(super) const UNKNOWNS: usize = 6;
pub(super) const X: usize = 0;
pub(super) const Y: usize = 1;
pub(super) const OPENING: usize = 2;
pub(super) const STRETCH: usize = 3;
pub(super) const OUTER: usize = 4;
pub(super) const INNER: usize = 5;

/// Openings that are voted for: tangents of half angles from 14 to 52 degrees, which holds all curved probes, stretched or not.
const OPENINGS: (f64, f64) = (0.25, 1.3);
/// Stretches that are voted for, a little more than `ruler` takes for possible.
const STRETCHES: (f64, f64) = (0.7, 1.4);
/// Steps in which both are tried: what lies between is within the first gate of least squares.
const VOTE_STEP: f64 = 0.02;
/// Width of a vote, in pixels.
const VOTE_PX: f64 = 3.0;
/// The face's radius is less than this part of the whole.
const INNER_MAX: f64 = 0.65;

/// Rounds of least squares, and how far off a place may lie in the first and in the last, in pixels.
pub(super) const ROUNDS: usize = 8;
const GATE_PX: (f64, f64) = (12.0, 4.0);
/// Places this far inside of the border count half, in pixels; as far outside fully. Scaling blurs a border over a pixel and a half.
const NEAR_PX: f64 = 1.5;
/// Places on whole pixels scatter by at least this (a pixel's width over the root of 12), in pixels.
const SCATTER_MIN_PX: f64 = 0.29;

/// A sector on a picture: apex (x, y), tangent of half the opening, horizontal over vertical scale, outer and inner radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sector(pub [f64; UNKNOWNS]);

/// Which part of the border a place is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Left,
    Right,
    Bottom,
    Top,
}

const PARTS: [Part; 4] = [Part::Left, Part::Right, Part::Bottom, Part::Top];

/// The places that count, and which unknowns they are to tell.
pub(super) struct Task<'a> {
    pub border: &'a Border,
    pub uses: &'a dyn Fn(Part, f64) -> bool,
    pub free: [bool; UNKNOWNS],
    /// How many rounds are needed: [`ROUNDS`] from votes, fewer from a sector that fits already.
    pub rounds: usize,
}

/// What least squares say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    pub sector: Sector,
    /// Standard error of the stretch, from the places' scatter.
    pub error: f64,
    /// How many places lie near each of [`PARTS`].
    pub near: [usize; 4],
}

fn places(border: &Border, part: Part) -> &[Place] {
    match part {
        Part::Left => &border.left,
        Part::Right => &border.right,
        Part::Bottom => &border.bottom,
        Part::Top => &border.top,
    }
}

impl Sector {
    /// How far outside of the sector's border a place lies, in pixels, and how that changes with the unknowns; none if the
    /// place is not beside that part of the border.
    fn off(&self, part: Part, place: &Place) -> Option<(f64, [f64; UNKNOWNS])> {
        let [x0, y0, opening, stretch, outer, inner] = self.0;
        let [dx, dy] = [f64::from(place.x) - x0, f64::from(place.y) - y0];
        let wide = dx / stretch;
        let reach = libm::hypot(wide, dy);
        if dy <= 0.0 || reach <= 0.0 {
            return None;
        }
        let mut slopes = [0.0; UNKNOWNS];
        match part {
            Part::Left | Part::Right => {
                if !(inner..=outer).contains(&reach) {
                    return None;
                }
                let side = if part == Part::Left { -1.0 } else { 1.0 };
                let length = libm::hypot(1.0, opening);
                let off = (side * dx - opening * dy) / length;
                slopes[X] = -side / length;
                slopes[Y] = opening / length;
                slopes[OPENING] = -dy / length - off * opening / (length * length);
                Some((off, slopes))
            }
            Part::Bottom | Part::Top => {
                if dx.abs() > opening * dy {
                    return None;
                }
                let (side, radius) = if part == Part::Bottom { (1.0, OUTER) } else { (-1.0, INNER) };
                slopes[X] = -side * wide / (stretch * reach);
                slopes[Y] = -side * dy / reach;
                slopes[STRETCH] = -side * wide * wide / (stretch * reach);
                slopes[radius] = -side;
                Some((side * (reach - self.0[radius]), slopes))
            }
        }
    }

    /// The sector that most places vote for.
    pub(super) fn voted(border: &Border) -> Option<Self> {
        let steps = |(from, to): (f64, f64)| {
            (0..).map(move |i| from + f64::from(i) * VOTE_STEP).take_while(move |value| *value <= to)
        };
        let mut votes = Vec::new();
        let sides = steps(OPENINGS).filter_map(|opening| {
            let left = winner(border.left.iter().map(|p| f64::from(p.x) + opening * f64::from(p.y)), &mut votes)?;
            let right = winner(border.right.iter().map(|p| f64::from(p.x) - opening * f64::from(p.y)), &mut votes)?;
            Some((left.0 + right.0, opening, left.1, right.1))
        });
        let (_, opening, left, right) = sides.max_by_key(|(votes, ..)| *votes)?;
        let [x0, y0] = [(left + right) / 2.0, (left - right) / (2.0 * opening)];
        let mut votes = Vec::new();
        let arcs = steps(STRETCHES).filter_map(|stretch| {
            let reach = |p: &Place| {
                let [dx, dy] = [f64::from(p.x) - x0, f64::from(p.y) - y0];
                (dx.abs() <= opening * dy).then(|| libm::hypot(dx / stretch, dy))
            };
            let outer = winner(border.bottom.iter().filter_map(reach), &mut votes)?;
            let inner = winner(border.top.iter().filter_map(reach).filter(|r| *r < INNER_MAX * outer.1), &mut votes)?;
            Some((outer.0 + inner.0, stretch, outer.1, inner.1))
        });
        let (_, stretch, outer, inner) = arcs.max_by_key(|(votes, ..)| *votes)?;
        Some(Self([x0, y0, opening, stretch, outer, inner]))
    }

    /// The same moved onto the places near it.
    pub(super) fn fitted(mut self, task: &Task<'_>) -> Option<Fit> {
        for round in 0..task.rounds {
            let gate = GATE_PX.1 + (GATE_PX.0 - GATE_PX.1) * (task.rounds - 1 - round) as f64 / ROUNDS as f64;
            let mut sums = Sums::new(task.free);
            let mut near = [0; 4];
            for (part, near) in PARTS.into_iter().zip(&mut near) {
                let all = places(task.border, part);
                for line in all.chunk_by(|a, b| a.line == b.line) {
                    let offs = line.iter().filter_map(|place| Some((self.off(part, place)?, place.x)));
                    let Some(((off, slopes), x)) = offs.min_by(|a, b| a.0.0.abs().total_cmp(&b.0.0.abs())) else {
                        continue;
                    };
                    if !(task.uses)(part, f64::from(x)) {
                        continue;
                    }
                    if off.abs() <= gate {
                        *near += usize::from(off.abs() <= GATE_PX.1);
                        let inside = (-off / NEAR_PX).max(0.0);
                        sums.add(off, &slopes, 1.0 / (1.0 + inside * inside));
                    }
                }
            }
            let (step, error) = sums.solved()?;
            self.0.iter_mut().zip(step).for_each(|(value, step)| *value += step);
            if !self.is_possible() {
                return None;
            }
            if round + 1 == task.rounds {
                return Some(Fit { sector: self, error, near });
            }
        }
        None
    }

    fn is_possible(&self) -> bool {
        let [.., opening, stretch, outer, inner] = self.0;
        let within = |value: f64, (least, most): (f64, f64)| (least..=most).contains(&value);
        self.0.iter().all(|value| value.is_finite())
            && within(opening, OPENINGS)
            && within(stretch, STRETCHES)
            && inner > 0.0
            && inner < INNER_MAX * outer
    }
}

/// The value that most agree on, with its votes; none without values.
fn winner(values: impl Iterator<Item = f64> + Clone, votes: &mut Vec<u16>) -> Option<(u16, f64)> {
    let ends = values.clone().fold((f64::MAX, f64::MIN), |(least, most), value| (value.min(least), value.max(most)));
    let (least, most) = ends;
    if least > most {
        return None;
    }
    votes.clear();
    votes.resize(((most - least) / VOTE_PX) as usize + 2, 0);
    values.for_each(|value| votes[((value - least) / VOTE_PX) as usize] += 1);
    // Two neighbours together, so that no value is split by where the votes are counted.
    let pairs = votes.windows(2).map(|pair| pair[0] + pair[1]).enumerate();
    let (at, most) = pairs.max_by_key(|(_, votes)| *votes)?;
    Some((most, least + (at + 1) as f64 * VOTE_PX))
}

/// The normal equations of least squares.
struct Sums {
    matrix: [[f64; UNKNOWNS]; UNKNOWNS],
    right: [f64; UNKNOWNS],
    free: [bool; UNKNOWNS],
    squares: f64,
    weight: f64,
}

impl Sums {
    fn new(free: [bool; UNKNOWNS]) -> Self {
        Self { matrix: [[0.0; UNKNOWNS]; UNKNOWNS], right: [0.0; UNKNOWNS], free, squares: 0.0, weight: 0.0 }
    }

    fn add(&mut self, off: f64, slopes: &[f64; UNKNOWNS], weight: f64) {
        for i in 0..UNKNOWNS {
            for j in 0..UNKNOWNS {
                self.matrix[i][j] += weight * slopes[i] * slopes[j];
            }
            self.right[i] -= weight * slopes[i] * off;
        }
        self.squares += weight * off * off;
        self.weight += weight;
    }

    /// The step to the best unknowns and the standard error of the stretch; none where the places do not tell them.
    fn solved(mut self) -> Option<([f64; UNKNOWNS], f64)> {
        for i in (0..UNKNOWNS).filter(|&i| !self.free[i]) {
            self.matrix[i] = [0.0; UNKNOWNS];
            self.matrix.iter_mut().for_each(|row| row[i] = 0.0);
            (self.matrix[i][i], self.right[i]) = (1.0, 0.0);
        }
        let mut unit = [0.0; UNKNOWNS];
        unit[STRETCH] = 1.0;
        let [step, inverse] = eliminated(self.matrix, [self.right, unit])?;
        let scatter = (self.squares / self.weight).max(SCATTER_MIN_PX * SCATTER_MIN_PX);
        let variance = inverse[STRETCH] * scatter;
        (variance > 0.0).then(|| (step, libm::sqrt(variance)))
    }
}

/// Solves equations for two right sides, by Gauss with the largest pivot; none where they have no one solution.
fn eliminated(
    mut matrix: [[f64; UNKNOWNS]; UNKNOWNS],
    mut rights: [[f64; UNKNOWNS]; 2],
) -> Option<[[f64; UNKNOWNS]; 2]> {
    for i in 0..UNKNOWNS {
        let pivot = (i..UNKNOWNS).max_by(|&a, &b| matrix[a][i].abs().total_cmp(&matrix[b][i].abs()))?;
        matrix.swap(i, pivot);
        rights.iter_mut().for_each(|right| right.swap(i, pivot));
        if matrix[i][i].abs() < 1e-9 {
            return None;
        }
        let row = matrix[i];
        for other in (0..UNKNOWNS).filter(|&other| other != i) {
            let factor = matrix[other][i] / row[i];
            matrix[other].iter_mut().zip(&row).for_each(|(value, own)| *value -= factor * own);
            rights.iter_mut().for_each(|right| right[other] -= factor * right[i]);
        }
    }
    for (i, row) in matrix.iter().enumerate() {
        rights.iter_mut().for_each(|right| right[i] /= row[i]);
    }
    Some(rights)
}
