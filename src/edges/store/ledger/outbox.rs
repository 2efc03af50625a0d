//! What changed and was not delivered yet: one change a file and kind, with the keys of its rows as a packed list, and one
//! small entry for each feed concerned. Written in the transaction that changes the rows, done with when a run that took it
//! into account was delivered.
//!
//! Lists may be thrown away at any time: a feed that is not told which rows changed compares all of them.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use rusqlite::params;

use super::feed::{KEYS, ON_CHANGE, ON_REGISTRATION};
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FeedNo, FileNo, RunNo, Snapshot, Tx};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Rows are different now.
    Change,
    /// A request was applied.
    Registration,
}

impl Cause {
    fn as_str(self) -> &'static str {
        match self {
            Cause::Change => "change",
            Cause::Registration => "registration",
        }
    }
}

#[derive(Debug, Clone)]
pub struct NewChange<'a> {
    pub kind: &'a str,
    pub file: FileNo,
    pub cause: Cause,
    /// Of the requests; a feed that answers registrations answers its own partner's.
    pub partner: &'a str,
    pub rows: u64,
    /// Packed keys; nothing where they are too many to be listed.
    pub lists: Option<&'a [Vec<u8>]>,
}

/// Who has to hear of a change of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Concerned {
    pub anybody: bool,
    /// Somebody wants to know which rows.
    pub keys: bool,
}

/// What a feed has still to take into account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingChange {
    pub no: i64,
    pub kind: String,
    pub rows: u64,
    pub listed: bool,
}

impl Tx<'_> {
    /// In the transaction, and the savepoint, that changes the rows.
    pub fn add_change(&self, new: &NewChange<'_>) -> Result<()> {
        fault::point("store.add_change")?;
        let change = self.add_lists(new.kind, Some(new.file), new.cause, new.rows, new.lists)?;
        // A request rings who answers registrations of this partner, and who carries requests, whatever they are called.
        let sql = "INSERT INTO outbox (feed_no, change_no, rings) SELECT feed_no, change_no, rings FROM ( \
               SELECT feed_no, ?1 AS change_no, wants, CASE WHEN wants & ?2 <> 0 THEN 1 \
                 WHEN ?3 AND wants & ?4 <> 0 AND (partner = ?5 OR kind = 'order') THEN 1 ELSE 0 END AS rings \
               FROM feed WHERE wants <> 0 AND (kind = ?6 OR feed_no IN (SELECT a.feed_no FROM feed_also a WHERE a.kind = ?6))) WHERE rings = 1 OR wants & ?7 <> 0";
        let registers = new.cause == Cause::Registration;
        let values = params![change, ON_CHANGE, registers, ON_REGISTRATION, new.partner, new.kind, KEYS];
        let entries = run(self.conn, sql, values).with_context(|| format!("cannot note a change of {}", new.kind))?;
        if entries == 0 {
            run(self.conn, "DELETE FROM change WHERE change_no = ?1", [change])?;
        }
        Ok(())
    }

    /// For one feed alone: it has to look at everything again.
    pub fn add_unlisted_change(&self, feed: FeedNo, kind: &str, rings: bool) -> Result<()> {
        fault::point("store.add_unlisted_change")?;
        let change = self.add_lists(kind, None, Cause::Change, 0, None)?;
        let sql = "INSERT INTO outbox (feed_no, change_no, rings) VALUES (?1, ?2, ?3)";
        run(self.conn, sql, params![feed.0, change, rings]).context("cannot note that a feed compares everything")?;
        Ok(())
    }

    fn add_lists(
        &self,
        kind: &str,
        file: Option<FileNo>,
        cause: Cause,
        rows: u64,
        lists: Option<&[Vec<u8>]>,
    ) -> Result<i64> {
        let sql = "INSERT INTO change (file_no, kind, cause, rows, listed) VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![file.map(|f| f.0), kind, cause.as_str(), rows.cast_signed(), lists.is_some()];
        run(self.conn, sql, values).with_context(|| format!("cannot note a change of {kind}"))?;
        let change = self.conn.last_insert_rowid();
        let sql = "INSERT INTO change_keys (change_no, part, keys) VALUES (?1, ?2, ?3)";
        for (part, keys) in lists.unwrap_or_default().iter().enumerate() {
            run(self.conn, sql, params![change, part as i64, keys]).context("cannot list what changed")?;
        }
        Ok(change)
    }

    /// The run takes these changes into account; from now on they are done with when it is delivered.
    pub fn take_along(&self, run_no: RunNo, changes: &[PendingChange]) -> Result<()> {
        fault::point("store.take_along")?;
        let sql = "INSERT INTO run_outbox (run_no, change_no) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        for change in changes {
            run(self.conn, sql, [run_no.0, change.no]).context("cannot note which changes a run tells")?;
        }
        Ok(())
    }

    /// A run was tried: nothing rings until something new changes.
    pub fn quiet(&self, feed: FeedNo) -> Result<()> {
        fault::point("store.quiet")?;
        run(self.conn, "UPDATE outbox SET rings = 0 WHERE feed_no = ?1 AND rings = 1", [feed.0])?;
        Ok(())
    }

    /// The partner has what the run told.
    pub fn consume(&self, feed: FeedNo, run_no: RunNo) -> Result<()> {
        fault::point("store.consume")?;
        let sql = "DELETE FROM outbox WHERE feed_no = ?1 AND change_no IN (SELECT r.change_no FROM run_outbox r WHERE r.run_no = ?2)";
        run(self.conn, sql, [feed.0, run_no.0]).context("cannot note that changes were delivered")?;
        self.drop_changes()
    }

    /// These changes turned out to say nothing that the partner does not know.
    pub fn done_with(&self, feed: FeedNo, changes: &[PendingChange]) -> Result<()> {
        for change in changes {
            run(self.conn, "DELETE FROM outbox WHERE feed_no = ?1 AND change_no = ?2", [feed.0, change.no])?;
        }
        self.drop_changes()
    }

    /// The feed needs no list of what changed.
    pub fn forget_changes(&self, feed: FeedNo) -> Result<()> {
        run(self.conn, "DELETE FROM outbox WHERE feed_no = ?1", [feed.0])?;
        self.drop_changes()
    }

    /// Feeds that are paused or not taken for weeks: what they have to look at becomes one word, everything.
    pub fn shorten_outbox(&self, most: u32) -> Result<()> {
        fault::point("store.shorten_outbox")?;
        for (feed, kind, rings) in self.long_outboxes(most)? {
            self.forget_changes(feed)?;
            self.add_unlisted_change(feed, &kind, rings)?;
        }
        Ok(())
    }

    /// Changes that nobody waits for.
    fn drop_changes(&self) -> Result<()> {
        let sql = "DELETE FROM change WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.change_no = change.change_no)";
        run(self.conn, sql, []).context("cannot drop changes that nobody waits for")?;
        Ok(())
    }
}

