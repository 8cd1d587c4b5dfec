//! Printed lengths -> the pairs of markers that have them, whatever lines and looks seemed to say.
//!
//! The last resort where nothing else settles what belongs together: where lines cross one may seem to join strangers, and a label may
//! spoil a marker. Each printed length must be the distance of two markers that are drawn alike, as nearly as markers and rulers
//! are seen; each marker belongs to one length, and only one that is not clear may belong to none. Of several lengths a shorter one
//! may have but one marker, the other not seen. Always holds: where more than one choice is left and they differ in the longest
//! pair, none is chosen.

use super::{
    PrintedLength, Ruler,
    candidates::{Marker, Proof},
    lengths::Slack,
};
use crate::frame::Spot;
use alloc::{vec, vec::Vec};

/// So many lengths tell the scale by their proportions.
const LENGTHS_MIN: usize = 3;
/// More steps than this are not taken: so many markers are no calipers.
const STEPS_MAX: usize = 20_000;

/// The markers and which of them are drawn alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Open {
    /// Both ends, as indices and as places.
    joints: Vec<([usize; 2], [Spot; 2])>,
    /// The clear markers: which, and where.
    clear: Vec<(usize, Spot)>,
    /// How many there are of all.
    count: usize,
    /// Nearer than this two are one and the same, and one of them a label that seems to be a marker, in pixels.
    near: f32,
}

/// Ends of pairs in the order of the lengths that they have; none of one that was not seen whole.
pub(super) type Choice = Vec<Option<[Spot; 2]>>;

impl Open {
    pub(super) fn of(markers: &[Marker]) -> Self {
        let all = || (0..markers.len()).flat_map(|i| (i + 1..markers.len()).map(move |j| [i, j]));
        let alike = all().filter(|&[i, j]| markers[i].is_akin(&markers[j]));
        let clear = (0..markers.len()).filter(|&i| markers[i].proof == Proof::Clear);
        let ends = |[i, j]: [usize; 2]| {
            let (a, b) = (markers[i].at, markers[j].at);
            if (a.x, a.y) <= (b.x, b.y) { [a, b] } else { [b, a] }
        };
        Self {
            joints: alike.map(|joint| (joint, ends(joint))).collect(),
            clear: clear.map(|i| (i, markers[i].at)).collect(),
            count: markers.len(),
            near: markers.iter().map(Marker::size).fold(0.0, f32::max),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.joints.is_empty()
    }

    /// The pairs that have these lengths, longest first, on a ruler.
    pub(super) fn on(&self, ruler: &Ruler, lengths: &[&PrintedLength]) -> Option<Choice> {
        let cm_per_px = 1.0 / ruler.scale.0.min(ruler.across.0);
        let mut search = Search::new(self, lengths, |ends| ruler.distance(ends).0, cm_per_px);
        search.go();
        search.only()
    }

    /// The same without a ruler, in one scale, on a picture that is `stretch` times as wide as it should be.
    pub(super) fn in_proportion(&self, stretch: f32, lengths: &[&PrintedLength]) -> Option<Choice> {
        let (longest, _) = lengths.split_first().filter(|_| lengths.len() >= LENGTHS_MIN)?;
        let px = |[a, b]: [Spot; 2]| libm::hypotf((a.x - b.x) / stretch, a.y - b.y);
        let mut found: Option<Choice> = None;
        for &(_, ends) in &self.joints {
            let cm_per_px = longest.length.0 / px(ends);
            let mut search = Search::new(self, lengths, |ends| cm_per_px * px(ends), cm_per_px);
            search.go();
            for choice in search.found {
                if found.as_ref().is_some_and(|other| other[0] != choice[0]) {
                    return None;
                }
                found = Some(choice);
            }
        }
        found
    }
}

struct Search<'a, D> {
    open: &'a Open,
    lengths: &'a [&'a PrintedLength],
    distance: D,
    cm_per_px: f32,
    used: Vec<bool>,
    choice: Choice,
    found: Vec<Choice>,
    steps: usize,
}

impl<'a, D: Fn([Spot; 2]) -> f32> Search<'a, D> {
    fn new(open: &'a Open, lengths: &'a [&'a PrintedLength], distance: D, cm_per_px: f32) -> Self {
        let used = vec![false; open.count];
        Self { open, lengths, distance, cm_per_px, used, choice: Vec::new(), found: Vec::new(), steps: 0 }
    }

    /// Gives the lengths from the next one on to markers that are left, in every way.
    fn go(&mut self) {
        let Some(length) = self.lengths.get(self.choice.len()) else {
            let is_end =
                |at: Spot| self.choice.iter().flatten().flatten().any(|end| end.distance(at) <= self.open.near);
            let alone = self.open.clear.iter().filter(|&&(i, at)| !self.used[i] && !is_end(at)).count();
            if alone == self.choice.iter().filter(|pair| pair.is_none()).count() {
                self.found.push(self.choice.clone());
            }
            return;
        };
        for &([i, j], ends) in &self.open.joints {
            self.steps += 1;
            let is_free = !self.used[i] && !self.used[j] && self.steps <= STEPS_MAX;
            if is_free && Slack::Seen.fits((self.distance)(ends), self.cm_per_px, length) {
                (self.used[i], self.used[j]) = (true, true);
                self.choice.push(Some(ends));
                self.go();
                self.choice.pop();
                (self.used[i], self.used[j]) = (false, false);
            }
        }
        let may_lack = self.lengths.len() >= LENGTHS_MIN && !self.choice.is_empty();
        if may_lack && self.choice.iter().all(Option::is_some) {
            self.choice.push(None);
            self.go();
            self.choice.pop();
        }
    }

    /// The first choice, if all have its longest pair.
    fn only(self) -> Option<Choice> {
        let is_whole = self.steps <= STEPS_MAX;
        let first = self.found.first()?[0];
        let all = self.found.iter().all(|choice| choice[0] == first);
        (is_whole && all).then(|| self.found[0].clone())
    }
}
