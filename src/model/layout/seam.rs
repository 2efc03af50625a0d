//! What a layout gives and takes: the only surface that flows know.

use std::io::{self, Read, Seek, Write};
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;

use crate::model::batch::{Batch, Message};
use crate::model::diagnostic::{Diagnostics, Problem};
use crate::model::kind::Kind;
use crate::model::pdf::Paper;
use crate::model::rules::contents::Content;
use crate::model::rules::delta::Op;

/// Takes what a decoder finds, in the order of the file.
pub trait Sink {
    /// An empty batch to begin with.
    fn empty(&mut self, kind: &Arc<Kind>) -> Batch {
        Batch::new(kind.clone())
    }
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

/// A file that can be read twice: rows of one message may stand anywhere in it.
pub trait Input: Read + Seek {}
impl<T: Read + Seek + ?Sized> Input for T {}

/// A temporary file, for what does not fit into memory.
pub trait Spill: Read + Write + Seek {}
impl<T: Read + Write + Seek + ?Sized> Spill for T {}

/// What a decoder needs to know besides the bytes.
pub struct DecodeContext<'c> {
    /// The sender's name of the file, for expressions and problems.
    pub file_name: &'c str,
    /// Zone of wall times in the file.
    pub zone: Tz,
    /// Makes an empty temporary file that vanishes when dropped.
    pub spill: &'c dyn Fn() -> io::Result<Box<dyn Spill>>,
}

/// What an encoder needs to know besides the messages.
#[derive(Debug, Clone, Copy)]
pub struct EncodeContext {
    /// Zone of wall times in the file.
    pub zone: Tz,
}

/// The moment of a file as expressions see it: `now` and `now_unix`.
pub(super) fn moment(now: DateTime<Utc>) -> (String, String) {
    (now.to_rfc3339_opts(SecondsFormat::Secs, true), now.timestamp().to_string())
}

/// Writes messages in a layout. The same messages give the same bytes.
pub trait Encoder {
    /// The moment of the file, where its layout says it.
    fn at(&mut self, _now: DateTime<Utc>) {}

    fn write(&mut self, batch: &Batch) -> Result<(), EncodeError> {
        batch.messages().try_for_each(|message| self.write_message(message))
    }

    fn write_message(&mut self, message: Message<'_>) -> Result<(), EncodeError> {
        self.write_change(message, Op::Same)
    }

    /// What has become of the message since its reader was last told, where the layout says it. One that is deleted says no
    /// more than its key.
    fn write_change(&mut self, message: Message<'_>, op: Op) -> Result<(), EncodeError>;

    /// Characters of values that the encoding lacks and that the layout had something else written for, so far.
    fn unmapped(&self) -> u64 {
        0
    }

    /// Writes trailers and totals. A file whose encoder was dropped before is not complete.
    fn finish(self: Box<Self>) -> Result<(), EncodeError>;
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A value that the partner's notation cannot hold: which message, which field, and why.
    #[error("{message}, \"{field}\": {text}")]
    Value { message: String, field: String, text: String },
    /// The layout lacks what writing needs.
    #[error("layout {layout} does not write: {text}")]
    NotWritable { layout: String, text: String },
}

/// A copy with overwritten personal fields was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Redacted {
    /// Rows in which the fields could not be found; they were overwritten whole.
    pub unread: u64,
}

/// Why no such copy could be made.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The layout does not find its fields in this file; why, for a person.
    #[error("{0}")]
    NotRead(String),
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
    /// The PDF that goes on with the order it came with.
    pub paper: Option<Paper>,
    /// The bytes of a document, which no layout reads.
    pub content: Option<Content>,
}

/// Is the end there? Judged from the last bytes alone, before the file is claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    Complete,
    /// For a person: what is missing.
    Incomplete(String),
}
