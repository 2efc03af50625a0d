//! Rows of a file: its lines cut into cells at a delimiter, or left whole for fixed width. Works on the sender's bytes and
//! gives exact ranges and line numbers, whether lines end with LF, CRLF or CR.
//!
//! A row that cannot be cut is given with its flaw and never swallows the next ones: behind an unclosed quote reading goes
//! on at the next line, a line without end is skipped in bounded memory. What a row means is not known here.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memchr_iter};

use super::encoding::Encoding;
use super::fixed::Widths;
use super::tagged::Tags;
use super::window::{Misread, RECORD_BYTES, Window};
use super::workbook::BadCell;

/// Of a record that is too long, so many bytes are kept for its type and key.
const KEPT_BYTES: usize = 4 << 10;
/// More cells than any row has; a row of delimiters alone must not fill the memory.
const CELLS: usize = 20_000;
/// Rows of a sheet: what ends a cell and a row stands in no text that a workbook can hold.
pub const CELL_END: u8 = 0x1F;
pub const ROW_END: u8 = 0x1E;
/// Before and behind the number of a bad cell at the beginning of its row.
pub const BAD_MARK: u8 = 0x1D;

/// How lines are cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Style {
    /// Not at all.
    Lines,
    /// By their length: there are no line ends.
    Records(Arc<Widths>),
    /// Marker lines with the tagged lines behind them.
    Blocks(Arc<Tags>),
    /// Of a workbook, written out.
    Sheet,
    Cells {
        delimiter: u8,
        quote: Option<u8>,
        /// Quoted values may hold line breaks.
        line_breaks: bool,
        /// Blanks may stand between a delimiter and a quote.
        padded: bool,
        /// Lines that are records of fixed width: a quote in them is a character like others.
        whole: Option<Arc<Widths>>,
    },
}

/// A cell within its row; of a quoted one, what is between the quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub start: u32,
    pub end: u32,
    pub quoted: bool,
    /// Holds doubled quotes that stand for one.
    pub doubled: bool,
}

impl Cell {
    /// The place of a tag that a block does not have.
    pub const ABSENT: Cell = Cell { start: u32::MAX, end: u32::MAX, quoted: false, doubled: false };

    pub fn is_absent(&self) -> bool {
        self.start == u32::MAX
    }

    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Why a row could not be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The quote that opens this column (from 1) on this line is not closed.
    QuoteUnclosed {
        column: usize,
        line: u32,
    },
    /// Text behind the closing quote of this column.
    QuoteMisplaced {
        column: usize,
        line: u32,
    },
    /// A tagged line whose tag is not known, or was there before in the block; where it stands in the row.
    TagUnknown {
        line: u32,
        start: u32,
        end: u32,
    },
    TagTwice {
        line: u32,
        start: u32,
        end: u32,
    },
    TooLong,
    Nul,
    /// A cell of a sheet says nothing that can be taken.
    Bad {
        /// Of the sheet, and of the row.
        column: u32,
        cell: u32,
        what: BadCell,
    },
}

/// One row. Blank lines are no rows.
#[derive(Debug)]
pub struct Row<'r> {
    /// Without the line end; UTF-8 where the file is UTF-16.
    pub bytes: &'r [u8],
    /// In the sender's file, with the line end.
    pub range: Range<u64>,
    /// Of its first line, from 1.
    pub line: u32,
    /// Empty for whole lines; with a flaw, the cells before it.
    pub cells: &'r [Cell],
    pub flaw: Option<Flaw>,
    /// It ended with a line end, not with the file.
    pub ended: bool,
    /// Lines of this file end with CR alone.
    pub carriage_return: bool,
}

pub struct RowReader<'i> {
    window: Window<'i>,
    style: Style,
    /// What ends a line: LF (with a CR before it or not), or CR where the file has no LF.
    line_end: u8,
    line: u32,
    cells: Vec<Cell>,
    kept: Vec<u8>,
    /// Bytes of the row given last, consumed when the next is asked for.
    given: usize,
}

/// Where a row ends in the window.
struct Cut {
    /// End of its bytes.
    end: usize,
    /// Start of the next row.
    next: usize,
    lines: u32,
    flaw: Option<Flaw>,
}

impl<'i> RowReader<'i> {
    pub fn open(input: &'i mut dyn Read, encoding: &Encoding, style: Style) -> io::Result<Self> {
        let mut window = Window::open(input, encoding)?;
        if style != Style::Sheet {
            window.drop_end_marks();
        }
        let seen = window.bytes();
        let line_end = match style {
            Style::Sheet => ROW_END,
            _ if memchr(b'\n', seen).is_none() && memchr(b'\r', seen).is_some() => b'\r',
            _ => b'\n',
        };
        Ok(RowReader { window, style, line_end, line: 1, cells: Vec::new(), kept: Vec::new(), given: 0 })
    }

