//! What to do with a grabber next, and what to say meanwhile: signal lost and back, unplugged and back, stalled, spoilt.
//!
//! The camera does an [`Act`] and tells what it [`Saw`]; [`Course::next`] says what follows. A call of the camera's begins with
//! [`Course::begin`] and ends with an [`Answer`].
//!
//! Always holds: a call waits for a frame at most once, pauses at most once, and comes to an answer within [`ACTS_MAX`] acts;
//! whatever fails is tried again for ever, with a pause before it. After an answer of no signal no frame is handed on before the
//! signal was found again and the stream begun anew. Deliberately absent: the device, the clock; a wait or a pause is an act.

/// The most acts of one call: open, lock, pause; or check, wait, take, pause; and one in hand.
pub const ACTS_MAX: usize = 5;
/// After so many frames the signal is asked for, as some drivers go on with noise when it is lost: half a second at 30 a second.
const CHECK_FRAMES: u32 = 15;
/// After so many waits without a frame the stream is begun anew, and the signal counts as lost: one second and no frame.
const QUIET_WAITS: u32 = 5;
/// After so many failures to begin the stream the device is opened anew.
const FAILURES_MAX: u32 = 5;

/// What the camera is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Close the device if it is open, and open it.
    Open,
    /// Stop the stream if there is one, find the signal, and begin a stream that fits it.
    Lock,
    /// Ask whether the signal is there and the same, while the stream goes on.
    Check,
    /// Wait for a frame or an event, not long.
    Wait,
    /// Take the events that are there.
    TakeEvents,
    /// Take a frame.
    TakeFrame,
    /// Close the device, so that it can come back under its name, and do nothing for a short while.
    Close,
    /// Do nothing for a short while.
    Pause,
}

/// What came of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saw {
    /// It went well: opened, locked, the signal is there and the same, paused.
    Done,
    /// There is no signal.
    Silence,
    /// The source has changed.
    Changed,
    /// A frame is there.
    FrameReady,
    /// An event is there.
    EventReady,
    /// Nothing came while waiting, or what was there is gone.
    Nothing,
    /// A whole frame.
    Whole,
    /// A frame that is not to be looked at.
    Passed,
    /// A short, torn or corrupt frame.
    Torn,
    /// The device is not there any more.
    Gone,
    /// Anything else that should not be.
    Fault,
}

/// What the camera gives its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The frame taken.
    Frame,
    /// Nothing yet.
    Waiting,
    /// The signal is lost.
    NoSignal,
    /// The device is not there, or cannot be used.
    NoDevice,
}

/// What follows an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another act.
    Do(Act),
    /// The call is over.
    Say(Answer),
}

/// Where things stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not open.
    Closed,
    /// Open; no stream.
    Unlocked {
        /// Failures to begin one, in a row.
        failures: u32,
    },
    /// Open, and a stream runs.
    Streaming {
        /// Frames since the signal was asked for.
        unchecked: u32,
        /// Waits without a frame, in a row.
        quiet: u32,
    },
}

/// The course of a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    phase: Phase,
    /// What there is to say when there is no frame.
    meanwhile: Answer,
    /// What is being done.
    act: Act,
}

impl Course {
    /// The course of a device that was opened just now.
    pub fn opened() -> Self {
        Self { phase: Phase::Unlocked { failures: 0 }, meanwhile: Answer::Waiting, act: Act::Lock }
    }

    /// The course of a device that is not open yet.
    pub fn closed() -> Self {
        Self { phase: Phase::Closed, meanwhile: Answer::NoDevice, act: Act::Open }
    }

    /// What a call begins with.
    pub fn begin(&mut self) -> Act {
        self.act = match self.phase {
            Phase::Closed => Act::Open,
            Phase::Unlocked { .. } => Act::Lock,
            Phase::Streaming { unchecked, quiet } if unchecked >= CHECK_FRAMES || quiet > 0 => Act::Check,
            Phase::Streaming { .. } => Act::Wait,
        };
        self.act
    }

    /// What follows the act that was told last.
    pub fn next(&mut self, saw: Saw) -> Next {
        let next = match saw {
            Saw::Gone if !matches!(self.act, Act::Pause | Act::Close) => self.close(),
            _ => self.step(saw),
        };
        if let Next::Do(act) = next {
            self.act = act;
        }
        next
    }

