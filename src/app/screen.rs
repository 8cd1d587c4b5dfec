//! The panel thread: draws the newest state and shows it, however slow the display is.

use super::{device::health::Pulse, draw_panel, slot::Slot};
use crate::{
    config,
    edge::panel::{Display, PanelError},
    machine::State,
};
use std::{thread, time::Duration};

/// How often in a row a display may fail before the device starts anew, and how long it is given in between.
const FAILURES_MAX: u32 = 10;
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Shows each state that is put into `states`, unless a newer one replaces it first; ends when the slot is closed.
///
/// A display that fails is opened anew. *Errors*: that of a display that fails again and again.
pub(super) fn run(
    panel: &config::Panel,
    display: Display,
    states: &Slot<State>,
    pulse: &Pulse,
) -> Result<(), PanelError> {
    let mut display = Some(display);
    let mut last = "";
    while let Some(mut state) = states.wait() {
        let mut failures = 0;
        while let Err(error) = pulse.at(|| show(panel, &mut display, &state)) {
            failures += 1;
            tracing::warn!(%error, failures, "panel");
            if failures >= FAILURES_MAX {
                return Err(error);
            }
            display = None;
            thread::sleep(RETRY_AFTER);
            state = states.take_if(|_| true).unwrap_or(state);
        }
        if state.phase.name() != last {
            last = state.phase.name();
            tracing::info!(state = last, look = state.look, "shown");
        }
    }
    Ok(())
}

fn show(panel: &config::Panel, display: &mut Option<Display>, state: &State) -> Result<(), PanelError> {
    let display = match display {
        Some(display) => display,
        none => none.insert(Display::open(panel)?),
    };
    let picture = draw_panel(state, display.size());
    display.show(&picture)
}
