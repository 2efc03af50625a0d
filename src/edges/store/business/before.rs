//! What rows were before a file was taken in, for `plan`: it compares two moments of a database. Reading only.

use anyhow::{Context, Result};
use rusqlite::params_from_iter;

use super::wanted;
use crate::edges::store::query::one;
use crate::edges::store::{RowId, Snapshot};
use crate::model::kind::Kind;

impl Snapshot<'_> {
    /// The newest row of a kind whose rows have numbers; 0 where there is none.
    pub fn newest_row(&self, kind: &Kind) -> Result<RowId> {
        let tables = self.tables.of(kind).with_context(|| format!("the kind \"{}\" is not stored", kind.name))?;
        let sql = format!("SELECT max(row_id) FROM \"{}\"", tables.head);
        let newest: Option<Option<i64>> = one(self.conn, &sql, [], |row| row.get(0))?;
        Ok(RowId(newest.flatten().unwrap_or_default()))
    }

    /// Which of the wanted keys have a row that is closed: their places among them.
    pub fn closed_of_wanted(&self, kind: &Kind) -> Result<Vec<usize>> {
        let tables = self.tables.of(kind).with_context(|| format!("the kind \"{}\" is not stored", kind.name))?;
        let terms: Vec<String> =
            tables.keys().enumerate().map(|(nth, column)| format!("h.\"{}\" = w.k{}", column.name, nth + 1)).collect();
        let sql = format!(
            "SELECT w.nth FROM {} w CROSS JOIN \"{}\" h WHERE {} AND h.active = 0 ORDER BY w.nth",
            wanted::table(&kind.name),
            tables.head,
            terms.join(" AND ")
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter([0_i64; 0]), |row| row.get::<_, i64>(0))?;
        rows.map(|nth| Ok(usize::try_from(nth?)?)).collect()
    }

    /// The seller's number of an order; nothing where it has none, or is not there.
    pub fn order_number(&self, row: RowId) -> Result<Option<String>> {
        let sql = "SELECT order_no FROM orders WHERE row_id = ?1";
        let found: Option<Option<String>> = one(self.conn, sql, [row.0], |row| row.get(0))?;
        Ok(found.flatten())
    }
}
