//! Chance, in the few forms that drawing carts needs.

use super::super::stream;
use alloc::string::String;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Keeps the carts' random streams apart from those of the phantoms of the same seed.
const PURPOSE: u64 = 1000;

/// The random numbers of one picture.
pub(super) struct Dice(pub Xoshiro256PlusPlus);

impl Dice {
    /// Those of picture `index` of the population `seed`.
    pub fn of(seed: u64, index: u64) -> Self {
        Self(stream(seed, index, PURPOSE))
    }

    /// Between `low` and `high`.
    pub fn within(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.random::<f32>()
    }

    /// A whole number from `low` to `high`, both included.
    pub fn whole(&mut self, low: i32, high: i32) -> i32 {
        self.0.random_range(low..=high)
    }

    /// Whether something of probability `p` happens.
    pub fn happens(&mut self, p: f32) -> bool {
        self.0.random::<f32>() < p
    }

    /// One of `choices`.
    ///
    /// # Panics
    /// If there are none.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.random_range(0..choices.len())]
    }

    /// `pattern` with a random digit for each '#'.
    pub fn digits(&mut self, pattern: &str) -> String {
        let digit = |c: char, dice: &mut Self| if c == '#' { char::from(b'0' + dice.whole(1, 9) as u8) } else { c };
        pattern.chars().map(|c| digit(c, self)).collect()
    }
}
