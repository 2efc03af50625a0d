//! A large draft goes to the disk while more of it comes: the sync at its end, which everything that is committed waits for,
//! then finds little left. It promises nothing by itself; that sync does, and it meets what went wrong here.

use std::fs::File;
use std::os::fd::AsRawFd;

/// Begun each time so much has been written; a smaller file is synced with others at once.
const PIECE_BYTES: u64 = 8 * 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Writeback {
    begun_at: u64,
}

impl Writeback {
    /// After each write. `written`: bytes so far.
    pub fn goes_on(&mut self, file: &File, written: u64) {
        if written - self.begun_at < PIECE_BYTES {
            return;
        }
        let (offset, length) = (self.begun_at.cast_signed(), (written - self.begun_at).cast_signed());
        self.begun_at = written;
        // SAFETY: a system call on a descriptor that `file` keeps open; it takes numbers and no memory. Where a file system does
        // not know it, it is only slower.
        let _ = unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE) };
    }
}
