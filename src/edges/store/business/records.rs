//! Writes records and facts: the newest wins by key, an older one is `Stale`; of documents the newest revision. A missing field leaves the column, an empty
//! one clears it, a group that is mentioned replaces what was there. Equal values still move the row to this file, whose
//! `as_of` holds for it from now on.
//!
//! A first load is one INSERT per row: as long as rows turn out to be new, inserting is tried first; once rows exist,
//! they are looked up first.

use std::cmp::Ordering;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rusqlite::{Row, params};

use super::bind::{Bound, equals};
use super::changes::Changes;
use super::groups::Groups;
use super::history::History;
use super::insert::Insert;
use super::kept::Kept;
use super::tables::{KindTables, TableColumn};
use super::tally::Tally;
use crate::edges::fault;
use crate::edges::store::ledger::Cause;
use crate::edges::store::query::{one, run};
use crate::edges::store::{FileNo, RowId, Tx};
use crate::model::batch::{Message, Value};
use crate::model::kind::Kind;
use crate::model::rules::manifest::{REVISION, by_revision};

/// So many new rows in succession, and inserting is tried first again.
const NEW_IN_SUCCESSION: u32 = 4;

/// Rows that we make from what a partner said speak of no moment: whatever the ERP says of them is newer.
pub const MADE: &str = "";

/// Which file says it, and as of when: UTC ISO text or a sequence padded to one width, compared as text.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    pub file: FileNo,
    pub as_of: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    New,
    Changed,
    /// It was closed, and is there again.
    Reopened,
    /// Stock of which there was some, and is none now.
    Emptied,
    /// It says what is known; the row holds as of this file now.
    Unchanged,
    /// What is known is newer; nothing of what it says was written.
    Stale,
}

impl Applied {
    /// The row is another one now.
    pub fn is_change(self) -> bool {
        !matches!(self, Applied::Unchanged | Applied::Stale)
    }
}

/// Writes the records or facts of one file. Made once per file and kind; `finish` writes what it counted.
pub struct Records<'t> {
    tx: &'t Tx<'t>,
    tables: Arc<KindTables>,
    insert: Insert<'t>,
    find: Bound<'t>,
    update: Bound<'t>,
    touch: Bound<'t>,
    groups: Groups<'t>,
    tally: Tally<'t>,
    changes: Changes<'t>,
    file: FileNo,
    as_of: String,
    /// Stored on the row only where it differs from the file's.
    own_as_of: Option<String>,
    /// Rows in succession that were new; inserting is tried first from a few on.
    new_in_succession: u32,
    order_status: Option<Bound<'t>>,
    /// Of stock: which column is the quantity.
    quantity: Option<usize>,
    /// Of kinds whose values are kept when they are replaced.
    history: Option<History<'t>>,
    /// The sender's own fields that a feed asks for.
    kept: Option<Kept<'t>>,
    /// Of documents: which column is the revision.
    revision: Option<usize>,
    /// The one that is known and newer than that of the message before.
    newer_revision: Option<String>,
    /// Nothing that comes is older than what is known.
    overrules: bool,
    /// Some row is another one now.
    any: bool,
}

/// The columns of `find` before the cells: row_id (NULL for flat kinds), file_no, as_of, active.
pub(super) const FOUND_BEFORE_CELLS: usize = 4;

impl Tx<'_> {
    pub fn records<'t>(&'t self, kind: &Kind, stamp: &Stamp<'_>) -> Result<Records<'t>> {
        fault::point("store.records")?;
        let Some(tables) = self.tables.of(kind).filter(|t| !t.request) else {
            bail!("the kind \"{}\" is neither record nor fact", kind.name);
        };
        let conn = self.conn;
        run(conn, "UPDATE file SET as_of = ?2 WHERE file_no = ?1 AND as_of = ''", params![stamp.file.0, stamp.as_of])?;
        let file_as_of: Option<String> =
            one(conn, "SELECT as_of FROM file WHERE file_no = ?1", [stamp.file.0], |row| row.get(0))?;
        Ok(Records {
            insert: Insert::new(),
            find: Bound::prepare(conn, &tables.statements.find)?,
            update: Bound::prepare(conn, &tables.statements.update)?,
            touch: Bound::prepare(conn, &tables.statements.touch)?,
            groups: Groups::new(conn, &tables),
            tally: Tally::new(conn, stamp.file),
            changes: Changes::of(self, &kind.name, stamp.file, Cause::Change)?,
            file: stamp.file,
            as_of: stamp.as_of.to_string(),
            own_as_of: (stamp.as_of == MADE || file_as_of.as_deref() != Some(stamp.as_of))
                .then(|| stamp.as_of.to_string()),
            new_in_succession: NEW_IN_SUCCESSION,
            order_status: (kind.name == "order_status").then(|| Bound::prepare(conn, NUMBER_ORDER)).transpose()?,
            any: false,
            kept: None,
            history: tables.history.then(|| History::of(conn, &tables, stamp)).transpose()?,
            revision: tables.columns.iter().position(|column| kind.name == "document" && column.name == REVISION),
            newer_revision: None,
            overrules: false,
            quantity: tables.columns.iter().position(|column| kind.name == "stock" && column.name == "qty_e6"),
            tx: self,
            tables,
        })
    }
}

