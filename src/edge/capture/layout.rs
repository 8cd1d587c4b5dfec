//! How the frames of a stream lie in memory, and how their colours are coded.
//!
//! Always holds: a [`Layout`] says where each row of a frame is, and a frame that has [`Layout::bytes`] has them all. Colours that
//! the device leaves to the default are those of video4linux2's own rules.

use super::mode::Mode;
use crate::{config::PixelFormat, frame::RGB_BYTES};
use yuv::{YuvRange, YuvStandardMatrix};

/// What a device made of the mode asked for, in the kernel's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The pixel format.
    pub fourcc: [u8; 4],
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bytes from one row to the next; nothing for a JPEG.
    pub stride: u32,
    /// How the lines of an interlaced picture lie.
    pub field: u32,
    /// The colour space.
    pub colorspace: u32,
    /// How colours are coded as Y'CbCr.
    pub encoding: u32,
    /// The range of values.
    pub quantization: u32,
}

/// Why frames so negotiated cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The device took another format or size than was asked for.
    Otherwise {
        /// The size that it took.
        size: [u32; 2],
        /// The format that it took.
        fourcc: [u8; 4],
    },
    /// It gives single fields: every other line of an interlaced picture.
    Fields,
    /// A row does not fit its stride, or the size is none that a picture may have.
    Absurd,
}

/// How the frames of a stream lie in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// The pixel format.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// How colours are coded as Y'CbCr.
    pub matrix: YuvStandardMatrix,
    /// The range of values, of RGB too.
    pub range: YuvRange,
}

/// The largest width and height of a frame. No cart's screen comes near it.
const SIDE_MAX: u32 = 8192;
/// Pictures this low are of the old television and coded so; higher ones are of the new.
const OLD_HEIGHT_MAX: u32 = 576;

/// *Source*: enums `v4l2_field`, `v4l2_colorspace`, `v4l2_ycbcr_encoding` and `v4l2_quantization` of linux/videodev2.h.
mod code {
    pub const FIELD_ANY: u32 = 0;
    pub const FIELD_NONE: u32 = 1;
    pub const FIELD_INTERLACED: u32 = 4;
    pub const FIELD_INTERLACED_TOP: u32 = 8;
    pub const FIELD_INTERLACED_BOTTOM: u32 = 9;
    pub const SPACE_DEFAULT: u32 = 0;
    pub const SPACE_SMPTE170M: u32 = 1;
    pub const SPACE_SMPTE240M: u32 = 2;
    pub const SPACE_REC709: u32 = 3;
    pub const SPACE_JPEG: u32 = 7;
    pub const SPACE_BT2020: u32 = 10;
    pub const SPACE_DCI_P3: u32 = 12;
    pub const ENCODING_DEFAULT: u32 = 0;
    pub const ENCODING_601: u32 = 1;
    pub const ENCODING_709: u32 = 2;
    pub const ENCODING_XV709: u32 = 4;
    pub const ENCODING_BT2020: u32 = 6;
    pub const ENCODING_BT2020_CONSTANT: u32 = 7;
    pub const ENCODING_SMPTE240M: u32 = 8;
    pub const RANGE_DEFAULT: u32 = 0;
    pub const RANGE_FULL: u32 = 1;
}

impl Layout {
    /// How the frames of a stream lie, asked for as `mode`. *Errors*: [`Unreadable`].
    pub fn new(mode: &Mode, told: &Negotiated) -> Result<Self, Unreadable> {
        let size = [told.width, told.height];
        if told.fourcc != mode.format.fourcc() || size != mode.size {
            return Err(Unreadable::Otherwise { size, fourcc: told.fourcc });
        }
        let whole = [
            code::FIELD_ANY,
            code::FIELD_NONE,
            code::FIELD_INTERLACED,
            code::FIELD_INTERLACED_TOP,
            code::FIELD_INTERLACED_BOTTOM,
        ];
        if !whole.contains(&told.field) {
            return Err(Unreadable::Fields);
        }
        let (format, [width, height]) = (mode.format, size.map(|side| side as usize));
        let row = match format {
            PixelFormat::Rgb3 => width * RGB_BYTES,
            PixelFormat::Yuyv | PixelFormat::Uyvy => width.next_multiple_of(2) * 2,
            PixelFormat::Nv12 => width.next_multiple_of(2),
            PixelFormat::Mjpg => 0,
        };
        let stride = told.stride as usize;
        if size.iter().any(|side| !(1..=SIDE_MAX).contains(side)) || stride < row {
            return Err(Unreadable::Absurd);
        }
        let (matrix, range) = colours(format, told);
        Ok(Self { format, width, height, stride, matrix, range })
    }

    /// Bytes of a whole frame; of a JPEG the least. *Source*: of NV12, the kernel's page on it: the plane of chroma has the stride of the plane of luma.
    pub fn bytes(&self) -> usize {
        match self.format {
            PixelFormat::Nv12 => self.stride * (self.height + self.height.div_ceil(2)),
            PixelFormat::Mjpg => 1,
            PixelFormat::Rgb3 | PixelFormat::Yuyv | PixelFormat::Uyvy => self.stride * self.height,
        }
    }
}

