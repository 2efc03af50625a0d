//! The rows of `plan`: a table for people, printed piece by piece so that any number of them can be, and objects.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use super::page::{Columns, Page};
use super::trial::flatten;
use crate::flows::plan::{Change, RowPair};
use crate::model::batch::Message;
use crate::model::difference::ABSENT;
use crate::model::json::to_json;

/// Fields of a row that are shown.
const FIELDS: usize = 12;
/// A table is printed when it has so many lines.
const LINES_TOGETHER: usize = 500;

pub fn row_object(pair: &RowPair<'_>) -> Value {
    let fields: Vec<Value> =
        pair.differences.iter().map(|d| json!({ "field": d.path, "before": d.old, "after": d.new })).collect();
    json!({
        "kind": pair.kind,
        "change": pair.change.as_str(),
        "key": pair.key,
        "before": pair.before.map(to_json),
        "after": pair.after.map(to_json),
        "fields": fields,
    })
}

/// The table of rows, printed piece by piece.
pub struct Lines {
    columns: Columns,
    lines: usize,
    any: bool,
}

impl Lines {
    pub fn new() -> Self {
        Lines { columns: Lines::columns(), lines: 0, any: false }
    }

    fn columns() -> Columns {
        Columns::new(&["kind", "change", "key", "field", "before", "after"])
    }

    pub fn add(&mut self, page: &mut Page<'_>, pair: &RowPair<'_>) -> Result<()> {
        let mut fields = fields(pair);
        let more = fields.len().saturating_sub(FIELDS);
        fields.truncate(FIELDS);
        if more > 0 {
            fields.push((format!("… and {more} more"), String::new(), String::new()));
        }
        for (nth, (field, before, after)) in fields.into_iter().enumerate() {
            let first = |text: &str| if nth == 0 { text.to_string() } else { String::new() };
            self.columns.row([first(pair.kind), first(pair.change.as_str()), first(&pair.key), field, before, after]);
            self.lines += 1;
        }
        if self.lines >= LINES_TOGETHER {
            self.end(page)?;
        }
        Ok(())
    }

    pub fn end(&mut self, page: &mut Page<'_>) -> Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        if !std::mem::replace(&mut self.any, true) {
            page.gap()?;
        }
        self.lines = 0;
        Ok(page.table(std::mem::replace(&mut self.columns, Lines::columns()))?)
    }
}

/// Field, before, after: what differs; of a row that is new or goes, all it says.
fn fields(pair: &RowPair<'_>) -> Vec<(String, String, String)> {
    let none = || "-".to_string();
    let or_none = |text: &str| if text == ABSENT { none() } else { text.to_string() };
    let mut fields: Vec<_> = match (pair.change, pair.before, pair.after) {
        (Change::Created | Change::Reopened, _, Some(after)) => {
            said(after).into_iter().map(|(path, value)| (path, none(), value)).collect()
        }
        (Change::Closed, Some(before), _) => {
            said(before).into_iter().map(|(path, value)| (path, value, none())).collect()
        }
        _ => pair.differences.iter().map(|d| (d.path.clone(), or_none(&d.old), or_none(&d.new))).collect(),
    };
    if fields.is_empty() {
        fields.push(Default::default());
    }
    fields
}

/// What a row says beside its key; a number as it was sent only where it is another than ours.
fn said(row: Message<'_>) -> Vec<(String, String)> {
    let head = row.kind().head();
    let mut cells = Vec::new();
    flatten(&to_json(row), "", "", &mut cells);
    let values: BTreeMap<&str, &str> = cells.iter().map(|(path, _, value)| (path.as_str(), value.as_str())).collect();
    let is_key = |path: &str| head.key.iter().any(|field| head.fields[*field].name == path);
    let is_ours = |path: &str, value: &str| {
        path.strip_suffix("_sent").is_some_and(|ours| values.get(ours).is_some_and(|known| *known == value))
    };
    let wanted = cells.iter().filter(|(path, _, value)| !is_key(path) && !is_ours(path, value));
    wanted.map(|(path, _, value)| (path.clone(), value.clone())).collect()
}
