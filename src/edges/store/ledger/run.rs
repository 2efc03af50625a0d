//! Runs: every file of ours, whether a feed's or a receipt, from `ready` to `sent`, and which requests it took along.
//! Names and bytes of the files are the spool's; questions are in `run_find`.

use anyhow::{Context, Result};
use rusqlite::params;

use crate::edges::fault;
use crate::edges::store::query::{one, run};
use crate::edges::store::{FileNo, RowId, RunNo, Tx, goes_out, request_table};
use crate::model::ids::Id;
use crate::model::rules::one_name::Turn;
use crate::model::rules::supersede::Scope;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunReason {
    Due,
    /// Rows changed, and the feed goes out then.
    Change,
    /// An order of the partner was applied, and the feed answers it.
    Registration,
    Request,
    Receipt,
}

impl RunReason {
    pub(super) const ALL: [RunReason; 5] =
        [RunReason::Due, RunReason::Change, RunReason::Registration, RunReason::Request, RunReason::Receipt];

    pub fn as_str(self) -> &'static str {
        match self {
            RunReason::Due => "due",
            RunReason::Change => "change",
            RunReason::Registration => "registration",
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
    /// The guard holds it back until a person decides.
    Locked,
    /// Locked, and a person dropped it.
    Discarded,
    /// A newer run took its place before it was taken.
    Superseded,
}

impl RunState {
    pub const ALL: [RunState; 9] = [
        RunState::Ready,
        RunState::Delivering,
        RunState::Renaming,
        RunState::Sent,
        RunState::Failed,
        RunState::Empty,
        RunState::Locked,
        RunState::Discarded,
        RunState::Superseded,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Ready => "ready",
            RunState::Delivering => "delivering",
            RunState::Renaming => "renaming",
            RunState::Sent => "sent",
            RunState::Failed => "failed",
            RunState::Empty => "empty",
            RunState::Locked => "locked",
            RunState::Discarded => "discarded",
            RunState::Superseded => "superseded",
        }
    }
}

