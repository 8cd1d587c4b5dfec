//! Frozen picture -> markers, pair, ruler, or why not.
//!
//! The rooms, in the order of the flow: [`candidates`] finds shapes that may be caliper markers, [`pairs`] joins them to
//! distances, [`ruler`] finds the scale, and [`see`] checks what they say together. Each step may refuse with its own reason.

pub mod candidates;
pub mod pairs;
pub mod ruler;

use crate::{
    frame::{Frame, Spot},
    refusal::Refusal,
    units::{Centimetres, Pixels, PixelsPerCm},
};
use alloc::{string::String, vec::Vec};

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

/// The length that the cart printed in its measurement box.
#[derive(Clone, Debug, PartialEq)]
pub struct PrintedLength {
    /// The text as read.
    pub raw: String,
    /// The length in it.
    pub length: Centimetres,
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
}
