//! A ZIP archive of files of one layout: read as one file of several parts, in the order of their names; what gzip packed, as one
//! that holds a single file.
//!
//! Each member is unpacked to a temporary file and read like a file of its own; its messages are counted on, its problems
//! carry its name. Where a message stands is said by its member and the place in it. A reject is an archive of those members
//! that hold refused messages, each cut as a file of its own would be.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::seam::{Completeness, DecodeContext, Decoded, Input, Refused, Sink, Spill, Stop};
use super::{Layout, workbook};
use crate::model::archive::gzip::{self, Gunzip};
use crate::model::archive::{self, ArchiveWriter, Directory, Entry, Flaw, Limits, Member, flaw_of};
use crate::model::batch::Batch;
use crate::model::diagnostic::{Problem, shown};
use crate::model::kind::Kind;
use crate::model::rules::order_of_files::compare_names;
use crate::model::speaker::Speaker;
use crate::model::wording;

/// What an archive of partners' files may hold.
const LIMITS: Limits = Limits { members: 10_000, bytes: 16 << 30 };
/// Places of the nth member begin at n times this: no member is as large.
pub(super) const STRIDE: u64 = 1 << 40;
pub(super) const HEAD_BYTES: usize = 64 << 10;
pub(super) const TAIL_BYTES: u64 = 64 << 10;
/// What Apple's programs put beside the files.
const ASIDE: &str = "__MACOSX/";

/// Every Office file has this member.
const OFFICE: &str = "_rels/.rels";

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    Zip,
    Gzip,
}

impl Packing {
    fn what(self) -> &'static str {
        match self {
            Packing::Zip => "archive",
            Packing::Gzip => "gzip file",
        }
    }
}

/// The file is an archive, and no workbook: those are archives too.
pub fn packing(input: &mut dyn Input) -> io::Result<Option<Packing>> {
    let mut first = Vec::new();
    input.rewind()?;
    Read::take(&mut *input, 4).read_to_end(&mut first)?;
    input.rewind()?;
    if gzip::begins_like_gzip(&first) {
        return Ok(Some(Packing::Gzip));
    }
    if !archive::begins_like_one(&first) {
        return Ok(None);
    }
    let head = head_of(input)?;
    if workbook::recognises(&head) {
        return Ok(None);
    }
    let directory = Directory::read(input, LIMITS);
    input.rewind()?;
    match directory {
        Ok(directory) => Ok(directory.find(OFFICE).is_none().then_some(Packing::Zip)),
        Err(error) if flaw_of(&error).is_some() => Ok(Some(Packing::Zip)),
        Err(error) => Err(error),
    }
}

/// The end of an archive is its directory, in the last bytes (`tail`). That of a packed file says nothing by itself: it is unpacked.
pub fn completeness(packing: Packing, input: &mut dyn Input, tail: &[u8]) -> io::Result<Completeness> {
    let missing = |what: &str| Ok(Completeness::Incomplete(what.to_string()));
    match packing {
        Packing::Zip if archive::directory_at_end(tail) => Ok(Completeness::Complete),
        Packing::Zip => missing("the directory at the end of the archive is missing"),
        Packing::Gzip => match io::copy(&mut gunzip(input)?, &mut io::sink()) {
            Err(error) if matches!(flaw_of(&error), Some(Flaw::Cut(_))) => {
                missing("what gzip packed ends before its data do")
            }
            Err(error) if flaw_of(&error).is_none() => Err(error),
            // Whatever else is wrong with it, waiting mends nothing.
            _ => Ok(Completeness::Complete),
        },
    }
}

pub(super) fn gunzip<I: Input>(mut input: I) -> io::Result<Gunzip<I>> {
    let size = input.seek(SeekFrom::End(0))?;
    input.rewind()?;
    Ok(Gunzip::new(input, size, LIMITS))
}

/// What the one file in it is called.
fn inner_name(name: &str) -> &str {
    let endings = [".gz", ".GZ", ".gzip"];
    endings.iter().find_map(|ending| name.strip_suffix(ending)).filter(|name| !name.is_empty()).unwrap_or(name)
}

