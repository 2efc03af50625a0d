//! One round of files: into the ledger, into work/, read, judged and applied in one transaction, then into the folders
//! their verdicts ask for. The order of the steps is the product's first promise; ARCHITECTURE.md walks through it.
//!
//! commit 1 knows the files → renames to work/ → decode, judge, apply → one sync of the spool → commit 2 → moves.
//! It does not choose the files (desk), and does not know what a kind is (applying).

use std::sync::Arc;

use anyhow::{Context, Result};
use chrono_tz::Tz;

use super::super::is_outage;
use super::applying::{Applied, Applying, InHand, ORDER_NUMBERS};
use super::deciding::{self, Judgement};
use super::finish::{self, Decided};
use super::reading::{Assignment, Decoder, Ending, Outcome, Reading, SpillFiles};
use super::returned;
use super::waiting::{Again, newest_of_each, tell_released};
use crate::edges::clock::{Now, iso, new_id};
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::spool::{Marks, Meta, Place, Role, Spool, role_of, shown_name, state_name};
use crate::edges::store::ledger::{Arrival, FileRow, FileState};
use crate::edges::store::{FileNo, Snapshot, Store, Tx};
use crate::model::ids::{Id, split_prefixed};
use crate::model::intake::{Intake, Settle};
use crate::model::kind::Class;
use crate::model::layout::Layout;
use crate::model::rules::as_of::{self, NotAsOf};
use crate::model::rules::recovery::ATTEMPTS_MAX;
use crate::model::verdict::Home;
use crate::model::wording::judging as words;

/// What a round works with. Made anew for each round.
pub struct Bench<'r> {
    pub store: &'r mut Store,
    pub spool: &'r Arc<Spool>,
    pub decoder: &'r mut Decoder,
    pub events: &'r Events,
    pub intakes: &'r [Arc<Intake>],
    pub spill: &'r SpillFiles,
    pub zone: Tz,
    pub now: Now,
    /// Files whose folders have followed: the next commit says so.
    pub placed: &'r mut Vec<FileNo>,
    /// A stop that will not wait any longer: the running file is taken back.
    pub give_up: &'r dyn Fn() -> bool,
    /// Answers to senders, in the transaction of the verdicts they speak of.
    pub answer: &'r Answer,
}

