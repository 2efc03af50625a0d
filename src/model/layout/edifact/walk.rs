//! Goes through the segments of a message and says which record each belongs to and which values stand in it.
//!
//! A segment belongs to the group that was opened last and takes it; groups that do not take it end there. Reading and
//! redacting go the same way and do different things with what is found. What is open is never deeper than there are groups.

use crate::model::syntax::edifact::Segment;

use super::Edifact;
use super::options::Member;
use super::place::Piece;
use super::states::Capture;

/// Takes what is found, in the order of the file.
pub(super) trait Finder {
    /// A record begins; false when what is in it is of no interest.
    fn open(&mut self, record: usize, depth: usize, segment: &Segment<'_>) -> bool;
    /// A value of the record open at this depth; `any` is the element that `*` stands for.
    fn value(&mut self, depth: usize, capture: Capture, segment: &Segment<'_>, any: usize);
    /// The record open at this depth ends.
    fn close(&mut self, depth: usize);
    /// No row of the layout looks at this segment.
    fn unknown(&mut self, segment: &Segment<'_>);
    /// No row reads a value of this segment; told where a row keeps what is left.
    fn unread(&mut self, depth: usize, left: Left<'_>);
}

/// A segment that no row reads.
pub(super) enum Left<'s> {
    /// With the elements of it that rows do read.
    Segment(&'s Segment<'s>, Elements),
    /// One that was read, given again since another is left that belongs to it: as it was sent.
    Around(&'s [u8]),
}

/// Where in a message the reading stands.
#[derive(Debug, Default)]
pub(super) struct Walk {
    frames: Vec<Frame>,
    /// States whose children may come, with the depth of their record; those of each frame behind the other.
    active: Vec<(usize, usize)>,
    /// Records open.
    depth: usize,
    /// The segments that opened the frames, as they were sent, where what is left is kept.
    texts: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Index of its group; nothing for the message and for records that nothing belongs to.
    group: Option<usize>,
    first: usize,
    record: bool,
    /// Where its segment stands among the texts.
    text: usize,
    /// What is left of it is told with it.
    told: bool,
}

impl Walk {
    /// A message begins with its UNH.
    pub fn begin(&mut self, edifact: &Edifact, segment: &Segment<'_>, finder: &mut dyn Finder) {
        self.frames.clear();
        self.active.clear();
        self.depth = 0;
        let state = edifact.states.message;
        let Some(record) = edifact.states.states[state].record else { return };
        self.texts.clear();
        self.frames.push(Frame { group: None, first: 0, record: true, text: 0, told: true });
        finder.open(record, 0, segment);
        self.depth = 1;
        self.active.push((state, 0));
        let _ = own(edifact, state, 0, segment, finder);
    }

    /// The message ends.
    pub fn end(&mut self, finder: &mut dyn Finder) {
        while !self.frames.is_empty() {
            self.pop(finder);
        }
    }

    fn pop(&mut self, finder: &mut dyn Finder) {
        let Some(frame) = self.frames.pop() else { return };
        self.active.truncate(frame.first);
        self.texts.truncate(frame.text);
        if frame.record {
            self.depth -= 1;
            finder.close(self.depth);
        }
    }

    pub fn segment(&mut self, edifact: &Edifact, segment: &Segment<'_>, finder: &mut dyn Finder) {
        let groups = &edifact.options.groups;
        let group = groups.iter().position(|group| group.tag == segment.tag);
        // The same group again: the one before has ended, whatever is open in it.
        if group.is_some()
            && let Some(open) = self.frames.iter().rposition(|frame| frame.group == group)
        {
            while self.frames.len() > open {
                self.pop(finder);
            }
        }
        while self.frames.len() > 1 && !self.frames.last().is_some_and(|frame| takes(edifact, *frame, segment)) {
            self.pop(finder);
        }
        let first = self.active.len();
        let from = self.frames.last().map_or(first, |frame| frame.first);
        let mut record = None;
        let mut read = Elements::default();
        for at in from..first {
            let (state, depth) = self.active[at];
            let children = edifact.states.states[state].children.iter().find(|(tag, _)| *tag == segment.tag);
            for &child in children.map_or(&[][..], |(_, children)| children) {
                let Some(any) = edifact.states.states[child].step.matches(segment) else { continue };
                match edifact.states.states[child].record {
                    // Of several records the first that fits is meant.
                    Some(index) => record = record.or(Some((child, index))),
                    None => {
                        for capture in &edifact.states.states[child].captures {
                            if capture.piece.looks_at(segment) {
                                read.note(capture.piece, segment, any);
                                finder.value(depth, *capture, segment, any);
                            }
                        }
                        self.active.push((child, depth));
                    }
                }
            }
        }
        let known = self.active.len() > first || record.is_some() || group.is_some();
        if let Some((state, index)) = record {
            let depth = self.depth;
            if finder.open(index, depth, segment) {
                self.active.push((state, depth));
                read = own(edifact, state, depth, segment, finder);
            } else {
                read = Elements::ALL;
                self.active.truncate(first);
            }
            self.depth += 1;
        }
        let leaves = edifact.states.keeps_unread && read.leave(segment);
        if leaves {
            self.leave(segment, read, finder);
        }
        if group.is_some() || record.is_some() {
            let told = record.is_some() || leaves;
            self.frames.push(Frame { group, first, record: record.is_some(), text: self.texts.len(), told });
            if edifact.states.keeps_unread && !told {
                self.texts.extend_from_slice(segment.bytes);
            }
        } else {
            self.active.truncate(first);
        }
        if !known {
            finder.unknown(segment);
        }
    }
}

impl Walk {
    /// Tells a segment that no row reads, behind those it belongs to: a date says nothing without the place it is of.
    fn leave(&mut self, segment: &Segment<'_>, read: Elements, finder: &mut dyn Finder) {
        let Some(depth) = self.depth.checked_sub(1) else { return };
        let ends: Vec<usize> = self.frames.iter().skip(1).map(|f| f.text).chain([self.texts.len()]).collect();
        for (frame, end) in self.frames.iter_mut().zip(ends) {
            if !std::mem::replace(&mut frame.told, true) {
                finder.unread(depth, Left::Around(&self.texts[frame.text..end]));
            }
        }
        finder.unread(depth, Left::Segment(segment, read));
    }
}

fn takes(edifact: &Edifact, frame: Frame, segment: &Segment<'_>) -> bool {
    let Some(group) = frame.group else { return false };
    edifact.options.groups[group].members.iter().any(|member| match member {
        Member::All => true,
        Member::Tag(tag) => *tag == segment.tag,
        Member::Qualified(tag, words) => *tag == segment.tag && words.iter().any(|word| segment.says(1, 1, word)),
    })
}

/// The places of the segment that begins a record.
pub(super) fn own(
    edifact: &Edifact,
    state: usize,
    depth: usize,
    segment: &Segment<'_>,
    finder: &mut dyn Finder,
) -> Elements {
    let mut read = Elements::default();
    for (step, capture) in &edifact.states.states[state].own {
        if let Some(any) = step.matches(segment) {
            read.note(capture.piece, segment, any);
            finder.value(depth, *capture, segment, any);
        }
    }
    read
}

/// The elements of a segment that rows look at: a bit each.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Elements {
    found: u128,
    /// Some row looks at the segment, whatever it finds there.
    is_known: bool,
}

impl Elements {
    const ALL: Elements = Elements { found: u128::MAX, is_known: true };

    fn note(&mut self, piece: Piece, segment: &Segment<'_>, any: usize) {
        let (element, finds) = match piece {
            Piece::Components(element, from, to) => {
                let element = element.at(any);
                (element, (from..=to).any(|component| !segment.raw(element, component).is_empty()))
            }
            Piece::Date | Piece::Day | Piece::Time => (1, true),
        };
        self.is_known = true;
        self.found |= u128::from(finds) << element.min(127);
    }

    /// Is something left that no row looks at? The first element says of most segments what they are, and is nothing by itself.
    fn leave(self, segment: &Segment<'_>) -> bool {
        self.left(segment).any(|element| segment.says_something(element))
    }

    /// The elements that no row looks at.
    pub fn left(self, segment: &Segment<'_>) -> impl Iterator<Item = usize> {
        let first = if self.is_known { 2 } else { 1 };
        (first..=segment.elements()).filter(move |element| self.found & 1 << (*element).min(127) == 0)
    }
}
