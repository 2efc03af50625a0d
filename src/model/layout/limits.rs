//! How large a layout may be: counts and lengths that keep what it makes of a file within bounds, whoever wrote it. Looked at
//! before anything of it is compiled, so that no other part has to be afraid of a number in a layout.
//!
//! Each limit is many times what the largest layout known needs (IDoc: 60 records, 2,000 rows; a market of cars: 640 columns).

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::plan::{Condition, Place, Record};
use crate::model::document::{Document, DocumentProblem, Section};

/// Of the text, with all that it extends.
pub const TEXT_MIB: usize = 4;
pub const RECORDS: usize = 300;
/// Field rows of one record, and of all.
pub const ROWS: usize = 2_000;
pub const ALL_ROWS: usize = 5_000;
/// Rows of all its tables of words.
pub const WORDS: usize = 100_000;
const TABLES: usize = 500;
/// Entries of any other list or table.
const ENTRIES: usize = 1_000;
const NESTED: usize = 8;
/// Of one text: the longest known, a computed field, has a hundred.
const TEXT_BYTES: usize = 4_000;
const KEY_BYTES: usize = 1_000;
/// Characters of a record of fixed width, and of columns in it.
pub const WIDTH: usize = 100_000;
/// Columns of a delimited row that a layout may name.
pub const COLUMNS: usize = 2_000;
/// Regular expressions: each may take some megabytes while it is used.
pub const EXPRESSIONS: usize = 64;
/// Places that all records together look at, each name and each of a record's tags for itself.
pub const PLACES: usize = 100_000;
/// Steps of a path in XML: files are not nested deeper.
pub const STEPS: usize = 64;

/// What a limit is exceeded by: where, key, what, found, limit.
struct Excess {
    span: Range<usize>,
    key: String,
    text: String,
}

/// Problems of a text that is larger than a layout may be; nothing else of it is looked at then.
pub fn check(file: &str, text: &str) -> Result<(), Vec<DocumentProblem>> {
    if text.len() > TEXT_MIB << 20 {
        let found = text.len() >> 20;
        let words =
            format!("the layout has {found} MiB, with all that it extends; a layout has at most {TEXT_MIB} MiB.");
        return Err(vec![problem(file, words)]);
    }
    let (root, _) = DeTable::parse_recoverable(text);
    let root = root.into_inner();
    let mut measure = Measure::default();
    measure.table("", &root, 0..0, 0);
    measure.records(&root);
    measure.words(&root);
    if measure.found.is_empty() {
        return Ok(());
    }
    let document = Document::parse(file, text);
    let root = document.root();
    let keys = root.keys();
    root.pass_over(&keys.iter().map(|key| key.value.as_str()).collect::<Vec<_>>());
    drop(root);
    // One place that is too large is enough to say so.
    for Excess { span, key, text } in measure.found.into_iter().take(20) {
        document.report(Some(span), &key, text, None);
    }
    Err(document.into_problems())
}

/// Nothing where the records look at more places than a layout may; that is told.
pub fn places(root: &Section<'_>, records: &[Record]) -> Option<()> {
    let of = |record: &Record| {
        let fields = record.fields.iter().map(|field| match &field.place {
            Place::One(spot) => spot.names.len(),
            Place::Joined(spots) | Place::Either { spots, .. } => spots.iter().map(|spot| spot.names.len()).sum(),
            Place::Nowhere | Place::Computed(_) => 0,
        });
        let conditions = record.when.iter().map(|condition| match condition {
            Condition::Is { words, .. } => words.len(),
            Condition::Holds(_) => 1,
        });
        record.tags.len().max(1) * (fields.sum::<usize>() + conditions.sum::<usize>())
    };
    let found: usize = records.iter().map(of).sum();
    if found > PLACES {
        let text =
            format!("the records look at {found} places, with all names and tags; a layout has at most {PLACES}.");
        root.problem("record", text);
        return None;
    }
    Some(())
}

fn problem(file: &str, text: String) -> DocumentProblem {
    DocumentProblem { file: file.to_string(), line: 0, column: 0, key: String::new(), text, suggestion: None }
}

#[derive(Default)]
struct Measure {
    found: Vec<Excess>,
}

impl Measure {
    fn more(&mut self, span: Range<usize>, key: &str, count: usize, limit: usize, what: &str) {
        if count > limit {
            let text = format!("{count} {what}; a layout has at most {limit}.");
            self.found.push(Excess { span, key: key.to_string(), text });
        }
    }

