//! What the device does next: a pure state machine, `step(State, Event) -> (State, action)`.
//!
//! Always holds: a result is shown only after the journal has kept its reading, and only if it belongs to the picture that
//! still stands on the cart: every look at a frozen picture has its number, and answers with an old number are dropped. That a
//! reading is accepted or rejected is shown only after the journal has it too. A fault is the end: nothing follows it.
//! Deliberately absent: time, threads and drawing. `app` feeds events in and carries actions out.

use crate::{
    estimate::Estimate,
    frame::{Picture, Spot},
    freeze::Seen,
    refusal::Refusal,
    units::Centimetres,
};
use serde::Serialize;

/// The number of one look at a settled picture.
pub type LookId = u32;

/// Where the device stands; the panel draws exactly this.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Whether the bundle is a demonstration; then every screen says so.
    pub demonstration: bool,
    /// Which bundle judges; that it is not the installed one is said on every screen.
    pub bundle: BundleUsed,
    /// The last look begun.
    pub look: LookId,
    /// How many frames a second come, where those are too few.
    pub slow_link: Option<u32>,
    /// What is going on.
    pub phase: Phase,
}

/// Which bundle the members come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleUsed {
    /// The installed one.
    Installed,
    /// The last good one before it, because the installed one cannot be used.
    Previous,
}

/// What is going on.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// The members are being loaded.
    Starting {
        /// How many are.
        loaded: usize,
        /// How many there are.
        members: usize,
    },
    /// No video comes.
    NoSignal(Missing),
    /// The cart scans.
    Live,
    /// The picture stands, and nothing on it has been measured yet.
    Frozen,
    /// The members are at work on a crop.
    Measuring {
        /// What they look at.
        subject: Subject,
        /// How many members are done.
        done: usize,
        /// How many there are.
        members: usize,
    },
    /// There is an estimate, and the journal has it.
    Result {
        /// What it was made from.
        subject: Subject,
        /// The estimate.
        estimate: Estimate,
        /// Whether the person at the device has accepted it, and the journal has that.
        accepted: bool,
    },
    /// There is none.
    Refused(Refusal),
    /// The device cannot go on and will start anew.
    Fault(Fault),
}

/// What is missing where no video comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The cart's signal.
    Signal,
    /// The grabber.
    Grabber,
}

/// Which part of the device failed, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The part.
    pub part: Part,
    /// How it failed.
    pub failure: Failure,
}

/// The parts of the device that can fail; each is a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the parts' own names")]
pub enum Part {
    Capture,
    Inference,
    Journal,
    Panel,
    Controls,
}

/// How a part failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It has ended.
    Stopped,
    /// It has been at one piece of work for longer than any takes.
    Stalled,
}

/// The kidney as it was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// The tailored crop.
    pub crop: Picture,
    /// The markers' centres in pixels of the crop.
    pub ends: [Spot; 2],
    /// The kidney's length, where the scale is known.
    pub length: Option<Centimetres>,
}

/// What the person at the device asks for, by a button, a key or a foot switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Control {
    /// The reading shown is right.
    Accept,
    /// The reading shown is wrong.
    Reject,
    /// The exam is over; the next patient comes.
    NextPatient,
    /// The reading shown is to be printed.
    Print,
}

/// All that can happen to the device.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The video stopped.
    SignalLost(Missing),
    /// So many frames a second come, where those are too few; none where they are enough again.
    SlowLink(Option<u32>),
    /// A frame was watched.
    Frame(Seen),
    /// The overlay of a look was read and its crop handed to the members, or there is nothing to hand on.
    Looked {
        /// Which look.
        look: LookId,
        /// What was seen, with how many members are to judge it, or why nothing was.
        outcome: Result<(Subject, usize), Refusal>,
    },
    /// One more member has finished.
    MemberDone {
        /// Which look.
        look: LookId,
    },
    /// The journal has kept a look's reading; it may be shown.
    Kept {
        /// Which look.
        look: LookId,
        /// The estimate kept, or why there is none.
        outcome: Result<Estimate, Refusal>,
    },
    /// The person at the device asked for something.
    Pressed(Control),
    /// The journal has kept a mark.
    Marked {
        /// Which look.
        look: LookId,
        /// Which mark.
        mark: Mark,
    },
    /// A part of the device failed.
    Failed(Fault),
}

/// What a person says of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It is right.
    Accepted,
    /// It is wrong.
    Rejected,
    /// The next patient comes.
    NextPatient,
}

/// What the device shall do because of an event. Drawing the panel after a change of state goes without saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read the overlay of the settled frame, run the members on its crop and keep the reading.
    Look(LookId),
    /// Keep what the person said of the reading shown, and answer with the look's number.
    Mark(LookId, Mark),
}

impl Phase {
    /// What it is called in the log and in file names.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Starting { .. } => "starting",
            Self::NoSignal(Missing::Signal) => "no-signal",
            Self::NoSignal(Missing::Grabber) => "no-grabber",
            Self::Live => "live",
            Self::Frozen => "frozen",
            Self::Measuring { .. } => "measuring",
            Self::Result { accepted: false, .. } => "result",
            Self::Result { accepted: true, .. } => "accepted",
            Self::Refused(_) => "refusal",
            Self::Fault(_) => "fault",
        }
    }
}

