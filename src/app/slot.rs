//! A place for one value between two threads, where a newer value replaces one not yet taken.

use std::{
    sync::{Condvar, Mutex},
    time::Duration,
};

/// What came of waiting for a while.
#[derive(Debug, PartialEq, Eq)]
pub enum Waited<T> {
    /// A value.
    Value(T),
    /// None so far.
    Nothing,
    /// No value will come any more.
    Closed,
}

/// The slot. Always holds: at most one value waits, the newest.
#[derive(Debug)]
pub struct Slot<T> {
    inner: Mutex<Inner<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Inner<T> {
    value: Option<T>,
    closed: bool,
}

const UNPOISONED: &str = "no thread panics while it holds a slot";

impl<T> Slot<T> {
    /// An empty slot.
    pub fn new() -> Self {
        Self { inner: Mutex::new(Inner { value: None, closed: false }), changed: Condvar::new() }
    }

    /// Puts a value in, and gives back the one that it replaced.
    pub fn put(&self, value: T) -> Option<T> {
        let replaced = self.inner.lock().expect(UNPOISONED).value.replace(value);
        self.changed.notify_one();
        replaced
    }

    /// Takes the value, if there is one and it is `wanted`.
    pub fn take_if(&self, wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        self.inner.lock().expect(UNPOISONED).value.take_if(|value| wanted(value))
    }

    /// Waits for a value; none once the slot is closed and empty.
    pub fn wait(&self) -> Option<T> {
        let inner = self.inner.lock().expect(UNPOISONED);
        let mut inner =
            self.changed.wait_while(inner, |inner| inner.value.is_none() && !inner.closed).expect(UNPOISONED);
        inner.value.take()
    }

    /// Waits for a value, `longest` at most.
    pub fn wait_for(&self, longest: Duration) -> Waited<T> {
        let inner = self.inner.lock().expect(UNPOISONED);
        let waits = |inner: &mut Inner<T>| inner.value.is_none() && !inner.closed;
        let (mut inner, _) = self.changed.wait_timeout_while(inner, longest, waits).expect(UNPOISONED);
        match inner.value.take() {
            Some(value) => Waited::Value(value),
            None if inner.closed => Waited::Closed,
            None => Waited::Nothing,
        }
    }

    /// Says that no value will come any more.
    pub fn close(&self) {
        self.inner.lock().expect(UNPOISONED).closed = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_second_value_expect_it_to_replace_the_first() {
        let slot = Slot::new();
        assert_eq!((slot.put(1), slot.put(2)), (None, Some(1)));
        assert_eq!(
            (slot.take_if(|&v| v == 1), slot.take_if(|&v| v == 2), slot.take_if(|_| true)),
            (None, Some(2), None)
        );
    }

    #[test]
    fn given_a_closed_slot_expect_its_last_value_and_then_none() {
        let slot = Slot::new();
        slot.put(1);
        slot.close();
        assert_eq!((slot.wait(), slot.wait()), (Some(1), None));
    }

    #[test]
    fn given_no_value_for_a_while_expect_nothing_until_it_is_closed() {
        let slot = Slot::new();
        assert_eq!(slot.wait_for(Duration::ZERO), Waited::Nothing);
        slot.put(1);
        assert_eq!(slot.wait_for(Duration::ZERO), Waited::Value(1));
        slot.close();
        assert_eq!(slot.wait_for(Duration::ZERO), Waited::Closed);
    }
}
