//! Bundles that say what their training pictures are like, and how right their probabilities were.
//!
//! The network of `fixtures/make_length_networks.py`: eGFR is 10 x length - 30, features are the means of the crop's colours.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use sonogfr::{bundle, edge::pictures, phantom};
use std::{fs, path::Path, process::Command};

const FEATURES: usize = 3;

/// Builds a bundle of one member with these additions to its rules and its member. *Errors*: in the program's words.
fn build(folder: &Path, rules: &Value, member: &Value) -> Result<std::path::PathBuf, String> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::copy(fixtures.join("length_right.onnx"), folder.join("0.onnx")).unwrap();
    fs::copy(fixtures.join("length_trees.json"), folder.join("0.json")).unwrap();
    let mut manifest = json!({
        "format": 1, "name": "likeness", "purpose": "a test", "demonstration": true, "card": "made by hand",
        "input": {"size": 32, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "length": true},
        "feature_count": FEATURES, "members": [{"network": "0.onnx", "trees": "0.json"}],
        "rules": {
            "coverage": 0.9, "intervals": [{"up_to": 120.0, "below": -20.0, "above": 20.0, "count": 9}],
            "reportable": [5.0, 120.0], "likely_from": 0.8, "unlikely_to": 0.2, "spread_limit": 1.0,
            "length_cm": [7.0, 14.0],
        },
    });
    let add = |to: &mut Value, more: &Value| to.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    add(&mut manifest["rules"], rules);
    add(&mut manifest["members"][0], member);
    fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
    let file = folder.join("likeness.sonogfr");
    bundle::build(folder).map_err(|error| error.to_string())?.write(&file).unwrap();
    Ok(file)
}

/// What `read --json` says of a phantom, by a bundle with these additions.
fn read(rules: &Value, member: &Value) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let bundle = build(folder.path(), rules, member).unwrap();
    let picture = folder.path().join("phantom.png");
    pictures::save(&phantom::draw(40, &phantom::patient(40, 0), 1).screen, &picture).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_sonogfr"));
    // Its packed form goes as the bundle goes.
    program.env("CACHE_DIRECTORY", folder.path());
    let output = program.arg("read").arg(&picture).arg("--bundle").arg(&bundle).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn likeness(mean: f32) -> Value {
    json!({"likeness": {"mean": vec![mean; FEATURES], "axes": [[0.6, 0.8, 0.0]], "rest": 1.0, "count": 90}})
}

#[test]
fn given_a_picture_near_the_trainings_expect_the_same_numbers_and_far_from_them_a_refusal() {
    let plain = read(&json!({}), &json!({}));
    let near = read(&json!({"distance_limit": 50.0}), &likeness(0.0));
    for field in ["egfr", "interval", "p_ckd", "ckd"] {
        assert_eq!(near["estimate"][field], plain["estimate"][field], "{field}");
    }
    assert!(near["estimate"]["members"][0]["distance"].as_f64().unwrap() < 50.0);
    assert!(plain["estimate"]["members"][0].get("distance").is_none());
    let far = read(&json!({"distance_limit": 50.0}), &likeness(-900.0));
    assert_eq!((&far["outcome"], &far["estimate"]), (&json!("refused"), &Value::Null));
    assert_eq!(far["refusal"]["detail"]["kind"], "unlike_training");
    // A bundle may be proven on other pictures than it was trained on.
    assert_eq!(far["refusal"]["reason"], "Unlike the pictures it was proven on");
}

#[test]
fn given_a_fit_expect_the_probability_made_right() {
    let plain = read(&json!({}), &json!({}))["estimate"]["p_ckd"].as_f64().unwrap();
    let fit = json!({"probability": {"slope": 0.5, "intercept": 1.0, "count": 90}});
    let fitted = read(&fit, &json!({}))["estimate"]["p_ckd"].as_f64().unwrap();
    let wanted = 1.0 / (1.0 + (-(0.5 * (plain / (1.0 - plain)).ln() + 1.0)).exp());
    assert!((fitted - wanted).abs() < 1e-5, "{plain} became {fitted}, not {wanted}");
}

#[test]
fn given_statistics_that_do_not_fit_expect_the_field_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = |rules, member| build(folder.path(), &rules, &member).unwrap_err();
    let limit = || json!({"distance_limit": 2.0});
    let short = json!({"likeness": {"mean": [0.0], "axes": [], "rest": 1.0, "count": 90}});
    for (rules, member) in [(limit(), json!({})), (json!({}), likeness(0.0)), (limit(), short)] {
        assert!(said(rules, member).contains("members.likeness must fit"));
    }
    assert!(said(json!({"distance_limit": -1.0}), likeness(0.0)).contains("distance_limit must be above 0"));
    let turned = json!({"probability": {"slope": -0.5, "intercept": 1.0, "count": 90}});
    assert!(said(turned, json!({})).contains("probability needs a slope above 0"));
}
