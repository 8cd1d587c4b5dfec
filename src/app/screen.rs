//! The panel thread: draws the newest state and shows it, however slow the display is; lamp and buzzer follow.

use super::{
    device::health::Pulse,
    draw_panel,
    slot::{Slot, Waited},
};
use crate::{
    config,
    edge::{
        controls::{Lights, Signal},
        panel::{Display, PanelError},
    },
    machine::{Phase, State},
};
use rustix::process::{Signal as SystemSignal, getpid, kill_process};
use std::{thread, time::Duration};

/// How often in a row a display may fail before the device starts anew, and how long it is given in between.
const FAILURES_MAX: u32 = 10;
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often a display is asked whether it is still there while nothing changes: a window answers its desktop then.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// A display and what belongs to it.
pub(super) struct Screen<'a> {
    panel: &'a config::Panel,
    display: Option<Display>,
    lights: Lights,
    /// What was said last in the log.
    said: &'static str,
}

impl<'a> Screen<'a> {
    /// Opens the display of `panel`. *Errors*: as [`Display::open`].
    pub(super) fn open(panel: &'a config::Panel, lights: Lights) -> Result<Self, PanelError> {
        Ok(Self { panel, display: Some(Display::open(panel)?), lights, said: "" })
    }

    /// Shows each state that is put into `states`, unless a newer one replaces it first; ends when the slot is closed.
    ///
    /// A display that fails is opened anew; a window that is closed ends the program. *Errors*: that of a display that fails
    /// again and again.
    pub(super) fn run(mut self, states: &Slot<State>, pulse: &Pulse) -> Result<(), PanelError> {
        loop {
            match states.wait_for(ASK_EVERY) {
                Waited::Value(state) => self.show(state, states, pulse)?,
                Waited::Nothing => {
                    if self.display.as_mut().is_some_and(|display| !display.is_open()) {
                        // As if the person had asked the program to end.
                        let _asked = kill_process(getpid(), SystemSignal::TERM);
                        self.display = None;
                    }
                }
                Waited::Closed => return Ok(()),
            }
        }
    }

    fn show(&mut self, mut state: State, states: &Slot<State>, pulse: &Pulse) -> Result<(), PanelError> {
        let mut failures = 0;
        while let Err(error) = pulse.at(|| self.try_show(&state)) {
            failures += 1;
            tracing::warn!(%error, failures, "panel");
            if failures >= FAILURES_MAX {
                return Err(error);
            }
            self.display = None;
            thread::sleep(RETRY_AFTER);
            state = states.take_if(|_| true).unwrap_or(state);
        }
        if state.phase.name() != self.said {
            self.said = state.phase.name();
            tracing::info!(state = self.said, look = state.look, "shown");
        }
        pulse.at(|| self.lights.show(signal(&state.phase)));
        Ok(())
    }

    fn try_show(&mut self, state: &State) -> Result<(), PanelError> {
        let display = match &mut self.display {
            Some(display) => display,
            none => none.insert(Display::open(self.panel)?),
        };
        display.show(&draw_panel(state, display.size()))
    }
}

/// What lamp and buzzer tell of a phase.
fn signal(phase: &Phase) -> Signal {
    match phase {
        Phase::Result { .. } => Signal::Result,
        Phase::Refused(_) | Phase::Fault(_) => Signal::Refusal,
        Phase::Starting { .. } | Phase::NoSignal(_) | Phase::Live | Phase::Frozen | Phase::Measuring { .. } => {
            Signal::Nothing
        }
    }
}
