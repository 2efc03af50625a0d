//! Messages to segments: the segments of a record in the order of the layout, envelopes and counts around them.
//!
//! A segment is written where one of its fields has a value. Messages whose UNB would say something else stand in an
//! interchange of their own.

use std::collections::HashMap;
use std::io::Write;

use crate::model::batch::{Message, NodeRef, Value};
use crate::model::diagnostic::shown;
use crate::model::layout::control::Totals;
use crate::model::layout::form::NotWritable;
use crate::model::layout::plan::{Field, Ours, Role, Scope};
use crate::model::layout::{EncodeContext, EncodeError, Encoder, Layout};
use crate::model::rules::delta::Op;
use crate::model::syntax::edifact::Tag;
use crate::model::syntax::edifact::charset::Written;
use crate::model::syntax::edifact::separators::Separators;

use super::Edifact;
use super::draft::{Cell, Draft, Key, drafts};
use super::moment;
use super::place::{Element, Piece};

/// Elements of a segment that is being made, each with its components.
#[derive(Debug, Default)]
struct Made(Vec<Vec<String>>);

impl Made {
    fn get(&self, element: usize, component: usize) -> &str {
        self.0.get(element - 1).and_then(|parts| parts.get(component - 1)).map_or("", String::as_str)
    }

    fn set(&mut self, element: usize, component: usize, text: &str) {
        if self.0.len() < element {
            self.0.resize_with(element, Vec::new);
        }
        let parts = &mut self.0[element - 1];
        if parts.len() < component {
            parts.resize(component, String::new());
        }
        parts[component - 1] = text.to_string();
    }

    /// The first element from the second on that holds nothing.
    fn free(&self) -> usize {
        (2..).find(|element| self.0.get(element - 1).is_none_or(Vec::is_empty)).unwrap_or(2)
    }

    /// As it is written, without the terminator.
    fn text(&self, tag: Tag, separators: Separators) -> String {
        let mut text = String::from_utf8_lossy(&tag.0).to_string();
        let filled = |parts: &Vec<String>| parts.iter().any(|part| !part.is_empty());
        for parts in &self.0[..self.0.iter().rposition(filled).map_or(0, |at| at + 1)] {
            text.push(separators.element as char);
            let given = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |at| at + 1);
            for (at, part) in parts[..given].iter().enumerate() {
                if at > 0 {
                    text.push(separators.component as char);
                }
                escape(part, separators, &mut text);
            }
        }
        text
    }
}

fn escape(part: &str, separators: Separators, out: &mut String) {
    let Separators { component, element, release, terminator, .. } = separators;
    for c in part.chars() {
        let is_mark = [Some(component), Some(element), release, Some(terminator)].contains(&u8::try_from(c).ok());
        if let (true, Some(release)) = (is_mark, release) {
            out.push(release as char);
        }
        // A line break would be taken for wrapping.
        out.push(if matches!(c, '\n' | '\r') { ' ' } else { c });
    }
}

/// Writes messages and what stands around them.
pub struct EdifactWriter<'w> {
    layout: &'w Layout,
    edifact: &'w Edifact,
    context: EncodeContext,
    out: &'w mut dyn Write,
    written: Written,
    /// Characters that it lacks and that something else was written for.
    unmapped: u64,
    separators: Separators,
    /// By record.
    drafts: Vec<Vec<Draft>>,
    totals: Totals,
    children: HashMap<(u32, usize), Vec<u32>>,
    /// UNB of the open interchange without its terminator, and its number.
    interchange: Option<(String, String)>,
    begun: bool,
    messages: u64,
    /// Of the open message.
    segments: u64,
    number: u64,
    op: Op,
}

impl<'w> EdifactWriter<'w> {
    pub fn new(layout: &'w Layout, edifact: &'w Edifact, context: EncodeContext, out: &'w mut dyn Write) -> Self {
        let name = edifact.options.syntax_id.split(':').next().unwrap_or_default();
        let written = Written::of(name, edifact.options.charset.as_ref());
        EdifactWriter {
            layout,
            edifact,
            context,
            out,
            // Another name is refused with the layout.
            written: written.unwrap_or_else(Written::utf8),
            unmapped: 0,
            separators: Separators::default(),
            drafts: layout.records.iter().map(drafts).collect(),
            totals: Totals::new(&layout.kind, &layout.records),
            children: HashMap::new(),
            interchange: None,
            begun: false,
            messages: 0,
            segments: 0,
            number: 0,
            op: Op::Same,
        }
    }

