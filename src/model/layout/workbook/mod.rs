//! Layouts of workbooks: one sheet is written out as rows, which are then read as rows of any file are.
//!
//! `options` is the table `[xlsx]`, `transcript` the writing out. Places are said in the words of the sheet; a reject is
//! the workbook with the other rows taken out. Nothing is written here: partners who read workbooks read CSV too.

pub mod options;
mod redact;
mod transcript;

use std::cell::RefCell;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::ops::Range;
use std::sync::Arc;

pub use self::options::Options;
pub(super) use self::redact::redact;
use self::transcript::{Transcriber, chosen};
use super::rows::Rows;
use super::seam::{DecodeContext, Decoded, Input, Refused, Sink, Stop};
use super::{Completeness, Layout};
use crate::model::archive::{self, flaw_of};
use crate::model::batch::Batch;
use crate::model::diagnostic::{Diagnostics, Problem};
use crate::model::kind::Kind;
use crate::model::naming;
use crate::model::speaker::Speaker;
use crate::model::syntax::workbook::{Package, cut};
use crate::model::wording;

/// How a workbook is read.
#[derive(Debug)]
pub struct Workbook {
    pub rows: Rows,
    pub options: Options,
}

/// Reading a workbook fails by the disk, or by the workbook.
pub(super) enum Failure {
    Disk(io::Error),
    Told(Box<Problem>),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match flaw_of(&error) {
            Some(flaw) => Failure::Told(Box::new(wording::workbook::archive_flaw("workbook", flaw))),
            None => Failure::Disk(error),
        }
    }
}

pub(super) fn decode(
    layout: &Layout,
    workbook: &Workbook,
    input: &mut dyn Input,
    context: &DecodeContext<'_>,
    sink: &mut dyn Sink,
) -> io::Result<Decoded> {
    let mut spill = (context.spill)()?;
    let mut writer = BufWriter::new(&mut spill);
    let written = written_out(layout, workbook, input, &mut writer);
    writer.flush()?;
    drop(writer);
    let speaker = match written {
        Ok(speaker) => Arc::new(speaker),
        Err(Failure::Disk(error)) => return Err(error),
        Err(Failure::Told(problem)) => {
            let mut fatal = Diagnostics::default();
            fatal.add(*problem);
            return Ok(Decoded { fatal, ..Decoded::default() });
        }
    };
    spill.rewind()?;
    let mut spoken = Spoken { sink, speaker: speaker.clone() };
    let mut decoded = workbook.rows.decode(layout, &mut spill, context, &mut spoken)?;
    decoded.fatal.each_place(|place| speaker.speak(place));
    Ok(decoded)
}

/// The first rows of the sheet as they are read, and whether these are all. Nothing where it cannot be read with this layout.
pub(super) fn beginning(
    layout: &Layout,
    workbook: &Workbook,
    input: &mut dyn Input,
    bytes: u64,
) -> io::Result<Option<(Vec<u8>, bool)>> {
    let mut rows = Vec::new();
    let written = (|| {
        let package = Package::open(input)?;
        let sheet = chosen(&workbook.options, &package)?;
        let mut transcriber = Transcriber::new(layout, workbook, &mut rows).only(bytes);
        transcriber.write(input, &package, sheet, &mut |_, _| {})?;
        Ok(!transcriber.was_enough())
    })();
    input.rewind()?;
    match written {
        Ok(whole) => Ok(Some((rows, whole))),
        Err(Failure::Told(_)) => Ok(None),
        Err(Failure::Disk(error)) => Err(error),
    }
}

fn written_out(
    layout: &Layout,
    workbook: &Workbook,
    input: &mut dyn Input,
    out: &mut dyn Write,
) -> Result<Speaker, Failure> {
    let mut head = Vec::new();
    input.rewind()?;
    Read::take(&mut *input, 4).read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(Failure::Told(Box::new(wording::file_empty())));
    }
    if !archive::begins_like_one(&head) {
        return Err(Failure::Told(Box::new(wording::workbook::no_workbook())));
    }
    let package = Package::open(input)?;
    let sheet = chosen(&workbook.options, &package)?;
    let mut transcriber = Transcriber::new(layout, workbook, out);
    transcriber.write(input, &package, sheet, &mut |_, _| {})?;
    Ok(Speaker { sheet: Some(transcriber.words(&sheet.name)), ..Speaker::default() })
}

/// The workbook with the rows of these messages alone: what stands above them stays.
pub(super) fn rebuild(
    layout: &Layout,
    workbook: &Workbook,
    original: &mut dyn Input,
    messages: &[Range<u64>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let disk = |failure| match failure {
        Failure::Disk(error) => error,
        Failure::Told(problem) => io::Error::other(problem.to_string()),
    };
    let package = Package::open(original)?;
    let sheet = chosen(&workbook.options, &package).map_err(disk)?;
    let mut nowhere = io::sink();
    let mut transcriber = Transcriber::new(layout, workbook, &mut nowhere);
    // The rows that go with their messages, as ranges of their numbers.
    let kept: RefCell<Vec<Range<u32>>> = RefCell::default();
    let mut rest = messages;
    transcriber
        .write(original, &package, sheet, &mut |row, byte| {
            while rest.first().is_some_and(|range| range.end <= byte) {
                rest = &rest[1..];
            }
            if rest.first().is_some_and(|range| range.contains(&byte)) {
                let mut kept = kept.borrow_mut();
                match kept.last_mut().filter(|last| last.end == row) {
                    Some(last) => last.end = row + 1,
                    None => kept.push(row..row + 1),
                }
            }
        })
        .map_err(disk)?;
    let header_row = transcriber.header_row();
    let kept = kept.into_inner();
    let mut rest = &kept[..];
    let mut keeps = |row: u32| {
        while rest.first().is_some_and(|range| range.end <= row) {
            rest = &rest[1..];
        }
        row <= header_row || rest.first().is_some_and(|range| range.contains(&row))
    };
    cut(original, &package, sheet, &mut keeps, out)
}

pub(super) fn completeness(tail: &[u8]) -> Completeness {
    match archive::directory_at_end(tail) {
        true => Completeness::Complete,
        false => Completeness::Incomplete("the directory at the end of the workbook is missing".to_string()),
    }
}

/// A workbook of newer Excel, by the names of its first parts.
pub(super) fn recognises(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") && naming::name(head).what.is_some_and(|what| what.contains("xlsx"))
}

/// Hands on with every place in the words of the file.
pub(super) struct Spoken<'s> {
    pub sink: &'s mut dyn Sink,
    pub speaker: Arc<Speaker>,
}

impl Sink for Spoken<'_> {
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
