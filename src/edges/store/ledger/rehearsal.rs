//! What a rehearsed file would have done: its verdict and its exceptions are set aside, all that it wrote is taken back, and they
//! are written again alone. Also which files were only rehearsed, and which orders went out only so.

use std::io::{Read, Write};

use anyhow::{Context, Result};
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};

use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FileNo, Snapshot, Tx};
use crate::model::mode::Mode;
use crate::model::verdict::Home;

/// Of `file`: what a verdict is.
const VERDICT: &str = "verdict, messages, accepted, unchanged, duplicate, stale, held, refused, kind, layout, fingerprint, content_hash, \
     code, day, decided_at";
/// Of `message`: without what would let it go on by itself, and without the message.
const EXCEPTION: &str = "number, kind, key, verdict, code, line, bytes, problems, row_id, decided_at";
const EXCEPTION_COLUMNS: usize = 10;

/// Rows of the feed `?1` under the names that it has in test and in shadow, and not under its own.
const ONLY_REHEARSED: &str = "(q.feed = ?1 || '?test' OR q.feed = ?1 || '?shadow') \
     AND NOT EXISTS (SELECT 1 FROM run_request l WHERE l.feed = ?1 AND l.kind = q.kind AND l.row_id = q.row_id)";

/// The verdict of a file, out of reach of its savepoint.
pub struct SetAside {
    verdict: Vec<Value>,
    problems: Vec<(String, i64)>,
    exceptions: u64,
}

