//! Which record a row is, and whether it is whole.

use super::Rows;
use super::options::{Cutting, columns};
use super::places::{self, At, Reading};
use super::text::RowText;
use super::values::{Unreadable, holds};
use crate::model::diagnostic::{Place, Problem};
use crate::model::layout::Layout;
use crate::model::layout::assembly::At as Where;
use crate::model::layout::form::Direction;
use crate::model::layout::plan::{Field, Ours, Record};
use crate::model::syntax::delimited::{Cell, Flaw, Row};
use crate::model::syntax::window::RECORD_BYTES;
use crate::model::syntax::workbook;
use crate::model::wording;

/// The record that a row is, by its tag and conditions.
pub fn record_of(
    layout: &Layout,
    rows: &Rows,
    readings: &[Reading],
    text: &RowText<'_>,
    scratch: &mut String,
    other: &mut String,
) -> Option<usize> {
    let tag_at = rows.tag();
    if let (None, [only]) = (tag_at, &layout.records[..])
        && only.when.is_empty()
    {
        return Some(0);
    }
    let tag = match tag_at {
        Some(at) => text.at(at, scratch).ok().flatten()?.trim(),
        None => "",
    };
    layout.records.iter().zip(readings).position(|(record, reading)| {
        let tagged = tag_at.is_none() || record.tags.iter().any(|t| t == tag);
        tagged && !record.again && (record.when.is_empty() || holds(record, reading, text, other))
    })
}

/// The next record behind this one that reads the same row once more.
pub fn again_after(
    before: usize,
    layout: &Layout,
    readings: &[Reading],
    text: &RowText<'_>,
    scratch: &mut String,
) -> Option<usize> {
    let first = (0..=before).rev().find(|record| !layout.records[*record].again)?;
    let tags = &layout.records[first].tags;
    (before + 1..layout.records.len()).find(|index| {
        let record = &layout.records[*index];
        record.again
            && record.tags == *tags
            && (record.when.is_empty() || holds(record, &readings[*index], text, scratch))
    })
}

/// No record is like this row.
pub fn unknown(layout: &Layout, rows: &Rows, text: &RowText<'_>, at: Where, scratch: &mut String) -> Problem {
    let Some(tag_at) = rows.tag() else {
        let known: Vec<&str> = layout.records.iter().map(|r| r.name.as_str()).collect();
        return wording::record_unlike(at.place(""), &known);
    };
    let tag = match text.at(tag_at, scratch) {
        Ok(tag) => tag.unwrap_or_default(),
        Err(unmapped) => return Unreadable::Bytes(unmapped).problem(text.encoding(), at, ""),
    };
    let known: Vec<&str> = layout.records.iter().flat_map(|r| &r.tags).map(String::as_str).collect();
    wording::record_unknown(at.place(""), tag.trim(), &known)
}

/// Too many or too few columns or characters for this record.
pub fn mangled(
    layout: &Layout,
    rows: &Rows,
    readings: &[Reading],
    text: &RowText<'_>,
    record: usize,
    at: Where,
) -> Option<Problem> {
    let reading = &readings[record];
    if let Cutting::Tagged(_) = rows.options.cutting {
        let mut strange = text
            .row
            .cells
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(at, c)| !c.is_absent() && !reading.own_cells.contains(at));
        let (_, cell) = strange.next()?;
        let line = line_of(text, at, cell.start as usize);
        let found = String::from_utf8_lossy(tagged_line(text.row, cell));
        return Some(wording::tag_misplaced(line.place(""), &found, &layout.records[record].name));
    }
    let ragged = rows.ragged().filter(|_| !reading.by_columns);
    let Some((fewer_allowed, more_allowed)) = ragged else {
        if let Some(problem) = garbled(&layout.records[record], text, at) {
            return Some(problem);
        }
        if let Some(tab) = text.row.bytes.iter().position(|byte| *byte == b'\t') {
            return Some(wording::tab_between_columns(at.place(""), text.width_of(tab) + 1));
        }
        let found = text.width();
        // Among delimited rows blanks behind the last column say nothing.
        let behind = rows.delimited().is_some() && found > reading.most && text.is_blank(reading.most..found);
        if found < reading.least || found > reading.most && !behind {
            let expected = if found < reading.least { reading.least } else { reading.most };
            return Some(wording::width_wrong(at.place(""), found, expected));
        }
        return cut_off(layout, reading, text, record, at);
    };
    if !reading.ready {
        return Some(wording::columns_unnamed(at.place(""), &layout.records[record].name));
    }
    let cells = text.row.cells;
    // A delimiter behind the last value makes an empty cell that says nothing.
    let behind = cells.get(reading.most..).unwrap_or_default();
    let blank = |cell: &Cell| text.row.bytes[cell.range()].trim_ascii().is_empty();
    let trailing =
        behind.len() == 1 && behind[0].range().is_empty() || rows.blanks_behind() && behind.iter().all(blank);
    let fits = cells.len() >= reading.least || fewer_allowed;
    if fits && (cells.len() <= reading.most || more_allowed || trailing) {
        return None;
    }
    let ours = usize::from(rows.is_by_file());
    let (least, most) = (reading.least.saturating_sub(ours), reading.most.saturating_sub(ours));
    let expected = if least == most { most.to_string() } else { format!("{least} to {most}") };
    let delimiter = rows.delimited().map_or(b',', |delimited| delimited.delimiter);
    Some(wording::columns_wrong(at.place(""), cells.len() - ours, &expected, delimiter))
}

