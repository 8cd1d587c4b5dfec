//! The only place that starts threads and tasks, makes channels and picks edges. One file a command.

pub mod bench;
pub mod bundles;
pub mod carts;
pub mod demo;
pub mod device;
pub mod devices;
pub mod evaluate;
pub mod installed;
pub mod opened;
pub mod phantom;
mod print;
pub mod profiles;
pub mod read;
pub mod reader;
pub mod run;
mod screen;
mod slot;
mod sources;
pub mod team;

use crate::{frame::Picture, machine::State, panel};
use std::path::{Path, PathBuf};

/// Width and height of the panel pictures that the commands write.
const PANEL_SIZE: (usize, usize) = (800, 480);

/// Reports an error and its causes in one line.
pub fn report(error: &anyhow::Error) {
    let causes = error.chain().map(ToString::to_string);
    // Many an error names its cause in its own words, before it says what to do.
    let line = causes.reduce(|line, cause| if line.contains(&cause) { line } else { format!("{line}: {cause}") });
    eprintln!("sonogfr: {}", line.unwrap_or_default());
}

/// The panel of `width` x `height` pixels as it shows `state`.
fn draw_panel(state: &State, (width, height): (usize, usize)) -> Picture {
    let mut picture = Picture::filled(width, height, [0; 3]);
    let Ok(()) = panel::draw(state, &mut picture);
    picture
}

/// A file that ships with the program: below the working folder, or below a folder that the program lies in.
fn shipped(file: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().unwrap_or_default();
    let folders = std::iter::once(Path::new("")).chain(program.ancestors().skip(1));
    folders.map(|folder| folder.join(file)).find(|path| path.is_file())
}
