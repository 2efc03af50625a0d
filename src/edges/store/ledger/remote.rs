//! How remotes answer: what keeps back-off and lock-out over a restart, and what `status` says of the last look.

use anyhow::{Context, Result};
use rusqlite::{Row, params};

use super::file::unsigned;
use crate::edges::fault;
use crate::edges::store::query::{list, run};
use crate::edges::store::{Snapshot, Tx};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemoteState {
    /// `partner/remote`.
    pub remote: String,
    pub last_ok: Option<String>,
    pub last_try: Option<String>,
    /// In a row.
    pub failures: u32,
    /// A word of `model::rules::patience`; empty while all is well.
    pub trouble: String,
    pub next_try: Option<String>,
    /// When the trouble began.
    pub since: Option<String>,
    pub words: String,
    /// Fingerprint of the rule that was tried.
    pub rule: u64,
}

/// The last look of an intake at its folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemoteLook {
    pub partner: String,
    pub intake: String,
    pub looked_at: String,
    pub listed: u64,
    /// Listed, and not taken yet: settling, or waiting for a done-file.
    pub waiting: u64,
    /// Cannot be taken.
    pub odd: u64,
    /// The first of those not taken, a line each with its reason.
    pub sample: String,
}

impl Tx<'_> {
    pub fn set_remote_state(&self, state: &RemoteState) -> Result<()> {
        fault::point("store.set_remote_state")?;
        let sql = "INSERT INTO remote_state (remote, last_ok, last_try, failures, trouble, next_try, since, words, rule) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (remote) DO UPDATE SET last_ok = excluded.last_ok, \
             last_try = excluded.last_try, failures = excluded.failures, trouble = excluded.trouble, next_try = excluded.next_try, \
             since = excluded.since, words = excluded.words, rule = excluded.rule";
        let values = params![
            state.remote,
            state.last_ok,
            state.last_try,
            state.failures,
            state.trouble,
            state.next_try,
            state.since,
            state.words,
            state.rule.cast_signed(),
        ];
        run(self.conn, sql, values).with_context(|| format!("cannot note how {} answered", state.remote))?;
        Ok(())
    }

    pub fn set_remote_look(&self, look: &RemoteLook) -> Result<()> {
        fault::point("store.set_remote_look")?;
        let sql = "INSERT INTO remote_look (partner, intake, looked_at, listed, waiting, odd, sample) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (partner, intake) DO UPDATE SET looked_at = excluded.looked_at, \
             listed = excluded.listed, waiting = excluded.waiting, odd = excluded.odd, sample = excluded.sample";
        let values = params![
            look.partner,
            look.intake,
            look.looked_at,
            look.listed.cast_signed(),
            look.waiting.cast_signed(),
            look.odd.cast_signed(),
            look.sample,
        ];
        run(self.conn, sql, values)
            .with_context(|| format!("cannot note a look of {}/{}", look.partner, look.intake))?;
        Ok(())
    }
}

impl Snapshot<'_> {
    pub fn remote_states(&self) -> Result<Vec<RemoteState>> {
        let sql = "SELECT remote, last_ok, last_try, failures, trouble, next_try, since, words, rule FROM remote_state ORDER BY remote";
        list(self.conn, sql, [], read_state)
    }

    pub fn remote_looks(&self) -> Result<Vec<RemoteLook>> {
        let sql =
            "SELECT partner, intake, looked_at, listed, waiting, odd, sample FROM remote_look ORDER BY partner, intake";
        list(self.conn, sql, [], |row| {
            Ok(RemoteLook {
                partner: row.get(0)?,
                intake: row.get(1)?,
                looked_at: row.get(2)?,
                listed: unsigned(row, 3)?,
                waiting: unsigned(row, 4)?,
                odd: unsigned(row, 5)?,
                sample: row.get(6)?,
            })
        })
    }
}

fn read_state(row: &Row<'_>) -> rusqlite::Result<RemoteState> {
    Ok(RemoteState {
        remote: row.get(0)?,
        last_ok: row.get(1)?,
        last_try: row.get(2)?,
        failures: row.get(3)?,
        trouble: row.get(4)?,
        next_try: row.get(5)?,
        since: row.get(6)?,
        words: row.get(7)?,
        rule: unsigned(row, 8)?,
    })
}
