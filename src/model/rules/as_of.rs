//! The moment a file of facts or records speaks of, as text that sorts: an instant (`2026-11-21T05:00:00.000Z`) from the
//! name or the first sight, or a number from the name (`n00000000000000000042`).
//!
//! Numbers sort above all instants: an intake may begin with the first sight and turn to numbers later, and the newer
//! file still wins. What a message itself says of its time is the layout's; the check of it against `now` is here.

use std::fmt;

use chrono::{DateTime, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;

use crate::model::intake::AsOf;

/// Clocks differ and days end at different times; a time further ahead is a mistake that would block all later files.
pub const FURTHEST_AHEAD: Duration = Duration::days(1);
/// A u64 has at most 20 digits; longer numbers in names are refused.
const SEQUENCE_DIGITS: usize = 20;

/// A pattern for a file name with one place in braces: `{seq}` or a chrono format like `{%Y%m%d}`; `*` is any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAsOf {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Text(String),
    Any,
    Sequence,
    /// A chrono format, and whether it has a time of day.
    Time {
        format: String,
        timed: bool,
    },
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNameAsOf {
    #[error(
        "\"{0}\" has no place in braces; expected something like \"stock_{{seq}}.csv\" or \"stock_{{%Y%m%d%H%M}}.csv\"."
    )]
    NoPlace(String),
    #[error("\"{0}\" has more than one place in braces; expected one.")]
    ManyPlaces(String),
    #[error("the brace in \"{0}\" is never closed.")]
    OpenBrace(String),
    #[error("\"{{{0}}}\" is not known; expected {{seq}} or a date like {{%Y%m%d}} or {{%Y%m%d%H%M}}.")]
    UnknownPlace(String),
}

/// Why a file has no moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAsOf {
    /// The name does not fit the pattern of the intake.
    NoMatch {
        pattern: String,
    },
    Ahead {
        found: DateTime<Utc>,
        now: DateTime<Utc>,
    },
}

impl NotAsOf {
    pub fn code(&self) -> &'static str {
        match self {
            NotAsOf::NoMatch { .. } => "file-name-invalid",
            NotAsOf::Ahead { .. } => "date-implausible",
        }
    }
}

impl fmt::Display for NotAsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotAsOf::NoMatch { pattern } => write!(
                f,
                "the file name does not say which moment the file speaks of; expected a name like \"{pattern}\". \
                 Rename the file and drop it again."
            ),
            NotAsOf::Ahead { found, now } => write!(
                f,
                "the file speaks of {}, more than a day ahead of {}; expected a time that has passed. \
                 Correct the time and drop the file again.",
                instant(*found),
                instant(*now)
            ),
        }
    }
}

/// An instant as it is stored and compared: UTC, milliseconds, always 24 characters.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The number in a name, where the rule looks for one; nothing for numbers that are larger than any count.
pub fn number(rule: &AsOf, name: &str) -> Option<u64> {
    let AsOf::NameSequence(pattern) = rule else { return None };
    match pattern.find(name)? {
        Found::Sequence(digits) => digits.parse().ok(),
        Found::Time(_) => None,
    }
}

/// The moment a file speaks of. `name` is its name as the sender gave it, `first_seen` when we saw it first (kept
/// through every retry), `zone` the sender's.
pub fn of_file(
    rule: &AsOf,
    name: &str,
    zone: Tz,
    first_seen: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<String, NotAsOf> {
    let no_match = |pattern: &NameAsOf| NotAsOf::NoMatch { pattern: pattern.text.clone() };
    match rule {
        AsOf::FirstSeen => Ok(instant(first_seen)),
        AsOf::NameSequence(pattern) => {
            let Some(Found::Sequence(digits)) = pattern.find(name) else { return Err(no_match(pattern)) };
            Ok(sequence(&digits))
        }
        AsOf::NameTime(pattern) => {
            let Some(Found::Time(local)) = pattern.find(name) else { return Err(no_match(pattern)) };
            let at = to_utc(local, zone, first_seen);
            check_ahead(at, now)?;
            Ok(instant(at))
        }
    }
}

/// Also for moments that the content names.
pub fn check_ahead(found: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), NotAsOf> {
    if found - now > FURTHEST_AHEAD { Err(NotAsOf::Ahead { found, now }) } else { Ok(()) }
}

fn sequence(digits: &str) -> String {
    format!("n{digits:0>SEQUENCE_DIGITS$}")
}

/// Wall time to UTC. Of a time that exists twice the one nearer to the first sight is meant; one that does not exist is
/// read with the offset that was valid before the gap.
fn to_utc(local: NaiveDateTime, zone: Tz, first_seen: DateTime<Utc>) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => at.with_timezone(&Utc),
        LocalResult::Ambiguous(first, second) => {
            let (first, second) = (first.with_timezone(&Utc), second.with_timezone(&Utc));
            if (first_seen - first).abs() <= (first_seen - second).abs() { first } else { second }
        }
        LocalResult::None => {
            // No gap is longer than a day, so a day earlier the old offset is still valid.
            let day_before = local - Duration::days(1);
            zone.from_local_datetime(&day_before)
                .earliest()
                .map_or_else(|| Utc.from_utc_datetime(&local), |at| at.with_timezone(&Utc) + Duration::days(1))
        }
    }
}

