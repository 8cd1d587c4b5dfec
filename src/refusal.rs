//! Why there is no estimate: an ordinary value with a reason and what to do about it, never an error.
//!
//! Every room that may refuse uses this one list, so that panel, slip and export say the same words.

use crate::units::{Centimetres, Egfr};
use serde::{Deserialize, Serialize};

/// Why there is no estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Refusal {
    /// No caliper marker was seen.
    NoMarkers,
    /// One marker was seen and no second one that could belong to it.
    PartnerMissing,
    /// A marker or its measuring line leaves the picture.
    PartnerOutside,
    /// More than one pairing of the markers stays possible.
    PairsAmbiguous,
    /// The two markers are too close together to hold a kidney.
    PairTooShort,
    /// Markers measured by the ruler and the printed length differ.
    LengthsDisagree {
        /// The markers' distance on the ruler.
        by_ruler: Centimetres,
        /// The length that the cart printed.
        by_text: Centimetres,
    },
    /// The bundle needs the kidney's length, and neither a ruler nor print tells it.
    LengthUnknown,
    /// The kidney's length lies outside the lengths for which the bundle was proven.
    LengthOutsideRange {
        /// The length.
        length: Centimetres,
        /// The nearer end of the proven lengths.
        limit: Centimetres,
    },
    /// The picture is unlike those that the bundle was trained on, or proven on since, when it was given new rules.
    UnlikeTraining {
        /// The mean of the members' distances, see [`crate::likeness`].
        distance: f32,
        /// The most that the bundle allows.
        limit: f32,
    },
    /// The members of the ensemble differ too much from each other.
    MembersDisagree {
        /// Standard deviation of the members' eGFR.
        spread: Egfr,
        /// The most that the bundle allows.
        limit: Egfr,
    },
    /// The estimate lies outside the range in which the bundle was proven.
    OutsideRange {
        /// The lower end of that range.
        low: Egfr,
        /// The upper end of that range.
        high: Egfr,
    },
}

impl Refusal {
    /// What is wrong, in words for the person scanning.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoMarkers => "No calipers seen",
            Self::PartnerMissing => "Only one caliper seen",
            Self::PartnerOutside => "A caliper lies outside the picture",
            Self::PairsAmbiguous => "Cannot tell which calipers belong together",
            Self::PairTooShort => "The calipers are too close together",
            Self::LengthsDisagree { .. } => "Ruler and printed length disagree",
            Self::LengthUnknown => "The kidney's length is unknown",
            Self::LengthOutsideRange { .. } => "The kidney's length is outside the proven range",
            Self::UnlikeTraining { .. } => "Unlike the pictures it was proven on",
            Self::MembersDisagree { .. } => "The models disagree on this picture",
            Self::OutsideRange { .. } => "The estimate is outside the proven range",
        }
    }

    /// What to do about it, in words for the person scanning.
    pub fn hint(self) -> &'static str {
        match self {
            Self::NoMarkers => "Freeze and measure the kidney's length",
            Self::PartnerMissing => "Set the second caliper",
            Self::PartnerOutside => "Show the whole kidney and measure again",
            Self::PairsAmbiguous => "Remove other measurements and keep the length",
            Self::PairTooShort => "Measure the kidney from pole to pole",
            Self::LengthsDisagree { .. } => "Check the depth setting and measure again",
            Self::LengthUnknown => "Keep the depth ruler or the printed length on the screen",
            Self::LengthOutsideRange { .. } => "Measure from pole to pole again; rely on creatinine",
            Self::UnlikeTraining { .. } => "Check gain and view of the kidney; rely on creatinine",
            Self::MembersDisagree { .. } => "Try another view of the kidney; rely on creatinine",
            Self::OutsideRange { .. } => "Rely on creatinine",
        }
    }
}
