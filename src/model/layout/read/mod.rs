//! TOML to layout: the head of the document, lookups, records. All problems are reported, with line, key and suggestion.
//!
//! `record` reads one record and its field rows; what a syntax needs beyond that is read beside its plan
//! (`rows::options`, `xml`).

mod record;
mod sense;

use std::sync::Arc;

use super::lookup::{Lookup, Words};
use super::plan::{Checked, Ours, Record, Role};
use super::{Layout, Syntax, edifact, limits, rows, workbook, xml};
use crate::model::document::{Asked, Document, DocumentProblem, Section, suggest};
use crate::model::kind::{Kind, Kinds};
use crate::model::syntax::encoding::Encoding;

/// Reads and compiles a layout document; `file` is what problems call it.
pub fn read_layout(file: &str, text: &str, kinds: &Kinds) -> Result<Layout, Vec<DocumentProblem>> {
    read_layout_with(file, text, kinds, &[])
}

/// The same for one partner, who brings words of his own for its tables.
pub fn read_layout_with(
    file: &str,
    text: &str,
    kinds: &Kinds,
    words: &[Words],
) -> Result<Layout, Vec<DocumentProblem>> {
    limits::check(file, text)?;
    let document = Document::parse(file, text);
    let layout = read_root(&document.root(), kinds, words);
    let problems = document.into_problems();
    match layout {
        Some(layout) if problems.is_empty() => Ok(layout),
        _ => Err(problems),
    }
}

/// Every key that a layout like this one may say, with its table: what its readers ask for.
pub fn keys_of_layouts(text: &str, kinds: &Kinds) -> Vec<Asked> {
    let document = Document::parse("", text);
    read_root(&document.root(), kinds, &[]);
    document.asked()
}

/// Instead of a character to be written.
const TRANSLITERATE: &str = "transliterate";

#[derive(Clone, Copy)]
enum SyntaxWord {
    Delimited,
    Fixed,
    Tagged,
    Xml,
    Edifact,
    Workbook,
}

const SYNTAXES: [(&str, SyntaxWord); 6] = [
    ("delimited", SyntaxWord::Delimited),
    ("fixed", SyntaxWord::Fixed),
    ("tagged", SyntaxWord::Tagged),
    ("xml", SyntaxWord::Xml),
    ("edifact", SyntaxWord::Edifact),
    ("xlsx", SyntaxWord::Workbook),
];

enum Options {
    Rows(rows::options::Options),
    Xml(xml::Options),
    Edifact(Box<edifact::Options>),
    Workbook(Box<(workbook::Options, rows::options::Options)>),
}

fn read_root(root: &Section<'_>, kinds: &Kinds, words: &[Words]) -> Option<Layout> {
    let id = root.required_text("layout");
    let title = root.required_text("title");
    let version = root.text_or_integer("version").unwrap_or_default();
    let source = root.text("source").unwrap_or_default();
    let encoding = read_encoding(root);
    let guessed = root.text("guessed").is_some();
    let (replacement, transliterates) = read_replacement(root);
    let lookups: Vec<Arc<Lookup>> = root
        .named_sections("lookup")
        .into_iter()
        .map(|(name, section)| Arc::new(Lookup::read(&name.value, &section, words)))
        .collect();
    root.required_text("syntax");
    let word = root.choice("syntax", &SYNTAXES);
    let kind = read_kind_name(root, kinds);
    if word.is_none() {
        root.pass_over(&SYNTAXES.map(|(name, _)| name));
    }
    if word.is_none() || kind.is_none() {
        root.pass_over(&["record", "file_name"]);
    }
    let options = read_options(root, word?);
    let kind = kind?;
    let sections = root.sections("record");
    let reader = record::RecordReader { kind: &kind, lookups: &lookups, only: sections.len() == 1 };
    let mut records: Vec<Record> = sections.iter().map(|section| reader.read(section)).collect();
    let naming = root.section("file_name").map(|section| reader.naming(&section));
    check_records(root, &records, &kind);
    limits::places(root, &records)?;
    record::resolve_counts(&sections, &mut records);
    check_keys(root, &records, options.as_ref());
    let syntax = compile(root, options?, &kind, &records);
    sense::check(root, &kind, &syntax, &records);
    let tables = lookups.iter().map(|lookup| lookup.name.clone()).collect();
    Some(Layout {
        id,
        title,
        version,
        source,
        kind,
        encoding,
        replacement,
        transliterates,
        naming,
        records,
        syntax,
        tables,
        guessed,
    })
}

fn read_options(root: &Section<'_>, word: SyntaxWord) -> Option<Options> {
    match word {
        SyntaxWord::Delimited => rows::options::read_delimited(root).map(Options::Rows),
        SyntaxWord::Fixed => rows::options::read_fixed(root).map(Options::Rows),
        SyntaxWord::Tagged => rows::options::read_tagged(root).map(Options::Rows),
        SyntaxWord::Xml => xml::read_options(root).map(Options::Xml),
        SyntaxWord::Edifact => edifact::read_options(root).map(Box::new).map(Options::Edifact),
        SyntaxWord::Workbook => workbook::options::read(root).map(Box::new).map(Options::Workbook),
    }
}

