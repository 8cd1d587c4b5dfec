//! A marker as measured at one place, and whether it is one as far as it alone can tell.

use super::seeds::Shape;
use crate::frame::Spot;
use alloc::vec::Vec;

// The bounds leave room around what markers of synthetic carts measure, whole and damaged (`sonogfr carts`, seed 41).

/// The shortest arm, in pixels; the most by which arms differ, as pixels and as a part of the shortest.
const ARM_MIN: f32 = 3.4;
const ARMS_APART: (f32, f32) = (1.2, 0.2);
/// The same where one arm goes on farther than its opposite: that may be the measuring line, or the opposite is cut off.
const ARMS_APART_RUNNING: (f32, f32) = (0.9, 0.08);
/// The least difference of ink between strokes and ground, of upright and of turned shapes, and the least ink.
const CONTRAST: f32 = 28.0;
const CONTRAST_TURNED: f32 = 45.0;
const LEVEL: f32 = 64.0;
/// The widest stroke and the widest gap, as parts of the shortest arm.
const STROKE: f32 = 0.5;
const GAP: f32 = 0.55;
/// How far strokes' ink may differ from each other's, and along themselves, as a part of the contrast.
const UNEVEN: f32 = 0.92;
const ROUGH: f32 = 0.45;
/// How free the quarters around the centre are: the fullest one may hold a label, the next one a line.
const QUARTERS: [f32; 3] = [0.2, 0.75, 0.9];
const QUARTERS_TURNED: [f32; 2] = [0.4, 0.9];
/// The least sum of a diagonal cross's quarters: strokes of letters cross as it does.
const QUARTERS_X: f32 = 3.2;
/// From this freedom on two tips in the open are enough.
const OPEN: f32 = 0.9;

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
    /// How far the middle is open.
    pub gap: f32,
    /// The strokes' width.
    pub stroke: f32,
    /// The strokes' ink.
    pub level: f32,
    /// The ink of what lies between them.
    pub ground: f32,
    /// Strokes that go on farther than their opposite.
    pub runs: usize,
    /// The strokes' ink, each.
    pub peaks: Vec<f32>,
    /// How far the ink along the strokes leaves their mean, root mean square.
    pub rough: f32,
    /// The part of the ground between the strokes that is free of ink, by quarters, the fullest first.
    pub quarters: [f32; 4],
    /// Strokes that end in the open.
    pub tips: usize,
}

impl Star {
    /// The direction to the partner, for shapes that show it.
    pub(crate) fn axis(&self) -> Option<(f32, f32)> {
        match self.shape {
            Shape::Tee => self.rays.get(2).copied(),
            Shape::Arrow => {
                let (x, y) = self.rays.iter().fold((0.0, 0.0), |sum, ray| (sum.0 + ray.0, sum.1 + ray.1));
                let long = libm::hypotf(x, y).max(1e-6);
                Some((x / long, y / long))
            }
            _ => None,
        }
    }

    /// Whether it is surely a marker as far as it alone can tell.
    pub(crate) fn is_clear(&self) -> bool {
        let contrast = self.level - self.ground;
        let least = |values: &[f32]| values.iter().copied().fold(f32::MAX, f32::min);
        let most = |values: &[f32]| values.iter().copied().fold(0.0, f32::max);
        let short = least(&self.arms);
        let apart = if self.runs > 0 { ARMS_APART_RUNNING } else { ARMS_APART };
        let is_drawn = short >= ARM_MIN
            && most(&self.arms) - short <= apart.0 + apart.1 * short
            && self.stroke <= STROKE * short
            && self.gap <= GAP * short
            && self.runs <= 1;
        let is_even = contrast >= CONTRAST
            && self.level >= LEVEL
            && most(&self.peaks) - least(&self.peaks) <= UNEVEN * contrast
            && self.rough <= ROUGH * contrast;
        let is_free = self.quarters.iter().zip(QUARTERS).all(|(quarter, least)| *quarter >= least);
        is_drawn && is_even && is_free && self.fits_its_shape(contrast)
    }

    fn fits_its_shape(&self, contrast: f32) -> bool {
        let has_tips = self.tips >= 3 || self.tips == 2 && self.quarters[0] >= OPEN;
        match self.shape {
            Shape::Plus => has_tips,
            Shape::X => has_tips && self.quarters.iter().sum::<f32>() >= QUARTERS_X,
            // The box lies beyond the tips.
            Shape::BoxedPlus => true,
            Shape::Tee | Shape::Arrow => {
                let is_free = self.quarters.iter().zip(QUARTERS_TURNED).all(|(quarter, least)| *quarter >= least);
                contrast >= CONTRAST_TURNED && self.runs == 0 && is_free && self.tips >= 2
            }
        }
    }
}
