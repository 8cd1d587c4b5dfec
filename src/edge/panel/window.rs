//! A window on a desk in place of the display, by embedded-graphics-simulator.

use super::PanelError;
use crate::{config::Pictured, frame::Picture};
use embedded_graphics::{pixelcolor::Rgb888, prelude::*};
use embedded_graphics_simulator::{OutputSettings, SimulatorDisplay, SimulatorEvent, Window};
use std::env;

/// What tells the window's library where to open it. Without any of them it panics.
const DESKTOPS: [&str; 3] = ["DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"];

/// An open window.
pub(super) struct DeskWindow {
    window: Window,
    canvas: SimulatorDisplay<Rgb888>,
    is_open: bool,
}

impl DeskWindow {
    /// Opens a black window. *Errors*: [`PanelError::NoDesktop`].
    pub(super) fn open(pictured: &Pictured) -> Result<Self, PanelError> {
        if DESKTOPS.iter().all(|name| env::var_os(name).is_none()) {
            return Err(PanelError::NoDesktop);
        }
        let canvas = SimulatorDisplay::new(Size::new(pictured.size[0], pictured.size[1]));
        let mut window = Window::new("sonogfr", &OutputSettings::default());
        window.update(&canvas);
        Ok(Self { window, canvas, is_open: true })
    }

    pub(super) fn size(&self) -> (usize, usize) {
        let size = self.canvas.size();
        (size.width as usize, size.height as usize)
    }

    pub(super) fn show(&mut self, picture: &Picture) {
        let rgb = picture.as_rgb().chunks_exact(3).map(|pixel| Rgb888::new(pixel[0], pixel[1], pixel[2]));
        let Ok(()) = self.canvas.fill_contiguous(&self.canvas.bounding_box(), rgb);
        self.window.update(&self.canvas);
    }

    /// Whether the person has not closed it; also answers the desktop.
    pub(super) fn is_open(&mut self) -> bool {
        self.is_open &= !self.window.events().any(|event| event == SimulatorEvent::Quit);
        self.is_open
    }
}