enum Found {
    Sequence(String),
    Time(NaiveDateTime),
}

impl NameAsOf {
    pub fn parse(text: &str) -> Result<Self, NotNameAsOf> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            plain(&rest[..open], &mut tokens);
            let close = rest[open..].find('}').ok_or_else(|| NotNameAsOf::OpenBrace(text.to_string()))? + open;
            tokens.push(place(&rest[open + 1..close])?);
            rest = &rest[close + 1..];
        }
        plain(rest, &mut tokens);
        match tokens.iter().filter(|t| matches!(t, Token::Sequence | Token::Time { .. })).count() {
            0 => Err(NotNameAsOf::NoPlace(text.to_string())),
            1 => Ok(NameAsOf { text: text.to_string(), tokens }),
            _ => Err(NotNameAsOf::ManyPlaces(text.to_string())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `{seq}` rather than a time.
    pub fn is_sequence(&self) -> bool {
        self.tokens.contains(&Token::Sequence)
    }

    /// The rule for an intake.
    pub fn into_rule(self) -> AsOf {
        if self.is_sequence() { AsOf::NameSequence(self) } else { AsOf::NameTime(self) }
    }

    fn find(&self, name: &str) -> Option<Found> {
        // File names have at most 255 bytes, so trying every split costs nothing.
        match_tokens(&self.tokens, name).flatten()
    }
}

/// Whether the tokens fit the whole rest, and what stands in the braces.
fn match_tokens(tokens: &[Token], rest: &str) -> Option<Option<Found>> {
    let Some((token, others)) = tokens.split_first() else { return rest.is_empty().then_some(None) };
    match token {
        Token::Text(text) => match_tokens(others, rest.strip_prefix(text.as_str())?),
        Token::Any => {
            let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.filter_map(|at| match_tokens(others, &rest[at..])).next()
        }
        Token::Sequence => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            // All digits that stand there: half a number is another number.
            let fits = (1..=SEQUENCE_DIGITS).contains(&digits) && match_tokens(others, &rest[digits..]).is_some();
            fits.then(|| Some(Found::Sequence(rest[..digits].to_string())))
        }
        Token::Time { format, timed } => {
            let ends: Vec<usize> = rest.char_indices().map(|(at, _)| at).chain([rest.len()]).collect();
            ends.into_iter().rev().find_map(|at| {
                let time = parse_time(&rest[..at], format, *timed)?;
                match_tokens(others, &rest[at..]).map(|_| Some(Found::Time(time)))
            })
        }
    }
}

fn parse_time(text: &str, format: &str, timed: bool) -> Option<NaiveDateTime> {
    if timed {
        NaiveDateTime::parse_from_str(text, format).ok()
    } else {
        Some(NaiveDate::parse_from_str(text, format).ok()?.and_time(NaiveTime::MIN))
    }
}

fn plain(text: &str, tokens: &mut Vec<Token>) {
    for (index, piece) in text.split('*').enumerate() {
        if index > 0 && tokens.last() != Some(&Token::Any) {
            tokens.push(Token::Any);
        }
        if !piece.is_empty() {
            tokens.push(Token::Text(piece.to_string()));
        }
    }
}

