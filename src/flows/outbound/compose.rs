//! What a feed says at one moment of the database: rows → batches → the partner's words → his layout → a draft. Two threads:
//! this one reads rows, another encodes and writes what was read before; a few batches are in memory, however many rows.
//!
//! Works within the transaction that makes the run: nothing can change between reading and committing. Where it is kept what the
//! partner holds, rows are compared with it (`compare`) on the way. Same facts, same bytes.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;

use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, Utc};

use super::compare::{Compared, Comparing};
use super::contents::Named;
use super::looking::Comparison;
use super::paper::{Beside, Form, Paper};
use super::selecting::{select, today};
use super::words::Words;
use crate::edges::clock::Now;
use crate::edges::spool::Spool;
use crate::edges::store::{FeedNo, Reader, RowId, RunNo, Tx};
use crate::model::batch::Batch;
use crate::model::feed::Feed;
use crate::model::kind::Class;
use crate::model::layout::EncodeError;
use crate::model::rules::own_number::{OwnNumber, OwnNumbers};

/// Batches that wait for the encoder: enough that neither thread waits for the other's hiccups.
const BATCHES_AHEAD: usize = 3;

/// A composed file that is not staged yet.
pub(super) struct Composed {
    pub paper: Paper,
    /// The requests in it; empty for other classes.
    pub requests: Vec<RowId>,
    /// For the names of its files.
    pub own: OwnNumbers,
    /// Without a comparison only the rows are counted.
    pub compared: Compared,
}

/// What a file is made of.
pub(super) struct Composing<'a> {
    pub tx: &'a Tx<'a>,
    pub spool: &'a Spool,
    pub feed: &'a Feed,
    /// Only rows of this key.
    pub key: Option<&'a str>,
    /// Only the orders that went out with this run.
    pub orders_of: Option<RunNo>,
    pub now: Now,
    /// Where what the run tells is kept.
    pub run: RunNo,
    /// The feed in the ledger.
    pub no: FeedNo,
    /// Nothing where it is not kept what the partner holds.
    pub comparison: Option<&'a Comparison>,
}

impl Composing<'_> {
    /// `beside`: reads what was delivered, on the other thread.
    pub fn compose(&self, beside: &mut Reader) -> Result<Composed> {
        let feed = self.feed;
        let (batches, composed) = sync_channel(BATCHES_AHEAD);
        let (written, emptied) = channel();
        let (parts, packed) = channel::<Vec<u8>>();
        let (no, now) = (self.no, self.now.wall);
        let work = Encoding { spool: self.spool, feed, no, now, comparison: self.comparison };
        let mut requests = Vec::new();
        let mut gathering = Gathering::of(feed);
        let mut next_part = 0;
        let mut keep_parts = || -> Result<()> {
            for part in packed.try_iter() {
                self.tx.add_run_change(self.run, next_part, &part)?;
                next_part += 1;
            }
            Ok(())
        };
        let (mut paper, compared, named) = thread::scope(|scope| -> Result<Encoded> {
            let writer = thread::Builder::new()
                .name("encode".to_string())
                .spawn_scoped(scope, || work.encode(beside, composed, written, parts))
                .context("cannot start the thread that encodes")?;
            let mut hand_on = |batch: &mut Batch| {
                if feed.layout.kind.class == Class::Request {
                    requests.extend(batch.messages().map(|m| RowId(m.origin().number.cast_signed())));
                    gathering.see(batch);
                }
                keep_parts()?;
                let empty = emptied.try_recv().unwrap_or_else(|_| Batch::new(feed.layout.kind.clone()));
                let full = std::mem::replace(batch, empty);
                batches.send(full).map_err(|_| anyhow!("the file cannot be written"))
            };
            let selected =
                select(self.tx, (feed, self.key, self.orders_of), self.comparison, self.now.wall, &mut hand_on);
            drop(batches);
            // A panic of that thread is this one's.
            let written = writer.join().unwrap_or_else(|panic| resume_unwind(panic))?;
            selected?;
            Ok(written)
        })
        .with_context(|| format!("the file of {} cannot be composed", feed.name()))?;
        keep_parts()?;
        self.put_pdf(&mut paper, &requests)?;
        named.map_or(Ok(()), |named| named.put_beside(self.tx, self.spool, &mut paper))?;
        Ok(Composed { paper, requests, own: gathering.own, compared })
    }
}

