//! One possible '+' around a pixel: its arms, strokes, colour and noise, and how much of its outline stands out.

use super::{
    candidates::{Marker, Proof},
    seeds::Shape,
    tone::{Tone, Tones},
};
use crate::frame::Spot;
use alloc::vec::Vec;

/// The four arms: right, left, down, up. Each opposite pair makes one stroke.
pub(crate) const ARMS: [(i32, i32); 4] = [(1, 0), (-1, 0), (0, 1), (0, -1)];

/// Shorter arms are dots or noise, in pixels from the centre.
const REACH_MIN: i32 = 4;
/// Longer arms are lines, in pixels from the centre. Markers are 1 to 4 % of a screen's height; the tallest has 1200
/// rows.
const REACH_MAX: i32 = 28;
/// The most by which a stroke's pixels leave its colour: JPEG on the real screens stays within 20.
pub(crate) const TONE_TOLERANCE: u8 = 34;
/// The least difference that counts as another colour. Overlay in a clean picture is exact, echo is not.
pub(crate) const TONE_STEP: u8 = 2;
/// Outline seen, as a part of all that could be, for a clear and for a weak marker.
const OUTLINE_CLEAR: f32 = 0.72;
const OUTLINE_WEAK: f32 = 0.45;
/// The same where all its pixels repeat another marker's exactly.
const OUTLINE_FAINT: f32 = 0.35;
/// More copies of a shape are an even area.
const COPIES_MAX: usize = 256;
/// Noise up to which strokes count as exact. Only a picture that was never compressed or scaled has such overlay.
pub(crate) const NOISE_EXACT: f32 = 1.0;
/// From this brightness on echo may be saturated.
const WHITE: u8 = 253;
/// The most noise that compression leaves on a stroke; on the real screens it is up to 11.
const NOISE_MAX: f32 = 14.0;
/// The least mean difference between a stroke and what lies beside it: in an exact picture, and in another one, where
/// it rises with noise. Blots of smooth echo reach 20; the least on the real screens, grey on bright tissue, is 50.
const CONTRAST_EXACT: f32 = 8.0;
const CONTRAST: f32 = 30.0;
/// Right beside a sharp stroke the difference is at least this part of the one so many pixels farther out; beside a
/// blot of echo it grows slowly. Exactness is itself a proof, and a marker may stand on a bright spot.
const SHARP: f32 = 0.7;
const SHARP_EXACT: f32 = 0.4;
const FAR: i32 = 3;
/// Opposite arms may differ by so many pixels, as in a stroke of even length.
const UNEVEN_MAX: i32 = 2;

/// How far a pixel may leave a stroke's colour and still be of it.
pub(crate) fn tolerance(noise: f32) -> u8 {
    ((3.0 * noise) as u8).saturating_add(TONE_STEP).min(TONE_TOLERANCE)
}

/// What has been learnt about a possible '+' around one pixel.
#[derive(Clone, Debug)]
pub(crate) struct Cross {
    x: i32,
    y: i32,
    tone: Tone,
    noise: f32,
    /// The length of each arm; where one runs on into something of its colour, that of the opposite one.
    arms: [i32; 4],
    /// Whether the picture ends before the arm does.
    cut: bool,
    /// Pixels of the strokes on either side of the centre's row and column: left, right, above, below.
    half: [i32; 4],
}

impl Cross {
    /// Measures the shape around a pixel of it; none if that is no '+'.
    pub(crate) fn around(tones: &Tones, x: i32, y: i32) -> Option<Self> {
        let near = || (-1..=1).flat_map(|d| [tones.get(x + d, y), tones.get(x, y + d)]).flatten();
        let rough = Self::with(tones, x, y, Tone::mean(near())?)?;
        // The seed may be any pixel of the centre: start again from the middle.
        let [left, right, above, below] = rough.half;
        let (x, y) = (x + (right - left).div_euclid(2), y + (below - above).div_euclid(2));
        let fine = Self::with(tones, x, y, rough.tone)?;
        let [a, b] = fine.reach();
        let [across, down] = [fine.half[0] + fine.half[1] + 1, fine.half[2] + fine.half[3] + 1];
        let square = a.max(b) <= 1.4 * a.min(b);
        let thin = across.max(down) as f32 <= 0.4 * (2.0 * a.min(b) + 1.0);
        let even = (across - down).abs() <= 1 + across.max(down) / 4;
        (square && thin && even).then_some(fine)
    }

