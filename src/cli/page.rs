//! How things look: tables without borders, words instead of codes, short local times, names made safe to print.
//!
//! Made for a tired person at 06:00. It owns the style and nothing of what is said.

use std::io::{self, IsTerminal, Write};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use serde_json::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::edges::clock;
use crate::flows::moments;

/// A narrower terminal gets this width all the same: below it nothing can be read.
const NARROWEST: u16 = 60;

/// Between two columns.
const GAP: usize = 2;
/// A name is not cut to less.
const LEAST_NAME: usize = 12;
/// Columns of names that others gave, which may be of any length.
const NAMES: [&str; 7] = ["name", "file", "from file", "key", "number", "order", "in"];
/// Columns that people copy from.
const WHOLE: [&str; 2] = ["id", "reason"];

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

    /// On a terminal a table is as wide as that at most; in a pipe it is as wide as it needs.
    pub fn table(&mut self, columns: Columns) -> io::Result<()> {
        let width = terminal_width().map(|width| usize::from(width.max(NARROWEST)));
        for line in columns.laid_out(width).lines() {
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
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Columns {
    /// A title that begins with `#` heads numbers, which stand right.
    pub fn new(titles: &[&str]) -> Self {
        Columns { titles: titles.iter().map(|title| title.to_string()).collect(), rows: Vec::new() }
    }

    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(|cell| safe(cell.as_ref())).collect());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Where it is too wide, names lose their middle: whoever copies an id or looks for a number finds it in one piece, and
    /// a file takes one line. What then does not fit is broken between words.
    fn laid_out(mut self, width: Option<usize>) -> Table {
        if let Some(width) = width {
            self.cut_names(width);
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(self.titles.iter().map(|title| title.trim_start_matches('#').to_string()).collect::<Vec<_>>());
        for (index, title) in self.titles.iter().enumerate() {
            let Some(column) = table.column_mut(index) else { continue };
            column.set_padding((0, GAP as u16));
            if title.starts_with('#') {
                column.set_cell_alignment(CellAlignment::Right);
            }
            if width.is_some() && WHOLE.contains(&title.as_str()) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        for row in self.rows {
            table.add_row(row);
        }
        if let Some(width) = width.and_then(|width| u16::try_from(width).ok()) {
            table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
        }
        table
    }

    fn cut_names(&mut self, width: usize) {
        let widest = |column: usize, rows: &[Vec<String>], title: &str| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
            cells.max().unwrap_or_default().max(title.width())
        };
        let widths: Vec<usize> =
            self.titles.iter().enumerate().map(|(column, title)| widest(column, &self.rows, title)).collect();
        let over = (widths.iter().sum::<usize>() + GAP * widths.len()).saturating_sub(width);
        let names = self.titles.iter().enumerate().filter(|(_, title)| NAMES.contains(&title.as_str()));
        let Some((column, _)) = names.max_by_key(|(column, _)| widths[*column]).filter(|_| over > 0) else { return };
        let room = widths[column].saturating_sub(over).max(LEAST_NAME);
        for cell in self.rows.iter_mut().filter_map(|row| row.get_mut(column)) {
            *cell = without_middle(cell, room);
        }
    }
}

/// `orders-of-the-…-1107.csv`: at most so many columns of a terminal. Characters that take two, and marks that take none,
/// count as what they take.
fn without_middle(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_string();
    }
    let half = room.saturating_sub(1) / 2;
    let mut begin = String::new();
    for c in text.chars() {
        if begin.width() + c.width().unwrap_or_default() > room - 1 - half {
            break;
        }
        begin.push(c);
    }
    let mut end = String::new();
    for c in text.chars().rev() {
        if end.width() + c.width().unwrap_or_default() > half {
            break;
        }
        end.insert(0, c);
    }
    // Marks belong to a character that was cut off.
    format!("{begin}…{}", end.trim_start_matches(|c: char| c.width() == Some(0)))
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

    fn lines(titles: &[&str], rows: &[&[&str]], width: Option<usize>) -> Vec<String> {
        let mut columns = Columns::new(titles);
        rows.iter().for_each(|row| columns.row(row.iter()));
        columns.laid_out(width).lines().map(|line| line.trim_end().to_string()).collect()
    }

    #[test]
    fn a_name_of_any_script_is_cut_to_the_terminal_and_an_id_never() {
        let names = [
            "x".repeat(180) + ".csv",
            "注文書".repeat(16) + ".csv",
            "e\u{301}".repeat(60) + ".csv",
            "a b ".repeat(30) + ".csv",
            "short.csv".to_string(),
        ];
        let rows: Vec<[&str; 4]> =
            names.iter().map(|name| ["dealer/orders", name.as_str(), "layout-mismatch", "6ahbzgfxb1fh7"]).collect();
        let rows: Vec<&[&str]> = rows.iter().map(|row| &row[..]).collect();
        let titles = ["from", "name", "reason", "id"];
        for width in [80, 100, 120] {
            let lines = lines(&titles, &rows, Some(width));
            assert_eq!(lines.len(), 1 + names.len(), "{lines:#?}");
            for line in &lines[1..] {
                assert!(line.width() <= width && line.ends_with("6ahbzgfxb1fh7") && line.contains(".csv"), "{line}");
            }
        }
        // In a pipe nothing is cut.
        let whole = lines(&titles, &rows, None);
        assert!(names.iter().zip(&whole[1..]).all(|(name, line)| line.contains(name.trim_end())), "{whole:#?}");
    }

    #[test]
    fn the_middle_of_a_name_is_what_goes() {
        assert_eq!(without_middle("orders-1107.csv", 15), "orders-1107.csv");
        assert_eq!(without_middle("orders-of-the-dealer-1107.csv", 16), "orders-o…107.csv");
        assert_eq!(without_middle("注文書注文書注文書", 8), "注文…書");
        assert_eq!(without_middle("ae\u{301}\u{301}\u{301}bcdefgh", 6), "ae\u{301}\u{301}\u{301}b…gh");
        assert_eq!(without_middle("abcdefge\u{301}\u{301}h", 5), "ab…e\u{301}\u{301}h");
    }
}
