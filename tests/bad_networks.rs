//! Networks that are not as they should be: a clear error, or tract and the same number; by the bundle's file and by its packed form.
#![allow(clippy::unwrap_used)]

mod small_bundle;

use prost::Message;
use small_bundle::{SIZE, network};
use sonogfr::{
    app::{opened::Opened, team::Team},
    frame::Picture,
};
use std::{fs, path::Path, process::Command};
use tract_onnx::pb::{
    ModelProto, TensorProto,
    tensor_proto::DataType,
    tensor_shape_proto::{
        Dimension,
        dimension::Value::{self, DimParam, DimValue},
    },
    type_proto,
};

/// Where tract computes in float what the engine has in integers. *Units*: mL/min/1.73 m2.
const BY_TRACT_OFF: f32 = 0.25;

/// A network that the engine covers, but for what is done to it.
fn spoilt(spoil: impl FnOnce(&mut ModelProto)) -> Vec<u8> {
    let mut model = ModelProto::decode(&*network(1, "Relu")).unwrap();
    spoil(&mut model);
    model.encode_to_vec()
}

fn constant<'a>(model: &'a mut ModelProto, name: &str) -> &'a mut TensorProto {
    model.graph.as_mut().unwrap().initializer.iter_mut().find(|tensor| tensor.name == name).unwrap()
}

/// What the picture's sides are said to be.
fn sides(model: &mut ModelProto) -> &mut Vec<Dimension> {
    let kind = model.graph.as_mut().unwrap().input[0].r#type.as_mut().unwrap().value.as_mut().unwrap();
    let type_proto::Value::TensorType(tensor) = kind;
    &mut tensor.shape.as_mut().unwrap().dim
}

fn side(at: usize, value: Option<Value>) -> Vec<u8> {
    spoilt(|model| sides(model)[at].value = value)
}

/// What loads from a bundle of this network: without a folder for its packed form, by that as it is made, and by that as it is.
fn loaded(network: &[u8]) -> [Result<Team, String>; 3] {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("small.sonogfr");
    fs::write(&bundle, small_bundle::bundle(&[network.to_vec()])).unwrap();
    let cache = folder.path().join("cache");
    let load = |place: Option<&Path>| match Opened::open(&bundle, place).unwrap().load(|| {}) {
        Ok((team, _)) => Ok(team),
        Err(error) => Err(format!("{error:#}")),
    };
    [None, Some(&*cache), Some(&*cache)].map(load)
}

/// The eGFR for a picture that has some of everything.
fn egfr(team: &Team) -> f32 {
    let mut crop = Picture::filled(SIZE, SIZE, [0; 3]);
    for (i, byte) in crop.as_rgb_mut().iter_mut().enumerate() {
        *byte = (i * i / 7 % 256) as u8;
    }
    team.judge(&crop, None, || {}).unwrap().unwrap().egfr.0
}

/// Given this network, expect no member, and these words.
fn check_refused(network: &[u8], words: &str) {
    for team in loaded(network) {
        let error = team.err().unwrap_or_else(|| panic!("it has loaded: {words}"));
        assert!(error.contains(words), "{words} is not in: {error}");
    }
}

/// Given this network, expect a member that runs as these words say, and the number that the whole one gives, not farther off.
fn check_runs(network: &[u8], words: &str, off: f32) {
    let [whole, ..] = loaded(&spoilt(|_| {}));
    let whole = egfr(&whole.unwrap());
    for team in loaded(network) {
        let team = team.unwrap();
        assert!(team.runners()[0].contains(words), "{words} is not in: {:?}", team.runners());
        let found = egfr(&team);
        assert!((found - whole).abs() <= off, "{words}: {found}, not {whole}");
    }
}

#[test]
fn given_a_picture_whose_sides_are_left_open_expect_the_bundles_and_the_same_number() {
    for at in [0, 2, 3] {
        for open in [Some(DimParam("N".into())), Some(DimValue(-1)), None] {
            check_runs(&side(at, open), "int8", 0.0);
        }
    }
    let all = spoilt(|model| sides(model).iter_mut().for_each(|side| side.value = Some(DimParam("any".into()))));
    check_runs(&all, "int8", 0.0);
}

#[test]
fn given_open_sides_and_a_trunk_that_is_not_covered_expect_tract_to_take_the_bundles() {
    let open = |model: &mut ModelProto| {
        model.opset_import[0].version = 25;
        sides(model).iter_mut().for_each(|side| side.value = Some(DimParam("any".into())));
    };
    check_runs(&spoilt(open), "tract, as operator set 25", BY_TRACT_OFF);
}

