//! Walks the elements of a file and collects what each message holds: the records in it, in the order of the file, and
//! the text of every place that one of them names. Turning that into nodes is `message`'s.
//!
//! Nothing is allocated per element: all texts of a message stand in one buffer, all places in one vector.

use std::io;
use std::ops::Range;

use crate::model::diagnostic::Problem;
use crate::model::layout::Layout;
use crate::model::layout::assembly::{Assembly, At};
use crate::model::layout::control::Totals;
use crate::model::layout::plan::{Role, Scope};
use crate::model::layout::seam::{DecodeContext, Decoded, Input, Sink};
use crate::model::syntax::xml::{self, Charset, Halt, Spot, Tag, Visitor};
use crate::model::wording;

use super::Xml;
use super::apart::{Apart, Counted, Nowhere};
use super::join::{Joined, Joining, Unit};
use super::tree::{CAPTURES, Capture, OUTSIDE, Pick, State, Tree};
use super::unread::Unread;
use super::vocabulary::CODE_BYTES;

/// Text and places of one message; the largest real orders take a few MiB.
pub(super) const MESSAGE_MIB: usize = 16;
/// Unknown names of one message that are told one by one.
const UNKNOWN_TOLD: usize = 100;
pub(super) const NONE: u32 = u32::MAX;
/// Stands between the texts of a place that takes all of them; no XML text can hold it.
pub(super) const BETWEEN: char = '\u{1E}';
/// Stands for an open record of a message that is too large to be kept.
const NOT_KEPT: usize = usize::MAX;

/// Reads all messages of a file.
pub fn decode(
    layout: &Layout,
    xml: &Xml,
    input: &mut dyn Input,
    context: &DecodeContext<'_>,
    sink: &mut dyn Sink,
) -> io::Result<Decoded> {
    let mut assembly = Assembly::new(layout, context, sink);
    assembly.read_name(context, input)?;
    let mut reader = Reader::new(layout, xml, assembly, None);
    let fallback = Charset::from(layout.encoding.clone());
    let end = xml::read(input, Some(&fallback), &mut reader)?;
    let Reader { mut assembly, .. } = reader;
    match end.problem {
        Some(problem) => assembly.fatal(problem),
        None if !end.stopped => {
            for problem in assembly.totals.close(Scope::File, &layout.records) {
                assembly.fatal(problem);
            }
            if assembly.messages() == 0 && !xml.options.empty_allowed {
                assembly.fatal(wording::file_empty());
            }
        }
        None => {}
    }
    Ok(assembly.end())
}

/// Counts the given messages and all others apart: of the file, and of each of its interchanges.
pub(super) fn totals_apart(
    layout: &Layout,
    xml: &Xml,
    input: &mut dyn Input,
    messages: &[Range<u64>],
) -> io::Result<(Counted, Vec<Counted>)> {
    let no_spill = || Err(io::Error::other("XML is read without a spill file"));
    let context = DecodeContext { file_name: "", zone: chrono_tz::Tz::UTC, spill: &no_spill };
    let dropped = Totals::new(&layout.kind, &layout.records);
    let mut nowhere = Nowhere;
    let assembly = Assembly::new(layout, &context, &mut nowhere);
    let mut reader = Reader::new(layout, xml, assembly, Some(Apart { messages, dropped, interchanges: Vec::new() }));
    xml::read(input, Some(&Charset::from(layout.encoding.clone())), &mut reader)?;
    let Reader { assembly, apart, .. } = reader;
    let (dropped, interchanges) = apart.map_or_else(
        || (Totals::new(&layout.kind, &layout.records), Vec::new()),
        |apart| (apart.dropped, apart.interchanges),
    );
    Ok((Counted { kept: assembly.totals, dropped }, interchanges))
}

/// What was found of the records that are open or make the open message.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub records: Vec<FoundRecord>,
    pub slots: Vec<Slot>,
    pub text: String,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct FoundRecord {
    pub set: usize,
    pub first_slot: usize,
    /// Index of the record around it.
    pub around: Option<usize>,
    /// Messages of the file before it began.
    pub messages: u64,
    /// Length of all texts then.
    pub text: usize,
    pub at: At,
}

