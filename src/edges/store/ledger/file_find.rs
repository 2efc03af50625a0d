//! Finds files: by id, name and content, and those that something is still to be done with. It only reads; what people
//! select files by stands in `queries_files`.

use anyhow::Result;
use rusqlite::{Params, params};

use super::file::{COLUMNS, FileRow, read};
use crate::edges::store::query::{list, one};
use crate::edges::store::{FileNo, Snapshot};
use crate::model::ids::Id;

/// No message of the file waits or stands refused; one that a person closed, or that came back and was taken, does not count.
pub(super) const NOTHING_OPEN: &str = "held = 0 AND (refused = 0 OR NOT EXISTS (SELECT 1 FROM message m WHERE m.file_no = file.file_no \
     AND m.verdict = 'refused' AND m.code NOT IN ('ignored', 'came-back')))";

/// The original is not what a document has or may yet have: that stays as it came, also where `contents` of its intake was taken out.
pub(super) const NO_CONTENT: &str = "NOT EXISTS (SELECT 1 FROM content c WHERE c.file_no = file.file_no)";

/// The original is the bytes of a document, of its newest revision.
const A_DOCUMENT_HAS_IT: &str = "SELECT 1 FROM content c JOIN document d ON d.sha256 = c.sha256 AND d.file_name = c.name \
     WHERE c.file_no = file.file_no AND d.active = 1";

impl Snapshot<'_> {
    pub fn file(&self, file: FileNo) -> Result<Option<FileRow>> {
        self.find_file("file_no = ?1", [file.0])
    }

    pub fn file_by_id(&self, id: Id) -> Result<Option<FileRow>> {
        self.find_file("file_id = ?1", [id.as_str()])
    }

    /// Files of that name, or of an id that begins so, the newest first.
    pub fn files_named(&self, name_or_id: &str, limit: u32) -> Result<Vec<FileRow>> {
        // Ids are lower-case letters and digits: everything that begins with the text lies before text + '~'.
        let filter = "name = ?1 OR file_id = ?1 OR (length(?1) >= 4 AND file_id > ?1 AND file_id < ?1 || '~') \
             ORDER BY file_no DESC LIMIT ?2";
        self.find_files(filter, params![name_or_id, limit])
    }

    /// The newest file of an intake that came under exactly these bytes as its name.
    pub fn last_file_named(&self, partner: &str, intake: &str, raw_name: &[u8], name: &str) -> Result<Option<FileRow>> {
        // Asked for every file that comes: by intake the planner would walk all that ever came, and a sort costs a sorter.
        let sql = "SELECT max(file_no) FROM file INDEXED BY file_by_name WHERE name = ?4 AND raw_name = ?3 AND partner = ?1 AND intake = ?2";
        let found: Option<Option<i64>> =
            one(self.conn, sql, params![partner, intake, raw_name, name], |row| row.get(0))?;
        found.flatten().map_or(Ok(None), |no| self.file(FileNo(no)))
    }

    /// Seen, not yet judged: what a start compares with the folders.
    pub fn open_files(&self) -> Result<Vec<FileRow>> {
        self.find_files("placed = 0 AND state = 'seen' ORDER BY file_no", [])
    }

    /// Judged, and the folders may not have followed yet.
    pub fn unplaced_files(&self) -> Result<Vec<FileRow>> {
        self.find_files("placed = 0 AND state = 'judged' ORDER BY file_no", [])
    }

    /// The file whose rows stand for an intake: the last that wrote any.
    pub fn last_applied(&self, partner: &str, intake: &str) -> Result<Option<FileRow>> {
        let filter = "partner = ?1 AND intake = ?2 AND rows_written > 0 ORDER BY file_no DESC LIMIT 1";
        self.find_file(filter, params![partner, intake])
    }

    /// The last applied file of an intake, if a file of this content says nothing new: same content, same meaning, every
    /// message applied, and nothing else wrote its rows since.
    pub fn unchanged_since(
        &self,
        partner: &str,
        intake: &str,
        content_hash: &[u8],
        fingerprint: u64,
    ) -> Result<Option<FileRow>> {
        Ok(self.last_applied(partner, intake)?.filter(|file| {
            let others = file.counts.held + file.counts.refused + file.counts.stale + file.counts.duplicate;
            file.content_hash.as_deref() == Some(content_hash)
                && file.fingerprint == fingerprint
                && others == 0
                && file.rows_taken == 0
        }))
    }

    /// Originals in done/ of an intake whose day lies before this one: past their keep days. Held and failed ones are never named.
    pub fn originals_before(&self, partner: &str, intake: &str, day: &str, limit: u32) -> Result<Vec<FileRow>> {
        let filter = format!(
            "placed = 1 AND original_gone = 0 AND place = 'done' AND (rehearsed <> 0 OR {NOTHING_OPEN}) AND day < ?3 AND partner = ?1 AND intake = ?2 \
             AND NOT EXISTS ({A_DOCUMENT_HAS_IT}) ORDER BY day, file_no LIMIT ?4"
        );
        self.find_files(&filter, params![partner, intake, day, limit])
    }

    /// The same for copies whose personal fields are to be overwritten and were not looked for in vain under this fingerprint.
    pub fn unredacted_before(
        &self,
        partner: &str,
        intake: &str,
        day: &str,
        fingerprint: u64,
        limit: u32,
    ) -> Result<Vec<FileRow>> {
        let filter = format!(
            "placed = 1 AND original_gone = 0 AND redacted <> 1 AND place = 'done' AND (rehearsed <> 0 OR {NOTHING_OPEN}) AND day < ?3 \
             AND (redact_tried IS NULL OR redact_tried <> ?5) AND partner = ?1 AND intake = ?2 AND {NO_CONTENT} ORDER BY day, file_no LIMIT ?4"
        );
        self.find_files(&filter, params![partner, intake, day, limit, fingerprint.cast_signed()])
    }

    /// Problems of a file by code, the most frequent first.
    pub fn problem_counts(&self, file: FileNo) -> Result<Vec<(String, u64)>> {
        let sql = "SELECT code, count FROM problem_count WHERE file_no = ?1 ORDER BY count DESC, code";
        list(self.conn, sql, [file.0], |row| Ok((row.get(0)?, super::file::unsigned(row, 1)?)))
    }

    fn find_file(&self, filter: &str, values: impl Params) -> Result<Option<FileRow>> {
        one(self.conn, &format!("SELECT {COLUMNS} FROM file WHERE {filter}"), values, read)
    }

    pub(super) fn find_files(&self, filter: &str, values: impl Params) -> Result<Vec<FileRow>> {
        list(self.conn, &format!("SELECT {COLUMNS} FROM file WHERE {filter}"), values, read)
    }
}
