//! How a command ended, in words; `main` alone turns them into exit codes.
//!
//! A failure carries its end and what to tell the person; it is told once, at the boundary.

use std::io;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Well,
    /// The words were wrong.
    Usage,
    /// Messages or a file are refused.
    Refused,
    /// What was asked for is not there.
    NotFound,
    /// Another daemon runs, the store is newer than this program, or the like.
    Unavailable,
    /// A fault of this program.
    Internal,
    /// A file or a stream could not be read or written.
    ReadWrite,
    /// Queued, or to be tried again.
    Later,
    NoPermission,
    /// The configuration is wrong.
    Configuration,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    pub end: End,
    pub error: anyhow::Error,
}

pub type Outcome = Result<End, Failure>;

impl Failure {
    pub fn new(end: End, text: impl Into<String>) -> Self {
        Failure { end, error: anyhow::Error::msg(text.into()) }
    }

    /// The reader of our output has gone: nobody is left to be told.
    pub fn is_broken_pipe(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::BrokenPipe)
    }

    fn io_kind(&self) -> Option<io::ErrorKind> {
        io_kind(&self.error)
    }
}

fn io_kind(error: &anyhow::Error) -> Option<io::ErrorKind> {
    error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let end = match io_kind(&error) {
            Some(io::ErrorKind::NotFound) => End::NotFound,
            Some(io::ErrorKind::PermissionDenied) => End::NoPermission,
            Some(_) => End::ReadWrite,
            None => End::Internal,
        };
        Failure { end, error }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::from(anyhow::Error::new(error))
    }
}
