//! Pixels -> the depth ruler and the picture's scale, or none.
//!
//! The rooms, in the order of the flow: `bars` finds what may be a tick, `comb` what stands at even steps, `worth` how many
//! centimetres a step may be. Where that leaves one, the scale is known; where it leaves several, the ticks are kept as
//! [`Ticks`] until the numbers beside them or a printed length decide. Always holds: a scale is never a guess among several.

mod bars;
mod comb;
mod numbers;
mod worth;

#[cfg(test)]
mod tests;

use super::{sector::Outline, tone::Tones};
use crate::{
    frame::{Frame, Spot},
    units::{Centimetres, PixelsPerCm},
};
use alloc::vec::Vec;
use bars::{Bar, Plane, Way};
use comb::{Comb, Tick};
pub use numbers::Numbers;
use numbers::Said;
use serde::{Deserialize, Serialize};
use worth::Grouping;

/// The ruler along the top lies in this part of the picture.
const TOP_PART: f32 = 0.35;
/// Horizontal and vertical scales differ by no more than this factor.
pub(super) const STRETCH_MAX: f32 = 1.34;
/// How far a tick may lie from its place in the end, in pixels.
const OFF_MAX: f32 = 1.3;
/// How far ticks lie from their places, root mean square: at most so many pixels and this part of a step. Whole pixels make
/// 0.29 of it, and 0.43 where they are scaled up by half.
const SPREAD_MAX: (f32, f32) = (0.5, 0.05);
/// Bars this near to ticks, in pixels, are noise if there are so many for a tick. *Source*: beside the rulers of 240 `sonogfr carts` there
/// are up to 4.2.
const AROUND: f32 = 24.0;
const AMONG_MAX: usize = 6;
/// The most rulers along the top that are held against the upright one.
const LYING_MAX: usize = 8;

/// What tells a picture's scale across.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Across {
    /// A second ruler along the top.
    Ruler,
    /// The border of the echo.
    Sector,
    /// Nothing: it is taken to be that of the upright ruler.
    Assumed,
}

/// Pixels beside a learnt ruler that are looked at too: a tick's surroundings, and large ticks in a line of their own.
const BESIDE: usize = 64;
/// How far a ruler may be from its learnt place, in pixels, and its step from the learnt one as a part: ticks lie on whole
/// pixels, and another depth changes the step by 5 % at least.
const PLACE_OFF: u16 = 2;
const STEP_OFF: f32 = 0.004;

/// Where a cart's ruler stands at one depth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// The first and last column of its ticks.
    pub columns: [u16; 2],
    /// The row of its first tick.
    pub top: u16,
    /// Pixels from one tick to the next.
    pub step: f32,
    /// Whether another runs along the top.
    pub along_top: bool,
}

/// The depth ruler beside the echo.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruler {
    /// The picture's scale down the picture, along the ruler.
    pub scale: PixelsPerCm,
    /// Its scale across; another one where the picture is stretched and a ruler along the top or the echo's border tells so.
    pub across: PixelsPerCm,
    /// What tells it.
    pub by: Across,
    /// The centres of the ticks found, from the top down.
    pub ticks: Vec<Spot>,
}

impl Ruler {
    /// The distance between two points of the picture.
    pub fn distance(&self, [a, b]: [Spot; 2]) -> Centimetres {
        Centimetres(libm::hypotf((a.x - b.x) / self.across.0, (a.y - b.y) / self.scale.0))
    }
}

/// One tick in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Mark {
    spot: Spot,
    /// Its first and last pixel across the ruler.
    reach: [i32; 2],
    place: i32,
    is_large: bool,
}

/// The ticks of a depth ruler, before it is known what a step between them is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticks {
    marks: Vec<Mark>,
    /// Whether another ruler runs along the top.
    along_top: bool,
    /// Pixels from one to the next, across the picture and down.
    step: [f32; 2],
    across: Across,
    /// What a step may be worth, in centimetres.
    worths_cm: Vec<f32>,
}

impl Ticks {
    /// The ruler, if only one worth is possible.
    pub fn ruler(&self) -> Option<Ruler> {
        if let [cm] = self.worths_cm[..] { Some(self.at(cm)) } else { None }
    }

    /// Every ruler that the ticks may be.
    pub fn rulers(&self) -> impl Iterator<Item = Ruler> {
        self.worths_cm.iter().map(|cm| self.at(*cm))
    }

