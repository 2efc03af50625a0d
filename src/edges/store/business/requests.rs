//! Writes requests: each business key once, whatever file brings it. Existing ones are told, never overwritten, unless the
//! caller replaces one on purpose. Deciding what an existing one means (duplicate, change) is the caller's.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rusqlite::params;

use super::bind::Bound;
use super::changes::Changes;
use super::groups::Groups;
use super::insert::Insert;
use super::tables::KindTables;
use super::tally::Tally;
use crate::edges::fault;
use crate::edges::store::ledger::Cause;
use crate::edges::store::{FileNo, RowId, Tx};
use crate::model::batch::Message;
use crate::model::kind::Kind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    New(RowId),
    /// A request with this key is there; nothing was written.
    Exists(RowId),
}

/// Writes the requests of one file. Made once per file and kind; `finish` writes what it counted.
pub struct Requests<'t> {
    tx: &'t Tx<'t>,
    tables: Arc<KindTables>,
    insert: Insert<'t>,
    find: Option<Bound<'t>>,
    groups: Groups<'t>,
    tally: Tally<'t>,
    /// Of the requests, and of what is told about each order.
    changes: Vec<Changes<'t>>,
    /// Something was written.
    any: bool,
    file: FileNo,
}

impl Tx<'_> {
    pub fn requests<'t>(&'t self, kind: &Kind, file: FileNo) -> Result<Requests<'t>> {
        fault::point("store.requests")?;
        let Some(tables) = self.tables.of(kind).filter(|t| t.request) else {
            bail!("the kind \"{}\" is not a request", kind.name);
        };
        let mut changes = vec![Changes::of(self, &kind.name, file, Cause::Registration)?];
        if kind.name == "order" {
            changes.push(Changes::of(self, "order_status", file, Cause::Registration)?);
        }
        Ok(Requests {
            insert: Insert::new(),
            find: None,
            groups: Groups::new(self.conn, &tables),
            tally: Tally::new(self.conn, file),
            changes,
            any: false,
            tx: self,
            tables,
            file,
        })
    }
}

impl Requests<'_> {
    /// Writes the request if its key is new.
    pub fn insert(&mut self, message: Message<'_>) -> Result<Inserted> {
        fault::point("store.insert_request")?;
        let line = message.origin().line;
        self.try_insert(message)
            .with_context(|| format!("cannot insert the request of line {line} into \"{}\"", self.tables.head))
    }

    fn try_insert(&mut self, message: Message<'_>) -> Result<Inserted> {
        let tables = &*self.tables;
        let insert = self.insert.of(self.tx.conn, &tables.statements.insert, &tables.columns, &message.head())?;
        insert.set(1, self.file.0)?;
        insert.set(2, message.origin().line)?;
        if insert.execute()? == 0 {
            return Ok(Inserted::Exists(self.find(message)?));
        }
        let row = RowId(self.tx.conn.last_insert_rowid());
        self.groups.insert_all(row, message)?;
        self.tally.wrote_new();
        self.any = true;
        self.changes.iter_mut().for_each(|changes| changes.add_order(message));
        Ok(Inserted::New(row))
    }

    /// The row of the message's key.
    fn find(&mut self, message: Message<'_>) -> Result<RowId> {
        let find = match &mut self.find {
            Some(find) => find,
            empty => empty.insert(Bound::prepare(self.tx.conn, &self.tables.statements.find)?),
        };
        let head = message.head();
        for (nth, column) in self.tables.columns.iter().filter(|c| c.key).enumerate() {
            find.set_key(nth + 1, column, column.value(&head))?;
        }
        let mut rows = find.query();
        let row = rows.next()?.context("a request with this key exists and is not found")?;
        Ok(RowId(row.get(0)?))
    }

    /// Makes the request what the message says, wholly: what the message does not mention is gone. Its row id, and with
    /// it what was exported of it, stays.
    pub fn replace(&mut self, row: RowId, message: Message<'_>) -> Result<()> {
        fault::point("store.replace_request")?;
        self.try_replace(row, message)
            .with_context(|| format!("cannot replace row {} of \"{}\"", row.0, self.tables.head))
    }

    fn try_replace(&mut self, row: RowId, message: Message<'_>) -> Result<()> {
        let sql = format!("SELECT file_no FROM \"{}\" WHERE row_id = ?1", self.tables.head);
        let before: i64 = self.tx.conn.prepare_cached(&sql)?.query_row([row.0], |r| r.get(0))?;
        self.groups.delete_all(row)?;
        let mut update = Bound::prepare(self.tx.conn, &self.tables.statements.update)?;
        let next = update.set_node(1, &self.tables.columns, &message.head())?;
        update.set(next, self.file.0)?;
        update.set(next + 1, message.origin().line)?;
        update.set(next + 2, row.0)?;
        update.execute()?;
        self.groups.insert_all(row, message)?;
        self.tally.took_over(before, 1);
        self.any = true;
        self.changes.iter_mut().for_each(|changes| changes.add_order(message));
        Ok(())
    }

    /// Counts what was written in the ledger, and notes it for feeds. Without it the file does not know its rows.
    pub fn finish(self) -> Result<()> {
        fault::point("store.finish_requests")?;
        self.tally.finish()?;
        if self.any && self.tables.head == "orders" {
            self.tx.ring_for_open_orders()?;
        }
        self.changes.into_iter().try_for_each(Changes::finish)
    }
}

impl Tx<'_> {
    /// Gives an order a number of ours (`order_numbers = own`, or the ERP's with its first status). Never overwrites one.
    pub fn number_order(&self, row: RowId, order_no: &str) -> Result<bool> {
        fault::point("store.number_order")?;
        let sql = "UPDATE orders SET order_no = ?2 WHERE row_id = ?1 AND order_no IS NULL";
        let changed = self.conn.prepare_cached(sql)?.execute(params![row.0, order_no])?;
        Ok(changed == 1)
    }
}
