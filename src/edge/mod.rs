//! The edges: all that touches files and the world. Edges never import each other; `app` wires them.

pub mod capture;
pub mod controls;
pub mod journal;
pub mod output;
pub mod panel;
pub mod pictures;
pub mod profiles;
pub mod service;
