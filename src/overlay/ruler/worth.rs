//! A comb's larger ticks -> what a step may be worth.
//!
//! How many small ticks go to a large one tells the worth, or leaves a few: five small ones to a large one are centimetres on
//! every cart; two may be halves or wholes. What would make the picture deeper or flatter than a kidney's is left out.
//! Always holds: the true worth is never left out in favour of another by a single odd tick.

use super::{
    bars::Bar,
    comb::{Comb, TICKS_MIN, Tick},
};
use alloc::vec::Vec;

/// The depths that an abdominal picture may have, in centimetres.
const DEPTH_CM: core::ops::RangeInclusive<f32> = 4.9..=30.1;
/// Large ticks have so many times the ink of small ones, at least.
const LARGER_MIN: f32 = 1.3;
/// Ticks of one kind differ in ink by this factor at most, and in length by so many pixels.
const ALIKE_MAX: f32 = 1.5;
const LENGTH_OFF_MAX: f32 = 2.0;
/// The part of the ticks that may differ by more, as what they lie on shines through; of the fewest ticks none may.
const UNLIKE_MAX: f32 = 0.4;
/// The part of the ticks that may look like the other kind.
const ODD_MAX: f32 = 0.13;

/// Steps to a large tick, and what one step may then be worth in centimetres. *Source*: the published screens after which
/// `phantom::carts` draws its styles; fifths and tenths of a centimetre are on small-part probes.
const WORTHS: [(i32, &[f32]); 5] =
    [(1, &[0.5, 1.0, 2.0]), (2, &[0.5, 1.0]), (4, &[0.25, 0.5]), (5, &[0.2, 1.0]), (10, &[0.1, 0.5, 1.0])];

/// How a comb's ticks are grouped.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grouping {
    /// Steps from one large tick to the next; 1 where all are alike.
    pub every: i32,
    /// The place of the first large tick.
    pub phase: i32,
    /// How many ticks look otherwise.
    odd: usize,
}

impl Grouping {
    pub fn is_major(&self, place: i32) -> bool {
        self.every > 1 && (place - self.phase) % self.every == 0
    }
}

/// The groupings that explain the ticks best; more than one where they explain them equally well.
pub(super) fn groupings(comb: &Comb) -> Vec<Grouping> {
    let mut all: Vec<Grouping> = Vec::new();
    for (every, _) in WORTHS {
        all.extend((0..every).filter_map(|phase| grouping(comb, every, phase)));
    }
    let Some(least) = all.iter().map(|grouping| grouping.odd).min() else { return all };
    all.retain(|grouping| grouping.odd == least);
    all
}

fn grouping(comb: &Comb, every: i32, phase: i32) -> Option<Grouping> {
    let grouping = Grouping { every, phase, odd: 0 };
    let of = |major: bool| -> Vec<Bar> {
        let kind = |tick: &&Tick| grouping.is_major(tick.place) == major;
        comb.ticks.iter().filter(kind).map(|tick| tick.bar).collect()
    };
    let (minors, majors) = (of(false), of(true));
    let (count, unlike) = (comb.ticks.len(), unlike(&minors) + unlike(&majors));
    let small = median(&minors, |bar| bar.ink)?;
    let odd = if every == 1 {
        unlike
    } else {
        let large = median(&majors, |bar| bar.ink)?;
        if large < LARGER_MIN * small {
            return None;
        }
        let limit = libm::sqrtf(small * large);
        minors.iter().filter(|bar| bar.ink > limit).count() + majors.iter().filter(|bar| bar.ink < limit).count()
    };
    let is_even = unlike as f32 <= UNLIKE_MAX * (count - TICKS_MIN.min(count)) as f32;
    (is_even && odd as f32 <= ODD_MAX * count as f32).then_some(Grouping { odd, ..grouping })
}

/// How many ticks of one kind have another size or brightness than most.
fn unlike(kind: &[Bar]) -> usize {
    let length = |bar: &Bar| (bar.last - bar.first) as f32;
    let (Some(ink), Some(usual)) = (median(kind, |bar| bar.ink), median(kind, length)) else { return 0 };
    let is_unlike = |bar: &&Bar| {
        bar.ink > ALIKE_MAX * ink || bar.ink * ALIKE_MAX < ink || (length(bar) - usual).abs() > LENGTH_OFF_MAX
    };
    kind.iter().filter(is_unlike).count()
}

fn median(bars: &[Bar], of: impl Fn(&Bar) -> f32) -> Option<f32> {
    let mut values: Vec<f32> = bars.iter().map(of).collect();
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}

/// What a step of the comb may be worth, in centimetres, in rising order.
pub(super) fn worths(comb: &Comb, groupings: &[Grouping]) -> Vec<f32> {
    let mut all: Vec<f32> = Vec::new();
    for grouping in groupings {
        // One large tick alone tells nothing: its likes may be hidden, or it is odd.
        let is_lone = comb.ticks.iter().filter(|tick| grouping.is_major(tick.place)).count() == 1;
        let fits = |every: i32| every == grouping.every || is_lone && (every == 1 || every > grouping.every);
        all.extend(WORTHS.iter().filter(|(every, _)| fits(*every)).flat_map(|(_, worths)| worths.iter()));
    }
    all.retain(|worth| is_depth(comb.reach() as f32 * worth));
    all.sort_by(f32::total_cmp);
    all.dedup();
    all
}

/// Every worth that a step may have, in centimetres.
pub(super) fn all() -> impl Iterator<Item = f32> {
    [0.1, 0.2, 0.25, 0.5, 1.0, 2.0].into_iter()
}

/// Whether a picture may be so many centimetres deep.
pub(super) fn is_depth(cm: f32) -> bool {
    DEPTH_CM.contains(&cm)
}
