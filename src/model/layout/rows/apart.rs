//! Rows of several files that are one message: each file's rows get the number of their file before them, its heading a `!` too.
//! Then they are rows of one file whose first column tells the record type, and everything else about them is known.
//!
//! Line ends, blank lines and quoted breaks stay, so that lines can be counted back to their file.

use std::io::{self, Read, Write};

use super::Rows;
use super::options::Columns;
use crate::model::layout::{Input, Layout};
use crate::model::syntax::delimited::RowReader;

const MARK: &[u8] = b"\xEF\xBB\xBF";

/// What was written of one file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tagged {
    pub lines: u32,
    /// Its last row had a line end of its own.
    pub ended: bool,
}

impl Rows {
    /// The record type is the file that a row stands in.
    pub fn is_by_file(&self) -> bool {
        self.delimited().is_some_and(|delimited| delimited.by_file)
    }

    /// A last row without a line end may be cut.
    pub fn wants_line_end(&self) -> bool {
        self.options.final_line_end
    }

    /// Writes the rows of the `nth` file (from 1). `rows` and `raw` read the same bytes.
    pub(in crate::model::layout) fn tag_rows(
        &self,
        layout: &Layout,
        nth: usize,
        (rows, raw): (&mut dyn Input, &mut dyn Read),
        out: &mut dyn Write,
    ) -> io::Result<Tagged> {
        let Some(delimited) = self.delimited() else { return Ok(Tagged::default()) };
        let mut tag = nth.to_string().into_bytes();
        tag.push(delimited.delimiter);
        let mut heading = delimited.columns == Columns::Rows;
        let mut reader = RowReader::open(rows, &layout.encoding, self.style())?;
        let mut out = Counting { out, feeds: 0, returns: 0, last: b'\n' };
        let mut at = 0;
        let mut returns = false;
        while let Some(row) = reader.next()? {
            if at == 0 {
                at = skip_mark(raw, row.range.start, &mut out)?;
            }
            // Blank lines.
            copy(raw, row.range.start.saturating_sub(at), &mut out)?;
            if std::mem::take(&mut heading) {
                out.write_all(delimited.column_mark.as_bytes())?;
            }
            out.write_all(&tag)?;
            copy(raw, row.range.end - at.max(row.range.start), &mut out)?;
            at = row.range.end;
            returns = row.carriage_return;
        }
        io::copy(raw, &mut out)?;
        let ended = matches!(out.last, b'\n' | b'\r');
        if !ended {
            out.write_all(if returns { b"\r" } else { b"\n" })?;
        }
        Ok(Tagged { lines: if returns { out.returns } else { out.feeds }, ended })
    }

    /// The rows of the `nth` file out of rows that were tagged, as they stood there.
    pub(in crate::model::layout) fn untag_rows(
        &self,
        layout: &Layout,
        nth: usize,
        (rows, raw): (&mut dyn Input, &mut dyn Read),
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let Some(delimited) = self.delimited() else { return Ok(()) };
        let mut tag = nth.to_string().into_bytes();
        tag.push(delimited.delimiter);
        let heading = [delimited.column_mark.as_bytes(), &tag].concat();
        let mut reader = RowReader::open(rows, &layout.encoding, self.style())?;
        let mut at = 0;
        while let Some(row) = reader.next()? {
            copy(raw, row.range.start - at, &mut io::sink())?;
            let own = [&heading, &tag].into_iter().find(|tag| row.bytes.starts_with(tag));
            let length = row.range.end - row.range.start;
            match own {
                Some(tag) => {
                    copy(raw, tag.len() as u64, &mut io::sink())?;
                    copy(raw, length - tag.len() as u64, out)?;
                }
                None => copy(raw, length, &mut io::sink())?,
            }
            at = row.range.end;
        }
        Ok(())
    }
}

/// Passes over a byte order mark, which may stand first in a file alone; gives back how far was read.
fn skip_mark(raw: &mut dyn Read, until: u64, out: &mut dyn Write) -> io::Result<u64> {
    let mut first = Vec::new();
    (&mut *raw).take(until.min(MARK.len() as u64)).read_to_end(&mut first)?;
    if first != MARK {
        out.write_all(&first)?;
    }
    Ok(first.len() as u64)
}

fn copy(raw: &mut dyn Read, length: u64, out: &mut dyn Write) -> io::Result<()> {
    io::copy(&mut (&mut *raw).take(length), out).map(|_| ())
}

/// Counts line ends of both kinds.
struct Counting<'o> {
    out: &'o mut dyn Write,
    feeds: u32,
    returns: u32,
    last: u8,
}

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        let written = &bytes[..count];
        let all = |end: u8| written.iter().filter(|byte| **byte == end).count() as u32;
        self.feeds += all(b'\n');
        self.returns += all(b'\r');
        self.last = written.last().copied().unwrap_or(self.last);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
