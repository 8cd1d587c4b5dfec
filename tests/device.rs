//! The pipeline of the device, from a scripted cart to what the panel shows and the journal keeps.
#![allow(clippy::unwrap_used)]
#![allow(missing_docs, reason = "a test")]

use sonogfr::{
    app::{
        bundles,
        device::{self, Equipment, health::Health},
        reader::Reader,
        team::Team,
    },
    edge::{
        capture::{Delivery, FrameSource, Link},
        journal::Journal,
    },
    frame::Picture,
    machine::{BundleUsed, Missing, State},
    phantom::{self, cine::Exam},
    reading::Reading,
};
use std::{
    path::Path,
    sync::{
        LazyLock,
        mpsc::{Receiver, Sender, channel},
    },
};

/// Loaded once for all tests of this file.
static JUDGES: LazyLock<(Reader, Team)> = LazyLock::new(|| (Reader::open().unwrap(), bundles::team(None).unwrap()));

/// What a scripted cart does next.
enum Step {
    Frame(Picture),
    /// The last frame again until the panel has shown this state.
    HoldUntil(&'static str),
    Silent(Missing),
    Panic,
}

/// The frames of the exam of phantom `patient`, the last one held until its result is shown.
fn exam(patient: u64) -> Vec<Step> {
    let frames = Exam::new(7, &phantom::patient(7, patient)).map(|(_, picture)| Step::Frame(picture));
    frames.chain([Step::HoldUntil("result")]).collect()
}

/// A cart that plays its script; what the panel shows reaches it through `shown`.
struct Cart {
    script: std::vec::IntoIter<Step>,
    last: Option<Picture>,
    shown: Receiver<&'static str>,
}

/// Far more frames than any answer takes.
const HOLD_MAX: u32 = 100_000;

impl FrameSource for Cart {
    fn next(&mut self) -> Delivery<'_> {
        match self.script.next() {
            None => return Delivery::Ended,
            Some(Step::Frame(picture)) => self.last = Some(picture),
            Some(Step::Silent(Missing::Signal)) => return Delivery::NoSignal,
            Some(Step::Silent(Missing::Grabber)) => return Delivery::NoDevice,
            Some(Step::Panic) => panic!("a scripted panic"),
            Some(Step::HoldUntil(state)) => {
                assert!(self.shown.iter().take(HOLD_MAX as usize).any(|shown| shown == state), "{state} never came");
            }
        }
        self.last.as_ref().map_or(Delivery::Waiting, |picture| Delivery::Frame(picture.frame()))
    }

    fn link(&self) -> Option<Link> {
        None
    }
}

/// Runs a script: the states shown, each once in a row, and what came of it.
fn play(script: Vec<Step>, journal: &Path) -> (Vec<&'static str>, anyhow::Result<Option<Reading>>) {
    let (told, shown): (Sender<&'static str>, _) = channel();
    let source = Cart { script: script.into_iter(), last: None, shown };
    let (reader, team) = &*JUDGES;
    let health = Health::default();
    let journal = Journal::open(journal).unwrap();
    let mut states: Vec<&'static str> = Vec::new();
    // Whatever happens, it stays said.
    let bundle = BundleUsed::Previous;
    let show = |state: &State| {
        assert_eq!(state.bundle, bundle);
        states.extend(Some(state.phase.name()).filter(|name| states.last() != Some(name)));
        let _over = told.send(state.phase.name());
    };
    let equipment = Equipment { source, reader, team, bundle, journal, inputs: None, health: &health };
    let ended = device::run(equipment, show, || {});
    (states, ended)
}

/// The lines of a journal, as values.
fn lines(journal: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(journal).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn given_two_exams_with_the_signal_lost_between_expect_each_read_once_and_no_stale_result() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.jsonl");
    let mut script = exam(0);
    script.extend([Step::Silent(Missing::Signal), Step::Silent(Missing::Signal), Step::Silent(Missing::Grabber)]);
    script.extend(exam(1));
    let (states, ended) = play(script, &journal);
    assert!(ended.unwrap().is_some());
    let exam = ["live", "frozen", "measuring", "result"];
    // Only one caliper was set when the overlay first rested, which is said.
    let said: Vec<_> = states.into_iter().filter(|state| *state != "refusal").collect();
    let expected = [&["no-signal"][..], &exam, &["no-signal", "no-grabber"], &exam, &["no-signal"]].concat();
    assert_eq!(said, expected);
    let lengths: Vec<_> = lines(&journal).iter().map(|line| line["pairs"][0]["length_px"].as_f64().unwrap()).collect();
    let truths = [0, 1].map(|patient| {
        let [a, b] = Exam::new(7, &phantom::patient(7, patient)).truth().ends;
        f64::from(a.distance(b))
    });
    assert_eq!(lengths.len(), 2);
    assert!(lengths.iter().zip(truths).all(|(found, truth)| (found - truth).abs() < 1.0), "{lengths:?} {truths:?}");
}

#[test]
fn given_a_journal_on_a_full_disk_expect_no_result_a_fault_shown_and_an_error_that_names_it() {
    let mut script = exam(0);
    script.pop();
    script.push(Step::HoldUntil("fault"));
    let (states, ended) = play(script, Path::new("/dev/full"));
    assert!(!states.contains(&"result"), "{states:?}");
    assert_eq!(states.last(), Some(&"fault"));
    let error = format!("{:#}", ended.unwrap_err());
    assert!(error.starts_with("journal /dev/full: cannot be written"), "{error}");
}

#[test]
fn given_a_capture_that_dies_expect_a_fault_shown_and_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let script = vec![Step::Frame(Picture::filled(320, 240, [9; 3])), Step::Panic];
    let (states, ended) = play(script, &folder.path().join("journal.jsonl"));
    assert_eq!(states.last(), Some(&"fault"));
    assert_eq!(ended.unwrap_err().to_string(), "the capture thread panicked; see the message before this line");
}