    /// What reading parts of the same file again needs to know.
    pub fn again(&self) -> Again {
        Again { encoding: self.window.encoding().clone(), line_end: self.line_end, wide: self.window.wide() }
    }

    /// Reads a part of a file that begins at a row.
    pub fn resume(input: &'i mut dyn Read, again: &Again, style: Style, offset: u64, line: u32) -> Self {
        let mut window = Window::resume(input, &again.encoding, again.wide, offset);
        if style != Style::Sheet {
            window.drop_end_marks();
        }
        RowReader { window, style, line_end: again.line_end, line, cells: Vec::new(), kept: Vec::new(), given: 0 }
    }

    /// The file is of another width than the layout's encoding.
    pub fn misread(&self) -> Option<Misread> {
        self.window.misread()
    }

    /// Whether the file is UTF-16, and big endian.
    pub fn wide(&self) -> Option<bool> {
        self.window.wide()
    }

    /// The encoding of the rows' bytes.
    pub fn encoding(&self) -> &Encoding {
        self.window.encoding()
    }

    /// The next row, or nothing at the end of the file.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        self.window.consume(std::mem::take(&mut self.given));
        loop {
            let cut = match self.cut()? {
                Found::Nothing => return Ok(None),
                Found::Long { range, ended } => return Ok(Some(self.give_long(range, ended))),
                Found::Row(cut) => cut,
            };
            if cut.flaw.is_some() || !is_blank(&self.window.bytes()[..cut.end]) {
                return Ok(Some(self.give(cut)));
            }
            self.line += cut.lines;
            self.window.consume(cut.next);
        }
    }

    fn give(&mut self, cut: Cut) -> Row<'_> {
        let line = self.line;
        self.line += cut.lines;
        self.given = cut.next;
        let start = self.window.offset();
        let range = start..start + self.window.width(cut.next);
        let bytes = &self.window.bytes()[..cut.end];
        // A flawed row may end before cells that were cut already: on its first line, and they went on behind it.
        let stands = self.cells.iter().take_while(|cell| cell.is_absent() || cell.range().end <= cut.end).count();
        self.cells.truncate(if cut.flaw.is_some() { stands } else { self.cells.len() });
        let nul = memchr(0, bytes).map(|_| Flaw::Nul);
        Row {
            bytes,
            range,
            line,
            cells: &self.cells,
            flaw: cut.flaw.or(nul),
            ended: cut.next > cut.end,
            carriage_return: self.line_end == b'\r',
        }
    }

    fn give_long(&mut self, range: Range<u64>, ended: bool) -> Row<'_> {
        let line = self.line;
        self.line += 1;
        self.cells.clear();
        if let Style::Cells { delimiter, .. } = self.style {
            split(&self.kept, delimiter, &mut self.cells);
            self.cells.pop();
        }
        Row {
            bytes: &self.kept,
            range,
            line,
            cells: &self.cells,
            flaw: Some(Flaw::TooLong),
            ended,
            carriage_return: self.line_end == b'\r',
        }
    }

    /// Cuts the row that begins at the window's start.
    fn cut(&mut self) -> io::Result<Found> {
        if let Style::Records(widths) = &self.style {
            let widths = widths.clone();
            return self.cut_record(&widths);
        }
        if let Style::Blocks(tags) = &self.style {
            let tags = tags.clone();
            return self.cut_block(&tags);
        }
        let mut searched = 0;
        loop {
            let bytes = self.window.bytes();
            let found = memchr(self.line_end, &bytes[searched..]).map(|at| searched + at);
            let line = match found {
                Some(at) => at,
                None if self.window.ended() && bytes.is_empty() => return Ok(Found::Nothing),
                None if self.window.ended() => bytes.len(),
                None if bytes.len() > RECORD_BYTES => return self.skip_line(),
                None => {
                    searched = bytes.len();
                    self.window.fill()?;
                    continue;
                }
            };
            if line > RECORD_BYTES {
                return self.skip_line();
            }
            let (end, next) = trimmed(bytes, line, self.line_end, found.is_some());
            if self.style == Style::Sheet {
                let flaw = sheet_row(&bytes[..end], &mut self.cells);
                return Ok(Found::Row(Cut { end, next, lines: 1, flaw }));
            }
            let Style::Cells { delimiter, quote, line_breaks, padded, ref whole } = self.style else {
                return Ok(Found::Row(Cut { end, next, lines: 1, flaw: None }));
            };
            let is_whole = || whole.as_ref().is_some_and(|widths| widths.has(&bytes[..end], self.is_utf8()));
            let Some(quote) = quote.filter(|quote| memchr(*quote, &bytes[..end]).is_some() && !is_whole()) else {
                let flaw = split(&bytes[..end], delimiter, &mut self.cells);
                return Ok(Found::Row(Cut { end, next, lines: 1, flaw }));
            };
            let machine = Quoted { delimiter, quote, line_breaks, padded, line_end: self.line_end, line: self.line };
            return self.cut_quoted(machine).map(Found::Row);
        }
    }

    /// The rows' bytes; the others have one byte a character.
    fn is_utf8(&self) -> bool {
        !matches!(self.window.encoding(), Encoding::Single(_))
    }

    /// A record that has no line end, though there may be one behind it. Lines are counted as records.
    fn cut_record(&mut self, widths: &Widths) -> io::Result<Found> {
        loop {
            let blank = self.window.bytes().iter().take_while(|b| matches!(b, b'\n' | b'\r' | 0x1A)).count();
            self.window.consume(blank);
            let bytes = self.window.bytes();
            let is_utf8 = self.is_utf8();
            let most = widths.most_bytes();
            if let Some(end) = widths.bytes_of(&bytes[..bytes.len().min(most)], is_utf8) {
                return Ok(Found::Row(Cut { end, next: end, lines: 1, flaw: None }));
            }
            // More bytes than its characters can take are no text; the row is told by that.
            if self.window.ended() || bytes.len() >= most {
                let end = bytes.len().min(most);
                let cut = Cut { end, next: end, lines: 1, flaw: None };
                return Ok(if end == 0 { Found::Nothing } else { Found::Row(cut) });
            }
            self.window.fill()?;
        }
    }

    /// A marker line with its tagged lines. What is longer than a record may be ends where that is, flawed.
    fn cut_block(&mut self, tags: &Tags) -> io::Result<Found> {
        loop {
            let too_long = self.window.bytes().len() > RECORD_BYTES;
            if too_long && memchr(self.line_end, &self.window.bytes()[..RECORD_BYTES]).is_none() {
                return self.skip_line();
            }
            let last = self.window.ended() || too_long;
            let (bytes, line) = (self.window.bytes(), self.line);
            if bytes.is_empty() && last {
                return Ok(Found::Nothing);
            }
            let bytes =
                if too_long { &bytes[..memchr::memrchr(self.line_end, bytes).map_or(0, |at| at + 1)] } else { bytes };
            if let Some(block) = tags.cut(bytes, last, self.line_end, line, &mut self.cells) {
                let cut_off = too_long && block.next == bytes.len();
                let flaw = if cut_off { Some(Flaw::TooLong) } else { block.flaw };
                return Ok(Found::Row(Cut { end: block.end, next: block.next, lines: block.lines, flaw }));
            }
            self.window.fill()?;
        }
    }

    fn cut_quoted(&mut self, machine: Quoted) -> io::Result<Cut> {
        loop {
            if let Some(cut) = machine.run(self.window.bytes(), self.window.ended(), &mut self.cells) {
                return Ok(cut);
            }
            self.window.fill()?;
        }
    }

    /// Passes over a line that is too long, keeping its beginning.
    fn skip_line(&mut self) -> io::Result<Found> {
        let start = self.window.offset();
        self.kept.clear();
        self.kept.extend_from_slice(&self.window.bytes()[..KEPT_BYTES]);
        loop {
            let bytes = self.window.bytes();
            let found = memchr(self.line_end, bytes);
            let next = found.map_or(bytes.len(), |at| at + 1);
            self.window.consume(next);
            if found.is_some() || !self.window.fill()? && self.window.bytes().is_empty() {
                return Ok(Found::Long { range: start..self.window.offset(), ended: found.is_some() });
            }
        }
    }
}

