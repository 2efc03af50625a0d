//! `[intake.NAME.expect]`: what should come by when. Small phrases become schedules and bounds; what can never be met is told.

use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use super::calendar::Calendars;
use super::forms;
use super::keyed::{Keyed, Wrong, parse_duration};
use super::keys::Table;
use crate::model::document::{Section, suggest};
use crate::model::feed::{Missed, Schedule};
use crate::model::intake::Sender;
use crate::model::rules::arrivals::{Expect, WhenMissing};
use crate::model::rules::schedule;

const LONGEST_GRACE: Duration = Duration::from_secs(86_400);
const LONGEST_MISSING: Duration = Duration::from_secs(31 * 86_400);
/// More files than that in one window are not counted by hand.
const MOST_FILES: u64 = 1_000_000;
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// Due times looked at to find the two that lie closest together.
const LOOKED_AHEAD: usize = 100;

/// None where it cannot be read: what is wrong is reported.
/// `is_request`: its files ask for something once, and a missing one may be lost orders.
pub fn read(
    (intake, is_request): (&str, bool),
    outer: &Section<'_>,
    sender: &Sender,
    calendars: &Calendars,
) -> Option<Expect> {
    let section = Keyed::new(outer, Table::Intake).table("expect")?;
    let keyed = Keyed::new(&section, Table::Expect);
    let closed = calendars.closed(&keyed, "holidays");
    let times = times(&keyed);
    let (days, weekdays) = keyed.value("days", days);
    let (least, most) = keyed.value("count", count);
    let opens = keyed.parsed("opens", time);
    let grace = keyed.value("grace", parse_duration(Duration::ZERO, LONGEST_GRACE));
    let missing_after = keyed.value("missing_after", parse_duration(Duration::ZERO, LONGEST_MISSING));
    let hold_missing = if keyed.has("hold_missing") { keyed.boolean("hold_missing") } else { is_request };
    let when_missing = keyed.value("when_missing", when_missing);
    if when_missing == WhenMissing::Ok && keyed.has("hold_missing") {
        keyed.section.problem(
            "hold_missing",
            "decides nothing beside when_missing = \"ok\": nothing is told. Take one of them out.",
        );
    }
    let first = times.first().copied()?;
    if opens.is_some_and(|opens| opens >= first) {
        keyed
            .section
            .problem("opens", "lies not before the first time of \"by\"; expected an earlier time of the same day.");
    }
    if opens.is_some() && most.is_none() {
        keyed.section.problem(
            "opens",
            "decides nothing without a most: any number may come. Take it out, or say how many with count = \"1\".",
        );
    }
    let pattern = |time: &NaiveTime| format!("{} {days} * {weekdays}", time.format("%-M %-H"));
    let by: Vec<Schedule> = times
        .iter()
        .map(|time| Schedule {
            pattern: pattern(time),
            zone: sender.zone,
            missed: Missed::Once,
            closed: closed.clone(),
        })
        .collect();
    if by.iter().any(|schedule| schedule::check(&schedule.pattern).is_err()) {
        keyed.section.problem("days", "never come.");
        return None;
    }
    let delta = |found: Duration| TimeDelta::from_std(found).unwrap_or_default();
    let (grace, mut missing_after) = (delta(grace), delta(missing_after));
    let closest = closest(&by);
    if missing_after > closest {
        if keyed.has("missing_after") {
            keyed.section.problem(
                "missing_after",
                "is longer than the time to the next due time, so a file would be owed twice; expected less.",
            );
        }
        missing_after = closest;
    }
    let intake = intake.to_string();
    Some(Expect { intake, by, zone: sender.zone, opens, least, most, grace, missing_after, hold_missing, when_missing })
}

fn when_missing(text: &str) -> Result<WhenMissing, Wrong> {
    forms::word(text, &[("ok", WhenMissing::Ok), ("warn", WhenMissing::Warn), ("error", WhenMissing::Error)])
}

fn times(keyed: &Keyed<'_, '_>) -> Vec<NaiveTime> {
    keyed.required_list("by");
    let mut times = keyed.parsed_list("by", time);
    times.sort_unstable();
    times
}

fn time(text: &str) -> Result<NaiveTime, Wrong> {
    NaiveTime::parse_from_str(text, "%H:%M")
        .ok()
        .filter(|_| text.len() == 5)
        .ok_or_else(|| Wrong::new(format!("\"{text}\" is no time of day; expected one like \"06:00\".")))
}

