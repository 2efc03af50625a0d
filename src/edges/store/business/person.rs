//! Rows that speak of one person, found by the kind files alone: by his number in a field of that name, or by a value in any
//! field marked personal. Whole rows, also closed ones, as objects that a person can read. Reading only.

use std::sync::Arc;

use anyhow::{Context, Result};
use rusqlite::types::ValueRef;
use rusqlite::{Row, params};
use serde_json::{Map, Value as Json};

use super::tables::{KindTables, TableColumn};
use crate::edges::store::query::list;
use crate::edges::store::{FileNo, RowId, Snapshot};
use crate::model::decimal;
use crate::model::json::EXTRA;
use crate::model::kind::{Field, FieldType, Kind};

/// By what a person's rows are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark<'a> {
    /// A field of the head of this name holds this number.
    Number { field: &'a str, value: &'a str },
    /// Any personal field of any part is this, whatever its ASCII case.
    Value(&'a str),
    /// The personal fields of the head, one after the other, contain this.
    Name(&'a str),
}

/// A stored message that speaks of the person.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonRow {
    pub row: RowId,
    pub file: FileNo,
    pub line: u32,
    /// Its key fields, with ` / ` between.
    pub key: String,
    /// What its head holds in personal fields, by name.
    pub personal: Vec<(String, String)>,
    /// Everything it holds.
    pub holds: Json,
}

