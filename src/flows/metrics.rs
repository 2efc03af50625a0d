//! Figures of how things stand, for machines that watch: what `status` tells people, the disks, what is the matter, how often
//! each event was told. It changes nothing; the form is `model::open_metrics`.

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::command::LAST_BACKUP;
use super::files::Sight;
use super::room;
use super::status::{self, Known, Status};
use crate::edges::clock;
use crate::edges::events::Event;
use crate::model::open_metrics::{Metrics, Type};
use crate::model::rules::room::Room;

/// What the process knows of itself.
pub struct Process {
    /// Since the loop last gave a sign of life, in milliseconds.
    pub silent_ms: u64,
    /// How often each event was told, by the intake or feed it was about.
    pub events: Vec<(Event, String, u64)>,
}

pub fn metrics(sight: Sight<'_>, known: &Known<'_>, process: &Process) -> Result<String> {
    let status = status::status(sight, known, &[])?;
    let mut page = Metrics::default();
    page.family("nattpost", Type::Info, "The program.");
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.family("nattpost_beat_age_milliseconds", Type::Gauge, "Since the loop last gave a sign of life.");
    page.sample(&[], process.silent_ms);
    of_intakes(&mut page, &status, sight.now);
    of_feeds(&mut page, &status);
    page.family("nattpost_events", Type::Counter, "Lines of the log since the program started (docs/events.md).");
    for (event, source, count) in &process.events {
        page.sample(&[("event", event.as_str()), ("source", source)], count);
    }
    of_remotes(&mut page, sight)?;
    of_deliveries(&mut page, &status, sight)?;
    of_problems(&mut page, sight)?;
    of_disks(&mut page, sight, known)?;
    if let Some(at) = sight.snapshot.mark(LAST_BACKUP)?.and_then(|ms| DateTime::from_timestamp_millis(ms.cast_signed()))
    {
        page.family("nattpost_backup_timestamp_seconds", Type::Gauge, "When the database was copied last.");
        page.instant(&[], at);
    }
    Ok(page.finish())
}

fn of_intakes(page: &mut Metrics, status: &Status, now: DateTime<Utc>) {
    let sources: Vec<String> = status.intakes.iter().map(|i| format!("{}/{}", i.partner, i.intake)).collect();
    let all = || status.intakes.iter().zip(&sources);
    page.family("nattpost_waiting_files", Type::Gauge, "Files that are not judged yet.");
    all().for_each(|(intake, source)| page.sample(&[("source", source)], intake.backlog));
    page.family("nattpost_oldest_waiting_seconds", Type::Gauge, "Age of the oldest of them.");
    for (intake, source) in all() {
        let age = intake.oldest.map_or(0, |oldest| (now - oldest).num_seconds().max(0));
        page.sample(&[("source", source)], age);
    }
    page.family(
        "nattpost_held_messages",
        Type::Gauge,
        "Messages that wait for a person, for time or for another message.",
    );
    all().for_each(|(intake, source)| page.sample(&[("source", source)], intake.figures.held));
    page.family(
        "nattpost_refused_messages_last_day",
        Type::Gauge,
        "Messages refused within the last day that nobody acted on.",
    );
    all().for_each(|(intake, source)| page.sample(&[("source", source)], intake.figures.refused));
    page.family(
        "nattpost_last_check_timestamp_seconds",
        Type::Gauge,
        "When its folder, there or here, was looked at last.",
    );
    for (intake, source) in all() {
        if let Some(at) = intake.last_check {
            page.instant(&[("source", source)], at);
        }
    }
    page.family("nattpost_last_arrival_timestamp_seconds", Type::Gauge, "When the last file came.");
    for (intake, source) in all() {
        if let Some(at) = intake.last_arrival.as_deref().and_then(clock::read_iso) {
            page.instant(&[("source", source)], at);
        }
    }
    page.family(
        "nattpost_last_applied_timestamp_seconds",
        Type::Gauge,
        "When something of a file was last applied, or known.",
    );
    for (intake, source) in all() {
        if let Some(at) = intake.figures.last_applied.as_ref().and_then(|(at, _)| clock::read_iso(at)) {
            page.instant(&[("source", source)], at);
        }
    }
}

