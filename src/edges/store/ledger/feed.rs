//! Feeds as the ledger knows them: who is concerned when rows of a kind change, and since when a partner's state is counted.
//! Registered by the way out at a start and after a reload; read by the way in.

use anyhow::{Context, Result};
use rusqlite::{Row, params};

use super::file::unsigned;
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FeedNo, RunNo, Snapshot, Tx};

/// What a feed wants to hear of changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wants {
    /// It goes out when something changed.
    pub on_change: bool,
    /// It goes out when an order of its partner was applied.
    pub on_registration: bool,
    /// Which rows changed.
    pub keys: bool,
    /// What is ordered and not confirmed.
    pub open_orders: bool,
    /// Changes are counted from the last full file, so only full ones move what is delivered.
    pub since_full: bool,
}

/// The bits of `feed.wants`.
pub(super) const ON_CHANGE: i64 = 1;
pub(super) const ON_REGISTRATION: i64 = 2;
pub(super) const KEYS: i64 = 4;
const OPEN_ORDERS: i64 = 8;
const SINCE_FULL: i64 = 16;

impl Wants {
    fn to_bits(self) -> i64 {
        let bit = |said: bool, bit: i64| if said { bit } else { 0 };
        bit(self.on_change, ON_CHANGE)
            | bit(self.on_registration, ON_REGISTRATION)
            | bit(self.keys, KEYS)
            | bit(self.open_orders, OPEN_ORDERS)
            | bit(self.since_full, SINCE_FULL)
    }

    fn of_bits(bits: i64) -> Wants {
        let has = |bit: i64| bits & bit != 0;
        Wants {
            on_change: has(ON_CHANGE),
            on_registration: has(ON_REGISTRATION),
            keys: has(KEYS),
            open_orders: has(OPEN_ORDERS),
            since_full: has(SINCE_FULL),
        }
    }
}

#[derive(Debug, Clone)]
pub struct NewFeed<'a> {
    /// `partner/feed`.
    pub name: &'a str,
    pub partner: &'a str,
    pub kind: &'a str,
    /// Kinds beside its own whose changes change its rows.
    pub also: &'a [&'a str],
    pub wants: Wants,
    pub fingerprint: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    pub no: FeedNo,
    pub kind: String,
    pub wants: Wants,
    pub fingerprint: u64,
    /// A full file was due and could not go out.
    pub full_owed: bool,
    pub base: Option<RunNo>,
    /// Rows that the partner holds.
    pub shown: u64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<FeedRow> {
    Ok(FeedRow {
        no: FeedNo(row.get(0)?),
        kind: row.get(1)?,
        wants: Wants::of_bits(row.get(2)?),
        fingerprint: row.get::<_, i64>(3)?.cast_unsigned(),
        full_owed: row.get(4)?,
        base: row.get::<_, Option<i64>>(5)?.map(RunNo),
        shown: unsigned(row, 6)?,
    })
}

impl Tx<'_> {
    pub fn register_feed(&self, new: &NewFeed<'_>) -> Result<()> {
        fault::point("store.register_feed")?;
        let sql = "INSERT INTO feed (name, partner, kind, wants, fingerprint) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (name) DO UPDATE SET partner = excluded.partner, kind = excluded.kind, wants = excluded.wants, \
             fingerprint = excluded.fingerprint";
        let values = params![new.name, new.partner, new.kind, new.wants.to_bits(), new.fingerprint.cast_signed()];
        run(self.conn, sql, values).with_context(|| format!("cannot register the feed {}", new.name))?;
        let of_feed = "(SELECT feed_no FROM feed WHERE name = ?1)";
        run(self.conn, &format!("DELETE FROM feed_also WHERE feed_no = {of_feed}"), [new.name])?;
        let sql = format!("INSERT INTO feed_also (feed_no, kind) VALUES ({of_feed}, ?2)");
        for kind in new.also {
            run(self.conn, &sql, [new.name, kind]).context("cannot note which kinds a feed looks at")?;
        }
        Ok(())
    }

    /// Feeds that the configuration no longer has hear of nothing; whether there were any. What their partners hold is kept.
    pub fn forget_feeds_but(&self, names: &[String]) -> Result<bool> {
        let sql = "SELECT feed_no, name FROM feed WHERE wants <> 0";
        let known: Vec<(i64, String)> = list(self.conn, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut any = false;
        for (no, name) in known.iter().filter(|(_, name)| !names.contains(name)) {
            run(self.conn, "UPDATE feed SET wants = 0 WHERE feed_no = ?1", [no])
                .with_context(|| format!("cannot forget the feed {name}"))?;
            self.forget_changes(FeedNo(*no))?;
            any = true;
        }
        Ok(any)
    }

    /// What the partner holds is not known: the next file is a full one.
    pub fn forget_delivered(&self, feed: FeedNo) -> Result<()> {
        run(self.conn, "DELETE FROM delivered WHERE feed_no = ?1", [feed.0])?;
        run(self.conn, "UPDATE feed SET base_run = NULL, shown = 0 WHERE feed_no = ?1", [feed.0])?;
        Ok(())
    }

    /// Orders came, or were confirmed: feeds that go out on change and publish stock without them ring, once until they are
    /// tried. In the transaction, and the savepoint, that changes the orders.
    pub fn ring_for_open_orders(&self) -> Result<()> {
        let sql = "SELECT feed_no FROM feed WHERE kind = 'stock' AND wants <> 0 AND wants & ?1 = ?1 \
             AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.feed_no = feed.feed_no AND o.rings = 1)";
        let feeds: Vec<i64> = list(self.conn, sql, [ON_CHANGE | OPEN_ORDERS], |row| row.get(0))?;
        feeds.into_iter().try_for_each(|no| self.add_unlisted_change(FeedNo(no), "stock", true))
    }

    /// From this delivered run on changes are counted.
    pub fn set_base(&self, feed: FeedNo, base: RunNo) -> Result<()> {
        fault::point("store.set_base")?;
        let sql = "UPDATE feed SET base_run = ?2 WHERE feed_no = ?1 AND (base_run IS NULL OR base_run < ?2)";
        run(self.conn, sql, [feed.0, base.0]).context("cannot note what was delivered last")?;
        Ok(())
    }

    pub fn set_full_owed(&self, feed: FeedNo, owed: bool) -> Result<()> {
        run(self.conn, "UPDATE feed SET full_owed = ?2 WHERE feed_no = ?1", params![feed.0, owed])?;
        Ok(())
    }

    /// After an older copy of this database was accepted: partners may hold what it does not know.
    pub fn owe_full_everywhere(&self) -> Result<()> {
        run(self.conn, "UPDATE feed SET full_owed = 1 WHERE base_run IS NOT NULL AND wants & ?1 <> 0", [KEYS])?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// By `partner/feed`.
    pub fn feed(&self, name: &str) -> Result<Option<FeedRow>> {
        let sql = "SELECT feed_no, kind, wants, fingerprint, full_owed, base_run, shown FROM feed WHERE name = ?1";
        one(self.conn, sql, [name], read)
    }
}
