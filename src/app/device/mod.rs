//! The pipeline of the device: capture, watch, look, members, journal, and whoever presses a button.
//!
//! Capture, inference, journal and controls are named threads, because their calls block; one tokio loop over one closed
//! [`machine::Event`] decides. Every queue is bounded: the settled frame and the next look wait in one-slot places where a newer
//! one replaces an older, so that a stale picture never becomes a reading. A thread that ends or stalls is a [`Fault`], which is
//! shown and ends the device.

mod capture;
pub mod health;

use super::{read::subject_of, reader::Reader, slot::Slot, team::Team};
use crate::{
    bundle::sha256,
    edge::{
        capture::FrameSource,
        controls::Inputs,
        journal::{Journal, JournalError},
    },
    estimate::Estimate,
    frame::Picture,
    freeze::Seen,
    machine::{self, Action, BundleUsed, Event, Failure, Fault, LookId, Mark, Phase, State},
    reading::{Inspection, Reading},
    refusal::Refusal,
};
use anyhow::{Context, Result, bail};
use health::{Health, Pulse};
use std::{
    panic,
    sync::mpsc::{Receiver, SyncSender},
    thread::{self, ScopedJoinHandle},
    time::Duration,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep},
};

/// Events that may wait for the loop.
const EVENTS_MAX: usize = 64;
/// Readings and marks that may wait for the journal.
const KEEPING_MAX: usize = 8;
/// How often the threads' health is looked at.
const HEALTH_EVERY: Duration = Duration::from_millis(250);
/// The longest that a button is waited for before the thread looks whether the device has ended.
const PRESS_WAIT: Duration = Duration::from_millis(250);
/// How long a fault stays on the panel before the process ends.
const FAULT_SHOWN: Duration = Duration::from_secs(3);
/// The exit code of a device whose thread stalled. *Source*: sysexits.h, EX_SOFTWARE.
const EXIT_STALLED: i32 = 70;

/// What the device works with.
pub struct Equipment<'a, S> {
    /// Where frames come from.
    pub source: S,
    /// Reads overlays.
    pub reader: &'a Reader,
    /// Judges crops.
    pub team: &'a Team,
    /// Where the team's bundle comes from.
    pub bundle: BundleUsed,
    /// Keeps readings.
    pub journal: Journal,
    /// Buttons and keys, where there are any.
    pub inputs: Option<Inputs>,
    /// How the threads are.
    pub health: &'a Health,
}

/// What the threads tell the loop.
enum Note {
    Event(Event),
    /// The picture has settled for the so-manieth time; that frame waits in its slot unless a newer one replaced it.
    Settled(u64),
    /// The source has come to its end.
    Ended,
}

/// What the journal is to keep, and the event that follows.
enum ToKeep {
    Reading { look: LookId, reading: Box<Reading>, crop_sha256: String, outcome: Result<Estimate, Refusal> },
    Mark { look: LookId, mark: Mark, crop_sha256: Option<String> },
}

/// How the loop ended.
enum Ending {
    /// The source came to its end, or the system asked.
    Asked,
    Failed(Fault),
}

