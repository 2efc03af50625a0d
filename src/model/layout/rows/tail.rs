//! Judging a file by its ends: is its last record there, and could its beginning be of this layout?

use std::collections::HashMap;
use std::io::{self, SeekFrom};

use super::Rows;
use super::header;
use super::header::{Opening, Preamble};
use super::options::{Columns, Cutting};
use super::places::At;
use super::tell;
use super::text::RowText;

use super::values::value_of;
use crate::model::diagnostic::Problem;
use crate::model::layout::assembly::At as Where;
use crate::model::layout::plan::{Checked, Control, Ours, Role};
use crate::model::layout::{Completeness, Input, Layout};
use crate::model::syntax::delimited::{Flaw, Row, RowReader};
use crate::model::syntax::encoding::Encoding;
use crate::model::wording;

/// Room for a line end and what may stand behind it. Blanks that go on for longer are no end.
const LINE_END_BYTES: i64 = 64;

/// The problem of a file whose last row has no line end, where the layout asks for one: its last value may be cut.
pub fn unended(rows: &Rows, input: &mut dyn Input) -> io::Result<Option<Problem>> {
    if !rows.options.final_line_end {
        return Ok(None);
    }
    let size = input.seek(SeekFrom::End(0))?;
    input.seek(SeekFrom::End(-LINE_END_BYTES.min(size as i64)))?;
    let mut tail = Vec::new();
    input.read_to_end(&mut tail)?;
    let cut = !tail.is_empty() && !has_line_end(behind_content(&tail));
    Ok(cut.then(|| wording::judging::truncated(LAST_LINE_END)))
}

/// Line ends, blanks and Ctrl-Z; the zeros are the other halves of these in UTF-16.
fn behind_content(tail: &[u8]) -> &[u8] {
    let is_blank = |b: &u8| b.is_ascii_whitespace() || matches!(b, 0 | 0x1A);
    &tail[tail.iter().rposition(|b| !is_blank(b)).map_or(0, |at| at + 1)..]
}

fn has_line_end(rest: &[u8]) -> bool {
    rest.iter().any(|b| matches!(b, b'\n' | b'\r'))
}

const LAST_LINE_END: &str = "the last row has no line end, so that its last value may be cut";
const NOWHERE: Where = Where { line: 0, byte: 0 };

/// Looks at the last record: a trailer where the layout has one, and whole.
pub fn completeness(layout: &Layout, rows: &Rows, tail: &[u8], whole: bool) -> Completeness {
    let rest = behind_content(tail);
    if rest.len() == tail.len() {
        return Completeness::Incomplete("the file is empty".to_string());
    }
    if layout.encoding.is_wide() && !whole {
        // Where the last bytes begin in mid-character nothing can be told; the decoder will see.
        return Completeness::Complete;
    }
    let ended = has_line_end(rest);
    if !ended && rows.options.final_line_end {
        return Completeness::Incomplete(LAST_LINE_END.to_string());
    }
    if rows.is_by_file() {
        // What its last row lacks can only be told beside the other files.
        return Completeness::Complete;
    }
    let closes = |role| layout.records.iter().position(|r| r.role == role && r.required);
    let trailer = closes(Role::ClosesFile).or_else(|| closes(Role::ClosesInterchange));
    if trailer.is_none() && ended {
        return Completeness::Complete;
    }
    match look(layout, rows, tail, trailer, ended) {
        None => Completeness::Complete,
        Some(missing) => Completeness::Incomplete(missing),
    }
}

/// What is missing at the last row.
fn look(layout: &Layout, rows: &Rows, tail: &[u8], trailer: Option<usize>, ended: bool) -> Option<String> {
    let mut input = tail;
    let mut reader = RowReader::open(&mut input, &layout.encoding, rows.style()).ok()?;
    if reader.misread().is_some() {
        return None;
    }
    let encoding = reader.encoding().clone();
    let readings = rows.fixed_readings(layout);
    let (mut decoded, mut scratch, mut other) = (String::new(), String::new(), String::new());
    let mut before = Before::default();
    let mut missing = None;
    while let Ok(Some(row)) = reader.next() {
        let cells = row.cells.len();
        missing = if matches!(row.flaw, Some(Flaw::QuoteUnclosed { .. })) && !row.ended {
            Some("its last row stops in the middle".to_string())
        } else {
            let text = RowText::new(&row, &encoding, rows.quote(), &mut decoded);
            let record = tell::record_of(layout, rows, &readings, &text, &mut scratch, &mut other);
            let width = text.width();
            match trailer {
                Some(trailer) if record != Some(trailer) => {
                    Some(format!("its last record \"{}\" is missing", layout.records[trailer].name))
                }
                // Of a row whose cells cannot be told apart the reader says what is wrong with it, not that it is cut.
                _ if ended || row.ended || matches!(row.flaw, Some(Flaw::QuoteMisplaced { .. } | Flaw::TooLong)) => {
                    None
                }
                _ => cut_off(layout, rows, record, cells, &before, width),
            }
        };
        before.note(layout, rows, &row, &encoding, cells);
    }
    missing
}

