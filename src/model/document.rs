//! A TOML document read key by key: kinds, layouts and the configuration are all read through it.
//!
//! It owns the words for "this document is wrong": every problem is collected with file, line, column and, where a
//! name was probably mistyped, a suggestion. A key that nobody asked for is unknown, so a reader lists its keys once, by asking.
//! It does not know what any key means.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One thing wrong in a document, for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentProblem {
    pub file: String,
    /// 1-based; 0 when the document as a whole is meant.
    pub line: usize,
    pub column: usize,
    /// The key with its path, like `intake.orders.settle`; empty for a syntax error.
    pub key: String,
    pub text: String,
    pub suggestion: Option<String>,
}

impl fmt::Display for DocumentProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ", line {}, column {}", self.line, self.column)?;
        }
        if !self.key.is_empty() {
            write!(f, ", \"{}\"", self.key)?;
        }
        write!(f, ": {}", self.text)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, " {suggestion}")?;
        }
        Ok(())
    }
}

/// A key that some reader asked for: its table, its name, and the words it may be where there are only some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// With its path, like `record[1]`; empty for the root.
    pub table: String,
    pub key: String,
    pub words: Vec<String>,
}

/// Problems of one document that are told one by one; a document with more is told about the rest in one line.
const TOLD: usize = 500;
/// A name is looked for among the known ones only up to this length: longer is no slip of the pen.
const NAME_BYTES: usize = 200;

/// A parsed document and the problems found in it so far.
pub struct Document<'a> {
    file: String,
    text: &'a str,
    root: DeTable<'a>,
    problems: RefCell<Vec<DocumentProblem>>,
    asked: RefCell<Vec<Asked>>,
    /// Problems beyond those that are told.
    more: Cell<usize>,
}

impl<'a> Document<'a> {
    /// Parses; syntax errors become problems and whatever could be read stays readable.
    pub fn parse(file: &str, text: &'a str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let document = Document {
            file: file.to_string(),
            text,
            root: root.into_inner(),
            problems: RefCell::default(),
            asked: RefCell::default(),
            more: Cell::default(),
        };
        for error in errors.into_iter().take(TOLD) {
            let at = error.span().map_or(text.len(), |span| span.start);
            document.report(Some(at..at), "", not_toml(text, at), None);
        }
        document
    }

    pub fn root(&self) -> Section<'_> {
        Section { document: self, table: &self.root, span: 0..0, path: String::new(), asked: RefCell::default() }
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    /// What its readers have asked for so far: all that such a document may say.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// All problems in the order of their place. What a line that is no TOML seems to say is no second problem.
    pub fn into_problems(self) -> Vec<DocumentProblem> {
        let mut problems = self.problems.into_inner();
        let broken: Vec<usize> = problems.iter().filter(|p| p.key.is_empty()).map(|p| p.line).collect();
        problems.retain(|p| p.key.is_empty() || !broken.contains(&p.line));
        problems.sort_by_key(|p| (p.line, p.column));
        // Behind a quote or bracket that is missing in a list all else looks wrong, and what stands there looks missing.
        let unread = |p: &&DocumentProblem| p.key.is_empty() && p.text.starts_with(NOT_TOML) && !p.text.contains(AGAIN);
        let mut lost = problems.iter().filter(unread);
        if let Some(first) = lost.next().cloned()
            && lost.any(|other| other.line != first.line)
        {
            return vec![first];
        }
        // A table that is read for two ends is wrong once.
        problems.dedup();
        if self.more.get() > 0 {
            let text = format!("{} further problems are not told one by one; correct these first.", self.more.get());
            let (file, key) = (self.file, String::new());
            problems.push(DocumentProblem { file, line: 0, column: 0, key, text, suggestion: None });
        }
        problems
    }

    pub fn report(&self, span: Option<Range<usize>>, key: &str, text: String, suggestion: Option<String>) {
        if self.problems.borrow().len() == TOLD {
            return self.more.set(self.more.get() + 1);
        }
        let (line, column) = span.map_or((0, 0), |span| self.place(span.start));
        self.problems.borrow_mut().push(DocumentProblem {
            file: self.file.clone(),
            line,
            column,
            key: key.to_string(),
            text,
            suggestion,
        });
    }

    fn place(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..byte.min(self.text.len())];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

