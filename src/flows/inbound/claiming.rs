//! Settled files become ours: known to the ledger with their ids in one commit, then renamed into work/. What begins with an
//! id of ours is that file come back, or its corrected reject; a reason file of ours is removed.
//!
//! It does not read them: that is the round's.

use std::sync::Arc;

use anyhow::{Context, Result};
use chrono::DateTime;

use super::super::is_denied;
use super::bundling::{self, Bundled};
use super::desk::ROUND_BYTES;
use super::finish;
use super::round::{Bench, travelling_name};
use crate::edges::clock::{Now, iso, new_id};
use crate::edges::events::{Event, Key, Value};
use crate::edges::spool::{Meta, Place, Role, role_of, shown_name, state_name};
use crate::edges::store::ledger::{Arrival, FileRow, FileState, PartRow};
use crate::edges::store::{FileNo, Snapshot, Tx};
use crate::model::ids::{Id, split_prefixed};
use crate::model::intake::{Intake, Settle};
use crate::model::rules::as_of::{self, NotAsOf};
use crate::model::rules::catch_up::is_paper;
use crate::model::rules::companions::{archive_name, first_name, plain_name};

/// `file.origin` of what was dropped into in/; else it names the remote.
pub const ORIGIN_HERE: &str = "in";
/// So many are claimed before the decoder begins with them.
const READ_AHEAD_FILES: usize = 64;

/// A settled file in in/.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub intake: Arc<Intake>,
    pub name: Vec<u8>,
    pub meta: Meta,
    /// The name of the done-file that vouches for it; it is claimed first and travels along.
    pub done_file: Option<Vec<u8>>,
    /// Where several files are one arrival: all of them with their sizes, this one first. Else none.
    pub parts: Vec<PartRow>,
}

/// A file that stands in work/.
pub struct Claimed {
    pub file: FileNo,
    pub id: Id,
    pub name: String,
    pub raw_name: Vec<u8>,
    /// Its name in in/: that of a file come back begins with the id it had.
    pub dropped: Vec<u8>,
    pub size: u64,
    /// Of its content, where it was taken while it was fetched.
    pub hash: Option<[u8; 32]>,
    pub intake: Arc<Intake>,
    /// The moment its facts and records speak of, or why it has none.
    pub as_of: Result<String, NotAsOf>,
    pub first_seen: String,
    /// It was whole when it was seen and is no longer: refused with these words, whatever can be read of it.
    pub cut: Option<String>,
    pub done_file: Option<Vec<u8>>,
    /// The files that are put together when it is claimed, or were when they were fetched.
    pub parts: Vec<PartRow>,
    /// The file it is a corrected or returned copy of.
    pub returns_of: Option<Id>,
    pub attempts: u32,
    /// It has a verdict already and is judged once more on a person's word.
    pub again: bool,
    /// It was fetched: with its verdict the remote's copy is no longer needed.
    pub from_remote: bool,
    /// A person's command says: whatever the guard finds.
    pub released_by: Option<Id>,
}

impl Claimed {
    /// The moment its facts and records speak of; nothing where it has none and is refused.
    pub fn moment(&self) -> &str {
        self.as_of.as_deref().unwrap_or_default()
    }
}

