//! Held messages by what they wait for: a reference to come, a time to pass, an earlier message of the same key.
//! It only reads; the verdicts are given by the flow.

use anyhow::Result;
use rusqlite::params;

use super::message::{COLUMNS, MessageRow, read};
use crate::edges::store::query::{list, one};
use crate::edges::store::{FileNo, Snapshot};

impl Snapshot<'_> {
    /// Held messages whose time has passed.
    pub fn waiting_until(&self, now: &str) -> Result<Vec<MessageRow>> {
        let filter = "m.verdict = 'held' AND m.wait_until IS NOT NULL AND m.wait_until <= ?1 ORDER BY m.message_no";
        self.find_messages(filter, [now])
    }

    /// When the next waiting message times out.
    pub fn next_timeout(&self) -> Result<Option<String>> {
        let sql = "SELECT min(wait_until) FROM message WHERE verdict = 'held' AND wait_until IS NOT NULL";
        Ok(one(self.conn, sql, [], |row| row.get(0))?.flatten())
    }

    /// Held messages of a partner with this key: they go before a later one of the same key.
    pub fn held_with_key(&self, partner: &str, kind: &str, key: &str) -> Result<Vec<MessageRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM message m JOIN file f ON f.file_no = m.file_no \
             WHERE m.key = ?3 AND m.kind = ?2 AND m.verdict = 'held' AND f.partner = ?1 AND f.rehearsed = 0 ORDER BY m.message_no"
        );
        list(self.conn, &sql, params![partner, kind, key], read)
    }

    /// Messages of other files than this one that were decided at this instant, at most so many: what it brought on.
    pub fn decided_with(&self, file: FileNo, at: &str, limit: u32) -> Result<Vec<MessageRow>> {
        let filter = "m.file_no <> ?1 AND m.decided_at = ?2 ORDER BY m.file_no, m.number LIMIT ?3";
        self.find_messages(filter, params![file.0, at, limit])
    }
}
