//! Stored rows back into batches: cells of a head or a group row, the partner's own fields, and one whole message by its
//! row id. Where nothing is stored, the cell stays missing.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::selection::{Selection, Wanted};
use super::tables::TableColumn;
use crate::edges::store::{RowId, Snapshot};
use crate::model::batch::Batch;
use crate::model::kind::Kind;

/// What is known of the message being read: its nodes by group and position, and names of extras.
#[derive(Debug, Default)]
pub(super) struct Reading {
    nodes: HashMap<(usize, i64), u32>,
    names: HashMap<String, Arc<str>>,
}

impl Reading {
    pub fn begin(&mut self) {
        self.nodes.clear();
    }

    /// Row: head, group, position, name, value.
    pub fn read_extra(&mut self, batch: &mut Batch, row: &Row<'_>) -> Result<()> {
        let group = batch.kind().group(row.get_ref(1)?.as_str()?).unwrap_or(0);
        let node = if group == 0 { 0 } else { self.nodes.get(&(group, row.get(2)?)).copied().unwrap_or(0) };
        let name = row.get_ref(3)?.as_str()?;
        let name = match self.names.get(name) {
            Some(known) => known.clone(),
            None => self.names.entry(name.to_string()).or_insert_with(|| name.into()).clone(),
        };
        batch.add_extra(node, &name, row.get_ref(4)?.as_str()?);
        Ok(())
    }
}

/// Row: row id, then cells.
pub(super) fn read_head_row(batch: &mut Batch, columns: &[&TableColumn], row: &Row<'_>) -> Result<()> {
    read_cells(batch, 0, columns, row, 1)
}

/// Row: head, position, parent's position, then cells. The node it became.
pub(super) fn read_group_row(
    batch: &mut Batch,
    reading: &mut Reading,
    group: usize,
    columns: &[&TableColumn],
    row: &Row<'_>,
) -> Result<u32> {
    let (position, parent_position): (i64, i64) = (row.get(1)?, row.get(2)?);
    let parent_group = batch.kind().groups[group].parent;
    let parent = match parent_group {
        0 => 0,
        _ => *reading.nodes.get(&(parent_group, parent_position)).context("a part of a message lost its parent")?,
    };
    let node = batch.open(group, parent, 0);
    reading.nodes.insert((group, position), node);
    read_cells(batch, node, columns, row, 3)?;
    Ok(node)
}

fn read_cells(batch: &mut Batch, node: u32, columns: &[&TableColumn], row: &Row<'_>, first: usize) -> Result<()> {
    for (nth, column) in columns.iter().enumerate() {
        match row.get_ref(first + nth)? {
            ValueRef::Integer(number) => batch.set_number(node, column.field, number),
            ValueRef::Text(bytes) => {
                // A key column says '' where nothing was said.
                let text = std::str::from_utf8(bytes).with_context(|| format!("\"{}\" is not UTF-8", column.name))?;
                match (text, column.sent) {
                    ("", _) => {}
                    (text, true) => batch.set_sent(node, column.field, text),
                    (text, false) => batch.set_text(node, column.field, text),
                }
            }
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => {}
        }
    }
    Ok(())
}

impl Snapshot<'_> {
    /// A stored message as a whole, with its groups (parents before their children) and the partner's own fields, as a
    /// batch of one. `None` when there is no such row.
    pub fn load(&self, kind: &Arc<Kind>, row: RowId) -> Result<Option<Batch>> {
        let mut loaded = None;
        let selection = Selection { row: Some(row), ..Selection::default() };
        self.select(kind, &Wanted::everything(kind), &selection, &mut |batch| {
            loaded = Some(batch.clone());
            Ok(())
        })?;
        Ok(loaded)
    }
}
