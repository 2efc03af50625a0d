//! Columns of fixed-width records, counted in characters.

use std::ops::Range;

/// What stands in these columns (from 0); columns behind the end are empty.
pub fn slice(text: &str, columns: Range<usize>) -> &str {
    &text[byte_range(text, columns)]
}

/// The bytes that these columns take.
pub fn byte_range(text: &str, columns: Range<usize>) -> Range<usize> {
    if text.is_ascii() {
        return columns.start.min(text.len())..columns.end.min(text.len());
    }
    let mut places = text.char_indices().map(|(at, _)| at).chain(std::iter::once(text.len()));
    let start = places.nth(columns.start).unwrap_or(text.len());
    let end = match columns.end - columns.start {
        0 => start,
        more => places.nth(more - 1).unwrap_or(text.len()),
    };
    start..end
}

/// How long records are that have no line ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Widths {
    /// Where the record type stands.
    pub tag: Option<Range<usize>>,
    pub by_tag: Vec<(String, usize)>,
    /// Of all others.
    pub other: usize,
}

impl Widths {
    /// No record takes more bytes than this.
    pub fn most_bytes(&self) -> usize {
        let own = self.by_tag.iter().map(|(_, width)| *width);
        let tag = self.tag.as_ref().map_or(0, |tag| tag.end);
        (own.fold(self.other, usize::max).max(tag) + 1) * 4
    }

    /// Bytes of the record that begins here; nothing when more are needed to know.
    pub fn bytes_of(&self, bytes: &[u8], is_utf8: bool) -> Option<usize> {
        let width = match &self.tag {
            None => None,
            Some(tag) => self.own(tag_in(bytes, tag, is_utf8)?),
        };
        bytes_in(bytes, width.unwrap_or(self.other), is_utf8)
    }

    /// Is this line a record with a width of its own?
    pub fn has(&self, line: &[u8], is_utf8: bool) -> bool {
        let tag = self.tag.as_ref().and_then(|tag| tag_in(line, tag, is_utf8));
        tag.is_some_and(|tag| self.own(tag).is_some())
    }

    fn own(&self, tag: &[u8]) -> Option<usize> {
        let tag = String::from_utf8_lossy(tag);
        self.by_tag.iter().find(|(known, _)| known == tag.trim()).map(|(_, width)| *width)
    }
}

/// Nothing where the bytes end before it does.
fn tag_in<'b>(bytes: &'b [u8], tag: &Range<usize>, is_utf8: bool) -> Option<&'b [u8]> {
    let (start, end) = (bytes_in(bytes, tag.start, is_utf8)?, bytes_in(bytes, tag.end, is_utf8)?);
    Some(&bytes[start..end])
}

/// Bytes that so many characters take; nothing where there are not as many.
fn bytes_in(bytes: &[u8], characters: usize, is_utf8: bool) -> Option<usize> {
    if !is_utf8 {
        return (characters <= bytes.len()).then_some(characters);
    }
    let mut starts = bytes.iter().enumerate().filter(|(_, b)| **b & 0xC0 != 0x80).map(|(at, _)| at);
    match starts.nth(characters) {
        Some(at) => Some(at),
        // The last character may go on; that it is whole is known where the next begins, or in ASCII.
        None => {
            let found = bytes.iter().filter(|b| **b & 0xC0 != 0x80).count();
            (found == characters && std::str::from_utf8(bytes).is_ok()).then_some(bytes.len())
        }
    }
}

/// Characters of a record.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_without_line_ends_are_as_long_as_their_type_says() {
        let widths = Widths { tag: Some(0..1), by_tag: vec![("H".into(), 4), ("L".into(), 3)], other: 2 };
        assert_eq!(widths.bytes_of(b"Habcdef", true), Some(4));
        assert_eq!(widths.bytes_of(b"Lab", true), Some(3));
        assert_eq!(widths.bytes_of(b"La", true), None);
        assert_eq!(widths.bytes_of("Läb".as_bytes(), true), Some(4));
        assert_eq!(widths.bytes_of("Laä".as_bytes(), true), Some(4));
        assert_eq!(widths.bytes_of(&"Laä".as_bytes()[..3], true), None);
        assert_eq!(widths.bytes_of(b"L\xe4bH", false), Some(3));
        assert_eq!(widths.bytes_of(b"x", false), None);
    }

    #[test]
    fn columns_are_characters_and_may_lie_behind_the_end() {
        assert_eq!(slice("abcdef", 1..3), "bc");
        assert_eq!(slice("abcdef", 4..9), "ef");
        assert_eq!(slice("abc", 5..9), "");
        assert_eq!(slice("äöüß", 1..3), "öü");
        assert_eq!(slice("äöüß", 3..9), "ß");
        assert_eq!(slice("äöüß", 4..9), "");
        assert_eq!(slice("äöüß", 2..2), "");
        assert_eq!(width("äöü"), 3);
    }
}
