//! `retry`, `ignore` and `send`: makes the command, hands it over, and tells what came of it.
//!
//! While a daemon runs it carries the command out, and this waits for the outcome a little; while none runs it is carried
//! out here, under the instance lock. It decides nothing about files.

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::json;

use super::args::{Choice, Ignore, QuoteAccept, Retry, Send};
use super::ends::{End, Failure, Outcome};
use super::page::{Page, safe};
use super::setting;
use crate::config::Config;
use crate::daemon;
use crate::edges::store::Selection;
use crate::edges::store::ledger::CommandRow;
use crate::edges::{clock, who};
use crate::flows::commands::{self, Anew, Command, Verb};
use crate::flows::files::{self, Sight};
use crate::model::wording::CODES;

/// How long the outcome is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// A pattern may name so many files in one command.
const FILES_MAX: u32 = 5_000;

pub fn retry(page: &mut Page<'_>, config: &Config, asked: &Retry) -> Outcome {
    let which = which(config, "retry", &asked.choice)?;
    let how = Anew { overrule: asked.overrule, key: asked.key.clone(), existing: asked.existing.clone() };
    give(page, config, Verb::Retry { which, how }, &asked.comment)
}

pub fn ignore(page: &mut Page<'_>, config: &Config, asked: &Ignore) -> Outcome {
    if asked.comment.trim().is_empty() {
        return Err(Failure::new(End::Usage, "comment-missing", "the comment is empty")
            .at("--comment")
            .expected("why these files are closed without being applied")
            .advice("It stands in the ledger for ever: whoever asks later has nothing else to go by."));
    }
    let which = which(config, "ignore", &asked.choice)?;
    give(page, config, Verb::Ignore { which }, &asked.comment)
}

pub fn send(page: &mut Page<'_>, config: &Config, asked: &Send) -> Outcome {
    let known: Vec<String> = config.feeds.iter().map(|feed| feed.name()).collect();
    for feed in &asked.feeds {
        if !known.contains(feed) {
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            return Err(setting::unknown(("feed-unknown", "feed"), "FEED", feed, &names));
        }
    }
    let verb = Verb::Send { feeds: asked.feeds.clone(), full: asked.full, key: asked.key.clone() };
    give(page, config, verb, &asked.comment)
}

pub fn accept_quote(page: &mut Page<'_>, config: &Config, asked: &QuoteAccept) -> Outcome {
    let verb = Verb::QuoteAccept { quote: asked.quote.clone(), order_no: asked.order.clone() };
    give(page, config, verb, &asked.comment)
}

/// Names become ids here, so that a mistyped one is told at once; filters stay filters.
fn which(config: &Config, verb: &str, choice: &Choice) -> Result<Selection, Failure> {
    if choice.is_empty() {
        return Err(Failure::new(End::Usage, "usage-wrong", format!("{verb} was not told which files"))
            .at("the command line")
            .expected("files, or --reason, --partner, --day, --verdict or --rehearsed")
            .advice(format!("nattpost {verb} --help shows examples.")));
    }
    let mut which = selection(choice, config.zone, Utc::now());
    check(config, choice)?;
    if which.items.is_empty() {
        return Ok(which);
    }
    which.items = setting::look(config, |sight| {
        let mut ids = Vec::new();
        for item in &choice.items {
            let found = matching(sight, &which, item)?;
            if found.is_empty() {
                return Err(Failure::new(
                    End::NotFound,
                    "file-unknown",
                    format!("no such file has come: {}", safe(item)),
                )
                .expected("the id or name of a file, a name with * for any text")
                .advice("nattpost files lists what came."));
            }
            ids.extend(found);
        }
        Ok(ids)
    })?;
    Ok(which)
}

/// A name means the newest file of that name, a pattern all of them.
fn matching(sight: Sight<'_>, selection: &Selection, item: &str) -> Result<Vec<String>, Failure> {
    let limit = if item.contains('*') { FILES_MAX } else { 1 };
    let one = Selection { items: vec![item.to_string()], ..selection.clone() };
    let list = files::list(sight, &one, limit)?;
    if item.contains('*') && list.total > u64::from(limit) {
        let found = format!("{} matches {} files", safe(item), list.total);
        return Err(Failure::new(End::Usage, "too-many-files", found)
            .expected(format!("at most {FILES_MAX} in one command"))
            .advice("Say more of the name, or narrow it with --day."));
    }
    // The oldest first: that is the order in which they were sent.
    Ok(list.files.iter().rev().map(|listed| listed.file.id.to_string()).collect())
}

/// A partner or reason that nobody knows was mistyped: an empty list would say that all is well.
pub fn check(config: &Config, choice: &Choice) -> Result<(), Failure> {
    if let Some(reason) = choice.reason.as_deref().filter(|reason| !CODES.contains(reason)) {
        return Err(setting::unknown(("reason-unknown", "reason"), "--reason", reason, &CODES));
    }
    match &choice.partner {
        Some(partner) => setting::known_partner(config, "--partner", partner),
        None => Ok(()),
    }
}

