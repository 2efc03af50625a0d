//! Nattpost, the night mail: see ARCHITECTURE.md for the map.

pub mod cli;
pub mod config;
pub mod daemon;
pub mod edges;
pub mod flows;
pub mod model;
