//! One video device, asked in the kernel's words and answering in ours.
//!
//! Always holds: no call waits longer than the driver does, as the device is opened non-blocking; lists are read to [`LIST_MAX`]
//! entries at most. Deliberately absent: what to do about an answer.

use super::{
    ioctl::{self, Mapping, Plain, ask},
    layout::Negotiated,
    mode::{Interval, Mode, Offer, Rates, Steps},
};
use crate::config::PixelFormat;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode as Permissions, OFlags, open},
    io::Errno,
};
use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    time::Duration,
};
use v4l::v4l_sys::*;

/// The most entries that are read of any list: a hostile driver could go on for ever.
const LIST_MAX: u32 = 64;
/// The kind of buffer that all calls here are about.
const CAPTURE: u32 = v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE;
/// Asks for and promises the colour fields of a format. *Source*: `V4L2_PIX_FMT_PRIV_MAGIC` of linux/videodev2.h.
const WITH_COLOURS: u32 = 0xfeed_cafe;
/// Entries of lists that say one size or one interval, not a range.
const ONE_SIZE: u32 = v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE;
const ONE_INTERVAL: u32 = v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE;
/// An input that says one of these has no picture to give. *Source*: the kernel's table "Input Status Flags".
const NO_SIGNAL: u32 = V4L2_IN_ST_NO_POWER | V4L2_IN_ST_NO_SIGNAL | V4L2_IN_ST_NO_H_LOCK | V4L2_IN_ST_NO_SYNC;

/// An open video device.
pub struct Node {
    file: OwnedFd,
}

/// What a device says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name, for people.
    pub name: String,
    /// The kernel's driver.
    pub driver: String,
    /// Whether its frames can be had, and why not.
    pub kind: Kind,
}

/// What a device is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It gives frames.
    Capture,
    /// It gives frames in several planes only, which is not read here.
    Planes,
    /// It is an output, a converter, or carries data that is no picture.
    Other,
}

/// The state of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Whether the signal's timings must be asked for and set.
    pub has_timings: bool,
    /// Whether it says that there is no signal. Many never say.
    pub silent: bool,
}

/// A digital signal's timings.
#[derive(Clone, Copy)]
pub struct Timings(v4l2_dv_timings);

/// A dequeued buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Which buffer.
    pub index: usize,
    /// How many bytes of it are the frame.
    pub bytes: usize,
    /// Whether the driver knows it to be spoilt.
    pub spoilt: bool,
    /// Counts the device's frames.
    pub sequence: u32,
    /// When it was captured, from any start.
    pub at: Duration,
}

/// What a wait ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// There is a frame.
    pub frame: bool,
    /// There is an event.
    pub event: bool,
    /// The queue is in error, or has no buffers.
    pub error: bool,
    /// The device is gone.
    pub gone: bool,
}

