//! The demonstration bundle on phantoms that no training used: the members run, and their words point the right way.
#![allow(clippy::unwrap_used)]

mod small_bundle;

use prost::Message;
use small_bundle::{SIZE, network, value};
use sonogfr::{
    bundle::{Bundle, manifest::Input},
    crop::CropSquare,
    engine::{kernel::Kernel, net::Shape, op},
    ensemble::{Member, NetworkInput, Runner},
    estimate::{CKD_EGFR, MemberOutput},
    frame::Picture,
    phantom,
    units::Centimetres,
};
use std::{io::Cursor, path::Path};
use tract_onnx::{
    pb::{ModelProto, NodeProto},
    prelude::*,
};

const SEED: u64 = 71;

fn bundle() -> Bundle {
    Bundle::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo/demo.sonogfr")).unwrap()
}

/// The crop of phantom `index` and its kidney's length.
fn crop(index: u64, size: usize) -> (Picture, Centimetres) {
    let phantom = phantom::draw(SEED, &phantom::patient(SEED, index), 1);
    let crop = CropSquare::between(phantom.truth.ends).unwrap().cut(phantom.screen.frame(), size);
    (crop, phantom.truth.length_cm)
}

/// Phantom `index` as the bundle's networks take it.
fn picture(index: u64, input: &Input) -> NetworkInput {
    let (crop, length) = crop(index, input.size);
    NetworkInput::new(&crop, Some(length), input)
}

#[test]
fn given_sick_and_well_kidneys_expect_the_trees_to_give_the_sick_ones_the_high_probability() {
    let bundle = bundle();
    let input = bundle.manifest().input;
    let member = Member::load(&bundle, 0).unwrap();
    let said = |index| member.run(&picture(index, &input)).unwrap();
    let truth = |index| phantom::egfr(&phantom::patient(SEED, index));
    let (sick, well): (Vec<u64>, Vec<u64>) = (0..40).partition(|&index| truth(index) < CKD_EGFR);
    let mean = |of: fn(MemberOutput) -> f32, indices: &[u64]| {
        indices.iter().map(|&index| of(said(index))).sum::<f32>() / indices.len() as f32
    };
    let p = |output: MemberOutput| output.p_ckd.0;
    let egfr = |output: MemberOutput| output.egfr.0;
    assert!(mean(p, &sick) > mean(p, &well) + 0.15, "{} and {}", mean(p, &sick), mean(p, &well));
    assert!(mean(egfr, &sick) < mean(egfr, &well) - 5.0, "{} and {}", mean(egfr, &sick), mean(egfr, &well));
}

#[test]
fn given_the_same_picture_twice_expect_the_same_output() {
    let bundle = bundle();
    let input = bundle.manifest().input;
    let member = Member::load(&bundle, 3).unwrap();
    let picture = picture(1, &input);
    assert_eq!(member.run(&picture).unwrap(), member.run(&picture).unwrap());
}

#[test]
fn given_every_kernel_expect_the_demonstration_to_say_the_same_to_the_bit() {
    let bundle = bundle();
    let input = bundle.manifest().input;
    let picture = picture(2, &input);
    let said = Kernel::all().map(|kernel| {
        let member = Member::load_for(kernel, &op::Shared::default(), &bundle, 3).unwrap();
        assert!(matches!(member.runner(), Runner::Engine(by) if by.kernel().name == kernel.name));
        member.run(&picture).unwrap()
    });
    let said: Vec<MemberOutput> = said.collect();
    assert!(said.iter().all(|other| *other == said[0]), "{said:?}");
}

