//! Tables of words: the partner's on the left, ours on the right, used in both directions.

use std::collections::HashSet;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::model::document::Section;

/// Words of a table that are shown to people.
const SHOWN: usize = 100;

/// `[lookup.country]  Deutschland = "DE"`. Of several words for the same value of ours, the first is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    pub name: String,
    /// The partner's word and ours, in the order of the file.
    rows: Vec<(String, String)>,
    /// Sorted by the partner's word; by ours, the first row of each.
    by_theirs: Vec<u32>,
    by_ours: Vec<u32>,
}

/// Rows that one partner brings for a layout's table: his word, ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub table: String,
    pub rows: Vec<(String, String)>,
}

impl Lookup {
    /// Of several rows with the same word of the partner's, the first counts.
    pub fn new(name: &str, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut rows: Vec<(String, String)> = pairs.into_iter().collect();
        let mut seen = HashSet::new();
        rows.retain(|(theirs, _)| seen.insert(theirs.clone()));
        let mut by_theirs: Vec<u32> = (0..rows.len() as u32).collect();
        let mut by_ours = by_theirs.clone();
        by_theirs.sort_by(|a, b| rows[*a as usize].0.cmp(&rows[*b as usize].0));
        by_ours.sort_by(|a, b| rows[*a as usize].1.cmp(&rows[*b as usize].1));
        by_ours.dedup_by(|later, first| rows[*later as usize].1 == rows[*first as usize].1);
        Lookup { name: name.to_string(), rows, by_theirs, by_ours }
    }

    /// The rows of one partner come before those of the layout: they win when read, and are written.
    pub(super) fn read(name: &str, section: &Section<'_>, partners: &[Words]) -> Self {
        let keys = section.keys();
        let own = keys.into_iter().filter_map(|key| {
            let ours = section.text_or_integer(&key.value)?;
            Some((key.value, ours))
        });
        let his = partners.iter().filter(|words| words.table == name).flat_map(|words| words.rows.iter().cloned());
        Lookup::new(name, his.chain(own))
    }

    /// A letter and its mark apart, as some systems write them, are the same word.
    pub fn ours(&self, theirs: &str) -> Option<&str> {
        if !theirs.is_ascii() && is_nfc_quick(theirs.chars()) != IsNormalized::Yes {
            let composed: String = theirs.nfc().collect();
            return self.as_it_is(&composed).or_else(|| self.as_it_is(theirs));
        }
        self.as_it_is(theirs)
    }

    fn as_it_is(&self, theirs: &str) -> Option<&str> {
        let at = self.by_theirs.binary_search_by(|row| self.rows[*row as usize].0.as_str().cmp(theirs)).ok()?;
        Some(&self.rows[self.by_theirs[at] as usize].1)
    }

    pub fn theirs(&self, ours: &str) -> Option<&str> {
        let at = self.by_ours.binary_search_by(|row| self.rows[*row as usize].1.as_str().cmp(ours)).ok()?;
        Some(&self.rows[self.by_ours[at] as usize].0)
    }

    /// All of the partner's words, in the order of the file.
    pub fn all_words(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| row.0.as_str())
    }

    /// The first of the partner's words in the order of the file, for people.
    pub fn words(&self) -> Vec<&str> {
        self.rows.iter().map(|row| row.0.as_str()).take(SHOWN).collect()
    }
}
