//! What a person says about a feed that the guard has locked: today's state goes out once, or what was composed is dropped.

use anyhow::{Result, bail};

use super::Dispatch;
use super::ask::Ask;
use super::stage::Outcome;
use crate::edges::clock::iso;
use crate::edges::events::{Event, Key, Value};
use crate::edges::store::ledger::{LockRow, RunState, Side};
use crate::model::feed::Feed;
use crate::model::wording::guard as words;

impl Dispatch<'_> {
    /// Composes anew and sends what is pending, once, without the guard.
    pub fn release(&mut self, feed: &Feed) -> Result<Outcome> {
        self.locked((&feed.partner, &feed.id))?;
        let outcome = self.send(feed, &Ask { unguarded: true, ..Ask::request() })?;
        if !matches!(outcome, Outcome::Failed { .. }) {
            self.tell_lock((&feed.partner, &feed.id), Event::FeedReleased);
        }
        Ok(outcome)
    }

    /// Rows of a key that a person asks for: while the feed is locked nothing of it goes out, and what the guard found stays as
    /// it is told.
    pub fn refuse_while_locked(&self, feed: &Feed) -> Result<()> {
        match self.store.read()?.lock_of(Side::Out, &feed.partner, &feed.id)? {
            Some(lock) => bail!("{}", words::nothing_goes_out(&feed.name(), &lock.told())),
            None => Ok(()),
        }
    }

    /// What was composed is dropped, and the partner holds what he held: the next run tells all of it again. Where nothing is
    /// locked, requests that went out only in a rehearsal count as sent. The sentence is for who asked. By name, since the feed may
    /// have left the configuration with its lock.
    pub fn discard(&mut self, (partner, id): (&str, &str)) -> Result<String> {
        let name = format!("{partner}/{id}");
        if !self.store.read()?.is_locked(partner, id)? && self.store.read()?.requests_rehearsed(&name)?.0 > 0 {
            let tx = self.store.begin()?;
            let count = tx.count_rehearsed_as_sent(&name)?;
            tx.commit()?;
            return Ok(format!(
                "{name}: {count} order(s) that went out only in a rehearsal count as sent; nattpost resume {name} --out lets it go on"
            ));
        }
        let lock = self.locked((partner, id))?;
        let at = iso(self.now.wall);
        let tx = self.store.begin()?;
        if let Some(run) = lock.run {
            tx.set_run_state(run, RunState::Discarded, &at, "a person discarded it")?;
            tx.mark_runs_placed([run])?;
        }
        tx.end_lock(lock.no, &at, "discarded")?;
        tx.commit()?;
        self.tell_lock((partner, id), Event::FeedDiscarded);
        self.clear_held()?;
        Ok(format!("{name}: what was held back is dropped; the next file tells all of it again"))
    }

    fn locked(&self, (partner, id): (&str, &str)) -> Result<LockRow> {
        match self.store.read()?.lock_of(Side::Out, partner, id)? {
            Some(lock) => Ok(lock),
            None => bail!("{partner}/{id} is not locked; it may have been released or discarded before"),
        }
    }

    fn tell_lock(&self, (partner, id): (&str, &str), event: Event) {
        let fields: [(Key, Value<'_>); 2] = [(Key::Partner, partner.into()), (Key::Feed, id.into())];
        self.events.tell(self.now.wall, "", event, &fields);
    }
}
