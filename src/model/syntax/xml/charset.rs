//! The encoding of an XML file: found from its first bytes, decoded to UTF-8, and measured back.
//!
//! Only encodings in which a character's length in the sender's file follows from the character itself are taken
//! (UTF-8, UTF-16, one byte a character), so that a place in the decoded text can be counted back to the sender's byte.

use crate::model::syntax::encoding::{Encoding, Unmapped};
use crate::model::syntax::wide::ByteOrder;

/// The declaration is looked for in so many first bytes.
const DECLARATION_BYTES: usize = 512;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charset {
    Utf8,
    Utf16Le,
    Utf16Be,
    SingleByte(Encoding),
}

/// What the first bytes of a file say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    pub charset: Charset,
    /// Bytes of the byte order mark, not part of the document.
    pub mark: usize,
}

impl Charset {
    /// By the name a declaration or a layout gives it.
    pub fn by_label(label: &str) -> Option<Charset> {
        match label.trim().to_ascii_lowercase().as_str() {
            "utf-16" | "utf-16le" => Some(Charset::Utf16Le),
            "utf-16be" => Some(Charset::Utf16Be),
            name => Encoding::named(name).map(Charset::from),
        }
    }

    /// Byte order mark, then declaration, then the layout's word, then UTF-8. `Err` is a declared name nobody knows.
    pub fn detect(first: &[u8], fallback: Option<&Charset>) -> Result<Detected, String> {
        let (charset, mark) = match first {
            [0xEF, 0xBB, 0xBF, ..] => (Charset::Utf8, 3),
            [0xFF, 0xFE, ..] => (Charset::Utf16Le, 2),
            [0xFE, 0xFF, ..] => (Charset::Utf16Be, 2),
            [b'<', 0, ..] => (Charset::Utf16Le, 0),
            [0, b'<', ..] => (Charset::Utf16Be, 0),
            _ => match declared(&first[..first.len().min(DECLARATION_BYTES)]) {
                Some(label) => match Charset::by_label(&label) {
                    // Written by programs that keep texts as UTF-16 inside and files as UTF-8: the bytes are ASCII here.
                    Some(Charset::Utf16Le | Charset::Utf16Be) => (Charset::Utf8, 0),
                    Some(charset) => (charset, 0),
                    None => return Err(label),
                },
                None => (fallback.cloned().unwrap_or(Charset::Utf8), 0),
            },
        };
        Ok(Detected { charset, mark })
    }

    /// Bytes that a decoded text takes in the sender's file.
    pub fn width(&self, text: &str) -> u64 {
        match self {
            Charset::Utf8 => text.len() as u64,
            Charset::SingleByte(_) => text.chars().count() as u64,
            Charset::Utf16Le | Charset::Utf16Be => text.chars().map(|c| c.len_utf16() as u64 * 2).sum(),
        }
    }

    /// Appends what is whole of `raw` to `out`, at most `room` bytes; returns the bytes used and whether a flaw
    /// stands behind them.
    pub fn decode(&self, raw: &[u8], last: bool, out: &mut String, room: usize) -> (usize, bool) {
        match self {
            Charset::Utf8 => decode_utf8(&raw[..raw.len().min(room)], last && raw.len() <= room, out),
            Charset::SingleByte(encoding) => {
                // A character of these tables takes at most three bytes.
                let used = raw.len().min(room / 3);
                match encoding.decode(&raw[..used], out) {
                    Err(Unmapped::Byte(at, _)) => (at, true),
                    _ => (used, false),
                }
            }
            Charset::Utf16Le => decode_utf16(raw, u16::from_le_bytes, last, out, room),
            Charset::Utf16Be => decode_utf16(raw, u16::from_be_bytes, last, out, room),
        }
    }

    /// The bytes of a text in this encoding; `Err` is a character it does not have.
    pub fn encode(&self, text: &str, out: &mut Vec<u8>) -> Result<(), char> {
        match self {
            Charset::Utf8 => out.extend_from_slice(text.as_bytes()),
            Charset::Utf16Le => text.encode_utf16().for_each(|unit| out.extend_from_slice(&unit.to_le_bytes())),
            Charset::Utf16Be => text.encode_utf16().for_each(|unit| out.extend_from_slice(&unit.to_be_bytes())),
            Charset::SingleByte(encoding) => {
                return encoding.encode(text, out).map_err(|unmapped| match unmapped {
                    Unmapped::Char(c) => c,
                    Unmapped::Byte(..) | Unmapped::Half(..) => char::REPLACEMENT_CHARACTER,
                });
            }
        }
        Ok(())
    }
}

