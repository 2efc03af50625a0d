//! An online copy of the database as one file: the moment of a snapshot, whatever is committed meanwhile. It is checked as a
//! copy, on the disk, and gets its name only then; what a crash leaves is a hidden `.nattpost.part`, which the next copy
//! writes over. Where copies may lie and whether there is room is for the caller.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::Snapshot;
use crate::edges::fault;

/// 16 MB between two looks at how far it is.
const PAGES_A_STEP: i32 = 4_000;
/// A checkpoint may be in the way for a moment.
const BUSY_FOR: Duration = Duration::from_secs(60);
const BETWEEN_TRIES: Duration = Duration::from_millis(50);
const PART: &str = ".nattpost.part";
/// As the database itself: the ops group reads.
const FILE_MODE: u32 = 0o640;

/// A finished copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    pub path: PathBuf,
    pub bytes: u64,
    pub hash: [u8; 32],
}

impl Snapshot<'_> {
    /// Copies this moment into a folder that exists, as `name`, which must be free. `shown`: pages done and pages in all.
    pub fn copy_into(&self, folder: &Path, name: &str, shown: &mut dyn FnMut(u64, u64)) -> Result<Copied> {
        let part = folder.join(PART);
        let held = hold(&part).with_context(|| format!("cannot write {}", part.display()))?;
        let done = self
            .copy_to(&part, shown)
            .with_context(|| format!("cannot copy the database to {}", part.display()))
            .and_then(|()| finish(&held, &part, folder, name));
        if done.is_err() {
            // A full disk must not stay full of half a copy. Should it stay, the next copy writes over it.
            let _ = fs::remove_file(&part);
        }
        done
    }

    /// Copies this moment to a path that is free, for a trial: nobody keeps it, so it is neither checked nor synced. `shown` as above;
    /// its error ends the copying.
    pub fn copy_for_trial(&self, path: &Path, shown: &mut dyn FnMut(u64, u64) -> Result<()>) -> Result<()> {
        let mut stopped = Ok(());
        let copied = self.newest_id().and_then(|_| {
            let mut copy = Connection::open(path)?;
            copy.execute_batch("PRAGMA synchronous = OFF")?;
            pages(self.conn, &mut copy, &mut |done, all| {
                stopped = shown(done, all);
                stopped.is_ok()
            })
        });
        stopped.and(copied).with_context(|| format!("cannot copy the database to {}", path.display()))
    }

    fn copy_to(&self, part: &Path, shown: &mut dyn FnMut(u64, u64)) -> Result<()> {
        fault::point("copy.open")?;
        // The snapshot's moment is fixed by its first question; the copy would fix one for each step instead.
        self.newest_id()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut copy = Connection::open_with_flags(part, flags)?;
        pages(self.conn, &mut copy, &mut |done, all| {
            shown(done, all);
            true
        })?;
        // That a daemon runs is true of the original alone: a start with the copy would take it for one that was killed.
        copy.execute("UPDATE identity SET ended = 1", [])?;
        // One file without a log: it can be put in place by `cp` alone.
        copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        check(&copy)
    }
}

/// Two copies at once would write over each other.
fn hold(part: &Path) -> Result<File> {
    let file = File::options().write(true).create(true).truncate(false).open(part)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!("another backup is being written there; wait for its end"),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    file.set_len(0)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

/// `goes_on` is told of pages done and pages in all.
fn pages(from: &Connection, copy: &mut Connection, goes_on: &mut dyn FnMut(u64, u64) -> bool) -> Result<()> {
    let backup = Backup::new(from, copy)?;
    let mut patience = Instant::now() + BUSY_FOR;
    loop {
        fault::point("copy.step")?;
        match backup.step(PAGES_A_STEP)? {
            StepResult::Done => return Ok(()),
            StepResult::More => patience = Instant::now() + BUSY_FOR,
            _ if Instant::now() < patience => std::thread::sleep(BETWEEN_TRIES),
            _ => bail!("somebody else works in the copy or keeps the database locked"),
        }
        let progress = backup.progress();
        let (left, all) = (progress.remaining.max(0) as u64, progress.pagecount.max(0) as u64);
        if !goes_on(all.saturating_sub(left), all) {
            return Ok(());
        }
    }
}

fn check(copy: &Connection) -> Result<()> {
    let said: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    ensure!(said == "ok", "the copy is damaged ({said}); is the database? Expected integrity_check to say ok");
    let broken = copy.prepare("PRAGMA foreign_key_check")?.exists([])?;
    ensure!(!broken, "the copy holds rows that refer to rows that are not there");
    Ok(())
}

fn finish(held: &File, part: &Path, folder: &Path, name: &str) -> Result<Copied> {
    let (hash, bytes) = hashed(part)?;
    fault::point("copy.sync").and_then(|()| held.sync_all()).context("cannot sync the copy")?;
    let path = folder.join(name);
    ensure!(!path.exists(), "{} is there already", path.display());
    fault::point("copy.rename").and_then(|()| fs::rename(part, &path))?;
    sync_folder(folder)?;
    Ok(Copied { path, bytes, hash })
}

/// Reads back what was written.
fn hashed(part: &Path) -> io::Result<([u8; 32], u64)> {
    let (mut file, mut hasher, mut buffer, mut bytes) = (File::open(part)?, blake3::Hasher::new(), vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((*hasher.finalize().as_bytes(), bytes)),
            count => {
                hasher.update(&buffer[..count]);
                bytes += count as u64;
            }
        }
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    fault::point("copy.sync")?;
    File::open(folder)?.sync_all()
}

/// A line about a copy, beside it.
pub fn note_beside(copied: &Copied, text: &str) -> Result<PathBuf> {
    let path = copied.path.with_extension("txt");
    fault::point("copy.note")
        .and_then(|()| fs::write(&path, text))
        .with_context(|| format!("cannot write {}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    sync_folder(folder).with_context(|| format!("cannot sync {}", folder.display()))?;
    Ok(path)
}

/// What the database holds now, log and all: what a copy may become.
pub fn size_of(path: &Path) -> io::Result<u64> {
    let main = fs::metadata(path)?.len();
    let mut log = path.as_os_str().to_os_string();
    log.push("-wal");
    Ok(main + fs::metadata(Path::new(&log)).map_or(0, |meta| meta.len()))
}
