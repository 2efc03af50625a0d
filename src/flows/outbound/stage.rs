//! One run of a feed: composed, staged, committed, placed. The one transaction holds the run, its number, the requests in
//! it, and that its due time is handled.
//!
//! Only the loop writes, and still the read lies before the commit: for requests the ledger is asked whether anything was
//! committed in between, and if so the file is composed again, inside the transaction, where nothing can change any more.

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::compose::{Composed, compose, unwritable};
use super::number::Numbers;
use super::{Dispatch, Pending};
use crate::edges::clock::{iso, new_id};
use crate::edges::events::{Event, Key, Value};
use crate::edges::spool::{Lasting, Place, Spool};
use crate::edges::store::ledger::{NewRun, RunReason, RunState};
use crate::edges::store::{RunNo, StoreFault, Tx};
use crate::model::feed::Feed;
use crate::model::ids::Id;
use crate::model::kind::Class;
use crate::model::rules::file_name::NameFacts;

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Committed, and visible in out/ unless an event says why not.
    Ready { id: Id, name: String, rows: u64 },
    /// Nothing to say, so no file.
    Empty { id: Id },
    /// A value that the layout cannot hold: no file until it is corrected, and nothing of it counts as sent.
    Failed { id: Id, reason: String },
}

/// What all of a run's rows have in common.
struct Occasion<'f> {
    feed: &'f Feed,
    name: String,
    id: Id,
    due_at: Option<String>,
    at: DateTime<Utc>,
    ready_at: String,
    day: String,
}

impl Dispatch<'_> {
    /// Writes a feed's file now. `due_at`: the due time it is for; without one it was asked for. An error is one of the
    /// machine (disk, database) and leaves everything as it was.
    pub fn send(&mut self, feed: &Feed, due_at: Option<DateTime<Utc>>) -> Result<Outcome> {
        let occasion = Occasion {
            feed,
            name: feed.name(),
            id: new_id(self.now.wall)?,
            due_at: due_at.map(iso),
            at: self.now.wall,
            ready_at: iso(self.now.wall),
            day: self.now.wall.with_timezone(&self.zone).date_naive().to_string(),
        };
        let outcome = match self.compose_and_commit(&occasion) {
            Ok(outcome) => outcome,
            Err(error) => match unwritable(&error) {
                Some(reason) => self.note_failure(&occasion, reason)?,
                None => return Err(error),
            },
        };
        if matches!(outcome, Outcome::Ready { .. }) {
            self.place_ready()?;
        }
        Ok(outcome)
    }

    fn compose_and_commit(&mut self, occasion: &Occasion<'_>) -> Result<Outcome> {
        let (feed, spool) = (occasion.feed, self.spool);
        let (mut composed, moment) = {
            let snapshot = self.reader.snapshot()?;
            let moment = snapshot.moment()?;
            (compose(&snapshot, spool, feed, self.now)?, moment)
        };
        let tx = self.store.begin()?;
        if feed.layout.kind.class == Class::Request && self.reader.snapshot()?.moment()? != moment {
            composed = compose(&tx, spool, feed, self.now)?;
        }
        if composed.rows == 0 && !feed.allow_empty {
            let run = tx.add_run(&occasion.without_file(RunState::Empty))?;
            occasion.settle(&tx, self.pending, [run])?;
            tx.commit()?;
            self.pending.placed.clear();
            self.tell(occasion, Event::RunEmpty, None);
            return Ok(Outcome::Empty { id: occasion.id });
        }
        let rows = composed.rows;
        let name = occasion.stage(&tx, spool, self.pending, composed).inspect_err(|_| unstage(spool, occasion.id))?;
        tx.commit().inspect_err(|error| {
            // Any other failure leaves open whether the commit reached the disk: then the next start has to find both or
            // neither, and `place_ready` removes what has no run.
            if StoreFault::of(error) == Some(StoreFault::Full) {
                unstage(spool, occasion.id);
            }
        })?;
        self.pending.placed.clear();
        Ok(Outcome::Ready { id: occasion.id, name, rows })
    }

    /// The due time is handled all the same: trying again every turn would say the same a thousand times.
    fn note_failure(&mut self, occasion: &Occasion<'_>, reason: String) -> Result<Outcome> {
        let tx = self.store.begin()?;
        let run = tx.add_run(&occasion.without_file(RunState::Failed))?;
        tx.set_run_state(run, RunState::Failed, &occasion.ready_at, &reason)?;
        occasion.settle(&tx, self.pending, [run])?;
        tx.commit()?;
        self.pending.placed.clear();
        self.tell(occasion, Event::RunFailed, Some(&reason));
        Ok(Outcome::Failed { id: occasion.id, reason })
    }

    fn tell(&self, occasion: &Occasion<'_>, event: Event, reason: Option<&str>) {
        let feed = occasion.feed;
        let mut fields: Vec<(Key, Value<'_>)> =
            vec![(Key::Partner, feed.partner.as_str().into()), (Key::Feed, feed.id.as_str().into())];
        fields.extend(reason.map(|reason| (Key::Reason, reason.into())));
        self.events.tell(self.now.wall, occasion.id.as_str(), event, &fields);
    }
}

impl Occasion<'_> {
    /// The file to staged/ and all rows of the run, up to the commit. Tells the file's name.
    fn stage(&self, tx: &Tx<'_>, spool: &Spool, pending: &Pending, composed: Composed) -> Result<String> {
        let Composed { paper, rows, requests } = composed;
        let (hash, size) = (paper.hash, paper.size);
        paper.stage(spool, self.id, Lasting::Now)?;
        let mut numbers = Numbers::of_feed(tx, spool, &self.name)?;
        let number = numbers.give();
        let name = self.file_name(number);
        let new = NewRun { number, name: &name, hash: &hash, size, rows, ..self.without_file(RunState::Ready) };
        let run = tx.add_run(&new)?;
        tx.mark_exported(&self.name, run, requests)?;
        self.settle(tx, pending, [])?;
        numbers.keep(tx, spool)?;
        Ok(name)
    }

    /// What every commit of a run also says: its due time is handled, and which runs the folders have followed.
    fn settle<const N: usize>(&self, tx: &Tx<'_>, pending: &Pending, fileless: [RunNo; N]) -> Result<()> {
        if let Some(due_at) = &self.due_at {
            tx.set_due_handled(&self.name, due_at)?;
        }
        tx.mark_runs_placed(pending.placed.iter().copied().chain(fileless))
    }

    fn without_file(&self, state: RunState) -> NewRun<'_> {
        let feed = self.feed;
        NewRun {
            id: self.id,
            number: 0,
            partner: &feed.partner,
            feed: &feed.id,
            kind: &feed.layout.kind.name,
            layout: &feed.layout.id,
            reason: if self.due_at.is_some() { RunReason::Due } else { RunReason::Request },
            due_at: self.due_at.as_deref(),
            state,
            folder: &feed.folder,
            name: "",
            hash: &[],
            size: 0,
            rows: 0,
            file: None,
            ready_at: &self.ready_at,
            day: &self.day,
        }
    }

    fn file_name(&self, run: u64) -> String {
        let Feed { partner, id, zone, .. } = self.feed;
        self.feed.file_name.fill(&NameFacts { run, at: self.at, zone: *zone, partner, feed: id })
    }
}

/// A full disk must not fill up with what could not be committed. Should the file stay, `place_ready` removes it.
fn unstage(spool: &Spool, id: Id) {
    let _ = spool.remove(Place::Staged, id.as_str().as_bytes());
}