impl From<Encoding> for Charset {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Utf8 => Charset::Utf8,
            Encoding::Utf16(ByteOrder::Big) => Charset::Utf16Be,
            Encoding::Utf16(_) => Charset::Utf16Le,
            Encoding::Single(_) => Charset::SingleByte(encoding),
        }
    }
}

fn decode_utf8(raw: &[u8], last: bool, out: &mut String) -> (usize, bool) {
    let (good, flawed) = match std::str::from_utf8(raw) {
        Ok(text) => (text, false),
        Err(e) => {
            let good = std::str::from_utf8(&raw[..e.valid_up_to()]).expect("it is valid up to there");
            (good, last || e.error_len().is_some())
        }
    };
    out.push_str(good);
    (good.len(), flawed)
}

fn decode_utf16(raw: &[u8], unit: fn([u8; 2]) -> u16, last: bool, out: &mut String, room: usize) -> (usize, bool) {
    let mut used = 0;
    let limit = out.len() + room.saturating_sub(3);
    while out.len() < limit {
        let Some(&[a, b]) = raw.get(used..used + 2) else { return (used, last && used < raw.len()) };
        let first = unit([a, b]);
        let second = raw.get(used + 2..used + 4).map(|pair| unit([pair[0], pair[1]]));
        let high = (0xD800..0xDC00).contains(&first);
        if high && second.is_none() && !last {
            return (used, false);
        }
        match char::decode_utf16(std::iter::once(first).chain(second.filter(|_| high))).next() {
            Some(Ok(c)) => {
                out.push(c);
                used += c.len_utf16() * 2;
            }
            _ => return (used, true),
        }
    }
    (used, false)
}

/// The name in `<?xml … encoding="name"?>`.
fn declared(first: &[u8]) -> Option<String> {
    let end = first.strip_prefix(b"<?xml").and_then(|_| memchr::memmem::find(first, b"?>"))?;
    let rest = &first[memchr::memmem::find(&first[..end], b"encoding")? + b"encoding".len()..end];
    let rest = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, rest) = rest.split_first()?;
    let close = memchr::memchr(*quote, rest).filter(|_| matches!(quote, b'"' | b'\''))?;
    Some(String::from_utf8_lossy(&rest[..close]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_comes_from_mark_then_declaration_then_layout() {
        let detect = |bytes: &[u8], fallback: Option<Charset>| Charset::detect(bytes, fallback.as_ref());
        let latin = Charset::by_label("iso-8859-1").unwrap();
        assert_eq!(detect(b"\xEF\xBB\xBF<a/>", None).unwrap(), Detected { charset: Charset::Utf8, mark: 3 });
        assert_eq!(detect(b"<\0a\0", None).unwrap().charset, Charset::Utf16Le);
        assert_eq!(detect(b"<?xml version='1.0' encoding = 'ISO-8859-1'?>", None).unwrap().charset, latin);
        assert_eq!(detect(b"<a/>", Some(latin.clone())).unwrap().charset, latin);
        assert_eq!(detect(b"<?xml version='1.0' encoding='utf-16'?>", None).unwrap().charset, Charset::Utf8);
        assert_eq!(detect(b"<?xml version='1.0' encoding='klingon'?>", None), Err("klingon".to_string()));
        assert_eq!(detect(b"<?xml version='1.0' encoding='shift_jis'?>", None), Err("shift_jis".to_string()));
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same_and_has_its_width() {
        for label in ["utf-8", "utf-16le", "utf-16be", "iso-8859-1", "iso-8859-15", "cp850", "windows-1252", "cp437"] {
            let charset = Charset::by_label(label).unwrap();
            let text = if label.starts_with("utf") { "Grüße, 日本 🚚" } else { "Grüße, Ångström" };
            let mut raw = Vec::new();
            charset.encode(text, &mut raw).unwrap();
            let mut back = String::new();
            assert_eq!(charset.decode(&raw, true, &mut back, 1_000), (raw.len(), false), "{label}");
            assert_eq!(back, text, "{label}");
            assert_eq!(charset.width(text), raw.len() as u64, "{label}");
        }
        assert_eq!(Charset::by_label("cp850").unwrap().encode("日", &mut Vec::new()), Err('日'));
    }

    #[test]
    fn half_a_character_waits_and_at_the_end_it_is_a_flaw() {
        let mut out = String::new();
        let lonely = 0xD83Du16.to_le_bytes();
        assert_eq!(Charset::Utf16Le.decode(&lonely, false, &mut out, 100), (0, false));
        assert_eq!(Charset::Utf16Le.decode(&lonely, true, &mut out, 100), (0, true));
        assert_eq!(Charset::Utf16Le.decode(&lonely[..1], true, &mut out, 100), (0, true));
    }
}
