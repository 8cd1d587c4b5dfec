//! Compiled trees against XGBoost itself: `fixtures/make_trees.py` made the model and the predictions.
#![cfg(feature = "std")]
#![allow(clippy::unwrap_used)]

use sonogfr::{bundle::xgboost, trees::Trees};

const MODEL: &[u8] = include_bytes!("fixtures/trees_model.json");
const PREDICTIONS: &[u8] = include_bytes!("fixtures/trees_predictions.f32");
const FEATURES: usize = 256;
const VECTORS_SEED: u64 = 11;

/// splitmix64 (Steele, Lea, Flood 2014).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A feature's value: missing, on the grid of the thresholds, or between; as in make_trees.py.
    fn value(&mut self) -> f32 {
        let z = self.next();
        match z >> 60 {
            0 => f32::NAN,
            1..=10 => ((z >> 32) & 31) as f32 / 32.0,
            _ => ((z >> 32) & 0xFF_FFFF) as f32 / (1 << 24) as f32,
        }
    }
}

#[test]
fn given_ten_thousand_vectors_expect_xgboosts_predictions() {
    let table = xgboost::compile(MODEL, FEATURES).unwrap();
    let trees = Trees::parse(&table, FEATURES).unwrap();
    let mut draws = Draws(VECTORS_SEED);
    let (mut largest, mut equal) = (0_f32, 0);
    let expected = PREDICTIONS.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    assert_eq!(expected.len(), 10_000);
    for expected in expected {
        let features: Vec<f32> = (0..FEATURES).map(|_| draws.value()).collect();
        let predicted = trees.predict(&features).0;
        largest = largest.max((predicted - expected).abs());
        equal += usize::from(predicted == expected);
    }
    println!("largest difference {largest:e}, {equal} of 10000 equal to the last bit, table of {} bytes", table.len());
    assert!(largest <= 1e-6, "largest difference {largest:e}");
}

#[test]
fn given_a_smaller_network_expect_the_feature_it_lacks() {
    let error = xgboost::compile(MODEL, 64).unwrap_err().to_string();
    assert_eq!(error, r#"feature "f212", but the network has 64"#);
}

#[test]
fn given_a_model_cut_anywhere_expect_a_refusal() {
    for end in (0..MODEL.len()).step_by(9_973) {
        assert!(xgboost::compile(&MODEL[..end], FEATURES).is_err(), "cut at {end}");
    }
}
