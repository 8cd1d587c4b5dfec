use super::*;
use crate::estimate::{Ckd, Stage};
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
        members: Vec::new(),
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
            Phase::Measuring { done, members, .. } => alloc::format!("measuring {done}/{members}"),
            Phase::Refused(refusal) => String::from(refusal.reason()),
            Phase::Fault(Fault { part, failure }) => alloc::format!("fault: {part:?} {failure:?}"),
            other => String::from(other.name()),
        };
        let action = match action {
            None => String::new(),
            Some(Action::Look(look)) => alloc::format!(" -> look {look}"),
            Some(Action::Mark(_, mark)) => alloc::format!(" -> {mark:?}"),
        };
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
    let expected = "live\nfrozen -> look 2\nfrozen\nfrozen -> look 3\nmeasuring 0/2\nmeasuring 1/2\nmeasuring 2/2\nresult\nresult\nlive\n";
    assert_eq!(trace(events), expected);
}

#[test]
fn given_the_picture_moves_on_expect_late_answers_dropped() {
    use Event::{Frame, Kept, MemberDone, SignalLost};
    let late = |look| [looked(look), MemberDone { look }, Kept { look, outcome: Ok(estimate()) }];
    let mut events = alloc::vec![Frame(Seen::Live), Frame(Seen::Settled), looked(2), Frame(Seen::Live)];
    events.extend(late(2));
    events.push(SignalLost(Missing::Signal));
    events.extend(late(3));
    let expected =
        "live\nfrozen -> look 2\nmeasuring 0/2\nlive\nlive\nlive\nlive\nno-signal\nno-signal\nno-signal\nno-signal\n";
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
    let expected = "live\nfrozen -> look 2\nOnly one caliper seen\nOnly one caliper seen -> look 3\nmeasuring 0/2\nThe estimate is outside the proven range\n";
    assert_eq!(trace(events), expected);
}

/// The events of an exam up to a result; its look is number 2.
fn exam() -> Vec<Event> {
    use Event::{Frame, Kept};
    alloc::vec![
        Frame(Seen::Live),
        Frame(Seen::Standing),
        Frame(Seen::Settled),
        looked(2),
        Kept { look: 2, outcome: Ok(estimate()) }
    ]
}

const EXAM: &str = "live\nfrozen\nfrozen -> look 2\nmeasuring 0/2\nresult\n";

fn check_after_exam(events: &[Event], expected: &str) {
    let all = exam().into_iter().chain(events.iter().cloned()).collect();
    assert_eq!(trace(all), alloc::format!("{EXAM}{expected}"));
}

#[test]
fn given_a_reading_accepted_or_rejected_expect_it_shown_once_the_journal_has_it() {
    use Event::{Frame, Marked, Pressed};
    let accepted = Marked { look: 2, mark: Mark::Accepted };
    check_after_exam(
        &[Pressed(Control::Accept), Frame(Seen::Standing), accepted.clone(), Pressed(Control::Accept)],
        "result -> Accepted\nresult\naccepted\naccepted\n",
    );
    let rejected = Marked { look: 2, mark: Mark::Rejected };
    check_after_exam(
        &[Pressed(Control::Reject), rejected, Frame(Seen::Standing)],
        "result -> Rejected\nfrozen\nfrozen\n",
    );
    // A new look has begun meanwhile: what it finds is not what was accepted.
    check_after_exam(
        &[Pressed(Control::Accept), Frame(Seen::Settled), accepted],
        "result -> Accepted\nresult -> look 3\nresult\n",
    );
}

#[test]
fn given_the_next_patient_expect_nothing_of_the_one_before() {
    use Event::{Frame, Kept, Pressed};
    check_after_exam(
        &[Pressed(Control::NextPatient), Frame(Seen::Standing), Frame(Seen::Live)],
        "frozen -> NextPatient\nfrozen\nlive\n",
    );
    // What was being looked at is dropped.
    let late = [looked(3), Kept { look: 3, outcome: Ok(estimate()) }];
    let events = [&[Frame(Seen::Settled), Pressed(Control::NextPatient)][..], &late].concat();
    check_after_exam(&events, "result -> look 3\nfrozen -> NextPatient\nfrozen\nfrozen\n");
}

#[test]
fn given_nothing_to_judge_expect_buttons_to_do_nothing() {
    use Event::Pressed;
    let events = alloc::vec![Pressed(Control::Accept), Pressed(Control::Reject), Pressed(Control::Print)];
    assert_eq!(trace(events), "no-signal\nno-signal\nno-signal\n");
}

#[test]
fn given_the_signal_or_the_grabber_lost_expect_no_stale_result() {
    use Event::{Frame, SignalLost};
    check_after_exam(
        &[SignalLost(Missing::Signal), SignalLost(Missing::Grabber), Frame(Seen::Live)],
        "no-signal\nno-grabber\nlive\n",
    );
}

#[test]
fn given_a_fault_expect_nothing_after_it() {
    use Event::{Failed, Frame, SignalLost};
    let fault = Fault { part: Part::Journal, failure: Failure::Stalled };
    let shown = "fault: Journal Stalled\n";
    check_after_exam(&[Failed(fault), Frame(Seen::Live), SignalLost(Missing::Signal)], &shown.repeat(3));
}

#[test]
fn given_a_slow_link_expect_it_told_until_it_is_fast_or_gone() {
    let slow =
        |events: &[Event]| events.iter().fold(State::new(false), |state, event| step(state, event.clone()).0).slow_link;
    let told = Event::SlowLink(Some(5));
    assert_eq!(slow(&[told.clone(), Event::Frame(Seen::Live)]), Some(5));
    assert_eq!(slow(&[told.clone(), Event::SlowLink(None)]), None);
    assert_eq!(slow(&[told, Event::SignalLost(Missing::Signal)]), None);
}
