//! A layout proposed from samples: how they are cut, which kind they hold, which column is which field, each with how sure that is.
//!
//! Nothing here is ever applied: what comes out is a text that a person corrects (`write`). The parts: `encoding`, `cut` (delimited,
//! tagged), `blocks`, `fixed`, `tree` (XML), `standard` (what ships), `content` (what values are), `names` (what partners call things), `address`, `fields`, `roles`.

mod address;
mod blocks;
mod content;
mod cut;
mod encoding;
mod fields;
mod fixed;
mod form;
mod kinds;
mod names;
mod roles;
mod standard;
mod tree;
mod values;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::content::Content;
use self::cut::{Cut, Sheet};
use self::fields::{Known, Level};
use self::names::Whose;
use self::roles::Role;
use self::tree::Part;
use super::kind::{Kind, Kinds};
use super::layout::form::moment::Pattern;
use super::naming::{self, Sort};

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
pub enum Syntax {
    Delimited {
        delimiter: char,
        header: bool,
        tag: bool,
        trailing: bool,
        ragged: bool,
    },
    Fixed {
        width: usize,
        tag: Option<usize>,
        shorter: bool,
    },
    Tagged {
        delimiter: char,
        prefix: char,
        tag: Option<usize>,
    },
    Xml {
        root: String,
    },
    /// A layout that ships knows it.
    Shipped {
        word: &'static str,
        id: &'static str,
    },
}

impl Syntax {
    pub fn word(&self) -> &'static str {
        match self {
            Syntax::Delimited { .. } => "delimited",
            Syntax::Fixed { .. } => "fixed",
            Syntax::Tagged { .. } => "tagged",
            Syntax::Xml { .. } => "xml",
            Syntax::Shipped { word, .. } => word,
        }
    }
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
    if matches!(named.sort, Sort::Binary | Sort::Interchange | Sort::Html | Sort::Json) {
        let what = named.what.unwrap_or_else(|| "no text of rows".to_string());
        return Err(format!(
            "the sample is {what}: what it means is said by its standard or its program, and cannot be guessed from it"
        ));
    }
    let mut taken = if trimmed.starts_with('<') { of_xml(trimmed)? } else { of_text(samples, &decoded.text)? };
    let (kind, kind_sure) = match kind {
        Some(kind) => (Arc::clone(kind), 100),
        None => kinds::choose(kinds, &taken, first.name),
    };
    taken.fit_to(&kind);
    let records = records(&kind, &taken);
    let mut notes = taken.notes.clone();
    note(&kind, &records, kind_sure, &mut notes);
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

/// A sample cut into sheets, before anything is called a field.
struct Taken {
    syntax: Syntax,
    sure: u8,
    why: String,
    line_end: &'static str,
    sheets: Vec<Sheet>,
    roles: Vec<Role>,
    parties: Vec<Option<(String, String, Whose)>>,
    /// Rows that leave this place blank go on with the row before.
    continued: Option<String>,
    messages: Option<usize>,
    notes: Vec<String>,
}

