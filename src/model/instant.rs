//! The one written form of an instant: in UTC, with milliseconds. It sorts as text.

use chrono::{DateTime, SecondsFormat, Utc};

/// `2026-11-07T06:00:00.123Z`.
pub fn iso(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads what `iso` wrote; nothing where it is no instant.
pub fn read_iso(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc))
}
