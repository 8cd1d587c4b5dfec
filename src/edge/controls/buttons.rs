//! Buttons between a pin of the header and ground, by rppal.
//!
//! They are polled, not waited for: emulated boards have no interrupts, and a bouncing contact has to be looked at more than once anyway.

use super::{ControlsError, debounce::Debounce};
use crate::{config, machine::Control};
use rppal::gpio::{self, Gpio, InputPin};
use std::time::{Duration, Instant};

/// The time from one look at the buttons to the next: some looks within the 20 ms that contacts settle in.
pub(super) const PACE: Duration = Duration::from_millis(5);

/// All buttons of a board.
pub(super) struct Buttons(Vec<Button>);

struct Button {
    pin: InputPin,
    contact: Debounce,
    control: Control,
}

impl Buttons {
    /// Opens the buttons that the board file names; nothing where it names none.
    ///
    /// *Errors*: [`ControlsError::NoHeader`], [`ControlsError::NoPermission`], [`ControlsError::Pin`].
    pub(super) fn open(controls: &config::Gpio) -> Result<Option<Self>, ControlsError> {
        let named = [
            ("accept", controls.accept, Control::Accept),
            ("reject", controls.reject, Control::Reject),
            ("next_patient", controls.next_patient, Control::NextPatient),
            ("print", controls.print, Control::Print),
        ];
        let settling = Duration::from_millis(controls.debounce_ms.into());
        let button = |key, pin, control| {
            let pin = taken(key, pin)?.into_input_pullup();
            let contact = Debounce::new(pin.is_low(), settling);
            Ok(Button { pin, contact, control })
        };
        let buttons = named.into_iter().filter_map(|(key, pin, control)| Some(button(key, pin?, control)));
        let buttons = buttons.collect::<Result<Vec<_>, _>>()?;
        Ok((!buttons.is_empty()).then_some(Self(buttons)))
    }

    /// Looks at every button once and tells the presses.
    pub(super) fn look(&mut self, now: Instant, tell: &mut impl FnMut(Control)) {
        for Button { pin, contact, control } in &mut self.0 {
            if contact.look(pin.is_low(), now) {
                tell(*control);
            }
        }
    }
}

/// A pin of the header, with the key that the board file has it under.
pub(super) fn taken(key: &'static str, pin: u8) -> Result<gpio::Pin, ControlsError> {
    Gpio::new().and_then(|gpio| gpio.get(pin)).map_err(|source| match source {
        gpio::Error::UnknownModel => ControlsError::NoHeader,
        gpio::Error::PermissionDenied(device) => ControlsError::NoPermission { device },
        source => ControlsError::Pin { key, pin, source },
    })
}