/// How a file is read that was opened before.
#[derive(Debug, Clone)]
pub struct Again {
    encoding: Encoding,
    line_end: u8,
    wide: Option<bool>,
}

enum Found {
    Row(Cut),
    /// A line that is too long, already passed over.
    Long {
        range: Range<u64>,
        ended: bool,
    },
    Nothing,
}

/// End of the bytes of a line whose line end stands at `line`, and start of the next.
fn trimmed(bytes: &[u8], line: usize, line_end: u8, has_end: bool) -> (usize, usize) {
    let crlf = line_end == b'\n' && line > 0 && bytes[line - 1] == b'\r';
    (line - usize::from(crlf), line + usize::from(has_end))
}

/// Blank, or the mark that DOS programs put at the end of a file.
fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r' | 0x1A))
}

/// Cuts a row of a sheet, which may begin with its bad cell.
fn sheet_row(bytes: &[u8], cells: &mut Vec<Cell>) -> Option<Flaw> {
    let marked = bytes.strip_prefix(&[BAD_MARK]).and_then(|rest| Some((rest, memchr(BAD_MARK, rest)?)));
    let Some((rest, mark)) = marked else { return split(bytes, CELL_END, cells) };
    let flaw = split(&rest[mark + 1..], CELL_END, cells);
    let shift = (mark + 2) as u32;
    for cell in cells {
        (cell.start, cell.end) = (cell.start + shift, cell.end + shift);
    }
    let mut numbers = rest[..mark].split(|b| *b == b',').map(|n| std::str::from_utf8(n).ok()?.parse::<u32>().ok());
    let mut number = || numbers.next().flatten();
    let what = number().and_then(|what| BadCell::ALL.get(what as usize).copied());
    let bad = what.zip(number().zip(number())).map(|(what, (column, cell))| Flaw::Bad { column, cell, what });
    flaw.or(bad).or(Some(Flaw::Nul))
}

