//! What a feed says at one moment of the database: rows → batches → the partner's words → his layout → a draft. Two threads:
//! this one reads rows, another encodes and writes what was read before; a few batches are in memory, however many rows.
//!
//! What is stored becomes what the partner is told (`words`) here, never in the store. Same facts, same bytes.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;

use anyhow::{Context, Result, anyhow};
use chrono::TimeDelta;

use super::paper::Paper;
use super::words::Words;
use crate::edges::clock::{Now, iso};
use crate::edges::spool::Spool;
use crate::edges::store::business::{Selection, Wanted};
use crate::edges::store::{RowId, Snapshot};
use crate::model::batch::Batch;
use crate::model::feed::Feed;
use crate::model::kind::Class;
use crate::model::layout::plan::{Checked, Condition, Control, Ours, Role};
use crate::model::layout::{EncodeError, Layout};

/// Batches that wait for the encoder: enough that neither thread waits for the other's hiccups.
const BATCHES_AHEAD: usize = 3;

/// A composed file that is not staged yet.
pub(super) struct Composed {
    pub paper: Paper,
    pub rows: u64,
    /// The requests in it; empty for other classes.
    pub requests: Vec<RowId>,
}

pub(super) fn compose(snapshot: &Snapshot<'_>, spool: &Spool, feed: &Feed, now: Now) -> Result<Composed> {
    let kind = &feed.layout.kind;
    let words = Words::of(feed);
    let mut requests = Vec::new();
    let (batches, composed) = sync_channel(BATCHES_AHEAD);
    let (written, emptied) = channel();
    thread::scope(|scope| -> Result<Composed> {
        let writer = thread::Builder::new()
            .name("encode".to_string())
            .spawn_scoped(scope, || encode(spool, feed, &words, composed, written))
            .context("cannot start the thread that encodes")?;
        let mut hand_on = |batch: &mut Batch| {
            if kind.class == Class::Request {
                requests.extend(batch.messages().map(|m| RowId(m.origin().number.cast_signed())));
            }
            let empty = emptied.try_recv().unwrap_or_else(|_| Batch::new(kind.clone()));
            let full = std::mem::replace(batch, empty);
            batches.send(full).map_err(|_| anyhow!("the file cannot be written"))
        };
        let selected = select(snapshot, feed, now, &mut hand_on);
        drop(batches);
        // A panic of that thread is this one's.
        let paper = writer.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        Ok(Composed { paper, rows: selected?, requests })
    })
    .with_context(|| format!("the file of {} cannot be composed", feed.name()))
}

fn select(
    snapshot: &Snapshot<'_>,
    feed: &Feed,
    now: Now,
    take: &mut dyn FnMut(&mut Batch) -> Result<()>,
) -> Result<u64> {
    let kind = &feed.layout.kind;
    let name = feed.name();
    let mut selection = Selection { only: &feed.only, partners: &feed.partners, ..Selection::default() };
    let own = [feed.partner.clone()];
    let since = iso(now.wall - TimeDelta::days(i64::from(feed.window_days)));
    match kind.name.as_str() {
        "order_status" => {
            selection.since = Some(&since);
            // A partner is told of his own orders.
            if feed.partners.is_empty() {
                selection.partners = &own;
            }
        }
        // What a full file no longer named is not there any more, and the partner has to hear it.
        "stock" => selection.closed_as_zero = kind.head().field("qty"),
        _ => {}
    }
    if kind.class == Class::Request {
        selection.not_exported_by = Some(&name);
    }
    snapshot.select(kind, &wanted(&feed.layout), &selection, take)
}

/// `written`: gives batches back to be filled anew.
fn encode(
    spool: &Spool,
    feed: &Feed,
    words: &Words<'_>,
    batches: Receiver<Batch>,
    written: Sender<Batch>,
) -> Result<Paper> {
    Paper::write(spool, &feed.layout, feed.zone, |encoder| {
        for mut batch in batches {
            words.put_into(&mut batch);
            encoder.write(&batch)?;
            batch.clear();
            // Nobody wants it after the last row.
            let _ = written.send(batch);
        }
        Ok(())
    })
}

/// The cells a layout writes: a million rows are read without what nobody wants.
fn wanted(layout: &Layout) -> Wanted {
    let kind = &layout.kind;
    let fields = || layout.records.iter().flat_map(|record| &record.fields);
    let computes = fields().any(|field| matches!(field.ours, Ours::Computed(_)))
        || layout.records.iter().flat_map(|r| &r.when).any(|when| matches!(when, Condition::Holds(_)));
    if computes {
        // An expression may look at anything.
        return Wanted::everything(kind);
    }
    let mut wanted = Wanted::nothing(kind);
    for key in &kind.head().key {
        wanted.add(0, *key);
    }
    for record in &layout.records {
        if let Role::Opens(group @ 1..) = record.role {
            // A record may say no more than that there is one.
            wanted.add(group, 0);
        }
    }
    for field in fields() {
        match &field.ours {
            Ours::Field { group, field, .. } | Ours::Control(Control { what: Checked::Sum { group, field }, .. }) => {
                wanted.add(*group, *field)
            }
            Ours::Extra { .. } => wanted.add_extras(),
            Ours::Ignored | Ours::Control(_) | Ours::Computed(_) => {}
        }
    }
    wanted
}

/// The reason why a file cannot be written whatever is tried again: a value that the partner's layout cannot hold.
pub(super) fn unwritable(error: &anyhow::Error) -> Option<String> {
    let cause = error.chain().find_map(|cause| cause.downcast_ref::<EncodeError>())?;
    match cause {
        EncodeError::Io(_) => None,
        EncodeError::Value { .. } | EncodeError::NotWritable { .. } => Some(cause.to_string()),
    }
}