/// Adds the receipts of decided files. What leaves the house is not this flow's: they meet in the ledger.
pub type Answer = dyn Fn(&Tx<'_>, &Spool, &[(FileNo, Arc<Intake>)], Now, Tz) -> Result<()>;

/// A settled file in in/.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub intake: Arc<Intake>,
    pub name: Vec<u8>,
    pub meta: Meta,
    /// Its end is missing and will not come: refused with these words instead of being read.
    pub truncated: Option<String>,
    /// The name of the done-file that vouches for it; it is claimed first and travels along.
    pub done_file: Option<Vec<u8>>,
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
    pub intake: Arc<Intake>,
    /// The moment its facts and records speak of, or why it has none.
    pub as_of: Result<String, NotAsOf>,
    pub first_seen: String,
    pub truncated: Option<String>,
    pub done_file: Option<Vec<u8>>,
    /// The file it is a corrected or returned copy of.
    pub returns_of: Option<Id>,
    pub attempts: u32,
    /// It has a verdict already and is judged once more on a person's word.
    pub again: bool,
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
        self.remove_our_reasons(&mut candidates)?;
        let alone = candidates.len() == 1;
        let seen = self.see(candidates, alone)?;
        let mut claimed = Vec::with_capacity(seen.len());
        for file in seen {
            if self.claim(&file)? {
                claimed.push(file);
            }
        }
        self.judge(claimed)
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

    /// Judges files that stand in work/ already: left by a crash, or by an outage of the store.
    pub fn resume(&mut self, rows: Vec<FileRow>, alone: bool) -> Result<()> {
        let mut claimed = Vec::new();
        for row in rows {
            match self.intake_of(&row.partner, &row.intake) {
                Some(intake) => claimed.push(self.claimed_from(row, intake)),
                None => self.tell_orphan(&row),
            }
        }
        if alone {
            for file in claimed {
                let tx = self.store.begin()?;
                tx.begin_attempt(file.file, true)?;
                tx.commit()?;
                self.judge(vec![Claimed { attempts: file.attempts + 1, ..file }])?;
            }
            return Ok(());
        }
        self.judge(claimed)
    }

    pub fn intake_of(&self, partner: &str, intake: &str) -> Option<Arc<Intake>> {
        self.intakes.iter().find(|i| i.sender.partner == partner && i.id == intake).cloned()
    }

    /// Its intake is no longer in the configuration: it stays where it is until a person decides.
    fn tell_orphan(&self, row: &FileRow) {
        let fields = [
            (Key::Partner, Value::Text(row.partner.as_str().into())),
            (Key::Intake, Value::Text(row.intake.as_str().into())),
            (Key::Name, Value::Bytes(&row.raw_name)),
        ];
        self.events.tell(self.now.wall, row.id.as_str(), Event::FileUnmatched, &fields);
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
            intake,
            first_seen: row.first_seen,
            truncated: None,
            done_file: None,
            returns_of: row.returns_of,
            attempts: row.attempts,
            again: false,
        }
    }

    /// Commit 1.
    fn see(&mut self, candidates: Vec<Candidate>, alone: bool) -> Result<Vec<Claimed>> {
        let now = self.now;
        let tx = self.store.begin()?;
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
    fn claim(&mut self, file: &Claimed) -> Result<bool> {
        let (partner, intake) = (&file.intake.sender.partner, &file.intake.id);
        let target = state_name(file.id, &file.raw_name, Role::Original);
        let (from, to) = (Place::In { partner, intake }, Place::Work { partner, intake });
        if let (Some(done_file), Settle::DoneFile { suffix }) = (&file.done_file, &file.intake.settle) {
            self.spool.rename((from, done_file), (to, &travelling_name(&target, suffix)))?;
        }
        let renamed = self.spool.rename((from, &file.dropped), (to, &target));
        match renamed {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let tx = self.store.begin()?;
                tx.vanish_file(file.file, &iso(self.now.wall), "gone before it was claimed")?;
                tx.commit()?;
                let fields = [(Key::Name, Value::Bytes(&file.raw_name))];
                self.events.tell(self.now.wall, file.id.as_str(), Event::FileVanished, &fields);
                Ok(false)
            }
            Err(error) => Err(error).with_context(|| format!("cannot claim {}", file.name)),
        }
    }

    /// Reads, judges and applies files of work/ in one transaction, and carries its verdicts out.
    pub fn judge(&mut self, files: Vec<Claimed>) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        match self.commit_verdicts(&files) {
            Ok(decided) => finish::carry_out(self, decided),
            Err(error) => {
                // Whatever the decoder still has of this round is not wanted.
                *self.decoder = Decoder::start(self.spill.clone())?;
                if is_outage(&error) || files.len() == 1 || (self.give_up)() {
                    return Err(error);
                }
                files.into_iter().try_for_each(|file| self.judge(vec![file]))
            }
        }
    }

    /// Everything between the two commits. On an error nothing has happened.
    fn commit_verdicts(&mut self, files: &[Claimed]) -> Result<Vec<Decided>> {
        let mut assignments = Vec::with_capacity(files.len());
        for (index, file) in files.iter().enumerate().filter(|(_, file)| is_read(file)) {
            // Only the first: what the others are compared with may be written by those before them.
            let same_as = if index == 0 { self.known_content(file)? } else { None };
            assignments.push(self.assignment(file, same_as));
        }
        self.decoder.assign(assignments);
        let order_mark = self.spool.marks()?.order;
        let tx = self.store.begin()?;
        let mut decided = Vec::with_capacity(files.len());
        let mut came_back = Vec::new();
        for file in files {
            if file.again {
                tx.clear_exceptions(file.file)?;
            }
            tx.savepoint()?;
            let judgement = if is_read(file) {
                apply_one(&tx, self.decoder, file, order_mark, self.now, self.give_up)?
            } else {
                unread(file)
            };
            let done = deciding::decide(&tx, self.spool, file, judgement, self.now, self.zone)?;
            if let Some(before) = file.returns_of.filter(|_| done.counts.refused == 0 && done.home != Home::Failed) {
                came_back.extend(returned::close(&tx, before, file.id, self.now)?);
            }
            tx.release()?;
            decided.push(done);
        }
        let read = decided.len();
        if decided.iter().any(|d| d.counts.accepted > 0) {
            let again =
                Again { intakes: self.intakes.to_vec(), now: self.now, zone: self.zone, overrule: false, order_mark };
            again.all_that_wait(&tx, &mut decided)?;
        }
        answer_all((self.answer, self.spool, self.intakes), &tx, &decided, self.now, self.zone)?;
        tx.mark_placed(self.placed.iter().copied())?;
        let given = tx.high_water(ORDER_NUMBERS)?;
        if given > order_mark {
            // Before the commit: a number that is lost is better than one given twice.
            self.spool.raise_marks(Marks { order: given, run: 0 })?;
        }
        self.spool.sync()?;
        tx.commit()?;
        self.placed.clear();
        tell_released(self.events, self.now, &decided[read..]);
        decided.extend(came_back);
        Ok(newest_of_each(decided))
    }

    /// Content that would say nothing new. Requests are never skipped: each is answered for itself.
    fn known_content(&self, file: &Claimed) -> Result<Option<[u8; 32]>> {
        let intake = &file.intake;
        if file.again || intake.layouts.iter().any(|layout| layout.kind.class == Class::Request) {
            return Ok(None);
        }
        let snapshot = self.store.read()?;
        let Some(last) = snapshot.last_applied(&intake.sender.partner, &intake.id)? else { return Ok(None) };
        let Some(hash) = last.content_hash.filter(|_| last.size == file.size) else { return Ok(None) };
        let unchanged = snapshot.unchanged_since(&intake.sender.partner, &intake.id, &hash, intake.fingerprint)?;
        Ok(unchanged.and_then(|_| hash.try_into().ok()))
    }

    fn assignment(&self, file: &Claimed, same_as: Option<[u8; 32]>) -> Assignment {
        let (spool, raw_name, id) = (Arc::clone(self.spool), file.raw_name.clone(), file.id);
        let (partner, intake) = (file.intake.sender.partner.clone(), file.intake.id.clone());
        Assignment {
            name: file.name.clone(),
            layouts: file.intake.layouts.clone(),
            zone: file.intake.sender.zone,
            same_as,
            open: Box::new(move || {
                let place = Place::Work { partner: &partner, intake: &intake };
                let name = state_name(id, &raw_name, Role::Original);
                spool.read(place, &name).map_err(|error| std::io::Error::new(error.kind(), error))
            }),
        }
    }
}

