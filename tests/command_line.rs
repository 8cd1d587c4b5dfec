//! The program as its users call it: good pictures, bad pictures, broken bundles.
#![allow(clippy::unwrap_used)]

use sonogfr::{app::opened, crop::CropSquare, edge::pictures, frame::Picture, phantom};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn demo_bundle() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo/demo.sonogfr")
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sonogfr")).args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Given these arguments, expect exit code 2, nothing on stdout, and one line on stderr that holds all of `words`.
fn check_error(arguments: &[&str], words: &[&str]) {
    let output = run(arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    // A cause that an error has in its own words is not told after it again.
    assert!(stderr.matches("(os error").count() <= 1, "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "{arguments:?}: {word} is not in: {stderr}");
    }
}

fn json(output: &Output) -> Vec<serde_json::Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A phantom's screen, written to `folder`, with its truth.
fn write_phantom(folder: &Path, index: u64) -> (PathBuf, phantom::Truth) {
    let phantom = phantom::draw(40, &phantom::patient(40, index), 1);
    let path = folder.join(format!("phantom-{index}.png"));
    pictures::save(&phantom.screen, &path).unwrap();
    (path, phantom.truth)
}

/// Where this fails, what tests start writes into the cache of whoever runs them: `.cargo/config.toml` was not read.
#[test]
fn given_the_environment_of_tests_expect_packed_forms_in_a_folder_of_the_tests() {
    let folder = env::var_os("CACHE_DIRECTORY").map(PathBuf::from);
    assert!(folder.is_some() && opened::folder() == folder, "{folder:?}");
}

#[test]
fn given_phantom_screens_expect_readings_with_all_that_the_contract_names() {
    let folder = tempfile::tempdir().unwrap();
    let truths: Vec<_> = (0..3).map(|index| write_phantom(folder.path(), index).1).collect();
    let readings = json(&run(&["read", text(folder.path()), "--json"]));
    assert_eq!(readings.len(), 3);
    for (reading, truth) in readings.iter().zip(truths) {
        assert_eq!((&reading["outcome"], &reading["demonstration"]), (&"measured".into(), &true.into()), "{reading}");
        let pair = reading["pairs"].as_array().unwrap().iter().find(|pair| pair["chosen"] == true).unwrap();
        for (key, expected) in
            [("x1", truth.ends[0].x), ("y1", truth.ends[0].y), ("x2", truth.ends[1].x), ("y2", truth.ends[1].y)]
        {
            assert!((pair[key].as_f64().unwrap() - f64::from(expected)).abs() <= 1.0, "{key} in {reading}");
        }
        let estimate = &reading["estimate"];
        assert_eq!(estimate["members"].as_array().unwrap().len(), 10);
        let interval = estimate["interval"].as_array().unwrap();
        let egfr = estimate["egfr"].as_f64().unwrap();
        assert!(interval[0].as_f64().unwrap() <= egfr && egfr <= interval[1].as_f64().unwrap());
        assert_eq!(estimate["bundle"]["demonstration"], true);
        for key in ["coverage", "p_ckd", "ckd", "stage"] {
            assert!(!estimate[key].is_null(), "{key}");
        }
    }
}

#[test]
fn given_a_human_reading_expect_every_line_to_say_demonstration_and_no_colour_in_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, _) = write_phantom(folder.path(), 0);
    let panel = folder.path().join("panel.png");
    let output = run(&["read", text(&picture), "--panel", text(&panel)]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && stdout.contains("confirm by creatinine"), "{stdout}");
    assert!(stdout.lines().all(|line| line.starts_with("DEMONSTRATION")), "{stdout}");
    assert!(!stdout.contains('\u{1b}'));
    let panel = pictures::open(&panel).unwrap();
    assert_eq!((panel.width(), panel.height()), (800, 480));
}

#[test]
fn given_a_picture_to_explain_expect_it_drawn_with_a_strip_below_and_only_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, _) = write_phantom(folder.path(), 0);
    let out = folder.path().join("explained.png");
    assert!(run(&["inspect", text(&picture), "--explain", text(&out)]).status.success());
    let explained = pictures::open(&out).unwrap();
    assert!(explained.width() == 960 && explained.height() > 720);
    check_error(&["inspect", text(&picture), text(&picture), "--explain", text(&out)], &["--explain", "give one"]);
}

