//! Runs: every file of ours, whether a feed's or a receipt, from `ready` to `sent`, and which requests it took along.
//! Names and bytes of the files are the spool's.

use anyhow::{Context, Result};
use rusqlite::{Params, Row, params};

use super::file::{read_id, unsigned};
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FileNo, RowId, RunNo, Snapshot, Tx};
use crate::model::ids::Id;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunReason {
    Due,
    Request,
    Receipt,
}

impl RunReason {
    const ALL: [RunReason; 3] = [RunReason::Due, RunReason::Request, RunReason::Receipt];

    pub fn as_str(self) -> &'static str {
        match self {
            RunReason::Due => "due",
            RunReason::Request => "request",
            RunReason::Receipt => "receipt",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Committed, to be delivered or picked up.
    Ready,
    Delivering,
    Renaming,
    Sent,
    Failed,
    /// Nothing to say, so no file was made.
    Empty,
}

impl RunState {
    const ALL: [RunState; 6] =
        [RunState::Ready, RunState::Delivering, RunState::Renaming, RunState::Sent, RunState::Failed, RunState::Empty];

    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Ready => "ready",
            RunState::Delivering => "delivering",
            RunState::Renaming => "renaming",
            RunState::Sent => "sent",
            RunState::Failed => "failed",
            RunState::Empty => "empty",
        }
    }
}

/// A staged file on its way into the ledger.
#[derive(Debug, Clone)]
pub struct NewRun<'a> {
    pub id: Id,
    /// Stands in the file name; from the high-water mark.
    pub number: u64,
    pub partner: &'a str,
    /// Feed id; for a receipt the intake's.
    pub feed: &'a str,
    pub kind: &'a str,
    pub layout: &'a str,
    pub reason: RunReason,
    pub due_at: Option<&'a str>,
    pub state: RunState,
    /// Below out/<partner>/; empty for the folder itself.
    pub folder: &'a str,
    pub name: &'a str,
    pub hash: &'a [u8],
    pub size: u64,
    pub rows: u64,
    /// The file a receipt answers.
    pub file: Option<FileNo>,
    pub ready_at: &'a str,
    pub day: &'a str,
}

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
}

const COLUMNS: &str = "run_no, run_id, number, partner, feed, kind, layout, reason, due_at, state, folder, name, hash, size, rows, \
     file_no, ready_at, sent_at, day, placed, comment";

fn read(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let reason = row.get_ref(7)?.as_str()?;
    let state = row.get_ref(9)?.as_str()?;
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
    })
}

impl Tx<'_> {
    /// The file stands staged and synced; with this commit it is ours to deliver.
    pub fn add_run(&self, new: &NewRun<'_>) -> Result<RunNo> {
        fault::point("store.add_run")?;
        let sql = "INSERT INTO run (run_id, number, partner, feed, kind, layout, reason, due_at, state, folder, name, hash, size, rows, \
             file_no, ready_at, day) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
        let values = params![
            new.id.as_str(),
            new.number.cast_signed(),
            new.partner,
            new.feed,
            new.kind,
            new.layout,
            new.reason.as_str(),
            new.due_at,
            new.state.as_str(),
            new.folder,
            new.name,
            new.hash,
            new.size.cast_signed(),
            new.rows.cast_signed(),
            new.file.map(|f| f.0),
            new.ready_at,
            new.day,
        ];
        run(self.conn, sql, values).with_context(|| format!("cannot record the run {} ({})", new.id, new.name))?;
        Ok(RunNo(self.conn.last_insert_rowid()))
    }

    /// These requests go out with this run; a request that went out by the feed before is an error of ours.
    pub fn mark_exported(&self, feed: &str, run_no: RunNo, rows: impl IntoIterator<Item = RowId>) -> Result<()> {
        fault::point("store.mark_exported")?;
        let sql = "INSERT INTO run_request (feed, row_id, run_no) VALUES (?1, ?2, ?3)";
        let mut statement = self.conn.prepare_cached(sql)?;
        for row in rows {
            statement
                .execute(params![feed, row.0, run_no.0])
                .with_context(|| format!("request {} cannot be marked as exported by {feed}", row.0))?;
        }
        self.raise_export_floor(feed)
    }

    /// Up to the floor every order went out by the feed, so nobody has to look there again. It stays below the first that
    /// did not, whatever the reason.
    fn raise_export_floor(&self, feed: &str) -> Result<()> {
        let sql = "INSERT INTO export_floor (feed, row_id) SELECT ?1, COALESCE( \
               (SELECT o.row_id - 1 FROM orders o WHERE o.row_id > COALESCE((SELECT f.row_id FROM export_floor f WHERE f.feed = ?1), 0) \
                  AND NOT EXISTS (SELECT 1 FROM run_request q WHERE q.feed = ?1 AND q.row_id = o.row_id) ORDER BY o.row_id LIMIT 1), \
               (SELECT max(o.row_id) FROM orders o), 0) WHERE true \
             ON CONFLICT (feed) DO UPDATE SET row_id = excluded.row_id";
        run(self.conn, sql, [feed]).with_context(|| format!("cannot note how far {feed} has come"))?;
        Ok(())
    }

    pub fn set_run_state(&self, run_no: RunNo, state: RunState, at: &str, comment: &str) -> Result<()> {
        fault::point("store.set_run_state")?;
        let sql = "UPDATE run SET state = ?2, sent_at = CASE WHEN ?2 = 'sent' THEN ?3 ELSE sent_at END, comment = ?4 WHERE run_no = ?1";
        let changed = run(self.conn, sql, params![run_no.0, state.as_str(), at, comment])
            .with_context(|| format!("cannot write run number {}", run_no.0))?;
        anyhow::ensure!(changed == 1, "there is no run number {} in the ledger", run_no.0);
        Ok(())
    }

    /// The folders have followed the state of these runs: a ready one stands in out/.
    pub fn mark_runs_placed(&self, runs: impl IntoIterator<Item = RunNo>) -> Result<()> {
        fault::point("store.mark_runs_placed")?;
        let mut statement = self.conn.prepare_cached("UPDATE run SET placed = 1 WHERE run_no = ?1")?;
        for run_no in runs {
            statement.execute([run_no.0]).context("cannot mark a run as placed")?;
        }
        Ok(())
    }
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

    pub fn last_run(&self, partner: &str, feed: &str) -> Result<Option<RunRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM run WHERE partner = ?1 AND feed = ?2 AND reason <> 'receipt' ORDER BY run_no DESC LIMIT 1"
        );
        one(self.conn, &sql, [partner, feed], read)
    }

    /// The runs that took a request along.
    pub fn runs_of_request(&self, row: RowId) -> Result<Vec<RunRow>> {
        self.find_runs("run_no IN (SELECT q.run_no FROM run_request q WHERE q.row_id = ?1) ORDER BY run_no", [row.0])
    }

    /// Did any feed take the request along?
    pub fn is_exported(&self, row: RowId) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM run_request WHERE row_id = ?1)";
        Ok(one(self.conn, sql, [row.0], |r| r.get(0))?.unwrap_or(false))
    }

    /// Runs in sent/ whose day lies before this one.
    pub fn sent_before(&self, day: &str, limit: u32) -> Result<Vec<RunRow>> {
        self.find_runs("state = 'sent' AND day < ?1 ORDER BY run_no LIMIT ?2", params![day, limit])
    }

    fn find_runs(&self, filter: &str, values: impl Params) -> Result<Vec<RunRow>> {
        list(self.conn, &format!("SELECT {COLUMNS} FROM run WHERE {filter}"), values, read)
    }
}