const NOT_TOML: &str = "this is not valid TOML";
const AGAIN: &str = "stands here again";

/// Words for what cannot be read from this byte on.
fn not_toml(text: &str, at: usize) -> String {
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let line_start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    let found = text[at..line_end].trim_end();
    let name: String = found.chars().take_while(|c| c.is_alphanumeric() || "_-.".contains(*c)).collect();
    let heads = |line: &str| {
        let line = line.trim_start().trim_start_matches('[');
        line.strip_prefix(name.as_str()).is_some_and(|rest| rest.trim_start().starts_with(['=', ']', '.']))
    };
    let is_name =
        text[line_start..at].trim_start_matches([' ', '\t', '[']).rsplit('.').next().is_some_and(str::is_empty)
            || text[line_start..at].trim().is_empty();
    if is_name && !name.is_empty() && heads(found) && text[..line_start].lines().any(|line| line.contains(&name)) {
        return format!(
            "{NOT_TOML}: \"{name}\" {AGAIN}; expected each name once. Take one of them out, or give it another name."
        );
    }
    // What should have been a secret's place may be the secret.
    let names_secret = super::secret::is_secret_name(&text[line_start..at]);
    let what = match found {
        _ if names_secret && !found.is_empty() => "what stands here cannot be read".to_string(),
        "" if line_end == text.len() => "the file ends here".to_string(),
        "" => "the line ends here".to_string(),
        found => format!("\"{}\" cannot stand here", super::diagnostic::shown(found)),
    };
    format!(
        "{NOT_TOML}: {what}; expected [table], key = value or # comment on a line, a text in quotes, a list in brackets. Look for a quote or bracket that is missing, here or on the line before."
    )
}

/// A value with its place, for problems found later than at reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot<T> {
    pub value: T,
    pub span: Range<usize>,
}

/// One table of the document. Dropping it reports the keys nobody asked for.
pub struct Section<'d> {
    document: &'d Document<'d>,
    table: &'d DeTable<'d>,
    span: Range<usize>,
    path: String,
    asked: RefCell<BTreeSet<String>>,
}

impl<'d> Section<'d> {
    fn get(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.asked.borrow_mut().insert(key.to_string());
        self.table.get(key)
    }

    /// The key with its path; the empty key is the table itself.
    pub fn path_of(&self, key: &str) -> String {
        if key.is_empty() {
            return self.path.clone();
        }
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }

    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// These keys cannot be judged, since what decides about them is wrong itself.
    pub fn pass_over(&self, keys: &[&str]) {
        self.asked.borrow_mut().extend(keys.iter().map(|key| key.to_string()));
    }

    /// Every key of this table, for tables whose keys are names (lookups, fields by name).
    pub fn keys(&self) -> Vec<Spot<String>> {
        let mut keys: Vec<_> =
            self.table.iter().map(|(k, _)| Spot { value: k.get_ref().to_string(), span: k.span() }).collect();
        keys.sort_by_key(|k| k.span.start);
        keys
    }

    /// Reports a problem at a key (or at the table when the key is absent).
    pub fn problem(&self, key: &str, text: impl Into<String>) {
        self.problem_with(key, text, None);
    }

    pub fn problem_with(&self, key: &str, text: impl Into<String>, suggestion: Option<String>) {
        let span = self.table.get(key).map_or(self.span.clone(), |v| v.span());
        self.document.report(Some(span), &self.path_of(key), text.into(), suggestion);
    }

    pub fn problem_at(&self, span: Range<usize>, key: &str, text: impl Into<String>, suggestion: Option<String>) {
        self.document.report(Some(span), &self.path_of(key), text.into(), suggestion);
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        self.problem_at(value.span(), key, format!("found {}, expected {expected}.", value.get_ref().type_str()), None);
    }

    pub fn text(&self, key: &str) -> Option<String> {
        self.text_spot(key).map(|s| s.value)
    }

