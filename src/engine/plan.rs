//! A network laid out for one kernel: packed weights, tables of offsets, and one arena in which all tensors have a place.
//!
//! Tensors are NHWC bytes with the channels rounded up to the kernel's columns, behind one vector of zero points that stands
//! for all padding. Tables are shared by layers of one geometry, places by tensors that are never alive together.

use super::{
    kernel::{
        Kernel, Layer,
        crew::{self, Doing, Work},
        pages::Pages,
    },
    net::{self, Conv, MaxPool, Net, NetError, Node, Requantise, Shape, Tensor},
    numbers::{Input, Output},
    pack::{Packed, Taps},
    places::{ALIGNMENT, place},
    pool::Pool,
    spread::Spread,
    table::{Geometry, Plane, Reads, Table},
};
use std::{
    num::NonZeroUsize,
    ops::{Deref, Range},
    sync::Mutex,
};

/// Inputs of at most so many channels are held as a padded plane, whose taps are whole rows of the window.
const PLANE_CHANNELS_MAX: usize = 4;

/// Packed weights, wherever they lie.
pub type PackedWeights = Box<dyn Deref<Target = [i8]> + Send + Sync>;

/// A network that a kernel can run.
pub struct Plan {
    kernel: &'static Kernel,
    input: Input,
    steps: Vec<Step>,
    reads: Vec<Reads>,
    weights: PackedWeights,
    output: Output,
    arena_bytes: usize,
    /// What each thread needs beside it.
    own_bytes: usize,
    macs: u64,
}

/// What becomes one tensor.
struct Step {
    task: Task,
    /// What padding holds.
    zero: u8,
    pixel_bytes: usize,
    input: Range<usize>,
    output: Range<usize>,
}

enum Task {
    Conv(ConvTask),
    Pool(Pool),
}

struct ConvTask {
    reads: usize,
    packed: Packed,
    requantise: Requantise,
    residual: Option<Range<usize>>,
}

/// The memory that a run needs beside the plan; one for each thread that runs plans.
#[derive(Default)]
pub struct Scratch {
    arena: Pages<u8>,
}

impl Scratch {
    fn bytes(&mut self, count: usize) -> &mut [u8] {
        if self.arena.len() < count {
            // What is too small goes first.
            self.arena = Pages::default();
            self.arena = Pages::zeroed_wholly(count);
        }
        &mut self.arena[..count]
    }
}

impl Plan {
    /// Lays a network out for a kernel and packs its weights. *Errors*: [`NetError::Range`] where a tensor is too large for
    /// its offsets.
    pub fn new(net: &Net, kernel: &'static Kernel) -> Result<Self, NetError> {
        let mut layout = Layout::new(net, kernel);
        let mut steps = layout.steps()?;
        let mut weights = Pages::zeroed(layout.placed);
        for (step, node) in steps.iter_mut().zip(net.nodes()) {
            if let (Task::Conv(task), Node::Conv(conv)) = (&mut step.task, node) {
                let input = (net.shape(conv.input), net.quantisation(conv.input));
                task.packed.fill(conv, input, layout.taps(conv), kernel, &mut weights);
            }
        }
        Ok(layout.plan(steps, Box::new(weights)))
    }

    /// The same from weights and biases that a plan for this kernel gave. *Errors*: [`NetError::Length`] where they are not as
    /// long as the network's, and that of [`Plan::new`].
    pub fn from_packed(
        net: &Net,
        kernel: &'static Kernel,
        weights: PackedWeights,
        biases: &[i32],
    ) -> Result<Self, NetError> {
        let mut layout = Layout::new(net, kernel);
        let mut steps = layout.steps()?;
        net::check_length("packed weights", layout.placed, weights.len())?;
        let mut convs: Vec<_> = steps
            .iter_mut()
            .filter_map(|step| match &mut step.task {
                Task::Conv(conv) => Some(&mut conv.packed.bias),
                Task::Pool(_) => None,
            })
            .collect();
        net::check_length("packed biases", convs.iter().map(|bias| bias.len()).sum(), biases.len())?;
        let mut left = biases;
        for bias in &mut convs {
            let (own, others) = left.split_at(bias.len());
            bias.copy_from_slice(own);
            left = others;
        }
        Ok(layout.plan(steps, weights))
    }

    /// The weights of all layers, as the kernel reads them.
    pub fn into_weights(self) -> PackedWeights {
        self.weights
    }

    /// The biases of all layers, as the kernel adds them.
    pub fn biases(&self) -> impl Iterator<Item = i32> {
        let of = |step: &Step| match &step.task {
            Task::Conv(conv) => conv.packed.bias.clone(),
            Task::Pool(_) => Vec::new(),
        };
        self.steps.iter().flat_map(of)
    }