/// The beginning of the first member, by which its layout is chosen, and whether that is all of it. Nothing where the archive
/// has none: reading it says why.
pub fn first_head(packing: Packing, input: &mut dyn Input) -> io::Result<Option<(Vec<u8>, bool)>> {
    let read = |input: &mut dyn Input| -> io::Result<Option<(Vec<u8>, bool)>> {
        if packing == Packing::Gzip {
            let mut head = Vec::new();
            gunzip(&mut *input)?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
            let whole = head.len() < HEAD_BYTES;
            return Ok(Some((head, whole)));
        }
        let (directory, members) = listed(input)?;
        let Some(first) = members.first() else { return Ok(None) };
        let mut head = Vec::new();
        let member = Member::open(&mut *input, &directory, first)?;
        member.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        let whole = head.len() as u64 == first.size;
        Ok(Some((head, whole)))
    };
    let found = read(input);
    input.rewind()?;
    match found {
        Err(error) if flaw_of(&error).is_some() => Ok(None),
        other => other,
    }
}

/// The first member, unpacked whole; nothing as above.
pub fn first_member(
    packing: Packing,
    input: &mut dyn Input,
    spill: &dyn Fn() -> io::Result<Box<dyn Spill>>,
) -> io::Result<Option<Box<dyn Spill>>> {
    let unpack = |input: &mut dyn Input| -> io::Result<Option<Box<dyn Spill>>> {
        let mut unpacked = spill()?;
        if packing == Packing::Gzip {
            io::copy(&mut gunzip(&mut *input)?, &mut unpacked)?;
        } else {
            let (directory, members) = listed(input)?;
            let Some(first) = members.first() else { return Ok(None) };
            io::copy(&mut Member::open(&mut *input, &directory, first)?, &mut unpacked)?;
        }
        unpacked.rewind()?;
        Ok(Some(unpacked))
    };
    let unpacked = unpack(input);
    input.rewind()?;
    match unpacked {
        Err(error) if flaw_of(&error).is_some() => Ok(None),
        other => other,
    }
}

fn head_of(input: &mut dyn Input) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.rewind()?;
    Read::take(&mut *input, HEAD_BYTES as u64).read_to_end(&mut head)?;
    input.rewind()?;
    Ok(head)
}

/// The directory, and of its members those that are files, in the order in which they are read.
pub(super) fn listed(input: &mut dyn Input) -> io::Result<(Directory, Vec<Entry>)> {
    let directory = Directory::read(input, LIMITS)?;
    let files = directory.entries.iter().filter(|entry| !entry.is_folder() && !entry.name.starts_with(ASIDE));
    let mut members: Vec<Entry> = files.cloned().collect();
    members.sort_by(|a, b| compare_names(a.name.as_bytes(), b.name.as_bytes()));
    if let Some(two) = members.windows(2).find(|two| two[0].name == two[1].name) {
        return Err(Flaw::NotTaken(format!("it holds two members named \"{}\".", two[0].name)).into());
    }
    Ok((directory, members))
}

/// Reads all members with the layout.
pub fn decode(
    (layout, packing): (&Layout, Packing),
    input: &mut dyn Input,
    context: &DecodeContext<'_>,
    sink: &mut dyn Sink,
) -> io::Result<Decoded> {
    let mut total = Decoded::default();
    let read = match packing {
        Packing::Zip => decode_members(layout, input, context, sink, &mut total),
        Packing::Gzip => decode_gzip(layout, input, context, sink, &mut total),
    };
    match read {
        Ok(()) => {}
        Err(error) => match flaw_of(&error) {
            Some(flaw) => total.fatal.add(wording::workbook::archive_flaw(packing.what(), flaw)),
            None => return Err(error),
        },
    }
    Ok(total)
}