impl Snapshot<'_> {
    /// Rows of a kind by a mark, the oldest first; none of a kind that is not stored or has nothing that could fit.
    pub fn rows_of_person(&self, kind: &Arc<Kind>, mark: Mark<'_>, limit: u32) -> Result<Vec<PersonRow>> {
        // Flat kinds have no row to load by, and no person in them: a test of the kinds holds that.
        let Some(tables) = self.tables.of(kind).filter(|tables| !tables.flat) else { return Ok(Vec::new()) };
        let (Some(condition), Mark::Number { value, .. } | Mark::Value(value) | Mark::Name(value)) =
            (condition(kind, &tables, mark), mark)
        else {
            return Ok(Vec::new());
        };
        let sql = format!("SELECT row_id FROM \"{}\" WHERE {condition} ORDER BY row_id LIMIT ?2", tables.head);
        let rows = list(self.conn, &sql, params![value, limit], |row| row.get::<_, i64>(0))
            .with_context(|| format!("cannot look for rows of kind {}", kind.name))?;
        rows.into_iter().map(|row| self.row_of_person(kind, &tables, row)).collect()
    }

    fn row_of_person(&self, kind: &Kind, tables: &KindTables, row: i64) -> Result<PersonRow> {
        let head = kind.head();
        let sql =
            format!("SELECT file_no, file_line{} FROM \"{}\" WHERE row_id = ?1", names(&tables.columns), tables.head);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let (file, line, mut holds) = statement
            .query_row([row], |row| Ok((row.get(0)?, row.get(1)?, object(&head.fields, &tables.columns, row, 2)?)))?;
        let said = |field: &Field| holds.get(&field.name).map(plain).unwrap_or_default();
        let key: Vec<String> =
            head.key.iter().map(|field| said(&head.fields[*field])).filter(|text| !text.is_empty()).collect();
        let personal = head.fields.iter().filter(|field| field.personal);
        let personal = personal.map(|f| (f.name.clone(), said(f))).filter(|(_, text)| !text.is_empty()).collect();
        for (group, table) in kind.groups.iter().zip(&tables.groups) {
            let Some(table) = table else { continue };
            let sql = format!(
                "SELECT head_row{} FROM \"{}\" WHERE head_row = ?1 ORDER BY pos",
                names(&table.columns),
                table.name
            );
            let mut statement = self.conn.prepare_cached(&sql)?;
            let parts =
                statement.query_map([row], |row| object(&group.fields, &table.columns, row, 1).map(Json::Object))?;
            let parts = parts.collect::<rusqlite::Result<Vec<_>>>()?;
            if !parts.is_empty() {
                holds.insert(group.name.clone(), parts.into());
            }
        }
        if let Some(table) = &tables.extras {
            let sql = format!("SELECT name, value FROM \"{table}\" WHERE head_row = ?1 ORDER BY seq");
            let own = list(self.conn, &sql, [row], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            if !own.is_empty() {
                let own = own.into_iter().map(|(name, value)| Json::from(vec![name, value]));
                holds.insert(EXTRA.to_string(), own.collect());
            }
        }
        Ok(PersonRow { row: RowId(row), file: FileNo(file), line, key: key.join(" / "), personal, holds: holds.into() })
    }

    /// In which columns any of the values stands, and in how many rows: every text and every bytes of every table, but for
    /// the personal fields, whose rows are found by `rows_of_person`, and for kinds that have none.
    pub fn cells_holding(&self, values: &[String], kinds: &[Arc<Kind>]) -> Result<Vec<(String, String, u64)>> {
        let wanted = serde_json::to_string(values)?;
        let sql = "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
            WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND c.type IN ('TEXT', 'BLOB', '') ORDER BY 1, c.cid";
        let columns = list(self.conn, sql, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut found = Vec::new();
        for (table, column) in columns.into_iter().filter(|(table, column)| !is_of_kinds(kinds, table, column)) {
            let sql = format!(
                "SELECT count(*) FROM \"{table}\" t WHERE EXISTS (SELECT 1 FROM json_each(?1) v WHERE CASE typeof(t.\"{column}\")
                 WHEN 'text' THEN instr(lower(t.\"{column}\"), lower(v.value)) WHEN 'blob' THEN instr(t.\"{column}\", CAST(v.value AS BLOB))
                 ELSE 0 END > 0)"
            );
            let rows: i64 = self.conn.query_row(&sql, [&wanted], |row| row.get(0))?;
            if rows > 0 {
                found.push((table, column, rows.cast_unsigned()));
            }
        }
        Ok(found)
    }
}

/// What a row has to fulfil, with the value as `?1`; nothing where no field of the kind could.
fn condition(kind: &Kind, tables: &KindTables, mark: Mark<'_>) -> Option<String> {
    let personal = |group: usize, columns: &[TableColumn]| -> Vec<String> {
        let fields = &kind.groups[group].fields;
        columns.iter().filter(|c| fields[c.field].personal && !c.number).map(|c| format!("\"{}\"", c.name)).collect()
    };
    let is_it = |columns: Vec<String>| -> Vec<String> {
        columns.into_iter().map(|column| format!("lower({column}) = lower(?1)")).collect()
    };
    match mark {
        Mark::Number { field, .. } => {
            let column = tables.columns.iter().find(|column| column.name == field && !column.number)?;
            let has_persons = kind.groups.iter().flat_map(|group| &group.fields).any(|field| field.personal);
            let is_his = kind.head().key.contains(&column.field);
            (has_persons || is_his).then(|| format!("\"{field}\" = ?1"))
        }
        Mark::Name(_) => {
            let columns = personal(0, &tables.columns);
            let one: Vec<String> = columns.iter().map(|column| format!("COALESCE({column} || ' ', '')")).collect();
            (!one.is_empty()).then(|| format!("instr(lower({}), lower(?1)) > 0", one.join(" || ")))
        }
        Mark::Value(_) => {
            let mut terms = is_it(personal(0, &tables.columns));
            for (index, group) in tables.groups.iter().enumerate() {
                let Some(group) = group else { continue };
                let inner = is_it(personal(index, &group.columns));
                if !inner.is_empty() {
                    let inner = inner.join(" OR ");
                    terms.push(format!("row_id IN (SELECT head_row FROM \"{}\" WHERE {inner})", group.name));
                }
            }
            (!terms.is_empty()).then(|| terms.join(" OR "))
        }
    }
}

/// A personal field, or anything of a kind without one: prices and stock levels are long, and nobody's.
fn is_of_kinds(kinds: &[Arc<Kind>], table: &str, column: &str) -> bool {
    let owner = kinds.iter().find(|kind| kind.groups.iter().any(|group| group.table == table));
    let Some(owner) = owner else { return false };
    let group = owner.groups.iter().find(|group| group.table == table);
    let is_personal = group.is_some_and(|group| group.fields.iter().any(|f| f.personal && f.column() == column));
    is_personal || !owner.groups.iter().flat_map(|group| &group.fields).any(|field| field.personal)
}

fn names(columns: &[TableColumn]) -> String {
    columns.iter().map(|column| format!(", \"{}\"", column.name)).collect()
}

/// The cells of a row from a place on; what was not said is left out.
fn object(
    fields: &[Field],
    columns: &[TableColumn],
    row: &Row<'_>,
    first: usize,
) -> rusqlite::Result<Map<String, Json>> {
    let mut object = Map::new();
    for (nth, column) in columns.iter().enumerate() {
        let field = &fields[column.field];
        let value: Json = match (row.get_ref(first + nth)?, field.field_type.scale()) {
            (ValueRef::Integer(number), _) if field.field_type == FieldType::Boolean => (number != 0).into(),
            (ValueRef::Integer(number), Some(scale)) if scale > 0 => decimal::text(number, scale).into(),
            (ValueRef::Integer(number), _) => number.into(),
            (ValueRef::Text(text), _) if !text.is_empty() => String::from_utf8_lossy(text).into(),
            _ => continue,
        };
        let name = if column.sent { column.name.clone() } else { field.name.clone() };
        object.insert(name, value);
    }
    Ok(object)
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kind::{Group, shipped_kinds};

    #[test]
    fn no_kind_without_row_ids_holds_anything_personal() {
        let mut trees = 0;
        for kind in shipped_kinds().iter() {
            let personal = kind.groups.iter().flat_map(|group| &group.fields).any(|field| field.personal);
            let Some(tables) = KindTables::of(kind) else {
                // A question is answered and not stored; what else is not stored must hold nobody.
                continue;
            };
            assert!(!(tables.flat && personal), "{}: its rows cannot be found by a person", kind.name);
            trees += usize::from(!tables.flat && personal);
        }
        assert!(trees > 3);
    }

    /// What a run told and what a guard counted are kept by key, as bytes that no statement finds a value in.
    #[test]
    fn no_key_holds_anything_personal() {
        fn personal_keys(kind: &Kind) -> Vec<String> {
            let keys = |group: &Group| -> Vec<String> {
                let fields = group.key.iter().map(|field| &group.fields[*field]);
                fields.filter(|field| field.personal).map(|field| format!("{}.{}", kind.name, field.name)).collect()
            };
            kind.groups.iter().flat_map(keys).collect()
        }
        let kinds = shipped_kinds();
        for kind in kinds.iter() {
            assert_eq!(personal_keys(kind), Vec::<String>::new());
        }
        let mut contact = Kind::clone(kinds.get("contact").unwrap());
        let head = &mut contact.groups[0];
        let last = *head.key.last().unwrap();
        head.fields[last].personal = true;
        assert_eq!(personal_keys(&contact), [format!("contact.{}", contact.head().fields[last].name)]);
    }

    #[test]
    fn each_mark_asks_the_fields_that_the_kind_file_says() {
        let kinds = shipped_kinds();
        let asked = |kind: &str, mark| {
            let kind = kinds.get(kind).unwrap();
            condition(kind, &KindTables::of(kind).unwrap(), mark)
        };
        let by_number = |kind: &str, field: &'static str| asked(kind, Mark::Number { field, value: "1" });
        assert_eq!(by_number("contact", "contact_no").unwrap(), "\"contact_no\" = ?1");
        assert_eq!(by_number("order", "customer_no").unwrap(), "\"customer_no\" = ?1");
        assert_eq!(by_number("article", "customer_no"), None);
        let value = asked("customer", Mark::Value("x")).unwrap();
        assert!(value.contains("lower(\"email\") = lower(?1)"), "{value}");
        assert!(value.contains("SELECT head_row FROM \"customer_address\" WHERE lower(\"name\")"), "{value}");
        assert_eq!(asked("article", Mark::Value("x")), None);
        let name = asked("contact", Mark::Name("x")).unwrap();
        assert!(
            name.starts_with("instr(lower(COALESCE(\"first_name\" || ' ', '') || COALESCE(\"last_name\""),
            "{name}"
        );
    }
}
