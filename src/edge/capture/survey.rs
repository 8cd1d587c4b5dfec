//! The video devices that are there, and what is wrong with each.
//!
//! Looking changes no device: nothing is set, no stream begins. Deliberately absent: how it is printed.

use super::{
    CaptureError,
    agree::{failed, find_signal, open},
    mode::{self, Mode, Offer},
    node::{Node, Timings},
};
use crate::config::{Camera, PixelFormat};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The most devices that are looked at.
const DEVICES_MAX: usize = 64;

/// A video device.
#[derive(Debug)]
pub struct Device {
    /// `/dev/video0`.
    pub path: PathBuf,
    /// A name that stays the same when other devices come and go, below `/dev/v4l`.
    pub lasting: Option<PathBuf>,
    /// What it calls itself.
    pub name: String,
    /// How fast its USB socket and cable are; none where it is on no USB. *Units*: Mbit/s; USB 2 has 480, USB 3 5000 and more.
    pub usb_mbit_per_s: Option<u32>,
    /// The kernel's driver; not known of a device that cannot be opened.
    pub driver: Option<String>,
    /// What it gives, or why it gives nothing.
    pub gives: Result<Gives, CaptureError>,
}

/// What a capture device gives.
#[derive(Debug)]
pub struct Gives {
    /// What it offers in formats that can be read; nothing while a device with timings has no signal.
    pub offers: Vec<Offer>,
    /// The kernel's names of the formats that cannot be read.
    pub unread: Vec<String>,
    /// Its signal.
    pub signal: Signal,
    /// The mode that would be chosen where the board file asks for nothing.
    pub chosen: Option<Mode>,
}

/// What is known of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The device does not tell one from none.
    Unsaid,
    /// There is none.
    Lost,
    /// There is one of this width and height.
    Timed([u32; 2]),
}

/// All video devices, in the order of their numbers.
pub fn devices() -> Vec<Device> {
    paths().into_iter().map(look).collect()
}

/// What capture devices there are, as the end of an error's line.
pub fn present() -> String {
    let found = paths().into_iter().filter(|path| open_quietly(path));
    let named: Vec<_> = found.map(|path| format!("{} ({})", path.display(), name(&path))).collect();
    if named.is_empty() {
        "no capture device is there: plug the grabber in, and see `sonogfr devices`".into()
    } else {
        format!("there is {}", named.join(", "))
    }
}

fn open_quietly(path: &Path) -> bool {
    use super::node::Kind;
    Node::open(path).and_then(|node| node.about()).is_ok_and(|about| about.kind == Kind::Capture)
}

fn paths() -> Vec<PathBuf> {
    let number = |path: &Path| -> Option<u32> { path.file_name()?.to_str()?.strip_prefix("video")?.parse().ok() };
    let entries = fs::read_dir("/dev").into_iter().flatten().flatten();
    let mut found: Vec<_> = entries.filter_map(|entry| Some((number(&entry.path())?, entry.path()))).collect();
    found.sort();
    found.truncate(DEVICES_MAX);
    found.into_iter().map(|(_, path)| path).collect()
}

/// What the kernel tells of a device in a file of sysfs, which needs no permission to read.
fn told(path: &Path, file: &str) -> Option<String> {
    let entry = Path::new("/sys/class/video4linux").join(path.file_name()?);
    Some(fs::read_to_string(entry.join(file)).ok()?.trim().into())
}

fn name(path: &Path) -> String {
    told(path, "name").unwrap_or_else(|| "unnamed".into())
}

/// A link to `path` below `/dev/v4l`: by its maker and serial number, else by its socket.
fn lasting(path: &Path) -> Option<PathBuf> {
    let links =
        ["/dev/v4l/by-id", "/dev/v4l/by-path"].map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    let mut links = links.into_iter().flatten().map(|entry| entry.path());
    links.find(|link| fs::canonicalize(link).is_ok_and(|target| target == path))
}

fn look(path: PathBuf) -> Device {
    let (lasting, name) = (lasting(&path), name(&path));
    // The device is an interface of what was plugged in.
    let usb_mbit_per_s = told(&path, "device/../speed").and_then(|speed| speed.parse().ok());
    let driver = Node::open(&path).and_then(|node| node.about()).map(|about| about.driver).ok();
    let gives = open(&path).and_then(|node| gives(&node, &path));
    Device { path, lasting, name, usb_mbit_per_s, driver, gives }
}

fn gives(node: &Node, path: &Path) -> Result<Gives, CaptureError> {
    let because = |source| failed(path, "list its modes", source);
    let fourccs = node.fourccs().map_err(because)?;
    let unread = fourccs.into_iter().filter(|&fourcc| PixelFormat::from_fourcc(fourcc).is_none());
    // A name's last byte may carry a flag.
    let unread = unread.map(|fourcc| fourcc.map(|byte| char::from(byte & 0x7f)).iter().collect()).collect();
    let (signal, offers) = match find_signal(node, path)? {
        None => (Signal::Lost, Vec::new()),
        Some(timings) => {
            let signal = timings.as_ref().map_or(Signal::Unsaid, |timings: &Timings| Signal::Timed(timings.size()));
            (signal, node.offers(None, timings.as_ref()).map_err(because)?)
        }
    };
    let nothing_asked = Camera { device: path.into(), format: None, size: None, frames_per_s: None };
    let chosen = mode::choose(&offers, &nothing_asked).ok();
    Ok(Gives { offers, unread, signal, chosen })
}
