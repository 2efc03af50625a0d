//! Puts values together to messages: nodes under their parents, head data compared, what is missing found out, good
//! messages handed on in batches and refused ones at once, in the order of the file.
//!
//! A syntax calls `begin`, `open`, `set` …, `finish` for each message and `end` at last. It knows nothing of bytes.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;
use std::sync::Arc;

use chrono_tz::Tz;

use super::control::Totals;
use super::form::{Got, Scratch, Shape, Wrong};
use super::plan::{Field, Ours, Scope};
use super::seam::{Decoded, Refused, Sink};
use super::{DecodeContext, Input, Layout};
use crate::model::batch::{Batch, Value};
use crate::model::decimal;
use crate::model::diagnostic::{KEPT, Place, Problem};
use crate::model::kind::{FieldType, Group, Kind};
use crate::model::wording;

/// A batch of this size is handed on: large enough to be worth a call, small enough to stay in the cache.
const BATCH_BYTES: usize = 256 << 10;
/// One message may take so much memory; nobody orders more on one paper.
const MESSAGE_MIB: usize = 16;
const NONE: u32 = u32::MAX;

/// Where a value stands; the label is the field's.
#[derive(Debug, Clone, Copy)]
pub struct At {
    pub line: u32,
    pub byte: u64,
}

impl At {
    pub fn place(self, label: &str) -> Place {
        Place { line: self.line, byte: self.byte, field: label.to_string(), spoken: None }
    }
}

/// Messages in the making.
pub struct Assembly<'a> {
    layout: &'a Layout,
    kind: Arc<Kind>,
    zone: Tz,
    sink: &'a mut dyn Sink,
    batch: Batch,
    scratch: Scratch,
    pub totals: Totals,
    decoded: Decoded,
    /// Of the message begun last.
    number: u64,
    is_open: bool,
    at: At,
    size_before: usize,
    problems: Vec<Problem>,
    /// A part of the message could not be read, so nothing can be said about what it lacks.
    hopeless: bool,
    /// It has taken more than a message may take.
    full: bool,
    /// Nodes and fields with a problem of their own, so that they are not said to be missing too.
    reported: HashSet<(u32, usize)>,
    /// What the open message itself has under names of the partner's.
    head_extras: Vec<(Arc<str>, String)>,
    /// By group: the node opened last, `NONE` without one.
    current: Vec<u32>,
    /// By group: the groups below it.
    below: Vec<Vec<usize>>,
    /// By group: the fields that must be given.
    due: Vec<Vec<usize>>,
    /// By group: the line number field that the layout does not read, and is counted instead.
    numbered: Vec<Option<usize>>,
    counts: Vec<i64>,
    /// Nodes of the message that are told by a key, and the counts below a node that others have come after.
    keyed: HashMap<(usize, Vec<u8>), u32>,
    counted: HashMap<(usize, u32), i64>,
    /// What the name of the file says, by field of the layout's naming.
    named: Vec<String>,
}

impl<'a> Assembly<'a> {
    pub fn new(layout: &'a Layout, context: &DecodeContext<'_>, sink: &'a mut dyn Sink) -> Self {
        let kind = layout.kind.clone();
        let groups = kind.groups.len();
        let numbered = (0..groups).map(|group| counted_field(layout, &kind, group)).collect();
        Assembly {
            layout,
            zone: context.zone,
            batch: sink.empty(&kind),
            sink,
            scratch: Scratch::default(),
            totals: Totals::new(&kind, &layout.records),
            decoded: Decoded::default(),
            number: 0,
            is_open: false,
            at: At { line: 0, byte: 0 },
            size_before: 0,
            problems: Vec::new(),
            hopeless: false,
            full: false,
            reported: HashSet::new(),
            head_extras: Vec::new(),
            current: vec![NONE; groups],
            below: (0..groups).map(|group| groups_below(&kind, group)).collect(),
            due: kind.groups.iter().map(due_fields).collect(),
            numbered,
            counts: vec![0; groups],
            keyed: HashMap::new(),
            counted: HashMap::new(),
            named: Vec::new(),
            kind,
        }
    }

