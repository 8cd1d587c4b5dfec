//! The house's walls: pure rooms use nothing of the operating system, edges never import each other.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The pure rooms, as files or folders below src/.
const PURE: [&str; 12] = [
    "crop.rs",
    "estimate.rs",
    "frame.rs",
    "freeze",
    "machine",
    "overlay",
    "panel",
    "phantom",
    "reading.rs",
    "refusal.rs",
    "trees.rs",
    "units.rs",
];

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    entries.flat_map(|entry| sources(&entry.unwrap().path())).collect()
}

fn check(room: &str, forbidden: &[&str]) {
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room)) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for (number, line) in code.enumerate() {
            for word in forbidden {
                assert!(!line.contains(word), "{}: code line {}: {word}", file.display(), number + 1);
            }
        }
    }
}

#[test]
fn given_a_pure_room_expect_no_system_no_thread_no_edge() {
    for room in PURE {
        check(
            room,
            &["std::", "tokio", "tracing", "tract_", "crate::edge", "crate::app", "crate::ensemble", "crate::bundle"],
        );
    }
}

#[test]
fn given_an_edge_expect_it_to_know_no_other_edge_and_not_the_app() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let edges: Vec<PathBuf> = fs::read_dir(src.join("edge")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let name = |edge: &Path| edge.file_stem().unwrap().to_str().unwrap().to_owned();
    for edge in &edges {
        let others = edges.iter().filter(|other| *other != edge).map(|other| name(other));
        let mut forbidden: Vec<String> =
            others.flat_map(|other| ["super", "edge"].map(|above| format!("{above}::{other}"))).collect();
        forbidden.extend(["crate::app", "crate::edge::{", "tokio", "crate::ensemble"].map(String::from));
        // The files of a folder are one edge and may look up to each other.
        if edge.is_file() {
            forbidden.push("super::".into());
        }
        let forbidden: Vec<&str> = forbidden.iter().map(String::as_str).collect();
        check(edge.strip_prefix(&src).unwrap().to_str().unwrap(), &forbidden);
    }
}

#[test]
fn given_the_whole_source_expect_unsafe_nowhere() {
    check("", &["unsafe "]);
}
