//! Tells the ledger which feeds there are and what they want to hear of changes, at a start, after a reload and with every
//! run: so the way in knows who is concerned before the first row changes.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use super::Dispatch;
use crate::edges::clock::iso;
use crate::edges::store::Tx;
use crate::edges::store::business::Needed;
use crate::edges::store::ledger::{FeedRow, NewFeed, RunState, Side, Wants};
use crate::model::feed::{Feed, Since};
use crate::model::kind::{Class, shipped_kinds};
use crate::model::mode::plain;
use crate::model::pause::Subject;

/// Who paused, where it was nobody; not the one who waits for an older database to be caught up with.
const PAUSED_BY: &str = "nattpost, after a rehearsal";

impl Dispatch<'_> {
    /// All feeds of the configuration in force; others hear of nothing from now on.
    pub fn register<'f>(&mut self, feeds: impl IntoIterator<Item = &'f Feed>) -> Result<()> {
        let at = iso(self.now.wall);
        let tx = self.store.begin()?;
        let mut names = Vec::new();
        let mut changed = false;
        let mut needed = Needed::new();
        for feed in feeds {
            let extras = feed.needs_extras();
            needed.extend(extras.map(|(owner, kind, name)| (owner.into(), kind.into(), name.into())));
            changed |= tx.feed(&feed.name())? != Some(register(&tx, feed, self.now.wall)?);
            changed |= pause_rehearsed(&tx, feed, &at)?;
            names.push(feed.name());
        }
        changed |= tx.forget_feeds_but(&names)?;
        changed |= tx.drop_extras_but(shipped_kinds().iter(), &needed)?;
        changed |= drop_locks_of_rehearsals(&tx, &names, &at)?;
        if changed { tx.commit() } else { Ok(()) }
    }
}

/// What the guard held of a rehearsal that is over goes nowhere: there is no feed any more that it could be released for.
fn drop_locks_of_rehearsals(tx: &Tx<'_>, names: &[String], at: &str) -> Result<bool> {
    let mut dropped = false;
    for lock in tx.locks()?.into_iter().filter(|lock| lock.side == Side::Out && plain(&lock.name) != lock.name) {
        if names.contains(&format!("{}/{}", lock.partner, lock.name)) {
            continue;
        }
        tx.end_lock(lock.no, at, "discarded")?;
        if let Some(run) = lock.run {
            tx.set_run_state(run, RunState::Discarded, at, "its rehearsal is over")?;
            tx.mark_runs_placed([run])?;
        }
        dropped = true;
    }
    Ok(dropped)
}

/// What went out only in a rehearsal may be there by the old way: a feed of requests that comes to be live waits for a person,
/// once.
fn pause_rehearsed(tx: &Tx<'_>, feed: &Feed, at: &str) -> Result<bool> {
    if feed.layout.kind.class != Class::Request || !feed.mode().writes() {
        return Ok(false);
    }
    let name = feed.name();
    let (count, newest) = tx.requests_rehearsed(&name)?;
    let mark = format!("rehearsed {name}");
    if count == 0 || newest <= tx.high_water(&mark)? {
        return Ok(false);
    }
    let subject = Subject::Feed { partner: feed.partner.clone(), feed: feed.id.clone() };
    let words = format!(
        "{count} of its orders went out only in a rehearsal: nattpost discard {name} --out counts them as sent, resume sends them"
    );
    tx.pause(&subject, at, PAUSED_BY, &words)?;
    tx.raise_high_water(&mark, newest)?;
    Ok(true)
}

/// The feed as the ledger knows it from now on. One whose rows mean something else compares everything at its next run; one that
/// begins to tell changes begins with a full file.
pub(super) fn register(tx: &Tx<'_>, feed: &Feed, now: DateTime<Utc>) -> Result<FeedRow> {
    let name = feed.name();
    let (kind, wants) = (&feed.layout.kind.name, wants(feed));
    let before = tx.feed(&name)?;
    if let Some(row) = &before
        && (row.wants, row.fingerprint, &row.kind) == (wants, feed.fingerprint, kind)
    {
        return Ok(row.clone());
    }
    if before.as_ref().is_some_and(|before| before.fingerprint != feed.fingerprint) {
        tx.raise_high_water(&configured_mark(&name), now.timestamp_millis().max(0).cast_unsigned())?;
    }
    let also = feed.looks_at();
    tx.register_feed(&NewFeed {
        name: &name,
        partner: &feed.partner,
        kind,
        also: &also,
        wants,
        fingerprint: feed.fingerprint,
    })?;
    let row = || -> Result<FeedRow> { tx.feed(&name)?.with_context(|| format!("the feed {name} was not registered")) };
    let now = row()?;
    let same_kind = before.is_none_or(|before| before.kind == *kind);
    if !wants.keys || !same_kind {
        tx.forget_changes(now.no)?;
    }
    if !wants.keys && tx.holds_anything(now.no)? || wants.keys && (!same_kind || !tx.holds_anything(now.no)?) {
        tx.forget_delivered(now.no)?;
    }
    if wants.keys {
        tx.add_unlisted_change(now.no, kind, wants.on_change)?;
    }
    row()
}

/// High-water mark, in milliseconds: when what decides its rows was last another than before.
pub(super) fn configured_mark(feed: &str) -> String {
    format!("configured {feed}")
}

fn wants(feed: &Feed) -> Wants {
    Wants {
        on_change: feed.triggers.on_change.is_some(),
        on_registration: feed.triggers.on_registration,
        keys: feed.keeps_delivered(),
        open_orders: feed.published.open_orders_days.is_some(),
        since_full: feed.delta().is_some_and(|delta| delta.since == Since::LastFull),
    }
}
