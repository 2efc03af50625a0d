//! Gathers everything that is known of one file or one run, as `show` prints it. It changes nothing.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use super::configured::Configured;
use super::files::{self, Sight, Standing};
use super::next_steps::{self, NextStep};
use crate::edges::spool::{Place, Role, state_name};
use crate::edges::store::ledger::{
    CollectRow, CommandRow, CorrectionRow, DeliveryRow, FileRow, LockRow, MessageRow, PartRow, RemoteState, RunReason,
    RunRow, RunState, Side, TryRow,
};
use crate::model::batch::Batch;
use crate::model::difference::{Difference, difference};
use crate::model::ids::{Id, split_prefixed};
use crate::model::json;
use crate::model::kind::Kinds;
use crate::model::pause::Subject;
use crate::model::reason;
use crate::model::remote_name::{Ours, read_ours};
use crate::model::verdict::Verdict;
use crate::model::wording::guard::is_code_of_guard;

/// Messages that are shown one by one; of the others the counts stand.
const MESSAGES_SHOWN: u32 = 50;
/// Files of one name that are shown; `files` lists them all.
const SAME_NAME_SHOWN: u32 = 20;
const COMMANDS_SHOWN: u32 = 20;

/// What one typed item turned out to be.
#[derive(Debug)]
pub enum Shown {
    File(Box<FileShown>),
    Run(Box<RunShown>),
    /// Nothing; names that may have been meant.
    Nothing {
        near: Vec<String>,
    },
}

#[derive(Debug)]
pub struct FileShown {
    pub file: FileRow,
    pub standing: Standing,
    /// The files it was put together from.
    pub parts: Vec<PartRow>,
    pub reason_file: Option<PathBuf>,
    pub reject_file: Option<PathBuf>,
    /// Codes with exact counts.
    pub reasons: Vec<(String, u64)>,
    /// What is wrong with it, in words, each with its code; of a file that is still open.
    pub told: Vec<(String, String)>,
    /// What the guard found in it, and what became of that.
    pub lock: Option<LockRow>,
    pub messages: Vec<MessageShown>,
    /// Exceptions beyond those shown.
    pub more: u64,
    pub receipts: Vec<RunRow>,
    /// The file of the same content before it.
    pub repeats: Option<FileRow>,
    pub came_back_as: Vec<FileRow>,
    pub commands: Vec<CommandRow>,
    /// What people changed in its messages.
    pub corrections: Vec<CorrectionRow>,
    /// Other files of this name, the newest first.
    pub same_name: Vec<FileRow>,
    /// Of one that came from a remote: what is still owed there.
    pub there: There,
    pub next: Vec<NextStep>,
}

/// What of a file is still at the remote that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum There {
    /// Nothing; or it did not come from one.
    Nothing,
    /// It stays there by the intake's rule.
    Stays,
    /// For each of its files there that something is owed.
    Owed(Vec<CollectRow>),
}

#[derive(Debug)]
pub struct MessageShown {
    pub message: MessageRow,
    /// Of a held change: what we have against what came.
    pub differences: Vec<Difference>,
}

#[derive(Debug)]
pub struct RunShown {
    pub run: RunRow,
    pub standing: Standing,
    /// The file a receipt answers.
    pub answers: Option<FileRow>,
    /// The run that took its place.
    pub replaced_by: Option<RunRow>,
    pub delivery: Option<DeliveryShown>,
    /// Why the guard holds it back, while it does.
    pub lock: Option<LockRow>,
    pub next: Vec<NextStep>,
}

/// A run on its way to a remote.
#[derive(Debug)]
pub struct DeliveryShown {
    pub row: DeliveryRow,
    pub tries: Vec<TryRow>,
    /// How the remote answered last.
    pub remote: Option<RemoteState>,
    /// An older run of its feed that goes first.
    pub behind: Option<RunRow>,
    pub paused: bool,
    pub locked: bool,
}

/// A file by id or name, or a run by id, by name or as `partner/feed#number`; `partner/feed` means its last one.
pub fn show(sight: Sight<'_>, kinds: &Kinds, configured: Configured<'_>, item: &str) -> Result<Shown> {
    if let Some(run) = run_titled(sight, item)? {
        return Ok(Shown::Run(Box::new(run_shown(sight, configured, run)?)));
    }
    let mut same = files::named(sight, item, SAME_NAME_SHOWN)?;
    if !same.is_empty() {
        let newest = same.remove(0);
        return Ok(Shown::File(Box::new(file_shown(sight, kinds, configured, newest, same)?)));
    }
    let name = item.rsplit('/').next().unwrap_or(item);
    let run = match sight.snapshot.runs_named(name, 1)?.pop() {
        // As an upload of ours, or what stood there before, is called at a remote; as it is called in sent/ and held/out/.
        None => run_of_name(name.as_bytes()).map_or(Ok(None), |id| sight.snapshot.run_by_id(id))?,
        run => run,
    };
    let run = run.map_or_else(|| run_of_feed(sight, item), |run| Ok(Some(run)))?;
    match run {
        Some(run) => Ok(Shown::Run(Box::new(run_shown(sight, configured, run)?))),
        None => Ok(Shown::Nothing { near: near(sight, item)? }),
    }
}