/// The ERP's number comes with its first status.
const NUMBER_ORDER: &str = "UPDATE orders SET order_no = ?1 WHERE buyer_order_no = ?2 AND customer_no = ?3 AND partner = ?4 AND order_no IS NULL";

impl<'t> Records<'t> {
    /// From now on the sender's own fields of these names are written too.
    pub fn keep(&mut self, owner: &str, names: Vec<Arc<str>>) -> Result<()> {
        let tx: &'t Tx<'t> = self.tx;
        self.kept = Kept::of(tx, &self.tables, owner, names)?;
        Ok(())
    }

    /// A person said that whatever comes is the newest.
    pub fn overrule(&mut self) {
        self.overrules = true;
    }

    /// The revision that is known, where the last message was stale for its own.
    pub fn newer_revision(&mut self) -> Option<String> {
        self.newer_revision.take()
    }

    pub fn apply(&mut self, message: Message<'_>) -> Result<Applied> {
        fault::point("store.apply")?;
        let line = message.origin().line;
        let mut applied = self
            .try_apply(message)
            .with_context(|| format!("cannot apply the message of line {line} to \"{}\"", self.tables.head))?;
        if let Some(kept) = self.kept.as_mut().filter(|_| applied != Applied::Stale)
            && kept.write(&self.tables, message)?
            && applied == Applied::Unchanged
        {
            applied = Applied::Changed;
        }
        if applied.is_change() {
            self.any = true;
            self.changes.add(message);
            self.number_order(message)?;
        }
        Ok(applied)
    }

    fn try_apply(&mut self, message: Message<'_>) -> Result<Applied> {
        let insert_first = self.new_in_succession >= NEW_IN_SUCCESSION;
        if insert_first && self.insert(message)? {
            return Ok(Applied::New);
        }
        match self.update(message)? {
            Some(applied) => {
                self.new_in_succession = 0;
                Ok(applied)
            }
            None if insert_first => bail!("a row with this key exists and is not found"),
            None => {
                self.new_in_succession += 1;
                anyhow::ensure!(self.insert(message)?, "a row with this key is not found and exists");
                Ok(Applied::New)
            }
        }
    }

    /// `false` when there is a row with this key.
    fn insert(&mut self, message: Message<'_>) -> Result<bool> {
        let tables = &*self.tables;
        let insert = self.insert.of(self.tx.conn, &tables.statements.insert, &tables.columns, &message.head())?;
        insert.set(1, self.file.0)?;
        insert.set(2, message.origin().line)?;
        if let Some(as_of) = &self.own_as_of {
            insert.set(3, as_of)?;
        }
        if let Some(history) = &self.history {
            insert.set(4, self.file.0)?;
            insert.set(5, message.origin().line)?;
            history.own_moment().map_or(Ok(()), |own| insert.set(6, own))?;
        }
        if insert.execute()? == 0 {
            return Ok(false);
        }
        if !self.tables.flat {
            self.groups.insert_all(RowId(self.tx.conn.last_insert_rowid()), message)?;
        }
        self.tally.wrote_new();
        Ok(true)
    }