/// A format is accepted when it reads back what it prints: one without a year cannot say which day it is.
fn place(inside: &str) -> Result<Token, NotNameAsOf> {
    if inside == "seq" {
        return Ok(Token::Sequence);
    }
    let unknown = || NotNameAsOf::UnknownPlace(inside.to_string());
    let known = chrono::format::StrftimeItems::new(inside).all(|item| item != chrono::format::Item::Error);
    if !inside.contains('%') || !known {
        return Err(unknown());
    }
    let probe = NaiveDate::from_ymd_opt(2026, 11, 21).and_then(|d| d.and_hms_opt(13, 0, 0)).ok_or_else(unknown)?;
    let mut printed = String::new();
    fmt::Write::write_fmt(&mut printed, format_args!("{}", probe.format(inside))).map_err(|_| unknown())?;
    [true, false]
        .into_iter()
        .find(|timed| parse_time(&printed, inside, *timed).is_some_and(|t| t.date() == probe.date()))
        .map(|timed| Token::Time { format: inside.to_string(), timed })
        .ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::Stockholm;

    fn utc(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    fn of_name(pattern: &str, name: &str) -> Result<String, NotAsOf> {
        let rule = NameAsOf::parse(pattern).unwrap().into_rule();
        let seen = utc("2026-10-25T01:20:00Z");
        of_file(&rule, name, Stockholm, seen, seen)
    }

    #[test]
    fn the_first_sight_has_milliseconds_always() {
        let seen = utc("2026-11-21T05:00:00Z");
        let later = utc("2026-11-24T05:00:00Z");
        assert_eq!(of_file(&AsOf::FirstSeen, "x", Stockholm, seen, later).unwrap(), "2026-11-21T05:00:00.000Z");
    }

    #[test]
    fn numbers_in_names_sort_as_numbers() {
        let nine = of_name("stock_{seq}.csv", "stock_9.csv").unwrap();
        let ten = of_name("stock_{seq}.csv", "stock_10.csv").unwrap();
        assert_eq!(nine, "n00000000000000000009");
        assert!(nine < ten && "2026-11-21T05:00:00.000Z" < nine.as_str());
        assert_eq!(of_name("*{seq}.csv", "stock_20_123.csv").unwrap(), "n00000000000000000123");
        assert_eq!(of_name("*_{seq}.*", "lager_a_7.txt.gz").unwrap(), "n00000000000000000007");
    }

    #[test]
    fn times_in_names_are_the_senders() {
        for (pattern, name, expected) in [
            ("stock_{%Y%m%d%H%M}.csv", "stock_202607210530.csv", "2026-07-21T03:30:00.000Z"),
            ("stock_{%Y-%m-%d}*.csv", "stock_2026-01-21-final.csv", "2026-01-20T23:00:00.000Z"),
            ("*{%Y%m%d_%H%M%S}*", "A12_20260121_053000_x.csv", "2026-01-21T04:30:00.000Z"),
            ("{%y%m%d}.txt", "260121.txt", "2026-01-20T23:00:00.000Z"),
            // 02:30 does not exist on this night, and exists twice on that: the second is nearer to the first sight.
            ("s{%Y%m%d%H%M}", "s202603290230", "2026-03-29T01:30:00.000Z"),
            ("s{%Y%m%d%H%M}", "s202610250230", "2026-10-25T01:30:00.000Z"),
            ("s{%Y%m%d%H%M}", "s202610250200", "2026-10-25T01:00:00.000Z"),
        ] {
            assert_eq!(of_name(pattern, name).as_deref(), Ok(expected), "{pattern} {name}");
        }
    }

    #[test]
    fn names_that_do_not_fit_and_times_ahead_are_refused() {
        for (pattern, name) in [
            ("stock_{seq}.csv", "stock_.csv"),
            ("stock_{seq}.csv", "stock_12.xml"),
            ("stock_{seq}.csv", "stock_123456789012345678901.csv"),
            ("stock_{seq}.csv", ""),
            ("s{%Y%m%d}", "s20260231"),
            ("s{%Y%m%d}", "säää"),
        ] {
            let error = of_name(pattern, name).unwrap_err();
            assert_eq!(error.code(), "file-name-invalid", "{pattern} {name}");
            assert!(error.to_string().contains(pattern), "{error}");
        }
        assert!(of_name("s{%Y%m%d}", "s20261026").is_ok());
        let ahead = of_name("s{%Y%m%d}", "s20261027").unwrap_err();
        assert_eq!(ahead.code(), "date-implausible");
        assert!(ahead.to_string().contains("2026-10-26T23:00:00.000Z"), "{ahead}");
    }

    #[test]
    fn bad_patterns_are_explained() {
        for (pattern, words) in [
            ("stock.csv", "no place"),
            ("{seq}_{seq}", "more than one"),
            ("stock_{seq", "never closed"),
            ("stock_{sec}", "\"{sec}\" is not known"),
            ("stock_{%H%M}", "is not known"),
            ("stock_{%m%d}", "is not known"),
            ("stock_{%Q}", "is not known"),
        ] {
            let error = NameAsOf::parse(pattern).unwrap_err().to_string();
            assert!(error.contains(words), "{pattern}: {error}");
        }
    }
}
