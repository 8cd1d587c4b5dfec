//! QDQ ONNX -> [`Net`]: finds the quantised trunk and folds each convolution with what follows it.
//!
//! The trunk begins at the graph's one input and ends where the first dequantised tensor meets an operator that is not
//! quantised. A convolution takes in its bias, its ReLU and, where only an addition reads it, that addition, rounding
//! wherever the file does. Always holds: what is not understood is an error that names the node; nothing is
//! guessed. Deliberately absent: recursion, as a hostile graph may be as deep as it likes.

use super::{
    net::{Conv, MaxPool, Net, NetError, Node, Quantisation, Relu, Residual, Shape, Tensor, Window},
    onnx::{self, Names},
};
use std::collections::{HashMap, HashSet};
use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, ValueInfoProto, tensor_shape_proto::dimension, type_proto::Value,
};

/// The operator sets whose operators are known to mean what is read here: per-channel dequantisation came with 13.
const OPSETS: std::ops::RangeInclusive<i64> = 13..=24;
/// How far a bias's scale may be from the product of its input's and its weights', which rounding in f32 explains.
const BIAS_SCALE_TOLERANCE: f64 = 1e-5;

/// Why a graph has no trunk that can be run as integers.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no graph, or not one input.
    #[error("the file has no graph with one input")]
    NoGraph,
    /// An unknown operator set.
    #[error("operator set {found} is not covered (13 to 24 are)")]
    Opset {
        /// The set.
        found: i64,
    },
    /// Nothing is quantised.
    #[error("nothing in it is quantised")]
    NotQuantised,
    /// An operator in the trunk that is not covered, or one that is, in an unknown way.
    #[error("node {node} ({operator}) is not covered: {why}")]
    NotCovered {
        /// Its name.
        node: String,
        /// Its kind.
        operator: String,
        /// What is in the way.
        why: Obstacle,
    },
    /// The picture or a tensor within the trunk is read beside it.
    #[error("what follows the trunk also reads {tensor}")]
    ReadBeside {
        /// The tensor.
        tensor: String,
    },
    /// The numbers make no network.
    #[error(transparent)]
    Net(#[from] NetError),
}

/// What is in the way of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// Only convolution, addition, ReLU and max-pooling are.
    #[error("no such operator in a trunk")]
    Operator,
    /// Groups, dilations, automatic padding, rounding up, axes and the like.
    #[error("an attribute asks for what is not known here")]
    Attribute,
    /// A scale that is no positive number, or not one for the tensor or each channel.
    #[error("a scale is missing, zero, negative or no number")]
    Scale,
    /// A zero point of another type than the data's, or one of weights that is not 0.
    #[error("a zero point is of the wrong type or out of range")]
    ZeroPoint,
    /// The steps change where they must stay the same.
    #[error("the scale or zero point changes where it must stay")]
    Requantised,
    /// Weights are not s8 constants of four sides, or a bias is no s32 in steps of input times weights.
    #[error("weights or bias are not s8 and s32 constants")]
    Weights,
    /// An input that no quantised tensor before it gives.
    #[error("an input is not quantised, or made after it is read")]
    Input,
}

/// A trunk, and where it lies in its graph.
pub struct Trunk {
    /// What it computes.
    pub net: Net,
    /// The name of the dequantised tensor that it gives.
    pub output: String,
}

/// The shape of a model's picture. None where it has a side that is not known, or is not `[1, C, H, W]`.
pub fn input_shape(model: &ModelProto) -> Option<Shape> {
    let graph = model.graph.as_ref()?;
    let picture = Names::new(graph).inputs().next()?;
    let input = graph.input.iter().find(|input| input.name == picture)?;
    let Value::TensorType(tensor) = input.r#type.as_ref()?.value.as_ref()?;
    let sides = tensor.shape.as_ref()?.dim.iter().map(|side| match side.value {
        Some(dimension::Value::DimValue(side)) => usize::try_from(side).ok(),
        _ => None,
    });
    let [1, channels, height, width] = sides.collect::<Option<Vec<_>>>()?[..] else { return None };
    Some(Shape { channels, height, width })
}

