//! Overwriting single values in a copy of a file: what of a value stays, what stands in for the rest, and the copying of
//! everything around it byte for byte.
//!
//! A stand-in takes as many bytes, and as many columns, as the character it replaces, in every encoding: no other place
//! of the file moves, so that positions told earlier stay true. Which values are overwritten is said by the drivers.

use std::io::{self, Read, Write};
use std::ops::Range;

use super::form::{Form, Shape};
use crate::model::syntax::xml::Charset;

/// Copied at a time; even, so that characters of two bytes are not cut.
const CHUNK_BYTES: u64 = 64 << 10;

/// How the values of one place are overwritten, so that they can still be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cover {
    /// They tell the parts of a value apart; the first of each stays.
    marks: Vec<String>,
    /// The partner's words for nothing stay.
    nones: Vec<String>,
    /// A number or a date: digits become ones and the rest of its notation stays.
    digits: bool,
}

/// A stretch of a value as it is written in the file.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'p> {
    pub text: &'p str,
    /// `&name;` of XML: one character, however long.
    pub reference: bool,
}

impl Cover {
    pub fn of(form: &Form) -> Self {
        Cover {
            marks: form.before.iter().chain(&form.after).filter(|mark| !mark.is_empty()).cloned().collect(),
            nones: form.nones.clone(),
            digits: !matches!(form.shape, Shape::Text(_)),
        }
    }

    /// For a place that several fields take their value from.
    pub fn merge(&mut self, other: &Cover) {
        self.marks.extend_from_slice(&other.marks);
        self.nones.extend_from_slice(&other.nones);
        self.digits &= other.digits;
    }

    /// The bytes that stand in for the pieces of one value. `quote` is doubled within the value and stays.
    pub fn apply(&self, pieces: &[Piece<'_>], quote: Option<char>, charset: &Charset) -> Vec<Vec<u8>> {
        let whole: String = pieces.iter().map(|piece| piece.text).collect();
        let kept = self.kept(&whole);
        let mut at = 0;
        let mut covered = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let mut out = Vec::with_capacity(piece.text.len());
            if piece.reference {
                push(charset, &covered_reference(piece.text), &mut out);
                at += piece.text.len();
            }
            for c in piece.text.chars().take_while(|_| !piece.reference) {
                let notation = self.digits && !c.is_alphanumeric();
                let stays = matches!(c, '\n' | '\r') || Some(c) == quote || notation;
                let new = if stays || kept.iter().any(|range| range.contains(&at)) {
                    c
                } else if self.digits && c.is_ascii_digit() {
                    '1'
                } else {
                    stand_in(c, charset)
                };
                push(charset, new.encode_utf8(&mut [0; 4]), &mut out);
                at += c.len_utf8();
            }
            covered.push(out);
        }
        covered
    }

    /// What of a value stays: blanks around it, marks within it, all of it where it says nothing.
    fn kept(&self, whole: &str) -> Vec<Range<usize>> {
        let start = whole.len() - whole.trim_start().len();
        let value = whole.trim();
        if self.nones.iter().any(|none| none == value) {
            return std::iter::once(0..whole.len()).collect();
        }
        let mut kept = vec![0..start, start + value.len()..whole.len()];
        kept.extend(self.marks.iter().filter_map(|mark| whole.find(mark).map(|at| at..at + mark.len())));
        kept
    }
}

/// The bytes of a text; what the encoding reads and does not write is one byte of it.
fn push(charset: &Charset, text: &str, out: &mut Vec<u8>) {
    if charset.encode(text, out).is_err() {
        out.push(b'x');
    }
}

/// A character of the same width, in bytes and in columns.
fn stand_in(c: char, charset: &Charset) -> char {
    match (charset, c.len_utf8()) {
        (Charset::SingleByte(_), _) | (_, 1) => 'x',
        (_, 2) => '\u{d7}',
        (_, 3) => '\u{2715}',
        _ => '\u{1d5d1}',
    }
}

/// A reference of the same length to an x; the shortest (`&lt;`, `&gt;`) have no room for one and stay.
fn covered_reference(text: &str) -> String {
    match text.len() {
        0..5 => text.to_string(),
        5 => "&#88;".to_string(),
        length => format!("&#{:0>width$};", 120, width = length - "&#;".len()),
    }
}

/// Cuts a value as it is written in XML at its references.
pub fn pieces_of(raw: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = raw;
    while let Some(begin) = rest.find('&') {
        let end = rest[begin..].find(';').map_or(rest.len(), |length| begin + length + 1);
        pieces.push(Piece { text: &rest[..begin], reference: false });
        pieces.push(Piece { text: &rest[begin..end], reference: true });
        rest = &rest[end..];
    }
    pieces.push(Piece { text: rest, reference: false });
    pieces
}

/// Copies a file while places of it are replaced, in their order.
pub struct Copier<'c> {
    original: &'c mut dyn Read,
    out: &'c mut dyn Write,
    /// Bytes of the original that are dealt with.
    at: u64,
}

impl<'c> Copier<'c> {
    pub fn new(original: &'c mut dyn Read, out: &'c mut dyn Write) -> Self {
        Copier { original, out, at: 0 }
    }

    /// Writes these bytes in place of as many from here; those that were replaced already stay so.
    pub fn replace(&mut self, byte: u64, with: &[u8]) -> io::Result<()> {
        let done = usize::try_from(self.at.saturating_sub(byte)).unwrap_or(usize::MAX);
        let Some(with) = with.get(done..).filter(|with| !with.is_empty()) else { return Ok(()) };
        self.copy_to(byte)?;
        self.pass(with.len() as u64, &mut io::sink())?;
        self.out.write_all(with)
    }

