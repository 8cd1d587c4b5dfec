//! A V4L2 capture device as a source of frames.
//!
//! Always holds: what is wrong is said once in the log and as an answer to every call, and tried again for ever; a frame is viewed
//! in the device's own buffer or in one that is kept, so no frame allocates more than a JPEG's decoder does. Deliberately absent:
//! what follows upon what; that is in `course`.
//!
//! The waits of a call add up to [`FRAME_WAIT`] and [`PAUSE`]. The calls into the kernel come on top; those that begin a stream take
//! as long as the driver does, mostly some milliseconds.

use super::{
    CaptureError, Delivery, FrameSource, Link, WATCHED_PER_S,
    agree::{Agreed, agree, failed, open},
    course::{ACTS_MAX, Act, Answer, Course, Next, Saw},
    decode::Decoder,
    ioctl::Mapping,
    node::{Node, Taken, Timings, is_silence},
    tally::Tally,
};
use crate::{config, frame::Frame};
use rustix::io::Errno;
use std::{io, path::Path, thread, time::Duration};

/// How long a call waits for a frame.
const FRAME_WAIT: Duration = Duration::from_millis(200);
/// How long nothing is done before something is tried again.
const PAUSE: Duration = Duration::from_millis(100);
/// Buffers asked for: at 60 frames a second the reader may be late by 100 ms before the device finds none to fill.
const BUFFERS: u32 = 8;
/// Events taken in one go.
const EVENTS_MAX: usize = 16;

/// A V4L2 capture device.
pub struct Camera {
    wanted: config::Camera,
    course: Course,
    node: Option<Node>,
    stream: Option<Stream>,
    /// Width and height of the stream that runs, or ran last.
    size: Option<[usize; 2]>,
    tally: Tally,
    /// What was said last in the log, while it is still so.
    said: Option<String>,
}

/// A running stream.
struct Stream {
    buffers: Vec<Mapping>,
    /// The buffer that is out of the queue, and how many bytes of it are a frame.
    held: Option<(usize, usize)>,
    decoder: Decoder,
    timings: Option<Timings>,
    /// How many frames had come with the last that was looked at.
    looked_at: u64,
}

impl Camera {
    /// Opens a device and agrees with it on a mode; the stream begins with the first call of [`FrameSource::next`].
    ///
    /// *Errors*: [`CaptureError`] for whatever a person must mend. A signal that is not there yet is no error.
    pub fn open(wanted: &config::Camera) -> Result<Self, CaptureError> {
        let node = open(&wanted.device)?;
        agree(&node, wanted)?;
        Ok(Self { course: Course::opened(), node: Some(node), ..Self::awaited(wanted) })
    }

    /// A device that may not be there yet, as a grabber that the kernel finds later than the program begins: no device until it is.
    pub fn awaited(wanted: &config::Camera) -> Self {
        Self {
            wanted: wanted.clone(),
            course: Course::closed(),
            node: None,
            stream: None,
            size: None,
            tally: Tally::default(),
            said: None,
        }
    }

    /// Does what the course says.
    fn act(&mut self, act: Act) -> Saw {
        match act {
            Act::Open => self.reopen(),
            Act::Lock => self.lock(),
            Act::Close => {
                self.stop();
                self.node = None;
                thread::sleep(PAUSE);
                Saw::Done
            }
            Act::Pause => {
                thread::sleep(PAUSE);
                Saw::Done
            }
            Act::Check | Act::Wait | Act::TakeEvents | Act::TakeFrame => match (&self.node, &mut self.stream) {
                (Some(node), Some(stream)) => match act {
                    Act::Check => check(node, stream),
                    Act::Wait => wait(node),
                    Act::TakeEvents => take_events(node),
                    _ => take_frame(node, stream, &mut self.tally),
                },
                _ => Saw::Fault,
            },
        }
    }

    fn reopen(&mut self) -> Saw {
        self.stop();
        self.node = None;
        // The error lists what there is, which is not worth the while at every try.
        if self.said.is_some() && !self.wanted.device.exists() {
            return Saw::Gone;
        }
        match open(&self.wanted.device) {
            Ok(node) => {
                self.node = Some(node);
                Saw::Done
            }
            Err(fault) => self.say(&fault),
        }
    }

