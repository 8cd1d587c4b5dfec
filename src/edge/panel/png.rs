//! A picture file in place of a display.
//!
//! Always holds: the file is replaced whole (written beside it and renamed), so that whoever reads it never sees half a picture.

use super::PanelError;
use crate::{config::PngFile, frame::Picture};
use image::{ExtendedColorType, ImageFormat};
use std::{fs, path::PathBuf};

/// A PNG file.
pub(super) struct Png {
    path: PathBuf,
    beside: PathBuf,
    size: (usize, usize),
}

impl Png {
    /// A file that is first written by the first picture.
    pub(super) fn new(file: &PngFile) -> Self {
        let mut beside = file.path.clone().into_os_string();
        beside.push(".new");
        Self { path: file.path.clone(), beside: beside.into(), size: (file.size[0] as usize, file.size[1] as usize) }
    }

    pub(super) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Replaces the file. *Errors*: [`PanelError::Png`].
    pub(super) fn show(&mut self, picture: &Picture) -> Result<(), PanelError> {
        let (width, height) = (picture.width() as u32, picture.height() as u32);
        let (rgb, colour) = (picture.as_rgb(), ExtendedColorType::Rgb8);
        image::save_buffer_with_format(&self.beside, rgb, width, height, colour, ImageFormat::Png)
            .and_then(|()| Ok(fs::rename(&self.beside, &self.path)?))
            .map_err(|source| PanelError::Png { path: self.path.clone(), source })
    }
}
