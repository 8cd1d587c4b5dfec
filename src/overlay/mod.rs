//! Frozen picture -> markers, pair, ruler, printed length, or why not.
//!
//! The rooms, in the order of the flow: `candidates` finds the caliper markers ([`places`] says where to look on the plane of `ink`,
//! `judge` with `net` and [`patch`] which of them are markers, `gauge` and `star` measure crosses between pixels, `marker` says how
//! each is drawn), only on the `echo`; `pairs` joins them to distances, [`ruler`] finds the scale, `sector` how much the picture is
//! stretched. [`print`] finds lines that may be printed lengths; read by a recogniser and parsed by [`text`], they come back to
//! [`Sight::with_print`], where `verdict` holds everything together. Each step may refuse with its own reason. [`profile`] is what was
//! learnt of a cart; with it [`see_with`] looks at less.
//!
//! Always holds: a picture without refusal has exactly one chosen pair, and one with refusal has none; the same pixels
//! give the same sight. Deliberately absent: any colour, size or place of one cart's screen as a condition.

mod assign;
mod blobs;
mod candidates;
mod cut;
mod echo;
pub mod explain;
mod gauge;
mod glyph;
mod ink;
mod judge;
mod labels;
mod lengths;
mod line;
mod lines;
mod marker;
mod net;
mod pairs;
mod partners;
pub mod patch;
pub mod places;
pub mod print;
pub mod profile;
mod rest;
mod ridge;
pub mod ruler;
mod sector;
mod star;
pub mod text;
mod tone;
mod verdict;
mod words;

#[cfg(test)]
mod tests;

use crate::{
    frame::{Frame, Spot},
    refusal::Refusal,
    units::{Centimetres, Pixels},
};
use alloc::{string::String, vec::Vec};
use assign::Open;
use echo::Echo;
use ink::Ink;
use marker::{Marker, Proof};
use net::Nets;
use pairs::{Joined, Pairing};
pub use profile::Profile;
pub use ruler::Ruler;
use ruler::{Across, Ticks};
pub use sector::{Outline, Stretch};
use tone::Tones;

/// A printed length this near to a pair's on an upright ruler shows that the picture is not stretched; a stretch by more than 2%
/// would show in nearly any pair.
const PROVEN_PART: f32 = 0.0075;

/// Two markers that belong to one distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The number that the cart gave it, where it could be told.
    pub label: Option<u8>,
    /// The markers' centres, the left (then the upper) one first.
    pub ends: [Spot; 2],
    /// Whether this pair is the kidney's length. At most one is.
    pub chosen: bool,
}

impl Pair {
    /// The distance between the markers.
    pub fn length(&self) -> Pixels {
        Pixels(self.ends[0].distance(self.ends[1]))
    }

    /// The distance that it would have, were the picture not `stretch` times as wide as it should be.
    fn unstretched(&self, stretch: f32) -> Pixels {
        let [a, b] = self.ends;
        Pixels(libm::hypotf((a.x - b.x) / stretch, a.y - b.y))
    }
}

/// A caliper's shape as a measurement box prints it before a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// An upright cross.
    Plus,
    /// A diagonal one.
    Cross,
}

/// A length that the cart printed in its measurement box.
#[derive(Clone, Debug, PartialEq)]
pub struct PrintedLength {
    /// The text as read.
    pub raw: String,
    /// The number of the pair that it belongs to, where it was printed. Letters count from A as 1.
    pub label: Option<u8>,
    /// The shape of the calipers that it belongs to, where it was printed.
    pub mark: Option<Mark>,
    /// The length in it.
    pub length: Centimetres,
    /// What it was rounded to: "10.6 cm" has steps of 0.1 cm and is 10.55 to 10.65 cm.
    pub step: Centimetres,
}

/// All lengths in print on a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Print {
    /// Those that were read surely, from the top down.
    pub lengths: Vec<PrintedLength>,
    /// How many more lines look like a length and could not be read surely.
    pub unread: usize,
    /// What each of those may say.
    pub perhaps: Vec<Vec<PrintedLength>>,
}

