//! Feeds that go out because something changed, or because an order was applied: what the outbox says rings, and the pause that
//! a feed keeps. The truth stands in the outbox; a ring that a crash took is found again at the next turn.

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use super::Dispatch;
use super::ask::Ask;
use crate::edges::store::ledger::{Cause, RunReason, RunState};
use crate::model::feed::{Feed, Replace};

impl Dispatch<'_> {
    /// Makes the runs of feeds that ring. When the next one may go out, where one keeps its pause.
    pub fn run_ringing<'f>(
        &mut self,
        feeds: impl IntoIterator<Item = &'f Feed>,
    ) -> Result<(u64, Option<DateTime<Utc>>)> {
        let ringing = self.store.read()?.ringing()?;
        if ringing.is_empty() {
            return Ok((0, None));
        }
        let feeds: Vec<&Feed> = feeds.into_iter().collect();
        let (mut made, mut next) = (0, None);
        for (name, cause) in ringing {
            // Paused, or of a configuration that is not in force any more: it goes on ringing.
            let Some(feed) = feeds.iter().find(|feed| feed.name() == name) else { continue };
            if self.waits(feed)? {
                continue;
            }
            let at = self.goes_out_at(feed, cause)?;
            if at > self.now.wall {
                next = [next, Some(at)].into_iter().flatten().min();
                continue;
            }
            let reason = match cause {
                Cause::Change => RunReason::Change,
                Cause::Registration => RunReason::Registration,
            };
            self.pending.rung.insert(name, self.now.wall);
            self.send(feed, &Ask { reason, ..Ask::request() })?;
            made += 1;
        }
        Ok((made, next))
    }

    /// A locked feed waits for a person. One whose first full file was not taken yet would only make another.
    fn waits(&self, feed: &Feed) -> Result<bool> {
        let snapshot = self.store.read()?;
        if snapshot.is_locked(&feed.partner, &feed.id)? {
            return Ok(true);
        }
        let begins = feed.delta().is_some() && snapshot.feed(&feed.name())?.is_some_and(|row| row.base.is_none());
        if !begins || feed.replace != Replace::Never {
            return Ok(false);
        }
        let last = snapshot.last_numbered(&feed.partner, &feed.id)?;
        Ok(last.is_some_and(|run| matches!(run.state, RunState::Ready | RunState::Delivering | RunState::Renaming)))
    }

    /// At once, or when the pause since it went out last is over. Orders that were applied know no pause.
    fn goes_out_at(&self, feed: &Feed, cause: Cause) -> Result<DateTime<Utc>> {
        let pause = feed.triggers.on_change.filter(|_| cause == Cause::Change);
        let Some(pause) = pause.and_then(|pause| TimeDelta::from_std(pause).ok()) else { return Ok(self.now.wall) };
        let last = self.store.read()?.last_run(&feed.partner, &feed.id)?;
        let last = last.and_then(|run| run.ready_at.parse::<DateTime<Utc>>().ok());
        let tried = self.pending.rung.get(&feed.name()).copied();
        // A clock that was set back must not keep it waiting.
        let last = last.max(tried).filter(|last| *last <= self.now.wall);
        Ok(last.map_or(self.now.wall, |last| last + pause))
    }
}