    fn put(&mut self, text: &str, of: &str) -> Result<(), EncodeError> {
        let mut bytes = Vec::with_capacity(text.len() + 3);
        for c in text.chars() {
            if self.written.put(c, &mut bytes) {
                continue;
            }
            self.unmapped += 1;
            if !self.put_instead(c, &mut bytes) {
                let (field, name) = (text.chars().take(3).collect(), self.written.name());
                let lacking = self.written.lacking(text);
                let text = format!("\"{}\" holds {lacking}, which {name} does not have.", shown(text));
                return Err(EncodeError::Value { message: of.to_string(), field, text });
            }
        }
        bytes.push(self.separators.terminator);
        bytes.extend_from_slice(self.edifact.options.line_end.as_bytes());
        self.out.write_all(&bytes)?;
        self.segments += 1;
        Ok(())
    }

    /// What the layout has for a character that cannot be written; what means something in a segment is released.
    fn put_instead(&self, c: char, bytes: &mut Vec<u8>) -> bool {
        let letters = self.written.instead(c).filter(|_| self.layout.transliterates);
        let other = letters.or_else(|| self.layout.replacement.map(String::from)).unwrap_or_default();
        let Separators { component, element, release, terminator, .. } = self.separators;
        let special = [Some(component), Some(element), release, Some(terminator)];
        for c in other.chars() {
            let is_special = special.contains(&u8::try_from(c).ok());
            bytes.extend(release.filter(|_| is_special));
            if !self.written.put(c, bytes) {
                return false;
            }
        }
        !other.is_empty()
    }

    fn message(&mut self, message: Message<'_>) -> Result<(), EncodeError> {
        self.children.values_mut().for_each(Vec::clear);
        for node in message.nodes().filter(|node| node.index() > 0) {
            self.children.entry((node.parent(), node.group())).or_default().push(node.index());
        }
        self.open_interchange(message)?;
        self.totals.open(Scope::Message);
        message.nodes().for_each(|node| self.totals.add_node(node));
        self.messages += 1;
        self.number += 1;
        self.segments = 0;
        let head = self.record_of(Role::Opens(0));
        let made = head.map(|head| self.own(head, message, message.head())).transpose()?.unwrap_or_default();
        let reference = Some(made.get(1, 1)).filter(|given| !given.is_empty());
        let reference = reference.map_or_else(|| self.number.to_string(), str::to_string);
        let mut opening = made;
        opening.set(1, 1, &reference);
        for (at, part) in self.edifact.options.written.iter().enumerate() {
            opening.set(2, at + 1, part);
        }
        let of = key(message);
        self.put(&opening.text(Tag(*b"UNH"), self.separators), &of)?;
        if let Some(head) = head {
            self.totals.record(head);
            self.behind(head, message, message.head())?;
        }
        self.below(message, message.head())?;
        let mut closing = Made::default();
        closing.set(1, 1, &(self.segments + 1).to_string());
        closing.set(2, 1, &reference);
        self.put(&closing.text(Tag(*b"UNT"), self.separators), &of)
    }

    fn record_of(&self, role: Role) -> Option<usize> {
        self.layout.records.iter().position(|record| record.role == role)
    }

    /// Opens the interchange that this message's UNB says, where another or none is open.
    fn open_interchange(&mut self, message: Message<'_>) -> Result<(), EncodeError> {
        let Some(record) = self.record_of(Role::OpensInterchange) else { return Ok(()) };
        let mut made = self.own(record, message, message.head())?;
        for (at, part) in self.edifact.options.syntax_id.split(':').enumerate() {
            made.set(1, at + 1, part);
        }
        let text = made.text(Tag(*b"UNB"), self.separators);
        if self.interchange.as_ref().is_some_and(|(open, _)| *open == text) {
            return Ok(());
        }
        self.close_interchange()?;
        if !std::mem::replace(&mut self.begun, true) {
            let Separators { component, element, decimal, terminator, .. } = self.separators;
            self.out.write_all(&[b'U', b'N', b'A', component, element, decimal, b'?', b' ', terminator])?;
            self.out.write_all(self.edifact.options.line_end.as_bytes())?;
        }
        let reference = made.get(5, 1).to_string();
        self.put(&text, "UNB")?;
        self.interchange = Some((text, reference));
        self.messages = 0;
        self.number = 0;
        Ok(())
    }

    fn close_interchange(&mut self) -> Result<(), EncodeError> {
        let Some((_, reference)) = self.interchange.take() else { return Ok(()) };
        let mut closing = Made::default();
        closing.set(1, 1, &self.messages.to_string());
        closing.set(2, 1, &reference);
        self.put(&closing.text(Tag(*b"UNZ"), self.separators), "UNZ")
    }

