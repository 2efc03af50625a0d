//! What is to be told, as letters: all that waits for a channel is one, once its first notice has gathered company. `sent` is
//! written after the channel took it; what it did not take waits longer each time and is never given up.

use std::collections::BTreeSet;

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::Watched;
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::store::ledger::NoticeNo;
use crate::edges::store::{Snapshot, Store};
use crate::model::letter::Letter;
use crate::model::problem::Channel;
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

/// The letters whose time has come. `in_hand`: channels whose last one is still on its way; `all`: also what still gathers.
pub fn due(
    snapshot: &Snapshot<'_>,
    watched: &Watched<'_>,
    in_hand: &BTreeSet<String>,
    (now, all): (DateTime<Utc>, bool),
) -> Result<Vec<Posted>> {
    let mut posted = Vec::new();
    for (name, next_at) in snapshot.waiting_channels()? {
        let channel = watched.channels.iter().find(|channel| channel.name == name);
        let is_due = all || next_at.is_none_or(|at| at <= now);
        let Some(channel) = channel.filter(|_| is_due && !in_hand.contains(&name)) else { continue };
        let rows = snapshot.waiting_notices(&name, ENTRIES_MAX)?;
        let attempts = rows.iter().map(|row| row.attempts).max().unwrap_or_default();
        let notices = rows.iter().map(|row| row.no).collect();
        let entries = rows.into_iter().map(|row| row.entry).collect();
        let letter = Letter::new(watched.company, &name, watched.zone, now, entries);
        posted.push(Posted { channel: channel.clone(), letter, notices, attempts });
    }
    Ok(posted)
}

/// When the next letter is due; nothing while none waits.
pub fn next_due(snapshot: &Snapshot<'_>) -> Result<Option<DateTime<Utc>>> {
    Ok(snapshot.waiting_channels()?.into_iter().filter_map(|(_, next_at)| next_at).min())
}

/// What became of a letter, in words where it was not taken.
pub fn done(
    store: &mut Store,
    events: &Events,
    posted: &Posted,
    outcome: Result<(), String>,
    now: DateTime<Utc>,
) -> Result<()> {
    let tx = store.begin()?;
    for notice in &posted.notices {
        match &outcome {
            Ok(()) => tx.notice_sent(*notice, now)?,
            Err(words) => tx.notice_failed(*notice, now + told::pause(posted.attempts + 1), words)?,
        }
    }
    tx.commit()?;
    let count = (Key::Count, Value::from(posted.letter.entries.len()));
    let channel = (Key::Channel, Value::Text(posted.channel.name.as_str().into()));
    match outcome {
        Ok(()) => events.tell(now, "", Event::NoticeSent, &[channel, count]),
        Err(words) => {
            let reason = (Key::Reason, Value::Text(words.into()));
            events.tell(now, "", Event::NoticeFailed, &[channel, count, reason]);
        }
    }
    Ok(())
}
