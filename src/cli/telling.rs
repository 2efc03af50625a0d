//! `problems`, `expect` and `notice`: what is the matter, what should come, and whether those who are to be told can be.

use std::io;

use serde_json::{Value, json};

use super::args::{Expect, NoticeCommand, Problems};
use super::ends::{End, Failure, Outcome};
use super::page::{Columns, Page, safe};
use super::{ask, setting};
use crate::config::{self, Config};
use crate::edges::notice::Taken;
use crate::edges::store::ledger::ProblemRow;
use crate::flows::commands::Verb;
use crate::flows::expect::{Expected, expected};
use crate::flows::problems::{keep, letters};
use crate::model::problem::{Channel, Kind, Level};
use crate::model::wording::problems as words;

/// Problems that are over and still listed.
const PAST_LISTED: u32 = 100;

pub fn problems(page: &mut Page<'_>, config: &Config, asked: &Problems) -> Outcome {
    page.zone = config.zone;
    setting::look(config, |sight| {
        let mut open = sight.snapshot.open_problems()?;
        open.retain(|row| asked.all || row.told_at.is_some());
        let past = if asked.all { sight.snapshot.past_problems(PAST_LISTED)? } else { Vec::new() };
        if page.json {
            for row in open.iter().chain(&past) {
                page.object(&object(row))?;
            }
            return Ok(End::Well);
        }
        if !setting::daemon_runs(config) {
            let looked = keep::looked_at(sight.snapshot)?.map(|at| format!(", at the last look {}", page.when(at)));
            page.line(format!("No daemon runs, so nobody looks. As it stood{}:", looked.unwrap_or_default()))?;
        }
        if open.is_empty() && past.is_empty() {
            page.line("Nothing is the matter.")?;
        }
        for (index, row) in open.iter().chain(&past).enumerate() {
            if index > 0 {
                page.gap()?;
            }
            print(page, row)?;
        }
        Ok(End::Well)
    })
}

fn print(page: &mut Page<'_>, row: &ProblemRow) -> io::Result<()> {
    let began = page.when_stored(Some(&row.began_at));
    let when = match (&row.over_at, &row.calm_since, &row.told_at) {
        (Some(over), ..) => format!("over since {}, began {began}", page.when_stored(Some(over))),
        (None, Some(calm), _) => format!("since {began}, quiet since {}", page.when_stored(Some(calm))),
        (None, None, None) => format!("since {began}, not told yet"),
        (None, None, Some(_)) => format!("since {began}"),
    };
    let mark = match (&row.over_at, row.level) {
        (Some(_), _) => "over",
        (None, Level::Error) => "ERROR",
        (None, Level::Warning) => "warning",
    };
    let times = if row.times > 1 { format!(", came {} times", row.times) } else { String::new() };
    page.line(format!("{mark} {}, {when}{times} ({})", row.kind, row.id))?;
    let said = if row.over_words.is_empty() { &row.words } else { &row.over_words };
    page.line(format!("  {}", safe(said)))?;
    if row.over_at.is_none() { page.line(format!("  {}", safe(&row.advice))) } else { Ok(()) }
}

/// One line each for `status`: only what people were told of.
pub fn lines_of_status(page: &mut Page<'_>, rows: &[ProblemRow]) -> io::Result<()> {
    const LISTED: usize = 10;
    // Locks have lines of their own.
    let rows: Vec<&ProblemRow> = rows.iter().filter(|row| row.kind != Kind::GuardLocked.as_str()).collect();
    for row in rows.iter().take(LISTED) {
        let mark = if row.level == Level::Error { "ERROR" } else { "warning" };
        page.line(format!("! {mark} since {}: {}", page.when_stored(Some(&row.began_at)), safe(&row.words)))?;
    }
    if rows.len() > LISTED {
        page.line(format!("! and {} more: nattpost problems lists them all.", rows.len() - LISTED))?;
    }
    Ok(())
}

pub fn object(row: &ProblemRow) -> Value {
    json!({
        "id": row.id.as_str(),
        "kind": row.kind,
        "about": row.about,
        "part": row.part,
        "level": row.level.as_str(),
        "began_at": row.began_at,
        "told_at": row.told_at,
        "calm_since": row.calm_since,
        "over_at": row.over_at,
        "count": row.count,
        "times": row.times,
        "words": row.words,
        "advice": row.advice,
        "over_words": row.over_words,
    })
}

fn close(page: &mut Page<'_>, config: &Config, intake: &str, comment: &str) -> Outcome {
    if !intake.contains('/') {
        return Err(Failure::new(End::Usage, "intake-missing", format!("{} is a partner", safe(intake)))
            .at("INTAKE")
            .expected("one intake, like shop/orders"));
    }
    ask::give(page, config, Verb::Excuse { intakes: vec![intake.to_string()] }, comment)
}

