//! What was found of the records of a message, and the values they become once all of a record is there: segments of a
//! record come in any order, and of several names for one place the first that the file has decides.

use std::borrow::Cow;

use crate::model::decimal;
use crate::model::diagnostic::Problem;
use crate::model::layout::Layout;
use crate::model::layout::assembly::{Assembly, At};
use crate::model::layout::expression::Values;
use crate::model::layout::form::{Direction, Shape};
use crate::model::layout::plan::{Checked, Control, Field, Ours, Place, Record, Role, Scope};
use crate::model::syntax::edifact::Segment;
use crate::model::syntax::edifact::charset::Charset;
use crate::model::syntax::encoding::Unmapped;
use crate::model::wording;

use super::Edifact;
use super::moment;
use super::options::Counts;
use super::place::Piece;
use super::states::Capture;
use super::walk::{Finder, Left};

/// Text of one message that waits for the end of its record.
const MESSAGE_MIB: usize = 16;

/// A record that is open.
#[derive(Debug, Default)]
pub(super) struct Instance {
    record: usize,
    node: Option<u32>,
    at: Option<(At, u64)>,
    slots: Vec<Slot>,
}

/// What stands at a place.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    /// The segment is there; the text may be empty.
    pub seen: bool,
    /// It could not be read, and that was said.
    bad: bool,
    pub text: String,
    pub at: Option<At>,
    pub segment: u64,
}

pub(super) struct Filler<'a> {
    pub layout: &'a Layout,
    pub edifact: &'a Edifact,
    pub assembly: Assembly<'a>,
    pub charset: Charset,
    /// Between repetitions of an element, where the interchange has them.
    pub repetition: Option<u8>,
    /// Number of the segment in its message, UNH being the first.
    pub segment: u64,
    /// By depth; those deeper than what is open wait to be used again.
    instances: Vec<Instance>,
    held: usize,
    piece: String,
}

impl<'a> Filler<'a> {
    pub fn new(layout: &'a Layout, edifact: &'a Edifact, assembly: Assembly<'a>) -> Self {
        let charset = edifact.options.charset.clone().unwrap_or_else(Charset::undeclared);
        let (instances, piece) = (Vec::new(), String::new());
        Filler { layout, edifact, assembly, charset, repetition: None, segment: 0, instances, held: 0, piece }
    }

    /// What is kept of the message before is forgotten.
    pub fn begin(&mut self) {
        self.held = 0;
    }

    pub fn place(&self, at: At, segment: u64, name: &str) -> crate::model::diagnostic::Place {
        at.place(&format!("segment {segment}, {name}"))
    }

    fn prepare(&mut self, record: usize, depth: usize, at: At, node: Option<u32>) {
        if self.instances.len() <= depth {
            self.instances.resize_with(depth + 1, Instance::default);
        }
        let count = self.edifact.states.places[record].slots.len();
        let instance = &mut self.instances[depth];
        (instance.record, instance.node, instance.at) = (record, node, Some((at, self.segment)));
        instance.slots.resize_with(count, Slot::default);
        for slot in &mut instance.slots {
            slot.text.clear();
            (slot.seen, slot.bad) = (false, false);
        }
    }

    /// The slots of the interchange's own segment.
    pub fn envelope(&mut self, segment: &Segment<'_>) -> &[Slot] {
        let state = self.edifact.states.interchange;
        if state == super::states::NOWHERE {
            return &[];
        }
        let Some(record) = self.edifact.states.states[state].record else { return &[] };
        self.prepare(record, 0, at_of(segment, 0), None);
        super::walk::own(self.edifact, state, 0, segment, self);
        &self.instances[0].slots
    }

