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

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    fn driver(code: i32) -> Option<StoreFault> {
        let refused = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        StoreFault::of(&anyhow::Error::from(refused).context("cannot commit"))
    }

    #[test]
    fn what_the_driver_says_is_sorted_by_what_happens_next() {
        use rusqlite::ffi;
        let table = [
            (ffi::SQLITE_FULL, StoreFault::Full, true),
            (ffi::SQLITE_READONLY, StoreFault::ReadOnly, true),
            (ffi::SQLITE_BUSY, StoreFault::Locked, true),
            (ffi::SQLITE_IOERR_WRITE, StoreFault::Disk, true),
            (ffi::SQLITE_CANTOPEN, StoreFault::Disk, true),
            (ffi::SQLITE_CORRUPT, StoreFault::Corrupt, false),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, StoreFault::Other, false),
        ];
        for (code, fault, passes) in table {
            assert_eq!((driver(code), fault.passes()), (Some(fault), passes), "{code}");
        }
    }

    #[test]
    fn what_the_system_says_too_and_nothing_else() {
        let system =
            |code| StoreFault::of(&Err::<(), _>(std::io::Error::from_raw_os_error(code)).context("x").unwrap_err());
        assert_eq!(system(28), Some(StoreFault::Full));
        assert_eq!(system(30), Some(StoreFault::ReadOnly));
        assert_eq!(system(5), Some(StoreFault::Disk));
        assert_eq!(StoreFault::of(&anyhow::anyhow!("a bug")), None);
    }
}
