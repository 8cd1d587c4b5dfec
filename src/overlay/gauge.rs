//! A marker at a seed, measured: strokes from a centre, each as long, wide and bright as its opposite.
//!
//! What is measured is where the ink falls to the middle between the strokes' and the ground's, between pixels, so that a
//! marker may be scaled, smeared or smooth. A line or a label may cover a part of the surroundings: each stroke needs only a
//! part of its sides, and one of the strokes may run on as the measuring line.

use super::{
    ink::Ink,
    seeds::{Seed, Shape},
    star::Star,
};
use crate::frame::Spot;
use alloc::vec::Vec;
use core::f32::consts::{FRAC_PI_4, PI};

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
/// What lies this near beside a stroke may be its own smear.
const SMEAR: f32 = 1.2;
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
    /// The strokes' ink and the ground's.
    levels: (f32, f32),
}

fn across_of((dx, dy): (f32, f32)) -> (f32, f32) {
    (-dy, dx)
}

impl<'a> Gauge<'a> {
    fn new(ink: &'a Ink, seed: &Seed) -> Self {
        let rays = seed.rays.iter().map(|&a| (libm::cosf(a), libm::sinf(a))).collect();
        let at = (seed.at.x, seed.at.y);
        Self { ink, shape: seed.shape, at, rays, look: seed.look, half: 0.0, levels: (0.0, 0.0) }
    }

    /// Which stroke each ray belongs to.
    fn stroke_of(&self, ray: usize) -> usize {
        match self.shape {
            Shape::Plus | Shape::X | Shape::BoxedPlus => ray / 2,
            Shape::Tee => usize::from(ray == 2),
            Shape::Arrow => ray,
        }
    }

    /// Directions in which there is ground, and the axis in which a line may lie.
    fn ground_rays(&self) -> Vec<(f32, f32)> {
        let turned = |(x, y): (f32, f32), by: f32| {
            let (sin, cos) = (libm::sinf(by), libm::cosf(by));
            (x * cos - y * sin, x * sin + y * cos)
        };
        match self.shape {
            Shape::Plus | Shape::X | Shape::BoxedPlus => self.rays.iter().map(|&ray| turned(ray, FRAC_PI_4)).collect(),
            Shape::Tee | Shape::Arrow => {
                let axis = self.axis();
                [0.5, 0.75, 1.0, -0.75, -0.5]
                    .map(|turn| turned(axis, turn * PI))
                    .to_vec()
                    .into_iter()
                    .filter(|&(x, y)| self.rays.iter().all(|r| r.0 * x + r.1 * y < 0.9))
                    .collect()
            }
        }
    }

    /// The direction towards the partner.
    fn axis(&self) -> (f32, f32) {
        match self.shape {
            Shape::Tee => self.rays[2],
            _ => {
                let (x, y) = self.rays.iter().fold((0.0, 0.0), |a, r| (a.0 + r.0, a.1 + r.1));
                let long = libm::hypotf(x, y).max(1e-6);
                (x / long, y / long)
            }
        }
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
        let level = (tops[(tops.len() - 1) / 2] + tops[tops.len() / 2]) / 2.0;
        let ground = (lows[(lows.len() - 1) / 2] + lows[lows.len() / 2]) / 2.0;
        // One place of the ground may be covered by a line or a label.
        if tops[0] - lows[lows.len().saturating_sub(2)] < STEP {
            return None;
        }
        self.levels = (level, ground);
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
        let first = |stroke: usize| (0..self.rays.len()).find(|&k| self.stroke_of(k) == stroke).unwrap_or(0);
        let [n, m] = [0, 1].map(|stroke| across_of(self.rays[first(stroke)]));
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
        let opposite = ray % 2 == 1 && self.shape != Shape::Arrow;
        if opposite { -1.0 } else { 1.0 }
    }

