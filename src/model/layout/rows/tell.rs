//! Which record a row is, and whether it is whole.

use super::Rows;
use super::places::Reading;
use super::text::RowText;
use super::values::holds;
use crate::model::diagnostic::{Place, Problem};
use crate::model::layout::Layout;
use crate::model::layout::assembly::At as Where;
use crate::model::syntax::delimited::Flaw;
use crate::model::syntax::fixed;
use crate::model::syntax::window::RECORD_BYTES;
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
        tagged && (record.when.is_empty() || holds(record, reading, text, other))
    })
}

/// No record is like this row.
pub fn unknown(layout: &Layout, rows: &Rows, text: &RowText<'_>, at: Where, scratch: &mut String) -> Problem {
    let tag = rows.tag().and_then(|at| text.at(at, scratch).ok().flatten()).unwrap_or_default();
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
    let Some((fewer_allowed, more_allowed)) = rows.ragged() else {
        let found = fixed::width(text.whole());
        let wrong = found < reading.least || found > reading.most;
        let expected = if found < reading.least { reading.least } else { reading.most };
        return wrong.then(|| wording::width_wrong(at.place(""), found, expected));
    };
    if !reading.ready {
        return Some(wording::columns_unnamed(at.place(""), &layout.records[record].name));
    }
    let cells = text.row.cells;
    // A delimiter behind the last value makes an empty cell that says nothing.
    let trailing = cells.len() == reading.most + 1 && cells.last().is_some_and(|c| c.range().is_empty());
    let fits = cells.len() >= reading.least || fewer_allowed;
    if fits && (cells.len() <= reading.most || more_allowed || trailing) {
        return None;
    }
    let expected = if reading.least == reading.most {
        reading.most.to_string()
    } else {
        format!("{} to {}", reading.least, reading.most)
    };
    Some(wording::columns_wrong(at.place(""), cells.len(), &expected))
}

pub fn flaw_problem(flaw: Flaw, at: Where) -> Problem {
    let place = at.place("");
    match flaw {
        Flaw::QuoteUnclosed { column, line } => wording::quote_unclosed(Place { line, ..place }, column),
        Flaw::QuoteMisplaced { column, line } => wording::quote_misplaced(Place { line, ..place }, column),
        Flaw::TooLong => wording::record_too_long(place, RECORD_BYTES),
        Flaw::Nul => wording::nul_byte(place),
    }
}
