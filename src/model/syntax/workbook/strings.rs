//! The texts that cells of a workbook share: one behind the other, found by their number.

use std::io;

use super::package::parse;
use crate::model::archive::{Directory, Flaw};
use crate::model::layout::Input;
use crate::model::syntax::xml::{Halt, Spot, Tag, Visitor};

/// All texts of a workbook stay in memory while it is read: no order list has so much.
const TEXT_BYTES: usize = 32 << 20;
const TEXTS: usize = 2_000_000;

#[derive(Debug, Default)]
pub struct Strings {
    text: String,
    /// Where each ends.
    ends: Vec<u32>,
}

impl Strings {
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.text.get(start..end)
    }
}

pub fn read(input: &mut dyn Input, directory: &Directory, path: &str) -> io::Result<Strings> {
    let mut reader = Reader { found: Strings::default(), open: Vec::new(), full: false };
    parse(input, directory, path, &mut reader)?;
    if reader.full {
        let text = format!("its texts are more than {} MiB or {TEXTS}; split it into several.", TEXT_BYTES >> 20);
        return Err(Flaw::Limit(text).into());
    }
    Ok(reader.found)
}

/// Where the text of an element stands: what is read aloud for Japanese names is none of the text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Element {
    Item,
    Text,
    Aloud,
    Other,
}

impl Element {
    pub fn of(name: &str) -> Self {
        match name {
            "si" | "is" => Element::Item,
            "t" => Element::Text,
            "rPh" => Element::Aloud,
            _ => Element::Other,
        }
    }

    /// The innermost of these holds text that counts.
    pub fn counts(open: &[Element]) -> bool {
        open.last() == Some(&Element::Text) && open.contains(&Element::Item) && !open.contains(&Element::Aloud)
    }
}

struct Reader {
    found: Strings,
    open: Vec<Element>,
    full: bool,
}

impl Visitor for Reader {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        self.open.push(Element::of(tag.name));
        Ok(())
    }

    fn text(&mut self, piece: &str) -> Result<(), Halt> {
        if !Element::counts(&self.open) {
            return Ok(());
        }
        if self.found.text.len() + piece.len() > TEXT_BYTES {
            self.full = true;
            return Err(Halt::Stop);
        }
        self.found.text.push_str(piece);
        Ok(())
    }

    fn close(&mut self, _: Spot) -> Result<(), Halt> {
        if self.open.pop() == Some(Element::Item) {
            if self.found.ends.len() == TEXTS {
                self.full = true;
                return Err(Halt::Stop);
            }
            self.found.ends.push(self.found.text.len() as u32);
        }
        Ok(())
    }
}
