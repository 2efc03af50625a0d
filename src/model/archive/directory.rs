//! The directory at an archive's end: found, bounded and read, with ZIP64 where sizes need it.
//!
//! Every member is known from here alone; what stands before it in the archive is compared later (`member`).

use std::io::{self, BufReader, Read, SeekFrom};

use super::{DEFLATED, Flaw, STORED, name, u16_at, u32_at, u64_at};
use crate::model::diagnostic::shown;
use crate::model::layout::Input;

/// The record that ends an archive, with the longest comment.
const END_BYTES: usize = 22;
const COMMENT_BYTES: usize = u16::MAX as usize;
const END: &[u8; 4] = b"PK\x05\x06";
const WIDE_LOCATOR: &[u8; 4] = b"PK\x06\x07";
const WIDE_LOCATOR_BYTES: u64 = 20;
const WIDE_END: &[u8; 4] = b"PK\x06\x06";
const WIDE_END_BYTES: usize = 56;
const ENTRY: &[u8; 4] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
/// A member packs this many times smaller at most, unless it is small: real tables reach 60, bombs 1,000.
pub(super) const RATIO: u64 = 200;
pub(super) const RATIO_FROM_BYTES: u64 = 16 << 20;
pub(super) const MIB: u64 = 1 << 20;

/// How much of an archive is taken.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub members: u64,
    /// All members unpacked.
    pub bytes: u64,
}

/// One member, as the directory tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    /// As it stands in the archive.
    pub raw_name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub packed: u64,
    pub size: u64,
    /// Of its own header.
    pub offset: u64,
}

impl Entry {
    pub fn is_folder(&self) -> bool {
        self.name.ends_with(['/', '\\']) && self.size == 0
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    pub entries: Vec<Entry>,
    /// Where the directory begins: no member reaches over it.
    pub starts: u64,
}

/// What the end says of the directory.
struct End {
    count: u64,
    bytes: u64,
    starts: u64,
    /// Where the first record of the end stands.
    at: u64,
}

/// Whether the bytes at the end of a file hold the end of an archive.
pub fn directory_at_end(tail: &[u8]) -> bool {
    end_in(tail).is_some()
}

/// The last record whose comment reaches just to the end.
fn end_in(tail: &[u8]) -> Option<usize> {
    let last = tail.len().checked_sub(END_BYTES)?;
    (0..=last)
        .rev()
        .take(COMMENT_BYTES + 1)
        .find(|at| tail[*at..].starts_with(END) && at + END_BYTES + usize::from(u16_at(tail, at + 20)) == tail.len())
}

impl Directory {
    /// Reads it whole: at most `limits.members` entries of bounded length.
    pub fn read(input: &mut dyn Input, limits: Limits) -> io::Result<Directory> {
        let end = find_end(input)?;
        if end.count > limits.members {
            let text = format!("it holds {} members; at most {} are taken.", end.count, limits.members);
            return Err(Flaw::Limit(text).into());
        }
        if end.starts.checked_add(end.bytes).is_none_or(|behind| behind > end.at) {
            return Err(Flaw::Damaged("its directory does not lie where its end says.".to_string()).into());
        }
        input.seek(SeekFrom::Start(end.starts))?;
        let mut source = BufReader::new(Read::take(&mut *input, end.bytes));
        let mut entries = Vec::new();
        let mut total = 0u64;
        for _ in 0..end.count {
            let entry = read_entry(&mut source)?;
            total = total.saturating_add(entry.size);
            check(&entry, end.starts)?;
            entries.push(entry);
        }
        if total > limits.bytes {
            let text = format!("unpacked it has {} MiB; at most {} MiB are taken.", total / MIB, limits.bytes / MIB);
            return Err(Flaw::Limit(text).into());
        }
        apart(&entries)?;
        Ok(Directory { entries, starts: end.starts })
    }

    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
    }
}

fn find_end(input: &mut dyn Input) -> io::Result<End> {
    let size = input.seek(SeekFrom::End(0))?;
    let from = size.saturating_sub((END_BYTES + COMMENT_BYTES) as u64);
    input.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    Read::take(&mut *input, (END_BYTES + COMMENT_BYTES) as u64).read_to_end(&mut tail)?;
    let Some(at) = end_in(&tail) else {
        return Err(Flaw::Cut("its directory at the end is missing.".to_string()).into());
    };
    let found = &tail[at..];
    let at = from + at as u64;
    let (disk, first_disk) = (u16_at(found, 4), u16_at(found, 6));
    if disk != first_disk || disk != 0 && disk != u16::MAX {
        return Err(Flaw::NotTaken("it is one of several parts; expected one archive in one file.".to_string()).into());
    }
    let end =
        End { count: u16_at(found, 10).into(), bytes: u32_at(found, 12).into(), starts: u32_at(found, 16).into(), at };
    let is_wide =
        end.count == u64::from(u16::MAX) || end.bytes == u64::from(u32::MAX) || end.starts == u64::from(u32::MAX);
    match at.checked_sub(WIDE_LOCATOR_BYTES).filter(|_| is_wide) {
        Some(locator) => Ok(wide_end(input, locator)?.unwrap_or(end)),
        None => Ok(end),
    }
}