fn of_feeds(page: &mut Metrics, status: &Status) {
    let names: Vec<String> = status.feeds.iter().map(|feed| format!("{}/{}", feed.partner, feed.feed)).collect();
    let all = || status.feeds.iter().zip(&names);
    page.family("nattpost_feed_last_run_timestamp_seconds", Type::Gauge, "When the feed ran last.");
    for (feed, name) in all() {
        if let Some(at) = feed.last.as_ref().and_then(|run| clock::read_iso(&run.ready_at)) {
            page.instant(&[("feed", name)], at);
        }
    }
    page.family("nattpost_feed_last_sent_timestamp_seconds", Type::Gauge, "When its partner last got a file of it.");
    for (feed, name) in all() {
        if let Some(at) = feed.last_sent.as_ref().and_then(|run| run.sent_at.as_deref()).and_then(clock::read_iso) {
            page.instant(&[("feed", name)], at);
        }
    }
    page.family("nattpost_feed_last_check_timestamp_seconds", Type::Gauge, "When it was last asked whether it is due.");
    for (feed, name) in all() {
        if let Some(at) = feed.last_check {
            page.instant(&[("feed", name)], at);
        }
    }
    page.family("nattpost_feed_next_due_timestamp_seconds", Type::Gauge, "When it is due next.");
    for (feed, name) in all() {
        if let Some(at) = feed.next_due {
            page.instant(&[("feed", name)], at);
        }
    }
    page.family("nattpost_feed_late", Type::Gauge, "1 where it is due for a quarter of an hour and did not run.");
    all().for_each(|(feed, name)| page.sample(&[("feed", name)], u8::from(feed.late)));
}

fn of_remotes(page: &mut Metrics, sight: Sight<'_>) -> Result<()> {
    let states = sight.snapshot.remote_states()?;
    if states.is_empty() {
        return Ok(());
    }
    for (name, help, at) in [
        ("nattpost_remote_try_timestamp_seconds", "When a remote was tried last.", 0),
        ("nattpost_remote_success_timestamp_seconds", "When a try at a remote succeeded last.", 1),
    ] {
        page.family(name, Type::Gauge, help);
        for state in &states {
            let moment = if at == 0 { &state.last_try } else { &state.last_ok };
            if let Some(at) = moment.as_deref().and_then(clock::read_iso) {
                page.instant(&[("remote", &state.remote)], at);
            }
        }
    }
    page.family("nattpost_remote_failures", Type::Gauge, "Failed tries in a row.");
    states.iter().for_each(|state| page.sample(&[("remote", &state.remote)], state.failures));
    Ok(())
}

/// Files of ours on their way to remotes.
fn of_deliveries(page: &mut Metrics, status: &Status, sight: Sight<'_>) -> Result<()> {
    if status.remotes.is_empty() {
        return Ok(());
    }
    page.family("nattpost_to_bring_files", Type::Gauge, "Files of ours that wait to be brought to a remote.");
    for remote in &status.remotes {
        page.sample(&[("remote", &remote.name)], remote.to_bring.len());
    }
    page.family(
        "nattpost_oldest_to_bring_seconds",
        Type::Gauge,
        "For how long its partner has waited for the first of them.",
    );
    for remote in &status.remotes {
        let oldest = remote.to_bring.first().and_then(|owed| clock::read_iso(&owed.since));
        let age = oldest.map_or(0, |oldest| (sight.now - oldest).num_seconds().max(0));
        page.sample(&[("remote", &remote.name)], age);
    }
    page.family(
        "nattpost_to_clear_files",
        Type::Gauge,
        "Files taken from a remote and still to be removed or moved there.",
    );
    for remote in &status.remotes {
        page.sample(&[("remote", &remote.name)], remote.to_clear);
    }
    let tries = sight.snapshot.tries_by_remote()?;
    if !tries.is_empty() {
        page.family(
            "nattpost_delivery_tries",
            Type::Counter,
            "Tries to bring a file to a remote, from the first one on.",
        );
        tries.iter().for_each(|(remote, tries)| page.sample(&[("remote", remote)], tries));
    }
    Ok(())
}

fn of_problems(page: &mut Metrics, sight: Sight<'_>) -> Result<()> {
    let mut counted = std::collections::BTreeMap::<(String, &'static str), u64>::new();
    for problem in sight.snapshot.open_problems()? {
        *counted.entry((problem.kind, problem.level.as_str())).or_default() += 1;
    }
    page.family("nattpost_problems", Type::Gauge, "What is the matter now, by kind.");
    counted.iter().for_each(|((kind, level), count)| page.sample(&[("kind", kind), ("level", level)], count));
    Ok(())
}

fn of_disks(page: &mut Metrics, sight: Sight<'_>, known: &Known<'_>) -> Result<()> {
    let looked = room::look(sight.spool.root(), known.store, known.disk_floor, Room::Enough)?;
    page.family("nattpost_disk_free_bytes", Type::Gauge, "Free on the disk.");
    looked.iter().for_each(|disk| page.sample(&[("disk", disk.about)], disk.disk.free.bytes));
    page.family("nattpost_disk_floor_bytes", Type::Gauge, "What is to stay free on it.");
    looked.iter().for_each(|disk| page.sample(&[("disk", disk.about)], disk.floor));
    Ok(())
}
