//! The only place that starts threads and tasks, makes channels and picks edges. One file a command.

pub mod bundles;
pub mod demo;
mod device;
pub mod phantom;
mod print;
pub mod read;
mod slot;
mod team;

/// Width and height of the panel pictures that the commands write.
const PANEL_SIZE: (usize, usize) = (800, 480);

/// Reports an error in one line.
pub fn report(error: &anyhow::Error) {
    eprintln!("sonogfr: {error:#}");
}
