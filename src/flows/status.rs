//! How things stand: per intake what waits and why, what is held, refused and came last; per feed what went out last and
//! what is due; per remote how it answers and what waits for it; whether a daemon runs and whether the disks take anything. It changes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use super::configured::Configured;
use super::files::{self, Sight};
use super::problems::keep;
use super::remotes::{self, RemoteStatus};
use super::waiting::{self, WaitingFile};
use super::{lineage, room};
use crate::edges::store::IntakeFigures;
use crate::edges::store::ledger::{LockRow, PauseRow, ProblemRow, RemoteLook, RunRow};
use crate::edges::{clock, lock};
use crate::model::feed::Feed;
use crate::model::intake::Intake;
use crate::model::mode::{Mode, plain};
use crate::model::pause::Subject;
use crate::model::problem::Kind;
use crate::model::remote::RemoteRule;
use crate::model::rules::room::{Floor, Room};
use crate::model::rules::schedule;

/// Waiting files of an intake that are told one by one.
const WAITING_TOLD: usize = 10;
/// "Of late", for what was refused.
const A_DAY: TimeDelta = TimeDelta::days(1);
/// A feed this late is told as late: the loop may be busy with a large file.
pub const FEED_LATE: TimeDelta = TimeDelta::minutes(15);

#[derive(Debug)]
pub struct Status {
    pub daemon_runs: bool,
    /// Sentences about disks and the database that make everything wait, or soon will.
    pub disks: Vec<String>,
    pub intakes: Vec<IntakeStatus>,
    /// Files in folders no intake has.
    pub strays: Vec<WaitingFile>,
    /// Files of ours that the ledger does not know since its database was accepted: the first, and how many at least.
    pub unknown: (Vec<PathBuf>, u64),
    pub feeds: Vec<FeedStatus>,
    pub remotes: Vec<RemoteStatus>,
    /// What people have stopped for a while.
    pub paused: Vec<PauseRow>,
    pub locks: Vec<LockStatus>,
    /// What is the matter and people were told of.
    pub problems: Vec<ProblemRow>,
    /// Commands that nobody has carried out yet.
    pub commands_waiting: u64,
    /// Files whose verdict stands and whose folders have not followed.
    pub unplaced: u64,
}

#[derive(Debug)]
pub struct IntakeStatus {
    pub partner: String,
    pub intake: String,
    /// False: the ledger knows it, the configuration no longer does.
    pub configured: bool,
    /// In in/ and not yet taken, and taken and not yet judged.
    pub backlog: u64,
    pub oldest: Option<DateTime<Utc>>,
    pub waiting: Vec<WaitingFile>,
    /// Held messages by reason.
    pub held_reasons: Vec<(String, u64)>,
    /// When its folder, there or here, was looked at last, whether there was anything or not.
    pub last_check: Option<DateTime<Utc>>,
    /// When the newest file came.
    pub last_arrival: Option<String>,
    pub mode: Mode,
    /// Files that were only rehearsed and can still be applied.
    pub rehearsed: u64,
    pub figures: IntakeFigures,
}

/// What the guard holds.
#[derive(Debug)]
pub struct LockStatus {
    pub row: LockRow,
    /// Its feed or intake still is; otherwise it can only be dropped.
    pub configured: bool,
}

#[derive(Debug)]
pub struct FeedStatus {
    pub partner: String,
    pub feed: String,
    /// When it was last asked whether it is due.
    pub last_check: Option<DateTime<Utc>>,
    pub last: Option<RunRow>,
    /// The newest that its partner has: taken, or brought to him.
    pub last_sent: Option<RunRow>,
    pub next_due: Option<DateTime<Utc>>,
    /// Due and not run.
    pub late: bool,
    /// Alone, or with all of its partner: nothing comes due.
    pub paused: bool,
}

/// What of the configuration is looked at.
pub struct Known<'a> {
    pub intakes: &'a [Arc<Intake>],
    pub remotes: &'a [Arc<RemoteRule>],
    pub feeds: &'a [Arc<Feed>],
    pub store: &'a Path,
    pub disk_floor: Floor,
}

