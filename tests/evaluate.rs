//! `sonogfr evaluate`: its figures against numpy, scipy and scikit-learn, its page, and tables that are none.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sonogfr")).arg("evaluate").args(arguments).output().unwrap()
}

fn evaluated(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Given two numbers or two lists of them, expect them within `off` of each other.
fn check_near(name: &str, found: &Value, expected: &Value, off: f64) {
    if let (Some(found), Some(expected)) = (found.as_array(), expected.as_array()) {
        assert_eq!(found.len(), expected.len(), "{name}");
        return found.iter().zip(expected).for_each(|(found, expected)| check_near(name, found, expected, off));
    }
    let (found, expected) = (found.as_f64().unwrap_or(f64::NAN), expected.as_f64().unwrap());
    assert!((found - expected).abs() <= off, "{name}: {found}, expected {expected}");
}

/// A table in a folder of its own.
fn table(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn given_a_table_expect_the_figures_that_numpy_scipy_and_scikit_learn_give() {
    let expected: Value = serde_json::from_slice(&fs::read(fixture("evaluation.json")).unwrap()).unwrap();
    let csv = fixture("evaluation.csv");
    let found = evaluated(&[csv.to_str().unwrap(), "--prevalence", "0.1"]);
    assert_eq!((&found["cases"], &found["patients"]), (&60.into(), &45.into()));
    for (name, value) in expected["figures"].as_object().unwrap() {
        check_near(name, &found[name], value, 1e-9);
        let [low, high] = [0, 1].map(|end| found["ci"][name][end].as_f64().unwrap());
        assert!(
            low <= value.as_f64().unwrap() + 1e-9 && value.as_f64().unwrap() <= high + 1e-9,
            "{name}: {low} {high}"
        );
    }
    assert_eq!(found["confusion"]["counts"], expected["confusion"]);
    // 2,000 draws tell an end to within a few hundredths of the interval's width; another generator drew 20,000.
    for (name, ends) in expected["bootstrap"].as_object().unwrap() {
        let width = ends[1].as_f64().unwrap() - ends[0].as_f64().unwrap();
        check_near(name, &found["ci"][name], ends, 0.06 * width);
    }
    // Patients who come twice are no independent cases.
    assert!(found["auc_delong"].is_null() && found["pearson_r_fisher"].is_null());
}

#[test]
fn given_one_picture_of_each_patient_expect_the_intervals_by_formula_too() {
    let expected: Value = serde_json::from_slice(&fs::read(fixture("evaluation.json")).unwrap()).unwrap();
    let text = fs::read_to_string(fixture("evaluation.csv")).unwrap();
    let (_folder, path) = table(&text.lines().take(46).collect::<Vec<_>>().join("\n"));
    let found = evaluated(&[path.to_str().unwrap()]);
    for name in ["auc", "auc_delong", "pearson_r_fisher"] {
        check_near(name, &found[name], &expected["single"][name], 1e-9);
    }
}

#[test]
fn given_the_figure_of_kuo_2019_expect_its_published_numbers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/kuo2019_scatter.csv");
    if !path.is_file() {
        return;
    }
    let found = evaluated(&[path.to_str().unwrap()]);
    // Source: the points of the authors' figure, and what they print beside it.
    for (name, value, off) in [
        ("mae", 17.57, 0.005),
        ("pearson_r", 0.7293, 0.00005),
        ("r2", 0.478, 0.0005),
        ("p30", 0.37, 0.005),
        ("slope", 0.38, 0.005),
        ("stage_exact", 0.30, 0.005),
    ] {
        check_near(name, &found[name], &value.into(), off);
    }
    let of = |stage: &str| {
        found["by_stage"].as_array().unwrap().iter().find(|row| row["stage"] == stage).unwrap()["bias"].clone()
    };
    check_near("bias in G5", &of("G5"), &12.0.into(), 0.5);
    check_near("bias in G1", &of("G1"), &(-61.0).into(), 0.5);
    assert!(found["brier"].is_null() && found["coverage"].is_null());
}

#[test]
fn given_the_same_table_and_seed_expect_the_same_line_and_page() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/report");
    let csv = fixture("evaluation.csv");
    let arguments = [csv.to_str().unwrap(), "--json", "--resamples", "100", "-o", out.to_str().unwrap()];
    let first = run(&arguments);
    let page = fs::read_to_string(out.join("evaluation.html")).unwrap();
    assert_eq!(
        (run(&arguments).stdout, fs::read_to_string(out.join("evaluation.html")).unwrap()),
        (first.stdout, page.clone())
    );
    assert_eq!(page.matches("<svg ").count(), 7);
    for part in ["Bland-Altman", "ROC", "Calibration", "KDIGO", "Error by category", "Coverage", "MAE"] {
        assert!(page.contains(part), "{part}");
    }
    // One page that needs nothing else.
    for outside in ["http:", "https:", "<script", "<link", "src=", "@import", "NaN"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn given_many_pictures_expect_the_intervals_of_some_and_the_dots_of_all() {
    let rows: String =
        (0..400).map(|n| format!("{},{},{},{}\n", n % 110 + 5, n % 70 + 20, n % 70, n % 70 + 45)).collect();
    let (folder, path) = table(&format!("true_egfr,pred_egfr,lo,hi\n{rows}"));
    let out = folder.path().join("report");
    run(&[path.to_str().unwrap(), "--resamples", "100", "-o", out.to_str().unwrap()]);
    let page = fs::read_to_string(out.join("evaluation.html")).unwrap();
    let scatter = page.split("<figure>").nth(1).unwrap();
    assert_eq!(scatter.matches("whisker faint").count(), 134);
    assert_eq!(scatter.matches("class=\"point\"").count(), 400);
}

#[test]
fn given_one_side_of_60_alone_expect_the_rest_and_a_word_on_what_is_undefined() {
    let (folder, path) = table("true_egfr,pred_egfr,p_ckd\n70,65,0.2\n80,75,0.6\n95,60,0.4\n");
    let out = folder.path().join("report");
    let found = evaluated(&[path.to_str().unwrap(), "-o", out.to_str().unwrap()]);
    assert!(found["auc"].is_null() && found["sensitivity"].is_null() && found["ci"]["auc"].is_null());
    check_near("specificity", &found["specificity"], &(2.0 / 3.0).into(), 1e-12);
    check_near("mae", &found["mae"], &15.0.into(), 1e-12);
    assert!(found["notes"][0].as_str().unwrap().contains("no true eGFR is below 60"), "{}", found["notes"]);
    assert!(!fs::read_to_string(out.join("evaluation.html")).unwrap().contains("NaN"));
    let (_folder, path) = table("true_egfr,pred_egfr\n50,50\n");
    let found = evaluated(&[path.to_str().unwrap()]);
    assert!(found["pearson_r"].is_null() && found["slope"].is_null() && found["limit_low"].is_null());
}

#[test]
fn given_a_table_that_cannot_be_used_expect_one_line_with_file_row_and_column() {
    let check = |text: &str, words: &[&str]| {
        let (folder, path) = table(text);
        let out = folder.path().join("report");
        let output = run(&[path.to_str().unwrap(), "--json", "-o", out.to_str().unwrap()]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
        assert!(output.stdout.is_empty() && !out.exists(), "{stderr}");
        for word in [&["table.csv"], words].concat() {
            assert!(stderr.contains(word), "{word} is not in: {stderr}");
        }
    };
    check("true_egfr,pred_egfr\n50,NaN\n", &["row 1 (line 2), column pred_egfr", "NaN"]);
    check("true_egfr,pred_egfr,lo,hi\n50,50,60,40\n", &["row 1 (line 2), column lo", "above hi"]);
    check("pred_egfr\n50\n", &["column true_egfr is missing"]);
    check("", &["is empty"]);
    let output = run(&["missing.csv"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("missing.csv: cannot be read"));
}
