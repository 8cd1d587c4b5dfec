//! Every kernel, on one thread and on several, against convolution as the textbook has it.

use super::{
    kernel::Kernel,
    net::{Conv, Ending, MaxPool, Net, NetError, Node, Quantisation, Relu, Residual, Shape, Tensor, Window},
    plan::{Plan, Scratch},
};
use proptest::{prelude::*, test_runner::Config};
use std::num::NonZeroUsize;

/// Numbers that look random and are the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn between(&mut self, low: i32, high: i32) -> i32 {
        low + self.below((high - low + 1) as u64) as i32
    }

    fn quantisation(&mut self) -> Quantisation {
        Quantisation { scale: 0.02 + self.below(100) as f32 / 2000.0, zero: self.below(256) as u8 }
    }

    fn conv(&mut self, input: Tensor, [from, to]: [usize; 2], window: Window, residual: Option<Tensor>) -> Node {
        let depth = from * window.size[0] * window.size[1];
        // Sometimes weights as large as can be, which the 16-bit sums of some kernels just hold.
        let largest = self.below(4) == 0;
        let mut weight = || match self.between(-127, 127) {
            any if !largest => any as i8,
            any => 127 * any.signum() as i8,
        };
        let weights = (0..to * depth).map(|_| weight()).collect();
        // Such that most bytes are neither 0 nor 255.
        let scale = |dice: &mut Self| (0.5 + dice.below(1000) as f32 / 1000.0) / (74.0 * (depth as f32).sqrt());
        Node::Conv(Conv {
            input,
            window,
            weights,
            bias: (0..to).map(|_| self.between(-10_000, 10_000)).collect(),
            weight_scales: (0..to).map(|_| scale(self)).collect(),
            residual: residual.map(|tensor| Residual { tensor, before: self.quantisation() }),
            relu: if self.below(2) == 0 { Relu::Applied } else { Relu::Absent },
            output: self.quantisation(),
        })
    }
}

fn window(size: usize, stride: usize) -> Window {
    Window { size: [size; 2], stride: [stride; 2], pads: [size / 2; 4] }
}

/// A stem, a pool and a block with a residual.
fn net(picture: Shape, [a, b, c]: [usize; 3], stem: usize, stride: usize, dice: &mut Dice) -> Net {
    let pool = Window { size: [3, 2], stride: [2, 1], pads: [1, 0, 1, 1] };
    let nodes = vec![
        dice.conv(0, [picture.channels, a], window(stem, 2), None),
        Node::MaxPool(MaxPool { input: 1, window: pool }),
        dice.conv(2, [a, b], window(1, 1), None),
        dice.conv(3, [b, b], window(3, stride), None),
        dice.conv(2, [a, c], window(1, stride), None),
        dice.conv(4, [b, c], window(1, 1), Some(5)),
    ];
    Net::new(picture, dice.quantisation(), nodes).unwrap()
}

/// Bytes of one tensor, in planes.
struct Planes(Shape, Vec<u8>);

impl Planes {
    /// What lies in each place of a window, channel by channel; nothing where it is outside.
    fn seen<'a>(
        &'a self,
        window: &'a Window,
        channel: usize,
        [y, x]: [usize; 2],
    ) -> impl Iterator<Item = Option<u8>> + 'a {
        let Planes(shape, bytes) = self;
        let place = move |tap: usize| {
            let y = (y * window.stride[0] + tap / window.size[1]).checked_sub(window.pads[0])?;
            let x = (x * window.stride[1] + tap % window.size[1]).checked_sub(window.pads[1])?;
            (y < shape.height && x < shape.width).then(|| bytes[(channel * shape.height + y) * shape.width + x])
        };
        (0..window.size[0] * window.size[1]).map(place)
    }
}

/// The net as the textbook has it: each byte on its own.
fn textbook(net: &Net, picture: &[f32]) -> Vec<f32> {
    let Quantisation { scale, zero } = net.quantisation(0);
    let steps = |value: &f32| ((value / scale).round_ties_even() + f32::from(zero)).clamp(0.0, 255.0) as u8;
    let mut tensors = vec![Planes(net.shape(0), picture.iter().map(steps).collect())];
    for (node, tensor) in net.nodes().iter().zip(1..) {
        let shape = net.shape(tensor);
        let each = (0..shape.channels * shape.pixels())
            .map(|i| (i / shape.pixels(), [i % shape.pixels() / shape.width, i % shape.width]));
        let byte = |(channel, place): (usize, [usize; 2])| match node {
            Node::MaxPool(pool) => tensors[pool.input].seen(&pool.window, channel, place).flatten().max().unwrap(),
            Node::Conv(conv) => convolve(net, conv, channel, place, &tensors, shape),
        };
        let bytes = each.map(byte).collect();
        tensors.push(Planes(shape, bytes));
    }
    let Quantisation { scale, zero } = net.quantisation(net.output());
    tensors[net.output()].1.iter().map(|&byte| (f32::from(byte) - f32::from(zero)) * scale).collect()
}

