//! The figures a person looks at first: per intake what waits and what came last, per feed what went out last.
//! It only reads, and mostly through partial indexes, so that `status` is as fast on an old ledger as on a new one.

use anyhow::Result;

use super::file::unsigned;
use crate::edges::store::Snapshot;
use crate::edges::store::query::list;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntakeStatus {
    pub partner: String,
    pub intake: String,
    /// Seen or claimed, not judged.
    pub backlog: u64,
    /// First sight of the oldest of them.
    pub oldest: Option<String>,
    /// First sight of the newest file, whatever became of it; an unchanged one arrived too.
    pub last_arrival: Option<String>,
    /// Verdict of the last file of which something was taken, or that was unchanged.
    pub last_success: Option<String>,
    /// Messages that wait.
    pub held: u64,
    /// Files in failed/.
    pub failed: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedStatus {
    pub partner: String,
    pub feed: String,
    pub last_ready: String,
    pub last_name: String,
    pub last_rows: u64,
    /// Ready, not yet sent.
    pub unsent: u64,
}

impl Snapshot<'_> {
    /// One row per intake that ever had a file, by name.
    pub fn intake_status(&self) -> Result<Vec<IntakeStatus>> {
        let sql = "SELECT i.partner, i.intake, \
               (SELECT count(*) FROM file o WHERE o.state IN ('seen', 'claimed') AND o.partner = i.partner AND o.intake = i.intake), \
               (SELECT min(o.first_seen) FROM file o WHERE o.state IN ('seen', 'claimed') AND o.partner = i.partner AND o.intake = i.intake), \
               (SELECT l.first_seen FROM file l WHERE l.file_no = i.last_no), \
               (SELECT s.decided_at FROM file s WHERE s.partner = i.partner AND s.intake = i.intake \
                  AND s.verdict IN ('accepted', 'unchanged') ORDER BY s.file_no DESC LIMIT 1), \
               i.held, i.failed \
             FROM (SELECT partner, intake, max(file_no) AS last_no, sum(held) AS held, \
                     sum(CASE WHEN place = 'failed' AND state = 'judged' THEN 1 ELSE 0 END) AS failed \
                   FROM file GROUP BY partner, intake) i \
             ORDER BY i.partner, i.intake";
        list(self.conn, sql, [], |row| {
            Ok(IntakeStatus {
                partner: row.get(0)?,
                intake: row.get(1)?,
                backlog: unsigned(row, 2)?,
                oldest: row.get(3)?,
                last_arrival: row.get(4)?,
                last_success: row.get(5)?,
                held: unsigned(row, 6)?,
                failed: unsigned(row, 7)?,
            })
        })
    }

    /// One row per feed that ever ran, by name; receipts are not feeds.
    pub fn feed_status(&self) -> Result<Vec<FeedStatus>> {
        let sql = "SELECT r.partner, r.feed, r.ready_at, r.name, r.rows, \
               (SELECT count(*) FROM run o WHERE (o.placed = 0 OR o.state IN ('ready', 'delivering', 'renaming')) AND o.partner = r.partner AND o.feed = r.feed \
                  AND o.state IN ('ready', 'delivering', 'renaming') AND o.reason <> 'receipt') \
             FROM run r WHERE r.run_no IN (SELECT max(run_no) FROM run WHERE reason <> 'receipt' GROUP BY partner, feed) \
             ORDER BY r.partner, r.feed";
        list(self.conn, sql, [], |row| {
            Ok(FeedStatus {
                partner: row.get(0)?,
                feed: row.get(1)?,
                last_ready: row.get(2)?,
                last_name: row.get(3)?,
                last_rows: unsigned(row, 4)?,
                unsent: unsigned(row, 5)?,
            })
        })
    }
}
