//! A caliper marker: where it is, how it is drawn, how well it is seen, and whether another one is drawn by the same hand.
//!
//! A cross is measured between pixels by its strokes, and where its colour is exact by the pixels that have it; tees and arrows
//! are where the judge sees them.

use super::{
    gauge, glyph,
    ink::Ink,
    judge::Judged,
    places::Kind,
    star::{Seed, Shape, Star},
    tone::{Tone, Tones},
};
use crate::frame::Spot;
use alloc::vec::Vec;
use core::{
    f32::consts::{FRAC_PI_2, PI},
    ops::RangeInclusive,
};

/// Noise up to which strokes count as exact. Only a picture that was never compressed or scaled has such overlay.
const NOISE_EXACT: f32 = 1.0;
/// The least difference that counts as another colour. Overlay in a clean picture is exact, echo is not.
const TONE_STEP: u8 = 2;
/// The most by which a stroke's pixels leave its colour: JPEG on the real screens stays within 20.
const TONE_TOLERANCE: u8 = 34;

/// The least log-odds of a clear marker. *Source*: `sonogfr carts` of seeds 7121 and 7122: of 1,093 crosses, 779 tees and 917 arrows 0,
/// 10 and 19 have fewer wherever they are looked at; of other places 158, 18 and 17 have more.
const CLEAR_MIN: f32 = 2.2;
/// Where along its strokes a cross is measured, as parts of its reach.
const LOOKS: [f32; 3] = [0.7, 0.5, 0.85];
/// How far the middle of pixels of one colour may be from a centre that was measured, and from one that was only judged.
const EXACT_OFF: f32 = 0.75;
const JUDGED_OFF: f32 = 2.0;
/// How far a measured centre may be from where the marker was judged to be, in pixels and as a part of its reach: a line along a
/// stroke draws the measured centre aside. *Source*: the judge's centres are 0.6 pixels off at the 99th percentile
/// (models/markers/README.md; 0.9 with the weights before), twice as far where it looks at a picture of half the size.
const MEASURED_OFF: f32 = 0.9;
const MEASURED_OFF_PART: f32 = 0.04;
/// A diagonal cross reaches sideways by this part of its strokes' length.
const X_PART: f32 = 0.85;
/// A marker is cut if the picture's edge takes as many pixels of an arm: less is how far its reach may be off.
const CUT_MIN: f32 = 1.0;
/// How far the arms of crosses of one size may differ, in pixels and as a part of their length, and those of crosses that nothing cuts.
const EVEN_PX: f32 = 1.0;
const EVEN_PART: f32 = 0.1;
const WHOLE_PX: f32 = 0.6;
const WHOLE_PART: f32 = 0.05;
/// How far a place on whole or half pixels may be from where a centre was measured.
const OFF_GRID_MAX: f32 = 0.2;
/// The cosine of the most by which a tee or arrow may look past its partner.
const FACING: f32 = 0.97;
/// How far the colours of two markers may differ where strokes are smeared.
const SMEARED: u8 = 44;
/// The same where strokes of one pixel were scaled, and lie on whole pixels here and between them there.
const WORN: u8 = 80;
/// The same of strokes that are not: in luma, and in chroma that a cable may have halved.
const EXACT: u8 = 4;
const SMEARED_CHROMA: u8 = 24;

/// How well a marker is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Its outline is seen nearly all around.
    Clear,
    /// Only a part of its outline stands out from what lies behind it.
    Weak,
}

/// A caliper marker.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Marker {
    /// Its shape.
    pub shape: Shape,
    /// The direction to its partner, where its shape shows it.
    pub axis: Option<(f32, f32)>,
    /// Where the strokes cross, to a part of a pixel.
    pub at: Spot,
    /// The arms' length from the centre, without the centre's pixel: sideways and upright.
    pub reach: [f32; 2],
    /// The same in all directions as it was judged, which wear does not shorten.
    pub judged: f32,
    /// Whether it is a cross that was measured between pixels and whose arms are each as long as its opposite.
    pub is_even: bool,
    /// The strokes' width.
    pub stroke: f32,
    /// Its colour.
    pub tone: Tone,
    /// How far its pixels leave that colour, root mean square.
    pub noise: f32,
    /// How well it is seen.
    pub proof: Proof,
    /// How much of its outline is seen; only to compare.
    pub outline: f32,
}

