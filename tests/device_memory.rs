//! The memory of a device that runs for long.
#![allow(clippy::unwrap_used)]
#![allow(missing_docs, reason = "a test")]

use sonogfr::{
    app::{
        bundles,
        device::{self, Equipment, health::Health},
        reader::Reader,
    },
    edge::{
        capture::{Delivery, FrameSource, Link},
        journal::Journal,
    },
    frame::Picture,
    machine::BundleUsed,
    phantom::{self, cine::Exam},
};
use std::sync::mpsc::{Sender, channel};

/// Resident memory in bytes. *Source*: proc(5), `/proc/pid/statm`, pages of 4 kB on the machines that tests run on.
fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap() * 4096
}

/// One exam after another as fast as they are taken.
struct Endless {
    frames: Vec<Picture>,
    left: usize,
    measured_after: usize,
    resident: Sender<usize>,
}

impl FrameSource for Endless {
    fn next(&mut self) -> Delivery<'_> {
        if self.left == 0 {
            return Delivery::Ended;
        }
        self.left -= 1;
        if self.left.is_multiple_of(self.measured_after) {
            self.resident.send(resident_bytes()).unwrap();
        }
        Delivery::Frame(self.frames[self.left % self.frames.len()].frame())
    }

    fn link(&self) -> Option<Link> {
        None
    }
}

/// `SONOGFR_FRAMES=200000 cargo test --release --test device_memory -- --nocapture` plays so many instead of a few.
#[test]
fn given_frames_without_end_expect_memory_to_stay_flat() {
    let count = std::env::var("SONOGFR_FRAMES").map_or(4000, |count| count.parse().unwrap());
    let mut frames: Vec<Picture> = Exam::new(7, &phantom::patient(7, 2)).map(|(_, picture)| picture).collect();
    // They are played from the end.
    frames.reverse();
    let (resident, measured) = channel();
    let source = Endless { frames, left: count, measured_after: count / 8, resident };
    let (reader, team) = (&Reader::open().unwrap(), &bundles::team(None).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("journal.jsonl")).unwrap();
    let health = Health::default();
    let bundle = BundleUsed::Installed;
    let equipment = Equipment { source, reader, team, bundle, journal, inputs: None, health: &health };
    device::run(equipment, |_| {}, || {}).unwrap();
    let resident: Vec<usize> = measured.iter().map(|bytes| bytes >> 20).collect();
    println!("{count} frames, resident MiB after each eighth: {resident:?}");
    // What the allocator keeps varies; a leak of one picture in a hundred frames would be 40 MiB in the second half of the few.
    let (first, last) = (resident[resident.len() / 2], resident[resident.len() - 1]);
    assert!(last <= first + 8, "{resident:?}");
}
