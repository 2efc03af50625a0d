//! The two clocks and chance. The loop asks once a turn and hands `Now` on; flows and rules take it as a parameter, so that
//! tests make time themselves. Owns the one written form of an instant. Decides nothing.

use std::io;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::model::ids::Id;

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

/// `2026-11-07T06:00:00.123Z`: sorts as text.
pub fn iso(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads what `iso` wrote; nothing where it is no instant.
pub fn read_iso(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc))
}

/// A new id of this moment. The system having no randomness to give is an error of the machine.
pub fn new_id(wall: DateTime<Utc>) -> io::Result<Id> {
    let random = getrandom::u32().map_err(io::Error::other)?;
    Ok(Id::new(wall.timestamp_millis(), random))
}

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
        assert_ne!(new_id(a.wall).unwrap(), new_id(a.wall).unwrap());
    }
}
