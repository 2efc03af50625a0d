//! Tells the story of a file, a run or an order number in sentences: what came when, what was decided by which rule, which
//! rows it became, in which run it went out, and what to do next. It changes nothing.
//!
//! What the sentences say is gathered by `show`, `find` and `waiting`; here are the words, one file a subject.

mod of_delivery;
mod of_file;
mod of_number;
mod of_remote;
mod of_run;

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::configured::Configured;
use super::files::Sight;
use super::next_steps::NextStep;
use super::show::{self, Shown};
use super::waiting::{self, WaitingFile, Why};
use super::{find, lineage, moments};
use crate::edges::clock;
use crate::edges::spool::PassedOver;
use crate::edges::store::ledger::{FileRow, RunRow, RunState};
use crate::model::feed::Feed;
use crate::model::ids::split_prefixed;
use crate::model::intake::{Intake, Settle};
use crate::model::kind::Kinds;
use crate::model::mode::Mode;
use crate::model::remote::RemoteRule;

/// One subject and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    pub title: String,
    pub sentences: Vec<String>,
    pub next: Vec<NextStep>,
}

/// All stories of one word; none when it was never seen, then with names that may have been meant.
#[derive(Debug)]
pub struct Stories {
    pub stories: Vec<Story>,
    pub near: Vec<String>,
    /// Where else it was looked for, when it was never seen.
    pub looked_in: Vec<String>,
    /// And what may help.
    pub next: Vec<NextStep>,
}

/// What of the configuration and the machine is known.
pub struct Around<'a> {
    pub kinds: &'a Kinds,
    pub intakes: &'a [Arc<Intake>],
    pub remotes: &'a [Arc<RemoteRule>],
    pub feeds: &'a [Arc<Feed>],
    pub daemon_runs: bool,
}

impl<'a> Around<'a> {
    fn configured(&self) -> Configured<'a> {
        Configured { intakes: self.intakes, feeds: self.feeds }
    }
}

pub fn explain(sight: Sight<'_>, around: &Around<'_>, item: &str) -> Result<Stories> {
    let teller = Teller { sight };
    let Around { kinds, intakes, daemon_runs, .. } = *around;
    let mut stories = Vec::new();
    let name = item.rsplit('/').next().unwrap_or(item);
    let mut waiting = waiting::named(sight, intakes, name)?;
    // A path means the file that lies there, where one does.
    if waiting.iter().any(|file| is_meant(&file.path, item)) {
        waiting.retain(|file| is_meant(&file.path, item));
    }
    for file in waiting {
        stories.push(teller.waiting(&file, intakes, daemon_runs));
    }
    stories.extend(teller.named_there(around, name)?);
    stories.extend(teller.remote(around, item)?);
    let near = match show::show(sight, kinds, around.configured(), item)? {
        Shown::File(file) => {
            stories.push(teller.file(&file, daemon_runs)?);
            Vec::new()
        }
        Shown::Run(run) => {
            stories.push(teller.run(&run, daemon_runs));
            Vec::new()
        }
        Shown::Nothing { near } => near,
    };
    let found = find::find(sight, item)?;
    stories.extend(teller.numbers(&found));
    if let (true, Some((id, plain))) = (stories.is_empty(), split_prefixed(name.as_bytes())) {
        let path = lineage::unknown_file(sight, id)?;
        stories.extend(path.map(|path| unknown(&path, &String::from_utf8_lossy(plain))));
    }
    if stories.is_empty() {
        stories.extend(teller.runs_numbered(around, item)?);
    }
    if !stories.is_empty() {
        return Ok(Stories { stories, near: Vec::new(), looked_in: Vec::new(), next: Vec::new() });
    }
    Ok(Stories { stories, near, looked_in: teller.looked_in(around, item)?, next: meant(around, item) })
}

/// What else a word may name.
fn meant(around: &Around<'_>, item: &str) -> Vec<NextStep> {
    let step = |why: &str, command: String| NextStep { why: why.to_string(), command };
    let is_part = around.intakes.iter().any(|intake| intake.source() == item)
        || around.feeds.iter().any(|feed| feed.name() == item)
        || around.intakes.iter().any(|intake| intake.sender.partner == item)
        || around.feeds.iter().any(|feed| feed.partner == item);
    if is_part {
        return vec![step("see how it stands", format!("nattpost status {item}"))];
    }
    let named: Vec<String> = around.remotes.iter().map(|remote| remote.name.clone()).collect();
    let meant = named.iter().find(|name| name.rsplit('/').next() == Some(item));
    if let Some(name) = meant {
        return vec![step("see how that remote stands", format!("nattpost explain {name}"))];
    }
    vec![step("see what came of late, by any part of a name", "nattpost files \"*PART*\"".to_string())]
}

struct Teller<'a> {
    sight: Sight<'a>,
}

