//! A heading that is sent to a layout which finds its columns by position: told as one, instead of a problem for each of its words.

use super::Rows;
use super::options::{Columns, Header};
use super::places::{At, Reading, Source};
use super::text::RowText;
use crate::model::diagnostic::Problem;
use crate::model::layout::Layout;
use crate::model::layout::assembly::At as Where;
use crate::model::layout::form::{Form, Scratch, Shape};
use crate::model::wording;

/// The problem of the file's first row, if it looks like a heading: words alone, also wherever a number, day or yes and no is expected.
pub fn told(
    layout: &Layout,
    rows: &Rows,
    (record, reading): (usize, &Reading),
    text: &RowText<'_>,
    at: Where,
) -> Option<Problem> {
    let delimited = rows.delimited().filter(|d| d.columns == Columns::Positions && d.header != Header::Required)?;
    if reading.by_columns || delimited.by_file {
        return None;
    }
    let (mut room, mut scratch) = (String::new(), Scratch::default());
    for cell in 0..text.row.cells.len() {
        let value = text.at(At::Cell(cell), &mut room).ok()?.unwrap_or_default();
        if !value.trim().is_empty() && !value.contains(char::is_alphabetic) {
            return None;
        }
    }
    let mut found = None;
    for step in &reading.steps {
        let form = &layout.records[record].fields[step.field].form;
        let (Source::One(place), Some(wanted)) = (&step.source, typed(form)) else { continue };
        let value = text.at(*place, &mut room).ok()?.unwrap_or_default().trim();
        let is_word = value.starts_with(char::is_alphabetic) && !value.contains(|c: char| c.is_ascii_digit());
        match form.read(value, chrono_tz::UTC, &mut scratch) {
            _ if value.is_empty() => {}
            Err(_) if is_word => found = found.or_else(|| Some((value.to_string(), wanted))),
            _ => return None,
        }
    }
    let (word, wanted) = found?;
    let line = String::from_utf8_lossy(text.row.bytes);
    Some(wording::heading_unexpected(at.place(""), line.trim_end(), &word, wanted))
}

/// What stands in a field that no heading can stand in.
fn typed(form: &Form) -> Option<&'static str> {
    match form.shape {
        Shape::Number(_) => Some("a number"),
        Shape::Date(_) => Some("a date"),
        Shape::Time(_) => Some("a time"),
        Shape::Instant(_) => Some("a date with time"),
        Shape::Boolean { .. } | Shape::Text(_) => None,
    }
}
