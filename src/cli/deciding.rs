//! `release` and `discard`: which lock of the guard, or which run that is still to be brought, a name means, so that a mistyped one is told at once.

use super::args::Deciding;
use super::ask;
use super::ends::{End, Failure, Outcome};
use super::page::{Page, safe};
use super::setting;
use crate::config::Config;
use crate::flows::commands::Verb;
use crate::model::pause::Subject;

pub fn release(page: &mut Page<'_>, config: &Config, asked: &Deciding) -> Outcome {
    let subjects = subjects(config, asked)?;
    ask::give(page, config, Verb::Release { subjects }, &asked.comment)
}

pub fn discard(page: &mut Page<'_>, config: &Config, asked: &Deciding) -> Outcome {
    let subjects = subjects(config, asked)?;
    ask::give(page, config, Verb::Discard { subjects }, &asked.comment)
}

/// A lock, and what else than its feed or intake it may be called by.
struct Known {
    subject: Subject,
    names: Vec<String>,
}

fn subjects(config: &Config, asked: &Deciding) -> Result<Vec<Subject>, Failure> {
    let locks = setting::look(config, |sight| {
        let mut known = Vec::new();
        for lock in sight.snapshot.locks()? {
            let file = lock.file.map_or(Ok(None), |no| sight.snapshot.file(no))?;
            let names = file.map(|file| vec![file.id.to_string(), file.name]).unwrap_or_default();
            known.push(Known { subject: lock.subject(), names });
        }
        // Runs that are still to be brought, by their id in the place of the feed's.
        for row in sight.snapshot.open_deliveries()?.iter().filter(|row| row.is_open) {
            let Some(run) = sight.snapshot.run_by_no(row.run)? else { continue };
            let subject = Subject::Feed { partner: run.partner, feed: run.id.to_string() };
            known.push(Known { subject, names: vec![run.id.to_string(), run.name] });
        }
        Ok(known)
    })?;
    asked.what.iter().map(|what| subject(config, asked, &locks, what)).collect()
}

fn subject(config: &Config, asked: &Deciding, locks: &[Known], what: &str) -> Result<Subject, Failure> {
    let is_asked_side = |subject: &Subject| match subject {
        Subject::Partner(_) => false,
        Subject::Intake { .. } => !asked.outbound,
        Subject::Feed { .. } => !asked.inbound,
    };
    let is_meant = |known: &&Known| {
        is_asked_side(&known.subject) && (known.subject.name() == what || known.names.iter().any(|name| name == what))
    };
    let meant: Vec<&Known> = locks.iter().filter(is_meant).collect();
    match meant[..] {
        [one] => Ok(one.subject.clone()),
        // Nothing of it is locked, which the outcome says; one that nobody knows was mistyped.
        [] => {
            let intakes = config
                .intakes
                .iter()
                .map(|intake| Subject::Intake { partner: intake.sender.partner.clone(), intake: intake.id.clone() });
            let feeds =
                config.feeds.iter().map(|feed| Subject::Feed { partner: feed.partner.clone(), feed: feed.id.clone() });
            let known: Vec<Subject> = intakes.chain(feeds).filter(is_asked_side).collect();
            if let Some(subject) = known.iter().find(|subject| subject.name() == what) {
                return Ok(subject.clone());
            }
            let names: Vec<String> = known.iter().map(Subject::name).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Err(setting::unknown(("partner-unknown", "intake, feed or locked file"), "WHAT", what, &names))
        }
        _ => Err(Failure::new(End::Usage, "name-ambiguous", format!("{} means several that are locked", safe(what)))
            .at("WHAT")
            .expected("--in for the intake, --out for the feed, or the id of a file")),
    }
}
