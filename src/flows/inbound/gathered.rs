//! Records and facts of one file on their way into the tables: one chunk comes in while the one before it, sorted by key, is
//! written. Of two messages with one key the later one comes out later, also across chunks.
//!
//! It owns the memory they take. Judging comes before, writing after it.

use std::sync::Arc;

use crate::model::batch::{Batch, Message, Packed};
use crate::model::kind::Kind;

/// A chunk of this size is written. More means fewer passes over the table; two of them are in memory. Small in debug
/// builds, so that tests meet the borders between chunks.
const CHUNK_BYTES: usize = if cfg!(debug_assertions) { 64 * 1024 } else { 8 * 1024 * 1024 };

pub struct Gathered {
    coming: Packed,
    sorted: Packed,
    /// The next of `sorted`.
    next: usize,
    /// Room for the message that is being written.
    row: Option<Batch>,
    kind: Arc<Kind>,
}

impl Gathered {
    /// `extras`: names of the sender's own fields that are kept.
    pub fn new(kind: &Arc<Kind>, extras: &[Arc<str>]) -> Self {
        let packed = || Packed::keeping(extras.to_vec());
        Gathered { coming: packed(), sorted: packed(), next: 0, row: None, kind: kind.clone() }
    }

    pub fn push(&mut self, message: Message<'_>) {
        self.coming.push(message);
    }

    /// It is time to `turn`, when all that was sorted is taken.
    pub fn is_full(&self) -> bool {
        self.coming.size() >= CHUNK_BYTES
    }

    /// What came in is sorted and handed out from now on.
    pub fn turn(&mut self) {
        debug_assert_eq!(self.next, self.sorted.len(), "messages would be lost");
        std::mem::swap(&mut self.coming, &mut self.sorted);
        self.coming.clear();
        self.sorted.sort();
        self.next = 0;
    }

    /// The next in the order of the keys, as a batch of one; nothing when all are taken.
    pub fn take(&mut self) -> Option<Batch> {
        if self.next == self.sorted.len() {
            return None;
        }
        let mut row = self.row.take().unwrap_or_else(|| Batch::new(self.kind.clone()));
        row.clear();
        self.sorted.read(self.next, &mut row);
        self.next += 1;
        Some(row)
    }

    /// Room for the next one.
    pub fn give_back(&mut self, row: Batch) {
        self.row = Some(row);
    }
}
