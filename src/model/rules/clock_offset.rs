//! How a server's clock goes beside ours: what it says of a file that we have just written there. Nothing that Nattpost does
//! depends on it; people compare times of both sides, and want to know by how much to shift them.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::model::remote::Stamp;

/// Two clocks that are kept by the network, and a server that cuts the fraction off.
const TOLERANCE: TimeDelta = TimeDelta::seconds(2);
/// A listing tells minutes.
const LISTED_TOLERANCE: TimeDelta = TimeDelta::seconds(62);
/// Zones differ by quarters of an hour.
const ZONE_STEP_S: i64 = 900;
/// So far off a zone's step it is the clock.
const ZONE_SLACK_S: i64 = 60;
const EAST_MOST_S: i64 = 14 * 3_600;
const WEST_MOST_S: i64 = -12 * 3_600;

/// What its times mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// It tells none that can be read.
    Unknown,
    Right,
    /// Whole quarters of an hour: most probably a zone.
    Zone(TimeDelta),
    /// Ahead of ours, or behind.
    Off(TimeDelta),
}

/// `written`: our clock before and after the file was written.
pub fn read(stamp: &Stamp, written: (DateTime<Utc>, DateTime<Utc>)) -> Reading {
    let (told, tolerance) = match stamp {
        Stamp::Exact(text) => (exact(text), TOLERANCE),
        Stamp::Listed(text) => (listed(text, written.1), LISTED_TOLERANCE),
        Stamp::OfFolder(text) => (of_folder(text), TOLERANCE),
        Stamp::None => (None, TOLERANCE),
    };
    let Some(told) = told else { return Reading::Unknown };
    let offset = if told < written.0 {
        told - written.0
    } else if told > written.1 {
        told - written.1
    } else {
        TimeDelta::zero()
    };
    if offset.abs() <= tolerance {
        return Reading::Right;
    }
    let seconds = offset.num_seconds();
    let step = (seconds + seconds.signum() * ZONE_STEP_S / 2) / ZONE_STEP_S * ZONE_STEP_S;
    let is_zone = step != 0 && (seconds - step).abs() <= ZONE_SLACK_S && (WEST_MOST_S..=EAST_MOST_S).contains(&step);
    // A folder's times are moments, whatever zone anybody is in.
    match stamp {
        Stamp::Exact(_) | Stamp::Listed(_) if is_zone => Reading::Zone(TimeDelta::seconds(step)),
        _ => Reading::Off(offset),
    }
}

/// For a person; what a zone means depends on who tells the time.
pub fn words(reading: Reading, stamp: &Stamp) -> String {
    match (reading, stamp) {
        (Reading::Unknown, _) => "it tells no time of a file that could be compared with our clock".to_string(),
        (Reading::Right, _) => "its clock goes like ours".to_string(),
        (Reading::Zone(by), Stamp::Listed(_)) => format!("its listings tell the time of zone {}", zone(by)),
        (Reading::Zone(by), _) => format!(
            "its clock is {}: it tells the time of zone {} where UTC belongs, or the clock is wrong. Nattpost does not rely on it; \
             shift times of that server by this when you compare",
            apart(by),
            zone(by)
        ),
        (Reading::Off(by), _) => format!(
            "its clock is {}. Nattpost does not rely on it; its operator should let it be set by the network",
            apart(by)
        ),
    }
}

fn exact(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text.get(..14)?, "%Y%m%d%H%M%S").ok().map(|moment| moment.and_utc())
}

fn of_folder(text: &str) -> Option<DateTime<Utc>> {
    let (nanoseconds, _inode) = text.split_once('.')?;
    nanoseconds.parse().ok().map(DateTime::from_timestamp_nanos)
}