impl Composing<'_> {
    /// The PDF of the order in the file, where the feed wants it and the order has one.
    fn put_pdf(&self, paper: &mut Paper, requests: &[RowId]) -> Result<()> {
        let Some(name) = &self.feed.pdf else { return Ok(()) };
        let mut found = Vec::new();
        for order in requests {
            found.extend(self.tx.pdf_bytes(*order)?);
        }
        if found.len() > 1 {
            let text = "it is told again with several orders, whose PDFs would have one name; set orders_per_file as it was, and send it";
            return Err(EncodeError::NotWritable { layout: self.feed.layout.id.clone(), text: text.to_string() }.into());
        }
        found.into_iter().for_each(|bytes| paper.put_beside(Beside::Held(name.clone(), bytes)));
        Ok(())
    }
}

/// Numbers of the orders in a file that its names are to carry.
struct Gathering {
    /// With its place in the head.
    fields: Vec<(OwnNumber, usize)>,
    own: OwnNumbers,
}

impl Gathering {
    /// What all rows have in common is known before; of facts and records a name carries nothing else.
    fn of(feed: &Feed) -> Self {
        let mut gathering = Gathering { fields: Vec::new(), own: OwnNumbers::default() };
        for number in feed.own_numbers() {
            match (feed.pinned(number.field()), feed.layout.kind.head().field(number.field())) {
                (Some(value), _) => gathering.own.see(number, value),
                (None, Some(at)) => gathering.fields.push((number, at)),
                (None, None) => {}
            }
        }
        gathering
    }

    fn see(&mut self, batch: &Batch) {
        for (number, at) in &self.fields {
            batch.messages().for_each(|m| self.own.see(*number, m.head().value(*at).text().unwrap_or_default()));
        }
    }
}

/// What the other thread made: the file, what is new in it, and the documents that it names.
type Encoded = (Paper, Compared, Option<Named>);

/// What the other thread works with.
struct Encoding<'a> {
    spool: &'a Spool,
    feed: &'a Feed,
    no: FeedNo,
    now: DateTime<Utc>,
    comparison: Option<&'a Comparison>,
}

impl Encoding<'_> {
    /// `written`: gives batches back to be filled anew.
    fn encode(
        &self,
        beside: &mut Reader,
        batches: Receiver<Batch>,
        written: Sender<Batch>,
        parts: Sender<Vec<u8>>,
    ) -> Result<Encoded> {
        let words = Words::of(self.feed, self.now);
        let snapshot = beside.snapshot()?;
        let today = today(self.feed, self.now);
        let begin = |with| Comparing::begin(&snapshot, (self.feed, self.no), (with, &today), parts);
        let mut comparing = self.comparison.map(begin).transpose()?;
        let mut compared = Compared::default();
        let feed = self.feed;
        let form =
            Form { layout: &feed.layout, packing: feed.packing.as_ref(), has_beside: feed.pdf.is_some() || feed.files };
        let mut named = Named::of(feed);
        let paper = Paper::write(self.spool, form, (self.feed.zone, self.now), |encoder| {
            for mut batch in batches {
                words.put_into(&mut batch);
                match &mut comparing {
                    Some(comparing) => batch.messages().try_for_each(|m| -> Result<()> {
                        if comparing.message(m, encoder)? {
                            named.iter_mut().for_each(|named| named.see(m));
                        }
                        Ok(())
                    })?,
                    None => {
                        named.iter_mut().for_each(|named| batch.messages().for_each(|m| named.see(m)));
                        compared.rows += batch.len() as u64;
                        encoder.write(&batch)?;
                    }
                }
                batch.clear();
                // Nobody wants it after the last row.
                let _ = written.send(batch);
            }
            if let Some(comparing) = comparing {
                compared = comparing.finish(encoder)?;
            }
            Ok(())
        })?;
        Ok((paper, compared, named))
    }
}

/// The reason why a file cannot be written whatever is tried again: a value that the partner's layout cannot hold.
pub(super) fn unwritable(error: &anyhow::Error) -> Option<String> {
    let cause = error.chain().find_map(|cause| cause.downcast_ref::<EncodeError>())?;
    match cause {
        EncodeError::Io(_) => None,
        EncodeError::Value { .. } | EncodeError::NotWritable { .. } => Some(cause.to_string()),
    }
}