impl Node {
    /// Opens a device. *Errors*: as the kernel says.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: open(path, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, Permissions::empty())? })
    }

    fn ask<T: Plain>(&self, request: &ioctl::Request<T>, argument: &mut T) -> io::Result<()> {
        ask(self.file.as_fd(), request, argument)
    }

    /// What it says of itself. *Errors*: it is no video device.
    pub fn about(&self) -> io::Result<About> {
        let mut told = v4l2_capability::zeroed();
        self.ask(&ioctl::QUERY_CAPABILITY, &mut told)?;
        let has = if told.capabilities & V4L2_CAP_DEVICE_CAPS != 0 { told.device_caps } else { told.capabilities };
        let kind = match has {
            has if has & V4L2_CAP_VIDEO_CAPTURE != 0 && has & V4L2_CAP_STREAMING != 0 => Kind::Capture,
            has if has & V4L2_CAP_VIDEO_CAPTURE_MPLANE != 0 => Kind::Planes,
            _ => Kind::Other,
        };
        Ok(About { name: words(&told.card), driver: words(&told.driver), kind })
    }

    /// The input in use. *Errors*: as the kernel says; a device without inputs says so.
    pub fn input(&self) -> io::Result<Input> {
        let mut index = 0;
        self.ask(&ioctl::GET_INPUT, &mut index)?;
        let mut told = v4l2_input { index: index as u32, ..v4l2_input::zeroed() };
        self.ask(&ioctl::ENUMERATE_INPUTS, &mut told)?;
        Ok(Input { has_timings: told.capabilities & V4L2_IN_CAP_DV_TIMINGS != 0, silent: told.status & NO_SIGNAL != 0 })
    }

    /// The kernel's names of all its formats. *Errors*: as the kernel says.
    pub fn fourccs(&self) -> io::Result<Vec<[u8; 4]>> {
        let entry = v4l2_fmtdesc { type_: CAPTURE, ..v4l2_fmtdesc::zeroed() };
        let told = self.list(&ioctl::ENUMERATE_FORMATS, |index| v4l2_fmtdesc { index, ..entry })?;
        Ok(told.into_iter().map(|entry| entry.pixelformat.to_le_bytes()).collect())
    }

    /// All that it offers in formats that can be read. Where there is a signal with timings, its `size` and `interval` are the only
    /// ones. *Errors*: as the kernel says.
    pub fn offers(&self, wanted: Option<[u32; 2]>, signal: Option<&Timings>) -> io::Result<Vec<Offer>> {
        let mut offers = Vec::new();
        for format in self.fourccs()?.into_iter().filter_map(PixelFormat::from_fourcc) {
            if let Some(signal) = signal {
                let rates = signal.interval().map_or(Rates::Unsaid, |interval| Rates::Listed(vec![interval]));
                offers.push(Offer { format, size: signal.size(), rates });
                continue;
            }
            for size in self.sizes(format, wanted)? {
                offers.push(Offer { format, size, rates: self.rates(format, size)? });
            }
        }
        Ok(offers)
    }

    /// The sizes of a format; the one set now where the device does not say.
    fn sizes(&self, format: PixelFormat, wanted: Option<[u32; 2]>) -> io::Result<Vec<[u32; 2]>> {
        let entry =
            v4l2_frmsizeenum { pixel_format: u32::from_le_bytes(format.fourcc()), ..v4l2_frmsizeenum::zeroed() };
        let told = self.list(&ioctl::ENUMERATE_SIZES, |index| v4l2_frmsizeenum { index, ..entry })?;
        let sizes = told.iter().flat_map(|entry| match (entry.type_, ioctl::size(entry)) {
            (ONE_SIZE, (one, _)) => vec![[one.width, one.height]],
            (_, (_, some)) => {
                let steps = Steps {
                    least: [some.min_width, some.min_height],
                    most: [some.max_width, some.max_height],
                    step: [some.step_width, some.step_height],
                };
                steps.sizes(wanted)
            }
        });
        let mut sizes: Vec<_> = sizes.collect();
        if sizes.is_empty() {
            let now = self.format()?;
            sizes.push([now.width, now.height]);
        }
        Ok(sizes)
    }

    fn rates(&self, format: PixelFormat, [width, height]: [u32; 2]) -> io::Result<Rates> {
        let pixel_format = u32::from_le_bytes(format.fourcc());
        let entry = v4l2_frmivalenum { pixel_format, width, height, ..v4l2_frmivalenum::zeroed() };
        let told = self.list(&ioctl::ENUMERATE_INTERVALS, |index| v4l2_frmivalenum { index, ..entry })?;
        let as_interval = |f: v4l2_fract| Interval { numerator: f.numerator, denominator: f.denominator };
        let mut listed = Vec::new();
        for entry in &told {
            match (entry.type_, ioctl::interval(entry)) {
                (ONE_INTERVAL, (one, _)) => listed.push(as_interval(one)),
                (_, (_, some)) => return Ok(Rates::Between(as_interval(some.min), as_interval(some.max))),
            }
        }
        // A device may list nonsense; an interval without an end or a length is none.
        listed.retain(|interval| interval.numerator > 0 && interval.denominator > 0);
        Ok(if listed.is_empty() { Rates::Unsaid } else { Rates::Listed(listed) })
    }

    /// All entries of a list; none where the device has no such list.
    fn list<T: Plain>(&self, request: &ioctl::Request<T>, entry: impl Fn(u32) -> T) -> io::Result<Vec<T>> {
        let mut told = Vec::new();
        for index in 0..LIST_MAX {
            let mut entry = entry(index);
            match self.ask(request, &mut entry) {
                Ok(()) => told.push(entry),
                Err(fault) => match Errno::from_io_error(&fault) {
                    Some(Errno::INVAL | Errno::NOTTY | Errno::NODATA) => break,
                    _ => return Err(fault),
                },
            }
        }
        Ok(told)
    }

    /// The timings of the signal that is there now.
    ///
    /// *Errors*: ENOLINK, ENOLCK and ERANGE where there is none, or none that it can lock to; see [`is_silence`].
    pub fn timings(&self) -> io::Result<Timings> {
        let mut told = v4l2_dv_timings::zeroed();
        self.ask(&ioctl::QUERY_TIMINGS, &mut told)?;
        Ok(Timings(told))
    }

    /// Sets timings. *Errors*: EBUSY while buffers are there; as the kernel says.
    pub fn set_timings(&self, timings: &Timings) -> io::Result<()> {
        self.ask(&ioctl::SET_TIMINGS, &mut { timings.0 })
    }

    /// Asks to be told when the source changes. *Errors*: most devices without timings do not know this.
    pub fn subscribe(&self) -> io::Result<()> {
        let mut wish = v4l2_event_subscription { type_: V4L2_EVENT_SOURCE_CHANGE, ..Plain::zeroed() };
        self.ask(&ioctl::SUBSCRIBE_EVENT, &mut wish)
    }

    /// Takes the next event and says whether it is a change of the source. *Errors*: as the kernel says; ENOENT for none.
    pub fn take_event(&self) -> io::Result<bool> {
        let mut event = v4l2_event::zeroed();
        self.ask(&ioctl::DEQUEUE_EVENT, &mut event)?;
        Ok(event.type_ == V4L2_EVENT_SOURCE_CHANGE && ioctl::source_changes(&event) & V4L2_EVENT_SRC_CH_RESOLUTION != 0)
    }

    fn format(&self) -> io::Result<Negotiated> {
        let mut told = v4l2_format { type_: CAPTURE, ..Plain::zeroed() };
        self.ask(&ioctl::GET_FORMAT, &mut told)?;
        Ok(negotiated(&mut told))
    }

    /// Sets a mode and gives back what the device made of it. *Errors*: EBUSY where another program has it; as the kernel says.
    pub fn set_format(&self, mode: &Mode) -> io::Result<Negotiated> {
        let mut wish = v4l2_format { type_: CAPTURE, ..Plain::zeroed() };
        let pix = ioctl::pix(&mut wish);
        [pix.width, pix.height] = mode.size;
        pix.pixelformat = u32::from_le_bytes(mode.format.fourcc());
        pix.field = v4l2_field_V4L2_FIELD_NONE;
        pix.priv_ = WITH_COLOURS;
        self.ask(&ioctl::SET_FORMAT, &mut wish)?;
        Ok(negotiated(&mut wish))
    }

    /// Sets the frame rate. *Errors*: as the kernel says; many devices cannot.
    pub fn set_interval(&self, interval: Interval) -> io::Result<()> {
        let mut wish = v4l2_streamparm { type_: CAPTURE, ..Plain::zeroed() };
        ioctl::capture(&mut wish).timeperframe =
            v4l2_fract { numerator: interval.numerator, denominator: interval.denominator };
        self.ask(&ioctl::SET_PARAMETERS, &mut wish)
    }

    /// Has buffers made and maps them. *Errors*: EBUSY where another program has it; as the kernel says.
    pub fn buffers(&self, count: u32) -> io::Result<Vec<Mapping>> {
        let count = self.request_buffers(count)?;
        let map = |index| {
            let mut buffer = v4l2_buffer { index, ..Self::buffer() };
            self.ask(&ioctl::QUERY_BUFFER, &mut buffer)?;
            Mapping::new(self.file.as_fd(), ioctl::offset(&buffer), buffer.length as usize)
        };
        (0..count).map(map).collect()
    }

    /// Gives the buffers back; their mappings must have been dropped. *Errors*: as the kernel says.
    pub fn release_buffers(&self) -> io::Result<()> {
        self.request_buffers(0).map(|_none| ())
    }

    fn request_buffers(&self, count: u32) -> io::Result<u32> {
        let memory = v4l2_memory_V4L2_MEMORY_MMAP;
        let mut wish = v4l2_requestbuffers { count, type_: CAPTURE, memory, ..Plain::zeroed() };
        self.ask(&ioctl::REQUEST_BUFFERS, &mut wish)?;
        Ok(wish.count)
    }

    fn buffer() -> v4l2_buffer {
        v4l2_buffer { type_: CAPTURE, memory: v4l2_memory_V4L2_MEMORY_MMAP, ..Plain::zeroed() }
    }

    /// Hands a buffer to the device. *Errors*: as the kernel says.
    pub fn queue(&self, index: usize) -> io::Result<()> {
        self.ask(&ioctl::QUEUE, &mut v4l2_buffer { index: index as u32, ..Self::buffer() })
    }

    /// Takes a filled buffer. *Errors*: EAGAIN for none yet; as the kernel says.
    pub fn dequeue(&self) -> io::Result<Taken> {
        let mut buffer = Self::buffer();
        self.ask(&ioctl::DEQUEUE, &mut buffer)?;
        let (s, us) = (buffer.timestamp.tv_sec.max(0) as u64, buffer.timestamp.tv_usec.max(0) as u64);
        Ok(Taken {
            index: buffer.index as usize,
            bytes: buffer.bytesused as usize,
            spoilt: buffer.flags & V4L2_BUF_FLAG_ERROR != 0,
            sequence: buffer.sequence,
            at: Duration::from_secs(s) + Duration::from_micros(us),
        })
    }

    /// Starts the stream. *Errors*: as the kernel says.
    pub fn start(&self) -> io::Result<()> {
        self.ask(&ioctl::STREAM_ON, &mut (CAPTURE as i32))
    }

    /// Stops the stream; all buffers are ours then. *Errors*: as the kernel says.
    pub fn stop(&self) -> io::Result<()> {
        self.ask(&ioctl::STREAM_OFF, &mut (CAPTURE as i32))
    }

    /// Waits for a frame or an event. *Errors*: as the kernel says.
    pub fn wait(&self, most: Duration) -> io::Result<Ready> {
        let mut polled = [PollFd::new(&self.file, PollFlags::IN | PollFlags::PRI)];
        let most = Timespec { tv_sec: most.as_secs() as i64, tv_nsec: most.subsec_nanos().into() };
        poll(&mut polled, Some(&most))?;
        let told = polled[0].revents();
        Ok(Ready {
            frame: told.contains(PollFlags::IN),
            event: told.contains(PollFlags::PRI),
            error: told.contains(PollFlags::ERR),
            gone: told.intersects(PollFlags::HUP | PollFlags::NVAL),
        })
    }
}

