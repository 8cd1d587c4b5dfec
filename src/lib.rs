//! sonogfr reads a kidney's measurement off an ultrasound cart's video output and estimates eGFR and CKD status from it.
//!
//! The flow of one picture: [`frame`] -> [`freeze`] -> [`overlay`] -> [`crop`] -> `ensemble` -> [`estimate`] -> [`reading`]
//! -> journal -> [`panel`]. ARCHITECTURE.md draws it and lists what must always hold.
//!
//! Without the feature `std` only the pure rooms are compiled: they know no clock, no thread, no file and no operating system.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

extern crate alloc;

// The pure rooms.
pub mod crop;
pub mod estimate;
pub mod evaluate;
pub mod frame;
pub mod freeze;
pub mod likeness;
pub mod machine;
pub mod overlay;
pub mod panel;
pub mod phantom;
pub mod reading;
pub mod refusal;
pub mod trees;
pub mod units;
mod wide;

// Pure compute that needs std.
#[cfg(feature = "std")]
pub mod bundle;
#[cfg(feature = "std")]
pub mod config;
#[cfg(feature = "std")]
pub mod engine;
#[cfg(feature = "std")]
pub mod ensemble;
#[cfg(feature = "std")]
pub mod packed;
#[cfg(feature = "std")]
pub mod recognise;
#[cfg(feature = "std")]
mod whole;

// The edges and what wires them.
#[cfg(feature = "std")]
pub mod app;
#[cfg(feature = "std")]
pub mod edge;
