//! gzip both ways (RFC 1952): one file packed, or several packed ones that stand one behind the other and are one. Read as strictly as
//! archives: what it unpacks to is bounded, its length and checksum are held against what it says.

use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::bufread::DeflateDecoder;
use flate2::write::GzEncoder;
use flate2::{Compression, Crc, GzBuilder};

use super::directory::{MIB, RATIO, RATIO_FROM_BYTES};
use super::{DEFLATED, Flaw, Limits, u16_at, u32_at};
use crate::model::diagnostic::shown;

const MARK: [u8; 3] = [0x1F, 0x8B, DEFLATED as u8];
const HEADER_BYTES: usize = 10;
const HEADER_CHECK: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
/// Nobody knows what they would mean.
const RESERVED: u8 = 0b1110_0000;
/// Of the name and of the comment that stand in the header.
const WORDS_BYTES: u64 = 64 << 10;
/// An operating system that is not said: the same content gives the same bytes everywhere.
const NO_SYSTEM: u8 = 255;

/// A file that begins like a packed one.
pub fn begins_like_gzip(head: &[u8]) -> bool {
    head.starts_with(&MARK)
}

/// Packs what is written to it; `finish` ends it.
pub fn writer<W: Write>(out: W) -> GzEncoder<W> {
    GzBuilder::new().mtime(0).operating_system(NO_SYSTEM).write(out, Compression::default())
}

/// Reads what a packed file holds.
pub struct Gunzip<R: Read> {
    state: State<R>,
    limits: Limits,
    /// Of the whole file.
    packed: u64,
    parts: u64,
    given: u64,
    /// Of the part that is open.
    crc: Crc,
}

enum State<R: Read> {
    Between(BufReader<R>),
    Within(DeflateDecoder<BufReader<R>>),
    Over,
}

impl<R: Read> Gunzip<R> {
    /// `packed`: how large the file is.
    pub fn new(input: R, packed: u64, limits: Limits) -> Self {
        let state = State::Between(BufReader::new(input));
        Gunzip { state, limits, packed, parts: 0, given: 0, crc: Crc::new() }
    }

    /// Opens the next part; `false`: there is none.
    fn open(&mut self, mut source: BufReader<R>) -> io::Result<bool> {
        if self.parts > 0 && !goes_on(&mut source)? {
            return Ok(false);
        }
        self.parts += 1;
        if self.parts > self.limits.members {
            return Err(Flaw::Limit(format!("it has more than {} parts.", self.limits.members)).into());
        }
        pass_header(&mut source, self.parts > 1)?;
        self.crc = Crc::new();
        self.state = State::Within(DeflateDecoder::new(source));
        Ok(true)
    }

    /// Its checksum and its length stand behind a part.
    fn close(&mut self, unpacked: DeflateDecoder<BufReader<R>>) -> io::Result<BufReader<R>> {
        let mut source = unpacked.into_inner();
        let mut behind = [0; 8];
        exactly(&mut source, &mut behind)?;
        if u32_at(&behind, 4) != self.crc.amount() {
            return Err(damaged("unpacks to another length than its end says"));
        }
        if u32_at(&behind, 0) != self.crc.sum() {
            return Err(damaged("has another checksum than its end says"));
        }
        Ok(source)
    }

    fn count(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        self.crc.update(bytes);
        self.given += bytes.len() as u64;
        if self.given > self.limits.bytes {
            return Err(Flaw::Limit(format!("unpacked it has more than {} MiB.", self.limits.bytes / MIB)));
        }
        if self.given > RATIO_FROM_BYTES && self.given / RATIO > self.packed {
            let text = format!(
                "it unpacks to {} MiB and more, more than {RATIO} times what was sent: that is no file for people.",
                self.given / MIB
            );
            return Err(Flaw::Limit(text));
        }
        Ok(())
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Ok(0),
                State::Between(source) => {
                    if !self.open(source)? {
                        return Ok(0);
                    }
                }
                State::Within(mut unpacked) => {
                    let read = unpacked.read(into).map_err(|error| match error.kind() {
                        io::ErrorKind::UnexpectedEof => cut(),
                        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => damaged("cannot be unpacked"),
                        _ => error,
                    })?;
                    if read == 0 {
                        self.state = State::Between(self.close(unpacked)?);
                        continue;
                    }
                    self.count(&into[..read])?;
                    self.state = State::Within(unpacked);
                    return Ok(read);
                }
            }
        }
    }
}

/// Is there another part behind the last one? Zeros fill up what tapes and some programs write.
fn goes_on(source: &mut impl BufRead) -> io::Result<bool> {
    let first = source.fill_buf()?.first().copied();
    if first != Some(0) {
        return Ok(first.is_some());
    }
    loop {
        let bytes = source.fill_buf()?;
        if bytes.is_empty() {
            return Ok(false);
        }
        if bytes.iter().any(|byte| *byte != 0) {
            return Err(stray(&bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(0)..]));
        }
        let length = bytes.len();
        source.consume(length);
    }
}

