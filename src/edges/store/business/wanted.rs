//! Keys whose rows are wanted, as a temporary table beside the tables of their kind: some thousand rows among a million are
//! found by it in the order of their keys.

use anyhow::{Context, Result};
use rusqlite::params_from_iter;
use rusqlite::types::Value as SqlValue;

use crate::edges::fault;
use crate::edges::store::Snapshot;
use crate::model::key::{self, KeyCell};
use crate::model::key_list::Keys;
use crate::model::kind::Kind;

/// Where the wanted keys of a kind stand; its columns are `nth` and `k1` and up.
pub(super) fn table(kind: &str) -> String {
    format!("temp.\"wanted_{kind}\"")
}

impl Snapshot<'_> {
    /// From now on `Selection::wanted` means these keys, which are sorted.
    pub fn want(&self, kind: &Kind, keys: &Keys) -> Result<()> {
        fault::point("store.want")?;
        let table = table(&kind.name);
        let columns: Vec<String> = (1..=kind.head().key.len()).map(|nth| format!("k{nth}")).collect();
        let columns = columns.join(", ");
        let places: Vec<String> = (2..=kind.head().key.len() + 1).map(|place| format!("?{place}")).collect();
        self.conn
            .execute_batch(&format!(
                "CREATE TEMP TABLE IF NOT EXISTS \"wanted_{}\" (nth INTEGER PRIMARY KEY, {columns}); DELETE FROM {table}",
                kind.name
            ))
            .with_context(|| format!("cannot list the wanted rows of {}", kind.name))?;
        let sql = format!("INSERT INTO {table} (nth, {columns}) VALUES (?1, {})", places.join(", "));
        let mut insert = self.conn.prepare_cached(&sql)?;
        for (nth, key) in keys.iter().enumerate() {
            let mut values = vec![SqlValue::Integer(nth as i64)];
            values.extend(key::cells(kind, key)?.into_iter().map(|cell| match cell {
                KeyCell::Text(text) => SqlValue::Text(text),
                KeyCell::Number(number) => SqlValue::Integer(number),
            }));
            insert.execute(params_from_iter(values))?;
        }
        Ok(())
    }
}
