//! A video node of vivid, by the kernel's calls that crate v4l has no safe way for: timings, an output's format, controls.
#![allow(unsafe_code)]

use std::{
    ffi::CStr,
    fs::File,
    io,
    mem::{size_of, zeroed},
    os::fd::AsRawFd,
    path::Path,
};
use v4l::{
    v4l_sys::{
        V4L2_CTRL_FLAG_NEXT_CTRL, v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_OUTPUT as OUTPUT, v4l2_buffer, v4l2_control,
        v4l2_dv_timings, v4l2_enum_dv_timings, v4l2_field_V4L2_FIELD_NONE as PROGRESSIVE, v4l2_format,
        v4l2_memory_V4L2_MEMORY_MMAP as MAPPED, v4l2_query_ext_ctrl, v4l2_querymenu, v4l2_requestbuffers,
    },
    v4l2::{
        self,
        vidioc::{
            _IOC_TYPE, VIDIOC_DQBUF, VIDIOC_QBUF, VIDIOC_QUERY_EXT_CTRL, VIDIOC_QUERYBUF, VIDIOC_QUERYMENU,
            VIDIOC_REQBUFS, VIDIOC_S_CTRL, VIDIOC_S_FMT, VIDIOC_STREAMON,
        },
    },
};

/// *Source*: linux/videodev2.h, `_IOWR('V', 87, struct v4l2_dv_timings)`.
const VIDIOC_S_DV_TIMINGS: _IOC_TYPE = iowr(87, size_of::<v4l2_dv_timings>());
/// *Source*: the same, `_IOWR('V', 98, struct v4l2_enum_dv_timings)`.
const VIDIOC_ENUM_DV_TIMINGS: _IOC_TYPE = iowr(98, size_of::<v4l2_enum_dv_timings>());
/// Timings that a node may list; CEA-861 and DMT have fewer.
const TIMINGS_MAX: u32 = 1000;

/// A call of V4L2 that reads and writes its argument. *Source*: linux/ioctl.h.
const fn iowr(number: u8, size: usize) -> _IOC_TYPE {
    (3 << 30) | ((size as _IOC_TYPE) << 16) | ((b'V' as _IOC_TYPE) << 8) | number as _IOC_TYPE
}

/// A mode of an HDMI signal, progressive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    pub width: u32,
    pub height: u32,
    pub frames_per_s: u32,
}

impl Mode {
    /// How vivid names it in its menu "DV Timings".
    pub fn name(&self) -> String {
        format!("{}x{}p{}", self.width, self.height, self.frames_per_s)
    }
}

/// Buffers in line: a frame is on the cable when so many less one have been written after it.
pub const BUFFERS: usize = 3;
/// `PROT_READ | PROT_WRITE` and `MAP_SHARED`. *Source*: sys/mman.h.
const READ_AND_WRITE: i32 = 3;
const SHARED: i32 = 1;

/// A node, open.
pub struct Node(File);

/// An output node that sends frames. Everything ends when it is dropped, by the file's closing.
pub struct Output {
    node: Node,
    /// Where each buffer is mapped, and how long it is.
    buffers: Vec<(*mut u8, usize)>,
    /// The number of the frame that each buffer holds.
    holds: [Option<usize>; BUFFERS],
    /// Buffers that the kernel has been given, until it has all.
    given: usize,
}