    fn at(&self, cm: f32) -> Ruler {
        let [across, scale] = self.step.map(|step| PixelsPerCm(step / cm));
        Ruler { scale, across, by: self.across, ticks: self.spots().collect() }
    }

    /// The ticks' centres, from the top down.
    pub fn spots(&self) -> impl Iterator<Item = Spot> {
        self.marks.iter().map(|mark| mark.spot)
    }

    /// Where they stand; none without ticks.
    pub(super) fn place(&self) -> Option<Place> {
        let side = |at: i32| u16::try_from(at).ok();
        let columns = [
            side(self.marks.iter().map(|mark| mark.reach[0]).min()?)?,
            side(self.marks.iter().map(|mark| mark.reach[1]).max()?)?,
        ];
        let top = side(libm::roundf(self.marks.first()?.spot.y) as i32)?;
        Some(Place { columns, top, step: self.step[1], along_top: self.along_top })
    }

    /// How many times as wide as high the picture shows things; 1 where nothing tells.
    pub fn stretch(&self) -> f32 {
        self.step[0] / self.step[1]
    }

    /// What tells the step across.
    pub fn across(&self) -> Across {
        self.across
    }

    /// The same with the step across as the echo's border tells it, where no ruler does.
    pub(super) fn with_outline(mut self, outline: Option<&Outline>) -> Self {
        if let (Across::Assumed, Some(outline)) = (self.across, outline) {
            self.step[0] = self.step[1] * outline.stretch.likeliest();
            self.across = Across::Sector;
        }
        self
    }

    /// The numbers beside the ticks, for a recogniser.
    pub fn numbers(&self, frame: Frame<'_>) -> Option<Numbers> {
        numbers::cut(frame, &self.marks)
    }

    /// The same, with what was read in the line of numbers: it leaves the worths that it fits, none if it fits none.
    pub fn with_numbers(mut self, numbers: &Numbers, text: &str) -> Self {
        let reach = self.marks.last().map_or(0, |mark| mark.place);
        if let Said::Worths(said) = numbers.said(text, reach, &self.worths_cm) {
            self.worths_cm.retain(|cm| said.contains(cm));
        }
        self
    }

    /// The one of the possible rulers on which the distance of these points comes nearest to what is `printed`.
    ///
    /// Worths differ by a quarter at least and lengths agree within hundredths, so that a wrong worth is never taken for
    /// agreement. The length is then proven by two witnesses, markers on ticks and print, no longer by three.
    pub fn nearest(&self, ends: [Spot; 2], printed: Centimetres) -> Option<Ruler> {
        let off = |ruler: &Ruler| (ruler.distance(ends).0 / printed.0 - 1.0).abs();
        self.rulers().min_by(|a, b| off(a).total_cmp(&off(b)))
    }
}

/// The ticks of the depth ruler on a picture.
pub fn ticks(frame: Frame<'_>) -> Option<Ticks> {
    find(&Tones::of(frame))
}

/// Finds the ticks of the depth ruler.
pub(super) fn find(tones: &Tones) -> Option<Ticks> {
    let (width, height) = (tones.width(), tones.height());
    let plane = Plane::of(tones);
    let bars = bars::find(&plane, Way::Down, height as usize);
    let mut upright = comb::combs(&bars, height).into_iter().filter_map(|comb| Fitted::of(comb.filled(&bars)));
    let fitted = upright.find(|fitted| fitted.is_plausible() && !fitted.is_among(&bars))?;
    let lying = along_top(&plane, &fitted, [width, height]);
    Some(fitted.with(lying.as_ref()))
}

/// The ruler along the top that goes with an upright one.
fn along_top(plane: &Plane, fitted: &Fitted, [width, height]: [i32; 2]) -> Option<Fitted> {
    let bars = bars::find(plane, Way::Across, (height as f32 * TOP_PART) as usize);
    let lying = comb::combs(&bars, width).into_iter().take(LYING_MAX);
    lying.filter_map(|comb| Fitted::of(comb.filled(&bars))).find(|lying| lying.goes_with(fitted))
}