    /// Overwrites a stretch of which nothing is known but its bytes; these ASCII characters stay.
    pub fn cover(&mut self, range: Range<u64>, kept: &[u8], charset: &Charset) -> io::Result<()> {
        self.copy_to(range.start)?;
        while self.at < range.end {
            let length = (range.end - self.at).min(CHUNK_BYTES);
            let mut chunk = Vec::with_capacity(length as usize);
            self.pass(length, &mut chunk)?;
            match charset {
                Charset::Utf16Le => chunk.chunks_exact_mut(2).for_each(|unit| cover_unit(unit, 0, kept)),
                Charset::Utf16Be => chunk.chunks_exact_mut(2).for_each(|unit| cover_unit(unit, 1, kept)),
                Charset::Utf8 | Charset::SingleByte(_) => chunk.chunks_mut(1).for_each(|b| cover_unit(b, 0, kept)),
            }
            self.out.write_all(&chunk)?;
        }
        Ok(())
    }

    /// Copies what is left.
    pub fn finish(&mut self) -> io::Result<()> {
        io::copy(self.original, self.out)?;
        self.out.flush()
    }

    fn copy_to(&mut self, byte: u64) -> io::Result<()> {
        let length = byte.saturating_sub(self.at);
        let copied = io::copy(&mut Read::take(&mut *self.original, length), self.out)?;
        self.passed(length, copied)
    }

    fn pass(&mut self, length: u64, into: &mut dyn Write) -> io::Result<()> {
        let passed = io::copy(&mut Read::take(&mut *self.original, length), into)?;
        self.passed(length, passed)
    }

    fn passed(&mut self, expected: u64, found: u64) -> io::Result<()> {
        self.at += found;
        if found == expected {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was copied"))
    }
}

/// Overwrites one character of one or two bytes, the `low` one being the ASCII byte.
fn cover_unit(unit: &mut [u8], low: usize, kept: &[u8]) {
    let ascii = unit.iter().enumerate().all(|(at, byte)| at == low || *byte == 0);
    if !(ascii && (matches!(unit[low], b'\n' | b'\r') || kept.contains(&unit[low]))) {
        unit.fill(0);
        unit[low] = b'x';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(cover: &Cover, text: &str, label: &str) -> String {
        let charset = Charset::by_label(label).unwrap();
        let pieces = pieces_of(text);
        let bytes = cover.apply(&pieces, Some('"'), &charset).concat();
        assert_eq!(bytes.len() as u64, charset.width(text), "{text}");
        let mut out = String::new();
        assert_eq!(charset.decode(&bytes, true, &mut out, 1_000), (bytes.len(), false));
        out
    }

    #[test]
    fn a_value_keeps_its_width_its_blanks_and_its_marks() {
        let plain = Cover::default();
        let table = [
            ("  Ann Berg ", "utf-8", "  xxxxxxxx "),
            ("Jürgen 漢 🚚", "utf-8", "x×xxxxx✕x𝗑"),
            ("Jürgen 漢 🚚", "utf-16be", "x×xxxxx✕x𝗑"),
            ("Jürgen", "latin-1", "xxxxxx"),
            ("a\r\nb\"\"c", "utf-8", "x\r\nx\"\"x"),
            ("A&amp;B &#252; &lt;", "utf-8", "x&#88;xx&#120;x&lt;"),
            ("", "utf-8", ""),
        ];
        for (text, label, expected) in table {
            assert_eq!(covered(&plain, text, label), expected);
            assert_eq!(covered(&plain, expected, label), expected, "a second time nothing changes");
        }
        let marked = Cover { marks: vec![" / ".into()], nones: vec!["-".into()], digits: false };
        assert_eq!(covered(&marked, "Ann / Way 1 / B", "utf-8"), "xxx / xxxxxxxxx");
        assert_eq!(covered(&marked, " - ", "utf-8"), " - ");
        let digits = Cover { digits: true, ..Cover::default() };
        assert_eq!(covered(&digits, " 1980-02-29 ", "utf-8"), " 1111-11-11 ");
    }

    #[test]
    fn a_copy_is_the_original_but_for_what_is_replaced() {
        let copy = |bytes: &[u8], each: &dyn Fn(&mut Copier<'_>) -> io::Result<()>| {
            let (mut original, mut out) = (bytes, Vec::new());
            let mut copier = Copier::new(&mut original, &mut out);
            each(&mut copier)?;
            copier.finish()?;
            io::Result::Ok(out)
        };
        let utf8 = Charset::Utf8;
        let changed = copy(b"abcdefgh", &|c| {
            c.replace(1, b"XY")?;
            c.replace(2, b"??Z")?;
            c.replace(2, b"??")
        });
        assert_eq!(changed.unwrap(), b"aXY?Zfgh");
        assert_eq!(copy(b"ab;c\r\nd", &|c| c.cover(1..6, b";", &utf8)).unwrap(), b"ax;x\r\nd");
        let wide: Vec<u8> = "aü\nb".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let covered = copy(&wide, &|c| c.cover(2..8, b"", &Charset::Utf16Be)).unwrap();
        assert_eq!(covered, b"\0a\0x\0\n\0x");
        assert_eq!(copy(b"ab", &|c| c.replace(1, b"XY")).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
