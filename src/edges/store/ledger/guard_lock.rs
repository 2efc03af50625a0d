//! What the guard holds back: one open lock of a feed or an intake at most, with the figures and keys that a person needs to
//! decide. Ended ones stay for the story.

use anyhow::{Context, Result};
use rusqlite::{Row, params};

use super::file::unsigned;
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FileNo, RunNo, Snapshot, Tx};
use crate::model::ids::Id;
use crate::model::pause::Subject;
use crate::model::rules::guard::Tally;
use crate::model::wording::guard as words;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    In,
    Out,
}

impl Side {
    pub fn as_str(self) -> &'static str {
        match self {
            Side::In => "in",
            Side::Out => "out",
        }
    }
}

/// A feed (`Side::Out`) or an intake that is locked.
#[derive(Debug, Clone)]
pub struct NewLock<'a> {
    pub side: Side,
    pub partner: &'a str,
    /// Of the feed or intake.
    pub name: &'a str,
    pub run: Option<RunNo>,
    pub file: Option<FileNo>,
    pub at: &'a str,
    /// In words; empty when what is locked would pass now.
    pub exceeded: &'a str,
    pub tally: Tally,
    /// JSON.
    pub samples: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockRow {
    pub no: i64,
    pub side: Side,
    pub partner: String,
    pub name: String,
    pub run: Option<RunNo>,
    pub file: Option<FileNo>,
    pub locked_at: String,
    pub exceeded: String,
    pub tally: Tally,
    pub samples: String,
    pub ended_at: Option<String>,
    /// released, discarded, replaced
    pub ended_by: String,
}

impl LockRow {
    /// Why, in words, with keys that a person can look at; what would pass now says so.
    pub fn told(&self) -> String {
        let samples: serde_json::Value = serde_json::from_str(&self.samples).unwrap_or_default();
        let keys = |op: &str| -> Vec<String> {
            // The way out names them in the singular, the way in in the plural.
            let keys = samples.get(op).or_else(|| samples.get(format!("{op}s")));
            let keys = keys.and_then(|keys| keys.as_array()).into_iter().flatten();
            keys.filter_map(|key| key.as_str().map(str::to_string)).collect()
        };
        let (created, changed, deleted) = (keys("create"), keys("change"), keys("delete"));
        let why = if self.exceeded.is_empty() { "it would pass now" } else { self.exceeded.trim_end_matches('.') };
        format!("{why}.{}", words::for_example([&created, &changed, &deleted]))
    }

    /// The feed or intake.
    pub fn subject(&self) -> Subject {
        let (partner, name) = (self.partner.clone(), self.name.clone());
        match self.side {
            Side::In => Subject::Intake { partner, intake: name },
            Side::Out => Subject::Feed { partner, feed: name },
        }
    }
}

const COLUMNS: &str = "lock_no, side, partner, name, run_no, file_no, locked_at, exceeded, base, creates, changes, deletes, samples, \
     ended_at, ended_by";

fn read(row: &Row<'_>) -> rusqlite::Result<LockRow> {
    let side = if row.get_ref(1)?.as_str()? == Side::In.as_str() { Side::In } else { Side::Out };
    Ok(LockRow {
        no: row.get(0)?,
        side,
        partner: row.get(2)?,
        name: row.get(3)?,
        run: row.get::<_, Option<i64>>(4)?.map(RunNo),
        file: row.get::<_, Option<i64>>(5)?.map(FileNo),
        locked_at: row.get(6)?,
        exceeded: row.get(7)?,
        tally: Tally {
            base: unsigned(row, 8)?,
            creates: unsigned(row, 9)?,
            changes: unsigned(row, 10)?,
            deletes: unsigned(row, 11)?,
        },
        samples: row.get(12)?,
        ended_at: row.get(13)?,
        ended_by: row.get(14)?,
    })
}

