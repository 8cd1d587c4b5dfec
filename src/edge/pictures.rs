//! Picture files: PNG and JPEG in, PNG and animated GIF out.
//!
//! Always holds: whatever the file's depth and channels, an opened picture is 8-bit RGB; what is transparent is black, as on a
//! screen. A file that would take an absurd amount of memory is refused before it is decoded.

use crate::frame::{Frame, Picture};
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageError, ImageReader, Limits, codecs::gif,
    codecs::jpeg::JpegEncoder,
};
use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Cursor, Write},
    path::{Path, PathBuf},
    time::Duration,
};

/// The largest width and height opened. No cart's screen comes near it.
pub const SIDE_MAX: u32 = 8192;
/// The most memory that decoding one picture may take, in bytes.
const DECODE_BYTES_MAX: u64 = 512 << 20;

/// Why a picture file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The file cannot be opened.
    #[error("{}: cannot be opened ({source}); check the path and its permissions", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no PNG or JPEG.
    #[error("{}: is not a PNG or JPEG picture; export the screen as one of them", path.display())]
    NotAPicture {
        /// The file.
        path: PathBuf,
    },
    /// The picture is larger than [`SIDE_MAX`].
    #[error("{}: is {width} x {height} pixels, more than {SIDE_MAX} x {SIDE_MAX}; give the cart's screen as it is", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// The file starts as a picture and then breaks off or makes no sense.
    #[error("{}: is a broken or cut-off picture ({source}); export it again", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ImageError,
    },
    /// The file cannot be written.
    #[error("{}: cannot be written ({source}); check the folder and the free space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ImageError,
    },
}

/// Opens a PNG or JPEG file. *Errors*: [`PictureError`], each naming the file.
pub fn open(path: &Path) -> Result<Picture, PictureError> {
    let broken = |source| PictureError::Broken { path: path.into(), source };
    let unopened = |source| PictureError::Open { path: path.into(), source };
    let file = File::open(path).map_err(unopened)?;
    if file.metadata().map_err(unopened)?.is_dir() {
        return Err(PictureError::NotAPicture { path: path.into() });
    }
    let mut reader = ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(unopened)?;
    let Some(image::ImageFormat::Png | image::ImageFormat::Jpeg) = reader.format() else {
        return Err(PictureError::NotAPicture { path: path.into() });
    };
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODE_BYTES_MAX);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if width > SIDE_MAX || height > SIDE_MAX {
        return Err(PictureError::TooLarge { path: path.into(), width, height });
    }
    let decoded = DynamicImage::from_decoder(decoder).map_err(broken)?;
    let rgb = flatten(decoded);
    Ok(Picture::from_rgb(rgb, width as usize, height as usize).expect("a decoded picture has its pixels"))
}

/// 8-bit RGB over black.
fn flatten(decoded: DynamicImage) -> Vec<u8> {
    if !decoded.color().has_alpha() {
        return decoded.into_rgb8().into_raw();
    }
    let over_black = |channel: u8, alpha: u8| ((u16::from(channel) * u16::from(alpha) + 127) / 255) as u8;
    let rgba = decoded.into_rgba8();
    rgba.pixels().flat_map(|p| [0, 1, 2].map(|c| over_black(p[c], p[3]))).collect()
}

/// Writes a PNG file; half of one does not stay. *Errors*: [`PictureError::Write`].
pub fn save(picture: &Picture, path: &Path) -> Result<(), PictureError> {
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    let mut png = Cursor::new(Vec::new());
    image::write_buffer_with_format(
        &mut png,
        picture.as_rgb(),
        width,
        height,
        ExtendedColorType::Rgb8,
        image::ImageFormat::Png,
    )
    .and_then(|()| Ok(write_file(path, png.get_ref())?))
    .map_err(|source| PictureError::Write { path: path.into(), source })
}

/// Writes a file and removes what it wrote if that is not all.
fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes).inspect_err(|_| {
        // A pipe or a device is not the program's to remove.
        if path.is_file() {
            let _removed = fs::remove_file(path);
        }
    })
}

/// The picture as a grabber's JPEG of `quality` (1 to 100) gives it back. Colour keeps its full resolution.
pub fn through_jpeg(picture: &Picture, quality: u8) -> Picture {
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode(picture.as_rgb(), width, height, ExtendedColorType::Rgb8)
        .expect("memory takes every picture that a screen's size allows");
    let decoded = image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg).expect("a whole JPEG");
    Picture::from_rgb(decoded.into_rgb8().into_raw(), picture.width(), picture.height()).expect("the size stays")
}

/// Writes an animated GIF that repeats for ever, each picture shown for its time.
///
/// *Errors*: [`PictureError::Write`].
pub fn save_animation<'a>(
    pictures: impl Iterator<Item = (Frame<'a>, Duration)>,
    path: &Path,
) -> Result<(), PictureError> {
    let written = |source| PictureError::Write { path: path.into(), source };
    let mut file = BufWriter::new(File::create(path).map_err(|e| written(e.into()))?);
    {
        let mut encoder = gif::GifEncoder::new_with_speed(&mut file, 10);
        encoder.set_repeat(gif::Repeat::Infinite).map_err(written)?;
        for (frame, shown) in pictures {
            let (width, height) = (frame.width() as u32, frame.height() as u32);
            let image = image::RgbaImage::from_fn(width, height, |x, y| {
                let [r, g, b] = frame.rgb(x as usize, y as usize);
                image::Rgba([r, g, b, 255])
            });
            let delay = image::Delay::from_saturating_duration(shown);
            encoder.encode_frame(image::Frame::from_parts(image, 0, 0, delay)).map_err(written)?;
        }
    }
    file.flush().map_err(|e| written(e.into()))
}
