//! Runs a network by the int8 engine and by tract on one picture of raw f32 and prints how far both are from a reference.
//!
//! `cargo run --release --example parity -- NET.onnx NET.input NET.features` with what benches/int8/make_nets.py wrote.
#![allow(clippy::unwrap_used)]

use sonogfr::engine::{import, kernel::Kernel, op};
use std::sync::Arc;
use tract_onnx::prelude::*;

fn read(path: &str) -> Vec<f32> {
    std::fs::read(path).unwrap().as_chunks::<4>().0.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect()
}

fn print(name: &str, network: &Arc<TypedRunnableModel>, input: &Tensor, expected: &[f32]) {
    let outputs = network.run(tvec!(input.clone().into())).unwrap();
    let [egfr, features] = [0, 1].map(|i| outputs[i].try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec());
    let farthest = features.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("{name}: egfr {}, farthest feature {farthest:e}", egfr[0]);
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, input, features] = &arguments[..] else { panic!("parity NET.onnx NET.input NET.features") };
    let onnx = tract_onnx::onnx();
    let proto = onnx.proto_model_for_path(model).unwrap();
    let shape = import::input_shape(&proto).unwrap();
    let sides = [1, shape.channels, shape.height, shape.width];
    let (input, expected) = (Tensor::from_shape(&sides, &read(input)).unwrap(), read(features));
    let outputs = ["egfr", "features"];
    let tract = onnx.model_for_proto_model(&proto).unwrap().with_input_fact(0, f32::fact(sides).into()).unwrap();
    let tract = tract.with_outputs_by_name(outputs).unwrap().into_optimized().unwrap().into_runnable().unwrap();
    print("tract", &tract, &input, &expected);
    for kernel in Kernel::all() {
        let (network, _) = op::graft(proto.clone(), shape, &outputs, kernel, &op::Shared::default()).unwrap();
        print(kernel.name, &network.into_optimized().unwrap().into_runnable().unwrap(), &input, &expected);
    }
}