impl Bench<'_> {
    /// Takes settled files in. All of them are in the ledger before the first is claimed.
    pub fn take(&mut self, mut candidates: Vec<Candidate>) -> Result<()> {
        let events = self.events;
        // A large file is told of when it is seen: reading it may take minutes.
        let is_small = candidates.iter().map(|candidate| candidate.meta.size).sum::<u64>() <= 2 * ROUND_BYTES;
        let _lines = is_small.then(|| events.together());
        if !is_small {
            finish::settle(self)?;
        }
        self.remove_our_reasons(&mut candidates)?;
        let alone = candidates.len() == 1;
        let seen = self.see(candidates, alone)?;
        match self.claim_all(seen, alone) {
            Ok((claimed, refused)) => {
                if !claimed.is_empty() {
                    self.judge_being_read(claimed)?;
                }
                refused.map_or(Ok(()), Err)
            }
            Err(error) => {
                self.stop_reading()?;
                Err(error)
            }
        }
    }

    /// Takes one in by itself, and says which file it is in the ledger; nothing where it is a reason of ours.
    pub fn take_one(&mut self, candidate: Candidate) -> Result<Option<FileNo>> {
        let mut candidates = vec![candidate];
        self.remove_our_reasons(&mut candidates)?;
        let seen = self.see(candidates, true)?;
        let file = seen.first().map(|file| file.file);
        let (claimed, refused) = self.claim_all(seen, true)?;
        if !claimed.is_empty() {
            self.judge_being_read(claimed)?;
        }
        refused.map_or(Ok(file), Err)
    }

    /// The decoder reads the first of them while others are claimed. Gives back what was claimed, and why the rest was not.
    fn claim_all(&mut self, seen: Vec<Claimed>, alone: bool) -> Result<(Vec<Claimed>, Option<anyhow::Error>)> {
        let (mut claimed, mut being_read, mut refused) = (Vec::with_capacity(seen.len()), 0, None);
        for mut file in seen {
            match self.claim(&mut file) {
                Ok(true) => claimed.push(file),
                // It was not read.
                Ok(false) if alone => self.take_attempt_back(file.file)?,
                Ok(false) => {}
                // Those behind it stand in the same folder; all stay seen and are claimed under their ids when it is mended.
                Err(error) if is_denied(&error) => {
                    refused = Some(error);
                    if alone {
                        self.take_attempt_back(file.file)?;
                    }
                    break;
                }
                Err(error) => return Err(error),
            }
            if claimed.len() - being_read == READ_AHEAD_FILES {
                self.begin_reading(&claimed, being_read)?;
                being_read = claimed.len();
            }
        }
        self.begin_reading(&claimed, being_read)?;
        Ok((claimed, refused))
    }

    /// What came in between was no fault of the file.
    pub fn take_attempt_back(&mut self, file: FileNo) -> Result<()> {
        let tx = self.store.begin()?;
        tx.take_back_attempt(file)?;
        tx.commit()
    }

    /// A reason file that was moved into in/ with its original is for people: it is removed, never decoded.
    fn remove_our_reasons(&mut self, candidates: &mut Vec<Candidate>) -> Result<()> {
        let mut ours = Vec::new();
        for (index, candidate) in candidates.iter().enumerate().filter(|(_, c)| split_prefixed(&c.name).is_some()) {
            let row = come_back(&self.store.read()?, &candidate.name)?;
            if row.is_some_and(|row| role_of(&candidate.name, row.id, &row.raw_name) == Some(Role::Reason)) {
                ours.push(index);
            }
        }
        for index in ours.into_iter().rev() {
            let candidate = candidates.remove(index);
            let (partner, intake) = (&candidate.intake.sender.partner, &candidate.intake.id);
            self.spool.remove(Place::In { partner, intake }, &candidate.name)?;
        }
        Ok(())
    }

    pub fn claimed_from(&self, row: FileRow, intake: Arc<Intake>) -> Claimed {
        Claimed {
            as_of: moment(&intake, &row.name, &row.first_seen, self.now),
            file: row.no,
            id: row.id,
            name: row.name,
            dropped: row.raw_name.clone(),
            raw_name: row.raw_name,
            size: row.size,
            hash: None,
            intake,
            first_seen: row.first_seen,
            cut: None,
            done_file: None,
            parts: Vec::new(),
            returns_of: row.returns_of,
            attempts: row.attempts,
            again: false,
            from_remote: row.origin != ORIGIN_HERE,
            released_by: None,
        }
    }

    /// Commit 1. Should a power cut take it, the file stands in work/ unknown and goes back to in/: nothing is lost with it.
    fn see(&mut self, candidates: Vec<Candidate>, alone: bool) -> Result<Vec<Claimed>> {
        let now = self.now;
        // Files of one arrival are put together only for an id that stays.
        let is_together = candidates.iter().any(|candidate| !candidate.parts.is_empty());
        let tx = if is_together { self.store.begin()? } else { self.store.begin_unsynced()? };
        let mut seen = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            seen.push(see_one(&tx, candidate, alone, now)?);
        }
        tx.commit()?;
        for file in &seen {
            let fields = [
                (Key::Intake, Value::Text(file.intake.source().into())),
                (Key::Name, Value::Bytes(&file.raw_name)),
                (Key::Bytes, Value::Number(file.size.cast_signed())),
            ];
            self.events.tell(now.wall, file.id.as_str(), Event::FileSeen, &fields);
        }
        Ok(seen)
    }

    /// in/ → work/. False: it is gone, the ledger says so.
    fn claim(&mut self, file: &mut Claimed) -> Result<bool> {
        if !file.parts.is_empty() {
            return self.claim_together(file);
        }
        let (partner, intake) = (&file.intake.sender.partner, &file.intake.id);
        let target = state_name(file.id, &file.raw_name, Role::Original);
        let (from, to) = (Place::In { partner, intake }, Place::Work { partner, intake });
        if let (Some(done_file), Settle::DoneFile { suffix }) = (&file.done_file, &file.intake.settle) {
            self.spool.rename((from, done_file), (to, &travelling_name(&target, suffix)))?;
        }
        let renamed = self.spool.rename((from, &file.dropped), (to, &target));
        match renamed {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.vanished(file),
            Err(error) => Err(error).with_context(|| format!("cannot claim {}", file.name)),
        }
    }

    /// Several files become one in work/.
    fn claim_together(&mut self, file: &mut Claimed) -> Result<bool> {
        let bundled = bundling::bundle(self.spool, file).with_context(|| format!("cannot claim {}", file.name))?;
        match bundled {
            Bundled::Whole(size, contents) => {
                file.size = size;
                file.parts.iter_mut().zip(contents).for_each(|(part, content)| part.content = Some(content));
                Ok(true)
            }
            Bundled::Gone => self.vanished(file),
            // It stays seen, and the next look takes it under the id it has.
            Bundled::Changed => Ok(false),
        }
    }

    fn vanished(&mut self, file: &Claimed) -> Result<bool> {
        let tx = self.store.begin()?;
        tx.vanish_file(file.file, &iso(self.now.wall), "gone before it was claimed")?;
        tx.commit()?;
        let fields = [(Key::Name, Value::Bytes(&file.raw_name))];
        self.events.tell(self.now.wall, file.id.as_str(), Event::FileVanished, &fields);
        Ok(false)
    }
}

