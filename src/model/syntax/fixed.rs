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

/// Characters of a record.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

#[cfg(test)]
mod tests {
    use super::*;

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
