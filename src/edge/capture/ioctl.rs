//! The calls into the kernel's video4linux2, each with the type of its argument; the only unsafe code of this edge.
//!
//! Always holds: a request's number and its argument's type stand in one [`Request`], so that the kernel never reads or writes past
//! an argument; a mapping is unmapped once, when it is dropped. Deliberately absent: what any of it means; that is for `node`.

#![allow(unsafe_code)]

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::{
    ffi::c_void,
    io,
    marker::PhantomData,
    mem,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    ptr::{self, NonNull},
    slice,
};
use v4l::{
    v4l_sys::*,
    v4l2::{self, vidioc},
};

/// A request to a video device, whose argument is a `T`.
pub struct Request<T> {
    number: vidioc::_IOC_TYPE,
    argument: PhantomData<fn(T)>,
}

/// Ways that an argument goes. *Source*: the kernel's asm-generic/ioctl.h.
const WRITE: vidioc::_IOC_TYPE = 1;
const READ: vidioc::_IOC_TYPE = 2;

impl<T> Request<T> {
    const fn new(ways: vidioc::_IOC_TYPE, number: vidioc::_IOC_TYPE) -> Self {
        let size = mem::size_of::<T>() as vidioc::_IOC_TYPE;
        Self { number: ways << 30 | size << 16 | (b'V' as vidioc::_IOC_TYPE) << 8 | number, argument: PhantomData }
    }
}

/// *Source*: the numbers here are those of the kernel's linux/videodev2.h.
pub const QUERY_CAPABILITY: Request<v4l2_capability> = Request::new(READ, 0);
pub const ENUMERATE_FORMATS: Request<v4l2_fmtdesc> = Request::new(READ | WRITE, 2);
pub const GET_FORMAT: Request<v4l2_format> = Request::new(READ | WRITE, 4);
pub const SET_FORMAT: Request<v4l2_format> = Request::new(READ | WRITE, 5);
pub const REQUEST_BUFFERS: Request<v4l2_requestbuffers> = Request::new(READ | WRITE, 8);
pub const QUERY_BUFFER: Request<v4l2_buffer> = Request::new(READ | WRITE, 9);
pub const QUEUE: Request<v4l2_buffer> = Request::new(READ | WRITE, 15);
pub const DEQUEUE: Request<v4l2_buffer> = Request::new(READ | WRITE, 17);
pub const STREAM_ON: Request<i32> = Request::new(WRITE, 18);
pub const STREAM_OFF: Request<i32> = Request::new(WRITE, 19);
pub const SET_PARAMETERS: Request<v4l2_streamparm> = Request::new(READ | WRITE, 22);
pub const ENUMERATE_INPUTS: Request<v4l2_input> = Request::new(READ | WRITE, 26);
pub const GET_INPUT: Request<i32> = Request::new(READ, 38);
pub const ENUMERATE_SIZES: Request<v4l2_frmsizeenum> = Request::new(READ | WRITE, 74);
pub const ENUMERATE_INTERVALS: Request<v4l2_frmivalenum> = Request::new(READ | WRITE, 75);
pub const SET_TIMINGS: Request<v4l2_dv_timings> = Request::new(READ | WRITE, 87);
pub const DEQUEUE_EVENT: Request<v4l2_event> = Request::new(READ, 89);
pub const SUBSCRIBE_EVENT: Request<v4l2_event_subscription> = Request::new(WRITE, 90);
pub const QUERY_TIMINGS: Request<v4l2_dv_timings> = Request::new(READ, 99);

/// Types that hold numbers alone, so that all zeroes are one of their values.
///
/// # Safety
/// All bit patterns must be values of the type; a pointer in it must never be followed where a zero would be no pointer.
pub unsafe trait Plain: Sized {
    /// All zeroes.
    fn zeroed() -> Self {
        // SAFETY: zeroes are a value of the type, says the trait.
        unsafe { mem::zeroed() }
    }
}

macro_rules! plain {
    ($($kind:ty)*) => { $(
        // SAFETY: a C struct of integers, arrays and unions of them; its pointers are never followed by this program.
        unsafe impl Plain for $kind {}
    )* };
}

plain!(v4l2_capability v4l2_fmtdesc v4l2_format v4l2_requestbuffers v4l2_buffer i32 v4l2_streamparm v4l2_input);
plain!(v4l2_frmsizeenum v4l2_frmivalenum v4l2_dv_timings v4l2_event v4l2_event_subscription);

/// Sends a request. *Errors*: as the kernel says.
pub fn ask<T: Plain>(device: BorrowedFd<'_>, request: &Request<T>, argument: &mut T) -> io::Result<()> {
    // SAFETY: the number says the argument's size, of which the kernel reads and writes no more; no request here makes the kernel
    // follow a pointer in its argument (buffers are mapped, never the user's).
    unsafe { v4l2::ioctl(device.as_raw_fd(), request.number, ptr::from_mut(argument).cast::<c_void>()) }
}

/// The single-planar part of a format.
pub fn pix(format: &mut v4l2_format) -> &mut v4l2_pix_format {
    // SAFETY: every member of the union is plain numbers.
    unsafe { &mut format.fmt.pix }
}

