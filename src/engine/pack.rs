//! Weights and biases in the order in which a kernel reads them.

use super::{
    kernel::Kernel,
    net::{Conv, Quantisation, Shape},
};
use std::ops::Range;

/// How a window is cut into taps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taps {
    /// One for each place in the window, as deep as the input has channels.
    Places,
    /// One for each row of the window, as deep as a row has bytes: for inputs of few channels.
    Rows,
    /// A single one, of all rows: the same for kernels that take many bytes at once.
    Whole,
}

impl Taps {
    /// How many, and how deep each, of a convolution over so many channels.
    fn shape(self, conv: &Conv, channels: usize) -> [usize; 2] {
        let [height, width] = conv.window.size;
        match self {
            Self::Places => [height * width, channels],
            Self::Rows => [height, width * channels],
            Self::Whole => [1, height * width * channels],
        }
    }
}

/// How a convolution's weights lie for a kernel: `[blocks][taps][depth][columns]` in units of the kernel's depth.
#[derive(Debug, PartialEq)]
pub struct Packed {
    /// Where, among those of all layers.
    pub weights: Range<usize>,
    /// One for each column; zero points and the sign of activations are in it.
    pub bias: Vec<i32>,
    /// One for each column.
    pub scales: Vec<f32>,
    /// Bytes that a tap reads, a multiple of the kernel's step.
    pub tap_bytes: usize,
}

/// Bytes that a convolution's weights take.
fn weight_bytes(conv: &Conv, channels: usize, taps: Taps, kernel: &Kernel) -> usize {
    let [count, depth] = taps.shape(conv, channels);
    conv.bias.len().next_multiple_of(kernel.columns) * count * depth.next_multiple_of(kernel.step)
}

impl Packed {
    /// A convolution's place from `start` on, with nothing in it yet.
    pub fn at(start: usize, conv: &Conv, scales: &[f32], channels: usize, taps: Taps, kernel: &Kernel) -> Self {
        let columns = conv.bias.len().next_multiple_of(kernel.columns);
        let mut padded = vec![0.0; columns];
        padded[..scales.len()].copy_from_slice(scales);
        Self {
            weights: start..start + weight_bytes(conv, channels, taps, kernel),
            bias: vec![0; columns],
            scales: padded,
            tap_bytes: taps.shape(conv, channels)[1].next_multiple_of(kernel.step),
        }
    }

    /// Packs the convolution into its place in `all`, which is zero there and stays so where a block has columns that the
    /// convolution lacks, or a tap is rounded up.
    pub fn fill(&mut self, conv: &Conv, input: (Shape, Quantisation), taps: Taps, kernel: &Kernel, all: &mut [i8]) {
        let (Shape { channels, .. }, quantisation) = input;
        let [count, depth] = taps.shape(conv, channels);
        let zero = i32::from(quantisation.zero) - i32::from(kernel.activations.flip());
        let weights = &mut all[self.weights.clone()];
        let places = conv.window.size[0] * conv.window.size[1];
        let width = conv.window.size[1];
        for (output, filter) in conv.weights.chunks_exact(channels * places).enumerate() {
            let (block, column) = (output / kernel.columns, output % kernel.columns);
            for tap in 0..count {
                let first = (block * count + tap) * self.tap_bytes * kernel.columns + column * kernel.depth;
                for at in 0..depth {
                    let place = match taps {
                        Taps::Places => at * places + tap,
                        // Of a single tap, the window's places go on through its rows.
                        Taps::Rows | Taps::Whole => at % channels * places + tap * width + at / channels,
                    };
                    let unit = at / kernel.depth * kernel.depth * kernel.columns;
                    weights[first + unit + at % kernel.depth] = filter[place];
                }
            }
            let sum: i32 = filter.iter().map(|&weight| i32::from(weight)).sum();
            self.bias[output] = conv.bias[output] - zero * sum;
        }
    }
}
