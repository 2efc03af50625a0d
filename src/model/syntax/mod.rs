//! Bytes to records: what a file is cut into before a layout gives the pieces a meaning.

pub mod encoding;
pub mod xml;
