//! Runs that go to a remote: where, under which names, what stood there before, how often it was tried. How far each came
//! stands in `run.state` and nowhere else.

use anyhow::{Context, Result};
use rusqlite::{Row, params};

use super::collect::read_facts;
use super::run::RunState;
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{RunNo, Snapshot, Tx};
use crate::model::remote::Facts;
use crate::model::rules::delivering::Before;

/// Of the tries of one run these are kept: how it began, and how it goes now.
const FIRST_TRIES: u32 = 10;
const LAST_TRIES: u32 = 40;

/// Where a run goes, in the commit that makes it ready.
#[derive(Debug, Clone)]
pub struct NewDelivery<'a> {
    pub remote: &'a str,
    pub folder: &'a [u8],
    pub name: &'a [u8],
    pub temp: &'a [u8],
    pub done_name: Option<&'a [u8]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    pub run: RunNo,
    pub remote: String,
    pub folder: Vec<u8>,
    pub name: Vec<u8>,
    pub temp: Vec<u8>,
    pub done_name: Option<Vec<u8>>,
    pub before: Before,
    pub tries: u32,
    /// In a row.
    pub failures: u32,
    pub next_try: Option<String>,
    pub words: String,
    /// Since when nobody knows whether it arrived.
    pub unknown_since: Option<String>,
    pub settled: bool,
    /// Its run is still to be brought. False while `settled` is: only what is left of its upload is to be removed there.
    pub is_open: bool,
    /// A try began, and nothing says that it ended: the remote may be at work on it, or a crash cut it off.
    pub is_under_way: bool,
}

/// How far a try came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    Asked,
    Uploaded,
    Renamed,
    Sent,
}

impl Reached {
    fn as_str(self) -> &'static str {
        match self {
            Reached::Asked => "asked",
            Reached::Uploaded => "uploaded",
            Reached::Renamed => "renamed",
            Reached::Sent => "sent",
        }
    }
}

/// One try, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TryRow {
    pub number: u32,
    pub began: String,
    pub ended: Option<String>,
    pub reached: String,
    pub words: String,
}

const COLUMNS: &str = "run_no, remote, folder, name, temp, done_name, stood, stood_size, stood_stamp, tries, failures, next_try, words, \
     unknown_since, settled, \
     EXISTS (SELECT 1 FROM run r WHERE r.run_no = delivery.run_no AND (r.state = 'ready' OR r.state = 'delivering' OR r.state = 'renaming')), \
     EXISTS (SELECT 1 FROM delivery_try t WHERE t.run_no = delivery.run_no AND t.number = delivery.tries AND t.ended IS NULL)";

fn read(row: &Row<'_>) -> rusqlite::Result<DeliveryRow> {
    let before = match row.get_ref(6)?.as_str()? {
        "nothing" => Before::Nothing,
        "something" => Before::Something(read_facts(row, 7)?),
        _ => Before::Unasked,
    };
    Ok(DeliveryRow {
        run: RunNo(row.get(0)?),
        remote: row.get(1)?,
        folder: row.get(2)?,
        name: row.get(3)?,
        temp: row.get(4)?,
        done_name: row.get(5)?,
        before,
        tries: row.get(9)?,
        failures: row.get(10)?,
        next_try: row.get(11)?,
        words: row.get(12)?,
        unknown_since: row.get(13)?,
        settled: row.get(14)?,
        is_open: row.get(15)?,
        is_under_way: row.get(16)?,
    })
}

