//! Values of other kinds beside the rows of a feed: one scalar sub-select each, by the key of the other kind, so that SQLite
//! goes to one row by an index and nothing is sorted. Those that stand in the order of the rows are read along instead (`along`).

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, params_from_iter};

use super::condition::{Condition, typed};
use super::tables::{KindTables, KnownTables, TableColumn};
use crate::edges::store::Snapshot;
use crate::model::also::{Also, By, Tie, UNTIL, What};
use crate::model::batch::Batch;
use crate::model::decimal;
use crate::model::key::{self, KeyCell};
use crate::model::kind::{FieldType, Kind};
use crate::model::rules::units;

/// What a feed reads beside its rows.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    pub values: &'a [Also],
    /// The day, in the feed's zone, on which prices have to hold.
    pub today: &'a str,
    /// The partner's words for units.
    pub units: &'a BTreeMap<String, String>,
}

/// How the columns of the feed's own row are called in a statement.
pub(super) trait OwnRow {
    /// A field of the head; nothing where it is not at hand.
    fn head(&self, field: usize) -> Option<String>;
    /// A field of the node that is read.
    fn node(&self, field: usize) -> Option<String>;
}

/// The sub-select of one value. `NULL` where what it needs is not at hand.
pub(super) fn sub_select(
    also: &Also,
    known: &KnownTables,
    own: &dyn OwnRow,
    today: &str,
    condition: &mut Condition,
) -> Result<String> {
    let tables = known.of(&also.kind).with_context(|| format!("the kind \"{}\" is not stored", also.kind.name))?;
    let mut terms = Vec::new();
    if !tables.request {
        terms.push("a.active = 1".to_string());
    }
    let mut order = String::new();
    for tie in &also.ties {
        let Some(term) = term(also, tie, &tables, own, today, condition)? else { return Ok("NULL".to_string()) };
        terms.push(term);
        if tie.by == By::Newest {
            order = format!(" ORDER BY {} DESC", column_of(&tables, tie)?);
        }
    }
    let mut from = format!("\"{}\" a", tables.head);
    let group = also.what.group();
    if group > 0 {
        let table = tables.groups[group].as_ref().context("the group is not stored")?;
        from.push_str(&format!(" CROSS JOIN \"{}\" x", table.name));
        terms.push("x.head_row = a.row_id".to_string());
        order = " ORDER BY x.pos".to_string();
    }
    let value = match &also.what {
        What::Field { group, field } => column_of(&tables, &Tie { group: *group, field: *field, by: By::Nothing })?,
        What::Extra { name, .. } => {
            let table = tables.extras.as_ref().or(tables.kept.as_ref()).context("no extras are stored with it")?;
            from.push_str(&format!(" CROSS JOIN \"{table}\" e"));
            let name = condition.place_text(name);
            terms.push(format!("e.name = {name}"));
            terms.extend(of_extras(also, &tables, group, condition));
            "e.value".to_string()
        }
    };
    Ok(format!("(SELECT {value} FROM {from} WHERE {}{order} LIMIT 1)", terms.join(" AND ")))
}

fn of_extras(also: &Also, tables: &KindTables, group: usize, condition: &mut Condition) -> Vec<String> {
    if !tables.request {
        let owner = condition.place_text(&also.owner);
        let keys = tables.keys().map(|key| format!("e.\"{0}\" = a.\"{0}\"", key.name));
        return keys.chain([format!("e.owner = {owner}")]).collect();
    }
    let part = condition.place_text(&also.kind.groups[group].name);
    let node = if group > 0 { "e.pos = x.pos" } else { "1" };
    vec!["e.head_row = a.row_id".to_string(), format!("e.part = {part}"), node.to_string()]
}

/// Of a dated row `a`: it has begun and has not ended.
pub(super) fn holds_on(since: &str, today: &str) -> String {
    format!("{since} <= {today} AND (a.\"{UNTIL}\" IS NULL OR a.\"{UNTIL}\" >= {today})")
}

/// Nothing where the feed's own row does not say it.
fn term(
    also: &Also,
    tie: &Tie,
    tables: &KindTables,
    own: &dyn OwnRow,
    today: &str,
    condition: &mut Condition,
) -> Result<Option<String>> {
    let column = column_of(tables, tie)?;
    let field = &also.kind.groups[tie.group].fields[tie.field];
    Ok(match &tie.by {
        By::Head(own_field) => own.head(*own_field).map(|own| format!("{column} = {own}")),
        By::Node(own_field) => own.node(*own_field).map(|own| format!("{column} = {own}")),
        By::Text(text) => {
            let place = condition.place(typed(&field.field_type, &field.name, text)?);
            Some(format!("{column} = {place}"))
        }
        By::Nothing if field.field_type.is_number() => Some(format!("{column} = 0")),
        By::Nothing => Some(format!("{column} = ''")),
        By::Newest => {
            let today = condition.place_text(today);
            Some(holds_on(&column, &today))
        }
        By::Line { line, article } => {
            let Some(line) = own.node(*line) else { return Ok(None) };
            let by_number = format!("{column} = {line}");
            let Some((own_article, other)) = article else { return Ok(Some(by_number)) };
            let Some(own_article) = own.node(*own_article) else { return Ok(Some(by_number)) };
            let other = column_of(tables, &Tie { group: tie.group, field: *other, by: By::Nothing })?;
            let table = tables.groups[tie.group].as_ref().map_or("", |table| &table.name);
            let (_, name) = other.split_once('.').unwrap_or(("", &other));
            let alone = format!(
                "1 = (SELECT count(*) FROM \"{table}\" y WHERE y.head_row = a.row_id AND y.{name} = {own_article})"
            );
            Some(format!("CASE WHEN {line} IS NULL THEN {other} = {own_article} AND {alone} ELSE {by_number} END"))
        }
    })
}