/// Finds the trunk of a model whose input has this shape. *Errors*: [`ImportError`], where it is not covered.
pub fn import(model: &ModelProto, input: Shape) -> Result<Trunk, ImportError> {
    let opset = model.opset_import.iter().find(|set| set.domain.is_empty() || set.domain == "ai.onnx");
    let found = opset.map_or(0, |set| set.version);
    if !OPSETS.contains(&found) {
        return Err(ImportError::Opset { found });
    }
    let graph = model.graph.as_ref().ok_or(ImportError::NoGraph)?;
    let names = Names::new(graph);
    let mut inputs = names.inputs();
    let (Some(picture), None) = (inputs.next(), inputs.next()) else { return Err(ImportError::NoGraph) };
    let end = end_of_trunk(&names).ok_or(ImportError::NotQuantised)?;
    let needed = needed(&names, onnx::input(end, 0));
    let mut builder = Builder {
        names: &names,
        picture,
        made: HashMap::new(),
        pending: HashMap::new(),
        nodes: vec![],
        quantisations: vec![],
    };
    let quantising = names.nodes().iter().filter(|node| node.op_type == "QuantizeLinear");
    for node in quantising.filter(|node| needed.contains(onnx::input(node, 0))) {
        builder.quantised(node)?;
    }
    let last = builder.read(end, &end.output[0])?;
    let Builder { mut nodes, quantisations, .. } = builder;
    // Nothing that the trunk does not give may be computed after it.
    nodes.truncate(last);
    let quantisation = *quantisations.first().ok_or(ImportError::NotQuantised)?;
    Ok(Trunk { net: Net::new(input, quantisation, nodes)?, output: end.output[0].clone() })
}

/// Cuts the trunk out of a graph: its output becomes the graph's input. *Errors*: [`ImportError::ReadBeside`].
pub fn cut(graph: &mut GraphProto, trunk: &Trunk) -> Result<(), ImportError> {
    let mut needed: HashSet<String> = graph.output.iter().map(|output| output.name.clone()).collect();
    let mut kept = Vec::new();
    // A graph is in order, so one walk from its end meets every reader before what it reads.
    for node in graph.node.drain(..).rev() {
        if node.output.iter().any(|output| needed.contains(output) && *output != trunk.output) {
            needed.extend(node.input.iter().cloned());
            kept.push(node);
        }
    }
    kept.reverse();
    graph.node = kept;
    graph.initializer.retain(|tensor| needed.contains(&tensor.name));
    if let Some(input) = graph
        .input
        .iter()
        .find(|input| needed.contains(&input.name) && !graph.initializer.iter().any(|tensor| tensor.name == input.name))
    {
        return Err(ImportError::ReadBeside { tensor: input.name.clone() });
    }
    let r#type = graph.input.first().and_then(|input| input.r#type.clone());
    graph.input = vec![ValueInfoProto { name: trunk.output.clone(), r#type, ..Default::default() }];
    graph.value_info.clear();
    graph.quantization_annotation.clear();
    Ok(())
}

const COVERED: [&str; 4] = ["Conv", "Add", "Relu", "MaxPool"];

/// The first node that dequantises an activation for an operator that is not covered, or for the graph's output.
fn end_of_trunk<'a>(names: &Names<'a>) -> Option<&'a NodeProto> {
    names.nodes().iter().find(|node| {
        let quantised = node.op_type == "DequantizeLinear"
            && names.maker(onnx::input(node, 0)).is_some_and(|maker| maker.op_type == "QuantizeLinear");
        quantised
            && node.output.first().is_some_and(|output| {
                names.is_output(output)
                    || names.readers(output).iter().any(|reader| !COVERED.contains(&&*reader.op_type))
            })
    })
}

