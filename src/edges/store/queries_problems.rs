//! What is the matter according to the ledger: one question a kind of problem, each by an index of its own, so that asking every
//! minute costs nothing on a large one. Reading only.

use anyhow::{Context, Result};
use rusqlite::params;

use super::Snapshot;
use super::query::list;

/// Files of an intake and day that wait for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToAnswer {
    pub partner: String,
    pub intake: String,
    pub day: String,
    pub files: u64,
    /// Of messages, where single ones are asked for.
    pub messages: u64,
    /// One of them failed by a fault of ours.
    pub ours: bool,
}

/// Customers and articles that an intake's orders of a day made, and that nobody has sent since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeOfOrders {
    pub partner: String,
    pub intake: String,
    pub day: String,
    pub count: u64,
    /// The first of them: `customer K-9`.
    pub names: Vec<String>,
}

/// Such rows by their own small indexes. What registered is complete as far as its partner goes.
const MADE: &str = "SELECT 'customer ' || c.customer_no AS name, f.partner, f.intake, f.day \
       FROM customer c JOIN file f ON f.file_no = c.file_no WHERE c.as_of = '' AND f.kind <> 'registration' \
     UNION ALL SELECT 'article ' || a.article_no, f.partner, f.intake, f.day \
       FROM article a JOIN file f ON f.file_no = a.file_no WHERE a.as_of = ''";

/// A delivery that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// `partner/feed`.
    pub feed: String,
    pub run: String,
    pub name: String,
    /// Since when its partner waits: the first of those whose place it took one after the other was ready then.
    pub since: String,
    pub remote: String,
    /// Of the last try.
    pub words: String,
    pub next_try: Option<String>,
    pub is_unknown: bool,
    /// Its rename there had begun; else nothing of it stands there under its name.
    pub may_have_arrived: bool,
}

impl Snapshot<'_> {
    /// Refused, wholly or in part, and nobody has acted on it.
    pub fn refused_to_answer(&self) -> Result<Vec<ToAnswer>> {
        let sql = "SELECT partner, intake, day, count(*), sum(refused), \
               max(code = 'internal-error' OR code = 'crashed-while-reading') FROM file INDEXED BY file_to_answer \
             WHERE reason_text IS NOT NULL AND (refused > 0 OR verdict = 'refused') AND rehearsed = 0 GROUP BY partner, intake, day";
        self.to_answer(sql)
    }

    /// The names of an intake's last files that were first seen since then.
    pub fn names_since(&self, partner: &str, intake: &str, since: &str, most: u32) -> Result<Vec<String>> {
        let sql = "SELECT name FROM (SELECT name, first_seen FROM file INDEXED BY file_by_intake \
             WHERE partner = ?1 AND intake = ?2 ORDER BY file_no DESC LIMIT ?4) WHERE first_seen >= ?3";
        list(self.conn, sql, params![partner, intake, since, most], |row| row.get(0))
    }

    /// Held for a person: nothing else ends it.
    pub fn held_to_answer(&self) -> Result<Vec<ToAnswer>> {
        let sql = "SELECT f.partner, f.intake, f.day, count(DISTINCT f.file_no), count(*), 0 \
             FROM message m INDEXED BY message_for_person JOIN file f ON f.file_no = m.file_no \
             WHERE m.verdict = 'held' AND m.wait_until IS NULL AND f.rehearsed = 0 GROUP BY f.partner, f.intake, f.day";
        self.to_answer(sql)
    }

    pub fn made_of_orders(&self, names: usize) -> Result<Vec<MadeOfOrders>> {
        let sql = format!("SELECT partner, intake, day, count(*) FROM ({MADE}) GROUP BY partner, intake, day");
        let mut found = list(self.conn, &sql, [], |row| {
            let count = row.get::<_, i64>(3)?.cast_unsigned();
            Ok(MadeOfOrders { partner: row.get(0)?, intake: row.get(1)?, day: row.get(2)?, count, names: Vec::new() })
        })
        .context("cannot ask what was made of orders")?;
        let sql = format!(
            "SELECT name FROM ({MADE}) WHERE partner = ?1 AND intake = ?2 AND day = ?3 ORDER BY name DESC LIMIT ?4"
        );
        for of in &mut found {
            of.names = list(self.conn, &sql, params![of.partner, of.intake, of.day, names as i64], |row| row.get(0))?;
        }
        Ok(found)
    }

    fn to_answer(&self, sql: &str) -> Result<Vec<ToAnswer>> {
        list(self.conn, sql, [], |row| {
            Ok(ToAnswer {
                partner: row.get(0)?,
                intake: row.get(1)?,
                day: row.get(2)?,
                files: row.get::<_, i64>(3)?.cast_unsigned(),
                messages: row.get::<_, i64>(4)?.cast_unsigned(),
                ours: row.get(5)?,
            })
        })
        .context("cannot ask what waits for a person")
    }

    /// Names of refused files of an intake and day, the oldest first.
    pub fn refused_names(&self, of: &ToAnswer, limit: u32) -> Result<Vec<String>> {
        let sql = "SELECT name FROM file INDEXED BY file_to_answer WHERE reason_text IS NOT NULL AND partner = ?1 AND intake = ?2 \
             AND day = ?3 AND (refused > 0 OR verdict = 'refused') AND rehearsed = 0 ORDER BY file_no LIMIT ?4";
        list(self.conn, sql, params![of.partner, of.intake, of.day, limit], |row| row.get(0))
    }

    /// Files of ours that are ready and not delivered, the oldest first.
    pub fn owed_deliveries(&self) -> Result<Vec<Owed>> {
        let sql = "SELECT r.partner || '/' || r.feed, r.run_id, r.name, ( \
               WITH RECURSIVE before (run_no, ready_at) AS (SELECT r.run_no, r.ready_at UNION ALL \
                 SELECT o.run_no, o.ready_at FROM before b JOIN run n ON n.run_no = b.run_no \
                 JOIN run o ON o.run_no = n.replaces AND o.state = 'superseded') \
               SELECT min(ready_at) FROM before), \
             d.remote, d.words, d.next_try, d.unknown_since IS NOT NULL, r.state = 'renaming' \
             FROM delivery d JOIN run r ON r.run_no = d.run_no WHERE d.settled = 0 \
             AND (r.state = 'ready' OR r.state = 'delivering' OR r.state = 'renaming') ORDER BY d.run_no";
        list(self.conn, sql, [], |row| {
            Ok(Owed {
                feed: row.get(0)?,
                run: row.get(1)?,
                name: row.get(2)?,
                since: row.get(3)?,
                remote: row.get(4)?,
                words: row.get(5)?,
                next_try: row.get(6)?,
                is_unknown: row.get(7)?,
                may_have_arrived: row.get(8)?,
            })
        })
        .context("cannot ask what is to be delivered")
    }
}
