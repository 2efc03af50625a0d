//! Date and time patterns as partners write them: `%Y%m%d`, `%d-%b-%Y`, `%Y-%m-%dT%H:%M:%S%z`, `%s`.
//!
//! The letters are those of strftime. Two digits are two digits (`%-d` takes one or two); `%y` below 70 is 20xx; `%b` is an
//! English month; `%f` is an optional fraction with its point; `%z` is `Z` or an offset (`%:z` is written in the zone); `%s` seconds,
//! `%Q` milliseconds since 1970.
//! What is read becomes ISO text; impossible days (2024-02-31) are no dates.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Years that a partner can mean. `0001-01-01` is what programs write for no day at all (`none=0001-01-01`), 0026 a year of
/// two digits, and seconds beyond it are milliseconds.
const YEARS: std::ops::RangeInclusive<i32> = 1000..=9999;

/// One way to write a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    source: String,
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Literal(char),
    /// Letter of the part, least and most digits.
    Digits(char, usize, usize),
    MonthName,
    AmPm,
    Fraction,
    Offset,
    /// Since 1970; so many of them are a second.
    Unix(i64),
}

/// The parts found in a text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parts {
    year: i32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    afternoon: Option<bool>,
    offset_seconds: Option<i32>,
    /// Seconds since 1970.
    unix: Option<i64>,
}

impl Pattern {
    /// `Err` holds the letter that is not known.
    pub fn parse(source: &str) -> Result<Self, String> {
        let mut items = Vec::new();
        let mut chars = source.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                items.push(Item::Literal(c));
                continue;
            }
            let mut letter = chars.next().unwrap_or_default();
            let mut least = 2;
            // `%:z` is written in the zone, `%z` in UTC; they read alike.
            let in_zone = letter == ':' && chars.clone().next() == Some('z');
            if letter == '-' || in_zone {
                least = 1;
                letter = chars.next().unwrap_or_default();
            }
            items.push(match letter {
                'Y' => Item::Digits('Y', 4, 4),
                'y' | 'm' | 'd' | 'H' | 'I' | 'M' | 'S' => Item::Digits(letter, least, 2),
                'b' => Item::MonthName,
                'p' => Item::AmPm,
                'f' => Item::Fraction,
                'z' => Item::Offset,
                's' => Item::Unix(1),
                'Q' => Item::Unix(1_000),
                '%' => Item::Literal('%'),
                other => return Err(format!("%{other}")),
            });
        }
        Ok(Pattern { source: source.to_string(), items })
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// An example, for people: what a value of this pattern looks like.
    pub fn example(&self) -> String {
        let moment = NaiveDate::from_ymd_opt(2026, 3, 31).and_then(|d| d.and_hms_opt(14, 5, 0)).unwrap_or_default();
        let mut out = String::new();
        self.write(moment, 0, &mut out);
        out
    }

    /// Whether it says a day.
    pub fn has_day(&self) -> bool {
        self.items.iter().any(|i| matches!(i, Item::Digits('d', ..) | Item::Unix(_)))
    }

    pub fn has_time(&self) -> bool {
        self.items.iter().any(|i| matches!(i, Item::Digits('H' | 'I', ..) | Item::Unix(_)))
    }

    pub fn read(&self, text: &str) -> Option<Parts> {
        let mut rest = text;
        let mut parts = Parts { year: 1970, month: 1, day: 1, ..Parts::default() };
        for item in &self.items {
            rest = parts.take(item, rest)?;
        }
        rest.is_empty().then_some(parts)
    }

    /// What the calendar lacks of a text that has the right form: the day of 31.02., or the month of 01.13.
    pub fn impossible(&self, text: &str) -> Option<&'static str> {
        let parts = self.read(text)?;
        let is_year = parts.unix.is_none() && YEARS.contains(&parts.year);
        let lacking = match parts.month {
            _ if !is_year => "year",
            1..=12 => "day",
            _ => "month",
        };
        parts.date().is_none().then_some(lacking)
    }

    /// Appends a moment; `offset_seconds` is what `%z` says, 0 is `Z`.
    pub fn write(&self, moment: NaiveDateTime, offset_seconds: i32, out: &mut String) {
        for item in &self.items {
            match item {
                Item::Literal(c) => out.push(*c),
                Item::Digits(letter, least, _) => {
                    let (value, width) = match letter {
                        'Y' => (moment.year() as u32, 4),
                        'y' => (moment.year() as u32 % 100, *least),
                        'm' => (moment.month(), *least),
                        'd' => (moment.day(), *least),
                        'H' => (moment.hour(), *least),
                        'I' => (moment.hour12().1, *least),
                        'M' => (moment.minute(), *least),
                        _ => (moment.second(), *least),
                    };
                    out.push_str(&format!("{value:0width$}"));
                }
                Item::MonthName => out.push_str(MONTHS[moment.month0() as usize]),
                Item::AmPm => out.push_str(if moment.hour12().0 { "PM" } else { "AM" }),
                Item::Fraction if moment.nanosecond() == 0 => {}
                Item::Fraction => out.push_str(&format!(".{:03}", moment.nanosecond() / 1_000_000)),
                Item::Offset if offset_seconds == 0 => out.push('Z'),
                Item::Offset => {
                    let sign = if offset_seconds < 0 { '-' } else { '+' };
                    let minutes = offset_seconds.abs() / 60;
                    out.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
                }
                Item::Unix(parts) => {
                    let millis = moment.and_utc().timestamp_millis() - offset_seconds as i64 * 1_000;
                    out.push_str(&(millis / (1_000 / parts)).to_string());
                }
            }
        }
    }
}

