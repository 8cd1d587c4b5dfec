//! The pipeline of the device: capture, watch, look, members, journal, panel.
//!
//! Capture, inference and journal are named threads, because their calls block; one tokio loop over one closed
//! [`machine::Event`] decides. Every queue is bounded: the settled frame and the next look wait in one-slot places where a newer
//! one replaces an older, so that a stale picture never becomes a reading.

use super::{read::subject_of, reader::Reader, slot::Slot, team::Team};
use crate::{
    bundle::sha256,
    edge::journal::{Journal, JournalError},
    estimate::Estimate,
    frame::Picture,
    freeze::{Seen, Watch},
    machine::{self, Action, Event, LookId, State},
    reading::{Inspection, Reading},
    refusal::Refusal,
};
use anyhow::{Context, Result};
use std::{
    sync::mpsc::{Receiver, SyncSender},
    thread,
};
use tokio::sync::mpsc::{self, error::TrySendError};

/// Events that may wait for the loop.
const EVENTS_MAX: usize = 64;
/// Readings that may wait for the journal.
const READINGS_MAX: usize = 8;

/// Where frames come from: a cart, a file, a phantom.
pub trait FrameSource: Send {
    /// Waits for the next frame; none when the signal has ended.
    fn next_frame(&mut self) -> Option<Picture>;
}

/// What the threads tell the loop.
enum Note {
    Event(Event),
    /// The picture has settled for the so-manieth time; that frame waits in its slot unless a newer one replaced it.
    Settled(u64),
    /// A thread has ended: its source is exhausted, or it failed.
    Stopped,
}

/// What the journal is to keep, and the event that follows.
struct ToKeep {
    look: LookId,
    reading: Reading,
    crop_sha256: String,
    outcome: Result<Estimate, Refusal>,
}

/// Runs the device until its source ends, and calls `show` with each new state.
///
/// Gives back the readings kept. *Errors*: a recogniser or member that cannot be run, or a journal that cannot be written.
pub fn run(
    source: impl FrameSource,
    reader: &Reader,
    team: &Team,
    journal: Journal,
    show: impl FnMut(&State),
) -> Result<Vec<Reading>> {
    let (settled, looks) = (Slot::new(), Slot::new());
    let (notes, inbox) = mpsc::channel(EVENTS_MAX);
    let (readings, to_keep) = std::sync::mpsc::sync_channel(READINGS_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("starting the event loop")?;
    let (settled, looks) = (&settled, &looks);
    thread::scope(|scope| {
        let named = |name: &str| thread::Builder::new().name(String::from(name));
        let started = "the system can start a thread";
        let (to_capture, to_inference, to_journal) = (notes.clone(), notes.clone(), notes);
        named("capture").spawn_scoped(scope, move || capture(source, settled, &to_capture)).expect(started);
        let inference = move || {
            let ended = infer(reader, team, looks, &to_inference, &readings);
            tell(&to_inference, Note::Stopped);
            ended
        };
        let inference = named("inference").spawn_scoped(scope, inference).expect(started);
        let keep = move || {
            let ended = keep(journal, &to_keep, &to_journal);
            tell(&to_journal, Note::Stopped);
            ended
        };
        let journal = named("journal").spawn_scoped(scope, keep).expect(started);
        runtime.block_on(decide(inbox, settled, looks, State::new(team.identity().demonstration), show));
        // Nothing is left to look at: inference ends, and with it the journal's queue.
        looks.close();
        inference.join().expect("inference does not panic")?;
        Ok(journal.join().expect("the journal does not panic")?)
    })
}

/// Tells the loop; that it has ended is no news that a thread could act on.
fn tell(notes: &mpsc::Sender<Note>, note: Note) {
    let _ended = notes.blocking_send(note);
}

/// Watches every frame and keeps the one that has settled; ends with its source or with the loop.
fn capture(mut source: impl FrameSource, settled: &Slot<(u64, Picture)>, notes: &mpsc::Sender<Note>) {
    let mut watch = Watch::default();
    let mut settled_count = 0;
    while let Some(frame) = source.next_frame() {
        let seen = watch.push(frame.frame());
        if seen == Seen::Settled {
            // The frame itself is handed on: a newer one may already show a half-drawn overlay.
            settled_count += 1;
            let _older = settled.put((settled_count, frame));
            tell(notes, Note::Settled(settled_count));
        } else if let Err(TrySendError::Closed(_)) = notes.try_send(Note::Event(Event::Frame(seen))) {
            // A full queue drops the news of an ordinary frame: the next one brings it again.
            return;
        }
    }
    tell(notes, Note::Event(Event::SignalLost));
    tell(notes, Note::Stopped);
}

/// The loop: one event after the other, each new state shown.
async fn decide(
    mut inbox: mpsc::Receiver<Note>,
    settled: &Slot<(u64, Picture)>,
    looks: &Slot<(LookId, Picture)>,
    mut state: State,
    mut show: impl FnMut(&State),
) {
    show(&state);
    while let Some(note) = inbox.recv().await {
        let (event, frame) = match note {
            Note::Event(event) => (event, None),
            Note::Settled(number) => match settled.take_if(|(waiting, _)| *waiting == number) {
                Some((_, frame)) => (Event::Frame(Seen::Settled), Some(frame)),
                // A newer frame has settled meanwhile; its own note follows.
                None => continue,
            },
            Note::Stopped => return,
        };
        let before = state.clone();
        let (next, action) = machine::step(state, event);
        if let (Some(Action::Look(look)), Some(frame)) = (action, frame) {
            let _older = looks.put((look, frame));
        }
        if next.phase != before.phase {
            tracing::debug!(phase = ?std::mem::discriminant(&next.phase), look = next.look, "state");
            show(&next);
        }
        state = next;
    }
}

/// Reads each look's overlay, runs the members on its crop and hands the reading to the journal.
fn infer(
    reader: &Reader,
    team: &Team,
    looks: &Slot<(LookId, Picture)>,
    notes: &mpsc::Sender<Note>,
    readings: &SyncSender<ToKeep>,
) -> Result<()> {
    while let Some((look, picture)) = looks.wait() {
        let sight = reader.see(&picture)?;
        let subject = subject_of(&picture, &sight, team.crop_size());
        let crop = subject.as_ref().ok().map(|subject| subject.crop.clone());
        tell(notes, Note::Event(Event::Looked { look, outcome: subject.map(|subject| (subject, team.len())) }));
        let Some(crop) = crop else { continue };
        let outcome = team.judge(&crop, || tell(notes, Note::Event(Event::MemberDone { look })))?;
        let reading = Reading::new(Inspection::new(None, &sight), outcome.clone(), team.identity().clone());
        if readings.send(ToKeep { look, reading, crop_sha256: sha256(crop.as_rgb()), outcome }).is_err() {
            // The journal has failed; it says so itself.
            return Ok(());
        }
    }
    Ok(())
}

/// Keeps each reading and only then lets it be shown.
fn keep(
    mut journal: Journal,
    to_keep: &Receiver<ToKeep>,
    notes: &mpsc::Sender<Note>,
) -> Result<Vec<Reading>, JournalError> {
    let mut kept = Vec::new();
    for ToKeep { look, reading, crop_sha256, outcome } in to_keep {
        journal.keep(&reading, &crop_sha256)?;
        kept.push(reading);
        tell(notes, Note::Event(Event::Kept { look, outcome }));
    }
    Ok(kept)
}
