//! The `[xlsx]` table of a layout: which sheet, where its headings stand, which single cells above them count.

use crate::model::document::Section;
use crate::model::layout::form::Shape;
use crate::model::layout::plan::{Ours, Record, Role};
use crate::model::layout::rows::options::{
    Columns, Cutting, Delimited, Header, Options as RowOptions, Quoting, UnknownColumns,
};
use crate::model::syntax::delimited::CELL_END;
use crate::model::syntax::workbook::{ROWS, SHEETS, reference};

/// What `[xlsx]` says.
#[derive(Debug, Clone)]
pub struct Options {
    pub sheet: Wanted,
    /// Where the headings stand; found by their names without it.
    pub header_row: Option<u32>,
    /// Single cells above the headings, each a column of its own to every row: its name, column and row.
    pub cells: Vec<(String, u32, u32)>,
    /// Below the headings, what stands in merged cells is of the first of them; else it is refused where they are several that count.
    pub merged_first: bool,
}

/// Which sheet is read.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// The first that is not hidden.
    First,
    /// By its number among all, from 1.
    Number(usize),
    /// The first of these names that is there, in any case.
    Named(Vec<String>),
}

/// The table, and how the rows are cut that a sheet is written out to.
pub fn read(root: &Section<'_>) -> Option<(Options, RowOptions)> {
    let Some(section) = root.section("xlsx") else {
        root.problem("xlsx", "the table [xlsx] is missing.");
        return None;
    };
    if root.has("encoding") {
        root.problem("encoding", "a workbook says itself what its bytes are; take it out.");
    }
    let header_row = section.integer("header_row");
    let in_sheet = |row: &i64| (1..=i64::from(ROWS)).contains(row);
    if header_row.is_some_and(|row| !in_sheet(&row)) {
        section.problem("header_row", format!("expected the number of a row, from 1 to {ROWS}."));
    }
    let unknown =
        [("refuse", UnknownColumns::Refuse), ("ignore", UnknownColumns::Ignore), ("keep", UnknownColumns::Keep)];
    let unknown_columns = section.choice("unknown_columns", &unknown).unwrap_or(UnknownColumns::Refuse);
    let delimited = Delimited {
        delimiter: CELL_END,
        quote: None,
        columns: Columns::Names,
        header: Header::Required,
        any_case: section.boolean("any_case").unwrap_or(false),
        unknown_columns,
        tag: None,
        tag_columns: None,
        comment: None,
        titles: false,
        first_line: Vec::new(),
        column_mark: String::new(),
        line_breaks: true,
        fewer_allowed: false,
        more_allowed: unknown_columns != UnknownColumns::Refuse,
        more_blank: false,
        padded_quotes: false,
        quoting: Quoting::None,
        trailing: false,
        mark_apart: false,
        by_file: false,
        sheet: true,
    };
    let options = Options {
        sheet: read_sheet(&section),
        header_row: header_row.filter(in_sheet).and_then(|row| u32::try_from(row).ok()),
        cells: read_cells(&section),
        merged_first: section.choice("merged", &[("refuse", false), ("first", true)]).unwrap_or(false),
    };
    let rows = RowOptions {
        cutting: Cutting::Delimited(delimited),
        empty_allowed: section.choice("empty", &[("refuse", false), ("allowed", true)]).unwrap_or(false),
        unknown_records_ignored: section
            .choice("unknown_records", &[("refuse", false), ("ignore", true)])
            .unwrap_or(false),
        line_end: "\n",
        bom: false,
        final_line_end: false,
    };
    Some((options, rows))
}

fn read_sheet(section: &Section<'_>) -> Wanted {
    if section.is_integer("sheet") {
        let number = section.integer("sheet").and_then(|n| usize::try_from(n).ok());
        if let Some(number) = number.filter(|n| (1..=SHEETS).contains(n)) {
            return Wanted::Number(number);
        }
        section.problem("sheet", "expected the number of a sheet, from 1, or its name.");
        return Wanted::First;
    }
    match section.texts("sheet") {
        Some(names) => Wanted::Named(names.into_iter().map(|name| name.value).collect()),
        None => Wanted::First,
    }
}

fn read_cells(section: &Section<'_>) -> Vec<(String, u32, u32)> {
    let mut cells = Vec::new();
    for (name, cell) in section.pairs("cells").unwrap_or_default() {
        match reference(&cell.value) {
            Some((column, row)) => cells.push((name.value, column, row)),
            None => section.problem_at(cell.span, "cells", "expected a cell like \"B3\".", None),
        }
    }
    cells
}

/// What a workbook cannot hold.
pub fn check(root: &Section<'_>, records: &[Record]) {
    for record in records {
        if !matches!(record.role, Role::Opens(_) | Role::Adds(_) | Role::Ignored) {
            let text = "a sheet has rows of messages alone; single values above them are named in [xlsx] cells.";
            root.problem_at(record.span.clone(), "record.opens", text, None);
        }
        if record.width.is_some() {
            root.problem_at(record.span.clone(), "record.width", "a row of a sheet has no width.", None);
        }
        for field in &record.fields {
            let Shape::Number(number) = &field.form.shape else { continue };
            let is_ours = matches!(field.ours, Ours::Field { .. } | Ours::Extra { .. });
            if is_ours && (number.point != b'.' || number.thousands.is_some()) {
                let text = "numbers of a sheet come with a point and without thousands, however Excel shows them; take it out.";
                root.problem_at(field.span.clone(), "record.fields", text, None);
            }
        }
    }
}
