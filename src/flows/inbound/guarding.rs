//! The guard on an intake: what a file of records or facts would do is counted while its rows are written; beyond the limits
//! they are taken back and the file waits in held/in until a person releases or discards it.
//!
//! While a file is locked, a newer full one takes its place or frees the intake; any other newer one waits behind it.

use anyhow::Result;

use super::claiming::Claimed;
use super::finish::Decided;
use crate::edges::clock::{Now, iso};
use crate::edges::store::business::Applied as Row;
use crate::edges::store::ledger::{FileRow, LockRow, NewLock, Side};
use crate::edges::store::{FileNo, Snapshot, Tx};
use crate::model::diagnostic::Problem;
use crate::model::intake::{Absent, Intake};
use crate::model::kind::Kind;
use crate::model::rules::guard::{self, Tally};
use crate::model::verdict::{Counts, Home, Verdict};
use crate::model::wording::guard as words;

/// Keys of each operation that a person is shown.
const SAMPLES: usize = 10;

/// What a file does to the rows, as far as it is written.
#[derive(Debug, Default)]
pub struct Counted {
    pub tally: Tally,
    created: Vec<String>,
    changed: Vec<String>,
    deleted: Vec<String>,
}

impl Counted {
    pub fn add(&mut self, row: Row, key: impl FnOnce() -> String) {
        let (count, samples) = match row {
            Row::New | Row::Reopened => (&mut self.tally.creates, &mut self.created),
            Row::Changed => (&mut self.tally.changes, &mut self.changed),
            Row::Emptied => (&mut self.tally.deletes, &mut self.deleted),
            Row::Unchanged | Row::Stale => return,
        };
        *count += 1;
        if samples.len() < SAMPLES {
            samples.push(key());
        }
    }

    /// A deletion closed so many rows; of its kind there were `base`, where that is not counted yet.
    pub fn closed_by_name(&mut self, base: u64, closed: u64, key: impl FnOnce() -> String) {
        self.tally.base += base;
        if closed > 0 {
            self.close(closed, vec![key()]);
        }
    }

    fn close(&mut self, count: u64, keys: Vec<String>) {
        self.tally.deletes += count;
        self.deleted.extend(keys);
        self.deleted.truncate(SAMPLES);
    }
}

/// Why a file waits, and what a person needs to decide; nothing to decide where it waits behind another.
pub struct Holding {
    pub problem: Problem,
    pub lock: Option<Locking>,
}

pub struct Locking {
    exceeded: String,
    tally: Tally,
    samples: String,
}

/// Before the first row is written: what 100 % is.
pub fn before(tx: &Tx<'_>, intake: &Intake, kind: &Kind) -> Result<Counted> {
    let mut counted = Counted::default();
    if intake.guard.count() && kind.class.updates() {
        counted.tally.base = tx.open_rows_of(kind, &intake.sender.partner, &intake.closing())?;
    }
    Ok(counted)
}

/// All rows are written and closed. A file that is to wait is told why; its rows are still there.
pub fn weigh(tx: &Tx<'_>, file: &Claimed, kind: &Kind, is_full: bool, mut counted: Counted) -> Result<Option<Holding>> {
    if file.released_by.is_some() {
        return Ok(None);
    }
    if !kind.class.updates() {
        return weigh_made(tx, file, counted);
    }
    let other = locked_by_another(tx, file)?;
    if let Some(row) = &other
        && !is_full
        && is_newer(file, row)
    {
        return Ok(Some(behind(file, row)));
    }
    if !file.intake.guard.count() {
        return Ok(None);
    }
    let mut limits = file.intake.guard.clone();
    if counted.tally.base == 0 {
        // The first file is all new by its nature.
        limits.creates.clear();
    }
    let (count, keys) = tx.closed_by(kind, file.file, SAMPLES as u32)?;
    counted.close(count, keys);
    let exceeded = guard::exceeded(&limits, &counted.tally);
    if exceeded.is_empty() {
        return Ok(None);
    }
    if let Some(row) = other.filter(|row| !is_newer(file, row)) {
        // One decision at a time; by the time of this one what the newer file says holds.
        return Ok(Some(behind(file, &row)));
    }
    Ok(Some(locked(file, &words::exceeded(&exceeded), counted)))
}

/// Of a file of orders what they make of customers and articles that nobody knows. Files that make little are not held up by
/// one that is locked: their orders have nothing to do with it.
fn weigh_made(tx: &Tx<'_>, file: &Claimed, counted: Counted) -> Result<Option<Holding>> {
    let exceeded = guard::exceeded(&file.intake.guard, &counted.tally);
    if exceeded.is_empty() {
        return Ok(None);
    }
    Ok(Some(match locked_by_another(tx, file)? {
        Some(row) => behind(file, &row),
        None => locked(file, &words::exceeded(&exceeded), counted),
    }))
}

fn locked(file: &Claimed, exceeded: &str, counted: Counted) -> Holding {
    let Counted { tally, created, changed, deleted } = counted;
    let problem = words::locked(&file.intake.source(), exceeded, [&created, &changed, &deleted]);
    let samples = serde_json::json!({ "creates": created, "changes": changed, "deletes": deleted }).to_string();
    Holding { problem, lock: Some(Locking { exceeded: exceeded.to_string(), tally, samples }) }
}

