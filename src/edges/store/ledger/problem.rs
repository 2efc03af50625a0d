//! Problems from begin to over: one open row a condition, which the index `problem_open` promises. Each function is one write
//! or one question; what changes is decided by `model::rules::problems`.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use rusqlite::{Row, params};

use super::file::{read_id, unsigned};
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{Snapshot, Tx};
use crate::model::ids::Id;
use crate::model::instant::{iso, read_iso};
use crate::model::problem::{Condition, Kind, Level};
use crate::model::rules::problems::Open;

/// A problem's number in this ledger. Only a handle: people use its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProblemNo(pub i64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemRow {
    pub no: ProblemNo,
    pub id: Id,
    pub kind: String,
    pub about: String,
    pub part: String,
    pub level: Level,
    pub began_at: String,
    pub last_at: String,
    pub told_at: Option<String>,
    pub calm_since: Option<String>,
    pub over_at: Option<String>,
    pub count: u64,
    pub times: u32,
    pub words: String,
    pub advice: String,
    pub over_words: String,
}

const COLUMNS: &str = "problem_no, problem_id, kind, about, part, level, began_at, last_at, told_at, calm_since, over_at, count, times, \
     words, advice, over_words";

fn read(row: &Row<'_>) -> rusqlite::Result<ProblemRow> {
    Ok(ProblemRow {
        no: ProblemNo(row.get(0)?),
        id: read_id(row, 1)?,
        kind: row.get(2)?,
        about: row.get(3)?,
        part: row.get(4)?,
        level: Level::parse(row.get_ref(5)?.as_str()?),
        began_at: row.get(6)?,
        last_at: row.get(7)?,
        told_at: row.get(8)?,
        calm_since: row.get(9)?,
        over_at: row.get(10)?,
        count: unsigned(row, 11)?,
        times: row.get(12)?,
        words: row.get(13)?,
        advice: row.get(14)?,
        over_words: row.get(15)?,
    })
}

impl ProblemRow {
    /// As the rule takes it; nothing where a later program knew a kind that this one does not.
    pub fn open(&self) -> Option<Open> {
        let instant = |text: &Option<String>| text.as_deref().and_then(read_iso);
        Some(Open {
            no: self.no.0,
            kind: Kind::ALL.iter().copied().find(|kind| kind.as_str() == self.kind)?,
            about: self.about.clone(),
            part: self.part.clone(),
            level: self.level,
            count: self.count,
            words: self.words.clone(),
            advice: self.advice.clone(),
            began_at: read_iso(&self.began_at)?,
            told_at: instant(&self.told_at),
            calm_since: instant(&self.calm_since),
        })
    }
}

impl Tx<'_> {
    pub fn add_problem(&self, id: Id, condition: &Condition, began_at: DateTime<Utc>) -> Result<ProblemNo> {
        fault::point("store.add_problem")?;
        let sql = "INSERT INTO problem (problem_id, kind, about, part, level, began_at, last_at, count, words, advice) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9)";
        let values = params![
            id.as_str(),
            condition.kind.as_str(),
            condition.about,
            condition.part,
            condition.level.as_str(),
            iso(began_at),
            condition.count.cast_signed(),
            condition.words,
            condition.advice,
        ];
        let what = || format!("cannot record the problem {} of {}", condition.kind.as_str(), condition.about);
        run(self.conn, sql, values).with_context(what)?;
        Ok(ProblemNo(self.conn.last_insert_rowid()))
    }

    pub fn update_problem(&self, no: ProblemNo, condition: &Condition, at: DateTime<Utc>) -> Result<()> {
        let sql =
            "UPDATE problem SET level = ?2, count = ?3, words = ?4, advice = ?5, last_at = ?6 WHERE problem_no = ?1";
        let Condition { level, count, words, advice, .. } = condition;
        self.write_problem(sql, params![no.0, level.as_str(), count.cast_signed(), words, advice, iso(at)])
    }

    /// It is worth telling from here on.
    pub fn tell_problem(&self, no: ProblemNo, at: DateTime<Utc>) -> Result<()> {
        self.write_problem("UPDATE problem SET told_at = ?2 WHERE problem_no = ?1", params![no.0, iso(at)])
    }

    pub fn calm_problem(&self, no: ProblemNo, at: DateTime<Utc>) -> Result<()> {
        self.write_problem("UPDATE problem SET calm_since = ?2 WHERE problem_no = ?1", params![no.0, iso(at)])
    }

    /// The same problem once more, within its quiet time.
    pub fn problem_is_back(&self, no: ProblemNo, at: DateTime<Utc>) -> Result<()> {
        let sql = "UPDATE problem SET calm_since = NULL, times = times + 1, last_at = ?2 WHERE problem_no = ?1";
        self.write_problem(sql, params![no.0, iso(at)])
    }

    pub fn end_problem(&self, no: ProblemNo, at: DateTime<Utc>, words: &str) -> Result<()> {
        let sql = "UPDATE problem SET over_at = ?2, over_words = ?3 WHERE problem_no = ?1 AND over_at IS NULL";
        self.write_problem(sql, params![no.0, iso(at), words])
    }

    /// Those that were over before this moment, with their notices.
    pub fn forget_problems(&self, before: DateTime<Utc>) -> Result<()> {
        fault::point("store.forget_problems")?;
        let old = "SELECT problem_no FROM problem WHERE over_at IS NOT NULL AND over_at < ?1";
        let notices = format!("DELETE FROM notice WHERE problem_no IN ({old})");
        run(self.conn, &notices, [iso(before)]).context("cannot forget old notices")?;
        run(self.conn, "DELETE FROM problem WHERE over_at IS NOT NULL AND over_at < ?1", [iso(before)])
            .context("cannot forget old problems")?;
        Ok(())
    }

    fn write_problem(&self, sql: &str, values: impl rusqlite::Params) -> Result<()> {
        fault::point("store.write_problem")?;
        let changed = run(self.conn, sql, values).context("cannot write a problem")?;
        anyhow::ensure!(changed == 1, "there is no such problem in the ledger");
        Ok(())
    }
}

impl Snapshot<'_> {
    pub fn problem(&self, no: ProblemNo) -> Result<Option<ProblemRow>> {
        one(self.conn, &format!("SELECT {COLUMNS} FROM problem WHERE problem_no = ?1"), [no.0], read)
    }

    pub fn knows_problem(&self, id: Id) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM problem WHERE problem_id = ?1)";
        Ok(one(self.conn, sql, [id.as_str()], |row| row.get(0))?.unwrap_or(false))
    }

    /// The oldest first.
    pub fn open_problems(&self) -> Result<Vec<ProblemRow>> {
        // Word for word the condition of the index `problem_open`.
        list(self.conn, &format!("SELECT {COLUMNS} FROM problem WHERE over_at IS NULL ORDER BY problem_no"), [], read)
    }

    /// Those that are over, the last one first.
    pub fn past_problems(&self, limit: u32) -> Result<Vec<ProblemRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM problem WHERE over_at IS NOT NULL ORDER BY over_at DESC, problem_no DESC LIMIT ?1"
        );
        list(self.conn, &sql, [limit], read)
    }

    pub fn has_problems_over_before(&self, before: DateTime<Utc>) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM problem WHERE over_at IS NOT NULL AND over_at < ?1)";
        Ok(one(self.conn, sql, [iso(before)], |row| row.get(0))?.unwrap_or(false))
    }
}
