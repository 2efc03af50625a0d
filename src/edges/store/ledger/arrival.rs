//! Windows of expected files, and how far arrivals were counted into them. Arrivals themselves are `file.first_seen`.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use rusqlite::{Row, params};

use super::file::unsigned;
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FileNo, Snapshot, Tx};
use crate::model::instant::{iso, read_iso};
use crate::model::rules::arrivals::{State, Window};

/// A file that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    pub file: FileNo,
    pub partner: String,
    pub intake: String,
    pub first_seen: Option<DateTime<Utc>>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Window> {
    let instant = |column: usize| -> rusqlite::Result<Option<DateTime<Utc>>> {
        Ok(row.get_ref(column)?.as_str_or_null()?.and_then(read_iso))
    };
    let state = row.get_ref(6)?.as_str()?;
    Ok(Window {
        due_at: instant(0)?.unwrap_or_default(),
        opens_at: instant(1)?.unwrap_or_default(),
        least: unsigned(row, 2)?,
        most: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
        came: unsigned(row, 4)?,
        met_at: instant(5)?,
        // The column has a CHECK with these words only.
        state: State::ALL.into_iter().find(|s| s.as_str() == state).unwrap_or(State::Open),
    })
}

impl Tx<'_> {
    pub fn set_window(&self, intake: &str, window: &Window) -> Result<()> {
        fault::point("store.set_window")?;
        let sql = "INSERT INTO arrival_window (intake, due_at, opens_at, least, most, came, met_at, state) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (intake, due_at) \
             DO UPDATE SET came = excluded.came, met_at = excluded.met_at, state = excluded.state";
        let values = params![
            intake,
            iso(window.due_at),
            iso(window.opens_at),
            window.least.cast_signed(),
            window.most.map(u64::cast_signed),
            window.came.cast_signed(),
            window.met_at.map(iso),
            window.state.as_str(),
        ];
        run(self.conn, sql, values).with_context(|| format!("cannot write what is expected of {intake}"))?;
        Ok(())
    }

    /// Windows that fell due before this moment.
    pub fn forget_windows(&self, before: DateTime<Utc>) -> Result<()> {
        fault::point("store.forget_windows")?;
        run(self.conn, "DELETE FROM arrival_window WHERE due_at < ?1", [iso(before)])
            .context("cannot forget what was expected long ago")?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// The last windows of an intake, in their order: from the last but one that was met, at most `limit`.
    pub fn last_windows(&self, intake: &str, limit: u32) -> Result<Vec<Window>> {
        let sql = "SELECT due_at, opens_at, least, most, came, met_at, state FROM arrival_window WHERE intake = ?1 \
             AND due_at >= coalesce((SELECT due_at FROM arrival_window WHERE intake = ?1 AND state = 'met' \
               ORDER BY due_at DESC LIMIT 1 OFFSET 1), '') ORDER BY due_at DESC LIMIT ?2";
        self.windows(sql, params![intake, limit])
    }

    /// Those in which less came than expected, in their order; at most the last `limit`.
    pub fn unmet_windows(&self, intake: &str, limit: u32) -> Result<Vec<Window>> {
        let sql = "SELECT due_at, opens_at, least, most, came, met_at, state FROM arrival_window WHERE intake = ?1 \
             AND (state = 'late' OR state = 'missing') ORDER BY due_at DESC LIMIT ?2";
        self.windows(sql, params![intake, limit])
    }

    /// Those that fell due, or will, in `[from, to)`, in their order.
    pub fn windows_between(&self, intake: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Window>> {
        let sql = "SELECT due_at, opens_at, least, most, came, met_at, state FROM arrival_window WHERE intake = ?1 \
             AND due_at >= ?2 AND due_at < ?3 ORDER BY due_at DESC";
        self.windows(sql, params![intake, iso(from), iso(to)])
    }

    fn windows(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<Window>> {
        let mut windows = list(self.conn, sql, values, read)?;
        windows.reverse();
        Ok(windows)
    }

    /// Intakes with a window that is not closed.
    pub fn expecting_intakes(&self) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT intake FROM arrival_window WHERE state = 'open' OR state = 'late' ORDER BY intake";
        list(self.conn, sql, [], |row| row.get(0))
    }

    /// Files that came after this one; one that came back counted when it came first.
    pub fn arrived_after(&self, file: FileNo) -> Result<Vec<Arrived>> {
        let sql = "SELECT file_no, partner, intake, first_seen FROM file WHERE file_no > ?1 AND returns_of IS NULL ORDER BY file_no";
        list(self.conn, sql, [file.0], |row| {
            let first_seen = read_iso(row.get_ref(3)?.as_str()?);
            Ok(Arrived { file: FileNo(row.get(0)?), partner: row.get(1)?, intake: row.get(2)?, first_seen })
        })
    }

    /// When files of an intake came that were counted already, those after `since`.
    pub fn arrivals_of(
        &self,
        (partner, intake): (&str, &str),
        since: DateTime<Utc>,
        until: FileNo,
    ) -> Result<Vec<DateTime<Utc>>> {
        let from = self.first_file_since(since)?;
        let sql = "SELECT first_seen FROM file WHERE partner = ?1 AND intake = ?2 AND file_no >= ?3 AND file_no <= ?4 \
             AND returns_of IS NULL AND first_seen > ?5 ORDER BY file_no";
        let found: Vec<Option<DateTime<Utc>>> =
            list(self.conn, sql, params![partner, intake, from.0, until.0, iso(since)], |row| {
                Ok(read_iso(row.get_ref(0)?.as_str()?))
            })?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The newest file.
    pub fn newest_file(&self) -> Result<FileNo> {
        let newest: Option<Option<i64>> = one(self.conn, "SELECT max(file_no) FROM file", [], |row| row.get(0))?;
        Ok(FileNo(newest.flatten().unwrap_or_default()))
    }
}