    /// Measures the arms of a '+' with its centre at (x, y) in about the colour `first`; none if an arm is missing.
    fn with(tones: &Tones, x: i32, y: i32, first: Tone) -> Option<Self> {
        // The colour and its noise are learnt where every marker has pixels.
        let inner = || {
            let spots =
                ARMS.into_iter().flat_map(move |(dx, dy)| (1..=REACH_MIN).map(move |i| (x + i * dx, y + i * dy)));
            spots.filter_map(|(x, y)| tones.get(x, y))
        };
        if inner().any(|t| t.gap(first) > TONE_TOLERANCE) {
            return None;
        }
        let tone = Tone::mean(inner())?;
        let gaps = || inner().map(|t| f32::from(t.gap(tone)));
        let noise = libm::sqrtf(gaps().map(|gap| gap * gap).sum::<f32>() / gaps().count() as f32);
        // White is also where echo saturates, and there it is as even as overlay.
        let noise = if tone.luma() >= WHITE { noise.max(1.5 * NOISE_EXACT) } else { noise };
        if noise > NOISE_MAX {
            return None;
        }
        let same = |x, y| tones.get(x, y).is_some_and(|t| t.gap(tone) <= tolerance(noise));
        let mut arms =
            ARMS.map(|(dx, dy)| (1..=REACH_MAX + 2).take_while(|i| same(x + i * dx, y + i * dy)).count() as i32);
        let mut cut = false;
        for i in [0, 2] {
            let (longer, shorter) = if arms[i] > arms[i + 1] { (i, i + 1) } else { (i + 1, i) };
            if arms[longer] - arms[shorter] <= UNEVEN_MAX {
                continue;
            }
            let ((dx, dy), end) = (ARMS[shorter], arms[shorter] + 1);
            let at_edge = tones.get(x + end * dx, y + end * dy).is_none();
            cut |= at_edge;
            let kept = arms[if at_edge { longer } else { shorter }];
            (arms[longer], arms[shorter]) = (kept, kept);
        }
        if arms.iter().any(|arm| !(REACH_MIN..=REACH_MAX).contains(arm)) {
            return None;
        }
        let mut cross = Self { x, y, tone, noise, arms, cut, half: [0; 4] };
        cross.half = cross.halves(tones);
        Some(cross)
    }

    fn reach(&self) -> [f32; 2] {
        [0, 2].map(|i| (self.arms[i] + self.arms[i + 1]) as f32 / 2.0)
    }

    fn is_on(&self, tones: &Tones, x: i32, y: i32) -> bool {
        tones.get(x, y).is_some_and(|t| t.gap(self.tone) <= tolerance(self.noise))
    }

    /// How far the strokes spread to either side of the centre's column and row.
    fn halves(&self, tones: &Tones) -> [i32; 4] {
        // Wider strokes would not make a '+'.
        let most = self.arms.into_iter().fold(REACH_MAX, i32::min) / 2;
        [(-1, 0), (1, 0), (0, -1), (0, 1)].map(|(dx, dy): (i32, i32)| {
            let mut spreads: Vec<i32> = Vec::new();
            let stroke = if dx != 0 { [-self.arms[3], self.arms[2]] } else { [-self.arms[1], self.arms[0]] };
            for i in (stroke[0]..=stroke[1]).filter(|i| i.abs() >= REACH_MIN - 1) {
                let (x, y) = (self.x + i * dy.abs(), self.y + i * dx.abs());
                if self.is_on(tones, x, y) {
                    spreads.push((1..=most).take_while(|d| self.is_on(tones, x + d * dx, y + d * dy)).count() as i32);
                }
            }
            // Tissue of the marker's colour only ever adds to a spread, so the truth is among the small ones.
            spreads.sort_unstable();
            spreads.get(spreads.len() / 4).copied().unwrap_or(0)
        })
    }

