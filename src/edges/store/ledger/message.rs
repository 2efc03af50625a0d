//! Exceptions among the messages of a file: held, refused, duplicate and stale ones, with what makes their reason, their
//! part of the reject and a later judgement possible. Messages that were simply taken stand on their business rows.
//! Who waits for what is in `waiting`.

use std::ops::Range;

use anyhow::{Context, Result};
use rusqlite::{Params, Row, params};
use serde_json::{Value, json};

use super::byte_ranges;
use super::file::unsigned;
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FileNo, RowId, Snapshot, Tx};
use crate::model::diagnostic::Problem;
use crate::model::verdict::Verdict;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageNo(pub i64);

/// What a held message waits for: that a record of this kind and key comes. An empty kind: a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    pub kind: String,
    pub key: String,
    /// Refused when it has not come by then.
    pub until: Option<String>,
}

/// A message that was not simply taken.
#[derive(Debug, Clone)]
pub struct Exception<'a> {
    pub number: u64,
    pub kind: &'a str,
    /// Business key for people and for blocking others of the same key.
    pub key: &'a str,
    pub verdict: Verdict,
    pub code: &'a str,
    pub line: u32,
    pub bytes: &'a [Range<u64>],
    pub problems: &'a [Problem],
    /// The message itself, for held ones: what is judged again.
    pub payload: Option<&'a str>,
    /// The row it meets: the order it is a duplicate or a change of.
    pub row: Option<RowId>,
    pub waits: Option<&'a Waits>,
    pub decided_at: &'a str,
}

/// A later verdict on an exception.
#[derive(Debug, Clone)]
pub struct Revision<'a> {
    pub verdict: Verdict,
    pub code: &'a str,
    pub problems: &'a [Problem],
    pub row: Option<RowId>,
    pub waits: Option<&'a Waits>,
    pub decided_at: &'a str,
    pub comment: &'a str,
}

/// A problem as it was noted; the text stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedProblem {
    pub code: String,
    pub line: u32,
    pub byte: u64,
    pub field: String,
    /// Said instead of the line; empty where that is said.
    pub spoken: String,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    pub no: MessageNo,
    pub file: FileNo,
    pub number: u64,
    pub kind: String,
    pub key: String,
    pub verdict: Verdict,
    pub code: String,
    pub line: u32,
    pub bytes: Vec<Range<u64>>,
    pub problems: Vec<NotedProblem>,
    pub payload: Option<String>,
    pub row: Option<RowId>,
    pub waits: Option<Waits>,
    pub decided_at: String,
    pub comment: String,
}

pub(super) const COLUMNS: &str = "m.message_no, m.file_no, m.number, m.kind, m.key, m.verdict, m.code, m.line, m.bytes, m.problems, \
     m.payload, m.row_id, m.waits_kind, m.waits_key, m.wait_until, m.decided_at, m.comment";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<MessageRow> {
    let waits_kind: Option<String> = row.get(12)?;
    let waits = match waits_kind {
        Some(kind) => Some(Waits { kind, key: row.get(13)?, until: row.get(14)? }),
        None => None,
    };
    Ok(MessageRow {
        no: MessageNo(row.get(0)?),
        file: FileNo(row.get(1)?),
        number: unsigned(row, 2)?,
        kind: row.get(3)?,
        key: row.get(4)?,
        // The table's CHECK allows the six words only.
        verdict: Verdict::parse(row.get_ref(5)?.as_str()?).unwrap_or(Verdict::Refused),
        code: row.get(6)?,
        line: row.get(7)?,
        bytes: byte_ranges::unpack(row.get_ref(8)?.as_blob()?),
        problems: read_problems(row.get_ref(9)?.as_str()?),
        payload: row.get(10)?,
        row: row.get::<_, Option<i64>>(11)?.map(RowId),
        waits,
        decided_at: row.get(15)?,
        comment: row.get(16)?,
    })
}

fn problems_text(problems: &[Problem]) -> String {
    let list: Vec<Value> = problems
        .iter()
        .map(|p| {
            let mut noted = json!({"code": p.code, "line": p.place.line, "byte": p.place.byte, "field": p.place.field, "text": p.text});
            if let Some(spoken) = &p.place.spoken {
                noted["where"] = json!(&**spoken);
            }
            noted
        })
        .collect();
    Value::Array(list).to_string()
}

