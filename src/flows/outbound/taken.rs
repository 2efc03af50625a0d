//! What a delivery changes: from here on the partner holds what the run says. One place for all ways a file can leave
//! (`settle_sent`), and the look whether partners took their files.

use std::io::ErrorKind;

use anyhow::Result;

use super::Dispatch;
use super::place::{known, visible};
use crate::edges::clock::iso;
use crate::edges::events::Event;
use crate::edges::store::Tx;
use crate::edges::store::ledger::{FeedRow, RunReason, RunRow, RunState};
use crate::model::rules::one_name::Turn;
use crate::model::rules::recovery::{self, Leaves, RunAction, RunFound};
use crate::model::rules::supersede::Scope;

const IN_DOUBT: &str = "it was taken so soon after it took another's place that it may be the other that was read: what it says is told again";

/// The partner has this run's file: taken from his folder, brought to his server, or closed as delivered by a person. To be
/// called in the transaction that says so; `comment` says how. Marking the run as placed is the caller's.
pub fn settle_sent(tx: &Tx<'_>, run: &RunRow, at: &str, comment: &str) -> Result<()> {
    tx.set_run_state(run.no, RunState::Sent, at, comment)?;
    if run.reason == RunReason::Receipt {
        return Ok(());
    }
    let Some(feed) = tx.feed(&format!("{}/{}", run.partner, run.feed))? else { return Ok(()) };
    if !feed.wants.keys {
        return if run.scope == Scope::Full { tx.set_base(feed.no, run.no) } else { Ok(()) };
    }
    // Where changes are counted from the last full file, the others leave that as it is.
    let moves = !feed.wants.since_full || run.scope == Scope::Full;
    if moves {
        tx.move_delivered(feed.no, run.no)?;
    }
    tx.consume(feed.no, run.no)?;
    if went_back(tx, &feed, run)? {
        tx.add_unlisted_change(feed.no, &feed.kind, feed.wants.on_change)?;
    }
    if moves && run.scope != Scope::Part && (run.rows == 0 || tx.holds_anything(feed.no)?) {
        tx.set_base(feed.no, run.no)?;
    }
    Ok(())
}

/// He took it after a later one, and may have gone back to what it says: all that they told goes out again as it is then.
fn went_back(tx: &Tx<'_>, feed: &FeedRow, run: &RunRow) -> Result<bool> {
    let later = tx.delivered_after((&run.partner, &run.feed), run.no)?;
    if later.is_empty() {
        return Ok(false);
    }
    let runs: Vec<_> = [run.no].into_iter().chain(later).collect();
    tx.doubt_delivered(feed.no, &runs)?;
    if feed.wants.since_full {
        // What later files told would count as known to him, since they move nothing: only a full file says it again.
        tx.set_full_owed(feed.no, true)?;
    }
    Ok(true)
}

impl Dispatch<'_> {
    /// What partners took from their folders since the last look is `sent`; how many files. Also tells the ledger what was
    /// placed, so an idle loop calls it too.
    pub fn look_at_pick_up(&mut self) -> Result<u64> {
        let mut taken = Vec::new();
        let open = self.store.read()?.open_runs()?;
        self.pending.refused.retain(|id, _| open.iter().any(|run| run.id == *id));
        for run in open {
            let Some(found) = self.find_if_allowed(&run)? else { continue };
            if self.is_brought(&run)? {
                continue;
            }
            match recovery::run(found, known(&run), self.leaves(&run)) {
                RunAction::MarkSent | RunAction::ComposeAgain => taken.push(run),
                // A full disk may have come between it and what vouches for it.
                RunAction::Nothing
                    if found == RunFound::Out && !run.placed && !self.pending.placed.contains(&run.no) =>
                {
                    self.confirm_visible(&run)?;
                }
                _ => {}
            }
        }
        self.mark_sent(&taken)?;
        // Another of the same name may have waited for its place.
        if taken.iter().any(|run| run.turn != Turn::Own) {
            self.place_ready()?;
        }
        Ok(taken.len() as u64)
    }

    /// To a remote: what its file's absence from out/ means, the delivery finds out.
    pub(super) fn is_brought(&self, run: &RunRow) -> Result<bool> {
        Ok(self.store.read()?.delivery(run.no)?.is_some())
    }

    /// How the run's file leaves.
    pub(super) fn leaves(&self, run: &RunRow) -> Leaves {
        let now = iso(self.now.wall);
        if run.doubt_until.as_ref().is_some_and(|until| now < *until) { Leaves::PickUpInDoubt } else { Leaves::PickUp }
    }

    /// One commit for runs that were taken, and for what was placed before. One that was taken in doubt is told again.
    pub(super) fn mark_sent(&mut self, taken: &[RunRow]) -> Result<()> {
        if taken.is_empty() && self.pending.placed.is_empty() {
            return Ok(());
        }
        let at = iso(self.now.wall);
        let tx = self.store.begin()?;
        let mut events = Vec::new();
        for run in taken {
            let in_doubt = run.doubt_until.as_ref().is_some_and(|until| at < *until);
            events.push(if in_doubt { Event::RunInDoubt } else { Event::RunSent });
            if in_doubt {
                tx.set_run_state(run.no, RunState::Superseded, &at, IN_DOUBT)?;
                if let Some(feed) = tx.feed(&format!("{}/{}", run.partner, run.feed))? {
                    if feed.wants.keys {
                        went_back(&tx, &feed, run)?;
                    }
                    tx.add_unlisted_change(feed.no, &feed.kind, true)?;
                }
            } else {
                settle_sent(&tx, run, &at, "taken from its folder")?;
            }
        }
        tx.mark_runs_placed(self.pending.placed.iter().copied().chain(taken.iter().map(|run| run.no)))?;
        tx.commit()?;
        self.pending.placed.clear();
        for (run, event) in taken.iter().zip(events) {
            self.tell_run(run, event);
            let removed = self.remove_done_file(run);
            self.go_on(run.id.as_str(), removed)?;
        }
        Ok(())
    }

    /// It vouched for a file that is not there any more.
    pub(super) fn remove_done_file(&self, run: &RunRow) -> Result<()> {
        if run.done_name.is_empty() {
            return Ok(());
        }
        match self.spool.remove(visible(run), run.done_name.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}