impl Tx<'_> {
    /// `aside` takes the exceptions, of which there may be as many as messages.
    pub fn set_aside(&self, file: FileNo, aside: &mut dyn Write) -> Result<SetAside> {
        let count = VERDICT.split(", ").count();
        let sql = format!("SELECT {VERDICT} FROM file WHERE file_no = ?1");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let verdict = statement
            .query_row([file.0], |row| {
                (0..count).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Value>>>()
            })
            .context("cannot read the verdict of a rehearsed file")?;
        let sql = "SELECT code, count FROM problem_count WHERE file_no = ?1 ORDER BY code";
        let problems = list(self.conn, sql, [file.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let sql = format!("SELECT {EXCEPTION} FROM message WHERE file_no = ?1 ORDER BY number");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query([file.0])?;
        let mut exceptions = 0;
        while let Some(row) = rows.next()? {
            for column in 0..EXCEPTION_COLUMNS {
                put(aside, &row.get(column)?).context("cannot set the exceptions of a rehearsed file aside")?;
            }
            exceptions += 1;
        }
        Ok(SetAside { verdict, problems, exceptions })
    }

    /// After its rows were taken back. `aside` begins where `set_aside` began.
    pub fn tell_rehearsed(
        &self,
        file: FileNo,
        set_aside: SetAside,
        aside: &mut dyn Read,
        (mode, home, reason): (Mode, Home, Option<&str>),
    ) -> Result<()> {
        fault::point("store.tell_rehearsed")?;
        let names = VERDICT.split(", ").enumerate().map(|(index, name)| format!("{name} = ?{}", index + 5));
        let sql = format!(
            "UPDATE file SET state = 'judged', alone = 0, attempts = 0, placed = 0, reject_plan = NULL, comment = '', rehearsed = ?2, \
             place = ?3, reason_text = ?4, {} WHERE file_no = ?1",
            names.collect::<Vec<_>>().join(", ")
        );
        let first: [Value; 4] = [
            file.0.into(),
            mode.number().into(),
            super::file::home_text(home).to_string().into(),
            reason.map_or(Value::Null, |text| text.to_string().into()),
        ];
        let changed = run(self.conn, &sql, params_from_iter(first.into_iter().chain(set_aside.verdict)))
            .context("cannot note what a rehearsed file would have done")?;
        anyhow::ensure!(changed == 1, "there is no file number {} in the ledger", file.0);
        self.set_problem_counts(file, set_aside.problems.iter().map(|(code, n)| (code.as_str(), n.cast_unsigned())))?;
        let marks: Vec<String> = (2..EXCEPTION_COLUMNS + 2).map(|number| format!("?{number}")).collect();
        let sql = format!("INSERT INTO message (file_no, {EXCEPTION}) VALUES (?1, {})", marks.join(", "));
        let mut statement = self.conn.prepare_cached(&sql)?;
        for _ in 0..set_aside.exceptions {
            let mut values: Vec<Value> = vec![file.0.into()];
            for _ in 0..EXCEPTION_COLUMNS {
                values.push(take(aside).context("cannot take the exceptions of a rehearsed file back")?);
            }
            statement.execute(params_from_iter(values)).context("cannot list an exception of a rehearsed file")?;
        }
        Ok(())
    }

    /// A person wants nothing of it to be applied.
    pub fn close_rehearsed(&self, file: FileNo) -> Result<()> {
        fault::point("store.close_rehearsed")?;
        let sql = "UPDATE file SET rehearsed = -abs(rehearsed) WHERE file_no = ?1";
        run(self.conn, sql, [file.0]).context("cannot close a rehearsed file")?;
        Ok(())
    }

    /// Requests that a feed sent only in a rehearsal count as sent by it; how many.
    pub fn count_rehearsed_as_sent(&self, feed: &str) -> Result<u64> {
        fault::point("store.count_rehearsed_as_sent")?;
        let sql = format!("SELECT DISTINCT q.kind FROM run_request q WHERE {ONLY_REHEARSED}");
        let kinds: Vec<String> = list(self.conn, &sql, [feed], |row| row.get(0))?;
        let sql = format!(
            "INSERT INTO run_request (feed, kind, row_id, run_no) SELECT ?1, q.kind, q.row_id, max(q.run_no) FROM run_request q \
             WHERE {ONLY_REHEARSED} GROUP BY q.kind, q.row_id"
        );
        let count =
            run(self.conn, &sql, [feed]).with_context(|| format!("cannot count what {feed} rehearsed as sent"))?;
        kinds.iter().try_for_each(|kind| self.raise_export_floor(feed, kind))?;
        Ok(count as u64)
    }

    pub fn set_run_rehearsed(&self, run_no: crate::edges::store::RunNo, mode: Mode) -> Result<()> {
        fault::point("store.set_run_rehearsed")?;
        let sql = "UPDATE run SET rehearsed = ?2 WHERE run_no = ?1";
        run(self.conn, sql, params![run_no.0, mode.number()]).context("cannot note that a run was rehearsed")?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// Requests that a feed sent only in a rehearsal: how many, and the newest run that held one.
    pub fn requests_rehearsed(&self, feed: &str) -> Result<(u64, u64)> {
        let sql = format!(
            "SELECT count(DISTINCT q.kind || q.row_id), coalesce(max(q.run_no), 0) FROM run_request q WHERE {ONLY_REHEARSED}"
        );
        let found: Option<(i64, i64)> = one(self.conn, &sql, [feed], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(found.map(|(count, run)| (count.cast_unsigned(), run.cast_unsigned())).unwrap_or_default())
    }

    /// Files of an intake that were only rehearsed, and can still be applied.
    pub fn rehearsed_files(&self, partner: &str, intake: &str) -> Result<u64> {
        let sql =
            "SELECT count(*) FROM file WHERE rehearsed > 0 AND partner = ?1 AND intake = ?2 AND original_gone = 0";
        let count: Option<i64> = one(self.conn, sql, [partner, intake], |row| row.get(0))?;
        Ok(count.unwrap_or_default().cast_unsigned())
    }
}

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const TEXT: u8 = 2;
const BLOB: u8 = 3;

/// A letter for its sort, then its bytes with their number before them.
fn put(out: &mut dyn Write, value: &Value) -> Result<()> {
    let (sort, bytes): (u8, &[u8]) = match value {
        Value::Null => (NULL, &[]),
        Value::Integer(number) => return Ok(out.write_all(&[&[INTEGER][..], &number.to_le_bytes()].concat())?),
        Value::Text(text) => (TEXT, text.as_bytes()),
        Value::Blob(bytes) => (BLOB, bytes),
        // The tables are STRICT and have no such column.
        Value::Real(_) => anyhow::bail!("a number that is none of ours"),
    };
    out.write_all(&[sort])?;
    out.write_all(&(bytes.len() as u64).to_le_bytes())?;
    Ok(out.write_all(bytes)?)
}

fn take(from: &mut dyn Read) -> Result<Value> {
    let (mut sort, mut number) = ([0], [0; 8]);
    from.read_exact(&mut sort)?;
    from.read_exact(&mut number)?;
    if sort[0] == INTEGER {
        return Ok(Value::Integer(i64::from_le_bytes(number)));
    }
    let mut bytes = vec![0; usize::try_from(u64::from_le_bytes(number))?];
    from.read_exact(&mut bytes)?;
    Ok(match sort[0] {
        NULL => Value::Null,
        TEXT => Value::Text(String::from_utf8(bytes)?),
        _ => Value::Blob(bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_aside_comes_back() {
        let values = [
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Text("Kühlhaus".into()),
            Value::Text(String::new()),
            Value::Blob(vec![0, 255]),
        ];
        let mut bytes = Vec::new();
        values.iter().for_each(|value| put(&mut bytes, value).unwrap());
        let mut from = &bytes[..];
        for value in &values {
            assert_eq!(take(&mut from).unwrap(), *value);
        }
        assert!(from.is_empty() && take(&mut from).is_err());
    }
}
