//! What is to be told, as letters: all that waits for a channel is one, once its first notice has gathered company. `sent` is
//! written after the channel took it; what it did not take waits longer each time and is never given up.

use std::collections::BTreeSet;

use anyhow::Result;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::Watched;
use super::keep::ToldOutage;
use crate::edges::clock::new_id;
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::notice::{self, Post, Taken};
use crate::edges::store::ledger::{NoticeNo, Waiting};
use crate::edges::store::{Snapshot, Store};
use crate::edges::{secret, tls};
use crate::model::letter::Letter;
use crate::model::problem::{Channel, Entry, Level, Phase, Way};
use crate::model::rules::told;

/// Entries of one letter; the rest is the next one.
const ENTRIES_MAX: u32 = 200;

/// A letter on its way.
#[derive(Debug, Clone)]
pub struct Posted {
    pub channel: Channel,
    pub letter: Letter,
    notices: Vec<NoticeNo>,
    attempts: u32,
}

impl Posted {
    /// Else it tells of an outage that the ledger cannot take note of.
    pub fn is_of_ledger(&self) -> bool {
        !self.notices.is_empty()
    }
}

/// The one letter that goes out without the ledger.
pub fn of_outage(told: &ToldOutage, channel: &Channel, watched: &Watched<'_>, now: DateTime<Utc>) -> Posted {
    let condition = &told.condition;
    let entry = Entry {
        problem: told.id,
        phase: Phase::Begun,
        reminders: 0,
        kind: condition.kind.as_str().to_string(),
        about: condition.about.clone(),
        part: condition.part.clone(),
        level: condition.level,
        count: condition.count,
        times: 1,
        began_at: told.began_at,
        over_at: None,
        words: condition.words.clone(),
        advice: condition.advice.clone(),
    };
    let letter = Letter::new(watched.company, &channel.name, watched.zone, now, vec![entry]);
    Posted { channel: channel.clone(), letter, notices: Vec::new(), attempts: 0 }
}

/// The letters whose time has come. `in_hand`: channels whose last one is still on its way; `all`: also what still gathers.
pub fn due(
    snapshot: &Snapshot<'_>,
    watched: &Watched<'_>,
    in_hand: &BTreeSet<String>,
    (now, all): (DateTime<Utc>, bool),
) -> Result<Vec<Posted>> {
    let mut posted: Vec<Posted> = Vec::new();
    for Waiting { channel: name, is_put_off, next_at } in snapshot.waiting_channels()? {
        let channel = watched.channels.iter().find(|channel| channel.name == name);
        let is_in_hand = in_hand.contains(&name) || posted.iter().any(|posted| posted.channel.name == name);
        let is_due = |channel: &&Channel| all || next_at.is_none_or(|at| told::is_due(at, channel.gather, now));
        let Some(channel) = channel.filter(|_| !is_in_hand).filter(is_due) else { continue };
        let rows = snapshot.waiting_notices(&name, is_put_off, ENTRIES_MAX)?;
        let attempts = rows.iter().map(|row| row.attempts).max().unwrap_or_default();
        let notices = rows.iter().map(|row| row.no).collect();
        let still_for: Vec<String> = rows.first().map(|row| row.still_for.clone()).unwrap_or_default();
        let entries = rows.into_iter().map(|row| row.entry).collect();
        let letter = Letter::new(watched.company, &name, watched.zone, now, entries);
        posted.push(Posted { channel: for_the_rest(channel, still_for), letter, notices, attempts });
    }
    Ok(posted)
}

/// A letter that some of its readers have goes to the others alone; all of them where none is one of the channel any more.
fn for_the_rest(channel: &Channel, still_for: Vec<String>) -> Channel {
    let mut channel = channel.clone();
    if let Way::Mail(mail) = &mut channel.way
        && mail.to.iter().any(|to| still_for.contains(to))
    {
        mail.to.retain(|to| still_for.contains(to));
    }
    channel
}

/// Before a letter leaves. Not on the disk for certain: after a power cut it may go out in other company.
pub fn hand_out(store: &mut Store, posted: &Posted) -> Result<()> {
    let tx = store.begin_unsynced()?;
    tx.hand_out(&posted.notices, &posted.letter.id)?;
    tx.commit()
}

/// When the next letter is due; nothing while none waits.
pub fn next_due(snapshot: &Snapshot<'_>, watched: &Watched<'_>, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let at = |waiting: Waiting| {
        let gather = watched.channels.iter().find(|channel| channel.name == waiting.channel)?.gather;
        waiting.next_at.map(|at| if told::is_due(at, gather, now) { at.min(now) } else { at })
    };
    Ok(snapshot.waiting_channels()?.into_iter().filter_map(at).min())
}

/// What became of a letter: a remark where it was taken only in part, the reason where it was not.
pub fn done(
    store: &mut Store,
    events: &Events,
    posted: &Posted,
    outcome: Result<Taken, String>,
    now: DateTime<Utc>,
) -> Result<()> {
    let tx = store.begin()?;
    for notice in &posted.notices {
        match &outcome {
            Ok(taken) if taken.later.is_empty() => tx.notice_sent(*notice, now)?,
            Ok(taken) => {
                let words = taken.remark.as_deref().unwrap_or_default();
                tx.notice_put_off(*notice, now + told::pause(posted.attempts + 1), words, &taken.later)?;
            }
            Err(words) => tx.notice_failed(*notice, now + told::pause(posted.attempts + 1), words)?,
        }
    }
    tx.commit()?;
    let count = (Key::Count, Value::from(posted.letter.entries.len()));
    let channel = (Key::Channel, Value::Text(posted.channel.name.as_str().into()));
    match outcome {
        Ok(Taken { remark: None, .. }) => events.tell(now, "", Event::NoticeSent, &[channel, count]),
        Ok(Taken { remark: Some(remark), .. }) => {
            let reason = (Key::Reason, Value::Text(remark.into()));
            events.tell(now, "", Event::NoticeSent, &[channel, count, reason]);
        }
        Err(words) => {
            let reason = (Key::Reason, Value::Text(words.into()));
            events.tell(now, "", Event::NoticeFailed, &[channel, count, reason]);
        }
    }
    Ok(())
}

/// What a letter needs to travel: a way to its secrets, and whom this machine trusts.
pub fn post() -> Post {
    Post { secret: Box::new(|place| secret::read(place).map_err(|fault| fault.to_string())), tls: tls::client() }
}

/// One letter of one sentence and what to do, now and without the ledger; what became of it.
pub fn at_once(
    channel: &Channel,
    (company, zone): (&str, Tz),
    (kind, level, [words, advice]): (&str, Level, &[String; 2]),
    now: DateTime<Utc>,
) -> Result<Result<Taken, String>> {
    let entry = Entry {
        problem: new_id(now)?,
        phase: Phase::Begun,
        reminders: 0,
        kind: kind.to_string(),
        about: "daemon".to_string(),
        part: String::new(),
        level,
        count: 1,
        times: 1,
        began_at: now,
        over_at: None,
        words: words.clone(),
        advice: advice.clone(),
    };
    let letter = Letter::new(company, &channel.name, zone, now, vec![entry]);
    Ok(notice::send(&letter, &channel.way, &post()).map_err(|error| error.to_string()))
}