pub fn expect(page: &mut Page<'_>, config: &Config, asked: &Expect) -> Outcome {
    page.zone = config.zone;
    if let Some(only) = &asked.only {
        setting::known_partner(config, "INTAKE", only)?;
    }
    if let Some(intake) = asked.only.as_ref().filter(|_| asked.close) {
        return close(page, config, intake, &asked.comment);
    }
    setting::look(config, |sight| {
        let day = asked.day.map(|day| day.date(page.day()));
        let found = expected(sight, &config.expects, asked.only.as_deref(), day)?;
        if page.json {
            for one in &found {
                page.object(&expected_object(one))?;
            }
            return Ok(End::Well);
        }
        if found.is_empty() {
            page.line("Nothing is expected then; [intake.NAME.expect] in a partner's file says what should come.")?;
            return Ok(End::Well);
        }
        let mut columns = Columns::new(&["in", "by", "expected", "#came", "", "met"]);
        for one in &found {
            let window = one.window.as_ref();
            columns.row([
                one.intake.clone(),
                one.due_at.with_timezone(&one.zone).format("%H:%M").to_string(),
                count(one.least, one.most),
                window.map_or(String::new(), |window| window.came.to_string()),
                state(one).to_string(),
                window.and_then(|window| window.met_at).map(|at| page.when(at)).unwrap_or_default(),
            ]);
        }
        page.table(columns)?;
        Ok(End::Well)
    })
}

fn state(one: &Expected) -> &'static str {
    match &one.window {
        None => "to come",
        Some(window) if window.most.is_some_and(|most| window.came > most) => "too many",
        Some(window) => window.state.as_str(),
    }
}

fn count(least: u64, most: Option<u64>) -> String {
    match most {
        None => format!("at least {least}"),
        Some(most) if most == least => least.to_string(),
        Some(most) => format!("{least} to {most}"),
    }
}

fn expected_object(one: &Expected) -> Value {
    let window = one.window.as_ref();
    json!({
        "intake": one.intake,
        "due_at": crate::edges::clock::iso(one.due_at),
        "opens_at": window.map(|window| crate::edges::clock::iso(window.opens_at)),
        "least": one.least,
        "most": one.most,
        "came": window.map(|window| window.came),
        "met_at": window.and_then(|window| window.met_at).map(crate::edges::clock::iso),
        "state": state(one),
    })
}

pub fn notice(page: &mut Page<'_>, path: &std::path::Path, asked: &NoticeCommand) -> Outcome {
    match asked {
        NoticeCommand::Test(asked) => {
            let config = setting::configuration(path)?;
            let names: Vec<&str> = config.channels.iter().map(|channel| channel.name.as_str()).collect();
            for name in &asked.channels {
                if !names.contains(&name.as_str()) {
                    return Err(setting::unknown(("channel-unknown", "channel"), "CHANNEL", name, &names));
                }
            }
            let wanted = |channel: &&Channel| asked.channels.contains(&channel.name);
            let channels: Vec<&Channel> = config.channels.iter().filter(wanted).collect();
            let told = ["This is a test: nothing is the matter.".to_string(), "Nothing is to be done.".to_string()];
            page.zone = config.zone;
            tell(page, &config.company, &channels, ("test", Level::Warning, told))
        }
        NoticeCommand::Failed => {
            let (company, zone, channels) = config::channels_of(path);
            let hearing: Vec<&Channel> = channels.iter().filter(|channel| channel.hears_all).collect();
            page.zone = zone;
            tell(page, &company, &hearing, ("service-failed", Level::Error, words::service_failed().map(String::from)))
        }
    }
}

/// Each channel is tried once; the worst end counts.
fn tell(
    page: &mut Page<'_>,
    company: &str,
    channels: &[&Channel],
    (kind, level, said): (&str, Level, [String; 2]),
) -> Outcome {
    if channels.is_empty() {
        let failure = Failure::new(End::Unavailable, "no-channel", "there is no channel that could tell anybody");
        return Err(failure.expected("a table [notices.NAME] in nattpost.toml"));
    }
    let mut end = End::Well;
    for channel in channels {
        let told = letters::at_once(channel, (company, page.zone), (kind, level, &said), page.now)?;
        let (taken, words) = match &told {
            Ok(Taken { remark: None, .. }) => (true, "taken".to_string()),
            Ok(Taken { remark: Some(remark), .. }) => (true, format!("taken, but: {remark}")),
            Err(reason) => (false, format!("NOT taken: {reason}")),
        };
        if !taken {
            end = End::Unavailable;
        }
        if page.json {
            page.object(
                &json!({ "channel": channel.name, "way": channel.way.as_str(), "taken": taken, "words": words }),
            )?;
        } else {
            page.line(format!("{} ({}): {}.", channel.name, channel.way.as_str(), safe(words.trim_end_matches('.'))))?;
        }
    }
    Ok(end)
}
