//! A cross at a seed, measured: strokes from a centre, each as long and wide as its opposite.
//!
//! What is measured is where the ink falls to the middle between the strokes' and the ground's, between pixels, so that a
//! marker may be scaled, smeared or smooth. A line or a label may cover a part of the surroundings: each stroke needs only a
//! part of its sides, and one of the strokes may run on as the measuring line.

use super::{
    ink::Ink,
    star::{Seed, Shape, Star},
};
use crate::frame::Spot;
use alloc::vec::Vec;
use core::f32::consts::FRAC_PI_4;

/// Longer arms are lines and wider strokes areas, in pixels.
const REACH_MAX: f32 = 34.0;
const WIDTH_MAX: f32 = 10.0;
/// The least by which strokes have more ink than the ground.
const STEP: f32 = 7.0;
/// How often the centre is moved onto the strokes' middles, and the most by which at a time.
const ROUNDS: usize = 3;
const SHIFT_MAX: f32 = 2.5;
/// Steps along and across strokes, in pixels.
const ALONG: f32 = 0.5;
const ACROSS: f32 = 0.5;
/// A stroke's last pixel fades.
const END: f32 = 0.8;
/// Places along a box's sides, as parts of half a side, and how many of all four sides' must have ink.
const BOX_PLACES: [f32; 6] = [-0.85, -0.6, -0.35, 0.35, 0.6, 0.85];
const BOX_HITS: usize = 21;

/// Measures what is at `seed`; none if strokes are missing there.
pub(crate) fn measure(ink: &Ink, seed: &Seed) -> Option<Star> {
    let mut gauge = Gauge::new(ink, seed);
    for _ in 0..ROUNDS {
        gauge.level()?;
        gauge.centre()?;
    }
    gauge.level()?;
    gauge.finish()
}

/// A marker being measured.
struct Gauge<'a> {
    ink: &'a Ink,
    shape: Shape,
    /// The centre so far.
    at: (f32, f32),
    /// The strokes' directions.
    rays: Vec<(f32, f32)>,
    /// How far from the centre strokes and ground are surely told apart.
    look: f32,
    /// The ink half way between the ground's and that of the strokes.
    half: f32,
}

fn across_of((dx, dy): (f32, f32)) -> (f32, f32) {
    (-dy, dx)
}

impl<'a> Gauge<'a> {
    fn new(ink: &'a Ink, seed: &Seed) -> Self {
        let rays = seed.rays.iter().map(|&a| (libm::cosf(a), libm::sinf(a))).collect();
        let at = (seed.at.x, seed.at.y);
        Self { ink, shape: seed.shape, at, rays, look: seed.look, half: 0.0 }
    }

    /// Directions in which there is ground.
    fn ground_rays(&self) -> Vec<(f32, f32)> {
        let (sin, cos) = (libm::sinf(FRAC_PI_4), libm::cosf(FRAC_PI_4));
        self.rays.iter().map(|&(x, y)| (x * cos - y * sin, x * sin + y * cos)).collect()
    }

    fn ink_at(&self, (dx, dy): (f32, f32), along: f32, off: f32) -> f32 {
        self.ink.at(self.at.0 + along * dx - off * dy, self.at.1 + along * dy + off * dx)
    }

    /// The most ink near the ray at `r`. A thin slanted stroke is a chain of pixels with less ink between them.
    fn top(&self, ray: (f32, f32), r: f32) -> f32 {
        let here = self.ink_at(ray, r, 0.0).max(self.ink_at(ray, r, -0.6)).max(self.ink_at(ray, r, 0.6));
        if self.shape == Shape::Plus {
            return here;
        }
        here.max(self.ink_at(ray, r - 0.35, 0.0)).max(self.ink_at(ray, r + 0.35, 0.0))
    }

    /// Learns the ink of strokes and ground at the distance of the look.
    fn level(&mut self) -> Option<()> {
        let mut tops: Vec<f32> =
            self.rays.iter().map(|&ray| self.top(ray, self.look - 1.0).max(self.top(ray, self.look))).collect();
        let mut lows: Vec<f32> = self.ground_rays().iter().map(|&ray| self.ink_at(ray, self.look, 0.0)).collect();
        tops.sort_by(f32::total_cmp);
        lows.sort_by(f32::total_cmp);
        let ground = (lows[(lows.len() - 1) / 2] + lows[lows.len() / 2]) / 2.0;
        // One place of the ground may be covered by a line or a label.
        if tops[0] - lows[lows.len().saturating_sub(2)] < STEP {
            return None;
        }
        self.half = (tops[0] + ground) / 2.0;
        Some(())
    }

    /// The offsets at which a stroke's ink falls below half, across `ray` at `r`.
    fn across(&self, ray: (f32, f32), r: f32) -> Option<[f32; 2]> {
        let at = |off: f32| self.ink_at(ray, r, off);
        let starts = [0.0f32, -0.5, 0.5, -1.0, 1.0, -1.5, 1.5, -2.0, 2.0];
        let start = starts.into_iter().find(|&off| at(off) >= self.half)?;
        let edge = |sign: f32| {
            let (mut off, mut last) = (start, at(start));
            while (off - start).abs() < WIDTH_MAX {
                let next = at(off + ACROSS * sign);
                if next < self.half {
                    return Some(off + ACROSS * sign * (last - self.half) / (last - next));
                }
                last = next;
                off += ACROSS * sign;
            }
            None
        };
        Some([edge(-1.0)?, edge(1.0)?])
    }