/// The file of a run that was begun before it was written.
#[derive(Debug, Clone)]
pub struct RunFile<'a> {
    pub state: RunState,
    pub scope: Scope,
    pub number: u64,
    pub folder: &'a str,
    pub name: &'a str,
    /// The empty file that vouches for it; empty: none.
    pub done_name: &'a str,
    pub hash: &'a [u8],
    pub size: u64,
    pub rows: u64,
    /// The run whose name and number it takes over, and until when its partner may have read that one.
    pub replaces: Option<RunNo>,
    pub doubt_until: Option<&'a str>,
    /// How it comes to its name.
    pub turn: Turn,
    /// Characters that its encoding lacks and that something else was written for.
    pub unmapped: u64,
    pub creates: u64,
    pub changes: u64,
    pub deletes: u64,
    pub took_us: u64,
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

    /// It had nothing to say, and nobody asked for it.
    pub fn drop_run(&self, run_no: RunNo) -> Result<()> {
        fault::point("store.drop_run")?;
        run(self.conn, "DELETE FROM run WHERE run_no = ?1", [run_no.0]).context("cannot drop an empty run")?;
        Ok(())
    }

    /// What became of a run that was begun without a file.
    pub fn complete_run(&self, run_no: RunNo, file: &RunFile<'_>) -> Result<()> {
        fault::point("store.complete_run")?;
        let sql = "UPDATE run SET state = ?2, scope = ?3, number = ?4, folder = ?5, name = ?6, done_name = ?7, hash = ?8, size = ?9, \
             rows = ?10, replaces = ?11, doubt_until = ?12, creates = ?13, changes = ?14, deletes = ?15, took_us = ?16, \
             turn = ?17, unmapped = ?18 WHERE run_no = ?1";
        let values = params![
            run_no.0,
            file.state.as_str(),
            file.scope.as_str(),
            file.number.cast_signed(),
            file.folder,
            file.name,
            file.done_name,
            file.hash,
            file.size.cast_signed(),
            file.rows.cast_signed(),
            file.replaces.map(|r| r.0),
            file.doubt_until,
            file.creates.cast_signed(),
            file.changes.cast_signed(),
            file.deletes.cast_signed(),
            file.took_us.cast_signed(),
            file.turn.as_str(),
            file.unmapped.cast_signed(),
        ];
        let changed = run(self.conn, sql, values).with_context(|| format!("cannot record the run {}", file.name))?;
        anyhow::ensure!(changed == 1, "there is no run number {} in the ledger", run_no.0);
        Ok(())
    }

    /// These requests go out with this run; a request that went out by the feed before is an error of ours.
    pub fn mark_exported(&self, feed: &str, run_no: RunNo, rows: impl IntoIterator<Item = RowId>) -> Result<()> {
        fault::point("store.mark_exported")?;
        let kind: Option<String> =
            one(self.conn, "SELECT kind FROM run WHERE run_no = ?1", [run_no.0], |row| row.get(0))?;
        let kind = kind.with_context(|| format!("there is no run number {} in the ledger", run_no.0))?;
        let sql = "INSERT INTO run_request (feed, kind, row_id, run_no) VALUES (?1, ?2, ?3, ?4)";
        let mut statement = self.conn.prepare_cached(sql)?;
        for row in rows {
            statement
                .execute(params![feed, kind, row.0, run_no.0])
                .with_context(|| format!("request {} cannot be marked as exported by {feed}", row.0))?;
        }
        self.raise_export_floor(feed, &kind)
    }

    /// The requests of a run whose file is gone go out with another, all of them.
    pub fn carry_over(&self, from: RunNo, to: RunNo, count: u64) -> Result<()> {
        fault::point("store.carry_over")?;
        let carried = run(self.conn, "UPDATE run_request SET run_no = ?2 WHERE run_no = ?1", [from.0, to.0])
            .context("cannot note with which run requests go out")?;
        anyhow::ensure!(
            carried as u64 == count,
            "the file that is gone had {carried} order(s), and {count} of them can be written now"
        );
        Ok(())
    }

    /// Up to the floor every request of the kind went out by the feed, so nobody has to look there again. It stays below the
    /// first that did not, whatever the reason.
    pub(super) fn raise_export_floor(&self, feed: &str, kind: &str) -> Result<()> {
        let Some(table) = request_table(kind) else { return Ok(()) };
        // What never goes out holds nothing back.
        let goes_out = goes_out(kind, "o").map(|condition| format!("AND {condition}")).unwrap_or_default();
        let sql = format!(
            "INSERT INTO export_floor (feed, kind, row_id) SELECT ?1, ?2, COALESCE( \
               (SELECT o.row_id - 1 FROM \"{table}\" o WHERE o.row_id > \
                    COALESCE((SELECT f.row_id FROM export_floor f WHERE f.feed = ?1 AND f.kind = ?2), 0) \
                  AND NOT EXISTS (SELECT 1 FROM run_request q WHERE q.feed = ?1 AND q.kind = ?2 AND q.row_id = o.row_id) \
                  {goes_out} ORDER BY o.row_id LIMIT 1), \
               (SELECT max(o.row_id) FROM \"{table}\" o), 0) WHERE true \
             ON CONFLICT (feed, kind) DO UPDATE SET row_id = excluded.row_id"
        );
        run(self.conn, &sql, [feed, kind]).with_context(|| format!("cannot note how far {feed} has come"))?;
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

    /// The empty file that vouches for it.
    pub fn set_run_done_name(&self, run_no: RunNo, done_name: &str) -> Result<()> {
        fault::point("store.set_run_done_name")?;
        run(self.conn, "UPDATE run SET done_name = ?2 WHERE run_no = ?1", params![run_no.0, done_name])?;
        Ok(())
    }

    /// A file of it was made anew, and says something else by now.
    pub fn set_run_content(&self, run_no: RunNo, hash: &[u8], size: u64) -> Result<()> {
        fault::point("store.set_run_content")?;
        let sql = "UPDATE run SET hash = ?2, size = ?3 WHERE run_no = ?1";
        run(self.conn, sql, params![run_no.0, hash, size.cast_signed()])?;
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