    /// Every message says what the name of the file says. A name that is not agreed refuses the file.
    pub fn read_name(&mut self, context: &DecodeContext<'_>, input: &mut dyn Input) -> io::Result<()> {
        let Some(naming) = &self.layout.naming else { return Ok(()) };
        match naming.read(context, input)? {
            Ok(texts) => self.named = texts,
            Err(problem) => self.fatal(*problem),
        }
        Ok(())
    }

    pub fn stopped(&self) -> bool {
        self.decoded.stopped
    }

    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Messages begun so far.
    pub fn messages(&self) -> u64 {
        self.number
    }

    /// Begins a message; the one before must be finished.
    pub fn begin(&mut self, at: At) {
        self.number += 1;
        self.is_open = true;
        self.at = at;
        self.size_before = self.batch.size();
        self.batch.begin(self.number, at.line);
        self.problems.clear();
        self.hopeless = false;
        self.full = false;
        self.reported.clear();
        self.head_extras.clear();
        self.current.fill(NONE);
        self.current[0] = 0;
        self.counts.fill(0);
        self.keyed.clear();
        self.counted.clear();
        self.totals.open(Scope::Message);
        let layout = self.layout;
        let named = std::mem::take(&mut self.named);
        for (field, text) in layout.naming.iter().flat_map(|naming| &naming.fields).zip(&named) {
            self.set(0, field, text, at);
        }
        self.named = named;
    }

    /// The node of a group that was opened last in the open message.
    pub fn current(&self, group: usize) -> Option<u32> {
        Some(self.current[group]).filter(|node| *node != NONE && self.is_open)
    }

    /// Opens a node under the current node of its parent group; nothing when there is none.
    pub fn open(&mut self, group: usize, at: At) -> Option<u32> {
        let parent = self.current(self.kind.groups[group].parent)?;
        if self.is_full(at) {
            return None;
        }
        let node = self.batch.open(group, parent, at.line);
        self.current[group] = node;
        // Nodes below the one before are no longer current.
        for &below in &self.below[group] {
            self.current[below] = NONE;
            self.counts[below] = 0;
        }
        if let Some(field) = self.numbered[group] {
            self.counts[group] += 1;
            self.batch.set_number(node, field, self.counts[group]);
        }
        Some(node)
    }

    /// The node of the group with this key, opened where there is none yet: from here on it is the current one.
    pub fn open_keyed(&mut self, group: usize, key: &[u8], at: At) -> Option<u32> {
        if let Some(node) = self.go_on(group, key) {
            return Some(node);
        }
        self.leave(group);
        let node = self.open(group, at)?;
        self.keyed.insert((group, key.to_vec()), node);
        Some(node)
    }

    /// The node of the group with this key is the current one again; nothing where there is none.
    pub fn go_on(&mut self, group: usize, key: &[u8]) -> Option<u32> {
        let node = *self.keyed.get(&(group, key.to_vec()))?;
        if self.current[group] != node {
            self.leave(group);
            self.current[group] = node;
            for &below in &self.below[group] {
                self.current[below] = NONE;
                self.counts[below] = self.counted.get(&(below, node)).copied().unwrap_or(0);
            }
        }
        Some(node)
    }

    /// Another node of the group will be the current one: what was counted below the last goes on when it comes back.
    fn leave(&mut self, group: usize) {
        let node = self.current[group];
        for &below in &self.below[group] {
            self.counted.insert((below, node), self.counts[below]);
        }
    }

    /// The open message has taken what a message may take; it is refused for that, once.
    fn is_full(&mut self, at: At) -> bool {
        if self.batch.size() - self.size_before <= MESSAGE_MIB << 20 {
            return false;
        }
        if !self.full {
            self.full = true;
            self.flawed(wording::message_too_large(at.place(""), MESSAGE_MIB));
        }
        true
    }

