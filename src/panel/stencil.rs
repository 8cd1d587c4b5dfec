//! Stencils: shapes drawn large in one bit, laid down small with smooth edges.
//!
//! The fonts and primitives at hand know no grey: drawn straight, their edges are jagged on a display of this size. A stencil is
//! drawn larger than needed and averaged when it is laid down. All arithmetic is in integers, so that a picture is the
//! same on every machine. Deliberately absent: reading the target back; whoever lays a stencil names the ground below it.

use alloc::{vec, vec::Vec};
use core::convert::Infallible;
use embedded_graphics::{Pixel, pixelcolor::BinaryColor, pixelcolor::Rgb888, prelude::*, primitives::Rectangle};

/// Samples along each axis of an output pixel, so that an edge has 16 steps.
const SAMPLES: usize = 4;

/// What a stencil is laid down with.
#[derive(Clone, Copy)]
pub struct Paint {
    /// The shape's colour.
    pub ink: Rgb888,
    /// The colour below it, which its edges blend into.
    pub ground: Rgb888,
}

impl Paint {
    /// The colour where `covered` of all samples of a pixel are inside the shape.
    fn blend(self, covered: u8) -> Rgb888 {
        let (covered, all) = (i32::from(covered), (SAMPLES * SAMPLES) as i32);
        let mix = |ink: u8, ground: u8| {
            ((i32::from(ink) * covered + i32::from(ground) * (all - covered) + all / 2) / all) as u8
        };
        let (ink, ground) = (self.ink, self.ground);
        Rgb888::new(mix(ink.r(), ground.r()), mix(ink.g(), ground.g()), mix(ink.b(), ground.b()))
    }
}

/// A one-bit drawing of the rectangle `bounds`; what is drawn beyond it is dropped.
pub struct Stencil {
    bounds: Rectangle,
    set: Vec<bool>,
}

impl Stencil {
    /// An empty stencil.
    pub fn new(bounds: Rectangle) -> Self {
        Self { bounds, set: vec![false; (bounds.size.width * bounds.size.height) as usize] }
    }

    fn place(&self, at: Point) -> Option<usize> {
        let inside = at - self.bounds.top_left;
        let (x, y) = (u32::try_from(inside.x).ok()?, u32::try_from(inside.y).ok()?);
        let Size { width, height } = self.bounds.size;
        (x < width && y < height).then_some((y * width + x) as usize)
    }

    /// The stencil's row `y` of pixels; none above and below it.
    fn row(&self, y: i32) -> Option<&[bool]> {
        let start = self.place(Point::new(self.bounds.top_left.x, y))?;
        Some(&self.set[start..start + self.bounds.size.width as usize])
    }

    /// The stencil at twice the size with its staircases rounded. Its outermost pixels are taken to be unset.
    ///
    /// *Source*: the Scale2x algorithm, Mazzoleni 2001, <https://www.scale2x.it/algorithm>.
    pub fn doubled(&self) -> Self {
        let mut large = Self::new(Rectangle::new(self.bounds.top_left * 2, self.bounds.size * 2));
        let (width, height) = (self.bounds.size.width as usize, self.bounds.size.height as usize);
        for y in 1..height.saturating_sub(1) {
            for x in 1..width.saturating_sub(1) {
                let i = y * width + x;
                let (up, left, own, right, down) =
                    (self.set[i - width], self.set[i - 1], self.set[i], self.set[i + 1], self.set[i + width]);
                let corner = 4 * y * width + 2 * x;
                large.set[corner] = if left == up && left != down && up != right { up } else { own };
                large.set[corner + 1] = if up == right && up != left && right != down { right } else { own };
                let below = corner + 2 * width;
                large.set[below] = if down == left && down != right && left != up { left } else { own };
                large.set[below + 1] = if right == down && right != up && down != left { right } else { own };
            }
        }
        large
    }

    /// Lays the stencil down with its origin at `origin`, `from` of its pixels becoming `to` of the target's.
    pub fn lay<D: DrawTarget<Color = Rgb888>>(
        &self,
        target: &mut D,
        origin: Point,
        (from, to): (i32, i32),
        paint: Paint,
    ) -> Result<(), D::Error> {
        let (from, to) = (from.max(1), to.max(1));
        let (first, end) = (self.bounds.top_left, self.bounds.top_left + self.bounds.size);
        let span = |first: i32, end: i32| (first * to).div_euclid(from)..(end * to).div_euclid(from) + 1;
        // The stencil's pixels below the samples of one output pixel.
        let samples = |out: i32| {
            core::array::from_fn::<i32, SAMPLES, _>(|i| {
                (((out * SAMPLES as i32 + i as i32) * 2 + 1) * from).div_euclid(2 * SAMPLES as i32 * to)
            })
        };
        let columns: Vec<_> = span(first.x, end.x).map(|x| samples(x).map(|x| (x - first.x) as usize)).collect();
        let mut covered = vec![0_u8; columns.len()];
        for y in span(first.y, end.y) {
            covered.fill(0);
            for row in samples(y).into_iter().filter_map(|y| self.row(y)) {
                for (covered, across) in covered.iter_mut().zip(&columns) {
                    for &x in across {
                        // A sample left of the stencil has wrapped to a column far to its right.
                        *covered += u8::from(x < row.len() && row[x]);
                    }
                }
            }
            let inked = span(first.x, end.x).zip(&covered).filter(|&(_, &covered)| covered > 0);
            let pixels = inked.map(|(x, &covered)| Pixel(origin + Point::new(x, y), paint.blend(covered)));
            target.draw_iter(pixels)?;
        }
        Ok(())
    }
}

impl Dimensions for Stencil {
    fn bounding_box(&self) -> Rectangle {
        self.bounds
    }
}

impl DrawTarget for Stencil {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, colour) in pixels {
            if let Some(i) = self.place(at) {
                self.set[i] = colour.is_on();
            }
        }
        Ok(())
    }
}
