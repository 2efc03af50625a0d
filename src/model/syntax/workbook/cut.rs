//! A workbook of some rows alone: every part as it was sent, the other rows of the sheet taken out.
//!
//! The rows that stay keep their numbers, so that a reason still speaks of the right ones. Their formulas become the values
//! they had: what they were computed from may be gone, and with them the list of what to compute.

use std::io::{self, Read, Write};
use std::ops::Range;

use super::SheetPart;
use super::package::{Package, attribute, parse};
use crate::model::archive::{ArchiveWriter, Member, raw};
use crate::model::layout::Input;
use crate::model::syntax::xml::{Halt, Spot, Tag, Visitor};

/// Lists the formulas of a workbook, which has none left.
const CHAIN: &str = "calcChain.xml";

/// Writes the workbook with the rows that `keeps` wants, asked in their order.
pub fn cut(
    input: &mut dyn Input,
    package: &Package,
    sheet: &SheetPart,
    keeps: &mut dyn FnMut(u32) -> bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut finder = Finder { keeps, out: Vec::new(), row: 0, depth: 0, rows_at: None, leaving: None };
    parse(input, &package.directory, &sheet.path, &mut finder)?;
    let gone = finder.out;
    let mut writer = ArchiveWriter::new(out);
    for entry in &package.directory.entries {
        let chain = entry.name.rsplit('/').next() == Some(CHAIN);
        let lists_chain = entry.name.ends_with(".rels") || entry.name == "[Content_Types].xml";
        if chain {
            continue;
        }
        if entry.name.eq_ignore_ascii_case(&sheet.path) || lists_chain {
            let gone = match lists_chain {
                true => chain_in(input, package, &entry.name)?,
                false => gone.clone(),
            };
            let mut member = writer.begin(&entry.name)?;
            copy_without(&mut Member::open(&mut *input, &package.directory, entry)?, &gone, &mut member)?;
            member.end()?;
            continue;
        }
        writer.copy(entry, &mut raw(&mut *input, &package.directory, entry)?)?;
    }
    writer.finish().map(|_| ())
}

/// Copies all but some ranges, which are sorted and apart.
fn copy_without(from: &mut dyn Read, gone: &[Range<u64>], to: &mut dyn Write) -> io::Result<()> {
    let mut at = 0;
    for range in gone {
        io::copy(&mut Read::take(&mut *from, range.start - at), to)?;
        io::copy(&mut Read::take(&mut *from, range.end - range.start), &mut io::sink())?;
        at = range.end;
    }
    io::copy(from, to).map(|_| ())
}

/// Where a part names the list of formulas.
fn chain_in(input: &mut dyn Input, package: &Package, path: &str) -> io::Result<Vec<Range<u64>>> {
    let mut finder = ChainFinder { out: Vec::new(), depth: 0, leaving: None };
    parse(input, &package.directory, path, &mut finder)?;
    Ok(finder.out)
}

struct ChainFinder {
    out: Vec<Range<u64>>,
    depth: usize,
    /// What goes begins there, and how deep.
    leaving: Option<(u64, usize)>,
}

impl Visitor for ChainFinder {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        self.depth += 1;
        let names = |name: &str| attribute(tag, name).is_some_and(|value| value.ends_with(CHAIN));
        if self.leaving.is_none() && (names("Target") || names("PartName")) {
            self.leaving = Some((tag.at.byte, self.depth));
        }
        Ok(())
    }

    fn text(&mut self, _: &str) -> Result<(), Halt> {
        Ok(())
    }

    fn close(&mut self, end: Spot) -> Result<(), Halt> {
        if let Some((start, _)) = self.leaving.take_if(|(_, depth)| *depth == self.depth) {
            self.out.push(start..end.byte);
        }
        self.depth -= 1;
        Ok(())
    }
}

/// Finds what of a sheet goes: rows that nobody wants, formulas of the others.
struct Finder<'f> {
    keeps: &'f mut dyn FnMut(u32) -> bool,
    out: Vec<Range<u64>>,
    row: u32,
    depth: usize,
    /// How deep rows stand.
    rows_at: Option<usize>,
    leaving: Option<(u64, usize)>,
}

impl Visitor for Finder<'_> {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        self.depth += 1;
        if self.leaving.is_some() {
            return Ok(());
        }
        let is_row = tag.name == "row" && self.rows_at.is_none_or(|at| at == self.depth);
        if is_row {
            self.rows_at = Some(self.depth);
            self.row = attribute(tag, "r").and_then(|r| r.parse().ok()).unwrap_or(self.row + 1);
        }
        let is_formula = tag.name == "f" && self.rows_at.is_some_and(|at| at + 2 == self.depth);
        if is_row && !(self.keeps)(self.row) || is_formula {
            self.leaving = Some((tag.at.byte, self.depth));
        }
        Ok(())
    }

    fn text(&mut self, _: &str) -> Result<(), Halt> {
        Ok(())
    }

    fn close(&mut self, end: Spot) -> Result<(), Halt> {
        if let Some((start, _)) = self.leaving.take_if(|(_, depth)| *depth == self.depth) {
            match self.out.last_mut().filter(|last| last.end == start) {
                // Rows that go stand one behind the other.
                Some(last) => last.end = end.byte,
                None => self.out.push(start..end.byte),
            }
        }
        self.depth -= 1;
        Ok(())
    }
}