/// A place: where its text stands, if the file has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub start: u32,
    pub len: u32,
    pub at: At,
}

impl Found {
    /// The text of a place, untrimmed; nothing where the file does not have it.
    pub fn text_of(&self, slot: usize) -> Option<(&str, At)> {
        let Slot { start, len, at } = self.slots[slot];
        (start != NONE).then(|| (&self.text[start as usize..(start + len) as usize], at))
    }
}

/// An open element.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Nothing for elements that the layout does not know.
    state: Option<usize>,
    /// Position of the child that comes next if elements come in the layout's order.
    next_child: usize,
    /// Where its text begins and, once a child ended it, ends.
    text_start: usize,
    text_end: Option<usize>,
    /// By capture of its state: the element has what it wants. None of them: its text is of no interest.
    takes: u64,
    at: At,
}

impl Frame {
    fn is_captured(&self) -> bool {
        self.takes != 0
    }
}

struct Reader<'a> {
    layout: &'a Layout,
    xml: &'a Xml,
    assembly: Assembly<'a>,
    found: Found,
    frames: Vec<Frame>,
    /// Indices of the found records whose elements are open.
    open_records: Vec<usize>,
    /// The open message: its place in `found` and in the file.
    message: Option<Marks>,
    too_large: bool,
    unknown: Vec<Problem>,
    /// The open element whose text must be of a list of codes: how deep it stands, the list, its text so far.
    code: Option<(usize, usize, String)>,
    apart: Option<Apart<'a>>,
    /// What is joined when the element around it ends.
    joining: Joining,
    unread: Unread,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    pub records: usize,
    pub slots: usize,
    pub text: usize,
    pub start: u64,
}

/// The state of an element below a state; `next` is tried first and moved on.
pub(super) fn child_state(tree: &Tree, from: usize, name: &str, space: &str, next: &mut usize) -> Option<usize> {
    let children = &tree.states[from].children;
    let is = |state: &State| state.name == name && state.space.as_deref().is_none_or(|wanted| wanted == space);
    // The same element again, or the one after it, or any.
    for guess in [*next, next.wrapping_sub(1)] {
        if let Some(&child) = children.get(guess).filter(|c| is(&tree.states[**c])) {
            *next = guess + 1;
            return Some(child);
        }
    }
    let at = children.iter().position(|c| is(&tree.states[*c]))?;
    *next = at + 1;
    Some(children[at])
}

