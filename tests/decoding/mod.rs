//! A layout from samples/, and everything its decoder finds in some bytes.

// Not every test that shares this file needs all of it.
#![allow(dead_code)]

use std::io;
use std::path::Path;

use nattpost::model::batch::{Batch, Message};
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::{DecodeContext, Decoded, Layout, Refused, Sink, Spill, Stop, read_layout};

pub fn layout(name: &str) -> Layout {
    let file = format!("samples/layouts/{name}");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
    read_layout(&file, &text, shipped_kinds())
        .unwrap_or_else(|problems| panic!("{}", problems.iter().map(|p| p.to_string()).collect::<Vec<_>>().join("\n")))
}

/// A layout from its text.
pub fn layout_of(text: &str) -> Layout {
    read_layout("layout.toml", text, shipped_kinds())
        .unwrap_or_else(|problems| panic!("{}", problems.iter().map(|p| p.to_string()).collect::<Vec<_>>().join("\n")))
}

/// All that a decoder found.
#[derive(Default)]
pub struct Found {
    pub batches: Vec<Batch>,
    pub refused: Vec<Refused>,
}

impl Sink for Found {
    fn batch(&mut self, batch: Batch) -> Result<Batch, Stop> {
        let empty = Batch::new(batch.kind().clone());
        self.batches.push(batch);
        Ok(empty)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.refused.push(message);
        Ok(())
    }
}

pub fn spill() -> io::Result<Box<dyn Spill>> {
    Ok(Box::new(tempfile::tempfile()?))
}

pub fn decode(layout: &Layout, bytes: &[u8]) -> (Found, Decoded) {
    decode_named(layout, bytes, "")
}

/// As a file of this name.
pub fn decode_named(layout: &Layout, bytes: &[u8], name: &str) -> (Found, Decoded) {
    let mut found = Found::default();
    let context = DecodeContext { file_name: name, zone: chrono_tz::Europe::Berlin, spill: &spill };
    let decoded = layout.decode(&mut io::Cursor::new(bytes), &context, &mut found).unwrap();
    (found, decoded)
}

impl Found {
    pub fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        self.batches.iter().flat_map(|b| b.messages())
    }

    /// Codes and lines of the problems of refused messages.
    pub fn problems(&self) -> Vec<(u64, &'static str, u32)> {
        let all = self.refused.iter().flat_map(|r| r.problems.iter().map(|p| (r.number, p.code, p.place.line)));
        all.collect()
    }
}