    fn lock(&mut self) -> Saw {
        self.stop();
        let Some(node) = &self.node else { return Saw::Gone };
        match agree(node, &self.wanted)
            .and_then(|agreed| agreed.map(|a| begin(node, a, &self.wanted.device)).transpose())
        {
            Ok(None) => Saw::Silence,
            Ok(Some(stream)) => {
                let layout = stream.decoder.layout();
                self.size = Some([layout.width, layout.height]);
                self.stream = Some(stream);
                self.said = None;
                Saw::Done
            }
            Err(fault) => self.say(&fault),
        }
    }

    /// Ends the stream, or what there is of one that could not begin. What fails here fails again when the next one begins, and is
    /// said there.
    fn stop(&mut self) {
        if self.stream.take().is_some() {
            let Tally { taken, dropped, starved, late, corrupt, .. } = &self.tally;
            tracing::info!(
                "stream ended; since the start: frames {taken}, lost {dropped}, of them for want of a buffer {starved}, late {late}, \
                 corrupt {corrupt}"
            );
        }
        self.tally.restart();
        if let Some(node) = &self.node {
            let _stopped = node.stop();
            let _released = node.release_buffers();
        }
    }

    /// Says what is wrong, once.
    fn say(&mut self, fault: &CaptureError) -> Saw {
        let text = fault.to_string();
        if self.said.as_ref() != Some(&text) {
            tracing::warn!("{text}");
            self.said = Some(text);
        }
        if matches!(fault, CaptureError::NotThere { .. }) { Saw::Gone } else { Saw::Fault }
    }

    fn frame(&self) -> Option<Frame<'_>> {
        let stream = self.stream.as_ref()?;
        let (index, bytes) = stream.held?;
        stream.decoder.frame(stream.buffers.get(index)?.bytes().get(..bytes)?)
    }
}

impl FrameSource for Camera {
    fn next(&mut self) -> Delivery<'_> {
        if let (Some(node), Some(stream)) = (&self.node, &mut self.stream) {
            // One that cannot be queued is lost to the stream; without any, no frame comes and the stream is begun anew.
            let _queued = stream.held.take().map(|(index, _)| node.queue(index));
        }
        let mut act = self.course.begin();
        for _ in 0..ACTS_MAX {
            let saw = self.act(act);
            match self.course.next(saw) {
                Next::Do(next) => act = next,
                Next::Say(Answer::Frame) => return self.frame().map_or(Delivery::Waiting, Delivery::Frame),
                Next::Say(Answer::NoSignal) => return Delivery::NoSignal,
                Next::Say(Answer::NoDevice) => return Delivery::NoDevice,
                Next::Say(Answer::Waiting) => return Delivery::Waiting,
            }
        }
        Delivery::Waiting
    }

    fn link(&self) -> Option<Link> {
        Some(Link {
            size: self.size?,
            frames_per_s: self.tally.frames_per_s(),
            dropped: self.tally.dropped + self.tally.late,
            corrupt: self.tally.corrupt,
        })
    }
}

fn begin(node: &Node, agreed: Agreed, device: &Path) -> Result<Stream, CaptureError> {
    let because = |doing| move |source| failed(device, doing, source);
    let buffers = node.buffers(BUFFERS).map_err(because("map its buffers"))?;
    for index in 0..buffers.len() {
        node.queue(index).map_err(because("queue its buffers"))?;
    }
    node.start().map_err(because("begin the stream"))?;
    Ok(Stream { buffers, held: None, decoder: Decoder::new(agreed.layout), timings: agreed.timings, looked_at: 0 })
}

/// What a failed call says of the device.
fn saw(fault: &io::Error) -> Saw {
    if Errno::from_io_error(fault) == Some(Errno::NODEV) { Saw::Gone } else { Saw::Fault }
}

fn check(node: &Node, stream: &Stream) -> Saw {
    let told = match &stream.timings {
        Some(set) => node.timings().map(|now| if set.holds_for(&now) { Saw::Done } else { Saw::Changed }),
        None => node.input().map(|input| if input.silent { Saw::Silence } else { Saw::Done }),
    };
    match told {
        Ok(saw) => saw,
        Err(fault) if is_silence(&fault) => Saw::Silence,
        // A device that cannot say while it streams is judged by its frames.
        Err(fault) => match saw(&fault) {
            Saw::Gone => Saw::Gone,
            _ => Saw::Done,
        },
    }
}

