//! How much room a file system has, and whether it can be written at all. What is enough is said by `model::rules::room`.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

use crate::model::rules::room::Free;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    pub free: Free,
    pub read_only: bool,
    /// Two paths on one file system have the same.
    pub device: u64,
}

/// The file system that a path lies on.
pub fn look(path: &Path) -> io::Result<Disk> {
    let stat = statvfs(path)?;
    Ok(Disk {
        free: Free {
            bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            names: stat.f_favail,
            total_names: stat.f_files,
        },
        read_only: stat.f_flag.contains(StatVfsMountFlags::RDONLY),
        device: std::fs::metadata(path)?.dev(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_room_and_one_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let disk = look(folder.path()).unwrap();
        assert!(!disk.read_only && disk.free.total_bytes > disk.free.bytes.min(1));
        assert_eq!(disk.device, look(&std::env::temp_dir()).unwrap().device);
        assert!(look(&folder.path().join("nothing")).is_err());
    }
}
