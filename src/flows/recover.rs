//! What a start does with what it finds: papers and moves that a crash left undone, files in work/ without a verdict, files
//! that are gone. The table is `model::rules::recovery`; this file looks, asks it and obeys. Doing it twice changes nothing.

use std::collections::HashSet;
use std::ops::ControlFlow;

use anyhow::Result;

use super::inbound::bundling::{self, LeftOver};
use super::inbound::claiming::ORIGIN_HERE;
use super::inbound::finish::{self, Decided};
use super::inbound::round::{Bench, travelling_name};
use super::rights;
use crate::edges::clock::iso;
use crate::edges::events::{Event, Key, Value};
use crate::edges::spool::{Existing, Lasting, Place, Role, State, role_of, state_name};
use crate::edges::store::FileNo;
use crate::edges::store::ledger::FileRow;
use crate::model::ids::{Id, split_prefixed};
use crate::model::intake::Settle;
use crate::model::rules::recovery::{FileAction, FileFound, FileKnown, file as rule};

/// A file found in work/, with what is needed after the walk.
struct InWork {
    partner: String,
    intake: String,
    name: Vec<u8>,
}

/// Everything a start has to put right before the first look at in/.
pub fn start(bench: &mut Bench<'_>) -> Result<()> {
    bench.spool.remove_stale_drafts()?;
    restore_copies(bench)?;
    finish_moves(bench)?;
    return_strangers(bench)?;
    judge_left_over(bench, true)
}

/// After an outage of the disk or the database: what it interrupted is taken up again, by no fault of the files.
pub fn after_outage(bench: &mut Bench<'_>) -> Result<()> {
    finish_moves(bench)?;
    judge_left_over(bench, false)
}

/// Originals that a power cut emptied, cut or took before they were on the disk are written again from their copies, so that
/// the moves find what they look for.
fn restore_copies(bench: &mut Bench<'_>) -> Result<()> {
    let copied = bench.store.read()?.copied_files()?;
    for file in copied {
        let (row, content) = {
            let snapshot = bench.store.read()?;
            (snapshot.file(file)?, snapshot.copy(file)?)
        };
        if let (Some(row), Some(content)) = (row, content) {
            restore(bench, row, &content)?;
        }
    }
    Ok(())
}

fn restore(bench: &Bench<'_>, row: FileRow, content: &[u8]) -> Result<()> {
    let (work, name) = (place_in_work(&row), state_name(row.id, &row.raw_name, Role::Original));
    let is_whole = |place, name: &[u8]| {
        bench.spool.read_whole(place, name, content.len() as u64).is_ok_and(|found| found == content)
    };
    let Some(decided) = Decided::from_row(row.clone(), None) else { return Ok(()) };
    let found = finish::find_original(bench.spool, &decided)?;
    if found.is_some_and(|place| is_whole(place, &name)) {
        return Ok(());
    }
    // The rename to work/ may be gone with the power as well; what is left of the content there says nothing of its own.
    let dropped = name_in_in(bench, &row)?;
    if let Some(dropped) = dropped.filter(|dropped| is_inode(bench, &row, dropped)) {
        let place = Place::In { partner: &row.partner, intake: &row.intake };
        if found.is_none() && is_whole(place, &dropped) {
            return Ok(bench.spool.rename((place, &dropped), (work, &name))?);
        }
        // Anything else is a new file that was given the number of one that is gone: it is judged like any other.
        if bench.spool.read_whole(place, &dropped, content.len() as u64).is_ok_and(|left| is_left_of(&left, content)) {
            bench.spool.remove(place, &dropped)?;
        }
    }
    bench.spool.write((found.unwrap_or(work), &name), content, Existing::Replace, Lasting::NextSync)?;
    let words = "the machine stopped before it was on the disk; it was written again from the ledger";
    let fields = [(Key::Name, Value::Bytes(&row.raw_name)), (Key::Reason, Value::Text(words.into()))];
    bench.events.tell(bench.now.wall, row.id.as_str(), Event::FileRecovered, &fields);
    Ok(())
}

/// What a power cut leaves: the beginning, or zeros where nothing was written.
fn is_left_of(left: &[u8], content: &[u8]) -> bool {
    left.len() <= content.len() && left.iter().zip(content).all(|(left, whole)| left == whole || *left == 0)
}

