//! Durations as people write them in configurations: `10 s`, `1 h`, `2 d`. Read and printed here and nowhere else.
//!
//! One number and one unit: `90 min` instead of `1 h 30 min`, so that there is one way to write it and none to misread.

use std::time::Duration;

/// Unit words and the seconds they stand for; milliseconds are read apart.
const UNITS: [(&str, u64); 12] = [
    ("s", 1),
    ("sec", 1),
    ("second", 1),
    ("seconds", 1),
    ("min", 60),
    ("minute", 60),
    ("minutes", 60),
    ("h", 3_600),
    ("hour", 3_600),
    ("hours", 3_600),
    ("d", 86_400),
    ("days", 86_400),
];

/// Why a text is no duration, with what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDuration {
    #[error("\"{0}\" is not a duration; expected a number and a unit, like \"10 s\", \"30 min\", \"24 h\" or \"2 d\".")]
    Malformed(String),
    #[error("\"{0}\" has no unit; expected s, min, h or d behind the number, like \"10 s\".")]
    NoUnit(String),
    #[error("\"{found}\" has the unit \"{unit}\", which is not known; expected ms, s, min, h or d.")]
    UnknownUnit { found: String, unit: String },
    #[error("\"{0}\" is longer than a hundred years.")]
    TooLong(String),
}

const LONGEST_S: u64 = 100 * 366 * 86_400;

pub fn parse(text: &str) -> Result<Duration, NotDuration> {
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (digits, unit) = (&trimmed[..split], trimmed[split..].trim());
    if digits.is_empty() {
        return Err(NotDuration::Malformed(text.to_string()));
    }
    if unit.is_empty() {
        return Err(NotDuration::NoUnit(text.to_string()));
    }
    let count: u64 = digits.parse().map_err(|_| NotDuration::TooLong(text.to_string()))?;
    if unit == "ms" {
        return Ok(Duration::from_millis(count)).filter_long(text);
    }
    if !unit.chars().all(char::is_alphabetic) {
        return Err(NotDuration::Malformed(text.to_string()));
    }
    let seconds = UNITS.iter().find(|(word, _)| *word == unit).map(|(_, s)| *s);
    let seconds =
        seconds.ok_or_else(|| NotDuration::UnknownUnit { found: text.to_string(), unit: unit.to_string() })?;
    Ok(Duration::from_secs(count.saturating_mul(seconds))).filter_long(text)
}

trait FilterLong: Sized {
    fn filter_long(self, text: &str) -> Self;
}

impl FilterLong for Result<Duration, NotDuration> {
    fn filter_long(self, text: &str) -> Self {
        self.and_then(|d| if d.as_secs() > LONGEST_S { Err(NotDuration::TooLong(text.to_string())) } else { Ok(d) })
    }
}

/// In the largest unit that says it exactly.
pub fn print(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration.subsec_millis() > 0 {
        return format!("{} ms", duration.as_millis());
    }
    for (unit, size) in [("d", 86_400), ("h", 3_600), ("min", 60)] {
        // A day is said as "24 h": waiting times are thought of in hours up to two days.
        let enough = if unit == "d" { seconds >= 2 * size } else { seconds >= size };
        if enough && seconds.is_multiple_of(size) {
            return format!("{} {unit}", seconds / size);
        }
    }
    format!("{seconds} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_number_and_a_unit() {
        for (text, seconds) in
            [("10 s", 10), ("10s", 10), ("30 min", 1_800), ("1 h", 3_600), ("24 h", 86_400), (" 2 d ", 172_800)]
        {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("250 ms"), Ok(Duration::from_millis(250)));
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, words) in [
            ("soon", "is not a duration"),
            ("10", "has no unit"),
            ("10 m", "the unit \"m\""),
            ("-5 s", "is not a duration"),
            ("1.5 h", "is not a duration"),
            ("1 h 30 min", "is not a duration"),
            ("999999999999999999999 s", "longer than"),
            ("99999999999 d", "longer than"),
            ("", "is not a duration"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn prints_what_reads_back() {
        for text in ["10 s", "90 s", "30 min", "1 h", "24 h", "36 h", "2 d", "365 d", "250 ms", "0 s"] {
            assert_eq!(print(parse(text).unwrap()), text);
        }
    }
}
