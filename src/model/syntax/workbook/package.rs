//! The parts of a workbook in its archive: found by the relationships between them, not by their usual names.

use std::io;

use super::strings::{self, Strings};
use super::styles::{self, Look};
use crate::model::archive::{Directory, Flaw, Limits, Member};
use crate::model::diagnostic::shown;
use crate::model::layout::Input;
use crate::model::syntax::xml::{self, Halt, Tag, Visitor};

/// A workbook has some dozen parts; one with many pictures some hundred.
const LIMITS: Limits = Limits { members: 10_000, bytes: 1 << 30 };
/// Sheets of a workbook, and relations of a part.
pub const SHEETS: usize = 1_000;
const RELATIONS: usize = 10_000;

/// A sheet of the workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetPart {
    pub name: String,
    pub hidden: bool,
    /// Its part in the archive.
    pub path: String,
}

/// What a workbook is made of; the rows are not read yet.
pub struct Package {
    pub directory: Directory,
    /// In their order, worksheets alone.
    pub sheets: Vec<SheetPart>,
    /// Days are counted from 1904.
    pub since_1904: bool,
    pub(super) strings: Strings,
    pub(super) looks: Vec<Look>,
}

struct Relation {
    id: String,
    sort: String,
    target: String,
}

impl Package {
    pub fn open(input: &mut dyn Input) -> io::Result<Package> {
        let directory = Directory::read(input, LIMITS)?;
        let root = relations(input, &directory, "")?;
        let book = root.iter().find(|relation| relation.sort == "officeDocument");
        let book = book.map_or_else(|| "xl/workbook.xml".to_string(), |relation| relation.target.clone());
        if book.ends_with(".bin") {
            let text = "it is a binary workbook (xlsb); expected .xlsx. Save it as an Excel workbook (.xlsx).";
            return Err(Flaw::NotTaken(text.to_string()).into());
        }
        if directory.find(&book).is_none() {
            let text = "it holds no workbook; expected an Excel workbook (.xlsx).";
            return Err(Flaw::NotTaken(text.to_string()).into());
        }
        let related = relations(input, &directory, &book)?;
        let mut listed = Listed::default();
        parse(input, &directory, &book, &mut listed)?;
        let part = |sort: &str| related.iter().find(|r| r.sort == sort).map(|r| r.target.clone());
        let strings = match part("sharedStrings") {
            Some(path) => strings::read(input, &directory, &path)?,
            None => Strings::default(),
        };
        let looks = match part("styles") {
            Some(path) => styles::read(input, &directory, &path)?,
            None => Vec::new(),
        };
        let sheets = listed.sheets.into_iter().filter_map(|(name, hidden, id)| {
            let found = related.iter().find(|r| r.id == id && r.sort == "worksheet")?;
            Some(SheetPart { name, hidden, path: found.target.clone() })
        });
        Ok(Package { sheets: sheets.collect(), since_1904: listed.since_1904, strings, looks, directory })
    }
}

/// Reads a part.
pub(super) fn parse<V: Visitor>(
    input: &mut dyn Input,
    directory: &Directory,
    path: &str,
    visitor: &mut V,
) -> io::Result<()> {
    let Some(entry) = directory.find(path) else {
        return Err(Flaw::Damaged(format!("its part \"{}\" is missing.", shown(path))).into());
    };
    let end = xml::read(&mut Member::open(input, directory, entry)?, None, visitor)?;
    match end.problem {
        Some(problem) => Err(Flaw::Damaged(format!("its part \"{}\" is broken: {problem}", shown(path))).into()),
        None => Ok(()),
    }
}

/// The relations of a part, their targets as paths; the empty path is the archive itself. A part without any has none.
fn relations(input: &mut dyn Input, directory: &Directory, of: &str) -> io::Result<Vec<Relation>> {
    let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
    let path = if folder.is_empty() { format!("_rels/{name}.rels") } else { format!("{folder}/_rels/{name}.rels") };
    if directory.find(&path).is_none() {
        return Ok(Vec::new());
    }
    let mut found: Vec<Relation> = Vec::new();
    parse(
        input,
        directory,
        &path,
        &mut Tags(|tag: &Tag<'_>| {
            let sort = attribute(tag, "Type").unwrap_or_default();
            let (id, target) = (attribute(tag, "Id").unwrap_or_default(), attribute(tag, "Target").unwrap_or_default());
            if tag.name == "Relationship" && found.len() < RELATIONS {
                let sort = sort.rsplit('/').next().unwrap_or_default().to_string();
                found.push(Relation { id: id.to_string(), sort, target: resolve(folder, target) });
            }
        }),
    )?;
    Ok(found)
}

/// A target as a path in the archive.
fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = if target.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join("/")
}

pub(super) fn attribute<'t>(tag: &Tag<'t>, name: &str) -> Option<&'t str> {
    tag.attributes().find(|a| a.name == name).map(|a| a.value)
}

/// The workbook's list of sheets: name, whether hidden, and relation.
#[derive(Default)]
struct Listed {
    sheets: Vec<(String, bool, String)>,
    since_1904: bool,
}

impl Visitor for Listed {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        match tag.name {
            "workbookPr" => self.since_1904 = matches!(attribute(tag, "date1904"), Some("1" | "true")),
            "sheet" if self.sheets.len() < SHEETS => {
                let hidden = matches!(attribute(tag, "state"), Some("hidden" | "veryHidden"));
                let word = |name: &str| attribute(tag, name).unwrap_or_default().to_string();
                self.sheets.push((word("name"), hidden, word("id")));
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, _: &str) -> Result<(), Halt> {
        Ok(())
    }

    fn close(&mut self, _: xml::Spot) -> Result<(), Halt> {
        Ok(())
    }
}

/// Looks at start tags alone.
struct Tags<F>(F);

impl<F: FnMut(&Tag<'_>)> Visitor for Tags<F> {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        (self.0)(tag);
        Ok(())
    }

    fn text(&mut self, _: &str) -> Result<(), Halt> {
        Ok(())
    }

    fn close(&mut self, _: xml::Spot) -> Result<(), Halt> {
        Ok(())
    }
}
