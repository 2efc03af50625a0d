//! A correctable file of some messages alone: whole messages cut from the sender's own bytes, with the interchanges and
//! groups around them, whose counts are made right.
//!
//! The file is gone through once to find what is kept, then that is copied. What stands between two segments goes with
//! the first of them, a service string with the interchange behind it.

use std::io::{self, Read, SeekFrom, Write};
use std::ops::Range;

use crate::model::layout::seam::Input;
use crate::model::syntax::edifact::{Next, Segment, SegmentReader};

/// Writes the file; `messages` are the ranges of those it is to hold, sorted.
pub fn rebuild(mut original: &mut dyn Input, messages: &[Range<u64>], out: &mut dyn Write) -> io::Result<()> {
    let size = original.seek(SeekFrom::End(0))?;
    original.rewind()?;
    let mut cutter = Cutter { messages, ..Cutter::default() };
    let mut reader = SegmentReader::open(&mut original)?;
    while let Next::Segment(segment) = reader.take_segment()? {
        cutter.segment(&segment);
    }
    drop(reader);
    cutter.settle(size);
    for Slice { range, patch } in cutter.kept {
        let mut at = range.start;
        if let Some((place, new)) = patch {
            copy(original, at..place.start, out)?;
            out.write_all(new.as_bytes())?;
            at = place.end;
        }
        copy(original, at..range.end, out)?;
    }
    Ok(())
}

fn copy(original: &mut dyn Input, range: Range<u64>, out: &mut dyn Write) -> io::Result<()> {
    original.seek(SeekFrom::Start(range.start))?;
    io::copy(&mut Read::take(&mut *original, range.end.saturating_sub(range.start)), out)?;
    Ok(())
}

/// A stretch of the file, and a count in it that is another now.
#[derive(Debug, Clone)]
struct Slice {
    range: Range<u64>,
    patch: Option<(Range<u64>, String)>,
}

/// What is done with the segment before, once it is known where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Fate {
    Keep,
    /// UNB and UNG: kept as soon as a message in them is.
    Wait,
    #[default]
    Drop,
}

#[derive(Default)]
struct Cutter<'c> {
    messages: &'c [Range<u64>],
    kept: Vec<Slice>,
    /// UNB and UNG that no message of was kept so far.
    waiting: Vec<Slice>,
    last: Option<(Slice, Fate)>,
    in_interchange: u64,
    groups: u64,
    in_group: u64,
    /// The sender counts groups.
    grouped: bool,
    /// The group's UNG and the interchange's UNB are written.
    group_kept: bool,
    interchange_kept: bool,
}

impl Cutter<'_> {
    /// The segment before ends here.
    fn settle(&mut self, end: u64) {
        let Some((mut slice, fate)) = self.last.take() else { return };
        slice.range.end = end;
        match fate {
            Fate::Wait => self.waiting.push(slice),
            Fate::Keep => match self.kept.last_mut() {
                Some(before) if before.range.end == slice.range.start && slice.patch.is_none() => {
                    before.range.end = slice.range.end;
                }
                _ => self.kept.push(slice),
            },
            Fate::Drop => {}
        }
    }

    fn is_kept(&mut self, byte: u64) -> bool {
        while self.messages.first().is_some_and(|range| range.end <= byte) {
            self.messages = &self.messages[1..];
        }
        self.messages.first().is_some_and(|range| range.contains(&byte))
    }

    fn segment(&mut self, segment: &Segment<'_>) {
        // A byte order mark goes with the first segment.
        let begin = if self.last.is_none() && self.kept.is_empty() && self.waiting.is_empty() && segment.is_first {
            0
        } else {
            segment.begins
        };
        self.settle(begin);
        let mut patch = None;
        let fate = if self.is_kept(segment.range.start) {
            self.message(segment);
            Fate::Keep
        } else {
            match &segment.tag.0 {
                b"UNB" => {
                    self.waiting.clear();
                    (self.in_interchange, self.groups, self.in_group) = (0, 0, 0);
                    (self.grouped, self.group_kept, self.interchange_kept) = (false, false, false);
                    Fate::Wait
                }
                b"UNG" => {
                    if !self.group_kept && self.grouped {
                        self.waiting.pop();
                    }
                    (self.grouped, self.group_kept, self.in_group) = (true, false, 0);
                    Fate::Wait
                }
                b"UNE" if self.group_kept => {
                    patch = patched(segment, self.in_group);
                    Fate::Keep
                }
                b"UNZ" if self.interchange_kept => {
                    patch = patched(segment, if self.grouped { self.groups } else { self.in_interchange });
                    Fate::Keep
                }
                _ => Fate::Drop,
            }
        };
        self.last = Some((Slice { range: begin..begin, patch }, fate));
    }

    /// A segment of a message that is kept.
    fn message(&mut self, segment: &Segment<'_>) {
        if self.grouped && !self.group_kept {
            self.group_kept = true;
            self.groups += 1;
        }
        self.interchange_kept = true;
        self.kept.append(&mut self.waiting);
        if segment.tag.0 == *b"UNH" {
            self.in_interchange += 1;
            self.in_group += 1;
        }
    }
}

/// The count of a trailer, where it is not this one.
fn patched(segment: &Segment<'_>, counted: u64) -> Option<(Range<u64>, String)> {
    let range = segment.component(1, 1)?;
    let found = segment.plain(&segment.bytes[range.clone()], false);
    let same = std::str::from_utf8(&found).is_ok_and(|text| text.trim().parse() == Ok(counted));
    let start = segment.range.start;
    (!same && !found.is_empty()).then(|| (start + range.start as u64..start + range.end as u64, counted.to_string()))
}
