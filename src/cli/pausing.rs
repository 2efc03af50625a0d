//! `pause` and `resume`: what a name means, so that a mistyped one is told at once. What was paused can go on even when the
//! configuration no longer has it.

use super::args::Pausing;
use super::ask;
use super::ends::{End, Failure, Outcome};
use super::page::{Page, safe};
use super::setting;
use crate::config::Config;
use crate::flows::commands::Verb;
use crate::model::pause::Subject;

pub fn pause(page: &mut Page<'_>, config: &Config, asked: &Pausing) -> Outcome {
    let subjects = subjects(config, asked, &[])?;
    ask::give(page, config, Verb::Pause { subjects }, &asked.comment)
}

pub fn resume(page: &mut Page<'_>, config: &Config, asked: &Pausing) -> Outcome {
    let paused: Vec<Subject> = match config.store.exists() {
        true => setting::reader(config)?.snapshot()?.pauses()?.into_iter().map(|row| row.subject).collect(),
        false => Vec::new(),
    };
    let subjects = subjects(config, asked, &paused)?;
    ask::give(page, config, Verb::Resume { subjects }, &asked.comment)
}

fn subjects(config: &Config, asked: &Pausing, paused: &[Subject]) -> Result<Vec<Subject>, Failure> {
    asked.what.iter().map(|what| subject(config, asked, paused, what)).collect()
}

/// `paused`: known too, and where a name means an intake and a feed, the one of the two that is.
fn subject(config: &Config, asked: &Pausing, paused: &[Subject], what: &str) -> Result<Subject, Failure> {
    let mut known: Vec<Subject> = config.partners.iter().map(|p| Subject::Partner(p.partner.clone())).collect();
    known.extend(
        config
            .intakes
            .iter()
            .map(|intake| Subject::Intake { partner: intake.sender.partner.clone(), intake: intake.id.clone() }),
    );
    known
        .extend(config.feeds.iter().map(|feed| Subject::Feed { partner: feed.partner.clone(), feed: feed.id.clone() }));
    known.extend(paused.iter().filter(|subject| !known.contains(subject)).cloned().collect::<Vec<_>>());
    let is_asked_side = |subject: &Subject| match subject {
        Subject::Partner(_) => !asked.inbound && !asked.outbound,
        Subject::Intake { .. } => !asked.outbound,
        Subject::Feed { .. } => !asked.inbound,
    };
    let found: Vec<&Subject> = known.iter().filter(|s| is_asked_side(s) && s.name() == what).collect();
    match found[..] {
        [one] => Ok(one.clone()),
        [] => {
            let names: Vec<String> = known.iter().filter(|s| is_asked_side(s)).map(Subject::name).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Err(setting::unknown(("partner-unknown", "partner, intake or feed"), "WHAT", what, &names))
        }
        _ => match found.iter().filter(|subject| paused.contains(subject)).collect::<Vec<_>>()[..] {
            [one] => Ok((*one).clone()),
            _ => Err(Failure::new(
                End::Usage,
                "name-ambiguous",
                format!("{} is the name of an intake and of a feed", safe(what)),
            )
            .at("WHAT")
            .expected("--in for the intake, --out for the feed")),
        },
    }
}