/// Finds the ticks of a ruler that stood in this place; none if they are not all that they were: no other ruler is taken
/// instead.
pub(super) fn find_at(tones: &Tones, place: &Place) -> Option<Ticks> {
    let (width, height) = (tones.width(), tones.height());
    let [first, last] = place.columns.map(usize::from);
    let columns = first.saturating_sub(BESIDE)..(last + BESIDE).min(width as usize);
    if columns.is_empty() || first > last {
        return None;
    }
    let plane = Plane::part(tones, columns, height as usize);
    let bars = bars::find(&plane, Way::Down, height as usize);
    let mut upright = comb::combs(&bars, height).into_iter().filter_map(|comb| Fitted::of(comb.filled(&bars)));
    let fitted = upright.find(Fitted::is_plausible)?;
    let lying = if place.along_top {
        // Bars begin on the upper part and may reach a little below it.
        let rows = (height as f32 * TOP_PART) as usize + BESIDE;
        let plane = Plane::part(tones, 0..width as usize, rows.min(height as usize));
        Some(along_top(&plane, &fitted, [width, height])?)
    } else {
        None
    };
    let ticks = fitted.with(lying.as_ref());
    let off = |a: u16, b: u16| a.abs_diff(b) <= PLACE_OFF;
    let is_there = |found: &Place| {
        let columns = found.columns.iter().zip(place.columns).all(|(a, b)| off(*a, b));
        let step = (found.step / place.step - 1.0).abs() <= STEP_OFF;
        columns && step && off(found.top, place.top) && found.along_top == place.along_top
    };
    (ticks.ruler().is_some() && ticks.place().as_ref().is_some_and(is_there)).then_some(ticks)
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

    /// Whether a step may be worth anything on a picture of a kidney.
    fn is_plausible(&self) -> bool {
        !worth::worths(&self.comb, &self.groupings).is_empty()
    }

    /// Whether there are so many bars around the ticks that some of them come at even steps by chance.
    fn is_among(&self, bars: &[Bar]) -> bool {
        let ticks = || self.comb.ticks.iter().map(|tick| &tick.bar);
        let least = |of: fn(&Bar) -> f32| ticks().map(of).fold(f32::MAX, f32::min);
        let most = |of: fn(&Bar) -> f32| ticks().map(of).fold(f32::MIN, f32::max);
        let columns = least(|bar| bar.first as f32) - AROUND..=most(|bar| bar.last as f32) + AROUND;
        let rows = least(|bar| bar.at)..=most(|bar| bar.at);
        let is_near = |bar: &&Bar| columns.contains(&(bar.first as f32)) && rows.contains(&bar.at);
        bars.iter().filter(is_near).count() > AMONG_MAX * self.comb.ticks.len()
    }

    /// Whether both may be rulers of one picture.
    fn goes_with(&self, other: &Self) -> bool {
        let shared = self.groupings.iter().any(|a| other.groupings.iter().any(|b| a.every == b.every));
        let stretch = self.step / other.step;
        shared && stretch < STRETCH_MAX && stretch * STRETCH_MAX > 1.0
    }

    /// The ticks, with the step across from the ruler along the top.
    fn with(mut self, lying: Option<&Self>) -> Ticks {
        // Carts draw both alike: what one leaves open, because a tick is hidden, the other may tell.
        if let Some(lying) = lying {
            self.groupings.retain(|a| lying.groupings.iter().any(|b| a.every == b.every));
        }
        let is_large = |place: i32| self.groupings.iter().any(|grouping| grouping.is_major(place));
        let mark = |tick: &Tick| {
            let reach = [tick.bar.first, tick.bar.last];
            let spot = Spot { x: (tick.bar.first + tick.bar.last) as f32 / 2.0, y: tick.bar.at };
            Mark { spot, reach, place: tick.place, is_large: is_large(tick.place) }
        };
        Ticks {
            marks: self.comb.ticks.iter().map(mark).collect(),
            along_top: lying.is_some(),
            step: [lying.map_or(self.step, |lying| lying.step), self.step],
            across: if lying.is_some() { Across::Ruler } else { Across::Assumed },
            worths_cm: worth::worths(&self.comb, &self.groupings),
        }
    }
}

/// The step by least squares, and the tick that lies farthest off its place if it does so by too much; none where most do.
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
    let off = || offsets().map(|[p, at]| (at - p * step).abs());
    let worst = off().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, off)| *off > OFF_MAX);
    let spread_off = libm::sqrtf(off().map(|off| off * off).sum::<f32>() / ticks.len() as f32);
    if worst.is_none() && spread_off > SPREAD_MAX.0.min(SPREAD_MAX.1 * step) {
        return None;
    }
    Some((step, worst.map(|(i, _)| i)))
}
