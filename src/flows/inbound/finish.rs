//! Carries committed verdicts out: reason and reject files, then the move of the original. Everything here can be done
//! again from the ledger alone, so a crash between two steps costs nothing; a start calls it for every file not `placed`.

use std::collections::HashSet;
use std::io;
use std::ops::Range;

use anyhow::{Context, Result};
use chrono::NaiveDate;

use super::super::rights;
use super::round::{Bench, travelling_name};
use crate::edges::events::{Event, Key, Value};
use crate::edges::spool::{Existing, Lasting, Moving, Place, Role, Spool, State, state_name};
use crate::edges::store::ledger::FileRow;
use crate::edges::store::{FileNo, Snapshot};
use crate::model::ids::Id;
use crate::model::intake::{Intake, Originals, Settle};
use crate::model::layout::{Layout, Spill, together};
use crate::model::mode::Mode;
use crate::model::rules::companions::Companions;
use crate::model::verdict::{Counts, Home, Verdict};
use crate::model::wording::guard::is_code_of_guard;

/// Exceptions read at a time when a reject is built.
const PAGE: u32 = 10_000;

/// A judged file whose folders have to follow.
#[derive(Debug, Clone)]
pub struct Decided {
    pub file: FileNo,
    pub id: Id,
    pub name: String,
    pub raw_name: Vec<u8>,
    pub partner: String,
    pub intake: String,
    pub layout: String,
    pub verdict: Verdict,
    pub counts: Counts,
    pub home: Home,
    pub day: NaiveDate,
    /// Text of the reason file, when there is one.
    pub reason: Option<String>,
    pub has_reject: bool,
    /// The original stands in work/; otherwise it is looked for in every folder it may be in.
    pub from_work: bool,
    /// It was taken under another id, maybe by a person who moved the original itself: that it is gone is no alarm.
    pub came_back: bool,
    /// The guard lets nothing of it through: its reason stands beside it in held/in.
    pub is_locked: bool,
    /// It was taken just now, and names everything that there is.
    pub is_full: bool,
    /// Not live: nothing of it was applied.
    pub rehearsed: Mode,
}

impl Decided {
    /// From the ledger, after a crash or when a verdict was changed later.
    pub fn from_row(row: FileRow, reason: Option<String>) -> Option<Self> {
        let (verdict, home) = (row.verdict?, row.home?);
        Some(Decided {
            file: row.no,
            id: row.id,
            name: row.name,
            raw_name: row.raw_name,
            layout: row.layout,
            verdict,
            counts: row.counts,
            home,
            day: row.day.parse().ok()?,
            has_reject: row.counts.refused > 0 && home != Home::Failed && reason.is_some(),
            reason,
            partner: row.partner,
            intake: row.intake,
            from_work: false,
            came_back: false,
            is_full: false,
            is_locked: verdict == Verdict::Held && is_code_of_guard(&row.code) && row.rehearsed.writes(),
            rehearsed: row.rehearsed,
        })
    }

    /// A PDF without its order, which may be what an order waits for; no layout reads it.
    pub fn is_lone_pdf(&self) -> bool {
        self.layout.is_empty() && self.counts.held > 0 && self.rehearsed.writes()
    }

    /// Bytes that a manifest may wait for; no layout reads them.
    pub fn is_content(&self) -> bool {
        self.layout.is_empty() && self.counts.accepted > 0 && self.rehearsed.writes()
    }

    fn name_as(&self, role: Role) -> Vec<u8> {
        state_name(self.id, &self.raw_name, role)
    }

    fn work(&self) -> Place<'_> {
        Place::Work { partner: &self.partner, intake: &self.intake }
    }

    /// Where its reason stands.
    fn papers(&self) -> Place<'_> {
        if self.is_locked { self.home() } else { self.failed() }
    }

    fn failed(&self) -> Place<'_> {
        Place::Failed { partner: &self.partner, intake: &self.intake }
    }

    fn home(&self) -> Place<'_> {
        match self.home {
            Home::Done => Place::Done { partner: &self.partner, day: self.day },
            Home::Failed => self.failed(),
            Home::Held => Place::HeldIn { partner: &self.partner, intake: &self.intake },
        }
    }

    /// Every place the original may stand in, the likeliest first.
    fn places(&self) -> Vec<Place<'_>> {
        if self.from_work { vec![self.work()] } else { self.all_places().to_vec() }
    }

    fn all_places(&self) -> [Place<'_>; 5] {
        [
            self.work(),
            self.home(),
            self.failed(),
            Place::HeldIn { partner: &self.partner, intake: &self.intake },
            Place::Done { partner: &self.partner, day: self.day },
        ]
    }
}

/// So many moves of one round are worth another thread.
const MANY: usize = 64;