impl Parts {
    /// Takes one item off the text.
    fn take<'t>(&mut self, item: &Item, text: &'t str) -> Option<&'t str> {
        match item {
            Item::Literal(c) => text.strip_prefix(*c),
            Item::Digits(letter, least, most) => {
                let (value, rest) = digits(text, *least, *most)?;
                match letter {
                    'Y' => self.year = value as i32,
                    'y' => self.year = value as i32 + if value < 70 { 2000 } else { 1900 },
                    'm' => self.month = value,
                    'd' => self.day = value,
                    'H' | 'I' => self.hour = value,
                    'M' => self.minute = value,
                    _ => self.second = value,
                }
                Some(rest)
            }
            Item::MonthName => {
                let (name, rest) = text.split_at_checked(3)?;
                self.month = MONTHS.iter().position(|m| m.eq_ignore_ascii_case(name))? as u32 + 1;
                Some(rest)
            }
            Item::AmPm => {
                let (mark, rest) = text.split_at_checked(2)?;
                self.afternoon = Some(match mark.to_ascii_uppercase().as_str() {
                    "AM" => false,
                    "PM" => true,
                    _ => return None,
                });
                Some(rest)
            }
            Item::Fraction => Some(self.take_fraction(text)?),
            Item::Offset => self.take_offset(text),
            Item::Unix(parts) => {
                let end = text.bytes().take_while(u8::is_ascii_digit).count();
                let found: i64 = text[..end].parse().ok()?;
                self.unix = Some(found / parts);
                self.nanos = (found % parts * (1_000_000_000 / parts)) as u32;
                Some(&text[end..])
            }
        }
    }

    fn take_fraction<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let Some(rest) = text.strip_prefix(['.', ',']) else { return Some(text) };
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 || count > 9 {
            return None;
        }
        self.nanos = rest[..count].parse::<u32>().ok()? * 10u32.pow(9 - count as u32);
        Some(&rest[count..])
    }

    fn take_offset<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        if let Some(rest) = text.strip_prefix(['Z', 'z']) {
            self.offset_seconds = Some(0);
            return Some(rest);
        }
        let sign = match text.bytes().next()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let (hours, rest) = digits(&text[1..], 2, 2)?;
        let (minutes, rest) = digits(rest.strip_prefix(':').unwrap_or(rest), 2, 2)?;
        if hours > 18 || minutes > 59 {
            return None;
        }
        self.offset_seconds = Some(sign * (hours * 3600 + minutes * 60) as i32);
        Some(rest)
    }

    pub fn date(&self) -> Option<NaiveDate> {
        let date = match self.unix {
            Some(seconds) => DateTime::from_timestamp(seconds, 0)?.date_naive(),
            None => NaiveDate::from_ymd_opt(self.year, self.month, self.day)?,
        };
        Some(date).filter(|date| YEARS.contains(&date.year()))
    }

    pub fn time(&self) -> Option<NaiveTime> {
        if let Some(seconds) = self.unix {
            return Some(DateTime::from_timestamp(seconds, self.nanos)?.time());
        }
        let hour = match self.afternoon {
            None => self.hour,
            Some(_) if self.hour == 0 || self.hour > 12 => return None,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
        };
        NaiveTime::from_hms_nano_opt(hour, self.minute, self.second, self.nanos)
    }

    /// The instant; wall time without an offset is of the zone. A time that the clocks skip does not exist; of a doubled
    /// one the first is taken.
    pub fn instant(&self, zone: Tz) -> Option<DateTime<Utc>> {
        if let Some(seconds) = self.unix {
            return DateTime::from_timestamp(seconds, self.nanos).filter(|at| YEARS.contains(&at.year()));
        }
        let wall = NaiveDateTime::new(self.date()?, self.time()?);
        match self.offset_seconds {
            Some(offset) => wall.checked_sub_signed(chrono::TimeDelta::seconds(offset as i64)).map(|w| w.and_utc()),
            None => zone.from_local_datetime(&wall).earliest().map(|t| t.with_timezone(&Utc)),
        }
    }
}