/// All that was seen on one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// Every pair found, also those not chosen.
    pub pairs: Vec<Pair>,
    /// The pairings that are left where markers alone do not tell which belong together.
    pairings: Vec<Pairing>,
    /// The ends of the pairs that are no measurement on a cart's screen unless print has their length.
    doubtful: Vec<[Spot; 2]>,
    /// The ends of the pairs that only likeness joins and that stand alone: no measurement without a ruler's ticks.
    lone: Vec<[Spot; 2]>,
    /// The ends of the pairs of which one is not clear.
    weak: Vec<[Spot; 2]>,
    /// The pairs that a line joins, also where other markers lead to a refusal.
    by_line: Vec<Pair>,
    /// How many clear markers are in none of those.
    unlined: usize,
    /// All markers, for print to join.
    open: Open,
    /// Whether a cart's screen surrounds the echo.
    is_screen: bool,
    /// The ruler, if one is in view and it is known what its ticks are worth.
    pub ruler: Option<Ruler>,
    /// Its ticks, whatever they are worth.
    pub ticks: Option<Ticks>,
    /// The sector that the echo is, where its border tells how much the picture is stretched.
    pub outline: Option<Outline>,
    /// The printed length, if it could be read.
    pub text: Option<PrintedLength>,
    /// Why the picture is not measured; none if it is, and then one pair is chosen.
    pub refusal: Option<Refusal>,
}

impl Sight {
    /// The pair that measures the kidney, unless the picture was refused.
    pub fn chosen(&self) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.chosen).filter(|_| self.refusal.is_none())
    }

    /// The chosen pair's distance on the ruler. None where only an upright ruler is in view and neither the echo's border nor
    /// a printed length that is nearly the same proves that it holds across the picture too.
    pub fn by_ruler(&self) -> Option<Centimetres> {
        let ruler = self.ruler.as_ref()?;
        let cm = ruler.distance(self.chosen()?.ends);
        let proves =
            |text: &PrintedLength| (cm.0 - text.length.0).abs() <= PROVEN_PART * text.length.0 + text.step.0 / 2.0;
        let is_proven = ruler.by != Across::Assumed || self.text.as_ref().is_some_and(proves);
        is_proven.then_some(cm)
    }

    /// How many times as wide as high the picture shows things, by both rulers or by the echo's border; none if neither tells.
    pub fn stretch(&self) -> Option<f32> {
        let by_rulers = self.ticks.as_ref().filter(|ticks| ticks.across() == Across::Ruler).map(Ticks::stretch);
        by_rulers.or(self.outline.map(|outline| outline.stretch.likeliest()))
    }

    /// The kidney's length: by the ruler where there is one, else as printed.
    pub fn length(&self) -> Option<Centimetres> {
        self.by_ruler().or(self.chosen().and(self.text.as_ref()).map(|text| text.length))
    }
}

/// Places where a marker may be, with what the first and the second look see there: what a judge of markers is trained on.
pub fn marks(frame: Frame<'_>) -> Vec<(places::Place, patch::Glimpse, patch::Patch)> {
    let echo = Echo::of(&Tones::of(frame));
    let ink = Ink::of(frame, echo.as_ref());
    let half = ink.halved();
    let planes = patch::Planes::of(&ink, &half);
    let crosses = places::crosses(&ink, &half, echo.as_ref());
    let turned = places::turned(&ink, &half, echo.as_ref());
    crosses.into_iter().chain(turned).map(|place| (place, planes.glimpse(&place), planes.cut(&place))).collect()
}

/// Reads what the cart drew on a frozen picture.
pub fn see(frame: Frame<'_>) -> Sight {
    let tones = Tones::of(frame);
    let echo = Echo::of(&tones);
    let ticks = ruler::find(&tones);
    measured(frame, &tones, echo.as_ref(), ticks)
}

/// The same with what was learnt of the cart, in less time; none where the picture is not as the profile says, or is refused:
/// then [`see`] decides.
pub fn see_with(frame: Frame<'_>, profile: &Profile) -> Option<Sight> {
    if !profile.suits(frame) {
        return None;
    }
    let tones = Tones::of(frame);
    let echo = Echo::of(&tones).filter(|echo| profile.has_room_for(echo))?;
    let ticks = profile.ticks(&tones)?;
    let sight = measured(frame, &tones, Some(&echo), Some(ticks));
    sight.chosen().is_some().then_some(sight)
}

/// What markers are looked for with.
struct Looks<'a> {
    tones: &'a Tones<'a>,
    echo: Option<&'a Echo>,
    ink: &'a Ink,
    half: &'a Ink,
    nets: &'a Nets,
}

