//! How unlike the training pictures a picture is, by a member's pooled features.
//!
//! A member's features of its training pictures lie near a plane: their mean and a few axes. What a picture's features
//! have beyond that plane, over what the training pictures have there, is the distance: about 1 for a picture like those.
//! A bundle that was given new rules for a new cart has them from pictures of that cart instead.
//! Always holds: whatever is no number is far. Deliberately absent: a limit, which the bundle's rules have.
//!
//! *Source*: reconstruction error of principal components. On phantoms it told noise, inverted, turned, half-covered and
//! foreign pictures better than the distance along the axes or feature by feature did; see models/training/README.md.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The most axes: more would describe single pictures.
const AXES_MAX: usize = 64;
/// How far the axes' products may be from those of perpendicular axes of length 1: they are written with few digits.
const ORTHONORMAL_TOLERANCE: f32 = 1e-3;

/// What a member's features of its training pictures are like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Likeness {
    /// Their mean, a number a feature.
    pub mean: Vec<f32>,
    /// The directions in which they differ most: perpendicular, of length 1.
    pub axes: Vec<Vec<f32>>,
    /// The root mean square of what lies beyond mean and axes.
    pub rest: f32,
    /// How many pictures these come from.
    pub count: u32,
}

impl Likeness {
    /// Whether it describes `feature_count` features; to be asked once, when a bundle is opened.
    pub fn fits(&self, feature_count: usize) -> bool {
        let rows = || core::iter::once(&self.mean).chain(&self.axes);
        let whole = rows().all(|row| row.len() == feature_count && row.iter().all(|v| v.is_finite()));
        let perpendicular = self.axes.iter().enumerate().all(|(i, axis)| {
            self.axes[..=i].iter().enumerate().all(|(j, other)| {
                let wanted = if i == j { 1.0 } else { 0.0 };
                (dot(axis, other) - wanted).abs() <= ORTHONORMAL_TOLERANCE
            })
        });
        whole && self.axes.len() <= AXES_MAX && perpendicular && self.rest > 0.0 && self.rest.is_finite()
    }

    /// The distance of these features; about 1 for a picture like the training's.
    ///
    /// # Panics
    /// If there are not as many features as [`Likeness::fits`] was asked of.
    pub fn distance(&self, features: &[f32]) -> f32 {
        assert_eq!(features.len(), self.mean.len(), "checked when the bundle was opened");
        let mut beyond: Vec<f32> = features.iter().zip(&self.mean).map(|(f, m)| f - m).collect();
        for axis in &self.axes {
            let along = dot(&beyond, axis);
            beyond.iter_mut().zip(axis).for_each(|(b, a)| *b -= along * a);
        }
        libm::sqrtf(dot(&beyond, &beyond)) / self.rest
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn likeness() -> Likeness {
        Likeness { mean: vec![1.0, 2.0, 3.0], axes: vec![vec![0.6, 0.8, 0.0]], rest: 0.5, count: 9 }
    }

    #[test]
    fn given_features_along_an_axis_expect_them_near_and_beyond_it_far() {
        let of = |features: [f32; 3]| likeness().distance(&features);
        assert!(of([1.0, 2.0, 3.0]) == 0.0 && of([7.0, 10.0, 3.0]) < 1e-5);
        assert!((of([1.0, 2.0, 4.0]) - 2.0).abs() < 1e-6 && (of([7.0, 10.0, 1.0]) - 4.0).abs() < 1e-5);
        assert!(of([f32::NAN, 2.0, 3.0]).is_nan());
    }

    #[test]
    fn given_numbers_that_describe_nothing_expect_them_refused() {
        let broken = |change: fn(&mut Likeness)| {
            let mut likeness = likeness();
            change(&mut likeness);
            likeness.fits(3)
        };
        assert!(likeness().fits(3) && !likeness().fits(4));
        assert!(!broken(|l| l.axes.push(vec![0.0, 1.0, 0.0])));
        assert!(!broken(|l| l.axes[0] = vec![0.6, 0.8]));
        assert!(!broken(|l| l.axes[0] = vec![6.0, 8.0, 0.0]));
        assert!(!broken(|l| l.mean[0] = f32::INFINITY));
        assert!(!broken(|l| l.rest = 0.0) && !broken(|l| l.rest = f32::NAN));
    }
}
