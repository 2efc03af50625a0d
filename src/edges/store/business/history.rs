//! Values of stock, prices and order status that were replaced: from when until when each held, and which file said it. Written in the
//! transaction that replaces it. What stands in the kind's own table is no part of it: a first load and what is said again write nothing
//! here; the row itself says since when it holds.
//!
//! A moment is what the file speaks of; of a file with a sequence, or with nothing, when it was first seen. No value holds from
//! before the one that it replaces: where a moment is not later, the value before it held for no time at all.

use std::collections::HashMap;

use anyhow::{Context, Result};
use rusqlite::{Connection, Row, params, params_from_iter};

use super::bind::Bound;
use super::condition::Condition;
use super::records::{FOUND_BEFORE_CELLS, Stamp};
use super::tables::KindTables;
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{Snapshot, Tx};

/// A row that says again what it said: rows of before there was a history begin to hold by the file that said it last before.
pub(super) const KEEP_SINCE: &str = "since = CASE WHEN since_file IS NULL THEN CASE WHEN as_of GLOB '[0-9]*' THEN as_of END ELSE since END, \
    since_line = CASE WHEN since_file IS NULL THEN file_line ELSE since_line END, since_file = COALESCE(since_file, file_no)";

/// Of the row `h`.
const SINCE: &str = "COALESCE(h.since, CASE WHEN h.since_file IS NULL AND h.as_of GLOB '[0-9]*' THEN h.as_of END, \
    (SELECT CASE WHEN COALESCE(b.first_as_of, b.as_of) GLOB '[0-9]*' THEN COALESCE(b.first_as_of, b.as_of) ELSE b.first_seen END \
     FROM file b WHERE b.file_no = COALESCE(h.since_file, h.file_no)), '')";

/// From when the value of the row of that name holds.
pub fn since(row: &str) -> String {
    SINCE.replace("h.", &format!("{row}."))
}

/// The moment of a closing: place 1 is the file, place 2 what it speaks of.
const CLOSED: &str =
    "CASE WHEN ?2 GLOB '[0-9]*' THEN ?2 ELSE (SELECT c.first_seen FROM file c WHERE c.file_no = ?1) END";

/// What `since` becomes in a row that is closed.
pub(super) fn closed_since() -> String {
    format!("max({CLOSED}, {SINCE})")
}

/// Keeps what one file replaces.
pub(super) struct History<'c> {
    conn: &'c Connection,
    insert: Bound<'c>,
    /// Of the file.
    moment: String,
    /// What rows without a moment of their own hold from is not the moment: they get it.
    is_own: bool,
    /// By file: from when its rows hold that say nothing else.
    moments: HashMap<i64, String>,
    /// Where the value that was kept last held until.
    until: String,
}

impl<'c> History<'c> {
    pub fn of(conn: &'c Connection, tables: &KindTables, stamp: &Stamp<'_>) -> Result<Self> {
        let mut history = History {
            conn,
            insert: Bound::prepare(conn, &insert(tables))?,
            moment: stamp.as_of.to_string(),
            is_own: false,
            moments: HashMap::new(),
            until: String::new(),
        };
        let of_file = history.moment_of(stamp.file.0)?.to_string();
        if !is_moment(stamp.as_of) {
            let sql = "SELECT first_seen FROM file WHERE file_no = ?1";
            history.moment = one(conn, sql, [stamp.file.0], |row| row.get(0))?.unwrap_or_default();
        }
        history.is_own = history.moment != of_file;
        Ok(history)
    }

    /// From when new rows hold, where that is not the moment of their file.
    pub fn own_moment(&self) -> Option<&str> {
        Some(self.moment.as_str()).filter(|_| self.is_own)
    }