pub fn status(sight: Sight<'_>, known: &Known<'_>, only: &[String]) -> Result<Status> {
    let wanted = |partner: &str, part: &str| {
        only.is_empty()
            || only.iter().any(|o| {
                o == partner || *o == format!("{partner}/{part}") || *o == format!("{partner}/{}", plain(part))
            })
    };
    let mut intakes = Vec::new();
    for intake in known.intakes.iter().filter(|i| wanted(&i.sender.partner, &i.id)) {
        intakes.push(configured(sight, intake)?);
    }
    for (partner, intake) in sight.snapshot.known_intakes()? {
        let is_known = known.intakes.iter().any(|i| i.sender.partner == partner && i.id == intake);
        if !is_known && wanted(&partner, &intake) {
            intakes.push(forgotten(sight, partner, intake)?);
        }
    }
    let mut feeds = Vec::new();
    for feed in known.feeds.iter().filter(|f| wanted(&f.partner, &f.id)) {
        feeds.push(feed_status(sight, feed)?);
    }
    let strays = waiting::without_intake(sight, known.intakes, WAITING_TOLD)?;
    let daemon_runs = lock::is_held(&sight.spool.lock_path());
    let mut disks = disks(sight.spool.root(), known.store, known.disk_floor);
    if daemon_runs {
        disks.extend(sight.spool.what_waits());
    }
    if !daemon_runs {
        disks.extend(lineage::why_refused(sight, known.store)?.map(|words| format!("No daemon starts: {words}.")));
    }
    Ok(Status {
        daemon_runs,
        unknown: lineage::unknown_files(sight, WAITING_TOLD)?,
        disks,
        intakes,
        strays: strays.into_iter().filter(|s| wanted(&s.partner, &s.intake)).collect(),
        feeds,
        remotes: remotes::remotes(sight, known.remotes, known.intakes, &|name| {
            name.split_once('/').is_none_or(|(partner, remote)| wanted(partner, remote))
        })?,
        locks: locks(sight, Configured { intakes: known.intakes, feeds: known.feeds }, only)?,
        paused: sight.snapshot.pauses()?.into_iter().filter(|row| is_asked_for(&row.subject, only)).collect(),
        problems: problems(sight, only)?,
        commands_waiting: sight.spool.commands()?.len() as u64,
        unplaced: sight.snapshot.unplaced_count()?,
    })
}

fn locks(sight: Sight<'_>, configured: Configured<'_>, only: &[String]) -> Result<Vec<LockStatus>> {
    let mut rows = sight.snapshot.locks()?;
    rows.retain(|row| is_asked_for(&row.subject(), only));
    Ok(rows.into_iter().map(|row| LockStatus { configured: configured.has(&row.subject()), row }).collect())
}

fn problems(sight: Sight<'_>, only: &[String]) -> Result<Vec<ProblemRow>> {
    let mut rows = sight.snapshot.open_problems()?;
    let is_of = |about: &str| only.iter().any(|one| one == about || about.split('/').next() == Some(one));
    rows.retain(|row| row.told_at.is_some() && (only.is_empty() || is_of(&row.about)));
    // One that a person ended while no daemon ran is told of no more.
    let locked: Vec<String> = sight.snapshot.locks()?.iter().map(|lock| lock.subject().name()).collect();
    rows.retain(|row| row.kind != Kind::GuardLocked.as_str() || locked.contains(&row.about));
    Ok(rows)
}

/// Who asks for a part wants to know that all of its partner stands still.
fn is_asked_for(subject: &Subject, only: &[String]) -> bool {
    let part = match subject {
        Subject::Partner(_) => None,
        Subject::Intake { partner, intake: part } | Subject::Feed { partner, feed: part } => {
            Some(format!("{partner}/{part}"))
        }
    };
    let partner_of = |asked: &str| asked.split('/').next() == Some(subject.partner());
    let concerns = |asked: &String| match &part {
        None => partner_of(asked),
        Some(part) => asked == part || asked == subject.partner(),
    };
    only.is_empty() || only.iter().any(concerns)
}

fn configured(sight: Sight<'_>, intake: &Intake) -> Result<IntakeStatus> {
    let partner = &intake.sender.partner;
    let (waiting, in_folder) = waiting::of_intake(sight, intake, WAITING_TOLD)?;
    let figures = sight.snapshot.intake_figures(partner, &intake.id, sight.now - A_DAY)?;
    let first_known = figures.oldest_open.as_deref().and_then(clock::read_iso);
    let first_waiting = waiting.iter().map(|file| file.changed).min();
    Ok(IntakeStatus {
        partner: partner.clone(),
        intake: intake.id.clone(),
        configured: true,
        // A file seen and not yet claimed is in both: the larger counts.
        backlog: in_folder.max(figures.open),
        oldest: first_known.into_iter().chain(first_waiting).min(),
        waiting,
        last_check: last_check(sight, intake)?,
        last_arrival: last_arrival(sight, &figures)?,
        mode: intake.sender.mode,
        rehearsed: sight.snapshot.rehearsed_files(partner, &intake.id)?,
        held_reasons: held_reasons(sight, partner, &intake.id, &figures)?,
        figures,
    })
}