impl State {
    /// The state of a device that is ready, with the installed bundle.
    pub fn new(demonstration: bool) -> Self {
        let (bundle, phase) = (BundleUsed::Installed, Phase::NoSignal(Missing::Signal));
        Self { demonstration, bundle, look: 0, slow_link: None, phase }
    }

    /// The same with every look begun so far out of date.
    fn with_nothing_awaited(self, phase: Phase) -> Self {
        Self { look: self.look.wrapping_add(1), phase, ..self }
    }
}

/// The state after `event`, and what to do.
pub fn step(state: State, event: Event) -> (State, Option<Action>) {
    if matches!(state.phase, Phase::Fault(_)) {
        return (state, None);
    }
    let look = state.look;
    match event {
        Event::Failed(fault) => (state.with_nothing_awaited(Phase::Fault(fault)), None),
        Event::SlowLink(slow_link) => (State { slow_link, ..state }, None),
        Event::SignalLost(missing) => {
            let state = state.with_nothing_awaited(Phase::NoSignal(missing));
            // Without frames there is no rate.
            (State { slow_link: None, ..state }, None)
        }
        Event::Frame(seen) => after_frame(state, seen),
        Event::Pressed(control) => after_press(state, control),
        Event::Looked { look: of, .. }
        | Event::MemberDone { look: of }
        | Event::Kept { look: of, .. }
        | Event::Marked { look: of, .. }
            if of != look =>
        {
            (state, None)
        }
        Event::Looked { outcome, .. } => {
            let phase = match outcome {
                Ok((subject, members)) => Phase::Measuring { subject, done: 0, members },
                // A frozen picture without calipers waits for them: the prompt says what to do.
                Err(Refusal::NoMarkers) => Phase::Frozen,
                Err(refusal) => Phase::Refused(refusal),
            };
            (State { phase, ..state }, None)
        }
        Event::MemberDone { .. } => {
            let phase = match state.phase {
                Phase::Measuring { subject, done, members } => {
                    Phase::Measuring { subject, done: (done + 1).min(members), members }
                }
                other => other,
            };
            (State { phase, ..state }, None)
        }
        Event::Kept { outcome, .. } => {
            let phase = match (state.phase, outcome) {
                (Phase::Measuring { subject, .. }, Ok(estimate)) => {
                    Phase::Result { subject, estimate, accepted: false }
                }
                (Phase::Measuring { .. }, Err(refusal)) => Phase::Refused(refusal),
                (other, _) => other,
            };
            (State { phase, ..state }, None)
        }
        Event::Marked { mark, .. } => (after_mark(state, mark), None),
    }
}

fn after_frame(state: State, seen: Seen) -> (State, Option<Action>) {
    match (seen, &state.phase) {
        (Seen::Live, Phase::Live) => (state, None),
        // A moving picture makes every look at the one before it stale.
        (Seen::Live, _) => (state.with_nothing_awaited(Phase::Live), None),
        (Seen::Standing, Phase::Live | Phase::NoSignal(_)) => (State { phase: Phase::Frozen, ..state }, None),
        (Seen::Standing, _) => (state, None),
        (Seen::Settled, Phase::Live | Phase::NoSignal(_)) => look_again(state, Phase::Frozen),
        (Seen::Settled, _) => {
            let phase = state.phase.clone();
            look_again(state, phase)
        }
    }
}

/// A new look at the picture that has just settled; until it answers, `phase` is shown.
fn look_again(state: State, phase: Phase) -> (State, Option<Action>) {
    let state = state.with_nothing_awaited(phase);
    let look = state.look;
    (state, Some(Action::Look(look)))
}

fn after_press(state: State, control: Control) -> (State, Option<Action>) {
    let look = state.look;
    match (control, &state.phase) {
        (Control::Accept, Phase::Result { accepted: false, .. }) => (state, Some(Action::Mark(look, Mark::Accepted))),
        (Control::Reject, Phase::Result { .. }) => (state, Some(Action::Mark(look, Mark::Rejected))),
        // Nothing of the patient before stays on the panel; the picture that still stands is not read again.
        (Control::NextPatient, Phase::Result { .. } | Phase::Refused(_) | Phase::Measuring { .. } | Phase::Frozen) => {
            (state.with_nothing_awaited(Phase::Frozen), Some(Action::Mark(look, Mark::NextPatient)))
        }
        (Control::NextPatient, _) => (state, Some(Action::Mark(look, Mark::NextPatient))),
        // Nothing to accept or reject; and there is no printer yet.
        (Control::Accept | Control::Reject | Control::Print, _) => (state, None),
    }
}

fn after_mark(state: State, mark: Mark) -> State {
    match (mark, state.phase) {
        (Mark::Accepted, Phase::Result { subject, estimate, .. }) => {
            State { phase: Phase::Result { subject, estimate, accepted: true }, ..state }
        }
        (Mark::Rejected, Phase::Result { .. }) => State { phase: Phase::Frozen, ..state },
        (_, phase) => State { phase, ..state },
    }
}

#[cfg(test)]
mod tests;
