//! Excel workbooks (.xlsx): the rows of one sheet as text, each with its number as Excel shows it, one row in memory.
//!
//! `package` finds the parts in the archive, `strings` and `styles` hold what cells only point at, `sheet` reads the cells,
//! `value` says what each holds, `cut` makes a workbook of some rows alone. What a row means is not known here.
//!
//! It is our own because the readers there are give numbers as binary fractions instead of the digits in the file, do not
//! tell a formula without a value from an empty cell, and hold all texts of a workbook whatever their size.

mod cut;
mod merges;
mod package;
mod plain;
mod sheet;
mod strings;
mod styles;
mod value;

use std::fmt;

pub use cut::cut;
pub use merges::{Merge, Open as OpenMerges, read_merges};
pub use package::{Package, SHEETS, SheetPart};
pub use plain::{PlainRows, plain_workbook};
pub use sheet::{SheetCell, read_sheet};

/// What Excel itself can hold.
pub const ROWS: u32 = 1_048_576;
pub const COLUMNS: u32 = 16_384;

/// Why a cell says nothing that can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadCell {
    /// `#N/A` and its like.
    Error,
    /// A formula that no program has computed.
    Unvalued,
    /// A number with more digits than Excel keeps: the last ones are lost.
    Digits,
    /// A day that is none.
    Moment,
    /// A value under no heading.
    Unnamed,
    /// Merged with cells of other rows or of other columns that are read: nobody knows whose value it is.
    Merged,
}

impl BadCell {
    pub const ALL: [BadCell; 6] =
        [BadCell::Error, BadCell::Unvalued, BadCell::Digits, BadCell::Moment, BadCell::Unnamed, BadCell::Merged];
}

/// A column as Excel calls it: 0 is A, 26 is AA.
pub fn letters(column: u32) -> String {
    let mut rest = column + 1;
    let mut found = Vec::new();
    while rest > 0 {
        found.push(b'A' + ((rest - 1) % 26) as u8);
        rest = (rest - 1) / 26;
    }
    found.reverse();
    found.into_iter().map(char::from).collect()
}

/// `C7` → column 2, row 7.
pub fn reference(text: &str) -> Option<(u32, u32)> {
    let split = text.find(|c: char| !c.is_ascii_uppercase())?;
    let column = column(&text[..split])?;
    let digits = &text[split..];
    let row = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u32>().ok())??;
    (1..=ROWS).contains(&row).then_some((column, row))
}

/// `C` → 2.
pub fn column(letters: &str) -> Option<u32> {
    if letters.is_empty() || letters.len() > 3 || !letters.bytes().all(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let column = letters.bytes().fold(0, |sum, b| sum * 26 + u32::from(b - b'A') + 1) - 1;
    (column < COLUMNS).then_some(column)
}

/// A sheet's name before a cell, as Excel writes it: `Orders!`, `'New orders'!`.
pub struct SheetName<'s>(pub &'s str);

impl fmt::Display for SheetName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        let shown = super::super::diagnostic::shown(self.0);
        if self.0.chars().all(plain) && !self.0.starts_with(|c: char| c.is_ascii_digit()) {
            return write!(f, "{shown}!");
        }
        write!(f, "'{}'!", shown.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_called_as_excel_calls_them() {
        for (column, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")] {
            assert_eq!(letters(column), name);
            assert_eq!(reference(&format!("{name}7")), Some((column, 7)));
        }
        for wrong in ["", "A", "7", "A0", "XFE1", "A1048577", "a1", "A1B", "AAAA1", "A-1", "A+1"] {
            assert_eq!(reference(wrong), None, "{wrong}");
        }
        assert_eq!(SheetName("Orders").to_string(), "Orders!");
        assert_eq!(SheetName("Max' list").to_string(), "'Max'' list'!");
    }
}
