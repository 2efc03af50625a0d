//! Held messages as the judge asks for them: does anybody wait, and who waits on a kind.

use anyhow::Result;

use super::message::MessageNo;
use crate::edges::store::Snapshot;
use crate::edges::store::query::{list, one};

impl Snapshot<'_> {
    /// Does any message of this kind wait? Asked once a file, so that files that cannot block each other look up nothing.
    pub fn anyone_is_held(&self, kind: &str) -> Result<bool> {
        let sql =
            "SELECT EXISTS (SELECT 1 FROM message WHERE verdict = 'held' AND waits_kind IS NOT NULL AND kind = ?1)";
        Ok(one(self.conn, sql, [kind], |row| row.get(0))?.unwrap_or(false))
    }

    /// Messages that wait for something of this kind, the oldest first.
    pub fn waiting_on(&self, kind: &str) -> Result<Vec<MessageNo>> {
        let sql = "SELECT message_no FROM message WHERE verdict = 'held' AND waits_kind = ?1 ORDER BY message_no";
        list(self.conn, sql, [kind], |row| Ok(MessageNo(row.get(0)?)))
    }
}
