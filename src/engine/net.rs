//! An int8 network as numbers, before any kernel is chosen.
//!
//! Always holds once [`Net::new`] gave it: every node reads tensors that stand before it, shapes fit, no sum of products
//! leaves i32, no requantised value leaves i32, no weight is -128. Deliberately absent: anything a kernel wants
//! (packing, padding, signs), and all that is not convolution, its ReLU and addition, or max-pooling.

/// How a tensor's bytes stand for numbers: `(byte - zero) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantisation {
    /// One step, positive.
    pub scale: f32,
    /// The byte that stands for 0.
    pub zero: u8,
}

/// *Shape* of one picture's tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
}

impl Shape {
    /// Of a picture as wide as high.
    pub fn square(channels: usize, size: usize) -> Self {
        Self { channels, height: size, width: size }
    }

    /// How many pixels.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }
}

/// A tensor's number: 0 is the network's input, `n` what node `n - 1` gives.
pub type Tensor = usize;

/// A window that slides over rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub size: [usize; 2],
    /// Steps down and right.
    pub stride: [usize; 2],
    /// Pixels added above, left, below, right.
    pub pads: [usize; 4],
}

impl Window {
    /// Height and width of what comes out. None where the window is larger than the padded picture, or empty.
    pub fn slide(&self, input: &Shape) -> Option<[usize; 2]> {
        let side = |length: usize, axis: usize| {
            let padded = length.checked_add(self.pads[axis])?.checked_add(self.pads[axis + 2])?;
            let (size, stride) = (self.size[axis], self.stride[axis]);
            (size > 0 && stride > 0).then_some(())?;
            Some(padded.checked_sub(size)? / stride + 1)
        };
        Some([side(input.height, 0)?, side(input.width, 1)?])
    }
}

/// What is added to a convolution's bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residual {
    /// The tensor.
    pub tensor: Tensor,
    /// How the convolution's own bytes stand for numbers before the addition.
    pub before: Quantisation,
}

/// One convolution with all that is folded into it.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// What it reads.
    pub input: Tensor,
    /// Where it looks.
    pub window: Window,
    /// *Shape* `[outputs, inputs, height, width]`, row-major, -127 to 127; empty where [`Weights::Packed`].
    pub weights: Vec<i8>,
    /// One for each output, in steps of the input's scale times the weights'.
    pub bias: Vec<i32>,
    /// One for each output.
    pub weight_scales: Vec<f32>,
    /// What is added.
    pub residual: Option<Residual>,
    /// Whether values below zero become zero.
    pub relu: Relu,
    /// How the output's bytes stand for numbers.
    pub output: Quantisation,
}

/// Whether values below zero become zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relu {
    /// They do.
    Applied,
    /// They stay.
    Absent,
}

/// The largest byte of each window. What lies outside counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// What it reads.
    pub input: Tensor,
    /// Where it looks.
    pub window: Window,
}

/// Where a network's weights are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// In its convolutions.
    Held,
    /// Elsewhere, in a kernel's order; they were checked when they were packed.
    Packed,
}

/// One step of the network.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A convolution.
    Conv(Conv),
    /// A max-pooling.
    MaxPool(MaxPool),
}

/// Why numbers make no network.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum NetError {
    /// A scale is zero, negative, infinite or no number.
    #[error("a scale is {0}, which is no step")]
    Scale(f32),
    /// A node reads what is not there yet.
    #[error("tensor {0} is read before it is made")]
    Order(Tensor),
    /// Lengths and shapes do not fit each other.
    #[error("{what} has {found}, where {expected} were expected")]
    Length {
        /// Of what.
        what: &'static str,
        /// What fits.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// The window does not fit into the picture.
    #[error("the window is empty or larger than what it slides over")]
    Window,
    /// A weight is -128, whose products some kernels cannot hold.
    #[error("a weight is -128; quantise symmetrically (-127 to 127)")]
    Weight,
    /// Sums or requantised values can leave 32 bits.
    #[error("values can leave 32 bits; the scales or the bias are out of range")]
    Range,
    /// A network of nothing.
    #[error("there is nothing in it")]
    Empty,
}

/// What a network gives of its last tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All of it.
    Pixels,
    /// The mean of each channel.
    Mean,
}

