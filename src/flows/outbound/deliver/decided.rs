//! What a person says of a run that is still to be brought: `release` tries it now, `discard` ends it. Of one that is refused
//! for ever, at any step, as of one of which nobody knows whether it arrived.
//!
//! Nothing that is known of it is forgotten while its remote may still be asked: where its rename had begun, the next look there
//! says whether it arrived, so that orders do not arrive twice.

use std::io::ErrorKind;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::super::place::visible;
use super::super::stage::Outcome;
use super::super::{Ask, Dispatch, settle_sent};
use super::noting::says;
use crate::edges::clock::iso;
use crate::edges::spool::Place;
use crate::edges::store::ledger::{DeliveryRow, RunReason, RunRow, RunState};
use crate::model::feed::Feed;
use crate::model::ids::Id;
use crate::model::rules::delivering::Says;
use crate::model::rules::recovery::RunFound;
use crate::model::rules::supersede::Scope;

/// Also what the run says of itself afterwards.
const DROPPED: &str = "a person dropped it before it was brought";

impl Dispatch<'_> {
    /// It is tried now. Orders whose file is gone are written anew: the same ones, under its name and number. The sentence is
    /// for who asked.
    pub fn release_run(&mut self, id: Id, feeds: &[Arc<Feed>]) -> Result<String> {
        let (run, row) = self.run_to_bring(id)?;
        if says(&run) == Says::Requests && self.find(&run)? == RunFound::Neither {
            return self.write_orders_anew(&run, feeds);
        }
        let tx = self.store.begin()?;
        if row.unknown_since.is_some() {
            tx.deliver_again(run.no, &iso(self.now.wall))?;
        } else {
            tx.try_delivery_now(run.no)?;
        }
        tx.commit()?;
        Ok(match row.unknown_since {
            Some(_) => format!("{} is sent again", run.name),
            None => format!("{} is tried now at {}", run.name, row.remote),
        })
    }

    fn write_orders_anew(&mut self, run: &RunRow, feeds: &[Arc<Feed>]) -> Result<String> {
        let feed = feeds.iter().find(|feed| feed.partner == run.partner && feed.id == run.feed);
        let feed = feed.with_context(|| {
            format!(
                "the file of {} is gone from out/, and its feed {}/{} is not in the configuration any more: put the file back there, or \
                 discard the run",
                run.name, run.partner, run.feed
            )
        })?;
        let ask = Ask { instead_of: Some(run.no), ..Ask::request() };
        match self.send(feed, &ask)? {
            Outcome::Ready { .. } => Ok(format!("{} is sent again", run.name)),
            Outcome::Failed { reason, .. } => bail!("{}: {reason}", run.name),
            Outcome::Empty { .. } | Outcome::Locked { .. } => bail!("{}: none of its orders is found", run.name),
        }
    }

    /// Orders are closed as delivered, since they go out once: the partner has them, or gets them by another way. Anything else is
    /// dropped; the partner holds what he held, and the next file tells it. What stands of an upload at the remote is removed.
    pub fn discard_run(&mut self, id: Id) -> Result<String> {
        let (run, row) = self.run_to_bring(id)?;
        if says(&run) == Says::Facts {
            return self.drop_run(&run);
        }
        let at = iso(self.now.wall);
        let tx = self.store.begin()?;
        settle_sent(&tx, &run, &at, "closed as delivered by a person")?;
        tx.end_try(run.no, &at, "a person closed it as delivered")?;
        if row.unknown_since.is_some() {
            tx.settle_delivery(run.no)?
        } else {
            tx.close_delivery(run.no)?
        }
        tx.commit()?;
        if self.find(&run)? == RunFound::Out {
            let moved = self.move_out_to_sent(&run);
            self.go_on(run.id.as_str(), moved)?;
        } else {
            self.pending.placed.push(run.no);
        }
        Ok(format!("{} is closed as delivered", run.name))
    }

    /// Out of sight before the commit, as when another takes its place: a crash between puts it back.
    fn drop_run(&mut self, run: &RunRow) -> Result<String> {
        let staged = (Place::Staged, run.id.as_str().as_bytes());
        if self.spool.look(staged.0, staged.1)?.is_none() {
            match self.spool.rename((visible(run), run.name.as_bytes()), staged) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        let at = iso(self.now.wall);
        let tx = self.store.begin()?;
        tx.set_run_state(run.no, RunState::Discarded, &at, DROPPED)?;
        tx.mark_runs_placed([run.no])?;
        tx.end_try(run.no, &at, DROPPED)?;
        tx.close_delivery(run.no)?;
        let feed = tx.feed(&format!("{}/{}", run.partner, run.feed))?;
        if let Some(feed) = feed.filter(|_| run.reason != RunReason::Receipt && run.scope == Scope::Full) {
            tx.set_full_owed(feed.no, true)?;
        }
        tx.commit()?;
        self.place_ready()?;
        Ok(match run.reason {
            RunReason::Receipt => format!("{} is dropped: its sender gets no answer by us", run.name),
            _ => format!("{} is dropped; the next file of {}/{} tells what it said", run.name, run.partner, run.feed),
        })
    }

    fn run_to_bring(&self, id: Id) -> Result<(RunRow, DeliveryRow)> {
        let snapshot = self.store.read()?;
        let run = snapshot.run_by_id(id)?.with_context(|| format!("there is no run {id}"))?;
        let row = snapshot.delivery(run.no)?.filter(|row| row.is_open && !row.settled);
        let row = row.with_context(|| format!("run {id} ({}) does not wait to be brought to a remote", run.name))?;
        Ok((run, row))
    }
}
