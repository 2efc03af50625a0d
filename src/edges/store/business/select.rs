//! Streams stored rows out as batches: records and facts by their key, requests by their arrival; groups are read
//! by one ordered statement each and merged, never row by row.
//!
//! An order's status is composed: every order has one, `received` until the ERP has said more.

use anyhow::{Context, Result};
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::types::Value as SqlValue;
use rusqlite::{CachedStatement, Rows, params_from_iter};

use super::along::{self, AllAlong, Along};
use super::also::{Beside, Told, sub_select};
use super::condition::Condition;
use super::heads::Heads;
use super::load::{Reading, read_group_row, read_head_row};
use super::selection::{Selection, Wanted};
use super::sets;
use super::source::{SelectedRow, Source};
use super::tables::{KindTables, KnownTables, TableColumn};
use crate::edges::store::{Snapshot, goes_out};
use crate::model::also::Also;
use crate::model::batch::Batch;
use crate::model::kind::Kind;

/// The group of an article's numbers at others.
const ALIASES: &str = "aliases";
/// A batch is handed on when it holds this much.
const BATCH_BYTES: usize = 256 * 1024;

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
        let has_sets = sets::fill(self.conn, selection)?;
        let mut condition = condition(kind, &tables, &source, selection)?;
        let alias_owner = selection.aliases_of.map(|owner| {
            let place = condition.place_text(owner);
            // Every statement is given all values, so each has to look at them.
            condition.add(format!("{place} IS NOT NULL"));
            place
        });
        let mut queries = Queries {
            kind,
            tables: &tables,
            known: self.tables,
            source: &source,
            wanted,
            condition: &condition,
            alias_owner,
            beside: selection.beside,
            read_along: Vec::new(),
            ends_with_key: has_sets,
        };
        let along = queries.choose_along(self.conn)?;
        let head = Reads::new(self.conn, queries.head()?)?;
        let sets = match has_sets {
            true => Some(queries.of_sets(self.conn, selection)?),
            false => None,
        };
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
        stream(kind, &queries, (head, sets, along, at_most), &mut parts, take)
            .with_context(|| format!("cannot read \"{}\"", tables.head))
    }
}

