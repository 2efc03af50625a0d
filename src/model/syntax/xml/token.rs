//! The next token of an XML text that may go on behind the end of what is in memory.
//!
//! It finds ends of tags, quotes, comments and references and judges the bytes of names; what tokens mean together
//! (nesting, prefixes, one root) is the reader's. It never looks at a byte twice, but for a token cut by the window's end.

use super::{NAME_LIMIT_BYTES, TAG_LIMIT_BYTES};

#[derive(Debug, PartialEq, Eq)]
pub enum Token<'t> {
    /// Up to the next markup, reference, or the end of what is in memory.
    Text(&'t str),
    Open {
        name: &'t str,
        attributes: &'t str,
        empty: bool,
    },
    Close(&'t str),
    /// Between `&` and `;`.
    Reference(&'t str),
    CData(&'t str),
    /// A comment or processing instruction.
    Aside,
    Declaration,
    /// `<!DOCTYPE …>` that only names its definition, which nobody looks up.
    DocType,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Next<'t> {
    /// A token and where it ends.
    Token(Token<'t>, usize),
    /// It does not end in what is in memory.
    Unfinished,
    /// A comment or CDATA section without its end: its content begins here.
    Long(Long, usize),
    Flaw(Flawed),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Long {
    Comment,
    CData,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flawed {
    Markup,
    DocType,
    LoneAmpersand,
    OpenQuote,
    TooLong,
}

const COMMENT: &str = "<!--";
pub const CDATA: &str = "<![CDATA[";
const DOCTYPE: &str = "<!DOCTYPE";

/// The token that begins at a position before the end of `text`.
pub fn next(text: &str, at: usize) -> Next<'_> {
    let bytes = text.as_bytes();
    match bytes[at] {
        b'<' => match bytes.get(at + 1) {
            None => Next::Unfinished,
            Some(b'/') => close(text, at),
            Some(b'!') => bang(text, at),
            Some(b'?') => instruction(text, at),
            Some(_) => open(text, at),
        },
        b'&' => reference(text, at),
        _ => {
            let end = memchr::memchr2(b'<', b'&', &bytes[at..]).map_or(text.len(), |length| at + length);
            Next::Token(Token::Text(&text[at..end]), end)
        }
    }
}

fn unfinished_tag(text: &str, at: usize) -> Next<'_> {
    if text.len() - at > TAG_LIMIT_BYTES { Next::Flaw(Flawed::TooLong) } else { Next::Unfinished }
}

fn close(text: &str, at: usize) -> Next<'_> {
    match memchr::memchr(b'>', &text.as_bytes()[at..]) {
        Some(length) => Next::Token(Token::Close(text[at + 2..at + length].trim_ascii_end()), at + length + 1),
        None => unfinished_tag(text, at),
    }
}

fn bang(text: &str, at: usize) -> Next<'_> {
    let rest = &text[at..];
    let find = |mark: &str, from: usize| memchr::memmem::find(&rest.as_bytes()[from..], mark.as_bytes());
    if rest.starts_with(COMMENT) {
        return match find("-->", COMMENT.len()) {
            Some(length) => Next::Token(Token::Aside, at + COMMENT.len() + length + "-->".len()),
            None => Next::Long(Long::Comment, at + COMMENT.len()),
        };
    }
    if rest.starts_with(CDATA) {
        let from = at + CDATA.len();
        return match find("]]>", CDATA.len()) {
            Some(length) => Next::Token(Token::CData(&text[from..from + length]), from + length + "]]>".len()),
            None => Next::Long(Long::CData, from),
        };
    }
    if rest.starts_with(DOCTYPE) {
        return document_type(text, at);
    }
    let may_become = [COMMENT, CDATA, DOCTYPE].iter().any(|mark| mark.starts_with(rest));
    if may_become { Next::Unfinished } else { Next::Flaw(Flawed::Markup) }
}

/// One that declares something itself is a flaw: its entities can make a small file huge.
fn document_type(text: &str, at: usize) -> Next<'_> {
    let from = at + DOCTYPE.len();
    if text.as_bytes().get(from).is_some_and(|b| !is_blank(*b)) {
        return Next::Flaw(Flawed::Markup);
    }
    let mut quote = None;
    for (n, byte) in text.as_bytes()[from..].iter().enumerate() {
        match (quote, *byte) {
            (Some(mark), byte) if byte == mark => quote = None,
            (Some(_), _) => {}
            (None, mark @ (b'"' | b'\'')) => quote = Some(mark),
            (None, b'[' | b'<') => return Next::Flaw(Flawed::DocType),
            (None, b'>') => return Next::Token(Token::DocType, from + n + 1),
            (None, _) => {}
        }
    }
    unfinished_tag(text, at)
}

fn instruction(text: &str, at: usize) -> Next<'_> {
    let Some(length) = memchr::memmem::find(&text.as_bytes()[at + 2..], b"?>") else {
        return unfinished_tag(text, at);
    };
    let content = &text[at + 2..at + 2 + length];
    let declares = content.strip_prefix("xml").is_some_and(|rest| rest.bytes().next().is_none_or(is_blank));
    if !content.bytes().next().is_some_and(starts_name) {
        return Next::Flaw(Flawed::Markup);
    }
    let token = if declares { Token::Declaration } else { Token::Aside };
    Next::Token(token, at + 2 + length + "?>".len())
}

