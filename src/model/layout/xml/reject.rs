//! A correctable file of some messages alone: what stands before the first message and behind the last one, and between
//! them the messages' own bytes, each cut from the sender's file; counts and sums around the messages are made right.

use std::io::{self, Read, SeekFrom, Write};
use std::ops::Range;

use crate::model::layout::Layout;
use crate::model::layout::control::{corrected, total};
use crate::model::layout::plan::{Field, Role, Scope};
use crate::model::layout::seam::Input;
use crate::model::syntax::xml::{self, Charset, Halt, Spot, Tag, Visitor, Written};

use super::Xml;
use super::read::{child_state, totals_apart};
use super::tree::{Capture, OUTSIDE};

/// So much of a file tells its encoding.
const HEAD_BYTES: u64 = 1 << 10;

/// New bytes in place of a range of the original's.
type Patch = (Range<u64>, Vec<u8>);

/// Writes the file; `messages` are the ranges of those it is to hold, sorted.
pub fn rebuild(
    layout: &Layout,
    xml: &Xml,
    original: &mut dyn Input,
    messages: &[Range<u64>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let fallback = Charset::from(layout.encoding.clone());
    let charset = charset_of(original, &fallback)?;
    let mut survey = Survey::new(layout, xml, &charset);
    original.rewind()?;
    let end = xml::read(original, Some(&fallback), &mut survey)?;
    let Some(head) = survey.first_message else { return Ok(()) };
    let patches = patches(&survey, original, messages)?;
    // What an interchange says of its messages is not true of another's.
    if xml.tree.joins || survey.interchanges > 1 && end.problem.is_none() {
        return without_others(&survey, original, messages, &patches, out);
    }
    let line_end = encoded(&charset, xml.options.line_end);
    copy_patched(original, 0..head, &patches, out)?;
    for range in messages {
        copy(original, range.clone(), out)?;
        out.write_all(&line_end)?;
    }
    match survey.tail.filter(|_| end.problem.is_none()) {
        Some(tail) => {
            let size = original.seek(SeekFrom::End(0))?;
            copy_patched(original, tail..size, &patches, out)
        }
        // The file breaks off, or its last message stands elsewhere than the first: what was opened is closed.
        None => {
            for name in survey.around_first.iter().rev() {
                out.write_all(&encoded(&charset, &format!("</{name}>")))?;
            }
            out.write_all(&line_end)
        }
    }
}

/// All of the file but the elements of other messages: what is joined may stand in several places of it.
fn without_others(
    survey: &Survey<'_>,
    original: &mut dyn Input,
    messages: &[Range<u64>],
    patches: &[Patch],
    out: &mut dyn Write,
) -> io::Result<()> {
    let is_kept = |unit: &Range<u64>| {
        let at = messages.partition_point(|range| range.end <= unit.start);
        messages.get(at).is_some_and(|range| range.contains(&unit.start))
    };
    let mut at = 0;
    for unit in survey.units.iter().filter(|unit| !is_kept(unit)) {
        copy_patched(original, at..unit.start, patches, out)?;
        at = unit.end;
    }
    let size = original.seek(SeekFrom::End(0))?;
    copy_patched(original, at..size, patches, out)
}

/// What the controls around the messages must say.
fn patches(survey: &Survey<'_>, original: &mut dyn Input, messages: &[Range<u64>]) -> io::Result<Vec<Patch>> {
    if survey.claims.is_empty() {
        return Ok(Vec::new());
    }
    original.rewind()?;
    let (file, interchanges) = totals_apart(survey.layout, survey.xml, original, messages)?;
    let new = |claim: &Claim<'_>| {
        let is_of_one = total(claim.field).is_some_and(|control| control.scope == Scope::Interchange);
        let of = interchanges.get(claim.interchange).filter(|_| is_of_one).unwrap_or(&file);
        let text = corrected(claim.field, &claim.text, &of.kept, &of.dropped, claim.field.form.width)?;
        Some((claim.range.clone(), encoded(survey.charset, &text)))
    };
    let mut patches: Vec<Patch> = survey.claims.iter().filter_map(new).collect();
    patches.sort_by_key(|(range, _)| range.start);
    // Two records may name the same place.
    patches.dedup_by_key(|(range, _)| range.start);
    Ok(patches)
}

