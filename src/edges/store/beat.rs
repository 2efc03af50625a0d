//! A statement that takes long (a migration, a large feed, a check) says now and then that it goes on, on the thread that runs
//! it. What that is good for is the caller's.

use std::ffi::c_int;
use std::sync::Arc;

use rusqlite::Connection;

pub type Beat = Arc<dyn Fn() + Send + Sync>;

/// Some hundredths of a second on today's machines.
const STEPS: c_int = 1_000_000;

pub(super) fn while_statements_run(conn: &mut Connection, beat: Beat) -> rusqlite::Result<()> {
    let goes_on = move || {
        beat();
        // True would end the statement.
        false
    };
    conn.progress_handler(STEPS, Some(goes_on))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_long_statement_is_heard_of_and_ends_well() {
        let heard = Arc::new(AtomicU32::new(0));
        let count = heard.clone();
        let mut conn = Connection::open_in_memory().unwrap();
        while_statements_run(&mut conn, Arc::new(move || _ = count.fetch_add(1, Ordering::Relaxed))).unwrap();
        let numbers =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT count(*) FROM n";
        let last: i64 = conn.query_row(numbers, [], |row| row.get(0)).unwrap();
        assert_eq!(last, 400_000);
        assert!(heard.load(Ordering::Relaxed) >= 2, "{heard:?}");
    }
}
