//! A sample cut into sheets with what each of them does, before anything is called a field.

use std::collections::BTreeMap;

use super::content::Content;
use super::cut::{self, Sheet};
use super::fields::{self, Known, Level};
use super::levels::{self, Further};
use super::names::Whose;
use super::roles::{self, Role};
use super::tree::{self, Part};
use super::{Refusal, Sample, Syntax, blocks, cells, encoding, sheet};
use crate::model::kind::Kind;

/// A sample cut into sheets, before anything is called a field.
pub struct Taken {
    pub syntax: Syntax,
    pub sure: u8,
    pub why: String,
    pub line_end: &'static str,
    pub sheets: Vec<Sheet>,
    pub roles: Vec<Role>,
    pub parties: Vec<Option<(String, String, Whose)>>,
    /// Rows that leave this place blank go on with the row before.
    pub continued: Option<String>,
    pub messages: Option<usize>,
    pub notes: Vec<String>,
    /// Records are told by the word in the first column.
    pub by_word: bool,
    /// What stands side by side in the rows of the first sheet, but for the first of it.
    pub further: Vec<Further>,
}

impl Taken {
    pub fn known(&self) -> Vec<Known<'_>> {
        let mut all = Vec::new();
        let running = self.running();
        for (at, sheet) in self.sheets.iter().enumerate() {
            let level = match self.roles[at] {
                Role::Both => Level::Both,
                Role::Line | Role::AddsLine => Level::Line,
                Role::OpensFile
                | Role::OpensInterchange
                | Role::ClosesFile
                | Role::ClosesInterchange
                | Role::Ignored => Level::Around,
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

    /// A kind without lines: many records of a file with one head are the messages, and what is neither is not read.
    fn fit_records_to(&mut self, kind: &Kind) {
        let count = |at: usize| self.sheets[at].rows.len();
        let (Some(head), Some(line)) = (
            self.roles.iter().position(|role| *role == Role::Message),
            self.roles.iter().position(|role| *role == Role::Line),
        ) else {
            return;
        };
        let most = (0..self.sheets.len()).filter(|at| *at != head).max_by_key(|at| count(*at)).unwrap_or(line);
        if kind.groups.len() > 1 || self.continued.is_some() || count(head) > 1 || count(most) < 2 {
            return;
        }
        self.roles[head] = Role::OpensFile;
        for at in 0..self.sheets.len() {
            let beside =
                matches!(self.roles[at], Role::Line | Role::AddsMessage | Role::AddsLine | Role::ClosesMessage);
            if at == most {
                self.roles[at] = Role::Message;
            } else if beside {
                self.roles[at] = Role::Ignored;
                self.notes.push(format!(
                    "Records {} hold something else than {}: they are passed over.",
                    self.sheets[at].tag, kind.name
                ));
            }
        }
        self.messages = Some(count(most));
    }

    /// A kind without lines has one value where the file has several: they are its own.
    pub fn fit_to(&mut self, kind: &Kind) {
        let is_xml = matches!(self.syntax, Syntax::Xml { .. });
        if !is_xml {
            self.fit_records_to(kind);
        }
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

pub fn of_xml(text: &str) -> Result<Taken, Refusal> {
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
        by_word: false,
        further: Vec::new(),
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

pub fn of_text(samples: &[Sample<'_>], first: &str) -> Result<Taken, Refusal> {
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
    let messages = roles.iter().position(|role| *role == Role::Message).map(|at| found.sheets[at].rows.len());
    let parties = vec![None; roles.len()];
    let further = match &mut found.sheets[..] {
        [sheet] => levels::aside(sheet),
        _ => Vec::new(),
    };
    Ok(Taken {
        syntax: found.syntax,
        sure: found.sure,
        why: found.why,
        line_end: found.line_end,
        sheets: found.sheets,
        roles,
        parties,
        continued,
        messages,
        notes: Vec::new(),
        by_word: found.by_word,
        further,
    })
}

/// Parts the only sheet of a file whose rows go on with the row before; the place they leave blank.
fn continued(found: &mut cut::Text) -> Option<String> {
    let (Syntax::Delimited { tag: false, ragged: false, .. }, [sheet]) = (&found.syntax, &found.sheets[..]) else {
        return None;
    };
    let key = blocks::key_of_continued(sheet)?;
    let place = sheet.columns[key].place.clone();
    let (keyed, more) = blocks::continued(sheet, key);
    found.sheets = vec![keyed, more];
    Some(place)
}

pub fn of_workbook(bytes: &[u8]) -> Result<Taken, Refusal> {
    let mut list = sheet::read(bytes)?;
    cells::look_into(std::slice::from_mut(&mut list.sheet), true);
    let further = levels::aside(&mut list.sheet);
    let mut notes = Vec::new();
    if !list.others.is_empty() {
        notes.push(format!("One sheet is read; others hold something too: {}.", list.others.join(", ")));
    }
    Ok(Taken {
        syntax: Syntax::Workbook { sheet: list.name, header_row: list.header_row },
        sure: 100,
        why: "it is an Excel workbook".to_string(),
        line_end: "lf",
        messages: None,
        sheets: vec![list.sheet],
        roles: vec![Role::Both],
        parties: vec![None],
        continued: None,
        notes,
        by_word: false,
        further,
    })
}