impl Marker {
    /// A marker as judged; a cross is measured between pixels where its strokes can be followed.
    pub(super) fn of(tones: &Tones, ink: &Ink, judged: &Judged) -> Self {
        let measured = star_of(ink, judged);
        let (at, gap) = measured.as_ref().map_or((judged.at, 0.0), |star| (star.at, star.gap));
        let (rays, arm) = match &measured {
            Some(star) => (star.rays.clone(), star.arms.iter().sum::<f32>() / star.arms.len() as f32),
            None => (judged.rays(), judged.reach),
        };
        let is_cross = judged.kind == Kind::Cross;
        let sides = if is_cross { Sides::Middle } else { Sides::Brightest };
        let (tone, noise) = tone_of(tones, at, &rays, (0.4 * arm).max(gap + 1.0)..=0.85 * arm, sides);
        let part = if judged.is_diagonal() { X_PART } else { 1.0 };
        let marker = Self {
            shape: measured.as_ref().map_or(judged.shape(), |star| star.shape),
            axis: (!is_cross).then(|| (libm::cosf(judged.axis), libm::sinf(judged.axis))),
            at,
            reach: measured.as_ref().map_or([part * judged.reach - 0.5; 2], Star::reach),
            judged: judged.reach,
            is_even: measured.as_ref().is_some_and(|star| star.is_even),
            stroke: measured.as_ref().map_or(judged.stroke, |star| star.stroke),
            tone,
            noise,
            proof: if judged.sure >= CLEAR_MIN { Proof::Clear } else { Proof::Weak },
            outline: 1.0 / (1.0 + libm::expf(-judged.sure)),
        };
        if !is_cross || !marker.is_exact() {
            return marker;
        }
        let exact = marker.exact_centre(tones);
        // Strokes whose edges a little noise changed are measured better between pixels.
        let near = if measured.is_some() { EXACT_OFF } else { JUDGED_OFF };
        let at = if exact.distance(marker.at) <= near { exact } else { marker.at };
        Self { at: on_grid(at), ..marker }
    }

    /// The same; among print it may be a plus sign, and counts only as the partner of one that is clear.
    pub(super) fn in_print(self, tones: &Tones) -> Self {
        let in_print = self.axis.is_none() && glyph::stands_in_print(tones, &self);
        Self { proof: if in_print { Proof::Weak } else { self.proof }, ..self }
    }

    /// The middle of an exact marker's strokes by the pixels that have its colour, whatever lies beside them.
    fn exact_centre(&self, tones: &Tones) -> Spot {
        if self.shape == Shape::X {
            return self.at;
        }
        let same =
            |x: f32, y: f32| tones.nearest(Spot { x, y }).is_some_and(|tone| tone.gap(self.tone) <= self.tolerance());
        let widest = 2.0 * self.stroke + 2.0;
        let middle = |on: &dyn Fn(f32, f32) -> bool, reach: f32| {
            let arms = (1..libm::ceilf(reach) as i32).filter(|&r| r as f32 >= 0.4 * reach).flat_map(|r| [r, -r]);
            let mut middles: Vec<f32> = arms
                .filter_map(|r| {
                    let on = |off: i32| on(r as f32, off as f32);
                    let start = [0, -1, 1, -2, 2].into_iter().find(|&off| on(off))?;
                    let after = (1..).take_while(|&i| (i as f32) < widest && on(start + i)).count() as i32;
                    let before = (1..).take_while(|&i| (i as f32) < widest && on(start - i)).count() as i32;
                    ((after + before) as f32 + 1.0 <= widest).then(|| start as f32 + (after - before) as f32 / 2.0)
                })
                .collect();
            middles.sort_by(f32::total_cmp);
            middles.get(middles.len() / 2).copied().unwrap_or(0.0)
        };
        let (x, y) = (libm::roundf(self.at.x), libm::roundf(self.at.y));
        let down = middle(&|along, across| same(x + along, y + across), self.reach[0]);
        let aside = middle(&|along, across| same(x + across, y + along), self.reach[1]);
        Spot { x: x + aside, y: y + down }
    }