    /// Keeps the row that was found and will be replaced. Since when the one in its place holds, where that is not the moment of
    /// its file.
    pub fn keep(&mut self, tables: &KindTables, stored: &Row<'_>) -> Result<Option<&str>> {
        fault::point("store.keep_value")?;
        let cells = tables.columns.len();
        for nth in 0..cells {
            self.insert.set_stored(nth + 1, stored.get_ref(FOUND_BEFORE_CELLS + nth)?)?;
        }
        let behind = FOUND_BEFORE_CELLS + cells;
        let (file, line): (i64, i64) = match stored.get::<_, Option<i64>>(behind + 1)? {
            Some(file) => (file, stored.get::<_, Option<i64>>(behind + 2)?.unwrap_or_default()),
            None => (stored.get(1)?, stored.get(behind)?),
        };
        let own: Option<String> = match stored.get::<_, Option<i64>>(behind + 1)? {
            Some(_) => stored.get(behind + 3)?,
            None => stored.get::<_, Option<String>>(2)?.filter(|as_of| is_moment(as_of)),
        };
        let since = match own {
            Some(own) => own,
            None => self.moment_of(file)?.to_string(),
        };
        self.insert.set(cells + 1, stored.get::<_, bool>(3)?)?;
        self.insert.set(cells + 2, file)?;
        self.insert.set(cells + 3, line)?;
        self.until = since.as_str().max(self.moment.as_str()).to_string();
        self.insert.set(cells + 4, &since)?;
        self.insert.set(cells + 5, &self.until)?;
        self.insert.execute().context("cannot keep a value that is replaced")?;
        Ok(Some(self.until.as_str()).filter(|until| self.is_own || *until != self.moment))
    }

    fn moment_of(&mut self, file: i64) -> Result<&str> {
        use std::collections::hash_map::Entry;
        Ok(match self.moments.entry(file) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let sql = "SELECT COALESCE(first_as_of, as_of), first_seen FROM file WHERE file_no = ?1";
                let found: Option<(String, String)> =
                    one(self.conn, sql, [file], |row| Ok((row.get(0)?, row.get(1)?)))?;
                let (as_of, first_seen) = found.unwrap_or_default();
                place.insert(if is_moment(&as_of) { as_of } else { first_seen })
            }
        })
    }
}

/// No sequence, and not nothing.
fn is_moment(as_of: &str) -> bool {
    as_of.starts_with(|first: char| first.is_ascii_digit())
}

fn names(tables: &KindTables) -> String {
    tables.columns.iter().map(|column| format!("\"{}\", ", column.name)).collect()
}

fn insert(tables: &KindTables) -> String {
    let places: Vec<String> = (1..=tables.columns.len() + 5).map(|place| format!("?{place}")).collect();
    format!(
        "INSERT INTO \"{}_history\" ({}active, file_no, file_line, since, until) VALUES ({})",
        tables.head,
        names(tables),
        places.join(", ")
    )
}

impl Tx<'_> {
    /// Keeps what a closing will close; places 1 to 3 as in `close_where`.
    pub(super) fn keep_where(&self, tables: &KindTables, condition: &Condition) -> Result<()> {
        fault::point("store.keep_closed")?;
        let cells: String = tables.columns.iter().map(|column| format!("h.\"{}\", ", column.name)).collect();
        let sql = format!(
            "INSERT INTO \"{}_history\" ({}active, file_no, file_line, since, until) SELECT {cells}h.active, \
             COALESCE(h.since_file, h.file_no), CASE WHEN h.since_file IS NULL THEN h.file_line ELSE h.since_line END, \
             {SINCE}, {} FROM \"{}\" h WHERE {}",
            tables.head,
            names(tables),
            closed_since(),
            tables.head,
            condition.text()
        );
        self.conn
            .prepare_cached(&sql)?
            .execute(params_from_iter(&condition.values))
            .with_context(|| format!("cannot keep what is closed in \"{}\"", tables.head))?;
        Ok(())
    }

    /// Takes away values of a kind that held until then at the latest; how many of the oldest are looked at is said.
    pub fn forget_values(&self, table: &str, until: &str, at_most: u32) -> Result<usize> {
        let sql = format!(
            "DELETE FROM {table}_history WHERE history_no IN (SELECT history_no FROM \
             (SELECT history_no, until FROM {table}_history ORDER BY history_no LIMIT ?2) WHERE until <= ?1)"
        );
        fault::point("store.forget_values")?;
        run(self.conn, &sql, params![until, at_most]).with_context(|| format!("cannot shorten {table}_history"))
    }
}

impl Snapshot<'_> {
    /// Tables of history with something to take away.
    pub fn long_histories(&self, until: &str, at_most: u32) -> Result<Vec<&'static str>> {
        let mut found = Vec::new();
        for table in super::tables::HISTORIES {
            let sql = format!(
                "SELECT 1 FROM (SELECT until FROM {table}_history ORDER BY history_no LIMIT ?2) WHERE until <= ?1 LIMIT 1"
            );
            let any: Vec<i64> = list(self.conn, &sql, params![until, at_most], |row| row.get(0))?;
            found.extend((!any.is_empty()).then_some(table));
        }
        Ok(found)
    }
}
