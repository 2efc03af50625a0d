//! What carriers report: each report is a commit, a carrier that is idle again, and, where its job ended early, a remote that
//! rests.

use std::time::Duration;

use anyhow::{Result, bail};

use super::Daemon;
use super::carriers::{Outcome, Report};
use super::remotes::Remotes;
use crate::edges::clock::Now;
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::remote::{Fault, FaultKind, Phase};
use crate::flows::carried::End;
use crate::flows::inbound::collect::{self, RemoteDesk};
use crate::flows::outbound::deliver;
use crate::flows::rights;

/// A folder of the spool that refuses carriers is tried again.
const SPOOL_AGAIN: Duration = Duration::from_secs(30);

impl Daemon {
    pub(super) fn take_reports(&mut self) -> Result<()> {
        while let Some(report) = self.remotes.as_ref().and_then(|remotes| remotes.reports.try_recv().ok()) {
            self.take_report(report)?;
        }
        Ok(())
    }

    pub(super) fn take_report(&mut self, report: Report) -> Result<()> {
        let now = self.clock.now();
        let Some(remotes) = &mut self.remotes else { return Ok(()) };
        // A carrier of a rule that has left: its files are asked of the ledger anew.
        let crew = remotes.crews.iter().position(|crew| crew.carriers.iter().any(|c| c.number == report.carrier));
        if let Some(crew) = crew {
            remotes.crews[crew].is_idle_again(report.carrier, report.is_connected);
        }
        let ended = report.end.as_ref().map(End::to_string).unwrap_or_default();
        let ends_all = ends_all(&report) && !is_excused(remotes, crew, &report);
        let is_full = match (&report.end, crew) {
            (Some(End::Theirs(fault)), Some(crew)) => remotes.crews[crew].is_full(fault, report.carrier, now),
            _ => false,
        };
        let (feeds, intakes) = (self.out.feeds.clone(), self.works.intakes.clone());
        let mut bench = self.works.bench(now);
        match report.outcome {
            Outcome::Died(words) => bail!(words),
            Outcome::Out(report) => {
                let rules = deliver::Rules { feeds: &feeds, intakes: &intakes };
                self.out.dispatch(&mut bench).note_delivery(&mut remotes.book, report, rules, &ended)?;
            }
            Outcome::In(collect::Report::Looked { source, listing }) => {
                if let Some(desk) = remotes.desks.iter_mut().find(|desk| desk.source() == source) {
                    match &listing {
                        Some(listing) => bench.note_look(desk, listing, &remotes.mark)?,
                        None => desk.look_failed(now),
                    }
                    if let Some(End::Theirs(fault)) = report.end.as_ref().filter(|_| !ends_all) {
                        note_refused_look(desk, fault, bench.events, now);
                        bench.note_names(desk)?;
                    }
                    remotes.owed_is_stale = true;
                }
            }
            Outcome::In(collect::Report::Compared { source, found }) => {
                if let Some(desk) = remotes.desks.iter_mut().find(|desk| desk.source() == source) {
                    bench.note_compared(desk, &found)?;
                }
            }
            Outcome::In(collect::Report::Collected { source, files }) => {
                if let Some(desk) = remotes.desks.iter_mut().find(|desk| desk.source() == source) {
                    bench.note_collected(desk, &files)?;
                }
            }
            Outcome::In(collect::Report::After { files }) => {
                let noted = crew.map(|crew| remotes.crews[crew].note_after(&files, now));
                let (done, kept, refused) = noted.unwrap_or_default();
                bench.note_after(&done, &kept)?;
                tell_refused(refused, bench.events, now);
                remotes.owed_is_stale = true;
            }
        }
        let (store, events) = (&mut self.works.store, &*self.works.events);
        let crew = crew.map(|crew| &mut remotes.crews[crew]);
        match (report.end, crew) {
            // A folder of the spool that refuses us is no outage: told with the others, and tried again after a rest.
            (Some(End::Ours(error)), crew) if error.is_denied() => {
                crew.into_iter().for_each(|crew| crew.again_at = now.mono + SPOOL_AGAIN);
                self.works.denied.insert(rights::told_of_spool(&self.works.spool, &[], error)?);
                Ok(())
            }
            (Some(End::Ours(error)), _) => Err(error.into()),
            (Some(End::Theirs(fault)), Some(crew)) if ends_all && !is_full => {
                crew.went_wrong(&fault, store, events, now)
            }
            (None, Some(crew)) => crew.went_well(store, events, now),
            (Some(End::Stopped | End::Theirs(_)) | None, _) => Ok(()),
        }
    }
}

/// Told once, until it may be listed again.
fn note_refused_look(desk: &mut RemoteDesk, fault: &Fault, events: &Events, now: Now) {
    if !desk.look_refused(fault, now) {
        return;
    }
    let fields = [
        (Key::Intake, Value::Text(desk.source().into())),
        (Key::Remote, Value::Text(desk.from.remote.as_str().into())),
        (Key::Phase, Value::Text(fault.phase.word().into())),
        (Key::Reason, Value::Text(fault.to_string().into())),
    ];
    events.tell(now.wall, "", Event::RemoteFailed, &fields);
}

/// Where files came or were brought before the line broke, the others have their turn at once: there are servers that hang up after each.
fn ends_all(report: &Report) -> bool {
    let Some(end) = &report.end else { return false };
    !(has_brought(&report.outcome) && is_of_line(end)) && is_of_all(end)
}

fn has_brought(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::In(collect::Report::Collected { files, .. }) => {
            files.iter().any(|(_, fetched)| matches!(fetched, collect::Fetched::Whole { .. }))
        }
        Outcome::Out(report) => report.runs.iter().any(|(_, one)| matches!(one, deliver::Outcome::Done)),
        _ => false,
    }
}

/// The line broke at a single file: the others have their turn before the remote is given a rest.
fn is_excused(remotes: &mut Remotes, crew: Option<usize>, report: &Report) -> bool {
    crew.is_some_and(|crew| broke_at_one(&report.outcome) && remotes.crews[crew].excuses())
}

fn broke_at_one(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::In(collect::Report::Collected { files, .. }) => {
            files.iter().any(|(_, fetched)| matches!(fetched, collect::Fetched::BrokeOff(_)))
        }
        Outcome::Out(report) => report.runs.iter().any(|(_, one)| matches!(one, deliver::Outcome::BrokeOff(_))),
        _ => false,
    }
}

fn is_of_line(end: &End) -> bool {
    matches!(end, End::Theirs(fault) if fault.kind == FaultKind::Transient)
}

/// Not only of the one folder that was asked for: a connection that could not be made, or that broke.
fn is_of_all(end: &End) -> bool {
    !matches!(end, End::Theirs(fault) if !fault.is_broken() && fault.phase == Phase::List)
}

/// Files that were taken and cannot be removed, moved or renamed there.
fn tell_refused(refused: Vec<String>, events: &Events, now: Now) {
    for words in refused {
        events.tell(now.wall, "", Event::RemoteFailed, &[(Key::Reason, Value::Text(words.into()))]);
    }
}