    fn step(&mut self, saw: Saw) -> Next {
        const STREAM: Phase = Phase::Streaming { unchecked: 0, quiet: 0 };
        match (self.act, saw) {
            (Act::Open, Saw::Done) => {
                self.phase = Phase::Unlocked { failures: 0 };
                Next::Do(Act::Lock)
            }
            (Act::Open, _) => self.close(),
            (Act::Lock, Saw::Done) => {
                self.phase = STREAM;
                if self.meanwhile == Answer::NoDevice {
                    self.meanwhile = Answer::Waiting;
                }
                Next::Say(self.meanwhile)
            }
            (Act::Lock | Act::Check, Saw::Silence) => self.fall_silent(),
            (Act::Lock, _) => match self.phase {
                Phase::Unlocked { failures } if failures + 1 < FAILURES_MAX => {
                    self.phase = Phase::Unlocked { failures: failures + 1 };
                    Next::Do(Act::Pause)
                }
                _ => self.close(),
            },
            (Act::Check, Saw::Done) => {
                if let Phase::Streaming { unchecked, .. } = &mut self.phase {
                    *unchecked = 0;
                }
                Next::Do(Act::Wait)
            }
            (Act::Check | Act::TakeEvents, Saw::Changed) => {
                self.phase = Phase::Unlocked { failures: 0 };
                Next::Do(Act::Lock)
            }
            (Act::Wait, Saw::FrameReady) => Next::Do(Act::TakeFrame),
            (Act::Wait, Saw::EventReady) => Next::Do(Act::TakeEvents),
            (Act::Wait, Saw::Nothing) => self.wait_more(),
            (Act::TakeFrame, Saw::Whole) => {
                self.meanwhile = Answer::Waiting;
                self.count_frame();
                Next::Say(Answer::Frame)
            }
            (Act::TakeFrame, Saw::Torn | Saw::Passed) => {
                self.count_frame();
                Next::Say(self.meanwhile)
            }
            (Act::TakeFrame | Act::TakeEvents, Saw::Nothing) | (Act::Pause | Act::Close, _) => {
                Next::Say(self.meanwhile)
            }
            (Act::Check | Act::Wait | Act::TakeEvents | Act::TakeFrame, _) => {
                self.phase = Phase::Unlocked { failures: 0 };
                Next::Do(Act::Pause)
            }
        }
    }

    fn close(&mut self) -> Next {
        self.phase = Phase::Closed;
        self.meanwhile = Answer::NoDevice;
        Next::Do(Act::Close)
    }

    fn fall_silent(&mut self) -> Next {
        self.phase = Phase::Unlocked { failures: 0 };
        self.meanwhile = Answer::NoSignal;
        Next::Do(Act::Pause)
    }

    fn count_frame(&mut self) {
        if let Phase::Streaming { unchecked, quiet } = &mut self.phase {
            (*unchecked, *quiet) = (*unchecked + 1, 0);
        }
    }