/// The end of an archive whose numbers need more room; nothing where it has none, and its numbers are just large.
fn wide_end(input: &mut dyn Input, locator: u64) -> io::Result<Option<End>> {
    let mut found = [0; WIDE_LOCATOR_BYTES as usize];
    input.seek(SeekFrom::Start(locator))?;
    input.read_exact(&mut found)?;
    if !found.starts_with(WIDE_LOCATOR) {
        return Ok(None);
    }
    let at = u64_at(&found, 8);
    let mut end = [0; WIDE_END_BYTES];
    let lies_well = at.checked_add(WIDE_END_BYTES as u64).is_some_and(|behind| behind <= locator);
    if lies_well {
        input.seek(SeekFrom::Start(at))?;
        input.read_exact(&mut end)?;
    }
    if !lies_well || !end.starts_with(WIDE_END) {
        return Err(Flaw::Damaged("the record that tells its large sizes is not there.".to_string()).into());
    }
    Ok(Some(End { count: u64_at(&end, 32), bytes: u64_at(&end, 40), starts: u64_at(&end, 48), at }))
}

fn read_entry(source: &mut dyn Read) -> io::Result<Entry> {
    let damaged = || io::Error::from(Flaw::Damaged("its directory is shorter than its end says.".to_string()));
    let mut fixed = [0; ENTRY_BYTES];
    exactly(source, &mut fixed, damaged)?;
    if !fixed.starts_with(ENTRY) {
        return Err(Flaw::Damaged("its directory holds something that is no entry.".to_string()).into());
    }
    let mut raw_name = vec![0; u16_at(&fixed, 28).into()];
    let mut extra = vec![0; u16_at(&fixed, 30).into()];
    let mut comment = vec![0; u16_at(&fixed, 32).into()];
    for part in [&mut raw_name, &mut extra, &mut comment] {
        exactly(source, part, damaged)?;
    }
    let flags = u16_at(&fixed, 8);
    let mut entry = Entry {
        name: name::read(&raw_name, flags & 1 << 11 != 0)?,
        raw_name,
        flags,
        method: u16_at(&fixed, 10),
        crc: u32_at(&fixed, 16),
        packed: u32_at(&fixed, 20).into(),
        size: u32_at(&fixed, 24).into(),
        offset: u32_at(&fixed, 42).into(),
    };
    widen(&mut entry, &extra)?;
    Ok(entry)
}

fn exactly(source: &mut dyn Read, into: &mut [u8], damaged: impl Fn() -> io::Error) -> io::Result<()> {
    source.read_exact(into).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged(),
        _ => error,
    })
}

/// Takes from the extra field the numbers that had no room, in their order.
fn widen(entry: &mut Entry, extra: &[u8]) -> Result<(), Flaw> {
    let mut rest = extra;
    while rest.len() >= 4 {
        let (id, length) = (u16_at(rest, 0), usize::from(u16_at(rest, 2)));
        let Some(mut field) = rest.get(4..4 + length) else { break };
        rest = &rest[4 + length..];
        if id != 1 {
            continue;
        }
        for number in [&mut entry.size, &mut entry.packed, &mut entry.offset] {
            if *number == u64::from(u32::MAX) {
                let Some(wide) = field.get(..8) else {
                    return Err(Flaw::Damaged("a large size is missing in its directory.".to_string()));
                };
                *number = u64_at(wide, 0);
                field = &field[8..];
            }
        }
    }
    Ok(())
}

/// What no member may be.
fn check(entry: &Entry, starts: u64) -> Result<(), Flaw> {
    let name = shown(&entry.name);
    if entry.flags & 1 != 0 {
        let text = format!("its member \"{name}\" is encrypted. Send it without a password.");
        return Err(Flaw::NotTaken(text));
    }
    if entry.method != STORED && entry.method != DEFLATED {
        let text = format!(
            "its member \"{name}\" is packed by method {}; expected plain or DEFLATE, which every program can write.",
            entry.method
        );
        return Err(Flaw::NotTaken(text));
    }
    let lies_well = entry.offset.checked_add(entry.packed).is_some_and(|behind| behind <= starts);
    if !lies_well || entry.method == STORED && entry.packed != entry.size {
        return Err(Flaw::Damaged(format!("its member \"{name}\" does not lie where the directory says.")));
    }
    if entry.size > RATIO_FROM_BYTES && entry.size / RATIO > entry.packed {
        let text = format!(
            "its member \"{name}\" would unpack to {} MiB, more than {RATIO} times what was sent: that is no file for people.",
            entry.size / MIB
        );
        return Err(Flaw::Limit(text));
    }
    Ok(())
}

/// No two members share bytes: that is how a small archive holds petabytes.
fn apart(entries: &[Entry]) -> Result<(), Flaw> {
    let mut places: Vec<(u64, u64)> = entries.iter().map(|e| (e.offset, e.packed)).collect();
    places.sort_unstable();
    let overlap = places.windows(2).any(|two| two[0].0 == two[1].0 || two[0].0 + two[0].1 > two[1].0);
    if overlap { Err(Flaw::Damaged("its members lie over each other.".to_string())) } else { Ok(()) }
}
