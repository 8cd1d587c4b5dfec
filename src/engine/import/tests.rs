//! Graphs as files give them, whole and spoilt.

use super::{ImportError, Obstacle, cut, import};
use crate::engine::net::{Ending, NetError, Node, Relu, Shape};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
    tensor_proto::DataType,
};

const SHAPE: Shape = Shape { channels: 2, height: 5, width: 4 };

fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    let input = inputs.iter().map(ToString::to_string).collect();
    NodeProto {
        op_type: operator.into(),
        input,
        output: vec![output.into()],
        name: output.into(),
        ..Default::default()
    }
}

fn with(mut node: NodeProto, attribute: &str, ints: &[i64]) -> NodeProto {
    let i = ints.first().copied().unwrap_or_default();
    node.attribute.push(AttributeProto { name: attribute.into(), ints: ints.to_vec(), i, ..Default::default() });
    node
}

fn constant(name: &str, kind: DataType, dims: &[i64], raw_data: Vec<u8>) -> TensorProto {
    TensorProto { name: name.into(), data_type: kind as i32, dims: dims.to_vec(), raw_data, ..Default::default() }
}

fn float(name: &str, value: f32) -> TensorProto {
    constant(name, DataType::Float, &[], value.to_le_bytes().to_vec())
}

/// picture -> Q DQ -> Conv -> Relu -> Q DQ -> Conv -> Q DQ -> Add with the first -> Q DQ -> GlobalAveragePool.
fn model() -> ModelProto {
    let quantise = |from: &str, name: &str| {
        [
            node("QuantizeLinear", &[from, "step", "zero"], &format!("{name}_q")),
            node("DequantizeLinear", &[&format!("{name}_q"), "step", "zero"], name),
        ]
    };
    let pads = |conv| with(conv, "pads", &[1, 1, 1, 1]);
    let nodes = [
        vec![with(node("DequantizeLinear", &["weights_q", "weight_steps", "weight_zeros"], "weights"), "axis", &[0])],
        vec![with(node("DequantizeLinear", &["bias_q", "bias_steps", ""], "bias"), "axis", &[0])],
        quantise("picture", "p").to_vec(),
        vec![pads(node("Conv", &["p", "weights", "bias"], "first")), node("Relu", &["first"], "kept")],
        quantise("kept", "k").to_vec(),
        vec![pads(node("Conv", &["k", "weights"], "second"))],
        quantise("second", "s").to_vec(),
        vec![node("Add", &["s", "k"], "sum")],
        quantise("sum", "end").to_vec(),
        vec![node("GlobalAveragePool", &["end"], "features")],
    ];
    let weight_steps: Vec<u8> = [0.25_f32, 0.5].iter().flat_map(|step| step.to_le_bytes()).collect();
    let bias_steps: Vec<u8> = [0.125_f32, 0.25].iter().flat_map(|step| step.to_le_bytes()).collect();
    let graph = GraphProto {
        node: nodes.concat(),
        initializer: vec![
            float("step", 0.5),
            constant("zero", DataType::Uint8, &[], vec![3]),
            constant("weights_q", DataType::Int8, &[2, 2, 3, 3], (0..36).collect()),
            constant("weight_steps", DataType::Float, &[2], weight_steps),
            constant("weight_zeros", DataType::Int8, &[2], vec![0, 0]),
            constant("bias_q", DataType::Int32, &[2], vec![5, 0, 0, 0, 6, 0, 0, 0]),
            constant("bias_steps", DataType::Float, &[2], bias_steps),
        ],
        input: vec![ValueInfoProto { name: "picture".into(), ..Default::default() }],
        output: vec![ValueInfoProto { name: "features".into(), ..Default::default() }],
        ..Default::default()
    };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 17 }];
    ModelProto { graph: Some(graph), opset_import, ..Default::default() }
}

/// Spoils the model's graph and expects the import to refuse it as `refused` says.
fn check(spoil: impl FnOnce(&mut GraphProto), refused: impl FnOnce(&ImportError) -> bool) {
    let mut model = model();
    spoil(model.graph.as_mut().unwrap());
    let error = import(&model, SHAPE).err().expect("it is spoilt");
    assert!(refused(&error), "{error}");
}