impl Visitor for Reader<'_> {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        let at = At { line: tag.at.line, byte: tag.at.byte };
        let tree = &self.xml.tree;
        let from = self.suspend_text();
        let (from_state, mut next) = from.unwrap_or((Some(OUTSIDE), 0));
        let state = from_state.and_then(|state| child_state(tree, state, tag.name, tag.space, &mut next));
        if let Some(frame) = self.frames.last_mut() {
            frame.next_child = next;
        } else if state.is_none() {
            let place = at.place("");
            let (found, expected) = self.xml.options.root_told(tag);
            return Err(wording::xml_wrong_root(place, &found, &expected).into());
        }
        let captures = state.map_or(&[][..], |state| &tree.states[state].captures);
        let takes = captures.iter().take(CAPTURES).enumerate().filter(|(_, capture)| tree.takes(capture, tag));
        let takes = takes.fold(0, |takes, (index, _)| takes | 1 << index);
        let text_start = self.found.text.len();
        self.frames.push(Frame { state, next_child: 0, text_start, text_end: None, takes, at });
        let keeps = self.xml.tree.keeps_unread;
        if keeps && self.message.is_some() {
            self.unread.open(tag.name);
        }
        match state {
            Some(state) => self.open_known(state, tag, at)?,
            None if from_state.is_some() => self.unknown(at, &format!("<{}>", tag.name))?,
            None => {}
        }
        if keeps && self.message.is_some() && takes == 0 {
            let known = state.map_or(&[][..], |state| &self.xml.tree.states[state].attributes);
            for attribute in tag.attributes().filter(|a| !known.iter().any(|(name, _)| name == a.name)) {
                self.unread.attribute(attribute.name, attribute.value);
            }
            self.too_large = self.too_large || self.is_too_large();
        }
        let vocabulary = &self.xml.options.vocabulary;
        if vocabulary.is_empty() {
            return Ok(());
        }
        self.code = vocabulary.list_of(tag).map(|list| (self.frames.len(), list, String::new()));
        vocabulary.unknown(tag, || at.place("")).map_or(Ok(()), |problem| self.amiss(problem))
    }

    fn text(&mut self, piece: &str) -> Result<(), Halt> {
        if let Some((depth, _, code)) = &mut self.code
            && *depth == self.frames.len()
            && code.len() < CODE_BYTES
        {
            code.push_str(piece);
        }
        if let Some(frame) = self.frames.last()
            && frame.is_captured()
            && frame.text_end.is_none()
            && !self.too_large
        {
            self.found.text.push_str(piece);
            self.too_large = self.is_too_large();
        } else if self.xml.tree.keeps_unread
            && self.message.is_some()
            && !self.too_large
            && self.frames.last().is_some_and(|frame| !frame.is_captured())
        {
            self.unread.text(piece);
            self.too_large = self.is_too_large();
        }
        Ok(())
    }

    fn close(&mut self, end: Spot) -> Result<(), Halt> {
        if let Some((_, list, code)) = self.code.take_if(|(depth, ..)| *depth == self.frames.len()) {
            let at = self.frames.last().map_or(At { line: end.line, byte: end.byte }, |frame| frame.at);
            if let Some(problem) = self.xml.options.vocabulary.wrong(list, &code, || at.place("")) {
                self.amiss(problem)?;
            }
        }
        let set = self.frames.last().and_then(|frame| frame.state).and_then(|state| self.xml.tree.states[state].set);
        if self.xml.tree.joins && (self.frames.len() == 1 || set.is_some_and(|set| self.is_interchange(set))) {
            // Where the message is the root itself, nothing can stand beside it.
            self.join()?;
        }
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        if self.xml.tree.keeps_unread && self.message.is_some() {
            self.end_unread(frame.state);
        }
        if let Some(state) = frame.state {
            self.close_known(frame, state, end)?;
        }
        // What follows in the element around is its own text again.
        if let Some(around) = self.frames.last_mut()
            && around.is_captured()
            && around.text_end.is_none()
        {
            around.text_start = self.found.text.len();
        }
        Ok(())
    }
}

impl<'a> Reader<'a> {
    fn new(layout: &'a Layout, xml: &'a Xml, assembly: Assembly<'a>, apart: Option<Apart<'a>>) -> Self {
        Reader {
            layout,
            xml,
            assembly,
            found: Found::default(),
            frames: Vec::new(),
            open_records: Vec::new(),
            message: None,
            too_large: false,
            unknown: Vec::new(),
            code: None,
            apart,
            joining: Joining::default(),
            unread: Unread::default(),
        }
    }

    /// A child begins: the text of the element around it ends, unless it was blank. Tells its state and next child.
    fn suspend_text(&mut self) -> Option<(Option<usize>, usize)> {
        let frame = self.frames.last_mut()?;
        if frame.is_captured() && frame.text_end.is_none() {
            if self.found.text[frame.text_start..].trim().is_empty() {
                self.found.text.truncate(frame.text_start);
            } else {
                frame.text_end = Some(self.found.text.len());
            }
        }
        Some((frame.state, frame.next_child))
    }

