//! Reads a file: interchanges, messages in them, and what is neither. A message of another type or one that stands wrong is
//! refused alone; a file whose end is missing is refused whole.

use std::io;

use crate::model::diagnostic::{Place, Problem};
use crate::model::layout::Layout;
use crate::model::layout::assembly::{Assembly, At};
use crate::model::layout::plan::Ours;
use crate::model::layout::seam::{DecodeContext, Decoded, Input, Sink};
use crate::model::syntax::edifact::charset::Charset;
use crate::model::syntax::edifact::{Next, Segment, SegmentReader};
use crate::model::syntax::window::RECORD_BYTES;
use crate::model::wording;

use super::Edifact;
use super::envelope::{self, Envelope, check_count};
use super::fill::{Filler, Slot, at_of};
use super::options::Counts;
use super::walk::Walk;

/// Reads all messages of a file.
pub fn decode(
    layout: &Layout,
    edifact: &Edifact,
    mut input: &mut dyn Input,
    context: &DecodeContext<'_>,
    sink: &mut dyn Sink,
) -> io::Result<Decoded> {
    let mut assembly = Assembly::new(layout, context, sink);
    assembly.read_name(context, input)?;
    let mut segments = SegmentReader::open(&mut input)?;
    let mut reader = Reader {
        edifact,
        filler: Filler::new(layout, edifact, assembly),
        walk: Walk::default(),
        envelope: Envelope::default(),
        carried: Vec::new(),
        message: None,
        begun: false,
        utf8: segments.is_utf8(),
    };
    if segments.is_utf16() {
        reader.filler.assembly.fatal(wording::utf16_unexpected("an 8-bit character set"));
        return Ok(reader.filler.assembly.end());
    }
    let broken = loop {
        match segments.take_segment()? {
            Next::Segment(segment) => match reader.segment(&segment) {
                Ok(()) if reader.filler.assembly.stopped() => return Ok(reader.filler.assembly.end()),
                Ok(()) => {}
                Err(problem) => break Some(problem),
            },
            Next::End => break None,
            Next::BrokenUna { line, byte, found } => {
                break Some(wording::edifact::una_broken(At { line, byte }.place("UNA"), &found));
            }
            Next::TooLong { line, byte } => {
                break Some(wording::edifact::segment_too_long(At { line, byte }.place(""), RECORD_BYTES));
            }
        }
    };
    Ok(reader.end(broken))
}

/// Which message a segment is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meant {
    Ours,
    /// Of another type, or of a version that is not read.
    Foreign,
    /// No UNH stands before it.
    Stray,
}

/// The message that is open.
#[derive(Debug)]
struct Open {
    meant: Meant,
    start: u64,
    end: u64,
    at: At,
    segments: u64,
}

struct Reader<'a> {
    edifact: &'a Edifact,
    filler: Filler<'a>,
    walk: Walk,
    envelope: Envelope,
    /// Values of UNB that every message in the interchange is given: field of the record, text, where.
    carried: Vec<(usize, Slot)>,
    message: Option<Open>,
    begun: bool,
    utf8: bool,
}

