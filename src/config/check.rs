//! Whether a board file makes sense as a whole: each pin used once, each number within its range.

use super::{Board, BoardError, Capture, Panel, Pictured, PngFile};
use std::{ops::RangeInclusive, path::Path};

/// The highest BCM number on a Raspberry Pi's header.
const PIN_MAX: u32 = 27;

impl Board {
    /// Whether all of it makes sense together.
    pub(super) fn check(&self, path: &Path) -> Result<(), BoardError> {
        let pins = self.pins();
        for (i, &(second, pin)) in pins.iter().enumerate() {
            in_range(path, second, u32::from(pin), 0..=PIN_MAX)?;
            if let Some(&(first, _)) = pins[..i].iter().find(|(_, other)| *other == pin) {
                return Err(BoardError::PinTwice { path: path.into(), pin, first, second });
            }
        }
        self.numbers().into_iter().try_for_each(|(key, value, range)| in_range(path, key, value, range))
    }

    /// Every pin in use, with its key.
    fn pins(&self) -> Vec<(&'static str, u8)> {
        let mut pins = Vec::new();
        let mut add = |key, pin: Option<u8>| pins.extend(pin.map(|pin| (key, pin)));
        if let Panel::Spi(screen) = &self.panel {
            add("panel.data_command_pin", Some(screen.data_command_pin));
            add("panel.reset_pin", screen.reset_pin);
            add("panel.backlight_pin", screen.backlight_pin);
        }
        if let Some(gpio) = &self.controls.gpio {
            add("controls.gpio.accept", gpio.accept);
            add("controls.gpio.reject", gpio.reject);
            add("controls.gpio.next_patient", gpio.next_patient);
            add("controls.gpio.print", gpio.print);
            add("controls.gpio.lamp", gpio.lamp);
            add("controls.gpio.buzzer", gpio.buzzer);
        }
        if let Panel::Spi(screen) = &self.panel {
            for &(key, pin) in spi_pins(screen.bus) {
                add(key, Some(pin));
            }
        }
        pins
    }

    /// Every number that has a range, with its key.
    fn numbers(&self) -> Vec<(&'static str, u32, RangeInclusive<u32>)> {
        const SIDE: RangeInclusive<u32> = 1..=8192;
        const RATE: RangeInclusive<u32> = 1..=240;
        // No faster than what the freeze watch counts is made for.
        const SHOWN_RATE: RangeInclusive<u32> = 1..=30;
        const PERCENT: RangeInclusive<u32> = 1..=100;
        let mut numbers = Vec::new();
        let size = |size: [u32; 2]| [("panel.size", size[0], SIDE), ("panel.size", size[1], SIDE)];
        match &self.panel {
            Panel::Drm(screen) | Panel::Fbdev(screen) => {
                numbers.extend(screen.size.into_iter().flat_map(size));
                let brightness = screen.backlight.as_ref().map(|light| light.brightness_percent);
                numbers.extend(brightness.map(|value| ("panel.backlight.brightness_percent", value, PERCENT)));
            }
            Panel::Spi(screen) => numbers.extend([
                ("panel.bus", u32::from(screen.bus), 0..=6),
                ("panel.chip_select", u32::from(screen.chip_select), 0..=2),
                ("panel.clock_hz", screen.clock_hz, 100_000..=125_000_000),
                ("panel.brightness_percent", screen.brightness_percent, PERCENT),
            ]),
            Panel::Window(Pictured { size: wanted }) | Panel::Png(PngFile { size: wanted, .. }) => {
                numbers.extend(size(*wanted));
            }
        }
        match &self.capture {
            Capture::Camera(camera) => {
                let sides = camera.size.into_iter().flatten();
                numbers.extend(sides.map(|side| ("capture.size", side, SIDE)));
                numbers.extend(camera.frames_per_s.map(|rate| ("capture.frames_per_s", rate, RATE)));
            }
            Capture::Pictures { frames_per_s, .. } | Capture::Phantom { frames_per_s, .. } => {
                numbers.push(("capture.frames_per_s", *frames_per_s, SHOWN_RATE));
            }
        }
        if let Some(gpio) = &self.controls.gpio {
            numbers.push(("controls.gpio.debounce_ms", gpio.debounce_ms, 1..=500));
        }
        numbers
    }
}

/// The pins that an SPI bus has for itself. *Source*: Raspberry Pi's documentation of its header; buses above 1 vary by overlay.
fn spi_pins(bus: u8) -> &'static [(&'static str, u8)] {
    match bus {
        0 => &[("the SPI bus's MISO", 9), ("the SPI bus's MOSI", 10), ("the SPI bus's clock", 11)],
        1 => &[("the SPI bus's MISO", 19), ("the SPI bus's MOSI", 20), ("the SPI bus's clock", 21)],
        _ => &[],
    }
}

fn in_range(path: &Path, key: &'static str, value: u32, range: RangeInclusive<u32>) -> Result<(), BoardError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(BoardError::Range { path: path.into(), key, value, range })
}
