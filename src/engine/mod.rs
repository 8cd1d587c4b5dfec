//! Int8 networks run as integers: a plan of layers and the kernels that run it, as one operator in tract's network.
//!
//! [`import`] finds the quantised trunk of an ONNX file, [`net`] says what it computes, [`plan`] how one kernel of [`kernel`]
//! runs it, [`op`] puts it in place of the trunk; [`sound`] asks of a network what must hold whoever runs it. Always holds: every
//! kernel gives the same bytes as the plain one; a graph that is not understood whole is left to tract. Deliberately absent: what
//! follows the mean of the last tensor's channels, which stays float and tract's.

pub mod import;
pub mod kernel;
pub mod net;
mod numbers;
mod onnx;
pub mod op;
mod pack;
mod places;
pub mod plan;
mod pool;
pub mod sound;
mod spread;
mod table;
#[cfg(test)]
mod tests;
