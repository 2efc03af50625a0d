//! Layouts: how one kind looks in one file format, read from TOML, compiled once to a plan, used in both directions.

pub mod assembly;
pub mod choice;
pub mod content;
pub mod control;
mod cover;
pub mod doc;
pub mod edifact;
mod expression;
mod extend;
mod foreign;
pub mod form;
pub mod limits;
pub mod lookup;
pub mod naming;
pub mod nearest;
pub mod own;
pub mod packed;
pub mod paper;
pub mod parting;
pub mod plan;
mod read;
mod repacked;
pub mod rows;
pub mod seam;
pub mod standards;
pub mod together;
pub mod told;
pub mod workbook;
pub mod xml;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::Arc;

use self::cover::Copier;
use self::form::Direction;
use self::plan::{Checked, Ours, Place, Record, Role};
use super::kind::Kind;
use super::rules::delta::Op;
use super::syntax::encoding::Encoding;

pub use extend::{Extendable, OWN_KEYS, read_extended};
pub use read::{keys_of_layouts, read_layout, read_layout_with};
pub use seam::*;

/// A compiled layout.
#[derive(Debug)]
pub struct Layout {
    pub id: String,
    pub title: String,
    /// The partner's version of the format, as he says it.
    pub version: String,
    /// Where its specification stands.
    pub source: String,
    pub kind: Arc<Kind>,
    pub encoding: Encoding,
    /// What is written for a character that the encoding does not have; without it such a value is an error.
    pub replacement: Option<char>,
    /// Letters that stand for it are written before that.
    pub transliterates: bool,
    /// What the name of a file must be and says.
    pub naming: Option<naming::Naming>,
    pub records: Vec<Record>,
    pub syntax: Syntax,
    /// Names of its tables of words; a partner may bring further rows for them.
    pub tables: Vec<String>,
    /// Proposed by `layout guess`, and not yet looked at by a person.
    pub guessed: bool,
}

/// How expressions call a field of the partner's own.
fn extra_path(group: &str, name: &str) -> String {
    if group.is_empty() { format!("extra.{name}") } else { format!("{group}.extra.{name}") }
}

/// What the file is cut into.
#[derive(Debug)]
pub enum Syntax {
    Rows(Box<rows::Rows>),
    Xml(Box<xml::Xml>),
    Edifact(Box<edifact::Edifact>),
    Workbook(Box<workbook::Workbook>),
}

impl Layout {
    /// Some record of it has a place for this field of the kind: `file_name`, `documents.file_name`.
    pub fn has_place_for(&self, path: &str) -> bool {
        let place = self.kind.path(path);
        let says = |ours: &plan::Ours| matches!(ours, plan::Ours::Field { group, field, .. } if place == Some((*group, *field)));
        self.records.iter().flat_map(|record| &record.fields).any(|field| says(&field.ours))
    }

    /// Reads a file: good messages in batches, refused ones each, problems of the file at the end. All in bounded memory.
    pub fn decode(
        &self,
        input: &mut dyn Input,
        context: &DecodeContext<'_>,
        sink: &mut dyn Sink,
    ) -> io::Result<Decoded> {
        if let Some(refused) = foreign::before(self, input)? {
            return Ok(refused);
        }
        let decoded = match &self.syntax {
            Syntax::Rows(rows) => rows.decode(self, input, context, sink),
            Syntax::Xml(xml) => xml::decode(self, xml, input, context, sink),
            Syntax::Edifact(edifact) => edifact::decode(self, edifact, input, context, sink),
            Syntax::Workbook(workbook) => workbook::decode(self, workbook, input, context, sink),
        }?;
        foreign::after(self, input, decoded)
    }

    /// The same for a file that may be an archive of such files.
    pub fn decode_packed(
        &self,
        input: &mut dyn Input,
        context: &DecodeContext<'_>,
        sink: &mut dyn Sink,
    ) -> io::Result<Decoded> {
        match packed::packing(input)? {
            Some(packing) => packed::decode((self, packing), input, context, sink),
            None => self.decode(input, context, sink),
        }
    }

