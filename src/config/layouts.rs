//! The layouts that intakes and feeds can name: those Nattpost ships, by id, and the site's own, by id or by file.

use std::path::Path;
use std::sync::Arc;

use super::keyed::Wrong;
use super::texts::{self, NamedText};
use crate::model::document::{Document, DocumentProblem, suggest};
use crate::model::kind::Kind;
use crate::model::layout::Layout;

/// A layout and what the configuration must know of it.
#[derive(Debug, Clone)]
pub struct KnownLayout {
    pub layout: Arc<Layout>,
    pub kind: Arc<Kind>,
    pub reads: bool,
    pub writes: bool,
    /// Of everything the layout says, so that a change of it is noticed.
    pub hash: blake3::Hash,
}

/// Where layouts come from.
pub struct LayoutSource<'a> {
    pub shipped: Vec<KnownLayout>,
    /// Reads a file of the site: its name for people and its text.
    pub read: &'a dyn Fn(&str, &str) -> Result<KnownLayout, Vec<DocumentProblem>>,
}

#[derive(Debug, Clone)]
struct Entry {
    known: KnownLayout,
    /// The site's file, as people see it; none for those that are shipped.
    file: Option<String>,
}

/// All layouts that can be named.
#[derive(Debug, Clone, Default)]
pub struct Layouts {
    entries: Vec<Entry>,
    /// Ids and names of the site's files that could not be read: naming one is no second problem.
    broken: Vec<String>,
}

impl Layouts {
    /// The shipped layouts and those of the site's folder, which need not exist.
    pub fn gather(
        source: &LayoutSource<'_>,
        folder: &Path,
        shown: &str,
        problems: &mut Vec<DocumentProblem>,
    ) -> (Self, Vec<NamedText>) {
        let entries = source.shipped.iter().map(|known| Entry { known: known.clone(), file: None }).collect();
        let mut layouts = Layouts { entries, broken: Vec::new() };
        let texts = if folder.is_dir() { texts::read_folder(folder, shown, problems) } else { Vec::new() };
        for text in &texts {
            layouts.add(source, text, problems);
        }
        (layouts, texts)
    }

    fn add(&mut self, source: &LayoutSource<'_>, text: &NamedText, problems: &mut Vec<DocumentProblem>) {
        match (source.read)(&text.name, &text.text) {
            Err(found) => {
                self.broken.push(text.name.clone());
                self.broken.extend(Document::parse(&text.name, &text.text).root().text("layout"));
                problems.extend(found);
            }
            Ok(known) => match self.by_id(&known.layout.id) {
                Some(other) => {
                    let whose = other.file.as_deref().unwrap_or("Nattpost itself");
                    let text_of =
                        format!("the id \"{}\" is taken by {whose}; expected an id of its own.", known.layout.id);
                    problems.push(texts::problem(&text.name, text_of));
                }
                None => self.entries.push(Entry { known, file: Some(text.name.clone()) }),
            },
        }
    }

    fn by_id(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.known.layout.id == id)
    }

    /// By id, or by file (`layouts/shop.toml`). `Ok(None)` where the file is there and has problems of its own.
    pub fn find(&self, name: &str) -> Result<Option<&KnownLayout>, Wrong> {
        let entry = self.by_id(name).or_else(|| self.entries.iter().find(|e| e.file.as_deref() == Some(name)));
        if let Some(entry) = entry {
            return Ok(Some(&entry.known));
        }
        if self.broken.iter().any(|broken| broken == name) {
            return Ok(None);
        }
        let ids: Vec<&str> = self.entries.iter().map(|e| e.known.layout.id.as_str()).collect();
        Err(Wrong {
            text: format!("there is no layout \"{name}\", neither in Nattpost nor in the folder of layouts."),
            suggestion: suggest(name, &ids),
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = &KnownLayout> {
        self.entries.iter().map(|e| &e.known)
    }
}
