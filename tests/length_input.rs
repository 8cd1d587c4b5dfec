//! Bundles whose members take the kidney's length: what they say, what is refused, and what `bundle check` finds.
//!
//! `fixtures/make_length_networks.py` made the networks: eGFR is 10 x length - 30, and below 9 cm eGFR < 60 is likely.
#![allow(clippy::unwrap_used)]

use sonogfr::{
    bundle::{self, Bundle},
    edge::pictures,
    ensemble::{Member, NetworkInput},
    estimate::MemberOutput,
    frame::{Frame, Picture},
    phantom,
    units::Centimetres,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const SIZE: usize = 32;
const FEATURES: usize = 3;

/// A bundle of one member with this network of the fixtures; where the members take the length, the proven ones are `length_cm`.
fn build(folder: &Path, network: &str, length_cm: Option<[f32; 2]>) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = folder.join(format!("{network}-files"));
    fs::create_dir_all(&files).unwrap();
    fs::copy(fixtures.join(format!("length_{network}.onnx")), files.join("0.onnx")).unwrap();
    fs::copy(fixtures.join("length_trees.json"), files.join("0.json")).unwrap();
    let mut manifest = serde_json::json!({
        "format": 1, "name": "length", "purpose": "a test", "demonstration": true, "card": "made by hand",
        "input": {"size": SIZE, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
        "feature_count": FEATURES, "members": [{"network": "0.onnx", "trees": "0.json"}],
        "rules": {
            "coverage": 0.9, "intervals": [{"up_to": 120.0, "below": -20.0, "above": 20.0, "count": 9}],
            "reportable": [5.0, 120.0], "likely_from": 0.8, "unlikely_to": 0.2, "spread_limit": 1.0,
        },
    });
    if let Some(length_cm) = length_cm {
        manifest["input"]["length"] = true.into();
        manifest["rules"]["length_cm"] = serde_json::json!(length_cm);
    } else {
        // The trees' column of the length is then one of the features.
        manifest["feature_count"] = (FEATURES + 1).into();
    }
    fs::write(files.join("manifest.json"), manifest.to_string()).unwrap();
    let file = folder.join(format!("{network}.sonogfr"));
    bundle::build(&files).unwrap().write(&file).unwrap();
    file
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sonogfr")).args(arguments).output().unwrap()
}

/// The line that `read --json` prints for a picture.
fn read(picture: &Picture, folder: &Path, bundle: &Path) -> serde_json::Value {
    let path = folder.join("picture.png");
    pictures::save(picture, &path).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_sonogfr"));
    // Its packed form goes as the bundle goes.
    program.env("CACHE_DIRECTORY", folder);
    let output = program.arg("read").arg(path).arg("--bundle").arg(bundle).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Columns and rows that hold all of the echo, and neither a ruler nor the measurement box.
const ECHO: [std::ops::Range<usize>; 2] = [110..750, 130..670];

fn cut_to_echo(screen: Frame) -> Picture {
    let [columns, rows] = ECHO;
    let bytes = rows.clone().flat_map(|y| screen.row(y)[3 * columns.start..3 * columns.end].to_vec()).collect();
    Picture::from_rgb(bytes, columns.len(), rows.len()).unwrap()
}

#[test]
fn given_two_lengths_of_one_crop_expect_network_and_trees_to_tell_them_apart() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = Bundle::open(&build(folder.path(), "right", Some([7.0, 14.0]))).unwrap();
    let member = Member::load(&bundle, 0).unwrap();
    let crop = Picture::filled(SIZE, SIZE, [90; 3]);
    let said = |cm| member.run(&NetworkInput::new(&crop, Some(Centimetres(cm)), &bundle.manifest().input)).unwrap();
    let (short, long): (MemberOutput, MemberOutput) = (said(8.0), said(11.5));
    assert!((short.egfr.0 - 50.0).abs() < 1e-3 && (long.egfr.0 - 85.0).abs() < 1e-3, "{short:?} {long:?}");
    assert!(short.p_ckd.0 > 0.8 && long.p_ckd.0 < 0.2, "{short:?} {long:?}");
}

#[test]
fn given_networks_with_other_inputs_expect_bundle_check_to_say_what_they_must_take() {
    let folder = tempfile::tempdir().unwrap();
    let check = |network, length_cm| {
        let output = run(&["bundle", "check", build(folder.path(), network, length_cm).to_str().unwrap()]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let proven = Some([7.0, 14.0]);
    assert_eq!(check("right", proven), (Some(0), String::new()));
    let must = |inputs| format!("member 0: its network must take {inputs}; build the bundle again\n");
    for network in ["none", "name", "order", "extra"] {
        let (code, said) = check(network, proven);
        assert!(code == Some(2) && said.ends_with(&must("crop and length_cm")), "{network}: {said}");
    }
    let (code, said) = check("right", None);
    assert!(code == Some(2) && said.ends_with(&must("crop")), "{said}");
}

#[test]
fn given_networks_with_other_inputs_expect_bundle_build_to_leave_the_bundle_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), "order", Some([7.0, 14.0]));
    let (files, out) = (folder.path().join("order-files"), folder.path().join("out.sonogfr"));
    fs::write(&out, "the last good one").unwrap();
    let output = run(&["bundle", "build", files.to_str().unwrap(), "-o", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_to_string(&out).unwrap(), "the last good one");
}

#[test]
fn given_a_manifest_with_half_of_the_length_expect_the_field_named() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), "right", Some([7.0, 14.0]));
    let files = folder.path().join("right-files");
    let good = fs::read_to_string(files.join("manifest.json")).unwrap();
    for half in [good.replace(r#""length":true"#, r#""length":false"#), good.replace(r#""length_cm":[7.0,14.0],"#, "")]
    {
        assert_ne!(half, good);
        fs::write(files.join("manifest.json"), half).unwrap();
        let error = bundle::build(&files).unwrap_err().to_string();
        assert!(error.contains("rules.length_cm must stand where input.length is true, and only there"), "{error}");
    }
}

#[test]
fn given_a_screen_expect_the_estimate_of_its_length_and_cut_to_the_echo_a_refusal_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = build(folder.path(), "right", Some([5.0, 16.0]));
    let phantom = phantom::draw(40, &phantom::patient(40, 0), 1);
    let whole = read(&phantom.screen, folder.path(), &bundle);
    let egfr = whole["estimate"]["egfr"].as_f64().unwrap();
    let expected = 10.0 * f64::from(phantom.truth.length_cm.0) - 30.0;
    // The ruler tells the length to half a percent.
    assert!((egfr - expected).abs() < 0.5, "{egfr}, not {expected}");
    let cut = read(&cut_to_echo(phantom.screen.frame()), folder.path(), &bundle);
    assert_eq!((&cut["outcome"], &cut["estimate"], &cut["length"]), (&"refused".into(), &().into(), &().into()));
    let golden = serde_json::json!({
        "reason": "The kidney's length is unknown",
        "hint": "Keep the depth ruler or the printed length on the screen",
        "detail": {"kind": "length_unknown"},
    });
    assert_eq!(cut["refusal"], golden);
    // What was measured on it stays.
    assert_eq!(cut["pairs"].as_array().unwrap().len(), 1);
}

#[test]
fn given_a_kidney_longer_than_the_proven_ones_expect_a_refusal_with_both_lengths() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = build(folder.path(), "right", Some([5.0, 6.0]));
    let phantom = phantom::draw(40, &phantom::patient(40, 0), 1);
    let refused = read(&phantom.screen, folder.path(), &bundle);
    assert_eq!((&refused["outcome"], &refused["estimate"]), (&"refused".into(), &().into()));
    let detail = &refused["refusal"]["detail"];
    let golden = serde_json::json!({
        "reason": "The kidney's length is outside the proven range",
        "hint": "Measure from pole to pole again; rely on creatinine",
        "detail": {"kind": "length_outside_range", "length": detail["length"], "limit": 6.0},
    });
    assert_eq!(refused["refusal"], golden);
    let length = detail["length"].as_f64().unwrap();
    assert!((length - f64::from(phantom.truth.length_cm.0)).abs() < 0.05, "{length}");
}
