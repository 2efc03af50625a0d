//! Streams stored rows out as batches: records and facts by their key, requests by their arrival; groups are read
//! by one ordered statement each and merged, never row by row.
//!
//! An order's status is composed: every order has one, `received` until the ERP has said more.

use anyhow::{Context, Result};
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::types::Value as SqlValue;
use rusqlite::{CachedStatement, Rows, params_from_iter};

use super::also::{Beside, Told, sub_select};
use super::condition::Condition;
use super::load::{Reading, read_group_row, read_head_row};
use super::source::{SelectedRow, Source};
use super::tables::{KindTables, KnownTables, TableColumn};
use crate::edges::store::{FileNo, RunNo, Snapshot};
use crate::model::batch::Batch;
use crate::model::kind::Kind;

/// The group of an article's numbers at others.
const ALIASES: &str = "aliases";
/// A batch is handed on when it holds this much.
const BATCH_BYTES: usize = 256 * 1024;

/// Which rows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// Head fields and their values as text; empty text: nothing is said there.
    pub only: &'a [(String, String)],
    /// For kinds that have a partner; empty: of all.
    pub partners: &'a [String],
    /// Orders, and their status, received at or after this instant.
    pub since: Option<&'a str>,
    /// Requests that did not go out by this feed (`partner/feed`).
    pub not_exported_by: Option<&'a str>,
    /// The first so many of them.
    pub at_most: Option<u64>,
    /// Requests that went out with this run.
    pub exported_with: Option<RunNo>,
    /// Any part of the key is this.
    pub key: Option<&'a str>,
    /// One row of a tree.
    pub row: Option<super::super::RowId>,
    /// Closed rows are given too, with this number field of the head as 0 and nothing else but their key.
    pub closed_as_zero: Option<usize>,
    /// From this number field of the head what `Tx::gather_open_orders` found is subtracted.
    pub minus_open_orders: Option<usize>,
    /// Only the rows that `Tx::want` named, in the order of their keys.
    pub wanted: bool,
    /// Of the numbers that partners have for an article only this one's: another's are nobody else's business.
    pub aliases_of: Option<&'a str>,
    /// In the order of the keys, also an order's status, which otherwise stands in the order of arrival.
    pub by_key: bool,
    /// An order's status only where one is stored.
    pub as_stored: bool,
    /// Only rows that this file wrote last.
    pub written_by: Option<FileNo>,
    /// Only closed rows, instead of those that are open.
    pub closed: bool,
    /// Values of other kinds.
    pub beside: Option<Beside<'a>>,
    /// Only rows with a node of this group.
    pub with_group: Option<usize>,
}

/// Which cells: a feed reads what its layout writes, no more.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// By group, by cell (fields, then numbers as sent).
    cells: Vec<Vec<bool>>,
    extras: bool,
}

impl Wanted {
    pub fn nothing(kind: &Kind) -> Self {
        Wanted { cells: kind.groups.iter().map(|g| vec![false; g.cells()]).collect(), extras: false }
    }

    pub fn everything(kind: &Kind) -> Self {
        Wanted { cells: kind.groups.iter().map(|g| vec![true; g.cells()]).collect(), extras: true }
    }

    pub fn add(&mut self, group: usize, field: usize) {
        self.cells[group][field] = true;
    }

    /// The partner's own fields.
    pub fn add_extras(&mut self) {
        self.extras = true;
    }

    fn has(&self, kind: &Kind, group: usize, column: &TableColumn) -> bool {
        let cell = if column.sent { kind.groups[group].sent_cell(column.field) } else { Some(column.field) };
        cell.is_some_and(|cell| self.cells[group][cell])
    }

    /// A group is read when one of its cells or one of a group below it is wanted.
    fn has_group(&self, kind: &Kind, group: usize) -> bool {
        self.cells[group].contains(&true)
            || (group + 1..kind.groups.len()).any(|g| kind.groups[g].parent == group && self.has_group(kind, g))
    }
}

