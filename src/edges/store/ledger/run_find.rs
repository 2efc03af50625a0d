//! Questions about runs: by id, by name, by what is still open, by what they took along.

use anyhow::Result;
use rusqlite::{Params, Row, params};

use super::file::{read_id, unsigned};
use super::run::{RunReason, RunState};
use crate::edges::store::query::{list, one};
use crate::edges::store::{FileNo, RowId, RunNo, Snapshot};
use crate::model::ids::Id;
use crate::model::mode::Mode;
use crate::model::rules::one_name::Turn;
use crate::model::rules::supersede::Scope;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    pub no: RunNo,
    pub id: Id,
    pub number: u64,
    pub partner: String,
    pub feed: String,
    pub kind: String,
    pub layout: String,
    pub reason: RunReason,
    pub due_at: Option<String>,
    pub state: RunState,
    pub folder: String,
    pub name: String,
    pub hash: Vec<u8>,
    pub size: u64,
    pub rows: u64,
    pub file: Option<FileNo>,
    pub ready_at: String,
    pub sent_at: Option<String>,
    pub day: String,
    pub placed: bool,
    pub comment: String,
    pub scope: Scope,
    pub replaces: Option<RunNo>,
    pub doubt_until: Option<String>,
    pub done_name: String,
    pub creates: u64,
    pub changes: u64,
    pub deletes: u64,
    pub took_us: u64,
    /// Not live: it went out as a test, or never.
    pub rehearsed: Mode,
    pub turn: Turn,
    /// Characters that its encoding lacks and that something else was written for.
    pub unmapped: u64,
}

const COLUMNS: &str = "run_no, run_id, number, partner, feed, kind, layout, reason, due_at, state, folder, name, hash, size, rows, \
     file_no, ready_at, sent_at, day, placed, comment, scope, replaces, doubt_until, done_name, creates, changes, deletes, took_us, \
     rehearsed, turn, unmapped";

fn read(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let reason = row.get_ref(7)?.as_str()?;
    let state = row.get_ref(9)?.as_str()?;
    let scope = row.get_ref(21)?.as_str()?;
    let turn = row.get_ref(30)?.as_str()?;
    Ok(RunRow {
        no: RunNo(row.get(0)?),
        id: read_id(row, 1)?,
        number: unsigned(row, 2)?,
        partner: row.get(3)?,
        feed: row.get(4)?,
        kind: row.get(5)?,
        layout: row.get(6)?,
        // Both columns have a CHECK with these words only.
        reason: RunReason::ALL.into_iter().find(|r| r.as_str() == reason).unwrap_or(RunReason::Due),
        due_at: row.get(8)?,
        state: RunState::ALL.into_iter().find(|s| s.as_str() == state).unwrap_or(RunState::Failed),
        folder: row.get(10)?,
        name: row.get(11)?,
        hash: row.get(12)?,
        size: unsigned(row, 13)?,
        rows: unsigned(row, 14)?,
        file: row.get::<_, Option<i64>>(15)?.map(FileNo),
        ready_at: row.get(16)?,
        sent_at: row.get(17)?,
        day: row.get(18)?,
        placed: row.get(19)?,
        comment: row.get(20)?,
        // Written by us alone.
        scope: Scope::ALL.into_iter().find(|s| s.as_str() == scope).unwrap_or(Scope::Full),
        replaces: row.get::<_, Option<i64>>(22)?.map(RunNo),
        doubt_until: row.get(23)?,
        done_name: row.get(24)?,
        creates: unsigned(row, 25)?,
        changes: unsigned(row, 26)?,
        deletes: unsigned(row, 27)?,
        took_us: unsigned(row, 28)?,
        rehearsed: Mode::of_number(row.get(29)?),
        turn: Turn::ALL.into_iter().find(|t| t.as_str() == turn).unwrap_or_default(),
        unmapped: unsigned(row, 31)?,
    })
}

