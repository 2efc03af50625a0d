//! Runs whose name carries no number: which of several a file under it is, which comes first, and when the next one may follow.
//! The name says not enough, so a file is known by its content, and a run that waits by what the ledger says of those before it.

use anyhow::Result;

use super::Dispatch;
use super::place::{NAMESAKES_MAX, is_same, visible};
use crate::edges::spool::Place;
use crate::edges::store::ledger::{RunReason, RunRow, RunState};
use crate::flows::fingerprint;
use crate::model::rules::one_name::{Turn, is_behind};
use crate::model::rules::recovery::RunFound;

/// Of a file that is asked about more than once.
pub(super) type Hash = Option<[u8; 32]>;

impl Dispatch<'_> {
    /// Must an earlier run of its feed leave first? What its partner took meanwhile is noted before the next one stands there: else the
    /// newer file would be taken for the older one.
    pub(super) fn is_behind_another(&mut self, run: &RunRow) -> Result<bool> {
        let open = self.store.read()?.open_runs()?;
        let mut taken = Vec::new();
        for earlier in open.into_iter().filter(|earlier| is_before(earlier, run)) {
            match self.find_if_allowed(&earlier)? {
                Some(RunFound::Neither) if !self.is_brought(&earlier)? => taken.push(earlier),
                _ => return Ok(true),
            }
        }
        if !taken.is_empty() {
            self.mark_sent(&taken)?;
        }
        Ok(false)
    }

    /// A file of ours under a name of several runs whose place a newer one was given: it stands until that one comes.
    pub(super) fn is_outdated(&self, (place, name): (Place<'_>, &[u8])) -> Result<bool> {
        let Ok(text) = std::str::from_utf8(name) else { return Ok(false) };
        let runs = self.store.read()?.runs_named(text, NAMESAKES_MAX)?;
        let ended =
            |run: &&RunRow| run.state == RunState::Superseded && run.turn != Turn::Own && is_same(visible(run), place);
        let ended: Vec<&RunRow> = runs.iter().filter(ended).collect();
        if ended.is_empty() {
            return Ok(false);
        }
        let hash = fingerprint::of(self.spool, place, name)?;
        Ok(ended.iter().any(|run| run.hash[..] == hash[..]))
    }

    /// The file there is this run's, and not one of the same name that waits, or was taken before.
    pub(super) fn is_of(&self, run: &RunRow, place: Place<'_>, hash: &mut Hash) -> Result<bool> {
        if self.spool.look(Place::Staged, run.id.as_str().as_bytes())?.is_some() {
            return Ok(false);
        }
        if run.state != RunState::Sent {
            return Ok(true);
        }
        // What a partner took from his folder does not stand there; what we brought may have been left there by a crash.
        if !self.is_brought(run)? || self.spool.look(place, run.name.as_bytes())?.is_none() {
            return Ok(false);
        }
        let found = match *hash {
            Some(found) => found,
            None => *hash.insert(fingerprint::of(self.spool, place, run.name.as_bytes())?),
        };
        Ok(run.hash[..] == found[..])
    }
}

fn is_before(earlier: &RunRow, run: &RunRow) -> bool {
    let is_open = matches!(earlier.state, RunState::Ready | RunState::Delivering | RunState::Renaming);
    let is_one_feed = (&earlier.partner, &earlier.feed) == (&run.partner, &run.feed);
    // To a partner's Windows they are one name.
    let is_same_name = earlier.name.eq_ignore_ascii_case(&run.name) && is_same(visible(earlier), visible(run));
    earlier.no < run.no
        && is_open
        && is_one_feed
        && earlier.reason != RunReason::Receipt
        && is_behind(run.scope, is_same_name)
}