    fn open_known(&mut self, state: usize, tag: &Tag<'_>, at: At) -> Result<(), Halt> {
        let tree = &self.xml.tree;
        let state = &tree.states[state];
        if let Some(set) = state.set {
            if tree.sets[set].opens_message && self.message.is_none() {
                let Found { records, slots, text } = &self.found;
                self.too_large = false;
                self.message =
                    Some(Marks { records: records.len(), slots: slots.len(), text: text.len(), start: tag.at.byte });
            }
            self.begin_record(set, at);
        }
        for attribute in tag.attributes() {
            let mut known = false;
            for (_, capture) in state.attributes.iter().filter(|(name, _)| name == attribute.name) {
                known = true;
                if !tree.takes(capture, tag) {
                    continue;
                }
                let start = self.found.text.len();
                self.found.text.push_str(attribute.value);
                self.keep(*capture, start, self.found.text.len(), at);
            }
            known = known || state.captures.iter().any(|c| c.wants.is_some_and(|w| tree.wanted[w].0 == attribute.name));
            if !known && self.message.is_some() {
                self.unknown(at, &format!("@{}", attribute.name))?;
            }
        }
        self.too_large = self.too_large || self.is_too_large();
        if state.set.is_some() && self.message.is_none() {
            return self.check_envelope(true);
        }
        // Its own text comes behind that of its attributes.
        if let Some(frame) = self.frames.last_mut() {
            frame.text_start = self.found.text.len();
        }
        Ok(())
    }

    fn begin_record(&mut self, set: usize, at: At) {
        let first_slot = self.found.slots.len();
        let around = self.open_records.last().copied();
        let messages = self.assembly.messages();
        let mut index = NOT_KEPT;
        if !self.too_large {
            index = self.found.records.len();
            let missing = Slot { start: NONE, len: 0, at };
            self.found.slots.resize(first_slot + self.xml.tree.sets[set].slots.len(), missing);
            self.found.records.push(FoundRecord { set, first_slot, around, messages, text: self.found.text.len(), at });
        }
        self.open_records.push(index);
        if self.xml.tree.keeps_unread && self.message.is_some() {
            self.unread.begin_record();
        }
        if self.is_interchange(set) {
            self.assembly.totals.open(Scope::Interchange);
        }
    }

    /// An element ends: what no row took of its record goes into the slot of the row that keeps it.
    fn end_unread(&mut self, state: Option<usize>) {
        self.unread.told();
        let tree = &self.xml.tree;
        let Some(set) = state.and_then(|state| tree.states[state].set) else { return self.unread.close() };
        let kept = self.unread.end_record(tree.sets[set].unread.is_some());
        self.unread.close();
        let record = self.open_records.last().and_then(|index| self.found.records.get(*index)).copied();
        if let (Some(slot), Some(record)) = (tree.sets[set].unread, record)
            && !kept.is_empty()
        {
            let start = self.found.text.len() as u32;
            self.found.text.push_str(&kept);
            self.found.slots[record.first_slot + slot] = Slot { start, len: kept.len() as u32, at: record.at };
        }
    }

    fn is_interchange(&self, set: usize) -> bool {
        let records = &self.xml.tree.sets[set].records;
        records.iter().any(|index| self.layout.records[*index].role == Role::OpensInterchange)
    }

    /// An interchange is over: its totals are judged and what was found of it is forgotten.
    fn close_interchange(&mut self, index: usize) {
        let Some(record) = self.found.records.get(index).copied() else { return };
        if let Some(apart) = &mut self.apart {
            apart.interchanges.push(Counted { kept: self.assembly.totals.clone(), dropped: apart.dropped.clone() });
            apart.dropped.open(Scope::Interchange);
        }
        for problem in self.assembly.totals.close(Scope::Interchange, &self.layout.records) {
            self.assembly.fatal(problem);
        }
        let Found { records, slots, text } = &mut self.found;
        records.truncate(index);
        slots.truncate(record.first_slot);
        let outer = slots.iter().filter(|slot| slot.start != NONE).map(|slot| (slot.start + slot.len) as usize);
        let end = outer.max().unwrap_or(0).max(record.text);
        text.truncate(end);
    }

