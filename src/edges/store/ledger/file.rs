//! A file's row through its life: seen → (attempts) → judged → placed, or vanished. Each function is one write.
//!
//! ```text
//! seen ──claimed──► judged ──► placed (the folder has followed)
//!   └──► vanished (gone before it was claimed)
//! ```
//! Finding files is in `file_find`.

use anyhow::{Context, Result};
use rusqlite::{Row, params};

use crate::edges::fault;
use crate::edges::store::query::{one, run};
use crate::edges::store::{FileNo, Snapshot, Tx};
use crate::model::ids::Id;
use crate::model::mode::Mode;
use crate::model::verdict::{Counts, Home, Verdict};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    Seen,
    Judged,
    Vanished,
}

impl FileState {
    pub fn as_str(self) -> &'static str {
        match self {
            FileState::Seen => "seen",
            FileState::Judged => "judged",
            FileState::Vanished => "vanished",
        }
    }

    fn parse(text: &str) -> FileState {
        match text {
            "seen" => FileState::Seen,
            "judged" => FileState::Judged,
            _ => FileState::Vanished,
        }
    }
}

/// A file at its first sight. It is in the ledger before it is claimed.
#[derive(Debug, Clone)]
pub struct Arrival<'a> {
    pub id: Id,
    pub partner: &'a str,
    pub intake: &'a str,
    /// The name's bytes as they stand in the folder.
    pub raw_name: &'a [u8],
    /// The name for people.
    pub name: &'a str,
    /// The folder or remote it was found in.
    pub origin: &'a str,
    pub first_seen: &'a str,
    pub size: u64,
    pub inode: u64,
    pub mtime_ns: i64,
    /// The file it is a corrected or returned copy of.
    pub returns_of: Option<Id>,
    /// The attempt that begins with this commit: read alone, so that a crash counts.
    pub alone: bool,
}

/// What was judged. Everything that rebuilds reason, reject and receipt byte for byte is in here and in the exceptions.
#[derive(Debug, Clone)]
pub struct Decision<'a> {
    pub verdict: Verdict,
    pub counts: Counts,
    pub kind: &'a str,
    pub layout: &'a str,
    pub fingerprint: u64,
    pub content_hash: Option<&'a [u8]>,
    /// Code of the reason when the file as a whole is refused or held; else empty.
    pub code: &'a str,
    pub home: Home,
    pub day: &'a str,
    pub decided_at: &'a str,
    pub reason_text: Option<&'a str>,
    /// Opaque to the store.
    pub reject_plan: Option<&'a [u8]>,
    pub comment: &'a str,
}

/// A file as the ledger knows it, without its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    pub no: FileNo,
    pub id: Id,
    pub partner: String,
    pub intake: String,
    pub raw_name: Vec<u8>,
    pub name: String,
    pub origin: String,
    pub first_seen: String,
    pub size: u64,
    pub inode: u64,
    pub mtime_ns: i64,
    pub content_hash: Option<Vec<u8>>,
    pub state: FileState,
    pub attempts: u32,
    pub alone: bool,
    pub kind: String,
    pub layout: String,
    pub fingerprint: u64,
    pub as_of: String,
    /// `None` until judged.
    pub verdict: Option<Verdict>,
    pub messages: u64,
    pub counts: Counts,
    pub code: String,
    /// Rows this file wrote, and how many of them others wrote since.
    pub rows_written: u64,
    pub rows_taken: u64,
    pub decided_at: Option<String>,
    pub home: Option<Home>,
    pub day: String,
    pub placed: bool,
    pub original_gone: bool,
    /// The personal fields of the kept copy are overwritten, or are just being.
    pub redacted: bool,
    pub returns_of: Option<Id>,
    pub comment: String,
    /// Not live: its counts say what would have happened, and it wrote nothing.
    pub rehearsed: Mode,
    /// A person wants nothing of it to be applied.
    pub rehearsal_closed: bool,
    /// Number of the archive of its day that holds the original; below 0 it is being put there. 0: it stands by itself.
    pub archived: i64,
}