    pub fn text_spot(&self, key: &str) -> Option<Spot<String>> {
        let value = self.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(Spot { value: text.to_string(), span: value.span() }),
            None => {
                self.wrong_type(key, value, "text in quotes");
                None
            }
        }
    }

    /// A text that must be there; when it is not, the problem is reported and the empty text returned.
    pub fn required_text(&self, key: &str) -> String {
        if !self.has(key) {
            self.asked.borrow_mut().insert(key.to_string());
            self.problem(key, "is missing.");
        }
        self.text(key).unwrap_or_default()
    }

    pub fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        found
    }

    pub fn integer(&self, key: &str) -> Option<i64> {
        let value = self.get(key)?;
        let parsed = value.get_ref().as_integer().and_then(|i| i64::from_str_radix(i.as_str(), i.radix()).ok());
        if parsed.is_none() {
            self.wrong_type(key, value, "a whole number");
        }
        parsed
    }

    /// A whole number, or a text: `3` and `"8-20"` both name a place.
    pub fn text_or_integer(&self, key: &str) -> Option<String> {
        match self.get(key)?.get_ref() {
            DeValue::Integer(_) => self.integer(key).map(|n| n.to_string()),
            _ => self.text(key),
        }
    }

    /// A list of texts; a single text counts as a list of one.
    pub fn texts(&self, key: &str) -> Option<Vec<Spot<String>>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(vec![Spot { value: text.to_string(), span: value.span() }]),
            DeValue::Array(items) => Some(
                items
                    .iter()
                    .filter_map(|item| match scalar(item.get_ref()) {
                        Some(text) => Some(Spot { value: text, span: item.span() }),
                        None => {
                            self.wrong_type(key, item, "text in quotes");
                            None
                        }
                    })
                    .collect(),
            ),
            _ => {
                self.wrong_type(key, value, "a list of texts");
                None
            }
        }
    }

    /// A list of lists of scalars: `[["8-20", "buyer_order_no", "text"], …]`, one row a line of a partner's field table.
    pub fn rows(&self, key: &str) -> Option<Vec<Spot<Vec<Spot<String>>>>> {
        let value = self.get(key)?;
        let Some(rows) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of rows in brackets");
            return None;
        };
        let mut result = Vec::new();
        for row in rows.iter() {
            let Some(cells) = row.get_ref().as_array() else {
                self.wrong_type(key, row, "a row in brackets");
                continue;
            };
            let mut texts = Vec::new();
            for cell in cells.iter() {
                match scalar(cell.get_ref()) {
                    Some(text) => texts.push(Spot { value: text, span: cell.span() }),
                    None => self.wrong_type(key, cell, "text in quotes or a number"),
                }
            }
            result.push(Spot { value: texts, span: row.span() });
        }
        Some(result)
    }

    pub fn section(&self, key: &str) -> Option<Section<'d>> {
        let value = self.get(key)?;
        let found = self.as_section(value, self.path_of(key));
        if found.is_none() {
            self.wrong_type(key, value, "a table");
        }
        found
    }

    /// `[[key]]` tables, in order.
    pub fn sections(&self, key: &str) -> Vec<Section<'d>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, &format!("tables headed [[{key}]]"));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match self.as_section(item, format!("{}[{}]", self.path_of(key), index + 1)) {
                Some(section) => sections.push(section),
                None => self.wrong_type(key, item, "a table"),
            }
        }
        sections
    }

    /// `[key.NAME]` tables by name, in the order of the file.
    pub fn named_sections(&self, key: &str) -> Vec<(Spot<String>, Section<'d>)> {
        let Some(outer) = self.section(key) else { return Vec::new() };
        outer.keys().into_iter().filter_map(|name| outer.section(&name.value).map(|s| (name, s))).collect()
    }

    /// `{ word = "meaning", … }`: a table of texts, numbers or booleans whose keys are names, in the order of the file.
    pub fn pairs(&self, key: &str) -> Option<Vec<(Spot<String>, Spot<String>)>> {
        let inner = self.section(key)?;
        let mut pairs = Vec::new();
        for name in inner.keys() {
            let Some(value) = inner.get(&name.value) else { continue };
            match scalar(value.get_ref()) {
                Some(text) => pairs.push((name, Spot { value: text, span: value.span() })),
                None => inner.wrong_type(&name.value, value, "text in quotes or a number"),
            }
        }
        Some(pairs)
    }

    /// For keys that take a table or something shorter.
    pub fn is_integer(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| matches!(value.get_ref(), DeValue::Integer(_)))
    }

    pub fn is_table(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|value| value.get_ref().as_table().is_some())
    }

    fn as_section(&self, value: &'d Spanned<DeValue<'d>>, path: String) -> Option<Section<'d>> {
        let table = value.get_ref().as_table()?;
        Some(Section { document: self.document, table, span: value.span(), path, asked: RefCell::default() })
    }

    /// One of the given words.
    pub fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let known = words.iter().map(|(word, _)| word.to_string()).collect();
        self.document.asked.borrow_mut().push(Asked { table: self.path.clone(), key: key.to_string(), words: known });
        let spot = self.text_spot(key)?;
        let found = words.iter().find(|(word, _)| *word == spot.value).map(|(_, v)| *v);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(w, _)| *w).collect();
            self.problem_at(
                spot.span,
                key,
                format!("\"{}\" is not known here; expected one of: {}.", spot.value, known.join(", ")),
                suggest(&spot.value, &known),
            );
        }
        found
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let asked = self.asked.borrow();
        let plain = |key: &String| Asked { table: self.path.clone(), key: key.clone(), words: Vec::new() };
        self.document.asked.borrow_mut().extend(asked.iter().map(plain));
        for (key, _) in self.table.iter() {
            let name = key.get_ref().as_ref();
            if !asked.contains(name) {
                let known: Vec<&str> = asked.iter().map(String::as_str).take(TOLD).collect();
                self.document.report(
                    Some(key.span()),
                    &self.path_of(name),
                    "this key is not known here.".to_string(),
                    suggest(name, &known),
                );
            }
        }
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok().map(|n| n.to_string()),
        DeValue::Boolean(b) => Some(b.to_string()),
        _ => None,
    }
}