    /// Reads a value by its form into a node. A value given before must be the same.
    pub fn set(&mut self, node: u32, field: &Field, text: &str, at: At) {
        match &field.ours {
            Ours::Field { group, field: index, .. } => self.set_field(node, field, *group, *index, text, at),
            // Fields are given once; of extras a message could have any number.
            Ours::Extra { .. } if self.is_full(at) => {}
            Ours::Extra { name, .. } => self.set_extra(node, field, name, text, at),
            Ours::Ignored => self.look_at(field, text, at),
            Ours::Control(_) | Ours::Computed(_) => {}
        }
    }

    /// Nothing is kept of a filler; what its form asks holds all the same.
    fn look_at(&mut self, field: &Field, text: &str, at: At) {
        let place = || at.place(&field.label);
        match field.form.read(text, self.zone, &mut self.scratch) {
            Ok(Got::Empty | Got::Nothing) if field.form.required => self.problem(wording::value_missing(place())),
            Ok(_) => {}
            Err(wrong) => self.problem(wording::value_invalid(place(), None, &field.form, text.trim(), &wrong)),
        }
    }

    fn set_extra(&mut self, node: u32, field: &Field, name: &Arc<str>, text: &str, at: At) {
        let value = match field.form.read(text, self.zone, &mut self.scratch) {
            Ok(Got::Text(value)) => Cow::Borrowed(value),
            Ok(Got::Number(value)) => plain_number(&field.form.shape, value).into(),
            Ok(Got::Empty) if field.form.required => {
                return self.problem(wording::value_missing(at.place(&field.label)));
            }
            Ok(Got::Empty | Got::Nothing) => return,
            Err(wrong) => {
                let place = at.place(&field.label);
                return self.problem(wording::value_invalid(place, None, &field.form, text.trim(), &wrong));
            }
        };
        // The file's name, its envelope and each row that speaks of the message must agree.
        if node == 0 {
            match self.head_extras.iter().find(|(known, _)| known == name) {
                Some((_, first)) if *first == *value => return,
                Some((_, first)) => {
                    let problem = wording::contradicts(at.place(&field.label), text.trim(), first);
                    return self.problem(problem);
                }
                None => self.head_extras.push((name.clone(), value.to_string())),
            }
        }
        // A second record that says something else of the same line would leave two values under one name.
        if node != 0 {
            match self.batch.own_extra(node, name) {
                Some(first) if *first == *value => return,
                Some(first) => {
                    let problem = wording::contradicts(at.place(&field.label), text.trim(), first);
                    return self.problem(problem);
                }
                None => {}
            }
        }
        self.batch.add_extra(node, name, &value);
    }

    /// Keeps a value under the partner's name.
    pub fn add_extra(&mut self, node: u32, name: &Arc<str>, value: &str) {
        if !value.is_empty() {
            self.batch.add_extra(node, name, value);
        }
    }

