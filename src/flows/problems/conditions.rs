//! Everything that is the matter according to the ledger and the folders, looked for anew each time. What only the running
//! daemon knows (a folder that refuses it, a full disk) it hands in itself.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use super::super::command::LAST_BACKUP;
use super::super::configured::Configured;
use super::super::files::{Sight, Standing, standing};
use super::super::status::FEED_LATE;
use super::super::waiting::{self, WaitingFile, Why};
use super::Watched;
use crate::edges::clock::{iso, read_iso};
use crate::edges::spool::{Place, State};
use crate::edges::store::Owed;
use crate::edges::store::ledger::{RunState, Side};
use crate::model::diagnostic::shown;
use crate::model::duration;
use crate::model::intake::AsOf;
use crate::model::problem::{Condition, Kind};
use crate::model::rules::patience::Trouble;
use crate::model::rules::{as_of, schedule, sequence};
use crate::model::wording::problems as words;

/// The kinds that are looked for here.
pub const LOOKED: [Kind; 18] = [
    Kind::NumbersMissing,
    Kind::FilesRefused,
    Kind::FilesHeld,
    Kind::RecordsMade,
    Kind::QuestionsNotAllowed,
    Kind::FileStuck,
    Kind::OriginalMissing,
    Kind::GuardLocked,
    Kind::FeedFailed,
    Kind::FeedLate,
    Kind::DeliveryLate,
    Kind::DeliveryUnknown,
    Kind::RemoteDown,
    Kind::RemoteRefused,
    Kind::PausedLong,
    Kind::BackupOld,
    Kind::RunUnknown,
    Kind::NoticeFailed,
];

/// Files of an intake's folder that are looked at one by one.
const STUCK_LOOKED_AT: usize = 20;
/// Files so old have no gap that anybody waits for.
const NUMBERS_OF: TimeDelta = TimeDelta::days(7);
/// Files of an intake whose numbers are looked at.
const NUMBERS_MOST: u32 = 2_000;
/// Of what nobody has to act on a person hears once, and once more on another day.
const TOLD_FOR: TimeDelta = TimeDelta::days(1);
/// Names told of one problem.
const NAMES: usize = 5;
/// A file on its way for longer than this is noted; it is told an hour later.
const ON_ITS_WAY: TimeDelta = TimeDelta::minutes(10);
/// A verdict younger than this may still be followed by its move.
const MOVING: TimeDelta = TimeDelta::minutes(5);
/// Missing originals that are told one by one: a lost folder is one event for a person, however many lay in it.
const MISSING_MOST: usize = 100;
/// A file of ours that is ready for longer should have been delivered.
const DELIVER_WITHIN: TimeDelta = TimeDelta::hours(1);
/// A pause that lasts longer may have been forgotten.
const PAUSED_LONG: TimeDelta = TimeDelta::hours(24);
/// Strangers in held/out/ that are counted.
const UNKNOWN_MOST: u64 = 1_000;

pub fn of_ledger(sight: Sight<'_>, watched: &Watched<'_>) -> Result<Vec<Condition>> {
    let mut found = Vec::new();
    to_answer(sight, &mut found)?;
    numbers(sight, watched, &mut found)?;
    stuck(sight, watched, &mut found)?;
    missing(sight, &mut found)?;
    feeds(sight, watched, &mut found)?;
    deliveries(sight, &mut found)?;
    remotes(sight, &mut found)?;
    stopped(sight, watched, &mut found)?;
    found.extend(backup(sight, watched)?);
    strangers(sight, &mut found)?;
    for failing in sight.snapshot.failing_channels()? {
        if watched.channels.iter().any(|channel| channel.name == failing.channel) {
            found.push(words::notice_failed(&failing.channel, failing.count, &failing.words));
        }
    }
    Ok(found)
}

fn to_answer(sight: Sight<'_>, found: &mut Vec<Condition>) -> Result<()> {
    for of in sight.snapshot.refused_to_answer()? {
        let names = sight.snapshot.refused_names(&of, NAMES as u32)?;
        let names: Vec<String> = names.iter().map(|name| shown(name)).collect();
        let intake = format!("{}/{}", of.partner, of.intake);
        found.push(words::files_refused(&intake, &of.day, of.files, &names, of.ours));
    }
    for of in sight.snapshot.held_to_answer()? {
        found.push(words::files_held(&format!("{}/{}", of.partner, of.intake), &of.day, of.files, of.messages));
    }
    for of in sight.snapshot.made_of_orders(NAMES)? {
        let names: Vec<String> = of.names.iter().map(|name| shown(name)).collect();
        found.push(words::records_made(&format!("{}/{}", of.partner, of.intake), &of.day, of.count, &names));
    }
    for of in sight.snapshot.questions_not_allowed(&iso(sight.now - TOLD_FOR))? {
        found.push(words::questions_not_allowed(
            &format!("{}/{}", of.partner, of.intake),
            &of.day,
            of.count,
            &of.about,
        ));
    }
    Ok(())
}