/// "Did you mean …", when one of the known words is near enough to be what was meant.
pub fn suggest(found: &str, known: &[&str]) -> Option<String> {
    if found.len() > NAME_BYTES {
        return None;
    }
    known
        .iter()
        .filter(|word| word.len() <= NAME_BYTES)
        .map(|word| (strsim::jaro_winkler(found, word), *word))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| format!("Did you mean \"{word}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_reported_with_place_and_suggestion() {
        let text = "name = \"x\"\nsettel = \"rename\"\n[inner]\ncount = \"many\"\n";
        let document = Document::parse("t.toml", text);
        {
            let root = document.root();
            assert_eq!(root.required_text("name"), "x");
            root.text("settle");
            let inner = root.section("inner").unwrap();
            assert_eq!(inner.integer("count"), None);
        }
        let problems = document.into_problems();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!((problems[0].line, problems[0].key.as_str()), (2, "settel"));
        assert_eq!(problems[0].suggestion.as_deref(), Some("Did you mean \"settle\"?"));
        assert_eq!((problems[1].line, problems[1].column, problems[1].key.as_str()), (4, 9, "inner.count"));
    }

    #[test]
    fn a_broken_document_keeps_what_can_be_read() {
        let document = Document::parse("t.toml", "a = \nb = \"ok\"\n");
        assert_eq!(document.root().text("b").as_deref(), Some("ok"));
        assert!(document.into_problems().iter().any(|p| p.line == 1));
    }

    #[test]
    fn of_a_missing_quote_only_its_line_is_told() {
        let text = "a = 1\nrows = [\n  [\"x\", y\", \"z],\n  [\"u\", \"v w\"],\n]\n\n[[b]]\nname = \"c\"\n[[b]]\nname = \"d\"\n";
        let document = Document::parse("t.toml", text);
        document.root().required_text("needed");
        let problems = document.into_problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].line, 3);
    }
}