impl Tx<'_> {
    /// With `add_run`.
    pub fn add_delivery(&self, run_no: RunNo, new: &NewDelivery<'_>) -> Result<()> {
        fault::point("store.add_delivery")?;
        let sql =
            "INSERT INTO delivery (run_no, remote, folder, name, temp, done_name) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        run(self.conn, sql, params![run_no.0, new.remote, new.folder, new.name, new.temp, new.done_name])
            .with_context(|| format!("cannot note that a run goes to {}", new.remote))?;
        Ok(())
    }

    /// A try begins: what stands there under the final name, so that ours can be told from it later.
    pub fn note_before(&self, run_no: RunNo, before: Option<&Facts>, at: &str) -> Result<()> {
        fault::point("store.note_before")?;
        let wrong = "cannot note what stands at a remote";
        let sql = "UPDATE delivery SET stood = ?2, stood_size = ?3, stood_stamp = ?4, tries = tries + 1, unknown_since = NULL WHERE run_no = ?1";
        let stood = if before.is_some() { "something" } else { "nothing" };
        let size = before.and_then(|facts| facts.size).map(u64::cast_signed);
        let stamp = before.map_or_else(|| "-".into(), |facts| facts.stamp.to_text());
        run(self.conn, sql, params![run_no.0, stood, size, stamp]).context(wrong)?;
        let sql = "INSERT INTO delivery_try (run_no, number, began, reached) \
             SELECT run_no, tries, ?2, 'asked' FROM delivery WHERE run_no = ?1";
        run(self.conn, sql, params![run_no.0, at]).context(wrong)?;
        let sql = "DELETE FROM delivery_try WHERE run_no = ?1 AND number > ?2 \
             AND number <= (SELECT tries FROM delivery WHERE run_no = ?1) - ?3";
        run(self.conn, sql, params![run_no.0, FIRST_TRIES, LAST_TRIES]).context(wrong)?;
        self.set_run_state(run_no, RunState::Delivering, at, "")
    }

    /// The try has come so far; with `Sent` it has ended.
    pub fn note_phase(&self, run_no: RunNo, reached: Reached, at: &str) -> Result<()> {
        fault::point("store.note_phase")?;
        let sql = "UPDATE delivery_try SET reached = ?2, ended = CASE WHEN ?2 = 'sent' THEN ?3 END, words = '' \
             WHERE run_no = ?1 AND number = (SELECT tries FROM delivery WHERE run_no = ?1)";
        run(self.conn, sql, params![run_no.0, reached.as_str(), at]).context("cannot note how far a delivery came")?;
        Ok(())
    }

    /// The try under way, where one is, has ended without an outcome; `words`: why.
    pub fn end_try(&self, run_no: RunNo, at: &str, words: &str) -> Result<()> {
        fault::point("store.end_try")?;
        let sql = "UPDATE delivery_try SET ended = ?2, words = ?3 \
             WHERE run_no = ?1 AND number = (SELECT tries FROM delivery WHERE run_no = ?1) AND ended IS NULL";
        run(self.conn, sql, params![run_no.0, at, words]).context("cannot note that a try has ended")?;
        Ok(())
    }

    /// A fault: when it is tried again, and what it was.
    pub fn note_delivery_fault(&self, run_no: RunNo, next_try: &str, at: &str, words: &str) -> Result<()> {
        fault::point("store.note_delivery_fault")?;
        let wrong = "cannot note that a delivery failed";
        let sql = "UPDATE delivery SET failures = failures + 1, next_try = ?2, words = ?3 WHERE run_no = ?1";
        run(self.conn, sql, params![run_no.0, next_try, words]).context(wrong)?;
        let sql = "UPDATE delivery_try SET ended = ?2, words = ?3 \
             WHERE run_no = ?1 AND number = (SELECT tries FROM delivery WHERE run_no = ?1)";
        run(self.conn, sql, params![run_no.0, at, words]).context(wrong)?;
        Ok(())
    }

    /// No fault: what stands there under its name is to be taken first.
    pub fn note_waiting(&self, run_no: RunNo, next_try: &str, at: &str, words: &str) -> Result<()> {
        fault::point("store.note_waiting")?;
        let sql = "UPDATE delivery SET failures = 0, next_try = ?2, words = ?3 WHERE run_no = ?1";
        run(self.conn, sql, params![run_no.0, next_try, words]).context("cannot note that a delivery waits")?;
        self.end_try(run_no, at, words)
    }

    /// Nobody knows whether it arrived.
    pub fn note_unknown(&self, run_no: RunNo, since: &str, words: &str) -> Result<()> {
        fault::point("store.note_unknown")?;
        let sql = "UPDATE delivery SET unknown_since = COALESCE(unknown_since, ?2), words = ?3 WHERE run_no = ?1";
        run(self.conn, sql, params![run_no.0, since, words]).context("cannot note that a delivery is unknown")?;
        Ok(())
    }

    /// It goes to the remote from the start, whatever is known of it.
    pub fn deliver_again(&self, run_no: RunNo, at: &str) -> Result<()> {
        fault::point("store.deliver_again")?;
        let sql = "UPDATE delivery SET stood = 'unasked', stood_size = NULL, stood_stamp = '-', unknown_since = NULL, next_try = NULL, \
             failures = 0, words = '' WHERE run_no = ?1";
        run(self.conn, sql, [run_no.0]).context("cannot begin a delivery anew")?;
        self.end_try(run_no, at, "nobody knows whether it arrived")?;
        self.set_run_state(run_no, RunState::Ready, at, "")
    }

    /// It waits no longer for its next try; what is known of it stays.
    pub fn try_delivery_now(&self, run_no: RunNo) -> Result<()> {
        fault::point("store.try_delivery_now")?;
        let sql = "UPDATE delivery SET next_try = NULL, failures = 0, words = '' WHERE run_no = ?1";
        run(self.conn, sql, [run_no.0]).context("cannot note that a delivery is tried now")?;
        Ok(())
    }

    /// Its run has ended without being brought. Where something may have been uploaded, that is still to be removed there;
    /// `settle_delivery` says that it was.
    pub fn close_delivery(&self, run_no: RunNo) -> Result<()> {
        fault::point("store.close_delivery")?;
        let sql = "UPDATE delivery SET settled = (tries = 0), failures = 0, next_try = NULL, words = '', unknown_since = NULL \
             WHERE run_no = ?1 AND settled = 0";
        run(self.conn, sql, [run_no.0]).context("cannot close a delivery that was not brought")?;
        Ok(())
    }

    /// What it uploaded was found there although it is closed: to be removed.
    pub fn clear_upload(&self, run_no: RunNo) -> Result<()> {
        fault::point("store.clear_upload")?;
        run(self.conn, "UPDATE delivery SET settled = 0 WHERE run_no = ?1", [run_no.0])
            .context("cannot note that an upload is to be removed")?;
        Ok(())
    }

    /// A run that takes another's place at the same folder rests as long, and has failed as often.
    pub fn inherit_rest(&self, run_no: RunNo, from: RunNo) -> Result<()> {
        fault::point("store.inherit_rest")?;
        let sql = "UPDATE delivery SET failures = o.failures, next_try = o.next_try, words = o.words FROM delivery o \
             WHERE delivery.run_no = ?1 AND o.run_no = ?2 AND o.remote = delivery.remote AND o.folder = delivery.folder";
        run(self.conn, sql, [run_no.0, from.0]).context("cannot note that a delivery rests")?;
        Ok(())
    }

    /// Sent or closed by a person, or what it left there is removed: the remote hears nothing of it any more.
    pub fn settle_delivery(&self, run_no: RunNo) -> Result<()> {
        fault::point("store.settle_delivery")?;
        let sql = "UPDATE delivery SET settled = 1, failures = 0, next_try = NULL, words = '', unknown_since = NULL WHERE run_no = ?1";
        run(self.conn, sql, [run_no.0]).context("cannot close a delivery")?;
        Ok(())
    }
}

