//! What the device does next: a pure state machine, `step(State, Event) -> (State, actions)`.
//!
//! Always holds: a result is shown only after the journal has kept its reading, and only if it belongs to the picture that
//! still stands on the cart: every look at a frozen picture has its number, and answers with an old number are dropped.
//! Deliberately absent: time, threads and drawing. `app` feeds events in and carries actions out.

use crate::{
    estimate::Estimate,
    frame::{Picture, Spot},
    freeze::Seen,
    refusal::Refusal,
    units::Centimetres,
};

/// The number of one look at a settled picture.
pub type LookId = u32;

/// Where the device stands; the panel draws exactly this.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Whether the bundle is a demonstration; then every screen says so.
    pub demonstration: bool,
    /// The last look begun.
    pub look: LookId,
    /// What is going on.
    pub phase: Phase,
}

/// What is going on.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// No video comes from the cart.
    NoSignal,
    /// The cart scans, or is frozen without calipers.
    Live,
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
    },
    /// There is none.
    Refused(Refusal),
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
    SignalLost,
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
}

/// What the device shall do because of an event. Drawing the panel after a change of state goes without saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read the overlay of the settled frame, run the members on its crop and keep the reading.
    Look(LookId),
}

impl State {
    /// The state of a device that has just started.
    pub fn new(demonstration: bool) -> Self {
        Self { demonstration, look: 0, phase: Phase::NoSignal }
    }
}

/// The state after `event`, and what to do.
pub fn step(state: State, event: Event) -> (State, Option<Action>) {
    let current = |look: LookId| look == state.look;
    let phase = match event {
        Event::SignalLost => {
            return (State { look: state.look.wrapping_add(1), phase: Phase::NoSignal, ..state }, None);
        }
        // A moving picture makes every look at the one before it stale.
        Event::Frame(Seen::Live) => match state.phase {
            Phase::Live => Phase::Live,
            _ => return (State { look: state.look.wrapping_add(1), phase: Phase::Live, ..state }, None),
        },
        Event::Frame(Seen::Settled) => {
            let look = state.look.wrapping_add(1);
            return (State { look, ..state }, Some(Action::Look(look)));
        }
        Event::Looked { look, outcome: Ok((subject, members)) } if current(look) => {
            Phase::Measuring { subject, done: 0, members }
        }
        // A frozen picture without calipers waits for them: the prompt says what to do.
        Event::Looked { look, outcome: Err(Refusal::NoMarkers) } if current(look) => Phase::Live,
        Event::Looked { look, outcome: Err(refusal) } if current(look) => Phase::Refused(refusal),
        Event::MemberDone { look } if current(look) => match state.phase {
            Phase::Measuring { subject, done, members } => {
                Phase::Measuring { subject, done: (done + 1).min(members), members }
            }
            other => other,
        },
        Event::Kept { look, outcome } if current(look) => match (state.phase, outcome) {
            (Phase::Measuring { subject, .. }, Ok(estimate)) => Phase::Result { subject, estimate },
            (Phase::Measuring { .. }, Err(refusal)) => Phase::Refused(refusal),
            (other, _) => other,
        },
        Event::Frame(Seen::Standing) | Event::Looked { .. } | Event::MemberDone { .. } | Event::Kept { .. } => {
            state.phase
        }
    };
    (State { phase, ..state }, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::{Ckd, MemberOutputs, Stage};
    use crate::units::{Egfr, Probability};
    use alloc::{string::String, vec::Vec};

    fn subject() -> Subject {
        let ends = [Spot { x: 0.0, y: 1.0 }, Spot { x: 3.0, y: 2.0 }];
        Subject { crop: Picture::filled(4, 4, [9; 3]), ends, length: Some(Centimetres(9.0)) }
    }

    fn estimate() -> Estimate {
        Estimate {
            egfr: Egfr(42.0),
            interval: [Egfr(20.0), Egfr(60.0)],
            coverage: 0.9,
            p_ckd: Probability(0.9),
            ckd: Ckd::Likely,
            stage: Stage::G3b,
            spread: Egfr(3.0),
            members: MemberOutputs::new(),
        }
    }

    fn looked(look: LookId) -> Event {
        Event::Looked { look, outcome: Ok((subject(), 2)) }
    }

    /// Plays events and gives the trace of phases and actions.
    fn trace(events: Vec<Event>) -> String {
        let mut state = State::new(true);
        let mut trace = String::new();
        for event in events {
            let (next, action) = step(state, event);
            let phase = match &next.phase {
                Phase::NoSignal => String::from("no-signal"),
                Phase::Live => String::from("live"),
                Phase::Measuring { done, members, .. } => alloc::format!("measuring {done}/{members}"),
                Phase::Result { .. } => String::from("result"),
                Phase::Refused(refusal) => String::from(refusal.reason()),
            };
            let action = action.map_or(String::new(), |Action::Look(look)| alloc::format!(" -> look {look}"));
            trace.push_str(&alloc::format!("{phase}{action}\n"));
            assert!(next.demonstration);
            state = next;
        }
        trace
    }

    #[test]
    fn given_an_exam_expect_it_measured_and_shown_once_kept() {
        use Event::{Frame, Kept, MemberDone};
        let look = 3;
        let events = alloc::vec![
            Frame(Seen::Live),
            Frame(Seen::Settled),
            Event::Looked { look: 2, outcome: Err(Refusal::NoMarkers) },
            Frame(Seen::Settled),
            looked(look),
            MemberDone { look },
            MemberDone { look },
            Kept { look, outcome: Ok(estimate()) },
            Frame(Seen::Standing),
            Frame(Seen::Live),
        ];
        let expected = "live\nlive -> look 2\nlive\nlive -> look 3\nmeasuring 0/2\nmeasuring 1/2\nmeasuring 2/2\nresult\nresult\nlive\n";
        assert_eq!(trace(events), expected);
    }

    #[test]
    fn given_the_picture_moves_on_expect_late_answers_dropped() {
        use Event::{Frame, Kept, MemberDone, SignalLost};
        let late = |look| [looked(look), MemberDone { look }, Kept { look, outcome: Ok(estimate()) }];
        let mut events = alloc::vec![Frame(Seen::Live), Frame(Seen::Settled), looked(2), Frame(Seen::Live)];
        events.extend(late(2));
        events.push(SignalLost);
        events.extend(late(3));
        let expected =
            "live\nlive -> look 2\nmeasuring 0/2\nlive\nlive\nlive\nlive\nno-signal\nno-signal\nno-signal\nno-signal\n";
        assert_eq!(trace(events), expected);
    }

    #[test]
    fn given_a_refusal_expect_its_reason_and_a_new_look_to_replace_it() {
        use Event::Frame;
        let events = alloc::vec![
            Frame(Seen::Live),
            Frame(Seen::Settled),
            Event::Looked { look: 2, outcome: Err(Refusal::PartnerMissing) },
            Frame(Seen::Settled),
            looked(3),
            Event::Kept { look: 3, outcome: Err(Refusal::OutsideRange { low: Egfr(5.0), high: Egfr(90.0) }) },
        ];
        let expected = "live\nlive -> look 2\nOnly one caliper seen\nOnly one caliper seen -> look 3\nmeasuring 0/2\nThe estimate is outside the proven range\n";
        assert_eq!(trace(events), expected);
    }
}