    /// The marker, if enough of its outline stands out from what lies around it.
    pub(crate) fn marker(&self, tones: &Tones) -> Option<Marker> {
        let outline = self.outline(tones)?;
        let [least, sharp] = match self.noise <= NOISE_EXACT {
            true => [CONTRAST_EXACT, SHARP_EXACT],
            false => [CONTRAST + 2.0 * self.noise, SHARP],
        };
        if outline.contrast < least || outline.contrast < sharp * outline.far_contrast {
            return None;
        }
        let whole = outline.seen >= OUTLINE_CLEAR && outline.sides >= 6 && outline.tips >= 3;
        let part = outline.seen >= OUTLINE_WEAK && outline.tips >= 2;
        match (whole, part) {
            (true, _) if self.cut => Some(self.drawn(tones, &outline, Proof::Cut)),
            (true, _) => Some(self.drawn(tones, &outline, Proof::Clear)),
            (_, true) if !self.cut => Some(self.drawn(tones, &outline, Proof::Weak)),
            _ => None,
        }
    }

    /// The marker that is known to have this very shape, if some of its outline stands out.
    pub(crate) fn faint_marker(&self, tones: &Tones) -> Option<Marker> {
        let outline = self.outline(tones)?;
        let enough = outline.seen >= OUTLINE_FAINT && outline.sides >= 3 && outline.tips >= 2;
        enough.then(|| self.drawn(tones, &outline, Proof::Weak))
    }

    fn drawn(&self, tones: &Tones, outline: &Outline, proof: Proof) -> Marker {
        let across = self.profile(tones, (1, 0));
        let down = self.profile(tones, (0, 1));
        Marker {
            shape: Shape::Plus,
            axis: None,
            at: Spot { x: self.x as f32 + across.middle, y: self.y as f32 + down.middle },
            reach: self.reach(),
            stroke: (across.width + down.width) / 2.0,
            tone: self.tone,
            noise: self.noise,
            proof,
            outline: outline.seen + 0.1 * outline.tips as f32,
        }
    }

    pub(crate) fn is_same_shape(&self, other: &Self) -> bool {
        self.arms == other.arms && self.half == other.half && self.tone.gap(other.tone) <= TONE_STEP
    }

    /// Every place where all pixels of this shape have its colour.
    pub(crate) fn copies(&self, tones: &Tones) -> Vec<Self> {
        // The tips come first: they tell soonest that a place is none.
        let mut shape: Vec<(i32, i32)> = Vec::new();
        for (arm, (dx, dy)) in ARMS.into_iter().enumerate() {
            let [one, two] = if dx != 0 { [self.half[2], self.half[3]] } else { [self.half[0], self.half[1]] };
            let arm = (1..=self.arms[arm]).rev();
            shape.extend(
                arm.flat_map(|i| (-one..=two).map(move |off| (i * dx + off * dy.abs(), i * dy + off * dx.abs()))),
            );
        }
        let own = tolerance(self.noise);
        let places = (0..tones.height()).flat_map(|y| {
            let row = tones.row(y).iter().enumerate();
            row.filter(|(_, tone)| tone.gap(self.tone) <= own).map(move |(x, _)| (x as i32, y))
        });
        let full = places.filter(|&(x, y)| shape.iter().all(|&(dx, dy)| self.is_on(tones, x + dx, y + dy)));
        full.map(|(x, y)| Self { x, y, cut: false, ..self.clone() }).take(COPIES_MAX).collect()
    }

