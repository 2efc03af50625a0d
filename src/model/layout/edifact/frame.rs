//! What tells an EDIFACT file of this layout: a message of its type at the beginning, and its end.

use crate::model::layout::seam::Completeness;
use crate::model::syntax::edifact::{Next, SegmentReader};

use super::Edifact;
use super::read::kind_of;

/// The last segment is looked for in so many bytes; UNT and UNZ are far shorter.
const END_BYTES: usize = 512;

/// Is the last segment the one that ends a file? Judged from its last bytes.
pub fn completeness(edifact: &Edifact, tail: &[u8], whole: bool) -> Completeness {
    let is_blank = |b: &u8| b.is_ascii_whitespace() || matches!(b, 0 | 0x1A);
    let Some(last) = tail.iter().rposition(|b| !is_blank(b)) else {
        return Completeness::Incomplete("the file is empty".to_string());
    };
    let missing = |what: &str| Completeness::Incomplete(format!("{what} is missing"));
    // Without marks at hand: the last byte is the terminator, or the line ends are.
    let is_mark = !tail[last].is_ascii_alphanumeric();
    let by_lines = !is_mark && tail[last + 1..].iter().any(|b| matches!(b, b'\n' | b'\r'));
    if !is_mark && !by_lines {
        return missing("the terminator of its last segment");
    }
    let end = if is_mark { &tail[..last] } else { &tail[..=last] };
    let end = &end[end.len().saturating_sub(END_BYTES)..];
    let is_cut = |b: &u8| if is_mark { *b == tail[last] } else { matches!(b, b'\n' | b'\r') };
    let begin = end.iter().rposition(is_cut).map_or(0, |at| at + 1);
    let letters: Vec<u8> = end[begin..].iter().copied().filter(|b| !b.is_ascii_whitespace()).take(3).collect();
    match &letters[..] {
        b"UNZ" => Completeness::Complete,
        b"UNT" | b"UNE" if !edifact.options.end_required => Completeness::Complete,
        b"UNT" if whole && !has_interchange(tail) => Completeness::Complete,
        b"UNT" | b"UNE" => missing("its last segment UNZ"),
        _ if edifact.options.end_required => missing("its last segment UNZ or UNT"),
        _ => missing("its last segment UNT"),
    }
}

fn has_interchange(mut bytes: &[u8]) -> bool {
    let Ok(mut reader) = SegmentReader::open(&mut bytes) else { return false };
    matches!(reader.take_segment(), Ok(Next::Segment(segment)) if segment.tag.0 == *b"UNB")
}

/// Is one of the first messages of the layout's type and version? `head` is the file's beginning.
pub fn recognises(edifact: &Edifact, head: &[u8]) -> bool {
    let mut head = head;
    let Ok(mut reader) = SegmentReader::open(&mut head) else { return false };
    let mut first = true;
    while let Ok(Next::Segment(segment)) = reader.take_segment() {
        if std::mem::take(&mut first) && !matches!(&segment.tag.0, b"UNB" | b"UNG" | b"UNH") {
            return false;
        }
        if segment.tag.0 == *b"UNH" {
            let (kind, version) = kind_of(&segment);
            if kind == edifact.options.message && edifact.options.reads_version(&version) {
                return true;
            }
        }
    }
    false
}
