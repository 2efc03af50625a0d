//! What stands before the rows: the first line, the header line, and rows that name the columns of a record type.

use super::Rows;
use super::options::{Columns, Delimited, Header};
use super::places::{self, At, Reading};
use super::text::RowText;
use super::values::Unreadable;
use crate::model::diagnostic::{Place, Problem};
use crate::model::layout::Layout;
use crate::model::layout::assembly::At as Where;
use crate::model::layout::plan::{Record, Role};
use crate::model::syntax::delimited::Row;
use crate::model::syntax::encoding::Encoding;
use crate::model::wording;

/// What the first rows turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Opening {
    /// Belongs to what stands before the rows.
    Taken,
    /// The first row of content.
    Content,
}

/// Takes the rows before the content, in order.
#[derive(Debug)]
pub struct Preamble<'a> {
    layout: &'a Layout,
    rows: &'a Rows,
    delimited: Option<&'a Delimited>,
    first_line_due: bool,
    header_due: bool,
    /// `sep=;` may only stand first.
    first: bool,
    /// The header line of names, as it was sent.
    header: Vec<u8>,
    /// Lines that stood above it, and what the one that looks most like a heading lacks, with its columns.
    titles: usize,
    nearest: Option<(usize, Box<Problem>)>,
}

/// So many lines may stand above the heading; further down it is content that nobody knows the columns of.
const TITLES: usize = 200;

impl<'a> Preamble<'a> {
    pub fn new(layout: &'a Layout, rows: &'a Rows) -> Self {
        let delimited = rows.delimited();
        Preamble {
            layout,
            rows,
            delimited,
            first_line_due: delimited.is_some_and(|d| !d.first_line.is_empty()),
            header_due: delimited.is_some_and(|d| d.header != Header::None),
            first: true,
            header: Vec::new(),
            titles: 0,
            nearest: None,
        }
    }

    /// Something must still come before the content.
    pub fn is_due(&self) -> bool {
        let required = self.delimited.is_some_and(|d| d.header == Header::Required);
        self.first_line_due || self.header_due && required
    }

    /// A row between the rows that says nothing: a comment, or the header once more, as where several files were put into one.
    pub fn says_nothing(&self, row: &Row<'_>) -> bool {
        !self.header.is_empty() && row.bytes == self.header && row.flaw.is_none() || self.is_comment(row)
    }

    fn is_comment(&self, row: &Row<'_>) -> bool {
        let mark = self.delimited.and_then(|d| d.comment.as_deref());
        mark.is_some_and(|mark| row.bytes.starts_with(mark.as_bytes()))
    }

    /// The file has ended, and the heading has not come: why none of its lines is the heading.
    pub fn headless(&mut self) -> Option<Problem> {
        self.nearest.take().map(|(_, problem)| *problem)
    }

    pub fn is_over(&self) -> bool {
        !self.first_line_due && !self.header_due && !self.first
    }

    /// Looks at a row; readings by name are put into `readings`.
    pub fn take(
        &mut self,
        row: &Row<'_>,
        encoding: &Encoding,
        readings: &mut Vec<Reading>,
    ) -> Result<Opening, Problem> {
        let Some(delimited) = self.delimited else {
            self.first = false;
            return Ok(Opening::Content);
        };
        if self.is_comment(row) {
            return Ok(Opening::Taken);
        }
        if std::mem::take(&mut self.first) && row.bytes.len() == 5 && row.bytes[..4].eq_ignore_ascii_case(b"sep=") {
            if row.bytes[4] == delimited.delimiter {
                return Ok(Opening::Taken);
            }
            let expected = format!("sep={}", delimited.delimiter as char);
            return Err(wording::first_line_mismatch(place(row), &String::from_utf8_lossy(row.bytes), &expected));
        }
        if !self.first_line_due && !self.header_due {
            return Ok(Opening::Content);
        }
        let names = cells(row, encoding, self.rows.quote());
        if std::mem::take(&mut self.first_line_due) {
            let found: Vec<&str> = names.iter().map(|n| n.trim()).collect();
            if found == delimited.first_line {
                return Ok(Opening::Taken);
            }
            let between = (delimited.delimiter as char).to_string();
            let expected = delimited.first_line.join(&between);
            return Err(wording::first_line_mismatch(place(row), &found.join(&between), &expected));
        }
        let opening = self.header(row, delimited, (&names, encoding), readings);
        if let (Err(problem), true) = (&opening, delimited.titles && self.titles < TITLES) {
            self.titles += 1;
            if self.nearest.as_ref().is_none_or(|(columns, _)| *columns < names.len()) {
                self.nearest = Some((names.len(), Box::new(problem.clone())));
            }
            return Ok(Opening::Taken);
        }
        self.header_due = false;
        if delimited.columns == Columns::Names {
            self.header = row.bytes.to_vec();
        }
        match (opening, self.headless()) {
            (Err(_), Some(nearest)) => Err(nearest),
            (opening, _) => opening,
        }
    }

