//! How much of a feed's rows has to be looked at: everything, or the keys that were listed since the partner was last told.

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::selecting::today;
use crate::edges::store::business::changes_sets;
use crate::edges::store::ledger::{FeedRow, PendingChange, RunState, ToldRows};
use crate::edges::store::{RunNo, Tx};
use crate::model::also::Also;
use crate::model::feed::Feed;
use crate::model::key_list::{Keys, Unpacked};
use crate::model::rules::delta::{LISTED_MAX, Look, look};
use crate::model::rules::supersede::Scope;

/// What a file of a feed is compared with.
pub(super) struct Comparison {
    pub scope: Scope,
    /// Runs that the partner may have read and that are not among what he holds.
    pub told: Vec<RunNo>,
    /// Changes that the run takes into account.
    pub pending: Vec<PendingChange>,
    pub rows: Rows,
}

pub(super) enum Rows {
    /// Also those that the partner holds and that are gone.
    Everything,
    Keys(Keys),
    /// What a person asked for, as it is.
    AskedFor,
}

pub(super) fn comparison(
    tx: &Tx<'_>,
    feed: &Feed,
    row: &FeedRow,
    scope: Scope,
    now: DateTime<Utc>,
) -> Result<Comparison> {
    let told = tx.told_since((&feed.partner, &feed.id), row.base, row.wants.since_full)?;
    let pending = tx.pending(row.no)?;
    let rows = match scope {
        Scope::Part => Rows::AskedFor,
        // Orders come and grow old without any row of the stock changing.
        Scope::Delta if feed.published.open_orders_days.is_some() => Rows::Everything,
        // So does a price that begins, and what is to come soon.
        Scope::Delta if is_dated(feed) && is_first_of_day(tx, feed, now)? => Rows::Everything,
        Scope::Delta => rows_of_delta(tx, (feed, row), &told, &pending)?,
        Scope::Full | Scope::New => Rows::Everything,
    };
    Ok(Comparison { scope, told, pending, rows })
}

/// Another day may tell something else although no row has changed.
fn is_dated(feed: &Feed) -> bool {
    feed.published.availability.is_some() || feed.also.iter().any(Also::is_dated)
}

/// None has looked at all rows since the day began.
fn is_first_of_day(tx: &Tx<'_>, feed: &Feed, now: DateTime<Utc>) -> Result<bool> {
    let last = tx.last_whole(&feed.partner, &feed.id)?;
    let last = last.filter(|run| run.state != RunState::Locked && run.state != RunState::Discarded);
    let last = last.and_then(|run| run.ready_at.parse::<DateTime<Utc>>().ok());
    Ok(last.is_none_or(|last| today(feed, last) != today(feed, now)))
}

fn rows_of_delta(
    tx: &Tx<'_>,
    (feed, row): (&Feed, &FeedRow),
    told: &[RunNo],
    pending: &[PendingChange],
) -> Result<Rows> {
    // What those runs took into account is different from what the partner holds only where they told it.
    let covered = tx.taken_along(told)?;
    let open: Vec<_> = pending.iter().filter(|change| !covered.contains(&change.no)).collect();
    let is_listed = open.iter().all(|change| change.listed);
    let most: u64 = open.iter().map(|change| change.rows).sum();
    if look(is_listed, most, row.shown) == Look::Everything && most > LISTED_MAX || !is_listed {
        return Ok(Rows::Everything);
    }
    let mut keys = Keys::default();
    for change in open {
        let parts = tx.keys_of_change(change.no)?;
        for also in feed.also.iter().filter(|also| also.kind.name == change.kind) {
            let most = 2 * LISTED_MAX as usize;
            if !tx.rows_beside((&feed.layout.kind, &feed.only), also, &parts, (&mut keys, most))? {
                return Ok(Rows::Everything);
            }
        }
        // The warehouses in which a set is told are those of its components: any.
        if changes_sets(&change.kind, &feed.layout.kind.name) {
            return Ok(Rows::Everything);
        }
        if change.kind == feed.layout.kind.name {
            if !tx.sets_beside(&feed.layout.kind, &parts, (&mut keys, 2 * LISTED_MAX as usize))? {
                return Ok(Rows::Everything);
            }
            for part in parts {
                let mut part = Unpacked::new(part);
                while part.next_key()? {
                    keys.push(part.key());
                }
            }
        }
    }
    for run in told {
        let mut walk = ToldRows::of(tx, *run);
        while walk.next()?.is_some() {
            keys.push(walk.key());
            if keys.len() as u64 > 2 * LISTED_MAX {
                return Ok(Rows::Everything);
            }
        }
    }
    keys.sort();
    Ok(match look(is_listed, keys.len() as u64, row.shown) {
        Look::Keys => Rows::Keys(keys),
        Look::Everything => Rows::Everything,
    })
}
