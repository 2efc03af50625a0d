//! Files of arrivals of several that stand at a remote without the others: since when, as they are. So the time that they are
//! waited for outlasts a restart; a remote's own times are not ours to count by.

use anyhow::{Context, Result};
use rusqlite::params;

use super::collect::read_facts;
use crate::edges::fault;
use crate::edges::store::query::{list, run};
use crate::edges::store::{Snapshot, Tx};
use crate::model::remote::Facts;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoneThere {
    pub name: Vec<u8>,
    pub facts: Facts,
    pub since: String,
}

impl Tx<'_> {
    /// These are all that wait in that folder now.
    pub fn set_lone_there(&self, remote: &str, folder: &[u8], lone: &[LoneThere]) -> Result<()> {
        fault::point("store.set_lone_there")?;
        let wrong = "cannot note what waits at a remote for what belongs to it";
        let sql = "DELETE FROM lone_there WHERE remote = ?1 AND folder = ?2";
        run(self.conn, sql, params![remote, folder]).context(wrong)?;
        for file in lone {
            let sql =
                "INSERT INTO lone_there (remote, folder, name, size, stamp, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let (size, stamp) = (file.facts.size.map(u64::cast_signed), file.facts.stamp.to_text());
            run(self.conn, sql, params![remote, folder, file.name, size, stamp, file.since]).context(wrong)?;
        }
        Ok(())
    }
}

impl Snapshot<'_> {
    pub fn lone_there(&self, remote: &str, folder: &[u8]) -> Result<Vec<LoneThere>> {
        let sql = "SELECT name, size, stamp, since FROM lone_there WHERE remote = ?1 AND folder = ?2 ORDER BY name";
        list(self.conn, sql, params![remote, folder], |row| {
            Ok(LoneThere { name: row.get(0)?, facts: read_facts(row, 1)?, since: row.get(3)? })
        })
    }
}