fn decode_members(
    layout: &Layout,
    input: &mut dyn Input,
    context: &DecodeContext<'_>,
    sink: &mut dyn Sink,
    total: &mut Decoded,
) -> io::Result<()> {
    let (directory, members) = listed(input)?;
    if members.is_empty() {
        return Err(Flaw::NotTaken(
            "it holds no file; expected at least one. Pack it again with its files.".to_string(),
        )
        .into());
    }
    for (index, entry) in members.iter().enumerate() {
        let mut unpacked = (context.spill)()?;
        io::copy(&mut Member::open(&mut *input, &directory, entry)?, &mut unpacked)?;
        unpacked.rewind()?;
        decode_member(layout, &mut unpacked, (context, &entry.name), sink, (index, &mut *total))?;
        if total.stopped {
            break;
        }
    }
    Ok(())
}

fn decode_gzip(
    layout: &Layout,
    input: &mut dyn Input,
    context: &DecodeContext<'_>,
    sink: &mut dyn Sink,
    total: &mut Decoded,
) -> io::Result<()> {
    let mut unpacked = (context.spill)()?;
    io::copy(&mut gunzip(input)?, &mut unpacked)?;
    unpacked.rewind()?;
    decode_member(layout, &mut unpacked, (context, inner_name(context.file_name)), sink, (0, total))
}

pub(super) fn decode_member(
    layout: &Layout,
    unpacked: &mut Box<dyn Spill>,
    (context, member): (&DecodeContext<'_>, &str),
    sink: &mut dyn Sink,
    (index, total): (usize, &mut Decoded),
) -> io::Result<()> {
    if packing(unpacked)?.is_some() {
        let text = format!("its member \"{}\" is an archive again; expected files.", shown(member));
        return Err(Flaw::NotTaken(text).into());
    }
    let name = member.rsplit(['/', '\\']).next().unwrap_or_default();
    let own = DecodeContext { file_name: name, zone: context.zone, spill: context.spill };
    let speaker = Arc::new(Speaker { member: Some(member.to_string()), ..Speaker::default() });
    let mut part = Part { sink, speaker: speaker.clone(), messages: total.messages, byte: index as u64 * STRIDE };
    let mut decoded = layout.decode(unpacked, &own, &mut part)?;
    if decoded.fatal.is_empty()
        && let Completeness::Incomplete(missing) = end_of(layout, unpacked)?
    {
        decoded.fatal.add(wording::judging::truncated(&missing));
    }
    total.messages += decoded.messages;
    total.stopped |= decoded.stopped;
    decoded.fatal.each_place(|place| speaker.speak(place));
    total.fatal.append(decoded.fatal);
    Ok(())
}

fn end_of(layout: &Layout, unpacked: &mut Box<dyn Spill>) -> io::Result<Completeness> {
    let size = unpacked.seek(SeekFrom::End(0))?;
    let from = size.saturating_sub(TAIL_BYTES);
    unpacked.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    unpacked.read_to_end(&mut tail)?;
    Ok(layout.completeness(&tail, from == 0))
}

/// Hands on what one member holds as part of the whole.
struct Part<'s> {
    sink: &'s mut dyn Sink,
    speaker: Arc<Speaker>,
    /// Messages of the members before.
    messages: u64,
    byte: u64,
}

impl Sink for Part<'_> {
    fn empty(&mut self, kind: &Arc<Kind>) -> Batch {
        self.sink.empty(kind)
    }

    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        let sheet = batch.speaker().and_then(|speaker| speaker.sheet.clone());
        let speaker = match sheet {
            Some(sheet) => Arc::new(Speaker { sheet: Some(sheet), ..(*self.speaker).clone() }),
            None => self.speaker.clone(),
        };
        batch.set_speaker(Some(speaker));
        batch.move_behind(self.messages, self.byte);
        self.sink.batch(batch)
    }

    fn refused(&mut self, mut message: Refused) -> Result<(), Stop> {
        message.number += self.messages;
        for range in &mut message.bytes {
            *range = range.start + self.byte..range.end + self.byte;
        }
        message.problems.iter_mut().for_each(|problem: &mut Problem| {
            problem.message = message.number;
            problem.place.byte += self.byte;
            self.speaker.speak(&mut problem.place);
        });
        self.sink.refused(message)
    }
}

