//! Where did this row come from? Finds head rows by any part of their key, or by the seller's order number, with the file
//! and line that wrote them last. For people: it may scan.

use anyhow::{Context, Result};
use rusqlite::params;

use super::tables::TableColumn;
use crate::edges::store::{FileNo, RowId, Snapshot};
use crate::model::kind::Kind;

/// A head row and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRow {
    /// `None` for flat kinds.
    pub row: Option<RowId>,
    /// Columns of the key with their text.
    pub key: Vec<(String, String)>,
    pub file: FileNo,
    /// 0: closed because its file no longer named it.
    pub line: u32,
    /// Empty for requests.
    pub as_of: String,
    /// A closed record or fact is not.
    pub active: bool,
}

impl Snapshot<'_> {
    pub fn find_rows(&self, kind: &Kind, text: &str, limit: u32) -> Result<Vec<FoundRow>> {
        let Some(tables) = self.tables.of(kind) else { return Ok(Vec::new()) };
        let keys: Vec<&TableColumn> = tables.keys().collect();
        let names: Vec<_> = keys.iter().map(|c| format!(", h.\"{}\"", c.name)).collect();
        let order_no = tables.columns.iter().filter(|c| c.name == "order_no");
        let terms: Vec<_> = keys
            .iter()
            .copied()
            .chain(order_no)
            .filter(|c| !c.number && c.name != "partner")
            .map(|c| format!("h.\"{}\" = ?1", c.name))
            .collect();
        let row_id = if tables.flat { "NULL" } else { "h.row_id" };
        let (as_of, active) = match tables.request {
            true => ("''", "1"),
            false => ("COALESCE(h.as_of, (SELECT f.as_of FROM file f WHERE f.file_no = h.file_no), '')", "h.active"),
        };
        let sql = format!(
            "SELECT {row_id}, h.file_no, h.file_line, {as_of}, {active}{} FROM \"{}\" h WHERE {} ORDER BY {} LIMIT ?2",
            names.concat(),
            tables.head,
            terms.join(" OR "),
            if tables.flat { names.concat()[2..].to_string() } else { "h.row_id".to_string() }
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let read = |row: &rusqlite::Row<'_>| {
            let mut key = Vec::new();
            for (nth, column) in keys.iter().enumerate() {
                let value = if column.number { row.get::<_, i64>(5 + nth)?.to_string() } else { row.get(5 + nth)? };
                key.push((column.name.clone(), value));
            }
            Ok(FoundRow {
                row: row.get::<_, Option<i64>>(0)?.map(RowId),
                key,
                file: FileNo(row.get(1)?),
                line: row.get(2)?,
                as_of: row.get(3)?,
                active: row.get(4)?,
            })
        };
        let rows = statement.query_map(params![text, limit], read)?;
        rows.collect::<rusqlite::Result<_>>().with_context(|| format!("cannot search \"{}\"", tables.head))
    }
}
