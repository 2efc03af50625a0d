//! When a feed is due: cron patterns in a zone, and what happens to the due times that passed while nobody ran.
//!
//! A due time is an instant in UTC and is handled once. On the night the clock goes forward a fixed time (one hour, one
//! minute) that does not exist runs at the first instant after the gap; on the night it goes back it runs once, at the first
//! of the two. Anything else (`*/30 * * * *`, `15 1,2,3 * * *`) is an interval: it runs whenever the clock shows it, so not
//! in a gap and through both of two hours. What falls on a closed day of the schedule's zone is no
//! due time at all. The patterns themselves are croner's.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;

use crate::model::feed::{Missed, Schedule};

/// A due time that is no older is on time: while a large file is applied a feed waits, and has missed nothing.
pub const ON_TIME: Duration = Duration::from_secs(5 * 60);
/// `missed = each` catches up on so many due times at most, the newest: a week of a feed every five minutes.
pub const MOST_CAUGHT_UP: usize = 2_016;
/// Due times that nobody makes up for are told by their number, up to this.
const MOST_COUNTED: usize = 10_000;
/// A pattern that meets nothing but so many closed days in a row never comes due: more than a year of them.
const MOST_CLOSED_DAYS: usize = 400;

/// What is to be done now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// One run each, the oldest first.
    pub runs: Vec<DateTime<Utc>>,
    /// The newest due time that has passed, run or not: the next question begins here.
    pub handled: Option<DateTime<Utc>>,
    /// Due times that passed and that no run makes up for; of a long standstill the newest ten thousand.
    pub skipped: usize,
}

/// The fields of a pattern, and what each of them takes.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day", "1 to 31, or L for the last"),
    ("month", "1 to 12, or JAN to DEC"),
    ("weekday", "0 to 7 (0 and 7 are Sunday), or SUN to SAT"),
];

/// Is the pattern one? Otherwise all that is wrong with it, for a person.
pub fn check(pattern: &str) -> Result<(), Vec<String>> {
    let fields: Vec<&str> = pattern.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(vec![format!("it has {} fields and not {}", fields.len(), FIELDS.len())]);
    }
    let wrong = |(nth, (name, takes)): (usize, &(&str, &str))| {
        // Each alone, so that every one that is wrong is told.
        let alone: Vec<&str> = (0..FIELDS.len()).map(|n| if n == nth { fields[n] } else { "*" }).collect();
        let told = || {
            format!(
                "the {name} \"{}\" is none: it takes {takes}, *, lists (1,2), ranges (1-5) and steps (*/5)",
                fields[nth]
            )
        };
        Cron::from_str(&alone.join(" ")).is_err().then(told)
    };
    let wrong: Vec<String> = FIELDS.iter().enumerate().filter_map(wrong).collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    // A date that never comes (30 February) is a pattern all the same; only the search shows it.
    let somewhen = DateTime::<Utc>::UNIX_EPOCH;
    let comes = Cron::from_str(pattern).is_ok_and(|cron| cron.find_next_occurrence(&somewhen, false).is_ok());
    if comes { Ok(()) } else { Err(vec!["it never comes due".to_string()]) }
}

/// The first due time after an instant; none where a pattern never comes due again or cannot be read.
pub fn next_due(schedules: &[Schedule], after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    schedules.iter().filter_map(|schedule| next_of(schedule, after)).min()
}

fn next_of(schedule: &Schedule, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let cron = Cron::from_str(&schedule.pattern).ok()?;
    let mut after = after.with_timezone(&schedule.zone);
    for _ in 0..MOST_CLOSED_DAYS {
        let next = cron.find_next_occurrence(&after, false).ok()?;
        let day = next.date_naive();
        if schedule.closed.why(day).is_none() {
            return Some(next.with_timezone(&Utc));
        }
        after = last_second(schedule.zone, day).unwrap_or(next);
    }
    None
}

/// Does a pattern, which comes due somewhen, do so on an open day? Asked of a fixed year: the answer must not change with
/// the day on which a configuration is read.
pub fn ever_comes_due(schedule: &Schedule) -> bool {
    const NEW_YEAR_2026: DateTime<Utc> = match DateTime::from_timestamp(1_767_225_600, 0) {
        Some(instant) => instant,
        None => DateTime::UNIX_EPOCH,
    };
    next_of(schedule, NEW_YEAR_2026).is_some()
}

