//! Content of small files, kept from the commit of their verdict until their originals are known to be on the disk. It is
//! for a start after a power cut; nobody else reads it.

use anyhow::{Context, Result};
use rusqlite::params;

use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FileNo, Snapshot, Tx};

impl Tx<'_> {
    pub fn keep_copy(&self, file: FileNo, content: &[u8]) -> Result<()> {
        fault::point("store.keep_copy")?;
        let sql = "INSERT INTO file_copy (file_no, content) VALUES (?1, ?2) \
             ON CONFLICT (file_no) DO UPDATE SET content = excluded.content";
        run(self.conn, sql, params![file.0, content]).context("cannot keep a copy of a file")?;
        Ok(())
    }
}

impl Snapshot<'_> {
    pub fn copied_files(&self) -> Result<Vec<FileNo>> {
        list(self.conn, "SELECT file_no FROM file_copy ORDER BY file_no", [], |row| row.get(0).map(FileNo))
    }

    pub fn copy(&self, file: FileNo) -> Result<Option<Vec<u8>>> {
        one(self.conn, "SELECT content FROM file_copy WHERE file_no = ?1", [file.0], |row| row.get(0))
    }
}