/// `behind`: another part stands before it.
fn pass_header(source: &mut impl BufRead, behind: bool) -> io::Result<()> {
    let mut header = Vec::new();
    source.by_ref().take(HEADER_BYTES as u64).read_to_end(&mut header)?;
    // What begins like no part at all is no part that was cut.
    if behind && !MARK.starts_with(&header[..header.len().min(MARK.len())]) {
        return Err(stray(&header));
    }
    if header.len() < HEADER_BYTES {
        return Err(cut());
    }
    if !begins_like_gzip(&header) {
        return Err(damaged("does not begin like a packed file"));
    }
    let flags = header[3];
    if flags & RESERVED != 0 {
        return Err(Flaw::NotTaken("it says something in its header that no program writes.".to_string()).into());
    }
    if flags & EXTRA != 0 {
        let mut length = [0; 2];
        exactly(source, &mut length)?;
        pass(source, u16_at(&length, 0).into())?;
    }
    for _ in [NAME, COMMENT].into_iter().filter(|said| flags & said != 0) {
        let mut words = Vec::new();
        source.take(WORDS_BYTES).read_until(0, &mut words)?;
        match words.last() {
            Some(0) => {}
            _ if words.len() as u64 == WORDS_BYTES => return Err(damaged("has a header without an end")),
            _ => return Err(cut()),
        }
    }
    pass(source, if flags & HEADER_CHECK != 0 { 2 } else { 0 })
}

fn pass(source: &mut impl Read, bytes: u64) -> io::Result<()> {
    let passed = io::copy(&mut source.take(bytes), &mut io::sink())?;
    if passed == bytes { Ok(()) } else { Err(cut()) }
}

fn exactly(source: &mut impl Read, into: &mut [u8]) -> io::Result<()> {
    source.read_exact(into).map_err(|error| if error.kind() == io::ErrorKind::UnexpectedEof { cut() } else { error })
}

fn cut() -> io::Error {
    Flaw::Cut("it ends before its data do.".to_string()).into()
}

/// Bytes behind the end of what is packed: they would be lost.
fn stray(bytes: &[u8]) -> io::Error {
    let begins = shown(&String::from_utf8_lossy(&bytes[..bytes.len().min(HEADER_BYTES)]));
    damaged(&format!("is whole, but behind its end stands something that is not packed, beginning with \"{begins}\""))
}

fn damaged(what: &str) -> io::Error {
    Flaw::Damaged(format!("it {what}.")).into()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::flaw_of;
    use super::*;

    const LIMITS: Limits = Limits { members: 3, bytes: 64 << 20 };

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut out = writer(Vec::new());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, Flaw> {
        let mut content = Vec::new();
        match Gunzip::new(Cursor::new(bytes), bytes.len() as u64, LIMITS).read_to_end(&mut content) {
            Ok(_) => Ok(content),
            Err(error) => Err(flaw_of(&error).cloned().unwrap_or_else(|| panic!("{error}"))),
        }
    }

    #[test]
    fn what_is_packed_is_unpacked_and_always_the_same() {
        let long = b"order;4711;5\n".repeat(10_000);
        for content in [&long[..], b"", b"x"] {
            assert_eq!(packed(content), packed(content));
            assert_eq!(unpacked(&packed(content)).unwrap(), content);
        }
        let several = [packed(b"a;1\n"), packed(b""), packed(b"b;2\n")].concat();
        assert_eq!(unpacked(&several).unwrap(), b"a;1\nb;2\n");
        assert_eq!(unpacked(&[packed(b"a"), vec![0; 600]].concat()).unwrap(), b"a", "filled up with zeros");
        // Extra, name, comment and a check of the header, as others write them.
        let plain = packed(b"a;1\n");
        let mut said = vec![0x1F, 0x8B, 8, 0b1_1110, 1, 2, 3, 4, 0, 3];
        said.extend(b"\x02\0xyorders.csv\0for you\0\xAB\xCD");
        said.extend(&plain[HEADER_BYTES..]);
        assert_eq!(unpacked(&said).unwrap(), b"a;1\n");
    }

    #[test]
    fn every_flaw_has_its_sentence() {
        let whole = packed(&b"order;4711;5\n".repeat(100));
        for length in 0..whole.len() {
            assert!(
                matches!(unpacked(&whole[..length]), Err(Flaw::Cut(_))),
                "cut at {length}: {:?}",
                unpacked(&whole[..length])
            );
        }
        let changed = |from_end: usize| {
            let mut bytes = whole.clone();
            let at = bytes.len() - from_end;
            bytes[at] ^= 1;
            unpacked(&bytes).unwrap_err().to_string()
        };
        assert!(changed(1).contains("another length") && changed(8).contains("another checksum"));
        let behind = |more: &[u8]| unpacked(&[&whole[..], more].concat()).unwrap_err();
        assert!(behind(b"something else").to_string().contains("behind its end"));
        assert!(behind(b"\0\0x").to_string().contains("behind its end"));
        assert!(matches!(behind(&whole[..5]), Flaw::Cut(_)));
        assert!(matches!(behind(&whole.repeat(3)), Flaw::Limit(text) if text.contains("more than 3 parts")));
        let mut reserved = whole.clone();
        reserved[3] = 0x80;
        assert!(matches!(unpacked(&reserved), Err(Flaw::NotTaken(_))));
        let mut broken = whole.clone();
        broken[HEADER_BYTES] = 0xFF;
        assert!(unpacked(&broken).unwrap_err().to_string().contains("cannot be unpacked"));
        // 64 KB that would be 64 MB, and as many in two parts.
        let bomb = packed(&vec![0; 40 << 20]);
        assert!(matches!(unpacked(&bomb), Err(Flaw::Limit(text)) if text.contains("200 times")));
        assert!(matches!(unpacked(&[&bomb[..], &bomb].concat()), Err(Flaw::Limit(_))));
    }
}
