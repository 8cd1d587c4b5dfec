//! Where to look for markers: places whose surroundings on a ring look like a crossing, a junction or a tip of strokes.
//!
//! Crossings are looked for everywhere by comparing eight neighbours at a few distances, upright and diagonal ones, with
//! or without a middle. Junctions and tips, which may be turned anyhow, are looked for where the ink is that of an overlay.

use super::ink::Ink;
use crate::frame::Spot;
use alloc::{vec, vec::Vec};
use core::f32::consts::{FRAC_PI_2, FRAC_PI_4, PI, TAU};

/// Distances at which a crossing's arms are looked for, in pixels along the axes: arms are 4 to 30 pixels long, strokes up to
/// 8 wide.
const LOOKS: [usize; 3] = [3, 6, 10];
/// The least by which arms have more ink than what lies between them.
const STEP: u8 = 14;
/// One seed of a kind is kept for each square of so many pixels.
const BUCKET: usize = 4;
/// The least ink of a junction: coloured, or grey of 200.
const INK_MIN: u8 = 100;
/// The least by which a junction has more ink than its ground.
const JUNCTION_STEP: f32 = 36.0;
/// Distances at which a junction's strokes are looked for, and directions on that ring.
const RINGS: [f32; 3] = [3.5, 5.0, 7.5];
const DIRECTIONS: usize = 48;
/// How far a tee's strokes may be from upright to each other, and how wide an arrow's head is.
const TEE_SLACK: f32 = 0.3;
const HEAD: core::ops::RangeInclusive<f32> = 0.65..=1.45;

/// A marker's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shape {
    /// An upright cross, with or without its middle.
    Plus,
    /// A diagonal cross.
    X,
    /// An upright cross in a square.
    BoxedPlus,
    /// A bar with a stem at its middle.
    Tee,
    /// Two strokes that meet in a tip.
    Arrow,
}

/// A place to look at.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    /// What it may be.
    pub shape: Shape,
    /// About where its centre is.
    pub at: Spot,
    /// The directions of its strokes from the centre, in radians; opposite ones follow each other.
    pub rays: Vec<f32>,
    /// How far from the centre its strokes were seen.
    pub look: f32,
}

/// Places where strokes may cross.
pub(crate) fn crossings(ink: &Ink) -> Vec<Seed> {
    let mut all = Vec::new();
    for look in LOOKS {
        crossings_at(ink, look, &mut all);
    }
    all
}

/// The best crossing of one kind in a bucket.
#[derive(Clone, Copy, Default)]
struct Best {
    score: u8,
    x: usize,
    y: usize,
}

fn crossings_at(ink: &Ink, look: usize, all: &mut Vec<Seed>) {
    let [columns, rows] = ink.area();
    let (width, left) = (columns.len(), columns.start);
    if width <= 2 * look || rows.len() <= 2 * look {
        return;
    }
    let inner = width - 2 * look;
    let mut scores = [vec![0u8; inner], vec![0u8; inner]];
    let mut best = vec![[Best::default(); 2]; width.div_ceil(BUCKET)];
    let last = rows.end - look - 1;
    for y in rows.start + look..=last {
        let rows = [y - look, y, y + look].map(|y| &ink.row(y)[columns.clone()]);
        score(rows, look, &mut scores);
        for (kind, scores) in scores.iter().enumerate() {
            for (c, chunk) in scores.chunks(64).enumerate() {
                if chunk.iter().fold(0, |a, &b| a.max(b)) < STEP {
                    continue;
                }
                for (i, &score) in chunk.iter().enumerate() {
                    let x = c * 64 + i + look;
                    let slot = &mut best[x / BUCKET][kind];
                    if score >= STEP && score > slot.score {
                        *slot = Best { score, x: left + x, y };
                    }
                }
            }
        }
        if y % BUCKET == BUCKET - 1 || y == last {
            for [plus, x] in &mut best {
                all.extend(seed(core::mem::take(plus), Shape::Plus, look));
                all.extend(seed(core::mem::take(x), Shape::X, look));
            }
        }
    }
}

fn seed(best: Best, shape: Shape, look: usize) -> Option<Seed> {
    if best.score == 0 {
        return None;
    }
    let (turn, far) = if shape == Shape::X { (FRAC_PI_4, core::f32::consts::SQRT_2) } else { (0.0, 1.0) };
    let rays = [0.0, PI, FRAC_PI_2, -FRAC_PI_2].map(|angle| angle + turn).to_vec();
    Some(Seed { shape, at: Spot { x: best.x as f32, y: best.y as f32 }, rays, look: look as f32 * far })
}

