//! ZIP archives, read strictly and written the same way each time: what stands in the directory at their end, what a
//! member unpacks to, and a writer that needs no seeking.
//!
//! It is our own because a partner's archive is not trusted: the directory is bounded before it is read, members may not
//! lie over each other, what is unpacked may not be more than was announced, and every flaw has its sentence. Only the
//! compression is a library's. Names of members are words for people; nothing here makes a path of them.

mod directory;
pub mod gzip;
mod member;
mod name;
mod write;

use std::io;

use super::syntax::window::RECORD_BYTES;

pub use directory::{Directory, Entry, Limits, directory_at_end};
pub use member::{Member, raw};
pub use write::{ArchiveWriter, measured};

/// A member's name is cut to this when it is read; longer ones are refused.
const NAME_BYTES: usize = RECORD_BYTES >> 8;
/// Plain and DEFLATE: all that partners' programs write.
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// What is wrong with an archive, for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Its end is not there.
    #[error("{0}")]
    Cut(String),
    /// It cannot be right.
    #[error("{0}")]
    Damaged(String),
    /// More than is taken.
    #[error("{0}")]
    Limit(String),
    /// Well made, and still not taken.
    #[error("{0}")]
    NotTaken(String),
}

/// Reading an archive fails by the disk or by the archive; the one is tried again, the other is told.
impl From<Flaw> for io::Error {
    fn from(flaw: Flaw) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, flaw)
    }
}

/// The flaw of the archive that an error stands for.
pub fn flaw_of(error: &io::Error) -> Option<&Flaw> {
    error.get_ref()?.downcast_ref()
}

/// A file that begins like a ZIP archive.
pub fn begins_like_one(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests;