fn place_in_work(row: &FileRow) -> Place<'_> {
    Place::Work { partner: &row.partner, intake: &row.intake }
}

/// Is what stands in in/ under this name the very file that was taken?
fn is_inode(bench: &Bench<'_>, row: &FileRow, dropped: &[u8]) -> bool {
    let place = Place::In { partner: &row.partner, intake: &row.intake };
    bench.spool.look(place, dropped).is_ok_and(|found| found.is_some_and(|found| found.inode == row.inode))
}

/// Verdicts whose folders have not followed. One whose folder refuses us stays for the next time.
pub fn finish_moves(bench: &mut Bench<'_>) -> Result<()> {
    let mut decided = Vec::new();
    {
        let snapshot = bench.store.read()?;
        for row in snapshot.unplaced_files()? {
            let reason = snapshot.reason_text(row.no)?;
            decided.extend(Decided::from_row(row, reason));
        }
    }
    // What this process has moved only waits to be confirmed: it is told once.
    decided.retain(|file| !bench.placed.contains(&file.file));
    for file in &decided {
        bring_from_in(bench, file)?;
    }
    let names: Vec<(FileNo, Id, Vec<u8>)> = decided.iter().map(|d| (d.file, d.id, d.raw_name.clone())).collect();
    let before = bench.placed.len();
    finish::carry_out(bench, decided)?;
    let placed: HashSet<FileNo> = bench.placed[before..].iter().copied().collect();
    for (_, id, name) in names.iter().filter(|(file, ..)| placed.contains(file)) {
        bench.events.tell(bench.now.wall, id.as_str(), Event::FileRecovered, &[(Key::Name, Value::Bytes(name))]);
    }
    Ok(())
}

/// A power cut may take the rename to work/ back while the verdict stands: the very same file is moved, not judged.
fn bring_from_in(bench: &Bench<'_>, file: &Decided) -> Result<()> {
    let snapshot = bench.store.read()?;
    let Some(row) = snapshot.file(file.file)? else { return Ok(()) };
    let (partner, intake) = (&file.partner[..], &file.intake[..]);
    let place = Place::In { partner, intake };
    let Some(found) = bench.spool.look(place, &file.raw_name)? else { return Ok(()) };
    let same = (found.inode, found.size, found.mtime_ns) == (row.inode, row.size, row.mtime_ns);
    let known = FileKnown::Verdict { home: file.home, placed: false };
    if let FileAction::MoveTo(_) = rule(FileFound::In { same }, known) {
        let name = state_name(file.id, &file.raw_name, Role::Original);
        bench.spool.rename((place, &file.raw_name), (Place::Work { partner, intake }, &name))?;
    }
    Ok(())
}

/// Files in work/ that the ledger does not know, or knows to belong elsewhere.
fn return_strangers(bench: &mut Bench<'_>) -> Result<()> {
    let mut found = Vec::new();
    bench.spool.walk(State::Work, &mut |file| {
        if let Place::Work { partner, intake } = file.place {
            found.push(InWork { partner: partner.into(), intake: intake.into(), name: file.name.to_vec() });
        }
        ControlFlow::Continue(())
    })?;
    for file in found {
        let (partner, intake) = (&file.partner[..], &file.intake[..]);
        let split = split_prefixed(&file.name);
        let row = match split {
            Some((id, _)) => bench.store.read()?.file_by_id(id)?,
            None => None,
        };
        let plain = split.map_or(&file.name[..], |(_, rest)| rest);
        match row {
            None => {
                let (from, to) = (Place::Work { partner, intake }, Place::In { partner, intake });
                let returned = match bench.spool.rename((from, &file.name), (to, plain)) {
                    // Another of that name has come since: both are taken, this one under the longer name.
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                        bench.spool.rename((from, &file.name), (to, &file.name))
                    }
                    returned => returned,
                };
                if let Err(error) = returned {
                    bench.denied.insert(rights::told_of_spool(bench.spool, &[from, to], error)?);
                    continue;
                }
                let fields = [(Key::Name, Value::Bytes(plain))];
                bench.events.tell(bench.now.wall, "", Event::FileReturned, &fields);
            }
            Some(row) => follow(bench, &file, row)?,
        }
    }
    Ok(())
}

