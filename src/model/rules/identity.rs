//! When are two writings of a number one number? The rule for every identifier of the kinds: order, article and customer
//! numbers, EANs, warehouses, price lists. It holds in every syntax, whatever a layout says of blanks; docs/kinds.md tells
//! it to people. It knows no check digits (`identifiers`) and nobody's numbers (`reference`).

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::model::diagnostic::is_unseen;

/// An identifier holds this, which nobody sees: two numbers that look alike would be different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invisible(pub char);

/// The number alone: without white space around it, its letters composed. May point into `made`, which is overwritten.
#[inline]
pub fn bare<'a>(text: &'a str, made: &'a mut String) -> Result<&'a str, Invisible> {
    if is_plain(text.as_bytes()) { Ok(text) } else { bare_of_any(text, made) }
}

/// Most numbers are letters and digits, with blanks inside at most.
fn is_plain(bytes: &[u8]) -> bool {
    let ends_visible = |b: Option<&u8>| b.is_none_or(u8::is_ascii_graphic);
    ends_visible(bytes.first()) && ends_visible(bytes.last()) && bytes.iter().all(|b| (0x20..0x7F).contains(b))
}

fn bare_of_any<'a>(text: &'a str, made: &'a mut String) -> Result<&'a str, Invisible> {
    let text = text.trim();
    if let Some(c) = text.chars().find(|c| is_unseen(*c) || *c == '\u{FFFD}') {
        return Err(Invisible(c));
    }
    if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Ok(text);
    }
    made.clear();
    made.extend(text.nfc());
    Ok(made)
}

/// Is this how the number is stored?
pub fn is_bare(text: &str) -> bool {
    bare(text, &mut String::new()) == Ok(text)
}

/// The character in words, for the person who cannot see it.
pub fn named(c: char) -> String {
    let name = match c {
        '\0' => "a NUL byte",
        '\t' => "a tab",
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => "a line break",
        '\u{A0}' | '\u{202F}' => "a no-break space",
        '\u{AD}' => "a soft hyphen",
        '\u{FEFF}' => "a byte order mark",
        '\u{FFFD}' => "a replacement character, the mark of damaged text",
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
            "a mark of writing direction"
        }
        '\u{200B}'..='\u{200D}' | '\u{2060}' => "a character without width",
        c if c.is_whitespace() => "an unusual space",
        c if c.is_control() => "a control character",
        _ => "an invisible character",
    };
    format!("{name} (U+{:04X})", c as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_writing() {
        let table: &[(&str, Result<&str, char>)] = &[
            ("4711", Ok("4711")),
            ("", Ok("")),
            ("  ", Ok("")),
            ("\u{A0}", Ok("")),
            ("4711 ", Ok("4711")),
            ("\t4711", Ok("4711")),
            ("4711\r\n", Ok("4711")),
            ("\u{A0}4711\u{A0}", Ok("4711")),
            ("\u{2009}4711\u{3000}", Ok("4711")),
            ("4711\u{2028}", Ok("4711")),
            // What is no space is not guessed at, wherever it stands.
            ("4711\u{0}", Err('\u{0}')),
            ("\u{FEFF}4711", Err('\u{FEFF}')),
            ("4711\u{200B}", Err('\u{200B}')),
            ("47\u{200D}11", Err('\u{200D}')),
            ("\u{202E}4711", Err('\u{202E}')),
            ("4711\u{2069}", Err('\u{2069}')),
            ("47\u{AD}11", Err('\u{AD}')),
            ("4711\u{7F}", Err('\u{7F}')),
            ("4711\u{FE0F}", Err('\u{FE0F}')),
            ("4711\u{E0041}", Err('\u{E0041}')),
            ("4711\u{FFFD}", Err('\u{FFFD}')),
            // Inside, a blank is part of it and nothing else is.
            ("A 1", Ok("A 1")),
            ("A  1", Ok("A  1")),
            ("A\t1", Err('\t')),
            ("A\n1", Err('\n')),
            ("A\u{A0}1", Err('\u{A0}')),
            ("Bestellung Nr. 7/é", Ok("Bestellung Nr. 7/é")),
            ("e\u{301}-7 ", Ok("\u{e9}-7")),
            ("\u{212B}", Ok("\u{C5}")),
            ("漢字-1", Ok("漢字-1")),
            ("po-1", Ok("po-1")),
            ("007", Ok("007")),
        ];
        for (text, expected) in table {
            let mut made = String::new();
            assert_eq!(bare(text, &mut made), expected.map_err(Invisible), "{text:?}");
            assert_eq!(is_bare(text), *expected == Ok(*text), "{text:?}");
            if let Ok(once) = expected {
                assert!(is_bare(once), "{text:?}");
            }
        }
    }

    #[test]
    fn what_nobody_sees_has_a_name() {
        assert_eq!(named('\u{A0}'), "a no-break space (U+00A0)");
        assert_eq!(named('\u{202E}'), "a mark of writing direction (U+202E)");
        assert_eq!(named('\u{1}'), "a control character (U+0001)");
        assert_eq!(named('\u{2003}'), "an unusual space (U+2003)");
        assert_eq!(named('\u{E0041}'), "an invisible character (U+E0041)");
    }
}