    /// Appends the text of a piece to `self.piece`; what cannot be read is told.
    fn read_piece(&mut self, segment: &Segment<'_>, piece: Piece, any: usize, join: &str) -> Result<(), Wrong> {
        self.piece.clear();
        let (element, from, to) = match piece {
            Piece::Components(element, from, to) => (element.at(any), from, to),
            Piece::Date | Piece::Day | Piece::Time => {
                let (value, format) =
                    (segment.plain(segment.raw(1, 2), false), segment.plain(segment.raw(1, 3), false));
                let (value, format) = (String::from_utf8_lossy(&value), String::from_utf8_lossy(&format));
                return moment::read(&value, &format, piece == Piece::Time, &mut self.piece)
                    .map_err(|()| Wrong::Date(value.to_string(), format.to_string()));
            }
        };
        if self.repetition.is_some_and(|mark| segment.holds(element, mark)) {
            return Err(Wrong::Repeated);
        }
        for component in from..=to {
            let Some(range) = segment.component(element, component) else { break };
            let raw = &segment.bytes[range.clone()];
            if raw.is_empty() {
                continue;
            }
            if !self.piece.is_empty() {
                self.piece.push_str(join);
            }
            let marked = raw.iter().any(|b| segment.is_mark(*b));
            let read = if marked {
                let plain = segment.plain(raw, self.edifact.options.line_breaks_kept);
                self.charset.decode(&plain, &mut self.piece)
            } else {
                self.charset.decode(raw, &mut self.piece)
            };
            read.map_err(|unmapped| Wrong::Bytes(unmapped, segment.range.start + range.start as u64))?;
        }
        Ok(())
    }

    fn problem_of(&self, wrong: Wrong, at: At, name: &str) -> Problem {
        let place = self.place(at, self.segment, name);
        match wrong {
            Wrong::Repeated => wording::edifact::element_repeated(place, self.repetition.unwrap_or(b'*')),
            Wrong::Date(value, format) => wording::edifact::date_invalid(place, &value, &format),
            Wrong::Bytes(Unmapped::Byte(offset, byte), start) => {
                wording::encoding_invalid(place, self.charset.name(), byte, start + offset as u64)
            }
            Wrong::Bytes(Unmapped::Char(_) | Unmapped::Half(..), start) => {
                wording::encoding_invalid(place, self.charset.name(), 0, start)
            }
        }
    }

    /// Sets the values of a record that has ended.
    fn fill(&mut self, instance: &Instance) {
        let layout = self.layout;
        let record = &layout.records[instance.record];
        let (Some(node), Some((at, segment))) = (instance.node, instance.at) else { return };
        let mut below = Below::default();
        let places = &self.edifact.states.places[instance.record];
        let here = Here { record, instance, node, at, segment };
        for (field, slots) in record.fields.iter().zip(&places.fields) {
            if field.form.direction == Direction::WriteOnly {
                continue;
            }
            match (&field.place, &field.ours, &slots[..]) {
                // Nearly every field stands at one place, which most segments do not have.
                (Place::One(_), Ours::Field { .. } | Ours::Extra { .. }, [slots]) => {
                    self.plain_field(&here, field, slots, &mut below);
                }
                _ => self.field(&here, field, slots, &mut below),
            }
        }
    }

    /// A field with one place that is no control: nothing is copied.
    fn plain_field(&mut self, here: &Here<'_>, field: &Field, slots: &[usize], below: &mut Below) {
        let found = self.first(here.instance, slots);
        if found.is_some_and(|(slot, _)| slot.bad) {
            return;
        }
        let given = found.filter(|(slot, _)| !slot.text.trim_ascii().is_empty());
        if given.is_none() && field.form.default.is_none() && !field.form.required {
            return;
        }
        let nothing = ("", here.at, here.segment, "");
        let (text, at, segment, name) =
            given.map_or(nothing, |(slot, name)| (&slot.text, slot.at.unwrap_or(here.at), slot.segment, name));
        let text = if matches!(field.form.shape, Shape::Number(_)) { with_point(text) } else { Cow::Borrowed(text) };
        let told = self.assembly.told();
        if let Some(node) = self.target(here, field, &text, below) {
            self.assembly.set(node, field, &text, at);
        }
        self.assembly.placed(told, || format!("segment {segment}, {}", named(field, name)));
    }

