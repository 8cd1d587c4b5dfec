//! What lies around a place: a square of ink, turned so that the place's axis points right.

use super::{ink::Ink, places::Place};

/// Pixels of a side.
pub const SIDE: usize = 32;
/// The glimpse is the patch's middle, the mean of each four pixels.
pub(crate) const GLIMPSE_SIDE: usize = 8;

/// A square of ink. *Shape*: `[SIDE, SIDE]`, row-major, the place in the middle between pixels 15 and 16.
pub type Patch = [u8; SIDE * SIDE];

/// Samples the plane on which a place was found, in the place's own directions.
struct Turned<'a> {
    plane: &'a Ink,
    x: f32,
    y: f32,
    sin: f32,
    cos: f32,
}

impl<'a> Turned<'a> {
    fn new(ink: &'a Ink, half: &'a Ink, place: &Place) -> Self {
        let to_plane = |v: f32| (v + 0.5) / place.scale as f32 - 0.5;
        Self {
            plane: if place.scale == 1 { ink } else { half },
            x: to_plane(place.at.x),
            y: to_plane(place.at.y),
            sin: libm::sinf(place.axis),
            cos: libm::cosf(place.axis),
        }
    }

    /// The ink of a patch's pixel.
    fn pixel(&self, column: usize, row: usize) -> u8 {
        let from_middle = |v: usize| v as f32 - (SIDE - 1) as f32 / 2.0;
        let (u, v) = (from_middle(column), from_middle(row));
        self.plane.at(self.x + u * self.cos - v * self.sin, self.y + u * self.sin + v * self.cos) as u8
    }
}

/// Cuts the surroundings of `place` out of the plane on which it was found.
pub(crate) fn cut(ink: &Ink, half: &Ink, place: &Place) -> Patch {
    let turned = Turned::new(ink, half, place);
    core::array::from_fn(|i| turned.pixel(i % SIDE, i / SIDE))
}

/// What the first look sees of a place. *Shape*: `[GLIMPSE_SIDE, GLIMPSE_SIDE]`, row-major.
pub(crate) fn glimpse(ink: &Ink, half: &Ink, place: &Place) -> [f32; GLIMPSE_SIDE * GLIMPSE_SIDE] {
    let turned = Turned::new(ink, half, place);
    let from = (SIDE - 2 * GLIMPSE_SIDE) / 2;
    core::array::from_fn(|i| {
        let (x, y) = (from + 2 * (i % GLIMPSE_SIDE), from + 2 * (i / GLIMPSE_SIDE));
        let sum: u32 =
            [(0, 0), (1, 0), (0, 1), (1, 1)].iter().map(|(dx, dy)| u32::from(turned.pixel(x + dx, y + dy))).sum();
        sum as f32 / 4.0
    })
}
