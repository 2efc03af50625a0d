//! Brings a database up to this program's version, one migration after the other, each in its own transaction.
//! The version is SQLite's `user_version`. The list only grows: what was published is never edited. A database of a
//! newer program is refused, since we would not know what its columns promise.

use anyhow::{Context, Result, bail};
use rusqlite::Connection;

use crate::edges::fault;

const MIGRATIONS: [&str; 6] = [
    include_str!("migrations/0001_ledger.sql"),
    include_str!("migrations/0002_business.sql"),
    include_str!("migrations/0003_views.sql"),
    include_str!("migrations/0004_redaction.sql"),
    include_str!("migrations/0005_identity.sql"),
    include_str!("migrations/0006_copies.sql"),
];

/// The version of the tables this program works with.
pub const VERSION: u32 = MIGRATIONS.len() as u32;

/// The version a database has; 0 is an empty one.
pub fn version_of(conn: &Connection) -> Result<u32> {
    Ok(conn.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

pub fn migrate(conn: &Connection) -> Result<()> {
    let found = version_of(conn)?;
    refuse_newer(found)?;
    for (index, sql) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        let version = index + 1;
        fault::point("store.migrate")?;
        conn.execute_batch(&format!("BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {version};\nCOMMIT;"))
            .inspect_err(|_| roll_back(conn))
            .with_context(|| format!("migration {version} of the database failed"))?;
    }
    Ok(())
}

/// A reader cannot migrate: it says who can.
pub fn check_readable(conn: &Connection) -> Result<()> {
    let found = version_of(conn)?;
    refuse_newer(found)?;
    if found < VERSION {
        bail!(
            "the database has version {found}, this program reads version {VERSION}: start the daemon once, it brings the database up to date"
        );
    }
    Ok(())
}

fn refuse_newer(found: u32) -> Result<()> {
    if found > VERSION {
        bail!(
            "the database has version {found}, this program knows up to {VERSION}: it was written by a newer nattpost; install that one"
        );
    }
    Ok(())
}

/// A failed batch may leave its transaction open; where it does not, there is nothing to take back.
fn roll_back(conn: &Connection) {
    if !conn.is_autocommit() {
        let _ = conn.execute_batch("ROLLBACK");
    }
}