/// Receipts for those of the decided files whose intake wants one.
pub fn answer_all(
    (answer, spool, intakes): (&Answer, &Spool, &[Arc<Intake>]),
    tx: &Tx<'_>,
    decided: &[Decided],
    now: Now,
    zone: Tz,
) -> Result<()> {
    let wants = |file: &Decided| {
        let his = |i: &&Arc<Intake>| i.sender.partner == file.partner && i.id == file.intake && i.receipt.is_some();
        intakes.iter().find(his).map(|intake| (file.file, intake.clone()))
    };
    let mut wanted: Vec<(FileNo, Arc<Intake>)> = decided.iter().filter_map(wants).collect();
    // Several of a file's messages may have been decided: its receipt says all of it at once.
    wanted.sort_by_key(|(file, _)| *file);
    wanted.dedup_by_key(|(file, _)| *file);
    if wanted.is_empty() { Ok(()) } else { answer(tx, spool, &wanted, now, zone) }
}

/// A claimed done-file stands beside its data file under that one's name, whatever form of name it came in.
pub fn travelling_name(original: &[u8], suffix: &str) -> Vec<u8> {
    let room = 255usize.saturating_sub(suffix.len());
    let mut name = original[..original.len().min(room)].to_vec();
    name.extend_from_slice(suffix.as_bytes());
    name
}

fn is_read(file: &Claimed) -> bool {
    file.as_of.is_ok() && file.attempts <= ATTEMPTS_MAX
}

/// Why a file is refused without being read.
fn unread(file: &Claimed) -> Judgement {
    let problem = match &file.as_of {
        Err(why) => words::as_of_refused(why),
        Ok(_) => words::crashed_while_reading(ATTEMPTS_MAX),
    };
    Judgement::refused_whole(problem)
}

/// The file that a dropped name says it is, or whose corrected reject. A partner's own `x.reject` is not ours.
fn come_back(snapshot: &Snapshot<'_>, dropped: &[u8]) -> Result<Option<FileRow>> {
    let Some((id, _)) = split_prefixed(dropped) else { return Ok(None) };
    let row = snapshot.file_by_id(id)?;
    Ok(row.filter(|row| role_of(dropped, id, &row.raw_name).is_some()))
}