/// What tract alone makes of a network: the file's own arithmetic, in float.
fn by_tract(onnx: &[u8], crop: &Picture, length: Option<Centimetres>, input: &Input) -> f32 {
    let size = input.size;
    let model = tract_onnx::onnx().model_for_read(&mut Cursor::new(onnx)).unwrap();
    let mut model = model.with_input_fact(0, f32::fact([1, 3, size, size]).into()).unwrap();
    if length.is_some() {
        model.set_input_fact(1, f32::fact([1, 1]).into()).unwrap();
    }
    let network = model.with_outputs_by_name(["egfr"]).unwrap().into_optimized().unwrap().into_runnable().unwrap();
    let channel = |channel: usize, byte: u8| (f32::from(byte) / 255.0 - input.mean[channel]) / input.std[channel];
    let plane = |c: usize| crop.as_rgb().chunks_exact(3).map(move |pixel| channel(c, pixel[c]));
    let planes: Vec<f32> = (0..3).flat_map(plane).collect();
    let mut inputs = tvec!(Tensor::from_shape(&[1, 3, size, size], &planes).unwrap().into());
    inputs.extend(length.map(|length| tensor2(&[[length.0]]).into()));
    let outputs = network.run(inputs).unwrap();
    outputs[0].try_as_plain_ram().unwrap().as_slice::<f32>().unwrap()[0]
}

#[test]
fn given_the_demonstration_expect_what_the_files_say_in_float() {
    let bundle = bundle();
    let input = bundle.manifest().input;
    let (crop, length) = crop(5, input.size);
    for index in 0..bundle.manifest().members.len() {
        let said =
            Member::load(&bundle, index).unwrap().run(&NetworkInput::new(&crop, Some(length), &input)).unwrap().egfr.0;
        let expected = by_tract(bundle.network(index), &crop, Some(length), &input);
        // Roundings that fall the other way: tract multiplies first and rounds then, onnxruntime and the engine sum integers.
        assert!((said - expected).abs() < 0.25, "member {index}: {said} and {expected}");
    }
}

#[test]
fn given_a_network_that_the_engine_does_not_cover_expect_tract_and_the_reason() {
    let networks = [network(1, "Relu"), network(2, "Sigmoid")];
    let bundle = Bundle::from_bytes(small_bundle::bundle(&networks)).unwrap();
    let input = bundle.manifest().input;
    let (crop, _) = crop(1, SIZE);
    let members = [0, 1].map(|index| Member::load(&bundle, index).unwrap());
    assert!(matches!(members[0].runner(), Runner::Engine(_)));
    let Runner::Tract(why) = members[1].runner() else { panic!("the engine knows no sigmoid") };
    assert!(why.to_string().contains("stem.kept (Sigmoid) is not covered"), "{why}");
    for (member, onnx) in members.iter().zip(&networks) {
        let said = member.run(&NetworkInput::new(&crop, None, &input)).unwrap().egfr.0;
        let expected = by_tract(onnx, &crop, None, &input);
        assert!((said - expected).abs() < 0.25, "{said} and {expected}");
    }
}

/// A network with a second input, "length_cm", which is added to eGFR: as long as the kidney, so much larger.
fn with_length(network: &[u8]) -> ModelProto {
    let mut model = ModelProto::decode(network).unwrap();
    let graph = model.graph.as_mut().unwrap();
    graph.input.push(value("length_cm", &[1, 1]));
    let head = graph.node.last_mut().unwrap();
    (head.name, head.output[0]) = ("egfr.without".into(), "egfr.without".into());
    let input = vec!["egfr.without".into(), "length_cm".into()];
    graph.node.push(NodeProto { op_type: "Add".into(), input, output: vec!["egfr".into()], ..Default::default() });
    model
}

#[test]
fn given_a_network_with_an_input_for_its_head_expect_both_inputs_in_their_places() {
    let model = with_length(&network(4, "Relu"));
    let shape = Shape { channels: 3, height: SIZE, width: SIZE };
    let kernel = Kernel::best().unwrap();
    let (network, _) = op::graft(model, shape, &["egfr", "features"], kernel, &op::Shared::default()).unwrap();
    let network = network.into_optimized().unwrap().into_runnable().unwrap();
    let egfr = |length_cm: f32| {
        let crop = Tensor::zero::<f32>(&[1, 3, SIZE, SIZE]).unwrap();
        let length = Tensor::from_shape(&[1, 1], &[length_cm]).unwrap();
        network.run(tvec!(crop.into(), length.into())).unwrap()[0]
            .try_as_plain_ram()
            .unwrap()
            .as_slice::<f32>()
            .unwrap()[0]
    };
    assert!((egfr(11.5) - egfr(0.0) - 11.5).abs() < 1e-3);
}
