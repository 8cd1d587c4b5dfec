//! What an ONNX graph says, looked up by name: which node makes a tensor, which read it, what its constants are.

use std::collections::HashMap;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto, tensor_proto::DataType};

/// A graph with its nodes found by name.
pub struct Names<'a> {
    graph: &'a GraphProto,
    makers: HashMap<&'a str, &'a NodeProto>,
    readers: HashMap<&'a str, Vec<&'a NodeProto>>,
    constants: HashMap<&'a str, &'a TensorProto>,
}

impl<'a> Names<'a> {
    /// Looks through a graph once.
    pub fn new(graph: &'a GraphProto) -> Self {
        let mut makers = HashMap::new();
        let mut readers: HashMap<_, Vec<_>> = HashMap::new();
        let mut constants: HashMap<_, _> = graph.initializer.iter().map(|tensor| (&*tensor.name, tensor)).collect();
        for node in &graph.node {
            for output in &node.output {
                makers.insert(&**output, node);
                if let ("Constant", Some(tensor)) = (&*node.op_type, node.attribute.first().and_then(|a| a.t.as_ref()))
                {
                    constants.insert(&**output, tensor);
                }
            }
            for input in &node.input {
                readers.entry(&**input).or_default().push(node);
            }
        }
        Self { graph, makers, readers, constants }
    }

    /// The graph's nodes, in its order.
    pub fn nodes(&self) -> &'a [NodeProto] {
        &self.graph.node
    }

    /// The node that makes a tensor.
    pub fn maker(&self, tensor: &str) -> Option<&'a NodeProto> {
        self.makers.get(tensor).copied()
    }

    /// The nodes that read a tensor.
    pub fn readers(&self, tensor: &str) -> &[&'a NodeProto] {
        self.readers.get(tensor).map_or(&[], Vec::as_slice)
    }

    /// Whether the graph gives this tensor.
    pub fn is_output(&self, tensor: &str) -> bool {
        self.graph.output.iter().any(|output| output.name == tensor)
    }

    /// The graph's inputs that are no constants.
    pub fn inputs(&self) -> impl Iterator<Item = &'a str> {
        self.graph.input.iter().map(|input| &*input.name).filter(|name| !self.constants.contains_key(name))
    }

    /// All constants, with their names.
    pub fn constants(&self) -> impl Iterator<Item = (&'a str, &'a TensorProto)> {
        self.constants.iter().map(|(&name, &tensor)| (name, tensor))
    }

    /// A constant.
    pub fn constant(&self, tensor: &str) -> Option<&'a TensorProto> {
        self.constants.get(tensor).copied()
    }
}

/// A name for messages: the node's own, or that of what it makes.
pub fn name(node: &NodeProto) -> String {
    let named = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
    named.cloned().unwrap_or_default()
}

/// A node's input, empty where it has none.
pub fn input(node: &NodeProto, index: usize) -> &str {
    node.input.get(index).map_or("", String::as_str)
}

/// A node's integers, or the default.
pub fn ints<const N: usize>(node: &NodeProto, attribute: &str, default: [usize; N]) -> Option<[usize; N]> {
    let Some(found) = node.attribute.iter().find(|a| a.name == attribute) else { return Some(default) };
    let ints = found.ints.iter().map(|&i| usize::try_from(i).ok()).collect::<Option<Vec<_>>>()?;
    ints.try_into().ok()
}

/// A node's integer, or the default.
pub fn int(node: &NodeProto, attribute: &str, default: i64) -> i64 {
    node.attribute.iter().find(|a| a.name == attribute).map_or(default, |a| a.i)
}

/// A tensor's sides. None where one is negative.
pub fn dims(tensor: &TensorProto) -> Option<Vec<usize>> {
    tensor.dims.iter().map(|&side| usize::try_from(side).ok()).collect()
}

/// The values of a tensor of f32. None where it is of another type, or not as long as its sides say.
pub fn floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    values(tensor, DataType::Float, &tensor.float_data, f32::from_le_bytes, |&value| Some(value))
}

/// The values of a tensor of i32.
pub fn ints32(tensor: &TensorProto) -> Option<Vec<i32>> {
    values(tensor, DataType::Int32, &tensor.int32_data, i32::from_le_bytes, |&value| Some(value))
}

/// The values of a tensor of i8.
pub fn ints8(tensor: &TensorProto) -> Option<Vec<i8>> {
    values(tensor, DataType::Int8, &tensor.int32_data, i8::from_le_bytes, |&value| i8::try_from(value).ok())
}

/// The values of a tensor of u8.
pub fn bytes(tensor: &TensorProto) -> Option<Vec<u8>> {
    values(tensor, DataType::Uint8, &tensor.int32_data, u8::from_le_bytes, |&value| u8::try_from(value).ok())
}

/// Values lie in `raw_data`, little-endian, or one by one in a field of their type.
fn values<T, F, const N: usize>(
    tensor: &TensorProto,
    kind: DataType,
    field: &[F],
    from_bytes: impl Fn([u8; N]) -> T,
    from_field: impl Fn(&F) -> Option<T>,
) -> Option<Vec<T>> {
    if tensor.data_type != kind as i32 || !tensor.external_data.is_empty() {
        return None;
    }
    let count = dims(tensor)?.iter().try_fold(1_usize, |count, &side| count.checked_mul(side))?;
    let values: Vec<T> = if tensor.raw_data.is_empty() {
        field.iter().map(from_field).collect::<Option<_>>()?
    } else {
        let (chunks, rest) = tensor.raw_data.as_chunks::<N>();
        rest.is_empty().then_some(())?;
        chunks.iter().map(|&chunk| from_bytes(chunk)).collect()
    };
    (values.len() == count).then_some(values)
}
