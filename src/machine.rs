//! What the device does next: a pure state machine, `step(State, Event) -> (State, actions)`.

use crate::{crop::CropSquare, estimate::Estimate, frame::Picture, frame::Spot, refusal::Refusal, units::Centimetres};

/// Where the device stands; the panel draws exactly this.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Whether the bundle is a demonstration; then every screen says so.
    pub demonstration: bool,
    /// What is going on.
    pub phase: Phase,
}

/// What is going on.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// No video comes from the cart.
    NoSignal,
    /// The cart scans.
    Live,
    /// The members are at work on a crop.
    Measuring {
        /// What they look at.
        subject: Subject,
        /// How many members are done.
        done: usize,
        /// How many there are.
        members: usize,
    },
    /// There is an estimate.
    Result {
        /// What it was made from.
        subject: Subject,
        /// The estimate.
        estimate: Estimate,
    },
    /// There is none.
    Refused(Refusal),
}

/// The kidney as it was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// The tailored crop.
    pub crop: Picture,
    /// The markers' centres in pixels of the crop.
    pub ends: [Spot; 2],
    /// The kidney's length, where the scale is known.
    pub length: Option<Centimetres>,
}
