//! Layouts whose files are XML: records are elements found by their path, fields by their path within the record.
//!
//! `tree` compiles the paths of all records to states, one an element, so that reading compares a name once; `read`
//! collects what a message holds and `message` turns it into nodes when its element ends, since the order of elements
//! means nothing; `template`, `write` and `wrap` are the way back, `frame` tells whether a file begins and ends as one of the layout,
//! `reject` makes one of some of its messages, `apart` counts those it lacks, `redact` copies it without its personal data, `unread` keeps what no row takes.
//!
//! A record's tag is its path below the element of the record it repeats in (`Lines/Line` below the message, the message
//! below the root; `.` where the root itself is the message). A place is a path below the record's element: `name`,
//! `address/street`, `@no`, `address/@type`, `.` for the element's own text. A step `p:name` is of the namespace that
//! `[xml.namespaces]` gives p, whatever prefix the sender uses; a step without prefix is of any namespace. Where an element
//! is there several times, its last step says which is meant: `note[1]`, `note[*]` for all, `price[@currency=EUR]`. A record with
//! `group_by` that does not open the message stands beside the messages: `join` finds the one that it belongs to.

mod apart;
mod frame;
mod join;
mod message;
pub(super) mod options;
mod place;
mod read;
mod redact;
mod reject;
mod template;
mod tree;
mod unread;
mod vocabulary;
mod wrap;
mod write;

#[cfg(test)]
mod tests;

use self::template::Template;
use self::tree::Tree;
use super::plan::Record;
use crate::model::document::Section;
use crate::model::kind::Kind;

pub use frame::{completeness, recognises};
pub use options::{Options, read_options};
pub use read::decode;
pub use redact::redact;
pub use reject::rebuild;
pub use write::XmlWriter;

/// A compiled XML layout.
#[derive(Debug)]
pub struct Xml {
    options: Options,
    tree: Tree,
    template: Template,
}

impl Xml {
    /// Messages and what stands beside them are joined by a key.
    pub fn joins(&self) -> bool {
        self.tree.joins
    }

    /// Resolves the paths of the records; what cannot be is reported at the record.
    pub(super) fn compile(root: &Section<'_>, options: Options, kind: &Kind, records: &[Record]) -> Self {
        let tree = Tree::compile(root, &options, kind, records);
        let template = Template::compile(kind, &options, records);
        Xml { options, tree, template }
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }
}