/// Gaps in the numbers of files that came lately.
fn numbers(sight: Sight<'_>, watched: &Watched<'_>, found: &mut Vec<Condition>) -> Result<()> {
    let since = iso(sight.now - NUMBERS_OF);
    for intake in watched.intakes.iter().filter(|intake| matches!(intake.as_of, AsOf::NameSequence(_))) {
        let came = sight.snapshot.names_since(&intake.sender.partner, &intake.id, &since, NUMBERS_MOST)?;
        let gaps = sequence::gaps(came.iter().filter_map(|name| as_of::number(&intake.as_of, name)));
        if !gaps.is_empty() {
            found.push(words::numbers_missing(&intake.source(), &gaps));
        }
    }
    Ok(())
}

fn stuck(sight: Sight<'_>, watched: &Watched<'_>, found: &mut Vec<Condition>) -> Result<()> {
    let mut by_source: BTreeMap<String, Vec<WaitingFile>> = BTreeMap::new();
    for intake in watched.intakes {
        for file in waiting::of_intake(sight, intake, STUCK_LOOKED_AT)?.0 {
            by_source.entry(file.source()).or_default().push(file);
        }
    }
    for file in waiting::without_intake(sight, watched.intakes, STUCK_LOOKED_AT)? {
        by_source.entry(file.source()).or_default().push(file);
    }
    let is_stuck = |file: &WaitingFile| match &file.why {
        // The daemon's turn, or its sender's: other kinds tell when the daemon cannot.
        Why::Next | Why::Settles { .. } | Why::Vouches { .. } => false,
        why => !why.is_on_its_way() || file.changed + ON_ITS_WAY < sight.now,
    };
    for (source, mut files) in by_source {
        files.retain(is_stuck);
        let names: Vec<String> = files.iter().take(NAMES).map(|file| file.name.clone()).collect();
        if let Some(first) = files.first() {
            found.push(words::file_stuck(&source, files.len() as u64, &names, &first.why.told(true)));
        }
    }
    Ok(())
}

fn missing(sight: Sight<'_>, found: &mut Vec<Condition>) -> Result<()> {
    let stands = |at: &Option<String>| at.as_deref().and_then(read_iso).is_some_and(|at| at + MOVING < sight.now);
    let unplaced = sight.snapshot.unplaced_files()?;
    for file in unplaced.iter().filter(|file| stands(&file.decided_at)).take(MISSING_MOST) {
        if let Standing::Missing(_) = standing(sight, file)? {
            let intake = format!("{}/{}", file.partner, file.intake);
            found.push(words::original_missing(&intake, file.id.as_str(), &shown(&file.name)));
        }
    }
    Ok(())
}

fn feeds(sight: Sight<'_>, watched: &Watched<'_>, found: &mut Vec<Condition>) -> Result<()> {
    let paused = sight.snapshot.paused()?;
    for feed in watched.feeds {
        let last = sight.snapshot.last_run(&feed.partner, &feed.id)?;
        if let Some(run) = last.filter(|run| run.state == RunState::Failed) {
            let at = told(sight, &run.ready_at);
            found.push(words::feed_failed(&feed.name(), &at, run.comment.trim_end_matches('.')));
        }
        let handled = sight.snapshot.due_handled(&feed.name())?.as_deref().and_then(read_iso);
        let due = handled.and_then(|handled| schedule::next_due(&feed.schedule, handled));
        // What a person stopped is not late.
        let due = due.filter(|_| !paused.feed(&feed.partner, &feed.id));
        if let Some(due) = due.filter(|due| *due + FEED_LATE < sight.now) {
            found.push(words::feed_late(&feed.name(), due, watched.zone));
        }
    }
    Ok(())
}

