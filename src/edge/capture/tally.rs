//! What becomes of the frames of a device: how many a second, how many were lost, how many were spoilt.
//!
//! Always holds: frames lost and spoilt are counted since the start, over every restart of the stream; the rate is of this stream
//! alone and stands on a second of it. Deliberately absent: any clock; the device's times are the time.

use std::{collections::VecDeque, time::Duration};

/// The rate is measured over so long.
const RATE_WINDOW: Duration = Duration::from_secs(1);
/// Times kept at most: no signal has more frames in [`RATE_WINDOW`].
const TIMES_MAX: usize = 256;

/// Counts frames.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Frames that came.
    pub taken: u64,
    /// Frames lost before they came here.
    pub dropped: u64,
    /// Of those, the ones that found no buffer: the reader was late. The others were lost by the source, or on the way.
    pub starved: u64,
    /// Frames that came when a newer one had come too, and were not looked at.
    pub late: u64,
    /// Frames that came and were short, torn or corrupt.
    pub corrupt: u64,
    last: Option<u32>,
    times: VecDeque<Duration>,
}

impl Tally {
    /// A new stream begins: its numbers and times have nothing to do with those before.
    pub fn restart(&mut self) {
        self.last = None;
        self.times.clear();
    }

    /// A frame came, spoilt or not, as number `sequence` of the device's, captured `at`; `starved`: when all buffers waited to be
    /// read.
    pub fn count(&mut self, sequence: u32, at: Duration, starved: bool) {
        self.taken += 1;
        if let Some(last) = self.last {
            // A number that goes back is that of a device that began anew, or of one that does not count.
            let lost = sequence.wrapping_sub(last).wrapping_sub(1);
            let lost = if lost < u32::MAX / 2 { u64::from(lost) } else { 0 };
            self.dropped += lost;
            self.starved += if starved { lost } else { 0 };
        }
        self.last = Some(sequence);
        if self.times.back().is_some_and(|&last| at < last) {
            self.times.clear();
        }
        self.times.push_back(at);
        let is_old = |time: &Duration| at - *time >= RATE_WINDOW;
        while self.times.get(1).is_some_and(is_old) || self.times.len() > TIMES_MAX {
            self.times.pop_front();
        }
    }

    /// Frames a second, once there is a second of them.
    pub fn frames_per_s(&self) -> Option<f32> {
        let span = *self.times.back()? - *self.times.front()?;
        (span >= RATE_WINDOW).then(|| (self.times.len() - 1) as f32 / span.as_secs_f32())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(frames: &[(u32, u64)], dropped: u64, frames_per_s: Option<f32>) {
        let mut tally = Tally::default();
        for &(sequence, ms) in frames {
            tally.count(sequence, Duration::from_millis(ms), false);
        }
        assert_eq!(tally.dropped, dropped, "{frames:?}");
        let rounded = tally.frames_per_s().map(|rate| (rate * 10.0).round() / 10.0);
        assert_eq!(rounded, frames_per_s, "{frames:?}");
    }

    #[test]
    fn given_gaps_in_the_numbers_expect_them_counted() {
        check(&[(7, 0), (8, 40), (11, 160)], 2, None);
        check(&[(u32::MAX, 0), (1, 80)], 1, None);
        // The numbers begin anew, or stand still.
        check(&[(900, 0), (0, 40), (1, 80)], 0, None);
        check(&[(0, 0), (0, 40), (0, 80)], 0, None);
    }

    #[test]
    fn given_frames_over_time_expect_the_rate_of_the_last_second() {
        check(&[], 0, None);
        let at_25: Vec<_> = (0..60).map(|n| (n, u64::from(n) * 40)).collect();
        check(&at_25[..25], 0, None);
        check(&at_25, 0, Some(25.0));
        let slower: Vec<_> = at_25.iter().copied().chain((60..70).map(|n| (n, u64::from(n - 48) * 200))).collect();
        check(&slower, 0, Some(5.0));
        // One frame in two seconds is a rate too.
        check(&[(0, 0), (1, 2000)], 0, Some(0.5));
        // Time that goes back begins a new second.
        check(&[(0, 5000), (1, 6000), (2, 100), (3, 140)], 0, None);
    }

    #[test]
    fn given_a_late_reader_expect_what_was_lost_for_want_of_a_buffer_told() {
        let mut tally = Tally::default();
        for (sequence, starved) in [(0, false), (2, false), (3, true), (7, true), (9, false)] {
            tally.count(sequence, Duration::ZERO, starved);
        }
        assert_eq!((tally.dropped, tally.starved), (5, 3));
    }

    #[test]
    fn given_a_restart_expect_counts_kept_and_the_rate_begun_anew() {
        let mut tally = Tally::default();
        tally.count(0, Duration::ZERO, false);
        tally.count(5, Duration::from_secs(2), false);
        tally.restart();
        tally.count(3, Duration::from_secs(9), false);
        assert_eq!((tally.dropped, tally.frames_per_s()), (4, None));
    }
}