impl Snapshot<'_> {
    pub fn delivery(&self, run_no: RunNo) -> Result<Option<DeliveryRow>> {
        one(self.conn, &format!("SELECT {COLUMNS} FROM delivery WHERE run_no = ?1"), [run_no.0], read)
    }

    /// Not sent, or not clean yet after they were closed, in the order they were made.
    pub fn open_deliveries(&self) -> Result<Vec<DeliveryRow>> {
        list(self.conn, &format!("SELECT {COLUMNS} FROM delivery WHERE settled = 0 ORDER BY run_no"), [], read)
    }

    /// Of all deliveries there ever were.
    pub fn tries_by_remote(&self) -> Result<Vec<(String, u64)>> {
        let sql = "SELECT remote, sum(tries) FROM delivery GROUP BY remote ORDER BY remote";
        list(self.conn, sql, [], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))
    }

    pub fn tries_of(&self, run_no: RunNo) -> Result<Vec<TryRow>> {
        let sql = "SELECT number, began, ended, reached, words FROM delivery_try WHERE run_no = ?1 ORDER BY number";
        list(self.conn, sql, [run_no.0], |row| {
            Ok(TryRow {
                number: row.get(0)?,
                began: row.get(1)?,
                ended: row.get(2)?,
                reached: row.get(3)?,
                words: row.get(4)?,
            })
        })
    }
}