    fn field(&mut self, here: &Here<'_>, field: &Field, parts: &[Vec<usize>], below: &mut Below) {
        let found = match &field.place {
            Place::Joined(_) => self.joined(here, parts, &field.form.join),
            Place::Either { lengths, .. } => {
                let mut rest = parts;
                let mut found = lengths.iter().filter_map(|length| {
                    let (these, behind) = rest.split_at(*length);
                    rest = behind;
                    self.joined(here, these, &field.form.join)
                });
                found.find(|(text, ..)| !text.trim().is_empty())
            }
            Place::Computed(expression) => match expression.text(self.values(here.instance)) {
                Ok(text) => Some((text, here.at, here.segment, String::new())),
                Err(why) => {
                    let place = self.place(here.at, here.segment, &field.label);
                    return self.assembly.problem(wording::expression_failed(place, &why));
                }
            },
            _ => match parts.first().and_then(|slots| self.first(here.instance, slots)) {
                Some((slot, _)) if slot.bad => return,
                Some((slot, name)) => {
                    Some((slot.text.clone(), slot.at.unwrap_or(here.at), slot.segment, name.to_string()))
                }
                None => None,
            },
        };
        if let Ours::Control(control) = &field.ours {
            return self.control(control, field, found, here);
        }
        let given = found.filter(|(text, ..)| !text.trim().is_empty());
        let (text, at, segment, name) = match given {
            Some(found) => found,
            None if field.form.default.is_some() || field.form.required => {
                (String::new(), here.at, here.segment, String::new())
            }
            None => return,
        };
        let text = if matches!(field.form.shape, Shape::Number(_)) { with_point(&text) } else { Cow::Borrowed(&*text) };
        let told = self.assembly.told();
        if let Some(node) = self.target(here, field, &text, below) {
            self.assembly.set(node, field, &text, at);
        }
        self.assembly.placed(told, || format!("segment {segment}, {}", named(field, &name)));
    }

    /// The first of alternative places whose segment is there.
    fn first<'s>(&self, instance: &'s Instance, slots: &[usize]) -> Option<(&'s Slot, &'a str)> {
        let names = &self.edifact.states.places[instance.record].slots;
        let seen = |slot: &&usize| instance.slots.get(**slot).is_some_and(|found| found.seen);
        let slot = *slots.iter().find(seen)?;
        Some((&instance.slots[slot], names[slot].name.as_str()))
    }

    fn joined(&self, here: &Here<'_>, parts: &[Vec<usize>], join: &str) -> Option<(String, At, u64, String)> {
        let found: Vec<_> = parts.iter().filter_map(|slots| self.first(here.instance, slots)).collect();
        let (first, name) = found.first()?;
        let given: Vec<&str> = found.iter().map(|(slot, _)| slot.text.trim()).filter(|t| !t.is_empty()).collect();
        Some((given.join(join), first.at.unwrap_or(here.at), first.segment, name.to_string()))
    }

    fn values(&self, instance: &Instance) -> Values {
        let mut values = Values::default();
        for (slot, plan) in instance.slots.iter().zip(&self.edifact.states.places[instance.record].slots) {
            values.add(&plan.name, slot.text.trim());
        }
        values
    }

    fn control(&mut self, control: &Control, field: &Field, found: Option<(String, At, u64, String)>, here: &Here<'_>) {
        let counts = matches!(control.what, Checked::Count(_) | Checked::Sum { .. } | Checked::Number);
        if counts && self.edifact.options.counts == Counts::Ignore {
            return;
        }
        let missing = || (String::new(), here.at, here.segment, String::new());
        let (text, at, segment, name) = match found {
            Some(found) => found,
            None if counts || field.form.optional => return,
            None => missing(),
        };
        let label = format!("segment {segment}, {}", named(field, &name));
        if let Some(problem) = self.assembly.totals.check(control, &field.form, &text, || at.place(&label)) {
            match control.scope {
                Scope::Message => self.assembly.problem(problem),
                _ => self.assembly.fatal(problem),
            }
        }
    }

    /// The node that a field belongs to: the record's own, one above, or one below that its first value opens.
    fn target(&mut self, here: &Here<'_>, field: &Field, text: &str, below: &mut Below) -> Option<u32> {
        let (group, nth) = match &field.ours {
            Ours::Field { group, nth, .. } => (*group, *nth),
            Ours::Extra { group, .. } => (*group, 0),
            _ => return None,
        };
        let own = here.record.role.group();
        if group == own {
            return Some(here.node);
        }
        let groups = &self.layout.kind.groups;
        let above = |from: usize| Some(groups[from].parent).filter(|_| from != 0);
        if own != 0 && !std::iter::successors(Some(group), |g| above(*g)).any(|g| g == own) {
            return self.assembly.current(group);
        }
        if let Some((_, _, known)) = below.0.iter().find(|(g, n, _)| (*g, *n) == (group, nth)) {
            return Some(*known);
        }
        if text.trim().is_empty() && field.form.default.is_none() {
            return None;
        }
        let opened = self.assembly.open(group, here.at)?;
        below.0.push((group, nth, opened));
        Some(opened)
    }
}

