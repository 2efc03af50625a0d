//! Several files that are one arrival, in one archive: which of its members is which part, the parts read in their order, those
//! that no layout reads checked for what they say they are, and a reject that is such an archive again.

use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::Arc;

use super::packed::{self, HEAD_BYTES, Packing, STRIDE, decode_member, listed, packing};
use super::paper;
use super::rows::Rows;
use super::seam::{DecodeContext, Decoded, Input, Refused, Sink, Spill, Stop};
use super::{Layout, Syntax};
use crate::model::archive::{ArchiveWriter, Directory, Entry, Member, flaw_of, raw};
use crate::model::batch::Batch;
use crate::model::diagnostic::{Problem, shown};
use crate::model::kind::Kind;
use crate::model::pdf::{self, Paper};
use crate::model::rules::companions::{Companions, plain_name};
use crate::model::speaker::Speaker;
use crate::model::wording;

/// A member of the archive and which part it is; `at`: its place among the members as they are counted in positions.
pub(super) struct Part {
    pub entry: Entry,
    at: u64,
    pub is_read: bool,
}

/// Its name without the folders of a program that packed it.
fn name_of(entry: &Entry) -> &str {
    let name = entry.name.rsplit(['/', '\\']).next().unwrap_or_default();
    std::str::from_utf8(plain_name(name.as_bytes())).unwrap_or_default()
}

/// The parts in the order of the patterns, or what is wrong with them.
fn parts_of(companions: &Companions, members: &[Entry]) -> Result<Vec<Part>, Problem> {
    let found = companions.pair(members.iter().map(|entry| name_of(entry).as_bytes()));
    let named = |at: &usize| name_of(&members[*at]).to_string();
    if let Some(other) = found.others.first() {
        return Err(wording::companion_misnamed(&named(other), companions.patterns()));
    }
    if let Some((files, missing)) = found.lone.first() {
        return Err(wording::companion_missing(&named(&files[0]), missing));
    }
    let [whole] = &found.whole[..] else {
        let names: Vec<String> = (0..members.len()).map(|at| named(&at)).collect();
        return Err(wording::companions_many(&names));
    };
    let part = |(nth, at): (usize, &usize)| Part {
        entry: members[*at].clone(),
        at: *at as u64,
        is_read: companions.is_read(nth),
    };
    Ok(whole.iter().enumerate().map(part).collect())
}

/// Why a file is none, or an archive not all, of an arrival of several files; nothing where its parts can be read.
pub fn refused(companions: &Companions, input: &mut dyn Input, name: &str) -> io::Result<Option<Decoded>> {
    let problem = match is_zip(input)? {
        true => match listed(input) {
            Ok((_, members)) => parts_of(companions, &members).err(),
            Err(error) => match flaw_of(&error) {
                Some(flaw) => Some(wording::workbook::archive_flaw("archive", flaw)),
                None => return Err(error),
            },
        },
        false => Some(match companions.missing_beside(name) {
            Some(missing) => wording::companion_missing(name, &missing),
            None => wording::companion_misnamed(name, companions.patterns()),
        }),
    };
    input.rewind()?;
    Ok(problem.map(|problem| {
        let mut decoded = Decoded::default();
        decoded.fatal.add(problem);
        decoded
    }))
}

fn is_zip(input: &mut dyn Input) -> io::Result<bool> {
    Ok(packing(input)? == Some(Packing::Zip))
}

pub(super) fn opened(companions: &Companions, input: &mut dyn Input) -> io::Result<(Directory, Vec<Part>)> {
    let (directory, members) = listed(input)?;
    let parts = parts_of(companions, &members).map_err(|problem| io::Error::other(problem.to_string()))?;
    Ok((directory, parts))
}

/// The beginning of the first part, by which its layout is chosen, and whether that is all of it.
pub fn first_head(companions: &Companions, input: &mut dyn Input) -> io::Result<(Vec<u8>, bool)> {
    let (directory, parts) = opened(companions, input)?;
    let entry = &parts[0].entry;
    let mut head = Vec::new();
    Member::open(&mut *input, &directory, entry)?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let whole = head.len() as u64 == entry.size;
    input.rewind()?;
    Ok((head, whole))
}

/// Reads the parts, each with the layout.
pub fn decode(
    layout: &Layout,
    companions: &Companions,
    input: &mut dyn Input,
    context: &DecodeContext<'_>,
    sink: &mut dyn Sink,
) -> io::Result<Decoded> {
    let mut total = Decoded::default();
    match decode_parts(layout, companions, input, context, sink, &mut total) {
        Ok(()) => {}
        Err(error) => match flaw_of(&error) {
            Some(flaw) => total.fatal.add(wording::workbook::archive_flaw("archive", flaw)),
            None => return Err(error),
        },
    }
    Ok(total)
}