/// A file of work/ whose verdict is confirmed elsewhere: it was on its way into a retry that never began.
fn follow(bench: &mut Bench<'_>, file: &InWork, row: FileRow) -> Result<()> {
    let parts = bench.store.read()?.parts_of(row.no)?;
    if row.verdict.is_some() && bundling::is_packed(&row, &parts, &file.name) {
        let place = Place::Work { partner: &file.partner, intake: &file.intake };
        return Ok(bench.spool.remove(place, &file.name)?);
    }
    let is_original = role_of(&file.name, row.id, &row.raw_name) == Some(Role::Original);
    if !is_original || row.verdict.is_none() || !row.placed {
        return Ok(());
    }
    let reason = bench.store.read()?.reason_text(row.no)?;
    match Decided::from_row(row, reason) {
        Some(decided) => finish::carry_out(bench, vec![decided]),
        None => Ok(()),
    }
}

/// Files with an id and no verdict. After a crash each is read alone, so that the one to blame is found.
fn judge_left_over(bench: &mut Bench<'_>, alone: bool) -> Result<()> {
    let mut in_work = Vec::new();
    let open = bench.store.read()?.open_files()?;
    for row in open {
        let (partner, intake) = (&row.partner[..], &row.intake[..]);
        let name = state_name(row.id, &row.raw_name, Role::Original);
        let known = FileKnown::Seen { attempts: row.attempts };
        let parts = bench.store.read()?.parts_of(row.no)?;
        // What of a remote stands in work/ was put together before it came there.
        let left = (!parts.is_empty() && row.origin == ORIGIN_HERE)
            .then(|| bundling::take_up(bench.spool, &row, &parts))
            .transpose()?;
        if left == Some(LeftOver::AllInIn) {
            continue;
        }
        let found = if left == Some(LeftOver::Gone) {
            FileFound::Nowhere
        } else if bench.spool.look(Place::Work { partner, intake }, &name)?.is_some() {
            FileFound::Work
        } else if row.origin != ORIGIN_HERE {
            if bench.store.read()?.is_collected(row.no)? {
                // It stands at its remote, and is fetched from there.
                continue;
            }
            FileFound::Nowhere
        } else if let Some(dropped) = name_in_in(bench, &row)? {
            if !follows_its_done_file(bench, &row, &dropped)? {
                // The next look claims it under the id it has.
                continue;
            }
            FileFound::Work
        } else {
            FileFound::Nowhere
        };
        match rule(found, known) {
            FileAction::ApplyAgain | FileAction::RefuseCrashed => in_work.push(row),
            FileAction::CloseVanished => vanish(bench, &row)?,
            _ => {}
        }
    }
    bench.resume(in_work, alone)
}

/// Under its own name, or under the id it came back with.
fn name_in_in(bench: &Bench<'_>, row: &FileRow) -> Result<Option<Vec<u8>>> {
    let place = Place::In { partner: &row.partner, intake: &row.intake };
    let mut names = vec![row.raw_name.clone()];
    if let Some(before) = row.returns_of {
        names.extend([Role::Original, Role::Reject].map(|role| state_name(before, &row.raw_name, role)));
    }
    for name in names {
        if bench.spool.look(place, &name)?.is_some() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Its done-file was claimed, and a crash came before the file itself was: nothing in in/ vouches for it any more, so it is
/// claimed here.
fn follows_its_done_file(bench: &Bench<'_>, row: &FileRow, dropped: &[u8]) -> Result<bool> {
    let (partner, intake) = (&row.partner[..], &row.intake[..]);
    let Some(rules) = bench.intake_of(partner, intake) else { return Ok(false) };
    let Settle::DoneFile { suffix } = &rules.settle else { return Ok(false) };
    let name = state_name(row.id, &row.raw_name, Role::Original);
    let work = Place::Work { partner, intake };
    if bench.spool.look(work, &travelling_name(&name, suffix))?.is_none() {
        return Ok(false);
    }
    bench.spool.rename((Place::In { partner, intake }, dropped), (work, &name))?;
    Ok(true)
}

fn vanish(bench: &mut Bench<'_>, row: &FileRow) -> Result<()> {
    let tx = bench.store.begin()?;
    tx.vanish_file(row.no, &iso(bench.now.wall), "gone before it was claimed")?;
    tx.commit()?;
    let fields = [(Key::Name, Value::Bytes(&row.raw_name))];
    bench.events.tell(bench.now.wall, row.id.as_str(), Event::FileVanished, &fields);
    Ok(())
}
