//! A correctable file of some messages alone: the sender's own bytes, with running numbers and totals made right.
//!
//! What stands before the rows is kept, envelopes are kept where one of their messages is. A total over a value that could
//! not be read is the one the sender claimed less what was taken out, so that it is right once the value is.

use std::io::{self, Read, SeekFrom, Write};
use std::ops::Range;

use super::Rows;
use super::header::{self, Opening, Preamble};
use super::places::{At, Reading, Source};
use super::tell;
use super::text::RowText;
use crate::model::layout::control::{Totals, corrected, number};
use crate::model::layout::plan::{Ours, Record, Role, Scope};
use crate::model::layout::{Input, Layout};
use crate::model::syntax::delimited::{Flaw, Row, RowReader};
use crate::model::syntax::encoding::Encoding;
use crate::model::syntax::wide;

/// Writes the file; `messages` are the ranges of the messages it is to hold, sorted.
pub fn rebuild(
    layout: &Layout,
    rows: &Rows,
    original: &mut dyn Input,
    messages: &[Range<u64>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut mark = [0; 3];
    original.rewind()?;
    let read = original.read(&mut mark)?;
    let mark_length = match &mark[..read] {
        [0xEF, 0xBB, 0xBF] => 3,
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] if layout.encoding.is_wide() => 2,
        _ => 0,
    };
    out.write_all(&mark[..mark_length])?;
    original.rewind()?;
    let mut head = &mut *original;
    let mut reader = RowReader::open(&mut head, &layout.encoding, rows.style())?;
    let encoding = reader.encoding().clone();
    let again = reader.again();
    let mut preamble = Preamble::new(layout, rows);
    let mut cutter = Cutter {
        layout,
        rows,
        out,
        wide: reader.wide(),
        readings: rows.fixed_readings(layout),
        kept: Totals::new(&layout.kind, &layout.records),
        dropped: Totals::new(&layout.kind, &layout.records),
        encoding,
        messages,
        waiting: Vec::new(),
    };
    loop {
        let Some(row) = reader.next()? else { return Ok(()) };
        if !preamble.is_over() {
            match preamble.take(&row, &cutter.encoding, &mut cutter.readings) {
                Ok(Opening::Taken) => {
                    cutter.write(&row, row.bytes)?;
                    continue;
                }
                Ok(Opening::Content) => {}
                // Nothing was read by such a header, so nothing is to be kept.
                Err(_) => return Ok(()),
            }
        }
        let length = row.range.end - row.range.start;
        let passed_over = row.flaw == Some(Flaw::TooLong) && length > 4 * row.bytes.len() as u64;
        if !passed_over {
            cutter.row(&row)?;
            continue;
        }
        // Its bytes were passed over when it was read, so they are copied on their own.
        let (range, line) = (row.range.clone(), row.line);
        drop(reader);
        if cutter.is_kept(range.start) {
            cutter.release()?;
            original.seek(SeekFrom::Start(range.start))?;
            io::copy(&mut Read::take(&mut *original, range.end - range.start), cutter.out)?;
        }
        original.seek(SeekFrom::Start(range.end))?;
        head = &mut *original;
        reader = RowReader::resume(&mut head, &again, rows.style(), range.end, line + 1);
    }
}

struct Cutter<'c> {
    layout: &'c Layout,
    rows: &'c Rows,
    out: &'c mut dyn Write,
    /// The file is UTF-16, and whether big endian.
    wide: Option<bool>,
    readings: Vec<Reading>,
    kept: Totals,
    dropped: Totals,
    encoding: Encoding,
    messages: &'c [Range<u64>],
    /// Envelope rows that are written once a message of theirs is: with the scope they open.
    waiting: Vec<(Scope, Vec<u8>)>,
}