pub(super) fn column_of(tables: &KindTables, tie: &Tie) -> Result<String> {
    let (alias, columns) = match tie.group {
        0 => ("a", &tables.columns),
        group => ("x", &tables.groups[group].as_ref().context("the group is not stored")?.columns),
    };
    let column = find(columns, tie.field).context("a field has a column")?;
    Ok(format!("{alias}.\"{}\"", column.name))
}

pub(super) fn find(columns: &[TableColumn], field: usize) -> Option<&TableColumn> {
    columns.iter().find(|column| column.field == field && !column.sent)
}

/// How a value becomes the text that a layout's form takes.
pub(super) struct Told<'a> {
    name: Arc<str>,
    field_type: Option<FieldType>,
    units: &'a BTreeMap<String, String>,
}

impl<'a> Told<'a> {
    pub fn of(also: &Also, beside: &Beside<'a>) -> Told<'a> {
        let field_type = match also.what {
            What::Field { group, field } => Some(also.kind.groups[group].fields[field].field_type.clone()),
            What::Extra { .. } => None,
        };
        Told { name: also.name.clone(), field_type, units: beside.units }
    }

    pub fn add(&self, batch: &mut Batch, node: u32, value: ValueRef<'_>) -> Result<()> {
        match value {
            ValueRef::Integer(number) => {
                let text = match &self.field_type {
                    Some(FieldType::Boolean) => (number != 0).to_string(),
                    found => decimal::text(number, found.as_ref().and_then(FieldType::scale).unwrap_or(0)),
                };
                batch.add_extra(node, &self.name, &text);
            }
            ValueRef::Text(bytes) => {
                let text = std::str::from_utf8(bytes).with_context(|| format!("\"{}\" is not UTF-8", self.name))?;
                let is_unit = self.field_type == Some(FieldType::Unit);
                match text {
                    "" => {}
                    code if is_unit => batch.add_extra(node, &self.name, units::word_for(code, self.units)),
                    text => batch.add_extra(node, &self.name, text),
                }
            }
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => {}
        }
        Ok(())
    }
}

/// Values beside a row of which nothing but its key is there.
pub struct BesideKey<'s> {
    kind: Arc<Kind>,
    statement: CachedStatement<'s>,
    told: Vec<Told<'s>>,
    given: Vec<rusqlite::types::Value>,
}

/// A row that is its key.
struct KeyRow<'k>(&'k KindTables);

impl OwnRow for KeyRow<'_> {
    fn head(&self, field: usize) -> Option<String> {
        find(&self.0.columns, field).filter(|column| column.key).map(|column| format!("h.\"{}\"", column.name))
    }

    fn node(&self, _: usize) -> Option<String> {
        None
    }
}

impl Snapshot<'_> {
    pub fn beside_key<'s>(&'s self, kind: &Arc<Kind>, beside: &Beside<'s>) -> Result<BesideKey<'s>> {
        let tables = self.tables.of(kind).with_context(|| format!("the kind \"{}\" is not stored", kind.name))?;
        let keys = tables.keys().enumerate().map(|(nth, key)| format!("?{} AS \"{}\"", nth + 1, key.name));
        let keys: Vec<String> = keys.collect();
        let mut places = Condition::after(keys.len());
        let (mut columns, mut told) = (Vec::new(), Vec::new());
        for also in beside.values.iter().filter(|also| also.group == 0) {
            columns.push(sub_select(also, self.tables, &KeyRow(&tables), beside.today, &mut places)?);
            told.push(Told::of(also, beside));
        }
        let columns = if columns.is_empty() { "NULL".to_string() } else { columns.join(", ") };
        let statement = self.conn.prepare_cached(&format!("SELECT {columns} FROM (SELECT {}) h", keys.join(", ")))?;
        let given = places.values.split_off(keys.len());
        Ok(BesideKey { kind: kind.clone(), statement, told, given })
    }
}

impl BesideKey<'_> {
    /// To the head of the message begun last.
    pub fn add(&mut self, key: &[u8], batch: &mut Batch) -> Result<()> {
        let cells = key::cells(&self.kind, key)?.into_iter().map(|cell| match cell {
            KeyCell::Text(text) => rusqlite::types::Value::Text(text),
            KeyCell::Number(number) => rusqlite::types::Value::Integer(number),
        });
        let values: Vec<_> = cells.chain(self.given.iter().cloned()).collect();
        let mut rows = self.statement.query(params_from_iter(values))?;
        let Some(row) = rows.next()? else { return Ok(()) };
        self.told.iter().enumerate().try_for_each(|(place, told)| told.add(batch, 0, row.get_ref(place)?))
    }
}