    fn header(
        &self,
        row: &Row<'_>,
        delimited: &Delimited,
        (names, encoding): (&[String], &Encoding),
        readings: &mut Vec<Reading>,
    ) -> Result<Opening, Problem> {
        if let Some(flaw) = row.flaw {
            let mut decoded = String::new();
            let text = RowText::new(row, encoding, self.rows.quote(), &mut decoded);
            let at = Where { line: row.line, byte: row.range.start };
            return Err(super::tell::flaw_problem(flaw, self.rows, &text, at));
        }
        let mut decoded = String::new();
        let letter = RowText::new(row, encoding, self.rows.quote(), &mut decoded).utf8_instead();
        if let Some(letter) = letter {
            return Err(wording::utf8_unexpected(place(row), encoding.name(), letter));
        }
        if let Some(problem) = undecodable(row, encoding, self.rows.quote()) {
            return Err(problem);
        }
        if delimited.columns == Columns::Names {
            *readings = places::by_names(delimited, &self.layout.records, self.rows.parents(), names)
                .map_err(|difference| wording::header_mismatch(place(row), &difference))?;
            return Ok(Opening::Taken);
        }
        // Columns found by position: the header line must say what the layout says.
        let wrong = self.wrong_labels(delimited, names);
        match (wrong.is_empty(), delimited.header) {
            (true, _) => Ok(Opening::Taken),
            (false, Header::Optional) => Ok(Opening::Content),
            (false, _) => Err(wording::header_mismatch(place(row), &wrong.join("; "))),
        }
    }

    fn wrong_labels(&self, delimited: &Delimited, names: &[String]) -> Vec<String> {
        let same = |a: &str, b: &str| if delimited.any_case { a.eq_ignore_ascii_case(b) } else { a == b };
        let fields = self.layout.records.first().map(|r| &r.fields[..]).unwrap_or_default();
        fields
            .iter()
            .filter_map(|field| {
                let [spot] = places::spots(&field.place) else { return None };
                let at = places::position(spot)?;
                if field.label == spot.name() {
                    return None;
                }
                let found = names.get(at).map_or("", |n| n.trim());
                (!same(found, &field.label))
                    .then(|| format!("column {} is \"{found}\", expected \"{}\"", at + 1, field.label))
            })
            .collect()
    }
}

fn place(row: &Row<'_>) -> Place {
    Place { line: row.line, byte: row.range.start, ..Place::default() }
}

/// The first heading that is no text in the encoding.
fn undecodable(row: &Row<'_>, encoding: &Encoding, quote: u8) -> Option<Problem> {
    let (mut decoded, mut scratch) = (String::new(), String::new());
    let text = RowText::new(row, encoding, quote, &mut decoded);
    let unmapped = (0..row.cells.len()).find_map(|cell| text.at(At::Cell(cell), &mut scratch).err())?;
    let at = Where { line: row.line, byte: row.range.start };
    Some(Unreadable::Bytes(unmapped).problem(encoding, at, ""))
}

