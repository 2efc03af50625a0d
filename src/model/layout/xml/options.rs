//! The `[xml]` table of a layout.

use super::vocabulary::Vocabulary;
use crate::model::document::{Section, suggest};
use crate::model::syntax::xml::Tag;

#[derive(Debug, Clone)]
pub struct Options {
    /// The root element.
    pub root: String,
    /// Prefixes of the layout and the namespaces they mean.
    pub namespaces: Vec<(String, String)>,
    /// Elements and attributes of a message that the layout does not know are refused instead of passed over.
    pub unknown_refused: bool,
    /// A file without a single message is no error.
    pub empty_allowed: bool,
    /// An empty element or attribute says nothing: what is known stays.
    pub blank_leaves: bool,
    pub line_end: &'static str,
    /// UTF-8 is written with a byte order mark; UTF-16 always is.
    pub bom: bool,
    /// What the document type says behind the root's name when written.
    pub doctype: Option<String>,
    /// What else the standard knows that the layout is of.
    pub vocabulary: Vocabulary,
}

pub fn read_options(root: &Section<'_>) -> Option<Options> {
    let Some(section) = root.section("xml") else {
        root.problem("xml", "the table [xml] is missing.");
        return None;
    };
    let namespaces = section.section("namespaces").map_or_else(Vec::new, |table| {
        table.keys().into_iter().map(|k| (k.value.clone(), table.text(&k.value).unwrap_or_default())).collect()
    });
    let mut options = Options {
        root: section.required_text("root"),
        namespaces,
        unknown_refused: section.choice("unknown", &[("ignore", false), ("refuse", true)]).unwrap_or(false),
        empty_allowed: section.choice("empty", &[("refuse", false), ("allowed", true)]).unwrap_or(false),
        blank_leaves: section.choice("blank", &[("clears", false), ("leaves", true)]).unwrap_or(false),
        line_end: section.choice("line_end", &[("lf", "\n"), ("crlf", "\r\n")]).unwrap_or("\n"),
        bom: section.boolean("bom").unwrap_or(false),
        doctype: doctype(&section),
        vocabulary: Vocabulary::default(),
    };
    if let Some(prefix) = options.step(&options.root).err() {
        let known: Vec<&str> = options.namespaces.iter().map(|(prefix, _)| prefix.as_str()).collect();
        let text = format!("\"{prefix}:\" is not declared in [xml.namespaces].");
        let span = section.text_spot("root").map(|spot| spot.span).unwrap_or_default();
        section.problem_at(span, "root", text, suggest(prefix, &known));
        return None;
    }
    options.vocabulary = Vocabulary::read(&section, &options);
    Some(options)
}

fn doctype(section: &Section<'_>) -> Option<String> {
    let spot = section.text_spot("doctype")?;
    let (word, names) = spot.value.split_once(' ').unwrap_or_default();
    let pieces = names.split('"').enumerate();
    let quoted = pieces.clone().all(|(n, piece)| n % 2 == 1 || piece.trim().is_empty());
    let marks = pieces.count() - 1;
    if spot.value.contains(['<', '>', '[', ']', '\n', '\r'])
        || !quoted
        || (word, marks) != ("SYSTEM", 2) && (word, marks) != ("PUBLIC", 4)
    {
        let text = "this is not what a document type names; expected SYSTEM \"…\" or PUBLIC \"…\" \"…\", without the root's name.";
        section.problem_at(spot.span, "doctype", text.to_string(), None);
        return None;
    }
    Some(spot.value)
}

impl Options {
    /// The root that a file has and the one that is wanted; with their namespaces where these alone differ.
    pub fn root_told(&self, found: &Tag<'_>) -> (String, String) {
        match self.step(&self.root) {
            Ok((Some(space), name)) if name == found.name => {
                (format!("{name} xmlns=\"{}\"", found.space), format!("{name} xmlns=\"{space}\""))
            }
            _ => (found.name.to_string(), self.root.clone()),
        }
    }

    /// Namespace and local name of a step; `Err` is a prefix that the layout does not declare.
    pub fn step<'s>(&self, step: &'s str) -> Result<(Option<&str>, &'s str), &'s str> {
        let Some((prefix, name)) = step.split_once(':') else { return Ok((None, step)) };
        match self.namespaces.iter().find(|(known, _)| known == prefix) {
            Some((_, uri)) => Ok((Some(uri), name)),
            None => Err(prefix),
        }
    }
}