fn forgotten(sight: Sight<'_>, partner: String, intake: String) -> Result<IntakeStatus> {
    let figures = sight.snapshot.intake_figures(&partner, &intake, sight.now - A_DAY)?;
    Ok(IntakeStatus {
        configured: false,
        backlog: figures.open,
        oldest: figures.oldest_open.as_deref().and_then(clock::read_iso),
        waiting: Vec::new(),
        last_check: None,
        last_arrival: last_arrival(sight, &figures)?,
        mode: Mode::Live,
        rehearsed: sight.snapshot.rehearsed_files(&partner, &intake)?,
        held_reasons: held_reasons(sight, &partner, &intake, &figures)?,
        figures,
        partner,
        intake,
    })
}

/// A remote is looked at in its own time, folders here with every look of the daemon.
fn last_check(sight: Sight<'_>, intake: &Intake) -> Result<Option<DateTime<Utc>>> {
    if intake.from.is_none() {
        return keep::looked_at(sight.snapshot);
    }
    let is_it = |look: &RemoteLook| look.partner == intake.sender.partner && look.intake == intake.id;
    let look = sight.snapshot.remote_looks()?.into_iter().find(is_it);
    Ok(look.and_then(|look| clock::read_iso(&look.looked_at)))
}

fn last_arrival(sight: Sight<'_>, figures: &IntakeFigures) -> Result<Option<String>> {
    let newest = figures.last_arrival.map(|file| sight.snapshot.file(file)).transpose()?.flatten();
    Ok(newest.as_ref().map(files::came))
}

fn held_reasons(sight: Sight<'_>, partner: &str, intake: &str, figures: &IntakeFigures) -> Result<Vec<(String, u64)>> {
    const CODES_TOLD: u32 = 5;
    if figures.held == 0 { Ok(Vec::new()) } else { sight.snapshot.held_summary(partner, intake, CODES_TOLD) }
}

fn feed_status(sight: Sight<'_>, feed: &Feed) -> Result<FeedStatus> {
    let last = sight.snapshot.last_run(&feed.partner, &feed.id)?;
    let handled = sight.snapshot.due_handled(&feed.name())?.as_deref().and_then(clock::read_iso);
    // Without a mark nothing was ever due here: the feed is new.
    let next_due = schedule::next_due(&feed.schedule, handled.unwrap_or(sight.now));
    let paused = sight.snapshot.paused()?.feed(&feed.partner, &feed.id);
    Ok(FeedStatus {
        partner: feed.partner.clone(),
        feed: feed.id.clone(),
        last_check: keep::looked_at(sight.snapshot)?,
        last,
        last_sent: sight.snapshot.last_sent(&feed.partner, &feed.id)?,
        next_due,
        late: !paused && next_due.is_some_and(|due| due + FEED_LATE < sight.now),
        paused,
    })
}

fn disks(spool: &Path, store: &Path, floor: Floor) -> Vec<String> {
    let looked = match room::look(spool, store, floor, Room::Enough) {
        Ok(looked) => looked,
        Err(error) => return vec![format!("A disk does not answer: {error}.")],
    };
    let mut told = Vec::new();
    for looked in looked {
        let (what, free) = (looked.about, looked.disk.free);
        if looked.disk.read_only {
            told.push(format!(
                "The disk of the {what} can only be read: everything waits, and goes on by itself once it can be written."
            ));
        } else if free.bytes == 0 {
            told.push(format!(
                "The disk of the {what} is full: everything waits, and goes on by itself once there is room."
            ));
        } else if free.total_names > 0 && free.names == 0 {
            told.push(format!(
                "The disk of the {what} has no names (inodes) left for further files: everything waits, and goes on by itself once \
                 files are removed."
            ));
        } else if let Some(words) = looked.words() {
            told.push(format!("{}.", words.replacen("the disk", "The disk", 1)));
        }
    }
    told
}