    fn wait_more(&mut self) -> Next {
        if let Phase::Streaming { quiet, .. } = &mut self.phase {
            *quiet += 1;
            if *quiet >= QUIET_WAITS {
                self.phase = Phase::Unlocked { failures: 0 };
                self.meanwhile = Answer::NoSignal;
            }
        }
        Next::Say(self.meanwhile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays what a device would show, each value the outcome of the act told, and gives the trace: a line a call.
    fn trace(saw: &[Saw]) -> String {
        let mut course = Course::opened();
        let mut script = saw.iter();
        let mut trace = String::new();
        while script.len() > 0 {
            let mut act = course.begin();
            let mut acts = 0;
            loop {
                acts += 1;
                assert!(acts <= ACTS_MAX, "{trace}");
                trace += &format!("{act:?} ");
                // What always goes well is not in the script.
                let saw = if matches!(act, Act::Pause | Act::Close) { &Saw::Done } else { script.next().unwrap() };
                match course.next(*saw) {
                    Next::Do(next) => act = next,
                    Next::Say(answer) => {
                        trace += &format!("-> {answer:?}\n");
                        break;
                    }
                }
            }
        }
        trace
    }

    #[test]
    fn given_frames_expect_them_and_a_look_at_the_signal_now_and_then() {
        use Saw::{Done, FrameReady, Whole};
        let mut script = vec![Done];
        script.extend([FrameReady, Whole].repeat(CHECK_FRAMES as usize));
        script.extend([Done, FrameReady, Whole]);
        let trace = trace(&script);
        let expected = "Lock -> Waiting\n".to_string()
            + &"Wait TakeFrame -> Frame\n".repeat(CHECK_FRAMES as usize)
            + "Check Wait TakeFrame -> Frame\n";
        assert_eq!(trace, expected);
    }

    #[test]
    fn given_a_signal_lost_and_back_expect_no_frame_between() {
        use Saw::{Changed, Done, EventReady, FrameReady, Silence, Torn, Whole};
        let script = [
            Done, FrameReady, Whole, EventReady, Changed, Silence, Silence, Silence, Done, FrameReady, Torn,
            FrameReady, Whole,
        ];
        let expected = "\
            Lock -> Waiting\n\
            Wait TakeFrame -> Frame\n\
            Wait TakeEvents Lock Pause -> NoSignal\n\
            Lock Pause -> NoSignal\n\
            Lock Pause -> NoSignal\n\
            Lock -> NoSignal\n\
            Wait TakeFrame -> NoSignal\n\
            Wait TakeFrame -> Frame\n";
        assert_eq!(trace(&script), expected);
    }

    #[test]
    fn given_noise_after_a_lost_signal_expect_it_found_out_by_asking() {
        use Saw::{Done, FrameReady, Silence, Whole};
        let mut script = vec![Done];
        script.extend([FrameReady, Whole].repeat(CHECK_FRAMES as usize));
        script.extend([Silence, Silence]);
        let trace = trace(&script);
        assert!(trace.ends_with("Frame\nCheck Pause -> NoSignal\nLock Pause -> NoSignal\n"), "{trace}");
    }

    #[test]
    fn given_another_mode_in_mid_stream_expect_the_stream_begun_anew() {
        use Saw::{Changed, Done, EventReady, FrameReady, Nothing, Whole};
        let script = [Done, EventReady, Nothing, EventReady, Changed, Done, FrameReady, Whole];
        let expected = "\
            Lock -> Waiting\n\
            Wait TakeEvents -> Waiting\n\
            Wait TakeEvents Lock -> Waiting\n\
            Wait TakeFrame -> Frame\n";
        assert_eq!(trace(&script), expected);
    }

    #[test]
    fn given_a_stall_expect_no_signal_after_a_second_and_a_new_stream() {
        use Saw::{Done, FrameReady, Nothing, Whole};
        let quiet = [Done, Nothing].repeat(QUIET_WAITS as usize);
        let script = [&quiet[..], &[Done, Nothing, Done, FrameReady, Whole]].concat();
        let expected = "\
            Lock -> Waiting\n\
            Wait -> Waiting\n\
            Check Wait -> Waiting\n\
            Check Wait -> Waiting\n\
            Check Wait -> Waiting\n\
            Check Wait -> NoSignal\n\
            Lock -> NoSignal\n\
            Wait -> NoSignal\n\
            Check Wait TakeFrame -> Frame\n";
        assert_eq!(trace(&script), expected);
    }

    #[test]
    fn given_it_unplugged_and_back_expect_no_device_between() {
        use Saw::{Done, Fault, FrameReady, Gone, Nothing, Whole};
        let script = [
            Done, FrameReady, Whole, FrameReady, Gone, Gone, Fault, Done, Gone, Done, Done, Nothing, Done, FrameReady,
            Whole,
        ];
        let expected = "\
            Lock -> Waiting\n\
            Wait TakeFrame -> Frame\n\
            Wait TakeFrame Close -> NoDevice\n\
            Open Close -> NoDevice\n\
            Open Close -> NoDevice\n\
            Open Lock Close -> NoDevice\n\
            Open Lock -> Waiting\n\
            Wait -> Waiting\n\
            Check Wait TakeFrame -> Frame\n";
        assert_eq!(trace(&script), expected);
    }

    #[test]
    fn given_a_stream_that_will_not_begin_expect_the_device_opened_anew() {
        use Saw::{Done, Fault};
        let script = [Fault, Fault, Fault, Fault, Fault, Done, Done, Fault];
        let expected = "Lock Pause -> Waiting\n".repeat(4)
            + "Lock Close -> NoDevice\n\
               Open Lock -> Waiting\n\
               Wait Pause -> Waiting\n";
        assert_eq!(trace(&script), expected);
    }

    #[test]
    fn given_any_outcome_of_any_act_expect_an_answer_in_time() {
        use proptest::prelude::*;
        let outcomes = [
            Saw::Done,
            Saw::Silence,
            Saw::Changed,
            Saw::FrameReady,
            Saw::EventReady,
            Saw::Nothing,
            Saw::Whole,
            Saw::Torn,
            Saw::Gone,
            Saw::Fault,
        ];
        proptest!(|(script in proptest::collection::vec(0..outcomes.len(), 1..200))| {
            let mut course = Course::opened();
            let mut script = script.into_iter().map(|at| outcomes[at]);
            'calls: loop {
                let (mut act, mut waits, mut pauses) = (course.begin(), 0, 0);
                for acts in 1.. {
                    prop_assert!(acts <= ACTS_MAX);
                    waits += u32::from(act == Act::Wait);
                    pauses += u32::from(matches!(act, Act::Pause | Act::Close));
                    prop_assert!(waits <= 1 && pauses <= 1);
                    let Some(saw) = script.next() else { break 'calls };
                    match course.next(saw) {
                        Next::Do(next) => act = next,
                        Next::Say(answer) => {
                            prop_assert!(answer != Answer::Frame || (act, saw) == (Act::TakeFrame, Saw::Whole));
                            break;
                        }
                    }
                }
            }
        });
    }
}