    /// Remembers the text of a place. The same place twice must hold the same, unless the layout says which is meant.
    fn keep(&mut self, capture: Capture, start: usize, end: usize, at: At) {
        let depth = self.open_records.len();
        let outer = depth.checked_sub(capture.out + 1).map(|i| self.open_records[i]);
        let Some(record) = outer.and_then(|index| self.found.records.get(index)).copied() else { return };
        let index = record.first_slot + capture.slot;
        let Some(slot) = self.found.slots.get(index).copied() else { return };
        let set = &self.xml.tree.sets[record.set];
        let is_late = set.around && self.message.is_none() && record.messages < self.assembly.messages();
        match set.picks[capture.slot] {
            // The others before it are counted where its length will stand.
            Pick::Nth(nth) if slot.start == NONE && slot.len + 1 < nth => self.found.slots[index].len += 1,
            Pick::Nth(_) if slot.start != NONE => {}
            Pick::All if slot.start != NONE => {
                let from = self.found.text.len();
                self.found.text.extend_from_within(slot.start as usize..(slot.start + slot.len) as usize);
                self.found.text.push(BETWEEN);
                self.found.text.extend_from_within(start..end);
                self.found.slots[index].start = from as u32;
                self.found.slots[index].len = (self.found.text.len() - from) as u32;
            }
            Pick::One if slot.start != NONE => {
                let text = &self.found.text;
                let first = &text[slot.start as usize..(slot.start + slot.len) as usize];
                if first.trim() != text[start..end].trim() {
                    let place = at.place(&set.slots[capture.slot]);
                    let problem = wording::xml_repeated(place, text[start..end].trim(), first.trim());
                    match self.message {
                        Some(_) if self.unknown.len() < UNKNOWN_TOLD => self.unknown.push(problem),
                        Some(_) => {}
                        // Nobody knows which of them holds, of any message in it.
                        None => self.assembly.fatal(problem),
                    }
                }
            }
            _ => {
                self.found.slots[index] = Slot { start: start as u32, len: (end - start) as u32, at };
                if is_late && set.given.contains(&capture.slot) {
                    self.assembly.fatal(wording::xml_late(at.place(&set.slots[capture.slot])));
                }
            }
        }
    }

    fn is_too_large(&self) -> bool {
        let (text, slots) = self.message.map_or((0, 0), |marks| (marks.text, marks.slots));
        self.unread.size() + self.found.text.len() - text + (self.found.slots.len() - slots) * size_of::<Slot>()
            > MESSAGE_MIB << 20
    }

    fn unknown(&mut self, at: At, name: &str) -> Result<(), Halt> {
        if !self.xml.options.unknown_refused {
            return Ok(());
        }
        self.amiss(wording::xml_unknown(at.place(""), name))
    }

    /// A problem of the open message, else of the file.
    fn amiss(&mut self, problem: Problem) -> Result<(), Halt> {
        if self.message.is_none() {
            return Err(problem.into());
        }
        if self.unknown.len() < UNKNOWN_TOLD {
            self.unknown.push(problem);
        }
        Ok(())
    }

