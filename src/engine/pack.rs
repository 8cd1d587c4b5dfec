//! Weights and biases in the order in which a kernel reads them.

use super::{
    kernel::{Activations, Kernel},
    net::{Conv, Quantisation, Shape},
};

/// How a window is cut into taps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taps {
    /// One for each place in the window, as deep as the input has channels.
    Places,
    /// One for each row of the window, as deep as a row has bytes: for inputs of few channels.
    Rows,
}

/// A convolution's weights as a kernel reads them: `[blocks][taps][depth][columns]` in units of the kernel's depth.
#[derive(Debug, PartialEq)]
pub struct Packed {
    /// Zero where a block has columns that the convolution lacks, or a tap is rounded up.
    pub weights: Vec<i8>,
    /// One for each column; zero points and the sign of activations are in it.
    pub bias: Vec<i32>,
    /// One for each column.
    pub scales: Vec<f32>,
    /// Bytes that a tap reads, a multiple of the kernel's step.
    pub tap_bytes: usize,
}

/// Packs a convolution.
pub fn pack(conv: &Conv, scales: &[f32], input: (Shape, Quantisation), taps: Taps, kernel: &Kernel) -> Packed {
    let (shape, quantisation) = input;
    let outputs = conv.bias.len();
    let [height, width] = conv.window.size;
    let depth = match taps {
        Taps::Places => shape.channels,
        Taps::Rows => shape.channels * width,
    };
    let tap_bytes = depth.next_multiple_of(kernel.step);
    let tap_count = conv.window.size.iter().product::<usize>() * shape.channels / depth;
    let columns = outputs.next_multiple_of(kernel.columns);
    let mut packed = Packed {
        weights: vec![0; columns * tap_count * tap_bytes],
        bias: vec![0; columns],
        scales: vec![0.0; columns],
        tap_bytes,
    };
    packed.scales[..outputs].copy_from_slice(scales);
    let zero = match kernel.activations {
        Activations::Unsigned => i32::from(quantisation.zero),
        Activations::Signed => i32::from(quantisation.zero) - 128,
    };
    let units = tap_bytes / kernel.depth;
    for output in 0..outputs {
        let (block, column) = (output / kernel.columns, output % kernel.columns);
        let mut sum = 0;
        for channel in 0..shape.channels {
            for y in 0..height {
                for x in 0..width {
                    let weight = conv.weights[((output * shape.channels + channel) * height + y) * width + x];
                    let (tap, at) = match taps {
                        Taps::Places => (y * width + x, channel),
                        Taps::Rows => (y, x * shape.channels + channel),
                    };
                    let unit = ((block * tap_count + tap) * units + at / kernel.depth) * kernel.columns + column;
                    packed.weights[unit * kernel.depth + at % kernel.depth] = weight;
                    sum += i32::from(weight);
                }
            }
        }
        packed.bias[output] = conv.bias[output] - zero * sum;
    }
    packed
}
