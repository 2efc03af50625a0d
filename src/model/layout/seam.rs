//! What a layout gives and takes: the only surface that flows know.

use std::ops::Range;

use crate::model::batch::Batch;
use crate::model::diagnostic::{Diagnostics, Problem};

/// Takes what a decoder finds, in the order of the file.
pub trait Sink {
    /// A full batch of good messages; the sink gives an empty one back. `Err(Stop)` ends the decoding.
    fn batch(&mut self, batch: Batch) -> Result<Batch, Stop>;
    /// A message that could not be read; its problems carry its number.
    fn refused(&mut self, message: Refused) -> Result<(), Stop>;
}

/// The sink wants no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop;

/// A message that is not in any batch, because its bytes do not make one.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Counted together with the good ones.
    pub number: u64,
    pub line: u32,
    /// Its business key as far as it could be read, for people.
    pub key: String,
    pub bytes: Vec<Range<u64>>,
    pub problems: Vec<Problem>,
}

/// How the decoding ended.
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    /// Good and refused messages.
    pub messages: u64,
    /// Problems of the file as a whole (envelope, control totals, truncation, layout mismatch): with one of them
    /// nothing of the file may be applied.
    pub fatal: Diagnostics,
    /// The sink said stop, so the rest was not read.
    pub stopped: bool,
}

/// Is the end there? Judged from the last bytes alone, before the file is claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    Complete,
    /// For a person: what is missing.
    Incomplete(String),
}