    /// The kernel that runs it.
    pub fn kernel(&self) -> &'static Kernel {
        self.kernel
    }

    /// Multiplications and additions in one run.
    pub fn macs(&self) -> u64 {
        self.macs
    }

    /// *Shape* of the picture.
    pub fn input_shape(&self) -> Shape {
        self.input.shape
    }

    /// *Shape* of what it gives.
    pub fn output_shape(&self) -> Shape {
        self.output.shape()
    }

    /// Runs the network on one picture `[C,H,W]` by so many threads and writes what it gives, `[C,H,W]`.
    ///
    /// # Panics
    /// If the slices have not the plan's shapes.
    pub fn run(&self, picture: &[f32], scratch: &mut Scratch, threads: NonZeroUsize, output: &mut [f32]) {
        let pixels = self.output.shape().pixels();
        assert_eq!(
            picture.len(),
            self.input.shape.channels * self.input.shape.pixels(),
            "the picture has the plan's shape"
        );
        assert_eq!(output.len(), self.output.tensor.channels * pixels, "the output has the plan's shape");
        let flip = self.kernel.activations.flip();
        let quantise = Doing::Quantise { input: &self.input, picture };
        let planes = Mutex::new(output.chunks_mut(Output::CHANNELS * pixels).enumerate());
        let dequantise = Doing::Dequantise { output: &self.output, planes: &planes };
        let works = std::iter::once(Work { doing: quantise, padding: self.input.quantisation.zero ^ flip })
            .chain(self.steps.iter().map(|step| self.work(step)))
            .chain(std::iter::once(Work { doing: dequantise, padding: 0 }));
        let works: Vec<_> = works.collect();
        let bytes = scratch.bytes(self.arena_bytes + threads.get() * self.own_bytes);
        let (arena, own) = bytes.split_at_mut(self.arena_bytes);
        crew::run(self.kernel, &works, arena, own, threads);
    }

    fn work<'a>(&'a self, step: &'a Step) -> Work<'a> {
        let task = match &step.task {
            Task::Pool(pool) => Doing::Pool { pool, input: step.input.clone(), output: step.output.clone() },
            Task::Conv(conv) => Doing::Conv(Layer {
                reads: &self.reads[conv.reads],
                weights: &self.weights[conv.packed.weights.clone()],
                packed: &conv.packed,
                requantise: &conv.requantise,
                stride: step.pixel_bytes,
                input: step.input.clone(),
                residual: conv.residual.clone(),
                output: step.output.clone(),
            }),
        };
        Work { doing: task, padding: step.zero }
    }
}

/// A plan in the making.
struct Layout<'a> {
    net: &'a Net,
    kernel: &'static Kernel,
    places: Vec<Range<usize>>,
    geometries: Vec<(Geometry, Taps)>,
    reads: Vec<Reads>,
    /// How many bytes of weights have a place.
    placed: usize,
    /// The padding of the input's plane; None where the input is laid out like every other tensor.
    plane: Option<[usize; 4]>,
}

impl<'a> Layout<'a> {
    fn new(net: &'a Net, kernel: &'static Kernel) -> Self {
        let plane = plane_pads(net);
        let mut layout =
            Self { net, kernel, places: Vec::new(), geometries: Vec::new(), reads: Vec::new(), placed: 0, plane };
        layout.places = place(net, |tensor| layout.bytes(tensor));
        layout
    }

    fn steps(&mut self) -> Result<Vec<Step>, NetError> {
        let nodes = self.net.nodes();
        nodes.iter().enumerate().map(|(index, node)| self.step(node, index + 1)).collect()
    }

    fn plan(self, steps: Vec<Step>, weights: PackedWeights) -> Plan {
        let output = self.net.output();
        let own_bytes = steps.iter().map(|step| match &step.task {
            Task::Conv(conv) => self.kernel.own_bytes(&self.reads[conv.reads], &conv.packed),
            Task::Pool(_) => 0,
        });
        Plan {
            own_bytes: own_bytes.max().unwrap_or(0),
            kernel: self.kernel,
            input: self.input(),
            steps,
            output: Output {
                tensor: self.net.shape(output),
                ending: self.net.ending(),
                quantisation: self.net.quantisation(output),
                place: self.places[output].clone(),
                pixel_bytes: self.pixel_bytes(output),
            },
            arena_bytes: self.places.iter().map(|place| place.end).max().unwrap_or(0).next_multiple_of(ALIGNMENT),
            macs: self.net.macs(),
            reads: self.reads,
            weights,
        }
    }

    fn taps(&self, conv: &Conv) -> Taps {
        match self.plane {
            Some(_) if conv.input == 0 => {
                if self.kernel.reads_evenly() {
                    Taps::Whole
                } else {
                    Taps::Rows
                }
            }
            _ => Taps::Places,
        }
    }

