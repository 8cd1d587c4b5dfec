//! The cart's video: frames as the grabber gives them, as RGB.
//!
//! Always holds: a source answers within [`WAIT_MAX`], whether there is a frame or not, so that its thread can be watched; a
//! frame that is short, torn or corrupt is counted and dropped, never handed on.

use crate::frame::Frame;
use std::time::Duration;

/// The longest that [`FrameSource::next`] may take.
pub const WAIT_MAX: Duration = Duration::from_millis(500);

/// Where frames come from: a grabber, files, a phantom.
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
    /// Frames that were lost before they came here, since the start.
    pub dropped: u64,
    /// Frames that came and were short, torn or corrupt, since the start.
    pub corrupt: u64,
}

/// Fewer frames a second are too few to follow a freeze and calipers at the pace of a hand.
const SLOW_FRAMES_PER_S: f32 = 20.0;

impl Link {
    /// Whether frames come too slowly, as over USB 2.
    pub fn is_slow(&self) -> bool {
        self.frames_per_s.is_some_and(|rate| rate < SLOW_FRAMES_PER_S)
    }
}

/// stub
pub struct Camera;
impl Camera {
    /// x
    pub fn open(_: &crate::config::Camera) -> Result<Self, std::io::Error> {
        Ok(Self)
    }
}
impl FrameSource for Camera {
    fn next(&mut self) -> Delivery<'_> {
        std::thread::sleep(WAIT_MAX);
        Delivery::NoSignal
    }
    fn link(&self) -> Option<Link> {
        None
    }
}