fn open(text: &str, at: usize) -> Next<'_> {
    let bytes = text.as_bytes();
    let name_end = bytes[at + 1..].iter().position(|b| !IS_NAME[*b as usize]).map_or(text.len(), |n| at + 1 + n);
    let name = &text[at + 1..name_end];
    if name.len() > NAME_LIMIT_BYTES {
        return Next::Flaw(Flawed::TooLong);
    }
    if name.bytes().next().is_some_and(|b| !starts_name(b)) || name.is_empty() {
        return Next::Flaw(Flawed::Markup);
    }
    let finished = |empty, attributes, end| Next::Token(Token::Open { name, attributes, empty }, end);
    match bytes.get(name_end) {
        None => Next::Unfinished,
        Some(b'>') => finished(false, "", name_end + 1),
        Some(b'/') => match bytes.get(name_end + 1) {
            Some(b'>') => finished(true, "", name_end + 2),
            Some(_) => Next::Flaw(Flawed::Markup),
            None => Next::Unfinished,
        },
        Some(blank) if is_blank(*blank) => match tag_end(bytes, name_end) {
            Ok(end) => {
                let attributes = &text[name_end..end];
                let without_slash = attributes.strip_suffix('/');
                finished(without_slash.is_some(), without_slash.unwrap_or(attributes), end + 1)
            }
            Err(true) => Next::Flaw(Flawed::OpenQuote),
            Err(false) => unfinished_tag(text, at),
        },
        Some(_) => Next::Flaw(Flawed::Markup),
    }
}

/// Position of the `>` that ends a tag; `Err(true)` when an open quote swallows the elements behind it.
fn tag_end(bytes: &[u8], from: usize) -> Result<usize, bool> {
    let mut at = from;
    while let Some(length) = memchr::memchr3(b'>', b'"', b'\'', &bytes[at..]) {
        at += length;
        if bytes[at] == b'>' {
            return Ok(at);
        }
        let value = &bytes[at + 1..];
        match memchr::memchr(bytes[at], value) {
            Some(length) => at += length + 2,
            // No value may hold <: with one behind it, the quote was forgotten, not cut off.
            None => return Err(memchr::memchr(b'<', value).is_some()),
        }
    }
    Err(false)
}

fn reference(text: &str, at: usize) -> Next<'_> {
    let rest = &text.as_bytes()[at + 1..];
    let near = &rest[..rest.len().min(NAME_LIMIT_BYTES)];
    match memchr::memchr3(b';', b'&', b'<', near) {
        Some(length) if near[length] == b';' => {
            Next::Token(Token::Reference(&text[at + 1..at + 1 + length]), at + length + 2)
        }
        None if rest.len() < NAME_LIMIT_BYTES => Next::Unfinished,
        _ => Next::Flaw(Flawed::LoneAmpersand),
    }
}

