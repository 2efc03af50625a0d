//! A prepared statement that cells are put into. It remembers which places hold something, so that the many fields a file
//! does not have cost nothing per row.

use anyhow::Result;
use rusqlite::types::{Null, ValueRef};
use rusqlite::{CachedStatement, Connection, Rows, ToSql};

use super::tables::TableColumn;
use crate::model::batch::{NodeRef, Value};

pub(super) struct Bound<'c> {
    statement: CachedStatement<'c>,
    /// By place, from 1; place 0 is unused.
    given: Vec<bool>,
}

impl<'c> Bound<'c> {
    pub fn prepare(conn: &'c Connection, sql: &str) -> Result<Self> {
        let statement = conn.prepare_cached(sql)?;
        let given = vec![false; statement.parameter_count() + 1];
        Ok(Bound { statement, given })
    }

    pub fn set(&mut self, place: usize, value: impl ToSql) -> rusqlite::Result<()> {
        self.given[place] = true;
        self.statement.raw_bind_parameter(place, value)
    }

    pub fn clear(&mut self, place: usize) -> rusqlite::Result<()> {
        if std::mem::take(&mut self.given[place]) {
            self.statement.raw_bind_parameter(place, Null)?;
        }
        Ok(())
    }

    /// A cell; nothing where the message says nothing.
    pub fn set_value(&mut self, place: usize, value: Value<'_>) -> rusqlite::Result<()> {
        match value {
            Value::Text(text) => self.set(place, text),
            Value::Number(number) => self.set(place, number),
            Value::Missing | Value::Empty => self.clear(place),
        }
    }

    /// A stored value, as it is.
    pub fn set_stored(&mut self, place: usize, value: ValueRef<'_>) -> rusqlite::Result<()> {
        match value {
            ValueRef::Null => self.clear(place),
            value => self.set(place, rusqlite::types::ToSqlOutput::Borrowed(value)),
        }
    }

    /// A key is never nothing: '' or 0 says "none".
    pub fn set_key(&mut self, place: usize, column: &TableColumn, value: Value<'_>) -> rusqlite::Result<()> {
        match value {
            Value::Missing | Value::Empty if column.number => self.set(place, 0),
            Value::Missing | Value::Empty => self.set(place, ""),
            value => self.set_value(place, value),
        }
    }

    /// All columns of a node, from a place on; the place after the last.
    pub fn set_node(&mut self, first: usize, columns: &[TableColumn], node: &NodeRef<'_>) -> rusqlite::Result<usize> {
        for (nth, column) in columns.iter().enumerate() {
            let value = column.value(node);
            if column.key {
                self.set_key(first + nth, column, value)?;
            } else {
                self.set_value(first + nth, value)?;
            }
        }
        Ok(first + columns.len())
    }

    /// Rows changed.
    pub fn execute(&mut self) -> rusqlite::Result<usize> {
        self.statement.raw_execute()
    }

    pub fn query(&mut self) -> Rows<'_> {
        self.statement.raw_query()
    }
}

/// Does the message's cell say what is stored? What it does not mention is not compared by the caller.
pub(super) fn equals(value: Value<'_>, stored: ValueRef<'_>) -> bool {
    match (value, stored) {
        (Value::Missing | Value::Empty, ValueRef::Null) => true,
        (Value::Text(text), ValueRef::Text(bytes)) => text.as_bytes() == bytes,
        (Value::Number(number), ValueRef::Integer(integer)) => number == integer,
        _ => false,
    }
}
