//! A grabber's bytes as an RGB frame.
//!
//! Always holds: a frame that is short, or a JPEG that is corrupt or of another size than was negotiated, is [`Torn`] and
//! nothing else; whatever the bytes, nothing panics. The picture's memory is kept from frame to frame. RGB of the full range is
//! not copied at all. What no decoder can tell: a JPEG that lacks a few bytes in the middle can make another whole picture; of
//! holes of 64 bytes in a cart's screen one in 15 passed, of those of 512 none of 60.

use super::layout::Layout;
use crate::{
    config::PixelFormat,
    frame::{Frame, RGB_BYTES},
};
use yuv::{YuvBiPlanarImage, YuvConversionMode, YuvPackedImage, YuvRange};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, options::DecoderOptions},
};

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Torn {
    /// They end before the frame does.
    Short {
        /// Bytes of a whole frame.
        needed: usize,
        /// Bytes there are.
        given: usize,
    },
    /// The JPEG is of another size than the stream.
    Size([usize; 2]),
    /// The JPEG ends early, or makes no sense.
    Corrupt,
}

/// Turns the frames of one stream into RGB.
pub struct Decoder {
    layout: Layout,
    rgb: Vec<u8>,
    jpeg: Vec<u8>,
}

impl Decoder {
    /// A decoder of frames that lie so.
    pub fn new(layout: Layout) -> Self {
        let rgb = if is_borrowed(&layout) { Vec::new() } else { vec![0; layout.width * layout.height * RGB_BYTES] };
        Self { layout, rgb, jpeg: Vec::new() }
    }

    /// How its frames lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Checks and decodes a frame, for [`Self::frame`] to view. *Errors*: [`Torn`].
    pub fn decode(&mut self, bytes: &[u8]) -> Result<(), Torn> {
        let Layout { width, height, stride, matrix, range, .. } = self.layout;
        let (needed, given) = (self.layout.bytes(), bytes.len());
        if given < needed {
            return Err(Torn::Short { needed, given });
        }
        let [width32, height32, stride32] = [width, height, stride].map(|value| value as u32);
        let rgb_stride = width32 * RGB_BYTES as u32;
        let packed = YuvPackedImage { yuy: &bytes[..needed], yuy_stride: stride32, width: width32, height: height32 };
        let rgb = &mut self.rgb;
        let done = match self.layout.format {
            PixelFormat::Rgb3 if is_borrowed(&self.layout) => return Ok(()),
            PixelFormat::Rgb3 => return widen(bytes, &self.layout, rgb),
            PixelFormat::Mjpg => return decode_jpeg(bytes, &mut self.jpeg, [width, height], rgb),
            PixelFormat::Yuyv => yuv::yuyv422_to_rgb(&packed, rgb, rgb_stride, range, matrix),
            PixelFormat::Uyvy => yuv::uyvy422_to_rgb(&packed, rgb, rgb_stride, range, matrix),
            PixelFormat::Nv12 => {
                let (y_plane, uv_plane) = bytes[..needed].split_at(stride * height);
                let (y_stride, uv_stride) = (stride32, stride32);
                let (width, height) = (width32, height32);
                let planes = YuvBiPlanarImage { y_plane, y_stride, uv_plane, uv_stride, width, height };
                yuv::yuv_nv12_to_rgb(&planes, rgb, rgb_stride, range, matrix, YuvConversionMode::Balanced)
            }
        };
        done.map_err(|_sizes| Torn::Corrupt)
    }

    /// The frame that was decoded last; `bytes` are those that it was decoded from.
    pub fn frame<'a>(&'a self, bytes: &'a [u8]) -> Option<Frame<'a>> {
        let Layout { width, height, stride, .. } = self.layout;
        let (rgb, stride) =
            if is_borrowed(&self.layout) { (bytes, stride) } else { (&self.rgb[..], width * RGB_BYTES) };
        Frame::new(rgb, width, height, stride).ok()
    }
}

/// Whether frames are RGB as they come.
fn is_borrowed(layout: &Layout) -> bool {
    layout.format == PixelFormat::Rgb3 && layout.range == YuvRange::Full
}

/// RGB of the limited range, 16 to 235, as the full one. *Source*: CTA-861-G, section 5.1.
fn widen(bytes: &[u8], layout: &Layout, rgb: &mut [u8]) -> Result<(), Torn> {
    let full: [u8; 256] = std::array::from_fn(|value| ((value.clamp(16, 235) - 16) * 255 / 219) as u8);
    let row = layout.width * RGB_BYTES;
    for (to, from) in rgb.chunks_exact_mut(row).zip(bytes.chunks(layout.stride)) {
        for (to, &from) in to.iter_mut().zip(from) {
            *to = full[usize::from(from)];
        }
    }
    Ok(())
}