    fn table(&mut self, path: &str, table: &DeTable<'_>, span: Range<usize>, depth: usize) {
        // Tables of words have a limit of their own.
        if !path.starts_with("lookup") {
            self.more(span.clone(), path, table.len(), ENTRIES, "keys in one table");
        }
        if self.is_nested(path, &span, depth) {
            return;
        }
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            self.more(key.span(), path, name.len(), KEY_BYTES, "bytes in a key");
            let below = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            self.value(&below, name, value, depth);
        }
    }

    fn value(&mut self, path: &str, name: &str, value: &Spanned<DeValue<'_>>, depth: usize) {
        match value.get_ref() {
            DeValue::String(text) => self.more(value.span(), path, text.len(), TEXT_BYTES, "bytes in one text"),
            DeValue::Integer(number) => {
                self.more(value.span(), path, number.as_str().len(), KEY_BYTES, "digits in a number");
            }
            DeValue::Table(table) => self.table(path, table, value.span(), depth + 1),
            DeValue::Array(items) => self.list(path, name, items, value.span(), depth + 1),
            _ => {}
        }
    }

    fn list(&mut self, path: &str, name: &str, items: &DeArray<'_>, span: Range<usize>, depth: usize) {
        let is_counted = path == "record" || name == "fields";
        if !is_counted {
            self.more(span.clone(), path, items.len(), ENTRIES, "entries in one list");
        }
        if self.is_nested(path, &span, depth) {
            return;
        }
        for item in items.iter().take(if is_counted { ALL_ROWS + 1 } else { ENTRIES }) {
            self.value(path, "", item, depth);
        }
    }

    fn is_nested(&mut self, path: &str, span: &Range<usize>, depth: usize) -> bool {
        self.more(span.clone(), path, depth, NESTED, "tables and lists in one another");
        depth > NESTED
    }

    fn records(&mut self, root: &DeTable<'_>) {
        let Some(value) = root.get("record") else { return };
        let Some(records) = value.get_ref().as_array() else { return };
        self.more(value.span(), "record", records.len(), RECORDS, "records");
        let (mut all, mut expressions) = (0, 0);
        for record in records.iter().filter_map(|record| record.get_ref().as_table()) {
            let Some(rows) = record.get("fields") else { continue };
            let count = rows.get_ref().as_array().map_or(0, |rows| rows.len());
            self.more(rows.span(), "record.fields", count, ROWS, "rows in one record");
            all += count;
            let forms =
                rows.get_ref().as_array().into_iter().flatten().filter_map(|row| row.get_ref().as_array()?.get(2));
            let forms = forms.filter_map(|form| form.get_ref().as_str());
            expressions += forms.filter(|form| form.contains("match=") || form.contains("take=")).count();
        }
        self.more(value.span(), "record", expressions, EXPRESSIONS, "values with match= or take=");
        self.more(value.span(), "record", all, ALL_ROWS, "rows in all records");
    }

    fn words(&mut self, root: &DeTable<'_>) {
        let Some(value) = root.get("lookup") else { return };
        let Some(tables) = value.get_ref().as_table() else { return };
        self.more(value.span(), "lookup", tables.len(), TABLES, "tables of words");
        let rows = tables.iter().filter_map(|(_, table)| Some(table.get_ref().as_table()?.len())).sum();
        self.more(value.span(), "lookup", rows, WORDS, "rows in the tables of words");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let problems = check("l.toml", text).err().unwrap_or_default();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_too_large_is_told_with_its_place_and_the_limit() {
        let rows = |count: usize| format!("fields = [{}]\n", "[\"1\", \"-\"],\n".repeat(count));
        let record = |count: usize| format!("\n[[record]]\n{}", rows(count));
        let words: String = (0..100_001).map(|n| format!("w{n} = 'x'\n")).collect();
        let table = [
            (
                format!("title = '{}'", "x".repeat(4_001)),
                "line 1, column 9, \"title\": 4001 bytes in one text; a layout has at most 4000.",
            ),
            (format!("{} = 1", "k".repeat(1_001)), "1001 bytes in a key"),
            (format!("a = [{}]", "1,".repeat(1_001)), "1001 entries in one list"),
            (record(2_001), "2001 rows in one record"),
            (record(1_999).repeat(3), "5997 rows in all records"),
            (record(1).repeat(301), "301 records"),
            (format!("[lookup.a]\n{words}"), "100001 rows in the tables of words"),
            ((0..501).map(|n| format!("[lookup.t{n}]\n")).collect(), "501 tables of words"),
            ("a = [[[[[[[[[1]]]]]]]]]".to_string(), "9 tables and lists in one another"),
            ("#".repeat((4 << 20) + 1), "the layout has 4 MiB"),
        ];
        for (text, expected) in table {
            let told = told(&text);
            assert!(told.contains(expected), "{expected}: {told}");
        }
        assert_eq!(told(&format!("{}[lookup.a]\n{}", record(2_000), &words[..words.len() - 14])), "");
    }
}