    /// The same for a field of the kind.
    pub fn set_field(&mut self, node: u32, field: &Field, group: usize, index: usize, text: &str, at: At) {
        let got = field.form.read(text, self.zone, &mut self.scratch);
        if self.totals.sums_any() {
            match &got {
                Ok(Got::Number(value)) => self.totals.add(group, index, Some(*value)),
                Ok(_) => {}
                Err(_) => self.totals.add(group, index, None),
            }
        }
        match got {
            Ok(Got::Text(value)) if field.form.append.is_some() => {
                let between = field.form.append.as_deref().unwrap_or_default();
                let max = field.form.max.unwrap_or(usize::MAX);
                if let Err(found) = self.batch.append_text(node, index, (between, value), max) {
                    let wrong = Wrong::TooLong { max, found };
                    let place = at.place(&field.label);
                    let field_type = &self.kind.groups[group].fields[index].field_type;
                    let problem = wording::value_invalid(place, Some(field_type), &field.form, text.trim(), &wrong);
                    self.report(node, index, problem);
                }
            }
            Ok(Got::Empty) if field.form.append.is_some() && !field.form.required => {}
            Ok(Got::Text(value)) if self.batch.fill_text(node, index, value) => {}
            Ok(Got::Number(value)) if self.batch.fill_number(node, index, value) => {}
            Ok(Got::Nothing) if field.form.required => {
                self.report(node, index, wording::value_missing(at.place(&field.label)));
            }
            Ok(Got::Nothing) => {}
            Ok(Got::Empty) => {
                if self.batch.current_value(node, index) == Value::Missing {
                    self.batch.set_empty(node, index);
                    if field.form.required {
                        self.report(node, index, wording::value_missing(at.place(&field.label)));
                    }
                }
            }
            Ok(_) => {
                let first = self.shown(self.batch.current_value(node, index), group, index);
                self.report(node, index, wording::contradicts(at.place(&field.label), text.trim(), &first));
            }
            Err(_) if field.form.fitting => {}
            Err(wrong) => {
                let field_type = &self.kind.groups[group].fields[index].field_type;
                let place = at.place(&field.label);
                let problem = wording::value_invalid(place, Some(field_type), &field.form, text.trim(), &wrong);
                self.report(node, index, problem);
            }
        }
    }

    fn shown(&self, value: Value<'_>, group: usize, index: usize) -> String {
        match value {
            Value::Text(text) => text.to_string(),
            Value::Number(number) => {
                decimal::text(number, self.kind.groups[group].fields[index].field_type.scale().unwrap_or(0))
            }
            Value::Missing | Value::Empty => String::new(),
        }
    }

    /// The bytes of a value could not be read.
    pub fn unreadable(&mut self, node: u32, field: &Field, problem: Problem) {
        match field.ours {
            Ours::Field { group, field, .. } => {
                self.totals.add(group, field, None);
                self.report(node, field, problem);
            }
            _ => self.problem(problem),
        }
    }

    fn report(&mut self, node: u32, field: usize, problem: Problem) {
        self.reported.insert((node, field));
        self.problem(problem);
    }

    /// A problem of the open message: it will be refused. Beyond the first thousand they are only counted.
    pub fn problem(&mut self, problem: Problem) {
        let problem = self.spoken(problem);
        if self.problems.len() < KEPT {
            self.problems.push(problem);
        }
    }

    fn spoken(&self, mut problem: Problem) -> Problem {
        problem.place.field = self.layout.spoken(&problem.place.field).into_owned();
        problem
    }

    /// Problems of the open message told so far.
    pub fn told(&self) -> usize {
        self.problems.len()
    }

    /// Says where in the line the problems told since then are, for syntaxes that know it better than the field's name.
    pub fn placed(&mut self, told: usize, name: impl Fn() -> String) {
        for problem in self.problems.iter_mut().skip(told) {
            problem.place.field = self.layout.spoken(&name()).into_owned();
        }
    }

    /// A part of the open message could not be read at all.
    pub fn flawed(&mut self, problem: Problem) {
        self.hopeless = true;
        self.problem(problem);
    }

    pub fn is_hopeless(&self) -> bool {
        self.hopeless
    }

    /// Where the message begun last began.
    pub fn begun_at(&self) -> At {
        self.at
    }

    /// A problem of the file as a whole: nothing of it may be applied.
    pub fn fatal(&mut self, problem: Problem) {
        let problem = self.spoken(problem);
        self.decoded.fatal.add(problem);
    }

    /// Bytes of the sender's file that belong to the open message.
    pub fn bytes(&mut self, range: Range<u64>) {
        self.batch.add_bytes(range);
    }

