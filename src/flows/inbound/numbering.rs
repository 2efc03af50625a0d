//! Numbers of ours: of orders, and of customers and contacts who register. One way for all of them: the next one after both
//! marks, the ledger's and the spool's, which is raised before the commit that gives the number. So no number is given twice:
//! not after a crash, which at most loses some, and not by an older copy of the database.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::edges::spool::{Marks, Spool};
use crate::edges::store::Tx;
use crate::model::intake::NumberRange;

/// Name of the mark of our own order numbers.
pub const ORDER_NUMBERS: &str = "order";
/// Whose ranges there are; the name of a mark is this, a blank and where the range begins.
const RANGES: [&str; 2] = ["customer ", "contact "];

/// The next number of a mark, not below the first one.
pub fn next(tx: &Tx<'_>, given: &Marks, name: &str, first: u64) -> Result<u64> {
    let in_spool =
        if name == ORDER_NUMBERS { given.order } else { given.ranges.get(name).copied().unwrap_or_default() };
    let number = tx.high_water(name)?.max(in_spool).max(first.saturating_sub(1)) + 1;
    tx.raise_high_water(name, number)?;
    Ok(number)
}

/// The next number of a range that nobody has; none when it is used up.
pub fn next_of_range(tx: &Tx<'_>, given: &Marks, subject: &str, range: NumberRange) -> Result<Option<String>> {
    let name = format!("{subject} {}", range.first);
    loop {
        let before = tx.high_water(&name)?.max(given.ranges.get(&name).copied().unwrap_or_default());
        if before >= range.last {
            return Ok(None);
        }
        let number = next(tx, given, &name, range.first)?.to_string();
        if !tx.is_number_taken(subject, &number)? {
            return Ok(Some(number));
        }
    }
}

/// Before the commit, and on the disk: a number that is lost is better than one given twice.
pub fn keep(tx: &Tx<'_>, spool: &Spool, before: &Marks) -> Result<()> {
    let order = tx.high_water(ORDER_NUMBERS)?;
    let mut ranges = BTreeMap::new();
    for whose in RANGES {
        ranges.extend(tx.marks_of(whose)?.into_iter().map(|(from, number)| (format!("{whose}{from}"), number)));
    }
    let is_raised = |(name, number): (&String, &u64)| before.ranges.get(name).is_none_or(|known| known < number);
    if order > before.order || ranges.iter().any(is_raised) {
        spool.raise_marks(&Marks { order, ranges, ..Marks::default() })?;
    }
    Ok(())
}
