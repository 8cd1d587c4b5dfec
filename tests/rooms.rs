//! The house's walls: pure rooms use nothing of the operating system, edges never import each other.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The pure rooms, as files or folders below src/.
const PURE: [&str; 14] = [
    "crop.rs",
    "estimate.rs",
    "evaluate",
    "frame.rs",
    "freeze",
    "likeness.rs",
    "machine",
    "overlay",
    "panel",
    "phantom",
    "reading.rs",
    "refusal.rs",
    "trees.rs",
    "units.rs",
];

/// The files that call the system where there is no safe way to.
const UNSAFE: [&str; 17] = [
    "edge/capture/ioctl.rs",
    "edge/output.rs",
    "engine/kernel/amx.rs",
    "engine/kernel/avx2.rs",
    "engine/kernel/avx512.rs",
    "engine/kernel/crew.rs",
    "engine/kernel/dot.rs",
    "engine/kernel/even.rs",
    "engine/kernel/layer.rs",
    "engine/kernel/mod.rs",
    "engine/kernel/neon.rs",
    "engine/kernel/pages.rs",
    "engine/kernel/plain.rs",
    "engine/kernel/requantise.rs",
    "engine/kernel/tiles.rs",
    "packed/map.rs",
    "wide.rs",
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
    let edges = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/edge");
    for file in sources(&edges) {
        let inside = file.strip_prefix(&edges).unwrap();
        let room = format!("edge/{}", inside.display());
        check(&room, &["crate::app", "crate::edge", "tokio", "crate::ensemble"]);
        // Where `super` is the room of all edges.
        if inside.parent() == Some(Path::new("")) || inside.ends_with("mod.rs") {
            check(&room, &["super::"]);
        }
    }
}

#[test]
fn given_the_whole_source_expect_unsafe_in_the_few_files_for_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in sources(&source) {
        let room = file.strip_prefix(&source).unwrap().to_str().unwrap();
        if !UNSAFE.contains(&room) {
            check(room, &["unsafe "]);
        }
    }
}
