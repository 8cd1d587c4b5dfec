//! The board file: which board this is, what is wired to it, where its files lie. TOML in, a checked struct out, once.
//!
//! Always holds: a [`Board`] makes sense as a whole (no pin twice, no impossible size); whatever a file says that is not
//! understood is an error that names the file, the line and the key. Deliberately absent: whether a device is there; that is for the
//! edge that opens it. No default here is clinical.

use crate::bundle::signature::Key;
use serde::Deserialize;
use std::{
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

mod check;

#[cfg(test)]
mod tests;

/// Why a board file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The file cannot be read.
    #[error("board file {}: cannot be read ({source}); give one of board/*.toml", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no TOML, or a key is unknown, missing or of the wrong kind.
    #[error("board file {}, line {line}: {message}; see board/README.md for the keys", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// One pin has two uses.
    #[error("board file {}: GPIO {pin} is both {first} and {second}; give each its own pin", path.display())]
    PinTwice {
        /// The file.
        path: PathBuf,
        /// The pin's BCM number.
        pin: u8,
        /// The key that has it first.
        first: &'static str,
        /// The key that has it too.
        second: &'static str,
    },
    /// A value is out of its range.
    #[error("board file {}: {key} = {value}, outside {} to {}", path.display(), range.start(), range.end())]
    Range {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// Its value.
        value: u32,
        /// What it may be.
        range: RangeInclusive<u32>,
    },
}

/// A board and all that is wired to it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// What it is called, for people.
    pub name: String,
    /// Where its files lie.
    pub files: Files,
    /// Which bundles it takes.
    #[serde(default)]
    pub bundle: Bundles,
    /// Where the cart's video comes from.
    pub capture: Capture,
    /// The attached display.
    pub panel: Panel,
    /// Buttons, lamp and buzzer; the device works without.
    #[serde(default)]
    pub controls: Controls,
}

/// Where the device's files lie.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The journal of readings.
    pub journal: PathBuf,
    /// The bundle; the demonstration bundle that ships with the program where none is given.
    pub bundle: Option<PathBuf>,
    /// What is remembered of carts; nothing where none is given.
    pub profiles: Option<PathBuf>,
}

/// Which bundles the device takes beside a demonstration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundles {
    /// The key that must have signed them, as it stands in `minisign.pub`; none is taken where none is given.
    pub key: Option<Key>,
}

/// Where the cart's video comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "source", rename_all = "lowercase", deny_unknown_fields)]
pub enum Capture {
    /// A V4L2 capture device.
    Camera(Camera),
    /// A picture file, or a folder of them in the order of their names, each a frame.
    Pictures {
        /// The file or folder.
        path: PathBuf,
        /// Frames a second, at most 30.
        frames_per_s: u32,
        /// Whether it begins again at its end; else the signal is lost there.
        #[serde(default)]
        repeat: bool,
    },
    /// Exams of phantoms, one after another.
    Phantom {
        /// Which population of phantoms.
        seed: u64,
        /// Frames a second, at most 30.
        frames_per_s: u32,
    },
}

/// A V4L2 capture device, and what to ask of it. What is not asked is chosen from what the device offers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// The device, `/dev/video0` or better a name below `/dev/v4l/by-id`.
    pub device: PathBuf,
    /// The pixel format.
    pub format: Option<PixelFormat>,
    /// Width and height in pixels.
    pub size: Option<[u32; 2]>,
    /// Frames a second.
    pub frames_per_s: Option<u32>,
}

/// How the grabber lays out pixels, by the kernel's fourcc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PixelFormat {
    /// 8-bit red, green, blue.
    Rgb3,
    /// 4:2:2, packed, luma first.
    Yuyv,
    /// 4:2:2, packed, chroma first.
    Uyvy,
    /// 4:2:0, a plane of luma and one of chroma.
    Nv12,
    /// A JPEG a frame.
    Mjpg,
}

/// The attached display, and how it is driven.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "driver", rename_all = "lowercase")]
pub enum Panel {
    /// A display of the kernel's mode setting: HDMI, DSI, a virtual one.
    Drm(Screen),
    /// A plain framebuffer device.
    Fbdev(Screen),
    /// A controller on the SPI bus.
    Spi(SpiScreen),
    /// A window on a desk; only in a program built with the feature `window`.
    Window(Pictured),
    /// A PNG file, replaced at each change.
    Png(PngFile),
}

/// A display with a device file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Screen {
    /// `/dev/dri/card0` or `/dev/fb0`.
    pub device: PathBuf,
    /// Width and height of the mode wanted, before rotation; the display's own where none is given.
    pub size: Option<[u32; 2]>,
    /// How far the picture is turned clockwise.
    #[serde(default)]
    pub rotation: Rotation,
    /// A folder below `/sys/class/backlight` and how bright it is to be, in percent.
    pub backlight: Option<Backlight>,
}

