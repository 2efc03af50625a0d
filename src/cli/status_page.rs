//! `status` for people and as JSON.

use std::io;

use serde_json::{Value, json};

use super::page::{Columns, Page, safe};
use super::{remotes_page, setting};
use crate::config::Config;
use crate::edges::clock;
use crate::edges::store::ledger::PauseRow;
use crate::flows::moments;
use crate::flows::status::{FeedStatus, IntakeStatus, LockStatus, Status};
use crate::flows::waiting::{WaitingFile, Why};
use crate::model::wording::guard::left_the_configuration;

pub fn print(page: &mut Page<'_>, config: &Config, status: &Status) -> io::Result<()> {
    let daemon = if status.daemon_runs { "the daemon runs" } else { "THE DAEMON IS DOWN: nothing is taken in or sent" };
    page.line(format!("{}, {}; {daemon}.", config.company, page.when(page.now)))?;
    super::telling::lines_of_status(page, &status.problems)?;
    for sentence in &status.disks {
        page.line(format!("! {sentence}"))?;
    }
    if status.commands_waiting > 0 {
        page.line(format!(
            "{} to be carried out.",
            moments::count(status.commands_waiting, "command waits", "commands wait")
        ))?;
    }
    if status.unplaced > 0 && !status.daemon_runs {
        page.line(format!(
            "{} judged and not yet moved to its folder; the next start does it.",
            moments::count(status.unplaced, "file is", "files are")
        ))?;
    }
    unknown(page, status)?;
    paused(page, status)?;
    locks(page, status)?;
    remotes_page::troubles(page, status)?;
    modes(page, status)?;
    page.gap()?;
    intakes(page, status)?;
    waiting(page, status)?;
    feeds(page, status)?;
    remotes_page::table(page, status)
}

fn unknown(page: &mut Page<'_>, status: &Status) -> io::Result<()> {
    let (paths, count) = &status.unknown;
    if *count == 0 {
        return Ok(());
    }
    page.line(format!(
        "! {} here that the database does not know: it was accepted without them. To have one judged anew, move it to its intake's \
         folder in in/; what needs nothing more can be removed.",
        moments::count(*count, "file stands", "files stand")
    ))?;
    paths.iter().try_for_each(|path| page.line(format!("    {}", setting::shown_path(path))))?;
    if *count > paths.len() as u64 { page.line("    …") } else { Ok(()) }
}

fn paused(page: &mut Page<'_>, status: &Status) -> io::Result<()> {
    for row in &status.paused {
        let comment = if row.comment.is_empty() { String::new() } else { format!(": {}", safe(&row.comment)) };
        let since = page.when_stored(Some(&row.since));
        page.line(format!(
            "! {} is paused since {since} by {}{comment} (nattpost resume {}).",
            row.subject.told(),
            safe(&row.who),
            row.subject.arguments()
        ))?;
    }
    Ok(())
}

fn locks(page: &mut Page<'_>, status: &Status) -> io::Result<()> {
    for LockStatus { row, configured } in &status.locks {
        let since = page.when_stored(Some(&row.locked_at));
        let arguments = row.subject().arguments();
        let then = match configured {
            true => format!("nattpost release or discard {arguments}"),
            false => left_the_configuration(&arguments),
        };
        page.line(format!("! {} is locked since {since}: {} ({then})", row.subject().told(), safe(&row.told())))?;
    }
    Ok(())
}