    /// The larger of the two reaches.
    pub(crate) fn size(&self) -> f32 {
        2.0 * self.reach[0].max(self.reach[1]) + 1.0
    }

    /// Whether the picture's edge cuts it off. Where it does, the arms across seem as short as the one that is cut, and what is left of
    /// a cross may look like a tee.
    pub(crate) fn is_cut(&self, tones: &Tones) -> bool {
        let reach = self.reach[0].max(self.reach[1]);
        let room = if self.axis.is_some() { 2.0 * reach } else { reach - CUT_MIN };
        let is_near = |at: f32, side: i32| at < room || at > side as f32 - 1.0 - room;
        is_near(self.at.x, tones.width()) || is_near(self.at.y, tones.height())
    }

    /// Whether both are crosses of one hand of which nothing is cut: what is would be shorter one way than the other.
    pub(crate) fn is_whole_as(&self, other: &Self) -> bool {
        self.is_even && other.is_even && self.has_arms_of(other, WHOLE_PX, WHOLE_PART)
    }

    /// Whether both are crosses of one hand with arms of one length, as far as wear tells.
    pub(crate) fn is_size_of(&self, other: &Self) -> bool {
        self.has_arms_of(other, EVEN_PX, EVEN_PART)
    }

    fn has_arms_of(&self, other: &Self, off: f32, part: f32) -> bool {
        let arms = || self.reach.into_iter().chain(other.reach);
        let (least, most) = (arms().fold(f32::MAX, f32::min), arms().fold(0.0, f32::max));
        self.is_twin(other) && self.axis.is_none() && most - least <= off + part * most
    }

    /// Below this difference a pixel has the marker's colour.
    pub(crate) fn tolerance(&self) -> u8 {
        ((3.0 * self.noise) as u8).saturating_add(TONE_STEP).min(TONE_TOLERANCE)
    }

    /// Whether its strokes have one colour exactly, as in a picture that was neither compressed nor scaled.
    pub(crate) fn is_exact(&self) -> bool {
        self.noise <= NOISE_EXACT
    }

    /// Whether both are so clearly markers of one hand that they need no line between them. Echo does not repeat a colour exactly.
    pub(crate) fn is_twin(&self, other: &Self) -> bool {
        let clear = self.proof == Proof::Clear && other.proof == Proof::Clear;
        self.is_alike(other) && (clear || self.is_exact() && other.is_exact())
    }

    /// Whether both were drawn by the same hand and, where their shape has a direction, look at each other.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        self.is_drawn_as(other) && self.faces(other)
    }

    /// The same of strokes that may have been worn in different measure: alike enough where more than looks joins them.
    pub(super) fn is_akin(&self, other: &Self) -> bool {
        self.looks_like(other) && self.faces(other)
    }

    /// Whether both have one shape and size and, as far as worn strokes tell, one colour.
    pub(super) fn looks_like(&self, other: &Self) -> bool {
        self.is_shaped_as(other) && self.tone.gap(other.tone) <= WORN
    }

    /// Whether both look at each other, where their shape has a direction.
    fn faces(&self, other: &Self) -> bool {
        let looks_at = |from: &Self, to: &Self| {
            let long = from.at.distance(to.at).max(1.0);
            let [dx, dy] = [(to.at.x - from.at.x) / long, (to.at.y - from.at.y) / long];
            from.axis.is_none_or(|(x, y)| x * dx + y * dy >= FACING)
        };
        looks_at(self, other) && looks_at(other, self)
    }

    /// Whether both have the same shape, size, stroke and colour.
    pub(super) fn is_drawn_as(&self, other: &Self) -> bool {
        // Smeared strokes keep more or less of their colour, as their pixels fall; of whole ones a cable may smear the chroma.
        let is_same = if self.is_exact() && other.is_exact() {
            self.tone.luma().abs_diff(other.tone.luma()) <= EXACT && self.tone.gap(other.tone) <= SMEARED_CHROMA
        } else {
            self.tone.gap(other.tone) <= SMEARED
        };
        is_same && self.is_shaped_as(other)
    }

    /// Whether both have the same shape, size and stroke.
    fn is_shaped_as(&self, other: &Self) -> bool {
        let near = |a: f32, b: f32| (a - b).abs() <= 1.5 + a.max(b) * 0.15;
        let upright = |shape| matches!(shape, Shape::Plus | Shape::BoxedPlus);
        (self.shape == other.shape || upright(self.shape) && upright(other.shape))
            && (near(self.judged, other.judged) || (0..2).all(|i| near(self.reach[i], other.reach[i])))
            && (self.stroke - other.stroke).abs() <= 1.25 + self.stroke.max(other.stroke) * 0.3
    }
}

