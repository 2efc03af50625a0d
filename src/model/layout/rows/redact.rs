//! A copy of a file of rows in which the personal fields are overwritten, all else byte for byte as it was sent.
//!
//! A row whose fields cannot be found (a stray quote, columns missing, a record nobody knows) is overwritten whole but for
//! its line ends, delimiters and quotes: what it holds may be anything.

use std::io::{self, Read};

use super::Rows;
use super::header::{self, Opening, Preamble};
use super::options::Cutting;
use super::places::{At, Reading};
use super::tell;
use super::text::RowText;
use crate::model::layout::assembly::At as Where;
use crate::model::layout::cover::{Copier, Cover, Piece};
use crate::model::layout::plan::Role;
use crate::model::layout::{Layout, RedactError, Redacted};
use crate::model::syntax::delimited::{Row, RowReader};
use crate::model::syntax::encoding::Encoding;
use crate::model::syntax::xml::Charset;
use crate::model::syntax::{fixed, wide};

pub fn redact(
    layout: &Layout,
    rows: &Rows,
    mut original: &mut dyn Read,
    copier: &mut Copier<'_>,
) -> Result<Redacted, RedactError> {
    let mut reader = RowReader::open(&mut original, &layout.encoding, rows.style())?;
    let encoding = reader.encoding().clone();
    let charset = match reader.wide() {
        Some(true) => Charset::Utf16Be,
        Some(false) => Charset::Utf16Le,
        None => Charset::from(encoding.clone()),
    };
    let readings = rows.fixed_readings(layout);
    let mut redactor = Redactor { layout, rows, readings, encoding, charset, copier, read: 0, unread: 0 };
    let mut preamble = Preamble::new(layout, rows);
    while let Some(row) = reader.next()? {
        if !preamble.is_over() {
            let opening = preamble.take(&row, &redactor.encoding, &mut redactor.readings);
            if opening.map_err(|problem| RedactError::NotRead(problem.to_string()))? == Opening::Taken {
                continue;
            }
        }
        redactor.row(&row)?;
    }
    if redactor.read == 0 && redactor.unread > 0 {
        return Err(RedactError::NotRead(format!("no row of it is a record of the layout {}.", layout.id)));
    }
    redactor.copier.finish()?;
    Ok(Redacted { unread: redactor.unread })
}

struct Redactor<'r, 'c> {
    layout: &'r Layout,
    rows: &'r Rows,
    readings: Vec<Reading>,
    encoding: Encoding,
    charset: Charset,
    copier: &'r mut Copier<'c>,
    read: u64,
    unread: u64,
}

impl Redactor<'_, '_> {
    fn row(&mut self, row: &Row<'_>) -> Result<(), RedactError> {
        let encoding = self.encoding.clone();
        let (mut decoded, mut scratch, mut other) = (String::new(), String::new(), String::new());
        let text = RowText::new(row, &encoding, self.rows.quote(), &mut decoded);
        let at = Where { line: row.line, byte: row.range.start };
        if header::is_column_row(self.layout, self.rows, &text, &mut scratch) {
            return header::take_column_row(self.layout, self.rows, &mut self.readings, &text, at)
                .map_err(|problem| RedactError::NotRead(problem.to_string()));
        }
        let record = tell::record_of(self.layout, self.rows, &self.readings, &text, &mut scratch, &mut other);
        let Some(record) = record else {
            // What the layout leaves out of account it knows nothing personal of.
            let ignored = row.flaw.is_none() && self.rows.options.unknown_records_ignored;
            return if ignored { Ok(()) } else { Ok(self.whole(row)?) };
        };
        let mangled = || tell::mangled(self.layout, self.rows, &self.readings, &text, record, at).is_some();
        if self.layout.records[record].role != Role::Ignored && (row.flaw.is_some() || mangled()) {
            return Ok(self.whole(row)?);
        }
        self.read += 1;
        self.places(record, row, &text)?;
        let mut before = record;
        while let Some(again) = tell::again_after(before, self.layout, &self.readings, &text, &mut other) {
            self.places(again, row, &text)?;
            before = again;
        }
        Ok(())
    }

    /// Overwrites the personal places of a record.
    fn places(&mut self, record: usize, row: &Row<'_>, text: &RowText<'_>) -> io::Result<()> {
        let mut replaced: Vec<(u64, Vec<u8>)> = Vec::new();
        for (at, cover) in &self.readings[record].covers {
            match *at {
                At::Absent | At::File | At::Piece(_) => {}
                At::Marker(start, end) => {
                    let Some(marker) = row.cells.first().filter(|cell| !cell.is_absent()) else { continue };
                    let mut scratch = String::new();
                    let line = text.at(At::Cell(0), &mut scratch).ok().flatten().unwrap_or_default();
                    let range = fixed::byte_range(line, start..end);
                    let before = self.width(&row.bytes[..marker.start as usize]);
                    let byte = row.range.start + before + self.charset.width(&line[..range.start]);
                    replaced.push((byte, covered(cover, &line[range], None, &self.charset)));
                }
                At::Columns(start, end) => {
                    let range = text.columns(start..end);
                    let byte = row.range.start + self.width(&row.bytes[..range.start]);
                    replaced.push((byte, self.cell(cover, None, &row.bytes[range])));
                }
                At::Cell(cell) => {
                    let Some(cell) = row.cells.get(cell).filter(|cell| !cell.is_absent()) else { continue };
                    let byte = row.range.start + self.width(&row.bytes[..cell.start as usize]);
                    let quote = Some(self.rows.quote() as char);
                    replaced.push((byte, self.cell(cover, quote, &row.bytes[cell.range()])));
                }
            }
        }
        replaced.sort_by_key(|(byte, _)| *byte);
        replaced.iter().try_for_each(|(byte, with)| self.copier.replace(*byte, with))
    }

    fn cell(&self, cover: &Cover, quote: Option<char>, bytes: &[u8]) -> Vec<u8> {
        let mut text = String::new();
        match self.encoding.decode(bytes, &mut text) {
            Ok(()) => covered(cover, &text, quote, &self.charset),
            Err(_) if self.encoding.is_wide() => covered(cover, &wide::lossy(bytes), quote, &self.charset),
            // What is no text in this encoding is overwritten byte by byte.
            Err(_) => bytes.iter().map(|b| if matches!(b, b'\n' | b'\r') { *b } else { b'x' }).collect(),
        }
    }

    /// Bytes that the beginning of a row takes in the sender's file; of UTF-16 it is UTF-8 by now.
    fn width(&self, bytes: &[u8]) -> u64 {
        match self.charset {
            Charset::Utf16Le | Charset::Utf16Be => wide::width(bytes),
            _ => bytes.len() as u64,
        }
    }

    fn whole(&mut self, row: &Row<'_>) -> io::Result<()> {
        self.unread += 1;
        let kept = match &self.rows.options.cutting {
            Cutting::Delimited(delimited) => vec![delimited.delimiter, self.rows.quote()],
            Cutting::Fixed(_) => Vec::new(),
            Cutting::Tagged(tagged) => {
                [&tagged.prefix, &tagged.separator].map(|t| t.bytes()).into_iter().flatten().collect()
            }
        };
        self.copier.cover(row.range.clone(), &kept, &self.charset)
    }
}

fn covered(cover: &Cover, text: &str, quote: Option<char>, charset: &Charset) -> Vec<u8> {
    cover.apply(&[Piece { text, reference: false }], quote, charset).concat()
}
