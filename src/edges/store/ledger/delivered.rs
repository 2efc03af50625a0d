//! What a partner holds by a feed that tells changes: key → what he was told last. And what each run tells, until it is
//! delivered and longer: only a delivery moves the one by the other.

use anyhow::{Context, Result, anyhow};
use rusqlite::params;

use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FeedNo, RunNo, Snapshot, Tx};
use crate::model::digest;
use crate::model::key_list::{Keys, Told, Unpacked};
use crate::model::rules::delta::{Op, Was};

/// Rows that are read ahead of who walks through them.
const PAGE_ROWS: i64 = 1_000;

impl Tx<'_> {
    /// The next part of what the run tells; parts come in the order of their keys.
    pub fn add_run_change(&self, run_no: RunNo, part: i64, entries: &[u8]) -> Result<()> {
        fault::point("store.add_run_change")?;
        let sql = "INSERT INTO run_change (run_no, part, entries) VALUES (?1, ?2, ?3)";
        run(self.conn, sql, params![run_no.0, part, entries]).context("cannot keep what a run tells")?;
        Ok(())
    }

    /// Forgets what these runs told.
    pub fn forget_told(&self, runs: &[RunNo]) -> Result<()> {
        fault::point("store.forget_told")?;
        for run_no in runs {
            run(self.conn, "DELETE FROM run_outbox WHERE run_no = ?1", [run_no.0])?;
            self.drop_run_changes(*run_no)?;
        }
        Ok(())
    }

    /// The run tells nothing after all.
    pub fn drop_run_changes(&self, run_no: RunNo) -> Result<()> {
        run(self.conn, "DELETE FROM run_change WHERE run_no = ?1", [run_no.0])?;
        Ok(())
    }

    /// The partner has the run's file: from now on he holds what it tells.
    pub fn move_delivered(&self, feed: FeedNo, run_no: RunNo) -> Result<()> {
        fault::point("store.move_delivered")?;
        let find = "SELECT gone FROM delivered WHERE feed_no = ?1 AND key = ?2";
        let write = "INSERT INTO delivered (feed_no, key, run_no, hash, gone) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (feed_no, key) DO UPDATE SET run_no = excluded.run_no, hash = excluded.hash, gone = excluded.gone";
        let drop = "DELETE FROM delivered WHERE feed_no = ?1 AND key = ?2";
        let mut shown = 0_i64;
        let mut walk = ToldRows::of(self, run_no);
        while let Some(told) = walk.next()? {
            let key = walk.key();
            let was_gone: Option<bool> = one(self.conn, find, params![feed.0, key], |row| row.get(0))?;
            let stays = told.op != Op::Delete || told.gone;
            shown += i64::from(stays && !told.gone) - i64::from(was_gone == Some(false));
            if stays {
                let values = params![feed.0, key, run_no.0, told.hash.cast_signed(), told.gone];
                run(self.conn, write, values).context("cannot note what was delivered")?;
            } else {
                run(self.conn, drop, params![feed.0, key]).context("cannot note what was delivered")?;
            }
        }
        run(self.conn, "UPDATE feed SET shown = shown + ?2 WHERE feed_no = ?1", [feed.0, shown])?;
        Ok(())
    }

    /// Nobody knows what the partner holds of the rows that these runs told about.
    pub fn doubt_delivered(&self, feed: FeedNo, runs: &[RunNo]) -> Result<()> {
        fault::point("store.doubt_delivered")?;
        let sql = "INSERT INTO delivered (feed_no, key, run_no, hash, gone) VALUES (?1, ?2, ?3, ?4, 0) \
             ON CONFLICT (feed_no, key) DO UPDATE SET hash = excluded.hash";
        for run_no in runs {
            let mut walk = ToldRows::of(self, *run_no);
            while walk.next()?.is_some() {
                let values = params![feed.0, walk.key(), run_no.0, digest::UNKNOWN.cast_signed()];
                run(self.conn, sql, values).context("cannot note what is in doubt")?;
            }
        }
        let sql = "UPDATE feed SET shown = (SELECT count(*) FROM delivered d WHERE d.feed_no = ?1 AND d.gone = 0) WHERE feed_no = ?1";
        run(self.conn, sql, [feed.0])?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// What the partner was told about a key; nothing where he does not hold it.
    pub fn delivered_of(&self, feed: FeedNo, key: &[u8]) -> Result<Option<Was>> {
        let sql = "SELECT hash, gone FROM delivered WHERE feed_no = ?1 AND key = ?2";
        one(self.conn, sql, params![feed.0, key], |row| {
            Ok(Was { hash: row.get::<_, i64>(0)?.cast_unsigned(), gone: row.get(1)? })
        })
    }

    pub fn holds_anything(&self, feed: FeedNo) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM delivered WHERE feed_no = ?1)";
        Ok(one(self.conn, sql, [feed.0], |row| row.get(0))?.unwrap_or(false))
    }

    /// Runs after `base` that told the partner something he may have read. The last of them that compared what it told with
    /// all before it stands for those before it. `delivered_too`: also delivered ones, where only full files move the base.
    pub fn told_since(
        &self,
        (partner, feed): (&str, &str),
        base: Option<RunNo>,
        delivered_too: bool,
    ) -> Result<Vec<RunNo>> {
        let sql = "SELECT run_no, scope = 'part' FROM run WHERE partner = ?1 AND feed = ?2 AND reason <> 'receipt' AND run_no > ?3 \
             AND number > 0 AND (state = 'ready' OR state = 'delivering' OR state = 'renaming' OR state = 'superseded' \
             OR state = 'failed' OR state = 'discarded' OR (?4 AND state = 'sent' AND scope <> 'full')) ORDER BY run_no";
        let values = params![partner, feed, base.map_or(0, |b| b.0), delivered_too];
        let runs: Vec<(i64, bool)> = list(self.conn, sql, values, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let first = runs.iter().rposition(|(_, part)| !part).unwrap_or_default();
        Ok(runs[first..].iter().map(|(no, _)| RunNo(*no)).collect())
    }

    /// Runs before a day whose every row is still known and not needed any more: something later was delivered, and no run before
    /// that can still be taken.
    pub fn told_before(&self, day: &str) -> Result<Vec<RunNo>> {
        let sql = "SELECT DISTINCT c.run_no FROM run_change c JOIN run r ON r.run_no = c.run_no JOIN feed f ON f.name = r.partner || '/' || r.feed \
             WHERE r.day < ?1 AND r.run_no < f.base_run AND NOT EXISTS ( \
               SELECT 1 FROM run o WHERE o.partner = r.partner AND o.feed = r.feed AND o.run_no < f.base_run \
               AND (o.state = 'ready' OR o.state = 'delivering' OR o.state = 'renaming'))";
        list(self.conn, sql, [day], |row| row.get(0).map(RunNo))
    }

    /// Runs of the feed after this one that were delivered before it.
    pub fn delivered_after(&self, (partner, feed): (&str, &str), run_no: RunNo) -> Result<Vec<RunNo>> {
        let sql = "SELECT run_no FROM run WHERE partner = ?1 AND feed = ?2 AND reason <> 'receipt' AND run_no > ?3 AND state = 'sent'";
        list(self.conn, sql, params![partner, feed, run_no.0], |row| row.get(0).map(RunNo))
    }

    fn run_change(&self, run_no: RunNo, part: i64) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT entries FROM run_change WHERE run_no = ?1 AND part = ?2";
        one(self.conn, sql, [run_no.0, part], |row| row.get(0))
    }
}

