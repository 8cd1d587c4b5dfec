//! `sonogfr devices`: what is plugged in, and what is wrong with it.

use crate::edge::capture::{
    CaptureError, SLOW_FRAMES_PER_S,
    mode::{self, Interval},
    survey::{self, Device, Gives, Signal},
};
use anyhow::Result;
use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::Path,
};

/// Below so much a USB socket or cable is one of USB 2. *Units*: Mbit/s.
const USB3_MBIT_PER_S: u32 = 5000;
/// Columns before a device's name, and before what is said of it.
const INDENT: usize = 2;
const KEYS: usize = 10;
/// What to do where there is no grabber.
const NO_GRABBER: &str = "no video device: plug the grabber in (a blue USB 3 socket, not behind a hub); for an HDMI bridge on the \
                          camera's socket check its overlay line in config.txt; then look for it in `dmesg`";

/// Prints every video device, display and input, a block each. *Errors*: nobody reads it to the end.
pub fn list() -> Result<()> {
    io::stdout().write_all(listed().as_bytes())?;
    Ok(())
}

fn listed() -> String {
    let mut out = String::from("Video in (capture.device in the board file)\n");
    let devices = survey::devices();
    if devices.is_empty() {
        line(&mut out, "", NO_GRABBER);
    }
    for device in &devices {
        add_device(&mut out, device);
    }
    out += "Displays (panel.device)\n";
    let connectors = entries("/sys/class/drm", "card").into_iter().filter_map(|entry| {
        let status = fs::read_to_string(Path::new("/sys/class/drm").join(&entry).join("status")).ok()?;
        let (card, connector) = entry.split_once('-')?;
        Some(format!("/dev/dri/{card}  {connector}: {}", status.trim()))
    });
    let framebuffers = entries("/sys/class/graphics", "fb").into_iter().filter_map(|entry| {
        let name = fs::read_to_string(Path::new("/sys/class/graphics").join(&entry).join("name")).ok()?;
        Some(format!("/dev/{entry}  {}", name.trim()))
    });
    add_lines(&mut out, connectors.chain(framebuffers), "none: connect one before the board is switched on");
    out += "Inputs (controls.keys.device)\n";
    let inputs = entries("/sys/class/input", "event").into_iter().filter_map(|entry| {
        let name = fs::read_to_string(Path::new("/sys/class/input").join(&entry).join("device/name")).ok()?;
        Some(format!("/dev/input/{entry}  {}", name.trim()))
    });
    add_lines(&mut out, inputs, "none; the device works without");
    out
}

/// The names in a folder of sysfs that begin so, in order.
fn entries(folder: &str, prefix: &str) -> Vec<String> {
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = found.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| name.starts_with(prefix)).collect();
    names.sort();
    names
}

fn add_lines(out: &mut String, lines: impl Iterator<Item = String>, otherwise: &str) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        line(out, "", otherwise);
    }
    for text in lines {
        line(out, "", &text);
    }
}

fn line(out: &mut String, key: &str, text: &str) {
    let indent = if key.is_empty() { INDENT } else { 2 * INDENT };
    let keys = if key.is_empty() { 0 } else { KEYS };
    writeln!(out, "{:indent$}{key:keys$}{text}", "").expect("memory takes it");
}

fn add_device(out: &mut String, device: &Device) {
    let driver = device.driver.as_ref().map_or(String::new(), |driver| format!(" ({driver})"));
    line(out, "", &format!("{}  {}{driver}", device.path.display(), device.name));
    if let Some(lasting) = &device.lasting {
        line(out, "better as", &lasting.display().to_string());
    }
    if let Ok(gives) = &device.gives {
        let offers = mode::describe(&gives.offers);
        for offered in offers.split("; ").filter(|_| !gives.offers.is_empty()) {
            line(out, "offers", offered);
        }
        if let Signal::Timed([width, height]) = gives.signal {
            line(out, "signal", &format!("{width}x{height}"));
        }
        if let Some(chosen) = gives.chosen {
            line(out, "takes", &format!("{chosen}, unless the board file asks otherwise"));
        }
    }
    let wrong = wrong(&device.gives, device.usb_mbit_per_s);
    for wrong in &wrong {
        line(out, "wrong", wrong);
    }
    if wrong.is_empty() {
        line(out, "wrong", "nothing seen");
    }
}

/// What is wrong with a device, and what to do about it.
fn wrong(gives: &Result<Gives, CaptureError>, usb_mbit_per_s: Option<u32>) -> Vec<String> {
    let gives = match gives {
        Ok(gives) => gives,
        Err(CaptureError::NotCapture { what, .. }) => return vec![(*what).into()],
        Err(fault) => return vec![fault.to_string()],
    };
    let mut wrong = Vec::new();
    if gives.signal == Signal::Lost {
        wrong.push("no signal: switch the cart and its video output on, check the cable".into());
    } else if gives.chosen.is_none() {
        wrong.push(format!("none of its formats can be read ({})", gives.unread.join(", ")));
    }
    let rate = gives.chosen.and_then(|mode| mode.interval).map(Interval::frames_per_s);
    if let Some(rate) = rate.filter(|&rate| rate < SLOW_FRAMES_PER_S) {
        wrong.push(format!("slow: {rate} frames/s at most; freezes are followed late or missed"));
    }
    if let Some(speed) = usb_mbit_per_s.filter(|&speed| speed < USB3_MBIT_PER_S) {
        wrong.push(format!("on USB 2 ({speed} Mbit/s): compressed or slow video; use a blue socket and a USB 3 cable"));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::PixelFormat, edge::capture::mode::Mode};

    fn gives(signal: Signal, frames_per_s: Option<u32>) -> Result<Gives, CaptureError> {
        let mode =
            |rate| Mode { format: PixelFormat::Yuyv, size: [1920, 1080], interval: Some(Interval::of_rate(rate)) };
        Ok(Gives { offers: Vec::new(), unread: vec!["H264".into()], signal, chosen: frames_per_s.map(mode) })
    }

    #[test]
    fn given_devices_expect_what_is_wrong_with_each() {
        let check = |gives, usb, expected: &[&str]| {
            let wrong = wrong(&gives, usb);
            assert!(wrong.len() == expected.len(), "{wrong:?}, expected {expected:?}");
            assert!(
                wrong.iter().zip(expected).all(|(line, words)| line.contains(words)),
                "{wrong:?}, expected {expected:?}"
            );
        };
        check(gives(Signal::Unsaid, Some(30)), Some(5000), &[]);
        check(gives(Signal::Timed([1920, 1080]), Some(60)), None, &[]);
        check(gives(Signal::Unsaid, Some(5)), Some(480), &["slow: 5 frames/s", "USB 2 (480 Mbit/s)"]);
        check(gives(Signal::Lost, None), None, &["no signal"]);
        check(gives(Signal::Unsaid, None), None, &["none of its formats can be read (H264)"]);
        let device = || "/dev/video0".into();
        check(
            Err(CaptureError::NotPermitted { device: device() }),
            None,
            &["no permission; add the user to the group video"],
        );
        check(Err(CaptureError::Busy { device: device() }), None, &["in use"]);
        let what = "is no capture device";
        check(Err(CaptureError::NotCapture { device: device(), what, present: "x".into() }), None, &[what]);
    }
}