fn convolve(net: &Net, conv: &Conv, channel: usize, place: [usize; 2], tensors: &[Planes], shape: Shape) -> u8 {
    let input = &tensors[conv.input];
    let zero = net.quantisation(conv.input).zero;
    let depth = conv.weights.len() / conv.bias.len();
    let seen = (0..input.0.channels).flat_map(|from| input.seen(&conv.window, from, place));
    let products = seen.zip(&conv.weights[channel * depth..]);
    let sum: i64 = products.map(|(byte, &w)| (i64::from(byte.unwrap_or(zero)) - i64::from(zero)) * i64::from(w)).sum();
    let requantise = conv.requantise(net);
    let round = |value: f32| value.round_ties_even() as i32;
    let steps = (sum + i64::from(conv.bias[channel])) as f32 * requantise.scales[channel];
    let mut byte = round(steps) + i32::from(requantise.zero);
    if let (Some(residual), Some(added)) = (conv.residual, requantise.added) {
        let other = tensors[residual.tensor].1[channel * shape.pixels() + place[0] * shape.width + place[1]];
        let other = f32::from(other).mul_add(added.residual, added.offset);
        byte = round((byte.clamp(0, 255) as f32).mul_add(added.own, other));
    }
    byte.clamp(requantise.low.into(), 255) as u8
}

proptest! {
    #![proptest_config(Config::with_cases(64))]

    #[test]
    fn given_any_small_net_expect_every_kernel_to_give_the_textbooks_bytes(
        sides in [9_usize..40, 9_usize..40],
        planes in prop::sample::select(vec![1_usize, 3, 4, 17]),
        channels in [1_usize..70, 1_usize..70, 1_usize..140],
        stem in prop::sample::select(vec![1_usize, 3, 5, 7]),
        stride in 1_usize..3,
        threads in 1_usize..4,
        seed in any::<u64>(),
    ) {
        let mut dice = Dice(seed);
        let shape = Shape { channels: planes, height: sides[0], width: sides[1] };
        let net = net(shape, channels, stem, stride, &mut dice);
        let picture: Vec<f32> = (0..planes * shape.pixels()).map(|_| dice.between(-8000, 8000) as f32 / 1000.0).collect();
        let expected = textbook(&net, &picture);
        for kernel in Kernel::all() {
            let plan = Plan::new(&net, kernel).unwrap();
            let mut scratch = Scratch::default();
            // Twice, because places are used again.
            for threads in [1, threads] {
                let mut found = vec![0.0; expected.len()];
                plan.run(&picture, &mut scratch, NonZeroUsize::new(threads).unwrap(), &mut found);
                prop_assert_eq!(&found, &expected, "{} on {} threads", kernel.name, threads);
            }
        }
    }
}

#[test]
fn given_a_net_that_ends_in_means_expect_those_of_what_it_gives_otherwise() {
    let picture = Shape { channels: 3, height: 37, width: 29 };
    let mut dice = Dice(3);
    let net = net(picture, [8, 8, 130], 3, 1, &mut dice);
    let numbers: Vec<f32> = (0..3 * picture.pixels()).map(|_| dice.between(-8000, 8000) as f32 / 1000.0).collect();
    let expected = textbook(&net, &numbers);
    let pixels = net.shape(net.output()).pixels();
    let mean = |plane: &[f32]| plane.iter().map(|&number| f64::from(number)).sum::<f64>() / pixels as f64;
    let net = net.with_ending(Ending::Mean);
    for kernel in Kernel::all() {
        let plan = Plan::new(&net, kernel).unwrap();
        assert_eq!(plan.output_shape(), Shape { channels: 130, height: 1, width: 1 });
        let mut found = vec![0.0; 130];
        plan.run(&numbers, &mut Scratch::default(), NonZeroUsize::new(2).unwrap(), &mut found);
        for (found, plane) in found.into_iter().zip(expected.chunks_exact(pixels)) {
            assert!((f64::from(found) - mean(plane)).abs() < 1e-5, "{}: {found}, {}", kernel.name, mean(plane));
        }
    }
}

fn broken(damage: impl Fn(&mut Conv)) -> NetError {
    let picture = Shape { channels: 3, height: 16, width: 16 };
    let whole = net(picture, [8, 8, 8], 3, 1, &mut Dice(1));
    let mut nodes = whole.nodes().to_vec();
    let Node::Conv(conv) = &mut nodes[3] else { panic!("node 3 is a convolution") };
    damage(conv);
    Net::new(picture, whole.quantisation(0), nodes).unwrap_err()
}

#[test]
fn given_numbers_that_mean_nothing_or_could_overflow_expect_errors() {
    assert_eq!(broken(|conv| conv.weights[5] = -128), NetError::Weight);
    assert!(matches!(broken(|conv| conv.weight_scales[2] = f32::NAN), NetError::Scale(_)));
    assert_eq!(broken(|conv| conv.weight_scales[2] = 0.0), NetError::Scale(0.0));
    assert_eq!(broken(|conv| conv.output.scale = -1.0), NetError::Scale(-1.0));
    assert_eq!(broken(|conv| conv.weight_scales[2] = 1e30), NetError::Range);
    assert_eq!(broken(|conv| conv.bias[2] = i32::MIN), NetError::Range);
    assert_eq!(broken(|conv| conv.window.size = [usize::MAX; 2]), NetError::Window);
    assert_eq!(broken(|conv| conv.window.stride = [0; 2]), NetError::Window);
    assert_eq!(broken(|conv| conv.input = 77), NetError::Order(77));
    assert!(matches!(broken(|conv| conv.weights.truncate(9)), NetError::Length { .. }));
}
