//! What stands around messages: interchanges and groups, what they count and what they say of every message in them.

use crate::model::diagnostic::Problem;
use crate::model::layout::assembly::At;
use crate::model::syntax::edifact::Segment;
use crate::model::syntax::edifact::charset::Charset;
use crate::model::wording;

use super::fill::at_of;
use super::options::{Counts, Options};

/// An interchange that is open, and what came in it.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub open: bool,
    pub at: Option<At>,
    messages: u64,
    groups: u64,
    /// Messages of the group that is open, and what it says first of itself.
    in_group: u64,
    group: Vec<u8>,
}

impl Envelope {
    pub fn begin(&mut self, at: At) {
        *self = Envelope { open: true, at: Some(at), ..Envelope::default() };
    }

    pub fn message(&mut self) {
        self.messages += 1;
        self.in_group += 1;
    }

    pub fn group(&mut self, segment: &Segment<'_>) {
        self.groups += 1;
        self.in_group = 0;
        self.group = segment.raw(1, 1).to_vec();
    }

    /// UNE or UNZ: what it counts. UNZ counts groups where there are some, else messages.
    pub fn check(&self, segment: &Segment<'_>, options: &Options) -> Option<Problem> {
        let is_group = segment.tag.0 == *b"UNE";
        let (counted, what) = match (is_group, self.groups) {
            (true, _) => (self.in_group, "the number of messages in the group"),
            (false, 0) => (self.messages, "the number of messages in the interchange"),
            (false, groups) => (groups, "the number of groups in the interchange"),
        };
        // Some repeat in UNE what UNG says, where the number of messages belongs: that claims none.
        let repeats = is_group && !self.group.is_empty() && segment.raw(1, 1) == self.group;
        if options.counts == Counts::Ignore || repeats {
            return None;
        }
        check_count(segment, counted, what, &format!("{}.1", segment.tag_text()))
    }
}

/// The number that a trailer says in its first element; who says none claims nothing.
pub(super) fn check_count(segment: &Segment<'_>, counted: u64, what: &str, label: &str) -> Option<Problem> {
    let found = segment.plain(segment.raw(1, 1), false);
    let found = String::from_utf8_lossy(&found).trim().to_string();
    if found.is_empty() || found.parse::<u64>() == Ok(counted) {
        return None;
    }
    Some(wording::total_mismatch(at_of(segment, 0).place(label), what, &found, &counted.to_string()))
}

/// The character set of an interchange, as UNB says it.
pub(super) fn charset(segment: &Segment<'_>, options: &Options, utf8: bool) -> Result<Charset, Problem> {
    let text = |component| String::from_utf8_lossy(segment.raw(1, component)).trim().to_string();
    let (name, version) = (text(1), text(2));
    let at = at_of(segment, 0);
    let charset = match &options.charset {
        Some(charset) => Some(charset.clone()),
        None => Charset::declared(if utf8 { "UNOY" } else { &name }),
    };
    let Some(charset) = charset else {
        if name == "UNOX" {
            let expected = format!(
                "a character set that does not change within the file: {}. UNOX switches it by escape sequences (ISO 2022), which are not read here",
                Charset::known()
            );
            return Err(wording::edifact::envelope_invalid(at.place("UNB.1.1"), &name, &expected));
        }
        let expected = format!("a character set: {}", Charset::known());
        return Err(wording::edifact::envelope_invalid(at.place("UNB.1.1"), &name, &expected));
    };
    if !matches!(version.as_str(), "1" | "2" | "3" | "4") {
        let expected = "a syntax version from 1 to 4";
        return Err(wording::edifact::envelope_invalid(at.place("UNB.1.2"), &version, expected));
    }
    Ok(charset)
}