fn decode_parts(
    layout: &Layout,
    companions: &Companions,
    input: &mut dyn Input,
    context: &DecodeContext<'_>,
    sink: &mut dyn Sink,
    total: &mut Decoded,
) -> io::Result<()> {
    let (directory, parts) = opened(companions, input)?;
    // A paper that is none refuses the arrival before anything of it is read.
    for part in parts.iter().filter(|part| !part.is_read) {
        match companions.paper {
            Some(limits) => total.paper = look_at_paper(input, &directory, (&part.entry, limits), total)?,
            None => check_paper(input, &directory, &part.entry, total)?,
        }
    }
    if let (Syntax::Rows(rows), Some(_)) = (&layout.syntax, layout.files()) {
        return decode_joined(layout, rows, (input, &directory, &parts), context, sink, total);
    }
    for part in parts.iter().filter(|part| part.is_read) {
        let entry = &part.entry;
        let mut unpacked = (context.spill)()?;
        io::copy(&mut Member::open(&mut *input, &directory, entry)?, &mut unpacked)?;
        unpacked.rewind()?;
        decode_member(layout, &mut unpacked, (context, &entry.name), sink, (part.at as usize, &mut *total))?;
        if total.stopped {
            break;
        }
    }
    Ok(())
}

/// Rows of several files as those of one.
pub(super) struct Joined {
    pub text: Box<dyn Spill>,
    /// At which line each begins.
    files: Vec<(u32, String)>,
    /// The files whose last row has no line end.
    unended: Vec<String>,
}

pub(super) type Archive<'a> = (&'a mut dyn Input, &'a Directory, &'a [Part]);

pub(super) fn join(
    layout: &Layout,
    rows: &Rows,
    (input, directory, parts): Archive<'_>,
    spill: &dyn Fn() -> io::Result<Box<dyn Spill>>,
) -> io::Result<Joined> {
    let mut joined = Joined { text: spill()?, files: Vec::new(), unended: Vec::new() };
    let mut line = 1;
    for (nth, part) in parts.iter().filter(|part| part.is_read).enumerate() {
        let entry = &part.entry;
        let mut unpacked = spill()?;
        io::copy(&mut Member::open(&mut *input, directory, entry)?, &mut unpacked)?;
        unpacked.rewind()?;
        let mut raw = Member::open(&mut *input, directory, entry)?;
        let tagged = rows.tag_rows(layout, nth + 1, (&mut unpacked, &mut raw), &mut joined.text)?;
        joined.files.push((line, entry.name.clone()));
        line += tagged.lines;
        if !tagged.ended {
            joined.unended.push(entry.name.clone());
        }
    }
    joined.text.rewind()?;
    Ok(joined)
}

fn decode_joined(
    layout: &Layout,
    rows: &Rows,
    archive: Archive<'_>,
    context: &DecodeContext<'_>,
    sink: &mut dyn Sink,
    total: &mut Decoded,
) -> io::Result<()> {
    let mut joined = join(layout, rows, archive, context.spill)?;
    if let Some(name) = joined.unended.first().filter(|_| rows.wants_line_end()) {
        let missing = format!("the last row of {} has no line end, so that its last value may be cut", shown(name));
        total.fatal.add(wording::judging::truncated(&missing));
        return Ok(());
    }
    let first = joined.files.first().map_or(String::new(), |(_, name)| name.clone());
    let speaker = Arc::new(Speaker { files: joined.files, ..Speaker::default() });
    let own = DecodeContext { file_name: &first, zone: context.zone, spill: context.spill };
    let mut decoded = layout.decode(&mut joined.text, &own, &mut Told { sink, speaker: speaker.clone() })?;
    decoded.fatal.each_place(|place| speaker.speak(place));
    total.messages += decoded.messages;
    total.stopped |= decoded.stopped;
    total.fatal.append(decoded.fatal);
    Ok(())
}

/// Hands on what was read of several files as one, with the places in each.
struct Told<'s> {
    sink: &'s mut dyn Sink,
    speaker: Arc<Speaker>,
}

impl Sink for Told<'_> {
    fn empty(&mut self, kind: &Arc<Kind>) -> Batch {
        self.sink.empty(kind)
    }

    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        batch.set_speaker(Some(self.speaker.clone()));
        self.sink.batch(batch)
    }

    fn refused(&mut self, mut message: Refused) -> Result<(), Stop> {
        message.problems.iter_mut().for_each(|problem| self.speaker.speak(&mut problem.place));
        self.sink.refused(message)
    }
}

