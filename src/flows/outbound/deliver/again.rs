//! Runs that are brought and whose file is gone from out/. Facts are composed again in today's state under the same name and
//! number, answers are made byte for byte from the ledger; for orders a person decides (`decided`).
//!
//! Nothing notes that a file is to be made again: whoever is to send it finds that it is not there, also after a crash.

use anyhow::Result;

use super::super::stage::Outcome;
use super::super::{Ask, Dispatch};
use super::Step;
use super::book::Book;
use super::noting::{PLACED_SOON, Rules, Told};
use crate::edges::clock::iso;
use crate::edges::store::ledger::{RunReason, RunRow, RunState, Side};
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
}
