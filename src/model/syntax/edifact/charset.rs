//! What the bytes of an interchange mean: the character set that UNB names, and what senders write in spite of it.
//!
//! Decided value by value, since files with UTF-8 and Latin-1 mixed exist: under UNOA, UNOB and UNOC bytes beyond ASCII
//! that are well-formed UTF-8 of letters that partners write are UTF-8, all others are Latin-1. What remains doubtful is an
//! accented capital with a sign right behind it, like `Ä»`. The other character sets are taken at their word: in them
//! whole words look like UTF-8.

use crate::model::syntax::encoding::{Encoding, Unmapped};
use crate::model::syntax::transliteration::transliterated;

/// How values are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charset {
    encoding: Encoding,
    utf8_passes: bool,
}

/// Names of character sets in UNB and what they are.
const SETS: [(&str, &str, bool); 14] = [
    ("UNOA", "latin-1", true),
    ("UNOB", "latin-1", true),
    ("UNOC", "latin-1", true),
    ("UNOD", "iso-8859-2", false),
    ("UNOE", "iso-8859-5", false),
    ("UNOF", "iso-8859-7", false),
    ("UNOG", "iso-8859-3", false),
    ("UNOH", "iso-8859-4", false),
    ("UNOI", "iso-8859-6", false),
    ("UNOJ", "iso-8859-8", false),
    ("UNOK", "iso-8859-9", false),
    ("UNOL", "iso-8859-15", true),
    ("UNOW", "utf-8", false),
    ("UNOY", "utf-8", false),
];

impl Charset {
    /// By the name in UNB; nothing for one that is not known here.
    pub fn declared(name: &str) -> Option<Charset> {
        let (_, encoding, utf8_passes) = SETS.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(name))?;
        Some(Charset { encoding: Encoding::named(encoding)?, utf8_passes: *utf8_passes })
    }

    /// Of messages that no UNB stands around.
    pub fn undeclared() -> Charset {
        Charset::declared("UNOC").unwrap_or(Charset { encoding: Encoding::Utf8, utf8_passes: true })
    }

    /// One that the layout says, whatever UNB does.
    pub fn fixed(encoding: Encoding) -> Charset {
        Charset { encoding, utf8_passes: false }
    }

    pub fn name(&self) -> &str {
        self.encoding.name()
    }

    pub fn known() -> String {
        SETS.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// Appends the characters of a value.
    pub fn decode(&self, bytes: &[u8], out: &mut String) -> Result<(), Unmapped> {
        match std::str::from_utf8(bytes) {
            Ok(text) if bytes.is_ascii() || self.utf8_passes && text.chars().all(is_written) => {
                out.push_str(text);
                Ok(())
            }
            _ => self.encoding.decode(bytes, out),
        }
    }

    /// What these bytes are read as.
    pub fn read_as(&self, bytes: &[u8]) -> Encoding {
        let text = std::str::from_utf8(bytes).ok().filter(|_| self.utf8_passes && !bytes.is_ascii());
        let is_utf8 = text.is_some_and(|text| text.chars().all(is_written));
        if is_utf8 { Encoding::Utf8 } else { self.encoding.clone() }
    }
}

/// How values are written: what senders put into UNOA and UNOB in spite of their names is read, and not written.
#[derive(Debug, Clone)]
pub struct Written {
    encoding: Encoding,
    level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Capitals, digits and some signs.
    A,
    /// Small letters too.
    B,
    /// All that the encoding has.
    Any,
}

/// Beside letters and digits, of levels A and B (ISO 9735).
const SIGNS: &str = " .,-()/='+:?!\"%&*;<>";

impl Written {
    /// By the name in UNB. Where the layout says what its bytes are, they are that, whatever UNB says.
    pub fn of(name: &str, fixed: Option<&Charset>) -> Option<Written> {
        let level = match name.to_ascii_uppercase().as_str() {
            "UNOA" => Level::A,
            "UNOB" => Level::B,
            _ => Level::Any,
        };
        let declared = Charset::declared(name)?;
        Some(match fixed {
            Some(fixed) => Written { encoding: fixed.encoding.clone(), level: Level::Any },
            None if level == Level::Any => Written { encoding: declared.encoding, level },
            None => Written { encoding: Encoding::named("ascii")?, level },
        })
    }

    pub fn utf8() -> Written {
        Written { encoding: Encoding::Utf8, level: Level::Any }
    }

    /// For people.
    pub fn name(&self) -> &str {
        match self.level {
            Level::A => "UNOA (capitals, digits and some signs)",
            Level::B => "UNOB (letters without accents, digits and some signs)",
            Level::Any => self.encoding.name(),
        }
    }