/// Between `least` and `most` digits.
fn digits(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let value = text.as_bytes()[..count].iter().fold(0, |value, b| value * 10 + (b - b'0') as u32);
    Some((value, &text[count..]))
}

/// `2026-03-31`, appended.
pub fn push_date(date: NaiveDate, out: &mut String) {
    push_number(date.year() as u32, 4, out);
    out.push('-');
    push_number(date.month(), 2, out);
    out.push('-');
    push_number(date.day(), 2, out);
}

/// `14:05:00`, appended; a fraction is dropped, nobody orders by the millisecond.
pub fn push_time(time: NaiveTime, out: &mut String) {
    push_number(time.hour(), 2, out);
    out.push(':');
    push_number(time.minute(), 2, out);
    out.push(':');
    push_number(time.second(), 2, out);
}

/// `2026-03-31T12:05:00Z`, appended; milliseconds only where there are any.
pub fn push_instant(instant: DateTime<Utc>, out: &mut String) {
    let moment = instant.naive_utc();
    push_date(moment.date(), out);
    out.push('T');
    push_time(moment.time(), out);
    let millis = moment.nanosecond() / 1_000_000;
    if millis > 0 {
        out.push('.');
        push_number(millis, 3, out);
    }
    out.push('Z');
}

fn push_number(value: u32, width: u32, out: &mut String) {
    for place in (0..width).rev() {
        out.push((b'0' + (value / 10u32.pow(place) % 10) as u8) as char);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partners_dates_are_read_and_impossible_ones_are_not() {
        let table = [
            ("%Y-%m-%d", "2024-02-29", Some("2024-02-29")),
            ("%Y-%m-%d", "2024-02-31", None),
            ("%Y-%m-%d", "2024-2-3", None),
            ("%-d.%-m.%Y", "3.2.2024", Some("2024-02-03")),
            ("%y%m%d", "240314", Some("2024-03-14")),
            ("%y%m%d", "710314", Some("1971-03-14")),
            ("%d-%b-%Y", "31-dec-2014", Some("2014-12-31")),
            ("%Y-%m-%dT%H:%M:%S", "2026-01-02T03:04:05", Some("2026-01-02")),
            ("%Y-%m-%d", "2024-02-29x", None),
            ("%s", "1700000000", Some("2023-11-14")),
            ("%s", "1700000000123", None),
            ("%Q", "1700000000123", Some("2023-11-14")),
            ("%Y-%m-%d", "0001-01-01", None),
            ("%Y-%m-%d", "0026-01-15", None),
            ("%Y-%m-%d", "1000-01-01", Some("1000-01-01")),
            ("%d-%b-%Y", "31-dé", None),
        ];
        for (pattern, text, expected) in table {
            let read = Pattern::parse(pattern).unwrap().read(text).and_then(|p| p.date());
            assert_eq!(read.map(|d| d.to_string()).as_deref(), expected, "{pattern} {text}");
        }
        assert_eq!(Pattern::parse("%K"), Err("%K".to_string()));
    }

    #[test]
    fn wall_time_is_of_the_zone_and_offsets_are_heeded() {
        let zone = chrono_tz::Europe::Berlin;
        let table = [
            ("2026-07-01T12:00:00", Some("2026-07-01T10:00:00Z")),
            ("2026-07-01T12:00:00.250Z", Some("2026-07-01T12:00:00.250Z")),
            ("2026-07-01T12:00:00-0330", Some("2026-07-01T15:30:00Z")),
            ("2026-03-29T02:30:00", None),
            ("2026-10-25T02:30:00", Some("2026-10-25T00:30:00Z")),
        ];
        let patterns =
            [Pattern::parse("%Y-%m-%dT%H:%M:%S%f%z").unwrap(), Pattern::parse("%Y-%m-%dT%H:%M:%S%f").unwrap()];
        for (text, expected) in table {
            let instant = patterns.iter().find_map(|p| p.read(text)).and_then(|p| p.instant(zone));
            let mut out = String::new();
            if let Some(instant) = instant {
                push_instant(instant, &mut out);
            }
            assert_eq!(out, expected.unwrap_or_default(), "{text}");
        }
        let noon = Pattern::parse("%I:%M %p").unwrap();
        assert_eq!(noon.read("12:30 AM").and_then(|p| p.time()).map(|t| t.hour()), Some(0));
        assert_eq!(noon.read("13:30 PM").and_then(|p| p.time()), None);
    }
}
