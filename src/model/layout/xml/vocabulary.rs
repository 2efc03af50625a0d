//! Names and codes that a standard knows, whether a row of the layout takes them or not: an element of its namespaces that is
//! none of them is misspelt, and what it says would be lost without a word.
//!
//! It is no schema: order, number and nesting of elements are not its matter.

use std::collections::HashSet;

use super::options::Options;
use crate::model::diagnostic::{Place, Problem, shown};
use crate::model::document::{Section, suggest};
use crate::model::syntax::xml::Tag;
use crate::model::wording;

/// By name, with their text: `[namespace]`, and below it the elements.
const SHIPPED: [(&str, &str); 1] = [("ubl-2", include_str!("../../../../schemas/vocabularies/ubl-2.txt"))];
/// An element that says which list its code is of is not held against another.
const OWN_LIST: [&str; 2] = ["listID", "listURI"];
/// Longer text is no code.
pub const CODE_BYTES: usize = 200;

#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    spaces: Vec<(&'static str, HashSet<&'static str>)>,
    codes: Vec<Codes>,
}

/// The codes that an element may hold.
#[derive(Debug, Clone)]
struct Codes {
    space: Option<String>,
    name: String,
    words: Vec<String>,
}

impl Vocabulary {
    /// `vocabulary = "ubl-2"` and the table `[xml.codes]`.
    pub fn read(section: &Section<'_>, options: &Options) -> Self {
        let mut vocabulary = Vocabulary::default();
        if let Some(text) = section.choice("vocabulary", &SHIPPED) {
            vocabulary.spaces = spaces(text);
        }
        let Some(table) = section.section("codes") else { return vocabulary };
        for key in table.keys() {
            let words = table.texts(&key.value).unwrap_or_default().into_iter().map(|word| word.value).collect();
            match options.step(&key.value) {
                Ok((space, name)) => {
                    vocabulary.codes.push(Codes { space: space.map(str::to_string), name: name.to_string(), words });
                }
                Err(prefix) => {
                    let text = format!("\"{prefix}:\" is not declared in [xml.namespaces].");
                    table.problem_at(key.span, "codes", text, None);
                }
            }
        }
        vocabulary
    }

    pub fn is_empty(&self) -> bool {
        self.spaces.is_empty() && self.codes.is_empty()
    }

    /// An element that its namespace does not have.
    pub fn unknown(&self, tag: &Tag<'_>, place: impl FnOnce() -> Place) -> Option<Problem> {
        let (_, names) = self.spaces.iter().find(|(space, _)| *space == tag.space)?;
        if names.contains(tag.name) {
            return None;
        }
        let mut known: Vec<&str> = names.iter().copied().collect();
        known.sort_unstable();
        Some(wording::xml_name_unknown(place(), tag.name, suggest(tag.name, &known).as_deref()))
    }

    /// The list that the element's text must be of.
    pub fn list_of(&self, tag: &Tag<'_>) -> Option<usize> {
        let is = |list: &Codes| list.name == tag.name && list.space.as_deref().is_none_or(|space| space == tag.space);
        let at = self.codes.iter().position(is)?;
        let names_its_own = tag.attributes().any(|attribute| OWN_LIST.contains(&attribute.name));
        (!names_its_own).then_some(at)
    }

    /// A code that the list does not have.
    pub fn wrong(&self, list: usize, text: &str, place: impl FnOnce() -> Place) -> Option<Problem> {
        let list = &self.codes[list];
        let code = text.trim();
        if code.is_empty() || list.words.iter().any(|word| word == code) {
            return None;
        }
        let words = shown(&list.words.join(", ")).to_string();
        Some(wording::code_unlisted(place(), code, &list.name, &words))
    }
}

fn spaces(text: &'static str) -> Vec<(&'static str, HashSet<&'static str>)> {
    let mut spaces: Vec<(&str, HashSet<&str>)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(space) => spaces.push((space, HashSet::new())),
            None => spaces.last_mut().into_iter().for_each(|(_, names)| names.extend(line.split_whitespace())),
        }
    }
    spaces
}
