//! Excel workbooks: which sheet holds the list, which of its rows the headings, and the columns below them.

use std::io::Cursor;

use super::cut::{Column, Sheet};
use super::names;
use crate::model::syntax::workbook::{Package, read_sheet};

/// Titles may stand above the headings.
const HEADINGS: usize = 40;
/// More rows say nothing new.
const ROWS: usize = 2_000;
/// Headings of a list are two at least.
const LEAST: usize = 2;

/// The list of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Its sheet, where it is not the first that is seen.
    pub name: Option<String>,
    /// Row of the headings, where rows stand above them.
    pub header_row: Option<u32>,
    pub sheet: Sheet,
    /// Other sheets that hold something.
    pub others: Vec<String>,
}

type Rows = Vec<(u32, Vec<String>)>;

pub fn read(bytes: &[u8]) -> Result<List, String> {
    let mut input = Cursor::new(bytes);
    let package = Package::open(&mut input).map_err(|error| format!("the workbook cannot be read: {error}"))?;
    let mut best: Option<(usize, usize, Rows, usize)> = None;
    let mut held = Vec::new();
    for (number, part) in package.sheets.iter().enumerate().filter(|(_, part)| !part.hidden) {
        let mut rows: Rows = Vec::new();
        let mut take = |row: u32, cells: &[crate::model::syntax::workbook::SheetCell]| {
            let width = cells.last().map_or(0, |cell| cell.column as usize + 1);
            let mut texts = vec![String::new(); width];
            for cell in cells.iter().filter(|cell| cell.bad.is_none()) {
                texts[cell.column as usize] = cell.text.trim().to_string();
            }
            rows.push((row, texts));
            Ok(rows.len() < ROWS)
        };
        read_sheet(&mut input, &package, part, &mut take).map_err(|error| format!("sheet {}: {error}", part.name))?;
        if rows.is_empty() {
            continue;
        }
        held.push(part.name.clone());
        let Some((at, score)) = heading(&rows) else { continue };
        if best.as_ref().is_none_or(|(most, ..)| score > *most) {
            best = Some((score, number, rows, at));
        }
    }
    let Some((_, number, rows, at)) = best else {
        return Err("no sheet of the workbook has a row of headings with rows below it".to_string());
    };
    let first = package.sheets.iter().position(|sheet| !sheet.hidden);
    let name = &package.sheets[number].name;
    Ok(List {
        name: (first != Some(number)).then(|| name.clone()),
        header_row: (at > 0).then_some(rows[at].0),
        sheet: columns(&rows, at),
        others: held.into_iter().filter(|other| other != name).collect(),
    })
}

/// The row that names most, and how much: names that are understood count, and the values that stand below them.
fn heading(rows: &Rows) -> Option<(usize, usize)> {
    let understood = |text: &String| names::meanings(text, &[]).first().is_some_and(|m| m.sure >= 60);
    let wordy = |text: &String| text.chars().any(char::is_alphabetic) && text.parse::<f64>().is_err();
    let score = |at: usize| {
        let named = rows[at].1.iter().filter(|text| wordy(text)).count();
        let known = rows[at].1.iter().filter(|text| understood(text)).count();
        let filled = rows[at].1.iter().filter(|text| !text.is_empty()).count();
        let below = rows.len() - at - 1;
        let plain = named >= LEAST && named * 10 >= filled * 8 && below > 0;
        plain.then_some(known * 10 + named)
    };
    let all = (0..rows.len().min(HEADINGS)).filter_map(|at| Some((score(at)?, at)));
    // Of those alike the first.
    all.fold(None, |best: Option<(usize, usize)>, (score, at)| match best {
        Some((_, most)) if score <= most => best,
        _ => Some((at, score)),
    })
}

fn columns(rows: &Rows, at: usize) -> Sheet {
    let below = &rows[at + 1..];
    let named = rows[at].1.iter().enumerate().filter(|(_, name)| !name.is_empty());
    let columns = named.map(|(column, name)| {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let values = below.iter().map(|(_, row)| row.get(column).cloned().unwrap_or_default());
        Column { place: name.clone(), label: name, values: values.collect(), ..Column::default() }
    });
    Sheet { tag: String::new(), columns: columns.collect(), rows: (0..below.len()).collect() }
}
