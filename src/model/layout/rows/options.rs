//! The `[delimited]` and `[fixed]` tables of a layout: how rows are cut when read and laid out when written.

use crate::model::document::Section;
use crate::model::layout::limits::{COLUMNS, WIDTH};

/// What both syntaxes say.
#[derive(Debug, Clone)]
pub struct Options {
    pub cutting: Cutting,
    /// A file without a single message is an error, unless the partner means something by it.
    pub empty_allowed: bool,
    /// Rows with a tag that no record has: ignored instead of refused.
    pub unknown_records_ignored: bool,
    /// Line end when writing.
    pub line_end: &'static str,
    /// A byte order mark is written.
    pub bom: bool,
    /// The last row must end with a line end: a file without is incomplete.
    pub final_line_end: bool,
}

#[derive(Debug, Clone)]
pub enum Cutting {
    Delimited(Delimited),
    Fixed(Fixed),
    Tagged(Tagged),
}

#[derive(Debug, Clone)]
pub struct Delimited {
    pub delimiter: u8,
    pub quote: Option<u8>,
    pub columns: Columns,
    pub header: Header,
    /// Headings are compared without regard to case.
    pub any_case: bool,
    pub unknown_columns: UnknownColumns,
    /// Column (from 1) that tells the record type.
    pub tag: Option<usize>,
    /// The file that a row stands in tells it: in what is read, its number stands in the first column.
    pub by_file: bool,
    /// Characters (from 0) that tell it, where some records are of fixed width.
    pub tag_columns: Option<std::ops::Range<usize>>,
    /// What rows of no meaning begin with.
    pub comment: Option<String>,
    /// Other lines may stand above the heading.
    pub titles: bool,
    /// A line that must come first, like `nattpost;order;1`.
    pub first_line: Vec<String>,
    /// Before the record type in a row that names its columns.
    pub column_mark: String,
    /// Written: the mark has a column of its own, before the tag.
    pub mark_apart: bool,
    /// A quoted value may hold line breaks.
    pub line_breaks: bool,
    /// Rows with fewer columns are filled up instead of refused.
    pub fewer_allowed: bool,
    /// Further columns are ignored instead of refused.
    pub more_allowed: bool,
    /// Further columns may be there if they are blank.
    pub more_blank: bool,
    /// Blanks may stand between a delimiter and a quote.
    pub padded_quotes: bool,
    pub quoting: Quoting,
    /// Rows are written with a delimiter after the last value.
    pub trailing: bool,
    /// Written out from a sheet.
    pub sheet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// By the names in the header line.
    Names,
    /// By their number, from 1.
    Positions,
    /// By names that a row of its own gives for each record type.
    Rows,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    Required,
    Optional,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownColumns {
    Refuse,
    Ignore,
    /// As extras under their heading.
    Keep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    Needed,
    All,
    None,
}

#[derive(Debug, Clone)]
pub struct Fixed {
    /// Characters of a record without its line end.
    pub width: usize,
    /// Where the record type stands, from 0.
    pub tag: Option<std::ops::Range<usize>>,
    /// Missing characters at the end are blanks.
    pub shorter_allowed: bool,
    /// Further characters are ignored.
    pub longer_allowed: bool,
    /// Each record stands on a line of its own; else the next begins behind its last character.
    pub has_line_ends: bool,
}

/// Marker lines, and tagged lines behind them.
#[derive(Debug, Clone)]
pub struct Tagged {
    pub prefix: String,
    pub separator: String,
    /// Characters (from 0) of the marker line that tell the record type; without them all of it does.
    pub tag: std::ops::Range<usize>,
    /// Tags that no record has are passed over instead of refused.
    pub others_ignored: bool,
    /// A tag without a value is not written.
    pub empty_left_out: bool,
}

pub fn read_tagged(root: &Section<'_>) -> Option<Options> {
    let Some(section) = root.section("tagged") else {
        root.problem("tagged", "the table [tagged] is missing.");
        return None;
    };
    let tag = section.text_spot("tag").and_then(|spot| {
        let found = columns(&spot.value);
        if found.is_none() {
            section.problem_at(spot.span, "tag", "expected characters of the marker line, like \"1-2\".", None);
        }
        found
    });
    let (prefix, separator) = (section.required_text("prefix"), section.required_text("separator"));
    if prefix.is_empty() || separator.is_empty() {
        section.problem("prefix", "a tagged line needs a prefix and a separator, like \"#\" and \";\".");
    }
    let tagged = Tagged {
        prefix,
        separator,
        tag: tag.unwrap_or(0..usize::MAX),
        others_ignored: section.choice("unknown_tags", &[("refuse", false), ("ignore", true)]).unwrap_or(false),
        empty_left_out: section.choice("empty_tags", &[("written", false), ("left out", true)]).unwrap_or(false),
    };
    Some(common(&section, Cutting::Tagged(tagged)))
}

/// `marker 3-` → the characters of a marker line from the third.
pub fn marker_columns(place: &str) -> Option<std::ops::Range<usize>> {
    let word = place.strip_prefix("marker")?.trim();
    match word.strip_suffix('-') {
        Some(from) => Some(from.trim().parse::<usize>().ok()?.checked_sub(1)?..usize::MAX),
        None if word.is_empty() => Some(0..usize::MAX),
        None => columns(word),
    }
}

pub fn read_delimited(root: &Section<'_>) -> Option<Options> {
    let Some(section) = root.section("delimited") else {
        root.problem("delimited", "the table [delimited] is missing.");
        return None;
    };
    let columns = section
        .choice("columns", &[("names", Columns::Names), ("positions", Columns::Positions), ("rows", Columns::Rows)]);
    let columns = columns.unwrap_or(Columns::Names);
    let natural_header = if columns == Columns::Names { Header::Required } else { Header::None };
    let headers = [("required", Header::Required), ("optional", Header::Optional), ("none", Header::None)];
    let header = section.choice("header", &headers).unwrap_or(natural_header);
    if columns == Columns::Names && header != Header::Required {
        section.problem("header", "columns that are found by name need their header line.");
    }
    let RecordType { tag, tag_columns, by_file } = record_type(&section, columns);
    let (columns, header) = if by_file { (by_file_columns(columns), Header::None) } else { (columns, header) };
    let more = section.choice("more", &[("refuse", "refuse"), ("blank", "blank"), ("ignore", "ignore")]);
    let delimited = Delimited {
        delimiter: one_byte(&section, "delimiter").unwrap_or(b';'),
        quote: match section.has("quote") && section.text("quote").as_deref() == Some("") {
            true => None,
            false => Some(one_byte(&section, "quote").unwrap_or(b'"')),
        },
        columns,
        header,
        any_case: section.boolean("any_case").unwrap_or(false),
        unknown_columns: section
            .choice(
                "unknown_columns",
                &[
                    ("refuse", UnknownColumns::Refuse),
                    ("ignore", UnknownColumns::Ignore),
                    ("keep", UnknownColumns::Keep),
                ],
            )
            .unwrap_or(UnknownColumns::Refuse),
        tag,
        by_file,
        tag_columns,
        comment: section.text("comment"),
        titles: section.boolean("titles").unwrap_or(false),
        first_line: section.texts("first_line").unwrap_or_default().into_iter().map(|t| t.value).collect(),
        column_mark: section.text("column_mark").unwrap_or_else(|| "!".to_string()),
        mark_apart: section.choice("column_tag", &[("joined", false), ("next", true)]).unwrap_or(false),
        line_breaks: section.boolean("line_breaks").unwrap_or(true),
        fewer_allowed: section.choice("fewer", &[("refuse", false), ("empty", true)]).unwrap_or(false),
        more_allowed: more == Some("ignore"),
        more_blank: more == Some("blank"),
        padded_quotes: section.boolean("padded_quotes").unwrap_or(false),
        quoting: section
            .choice("quoting", &[("needed", Quoting::Needed), ("all", Quoting::All), ("none", Quoting::None)])
            .unwrap_or(Quoting::Needed),
        trailing: section.boolean("trailing").unwrap_or(false),
        sheet: false,
    };
    if delimited.quote == Some(delimited.delimiter) {
        section
            .problem("quote", "is the delimiter too; expected another character, or quote = \"\" where there is none.");
    }
    check_lines_between(&section, &delimited);
    Some(common(&section, Cutting::Delimited(delimited)))
}

/// Lines that are no rows must be told from rows.
fn check_lines_between(section: &Section<'_>, delimited: &Delimited) {
    if let Some(comment) = &delimited.comment {
        let first = comment.as_bytes().first().copied();
        if first.is_none() || first == Some(delimited.delimiter) || first == delimited.quote {
            let text = "rows of content begin like this too; expected a mark that no row of content begins with.";
            section.problem("comment", text);
        }
    }
    if delimited.titles && (delimited.columns != Columns::Names || !delimited.first_line.is_empty()) {
        section.problem("titles", "the heading is found by its names; expected columns = \"names\" and no first_line.");
    }
}

/// Where the type of a row's record stands.
struct RecordType {
    tag: Option<usize>,
    tag_columns: Option<std::ops::Range<usize>>,
    by_file: bool,
}

fn record_type(section: &Section<'_>, columns: Columns) -> RecordType {
    let word = section.text_or_integer("tag");
    if word.as_deref() == Some("file") {
        if columns == Columns::Rows {
            let text = "with tag = \"file\" each file has one heading; expected \"names\" or \"positions\".";
            section.problem("columns", text);
        }
        if section.has("first_line") {
            section.problem("first_line", "cannot be told of several files; take it out.");
        }
        return RecordType { tag: Some(1), tag_columns: None, by_file: true };
    }
    let tag = word.as_deref().and_then(|t| t.parse::<usize>().ok()).filter(|t| (1..=COLUMNS).contains(t));
    let tag_columns = word.as_deref().filter(|_| tag.is_none()).and_then(self::columns);
    if word.is_some() && tag.is_none() && tag_columns.is_none() {
        section.problem(
            "tag",
            format!("expected the number of a column, from 1 to {COLUMNS}, characters like \"1-2\", or \"file\"."),
        );
    }
    if columns == Columns::Rows && tag.is_none() {
        section.problem("tag", "columns = \"rows\" needs the number of the column that tells the record type.");
    }
    RecordType { tag, tag_columns, by_file: false }
}

/// Behind the number of their file, headings are rows that name columns.
fn by_file_columns(columns: Columns) -> Columns {
    if columns == Columns::Names { Columns::Rows } else { columns }
}

pub fn read_fixed(root: &Section<'_>) -> Option<Options> {
    let Some(section) = root.section("fixed") else {
        root.problem("fixed", "the table [fixed] is missing.");
        return None;
    };
    let found = section.integer("width");
    let width = found.and_then(|w| usize::try_from(w).ok()).filter(|w| (1..=WIDTH).contains(w));
    if width.is_none() {
        let found = found.map_or(String::new(), |found| format!("found {found}, "));
        section.problem("width", format!("{found}expected the number of characters of a record, from 1 to {WIDTH}."));
    }
    let tag = section.text_spot("tag").and_then(|spot| {
        let found = columns(&spot.value);
        if found.is_none() {
            section.problem_at(spot.span, "tag", "expected columns like \"1-2\".", None);
        }
        found
    });
    let has_line_ends = section.text("line_end").as_deref() != Some("none");
    if !has_line_ends && section.has("longer") {
        section.problem("longer", "without line ends nobody can tell where a longer record ends; take it out.");
    }
    let fixed = Fixed {
        has_line_ends,
        width: width.unwrap_or(1),
        tag,
        shorter_allowed: section.choice("shorter", &[("refuse", false), ("blanks", true)]).unwrap_or(true),
        longer_allowed: section.choice("longer", &[("refuse", false), ("ignore", true)]).unwrap_or(false),
    };
    Some(common(&section, Cutting::Fixed(fixed)))
}

fn common(section: &Section<'_>, cutting: Cutting) -> Options {
    let all = [("lf", "\n"), ("crlf", "\r\n"), ("none", "")];
    let line_ends = if matches!(cutting, Cutting::Fixed(_)) { &all[..] } else { &all[..2] };
    Options {
        cutting,
        empty_allowed: section.choice("empty", &[("refuse", false), ("allowed", true)]).unwrap_or(false),
        unknown_records_ignored: section
            .choice("unknown_records", &[("refuse", false), ("ignore", true)])
            .unwrap_or(false),
        line_end: section.choice("line_end", line_ends).unwrap_or("\n"),
        bom: section.boolean("bom").unwrap_or(false),
        final_line_end: section.choice("final_line_end", &[("optional", false), ("required", true)]).unwrap_or(false),
    }
}

/// `"8-20"` → 7..20, `"57"` → 56..57.
pub fn columns(text: &str) -> Option<std::ops::Range<usize>> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (from.trim().parse::<usize>().ok()?, to.trim().parse::<usize>().ok()?);
    (from >= 1 && from <= to && to <= WIDTH).then(|| from - 1..to)
}

fn one_byte(section: &Section<'_>, key: &str) -> Option<u8> {
    let spot = section.text_spot(key)?;
    let word = match spot.value.as_str() {
        "tab" => "\t",
        other => other,
    };
    match word.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Some(*byte),
        _ => {
            section.problem_at(spot.span, key, "expected one ASCII character, or \"tab\".", None);
            None
        }
    }
}
