//! One run of a feed: composed, judged, staged, committed, placed. The one transaction holds the run, its number, what it tells,
//! the requests in it, that its due time is handled, and that an older run gave its place to it.
//!
//! It is composed inside that transaction: nothing can change between reading and committing.

use std::time::Instant;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use super::ask::Ask;
use super::compose::{Composed, Composing, unwritable};
use super::judge::{Facts, Verdict, judge};
use super::looking::{Comparison, comparison};
use super::made::{Made, Withdrawn};
use super::registry::register;
use super::{Dispatch, Pending};
use crate::edges::clock::{iso, new_id, read_iso};
use crate::edges::events::{Event, Key, Value};
use crate::edges::spool::{Place, Spool};
use crate::edges::store::ledger::{FeedRow, NewRun, RunReason, RunRow, RunState, Side};
use crate::edges::store::{RunNo, StoreFault, Tx};
use crate::model::feed::{Content, Feed};
use crate::model::ids::Id;
use crate::model::kind::Class;
use crate::model::rules::file_name::{NameFacts, NamePattern};
use crate::model::rules::own_number::OwnNumbers;
use crate::model::rules::supersede::Scope;
use crate::model::wording::guard as words;

/// Commands, files in and other feeds have their turn between so many.
const FILES_A_TURN: u64 = 25;

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Committed, and visible in out/ unless an event says why not.
    Ready {
        /// Of the last one, where they are several; their rows together.
        id: Id,
        name: String,
        rows: u64,
        files: u64,
        /// More than one turn of the loop may make: what asked for it is still to be answered.
        has_more: bool,
    },
    /// Nothing to say, so no file.
    Empty { id: Id },
    /// A value that the layout cannot hold: no file until it is corrected, and nothing of it counts as sent.
    Failed { id: Id, reason: String },
    /// The guard holds it back; why, or that it would pass now.
    Locked { id: Id, reason: String },
}

/// What all of a run's rows have in common.
pub(super) struct Occasion<'f> {
    pub feed: &'f Feed,
    pub ask: &'f Ask,
    pub name: String,
    pub id: Id,
    due_at: Option<String>,
    full_due_at: Option<String>,
    pub at: DateTime<Utc>,
    pub ready_at: String,
    day: String,
    /// For how long it took alone; nothing is decided by it.
    pub began: Instant,
}

