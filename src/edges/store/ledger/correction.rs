//! What people corrected in messages: each field with what it held before and after, by the message's number in its file. A message
//! that is read again from its original is corrected again by these rows; of one that is held they are the trail alone.

use anyhow::{Context, Result};
use rusqlite::{Row, params};

use super::file::unsigned;
use super::message::MessageNo;
use crate::edges::fault;
use crate::edges::store::query::{list, run};
use crate::edges::store::{FileNo, Snapshot, Tx};
use crate::model::correction::{Change, Edit};
use crate::model::ids::Id;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectionRow {
    /// Of its message in the file.
    pub number: u64,
    pub command: String,
    pub who: String,
    pub at: String,
    pub change: Change,
}

impl CorrectionRow {
    pub fn edit(&self) -> Edit {
        Edit { field: self.change.field.clone(), value: self.change.after.clone() }
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<CorrectionRow> {
    Ok(CorrectionRow {
        number: unsigned(row, 0)?,
        command: row.get(1)?,
        who: row.get(2)?,
        at: row.get(3)?,
        change: Change { field: row.get(4)?, before: row.get(5)?, after: row.get(6)?, personal: row.get(7)? },
    })
}

impl Tx<'_> {
    /// What a command corrected in a message.
    pub fn add_corrections(&self, (file, number): (FileNo, u64), command: Id, changes: &[Change]) -> Result<()> {
        fault::point("store.add_corrections")?;
        let sql = "INSERT INTO correction (file_no, number, command_id, field, before, after, personal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        for change in changes {
            let values = params![
                file.0,
                number.cast_signed(),
                command.as_str(),
                change.field,
                change.before,
                change.after,
                change.personal
            ];
            run(self.conn, sql, values).with_context(|| format!("cannot note the correction of {}", change.field))?;
        }
        Ok(())
    }

    /// It was not judged by them.
    pub fn drop_corrections(&self, command: Id) -> Result<()> {
        fault::point("store.drop_corrections")?;
        run(self.conn, "DELETE FROM correction WHERE command_id = ?1", [command.as_str()])?;
        Ok(())
    }

    /// A held message as it is now.
    pub fn correct_message(&self, message: MessageNo, key: &str, payload: &str) -> Result<()> {
        fault::point("store.correct_message")?;
        let sql = "UPDATE message SET key = ?2, payload = ?3 WHERE message_no = ?1 AND verdict = 'held'";
        let changed = run(self.conn, sql, params![message.0, key, payload])?;
        anyhow::ensure!(changed == 1, "message number {} is held no more", message.0);
        Ok(())
    }

    /// The personal fields of a file are overwritten in what stands of it here, too.
    pub(super) fn redact_corrections(&self, file: FileNo) -> Result<()> {
        let sql = "UPDATE correction SET before = NULL, after = NULL WHERE file_no = ?1 AND personal = 1";
        run(self.conn, sql, [file.0])?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// In the order in which they were given.
    pub fn corrections_of(&self, file: FileNo) -> Result<Vec<CorrectionRow>> {
        let sql = "SELECT c.number, c.command_id, d.who, d.at, c.field, c.before, c.after, c.personal FROM correction c \
             JOIN command d ON d.command_id = c.command_id WHERE c.file_no = ?1 ORDER BY c.correction_no";
        list(self.conn, sql, [file.0], read)
    }
}
