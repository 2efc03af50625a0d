//! Totals of messages that a file is to hold, and of those it is not: what a reject needs to make counts right.

use std::ops::Range;

use crate::model::batch::Batch;
use crate::model::layout::control::Totals;
use crate::model::layout::seam::{Refused, Sink, Stop};

/// Messages that are not among these are counted for themselves.
pub(super) struct Apart<'a> {
    /// Sorted.
    pub messages: &'a [Range<u64>],
    pub dropped: Totals,
    /// The same of each interchange, and what is kept of it.
    pub interchanges: Vec<Counted>,
}

/// The totals of the messages that a file is to hold, and of those it lacks.
pub(super) struct Counted {
    pub kept: Totals,
    pub dropped: Totals,
}

impl Apart<'_> {
    pub fn drops(&mut self, start: u64) -> bool {
        while self.messages.first().is_some_and(|range| range.end <= start) {
            self.messages = &self.messages[1..];
        }
        !self.messages.first().is_some_and(|range| range.contains(&start))
    }
}

/// Messages that are only counted.
pub(super) struct Nowhere;

impl Sink for Nowhere {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, _: Refused) -> Result<(), Stop> {
        Ok(())
    }
}
