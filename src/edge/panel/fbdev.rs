//! A plain framebuffer device: rows of pixels written to `/dev/fbN`.
//!
//! Always holds: a write is one run of changed rows, whole with their padding. Deliberately absent: ioctls and mapping, so this file needs
//! no unsafe code. What they would tell stands below `/sys/class/graphics`, but for two things: how much of a larger virtual picture is
//! visible (`panel.size` says so) and whether red and blue are swapped. A console on the same framebuffer has to be kept off it
//! (`fbcon=map:1` on the kernel's command line), as it would write between our rows.

use super::{PanelError, rows};
use crate::{config::Screen, frame::Picture};
use std::{
    fs::{self, File, OpenOptions},
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Where the kernel describes its framebuffers, a folder each.
const GRAPHICS: &str = "/sys/class/graphics";
/// The largest width and height driven, as in the board file.
const SIDE_MAX: u32 = 8192;

/// An open framebuffer.
pub(super) struct Fbdev {
    device: PathBuf,
    file: File,
    size: (usize, usize),
    /// Bytes from one row to the next.
    stride: usize,
    depth: Depth,
}

/// How pixels lie in memory.
#[derive(Clone, Copy)]
enum Depth {
    Rgb565,
    Xrgb8888,
}

impl Depth {
    fn bytes(self) -> usize {
        match self {
            Self::Rgb565 => 2,
            Self::Xrgb8888 => 4,
        }
    }
}

impl Fbdev {
    /// Opens a framebuffer. *Errors*: [`PanelError`].
    pub(super) fn open(screen: &Screen) -> Result<Self, PanelError> {
        Self::open_described(screen, Path::new(GRAPHICS))
    }

    /// Opens a framebuffer that is described below `graphics`.
    fn open_described(screen: &Screen, graphics: &Path) -> Result<Self, PanelError> {
        let device = &screen.device;
        let unopened = |source| PanelError::opening(device.clone(), "video", source);
        // A name such as /dev/fb/hdmi may be a link to the device that the kernel describes.
        let name = fs::canonicalize(device).map_err(unopened)?;
        let file = OpenOptions::new().write(true).open(device).map_err(unopened)?;
        let folder = graphics.join(name.file_name().unwrap_or_default());

        let there: [u32; 2] = {
            let text: String = described(device, &folder, "virtual_size")?;
            let sides = text.split_once(',').map(|(width, height)| [width.parse().ok(), height.parse().ok()]);
            let Some([Some(width @ 1..=SIDE_MAX), Some(height @ 1..=SIDE_MAX)]) = sides else {
                return Err(senseless(device, &folder, "virtual_size"));
            };
            [width, height]
        };
        let depth = match described(device, &folder, "bits_per_pixel")? {
            16 => Depth::Rgb565,
            32 => Depth::Xrgb8888,
            bits => return Err(PanelError::Depth { device: device.clone(), bits }),
        };
        let stride: usize = described(device, &folder, "stride")?;
        if !(there[0] as usize * depth.bytes()..=4 * SIDE_MAX as usize).contains(&stride) {
            return Err(senseless(device, &folder, "stride"));
        }
        let [width, height] = screen.size.unwrap_or(there);
        if width > there[0] || height > there[1] {
            return Err(PanelError::TooSmall { device: device.clone(), wanted: [width, height], there });
        }
        Ok(Self { device: device.clone(), file, size: (width as usize, height as usize), stride, depth })
    }

    pub(super) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Writes the changed rows. *Errors*: [`PanelError::Draw`].
    pub(super) fn show(&mut self, picture: &Picture, changed: &[Range<usize>]) -> Result<(), PanelError> {
        let frame = picture.frame();
        for run in changed {
            let mut bytes = vec![0; run.len() * self.stride];
            for (y, out) in run.clone().zip(bytes.chunks_exact_mut(self.stride)) {
                match self.depth {
                    Depth::Rgb565 => rows::to_rgb565(frame.row(y), out),
                    Depth::Xrgb8888 => rows::to_xrgb8888(frame.row(y), out),
                }
            }
            let written = self.file.write_all_at(&bytes, (run.start * self.stride) as u64);
            written.map_err(|source| PanelError::Draw { device: self.device.clone(), source })?;
        }
        Ok(())
    }
}

/// What the kernel says of `device` in a file of `folder`.
fn described<T: FromStr>(device: &Path, folder: &Path, file: &str) -> Result<T, PanelError> {
    let path = folder.join(file);
    let text = fs::read_to_string(&path);
    let text = text.map_err(|source| PanelError::Layout { device: device.into(), file: path, source })?;
    text.trim().parse().map_err(|_| senseless(device, folder, file))
}

fn senseless(device: &Path, folder: &Path, file: &str) -> PanelError {
    PanelError::Layout { device: device.into(), file: folder.join(file), source: io::ErrorKind::InvalidData.into() }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)] // One run is what is meant.
