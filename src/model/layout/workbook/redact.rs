//! The redacted copy of a workbook: what was read of it, with the personal cells overwritten, as a workbook of one sheet in which every
//! cell that was read stands where it stood.
//!
//! Cells are not overwritten in the sender's own workbook: their texts stand in it several times (texts of all sheets, what formulas
//! had, pivot tables, comments, who saved it), and nobody knows all places. What the layout does not read is not in the copy.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};

use super::transcript::{Transcriber, chosen};
use super::{Failure, Workbook};
use crate::model::layout::Layout;
use crate::model::layout::cover::Copier;
use crate::model::layout::repacked::NewSpill;
use crate::model::layout::seam::{Input, RedactError, Redacted, Spill};
use crate::model::syntax::delimited::{CELL_END, ROW_END};
use crate::model::syntax::workbook::{Package, PlainRows, plain_workbook};

pub(in crate::model::layout) fn redact(
    (layout, workbook): (&Layout, &Workbook),
    original: &mut dyn Input,
    out: &mut dyn Write,
    spill: &NewSpill<'_>,
) -> Result<Redacted, RedactError> {
    let mut read = spill()?;
    let sheet = written_out((layout, workbook), original, &mut read)?;
    read.rewind()?;
    let mut again = spill()?;
    io::copy(&mut read, &mut again)?;
    read.rewind()?;
    again.rewind()?;
    let mut covered = spill()?;
    let mut writer = BufWriter::new(&mut covered);
    let redacted = workbook.rows.redact(layout, &mut read, &mut Copier::new(&mut again, &mut writer))?;
    writer.flush()?;
    drop(writer);
    covered.rewind()?;
    rewritten(workbook, &sheet, covered, out)?;
    Ok(redacted)
}

/// The sheet as rows; what it is called.
fn written_out(
    (layout, workbook): (&Layout, &Workbook),
    original: &mut dyn Input,
    spill: &mut Box<dyn Spill>,
) -> Result<String, RedactError> {
    let mut out = BufWriter::new(spill);
    let mut write = || -> Result<String, Failure> {
        let package = Package::open(original)?;
        let sheet = chosen(&workbook.options, &package)?;
        Transcriber::new(layout, workbook, &mut out).write(original, &package, sheet, &mut |_, _| {})?;
        Ok(sheet.name.clone())
    };
    let name = write().map_err(|failure| match failure {
        Failure::Disk(error) => RedactError::Io(error),
        Failure::Told(problem) => RedactError::NotRead(problem.to_string()),
    })?;
    out.flush()?;
    Ok(name)
}

/// The cells that stand above the list come before each row: they are put back to where they stood, once.
fn rewritten(workbook: &Workbook, sheet: &str, covered: impl Read, out: &mut dyn Write) -> io::Result<()> {
    let singles = &workbook.options.cells;
    let mut lines = BufReader::new(covered);
    plain_workbook(out, sheet, |rows| {
        let (mut line, mut row) = (Vec::new(), 0);
        // The headings wait until it is known what the cells above them say.
        let (mut heading, mut is_begun) = (None, false);
        while lines.read_until(ROW_END, &mut line)? > 0 {
            row += 1;
            let cells = texts(&line);
            line.clear();
            if cells.iter().all(String::is_empty) {
                continue;
            }
            if heading.is_none() {
                heading = Some((row, cells));
                continue;
            }
            if !std::mem::replace(&mut is_begun, true) {
                begin(rows, singles, heading.as_ref(), &cells)?;
            }
            rows.row(row, columns(cells.get(singles.len()..).unwrap_or(&cells)))?;
        }
        if is_begun { Ok(()) } else { begin(rows, singles, heading.as_ref(), &[]) }
    })
}

fn begin(
    rows: &mut PlainRows<'_>,
    singles: &[(String, u32, u32)],
    heading: Option<&(u32, Vec<String>)>,
    first: &[String],
) -> io::Result<()> {
    let above = singles.iter().zip(first).map(|((_, column, row), text)| ((*row, *column), text.as_str()));
    // One cell may have two names.
    let above: BTreeMap<(u32, u32), &str> = above.collect();
    let above: Vec<(u32, u32, &str)> = above.into_iter().map(|((row, column), text)| (row, column, text)).collect();
    for cells in above.chunk_by(|one, other| one.0 == other.0) {
        rows.row(cells[0].0, cells.iter().map(|(_, column, text)| (*column, *text)))?;
    }
    let Some((row, names)) = heading else { return Ok(()) };
    rows.row(*row, columns(names.get(singles.len()..).unwrap_or_default()))
}

fn texts(line: &[u8]) -> Vec<String> {
    let line = line.strip_suffix(&[ROW_END]).unwrap_or(line);
    line.split(|byte| *byte == CELL_END).map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
}

fn columns(texts: &[String]) -> impl Iterator<Item = (u32, &str)> {
    texts.iter().enumerate().map(|(column, text)| (column as u32, text.as_str()))
}