impl Snapshot<'_> {
    pub fn concerned(&self, kind: &str) -> Result<Concerned> {
        let sql = "SELECT max(wants & ?2) FROM feed WHERE wants <> 0 \
             AND (kind = ?1 OR feed_no IN (SELECT a.feed_no FROM feed_also a WHERE a.kind = ?1))";
        let keys: Option<Option<i64>> = one(self.conn, sql, params![kind, KEYS], |row| row.get(0))?;
        Ok(match keys.flatten() {
            None => Concerned::default(),
            Some(keys) => Concerned { anybody: true, keys: keys > 0 },
        })
    }

    /// Feeds (`partner/feed`) for which something changed that no run was tried for since, and why they go out.
    pub fn ringing(&self) -> Result<Vec<(String, Cause)>> {
        let sql = "SELECT f.name, max(c.cause = 'registration' AND f.wants & ?1 <> 0) FROM outbox o \
             JOIN feed f ON f.feed_no = o.feed_no JOIN change c ON c.change_no = o.change_no WHERE o.rings = 1 GROUP BY f.name";
        list(self.conn, sql, [ON_REGISTRATION], |row| {
            let registered: bool = row.get(1)?;
            Ok((row.get(0)?, if registered { Cause::Registration } else { Cause::Change }))
        })
    }

    pub fn pending(&self, feed: FeedNo) -> Result<Vec<PendingChange>> {
        let sql = "SELECT c.change_no, c.rows, c.listed, c.kind FROM outbox o JOIN change c ON c.change_no = o.change_no \
             WHERE o.feed_no = ?1 ORDER BY c.change_no";
        list(self.conn, sql, [feed.0], |row| {
            Ok(PendingChange {
                no: row.get(0)?,
                rows: super::file::unsigned(row, 1)?,
                listed: row.get(2)?,
                kind: row.get(3)?,
            })
        })
    }

    /// Feeds with more entries than these, with their kinds and whether they ring.
    pub fn long_outboxes(&self, most: u32) -> Result<Vec<(FeedNo, String, bool)>> {
        let sql = "SELECT o.feed_no, f.kind, max(o.rings) FROM outbox o JOIN feed f ON f.feed_no = o.feed_no \
             GROUP BY o.feed_no HAVING count(*) > ?1";
        list(self.conn, sql, [most], |row| Ok((FeedNo(row.get(0)?), row.get(1)?, row.get(2)?)))
    }

    /// The changes that these runs took into account.
    pub fn taken_along(&self, runs: &[RunNo]) -> Result<BTreeSet<i64>> {
        let mut changes = BTreeSet::new();
        for run_no in runs {
            let sql = "SELECT change_no FROM run_outbox WHERE run_no = ?1";
            changes.extend(list::<i64>(self.conn, sql, [run_no.0], |row| row.get(0))?);
        }
        Ok(changes)
    }

    /// The packed keys of a change, part by part.
    pub fn keys_of_change(&self, change: i64) -> Result<Vec<Vec<u8>>> {
        let sql = "SELECT keys FROM change_keys WHERE change_no = ?1 ORDER BY part";
        list(self.conn, sql, [change], |row| row.get(0))
    }
}
