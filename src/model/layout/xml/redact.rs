//! A copy of an XML file in which the personal fields are overwritten, all else byte for byte as it was sent.
//!
//! Which record an element is may be told by a value behind it, so the texts of a message are kept until it ends. Around
//! the messages, and in one that is too large to be kept, a place is overwritten if any record has something personal there.

use std::collections::HashMap;
use std::io::{self, Read};

use crate::model::layout::cover::{Copier, Cover, Piece, pieces_of};
use crate::model::layout::plan::{Condition, Place};
use crate::model::layout::{Layout, RedactError, Redacted};
use crate::model::syntax::xml::{self, Charset, Halt, Spot, Tag, Visitor, Written};
use crate::model::wording;

use super::Xml;
use super::read::child_state;
use super::tree::{Capture, OUTSIDE, RecordSet, elsewhere, is_piece};

/// Kept of one message; the largest real orders take a few MiB.
const KEPT_BYTES: usize = 16 << 20;
/// No word that tells records apart is longer.
const WORD_BYTES: usize = 64 << 10;
/// So much of a file tells its encoding.
const HEAD_BYTES: u64 = 1 << 10;

pub fn redact(
    layout: &Layout,
    xml: &Xml,
    original: &mut dyn Read,
    copier: &mut Copier<'_>,
) -> Result<Redacted, RedactError> {
    let mut head = Vec::new();
    Read::take(&mut *original, HEAD_BYTES).read_to_end(&mut head)?;
    let fallback = Charset::from(layout.encoding.clone());
    let detected = Charset::detect(&head, Some(&fallback)).map(|detected| detected.charset);
    let mut redactor = Redactor {
        layout,
        xml,
        plans: xml.tree.sets.iter().map(|set| SetPlan::new(layout, set)).collect(),
        charset: detected.unwrap_or_else(|_| fallback.clone()),
        copier,
        frames: Vec::new(),
        open: Vec::new(),
        records: Vec::new(),
        kept: Kept::default(),
        message: None,
        messages: 0,
        failed: None,
    };
    let end = xml::read(&mut head.chain(original), Some(&fallback), &mut redactor)?;
    if let Some(error) = redactor.failed {
        return Err(error.into());
    }
    if let Some(problem) = end.problem {
        return Err(RedactError::NotRead(problem.to_string()));
    }
    if redactor.messages == 0 && !xml.options.empty_allowed {
        return Err(RedactError::NotRead(format!("no element of it is a message of the layout {}.", layout.id)));
    }
    redactor.copier.finish()?;
    Ok(Redacted::default())
}

/// What of the records of a path is personal.
struct SetPlan {
    /// By record and slot.
    covers: Vec<Vec<Option<Cover>>>,
    /// By slot: any record has something personal there.
    any: Vec<Option<Cover>>,
    /// By slot: its text tells the records apart.
    tells: Vec<bool>,
}

impl SetPlan {
    fn new(layout: &Layout, set: &RecordSet) -> Self {
        let mut plan =
            SetPlan { covers: Vec::new(), any: vec![None; set.slots.len()], tells: vec![false; set.slots.len()] };
        for (index, places) in set.records.iter().zip(&set.places) {
            let mut covers = vec![None; set.slots.len()];
            for (field, slots) in layout.records[*index].fields.iter().zip(&places.fields) {
                if !field.personal {
                    continue;
                }
                if let Place::Computed(expression) = &field.place {
                    let looked_at = set.slots.iter().enumerate().filter(|(_, name)| expression.names(name));
                    looked_at.for_each(|(slot, _)| merge(&mut covers[slot], Some(&Cover::default())));
                }
                if is_piece(&layout.records[*index], field) {
                    // One piece of a list cannot be told from the others: all of it is overwritten.
                    places.each.iter().for_each(|slot| merge(&mut covers[*slot], Some(&Cover::default())));
                }
                let cover = Cover::of(&field.form);
                slots.iter().flatten().for_each(|slot| merge(&mut covers[*slot], Some(&cover)));
            }
            plan.any.iter_mut().zip(&covers).for_each(|(any, cover)| merge(any, cover.as_ref()));
            plan.covers.push(covers);
            places.conditions.iter().flatten().for_each(|slot| plan.tells[*slot] = true);
        }
        plan
    }
}

