//! A contact's bounces made into presses: a pure function of what was seen and when.

use std::time::{Duration, Instant};

/// One contact. A change counts once it has stayed for the whole settling time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Debounce {
    /// Whether the contact counts as pressed.
    pressed: bool,
    /// Since when it has been seen otherwise.
    otherwise_since: Option<Instant>,
    settling: Duration,
}

impl Debounce {
    /// A contact as it is found. One that is found pressed is stuck, or held since before: it tells nothing until it is let go.
    pub(super) fn new(pressed: bool, settling: Duration) -> Self {
        Self { pressed, otherwise_since: None, settling }
    }

    /// Takes one look at the contact; whether it counts as pressed by this look and did not before.
    pub(super) fn look(&mut self, pressed: bool, now: Instant) -> bool {
        if pressed == self.pressed {
            self.otherwise_since = None;
            return false;
        }
        let since = *self.otherwise_since.get_or_insert(now);
        if now.saturating_duration_since(since) < self.settling {
            return false;
        }
        (self.pressed, self.otherwise_since) = (pressed, None);
        pressed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks every 5 ms at a contact that settles in 20 ms: `1` is pressed. Gives the looks by which it told a press, from 0.
    fn check(first: bool, looks: &str, expected: &[usize]) {
        let start = Instant::now();
        let mut contact = Debounce::new(first, Duration::from_millis(20));
        let told = looks
            .chars()
            .enumerate()
            .filter(|&(number, seen)| contact.look(seen == '1', start + Duration::from_millis(5) * number as u32));
        assert_eq!(told.map(|(number, _)| number).collect::<Vec<_>>(), expected, "{looks}");
    }

    #[test]
    fn given_a_press_that_bounces_expect_one_press_once_it_stays() {
        check(false, "0001111111110000000", &[7]);
        check(false, "0101101111111010100000000", &[10]);
        check(false, "01111100000111110000", &[5, 15]);
    }

    #[test]
    fn given_a_bounce_in_mid_press_expect_no_second_press() {
        check(false, "0111111101111111000111111", &[5]);
    }

    #[test]
    fn given_a_spark_expect_nothing() {
        check(false, "00100011100010101010100", &[]);
    }

    #[test]
    fn given_a_stuck_button_expect_one_press_and_none_if_it_was_found_so() {
        check(false, &"1".repeat(5000), &[4]);
        check(true, &"1".repeat(5000), &[]);
        check(true, "11111000001111111", &[14]);
    }
}
