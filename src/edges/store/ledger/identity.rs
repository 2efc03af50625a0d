//! Which database this is, and how far it knows the spool: the names by which a start notices that another, a new or an
//! older database stands where this spool's own should be. It decides nothing: `model::rules::lineage` does.

use anyhow::{Context, Result};
use rusqlite::params;

use crate::edges::fault;
use crate::edges::store::query::{one, run};
use crate::edges::store::{Snapshot, Tx};
use crate::model::ids::Id;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    pub database: Id,
    /// Files and runs in this range may stand in the spool and be unknown here: after the first (from the beginning where
    /// there is none), up to the second.
    pub unknown: Option<(Option<Id>, Id)>,
}

impl Tx<'_> {
    pub fn set_identity(&self, identity: &Identity) -> Result<()> {
        fault::point("store.set_identity")?;
        let text = |id: Option<Id>| id.map(|id| id.to_string()).unwrap_or_default();
        let (after, until) = identity.unknown.map_or((None, None), |(after, until)| (after, Some(until)));
        let sql = "INSERT INTO identity (one, database_id, unknown_after, unknown_until) VALUES (1, ?1, ?2, ?3) \
             ON CONFLICT (one) DO UPDATE SET database_id = excluded.database_id, unknown_after = excluded.unknown_after, \
             unknown_until = excluded.unknown_until";
        run(self.conn, sql, params![identity.database.as_str(), text(after), text(until)])
            .context("cannot write which database this is")?;
        Ok(())
    }
}

impl Tx<'_> {
    /// A daemon runs on this database from here on, or has ended in order.
    pub fn set_ended(&self, ended: bool) -> Result<()> {
        fault::point("store.set_ended")?;
        run(self.conn, "UPDATE identity SET ended = ?1", [ended]).context("cannot write whether a daemon runs")?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// Did the last daemon end in order?
    pub fn has_ended(&self) -> Result<bool> {
        Ok(one(self.conn, "SELECT ended FROM identity", [], |row| row.get(0))?.unwrap_or(true))
    }

    /// None in a database that no spool was ever run with.
    pub fn identity(&self) -> Result<Option<Identity>> {
        let sql = "SELECT database_id, unknown_after, unknown_until FROM identity";
        let texts: Option<[String; 3]> = one(self.conn, sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
        let Some([database, after, until]) = texts else { return Ok(None) };
        let database = Id::parse(&database).with_context(|| format!("\"{database}\" is not the id of a database"))?;
        Ok(Some(Identity { database, unknown: Id::parse(&until).map(|until| (Id::parse(&after), until)) }))
    }

    /// The newest id of a file or run; ids sort by time.
    pub fn newest_id(&self) -> Result<Option<Id>> {
        let sql =
            "SELECT max(coalesce((SELECT max(file_id) FROM file), ''), coalesce((SELECT max(run_id) FROM run), ''))";
        let newest: Option<String> = one(self.conn, sql, [], |row| row.get(0))?;
        Ok(newest.as_deref().and_then(Id::parse))
    }

    /// Is there a file or a run of this id?
    pub fn knows(&self, id: Id) -> Result<bool> {
        let sql = "SELECT 1 FROM file WHERE file_id = ?1 UNION ALL SELECT 1 FROM run WHERE run_id = ?1 LIMIT 1";
        Ok(one(self.conn, sql, [id.as_str()], |_| Ok(()))?.is_some())
    }
}
