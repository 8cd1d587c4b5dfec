//! A bundle of small int8 networks, made here: a stem, a pool and a residual addition, at 32 px.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use prost::Message;
use sonogfr::bundle::{sha256, xgboost};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto,
    tensor_proto::DataType,
    tensor_shape_proto::{Dimension, dimension::Value::DimValue},
    type_proto::{Tensor, Value},
};

pub const SIZE: usize = 32;
const FEATURES: usize = 256;
const CHANNELS: usize = 8;

#[derive(Default)]
struct Graph {
    graph: GraphProto,
    seed: u64,
}

impl Graph {
    fn next(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.seed >> 33
    }

    fn node(&mut self, operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, &[i64])]) {
        let attribute = attributes.iter().map(|(name, ints)| AttributeProto {
            name: (*name).into(),
            ints: if ints.len() > 1 { ints.to_vec() } else { vec![] },
            i: if ints.len() > 1 { 0 } else { ints[0] },
            r#type: if ints.len() > 1 { 7 } else { 2 },
            ..Default::default()
        });
        self.graph.node.push(NodeProto {
            op_type: operator.into(),
            name: output.into(),
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.into()],
            attribute: attribute.collect(),
            ..Default::default()
        });
    }

    fn constant(&mut self, name: &str, kind: DataType, dims: &[usize], raw_data: Vec<u8>) {
        let dims = dims.iter().map(|&side| side as i64).collect();
        let tensor = TensorProto { name: name.into(), data_type: kind as i32, dims, raw_data, ..Default::default() };
        self.graph.initializer.push(tensor);
    }

    fn floats(&mut self, name: &str, dims: &[usize], spread: f32) {
        let count: usize = dims.iter().product();
        let number = |_| ((self.next() % 2001) as f32 / 1000.0 - 1.0) * spread;
        let bytes = (0..count).map(number).flat_map(f32::to_le_bytes).collect();
        self.constant(name, DataType::Float, dims, bytes);
    }

    /// A tensor as bytes and back.
    fn quantised(&mut self, from: &str, name: &str, scale: f32, zero: u8) {
        let [bytes, steps, origin] = ["bytes", "scale", "zero"].map(|part| format!("{name}.{part}"));
        self.constant(&steps, DataType::Float, &[], scale.to_le_bytes().to_vec());
        self.constant(&origin, DataType::Uint8, &[], vec![zero]);
        self.node("QuantizeLinear", &[from, &steps, &origin], &bytes, &[]);
        self.node("DequantizeLinear", &[&bytes, &steps, &origin], name, &[]);
    }

    fn conv(&mut self, from: &str, name: &str, [inputs, outputs]: [usize; 2], window: i64, stride: i64) {
        let [raw, steps, weights] = ["raw", "steps", "weights"].map(|part| format!("{name}.{part}"));
        let side = window as usize;
        let bytes = (0..outputs * inputs * side * side).map(|_| ((self.next() % 255) as i32 - 127) as u8).collect();
        self.constant(&raw, DataType::Int8, &[outputs, inputs, side, side], bytes);
        let scale = |_| 0.02 / ((inputs * side * side) as f32).sqrt() * (1.0 + (self.next() % 10) as f32 / 10.0);
        let scales = (0..outputs).map(scale).flat_map(f32::to_le_bytes).collect();
        self.constant(&steps, DataType::Float, &[outputs], scales);
        self.node("DequantizeLinear", &[&raw, &steps], &weights, &[("axis", &[0])]);
        let pad = window / 2;
        let shape: [(&str, &[i64]); 3] =
            [("kernel_shape", &[window; 2]), ("strides", &[stride; 2]), ("pads", &[pad; 4])];
        self.node("Conv", &[from, &weights], name, &shape);
    }
}