/// What a row begins with that has a bad cell in this column of the sheet, which is this cell of the row.
pub fn bad_mark(column: u32, cell: u32, what: BadCell) -> String {
    let kind = BadCell::ALL.iter().position(|bad| *bad == what).unwrap_or_default();
    let mark = char::from(BAD_MARK);
    format!("{mark}{kind},{column},{cell}{mark}")
}

/// Cuts a line without quotes.
fn split(bytes: &[u8], delimiter: u8, cells: &mut Vec<Cell>) -> Option<Flaw> {
    cells.clear();
    let mut start = 0;
    for at in memchr_iter(delimiter, bytes) {
        cells.push(Cell { start, end: at as u32, quoted: false, doubled: false });
        start = at as u32 + 1;
        if cells.len() > CELLS {
            return Some(Flaw::TooLong);
        }
    }
    cells.push(Cell { start, end: bytes.len() as u32, quoted: false, doubled: false });
    None
}

/// Cuts a row that has quotes somewhere.
struct Quoted {
    delimiter: u8,
    quote: u8,
    line_breaks: bool,
    padded: bool,
    line_end: u8,
    /// Of the row, from 1.
    line: u32,
}

/// What follows a quoted value.
enum Closed {
    /// Another cell, which starts here.
    Cell(usize),
    Row {
        end: usize,
        next: usize,
    },
    /// The row has no such place: these bytes cannot be right.
    Flawed {
        misplaced: bool,
    },
    /// Cannot be said before more is read.
    Unknown,
}

impl Quoted {
    /// Nothing when more bytes are needed; with `last` there are no more.
    fn run(&self, bytes: &[u8], last: bool, cells: &mut Vec<Cell>) -> Option<Cut> {
        cells.clear();
        let mut at = 0;
        loop {
            if at > RECORD_BYTES || cells.len() > CELLS {
                return Some(self.first_line(bytes, Flaw::TooLong));
            }
            let blanks = bytes[at.min(bytes.len())..].iter().take_while(|b| self.padded && **b == b' ').count();
            if bytes.get(at + blanks) == Some(&self.quote) {
                let mut cell = Cell { start: (at + blanks) as u32 + 1, end: 0, quoted: true, doubled: false };
                let closed = self.close(bytes, last, &mut cell);
                match closed {
                    Closed::Unknown => return None,
                    Closed::Flawed { misplaced } => return Some(self.flawed(bytes, at, cells.len() + 1, misplaced)),
                    Closed::Cell(next) => {
                        cells.push(cell);
                        at = next;
                    }
                    Closed::Row { end, next } => {
                        cells.push(cell);
                        return Some(Cut { end, next, lines: self.lines(&bytes[..next]), flaw: None });
                    }
                }
                continue;
            }
            match memchr::memchr2(self.delimiter, self.line_end, &bytes[at..]).map(|found| at + found) {
                Some(found) if bytes[found] == self.delimiter => {
                    cells.push(Cell { start: at as u32, end: found as u32, quoted: false, doubled: false });
                    at = found + 1;
                }
                None if !last && bytes.len() <= RECORD_BYTES => return None,
                None if !last => return Some(self.first_line(bytes, Flaw::TooLong)),
                found => {
                    let line = found.unwrap_or(bytes.len());
                    let (end, next) = trimmed(bytes, line, self.line_end, found.is_some());
                    let end = end.max(at);
                    cells.push(Cell { start: at as u32, end: end as u32, quoted: false, doubled: false });
                    return Some(Cut { end, next, lines: self.lines(&bytes[..next]), flaw: None });
                }
            }
        }
    }

