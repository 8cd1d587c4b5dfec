//! Nodes of a graph, folded into nodes of a net, one for each quantised tensor in the graph's order.

use super::{ImportError, Obstacle};
use crate::engine::{
    net::{self, Conv, MaxPool, Node, Quantisation, Relu, Residual, Tensor, Window},
    onnx::{self, Names},
};
use std::collections::HashMap;
use tract_onnx::pb::NodeProto;

/// How far a bias's scale may be from the product of its input's and its weights', which rounding in f32 explains.
const BIAS_SCALE_TOLERANCE: f64 = 1e-5;

/// The net in the making: one node for each quantised tensor, in the graph's order.
pub(super) struct Builder<'a> {
    names: &'a Names<'a>,
    picture: &'a str,
    held: net::Weights,
    /// What quantised tensors became.
    made: HashMap<&'a str, Tensor>,
    /// Convolutions that wait for the one addition that reads them.
    pending: HashMap<&'a str, Conv>,
    nodes: Vec<Node>,
    quantisations: Vec<Quantisation>,
}

impl<'a> Builder<'a> {
    /// Nothing yet, of a graph with this input, whose weights are here or elsewhere.
    pub(super) fn new(names: &'a Names<'a>, picture: &'a str, held: net::Weights) -> Self {
        let (made, pending) = Default::default();
        Self { names, picture, held, made, pending, nodes: Vec::new(), quantisations: Vec::new() }
    }

    /// What the picture's bytes stand for, and the nodes up to the one that makes a tensor. None where no picture was quantised.
    pub(super) fn nodes_to(mut self, last: Tensor) -> Option<(Quantisation, Vec<Node>)> {
        self.nodes.truncate(last);
        Some((*self.quantisations.first()?, self.nodes))
    }

    /// Takes in what one `QuantizeLinear` makes.
    pub(super) fn quantised(&mut self, quantise: &'a NodeProto) -> Result<(), ImportError> {
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
    pub(super) fn read(&self, reader: &NodeProto, tensor: &str) -> Result<Tensor, ImportError> {
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
        let weights = match self.held {
            net::Weights::Held => onnx::ints8(tensor).ok_or_else(wrong)?,
            net::Weights::Packed => Vec::new(),
        };
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
