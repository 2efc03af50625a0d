//! Opens the database, for writing (one connection in one process) or for reading (any number, also while the daemon is
//! down, also for the ops group), and begins, commits and takes back transactions. It knows no table.

use std::fs::{File, Permissions};
use std::io::ErrorKind;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, FileControl, OpenFlags};

use super::beat::{self, Beat};
use super::business::KnownTables;
use super::migrate;
use crate::edges::fault;

/// Only the CLI under the instance lock and a backup can be in the way, both for moments.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The page cache of the writer, which is most of the process's memory during a large import. Bounds: 80 MB in all then, 60 MB
/// where 100,000 small files wait.
const WRITER_CACHE_KIB: i32 = 28 * 1024;
const READER_CACHE_KIB: i32 = 8 * 1024;
/// Of who reads each page of a table once, in its order: what is above the leaves stays in it, and new memory costs more than it saves.
const PASSING_CACHE_KIB: i32 = 512;
/// 16 MB of log between checkpoints: each costs a sync of the database file, and small files must not pay one every few commits.
pub(super) const CHECKPOINT_PAGES: u32 = 4_000;
/// After a large import the log shrinks back to this.
const LOG_LIMIT_BYTES: u32 = 64 * 1024 * 1024;
/// Every statement of the program, prepared once.
const CACHED_STATEMENTS: usize = 200;
/// The ops group reads, nobody else does.
const FILE_MODE: u32 = 0o640;

/// The one write connection.
pub struct Store {
    conn: Connection,
    tables: KnownTables,
    /// A copy that nobody keeps: nothing of it has to reach the disk.
    for_trial: bool,
}

impl Store {
    /// Opens, creates where absent, and migrates.
    pub fn open(path: &Path) -> Result<Store> {
        Self::open_beating(path, Arc::new(|| {}))
    }

    /// The same; `beat` is called now and then while a statement takes long, also one of a migration.
    pub fn open_beating(path: &Path, beat: Beat) -> Result<Store> {
        Self::try_open(path, beat).with_context(|| format!("cannot open the database {}", path.display()))
    }

    fn try_open(path: &Path, beat: Beat) -> Result<Store> {
        fault::point("store.open")?;
        create_readable(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(path, flags)?;
        beat::while_statements_run(&mut conn, beat)?;
        conn.busy_timeout(BUSY_TIMEOUT)?;
        conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        // A plan depends on the statement alone: otherwise some statements are planned anew for every bound value.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // The log stays behind when we close, so that a reader who may not write can still open the database.
        conn.file_control(None::<&str>, FileControl::PersistWal(&mut 1))?;
        conn.execute_batch(&format!(
            "PRAGMA journal_mode = WAL;
             PRAGMA foreign_keys = ON;
             PRAGMA temp_store = FILE;
             PRAGMA cache_size = -{WRITER_CACHE_KIB};
             PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
             PRAGMA journal_size_limit = {LOG_LIMIT_BYTES};"
        ))?;
        migrate::migrate(&conn)?;
        Ok(Store { conn, tables: KnownTables::default(), for_trial: false })
    }

    /// A copy in which something is tried, and which nobody keeps.
    pub fn open_for_trial(path: &Path) -> Result<Store> {
        let store = Self::open(path)?;
        // Gathering the log into a database that is about to be removed would write it twice.
        store.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(Store { for_trial: true, ..store })
    }

    /// Begins the one write transaction; others wait until it ends. Dropped without a commit it is taken back.
    pub fn begin(&mut self) -> Result<Tx<'_>> {
        self.begin_with(synchronous())
    }

    /// One whose commit survives the end of the process at once, and a power cut only together with the next commit that
    /// syncs: for what a start finds out by itself from the folders.
    pub fn begin_unsynced(&mut self) -> Result<Tx<'_>> {
        self.begin_with("NORMAL")
    }

    fn begin_with(&mut self, synchronous: &str) -> Result<Tx<'_>> {
        fault::point("store.begin")?;
        // Takes effect while it is prepared, so it cannot be kept.
        let synchronous = if self.for_trial { "OFF" } else { synchronous };
        self.conn.execute_batch(&format!("PRAGMA synchronous = {synchronous}"))?;
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([]).context("cannot begin a transaction")?;
        Ok(Tx { snapshot: Snapshot { conn: &self.conn, tables: &self.tables, ends: false } })
    }

    pub(super) fn path(&self) -> Result<&str> {
        self.conn.path().context("the database has no path")
    }

    /// Brings everything committed into the one database file, so that a copy of it is whole. The log stays, empty.
    pub fn gather(&self) -> Result<()> {
        fault::point("store.gather")?;
        self.conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .context("cannot gather the database's log")
    }

    /// Reads on the write connection, as it is at this moment.
    pub fn read(&self) -> Result<Snapshot<'_>> {
        Snapshot::begin(&self.conn, &self.tables)
    }
}

/// Makes the file with its mode before SQLite does: -wal and -shm get the mode of the database file.
fn create_readable(path: &Path) -> Result<()> {
    match File::create_new(path) {
        // Whatever the umask: the group is meant to read.
        Ok(file) => Ok(file.set_permissions(Permissions::from_mode(FILE_MODE))?),
        Err(found) if found.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// FULL syncs at every commit: what is committed survives a power cut.
#[cfg(not(debug_assertions))]
fn synchronous() -> &'static str {
    "FULL"
}

/// Debug builds may be told NORMAL, the control of the power-cut rig: it has to show losses.
#[cfg(debug_assertions)]
fn synchronous() -> &'static str {
    if std::env::var_os("NATTPOST_SYNCHRONOUS").is_some_and(|v| v == "NORMAL") { "NORMAL" } else { "FULL" }
}