/// Files of the last round that only have to be moved, while the next one is read and applied.
pub struct UnderWay {
    files: Vec<Decided>,
    moving: Moving,
}

/// Moves what was decided and tells the events; the ledger hears of it with the next commit 2, or an idle one. Many that
/// are only moved may still be under way when it returns: `settle` waits for them.
pub fn carry_out(bench: &mut Bench<'_>, decided: Vec<Decided>) -> Result<()> {
    let settled = settle(bench);
    // What was moved before is to be moved anew, or has a paper to be written: it is not as the ledger wants it yet.
    let anew: HashSet<FileNo> = decided.iter().map(|file| file.file).collect();
    bench.placed.retain(|file| !anew.contains(file));
    settled?;
    let (mut moved, mut others) = (Vec::new(), decided);
    if others.len() >= MANY {
        (moved, others) = others
            .into_iter()
            .partition(|file| is_only_moved(file, bench.intake_of(&file.partner, &file.intake).as_deref()));
        // It finds the folder, or makes it.
        others.extend(moved.pop());
    }
    carry_out_here(bench, others)?;
    if !moved.is_empty() {
        let moves = moved.iter().map(|file| {
            let name = file.name_as(Role::Original);
            bench.spool.move_of((file.work(), &name), (file.home(), &name))
        });
        let moving = bench.mover.begin(moves.collect::<Result<_, _>>()?);
        *bench.under_way = Some(UnderWay { files: moved, moving });
    }
    Ok(())
}

/// Waits for the moves of the last round. Whatever changes the folders otherwise, or the ledger on account of them, comes after.
pub fn settle(bench: &mut Bench<'_>) -> Result<()> {
    let Some(UnderWay { files, moving }) = bench.under_way.take() else { return Ok(()) };
    let mut left = Vec::new();
    for (file, moved) in files.into_iter().zip(moving.wait()?) {
        match moved {
            Ok(()) => {
                tell(bench, &file);
                bench.placed.push(file.file);
            }
            // What became of it is found out here.
            Err(_) => left.push(file),
        }
    }
    carry_out_here(bench, left)
}

fn carry_out_here(bench: &mut Bench<'_>, decided: Vec<Decided>) -> Result<()> {
    let mut placed = Vec::with_capacity(decided.len());
    for file in decided {
        let intake = bench.intake_of(&file.partner, &file.intake);
        if let Err(error) = carry_out_one(bench, &file, intake.as_deref()) {
            let Some(words) = rights::told(bench.spool, &[file.home(), file.failed(), file.work()], &error) else {
                return Err(error);
            };
            // It is not `placed`: the move is made when the folder can be worked in again.
            bench.denied.insert(words);
            continue;
        }
        if !file.came_back {
            tell(bench, &file);
        }
        placed.push(file.file);
    }
    bench.placed.extend(placed);
    Ok(())
}

fn carry_out_one(bench: &Bench<'_>, file: &Decided, intake: Option<&Intake>) -> Result<()> {
    let spool = bench.spool;
    if is_only_moved(file, intake) {
        let name = file.name_as(Role::Original);
        match spool.rename((file.work(), &name), (file.home(), &name)) {
            // What became of it is found out below.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            moved => return Ok(moved?),
        }
    }
    let found = find_original(spool, file)?;
    if let Some(reason) = &file.reason {
        let to = (file.papers(), &file.name_as(Role::Reason)[..]);
        spool.write(to, reason.as_bytes(), Existing::Replace, Lasting::NextSync)?;
    }
    if !file.from_work {
        remove_stale_papers(spool, file)?;
    }
    let Some(place) = found else {
        if file.came_back {
            return Ok(());
        }
        let fields = [(Key::Name, Value::Bytes(&file.raw_name))];
        bench.events.tell(bench.now.wall, file.id.as_str(), Event::OriginalMissing, &fields);
        return Ok(());
    };
    if file.has_reject
        && let Some(layout) = intake.and_then(|i| i.layouts.iter().find(|l| l.id == file.layout))
    {
        write_reject(bench, file, place, (layout, intake.and_then(|i| i.companions.as_deref())))?;
    }
    let name = file.name_as(Role::Original);
    if let Some(Settle::DoneFile { suffix }) = intake.map(|i| &i.settle) {
        bring_done_file(spool, file, place, &travelling_name(&name, suffix))?;
    }
    let keeps = intake.is_none_or(|i| i.originals != Originals::None) || file.home != Home::Done;
    if !keeps {
        spool.remove(place, &name)?;
    } else if place != file.home() {
        spool.rename((place, &name), (file.home(), &name))?;
    }
    Ok(())
}