/// Whose files change nothing, and what of them is left to be decided about.
fn modes(page: &mut Page<'_>, status: &Status) -> io::Result<()> {
    let mut told = Vec::new();
    for intake in status.intakes.iter().filter(|intake| !intake.mode.writes()) {
        if !told.contains(&&intake.partner) {
            let means = match intake.mode.answers() {
                true => "his files are judged and answered, and nothing of them is applied",
                false => "nothing of his files is applied, and nobody hears of anything",
            };
            page.line(format!("! {} is in mode {}: {means}.", intake.partner, intake.mode.as_str()))?;
            told.push(&intake.partner);
        }
    }
    for intake in status.intakes.iter().filter(|intake| intake.rehearsed > 0) {
        let source = format!("{}/{}", intake.partner, intake.intake);
        let files = moments::count(intake.rehearsed, "file was only rehearsed", "files were only rehearsed");
        let then = if intake.mode.writes() { "" } else { " once its partner is live" };
        page.line(format!(
            "! {source}: {files}; nattpost retry --rehearsed --partner {source} applies them{then}, nattpost ignore --rehearsed --partner \
             {source} --comment \"why\" closes them."
        ))?;
    }
    Ok(())
}

fn intakes(page: &mut Page<'_>, status: &Status) -> io::Result<()> {
    if status.intakes.is_empty() {
        return page.line("No intake is configured, so nothing is taken in.");
    }
    let mut columns = Columns::new(&[
        "in",
        "#waiting",
        "oldest",
        "#held",
        "#refused 24 h",
        "last looked",
        "last came",
        "last applied",
    ]);
    for intake in &status.intakes {
        columns.row([
            format!("{}/{}{}", intake.partner, intake.intake, remark(intake)),
            number(intake.backlog),
            intake.oldest.map(|oldest| moments::span(page.now - oldest)).unwrap_or_default(),
            number(intake.figures.held),
            number(intake.figures.refused),
            intake.last_check.map_or("never".into(), |at| page.when(at)),
            intake.last_arrival.as_deref().map_or("never".into(), |at| page.when_stored(Some(at))),
            intake.figures.last_applied.as_ref().map_or("never".into(), |(at, _)| page.when_stored(Some(at))),
        ]);
    }
    page.table(columns)
}

/// What is not taken, and what is held, with the reason.
fn waiting(page: &mut Page<'_>, status: &Status) -> io::Result<()> {
    let mut lines = Vec::new();
    for file in status.intakes.iter().flat_map(|intake| &intake.waiting).chain(&status.strays) {
        lines.push(waiting_line(file, status.daemon_runs));
    }
    for intake in &status.intakes {
        for (code, count) in &intake.held_reasons {
            lines.push(format!(
                "{}/{}: {} held for {code} (nattpost files --partner {}/{} --verdict held)",
                intake.partner,
                intake.intake,
                moments::count(*count, "message", "messages"),
                intake.partner,
                intake.intake
            ));
        }
    }
    lines.extend(remotes_page::waiting(page, status));
    if lines.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.line("What waits, and why:")?;
    lines.iter().try_for_each(|line| page.line(format!("  {}", safe(line))))
}

/// What is odd about a file begins with its name.
pub fn waiting_line(file: &WaitingFile, daemon_runs: bool) -> String {
    match &file.why {
        Why::Odd(words) => format!("{}: {words}", file.source()),
        why => format!("{}: {} {}", file.source(), file.name, why.told(daemon_runs)),
    }
}

fn feeds(page: &mut Page<'_>, status: &Status) -> io::Result<()> {
    if status.feeds.is_empty() {
        return Ok(());
    }
    page.gap()?;
    let mut columns = Columns::new(&["out", "last run", "", "#rows", "last sent", "next due"]);
    for feed in &status.feeds {
        let next = match feed.next_due {
            _ if feed.paused => "paused".to_string(),
            None => "on request".to_string(),
            Some(due) if feed.late => format!("LATE since {}", page.when(due)),
            Some(due) if due <= page.now => "now".to_string(),
            Some(due) => page.when(due),
        };
        let last = feed.last.as_ref();
        columns.row([
            format!("{}/{}", feed.partner, feed.feed),
            last.map_or("never".into(), |run| page.when_stored(Some(&run.ready_at))),
            last.map_or(String::new(), super::show_page::state),
            last.map_or(String::new(), |run| run.rows.to_string()),
            feed.last_sent.as_ref().map_or("never".into(), |run| page.when_stored(run.sent_at.as_deref())),
            next,
        ]);
    }
    page.table(columns)
}

