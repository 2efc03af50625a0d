//! Which feeds are due: what the ledger says was handled against what their schedules say of now. When is decided by
//! `model::rules::schedule`; this reads the marks and makes the runs.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};

use super::Dispatch;
use super::ask::Ask;
use super::stage::Outcome;
use crate::edges::clock::iso;
use crate::edges::events::{Event, Key, Value};
use crate::edges::store::Snapshot;
use crate::edges::store::ledger::RunReason;
use crate::model::feed::{Feed, Schedule};
use crate::model::rules::schedule;

/// A due time that was handled lies in the past: one so far ahead of the clock was handled by a clock that has been set back since.
/// Less than this is one that was corrected by a little, and would only come due twice.
const AHEAD_AT_MOST: TimeDelta = TimeDelta::minutes(10);

/// Name of the mark of a feed's full files, which have a schedule of their own.
pub(super) fn full_mark(feed: &str) -> String {
    format!("{feed} full")
}

/// The schedules of a feed, each with the name of its mark; the second one, where there is one, is that of its full files.
fn schedules(feed: &Feed) -> impl Iterator<Item = (String, &[Schedule])> {
    let full = feed.delta().map(|delta| (full_mark(&feed.name()), &delta.full[..]));
    [(feed.name(), &feed.schedule[..])].into_iter().chain(full).filter(|(_, schedule)| !schedule.is_empty())
}

/// When the loop has to wake up next for a feed; none where no feed has a schedule.
pub fn next_due<'f>(
    snapshot: &Snapshot<'_>,
    feeds: impl IntoIterator<Item = &'f Feed>,
) -> Result<Option<DateTime<Utc>>> {
    let mut next = None;
    for (mark, schedule) in feeds.into_iter().flat_map(schedules) {
        // A feed without a mark gets it at the next `begin_schedules`; until then it is not due.
        let Some(handled) = handled(snapshot, &mark)? else { continue };
        let due = schedule::next_due(schedule, handled);
        next = [next, due].into_iter().flatten().min();
    }
    Ok(next)
}

/// Was the clock set back, so that a feed would be silent until it has caught up with its mark?
pub fn runs_ahead<'f>(
    snapshot: &Snapshot<'_>,
    feeds: impl IntoIterator<Item = &'f Feed>,
    now: DateTime<Utc>,
) -> Result<bool> {
    for (mark, _) in feeds.into_iter().flat_map(schedules) {
        if handled(snapshot, &mark)?.is_some_and(|handled| handled > now + AHEAD_AT_MOST) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn handled(snapshot: &Snapshot<'_>, mark: &str) -> Result<Option<DateTime<Utc>>> {
    let Some(text) = snapshot.due_handled(mark)? else { return Ok(None) };
    let instant = text.parse().with_context(|| format!("the due mark of {mark} is no instant: {text}"))?;
    Ok(Some(instant))
}

impl Dispatch<'_> {
    /// At a start and after a reload: a feed that is new begins now, and nothing is caught up on from before. So does one whose mark
    /// lies ahead of a clock that was set back: what comes due twice goes out twice, which is better than not at all.
    pub fn begin_schedules<'f>(&mut self, feeds: impl IntoIterator<Item = &'f Feed>) -> Result<()> {
        let tx = self.store.begin()?;
        let mut begun = false;
        for (mark, _) in feeds.into_iter().flat_map(schedules) {
            match handled(&tx, &mark)? {
                None => tx.set_due_handled(&mark, &iso(self.now.wall))?,
                Some(ahead) if ahead > self.now.wall + AHEAD_AT_MOST => tx.set_back_due(&mark, &iso(self.now.wall))?,
                Some(_) => continue,
            }
            begun = true;
        }
        if begun { tx.commit() } else { Ok(()) }
    }

    /// Makes every run that has come due; how many there were. Worth a call only when `next_due` has come. A feed whose file
    /// cannot be written does not keep the others back; an error of the machine ends the round, and the next one goes on where it stood.
    pub fn run_due<'f>(&mut self, feeds: impl IntoIterator<Item = &'f Feed>) -> Result<u64> {
        let mut made = 0;
        for feed in feeds {
            // Where both come due at one instant, one full file is made.
            let mut asks: BTreeMap<DateTime<Utc>, Ask> = BTreeMap::new();
            for (mark, schedule) in schedules(feed) {
                let Some(handled) = handled(&self.store.read()?, &mark)? else { continue };
                let due = schedule::due(schedule, handled, self.now.wall);
                let is_full = mark != feed.name();
                for at in &due.runs {
                    let ask = asks.entry(*at).or_insert_with(|| Ask { reason: RunReason::Due, ..Ask::request() });
                    if is_full {
                        (ask.full, ask.full_due_at) = (true, Some(*at));
                    } else {
                        ask.due_at = Some(*at);
                    }
                }
                if due.handled > due.runs.last().copied() {
                    self.skip_to(&mark, due.handled)?;
                }
                if due.skipped > 0 {
                    self.tell_skipped(feed, due.skipped);
                }
            }
            for ask in asks.values() {
                let _: Outcome = self.send(feed, ask)?;
                made += 1;
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
    fn skip_to(&mut self, mark: &str, handled: Option<DateTime<Utc>>) -> Result<()> {
        let Some(handled) = handled else { return Ok(()) };
        let tx = self.store.begin()?;
        tx.set_due_handled(mark, &iso(handled))?;
        tx.commit()
    }
}
