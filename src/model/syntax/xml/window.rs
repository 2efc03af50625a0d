//! The part of an XML file that is in memory: decoded, free of control characters, and counted
//! back to byte and line of the sender's file. Its size does not depend on the file.

use std::io::{Read, Result};

use super::charset::{Charset, Detected};

/// Decoded bytes in memory; small enough to stay in a processor's cache, larger than the longest tag allowed.
const WINDOW_BYTES: usize = 256 * 1024;
/// Bytes read at a time.
const RAW_BYTES: usize = 64 * 1024;
/// Room for a file of the usual size.
const SMALL_BYTES: usize = 4 * 1024;
/// No decoder leaves more than this unused of its room or its bytes for want of a whole character.
const CHARACTER_ROOM_BYTES: usize = 8;

/// A place in the sender's file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spot {
    pub byte: u64,
    /// From 1.
    pub line: u32,
}

/// What ended the readable part before the file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Bytes that are no text in the file's encoding.
    Encoding,
    /// A character that XML does not allow.
    Control(char),
}

/// Counts from place to place, forward only.
pub struct Cursor {
    charset: Charset,
    /// Position in the window that `spot` belongs to.
    at: usize,
    spot: Spot,
    next_newline: usize,
}

impl Cursor {
    /// The sender's place of a position in the window, not before the last one asked for.
    pub fn locate(&mut self, text: &str, position: usize) -> Spot {
        while self.next_newline < position {
            self.spot.line += 1;
            self.next_newline = next_newline(text, self.next_newline + 1);
        }
        self.spot.byte += match self.charset {
            Charset::Utf8 => (position - self.at) as u64,
            _ => self.charset.width(&text[self.at..position]),
        };
        self.at = position;
        self.spot
    }
}

fn next_newline(text: &str, from: usize) -> usize {
    memchr::memchr(b'\n', &text.as_bytes()[from..]).map_or(usize::MAX, |at| from + at)
}

pub struct Window<'r> {
    input: &'r mut dyn Read,
    charset: Charset,
    /// Bytes read and not yet decoded.
    raw: Vec<u8>,
    text: String,
    flaw: Option<Flaw>,
    input_ended: bool,
    cursor: Cursor,
}

impl<'r> Window<'r> {
    /// Reads the beginning and finds the encoding; the inner `Err` is a declared encoding that nobody knows.
    pub fn open(input: &'r mut dyn Read, fallback: Option<&Charset>) -> Result<std::result::Result<Self, String>> {
        // It grows where the file is larger: most files are small, and room that is not used costs too.
        let mut raw = Vec::with_capacity(SMALL_BYTES);
        let input_ended = read_up_to(input, &mut raw, RAW_BYTES)?;
        let Detected { charset, mark } = match Charset::detect(&raw, fallback) {
            Ok(detected) => detected,
            Err(label) => return Ok(Err(label)),
        };
        raw.drain(..mark);
        let spot = Spot { byte: mark as u64, line: 1 };
        let cursor = Cursor { charset: charset.clone(), at: 0, spot, next_newline: usize::MAX };
        // A small file, the usual one, does not pay for a large window.
        let room = if input_ended { raw.len() * 3 + CHARACTER_ROOM_BYTES } else { WINDOW_BYTES };
        let text = String::with_capacity(room.min(WINDOW_BYTES));
        let mut window = Window { input, charset, raw, text, flaw: None, input_ended, cursor };
        window.fill(0)?;
        Ok(Ok(window))
    }

    /// Forgets what stands before `used` and reads on until the window is full or the file ends.
    pub fn fill(&mut self, used: usize) -> Result<()> {
        self.cursor.locate(&self.text, used);
        self.text.drain(..used);
        self.cursor.at = 0;
        let checked = self.text.len();
        while self.flaw.is_none() {
            let room = WINDOW_BYTES - self.text.len();
            let (used, flawed) = self.charset.decode(&self.raw, self.input_ended, &mut self.text, room);
            self.raw.drain(..used);
            self.flaw = flawed.then_some(Flaw::Encoding);
            if self.input_ended || room < CHARACTER_ROOM_BYTES {
                break;
            }
            if self.raw.len() < CHARACTER_ROOM_BYTES {
                self.input_ended = read_up_to(self.input, &mut self.raw, RAW_BYTES)?;
            }
        }
        if let Some((at, c)) = forbidden(&self.text.as_bytes()[checked..]) {
            self.text.truncate(checked + at);
            self.flaw = Some(Flaw::Control(c));
        }
        self.cursor.next_newline = next_newline(&self.text, 0);
        Ok(())
    }

    /// What can be read now, and the cursor that counts in it.
    pub fn view(&mut self) -> (&str, &mut Cursor) {
        (&self.text, &mut self.cursor)
    }

    /// Nothing will follow what can be read now.
    pub fn is_last(&self) -> bool {
        self.flaw.is_some() || self.input_ended && self.raw.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.text.len() + 2 * CHARACTER_ROOM_BYTES > WINDOW_BYTES
    }

    pub fn flaw(&self) -> Option<Flaw> {
        self.flaw
    }
}

/// Fills up to `limit` bytes in all; true when the input ended.
fn read_up_to(input: &mut dyn Read, into: &mut Vec<u8>, limit: usize) -> Result<bool> {
    let room = limit.saturating_sub(into.len());
    let count = input.take(room as u64).read_to_end(into)?;
    Ok(count < room)
}

/// The first character that may not stand in XML 1.0, with its position.
fn forbidden(text: &[u8]) -> Option<(usize, char)> {
    let control = |b: u8| b < 0x20 && b != b'\n' && b != b'\r' && b != b'\t';
    // Two passes: the first has no early exit, so that the compiler turns it into a few wide instructions.
    let any = text.iter().fold(false, |any, b| any | control(*b));
    let first = if any { text.iter().position(|b| control(*b)) } else { None };
    let found = first.map(|at| (at, char::from(text[at])));
    let before = &text[..first.unwrap_or(text.len())];
    let noncharacter = memchr::memmem::find_iter(before, b"\xEF\xBF")
        .find(|at| matches!(before.get(at + 2), Some(0xBE | 0xBF)))
        .map(|at| (at, if before[at + 2] == 0xBE { '\u{FFFE}' } else { '\u{FFFF}' }));
    noncharacter.or(found)
}
