//! The words on the command line: what was asked for (`args`), with what (`setting`), how it ends (`ends`), how it looks
//! (`page`). Each command gathers through a flow and prints here; nothing is decided about files.

pub mod args;
mod ask;
mod check_page;
mod demo;
pub mod ends;
mod files_page;
mod looking;
pub mod manual;
pub mod page;
mod progress;
mod run;
mod setting;
mod show_page;
mod status_page;
mod story_page;
mod translate;
mod trial;

use std::ffi::OsString;
use std::io::{self, Write};

use chrono::Utc;
use chrono_tz::Tz;
use clap::Parser;

use args::{Cli, Command, LayoutCommand};
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
    let path = &cli.config;
    let config = || setting::configuration(path);
    match &cli.command {
        Command::Demo(asked) => demo::demo(page, asked),
        Command::Run(asked) => run::run(page, config()?, asked),
        Command::Check => check_page::check(page, path),
        Command::Status(asked) => looking::status(page, &config()?, asked),
        Command::Files(asked) => looking::files(page, &config()?, asked),
        Command::Show(asked) => looking::show(page, &config()?, asked),
        Command::Explain(asked) => looking::explain(page, &config()?, asked),
        Command::Find(asked) => looking::find(page, &config()?, asked),
        Command::Retry(asked) => ask::retry(page, &config()?, asked),
        Command::Ignore(asked) => ask::ignore(page, &config()?, asked),
        Command::Send(asked) => ask::send(page, &config()?, asked),
        Command::Decode(asked) => translate::decode(page, path, asked),
        Command::Encode(asked) => translate::encode(page, path, asked),
        Command::Layout(LayoutCommand::Try(asked)) => trial::try_layout(page, path, asked),
    }
}
