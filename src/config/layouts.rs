//! The layouts that intakes and feeds can name: those Nattpost ships, by id, and the site's own, by id or by file.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::keyed::Wrong;
use super::texts::{self, NamedText};
use crate::model::document::{Document, DocumentProblem, suggest};
use crate::model::kind::shipped_kinds;
use crate::model::layout::lookup::Words;
use crate::model::layout::own::{Shipped, shipped_layouts, shipped_texts};
use crate::model::layout::{Extendable, Layout, read_extended, read_layout_with};

/// A layout that can be named.
#[derive(Debug, Clone)]
pub struct KnownLayout {
    pub layout: Arc<Layout>,
    /// The site's file, as people see it; none for those that are shipped.
    pub file: Option<String>,
    /// Of everything the layout says, so that a change of it is noticed.
    pub hash: blake3::Hash,
    /// Of the site's layouts, to read it again with a partner's words.
    text: Arc<str>,
}

/// All layouts that can be named.
#[derive(Debug, Clone, Default)]
pub struct Layouts {
    /// Read when they are named.
    shipped: Vec<(&'static Shipped, OnceLock<KnownLayout>)>,
    /// The site's.
    entries: Vec<KnownLayout>,
    /// Ids and names of the site's files that could not be read: naming one is no second problem.
    broken: Vec<String>,
}

const NOT_LOOKED_AT: &str = "this layout was guessed, and a guess is never applied unseen. Lay it beside the partner's specification, \
     correct its rows, try it with layout try, then remove this line.";

/// A problem of one key of a layout that is well otherwise.
fn at_key(text: &NamedText, key: &str, words: String) -> Vec<DocumentProblem> {
    let document = Document::parse(&text.name, &text.text);
    let root = document.root();
    let keys = root.keys();
    root.pass_over(&keys.iter().map(|key| key.value.as_str()).collect::<Vec<_>>());
    root.problem(key, words);
    drop(root);
    document.into_problems()
}

impl Layouts {
    /// The shipped layouts and those of the site's folder, which need not exist.
    pub fn gather(folder: &Path, shown: &str, problems: &mut Vec<DocumentProblem>) -> (Self, Vec<NamedText>) {
        let shipped = shipped_layouts().iter().map(|shipped| (shipped, OnceLock::new())).collect();
        let mut layouts = Layouts { shipped, ..Layouts::default() };
        let texts = if folder.is_dir() { texts::read_folder(folder, shown, problems) } else { Vec::new() };
        let mut extendable = shipped_texts();
        extendable.extend(texts.iter().map(|text| Extendable::new(&text.name, &text.text)));
        for text in &texts {
            layouts.add(text, &extendable, problems);
        }
        (layouts, texts)
    }

    fn add(&mut self, text: &NamedText, extendable: &[Extendable], problems: &mut Vec<DocumentProblem>) {
        match read_extended(&text.name, &text.text, shipped_kinds(), extendable) {
            Err(found) => {
                self.broken.push(text.name.clone());
                self.broken.extend(Document::parse(&text.name, &text.text).root().text("layout"));
                problems.extend(found);
            }
            Ok((layout, _)) if layout.guessed => {
                self.broken.extend([text.name.clone(), layout.id]);
                problems.extend(at_key(text, "guessed", NOT_LOOKED_AT.to_string()));
            }
            Ok((layout, whole)) => match self.by_id(&layout.id) {
                Some(other) => {
                    let whose = other.file.as_deref().unwrap_or("Nattpost itself");
                    let taken = format!("the id \"{}\" is taken by {whose}; expected an id of its own.", layout.id);
                    problems.extend(at_key(text, "layout", taken));
                }
                None => self.entries.push(KnownLayout {
                    layout: Arc::new(layout),
                    file: Some(text.name.clone()),
                    hash: blake3::hash(whole.as_bytes()),
                    text: whole.into(),
                }),
            },
        }
    }

    /// As one partner sees them: with his words in their tables. Those that ship with Nattpost have no tables.
    pub fn of_partner(&self, words: &[Words]) -> Layouts {
        let mut all = self.clone();
        for known in &mut all.entries {
            let his: Vec<&Words> = words.iter().filter(|w| known.layout.tables.contains(&w.table)).collect();
            let Some(file) = known.file.as_ref().filter(|_| !his.is_empty()) else { continue };
            // It was read before, and words alone make no problem.
            if let Ok(layout) = read_layout_with(file, &known.text, shipped_kinds(), words) {
                known.layout = Arc::new(layout);
                known.hash = blake3::hash(format!("{} {his:?}", known.hash.to_hex()).as_bytes());
            }
        }
        all
    }

    /// Whether every file of the site's could be read.
    pub fn are_whole(&self) -> bool {
        self.broken.is_empty()
    }

    fn by_id(&self, id: &str) -> Option<&KnownLayout> {
        let shipped = self.shipped.iter().find(|(shipped, _)| shipped.id == id).map(known);
        shipped.or_else(|| self.entries.iter().find(|known| known.layout.id == id))
    }

    /// By id, or by file (`layouts/shop.toml`). `Ok(None)` where the file is there and has problems of its own.
    pub fn find(&self, name: &str) -> Result<Option<&KnownLayout>, Wrong> {
        let by_file = || self.entries.iter().find(|known| known.file.as_deref() == Some(name));
        if let Some(known) = self.by_id(name).or_else(by_file) {
            return Ok(Some(known));
        }
        if self.broken.iter().any(|broken| broken == name) {
            return Ok(None);
        }
        let shipped = self.shipped.iter().map(|(shipped, _)| shipped.id);
        let ids: Vec<&str> = shipped.chain(self.entries.iter().map(|known| known.layout.id.as_str())).collect();
        Err(Wrong {
            text: format!("there is no layout \"{name}\", neither in Nattpost nor in the folder of layouts."),
            suggestion: suggest(name, &ids),
        })
    }

    /// By id.
    pub fn get(&self, id: &str) -> Option<&Arc<Layout>> {
        self.by_id(id).map(|known| &known.layout)
    }

    pub fn iter(&self) -> impl Iterator<Item = &KnownLayout> {
        self.shipped.iter().map(known).chain(&self.entries)
    }
}

/// What a shipped layout says changes with the program only.
fn known<'a>((shipped, known): &'a (&'static Shipped, OnceLock<KnownLayout>)) -> &'a KnownLayout {
    known.get_or_init(|| {
        let said = format!("{} {}", env!("CARGO_PKG_VERSION"), shipped.id);
        let layout = shipped.layout().clone();
        KnownLayout { layout, file: None, hash: blake3::hash(said.as_bytes()), text: "".into() }
    })
}
