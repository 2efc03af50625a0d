//! Due times against a reckoning that knows no patterns: every minute of years is asked what the clock on the wall shows. In zones
//! whose clock jumps at midnight, by half an hour, by two, back over midnight, or for a month of fasting.

use chrono::{DateTime, Datelike, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use nattpost::model::feed::{Missed, Schedule};
use nattpost::model::rules::holidays::Closed;
use nattpost::model::rules::schedule::{due, next_due};

/// Zone, and the years that are played.
const ZONES: [(Tz, i32, i32); 11] = [
    // By half an hour, at two.
    (Tz::Australia__Lord_Howe, 2025, 2027),
    // At midnight, forward and back.
    (Tz::Atlantic__Azores, 2025, 2027),
    // 00:00 does not exist; back at midnight to the day before.
    (Tz::America__Santiago, 2025, 2027),
    (Tz::America__Asuncion, 2023, 2024),
    (Tz::Asia__Beirut, 2024, 2025),
    (Tz::America__Havana, 2025, 2026),
    // Back for Ramadan, forward after it.
    (Tz::Africa__Casablanca, 2024, 2027),
    // By two hours.
    (Tz::Antarctica__Troll, 2025, 2026),
    // An evening's hour.
    (Tz::America__Nuuk, 2024, 2026),
    (Tz::Europe__Berlin, 2026, 2026),
    (Tz::Asia__Tehran, 2021, 2022),
];

/// Pattern; and where it is one time of day: its hour and minute.
const PATTERNS: [(&str, Option<(u32, u32)>); 10] = [
    ("0 0 * * *", Some((0, 0))),
    ("15 2 * * *", Some((2, 15))),
    ("30 0 * * *", Some((0, 30))),
    ("30 23 * * *", Some((23, 30))),
    ("0 0 * * 0", Some((0, 0))),
    ("0 3 1 * *", Some((3, 0))),
    ("45 23 L * *", Some((23, 45))),
    ("*/15 * * * *", None),
    ("10 0-3 * * 1-6", None),
    ("5,35 0,23 * * *", None),
];

fn day_fits(pattern: &str, at: &impl Datelike) -> bool {
    match pattern {
        "0 0 * * 0" => at.weekday() == chrono::Weekday::Sun,
        "0 3 1 * *" => at.day() == 1,
        "45 23 L * *" => {
            let date = chrono::NaiveDate::from_ymd_opt(at.year(), at.month(), at.day()).unwrap();
            date.succ_opt().unwrap().day() == 1
        }
        "10 0-3 * * 1-6" => at.weekday() != chrono::Weekday::Sun,
        _ => true,
    }
}

fn time_fits(pattern: &str, fixed: Option<(u32, u32)>, hour: u32, minute: u32) -> bool {
    match (fixed, pattern) {
        (Some(time), _) => time == (hour, minute),
        (None, "*/15 * * * *") => minute.is_multiple_of(15),
        (None, "10 0-3 * * 1-6") => minute == 10 && hour <= 3,
        (None, "5,35 0,23 * * *") => (minute == 5 || minute == 35) && (hour == 0 || hour == 23),
        (None, other) => panic!("{other} is not reckoned here"),
    }
}

/// Minute by minute. A fixed time that does not exist falls on the first instant after the gap, where its day exists; one that is
/// there twice on the first.
fn reckoned(
    zone: Tz,
    pattern: &str,
    fixed: Option<(u32, u32)>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<DateTime<Utc>> {
    let mut found: Vec<DateTime<Utc>> = Vec::new();
    let mut before = from.with_timezone(&zone).naive_local();
    let mut latest = before;
    let mut at = from;
    while at < to {
        at += TimeDelta::minutes(1);
        let local = at.with_timezone(&zone).naive_local();
        let is_again = local <= latest;
        if fixed.is_some() {
            // All that the clock passed over since the minute before, this one with it.
            let mut wall = before + TimeDelta::minutes(1);
            while wall <= local {
                let jumped = wall != local;
                let day_exists =
                    zone.from_local_datetime(&wall.date().and_hms_opt(12, 0, 0).unwrap()).earliest().is_some();
                // Shown a second time, or passed over on a day that is passed over as a whole: no time of its own.
                let counts = if jumped { day_exists } else { !is_again };
                if counts
                    && time_fits(pattern, fixed, wall.hour(), wall.minute())
                    && day_fits(pattern, &wall)
                    && found.last() != Some(&at)
                {
                    found.push(at);
                }
                wall += TimeDelta::minutes(1);
            }
        } else if time_fits(pattern, fixed, local.hour(), local.minute()) && day_fits(pattern, &local) {
            found.push(at);
        }
        latest = latest.max(local);
        before = local;
    }
    found
}

/// Three days around each change of the clock.
fn nights(zone: Tz, first: i32, last: i32) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let offset = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local() - at.naive_utc();
    let (mut day, end) = (noon(first), noon(last + 1));
    let mut nights = Vec::new();
    while day < end {
        let next = day + TimeDelta::days(1);
        if offset(day) != offset(next) {
            nights.push((day - TimeDelta::days(2), next + TimeDelta::days(2)));
        }
        day = next;
    }
    nights
}

fn noon(year: i32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, 1, 4, 12, 0, 0).unwrap()
}

#[test]
fn due_times_are_those_of_the_clock_on_the_wall() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for (zone, first, last) in ZONES {
        let nights = nights(zone, first, last);
        assert!(nights.len() >= 2, "{zone}: {nights:?}");
        for (from, to) in nights {
            for (pattern, fixed) in PATTERNS {
                let expected = reckoned(zone, pattern, fixed, from, to);
                let one =
                    Schedule { pattern: pattern.to_string(), zone, missed: Missed::Each, closed: Closed::default() };
                let mut found = Vec::new();
                let mut at = from;
                while let Some(next) = next_due(std::slice::from_ref(&one), at).filter(|next| *next <= to) {
                    assert!(next > at, "{pattern} in {zone} stands still at {at}");
                    found.push(next);
                    at = next;
                }
                compared += found.len();
                // Asleep over all of it: looking back finds the same.
                let back = due(std::slice::from_ref(&one), from, to).runs;
                for (what, found) in [("ahead", found), ("back", back)] {
                    let odd: Vec<_> = found.iter().filter(|at| !expected.contains(at)).collect();
                    let lost: Vec<_> = expected.iter().filter(|at| !found.contains(at)).collect();
                    if !odd.is_empty() || !lost.is_empty() {
                        wrong.push(format!("{pattern} in {zone} to {to}, {what}: too much {odd:?}, missing {lost:?}"));
                    }
                }
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