/// Day of month and weekday, as a cron pattern has them.
fn days(text: &str) -> Result<(String, String), Wrong> {
    let wrong = || {
        let first = text.split([',', '-', ' ']).find(|word| !word.is_empty()).unwrap_or_default();
        Wrong {
            text: format!(
                "\"{text}\" are no days; expected \"every day\", \"mon-fri\", \"mon,wed\", \"1,15\" (of the month) or \"last\"."
            ),
            suggestion: suggest(first, &WEEKDAYS),
        }
    };
    match text {
        "every day" => return Ok(("*".into(), "*".into())),
        "last" => return Ok(("L".into(), "*".into())),
        _ => {}
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let are_days = text.split(',').all(|day| day.trim().parse::<u8>().is_ok_and(|day| (1..=31).contains(&day)));
        let list: Vec<&str> = text.split(',').map(str::trim).collect();
        return if are_days { Ok((list.join(","), "*".into())) } else { Err(wrong()) };
    }
    let number = |word: &str| WEEKDAYS.iter().position(|day| *day == word.trim());
    let mut list = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            None => list.push(number(part).ok_or_else(wrong)?.to_string()),
            Some((from, to)) => {
                let (from, to) = (number(from).ok_or_else(wrong)?, number(to).ok_or_else(wrong)?);
                // Sunday ends a week as well as it begins one.
                let to = if to < from { to + 7 } else { to };
                list.extend((from..=to).map(|day| (day % 7).to_string()));
            }
        }
    }
    Ok(("*".into(), list.join(",")))
}

fn count(text: &str) -> Result<(u64, Option<u64>), Wrong> {
    let wrong =
        || Wrong::new(format!("\"{text}\" is no number of files; expected \"1\", \"at least 1\" or \"1 to 3\"."));
    let number = |word: &str| word.trim().parse::<u64>().ok().filter(|n| *n <= MOST_FILES).ok_or_else(wrong);
    let (least, most) = match (text.strip_prefix("at least "), text.split_once(" to ")) {
        (Some(least), _) => (number(least)?, None),
        (None, Some((least, most))) => (number(least)?, Some(number(most)?)),
        (None, None) => (number(text)?, Some(number(text)?)),
    };
    if least == 0 {
        return Err(Wrong::new(format!("\"{text}\" expects nothing; expected at least 1.")));
    }
    if most.is_some_and(|most| most < least) {
        return Err(Wrong::new(format!("\"{text}\" runs backwards; expected the smaller number first.")));
    }
    Ok((least, most))
}

/// The shortest time between two due times.
fn closest(by: &[Schedule]) -> TimeDelta {
    // A Monday of a January: days of months and of weeks both come round.
    let begin = DateTime::<Utc>::from_timestamp(1_767_571_200, 0).unwrap_or_default();
    let mut at = begin;
    let mut closest = TimeDelta::MAX;
    for _ in 0..LOOKED_AHEAD {
        let Some(next) = schedule::next_due(by, at) else { break };
        if at > begin {
            closest = closest.min(next - at);
        }
        at = next;
    }
    closest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_counts_are_said_as_people_say_them() {
        let pair = |a: &str, b: &str| Ok((a.to_string(), b.to_string()));
        assert_eq!(days("every day"), pair("*", "*"));
        assert_eq!(days("mon-fri"), pair("*", "1,2,3,4,5"));
        assert_eq!(days("fri-mon"), pair("*", "5,6,0,1"));
        assert_eq!(days("mon, wed"), pair("*", "1,3"));
        assert_eq!(days("1, 15"), pair("1,15", "*"));
        assert_eq!(days("last"), pair("L", "*"));
        for bad in ["mo-fr", "", "0", "1-5", "32", "mon-", "daily"] {
            assert!(days(bad).is_err(), "{bad}");
        }
        assert_eq!(
            (count("1"), count("at least 2"), count("1 to 3")),
            (Ok((1, Some(1))), Ok((2, None)), Ok((1, Some(3))))
        );
        for bad in ["0", "", "some", "3 to 1", "at least 0", "-1"] {
            assert!(count(bad).is_err(), "{bad}");
        }
    }
}
