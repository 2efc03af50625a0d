//! The head rows of a selection: those of the table, and where there are sets those that are computed, merged by their key. Both
//! statements have the same columns in the same order; of one key the computed row counts.

use std::cmp::Ordering;

use anyhow::Result;
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{Row, Rows};

/// Parts of the key of stock, the last columns of both statements.
pub(super) const KEYS: usize = 2;

pub(super) struct Heads<'q> {
    rows: Rows<'q>,
    computed: Option<Computed<'q>>,
}

struct Computed<'q> {
    rows: Rows<'q>,
    first_key: usize,
    /// Which of the two was given last; both where they had the same key. Nothing before the first.
    given: Option<Ordering>,
}

impl<'q> Heads<'q> {
    pub fn of(rows: Rows<'q>, computed: Option<(Rows<'q>, usize)>) -> Self {
        let computed = computed.map(|(rows, first_key)| Computed { rows, first_key, given: None });
        Heads { rows, computed }
    }

    pub fn next(&mut self) -> Result<Option<&Row<'q>>> {
        let Some(computed) = &mut self.computed else { return Ok(self.rows.next()?) };
        if computed.given != Some(Ordering::Greater) {
            self.rows.advance()?;
        }
        if computed.given != Some(Ordering::Less) {
            computed.rows.advance()?;
        }
        let (stored, made) = (self.rows.get(), computed.rows.get());
        let order = match (stored, made) {
            (Some(stored), Some(made)) => compare(stored, made, computed.first_key)?,
            (_, None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        computed.given = Some(order);
        Ok(if order == Ordering::Less { stored } else { made })
    }
}

fn compare(one: &Row<'_>, other: &Row<'_>, first_key: usize) -> Result<Ordering> {
    for column in first_key..first_key + KEYS {
        let order = one.get_ref(column)?.as_bytes()?.cmp(other.get_ref(column)?.as_bytes()?);
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}
