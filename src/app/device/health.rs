//! Whether every thread of the device is alive: one that has ended, or has been at one piece of work for too long, is a fault.

use crate::machine::{Failure, Fault, Part};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// The longest that one piece of work may take. *Source*: a frame source answers within half a second; ten ResNet-101 in float take some
/// 15 s on a Pi 4; a worn SD card syncs within seconds; a panel on a slow SPI bus takes half a second a picture.
const CAPTURE_MAX: Duration = Duration::from_secs(3);
const INFERENCE_MAX: Duration = Duration::from_secs(90);
const JOURNAL_MAX: Duration = Duration::from_secs(15);
const PANEL_MAX: Duration = Duration::from_secs(10);
const CONTROLS_MAX: Duration = Duration::from_secs(3);

/// What [`Pulse::since_ms`] holds while its thread waits for work, and once it has ended.
const IDLE: u64 = 0;
const ENDED: u64 = u64::MAX;

/// The pulses of all threads.
#[derive(Debug)]
pub struct Health {
    /// Capture and watch.
    pub capture: Pulse,
    /// Overlay reader and members.
    pub inference: Pulse,
    /// The journal.
    pub journal: Pulse,
    /// The display.
    pub panel: Pulse,
    /// Buttons and keys.
    pub controls: Pulse,
}

/// What one thread is doing.
#[derive(Debug)]
pub struct Pulse {
    part: Part,
    longest: Duration,
    origin: Instant,
    /// Since when it has been at one piece of work, in milliseconds after `origin`, from 1.
    since_ms: AtomicU64,
}

impl Default for Health {
    fn default() -> Self {
        let origin = Instant::now();
        let pulse = |part, longest| Pulse { part, longest, origin, since_ms: AtomicU64::new(IDLE) };
        Self {
            capture: pulse(Part::Capture, CAPTURE_MAX),
            inference: pulse(Part::Inference, INFERENCE_MAX),
            journal: pulse(Part::Journal, JOURNAL_MAX),
            panel: pulse(Part::Panel, PANEL_MAX),
            controls: pulse(Part::Controls, CONTROLS_MAX),
        }
    }
}

impl Health {
    /// The first thread that has failed, if any has by `now`.
    pub fn fault(&self, now: Instant) -> Option<Fault> {
        let Self { capture, inference, journal, panel, controls } = self;
        [journal, inference, capture, panel, controls].into_iter().find_map(|pulse| pulse.fault(now))
    }
}

impl Pulse {
    /// Does the whole work of a thread; once it is over, by a panic too, the thread counts as ended.
    pub fn through<T>(&self, life: impl FnOnce() -> T) -> T {
        let _end = Until { pulse: self, then: ENDED };
        life()
    }

    /// Does one piece of work, which must not take too long.
    pub fn at<T>(&self, work: impl FnOnce() -> T) -> T {
        let since = self.origin.elapsed().as_millis() as u64 + 1;
        self.since_ms.store(since, Ordering::Relaxed);
        let _end = Until { pulse: self, then: IDLE };
        work()
    }

    fn fault(&self, now: Instant) -> Option<Fault> {
        let failure = match self.since_ms.load(Ordering::Relaxed) {
            IDLE => return None,
            ENDED => Failure::Stopped,
            since => {
                let since = self.origin + Duration::from_millis(since - 1);
                if now.saturating_duration_since(since) <= self.longest {
                    return None;
                }
                Failure::Stalled
            }
        };
        Some(Fault { part: self.part, failure })
    }
}

/// Sets the pulse once what it was set for is over.
struct Until<'a> {
    pulse: &'a Pulse,
    then: u64,
}

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.pulse.since_ms.store(self.then, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(health: &Health, after: Duration) -> Option<Failure> {
        health.fault(Instant::now() + after).map(|fault| fault.failure)
    }

    #[test]
    fn given_threads_at_work_or_waiting_expect_no_fault_until_one_takes_too_long() {
        let health = Health::default();
        let hour = Duration::from_secs(3600);
        assert_eq!(fault(&health, hour), None);
        health.capture.at(|| {
            assert_eq!(fault(&health, Duration::ZERO), None);
            assert_eq!(
                health.fault(Instant::now() + hour),
                Some(Fault { part: Part::Capture, failure: Failure::Stalled })
            );
        });
        assert_eq!(fault(&health, hour), None);
    }

    #[test]
    fn given_a_thread_that_ends_or_panics_expect_it_stopped() {
        for panics in [false, true] {
            let health = Health::default();
            let thread = || health.inference.through(|| health.inference.at(|| assert!(!panics, "a scripted panic")));
            let ended = std::thread::scope(|scope| scope.spawn(thread).join());
            assert_eq!(ended.is_err(), panics);
            assert_eq!(fault(&health, Duration::ZERO), Some(Failure::Stopped));
        }
    }
}
