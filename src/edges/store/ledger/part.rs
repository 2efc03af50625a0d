//! The files of an arrival of several: under which names they stood in in/ or at a remote, in the order of the intake's patterns,
//! and what bytes each had.

use anyhow::{Context, Result};
use rusqlite::params;

use crate::edges::fault;
use crate::edges::store::query::{list, run};
use crate::edges::store::{FileNo, Snapshot, Tx};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRow {
    /// As it stood in in/, with the id of a file come back; at a remote as its sender called it.
    pub raw_name: Vec<u8>,
    /// The name for people, without an id.
    pub name: String,
    pub size: u64,
    /// Of its bytes, once they were read.
    pub content: Option<[u8; 32]>,
}

impl Tx<'_> {
    /// Anew where it was seen before a crash: what stands there now is what counts.
    pub fn set_parts(&self, file: FileNo, parts: &[PartRow]) -> Result<()> {
        fault::point("store.set_parts")?;
        run(self.conn, "DELETE FROM file_part WHERE file_no = ?1", [file.0])?;
        for (at, part) in parts.iter().enumerate() {
            let sql = "INSERT INTO file_part (file_no, nth, raw_name, name, size, content_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let values =
                params![file.0, (at + 1) as i64, part.raw_name, part.name, part.size.cast_signed(), part.content];
            run(self.conn, sql, values).with_context(|| format!("cannot record the part {}", part.name))?;
        }
        Ok(())
    }
}

impl Snapshot<'_> {
    /// Empty for a file that came alone.
    pub fn parts_of(&self, file: FileNo) -> Result<Vec<PartRow>> {
        let sql = "SELECT raw_name, name, size, content_hash FROM file_part WHERE file_no = ?1 ORDER BY nth";
        list(self.conn, sql, [file.0], |row| {
            Ok(PartRow {
                raw_name: row.get(0)?,
                name: row.get(1)?,
                size: row.get::<_, i64>(2)?.cast_unsigned(),
                content: row.get(3)?,
            })
        })
    }
}
