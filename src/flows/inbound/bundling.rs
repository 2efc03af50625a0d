//! Several files that are one arrival are put into one archive when they are claimed: from there on it is one file, with one id, one
//! verdict and one move, and goes back to in/ as one.
//!
//! in/ → work/ by a rename each, the first file last; the archive of them whole and synced in work/; only then they are removed.
//! Whatever a crash leaves, either the archive stands in work/ or all of them still do, here or in in/. What a remote has is fetched
//! first, all of it, and put together before it has a name in work/.

use std::io::{self, ErrorKind, Read, Write};

use anyhow::Result;

use super::claiming::Claimed;
use crate::edges::spool::{Existing, Lasting, Parked, Place, Role, Spool, SpoolError, State, shown_name, state_name};
use crate::edges::store::ledger::{FileRow, PartRow};
use crate::flows::inbound::hashing::WHOLE_BYTES;
use crate::model::archive::{ArchiveWriter, Directory, Limits, Member};
use crate::model::ids::Id;
use crate::model::rules::companions::plain_name;

/// An archive holds no more (model/archive).
pub const MOST_BYTES: u64 = u32::MAX as u64 - (1 << 20);

/// What became of the files of an arrival.
pub enum Bundled {
    /// They stand in work/ as one archive of so many bytes; the hash of each.
    Whole(u64, Vec<[u8; 32]>),
    /// One of them is gone; the others went back to in/.
    Gone,
    /// One of them was written to; all went back to in/ and are looked at anew.
    Changed,
}

/// Claims the files of an arrival and makes one of them.
pub fn bundle(spool: &Spool, file: &Claimed) -> Result<Bundled> {
    let (partner, intake) = (&file.intake.sender.partner[..], &file.intake.id[..]);
    let (from, work) = (Place::In { partner, intake }, Place::Work { partner, intake });
    for part in file.parts.iter().rev() {
        match spool.rename((from, &part.raw_name), (work, &name_in_work(file.id, part))) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                put_back(spool, (partner, intake), file.id, &file.parts)?;
                return Ok(Bundled::Gone);
            }
            Err(error) => return Err(error.into()),
        }
    }
    let archive = state_name(file.id, &file.raw_name, Role::Original);
    let Some((size, contents)) = pack(spool, work, file.id, &file.parts, &archive)? else {
        put_back(spool, (partner, intake), file.id, &file.parts)?;
        return Ok(Bundled::Changed);
    };
    remove_parts(spool, work, file.id, &file.parts)?;
    Ok(Bundled::Whole(size, contents))
}

fn name_in_work(id: Id, part: &PartRow) -> Vec<u8> {
    state_name(id, plain_name(&part.raw_name), Role::Original)
}

