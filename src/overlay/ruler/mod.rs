//! Pixels -> the depth ruler and the picture's scale, or none.
//!
//! The rooms, in the order of the flow: `bars` finds what may be a tick, `comb` what stands at even steps, `worth` how many
//! centimetres a step may be. Where that leaves one, the scale is known; where it leaves several, the ticks are kept as
//! [`Ticks`] until the numbers beside them or a printed length decide. Always holds: a scale is never a guess among several.

mod bars;
mod comb;
mod worth;

use super::{Ruler, tone::Tones};
use crate::{
    frame::{Frame, Spot},
    units::PixelsPerCm,
};
use alloc::vec::Vec;
use bars::{Plane, Way};
use comb::{Comb, Tick};
use worth::Grouping;

/// The ruler along the top lies in this part of the picture.
const TOP_PART: f32 = 0.35;
/// Horizontal and vertical scales differ by no more than this factor.
const STRETCH_MAX: f32 = 1.34;
/// How far a tick may lie from its place in the end, in pixels.
const OFF_MAX: f32 = 1.3;
/// The most rulers along the top that are held against the upright one.
const LYING_MAX: usize = 8;

/// The ticks of a depth ruler, before it is known what a step between them is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticks {
    /// The ticks' centres, from the top down.
    pub spots: Vec<Spot>,
    /// Pixels from one to the next, across the picture and down.
    pub step: [f32; 2],
    /// Whether a ruler along the top says what a step is across the picture.
    pub along_top: bool,
    /// What a step may be worth, in centimetres.
    pub worths_cm: Vec<f32>,
    /// Steps from a large tick to the next, for each way to see them.
    pub every: Vec<i32>,
}

impl Ticks {
    /// The ruler, if a step is worth so many centimetres.
    pub fn worth(&self, cm: f32) -> Ruler {
        let [across, down] = self.step.map(|step| PixelsPerCm(step / cm));
        Ruler { scale: down, across, ticks: self.spots.clone() }
    }

    /// The ruler, if only one worth is possible.
    pub fn ruler(&self) -> Option<Ruler> {
        if let [cm] = self.worths_cm[..] { Some(self.worth(cm)) } else { None }
    }
}

/// The ticks of the depth ruler on a picture.
pub fn ticks(frame: Frame<'_>) -> Option<Ticks> {
    find(&Tones::of(frame))
}

/// Finds the ticks of the depth ruler.
pub(super) fn find(tones: &Tones) -> Option<Ticks> {
    let (width, height) = (tones.width(), tones.height());
    let plane = Plane::of(tones, height);
    let upright = comb::combs(&bars::find(&plane, Way::Down, height), height);
    let fitted = upright.into_iter().find_map(|comb| Fitted::of(comb))?;
    let top = Plane::of(tones, (height as f32 * TOP_PART) as i32);
    let lying = comb::combs(&bars::find(&top, Way::Across, height), width);
    let lying = lying.into_iter().take(LYING_MAX).filter_map(Fitted::of).find(|lying| lying.goes_with(&fitted));
    Some(fitted.with(lying.as_ref()))
}

/// A comb with its groupings and its step as fine as its ticks tell it.
struct Fitted {
    comb: Comb,
    groupings: Vec<Grouping>,
    step: f32,
}

impl Fitted {
    fn of(mut comb: Comb) -> Option<Self> {
        loop {
            let groupings = worth::groupings(&comb);
            let (step, worst) = fit(&comb.ticks, groupings.first()?)?;
            let Some(worst) = worst else { return Some(Self { comb, groupings, step }) };
            comb.ticks.remove(worst);
            if comb.ticks.len() < comb::TICKS_MIN {
                return None;
            }
        }
    }

    /// Whether both may be rulers of one picture.
    fn goes_with(&self, other: &Self) -> bool {
        let shared = self.groupings.iter().any(|a| other.groupings.iter().any(|b| a.every == b.every));
        let stretch = self.step / other.step;
        shared && stretch < STRETCH_MAX && stretch * STRETCH_MAX > 1.0
    }

    fn with(self, lying: Option<&Self>) -> Ticks {
        let spot = |tick: &Tick| Spot { x: (tick.bar.first + tick.bar.last) as f32 / 2.0, y: tick.bar.at };
        let worths_cm = worth::worths(&self.comb, &self.groupings);
        Ticks {
            spots: self.comb.ticks.iter().map(spot).collect(),
            step: [lying.map_or(self.step, |lying| lying.step), self.step],
            along_top: lying.is_some(),
            worths_cm,
            every: self.groupings.iter().map(|grouping| grouping.every).collect(),
        }
    }
}

/// The step by least squares, and the tick that lies farthest off its place if it does so by too much.
///
/// Large and small ticks differ in thickness, so each kind is drawn around its own line: one step, two origins.
fn fit(ticks: &[Tick], grouping: &Grouping) -> Option<(f32, Option<usize>)> {
    let kind = |tick: &Tick| usize::from(grouping.is_major(tick.place));
    let mut sums = [[0.0_f32; 3]; 2];
    for tick in ticks {
        let sum = &mut sums[kind(tick)];
        *sum = [sum[0] + 1.0, sum[1] + tick.place as f32, sum[2] + tick.bar.at];
    }
    let means = sums.map(|[count, place, at]| [place / count.max(1.0), at / count.max(1.0)]);
    let offsets = || {
        ticks.iter().map(|tick| {
            let [place, at] = means[kind(tick)];
            [tick.place as f32 - place, tick.bar.at - at]
        })
    };
    let spread: f32 = offsets().map(|[p, _]| p * p).sum();
    if spread <= 0.0 {
        return None;
    }
    let step = offsets().map(|[p, at]| p * at).sum::<f32>() / spread;
    let off = offsets().map(|[p, at]| (at - p * step).abs());
    let worst = off.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, off)| *off > OFF_MAX);
    Some((step, worst.map(|(i, _)| i)))
}

/// DEBUG
pub fn debug(frame: Frame<'_>) -> alloc::string::String {
    let tones = Tones::of(frame);
    let height = tones.height();
    let plane = Plane::of(&tones, height);
    let bars = bars::find(&plane, Way::Down, height);
    let mut out = alloc::format!("{} bars\n", bars.len());
    for comb in comb::combs(&bars, height).into_iter().take(6) {
        out += &alloc::format!("score {} step {} n {} reach {}\n", comb.score, comb.step, comb.ticks.len(), comb.reach());
        for t in &comb.ticks { out += &alloc::format!("   {} {:?}\n", t.place, t.bar); }
        out += &alloc::format!("  groupings {:?}\n", worth::groupings(&comb));
    }
    out
}