    /// Ends the open message: hands it on or refuses it.
    pub fn finish(&mut self) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        let totals = self.totals.close(Scope::Message, &self.layout.records);
        if !self.hopeless {
            totals.into_iter().for_each(|problem| self.problem(problem));
            self.find_missing();
        }
        if self.problems.is_empty() {
            if self.batch.size() >= BATCH_BYTES {
                self.hand_on();
            }
            return;
        }
        self.refuse();
    }

    /// What the kind requires and nobody sent.
    fn find_missing(&mut self) {
        let message = self.batch.message(self.batch.len() - 1);
        let mut found = Vec::new();
        let mut seen = [false; 32];
        for node in message.nodes() {
            let group = &self.kind.groups[node.group()];
            if let Some(seen) = seen.get_mut(node.group()) {
                *seen = true;
            }
            for &index in &self.due[node.group()] {
                if !node.value(index).is_given() && !self.reported.contains(&(node.index(), index)) {
                    let label = self.layout.column_of(node.group(), index);
                    let label = if label.is_empty() { group.fields[index].name.as_str() } else { label };
                    let label = &self.layout.spoken(label);
                    found.push(wording::value_missing(At { line: node.line(), ..self.at }.place(label)));
                }
            }
        }
        for (index, group) in self.kind.groups.iter().enumerate().skip(1).take(31) {
            // A row that was refused may have been the one.
            if group.required && group.parent == 0 && !seen[index] && self.problems.is_empty() {
                found.push(wording::group_missing(self.at.place(""), &group.name));
            }
        }
        for problem in found {
            self.problem(problem);
        }
    }

    fn refuse(&mut self) {
        let message = self.batch.message(self.batch.len() - 1);
        let head = self.kind.head();
        let key: Vec<&str> = head.key.iter().filter_map(|field| message.head().value(*field).text()).collect();
        let (line, bytes) = (message.origin().line, message.origin().bytes.to_vec());
        let mut problems = std::mem::take(&mut self.problems);
        for problem in &mut problems {
            problem.message = self.number;
        }
        let refused = Refused { number: self.number, line, key: key.join(" / "), bytes, problems };
        self.batch.drop_last();
        if !self.batch.is_empty() {
            self.hand_on();
        }
        if !self.stopped() && self.sink.refused(refused).is_err() {
            self.decoded.stopped = true;
        }
    }

    fn hand_on(&mut self) {
        if self.stopped() {
            return self.batch.clear();
        }
        let batch = std::mem::replace(&mut self.batch, Batch::new(self.kind.clone()));
        match self.sink.batch(batch) {
            Ok(empty) => self.batch = empty,
            Err(_) => self.decoded.stopped = true,
        }
        self.batch.clear();
    }

    /// The file is read: hands on what is left.
    pub fn end(mut self) -> Decoded {
        self.finish();
        if !self.batch.is_empty() {
            self.hand_on();
        }
        self.decoded.messages = self.number;
        self.decoded
    }
}

fn groups_below(kind: &Kind, above: usize) -> Vec<usize> {
    let is_below = |group: usize| {
        let mut at = group;
        while at != 0 && at != above {
            at = kind.groups[at].parent;
        }
        at == above
    };
    (above + 1..kind.groups.len()).filter(|group| above != 0 && is_below(*group)).collect()
}

fn due_fields(group: &Group) -> Vec<usize> {
    group.fields.iter().enumerate().filter(|(_, f)| f.required && !f.ours).map(|(index, _)| index).collect()
}

/// A number of the partner's own, as it is kept: without notation.
fn plain_number(shape: &Shape, value: i64) -> String {
    match shape {
        Shape::Number(shape) => decimal::text(value, shape.scale),
        _ => (value != 0).to_string(),
    }
}

/// The whole-number key of a group that the layout does not read: its nodes are counted from 1.
fn counted_field(layout: &Layout, kind: &Kind, group: usize) -> Option<usize> {
    let &[field] = &kind.groups[group].key[..] else { return None };
    let counted = group > 0 && kind.groups[group].fields[field].field_type == FieldType::Integer;
    (counted && layout.column_of(group, field).is_empty()).then_some(field)
}