impl Reader<'_> {
    /// Takes a segment; a problem ends the file.
    fn segment(&mut self, segment: &Segment<'_>) -> Result<(), Problem> {
        let at = at_of(segment, 0);
        if !std::mem::replace(&mut self.begun, true) && !matches!(&segment.tag.0, b"UNB" | b"UNG" | b"UNH") {
            // A message without its UNH is told as that; all else is no EDIFACT.
            let known = matches!(&segment.tag.0, b"BGM" | b"UNT" | b"UNZ" | b"UNE");
            if !known {
                return Err(wording::edifact::not_edifact(at.place(""), &segment.tag_text()));
            }
        }
        match &segment.tag.0 {
            b"UNB" => self.interchange(segment, at)?,
            b"UNG" => {
                self.finish(false);
                self.envelope.group(segment);
            }
            b"UNH" => self.begin(segment, at),
            b"UNE" | b"UNZ" => self.close(segment, at),
            b"UNT" if self.message.is_some() => self.close_message(segment),
            _ => self.inside(segment, at),
        }
        if !segment.ended {
            let what = "the terminator of its last segment";
            self.filler.assembly.fatal(wording::file_truncated(at.place(&segment.tag_text()), what));
            self.envelope.open = false;
        }
        Ok(())
    }

    fn interchange(&mut self, segment: &Segment<'_>, at: At) -> Result<(), Problem> {
        self.finish(false);
        self.end_missing();
        self.filler.charset = envelope::charset(segment, &self.edifact.options, self.utf8)?;
        let repeats = segment.says(1, 2, "4") && !self.edifact.options.repetition_kept;
        self.filler.repetition = segment.separators.repetition.filter(|_| repeats);
        self.envelope.begin(at);
        self.carry(segment);
        Ok(())
    }

    /// What UNB says, for every message in it; what it must say is checked at once.
    fn carry(&mut self, segment: &Segment<'_>) {
        self.carried.clear();
        self.filler.segment = 0;
        let slots: Vec<Slot> = self.filler.envelope(segment).to_vec();
        let states = &self.edifact.states;
        let Some(state) = states.states.get(states.interchange) else { return };
        let Some(record) = state.record else { return };
        let layout = self.filler.layout;
        for (field, parts) in layout.records[record].fields.iter().zip(&states.places[record].fields) {
            let seen = parts.first().and_then(|names| names.iter().map(|slot| &slots[*slot]).find(|slot| slot.seen));
            let found = seen.cloned().unwrap_or_default();
            let Ours::Control(control) = &field.ours else {
                if let Some(index) = layout.records[record].fields.iter().position(|f| std::ptr::eq(f, field)) {
                    self.carried.push((index, found));
                }
                continue;
            };
            let place = || at_of(segment, 0).place(&field.label);
            let assembly = &mut self.filler.assembly;
            if let Some(problem) = assembly.totals.check(control, &field.form, &found.text, place) {
                assembly.fatal(problem);
            }
        }
    }

    /// UNH: a message begins.
    fn begin(&mut self, segment: &Segment<'_>, at: At) {
        self.finish(false);
        self.envelope.message();
        self.filler.segment = 1;
        self.filler.begin();
        self.filler.assembly.begin(at);
        let meant = self.meant(segment, at);
        self.message = Some(Open { meant, start: segment.range.start, end: segment.range.end, at, segments: 1 });
        if !self.envelope.open && self.edifact.options.envelope_required {
            self.filler.assembly.problem(wording::edifact::envelope_missing(at.place("UNH")));
        }
        if meant != Meant::Ours {
            return;
        }
        let states = &self.edifact.states;
        let record = states.states.get(states.interchange).and_then(|state| state.record);
        for (index, slot) in if self.envelope.open { &self.carried[..] } else { &[] } {
            let Some(field) = record.map(|record| &self.filler.layout.records[record].fields[*index]) else { continue };
            if !slot.text.is_empty() || field.form.required || field.form.default.is_some() {
                let told = self.filler.assembly.told();
                let label = &field.label;
                self.filler.assembly.set(0, field, &slot.text, slot.at.unwrap_or(at));
                self.filler.assembly.placed(told, || label.clone());
            }
        }
        self.walk.begin(self.edifact, segment, &mut self.filler);
    }

    /// Is it a message of the layout? What else it is, its problem says.
    fn meant(&mut self, segment: &Segment<'_>, at: At) -> Meant {
        let options = &self.edifact.options;
        let (kind, version) = kind_of(segment);
        let assembly = &mut self.filler.assembly;
        if kind != options.message {
            let place = self.filler.place(at, 1, "UNH.2");
            let problem = wording::edifact::message_foreign(place, &format!("{kind} {version}"), &options.message);
            self.filler.assembly.flawed(problem);
            return Meant::Foreign;
        }
        if !options.reads_version(&version) {
            let place = at.place("segment 1, UNH.2");
            let known = options.versions.join(", ");
            assembly.flawed(wording::version_mismatch(place, &format!("{kind} {version}"), &known));
            return Meant::Foreign;
        }
        Meant::Ours
    }

    /// A segment of the open message, or one that stands outside of any.
    fn inside(&mut self, segment: &Segment<'_>, at: At) {
        let open = self.message.get_or_insert_with(|| {
            self.filler.segment = 0;
            self.filler.assembly.begin(at);
            let problem = wording::edifact::segment_misplaced(at.place(""), &segment.tag_text(), "UNH before it");
            self.filler.assembly.flawed(problem);
            Open { meant: Meant::Stray, start: segment.range.start, end: 0, at, segments: 0 }
        });
        open.end = segment.range.end;
        open.segments += 1;
        self.filler.segment += 1;
        if open.meant == Meant::Ours && !self.filler.assembly.is_hopeless() {
            if !segment.tag.is_one() {
                let place = at.place(&format!("segment {}", self.filler.segment));
                self.filler.assembly.flawed(wording::edifact::tag_invalid(place, &segment.tag_text()));
                return;
            }
            self.walk.segment(self.edifact, segment, &mut self.filler);
        }
    }

    /// UNT: the message ends.
    fn close_message(&mut self, segment: &Segment<'_>) {
        let Some(open) = &mut self.message else { return };
        open.end = segment.range.end;
        open.segments += 1;
        let (segments, ours) = (open.segments, open.meant == Meant::Ours);
        if ours && self.edifact.options.counts == Counts::Check {
            let label = format!("segment {segments}, UNT.1");
            let problem = check_count(segment, segments, "the number of segments in the message", &label);
            problem.into_iter().for_each(|problem| self.filler.assembly.problem(problem));
        }
        self.finish(true);
    }

    fn finish(&mut self, closed: bool) {
        let Some(open) = self.message.take() else { return };
        if open.meant == Meant::Ours {
            self.walk.end(&mut self.filler);
        }
        if !closed && open.meant != Meant::Stray {
            self.filler.assembly.flawed(wording::edifact::message_unclosed(open.at.place("")));
        }
        self.filler.assembly.bytes(open.start..open.end);
        self.filler.assembly.finish();
    }

    /// UNE or UNZ.
    fn close(&mut self, segment: &Segment<'_>, at: At) {
        self.finish(false);
        if !self.envelope.open && segment.tag.0 == *b"UNZ" {
            let place = at.place("UNZ");
            self.filler.assembly.fatal(wording::edifact::segment_misplaced(place, "UNZ", "UNB before it"));
            return;
        }
        let problem = self.envelope.check(segment, &self.edifact.options);
        problem.into_iter().for_each(|problem| self.filler.assembly.fatal(problem));
        if segment.tag.0 == *b"UNZ" {
            self.envelope.open = false;
            self.filler.repetition = None;
            self.filler.charset = self.edifact.options.charset.clone().unwrap_or_else(Charset::undeclared);
        }
    }

    /// The interchange before has no UNZ.
    fn end_missing(&mut self) {
        if std::mem::take(&mut self.envelope.open) && self.edifact.options.end_required {
            let place = self.envelope.at.map_or_else(Place::default, |at| at.place("UNB"));
            self.filler.assembly.fatal(wording::file_truncated(place, "the segment UNZ of its interchange"));
        }
    }

    fn end(mut self, broken: Option<Problem>) -> Decoded {
        self.finish(false);
        let is_empty = self.filler.assembly.messages() == 0 && !self.edifact.options.empty_allowed;
        match broken {
            Some(problem) => self.filler.assembly.fatal(problem),
            None => {
                self.end_missing();
                if is_empty {
                    self.filler.assembly.fatal(wording::file_empty());
                }
            }
        }
        self.filler.assembly.end()
    }
}

/// Type and version of a message, like `ORDERS` and `D.96A`, as its UNH says.
pub(super) fn kind_of(segment: &Segment<'_>) -> (String, String) {
    let text = |component| {
        let plain = segment.plain(segment.raw(2, component), false);
        String::from_utf8_lossy(&plain).trim().to_string()
    };
    (text(1), format!("{}.{}", text(2), text(3)))
}
