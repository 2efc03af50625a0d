//! Which bytes are which characters: UTF-8, UTF-16, ASCII, and the single-byte code pages partners still send.
//!
//! A single-byte code page is a table of its upper 128 characters. Those of encoding_rs are built from it; the DOS ones,
//! which it does not have, stand below. Decoding never guesses: a byte without a character is an error with its place.

use std::sync::Arc;

use super::wide::{self, ByteOrder};

/// How a layout's bytes become characters and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf16(ByteOrder),
    Single(Arc<CodePage>),
}

/// The upper half of a single-byte code page.
#[derive(Debug, PartialEq, Eq)]
pub struct CodePage {
    name: String,
    /// Bytes 128 to 255; `NONE` where the page has no character.
    upper: [char; 128],
    /// The reverse, sorted by character.
    lower: Vec<(char, u8)>,
}

const NONE: char = '\u{fffd}';
const NAMES: [&str; 5] = ["utf-8", "latin-1", "cp1252", "cp850", "ascii"];

/// A byte or character that the encoding does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmapped {
    /// Offset within what was to be decoded, and the byte there.
    Byte(usize, u8),
    /// Of UTF-16: one half of a pair without the other.
    Half(usize, u16),
    Char(char),
}

impl Encoding {
    /// By its usual names, in any case: `utf-8`, `utf-16`, `utf-16le`, `utf-16be`, `ascii`, `latin-1`, `cp1252`, a code page of
    /// DOS, or any single-byte label of the WHATWG list.
    pub fn named(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        Some(match lower.as_str() {
            "utf-8" | "utf8" => Encoding::Utf8,
            "utf-16" | "utf16" => Encoding::Utf16(ByteOrder::Marked),
            "utf-16le" | "utf-16-le" => Encoding::Utf16(ByteOrder::Little),
            "utf-16be" | "utf-16-be" => Encoding::Utf16(ByteOrder::Big),
            "ascii" | "us-ascii" => Encoding::single("ascii", [NONE; 128], 0x80),
            "cp437" | "ibm437" => Encoding::dos("cp437", &CP437),
            "cp850" | "ibm850" => Encoding::dos("cp850", &CP850),
            "cp852" | "ibm852" => Encoding::dos("cp852", &CP852),
            "cp858" | "ibm858" | "ibm00858" => Encoding::dos("cp858", &CP850.map(|part| part.replace('ı', "€"))),
            "cp865" | "ibm865" => Encoding::dos("cp865", &CP865),
            // Senders that say Latin-1 and mean Windows-1252 are read right; what we write is Latin-1 proper.
            "latin-1" | "latin1" | "iso-8859-1" => Encoding::single("latin-1", whatwg("windows-1252")?, 0xA0),
            other => {
                let page = other.strip_prefix("cp").map(|page| format!("windows-{page}"));
                let label = other.replace("latin-", "latin").replace("latin9", "l9");
                let upper = whatwg(&label).or_else(|| whatwg(&page?))?;
                // The tables of the WHATWG put those of Windows under some names of ISO.
                let is_iso = other.starts_with("iso") || other.starts_with("latin");
                Encoding::single(other, upper, if is_iso { 0xA0 } else { 0x80 })
            }
        })
    }

    /// Names to suggest from.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    pub fn name(&self) -> &str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf16(ByteOrder::Marked) => "utf-16",
            Encoding::Utf16(ByteOrder::Little) => "utf-16le",
            Encoding::Utf16(ByteOrder::Big) => "utf-16be",
            Encoding::Single(page) => &page.name,
        }
    }

    /// Two bytes a character: nothing of such a file looks as it does in ASCII.
    pub fn is_wide(&self) -> bool {
        matches!(self, Encoding::Utf16(_))
    }

    /// What a written file begins with, where the layout wants a mark; that of `utf-16` is always there.
    pub fn mark(&self, wanted: bool) -> &'static [u8] {
        match self {
            Encoding::Utf16(ByteOrder::Marked) => &[0xFF, 0xFE],
            Encoding::Utf16(ByteOrder::Little) if wanted => &[0xFF, 0xFE],
            Encoding::Utf16(ByteOrder::Big) if wanted => &[0xFE, 0xFF],
            Encoding::Utf8 if wanted => &[0xEF, 0xBB, 0xBF],
            _ => &[],
        }
    }

    fn dos(name: &str, upper: &[impl AsRef<str>; 4]) -> Self {
        let mut table = [NONE; 128];
        for (place, c) in table.iter_mut().zip(upper.iter().flat_map(|part| part.as_ref().chars())) {
            *place = c;
        }
        Encoding::single(name, table, 0x80)
    }

    /// Written are the bytes from `first` on.
    fn single(name: &str, upper: [char; 128], first: u8) -> Self {
        let mut lower: Vec<(char, u8)> = upper
            .iter()
            .enumerate()
            .filter(|(i, c)| **c != NONE && (*i as u8 | 0x80) >= first)
            .map(|(i, c)| (*c, i as u8 | 0x80))
            .collect();
        lower.sort_unstable();
        Encoding::Single(Arc::new(CodePage { name: name.to_string(), upper, lower }))
    }

    /// Appends the characters of `bytes`. UTF-16 is made UTF-8 before it gets here (`wide`), so both read UTF-8.
    pub fn decode(&self, bytes: &[u8], out: &mut String) -> Result<(), Unmapped> {
        match self {
            Encoding::Utf8 | Encoding::Utf16(_) => match std::str::from_utf8(bytes) {
                Ok(text) => out.push_str(text),
                Err(error) if self.is_wide() => return Err(wide::flaw(bytes, error.valid_up_to())),
                Err(error) => return Err(Unmapped::Byte(error.valid_up_to(), bytes[error.valid_up_to()])),
            },
            Encoding::Single(page) => {
                for (at, byte) in bytes.iter().enumerate() {
                    match byte {
                        0..=127 => out.push(*byte as char),
                        _ => match page.upper[(byte & 0x7f) as usize] {
                            NONE => return Err(Unmapped::Byte(at, *byte)),
                            c => out.push(c),
                        },
                    }
                }
            }
        }
        Ok(())
    }

    /// Appends the bytes of `text`.
    pub fn encode(&self, text: &str, out: &mut Vec<u8>) -> Result<(), Unmapped> {
        match self {
            Encoding::Utf8 => out.extend_from_slice(text.as_bytes()),
            Encoding::Utf16(ByteOrder::Big) => out.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            Encoding::Utf16(_) => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Encoding::Single(_) if text.is_ascii() => out.extend_from_slice(text.as_bytes()),
            Encoding::Single(page) => {
                for c in text.chars() {
                    out.push(page.byte(c).ok_or(Unmapped::Char(c))?);
                }
            }
        }
        Ok(())
    }

    /// How many characters of a text it does not have.
    pub fn lacked(&self, text: &str) -> u64 {
        let mut bytes = Vec::new();
        let mut has = |c: char| {
            bytes.clear();
            c.is_ascii() || self.encode(c.encode_utf8(&mut [0; 4]), &mut bytes).is_ok()
        };
        text.chars().filter(|c| !has(*c)).count() as u64
    }

    /// The characters of a text that it does not have, each once, for people.
    pub fn lacking(&self, text: &str) -> String {
        let mut lacking: Vec<String> = Vec::new();
        for c in text.chars() {
            let quoted = format!("\"{c}\"");
            if !lacking.contains(&quoted) && self.encode(c.encode_utf8(&mut [0; 4]), &mut Vec::new()).is_err() {
                lacking.push(quoted);
            }
        }
        lacking.join(", ")
    }
}

