//! Files of remotes: a row of `collect` stands from first sight until nothing is owed to the remote any more, one for each where
//! several are one arrival; a row of `seen_there` for each file that stays there and was taken. Which step comes next is said by `model::rules::collecting`.

use anyhow::{Context, Result};
use rusqlite::{Row, params};

use super::file::{read_id, unsigned};
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FileNo, Snapshot, Tx};
use crate::model::ids::Id;
use crate::model::remote::{Facts, Stamp};

/// A file there: the nth of an arrival of several, as `file_part` counts them, or 0 where it came alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CollectNo {
    pub file: FileNo,
    pub nth: u8,
}

/// A file of a remote at its first sight, with the names that it is about to get there.
#[derive(Debug, Clone)]
pub struct NewCollect<'a> {
    pub no: CollectNo,
    pub remote: &'a str,
    pub folder: &'a [u8],
    /// As it was listed.
    pub name: &'a [u8],
    /// None: it is fetched under its own name.
    pub claim: Option<&'a [u8]>,
    pub done_name: Option<&'a [u8]>,
    pub done_claim: Option<&'a [u8]>,
    pub facts: &'a Facts,
    /// `delete`, `move`, `rename` or `keep`.
    pub then_do: &'a str,
    /// The folder it is moved to, or the pattern of its new name.
    pub target: Option<&'a [u8]>,
    /// Its verdict stands already; only `then_do` is still owed.
    pub is_taken: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectRow {
    pub no: CollectNo,
    pub id: Id,
    pub partner: String,
    pub intake: String,
    /// Of the arrival.
    pub raw_name: Vec<u8>,
    /// Of this file of it, as its sender called it.
    pub own_name: Vec<u8>,
    pub remote: String,
    pub folder: Vec<u8>,
    pub name: Vec<u8>,
    pub claim: Option<Vec<u8>>,
    pub done_name: Option<Vec<u8>>,
    pub done_claim: Option<Vec<u8>>,
    pub facts: Facts,
    pub is_taken: bool,
    pub then_do: String,
    pub target: Option<Vec<u8>>,
    /// Hash of what was fetched of it and judged.
    pub content: Option<Vec<u8>>,
    /// Since when it has stood there without its end, as large as it is.
    pub short_since: Option<String>,
}

/// A file that stays at its remote and was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenThere {
    pub name: Vec<u8>,
    pub facts: Facts,
    pub content: Option<Vec<u8>>,
    pub gone_since: Option<String>,
}

const COLUMNS: &str = "c.file_no, f.file_id, f.partner, f.intake, f.raw_name, c.remote, c.folder, c.name, c.claim, c.done_name, \
     c.done_claim, c.size, c.stamp, c.state, c.then_do, c.target, CASE WHEN c.nth = 0 THEN f.content_hash ELSE p.content_hash END, \
     c.short_since, c.nth, COALESCE(p.raw_name, f.raw_name)";
const FROM: &str =
    "collect c JOIN file f ON f.file_no = c.file_no LEFT JOIN file_part p ON p.file_no = c.file_no AND p.nth = c.nth";

fn read(row: &Row<'_>) -> rusqlite::Result<CollectRow> {
    Ok(CollectRow {
        no: CollectNo { file: FileNo(row.get(0)?), nth: row.get(18)? },
        id: read_id(row, 1)?,
        partner: row.get(2)?,
        intake: row.get(3)?,
        raw_name: row.get(4)?,
        own_name: row.get(19)?,
        remote: row.get(5)?,
        folder: row.get(6)?,
        name: row.get(7)?,
        claim: row.get(8)?,
        done_name: row.get(9)?,
        done_claim: row.get(10)?,
        facts: read_facts(row, 11)?,
        is_taken: row.get_ref(13)?.as_str()? == "taken",
        then_do: row.get(14)?,
        target: row.get(15)?,
        content: row.get(16)?,
        short_since: row.get(17)?,
    })
}

fn read_seen(row: &Row<'_>) -> rusqlite::Result<SeenThere> {
    Ok(SeenThere { name: row.get(0)?, facts: read_facts(row, 1)?, content: row.get(3)?, gone_since: row.get(4)? })
}

/// Size and stamp, in two columns beside each other.
pub(super) fn read_facts(row: &Row<'_>, column: usize) -> rusqlite::Result<Facts> {
    let size = row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned);
    Ok(Facts { size, stamp: Stamp::parse(row.get_ref(column + 1)?.as_str()?) })
}

