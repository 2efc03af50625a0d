//! Questions of people about files and runs that need a choice of their own: by name with `*`, by reason, by day; what
//! repeats what, what came back as what, who gave a command about it. Reading only; the rows themselves are the ledger's.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};

use super::ledger::{CommandRow, FileRow, RunRow};
use super::query::{list, one};
use super::{FileNo, Snapshot};
use crate::model::ids::Id;
use crate::model::verdict::Verdict;

/// Which files are asked for; nothing said means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Ids or names, a name with `*` for any text: any of them.
    pub items: Vec<String>,
    pub partner: Option<String>,
    pub intake: Option<String>,
    /// Of the file as a whole, or of any of its messages.
    pub verdict: Option<Verdict>,
    /// Of the file as a whole, or of any of its messages.
    pub reason: Option<String>,
    /// First seen in `[from, to)`.
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    /// Only those that were rehearsed and that nobody has closed.
    pub rehearsed: bool,
}

impl Snapshot<'_> {
    /// The newest first, at most `limit`.
    pub fn select_files(&self, selection: &Selection, limit: u32) -> Result<Vec<FileRow>> {
        let (conditions, values) = conditions(selection);
        let sql = format!("SELECT file_no FROM file f WHERE {conditions} ORDER BY file_no DESC LIMIT {limit}");
        let numbers = list(self.conn, &sql, params_from_iter(values), |row| row.get(0).map(FileNo));
        self.rows_of(numbers.context("cannot list files")?)
    }

    /// How many there are in all.
    pub fn count_files(&self, selection: &Selection) -> Result<u64> {
        let (conditions, values) = conditions(selection);
        let sql = format!("SELECT COUNT(*) FROM file f WHERE {conditions}");
        let count: Option<i64> =
            one(self.conn, &sql, params_from_iter(values), |row| row.get(0)).context("cannot count files")?;
        Ok(count.unwrap_or_default().cast_unsigned())
    }

    /// The last judged file of the same content before this one, from the same partner.
    pub fn same_content_before(&self, file: &FileRow) -> Result<Option<FileRow>> {
        let sql =
            "SELECT file_no FROM file WHERE file_no < ?1 AND partner = ?2 AND state = 'judged' AND content_hash = ?3
                   ORDER BY file_no DESC LIMIT 1";
        let found =
            one(self.conn, sql, params![file.no.0, file.partner, file.content_hash], |row| row.get(0).map(FileNo))?;
        Ok(match found {
            Some(number) => self.file(number)?,
            None => None,
        })
    }

    /// What came back out of this file: corrected, or moved into the intake again; in the order of coming.
    pub fn returned_as(&self, file: &FileRow) -> Result<Vec<FileRow>> {
        let sql = "SELECT file_no FROM file WHERE file_no > ?2 AND returns_of = ?1 ORDER BY file_no";
        self.rows_of(list(self.conn, sql, params![file.id.as_str(), file.no.0], |row| row.get(0).map(FileNo))?)
    }

    /// Names of the last files, the newest first, each once: what a mistyped name may have meant.
    pub fn recent_names(&self, limit: u32) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT name FROM (SELECT name, file_no FROM file ORDER BY file_no DESC LIMIT ?1)";
        list(self.conn, sql, [limit], |row| row.get(0))
    }

    /// The run that people call `partner/feed#number`.
    pub fn run_numbered(&self, partner: &str, feed: &str, number: u64) -> Result<Option<RunRow>> {
        let sql =
            "SELECT run_id FROM run WHERE partner = ?1 AND feed = ?2 AND number = ?3 ORDER BY run_no DESC LIMIT 1";
        let id: Option<String> = one(self.conn, sql, params![partner, feed, number.cast_signed()], |row| row.get(0))?;
        match id.as_deref().and_then(Id::parse) {
            Some(id) => self.run_by_id(id),
            None => Ok(None),
        }
    }

    /// Commands whose arguments name this text (an id, a feed), the oldest first, at most the last `limit`.
    pub fn commands_naming(&self, text: &str, limit: u32) -> Result<Vec<CommandRow>> {
        let sql = "SELECT command_id FROM command WHERE instr(arguments, ?1) > 0 ORDER BY command_no DESC LIMIT ?2";
        // Arguments are JSON: the text stands there as JSON writes it.
        let quoted = serde_json::Value::from(text).to_string();
        let ids: Vec<String> = list(self.conn, sql, params![quoted, limit], |row| row.get(0))?;
        let mut found = Vec::new();
        for id in ids.iter().rev().filter_map(|id| Id::parse(id)) {
            found.extend(self.command(id)?);
        }
        Ok(found)
    }

    fn rows_of(&self, numbers: Vec<FileNo>) -> Result<Vec<FileRow>> {
        let mut rows = Vec::with_capacity(numbers.len());
        for number in numbers {
            rows.extend(self.file(number)?);
        }
        Ok(rows)
    }
}

fn conditions(selection: &Selection) -> (String, Vec<Value>) {
    let mut all = vec!["1 = 1".to_string()];
    let mut values: Vec<Value> = Vec::new();
    let mut equal = |column: &str, value: &Option<String>| {
        if let Some(value) = value {
            all.push(format!("f.{column} = ?"));
            values.push(value.clone().into());
        }
    };
    equal("partner", &selection.partner);
    equal("intake", &selection.intake);
    if let Some(verdict) = selection.verdict {
        // A file that could not be read at all is refused without a message.
        all.push(format!("(f.{0} > 0 OR f.verdict = '{0}')", verdict.as_str()));
    }
    if let Some(code) = &selection.reason {
        let of_part =
            |table: &str| format!("EXISTS (SELECT 1 FROM {table} p WHERE p.file_no = f.file_no AND p.code = ?)");
        all.push(format!("(f.code = ? OR {} OR {})", of_part("problem_count"), of_part("message")));
        values.extend([code.clone().into(), code.clone().into(), code.clone().into()]);
    }
    if selection.rehearsed {
        all.push("f.rehearsed > 0".to_string());
    }
    for (sign, bound) in [(">=", selection.from), ("<", selection.to)] {
        if let Some(bound) = bound {
            all.push(format!("f.first_seen {sign} ?"));
            values.push(second_of(bound).into());
        }
    }
    if !selection.items.is_empty() {
        let (patterns, exact): (Vec<&String>, Vec<&String>) = selection.items.iter().partition(|i| i.contains('*'));
        // A list and not a chain of OR: that one may only be 1,000 deep.
        let list = vec!["?"; exact.len()].join(", ");
        let mut any = vec![format!("f.file_id IN ({list}) OR f.name IN ({list})")];
        values.extend([&exact, &exact].into_iter().flatten().map(|item| Value::from(item.to_string())));
        for pattern in patterns {
            any.push("f.name LIKE ? ESCAPE '\\'".to_string());
            values.push(like(pattern).into());
        }
        all.push(format!("({})", any.join(" OR ")));
    }
    (all.join(" AND "), values)
}

/// Without fraction and zone: shorter, so it sorts before every instant of the same second.
pub(super) fn second_of(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%S").to_string()
}

fn like(item: &str) -> String {
    let mut out = String::with_capacity(item.len());
    for c in item.chars() {
        match c {
            '*' => out.push('%'),
            '%' | '_' | '\\' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}
