//! Bytes to records: what a file is cut into before a layout gives the pieces a meaning.

pub mod delimited;
pub mod edifact;
pub mod encoding;
pub mod fixed;
pub mod tagged;
pub mod transliteration;
pub mod wide;
pub mod window;
pub mod workbook;
pub mod xml;