impl Tx<'_> {
    /// With `see_file`, before anything is renamed at the remote.
    pub fn see_remote(&self, new: &NewCollect<'_>) -> Result<()> {
        fault::point("store.see_remote")?;
        let sql = "INSERT INTO collect (file_no, nth, remote, folder, name, claim, done_name, done_claim, size, stamp, state, then_do, target) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        let values = params![
            new.no.file.0,
            new.no.nth,
            new.remote,
            new.folder,
            new.name,
            new.claim,
            new.done_name,
            new.done_claim,
            new.facts.size.map(u64::cast_signed),
            new.facts.stamp.to_text(),
            if new.is_taken { "taken" } else { "claiming" },
            new.then_do,
            new.target,
        ];
        run(self.conn, sql, values).with_context(|| format!("cannot note a file at {}", new.remote))?;
        Ok(())
    }

    /// The remote refuses to rename: it is fetched under its own name.
    pub fn unclaim(&self, no: CollectNo) -> Result<()> {
        fault::point("store.unclaim")?;
        let sql = "UPDATE collect SET claim = NULL, done_claim = NULL WHERE file_no = ?1 AND nth = ?2";
        run(self.conn, sql, params![no.file.0, no.nth])
            .context("cannot note that a file is fetched under its own name")?;
        Ok(())
    }

    /// It is another file by now than the one that was listed, and settled all the same.
    pub fn note_facts_there(&self, no: CollectNo, facts: &Facts) -> Result<()> {
        fault::point("store.note_facts_there")?;
        let sql = "UPDATE collect SET size = ?3, stamp = ?4, short_since = CASE WHEN size IS ?3 THEN short_since END \
             WHERE file_no = ?1 AND nth = ?2";
        let values = params![no.file.0, no.nth, facts.size.map(u64::cast_signed), facts.stamp.to_text()];
        run(self.conn, sql, values).context("cannot note what a file at a remote is like")?;
        Ok(())
    }

    /// It, or a file of it, was fetched without its end; counted from the first time, as long as it does not grow.
    pub fn note_short(&self, file: FileNo, at: &str) -> Result<()> {
        fault::point("store.note_short")?;
        let sql = "UPDATE collect SET short_since = COALESCE(short_since, ?2) WHERE file_no = ?1";
        run(self.conn, sql, params![file.0, at]).context("cannot note that the end of a file is missing")?;
        Ok(())
    }

    /// In the commit of its verdict: from here on the remote's copy is not needed. What stays there is remembered. `is_left`: it stays,
    /// whatever was to happen to it when it was first seen; where it was claimed, under its own name again.
    pub fn mark_taken(&self, file: FileNo, size: u64, is_left: bool) -> Result<()> {
        fault::point("store.mark_taken")?;
        let wrong = "cannot note that a file of a remote was taken";
        run(self.conn, "UPDATE file SET size = ?2 WHERE file_no = ?1", params![file.0, size.cast_signed()])
            .context(wrong)?;
        if is_left {
            let sql = "UPDATE collect SET then_do = CASE WHEN claim IS NULL THEN 'keep' ELSE 'rename' END, \
                 target = CASE WHEN claim IS NOT NULL THEN name END WHERE file_no = ?1";
            run(self.conn, sql, [file.0]).context(wrong)?;
        }
        let sql = "INSERT INTO seen_there (remote, folder, name, size, stamp, content, file_no) \
             SELECT c.remote, c.folder, c.name, c.size, c.stamp, CASE WHEN c.nth = 0 THEN f.content_hash ELSE p.content_hash END, c.file_no \
             FROM collect c JOIN file f ON f.file_no = c.file_no LEFT JOIN file_part p ON p.file_no = c.file_no AND p.nth = c.nth \
             WHERE c.file_no = ?1 AND (c.then_do = 'keep' OR ?2) \
             ON CONFLICT (remote, folder, name) DO UPDATE SET size = excluded.size, stamp = excluded.stamp, \
               content = excluded.content, file_no = excluded.file_no, gone_since = NULL";
        run(self.conn, sql, params![file.0, is_left]).context(wrong)?;
        run(self.conn, "DELETE FROM collect WHERE file_no = ?1 AND then_do = 'keep'", [file.0]).context(wrong)?;
        run(self.conn, "UPDATE collect SET state = 'taken' WHERE file_no = ?1", [file.0]).context(wrong)?;
        Ok(())
    }

    /// Nothing is owed for these any more.
    pub fn forget_collected(&self, files: &[CollectNo]) -> Result<()> {
        fault::point("store.forget_collected")?;
        let mut statement = self.conn.prepare_cached("DELETE FROM collect WHERE file_no = ?1 AND nth = ?2")?;
        for no in files {
            statement.execute(params![no.file.0, no.nth]).context("cannot close a file of a remote")?;
        }
        Ok(())
    }

    /// What was taken under this name and stays is known no more: the next listing has it as a new one.
    pub fn forget_seen(&self, remote: &str, folder: &[u8], name: &[u8]) -> Result<()> {
        fault::point("store.forget_seen")?;
        let sql = "DELETE FROM seen_there WHERE remote = ?1 AND folder = ?2 AND name = ?3";
        run(self.conn, sql, params![remote, folder, name]).context("cannot forget a file that stays at a remote")?;
        Ok(())
    }

    /// It was closed as vanished, and has been found.
    pub fn open_again(&self, file: FileNo) -> Result<()> {
        fault::point("store.open_again")?;
        let sql = "UPDATE file SET state = 'seen', placed = 0, decided_at = NULL, comment = '' WHERE file_no = ?1 AND state = 'vanished'";
        run(self.conn, sql, [file.0]).context("cannot open a file again that had vanished")?;
        Ok(())
    }

    /// Since when whole listings lack a file that was taken and stayed; none: it is there.
    pub fn note_gone(&self, remote: &str, folder: &[u8], name: &[u8], since: Option<&str>) -> Result<()> {
        fault::point("store.note_gone")?;
        let sql = "UPDATE seen_there SET gone_since = ?4 WHERE remote = ?1 AND folder = ?2 AND name = ?3";
        run(self.conn, sql, params![remote, folder, name, since]).context("cannot note what is gone from a remote")?;
        Ok(())
    }

    /// What was taken and stays has other facts, and the content that it had.
    pub fn note_seen_again(&self, remote: &str, folder: &[u8], name: &[u8], facts: &Facts) -> Result<()> {
        fault::point("store.note_seen_again")?;
        let sql = "UPDATE seen_there SET size = ?4, stamp = ?5 WHERE remote = ?1 AND folder = ?2 AND name = ?3";
        let (size, stamp) = (facts.size.map(u64::cast_signed), facts.stamp.to_text());
        run(self.conn, sql, params![remote, folder, name, size, stamp])
            .context("cannot note a file that stays at a remote")?;
        Ok(())
    }

    /// Those that are gone since before this instant can be forgotten.
    pub fn prune_seen_there(&self, before: &str) -> Result<()> {
        run(self.conn, "DELETE FROM seen_there WHERE gone_since < ?1", [before])
            .context("cannot forget what is gone from remotes")?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// All for which something is still owed, in the order they were seen.
    pub fn open_collected(&self) -> Result<Vec<CollectRow>> {
        let sql = format!("SELECT {COLUMNS} FROM {FROM} ORDER BY c.file_no, c.nth");
        list(self.conn, &sql, [], read)
    }

    /// Those that are taken: only their remotes are owed something. Asked at each turn that takes files.
    pub fn taken_collected(&self) -> Result<Vec<CollectRow>> {
        let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE c.state = 'taken' ORDER BY c.file_no, c.nth");
        list(self.conn, &sql, [], read)
    }

    /// All files of one arrival, in their order; none where nothing is owed for it.
    pub fn collected(&self, file: FileNo) -> Result<Vec<CollectRow>> {
        list(self.conn, &format!("SELECT {COLUMNS} FROM {FROM} WHERE c.file_no = ?1 ORDER BY c.nth"), [file.0], read)
    }

    /// Those of a folder.
    pub fn open_there(&self, remote: &str, folder: &[u8]) -> Result<Vec<CollectRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM collect c INDEXED BY collect_by_name JOIN file f ON f.file_no = c.file_no \
             LEFT JOIN file_part p ON p.file_no = c.file_no AND p.nth = c.nth \
             WHERE c.remote = ?1 AND c.folder = ?2 ORDER BY c.file_no, c.nth"
        );
        list(self.conn, &sql, params![remote, folder], read)
    }

    pub fn seen_there_of(&self, remote: &str, folder: &[u8]) -> Result<Vec<SeenThere>> {
        let sql = "SELECT name, size, stamp, content, gone_since FROM seen_there WHERE remote = ?1 AND folder = ?2 ORDER BY name";
        list(self.conn, sql, params![remote, folder], read_seen)
    }

    /// Those of them that were only rehearsed: nothing of them is applied by itself.
    pub fn rehearsed_there_of(&self, remote: &str, folder: &[u8]) -> Result<Vec<SeenThere>> {
        let sql = "SELECT s.name, s.size, s.stamp, s.content, s.gone_since FROM seen_there s JOIN file f ON f.file_no = s.file_no \
             WHERE s.remote = ?1 AND s.folder = ?2 AND f.rehearsed <> 0 ORDER BY s.name";
        list(self.conn, sql, params![remote, folder], read_seen)
    }

    /// Is it of a remote that still has it? Then nobody may say that it vanished because it stands nowhere here.
    pub fn is_collected(&self, file: FileNo) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM collect WHERE file_no = ?1)";
        Ok(one(self.conn, sql, [file.0], |row| row.get(0))?.unwrap_or(false))
    }

    /// Of each remote: files that are known and not fetched and judged yet, and such that are still to be removed, moved or renamed there.
    pub fn owed_to_remotes(&self) -> Result<Vec<(String, u64, u64)>> {
        let sql = "SELECT remote, count(*) - sum(state = 'taken'), sum(state = 'taken') FROM collect GROUP BY remote ORDER BY remote";
        list(self.conn, sql, [], |row| Ok((row.get(0)?, unsigned(row, 1)?, unsigned(row, 2)?)))
    }

    /// Does the file stay at its remote, as the one that was taken from there last under its name?
    pub fn stays_there(&self, file: FileNo) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM seen_there WHERE file_no = ?1 AND gone_since IS NULL)";
        Ok(one(self.conn, sql, [file.0], |row| row.get(0))?.unwrap_or(false))
    }
}