impl Teller<'_> {
    fn at(&self, instant: DateTime<Utc>) -> String {
        moments::told(instant, self.sight.now, self.sight.zone)
    }

    fn at_stored(&self, text: &str) -> String {
        clock::read_iso(text).map_or_else(|| text.to_string(), |at| self.at(at))
    }

    fn waiting(&self, file: &WaitingFile, intakes: &[Arc<Intake>], daemon_runs: bool) -> Story {
        let source = file.source();
        let folder = if file.partner.is_empty() { source.clone() } else { format!("in/{source}") };
        let (what, taken) = match (&file.why, file.why.is_on_its_way()) {
            (_, true) => ("A file", "is not taken yet"),
            (Why::PassedOver(PassedOver::SubFolder), _) => ("A folder", "is not taken"),
            _ => ("A file", "is not taken"),
        };
        let mut sentences = vec![format!(
            "{what} of this name lies in {folder} now ({}, last changed {}) and {taken}.",
            moments::size(file.size),
            self.at(file.changed)
        )];
        sentences.push(match &file.why {
            // It begins with the name.
            Why::Odd(words) => format!("{words}."),
            why => format!("It {}.", why.told(daemon_runs)),
        });
        if file.why.is_on_its_way() {
            if !daemon_runs {
                sentences.push("No daemon runs on this spool.".to_string());
            }
            let intake = intakes.iter().find(|i| i.source() == source);
            sentences.extend(intake.map(|intake| format!("Rule: {}.", rule_of(intake))));
        }
        Story { title: format!("{} in {folder}", file.name), sentences, next: Vec::new() }
    }

    fn run_told(&self, run: &RunRow) -> String {
        let name = if run.name.is_empty() { String::new() } else { format!(" as {}", run.name) };
        let ready = self.at_stored(&run.ready_at);
        let state = match (run.state, &run.sent_at) {
            (RunState::Sent, _) if !run.rehearsed.answers() => {
                format!("which would have gone out {ready} (mode shadow)")
            }
            (RunState::Sent, Some(sent)) => format!("taken or delivered {}", self.at_stored(sent)),
            (RunState::Sent, None) => "taken or delivered".to_string(),
            (RunState::Ready, _) => format!("which stands ready since it was made {ready}"),
            (RunState::Delivering | RunState::Renaming, _) => format!("made {ready} and being delivered"),
            (RunState::Failed, _) => format!("which failed {ready}"),
            (RunState::Empty, _) => format!("which was empty {ready}"),
            (RunState::Locked, _) => format!("locked by the guard {ready}"),
            (RunState::Discarded, _) if run.number > 0 => format!("made {ready} and dropped by a person"),
            (RunState::Discarded, _) => format!("made {ready}, locked by the guard and discarded"),
            (RunState::Superseded, _) => format!("made {ready} and replaced by a newer one before it was taken"),
        };
        let test = if run.rehearsed == Mode::Test { " (a test)" } else { "" };
        format!("{}{name}{test}, {state}", title_of_run(run))
    }
}

/// A file of ours whose database is not the one that is looked at.
fn unknown(path: &Path, name: &str) -> Story {
    let told =
        format!("It stands at {} and the database does not know it: that is an older or another one.", path.display());
    let next = "The database that knew it tells what it was; without one, move it to its intake's folder in in/ to have it judged anew.";
    Story { title: name.to_string(), sentences: vec![told, next.to_string()], next: Vec::new() }
}

/// `in/shop/a.csv`, `./spool/in/shop/a.csv` and the whole path mean the same file; a name alone means no path.
fn is_meant(path: &Path, item: &str) -> bool {
    let item = item.rsplit("../").next().unwrap_or(item);
    item.contains('/') && path.ends_with(item.trim_start_matches("./"))
}

fn source(file: &FileRow) -> String {
    format!("{}/{}", file.partner, file.intake)
}

pub fn title_of_run(run: &RunRow) -> String {
    let number = if run.number == 0 { " (no number)".to_string() } else { format!("#{}", run.number) };
    format!("{}/{}{number}", run.partner, run.feed)
}

/// `order` → `Orders`.
fn requests_of(kind: &str) -> String {
    format!("{}s", title(kind))
}

/// `order` → `Order`.
fn title(kind: &str) -> String {
    let mut letters = kind.replace('_', " ").chars().collect::<Vec<_>>();
    if let Some(first) = letters.first_mut() {
        *first = first.to_ascii_uppercase();
    }
    letters.into_iter().collect()
}

fn rule_of(intake: &Intake) -> String {
    match &intake.settle {
        Settle::Rename => "settle = rename, a file is moved in whole and taken at once".to_string(),
        Settle::Stable(pause) => {
            format!("settle = stable {} s, a file must rest for so long by our clock", pause.as_secs())
        }
        Settle::DoneFile { suffix } => format!("settle = done-file, a second file with {suffix} vouches for it"),
    }
}
