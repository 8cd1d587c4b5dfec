//! Chance, in the forms that a script needs.

use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The random numbers of one sequence.
pub struct Dice(pub Xoshiro256PlusPlus);

impl Dice {
    /// Those of sequence `index` of the population `seed`.
    pub fn of(seed: u64, index: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_mul(0x9e37_79b9).wrapping_add(index)))
    }

    /// Between `low` and `high`.
    pub fn within(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.random::<f32>()
    }

    /// A whole number from `low` to `high`, both included.
    pub fn whole(&mut self, low: i32, high: i32) -> i32 {
        self.0.random_range(low..=high)
    }

    /// A count from `low` to `high`, both included.
    pub fn count(&mut self, low: usize, high: usize) -> usize {
        self.0.random_range(low..=high)
    }

    /// Whether something of probability `p` happens.
    pub fn happens(&mut self, p: f32) -> bool {
        self.0.random::<f32>() < p
    }

    /// One of `choices`.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.random_range(0..choices.len())]
    }

    /// Normal noise of `sigma` levels, for [`Dice::add_noise`].
    pub fn noise(&mut self, sigma: f32) -> Vec<i16> {
        let mut normal = || -> f32 { StandardNormal.sample(&mut self.0) };
        (0..1 << 16).map(|_| (sigma * normal()).round() as i16).collect()
    }

    /// Adds noise to every value.
    pub fn add_noise(&mut self, values: &mut [u8], noise: &[i16]) {
        for four in values.chunks_mut(4) {
            let mut bits = self.0.next_u64();
            for value in four {
                *value = (i16::from(*value) + noise[(bits & 0xffff) as usize]).clamp(0, 255) as u8;
                bits >>= 16;
            }
        }
    }
}