/// Numbers and names that were read in this encoding can be written in it.
fn encoded(charset: &Charset, text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = charset.encode(text, &mut bytes);
    bytes
}

fn charset_of(original: &mut dyn Input, fallback: &Charset) -> io::Result<Charset> {
    let mut first = Vec::new();
    original.rewind()?;
    Read::take(&mut *original, HEAD_BYTES).read_to_end(&mut first)?;
    Ok(Charset::detect(&first, Some(fallback)).map_or_else(|_| fallback.clone(), |detected| detected.charset))
}

fn copy(original: &mut dyn Input, range: Range<u64>, out: &mut dyn Write) -> io::Result<()> {
    original.seek(SeekFrom::Start(range.start))?;
    io::copy(&mut Read::take(&mut *original, range.end.saturating_sub(range.start)), out)?;
    Ok(())
}

fn copy_patched(original: &mut dyn Input, range: Range<u64>, patches: &[Patch], out: &mut dyn Write) -> io::Result<()> {
    let mut at = range.start;
    for (place, new) in patches.iter().filter(|(place, _)| range.start <= place.start && place.end <= range.end) {
        copy(original, at..place.start, out)?;
        out.write_all(new)?;
        at = place.end;
    }
    copy(original, at..range.end, out)
}

/// A count or sum that the file claims around its messages, and where its digits stand.
struct Claim<'s> {
    field: &'s Field,
    /// Interchanges that ended before it.
    interchange: usize,
    text: String,
    range: Range<u64>,
}

/// An open element around the messages.
struct Frame<'s> {
    state: Option<usize>,
    next_child: usize,
    /// Its own text is the value of these fields.
    fields: Vec<&'s Field>,
    /// The one piece of it that is not blank; nothing as soon as there are two.
    piece: Option<(String, u64)>,
    pieces: usize,
}

/// Finds what stands around the messages.
struct Survey<'s> {
    layout: &'s Layout,
    xml: &'s Xml,
    charset: &'s Charset,
    frames: Vec<Frame<'s>>,
    /// Names as sent of the open elements, those of a message left out.
    names: Vec<String>,
    /// Sets of the open records.
    sets: Vec<usize>,
    /// Elements open within a message, itself included.
    inside: usize,
    first_message: Option<u64>,
    around_first: Vec<String>,
    /// Where the last message ends, if it stands in the same elements as the first.
    tail: Option<u64>,
    claims: Vec<Claim<'s>>,
    /// Of a layout that joins: the elements that are joined; as many as one that reads it keeps. Of one with interchanges: the messages.
    units: Vec<Range<u64>>,
    has_interchanges: bool,
    /// That ended.
    interchanges: usize,
    /// Those before the first message.
    claims_before: usize,
}

impl<'s> Survey<'s> {
    fn new(layout: &'s Layout, xml: &'s Xml, charset: &'s Charset) -> Self {
        Survey {
            layout,
            xml,
            charset,
            frames: Vec::new(),
            names: Vec::new(),
            sets: Vec::new(),
            inside: 0,
            first_message: None,
            around_first: Vec::new(),
            tail: None,
            claims: Vec::new(),
            units: Vec::new(),
            has_interchanges: layout.records.iter().any(|record| record.role == Role::OpensInterchange),
            interchanges: 0,
            claims_before: 0,
        }
    }

