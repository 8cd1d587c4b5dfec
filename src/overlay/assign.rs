//! Printed lengths -> the pairs of markers that have them, whatever lines and looks seemed to say.
//!
//! The last resort where nothing else settles what belongs together: where lines cross one may seem to join strangers, and a label may
//! spoil a marker. Each printed length must be the distance of two markers that are drawn alike, as nearly as markers and rulers
//! are seen; each marker belongs to one length, and only one that is not clear may belong to none. Of several lengths a shorter one
//! may have but one marker, the other not seen; any shorter one of tees or arrows, which look at their partners, may lack one or both
//! where no other ruler comes into question or three lengths are found. Always holds: where more than one choice is left and they
//! differ in the longest pair, none is chosen.

use super::{
    Pair, Print, PrintedLength, Ruler, Sight,
    lengths::{Slack, has_rivals, nearly_agree, numbered, sorted},
    marker::{Marker, Proof},
};
use crate::{frame::Spot, refusal::Refusal};
use alloc::{vec, vec::Vec};

/// So many lengths tell the scale by their proportions.
const LENGTHS_MIN: usize = 3;
/// More lines than this that could not be read are not guessed.
const PERHAPS_MAX: usize = 2;
/// More steps than this are not taken: so many markers are no calipers.
const STEPS_MAX: usize = 20_000;

/// The markers and which of them are drawn alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Open {
    /// Both ends, as indices and as places.
    joints: Vec<([usize; 2], [Spot; 2])>,
    /// The clear markers: which, and where.
    clear: Vec<(usize, Spot)>,
    /// Whether those are tees or arrows.
    turned: bool,
    /// How many there are of all.
    count: usize,
    /// Nearer than this two are one and the same, and one of them a label that seems to be a marker, in pixels.
    near: f32,
}

/// Ends of pairs in the order of the lengths that they have; none of one that was not seen whole.
type Choice = Vec<Option<[Spot; 2]>>;

impl Sight {
    /// The pairs that the printed lengths tell, of lines that could not be read surely any value that they may have; none where
    /// they tell none, or more than one choice.
    pub(super) fn assigned(&self, print: &Print) -> Option<Self> {
        let outside = self.refusal == Some(Refusal::PartnerOutside);
        if outside || print.unread > print.perhaps.len() || print.perhaps.len() > PERHAPS_MAX {
            return None;
        }
        let readings = readings(print);
        let mut choices = Vec::new();
        for reading in &readings {
            choices.extend(self.choices(reading)?.into_iter().map(|(ruler, choice)| (reading, ruler, choice)));
        }
        let (reading, ruler, choice) = choices.pop().filter(|_| choices.is_empty())?;
        let pair = |(ends, printed): (&Option<[Spot; 2]>, &PrintedLength)| {
            ends.map(|ends| Pair { label: printed.label, ends, chosen: false })
        };
        let lengths = sorted(reading);
        let pairs = choice.iter().zip(lengths.iter().copied()).filter_map(pair).collect();
        let sight = Self { pairs, ruler, refusal: None, ..self.clone() }.settled();
        // What was guessed fits, and was not read.
        let text = lengths.first().filter(|longest| print.lengths.contains(longest)).map(|&longest| longest.clone());
        Some(Self { text, ..sight })
    }

    /// On each ruler that may be the right one, or in proportion without any, the pairs that have the lengths; none where there is too
    /// much to try.
    fn choices(&self, print: &Print) -> Option<Vec<(Option<Ruler>, Choice)>> {
        let lengths = sorted(print);
        let rulers = self.rulers();
        // Of one length, which chance may fit, the markers must leave no choice.
        let is_only = rulers.len() == 1 && self.open.clear.len() == 2;
        if lengths.is_empty() || lengths.len() == 1 && !is_only || numbered(print) > lengths.len() || has_rivals(print)
        {
            return Some(Vec::new());
        }
        if rulers.is_empty() {
            let choices = self.open.in_proportion(self.stretch().unwrap_or(1.0), &lengths)?;
            return Some(choices.into_iter().map(|choice| (None, choice)).collect());
        }
        let mut all = Vec::new();
        let is_only = rulers.iter().filter(|ruler| self.open.has_any(ruler, &lengths)).count() == 1;
        for ruler in &rulers {
            let choices = self.open.on(ruler, is_only, &lengths)?;
            all.extend(choices.into_iter().map(|choice| (Some(ruler.clone()), choice)));
        }
        Some(all)
    }
}