impl Tx<'_> {
    /// Locks, or brings the figures of the open lock up to date; since when it is locked stays.
    pub fn lock(&self, new: &NewLock<'_>) -> Result<()> {
        fault::point("store.lock")?;
        let tally = new.tally;
        let values = params![
            new.side.as_str(),
            new.partner,
            new.name,
            new.run.map(|r| r.0),
            new.file.map(|f| f.0),
            new.at,
            new.exceeded,
            tally.base.cast_signed(),
            tally.creates.cast_signed(),
            tally.changes.cast_signed(),
            tally.deletes.cast_signed(),
            new.samples,
        ];
        let sql = "INSERT INTO guard_lock (side, partner, name, run_no, file_no, locked_at, exceeded, base, creates, changes, deletes, samples) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
             ON CONFLICT (side, partner, name) WHERE ended_at IS NULL DO UPDATE SET run_no = excluded.run_no, file_no = excluded.file_no, \
             exceeded = excluded.exceeded, base = excluded.base, creates = excluded.creates, changes = excluded.changes, \
             deletes = excluded.deletes, samples = excluded.samples";
        run(self.conn, sql, values).with_context(|| format!("cannot lock {}/{}", new.partner, new.name))?;
        Ok(())
    }

    /// The command of the person who decided about it.
    pub fn decided_by(&self, lock: i64, command: Id) -> Result<()> {
        let sql = "UPDATE guard_lock SET command_id = ?2 WHERE lock_no = ?1";
        run(self.conn, sql, params![lock, command.as_str()]).context("cannot note who decided about a lock")?;
        Ok(())
    }

    /// `by`: released, discarded, replaced.
    pub fn end_lock(&self, lock: i64, at: &str, by: &str) -> Result<()> {
        fault::point("store.end_lock")?;
        let sql = "UPDATE guard_lock SET ended_at = ?2, ended_by = ?3 WHERE lock_no = ?1 AND ended_at IS NULL";
        run(self.conn, sql, params![lock, at, by]).context("cannot end a lock")?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// The open lock of a feed or an intake.
    pub fn lock_of(&self, side: Side, partner: &str, name: &str) -> Result<Option<LockRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM guard_lock WHERE side = ?1 AND partner = ?2 AND name = ?3 AND ended_at IS NULL"
        );
        one(self.conn, &sql, [side.as_str(), partner, name], read)
    }

    /// All open ones, the oldest first.
    pub fn locks(&self) -> Result<Vec<LockRow>> {
        list(self.conn, &format!("SELECT {COLUMNS} FROM guard_lock WHERE ended_at IS NULL ORDER BY lock_no"), [], read)
    }

    /// Files of an intake that wait behind a locked one, in the order of what they speak of.
    pub fn files_behind(&self, partner: &str, intake: &str, code: &str) -> Result<Vec<FileNo>> {
        let sql = "SELECT file_no FROM file WHERE partner = ?1 AND intake = ?2 AND code = ?3 AND verdict = 'held' AND rehearsed = 0 \
             ORDER BY as_of, file_no";
        list(self.conn, sql, params![partner, intake, code], |row| Ok(FileNo(row.get(0)?)))
    }

    /// Nothing of this feed goes out: before a delivery begins, its lock is asked for.
    pub fn is_locked(&self, partner: &str, feed: &str) -> Result<bool> {
        Ok(self.lock_of(Side::Out, partner, feed)?.is_some())
    }

    /// The last lock that a file that came in brought about.
    pub fn lock_of_file(&self, file: FileNo) -> Result<Option<LockRow>> {
        let sql = format!("SELECT {COLUMNS} FROM guard_lock WHERE file_no = ?1 ORDER BY lock_no DESC LIMIT 1");
        one(self.conn, &sql, [file.0], read)
    }

    /// The last lock of a run that it held back.
    pub fn lock_of_run(&self, run_no: RunNo) -> Result<Option<LockRow>> {
        let sql = format!("SELECT {COLUMNS} FROM guard_lock WHERE run_no = ?1 ORDER BY lock_no DESC LIMIT 1");
        one(self.conn, &sql, [run_no.0], read)
    }
}