impl Snapshot<'_> {
    /// Hands batches of rows to `take`, which may exchange each for an empty one. `Origin::number` is the row id (trees) or counts from 1.
    /// How many rows there were.
    pub fn select(
        &self,
        kind: &std::sync::Arc<Kind>,
        wanted: &Wanted,
        selection: &Selection<'_>,
        take: &mut dyn FnMut(&mut Batch) -> Result<()>,
    ) -> Result<u64> {
        let tables = self.tables.of(kind).with_context(|| format!("the kind \"{}\" is not stored", kind.name))?;
        let source = Source::of(kind, &tables, selection);
        let mut condition = condition(kind, &tables, &source, selection)?;
        let alias_owner = selection.aliases_of.map(|owner| {
            let place = condition.place_text(owner);
            // Every statement is given all values, so each has to look at them.
            condition.add(format!("{place} IS NOT NULL"));
            place
        });
        let queries = Queries {
            kind,
            tables: &tables,
            known: self.tables,
            source: &source,
            wanted,
            condition: &condition,
            alias_owner,
            beside: selection.beside,
        };
        let head = Reads::new(self.conn, queries.head()?)?;
        let mut groups = Vec::new();
        for group in 1..kind.groups.len() {
            if tables.groups[group].is_some() && wanted.has_group(kind, group) {
                groups.push((Part::Group(group), Reads::new(self.conn, queries.group(group)?)?));
            }
        }
        if let Some(table) = tables.extras.as_ref().filter(|_| wanted.extras) {
            groups.push((Part::Extras, Reads::new(self.conn, queries.extras(table))?));
        }
        let mut parts = Parts::open(&mut groups, &queries)?;
        let at_most = selection.at_most.unwrap_or(u64::MAX);
        stream(kind, &queries, (head, at_most), &mut parts, take)
            .with_context(|| format!("cannot read \"{}\"", tables.head))
    }
}

fn stream(
    kind: &std::sync::Arc<Kind>,
    queries: &Queries<'_>,
    (mut head, at_most): (Reads<'_>, u64),
    parts: &mut Parts<'_>,
    take: &mut dyn FnMut(&mut Batch) -> Result<()>,
) -> Result<u64> {
    let (wanted, told) = (queries.wanted_columns(0), queries.told(0));
    let mut batch = Batch::new(kind.clone());
    let mut count = 0;
    let mut rows = head.query()?;
    while count < at_most
        && let Some(row) = rows.next()?
    {
        count += 1;
        let id: i64 = row.get(0)?;
        batch.begin(if id == 0 { count } else { id.cast_unsigned() }, 0);
        read_head_row(&mut batch, &wanted, row)?;
        for (nth, value) in told.iter().enumerate() {
            value.add(&mut batch, 0, row, 1 + wanted.len() + nth)?;
        }
        parts.read(&mut batch, id)?;
        if batch.size() >= BATCH_BYTES {
            take(&mut batch)?;
            batch.clear();
        }
    }
    if !batch.is_empty() {
        take(&mut batch)?;
    }
    Ok(count)
}

/// A statement with the values of its places.
struct Reads<'c> {
    statement: CachedStatement<'c>,
    values: Vec<SqlValue>,
}

impl<'c> Reads<'c> {
    fn new(conn: &'c rusqlite::Connection, (sql, values): (String, Vec<SqlValue>)) -> Result<Self> {
        Ok(Reads { statement: conn.prepare_cached(&sql)?, values })
    }

    fn query(&mut self) -> Result<Rows<'_>> {
        Ok(self.statement.query(params_from_iter(&self.values))?)
    }
}

struct Queries<'a> {
    kind: &'a Kind,
    tables: &'a KindTables,
    known: &'a KnownTables,
    source: &'a Source,
    wanted: &'a Wanted,
    condition: &'a Condition,
    /// Where the owner of a partner's numbers stands among the values.
    alias_owner: Option<String>,
    beside: Option<Beside<'a>>,
}

