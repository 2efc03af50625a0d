//! Two kinds of marks that only move forward: high-water marks of numbers (the spool holds a second copy, since an older
//! backup of this database must not give a number twice) and the last due instant of each feed that was handled.

use anyhow::{Context, Result};
use rusqlite::params;

use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{Snapshot, Tx};

impl Tx<'_> {
    /// Never lowers the mark.
    pub fn raise_high_water(&self, name: &str, value: u64) -> Result<()> {
        fault::point("store.raise_high_water")?;
        let sql = "INSERT INTO high_water (name, value) VALUES (?1, ?2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE high_water.value < excluded.value";
        run(self.conn, sql, params![name, value.cast_signed()])
            .with_context(|| format!("cannot raise the number \"{name}\""))?;
        Ok(())
    }

    /// Everything due up to this instant is handled for this feed.
    pub fn set_due_handled(&self, feed: &str, instant: &str) -> Result<()> {
        fault::point("store.set_due_handled")?;
        let sql = "INSERT INTO due (feed, handled) VALUES (?1, ?2) \
             ON CONFLICT (feed) DO UPDATE SET handled = excluded.handled WHERE due.handled < excluded.handled";
        run(self.conn, sql, params![feed, instant]).with_context(|| format!("cannot mark {feed} as handled"))?;
        Ok(())
    }

    /// The clock that it was set by ran ahead.
    pub fn set_back_due(&self, feed: &str, instant: &str) -> Result<()> {
        fault::point("store.set_back_due")?;
        run(self.conn, "UPDATE due SET handled = ?2 WHERE feed = ?1", params![feed, instant])
            .with_context(|| format!("cannot set the due mark of {feed} back"))?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// 0 before the first.
    pub fn high_water(&self, name: &str) -> Result<u64> {
        Ok(self.mark(name)?.unwrap_or_default())
    }

    /// Nothing where it was never set, not even to 0.
    pub fn mark(&self, name: &str) -> Result<Option<u64>> {
        let value: Option<i64> =
            one(self.conn, "SELECT value FROM high_water WHERE name = ?1", [name], |row| row.get(0))?;
        Ok(value.map(i64::cast_unsigned))
    }

    /// All whose names begin so, with the rest of their names.
    pub fn marks_of(&self, beginning: &str) -> Result<Vec<(String, u64)>> {
        let sql = "SELECT substr(name, length(?1) + 1), value FROM high_water WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name";
        list(self.conn, sql, [beginning], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))
    }

    pub fn due_handled(&self, feed: &str) -> Result<Option<String>> {
        one(self.conn, "SELECT handled FROM due WHERE feed = ?1", [feed], |row| row.get(0))
    }
}