    /// Writes messages; `finish` completes the file.
    pub fn encoder<'w>(
        &'w self,
        context: EncodeContext,
        out: &'w mut dyn Write,
    ) -> Result<Box<dyn Encoder + 'w>, EncodeError> {
        if !self.writes() {
            let text = match self.unwritten() {
                missing if missing.is_empty() => {
                    "what it reads more than once, or joins, can only be read.".to_string()
                }
                missing => format!("{} is needed and has no place that is written.", missing.join(", ")),
            };
            return Err(EncodeError::NotWritable { layout: self.id.clone(), text });
        }
        match &self.syntax {
            Syntax::Rows(rows) => rows.encoder(self, context, out),
            Syntax::Xml(xml) => Ok(Box::new(xml::XmlWriter::new(self, xml, context, out))),
            Syntax::Edifact(edifact) => Ok(Box::new(edifact::EdifactWriter::new(self, edifact, context, out))),
            Syntax::Workbook(_) => {
                let text = "workbooks are only read.".to_string();
                Err(EncodeError::NotWritable { layout: self.id.clone(), text })
            }
        }
    }

    /// Is the end there? Judged from the last bytes (at most 64 KiB), `whole` when they are the whole file.
    pub fn completeness(&self, tail: &[u8], whole: bool) -> Completeness {
        match &self.syntax {
            Syntax::Rows(rows) => rows.completeness(self, tail, whole),
            Syntax::Xml(xml) => xml::completeness(xml, tail),
            Syntax::Edifact(edifact) => edifact::completeness(edifact, tail, whole),
            Syntax::Workbook(_) => workbook::completeness(tail),
        }
    }

    /// Its files cannot be read from their beginning alone.
    pub fn reads_workbooks(&self) -> bool {
        matches!(self.syntax, Syntax::Workbook(_))
    }

    /// Could a file that begins with these bytes (at most 64 KiB) be of this layout?
    pub fn recognises(&self, head: &[u8]) -> bool {
        match &self.syntax {
            Syntax::Rows(rows) if rows.is_by_file() => {
                let mut tagged = Vec::new();
                let (mut bytes, mut raw) = (io::Cursor::new(head), head);
                rows.tag_rows(self, 1, (&mut bytes, &mut raw), &mut tagged).is_ok() && rows.recognises(self, &tagged)
            }
            Syntax::Rows(rows) => rows.recognises(self, head),
            Syntax::Xml(xml) => xml::recognises(self, xml, head),
            Syntax::Edifact(edifact) => edifact::recognises(edifact, head),
            Syntax::Workbook(_) => workbook::recognises(head),
        }
    }

    /// A correctable file of some messages alone, cut from the sender's own bytes: `messages` are their ranges, sorted.
    /// Headers and envelopes stay, running numbers and totals are made right.
    pub fn rebuild_reject(
        &self,
        original: &mut dyn Input,
        messages: &[Range<u64>],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if let Some(packing) = packed::packing(original)? {
            return packed::rebuild((self, packing), original, messages, out);
        }
        match &self.syntax {
            Syntax::Rows(rows) => rows.rebuild(self, original, messages, out),
            Syntax::Xml(xml) => xml::rebuild(self, xml, original, messages, out),
            Syntax::Edifact(_) => edifact::rebuild(original, messages, out),
            Syntax::Workbook(workbook) => workbook::rebuild(self, workbook, original, messages, out),
        }
    }

    /// A copy in which the personal fields are overwritten, as long as the original and else the same byte for byte.
    /// The original is read twice side by side: once to find the fields, once to copy.
    pub fn redact(
        &self,
        original: &mut dyn Read,
        again: &mut dyn Read,
        out: &mut dyn Write,
    ) -> Result<Redacted, RedactError> {
        let mut copier = Copier::new(again, out);
        match &self.syntax {
            Syntax::Rows(rows) => rows.redact(self, original, &mut copier),
            Syntax::Xml(xml) => xml::redact(self, xml, original, &mut copier),
            Syntax::Edifact(edifact) => edifact::redact(self, edifact, original, &mut copier),
            // It is written anew: `redact_packed`.
            Syntax::Workbook(_) => Err(RedactError::NotRead("the cells of a workbook are packed.".to_string())),
        }
    }

    /// So many files make one of its messages together: the rows of each are records of their own.
    pub fn files(&self) -> Option<usize> {
        let Syntax::Rows(rows) = &self.syntax else { return None };
        let tags = self.records.iter().flat_map(|record| &record.tags);
        rows.is_by_file().then(|| tags.filter_map(|tag| tag.parse().ok()).max().unwrap_or(0))
    }

    /// Some place of it holds personal data.
    pub fn has_personal(&self) -> bool {
        self.records.iter().flat_map(|r| &r.fields).any(|f| f.personal)
    }

    /// The partner's own fields that have no value are empty in expressions.
    fn name_extras(&self, values: &mut expression::Values) {
        for field in self.records.iter().flat_map(|r| &r.fields) {
            if let Ours::Extra { group, name } = &field.ours {
                values.add(&extra_path(&self.kind.groups[*group].name, name), "");
            }
        }
    }

    /// Reads a field of the partner's own with the head of a message of this kind.
    pub fn brings_extra(&self, kind: &str, name: &str) -> bool {
        let fields = self.records.iter().flat_map(|r| &r.fields).chain(self.naming.iter().flat_map(|n| &n.fields));
        self.kind.name == kind
            && fields
                .filter(|field| field.form.direction != Direction::WriteOnly)
                .any(|field| matches!(&field.ours, Ours::Extra { group: 0, name: known } if **known == *name))
    }

    /// A message without a node of this group is not written at all.
    pub fn needs_group(&self) -> Option<usize> {
        let per = self.records.iter().find_map(|record| record.per);
        let has_head = self.records.iter().any(|record| record.role == Role::Opens(0));
        let of_rows = || match self.records.iter().find(|record| matches!(record.role, Role::Opens(_)))?.role {
            Role::Opens(group) => Some(group),
            _ => None,
        };
        let optional = self.records.iter().filter(|record| matches!(record.role, Role::Opens(_))).all(|r| !r.required);
        let is_rows = matches!(self.syntax, Syntax::Rows(_));
        per.or_else(|| if is_rows && !has_head && optional { of_rows() } else { None })
    }

    /// A place as problems tell it: where the layout's word for it is none that its reader knows, in words.
    pub fn spoken<'f>(&self, field: &'f str) -> Cow<'f, str> {
        match &self.syntax {
            Syntax::Edifact(_) => Cow::Owned(edifact::spoken(field)),
            _ => Cow::Borrowed(field),
        }
    }

    /// What the partner calls a field of ours; empty where the layout does not have it.
    pub fn column_of(&self, group: usize, field: usize) -> &str {
        let fields = self.records.iter().flat_map(|r| &r.fields);
        let mut found = fields
            .filter(|f| matches!(f.ours, Ours::Field { group: g, field: x, .. } if (g, x) == (group, field)))
            .filter(|f| !matches!(f.place, Place::Nowhere));
        found.next().map_or("", |f| f.label.as_str())
    }

    /// Whether files of this layout, or their names, can say this field of ours.
    pub fn takes(&self, group: usize, field: usize) -> bool {
        self.read_fields().contains(&(group, field))
    }

    fn read_fields(&self) -> BTreeSet<(usize, usize)> {
        let named = self.naming.iter().flat_map(|naming| &naming.fields);
        let fields = self.records.iter().flat_map(|r| &r.fields).chain(named);
        fields
            .filter(|f| f.form.direction != Direction::WriteOnly)
            .filter_map(|f| match f.ours {
                Ours::Field { group, field, .. } => Some((group, field)),
                _ => None,
            })
            .collect()
    }

    /// Can it read: every required field of the message itself has a place that is not only written.
    pub fn reads(&self) -> bool {
        let read = self.read_fields();
        self.required().filter(|(group, _)| *group == 0).all(|at| read.contains(&at))
    }

    /// Can it write: every required field of the kind has a place that is not only read.
    pub fn writes(&self) -> bool {
        // What stands side by side in one row of the partner's are several messages or nodes of ours.
        !matches!(self.syntax, Syntax::Workbook(_))
            && self.files().is_none()
            && !self.records.is_empty()
            && !self.records.iter().any(|r| r.again || r.each.is_some())
            && !matches!(&self.syntax, Syntax::Xml(xml) if xml.joins())
            && self.unwritten().is_empty()
    }

    /// Fields that a message needs and that are written nowhere.
    fn unwritten(&self) -> Vec<String> {
        let lost = self.lost();
        let head = self.kind.head();
        // What is only ever written need not say all that a message needs, but whose it is.
        let is_wanted = |at: &(usize, usize)| self.reads() || at.0 == 0 && head.key.contains(&at.1);
        let missing = self.required().filter(is_wanted).filter(|at| lost.contains(at) && !self.is_made(*at));
        missing.map(|(group, field)| self.kind.path_of(group, field)).collect()
    }

    /// Written, but not read back from one place: computed, in a place of its own, or a word that needs not be said.
    fn is_made(&self, (group, field): (usize, usize)) -> bool {
        let of = &self.kind.groups[group];
        let name = &of.fields[field].name;
        let path = if of.name.is_empty() { name.clone() } else { format!("{}.{name}", of.name) };
        let mut fields = self.records.iter().flat_map(|r| &r.fields);
        fields.any(|f| match &f.ours {
            Ours::Computed(expression) => expression.names(&path) && matches!(f.place, Place::One(_)),
            Ours::Field { group: g, field: x, .. } if (*g, *x) == (group, field) => match f.place {
                Place::One(_) => f.form.direction == Direction::WriteOnly,
                Place::Nowhere => f.form.default.is_some() && f.form.direction != Direction::ReadOnly,
                _ => false,
            },
            _ => false,
        })
    }

    /// A row that is gone can be told: it has a place for what has become of a message, and a word for a deletion.
    pub fn tells_deletes(&self) -> bool {
        // Of a deleted message only the head is there.
        let has_head = self.records.iter().any(|r| r.role == Role::Opens(0));
        let heads = self.records.iter().filter(|r| match r.role {
            Role::Opens(group) => group == 0 || !has_head,
            _ => false,
        });
        heads.flat_map(|r| &r.fields).any(|field| {
            let is_change = matches!(&field.ours, Ours::Control(control) if control.what == Checked::Change);
            let lookup = field.form.lookup.as_ref().filter(|_| !field.form.keep_unlisted);
            is_change
                && matches!(field.place, Place::One(_))
                && field.form.direction != Direction::ReadOnly
                && lookup.is_none_or(|words| Op::Delete.word().is_some_and(|word| words.theirs(word).is_some()))
        })
    }

    /// Fields without which there is no message of the kind. A group that the layout does not have at all takes nothing
    /// from the others.
    fn required(&self) -> impl Iterator<Item = (usize, usize)> {
        let has = |group: usize| {
            let mut fields = self.records.iter().flat_map(|r| &r.fields);
            fields.any(|f| matches!(f.ours, Ours::Field { group: g, .. } if g == group))
        };
        let groups = self.kind.groups.iter().enumerate();
        groups.filter(move |(at, group)| *at == 0 || group.required || has(*at)).flat_map(|(at, group)| {
            group.fields.iter().enumerate().filter(|(_, f)| f.required).map(move |(field, _)| (at, field))
        })
    }

    /// Fields of the kind that do not survive being written and read back.
    pub fn lost_fields(&self) -> Vec<String> {
        self.lost().into_iter().map(|(group, field)| self.kind.path_of(group, field)).collect()
    }

    fn lost(&self) -> BTreeSet<(usize, usize)> {
        let all =
            self.kind.groups.iter().enumerate().flat_map(|(g, group)| {
                group.fields.iter().enumerate().filter(|(_, f)| !f.ours).map(move |(f, _)| (g, f))
            });
        let mut lost: BTreeSet<_> = all.collect();
        for field in self.records.iter().flat_map(|r| &r.fields) {
            if let (Ours::Field { group, field: index, .. }, Place::One(_), Direction::Both) =
                (&field.ours, &field.place, field.form.direction)
            {
                lost.remove(&(*group, *index));
            }
        }
        lost
    }
}