impl Node {
    /// Opens a node for reading and writing.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(File::options().read(true).write(true).open(path)?))
    }

    /// Makes an output node send `mode` in the format of that fourcc; gives it with the bytes of a frame.
    pub fn send(self, mode: Mode, fourcc: [u8; 4]) -> io::Result<(Output, usize)> {
        let bytes = self.set_mode(mode, fourcc)?;
        let mut wanted = v4l2_requestbuffers { count: BUFFERS as u32, type_: OUTPUT, memory: MAPPED, ..blank() };
        self.call(VIDIOC_REQBUFS, &mut wanted)?;
        if wanted.count as usize != BUFFERS {
            return Err(io::Error::other(format!("the node has {} buffers instead of {BUFFERS}", wanted.count)));
        }
        let buffers = (0..wanted.count).map(|index| self.map(index, bytes)).collect::<io::Result<_>>()?;
        Ok((Output { node: self, buffers, holds: [None; BUFFERS], given: 0 }, bytes))
    }

    fn map(&self, index: u32, bytes: usize) -> io::Result<(*mut u8, usize)> {
        let mut buffer = v4l2_buffer { index, type_: OUTPUT, memory: MAPPED, ..blank() };
        self.call(VIDIOC_QUERYBUF, &mut buffer)?;
        let length = buffer.length as usize;
        if length < bytes {
            return Err(io::Error::other("a buffer is shorter than a frame"));
        }
        // SAFETY: `offset` is the union's member for this kind of memory; the kernel chooses where the buffer is mapped.
        let at = unsafe {
            let offset = i64::from(buffer.m.offset);
            v4l2::mmap(std::ptr::null_mut(), length, READ_AND_WRITE, SHARED, self.0.as_raw_fd(), offset)?
        };
        Ok((at.cast(), length))
    }

    fn set_mode(&self, mode: Mode, fourcc: [u8; 4]) -> io::Result<usize> {
        let mut timings = self.timings(mode)?;
        self.call(VIDIOC_S_DV_TIMINGS, &mut timings)?;
        let mut format: v4l2_format = blank();
        format.type_ = OUTPUT;
        // SAFETY: `pix` is the union's member for this type of buffer, and every bit pattern of it is a value.
        let pixels = unsafe { &mut format.fmt.pix };
        (pixels.width, pixels.height) = (mode.width, mode.height);
        (pixels.pixelformat, pixels.field) = (u32::from_le_bytes(fourcc), PROGRESSIVE);
        self.call(VIDIOC_S_FMT, &mut format)?;
        // SAFETY: as above.
        let set = unsafe { format.fmt.pix };
        if (set.width, set.height, set.pixelformat.to_le_bytes()) != (mode.width, mode.height, fourcc) {
            return Err(io::Error::other(format!("the node takes {}x{} instead", set.width, set.height)));
        }
        Ok(set.sizeimage as usize)
    }

    /// The node's own timings of a mode.
    fn timings(&self, mode: Mode) -> io::Result<v4l2_dv_timings> {
        for index in 0..TIMINGS_MAX {
            let mut listed = v4l2_enum_dv_timings { index, ..blank() };
            self.call(VIDIOC_ENUM_DV_TIMINGS, &mut listed)?;
            // SAFETY: `bt` is the only member of the union that is described; every bit pattern of it is a value.
            let bt = unsafe { listed.timings.__bindgen_anon_1.bt };
            let across = bt.width + bt.hfrontporch + bt.hsync + bt.hbackporch;
            let down = bt.height + bt.vfrontporch + bt.vsync + bt.vbackporch;
            let rate = bt.pixelclock / u64::from(across * down).max(1);
            if (bt.width, bt.height, rate, bt.interlaced) == (mode.width, mode.height, u64::from(mode.frames_per_s), 0)
            {
                return Ok(listed.timings);
            }
        }
        Err(io::Error::other(format!("no timings for {}", mode.name())))
    }

    /// Sets a control by its name.
    pub fn set(&self, name: &str, value: i32) -> io::Result<()> {
        let (id, _) = self.control(name)?;
        self.call(VIDIOC_S_CTRL, &mut v4l2_control { id, value })
    }

    /// Sets a menu by its name to the item of that name.
    pub fn choose(&self, name: &str, item: &str) -> io::Result<()> {
        let (id, items) = self.control(name)?;
        for index in 0..=items {
            let mut listed = v4l2_querymenu { id, index, ..blank() };
            // A menu may leave numbers out.
            if self.call(VIDIOC_QUERYMENU, &mut listed).is_err() {
                continue;
            }
            // SAFETY: `name` is the union's member for a menu of names.
            let bytes = unsafe { listed.__bindgen_anon_1.name };
            if CStr::from_bytes_until_nul(&bytes).is_ok_and(|text| text.to_bytes() == item.as_bytes()) {
                return self.set(name, index as i32);
            }
        }
        Err(io::Error::other(format!("control {name} has no item {item}")))
    }

    /// A control's number and its largest value.
    fn control(&self, name: &str) -> io::Result<(u32, u32)> {
        let mut listed: v4l2_query_ext_ctrl = blank();
        loop {
            listed.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
            self.call(VIDIOC_QUERY_EXT_CTRL, &mut listed)
                .map_err(|_| io::Error::other(format!("no control is called {name}")))?;
            if listed.name.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0).eq(name.bytes()) {
                return Ok((listed.id, listed.maximum as u32));
            }
        }
    }

    fn call<T: Argument>(&self, request: _IOC_TYPE, argument: &mut T) -> io::Result<()> {
        // SAFETY: the file is open, and each request is made with the structure that the kernel has for it.
        unsafe { v4l2::ioctl(self.0.as_raw_fd(), request, std::ptr::from_mut(argument).cast()) }
    }
}

impl Output {
    /// Puts a frame in line, once there is room. It is not copied to a buffer that holds the frame of that number already.
    pub fn write(&mut self, frame: &[u8], number: usize) -> io::Result<()> {
        let mut buffer = v4l2_buffer { type_: OUTPUT, memory: MAPPED, ..blank() };
        if self.given < self.buffers.len() {
            buffer.index = self.given as u32;
        } else {
            self.node.call(VIDIOC_DQBUF, &mut buffer)?;
        }
        let (at, length) = self.buffers[buffer.index as usize];
        assert!(frame.len() <= length, "a frame fits a buffer");
        if self.holds[buffer.index as usize].replace(number) != Some(number) {
            // SAFETY: the buffer is mapped for `length` bytes, and the kernel does not have it now.
            unsafe { std::ptr::copy_nonoverlapping(frame.as_ptr(), at, frame.len()) };
        }
        (buffer.bytesused, buffer.field) = (frame.len() as u32, PROGRESSIVE);
        self.node.call(VIDIOC_QBUF, &mut buffer)?;
        if self.given < self.buffers.len() {
            self.given += 1;
            if self.given == self.buffers.len() {
                let mut kind = OUTPUT;
                self.node.call(VIDIOC_STREAMON, &mut kind)?;
            }
        }
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        for &(at, length) in &self.buffers {
            // SAFETY: mapped in `map` for just this length, and never used again. That it fails is no news here.
            drop(unsafe { v4l2::munmap(at.cast(), length) });
        }
    }
}

/// The kernel's structures that calls here take: plain numbers, of which zeros are values.
trait Argument {}
impl Argument for v4l2_dv_timings {}
impl Argument for v4l2_enum_dv_timings {}
impl Argument for v4l2_format {}
impl Argument for v4l2_control {}
impl Argument for v4l2_requestbuffers {}
impl Argument for v4l2_buffer {}
impl Argument for u32 {}
impl Argument for v4l2_query_ext_ctrl {}
impl Argument for v4l2_querymenu {}

fn blank<T: Argument>() -> T {
    // SAFETY: see `Argument`.
    unsafe { zeroed() }
}
