//! The cart's video: frames as the grabber gives them, as RGB.
//!
//! [`camera`] is a V4L2 device; [`survey`] says which there are and what is wrong with them. `course` decides what is done with a
//! device and `node` does it, over `ioctl`; `agree` settles with it what it gives: `mode` chooses, `layout` says how its frames lie.
//! `decode` makes RGB of them, `tally` counts them.
//!
//! Always holds: a source answers within [`WAIT_MAX`], whether there is a frame or not, so that its thread can be watched; a
//! frame that is short, torn or corrupt is counted and dropped, never handed on.

use crate::frame::Frame;
use std::{path::PathBuf, time::Duration};

mod agree;
pub mod camera;
mod course;
pub mod decode;
mod ioctl;
pub mod layout;
pub mod mode;
mod node;
pub mod survey;
mod tally;

/// The longest that [`FrameSource::next`] may take.
pub const WAIT_MAX: Duration = Duration::from_millis(500);

/// Fewer frames a second are slow. The freeze watch counts frames: a picture settles [`crate::freeze::SETTLE_FRAMES`] after its last
/// change, 0.4 s at this rate and 1.6 s at the five that 1080p has on USB 2, and what the sonographer undoes before is missed. And
/// fewer than six new pictures a second look frozen in between, where a link repeats frames to keep its nominal rate.
pub const SLOW_FRAMES_PER_S: f32 = 20.0;

/// About so many frames a second are handed on: the freeze watch counts frames, and its counts are made for this rate. Of video that has
/// twice as many or more the others are counted and not even decoded.
pub const WATCHED_PER_S: f32 = 30.0;

/// Where frames come from: a grabber, files, a phantom. None gives many more than [`WATCHED_PER_S`].
pub trait FrameSource: Send {
    /// Waits for the next frame, [`WAIT_MAX`] at most.
    fn next(&mut self) -> Delivery<'_>;

    /// What is known of the way that frames take; none before the first.
    fn link(&self) -> Option<Link>;
}

/// What a source has to give.
#[derive(Debug)]
pub enum Delivery<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// Nothing yet; the signal may be there.
    Waiting,
    /// The cart sends no signal.
    NoSignal,
    /// The grabber is not there, or cannot be used for now; the source goes on trying.
    NoDevice,
    /// The source has come to its end: the last file, the last frame of an exam.
    Ended,
}

/// What is known of the way that frames take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Width and height in pixels.
    pub size: [usize; 2],
    /// Frames a second, measured over the last second or so; none before that.
    pub frames_per_s: Option<f32>,
    /// Frames that were lost before they came here, or came when a newer one had come too, since the start.
    pub dropped: u64,
    /// Frames that came and were short, torn or corrupt, since the start.
    pub corrupt: u64,
}

impl Link {
    /// Whether frames come too slowly to follow a freeze well, as from a grabber on USB 2; see [`SLOW_FRAMES_PER_S`].
    pub fn is_slow(&self) -> bool {
        self.frames_per_s.is_some_and(|rate| rate < SLOW_FRAMES_PER_S)
    }
}

/// Why a grabber cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// There is no such device.
    #[error("capture.device = {}: is not there; {present}", device.display())]
    NotThere {
        /// The device.
        device: PathBuf,
        /// What there is in its place.
        present: String,
    },
    /// It may not be opened.
    #[error("capture.device = {}: no permission; add the user to the group video, or install the udev rules of board/", device.display())]
    NotPermitted {
        /// The device.
        device: PathBuf,
    },
    /// Another program uses it.
    #[error("capture.device = {}: is in use; stop the other program that captures from it", device.display())]
    Busy {
        /// The device.
        device: PathBuf,
    },
    /// It is no video device, or one that gives no frames.
    #[error("capture.device = {}: {what}; {present}", device.display())]
    NotCapture {
        /// The device.
        device: PathBuf,
        /// What it is.
        what: &'static str,
        /// What there is in its place.
        present: String,
    },
    /// It does not offer what the board file asks for, or nothing that can be read.
    #[error("{key} = {asked}: {} does not offer that; it offers {offered}", device.display())]
    NotOffered {
        /// The device.
        device: PathBuf,
        /// The board file's key.
        key: &'static str,
        /// What it asks for.
        asked: String,
        /// What there is in its place.
        offered: String,
    },
    /// It took what was asked for and gives something else.
    #[error("capture.device = {}: asked for {asked}, it gives {given}; ask for another capture.format or capture.size", device.display())]
    Unreadable {
        /// The device.
        device: PathBuf,
        /// The mode asked for.
        asked: String,
        /// What it gives.
        given: String,
    },
    /// A call failed.
    #[error("capture.device = {}: cannot {doing} ({source}); plug it in again, or try `sonogfr devices`", device.display())]
    Failed {
        /// The device.
        device: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// Why.
        source: std::io::Error,
    },
}
