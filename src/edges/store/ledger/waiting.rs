//! Held messages by what they wait for: a reference to come, a time to pass, an earlier message of the same key.
//! It only reads; the verdicts are given by the flow.

use anyhow::Result;
use rusqlite::params;

use super::message::{COLUMNS, MessageRow, read};
use crate::edges::store::Snapshot;
use crate::edges::store::query::{list, one};

impl Snapshot<'_> {
    /// Held messages that wait for a record of this kind and key, the oldest first.
    pub fn waiting_for(&self, kind: &str, key: &str) -> Result<Vec<MessageRow>> {
        let filter = "m.verdict = 'held' AND m.waits_kind = ?1 AND m.waits_key = ?2 ORDER BY m.message_no";
        self.find_messages(filter, [kind, key])
    }

    /// Is anything waiting for records of this kind? Asked once a file, so that files nobody waits for look up nothing.
    pub fn anyone_waits_for(&self, kind: &str) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM message WHERE verdict = 'held' AND waits_kind = ?1)";
        Ok(one(self.conn, sql, [kind], |row| row.get(0))?.unwrap_or(false))
    }

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
             WHERE m.key = ?3 AND m.kind = ?2 AND m.verdict = 'held' AND f.partner = ?1 ORDER BY m.message_no"
        );
        list(self.conn, &sql, params![partner, kind, key], read)
    }
}