/// What was said on the command line as a question to the ledger; days are those of the company's zone.
pub fn selection(choice: &Choice, zone: Tz, now: DateTime<Utc>) -> Selection {
    let (partner, intake) = match choice.partner.as_deref().map(|p| p.split_once('/').ok_or(p)) {
        Some(Ok((partner, intake))) => (Some(partner.to_string()), Some(intake.to_string())),
        Some(Err(partner)) => (Some(partner.to_string()), None),
        None => (None, None),
    };
    let day = choice.day.map(|day| day.date(now.with_timezone(&zone).date_naive()));
    Selection {
        items: choice.items.clone(),
        partner,
        intake,
        verdict: choice.verdict,
        reason: choice.reason.clone(),
        from: day.and_then(|day| begin(day, zone)),
        to: day.and_then(|day| begin(day.succ_opt()?, zone)),
        rehearsed: choice.rehearsed,
    }
}

/// The first instant of a day: where midnight does not exist, the clock's next.
fn begin(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    (0..24).find_map(|hour| {
        let local = day.and_time(NaiveTime::from_hms_opt(hour, 0, 0)?);
        zone.from_local_datetime(&local).earliest().map(|at| at.with_timezone(&Utc))
    })
}

/// Hands the command over and waits for its outcome.
pub(super) fn give(page: &mut Page<'_>, config: &Config, verb: Verb, comment: &str) -> Outcome {
    give_accepting(page, config, verb, comment, false)
}

/// `accept`: also with a database that is not the spool's own, where it is carried out here.
pub(super) fn give_accepting(page: &mut Page<'_>, config: &Config, verb: Verb, comment: &str, accept: bool) -> Outcome {
    let spool = setting::spool(config)?;
    let at = Utc::now();
    let command = Command { id: clock::new_id(at)?, verb, who: who::name(), at, comment: comment.to_string() };
    commands::hand_over(&spool, &command)?;
    wait(page, config, &command, accept)
}

/// Looks for the outcome until patience ends. Where no daemon runs, the command is carried out here.
fn wait(page: &mut Page<'_>, config: &Config, command: &Command, accept: bool) -> Outcome {
    let why = match daemon::carry_out_alone(config.clone(), accept) {
        Ok(true) => "it was read and gave no outcome".to_string(),
        Ok(false) => "the daemon is busy and does it as soon as it can".to_string(),
        Err(error) => format!("no daemon runs, and it cannot be done from here ({error:#}); the next daemon does it"),
    };
    let deadline = Instant::now() + PATIENCE;
    while config.store.exists() {
        let row = setting::reader(config)?.snapshot()?.command(command.id)?;
        if let Some(row) = row.filter(|row| row.done_at.is_some()) {
            return tell(page, &row);
        }
        // Only a daemon that runs brings one later.
        if Instant::now() >= deadline || !setting::daemon_runs(config) {
            break;
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    if page.json {
        page.object(
            &json!({ "command": command.id.as_str(), "verb": command.verb_name(), "done": false, "outcome": why }),
        )?;
    } else {
        page.line(format!("Queued as {}: {}.", command.id, safe(&why)))?;
    }
    Ok(End::Later)
}

fn tell(page: &mut Page<'_>, row: &CommandRow) -> Outcome {
    if page.json {
        page.object(&json!({ "command": row.id.as_str(), "verb": row.verb, "done": true, "outcome": row.outcome }))?;
    } else {
        page.line(format!("{}: {}.", row.verb, safe(row.outcome.trim_end_matches('.'))))?;
    }
    // The outcome of a command that could not be carried out begins so.
    Ok(if row.outcome.starts_with("failed") { End::Unavailable } else { End::Well })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Day;

    #[test]
    fn a_day_is_one_of_the_companys_zone() {
        let choice = Choice {
            items: Vec::new(),
            partner: Some("dealer/orders".into()),
            verdict: None,
            reason: None,
            day: Some(Day::Today),
            rehearsed: false,
        };
        let now = "2026-10-25T12:00:00Z".parse().unwrap();
        let asked = selection(&choice, chrono_tz::Europe::Berlin, now);
        // The night the clock goes back: a day of 25 hours.
        assert_eq!(asked.from, Some("2026-10-24T22:00:00Z".parse().unwrap()));
        assert_eq!(asked.to, Some("2026-10-25T23:00:00Z".parse().unwrap()));
        assert_eq!((asked.partner.as_deref(), asked.intake.as_deref()), (Some("dealer"), Some("orders")));
        // Midnight that does not exist.
        let sunday = begin("2026-09-06".parse().unwrap(), chrono_tz::America::Santiago).unwrap();
        assert_eq!(sunday, "2026-09-06T04:00:00Z".parse::<DateTime<Utc>>().unwrap());
    }
}