/// What the guard holds of `partner/feed`, else its last run.
fn run_of_feed(sight: Sight<'_>, item: &str) -> Result<Option<RunRow>> {
    let Some((partner, feed)) = item.split_once('/') else { return Ok(None) };
    let lock = sight.snapshot.lock_of(Side::Out, partner, feed)?;
    match lock.and_then(|lock| lock.run) {
        Some(run) => sight.snapshot.run_by_no(run),
        None => sight.snapshot.last_run(partner, feed),
    }
}

fn run_of_name(name: &[u8]) -> Option<Id> {
    match read_ours(name) {
        Some(Ours::Upload { run, .. } | Ours::Aside { run, .. }) => Some(run),
        _ => split_prefixed(name).map(|(id, _)| id),
    }
}

/// `dealer/stock#41`.
pub fn run_titled(sight: Sight<'_>, item: &str) -> Result<Option<RunRow>> {
    let parts = item.split_once('#').and_then(|(feed, number)| {
        let (partner, feed) = feed.split_once('/')?;
        Some((partner, feed, number.parse().ok()?))
    });
    match parts {
        Some((partner, feed, number)) => sight.snapshot.run_numbered(partner, feed, number),
        None => Ok(None),
    }
}

fn file_shown(
    sight: Sight<'_>,
    kinds: &Kinds,
    configured: Configured<'_>,
    file: FileRow,
    same_name: Vec<FileRow>,
) -> Result<FileShown> {
    let intake = Subject::Intake { partner: file.partner.clone(), intake: file.intake.clone() };
    let snapshot = sight.snapshot;
    let rows = snapshot.messages_of(file.no, 0, MESSAGES_SHOWN)?;
    let counts = file.counts;
    // What was simply taken is not listed one by one.
    let listed = counts.held + counts.refused + counts.duplicate + counts.stale;
    let reject_file = files::beside(sight, &file, Role::Reject)?;
    let shown_path = reject_file.as_ref().map(|path| path.display().to_string());
    let came_back_as = snapshot.returned_as(&file)?;
    let repeats = match file.verdict {
        Some(Verdict::Unchanged | Verdict::Duplicate) => snapshot.same_content_before(&file)?,
        _ => None,
    };
    Ok(FileShown {
        standing: files::standing(sight, &file)?,
        parts: sight.snapshot.parts_of(file.no)?,
        reason_file: files::beside(sight, &file, Role::Reason)?,
        // Of a file that is settled since, they are history.
        reasons: if files::is_open(&file) { snapshot.problem_counts(file.no)? } else { Vec::new() },
        told: match snapshot.reason_text(file.no)?.filter(|_| files::is_open(&file)) {
            Some(text) => reason::told(&text),
            None => Vec::new(),
        },
        // Those of a file that waits as a whole are not listed at all.
        more: if is_code_of_guard(&file.code) { 0 } else { listed.saturating_sub(rows.len() as u64) },
        lock: snapshot.lock_of_file(file.no)?,
        there: there(sight, &file)?,
        receipts: snapshot.runs_of_file(file.no)?,
        repeats,
        corrections: snapshot.corrections_of(file.no)?,
        commands: snapshot.commands_naming(file.id.as_str(), COMMANDS_SHOWN)?,
        next: match came_back_as.last() {
            Some(as_file) if next_steps::is_replaced(&file, &rows) => next_steps::of_replaced(as_file),
            _ => next_steps::of_file(&file, &rows, shown_path.as_deref(), configured.has(&intake)),
        },
        came_back_as,
        messages: rows.into_iter().map(|row| message_shown(sight, kinds, row)).collect::<Result<_>>()?,
        reject_file,
        same_name,
        file,
    })
}

