//! The cells of one sheet, row by row: each row is handed on when it ends and forgotten.

use std::io;

use super::package::{Package, attribute, parse};
use super::strings::Element;
use super::styles::Look;
use super::value;
use super::{BadCell, COLUMNS, ROWS, SheetPart, reference};
use crate::model::archive::Flaw;
use crate::model::diagnostic::shown;
use crate::model::layout::Input;
use crate::model::syntax::xml::{Halt, Spot, Tag, Visitor};

/// A cell of Excel holds half of it.
const CELL_BYTES: usize = 256 << 10;
/// All cells of a row.
const ROW_BYTES: usize = 8 << 20;

/// A cell that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetCell {
    /// From 0.
    pub column: u32,
    pub text: String,
    pub bad: Option<BadCell>,
}

/// Takes a row: its number, from 1, and its cells in their order. `false` ends the reading.
pub type TakeRow<'t> = dyn FnMut(u32, &[SheetCell]) -> io::Result<bool> + 't;

/// Reads all rows of a sheet that hold anything.
pub fn read_sheet(
    input: &mut dyn Input,
    package: &Package,
    sheet: &SheetPart,
    take: &mut TakeRow<'_>,
) -> io::Result<()> {
    let mut reader = Reader {
        package,
        take,
        open: Vec::new(),
        row: 0,
        next_column: 0,
        cells: Vec::new(),
        row_bytes: 0,
        cell: Cell::default(),
        failed: None,
    };
    let read = parse(input, &package.directory, &sheet.path, &mut reader);
    match reader.failed.take() {
        Some(error) => Err(error),
        None => read,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Row,
    Cell,
    Value,
    Formula,
    Text(Element),
    Other,
}

/// The cell being read.
#[derive(Default)]
struct Cell {
    column: u32,
    sort: String,
    style: usize,
    text: String,
    has_value: bool,
    has_formula: bool,
}

struct Reader<'r, 't> {
    package: &'r Package,
    take: &'r mut TakeRow<'t>,
    open: Vec<Open>,
    row: u32,
    next_column: u32,
    cells: Vec<SheetCell>,
    row_bytes: usize,
    cell: Cell,
    failed: Option<io::Error>,
}

impl Reader<'_, '_> {
    fn fail(&mut self, error: impl Into<io::Error>) -> Halt {
        self.failed = Some(error.into());
        Halt::Stop
    }

    fn open_row(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        let said = attribute(tag, "r");
        let row = said.map_or(Some(self.row + 1), |r| r.parse().ok()).filter(|r| (self.row + 1..=ROWS).contains(r));
        let Some(row) = row else {
            let found = shown(said.unwrap_or_default());
            return Err(
                self.fail(Flaw::Damaged(format!("row \"{found}\" stands behind row {} in its sheet.", self.row)))
            );
        };
        self.row = row;
        self.next_column = 0;
        self.cells.clear();
        self.row_bytes = 0;
        Ok(())
    }

    fn open_cell(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        let said = attribute(tag, "r");
        let found = match said {
            Some(said) => reference(said).filter(|(_, row)| *row == self.row).map(|(column, _)| column),
            None => Some(self.next_column),
        };
        let Some(column) = found.filter(|column| (self.next_column..COLUMNS).contains(column)) else {
            let found = shown(said.unwrap_or_default());
            let text = format!("the cell \"{found}\" does not stand in row {} in its order.", self.row);
            return Err(self.fail(Flaw::Damaged(text)));
        };
        self.next_column = column + 1;
        self.cell.column = column;
        self.cell.sort.clear();
        self.cell.sort.push_str(attribute(tag, "t").unwrap_or("n"));
        self.cell.style = attribute(tag, "s").and_then(|s| s.parse().ok()).unwrap_or(0);
        self.cell.text.clear();
        (self.cell.has_value, self.cell.has_formula) = (false, false);
        Ok(())
    }

    fn close_cell(&mut self) -> Result<(), Halt> {
        let cell = &self.cell;
        if !cell.has_value && !cell.has_formula {
            return Ok(());
        }
        let mut text = String::new();
        let bad = match (cell.has_value, cell.sort.as_str()) {
            (false, _) => {
                // Not to be taken for an empty cell.
                text.push('=');
                Some(BadCell::Unvalued)
            }
            (true, "s") => {
                let shared = cell.text.trim().parse().ok().and_then(|index| self.package.strings.get(index));
                let Some(shared) = shared else {
                    let found = format!(
                        "a cell in row {} points at text \"{}\", which is not there.",
                        self.row,
                        shown(&cell.text)
                    );
                    return Err(self.fail(Flaw::Damaged(found)));
                };
                value::text(shared, &mut text);
                None
            }
            (true, "inlineStr" | "str") => {
                value::text(&cell.text, &mut text);
                None
            }
            (true, "b") => {
                text.push_str(if matches!(cell.text.trim(), "1" | "true") { "true" } else { "false" });
                None
            }
            (true, "e") => {
                text.push_str(&cell.text);
                Some(BadCell::Error)
            }
            (true, "n") if !cell.text.trim().is_empty() => {
                let look = self.package.looks.get(cell.style).copied().unwrap_or(Look::Plain);
                match value::number(&cell.text, look, self.package.since_1904) {
                    Ok(number) => {
                        text = number;
                        None
                    }
                    Err(bad) => {
                        text.push_str(&cell.text);
                        Some(bad)
                    }
                }
            }
            // A day in ISO 8601, or something newer than this.
            _ => {
                text.push_str(&cell.text);
                None
            }
        };
        self.row_bytes += text.len();
        if self.row_bytes > ROW_BYTES {
            let text = format!("row {} holds more than {} MiB.", self.row, ROW_BYTES >> 20);
            return Err(self.fail(Flaw::Limit(text)));
        }
        if bad.is_some() || !text.trim().is_empty() {
            self.cells.push(SheetCell { column: self.cell.column, text, bad });
        }
        Ok(())
    }

    fn close_row(&mut self) -> Result<(), Halt> {
        if self.cells.is_empty() {
            return Ok(());
        }
        match (self.take)(self.row, &self.cells) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Halt::Stop),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Text counts that stands in a value, or in the text of a cell that holds its own.
    fn is_told(&self) -> bool {
        match self.open.last() {
            Some(Open::Value) => true,
            Some(Open::Text(Element::Text)) => {
                self.open.contains(&Open::Text(Element::Item)) && !self.open.contains(&Open::Text(Element::Aloud))
            }
            _ => false,
        }
    }
}

impl Visitor for Reader<'_, '_> {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        let within = self.open.last().copied();
        let opened = match (tag.name, within) {
            ("row", _) if !self.open.contains(&Open::Row) => {
                self.open_row(tag)?;
                Open::Row
            }
            ("c", Some(Open::Row)) => {
                self.open_cell(tag)?;
                Open::Cell
            }
            ("v", Some(Open::Cell)) => {
                self.cell.has_value = true;
                Open::Value
            }
            ("f", Some(Open::Cell)) => {
                self.cell.has_formula = true;
                Open::Formula
            }
            ("is", Some(Open::Cell)) => {
                self.cell.has_value = true;
                Open::Text(Element::Item)
            }
            (name, _) if self.open.contains(&Open::Text(Element::Item)) => Open::Text(Element::of(name)),
            _ => Open::Other,
        };
        self.open.push(opened);
        Ok(())
    }

    fn text(&mut self, piece: &str) -> Result<(), Halt> {
        if !self.is_told() {
            return Ok(());
        }
        if self.cell.text.len() + piece.len() > CELL_BYTES {
            let text = format!("a cell in row {} holds more than {} KiB.", self.row, CELL_BYTES >> 10);
            return Err(self.fail(Flaw::Limit(text)));
        }
        self.cell.text.push_str(piece);
        Ok(())
    }

    fn close(&mut self, _: Spot) -> Result<(), Halt> {
        match self.open.pop() {
            Some(Open::Cell) => self.close_cell(),
            Some(Open::Row) => self.close_row(),
            _ => Ok(()),
        }
    }
}
