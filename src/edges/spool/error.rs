//! What went wrong with a file of the spool: what was to be done, with which file, and the system's own word.
//! Says what kind of fault it is by the system's error number only; decides nothing.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}")]
pub struct SpoolError {
    doing: String,
    #[source]
    source: io::Error,
}

pub type Result<T> = std::result::Result<T, SpoolError>;

impl SpoolError {
    pub(super) fn new(doing: impl fmt::Display, source: impl Into<io::Error>) -> Self {
        SpoolError { doing: doing.to_string(), source: source.into() }
    }

    /// A file of ours could not be written while it was made.
    pub fn of_writing(source: io::Error) -> Self {
        SpoolError::new("write a file in the making", source)
    }

    /// `NotFound`: it is gone; `AlreadyExists`: a collision; `CrossesDevices`: not one file system; …
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// A folder cannot be worked in: the system does not let this user, or it is none.
    pub fn is_denied(&self) -> bool {
        self.source.kind() == io::ErrorKind::PermissionDenied || self.is_no_folder()
    }

    /// Something else stands where a folder should be.
    pub fn is_no_folder(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::NotADirectory)
    }

    /// It may be over in a moment: neither rights nor what the file is.
    pub fn may_pass(&self) -> bool {
        use io::ErrorKind as K;
        let kind = self.source.kind();
        // `Other`: it is too large.
        !matches!(kind, K::PermissionDenied | K::InvalidInput | K::Other | K::IsADirectory) && !self.is_link()
    }

    fn is_link(&self) -> bool {
        self.source.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
    }

    /// The spool itself takes nothing at the moment (full, over quota, read-only, failing): all wait, none is at fault.
    pub fn is_outage(&self) -> bool {
        self.outage_words().is_some()
    }

    /// What is the matter with it then.
    pub fn outage_words(&self) -> Option<&'static str> {
        use io::ErrorKind as K;
        match self.source.kind() {
            K::StorageFull => Some("the disk of the spool is full"),
            K::QuotaExceeded => Some("the quota on the disk of the spool is used up"),
            K::ReadOnlyFilesystem => Some("the disk of the spool can only be read"),
            _ if self.source.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
                Some("the disk of the spool fails")
            }
            _ => None,
        }
    }
}

/// A path for people: control characters and bytes that are no UTF-8 are escaped.
pub(super) fn shown(path: &Path) -> impl fmt::Display {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() { text.extend(c.escape_default()) } else { text.push(c) }
        }
        text.extend(chunk.invalid().iter().map(|b| format!("\\x{b:02x}")));
    }
    text
}

/// The same for a name alone.
pub fn shown_name(name: &[u8]) -> impl fmt::Display {
    shown(Path::new(OsStr::from_bytes(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_from_a_fault_of_one_file() {
        let is_outage = |errno| SpoolError::new("x", io::Error::from_raw_os_error(errno)).is_outage();
        // EIO, ENOSPC, EROFS, EDQUOT; ENOENT, EACCES, EEXIST, EXDEV.
        assert_eq!([5, 28, 30, 122].map(is_outage), [true; 4]);
        assert_eq!([2, 13, 17, 18].map(is_outage), [false; 4]);
    }

    #[test]
    fn what_may_pass_is_told_from_what_does_not() {
        let may_pass = |errno| SpoolError::new("x", io::Error::from_raw_os_error(errno)).may_pass();
        // EIO, ESTALE, EMFILE; EACCES, EISDIR, ELOOP.
        assert_eq!([5, 116, 24].map(may_pass), [true; 3]);
        assert_eq!([13, 21, 40].map(may_pass), [false; 3]);
        assert!(!SpoolError::new("x", io::Error::other("too large")).may_pass());
    }

    #[test]
    fn paths_are_shown_without_control_characters() {
        let path = Path::new(OsStr::from_bytes(b"in/a\n\xff\xc3\xbc"));
        assert_eq!(shown(path).to_string(), "in/a\\n\\xff\u{fc}");
    }
}
