//! The controls as a whole, on a machine that has none.

use super::*;
use crate::config::{Controls, Gpio, Keys};

#[test]
fn given_no_controls_expect_the_whole_wait_and_silence() {
    let mut inputs = Inputs::open(&Controls::default()).unwrap();
    let (start, longest) = (Instant::now(), Duration::from_millis(20));
    assert_eq!(inputs.wait(longest), None);
    assert!(start.elapsed() >= longest);
    assert_eq!(inputs.wait(Duration::ZERO), None);
    Lights::open(&Controls::default()).unwrap().show(Signal::Result);
}

#[test]
fn given_a_device_that_is_not_there_expect_it_waited_for_in_time() {
    let keys = Keys {
        device: "/dev/input/none".into(),
        accept: Some("KEY_ENTER".into()),
        reject: None,
        next_patient: None,
        print: None,
    };
    let mut inputs = Inputs::open(&Controls { gpio: None, keys: Some(keys.clone()) }).unwrap();
    assert_eq!(inputs.wait(Duration::from_millis(1)), None);
    let other = Keys { device: "/dev/null".into(), ..keys };
    let fault = Inputs::open(&Controls { gpio: None, keys: Some(other) }).err().unwrap().to_string();
    assert!(fault.starts_with("controls.keys.device /dev/null: cannot be used ("), "{fault}");
}

#[test]
fn given_pins_on_a_computer_without_a_header_expect_what_to_do() {
    let told =
        "controls.gpio: this computer is no Raspberry Pi that is known here; leave controls.gpio out of the board file";
    // On a Raspberry Pi the pins are there, or somebody has them; only elsewhere is there something to see.
    let check = |fault: Option<ControlsError>| match fault {
        None | Some(ControlsError::Pin { .. } | ControlsError::NoPermission { .. }) => {}
        Some(fault) => assert_eq!(fault.to_string(), told),
    };
    let controls = |gpio| Controls { gpio: Some(gpio), keys: None };
    check(Inputs::open(&controls(Gpio { accept: Some(5), ..Gpio::default() })).err());
    check(Lights::open(&controls(Gpio { lamp: Some(17), ..Gpio::default() })).err());
}