/// It travels along. Usually it stands beside the original; where that was judged again, in the folder it came back from.
fn bring_done_file(spool: &Spool, file: &Decided, original: Place<'_>, done_file: &[u8]) -> Result<()> {
    for place in [original].into_iter().chain(file.all_places()) {
        if spool.look(place, done_file)?.is_none() {
            continue;
        }
        if place != file.home() {
            spool.rename((place, done_file), (file.home(), done_file))?;
        }
        break;
    }
    Ok(())
}

/// The usual file, of which everything was taken: it needs no paper, and nothing stands beside it.
fn is_only_moved(file: &Decided, intake: Option<&Intake>) -> bool {
    let rests =
        |intake: &Intake| intake.originals == Originals::None || matches!(intake.settle, Settle::DoneFile { .. });
    file.from_work && file.reason.is_none() && !file.has_reject && !intake.is_none_or(rests)
}

/// Papers of an earlier verdict that nobody has to act on any more.
fn remove_stale_papers(spool: &Spool, file: &Decided) -> Result<()> {
    let held = Place::HeldIn { partner: &file.partner, intake: &file.intake };
    let papers = [
        (held, Role::Reason, file.is_locked),
        (file.failed(), Role::Reason, file.reason.is_some() && !file.is_locked),
        (file.failed(), Role::Reject, file.has_reject),
    ];
    for (place, role, stays) in papers {
        let name = file.name_as(role);
        if !stays && spool.look(place, &name)?.is_some() {
            spool.remove(place, &name)?;
        }
    }
    Ok(())
}

fn tell(bench: &Bench<'_>, file: &Decided) {
    let event = match file.verdict {
        Verdict::Accepted => Event::FileAccepted,
        Verdict::Unchanged => Event::FileUnchanged,
        Verdict::Duplicate => Event::FileDuplicate,
        Verdict::Stale => Event::FileStale,
        Verdict::Held if file.is_locked => Event::FileLocked,
        Verdict::Held => Event::FileHeld,
        Verdict::Refused => Event::FileRefused,
    };
    let mut fields = vec![
        (Key::Intake, Value::Text(format!("{}/{}", file.partner, file.intake).into())),
        (Key::Name, Value::Bytes(&file.raw_name)),
    ];
    let counted = [
        (Key::Accepted, Verdict::Accepted),
        (Key::Unchanged, Verdict::Unchanged),
        (Key::Duplicate, Verdict::Duplicate),
        (Key::Stale, Verdict::Stale),
        (Key::Held, Verdict::Held),
        (Key::Refused, Verdict::Refused),
    ];
    for (key, verdict) in counted {
        let count = file.counts.get(verdict);
        if count > 0 {
            fields.push((key, Value::Number(count.cast_signed())));
        }
    }
    if !file.rehearsed.writes() {
        fields.push((Key::Mode, Value::Text(file.rehearsed.as_str().into())));
    }
    bench.events.tell(bench.now.wall, file.id.as_str(), event, &fields);
}

pub fn find_original<'f>(spool: &Spool, file: &'f Decided) -> Result<Option<Place<'f>>> {
    let name = file.name_as(Role::Original);
    for place in file.places() {
        if spool.look(place, &name)?.is_some() {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// A correctable file of only the refused messages, cut from the sender's own bytes.
fn write_reject(
    bench: &Bench<'_>,
    file: &Decided,
    original: Place<'_>,
    (layout, companions): (&Layout, Option<&Companions>),
) -> Result<()> {
    let ranges = refused_ranges(&bench.store.read()?, file.file)?;
    if ranges.is_empty() {
        return Ok(());
    }
    let mut source = bench.spool.read(original, &file.name_as(Role::Original))?;
    let mut draft = bench.spool.draft(State::Failed)?;
    let rebuilt = match companions {
        Some(companions) => {
            let spill = || -> io::Result<Box<dyn Spill>> {
                Ok(Box::new(bench.spool.unnamed_file().map_err(io::Error::other)?))
            };
            together::rebuild(layout, companions, &mut source, &ranges, &mut draft, &spill)
        }
        None => layout.rebuild_reject(&mut source, &ranges, &mut draft),
    };
    if let Err(error) = rebuilt {
        return Err(draft.failed(error)).with_context(|| format!("cannot write the reject of {}", file.name));
    }
    draft.publish(bench.spool, (file.failed(), &file.name_as(Role::Reject)), Existing::Replace, Lasting::NextSync)?;
    Ok(())
}

fn refused_ranges(snapshot: &Snapshot<'_>, file: FileNo) -> Result<Vec<Range<u64>>> {
    let mut ranges = Vec::new();
    let mut from = 0;
    loop {
        let page = snapshot.messages_of(file, from, PAGE)?;
        let Some(last) = page.last() else { break };
        from = last.number + 1;
        ranges.extend(page.into_iter().filter(|m| m.verdict == Verdict::Refused).flat_map(|m| m.bytes));
    }
    ranges.sort_by_key(|r| r.start);
    Ok(ranges)
}
