//! The tables of the database and the kinds agree: every field has its column of the right type, and no column stands
//! there unexplained.

use std::collections::BTreeMap;

use nattpost::edges::store::Store;
use nattpost::edges::store::business::KindTables;
use nattpost::model::kind::{FieldType, shipped_kinds};

/// Name → (type, NOT NULL, default or ''), as the database tells.
fn columns(conn: &rusqlite::Connection, table: &str) -> BTreeMap<String, (String, bool, String)> {
    let sql = "SELECT name, type, \"notnull\", COALESCE(dflt_value, '') FROM pragma_table_info(?1)";
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([table], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn every_field_has_its_column_and_every_column_its_field() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("n.db");
    drop(Store::open(&path).unwrap());
    let conn = rusqlite::Connection::open(&path).unwrap();
    let mut compared = Vec::new();
    for kind in shipped_kinds().iter() {
        let Some(tables) = KindTables::of(kind) else {
            assert!(
                ["answer", "deletion", "question", "receipt"].contains(&kind.name.as_str()),
                "{} is not stored",
                kind.name
            );
            continue;
        };
        for (table, cells, ours) in tables.layout() {
            let mut found = columns(&conn, table);
            for column in cells {
                let (column_type, not_null, default) =
                    found.remove(&column.name).unwrap_or_else(|| panic!("{table} has no column {}", column.name));
                let expected = if column.number { "INTEGER" } else { "TEXT" };
                assert_eq!(column_type, expected, "{table}.{}", column.name);
                assert_eq!(not_null, column.key || column.required, "{table}.{} NOT NULL", column.name);
                // What a row does not bring is left out of its statement.
                let none = match (column.key, column.number) {
                    (false, _) => "",
                    (true, true) => "0",
                    (true, false) => "''",
                };
                assert_eq!(default, none, "{table}.{} DEFAULT", column.name);
            }
            for name in ours {
                assert!(found.remove(name).is_some(), "{table} has no column {name}");
            }
            assert!(found.is_empty(), "{table} has columns that no field explains: {found:?}");
            compared.push(table.to_string());
        }
    }
    let expected = "article article_alias article_unit article_reference base_data base_data_name contact contact_right customer customer_address discount document orders order_line order_line_charge order_charge order_change order_change_line \
         order_status order_status_line despatch despatch_tracking despatch_line price quote quote_line quote_line_charge quote_charge registration registration_address registration_right registration_answer set_article set_component stock";
    assert_eq!(compared.join(" "), expected);
}

#[test]
fn histories_have_the_columns_of_their_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("n.db");
    drop(Store::open(&path).unwrap());
    let conn = rusqlite::Connection::open(&path).unwrap();
    for table in ["stock", "price", "order_status"] {
        let (mut of_kind, mut kept) = (columns(&conn, table), columns(&conn, &format!("{table}_history")));
        for ours in ["row_id", "as_of", "since_file", "since_line"] {
            of_kind.remove(ours);
        }
        for ours in ["history_no", "until"] {
            assert!(kept.remove(ours).is_some(), "{table}_history has no {ours}");
        }
        // Whether there has to be something differs for these alone.
        for one in [&mut of_kind, &mut kept] {
            one.remove("since");
            one.insert("active".to_string(), ("INTEGER".to_string(), true, String::new()));
        }
        assert_eq!(kept, of_kind, "{table}");
    }
}

#[test]
fn scaled_columns_carry_their_scale() {
    for kind in shipped_kinds().iter() {
        for group in &kind.groups {
            for field in &group.fields {
                let end = match field.field_type {
                    FieldType::Quantity | FieldType::Price | FieldType::Money => "_e6",
                    FieldType::Percent => "_e4",
                    _ => "",
                };
                assert_eq!(field.column(), format!("{}{end}", field.name));
            }
        }
    }
}

#[test]
fn every_table_is_strict_and_every_view_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("n.db");
    drop(Store::open(&path).unwrap());
    let conn = rusqlite::Connection::open(&path).unwrap();
    let mut statement =
        conn.prepare("SELECT name, type, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite%'").unwrap();
    let tables: Vec<(String, String, bool)> =
        statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).unwrap().map(Result::unwrap).collect();
    let mut views = 0;
    for (name, table_type, strict) in tables {
        if table_type == "view" {
            conn.prepare(&format!("SELECT * FROM {name}")).unwrap_or_else(|e| panic!("{name}: {e}"));
            views += 1;
        } else {
            assert!(strict, "{name} is not STRICT");
        }
    }
    assert!(views >= 8, "{views}");
}
