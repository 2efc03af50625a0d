//! Moments and spans in words, in the zone of the company: the same on every page, table and sentence. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// As short as it can be without doubt: `06:14` is today.
pub fn short(instant: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (there, here) = (instant.with_timezone(&zone), now.with_timezone(&zone));
    let clock = there.format("%H:%M");
    match (there.date_naive() - here.date_naive()).num_days() {
        0 => clock.to_string(),
        -1 => format!("yesterday {clock}"),
        1 => format!("tomorrow {clock}"),
        _ => format!("{} {clock}", there.format("%Y-%m-%d")),
    }
}

/// In a sentence: with seconds, since there people compare.
pub fn told(instant: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (there, here) = (instant.with_timezone(&zone), now.with_timezone(&zone));
    let clock = there.format("%H:%M:%S");
    match (there.date_naive() - here.date_naive()).num_days() {
        0 => format!("today at {clock}"),
        -1 => format!("yesterday at {clock}"),
        1 => format!("tomorrow at {clock}"),
        _ => format!("on {} at {clock}", there.format("%Y-%m-%d")),
    }
}

/// How long, in the two largest units that matter.
pub fn span(span: TimeDelta) -> String {
    let minutes = span.num_minutes().max(0);
    match minutes {
        0 => format!("{} s", span.num_seconds().max(0)),
        1..60 => format!("{minutes} min"),
        60..2_880 if minutes % 60 == 0 => format!("{} h", minutes / 60),
        60..2_880 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

/// Bytes for people.
pub fn size(bytes: u64) -> String {
    let tenths = |unit: u64, name: &str| format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => tenths(1_000, "kB"),
        1_000_000..1_000_000_000 => tenths(1_000_000, "MB"),
        _ => tenths(1_000_000_000, "GB"),
    }
}

/// `1 file`, `2 files`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `3 characters that its encoding lacks were written otherwise`.
pub fn unmapped(number: u64) -> String {
    let were = if number == 1 { "was" } else { "were" };
    let lacks = count(number, "character that its encoding lacks", "characters that its encoding lacks");
    format!("{lacks} {were} written otherwise (replace_unmappable)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_short_and_local() {
        let now = at("2026-11-07T05:30:00Z");
        let zone = chrono_tz::Europe::Berlin;
        let rows = [
            ("2026-11-07T05:14:09Z", "06:14", "today at 06:14:09"),
            ("2026-11-06T23:10:00Z", "00:10", "today at 00:10:00"),
            ("2026-11-06T21:10:00Z", "yesterday 22:10", "yesterday at 22:10:00"),
            ("2026-11-08T01:00:00Z", "tomorrow 02:00", "tomorrow at 02:00:00"),
            ("2026-07-01T10:00:00Z", "2026-07-01 12:00", "on 2026-07-01 at 12:00:00"),
        ];
        for (instant, expected_short, expected_told) in rows {
            assert_eq!(short(at(instant), now, zone), expected_short);
            assert_eq!(told(at(instant), now, zone), expected_told);
        }
    }

    #[test]
    fn ages_and_sizes_are_rounded_for_people() {
        let rows = [(12, "12 s"), (65, "1 min"), (3_600, "1 h"), (8_000, "2 h 13 min"), (400_000, "4 days")];
        for (seconds, text) in rows {
            assert_eq!(span(TimeDelta::seconds(seconds)), text);
        }
        assert_eq!((size(999), size(1_250), size(2_000_000_000)), ("999 B".into(), "1.2 kB".into(), "2.0 GB".into()));
    }
}