impl CodePage {
    /// The first letter beyond ASCII of bytes that are UTF-8 throughout and say letters that this page has too. Text of
    /// the page itself is never like that: a letter would have to be followed by signs, each time.
    pub fn in_utf8(&self, bytes: &[u8]) -> Option<char> {
        let text = std::str::from_utf8(bytes).ok()?;
        text.chars().find(|c| !c.is_ascii() && self.byte(*c).is_some())
    }

    fn byte(&self, c: char) -> Option<u8> {
        if c.is_ascii() {
            return Some(c as u8);
        }
        self.lower.binary_search_by_key(&c, |(known, _)| *known).ok().map(|at| self.lower[at].1)
    }
}

fn whatwg(label: &str) -> Option<[char; 128]> {
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes())?;
    if !encoding.is_single_byte() {
        return None;
    }
    let mut upper = [NONE; 128];
    for (place, byte) in upper.iter_mut().zip(128u8..=255) {
        let (text, _) = encoding.decode_without_bom_handling(std::slice::from_ref(&byte));
        *place = text.chars().next().filter(|c| !('\u{80}'..'\u{a0}').contains(c)).unwrap_or(NONE);
    }
    Some(upper)
}

#[rustfmt::skip]
const CP850: [&str; 4] = [
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ",
    "áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐",
    "└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀",
    "ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}",
];
#[rustfmt::skip]
const CP437: [&str; 4] = [
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ",
    "áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}",
];
#[rustfmt::skip]
const CP852: [&str; 4] = [
    "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×č",
    "áíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐",
    "└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀",
    "ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}",
];
#[rustfmt::skip]
const CP865: [&str; 4] = [
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø₧ƒ",
    "áíóúñÑªº¿⌐¬½¼¡«¤░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(name: &str, bytes: &[u8]) -> Result<String, Unmapped> {
        let mut out = String::new();
        Encoding::named(name).unwrap().decode(bytes, &mut out).map(|()| out)
    }

    #[test]
    fn every_code_page_reads_what_it_writes() {
        for name in ["cp850", "cp437", "cp865", "cp1252", "latin-1", "iso-8859-15", "windows-1250", "ascii"] {
            let encoding = Encoding::named(name).unwrap();
            for byte in 0..=255u8 {
                let mut text = String::new();
                if encoding.decode(&[byte], &mut text).is_ok() {
                    let mut bytes = Vec::new();
                    let written = encoding.encode(&text, &mut bytes);
                    // Latin-1 reads the Windows characters and does not write them.
                    assert!(bytes == [byte] || name == "latin-1" && written.is_err(), "{name} {byte:#x}");
                }
            }
        }
    }

    #[test]
    fn bytes_and_characters_without_a_partner_are_errors() {
        assert_eq!(decoded("cp865", b"Bl\x86b\x91r").unwrap(), "Blåbær");
        assert_eq!(decoded("latin-1", b"10 \x80").unwrap(), "10 €");
        assert_eq!(decoded("cp1252", b"ab\x81"), Err(Unmapped::Byte(2, 0x81)));
        assert_eq!(decoded("utf-8", b"ab\xff"), Err(Unmapped::Byte(2, 0xff)));
        let mut out = Vec::new();
        assert_eq!(Encoding::named("latin-1").unwrap().encode("漢", &mut out), Err(Unmapped::Char('漢')));
        assert_eq!(Encoding::named("klingon"), None);
        assert_eq!(Encoding::named("shift_jis"), None);
    }
}