    fn close_known(&mut self, frame: Frame, state: usize, end: Spot) -> Result<(), Halt> {
        let tree = &self.xml.tree;
        let text_end = frame.text_end.unwrap_or(self.found.text.len());
        for (index, capture) in tree.states[state].captures.iter().take(64).enumerate() {
            if frame.takes & 1 << index != 0 {
                self.keep(*capture, frame.text_start, text_end, frame.at);
            }
        }
        if tree.states[state].set.is_none() {
            return Ok(());
        }
        if self.message.is_none() {
            self.check_envelope(false)?;
        }
        let closed = self.open_records.pop();
        match self.message {
            Some(marks) if closed == Some(marks.records) => self.finish_message(marks, end),
            None if tree.states[state].set.is_some_and(|set| self.is_interchange(set)) => {
                self.close_interchange(closed.unwrap_or(NOT_KEPT));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn finish_message(&mut self, marks: Marks, end: Spot) -> Result<(), Halt> {
        self.message = None;
        self.unread.clear();
        if self.xml.tree.joins {
            let (problems, too_large) = (std::mem::take(&mut self.unknown), std::mem::take(&mut self.too_large));
            let unit = Unit::split_off(&mut self.found, marks, end.byte, problems, too_large);
            return Ok(self.joining.keep(self.layout, &self.xml.tree, unit)?);
        }
        let drops = self.apart.as_mut().is_some_and(|apart| apart.drops(marks.start));
        self.change_totals(drops);
        let at = self.found.records[marks.records].at;
        self.assembly.begin(at);
        self.assembly.bytes(marks.start..end.byte);
        if std::mem::take(&mut self.too_large) {
            self.assembly.flawed(wording::message_too_large(at.place(""), MESSAGE_MIB));
        } else {
            super::message::build(self.layout, &self.xml.tree, &self.found, marks.records, &mut self.assembly);
        }
        for problem in self.unknown.drain(..) {
            self.assembly.problem(problem);
        }
        self.assembly.finish();
        self.change_totals(drops);
        self.found.records.truncate(marks.records);
        self.found.slots.truncate(marks.slots);
        self.found.text.truncate(marks.text);
        if self.assembly.stopped() { Err(Halt::Stop) } else { Ok(()) }
    }

    /// The element around joined ones ends: what belongs together is a message.
    fn join(&mut self) -> Result<(), Halt> {
        for joined in self.joining.join() {
            self.joined(joined);
            if self.assembly.stopped() {
                return Err(Halt::Stop);
            }
        }
        Ok(())
    }

    fn joined(&mut self, Joined { mut units, has_head }: Joined) {
        let (at, start) = (units[0].at, units[0].range.start);
        let drops = self.apart.as_mut().is_some_and(|apart| apart.drops(start));
        self.change_totals(drops);
        self.assembly.begin(at);
        let mut ranges: Vec<Range<u64>> = units.iter().map(|unit| unit.range.clone()).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.into_iter().for_each(|range| self.assembly.bytes(range));
        let problems: Vec<Problem> = units.iter_mut().flat_map(|unit| std::mem::take(&mut unit.problems)).collect();
        let (records, slots, text) = (self.found.records.len(), self.found.slots.len(), self.found.text.len());
        if super::join::is_too_large(&units) {
            self.assembly.flawed(wording::message_too_large(at.place(""), MESSAGE_MIB));
        } else if has_head {
            let around = self.open_records.last().copied().filter(|around| *around != NOT_KEPT);
            units.into_iter().for_each(|unit| unit.append_to(&mut self.found, around));
            super::message::build(self.layout, &self.xml.tree, &self.found, records, &mut self.assembly);
        } else {
            let head = self.layout.records.iter().find(|record| record.role == Role::Opens(0));
            self.assembly.flawed(wording::head_missing(at.place(""), head.map_or("", |record| record.name.as_str())));
        }
        problems.into_iter().for_each(|problem| self.assembly.problem(problem));
        self.assembly.finish();
        self.change_totals(drops);
        self.found.records.truncate(records);
        self.found.slots.truncate(slots);
        self.found.text.truncate(text);
    }

    /// To those of the messages that are left out, and back.
    fn change_totals(&mut self, drops: bool) {
        if let Some(apart) = self.apart.as_mut().filter(|_| drops) {
            std::mem::swap(&mut self.assembly.totals, &mut apart.dropped);
        }
    }

    /// Checks what a record around the messages says of the file: its attributes when it opens, the rest when it closes.
    fn check_envelope(&mut self, opening: bool) -> Result<(), Halt> {
        let Some(&record) = self.open_records.last().filter(|index| **index != NOT_KEPT) else { return Ok(()) };
        super::message::check_envelope(self.layout, &self.xml.tree, &self.found, record, opening, &mut self.assembly)
            .map_or(Ok(()), |problem| Err(problem.into()))
    }
}