/// A network that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Net {
    nodes: Vec<Node>,
    ending: Ending,
    shapes: Vec<Shape>,
    quantisations: Vec<Quantisation>,
}

/// The largest side, window and channel count: far above any ResNet, small enough that no size overflows.
const SIDE_MAX: usize = 1 << 14;
/// The largest tensor, in elements.
const ELEMENTS_MAX: usize = 1 << 28;

impl Net {
    /// Checks nodes and makes a network of them; the last node's tensor is what it gives. *Errors*: [`NetError`].
    pub fn new(input: Shape, quantisation: Quantisation, nodes: Vec<Node>) -> Result<Self, NetError> {
        Self::checked(input, quantisation, nodes, Weights::Held)
    }

    /// The same, where the weights may be elsewhere.
    pub fn checked(
        input: Shape,
        quantisation: Quantisation,
        nodes: Vec<Node>,
        weights: Weights,
    ) -> Result<Self, NetError> {
        let mut net = Self { nodes: Vec::new(), ending: Ending::Pixels, shapes: Vec::new(), quantisations: Vec::new() };
        net.push(input, quantisation)?;
        if nodes.is_empty() {
            return Err(NetError::Empty);
        }
        for node in &nodes {
            let (shape, quantisation) = match node {
                Node::Conv(conv) => net.check_conv(conv, weights)?,
                Node::MaxPool(pool) => {
                    let shape = net.shape_of(pool.input)?;
                    // No window lies outside altogether.
                    if (0..4).any(|i| pool.window.pads[i] >= pool.window.size[i % 2]) {
                        return Err(NetError::Window);
                    }
                    (slide(&pool.window, &shape, shape.channels)?, net.quantisations[pool.input])
                }
            };
            net.push(shape, quantisation)?;
        }
        net.nodes = nodes;
        Ok(net)
    }

    /// The same network, giving this of its last tensor; at first it is all.
    pub fn with_ending(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }

    /// What the network gives of its last tensor.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// The nodes, in order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A tensor's shape.
    pub fn shape(&self, tensor: Tensor) -> Shape {
        self.shapes[tensor]
    }

    /// How a tensor's bytes stand for numbers.
    pub fn quantisation(&self, tensor: Tensor) -> Quantisation {
        self.quantisations[tensor]
    }

    /// The tensor that the network gives.
    pub fn output(&self) -> Tensor {
        self.nodes.len()
    }

    /// Multiplications and additions in one run.
    pub fn macs(&self) -> u64 {
        let macs = |(node, shape): (&Node, &Shape)| match node {
            Node::Conv(conv) => {
                let depth = self.shape(conv.input).channels * conv.window.size[0] * conv.window.size[1];
                (shape.channels * depth) as u64 * shape.pixels() as u64
            }
            Node::MaxPool(_) => 0,
        };
        self.nodes.iter().zip(&self.shapes[1..]).map(macs).sum()
    }

    fn push(&mut self, shape: Shape, quantisation: Quantisation) -> Result<(), NetError> {
        check_scale(quantisation.scale)?;
        for side in [shape.channels, shape.height, shape.width] {
            if side == 0 || side > SIDE_MAX {
                return Err(NetError::Length { what: "a side", expected: SIDE_MAX, found: side });
            }
        }
        let elements = shape.channels * shape.pixels();
        if elements > ELEMENTS_MAX {
            return Err(NetError::Length { what: "a tensor", expected: ELEMENTS_MAX, found: elements });
        }
        self.shapes.push(shape);
        self.quantisations.push(quantisation);
        Ok(())
    }

    fn shape_of(&self, tensor: Tensor) -> Result<Shape, NetError> {
        self.shapes.get(tensor).copied().ok_or(NetError::Order(tensor))
    }

