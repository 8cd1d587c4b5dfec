//! Who is scanned: factors of the kidney that go with eGFR as they do in people, and the laboratory values.
//!
//! Standard-normal latents of eGFR, length, cortical thickness and echogenicity are drawn together with the correlations
//! below. Because they are jointly normal, the best estimate that anybody could make from the factors (the oracle) is known.

use crate::units::{Centimetres, Egfr, Probability};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use serde::Serialize;

/// Correlation of eGFR with length, cortical thickness, echogenicity.
/// *Source*: the clinical series collected for the phantom: length 0.36, cortical thickness 0.65, echogenicity -0.587.
const WITH_EGFR: [f64; 3] = [0.36, 0.65, -0.587];

/// Correlations between length, cortical thickness and echogenicity. *Source*: set so that the oracle's r is about 0.77 with
/// the absolute scale and 0.68 without it, as in the trials that preceded this program.
const BETWEEN: [[f64; 3]; 3] = [[1.0, 0.3, -0.15], [0.3, 1.0, -0.37], [-0.15, -0.37, 1.0]];

/// Standard deviations of the logarithms of length and cortical thickness.
const LOG_SD: [f64; 2] = [0.10, 0.25];

/// Median length in cm and cortical thickness in mm.
const MEDIAN: [f64; 2] = [10.2, 8.0];

/// Mean, standard deviation and ends of eGFR over the population.
const EGFR_MEAN: f64 = 55.0;
const EGFR_SD: f64 = 27.0;
const EGFR_ENDS: [f64; 2] = [5.0, 135.0];

/// What decides how the kidney looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Factors {
    /// Pole to pole.
    pub length_cm: Centimetres,
    /// Thickness of the cortex, in millimetres.
    pub cortex_mm: f32,
    /// Brightness of the cortex against liver, in standard deviations of the population; higher with disease.
    pub echogenicity: f32,
    /// How far the pyramids stand out from the cortex: 0 not at all, 1 clearly.
    pub differentiation: f32,
}

/// The best estimates that the factors allow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Oracle {
    /// Expected eGFR, all factors known.
    pub egfr: Egfr,
    /// Probability of eGFR < 60, all factors known.
    pub p_ckd: Probability,
    /// Expected eGFR where the picture's scale is unknown: only the ratio of cortex to length is.
    pub egfr_without_scale: Egfr,
    /// Probability of eGFR < 60 without the scale.
    pub p_ckd_without_scale: Probability,
}

/// Sex, as the MDRD equation asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "they say all")]
pub enum Sex {
    F,
    M,
}

/// One synthetic patient.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Patient {
    /// The patient's number in the population.
    #[serde(skip)]
    pub index: u64,
    /// In years.
    pub age: u32,
    /// See [`Sex`].
    pub sex: Sex,
    /// Serum creatinine, in mg/dL, to two places.
    pub creatinine_mg_dl: f32,
    /// The kidney.
    pub factors: Factors,
    /// The best estimates from the kidney.
    pub oracle: Oracle,
}

impl Patient {
    /// Draws a patient.
    pub fn draw(index: u64, random: &mut impl RngExt) -> Self {
        let mut normal = || -> f64 { StandardNormal.sample(random) };
        let factors = correlated([normal(), normal(), normal()]);
        let weights = Weights::from_factors(&factors);
        let latent = weights.mean + weights.sd * normal();
        let log_length = LOG_SD[0] * factors[0];
        let log_cortex = LOG_SD[1] * factors[1];
        let differentiation = 0.55 - 0.22 * factors[2] + 0.15 * normal();
        let (age, sex) = (random.random_range(22..=88), if random.random() { Sex::F } else { Sex::M });
        let scaleless = Weights::from_ratio(log_cortex - log_length, factors[2]);
        Self {
            index,
            age,
            sex,
            creatinine_mg_dl: creatinine(egfr_of(latent), age, sex),
            factors: Factors {
                length_cm: Centimetres((MEDIAN[0] * libm::exp(log_length)) as f32),
                cortex_mm: (MEDIAN[1] * libm::exp(log_cortex)) as f32,
                echogenicity: factors[2] as f32,
                differentiation: differentiation.clamp(0.0, 1.0) as f32,
            },
            oracle: Oracle {
                egfr: weights.egfr(),
                p_ckd: weights.p_ckd(),
                egfr_without_scale: scaleless.egfr(),
                p_ckd_without_scale: scaleless.p_ckd(),
            },
        }
    }
}

