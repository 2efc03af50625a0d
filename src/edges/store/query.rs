//! Asks the database one question: none, one or many rows, each read by a function. Statements are prepared once.
//! It knows no table.

use anyhow::Result;
use rusqlite::{Connection, OptionalExtension, Params, Row};

pub type Read<T> = fn(&Row<'_>) -> rusqlite::Result<T>;

pub fn one<T>(conn: &Connection, sql: &str, params: impl Params, read: Read<T>) -> Result<Option<T>> {
    Ok(conn.prepare_cached(sql)?.query_row(params, read).optional()?)
}

pub fn list<T>(conn: &Connection, sql: &str, params: impl Params, read: Read<T>) -> Result<Vec<T>> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params, read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Runs a statement that changes rows; how many it did.
pub fn run(conn: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    Ok(conn.prepare_cached(sql)?.execute(params)?)
}
