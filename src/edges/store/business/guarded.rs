//! Counts for the guard of an intake: how many rows are its own, and which ones a file closed.

use anyhow::{Context, Result};
use rusqlite::{params, params_from_iter};

use crate::edges::store::query::{list, one};
use crate::edges::store::{FileNo, Snapshot};
use crate::model::kind::Kind;

impl Snapshot<'_> {
    /// Open rows of a kind whose source is one of these intakes.
    pub fn open_rows_of(&self, kind: &Kind, partner: &str, intakes: &[&str]) -> Result<u64> {
        let Some(tables) = self.tables.of(kind).filter(|tables| !tables.request) else { return Ok(0) };
        let sql = format!(
            "SELECT count(*) FROM \"{}\" h WHERE h.active = 1 AND h.file_no IN \
             (SELECT f.file_no FROM file f WHERE f.partner = ? AND f.intake IN ({}) AND f.rows_written > 0)",
            tables.head,
            vec!["?"; intakes.len()].join(", ")
        );
        let values = std::iter::once(&partner).chain(intakes);
        let count: Option<i64> = one(self.conn, &sql, params_from_iter(values), |row| row.get(0))
            .with_context(|| format!("cannot count the rows of {partner}/{}", intakes.join(", ")))?;
        Ok(count.unwrap_or_default().cast_unsigned())
    }

    /// How many rows a file closed, and the keys of the first. Stock that was nothing before loses nothing.
    pub fn closed_by(&self, kind: &Kind, file: FileNo, samples: u32) -> Result<(u64, Vec<String>)> {
        let Some(tables) = self.tables.of(kind).filter(|tables| !tables.request) else { return Ok((0, Vec::new())) };
        let keys: Vec<String> = tables.keys().map(|column| format!("\"{}\"", column.name)).collect();
        let something = if kind.name == "stock" { " AND qty_e6 > 0" } else { "" };
        let closed = format!("FROM \"{}\" WHERE file_no = ?1 AND active = 0 AND file_line = 0{something}", tables.head);
        let count: Option<i64> = one(self.conn, &format!("SELECT count(*) {closed}"), [file.0], |row| row.get(0))?;
        let sql =
            format!("SELECT concat_ws(' / ', {}) {closed} ORDER BY {} LIMIT ?2", key_texts(&keys), keys.join(", "));
        let first = list(self.conn, &sql, params![file.0, samples], |row| row.get(0))?;
        Ok((count.unwrap_or_default().cast_unsigned(), first))
    }
}

/// What is empty is left out, as in a key that people are told.
fn key_texts(keys: &[String]) -> String {
    keys.iter().map(|key| format!("NULLIF({key}, '')")).collect::<Vec<_>>().join(", ")
}