/// Abbreviated MDRD without the race term. *Source*: Levey et al. 2000, J Am Soc Nephrol 11:155A, as used by Kuo et al. 2019.
pub fn mdrd(creatinine_mg_dl: f32, age: u32, sex: Sex) -> Egfr {
    let from_creatinine = 186.0 * libm::pow(f64::from(creatinine_mg_dl), -1.154);
    Egfr((from_creatinine * age_and_sex(age, sex)) as f32)
}

fn age_and_sex(age: u32, sex: Sex) -> f64 {
    libm::pow(f64::from(age), -0.203) * if sex == Sex::F { 0.742 } else { 1.0 }
}

/// The creatinine, to two places as a laboratory reports it, with which [`mdrd`] gives `egfr` back.
fn creatinine(egfr: f64, age: u32, sex: Sex) -> f32 {
    let exact = libm::pow(egfr / (186.0 * age_and_sex(age, sex)), -1.0 / 1.154);
    (libm::round(exact * 100.0) / 100.0) as f32
}

fn egfr_of(latent: f64) -> f64 {
    (EGFR_MEAN + EGFR_SD * latent).clamp(EGFR_ENDS[0], EGFR_ENDS[1])
}

/// Gives three independent normals the correlations of [`BETWEEN`], by its Cholesky factor.
fn correlated(z: [f64; 3]) -> [f64; 3] {
    let [a, b, c] = [BETWEEN[0][1], BETWEEN[0][2], BETWEEN[1][2]];
    let l11 = libm::sqrt(1.0 - a * a);
    let l21 = (c - a * b) / l11;
    let l22 = libm::sqrt(1.0 - b * b - l21 * l21);
    [z[0], a * z[0] + l11 * z[1], b * z[0] + l21 * z[1] + l22 * z[2]]
}

/// The normal distribution of the eGFR latent that some knowledge of the kidney leaves.
struct Weights {
    mean: f64,
    sd: f64,
}

impl Weights {
    fn from_factors(factors: &[f64; 3]) -> Self {
        let weights = solve3(BETWEEN, WITH_EGFR);
        let mean = (0..3).map(|i| weights[i] * factors[i]).sum();
        let explained: f64 = (0..3).map(|i| weights[i] * WITH_EGFR[i]).sum();
        Self { mean, sd: libm::sqrt(1.0 - explained) }
    }

    /// Knowing only the logarithm of cortex over length, and echogenicity.
    fn from_ratio(log_ratio: f64, echogenicity: f64) -> Self {
        let [sl, sc] = LOG_SD;
        let ratio_variance = sc * sc + sl * sl - 2.0 * sc * sl * BETWEEN[0][1];
        let ratio_with_echo = sc * BETWEEN[1][2] - sl * BETWEEN[0][2];
        let with_egfr = [sc * WITH_EGFR[1] - sl * WITH_EGFR[0], WITH_EGFR[2]];
        let determinant = ratio_variance - ratio_with_echo * ratio_with_echo;
        let weights = [
            (with_egfr[0] - ratio_with_echo * with_egfr[1]) / determinant,
            (ratio_variance * with_egfr[1] - ratio_with_echo * with_egfr[0]) / determinant,
        ];
        let explained = weights[0] * with_egfr[0] + weights[1] * with_egfr[1];
        Self { mean: weights[0] * log_ratio + weights[1] * echogenicity, sd: libm::sqrt(1.0 - explained) }
    }