fn why(obstacle: Obstacle) -> impl FnOnce(&ImportError) -> bool {
    move |error| matches!(error, ImportError::NotCovered { why, .. } if *why == obstacle)
}

fn find<'a>(graph: &'a mut GraphProto, name: &str) -> &'a mut NodeProto {
    graph.node.iter_mut().find(|node| node.output[0] == name).unwrap()
}

fn find_constant<'a>(graph: &'a mut GraphProto, name: &str) -> &'a mut TensorProto {
    graph.initializer.iter_mut().find(|tensor| tensor.name == name).unwrap()
}

#[test]
fn given_a_quantised_block_expect_two_convolutions_with_all_folded_in() {
    let mut model = model();
    let trunk = import(&model, SHAPE).unwrap();
    let [Node::Conv(first), Node::Conv(second)] = trunk.net.nodes() else { panic!("{:?}", trunk.net.nodes()) };
    assert_eq!((first.relu, first.bias.as_slice(), first.residual), (Relu::Applied, &[5, 6][..], None));
    assert_eq!((second.relu, second.bias.as_slice()), (Relu::Absent, &[0, 0][..]));
    assert_eq!((second.input, second.residual.unwrap().tensor), (1, 1));
    let graph = model.graph.as_mut().unwrap();
    cut(graph, &trunk).unwrap();
    assert_eq!(graph.node.len(), 1, "only the pooling is left");
    assert_eq!((graph.input[0].name.as_str(), graph.initializer.len()), ("end", 0));
}

#[test]
fn given_means_that_a_head_reads_expect_them_of_the_trunk() {
    let mut model = model();
    let graph = model.graph.as_mut().unwrap();
    find(graph, "features").output[0] = "pooled".into();
    graph.node.push(node("Flatten", &["pooled"], "features"));
    let trunk = import(&model, SHAPE).unwrap();
    assert_eq!((trunk.net.ending(), trunk.output.as_str()), (Ending::Mean, "pooled"));
    let graph = model.graph.as_mut().unwrap();
    cut(graph, &trunk).unwrap();
    assert_eq!((graph.node.len(), graph.input[0].name.as_str()), (1, "pooled"), "only what flattens them is left");
}

#[test]
fn given_an_unknown_operator_expect_its_name() {
    let sigmoid = |graph: &mut GraphProto| find(graph, "kept").op_type = "Sigmoid".into();
    check(sigmoid, |error| {
        let message = error.to_string();
        why(Obstacle::Operator)(error) && message.contains("kept") && message.contains("Sigmoid")
    });
}

#[test]
fn given_attributes_that_change_the_meaning_expect_refusal() {
    let attribute = |output: &'static str, name: &'static str, ints: &'static [i64]| {
        check(
            move |graph| {
                let node = find(graph, output);
                *node = with(node.clone(), name, ints);
            },
            why(Obstacle::Attribute),
        );
    };
    attribute("second", "group", &[2]);
    attribute("second", "dilations", &[2, 2]);
    attribute("second", "strides", &[-1, 1]);
    attribute("second", "kernel_shape", &[5, 5]);
    attribute("k_q", "block_size", &[4]);
}

#[test]
fn given_scales_that_are_no_steps_expect_refusal() {
    for step in [0.0, -1.0, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE / 2.0] {
        check(|graph| *find_constant(graph, "step") = float("step", step), why(Obstacle::Scale));
        let weight_steps = [step, 1.0].iter().flat_map(|step| step.to_le_bytes()).collect();
        check(
            |graph| {
                find(graph, "first").input.truncate(2);
                find_constant(graph, "weight_steps").raw_data = weight_steps;
            },
            |error| matches!(error, ImportError::Net(NetError::Scale(_))),
        );
    }
}