/// All cells of a row as text; what cannot be decoded is shown as such and fits nothing.
pub fn cells(row: &Row<'_>, encoding: &Encoding, quote: u8) -> Vec<String> {
    let (mut decoded, mut scratch) = (String::new(), String::new());
    let text = RowText::new(row, encoding, quote, &mut decoded);
    (0..row.cells.len())
        .map(|cell| match text.at(At::Cell(cell), &mut scratch) {
            Ok(Some(value)) => value.to_string(),
            _ => "\u{fffd}".to_string(),
        })
        .collect()
}

/// Whether a row names the columns of a record type: `!order;buyer_order_no;…`, `D;order;…` or, for those it fits, `D;…`.
pub fn is_column_row(layout: &Layout, rows: &Rows, text: &RowText<'_>, scratch: &mut String) -> bool {
    let Some(delimited) = rows.delimited().filter(|d| d.columns == Columns::Rows) else { return false };
    let tag = rows.tag().and_then(|at| text.at(at, scratch).ok().flatten()).unwrap_or_default().trim();
    match tag.strip_prefix(&delimited.column_mark) {
        Some(_) if is_tag(layout, tag) => false,
        Some(rest) => {
            // A word that only begins like the mark is another record.
            let is_sign = !delimited.column_mark.chars().any(char::is_alphanumeric);
            rest.is_empty() || is_sign || is_tag(layout, rest)
        }
        None => false,
    }
}

fn is_tag(layout: &Layout, word: &str) -> bool {
    layout.records.iter().any(|record| record.tags.iter().any(|tag| tag == word))
}

/// Learns the columns of the record types that the row speaks of.
pub fn take_column_row(
    layout: &Layout,
    rows: &Rows,
    readings: &mut [Reading],
    text: &RowText<'_>,
    at: Where,
) -> Result<(), Problem> {
    let (Some(delimited), Some(At::Cell(tag_at))) = (rows.delimited(), rows.tag()) else { return Ok(()) };
    let mut scratch = String::new();
    let mut names: Vec<String> = Vec::new();
    for cell in 0..text.row.cells.len() {
        names.push(text.at(At::Cell(cell), &mut scratch).ok().flatten().unwrap_or_default().trim().to_string());
    }
    if let Some(flaw) = text.row.flaw {
        return Err(super::tell::flaw_problem(flaw, rows, text, at));
    }
    let mut tag = names[tag_at].strip_prefix(&delimited.column_mark).unwrap_or_default().to_string();
    if tag.is_empty() && names.get(tag_at + 1).is_some_and(|next| is_tag(layout, next)) {
        // The mark has a column of its own, which rows of content do not have.
        names.remove(tag_at);
        tag.clone_from(&names[tag_at]);
    }
    // The tag's own column has no name that a field could have.
    names[tag_at] = String::new();
    let named = |record: &Record| places::by_row(delimited, record, rows.parents(), &names, tag_at);
    if tag.is_empty() {
        return take_for_all(layout, readings, &named)
            .map_err(|difference| wording::header_mismatch(at.place(""), &difference));
    }
    let mut known = false;
    for (record, reading) in layout.records.iter().zip(readings) {
        if record.tags.contains(&tag) {
            known = true;
            *reading = named(record).map_err(|difference| wording::header_mismatch(at.place(&tag), &difference))?;
        }
    }
    if known || rows.options.unknown_records_ignored {
        return Ok(());
    }
    let tags: Vec<&str> = layout.records.iter().flat_map(|r| &r.tags).map(String::as_str).collect();
    Err(wording::record_unknown(at.place(""), &tag, &tags))
}

/// Without a tag it speaks of the records whose columns these are; where it fits none, of the first.
fn take_for_all(
    layout: &Layout,
    readings: &mut [Reading],
    named: &dyn Fn(&Record) -> Result<Reading, String>,
) -> Result<(), String> {
    let mut difference = None;
    let mut fits = false;
    for (record, reading) in layout.records.iter().zip(readings).filter(|(record, _)| record.role != Role::Ignored) {
        match named(record) {
            Ok(found) => {
                fits = true;
                *reading = found;
            }
            Err(found) => difference = difference.or(Some(found)),
        }
    }
    difference.filter(|_| !fits).map_or(Ok(()), Err)
}
