//! Notices: this channel hears of this end of this problem. `sent` stands only after the channel took it; until then it waits
//! and is tried again. Who hears of what is decided by `model::rules::told`.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use rusqlite::params;

use super::file::{read_id, unsigned};
use super::problem::ProblemNo;
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{Snapshot, Tx};
use crate::model::instant::{iso, read_iso};
use crate::model::problem::{Entry, Level, Phase};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NoticeNo(pub i64);

/// One that waits, with what it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRow {
    pub no: NoticeNo,
    pub attempts: u32,
    /// Of a mail that was taken for others: for whom it waits.
    pub still_for: Vec<String>,
    pub entry: Entry,
}

/// Something waits for a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub channel: String,
    /// Only some of its readers are still to get it.
    pub is_put_off: bool,
    /// When its first letter is due.
    pub next_at: Option<DateTime<Utc>>,
}

/// How a channel stands: what waits after at least one try, and what the last try said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    pub channel: String,
    pub count: u64,
    pub words: String,
}

impl Tx<'_> {
    /// At most one of a problem's end and a channel: a second one changes nothing.
    pub fn add_notice(&self, problem: ProblemNo, phase: Phase, channel: &str, next_at: DateTime<Utc>) -> Result<()> {
        fault::point("store.add_notice")?;
        let sql = "INSERT INTO notice (problem_no, phase, channel, state, next_at) VALUES (?1, ?2, ?3, 'waiting', ?4) \
             ON CONFLICT (problem_no, phase, channel) DO NOTHING";
        run(self.conn, sql, params![problem.0, phase.as_str(), channel, iso(next_at)])
            .with_context(|| format!("cannot record a notice for {channel}"))?;
        Ok(())
    }

    /// It was told while the ledger took nothing.
    pub fn add_told_notice(&self, problem: ProblemNo, channel: &str, at: DateTime<Utc>) -> Result<()> {
        fault::point("store.add_told_notice")?;
        let sql = "INSERT INTO notice (problem_no, phase, channel, state, next_at, sent_at) VALUES (?1, 'begun', ?2, 'sent', ?3, ?3) \
             ON CONFLICT (problem_no, phase, channel) DO NOTHING";
        run(self.conn, sql, params![problem.0, channel, iso(at)])
            .with_context(|| format!("cannot record what {channel} was told"))?;
        Ok(())
    }

    /// The channel hears of the end if it was told of the begin; if it was not yet, it hears of neither.
    pub fn end_notice(&self, problem: ProblemNo, channel: &str, next_at: DateTime<Utc>) -> Result<()> {
        fault::point("store.end_notice")?;
        // A reminder was told before.
        let ended = "UPDATE notice SET state = CASE WHEN reminders > 0 THEN 'sent' ELSE 'dropped' END \
             WHERE problem_no = ?1 AND channel = ?2 AND phase = 'begun' AND state = 'waiting'";
        run(self.conn, ended, params![problem.0, channel]).context("cannot drop a notice")?;
        let over = "INSERT INTO notice (problem_no, phase, channel, state, next_at) \
             SELECT problem_no, 'over', channel, 'waiting', ?3 FROM notice \
             WHERE problem_no = ?1 AND channel = ?2 AND phase = 'begun' AND state = 'sent' \
             ON CONFLICT (problem_no, phase, channel) DO NOTHING";
        run(self.conn, over, params![problem.0, channel, iso(next_at)]).context("cannot record the end of a notice")?;
        Ok(())
    }

    /// The channel took it. Where its problem ended meanwhile, the end is told after all.
    pub fn notice_sent(&self, no: NoticeNo, at: DateTime<Utc>) -> Result<()> {
        fault::point("store.notice_sent")?;
        let sql = "UPDATE notice SET state = 'sent', sent_at = ?2, words = '', still_for = '' WHERE notice_no = ?1";
        run(self.conn, sql, params![no.0, iso(at)]).context("cannot note a notice as sent")?;
        let over = "INSERT INTO notice (problem_no, phase, channel, state, next_at) \
             SELECT n.problem_no, 'over', n.channel, 'waiting', ?2 FROM notice n JOIN problem p ON p.problem_no = n.problem_no \
             WHERE n.notice_no = ?1 AND n.phase = 'begun' AND p.over_at IS NOT NULL \
             ON CONFLICT (problem_no, phase, channel) DO NOTHING";
        run(self.conn, over, params![no.0, iso(at)]).context("cannot record the end of a notice")?;
        Ok(())
    }

    /// They are handed out together: should the end of that be lost, the same letter goes out once more.
    pub fn hand_out(&self, notices: &[NoticeNo], letter: &str) -> Result<()> {
        fault::point("store.hand_out")?;
        for notice in notices {
            run(self.conn, "UPDATE notice SET letter = ?2 WHERE notice_no = ?1", params![notice.0, letter])
                .context("cannot note that a notice is handed out")?;
        }
        Ok(())
    }

    pub fn notice_failed(&self, no: NoticeNo, next_at: DateTime<Utc>, words: &str) -> Result<()> {
        fault::point("store.notice_failed")?;
        let sql = "UPDATE notice SET attempts = attempts + 1, next_at = ?2, words = ?3 WHERE notice_no = ?1 AND state = 'waiting'";
        run(self.conn, sql, params![no.0, iso(next_at), words]).context("cannot note that a notice failed")?;
        Ok(())
    }

    /// The channel took it for some and put the others off: for them alone it goes on waiting.
    pub fn notice_put_off(
        &self,
        no: NoticeNo,
        next_at: DateTime<Utc>,
        words: &str,
        still_for: &[String],
    ) -> Result<()> {
        fault::point("store.notice_put_off")?;
        let sql = "UPDATE notice SET attempts = attempts + 1, next_at = ?2, words = ?3, still_for = ?4 \
             WHERE notice_no = ?1 AND state = 'waiting'";
        run(self.conn, sql, params![no.0, iso(next_at), words, still_for.join(" ")])
            .context("cannot note for whom a notice still waits")?;
        Ok(())
    }

    /// A channel that is not configured any more is told nothing.
    pub fn drop_notices_of(&self, channel: &str) -> Result<()> {
        fault::point("store.drop_notices_of")?;
        run(self.conn, "UPDATE notice SET state = 'dropped' WHERE state = 'waiting' AND channel = ?1", [channel])
            .with_context(|| format!("cannot drop the notices of {channel}"))?;
        Ok(())
    }

    /// Problems that are open and were told to the channel before this moment are told once more.
    pub fn remind(&self, channel: &str, before: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
        fault::point("store.remind")?;
        let sql = "UPDATE notice SET state = 'waiting', next_at = ?3, attempts = 0, reminders = reminders + 1, letter = '' \
             WHERE channel = ?1 AND phase = 'begun' AND state = 'sent' AND sent_at <= ?2 \
               AND problem_no IN (SELECT problem_no FROM problem WHERE over_at IS NULL AND calm_since IS NULL)";
        run(self.conn, sql, params![channel, iso(before), iso(now)])
            .with_context(|| format!("cannot remind {channel}"))?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// Channels something waits for. What is for all of its readers first: one whose box is full keeps nothing from the others.
    pub fn waiting_channels(&self) -> Result<Vec<Waiting>> {
        let sql = "SELECT channel, still_for <> '', min(next_at) FROM notice WHERE state = 'waiting' GROUP BY 1, 2 ORDER BY 1, 2";
        list(self.conn, sql, [], |row| {
            Ok(Waiting { channel: row.get(0)?, is_put_off: row.get(1)?, next_at: read_iso(row.get_ref(2)?.as_str()?) })
        })
    }

    /// What waits for a channel, the oldest first, at most `limit`: what was handed out together before, else all. Of what was put
    /// off, the oldest letter.
    pub fn waiting_notices(&self, channel: &str, is_put_off: bool, limit: u32) -> Result<Vec<NoticeRow>> {
        let sql = "SELECT n.notice_no, n.attempts, p.problem_id, n.phase, n.reminders, p.kind, p.about, p.part, p.level, p.count, \
               p.times, p.began_at, p.over_at, CASE WHEN n.phase = 'over' THEN p.over_words ELSE p.words END, \
               CASE WHEN n.phase = 'over' THEN '' ELSE p.advice END, n.still_for \
             FROM notice n JOIN problem p ON p.problem_no = n.problem_no \
             WHERE n.state = 'waiting' AND n.channel = ?1 AND (n.still_for <> '') = ?3 \
               AND n.letter = coalesce((SELECT CASE WHEN ?3 THEN min(o.letter) ELSE max(o.letter) END FROM notice o \
                 WHERE o.state = 'waiting' AND o.channel = ?1 AND (o.still_for <> '') = ?3), '') ORDER BY n.notice_no LIMIT ?2";
        list(self.conn, sql, params![channel, limit, is_put_off], |row| {
            let instant = |column: usize| -> rusqlite::Result<Option<DateTime<Utc>>> {
                Ok(row.get_ref(column)?.as_str_or_null()?.and_then(read_iso))
            };
            let entry = Entry {
                problem: read_id(row, 2)?,
                phase: Phase::parse(row.get_ref(3)?.as_str()?),
                reminders: row.get(4)?,
                kind: row.get(5)?,
                about: row.get(6)?,
                part: row.get(7)?,
                level: Level::parse(row.get_ref(8)?.as_str()?),
                count: unsigned(row, 9)?,
                times: row.get(10)?,
                began_at: instant(11)?.unwrap_or_default(),
                over_at: instant(12)?,
                words: row.get(13)?,
                advice: row.get(14)?,
            };
            let still_for = row.get_ref(15)?.as_str()?.split_whitespace().map(str::to_string).collect();
            Ok(NoticeRow { no: NoticeNo(row.get(0)?), attempts: row.get(1)?, still_for, entry })
        })
    }

    /// Channels that did not take what waits for them.
    pub fn failing_channels(&self) -> Result<Vec<Failing>> {
        let sql = "SELECT channel, count(*), max(words) FROM notice WHERE state = 'waiting' AND attempts > 0 GROUP BY channel";
        list(self.conn, sql, [], |row| {
            Ok(Failing { channel: row.get(0)?, count: unsigned(row, 1)?, words: row.get(2)? })
        })
    }

    /// Is there anything told to this channel before this moment of what is still the matter?
    pub fn is_to_be_reminded(&self, channel: &str, before: DateTime<Utc>) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM problem p JOIN notice n ON n.problem_no = p.problem_no AND n.phase = 'begun' \
               AND n.channel = ?1 WHERE p.over_at IS NULL AND p.calm_since IS NULL AND n.state = 'sent' AND n.sent_at <= ?2)";
        Ok(one(self.conn, sql, params![channel, iso(before)], |row| row.get(0))?.unwrap_or(false))
    }
}
