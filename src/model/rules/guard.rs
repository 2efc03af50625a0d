//! The guard: does what would go out, or what came in, differ so much from what was there before that a person has to look?
//! Pure: counts and limits come in, the limits that were exceeded come out. Used by both directions.

use std::fmt;

use crate::model::decimal;

/// Percentages are kept like those of messages: 10 % is 100000.
const PERCENT_SCALE: u32 = 4;
const WHOLE_E4: u128 = 100 * 10_u128.pow(PERCENT_SCALE);

/// `5000`, `10 %` or `10 % and 6`. With both, both have to be exceeded: ten percent of twelve rows are no disaster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    percent_e4: Option<u64>,
    count: Option<u64>,
}

/// Of each list any limit locks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    pub creates: Vec<Limit>,
    pub changes: Vec<Limit>,
    pub deletes: Vec<Limit>,
    /// Of full files: how many rows fewer than last time.
    pub shrink: Option<Limit>,
}

/// What would be done. `base` is 100 %.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub base: u64,
    pub creates: u64,
    pub changes: u64,
    pub deletes: u64,
}

/// Which of the limits it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    Creates,
    Changes,
    Deletes,
    /// Rows that a full file lost.
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    pub counted: Counted,
    pub limit: Limit,
    pub found: u64,
    pub base: u64,
}

impl Limit {
    /// Nothing where the text is none, or a limit of nothing at all.
    pub fn parse(text: &str) -> Option<Limit> {
        let limit = match text.split_once("and") {
            None => match text.trim().strip_suffix('%') {
                Some(percent) => Limit { percent_e4: Some(parse_percent(percent)?), count: None },
                None => Limit { percent_e4: None, count: Some(parse_count(text)?) },
            },
            Some((percent, count)) => Limit {
                percent_e4: Some(parse_percent(percent.trim().strip_suffix('%')?)?),
                count: Some(parse_count(count)?),
            },
        };
        let says = |bound: Option<u64>| bound != Some(0);
        (says(limit.percent_e4) && says(limit.count)).then_some(limit)
    }

    fn is_exceeded(self, found: u64, base: u64) -> bool {
        let share = |most: u64| u128::from(found) * WHOLE_E4 > u128::from(most) * u128::from(base);
        found > 0 && self.percent_e4.is_none_or(share) && self.count.is_none_or(|most| found > most)
    }

    /// A part of the whole is needed to weigh it.
    pub fn is_relative(self) -> bool {
        self.percent_e4.is_some()
    }
}

fn parse_percent(text: &str) -> Option<u64> {
    let percent = decimal::parse(text.trim().as_bytes(), b'.', PERCENT_SCALE).ok()?;
    u64::try_from(percent).ok()
}

fn parse_count(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(percent) = self.percent_e4 {
            write!(f, "{} %", decimal::text(i64::try_from(percent).unwrap_or(i64::MAX), PERCENT_SCALE))?;
        }
        match (self.percent_e4, self.count) {
            (Some(_), Some(count)) => write!(f, " and {count}"),
            (None, Some(count)) => write!(f, "{count}"),
            _ => Ok(()),
        }
    }
}

impl Limits {
    /// Creates, changes and deletes have to be counted to weigh these.
    pub fn count(&self) -> bool {
        !(self.creates.is_empty() && self.changes.is_empty() && self.deletes.is_empty())
    }

    /// The base has to be counted to weigh these.
    pub fn are_relative(&self) -> bool {
        [&self.creates, &self.changes, &self.deletes].into_iter().flatten().any(|limit| limit.is_relative())
    }
}

/// Every kind of change at most once, with the first of its limits that is exceeded.
pub fn exceeded(limits: &Limits, tally: &Tally) -> Vec<Exceeded> {
    let rows = [
        (Counted::Creates, &limits.creates, tally.creates),
        (Counted::Changes, &limits.changes, tally.changes),
        (Counted::Deletes, &limits.deletes, tally.deletes),
    ];
    let weigh = |(counted, limits, found): (Counted, &Vec<Limit>, u64)| {
        let limit = *limits.iter().find(|limit| limit.is_exceeded(found, tally.base))?;
        Some(Exceeded { counted, limit, found, base: tally.base })
    };
    rows.into_iter().filter_map(weigh).collect()
}

/// A full file against the one before it.
pub fn shrunk(limit: Option<Limit>, before: u64, now: u64) -> Option<Exceeded> {
    let (limit, found) = (limit?, before.saturating_sub(now));
    limit.is_exceeded(found, before).then_some(Exceeded { counted: Counted::Lost, limit, found, base: before })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> Limit {
        Limit::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn limits_are_read_and_told_alike() {
        for (text, told) in [
            ("5000", "5000"),
            ("10 %", "10 %"),
            ("10%", "10 %"),
            ("2.5 %", "2.5 %"),
            ("10 % and 6", "10 % and 6"),
            ("10%and 6", "10 % and 6"),
        ] {
            assert_eq!(limit(text).to_string(), told, "{text}");
        }
        for text in [
            "",
            "0",
            "0 %",
            "10 % and 0",
            "0 % and 6",
            "-1",
            "-1 %",
            "+5",
            "ten",
            "10 and 6 %",
            "10 % and",
            "1 e3",
            "%",
        ] {
            assert_eq!(Limit::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_limit_is_exceeded_by_more_than_it_says() {
        let rows = [
            // limit, found, base, exceeded
            ("10 %", 10, 100, false),
            ("10 %", 11, 100, true),
            ("10 %", 0, 0, false),
            ("10 %", 1, 0, true),
            ("0.5 %", 5, 1_000, false),
            ("0.5 %", 6, 1_000, true),
            ("6", 6, 0, false),
            ("6", 7, 0, true),
            ("10 % and 6", 6, 10, false),
            ("10 % and 6", 7, 100, false),
            ("10 % and 6", 11, 100, true),
            ("100 %", u64::MAX, u64::MAX, false),
        ];
        for (text, found, base, expected) in rows {
            let limits = Limits { deletes: vec![limit(text)], ..Limits::default() };
            let tally = Tally { base, deletes: found, ..Tally::default() };
            assert_eq!(!exceeded(&limits, &tally).is_empty(), expected, "{text}: {found} of {base}");
        }
    }

    #[test]
    fn any_limit_of_a_list_locks_and_each_change_has_its_own() {
        let limits = Limits {
            deletes: vec![limit("10 % and 6"), limit("5000")],
            changes: vec![limit("40 %")],
            ..Limits::default()
        };
        let tally = Tally { base: 100_000, creates: 90_000, changes: 40_000, deletes: 5_001 };
        let found = exceeded(&limits, &tally);
        assert_eq!(found, [Exceeded { counted: Counted::Deletes, limit: limit("5000"), found: 5_001, base: 100_000 }]);
        let more = exceeded(&limits, &Tally { changes: 40_001, ..tally });
        assert_eq!(more.iter().map(|e| e.counted).collect::<Vec<_>>(), [Counted::Changes, Counted::Deletes]);
        assert!(limits.count() && limits.are_relative() && !Limits::default().count());
    }

    #[test]
    fn a_full_file_may_shrink_so_far() {
        let most = Some(limit("50 % and 20"));
        for (before, now, expected) in [
            (100, 50, None),
            (100, 49, Some(51)),
            (30, 10, None),
            (30, 9, Some(21)),
            (10, 0, None),
            (0, 0, None),
            (5, 90, None),
        ] {
            assert_eq!(shrunk(most, before, now).map(|e| e.found), expected, "{before} to {now}");
        }
        assert_eq!(shrunk(None, 100, 0), None);
    }
}
