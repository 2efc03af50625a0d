//! Runs that are brought and whose file is gone from out/, or of which nobody knows whether they arrived. Facts are composed again in
//! today's state under the same name and number, answers are made byte for byte from the ledger; for orders a person decides.
//!
//! Nothing notes that a file is to be made again: whoever is to send it finds that it is not there, also after a crash.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::super::stage::Outcome;
use super::super::{Ask, Dispatch, settle_sent};
use super::Step;
use super::book::Book;
use super::noting::{PLACED_SOON, Rules, Told, says};
use crate::edges::clock::iso;
use crate::edges::store::ledger::{RunReason, RunRow, RunState, Side};
use crate::model::feed::Feed;
use crate::model::ids::Id;
use crate::model::rules::delivering::Says;
use crate::model::rules::recovery::RunFound;
use crate::model::rules::supersede::Scope;

const TOLD_AGAIN: &str = "its file is gone from out/ before it was brought: what it said is told again by the next run";
const NOTHING_NOW: &str =
    "its file is gone from out/ before it was brought, and there is nothing to say in its place by now";

impl Dispatch<'_> {
    /// The newest run of a feed is made again in its place; those before it are told again by the newer ones.
    pub(super) fn make_again(&mut self, book: &mut Book, run: &RunRow, rules: Rules<'_>) -> Result<()> {
        if self.find(run)? != RunFound::Neither {
            return Ok(());
        }
        if run.reason == RunReason::Receipt {
            book.go_on(run.no, Step::Ask, self.now.mono);
            return self.make_receipt_again(run, rules.intakes);
        }
        let feed = rules.feeds.iter().find(|feed| feed.partner == run.partner && feed.id == run.feed);
        let is_last = self.store.read()?.last_numbered(&run.partner, &run.feed)?.is_some_and(|last| last.no == run.no);
        let Some(feed) = feed.filter(|_| is_last && matches!(run.scope, Scope::Full | Scope::Delta)) else {
            return self.give_up(book, run, TOLD_AGAIN);
        };
        if self.store.read()?.lock_of(Side::Out, &feed.partner, &feed.id)?.is_some() {
            // A person decides about all of it; releasing composes anew.
            return Ok(());
        }
        let ask = Ask { reason: run.reason, instead_of: Some(run.no), ..Ask::request() };
        match self.send(feed, &ask)? {
            Outcome::Ready { .. } => Ok(()),
            Outcome::Locked { .. } => {
                book.go_on(run.no, Step::Ask, self.now.mono + PLACED_SOON);
                Ok(())
            }
            Outcome::Empty { .. } => self.give_up(book, run, NOTHING_NOW),
            Outcome::Failed { reason, .. } => self.give_up(book, run, &format!("{NOTHING_NOW}: {reason}")),
        }
    }

    fn give_up(&mut self, book: &mut Book, run: &RunRow, words: &str) -> Result<()> {
        let tx = self.store.begin()?;
        tx.set_run_state(run.no, RunState::Failed, &iso(self.now.wall), words)?;
        tx.mark_runs_placed([run.no])?;
        tx.close_delivery(run.no)?;
        tx.commit()?;
        book.forget(run.no);
        self.tell_delivery(Told::Failed(run.clone(), words.to_string()))
    }

    /// A person says that it is to be sent. Orders whose file is gone are written anew: the same ones, under its name and number.
    pub fn release_unknown(&mut self, id: Id, feeds: &[Arc<Feed>]) -> Result<RunRow> {
        let run = self.unknown_run(id)?;
        if says(&run) == Says::Requests && self.find(&run)? == RunFound::Neither {
            let feed = feeds.iter().find(|feed| feed.partner == run.partner && feed.id == run.feed);
            let feed = feed.with_context(|| {
                format!(
                    "the file of {} is gone from out/, and its feed {}/{} is not in the configuration any more: put the file back there, or \
                     discard the run",
                    run.name, run.partner, run.feed
                )
            })?;
            let ask = Ask { instead_of: Some(run.no), ..Ask::request() };
            return match self.send(feed, &ask)? {
                Outcome::Ready { .. } => Ok(run),
                Outcome::Failed { reason, .. } => bail!("{}: {reason}", run.name),
                Outcome::Empty { .. } | Outcome::Locked { .. } => bail!("{}: none of its orders is found", run.name),
            };
        }
        let tx = self.store.begin()?;
        tx.deliver_again(run.no, &iso(self.now.wall))?;
        tx.commit()?;
        Ok(run)
    }

    /// A person says that the partner has it.
    pub fn discard_unknown(&mut self, id: Id) -> Result<RunRow> {
        let run = self.unknown_run(id)?;
        let tx = self.store.begin()?;
        settle_sent(&tx, &run, &iso(self.now.wall), "closed as delivered by a person")?;
        tx.settle_delivery(run.no)?;
        tx.commit()?;
        if self.find(&run)? == RunFound::Out {
            let moved = self.move_out_to_sent(&run);
            self.go_on(run.id.as_str(), moved)?;
        } else {
            self.pending.placed.push(run.no);
        }
        Ok(run)
    }

    fn unknown_run(&self, id: Id) -> Result<RunRow> {
        let snapshot = self.store.read()?;
        let run = snapshot.run_by_id(id)?.with_context(|| format!("there is no run {id}"))?;
        let row = snapshot.delivery(run.no)?.filter(|row| row.unknown_since.is_some() && !row.settled);
        row.with_context(|| format!("run {id} ({}) is not one of which nobody knows whether it arrived", run.name))?;
        Ok(run)
    }
}