impl Cutter<'_> {
    fn is_kept(&mut self, byte: u64) -> bool {
        while self.messages.first().is_some_and(|range| range.end <= byte) {
            self.messages = &self.messages[1..];
        }
        self.messages.first().is_some_and(|range| range.contains(&byte))
    }

    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        let encoding = self.encoding.clone();
        let (mut decoded, mut scratch, mut other) = (String::new(), String::new(), String::new());
        let keep = self.is_kept(row.range.start);
        let text = RowText::new(row, &encoding, self.rows.quote(), &mut decoded);
        if header::is_column_row(self.layout, self.rows, &text, &mut scratch) {
            let at = crate::model::layout::assembly::At { line: row.line, byte: row.range.start };
            // A row that names columns wrongly made the decoder refuse the file: it is kept as it stands.
            let _ = header::take_column_row(self.layout, self.rows, &mut self.readings, &text, at);
            return self.write(row, row.bytes);
        }
        let record = tell::record_of(self.layout, self.rows, &self.readings, &text, &mut scratch, &mut other);
        let Some(record) = record.filter(|_| row.flaw.is_none()) else {
            return if keep { self.lost(row) } else { Ok(()) };
        };
        let role = self.layout.records[record].role;
        match role {
            Role::OpensFile | Role::OpensInterchange => {
                let scope = role.scope();
                self.waiting.retain(|(opened, _)| *opened > scope);
                self.kept.open(scope);
                self.dropped.open(scope);
                self.kept.record(record);
                let bytes = self.patched(record, &text);
                let line = self.line(row, &bytes);
                self.waiting.push((scope, line));
                Ok(())
            }
            Role::ClosesFile | Role::ClosesInterchange => {
                let scope = role.scope();
                let was_written = !self.waiting.iter().any(|(opened, _)| *opened == scope);
                self.waiting.retain(|(opened, _)| *opened != scope);
                if !was_written {
                    return Ok(());
                }
                self.kept.record(record);
                let bytes = self.patched(record, &text);
                self.write(row, &bytes)
            }
            _ if keep => {
                self.release()?;
                if role == Role::Opens(0) {
                    self.kept.open(Scope::Message);
                }
                self.kept.record(record);
                count(&self.layout.records[record], &self.readings[record], &text, &mut self.kept);
                let bytes = self.patched(record, &text);
                self.write(row, &bytes)
            }
            _ => {
                count(&self.layout.records[record], &self.readings[record], &text, &mut self.dropped);
                Ok(())
            }
        }
    }

    /// A kept row of which nothing is known but its bytes.
    fn lost(&mut self, row: &Row<'_>) -> io::Result<()> {
        self.release()?;
        self.kept.lost_row();
        self.write(row, row.bytes)
    }

    /// Writes the envelope rows that waited for a message.
    fn release(&mut self) -> io::Result<()> {
        for (_, line) in std::mem::take(&mut self.waiting) {
            self.out.write_all(&line)?;
        }
        Ok(())
    }

    /// The row's bytes with its running number and totals made right.
    fn patched(&self, record: usize, text: &RowText<'_>) -> Vec<u8> {
        let plan = &self.layout.records[record];
        let mut patches: Vec<(Range<usize>, String)> = Vec::new();
        for step in &self.readings[record].steps {
            let field = &plan.fields[step.field];
            let Source::One(at) = &step.source else { continue };
            let (range, width) = match at {
                At::Cell(cell) if text.row.cells.get(*cell).is_some_and(|cell| !cell.is_absent()) => {
                    (text.row.cells[*cell].range(), field.form.width)
                }
                At::Columns(start, end) => (text.columns(*start..*end), end - start),
                _ => continue,
            };
            let mut scratch = String::new();
            let found = text.at(*at, &mut scratch).ok().flatten().unwrap_or_default();
            patches.extend(corrected(field, found, &self.kept, &self.dropped, width).map(|new| (range, new)));
        }
        let mut bytes = text.row.bytes.to_vec();
        patches.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        for (range, new) in patches {
            bytes.splice(range, new.into_bytes());
        }
        bytes
    }

    fn write(&mut self, row: &Row<'_>, bytes: &[u8]) -> io::Result<()> {
        let line = self.line(row, bytes);
        self.out.write_all(&line)
    }

    /// A row as it stands in the sender's file, line end included.
    fn line(&self, row: &Row<'_>, bytes: &[u8]) -> Vec<u8> {
        let unit = if self.wide.is_some() { 2 } else { 1 };
        let own = match self.wide {
            None => row.bytes.len() as u64,
            Some(_) => wide::width(row.bytes),
        };
        let end = match (row.range.end - row.range.start).saturating_sub(own) / unit {
            0 => "",
            1 if row.carriage_return => "\r",
            1 => "\n",
            _ => "\r\n",
        };
        let mut line = bytes.to_vec();
        line.extend_from_slice(end.as_bytes());
        match self.wide {
            None => line,
            Some(big_endian) => wide::bytes(&line, big_endian),
        }
    }
}

/// Adds the row's summed fields.
fn count(record: &Record, reading: &Reading, text: &RowText<'_>, totals: &mut Totals) {
    let mut scratch = String::new();
    for step in &reading.steps {
        let field = &record.fields[step.field];
        if let (Ours::Field { group, field: index, .. }, Source::One(at)) = (&field.ours, &step.source)
            && totals.sums(*group, *index)
        {
            let value = text.at(*at, &mut scratch).ok().flatten();
            totals.add(*group, *index, value.and_then(|value| number(&field.form, value)));
        }
    }
}