/// A display's backlight.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backlight {
    /// The folder, such as `/sys/class/backlight/10-0045`.
    pub device: PathBuf,
    /// *Units*: percent of the most it can.
    pub brightness_percent: u32,
}

/// A display on the SPI bus.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpiScreen {
    /// Its controller.
    pub model: SpiModel,
    /// The bus, 0 to 6.
    pub bus: u8,
    /// The chip select line on it.
    pub chip_select: u8,
    /// *Units*: Hz.
    pub clock_hz: u32,
    /// The pin that tells data from commands, by its BCM number, as all pins here.
    pub data_command_pin: u8,
    /// The reset pin, where it is wired.
    pub reset_pin: Option<u8>,
    /// The pin of the backlight, where it is wired.
    pub backlight_pin: Option<u8>,
    /// *Units*: percent, by pulse width on the backlight's pin.
    #[serde(default = "full")]
    pub brightness_percent: u32,
    /// How far the picture is turned clockwise.
    #[serde(default)]
    pub rotation: Rotation,
    /// Whether red and blue are swapped on this module.
    #[serde(default)]
    pub bgr: bool,
    /// Whether colours are inverted on this module.
    #[serde(default)]
    pub inverted: bool,
}

/// Controllers of SPI displays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpiModel {
    /// 240 x 320.
    Ili9341,
    /// 320 x 480.
    Ili9486,
    /// 240 x 320.
    St7789,
}

/// A window.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pictured {
    /// Width and height.
    pub size: [u32; 2],
}

/// A picture file in place of a display.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PngFile {
    /// The file.
    pub path: PathBuf,
    /// Width and height.
    pub size: [u32; 2],
}

/// How far the picture on the panel is turned clockwise, for a display that is mounted turned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub enum Rotation {
    /// Not at all.
    #[default]
    None,
    /// A quarter.
    Quarter,
    /// A half.
    Half,
    /// Three quarters.
    ThreeQuarters,
}

/// Buttons, foot switch, lamp and buzzer. Everything may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controls {
    /// What is wired to the board's header.
    pub gpio: Option<Gpio>,
    /// A keyboard or foot switch.
    pub keys: Option<Keys>,
}

/// Pins by their BCM numbers. Buttons connect to ground, lamp and buzzer are on when high.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpio {
    /// The button that accepts a reading.
    pub accept: Option<u8>,
    /// The button that rejects it.
    pub reject: Option<u8>,
    /// The button for the next patient.
    pub next_patient: Option<u8>,
    /// The button that prints.
    pub print: Option<u8>,
    /// A lamp that is lit while a result is shown.
    pub lamp: Option<u8>,
    /// A buzzer that sounds shortly when a result or a refusal appears.
    pub buzzer: Option<u8>,
    /// How long a button must stay as it is to count. *Units*: ms.
    #[serde(default = "debounce")]
    pub debounce_ms: u32,
}

/// Keys of an input device, by the kernel's names (`KEY_ENTER`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The device below `/dev/input`.
    pub device: PathBuf,
    /// The key that accepts a reading.
    pub accept: Option<String>,
    /// The key that rejects it.
    pub reject: Option<String>,
    /// The key for the next patient.
    pub next_patient: Option<String>,
    /// The key that prints.
    pub print: Option<String>,
}

/// A contact of a push button bounces for some milliseconds; a press lasts a hundred.
const DEBOUNCE_MS: u32 = 20;

fn full() -> u32 {
    100
}

fn debounce() -> u32 {
    DEBOUNCE_MS
}

impl TryFrom<u32> for Rotation {
    type Error = &'static str;

    fn try_from(degrees: u32) -> Result<Self, Self::Error> {
        match degrees {
            0 => Ok(Self::None),
            90 => Ok(Self::Quarter),
            180 => Ok(Self::Half),
            270 => Ok(Self::ThreeQuarters),
            _ => Err("rotation is 0, 90, 180 or 270"),
        }
    }
}

impl Board {
    /// Reads and checks a board file. *Errors*: [`BoardError`], each naming the file.
    pub fn open(path: &Path) -> Result<Self, BoardError> {
        let text = fs::read_to_string(path).map_err(|source| BoardError::Read { path: path.into(), source })?;
        Self::parse(&text, path)
    }

    /// Checks the text of a board file; `path` is for its errors. *Errors*: [`BoardError`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, BoardError> {
        let board: Self = toml::from_str(text).map_err(|error| BoardError::Key {
            path: path.into(),
            line: error.span().map_or(0, |span| text[..span.start].matches('\n').count()) + 1,
            message: error.message().replace('\n', "; "),
        })?;
        board.check(path)?;
        Ok(board)
    }
}