/// Which pixels tell a stroke's usual colour.
#[derive(Clone, Copy)]
enum Sides {
    /// Those on its middle, which was measured.
    Middle,
    /// Those with the most ink of the middle and a pixel beside it, as the middle was only judged.
    Brightest,
}

/// The colour of strokes that leave `at` by `rays`, seen over `reach`, and how far they leave it, root mean square. Where the
/// middle was measured a pixel off, the pixel beside counts.
fn tone_of(tones: &Tones, at: Spot, rays: &[(f32, f32)], reach: RangeInclusive<f32>, sides: Sides) -> (Tone, f32) {
    let along = |off: f32| {
        let reach = reach.clone();
        rays.iter().flat_map(move |&(dx, dy)| {
            let steps = *reach.start() as i32..=*reach.end() as i32;
            steps.map(move |r| Spot { x: at.x + r as f32 * dx - off * dy, y: at.y + r as f32 * dy + off * dx })
        })
    };
    let beside =
        |spots: [Spot; 3]| spots.into_iter().filter_map(|spot| tones.nearest(spot)).max_by_key(|tone| tone.ink());
    let mut middle: Vec<Tone> = match sides {
        Sides::Middle => along(0.0).filter_map(|spot| tones.nearest(spot)).collect(),
        Sides::Brightest => {
            let threes = along(0.0).zip(along(-1.0).zip(along(1.0))).map(|(a, (b, c))| [a, b, c]);
            threes.filter_map(beside).collect()
        }
    };
    middle.sort_by_key(|tone| tone.luma());
    let Some(&usual) = middle.get(middle.len() / 2) else { return (Tone::BLACK, f32::MAX) };
    let near = along(0.0).zip(along(-1.0).zip(along(1.0))).filter_map(|(here, (left, right))| {
        [here, left, right].into_iter().filter_map(|spot| tones.nearest(spot)).min_by_key(|tone| tone.gap(usual))
    });
    let own: Vec<Tone> = near.collect();
    let tone = Tone::mean(own.iter().copied()).unwrap_or(usual);
    let squares = own.iter().map(|t| f32::from(t.gap(tone))).map(|gap| gap * gap).sum::<f32>();
    (tone, libm::sqrtf(squares / own.len().max(1) as f32))
}

/// The place on whole or half pixels where a marker is whose pixels have one colour: there strokes cover whole pixels.
fn on_grid(at: Spot) -> Spot {
    let near = |value: f32| {
        let whole = libm::roundf(2.0 * value) / 2.0;
        if (whole - value).abs() <= OFF_GRID_MAX { whole } else { value }
    };
    Spot { x: near(at.x), y: near(at.y) }
}

/// A judged cross measured between pixels; none if its strokes cannot be followed, or lead elsewhere.
fn star_of(ink: &Ink, judged: &Judged) -> Option<Star> {
    if judged.kind != Kind::Cross {
        return None;
    }
    let rays = [0.0, PI, FRAC_PI_2, -FRAC_PI_2].map(|angle| judged.axis + angle).to_vec();
    // Where one distance meets a label or another marker's line another one may not.
    let looks = LOOKS.iter().map(|part| part * judged.reach);
    let seeds = looks.map(|look| Seed { shape: judged.shape(), at: judged.at, rays: rays.clone(), look });
    let mut stars = seeds.filter_map(|seed| gauge::measure(ink, &seed));
    stars.find(|star| star.at.distance(judged.at) <= MEASURED_OFF + MEASURED_OFF_PART * judged.reach)
}
