//! Patients drawn with replacement, and the interval of what they give.

use super::{Case, agreement::quantile};
use alloc::vec::Vec;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The share of draws that must define a figure for it to have an interval.
const DEFINED_MIN: f64 = 0.9;
/// The share of draws that an interval leaves out at each end.
const TAIL: f64 = 0.025;

/// As many patients as there are, drawn anew each time, each with all its cases.
pub struct Draws {
    by_patient: Vec<Vec<Case>>,
    random: Xoshiro256PlusPlus,
    sample: Vec<Case>,
}

impl Draws {
    /// Of these cases; the same seed draws the same patients on every machine.
    pub fn new(cases: &[Case], seed: u64) -> Self {
        let patients = cases.iter().map(|case| case.patient + 1).max().unwrap_or(0);
        let mut by_patient = alloc::vec![Vec::new(); patients];
        for case in cases {
            by_patient[case.patient].push(*case);
        }
        Self { by_patient, random: Xoshiro256PlusPlus::seed_from_u64(seed), sample: Vec::with_capacity(cases.len()) }
    }

    /// The cases of one draw.
    pub fn draw(&mut self) -> &[Case] {
        let patients = self.by_patient.len();
        self.sample.clear();
        for _ in 0..patients {
            // The upper half of the product: a multiple of 2^-64 taken to a whole number below `patients`.
            let drawn = (u128::from(self.random.next_u64()) * patients as u128) >> 64;
            self.sample.extend_from_slice(&self.by_patient[drawn as usize]);
        }
        &self.sample
    }
}

/// The 95% interval of the `values` that came from `draws` draws; none where too many draws gave none.
pub fn interval(mut values: Vec<f64>, draws: usize) -> Option<[f64; 2]> {
    if values.is_empty() || (values.len() as f64) < DEFINED_MIN * draws as f64 {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    Some([quantile(&values, TAIL), quantile(&values, 1.0 - TAIL)])
}