/// Whether a query for timings failed for want of a signal: no cable or power, nothing to lock to, or timings beyond what it can.
pub fn is_silence(fault: &io::Error) -> bool {
    matches!(Errno::from_io_error(fault), Some(Errno::NOLINK | Errno::NOLCK | Errno::RANGE))
}

impl Timings {
    /// Width and height in pixels.
    pub fn size(&self) -> [u32; 2] {
        let bt = ioctl::bt(&self.0);
        [bt.width, bt.height]
    }

    /// The time from one frame to the next; none where the signal's clock is not known or absurd.
    pub fn interval(&self) -> Option<Interval> {
        let bt = ioctl::bt(&self.0);
        let line = u64::from(bt.width) + u64::from(bt.hfrontporch) + u64::from(bt.hsync) + u64::from(bt.hbackporch);
        let lines = u64::from(bt.height) + u64::from(bt.vfrontporch) + u64::from(bt.vsync) + u64::from(bt.vbackporch);
        let pixelclock = bt.pixelclock;
        match (u32::try_from(line.saturating_mul(lines)), u32::try_from(pixelclock)) {
            (Ok(numerator @ 1..), Ok(denominator @ 1..)) => Some(Interval { numerator, denominator }),
            _ => None,
        }
    }

    /// Whether a stream set for these timings goes on with `other`: same picture, and clocks no further apart than two
    /// measurements of one signal.
    pub fn holds_for(&self, other: &Self) -> bool {
        /// One part of so many: 60 Hz and 59.94 Hz are a thousandth apart, 50 Hz a sixth.
        const CLOCK_PART: u64 = 100;
        let (a, b) = (ioctl::bt(&self.0), ioctl::bt(&other.0));
        let (clock_a, clock_b) = (a.pixelclock, b.pixelclock);
        let [interlaced_a, interlaced_b] = [a.interlaced, b.interlaced];
        self.size() == other.size() && interlaced_a == interlaced_b && clock_a.abs_diff(clock_b) <= clock_a / CLOCK_PART
    }
}

/// A name of the kernel's, up to its zero.
fn words(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn negotiated(format: &mut v4l2_format) -> Negotiated {
    let pix = *ioctl::pix(format);
    Negotiated {
        fourcc: pix.pixelformat.to_le_bytes(),
        width: pix.width,
        height: pix.height,
        stride: pix.bytesperline,
        field: pix.field,
        colorspace: pix.colorspace,
        encoding: ioctl::encoding(&pix),
        quantization: pix.quantization,
    }
}