/// The next attribute of a tag's rest: name, raw value, what follows. `Ok(None)` at its end, `Err` where it is none.
pub fn attribute(rest: &str) -> Result<Option<(&str, &str, &str)>, ()> {
    let begun = rest.trim_ascii_start();
    if begun.is_empty() {
        return Ok(None);
    }
    let name_end = begun.bytes().position(|b| !IS_NAME[b as usize]).ok_or(())?;
    let (name, behind) = begun.split_at(name_end);
    let separated = begun.len() < rest.len() && name.bytes().next().is_some_and(starts_name);
    let value = behind.trim_ascii_start().strip_prefix('=').ok_or(())?.trim_ascii_start();
    let quote = value.bytes().next().filter(|b| matches!(b, b'"' | b'\'')).ok_or(())?;
    let end = memchr::memchr(quote, &value.as_bytes()[1..]).ok_or(())? + 1;
    if !separated || memchr::memchr(b'<', &value.as_bytes()[..end]).is_some() {
        return Err(());
    }
    Ok(Some((name, &value[1..end], &value[end + 1..])))
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

/// ASCII is judged exactly, beyond it any character passes.
fn starts_name(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

/// Bytes that names are made of.
const IS_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':') || b >= 0x80;
        byte += 1;
    }
    table
};

/// Is the whole text a name?
pub fn is_name(name: &str) -> bool {
    name.bytes().next().is_some_and(starts_name) && name.bytes().all(|b| IS_NAME[b as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged() {
        for good in ["a", "_x", "Ärger", "bmecat:PARTY_ID", "a-b.c1"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "1a", "-a", "a<b", "a=", "a\"", ":a"] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn attributes_need_blanks_quotes_and_no_markup() {
        assert_eq!(attribute(" a = 'x>' b=\"\""), Ok(Some(("a", "x>", " b=\"\""))));
        assert_eq!(attribute("  \n"), Ok(None));
        for bad in ["a='x'", " a", " a=x", " a='x", " ='x'", " a='<'", " 1='x'", " a b='x'"] {
            assert_eq!(attribute(bad), Err(()), "{bad}");
        }
    }

    #[test]
    fn what_the_window_cuts_is_unfinished_and_what_is_broken_is_not() {
        for cut in [
            "<",
            "<a",
            "<a ",
            "<a b='",
            "<a/",
            "</",
            "</a",
            "<!",
            "<!-",
            "<![CDAT",
            "<!DOC",
            "<!DOCTYPE",
            "<!DOCTYPE a \"b>",
            "<?x",
            "&am",
        ] {
            assert_eq!(next(cut, 0), Next::Unfinished, "{cut}");
        }
        let table = [
            ("<1>", Flawed::Markup),
            ("< a>", Flawed::Markup),
            ("<>", Flawed::Markup),
            ("<a/b>", Flawed::Markup),
            ("<a<b>", Flawed::Markup),
            ("<!x>", Flawed::Markup),
            ("<? x?>", Flawed::Markup),
            ("<!DOCTYPE a [", Flawed::DocType),
            ("<!DOCTYPE a [<!ENTITY b 'c'>]>", Flawed::DocType),
            ("<!DOCTYPE a SYSTEM 'b' [", Flawed::DocType),
            ("<!DOCTYPEa>", Flawed::Markup),
            ("& b", Flawed::LoneAmpersand),
            ("<a b='><c/>", Flawed::OpenQuote),
        ];
        for (text, flaw) in table {
            let text = format!("{text}{}", if flaw == Flawed::LoneAmpersand { "<" } else { "" });
            assert_eq!(next(&text, 0), Next::Flaw(flaw), "{text}");
        }
        let named = "<!DOCTYPE a PUBLIC '-//b//[c]>' \"d\">";
        assert_eq!(next(&format!("{named}<a/>"), 0), Next::Token(Token::DocType, named.len()));
        assert_eq!(next("<!--x", 0), Next::Long(Long::Comment, 4));
        assert_eq!(next("<![CDATA[x", 0), Next::Long(Long::CData, 9));
    }
}