/// How a format's colours are coded as Y'CbCr.
pub fn encoding(format: &v4l2_pix_format) -> u32 {
    // SAFETY: both members of the union are one number.
    unsafe { format.__bindgen_anon_1.ycbcr_enc }
}

/// The capturing part of the stream's parameters.
pub fn capture(parameters: &mut v4l2_streamparm) -> &mut v4l2_captureparm {
    // SAFETY: every member of the union is plain numbers.
    unsafe { &mut parameters.parm.capture }
}

/// Where a mapped buffer lies.
pub fn offset(buffer: &v4l2_buffer) -> u32 {
    // SAFETY: the first bytes of every member of the union are plain numbers.
    unsafe { buffer.m.offset }
}

/// What timings say of the picture; copied, as the struct is packed.
pub fn bt(timings: &v4l2_dv_timings) -> v4l2_bt_timings {
    // SAFETY: every member of the union is plain numbers.
    unsafe { timings.__bindgen_anon_1.bt }
}

/// What has changed at the source.
pub fn source_changes(event: &v4l2_event) -> u32 {
    // SAFETY: every member of the union is plain numbers.
    unsafe { event.u.src_change.changes }
}

/// One size, or the least, the most and the steps of it.
pub fn size(entry: &v4l2_frmsizeenum) -> (v4l2_frmsize_discrete, v4l2_frmsize_stepwise) {
    // SAFETY: both members of the union are plain numbers; which of them is meant is for the caller.
    unsafe { (entry.__bindgen_anon_1.discrete, entry.__bindgen_anon_1.stepwise) }
}

/// One interval, or the least and the most of it.
pub fn interval(entry: &v4l2_frmivalenum) -> (v4l2_fract, v4l2_frmival_stepwise) {
    // SAFETY: both members of the union are plain numbers; which of them is meant is for the caller.
    unsafe { (entry.__bindgen_anon_1.discrete, entry.__bindgen_anon_1.stepwise) }
}

/// A buffer of the device's, mapped into memory.
pub struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and is reached through its one owner alone.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps the `length` bytes at `offset` of a device. *Errors*: as the kernel says.
    pub fn new(device: BorrowedFd<'_>, offset: u32, length: usize) -> io::Result<Self> {
        let ways = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use. Both ways are what video4linux2
        // asks for, whichever way the pictures go.
        let start =
            unsafe { mmap(ptr::null_mut(), length, ways, MapFlags::SHARED, device.as_fd(), u64::from(offset)) }?;
        let start = NonNull::new(start.cast::<u8>()).expect("the kernel maps nothing at address 0 unasked");
        Ok(Self { start, length })
    }

    /// The bytes. The caller reads them only while the buffer is dequeued; a device that writes it then spoils the picture.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is `length` long and lives as long as `self`; the kernel writes to it only while it is queued.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no slice of it outlives `self`. A failure would leave it mapped, which harms nothing.
        let _unmapped = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_requests_that_the_crate_knows_expect_the_same_numbers() {
        assert_eq!(QUERY_CAPABILITY.number, vidioc::VIDIOC_QUERYCAP);
        assert_eq!(ENUMERATE_FORMATS.number, vidioc::VIDIOC_ENUM_FMT);
        assert_eq!(SET_FORMAT.number, vidioc::VIDIOC_S_FMT);
        assert_eq!(REQUEST_BUFFERS.number, vidioc::VIDIOC_REQBUFS);
        assert_eq!(QUERY_BUFFER.number, vidioc::VIDIOC_QUERYBUF);
        assert_eq!(QUEUE.number, vidioc::VIDIOC_QBUF);
        assert_eq!(DEQUEUE.number, vidioc::VIDIOC_DQBUF);
        assert_eq!(STREAM_ON.number, vidioc::VIDIOC_STREAMON);
        assert_eq!(STREAM_OFF.number, vidioc::VIDIOC_STREAMOFF);
        assert_eq!(SET_PARAMETERS.number, vidioc::VIDIOC_S_PARM);
        assert_eq!(ENUMERATE_INPUTS.number, vidioc::VIDIOC_ENUMINPUT);
        assert_eq!(GET_INPUT.number, vidioc::VIDIOC_G_INPUT);
        assert_eq!(ENUMERATE_SIZES.number, vidioc::VIDIOC_ENUM_FRAMESIZES);
        assert_eq!(ENUMERATE_INTERVALS.number, vidioc::VIDIOC_ENUM_FRAMEINTERVALS);
    }

    /// *Source*: a C program with linux/videodev2.h of Linux 6.1 on x86-64.
    #[test]
    fn given_requests_that_it_does_not_know_expect_those_of_the_headers() {
        assert_eq!(SET_TIMINGS.number, 0xc084_5657);
        assert_eq!(QUERY_TIMINGS.number, 0x8084_5663);
        assert_eq!(SUBSCRIBE_EVENT.number, 0x4020_565a);
        assert_eq!(DEQUEUE_EVENT.number, 0x8088_5659);
    }
}