impl<'a> Queries<'a> {
    fn wanted_columns(&self, group: usize) -> Vec<&'a TableColumn> {
        let columns = match group {
            0 => &self.tables.columns[..],
            group => self.tables.groups[group].as_ref().map_or(&[][..], |g| &g.columns),
        };
        columns.iter().filter(|c| self.wanted.has(self.kind, group, c)).collect()
    }

    fn told(&self, group: usize) -> Vec<Told<'a>> {
        let beside = self.beside.iter();
        beside.flat_map(|b| b.values.iter().filter(|v| v.group == group).map(move |v| Told::of(v, b))).collect()
    }

    /// Values of other kinds, behind the cells.
    fn sub_selects(&self, group: usize, condition: &mut Condition) -> Result<String> {
        let mut text = String::new();
        let Some(beside) = self.beside else { return Ok(text) };
        let own = SelectedRow { source: self.source, tables: self.tables, group };
        for also in beside.values.iter().filter(|also| also.group == group) {
            text.push_str(", ");
            text.push_str(&sub_select(also, self.known, &own, beside.today, condition)?);
        }
        Ok(text)
    }

    /// Row id, then the wanted cells.
    fn head(&self) -> Result<(String, Vec<SqlValue>)> {
        let mut condition = self.condition.clone();
        let cells: Vec<_> = self.wanted_columns(0).iter().map(|c| format!(", {}", self.source.column(c))).collect();
        let sql = format!(
            "SELECT {}{}{} FROM {} WHERE {} ORDER BY {}",
            self.source.row,
            cells.concat(),
            self.sub_selects(0, &mut condition)?,
            self.source.from(self.tables),
            self.condition.text(),
            self.source.order
        );
        Ok((sql, condition.values))
    }

    /// Row id, position, parent's position, then the wanted cells; in the order of the heads.
    fn group(&self, group: usize) -> Result<(String, Vec<SqlValue>)> {
        let mut condition = self.condition.clone();
        let table = self.tables.groups[group].as_ref().map_or("", |g| &g.name);
        let parent = if self.kind.groups[group].parent == 0 { "0" } else { "c.parent_pos" };
        let cells: Vec<_> = self.wanted_columns(group).iter().map(|c| format!(", c.\"{}\"", c.name)).collect();
        let beside = self.sub_selects(group, &mut condition)?;
        let (columns, order) = (format!("c.pos, {parent}{}{beside}", cells.concat()), "c.pos");
        let sql = match self.alias_owner.as_ref().filter(|_| self.kind.groups[group].name == ALIASES) {
            Some(owner) => {
                let own = format!("(c.\"scheme\" <> 'partner' OR c.\"owner\" = {owner})");
                self.below_head(table, &columns, &own, order)
            }
            None => self.below_head(table, &columns, "1", order),
        };
        Ok((sql, condition.values))
    }

    /// Row id, group, position, name, value.
    fn extras(&self, table: &str) -> (String, Vec<SqlValue>) {
        let sql = self.below_head(table, "c.part, c.pos, c.name, c.value", "1", "c.seq");
        (sql, self.condition.values.clone())
    }

    fn below_head(&self, table: &str, columns: &str, which: &str, order: &str) -> String {
        // CROSS JOIN keeps the heads outermost, so that their order comes from their index and nothing is sorted.
        format!(
            "SELECT {}, {columns} FROM {} CROSS JOIN \"{table}\" c WHERE c.head_row = h.row_id AND {which} AND {} ORDER BY {}, {order}",
            self.source.row,
            self.source.from(self.tables),
            self.condition.text(),
            self.source.order
        )
    }
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Group(usize),
    Extras,
}

/// The groups' rows, each standing at the first that was not read.
struct Parts<'q> {
    cursors: Vec<Cursor<'q>>,
    reading: Reading,
}

struct Cursor<'q> {
    part: Part,
    columns: Vec<&'q TableColumn>,
    told: Vec<Told<'q>>,
    rows: Rows<'q>,
}

