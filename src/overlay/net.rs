//! The judge's two small networks: their weights, and their arithmetic in plain `f32`.
//!
//! Always holds: the same patch gives the same answer on every machine, since sums are taken in one fixed order. Deliberately
//! absent: any other shape of network than the two in models/markers.

use super::patch::{GLIMPSE_SIDE, Patch, SIDE};
use alloc::{vec, vec::Vec};

/// models/markers/markers.bin: little-endian `f32`, layer after layer as [`Nets::shipped`] takes them, weights before biases.
static WEIGHTS: &[u8] = include_bytes!("../../models/markers/markers.bin");

/// Numbers that the second network gives: how surely a cross, a tee and an arrow, in log-odds; then where exactly.
pub(crate) const OUTPUTS: usize = 8;
/// The first look sees so many values.
const GLIMPSE: usize = GLIMPSE_SIDE * GLIMPSE_SIDE;
/// Ink is divided by this.
const INK: f32 = 64.0;
/// Sides of the planes between layers.
const SIDES: [usize; 5] = [16, 16, 8, 8, 4];

/// A layer whose every output sees every input, or every input of a window of `K` x `K`. *Shape*: weights
/// `[K, K, IN, OUT]` or `[IN, OUT]`.
struct Layer {
    weights: Vec<f32>,
    biases: Vec<f32>,
}

/// Both networks.
pub(crate) struct Nets {
    first: [Layer; 2],
    convolutions: [Layer; 5],
    last: [Layer; 2],
}

impl Nets {
    /// Those that ship with the program.
    pub(crate) fn shipped() -> Self {
        let mut values = WEIGHTS.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let mut layer = |inputs: usize, outputs: usize| {
            let weights: Vec<f32> = values.by_ref().take(inputs * outputs).collect();
            Layer { weights, biases: values.by_ref().take(outputs).collect() }
        };
        let first = [layer(GLIMPSE, 24), layer(24, 3)];
        let convolutions = [layer(25, 12), layer(9 * 12, 16), layer(9 * 16, 24), layer(9 * 24, 32), layer(9 * 32, 32)];
        let last = [layer(4 * 4 * 32, 32), layer(32, OUTPUTS)];
        Self { first, convolutions, last }
    }

    /// The first look: how surely a cross, a tee and an arrow, in log-odds.
    pub(crate) fn glimpse(&self, glimpse: &[f32; GLIMPSE]) -> [f32; 3] {
        let mean = glimpse.iter().sum::<f32>() / GLIMPSE as f32;
        let input = glimpse.map(|v| (v - mean) / INK);
        let hidden = dense::<24>(&input, &self.first[0]).map(|v| v.max(0.0));
        dense::<3>(&hidden, &self.first[1])
    }

    /// The second look.
    pub(crate) fn look(&self, patch: &Patch) -> [f32; OUTPUTS] {
        let mean = patch.iter().map(|&v| f32::from(v)).sum::<f32>() / patch.len() as f32;
        let input: Vec<f32> = patch.iter().map(|&v| (f32::from(v) - mean) / INK).collect();
        let [a, b, c, d, e] = &self.convolutions;
        let plane = convolve::<1, 12, 5, 2>(&input, SIDE, SIDES[0], a);
        let plane = convolve::<12, 16, 3, 1>(&plane, SIDES[0], SIDES[1], b);
        let plane = convolve::<16, 24, 3, 2>(&plane, SIDES[1], SIDES[2], c);
        let plane = convolve::<24, 32, 3, 1>(&plane, SIDES[2], SIDES[3], d);
        let plane = convolve::<32, 32, 3, 2>(&plane, SIDES[3], SIDES[4], e);
        let hidden = dense::<32>(&plane, &self.last[0]).map(|v| v.max(0.0));
        dense::<OUTPUTS>(&hidden, &self.last[1])
    }
}

fn dense<const OUT: usize>(input: &[f32], layer: &Layer) -> [f32; OUT] {
    let mut out: [f32; OUT] = core::array::from_fn(|i| layer.biases[i]);
    for (&value, weights) in input.iter().zip(layer.weights.as_chunks::<OUT>().0) {
        for (sum, weight) in out.iter_mut().zip(weights) {
            *sum += value * weight;
        }
    }
    out
}

/// A window of `K` x `K` over a plane of `IN` channels, zero around it, every `STRIDE` pixels; then the positive part.
fn convolve<const IN: usize, const OUT: usize, const K: usize, const STRIDE: usize>(
    input: &[f32],
    side: usize,
    out_side: usize,
    layer: &Layer,
) -> Vec<f32> {
    // With zeros around, every window is whole.
    let wide = side + 2 * (K / 2);
    let mut padded = vec![0.0; wide * wide * IN];
    for (y, row) in input.chunks_exact(side * IN).enumerate() {
        padded[((y + K / 2) * wide + K / 2) * IN..][..side * IN].copy_from_slice(row);
    }
    let weights = layer.weights.as_chunks::<OUT>().0;
    let mut out = Vec::with_capacity(out_side * out_side * OUT);
    for y in 0..out_side {
        for x in 0..out_side {
            let mut sums: [f32; OUT] = core::array::from_fn(|i| layer.biases[i]);
            for (ky, weights) in weights.chunks_exact(K * IN).enumerate() {
                let row = &padded[((y * STRIDE + ky) * wide + x * STRIDE) * IN..][..K * IN];
                for (&value, weights) in row.iter().zip(weights) {
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum += value * weight;
                    }
                }
            }
            out.extend(sums.map(|sum| sum.max(0.0)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_the_shipped_weights_expect_all_of_them_taken_by_the_layers() {
        let nets = Nets::shipped();
        let layers = || nets.first.iter().chain(&nets.convolutions).chain(&nets.last);
        let taken: usize = layers().map(|layer| layer.weights.len() + layer.biases.len()).sum();
        assert_eq!(4 * taken, WEIGHTS.len());
        assert!(layers().flat_map(|layer| layer.weights.iter().chain(&layer.biases)).all(|weight| weight.is_finite()));
    }

    #[test]
    fn given_a_cross_and_even_ground_expect_only_the_cross_taken_for_one() {
        let cross: Patch = core::array::from_fn(|i| {
            let (x, y) = ((i % SIDE).abs_diff(15), (i / SIDE).abs_diff(15));
            if x.min(y) <= 1 && x.max(y) <= 8 { 200 } else { 30 }
        });
        let nets = Nets::shipped();
        let seen = nets.look(&cross);
        assert!(seen[0] > 1.0 && seen[0] > seen[1] && seen[0] > seen[2], "{seen:?}");
        // The patch's middle lies half a pixel right of the cross and below it.
        assert!((seen[3] + 0.5).abs() < 0.6 && (seen[4] + 0.5).abs() < 0.6, "{seen:?}");
        assert!(nets.look(&[30; SIDE * SIDE])[..3].iter().all(|odds| *odds < 0.0));
    }
}