/// Of the bytes that pass.
struct Hashed<R> {
    source: R,
    hasher: blake3::Hasher,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// How many they are, and their hash.
pub type PartBytes = (u64, [u8; 32]);

fn add(writer: &mut ArchiveWriter<impl Write>, name: &[u8], source: impl Read) -> io::Result<PartBytes> {
    let mut source = Hashed { source, hasher: blake3::Hasher::new() };
    let mut member = writer.begin(&String::from_utf8_lossy(plain_name(name)))?;
    let count = io::copy(&mut source, &mut member)?;
    member.end()?;
    Ok((count, *source.hasher.finalize().as_bytes()))
}

/// What was fetched of an arrival, by the names that its files have, as one that is parked in their place.
pub fn pack_fetched(spool: &Spool, files: &[(&[u8], Parked)]) -> Result<(Parked, Vec<PartBytes>), SpoolError> {
    let bytes: u64 = files.iter().map(|(_, parked)| parked.size()).sum();
    let small = (bytes <= WHOLE_BYTES).then_some(bytes as usize);
    let mut arriving = spool.arriving(small)?;
    let mut writer = ArchiveWriter::new(&mut arriving);
    let mut contents = Vec::with_capacity(files.len());
    let mut packed = || -> Result<io::Result<()>, SpoolError> {
        for (name, parked) in files {
            match add(&mut writer, name, parked.open()?) {
                Ok(bytes) => contents.push(bytes),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(()))
    };
    let written = packed()?.and_then(|()| writer.finish().map(drop));
    written.map_err(|error| arriving.failed(spool, error))?;
    Ok((arriving.park(spool)?, contents))
}

/// The hashes of the parts in an archive that was put together before a crash.
pub fn contents_in(
    spool: &Spool,
    row: (&str, &str),
    archive: &[u8],
    parts: &[PartRow],
) -> Result<Vec<Option<[u8; 32]>>> {
    let mut file = spool.read(Place::Work { partner: row.0, intake: row.1 }, archive)?;
    let directory = Directory::read(&mut file, Limits { members: parts.len() as u64, bytes: u64::MAX })?;
    let mut contents = Vec::with_capacity(parts.len());
    for part in parts {
        let Some(entry) = directory.find(&String::from_utf8_lossy(plain_name(&part.raw_name))) else {
            contents.push(None);
            continue;
        };
        let mut hasher = blake3::Hasher::new();
        io::copy(&mut Member::open(&mut file, &directory, entry)?, &mut hasher)?;
        contents.push(Some(*hasher.finalize().as_bytes()));
    }
    Ok(contents)
}

/// The size of the archive, and the hash of each part; nothing where one of the files is not what it was when it was seen.
fn pack(
    spool: &Spool,
    work: Place<'_>,
    id: Id,
    parts: &[PartRow],
    archive: &[u8],
) -> Result<Option<(u64, Vec<[u8; 32]>)>> {
    let mut draft = spool.draft(State::Work)?;
    let mut writer = ArchiveWriter::new(&mut draft);
    let mut contents = Vec::with_capacity(parts.len());
    let mut packed = || -> io::Result<Result<bool>> {
        for part in parts {
            let name = name_in_work(id, part);
            let source = match spool.read(work, &name) {
                Ok(source) => source,
                Err(error) => return Ok(Err(error.into())),
            };
            let (copied, content) = add(&mut writer, &part.raw_name, source)?;
            contents.push(content);
            match spool.look(work, &name) {
                Ok(Some(meta)) if (meta.size, copied) == (part.size, part.size) => {}
                Ok(_) => return Ok(Ok(false)),
                Err(error) => return Ok(Err(error.into())),
            }
        }
        Ok(Ok(true))
    };
    let written = packed().and_then(|found| writer.finish().map(|_| found));
    match written {
        Err(error) => return Err(draft.failed(error).into()),
        Ok(is_whole) => {
            if !is_whole? {
                return Ok(None);
            }
        }
    }
    let size = draft.written();
    draft.publish(spool, (work, archive), Existing::Replace, Lasting::Now)?;
    Ok(Some((size, contents)))
}

fn remove_parts(spool: &Spool, work: Place<'_>, id: Id, parts: &[PartRow]) -> Result<()> {
    for part in parts {
        let name = name_in_work(id, part);
        if spool.look(work, &name)?.is_some() {
            spool.remove(work, &name)?;
        }
    }
    Ok(())
}

/// What of them stands in work/ goes back to in/, the first file first: it was taken last.
fn put_back(spool: &Spool, (partner, intake): (&str, &str), id: Id, parts: &[PartRow]) -> Result<()> {
    let (work, to) = (Place::Work { partner, intake }, Place::In { partner, intake });
    for part in parts {
        let name = name_in_work(id, part);
        if spool.look(work, &name)?.is_none() {
            continue;
        }
        match spool.rename((work, &name), (to, &part.raw_name)) {
            // Another of that name has come since: both are there, and a person is told that two fit one.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => spool.rename((work, &name), (to, &name))?,
            moved => moved?,
        }
    }
    Ok(())
}

/// Where a crash between commit 1 and the verdict left an arrival of several files.
#[derive(Debug, PartialEq, Eq)]
pub enum LeftOver {
    /// Its archive stands in work/.
    Archive,
    /// All its files stand in in/: the next look claims them under its id.
    AllInIn,
    /// Not all of them are there any more. What is stands in in/.
    Gone,
}

/// Puts what a crash left of an arrival where it belongs, and says where that is.
pub fn take_up(spool: &Spool, row: &FileRow, parts: &[PartRow]) -> Result<LeftOver> {
    let (partner, intake) = (&row.partner[..], &row.intake[..]);
    let (place, work) = (Place::In { partner, intake }, Place::Work { partner, intake });
    let archive = state_name(row.id, &row.raw_name, Role::Original);
    if spool.look(work, &archive)?.is_some() {
        remove_parts(spool, work, row.id, parts)?;
        return Ok(LeftOver::Archive);
    }
    put_back(spool, (partner, intake), row.id, parts)?;
    for part in parts {
        if spool.look(place, &part.raw_name)?.is_none() {
            return Ok(LeftOver::Gone);
        }
    }
    Ok(LeftOver::AllInIn)
}

/// Is this name in work/ one of the files whose archive has its verdict? A power cut may take their removal back.
pub fn is_packed(row: &FileRow, parts: &[PartRow], name: &[u8]) -> bool {
    parts.iter().any(|part| name_in_work(row.id, part) == name)
}

/// As the ledger keeps them.
pub fn part_of(raw_name: &[u8], size: u64) -> PartRow {
    PartRow { raw_name: raw_name.to_vec(), name: shown_name(plain_name(raw_name)).to_string(), size, content: None }
}
