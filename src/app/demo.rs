//! `sonogfr demo`: a phantom exam through the pipeline of the device.

use super::{
    PANEL_SIZE, bundles,
    device::{self, Equipment, health::Health},
    draw_panel, print,
    reader::Reader,
};
use crate::{
    crop,
    edge::{
        capture::{Delivery, FrameSource, Link},
        journal::Journal,
        pictures,
    },
    frame::Picture,
    machine::{BundleUsed, Phase, State},
    phantom::{self, cine::Exam, patient::Patient},
    refusal::Refusal,
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::Path,
    sync::{
        Mutex,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

/// Time from one frame of the exam to the next.
const FRAME_TIME: Duration = Duration::from_millis(66);
/// Frames for which the measured picture is held for a result at most: half a minute.
const HOLD_FRAMES_MAX: u32 = 450;
/// How long the animation shows the result.
const RESULT_SHOWN: Duration = Duration::from_secs(3);
/// Width and height of the cart's picture and of the panel in the animation.
const CART_SIZE: (usize, usize) = (480, 360);
const SMALL_PANEL_SIZE: (usize, usize) = (480, 320);

/// What the animation shows from some moment on.
enum Scene {
    Cart(Picture),
    Panel(Picture),
}

type Recording = Mutex<Vec<(Instant, Scene)>>;

const UNPOISONED: &str = "no thread panics while it records";

/// The exam's frames at their pace, the last one held until the result is shown.
struct Cart<'a> {
    frames: std::vec::IntoIter<Picture>,
    last: Option<Picture>,
    held: u32,
    answered: bool,
    answers: Receiver<bool>,
    recording: &'a Recording,
}

impl FrameSource for Cart<'_> {
    fn next(&mut self) -> Delivery<'_> {
        // Waiting for an answer paces the frames.
        let next_at = Instant::now() + FRAME_TIME;
        while let Ok(answered) = self.answers.recv_timeout(next_at.saturating_duration_since(Instant::now())) {
            self.answered = answered;
        }
        match self.frames.next() {
            Some(frame) => {
                let scene = Scene::Cart(small(&frame, CART_SIZE));
                self.recording.lock().expect(UNPOISONED).push((Instant::now(), scene));
                self.last = Some(frame);
            }
            None => self.held += 1,
        }
        match &self.last {
            Some(frame) if !self.answered && self.held < HOLD_FRAMES_MAX => Delivery::Frame(frame.frame()),
            _ => Delivery::Ended,
        }
    }

    fn link(&self) -> Option<Link> {
        None
    }
}

