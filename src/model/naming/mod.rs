//! What a file is, told from its beginning: `X12 810`, `UBL Invoice`, `a PDF document`. For the reason of a file that no
//! layout reads, so that its sender knows which file went the wrong way.
//!
//! `interchange` knows the formats of segments and the flat IDoc, `markup` XML and HTML, `binary` what is no text. Nothing
//! here decides what is read: layouts do.

mod binary;
mod interchange;
mod markup;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// So many bytes tell what a file is; more are not looked at.
pub const HEAD_BYTES: usize = 64 << 10;
/// So many tell whether a longer look is worth it.
pub const FIRST_BYTES: usize = 16;

/// The sort of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Empty,
    /// Documents, pictures, archives.
    Binary,
    /// Segments, or the records of an IDoc.
    Interchange,
    Xml,
    Html,
    Json,
    /// Rows, sentences, anything else.
    Text,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub sort: Sort,
    /// Behind "the file is", like `X12 810`; nothing where the sort is all that can be said.
    pub what: Option<String>,
}

impl Name {
    fn new(sort: Sort, what: impl Into<String>) -> Self {
        Name { sort, what: Some(what.into()) }
    }
}

/// Names a file by its beginning, of which at most 64 KiB are looked at.
pub fn name(head: &[u8]) -> Name {
    let head = &head[..head.len().min(HEAD_BYTES)];
    if head.is_empty() {
        return Name { sort: Sort::Empty, what: None };
    }
    if let Some(what) = binary::name(head) {
        return Name::new(Sort::Binary, what);
    }
    let text = text_of(head);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
    if let Some(what) = interchange::name(text) {
        return Name::new(Sort::Interchange, what);
    }
    if let Some(name) = markup::name(text) {
        return name;
    }
    if is_json(text) {
        return Name::new(Sort::Json, "JSON");
    }
    Name { sort: Sort::Text, what: letter(text) }
}

/// Could a file that begins with these bytes be anything but rows of text? Else nobody need look further.
pub fn is_telling(first: &[u8]) -> bool {
    let visible = first.iter().position(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF));
    let rest = visible.map_or(&[][..], |at| &first[at..]);
    let begins = |words: &[&str]| words.iter().any(|word| rest.starts_with(word.as_bytes()));
    match rest.first() {
        None => false,
        Some(b'<' | b'{' | b'[') => true,
        Some(b) if *b < b' ' || *b >= 0x7F => true,
        Some(_) => binary::name(rest).is_some() || begins(interchange::BEGINNINGS) || first.contains(&0),
    }
}

/// The text of a beginning: UTF-16 is made one byte a character, as far as it is ASCII; the rest only has to be shown.
fn text_of(head: &[u8]) -> Cow<'_, str> {
    let wide = |high: usize| {
        head.chunks_exact(2).take(32).filter(|pair| pair[high] == 0).count()
            >= head.len().min(64) / 2 - head.len().min(64) / 8
    };
    let marked = head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF");
    if head.len() >= 4 && (marked || wide(0) || wide(1)) {
        let big = head.starts_with(b"\xFE\xFF") || !marked && wide(0);
        let units: Vec<u16> = head
            .chunks_exact(2)
            .map(
                |pair| {
                    if big { u16::from_be_bytes([pair[0], pair[1]]) } else { u16::from_le_bytes([pair[0], pair[1]]) }
                },
            )
            .collect();
        return String::from_utf16_lossy(&units).into();
    }
    String::from_utf8_lossy(head)
}

/// An object or an array of values; a row of text may begin with a bracket too.
fn is_json(text: &str) -> bool {
    let mut rest = text.chars().filter(|c| !c.is_whitespace());
    match (rest.next(), rest.next()) {
        (Some('{'), Some(second)) => matches!(second, '"' | '}'),
        (Some('['), Some(second)) => matches!(second, '{' | '[' | '"' | ']'),
        _ => false,
    }
}

/// Texts that are no data: a mail with its headings, what somebody encrypted or signed.
fn letter(text: &str) -> Option<String> {
    if text.starts_with("-----BEGIN PGP") {
        return Some("text encrypted or signed with PGP".to_string());
    }
    let heads = ["Received:", "Return-Path:", "MIME-Version:", "Delivered-To:", "Message-ID:"];
    let lines = text.lines().take(20);
    let found = lines
        .filter(|line| heads.iter().any(|head| line.get(..head.len()).is_some_and(|l| l.eq_ignore_ascii_case(head))));
    (found.count() >= 2).then(|| "an e-mail with its headings".to_string())
}