    /// Moves the centre by each stroke's middle, given as offset across that stroke's first ray.
    fn shift(&mut self, mids: &[f32]) {
        let [n, m] = [0, 1].map(|stroke| across_of(self.rays[2 * stroke]));
        // n . shift = mids[0], m . shift = mids[1].
        let det = n.0 * m.1 - n.1 * m.0;
        if det.abs() < 0.2 {
            return;
        }
        let dx = (mids[0] * m.1 - mids[1] * n.1) / det;
        let dy = (n.0 * mids[1] - m.0 * mids[0]) / det;
        self.at.0 += dx.clamp(-SHIFT_MAX, SHIFT_MAX);
        self.at.1 += dy.clamp(-SHIFT_MAX, SHIFT_MAX);
    }

    /// The sign that turns offsets across a ray into those across its stroke's first ray.
    fn sign(&self, ray: usize) -> f32 {
        if ray % 2 == 1 { -1.0 } else { 1.0 }
    }

    fn centre(&mut self) -> Option<()> {
        let mut mids: [Vec<f32>; 2] = [Vec::new(), Vec::new()];
        for (k, &ray) in self.rays.iter().enumerate() {
            for r in [self.look - 1.0, self.look, self.look + 1.0] {
                if let Some([a, b]) = self.across(ray, r) {
                    mids[k / 2].push(self.sign(k) * (a + b) / 2.0);
                }
            }
        }
        let mut middle = [0.0; 2];
        for (mid, own) in middle.iter_mut().zip(&mut mids) {
            own.sort_by(f32::total_cmp);
            *mid = *own.get(own.len() / 2)?;
        }
        self.shift(&middle);
        Some(())
    }

    /// How far a ray goes outwards, and how far inwards it is open.
    fn extent(&self, ray: (f32, f32)) -> Option<(f32, f32)> {
        let start = self.look - 0.5;
        let (mut r, mut last) = (start, self.top(ray, start));
        if last < self.half {
            return None;
        }
        let mut arm = REACH_MAX;
        while r < REACH_MAX {
            let next = self.top(ray, r + ALONG);
            if next < self.half && self.top(ray, r + 2.0 * ALONG) < self.half {
                arm = r + ALONG * (last - self.half) / (last - next).max(1e-3);
                break;
            }
            last = next;
            r += ALONG;
        }
        let mut inner = start;
        while inner > 0.0 && self.top(ray, inner - ALONG) >= self.half {
            inner -= ALONG;
        }
        Some((arm, inner.max(0.0)))
    }

    fn finish(mut self) -> Option<Star> {
        let (arms, gap, is_even) = self.extents()?;
        let reach = arms.iter().sum::<f32>() / arms.len() as f32;
        let stroke = self.middles(&arms, (0.35 * reach).max(gap + 0.5).max(2.0))?;
        let is_boxed = self.shape == Shape::Plus && self.is_boxed(reach, stroke);
        let shape = if is_boxed { Shape::BoxedPlus } else { self.shape };
        Some(Star { shape, at: Spot { x: self.at.0, y: self.at.1 }, gap, stroke, arms, is_even, rays: self.rays })
    }

    /// The arms' lengths, how far the middle is open, and whether opposite arms are as long as each other. One that goes on farther
    /// than its opposite counts as long as that.
    fn extents(&self) -> Option<(Vec<f32>, f32, bool)> {
        let mut arms = Vec::with_capacity(self.rays.len());
        let mut gap = 0.0;
        for &ray in &self.rays {
            let (arm, inner) = self.extent(ray)?;
            arms.push(arm);
            gap += inner / self.rays.len() as f32;
        }
        let mut is_even = true;
        for [i, j] in [[0, 1], [2, 3]] {
            let short = arms[i].min(arms[j]);
            if (arms[i] - arms[j]).abs() > 1.0 + 0.12 * short {
                (arms[i], arms[j]) = (short, short);
                is_even = false;
            }
        }
        arms.iter().all(|&arm| arm < REACH_MAX).then_some((arms, gap, is_even))
    }

    /// Moves the centre onto the strokes' middles and gives their width.
    fn middles(&mut self, arms: &[f32], first: f32) -> Option<f32> {
        let mut all: [Vec<(f32, f32)>; 2] = [Vec::new(), Vec::new()];
        for (k, &ray) in self.rays.iter().enumerate() {
            let mut r = first;
            while r <= arms[k] - END {
                if let Some([a, b]) = self.across(ray, r) {
                    all[k / 2].push((b - a, self.sign(k) * (a + b) / 2.0));
                }
                r += 1.0;
            }
        }
        let (mut strokes, mut mids) = ([0.0; 2], [0.0; 2]);
        for (i, own) in all.iter_mut().enumerate() {
            own.sort_by(|a, b| a.0.total_cmp(&b.0));
            // The lower third: print and lines beside a stroke only widen it.
            let &(width, _) = own.get(own.len() / 3)?;
            strokes[i] = width;
            let near = own.iter().filter(|(w, _)| (w - width).abs() <= 0.5 + 0.2 * width);
            let (sum, count) = near.fold((0.0, 0.0), |(sum, count), (_, mid)| (sum + mid, count + 1.0));
            mids[i] = sum / f32::max(count, 1.0);
        }
        self.shift(&mids);
        Some((strokes[0] + strokes[1]) / 2.0)
    }

    /// Whether a square of ink surrounds the strokes.
    fn is_boxed(&self, reach: f32, stroke: f32) -> bool {
        let (mut side, most) = (reach + 0.5, reach + 3.0 + 3.0 * stroke);
        while side <= most {
            let on = |u: f32, v: f32| self.ink.at(self.at.0 + u, self.at.1 + v) >= self.half;
            let hits = BOX_PLACES
                .iter()
                .flat_map(|&t| [(side, t * side), (-side, t * side), (t * side, side), (t * side, -side)])
                .filter(|&(u, v)| on(u, v))
                .count();
            if hits >= BOX_HITS {
                return true;
            }
            side += 0.5;
        }
        false
    }
}
