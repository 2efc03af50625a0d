//! The audit trail: every verb somebody gave, who, when, why, and what came of it. A command file that is found a second
//! time after a crash has its row already, so it is not carried out twice.

use anyhow::{Context, Result};
use rusqlite::{Row, params};

use super::file::read_id;
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{Snapshot, Tx};
use crate::model::ids::Id;

#[derive(Debug, Clone)]
pub struct NewCommand<'a> {
    pub id: Id,
    pub verb: &'a str,
    /// JSON.
    pub arguments: &'a str,
    pub who: &'a str,
    pub at: &'a str,
    pub comment: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRow {
    pub id: Id,
    pub verb: String,
    pub arguments: String,
    pub who: String,
    pub at: String,
    pub comment: String,
    pub outcome: String,
    /// `None` while it is not carried out.
    pub done_at: Option<String>,
}

const COLUMNS: &str = "command_id, verb, arguments, who, at, comment, outcome, done_at";

fn read(row: &Row<'_>) -> rusqlite::Result<CommandRow> {
    Ok(CommandRow {
        id: read_id(row, 0)?,
        verb: row.get(1)?,
        arguments: row.get(2)?,
        who: row.get(3)?,
        at: row.get(4)?,
        comment: row.get(5)?,
        outcome: row.get(6)?,
        done_at: row.get(7)?,
    })
}

impl Tx<'_> {
    /// `false` when the command is known already.
    pub fn add_command(&self, command: &NewCommand<'_>) -> Result<bool> {
        fault::point("store.add_command")?;
        let sql = "INSERT INTO command (command_id, verb, arguments, who, at, comment) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT (command_id) DO NOTHING";
        let values =
            params![command.id.as_str(), command.verb, command.arguments, command.who, command.at, command.comment];
        let added = run(self.conn, sql, values).with_context(|| format!("cannot record the command {}", command.id))?;
        Ok(added == 1)
    }

    pub fn finish_command(&self, id: Id, outcome: &str, done_at: &str) -> Result<()> {
        fault::point("store.finish_command")?;
        let sql = "UPDATE command SET outcome = ?2, done_at = ?3 WHERE command_id = ?1";
        let changed = run(self.conn, sql, params![id.as_str(), outcome, done_at])
            .with_context(|| format!("cannot finish the command {id}"))?;
        anyhow::ensure!(changed == 1, "there is no command {id} in the ledger");
        Ok(())
    }
}

impl Snapshot<'_> {
    pub fn command(&self, id: Id) -> Result<Option<CommandRow>> {
        one(self.conn, &format!("SELECT {COLUMNS} FROM command WHERE command_id = ?1"), [id.as_str()], read)
    }

    /// The newest first.
    pub fn commands(&self, limit: u32) -> Result<Vec<CommandRow>> {
        list(self.conn, &format!("SELECT {COLUMNS} FROM command ORDER BY command_no DESC LIMIT ?1"), [limit], read)
    }
}