    /// The controls that these captures fill.
    fn controls(&self, captures: impl Iterator<Item = Capture>) -> Vec<&'s Field> {
        let mut found = Vec::new();
        for capture in captures {
            let Some(&set) = self.sets.len().checked_sub(capture.out + 1).and_then(|at| self.sets.get(at)) else {
                continue;
            };
            let set = &self.xml.tree.sets[set];
            for (record, places) in set.records.iter().zip(&set.places) {
                let fields = self.layout.records[*record].fields.iter().zip(&places.fields);
                let fills = fields.filter(|(field, slots)| {
                    total(field).is_some() && slots.iter().flatten().any(|slot| *slot == capture.slot)
                });
                found.extend(fills.map(|(field, _)| field));
            }
        }
        found
    }

    /// A value as it is written; blanks around it stay.
    fn claim(&mut self, fields: &[&'s Field], written: &str, byte: u64) {
        let text = written.trim();
        let blank = &written[..written.len() - written.trim_start().len()];
        let start = byte + self.charset.width(blank);
        let range = start..start + self.charset.width(text);
        let interchange = self.interchanges;
        let claim = |field: &&'s Field| Claim { field, interchange, text: text.to_string(), range: range.clone() };
        self.claims.extend(fields.iter().map(claim));
    }

    fn attributes(&mut self, known: &[(String, Capture)], tag: &Tag<'_>) {
        for (name, raw, before) in tag.attributes_written() {
            let takes = |capture: &Capture| self.xml.tree.takes(capture, tag);
            let captures = known.iter().filter(|(known, _)| known == name).map(|(_, capture)| *capture);
            let fields = self.controls(captures.filter(takes));
            let before: u64 = ["<", tag.qualified, before].map(|part| self.charset.width(part)).iter().sum();
            self.claim(&fields, raw, tag.at.byte + before);
        }
    }
}

impl Visitor for Survey<'_> {
    const PLACED: bool = true;

    fn written(&mut self, piece: Written<'_>) {
        if let Some(frame) = self.frames.last_mut().filter(|frame| self.inside == 0 && !frame.fields.is_empty())
            && !piece.text.trim().is_empty()
        {
            frame.pieces += 1;
            frame.piece = (frame.pieces == 1 && !piece.reference).then(|| (piece.text.to_string(), piece.byte));
        }
    }

    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        if self.inside > 0 {
            self.inside += 1;
            return Ok(());
        }
        let tree = &self.xml.tree;
        let (from, mut next) = self.frames.last().map_or((Some(OUTSIDE), 0), |frame| (frame.state, frame.next_child));
        let state = from.and_then(|from| child_state(tree, from, tag.name, tag.space, &mut next));
        if let Some(frame) = self.frames.last_mut() {
            frame.next_child = next;
        }
        let set = state.and_then(|state| tree.states[state].set);
        if set.is_some_and(|set| tree.sets[set].opens_message) {
            self.inside = 1;
            if self.first_message.is_none() {
                self.first_message = Some(tag.at.byte);
                self.around_first.clone_from(&self.names);
                self.claims_before = self.claims.len();
            }
            if tree.joins || self.has_interchanges {
                self.units.push(tag.at.byte..tag.at.byte);
            } else {
                // What stands between messages is not written.
                self.claims.truncate(self.claims_before);
            }
            return Ok(());
        }
        self.sets.extend(set);
        let mut fields = Vec::new();
        if let Some(state) = state.map(|state| &tree.states[state]) {
            self.attributes(&state.attributes, tag);
            fields = self.controls(state.captures.iter().filter(|capture| tree.takes(capture, tag)).copied());
        }
        self.frames.push(Frame { state, next_child: 0, fields, piece: None, pieces: 0 });
        self.names.push(tag.qualified.to_string());
        Ok(())
    }

    fn text(&mut self, _: &str) -> Result<(), Halt> {
        Ok(())
    }

    fn close(&mut self, end: Spot) -> Result<(), Halt> {
        if self.inside > 0 {
            self.inside -= 1;
            if self.inside == 0 {
                self.units.last_mut().into_iter().for_each(|unit| unit.end = end.byte);
                self.tail = (self.names == self.around_first).then_some(end.byte);
            }
            return Ok(());
        }
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        self.names.pop();
        let tree = &self.xml.tree;
        let set = frame.state.and_then(|state| tree.states[state].set);
        if set.is_some() {
            self.sets.pop();
        }
        if let Some((text, byte)) = frame.piece {
            self.claim(&frame.fields, &text, byte);
        }
        let is_interchange = |set: usize| {
            let mut records = tree.sets[set].records.iter();
            records.any(|record| self.layout.records[*record].role == Role::OpensInterchange)
        };
        self.interchanges += usize::from(set.is_some_and(is_interchange));
        Ok(())
    }
}
