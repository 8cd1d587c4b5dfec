//! QDQ ONNX to [`Net`]: finds the quantised trunk and folds each convolution with what follows it.
//!
//! The trunk begins at the one input that it quantises and ends where the first dequantised tensor meets an operator that is not
//! quantised, or with the mean of its channels where that is the only one; other inputs are for what follows. A convolution takes in its bias, its ReLU and, where only an addition reads it, that addition, rounding
//! wherever the file does. Always holds: what is not understood is an error that names the node; nothing is
//! guessed. Deliberately absent: recursion, as a hostile graph may be as deep as it likes.

mod builder;
#[cfg(test)]
mod tests;

use super::{
    net::{Ending, Net, NetError, Shape, Weights},
    onnx::{self, Names},
};
use builder::Builder;
use std::collections::HashSet;
use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, tensor_proto::DataType,
    tensor_shape_proto::dimension, type_proto::Value,
};

/// The operator sets whose operators are known to mean what is read here: per-channel dequantisation came with 13.
const OPSETS: std::ops::RangeInclusive<i64> = 13..=24;

/// Why a graph has no trunk that can be run as integers.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no graph.
    #[error("the file has no graph")]
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
    /// The trunk reads no picture, or more than one input.
    #[error("the trunk reads {} inputs, where one picture is expected", inputs.len())]
    Inputs {
        /// Their names.
        inputs: Vec<String>,
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
    /// The name of the graph's input that it reads.
    pub input: String,
    /// The name of the dequantised tensor that it gives, or of its channels' means.
    pub output: String,
}

/// The shape of a model's picture, the first input that is `[1, C, H, W]`. None where a side of it is not known.
pub fn input_shape(model: &ModelProto) -> Option<Shape> {
    let graph = model.graph.as_ref()?;
    let names = Names::new(graph);
    let mut inputs = names.inputs().filter_map(|name| graph.input.iter().find(|input| input.name == name));
    inputs.find_map(shape)
}

fn shape(input: &ValueInfoProto) -> Option<Shape> {
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
    import_with(model, input, Weights::Held)
}

/// The same, where the weights may be elsewhere: they were taken out by [`strip`].
pub fn import_with(model: &ModelProto, input: Shape, weights: Weights) -> Result<Trunk, ImportError> {
    let opset = model.opset_import.iter().find(|set| set.domain.is_empty() || set.domain == "ai.onnx");
    let found = opset.map_or(0, |set| set.version);
    if !OPSETS.contains(&found) {
        return Err(ImportError::Opset { found });
    }
    let graph = model.graph.as_ref().ok_or(ImportError::NoGraph)?;
    let names = Names::new(graph);
    let end = end_of_trunk(&names).ok_or(ImportError::NotQuantised)?;
    let needed = needed(&names, onnx::input(end, 0));
    let inputs: Vec<&str> = names.inputs().filter(|input| needed.contains(input)).collect();
    let &[picture] = &inputs[..] else {
        return Err(ImportError::Inputs { inputs: inputs.into_iter().map(String::from).collect() });
    };
    let mut builder = Builder::new(&names, picture, weights);
    let quantising = names.nodes().iter().filter(|node| node.op_type == "QuantizeLinear");
    for node in quantising.filter(|node| needed.contains(onnx::input(node, 0))) {
        builder.quantised(node)?;
    }
    let last = builder.read(end, &end.output[0])?;
    let (quantisation, nodes) = builder.nodes_to(last).ok_or(ImportError::NotQuantised)?;
    let net = Net::checked(input, quantisation, nodes, weights)?;
    let (ending, output) = match mean(&names, &end.output[0]) {
        Some(mean) => (Ending::Mean, mean),
        None => (Ending::Pixels, &end.output[0]),
    };
    Ok(Trunk { net: net.with_ending(ending), input: picture.into(), output: output.clone() })
}

/// Takes the trunk's weights out of a graph and leaves their shapes.
pub fn strip(graph: &mut GraphProto, trunk: &Trunk) {
    let (needed, _) = after(graph, trunk);
    let weights = |tensor: &&mut TensorProto| {
        tensor.data_type == DataType::Int8 as i32 && tensor.dims.len() == 4 && !needed.contains(&tensor.name)
    };
    for tensor in graph.initializer.iter_mut().filter(weights) {
        (tensor.raw_data, tensor.int32_data) = Default::default();
    }
}

/// What follows a trunk: the names of all tensors that it reads or makes, and which of the graph's nodes are in it.
fn after(graph: &GraphProto, trunk: &Trunk) -> (HashSet<String>, Vec<bool>) {
    let mut needed: HashSet<String> = graph.output.iter().map(|output| output.name.clone()).collect();
    // A graph is in order, so one walk from its end meets every reader before what it reads.
    let mut kept: Vec<bool> = graph
        .node
        .iter()
        .rev()
        .map(|node| {
            let keep = node.output.iter().any(|output| needed.contains(output) && *output != trunk.output);
            if keep {
                needed.extend(node.input.iter().cloned());
            }
            keep
        })
        .collect();
    kept.reverse();
    (needed, kept)
}

/// Cuts the trunk out of a graph: its output takes the place of the picture among the inputs. *Errors*: [`ImportError::ReadBeside`].
pub fn cut(graph: &mut GraphProto, trunk: &Trunk) -> Result<(), ImportError> {
    let (needed, kept) = after(graph, trunk);
    let mut kept = kept.into_iter();
    graph.node.retain(|_| kept.next().unwrap_or_default());
    // Constants may be listed as inputs too; those that the trunk alone read go with it.
    let constants: HashSet<_> = graph.initializer.iter().map(|tensor| tensor.name.clone()).collect();
    graph.initializer.retain(|tensor| needed.contains(&tensor.name));
    if needed.contains(&trunk.input) {
        return Err(ImportError::ReadBeside { tensor: trunk.input.clone() });
    }
    graph.input.retain(|input| needed.contains(&input.name) || !constants.contains(&input.name));
    if let Some(picture) = graph.input.iter_mut().find(|input| input.name == trunk.input) {
        picture.name.clone_from(&trunk.output);
    }
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

/// The means of a tensor's channels, where nothing else is made of it and they are not what the graph itself gives.
fn mean<'a>(names: &Names<'a>, tensor: &str) -> Option<&'a String> {
    let &[reader] = names.readers(tensor) else { return None };
    let is_mean = reader.op_type == "GlobalAveragePool" && reader.input.len() == 1 && !names.is_output(tensor);
    reader.output.first().filter(|mean| is_mean && !names.is_output(mean))
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