/// Runs the device until its source ends, the system asks it to end, or a thread fails; calls `show` with each new state and
/// `alive` as long as all threads are well, several times a second.
///
/// Gives back the last reading kept. *Errors*: a recogniser or member that cannot be run, or a journal that cannot be written.
/// Where a thread has stalled the process ends here, as that thread can be neither joined nor stopped.
pub fn run<S: FrameSource>(
    equipment: Equipment<'_, S>,
    show: impl FnMut(&State),
    alive: impl FnMut(),
) -> Result<Option<Reading>> {
    let Equipment { source, reader, team, bundle, journal, inputs, health } = equipment;
    let (settled, looks) = (Slot::new(), Slot::new());
    let (notes, inbox) = mpsc::channel(EVENTS_MAX);
    let (keeping, to_keep) = std::sync::mpsc::sync_channel(KEEPING_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("starting the event loop")?;
    let (settled, looks) = (&settled, &looks);
    thread::scope(|scope| {
        let named = |name: &str| thread::Builder::new().name(String::from(name));
        let started = "the system can start a thread";
        let (to_capture, to_inference, to_controls) = (notes.clone(), notes.clone(), notes.clone());
        let capture = move || health.capture.through(|| capture::run(source, settled, &to_capture, &health.capture));
        let capture = named("capture").spawn_scoped(scope, capture).expect(started);
        let readings = keeping.clone();
        let infer = move || {
            let pulse = &health.inference;
            pulse.through(|| infer(reader, team, looks, &to_inference, &readings, pulse))
        };
        let inference = named("inference").spawn_scoped(scope, infer).expect(started);
        let keep = move || health.journal.through(|| keep(journal, &to_keep, &notes, &health.journal));
        let journal = named("journal").spawn_scoped(scope, keep).expect(started);
        let controls = inputs.map(|inputs| {
            let press = move || health.controls.through(|| press(inputs, &to_controls, &health.controls));
            named("controls").spawn_scoped(scope, press).expect(started)
        });
        let state = State { bundle, ..State::new(team.identity().demonstration) };
        let desk = Desk { settled, looks, keeping, health, state, show };
        let ending = runtime.block_on(desk.decide(inbox, alive))?;
        if let Ending::Failed(Fault { part, failure: Failure::Stalled }) = ending {
            tracing::error!(?part, "stalled; the device ends");
            std::process::exit(EXIT_STALLED);
        }
        // Nothing is left to look at: inference ends, and with it the journal's queue.
        looks.close();
        let (capture, controls) = (joined(capture), controls.map(joined).transpose());
        joined(inference)??;
        let last = joined(journal)??;
        capture.and(controls)?;
        match ending {
            Ending::Asked => Ok(last),
            Ending::Failed(Fault { part, .. }) => bail!("{part:?} has ended by itself; see the log before this line"),
        }
    })
}

/// What a thread gave; that it panicked is an error of this thread too.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> Result<T> {
    let name = thread.thread().name().map(String::from).unwrap_or_default();
    match thread.join() {
        Ok(given) => Ok(given),
        Err(_) => bail!("the {name} thread panicked; see the message before this line"),
    }
}

/// Tells the loop; that it has ended is no news that a thread could act on.
fn tell(notes: &mpsc::Sender<Note>, note: Note) {
    let _ended = notes.blocking_send(note);
}

/// Where the loop decides: what it has at hand.
struct Desk<'a, F> {
    settled: &'a Slot<(u64, Picture)>,
    looks: &'a Slot<(LookId, Picture)>,
    keeping: SyncSender<ToKeep>,
    health: &'a Health,
    state: State,
    show: F,
}

