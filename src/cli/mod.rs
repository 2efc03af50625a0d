//! The words on the command line: what was asked for (`args`), with what (`setting`), how it ends (`ends`), how it looks
//! (`page`). Each command gathers through a flow and prints here; nothing is decided about files.

pub mod args;
mod ask;
mod check_page;
pub mod ends;
mod files_page;
pub mod manual;
pub mod page;
mod setting;
mod show_page;
mod status_page;
mod story_page;

use std::ffi::OsString;
use std::io::{self, Write};

use chrono::Utc;
use chrono_tz::Tz;
use clap::Parser;

use crate::edges::lock;
use crate::flows::show::Shown;
use crate::flows::{explain, files, find, show, status};
use crate::model::kind::shipped_kinds;
use args::{Cli, Command};
use ends::{End, Failure, Outcome};
use page::Page;

/// Reads the command line, does what it says, and tells how it ended. Failures are told once, here.
pub fn start(words: impl IntoIterator<Item = OsString>) -> End {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(told) => {
            let end = if told.use_stderr() { End::Usage } else { End::Well };
            // Nobody is left to be told when this cannot be written.
            let _ = told.print();
            return end;
        }
    };
    let stdout = io::stdout();
    let mut out = io::BufWriter::new(stdout.lock());
    let mut page = Page { out: &mut out, json: cli.json, zone: Tz::UTC, now: Utc::now() };
    let outcome = dispatch(&cli, &mut page);
    let flushed = out.flush().map_err(Failure::from);
    match outcome.and_then(|end| flushed.map(|()| end)) {
        Ok(end) => end,
        // Whoever read along has what he wanted (`| head`).
        Err(failure) if failure.is_broken_pipe() => End::Well,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "nattpost: {:#}", failure.error);
            failure.end
        }
    }
}

fn dispatch(cli: &Cli, page: &mut Page<'_>) -> Outcome {
    if let Command::Check = cli.command {
        return check_page::check(page, &cli.config);
    }
    let config = setting::configuration(&cli.config)?;
    page.zone = config.zone;
    match &cli.command {
        Command::Check => check_page::check(page, &cli.config),
        Command::Status(asked) => setting::look(&config, |sight| {
            let known = status::Known { intakes: &config.intakes, feeds: &config.feeds, store: &config.store };
            let now = status::status(sight, &known, &asked.only)?;
            if page.json {
                page.object(&status_page::object(&config, &now))?;
            } else {
                status_page::print(page, &config, &now)?;
            }
            Ok(End::Well)
        }),
        Command::Files(asked) => setting::look(&config, |sight| {
            let list = files::list(sight, &ask::selection(&asked.choice, config.zone, sight.now), asked.limit)?;
            if page.json {
                page.object(&files_page::object(&list))?;
            } else {
                files_page::print(page, &list, !asked.choice.is_empty())?;
            }
            Ok(End::Well)
        }),
        Command::Show(asked) => {
            setting::look(&config, |sight| each(page, &asked.items, |page, item| show_one(page, sight, item)))
        }
        Command::Explain(asked) => setting::look(&config, |sight| {
            let daemon_runs = lock::is_held(&sight.spool.lock_path());
            each(page, &asked.items, |page, item| {
                let stories = explain::explain(sight, shipped_kinds(), &config.intakes, daemon_runs, item)?;
                if page.json {
                    page.object(&story_page::stories_object(item, &stories))?;
                } else {
                    story_page::print_stories(page, item, &stories)?;
                }
                Ok(if stories.stories.is_empty() { End::NotFound } else { End::Well })
            })
        }),
        Command::Find(asked) => setting::look(&config, |sight| {
            each(page, &asked.keys, |page, key| {
                let found = find::find(sight, key)?;
                if page.json {
                    page.object(&story_page::found_object(&found))?;
                } else {
                    story_page::print_found(page, &found)?;
                }
                Ok(if found.is_empty() { End::NotFound } else { End::Well })
            })
        }),
        Command::Retry(asked) => ask::retry(page, &config, asked),
        Command::Ignore(asked) => ask::ignore(page, &config, asked),
        Command::Send(asked) => ask::send(page, &config, asked),
    }
}

fn show_one(page: &mut Page<'_>, sight: files::Sight<'_>, item: &str) -> Outcome {
    match show::show(sight, shipped_kinds(), item)? {
        Shown::File(shown) if page.json => page.object(&show_page::file_shown_object(&shown))?,
        Shown::File(shown) => show_page::print_file(page, &shown)?,
        Shown::Run(shown) if page.json => page.object(&show_page::run_shown_object(&shown))?,
        Shown::Run(shown) => show_page::print_run(page, &shown)?,
        Shown::Nothing { near } => {
            if page.json {
                page.object(&serde_json::json!({ "item": item, "seen": false, "near": near }))?;
            } else {
                page.line(format!(
                    "No file or run {} is known; nattpost explain also looks into in/, nattpost find looks for numbers.",
                    page::safe(item)
                ))?;
                story_page::near(page, &near)?;
            }
            return Ok(End::NotFound);
        }
    }
    Ok(End::Well)
}

/// One after the other, with a gap between; the worst end counts.
fn each(page: &mut Page<'_>, items: &[String], mut one: impl FnMut(&mut Page<'_>, &str) -> Outcome) -> Outcome {
    let mut worst = End::Well;
    for (index, item) in items.iter().enumerate() {
        if index > 0 && !page.json {
            page.gap()?;
        }
        let end = one(page, item)?;
        if end != End::Well {
            worst = end;
        }
    }
    Ok(worst)
}