impl Snapshot<'_> {
    pub fn run_by_id(&self, id: Id) -> Result<Option<RunRow>> {
        one(self.conn, &format!("SELECT {COLUMNS} FROM run WHERE run_id = ?1"), [id.as_str()], read)
    }

    /// Runs that are not at rest: not sent, or the folders may not have followed yet.
    pub fn open_runs(&self) -> Result<Vec<RunRow>> {
        // Word for word the condition of the index `run_open`.
        self.find_runs("(placed = 0 OR state IN ('ready', 'delivering', 'renaming')) ORDER BY run_no", [])
    }

    /// The receipts of a file.
    pub fn runs_of_file(&self, file: FileNo) -> Result<Vec<RunRow>> {
        self.find_runs("file_no = ?1 ORDER BY run_no", [file.0])
    }

    /// By file name or run id, the newest first.
    pub fn runs_named(&self, name_or_id: &str, limit: u32) -> Result<Vec<RunRow>> {
        self.find_runs("name = ?1 OR run_id = ?1 ORDER BY run_no DESC LIMIT ?2", params![name_or_id, limit])
    }

    /// The newest first, of one partner or all.
    pub fn runs(&self, partner: Option<&str>, limit: u32) -> Result<Vec<RunRow>> {
        self.find_runs("?1 IS NULL OR partner = ?1 ORDER BY run_no DESC LIMIT ?2", params![partner, limit])
    }

    /// The run that took this one's place.
    pub fn run_instead_of(&self, no: RunNo) -> Result<Option<RunRow>> {
        // Its feed made it, so the index over its feed's runs finds it.
        let sql = format!(
            "SELECT {COLUMNS} FROM run WHERE replaces = ?1 AND (partner, feed) = (SELECT o.partner, o.feed FROM run o WHERE o.run_no = ?1) \
             AND run_no > ?1 ORDER BY run_no LIMIT 1"
        );
        one(self.conn, &sql, [no.0], read)
    }

    /// By its number in this ledger.
    pub fn run_by_no(&self, no: RunNo) -> Result<Option<RunRow>> {
        one(self.conn, &format!("SELECT {COLUMNS} FROM run WHERE run_no = ?1"), [no.0], read)
    }

    /// The newest of each feed that has this number.
    pub fn runs_of_number(&self, number: u64, limit: u32) -> Result<Vec<RunRow>> {
        self.find_runs(
            "run_no IN (SELECT max(o.run_no) FROM run o WHERE o.number = ?1 AND o.reason <> 'receipt' GROUP BY o.partner, o.feed) \
             ORDER BY run_no DESC LIMIT ?2",
            params![number.cast_signed(), limit],
        )
    }

    /// The feed's run that was given a number last.
    pub fn last_numbered(&self, partner: &str, feed: &str) -> Result<Option<RunRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM run WHERE partner = ?1 AND feed = ?2 AND reason <> 'receipt' AND number > 0 ORDER BY run_no DESC LIMIT 1"
        );
        one(self.conn, &sql, [partner, feed], read)
    }

    /// The same of those that told all that there was to tell, not only what a person asked for by its key.
    pub fn last_whole(&self, partner: &str, feed: &str) -> Result<Option<RunRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM run WHERE partner = ?1 AND feed = ?2 AND reason <> 'receipt' AND number > 0 AND scope <> 'part' \
             ORDER BY run_no DESC LIMIT 1"
        );
        one(self.conn, &sql, [partner, feed], read)
    }

    pub fn last_run(&self, partner: &str, feed: &str) -> Result<Option<RunRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM run WHERE partner = ?1 AND feed = ?2 AND reason <> 'receipt' ORDER BY run_no DESC LIMIT 1"
        );
        one(self.conn, &sql, [partner, feed], read)
    }

    /// The newest file of a feed that its partner has.
    pub fn last_sent(&self, partner: &str, feed: &str) -> Result<Option<RunRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM run WHERE partner = ?1 AND feed = ?2 AND reason <> 'receipt' AND state = 'sent' ORDER BY run_no DESC LIMIT 1"
        );
        one(self.conn, &sql, [partner, feed], read)
    }

    /// The runs that took a request along.
    pub fn runs_of_request(&self, kind: &str, row: RowId) -> Result<Vec<RunRow>> {
        let filter =
            "run_no IN (SELECT q.run_no FROM run_request q WHERE q.row_id = ?1 AND q.kind = ?2) ORDER BY run_no";
        self.find_runs(filter, params![row.0, kind])
    }

    /// Did any feed take the request along? A rehearsal does not count.
    pub fn is_exported(&self, kind: &str, row: RowId) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM run_request WHERE row_id = ?1 AND kind = ?2 AND instr(feed, '?') = 0)";
        Ok(one(self.conn, sql, params![row.0, kind], |r| r.get(0))?.unwrap_or(false))
    }

    /// Runs in sent/ whose day lies before this one.
    pub fn sent_before(&self, day: &str, limit: u32) -> Result<Vec<RunRow>> {
        self.find_runs("state = 'sent' AND day < ?1 ORDER BY run_no LIMIT ?2", params![day, limit])
    }

    fn find_runs(&self, filter: &str, values: impl Params) -> Result<Vec<RunRow>> {
        list(self.conn, &format!("SELECT {COLUMNS} FROM run WHERE {filter}"), values, read)
    }
}
