//! The pipeline of the device: capture, watch, look, members, journal, panel.
//!
//! Capture, inference and journal are named threads, because their calls block; one tokio loop over one closed
//! [`machine::Event`] decides. Every queue is bounded: the settled frame and the next look wait in one-slot places where a newer
//! one replaces an older, so that a stale picture never becomes a reading.

use super::{read::subject_of, slot::Slot, team::Team};
use crate::{
    bundle::sha256,
    edge::journal::{Journal, JournalError},
    ensemble::MemberError,
    estimate::Estimate,
    frame::Picture,
    freeze::{Seen, Watch},
    machine::{self, Action, Event, LookId, State},
    overlay,
    reading::{Inspection, Reading},
    refusal::Refusal,
};
use anyhow::{Context, Result};
use std::thread;
use tokio::sync::mpsc;

/// Events that may wait for the loop.
const EVENTS_MAX: usize = 64;
/// Readings that may wait for the journal.
const READINGS_MAX: usize = 8;

/// Where frames come from: a cart, a file, a phantom.
pub trait FrameSource: Send {
    /// Waits for the next frame; none when the signal has ended.
    fn next_frame(&mut self) -> Option<Picture>;
}

/// Runs the device until its source ends, and calls `show` with each new state.
///
/// Gives back the readings kept. *Errors*: a member that cannot be run, or a journal that cannot be written.
pub fn run(source: impl FrameSource, team: &Team, journal: Journal, show: impl FnMut(&State)) -> Result<Vec<Reading>> {
    let (settled, looks) = (Slot::new(), Slot::new());
    let (events, inbox) = mpsc::channel(EVENTS_MAX);
    let (readings, to_keep) = std::sync::mpsc::sync_channel(READINGS_MAX);
    thread::scope(|scope| {
        let named = |name: &str| thread::Builder::new().name(String::from(name));
        let (capture_events, look_events, kept_events) = (events.clone(), events.clone(), events);
        let started = "the system can start a thread";
        named("capture").spawn_scoped(scope, || capture(source, &settled, capture_events)).expect(started);
        let inference = || infer(team, &looks, &look_events, &readings);
        let inference = named("inference").spawn_scoped(scope, move || inference()).expect(started);
        let journal = named("journal").spawn_scoped(scope, || keep(journal, to_keep, kept_events)).expect(started);
        let runtime = tokio::runtime::Builder::new_current_thread().build().context("starting the event loop")?;
        let ended = runtime.block_on(decide(inbox, &settled, &looks, team.identity().demonstration, show));
        // Nothing is left to look at: inference ends, and with it the journal's queue.
        looks.close();
        inference.join().expect("inference does not panic")?;
        let kept = journal.join().expect("the journal does not panic")?;
        ended.map(|()| kept)
    })
}