    fn centre(&mut self) -> Option<()> {
        let mut mids: [Vec<f32>; 2] = [Vec::new(), Vec::new()];
        for (k, &ray) in self.rays.iter().enumerate() {
            for r in [self.look - 1.0, self.look, self.look + 1.0] {
                if let Some([a, b]) = self.across(ray, r) {
                    mids[self.stroke_of(k)].push(self.sign(k) * (a + b) / 2.0);
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
        let (arms, gap, runs) = self.extents()?;
        let reach = arms.iter().sum::<f32>() / arms.len() as f32;
        let first = match self.shape {
            // Near the tip the strokes are one.
            Shape::Arrow => 0.5 * reach,
            _ => (0.35 * reach).max(gap + 0.5),
        };
        let first = first.max(2.0);
        let stroke = self.middles(&arms, first)?;
        let (peaks, rough) = self.peaks(&arms, first);
        let is_open = |k: usize| (1..=3).all(|i| self.top(self.rays[k], arms[k] + 0.5 + i as f32 * 0.7) < self.half);
        let is_boxed = self.shape == Shape::Plus && self.is_boxed(reach, stroke);
        Some(Star {
            shape: if is_boxed { Shape::BoxedPlus } else { self.shape },
            at: Spot { x: self.at.0, y: self.at.1 },
            gap,
            stroke,
            level: self.levels.0,
            ground: self.levels.1,
            runs,
            peaks,
            rough,
            quarters: self.quarters(stroke, reach),
            tips: (0..arms.len()).filter(|&k| is_open(k)).count(),
            arms,
            rays: self.rays,
        })
    }

    /// The arms' lengths, how far the middle is open, and how many arms go on farther than their opposite: those count as
    /// long as that.
    fn extents(&self) -> Option<(Vec<f32>, f32, usize)> {
        let mut arms = Vec::with_capacity(self.rays.len());
        let (mut gap, mut runs) = (0.0, 0);
        for &ray in &self.rays {
            let (arm, inner) = self.extent(ray)?;
            arms.push(arm);
            gap += inner / self.rays.len() as f32;
        }
        let opposite: &[[usize; 2]] = if arms.len() == 4 { &[[0, 1], [2, 3]] } else { &[[0, 1]] };
        for &[i, j] in opposite {
            let short = arms[i].min(arms[j]);
            if (arms[i] - arms[j]).abs() > 1.0 + 0.12 * short {
                runs += 1;
                (arms[i], arms[j]) = (short, short);
            }
        }
        if let [bar, _, stem] = &mut arms[..] {
            // The stem runs on as the measuring line.
            *stem = stem.min(*bar);
        }
        arms.iter().all(|&arm| arm < REACH_MAX).then_some((arms, gap, runs))
    }

    /// The ink of each stroke from `first` on, and how far all of it leaves its mean.
    fn peaks(&self, arms: &[f32], first: f32) -> (Vec<f32>, f32) {
        let mut strokes: Vec<Vec<f32>> = Vec::with_capacity(arms.len());
        for (&ray, &arm) in self.rays.iter().zip(arms) {
            let mut ink = Vec::new();
            let mut r = first;
            while r <= arm - END {
                ink.push(self.top(ray, r));
                r += 1.0;
            }
            ink.sort_by(f32::total_cmp);
            strokes.push(ink);
        }
        let peaks: Vec<f32> = strokes.iter().map(|ink| ink.get(ink.len() / 2).copied().unwrap_or(0.0)).collect();
        let mean = peaks.iter().sum::<f32>() / peaks.len() as f32;
        let all = || strokes.iter().flatten();
        let squares = all().map(|ink| (ink - mean) * (ink - mean)).sum::<f32>();
        (peaks, libm::sqrtf(squares / all().count().max(1) as f32))
    }

    /// Moves the centre onto the strokes' middles and gives their width.
    fn middles(&mut self, arms: &[f32], first: f32) -> Option<f32> {
        let mut all: [Vec<(f32, f32)>; 2] = [Vec::new(), Vec::new()];
        for (k, &ray) in self.rays.iter().enumerate() {
            let mut r = first;
            while r <= arms[k] - END {
                if let Some([a, b]) = self.across(ray, r) {
                    all[self.stroke_of(k)].push((b - a, self.sign(k) * (a + b) / 2.0));
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

    /// The part of the surroundings that is free of ink, by quarters.
    fn quarters(&self, stroke: f32, reach: f32) -> [f32; 4] {
        let (ux, uy) = match self.shape {
            Shape::Tee | Shape::Arrow => self.axis(),
            _ => self.rays[0],
        };
        let clear = stroke / 2.0 + SMEAR;
        let far = libm::ceilf(reach) as i32;
        let mut counts = [[0.0f32; 2]; 4];
        for v in -far..=far {
            for u in -far..=far {
                if (u.abs() + v.abs()) as f32 > 1.5 * reach {
                    continue;
                }
                let (u, v) = (u as f32, v as f32);
                let (x, y) = (u * ux - v * uy, u * uy + v * ux);
                let near = |&(dx, dy): &(f32, f32)| x * dx + y * dy > -clear && (x * dy - y * dx).abs() < clear;
                let inside_head = self.shape == Shape::Arrow && u > 0.0 && v.abs() < 0.8 * u + clear;
                let on_axis = self.shape == Shape::Tee && u > 0.0 && v.abs() < clear;
                if self.rays.iter().any(near) || inside_head || on_axis {
                    continue;
                }
                let quarter = usize::from(u > 0.0) + 2 * usize::from(v > 0.0);
                counts[quarter][0] += 1.0;
                counts[quarter][1] += f32::from(u8::from(self.ink.at(self.at.0 + x, self.at.1 + y) < self.half));
            }
        }
        let mut parts = counts.map(|[all, free]| if all > 0.0 { free / all } else { 1.0 });
        parts.sort_by(f32::total_cmp);
        parts
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