impl Dispatch<'_> {
    /// Writes a feed's file now; several, where the feed wants few orders in each. An error is one of the machine (disk, database)
    /// and leaves everything as it was before the file that met it.
    pub fn send(&mut self, feed: &Feed, ask: &Ask) -> Result<Outcome> {
        let (mut made, mut all) = (0, 0);
        loop {
            let mut outcome = self.send_one(feed, ask)?;
            let Outcome::Ready { rows, files, has_more, .. } = &mut outcome else { return Ok(outcome) };
            (made, all) = (made + *files, all + *rows);
            if !*has_more || made >= FILES_A_TURN {
                (*files, *rows) = (made, all);
                return Ok(outcome);
            }
        }
    }

    fn send_one(&mut self, feed: &Feed, ask: &Ask) -> Result<Outcome> {
        let occasion = Occasion {
            feed,
            ask,
            name: feed.name(),
            id: new_id(self.now.wall)?,
            due_at: ask.due_at.map(iso),
            full_due_at: ask.full_due_at.map(iso),
            at: self.now.wall,
            ready_at: iso(self.now.wall),
            day: self.now.wall.with_timezone(&self.zone).date_naive().to_string(),
            began: Instant::now(),
        };
        let outcome = match self.compose_and_commit(&occasion) {
            Ok(outcome) => outcome,
            Err(error) => match unwritable(&error) {
                Some(reason) => self.note_failure(&occasion, reason)?,
                None => return Err(error),
            },
        };
        match &outcome {
            Outcome::Ready { .. } => _ = self.place_ready()?,
            Outcome::Locked { .. } => {
                self.place_ready()?;
                self.clear_held()?;
            }
            Outcome::Empty { .. } | Outcome::Failed { .. } => {}
        }
        if ask.unguarded {
            self.clear_held()?;
        }
        Ok(outcome)
    }

    fn compose_and_commit(&mut self, occasion: &Occasion<'_>) -> Result<Outcome> {
        let (feed, ask, spool) = (occasion.feed, occasion.ask, self.spool);
        let tx = self.store.begin()?;
        let row = register(&tx, feed, self.now.wall)?;
        let run = tx.add_run(&occasion.without_file(RunState::Failed))?;
        let previous = tx.last_numbered(&feed.partner, &feed.id)?;
        let is_again = |run: &&RunRow| run.state == RunState::Superseded || ask.instead_of == Some(run.no);
        // Told again as it was called, whatever it says by now.
        let again = previous.as_ref().filter(is_again);
        // Whatever a person asked for since: who knows what he holds of it?
        let unsure = tx.last_whole(&feed.partner, &feed.id)?.filter(is_unsure);
        let full_again = again.into_iter().chain(&unsure).any(|run| run.scope == Scope::Full);
        let scope = occasion.scope(&row, full_again);
        let with = feed.keeps_delivered().then(|| comparison(&tx, feed, &row, scope, self.now.wall)).transpose()?;
        let is_unsure = unsure.is_some() || told_unsure(&tx, with.as_ref())?;
        let composing = Composing {
            tx: &tx,
            spool,
            feed,
            key: ask.key.as_deref(),
            orders_of: ask.instead_of.filter(|_| scope == Scope::New),
            now: self.now,
            run,
            no: row.no,
            comparison: with.as_ref(),
        };
        let composed = composing.compose(self.reader)?;
        let lock = tx.lock_of(Side::Out, &feed.partner, &feed.id)?;
        let facts = Facts {
            feed,
            row: &row,
            scope,
            rows_before: rows_before(&tx, feed, &row)?,
            is_news: composed.compared.is_news || again.is_some() || is_unsure,
            is_repeated: ask.reason == RunReason::Change
                && again.is_none()
                && previous.as_ref().map(|run| is_repeated(spool, run, &composed, feed)).transpose()? == Some(true),
            is_locked: lock.is_some(),
            unguarded: ask.unguarded,
        };
        let verdict = judge(&facts, &composed.compared);
        let made = Made { tx: &tx, spool, occasion, row: &row, run, scope, with: with.as_ref(), lock };
        let outcome = match verdict {
            Verdict::Empty => made.empty(&composed.compared)?,
            Verdict::Locked(over) => made.locked(composed, &over).inspect_err(|_| unstage(spool, occasion.id))?,
            Verdict::Send => made.ready(composed, previous).inspect_err(|_| unstage(spool, occasion.id))?,
        };
        let is_answered = !matches!(outcome.outcome, Outcome::Ready { has_more: true, .. });
        occasion.settle(&tx, self.pending, ([], is_answered))?;
        outcome.numbers.map_or(Ok(()), |numbers| numbers.keep(&tx, spool))?;
        tx.commit().inspect_err(|error| {
            // Any other failure leaves open whether the commit reached the disk: then the next start has to find both or
            // neither, and `place_ready` removes what has no run.
            if StoreFault::of(error) == Some(StoreFault::Full) {
                unstage(spool, occasion.id);
            }
        })?;
        self.pending.placed.clear();
        self.tell(occasion, &outcome.outcome, outcome.is_noted);
        self.tell_withdrawn(outcome.withdrawn);
        Ok(outcome.outcome)
    }

    /// The due time is handled all the same: trying again every turn would say the same a thousand times.
    fn note_failure(&mut self, occasion: &Occasion<'_>, reason: String) -> Result<Outcome> {
        let tx = self.store.begin()?;
        let row = register(&tx, occasion.feed, self.now.wall)?;
        let run = tx.add_run(&occasion.without_file(RunState::Failed))?;
        tx.set_run_state(run, RunState::Failed, &occasion.ready_at, &reason)?;
        tx.quiet(row.no)?;
        occasion.settle(&tx, self.pending, ([run], true))?;
        tx.commit()?;
        self.pending.placed.clear();
        let outcome = Outcome::Failed { id: occasion.id, reason };
        self.tell(occasion, &outcome, true);
        Ok(outcome)
    }

    /// `is_noted`: the run stands in the ledger, or its lock is new.
    fn tell(&self, occasion: &Occasion<'_>, outcome: &Outcome, is_noted: bool) {
        let (event, reason) = match outcome {
            Outcome::Failed { reason, .. } => (Event::RunFailed, Some(reason.clone())),
            Outcome::Locked { reason, .. } => {
                (Event::FeedLocked, Some(format!("{reason}; {}", words::what_to_do(&occasion.name))))
            }
            Outcome::Empty { .. } => (Event::RunEmpty, None),
            Outcome::Ready { .. } => return,
        };
        if !is_noted {
            return;
        }
        let feed = occasion.feed;
        let mut fields: Vec<(Key, Value<'_>)> =
            vec![(Key::Partner, feed.partner.as_str().into()), (Key::Feed, feed.id.as_str().into())];
        fields.extend(reason.map(|reason| (Key::Reason, reason.into())));
        self.events.tell(self.now.wall, occasion.id.as_str(), event, &fields);
    }

    fn tell_withdrawn(&self, withdrawn: Option<Withdrawn>) {
        if let Some(Withdrawn { run }) = withdrawn {
            self.tell_run(&run, Event::RunSuperseded);
        }
    }
}