/// The names of all tensors that a tensor is made of, itself among them.
fn needed<'a>(names: &Names<'a>, tensor: &'a str) -> HashSet<&'a str> {
    let mut needed = HashSet::new();
    let mut waiting = vec![tensor];
    while let Some(tensor) = waiting.pop() {
        if needed.insert(tensor)
            && let Some(maker) = names.maker(tensor)
        {
            waiting.extend(maker.input.iter().map(String::as_str));
        }
    }
    needed
}

/// The net in the making: one node for each quantised tensor, in the graph's order.
struct Builder<'a> {
    names: &'a Names<'a>,
    picture: &'a str,
    /// What quantised tensors became.
    made: HashMap<&'a str, Tensor>,
    /// Convolutions that wait for the one addition that reads them.
    pending: HashMap<&'a str, Conv>,
    nodes: Vec<Node>,
    quantisations: Vec<Quantisation>,
}

impl<'a> Builder<'a> {
    /// Takes in what one `QuantizeLinear` makes.
    fn quantised(&mut self, quantise: &'a NodeProto) -> Result<(), ImportError> {
        let tensor = quantise.output.first().map_or("", String::as_str);
        let output = self.quantisation(quantise)?;
        let source = onnx::input(quantise, 0);
        if source == self.picture {
            // A second quantisation of the picture would be another tensor 0.
            if !self.quantisations.is_empty() {
                return Err(refused(quantise, Obstacle::Requantised));
            }
            self.quantisations.push(output);
            self.made.insert(tensor, 0);
            return Ok(());
        }
        let maker = self.names.maker(source);
        let (maker, relu) = match maker {
            Some(node) if node.op_type == "Relu" => (self.names.maker(onnx::input(node, 0)), Relu::Applied),
            maker => (maker, Relu::Absent),
        };
        let maker = maker.ok_or_else(|| refused(quantise, Obstacle::Input))?;
        match &*maker.op_type {
            "Conv" => {
                let conv = self.conv(maker, relu, output)?;
                if relu == Relu::Absent && self.only_added(tensor) {
                    self.pending.insert(tensor, conv);
                } else {
                    self.push(tensor, Node::Conv(conv), output);
                }
            }
            "Add" => {
                let conv = self.sum(maker, relu, output)?;
                self.push(tensor, Node::Conv(conv), output);
            }
            "MaxPool" if relu == Relu::Absent => {
                let pool = self.pool(maker)?;
                if self.quantisations[pool.input] != output {
                    return Err(refused(quantise, Obstacle::Requantised));
                }
                self.push(tensor, Node::MaxPool(pool), output);
            }
            _ => return Err(refused(maker, Obstacle::Operator)),
        }
        Ok(())
    }

    fn push(&mut self, tensor: &'a str, node: Node, output: Quantisation) {
        self.nodes.push(node);
        self.quantisations.push(output);
        self.made.insert(tensor, self.nodes.len());
    }

    /// Whether one addition alone reads a quantised tensor.
    fn only_added(&self, tensor: &str) -> bool {
        let [dequantise] = self.names.readers(tensor) else { return false };
        let Some(output) = dequantise.output.first() else { return false };
        let [reader] = self.names.readers(output) else { return false };
        reader.op_type == "Add" && dequantise.op_type == "DequantizeLinear" && !self.names.is_output(output)
    }

