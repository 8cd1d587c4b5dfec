//! What a person has at hand: buttons and a foot switch or keyboard in ([`Inputs`]), lamp and buzzer out ([`Lights`]).
//!
//! `buttons` are pins of the header, polled and debounced by `debounce`; `keys` is an input device of the kernel; `lights` are pins again.
//! Always holds: one press is one [`Control`], told on the press; whatever is held down or stuck tells nothing more; a wait ends in time.
//! Deliberately absent: threads, and what a control does (that is `crate::machine`).

mod buttons;
mod debounce;
mod keys;
mod lights;

pub use lights::{BEEP, Lights, Signal};

use crate::{config, machine::Control};
use buttons::Buttons;
use heapless::Deque;
use keys::Keyboard;
use rustix::event::{PollFd, Timespec, poll};
use std::{
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

/// The longest wait, however long was asked for.
pub const WAIT_MAX: Duration = Duration::from_secs(3600);
/// Presses told at once that wait to be asked for; nobody has more buttons. What comes above is lost.
const WAITING_MAX: usize = 16;

/// Why buttons, keys, lamp or buzzer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ControlsError {
    /// The header's pins cannot be reached at all.
    #[error(
        "controls.gpio: this computer is no Raspberry Pi that is known here; leave controls.gpio out of the board file"
    )]
    NoHeader,
    /// The user may not use the header's pins.
    #[error("controls.gpio: no permission for {device}; add the program's user to the group gpio")]
    NoPermission {
        /// The device.
        device: String,
    },
    /// A pin cannot be used.
    #[error("controls.gpio.{key} = {pin}: cannot be used ({source}); check the board file and the group gpio")]
    Pin {
        /// The key in the board file, below `controls.gpio`.
        key: &'static str,
        /// The pin's BCM number.
        pin: u8,
        /// Why.
        source: rppal::gpio::Error,
    },
    /// A key has no such name.
    #[error("controls.keys.{key} = \"{name}\": there is no such key; evtest shows their names, such as KEY_ENTER")]
    KeyName {
        /// The key in the board file, below `controls.keys`.
        key: &'static str,
        /// The name it has there.
        name: String,
    },
    /// The input device cannot be used.
    #[error("controls.keys.device {}: cannot be used ({source}); check the path and the group input", device.display())]
    Keys {
        /// The device.
        device: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The input device lacks a key.
    #[error("controls.keys.{key} = \"{name}\": {} has no such key; evtest shows what it has", device.display())]
    KeyMissing {
        /// The key in the board file, below `controls.keys`.
        key: &'static str,
        /// The name it has there.
        name: String,
        /// The device.
        device: PathBuf,
    },
    /// Another program has the input device to itself.
    #[error("controls.keys.device {}: another program has it to itself; stop that, or give the box a switch of its own", device.display())]
    KeysTaken {
        /// The device.
        device: PathBuf,
    },
}

/// Buttons and keys, to be waited for on one thread.
pub struct Inputs {
    buttons: Option<Buttons>,
    keyboard: Option<Keyboard>,
    waiting: Deque<Control, WAITING_MAX>,
}

impl Inputs {
    /// Opens what the board file names; nothing is all right too.
    ///
    /// An input device that is not there is waited for and said once. *Errors*: [`ControlsError`] for everything else.
    pub fn open(controls: &config::Controls) -> Result<Self, ControlsError> {
        Ok(Self {
            buttons: controls.gpio.as_ref().map(Buttons::open).transpose()?.flatten(),
            keyboard: controls.keys.as_ref().map(Keyboard::open).transpose()?,
            waiting: Deque::new(),
        })
    }

    /// Waits for the next press, `longest` and [`WAIT_MAX`] at most.
    ///
    /// Buttons are looked at only here, so a press is seen only while somebody waits.
    pub fn wait(&mut self, longest: Duration) -> Option<Control> {
        let end = Instant::now() + longest.min(WAIT_MAX);
        loop {
            let now = Instant::now();
            let Self { buttons, keyboard, waiting } = self;
            // Refused only where there are WAITING_MAX already.
            let mut tell = |control| {
                let _lost = waiting.push_back(control);
            };
            if let Some(buttons) = buttons {
                buttons.look(now, &mut tell);
            }
            if let Some(keyboard) = keyboard {
                keyboard.read(now, &mut tell);
            }
            if let Some(control) = self.waiting.pop_front() {
                return Some(control);
            }
            let left = end.saturating_duration_since(now);
            if left.is_zero() {
                return None;
            }
            self.rest(left);
        }
    }

    /// Sleeps until there may be something to see, `left` at most.
    fn rest(&self, left: Duration) {
        let paces = [self.buttons.as_ref().map(|_| buttons::PACE), self.keyboard.as_ref().and_then(Keyboard::pace)];
        let pause = paces.into_iter().flatten().fold(left, Duration::min);
        let timeout = Timespec::try_from(pause).expect("an hour fits");
        let mut devices: heapless::Vec<PollFd<'_>, 1> =
            self.keyboard.as_ref().and_then(Keyboard::readable).into_iter().collect();
        // Whatever ends the sleep early, a signal or a device that is gone, the next look tells.
        let _woken = poll(&mut devices, Some(&timeout));
    }
}

#[cfg(test)]
mod tests;
