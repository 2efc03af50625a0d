//! Originals past their days are packed: `done/PARTNER/DAY/INTAKE.N.zip` holds those of one intake and day under the names they had
//! there, so that `unzip` in that folder puts them back. A little at a time; of a day with more there are several.
//!
//! draft whole and read again → commit "being archived" → the archive synced and named → the files removed → commit "archived".
//! A crash leaves the first commit at most: where the archive has its name, the files are removed; where it has none, they stand still
//! and are packed anew. Whoever needs one again gets it out (`bring_back`); the archive goes with the last of them.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use anyhow::{Context, Result};
use chrono::NaiveDate;

use super::inbound::round::Bench;
use crate::edges::events::{Event, Key, Value};
use crate::edges::scratch;
use crate::edges::spool::{Draft, Existing, Lasting, Place, Role, Spool, State, day_archive_name, state_name};
use crate::edges::store::ledger::{FileRow, OfDay};
use crate::model::archive::{ArchiveWriter, Directory, Limits, Member};
use crate::model::ids::{Id, split_prefixed};
use crate::model::intake::Intake;
use crate::model::verdict::Home;

/// In one archive, and in one go: a large day does not hold up the files of the morning.
const FILES_AT_A_TIME: u32 = 1_000;
/// The go ends with the file that reaches this.
const BYTES_AT_A_TIME: u64 = 64 << 20;
/// Larger files stay as they are: an archive that every program reads holds no more.
const MOST_BYTES: u64 = 3 << 30;
/// Archives of one intake and day; more are not looked for.
const ARCHIVES_MOST: i64 = 10_000;

/// Packs what stands in done/ of the oldest day before this one.
pub fn pack_before(bench: &mut Bench<'_>, intake: &Intake, before: &str) -> Result<()> {
    let (partner, id) = (&intake.sender.partner[..], &intake.id[..]);
    let rows = bench.store.read()?.unarchived_before(partner, id, before, (MOST_BYTES, FILES_AT_A_TIME))?;
    let Some(Ok(day)) = rows.first().map(|row| row.day.parse()) else { return Ok(()) };
    let place = Place::Done { partner, day };
    let number = free_number(bench.spool, place, id)?;
    let mut draft = bench.spool.draft(State::Done)?;
    let (packed, gone) = write(bench, place, &rows, &mut draft)?;
    let tx = bench.store.begin()?;
    for row in &gone {
        tx.mark_original_gone(row.no)?;
    }
    for row in &packed {
        tx.mark_archived(row.no, -number)?;
    }
    tx.commit()?;
    if packed.is_empty() {
        return Ok(());
    }
    draft.publish(bench.spool, (place, &day_archive_name(id, number)), Existing::Refuse, Lasting::Now)?;
    finish(bench, intake)
}

/// Ends what was begun, by this go or by one that a crash ended.
pub fn finish(bench: &mut Bench<'_>, intake: &Intake) -> Result<()> {
    let (partner, id) = (&intake.sender.partner[..], &intake.id[..]);
    let rows = bench.store.read()?.being_archived(partner, id, FILES_AT_A_TIME)?;
    for same in rows.chunk_by(|one, next| (&one.day, one.archived) == (&next.day, next.archived)) {
        let Ok(day) = same[0].day.parse() else { continue };
        let (place, number) = (Place::Done { partner, day }, -same[0].archived);
        let archive = open(bench.spool, place, id, number)?;
        let mut packed = Vec::with_capacity(same.len());
        for row in same {
            let is_in_it = archive.as_ref().is_some_and(|(_, directory)| member(directory, row.id).is_some());
            let name = state_name(row.id, &row.raw_name, Role::Original);
            if is_in_it && bench.spool.look(place, &name)?.is_some() {
                bench.spool.remove(place, &name)?;
            }
            packed.push((row, if is_in_it { number } else { 0 }));
        }
        let tx = bench.store.begin()?;
        for (row, archived) in &packed {
            tx.mark_archived(row.no, *archived)?;
        }
        tx.commit()?;
        for (row, _) in packed.iter().filter(|(_, archived)| *archived > 0) {
            let fields = [(Key::Name, Value::Bytes(&row.raw_name))];
            bench.events.tell(bench.now.wall, row.id.as_str(), Event::OriginalArchived, &fields);
        }
    }
    Ok(())
}