fn see_one(tx: &Tx<'_>, candidate: Candidate, alone: bool, now: Now) -> Result<Claimed> {
    let Candidate { intake, name: dropped, meta, truncated, done_file } = candidate;
    let returned = come_back(tx, &dropped)?;
    let returns_of = returned.as_ref().map(|r| r.id);
    let raw_name = returned.as_ref().map_or_else(|| dropped.clone(), |r| r.raw_name.clone());
    let shown = shown_name(&raw_name).to_string();
    let first_seen = returned.as_ref().map_or_else(|| iso(now.wall), |r| r.first_seen.clone());
    let open = tx.last_file_named(&intake.sender.partner, &intake.id, &raw_name, &shown)?;
    let (file, id, attempts) = match open.filter(|f| f.verdict.is_none() && f.state == FileState::Seen) {
        // Seen before a crash, never claimed: the same id.
        Some(known) => {
            tx.resee_file(known.no, meta.size, meta.inode, meta.mtime_ns)?;
            tx.begin_attempt(known.no, alone)?;
            (known.no, known.id, known.attempts + u32::from(alone))
        }
        None => {
            let id = new_id(now.wall)?;
            let arrival = Arrival {
                id,
                partner: &intake.sender.partner,
                intake: &intake.id,
                raw_name: &raw_name,
                name: &shown,
                origin: "in",
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
    Ok(Claimed {
        as_of: moment(&intake, &shown, &first_seen, now),
        file,
        id,
        name: shown,
        raw_name,
        dropped,
        size: meta.size,
        intake,
        first_seen,
        truncated,
        done_file,
        returns_of,
        attempts,
        again: false,
    })
}

fn moment(intake: &Intake, name: &str, first_seen: &str, now: Now) -> Result<String, NotAsOf> {
    let first_seen = first_seen.parse().unwrap_or(now.wall);
    as_of::of_file(&intake.as_of, name, intake.sender.zone, first_seen, now.wall)
}

/// One file inside its savepoint. An error is the store's, never the file's.
fn apply_one(
    tx: &Tx<'_>,
    decoder: &Decoder,
    file: &Claimed,
    order_mark: u64,
    now: Now,
    give_up: &dyn Fn() -> bool,
) -> Result<Judgement> {
    let as_of = file.moment();
    let hand =
        InHand { file: file.file, intake: &file.intake, as_of, now: now.wall, only: &[], overrule: false, order_mark };
    let (layout, applied, ending) = read_and_apply(tx, decoder, hand, give_up)?;
    judgement(file, layout, applied, ending)
}

/// Applies what the decoder reads of the file that is next in its job.
pub fn read_and_apply(
    tx: &Tx<'_>,
    decoder: &Decoder,
    hand: InHand<'_>,
    give_up: &dyn Fn() -> bool,
) -> Result<(Option<Arc<Layout>>, Applied, Ending)> {
    let mut applying: Option<Applying<'_, '_>> = None;
    let mut layout = None;
    let ending = loop {
        match next(decoder, give_up)? {
            Reading::Begin(found) => {
                applying = Some(Applying::begin(tx, hand.clone(), found.clone())?);
                layout = Some(found);
            }
            Reading::Batch(batch) => {
                if let Some(applying) = &mut applying
                    && let Some(emptied) = applying.batch(batch)?
                {
                    decoder.recycle(emptied);
                }
            }
            Reading::Refused(message) => {
                if let Some(applying) = &mut applying {
                    applying.refused(message)?;
                }
            }
            Reading::End(ending) => break ending,
        }
    };
    let applied = applying.map(Applying::finish).transpose()?.unwrap_or_default();
    Ok((layout, applied, ending))
}

/// The next piece, unless a stop has become urgent.
fn next(decoder: &Decoder, give_up: &dyn Fn() -> bool) -> Result<Reading> {
    const LOOK_UP: std::time::Duration = std::time::Duration::from_millis(200);
    loop {
        match decoder.next_within(LOOK_UP) {
            Some(Some(reading)) if !give_up() => return Ok(reading),
            None => anyhow::bail!("the decoder thread has ended"),
            _ if give_up() => anyhow::bail!("stopped: the running file is taken back"),
            _ => {}
        }
    }
}

fn judgement(file: &Claimed, layout: Option<Arc<Layout>>, applied: Applied, ending: Ending) -> Result<Judgement> {
    let content = Some((ending.hash, ending.size));
    Ok(match ending.result {
        Outcome::Same => Judgement { content, same: true, ..Judgement::default() },
        Outcome::Decoded(mut decoded) => {
            // Read all the same: the reader knows better than the rule why the end is missing (empty, another layout, …).
            if let Some(missing) = file.truncated.as_ref().filter(|_| decoded.fatal.is_empty()) {
                decoded.fatal.add(words::truncated(missing));
            }
            Judgement { layout, applied, decoded, content, ..Judgement::default() }
        }
        Outcome::Unrecognised => {
            let tried: Vec<String> = file.intake.layouts.iter().map(|l| l.id.clone()).collect();
            Judgement { content, ..Judgement::refused_whole(words::layout_unrecognised(&tried)) }
        }
        Outcome::Panicked(text) => Judgement { content, ..Judgement::refused_whole(words::internal_error(&text)) },
        Outcome::Unreadable(error) => {
            return Err(error).with_context(|| format!("cannot read {} in work/", file.name));
        }
        Outcome::Abandoned => anyhow::bail!("the decoder was stopped"),
    })
}