/// A value in whose middle a record of fixed width ends. What is not read is not looked at.
pub fn cut_off(layout: &Layout, reading: &Reading, text: &RowText<'_>, record: usize, at: Where) -> Option<Problem> {
    let whole = reading.whole;
    let width = if whole > 0 { text.width() } else { 0 };
    if width >= whole {
        return None;
    }
    let mut scratch = String::new();
    let read = |field: &&Field| field.form.direction != Direction::WriteOnly && !matches!(field.ours, Ours::Ignored);
    layout.records[record].fields.iter().filter(read).find_map(|field| {
        let mut cut = places::spots(&field.place).iter().filter_map(|spot| columns(spot.name()));
        let cut = cut.find(|columns| columns.contains(&width) && columns.start < width)?;
        let found = text.at(At::Columns(cut.start, cut.end), &mut scratch).ok().flatten()?;
        let missing = cut.end - width;
        let is_whole = field.form.may_end_early(found, missing);
        (!is_whole).then(|| wording::value_cut_off(at.place(&field.label), found, cut.len(), (width, whole)))
    })
}

/// Columns are counted in characters: behind a byte that is none, nobody knows where the others stand.
fn garbled(record: &Record, text: &RowText<'_>, at: Where) -> Option<Problem> {
    let first = text.garbled()?;
    let mut scratch = String::new();
    let unreadable = record.fields.iter().find_map(|field| {
        let mut columns = places::spots(&field.place).iter().filter_map(|spot| columns(spot.name()));
        let unmapped = columns.find_map(|c| text.at(At::Columns(c.start, c.end), &mut scratch).err())?;
        Some((unmapped, field.label.as_str()))
    });
    let (unmapped, label) = unreadable.unwrap_or((first, ""));
    Some(Unreadable::Bytes(unmapped).problem(text.encoding(), at, label))
}

/// The line of a row that holds this byte of it.
pub fn line_of(text: &RowText<'_>, at: Where, byte: usize) -> Where {
    let row = text.row;
    let end = if row.carriage_return { b'\r' } else { b'\n' };
    let above = &row.bytes[..byte.min(row.bytes.len())];
    let before = above.iter().filter(|b| **b == end).count();
    // In UTF-16 these are not the sender's bytes; there the place is that of the block.
    let start =
        if text.encoding().is_wide() { 0 } else { above.iter().rposition(|b| *b == end).map_or(0, |at| at + 1) };
    Where { line: at.line + before as u32, byte: at.byte + start as u64 }
}

/// The whole line that a value of a block stands in.
fn tagged_line<'r>(row: &'r Row<'_>, cell: &Cell) -> &'r [u8] {
    let breaks = |b: &u8| matches!(b, b'\n' | b'\r');
    let start = row.bytes[..cell.range().start].iter().rposition(breaks).map_or(0, |at| at + 1);
    &row.bytes[start..cell.range().end]
}

pub fn flaw_problem(flaw: Flaw, rows: &Rows, text: &RowText<'_>, at: Where) -> Problem {
    let row = text.row;
    let place = at.place("");
    let line_text =
        |start: u32, end: u32| String::from_utf8_lossy(&row.bytes[start as usize..end as usize]).into_owned();
    match flaw {
        Flaw::QuoteUnclosed { column, line } => wording::quote_unclosed(Place { line, ..place }, column),
        Flaw::QuoteMisplaced { column, line } => wording::quote_misplaced(Place { line, ..place }, column),
        Flaw::TagUnknown { start, end, .. } => {
            let like = match &rows.options.cutting {
                Cutting::Tagged(tagged) => format!("{}TAG{}VALUE", tagged.prefix, tagged.separator),
                _ => String::new(),
            };
            wording::tag_unknown(line_of(text, at, start as usize).place(""), &line_text(start, end), &like)
        }
        Flaw::TagTwice { start, end, .. } => {
            wording::tag_twice(line_of(text, at, start as usize).place(""), &line_text(start, end))
        }
        Flaw::TooLong => wording::record_too_long(place, RECORD_BYTES),
        Flaw::Nul => wording::nul_byte(place),
        Flaw::Bad { column, cell, what } => {
            let found = row.cells.get(cell as usize).map_or(&b""[..], |cell| &row.bytes[cell.range()]);
            let place = Place { field: workbook::letters(column), ..place };
            wording::workbook::cell_invalid(place, what, &String::from_utf8_lossy(found))
        }
    }
}
