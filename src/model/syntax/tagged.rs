//! Blocks of tagged lines: a marker line, and behind it lines `#12401;value` up to the next marker. A block is cut like a row:
//! its cells are the marker and the values of the tags that are known, each in a slot of its own.
//!
//! Knows bytes and lines; which block is which record is told by others.

use std::ops::Range;

use memchr::memchr;

use super::delimited::{Cell, Flaw};

/// How lines are told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// A line that begins so is a field; all others begin a block.
    pub prefix: Vec<u8>,
    /// Between a tag and its value.
    pub separator: Vec<u8>,
    /// The tags that are known: the nth has the cell n + 1.
    pub known: Vec<Vec<u8>>,
    /// Other tags are passed over.
    pub others_ignored: bool,
}

/// A block in a stretch of bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// End of its bytes.
    pub end: usize,
    /// Start of the next.
    pub next: usize,
    pub lines: u32,
    pub flaw: Option<Flaw>,
}

impl Tags {
    /// Cuts the block that begins here; nothing when more bytes are needed, `last` when there are no more.
    pub fn cut(&self, bytes: &[u8], last: bool, line_end: u8, line: u32, cells: &mut Vec<Cell>) -> Option<Block> {
        cells.clear();
        cells.resize(self.known.len() + 1, Cell::ABSENT);
        let mut block = Block { end: 0, next: 0, lines: 0, flaw: None };
        let mut is_empty = true;
        while block.next < bytes.len() {
            let start = block.next;
            let found = memchr(line_end, &bytes[start..]).map(|at| start + at);
            if found.is_none() && !last {
                return None;
            }
            let end = found.unwrap_or(bytes.len());
            let text = start..end - usize::from(line_end == b'\n' && bytes[start..end].ends_with(b"\r"));
            let is_blank = bytes[text.clone()].trim_ascii().is_empty() || bytes[text.clone()] == [0x1A];
            let is_field = bytes[text.clone()].starts_with(&self.prefix);
            if !is_blank && !is_field && !is_empty {
                return Some(block);
            }
            if is_blank {
                // Blank lines belong to what stands before them.
            } else if is_field {
                let flaw = self.field(bytes, text.clone(), line + block.lines, cells);
                block.flaw = block.flaw.or(flaw);
            } else {
                cells[0] = cell(text.clone());
            }
            is_empty &= is_blank;
            if !is_blank {
                block.end = text.end;
            }
            block.lines += 1;
            block.next = found.map_or(end, |end| end + 1);
        }
        last.then_some(block)
    }

    fn field(&self, bytes: &[u8], text: Range<usize>, line: u32, cells: &mut [Cell]) -> Option<Flaw> {
        let start = text.start + self.prefix.len();
        let named = &bytes[start..text.end];
        let at = memchr::memmem::find(named, &self.separator);
        let tag = named[..at.unwrap_or(named.len())].trim_ascii();
        let Some(slot) = self.known.iter().position(|known| known == tag) else {
            let (start, end) = (text.start as u32, text.end as u32);
            return (!self.others_ignored).then_some(Flaw::TagUnknown { line, start, end });
        };
        let value = at.map_or(text.end, |at| start + at + self.separator.len())..text.end;
        let (start, end) = (text.start as u32, text.end as u32);
        if !cells[slot + 1].is_absent() {
            return Some(Flaw::TagTwice { line, start, end });
        }
        cells[slot + 1] = cell(value);
        None
    }
}

fn cell(range: Range<usize>) -> Cell {
    Cell { start: range.start as u32, end: range.end as u32, quoted: false, doubled: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags() -> Tags {
        let known = vec![b"10".to_vec(), b"20".to_vec()];
        Tags { prefix: b"#".to_vec(), separator: b";".to_vec(), known, others_ignored: false }
    }

    fn cut(text: &str, last: bool) -> Option<(Block, Vec<Option<String>>)> {
        let mut cells = Vec::new();
        let block = tags().cut(text.as_bytes(), last, b'\n', 7, &mut cells)?;
        let texts = cells.iter().map(|c| (!c.is_absent()).then(|| text[c.range()].to_string())).collect();
        Some((block, texts))
    }

    #[test]
    fn a_block_goes_up_to_the_next_marker() {
        let (block, cells) = cut("\r\n01A\r\n#20;x;y\r\n\r\n02B\r\n", false).unwrap();
        assert_eq!(cells, [Some("01A".into()), None, Some("x;y".into())]);
        assert_eq!((block.end, block.next, block.lines, block.flaw), (14, 18, 4, None));
        assert_eq!(cut("01A\n#20;x", false), None);
        let (block, cells) = cut("01A\n#20;", true).unwrap();
        assert_eq!((block.end, block.next, cells[2].as_deref()), (8, 8, Some("")));
    }

    #[test]
    fn tags_that_nobody_knows_or_that_come_twice_are_flaws() {
        let flaw = |text: &str| cut(text, true).unwrap().0.flaw;
        assert_eq!(flaw("01\n#30;x\n"), Some(Flaw::TagUnknown { line: 8, start: 3, end: 8 }));
        assert_eq!(flaw("01\n#10;x\n#10;x\n"), Some(Flaw::TagTwice { line: 9, start: 9, end: 14 }));
        assert_eq!(cut("#10;x\n01\n", true).unwrap().1[0], None);
    }
}
