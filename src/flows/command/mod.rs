//! Carries out what people ask for: retry, ignore, send, pause, resume, release, discard, catch-up; notes backups. Whoever
//! holds the instance lock does it; the row in `command` is the audit trail, and a command whose row is finished is never
//! done twice.

mod guarded;
mod ignore;
mod pause;
mod retry;

use std::sync::Arc;

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::catch_up::catch_up;
use super::commands::{Command, Verb};
use super::inbound::round::Bench;
use crate::edges::clock::iso;
use crate::edges::events::{Event, Key, Value};
use crate::edges::store::Selection;
use crate::edges::store::ledger::{FileRow, NewCommand};
use crate::model::feed::Feed;

/// The moment of the newest copy of the database, in milliseconds, among the high-water marks.
pub const LAST_BACKUP: &str = "backup";

/// Makes the row, does it, writes the outcome. The outcome is a sentence for who asked.
pub fn carry_out(
    bench: &mut Bench<'_>,
    command: &Command,
    feeds: &[Arc<Feed>],
    send: &mut dyn FnMut(&mut Bench<'_>, &str) -> Result<String>,
) -> Result<String> {
    if !record(bench, command)? {
        return Ok("done before".to_string());
    }
    let outcome = match &command.verb {
        Verb::Retry { which, overrule } => retry::retry(bench, which, *overrule, &command.comment),
        Verb::Ignore { which } => ignore::ignore(bench, which, &command.comment),
        Verb::Pause { subjects } => pause::pause(bench, subjects, &command.who, &command.comment),
        Verb::Resume { subjects } => pause::resume(bench, subjects, &command.comment),
        Verb::Release { subjects } => guarded::release(bench, subjects, command.id),
        Verb::Discard { subjects } => guarded::discard(bench, subjects, command.id, &command.comment),
        Verb::Send { feeds } => send_all(bench, feeds, send),
        Verb::Backup { path, made } => note_backup(bench, path, *made),
        Verb::CatchUp => catch_up(bench, feeds),
    };
    let (outcome, event) = match outcome {
        Ok(text) => (text, Event::CommandDone),
        // With a full disk it waits like everything else; the command file stays.
        Err(error) if super::is_outage(&error) && !super::is_denied(&error) => return Err(error),
        Err(error) => (format!("failed: {error:#}"), Event::CommandRefused),
    };
    let tx = bench.store.begin()?;
    tx.finish_command(command.id, &outcome, &iso(bench.now.wall))?;
    tx.commit()?;
    let fields =
        [(Key::Verb, Value::Text(command.verb_name().into())), (Key::Reason, Value::Text(outcome.as_str().into()))];
    bench.events.tell(bench.now.wall, command.id.as_str(), event, &fields);
    Ok(outcome)
}

/// False: it was carried out before.
fn record(bench: &mut Bench<'_>, command: &Command) -> Result<bool> {
    let tx = bench.store.begin()?;
    let row = NewCommand {
        id: command.id,
        verb: command.verb_name(),
        arguments: &command.arguments(),
        who: &command.who,
        at: &iso(command.at),
        comment: &command.comment,
    };
    let is_new = tx.add_command(&row)?;
    let open = is_new || tx.command(command.id)?.is_none_or(|known| known.done_at.is_none());
    tx.commit()?;
    Ok(open)
}

fn send_all(
    bench: &mut Bench<'_>,
    feeds: &[String],
    send: &mut dyn FnMut(&mut Bench<'_>, &str) -> Result<String>,
) -> Result<String> {
    let outcomes = feeds.iter().map(|feed| send(bench, feed)).collect::<Result<Vec<_>>>()?;
    Ok(outcomes.join("; "))
}

/// When the database was copied last, for whoever asks whether that is long ago.
fn note_backup(bench: &mut Bench<'_>, path: &str, made: DateTime<Utc>) -> Result<String> {
    let tx = bench.store.begin()?;
    tx.raise_high_water(LAST_BACKUP, made.timestamp_millis().max(0).cast_unsigned())?;
    tx.commit()?;
    Ok(format!("noted: {path}"))
}

/// So many files in one command; the rest is told and waits for the next one.
const FILES_MAX: u32 = 100_000;

/// The files a command means, the oldest first: that is the order in which they would have been applied.
fn files(bench: &Bench<'_>, which: &Selection) -> Result<Vec<FileRow>> {
    let mut rows = bench.store.read()?.select_files(which, FILES_MAX)?;
    rows.reverse();
    Ok(rows)
}
