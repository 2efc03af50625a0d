//! Merged cells of a sheet. They are listed behind its rows, so the sheet is gone through once before its rows are read: in search of the
//! list's name alone, and as XML only where it is there.

use std::io::{self, Read};

use memchr::memmem::Finder;

use super::package::{Package, attribute, parse};
use super::{COLUMNS, SheetPart, reference};
use crate::model::archive::{Flaw, Member};
use crate::model::layout::Input;
use crate::model::syntax::xml::{Halt, Spot, Tag, Visitor};

/// As many as a sheet has rows, and few enough to be held.
const MOST: usize = super::ROWS as usize;
const NAME: &str = "mergeCell";
const PIECE_BYTES: usize = 64 << 10;

/// Several cells that are shown as one; what they say stands in the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Merge {
    pub first_row: u32,
    pub last_row: u32,
    pub first_column: u32,
    pub last_column: u32,
}

/// In the order of their first rows.
pub fn read_merges(input: &mut dyn Input, package: &Package, sheet: &SheetPart) -> io::Result<Vec<Merge>> {
    if !has_any(input, package, sheet)? {
        return Ok(Vec::new());
    }
    let mut listed = Listed::default();
    parse(input, &package.directory, &sheet.path, &mut listed)?;
    if let Some(flaw) = listed.flaw {
        return Err(flaw.into());
    }
    listed.merges.sort_unstable();
    Ok(listed.merges)
}

fn has_any(input: &mut dyn Input, package: &Package, sheet: &SheetPart) -> io::Result<bool> {
    let Some(entry) = package.directory.find(&sheet.path) else { return Ok(false) };
    let mut member = Member::open(input, &package.directory, entry)?;
    let finder = Finder::new(NAME);
    let (mut window, mut held) = (vec![0; PIECE_BYTES], 0);
    let mut is_first = true;
    loop {
        let count = match member.read(&mut window[held..]) {
            Ok(0) => return Ok(false),
            Ok(count) => count,
            // Reading its rows says it better.
            Err(_) => return Ok(false),
        };
        let read = &window[..held + count];
        // In two bytes a character the name looks otherwise.
        if is_first && (read.starts_with(b"\xFF\xFE") || read.starts_with(b"\xFE\xFF") || read.contains(&0)) {
            return Ok(true);
        }
        is_first = false;
        if finder.find(read).is_some() {
            return Ok(true);
        }
        let all = read.len();
        let kept = all.min(NAME.len() - 1);
        window.copy_within(all - kept..all, 0);
        held = kept;
    }
}

#[derive(Default)]
struct Listed {
    merges: Vec<Merge>,
    flaw: Option<Flaw>,
}

impl Visitor for Listed {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        if tag.name != NAME {
            return Ok(());
        }
        let range = attribute(tag, "ref").unwrap_or_default();
        match of(range) {
            Some(merge) if self.merges.len() < MOST => self.merges.push(merge),
            Some(_) => self.flaw = Some(Flaw::Limit(format!("the sheet has more than {MOST} merged ranges."))),
            None => self.flaw = Some(Flaw::Damaged(format!("\"{range}\" is no range of merged cells."))),
        }
        if self.flaw.is_some() { Err(Halt::Stop) } else { Ok(()) }
    }

    fn text(&mut self, _: &str) -> Result<(), Halt> {
        Ok(())
    }

    fn close(&mut self, _: Spot) -> Result<(), Halt> {
        Ok(())
    }
}

/// `B5:C7`.
fn of(range: &str) -> Option<Merge> {
    let (first, last) = range.split_once(':').unwrap_or((range, range));
    let ((first_column, first_row), (last_column, last_row)) = (reference(first)?, reference(last)?);
    (first_column <= last_column && first_row <= last_row).then_some(Merge {
        first_row,
        last_row,
        first_column,
        last_column,
    })
}

/// The merged ranges that the row being read stands in.
pub struct Open {
    merges: std::vec::IntoIter<Merge>,
    open: Vec<(Merge, String)>,
}

impl Open {
    pub fn new(merges: Vec<Merge>) -> Self {
        Open { merges: merges.into_iter(), open: Vec::new() }
    }

    /// `text_at`: what the row says in a column. Ranges whose first cell says nothing are as if they were not there.
    pub fn go_to(&mut self, row: u32, text_at: impl Fn(u32) -> Option<String>) -> io::Result<()> {
        self.open.retain(|(merge, _)| merge.last_row >= row);
        while let Some(merge) = self.merges.as_slice().first().copied().filter(|merge| merge.first_row <= row) {
            self.merges.next();
            let text = text_at(merge.first_column).filter(|_| merge.first_row == row);
            self.open.extend(text.map(|text| (merge, text)));
            if self.open.len() > COLUMNS as usize {
                let text = format!("its merged cells lie on each other in row {row}.");
                return Err(Flaw::Damaged(text).into());
            }
        }
        Ok(())
    }

    /// With what their first cells say.
    pub fn ranges(&self) -> impl Iterator<Item = &(Merge, String)> {
        self.open.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_excel_writes_them() {
        let merge = |first_row, last_row, first_column, last_column| {
            Some(Merge { first_row, last_row, first_column, last_column })
        };
        for (text, expected) in [
            ("B5:C7", merge(5, 7, 1, 2)),
            ("A1", merge(1, 1, 0, 0)),
            ("A1:XFD1048576", merge(1, 1_048_576, 0, 16_383)),
            ("C7:B5", None),
            ("B5:", None),
            ("", None),
            ("B5:C7:D8", None),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }

    #[test]
    fn ranges_that_say_nothing_or_lie_on_each_other_are_none() {
        let merge =
            |first_row, last_row, column| Merge { first_row, last_row, first_column: column, last_column: column };
        let mut open = Open::new(vec![merge(2, 4, 0), merge(2, 3, 1), merge(3, 9, 2)]);
        let shown =
            |open: &Open| open.ranges().map(|(merge, text)| (merge.first_row, text.clone())).collect::<Vec<_>>();
        let says = |column| (column != 1).then(|| format!("c{column}"));
        open.go_to(2, says).unwrap();
        assert_eq!(shown(&open), [(2, "c0".to_string())]);
        // Row 3 is not there at all.
        open.go_to(4, says).unwrap();
        assert_eq!(shown(&open), [(2, "c0".to_string())]);
        open.go_to(5, says).unwrap();
        assert!(shown(&open).is_empty());
        let mut lying = Open::new(vec![merge(1, 9, 0); COLUMNS as usize + 1]);
        assert!(lying.go_to(1, says).is_err());
    }
}
