//! A plan: one file is taken in by the same code as ever, in a copy of the database and a spool of its own, and whoever asked looks at
//! the two moments, before and after. Nothing of the real spool or database is written, no lock of theirs is taken, no daemon
//! waits. It wires; what is compared is said by `flows::plan`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::signals::{self, Stop};
use super::spill_files;
use super::works::Works;
use crate::config::Config;
use crate::edges::clock::{Clock, Now, new_id};
use crate::edges::disk;
use crate::edges::events::{Events, Format};
use crate::edges::scratch::Folder;
use crate::edges::spool::{Mover, Place, Spool, Syncer};
use crate::edges::store::ledger::{LockRow, Side};
use crate::edges::store::{FileNo, Reader, Snapshot, Store, copy};
use crate::flows::inbound::claiming::Candidate;
use crate::flows::inbound::finish;
use crate::flows::inbound::reading::Decoder;
use crate::flows::moments::size;
use crate::model::intake::{Intake, Sender, Settle};
use crate::model::mode::Mode;
use crate::model::rules::room::fits;
use crate::model::verdict::Verdict;

/// Of the file's size: its copy, its rows and the log they stand in first.
const TIMES_OF_THE_FILE: u64 = 4;
/// What an empty database and spool take.
const AT_LEAST_BYTES: u64 = 4 << 20;

/// There is no room to plan in; the words say why and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoRoom(String);

pub struct Asked<'a> {
    pub config: &'a Config,
    pub intake: &'a Arc<Intake>,
    pub file: &'a Path,
    /// Where the copy is made; without it the usual place.
    pub scratch: Option<&'a Path>,
}

/// Two moments, and what lies between them.
pub struct Planned<'a> {
    pub before: &'a Snapshot<'a>,
    pub after: &'a Snapshot<'a>,
    /// Where the file and its answers stand now.
    pub spool: &'a Spool,
    /// Nothing: it is a reason of ours, which is removed and never read.
    pub file: Option<FileNo>,
    /// The guard would lock it; what is between the moments comes after its release.
    pub lock: Option<LockRow>,
    /// The moment at which it was taken in.
    pub now: Now,
    pub copied_bytes: u64,
    pub copied_in: Duration,
    stop: &'a Stop,
}

impl Planned<'_> {
    /// To be asked now and then by whoever looks long.
    pub fn go_on(&self) -> Result<()> {
        go_on(self.stop)
    }
}

/// A person does not want to wait any longer.
#[derive(Debug, thiserror::Error)]
#[error("stopped; the copy is removed")]
pub struct Stopped;

fn go_on(stop: &Stop) -> Result<()> {
    if stop.is_asked() { Err(Stopped.into()) } else { Ok(()) }
}