/// Walks through what a run tells, in the order of the keys, one part in memory.
pub struct ToldRows<'s> {
    snapshot: &'s Snapshot<'s>,
    run_no: RunNo,
    next_part: i64,
    part: Unpacked,
}

impl<'s> ToldRows<'s> {
    pub fn of(snapshot: &'s Snapshot<'s>, run_no: RunNo) -> Self {
        ToldRows { snapshot, run_no, next_part: 0, part: Unpacked::default() }
    }

    /// The key of the row read last.
    pub fn key(&self) -> &[u8] {
        self.part.key()
    }

    #[expect(clippy::should_implement_trait, reason = "its rows borrow from it, and reading may fail")]
    pub fn next(&mut self) -> Result<Option<Told>> {
        loop {
            let told = self.part.next_told().with_context(|| format!("what run number {} tells", self.run_no.0))?;
            if told.is_some() {
                return Ok(told);
            }
            let Some(entries) = self.snapshot.run_change(self.run_no, self.next_part)? else { return Ok(None) };
            self.next_part += 1;
            self.part = Unpacked::new(entries);
        }
    }
}

/// Walks through all that a partner holds, in the order of the keys.
pub struct HeldRows<'s> {
    snapshot: &'s Snapshot<'s>,
    feed: FeedNo,
    keys: Keys,
    held: Vec<Was>,
    at: usize,
    is_last: bool,
}

impl<'s> HeldRows<'s> {
    pub fn of(snapshot: &'s Snapshot<'s>, feed: FeedNo) -> Self {
        HeldRows { snapshot, feed, keys: Keys::default(), held: Vec::new(), at: 0, is_last: false }
    }

    /// The next key into `key`, and what is held of it.
    pub fn next(&mut self, key: &mut Vec<u8>) -> Result<Option<Was>> {
        if self.at == self.held.len() {
            self.turn()?;
        }
        let (Some(found), Some(was)) = (self.keys.get(self.at), self.held.get(self.at)) else { return Ok(None) };
        key.clear();
        key.extend_from_slice(found);
        self.at += 1;
        Ok(Some(*was))
    }

    fn turn(&mut self) -> Result<()> {
        let after = self.keys.last().map(<[u8]>::to_vec);
        self.keys.clear();
        self.held.clear();
        self.at = 0;
        if self.is_last {
            return Ok(());
        }
        let sql = "SELECT key, hash, gone FROM delivered WHERE feed_no = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
        let mut statement = self.snapshot.conn.prepare_cached(sql)?;
        // No key is empty.
        let mut rows = statement.query(params![self.feed.0, after.unwrap_or_default(), PAGE_ROWS])?;
        while let Some(row) = rows.next()? {
            self.keys.push(row.get_ref(0)?.as_blob().map_err(|_| anyhow!("a key of `delivered` is none"))?);
            self.held.push(Was { hash: row.get::<_, i64>(1)?.cast_unsigned(), gone: row.get(2)? });
        }
        self.is_last = (self.held.len() as i64) < PAGE_ROWS;
        Ok(())
    }
}