/// One that no archive has: what a lost database knew of is not written over.
fn free_number(spool: &Spool, place: Place<'_>, intake: &str) -> Result<i64> {
    for number in 1..=ARCHIVES_MOST {
        if spool.look(place, &day_archive_name(intake, number))?.is_none() {
            return Ok(number);
        }
    }
    anyhow::bail!("{intake} has {ARCHIVES_MOST} archives of one day already")
}

/// Those that were packed, and those that are not there: somebody removed them.
fn write<'r>(
    bench: &Bench<'_>,
    place: Place<'_>,
    rows: &'r [FileRow],
    draft: &mut Draft,
) -> Result<(Vec<&'r FileRow>, Vec<&'r FileRow>)> {
    let (mut packed, mut gone, mut bytes) = (Vec::new(), Vec::new(), 0);
    let mut writer = ArchiveWriter::new(&mut *draft);
    for row in rows {
        if bytes >= BYTES_AT_A_TIME || (bench.give_up)() {
            break;
        }
        let name = state_name(row.id, &row.raw_name, Role::Original);
        let Some(meta) = bench.spool.look(place, &name)? else {
            gone.push(row);
            continue;
        };
        if bytes > 0 && bytes + meta.size > MOST_BYTES {
            break;
        }
        bytes += meta.size;
        let mut source = bench.spool.read(place, &name)?;
        if let Err(error) = writer.add(&member_name(row.id, &row.raw_name), &mut source, meta.size) {
            // A full disk is told as one of the spool.
            return Err(draft.failed(error).into());
        }
        packed.push(row);
    }
    let ended = writer.finish().map(drop).and_then(|()| draft.flush());
    ended.map_err(|error| draft.failed(error))?;
    check(draft, &packed)?;
    Ok((packed, gone))
}

/// Files are removed only for an archive that can be read.
fn check(draft: &Draft, packed: &[&FileRow]) -> Result<()> {
    let mut file = draft.read()?;
    let directory = read_directory(&mut file).context("an archive of originals cannot be read again")?;
    let missing = packed.iter().find(|row| member(&directory, row.id).is_none());
    anyhow::ensure!(
        missing.is_none() && directory.entries.len() == packed.len(),
        "an archive of originals lacks one of them"
    );
    Ok(())
}

fn read_directory(file: &mut File) -> io::Result<Directory> {
    Directory::read(file, Limits { members: u64::from(FILES_AT_A_TIME), bytes: u64::MAX })
}

/// The name it had in done/, as far as an archive can say it.
fn member_name(id: Id, raw_name: &[u8]) -> String {
    let name = state_name(id, raw_name, Role::Original);
    String::from_utf8_lossy(&name).replace(|c: char| c.is_control() || c == '\\', "_")
}

fn member(directory: &Directory, id: Id) -> Option<&crate::model::archive::Entry> {
    directory.entries.iter().find(|entry| entry.name.as_bytes().starts_with(id.as_str().as_bytes()))
}

fn open(spool: &Spool, place: Place<'_>, intake: &str, number: i64) -> Result<Option<(File, Directory)>> {
    let name = day_archive_name(intake, number);
    if spool.look(place, &name)?.is_none() {
        return Ok(None);
    }
    let mut file = spool.read(place, &name)?;
    let directory = read_directory(&mut file)
        .with_context(|| format!("the archive {} cannot be read", String::from_utf8_lossy(&name)))?;
    Ok(Some((file, directory)))
}

/// The archive that holds it, and how it is called there; nothing where none does. What an older database does not know of is found too.
pub fn archive_of(spool: &Spool, row: &FileRow) -> Result<Option<(i64, String)>> {
    let Some(place) = place_of(row) else { return Ok(None) };
    for number in numbers(spool, place, row)? {
        if let Some((_, directory)) = open(spool, place, &row.intake, number)?
            && let Some(entry) = member(&directory, row.id)
        {
            return Ok(Some((number, entry.name.clone())));
        }
    }
    Ok(None)
}

