//! Frozen picture -> markers, pair, ruler, or why not.
//!
//! The rooms, in the order of the flow: `candidates` finds the caliper markers, `pairs` joins them to distances,
//! `ruler` finds the scale, and [`see`] checks what they say together. Each step may refuse with its own reason.
//! [`print`] finds lines that may be the printed length; read by a recogniser and parsed by [`text`], they come back to
//! [`Sight::with_print`], which holds them against markers and ruler.
//!
//! Always holds: a picture without refusal has exactly one chosen pair, and one with refusal has none; the same pixels
//! give the same sight. Deliberately absent: any colour, size or place of one cart's screen as a condition.

mod blobs;
mod candidates;
mod cross;
pub mod explain;
mod glyph;
mod line;
mod pairs;
pub mod print;
mod ruler;
pub mod text;
mod tone;

#[cfg(test)]
mod tests;

use crate::{
    frame::{Frame, Spot},
    refusal::Refusal,
    units::{Centimetres, Pixels, PixelsPerCm},
};
use alloc::{string::String, vec::Vec};
use pairs::Joined;
use tone::Tones;

/// The shortest distance that may be a kidney's length, on a picture without a ruler. A crop is stretched to 224
/// pixels; from less than a fifth of that nothing of the cortex is left.
const LENGTH_MIN: Pixels = Pixels(45.0);
/// The shortest distance that may be a kidney's length. *Source*: Rosenbaum et al. 1984, AJR 142:467: newborn kidneys
/// have 4.5 cm on average; 3 cm leaves room for the small and the shrunken.
const LENGTH_MIN_CM: Centimetres = Centimetres(3.0);
/// Lengths by the ruler and in print may differ by this part: carts print hundredths, and markers lie on whole pixels.
const AGREEMENT: f32 = 0.02;
/// A second pair longer than this part of the longest leaves open which of them is the length. A kidney is about half
/// as wide and thick as long.
const RIVAL: f32 = 0.95;

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
}

/// The depth ruler beside the echo.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruler {
    /// The picture's scale.
    pub scale: PixelsPerCm,
    /// The centres of the ticks found, from the top down.
    pub ticks: Vec<Spot>,
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
}

/// All that was seen on one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// Every pair found, also those not chosen.
    pub pairs: Vec<Pair>,
    /// The ruler, if one is in view.
    pub ruler: Option<Ruler>,
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

    /// The same with the lengths that were printed, one of which must agree with markers and ruler if it is theirs.
    ///
    /// A printed length belongs to the chosen pair if its label says so, or if there is one pair and one length and no
    /// label speaks against it. *Refuses*: [`Refusal::LengthsDisagree`].
    pub fn with_print(mut self, print: &Print) -> Self {
        let Some(chosen) = self.chosen().copied() else { return self };
        let printed = print.lengths.as_slice();
        let theirs = |length: &&PrintedLength| chosen.label.is_some() && length.label == chosen.label;
        let mut labelled = printed.iter().filter(theirs);
        let text = match (labelled.next(), labelled.next(), printed) {
            (Some(only), None, _) => Some(only),
            (None, _, [only]) if self.pairs.len() == 1 && (only.label.is_none() || chosen.label.is_none()) => {
                Some(only)
            }
            _ => None,
        };
        self.text = text.cloned();
        if let (Some(by_ruler), Some(by_text)) = (self.by_ruler(), text.map(|text| text.length))
            && (by_ruler.0 - by_text.0).abs() > AGREEMENT * by_text.0
        {
            self.refusal = Some(Refusal::LengthsDisagree { by_ruler, by_text });
            self.pairs.iter_mut().for_each(|pair| pair.chosen = false);
        }
        self
    }

    /// The chosen pair's distance on the ruler.
    pub fn by_ruler(&self) -> Option<Centimetres> {
        Some(self.chosen()?.length().at(self.ruler.as_ref()?.scale))
    }

    /// The kidney's length: by the ruler where there is one, else as printed.
    pub fn length(&self) -> Option<Centimetres> {
        self.by_ruler().or(self.chosen().and(self.text.as_ref()).map(|text| text.length))
    }
}

/// Reads what the cart drew on a frozen picture.
pub fn see(frame: Frame<'_>) -> Sight {
    let tones = Tones::of(frame);
    let ruler = ruler::find(&tones);
    let Joined { mut pairs, refusal } = pairs::join(&tones, &candidates::find(&tones));
    pairs.sort_by(|a, b| b.length().0.total_cmp(&a.length().0));
    let refusal = refusal.or_else(|| check(&pairs, ruler.as_ref()));
    if refusal.is_none()
        && let Some(longest) = pairs.first_mut()
    {
        longest.chosen = true;
    }
    pairs.sort_by_key(|pair| pair.label.unwrap_or(u8::MAX));
    Sight { pairs, ruler, text: None, refusal }
}

/// Whether the longest pair, which comes first, may be a kidney's length.
fn check(pairs: &[Pair], ruler: Option<&Ruler>) -> Option<Refusal> {
    let Some(longest) = pairs.first().map(Pair::length) else { return Some(Refusal::NoMarkers) };
    let too_short = longest < LENGTH_MIN || ruler.is_some_and(|ruler| longest.at(ruler.scale) < LENGTH_MIN_CM);
    if too_short {
        return Some(Refusal::PairTooShort);
    }
    let rival = pairs.get(1).is_some_and(|second| second.length().0 > RIVAL * longest.0);
    rival.then_some(Refusal::PairsAmbiguous)
}
