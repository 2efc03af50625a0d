//! What a person says about a feed that the guard has locked: today's state goes out once, or what was composed is dropped.

use anyhow::{Result, bail};

use super::Dispatch;
use super::ask::Ask;
use super::stage::Outcome;
use crate::edges::clock::iso;
use crate::edges::events::{Event, Key, Value};
use crate::edges::store::ledger::{LockRow, RunState, Side};
use crate::model::feed::Feed;

impl Dispatch<'_> {
    /// Composes anew and sends what is pending, once, without the guard.
    pub fn release(&mut self, feed: &Feed) -> Result<Outcome> {
        self.locked(feed)?;
        let outcome = self.send(feed, &Ask { unguarded: true, ..Ask::request() })?;
        if !matches!(outcome, Outcome::Failed { .. }) {
            self.tell_lock(feed, Event::FeedReleased);
        }
        Ok(outcome)
    }

    /// What was composed is dropped, and the partner holds what he held: the next run tells all of it again. Where nothing is
    /// locked, requests that went out only in a rehearsal count as sent. The sentence is for who asked.
    pub fn discard(&mut self, feed: &Feed) -> Result<String> {
        let name = feed.name();
        if !self.store.read()?.is_locked(&feed.partner, &feed.id)?
            && self.store.read()?.requests_rehearsed(&name)?.0 > 0
        {
            let tx = self.store.begin()?;
            let count = tx.count_rehearsed_as_sent(&name)?;
            tx.commit()?;
            return Ok(format!(
                "{name}: {count} order(s) that went out only in a rehearsal count as sent; nattpost resume {name} --out lets it go on"
            ));
        }
        let lock = self.locked(feed)?;
        let at = iso(self.now.wall);
        let tx = self.store.begin()?;
        if let Some(run) = lock.run {
            tx.set_run_state(run, RunState::Discarded, &at, "a person discarded it")?;
            tx.mark_runs_placed([run])?;
        }
        tx.end_lock(lock.no, &at, "discarded")?;
        tx.commit()?;
        self.tell_lock(feed, Event::FeedDiscarded);
        self.clear_held()?;
        Ok(format!("{name}: what was held back is dropped; the next file tells all of it again"))
    }

    fn locked(&self, feed: &Feed) -> Result<LockRow> {
        match self.store.read()?.lock_of(Side::Out, &feed.partner, &feed.id)? {
            Some(lock) => Ok(lock),
            None => bail!("{} is not locked; it may have been released or discarded before", feed.name()),
        }
    }

    fn tell_lock(&self, feed: &Feed, event: Event) {
        let fields: [(Key, Value<'_>); 2] =
            [(Key::Partner, feed.partner.as_str().into()), (Key::Feed, feed.id.as_str().into())];
        self.events.tell(self.now.wall, "", event, &fields);
    }
}
