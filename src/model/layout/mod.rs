//! Layouts: how one kind looks in one file format, read from TOML, compiled once to a plan, used in both directions.

pub mod seam;

pub use seam::*;

/// A compiled layout.
#[derive(Debug)]
pub struct Layout {
    pub id: String,
}
