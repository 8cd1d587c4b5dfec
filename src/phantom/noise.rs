//! Smooth random fields: the irregularity of tissue.

use alloc::vec::Vec;
use rand::RngExt;

/// Lattice points along each axis; a power of two, after which the field repeats.
const LATTICE: usize = 64;

/// A smooth random field over the plane, about -1 to 1, with features about one unit wide.
pub struct Field {
    values: Vec<f32>,
}

impl Field {
    /// Draws a field.
    pub fn draw(random: &mut impl RngExt) -> Self {
        Self { values: (0..LATTICE * LATTICE).map(|_| random.random::<f32>() * 2.0 - 1.0).collect() }
    }

    /// The field's value at (x, y).
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let (fx, fy) = (libm::floorf(x), libm::floorf(y));
        let (tx, ty) = (ease(x - fx), ease(y - fy));
        let wrap = |v: f32| (v as i32) as usize & (LATTICE - 1);
        let (x0, y0) = (wrap(fx), wrap(fy));
        let (x1, y1) = ((x0 + 1) & (LATTICE - 1), (y0 + 1) & (LATTICE - 1));
        let value = |x: usize, y: usize| self.values[y * LATTICE + x];
        let top = value(x0, y0) + (value(x1, y0) - value(x0, y0)) * tx;
        let bottom = value(x0, y1) + (value(x1, y1) - value(x0, y1)) * tx;
        top + (bottom - top) * ty
    }

    /// Three octaves of the field, about -1 to 1: large shapes with smaller ones on them.
    pub fn rough(&self, x: f32, y: f32) -> f32 {
        // The offsets keep the octaves' lattice points apart.
        0.57 * self.at(x, y)
            + 0.29 * self.at(2.1 * x + 17.3, 2.1 * y + 5.7)
            + 0.14 * self.at(4.3 * x + 9.1, 4.3 * y + 31.9)
    }
}

fn ease(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}