#[test]
fn given_a_picture_of_another_shape_expect_refusal() {
    let says = |sides: &str| format!("must take a picture [1, 3, 32, 32], and says {sides}");
    check_refused(&side(0, Some(DimValue(2))), &says("[2, 3, 32, 32]"));
    check_refused(&side(1, Some(DimValue(1))), &says("[1, 1, 32, 32]"));
    check_refused(&side(2, Some(DimValue(64))), &says("[1, 3, 64, 32]"));
    check_refused(&side(3, Some(DimValue(i64::MAX))), &says(&format!("[1, 3, 32, {}]", i64::MAX)));
    check_refused(&spoilt(|model| sides(model).truncate(2)), &says("[1, 3]"));
}

#[test]
fn given_an_open_picture_and_no_bundle_expect_bench_to_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("open.onnx");
    for at in [0, 2, 3] {
        fs::write(&path, side(at, Some(DimParam("N".into())))).unwrap();
        for engine in ["int8", "tract"] {
            let mut bench = Command::new(env!("CARGO_BIN_EXE_sonogfr"));
            let output = bench.arg("bench").arg(&path).args(["--engine", engine]).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{said}");
            assert!(said.contains("the picture's size is not in the file"), "{said}");
        }
    }
}

#[test]
fn given_scales_that_are_no_steps_expect_refusal_whoever_could_run_them() {
    for step in [0.0, -0.0, -1.0, f32::INFINITY, f32::MIN_POSITIVE / 2.0] {
        for name in ["picture.scale", "stem.scale", "last.scale", "stem.sum.steps"] {
            let network = spoilt(|model| constant(model, name).raw_data[..4].copy_from_slice(&step.to_le_bytes()));
            check_refused(&network, "its network has a scale that is zero, negative or no number at node");
        }
    }
}

#[test]
fn given_constants_that_are_no_numbers_expect_refusal_whoever_could_run_them() {
    for name in ["picture.scale", "stem.sum.steps", "head.weights", "head.bias"] {
        let words = format!("its network has a constant that holds what is no number: {name}");
        let in_bytes =
            |model: &mut ModelProto| constant(model, name).raw_data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
        check_refused(&spoilt(in_bytes), &words);
        let in_field = |model: &mut ModelProto| {
            let tensor = constant(model, name);
            let bytes = std::mem::take(&mut tensor.raw_data);
            tensor.float_data = bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            tensor.float_data[0] = f32::NAN;
        };
        check_refused(&spoilt(in_field), &words);
    }
}

#[test]
fn given_zero_points_out_of_range_expect_refusal() {
    let zero = |name: &'static str, kind: DataType, value: i32| {
        spoilt(move |model| {
            let tensor = constant(model, name);
            (tensor.raw_data, tensor.int32_data, tensor.data_type) = (Vec::new(), vec![value], kind as i32);
        })
    };
    for (kind, value) in [(DataType::Uint8, 256), (DataType::Uint8, -1), (DataType::Int8, 128), (DataType::Int8, -129)]
    {
        for name in ["picture.zero", "last.zero"] {
            check_refused(&zero(name, kind, value), "its network has a zero point out of range at node");
        }
    }
    check_runs(&zero("stem.zero", DataType::Uint8, 0), "int8", 0.0);
}

#[test]
fn given_an_operator_that_nobody_knows_expect_refusal() {
    check_refused(&network(1, "Nonsense"), "member 0: its network cannot be run");
}

#[test]
fn given_other_operator_sets_expect_tract_and_the_same_number() {
    for version in [0, 12, 25, i64::MAX, -1] {
        let words = format!("tract, as operator set {version} is not covered");
        check_runs(&spoilt(|model| model.opset_import[0].version = version), &words, BY_TRACT_OFF);
    }
    for version in [13, 24] {
        check_runs(&spoilt(|model| model.opset_import[0].version = version), "int8", 0.0);
    }
}

#[test]
fn given_a_weight_of_minus_128_expect_tract_and_nearly_the_number_of_minus_127() {
    let weight = |value: i8| spoilt(|model| constant(model, "stem.sum.raw").raw_data[5] = value.cast_unsigned());
    let [nearly, ..] = loaded(&weight(-127));
    let nearly = egfr(&nearly.unwrap());
    for team in loaded(&weight(-128)) {
        let team = team.unwrap();
        assert!(team.runners()[0].contains("tract, as a weight is -128"), "{:?}", team.runners());
        assert!((egfr(&team) - nearly).abs() < BY_TRACT_OFF, "{}, not {nearly}", egfr(&team));
    }
}

#[test]
fn given_bytes_that_are_no_network_expect_refusal() {
    let whole = network(1, "Relu");
    for bytes in [&[][..], &[7; 100], &whole[..whole.len() / 2], &whole[..whole.len() - 1]] {
        check_refused(bytes, "member 0: its network");
    }
}
