//! The words on the command line: what was asked for (`args`), with what (`setting`), how it ends (`ends`), how it looks
//! (`page`). Each command gathers through a flow and prints here; nothing is decided about files.

pub mod args;
mod arrival;
mod ask;
mod backup;
mod catch_up;
mod check_page;
mod connect_page;
mod correct;
mod deciding;
mod demo;
pub mod ends;
mod files_page;
mod golden;
mod guessing;
mod layout_pages;
mod looking;
pub mod manual;
pub mod page;
mod partner;
mod pausing;
mod person;
mod plan;
mod planned_intake;
mod planned_rows;
mod progress;
mod remotes_page;
mod run;
mod setting;
mod show_page;
mod status_page;
mod story_page;
mod telling;
mod then_page;
mod translate;
mod trial;
mod user;

use std::ffi::OsString;
use std::io::{self, Write};

use chrono::Utc;
use chrono_tz::Tz;
use clap::Parser;

use args::{Cli, Command, LayoutCommand, PartnerCommand, QuoteCommand};
use ends::{End, Failure, Outcome};
use page::Page;

/// Reads the command line, does what it says, and tells how it ended. Failures are told once, here.
pub fn start(words: impl IntoIterator<Item = OsString>) -> End {
    let words: Vec<OsString> = words.into_iter().collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(told) => return misread(&told, words.iter().any(|word| word == "--json")),
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
            tell(&failure, cli.json);
            failure.end
        }
    }
}

/// Nobody is left to be told when this cannot be written.
fn tell(failure: &Failure, json: bool) {
    let complaint = &failure.complaint;
    let _ = match json {
        true => writeln!(io::stderr(), "{}", complaint.object()),
        false => writeln!(io::stderr(), "nattpost: {complaint}"),
    };
}

/// The words of the command line were wrong, or only help was asked for.
fn misread(told: &clap::Error, json: bool) -> End {
    if !told.use_stderr() || !json {
        // Nobody is left to be told when this cannot be written.
        let _ = told.print();
        return if told.use_stderr() { End::Usage } else { End::Well };
    }
    let text = told.render().to_string();
    let said: Vec<&str> = text.lines().take_while(|line| !line.starts_with("Usage:")).map(str::trim).collect();
    let said = said.join(" ");
    let found = said.trim().strip_prefix("error: ").unwrap_or(said.trim());
    tell(
        &Failure::new(End::Usage, "usage-wrong", found)
            .at("the command line")
            .advice("nattpost --help lists the commands, nattpost COMMAND --help what each takes."),
        true,
    );
    End::Usage
}

fn dispatch(cli: &Cli, page: &mut Page<'_>) -> Outcome {
    let path = &cli.config;
    let config = || setting::configuration(path);
    match &cli.command {
        Command::Demo(asked) => demo::demo(page, asked),
        Command::Run(asked) => run::run(page, config()?, asked),
        Command::Check(asked) => check_page::check(page, path, asked),
        Command::Status(asked) => looking::status(page, &config()?, asked),
        Command::Problems(asked) => telling::problems(page, &config()?, asked),
        Command::Expect(asked) => telling::expect(page, &config()?, asked),
        Command::Notice(asked) => telling::notice(page, path, asked),
        Command::Files(asked) => looking::files(page, &config()?, asked),
        Command::Show(asked) => looking::show(page, &config()?, asked),
        Command::Explain(asked) => looking::explain(page, &config()?, asked),
        Command::Find(asked) => looking::find(page, &config()?, asked),
        Command::Retry(asked) => ask::retry(page, &config()?, asked),
        Command::Correct(asked) => correct::correct(page, &config()?, asked),
        Command::Ignore(asked) => ask::ignore(page, &config()?, asked),
        Command::Send(asked) => ask::send(page, &config()?, asked),
        Command::Pause(asked) => pausing::pause(page, &config()?, asked),
        Command::Resume(asked) => pausing::resume(page, &config()?, asked),
        Command::Backup(asked) => backup::backup(page, &config()?, asked),
        Command::CatchUp(asked) => catch_up::catch_up(page, &config()?, asked),
        Command::Quote(QuoteCommand::Accept(asked)) => ask::accept_quote(page, &config()?, asked),
        Command::Partner(PartnerCommand::New(asked)) => partner::new(page, path, asked),
        Command::Partner(PartnerCommand::Templates(asked)) => partner::templates(page, &config()?, asked),
        Command::Release(asked) => deciding::release(page, &config()?, asked),
        Command::Discard(asked) => deciding::discard(page, &config()?, asked),
        Command::Person(asked) => person::run(page, &config()?, asked),
        Command::User(asked) => user::user(page, &config()?, asked),
        Command::Plan(asked) => plan::plan(page, &config()?, asked),
        Command::Decode(asked) => translate::decode(page, path, asked),
        Command::Encode(asked) => translate::encode(page, path, asked),
        Command::Layout(LayoutCommand::Try(asked)) => trial::try_layout(page, path, asked),
        Command::Layout(LayoutCommand::Doc(asked)) => layout_pages::doc(page, path, asked),
        Command::Layout(LayoutCommand::Diff(asked)) => layout_pages::diff(page, path, asked),
        Command::Layout(LayoutCommand::Guess(asked)) => guessing::guess(page, asked),
        Command::Layout(LayoutCommand::Test(asked)) => golden::test(page, path, asked),
    }
}