fn compile(root: &Section<'_>, options: Options, kind: &Kind, records: &[Record]) -> Syntax {
    match options {
        Options::Rows(options) => Syntax::Rows(Box::new(rows::Rows::compile(root, options, kind, records))),
        Options::Xml(options) => Syntax::Xml(Box::new(xml::Xml::compile(root, options, kind, records))),
        Options::Edifact(options) => Syntax::Edifact(Box::new(edifact::Edifact::compile(root, *options, records))),
        Options::Workbook(both) => {
            let (options, row_options) = *both;
            workbook::options::check(root, records);
            let rows = rows::Rows::compile(root, row_options, kind, records);
            Syntax::Workbook(Box::new(workbook::Workbook { rows, options }))
        }
    }
}

/// What stands for a character that the encoding lacks, and whether its letters are tried first.
fn read_replacement(root: &Section<'_>) -> (Option<char>, bool) {
    let all = root.texts("replace_unmappable").unwrap_or_default();
    let (letters, others): (Vec<_>, Vec<_>) = all.iter().partition(|text| text.value == TRANSLITERATE);
    (others.iter().find_map(|text| text.value.chars().next()), !letters.is_empty())
}

fn read_encoding(root: &Section<'_>) -> Encoding {
    let Some(spot) = root.text_spot("encoding") else { return Encoding::Utf8 };
    Encoding::named(&spot.value).unwrap_or_else(|| {
        root.problem_at(
            spot.span,
            "encoding",
            format!("\"{}\" is not an encoding known here.", spot.value),
            suggest(&spot.value, Encoding::names()),
        );
        Encoding::Utf8
    })
}

fn read_kind_name(root: &Section<'_>, kinds: &Kinds) -> Option<Arc<Kind>> {
    root.required_text("kind");
    let spot = root.text_spot("kind")?;
    let found = kinds.get(&spot.value).cloned();
    if found.is_none() {
        let names = kinds.names();
        root.problem_at(
            spot.span,
            "kind",
            format!("there is no kind \"{}\"; expected one of: {}.", spot.value, names.join(", ")),
            suggest(&spot.value, &names),
        );
    }
    found
}

/// Keys that tie records together, and what a syntax knows of them.
fn check_keys(root: &Section<'_>, records: &[Record], options: Option<&Options>) {
    match options {
        Some(Options::Xml(_)) => check_row_keys(root, records, true),
        Some(Options::Edifact(_)) => check_row_keys(root, records, false),
        _ => check_groups(root, records),
    }
    let is_rows_or_edifact = matches!(options, Some(Options::Rows(_) | Options::Edifact(_)));
    for record in records.iter().filter(|record| is_rows_or_edifact && record.per.is_some()) {
        let text = "is for XML; rows are written for each node of the group that their record opens. Take it out.";
        root.problem_at(record.span.clone(), "record.per", text, None);
    }
}

/// What only rows can do: elsewhere a layout that says it would be read without it.
fn check_row_keys(root: &Section<'_>, records: &[Record], is_xml: bool) {
    for record in records {
        let said = [
            ("record.node_by", !record.node_by.is_empty()),
            ("record.parent_by", !record.parent_by.is_empty()),
            ("record.each", record.each.is_some() && !is_xml),
            ("record.again", record.again),
        ];
        for (key, _) in said.into_iter().filter(|(_, is_said)| *is_said) {
            let text = "this syntax does not know it; layouts of rows (delimited, fixed, tagged, xlsx) do.".to_string();
            root.problem_at(record.span.clone(), key, text, None);
        }
    }
}

/// Of rows each says where it belongs.
fn check_groups(root: &Section<'_>, records: &[Record]) {
    let grouped = records.iter().any(|r| !r.group_by.is_empty());
    if grouped && records.iter().any(|r| r.role.in_message() && r.group_by.is_empty()) {
        root.problem("record", "where one record has group_by, all records of a message need it.");
    }
}

/// What must hold for all records together.
fn check_records(root: &Section<'_>, records: &[Record], kind: &Kind) {
    if !records.iter().any(|r| matches!(r.role, Role::Opens(_))) {
        root.problem("record", "no [[record]] opens a message.");
    }
    let grouped = records.iter().any(|r| !r.group_by.is_empty());
    let opens_message = records.iter().any(|r| r.role == Role::Opens(0));
    if !opens_message && !grouped && !records.is_empty() {
        root.problem("record", "no [[record]] opens = \"message\", and none has group_by.");
    }
    for record in records {
        for field in &record.fields {
            if let Ours::Control(control) = &field.ours
                && let Checked::Sum { group, field: index } = control.what
                && !kind.groups[group].fields[index].field_type.is_number()
            {
                root.problem_at(field.span.clone(), "record.fields", "only numbers can be summed up.", None);
            }
        }
    }
}