/// The columns `read` expects, in its order.
pub(super) const COLUMNS: &str = "file_no, file_id, partner, intake, raw_name, name, origin, first_seen, size, inode, mtime_ns, content_hash, \
     state, attempts, alone, kind, layout, fingerprint, as_of, verdict, messages, accepted, unchanged, duplicate, stale, held, refused, \
     code, rows_written, rows_taken, decided_at, place, day, placed, original_gone, redacted, returns_of, comment, rehearsed, archived";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<FileRow> {
    Ok(FileRow {
        no: FileNo(row.get(0)?),
        id: read_id(row, 1)?,
        partner: row.get(2)?,
        intake: row.get(3)?,
        raw_name: row.get(4)?,
        name: row.get(5)?,
        origin: row.get(6)?,
        first_seen: row.get(7)?,
        size: unsigned(row, 8)?,
        inode: unsigned(row, 9)?,
        mtime_ns: row.get(10)?,
        content_hash: row.get(11)?,
        state: FileState::parse(row.get_ref(12)?.as_str()?),
        attempts: row.get(13)?,
        alone: row.get(14)?,
        kind: row.get(15)?,
        layout: row.get(16)?,
        fingerprint: unsigned(row, 17)?,
        as_of: row.get(18)?,
        verdict: Verdict::parse(row.get_ref(19)?.as_str()?),
        messages: unsigned(row, 20)?,
        counts: Counts {
            accepted: unsigned(row, 21)?,
            unchanged: unsigned(row, 22)?,
            duplicate: unsigned(row, 23)?,
            stale: unsigned(row, 24)?,
            held: unsigned(row, 25)?,
            refused: unsigned(row, 26)?,
        },
        code: row.get(27)?,
        rows_written: unsigned(row, 28)?,
        rows_taken: unsigned(row, 29)?,
        decided_at: row.get(30)?,
        home: read_home(row.get_ref(31)?.as_str()?),
        day: row.get(32)?,
        placed: row.get(33)?,
        original_gone: row.get(34)?,
        redacted: row.get(35)?,
        returns_of: row.get_ref(36)?.as_str_or_null()?.and_then(Id::parse),
        comment: row.get(37)?,
        rehearsed: Mode::of_number(row.get::<_, i64>(38)?.abs()),
        rehearsal_closed: row.get::<_, i64>(38)? < 0,
        archived: row.get(39)?,
    })
}

/// Inodes and fingerprints use all 64 bits: they are stored as the signed integer of the same bits.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

pub(super) fn read_id(row: &Row<'_>, column: usize) -> rusqlite::Result<Id> {
    let text = row.get_ref(column)?.as_str()?;
    Id::parse(text).ok_or_else(|| {
        let problem = format!("\"{text}\" is not an id").into();
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, problem)
    })
}

pub(super) fn home_text(home: Home) -> &'static str {
    match home {
        Home::Done => "done",
        Home::Failed => "failed",
        Home::Held => "held",
    }
}

fn read_home(text: &str) -> Option<Home> {
    [Home::Done, Home::Failed, Home::Held].into_iter().find(|h| home_text(*h) == text)
}