/// Of each pixel of the middle row, by how much its four upright neighbours have more ink than its diagonal ones, and the
/// other way round. The brightest of the darker four does not count: a line or a label may lie there.
fn score([above, here, below]: [&[u8]; 3], look: usize, [plus, cross]: &mut [Vec<u8>; 2]) {
    let inner = plus.len();

    let [ul, u, ur] = [0, look, 2 * look].map(|dx| &above[dx..][..inner]);
    let [l, r] = [0, 2 * look].map(|dx| &here[dx..][..inner]);
    let [dl, d, dr] = [0, look, 2 * look].map(|dx| &below[dx..][..inner]);
    let (plus, cross) = (&mut plus[..inner], &mut cross[..inner]);
    for i in 0..inner {
        let [a, b, c, e] = [u[i].min(d[i]), u[i].max(d[i]), l[i].min(r[i]), l[i].max(r[i])];
        let (axis_min, axis_second) = (a.min(c), a.max(c).max(b.min(e)));
        let [a, b, c, e] = [ul[i].min(dr[i]), ul[i].max(dr[i]), dl[i].min(ur[i]), dl[i].max(ur[i])];
        let (diag_min, diag_second) = (a.min(c), a.max(c).max(b.min(e)));
        plus[i] = axis_min.saturating_sub(diag_second);
        cross[i] = diag_min.saturating_sub(axis_second);
    }
}

/// Pixels of an overlay's ink from which two or three strokes go out, as from a tee's or an arrow's.
pub(crate) fn junctions(ink: &Ink) -> Vec<Seed> {
    let mut all = Vec::new();
    let margin = 4;
    let turns = core::array::from_fn(|i| {
        let turn = i as f32 * TAU / DIRECTIONS as f32;
        (libm::sinf(turn), libm::cosf(turn))
    });
    for y in margin..ink.height().saturating_sub(margin) {
        let row = ink.row(y);
        for (c, chunk) in row.chunks(32).enumerate() {
            if chunk.iter().fold(0, |a, &b| a.max(b)) < INK_MIN {
                continue;
            }
            for (i, &level) in chunk.iter().enumerate() {
                let x = c * 32 + i;
                if level >= INK_MIN && x >= margin && x + margin < row.len() {
                    junction(ink, &turns, (x, y), f32::from(level), &mut all);
                }
            }
        }
    }
    all
}

fn junction(ink: &Ink, turns: &[(f32, f32); DIRECTIONS], (x, y): (usize, usize), level: f32, all: &mut Vec<Seed>) {
    // Most pixels of an overlay's ink lie within even areas or on plain strokes: four neighbours tell.
    let (cx, cy) = (x as f32, y as f32);
    let dark = [(4, 0), (-4, 0), (0, 4), (0, -4), (3, 3), (-3, -3), (3, -3), (-3, 3)]
        .into_iter()
        .filter(|&(dx, dy)| ink.get(x as i32 + dx, y as i32 + dy) + JUNCTION_STEP <= level)
        .count();
    if !(4..=7).contains(&dark) {
        return;
    }
    for ring in RINGS {
        let mut values = [0.0f32; DIRECTIONS];
        for (i, value) in values.iter_mut().enumerate() {
            let (sin, cos) = turns[i];
            // Thin slanted strokes are chains of pixels: the most of three neighbours bridges them.
            let at = |r: f32| ink.at(cx + r * cos, cy + r * sin);
            *value = at(ring).max(at(ring - 0.4)).max(at(ring + 0.4));
        }
        let mut sorted = values;
        sorted.sort_by(f32::total_cmp);
        let ground = sorted[DIRECTIONS / 4];
        if level - ground < JUNCTION_STEP {
            continue;
        }
        let half = (level + ground) / 2.0;
        let arcs = arcs(&values, half);
        if let Some((shape, rays)) = shape_of(&arcs) {
            all.push(Seed { shape, at: Spot { x: cx, y: cy }, rays, look: ring });
        }
    }
}

/// The middles of the stretches of a ring that have ink.
fn arcs(values: &[f32; DIRECTIONS], half: f32) -> Vec<f32> {
    let on = |i: usize| values[i % DIRECTIONS] >= half;
    let Some(start) = (0..DIRECTIONS).find(|&i| !on(i)) else { return Vec::new() };
    let mut arcs = Vec::new();
    let mut open: Option<usize> = None;
    for i in start..=start + DIRECTIONS {
        match (on(i), open) {
            (true, None) => open = Some(i),
            (false, Some(from)) => {
                arcs.push((from + i - 1) as f32 / 2.0 * TAU / DIRECTIONS as f32);
                open = None;
            }
            _ => {}
        }
    }
    arcs
}

/// The difference of two directions, 0 to pi.
fn apart(a: f32, b: f32) -> f32 {
    let off = libm::fmodf((a - b).abs(), TAU);
    off.min(TAU - off)
}

fn shape_of(arcs: &[f32]) -> Option<(Shape, Vec<f32>)> {
    let is_head = |a: f32, b: f32| HEAD.contains(&apart(a, b));
    match *arcs {
        [a, b] if is_head(a, b) => Some((Shape::Arrow, vec![a, b])),
        [a, b, c] => {
            for (bar, other, stem) in [(a, b, c), (b, c, a), (c, a, b)] {
                let straight = apart(bar, other) > PI - TEE_SLACK;
                if straight && (apart(bar, stem) - FRAC_PI_2).abs() < TEE_SLACK {
                    return Some((Shape::Tee, vec![bar, other, stem]));
                }
                // The measuring line lies between the strokes of a head.
                let middle = (apart(bar, stem) - apart(other, stem)).abs() < TEE_SLACK;
                if is_head(bar, other) && middle && apart(bar, stem) < apart(bar, other) {
                    return Some((Shape::Arrow, vec![bar, other]));
                }
            }
            None
        }
        _ => None,
    }
}