mod tests {
    use super::*;
    use crate::config::Rotation;

    /// A folder that stands in for /sys and /dev, and the screen on it.
    fn board(virtual_size: &str, bits: &str, stride: &str) -> (tempfile::TempDir, Screen) {
        let folder = tempfile::tempdir().unwrap();
        let described = folder.path().join("graphics/fb0");
        fs::create_dir_all(&described).unwrap();
        for (file, text) in [("virtual_size", virtual_size), ("bits_per_pixel", bits), ("stride", stride)] {
            fs::write(described.join(file), format!("{text}\n")).unwrap();
        }
        let device = folder.path().join("fb0");
        fs::write(&device, []).unwrap();
        (folder, Screen { device, size: None, rotation: Rotation::None, backlight: None })
    }

    fn refusal(virtual_size: &str, bits: &str, stride: &str, size: Option<[u32; 2]>) -> String {
        let (folder, screen) = board(virtual_size, bits, stride);
        let opened = Fbdev::open_described(&Screen { size, ..screen }, &folder.path().join("graphics"));
        opened.err().unwrap().to_string()
    }

    #[test]
    fn given_changed_rows_expect_them_alone_written_with_the_padding() {
        let (folder, screen) = board("2,3", "32", "12");
        fs::write(&screen.device, [0xee; 36]).unwrap();
        let mut driver = Fbdev::open_described(&screen, &folder.path().join("graphics")).unwrap();
        assert_eq!(driver.size(), (2, 3));
        driver.show(&Picture::filled(2, 3, [1, 2, 3]), &[1..2]).unwrap();
        let mut expected = [0xee; 36];
        expected[12..24].copy_from_slice(&[3, 2, 1, 0, 3, 2, 1, 0, 0, 0, 0, 0]);
        assert_eq!(fs::read(&screen.device).unwrap(), expected);
    }

    #[test]
    fn given_sixteen_bits_and_a_larger_virtual_picture_expect_the_size_asked_for() {
        let (folder, screen) = board("4,6", "16", "8");
        let screen = Screen { size: Some([2, 2]), ..screen };
        let mut driver = Fbdev::open_described(&screen, &folder.path().join("graphics")).unwrap();
        assert_eq!(driver.size(), (2, 2));
        driver.show(&Picture::filled(2, 2, [255, 0, 0]), &[0..2]).unwrap();
        let row = [0x00, 0xf8, 0x00, 0xf8, 0, 0, 0, 0];
        assert_eq!(fs::read(&screen.device).unwrap(), [row, row].concat());
    }

    #[test]
    fn given_a_layout_that_cannot_be_drawn_expect_why() {
        assert!(refusal("2,3", "24", "6", None).ends_with("has 24 bits a pixel; set it to 16 or 32"));
        assert!(refusal("0,3", "32", "8", None).contains("graphics/fb0/virtual_size cannot be used"));
        assert!(refusal("2", "32", "8", None).contains("virtual_size cannot be used"));
        assert!(refusal("2,3", "32", "7", None).contains("stride cannot be used"));
        assert!(refusal("2,3", "32", "-8", None).contains("stride cannot be used"));
        assert!(refusal("2,3", "32", "8", Some([4, 3])).contains("is 2 x 3, smaller than panel.size 4 x 3"));
    }

    #[test]
    fn given_no_device_expect_what_to_check() {
        let screen = Screen { device: "/dev/none".into(), size: None, rotation: Rotation::None, backlight: None };
        let fault = Fbdev::open(&screen).err().unwrap().to_string();
        assert!(fault.starts_with("panel /dev/none: is not there; check panel.device"), "{fault}");
    }
}