impl Tx<'_> {
    /// Records a file that was seen, with the attempt to read it.
    pub fn see_file(&self, file: &Arrival<'_>) -> Result<FileNo> {
        fault::point("store.see_file")?;
        let sql = "INSERT INTO file (file_id, partner, intake, raw_name, name, origin, first_seen, size, inode, mtime_ns, \
             state, attempts, alone, returns_of) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'seen', ?11, ?11, ?12)";
        let values = params![
            file.id.as_str(),
            file.partner,
            file.intake,
            file.raw_name,
            file.name,
            file.origin,
            file.first_seen,
            file.size.cast_signed(),
            file.inode.cast_signed(),
            file.mtime_ns,
            file.alone,
            file.returns_of.map(|id| id.to_string()),
        ];
        run(self.conn, sql, values).with_context(|| format!("cannot record the file {} ({})", file.id, file.name))?;
        Ok(FileNo(self.conn.last_insert_rowid()))
    }

    /// An attempt to read a file begins: it counts only when the file is read alone, since otherwise another may be to blame.
    pub fn begin_attempt(&self, file: FileNo, alone: bool) -> Result<()> {
        let sql = "UPDATE file SET attempts = attempts + ?2, alone = ?2 WHERE file_no = ?1";
        self.write_file("store.begin_attempt", file, sql, params![file.0, alone])
    }

    /// An orderly stop is nobody's fault: the attempt begun last does not count.
    pub fn take_back_attempt(&self, file: FileNo) -> Result<()> {
        let sql = "UPDATE file SET attempts = attempts - alone, alone = 0 WHERE file_no = ?1";
        self.write_file("store.take_back_attempt", file, sql, params![file.0])
    }

    /// It was dropped again under the same name before it was claimed: what stands there now is what counts.
    pub fn resee_file(&self, file: FileNo, size: u64, inode: u64, mtime_ns: i64) -> Result<()> {
        let sql = "UPDATE file SET size = ?2, inode = ?3, mtime_ns = ?4 WHERE file_no = ?1";
        self.write_file(
            "store.resee_file",
            file,
            sql,
            params![file.0, size.cast_signed(), inode.cast_signed(), mtime_ns],
        )
    }

    /// Gone before it was claimed.
    pub fn vanish_file(&self, file: FileNo, at: &str, comment: &str) -> Result<()> {
        let sql = "UPDATE file SET state = 'vanished', placed = 1, decided_at = ?2, comment = ?3 WHERE file_no = ?1";
        self.write_file("store.vanish_file", file, sql, params![file.0, at, comment])
    }

    /// The verdict on a file. Attempts are counted anew from here: those of a retry are its own.
    pub fn decide_file(&self, file: FileNo, decision: &Decision<'_>) -> Result<()> {
        let sql = "UPDATE file SET state = 'judged', verdict = ?2, messages = ?3, accepted = ?4, unchanged = ?5, duplicate = ?6, \
             stale = ?7, held = ?8, refused = ?9, kind = ?10, layout = ?11, fingerprint = ?12, content_hash = ?13, code = ?14, \
             place = ?15, day = ?16, decided_at = ?17, reason_text = ?18, reject_plan = ?19, comment = ?20, alone = 0, attempts = 0, rehearsed = 0 \
             WHERE file_no = ?1";
        let counts = decision.counts;
        let values = params![
            file.0,
            decision.verdict.as_str(),
            counts.total().cast_signed(),
            counts.accepted.cast_signed(),
            counts.unchanged.cast_signed(),
            counts.duplicate.cast_signed(),
            counts.stale.cast_signed(),
            counts.held.cast_signed(),
            counts.refused.cast_signed(),
            decision.kind,
            decision.layout,
            decision.fingerprint.cast_signed(),
            decision.content_hash,
            decision.code,
            home_text(decision.home),
            decision.day,
            decision.decided_at,
            decision.reason_text,
            decision.reject_plan,
            decision.comment,
        ];
        self.write_file("store.decide_file", file, sql, values)
    }

    /// It is judged once more, and moved to where its new verdict wants it.
    pub fn unplace_file(&self, file: FileNo) -> Result<()> {
        self.write_file("store.unplace_file", file, "UPDATE file SET placed = 0 WHERE file_no = ?1", params![file.0])
    }

    /// Messages of a judged file changed their verdicts (released, timed out, retried); where the original's place
    /// changes with them, its move is to be made again.
    pub fn revise_file(&self, file: FileNo, counts: Counts, home: Home, decided_at: &str) -> Result<()> {
        let sql = "UPDATE file SET verdict = ?2, accepted = ?3, unchanged = ?4, duplicate = ?5, stale = ?6, held = ?7, refused = ?8, \
             placed = CASE WHEN place = ?9 THEN placed ELSE 0 END, place = ?9, decided_at = ?10 WHERE file_no = ?1";
        let values = params![
            file.0,
            counts.file_verdict().as_str(),
            counts.accepted.cast_signed(),
            counts.unchanged.cast_signed(),
            counts.duplicate.cast_signed(),
            counts.stale.cast_signed(),
            counts.held.cast_signed(),
            counts.refused.cast_signed(),
            home_text(home),
            decided_at,
        ];
        self.write_file("store.revise_file", file, sql, values)
    }

    /// What rebuilds reason and reject, after a message of the file was refused later. They have to be written again.
    pub fn set_reason(&self, file: FileNo, reason_text: Option<&str>, reject_plan: Option<&[u8]>) -> Result<()> {
        let sql = "UPDATE file SET reason_text = ?2, reject_plan = ?3, placed = 0 WHERE file_no = ?1";
        self.write_file("store.set_reason", file, sql, params![file.0, reason_text, reject_plan])
    }

    /// A person closed or retried it; the words stay.
    pub fn comment_file(&self, file: FileNo, comment: &str) -> Result<()> {
        let sql = "UPDATE file SET comment = ?2 WHERE file_no = ?1";
        self.write_file("store.comment_file", file, sql, params![file.0, comment])
    }

    /// The folders have followed the verdicts of these files, on the disk too: their copies are not needed any more.
    pub fn mark_placed(&self, files: &[FileNo]) -> Result<()> {
        fault::point("store.mark_placed")?;
        let mut placed = self.conn.prepare_cached("UPDATE file SET placed = 1 WHERE file_no BETWEEN ?1 AND ?2")?;
        let mut forget = self.conn.prepare_cached("DELETE FROM file_copy WHERE file_no BETWEEN ?1 AND ?2")?;
        let mut numbers: Vec<i64> = files.iter().map(|file| file.0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        // Those of a round follow each other.
        for row in numbers.chunk_by(|one, next| one + 1 == *next) {
            let ends = [row[0], row[row.len() - 1]];
            placed.execute(ends).context("cannot mark files as placed")?;
            forget.execute(ends).context("cannot remove the copies of files")?;
        }
        Ok(())
    }

    /// The original is no longer kept.
    pub fn mark_original_gone(&self, file: FileNo) -> Result<()> {
        let sql = "UPDATE file SET original_gone = 1 WHERE file_no = ?1";
        self.write_file("store.mark_original_gone", file, sql, params![file.0])
    }

    /// The personal fields of the kept copy are about to be overwritten: from here on it is not what the partner sent.
    pub fn mark_redacting(&self, file: FileNo) -> Result<()> {
        self.redact_corrections(file)?;
        let sql = "UPDATE file SET redacted = 2 WHERE file_no = ?1";
        self.write_file("store.mark_redacting", file, sql, params![file.0])
    }

    /// The personal fields of the kept copy are overwritten.
    pub fn mark_redacted(&self, file: FileNo) -> Result<()> {
        let sql = "UPDATE file SET redacted = 1 WHERE file_no = ?1";
        self.write_file("store.mark_redacted", file, sql, params![file.0])
    }

    /// The copy stays as it was sent: nothing to overwrite was found under this fingerprint of the intake.
    pub fn mark_redact_tried(&self, file: FileNo, fingerprint: u64) -> Result<()> {
        let sql = "UPDATE file SET redacted = 0, redact_tried = ?2 WHERE file_no = ?1";
        self.write_file("store.mark_redact_tried", file, sql, params![file.0, fingerprint.cast_signed()])
    }

    /// An unchanged file came: what its rows' file said holds as of now. One update, however many rows there are.
    pub fn touch_as_of(&self, last_applied: FileNo, as_of: &str) -> Result<()> {
        let sql = "UPDATE file SET as_of = CASE WHEN as_of < ?2 THEN ?2 ELSE as_of END, \
                   first_as_of = COALESCE(first_as_of, as_of) WHERE file_no = ?1";
        self.write_file("store.touch_as_of", last_applied, sql, params![last_applied.0, as_of])
    }

    /// Nothing of it is applied yet: the moment it speaks of is kept all the same.
    pub fn keep_as_of(&self, file: FileNo, as_of: &str) -> Result<()> {
        let sql = "UPDATE file SET as_of = ?2 WHERE file_no = ?1";
        self.write_file("store.keep_as_of", file, sql, params![file.0, as_of])
    }

    /// Exact counts of problems by code, also of those whose text is not kept.
    pub fn set_problem_counts<'a>(&self, file: FileNo, counts: impl IntoIterator<Item = (&'a str, u64)>) -> Result<()> {
        fault::point("store.set_problem_counts")?;
        run(self.conn, "DELETE FROM problem_count WHERE file_no = ?1", [file.0])?;
        for (code, count) in counts {
            let sql = "INSERT INTO problem_count (file_no, code, count) VALUES (?1, ?2, ?3)";
            run(self.conn, sql, params![file.0, code, count.cast_signed()])
                .with_context(|| format!("cannot count the problems of file number {}", file.0))?;
        }
        Ok(())
    }

    pub(super) fn write_file(
        &self,
        call: &'static str,
        file: FileNo,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<()> {
        fault::point(call)?;
        let changed =
            run(self.conn, sql, values).with_context(|| format!("{call}: cannot write file number {}", file.0))?;
        anyhow::ensure!(changed == 1, "{call}: there is no file number {} in the ledger", file.0);
        Ok(())
    }
}

impl Snapshot<'_> {
    /// The reason as it was committed.
    pub fn reason_text(&self, file: FileNo) -> Result<Option<String>> {
        let sql = "SELECT reason_text FROM file WHERE file_no = ?1";
        Ok(one(self.conn, sql, [file.0], |row| row.get(0))?.flatten())
    }

    pub fn reject_plan(&self, file: FileNo) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT reject_plan FROM file WHERE file_no = ?1";
        Ok(one(self.conn, sql, [file.0], |row| row.get(0))?.flatten())
    }
}