#[test]
fn given_a_picture_without_calipers_expect_a_refusal_and_exit_code_0() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grey.png");
    pictures::save(&Picture::filled(320, 240, [40; 3]), &path).unwrap();
    for arguments in [&["inspect", text(&path), "--json"][..], &["read", text(&path), "--json"]] {
        let line = &json(&run(arguments))[0];
        assert_eq!(line["outcome"], "refused");
        assert_eq!(line["refusal"]["reason"], "No calipers seen");
        assert!(line["estimate"].is_null() && line["ruler"].is_null() && line["length"].is_null());
    }
}

#[test]
fn given_whatever_is_plugged_in_expect_devices_to_list_it_in_three_parts() {
    let output = run(&["devices"]);
    assert!(output.status.success());
    let stdout = String::from_utf8(output.stdout).unwrap();
    let heads: Vec<_> = stdout.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(heads.len(), 3, "{stdout}");
}

#[test]
fn given_a_phantom_expect_crop_to_write_exactly_what_the_networks_see() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, truth) = write_phantom(folder.path(), 1);
    let out = folder.path().join("crop.png");
    assert!(run(&["crop", text(&picture), "-o", text(&out), "--size", "128"]).status.success());
    let expected = CropSquare::between(truth.ends).unwrap().cut(pictures::open(&picture).unwrap().frame(), 128);
    assert!(pictures::open(&out).unwrap() == expected);
}

#[test]
fn given_a_disk_that_is_full_midway_expect_one_line_and_no_half_of_a_crop() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, _) = write_phantom(folder.path(), 1);
    let out = folder.path().join("crop.png");
    // No file may grow beyond some kilobytes; told so by an error, not by a signal.
    let limited = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited, env!("CARGO_BIN_EXE_sonogfr"), "crop", text(&picture), "-o", text(&out)]);
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
    assert!(stderr.contains("crop.png: cannot be written") && stderr.contains("free space"), "{stderr}");
    assert!(!out.exists());
}

#[test]
fn given_many_pictures_expect_inspect_to_cut_the_crops_of_those_that_are_measured_as_crop_does() {
    let folder = tempfile::tempdir().unwrap();
    let (at, crops) = (|name: &str| folder.path().join(name), folder.path().join("new/crops"));
    let [(first, _), (last, _)] = [2, 3].map(|index| write_phantom(folder.path(), index));
    let black = Picture::from_rgb(vec![0; 3 * 320 * 240], 320, 240).unwrap();
    pictures::save(&black, &at("black.png")).unwrap();
    let shown = json(&run(&[
        "inspect",
        text(&first),
        text(&at("black.png")),
        text(&last),
        "--crops",
        text(&crops),
        "--size",
        "96",
        "--json",
    ]));
    let outcomes: Vec<_> = shown.iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["measured", "refused", "measured"]);
    assert_eq!(fs::read_dir(&crops).unwrap().count(), 2);
    for (picture, name) in [(first, "000000.png"), (last, "000002.png")] {
        assert!(run(&["crop", text(&picture), "-o", text(&at("one.png")), "--size", "96"]).status.success());
        assert!(fs::read(crops.join(name)).unwrap() == fs::read(at("one.png")).unwrap(), "{name}");
    }
}

#[test]
fn given_bad_picture_files_expect_one_line_each_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (good, _) = write_phantom(folder.path(), 0);
    fs::write(at("words.png"), "no picture").unwrap();
    fs::write(at("cut.png"), &fs::read(&good).unwrap()[..9000]).unwrap();
    fs::write(at("huge.png"), huge_png_header()).unwrap();
    fs::create_dir(at("empty")).unwrap();
    check_error(
        &["inspect", text(&at("missing.png"))],
        &["missing.png", "cannot be opened", "No such", "check the path"],
    );
    check_error(&["inspect", text(&at("words.png")), "--json"], &["words.png", "not a PNG or JPEG"]);
    check_error(&["inspect", text(&at("cut.png"))], &["cut.png", "cut-off"]);
    check_error(&["inspect", text(&at("huge.png"))], &["huge.png", "65000 x 65000"]);
    check_error(&["inspect", text(&at("empty"))], &["empty", "no PNG or JPEG"]);
    check_error(&["read", text(&at("words.png")), text(&good), "--panel", "p.png"], &["--panel", "give one"]);
}

/// The start of a PNG of 65,000 x 65,000 pixels, with right checksums and no pixels.
fn huge_png_header() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    for side in [65_000_u32, 65_000] {
        bytes.extend(side.to_be_bytes());
    }
    bytes.extend([8, 2, 0, 0, 0]);
    let checksum = crc32(&bytes[12..]);
    bytes.extend(checksum.to_be_bytes());
    bytes.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}