/// One that goes on with its order: whole, and as its receiver can use it.
fn look_at_paper(
    input: &mut dyn Input,
    directory: &Directory,
    (entry, limits): (&Entry, pdf::Limits),
    total: &mut Decoded,
) -> io::Result<Option<Paper>> {
    match paper::look(name_of(entry), &mut Member::open(&mut *input, directory, entry)?, limits)? {
        Ok(paper) => Ok(Some(paper)),
        Err(problem) => {
            total.fatal.add(problem);
            Ok(None)
        }
    }
}

/// A PDF begins and ends as one; what stands in between is its reader's.
fn check_paper(input: &mut dyn Input, directory: &Directory, entry: &Entry, total: &mut Decoded) -> io::Result<()> {
    const BEGIN: &[u8] = b"%PDF-";
    const END: &[u8] = b"%%EOF";
    /// Some programs write a few bytes before or behind.
    const WITHIN: usize = 1024;
    let mut member = Member::open(&mut *input, directory, entry)?;
    let mut head = Vec::new();
    member.by_ref().take(WITHIN as u64).read_to_end(&mut head)?;
    let mut tail = head.clone();
    let mut chunk = [0; 16 * 1024];
    loop {
        let count = member.read(&mut chunk)?;
        if count == 0 {
            break;
        }
        tail.extend_from_slice(&chunk[..count]);
        let surplus = tail.len().saturating_sub(WITHIN);
        tail.drain(..surplus);
    }
    let has = |bytes: &[u8], mark: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
    if !has(&head, BEGIN) {
        total.fatal.add(wording::companion_no_pdf(&entry.name));
    } else if !has(&tail, END) {
        total.fatal.add(wording::companion_cut(&entry.name));
    }
    Ok(())
}

/// An archive of the same parts, those of them that were read with these messages alone. A part in which nothing was refused,
/// and one that is not read, stays as it is: without it the others would wait for it.
pub fn rebuild(
    layout: &Layout,
    companions: &Companions,
    original: &mut dyn Input,
    messages: &[Range<u64>],
    out: &mut dyn Write,
    spill: &dyn Fn() -> io::Result<Box<dyn Spill>>,
) -> io::Result<()> {
    if !is_zip(original)? {
        return layout.rebuild_reject(original, messages, out);
    }
    let (directory, parts) = opened(companions, original)?;
    let mut writer = ArchiveWriter::new(out);
    if let (Syntax::Rows(rows), Some(_)) = (&layout.syntax, layout.files()) {
        rebuild_joined(layout, rows, (original, &directory, &parts), messages, &mut writer, spill)?;
        return writer.finish().map(|_| ());
    }
    for part in &parts {
        let base = part.at * STRIDE;
        let own = messages.iter().filter(|range| (base..base + STRIDE).contains(&range.start));
        let own: Vec<Range<u64>> = own.map(|range| range.start - base..range.end - base).collect();
        if own.is_empty() {
            writer.copy(&part.entry, &mut raw(&mut *original, &directory, &part.entry)?)?;
        } else {
            packed::rebuild_member(layout, (original, &directory), &part.entry, &own, &mut writer)?;
        }
    }
    writer.finish().map(|_| ())
}

/// Cut out of the rows of all, and taken apart again.
fn rebuild_joined<W: Write>(
    layout: &Layout,
    rows: &Rows,
    (original, directory, parts): Archive<'_>,
    messages: &[Range<u64>],
    writer: &mut ArchiveWriter<W>,
    spill: &dyn Fn() -> io::Result<Box<dyn Spill>>,
) -> io::Result<()> {
    let mut joined = join(layout, rows, (&mut *original, directory, parts), spill)?;
    let (mut kept, mut again) = (spill()?, spill()?);
    layout.rebuild_reject(&mut joined.text, messages, &mut kept)?;
    kept.rewind()?;
    io::copy(&mut kept, &mut again)?;
    let mut nth = 0;
    for part in parts {
        if !part.is_read {
            writer.copy(&part.entry, &mut raw(&mut *original, directory, &part.entry)?)?;
            continue;
        }
        nth += 1;
        kept.rewind()?;
        again.rewind()?;
        let mut member = writer.begin(&part.entry.name)?;
        rows.untag_rows(layout, nth, (&mut kept, &mut again), &mut member)?;
        member.end()?;
    }
    Ok(())
}
