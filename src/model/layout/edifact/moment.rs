//! Dates as EDIFACT writes them: digits, and a code that says what they are.

use chrono::{NaiveDate, NaiveTime};

/// Does a format say a day, or is it unknown? Times without a day (4xx, 5xx), weeks and months (6xx), periods (7xx) and
/// durations (8xx) say none.
pub(super) fn says_a_day(format: &[u8]) -> bool {
    !matches!(format.trim_ascii(), [b'4'..=b'8', a, b] if a.is_ascii_digit() && b.is_ascii_digit())
}

/// Appends the day (`2026-03-31`) or the time (`17:30:00`; nothing where the format has none) of a value in its format.
/// An empty value is nothing. Of days of the same form the number of digits decides, whatever the format says of the time:
/// nobody writes twelve digits and means eight.
pub(super) fn read(value: &str, format: &str, time: bool, out: &mut String) -> Result<(), ()> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(());
    }
    let (years, lengths) = match format.trim() {
        "101" | "201" | "202" => (2, &[6, 10, 12][..]),
        "102" | "203" | "204" => (4, &[8, 12, 14][..]),
        // With a zone behind it: the day and the time are those that are written.
        "205" | "303" => (4, &[12][..]),
        "304" => (4, &[14][..]),
        _ => return Err(()),
    };
    let zoned = matches!(format.trim(), "205" | "303" | "304");
    let value = if zoned { value.get(..lengths[0]).ok_or(())? } else { value };
    if !value.bytes().all(|b| b.is_ascii_digit()) || !lengths.contains(&value.len()) {
        return Err(());
    }
    let length = value.len();
    let number = |from: usize, to: usize| value.get(from..to).and_then(|part| part.parse::<u32>().ok()).ok_or(());
    let year = number(0, years)? + if years == 2 { century(number(0, years)?) } else { 0 };
    let day =
        NaiveDate::from_ymd_opt(year as i32, number(years, years + 2)?, number(years + 2, years + 4)?).ok_or(())?;
    let behind = years + 4;
    let part = |at: usize| if at + 2 <= length { number(at, at + 2) } else { Ok(0) };
    let clock = NaiveTime::from_hms_opt(part(behind)?, part(behind + 2)?, part(behind + 4)?).ok_or(())?;
    if !time {
        out.push_str(&day.format("%Y-%m-%d").to_string());
    } else if length > behind {
        out.push_str(&clock.format("%H:%M:%S").to_string());
    }
    Ok(())
}

/// A day as digits with a time behind it, and the format of that; nothing without a day.
pub(super) fn with_time(day: &str, time: &str) -> Option<(String, &'static str)> {
    let digits: String = time.chars().take_while(|c| *c != '.').filter(char::is_ascii_digit).collect();
    match (day.len(), digits.len(), digits.strip_suffix("00")) {
        (8, 6, Some(short)) => Some((format!("{day}{short}"), "203")),
        (8, 6, None) => Some((format!("{day}{digits}"), "204")),
        _ => None,
    }
}

/// Years of two digits are those from 1970 to 2069.
fn century(year: u32) -> u32 {
    if year < 70 { 2_000 } else { 1_900 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_what_their_format_says() {
        let table = [
            ("20260331", "102", Some(("2026-03-31", ""))),
            ("260331", "101", Some(("2026-03-31", ""))),
            ("990331", "101", Some(("1999-03-31", ""))),
            ("202603311730", "203", Some(("2026-03-31", "17:30:00"))),
            ("20260331173059", "204", Some(("2026-03-31", "17:30:59"))),
            ("2603311730", "201", Some(("2026-03-31", "17:30:00"))),
            ("", "", Some(("", ""))),
            ("20260331", "", None),
            ("20260331", "203", Some(("2026-03-31", ""))),
            ("202603311730", "102", Some(("2026-03-31", "17:30:00"))),
            ("260331173059", "202", Some(("2026-03-31", "17:30:59"))),
            ("202603311730+01", "303", Some(("2026-03-31", "17:30:00"))),
            ("20260331173059CET", "304", Some(("2026-03-31", "17:30:59"))),
            ("2026033117", "102", None),
            ("20260331", "101", None),
            ("20260230", "102", None),
            ("202603312460", "203", None),
            ("2026-3-1", "102", None),
            ("2026033120260401", "718", None),
        ];
        for (value, format, expected) in table {
            let piece = |time| {
                let mut out = String::new();
                read(value, format, time, &mut out).map(|()| out)
            };
            let found = piece(false).and_then(|day| Ok((day, piece(true)?))).ok();
            assert_eq!(found, expected.map(|(day, time)| (day.to_string(), time.to_string())), "{value}:{format}");
        }
    }
}
