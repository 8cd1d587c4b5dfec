//! The judge's small networks, one for the first look and two for the second: their weights, and their arithmetic in plain `f32`.
//!
//! Always holds: the same patch gives the same answer on every machine, since sums are taken in one fixed order. Deliberately
//! absent: any other shape of network than those in models/markers.

use super::{
    patch::{GLIMPSE_SIDE, Glimpse, Patch, SIDE},
    places::Kind,
};
use crate::wide::wide;
use alloc::{vec, vec::Vec};

/// models/markers/markers.bin: little-endian `f32`, layer after layer as [`Nets::shipped`] takes them, weights before biases.
static WEIGHTS: &[u8] = include_bytes!("../../models/markers/markers.bin");

/// Numbers that the second network gives: how surely a cross, a tee and an arrow, in log-odds; then where exactly.
pub(crate) const OUTPUTS: usize = 8;
/// Ink is divided by this.
const INK: f32 = 64.0;
/// Sides of the planes between the layers of the first network and of the second.
const FIRST_SIDES: [usize; 2] = [8, 4];
const SIDES: [usize; 5] = [16, 16, 8, 8, 4];
/// Log-odds of the second look from which down no other network is asked. *Source*: with the
/// weights before, of 240 carts of seed 63 none is seen otherwise, byte for byte.
const GIVEN_UP: f32 = -8.0;
/// Output pixels that are summed at a time, so that each weight is read once for all of them.
const PIXELS: usize = 2;

/// A layer whose every output sees every input, or every input of a window of `K` x `K`. *Shape*: weights
/// `[K, K, IN, OUT]` or `[IN, OUT]`.
struct Layer {
    weights: Vec<f32>,
    biases: Vec<f32>,
}

/// A network: convolutions, then two layers over all that they give.
struct Net<const N: usize> {
    convolutions: [Layer; N],
    last: [Layer; 2],
}

/// All networks.
pub(crate) struct Nets {
    first: Net<2>,
    /// The second look, and one more at crosses.
    second: Net<5>,
    crosses: Net<5>,
}

impl Nets {
    /// Those that ship with the program.
    pub(crate) fn shipped() -> Self {
        let mut values = WEIGHTS.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let mut layer = |inputs: usize, outputs: usize| {
            let weights: Vec<f32> = values.by_ref().take(inputs * outputs).collect();
            Layer { weights, biases: values.by_ref().take(outputs).collect() }
        };
        let convolutions = [layer(9, 8), layer(9 * 8, 16)];
        let first = Net { convolutions, last: [layer(4 * 4 * 16, 16), layer(16, 3)] };
        let mut second = || {
            let (a, b, c) = (layer(25, 12), layer(9 * 12, 16), layer(9 * 16, 24));
            let convolutions = [a, b, c, layer(9 * 24, 32), layer(9 * 32, 32)];
            Net { convolutions, last: [layer(4 * 4 * 32, 32), layer(32, OUTPUTS)] }
        };
        Self { first, second: second(), crosses: second() }
    }

    /// The first look: how surely a cross, a tee and an arrow, in log-odds.
    pub(crate) fn glimpse(&self, glimpse: &Glimpse) -> [f32; 3] {
        let Net { convolutions: [a, b], last } = &self.first;
        let plane = convolve::<1, 8, 8, 3, 2>(&levelled(glimpse), GLIMPSE_SIDE, FIRST_SIDES[0], a);
        let plane = convolve::<8, 16, 16, 3, 2>(&plane, FIRST_SIDES[0], FIRST_SIDES[1], b);
        let hidden = dense::<16>(&plane, &last[0]).map(|v| v.max(0.0));
        dense::<3>(&hidden, &last[1])
    }

    /// The second look at a place that may be of this kind. At crosses, which print and lines have too, two networks look, and what
    /// they say on the mean counts: neither alone told all of them.
    pub(crate) fn look(&self, kind: Kind, patch: &Patch) -> [f32; OUTPUTS] {
        let one = self.second.look(patch);
        if kind != Kind::Cross || one[kind as usize] < GIVEN_UP {
            return one;
        }
        let other = self.crosses.look(patch);
        core::array::from_fn(|i| (one[i] + other[i]) / 2.0)
    }
}

