//! Lamp and buzzer on pins of the header, on when high.

use super::{ControlsError, buttons::taken};
use crate::config;
use rppal::gpio::OutputPin;
use std::{thread, time::Duration};

/// How long the buzzer sounds.
pub const BEEP: Duration = Duration::from_millis(120);

/// What lamp and buzzer are to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Nothing is shown that somebody waits for.
    Nothing,
    /// A result is shown.
    Result,
    /// A refusal is shown.
    Refusal,
}

/// Lamp and buzzer, where they are wired. Both are off when this is dropped.
pub struct Lights {
    lamp: Option<OutputPin>,
    buzzer: Option<OutputPin>,
    shown: Signal,
}

impl Lights {
    /// Opens what the board file names, dark and silent; nothing is all right too.
    ///
    /// *Errors*: [`ControlsError::NoHeader`], [`ControlsError::NoPermission`], [`ControlsError::Pin`].
    pub fn open(controls: &config::Controls) -> Result<Self, ControlsError> {
        let pin = |key, pin: Option<u8>| pin.map(|pin| Ok(taken(key, pin)?.into_output_low())).transpose();
        let named = |pin: fn(&config::Gpio) -> Option<u8>| controls.gpio.as_ref().and_then(pin);
        Ok(Self {
            lamp: pin("lamp", named(|gpio| gpio.lamp))?,
            buzzer: pin("buzzer", named(|gpio| gpio.buzzer))?,
            shown: Signal::Nothing,
        })
    }

    /// Tells `signal`: the lamp is lit while it is a result; the buzzer sounds once when a result or refusal comes up.
    ///
    /// Returns at once where nothing sounds, else after [`BEEP`]; so it belongs on a thread that may wait for that long.
    pub fn show(&mut self, signal: Signal) {
        let before = std::mem::replace(&mut self.shown, signal);
        if let Some(lamp) = &mut self.lamp {
            lamp.write((signal == Signal::Result).into());
        }
        if let Some(buzzer) = self.buzzer.as_mut().filter(|_| sounds(before, signal)) {
            buzzer.set_high();
            thread::sleep(BEEP);
            buzzer.set_low();
        }
    }
}

impl Drop for Lights {
    /// A pin that goes back to an input keeps no level of its own, so what hangs there is switched off first.
    fn drop(&mut self) {
        self.lamp.iter_mut().chain(&mut self.buzzer).for_each(OutputPin::set_low);
    }
}

/// Whether the buzzer sounds when `now` comes after `before`.
fn sounds(before: Signal, now: Signal) -> bool {
    now != before && now != Signal::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_signal_that_comes_up_expect_one_sound_and_none_while_it_stays() {
        use Signal::{Nothing, Refusal, Result};
        for now in [Result, Refusal] {
            assert!(sounds(Nothing, now));
            assert!(!sounds(now, now));
            assert!(!sounds(now, Nothing));
        }
        assert!(sounds(Refusal, Result) && sounds(Result, Refusal) && !sounds(Nothing, Nothing));
    }
}