fn wait(node: &Node) -> Saw {
    match node.wait(FRAME_WAIT) {
        Ok(ready) if ready.gone => Saw::Gone,
        // Before a frame, which may be of the source as it was.
        Ok(ready) if ready.event => Saw::EventReady,
        Ok(ready) if ready.error => Saw::Fault,
        Ok(ready) if ready.frame => Saw::FrameReady,
        Ok(_) => Saw::Nothing,
        Err(fault) if fault.kind() == io::ErrorKind::Interrupted => Saw::Nothing,
        Err(fault) => saw(&fault),
    }
}

fn take_events(node: &Node) -> Saw {
    let mut seen = Saw::Nothing;
    for _ in 0..EVENTS_MAX {
        match node.take_event() {
            Ok(true) => seen = Saw::Changed,
            Ok(false) => {}
            Err(fault) if saw(&fault) == Saw::Gone => return Saw::Gone,
            Err(_none_left) => break,
        }
    }
    seen
}

/// Takes the newest frame that waits. A reader that was late would stay so for as long as it has no time to spare, and show what was.
///
/// *Errors*: as the kernel says; no frame at all is [`io::ErrorKind::WouldBlock`].
fn take_newest(node: &Node, tally: &mut Tally, buffers: usize) -> io::Result<Taken> {
    let mut newest = node.dequeue()?;
    tally.count(newest.sequence, newest.at, false);
    for waited in 1..buffers {
        // What is wrong is said with the next frame.
        let Ok(newer) = node.dequeue() else { break };
        // One was held, and a driver may keep one to write on.
        tally.count(newer.sequence, newer.at, waited + 2 >= buffers);
        tally.late += 1;
        let _queued = node.queue(std::mem::replace(&mut newest, newer).index);
    }
    Ok(newest)
}

fn take_frame(node: &Node, stream: &mut Stream, tally: &mut Tally) -> Saw {
    let taken = match take_newest(node, tally, stream.buffers.len()) {
        Ok(taken) => taken,
        Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => return Saw::Nothing,
        Err(fault) => return saw(&fault),
    };
    let Some(buffer) = stream.buffers.get(taken.index) else { return Saw::Fault };
    stream.held = Some((taken.index, taken.bytes));
    if tally.taken - stream.looked_at < tally.frames_per_s().map_or(1, one_of) {
        return Saw::Passed;
    }
    stream.looked_at = tally.taken;
    let bytes = buffer.bytes().get(..taken.bytes).filter(|_| !taken.spoilt);
    if bytes.is_some_and(|bytes| stream.decoder.decode(bytes).is_ok()) {
        return Saw::Whole;
    }
    tally.corrupt += 1;
    Saw::Torn
}

/// Of how many frames one is looked at.
fn one_of(frames_per_s: f32) -> u64 {
    (frames_per_s / WATCHED_PER_S).round().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{path::PathBuf, time::Instant};

    fn camera(device: PathBuf) -> config::Camera {
        config::Camera { device, format: None, size: None, frames_per_s: None }
    }

    #[test]
    fn given_what_is_no_device_expect_one_line_that_says_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_path_buf();
        let cases = [
            ("/dev/no-such-device".into(), "capture.device = /dev/no-such-device: is not there; "),
            (path.clone(), "is no video device; "),
            ("/dev/null".into(), "is no video device; "),
        ];
        for (device, expected) in cases {
            let text = Camera::open(&camera(device)).err().unwrap().to_string();
            assert!(text.contains(expected) && !text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn given_no_device_expect_that_said_again_and_again_in_time() {
        let mut camera = Camera::awaited(&camera("/dev/no-such-device".into()));
        for _ in 0..3 {
            let before = Instant::now();
            assert!(matches!(camera.next(), Delivery::NoDevice));
            assert!(before.elapsed() < super::super::WAIT_MAX);
        }
        assert_eq!(camera.link(), None);
    }

    #[test]
    fn given_faster_video_expect_about_thirty_frames_a_second_looked_at() {
        assert_eq!([5.0, 25.0, 30.0, 44.0, 50.0, 59.94, 120.0].map(one_of), [1, 1, 1, 1, 2, 2, 4]);
    }

    #[test]
    fn given_rates_expect_the_slow_ones_told_once_they_are_known() {
        let is_slow = |frames_per_s| Link { size: [1920, 1080], frames_per_s, dropped: 0, corrupt: 0 }.is_slow();
        assert_eq!([None, Some(5.0), Some(25.0)].map(is_slow), [false, true, false]);
    }
}