    /// Looks for the end of the quoted cell whose value starts at `cell.start`.
    fn close(&self, bytes: &[u8], last: bool, cell: &mut Cell) -> Closed {
        let start = cell.start as usize;
        let mut from = start;
        loop {
            let Some(at) = memchr(self.quote, &bytes[from..]).map(|found| from + found) else {
                let hopeless = last || bytes.len() > RECORD_BYTES || self.breaks(&bytes[start..]) && !self.line_breaks;
                return if hopeless { Closed::Flawed { misplaced: false } } else { Closed::Unknown };
            };
            if !self.line_breaks && self.breaks(&bytes[start..at]) {
                return Closed::Flawed { misplaced: false };
            }
            cell.end = at as u32;
            // What may stand between the quote and the delimiter.
            let behind = bytes[at + 1..].iter().take_while(|b| self.padded && **b == b' ').count();
            let doubled = bytes.get(at + 1) == Some(&self.quote);
            let at = if doubled { at } else { at + behind };
            match bytes.get(at + 1) {
                None if !last => return Closed::Unknown,
                None => return Closed::Row { end: at + 1, next: at + 1 },
                Some(byte) if *byte == self.quote => {
                    cell.doubled = true;
                    from = at + 2;
                }
                Some(byte) if *byte == self.delimiter => return Closed::Cell(at + 2),
                Some(byte) if *byte == self.line_end => return Closed::Row { end: at + 1, next: at + 2 },
                Some(b'\r') if self.line_end == b'\n' => match bytes.get(at + 2) {
                    None if !last => return Closed::Unknown,
                    Some(b'\n') => return Closed::Row { end: at + 1, next: at + 3 },
                    _ => return Closed::Flawed { misplaced: !self.breaks(&bytes[start..at]) },
                },
                // On a later line it is more likely the next opening quote that was taken for the closing one.
                Some(_) => return Closed::Flawed { misplaced: !self.breaks(&bytes[start..at]) },
            }
        }
    }

    fn breaks(&self, bytes: &[u8]) -> bool {
        memchr(self.line_end, bytes).is_some()
    }

    /// Lines that a row of these bytes takes, its line end included.
    fn lines(&self, bytes: &[u8]) -> u32 {
        let ends = memchr_iter(self.line_end, bytes).count() as u32;
        ends + u32::from(bytes.last() != Some(&self.line_end))
    }

    /// The row ends with the line on which the flawed cell's quote opened; reading goes on behind it.
    fn flawed(&self, bytes: &[u8], open: usize, column: usize, misplaced: bool) -> Cut {
        let Some(end) = memchr(self.line_end, &bytes[open..]).map(|at| open + at).filter(|end| *end <= RECORD_BYTES)
        else {
            let line = self.line + memchr_iter(self.line_end, &bytes[..open]).count() as u32;
            if memchr(self.line_end, bytes).is_none() {
                let flaw = quote_flaw(column, line, misplaced);
                return Cut { end: bytes.len(), next: bytes.len(), lines: 1, flaw: Some(flaw) };
            }
            return self.first_line(bytes, quote_flaw(column, line, misplaced));
        };
        let (trimmed_end, next) = trimmed(bytes, end, self.line_end, true);
        let lines = memchr_iter(self.line_end, &bytes[..next]).count() as u32;
        let flaw = quote_flaw(column, self.line + lines - 1, misplaced);
        Cut { end: trimmed_end, next, lines, flaw: Some(flaw) }
    }

    /// The row ends with its first line, which is known to be short enough.
    fn first_line(&self, bytes: &[u8], flaw: Flaw) -> Cut {
        let found = memchr(self.line_end, bytes);
        let (end, next) = trimmed(bytes, found.unwrap_or(bytes.len()), self.line_end, found.is_some());
        Cut { end, next, lines: 1, flaw: Some(flaw) }
    }
}

fn quote_flaw(column: usize, line: u32, misplaced: bool) -> Flaw {
    if misplaced { Flaw::QuoteMisplaced { column, line } } else { Flaw::QuoteUnclosed { column, line } }
}

#[cfg(test)]
mod tests;
