//! Tells the ledger which feeds there are and what they want to hear of changes, at a start, after a reload and with every
//! run: so the way in knows who is concerned before the first row changes.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use super::Dispatch;
use crate::edges::store::Tx;
use crate::edges::store::ledger::{FeedRow, NewFeed, Wants};
use crate::model::feed::{Feed, Since};

impl Dispatch<'_> {
    /// All feeds of the configuration in force; others hear of nothing from now on.
    pub fn register<'f>(&mut self, feeds: impl IntoIterator<Item = &'f Feed>) -> Result<()> {
        let tx = self.store.begin()?;
        let mut names = Vec::new();
        let mut changed = false;
        for feed in feeds {
            changed |= tx.feed(&feed.name())? != Some(register(&tx, feed, self.now.wall)?);
            names.push(feed.name());
        }
        changed |= tx.forget_feeds_but(&names)?;
        if changed { tx.commit() } else { Ok(()) }
    }
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
    tx.register_feed(&NewFeed { name: &name, partner: &feed.partner, kind, wants, fingerprint: feed.fingerprint })?;
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
