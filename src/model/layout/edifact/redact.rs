//! A copy of an EDIFACT file in which the personal fields are overwritten, all else byte for byte as it was sent.
//!
//! Messages that the layout does not read are overwritten whole but for their marks: what they hold may be anything.

use std::io::Read;
use std::ops::Range;

use crate::model::layout::cover::{Copier, Cover, Piece as Stretch};
use crate::model::layout::plan::Role;
use crate::model::layout::{Layout, RedactError, Redacted};
use crate::model::syntax::edifact::charset::Charset;
use crate::model::syntax::edifact::{Next, Segment, SegmentReader, Tag};
use crate::model::syntax::xml;
use crate::model::wording;

use super::Edifact;
use super::envelope;
use super::fill::at_of;
use super::moment;
use super::options::Member;
use super::place::{Element, Piece, Step};
use super::read::kind_of;
use super::states::{Capture, NOWHERE};
use super::walk::{self, Finder, Left, Walk};

pub fn redact(
    layout: &Layout,
    edifact: &Edifact,
    mut original: &mut dyn Read,
    copier: &mut Copier<'_>,
) -> Result<Redacted, RedactError> {
    let mut reader = SegmentReader::open(&mut original)?;
    let utf8 = reader.is_utf8();
    let charset = edifact.options.charset.clone().unwrap_or_else(Charset::undeclared);
    let mut covers = Covers { layout, edifact, records: Vec::new(), charset, found: Vec::new() };
    let (mut walk, mut message, mut first, mut unread) = (Walk::default(), Message::None, true, 0);
    loop {
        let segment = match reader.take_segment()? {
            Next::Segment(segment) => segment,
            Next::End => break,
            Next::BrokenUna { line, byte, found } => {
                let place = crate::model::layout::assembly::At { line, byte }.place("UNA");
                return Err(RedactError::NotRead(wording::edifact::una_broken(place, &found).to_string()));
            }
            Next::TooLong { .. } => return Err(RedactError::NotRead("a segment of it has no end.".to_string())),
        };
        if std::mem::take(&mut first) && !matches!(&segment.tag.0, b"UNB" | b"UNG" | b"UNH") {
            let problem = wording::edifact::not_edifact(at_of(&segment, 0).place(""), &segment.tag_text());
            return Err(RedactError::NotRead(problem.to_string()));
        }
        match (&segment.tag.0, message) {
            (b"UNB", _) => {
                message = Message::None;
                covers.charset = envelope::charset(&segment, &edifact.options, utf8)
                    .map_err(|problem| RedactError::NotRead(problem.to_string()))?;
                covers.interchange(&segment);
            }
            (b"UNG" | b"UNE" | b"UNZ", _) => message = Message::None,
            (b"UNH", _) => {
                let (kind, version) = kind_of(&segment);
                let ours = kind == edifact.options.message && edifact.options.reads_version(&version);
                message = if ours { Message::Ours } else { Message::Foreign };
                if ours {
                    walk.begin(edifact, &segment, &mut covers);
                }
            }
            (b"UNT", _) => message = Message::None,
            (_, Message::Ours) => walk.segment(edifact, &segment, &mut covers),
            (_, Message::Foreign | Message::None) => {
                unread += 1;
                let separators = segment.separators;
                let marks = [separators.component, separators.element, separators.terminator];
                let charset = xml::Charset::from(covers.charset.read_as(segment.bytes));
                let end = segment.range.start + segment.bytes.len() as u64;
                copier.cover(segment.range.start..end, &marks, &charset)?;
            }
        }
        covers.found.sort_by_key(|(byte, _)| *byte);
        for (byte, with) in covers.found.drain(..) {
            copier.replace(byte, &with)?;
        }
    }
    copier.finish()?;
    Ok(Redacted { unread })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    None,
    Ours,
    Foreign,
}

/// Finds the personal places of a message.
struct Covers<'c> {
    layout: &'c Layout,
    edifact: &'c Edifact,
    /// The open records, by depth.
    records: Vec<usize>,
    charset: Charset,
    /// New bytes, and where they go.
    found: Vec<(u64, Vec<u8>)>,
}

