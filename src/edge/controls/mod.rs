//! Buttons, foot switch, lamp and buzzer.
use crate::{config, machine::Control};
use std::time::Duration;
/// x
#[derive(Debug)]
pub struct Inputs;
/// x
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct ControlsError;
/// x
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// x
    Nothing,
    /// x
    Result,
    /// x
    Refusal,
}
impl Inputs {
    /// x
    pub fn open(_: &config::Controls) -> Result<Self, ControlsError> {
        Ok(Self)
    }
    /// x
    pub fn wait(&mut self, longest: Duration) -> Option<Control> {
        std::thread::sleep(longest);
        None
    }
}
/// x
#[derive(Debug)]
pub struct Lights;
impl Lights {
    /// x
    pub fn open(_: &config::Controls) -> Result<Self, ControlsError> {
        Ok(Self)
    }
    /// x
    pub fn show(&mut self, _: Signal) {}
}
