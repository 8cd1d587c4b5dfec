//! Why a display cannot be used: one line each, with the device and what to do.

use std::{io, path::PathBuf};

/// Why a display cannot be opened or drawn on.
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    /// There is no such device file.
    #[error("panel {}: is not there; check panel.device in the board file, the cable and the display's overlay", device.display())]
    NotThere {
        /// The device.
        device: PathBuf,
    },
    /// The user may not use the device.
    #[error("panel {}: no permission; add the program's user to the group {group}", device.display())]
    NoPermission {
        /// The device.
        device: PathBuf,
        /// The group that may.
        group: &'static str,
    },
    /// The device cannot be opened for another reason.
    #[error("panel {}: cannot be opened ({source}); check panel.device in the board file", device.display())]
    Open {
        /// The device.
        device: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another program is master of the DRM device.
    #[error("panel {}: another program draws on it; stop the desktop (systemctl isolate multi-user.target)", device.display())]
    Busy {
        /// The device.
        device: PathBuf,
    },
    /// The device has no displays: a renderer, or something else altogether.
    #[error("panel {}: drives no display ({source}); try the other /dev/dri/card*, or the driver fbdev", device.display())]
    NoDisplays {
        /// The device.
        device: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No connector has a display with a mode.
    #[error("panel {}: no display is connected ({connectors}); plug it in and switch it on first", device.display())]
    NotConnected {
        /// The device.
        device: PathBuf,
        /// Every connector with its status.
        connectors: String,
    },
    /// No connected display has the size asked for.
    #[error("panel {}: no connected display offers panel.size {} x {} ({offered}); take one of these or leave it out", device.display(), wanted[0], wanted[1])]
    NoMode {
        /// The device.
        device: PathBuf,
        /// Width and height asked for.
        wanted: [u32; 2],
        /// What the connected displays offer.
        offered: String,
    },
    /// The display's connector cannot be fed.
    #[error("panel {}: nothing can feed {connector}; plug the display into another connector", device.display())]
    NoFeed {
        /// The device.
        device: PathBuf,
        /// The connector.
        connector: String,
    },
    /// What the kernel says of a framebuffer's layout cannot be read or makes no sense.
    #[error("panel {}: its layout in {} cannot be used ({source}); check panel.device in the board file", device.display(), file.display())]
    Layout {
        /// The device.
        device: PathBuf,
        /// The file below /sys.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A framebuffer has pixels of a depth that is not drawn.
    #[error("panel {}: has {bits} bits a pixel; set it to 16 or 32", device.display())]
    Depth {
        /// The device.
        device: PathBuf,
        /// Its depth.
        bits: u32,
    },
    /// A framebuffer is smaller than asked for.
    #[error("panel {}: is {} x {}, smaller than panel.size {} x {}; correct the board file", device.display(), there[0], there[1], wanted[0], wanted[1])]
    TooSmall {
        /// The device.
        device: PathBuf,
        /// Width and height asked for.
        wanted: [u32; 2],
        /// What there is.
        there: [u32; 2],
    },
    /// A picture could not be brought onto the display.
    #[error("panel {}: cannot be drawn on ({source}); check the display and its cable", device.display())]
    Draw {
        /// The device.
        device: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The display did not take a picture in time.
    #[error("panel {}: took no picture within {waited_ms} ms; check the display and its cable", device.display())]
    Stalled {
        /// The device.
        device: PathBuf,
        /// How long was waited.
        waited_ms: u128,
    },
    /// A pin of an SPI display cannot be used.
    #[error("panel.{key} = {pin}: cannot be used ({source}); this needs a Raspberry Pi and the group gpio")]
    Pin {
        /// The key in the board file, below `panel`.
        key: &'static str,
        /// The pin's BCM number.
        pin: u8,
        /// Why.
        source: rppal::gpio::Error,
    },
    /// The SPI bus does not take what is sent.
    #[error("panel {}: the SPI bus failed ({source}); check the wiring and panel.clock_hz", device.display())]
    Bus {
        /// The device.
        device: PathBuf,
        /// Why.
        source: rppal::spi::Error,
    },
    /// The backlight cannot be set.
    #[error("panel.backlight {}: cannot be set ({source}); check the folder, and that the group video may write there", path.display())]
    Backlight {
        /// The file below /sys.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The picture file cannot be written.
    #[error("panel {}: cannot be written ({source}); check the folder and the free space", path.display())]
    Png {
        /// The file.
        path: PathBuf,
        /// Why.
        source: image::ImageError,
    },
    /// The program was built without a window.
    #[error("panel.driver = \"window\": this program has none; build it with --features window (needs libsdl2-dev)")]
    NoWindow,
    /// There is no desktop to open a window on.
    #[error(
        "panel.driver = \"window\": there is no desktop; start it there, or set DISPLAY, WAYLAND_DISPLAY or SDL_VIDEODRIVER"
    )]
    NoDesktop,
    /// A picture has another size than the display.
    #[error("a picture of {} x {} for a panel of {} x {}; draw it in the panel's size", given.0, given.1, wanted.0, wanted.1)]
    Size {
        /// Width and height of the panel, turned.
        wanted: (usize, usize),
        /// Those of the picture.
        given: (usize, usize),
    },
}

impl PanelError {
    /// Why `device`, which `group` may use, could not be opened.
    pub(super) fn opening(device: PathBuf, group: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotThere { device },
            io::ErrorKind::PermissionDenied => Self::NoPermission { device, group },
            _ => Self::Open { device, source },
        }
    }
}
