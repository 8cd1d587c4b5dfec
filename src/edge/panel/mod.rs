//! The attached display's drivers: a picture in, its pixels on a display.
//!
//! A driver a file: `drm` (with `modes`, the choice of display and mode), `fbdev`, `spi`, `window` and `png`. They share `rotation`
//! (a picture turned), `rows` (what changed, and pixels as displays take them), `backlight` and `fault` (why not).
//!
//! Always holds: drivers are given a picture of exactly their own size; a picture equal to the one shown costs nothing; after a fault the next
//! picture is drawn whole, whatever the display shows by then. Deliberately absent: what is drawn (that is `crate::panel`), threads, retries.
//! The last picture stays where the hardware keeps it: an fbdev or SPI display shows it after the program's end, a DRM display goes dark.

mod backlight;
mod drm;
mod fault;
mod fbdev;
mod modes;
mod png;
mod rotation;
mod rows;
mod spi;
#[cfg(feature = "window")]
mod window;

pub use fault::PanelError;

use crate::{
    config::{Panel, Rotation},
    frame::Picture,
};

/// An open display. It is opened and used on one thread: a slow one makes that thread wait, and no other.
pub struct Display {
    driver: Driver,
    rotation: Rotation,
    /// What the display shows, turned; nothing where that is not known.
    shown: Option<Picture>,
}

enum Driver {
    Drm(drm::Drm),
    Fbdev(fbdev::Fbdev),
    Spi(spi::Spi),
    #[cfg(feature = "window")]
    Window(window::DeskWindow),
    Png(png::Png),
}

impl Display {
    /// Opens the display of a board file. *Errors*: [`PanelError`], each naming the device and what to do.
    pub fn open(panel: &Panel) -> Result<Self, PanelError> {
        let (driver, rotation) = match panel {
            Panel::Drm(screen) => (Driver::Drm(drm::Drm::open(screen)?), screen.rotation),
            Panel::Fbdev(screen) => (Driver::Fbdev(fbdev::Fbdev::open(screen)?), screen.rotation),
            Panel::Spi(screen) => (Driver::Spi(spi::Spi::open(screen)?), screen.rotation),
            #[cfg(feature = "window")]
            Panel::Window(pictured) => (Driver::Window(window::DeskWindow::open(pictured)?), Rotation::None),
            #[cfg(not(feature = "window"))]
            Panel::Window(_) => return Err(PanelError::NoWindow),
            Panel::Png(file) => (Driver::Png(png::Png::new(file)), Rotation::None),
        };
        if let Panel::Drm(screen) | Panel::Fbdev(screen) = panel
            && let Some(light) = &screen.backlight
        {
            backlight::set(light)?;
        }
        Ok(Self { driver, rotation, shown: None })
    }

    /// Width and height of the picture to draw, before it is turned for a display that is mounted turned.
    pub fn size(&self) -> (usize, usize) {
        let (width, height) = self.driver_size();
        match self.rotation {
            Rotation::None | Rotation::Half => (width, height),
            Rotation::Quarter | Rotation::ThreeQuarters => (height, width),
        }
    }

    /// Shows `picture`; returns once it is on the display.
    ///
    /// Takes as long as the display needs: one refresh on DRM (at most `FLIP_WAIT_MAX` there), the changed rows' bytes over
    /// the clock on SPI. *Errors*: [`PanelError`]; what the display shows then is not known.
    pub fn show(&mut self, picture: &Picture) -> Result<(), PanelError> {
        let (wanted, given) = (self.size(), (picture.width(), picture.height()));
        if given != wanted {
            return Err(PanelError::Size { wanted, given });
        }
        let turned = rotation::turned(picture, self.rotation);
        let changed = rows::changed(self.shown.as_ref(), &turned);
        if changed.is_empty() {
            return Ok(());
        }
        self.shown = None;
        match &mut self.driver {
            Driver::Drm(driver) => driver.show(&turned)?,
            Driver::Fbdev(driver) => driver.show(&turned, &changed)?,
            Driver::Spi(driver) => driver.show(&turned, &changed)?,
            #[cfg(feature = "window")]
            Driver::Window(driver) => driver.show(&turned),
            Driver::Png(driver) => driver.show(&turned)?,
        }
        self.shown = Some(turned.into_owned());
        Ok(())
    }

    /// Whether the display is still there to be looked at: a window says no once the person has closed it, all others always yes.
    ///
    /// A window also answers its desktop here, so this is to be asked several times a second.
    pub fn is_open(&mut self) -> bool {
        match &mut self.driver {
            #[cfg(feature = "window")]
            Driver::Window(driver) => driver.is_open(),
            _ => true,
        }
    }

    /// Width and height of the display as it is built.
    fn driver_size(&self) -> (usize, usize) {
        match &self.driver {
            Driver::Drm(driver) => driver.size(),
            Driver::Fbdev(driver) => driver.size(),
            Driver::Spi(driver) => driver.size(),
            #[cfg(feature = "window")]
            Driver::Window(driver) => driver.size(),
            Driver::Png(driver) => driver.size(),
        }
    }
}

#[cfg(test)]
mod tests;
