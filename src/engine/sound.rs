//! What a network must be, whoever runs it: it takes what its bundle says, and none of its numbers means nothing.
//!
//! Whoever leaves to tract what the engine does not cover asks here first: quantising makes a byte of anything, so tract gives a
//! number that looks like others where a scale is zero or a weight no number. Deliberately absent: what tract refuses itself.

use super::{
    net::Shape,
    onnx::{self, Names},
};
use tract_onnx::pb::{
    ModelProto, NodeProto, TensorProto, ValueInfoProto, tensor_proto::DataType, tensor_shape_proto::dimension,
    type_proto::Value,
};

/// Why a network is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// Its inputs are others.
    #[error("must take {}", .names.join(" and "))]
    Inputs {
        /// What they must be.
        names: &'static [&'static str],
    },
    /// Its picture has another shape.
    #[error("must take a picture {wanted:?}, and says {found:?}")]
    Picture {
        /// The bundle's.
        wanted: [usize; 4],
        /// The network's; 0 for a side that it leaves open.
        found: Vec<usize>,
    },
    /// A scale is no step.
    #[error("has a scale that is zero, negative or no number at node {node}")]
    Scale {
        /// The node that reads it.
        node: String,
    },
    /// A zero point is no value of its type.
    #[error("has a zero point out of range at node {node}")]
    ZeroPoint {
        /// The node that reads it.
        node: String,
    },
    /// A constant is NaN somewhere.
    #[error("has a constant that holds what is no number: {tensor}")]
    NoNumber {
        /// Its name.
        tensor: String,
    },
}

/// Checks a network whose inputs have these names, the picture first. A side that the network leaves open may be of any length.
///
/// *Errors*: [`Unsound`].
pub fn check(model: &ModelProto, inputs: &'static [&'static str], picture: Shape) -> Result<(), Unsound> {
    let missing = Unsound::Inputs { names: inputs };
    let Some(graph) = &model.graph else { return Err(missing) };
    let names = Names::new(graph);
    if !names.inputs().eq(inputs.iter().copied()) {
        return Err(missing);
    }
    if let Some(sides) = graph.input.iter().find(|input| input.name == inputs[0]).and_then(sides) {
        let wanted = [1, picture.channels, picture.height, picture.width];
        if sides.len() != wanted.len() || sides.iter().zip(wanted).any(|(&side, wanted)| side != 0 && side != wanted) {
            return Err(Unsound::Picture { wanted, found: sides });
        }
    }
    if let Some((name, _)) = names.constants().find(|(_, tensor)| holds_no_number(tensor)) {
        return Err(Unsound::NoNumber { tensor: name.into() });
    }
    let quantising = |node: &&NodeProto| matches!(&*node.op_type, "QuantizeLinear" | "DequantizeLinear");
    graph.node.iter().filter(quantising).try_for_each(|node| check_steps(&names, node))
}

/// The sides of an input, 0 for each that is left open. None where it says nothing of its shape.
fn sides(input: &ValueInfoProto) -> Option<Vec<usize>> {
    let Value::TensorType(tensor) = input.r#type.as_ref()?.value.as_ref()?;
    let sides = tensor.shape.as_ref()?.dim.iter().map(|side| match side.value {
        // Some programs write -1 for a side that is open.
        Some(dimension::Value::DimValue(side)) => usize::try_from(side).unwrap_or(0),
        _ => 0,
    });
    Some(sides.collect())
}

fn holds_no_number(tensor: &TensorProto) -> bool {
    tensor.data_type == DataType::Float as i32
        && (tensor.float_data.iter().any(|value| value.is_nan())
            || tensor.raw_data.as_chunks().0.iter().any(|&bytes| f32::from_le_bytes(bytes).is_nan()))
}

fn check_steps(names: &Names, node: &NodeProto) -> Result<(), Unsound> {
    let scales = names.constant(onnx::input(node, 1)).and_then(onnx::floats);
    if scales.is_some_and(|scales| scales.iter().any(|scale| !scale.is_normal() || *scale < 0.0)) {
        return Err(Unsound::Scale { node: onnx::name(node) });
    }
    let Some(zeros) = names.constant(onnx::input(node, 2)) else { return Ok(()) };
    let range = match DataType::try_from(zeros.data_type) {
        Ok(DataType::Uint8) => 0..=255,
        Ok(DataType::Int8) => -128..=127,
        _ => return Ok(()),
    };
    // Bytes in `raw_data` are never out of range.
    let fits = zeros.int32_data.iter().all(|zero| range.contains(zero));
    if fits { Ok(()) } else { Err(Unsound::ZeroPoint { node: onnx::name(node) }) }
}