/// Plays the exam of a phantom of population `seed`; leaves panel pictures, an animation and the journal in `folder`.
pub fn play(seed: u64, bundle: Option<&Path>, profiles: Option<&Path>, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    let reader = Reader::open()?.with_profiles(profiles);
    let team = bundles::team(bundle)?;
    let patient = phantom::patient(seed, 0);
    let mut exam = Exam::new(seed, &patient);
    let frames: Vec<Picture> = exam.by_ref().map(|(_, picture)| picture).collect();
    let journal = folder.join("journal.jsonl");
    // Each demonstration starts a journal of its own; it holds phantoms only.
    if journal.exists() {
        fs::remove_file(&journal).with_context(|| format!("{}: cannot be replaced", journal.display()))?;
    }
    let recording = Recording::default();
    let (answered, answers) = channel();
    if let Some(last) = frames.last() {
        pictures::save(last, &folder.join("cart.png"))?;
    }
    let cart =
        Cart { frames: frames.into_iter(), last: None, held: 0, answered: false, answers, recording: &recording };
    let mut shown: Vec<(&'static str, Picture)> = Vec::new();
    let show = |state: &State| {
        // That the exam's signal ends is no news; the animation ends with the answer.
        if !(matches!(state.phase, Phase::NoSignal(_)) && state.look > 0) {
            let panel = draw_panel(state, SMALL_PANEL_SIZE);
            recording.lock().expect(UNPOISONED).push((Instant::now(), Scene::Panel(panel)));
        }
        keep_panel(&mut shown, state);
        // The source may have ended by itself; then nobody listens.
        let _ended = answered.send(is_answer(&state.phase));
    };
    let (journal, health) = (Journal::open(&journal)?, Health::default());
    let bundle = BundleUsed::Installed;
    let equipment =
        Equipment { source: cart, reader: &reader, team: &team, bundle, journal, inputs: None, health: &health };
    let reading = device::run(equipment, show, || {})?;
    let files = save_panels(&shown, folder)?;
    let animation = folder.join("exam.gif");
    animate(recording.into_inner().expect(UNPOISONED), &animation)?;
    if let Some(reading) = &reading {
        print::reading(&mut std::io::stdout().lock(), reading)?;
    }
    print_truth(&patient, &exam);
    println!("panel pictures: {}", files.join(", "));
    println!("all of it, with the animation exam.gif and the journal: {}", folder.display());
    Ok(())
}

/// Whether a phase answers the exam. That a caliper is missing only says that the sonographer is not done.
fn is_answer(phase: &Phase) -> bool {
    match phase {
        Phase::Result { .. } | Phase::Fault(_) => true,
        Phase::Refused(refusal) => !matches!(refusal, Refusal::PartnerMissing),
        Phase::Starting { .. } | Phase::NoSignal(_) | Phase::Live | Phase::Frozen | Phase::Measuring { .. } => false,
    }
}

/// Keeps the panel of each kind of state, the latest of those that look alike; measuring half-way, to show its progress.
fn keep_panel(shown: &mut Vec<(&'static str, Picture)>, state: &State) {
    if matches!(state.phase, Phase::Measuring { done, members, .. } if done * 2 > members) {
        return;
    }
    let name = state.phase.name();
    let picture = draw_panel(state, PANEL_SIZE);
    match shown.iter_mut().find(|(other, _)| *other == name) {
        Some((_, older)) => *older = picture,
        None => shown.push((name, picture)),
    }
}

fn save_panels(shown: &[(&'static str, Picture)], folder: &Path) -> Result<Vec<String>> {
    let save = |(number, (name, picture)): (usize, &(&str, Picture))| -> Result<String> {
        let file = format!("panel-{}-{name}.png", number + 1);
        pictures::save(picture, &folder.join(&file))?;
        Ok(file)
    };
    shown.iter().enumerate().map(save).collect()
}

fn small(picture: &Picture, (width, height): (usize, usize)) -> Picture {
    crop::resize(picture.frame(), width, height)
}

/// Puts the cart's screen and the panel side by side as they were at each moment.
fn animate(mut recorded: Vec<(Instant, Scene)>, path: &Path) -> Result<()> {
    recorded.sort_by_key(|(at, _)| *at);
    let (width, height) = (CART_SIZE.0 + SMALL_PANEL_SIZE.0, CART_SIZE.1.max(SMALL_PANEL_SIZE.1));
    let mut both = Picture::filled(width, height, [0; 3]);
    let mut pictures = Vec::new();
    for (i, (at, scene)) in recorded.iter().enumerate() {
        match scene {
            Scene::Cart(picture) => paste(picture, 0, &mut both),
            Scene::Panel(picture) => paste(picture, CART_SIZE.0, &mut both),
        }
        let shown = recorded.get(i + 1).map_or(RESULT_SHOWN, |(next, _)| *next - *at);
        // Two changes within a blink are one picture.
        if shown > FRAME_TIME / 4 {
            pictures.push((both.clone(), shown));
        }
    }
    Ok(pictures::save_animation(pictures.iter().map(|(picture, shown)| (picture.frame(), *shown)), path)?)
}

fn paste(from: &Picture, left: usize, to: &mut Picture) {
    let width = to.width();
    for y in 0..from.height() {
        let row = from.frame().row(y);
        to.as_rgb_mut()[(y * width + left) * 3..][..row.len()].copy_from_slice(row);
    }
}

fn print_truth(patient: &Patient, exam: &Exam) {
    let truth = exam.truth();
    let [a, b] = truth.ends;
    println!(
        "the phantom's truth: eGFR {:.0}, length {:.2} cm, calipers ({}, {}) to ({}, {})",
        phantom::egfr(patient).0,
        truth.length_cm.0,
        a.x,
        a.y,
        b.x,
        b.y
    );
    let oracle = patient.oracle;
    println!(
        "  the best that can be told from its kidney: eGFR {:.0}, probability of eGFR < 60 {:.2}",
        oracle.egfr.0, oracle.p_ckd.0
    );
}
