//! Closes records and facts that a deletion names: only rows that the same partner wrote last, and that are not newer. What a
//! key means is `rules::deletion`'s.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use rusqlite::types::Value as SqlValue;
use rusqlite::{params, params_from_iter};

use super::changes::Changes;
use super::condition::Condition;
use super::records::Stamp;
use super::tables::KindTables;
use super::tally::Tally;
use crate::edges::fault;
use crate::edges::store::ledger::Cause;
use crate::edges::store::query::{one, run};
use crate::edges::store::{FileNo, Tx};
use crate::model::kind::Kind;

/// One deletion.
pub struct Removal<'a> {
    pub kind: &'a Kind,
    /// Fields of the kind's key with the values that rows must have; empty: all.
    pub named: &'a [(String, String)],
    /// Only rows that were last said before this moment.
    pub older_than: Option<&'a str>,
    pub as_of: &'a str,
    pub line: u32,
}

/// Rows that a deletion names, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    pub closed: u64,
    /// Closed before.
    pub gone: u64,
    /// Said later than the deletion.
    pub newer: u64,
    /// Another partner wrote them last.
    pub others: u64,
}

/// Carries out the deletions of one file; `finish` writes what it counted.
pub struct Removals<'t> {
    tx: &'t Tx<'t>,
    partner: String,
    file: FileNo,
    tally: Tally<'t>,
    changes: BTreeMap<String, Changes<'t>>,
}

impl Tx<'_> {
    pub fn removals(&self, partner: &str, stamp: &Stamp<'_>) -> Result<Removals<'_>> {
        fault::point("store.removals")?;
        run(
            self.conn,
            "UPDATE file SET as_of = ?2 WHERE file_no = ?1 AND as_of = ''",
            params![stamp.file.0, stamp.as_of],
        )?;
        Ok(Removals {
            tx: self,
            partner: partner.to_string(),
            file: stamp.file,
            tally: Tally::new(self.conn, stamp.file),
            changes: BTreeMap::new(),
        })
    }
}

/// What became of the rows that a condition names, by the file that wrote them.
const SORTS: &str = "h.active, f.partner IS ?4, COALESCE(h.as_of, f.as_of, '') > ?2, h.file_no";

impl<'t> Removals<'t> {
    /// How many rows of a kind a deletion of this partner could close.
    pub fn open_rows(&self, kind: &Kind) -> Result<u64> {
        let tables = self.tables(kind)?;
        let sql = format!("SELECT count(*) FROM \"{}\" h WHERE h.active = 1 AND {}", tables.head, his("?1"));
        let count: Option<i64> = one(self.tx.conn, &sql, [&self.partner], |row| row.get(0))?;
        Ok(count.unwrap_or_default().cast_unsigned())
    }

    pub fn remove(&mut self, removal: &Removal<'_>) -> Result<Removed> {
        fault::point("store.remove")?;
        let kind = removal.kind;
        self.try_remove(removal).with_context(|| format!("cannot delete rows of the kind \"{}\"", kind.name))
    }

    fn try_remove(&mut self, removal: &Removal<'_>) -> Result<Removed> {
        let tables = self.tables(removal.kind)?;
        let mut condition = self.condition(&tables, removal)?;
        let removed = self.look(&tables, &condition)?;
        if removed.closed == 0 {
            return Ok(removed);
        }
        condition.add("h.active = 1");
        condition.add(his("?4"));
        condition.add(format!("{} <= ?2", as_of()));
        let name = &removal.kind.name;
        if !self.changes.contains_key(name) {
            self.changes.insert(name.clone(), Changes::of(self.tx, name, self.file, Cause::Change)?);
        }
        let changes = self.changes.get_mut(name).context("it was put there")?;
        let closed = self.tx.close_where(&tables, &condition, changes)?;
        anyhow::ensure!(closed == removed.closed, "{closed} rows are closed of {}", removed.closed);
        Ok(removed)
    }

    fn tables(&self, kind: &Kind) -> Result<std::sync::Arc<KindTables>> {
        match self.tx.tables.of(kind).filter(|tables| !tables.request) {
            Some(tables) => Ok(tables),
            None => bail!("rows of the kind \"{}\" are never closed", kind.name),
        }
    }

    /// Places 1 to 4: the file, the moment, the line, the partner.
    fn condition(&self, tables: &KindTables, removal: &Removal<'_>) -> Result<Condition> {
        let mut condition = Condition::default();
        condition.place(SqlValue::Integer(self.file.0));
        condition.place_text(removal.as_of);
        condition.place(SqlValue::Integer(removal.line.into()));
        condition.place_text(&self.partner);
        for (field, value) in removal.named {
            condition.add_field(removal.kind, tables, field, value, |column| format!("h.\"{}\"", column.name))?;
        }
        if let Some(older_than) = removal.older_than {
            let moment = condition.place_text(older_than);
            condition.add(format!("{} < {moment}", as_of()));
        }
        Ok(condition)
    }

    /// What will become of the rows; those that will be closed are counted as taken over.
    fn look(&mut self, tables: &KindTables, condition: &Condition) -> Result<Removed> {
        let sql = format!(
            "SELECT {SORTS}, count(*), ?1, ?3 FROM \"{}\" h LEFT JOIN file f ON f.file_no = h.file_no WHERE {} GROUP BY 1, 2, 3, 4",
            tables.head,
            condition.text()
        );
        let mut statement = self.tx.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&condition.values))?;
        let mut removed = Removed::default();
        while let Some(row) = rows.next()? {
            let count: u64 = row.get::<_, i64>(4)?.cast_unsigned();
            match (row.get(0)?, row.get(1)?, row.get(2)?) {
                (false, _, _) => removed.gone += count,
                (true, false, _) => removed.others += count,
                (true, true, true) => removed.newer += count,
                (true, true, false) => {
                    removed.closed += count;
                    self.tally.took_over(row.get(3)?, count.cast_signed());
                }
            }
        }
        Ok(removed)
    }

    pub fn finish(self) -> Result<()> {
        fault::point("store.finish_removals")?;
        self.tally.finish()?;
        self.changes.into_values().try_for_each(Changes::finish)
    }
}

/// The partner whose name is there wrote it last.
fn his(place: &str) -> String {
    format!("h.file_no IN (SELECT f.file_no FROM file f WHERE f.partner = {place} AND f.rows_written > 0)")
}

fn as_of() -> String {
    "COALESCE(h.as_of, (SELECT f.as_of FROM file f WHERE f.file_no = h.file_no), '')".to_string()
}