fn deliveries(sight: Sight<'_>, found: &mut Vec<Condition>) -> Result<()> {
    let mut late: BTreeMap<String, Vec<Owed>> = BTreeMap::new();
    let paused = sight.snapshot.paused()?;
    let locks = sight.snapshot.locks()?;
    let locked: Vec<String> =
        locks.iter().filter(|lock| lock.side == Side::Out).map(|lock| lock.subject().name()).collect();
    // What a person stopped is not late, and what the guard holds is told as that.
    let is_stopped = |feed: &String| {
        locked.contains(feed) || feed.split_once('/').is_some_and(|(partner, feed)| paused.feed(partner, feed))
    };
    for owed in sight.snapshot.owed_deliveries()? {
        if owed.is_unknown {
            found.push(if owed.may_have_arrived {
                words::delivery_unknown(&owed.feed, &owed.run, &shown(&owed.name), &owed.remote)
            } else {
                words::file_gone(&owed.feed, &owed.run, &shown(&owed.name), &owed.remote)
            });
        } else if read_iso(&owed.since).is_some_and(|at| at + DELIVER_WITHIN <= sight.now) && !is_stopped(&owed.feed) {
            late.entry(owed.feed.clone()).or_default().push(owed);
        }
    }
    for (feed, runs) in late {
        let names: Vec<String> = runs.iter().map(|owed| shown(&owed.name)).collect();
        let oldest = &runs[0];
        let said = (&oldest.run[..], &oldest.words[..]);
        found.push(words::delivery_late(&feed, &names, &told(sight, &oldest.since), said));
    }
    Ok(())
}

fn remotes(sight: Sight<'_>, found: &mut Vec<Condition>) -> Result<()> {
    for state in sight.snapshot.remote_states()? {
        found.extend(Trouble::parse(&state.trouble).map(|trouble| match trouble {
            Trouble::Passing => words::remote_down(&state.remote, &state.words),
            Trouble::Refused | Trouble::Login => words::remote_refused(&state.remote, &state.words),
        }));
    }
    Ok(())
}

/// What the guard locked, and what a person paused and may have forgotten.
fn stopped(sight: Sight<'_>, watched: &Watched<'_>, found: &mut Vec<Condition>) -> Result<()> {
    let configured = Configured { intakes: watched.intakes, feeds: watched.feeds };
    for lock in sight.snapshot.locks()? {
        let subject = lock.subject();
        let run = lock.run.map(|run| sight.snapshot.run_by_no(run)).transpose()?.flatten();
        let file = lock.file.map(|file| sight.snapshot.file(file)).transpose()?.flatten();
        let item = run.map(|run| run.id).or(file.map(|file| file.id));
        let item = item.map_or_else(|| subject.name(), |id| id.to_string());
        found.push(words::guard_locked(&subject, &lock.told(), &item, configured.has(&subject)));
    }
    for row in sight.snapshot.pauses()? {
        if read_iso(&row.since).is_some_and(|at| at + PAUSED_LONG <= sight.now) {
            let subject = row.subject.to_string();
            let about = subject.split_once(':').map_or(&subject[..], |(_, about)| about);
            found.push(words::paused_long(&subject, about, &told(sight, &row.since)));
        }
    }
    Ok(())
}

/// A copy that is too old, or that nobody ever made.
fn backup(sight: Sight<'_>, watched: &Watched<'_>) -> Result<Option<Condition>> {
    let Some(within) = watched.backup_within else { return Ok(None) };
    let made = sight.snapshot.mark(LAST_BACKUP)?.and_then(|ms| DateTime::from_timestamp_millis(ms.cast_signed()));
    let is_recent = |at: DateTime<Utc>| TimeDelta::from_std(within).is_ok_and(|within| at + within > sight.now);
    if made.is_some_and(is_recent) {
        return Ok(None);
    }
    let made = made.map(|at| at.with_timezone(&sight.zone).format("%Y-%m-%d %H:%M").to_string());
    Ok(Some(words::backup_old(made.as_deref(), &duration::print(within))))
}

fn told(sight: Sight<'_>, instant: &str) -> String {
    let at = read_iso(instant).unwrap_or_default().with_timezone(&sight.zone);
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// Files in held/out/ that no run has.
fn strangers(sight: Sight<'_>, found: &mut Vec<Condition>) -> Result<()> {
    let mut by_partner: BTreeMap<String, (u64, Vec<String>)> = BTreeMap::new();
    let (mut failed, mut count) = (None, 0);
    sight.spool.walk(State::HeldOut, &mut |file| {
        let Place::HeldOut { partner } = file.place else { return ControlFlow::Continue(()) };
        match file.id.map_or(Ok(None), |id| sight.snapshot.run_by_id(id)) {
            Ok(Some(_)) => {}
            Ok(None) => {
                let (number, names) = by_partner.entry(partner.to_string()).or_default();
                (*number, count) = (*number + 1, count + 1);
                if names.len() < NAMES {
                    names.push(shown(&String::from_utf8_lossy(file.name)));
                }
            }
            Err(error) => failed = Some(error),
        }
        if count < UNKNOWN_MOST { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    for (partner, (number, names)) in by_partner {
        found.push(words::run_unknown(&partner, number, &names));
    }
    Ok(())
}