/// The file that a dropped name says it is, or whose corrected reject. A partner's own `x.reject` is not ours.
pub(super) fn come_back(snapshot: &Snapshot<'_>, dropped: &[u8]) -> Result<Option<FileRow>> {
    let Some((id, _)) = split_prefixed(dropped) else { return Ok(None) };
    let row = snapshot.file_by_id(id)?;
    Ok(row.filter(|row| role_of(dropped, id, &row.raw_name).is_some()))
}

/// A file that a database, accepted on purpose, does not know keeps its id, and with it the moment it came.
fn unknown_before(tx: &Tx<'_>, dropped: &[u8]) -> Result<Option<Id>> {
    let Some((id, _)) = split_prefixed(dropped).filter(|(_, plain)| !is_paper(plain)) else { return Ok(None) };
    let Some((after, until)) = tx.identity()?.and_then(|identity| identity.unknown) else { return Ok(None) };
    Ok(if Some(id) > after && id <= until && !tx.knows(id)? { Some(id) } else { None })
}

/// What a dropped file is: a new one, one that came back, or one that was seen and not claimed yet.
struct Told {
    raw_name: Vec<u8>,
    shown: String,
    first_seen: String,
    returns_of: Option<Id>,
    /// The id that it keeps though the ledger does not know it.
    adopted: Option<Id>,
    /// Its row, where it was seen before a crash.
    seen: Option<FileRow>,
}

fn tell_what_it_is(tx: &Tx<'_>, intake: &Intake, dropped: &[u8], now: Now) -> Result<Told> {
    let returned = come_back(tx, dropped)?;
    let adopted = if returned.is_some() { None } else { unknown_before(tx, dropped)? };
    let raw_name = match (&returned, split_prefixed(dropped)) {
        (Some(row), _) => row.raw_name.clone(),
        (None, Some((_, plain))) if adopted.is_some() => plain.to_vec(),
        _ => dropped.to_vec(),
    };
    let shown = shown_name(&raw_name).to_string();
    let first_seen = match (&returned, adopted) {
        (Some(row), _) => row.first_seen.clone(),
        (None, Some(id)) => iso(DateTime::from_timestamp_millis(id.made_ms()).unwrap_or(now.wall)),
        (None, None) => iso(now.wall),
    };
    // Under its own id: another file of its name may be seen as well.
    let itself = returned.as_ref().filter(|row| is_open_here(row)).cloned();
    let returns_of = returned.map(|row| row.id).filter(|_| itself.is_none());
    let seen = match itself {
        None if adopted.is_none() => tx.last_file_named(&intake.sender.partner, &intake.id, &raw_name, &shown)?,
        itself => itself,
    };
    Ok(Told { raw_name, shown, first_seen, returns_of, adopted, seen: seen.filter(is_open_here) })
}

