//! What is wrong with a partner's file, for the person who must correct it: where, what was found, what was expected,
//! what to do. Every problem has a stable code; problems are built only by the named constructors in `wording`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Problems kept with their text per file; beyond, they are counted per code.
pub const KEPT: usize = 1_000;
/// A found value is shown up to this many characters: a 2 GB line is not repeated to anybody.
const SHOWN_CHARS: usize = 80;

/// Where in the sender's file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Record number for fixed and delimited files, line of the element for XML, from 1; 0 when the file as a whole is meant.
    pub line: u32,
    /// Byte offset in the sender's file of the record or element.
    pub byte: u64,
    /// Column heading, position or element path, as the partner calls it; empty when the record as a whole is meant.
    pub field: String,
    /// Said instead of the line, where that is not what a person sees: `Orders!C7`.
    pub spoken: Option<Arc<str>>,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable, like `quantity-invalid`.
    pub code: &'static str,
    pub place: Place,
    /// What was found and expected and what to do, without the place.
    pub text: String,
    /// Number of the message it belongs to, 0 when it belongs to the file.
    pub message: u64,
}

impl Problem {
    pub fn new(code: &'static str, place: Place, text: String) -> Self {
        Problem { code, place, text, message: 0 }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(spoken) = &self.place.spoken {
            write!(f, "{spoken}, ")?;
        } else if self.place.line > 0 {
            write!(f, "line {}, ", self.place.line)?;
        }
        if !self.place.field.is_empty() {
            write!(f, "\"{}\": ", self.place.field)?;
        }
        f.write_str(&self.text)
    }
}

/// A found value, cut and made safe to print: what nobody could see is shown as its number, not sent to a terminal.
pub fn shown(found: &str) -> String {
    let mut text: String = found.chars().take(SHOWN_CHARS).flat_map(escape).collect();
    if found.chars().nth(SHOWN_CHARS).is_some() {
        text.push('…');
    }
    text
}

/// Nobody sees it, or sees a blank where none is: control characters, other white space than the blank, and what Unicode
/// calls format characters and default ignorable.
pub fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || c.is_whitespace()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}' | '\u{890}'..='\u{891}'
            | '\u{8E2}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}'
            | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

fn escape(c: char) -> impl Iterator<Item = char> {
    let keep = !is_unseen(c);
    c.escape_default().filter(move |_| !keep).chain(std::iter::once(c).filter(move |_| keep))
}

/// All problems of a file: the first with their text, all of them counted by code.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    kept: Vec<Problem>,
    counts: BTreeMap<&'static str, u64>,
}

impl Diagnostics {
    pub fn add(&mut self, problem: Problem) {
        *self.counts.entry(problem.code).or_default() += 1;
        if self.kept.len() < KEPT {
            self.kept.push(problem);
        }
    }

    /// Changes how places are said.
    pub fn each_place(&mut self, change: impl FnMut(&mut Place)) {
        self.kept.iter_mut().map(|problem| &mut problem.place).for_each(change);
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    pub fn kept(&self) -> &[Problem] {
        &self.kept
    }

    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    pub fn append(&mut self, other: Diagnostics) {
        for (code, count) in other.counts {
            *self.counts.entry(code).or_default() += count;
        }
        let room = KEPT - self.kept.len();
        self.kept.extend(other.kept.into_iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_cut_and_without_control_characters() {
        assert_eq!(shown("a\nb\u{0}ü"), "a\\nb\\u{0}ü");
        assert_eq!(shown("a\u{200b}b\u{a0}c d"), "a\\u{200b}b\\u{a0}c d");
        assert_eq!(shown(&"x".repeat(200)).chars().count(), SHOWN_CHARS + 1);
    }

    #[test]
    fn beyond_the_kept_ones_problems_are_counted() {
        let mut all = Diagnostics::default();
        for line in 1..=1_500 {
            all.add(Problem::new("quantity-invalid", Place { line, ..Place::default() }, "x".into()));
        }
        assert_eq!((all.kept().len(), all.total()), (KEPT, 1_500));
    }
}