fn message_shown(sight: Sight<'_>, kinds: &Kinds, message: MessageRow) -> Result<MessageShown> {
    let differences = match (&message.payload, message.row, kinds.get(&message.kind)) {
        (Some(payload), Some(row), Some(kind)) if message.verdict == Verdict::Held => {
            let mut new = Batch::new(Arc::clone(kind));
            let read = json::read_line(payload, message.line, message.number, &mut new);
            match (sight.snapshot.load(kind, row)?, read) {
                (Some(known), Ok(())) => difference(known.message(0), new.message(0)),
                // The order is gone, or a payload of an older program: its reason text still tells the fields.
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    };
    Ok(MessageShown { message, differences })
}

pub fn run_shown(sight: Sight<'_>, configured: Configured<'_>, run: RunRow) -> Result<RunShown> {
    let answers = match run.file {
        Some(file) => sight.snapshot.file(file)?,
        None => None,
    };
    let delivery = delivery(sight, &run)?;
    let lock = match run.state {
        RunState::Locked => sight.snapshot.lock_of_run(run.no)?.filter(|lock| lock.ended_at.is_none()),
        _ => None,
    };
    let next = match &lock {
        Some(lock) => next_steps::of_lock(lock, configured.has(&lock.subject())),
        None => delivery.as_ref().map(|delivery| next_steps::of_delivery(&run, delivery)).unwrap_or_default(),
    };
    Ok(RunShown {
        standing: run_standing(sight, &run)?,
        replaced_by: sight.snapshot.run_instead_of(run.no)?,
        next,
        answers,
        delivery,
        lock,
        run,
    })
}

fn delivery(sight: Sight<'_>, run: &RunRow) -> Result<Option<DeliveryShown>> {
    let snapshot = sight.snapshot;
    let Some(row) = snapshot.delivery(run.no)? else { return Ok(None) };
    let goes_first = |other: &DeliveryRow| other.run < run.no && other.is_open && other.unknown_since.is_none();
    let mut behind = None;
    if row.is_open && run.reason != RunReason::Receipt {
        for other in snapshot.open_deliveries()?.iter().filter(|other| goes_first(other)) {
            let other = snapshot.run_by_no(other.run)?;
            behind = behind.or(other.filter(|other| (&other.partner, &other.feed) == (&run.partner, &run.feed)));
        }
    }
    Ok(Some(DeliveryShown {
        tries: snapshot.tries_of(run.no)?,
        remote: snapshot.remote_states()?.into_iter().find(|state| state.remote == row.remote),
        behind: behind.filter(|other| other.reason != RunReason::Receipt),
        paused: snapshot.paused()?.feed(&run.partner, &run.feed),
        locked: snapshot.is_locked(&run.partner, &run.feed)?,
        row,
    }))
}

fn there(sight: Sight<'_>, file: &FileRow) -> Result<There> {
    let rows = sight.snapshot.collected(file.no)?;
    if !rows.is_empty() {
        return Ok(There::Owed(rows));
    }
    Ok(if sight.snapshot.stays_there(file.no)? { There::Stays } else { There::Nothing })
}

fn run_standing(sight: Sight<'_>, run: &RunRow) -> Result<Standing> {
    let out = (Place::Out { partner: &run.partner, folder: &run.folder }, run.name.as_bytes().to_vec());
    let staged = (Place::Staged, run.id.as_str().as_bytes().to_vec());
    let name = state_name(run.id, run.name.as_bytes(), Role::Original);
    let held = (Place::HeldOut { partner: &run.partner }, name);
    let sent = run.day.parse().ok().map(|day| {
        (Place::Sent { partner: &run.partner, day }, state_name(run.id, run.name.as_bytes(), Role::Original))
    });
    let places: Vec<_> = match run.state {
        RunState::Locked => vec![held, staged],
        RunState::Sent if !run.rehearsed.answers() => vec![held],
        RunState::Sent => sent.into_iter().chain([out]).collect(),
        // Another's file may stand under its name: what is staged has not been visible yet.
        RunState::Ready => [staged, out].into_iter().chain(sent).collect(),
        _ => [out, staged].into_iter().chain(sent).collect(),
    };
    for (place, name) in &places {
        if sight.spool.look(*place, name)?.is_some() {
            return Ok(Standing::At(sight.spool.path(*place, name)?));
        }
    }
    Ok(Standing::Missing(sight.spool.path(places[0].0, &places[0].1)?))
}

/// Names of late that are near to what was typed.
fn near(sight: Sight<'_>, typed: &str) -> Result<Vec<String>> {
    const NAMES_COMPARED: u32 = 2_000;
    const NEAR_ENOUGH: f64 = 0.85;
    const NEAR_SHOWN: usize = 3;
    let mut scored: Vec<(f64, String)> = sight
        .snapshot
        .recent_names(NAMES_COMPARED)?
        .into_iter()
        .map(|name| (strsim::jaro_winkler(typed, &name), name))
        .filter(|(score, _)| *score > NEAR_ENOUGH)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(scored.into_iter().take(NEAR_SHOWN).map(|(_, name)| name).collect())
}
