//! What stands in a database that the migrations made, as it says itself.

use nattpost::edges::store::Store;
use rusqlite::{Connection, Row};

pub struct Column {
    pub name: String,
    pub column_type: String,
    pub nullable: bool,
    /// Place in the primary key, from 1 on.
    pub key: u32,
}

pub struct Reference {
    pub column: String,
    pub to: String,
}

pub struct Index {
    pub name: String,
    pub unique: bool,
    pub columns: Vec<String>,
    pub partial: Option<String>,
}

pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub references: Vec<Reference>,
    pub indexes: Vec<Index>,
}

impl Table {
    /// At most one row has a value of this column.
    pub fn alone(&self, column: &str) -> bool {
        let keys: Vec<_> = self.columns.iter().filter(|c| c.key > 0).collect();
        keys.len() == 1 && keys[0].name == column || self.indexes.iter().any(|i| i.unique && i.columns == [column])
    }
}

pub struct View {
    pub name: String,
    pub columns: Vec<String>,
}

pub struct Database {
    connection: Connection,
    pub tables: Vec<Table>,
    pub views: Vec<View>,
    _folder: tempfile::TempDir,
}

fn rows<T>(connection: &Connection, sql: &str, of: &str, each: impl Fn(&Row) -> rusqlite::Result<T>) -> Vec<T> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([of], |row| each(row)).unwrap().map(Result::unwrap).collect()
}

fn table(connection: &Connection, name: String) -> Table {
    let columns = rows(connection, "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1)", &name, |row| {
        let key = row.get(3)?;
        let nullable = row.get::<_, i64>(2)? == 0 && key == 0;
        Ok(Column { name: row.get(0)?, column_type: row.get(1)?, nullable, key })
    });
    let sql = "SELECT \"from\", \"table\" FROM pragma_foreign_key_list(?1) ORDER BY id DESC";
    let references = rows(connection, sql, &name, |row| Ok(Reference { column: row.get(0)?, to: row.get(1)? }));
    let sql = "SELECT i.name, i.\"unique\", s.sql FROM pragma_index_list(?1) i \
               JOIN sqlite_schema s ON s.name = i.name WHERE i.origin <> 'pk' ORDER BY i.name";
    let indexes = rows(connection, sql, &name, |row| {
        let (index, sql): (String, Option<String>) = (row.get(0)?, row.get(2)?);
        let columns = rows(connection, "SELECT name FROM pragma_index_info(?1)", &index, |row| {
            Ok(row.get::<_, Option<String>>(0)?.unwrap_or_else(|| "an expression".into()))
        });
        let partial = sql.and_then(|sql| sql.split_once(" WHERE ").map(|(_, of)| of.to_string()));
        // What SQLite made of a UNIQUE of the table has no name that anybody gave it.
        let name = if index.starts_with("sqlite_autoindex") { "of the table".to_string() } else { index };
        Ok(Index { name, unique: row.get(1)?, columns, partial })
    });
    Table { name, columns, references, indexes }
}

impl Database {
    pub fn migrated() -> Database {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nattpost.db");
        drop(Store::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        let named = "SELECT name FROM sqlite_schema WHERE type = ?1 AND name NOT LIKE 'sqlite_%' ORDER BY name";
        let tables = rows(&connection, named, "table", |row| row.get(0));
        let tables = tables.into_iter().map(|name| table(&connection, name)).collect();
        let views = rows(&connection, named, "view", |row| row.get::<_, String>(0));
        let views = views.into_iter().map(|name| {
            let columns = rows(&connection, "SELECT name FROM pragma_table_info(?1)", &name, |row| row.get(0));
            View { name, columns }
        });
        let views = views.collect();
        Database { connection, tables, views, _folder: folder }
    }

    pub fn ask(&self, question: &str) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare(question)?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        Ok(())
    }
}
