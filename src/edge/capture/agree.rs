//! What is asked of a capture device before it streams, and what is wrong where it does not give it.

use super::{
    CaptureError,
    layout::{Layout, Unreadable},
    mode,
    node::{Kind, Node, Timings, is_silence},
    survey,
};
use crate::config;
use rustix::io::Errno;
use std::{io, path::Path};

/// What a device has agreed to.
pub(super) struct Agreed {
    pub(super) layout: Layout,
    pub(super) timings: Option<Timings>,
}

/// What a failed call means.
pub(super) fn failed(device: &Path, doing: &'static str, source: io::Error) -> CaptureError {
    let device = device.into();
    match Errno::from_io_error(&source) {
        Some(Errno::NOENT | Errno::NODEV | Errno::NXIO) => {
            CaptureError::NotThere { device, present: survey::present() }
        }
        Some(Errno::ACCESS | Errno::PERM) => CaptureError::NotPermitted { device },
        Some(Errno::BUSY) => CaptureError::Busy { device },
        _ => CaptureError::Failed { device, doing, source },
    }
}

/// Opens a capture device.
pub(super) fn open(device: &Path) -> Result<Node, CaptureError> {
    let node = Node::open(device).map_err(|source| failed(device, "open it", source))?;
    let not_capture = |what| CaptureError::NotCapture { device: device.into(), what, present: survey::present() };
    match node.about() {
        Err(fault) if Errno::from_io_error(&fault) == Some(Errno::NOTTY) => Err(not_capture("is no video device")),
        Err(fault) => Err(failed(device, "ask what it is", fault)),
        Ok(about) => match about.kind {
            Kind::Capture => Ok(node),
            Kind::Planes => Err(not_capture("gives frames in several planes only, which cannot be read")),
            Kind::Other => Err(not_capture("is no capture device but an output, a converter or side data")),
        },
    }
}

/// Agrees on timings and a mode; none without a signal.
pub(super) fn agree(node: &Node, wanted: &config::Camera) -> Result<Option<Agreed>, CaptureError> {
    let device = wanted.device.as_path();
    let because = |doing| move |source| failed(device, doing, source);
    let Some(timings) = find_signal(node, device)? else { return Ok(None) };
    if let Some(timings) = &timings {
        node.set_timings(timings).map_err(because("set the signal's timings"))?;
        // Without its events the signal is still asked for now and then.
        let _subscribed = node.subscribe();
    }
    let offers = node.offers(wanted.size, timings.as_ref()).map_err(because("list its modes"))?;
    let mode = mode::choose(&offers, wanted).map_err(|not| CaptureError::NotOffered {
        device: device.into(),
        key: not.key,
        asked: not.asked,
        offered: not.offered,
    })?;
    let told = node.set_format(&mode).map_err(because("set its mode"))?;
    if let (None, Some(interval)) = (&timings, mode.interval) {
        // Not every device lets it be set; the rate is measured, whatever it is.
        let _set = node.set_interval(interval);
    }
    let layout = Layout::new(&mode, &told).map_err(|unreadable| CaptureError::Unreadable {
        device: device.into(),
        asked: mode.to_string(),
        given: match unreadable {
            Unreadable::Otherwise { size: [width, height], fourcc } => {
                format!("{} {width}x{height}", String::from_utf8_lossy(&fourcc))
            }
            Unreadable::Fields => "single fields of an interlaced picture".into(),
            Unreadable::Absurd => "rows that cannot be".into(),
        },
    })?;
    Ok(Some(Agreed { layout, timings }))
}

/// The timings of the signal: none without a signal, `Some(None)` where the device has no timings to ask for.
pub(super) fn find_signal(node: &Node, device: &Path) -> Result<Option<Option<Timings>>, CaptureError> {
    match node.input() {
        Ok(input) if input.has_timings => match node.timings() {
            Ok(timings) => Ok(Some(Some(timings))),
            Err(fault) if is_silence(&fault) => Ok(None),
            Err(fault) => Err(failed(device, "ask for the signal's timings", fault)),
        },
        Ok(input) if input.silent => Ok(None),
        Ok(_) => Ok(Some(None)),
        Err(fault) => match Errno::from_io_error(&fault) {
            Some(Errno::NOTTY | Errno::INVAL | Errno::NODATA) => Ok(Some(None)),
            _ => Err(failed(device, "ask for its input", fault)),
        },
    }
}