/// The matrix and range of a format's colours. *Source*: the macros `V4L2_MAP_COLORSPACE_DEFAULT`, `V4L2_MAP_YCBCR_ENC_DEFAULT`
/// and `V4L2_MAP_QUANTIZATION_DEFAULT` of linux/videodev2.h.
fn colours(format: PixelFormat, told: &Negotiated) -> (YuvStandardMatrix, YuvRange) {
    let space = match told.colorspace {
        code::SPACE_DEFAULT if told.height <= OLD_HEIGHT_MAX => code::SPACE_SMPTE170M,
        code::SPACE_DEFAULT => code::SPACE_REC709,
        space => space,
    };
    let encoding = match (told.encoding, space) {
        (code::ENCODING_DEFAULT, code::SPACE_REC709 | code::SPACE_DCI_P3) => code::ENCODING_709,
        (code::ENCODING_DEFAULT, code::SPACE_BT2020) => code::ENCODING_BT2020,
        (code::ENCODING_DEFAULT, code::SPACE_SMPTE240M) => code::ENCODING_SMPTE240M,
        (code::ENCODING_DEFAULT, _) => code::ENCODING_601,
        (encoding, _) => encoding,
    };
    let matrix = match encoding {
        code::ENCODING_709 | code::ENCODING_XV709 => YuvStandardMatrix::Bt709,
        code::ENCODING_BT2020 | code::ENCODING_BT2020_CONSTANT => YuvStandardMatrix::Bt2020,
        code::ENCODING_SMPTE240M => YuvStandardMatrix::Smpte240,
        _ => YuvStandardMatrix::Bt601,
    };
    let range = match told.quantization {
        code::RANGE_FULL => YuvRange::Full,
        code::RANGE_DEFAULT if format == PixelFormat::Rgb3 || space == code::SPACE_JPEG => YuvRange::Full,
        _ => YuvRange::Limited,
    };
    (matrix, range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(fourcc: &[u8; 4], size: [u32; 2], colours: [u32; 3]) -> Negotiated {
        let [width, height] = size;
        let [colorspace, encoding, quantization] = colours;
        let stride = width * 3;
        Negotiated { fourcc: *fourcc, width, height, stride, field: 1, colorspace, encoding, quantization }
    }

    fn mode(format: PixelFormat, size: [u32; 2]) -> Mode {
        Mode { format, size, interval: None }
    }

    #[test]
    fn given_colours_of_the_device_expect_video4linux_rules() {
        use YuvRange::{Full, Limited};
        use YuvStandardMatrix::{Bt601, Bt709};
        let (hd, sd) = ([1920, 1080], [720, 576]);
        let cases = [
            // Nothing said: by the size.
            ([0, 0, 0], hd, (Bt709, Limited)),
            ([0, 0, 0], sd, (Bt601, Limited)),
            // sRGB, as webcams say: BT.601 whatever the size.
            ([8, 0, 0], hd, (Bt601, Limited)),
            ([3, 0, 0], sd, (Bt709, Limited)),
            ([7, 0, 0], hd, (Bt601, Full)),
            // Said outright.
            ([3, 1, 1], hd, (Bt601, Full)),
            ([1, 2, 2], sd, (Bt709, Limited)),
        ];
        for (colours, size, expected) in cases {
            let layout = Layout::new(&mode(PixelFormat::Yuyv, size), &told(b"YUYV", size, colours)).unwrap();
            assert_eq!((layout.matrix, layout.range), expected, "{colours:?} {size:?}");
        }
        let rgb = Layout::new(&mode(PixelFormat::Rgb3, hd), &told(b"RGB3", hd, [8, 0, 0])).unwrap();
        assert_eq!(rgb.range, Full);
    }

    #[test]
    fn given_something_other_than_asked_expect_it_unreadable() {
        let size = [640, 480];
        let asked = mode(PixelFormat::Yuyv, size);
        let good = told(b"YUYV", size, [0; 3]);
        let cases = [
            (Negotiated { fourcc: *b"H264", ..good }, Unreadable::Otherwise { size, fourcc: *b"H264" }),
            (Negotiated { width: 320, ..good }, Unreadable::Otherwise { size: [320, 480], fourcc: *b"YUYV" }),
            (Negotiated { field: 7, ..good }, Unreadable::Fields),
            (Negotiated { stride: 1279, ..good }, Unreadable::Absurd),
        ];
        for (told, expected) in cases {
            assert_eq!(Layout::new(&asked, &told), Err(expected));
        }
        let huge = [100_000, 480];
        assert_eq!(Layout::new(&mode(PixelFormat::Mjpg, huge), &told(b"MJPG", huge, [0; 3])), Err(Unreadable::Absurd));
    }
}
