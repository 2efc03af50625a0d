//! What a manifest says of a document's file, where it cannot be true of any file: a hash that is none, sizes below nothing, a
//! validity that ends before it begins; and in which writing it is stored. Whether it is true of the file itself is `contents`'s.

use std::cmp::Ordering;

use super::revision;
use crate::model::batch::{Batch, Message, NodeRef};
use crate::model::diagnostic::{Place, Problem};
use crate::model::kind::Kind;
use crate::model::wording::manifest as words;

const SHA256_DIGITS: usize = 64;
/// 0 is taken: many write it where they do not know.
const SIZES: [&str; 4] = ["bytes", "pages", "width", "height"];
const KIND: &str = "document";
/// A language is the same one in capitals, and so is a hash.
const IN_ANY_CASE: [&str; 2] = ["language", "sha256"];
/// Which of them is the newer one, see `revision`.
pub const REVISION: &str = "revision";

/// The fields of the kind `document`, looked up once.
pub struct Manifest {
    sha256: usize,
    sizes: Vec<usize>,
    valid: (usize, usize),
    in_any_case: Vec<usize>,
    pub described: Described,
}

/// Fields that say what the file of a document is.
#[derive(Debug, Clone, Copy)]
pub struct Described {
    pub file_name: usize,
    pub sha256: usize,
    pub bytes: usize,
    pub mime: usize,
}

impl Manifest {
    /// Nothing for other kinds.
    pub fn of(kind: &Kind) -> Option<Self> {
        let head = kind.head();
        let sizes = SIZES.iter().filter_map(|name| head.field(name));
        let in_any_case = IN_ANY_CASE.iter().filter_map(|name| head.field(name)).collect();
        (kind.name == KIND).then_some(())?;
        Some(Manifest {
            sha256: head.field("sha256")?,
            sizes: sizes.collect(),
            valid: head.field("valid_from").zip(head.field("valid_to"))?,
            in_any_case,
            described: Described {
                file_name: head.field("file_name")?,
                sha256: head.field("sha256")?,
                bytes: head.field("bytes")?,
                mime: head.field("mime")?,
            },
        })
    }

    /// What is one in any case becomes one key, one hash.
    pub fn lower(&self, batch: &mut Batch, index: usize) {
        for field in &self.in_any_case {
            let head = batch.message(index).head();
            let Some(sent) = head.value(*field).text() else { continue };
            let lower = sent.to_lowercase();
            if lower != sent {
                batch.put_text(index, 0, *field, &lower);
            }
        }
    }

    /// All that cannot be; `place` tells where a field of a node stands.
    pub fn problems(&self, message: &Message<'_>, place: &dyn Fn(&NodeRef<'_>, usize) -> Place) -> Vec<Problem> {
        let mut problems = Vec::new();
        let head = message.head();
        if let Some(hash) = head.value(self.sha256).text()
            && !is_sha256(hash)
        {
            problems.push(words::hash_invalid(place(&head, self.sha256), hash));
        }
        for field in &self.sizes {
            if let Some(found) = head.value(*field).number().filter(|found| *found < 0) {
                problems.push(words::size_negative(place(&head, *field), found));
            }
        }
        let (from, to) = self.valid;
        // Both are written year first, so their text has the order of the days.
        if let (Some(begins), Some(ends)) = (head.value(from).text(), head.value(to).text())
            && ends < begins
        {
            problems.push(words::validity_ends_first(place(&head, to), begins, ends));
        }
        problems
    }
}

/// A value of a field, as rows of the kind have it: for what is looked for in them.
pub fn as_stored(kind: &str, field: &str, value: String) -> String {
    if kind == KIND && IN_ANY_CASE.contains(&field) { value.to_lowercase() } else { value }
}

/// How the revision that comes stands to the one that is known; nothing where one of them has none, and the moment decides.
pub fn by_revision(comes: Option<&str>, known: Option<&str>) -> Option<Ordering> {
    let is_said = |revision: &&str| !revision.is_empty();
    Some(revision::compare(comes.filter(is_said)?, known.filter(is_said)?)).filter(|order| *order != Ordering::Equal)
}

/// Said of what comes later and is older.
pub fn older(message: &Message<'_>, place: Place, newer: &str) -> Problem {
    let field = message.kind().head().field(REVISION);
    let sent = field.and_then(|field| message.head().value(field).text()).unwrap_or_default();
    let problem = words::revision_older(place, sent, newer);
    Problem { message: message.origin().number, ..problem }
}

fn is_sha256(text: &str) -> bool {
    text.len() == SHA256_DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit())
}
