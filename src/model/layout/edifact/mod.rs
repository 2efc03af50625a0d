//! Layouts whose files are EDIFACT: records are segments with what belongs to them, fields are pieces of segments found by
//! their qualifier.
//!
//! A record's tag is the segment that begins it, behind those it stands in (`LIN`, `ALC+A`, `LIN/ALC`, `UNS`; `UNH` the
//! message, `UNB` the interchange). A place is a piece of that segment or of one that follows it: `BGM.2`, `QTY+21.1.2`,
//! `NAD+DP/CTA.2.2` (docs/layouts.md). Which segments belong to which one `[edifact.groups]` says.
//!
//! `options` reads the table, `place` the words for places, `states` compiles them, `walk` goes through a message, `read`
//! makes messages of a file and `fill` their values, `envelope` looks after what stands around them; `write` and `draft`
//! are the way back, `frame` tells whether a file begins and ends as one of the layout, `reject` makes one of some of its
//! messages, `redact` copies it without its personal data.

mod draft;
mod envelope;
mod fill;
mod frame;
mod moment;
pub(super) mod options;
mod place;
mod read;
mod redact;
mod reject;
mod spoken;
mod states;
mod walk;
mod write;

use self::states::States;
use super::plan::Record;
use crate::model::document::Section;

pub use frame::{completeness, recognises};
pub use options::{Options, read_options};
pub use read::decode;
pub use redact::redact;
pub use reject::rebuild;
pub use spoken::spoken;
pub use write::EdifactWriter;

/// A compiled EDIFACT layout.
#[derive(Debug)]
pub struct Edifact {
    options: Options,
    states: States,
}

impl Edifact {
    /// Resolves the places of the records; what cannot be is reported at the field.
    pub(super) fn compile(root: &Section<'_>, options: Options, records: &[Record]) -> Self {
        let states = States::compile(root, &options, records);
        Edifact { options, states }
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }
}
