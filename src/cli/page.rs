//! How things look: tables without borders, words instead of codes, short local times, names made safe to print.
//!
//! Made for a tired person at 06:00. It owns the style and nothing of what is said.

use std::io::{self, IsTerminal, Write};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value;

use crate::edges::clock;
use crate::flows::moments;

/// A narrower terminal gets this width all the same: below it nothing can be read.
const NARROWEST: u16 = 60;

/// Where a command writes to, for whom, and at which moment.
pub struct Page<'a> {
    pub out: &'a mut dyn Write,
    pub json: bool,
    pub zone: Tz,
    pub now: DateTime<Utc>,
}

impl Page<'_> {
    pub fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.out, "{}", text.as_ref())
    }

    pub fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// One complete object on a line of its own, for programs.
    pub fn object(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.out, "{value}")
    }

    pub fn table(&mut self, columns: Columns) -> io::Result<()> {
        let mut table = columns.table;
        if let Some(width) = terminal_width() {
            table.set_width(width.max(NARROWEST)).set_content_arrangement(ContentArrangement::Dynamic);
        }
        for line in table.lines() {
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    pub fn when(&self, instant: DateTime<Utc>) -> String {
        moments::short(instant, self.now, self.zone)
    }

    /// An instant as the ledger keeps it; nothing stays nothing.
    pub fn when_stored(&self, text: Option<&str>) -> String {
        text.and_then(clock::read_iso).map(|at| self.when(at)).unwrap_or_default()
    }

    pub fn day(&self) -> NaiveDate {
        self.now.with_timezone(&self.zone).date_naive()
    }
}

/// A table being filled. Cells are made safe here, so no name can break a line or colour a terminal.
pub struct Columns {
    table: Table,
}

impl Columns {
    /// A title that begins with `#` heads numbers, which stand right.
    pub fn new(titles: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(titles.iter().map(|title| title.trim_start_matches('#').to_string()).collect::<Vec<_>>());
        for (index, title) in titles.iter().enumerate() {
            if let Some(column) = table.column_mut(index) {
                column.set_padding((0, 2));
                if title.starts_with('#') {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        Columns { table }
    }

    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.table.add_row(cells.into_iter().map(|cell| safe(cell.as_ref())).collect::<Vec<_>>());
    }

    pub fn is_empty(&self) -> bool {
        self.table.row_count() == 0
    }
}

fn terminal_width() -> Option<u16> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    rustix::termios::tcgetwinsize(stdout).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

/// A text of others that is printed: control characters and those that turn the direction of writing are shown, not sent.
pub fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let turns =
            matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || turns { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_breaks_a_line() {
        let mut out = Vec::new();
        let mut page = Page { out: &mut out, json: false, zone: chrono_tz::UTC, now: Utc::now() };
        let mut columns = Columns::new(&["name", "#size"]);
        columns.row(["a\nb\u{1b}[31m\u{202e}ü", "1"]);
        columns.row(["x", "1000"]);
        page.table(columns).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "name                     size\na\\nb\\u{1b}[31m\\u{202e}ü     1\nx                        1000\n"
        );
    }
}
