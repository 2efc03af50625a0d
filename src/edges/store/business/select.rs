//! Streams stored rows out as batches: records and facts by their key, requests by their arrival; groups are read
//! by one ordered statement each and merged, never row by row.
//!
//! An order's status is composed: every order has one, `received` until the ERP has said more.

use anyhow::{Context, Result};
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{CachedStatement, Rows, params_from_iter};

use super::condition::Condition;
use super::load::{Reading, read_group_row, read_head_row};
use super::open_orders;
use super::tables::{KindTables, TableColumn};
use super::wanted;
use crate::edges::store::{FileNo, RunNo, Snapshot};
use crate::model::batch::Batch;
use crate::model::kind::Kind;

/// The place of a wanted key among them.
const WANTED_ORDER: &str = "w.nth";
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

/// Where head rows come from and what their columns are called there.
struct Source {
    kind: String,
    /// Only rows whose keys were named.
    wanted: bool,
    from: &'static str,
    /// What `Origin::number` of a message becomes; NULL for flat kinds.
    row: &'static str,
    order: String,
    composed_status: bool,
    received: Option<&'static str>,
    closed_as_zero: Option<usize>,
    minus_open_orders: Option<usize>,
}

impl Source {
    fn of(kind: &Kind, tables: &KindTables, selection: &Selection<'_>) -> Source {
        if kind.name == "order_status" && selection.row.is_none() && !selection.as_stored {
            let from = "orders o LEFT JOIN order_status h ON h.buyer_order_no = o.buyer_order_no AND h.customer_no = o.customer_no \
                 AND h.partner = o.partner AND h.active = 1";
            let order = match (selection.wanted, selection.by_key) {
                (true, _) => WANTED_ORDER.to_string(),
                (false, true) => "o.partner, o.customer_no, o.buyer_order_no".to_string(),
                (false, false) => "o.row_id".to_string(),
            };
            return Source {
                kind: kind.name.clone(),
                wanted: selection.wanted,
                from,
                row: "o.row_id",
                order,
                composed_status: true,
                received: Some("o.received_at"),
                closed_as_zero: None,
                minus_open_orders: None,
            };
        }
        let keys: Vec<_> = tables.keys().map(|c| format!("h.\"{}\"", c.name)).collect();
        Source {
            kind: kind.name.clone(),
            wanted: selection.wanted,
            from: "",
            row: if tables.flat { "0" } else { "h.row_id" },
            order: match selection.wanted {
                true => WANTED_ORDER.to_string(),
                false if tables.request => "h.row_id".to_string(),
                false => keys.join(", "),
            },
            composed_status: false,
            received: tables.columns.iter().any(|c| c.name == "received_at").then_some("h.received_at"),
            closed_as_zero: selection.closed_as_zero.filter(|_| !tables.request),
            minus_open_orders: selection.minus_open_orders,
        }
    }

    fn from(&self, tables: &KindTables) -> String {
        let rows = if self.composed_status { self.from.to_string() } else { format!("\"{}\" h", tables.head) };
        // CROSS JOIN keeps the wanted keys outermost.
        if self.wanted { format!("{} w CROSS JOIN {rows}", wanted::table(&self.kind)) } else { rows }
    }

    fn column(&self, column: &TableColumn) -> String {
        if !self.composed_status {
            return self.open_or_zero(column);
        }
        match column.name.as_str() {
            "partner" | "customer_no" | "customer_no_sent" | "buyer_order_no" => format!("o.\"{}\"", column.name),
            "order_no" => "COALESCE(h.order_no, o.order_no)".to_string(),
            "status" => "COALESCE(h.status, 'received')".to_string(),
            "status_at" => "COALESCE(h.status_at, CASE WHEN h.row_id IS NULL THEN o.received_at END)".to_string(),
            name => format!("h.\"{name}\""),
        }
    }

    fn open_or_zero(&self, column: &TableColumn) -> String {
        let name = match self.minus_open_orders {
            Some(field) if field == column.field && !column.sent => {
                format!("(h.\"{}\" - {})", column.name, open_orders::OF_ROW)
            }
            _ => format!("h.\"{}\"", column.name),
        };
        match self.closed_as_zero {
            Some(_) if column.key => name,
            Some(zero) if zero == column.field => format!("CASE WHEN h.active = 1 THEN {name} ELSE 0 END"),
            Some(_) => format!("CASE WHEN h.active = 1 THEN {name} END"),
            None => name,
        }
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
        let queries = Queries { kind, tables: &tables, source: &source, wanted, condition: &condition, alias_owner };
        let mut head = self.conn.prepare_cached(&queries.head())?;
        let mut statements = Vec::new();
        for group in 1..kind.groups.len() {
            if tables.groups[group].is_some() && wanted.has_group(kind, group) {
                statements.push((Part::Group(group), self.conn.prepare_cached(&queries.group(group))?));
            }
        }
        if let Some(table) = tables.extras.as_ref().filter(|_| wanted.extras) {
            statements.push((Part::Extras, self.conn.prepare_cached(&queries.extras(table))?));
        }
        let mut parts = Parts::open(&mut statements, &queries)?;
        stream(kind, &queries, &mut head, &mut parts, take).with_context(|| format!("cannot read \"{}\"", tables.head))
    }
}

