//! The attached display's drivers.
use crate::{config, frame::Picture};
/// x
#[derive(Debug)]
pub struct Display;
/// x
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct PanelError;
impl Display {
    /// x
    pub fn open(_: &config::Panel) -> Result<Self, PanelError> {
        Ok(Self)
    }
    /// x
    pub fn size(&self) -> (usize, usize) {
        (800, 480)
    }
    /// x
    pub fn show(&mut self, _: &Picture) -> Result<(), PanelError> {
        Ok(())
    }
}
