//! What changes between the problems that are open and the conditions found now: what begins, is worth telling, changes, falls
//! quiet, is back, is over. One problem per condition, however often it comes and goes within its quiet time.
//!
//! A kind that was not looked at says nothing: its problems stay as they are. So nothing ends before it was looked for.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::problem::{Condition, Kind, Level};

/// A problem that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Handle of whoever keeps it.
    pub no: i64,
    pub kind: Kind,
    pub about: String,
    pub part: String,
    pub level: Level,
    pub count: u64,
    pub words: String,
    pub advice: String,
    pub began_at: DateTime<Utc>,
    pub told_at: Option<DateTime<Utc>>,
    /// It is gone since then, and not yet for long enough.
    pub calm_since: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `tell`: at once.
    Begin {
        condition: Condition,
        tell: bool,
    },
    /// It has lasted long enough.
    Tell {
        no: i64,
    },
    /// Other words, another count; `told`: those who hear of its new level only now are told.
    Update {
        no: i64,
        condition: Condition,
        told: bool,
    },
    Calm {
        no: i64,
    },
    /// It is the same problem, once more.
    Back {
        no: i64,
    },
    /// `told`: whoever was told of it hears of its end.
    End {
        no: i64,
        told: bool,
    },
}

pub fn reconcile(open: &[Open], found: &[Condition], looked: &[Kind], now: DateTime<Utc>) -> Vec<Change> {
    // The same condition found twice is one.
    let found: BTreeMap<_, &Condition> = found.iter().map(|condition| (condition.key(), condition)).collect();
    let mut changes = Vec::new();
    for problem in open {
        match found.get(&(problem.kind, &problem.about[..], &problem.part[..])) {
            Some(condition) => still_there(problem, condition, now, &mut changes),
            None if looked.contains(&problem.kind) => changes.extend(gone(problem, now)),
            None => {}
        }
    }
    for (key, condition) in found {
        if !open.iter().any(|problem| (problem.kind, &problem.about[..], &problem.part[..]) == key) {
            changes.push(Change::Begin { condition: condition.clone(), tell: condition.kind.tell_after().is_zero() });
        }
    }
    changes
}

fn still_there(problem: &Open, condition: &Condition, now: DateTime<Utc>, changes: &mut Vec<Change>) {
    let no = problem.no;
    if problem.calm_since.is_some() {
        changes.push(Change::Back { no });
    }
    // What was once an error stays one: whoever hears of errors alone must hear of its end.
    let condition = Condition { level: condition.level.max(problem.level), ..condition.clone() };
    let is_same = (problem.level, problem.count, &problem.words, &problem.advice)
        == (condition.level, condition.count, &condition.words, &condition.advice);
    if !is_same {
        changes.push(Change::Update { no, condition, told: problem.told_at.is_some() });
    }
    if problem.told_at.is_none() && has_lasted(problem.began_at, problem.kind.tell_after(), now) {
        changes.push(Change::Tell { no });
    }
}

fn gone(problem: &Open, now: DateTime<Utc>) -> Option<Change> {
    let no = problem.no;
    let calm_since = problem.calm_since.unwrap_or(now);
    if has_lasted(calm_since, problem.kind.quiet(), now) {
        return Some(Change::End { no, told: problem.told_at.is_some() });
    }
    problem.calm_since.is_none().then_some(Change::Calm { no })
}

/// What lies this far ahead was noted by a clock that has been set back since; less is one that was corrected by a little.
const AHEAD_AT_MOST: TimeDelta = TimeDelta::minutes(10);

