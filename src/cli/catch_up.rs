//! `catch-up`: tells what an older database does not know of the spool, and with `--do` has it brought up. Looking and
//! planning is the flow's, the doing the daemon's or, while none runs, this process's.

use std::io;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::args::CatchUp;
use super::ask;
use super::ends::{End, Failure, Outcome};
use super::page::{Page, safe};
use super::setting;
use crate::config::Config;
use crate::edges::clock;
use crate::edges::spool::State;
use crate::flows::catch_up::{self, Account, Plan};
use crate::flows::commands::Verb;
use crate::flows::moments;

/// Files that are told one by one.
const TOLD: usize = 20;

pub fn catch_up(page: &mut Page<'_>, config: &Config, asked: &CatchUp) -> Outcome {
    page.zone = config.zone;
    if !asked.carry_out {
        let plan = plan(config)?;
        if page.json {
            page.object(&object(&plan))?;
        } else {
            print(page, config, &plan)?;
        }
        return Ok(End::Well);
    }
    let end = ask::give_accepting(page, config, Verb::CatchUp, &asked.comment, asked.accept_database)?;
    if end != End::Well {
        return Ok(end);
    }
    let left = plan(config)?;
    if left.is_empty() {
        return Ok(End::Well);
    }
    if !page.json {
        page.gap()?;
        print(page, config, &left)?;
    }
    Ok(End::Later)
}

fn plan(config: &Config) -> Result<Plan, Failure> {
    setting::look(config, |sight| Ok(catch_up::plan(sight, &config.intakes, &config.feeds)?))
}

fn print(page: &mut Page<'_>, config: &Config, plan: &Plan) -> io::Result<()> {
    if plan.is_empty() {
        page.line("The database knows all that stands in the spool, and no feed of orders waits for it.")?;
    }
    if let Some((known, newest)) = &plan.between {
        let at = |ms: i64| DateTime::from_timestamp_millis(ms).map_or("-".to_string(), |at| page.when(at));
        let begins =
            known.as_ref().map_or("It knows nothing".into(), |id| format!("The database ends at {}", at(id.made_ms())));
        let ends = at(newest.made_ms());
        page.line(format!(
            "{begins}, the spool goes on to {ends}. Commands given in between (retry, ignore …) are lost with it: give them again where \
             they still matter."
        ))?;
    }
    list(page, &moments::count(plan.originals.len() as u64, "file to be judged anew", "files to be judged anew"), {
        plan.originals.iter().map(|original| format!("{} {}", original.intake.source(), original.shown()))
    })?;
    list(
        page,
        &moments::count(plan.runs.len() as u64, "file of ours to be known again", "files of ours to be known again"),
        {
            plan.runs.iter().map(|run| {
                let back = if run.is_unsent() { ", which never left: it goes back to out/" } else { "" };
                format!("{} {}{back}", run.feed.name(), run.name)
            })
        },
    )?;
    list(page, "Left for a person", {
        plan.undecided.iter().map(|item| format!("{}: {}", setting::shown_path(&item.path), item.why))
    })?;
    if plan.waiting > 0 {
        page.line(format!(
            "{} behind them: what came later from the same partner is judged when they are.",
            moments::count(plan.waiting, "file waits", "files wait")
        ))?;
    }
    let waiting = plan.accounts.iter().filter(|account| account.paused || !account.missing.is_empty());
    let now = page.now;
    list(page, "Feeds of orders", waiting.map(|account| of_account(config, account, now)))?;
    if plan.superfluous > 0 {
        page.line(format!(
            "{} in held/out/ that nobody needs: newer ones are made. They can be removed.",
            moments::count(plan.superfluous, "file stands", "files stand")
        ))?;
    }
    if !plan.originals.is_empty() || !plan.runs.is_empty() || plan.accounts.iter().any(|a| a.paused && a.is_settled()) {
        page.line("nattpost catch-up --do carries it out.")?;
    }
    Ok(())
}

fn list(page: &mut Page<'_>, title: &str, lines: impl Iterator<Item = String>) -> io::Result<()> {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    page.line(format!("{title}:"))?;
    for line in lines.by_ref().take(TOLD) {
        page.line(safe(&format!("  {line}")))?;
    }
    match lines.count() {
        0 => Ok(()),
        more => page.line(format!("  … and {more} more")),
    }
}

fn of_account(config: &Config, account: &Account, now: DateTime<Utc>) -> String {
    let Account { feed, missing, .. } = account;
    let paused = if account.paused { "paused since the older database was accepted" } else { "not paused" };
    if missing.is_empty() {
        return format!("{feed}: {paused}");
    }
    let numbers: Vec<String> = missing
        .iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first} to {last}") })
        .collect();
    let partner = feed.split('/').next().unwrap_or_default();
    let day = now.with_timezone(&config.zone).date_naive();
    format!(
        "{feed}: {paused}; its files {} are not in the spool: {partner} took them from out/, or they were never written. Ask him for \
         them, put them as they are into {}/{partner}/{day}/ and give nattpost catch-up --do again. If he never got them: nattpost \
         resume {feed}, and the orders in them go out again",
        numbers.join(", "),
        State::Sent.folder(),
    )
}

fn object(plan: &Plan) -> Value {
    json!({
        "originals": plan.originals.iter().map(|o| json!({ "file": o.id.as_str(), "intake": o.intake.source(), "name": o.shown() })).collect::<Vec<_>>(),
        "runs": plan.runs.iter().map(|run| json!({ "feed": run.feed.name(), "name": run.name, "unsent": run.is_unsent() })).collect::<Vec<_>>(),
        "undecided": plan.undecided.iter().map(|item| json!({ "path": item.path.to_string_lossy(), "why": item.why, "feed": item.feed.as_ref().map(|(feed, _)| feed) })).collect::<Vec<_>>(),
        "feeds": plan.accounts.iter().map(|a| json!({ "feed": a.feed, "paused": a.paused, "missing": a.missing, "undecided": a.undecided })).collect::<Vec<_>>(),
        "waiting": plan.waiting,
        "superfluous": plan.superfluous,
        "ends": plan.between.as_ref().and_then(|(known, _)| *known).and_then(|id| DateTime::from_timestamp_millis(id.made_ms())).map(clock::iso),
    })
}
