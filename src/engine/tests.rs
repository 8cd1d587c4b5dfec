//! Every kernel that this machine can run against the plain one, on networks by chance.

use super::{
    kernel::Kernel,
    net::{Conv, MaxPool, Net, Node, Quantisation, Relu, Residual, Shape, Window},
    plan::{Plan, Scratch},
};
use proptest::prelude::*;
use std::num::NonZeroUsize;

/// Numbers by chance that do not depend on the test's own dice, so that a shrunk case keeps its weights.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn quantisation(&mut self) -> Quantisation {
        Quantisation { scale: 0.01 + self.below(100) as f32 / 1000.0, zero: self.below(256) as u8 }
    }
}

fn conv(dice: &mut Dice, input: usize, channels: [usize; 2], window: Window, residual: Option<usize>) -> Conv {
    let [inputs, outputs] = channels;
    let depth = inputs * window.size[0] * window.size[1];
    let output = dice.quantisation();
    // Sums spread over the bytes and some way beyond.
    let spread = 100.0 * output.scale / (5000.0 * (depth as f32).sqrt());
    Conv {
        input,
        window,
        weights: (0..depth * outputs).map(|_| (dice.below(255) as i16 - 127) as i8).collect(),
        bias: (0..outputs).map(|_| dice.below(40_000) as i32 - 20_000).collect(),
        weight_scales: (0..outputs).map(|_| spread * (1 + dice.below(30)) as f32).collect(),
        residual: residual.map(|tensor| Residual { tensor, before: dice.quantisation() }),
        relu: if dice.below(2) == 0 { Relu::Applied } else { Relu::Absent },
        output,
    }
}

/// A stem, a pooling, and a block with a residual.
fn network(channels: [usize; 4], size: [usize; 2], stem: Window, seed: u64) -> Option<Net> {
    let mut dice = Dice(seed);
    let [inputs, a, b, c] = channels;
    let one = Window { size: [1, 1], stride: [1, 1], pads: [0; 4] };
    let three = Window { size: [3, 3], stride: [1, 1], pads: [1; 4] };
    let pool = Window { size: [3, 2], stride: [2, 1], pads: [1, 0, 1, 1] };
    let nodes = vec![
        Node::Conv(conv(&mut dice, 0, [inputs, a], stem, None)),
        Node::MaxPool(MaxPool { input: 1, window: pool }),
        Node::Conv(conv(&mut dice, 2, [a, c], one, None)),
        Node::Conv(conv(&mut dice, 2, [a, b], three, None)),
        Node::Conv(conv(&mut dice, 4, [b, c], three, Some(3))),
        Node::Conv(conv(&mut dice, 5, [c, c], one, Some(5))),
    ];
    Net::new(Shape { channels: inputs, height: size[0], width: size[1] }, dice.quantisation(), nodes).ok()
}

fn given(net: &Net, kernel: &'static Kernel, threads: usize) -> Vec<f32> {
    let plan = Plan::new(net, kernel).unwrap();
    let (input, output) = (plan.input_shape(), plan.output_shape());
    let mut dice = Dice(7);
    let picture: Vec<f32> = (0..input.channels * input.pixels()).map(|_| dice.below(900) as f32 / 50.0 - 9.0).collect();
    let mut values = vec![f32::NAN; output.channels * output.pixels()];
    // A used scratch, to see that nothing is taken over from the run before.
    let mut scratch = Scratch::default();
    for picture in [vec![1.0; picture.len()], picture] {
        plan.run(&picture, &mut scratch, NonZeroUsize::new(threads).unwrap(), &mut values);
    }
    values
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn given_any_network_expect_all_kernels_to_agree(
        inputs in 1_usize..9,
        channels in prop::array::uniform3(1_usize..150),
        size in prop::array::uniform2(1_usize..24),
        window in prop::array::uniform2(1_usize..8),
        stride in prop::array::uniform2(1_usize..4),
        pads in prop::array::uniform4(0_usize..4),
        seed in any::<u64>(),
        threads in 1_usize..4,
    ) {
        let stem = Window { size: window, stride, pads };
        let channels = [inputs, channels[0], channels[1], channels[2]];
        let Some(net) = network(channels, size, stem, seed) else { return Ok(()) };
        let plain = given(&net, Kernel::all().last().unwrap(), 1);
        prop_assert!(plain.iter().all(|value| value.is_finite()));
        for kernel in Kernel::all() {
            prop_assert!(given(&net, kernel, threads) == plain, "{} on {} threads", kernel.name, threads);
        }
    }
}