    /// The mean of eGFR, its ends included, by the trapezium rule over five standard deviations.
    fn egfr(&self) -> Egfr {
        let (mut sum, mut weight) = (0.0, 0.0);
        for step in -25..=25 {
            let t = f64::from(step) / 5.0;
            let density = libm::exp(-t * t / 2.0);
            sum += density * egfr_of(self.mean + self.sd * t);
            weight += density;
        }
        Egfr((sum / weight) as f32)
    }

    fn p_ckd(&self) -> Probability {
        let latent = (f64::from(crate::estimate::CKD_EGFR.0) - EGFR_MEAN) / EGFR_SD;
        let z = (latent - self.mean) / self.sd;
        Probability((0.5 * libm::erfc(-z / core::f64::consts::SQRT_2)) as f32)
    }
}

/// Solves the symmetric system `a x = b` by Cramer's rule.
fn solve3(a: [[f64; 3]; 3], b: [f64; 3]) -> [f64; 3] {
    let determinant = |m: [[f64; 3]; 3]| -> f64 {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let whole = determinant(a);
    core::array::from_fn(|column| {
        let mut replaced = a;
        for row in 0..3 {
            replaced[row][column] = b[row];
        }
        determinant(replaced) / whole
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::patient;
    use alloc::vec::Vec;

    fn correlation(pairs: &[(f64, f64)]) -> f64 {
        let n = pairs.len() as f64;
        let (mx, my) = (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
        let cov: f64 = pairs.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
        let (vx, vy): (f64, f64) =
            (pairs.iter().map(|p| (p.0 - mx).powi(2)).sum(), pairs.iter().map(|p| (p.1 - my).powi(2)).sum());
        cov / (vx * vy).sqrt()
    }

    fn check(name: &str, expected: f64, tolerance: f64, factor: fn(&Patient) -> f64) {
        let pairs: Vec<_> =
            (0..20_000).map(|i| patient(1, i)).map(|p| (f64::from(super::super::egfr(&p).0), factor(&p))).collect();
        let found = correlation(&pairs);
        assert!((found - expected).abs() < tolerance, "{name}: {found:.3}, not {expected}");
    }

    #[test]
    fn given_a_population_expect_the_factors_to_go_with_egfr_as_in_people() {
        check("length", 0.36, 0.02, |p| p.factors.length_cm.0.into());
        check("cortex", 0.65, 0.02, |p| p.factors.cortex_mm.into());
        check("echogenicity", -0.587, 0.02, |p| p.factors.echogenicity.into());
    }

    #[test]
    fn given_a_population_expect_the_oracle_at_its_known_reach() {
        check("oracle", 0.765, 0.015, |p| p.oracle.egfr.0.into());
        check("oracle without scale", 0.68, 0.02, |p| p.oracle.egfr_without_scale.0.into());
    }

    #[test]
    fn given_a_population_expect_the_oracles_probability_to_be_the_share_below_60() {
        let mut bins = [(0.0_f64, 0.0_f64, 0.0_f64); 5];
        for p in (0..20_000).map(|i| patient(2, i)) {
            let bin = &mut bins[((p.oracle.p_ckd.0 * 5.0) as usize).min(4)];
            bin.0 += 1.0;
            bin.1 += f64::from(p.oracle.p_ckd.0);
            bin.2 += f64::from(u8::from(super::super::egfr(&p).0 < 60.0));
        }
        for (count, said, was) in bins {
            assert!((said - was).abs() / count < 0.03, "of {count}: said {said}, was {was}");
        }
    }

    #[test]
    fn given_the_laboratory_values_expect_mdrd_to_give_the_published_number() {
        // 1.0 mg/dL, 50 years, male: 186 x 50^-0.203 = 84.06.
        assert!((mdrd(1.0, 50, Sex::M).0 - 84.06).abs() < 0.01);
        assert!((mdrd(1.0, 50, Sex::F).0 - 62.37).abs() < 0.01);
    }
}