    /// Appends the bytes of a character; `false` where there are none.
    pub fn put(&self, c: char, bytes: &mut Vec<u8>) -> bool {
        let is_small = c.is_ascii_lowercase() && self.level == Level::A;
        let of_level = self.level == Level::Any || c.is_ascii_alphanumeric() && !is_small || SIGNS.contains(c);
        of_level && self.encoding.encode(c.encode_utf8(&mut [0; 4]), bytes).is_ok()
    }

    /// Letters that stand for one that is not there, `Ł` as `L`, under UNOA `m` as `M`.
    pub fn instead(&self, c: char) -> Option<String> {
        let text = transliterated(c.encode_utf8(&mut [0; 4]), &self.encoding);
        let text = if self.level == Level::A { text.to_ascii_uppercase() } else { text };
        text.chars().all(|c| self.put(c, &mut Vec::new())).then_some(text)
    }

    /// The characters of a text that it does not have, each once, for people.
    pub fn lacking(&self, text: &str) -> String {
        let mut lacking: Vec<String> = Vec::new();
        for c in text.chars().filter(|c| !self.put(*c, &mut Vec::new())) {
            let quoted = format!("\"{c}\"");
            if !lacking.contains(&quoted) {
                lacking.push(quoted);
            }
        }
        lacking.join(", ")
    }
}

/// Latin, Greek and Cyrillic letters, signs, and all that takes three bytes. What lies between is `É»` or `ß` before a
/// blank that does not break, read as if it were UTF-8.
fn is_written(c: char) -> bool {
    c.is_ascii() || matches!(c, '\u{a0}'..='\u{17f}' | '\u{218}'..='\u{21b}' | '\u{370}'..='\u{4ff}' | '\u{800}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &str, bytes: &[u8]) -> Result<String, Unmapped> {
        let mut out = String::new();
        Charset::declared(set).unwrap().decode(bytes, &mut out).map(|()| out)
    }

    #[test]
    fn each_set_is_written_with_what_it_has() {
        for (set, text, bytes, instead) in [
            ("UNOA", "MÜ'7", None, Some("U")),
            ("UNOA", "m", None, Some("M")),
            ("UNOA", "A-7 (B)/+:?!\"%&*;<>=,.", Some(&b"A-7 (B)/+:?!\"%&*;<>=,."[..]), None),
            ("UNOA", "@", None, None),
            ("UNOB", "ab", Some(&b"ab"[..]), None),
            ("UNOB", "ß", None, Some("ss")),
            ("UNOB", "_", None, None),
            ("UNOC", "Müller@_", Some(&b"M\xfcller@_"[..]), None),
            ("UNOC", "Ł", None, Some("L")),
            ("UNOD", "Łódź", Some(&b"\xa3\xf3d\xbc"[..]), None),
            ("UNOE", "Да", Some(&b"\xb4\xd0"[..]), None),
            ("UNOL", "€", Some(&b"\xa4"[..]), None),
            ("UNOY", "漢", Some("漢".as_bytes()), None),
            ("unob", "ä", None, Some("a")),
        ] {
            let written = Written::of(set, None).unwrap();
            let mut out = Vec::new();
            let all = text.chars().all(|c| written.put(c, &mut out));
            assert_eq!(all.then_some(&out[..]), bytes, "{set} {text}");
            let first = text.chars().find(|c| !written.put(*c, &mut Vec::new()));
            assert_eq!(first.and_then(|c| written.instead(c)).as_deref(), instead, "{set} {text}");
        }
        assert!(Written::of("UNOX", None).is_none());
        // The layout says what the bytes are.
        let fixed = Charset::fixed(Encoding::named("cp850").unwrap());
        let mut out = Vec::new();
        assert!(Written::of("UNOA", Some(&fixed)).unwrap().put('ü', &mut out));
        assert_eq!(out, [0x81]);
    }

    #[test]
    fn bytes_mean_what_their_sender_means() {
        assert_eq!(read("UNOC", b"M\xfcller").unwrap(), "Müller");
        assert_eq!(read("UNOC", "Müller".as_bytes()).unwrap(), "Müller");
        assert_eq!(read("UNOC", b"Fu\xdf\xa0 \xc9\xbb").unwrap(), "Fuß\u{a0} É»");
        assert_eq!(read("UNOA", b"M\xfcller").unwrap(), "Müller");
        assert_eq!(read("UNOE", b"\xbc\xde\xe1\xda\xd2\xd0").unwrap(), "Москва");
        assert_eq!(read("UNOE", b"\xc2\xb0").unwrap(), "ТА", "well-formed UTF-8 by accident");
        assert_eq!(read("UNOY", b"M\xfcller"), Err(Unmapped::Byte(1, 0xfc)));
        assert!(Charset::declared("UNOX").is_none());
        assert!(SETS.iter().all(|(name, _, _)| Charset::declared(name).is_some()));
    }
}
