//! How cells look, as far as it says what their numbers are: a day, or a number with zeros before it.

use std::collections::HashMap;
use std::io;

use super::package::{attribute, parse};
use crate::model::archive::Directory;
use crate::model::layout::Input;
use crate::model::syntax::xml::{Halt, Spot, Tag, Visitor};

/// What a style makes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Plain,
    /// A day, a time or both.
    Moment,
    /// Filled up with zeros to so many digits: `00000`.
    Zeros(usize),
}

/// Formats of its own and styles that a workbook may have.
const STYLES: usize = 65_536;
/// A number filled up to more digits is no number of a person's.
const ZEROS: usize = 40;

/// The looks of all cell styles, by number.
pub fn read(input: &mut dyn Input, directory: &Directory, path: &str) -> io::Result<Vec<Look>> {
    let mut reader = Reader::default();
    parse(input, directory, path, &mut reader)?;
    Ok(reader.formats.iter().map(|id| reader.own.get(id).copied().unwrap_or_else(|| built_in(*id))).collect())
}

/// Formats that every Excel has; those of East Asian calendars too.
fn built_in(id: u32) -> Look {
    match id {
        14..=22 | 27..=36 | 45..=47 | 50..=58 => Look::Moment,
        _ => Look::Plain,
    }
}

fn look(code: &str) -> Look {
    if code.len() <= ZEROS && code.len() > 1 && code.bytes().all(|b| b == b'0') {
        return Look::Zeros(code.len());
    }
    // Of several parts the first is for positive numbers.
    let mut rest = code.chars().peekable();
    let mut bracketed = String::new();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                let _ = rest.by_ref().find(|c| *c == '"');
            }
            '\\' | '_' | '*' => {
                rest.next();
            }
            '[' => {
                bracketed.clear();
                bracketed.extend(rest.by_ref().take_while(|c| *c != ']'));
                // [h]:mm counts hours; [Red] and [$-407] say nothing of it.
                let word = bracketed.to_ascii_lowercase();
                if !word.is_empty() && ["h", "m", "s"].iter().any(|unit| word.replace(unit, "").is_empty()) {
                    return Look::Moment;
                }
            }
            ';' => return Look::Plain,
            'G' if rest.clone().take(6).collect::<String>() == "eneral" => return Look::Plain,
            'd' | 'D' | 'm' | 'M' | 'y' | 'Y' | 'h' | 'H' | 's' | 'S' => return Look::Moment,
            _ => {}
        }
    }
    Look::Plain
}

#[derive(Default)]
struct Reader {
    own: HashMap<u32, Look>,
    /// Format of each cell style.
    formats: Vec<u32>,
    /// How deep, and where the cell styles begin.
    depth: usize,
    cells_at: Option<usize>,
}

impl Visitor for Reader {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        self.depth += 1;
        let id = || attribute(tag, "numFmtId").and_then(|id| id.parse().ok());
        match tag.name {
            "numFmt" if self.own.len() < STYLES => {
                if let (Some(id), Some(code)) = (id(), attribute(tag, "formatCode")) {
                    self.own.insert(id, look(code));
                }
            }
            "cellXfs" => self.cells_at = Some(self.depth),
            "xf" if self.cells_at.is_some_and(|at| at + 1 == self.depth) && self.formats.len() < STYLES => {
                self.formats.push(id().unwrap_or(0));
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, _: &str) -> Result<(), Halt> {
        Ok(())
    }

    fn close(&mut self, _: Spot) -> Result<(), Halt> {
        if self.cells_at == Some(self.depth) {
            self.cells_at = None;
        }
        self.depth -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_say_what_a_number_is() {
        let moments =
            ["dd.mm.yyyy", "[$-407]d. mmmm yyyy", "[h]:mm:ss", "[Red]h:mm", "yyyy\\-mm\\-dd", "mmm;@", "HH:MM"];
        for code in moments {
            assert_eq!(look(code), Look::Moment, "{code}");
        }
        let plain = [
            "General",
            "0.00",
            "#,##0",
            "0.00\" days\"",
            "[Red]-0",
            "0\\d",
            "@",
            "\"Stück\" 0",
            "0;d",
            "# ?/?",
            "0.00E+00",
            "0_d",
            "0",
        ];
        for code in plain {
            assert_eq!(look(code), Look::Plain, "{code}");
        }
        assert_eq!(look("00000"), Look::Zeros(5));
    }
}