impl Covers<'_> {
    fn interchange(&mut self, segment: &Segment<'_>) {
        let state = self.edifact.states.interchange;
        let Some(record) = self.edifact.states.states.get(state).and_then(|s| s.record) else { return };
        if state != NOWHERE {
            self.records = vec![record];
            walk::own(self.edifact, state, 0, segment, self);
        }
    }

    fn cover(&mut self, cover: &Cover, segment: &Segment<'_>, range: Range<usize>) {
        let raw = &segment.bytes[range.clone()];
        let separators = segment.separators;
        let marks = [separators.component, separators.element, separators.terminator];
        let encoding = self.charset.read_as(raw);
        let mut text = String::new();
        let mut new = match encoding.decode(raw, &mut text) {
            Ok(()) => {
                cover.apply(&[Stretch { text: &text, reference: false }], None, &xml::Charset::from(encoding)).concat()
            }
            Err(_) => blank(raw, &marks),
        };
        // A mark that stays without the character that released it would cut the value.
        let cuts = new
            .iter()
            .enumerate()
            .any(|(at, byte)| marks.contains(byte) && (at == 0 || Some(new[at - 1]) != separators.release));
        if cuts || new.len() != raw.len() || new.last().is_some_and(|b| Some(*b) == separators.release) {
            new = blank(raw, &marks);
        }
        self.found.push((segment.range.start + range.start as u64, new));
    }
}

/// What is no text in its character set is overwritten byte by byte. A line end stays, unless segments end with it.
fn blank(raw: &[u8], marks: &[u8]) -> Vec<u8> {
    let stays = |b: &u8| matches!(b, b'\n' | b'\r') && !marks.contains(b);
    raw.iter().map(|b| if stays(b) { *b } else { b'x' }).collect()
}

impl Covers<'_> {
    /// A code by which rows or groups choose says nothing of anybody, and without it the copy would be read as another segment;
    /// nor does the format of a date, without which a week would be taken for a day.
    fn is_code(&self, segment: &Segment<'_>, element: usize, component: usize) -> bool {
        let says = |words: &[String]| words.iter().any(|word| segment.says(element, component, word));
        let states = self.edifact.states.states.iter();
        let steps = states.flat_map(|state| std::iter::once(&state.step).chain(state.own.iter().map(|(step, _)| step)));
        let chooses = |step: &Step| {
            let first = (element, component) == (1, 1) && says(&step.words);
            let further = step.conditions.iter().any(|condition| {
                let is_there = match condition.element {
                    Element::At(at) => at == element,
                    Element::Any => element >= 2,
                };
                is_there && condition.component == component && says(&condition.words)
            });
            first || further
        };
        let joins = |member: &Member| match member {
            Member::Qualified(tag, words) => *tag == segment.tag && (element, component) == (1, 1) && says(words),
            Member::All | Member::Tag(_) => false,
        };
        let is_format =
            segment.tag == Tag(*b"DTM") && (element, component) == (1, 3) && !moment::says_a_day(segment.raw(1, 3));
        is_format
            || steps.filter(|step| step.tag == segment.tag).any(chooses)
            || self.edifact.options.groups.iter().flat_map(|group| &group.members).any(joins)
    }
}

impl Finder for Covers<'_> {
    fn open(&mut self, record: usize, depth: usize, _: &Segment<'_>) -> bool {
        self.records.truncate(depth);
        self.records.push(record);
        self.layout.records[record].role != Role::Ignored
    }

    fn value(&mut self, depth: usize, capture: Capture, segment: &Segment<'_>, any: usize) {
        let Some(record) = self.records.get(depth) else { return };
        let edifact = self.edifact;
        let Some(cover) = &edifact.states.places[*record].slots[capture.slot].cover else { return };
        let (element, from, to) = match capture.piece {
            Piece::Components(element, from, to) => (element.at(any), from, to),
            Piece::Date | Piece::Day | Piece::Time => (1, 2, 2),
        };
        for component in from..=to {
            let Some(range) = segment.component(element, component) else { break };
            self.cover(cover, segment, range);
        }
    }

    fn close(&mut self, _: usize) {}

    fn unknown(&mut self, _: &Segment<'_>) {}

    /// Nobody knows what stands in it: where the row that keeps it is personal, all of it is.
    fn unread(&mut self, depth: usize, left: Left<'_>) {
        let Left::Segment(segment, read) = left else { return };
        let places = &self.edifact.states.places;
        let keeping = self.records.iter().take(depth + 1).rev().find_map(|record| {
            let places = &places[*record];
            places.unread.map(|slot| &places.slots[slot])
        });
        let Some(cover) = keeping.and_then(|slot| slot.cover.as_ref()) else { return };
        for element in read.left(segment) {
            let components = (1..).map_while(|component| Some((component, segment.component(element, component)?)));
            for (component, range) in components {
                if !self.is_code(segment, element, component) {
                    self.cover(cover, segment, range);
                }
            }
        }
    }
}