    /// Bytes of a pixel of a tensor that a kernel wrote, or that is read like one.
    fn pixel_bytes(&self, tensor: Tensor) -> usize {
        self.net.shape(tensor).channels.next_multiple_of(self.kernel.columns.max(self.kernel.step))
    }

    fn bytes(&self, tensor: Tensor) -> usize {
        match (tensor, self.plane) {
            (0, Some(pads)) => {
                let Shape { channels, height, width } = self.net.shape(0);
                let row = (width + pads[1] + pads[3]) * channels;
                // A tap may read over the end of the last row, by less than a row and a step.
                row * (height + pads[0] + pads[2] + 1) + self.kernel.step
            }
            _ => (1 + self.net.shape(tensor).pixels()) * self.pixel_bytes(tensor),
        }
    }

    fn input(&self) -> Input {
        let (shape, quantisation) = (self.net.shape(0), self.net.quantisation(0));
        let place = self.places[0].clone();
        let (plane, before, first) = match self.plane {
            Some(pads) => {
                let plane = self.plane_of(pads);
                (plane, 0, pads[0] * plane.row_bytes + pads[1] * plane.pixel_bytes)
            }
            None => {
                let pixel_bytes = self.pixel_bytes(0);
                (Plane { row_bytes: shape.width * pixel_bytes, pixel_bytes }, pixel_bytes, 0)
            }
        };
        Input { shape, quantisation, place, before, first, plane }
    }

    fn plane_of(&self, pads: [usize; 4]) -> Plane {
        let Shape { channels, width, .. } = self.net.shape(0);
        Plane { row_bytes: (width + pads[1] + pads[3]) * channels, pixel_bytes: channels }
    }

    fn step(&mut self, node: &Node, tensor: Tensor) -> Result<Step, NetError> {
        let pixel_bytes = self.pixel_bytes(tensor);
        let (input, task) = match node {
            Node::Conv(conv) => (conv.input, Task::Conv(self.conv(conv)?)),
            Node::MaxPool(MaxPool { input, window }) => {
                let [from, to] = [self.net.shape(*input), self.net.shape(tensor)];
                (*input, Task::Pool(Pool { window: *window, input: from, output: to, pixel_bytes }))
            }
        };
        let zero = self.net.quantisation(tensor).zero ^ self.kernel.activations.flip();
        Ok(Step { task, zero, pixel_bytes, input: self.places[input].clone(), output: self.places[tensor].clone() })
    }

    fn conv(&mut self, conv: &Conv) -> Result<ConvTask, NetError> {
        let requantise = conv.requantise(self.net);
        let taps = self.taps(conv);
        let channels = self.net.shape(conv.input).channels;
        let packed = Packed::at(self.placed, conv, &requantise.scales, channels, taps, self.kernel);
        self.placed = packed.weights.end;
        Ok(ConvTask {
            reads: self.reads_of(conv, taps).ok_or(NetError::Range)?,
            packed,
            requantise,
            residual: conv.residual.map(|residual| self.places[residual.tensor].clone()),
        })
    }

    fn reads_of(&mut self, conv: &Conv, taps: Taps) -> Option<usize> {
        let input = self.net.shape(conv.input);
        let rows = self.kernel.rows;
        let geometry = Geometry { input, pixel_bytes: self.pixel_bytes(conv.input), window: conv.window, rows };
        let known = self.geometries.iter().position(|known| *known == (geometry, taps));
        known.or_else(|| {
            let output = conv.window.slide(&input)?;
            let plane = self.plane.map(|pads| self.plane_of(pads));
            self.reads.push(match (taps, plane) {
                (Taps::Rows, Some(plane)) => Reads::Scattered(Table::of_rows(&conv.window, output, &plane, rows)?),
                (Taps::Whole, Some(plane)) => Reads::Even(Spread::of_plane(&conv.window, output, &plane, rows)?),
                _ if self.kernel.reads_evenly() => Reads::Even(Spread::new(&geometry)?),
                _ => Reads::Scattered(Table::new(&geometry)?),
            });
            self.geometries.push((geometry, taps));
            Some(self.reads.len() - 1)
        })
    }
}

/// The padding of a plane for the input, where it has few channels and only convolutions of one padding read it.
fn plane_pads(net: &Net) -> Option<[usize; 4]> {
    let mut pads = None;
    for node in net.nodes() {
        match node {
            Node::Conv(conv) if conv.input == 0 && conv.residual.is_none_or(|residual| residual.tensor != 0) => {
                if pads.is_some_and(|pads| pads != conv.window.pads) {
                    return None;
                }
                pads = Some(conv.window.pads);
            }
            Node::Conv(Conv { residual: Some(residual), .. }) if residual.tensor == 0 => return None,
            Node::MaxPool(pool) if pool.input == 0 => return None,
            _ => {}
        }
    }
    pads.filter(|_| net.shape(0).channels <= PLANE_CHANNELS_MAX)
}