/// Nobody knows how long what a clock that was set back has noted has lasted: long enough, or it would be kept back until then.
fn has_lasted(since: DateTime<Utc>, time: TimeDelta, now: DateTime<Utc>) -> bool {
    now - since >= time || since > now + AHEAD_AT_MOST
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET_AND_LATE: Kind = Kind::WatchPoor;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_300_000 + minute * 60, 0).unwrap()
    }

    fn condition(kind: Kind, count: u64) -> Condition {
        Condition {
            kind,
            about: "dealer/orders".into(),
            part: String::new(),
            level: Level::Warning,
            count,
            words: format!("{count} of them"),
            advice: String::new(),
        }
    }

    fn open(kind: Kind, told: Option<i64>, calm: Option<i64>) -> Open {
        Open {
            no: 7,
            kind,
            about: "dealer/orders".into(),
            part: String::new(),
            level: Level::Warning,
            count: 1,
            words: "1 of them".into(),
            advice: String::new(),
            began_at: at(0),
            told_at: told.map(at),
            calm_since: calm.map(at),
        }
    }

    /// What a look of every minute says, the minutes in which it is there given: (minute, what).
    fn played(kind: Kind, there: &[(i64, i64)], until: i64) -> Vec<(i64, &'static str)> {
        let mut problem: Option<Open> = None;
        let mut said = Vec::new();
        for minute in 0..until {
            let found: Vec<Condition> =
                there.iter().filter(|(from, to)| (*from..*to).contains(&minute)).map(|_| condition(kind, 1)).collect();
            let before: Vec<Open> = problem.iter().cloned().collect();
            for change in reconcile(&before, &found, &[kind], at(minute)) {
                let word = match (&change, &mut problem) {
                    (Change::Begin { tell, .. }, _) => {
                        let told = tell.then_some(minute);
                        problem = Some(Open { began_at: at(minute), ..open(kind, told, None) });
                        if *tell { "told" } else { "begins" }
                    }
                    (Change::Tell { .. }, Some(p)) => {
                        p.told_at = Some(at(minute));
                        "told"
                    }
                    (Change::Calm { .. }, Some(p)) => {
                        p.calm_since = Some(at(minute));
                        "calm"
                    }
                    (Change::Back { .. }, Some(p)) => {
                        p.calm_since = None;
                        "back"
                    }
                    (Change::End { told, .. }, _) => {
                        problem = None;
                        if *told { "over" } else { "gone" }
                    }
                    other => panic!("{other:?}"),
                };
                said.push((minute, word));
            }
        }
        said
    }

    #[test]
    fn a_problem_begins_is_told_when_it_lasts_and_ends_when_it_is_quiet() {
        let table = [
            (vec![(0, 30)], vec![(0, "begins"), (10, "told"), (30, "calm"), (40, "over")]),
            // Over before it was told: nobody ever hears of it.
            (vec![(0, 3)], vec![(0, "begins"), (3, "calm"), (13, "gone")]),
            // It comes and goes: one problem, told once.
            (
                vec![(0, 3), (6, 9), (12, 15)],
                vec![
                    (0, "begins"),
                    (3, "calm"),
                    (6, "back"),
                    (9, "calm"),
                    (12, "back"),
                    (12, "told"),
                    (15, "calm"),
                    (25, "over"),
                ],
            ),
            // Quiet for long enough between: another one.
            (
                vec![(0, 11), (31, 33)],
                vec![
                    (0, "begins"),
                    (10, "told"),
                    (11, "calm"),
                    (21, "over"),
                    (31, "begins"),
                    (33, "calm"),
                    (43, "gone"),
                ],
            ),
        ];
        for (there, expected) in table {
            assert_eq!(played(QUIET_AND_LATE, &there, 60), expected, "{there:?}");
        }
        assert_eq!(
            played(Kind::ConfigBad, &[(2, 5), (6, 7)], 10),
            [(2, "told"), (5, "over"), (6, "told"), (7, "over")]
        );
    }

    #[test]
    fn what_was_not_looked_for_stays_as_it_is() {
        let problem = open(Kind::ConfigBad, Some(1), None);
        assert_eq!(reconcile(std::slice::from_ref(&problem), &[], &[Kind::FeedLate], at(9)), []);
        assert_eq!(reconcile(&[problem], &[], &[Kind::ConfigBad], at(9)), [Change::End { no: 7, told: true }]);
    }

    #[test]
    fn words_change_and_a_level_only_rises() {
        let worse = Condition { level: Level::Error, ..condition(Kind::FilesRefused, 3) };
        let changes =
            reconcile(&[open(Kind::FilesRefused, Some(5), None)], std::slice::from_ref(&worse), Kind::ALL, at(9));
        assert_eq!(changes, [Change::Update { no: 7, condition: worse, told: true }]);
        let error = Open { level: Level::Error, ..open(Kind::FilesRefused, Some(5), None) };
        assert_eq!(reconcile(&[error], &[condition(Kind::FilesRefused, 1)], Kind::ALL, at(9)), []);
    }

    #[test]
    fn found_twice_is_one_and_parts_are_apart() {
        let one = condition(Kind::ConfigBad, 1);
        let other = Condition { part: "2026-11-07".into(), ..one.clone() };
        let changes = reconcile(&[], &[one.clone(), other, one], Kind::ALL, at(0));
        assert_eq!(changes.len(), 2);
        assert!(changes.iter().all(|change| matches!(change, Change::Begin { tell: true, .. })));
    }

    #[test]
    fn a_clock_set_back_ends_nothing_early() {
        let calm = open(QUIET_AND_LATE, Some(10), Some(30));
        assert_eq!(reconcile(std::slice::from_ref(&calm), &[], Kind::ALL, at(20)), []);
        assert_eq!(reconcile(std::slice::from_ref(&calm), &[], Kind::ALL, at(30) + TimeDelta::minutes(10)).len(), 1);
        // By hours: what has begun or fallen quiet in the future would stay untold, or open, for as long.
        assert_eq!(reconcile(&[calm], &[], Kind::ALL, at(-300)), [Change::End { no: 7, told: true }]);
        let begun = open(QUIET_AND_LATE, None, None);
        let there = condition(QUIET_AND_LATE, 1);
        assert_eq!(reconcile(std::slice::from_ref(&begun), std::slice::from_ref(&there), Kind::ALL, at(-5)), []);
        assert_eq!(reconcile(&[begun], &[there], Kind::ALL, at(-300)), [Change::Tell { no: 7 }]);
    }
}
