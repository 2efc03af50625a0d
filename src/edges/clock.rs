//! The two clocks and chance. The loop asks once a turn and hands `Now` on; flows and rules take it as a parameter, so that
//! tests make time themselves. Decides nothing.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::model::ids::Id;
pub use crate::model::instant::{iso, read_iso};

/// One moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// What goes into the ledger; jumps when somebody sets the clock.
    pub wall: DateTime<Utc>,
    /// Since the process began; only goes forward. What pauses are measured by.
    pub mono: Duration,
}

/// The clocks of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
}

impl Clock {
    pub fn start() -> Clock {
        Clock { began: Instant::now() }
    }

    pub fn now(&self) -> Now {
        Now { wall: Utc::now(), mono: self.began.elapsed() }
    }
}

/// The last id of this process: its moment, and its chance. One for all threads, since two of them must not make one twice.
static LAST_ID: Mutex<(i64, u32)> = Mutex::new((0, 0));

/// A new id of this moment. A thousand files of one round share a moment, and chance alone would give two of them the same id
/// every hundredth time: the first of a moment is chance, the others count on from it. The system having no randomness to
/// give is an error of the machine.
pub fn new_id(wall: DateTime<Utc>) -> io::Result<Id> {
    let now = wall.timestamp_millis();
    let chance = getrandom::u32().map_err(io::Error::other)? % Id::CHANCES;
    let mut last = LAST_ID.lock().unwrap_or_else(PoisonError::into_inner);
    *last = match *last {
        // Counted beyond the end of its moment, it borrows from the next; so it may be ahead of the clock by a little.
        (moment, used) if now <= moment && moment - now < BORROWED_MS && used + 1 < Id::CHANCES => (moment, used + 1),
        (moment, _) if now <= moment && moment - now < BORROWED_MS => (moment + 1, 0),
        _ => (now, chance),
    };
    Ok(Id::new(last.0, last.1))
}

/// One of so many, from 0; without randomness the middle: whoever asks spreads pauses, and one pause is as good as another.
pub fn chance(of: u32) -> u32 {
    getrandom::u32().map_or(of / 2, |number| number % of.max(1))
}

/// A clock that was set back further begins anew.
const BORROWED_MS: i64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_utc_with_milliseconds() {
        let instant = DateTime::from_timestamp_millis(1_794_031_200_007).unwrap();
        assert_eq!(iso(instant), "2026-11-07T06:00:00.007Z");
        let whole = DateTime::from_timestamp(1_794_031_200, 999_999_999).unwrap();
        assert_eq!(iso(whole), "2026-11-07T06:00:00.999Z");
        assert_eq!(read_iso(&iso(instant)), Some(instant));
        assert_eq!(read_iso("2026-11-07"), None);
    }

    #[test]
    fn ids_of_one_moment_differ_and_time_goes_forward() {
        let clock = Clock::start();
        let (a, b) = (clock.now(), clock.now());
        assert!(b.mono >= a.mono);
        let ids: std::collections::BTreeSet<_> = (0..200_000).map(|_| new_id(a.wall).unwrap()).collect();
        assert_eq!(ids.len(), 200_000, "of one moment");
    }
}