/// Ids of the originals in an archive, where the name in a folder of done/ is that of one.
pub fn ids_in(spool: &Spool, place: Place<'_>, name: &[u8]) -> Result<Vec<Id>> {
    if !name.ends_with(b".zip") {
        return Ok(Vec::new());
    }
    let mut file = spool.read(place, name)?;
    let Ok(directory) = read_directory(&mut file) else { return Ok(Vec::new()) };
    Ok(directory.entries.iter().filter_map(|entry| Some(split_prefixed(entry.name.as_bytes())?.0)).collect())
}

fn place_of(row: &FileRow) -> Option<Place<'_>> {
    let day: NaiveDate = row.day.parse().ok()?;
    Some(Place::Done { partner: &row.partner, day })
}

fn numbers(spool: &Spool, place: Place<'_>, row: &FileRow) -> Result<Vec<i64>> {
    if row.archived != 0 {
        return Ok(vec![row.archived.abs()]);
    }
    Ok((1..free_number(spool, place, &row.intake)?).collect())
}

/// Its content, out of an archive.
pub fn unpacked(spool: &Spool, row: &FileRow) -> Result<Option<File>> {
    let mut out = scratch::file()?;
    Ok(match copy_out(spool, row, &mut out)? {
        false => None,
        true => {
            out.seek(SeekFrom::Start(0))?;
            Some(out)
        }
    })
}

fn copy_out(spool: &Spool, row: &FileRow, out: &mut dyn Write) -> Result<bool> {
    let (Some(place), Some((number, _))) = (place_of(row), archive_of(spool, row)?) else { return Ok(false) };
    let Some((file, directory)) = open(spool, place, &row.intake, number)? else { return Ok(false) };
    let Some(entry) = member(&directory, row.id) else { return Ok(false) };
    let mut source = Member::open(file, &directory, entry)?;
    io::copy(&mut source, out).with_context(|| format!("cannot get {} out of its archive", row.name))?;
    Ok(true)
}

/// It stands in done/ again, where it was in an archive; the archive goes with the last that it held.
pub fn bring_back(bench: &mut Bench<'_>, row: &mut FileRow) -> Result<()> {
    let is_kept_in_done = row.home == Some(Home::Done) && !row.original_gone;
    let Some(place) = place_of(row).filter(|_| row.archived != 0 || is_kept_in_done) else { return Ok(()) };
    let name = state_name(row.id, &row.raw_name, Role::Original);
    // A person may have got it out already.
    if bench.spool.look(place, &name)?.is_none() {
        let mut draft = bench.spool.draft(State::Done)?;
        if !copy_out(bench.spool, row, &mut draft)? {
            return Ok(());
        }
        draft.publish(bench.spool, (place, &name), Existing::Replace, Lasting::Now)?;
    }
    if row.archived != 0 {
        drop_archives(bench, std::slice::from_ref(row))?;
        let tx = bench.store.begin()?;
        tx.mark_archived(row.no, 0)?;
        tx.commit()?;
        row.archived = 0;
    }
    Ok(())
}

/// Removes archives that hold nothing but these originals, which are not kept any more or stand in done/ again. Their commit comes after it.
pub fn drop_archives(bench: &mut Bench<'_>, rows: &[FileRow]) -> Result<()> {
    let mut of: Vec<(&FileRow, u64)> = Vec::new();
    for row in rows.iter().filter(|row| row.archived != 0) {
        let same = |known: &FileRow| {
            (&known.partner, &known.intake, &known.day, known.archived.abs())
                == (&row.partner, &row.intake, &row.day, row.archived.abs())
        };
        match of.iter_mut().find(|(known, _)| same(known)) {
            Some((_, count)) => *count += 1,
            None => of.push((row, 1)),
        }
    }
    for (row, count) in of {
        let day = OfDay { partner: &row.partner, intake: &row.intake, day: &row.day };
        let number = row.archived.abs();
        let (Some(place), name) = (place_of(row), day_archive_name(&row.intake, number)) else { continue };
        if bench.store.read()?.kept_in_archive(day, number)? == count && bench.spool.look(place, &name)?.is_some() {
            bench.spool.remove(place, &name)?;
            bench.spool.remove_empty(place)?;
        }
    }
    Ok(())
}