/// Content that was applied last, again, while another file is locked: it waits like any other, or frees the intake.
pub fn weigh_unchanged(tx: &Tx<'_>, file: &Claimed) -> Result<Option<Holding>> {
    let other = locked_by_another(tx, file)?;
    Ok(other.filter(|row| !is_always_full(&file.intake) && is_newer(file, row)).map(|row| behind(file, &row)))
}

fn behind(file: &Claimed, locked: &FileRow) -> Holding {
    Holding { problem: words::behind(&file.intake.source(), &locked.name), lock: None }
}

/// After the verdict, in its transaction: the lock follows. Gives back the files that this one replaces: the locked one, and the
/// changes that waited behind it where this one names everything that there is.
pub fn settle_lock(
    tx: &Tx<'_>,
    file: &Claimed,
    done: &Decided,
    locking: Option<Locking>,
    now: Now,
) -> Result<Vec<Decided>> {
    if !file.intake.makes() && file.intake.layouts.iter().all(|layout| !layout.kind.class.updates()) {
        return Ok(Vec::new());
    }
    let (partner, name) = (&file.intake.sender.partner[..], &file.intake.id[..]);
    let at = iso(now.wall);
    let open = tx.lock_of(Side::In, partner, name)?;
    let other = open.as_ref().filter(|lock| lock.file != Some(file.file));
    if let Some(Locking { exceeded, tally, samples }) = locking {
        let replaced = match other {
            Some(lock) => {
                tx.end_lock(lock.no, &at, "replaced")?;
                replace(tx, lock, file, &at)?
            }
            None => Vec::new(),
        };
        let (run, file) = (None, Some(file.file));
        let (exceeded, samples) = (&exceeded[..], &samples[..]);
        tx.lock(&NewLock { side: Side::In, partner, name, run, file, at: &at, exceeded, tally, samples })?;
        return Ok(replaced);
    }
    match (open.as_ref(), other) {
        (_, Some(lock)) if says_more(tx, file, done, lock)? => {
            tx.end_lock(lock.no, &at, "replaced")?;
            let mut replaced = replace(tx, lock, file, &at)?;
            for no in tx.files_behind(partner, name, words::BEHIND)? {
                let Some(row) = tx.file(no)?.filter(|row| is_newer(file, row)) else { continue };
                replaced.extend(close_replaced(tx, &row, file, &at)?);
            }
            Ok(replaced)
        }
        (Some(lock), None) if !done.is_locked => {
            tx.end_lock(lock.no, &at, "released")?;
            file.released_by.map_or(Ok(()), |command| tx.decided_by(lock.no, command))?;
            Ok(Vec::new())
        }
        _ => Ok(Vec::new()),
    }
}

/// A newer full file that was taken.
fn says_more(tx: &Tx<'_>, file: &Claimed, done: &Decided, lock: &LockRow) -> Result<bool> {
    let is_taken = matches!(done.verdict, Verdict::Accepted | Verdict::Unchanged);
    if !is_taken || !done.is_full {
        return Ok(false);
    }
    Ok(locked_file(tx, lock)?.is_some_and(|row| is_newer(file, &row)))
}

/// The locked file is older than what is known now: it goes to done/ as such.
fn replace(tx: &Tx<'_>, lock: &LockRow, file: &Claimed, at: &str) -> Result<Vec<Decided>> {
    let Some(row) = locked_file(tx, lock)? else { return Ok(Vec::new()) };
    Ok(close_replaced(tx, &row, file, at)?.into_iter().collect())
}

fn close_replaced(tx: &Tx<'_>, row: &FileRow, by: &Claimed, at: &str) -> Result<Option<Decided>> {
    close(tx, row, Verdict::Stale, &format!("replaced by {}", by.id), at)
}

/// Ends the waiting of a file as a whole without applying it.
pub fn close(tx: &Tx<'_>, row: &FileRow, verdict: Verdict, comment: &str, at: &str) -> Result<Option<Decided>> {
    let mut counts = Counts::default();
    counts.add(verdict, row.counts.held);
    tx.comment_file(row.no, comment)?;
    tx.set_reason(row.no, None, None)?;
    tx.revise_file(row.no, counts, Home::Done, at)?;
    Ok(tx.file(row.no)?.and_then(|row| Decided::from_row(row, None)))
}

fn locked_by_another(tx: &Tx<'_>, file: &Claimed) -> Result<Option<FileRow>> {
    let Some(lock) = tx.lock_of(Side::In, &file.intake.sender.partner, &file.intake.id)? else { return Ok(None) };
    Ok(locked_file(tx, &lock)?.filter(|row| row.no != file.file))
}

pub fn locked_file(snapshot: &Snapshot<'_>, lock: &LockRow) -> Result<Option<FileRow>> {
    lock.file.map_or(Ok(None), |no| snapshot.file(no))
}

/// By the moment they speak of; of one moment, the one that came later.
fn is_newer(file: &Claimed, row: &FileRow) -> bool {
    let of = |moment: &str, no: FileNo| (moment.to_string(), no);
    of(file.moment(), file.file) > of(&row.as_of, row.no)
}

/// Whatever it says.
pub fn is_always_full(intake: &Intake) -> bool {
    intake.absent != Absent::Leave && intake.full_when.is_empty()
}
