//! What a person has stopped for a while, with who, when and why. A row is there while it holds.

use anyhow::{Context, Result};
use rusqlite::params;

use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{Snapshot, Tx};
use crate::model::pause::{Paused, Subject};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseRow {
    pub subject: Subject,
    pub since: String,
    pub who: String,
    pub comment: String,
}

const COLUMNS: &str = "subject, since, who, comment";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<PauseRow> {
    let text: String = row.get(0)?;
    let subject = Subject::parse(&text).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(
            0,
            rusqlite::types::Type::Text,
            format!("\"{text}\" is nothing that can be paused").into(),
        )
    })?;
    Ok(PauseRow { subject, since: row.get(1)?, who: row.get(2)?, comment: row.get(3)? })
}

impl Tx<'_> {
    /// `false` when it is paused already: its first row stays.
    pub fn pause(&self, subject: &Subject, since: &str, who: &str, comment: &str) -> Result<bool> {
        fault::point("store.pause")?;
        let sql =
            "INSERT INTO pause (subject, since, who, comment) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (subject) DO NOTHING";
        let added = run(self.conn, sql, params![subject.to_string(), since, who, comment])
            .with_context(|| format!("cannot pause {subject}"))?;
        Ok(added == 1)
    }

    /// `false` when it was not paused.
    pub fn resume(&self, subject: &Subject) -> Result<bool> {
        fault::point("store.resume")?;
        let removed = run(self.conn, "DELETE FROM pause WHERE subject = ?1", [subject.to_string()])
            .with_context(|| format!("cannot resume {subject}"))?;
        Ok(removed == 1)
    }
}

impl Snapshot<'_> {
    pub fn pause_of(&self, subject: &Subject) -> Result<Option<PauseRow>> {
        one(self.conn, &format!("SELECT {COLUMNS} FROM pause WHERE subject = ?1"), [subject.to_string()], read)
    }

    /// By subject.
    pub fn pauses(&self) -> Result<Vec<PauseRow>> {
        list(self.conn, &format!("SELECT {COLUMNS} FROM pause ORDER BY subject"), [], read)
    }

    pub fn paused(&self) -> Result<Paused> {
        Ok(Paused::new(self.pauses()?.into_iter().map(|row| row.subject)))
    }
}