/// Takes the file in, in a copy, and lets `look` see what came of it. `shown`: pages copied, and pages in all.
pub fn plan<T, E: From<anyhow::Error>>(
    asked: &Asked<'_>,
    shown: &mut dyn FnMut(u64, u64),
    look: impl FnOnce(&Planned<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let stop = Arc::new(Stop::default());
    let (ring, _rung) = sync_channel(1);
    let listening = signals::listen(stop.clone(), ring)?;
    let looked = trial(asked, &stop, shown, look);
    listening.end();
    // Whatever was interrupted: that is why.
    if looked.is_err() {
        go_on(&stop)?
    }
    looked
}

fn trial<T, E: From<anyhow::Error>>(
    asked: &Asked<'_>,
    stop: &Arc<Stop>,
    shown: &mut dyn FnMut(u64, u64),
    look: impl FnOnce(&Planned<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let folder = folder(asked)?;
    let path = folder.path().join("nattpost.db");
    let began = Instant::now();
    let copied_bytes = copy_database(asked, &path, stop, shown)?;
    let copied_in = began.elapsed();
    let mut works = works(asked, &folder.path().join("spool"), &path, stop)?;
    let before = Reader::open(&path)?;
    let before = before.snapshot()?;
    // Its first question fixes the moment.
    before.newest_id()?;
    let now = Clock::start().now();
    let file = put(&works, asked)?;
    let file = works.bench(now).take_one(file)?;
    let lock = release(&mut works, file, now)?;
    finish::settle(&mut works.bench(now))?;
    let spool = works.spool.clone();
    drop(works);
    let after = Reader::open(&path)?;
    let after = after.snapshot()?;
    look(&Planned { before: &before, after: &after, spool: &spool, file, lock, now, copied_bytes, copied_in, stop })
}

/// A folder of our own, where there is room for it all.
fn folder(asked: &Asked<'_>) -> Result<Folder> {
    let place = asked.scratch.map_or_else(Folder::usual_place, Path::to_path_buf);
    let shown = place.display();
    let database = if asked.config.store.exists() {
        copy::size_of(&asked.config.store)
            .with_context(|| format!("cannot look at the database {}", asked.config.store.display()))?
    } else {
        0
    };
    let file = fs::metadata(asked.file).with_context(|| format!("cannot look at {}", asked.file.display()))?.len();
    let needed = database + TIMES_OF_THE_FILE * file + AT_LEAST_BYTES;
    let disk = disk::look(&place).with_context(|| format!("cannot look at the disk of {shown}"))?;
    if !fits(needed, disk.free, asked.config.disk_floor) || disk.free.bytes < needed {
        let floor = asked.config.disk_floor.bytes_of(disk.free);
        return Err(NoRoom(format!(
            "{shown} has {} free, and a plan needs {} there for a while, for a copy of the database and of the file, beside the {} that are \
             to stay free (disk_floor). Name a folder on another disk with --scratch",
            size(disk.free.bytes),
            size(needed),
            size(floor)
        ))
        .into());
    }
    Folder::in_folder(&place).with_context(|| format!("cannot make a folder in {shown}"))
}

/// One moment of the database. Where there is none yet, the file would be the first one.
fn copy_database(asked: &Asked<'_>, to: &Path, stop: &Stop, shown: &mut dyn FnMut(u64, u64)) -> Result<u64> {
    if !asked.config.store.exists() {
        return Ok(0);
    }
    let reader = Reader::open(&asked.config.store)?;
    let snapshot = reader.snapshot()?;
    snapshot.copy_for_trial(to, &mut |done, all| {
        shown(done, all);
        go_on(stop)
    })?;
    Ok(fs::metadata(to)?.len())
}

fn works(asked: &Asked<'_>, spool: &Path, store: &Path, stop: &Arc<Stop>) -> Result<Works> {
    let config = asked.config;
    let spool = Arc::new(Spool::open(spool)?.for_trial());
    if config.spool.is_dir() {
        // Numbers are given as they would be there.
        spool.raise_marks(&Spool::open(&config.spool)?.marks()?)?;
    }
    let (spill, stop) = (spill_files(&spool), stop.clone());
    Ok(Works {
        store: Store::open_for_trial(store)?,
        decoder: Decoder::start(spill, PathBuf::from(store))?,
        syncer: Syncer::start(spool.clone())?,
        mover: Mover::start()?,
        spool,
        events: Arc::new(Events::to(Format::Plain, Box::new(std::io::sink()))),
        intakes: config.intakes.iter().map(in_earnest).collect(),
        zone: config.zone,
        placed: Vec::new(),
        under_way: None,
        denied: BTreeSet::new(),
        give_up: Box::new(move || stop.is_asked()),
    })
}

/// A file that is named is whole, stands here, and is judged as that of a live partner: a rehearsal would change nothing.
fn in_earnest(intake: &Arc<Intake>) -> Arc<Intake> {
    let sender = Arc::new(Sender { mode: Mode::Live, ..(*intake.sender).clone() });
    Arc::new(Intake {
        sender,
        settle: Settle::Rename,
        test_names: Vec::new(),
        from: None,
        receipt_to: None,
        ..(**intake).clone()
    })
}

/// A copy of the file in the intake's folder.
fn put(works: &Works, asked: &Asked<'_>) -> Result<Candidate> {
    let sender = &asked.intake.sender;
    let name = asked.file.file_name().context("a file has a name")?.as_bytes().to_vec();
    let (partner, id) = (sender.partner.as_str(), asked.intake.id.as_str());
    let place = Place::In { partner, intake: id };
    works.spool.make(place)?;
    works.spool.make(Place::Work { partner, intake: id })?;
    let to = works.spool.path(place, &name)?;
    fs::copy(asked.file, &to).with_context(|| format!("cannot copy {} to {}", asked.file.display(), to.display()))?;
    let meta = works.spool.look(place, &name)?.context("the copy of the file is gone")?;
    let source = asked.intake.source();
    let intake = works.intakes.iter().find(|intake| intake.source() == source).cloned();
    let intake = intake.with_context(|| format!("there is no intake {source}"))?;
    Ok(Candidate { intake, name, meta, done_file: None, parts: Vec::new() })
}

/// A file that the guard locks says nothing of its rows: it is released at once, and the lock is told.
fn release(works: &mut Works, file: Option<FileNo>, now: Now) -> Result<Option<LockRow>> {
    let Some(file) = file else { return Ok(None) };
    let (lock, row) = {
        let snapshot = works.store.read()?;
        let row = snapshot.file(file)?.context("the file that was taken is gone")?;
        if row.verdict != Some(Verdict::Held) {
            return Ok(None);
        }
        (snapshot.lock_of_file(file)?.filter(|lock| lock.ended_at.is_none() && lock.side == Side::In), row)
    };
    if lock.is_some() {
        works.bench(now).judge_released(row, new_id(now.wall)?)?;
    }
    Ok(lock)
}
