//! The service manager: tells it that the device is ready and alive, so that it starts a dead one anew.
//!
//! Always holds: without a service manager nothing happens. *Source*: sd_notify(3), systemd.service(5), `WatchdogSec`.

use sd_notify::NotifyState;

/// Tells that the device is ready.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Tells that the device is alive; to be called several times in the unit's `WatchdogSec`.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// Tells that the device is ending because it was asked to.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(news: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(news) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}