impl<F: FnMut(&State)> Desk<'_, F> {
    /// The loop: one event after the other, each new state shown.
    async fn decide(mut self, mut inbox: mpsc::Receiver<Note>, mut alive: impl FnMut()) -> Result<Ending> {
        let on = |kind| signal(kind).context("listening to the system's signals");
        let mut stop: [Signal; 2] = [on(SignalKind::terminate())?, on(SignalKind::interrupt())?];
        let mut ticks = interval(HEALTH_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        (self.show)(&self.state);
        loop {
            let [terminate, interrupt] = &mut stop;
            tokio::select! {
                biased;
                _ = terminate.recv() => return Ok(Ending::Asked),
                _ = interrupt.recv() => return Ok(Ending::Asked),
                now = ticks.tick() => match self.health.fault(now.into_std()) {
                    None => alive(),
                    Some(fault) => {
                        self.take(Event::Failed(fault), None);
                        sleep(FAULT_SHOWN).await;
                        return Ok(Ending::Failed(fault));
                    }
                },
                note = inbox.recv() => match note {
                    Some(Note::Event(event)) => self.take(event, None),
                    // Where a newer frame has settled meanwhile, its own note follows.
                    Some(Note::Settled(number)) => {
                        if let Some((_, frame)) = self.settled.take_if(|(waiting, _)| *waiting == number) {
                            self.take(Event::Frame(Seen::Settled), Some(frame));
                        }
                    }
                    Some(Note::Ended) | None => return Ok(Ending::Asked),
                },
            }
        }
    }

    /// Takes one event, does what follows from it and shows the state if it is another one.
    fn take(&mut self, event: Event, frame: Option<Picture>) {
        let before = self.state.clone();
        let (next, action) = machine::step(before.clone(), event);
        match (action, frame) {
            (Some(Action::Look(look)), Some(frame)) => {
                tracing::debug!(look, "looking");
                drop(self.looks.put((look, frame)));
            }
            (Some(Action::Mark(look, mark)), _) => self.mark(look, mark),
            _ => {}
        }
        if (&next.phase, next.slow_link) != (&before.phase, before.slow_link) {
            if next.phase.name() != before.phase.name() {
                tracing::info!(state = next.phase.name(), look = next.look, "state");
            }
            (self.show)(&next);
        }
        self.state = next;
    }

    /// Has the journal keep what was said of the reading shown.
    fn mark(&self, look: LookId, mark: Mark) {
        let crop_sha256 = match &self.state.phase {
            Phase::Result { subject, .. } => Some(sha256(subject.crop.as_rgb())),
            _ => None,
        };
        // A full queue is a journal that hangs: the mark is not shown as kept, and can be made again.
        if self.keeping.try_send(ToKeep::Mark { look, mark, crop_sha256 }).is_err() {
            tracing::warn!(?mark, "not kept: the journal is behind");
        }
    }
}

/// Reads each look's overlay, runs the members on its crop and hands the reading to the journal.
fn infer(
    reader: &Reader,
    team: &Team,
    looks: &Slot<(LookId, Picture)>,
    notes: &mpsc::Sender<Note>,
    keeping: &SyncSender<ToKeep>,
    pulse: &Pulse,
) -> Result<()> {
    while let Some((look, picture)) = looks.wait() {
        let sight = pulse.at(|| reader.see(&picture))?;
        let subject = subject_of(&picture, &sight, team.crop_size());
        let measured = subject.as_ref().ok().map(|subject| (subject.crop.clone(), subject.length));
        let outcome = subject.map(|subject| (subject, team.member_count()));
        tell(notes, Note::Event(Event::Looked { look, outcome }));
        let Some((crop, length)) = measured else { continue };
        let member_done = || tell(notes, Note::Event(Event::MemberDone { look }));
        let outcome = pulse.at(|| team.judge(&crop, length, member_done))?;
        let reading = Box::new(Reading::new(Inspection::new(None, &sight), outcome.clone(), team.identity().clone()));
        if keeping.send(ToKeep::Reading { look, reading, crop_sha256: sha256(crop.as_rgb()), outcome }).is_err() {
            // The journal has failed; it says so itself.
            return Ok(());
        }
    }
    Ok(())
}

/// Keeps each reading and mark, and only then lets it be shown.
fn keep(
    mut journal: Journal,
    to_keep: &Receiver<ToKeep>,
    notes: &mpsc::Sender<Note>,
    pulse: &Pulse,
) -> Result<Option<Reading>, JournalError> {
    let mut last = None;
    for item in to_keep {
        let event = match item {
            ToKeep::Reading { look, reading, crop_sha256, outcome } => {
                pulse.at(|| journal.keep(&reading, &crop_sha256))?;
                last = Some(*reading);
                Event::Kept { look, outcome }
            }
            ToKeep::Mark { look, mark, crop_sha256 } => {
                pulse.at(|| journal.mark(mark, crop_sha256.as_deref()))?;
                Event::Marked { look, mark }
            }
        };
        tell(notes, Note::Event(event));
    }
    Ok(last)
}

/// Tells of each button or key pressed; ends with the loop.
fn press(mut inputs: Inputs, notes: &mpsc::Sender<Note>, pulse: &Pulse) {
    while !notes.is_closed() {
        if let Some(control) = pulse.at(|| inputs.wait(PRESS_WAIT)) {
            tell(notes, Note::Event(Event::Pressed(control)));
        }
    }
}
