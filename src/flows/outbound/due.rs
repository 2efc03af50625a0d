//! Which feeds are due: what the ledger says was handled against what their schedules say of now. When is decided by
//! `model::rules::schedule`; this reads the marks and makes the runs.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use super::Dispatch;
use super::stage::Outcome;
use crate::edges::clock::iso;
use crate::edges::events::{Event, Key, Value};
use crate::edges::store::Snapshot;
use crate::model::feed::Feed;
use crate::model::rules::schedule;

/// When the loop has to wake up next for a feed; none where no feed has a schedule.
pub fn next_due<'f>(
    snapshot: &Snapshot<'_>,
    feeds: impl IntoIterator<Item = &'f Feed>,
) -> Result<Option<DateTime<Utc>>> {
    let mut next = None;
    for feed in feeds.into_iter().filter(|feed| !feed.schedule.is_empty()) {
        // A feed without a mark gets it at the next `begin_schedules`; until then it is not due.
        let Some(handled) = handled(snapshot, feed)? else { continue };
        let due = schedule::next_due(&feed.schedule, handled);
        next = [next, due].into_iter().flatten().min();
    }
    Ok(next)
}

fn handled(snapshot: &Snapshot<'_>, feed: &Feed) -> Result<Option<DateTime<Utc>>> {
    let Some(text) = snapshot.due_handled(&feed.name())? else { return Ok(None) };
    let instant = text.parse().with_context(|| format!("the due mark of {} is no instant: {text}", feed.name()))?;
    Ok(Some(instant))
}

impl Dispatch<'_> {
    /// At a start and after a reload: a feed that is new begins now, and nothing is caught up on from before.
    pub fn begin_schedules<'f>(&mut self, feeds: impl IntoIterator<Item = &'f Feed>) -> Result<()> {
        let tx = self.store.begin()?;
        let mut begun = false;
        for feed in feeds.into_iter().filter(|feed| !feed.schedule.is_empty()) {
            if tx.due_handled(&feed.name())?.is_none() {
                tx.set_due_handled(&feed.name(), &iso(self.now.wall))?;
                begun = true;
            }
        }
        if begun { tx.commit() } else { Ok(()) }
    }

    /// Makes every run that has come due; how many there were. Worth a call only when `next_due` has come. A feed whose file
    /// cannot be written does not keep the others back; an error of the machine ends the round, and the next one goes on where it stood.
    pub fn run_due<'f>(&mut self, feeds: impl IntoIterator<Item = &'f Feed>) -> Result<u64> {
        let mut made = 0;
        for feed in feeds.into_iter().filter(|feed| !feed.schedule.is_empty()) {
            let Some(handled) = handled(&self.store.read()?, feed)? else { continue };
            let due = schedule::due(&feed.schedule, handled, self.now.wall);
            for at in &due.runs {
                let _: Outcome = self.send(feed, Some(*at))?;
                made += 1;
            }
            if due.handled > due.runs.last().copied() {
                self.skip_to(feed, due.handled)?;
            }
            if due.skipped > 0 {
                self.tell_skipped(feed, due.skipped);
            }
        }
        Ok(made)
    }

    fn tell_skipped(&self, feed: &Feed, count: usize) {
        let fields = [
            (Key::Partner, Value::Text(feed.partner.as_str().into())),
            (Key::Feed, Value::Text(feed.id.as_str().into())),
            (Key::Count, count.into()),
        ];
        self.events.tell(self.now.wall, "", Event::DueSkipped, &fields);
    }

    /// Due times that passed and are not made up for.
    fn skip_to(&mut self, feed: &Feed, handled: Option<DateTime<Utc>>) -> Result<()> {
        let Some(handled) = handled else { return Ok(()) };
        let tx = self.store.begin()?;
        tx.set_due_handled(&feed.name(), &iso(handled))?;
        tx.commit()
    }
}
