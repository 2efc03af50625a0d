//! Which rows of a feed look at rows of other kinds that changed: what a file of changes has to look at, and no more.

use anyhow::{Context, Result};
use rusqlite::params_from_iter;

use super::also::find;
use super::condition::{Condition, typed};
use super::selection::Selection;
use super::source::Source;
use super::tables::TableColumn;
use crate::edges::fault;
use crate::edges::store::Tx;
use crate::model::also::{Also, By};
use crate::model::key::{self, KeyCell};
use crate::model::key_list::{Keys, Unpacked};
use crate::model::kind::Kind;

/// Where rows of another kind that changed stand, by what ties them.
const CHANGED: &str = "temp.\"changed_beside\"";
/// So many ties a value has at most: the parts of a key.
const TIES: usize = 6;

impl Tx<'_> {
    /// Adds to `keys` those of the feed's rows that look at these rows of another kind. False: that is not to be told, all may.
    pub fn rows_beside(
        &self,
        (kind, only): (&Kind, &[(String, String)]),
        also: &Also,
        changed: &[Vec<u8>],
        (keys, most): (&mut Keys, usize),
    ) -> Result<bool> {
        fault::point("store.rows_beside")?;
        let tables = self.tables.of(kind).with_context(|| format!("the kind \"{}\" is not stored", kind.name))?;
        let head_key = &also.kind.head().key;
        // A part of an order's status stands below what the ERP said.
        let selection = Selection { by_key: true, as_stored: also.group > 0, ..Selection::default() };
        let source = Source::of(kind, &tables, &selection);
        let part = tables.groups[also.group].as_ref();
        // By what they are tied, and which place of the changed key that is.
        let tied = also.ties.iter().filter(|tie| tie.group == 0).filter_map(|tie| {
            let own = match tie.by {
                By::Head(own) => source.column(find(&tables.columns, own)?),
                By::Node(own) => format!("c.\"{}\"", find(&part?.columns, own)?.name),
                _ => return None,
            };
            Some((own, head_key.iter().position(|field| *field == tie.field)?))
        });
        let tied: Vec<(String, usize)> = tied.collect();
        if tied.is_empty() || tied.len() > TIES {
            return Ok(false);
        }
        let columns: Vec<String> = (1..=TIES).map(|nth| format!("k{nth}")).collect();
        self.conn.execute_batch(&format!(
            "CREATE TEMP TABLE IF NOT EXISTS changed_beside ({}); DELETE FROM {CHANGED}",
            columns.join(", ")
        ))?;
        self.list_changed(also, changed, &tied)?;
        let mut condition = Condition::default();
        for (field, value) in only {
            condition.add_field(kind, &tables, field, value, |column| source.column(column))?;
        }
        let own: Vec<&str> = tied.iter().map(|(name, _)| name.as_str()).collect();
        condition.add(format!("({}) IN (SELECT {} FROM {CHANGED})", own.join(", "), columns[..tied.len()].join(", ")));
        let parts: Vec<&TableColumn> = tables.keys().collect();
        let names: Vec<String> = parts.iter().map(|column| source.column(column)).collect();
        let mut from = source.from(&tables);
        if let Some(part) = part {
            from.push_str(&format!(" JOIN \"{}\" c ON c.head_row = h.row_id", part.name));
        }
        let sql = format!("SELECT DISTINCT {} FROM {from} WHERE {}", names.join(", "), condition.text());
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&condition.values))?;
        let mut bytes = Vec::new();
        while let Some(row) = rows.next()? {
            bytes.clear();
            for (nth, column) in parts.iter().enumerate() {
                match column.number {
                    true => key::put_number(row.get(nth)?, &mut bytes),
                    false => key::put_text(row.get_ref(nth)?.as_str()?, &mut bytes),
                }
            }
            keys.push(&bytes);
            if keys.len() > most {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Of the changed rows those that the value may be of.
    fn list_changed(&self, also: &Also, changed: &[Vec<u8>], tied: &[(String, usize)]) -> Result<()> {
        let head_key = &also.kind.head().key;
        let mut wants: Vec<(usize, KeyCell)> = Vec::new();
        for tie in also.ties.iter().filter(|tie| tie.group == 0) {
            let Some(at) = head_key.iter().position(|field| *field == tie.field) else { continue };
            let field = &also.kind.head().fields[tie.field];
            let cell = match &tie.by {
                By::Text(text) => match typed(&field.field_type, &field.name, text)? {
                    rusqlite::types::Value::Integer(number) => KeyCell::Number(number),
                    _ => KeyCell::Text(text.clone()),
                },
                By::Nothing if field.field_type.is_number() => KeyCell::Number(0),
                By::Nothing => KeyCell::Text(String::new()),
                _ => continue,
            };
            wants.push((at, cell));
        }
        let places: Vec<String> = (1..=tied.len()).map(|nth| format!("?{nth}")).collect();
        let columns: Vec<String> = (1..=tied.len()).map(|nth| format!("k{nth}")).collect();
        let sql = format!("INSERT INTO {CHANGED} ({}) VALUES ({})", columns.join(", "), places.join(", "));
        let mut insert = self.conn.prepare_cached(&sql)?;
        for part in changed {
            let mut part = Unpacked::new(part.clone());
            while part.next_key()? {
                let cells = key::cells(&also.kind, part.key())?;
                if wants.iter().any(|(at, cell)| cells[*at] != *cell) {
                    continue;
                }
                let values = tied.iter().map(|(_, at)| match &cells[*at] {
                    KeyCell::Text(text) => rusqlite::types::Value::Text(text.clone()),
                    KeyCell::Number(number) => rusqlite::types::Value::Integer(*number),
                });
                insert.execute(params_from_iter(values))?;
            }
        }
        Ok(())
    }
}