impl Net<5> {
    fn look(&self, patch: &Patch) -> [f32; OUTPUTS] {
        let Self { convolutions: [a, b, c, d, e], last } = self;
        let plane = convolve::<1, 12, 12, 5, 2>(&levelled(patch), SIDE, SIDES[0], a);
        let plane = convolve::<12, 16, 16, 3, 1>(&plane, SIDES[0], SIDES[1], b);
        let plane = convolve::<16, 24, 24, 3, 2>(&plane, SIDES[1], SIDES[2], c);
        let plane = convolve::<24, 32, 16, 3, 1>(&plane, SIDES[2], SIDES[3], d);
        let plane = convolve::<32, 32, 16, 3, 2>(&plane, SIDES[3], SIDES[4], e);
        let hidden = dense::<32>(&plane, &last[0]).map(|v| v.max(0.0));
        dense::<OUTPUTS>(&hidden, &last[1])
    }
}

/// Ink about its mean.
fn levelled(ink: &[u8]) -> Vec<f32> {
    let mean = ink.iter().map(|&v| f32::from(v)).sum::<f32>() / ink.len() as f32;
    ink.iter().map(|&v| (f32::from(v) - mean) / INK).collect()
}

wide! {
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
    ///
    /// `BLOCK` channels of a few pixels are summed at a time: as many as a processor has registers for.
    fn convolve<const IN: usize, const OUT: usize, const BLOCK: usize, const K: usize, const STRIDE: usize>(
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
        let mut out = vec![0.0; out_side * out_side * OUT];
        for (i, out) in out.chunks_exact_mut(PIXELS * OUT).enumerate() {
            let (y, x) = (i * PIXELS / out_side, i * PIXELS % out_side);
            for from in (0..OUT).step_by(BLOCK) {
                let biases: [f32; BLOCK] = core::array::from_fn(|i| layer.biases[from + i]);
                let mut sums = [biases; PIXELS];
                for (ky, weights) in weights.chunks_exact(K * IN).enumerate() {
                    let start = ((y * STRIDE + ky) * wide + x * STRIDE) * IN;
                    let rows: [&[f32]; PIXELS] = core::array::from_fn(|p| &padded[start + p * STRIDE * IN..][..K * IN]);
                    for (i, weights) in weights.iter().enumerate() {
                        let weights: &[f32; BLOCK] = weights[from..].first_chunk().expect("blocks divide the channels");
                        for (sums, row) in sums.iter_mut().zip(rows) {
                            for (sum, weight) in sums.iter_mut().zip(weights) {
                                *sum += row[i] * weight;
                            }
                        }
                    }
                }
                for (out, sums) in out.chunks_exact_mut(OUT).zip(sums) {
                    for (out, sum) in out[from..].iter_mut().zip(sums) {
                        *out = sum.max(0.0);
                    }
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_the_shipped_weights_expect_all_of_them_taken_by_the_layers() {
        let nets = Nets::shipped();
        let last = [&nets.first.last, &nets.second.last, &nets.crosses.last].into_iter().flatten();
        let second = nets.second.convolutions.iter().chain(&nets.crosses.convolutions);
        let layers: Vec<&Layer> = nets.first.convolutions.iter().chain(second).chain(last).collect();
        let taken: usize = layers.iter().map(|layer| layer.weights.len() + layer.biases.len()).sum();
        assert_eq!(4 * taken, WEIGHTS.len());
        assert!(
            layers.iter().flat_map(|layer| layer.weights.iter().chain(&layer.biases)).all(|weight| weight.is_finite())
        );
    }

    #[test]
    fn given_a_cross_and_even_ground_expect_only_the_cross_taken_for_one() {
        let cross: Patch = core::array::from_fn(|i| {
            let (x, y) = ((i % SIDE).abs_diff(15), (i / SIDE).abs_diff(15));
            if x.min(y) <= 1 && x.max(y) <= 8 { 200 } else { 30 }
        });
        let nets = Nets::shipped();
        let seen = nets.look(Kind::Cross, &cross);
        assert!(seen[0] > 1.0 && seen[0] > seen[1] && seen[0] > seen[2], "{seen:?}");
        // The patch's middle lies half a pixel right of the cross and below it.
        assert!((seen[3] + 0.5).abs() < 0.6 && (seen[4] + 0.5).abs() < 0.6, "{seen:?}");
        for kind in [Kind::Cross, Kind::Tee, Kind::Arrow] {
            assert!(nets.look(kind, &[30; SIDE * SIDE])[kind as usize] < 0.0);
        }
    }
}