/// Print with each of the values that its unread lines may have.
fn readings(print: &Print) -> Vec<Print> {
    let mut all = Vec::from([Print { lengths: print.lengths.clone(), ..Print::default() }]);
    for values in &print.perhaps {
        let with = |print: &Print, value: &PrintedLength| {
            let lengths = print.lengths.iter().chain([value]).cloned().collect();
            Print { lengths, ..Print::default() }
        };
        all = all.iter().flat_map(|print| values.iter().map(move |value| with(print, value))).collect();
    }
    all
}

impl Open {
    pub(super) fn of(markers: &[Marker]) -> Self {
        let all = || (0..markers.len()).flat_map(|i| (i + 1..markers.len()).map(move |j| [i, j]));
        let alike = all().filter(|&[i, j]| markers[i].is_akin(&markers[j]));
        let clear = (0..markers.len()).filter(|&i| markers[i].proof == Proof::Clear);
        let has_like = |one: &Marker| markers.iter().any(|other| other.at != one.at && other.looks_like(one));
        let ends = |[i, j]: [usize; 2]| {
            let (a, b) = (markers[i].at, markers[j].at);
            if (a.x, a.y) <= (b.x, b.y) { [a, b] } else { [b, a] }
        };
        Self {
            joints: alike.map(|joint| (joint, ends(joint))).collect(),
            // A cross that looks like no other is what a label makes of one.
            turned: clear.clone().all(|i| markers[i].axis.is_some() || !has_like(&markers[i])),
            clear: clear.map(|i| (i, markers[i].at)).collect(),
            count: markers.len(),
            near: markers.iter().map(Marker::size).fold(0.0, f32::max),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.joints.is_empty()
    }

    /// Whether two markers have one of these lengths on a ruler.
    fn has_any(&self, ruler: &Ruler, lengths: &[&PrintedLength]) -> bool {
        let cm = self.joints.iter().map(|&(_, ends)| ruler.distance(ends).0);
        cm.into_iter().any(|cm| lengths.iter().any(|printed| nearly_agree(cm, printed)))
    }

    /// The pairs that have these lengths, longest first, on a ruler, which may be the only one on which any has: one choice for each
    /// pair that may be the longest; none where there is too much to try.
    fn on(&self, ruler: &Ruler, is_only: bool, lengths: &[&PrintedLength]) -> Option<Vec<Choice>> {
        let cm_per_px = 1.0 / ruler.scale.0.min(ruler.across.0);
        let mut search = Search::new(self, lengths, |ends| ruler.distance(ends).0, cm_per_px);
        (search.are_turned, search.is_only) = (self.turned, is_only);
        search.go();
        search.choices()
    }

    /// The same without a ruler, in one scale, on a picture that is `stretch` times as wide as it should be.
    fn in_proportion(&self, stretch: f32, lengths: &[&PrintedLength]) -> Option<Vec<Choice>> {
        let Some(longest) = lengths.first().filter(|_| lengths.len() >= LENGTHS_MIN) else { return Some(Vec::new()) };
        let px = |[a, b]: [Spot; 2]| libm::hypotf((a.x - b.x) / stretch, a.y - b.y);
        let in_scale = |&(_, ends): &([usize; 2], [Spot; 2])| {
            let cm_per_px = longest.length.0 / px(ends);
            let mut search = Search::new(self, lengths, |ends| cm_per_px * px(ends), cm_per_px);
            search.go();
            search.choices()
        };
        let mut all = Vec::new();
        for joint in &self.joints {
            all.extend(in_scale(joint)?);
        }
        Some(by_longest(all))
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
    /// Whether they are tees or arrows, of which any shorter length may lack some, and whether no other ruler comes into question.
    are_turned: bool,
    is_only: bool,
}

impl<'a, D: Fn([Spot; 2]) -> f32> Search<'a, D> {
    fn new(open: &'a Open, lengths: &'a [&'a PrintedLength], distance: D, cm_per_px: f32) -> Self {
        let used = vec![false; open.count];
        let (choice, found) = (Vec::new(), Vec::new());
        Self { open, lengths, distance, cm_per_px, used, choice, found, steps: 0, are_turned: false, is_only: false }
    }

    /// Gives the lengths from the next one on to markers that are left, in every way.
    fn go(&mut self) {
        let Some(length) = self.lengths.get(self.choice.len()) else {
            let is_end =
                |at: Spot| self.choice.iter().flatten().flatten().any(|end| end.distance(at) <= self.open.near);
            let alone = self.open.clear.iter().filter(|&&(i, at)| !self.used[i] && !is_end(at)).count();
            let lacking = self.choice.iter().filter(|pair| pair.is_none()).count();
            let may_lack = self.are_turned && (self.is_only || self.lengths.len() - lacking >= LENGTHS_MIN);
            let lacks_one = lacking <= usize::from(self.lengths.len() >= LENGTHS_MIN) && alone == lacking;
            if lacks_one || may_lack && alone <= 2 * lacking {
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
        let one_may = self.lengths.len() >= LENGTHS_MIN && self.choice.iter().all(Option::is_some);
        if !self.choice.is_empty() && (self.are_turned || one_may) {
            self.choice.push(None);
            self.go();
            self.choice.pop();
        }
    }

    /// One choice for each pair that may be the longest; none where not all was tried.
    fn choices(self) -> Option<Vec<Choice>> {
        (self.steps <= STEPS_MAX).then(|| by_longest(self.found))
    }
}

/// The first choice of each longest pair.
fn by_longest(choices: Vec<Choice>) -> Vec<Choice> {
    let mut first: Vec<Choice> = Vec::new();
    for choice in choices {
        if first.iter().all(|other| other[0] != choice[0]) {
            first.push(choice);
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        overlay::{ruler::Across, text},
        units::PixelsPerCm,
    };

    /// Where a pair's ends are.
    type Ends = [(i16, i16); 2];

    const LONG: Ends = [(100, 200), (300, 220)];
    const WIDE: Ends = [(150, 100), (170, 240)];
    const OTHER: Ends = [(320, 90), (390, 80)];

    /// Markers all of one look: the clear ones, and those that are not.
    fn open(clear: &[(i16, i16)], weak: &[(i16, i16)]) -> Open {
        let at = |&(x, y): &(i16, i16)| Spot { x: f32::from(x), y: f32::from(y) };
        let all: Vec<Spot> = clear.iter().chain(weak).map(at).collect();
        let joint = |[i, j]: [usize; 2]| {
            let (a, b) = (all[i], all[j]);
            ([i, j], if a.x <= b.x { [a, b] } else { [b, a] })
        };
        let joints = (0..all.len()).flat_map(|i| (i + 1..all.len()).map(move |j| [i, j])).map(joint).collect();
        let clear = all.iter().copied().enumerate().take(clear.len()).collect();
        Open { joints, clear, turned: false, count: all.len(), near: 20.0 }
    }

    /// Given markers and lengths, on a ruler of 20 pixels a centimetre if there is one, expect this longest pair or none.
    #[track_caller]
    fn check(open: &Open, has_ruler: bool, printed: &[&str], longest: Option<Ends>) {
        let lengths: Vec<PrintedLength> = printed.iter().map(|text| text::parse(text).unwrap()).collect();
        let print = Print { lengths, ..Print::default() };
        let scale = PixelsPerCm(20.0);
        let choices = match has_ruler {
            true => {
                open.on(&Ruler { scale, across: scale, by: Across::Assumed, ticks: Vec::new() }, true, &sorted(&print))
            }
            false => open.in_proportion(1.0, &sorted(&print)),
        }
        .unwrap();
        let only = choices.first().filter(|_| choices.len() == 1);
        let found = only.map(|choice| choice[0].unwrap().map(|end| (end.x as i16, end.y as i16)));
        assert_eq!(found, longest, "{printed:?}");
    }

    #[test]
    fn given_lengths_that_the_markers_have_expect_their_pairs_on_a_ruler_and_three_without() {
        let both = open(&[LONG[0], WIDE[0], WIDE[1]], &[LONG[1], (60, 60)]);
        check(&both, true, &["1 L 10.05 cm", "2 L 7.07 cm"], Some(LONG));
        check(&both, false, &["1 L 10.05 cm", "2 L 7.07 cm"], None);
        let three = open(&[LONG, WIDE, OTHER].concat(), &[]);
        // In another scale than that of the ruler.
        check(&three, false, &["1 L 20.10 cm", "2 L 14.14 cm", "3 L 7.07 cm"], Some(LONG));
    }

    #[test]
    fn given_a_clear_marker_left_over_expect_none() {
        check(&open(&[LONG, WIDE, OTHER].concat(), &[]), true, &["1 L 10.05 cm", "2 L 7.07 cm"], None);
        // But for one upon another, as a label that seems to be a marker.
        let twice = open(&[LONG, WIDE, [(96, 192), (98, 191)]].concat(), &[]);
        check(&twice, true, &["1 L 10.05 cm", "2 L 7.07 cm"], Some(LONG));
    }

    #[test]
    fn given_an_end_of_a_shorter_length_that_is_not_seen_expect_the_longest_of_three_or_more() {
        let lacking = open(&[LONG[0], LONG[1], WIDE[0], OTHER[0], OTHER[1]], &[]);
        check(&lacking, true, &["1 L 10.05 cm", "2 L 7.07 cm", "3 L 3.54 cm"], Some(LONG));
        check(&open(&[LONG[0], LONG[1], WIDE[0]], &[]), true, &["1 L 10.05 cm", "2 L 7.07 cm"], None);
        let without_longest = open(&[LONG[0], WIDE[0], WIDE[1], OTHER[0], OTHER[1]], &[]);
        check(&without_longest, true, &["1 L 10.05 cm", "2 L 7.07 cm", "3 L 3.54 cm"], None);
    }

    #[test]
    fn given_tees_of_shorter_lengths_that_are_not_seen_expect_the_longest_on_the_only_ruler_or_of_three() {
        let scale = PixelsPerCm(20.0);
        let ruler = Ruler { scale, across: scale, by: Across::Assumed, ticks: Vec::new() };
        let longest = |clear: &[(i16, i16)], is_only: bool, printed: &[&str]| {
            let lengths: Vec<PrintedLength> = printed.iter().map(|text| text::parse(text).unwrap()).collect();
            let print = Print { lengths, ..Print::default() };
            let open = Open { turned: true, ..open(clear, &[]) };
            let choices = open.on(&ruler, is_only, &sorted(&print)).unwrap();
            choices.first().filter(|_| choices.len() == 1).map(|choice| choice[0].is_some())
        };
        let two = ["1 L 10.05 cm", "2 L 7.07 cm"];
        assert_eq!(longest(&LONG, true, &two), Some(true));
        assert_eq!(longest(&LONG, false, &two), None);
        let four = ["1 L 10.05 cm", "2 L 7.07 cm", "3 L 3.54 cm", "4 L 6.3 cm"];
        assert_eq!(longest(&[LONG, WIDE, OTHER].concat(), false, &four), Some(true));
        assert_eq!(longest(&[LONG, WIDE].concat(), false, &four), None);
    }

    #[test]
    fn given_two_pairs_that_may_be_the_longest_expect_none() {
        // The second end has a double that is as far from the first.
        let doubled = open(&[LONG[0], WIDE[0], WIDE[1]], &[LONG[1], (300, 180)]);
        check(&doubled, true, &["1 L 10.05 cm", "2 L 7.07 cm"], None);
    }

    #[test]
    fn given_lines_that_could_not_be_read_expect_each_of_their_values_tried() {
        let length = |text| text::parse(text).unwrap();
        let perhaps =
            Vec::from([Vec::from([length("L 7.2 cm"), length("L 0.72 cm")]), Vec::from([length("L 3.1 cm")])]);
        let print = Print { lengths: Vec::from([length("L 9.1 cm")]), unread: 2, perhaps };
        let values: Vec<Vec<f32>> =
            readings(&print).iter().map(|one| one.lengths.iter().map(|length| length.length.0).collect()).collect();
        assert_eq!(values, [[9.1, 7.2, 3.1], [9.1, 0.72, 3.1]]);
        assert!(readings(&Print { perhaps: Vec::from([Vec::new()]), ..print }).is_empty());
    }
}
