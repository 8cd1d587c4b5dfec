//! The capture thread: every frame is watched, and the one that has settled is handed on.

use super::{Note, health::Pulse, tell};
use crate::{
    app::slot::Slot,
    edge::capture::{Delivery, FrameSource, Link},
    frame::{Frame, Picture},
    freeze::{Seen, Watch},
    machine::{Event, Missing},
};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;

/// Without a frame for so long the signal is lost, whatever the grabber says of it.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// Watches frames; ends with its source or with the loop.
pub(super) fn run(mut source: impl FrameSource, settled: &Slot<(u64, Picture)>, notes: &Sender<Note>, pulse: &Pulse) {
    let mut stream = Stream::new(settled, notes);
    while !notes.is_closed() {
        match pulse.at(|| source.next()) {
            Delivery::Frame(frame) => stream.take(frame),
            Delivery::Waiting => stream.wait(),
            Delivery::NoSignal => stream.lose(Missing::Signal),
            Delivery::NoDevice => stream.lose(Missing::Grabber),
            Delivery::Ended => {
                stream.lose(Missing::Signal);
                tell(notes, Note::Ended);
                return;
            }
        }
        if let Some(link) = source.link() {
            stream.follow(link);
        }
    }
}

/// What is known of the frames so far.
struct Stream<'a> {
    settled: &'a Slot<(u64, Picture)>,
    notes: &'a Sender<Note>,
    watch: Watch,
    settled_count: u64,
    last_frame: Instant,
    /// What the loop was told last.
    missing: Option<Missing>,
    slow_link: Option<u32>,
}

impl<'a> Stream<'a> {
    fn new(settled: &'a Slot<(u64, Picture)>, notes: &'a Sender<Note>) -> Self {
        Self {
            settled,
            notes,
            watch: Watch::default(),
            settled_count: 0,
            last_frame: Instant::now(),
            missing: None,
            slow_link: None,
        }
    }

    fn take(&mut self, frame: Frame<'_>) {
        self.last_frame = Instant::now();
        self.missing = None;
        match self.watch.push(frame) {
            Seen::Settled => {
                // The frame itself is handed on: a newer one may already show a half-drawn overlay.
                self.settled_count += 1;
                let _older = self.settled.put((self.settled_count, frame.to_picture()));
                tell(self.notes, Note::Settled(self.settled_count));
            }
            // A full queue drops the news of an ordinary frame: the next one brings it again.
            seen => drop(self.notes.try_send(Note::Event(Event::Frame(seen)))),
        }
    }

    fn wait(&mut self) {
        if self.last_frame.elapsed() > SILENCE_MAX {
            self.lose(Missing::Signal);
        }
    }

    /// Says once that the video is gone; nothing seen before it counts after it.
    fn lose(&mut self, missing: Missing) {
        if self.missing != Some(missing) {
            self.missing = Some(missing);
            self.slow_link = None;
            self.watch.reset();
            tell(self.notes, Note::Event(Event::SignalLost(missing)));
        }
    }

    fn follow(&mut self, link: Link) {
        let slow = link.frames_per_s.filter(|_| link.is_slow()).map(|rate| rate.round() as u32);
        if self.missing.is_none() && slow != self.slow_link {
            self.slow_link = slow;
            tell(self.notes, Note::Event(Event::SlowLink(slow)));
        }
    }
}