    /// The records below a node and those that add to it, in the order of the layout.
    fn below(&mut self, message: Message<'_>, node: NodeRef<'_>) -> Result<(), EncodeError> {
        let layout = self.layout;
        let mut done: Vec<usize> = Vec::new();
        for (index, record) in layout.records.iter().enumerate() {
            match record.role {
                Role::Adds(group)
                    if group == node.group() && (record.required || self.says_something(index, message, node)?) =>
                {
                    self.record(index, message, node)?;
                }
                Role::Opens(group)
                    if group > 0 && layout.kind.groups[group].parent == node.group() && !done.contains(&group) =>
                {
                    done.push(group);
                    for child in self.children.get(&(node.index(), group)).cloned().unwrap_or_default() {
                        self.record(index, message, message.node(child))?;
                        self.below(message, message.node(child))?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn says_something(&self, index: usize, message: Message<'_>, node: NodeRef<'_>) -> Result<bool, EncodeError> {
        for cell in self.drafts[index].iter().flat_map(|draft| &draft.cells) {
            let field = &self.layout.records[index].fields[cell.field];
            if matches!(field.ours, Ours::Field { .. } | Ours::Extra { .. })
                && !self.text(field, message, node)?.is_empty()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn record(&mut self, index: usize, message: Message<'_>, node: NodeRef<'_>) -> Result<(), EncodeError> {
        self.totals.record(index);
        let made = self.own(index, message, node)?;
        if let Some(tag) = self.drafts[index].first().map(|draft| draft.key.tag) {
            self.put(&made.text(tag, self.separators), &key(message))?;
        }
        self.behind(index, message, node)
    }

    /// The segment that begins a record.
    fn own(&self, index: usize, message: Message<'_>, node: NodeRef<'_>) -> Result<Made, EncodeError> {
        let Some(draft) = self.drafts[index].first() else { return Ok(Made::default()) };
        let made = self.make(index, draft, message, node)?;
        Ok(made.map_or_else(Made::default, |(mut made, _)| made.remove(0)))
    }

    /// The segments behind it.
    fn behind(&mut self, index: usize, message: Message<'_>, node: NodeRef<'_>) -> Result<(), EncodeError> {
        let drafts = std::mem::take(&mut self.drafts[index]);
        let mut written: Vec<Key> = Vec::new();
        let mut result = Ok(());
        for draft in drafts.iter().skip(1) {
            result = self.one_draft(index, draft, message, node, &mut written);
            if result.is_err() {
                break;
            }
        }
        self.drafts[index] = drafts;
        result
    }

    fn one_draft(
        &mut self,
        index: usize,
        draft: &Draft,
        message: Message<'_>,
        node: NodeRef<'_>,
        written: &mut Vec<Key>,
    ) -> Result<(), EncodeError> {
        let Some((made, given)) = self.make(index, draft, message, node)? else { return Ok(()) };
        if !given && !draft.constant {
            return Ok(());
        }
        for key_before in &draft.behind {
            if written.last() != Some(key_before) && !draft.behind.iter().any(|k| written.last() == Some(k)) {
                let mut bare = Made::default();
                bare.set(1, 1, key_before.word.as_deref().unwrap_or_default());
                self.put(&bare.text(key_before.tag, self.separators), &key(message))?;
                written.push(key_before.clone());
            }
        }
        for one in made {
            self.put(&one.text(draft.key.tag, self.separators), &key(message))?;
        }
        if draft.behind.is_empty() {
            written.push(draft.key.clone());
        }
        Ok(())
    }

    /// The segments of a draft, several where a text has more lines than one has room for, and whether a field is given.
    fn make(
        &self,
        index: usize,
        draft: &Draft,
        message: Message<'_>,
        node: NodeRef<'_>,
    ) -> Result<Option<(Vec<Made>, bool)>, EncodeError> {
        let mut made = vec![Made::default()];
        if let Some(word) = &draft.key.word {
            made[0].set(1, 1, word);
        }
        let mut given = draft.begins;
        for cell in &draft.cells {
            let field = &self.layout.records[index].fields[cell.field];
            let text = self.text(field, message, node)?;
            if text.is_empty() {
                continue;
            }
            given |= matches!(field.ours, Ours::Field { .. } | Ours::Extra { .. } | Ours::Computed(_));
            self.cell(cell, draft, &text, &mut made).map_err(|why| not_writable(why, field, message))?;
        }
        Ok(Some((made, given)))
    }

    fn cell(&self, cell: &Cell, draft: &Draft, text: &str, made: &mut Vec<Made>) -> Result<(), NotWritable> {
        let (element, from, to) = match cell.piece {
            Piece::Components(element, from, to) => (element, from, to),
            Piece::Date | Piece::Day => {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                made[0].set(1, 2, &digits);
                made[0].set(1, 3, "102");
                return Ok(());
            }
            Piece::Time => {
                let (value, format) = moment::with_time(made[0].get(1, 2), text)
                    .ok_or_else(|| NotWritable::WrongType(format!("the time {text} without its day")))?;
                made[0].set(1, 2, &value);
                made[0].set(1, 3, format);
                return Ok(());
            }
        };
        let element = match element {
            Element::At(element) => element,
            Element::Any => made[0].free(),
        };
        for condition in cell.conditions.iter().filter(|condition| !condition.words.is_empty()) {
            let at = condition.element.at(element);
            if made[0].get(at, condition.component).is_empty() {
                made[0].set(at, condition.component, &condition.words[0]);
            }
        }
        let room = to - from + 1;
        if room == 1 {
            made[0].set(element, from, text);
            return Ok(());
        }
        let lines: Vec<&str> = text.split('\n').collect();
        if lines.len() > room && !draft.each {
            return Err(NotWritable::WrongType(format!(
                "a text of {} lines, of which there is room for {room},",
                lines.len()
            )));
        }
        for (at, chunk) in lines.chunks(room).enumerate() {
            if at == made.len() {
                let mut next = Made::default();
                next.set(1, 1, made[0].get(1, 1));
                made.push(next);
            }
            for (line, component) in chunk.iter().zip(from..) {
                made[at].set(element, component, line);
            }
        }
        Ok(())
    }

    /// The text of a field, in the partner's words.
    fn text(&self, field: &Field, message: Message<'_>, node: NodeRef<'_>) -> Result<String, EncodeError> {
        let mut out = String::new();
        let written = match &field.ours {
            Ours::Field { group, nth, field: index } => {
                let value = self.find(message, node, *group, *nth).map_or(Value::Missing, |n| n.value(*index));
                field.form.write(value, self.context.zone, &mut out)
            }
            Ours::Extra { group, name } => {
                let node = self.find(message, node, *group, 0);
                let value = node.and_then(|n| n.extras().find(|(n, _)| *n == &**name)).map(|(_, value)| value);
                field.form.write(value.map_or(Value::Missing, Value::Text), self.context.zone, &mut out)
            }
            Ours::Control(control) => self.totals.write(control, &field.form, (self.op, self.context.zone), &mut out),
            Ours::Ignored => {
                out.push_str(field.form.default.as_deref().unwrap_or_default());
                Ok(())
            }
            Ours::Computed(_) => Err(NotWritable::WrongType("a computed value".to_string())),
        };
        written.map_err(|why| not_writable(why, field, message))?;
        Ok(out)
    }

    /// The node of a group that a record's node has: itself, one above, or the nth below.
    fn find<'m>(&self, message: Message<'m>, node: NodeRef<'m>, group: usize, nth: usize) -> Option<NodeRef<'m>> {
        let mut at = node;
        while at.group() != group && at.index() > 0 {
            at = message.node(at.parent());
        }
        if at.group() == group {
            return Some(at);
        }
        let parent = self.layout.kind.groups[group].parent;
        let above = if parent == node.group() { node } else { self.find(message, node, parent, 0)? };
        let below = self.children.get(&(above.index(), group))?;
        below.get(nth).map(|index| message.node(*index))
    }
}

impl Encoder for EdifactWriter<'_> {
    fn write_change(&mut self, message: Message<'_>, op: Op) -> Result<(), EncodeError> {
        self.op = op;
        self.message(message)
    }

    fn unmapped(&self) -> u64 {
        self.unmapped
    }

    fn finish(mut self: Box<Self>) -> Result<(), EncodeError> {
        self.close_interchange()?;
        self.out.flush()?;
        Ok(())
    }
}

fn key(message: Message<'_>) -> String {
    let head = message.head();
    let parts: Vec<&str> = message.kind().head().key.iter().filter_map(|field| head.value(*field).text()).collect();
    parts.join(" / ")
}

fn not_writable(why: NotWritable, field: &Field, message: Message<'_>) -> EncodeError {
    let text = match why {
        NotWritable::TooLong { value, width } => format!("\"{value}\" does not fit into {width} characters."),
        NotWritable::TooFine(value) => format!("{value} has more decimals than the layout can hold."),
        NotWritable::NotLike(value) => format!("\"{value}\" does not look like what match= says."),
        NotWritable::NotListed(value) => format!("the layout's table has no word for \"{value}\"."),
        NotWritable::WrongType(value) => format!("{value} cannot be written in this form."),
    };
    EncodeError::Value { message: key(message), field: field.label.clone(), text }
}
