//! Carries out what people ask for: retry, correct, ignore, send, pause, resume, release, discard, excuse, user, catch-up, quotes taken up; notes backups. Whoever
//! holds the instance lock does it; the row in `command` is the audit trail, and a command whose row is finished is never
//! done twice.

pub mod correct;
mod excuse;
mod guarded;
mod ignore;
mod pause;
mod quote;
mod retry;
mod user;

use std::sync::Arc;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};

use super::catch_up::catch_up;
use super::commands::{Command, Verb};
use super::inbound::round::Bench;
use crate::edges::clock::iso;
use crate::edges::events::{Event, Key, Value};
use crate::edges::store::Selection;
use crate::edges::store::ledger::{FileRow, NewCommand};
use crate::model::feed::Feed;
use crate::model::pause::Subject;

/// What is asked of a feed, by whoever has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Write it: `full`, or only rows of a key.
    Send { full: bool, key: Option<String> },
    /// The guard locked it: today's state goes out all the same.
    Release,
    /// The guard locked it: what was composed is dropped.
    Discard,
}

/// The moment of the newest copy of the database, in milliseconds, among the high-water marks.
pub const LAST_BACKUP: &str = "backup";

/// Makes the row, does it, writes the outcome. The outcome is a sentence for who asked.
pub fn carry_out(
    bench: &mut Bench<'_>,
    command: &Command,
    feeds: &[Arc<Feed>],
    give: &mut dyn FnMut(&mut Bench<'_>, &str, &Order) -> Result<String>,
) -> Result<String> {
    if !record(bench, command)? {
        return Ok("done before".to_string());
    }
    let outcome = match &command.verb {
        Verb::Retry { which, how } => retry::retry(bench, which, how, &command.comment),
        Verb::Correct(wanted) => correct::correct(bench, wanted, command),
        Verb::Ignore { which } => ignore::ignore(bench, which, &command.comment),
        Verb::Pause { subjects } => pause::pause(bench, subjects, &command.who, &command.comment),
        Verb::Resume { subjects } => pause::resume(bench, subjects, &command.comment),
        Verb::Release { subjects } => {
            let intakes = guarded::release(bench, &intakes(subjects), command.id);
            decided(bench, intakes, subjects, &Order::Release, give)
        }
        Verb::Discard { subjects } => {
            let intakes = guarded::discard(bench, &intakes(subjects), command.id, &command.comment);
            decided(bench, intakes, subjects, &Order::Discard, give)
        }
        Verb::Send { feeds, full, key } => {
            order_all(bench, feeds, &Order::Send { full: *full, key: key.clone() }, give)
        }
        Verb::Excuse { intakes } => excuse::excuse(bench, intakes),
        Verb::Backup { path, made } => note_backup(bench, path, *made),
        Verb::CatchUp => catch_up(bench, feeds),
        Verb::User { contact, verb } => user::user(bench, contact, verb, &command.who),
        Verb::QuoteAccept { quote, order_no } => quote::accept(bench, quote, order_no.as_deref(), command),
    };
    let (outcome, event) = match outcome {
        Ok(text) => (text, Event::CommandDone),
        // With a full disk it waits like everything else; the command file stays.
        Err(error) if super::is_outage(&error) && !super::is_denied(&error) => return Err(error),
        Err(error) => (format!("failed: {error:#}"), Event::CommandRefused),
    };
    finish(bench, command, &outcome, event)?;
    Ok(outcome)
}

/// Not carried out: the row says why.
pub fn refuse(bench: &mut Bench<'_>, command: &Command, why: &str) -> Result<()> {
    if record(bench, command)? {
        finish(bench, command, &format!("failed: {why}"), Event::CommandRefused)?;
    }
    Ok(())
}

fn finish(bench: &mut Bench<'_>, command: &Command, outcome: &str, event: Event) -> Result<()> {
    let tx = bench.store.begin()?;
    tx.finish_command(command.id, outcome, &iso(bench.now.wall))?;
    tx.commit()?;
    let fields = [(Key::Verb, Value::Text(command.verb_name().into())), (Key::Reason, Value::Text(outcome.into()))];
    bench.events.tell(bench.now.wall, command.id.as_str(), event, &fields);
    Ok(())
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

fn intakes(subjects: &[Subject]) -> Vec<Subject> {
    subjects.iter().filter(|subject| !matches!(subject, Subject::Feed { .. })).cloned().collect()
}

/// What was decided about intakes, and now about feeds.
fn decided(
    bench: &mut Bench<'_>,
    intakes: Result<String>,
    subjects: &[Subject],
    order: &Order,
    give: &mut dyn FnMut(&mut Bench<'_>, &str, &Order) -> Result<String>,
) -> Result<String> {
    let feeds: Vec<String> =
        subjects.iter().filter(|subject| matches!(subject, Subject::Feed { .. })).map(Subject::name).collect();
    let said = [intakes?, order_all(bench, &feeds, order, give)?];
    Ok(said.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join("; "))
}

fn order_all(
    bench: &mut Bench<'_>,
    feeds: &[String],
    order: &Order,
    give: &mut dyn FnMut(&mut Bench<'_>, &str, &Order) -> Result<String>,
) -> Result<String> {
    let (mut said, mut is_refused) = (Vec::new(), false);
    for feed in feeds {
        match give(bench, feed, order) {
            Ok(words) => said.push(words),
            Err(error) if super::is_outage(&error) && !super::is_denied(&error) => return Err(error),
            // Done before a crash, perhaps; the others are meant all the same.
            Err(error) => {
                said.push(format!("{error:#}"));
                is_refused = true;
            }
        }
    }
    let said = said.join("; ");
    if is_refused { bail!(said) } else { Ok(said) }
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
