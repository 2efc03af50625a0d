//! Bytes of documents that are there: which file brought them, and under which name. The bytes themselves are that file's original.

use anyhow::{Context, Result};
use rusqlite::params;

use super::message::MessageNo;
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FileNo, Snapshot, Tx};
use crate::model::rules::contents::Content;

/// What a manifest waits for whose file is not there.
pub const CONTENT: &str = "content";

impl Tx<'_> {
    /// These bytes came with this file. True: they were there under this name; from here on they are this file's.
    pub fn keep_content(&self, file: FileNo, partner: &str, content: &Content) -> Result<bool> {
        fault::point("store.keep_content")?;
        let before = "SELECT file_no FROM content WHERE partner = ?1 AND name = ?2 AND sha256 = ?3";
        let known: Option<i64> =
            one(self.conn, before, params![partner, content.name, content.sha256], |row| row.get(0))?;
        let sql = "INSERT OR REPLACE INTO content (file_no, partner, name, sha256, bytes, mime) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let Content { name, sha256, bytes, mime } = content;
        run(self.conn, sql, params![file.0, partner, name, sha256, bytes.cast_signed(), mime])
            .with_context(|| format!("cannot keep the content {name}"))?;
        Ok(known.is_some_and(|known| known != file.0))
    }

    /// Nobody is told any more that it is there; its original goes next.
    pub fn forget_content(&self, file: FileNo) -> Result<()> {
        fault::point("store.forget_content")?;
        run(self.conn, "DELETE FROM content WHERE file_no = ?1", [file.0])?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// The files that brought these bytes under this name, the newest first.
    pub fn contents_of(&self, name: &str, sha256: &str) -> Result<Vec<FileNo>> {
        let sql = "SELECT file_no FROM content WHERE sha256 = ?1 AND name = ?2 ORDER BY file_no DESC";
        list(self.conn, sql, params![sha256, name], |row| Ok(FileNo(row.get(0)?)))
    }

    pub fn is_content(&self, file: FileNo) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM content WHERE file_no = ?1)";
        Ok(one(self.conn, sql, [file.0], |row| row.get(0))?.unwrap_or(false))
    }

    /// Messages of manifests that wait and whose file may be there by now. One statement: thousands may wait.
    pub fn manifests_with_contents(&self) -> Result<Vec<MessageNo>> {
        let sql = "SELECT m.message_no FROM message m JOIN file f USING (file_no) WHERE m.verdict = 'held' AND m.waits_kind = ?1 \
             AND EXISTS (SELECT 1 FROM content c WHERE c.partner = f.partner AND c.name = m.waits_key) ORDER BY m.message_no";
        list(self.conn, sql, [CONTENT], |row| Ok(MessageNo(row.get(0)?)))
    }
}
