//! Tables of words: the partner's on the left, ours on the right, used in both directions.

use crate::model::document::Section;

/// `[lookup.country]  Deutschland = "DE"`. Of several words for the same value of ours, the first is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    pub name: String,
    /// Sorted by the partner's word; with its place in the file.
    rows: Vec<(String, String, usize)>,
}

impl Lookup {
    pub fn new(name: &str, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut rows: Vec<_> = pairs.into_iter().enumerate().map(|(at, (theirs, ours))| (theirs, ours, at)).collect();
        rows.sort();
        Lookup { name: name.to_string(), rows }
    }

    pub(super) fn read(name: &str, section: &Section<'_>) -> Self {
        let keys = section.keys();
        Lookup::new(
            name,
            keys.into_iter().filter_map(|key| {
                let ours = section.text_or_integer(&key.value)?;
                Some((key.value, ours))
            }),
        )
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