/// A connection that can only read, for `status`, `show` and every other question.
pub struct Reader {
    conn: Connection,
    tables: KnownTables,
}

impl Reader {
    pub fn open(path: &Path) -> Result<Reader> {
        Self::try_open(path).with_context(|| format!("cannot read the database {}", path.display()))
    }

    /// Without its -wal and -shm, which stay behind when the daemon stops, only who may write beside the file can open it.
    fn try_open(path: &Path) -> Result<Reader> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(BUSY_TIMEOUT)?;
        conn.execute_batch(&format!("PRAGMA temp_store = FILE; PRAGMA cache_size = -{READER_CACHE_KIB};"))?;
        migrate::check_readable(&conn)?;
        Ok(Reader { conn, tables: KnownTables::default() })
    }

    /// As with `Store::open_beating`.
    pub fn open_beating(path: &Path, beat: Beat) -> Result<Reader> {
        let mut reader = Self::open(path)?;
        reader.conn.execute_batch(&format!("PRAGMA cache_size = -{PASSING_CACHE_KIB};"))?;
        beat::while_statements_run(&mut reader.conn, beat)?;
        Ok(reader)
    }

    /// One moment of the database, however long it is looked at.
    pub fn snapshot(&self) -> Result<Snapshot<'_>> {
        Snapshot::begin(&self.conn, &self.tables)
    }
}

/// What can be read: everything, as of one moment. A write transaction reads its own writes.
pub struct Snapshot<'s> {
    pub(super) conn: &'s Connection,
    pub(super) tables: &'s KnownTables,
    ends: bool,
}

impl<'s> Snapshot<'s> {
    fn begin(conn: &'s Connection, tables: &'s KnownTables) -> Result<Self> {
        conn.execute_batch("BEGIN").context("cannot begin to read")?;
        Ok(Snapshot { conn, tables, ends: true })
    }
}

impl Snapshot<'_> {
    /// Which moment this is: two snapshots of one reader have the same number exactly when nobody else has committed
    /// anything between them.
    pub fn moment(&self) -> Result<i64> {
        Ok(self.conn.query_row("PRAGMA data_version", [], |row| row.get(0))?)
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if self.ends && !self.conn.is_autocommit() {
            // Nothing was written, so a refusal changes nothing; the connection's end closes the transaction too.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }
}

/// A write transaction. All that is readable is readable in it.
pub struct Tx<'s> {
    snapshot: Snapshot<'s>,
}

impl<'s> Deref for Tx<'s> {
    type Target = Snapshot<'s>;
    fn deref(&self) -> &Self::Target {
        &self.snapshot
    }
}

impl Tx<'_> {
    /// Begins a part that can be taken back alone. Parts nest: `release` and `take_back` end the one begun last.
    /// Writers of the part (`requests`, `records`) end before it does.
    pub fn savepoint(&self) -> Result<()> {
        fault::point("store.savepoint")?;
        // Some errors (a full disk) take the whole transaction back; a savepoint would then begin one of its own.
        anyhow::ensure!(!self.conn.is_autocommit(), "the transaction was taken back by an earlier error");
        self.conn.prepare_cached("SAVEPOINT part")?.execute([]).context("cannot begin a savepoint")?;
        Ok(())
    }

    pub fn release(&self) -> Result<()> {
        fault::point("store.release")?;
        self.conn.prepare_cached("RELEASE part")?.execute([]).context("cannot release a savepoint")?;
        Ok(())
    }

    pub fn take_back(&self) -> Result<()> {
        self.conn.execute_batch("ROLLBACK TO part; RELEASE part").context("cannot take a savepoint back")
    }

    /// Everything or nothing; after `Ok` it survives a power cut.
    pub fn commit(self) -> Result<()> {
        fault::point("store.commit")?;
        self.conn.prepare_cached("COMMIT")?.execute([]).context("cannot commit")?;
        Ok(())
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        if !self.conn.is_autocommit() {
            // Some errors take the transaction back by themselves; a rollback that fails leaves nothing committed either.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a savepoint may have to take back goes to a file of SQLite's own beyond some size.
    #[test]
    fn a_savepoint_takes_back_any_number_of_pages() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("nattpost.db")).unwrap();
        let fill = "CREATE TABLE big (n INTEGER PRIMARY KEY, text TEXT) STRICT; WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM \
             n WHERE n < 1000) INSERT INTO big SELECT n, printf('%04000d', n) FROM n";
        store.conn.execute_batch(fill).unwrap();
        let tx = store.begin().unwrap();
        let largest = |conn: &Connection| conn.query_row("SELECT max(text) FROM big", [], |row| row.get(0));
        tx.savepoint().unwrap();
        tx.conn.execute("UPDATE big SET text = replace(text, '0', 'x')", []).unwrap();
        tx.take_back().unwrap();
        let text: String = largest(tx.conn).unwrap();
        assert!(text.ends_with("1000") && !text.contains('x'), "{}", &text[..20]);
    }
}
