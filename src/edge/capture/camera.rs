//! A V4L2 capture device as a source of frames.
//!
//! Always holds: what is wrong is said once in the log and as an answer to every call, and tried again for ever; a frame is viewed
//! in the device's own buffer or in one that is kept, so no frame allocates more than a JPEG's decoder does. Deliberately absent:
//! what follows upon what; that is in `course`.
//!
//! The waits of a call add up to [`FRAME_WAIT`] and [`PAUSE`]. The calls into the kernel come on top; those that begin a stream take
//! as long as the driver does, mostly some milliseconds.

use super::{
    CaptureError, Delivery, FrameSource, Link,
    course::{ACTS_MAX, Act, Answer, Course, Next, Saw},
    decode::Decoder,
    ioctl::Mapping,
    layout::{Layout, Unreadable},
    mode,
    node::{Kind, Node, Timings, is_silence},
    survey,
    tally::Tally,
};
use crate::{config, frame::Frame};
use rustix::io::Errno;
use std::{io, path::Path, thread, time::Duration};

/// How long a call waits for a frame.
const FRAME_WAIT: Duration = Duration::from_millis(200);
/// How long nothing is done before something is tried again.
const PAUSE: Duration = Duration::from_millis(100);
/// Buffers asked for: at 60 frames a second the reader may be late by 80 ms before a frame is lost.
const BUFFERS: u32 = 6;
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

/// What a device has agreed to.
struct Agreed {
    layout: Layout,
    timings: Option<Timings>,
}

/// A running stream.
struct Stream {
    buffers: Vec<Mapping>,
    /// The buffer that is out of the queue, and how many bytes of it are a frame.
    held: Option<(usize, usize)>,
    decoder: Decoder,
    timings: Option<Timings>,
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
        self.stream = None;
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
            dropped: self.tally.dropped,
            corrupt: self.tally.corrupt,
        })
    }
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
fn agree(node: &Node, wanted: &config::Camera) -> Result<Option<Agreed>, CaptureError> {
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

fn begin(node: &Node, agreed: Agreed, device: &Path) -> Result<Stream, CaptureError> {
    let because = |doing| move |source| failed(device, doing, source);
    let buffers = node.buffers(BUFFERS).map_err(because("map its buffers"))?;
    for index in 0..buffers.len() {
        node.queue(index).map_err(because("queue its buffers"))?;
    }
    node.start().map_err(because("begin the stream"))?;
    Ok(Stream { buffers, held: None, decoder: Decoder::new(agreed.layout), timings: agreed.timings })
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

fn take_frame(node: &Node, stream: &mut Stream, tally: &mut Tally) -> Saw {
    let taken = match node.dequeue() {
        Ok(taken) => taken,
        Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => return Saw::Nothing,
        Err(fault) => return saw(&fault),
    };
    let Some(buffer) = stream.buffers.get(taken.index) else { return Saw::Fault };
    stream.held = Some((taken.index, taken.bytes));
    tally.count(taken.sequence, taken.at);
    let bytes = buffer.bytes().get(..taken.bytes).filter(|_| !taken.spoilt);
    if bytes.is_some_and(|bytes| stream.decoder.decode(bytes).is_ok()) {
        return Saw::Whole;
    }
    tally.corrupt += 1;
    Saw::Torn
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
    fn given_rates_expect_the_slow_ones_told_once_they_are_known() {
        let is_slow = |frames_per_s| Link { size: [1920, 1080], frames_per_s, dropped: 0, corrupt: 0 }.is_slow();
        assert_eq!([None, Some(5.0), Some(25.0)].map(is_slow), [false, true, false]);
    }
}
