//! Which originals stand in an archive of their day, and which are just being put there. The archives themselves are the spool's.

use anyhow::Result;
use rusqlite::params;

use super::file::FileRow;
use super::file_find::{NO_CONTENT, NOTHING_OPEN};
use crate::edges::store::query::one;
use crate::edges::store::{FileNo, Snapshot, Tx};

/// An intake's originals of one day.
#[derive(Debug, Clone, Copy)]
pub struct OfDay<'a> {
    pub partner: &'a str,
    pub intake: &'a str,
    pub day: &'a str,
}

impl Snapshot<'_> {
    /// Originals that stand in done/ as files, of the oldest such day before this one; larger ones stay as they are.
    pub fn unarchived_before(
        &self,
        partner: &str,
        intake: &str,
        day: &str,
        (most_bytes, limit): (u64, u32),
    ) -> Result<Vec<FileRow>> {
        let kept = format!(
            "placed = 1 AND original_gone = 0 AND archived = 0 AND place = 'done' AND (rehearsed <> 0 OR {NOTHING_OPEN}) \
             AND partner = ?1 AND intake = ?2 AND size < ?4 AND {NO_CONTENT}"
        );
        let filter =
            format!("{kept} AND day = (SELECT min(day) FROM file WHERE {kept} AND day < ?3) ORDER BY file_no LIMIT ?5");
        self.find_files(&filter, params![partner, intake, day, most_bytes.cast_signed(), limit])
    }

    /// Those of an intake that are being put into an archive.
    pub fn being_archived(&self, partner: &str, intake: &str, limit: u32) -> Result<Vec<FileRow>> {
        let filter = "archived < 0 AND partner = ?1 AND intake = ?2 ORDER BY day, archived, file_no LIMIT ?3";
        self.find_files(filter, params![partner, intake, limit])
    }

    /// How many originals this archive is kept for.
    pub fn kept_in_archive(&self, of: OfDay<'_>, archive: i64) -> Result<u64> {
        let sql = "SELECT count(*) FROM file WHERE placed = 1 AND original_gone = 0 AND partner = ?1 AND intake = ?2 AND day = ?3 \
                   AND archived IN (?4, -?4)";
        let count: Option<i64> =
            one(self.conn, sql, params![of.partner, of.intake, of.day, archive], |row| row.get(0))?;
        Ok(count.unwrap_or_default().cast_unsigned())
    }
}

impl Tx<'_> {
    /// 0: it stands in done/ again.
    pub fn mark_archived(&self, file: FileNo, archive: i64) -> Result<()> {
        let sql = "UPDATE file SET archived = ?2 WHERE file_no = ?1";
        self.write_file("store.mark_archived", file, sql, params![file.0, archive])
    }
}
