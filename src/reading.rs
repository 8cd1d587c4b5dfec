//! The record of one picture: what was seen and what was estimated, in the shape that other programs read.
//!
//! The names and units of the fields are a contract with tools outside the program. Always holds: `estimate` is null exactly
//! where `outcome` is "refused", and a reading made with a demonstration bundle says so at its top.

use crate::{
    estimate::Estimate,
    overlay::{Pair, Sight, ruler::Across},
    refusal::Refusal,
    units::{Centimetres, PixelsPerCm},
};
use alloc::{string::String, vec::Vec};
use serde::Serialize;

/// Whether there is a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// There is.
    Measured,
    /// There is none.
    Refused,
}

/// A refusal in words.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RefusalWords {
    /// What is wrong.
    pub reason: &'static str,
    /// What to do about it.
    pub hint: &'static str,
    /// The same for programs, with the values that led to it.
    pub detail: Refusal,
}

/// One pair of markers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the contract's own names")]
pub struct PairRecord {
    pub label: Option<u8>,
    pub x1: f32,
    pub y1: f32,
    pub x2: f32,
    pub y2: f32,
    pub length_px: f32,
    pub chosen: bool,
}

/// The ruler.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RulerRecord {
    /// The picture's scale, down the picture.
    pub px_per_cm: PixelsPerCm,
    /// Its scale across; another one where a second ruler or the echo's border shows that the picture is stretched, null where
    /// neither tells.
    pub px_per_cm_across: Option<PixelsPerCm>,
    /// The ticks' centres.
    pub ticks: Vec<[f32; 2]>,
}

/// The printed length.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TextRecord {
    /// As read.
    pub raw: String,
    /// Its meaning.
    pub length_cm: Centimetres,
}

/// The kidney's length by each way of measuring it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LengthRecord {
    /// Markers on the ruler.
    pub by_ruler_cm: Option<Centimetres>,
    /// What the cart printed.
    pub by_text_cm: Option<Centimetres>,
    /// Whether the two agree; null where one is missing.
    pub agree: Option<bool>,
}

/// What was seen on one picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// The file's name, where the picture came from a file.
    pub picture: Option<String>,
    /// Whether there is a measurement.
    pub outcome: Outcome,
    /// Why there is none.
    pub refusal: Option<RefusalWords>,
    /// All pairs seen.
    pub pairs: Vec<PairRecord>,
    /// The ruler, if in view.
    pub ruler: Option<RulerRecord>,
    /// How many times as wide as high the picture shows things, if rulers or the echo's border tell.
    pub stretch: Option<f32>,
    /// The printed length, if read.
    pub text: Option<TextRecord>,
    /// The length of the chosen pair, if a scale or a text is in view.
    pub length: Option<LengthRecord>,
}

/// Which bundle an estimate came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BundleIdentity {
    /// Its name.
    pub name: String,
    /// The hash of its file.
    pub sha256: String,
    /// Whether it is a demonstration.
    pub demonstration: bool,
}

/// An estimate and where it came from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimateRecord {
    /// The estimate.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// Its bundle.
    pub bundle: BundleIdentity,
}

/// The record of one picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// Whether it was made with a demonstration bundle.
    pub demonstration: bool,
    /// What was seen.
    #[serde(flatten)]
    pub inspection: Inspection,
    /// What was estimated.
    pub estimate: Option<EstimateRecord>,
}

impl From<Refusal> for RefusalWords {
    fn from(refusal: Refusal) -> Self {
        Self { reason: refusal.reason(), hint: refusal.hint(), detail: refusal }
    }
}

impl From<&Pair> for PairRecord {
    fn from(pair: &Pair) -> Self {
        let [a, b] = pair.ends;
        let (label, chosen, length_px) = (pair.label, pair.chosen, pair.length().0);
        Self { label, x1: a.x, y1: a.y, x2: b.x, y2: b.y, length_px, chosen }
    }
}

impl Inspection {
    /// The record of what was seen.
    pub fn new(picture: Option<String>, sight: &Sight) -> Self {
        let by_ruler_cm = sight.by_ruler();
        let by_text_cm = sight.text.as_ref().filter(|_| sight.chosen().is_some()).map(|text| text.length);
        let length = match sight.refusal {
            Some(Refusal::LengthsDisagree { by_ruler, by_text }) => {
                Some(LengthRecord { by_ruler_cm: Some(by_ruler), by_text_cm: Some(by_text), agree: Some(false) })
            }
            _ if by_ruler_cm.is_none() && by_text_cm.is_none() => None,
            _ => Some(LengthRecord { by_ruler_cm, by_text_cm, agree: by_ruler_cm.zip(by_text_cm).map(|_| true) }),
        };
        Self {
            picture,
            outcome: if sight.refusal.is_some() { Outcome::Refused } else { Outcome::Measured },
            refusal: sight.refusal.map(RefusalWords::from),
            pairs: sight.pairs.iter().map(PairRecord::from).collect(),
            ruler: sight.ruler.as_ref().map(|ruler| RulerRecord {
                px_per_cm: ruler.scale,
                px_per_cm_across: (ruler.by != Across::Assumed).then_some(ruler.across),
                ticks: ruler.ticks.iter().map(|tick| [tick.x, tick.y]).collect(),
            }),
            stretch: sight.stretch(),
            text: sight.text.as_ref().map(|text| TextRecord { raw: text.raw.clone(), length_cm: text.length }),
            length,
        }
    }
}

impl Reading {
    /// The record of a picture whose crop the ensemble has judged, or that was refused before or by it.
    pub fn new(mut inspection: Inspection, outcome: Result<Estimate, Refusal>, bundle: BundleIdentity) -> Self {
        let demonstration = bundle.demonstration;
        if let Err(refusal) = outcome {
            inspection.outcome = Outcome::Refused;
            inspection.refusal = Some(refusal.into());
        }
        let estimate = outcome.ok().map(|estimate| EstimateRecord { estimate, bundle });
        Self { demonstration, inspection, estimate }
    }
}