/// As Unix and DOS write it; without a year it is the one that makes it the nearest.
fn listed(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    for form in ["%m-%d-%y %I:%M%p", "%m-%d-%y %H:%M", "%m-%d-%Y %I:%M%p", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"] {
        if let Ok(moment) = NaiveDateTime::parse_from_str(&text, form) {
            return Some(moment.and_utc());
        }
    }
    let this_year: i32 = now.format("%Y").to_string().parse().ok()?;
    let in_year = |year: i32| {
        let forms = ["%b %d %H:%M %Y", "%d %b %H:%M %Y"].into_iter();
        forms.filter_map(|form| NaiveDateTime::parse_from_str(&format!("{text} {year}"), form).ok()).next()
    };
    let moments = [this_year - 1, this_year, this_year + 1].into_iter().filter_map(in_year);
    moments.map(|moment| moment.and_utc()).min_by_key(|moment| (*moment - now).abs())
}

/// `2 h ahead of ours`
fn apart(by: TimeDelta) -> String {
    let side = if by < TimeDelta::zero() { "behind ours" } else { "ahead of ours" };
    let seconds = by.num_seconds().abs();
    let (days, hours, minutes, rest) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")];
    let told: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .take(2)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    format!("{} {side}", told.join(" "))
}

/// `UTC+02:00`
fn zone(by: TimeDelta) -> String {
    let minutes = by.num_minutes();
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("UTC{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    #[test]
    fn a_clock_is_right_in_another_zone_or_off() {
        let written = (at("2026-12-31T23:30:00Z"), at("2026-12-31T23:30:03Z"));
        let exact = |text: &str| Stamp::Exact(text.into());
        let listed = |text: &str| Stamp::Listed(text.into());
        let folder = |moment: &str| Stamp::OfFolder(format!("{}.77", at(moment).timestamp_nanos_opt().unwrap()));
        let (minutes, seconds) = (TimeDelta::minutes, TimeDelta::seconds);
        for (stamp, expected) in [
            (exact("20261231233001"), Reading::Right),
            (exact("20261231232958.7"), Reading::Right),
            (exact("20261231233005"), Reading::Right),
            (exact("20270101013001"), Reading::Zone(minutes(120))),
            (exact("20261231173040"), Reading::Zone(minutes(-360))),
            (exact("20270101050001"), Reading::Zone(minutes(330))),
            (exact("20261231233730"), Reading::Off(seconds(447))),
            (exact("20261231232920"), Reading::Off(seconds(-40))),
            (exact("20270103233000"), Reading::Off(seconds(259_197))),
            (exact("19700101000000"), Reading::Off(at("1970-01-01T00:00:00Z") - written.0)),
            (exact("2026"), Reading::Unknown),
            (listed("Dec 31 23:30"), Reading::Right),
            (listed("Dec 31 23:29"), Reading::Right),
            (listed("Jan  1 01:30"), Reading::Zone(minutes(120))),
            (listed("31 Dec 18:30"), Reading::Zone(minutes(-300))),
            (listed("2027-01-01 00:30"), Reading::Zone(minutes(60))),
            (listed("12-31-26 11:30PM"), Reading::Right),
            (listed("01-01-27  12:30AM"), Reading::Zone(minutes(60))),
            (listed("Dec 31 23:37"), Reading::Off(seconds(417))),
            (listed("Nov  1  2026"), Reading::Unknown),
            (folder("2026-12-31T23:30:01Z"), Reading::Right),
            (folder("2027-01-01T01:30:03Z"), Reading::Off(minutes(120))),
            (Stamp::None, Reading::Unknown),
        ] {
            assert_eq!(read(&stamp, written), expected, "{stamp:?}");
        }
    }

    #[test]
    fn it_is_said_for_people() {
        let exact = Stamp::Exact(String::new());
        let said = words(Reading::Zone(TimeDelta::hours(2)), &exact);
        assert!(said.starts_with("its clock is 2 h ahead of ours: it tells the time of zone UTC+02:00"), "{said}");
        let said = words(Reading::Zone(TimeDelta::minutes(-210)), &Stamp::Listed(String::new()));
        assert_eq!(said, "its listings tell the time of zone UTC-03:30");
        let said = words(Reading::Off(TimeDelta::seconds(-61)), &exact);
        assert!(said.starts_with("its clock is 1 min 1 s behind ours."), "{said}");
    }
}