#[test]
fn given_zero_points_out_of_range_expect_refusal() {
    check(|graph| find_constant(graph, "weight_zeros").raw_data = vec![0, 1], why(Obstacle::ZeroPoint));
    check(|graph| find_constant(graph, "zero").data_type = DataType::Int8 as i32, why(Obstacle::ZeroPoint));
    check(|graph| find_constant(graph, "zero").raw_data = vec![], why(Obstacle::ZeroPoint));
    for out in [256, -1] {
        let zero = |graph: &mut GraphProto| {
            let zero = find_constant(graph, "zero");
            (zero.raw_data, zero.int32_data) = (vec![], vec![out]);
        };
        check(zero, why(Obstacle::ZeroPoint));
    }
}

#[test]
fn given_weights_or_bias_that_do_not_fit_expect_refusal() {
    check(
        |graph| find_constant(graph, "weights_q").raw_data[7] = 0x80,
        |error| matches!(error, ImportError::Net(NetError::Weight)),
    );
    check(|graph| find_constant(graph, "weights_q").raw_data.truncate(35), why(Obstacle::Weights));
    check(|graph| find_constant(graph, "weights_q").dims = vec![i64::MAX, i64::MAX, 3, 3], why(Obstacle::Weights));
    check(|graph| find_constant(graph, "weights_q").dims = vec![2, 2, -3, -3], why(Obstacle::Weights));
    check(|graph| find_constant(graph, "bias_q").dims = vec![1], why(Obstacle::Weights));
    check(|graph| find_constant(graph, "bias_steps").raw_data[3] ^= 1, why(Obstacle::Weights));
}

#[test]
fn given_a_graph_out_of_order_or_in_a_circle_expect_refusal() {
    check(|graph| graph.node.reverse(), why(Obstacle::Input));
    let circle = |graph: &mut GraphProto| find(graph, "first").input[0] = "k".into();
    check(circle, |error| matches!(error, ImportError::Inputs { inputs } if inputs.is_empty()));
}

#[test]
fn given_a_head_that_reads_the_picture_expect_refusal() {
    let mut model = model();
    let trunk = import(&model, SHAPE).unwrap();
    let graph = model.graph.as_mut().unwrap();
    find(graph, "features").input.push("picture".into());
    assert!(matches!(cut(graph, &trunk), Err(ImportError::ReadBeside { tensor }) if tensor == "picture"));
}

#[test]
fn given_an_input_for_the_head_alone_expect_it_left_where_it_stood() {
    for first in [false, true] {
        let mut model = model();
        let graph = model.graph.as_mut().unwrap();
        graph.input.insert(usize::from(!first), ValueInfoProto { name: "length_cm".into(), ..Default::default() });
        find(graph, "features").input.push("length_cm".into());
        let trunk = import(&model, SHAPE).unwrap();
        assert_eq!(trunk.input, "picture");
        let graph = model.graph.as_mut().unwrap();
        cut(graph, &trunk).unwrap();
        let inputs: Vec<&str> = graph.input.iter().map(|input| &*input.name).collect();
        assert_eq!(inputs, if first { ["length_cm", "end"] } else { ["end", "length_cm"] });
    }
}

#[test]
fn given_a_trunk_that_reads_two_inputs_expect_refusal() {
    let two = |graph: &mut GraphProto| {
        graph.input.push(ValueInfoProto { name: "other".into(), ..Default::default() });
        find(graph, "sum").input[1] = "other".into();
    };
    check(two, |error| matches!(error, ImportError::Inputs { inputs } if *inputs == ["picture", "other"]));
}

#[test]
fn given_nothing_quantised_or_another_operator_set_expect_refusal() {
    let nothing = |graph: &mut GraphProto| graph.node.retain(|node| node.op_type != "QuantizeLinear");
    check(nothing, |error| matches!(error, ImportError::NotQuantised));
    for version in [11, 12, 25] {
        let mut other = model();
        other.opset_import[0].version = version;
        assert!(matches!(import(&other, SHAPE), Err(ImportError::Opset { found }) if found == version));
    }
    assert!(matches!(import(&ModelProto { graph: None, ..model() }, SHAPE), Err(ImportError::NoGraph)));
}

#[test]
fn given_windows_larger_than_the_picture_expect_refusal() {
    let small = Shape { height: 0, ..SHAPE };
    assert!(matches!(import(&model(), small), Err(ImportError::Net(NetError::Length { .. }))));
}