/// The same of several files that are one arrival. One of them may have come back alone, refused since the others were missing.
fn tell_what_they_are(tx: &Tx<'_>, intake: &Intake, parts: &[PartRow], now: Now) -> Result<Told> {
    let raw_name = archive_name(plain_name(&parts[0].raw_name));
    let shown = shown_name(&raw_name).to_string();
    let seen = tx.last_file_named(&intake.sender.partner, &intake.id, &raw_name, &shown)?.filter(is_open_here);
    let mut told = Told { raw_name, shown, first_seen: iso(now.wall), returns_of: None, adopted: None, seen };
    for part in parts {
        let Some(row) = come_back(tx, &part.raw_name)?.filter(|row| row.verdict.is_some()) else { continue };
        told.first_seen = row.first_seen;
        told.returns_of = Some(row.id);
        break;
    }
    Ok(told)
}

fn see_one(tx: &Tx<'_>, candidate: Candidate, alone: bool, now: Now) -> Result<Claimed> {
    let Candidate { intake, name: dropped, meta, done_file, parts } = candidate;
    let told = match parts.is_empty() {
        true => tell_what_it_is(tx, &intake, &dropped, now)?,
        false => tell_what_they_are(tx, &intake, &parts, now)?,
    };
    let Told { raw_name, shown, first_seen, returns_of, adopted, seen } = told;
    let mut cut = None;
    let (file, id, attempts) = match seen {
        // Seen before a crash, never claimed: the same id.
        Some(known) => {
            if known.inode == meta.inode {
                cut = cut_by_power(known.size, meta.size);
            }
            tx.resee_file(known.no, meta.size, meta.inode, meta.mtime_ns)?;
            tx.begin_attempt(known.no, alone)?;
            (known.no, known.id, known.attempts + u32::from(alone))
        }
        None => {
            let id = match adopted {
                Some(id) => id,
                None => new_id(now.wall)?,
            };
            let arrival = Arrival {
                id,
                partner: &intake.sender.partner,
                intake: &intake.id,
                raw_name: &raw_name,
                name: &shown,
                origin: ORIGIN_HERE,
                first_seen: &first_seen,
                size: meta.size,
                inode: meta.inode,
                mtime_ns: meta.mtime_ns,
                returns_of,
                alone,
            };
            (tx.see_file(&arrival)?, id, u32::from(alone))
        }
    };
    if !parts.is_empty() {
        tx.set_parts(file, &parts)?;
    }
    Ok(Claimed {
        as_of: moment(&intake, &shown, &first_seen, now),
        file,
        id,
        name: shown,
        raw_name,
        dropped,
        size: meta.size,
        hash: None,
        intake,
        first_seen,
        cut,
        done_file,
        parts,
        returns_of,
        attempts,
        again: false,
        from_remote: false,
        released_by: None,
    })
}

/// Seen and never claimed; one of that name that is claimed at a remote is another file.
fn is_open_here(file: &FileRow) -> bool {
    file.verdict.is_none() && file.state == FileState::Seen && file.origin == ORIGIN_HERE
}

/// What a sender wrote and did not sync may be gone with the power after we saw it whole: what is left is no file of his.
pub fn cut_by_power(came_with: u64, left: u64) -> Option<String> {
    (left < came_with).then(|| {
        format!(
            "it came with {came_with} bytes, and {left} are left; the machine stopped before all of it was on the disk"
        )
    })
}

fn moment(intake: &Intake, name: &str, first_seen: &str, now: Now) -> Result<String, NotAsOf> {
    let first_seen = first_seen.parse().unwrap_or(now.wall);
    let name = if intake.companions.is_some() { first_name(name) } else { name };
    as_of::of_file(&intake.as_of, name, intake.sender.zone, first_seen, now.wall)
}