fn stream(
    kind: &std::sync::Arc<Kind>,
    queries: &Queries<'_>,
    (mut head, mut sets, mut along, at_most): (Reads<'_>, Option<Reads<'_>>, AllAlong<'_>, u64),
    parts: &mut Parts<'_>,
    take: &mut dyn FnMut(&mut Batch) -> Result<()>,
) -> Result<u64> {
    let (wanted, told) = (queries.wanted_columns(0), queries.told(0));
    let mut batch = Batch::new(kind.clone());
    let mut count = 0;
    let first_key = 1 + wanted.len() + told.len() + usize::from(queries.tells_open());
    let computed = sets.as_mut().map(Reads::query).transpose()?.map(|rows| (rows, first_key));
    let mut rows = Heads::of(head.query()?, computed);
    while count < at_most
        && let Some(row) = rows.next()?
    {
        count += 1;
        let id: i64 = row.get(0)?;
        batch.begin(if id == 0 { count } else { id.cast_unsigned() }, 0);
        read_head_row(&mut batch, &wanted, row)?;
        for (nth, value) in told.iter().enumerate() {
            value.add(&mut batch, 0, row.get_ref(1 + wanted.len() + nth)?)?;
        }
        if !along.is_empty() {
            let is_open = row.get(1 + wanted.len() + told.len())?;
            along.add(&mut batch, row, is_open)?;
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
    /// Which of them stand in the order of the rows and are no sub-selects.
    read_along: Vec<bool>,
    /// Rows of sets are merged with it by the key.
    ends_with_key: bool,
}

impl<'a> Queries<'a> {
    fn choose_along<'c>(&mut self, conn: &'c rusqlite::Connection) -> Result<AllAlong<'c>>
    where
        'a: 'c,
    {
        let mut along = AllAlong::default();
        let Some(beside) = self.beside else { return Ok(along) };
        let columns = self.wanted_columns(0);
        for also in beside.values {
            let plan = along::plan(also, self.known, (self.source, self.tables), &columns, beside.today)?;
            self.read_along.push(plan.is_some());
            if let Some(plan) = plan {
                along.push(Along::new(conn, plan, Told::of(also, &beside))?);
            }
        }
        Ok(along)
    }

    fn wanted_columns(&self, group: usize) -> Vec<&'a TableColumn> {
        let columns = match group {
            0 => &self.tables.columns[..],
            group => self.tables.groups[group].as_ref().map_or(&[][..], |g| &g.columns),
        };
        columns.iter().filter(|c| self.wanted.has(self.kind, group, c)).collect()
    }

    fn told(&self, group: usize) -> Vec<Told<'a>> {
        let Some(beside) = &self.beside else { return Vec::new() };
        self.looked_up(group).map(|also| Told::of(also, beside)).collect()
    }

    /// Values for which a row is searched.
    fn looked_up(&self, group: usize) -> impl Iterator<Item = &'a Also> {
        let values = self.beside.map_or(&[][..], |beside| beside.values).iter().zip(&self.read_along);
        values.filter(move |(also, along)| also.group == group && !**along).map(|(also, _)| also)
    }

    /// Values of other kinds, behind the cells.
    fn sub_selects(&self, group: usize, condition: &mut Condition) -> Result<String> {
        let mut text = String::new();
        let Some(beside) = self.beside else { return Ok(text) };
        let own = SelectedRow { source: self.source, tables: self.tables, group };
        for also in self.looked_up(group) {
            text.push_str(", ");
            text.push_str(&sub_select(also, self.known, &own, beside.today, condition)?);
        }
        Ok(text)
    }

    fn tells_open(&self) -> bool {
        self.read_along.contains(&true)
    }

    /// The same of sets, whose rows are computed.
    fn of_sets<'c>(&self, conn: &'c rusqlite::Connection, selection: &Selection<'_>) -> Result<Reads<'c>> {
        let source = Source::of_sets(self.kind, self.tables, selection);
        let condition = condition(self.kind, self.tables, &source, selection)?;
        let read_along = self.read_along.clone();
        let own = Queries { source: &source, condition: &condition, read_along, alias_owner: None, ..*self };
        Reads::new(conn, own.head()?)
    }

    /// Row id, the wanted cells, values of other kinds; where some are read along, whether the row is open; where rows of sets are
    /// merged with it, the key.
    fn head(&self) -> Result<(String, Vec<SqlValue>)> {
        let mut condition = self.condition.clone();
        let cells: Vec<_> = self.wanted_columns(0).iter().map(|c| format!(", {}", self.source.column(c))).collect();
        let is_open = if self.tells_open() { ", h.active" } else { "" };
        let key: Vec<_> = match self.ends_with_key {
            true => self.tables.keys().map(|key| format!(", {}", self.source.column(key))).collect(),
            false => Vec::new(),
        };
        let sql = format!(
            "SELECT {}{}{}{is_open}{} FROM {} WHERE {} ORDER BY {}",
            self.source.row,
            cells.concat(),
            self.sub_selects(0, &mut condition)?,
            key.concat(),
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
                            value.add(batch, node, row.get_ref(3 + cursor.columns.len() + nth)?)?;
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
        let own = condition.place_text(&kind.name);
        condition.add(format!(
            "{row} > COALESCE((SELECT f.row_id FROM export_floor f WHERE f.feed = {place} AND f.kind = {own}), 0)"
        ));
        condition.add(format!(
            "NOT EXISTS (SELECT 1 FROM run_request q WHERE q.feed = {place} AND q.kind = {own} AND q.row_id = {row})"
        ));
        goes_out(&kind.name, "h").into_iter().for_each(|term| condition.add(term));
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