fn merge(into: &mut Option<Cover>, cover: Option<&Cover>) {
    match (into, cover) {
        (_, None) => {}
        (Some(known), Some(cover)) => known.merge(cover),
        (none, Some(cover)) => *none = Some(cover.clone()),
    }
}

/// An open element.
struct Frame {
    /// Nothing for elements that the layout does not know.
    state: Option<usize>,
    next_child: usize,
    /// Its own text, where that matters.
    value: Option<usize>,
}

/// The texts of the open message that may have to be overwritten, or tell what it is.
#[derive(Default)]
struct Kept {
    values: Vec<Value>,
    pieces: Vec<Placed>,
    text: String,
}

/// An attribute's value or an element's own text.
struct Value {
    /// The slots it fills: of which open record, and which.
    fills: Vec<(usize, usize)>,
    /// References resolved; only where it tells records apart.
    word: Option<String>,
    /// A child came behind it: what follows is not part of the word.
    ended: bool,
}

/// A stretch of a value as it is written, in `text`.
struct Placed {
    value: usize,
    byte: u64,
    start: usize,
    end: usize,
    reference: bool,
}

impl Kept {
    fn size(&self) -> usize {
        self.text.len() + self.pieces.len() * size_of::<Placed>() + self.values.len() * 2 * size_of::<Value>()
    }
}

/// How much there was of everything when the message began.
#[derive(Clone, Copy)]
struct Marks {
    open: usize,
    records: usize,
    values: usize,
    /// It is too large to be kept: its places are overwritten at once.
    at_once: bool,
}

struct Redactor<'r, 'c> {
    layout: &'r Layout,
    xml: &'r Xml,
    plans: Vec<SetPlan>,
    charset: Charset,
    copier: &'r mut Copier<'c>,
    frames: Vec<Frame>,
    /// The records whose elements are open.
    open: Vec<usize>,
    /// The set of each record of the open message and of those around it.
    records: Vec<usize>,
    kept: Kept,
    message: Option<Marks>,
    messages: u64,
    failed: Option<io::Error>,
}

impl Visitor for Redactor<'_, '_> {
    const PLACED: bool = true;

    fn written(&mut self, piece: Written<'_>) {
        if let Some(value) = self.frames.last().and_then(|frame| frame.value) {
            self.piece(value, Piece { text: piece.text, reference: piece.reference }, piece.byte);
        }
    }

    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        let tree = &self.xml.tree;
        let (from, mut next) = self.frames.last().map_or((Some(OUTSIDE), 0), |frame| (frame.state, frame.next_child));
        let state = from.and_then(|from| child_state(tree, from, tag.name, tag.space, &mut next));
        match self.frames.last_mut() {
            Some(around) => {
                around.next_child = next;
                if let Some(value) = around.value.map(|value| &mut self.kept.values[value]) {
                    value.ended |= value.word.as_ref().is_some_and(|word| !word.trim().is_empty());
                }
            }
            None if state.is_none() => {
                let place =
                    crate::model::diagnostic::Place { line: tag.at.line, byte: tag.at.byte, ..Default::default() };
                return Err(wording::xml_wrong_root(place, tag.name, &self.xml.options.root).into());
            }
            None => {}
        }
        let value;
        if let Some(state) = state.map(|state| &tree.states[state]) {
            if let Some(set) = state.set {
                self.begin_record(set);
            }
            let takes = || state.captures.iter().filter(|capture| tree.takes(capture, tag)).copied();
            self.attributes(&state.attributes, tag, takes().next().is_none());
            value = if takes().next().is_none() { self.unread() } else { self.value(takes()) };
        } else {
            self.attributes(&[], tag, true);
            value = self.unread();
        }
        self.frames.push(Frame { state, next_child: 0, value });
        self.halted()
    }

    fn text(&mut self, piece: &str) -> Result<(), Halt> {
        if let Some(value) = self.frames.last().and_then(|frame| frame.value) {
            let value = &mut self.kept.values[value];
            if let Some(word) = value.word.as_mut().filter(|word| !value.ended && word.len() < WORD_BYTES) {
                word.push_str(piece);
            }
        }
        self.halted()
    }

    fn close(&mut self, _: Spot) -> Result<(), Halt> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        if let Some(value) = frame.value.filter(|_| self.is_at_once()) {
            self.kept.values.truncate(value);
        }
        let opened_record = frame.state.is_some_and(|state| self.xml.tree.states[state].set.is_some());
        let Some(record) = self.open.last().copied().filter(|_| opened_record) else { return self.halted() };
        self.open.pop();
        if self.is_at_once() {
            self.records.truncate(record);
        }
        if let Some(marks) = self.message.filter(|marks| marks.open == self.open.len()) {
            self.flush(true);
            self.message = None;
            self.records.truncate(marks.records);
            self.kept.values.truncate(marks.values);
        }
        self.halted()
    }
}