impl Finder for Filler<'_> {
    fn open(&mut self, record: usize, depth: usize, segment: &Segment<'_>) -> bool {
        let at = at_of(segment, 0);
        let role = self.layout.records[record].role;
        if role == Role::Ignored {
            self.prepare(record, depth, at, None);
            return false;
        }
        let node = match role {
            Role::Opens(0) => Some(0),
            Role::Opens(group) => self.assembly.open(group, at),
            Role::Adds(group) => self.assembly.current(group),
            _ => None,
        };
        self.assembly.totals.record(record);
        if node.is_none() && !self.assembly.is_hopeless() {
            let layout = self.layout;
            let plan = &layout.records[record];
            let parent = match role {
                Role::Adds(group) => group,
                role => layout.kind.groups[role.group()].parent,
            };
            let place = self.place(at, self.segment, &segment.tag_text());
            let before = &layout.kind.groups[parent].element;
            self.assembly.flawed(wording::record_misplaced(place, &plan.name, before));
        }
        self.prepare(record, depth, at, node);
        node.is_some()
    }

    fn value(&mut self, depth: usize, capture: Capture, segment: &Segment<'_>, any: usize) {
        let Some(record) = self.instances.get(depth).map(|instance| instance.record) else { return };
        let edifact = self.edifact;
        let plan = &edifact.states.places[record].slots[capture.slot];
        let at = match capture.piece {
            Piece::Components(element, from, _) => {
                let start = segment.component(element.at(any), from).map_or(0, |range| range.start);
                at_of(segment, start)
            }
            Piece::Date | Piece::Day | Piece::Time => at_of(segment, 0),
        };
        let read = self.read_piece(segment, capture.piece, any, &plan.join);
        self.held += self.piece.len() + plan.join.len();
        if self.held > MESSAGE_MIB << 20 {
            if !self.assembly.is_hopeless() {
                self.assembly.flawed(wording::message_too_large(at.place(""), MESSAGE_MIB));
            }
            return;
        }
        let number = self.segment;
        let piece = std::mem::take(&mut self.piece);
        let slot = &mut self.instances[depth].slots[capture.slot];
        let first = !std::mem::replace(&mut slot.seen, true);
        let mut contradiction = None;
        if first {
            (slot.at, slot.segment) = (Some(at), number);
            slot.text.push_str(&piece);
        } else if let Some(sum) = plan.sum.then(|| added(&slot.text, &piece)).flatten() {
            slot.text = sum;
        } else if plan.each {
            if !slot.text.is_empty() && !piece.is_empty() {
                slot.text.push_str(&plan.join);
            }
            slot.text.push_str(&piece);
        } else if slot.text.is_empty() {
            (slot.at, slot.segment) = (Some(at), number);
            slot.text.push_str(&piece);
        } else if !piece.is_empty() && piece.trim() != slot.text.trim() {
            contradiction = Some((piece.trim().to_string(), slot.text.trim().to_string()));
        }
        slot.bad |= read.is_err();
        self.piece = piece;
        if let Err(wrong) = read {
            let problem = self.problem_of(wrong, at, &plan.name);
            self.assembly.problem(problem);
        } else if let Some((found, before)) = contradiction {
            let place = self.place(at, number, &plan.name);
            self.assembly.problem(wording::contradicts(place, &found, &before));
        }
    }

    fn close(&mut self, depth: usize) {
        let Some(instance) = self.instances.get_mut(depth) else { return };
        let instance = std::mem::take(instance);
        if instance.node.is_some() && !self.assembly.is_hopeless() {
            self.fill(&instance);
        }
        self.instances[depth] = instance;
    }

    fn unknown(&mut self, segment: &Segment<'_>) {
        if self.edifact.options.unknown_refused {
            let found = segment.tag_text();
            let place = self.place(at_of(segment, 0), self.segment, &found);
            self.assembly.problem(wording::edifact::segment_unknown(place, &found));
        }
    }

    fn unread(&mut self, depth: usize, left: Left<'_>) {
        let places = &self.edifact.states.places;
        let keeping = |depth: &usize| {
            let instance = &self.instances[*depth];
            instance.node.is_some().then(|| places[instance.record].unread).flatten()
        };
        let Some((depth, at)) = (0..=depth).rev().find_map(|depth| Some((depth, keeping(&depth)?))) else { return };
        let join = &places[self.instances[depth].record].slots[at].join;
        let bytes = match left {
            Left::Segment(segment, _) => segment.bytes,
            Left::Around(bytes) => bytes,
        };
        self.held += bytes.len() + join.len();
        if self.held > MESSAGE_MIB << 20 {
            return;
        }
        self.as_sent(bytes);
        let slot = &mut self.instances[depth].slots[at];
        if std::mem::replace(&mut slot.seen, true) {
            slot.text.push_str(join);
        }
        slot.text.push_str(&self.piece);
    }
}