impl Taken {
    fn known(&self) -> Vec<Known<'_>> {
        let mut all = Vec::new();
        let running = self.running();
        for (at, sheet) in self.sheets.iter().enumerate() {
            let level = match self.roles[at] {
                Role::Both => Level::Both,
                Role::Line | Role::AddsLine => Level::Line,
                Role::OpensFile | Role::OpensInterchange | Role::ClosesFile | Role::ClosesInterchange => Level::Around,
                _ => Level::Head,
            };
            let whose = self.parties[at].as_ref().map_or(Whose::Nobody, |(.., whose)| *whose);
            // The tag itself is no value.
            let tagged = !sheet.tag.is_empty() && !matches!(self.syntax, Syntax::Xml { .. } | Syntax::Tagged { .. });
            all.extend(sheet.columns.iter().enumerate().map(|(number, column)| {
                let mut known = fields::known(column, level, whose, at);
                if tagged && number == 0 {
                    known.content = Content::Empty;
                }
                if tagged && number > 0 && running.contains(&column.place.as_str()) {
                    known.content = Content::Running;
                }
                known
            }));
        }
        all
    }

    /// Places at which every row of the file is numbered.
    fn running(&self) -> Vec<&str> {
        let mut by_place: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
        for sheet in &self.sheets {
            for column in &sheet.columns {
                let values = sheet.rows.iter().copied().zip(column.values.iter().map(String::as_str));
                by_place.entry(column.place.as_str()).or_default().extend(values);
            }
        }
        let rows: usize = self.sheets.iter().map(|sheet| sheet.rows.len()).sum();
        // Records around the messages may have something else there.
        let runs = |values: &mut Vec<(usize, &str)>| {
            values.sort_unstable();
            let numbers: Option<Vec<(usize, usize)>> =
                values.iter().map(|(row, value)| Some((*row, value.parse().ok()?))).collect();
            let next = |two: &[(usize, usize)]| {
                let rows = two[1].0 - two[0].0;
                two[1].1 == two[0].1 + rows || two[1].1 <= rows
            };
            numbers.is_some_and(|numbers| numbers.windows(2).all(next))
        };
        let most = |count: usize| rows > 3 && count > 3 && count * 10 >= rows * 7;
        let all = by_place.into_iter().filter_map(|(place, mut values)| {
            (self.sheets.len() > 1 && most(values.len()) && runs(&mut values)).then_some(place)
        });
        all.collect()
    }

    /// A kind without lines has one value where the file has several: they are its own.
    fn fit_to(&mut self, kind: &Kind) {
        let is_xml = matches!(self.syntax, Syntax::Xml { .. });
        if kind.groups.len() > 1 || !is_xml {
            return;
        }
        let lines: Vec<usize> = (0..self.sheets.len()).filter(|at| self.roles[*at] == Role::Line).collect();
        for at in lines.into_iter().rev() {
            let sheet = self.sheets.remove(at);
            self.roles.remove(at);
            self.parties.remove(at);
            self.notes.push(format!(
                "<{}> comes again within a message, and a {} has only one: choose which.",
                sheet.tag, kind.name
            ));
            for mut column in sheet.columns {
                column.place =
                    if column.place == "." { sheet.tag.clone() } else { format!("{}/{}", sheet.tag, column.place) };
                self.sheets[0].columns.push(column);
            }
        }
    }
}

fn of_xml(text: &str) -> Result<Taken, Refusal> {
    // The text is decoded already; what the declaration says of its bytes is no longer true.
    let body = text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")).map_or(text, |(_, body)| body);
    let document =
        tree::read(body.as_bytes()).map_err(|why| format!("the sample begins like XML and is none: {why}"))?;
    let mut taken = Taken {
        syntax: Syntax::Xml { root: document.root },
        sure: 100,
        why: "it begins with an element".to_string(),
        line_end: if text.contains("\r\n") { "crlf" } else { "lf" },
        sheets: Vec::new(),
        roles: Vec::new(),
        parties: Vec::new(),
        continued: None,
        messages: Some(document.messages),
        notes: Vec::new(),
    };
    if !document.space.is_empty() {
        taken
            .notes
            .push(format!("The elements are of the namespace {}; the paths below take them of any.", document.space));
    }
    for (part, sheet) in document.sheets {
        let (role, party) = match part {
            Part::Message => (Role::Message, None),
            Part::Line => (Role::Line, None),
            Part::Party { place, word, whose } => (Role::AddsMessage, Some((place, word, whose))),
        };
        taken.sheets.push(sheet);
        taken.roles.push(role);
        taken.parties.push(party);
    }
    Ok(taken)
}