    /// Looks two pixels beside every arm and beyond its tip; none if an arm goes on as a stroke.
    fn outline(&self, tones: &Tones) -> Option<Outline> {
        let mut outline = Outline { seen: 0.0, sides: 0, tips: 0, contrast: 0.0, far_contrast: 0.0 };
        let (mut looked, mut seen) = (0, 0);
        let (mut contrast, mut far_contrast) = (0.0, 0.0);
        // Drawn strokes end within a pixel, compressed or scaled ones within two.
        let rim = if self.noise <= NOISE_EXACT { 1 } else { 2 };
        let other = |x, y| tones.get(x, y).is_none_or(|t| t.gap(self.tone) > tolerance(self.noise));
        let gap = |(x, y): (i32, i32)| tones.get(x, y).map(|t| f32::from(t.gap(self.tone)));
        for (arm, (dx, dy)) in ARMS.into_iter().enumerate() {
            let reach = self.arms[arm];
            let [one, two] = if dx != 0 { [self.half[2], self.half[3]] } else { [self.half[0], self.half[1]] };
            let own = if dx != 0 { self.half[0].max(self.half[1]) } else { self.half[2].max(self.half[3]) };
            let beside = |i: i32, off: i32| (self.x + i * dx + off * dy.abs(), self.y + i * dy + off * dx.abs());
            for (off, away) in [(-one, -1), (two, 1)] {
                let spots = |rim: i32| (own + 2..=reach).map(move |i| beside(i, off + rim * away));
                let clear = spots(2).filter(|&(x, y)| other(x, y)).count();
                contrast += spots(rim).filter_map(gap).sum::<f32>();
                far_contrast += spots(rim + FAR).filter_map(gap).sum::<f32>();
                looked += spots(2).count();
                seen += clear;
                outline.sides += usize::from(5 * clear >= 3 * spots(2).count());
            }
            let (x, y) = beside(reach + 2, 0);
            outline.tips += usize::from(other(x, y));
            let goes_on = (reach + 2..=reach + 4).all(|i| {
                let ((x, y), flanks) = (beside(i, 0), [beside(i, -one - 2), beside(i, two + 2)]);
                !other(x, y) && flanks.into_iter().all(|(x, y)| other(x, y))
            });
            if goes_on {
                return None;
            }
        }
        outline.seen = seen as f32 / looked.max(1) as f32;
        outline.contrast = contrast / looked.max(1) as f32;
        outline.far_contrast = far_contrast / looked.max(1) as f32;
        Some(outline)
    }

    /// Where the stroke across `axis` lies and how wide it is, from how much of each pixel it covers.
    fn profile(&self, tones: &Tones, axis: (i32, i32)) -> Profile {
        let (dx, dy) = axis;
        let [one, two] = if dx != 0 { [self.half[0], self.half[1]] } else { [self.half[2], self.half[3]] };
        let own = if dx != 0 { self.half[2].max(self.half[3]) } else { self.half[0].max(self.half[1]) };
        let arms = if dx != 0 { [-self.arms[3], self.arms[2]] } else { [-self.arms[1], self.arms[0]] };
        let (mut middles, mut widths): (Vec<f32>, Vec<f32>) = (Vec::new(), Vec::new());
        for i in (arms[0] + 1..arms[1]).filter(|i| i.abs() >= own + 2) {
            let gap_at =
                |off: i32| tones.get(self.x + off * dx + i * dy, self.y + off * dy + i * dx).map(|t| t.gap(self.tone));
            let [Some(before), Some(behind)] = [gap_at(-one - 2), gap_at(two + 2)] else { continue };
            if before.min(behind) <= tolerance(self.noise) {
                continue;
            }
            let (mut moment, mut width) = (0.0, 0.0);
            for off in -one - 1..=two + 1 {
                let ground = f32::from(if 2 * off < two - one { before } else { behind });
                let cover = (1.0 - f32::from(gap_at(off).unwrap_or(0)) / ground).max(0.0);
                moment += cover * off as f32;
                width += cover;
            }
            if width > 0.0 {
                middles.push(moment / width);
                widths.push(width);
            }
        }
        let median = |mut values: Vec<f32>| {
            values.sort_by(f32::total_cmp);
            values.get(values.len() / 2).copied()
        };
        Profile {
            middle: median(middles).unwrap_or((two - one) as f32 / 2.0),
            width: median(widths).unwrap_or((one + two + 1) as f32),
        }
    }
}

/// How much of a cross stands out.
struct Outline {
    /// Part of the pixels beside the arms that have another colour.
    seen: f32,
    /// Of the eight sides of the four arms, those that are mostly seen.
    sides: usize,
    /// Of the four tips, those that end visibly.
    tips: usize,
    /// The mean difference right beside the arms, and some pixels farther out.
    contrast: f32,
    far_contrast: f32,
}

/// A stroke's place and width across itself.
struct Profile {
    middle: f32,
    width: f32,
}