impl Filler<'_> {
    /// The text of a segment as it was sent, without the line breaks that wrap it.
    fn as_sent(&mut self, bytes: &[u8]) {
        self.piece.clear();
        let kept = self.edifact.options.line_breaks_kept;
        let plain: Vec<u8> = bytes.iter().copied().filter(|b| kept || !matches!(b, b'\r' | b'\n')).collect();
        // Nobody reads it as a value: what its character set does not have is no reason to refuse it.
        if self.charset.decode(&plain, &mut self.piece).is_err() {
            self.piece.clear();
            self.piece.push_str(&String::from_utf8_lossy(&plain));
        }
    }
}

/// A record that has ended, and what is known of it.
struct Here<'h> {
    record: &'h Record,
    instance: &'h Instance,
    node: u32,
    at: At,
    segment: u64,
}

enum Wrong {
    /// The bytes, and where in the file they begin.
    Bytes(Unmapped, u64),
    Date(String, String),
    /// The element is there more than once.
    Repeated,
}

/// Nodes opened below the record's own: group, number, node.
#[derive(Default)]
struct Below(Vec<(usize, usize, u32)>);

/// Where a piece of a segment stands that begins so many bytes behind the segment's first.
pub(super) fn at_of(segment: &Segment<'_>, start: usize) -> At {
    let lines = memchr::memchr_iter(b'\n', &segment.bytes[..start]).count() as u32;
    At { line: segment.line + lines, byte: segment.range.start + start as u64 }
}

/// The place, and the partner's name for it where he has one.
fn named(field: &Field, place: &str) -> String {
    let is_place = matches!(&field.place, Place::One(spot) if spot.names.join("|") == field.label);
    if place.is_empty() || field.label == place || is_place && !place.is_empty() {
        let name = if place.is_empty() { field.label.split('|').next().unwrap_or_default() } else { place };
        return name.to_string();
    }
    format!("{place} ({})", field.label)
}

/// The sum of two numbers, exactly; nothing where one of them is none.
fn added(a: &str, b: &str) -> Option<String> {
    const SCALE: u32 = 6;
    let number = |text| decimal::parse(with_point(text).trim().as_bytes(), b'.', SCALE).ok();
    Some(decimal::text(number(a)?.checked_add(number(b)?)?, SCALE))
}

/// EDIFACT allows the decimal comma wherever it allows the point, and knows no thousands.
fn with_point(text: &str) -> Cow<'_, str> {
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    match text.trim().split_once(',') {
        Some((whole, rest)) if digits(rest) && digits(whole.trim_start_matches(['-', '+'])) => {
            Cow::Owned(format!("{whole}.{rest}"))
        }
        _ => Cow::Borrowed(text),
    }
}
