//! What a delta says: which keys are looked at, what has become of each since the partner was last told, and whether it is
//! written. Pure: what he was told and what is so now come in, one operation comes out.

use crate::model::digest;

/// More keys than this are not listed and not looked up one by one: comparing everything is quicker.
pub const LISTED_MAX: u64 = 200_000;
/// From this part of all rows on, looking at all of them in order is quicker than finding some of them.
const PART_OF_ALL: u64 = 4;
/// So few are looked up whatever there is.
const ALWAYS_LISTED: u64 = 1_000;

/// Where the rows of a delta come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// All rows are merged with all that was delivered.
    Everything,
    /// The keys that were listed.
    Keys,
}

/// `listed`: every change since was listed, with `keys` keys. `shown`: rows that the partner holds.
pub fn look(listed: bool, keys: u64, shown: u64) -> Look {
    let few = keys <= ALWAYS_LISTED || keys <= shown / PART_OF_ALL;
    if listed && few && keys <= LISTED_MAX { Look::Keys } else { Look::Everything }
}

/// What the partner was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Was {
    /// `digest::UNKNOWN`: nobody knows.
    pub hash: u64,
    /// Told as 0.
    pub gone: bool,
}

/// What is so now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Is {
    pub hash: u64,
    /// Nothing of it is there: a stock of 0.
    pub gone: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Same,
    Create,
    Change,
    Delete,
}

impl Op {
    const ALL: [Op; 4] = [Op::Same, Op::Create, Op::Change, Op::Delete];
    /// What layouts have words for.
    pub const WORDS: [&str; 3] = ["create", "change", "delete"];

    /// As it is stored.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// As layouts say it; nothing where nothing has become of the row.
    pub fn word(self) -> Option<&'static str> {
        usize::from(self.code()).checked_sub(1).map(|nth| Op::WORDS[nth])
    }

    pub fn of_code(code: u8) -> Option<Op> {
        Op::ALL.into_iter().find(|op| op.code() == code)
    }

    /// As a partner reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            Op::Same => "same",
            Op::Create => "create",
            Op::Change => "change",
            Op::Delete => "delete",
        }
    }
}

/// On stock a row that becomes 0 is a delete, whether its record is closed or says so.
pub fn op(was: Option<Was>, is: Option<Is>) -> Op {
    let there = |gone: bool| !gone;
    match (was, is) {
        (None, None) => Op::Same,
        (None, Some(_)) => Op::Create,
        // Told as 0, and that is known.
        (Some(was), None) if was.gone && was.hash != digest::UNKNOWN => Op::Same,
        (Some(_), None) => Op::Delete,
        (Some(was), Some(is)) => match (there(was.gone), there(is.gone)) {
            (false, true) => Op::Create,
            (true, false) => Op::Delete,
            _ if was.hash == is.hash => Op::Same,
            _ => Op::Change,
        },
    }
}

/// What a partner is told about a key that another run, which he may have read, has told something about: also that it is as
/// it was before.
pub fn told_again(op: Op, was: Option<Was>, is: Option<Is>) -> Op {
    match (op, was, is) {
        (Op::Same, _, None) => Op::Delete,
        (Op::Same, _, Some(is)) if is.gone => Op::Delete,
        (Op::Same, _, Some(_)) => Op::Change,
        (op, ..) => op,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn was(hash: u64, gone: bool) -> Option<Was> {
        Some(Was { hash, gone })
    }

    fn is(hash: u64, gone: bool) -> Option<Is> {
        Some(Is { hash, gone })
    }

    #[test]
    fn few_listed_keys_are_looked_up_and_many_or_unlisted_ones_are_not() {
        let rows = [
            (true, 1_000, 1_000_000, Look::Keys),
            (true, 0, 0, Look::Keys),
            (true, 1_000, 10, Look::Keys),
            (true, 1_001, 10, Look::Everything),
            (true, 200_000, 1_000_000, Look::Keys),
            (true, 200_001, 1_000_000, Look::Everything),
            (true, 200_000, 700_000, Look::Everything),
            (false, 0, 1_000_000, Look::Everything),
        ];
        for (listed, keys, shown, expected) in rows {
            assert_eq!(look(listed, keys, shown), expected, "{keys} of {shown}, listed: {listed}");
        }
    }

    #[test]
    fn what_was_told_and_what_is_so_give_the_operation() {
        let rows = [
            (None, None, Op::Same),
            (None, is(5, false), Op::Create),
            (None, is(5, true), Op::Create),
            (was(5, false), is(5, false), Op::Same),
            (was(5, false), is(6, false), Op::Change),
            (was(5, false), None, Op::Delete),
            (was(5, false), is(6, true), Op::Delete),
            (was(5, true), None, Op::Same),
            (was(5, true), is(5, true), Op::Same),
            (was(5, true), is(6, true), Op::Change),
            (was(5, true), is(6, false), Op::Create),
            // Nobody knows what he holds: told whatever it is.
            (was(0, false), is(5, false), Op::Change),
            (was(0, false), None, Op::Delete),
            (was(0, true), None, Op::Delete),
            (was(0, true), is(5, true), Op::Change),
        ];
        for (was, is, expected) in rows {
            assert_eq!(op(was, is), expected, "{was:?} {is:?}");
        }
    }

    #[test]
    fn a_key_that_another_run_told_about_is_told_again() {
        for (was, is, expected) in [
            (was(5, false), is(5, false), Op::Change),
            (None, None, Op::Delete),
            (was(5, true), None, Op::Delete),
            (was(5, true), is(5, true), Op::Delete),
            (was(5, false), is(6, false), Op::Change),
            (None, is(6, false), Op::Create),
        ] {
            assert_eq!(told_again(op(was, is), was, is), expected, "{was:?} {is:?}");
        }
    }

    #[test]
    fn operations_are_stored_and_read() {
        for op in Op::ALL {
            assert_eq!(Op::of_code(op.code()), Some(op));
        }
        assert_eq!(Op::ALL.map(Op::word), [None, Some("create"), Some("change"), Some("delete")]);
        assert_eq!(Op::of_code(4), None);
    }
}