/// Of a day in a zone; none where the clock jumps over it.
fn last_second(zone: Tz, day: NaiveDate) -> Option<DateTime<Tz>> {
    let time = NaiveTime::from_hms_opt(23, 59, 59)?;
    zone.from_local_datetime(&day.and_time(time)).latest()
}

/// What came due after `handled` and up to `now`, according to what each schedule says of missed times.
pub fn due(schedules: &[Schedule], handled: DateTime<Utc>, now: DateTime<Utc>) -> Due {
    let mut runs = BTreeSet::new();
    let mut newest_once = None;
    let mut due = Due::default();
    for schedule in schedules {
        let wanted = if schedule.missed == Missed::Once { 1 } else { MOST_COUNTED };
        let mut passed = passed(schedule, handled, now, wanted);
        due.handled = due.handled.max(passed.first().copied());
        let made_up_for = match schedule.missed {
            Missed::Once => {
                newest_once = newest_once.max(passed.first().copied());
                continue;
            }
            Missed::Each => MOST_CAUGHT_UP,
            Missed::Skip => usize::from(passed.first().is_some_and(|newest| now - *newest <= on_time())),
        };
        due.skipped += passed.len().saturating_sub(made_up_for);
        passed.truncate(made_up_for);
        runs.extend(passed);
    }
    runs.extend(newest_once);
    due.runs = runs.into_iter().collect();
    due
}

fn on_time() -> chrono::Duration {
    chrono::Duration::from_std(ON_TIME).expect("a constant of minutes fits")
}

