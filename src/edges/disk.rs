//! How much room a file system has, and whether it takes anything at all: what `status` tells of a spool that waits.

use std::io;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub free_bytes: u64,
    pub total_bytes: u64,
    /// No further file can be made, however many bytes are free.
    pub is_out_of_names: bool,
    pub read_only: bool,
}

/// Of the file system that a path lies on.
pub fn room(path: &Path) -> io::Result<Room> {
    let stat = statvfs(path)?;
    Ok(Room {
        free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
        // File systems that count no names say that there are none at all.
        is_out_of_names: stat.f_files > 0 && stat.f_favail == 0,
        read_only: stat.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_room_and_one_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let room = room(folder.path()).unwrap();
        assert!(!room.read_only && !room.is_out_of_names && room.total_bytes > room.free_bytes.min(1));
        assert!(super::room(&folder.path().join("nothing")).is_err());
    }
}