impl Redactor<'_, '_> {
    fn halted(&self) -> Result<(), Halt> {
        if self.failed.is_some() { Err(Halt::Stop) } else { Ok(()) }
    }

    /// Nothing is kept here: what may be personal is overwritten when it is met.
    fn is_at_once(&self) -> bool {
        self.message.is_none_or(|marks| marks.at_once)
    }

    fn begin_record(&mut self, set: usize) {
        if self.xml.tree.sets[set].opens_message && self.message.is_none() {
            let (open, records, values) = (self.open.len(), self.records.len(), self.kept.values.len());
            self.message = Some(Marks { open, records, values, at_once: false });
            self.messages += 1;
        }
        self.open.push(self.records.len());
        self.records.push(set);
    }

    /// `unread`: no row takes what the element holds.
    fn attributes(&mut self, known: &[(String, Capture)], tag: &Tag<'_>, unread: bool) {
        for ((name, raw, before), attribute) in tag.attributes_written().zip(tag.attributes()) {
            let takes = |capture: &Capture| self.xml.tree.takes(capture, tag);
            let captures = known.iter().filter(|(known, _)| known == name).map(|(_, capture)| *capture);
            let captures: Vec<Capture> = captures.filter(takes).collect();
            let left = unread && captures.is_empty();
            let value = if left { self.unread() } else { self.value(captures.into_iter()) };
            let Some(value) = value else { continue };
            if let Some(word) = &mut self.kept.values[value].word {
                word.push_str(attribute.value);
            }
            let mut byte =
                tag.at.byte + ["<", tag.qualified, before].map(|part| self.charset.width(part)).iter().sum::<u64>();
            for piece in pieces_of(raw) {
                self.piece(value, piece, byte);
                byte += self.charset.width(piece.text);
            }
            if self.is_at_once() {
                self.kept.values.truncate(value);
            }
        }
    }

    /// A value that fills these slots begins; nothing where none of them matters.
    fn value(&mut self, captures: impl Iterator<Item = Capture>) -> Option<usize> {
        let open = &self.open;
        let record = |capture: &Capture| open.len().checked_sub(capture.out + 1).map(|at| open[at]);
        let fills: Vec<(usize, usize)> = captures.filter_map(|c| Some((record(&c)?, c.slot))).collect();
        let plan = |record: usize| &self.plans[self.records[record]];
        let tells = fills.iter().any(|(record, slot)| plan(*record).tells[*slot]);
        if !tells && !fills.iter().any(|(record, slot)| plan(*record).any[*slot].is_some()) {
            return None;
        }
        self.kept.values.push(Value { fills, word: tells.then(String::new), ended: false });
        Some(self.kept.values.len() - 1)
    }

    /// A value that no row takes, where a personal row keeps what is left.
    fn unread(&mut self) -> Option<usize> {
        self.message?;
        let keeping = self.open.iter().rev().find_map(|record| {
            let set = self.records[*record];
            self.xml.tree.sets[set].unread.map(|slot| (*record, set, slot))
        });
        let (record, set, slot) = keeping?;
        self.plans[set].any[slot].as_ref()?;
        self.kept.values.push(Value { fills: vec![(record, slot)], word: None, ended: false });
        Some(self.kept.values.len() - 1)
    }