/// The newest due times in `(handled, now]`, the newest first. Searched backwards, so that a month of standstill costs
/// nothing where only the newest is wanted.
fn passed(schedule: &Schedule, handled: DateTime<Utc>, now: DateTime<Utc>, wanted: usize) -> Vec<DateTime<Utc>> {
    let mut found = Vec::new();
    let Ok(cron) = Cron::from_str(&schedule.pattern) else { return found };
    let (mut at, mut inclusive) = (now.with_timezone(&schedule.zone), true);
    while found.len() < wanted {
        let Ok(previous) = cron.find_previous_occurrence(&at, inclusive) else { break };
        if previous <= handled {
            break;
        }
        let day = previous.date_naive();
        let day_before = day.checked_sub_days(Days::new(1)).and_then(|before| last_second(schedule.zone, before));
        (at, inclusive) = match (schedule.closed.why(day), day_before) {
            (Some(_), Some(end)) => (end, true),
            (Some(_), None) => (previous, false),
            (None, _) => {
                found.push(previous.with_timezone(&Utc));
                (previous, false)
            }
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rules::holidays::{Calendar, Closed, Day, Region};
    use chrono_tz::{America::New_York, Europe::Berlin, Europe::Stockholm};

    fn schedule(pattern: &str, zone: Tz, missed: Missed) -> Schedule {
        check(pattern).unwrap();
        Schedule { pattern: pattern.to_string(), zone, missed, closed: Closed::default() }
    }

    fn closed(pattern: &str, zone: Tz, missed: Missed, region: &str, days: &[&str]) -> Schedule {
        let calendar = Calendar {
            regions: Region::find(region).into_iter().collect(),
            days: days.iter().map(|day| Day::parse(day).unwrap()).collect(),
            ..Calendar::default()
        };
        Schedule { closed: Closed(vec![calendar.into()]), ..schedule(pattern, zone, missed) }
    }

    #[test]
    fn what_falls_on_a_closed_day_does_not_come_due() {
        let table = [
            // Thursday before Easter to Tuesday after it.
            ("0 5 * * *", Berlin, "DE", "2026-04-02T12:00", Some("2026-04-04T03:00")),
            ("0 5 * * 1-5", Berlin, "DE", "2026-04-02T12:00", Some("2026-04-07T03:00")),
            ("* * * * *", Berlin, "DE", "2026-04-02T21:59", Some("2026-04-03T22:00")),
            ("*/20 8-17 * * *", Stockholm, "SE", "2026-06-05T15:40", Some("2026-06-07T06:00")),
            // The day is the zone's: Christmas in Berlin is over at 23:00 UTC.
            ("30 23 * * *", Tz::UTC, "DE", "2026-12-24T23:30", Some("2026-12-27T23:30")),
            ("15 0 * * *", Berlin, "DE", "2026-12-24T12:00", Some("2026-12-26T23:15")),
            // A closed Easter Sunday in the night of the changed clock.
            ("30 2 * * *", Berlin, "DE-BB", "2024-03-30T12:00", Some("2024-04-02T00:30")),
            ("0 5 25 12 *", Berlin, "DE", "2026-01-01T00:00", None),
            ("0 5 1 1 *", Berlin, "XX", "2026-01-01T12:00", Some("2027-01-01T04:00")),
        ];
        for (pattern, zone, region, after, next) in table {
            let found = next_due(&[closed(pattern, zone, Missed::Once, region, &[])], utc(after));
            assert_eq!(found, next.map(utc), "{pattern} in {zone} after {after}");
        }
        let one = closed("0 5 * * *", Berlin, Missed::Each, "DE", &["2026-04-04"]);
        let found = due(&[one], utc("2026-04-02T12:00"), utc("2026-04-07T12:00"));
        assert_eq!(texts(&found), ["2026-04-05T03:00", "2026-04-07T03:00"]);
        // A missed due time on a holiday never was due: nothing is handled, nothing skipped.
        let one = closed("0 5 * * *", Berlin, Missed::Once, "DE", &[]);
        assert_eq!(due(&[one], utc("2026-12-24T12:00"), utc("2026-12-26T12:00")), Due::default());
    }

    fn utc(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&format!("{text}:00Z")).unwrap().with_timezone(&Utc)
    }

    fn texts(due: &Due) -> Vec<String> {
        due.runs.iter().map(|at| at.format("%Y-%m-%dT%H:%M").to_string()).collect()
    }

    #[test]
    fn the_next_due_time_keeps_the_wall_clock() {
        // (pattern, zone, after, next): 5:00 stays 5:00 when the offset changes.
        let table = [
            ("0 5 * * *", Stockholm, "2026-03-28T04:00", "2026-03-29T03:00"),
            ("0 5 * * *", Stockholm, "2026-10-24T03:00", "2026-10-25T04:00"),
            ("0 5 * * *", New_York, "2026-03-07T10:00", "2026-03-08T09:00"),
            // 02:30 does not exist: first instant after the gap.
            ("30 2 * * *", Berlin, "2026-03-28T12:00", "2026-03-29T01:00"),
            ("30 2 * * *", Berlin, "2026-03-29T01:00", "2026-03-30T00:30"),
            ("30 2 * * *", New_York, "2026-03-07T12:00", "2026-03-08T07:00"),
            // 02:30 exists twice: once, at the first.
            ("30 2 * * *", Berlin, "2026-10-24T12:00", "2026-10-25T00:30"),
            ("30 2 * * *", Berlin, "2026-10-25T00:30", "2026-10-26T01:30"),
            ("30 1 * * *", New_York, "2026-10-31T12:00", "2026-11-01T05:30"),
            ("30 1 * * *", New_York, "2026-11-01T05:30", "2026-11-02T06:30"),
            // Monday is 1; working days.
            ("0 6 * * 1-5", Berlin, "2026-11-20T05:00", "2026-11-23T05:00"),
            ("0 6 L * *", Berlin, "2026-02-01T00:00", "2026-02-28T05:00"),
        ];
        for (pattern, zone, after, next) in table {
            let found = next_due(&[schedule(pattern, zone, Missed::Once)], utc(after));
            assert_eq!(found, Some(utc(next)), "{pattern} in {zone} after {after}");
        }
        assert_eq!(next_due(&[], utc("2026-01-01T00:00")), None);
    }

    #[test]
    fn an_interval_runs_through_the_doubled_hour_and_not_through_the_missing_one() {
        for (zone, from, to, runs) in [
            (Berlin, "2026-10-24T23:59", "2026-10-25T03:00", 7),
            (Berlin, "2026-03-28T23:59", "2026-03-29T03:00", 7),
            (New_York, "2026-11-01T03:59", "2026-11-01T07:00", 7),
            (Stockholm, "2026-10-24T23:59", "2026-10-25T03:00", 7),
        ] {
            let found = due(&[schedule("*/30 * * * *", zone, Missed::Each)], utc(from), utc(to));
            assert_eq!(found.runs.len(), runs, "{zone} from {from}: {:?}", texts(&found));
        }
    }

    #[test]
    fn looking_back_finds_what_looking_ahead_finds() {
        let patterns = ["30 2 * * *", "*/30 * * * *", "0 5 * * 1-5", "15 1,2,3 * * *", "0 */2 * * *", "59 23 L * *"];
        let nights = ["2026-03-07", "2026-03-28", "2026-10-24", "2026-10-31", "2026-12-31"];
        for zone in [Berlin, Stockholm, New_York, Tz::UTC] {
            for (pattern, night) in patterns.iter().flat_map(|p| nights.iter().map(move |n| (p, n))) {
                let one = closed(pattern, zone, Missed::Each, "DE-SN", &["03-30", "11-01"]);
                let (from, to) =
                    (utc(&format!("{night}T12:00")), utc(&format!("{night}T12:00")) + chrono::Days::new(3));
                let mut ahead = Vec::new();
                let mut at = from;
                while let Some(next) = next_due(std::slice::from_ref(&one), at).filter(|next| *next <= to) {
                    ahead.push(next);
                    at = next;
                }
                assert_eq!(due(&[one], from, to).runs, ahead, "{pattern} in {zone} from {from}");
            }
        }
    }

    #[test]
    fn missed_times_are_run_once_each_or_not_at_all() {
        let (handled, now) = (utc("2026-06-01T04:00"), utc("2026-06-04T10:00"));
        let at = |missed| due(&[schedule("0 5 * * *", Tz::UTC, missed)], handled, now);
        assert_eq!(texts(&at(Missed::Once)), ["2026-06-04T05:00"]);
        assert_eq!(
            texts(&at(Missed::Each)),
            ["2026-06-01T05:00", "2026-06-02T05:00", "2026-06-03T05:00", "2026-06-04T05:00"]
        );
        let skipped = at(Missed::Skip);
        assert_eq!((texts(&skipped).len(), skipped.handled), (0, Some(utc("2026-06-04T05:00"))));
        assert_eq!((at(Missed::Once).skipped, at(Missed::Each).skipped, skipped.skipped), (0, 0, 4));
    }

    #[test]
    fn a_little_late_is_not_missed() {
        let one = [schedule("0 5 * * *", Tz::UTC, Missed::Skip)];
        assert_eq!(texts(&due(&one, utc("2026-06-04T04:59"), utc("2026-06-04T05:05"))), ["2026-06-04T05:00"]);
        assert!(texts(&due(&one, utc("2026-06-04T04:59"), utc("2026-06-04T05:06"))).is_empty());
        let late = due(&one, utc("2026-06-02T04:59"), utc("2026-06-04T05:05"));
        assert_eq!((texts(&late), late.skipped), (vec!["2026-06-04T05:00".to_string()], 2));
    }

    #[test]
    fn every_instant_is_due_once() {
        // Two patterns that meet make one run; what was handled is not due again; a clock set back owes nothing.
        let both = [schedule("0 5 * * *", Tz::UTC, Missed::Each), schedule("0 */5 * * *", Tz::UTC, Missed::Each)];
        let first = due(&both, utc("2026-06-04T04:00"), utc("2026-06-04T05:00"));
        assert_eq!(texts(&first), ["2026-06-04T05:00"]);
        assert_eq!(due(&both, first.handled.unwrap(), utc("2026-06-04T05:01")), Due::default());
        assert_eq!(due(&both, utc("2026-06-04T05:00"), utc("2026-06-03T05:00")), Due::default());
        // Of two patterns that both catch up once, the newest due time alone.
        let once = [schedule("0 5 * * *", Tz::UTC, Missed::Once), schedule("0 6 * * *", Tz::UTC, Missed::Once)];
        assert_eq!(texts(&due(&once, utc("2026-06-01T00:00"), utc("2026-06-04T12:00"))), ["2026-06-04T06:00"]);
    }

    #[test]
    fn a_year_of_standstill_is_bounded() {
        let every_minute = [schedule("* * * * *", Tz::UTC, Missed::Each)];
        let found = due(&every_minute, utc("2025-06-04T05:00"), utc("2026-06-04T05:00"));
        assert_eq!(found.runs.len(), MOST_CAUGHT_UP);
        assert_eq!(found.runs.last(), Some(&utc("2026-06-04T05:00")));
        assert_eq!(found.skipped, MOST_COUNTED - MOST_CAUGHT_UP);
    }

    #[test]
    fn bad_patterns_are_explained() {
        for (pattern, words) in [
            ("61 * * * *", "the minute \"61\" is none: it takes 0 to 59"),
            ("5 am", "2 fields and not 5"),
            ("0 0 5 * * *", "6 fields and not 5"),
            ("", "0 fields"),
            ("0 0 30 2 *", "never"),
            ("* * * * MOO", "the weekday \"MOO\" is none"),
        ] {
            let errors = check(pattern).unwrap_err();
            assert!(errors.len() == 1 && errors[0].contains(words), "{pattern}: {errors:?}");
        }
        let all = check("61 25 0 JAM 9").unwrap_err();
        assert_eq!(all.len(), 5, "{all:?}");
    }
}
