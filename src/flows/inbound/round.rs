//! One round of files: into the ledger, into work/, read, judged and applied in one transaction, then into the folders
//! their verdicts ask for. The order of the steps is the product's first promise; ARCHITECTURE.md walks through it.
//!
//! commit 1 knows the files → renames to work/ → decode, judge, apply → one sync of the spool → commit 2 → moves.
//! It does not choose the files (desk), and does not know what a kind is (applying).

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono_tz::Tz;

use super::super::is_outage;
use super::applying::{Applied, Applying, STOPPED};
use super::bundling::contents_in;
use super::claiming::{Claimed, ORIGIN_HERE, cut_by_power};
use super::contents;
use super::deciding::{self, Judgement};
use super::durable::Durable;
use super::finish::{self, Decided, UnderWay};
use super::guarding;
use super::in_hand::InHand;
use super::numbering;
use super::papers::Papers;
use super::reading::{Assignment, Decoder, Ending, Outcome, Reading};
use super::rehearsal;
use super::returned;
use super::waiting::{Again, newest_of_each, tell_released};
use crate::edges::clock::Now;
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::spool::{Marks, Mover, Place, Role, Spool, Syncer, state_name};
use crate::edges::store::ledger::FileRow;
use crate::edges::store::{FileNo, Store, Tx};
use crate::model::intake::Intake;
use crate::model::kind::Class;
use crate::model::layout::Layout;
use crate::model::rules::recovery::ATTEMPTS_MAX;
use crate::model::wording::judging as words;

/// What a round works with. Made anew for each round.
pub struct Bench<'r> {
    pub store: &'r mut Store,
    pub spool: &'r Arc<Spool>,
    pub decoder: &'r mut Decoder,
    pub syncer: &'r Syncer,
    pub mover: &'r Mover,
    pub events: &'r Events,
    pub intakes: &'r [Arc<Intake>],
    pub zone: Tz,
    pub now: Now,
    /// Files whose folders have followed: the next commit says so.
    pub placed: &'r mut Vec<FileNo>,
    /// Moves of the last round that are not waited for yet.
    pub under_way: &'r mut Option<UnderWay>,
    /// Folders that refused us, in words: the daemon tells and tries again.
    pub denied: &'r mut BTreeSet<String>,
    /// A stop that will not wait any longer: the running file is taken back.
    pub give_up: &'r dyn Fn() -> bool,
    /// Answers to senders, in the transaction of the verdicts they speak of.
    pub answer: &'r Answer,
}

