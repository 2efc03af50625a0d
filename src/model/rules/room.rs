//! How much room on a disk is enough: above the floor everything goes on, below it nothing new is taken in, below half of
//! it nothing is composed either, so that what was begun can always be finished. Pure: figures in, a state out.

/// Twice its size: its rows and the database's log.
pub const TIMES_OF_A_DROP: u64 = 2;
/// The bytes of a document stand there already, and become no rows.
pub const TIMES_OF_A_CONTENT: u64 = 0;
/// What is fetched has to stand in the spool as well.
pub const TIMES_OF_A_FETCH: u64 = 3;

/// What is to stay free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Floor {
    /// Of the disk, in hundredths of a percent. Holds for names (inodes) as well.
    pub per_10_000: Option<u32>,
    /// With a share: at most so much.
    pub bytes: Option<u64>,
}

/// What a file system says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Free {
    pub bytes: u64,
    pub total_bytes: u64,
    pub names: u64,
    /// 0 where the file system does not count names.
    pub total_names: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    #[default]
    Enough,
    /// Nothing is taken in.
    Low,
    /// Nothing is composed either.
    VeryLow,
}

impl Floor {
    /// Of this disk.
    pub fn bytes_of(&self, free: Free) -> u64 {
        let share = self.per_10_000.map(|share| share_of(free.total_bytes, share));
        share.into_iter().chain(self.bytes).min().unwrap_or(0)
    }

    fn names_of(&self, free: Free) -> u64 {
        self.per_10_000.map_or(0, |share| share_of(free.total_names, share))
    }
}

fn share_of(whole: u64, per_10_000: u32) -> u64 {
    // A small disk has fewer than ten thousand names, a large one more bytes than the product has room for.
    u64::try_from(u128::from(whole) * u128::from(per_10_000) / 10_000).unwrap_or(u64::MAX)
}

/// `was`: at the last look. Once low it stays so until there is a quarter more than the floor: else every file that is
/// removed would let one in.
pub fn judge(free: Free, floor: Floor, was: Room) -> Room {
    let bytes = one(free.bytes, floor.bytes_of(free), was);
    let names = if free.total_names == 0 { Room::Enough } else { one(free.names, floor.names_of(free), was) };
    bytes.max(names)
}

fn one(free: u64, floor: u64, was: Room) -> Room {
    let above = floor / 4 * 5;
    if free < floor / 2 {
        Room::VeryLow
    } else if free < floor || (was > Room::Enough && free < above) {
        Room::Low
    } else {
        Room::Enough
    }
}

/// Can something be taken in that needs so many bytes, and the floor stay?
pub fn fits(needed: u64, free: Free, floor: Floor) -> bool {
    let floor = floor.bytes_of(free);
    floor == 0 || free.bytes.saturating_sub(floor) >= needed
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;
    const FLOOR: Floor = Floor { per_10_000: Some(500), bytes: Some(GB) };

    fn free(bytes: u64, total_bytes: u64) -> Free {
        Free { bytes, total_bytes, names: 0, total_names: 0 }
    }

    #[test]
    fn a_floor_is_a_share_and_at_most_so_much() {
        assert_eq!(FLOOR.bytes_of(free(0, 10 * GB)), GB / 2);
        assert_eq!(FLOOR.bytes_of(free(0, 4_000 * GB)), GB);
        assert_eq!(Floor { bytes: Some(7), ..Floor::default() }.bytes_of(free(0, 4_000 * GB)), 7);
        assert_eq!(Floor::default().bytes_of(free(0, GB)), 0);
        assert_eq!(FLOOR.bytes_of(free(0, u64::MAX)), GB);
    }

    #[test]
    fn low_begins_below_the_floor_and_ends_a_quarter_above() {
        use Room::{Enough, Low, VeryLow};
        // Of 10 GB the floor is 500 MB.
        let rows = [
            (500, Enough, Enough),
            (499, Enough, Low),
            (250, Enough, Low),
            (249, Enough, VeryLow),
            (0, Low, VeryLow),
            (300, VeryLow, Low),
            (500, Low, Low),
            (624, Low, Low),
            (625, Low, Enough),
            (624, Enough, Enough),
            (9_000, VeryLow, Enough),
        ];
        for (megabytes, was, expected) in rows {
            assert_eq!(
                judge(free(megabytes * 1_000_000, 10 * GB), FLOOR, was),
                expected,
                "{megabytes} MB, was {was:?}"
            );
        }
    }

    #[test]
    fn names_run_out_by_the_same_share() {
        let of = |names, total_names| Free { names, total_names, ..free(9 * GB, 10 * GB) };
        assert_eq!(judge(of(5_000, 100_000), FLOOR, Room::Enough), Room::Enough);
        assert_eq!(judge(of(4_999, 100_000), FLOOR, Room::Enough), Room::Low);
        assert_eq!(judge(of(0, 100_000), FLOOR, Room::Enough), Room::VeryLow);
        // Fewer than ten thousand in all.
        assert_eq!(judge(of(20, 400), FLOOR, Room::Enough), Room::Enough);
        assert_eq!(judge(of(19, 400), FLOOR, Room::Enough), Room::Low);
        assert_eq!(judge(of(9, 400), FLOOR, Room::Enough), Room::VeryLow);
        // A file system that does not count them.
        assert_eq!(judge(of(0, 0), FLOOR, Room::Enough), Room::Enough);
        let off = Floor::default();
        assert_eq!(judge(Free { bytes: 0, ..of(0, 100_000) }, off, Room::Enough), Room::Enough);
    }

    #[test]
    fn what_does_not_fit_above_the_floor_waits() {
        let disk = free(2 * GB, 10 * GB);
        assert!(fits(3 * GB / 2, disk, FLOOR) && !fits(3 * GB / 2 + 1, disk, FLOOR));
        assert!(fits(u64::MAX, disk, Floor::default()));
        assert!(!fits(1, free(GB / 2, 10 * GB), FLOOR));
    }
}