#[test]
fn given_one_bad_picture_in_a_list_expect_the_others_read_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = write_phantom(folder.path(), 0);
    let (last, _) = write_phantom(folder.path(), 1);
    let bad = folder.path().join("bad.png");
    fs::write(&bad, "no picture").unwrap();
    let output = run(&["inspect", text(&first), text(&bad), text(&last), "--json"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 2);
    assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 1);
}

#[test]
fn given_pictures_of_other_depths_expect_the_same_markers() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = write_phantom(folder.path(), 2);
    let rgb = image::open(&path).unwrap();
    let expected = json(&run(&["inspect", text(&path), "--json"]))[0]["pairs"].clone();
    for (name, other) in [
        ("rgb16.png", image::DynamicImage::from(rgb.to_rgb16())),
        ("rgba8.png", rgb.to_rgba8().into()),
        ("rgba16.png", rgb.to_rgba16().into()),
    ] {
        let path = folder.path().join(name);
        other.save(&path).unwrap();
        assert_eq!(json(&run(&["inspect", text(&path), "--json"]))[0]["pairs"], expected, "{name}");
    }
    let grey = folder.path().join("grey16.png");
    rgb.to_luma16().save(&grey).unwrap();
    assert!(!json(&run(&["inspect", text(&grey), "--json"]))[0]["outcome"].is_null());
}

#[test]
fn given_bad_bundles_expect_one_line_naming_file_and_cause() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, _) = write_phantom(folder.path(), 0);
    let good = fs::read(demo_bundle()).unwrap();
    let check = |name: &str, bytes: &[u8], words: &[&str]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        check_error(&["read", text(&picture), "--bundle", text(&path), "--json"], &[&[name], words].concat());
    };
    let mut flipped = good.clone();
    // Well inside the first network.
    flipped[1_000_000] ^= 1;
    let newer = String::from_utf8_lossy(&good[512..]).find("\"format\":1").unwrap() + 512 + "\"format\":".len();
    let mut from_newer = good.clone();
    from_newer[newer] = b'2';
    check("cut.sonogfr", &good[..good.len() / 3], &["cut off"]);
    check("flipped.sonogfr", &flipped, &["hash"]);
    check("newer.sonogfr", &from_newer, &["format 2", "reads 1"]);
    check("words.sonogfr", b"no bundle at all", &["no bundle"]);
    check("empty.sonogfr", b"", &["no bundle"]);
    let missing = folder.path().join("missing.sonogfr");
    check_error(&["read", text(&picture), "--bundle", text(&missing)], &["missing.sonogfr", "cannot be read"]);
    check_error(&["bundle", "info", text(&missing)], &["missing.sonogfr"]);
}

#[test]
fn given_the_demonstration_bundle_expect_it_in_order_small_and_marked() {
    let bundle = demo_bundle();
    assert!(fs::metadata(&bundle).unwrap().len() <= 30_000_000);
    assert!(run(&["bundle", "check", text(&bundle)]).status.success());
    let info = String::from_utf8(run(&["bundle", "info", text(&bundle)]).stdout).unwrap();
    assert!(info.contains("DEMONSTRATION") && info.contains("phantom") && info.contains("sha256"), "{info}");
}

#[test]
fn given_what_a_bundle_was_unpacked_to_expect_it_built_again_to_the_byte_and_a_broken_table_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (parts, again) = (folder.path().join("parts"), folder.path().join("again.sonogfr"));
    let good = fs::read(demo_bundle()).unwrap();
    tar::Archive::new(good.as_slice()).unpack(&parts).unwrap();
    assert!(run(&["bundle", "build", text(&parts), "-o", text(&again)]).status.success());
    assert!(fs::read(&again).unwrap() == good);
    let table = parts.join("members/3.trees");
    let cut = fs::read(&table).unwrap();
    fs::write(&table, &cut[..cut.len() - 1]).unwrap();
    check_error(&["bundle", "build", text(&parts), "-o", text(&again)], &["members/3.trees", "bytes"]);
    assert!(fs::read(&again).unwrap() == good);
}

#[test]
fn given_a_bundle_to_time_expect_what_runs_it_and_what_it_takes() {
    let line = &json(&run(&["bench", text(&demo_bundle()), "--reps", "1", "--json"]))[0];
    assert!(line["kernel"].as_str().unwrap().starts_with("int8 by "), "{line}");
    for key in ["cpu_ms_median", "wall_ms_median", "wall_ms_min", "load_ms", "load_cpu_ms", "rss_mib", "gmac_per_s"] {
        assert!(line[key].as_f64().unwrap() > 0.0, "{key} in {line}");
    }
    check_error(&["bench", text(&demo_bundle()), "--engine", "tract"], &["demo.sonogfr", "name one of its networks"]);
    check_error(&["bench", "missing.onnx"], &["missing.onnx"]);
}

