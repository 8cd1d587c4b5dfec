//! A marker as measured at one place, and whether it is one as far as it alone can tell.

use crate::frame::Spot;
use alloc::vec::Vec;

/// A marker's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shape {
    /// An upright cross, with or without its middle.
    Plus,
    /// A diagonal cross.
    X,
    /// An upright cross in a square.
    BoxedPlus,
    /// A bar with a stem at its middle.
    Tee,
    /// Two strokes that meet in a tip.
    Arrow,
}

/// A place to look at.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    /// What it may be.
    pub shape: Shape,
    /// About where its centre is.
    pub at: Spot,
    /// The directions of its strokes from the centre, in radians; opposite ones follow each other.
    pub rays: Vec<f32>,
    /// How far from the centre its strokes were seen.
    pub look: f32,
}

/// A marker as measured.
#[derive(Clone, Debug)]
pub(crate) struct Star {
    /// Its shape.
    pub shape: Shape,
    /// Its centre.
    pub at: Spot,
    /// The strokes' directions from the centre, as unit vectors.
    pub rays: Vec<(f32, f32)>,
    /// The strokes' lengths from the centre, in the order of the rays.
    pub arms: Vec<f32>,
    /// Whether each stroke ends as far from the centre as its opposite, as where nothing cuts or lengthens it.
    pub is_even: bool,
    /// How far the middle is open.
    pub gap: f32,
    /// The strokes' width.
    pub stroke: f32,
}

impl Star {
    /// How far its strokes reach sideways and upright, without the centre's pixel.
    pub(crate) fn reach(&self) -> [f32; 2] {
        let slant = if self.shape == Shape::X { core::f32::consts::FRAC_1_SQRT_2 } else { 1.0 };
        let reach = [0, 2].map(|i| slant * (self.arms[i] + self.arms[i + 1]) / 2.0 - 0.5);
        // Where a line or smear joins a box to a stroke, the stroke seems to end at the box.
        if self.shape == Shape::BoxedPlus { [reach[0].min(reach[1]); 2] } else { reach }
    }
}