/// The archive of the members that hold these messages, each with them alone.
pub(super) fn rebuild(
    (layout, packing): (&Layout, Packing),
    original: &mut dyn Input,
    messages: &[Range<u64>],
    out: &mut dyn Write,
) -> io::Result<()> {
    if packing == Packing::Gzip {
        return rebuild_gzip(layout, original, messages, out);
    }
    let (directory, members) = listed(original)?;
    let shared = Shared(Rc::new(RefCell::new(original)));
    let mut writer = ArchiveWriter::new(out);
    for (index, entry) in members.iter().enumerate() {
        let base = index as u64 * STRIDE;
        let own: Vec<Range<u64>> = messages
            .iter()
            .filter(|range| (base..base + STRIDE).contains(&range.start))
            .map(|range| range.start - base..range.end - base)
            .collect();
        if own.is_empty() {
            continue;
        }
        rebuild_one(layout, (shared.clone(), &directory), entry, &own, &mut writer)?;
    }
    writer.finish().map(|_| ())
}

fn rebuild_gzip(
    layout: &Layout,
    original: &mut dyn Input,
    messages: &[Range<u64>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let size = io::copy(&mut gunzip(&mut *original)?, &mut io::sink())?;
    let shared = Shared(Rc::new(RefCell::new(original)));
    let mut unpacked = Unpacked { reopen: || gunzip(shared.clone()), size, open: None, at: 0, wanted: 0 };
    let mut packed = gzip::writer(out);
    layout.rebuild_reject(&mut unpacked, messages, &mut packed)?;
    packed.finish().map(|_| ())
}

/// One member with these messages alone, their places being those in it.
pub(super) fn rebuild_member<W: Write>(
    layout: &Layout,
    (original, directory): (&mut dyn Input, &Directory),
    entry: &Entry,
    own: &[Range<u64>],
    writer: &mut ArchiveWriter<W>,
) -> io::Result<()> {
    rebuild_one(layout, (Shared(Rc::new(RefCell::new(original))), directory), entry, own, writer)
}

fn rebuild_one<W: Write>(
    layout: &Layout,
    (shared, directory): (Shared<'_>, &Directory),
    entry: &Entry,
    own: &[Range<u64>],
    writer: &mut ArchiveWriter<W>,
) -> io::Result<()> {
    let reopen = || Member::open(shared.clone(), directory, entry);
    let mut unpacked = Unpacked { reopen, size: entry.size, open: None, at: 0, wanted: 0 };
    let mut member = writer.begin(&entry.name)?;
    layout.rebuild_reject(&mut unpacked, own, &mut member)?;
    member.end()
}

/// One archive for several readers, of which one reads at a time.
#[derive(Clone)]
struct Shared<'i>(Rc<RefCell<&'i mut dyn Input>>);

impl Read for Shared<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(into)
    }
}

impl Seek for Shared<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.borrow_mut().seek(to)
    }
}

/// A member that can be read from any place: what lies before it is unpacked again. Rejects are mostly read forwards.
struct Unpacked<F, M> {
    reopen: F,
    size: u64,
    open: Option<M>,
    /// Where the open member stands, and where the next byte is wanted from.
    at: u64,
    wanted: u64,
}

impl<F: FnMut() -> io::Result<M>, M: Read> Read for Unpacked<F, M> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.wanted >= self.size {
            return Ok(0);
        }
        if self.open.is_none() || self.at > self.wanted {
            self.open = Some((self.reopen)()?);
            self.at = 0;
        }
        let Some(member) = &mut self.open else { return Ok(0) };
        if self.at < self.wanted {
            self.at += io::copy(&mut Read::take(&mut *member, self.wanted - self.at), &mut io::sink())?;
        }
        let read = member.read(into)?;
        self.at += read as u64;
        self.wanted = self.at;
        Ok(read)
    }
}

impl<F, M> Seek for Unpacked<F, M> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let wanted = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.wanted.checked_add_signed(by),
        };
        self.wanted = wanted.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.wanted)
    }
}
