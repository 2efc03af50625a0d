//! Due times against another's reckoning: `systemd-analyze calendar`, over the nights on which the clock changes, in three
//! zones, one of which changes it by half an hour. Skipped, with a line, where systemd is not there.
//!
//! Measured with systemd 252: it leaves out a fixed time that does not exist (we run it at the first instant after the gap)
//! and the second pass of an interval through a doubled hour (we run through both). The test expects exactly these two.

use std::process::Command;

use chrono::{DateTime, Days, Offset, TimeDelta, Utc};
use chrono_tz::{America::New_York, Australia::Lord_Howe, Europe::Berlin, Tz};
use nattpost::model::feed::{Missed, Schedule};
use nattpost::model::rules::holidays::Closed;
use nattpost::model::rules::schedule::{due, next_due};

struct Pattern {
    ours: &'static str,
    theirs: &'static str,
    /// Its one time of day, in minutes; none for an interval, and several times of a day are one.
    fixed: Option<i32>,
}

const PATTERNS: [Pattern; 8] = [
    Pattern { ours: "30 2 * * *", theirs: "*-*-* 02:30:00", fixed: Some(150) },
    Pattern { ours: "45 1 * * *", theirs: "*-*-* 01:45:00", fixed: Some(105) },
    Pattern { ours: "15 1,2,3 * * *", theirs: "*-*-* 01,02,03:15:00", fixed: None },
    Pattern { ours: "0 5 * * 1-5", theirs: "Mon..Fri *-*-* 05:00:00", fixed: Some(300) },
    Pattern { ours: "10 0 * * 0", theirs: "Sun *-*-* 00:10:00", fixed: Some(10) },
    Pattern { ours: "59 23 L * *", theirs: "*-*~01 23:59:00", fixed: Some(1439) },
    Pattern { ours: "*/30 * * * *", theirs: "*-*-* *:00/30:00", fixed: None },
    Pattern { ours: "0 */2 * * *", theirs: "*-*-* 00/2:00:00", fixed: None },
];

/// The instant at which the clock changes.
const NIGHTS: [(Tz, &str); 6] = [
    (Berlin, "2026-03-29T01:00:00Z"),
    (Berlin, "2026-10-25T01:00:00Z"),
    (New_York, "2026-03-08T07:00:00Z"),
    (New_York, "2026-11-01T06:00:00Z"),
    (Lord_Howe, "2026-10-03T15:30:00Z"),
    (Lord_Howe, "2026-04-04T15:00:00Z"),
];

fn calendar(words: &[&str]) -> Option<String> {
    let done = Command::new("systemd-analyze").args(words).env("TZ", "UTC").output().ok()?;
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "systemd-analyze {words:?}: {}", String::from_utf8_lossy(&done.stderr));
    Some(told)
}

/// What systemd says comes due in `(from, to]`.
fn theirs(pattern: &Pattern, zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let base = format!("--base-time={}", from.format("%Y-%m-%d %H:%M:%S UTC"));
    // Each costs it time, those of a day much.
    let most = if pattern.fixed.is_some() { 8 } else { 300 };
    let most = format!("--iterations={most}");
    let told = calendar(&["calendar", &base, &most, &format!("{} {zone}", pattern.theirs)]).unwrap();
    let instants = told.lines().filter_map(|line| {
        let line = line.trim();
        let is_one = line.starts_with("Next elapse:") || line.starts_with("Iter. #");
        let (_, instant) = line.split_once(": ").filter(|_| is_one)?;
        let instant = instant.trim().split_once(' ').unwrap().1.strip_suffix(" UTC").unwrap();
        Some(chrono::NaiveDateTime::parse_from_str(instant, "%Y-%m-%d %H:%M:%S").unwrap().and_utc())
    });
    let all: Vec<DateTime<Utc>> = instants.collect();
    assert!(all.last() > Some(&to), "{}: asked for too few", pattern.theirs);
    all.into_iter().filter(|at| *at > from && *at <= to).collect()
}

fn schedule(pattern: &Pattern, zone: Tz, missed: Missed) -> Schedule {
    Schedule { pattern: pattern.ours.to_string(), zone, missed, closed: Closed::default() }
}

/// So many seconds the clock goes forward at this instant (back: negative).
fn shift(zone: Tz, change: DateTime<Utc>) -> i32 {
    let offset = |at: DateTime<Utc>| at.with_timezone(&zone).offset().fix().local_minus_utc();
    offset(change) - offset(change - TimeDelta::seconds(1))
}

/// What we run and systemd does not.
fn ours_alone(pattern: &Pattern, zone: Tz, change: DateTime<Utc>, theirs: &[DateTime<Utc>]) -> Vec<DateTime<Utc>> {
    let shift = shift(zone, change);
    let after = change.with_timezone(&zone).time();
    let after = (after - chrono::NaiveTime::MIN).num_minutes() as i32;
    let in_gap = |minute| shift > 0 && minute < after && minute >= after - shift / 60;
    if pattern.fixed.is_some_and(in_gap) {
        return vec![change];
    }
    let length = TimeDelta::seconds(i64::from(-shift));
    let first_pass = |at: &&DateTime<Utc>| pattern.fixed.is_none() && **at >= change - length && **at < change;
    theirs.iter().filter(first_pass).map(|at| *at + length).collect()
}

#[test]
fn due_times_are_those_of_systemd_in_the_nights_of_the_clock() {
    let Some(version) = calendar(&["--version"]) else {
        eprintln!("skipped: there is no systemd-analyze to compare with");
        return;
    };
    let mut differences = 0;
    for (zone, change) in NIGHTS {
        let change: DateTime<Utc> = change.parse().unwrap();
        assert_ne!(shift(zone, change), 0, "{zone}: nothing changes at {change}");
        let (from, to) = (change - TimeDelta::hours(14), change + Days::new(4));
        for pattern in &PATTERNS {
            let what = format!("{} in {zone} at {change}, {}", pattern.ours, version.lines().next().unwrap());
            let theirs = theirs(pattern, zone, from, to);
            let alone = ours_alone(pattern, zone, change, &theirs);
            differences += alone.len();
            let mut expected = [theirs, alone].concat();
            expected.sort();

            let mut found = Vec::new();
            let mut at = from;
            while let Some(next) = next_due(&[schedule(pattern, zone, Missed::Once)], at).filter(|next| *next <= to) {
                found.push(next);
                at = next;
            }
            assert_eq!(found, expected, "{what}");

            // A daemon that was asleep over the whole of it, and woke an hour after the last one.
            let wakes = to + TimeDelta::hours(1);
            let of = |missed| due(&[schedule(pattern, zone, missed)], from, wakes);
            let upto = |all: Vec<DateTime<Utc>>| all.into_iter().filter(|at| *at <= to).collect::<Vec<_>>();
            assert_eq!(upto(of(Missed::Each).runs), expected, "each: {what}");
            let newest = of(Missed::Each).runs.last().copied();
            assert_eq!(of(Missed::Once).runs, newest.into_iter().collect::<Vec<_>>(), "once: {what}");
            let skipped = of(Missed::Skip);
            assert_eq!(skipped.handled, newest, "skip: {what}");
            assert_eq!(skipped.runs.len() + skipped.skipped, of(Missed::Each).runs.len(), "skip: {what}");
            assert!(skipped.runs.iter().all(|at| wakes - *at <= TimeDelta::minutes(5)), "skip: {what}");
        }
    }
    assert!(differences > 0, "the two reckonings were expected to differ");
}
