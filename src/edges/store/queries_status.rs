//! Questions about how things stand: per intake what waits, what came last, what was refused of late. Reading only, and
//! by index: `status` is as fast on an old ledger as on a new one.

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::params;

use super::queries_files::second_of;
use super::query::{list, one};
use super::{FileNo, Snapshot};

/// A file may be judged long after it came (its customer came late, it was retried): so far back is looked.
const LOOK_BACK: TimeDelta = TimeDelta::days(3);

/// What the ledger knows of an intake at this moment. Instants as they are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntakeFigures {
    /// Known and not yet judged: how many, and the first sight of the oldest.
    pub open: u64,
    pub oldest_open: Option<String>,
    /// Messages that wait.
    pub held: u64,
    /// Messages refused in files judged since the given instant; a file of which no message could be read counts as one.
    pub refused: u64,
    /// The newest file, whatever became of it; an unchanged one arrived too.
    pub last_arrival: Option<FileNo>,
    /// Verdict and name of the last file of which something was applied, or that said what is known.
    pub last_applied: Option<(String, String)>,
}

impl Snapshot<'_> {
    /// Every `(partner, intake)` the ledger has a file of.
    pub fn known_intakes(&self) -> Result<Vec<(String, String)>> {
        // Walks from one pair to the next by the index: however many files there are, it costs a look per intake.
        let sql =
            "SELECT partner, intake FROM file WHERE (partner, intake) > (?1, ?2) ORDER BY partner, intake LIMIT 1";
        let mut found: Vec<(String, String)> = Vec::new();
        let mut at = (String::new(), String::new());
        while let Some(pair) = one(self.conn, sql, params![at.0, at.1], |row| Ok((row.get(0)?, row.get(1)?)))? {
            at = pair;
            found.push(at.clone());
        }
        Ok(found)
    }

    pub fn intake_figures(&self, partner: &str, intake: &str, since: DateTime<Utc>) -> Result<IntakeFigures> {
        let (open, oldest_open) = self
            .first_row(
                "SELECT COUNT(*), MIN(first_seen) FROM file INDEXED BY file_on_its_way
                 WHERE placed = 0 AND state = 'seen' AND partner = ?1 AND intake = ?2",
                params![partner, intake],
                |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)),
            )?
            .unwrap_or_default();
        let held: Option<i64> = self.first_row(
            "SELECT COUNT(*) FROM message m JOIN file f ON f.file_no = m.file_no
             WHERE m.verdict = 'held' AND f.partner = ?1 AND f.intake = ?2 AND f.rehearsed = 0",
            params![partner, intake],
            |row| row.get(0),
        )?;
        let from = self.first_file_since(since - LOOK_BACK)?;
        let refused: Option<i64> = self.first_row(
            "SELECT COALESCE(SUM(CASE WHEN refused = 0 AND verdict = 'refused' AND place = 'failed' THEN 1 ELSE refused END), 0)
             FROM file WHERE partner = ?1 AND intake = ?2 AND file_no >= ?3 AND decided_at >= ?4 \
               AND rehearsed = 0",
            params![partner, intake, from.0, second_of(since)],
            |row| row.get(0),
        )?;
        // What a person closed, or what came back and was taken, is no longer anybody's work.
        let closed: Option<i64> = self.first_row(
            "SELECT COUNT(*) FROM message m JOIN file f ON f.file_no = m.file_no
             WHERE m.code IN ('ignored', 'came-back') AND m.verdict = 'refused' AND f.partner = ?1 AND f.intake = ?2 AND f.file_no >= ?3
               AND f.decided_at >= ?4 AND f.rehearsed = 0",
            params![partner, intake, from.0, second_of(since)],
            |row| row.get(0),
        )?;
        let last_arrival = self.first_row(
            "SELECT file_no FROM file WHERE partner = ?1 AND intake = ?2 ORDER BY file_no DESC LIMIT 1",
            params![partner, intake],
            |row| Ok(FileNo(row.get(0)?)),
        )?;
        let last_applied = self.first_row(
            "SELECT COALESCE(decided_at, first_seen), name FROM file WHERE partner = ?1 AND intake = ?2 AND accepted + unchanged > 0 AND rehearsed = 0
             ORDER BY file_no DESC LIMIT 1",
            params![partner, intake],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok(IntakeFigures {
            open: open.cast_unsigned(),
            oldest_open,
            held: held.unwrap_or_default().cast_unsigned(),
            refused: (refused.unwrap_or_default() - closed.unwrap_or_default()).max(0).cast_unsigned(),
            last_arrival,
            last_applied,
        })
    }

    /// Ids of files whose verdict stands and whose folders have not followed yet.
    pub fn unplaced_count(&self) -> Result<u64> {
        let sql = "SELECT COUNT(*) FROM file WHERE placed = 0 AND state = 'judged'";
        let count: Option<i64> = self.first_row(sql, [], |row| row.get(0))?;
        Ok(count.unwrap_or_default().cast_unsigned())
    }

    /// Business numbers of the messages that wait, with what they wait for, the oldest first.
    pub fn held_summary(&self, partner: &str, intake: &str, limit: u32) -> Result<Vec<(String, u64)>> {
        let sql = "SELECT m.code, COUNT(*) FROM message m JOIN file f ON f.file_no = m.file_no
                   WHERE m.verdict = 'held' AND f.partner = ?1 AND f.intake = ?2 AND f.rehearsed = 0 GROUP BY m.code ORDER BY 2 DESC, 1 LIMIT ?3";
        list(self.conn, sql, params![partner, intake, limit], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
        })
    }

    /// The first file seen at or after an instant; found by halving, since files are numbered as they come.
    pub fn first_file_since(&self, instant: DateTime<Utc>) -> Result<FileNo> {
        let sql = "SELECT file_no, first_seen FROM file WHERE file_no >= ?1 ORDER BY file_no LIMIT 1";
        let end = "SELECT COALESCE(MAX(file_no), 0) + 1 FROM file";
        let bound = second_of(instant);
        let mut low: i64 = 1;
        let mut high: i64 = self.first_row(end, [], |row| row.get(0))?.unwrap_or(low);
        while low < high {
            let middle = low + (high - low) / 2;
            let found: Option<(i64, String)> = self.first_row(sql, [middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
            match found {
                Some((file_no, seen)) if seen < bound => low = file_no + 1,
                _ => high = middle,
            }
        }
        Ok(FileNo(low))
    }

    fn first_row<T>(&self, sql: &str, values: impl rusqlite::Params, read: super::query::Read<T>) -> Result<Option<T>> {
        one(self.conn, sql, values, read).context("cannot read figures of the ledger")
    }
}