fn stream(
    kind: &std::sync::Arc<Kind>,
    queries: &Queries<'_>,
    head: &mut CachedStatement<'_>,
    parts: &mut Parts<'_>,
    take: &mut dyn FnMut(&mut Batch) -> Result<()>,
) -> Result<u64> {
    let wanted = queries.wanted_columns(0);
    let mut batch = Batch::new(kind.clone());
    let mut count = 0;
    let mut rows = head.query(params_from_iter(&queries.condition.values))?;
    while let Some(row) = rows.next()? {
        count += 1;
        let id: i64 = row.get(0)?;
        batch.begin(if id == 0 { count } else { id.cast_unsigned() }, 0);
        read_head_row(&mut batch, &wanted, row)?;
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

struct Queries<'a> {
    kind: &'a Kind,
    tables: &'a KindTables,
    source: &'a Source,
    wanted: &'a Wanted,
    condition: &'a Condition,
    /// Where the owner of a partner's numbers stands among the values.
    alias_owner: Option<String>,
}

impl Queries<'_> {
    fn wanted_columns(&self, group: usize) -> Vec<&TableColumn> {
        let columns = match group {
            0 => &self.tables.columns[..],
            group => self.tables.groups[group].as_ref().map_or(&[][..], |g| &g.columns),
        };
        columns.iter().filter(|c| self.wanted.has(self.kind, group, c)).collect()
    }

    /// Row id, then the wanted cells.
    fn head(&self) -> String {
        let cells: Vec<_> = self.wanted_columns(0).iter().map(|c| format!(", {}", self.source.column(c))).collect();
        format!(
            "SELECT {}{} FROM {} WHERE {} ORDER BY {}",
            self.source.row,
            cells.concat(),
            self.source.from(self.tables),
            self.condition.text(),
            self.source.order
        )
    }

    /// Row id, position, parent's position, then the wanted cells; in the order of the heads.
    fn group(&self, group: usize) -> String {
        let table = self.tables.groups[group].as_ref().map_or("", |g| &g.name);
        let parent = if self.kind.groups[group].parent == 0 { "0" } else { "c.parent_pos" };
        let cells: Vec<_> = self.wanted_columns(group).iter().map(|c| format!(", c.\"{}\"", c.name)).collect();
        let (columns, order) = (format!("c.pos, {parent}{}", cells.concat()), "c.pos");
        match self.alias_owner.as_ref().filter(|_| self.kind.groups[group].name == ALIASES) {
            Some(owner) => {
                let own = format!("(c.\"scheme\" <> 'partner' OR c.\"owner\" = {owner})");
                self.below_head(table, &columns, &own, order)
            }
            None => self.below_head(table, &columns, "1", order),
        }
    }

    /// Row id, group, position, name, value.
    fn extras(&self, table: &str) -> String {
        self.below_head(table, "c.part, c.pos, c.name, c.value", "1", "c.seq")
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
    rows: Rows<'q>,
}

impl<'q> Parts<'q> {
    fn open(statements: &'q mut [(Part, CachedStatement<'_>)], queries: &'q Queries<'_>) -> Result<Self> {
        let mut cursors = Vec::new();
        for (part, statement) in statements {
            let mut rows = statement.query(params_from_iter(&queries.condition.values))?;
            rows.advance()?;
            let columns = if let Part::Group(group) = part { queries.wanted_columns(*group) } else { Vec::new() };
            cursors.push(Cursor { part: *part, columns, rows });
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
                    Part::Group(group) => read_group_row(batch, &mut self.reading, group, &cursor.columns, row)?,
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
    if let Some(key) = selection.key {
        let place = condition.place_text(key);
        let terms: Vec<_> =
            tables.keys().filter(|c| !c.number).map(|c| format!("{} = {place}", source.column(c))).collect();
        condition.add(format!("({})", terms.join(" OR ")));
    }
    Ok(condition)
}