impl<'q> Parts<'q> {
    fn open(statements: &'q mut [(Part, Reads<'_>)], queries: &Queries<'q>) -> Result<Self> {
        let mut cursors = Vec::new();
        for (part, statement) in statements {
            let mut rows = statement.query()?;
            rows.advance()?;
            let (columns, told) = match *part {
                Part::Group(group) => (queries.wanted_columns(group), queries.told(group)),
                Part::Extras => (Vec::new(), Vec::new()),
            };
            cursors.push(Cursor { part: *part, columns, told, rows });
        }
        Ok(Parts { cursors, reading: Reading::default() })
    }

    fn read(&mut self, batch: &mut Batch, head: i64) -> Result<()> {
        self.reading.begin();
        for cursor in &mut self.cursors {
            while let Some(row) = cursor.rows.get() {
                if row.get::<_, i64>(0)? != head {
                    break;
                }
                match cursor.part {
                    Part::Group(group) => {
                        let node = read_group_row(batch, &mut self.reading, group, &cursor.columns, row)?;
                        for (nth, value) in cursor.told.iter().enumerate() {
                            value.add(batch, node, row, 3 + cursor.columns.len() + nth)?;
                        }
                    }
                    Part::Extras => self.reading.read_extra(batch, row)?,
                }
                cursor.rows.advance()?;
            }
        }
        Ok(())
    }
}

fn condition(kind: &Kind, tables: &KindTables, source: &Source, selection: &Selection<'_>) -> Result<Condition> {
    let mut condition = Condition::default();
    if !tables.request && !source.composed_status && selection.row.is_none() && source.closed_as_zero.is_none() {
        condition.add(if selection.closed { "h.active = 0" } else { "h.active = 1" });
    }
    if let Some(file) = selection.written_by {
        let place = condition.place(rusqlite::types::Value::Integer(file.0));
        condition.add(format!("h.file_no = {place}"));
    }
    if selection.wanted {
        for (nth, column) in tables.keys().enumerate() {
            condition.add(format!("{} = w.k{}", source.column(column), nth + 1));
        }
    }
    if let Some(row) = selection.row {
        let place = condition.place(rusqlite::types::Value::Integer(row.0));
        condition.add(format!("h.row_id = {place}"));
    }
    for (field, value) in selection.only {
        condition.add_field(kind, tables, field, value, |column| source.column(column))?;
    }
    if !selection.partners.is_empty() {
        let partner = tables.columns.iter().find(|c| c.name == "partner");
        let partner = source.column(partner.with_context(|| format!("the kind \"{}\" has no partner", kind.name))?);
        let places: Vec<_> = selection.partners.iter().map(|p| condition.place_text(p)).collect();
        condition.add(format!("{partner} IN ({})", places.join(", ")));
    }
    if let Some(since) = selection.since {
        let received = source.received.with_context(|| format!("the kind \"{}\" has no time of receipt", kind.name))?;
        let place = condition.place_text(since);
        condition.add(format!("{received} >= {place}"));
    }
    if let Some(feed) = selection.not_exported_by {
        let place = condition.place_text(feed);
        let row = source.row;
        condition.add(format!("{row} > COALESCE((SELECT f.row_id FROM export_floor f WHERE f.feed = {place}), 0)"));
        condition.add(format!("NOT EXISTS (SELECT 1 FROM run_request q WHERE q.feed = {place} AND q.row_id = {row})"));
    }
    if let Some(run) = selection.exported_with {
        let place = condition.place(rusqlite::types::Value::Integer(run.0));
        condition.add(format!("{} IN (SELECT q.row_id FROM run_request q WHERE q.run_no = {place})", source.row));
    }
    if let Some(group) = selection.with_group.and_then(|group| tables.groups[group].as_ref()) {
        condition.add(format!("EXISTS (SELECT 1 FROM \"{}\" g WHERE g.head_row = h.row_id)", group.name));
    }
    if let Some(key) = selection.key {
        let place = condition.place_text(key);
        let terms: Vec<_> =
            tables.keys().filter(|c| !c.number).map(|c| format!("{} = {place}", source.column(c))).collect();
        condition.add(format!("({})", terms.join(" OR ")));
    }
    Ok(condition)
}