    fn piece(&mut self, value: usize, piece: Piece<'_>, byte: u64) {
        if self.is_at_once() {
            let mut cover = None;
            for (record, slot) in &self.kept.values[value].fills {
                merge(&mut cover, self.plans[self.records[*record]].any[*slot].as_ref());
            }
            if let Some(cover) = cover {
                let with = cover.apply(&[piece], None, &self.charset).concat();
                self.replace(byte, &with);
            }
            return;
        }
        let Kept { pieces, text, .. } = &mut self.kept;
        let start = text.len();
        text.push_str(piece.text);
        pieces.push(Placed { value, byte, start, end: text.len(), reference: piece.reference });
        if self.kept.size() > KEPT_BYTES {
            self.flush(false);
            if let Some(marks) = &mut self.message {
                marks.at_once = true;
            }
        }
    }

    fn replace(&mut self, byte: u64, with: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.copier.replace(byte, with).err();
        }
    }

    /// Overwrites what is personal of all that is kept; `whole`: all that tells the records apart is known.
    fn flush(&mut self, whole: bool) {
        let kept = std::mem::take(&mut self.kept);
        let meant = self.meant(&kept, whole);
        let mut covered: Vec<Option<Vec<u8>>> = vec![None; kept.pieces.len()];
        let mut order: Vec<usize> = (0..kept.pieces.len()).collect();
        order.sort_by_key(|at| kept.pieces[*at].value);
        for same in order.chunk_by(|a, b| kept.pieces[*a].value == kept.pieces[*b].value) {
            let mut cover = None;
            for (record, slot) in &kept.values[kept.pieces[same[0]].value].fills {
                let covers = &self.plans[self.records[*record]].covers;
                meant[*record].iter().for_each(|at| merge(&mut cover, covers[*at][*slot].as_ref()));
            }
            let Some(cover) = cover else { continue };
            let pieces: Vec<Piece<'_>> = same.iter().map(|at| kept.pieces[*at].as_written(&kept.text)).collect();
            for (at, with) in same.iter().zip(cover.apply(&pieces, None, &self.charset)) {
                covered[*at] = Some(with);
            }
        }
        for (piece, with) in kept.pieces.iter().zip(&covered) {
            with.iter().for_each(|with| self.replace(piece.byte, with));
        }
        // Open elements still point to their values.
        self.kept.values = kept.values;
    }

    /// By record: which of those with its path it may be. Of expressions both answers are possible.
    fn meant(&self, kept: &Kept, whole: bool) -> Vec<Vec<usize>> {
        let mut words: HashMap<(usize, usize), &str> = HashMap::new();
        for value in &kept.values {
            for fill in value.word.iter().flat_map(|_| &value.fills) {
                words.entry(*fill).or_insert(value.word.as_deref().unwrap_or_default());
            }
        }
        let meant = |(record, set): (usize, &usize)| {
            let set = &self.xml.tree.sets[*set];
            let all = (0..set.records.len()).collect();
            let mut possible = Vec::new();
            for (at, (index, places)) in set.records.iter().zip(&set.places).enumerate().take_while(|_| whole) {
                let when = &self.layout.records[*index].when;
                let fits = when.iter().zip(&places.conditions).all(|(condition, slots)| match condition {
                    // What the record around says is not looked up here.
                    Condition::Is { words: wanted, .. } if wanted.iter().any(|word| elsewhere(word).is_some()) => true,
                    Condition::Is { words: wanted, not, .. } => {
                        let found = slots.iter().find_map(|slot| words.get(&(record, *slot)));
                        let found = found.map_or("", |word| word.trim());
                        wanted.iter().any(|word| word == found) != *not
                    }
                    Condition::Holds(_) => true,
                });
                if fits {
                    possible.push(at);
                }
                let is_certain = |condition: &Condition| match condition {
                    Condition::Is { words, .. } => words.iter().all(|word| elsewhere(word).is_none()),
                    Condition::Holds(_) => false,
                };
                if fits && when.iter().all(is_certain) {
                    return possible;
                }
            }
            // None fits for certain: whatever any of them calls personal.
            if possible.is_empty() { all } else { possible }
        };
        self.records.iter().enumerate().map(meant).collect()
    }
}

impl Placed {
    fn as_written<'t>(&self, text: &'t str) -> Piece<'t> {
        Piece { text: &text[self.start..self.end], reference: self.reference }
    }
}