/// The markers that begin and end a JPEG. *Source*: ITU-T T.81, table B.1.
const START_OF_IMAGE: [u8; 2] = [0xff, 0xd8];
const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];
/// The start of a JPEG of an AVI file, after which the decoder knows the Huffman tables that many grabbers leave out; tables that
/// are there still count. *Source*: the OpenDML extensions to AVI, "Motion JPEG DIB format": a segment APP0 of 16 bytes.
const AVI_START: [u8; 20] = *b"\xff\xd8\xff\xe0\x00\x10AVI1\0\0\0\0\0\0\0\0\0\0";
/// Coded data that is no code: ones alone, which section C of ITU-T T.81 keeps from every table. A byte of ones is
/// written with a zero behind it.
const NO_CODE: [u8; 64] = {
    let mut ones = [0xff; 64];
    let mut at = 1;
    while at < 64 {
        ones[at] = 0;
        at += 2;
    }
    ones
};

/// Decodes a JPEG of exactly this size; `copy` is kept from frame to frame.
fn decode_jpeg(bytes: &[u8], copy: &mut Vec<u8>, size: [usize; 2], rgb: &mut [u8]) -> Result<(), Torn> {
    // The decoder takes an end that comes too early for zeroes, and a picture with a hole for whole. What is no code in the place
    // of the end is an error wherever it is read. Behind the end may be whatever fills up the buffer.
    let body = bytes.strip_prefix(&START_OF_IMAGE).ok_or(Torn::Corrupt)?;
    let end = body.windows(2).rposition(|marker| marker == END_OF_IMAGE).ok_or(Torn::Corrupt)?;
    copy.clear();
    copy.extend_from_slice(&AVI_START);
    copy.extend_from_slice(&body[..end]);
    copy.extend_from_slice(&NO_CODE);
    let options = DecoderOptions::new_fast().set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&copy[..]), options);
    decoder.decode_headers().map_err(|_broken| Torn::Corrupt)?;
    let (width, height) = decoder.dimensions().ok_or(Torn::Corrupt)?;
    if [width, height] != size {
        return Err(Torn::Size([width, height]));
    }
    // Other than three channels would leave the frame before in the rest.
    if decoder.output_buffer_size() != Some(rgb.len()) {
        return Err(Torn::Corrupt);
    }
    decoder.decode_into(rgb).map_err(|_broken| Torn::Corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};
    use proptest::prelude::*;
    use yuv::YuvStandardMatrix;

    fn layout(format: PixelFormat, [width, height]: [usize; 2], stride: usize, range: YuvRange) -> Layout {
        Layout { format, width, height, stride, matrix: YuvStandardMatrix::Bt601, range }
    }

    /// What `bytes` decode to, without padding.
    fn decoded(layout: Layout, bytes: &[u8]) -> Result<Vec<u8>, Torn> {
        let mut decoder = Decoder::new(layout);
        decoder.decode(bytes)?;
        let frame = decoder.frame(bytes).unwrap();
        Ok((0..frame.height()).flat_map(|y| frame.row(y).to_vec()).collect())
    }

    /// Limits of `tolerance` are those of the fixed-point arithmetic.
    fn check(format: PixelFormat, bytes: &[u8], range: YuvRange, expected: [u8; 12], tolerance: u8) {
        let row = if format == PixelFormat::Rgb3 {
            6
        } else if format == PixelFormat::Nv12 {
            2
        } else {
            4
        };
        let rgb = decoded(layout(format, [2, 2], row, range), bytes).unwrap();
        let off = rgb.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max();
        assert!(off <= Some(tolerance), "{format}: {rgb:?}, expected {expected:?}");
        // The same with padding of any kind.
        for (stride, filler) in [(row + 2, 0), (row + 34, 255)] {
            let mut padded = vec![filler; bytes.len() / row * stride];
            for (to, from) in padded.chunks_mut(stride).zip(bytes.chunks(row)) {
                to[..row].copy_from_slice(from);
            }
            assert_eq!(decoded(layout(format, [2, 2], stride, range), &padded), Ok(rgb.clone()), "{format}, {stride}");
        }
    }

    #[test]
    fn given_known_colours_in_each_format_expect_them_whatever_the_padding() {
        use PixelFormat::{Nv12, Rgb3, Uyvy, Yuyv};
        use YuvRange::{Full, Limited};
        // Black and white above; red by BT.601 below, which the limited range codes as 81, 90, 240 and the full one as 76, 85, 255.
        let screen = [0, 0, 0, 255, 255, 255, 254, 0, 0, 254, 0, 0];
        check(Yuyv, &[16, 128, 235, 128, 81, 90, 81, 240], Limited, screen, 3);
        check(Uyvy, &[128, 16, 128, 235, 90, 81, 240, 81], Limited, screen, 3);
        check(Yuyv, &[0, 128, 255, 128, 76, 85, 76, 255], Full, screen, 3);
        let greys = [0, 0, 0, 255, 255, 255, 128, 128, 128, 0, 0, 0];
        check(Nv12, &[16, 235, 126, 16, 128, 128], Limited, greys, 2);
        check(Rgb3, &greys, Full, greys, 0);
        check(Rgb3, &[16, 16, 16, 235, 235, 235, 126, 126, 126, 0, 9, 16], Limited, greys, 0);
    }

    #[test]
    fn given_full_rgb_expect_it_viewed_where_it_lies() {
        let bytes = [7; 3 * 16 * 4];
        let mut decoder = Decoder::new(layout(PixelFormat::Rgb3, [15, 4], 48, YuvRange::Full));
        decoder.decode(&bytes).unwrap();
        assert_eq!(decoder.frame(&bytes).unwrap().row(1).as_ptr(), bytes[48..].as_ptr());
    }

    #[test]
    fn given_short_frames_expect_them_torn() {
        for (format, whole) in [(PixelFormat::Rgb3, 96), (PixelFormat::Yuyv, 96), (PixelFormat::Nv12, 144)] {
            let layout = layout(format, [6, 4], 24, YuvRange::Limited);
            assert_eq!(decoded(layout, &vec![9; whole - 1]), Err(Torn::Short { needed: whole, given: whole - 1 }));
            assert!(decoded(layout, &vec![9; whole]).is_ok());
        }
    }

    const JPEG_SIZE: [usize; 2] = [512, 256];

    fn jpeg([width, height]: [usize; 2]) -> Vec<u8> {
        // Boxes of many sizes on a dark ground, as a cart's screen has.
        let box_at = |x: usize, y: usize| if (x * x / 900 + y * y / 400).is_multiple_of(5) { 200 } else { 20 };
        let rgb: Vec<_> = (0..width * height * 3).map(|at| box_at(at / 3 % width, at / 3 / width)).collect();
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 80)
            .encode(&rgb, width as u32, height as u32, ExtendedColorType::Rgb8)
            .unwrap();
        bytes
    }

    fn of_jpeg(bytes: &[u8]) -> Result<Vec<u8>, Torn> {
        decoded(layout(PixelFormat::Mjpg, JPEG_SIZE, 0, YuvRange::Full), bytes)
    }

    #[test]
    fn given_jpegs_expect_those_of_the_streams_size_alone() {
        let whole = jpeg(JPEG_SIZE);
        assert_eq!(of_jpeg(&whole).map(|rgb| rgb.len()), Ok(512 * 256 * 3));
        // Grabbers fill up the buffer behind the end.
        assert!(of_jpeg(&[&whole[..], &[0; 999]].concat()).is_ok());
        assert_eq!(of_jpeg(&jpeg([256, 512])), Err(Torn::Size([256, 512])));
        assert_eq!(of_jpeg(&[]), Err(Torn::Short { needed: 1, given: 0 }));
        assert_eq!(of_jpeg(&[0; 4096]), Err(Torn::Corrupt));
    }

    #[test]
    fn given_a_jpeg_without_its_tables_expect_the_same_picture() {
        let mut bytes = jpeg(JPEG_SIZE);
        let whole = of_jpeg(&bytes);
        while let Some(at) = bytes.windows(2).position(|marker| marker == [0xff, 0xc4]) {
            let length = usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
            bytes.drain(at..at + 2 + length);
        }
        assert!(whole.is_ok() && of_jpeg(&bytes) == whole);
    }

    #[test]
    fn given_jpegs_torn_anywhere_expect_them_torn() {
        let whole = jpeg(JPEG_SIZE);
        let passed = |bytes: &dyn Fn(usize) -> Vec<u8>, places: std::ops::Range<usize>| {
            let places: Vec<_> = places.step_by(61).collect();
            let passed = places.iter().filter(|&&at| of_jpeg(&bytes(at)).is_ok()).count();
            (passed, places.len())
        };
        // Cut off, as by a buffer too small; and a hole in the middle, as by a lost packet.
        let (passed_short, _) = passed(&|at| whole[..at].to_vec(), 0..whole.len() - 1);
        let last_bytes = (1..200).filter(|&lost| of_jpeg(&whole[..whole.len() - lost]).is_ok()).count();
        assert_eq!((passed_short, last_bytes), (0, 0));
        let (passed_holes, places) = passed(&|at| [&whole[..at], &whole[at + 512..]].concat(), 700..whole.len() - 514);
        assert!(passed_holes * 100 <= places, "{passed_holes} of {places}");
    }

    proptest! {
        #[test]
        fn given_any_bytes_expect_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4096), at in 0usize..9999) {
            for format in super::super::mode::FORMATS {
                let _any = decoded(layout(format, [32, 16], 96, YuvRange::Limited), &bytes);
            }
            let mut spoilt = jpeg(JPEG_SIZE);
            let at = at % spoilt.len();
            let end = (at + bytes.len() % 64).min(spoilt.len());
            spoilt[at..end].copy_from_slice(&bytes[..end - at]);
            let _any = of_jpeg(&spoilt);
        }
    }
}