/// An f32 tensor of these sides.
pub fn value(name: &str, sides: &[usize]) -> ValueInfoProto {
    let side = |&side: &usize| Dimension { value: Some(DimValue(side as i64)), ..Default::default() };
    let shape = Some(TensorShapeProto { dim: sides.iter().map(side).collect() });
    let tensor = Value::TensorType(Tensor { elem_type: DataType::Float as i32, shape });
    let r#type = Some(TypeProto { value: Some(tensor), ..Default::default() });
    ValueInfoProto { name: name.into(), r#type, ..Default::default() }
}

/// A network whose stem ends in this operator: "Relu" is one that the engine covers.
pub fn network(seed: u64, operator: &str) -> Vec<u8> {
    let mut graph = Graph { seed, ..Graph::default() };
    graph.quantised("crop", "picture", 0.02, 114);
    graph.conv("picture", "stem.sum", [3, CHANNELS], 3, 2);
    graph.node(operator, &["stem.sum"], "stem.kept", &[]);
    graph.quantised("stem.kept", "stem", 0.03, 0);
    graph.node("MaxPool", &["stem"], "pooled.kept", &[("kernel_shape", &[2, 2]), ("strides", &[2, 2])]);
    graph.quantised("pooled.kept", "pooled", 0.03, 0);
    graph.conv("pooled", "block.sum", [CHANNELS, CHANNELS], 3, 1);
    graph.quantised("block.sum", "block", 0.04, 120);
    graph.node("Add", &["block", "pooled"], "added.sum", &[]);
    graph.node("Relu", &["added.sum"], "added.kept", &[]);
    graph.quantised("added.kept", "added", 0.05, 0);
    graph.conv("added", "last.sum", [CHANNELS, FEATURES], 1, 1);
    graph.node("Relu", &["last.sum"], "last.kept", &[]);
    graph.quantised("last.kept", "last", 0.05, 0);
    graph.node("GlobalAveragePool", &["last"], "mean", &[]);
    graph.node("Flatten", &["mean"], "features", &[]);
    graph.floats("head.weights", &[FEATURES, 1], 1.0);
    graph.constant("head.bias", DataType::Float, &[1], 60.0_f32.to_le_bytes().to_vec());
    graph.node("Gemm", &["features", "head.weights", "head.bias"], "egfr", &[]);
    graph.graph.input.push(value("crop", &[1, 3, SIZE, SIZE]));
    graph.graph.output = vec![value("egfr", &[1, 1]), value("features", &[1, FEATURES])];
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 17 }];
    ModelProto { ir_version: 8, graph: Some(graph.graph), opset_import, ..Default::default() }.encode_to_vec()
}

/// A demonstration of such networks.
pub fn bundle(networks: &[Vec<u8>]) -> Vec<u8> {
    named(networks, "small", true)
}

/// A bundle of such networks that is no demonstration, or is one.
pub fn named(networks: &[Vec<u8>], name: &str, demonstration: bool) -> Vec<u8> {
    let trees = xgboost::compile(include_bytes!("../fixtures/trees_model.json"), FEATURES).unwrap();
    let mut contents = Vec::new();
    for (index, network) in networks.iter().enumerate() {
        contents.push((format!("{index}.onnx"), network.clone()));
        contents.push((format!("{index}.trees"), trees.clone()));
    }
    let hashes = contents.iter().map(|(name, bytes)| (name.clone(), sha256(bytes).into()));
    let members: Vec<_> = (0..networks.len())
        .map(|index| serde_json::json!({"network": format!("{index}.onnx"), "trees": format!("{index}.trees")}))
        .collect();
    let mut manifest = serde_json::json!({
        "format": 1, "name": name, "purpose": "a test", "demonstration": demonstration, "card": "random weights",
        "input": {"size": SIZE, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
        "feature_count": FEATURES, "members": members,
        "rules": {
            "coverage": 0.9, "intervals": [{"up_to": 200.0, "below": -20.0, "above": 20.0, "count": 9}],
            "reportable": [5.0, 120.0], "likely_from": 0.8, "unlikely_to": 0.2, "spread_limit": 500.0,
        },
        "sha256": hashes.collect::<serde_json::Map<_, _>>(),
    });
    if !demonstration {
        manifest["model_card"] = serde_json::json!({
            "date": "2026-11-27", "data": "12 pictures of 7 patients", "flow": "20 pictures\n  8 without a label",
            "figures": {"mae": 17.5}, "figures_from": "random numbers", "limits": "knows nothing",
            "hashes": {"truth.jsonl": sha256(b"")},
        });
    }
    contents.insert(0, ("manifest.json".into(), manifest.to_string().into_bytes()));
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in &contents {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    archive.into_inner().unwrap()
}
