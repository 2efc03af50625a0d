//! Tables of words: the partner's on the left, ours on the right, used in both directions.

use crate::model::document::Section;

/// `[lookup.country]  Deutschland = "DE"`. Of several words for the same value of ours, the first is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    pub name: String,
    /// Sorted by the partner's word; with its place in the file.
    rows: Vec<(String, String, usize)>,
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
        let mut rows: Vec<_> = pairs.into_iter().enumerate().map(|(at, (theirs, ours))| (theirs, ours, at)).collect();
        rows.sort_by(|a, b| (&a.0, a.2).cmp(&(&b.0, b.2)));
        rows.dedup_by(|later, first| later.0 == first.0);
        Lookup { name: name.to_string(), rows }
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

    pub fn ours(&self, theirs: &str) -> Option<&str> {
        let at = self.rows.binary_search_by(|row| row.0.as_str().cmp(theirs)).ok()?;
        Some(&self.rows[at].1)
    }

    pub fn theirs(&self, ours: &str) -> Option<&str> {
        self.rows.iter().filter(|row| row.1 == ours).min_by_key(|row| row.2).map(|row| row.0.as_str())
    }

    /// The partner's words in the order of the file, for people.
    pub fn words(&self) -> Vec<&str> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_key(|row| row.2);
        rows.into_iter().map(|row| row.0.as_str()).collect()
    }
}
