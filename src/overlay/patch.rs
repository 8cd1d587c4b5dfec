//! What lies around a place: squares of ink, turned so that the place's axis points right.
//!
//! Points between pixels are walked in whole parts of a pixel, which costs a fraction of rounding each one's coordinates.

use super::{ink::Ink, places::Place};

/// Pixels of a patch's side.
pub const SIDE: usize = 32;
/// The glimpse shows as much in half as many pixels: those of the plane half the size.
pub const GLIMPSE_SIDE: usize = SIDE / 2;

/// A square of ink. *Shape*: `[SIDE, SIDE]`, row-major, the place in the middle between pixels 15 and 16.
pub type Patch = [u8; SIDE * SIDE];

/// What the first look sees of a place. *Shape*: `[GLIMPSE_SIDE, GLIMPSE_SIDE]`, row-major, the place in the middle.
pub type Glimpse = [u8; GLIMPSE_SIDE * GLIMPSE_SIDE];

/// The picture's ink, and that of the picture at a half and a quarter of its size.
pub(crate) struct Planes<'a> {
    pub ink: &'a Ink,
    pub half: &'a Ink,
    pub quarter: Ink,
}

impl<'a> Planes<'a> {
    pub(crate) fn of(ink: &'a Ink, half: &'a Ink) -> Self {
        Self { ink, half, quarter: half.halved() }
    }

    /// Cuts the surroundings of `place` out of the plane on which it was found.
    pub(crate) fn cut(&self, place: &Place) -> Patch {
        let mut patch = [0; SIDE * SIDE];
        let plane = if place.scale == 1 { self.ink } else { self.half };
        sample(plane, place.scale, place, SIDE, &mut patch);
        patch
    }

    /// The same of the next plane.
    pub(crate) fn glimpse(&self, place: &Place) -> Glimpse {
        let mut glimpse = [0; GLIMPSE_SIDE * GLIMPSE_SIDE];
        let plane = if place.scale == 1 { self.half } else { &self.quarter };
        sample(plane, 2 * place.scale, place, GLIMPSE_SIDE, &mut glimpse);
        glimpse
    }
}

/// Fills `out` with `side` by `side` points around `place`, a pixel of `plane` apart. One of its pixels is `scale` of the picture.
fn sample(plane: &Ink, scale: usize, place: &Place, side: usize, out: &mut [u8]) {
    let to_plane = |v: f32| (v + 0.5) / scale as f32 - 0.5;
    let (sin, cos) = (libm::sinf(place.axis), libm::cosf(place.axis));
    let middle = (side - 1) as f32 / 2.0;
    let fixed = |v: f32| libm::roundf(v * Ink::PART) as i32;
    let start =
        [fixed(to_plane(place.at.x) - middle * (cos - sin)), fixed(to_plane(place.at.y) - middle * (sin + cos))];
    let (sin, cos) = (fixed(sin), fixed(cos));
    for (row, out) in (0..).zip(out.chunks_exact_mut(side)) {
        plane.walk([start[0] - row * sin, start[1] + row * cos], [cos, sin], out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        frame::{Picture, Spot},
        overlay::places::Kind,
    };

    /// A picture whose ink rises to the right and, less, downwards.
    fn slope(side: usize) -> Picture {
        let red = |i: usize| (2 * (i % side) + i / side) as u8;
        let rgb = (0..side * side).flat_map(|i| [red(i), 0, 0]).collect();
        Picture::from_rgb(rgb, side, side).unwrap()
    }

    fn place(x: f32, y: f32, axis: f32) -> Place {
        Place { kind: Kind::Tee, at: Spot { x, y }, axis, scale: 1, step: 0 }
    }

    #[test]
    fn given_a_turned_place_expect_the_ink_along_and_across_its_axis() {
        let picture = slope(64);
        let ink = Ink::of(picture.frame(), None);
        let half = ink.halved();
        let planes = Planes::of(&ink, &half);
        let (at, axis) = (place(31.3, 30.6, 0.7), 0.7f32);
        let expected = |u: f32, v: f32| {
            let (x, y) = (31.3 + u * axis.cos() - v * axis.sin(), 30.6 + u * axis.sin() + v * axis.cos());
            2.0 * x + y
        };
        for (i, ink) in planes.cut(&at).iter().enumerate() {
            let (u, v) = ((i % SIDE) as f32 - 15.5, (i / SIDE) as f32 - 15.5);
            assert!((f32::from(*ink) - expected(u, v)).abs() <= 1.0, "{i}: {ink}");
        }
        for (i, ink) in planes.glimpse(&at).iter().enumerate() {
            let (u, v) = (2.0 * (i % GLIMPSE_SIDE) as f32 - 15.0, 2.0 * (i / GLIMPSE_SIDE) as f32 - 15.0);
            assert!((f32::from(*ink) - expected(u, v)).abs() <= 1.5, "{i}: {ink}");
        }
    }

    #[test]
    fn given_a_place_in_the_corner_expect_no_ink_beyond_the_picture() {
        let picture = Picture::filled(40, 40, [200, 0, 0]);
        let ink = Ink::of(picture.frame(), None);
        let half = ink.halved();
        let patch = Planes::of(&ink, &half).cut(&place(0.5, 39.5, 0.0));
        for (i, ink) in patch.iter().enumerate() {
            let inside = i % SIDE >= 15 && i / SIDE <= 15;
            assert_eq!(*ink, if inside { 200 } else { 0 }, "{i}");
        }
    }
}