fn of_text(samples: &[Sample<'_>], first: &str) -> Result<Taken, Refusal> {
    let mut text = first.to_string();
    let heading = first.lines().next().unwrap_or_default().to_string();
    for sample in &samples[1..] {
        let more = encoding::decode(sample.bytes).text;
        let rest = more.strip_prefix(heading.as_str()).unwrap_or(&more);
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(rest.trim_start_matches(['\r', '\n']));
    }
    let mut found = cut::cut(&text);
    if found.sheets.iter().all(|sheet| sheet.columns.is_empty()) {
        return Err("nothing in the sample looks like rows".to_string());
    }
    let continued = continued(&mut found);
    let mut roles = roles::roles(&found.sheets);
    if continued.is_some() {
        roles = vec![Role::Both, Role::AddsMessage];
    }
    let syntax = match found.cut {
        Cut::Delimited { delimiter, header, tag, trailing, ragged, .. } => {
            Syntax::Delimited { delimiter, header, tag, trailing, ragged }
        }
        Cut::Fixed { width, tag } => {
            let shorter = text.lines().any(|line| !line.is_empty() && line.chars().count() < width);
            Syntax::Fixed { width, tag, shorter }
        }
        Cut::Tagged { delimiter, prefix, tag } => Syntax::Tagged { delimiter, prefix, tag },
    };
    let messages = roles.iter().position(|role| *role == Role::Message).map(|at| found.sheets[at].rows.len());
    let parties = vec![None; roles.len()];
    Ok(Taken {
        syntax,
        sure: found.sure,
        why: found.why,
        line_end: found.line_end,
        sheets: found.sheets,
        roles,
        parties,
        continued,
        messages,
        notes: Vec::new(),
    })
}

/// Parts the only sheet of a file whose rows go on with the row before; the place they leave blank.
fn continued(found: &mut cut::Text) -> Option<String> {
    let (Cut::Delimited { tag: false, ragged: false, .. }, [sheet]) = (&found.cut, &found.sheets[..]) else {
        return None;
    };
    let key = blocks::key_of_continued(sheet)?;
    let place = sheet.columns[key].place.clone();
    let (keyed, more) = blocks::continued(sheet, key);
    found.sheets = vec![keyed, more];
    Some(place)
}

fn records(kind: &Kind, taken: &Taken) -> Vec<Record> {
    let known = taken.known();
    let given = fields::give(kind, &known);
    let mut records = Vec::new();
    let mut at = 0;
    for (number, sheet) in taken.sheets.iter().enumerate() {
        let role = taken.roles[number];
        let mut rows = Vec::new();
        for column in &sheet.columns {
            rows.push(row(kind, taken, number, &known[at], &given[at], column, rows.is_empty()));
            at += 1;
        }
        if taken.continued.is_some() && number > 0 {
            rows.iter_mut().for_each(|row| as_continued(kind, row, &records));
        }
        let party = taken.parties[number].as_ref();
        let name = match party {
            Some((_, word, _)) => word.clone(),
            None if sheet.tag.is_empty() || sheet.tag == "." => format!("{} row", kind.name),
            None => sheet.tag.rsplit('/').next().unwrap_or_default().to_string(),
        };
        let role_text = role_text(kind, role, &rows);
        let group_by = (role == Role::Both && role_text.contains("opens") && !role_text.contains("message"))
            .then(|| key_place(kind, &rows))
            .flatten();
        let mut when = party.map(|(place, word, _)| (place.clone(), word.clone()));
        let mut unless = None;
        if let Some(place) = &taken.continued {
            let blank = Some((place.clone(), String::new()));
            (when, unless) = if number == 0 { (None, blank) } else { (blank, None) };
        }
        let (role_text, group_by) = match &taken.continued {
            Some(_) if number == 0 => ("opens = \"message\"".to_string(), None),
            Some(_) => (goes_on(kind), None),
            None => (role_text, group_by),
        };
        let name = if taken.continued.is_some() && number > 0 { "goes on".to_string() } else { name };
        records.push(Record { name, tag: sheet.tag.clone(), role: role_text, when, unless, group_by, rows });
    }
    say_status(kind, &mut records);
    records
}

/// What goes on with a row has the same columns, and speaks of the next node of the first group below the message.
fn as_continued(kind: &Kind, row: &mut Row, before: &[Record]) {
    let Some(same) = before.iter().flat_map(|record| &record.rows).find(|other| other.place == row.place) else {
        return;
    };
    let group = kind.groups.iter().skip(1).find(|group| group.parent == 0).map_or("", |group| group.name.as_str());
    let below = format!("{group}.{}", same.ours);
    let is_below = same.ours.starts_with(&format!("{group}."));
    (row.ours, row.form, row.why) = match () {
        () if is_below => (same.ours.clone(), same.form.clone(), same.why.clone()),
        () if kind.path(&below).is_some() => (below, same.form.replace("required", ""), same.why.clone()),
        () => ("-".to_string(), String::new(), "rows that go on say it of nothing".to_string()),
    };
    row.form = row.form.trim().to_string();
    row.sure = if row.ours == "-" { 0 } else { same.sure };
}

/// Who tells of despatches alone tells of what was shipped.
fn say_status(kind: &Kind, records: &mut [Record]) {
    let has = |begin: &str| records.iter().flat_map(|record| &record.rows).any(|row| row.ours.starts_with(begin));
    if kind.name != "order_status" || has("status") || !(has("despatch") || has("trackings.")) {
        return;
    }
    if let Some(record) = records.first_mut() {
        record.rows.push(Row {
            place: String::new(),
            label: String::new(),
            ours: "status".to_string(),
            form: "default=shipped".to_string(),
            sure: 50,
            why: "it tells of despatches and of nothing else".to_string(),
            values: Vec::new(),
        });
    }
}

fn row(
    kind: &Kind,
    taken: &Taken,
    sheet: usize,
    known: &Known<'_>,
    given: &fields::Given,
    column: &cut::Column,
    first: bool,
) -> Row {
    let is_xml = matches!(taken.syntax, Syntax::Xml { .. });
    let tag = &taken.sheets[sheet].tag;
    let (mut ours, mut form, mut sure, mut why) =
        (given.ours.clone(), String::new(), given.sure, given.why.to_string());
    let says_tag = !is_xml && !matches!(taken.syntax, Syntax::Tagged { .. });
    if first && !tag.is_empty() && says_tag {
        (ours, sure, why) = (format!("constant({tag})"), 95, "the record type".to_string());
    } else if known.content == Content::Running {
        let within = if taken.roles.contains(&Role::OpensInterchange) { "interchange" } else { "file" };
        (ours, form, sure, why) =
            (format!("number() of {within}"), "integer pad=0".to_string(), 85, "it counts the rows".to_string());
    } else if content::are_cards(&column.values) {
        (ours, form, sure, why) =
            ("-".to_string(), "personal".to_string(), 90, "numbers of cards: they are not read".to_string());
    } else if ours.is_empty() {
        let silent = known.content == Content::Empty;
        ours = if silent { "-".to_string() } else { extra(kind, taken, sheet, column) };
        why = if silent { "always empty" } else { "no field of ours fits: kept as the partner's own" }.to_string();
        sure = 0;
    } else if let Some(field) = fields::field_at(kind, &ours) {
        form = form::form(field, &known.content, &column.values, is_xml);
    }
    // What is secret is no example either.
    let values = if form == "personal" { Vec::new() } else { column.values.clone() };
    Row { place: column.place.clone(), label: column.label.clone(), ours, form, sure, why, values }
}

/// A name for what is kept.
fn extra(kind: &Kind, taken: &Taken, sheet: usize, column: &cut::Column) -> String {
    let tag = taken.sheets[sheet].tag.rsplit('/').next().unwrap_or_default();
    let party = taken.parties[sheet].as_ref().map_or("", |(_, word, _)| word.as_str());
    let name =
        if column.label.is_empty() { format!("{tag} {}", column.place) } else { format!("{party} {}", column.label) };
    let outer =
        column.around.last().filter(|_| matches!(taken.syntax, Syntax::Xml { .. }) && column.place.contains('/'));
    let name = names::fold(&format!("{} {name}", outer.map_or("", String::as_str))).replace(' ', "_");
    let name = if name.is_empty() { "value".to_string() } else { name };
    let line = taken.roles[sheet] == Role::Both && kind.name == "order";
    if line { format!("lines.extra.{name}") } else { format!("extra.{name}") }
}

/// What a row is that goes on with the one before: a node of the kind's first group.
fn goes_on(kind: &Kind) -> String {
    let group = kind.groups.iter().skip(1).find(|group| group.parent == 0);
    group.map_or_else(|| "adds = \"message\"".to_string(), |group| format!("opens = \"{}\"", group.name))
}

fn role_text(kind: &Kind, role: Role, rows: &[Row]) -> String {
    let uses =
        |group: &str| rows.iter().any(|row| row.ours.strip_prefix(group).is_some_and(|rest| rest.starts_with('.')));
    let below = kind.groups.get(1).map(|group| group.name.as_str());
    match (role, below) {
        (Role::Both, Some(group)) if uses(group) => format!("opens = \"{group}\""),
        (Role::Both, _) if uses("trackings") || uses("despatch_lines") => "opens = \"despatches\"".to_string(),
        (Role::Both | Role::Message, _) => "opens = \"message\"".to_string(),
        (Role::Line, Some(_)) if uses("despatch_lines") => "opens = \"despatch_lines\"".to_string(),
        (Role::Line, Some(_)) if kind.name == "order_status" => "opens = \"despatches\"".to_string(),
        (Role::Line, Some(group)) => format!("opens = \"{group}\""),
        (Role::AddsLine, Some(group)) => format!("adds = \"{group}\""),
        (Role::OpensInterchange, _) => "opens = \"interchange\"".to_string(),
        (Role::ClosesInterchange, _) => "closes = \"interchange\"".to_string(),
        (Role::OpensFile, _) => "opens = \"file\"".to_string(),
        (Role::ClosesMessage, _) => "closes = \"message\"".to_string(),
        (Role::ClosesFile, _) => "closes = \"file\"".to_string(),
        _ => "adds = \"message\"".to_string(),
    }
}

/// The column whose values tie rows to one message.
fn key_place(kind: &Kind, rows: &[Row]) -> Option<String> {
    let is_key = |row: &&Row| {
        kind.head().key.iter().any(|key| kind.head().fields[*key].name == row.ours && kind.head().fields[*key].required)
    };
    rows.iter().find(is_key).or_else(|| rows.first()).map(|row| row.place.clone())
}

/// The other order of day and month, where it reads every value as well.
fn ambiguous(row: &Row) -> Option<String> {
    let (day, month) = (row.form.find("%d")?, row.form.find("%m")?);
    let year = row.form.find("%Y").or_else(|| row.form.find("%y"))?;
    if year < day || year < month || row.form.contains('|') {
        return None;
    }
    let swapped = row.form.replace("%d", "\u{1}").replace("%m", "%d").replace('\u{1}', "%m");
    let source = swapped.split_whitespace().find(|word| word.contains('%'))?.trim_matches('\'').to_string();
    let pattern = Pattern::parse(&source).ok()?;
    let mut some = row.values.iter().filter(|value| !value.is_empty()).peekable();
    some.peek()?;
    some.all(|value| pattern.read(value).and_then(|parts| parts.date()).is_some()).then_some(source)
}

/// What a person must look at first.
fn note(kind: &Kind, records: &[Record], kind_sure: u8, notes: &mut Vec<String>) {
    if kind_sure < 60 {
        notes.push(format!(
            "That these are messages of the kind {} is not sure; say --kind where it is another.",
            kind.name
        ));
    }
    let has = |path: &str| records.iter().flat_map(|record| &record.rows).any(|row| row.ours == path);
    for field in kind.head().fields.iter().filter(|field| field.required && !field.ours && !has(&field.name)) {
        notes.push(format!(
            "No column was found for {} ({}), which every {} needs.",
            field.name, field.about, kind.name
        ));
    }
    for row in records.iter().flat_map(|record| &record.rows) {
        if let Some(other) = ambiguous(row) {
            notes.push(format!(
                "\"{}\": whether {} is day or month first cannot be seen in the sample; {} is written, {other} reads it too.",
                if row.label.is_empty() { &row.place } else { &row.label },
                row.values.iter().find(|value| !value.is_empty()).map_or("", String::as_str),
                row.form
            ));
        }
    }
    let weak = records.iter().flat_map(|record| &record.rows).filter(|row| row.sure > 0 && row.sure < 65).count();
    if weak > 0 {
        notes.push(format!("{weak} rows are below 65 %: look at them first."));
    }
}
