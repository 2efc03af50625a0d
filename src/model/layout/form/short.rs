//! A value of a fixed-width record that ends with its line, before its columns do: may that be all of it? Where senders take off
//! the blanks behind the last text, yes; where every column is filled, something was cut off, and `0004` of `000450` looks like
//! a number as well.

use super::{Align, Form, Shape, Sign};

impl Form {
    /// Whether nothing but blanks can be missing behind `found`; `missing` characters are.
    pub fn may_end_early(&self, found: &str, missing: usize) -> bool {
        let left = self.align == Some(Align::Left);
        let filled = self.pad.is_some_and(|pad| pad != ' ') || self.strip.is_some() && !left;
        if filled || self.align == Some(Align::Right) {
            return false;
        }
        let text = found.trim();
        match &self.shape {
            // It stands right: blanks are before it, and behind it at most those of a sign that is not there.
            Shape::Number(_) if !left => missing <= self.sign_room() && !text.is_empty(),
            Shape::Date(patterns) | Shape::Time(patterns) | Shape::Instant(patterns) => {
                let whole = patterns.iter().map(|pattern| pattern.example().chars().count()).max();
                text.is_empty() || Some(text.chars().count()) >= whole
            }
            _ => text.is_empty() || !self.words().any(|word| goes_on(text, word, missing)),
        }
    }

    /// Characters that a sign behind a number takes.
    fn sign_room(&self) -> usize {
        let Shape::Number(number) = &self.shape else { return 0 };
        let words = number.minus.iter().chain(&number.plus).map(|word| word.chars().count());
        words.chain((number.sign == Sign::Trailing).then_some(1)).max().unwrap_or(0)
    }

    /// The words that are known for the value.
    fn words(&self) -> impl Iterator<Item = &str> {
        let listed = self.lookup.iter().flat_map(|lookup| lookup.all_words());
        let (yes, no) = match &self.shape {
            Shape::Boolean { yes, no } => (&yes[..], &no[..]),
            Shape::Text(super::Check::Choice(words)) if self.lookup.is_none() => (&words[..], &[][..]),
            _ => (&[][..], &[][..]),
        };
        listed.chain(yes.iter().chain(no).map(String::as_str))
    }
}

/// Whether `found` may be the beginning of another word, which would have had room.
fn goes_on(found: &str, word: &str, missing: usize) -> bool {
    let Some((begins, behind)) = word.split_at_checked(found.len()) else { return false };
    begins.eq_ignore_ascii_case(found) && !behind.is_empty() && behind.chars().count() <= missing
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::read_form;
    use crate::model::kind::FieldType;
    use crate::model::layout::lookup::Lookup;

    #[test]
    fn what_may_be_all_of_a_value_that_ends_with_its_line() {
        use FieldType::*;
        let table: [(&str, FieldType, &str, usize, bool); 27] = [
            ("decimal implied=2", Price, "0004", 2, false),
            ("decimal", Price, "  12", 2, false),
            ("decimal", Price, "   ", 3, false),
            ("decimal left", Price, "12", 4, true),
            ("decimal left pad=0", Price, "12", 4, false),
            ("decimal implied=2 sign=trailing", Price, "000450", 1, true),
            ("decimal implied=2 sign=trailing", Price, "00045", 2, false),
            ("decimal minus=CR plus=DR", Money, "000450", 2, true),
            ("decimal minus=CR plus=DR", Money, "00045", 3, false),
            ("date %Y%m%d", Date, "2026033", 1, false),
            ("date %y%m%d", Date, "260331", 2, true),
            ("time %H%M%S|%H%M", Time, "1430", 2, false),
            ("date %Y%m%d", Date, "  ", 6, true),
            ("", Text(9), "PO-1", 4, true),
            ("text right", Text(9), "PO-1", 4, false),
            ("text pad=0", Text(9), "0000", 4, false),
            ("text strip=0", Text(9), "0000", 4, false),
            ("text strip=0 left", Text(9), "0042", 4, true),
            ("boolean Y/N", Boolean, "Y", 2, true),
            ("boolean yes=J|Ja no=N", Boolean, "j", 1, false),
            ("boolean yes=J|Ja no=N", Boolean, "Ja", 1, true),
            ("boolean yes=J no=''", Boolean, " ", 1, true),
            ("lookup=per", Text(9), "B", 1, false),
            ("lookup=per", Text(9), "BX", 1, true),
            ("lookup=per", Text(9), "C", 1, true),
            ("lookup=per", Text(9), "Ü", 2, false),
            ("", Choice(vec!["a".into(), "ab".into()]), "a", 1, false),
        ];
        let words = ["B", "BX", "C", "Ü", "Üb"].map(|word| (word.to_string(), "x".to_string()));
        let lookups = [Arc::new(Lookup::new("per", words))];
        for (source, of, found, missing, expected) in table {
            let form = read_form(source, Some(&of), &lookups).unwrap_or_else(|e| panic!("{source}: {e:?}"));
            assert_eq!(form.may_end_early(found, missing), expected, "{source} <{found}>");
        }
    }
}