fn remark(intake: &IntakeStatus) -> String {
    match (intake.configured, intake.mode.writes()) {
        (false, _) => " (not configured)".to_string(),
        (true, true) => String::new(),
        (true, false) => format!(" ({})", intake.mode.as_str()),
    }
}

/// Nothing is easier to overlook than a nought.
fn number(count: u64) -> String {
    if count == 0 { "-".to_string() } else { count.to_string() }
}

pub fn object(config: &Config, status: &Status) -> Value {
    json!({
        "company": config.company,
        "daemon_runs": status.daemon_runs,
        "problems": status.problems.iter().map(super::telling::object).collect::<Vec<_>>(),
        "disks": status.disks,
        "commands_waiting": status.commands_waiting,
        "unplaced": status.unplaced,
        "intakes": status.intakes.iter().map(intake_object).collect::<Vec<_>>(),
        "strays": status.strays.iter().map(|file| waiting_object(file, status.daemon_runs)).collect::<Vec<_>>(),
        "unknown": status.unknown.0.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
        "unknown_count": status.unknown.1,
        "locks": status.locks.iter().map(lock_object).collect::<Vec<_>>(),
        "paused": status.paused.iter().map(paused_object).collect::<Vec<_>>(),
        "feeds": status.feeds.iter().map(feed_object).collect::<Vec<_>>(),
        "remotes": status.remotes.iter().map(remotes_page::object).collect::<Vec<_>>(),
    })
}

fn lock_object(LockStatus { row, configured }: &LockStatus) -> Value {
    let tally = row.tally;
    json!({
        "subject": row.subject().to_string(),
        "configured": configured,
        "since": row.locked_at,
        "exceeded": row.exceeded,
        "base": tally.base,
        "creates": tally.creates,
        "changes": tally.changes,
        "deletes": tally.deletes,
        "samples": serde_json::from_str::<Value>(&row.samples).unwrap_or_default(),
    })
}

fn paused_object(row: &PauseRow) -> Value {
    json!({ "subject": row.subject.to_string(), "since": row.since, "who": row.who, "comment": row.comment })
}

fn intake_object(intake: &IntakeStatus) -> Value {
    let held: Vec<Value> =
        intake.held_reasons.iter().map(|(code, count)| json!({ "code": code, "count": count })).collect();
    json!({
        "partner": intake.partner,
        "intake": intake.intake,
        "configured": intake.configured,
        "mode": intake.mode.as_str(),
        "rehearsed": intake.rehearsed,
        "backlog": intake.backlog,
        "oldest": intake.oldest.map(clock::iso),
        "held": intake.figures.held,
        "held_reasons": held,
        "refused_last_day": intake.figures.refused,
        "last_check": intake.last_check.map(clock::iso),
        "last_arrival": intake.last_arrival,
        "last_applied": intake.figures.last_applied.as_ref().map(|(at, _)| at),
        "last_applied_name": intake.figures.last_applied.as_ref().map(|(_, name)| name),
        "waiting": intake.waiting.iter().map(|file| waiting_object(file, true)).collect::<Vec<_>>(),
    })
}

pub fn waiting_object(file: &WaitingFile, daemon_runs: bool) -> Value {
    json!({
        "partner": file.partner,
        "intake": file.intake,
        "name": file.name,
        "size": file.size,
        "changed": clock::iso(file.changed),
        "why": file.why.code(),
        "text": file.why.told(daemon_runs),
    })
}

fn feed_object(feed: &FeedStatus) -> Value {
    json!({
        "partner": feed.partner,
        "feed": feed.feed,
        "last_check": feed.last_check.map(clock::iso),
        "last_sent": feed.last_sent.as_ref().and_then(|run| run.sent_at.as_deref()),
        "last": feed.last.as_ref().map(super::show_page::run_object),
        "next_due": feed.next_due.map(clock::iso),
        "late": feed.late,
        "paused": feed.paused,
    })
}