/// Finds the markers and joins them; where something stays open, others that look like the clear ones are sought once more, and those
/// that colour alone tells.
fn markers(frame: Frame<'_>, tones: &Tones<'_>, echo: Option<&Echo>) -> (Vec<Marker>, Joined) {
    let nets = Nets::shipped();
    let ink = Ink::of(frame, echo);
    let half = ink.halved();
    let looks = Looks { tones, echo, ink: &ink, half: &half, nets: &nets };
    let with = |markers: Vec<Marker>| {
        let joined = pairs::join(tones, &markers);
        (markers, joined)
    };
    let mut found = with(candidates::find(frame, &looks));
    if found.1.refusal.is_some() {
        let more = partners::find(&looks, &found.0);
        if let Some(all) = merged(&found.0, more) {
            found = with(all);
        }
    }
    let (markers, joined) = &found;
    // Tees and arrows are seen less surely: another measurement's may have been passed over.
    let is_turned = markers.iter().any(|marker| marker.axis.is_some());
    if joined.refusal.is_none() && !is_turned {
        return found;
    }
    let mut more = candidates::find_coloured(frame, &looks, markers);
    // Colour is smeared: what is clear is measured better without.
    more.retain(|new| markers.iter().all(|old| !are_one(new, old) || old.proof == Proof::Weak));
    let clear = markers.iter().filter(|marker| marker.proof == Proof::Clear).count();
    let is_lacking = joined.refusal.is_none() || clear == 0 || !clear.is_multiple_of(2);
    match merged(markers, more).map(with) {
        Some(coloured) if is_lacking || coloured.1.refusal.is_none() => coloured,
        _ => found,
    }
}

/// Whether two are one and the same.
fn are_one(a: &Marker, b: &Marker) -> bool {
    a.at.distance(b.at) <= a.size().max(b.size()) / 2.0
}

/// Markers with more of them, of two in one place the one that is seen better; none if there is nothing new.
fn merged(markers: &[Marker], mut more: Vec<Marker>) -> Option<Vec<Marker>> {
    more.retain(|new| markers.iter().all(|old| !are_one(new, old) || old.outline <= new.outline));
    if more.is_empty() {
        return None;
    }
    let rest = markers.iter().filter(|old| more.iter().all(|new| !are_one(new, old))).cloned();
    Some(rest.chain(more.iter().cloned()).collect())
}

fn measured(frame: Frame<'_>, tones: &Tones<'_>, echo: Option<&Echo>, ticks: Option<Ticks>) -> Sight {
    let is_screen = echo.is_some_and(|echo| !echo.is_all());
    let outline = echo.and_then(|echo| sector::find(tones, echo));
    let ticks = ticks.map(|ticks| ticks.with_outline(outline.as_ref()));
    let (markers, joined) = markers(frame, tones, echo);
    let Joined { pairs, pairings, unproven, rivalled, by_print, weak, by_line, unlined, is_outranked, refusal } =
        joined;
    // A measuring line's dots come at even steps too.
    let is_line = |ticks: &Ticks| by_line.iter().any(|pair| ticks.spots().all(|spot| pairs::lies_on(spot, pair)));
    let ticks = ticks.filter(|ticks| !is_line(ticks));
    let ruler = ticks.as_ref().and_then(Ticks::ruler);
    let in_words = |marker: &Marker| words::are_there(tones, echo, marker);
    let is_lone = |pair: &Pair| !rivalled.contains(pair) && pairs::is_lone(tones, &markers, pair, in_words);
    // Words are written twice too.
    let has_words = |pair: &Pair| markers.iter().any(|marker| pair.ends.contains(&marker.at) && in_words(marker));
    let lone: Vec<[Spot; 2]> = unproven.iter().filter(|pair| is_lone(pair)).map(|pair| pair.ends).collect();
    let stand_alone = unproven.iter().all(|pair| lone.contains(&pair.ends));
    let refusal = refusal.filter(|_| !(is_outranked && stand_alone));
    // Of tees and arrows another measurement's may have been passed over.
    let is_turned = |marker: &&Marker| marker.axis.is_some() && pairs.iter().any(|pair| pair.ends.contains(&marker.at));
    let has_more = markers.iter().find(is_turned).is_some_and(|marker| rest::has_line(tones, echo, marker, &pairs));
    let is_doubtful = |pair: &&Pair| {
        unproven.contains(pair) && !lone.contains(&pair.ends)
            || by_print.contains(pair) && has_words(pair)
            || has_more
            || by_line.contains(pair) && pairs::is_on_a_guide(tones, &markers, pair)
            || pairs::are_corners(tones, &markers, pair)
            || pairs::is_level(pair) && pair.label.is_none()
            || cut::is_at_border(pair, outline.as_ref(), echo) && !pairs::are_whole(&markers, pair)
    };
    let mut possible = pairs.clone();
    for pair in pairings.iter().flat_map(|pairing| &pairing.pairs) {
        if possible.iter().all(|other| other.ends != pair.ends) {
            possible.push(*pair);
        }
    }
    let doubtful = possible.iter().filter(is_doubtful).map(|pair| pair.ends).collect();
    let weak = weak.iter().map(|pair| pair.ends).collect();
    let (open, text) = (Open::of(&markers), None);
    let sight = Sight {
        pairs,
        pairings,
        doubtful,
        lone,
        weak,
        by_line,
        unlined,
        open,
        is_screen,
        ruler,
        ticks,
        outline,
        text,
        refusal,
    };
    if refusal.is_none() { sight.settled() } else { sight }
}