/// Adds the receipts of decided files. What leaves the house is not this flow's: they meet in the ledger.
pub type Answer = dyn Fn(&Tx<'_>, &Spool, &[(FileNo, Arc<Intake>)], Now, Tz) -> Result<()>;

impl Bench<'_> {
    /// Judges files that stand in work/ already: left by a crash, or by an outage of the store.
    pub fn resume(&mut self, rows: Vec<FileRow>, alone: bool) -> Result<()> {
        let mut claimed = Vec::new();
        for row in rows {
            match self.intake_of(&row.partner, &row.intake) {
                Some(intake) => {
                    let (name, came_with) = (state_name(row.id, &row.raw_name, Role::Original), row.size);
                    let work = Place::Work { partner: &row.partner, intake: &row.intake };
                    let left = self.spool.look(work, &name)?.map_or(came_with, |meta| meta.size);
                    // What a remote's listing says of a size binds nobody; what stands in work/ from there, or was put together
                    // there, is whole.
                    let parts = self.store.read()?.parts_of(row.no)?;
                    let is_as_dropped = row.origin == ORIGIN_HERE && parts.is_empty();
                    let cut = if is_as_dropped { cut_by_power(came_with, left) } else { None };
                    let size = if is_as_dropped { row.size } else { left };
                    claimed.push(Claimed { cut, size, parts, ..self.claimed_from(row, intake) });
                }
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

    /// Reads, judges and applies files of work/ in one transaction, and carries its verdicts out. When the shared commit
    /// fails, each file goes alone; one that fails alone is refused, so that it never stands in the way of others.
    pub fn judge(&mut self, files: Vec<Claimed>) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let begun = self.begin_reading(&files, 0);
        let committed = begun.and_then(|()| self.commit_verdicts(&files));
        self.carry_out_or_try_alone(files, committed)
    }

    /// The same for files that the decoder reads already.
    pub fn judge_being_read(&mut self, files: Vec<Claimed>) -> Result<()> {
        let committed = self.commit_verdicts(&files);
        self.carry_out_or_try_alone(files, committed)
    }

    fn carry_out_or_try_alone(&mut self, mut files: Vec<Claimed>, committed: Result<Vec<Decided>>) -> Result<()> {
        match committed {
            Ok(decided) => finish::carry_out(self, decided),
            Err(error) => {
                self.stop_reading()?;
                if is_outage(&error) || (self.give_up)() {
                    return Err(error);
                }
                match files.pop() {
                    Some(only) if files.is_empty() => self.refuse_for_fault(&only, &error),
                    last => files.into_iter().chain(last).try_for_each(|file| self.judge(vec![file])),
                }
            }
        }
    }

    /// Sets the decoder on those of a round's files that it does not know yet: from this one on.
    pub fn begin_reading(&self, files: &[Claimed], from: usize) -> Result<()> {
        let mut assignments = Vec::with_capacity(files.len() - from);
        for (index, file) in files.iter().enumerate().skip(from).filter(|(_, file)| is_read(file)) {
            // Only the first: what the others are compared with may be written by those before them.
            let same_as = if index == 0 { self.known_content(file)? } else { None };
            assignments.push(self.assignment(file, same_as));
        }
        match files.len() {
            1 => assignments.pop().into_iter().for_each(|only| self.decoder.assign_only(only)),
            _ => self.decoder.assign(assignments),
        }
        Ok(())
    }

    /// Whatever the decoder still has of this round is not wanted.
    pub fn stop_reading(&mut self) -> Result<()> {
        Ok(self.decoder.start_anew()?)
    }

    /// A fault of ours with this one file.
    fn refuse_for_fault(&mut self, file: &Claimed, error: &anyhow::Error) -> Result<()> {
        tell_fault(self.events, self.now, file, &format!("{error:#}"));
        let tx = self.store.begin()?;
        tx.savepoint()?;
        let judgement = Judgement::refused_whole(words::internal_error());
        let (decided, _) = deciding::decide(&tx, self.spool, file, judgement, self.now, self.zone)?;
        let decided = match file.intake.mode_of(&file.name) {
            mode if mode.writes() => decided,
            mode => rehearsal::take_back(&tx, self.spool, decided, (&file.intake, mode))?,
        };
        note_parts(&tx, self.spool, file, false)?;
        mark_taken(&tx, file)?;
        tx.release()?;
        let decided = vec![decided];
        answer_all((self.answer, self.spool, self.intakes), &tx, &decided, self.now, self.zone)?;
        self.spool.sync()?;
        tx.commit()?;
        finish::carry_out(self, decided)
    }

    /// Everything between the two commits. On an error nothing has happened.
    fn commit_verdicts(&mut self, files: &[Claimed]) -> Result<Vec<Decided>> {
        let mut durable = Durable::begin(self.syncer, files, self.placed.len())?;
        let gives_numbers = self.intakes.iter().any(|intake| intake.gives_numbers());
        let given = if gives_numbers { self.spool.marks()? } else { Marks::default() };
        let tx = self.store.begin()?;
        let mut decided = Vec::with_capacity(files.len());
        let mut came_back = Vec::new();
        for file in files {
            if file.again {
                tx.clear_exceptions(file.file)?;
            }
            came_back.extend(returned::close_moved(&tx, (self.spool, self.intakes), file, self.now)?);
            tx.savepoint()?;
            let mut judgement = if is_read(file) {
                apply_one(&tx, self.decoder, file, &given, self.now, self.give_up)?
            } else {
                unread(file)
            };
            if has_crashed(file) {
                tell_crashed(self.events, self.now, file);
            }
            if let Some(words) = &judgement.fault {
                tell_fault(self.events, self.now, file, words);
            }
            durable.read(judgement.whole.take());
            let (done, locking) = deciding::decide(&tx, self.spool, file, judgement, self.now, self.zone)?;
            let mode = file.intake.mode_of(&file.name);
            let done = if mode.writes() {
                came_back.extend(guarding::settle_lock(&tx, file, &done, locking, self.now)?);
                came_back.extend(returned::close_taken(&tx, file, &done, self.now)?);
                done
            } else {
                rehearsal::take_back(&tx, self.spool, done, (&file.intake, mode))?
            };
            note_parts(&tx, self.spool, file, is_read(file))?;
            mark_taken(&tx, file)?;
            tx.release()?;
            decided.push(done);
        }
        let read = decided.len();
        if !came_back.is_empty()
            || decided.iter().any(|d| d.counts.accepted > 0 && d.rehearsed.writes() || d.is_lone_pdf())
        {
            let again = Again::of(self.intakes, self.now, self.zone, given.clone());
            again.those_brought_on(&tx, &mut decided)?;
        }
        let has_receipts = answer_all((self.answer, self.spool, self.intakes), &tx, &decided, self.now, self.zone)?;
        if gives_numbers {
            numbering::keep(&tx, self.spool, &given)?;
        }
        let is_all_synced = durable.end(&tx, self.spool, files, has_receipts)?;
        if is_all_synced {
            // A file that is decided anew in this commit is not where the ledger wants it: it is moved after it.
            let anew: HashSet<FileNo> = decided.iter().chain(&came_back).map(|file| file.file).collect();
            self.placed.retain(|file| !anew.contains(file));
            tx.mark_placed(self.placed)?;
        }
        tx.commit()?;
        if is_all_synced {
            self.placed.clear();
        }
        tell_released(self.events, self.now, &decided[read..]);
        decided.extend(came_back);
        Ok(newest_of_each(decided))
    }

    /// Content that would say nothing new. Requests, questions and deletions are never skipped: each stands for itself.
    fn known_content(&self, file: &Claimed) -> Result<Option<[u8; 32]>> {
        let intake = &file.intake;
        // What others wrote beside it may have to be closed.
        if file.again
            || intake.is_content(&file.name)
            || !intake.closes.is_empty()
            || intake.layouts.iter().any(|layout| !matches!(layout.kind.class, Class::Record | Class::Fact))
        {
            return Ok(None);
        }
        let snapshot = self.store.read()?;
        let Some(last) = snapshot.last_applied(&intake.sender.partner, &intake.id)? else { return Ok(None) };
        let Some(hash) = last.content_hash.filter(|_| last.size == file.size) else { return Ok(None) };
        let unchanged = snapshot.unchanged_since(&intake.sender.partner, &intake.id, &hash, intake.fingerprint)?;
        Ok(unchanged.and_then(|_| hash.try_into().ok()))
    }

    fn assignment(&self, file: &Claimed, same_as: Option<[u8; 32]>) -> Assignment {
        let (spool, intake) = (Arc::clone(self.spool), Arc::clone(&file.intake));
        let name = state_name(file.id, &file.raw_name, Role::Original);
        Assignment {
            name: file.name.clone(),
            size: file.size,
            hash: file.hash,
            intake: Arc::clone(&file.intake),
            layouts: None,
            same_as,
            wants_end: !file.again,
            open: Box::new(move || {
                let place = Place::Work { partner: &intake.sender.partner, intake: &intake.id };
                spool.read(place, &name).map_err(|error| std::io::Error::new(error.kind(), error))
            }),
        }
    }
}

/// Receipts and answers for those of the decided files whose intake gives them. True: there are some, and they are still to be synced.
pub fn answer_all(
    (answer, spool, intakes): (&Answer, &Spool, &[Arc<Intake>]),
    tx: &Tx<'_>,
    decided: &[Decided],
    now: Now,
    zone: Tz,
) -> Result<bool> {
    let wants = |file: &Decided| {
        let his = |i: &&Arc<Intake>| i.sender.partner == file.partner && i.id == file.intake && i.is_replied();
        intakes.iter().find(his).map(|intake| (file.file, intake.clone()))
    };
    let mut wanted: Vec<(FileNo, Arc<Intake>)> = decided.iter().filter_map(wants).collect();
    // Several of a file's messages may have been decided: its receipt says all of it at once.
    wanted.sort_by_key(|(file, _)| *file);
    wanted.dedup_by_key(|(file, _)| *file);
    if !wanted.is_empty() {
        answer(tx, spool, &wanted, now, zone)?;
    }
    Ok(!wanted.is_empty())
}

/// A claimed done-file stands beside its data file under that one's name, whatever form of name it came in.
pub fn travelling_name(original: &[u8], suffix: &str) -> Vec<u8> {
    let room = 255usize.saturating_sub(suffix.len());
    let mut name = original[..original.len().min(room)].to_vec();
    name.extend_from_slice(suffix.as_bytes());
    name
}

/// The technical words are for the log; the partner's reason says what he can do.
fn tell_fault(events: &Events, now: Now, file: &Claimed, words: &str) {
    let fields = [(Key::Name, Value::Bytes(&file.raw_name)), (Key::Reason, Value::Text(words.into()))];
    events.tell(now.wall, file.id.as_str(), Event::InternalError, &fields);
}

/// Reading it has ended the process each time; the program's supervisor may have hidden that from everybody.
fn tell_crashed(events: &Events, now: Now, file: &Claimed) {
    let fields = [
        (Key::Intake, Value::Text(file.intake.source().into())),
        (Key::Name, Value::Bytes(&file.raw_name)),
        (Key::Attempts, Value::from(ATTEMPTS_MAX)),
    ];
    events.tell(now.wall, file.id.as_str(), Event::FileCrashed, &fields);
}

/// Which bytes each file of an arrival of several had. They are known from its packing; after a crash they are read again.
fn note_parts(tx: &Tx<'_>, spool: &Spool, file: &Claimed, may_read: bool) -> Result<()> {
    if file.parts.is_empty() || file.again {
        return Ok(());
    }
    let mut parts = file.parts.clone();
    if may_read && parts.iter().any(|part| part.content.is_none()) {
        let intake = &file.intake;
        let name = state_name(file.id, &file.raw_name, Role::Original);
        let contents = contents_in(spool, (&intake.sender.partner, &intake.id), &name, &parts)?;
        parts.iter_mut().zip(contents).for_each(|(part, content)| part.content = content);
    }
    tx.set_parts(file.file, &parts)
}

/// The commit that holds its verdict is the one after which its remote may lose it.
fn mark_taken(tx: &Tx<'_>, file: &Claimed) -> Result<()> {
    let is_left = !file.intake.sender.mode.answers();
    if file.from_remote && !file.again { tx.mark_taken(file.file, file.size, is_left) } else { Ok(()) }
}

fn is_read(file: &Claimed) -> bool {
    file.cut.is_none() && file.as_of.is_ok() && !has_crashed(file)
}

fn has_crashed(file: &Claimed) -> bool {
    file.cut.is_none() && file.as_of.is_ok() && file.attempts > ATTEMPTS_MAX
}

/// Why a file is refused without being read.
fn unread(file: &Claimed) -> Judgement {
    let problem = match (&file.cut, &file.as_of) {
        (Some(cut), _) => words::truncated(cut),
        (None, Err(why)) => words::as_of_refused(why),
        (None, Ok(_)) => words::crashed_while_reading(ATTEMPTS_MAX),
    };
    Judgement::refused_whole(problem)
}

/// One file inside its savepoint. An error is the store's, never the file's.
fn apply_one(
    tx: &Tx<'_>,
    decoder: &Decoder,
    file: &Claimed,
    given: &Marks,
    now: Now,
    give_up: &dyn Fn() -> bool,
) -> Result<Judgement> {
    let as_of = file.moment();
    let hand = InHand {
        file: file.file,
        intake: &file.intake,
        as_of,
        first_seen: &file.first_seen,
        now: now.wall,
        only: &[],
        overrule: false,
        existing: None,
        given,
    };
    let (layout, mut applied, mut ending) = read_and_apply(tx, decoder, hand, give_up)?;
    if let Outcome::Decoded(decoded) = &mut ending.result {
        let papers = Papers { tx, file: file.file, intake: &file.intake, overrule: false, now: now.wall };
        papers.bind(&mut applied, decoded)?;
        contents::keep(tx, (file.file, &file.intake), &mut applied, decoded)?;
    }
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
                let mut begun = Applying::begin(tx, hand.clone(), found.clone())?;
                begun.put_aside_in(decoder.spill(), give_up);
                if hand.only.is_empty() {
                    begun.count_for_guard()?;
                }
                applying = Some(begun);
                layout = Some(found);
            }
            Reading::Batch(batch) => {
                if let Some(applying) = &mut applying {
                    decoder.recycle(applying.batch(batch)?);
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
    const LOOK_UP: Duration = Duration::from_millis(200);
    loop {
        match decoder.next_within(LOOK_UP) {
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the decoder thread has ended"),
            _ if give_up() => anyhow::bail!(STOPPED),
            Ok(reading) => return Ok(reading),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn judgement(file: &Claimed, layout: Option<Arc<Layout>>, applied: Applied, ending: Ending) -> Result<Judgement> {
    let (content, whole) = (Some((ending.hash, ending.size)), ending.whole);
    Ok(match ending.result {
        Outcome::Same => Judgement { content, whole, same: true, ..Judgement::default() },
        Outcome::Decoded(decoded) => Judgement { layout, applied, decoded, content, whole, ..Judgement::default() },
        Outcome::Unrecognised(why) => {
            Judgement { content, whole, ..Judgement::refused_whole(words::layout_unrecognised(&why)) }
        }
        Outcome::Ambiguous(ids) => {
            Judgement { content, whole, ..Judgement::refused_whole(words::layout_ambiguous(&ids)) }
        }
        Outcome::Panicked(text) => {
            Judgement { content, whole, fault: Some(text), ..Judgement::refused_whole(words::internal_error()) }
        }
        Outcome::Unreadable(error) => {
            return Err(error).with_context(|| format!("cannot read {} in work/", file.name));
        }
        Outcome::Abandoned => anyhow::bail!("the decoder was stopped"),
    })
}