/// How many cells the rows above had: the last one, and for each record type the last of it or the row that names its columns.
#[derive(Default)]
struct Before {
    last: usize,
    by_tag: HashMap<String, usize>,
}

impl Before {
    fn note(&mut self, layout: &Layout, rows: &Rows, row: &Row<'_>, encoding: &Encoding, cells: usize) {
        self.last = cells;
        let Cutting::Delimited(d) = &rows.options.cutting else { return };
        let Some(At::Cell(at)) = rows.tag() else { return };
        if let Some(cell) = header::cells(row, encoding, rows.quote()).get(at) {
            let tag = cell.strip_prefix(&d.column_mark).unwrap_or(cell);
            if layout.records.iter().any(|record| record.tags.iter().any(|t| t == tag)) {
                self.by_tag.insert(tag.to_string(), cells);
            }
        }
    }

    fn of(&self, layout: &Layout, record: usize) -> usize {
        layout.records[record].tags.iter().filter_map(|tag| self.by_tag.get(tag)).copied().max().unwrap_or(0)
    }
}

/// A row without line end that is shorter than it must be.
fn cut_off(
    layout: &Layout,
    rows: &Rows,
    record: Option<usize>,
    cells: usize,
    before: &Before,
    width: usize,
) -> Option<String> {
    let cut = match &rows.options.cutting {
        Cutting::Delimited(d) if d.columns == Columns::Positions => {
            let readings = rows.fixed_readings(layout);
            record.is_none_or(|record| cells < readings[record].least) && !d.fewer_allowed
        }
        // The header or the row before says how many there are.
        Cutting::Delimited(d) if d.tag.is_none() => cells < before.last && !d.fewer_allowed,
        Cutting::Delimited(d) => record.is_none_or(|r| cells < before.of(layout, r) && !d.fewer_allowed),
        // Its last line may be any of its block.
        Cutting::Tagged(_) => record.is_none(),
        Cutting::Fixed(f) => {
            let needed = record.map_or(0, |record| last_needed(layout, record));
            let own = record.and_then(|record| layout.records[record].width).unwrap_or(f.width);
            record.is_none() || width < needed || !(f.shorter_allowed && f.has_line_ends) && width < own
        }
    };
    cut.then(|| "its last row stops in the middle".to_string())
}

/// Characters that a record has at least: totals and numbers are never blank.
fn last_needed(layout: &Layout, record: usize) -> usize {
    let fields = layout.records[record].fields.iter();
    fields
        .filter(|f| f.form.required || matches!(&f.ours, Ours::Control(c) if c.what != Checked::Change))
        .flat_map(|f| super::places::spots(&f.place))
        .filter_map(|spot| super::options::columns(spot.name()))
        .map(|columns| columns.end)
        .max()
        .unwrap_or(0)
}

/// The header fits, or the first row is a record that may come first, whole, with its constants.
pub fn recognises(layout: &Layout, rows: &Rows, head: &[u8]) -> bool {
    let mut input = head;
    let Ok(mut reader) = RowReader::open(&mut input, &layout.encoding, rows.style()) else { return false };
    let encoding = reader.encoding().clone();
    let mut readings = rows.fixed_readings(layout);
    let mut preamble = Preamble::new(layout, rows);
    while let Ok(Some(row)) = reader.next() {
        let due = preamble.is_due();
        match preamble.take(&row, &encoding, &mut readings) {
            Err(_) => return false,
            Ok(Opening::Taken) if due && !preamble.is_due() => return true,
            Ok(Opening::Taken) => {}
            Ok(Opening::Content) => return fits(layout, rows, &readings, &row, &encoding),
        }
    }
    false
}

fn fits(layout: &Layout, rows: &Rows, readings: &[super::places::Reading], row: &Row<'_>, encoding: &Encoding) -> bool {
    let (mut decoded, mut scratch, mut other) = (String::new(), String::new(), String::new());
    let text = RowText::new(row, encoding, rows.quote(), &mut decoded);
    let Some(record) = tell::record_of(layout, rows, readings, &text, &mut scratch, &mut other) else { return false };
    let plan = &layout.records[record];
    let first = match plan.role {
        Role::OpensFile | Role::OpensInterchange | Role::Ignored => true,
        Role::Opens(0) => !rows.interchange_needed && !rows.file_needed,
        Role::Opens(_) => rows.grouped || layout.records.iter().any(|r| r.role == Role::Opens(0) && !r.required),
        _ => false,
    };
    if !first || row.flaw.is_some() || tell::mangled(layout, rows, readings, &text, record, NOWHERE).is_some() {
        return false;
    }
    readings[record].steps.iter().all(|step| {
        let Ours::Control(Control { what: Checked::Constant(word) | Checked::Version(word), .. }) =
            &plan.fields[step.field].ours
        else {
            return true;
        };
        let found = value_of(&readings[record], step, plan, &text, &mut scratch, &mut other);
        matches!(found, Ok(Some(found)) if found.trim() == word)
    })
}
