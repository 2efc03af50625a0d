//! What a manifest says of a document's file, where it cannot be true of any file: a hash that is none, sizes below nothing, a
//! validity that ends before it begins. Whether it is true of the file at hand is not known here: a manifest comes without its files.

use crate::model::batch::{Message, NodeRef};
use crate::model::diagnostic::{Place, Problem};
use crate::model::kind::Kind;
use crate::model::wording::manifest as words;

const SHA256_DIGITS: usize = 64;
/// 0 is taken: many write it where they do not know.
const SIZES: [&str; 4] = ["bytes", "pages", "width", "height"];

/// The fields of the kind `document`, looked up once.
pub struct Manifest {
    sha256: usize,
    sizes: Vec<usize>,
    valid: (usize, usize),
}

impl Manifest {
    /// Nothing for other kinds.
    pub fn of(kind: &Kind) -> Option<Self> {
        let head = kind.head();
        let sizes = SIZES.iter().filter_map(|name| head.field(name));
        (kind.name == "document").then_some(())?;
        Some(Manifest {
            sha256: head.field("sha256")?,
            sizes: sizes.collect(),
            valid: head.field("valid_from").zip(head.field("valid_to"))?,
        })
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

fn is_sha256(text: &str) -> bool {
    text.len() == SHA256_DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit())
}