    /// The name of the quantised tensor that a dequantised one is made of, if both have the same steps.
    fn bytes_of(&self, reader: &NodeProto, tensor: &str) -> Result<&'a str, ImportError> {
        let dequantise = self.names.maker(tensor).filter(|node| node.op_type == "DequantizeLinear");
        let dequantise = dequantise.ok_or_else(|| refused(reader, Obstacle::Input))?;
        let bytes = onnx::input(dequantise, 0);
        let quantise = self.names.maker(bytes).filter(|node| node.op_type == "QuantizeLinear");
        let quantise = quantise.ok_or_else(|| refused(reader, Obstacle::Input))?;
        if self.quantisation(dequantise)? != self.quantisation(quantise)? {
            return Err(refused(dequantise, Obstacle::Requantised));
        }
        Ok(bytes)
    }

    /// The tensor that a dequantised one is.
    fn read(&self, reader: &NodeProto, tensor: &str) -> Result<Tensor, ImportError> {
        let bytes = self.bytes_of(reader, tensor)?;
        self.made.get(bytes).copied().ok_or_else(|| refused(reader, Obstacle::Input))
    }

    /// An addition: that one of its operands which is a waiting convolution takes in the other.
    fn sum(&mut self, add: &'a NodeProto, relu: Relu, output: Quantisation) -> Result<Conv, ImportError> {
        let [first, second] = [self.bytes_of(add, onnx::input(add, 0))?, self.bytes_of(add, onnx::input(add, 1))?];
        let (conv, other) = match self.pending.remove(first) {
            Some(conv) => (conv, second),
            None => (self.pending.remove(second).ok_or_else(|| refused(add, Obstacle::Input))?, first),
        };
        if let Some(other_conv) = self.pending.remove(other) {
            let quantisation = other_conv.output;
            self.push(other, Node::Conv(other_conv), quantisation);
        }
        let tensor = self.made.get(other).copied().ok_or_else(|| refused(add, Obstacle::Input))?;
        Ok(Conv { residual: Some(Residual { tensor, before: conv.output }), relu, output, ..conv })
    }

    fn conv(&self, conv: &'a NodeProto, relu: Relu, output: Quantisation) -> Result<Conv, ImportError> {
        let input = self.read(conv, onnx::input(conv, 0))?;
        let Weights { weights, size, scales: weight_scales } = self.weights(conv)?;
        let window = window(conv, size)?;
        if onnx::int(conv, "group", 1) != 1 {
            return Err(refused(conv, Obstacle::Attribute));
        }
        let bias = self.bias(conv, f64::from(self.quantisations[input].scale), &weight_scales)?;
        Ok(Conv { input, window, weights, bias, weight_scales, residual: None, relu, output })
    }

    fn weights(&self, conv: &NodeProto) -> Result<Weights, ImportError> {
        let wrong = || refused(conv, Obstacle::Weights);
        let dequantise = self.names.maker(onnx::input(conv, 1)).filter(|node| node.op_type == "DequantizeLinear");
        let dequantise = dequantise.ok_or_else(wrong)?;
        let tensor = self.names.constant(onnx::input(dequantise, 0)).ok_or_else(wrong)?;
        let sides = onnx::dims(tensor).and_then(|sides| <[usize; 4]>::try_from(sides).ok()).ok_or_else(wrong)?;
        let weights = onnx::ints8(tensor).ok_or_else(wrong)?;
        let scales = self.names.constant(onnx::input(dequantise, 1)).and_then(onnx::floats).unwrap_or_default();
        let per_channel = scales.len() == sides[0] && (onnx::int(dequantise, "axis", 1) == 0 || sides[0] == 1);
        let scales = match &scales[..] {
            [scale] if !per_channel => vec![*scale; sides[0]],
            _ if per_channel => scales,
            _ => return Err(refused(dequantise, Obstacle::Scale)),
        };
        if !onnx::input(dequantise, 2).is_empty() {
            let zeros = self.names.constant(onnx::input(dequantise, 2)).and_then(onnx::ints8);
            if zeros.is_none_or(|zeros| zeros.iter().any(|&zero| zero != 0)) {
                return Err(refused(dequantise, Obstacle::ZeroPoint));
            }
        }
        Ok(Weights { weights, size: [sides[2], sides[3]], scales })
    }

    /// A bias in steps of input times weights, zero where there is none.
    fn bias(&self, conv: &NodeProto, input_scale: f64, weight_scales: &[f32]) -> Result<Vec<i32>, ImportError> {
        let name = onnx::input(conv, 2);
        if name.is_empty() {
            return Ok(vec![0; weight_scales.len()]);
        }
        let wrong = || refused(conv, Obstacle::Weights);
        let dequantise = self.names.maker(name).filter(|node| node.op_type == "DequantizeLinear");
        let dequantise = dequantise.ok_or_else(wrong)?;
        let bias = self.names.constant(onnx::input(dequantise, 0)).and_then(onnx::ints32).ok_or_else(wrong)?;
        let scales = self.names.constant(onnx::input(dequantise, 1)).and_then(onnx::floats).ok_or_else(wrong)?;
        let expected = |output: usize| input_scale * f64::from(weight_scales[output]);
        let fits =
            |(output, &scale): (usize, &f32)| (f64::from(scale) / expected(output) - 1.0).abs() < BIAS_SCALE_TOLERANCE;
        let shared = scales.len() == 1 && (0..weight_scales.len()).all(|output| fits((output, &scales[0])));
        let each = scales.len() == weight_scales.len() && scales.iter().enumerate().all(fits);
        let zeros = self.names.constant(onnx::input(dequantise, 2)).and_then(onnx::ints32);
        let no_zero = onnx::input(dequantise, 2).is_empty() || zeros.is_some_and(|zeros| zeros.iter().all(|&z| z == 0));
        if bias.len() != weight_scales.len() || !(shared || each) || !no_zero {
            return Err(wrong());
        }
        Ok(bias)
    }

    fn pool(&self, pool: &'a NodeProto) -> Result<MaxPool, ImportError> {
        let input = self.read(pool, onnx::input(pool, 0))?;
        let size = onnx::ints(pool, "kernel_shape", [0, 0]).ok_or_else(|| refused(pool, Obstacle::Attribute))?;
        if onnx::int(pool, "ceil_mode", 0) != 0 || onnx::int(pool, "storage_order", 0) != 0 || pool.output.len() != 1 {
            return Err(refused(pool, Obstacle::Attribute));
        }
        Ok(MaxPool { input, window: window(pool, size)? })
    }

    /// The steps of a `QuantizeLinear` or `DequantizeLinear` of activations.
    fn quantisation(&self, node: &NodeProto) -> Result<Quantisation, ImportError> {
        // A block size or another output type would change what the bytes mean; an axis has no meaning for one scale.
        if node.attribute.iter().any(|a| !matches!(&*a.name, "axis" | "saturate")) {
            return Err(refused(node, Obstacle::Attribute));
        }
        let scale = self.names.constant(onnx::input(node, 1)).and_then(onnx::floats);
        let Some([scale]) = scale.as_deref() else { return Err(refused(node, Obstacle::Scale)) };
        if !scale.is_normal() || *scale <= 0.0 {
            return Err(refused(node, Obstacle::Scale));
        }
        let zero = match onnx::input(node, 2) {
            // Without one, bytes are unsigned and 0 is 0.
            "" => Some(vec![0]),
            name => self.names.constant(name).and_then(onnx::bytes),
        };
        let Some([zero]) = zero.as_deref() else { return Err(refused(node, Obstacle::ZeroPoint)) };
        Ok(Quantisation { scale: *scale, zero: *zero })
    }
}

/// The constants of a convolution.
struct Weights {
    weights: Vec<i8>,
    /// Height and width of its window.
    size: [usize; 2],
    /// One for each output.
    scales: Vec<f32>,
}

/// The window of a convolution or pooling whose size is known.
fn window(node: &NodeProto, size: [usize; 2]) -> Result<Window, ImportError> {
    let attributes = || {
        let automatic = node.attribute.iter().find(|a| a.name == "auto_pad");
        let explicit = automatic.is_none_or(|a| a.s.is_empty() || a.s == b"NOTSET");
        let plain = onnx::ints(node, "dilations", [1, 1])? == [1, 1] && onnx::ints(node, "kernel_shape", size)? == size;
        let window =
            Window { size, stride: onnx::ints(node, "strides", [1, 1])?, pads: onnx::ints(node, "pads", [0; 4])? };
        (explicit && plain).then_some(window)
    };
    attributes().ok_or_else(|| refused(node, Obstacle::Attribute))
}

fn refused(node: &NodeProto, why: Obstacle) -> ImportError {
    ImportError::NotCovered { node: onnx::name(node), operator: node.op_type.clone(), why }
}