    fn check_conv(&self, conv: &Conv, weights: Weights) -> Result<(Shape, Quantisation), NetError> {
        let input = self.shape_of(conv.input)?;
        let shape = slide(&conv.window, &input, conv.bias.len())?;
        let depth = input.channels * conv.window.size[0] * conv.window.size[1];
        let held = if weights == Weights::Held { conv.bias.len() * depth } else { 0 };
        check_length("weights", held, conv.weights.len())?;
        check_length("weight scales", conv.bias.len(), conv.weight_scales.len())?;
        if let Some(residual) = &conv.residual {
            check_scale(residual.before.scale)?;
            let residual = self.shape_of(residual.tensor)?;
            check_length("a residual's channels", shape.channels, residual.channels)?;
            check_length("a residual's rows", shape.height, residual.height)?;
            check_length("a residual's columns", shape.width, residual.width)?;
        }
        conv.weight_scales.iter().try_for_each(|&scale| check_scale(scale))?;
        check_scale(conv.output.scale)?;
        let requantise = conv.requantise(self);
        for (output, weights) in conv.weights.chunks_exact(depth).enumerate() {
            if weights.contains(&i8::MIN) {
                return Err(NetError::Weight);
            }
            check_range(weights, conv.bias[output], requantise.scales[output], &requantise)?;
        }
        Ok((shape, conv.output))
    }
}

/// No order of summing leaves i32, whatever the input, nor does what is requantised.
fn check_range(weights: &[i8], bias: i32, scale: f32, requantise: &Requantise) -> Result<(), NetError> {
    let sum: i64 = weights.iter().map(|w| i64::from(w.unsigned_abs())).sum();
    // Twice: once for the bytes, once for the zero point and sign that the bias makes up for.
    let peak = 2 * 255 * sum + i64::from(bias).abs();
    let value = peak as f64 * f64::from(scale);
    let added = requantise.added.map_or(0.0, |added| 255.0 * (added.own + added.residual) + added.offset.abs());
    let fits = peak <= i64::from(i32::MAX) && value.max(f64::from(added)) < f64::from(i32::MAX / 2);
    if fits { Ok(()) } else { Err(NetError::Range) }
}

/// How sums become bytes: `round(sum * scale) + zero`, held in `low..=255`; where something is added, held in `0..=255`, and then
/// `round(byte * own + (residual * scale + offset))`, held in `low..=255`. Rounding is half to even; each of the two products and
/// its addition are one fused operation. All in f32 and in this order, so that all kernels agree to the bit, and with
/// onnxruntime's QLinearConv and QLinearAdd on x86 with AVX2: where one byte differs by one step, most bytes differ a few
/// layers later.
#[derive(Clone, Debug, PartialEq)]
pub struct Requantise {
    /// One for each output.
    pub scales: Vec<f32>,
    /// The zero point of what they become first.
    pub zero: u8,
    /// What is added then.
    pub added: Option<Added>,
    /// The smallest byte.
    pub low: u8,
}

/// An addition in steps of the output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Added {
    /// One step of the convolution's bytes.
    pub own: f32,
    /// One step of the residual.
    pub residual: f32,
    /// The output's zero point, less what the others' stand for.
    pub offset: f32,
}

impl Conv {
    /// How this convolution's sums become bytes, in a network that holds its inputs.
    pub fn requantise(&self, net: &Net) -> Requantise {
        let first = self.residual.map_or(self.output, |residual| residual.before);
        let input = net.quantisation(self.input).scale;
        let scales = self.weight_scales.iter().map(|weight| input * weight / first.scale).collect();
        let added = self.residual.map(|Residual { tensor, before }| {
            let other = net.quantisation(tensor);
            let [own, residual] = [before.scale / self.output.scale, other.scale / self.output.scale];
            let others = own * f32::from(before.zero) + residual * f32::from(other.zero);
            Added { own, residual, offset: f32::from(self.output.zero) - others }
        });
        let low = match self.relu {
            Relu::Applied => self.output.zero,
            Relu::Absent => 0,
        };
        Requantise { scales, zero: first.zero, added, low }
    }
}

fn check_scale(scale: f32) -> Result<(), NetError> {
    if scale.is_normal() && scale > 0.0 { Ok(()) } else { Err(NetError::Scale(scale)) }
}

/// *Errors*: [`NetError::Length`] where they differ.
pub(super) fn check_length(what: &'static str, expected: usize, found: usize) -> Result<(), NetError> {
    if expected == found { Ok(()) } else { Err(NetError::Length { what, expected, found }) }
}

fn slide(window: &Window, input: &Shape, channels: usize) -> Result<Shape, NetError> {
    let [height, width] = window.slide(input).ok_or(NetError::Window)?;
    Ok(Shape { channels, height, width })
}
