//! A layout proposed from samples: how they are cut, which kind they hold, which column is which field, each with how sure that is.
//!
//! Nothing here is ever applied: what comes out is a text that a person corrects (`write`). The way: `encoding`, then the sample is
//! cut into sheets (`taken`: `cut` for delimiters, `blocks`, `fixed`, `tree` for XML, `sheet` for workbooks; `standard` for what ships), what cells
//! say beside their value is taken off (`cells`) and what stands side by side is put aside (`levels`), a kind is chosen (`kinds`), columns get
//! fields (`names`, `content`, `values`, `address`, `fields`), and records are proposed (`roles`, `propose`, `notes`). `proof` reads the sample with it.

mod address;
mod blocks;
mod cells;
mod content;
mod cut;
mod encoding;
mod fields;
mod fixed;
mod form;
mod kinds;
mod levels;
mod names;
mod notes;
mod proof;
mod propose;
mod roles;
mod sheet;
mod standard;
mod syntax;
mod taken;
mod tree;
mod values;
mod write;

use std::sync::Arc;

use super::kind::{Kind, Kinds};
use super::naming::{self, Sort};

pub use proof::prove;
pub use syntax::Syntax;
pub use write::layout_text;

/// One sample file.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'s> {
    pub name: &'s str,
    pub bytes: &'s [u8],
}

/// What was found, with how sure it is, 0 to 100.
#[derive(Debug, Clone)]
pub struct Guess {
    pub syntax: Syntax,
    pub syntax_sure: u8,
    pub syntax_why: String,
    pub encoding: String,
    pub encoding_sure: u8,
    pub encoding_why: String,
    pub bom: bool,
    pub line_end: &'static str,
    pub kind: Arc<Kind>,
    pub kind_sure: u8,
    pub messages: Option<usize>,
    pub records: Vec<Record>,
    /// What a person must look at first.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub name: String,
    pub tag: String,
    /// `opens = "message"`
    pub role: String,
    /// Place and word.
    pub when: Option<(String, String)>,
    pub unless: Option<(String, String)>,
    pub group_by: Option<String>,
    pub rows: Vec<Row>,
}

impl Record {
    /// The word that tells its rows from those of other records: a tag, or the word of a condition.
    pub fn told_by(&self) -> &str {
        match (&self.when, self.tag.is_empty()) {
            (Some((_, word)), true) => word,
            _ => &self.tag,
        }
    }
}

/// One row of the field table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub place: String,
    pub label: String,
    pub ours: String,
    pub form: String,
    pub sure: u32,
    pub why: String,
    pub values: Vec<String>,
}

/// Why nothing can be proposed, for a person.
pub type Refusal = String;

/// `kind`: the person knows it.
pub fn guess(samples: &[Sample<'_>], kinds: &Kinds, kind: Option<&Arc<Kind>>) -> Result<Guess, Refusal> {
    let Some(first) = samples.first() else { return Err("there is no sample".to_string()) };
    if first.bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("the sample is empty".to_string());
    }
    if let Some(found) =
        standard::shipped(samples, kinds).filter(|found| kind.is_none_or(|kind| kind.name == found.kind.name))
    {
        return Ok(found);
    }
    let decoded = encoding::decode(first.bytes);
    let trimmed = decoded.text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let named = naming::name(first.bytes);
    let is_workbook =
        first.bytes.starts_with(b"PK") && named.what.as_deref().is_some_and(|what| what.contains("(xlsx)"));
    let is_other = matches!(named.sort, Sort::Binary | Sort::Interchange | Sort::Json)
        || named.sort == Sort::Html && is_markup(trimmed);
    if is_other && !is_workbook {
        let what = named.what.unwrap_or_else(|| "no text of rows".to_string());
        return Err(format!(
            "the sample is {what}: what it means is said by its standard or its program, and cannot be guessed from it"
        ));
    }
    let mut taken = match () {
        () if is_workbook => taken::of_workbook(first.bytes)?,
        () if is_markup(trimmed) => taken::of_xml(trimmed)?,
        () => taken::of_text(samples, &decoded.text)?,
    };
    let (kind, kind_sure) = match kind {
        Some(kind) => (Arc::clone(kind), 100),
        None => kinds::choose(kinds, &taken, first.name),
    };
    taken.fit_to(&kind);
    let records = propose::records(&kind, &taken);
    let mut notes = taken.notes.clone();
    notes::note(&kind, &records, kind_sure, &mut notes);
    Ok(Guess {
        syntax: taken.syntax,
        syntax_sure: taken.sure,
        syntax_why: taken.why,
        encoding: decoded.name,
        encoding_sure: decoded.sure,
        encoding_why: decoded.why,
        bom: decoded.bom,
        line_end: taken.line_end,
        kind,
        kind_sure,
        messages: taken.messages,
        records,
        notes,
    })
}

/// Elements; `<HEAD>;8801;…` is a row whose tag looks like one.
fn is_markup(text: &str) -> bool {
    let behind = text.split_once('>').and_then(|(_, rest)| rest.chars().next());
    text.starts_with('<') && !behind.is_some_and(|c| ";|,\t^~".contains(c))
}
