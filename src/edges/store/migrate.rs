//! Brings a database up to this program's version, one migration after the other, each in its own transaction.
//! The version is SQLite's `user_version`. The list only grows: what was published is never edited. A database of a
//! newer program is refused, since we would not know what its columns promise.

use anyhow::{Context, Result, bail};
use rusqlite::Connection;

use crate::edges::fault;

const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_ledger.sql"),
    include_str!("migrations/0002_business.sql"),
    include_str!("migrations/0003_views.sql"),
    include_str!("migrations/0004_redaction.sql"),
    include_str!("migrations/0005_identity.sql"),
    include_str!("migrations/0006_copies.sql"),
    include_str!("migrations/0007_cheaper_files.sql"),
    include_str!("migrations/0008_way_out.sql"),
    include_str!("migrations/0009_remotes.sql"),
    include_str!("migrations/0010_problems.sql"),
    include_str!("migrations/0011_arrivals.sql"),
    include_str!("migrations/0012_rehearsals.sql"),
    include_str!("migrations/0013_short.sql"),
    include_str!("migrations/0014_still_for.sql"),
    include_str!("migrations/0015_beside.sql"),
    include_str!("migrations/0016_turn.sql"),
    include_str!("migrations/0017_companions.sql"),
    include_str!("migrations/0018_companions_there.sql"),
    include_str!("migrations/0019_master_data.sql"),
    include_str!("migrations/0020_unmapped.sql"),
    include_str!("migrations/0021_registrations.sql"),
    include_str!("migrations/0022_requests.sql"),
    include_str!("migrations/0023_logins.sql"),
    include_str!("migrations/0024_order_pdfs.sql"),
    include_str!("migrations/0025_quotes_and_changes.sql"),
    include_str!("migrations/0026_corrections.sql"),
    include_str!("migrations/0027_questions.sql"),
    include_str!("migrations/0028_documents.sql"),
    include_str!("migrations/0029_one_language.sql"),
    include_str!("migrations/0030_archived.sql"),
    include_str!("migrations/0031_contents.sql"),
    include_str!("migrations/0032_history.sql"),
    include_str!("migrations/0033_content_hash.sql"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of_version(version: usize) -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        for (index, sql) in MIGRATIONS.iter().enumerate().take(version) {
            conn.execute_batch(&format!("{sql}\nPRAGMA user_version = {};", index + 1)).unwrap();
        }
        conn
    }

    #[test]
    fn a_ledger_of_version_6_keeps_its_files_and_what_a_file_may_be() {
        let conn = of_version(6);
        let see = |id: &str, state: &str| {
            let sql = "INSERT INTO file (file_id, partner, intake, raw_name, name, origin, first_seen, size, inode, mtime_ns, state) \
                       VALUES (?1, 'shop', 'orders', x'61', 'a', 'in', '2026-11-22T00:00:00Z', 1, 1, 1, ?2)";
            conn.execute(sql, [id, state])
        };
        for (id, state) in [("a", "seen"), ("b", "judged"), ("c", "vanished")] {
            see(id, state).unwrap();
        }
        migrate(&conn).unwrap();
        let text = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(
            text("SELECT group_concat(file_id || placed, ' ') FROM (SELECT * FROM file ORDER BY file_id)"),
            "a0 b0 c1"
        );
        assert_eq!(text("PRAGMA integrity_check"), "ok");
        // Also for this connection, which knew the tables before.
        assert!(see("d", "claimed").is_err() && see("e", "judged").is_ok());
        let lists = "SELECT group_concat(name) FROM sqlite_schema WHERE type = 'table' AND name IN ('file', 'message') AND sql LIKE '% IN (%'";
        assert_eq!(conn.query_row(lists, [], |row| row.get::<_, Option<String>>(0)).unwrap(), None);
    }

    #[test]
    fn a_ledger_of_version_7_keeps_its_runs_and_takes_the_new_states() {
        let conn = of_version(7);
        let add = |id: &str, state: &str, reason: &str| {
            let sql = "INSERT INTO run (run_id, number, partner, feed, kind, layout, reason, state, folder, name, hash, size, rows, ready_at, day) \
                       VALUES (?1, 7, 'shop', 'stock', 'stock', 'l', ?3, ?2, '', 'n', x'', 1, 1, '2026-11-22T00:00:00Z', '2026-11-22')";
            conn.execute(sql, [id, state, reason])
        };
        add("a", "sent", "due").unwrap();
        assert!(add("x", "locked", "due").is_err());
        migrate(&conn).unwrap();
        for (id, state, reason) in [
            ("b", "locked", "change"),
            ("c", "discarded", "registration"),
            ("d", "superseded", "request"),
            ("e", "ready", "receipt"),
        ] {
            add(id, state, reason).unwrap();
        }
        assert!(add("f", "gone", "due").is_err() && add("g", "sent", "mood").is_err());
        let text = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(text("SELECT run_id || number || state || scope FROM run WHERE run_id = 'a'"), "a7sentfull");
        assert_eq!(text("PRAGMA integrity_check"), "ok");
    }

    #[test]
    fn documents_of_version_28_keep_the_language_that_was_said_last() {
        let conn = of_version(28);
        for file in 1..=2 {
            let sql = "INSERT INTO file (file_no, file_id, partner, intake, raw_name, name, origin, first_seen, size, inode, mtime_ns, state, rows_written) \
                       VALUES (?1, 'f' || ?1, 'erp', 'documents', x'61', 'a', 'in', '2026-11-22T00:00:00Z', 1, 1, 1, 'judged', 3)";
            conn.execute(sql, [file]).unwrap();
        }
        for (no, language, file, active) in [
            ("A", "DE", 1, 1),
            ("A", "de", 2, 1),
            ("A", "EN", 1, 1),
            ("B", "De", 2, 0),
            ("B", "dE", 1, 1),
            ("C", "", 2, 1),
        ] {
            let sql = "INSERT INTO document (doc_kind, doc_no, language, file_name, sha256, file_no, file_line, active) \
                       VALUES ('image', ?1, ?2, 'x', 'AB', ?3, 1, ?4)";
            conn.execute(sql, rusqlite::params![no, language, file, active]).unwrap();
        }
        migrate(&conn).unwrap();
        let text = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        let rows = "SELECT group_concat(doc_no || ':' || language || file_no || sha256, ' ') FROM (SELECT * FROM document ORDER BY doc_no, language)";
        assert_eq!(text(rows), "A:de2ab A:en1ab B:de1ab C:2ab");
        assert_eq!(text("SELECT group_concat(rows_written, ' ') FROM (SELECT * FROM file ORDER BY file_no)"), "2 2");
        assert_eq!(text("PRAGMA integrity_check"), "ok");
    }
}
