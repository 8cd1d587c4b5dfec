//! Frames without a grabber, at a steady pace: picture files, and exams of phantoms.

use crate::{
    edge::{
        capture::{Delivery, FrameSource, Link},
        pictures,
    },
    frame::Picture,
    phantom::{self, cine::Exam},
};
use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// How long an exam's last frame is held before the next exam begins.
const EXAM_HELD: Duration = Duration::from_secs(8);
/// A source that has nothing more to give says so once in this time.
const IDLE: Duration = Duration::from_millis(250);

/// A clock that ticks so many times a second.
#[derive(Debug)]
struct Pace {
    period: Duration,
    next: Instant,
}

impl Pace {
    fn new(frames_per_s: u32) -> Self {
        Self { period: Duration::from_secs(1) / frames_per_s.max(1), next: Instant::now() }
    }

    /// Waits for the next tick; ticks that were missed are left out.
    fn wait(&mut self) {
        let now = Instant::now();
        thread::sleep(self.next.saturating_duration_since(now));
        self.next = (self.next + self.period).max(now);
    }

    fn frames_per_s(&self) -> f32 {
        1.0 / self.period.as_secs_f32()
    }
}

/// Picture files as frames.
pub struct Pictures {
    paths: Vec<PathBuf>,
    at: usize,
    repeat: bool,
    pace: Pace,
    /// The last picture opened, by its place; a single file is not decoded again for every frame.
    last: Option<(usize, Picture)>,
    corrupt: u64,
}

impl Pictures {
    /// Plays `paths`, from the first again at the end if they are to `repeat`; else the signal is lost there.
    pub fn new(paths: Vec<PathBuf>, frames_per_s: u32, repeat: bool) -> Self {
        Self { paths, at: 0, repeat, pace: Pace::new(frames_per_s), last: None, corrupt: 0 }
    }
}

impl FrameSource for Pictures {
    fn next(&mut self) -> Delivery<'_> {
        if self.at == self.paths.len() && self.repeat {
            self.at = 0;
        }
        let Some(path) = self.paths.get(self.at) else {
            thread::sleep(IDLE);
            return Delivery::NoSignal;
        };
        self.pace.wait();
        let at = self.at;
        self.at += 1;
        if self.last.as_ref().is_none_or(|(last, _)| *last != at) {
            match pictures::open(path) {
                Ok(picture) => self.last = Some((at, picture)),
                Err(error) => {
                    tracing::warn!(%error, "left out");
                    self.corrupt += 1;
                    return Delivery::Waiting;
                }
            }
        }
        self.last.as_ref().map_or(Delivery::Waiting, |(_, picture)| Delivery::Frame(picture.frame()))
    }

    fn link(&self) -> Option<Link> {
        let (_, picture) = self.last.as_ref()?;
        Some(link(picture, &self.pace, self.corrupt))
    }
}

/// Exams of one population of phantoms, one patient after another.
pub struct Exams {
    seed: u64,
    patient: u64,
    exam: Exam,
    frame: Picture,
    ended: Instant,
    pace: Pace,
}

impl Exams {
    /// Plays the exams of population `seed`.
    pub fn new(seed: u64, frames_per_s: u32) -> Self {
        let (exam, frame) = begin(seed, 0);
        Self { seed, patient: 0, exam, frame, ended: Instant::now(), pace: Pace::new(frames_per_s) }
    }
}

/// An exam and its first frame.
fn begin(seed: u64, patient: u64) -> (Exam, Picture) {
    let mut exam = Exam::new(seed, &phantom::patient(seed, patient));
    let (_, frame) = exam.next().expect("an exam has frames");
    (exam, frame)
}

impl FrameSource for Exams {
    fn next(&mut self) -> Delivery<'_> {
        self.pace.wait();
        if let Some((_, frame)) = self.exam.next() {
            self.frame = frame;
            self.ended = Instant::now();
        } else if self.ended.elapsed() > EXAM_HELD {
            self.patient += 1;
            (self.exam, self.frame) = begin(self.seed, self.patient);
        }
        Delivery::Frame(self.frame.frame())
    }

    fn link(&self) -> Option<Link> {
        Some(link(&self.frame, &self.pace, 0))
    }
}

fn link(picture: &Picture, pace: &Pace, corrupt: u64) -> Link {
    let size = [picture.width(), picture.height()];
    Link { size, frames_per_s: Some(pace.frames_per_s()), dropped: 0, corrupt }
}