#[test]
fn given_a_demonstration_expect_panels_animation_journal_and_the_truth_beside_the_reading() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["demo", "-o", text(folder.path())]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(stdout.contains("confirm by creatinine") && stdout.contains("truth"), "{stdout}");
    let names: Vec<String> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    for ending in ["live.png", "measuring.png", "result.png", "exam.gif", "journal.jsonl"] {
        assert!(names.iter().any(|name| name.ends_with(ending)), "{ending} in {names:?}");
    }
    let journal = fs::read_to_string(folder.path().join("journal.jsonl")).unwrap();
    assert_eq!(journal.lines().count(), 1, "{journal}");
}

#[test]
fn given_a_population_expect_pictures_crops_and_truth_that_gives_egfr_back() {
    let folder = tempfile::tempdir().unwrap();
    let out = text(folder.path());
    let output = run(&["phantom", "--count", "5", "--seed", "3", "-o", out, "--crops"]);
    assert!(String::from_utf8(output.stdout).unwrap().contains("best reachable r"));
    let truth = fs::read_to_string(folder.path().join("truth.jsonl")).unwrap();
    assert_eq!(truth.lines().count(), 5);
    for line in truth.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()) {
        let number = |key: &str| line[key].as_f64().unwrap();
        let female = if line["sex"] == "F" { 0.742 } else { 1.0 };
        let mdrd = 186.0 * number("creatinine_mg_dl").powf(-1.154) * number("age").powf(-0.203) * female;
        assert!((mdrd - number("egfr")).abs() < 0.01, "{line}");
        for key in ["picture", "crop"] {
            assert!(pictures::open(&folder.path().join(line[key].as_str().unwrap())).is_ok());
        }
    }
}

#[test]
fn given_phantoms_without_calipers_expect_each_refused_for_want_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["phantom", "--count", "4", "--seed", "3", "--no-calipers", "-o", text(folder.path())]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let truth = fs::read_to_string(folder.path().join("truth.jsonl")).unwrap();
    assert_eq!((truth.lines().count(), truth.matches(r#""calipers":false"#).count()), (4, 4), "{truth}");
    let readings = json(&run(&["inspect", text(&folder.path().join("screens")), "--json"]));
    assert_eq!(readings.len(), 4);
    for reading in readings {
        let seen = (&reading["outcome"], &reading["refusal"]["reason"]);
        assert_eq!(seen, (&"refused".into(), &"No calipers seen".into()), "{reading}");
    }
    let both = ["phantom", "--count", "1", "--seed", "3", "--no-calipers", "--crops", "-o", text(folder.path())];
    assert_eq!(run(&both).status.code(), Some(2), "a crop is cut between markers");
}

#[test]
fn given_a_count_of_carts_expect_as_many_screens_as_their_truth_says() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["carts", "--count", "6", "--seed", "9", "--out", text(folder.path())]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let truth = fs::read_to_string(folder.path().join("truth.jsonl")).unwrap();
    assert_eq!(truth.lines().count(), 6);
    for line in truth.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let screen = pictures::open(&folder.path().join(line["picture"].as_str().unwrap())).unwrap();
        assert_eq!(
            (line["width"].as_u64(), line["height"].as_u64()),
            (Some(screen.width() as u64), Some(screen.height() as u64))
        );
        assert_eq!(line["expected"] == "refused", !line["reason"].is_null(), "{line}");
    }
}

#[test]
fn given_a_reader_that_has_gone_expect_every_command_to_end_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, _) = write_phantom(folder.path(), 0);
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/evaluation.csv");
    let demo = demo_bundle();
    let out = folder.path().join("phantoms");
    for arguments in [
        &["bundle", "info", text(&demo)][..],
        &["bundle", "check", text(&demo)],
        &["inspect", text(&picture), "--json"],
        &["inspect", text(&picture)],
        &["read", text(&picture)],
        &["evaluate", text(&table), "--resamples", "100"],
        &["phantom", "--count", "1", "--seed", "1", "-o", text(&out)],
        &["devices"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_sonogfr")).args(arguments).stdout(writer).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.is_empty() && output.status.code() != Some(101), "{arguments:?}: {:?} {stderr}", output.status);
    }
}