fn read_problems(text: &str) -> Vec<NotedProblem> {
    let Ok(Value::Array(list)) = serde_json::from_str(text) else { return Vec::new() };
    let word = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_string();
    list.iter()
        .map(|value| NotedProblem {
            code: word(value, "code"),
            line: value["line"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or_default(),
            byte: value["byte"].as_u64().unwrap_or_default(),
            field: word(value, "field"),
            spoken: word(value, "where"),
            text: word(value, "text"),
        })
        .collect()
}

impl Tx<'_> {
    /// Lists an exception of a file. A file that is judged once more lists its message anew.
    pub fn add_exception(&self, file: FileNo, exception: &Exception<'_>) -> Result<MessageNo> {
        fault::point("store.add_exception")?;
        let sql = "INSERT INTO message (file_no, number, kind, key, verdict, code, line, bytes, problems, payload, row_id, waits_kind, \
             waits_key, wait_until, decided_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
             ON CONFLICT (file_no, number) DO UPDATE SET kind = excluded.kind, key = excluded.key, verdict = excluded.verdict, \
             code = excluded.code, line = excluded.line, bytes = excluded.bytes, problems = excluded.problems, \
             payload = excluded.payload, row_id = excluded.row_id, waits_kind = excluded.waits_kind, waits_key = excluded.waits_key, \
             wait_until = excluded.wait_until, decided_at = excluded.decided_at RETURNING message_no";
        let values = params![
            file.0,
            exception.number.cast_signed(),
            exception.kind,
            exception.key,
            exception.verdict.as_str(),
            exception.code,
            exception.line,
            byte_ranges::pack(exception.bytes),
            problems_text(exception.problems),
            exception.payload,
            exception.row.map(|r| r.0),
            exception.waits.map(|w| &w.kind),
            exception.waits.map(|w| &w.key),
            exception.waits.and_then(|w| w.until.as_deref()),
            exception.decided_at,
        ];
        one(self.conn, sql, values, |row| row.get(0))
            .with_context(|| format!("cannot list message {} of file number {}", exception.number, file.0))?
            .map(MessageNo)
            .context("the database gave no number for a message")
    }

    /// A file is judged from the beginning: what it listed before is void.
    pub fn clear_exceptions(&self, file: FileNo) -> Result<()> {
        fault::point("store.clear_exceptions")?;
        run(self.conn, "DELETE FROM message WHERE file_no = ?1", [file.0])?;
        Ok(())
    }

    /// A message is judged again: released, retried, timed out, or what it waited for came. An accepted one keeps its row
    /// here as the trace, without payload and bytes' worth of waiting.
    pub fn revise_message(&self, message: MessageNo, revision: &Revision<'_>) -> Result<()> {
        fault::point("store.revise_message")?;
        let sql = "UPDATE message SET verdict = ?2, code = ?3, problems = ?4, row_id = ?5, waits_kind = ?6, waits_key = ?7, wait_until = ?8, \
             decided_at = ?9, comment = ?10, payload = CASE WHEN ?2 IN ('held', 'refused') THEN payload ELSE NULL END WHERE message_no = ?1";
        let values = params![
            message.0,
            revision.verdict.as_str(),
            revision.code,
            problems_text(revision.problems),
            revision.row.map(|r| r.0),
            revision.waits.map(|w| &w.kind),
            revision.waits.map(|w| &w.key),
            revision.waits.and_then(|w| w.until.as_deref()),
            revision.decided_at,
            revision.comment,
        ];
        let changed =
            run(self.conn, sql, values).with_context(|| format!("cannot revise message number {}", message.0))?;
        anyhow::ensure!(changed == 1, "there is no message number {} in the ledger", message.0);
        Ok(())
    }
}

impl Snapshot<'_> {
    pub fn message(&self, message: MessageNo) -> Result<Option<MessageRow>> {
        one(self.conn, &format!("SELECT {COLUMNS} FROM message m WHERE m.message_no = ?1"), [message.0], read)
    }

    /// Messages whose fields, key or problems hold one of the values, the newest first.
    pub fn messages_holding(&self, values: &[String], limit: u32) -> Result<Vec<MessageRow>> {
        let filter = "EXISTS (SELECT 1 FROM json_each(?1) v WHERE
             instr(lower(COALESCE(m.payload, '') || char(10) || m.key || char(10) || m.problems), lower(v.value)) > 0)
             ORDER BY m.message_no DESC LIMIT ?2";
        self.find_messages(filter, params![serde_json::to_string(values)?, limit])
    }

    /// The exceptions of a file in its order, from a message number on, at most so many.
    pub fn messages_of(&self, file: FileNo, from_number: u64, limit: u32) -> Result<Vec<MessageRow>> {
        let filter = "m.file_no = ?1 AND m.number >= ?2 ORDER BY m.number LIMIT ?3";
        self.find_messages(filter, params![file.0, from_number.cast_signed(), limit])
    }

    pub(super) fn find_messages(&self, filter: &str, values: impl Params) -> Result<Vec<MessageRow>> {
        list(self.conn, &format!("SELECT {COLUMNS} FROM message m WHERE {filter}"), values, read)
    }
}
