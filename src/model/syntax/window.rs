//! The part of a file of rows that is in memory: a stretch of bytes with its place in the sender's file.
//!
//! UTF-16 is made UTF-8 on the way in; a character's length in the sender's file follows from the character, so places
//! stay exact. A window grows to the longest record allowed and no further.

use std::io::{self, ErrorKind, Read};

use super::encoding::Encoding;
use super::wide::{self, Wide};

/// Longest record in bytes; the limit for what one row may make us hold.
pub const RECORD_BYTES: usize = 1 << 20;
/// Read at a time: large enough for the disk, small enough for the cache.
const CHUNK_BYTES: usize = 128 << 10;

/// Ctrl-Z.
const END_MARK: u8 = 0x1A;

const RESUMED_BYTES: usize = 2 << 10;

/// What a file is, against the layout's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misread {
    /// UTF-16, by its mark or its first characters.
    Wide,
    /// One byte a character where UTF-16 was agreed.
    Narrow,
}

pub struct Window<'i> {
    input: &'i mut dyn Read,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Byte of the sender's file at `start`.
    offset: u64,
    ended: bool,
    /// The marks of DOS at the end of a file are none of its bytes.
    end_marks_dropped: bool,
    encoding: Encoding,
    /// How UTF-16 arrives; nothing for the others.
    wide: Option<Wide>,
    misread: Option<Misread>,
}

impl<'i> Window<'i> {
    /// Reads the beginning, enough to judge line ends by. A byte order mark is skipped and decides the encoding, since nothing else looks like it.
    pub fn open(input: &'i mut dyn Read, encoding: &Encoding) -> io::Result<Self> {
        let mut window = Window {
            input,
            buffer: vec![0; CHUNK_BYTES],
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
            end_marks_dropped: false,
            encoding: encoding.clone(),
            wide: None,
            misread: None,
        };
        while window.end < CHUNK_BYTES / 2 && window.fill()? {}
        let mark = match window.bytes() {
            [0xEF, 0xBB, 0xBF, ..] => 3,
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] if encoding.is_wide() => 2,
            _ => 0,
        };
        let order = if let Encoding::Utf16(order) = encoding { Some(order.is_big(window.bytes())) } else { None };
        window.misread = match (order, window.bytes()) {
            (None, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) => Some(Misread::Wide),
            (None, first) if wide::looks(first).is_some() => Some(Misread::Wide),
            (Some(_), first) if wide::is_narrow(first) => Some(Misread::Narrow),
            _ => None,
        };
        if mark == 3 {
            window.encoding = Encoding::Utf8;
        }
        window.start = mark;
        window.offset = mark as u64;
        if let Some(mut wide) = order.filter(|_| mark != 3).map(Wide::new) {
            let raw = window.bytes().to_vec();
            (window.start, window.end) = (0, 0);
            let mut text = Vec::with_capacity(raw.len() * 3 / 2);
            wide.decode(&raw, window.ended, &mut text);
            window.buffer.resize(window.buffer.len().max(text.len() + CHUNK_BYTES), 0);
            window.buffer[..text.len()].copy_from_slice(&text);
            window.end = text.len();
            window.wide = Some(wide);
        }
        Ok(window)
    }

    /// A part of a file opened before; small, since parts are mostly single rows.
    pub fn resume(input: &'i mut dyn Read, encoding: &Encoding, wide: Option<bool>, offset: u64) -> Self {
        Window {
            input,
            buffer: vec![0; RESUMED_BYTES],
            start: 0,
            end: 0,
            offset,
            ended: false,
            end_marks_dropped: false,
            encoding: encoding.clone(),
            wide: wide.map(Wide::new),
            misread: None,
        }
    }

    /// From here on the file ends before what programs of DOS put behind it: Ctrl-Z, once or up to a full sector.
    pub fn drop_end_marks(&mut self) {
        self.end_marks_dropped = true;
        self.drop_at_end();
    }

    fn drop_at_end(&mut self) {
        while self.ended && self.end_marks_dropped && self.bytes().last() == Some(&END_MARK) {
            self.end -= 1;
        }
    }

    /// The file is of another width than it is read in.
    pub fn misread(&self) -> Option<Misread> {
        self.misread
    }

    /// Whether the file is UTF-16, and big endian.
    pub fn wide(&self) -> Option<bool> {
        self.wide.as_ref().map(|wide| wide.big_endian)
    }

    /// The encoding of `bytes`: the layout's, or UTF-8 where a mark says so.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// What is in memory and not yet consumed.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Nothing more will come.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Place in the sender's file of the first of `bytes`.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Length in the sender's file of the first `count` bytes.
    pub fn width(&self, count: usize) -> u64 {
        match self.wide {
            None => count as u64,
            Some(_) => wide::width(&self.buffer[self.start..self.start + count]),
        }
    }

    pub fn consume(&mut self, count: usize) {
        self.offset += self.width(count);
        self.start += count;
    }

    /// Reads on; false at the end of the file.
    pub fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        // The buffer of a part is full only when the part is longer than its first room.
        if self.end * 2 > self.buffer.len() {
            self.buffer.resize(self.end + CHUNK_BYTES, 0);
        }
        let more = if self.wide.is_some() { self.fill_wide() } else { self.fill_plain() }?;
        self.drop_at_end();
        Ok(more)
    }

    fn fill_plain(&mut self) -> io::Result<bool> {
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    self.ended = count == 0;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn fill_wide(&mut self) -> io::Result<bool> {
        // Two bytes become three at most, so a third of the room is always enough.
        let mut raw = vec![0; (self.buffer.len() - self.end) / 2 - 8];
        loop {
            match self.input.read(&mut raw) {
                Ok(count) => {
                    self.ended = count == 0;
                    raw.truncate(count);
                    break;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let before = self.end;
        let mut text = Vec::with_capacity(raw.len() * 3 / 2 + 8);
        if let Some(wide) = &mut self.wide {
            wide.decode(&raw, self.ended, &mut text);
        }
        self.buffer[self.end..self.end + text.len()].copy_from_slice(&text);
        self.end += text.len();
        Ok(self.end > before || !self.ended)
    }
}
