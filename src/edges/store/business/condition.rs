//! Conditions on head rows that people write as text: "warehouse is 01", "status is shipped". Owns the step from the text
//! of a configuration to a typed value; an unknown field or an impossible value is told.

use anyhow::{Context, Result, bail};
use rusqlite::types::Value as SqlValue;

use super::tables::{KindTables, TableColumn};
use crate::model::decimal;
use crate::model::kind::{FieldType, Kind};

/// A `WHERE` in the making: terms and the values of their places.
#[derive(Debug, Default, Clone)]
pub(super) struct Condition {
    terms: Vec<String>,
    pub values: Vec<SqlValue>,
}

impl Condition {
    pub fn add(&mut self, term: impl Into<String>) {
        self.terms.push(term.into());
    }

    /// Places begin behind so many that others fill.
    pub fn after(places: usize) -> Self {
        Condition { terms: Vec::new(), values: vec![SqlValue::Null; places] }
    }

    /// Takes a value and gives its place, `?3`.
    pub fn place(&mut self, value: SqlValue) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    pub fn place_text(&mut self, text: &str) -> String {
        self.place(SqlValue::Text(text.to_string()))
    }

    pub fn text(&self) -> String {
        if self.terms.is_empty() { "1 = 1".to_string() } else { self.terms.join(" AND ") }
    }

    /// A field of the head is this; empty text means: nothing is said there.
    pub fn add_field(
        &mut self,
        kind: &Kind,
        tables: &KindTables,
        field: &str,
        text: &str,
        sql: impl Fn(&TableColumn) -> String,
    ) -> Result<()> {
        let index =
            kind.head().field(field).with_context(|| format!("the kind \"{}\" has no field \"{field}\"", kind.name))?;
        let column = tables.columns.iter().find(|c| c.field == index && !c.sent).context("a field has a column")?;
        let name = sql(column);
        if text.is_empty() && !column.key {
            self.add(format!("{name} IS NULL"));
            return Ok(());
        }
        let place = self.place(typed(&kind.head().fields[index].field_type, field, text)?);
        self.add(format!("{name} = {place}"));
        Ok(())
    }
}

/// The text of a configuration as it is stored.
pub(super) fn typed(field_type: &FieldType, field: &str, text: &str) -> Result<SqlValue> {
    if matches!(field_type, FieldType::Boolean) {
        return match text {
            "true" | "1" => Ok(SqlValue::Integer(1)),
            "false" | "0" => Ok(SqlValue::Integer(0)),
            _ => bail!("\"{text}\" is no value of \"{field}\"; expected true or false"),
        };
    }
    match field_type.scale() {
        None => Ok(SqlValue::Text(text.to_string())),
        Some(scale) => match decimal::parse(text.as_bytes(), b'.', scale) {
            Ok(number) => Ok(SqlValue::Integer(number)),
            Err(_) => bail!("\"{text}\" is no value of \"{field}\"; expected a number like 12.5"),
        },
    }
}
