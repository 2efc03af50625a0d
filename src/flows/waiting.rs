//! Why a file in in/ has not been taken yet, or never will be, for `status`, `files` and `explain`: one look, without the
//! daemon's memory of looks before. It changes nothing.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use super::files::Sight;
use super::inbound::desk::end_of;
use super::moments;
use crate::edges::spool::{Astray, Listing, Meta, PassedOver, Place, Sort};
use crate::model::diagnostic::shown;
use crate::model::intake::{Intake, Settle};
use crate::model::layout::Completeness;
use crate::model::rules::companions::Companions;
use crate::model::rules::settle::pair_done_files;

/// in/PARTNER/INTAKE: what lies deeper is an archive, or somebody's own business.
const LISTED_LEVELS: usize = 2;
/// Whoever asks for a name wants to know of it wherever it lies.
const SEARCHED_LEVELS: usize = 4;

/// What lies in in/ and is not known to the ledger as taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingFile {
    /// Empty where it lies in in/ itself.
    pub partner: String,
    /// Empty where it lies in a partner's folder.
    pub intake: String,
    /// Safe to print.
    pub name: String,
    pub path: PathBuf,
    pub size: u64,
    /// Last change by the file's own time.
    pub changed: DateTime<Utc>,
    pub why: Why,
}

