//! Why a file in in/ has not been taken yet, for `status` and `explain`: one look, without the daemon's memory of looks
//! before. It changes nothing.

use std::sync::Arc;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use super::files::Sight;
use super::inbound::desk::end_of;
use super::moments;
use crate::edges::spool::{Place, State};
use crate::model::diagnostic::shown;
use crate::model::intake::{Intake, Settle};
use crate::model::layout::Completeness;

/// What lies in in/ and is not known to the ledger as taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingFile {
    pub partner: String,
    pub intake: String,
    pub raw_name: Vec<u8>,
    /// Safe to print.
    pub name: String,
    pub size: u64,
    /// Last change by the file's own time.
    pub changed: DateTime<Utc>,
    pub why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The daemon takes it at its next look.
    Next,
    /// Changed not long enough ago.
    Settles {
        needed: TimeDelta,
        changed_ago: TimeDelta,
    },
    DoneFile {
        name: String,
    },
    /// At rest, but without its end.
    Incomplete {
        missing: String,
        refused_after: TimeDelta,
    },
    /// Not a file that can be taken; the words say what to do.
    Odd(String),
    NoIntake,
}

impl Why {
    /// In words, to stand behind the name.
    pub fn told(&self, daemon_runs: bool) -> String {
        match self {
            Why::Next if daemon_runs => "is taken at the next look".to_string(),
            Why::Next => "waits for the daemon, which is down".to_string(),
            Why::Settles { needed, changed_ago } => format!(
                "still settles: changed {} ago, must rest for {}",
                moments::span(*changed_ago),
                moments::span(*needed)
            ),
            Why::DoneFile { name } => format!("waits for its done-file {name}"),
            Why::Incomplete { missing, refused_after } => {
                format!("is incomplete: {missing}; refused when it does not grow for {}", moments::span(*refused_after))
            }
            Why::Odd(words) => words.clone(),
            Why::NoIntake => "lies in a folder that no intake takes from; move it, or configure the intake".to_string(),
        }
    }

    pub fn code(&self) -> &'static str {
        match self {
            Why::Next => "next",
            Why::Settles { .. } => "settles",
            Why::DoneFile { .. } => "done-file-missing",
            Why::Incomplete { .. } => "incomplete",
            Why::Odd(_) => "not-taken",
            Why::NoIntake => "no-intake",
        }
    }
}

/// What waits in the folder of one intake: at most `limit` with their reasons, the oldest first, and how many in all.
pub fn of_intake(sight: Sight<'_>, intake: &Intake, limit: usize) -> Result<(Vec<WaitingFile>, u64)> {
    let place = Place::In { partner: &intake.sender.partner, intake: &intake.id };
    if !sight.spool.folder(place)?.is_dir() {
        return Ok((Vec::new(), 0));
    }
    let listing = sight.spool.scan(place)?;
    let mut entries: Vec<_> = listing.entries().collect();
    entries.sort_by_key(|entry| entry.meta.mtime_ns);
    let mut waiting = Vec::new();
    for entry in entries.iter().take(limit) {
        let changed = DateTime::from_timestamp_nanos(entry.meta.mtime_ns);
        let why = why(sight, intake, entry.name, entry.meta.size, changed)?;
        waiting.push(waiting_file(intake, entry.name, entry.meta.size, changed, why));
    }
    for odd in listing.odd().iter().take(limit.saturating_sub(waiting.len())) {
        waiting.push(waiting_file(intake, &odd.name, 0, sight.now, Why::Odd(odd.reason())));
    }
    Ok((waiting, listing.len() as u64 + listing.odd_count()))
}

fn waiting_file(intake: &Intake, name: &[u8], size: u64, changed: DateTime<Utc>, why: Why) -> WaitingFile {
    WaitingFile {
        partner: intake.sender.partner.clone(),
        intake: intake.id.clone(),
        raw_name: name.to_vec(),
        name: shown(&String::from_utf8_lossy(name)),
        size,
        changed,
        why,
    }
}

/// Files in folders of in/ that no intake has.
pub fn without_intake(sight: Sight<'_>, intakes: &[Arc<Intake>], limit: usize) -> Result<Vec<WaitingFile>> {
    let mut strays = Vec::new();
    sight.spool.walk(State::In, &mut |found| {
        if let Place::In { partner, intake } = found.place
            && !intakes.iter().any(|i| i.sender.partner == partner && i.id == intake)
        {
            strays.push(WaitingFile {
                partner: partner.to_string(),
                intake: intake.to_string(),
                raw_name: found.name.to_vec(),
                name: shown(&String::from_utf8_lossy(found.name)),
                size: found.meta.size,
                changed: DateTime::from_timestamp_nanos(found.meta.mtime_ns),
                why: Why::NoIntake,
            });
        }
        if strays.len() < limit { std::ops::ControlFlow::Continue(()) } else { std::ops::ControlFlow::Break(()) }
    })?;
    Ok(strays)
}

/// The file of exactly this name in any intake's folder.
pub fn named(sight: Sight<'_>, intakes: &[Arc<Intake>], name: &str) -> Result<Vec<WaitingFile>> {
    let mut found = Vec::new();
    for intake in intakes {
        let place = Place::In { partner: &intake.sender.partner, intake: &intake.id };
        // A word that can be no name lies nowhere.
        let Ok(Some(meta)) = sight.spool.look(place, name.as_bytes()) else { continue };
        let changed = DateTime::from_timestamp_nanos(meta.mtime_ns);
        let why = why(sight, intake, name.as_bytes(), meta.size, changed)?;
        found.push(waiting_file(intake, name.as_bytes(), meta.size, changed, why));
    }
    Ok(found)
}

fn why(sight: Sight<'_>, intake: &Intake, name: &[u8], size: u64, changed: DateTime<Utc>) -> Result<Why> {
    let place = Place::In { partner: &intake.sender.partner, intake: &intake.id };
    let changed_ago = sight.now - changed;
    match &intake.settle {
        Settle::Stable(pause) => {
            let needed = TimeDelta::from_std(*pause).unwrap_or(TimeDelta::MAX);
            if changed_ago < needed {
                return Ok(Why::Settles { needed, changed_ago: changed_ago.max(TimeDelta::zero()) });
            }
        }
        Settle::DoneFile { suffix } => {
            if name.ends_with(suffix.as_bytes()) {
                return Ok(Why::Next);
            }
            let candidates = done_names(name, suffix.as_bytes());
            let mut vouched = false;
            for candidate in &candidates {
                vouched |= sight.spool.look(place, candidate)?.is_some();
            }
            if !vouched {
                return Ok(Why::DoneFile { name: shown(&String::from_utf8_lossy(&candidates[0])) });
            }
        }
        Settle::Rename => {}
    }
    if let Some(Completeness::Incomplete(missing)) = end_of(sight.spool, intake, name, size) {
        let refused_after = TimeDelta::from_std(intake.truncated_after).unwrap_or(TimeDelta::MAX);
        return Ok(Why::Incomplete { missing, refused_after });
    }
    Ok(Why::Next)
}

/// `orders.csv.done`, or `orders.done`.
fn done_names(name: &[u8], suffix: &[u8]) -> Vec<Vec<u8>> {
    let mut names = vec![[name, suffix].concat()];
    if let Some(dot) = name.iter().rposition(|b| *b == b'.').filter(|dot| *dot > 0) {
        names.push([&name[..dot], suffix].concat());
    }
    names
}