    /// `None` when there is no row with this key.
    fn update(&mut self, message: Message<'_>) -> Result<Option<Applied>> {
        let head = message.head();
        for (nth, column) in self.tables.columns.iter().filter(|c| c.key).enumerate() {
            self.find.set_key(nth + 1, column, column.value(&head))?;
        }
        let mut rows = self.find.query();
        let Some(stored) = rows.next()? else { return Ok(None) };
        let stored_file: i64 = stored.get(1)?;
        let stored_as_of = match stored.get_ref(2)?.as_str_or_null()? {
            Some(own) => own,
            None => self.tally.as_of(stored_file)?,
        };
        let was_open: bool = stored.get(3)?;
        let known = match self.revision.filter(|_| was_open) {
            Some(nth) => stored.get_ref(FOUND_BEFORE_CELLS + nth)?.as_str_or_null()?,
            None => None,
        };
        let comes = self.revision.and_then(|nth| self.tables.columns[nth].value(&head).text());
        let by_revision = by_revision(comes, known);
        let said_before = self.as_of.as_str() < stored_as_of;
        let is_older = !self.overrules && by_revision.map_or(said_before, Ordering::is_lt);
        self.newer_revision = known.filter(|_| is_older && by_revision.is_some()).map(str::to_string);
        if is_older && said_before {
            return Ok(Some(Applied::Stale));
        }
        let emptied =
            was_open && self.quantity.is_some_and(|nth| is_emptied(&self.tables.columns, nth, message, stored));
        // An older revision in a later file says that the document is there, and no more.
        let head_changed = !is_older && (!was_open || !says_the_same(&self.tables.columns, message, stored)?);
        let groups_changed = match stored.get::<_, Option<i64>>(0)? {
            Some(row) => self.groups.replace(RowId(row), message)?,
            None => false,
        };
        let statement = if head_changed { &mut self.update } else { &mut self.touch };
        let mut place = 1;
        if head_changed {
            place = set_cells(statement, &self.tables.columns, message, stored)?;
        }
        statement.set(place, self.file.0)?;
        statement.set(place + 1, message.origin().line)?;
        // A newer revision in an earlier file, or a person's word: what was said since of other matters is no older for it.
        match Some(stored_as_of).filter(|_| said_before).or(self.own_as_of.as_deref()) {
            Some(as_of) => statement.set(place + 2, as_of)?,
            None => statement.clear(place + 2)?,
        }
        place += 3;
        if let Some(history) = self.history.as_mut().filter(|_| head_changed) {
            match history.keep(&self.tables, stored)? {
                Some(since) => statement.set(place, since)?,
                None => statement.clear(place)?,
            }
            place += 1;
        }
        for column in self.tables.columns.iter().filter(|c| c.key) {
            statement.set_key(place, column, column.value(&head))?;
            place += 1;
        }
        statement.execute()?;
        self.tally.took_over(stored_file, 1);
        Ok(Some(match () {
            () if is_older => Applied::Stale,
            () if emptied => Applied::Emptied,
            () if !was_open => Applied::Reopened,
            () if head_changed || groups_changed => Applied::Changed,
            () => Applied::Unchanged,
        }))
    }

    fn number_order(&mut self, message: Message<'_>) -> Result<()> {
        let Some(statement) = &mut self.order_status else { return Ok(()) };
        let head = message.head();
        let value = |name: &str| message.kind().head().field(name).map_or(Value::Missing, |field| head.value(field));
        let Value::Text(order_no) = value("order_no") else { return Ok(()) };
        statement.set(1, order_no)?;
        for (place, name) in [(2, "buyer_order_no"), (3, "customer_no"), (4, "partner")] {
            statement.set(place, value(name).text().unwrap_or_default())?;
        }
        statement.execute().context("cannot number an order")?;
        Ok(())
    }

    /// Counts what was written in the ledger, and notes it for feeds. Without it the file does not know its rows.
    pub fn finish(self) -> Result<()> {
        fault::point("store.finish_records")?;
        self.tally.finish()?;
        if self.any && self.order_status.is_some() {
            self.tx.ring_for_open_orders()?;
        }
        self.changes.finish()
    }
}

/// There was something, and now there is nothing.
fn is_emptied(columns: &[TableColumn], nth: usize, message: Message<'_>, stored: &Row<'_>) -> bool {
    let was = stored.get::<_, Option<i64>>(FOUND_BEFORE_CELLS + nth).ok().flatten();
    was.is_some_and(|was| was > 0) && columns[nth].value(&message.head()).number().is_some_and(|now| now <= 0)
}

/// Does every cell that the message mentions say what is stored?
fn says_the_same(columns: &[TableColumn], message: Message<'_>, stored: &Row<'_>) -> Result<bool> {
    let head = message.head();
    for (nth, column) in columns.iter().enumerate().filter(|(_, c)| !c.key) {
        let value = column.value(&head);
        if value != Value::Missing && !equals(value, stored.get_ref(FOUND_BEFORE_CELLS + nth)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What the message mentions, and what is stored for the rest; the place after the last.
fn set_cells(
    statement: &mut Bound<'_>,
    columns: &[TableColumn],
    message: Message<'_>,
    stored: &Row<'_>,
) -> Result<usize> {
    let head = message.head();
    let mut place = 1;
    for (nth, column) in columns.iter().enumerate().filter(|(_, c)| !c.key) {
        match column.value(&head) {
            Value::Missing => statement.set_stored(place, stored.get_ref(FOUND_BEFORE_CELLS + nth)?)?,
            value => statement.set_value(place, value)?,
        }
        place += 1;
    }
    Ok(place)
}
