//! How things look: tables without borders, words instead of codes, short local times, names made safe to print.
//!
//! Made for a tired person at 06:00. It owns the style and nothing of what is said.

use std::io::{self, IsTerminal, Write};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value;

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
        when(instant, self.now, self.zone)
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

/// A time as short as it can be without doubt: `06:14` is today.
pub fn when(instant: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (there, here) = (instant.with_timezone(&zone), now.with_timezone(&zone));
    let clock = there.format("%H:%M");
    match (there.date_naive() - here.date_naive()).num_days() {
        0 => clock.to_string(),
        -1 => format!("yesterday {clock}"),
        1 => format!("tomorrow {clock}"),
        _ => format!("{} {clock}", there.format("%Y-%m-%d")),
    }
}

/// A time in a sentence: with seconds where it is today or yesterday, since there people compare.
pub fn when_told(instant: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (there, here) = (instant.with_timezone(&zone), now.with_timezone(&zone));
    let clock = there.format("%H:%M:%S");
    match (there.date_naive() - here.date_naive()).num_days() {
        0 => format!("today at {clock}"),
        -1 => format!("yesterday at {clock}"),
        1 => format!("tomorrow at {clock}"),
        _ => format!("on {} at {clock}", there.format("%Y-%m-%d")),
    }
}

/// How long, in the two largest units that matter.
pub fn age(span: TimeDelta) -> String {
    let minutes = span.num_minutes().max(0);
    match minutes {
        0 => format!("{} s", span.num_seconds().max(0)),
        1..60 => format!("{minutes} min"),
        60..2_880 if minutes % 60 == 0 => format!("{} h", minutes / 60),
        60..2_880 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

/// Bytes for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => tenths(bytes, 1_000, "kB"),
        1_000_000..1_000_000_000 => tenths(bytes, 1_000_000, "MB"),
        _ => tenths(bytes, 1_000_000_000, "GB"),
    }
}

fn tenths(bytes: u64, unit: u64, name: &str) -> String {
    format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit)
}

/// `1 file`, `2 files`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_short_and_local() {
        let now = at("2026-11-07T05:30:00Z");
        let zone = chrono_tz::Europe::Berlin;
        let rows = [
            ("2026-11-07T05:14:09Z", "06:14", "today at 06:14:09"),
            ("2026-11-06T23:10:00Z", "00:10", "today at 00:10:00"),
            ("2026-11-06T21:10:00Z", "yesterday 22:10", "yesterday at 22:10:00"),
            ("2026-11-08T01:00:00Z", "tomorrow 02:00", "tomorrow at 02:00:00"),
            ("2026-07-01T10:00:00Z", "2026-07-01 12:00", "on 2026-07-01 at 12:00:00"),
        ];
        for (instant, short, told) in rows {
            assert_eq!(when(at(instant), now, zone), short);
            assert_eq!(when_told(at(instant), now, zone), told);
        }
    }

    #[test]
    fn ages_and_sizes_are_rounded_for_people() {
        let rows = [(12, "12 s"), (65, "1 min"), (3_600, "1 h"), (8_000, "2 h 13 min"), (400_000, "4 days")];
        for (seconds, text) in rows {
            assert_eq!(age(TimeDelta::seconds(seconds)), text);
        }
        assert_eq!((size(999), size(1_250), size(2_000_000_000)), ("999 B".into(), "1.2 kB".into(), "2.0 GB".into()));
    }

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
