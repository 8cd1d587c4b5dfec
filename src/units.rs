//! Physical quantities as types, so that pixels are never taken for centimetres.
//!
//! Each is a plain number with its unit in the name; `.0` is the number in that unit.

use serde::{Deserialize, Serialize};

/// A length on the picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pixels(pub f32);

/// A length in the patient, in centimetres.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Centimetres(pub f32);

/// The scale of a picture, in pixels a centimetre.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PixelsPerCm(pub f32);

/// Estimated glomerular filtration rate, in mL/min/1.73 m2.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Egfr(pub f32);

/// A probability from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Probability(pub f32);

impl Pixels {
    /// The length in the patient at scale `scale`.
    pub fn at(self, scale: PixelsPerCm) -> Centimetres {
        Centimetres(self.0 / scale.0)
    }
}
