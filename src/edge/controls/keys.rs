//! Keys of an input device: a foot switch or a keyboard, by evdev.
//!
//! Always holds: only presses count, neither repeats nor releases. The device is grabbed: a foot switch that types a letter, or a keyboard with
//! Ctrl-Alt-Del, must not reach the console behind the panel; so it has to be one that nobody works with.
//! A device that is not there, at the start or later, is tried for every [`RETRY`], and said once. A name below `/dev/input/by-id` is the
//! same after it was plugged in again; `/dev/input/event3` may not be.

use super::ControlsError;
use crate::{config, machine::Control};
use evdev::{Device, EventSummary, KeyCode};
use rustix::event::{PollFd, PollFlags};
use std::{
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

/// The time from one try for a device that is not there to the next.
const RETRY: Duration = Duration::from_secs(1);
/// The value of a key's event when it is pressed. *Source*: the kernel's Documentation/input/event-codes.rst, EV_KEY.
const PRESSED: i32 = 1;

/// A key and what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    /// The key in the board file, below `controls.keys`.
    named: &'static str,
    code: KeyCode,
    control: Control,
}

/// An input device, there or not.
pub(super) struct Keyboard {
    path: PathBuf,
    keys: Vec<Key>,
    device: Option<Device>,
    /// When to try again for a device that is not there.
    retry_at: Instant,
}

impl Keyboard {
    /// Opens the device, or waits for it.
    ///
    /// *Errors*: [`ControlsError::KeyName`]; for a device that is there [`ControlsError::Keys`], [`ControlsError::KeyMissing`],
    /// [`ControlsError::KeysTaken`].
    pub(super) fn open(controls: &config::Keys) -> Result<Self, ControlsError> {
        let keys = parsed(controls)?;
        let path = controls.device.clone();
        let mut keyboard = Self { path, keys, device: None, retry_at: Instant::now() + RETRY };
        match keyboard.opened() {
            Ok(device) => keyboard.device = Some(device),
            Err(ControlsError::Keys { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                tracing::warn!(device = %keyboard.path.display(), "controls.keys.device is not there; waiting for it");
            }
            Err(fault) => return Err(fault),
        }
        Ok(keyboard)
    }

    /// Tells the presses since the last reading; tries for the device where it is time to.
    pub(super) fn read(&mut self, now: Instant, tell: &mut impl FnMut(Control)) {
        if self.device.is_none() && now >= self.retry_at {
            self.retry_at = now + RETRY;
            // Said once when it went; until it can be used again there is nothing new to say.
            self.device = self.opened().ok();
            if self.device.is_some() {
                tracing::info!(device = %self.path.display(), "controls.keys.device is back");
            }
        }
        let Some(device) = &mut self.device else { return };
        let fault = match device.fetch_events() {
            Ok(events) => return events.filter_map(|event| asked(&self.keys, event.destructure())).for_each(tell),
            Err(fault) => fault,
        };
        if !matches!(fault.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) {
            tracing::warn!(device = %self.path.display(), %fault, "controls.keys.device is gone; waiting for it");
            self.device = None;
            self.retry_at = now + RETRY;
        }
    }

    /// What ends a sleep when there is something to read; nothing while the device is not there.
    pub(super) fn readable(&self) -> Option<PollFd<'_>> {
        self.device.as_ref().map(|device| PollFd::new(device, PollFlags::IN))
    }

    /// How long to wait at most before the next reading; as long as one likes while the device is there.
    pub(super) fn pace(&self) -> Option<Duration> {
        self.device.is_none().then_some(RETRY)
    }

    fn opened(&self) -> Result<Device, ControlsError> {
        let unusable = |source| ControlsError::Keys { device: self.path.clone(), source };
        let mut device = Device::open(&self.path).map_err(unusable)?;
        let has = |key: &Key| device.supported_keys().is_some_and(|there| there.contains(key.code));
        if let Some(Key { named, code, .. }) = self.keys.iter().find(|key| !has(key)) {
            return Err(ControlsError::KeyMissing { key: named, name: format!("{code:?}"), device: self.path.clone() });
        }
        device.set_nonblocking(true).map_err(unusable)?;
        device.grab().map_err(|source| match source.kind() {
            io::ErrorKind::ResourceBusy => ControlsError::KeysTaken { device: self.path.clone() },
            _ => unusable(source),
        })?;
        Ok(device)
    }
}

/// The keys that the board file names. *Errors*: [`ControlsError::KeyName`].
fn parsed(controls: &config::Keys) -> Result<Vec<Key>, ControlsError> {
    let named = [
        ("accept", &controls.accept, Control::Accept),
        ("reject", &controls.reject, Control::Reject),
        ("next_patient", &controls.next_patient, Control::NextPatient),
        ("print", &controls.print, Control::Print),
    ];
    let key = |named, name: &String, control| match name.parse() {
        Ok(code) => Ok(Key { named, code, control }),
        Err(_) => Err(ControlsError::KeyName { key: named, name: name.clone() }),
    };
    named.into_iter().filter_map(|(named, name, control)| Some(key(named, name.as_ref()?, control))).collect()
}

/// What an event asks for: something only where one of `keys` was pressed.
fn asked(keys: &[Key], event: EventSummary) -> Option<Control> {
    let EventSummary::Key(_, code, PRESSED) = event else { return None };
    keys.iter().find(|key| key.code == code).map(|key| key.control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use evdev::{EventType, InputEvent};

    fn named(accept: &str, print: Option<&str>) -> config::Keys {
        config::Keys {
            device: "/dev/input/none".into(),
            accept: Some(accept.into()),
            reject: None,
            next_patient: None,
            print: print.map(String::from),
        }
    }

    fn check(event: EventType, code: KeyCode, value: i32, expected: Option<Control>) {
        let keys = parsed(&named("KEY_ENTER", Some("BTN_LEFT"))).unwrap();
        let event = InputEvent::new(event.0, code.0, value);
        assert_eq!(asked(&keys, event.destructure()), expected, "{event:?}");
    }

    #[test]
    fn given_events_expect_presses_of_named_keys_alone() {
        check(EventType::KEY, KeyCode::KEY_ENTER, 1, Some(Control::Accept));
        check(EventType::KEY, KeyCode::BTN_LEFT, 1, Some(Control::Print));
        check(EventType::KEY, KeyCode::KEY_ENTER, 2, None);
        check(EventType::KEY, KeyCode::KEY_ENTER, 0, None);
        check(EventType::KEY, KeyCode::KEY_A, 1, None);
        check(EventType::MISC, KeyCode::KEY_ENTER, 1, None);
    }

    #[test]
    fn given_an_unknown_name_expect_the_board_files_key() {
        let fault = parsed(&named("KEY_ENTER", Some("enter"))).unwrap_err().to_string();
        assert_eq!(
            fault,
            "controls.keys.print = \"enter\": there is no such key; evtest shows their names, such as KEY_ENTER"
        );
    }
}