impl WaitingFile {
    /// `dealer/orders`, `dealer`, or `in/` itself.
    pub fn source(&self) -> String {
        match (&self.partner[..], &self.intake[..]) {
            ("", _) => "in/".to_string(),
            (partner, "") => partner.to_string(),
            (partner, intake) => format!("{partner}/{intake}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The daemon takes it at its next look.
    Next,
    /// It would be taken, but a person has stopped its intake.
    Paused,
    /// Changed not long enough ago.
    Settles {
        needed: TimeDelta,
        changed_ago: TimeDelta,
    },
    DoneFile {
        name: String,
    },
    /// It is a done-file itself, and goes with this file.
    Vouches {
        name: String,
    },
    /// A done-file that vouches for nothing that is there, or nobody knows for what.
    VouchesForNone,
    VouchesForSeveral,
    /// Files that are one arrival with it are not there; refused when they do not come.
    Companions {
        missing: Vec<String>,
        refused_after: TimeDelta,
    },
    /// Two files are there for one part of its arrival.
    CompanionTwice,
    /// At rest, but without its end.
    Incomplete {
        missing: String,
        refused_after: TimeDelta,
    },
    /// By its name, or since it is a folder.
    PassedOver(PassedOver),
    /// Not a file that can be taken; the words say what to do.
    Odd(String),
    /// In a folder that no intake has.
    NoIntake,
    /// In in/ itself or in a partner's folder, beside the intakes.
    BesideIntakes,
    InSubFolder,
}

impl Why {
    /// In words, to stand behind the name.
    pub fn told(&self, daemon_runs: bool) -> String {
        let words = match self {
            Why::Next if daemon_runs => "is taken at the next look",
            Why::Next => "waits for the daemon, which is down",
            Why::Paused => "waits: its intake is paused (nattpost status says by whom, nattpost resume lets it go on)",
            Why::Settles { needed, changed_ago } => {
                return format!(
                    "still settles: changed {} ago, must rest for {}, so for {} more at least",
                    moments::span(*changed_ago),
                    moments::span(*needed),
                    moments::span(*needed - *changed_ago + TimeDelta::milliseconds(999))
                );
            }
            Why::DoneFile { name } => return format!("waits for its done-file {name}"),
            Why::Vouches { name } => return format!("is the done-file of {name} and is taken with it"),
            Why::VouchesForNone => "is a done-file, and the file that it vouches for is not there",
            Why::VouchesForSeveral => {
                "is a done-file that fits several files, so none of them is taken; give it the whole name of its file before its ending"
            }
            Why::Companions { missing, refused_after } => {
                return format!(
                    "waits for {}, which it is taken with; refused when that does not come within {}",
                    missing.join(" and "),
                    moments::span(*refused_after)
                );
            }
            Why::CompanionTwice => {
                "belongs to files of which two are there for one part, so none of them is taken; take the wrong one away"
            }
            Why::Incomplete { missing, refused_after } => {
                return format!(
                    "is incomplete: {missing}; refused when it does not grow for {}",
                    moments::span(*refused_after)
                );
            }
            Why::PassedOver(PassedOver::Hidden) => {
                "has a name that begins with a dot, and such a file is never taken; rename it to have it taken"
            }
            Why::PassedOver(PassedOver::Unfinished) => {
                "has a name that ends like a file still being written (.part, .tmp, .filepart); it is taken when it is renamed"
            }
            Why::PassedOver(PassedOver::SubFolder) => {
                "is a folder, and folders below an intake are not looked into; move its files up one level"
            }
            Why::Odd(words) => words,
            Why::NoIntake => "lies in a folder that no intake takes from; move it, or configure the intake",
            Why::BesideIntakes => {
                "lies beside the intakes' folders, and nobody takes it from there; move it to in/PARTNER/INTAKE/"
            }
            Why::InSubFolder => {
                "lies in a folder below an intake, which is not looked into; move it up to the intake's folder"
            }
        };
        words.to_string()
    }

    pub fn code(&self) -> &'static str {
        match self {
            Why::Next => "next",
            Why::Paused => "paused",
            Why::Settles { .. } => "settles",
            Why::DoneFile { .. } => "done-file-missing",
            Why::Vouches { .. } => "done-file",
            Why::VouchesForNone => "done-file-alone",
            Why::VouchesForSeveral => "done-file-ambiguous",
            Why::Companions { .. } => "companion-missing",
            Why::CompanionTwice => "companion-twice",
            Why::Incomplete { .. } => "incomplete",
            Why::PassedOver(PassedOver::Hidden) => "hidden",
            Why::PassedOver(PassedOver::Unfinished) => "unfinished-name",
            Why::PassedOver(PassedOver::SubFolder) => "folder",
            Why::Odd(_) => "not-taken",
            Why::NoIntake | Why::BesideIntakes | Why::InSubFolder => "no-intake",
        }
    }

    /// Nothing but time, the daemon or its sender's next step is missing.
    pub fn is_on_its_way(&self) -> bool {
        use Why as W;
        matches!(
            self,
            W::Next
                | W::Paused
                | W::Settles { .. }
                | W::DoneFile { .. }
                | W::Vouches { .. }
                | W::VouchesForNone
                | W::Companions { .. }
                | W::Incomplete { .. }
        )
    }
}

/// What waits in the folder of one intake: at most `limit` with their reasons, the oldest first, and how many in all.
pub fn of_intake(sight: Sight<'_>, intake: &Intake, limit: usize) -> Result<(Vec<WaitingFile>, u64)> {
    let place = Place::In { partner: &intake.sender.partner, intake: &intake.id };
    if !sight.spool.folder(place)?.is_dir() {
        return Ok((Vec::new(), 0));
    }
    let listing = sight.spool.scan(place)?;
    let vouching = vouching(intake, &listing);
    let paused = sight.snapshot.paused()?.intake(&intake.sender.partner, &intake.id);
    let mut entries: Vec<_> = listing.entries().collect();
    entries.sort_by_key(|entry| entry.meta.mtime_ns);
    let mut waiting = Vec::new();
    for entry in entries.iter().take(limit) {
        let why = stopped(why(sight, intake, (entry.name, entry.meta), &vouching), paused);
        waiting.push(in_intake(sight, intake, (entry.name, entry.meta), why)?);
    }
    for odd in listing.odd().iter().take(limit.saturating_sub(waiting.len())) {
        let meta = Meta { size: 0, mtime_ns: sight.now.timestamp_nanos_opt().unwrap_or_default(), inode: 0, uid: 0 };
        waiting.push(in_intake(sight, intake, (&odd.name, meta), Why::Odd(odd.reason()))?);
    }
    Ok((waiting, listing.len() as u64 + listing.odd_count()))
}

fn in_intake(sight: Sight<'_>, intake: &Intake, (name, meta): (&[u8], Meta), why: Why) -> Result<WaitingFile> {
    let place = Place::In { partner: &intake.sender.partner, intake: &intake.id };
    Ok(WaitingFile {
        partner: intake.sender.partner.clone(),
        intake: intake.id.clone(),
        name: shown(&String::from_utf8_lossy(name)),
        path: sight.spool.path(place, name)?,
        size: meta.size,
        changed: DateTime::from_timestamp_nanos(meta.mtime_ns),
        why,
    })
}

/// Files below in/ that lie in no intake's folder; hidden ones and those in sub-folders of an intake are not mentioned.
pub fn without_intake(sight: Sight<'_>, intakes: &[Arc<Intake>], limit: usize) -> Result<Vec<WaitingFile>> {
    let mut strays = Vec::new();
    sight.spool.astray(LISTED_LEVELS, &|partner, intake| is_intake(intakes, partner, intake), &mut |found| {
        if !found.name.starts_with(b".") {
            strays.push(astray(intakes, &found));
        }
        if strays.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(strays)
}

/// The files of exactly this name anywhere below in/.
pub fn named(sight: Sight<'_>, intakes: &[Arc<Intake>], name: &str) -> Result<Vec<WaitingFile>> {
    let mut waiting = Vec::new();
    let paused = sight.snapshot.paused()?;
    for intake in intakes {
        let place = Place::In { partner: &intake.sender.partner, intake: &intake.id };
        // A word that can be no name lies nowhere.
        let Ok(Some((sort, meta))) = sight.spool.sort_of(place, name.as_bytes()) else { continue };
        let why = match sort {
            Sort::File => {
                let vouching = match intake.settle {
                    Settle::DoneFile { .. } => vouching(intake, &sight.spool.scan(place)?),
                    _ if intake.companions.is_some() => vouching(intake, &sight.spool.scan(place)?),
                    _ => BTreeMap::new(),
                };
                let paused = paused.intake(&intake.sender.partner, &intake.id);
                stopped(why(sight, intake, (name.as_bytes(), meta), &vouching), paused)
            }
            Sort::PassedOver(why) => Why::PassedOver(why),
            Sort::Odd(odd) => Why::Odd(odd.reason()),
        };
        waiting.push(in_intake(sight, intake, (name.as_bytes(), meta), why)?);
    }
    sight.spool.astray(SEARCHED_LEVELS, &|partner, intake| is_intake(intakes, partner, intake), &mut |found| {
        if found.name == name.as_bytes() {
            waiting.push(astray(intakes, &found));
        }
        ControlFlow::Continue(())
    })?;
    Ok(waiting)
}

fn is_intake(intakes: &[Arc<Intake>], partner: &str, intake: &str) -> bool {
    intakes.iter().any(|i| i.sender.partner == partner && i.id == intake)
}

fn astray(intakes: &[Arc<Intake>], found: &Astray) -> WaitingFile {
    let why = match &found.folders[..] {
        [] | [_] => Why::BesideIntakes,
        [partner, intake, ..] if is_intake(intakes, partner, intake) => Why::InSubFolder,
        _ => Why::NoIntake,
    };
    WaitingFile {
        partner: found.folders.first().cloned().unwrap_or_default(),
        intake: found.folders.get(1..).unwrap_or_default().join("/"),
        name: shown(&String::from_utf8_lossy(&found.name)),
        path: found.path.clone(),
        size: found.meta.size,
        changed: DateTime::from_timestamp_nanos(found.meta.mtime_ns),
        why,
    }
}

/// What done-files of a folder are, and which files have one; nothing where the intake knows none.
fn vouching(intake: &Intake, listing: &Listing) -> BTreeMap<Vec<u8>, Why> {
    let names: Vec<&[u8]> = listing.entries().map(|entry| entry.name).collect();
    if let Some(companions) = &intake.companions {
        return apart(companions, &names);
    }
    let Settle::DoneFile { suffix } = &intake.settle else { return BTreeMap::new() };
    let found = pair_done_files(&names, suffix);
    let mut known = BTreeMap::new();
    for (done, data) in found.pairs {
        let name = shown(&String::from_utf8_lossy(names[data]));
        known.insert(names[done].to_vec(), Why::Vouches { name });
        known.insert(names[data].to_vec(), Why::Next);
    }
    known.extend(found.lone.into_iter().map(|lone| (names[lone].to_vec(), Why::VouchesForNone)));
    known.extend(found.ambiguous.into_iter().map(|one| (names[one].to_vec(), Why::VouchesForSeveral)));
    known
}

/// Which files are not taken, since those that belong to them are missing or there twice.
fn apart(companions: &Companions, names: &[&[u8]]) -> BTreeMap<Vec<u8>, Why> {
    let found = companions.pair(names.iter().copied());
    let refused_after = TimeDelta::from_std(companions.within).unwrap_or(TimeDelta::MAX);
    let mut known = BTreeMap::new();
    for (files, missing) in found.lone {
        let missing: Vec<String> = missing.iter().map(|name| shown(name)).collect();
        let why = Why::Companions { missing, refused_after };
        known.extend(files.into_iter().map(|file| (names[file].to_vec(), why.clone())));
    }
    known.extend(found.ambiguous.into_iter().map(|file| (names[file].to_vec(), Why::CompanionTwice)));
    known
}

fn stopped(why: Why, paused: bool) -> Why {
    if paused && why == Why::Next { Why::Paused } else { why }
}

fn why(sight: Sight<'_>, intake: &Intake, (name, meta): (&[u8], Meta), vouching: &BTreeMap<Vec<u8>, Why>) -> Why {
    if intake.companions.is_some()
        && let Some(why) = vouching.get(name)
    {
        return why.clone();
    }
    match &intake.settle {
        Settle::Stable(pause) => {
            let changed_ago = sight.now - DateTime::from_timestamp_nanos(meta.mtime_ns);
            let needed = TimeDelta::from_std(*pause).unwrap_or(TimeDelta::MAX);
            if changed_ago < needed {
                return Why::Settles { needed, changed_ago: changed_ago.max(TimeDelta::zero()) };
            }
        }
        Settle::DoneFile { suffix } => match vouching.get(name) {
            Some(Why::Next) => {}
            Some(why) => return why.clone(),
            None => {
                let name = String::from_utf8_lossy(name);
                return Why::DoneFile { name: shown(&format!("{name}{suffix}")) };
            }
        },
        Settle::Rename => {}
    }
    if let Some(Completeness::Incomplete(missing)) = end_of(sight.spool, intake, name) {
        let refused_after = TimeDelta::from_std(intake.truncated_after).unwrap_or(TimeDelta::MAX);
        return Why::Incomplete { missing, refused_after };
    }
    Why::Next
}
