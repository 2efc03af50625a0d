//! Tells apart what a failed statement means for the daemon: wait, or give up. With a full disk or a read-only database
//! everything waits and goes on by itself; a constraint that breaks is a bug of ours.

use rusqlite::ErrorCode;

/// ENOSPC, EDQUOT and EROFS on Linux.
const NO_SPACE: [i32; 2] = [28, 122];
const READ_ONLY_FILE_SYSTEM: i32 = 30;

/// What stands behind an error of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    #[error("the disk of the database is full")]
    Full,
    #[error("the database can only be read")]
    ReadOnly,
    #[error("another process is writing to the database")]
    Locked,
    #[error("the disk of the database fails")]
    Disk,
    #[error("the database is damaged")]
    Corrupt,
    /// A bug, or something that waiting does not mend.
    #[error("the database refused a statement")]
    Other,
}

impl StoreFault {
    /// Finds the driver's or the operating system's error in the chain; `None` when the error is not the store's.
    pub fn of(error: &anyhow::Error) -> Option<StoreFault> {
        error.chain().find_map(|cause| {
            if let Some(refused) = cause.downcast_ref::<rusqlite::Error>() {
                return Some(from_driver(refused));
            }
            cause.downcast_ref::<std::io::Error>().and_then(from_system)
        })
    }

    /// Does it go away by itself or by an operator's hand, so that everything should wait and try again?
    pub fn passes(self) -> bool {
        matches!(self, StoreFault::Full | StoreFault::ReadOnly | StoreFault::Locked | StoreFault::Disk)
    }
}

fn from_driver(error: &rusqlite::Error) -> StoreFault {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreFault::Full,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreFault::ReadOnly,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreFault::Locked,
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => StoreFault::Disk,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreFault::Corrupt,
        _ => StoreFault::Other,
    }
}

fn from_system(error: &std::io::Error) -> Option<StoreFault> {
    match error.raw_os_error() {
        Some(code) if NO_SPACE.contains(&code) => Some(StoreFault::Full),
        Some(READ_ONLY_FILE_SYSTEM) => Some(StoreFault::ReadOnly),
        Some(_) => Some(StoreFault::Disk),
        None => None,
    }
}
