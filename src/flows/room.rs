//! The disks of the spool and of the database against the floor: which of them is low, and the words for it. What low
//! means for the work is the daemon's; what is enough is said by `model::rules::room`.

use std::io;
use std::path::Path;

use super::moments::size;
use crate::edges::disk::{self, Disk};
use crate::model::rules::room::{self, Floor, Room};

/// One disk as it stands.
#[derive(Debug, Clone, Copy)]
pub struct Looked {
    /// `spool` or `database`.
    pub about: &'static str,
    pub disk: Disk,
    pub room: Room,
    /// Bytes that are to stay free on it.
    pub floor: u64,
}

/// The spool's disk, and the database's where that is another one.
pub fn look(spool: &Path, store: &Path, floor: Floor, was: Room) -> io::Result<Vec<Looked>> {
    let mut found = vec![one("spool", spool, floor, was)?];
    let database = one("database", folder_of(store), floor, was)?;
    if database.disk.device != found[0].disk.device {
        found.push(database);
    }
    Ok(found)
}

fn one(about: &'static str, path: &Path, floor: Floor, was: Room) -> io::Result<Looked> {
    let disk = disk::look(path)?;
    Ok(Looked { about, disk, room: room::judge(disk.free, floor, was), floor: floor.bytes_of(disk.free) })
}

/// Where the database's own files stand.
pub fn folder_of(store: &Path) -> &Path {
    store.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Looked {
    /// Nothing where there is enough.
    pub fn words(&self) -> Option<String> {
        let Looked { about, disk, floor, .. } = self;
        let stops = match self.room {
            Room::Enough => return None,
            Room::Low => "nothing is taken in",
            Room::VeryLow => "nothing is taken in and no file composed",
        };
        let left = if disk.free.bytes < floor / 4 * 5 {
            format!("{}, and {} are to stay free (disk_floor)", size(disk.free.bytes), size(*floor))
        } else {
            format!("{} of {} names (inodes), fewer than disk_floor keeps", disk.free.names, disk.free.total_names)
        };
        Some(format!(
            "the disk of the {about} has only {left}: {stops}. Make room on it; what waits goes on by itself once there is a quarter more \
             than that"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rules::room::Free;

    #[test]
    fn the_words_name_the_disk_the_figures_and_what_stops() {
        let of = |room, bytes, names| Looked {
            about: "spool",
            disk: Disk {
                free: Free { bytes, total_bytes: 10_000_000, names, total_names: 1_000 },
                read_only: false,
                device: 1,
            },
            room,
            floor: 1_000_000,
        };
        assert_eq!(of(Room::Enough, 9_000_000, 900).words(), None);
        let low = of(Room::Low, 900_000, 900).words().unwrap();
        assert!(
            low.contains("spool has only 900.0 kB") && low.contains("1.0 MB") && low.contains("nothing is taken in.")
        );
        let names = of(Room::VeryLow, 9_000_000, 3).words().unwrap();
        assert!(names.contains("3 of 1000 names") && names.contains("no file composed"), "{names}");
    }
}