/// Something changed, and nothing that this partner is told.
fn is_repeated(spool: &Spool, previous: &RunRow, composed: &Composed, feed: &Feed) -> Result<bool> {
    let stands = matches!(previous.state, RunState::Ready | RunState::Delivering | RunState::Renaming | RunState::Sent);
    let Some(at) = read_iso(&previous.ready_at).filter(|_| stands) else { return Ok(false) };
    let facts = name_facts(feed, (previous.scope, previous.number), at, &composed.own);
    Ok(previous.hash == composed.paper.hash_with(spool, &facts)?)
}

fn name_facts<'a>(feed: &'a Feed, (scope, run): (Scope, u64), at: DateTime<Utc>, own: &'a OwnNumbers) -> NameFacts<'a> {
    let (partner, id) = (&feed.partner, feed.plain_id());
    NameFacts { run, at, zone: feed.zone, partner, feed: id, scope: scope.as_str(), own }
}

/// Taken in doubt, or gone before it was delivered: the partner may hold something else than it told.
fn is_unsure(run: &RunRow) -> bool {
    matches!(run.state, RunState::Superseded | RunState::Failed)
}

/// Among the runs that he may have read before this one.
fn told_unsure(tx: &Tx<'_>, with: Option<&Comparison>) -> Result<bool> {
    for run in with.map_or(&[][..], |with| &with.told) {
        if tx.run_by_no(*run)?.as_ref().is_some_and(is_unsure) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A full file is held against the full file before it.
fn rows_before(tx: &Tx<'_>, feed: &Feed, row: &FeedRow) -> Result<Option<u64>> {
    if feed.keeps_delivered() {
        return Ok(Some(row.shown));
    }
    let Some(base) = row.base else { return Ok(None) };
    let base = tx.run_by_no(base)?.context("the run that was delivered last is not in the ledger")?;
    Ok((base.scope == Scope::Full).then_some(base.rows))
}

impl Occasion<'_> {
    fn scope(&self, row: &FeedRow, full_again: bool) -> Scope {
        match &self.feed.content {
            _ if self.feed.layout.kind.class == Class::Request => Scope::New,
            _ if self.ask.key.is_some() => Scope::Part,
            Content::Full => Scope::Full,
            Content::Delta(_) if self.ask.full || row.full_owed || row.base.is_none() || full_again => Scope::Full,
            Content::Delta(_) => Scope::Delta,
        }
    }

    /// What every commit of a run also says: its due time is handled, unless more goes out for it, and which runs the folders have followed.
    fn settle<const N: usize>(
        &self,
        tx: &Tx<'_>,
        pending: &Pending,
        (fileless, is_answered): ([RunNo; N], bool),
    ) -> Result<()> {
        if let Some(due_at) = self.due_at.as_ref().filter(|_| is_answered) {
            tx.set_due_handled(&self.name, due_at)?;
        }
        if let Some(due_at) = &self.full_due_at {
            tx.set_due_handled(&super::due::full_mark(&self.name), due_at)?;
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
            reason: self.ask.reason,
            due_at: self.due_at.as_deref().or(self.full_due_at.as_deref()),
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

    pub fn name_facts<'a>(&'a self, scope: Scope, run: u64, own: &'a OwnNumbers) -> NameFacts<'a> {
        name_facts(self.feed, (scope, run), self.at, own)
    }

    /// What its file is called.
    pub fn pattern(&self, scope: Scope) -> &NamePattern {
        let full = self.feed.delta().filter(|_| scope == Scope::Full);
        full.and_then(|delta| delta.full_file_name.as_ref()).unwrap_or(&self.feed.file_name)
    }

    /// Folder and name of a file with this number.
    pub fn place_and_name(&self, scope: Scope, run: u64, own: &OwnNumbers) -> (&str, String) {
        let full = self.feed.delta().filter(|_| scope == Scope::Full);
        let folder = full.and_then(|delta| delta.full_folder.as_deref()).unwrap_or(&self.feed.folder);
        let pattern = self.pattern(scope);
        (folder, pattern.fill(&self.name_facts(scope, run, own)))
    }
}

/// A full disk must not fill up with what could not be committed. Should the file stay, `place_ready` removes it.
fn unstage(spool: &Spool, id: Id) {
    let _ = spool.remove(Place::Staged, id.as_str().as_bytes());
}
