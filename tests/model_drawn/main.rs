//! The data model as documentation, drawn from a database that the migrations made, the kinds, and schemas/tables.toml: docs/tables.md,
//! docs/views.md and the diagrams of docs/model.md. Nothing stands in the database without words, and no words without a column.

mod database;
mod words;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use database::{Column, Database, Index, Table};
use words::Words;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Puts what is drawn between the marks of a page, or compares it with what stands there.
fn draw(page: &str, part: &str, drawn: &str) {
    let begin =
        format!("<!-- {part}: drawn from the migrations; NATTPOST_WRITE_DOCS=1 cargo test --test model_drawn -->\n");
    let path = root().join(page);
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{page} lacks the mark {begin}"));
    let (found, after) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("{page}: {part} has no end mark"));
    if std::env::var_os("NATTPOST_WRITE_DOCS").is_some() {
        fs::write(&path, format!("{before}{begin}{drawn}<!-- end -->{after}")).unwrap();
    } else {
        assert!(
            found == drawn,
            "{page} is not what the migrations make: NATTPOST_WRITE_DOCS=1 cargo test --test model_drawn"
        );
    }
}

/// A number of the scale that its name says, the number that a partner wrote, or what its type says.
fn holds(column: &Column) -> String {
    let scale = match column.name.rsplit_once('_') {
        Some((_, "e6")) => ", in millionths",
        Some((_, "e4")) => ", in ten-thousandths",
        _ => "",
    };
    let what = match column.column_type.as_str() {
        "INTEGER" => "integer",
        "BLOB" => "bytes",
        _ => "text",
    };
    let key = if column.key > 0 { ", key" } else { "" };
    let null = if column.nullable { ", may be NULL" } else { "" };
    format!("{what}{scale}{key}{null}")
}

fn section(out: &mut String, words: &mut Words, table: &Table) {
    let _ =
        write!(out, "### {}\n\n{}\n\n| column | holds | says |\n|---|---|---|\n", table.name, words.table(&table.name));
    for column in &table.columns {
        let _ = writeln!(out, "| {} | {} | {} |", column.name, holds(column), words.column(&table.name, &column.name));
    }
    for reference in &table.references {
        let _ = write!(out, "\n`{}` → {}.", reference.column, reference.to);
    }
    if !table.references.is_empty() {
        out.push('\n');
    }
    for Index { name, unique, columns, partial } in &table.indexes {
        let unique = if *unique { "unique " } else { "" };
        let partial = partial.as_ref().map(|of| format!(", where {of}")).unwrap_or_default();
        let _ = write!(out, "\nIndex {unique}`{name}` ({}){partial}.", columns.join(", "));
    }
    out.push_str(if table.indexes.is_empty() { "\n" } else { "\n\n" });
}

#[test]
fn every_table_and_column_is_explained() {
    let database = Database::migrated();
    let mut words = Words::read();
    for (part, of_a_kind) in [("business tables", true), ("ledger", false)] {
        let mut drawn = String::new();
        for table in database.tables.iter().filter(|t| words.is_business(&t.name) == of_a_kind).collect::<Vec<_>>() {
            section(&mut drawn, &mut words, table);
        }
        draw("docs/tables.md", part, &drawn);
    }
    words.assert_complete("table");
}

#[test]
fn every_view_is_explained_and_answers_its_question() {
    let database = Database::migrated();
    let mut words = Words::read();
    let mut drawn = String::new();
    for view in &database.views {
        let (is, question, example) = words.view(&view.name);
        database.ask(&example).unwrap_or_else(|e| panic!("{}: {example}: {e}", view.name));
        assert!(example.contains(&view.name), "{}: its example asks another view", view.name);
        let _ = write!(drawn, "## {}\n\n{is}\n\n| column | says |\n|---|---|\n", view.name);
        for column in &view.columns {
            let _ = writeln!(drawn, "| {column} | {} |", words.view_column(&view.name, column));
        }
        let _ = write!(drawn, "\n{question}\n\n```sql\n{example}\n```\n\n");
    }
    draw("docs/views.md", "views", &drawn);
    words.assert_complete("view");
}

/// What is enforced is a line, what is only looked up is dotted.
fn diagram(database: &Database, words: &Words, business: bool) -> String {
    let mut lines = BTreeSet::new();
    for table in database.tables.iter().filter(|t| words.is_business(&t.name) == business) {
        for reference in &table.references {
            let column = table.columns.iter().find(|c| c.name == reference.column).unwrap();
            let (parent, child) =
                (if column.nullable { "|o" } else { "||" }, if table.alone(&reference.column) { "o|" } else { "o{" });
            lines.insert(format!("  {} {parent}--{child} {} : {}", reference.to, table.name, reference.column));
        }
        for (to, column) in words.looked_up(&table.name) {
            lines.insert(format!("  {to} |o..o{{ {} : {column}", table.name));
        }
    }
    let lines: Vec<_> = lines.into_iter().collect();
    format!("```mermaid\nerDiagram\n{}\n```\n", lines.join("\n"))
}

#[test]
fn the_diagrams_are_those_of_the_migrations() {
    let (database, words) = (Database::migrated(), Words::read());
    draw("docs/model.md", "ledger", &diagram(&database, &words, false));
    draw("docs/model.md", "business tables", &diagram(&database, &words, true));
}

#[test]
fn the_model_says_why_of_every_table() {
    let page = fs::read_to_string(root().join("docs/model.md")).unwrap();
    // Without what is drawn, where each stands anyway.
    let prose: String =
        page.split("<!-- ").map(|part| part.split_once("<!-- end").map_or(part, |(_, rest)| rest)).collect();
    let prose =
        prose.split("```mermaid").map(|part| part.split_once("```").map_or(part, |(_, rest)| rest)).collect::<String>();
    let named: BTreeSet<_> = prose.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let missing: Vec<_> =
        Database::migrated().tables.into_iter().map(|t| t.name).filter(|name| !named.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "docs/model.md says nothing of {missing:?}");
}
