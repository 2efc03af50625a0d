//! How remotes stand, from the ledger alone, so that it is told whether a daemon runs or not: how each answered last, what waits for
//! it and since when, which names stand there and are not taken. It changes nothing.

use std::sync::Arc;

use anyhow::Result;

use super::files::Sight;
use crate::edges::clock;
use crate::edges::store::Owed;
use crate::edges::store::ledger::{RemoteLook, RemoteState};
use crate::model::intake::Intake;
use crate::model::remote::{Kind, RemoteRule, shown_server};
use crate::model::rules::patience::Trouble;

/// So many names of each folder that are not taken stand in the ledger, for people: a look that changes them writes them anew.
pub const NOTED_NAMES: usize = 1_000;

#[derive(Debug)]
pub struct RemoteStatus {
    /// `partner/remote`.
    pub name: String,
    /// False: the ledger knows it, the configuration no longer does.
    pub configured: bool,
    /// `ftp.shop.example:21`, `the folder /mnt/dealer`.
    pub place: String,
    /// None: it was never tried.
    pub state: Option<RemoteState>,
    /// Files of ours that wait to be brought there, the oldest first; also those that a person decides about.
    pub to_bring: Vec<Owed>,
    /// Files there that are known and not fetched yet.
    pub to_fetch: u64,
    /// Files there that were taken and are still to be removed, moved or renamed.
    pub to_clear: u64,
    pub looks: Vec<LookThere>,
}

/// The last look of an intake at its folder there.
#[derive(Debug)]
pub struct LookThere {
    pub source: String,
    /// `shop/ftp:/out`.
    pub origin: String,
    /// None: nobody has looked yet.
    pub look: Option<RemoteLook>,
    pub paused: bool,
}

/// A name that stood there at the last look and was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotTaken {
    /// Empty: the folder itself.
    pub name: String,
    /// To stand behind the name.
    pub words: String,
    /// It is none of the intake's files by its name: for whoever asks after it, and nothing that waits.
    pub is_nobodys: bool,
}

impl NotTaken {
    pub fn new(name: impl ToString, words: String) -> NotTaken {
        NotTaken { name: name.to_string(), words, is_nobodys: false }
    }

    pub fn of_nobody(name: impl ToString, words: String) -> NotTaken {
        NotTaken { is_nobodys: true, ..NotTaken::new(name, words) }
    }

    /// As `remote_look.sample` keeps it.
    pub fn line(&self) -> String {
        let plain = |text: &str| text.replace(['\n', '\t'], " ");
        format!("{}\t{}{}", plain(&self.name), plain(&self.words), if self.is_nobodys { "\t-" } else { "" })
    }

    fn read(line: &str) -> Option<NotTaken> {
        let mut parts = line.split('\t');
        let (name, words) = (parts.next()?, parts.next()?);
        Some(NotTaken { is_nobodys: parts.next().is_some(), ..NotTaken::new(name, words.to_string()) })
    }
}

impl RemoteStatus {
    pub fn trouble(&self) -> Option<Trouble> {
        self.state.as_ref().and_then(|state| Trouble::parse(&state.trouble))
    }

    /// In one or two words.
    pub fn word(&self) -> &'static str {
        match (self.trouble(), &self.state) {
            _ if !self.configured => "not configured",
            (Some(Trouble::Passing), _) => "SILENT",
            (Some(Trouble::Refused), _) => "REFUSES",
            (Some(Trouble::Login), _) => "LOGIN REFUSED",
            (None, None) => "not tried yet",
            (None, Some(_)) => "well",
        }
    }
}

impl LookThere {
    /// There may be more than the ledger holds.
    pub fn is_cut(&self) -> bool {
        self.look.as_ref().is_some_and(|look| look.sample.lines().count() >= NOTED_NAMES)
    }

    pub fn not_taken(&self) -> Vec<NotTaken> {
        self.look.as_ref().map_or("", |look| &look.sample).lines().filter_map(NotTaken::read).collect()
    }
}

/// All that are configured, and such as something is still owed to. `wanted` says by name which.
pub fn remotes(
    sight: Sight<'_>,
    rules: &[Arc<RemoteRule>],
    intakes: &[Arc<Intake>],
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<RemoteStatus>> {
    let snapshot = sight.snapshot;
    let (states, owed) = (snapshot.remote_states()?, snapshot.owed_to_remotes()?);
    let mut deliveries = snapshot.owed_deliveries()?;
    deliveries.sort_by(|a, b| a.since.cmp(&b.since));
    let looks = snapshot.remote_looks()?;
    let paused = snapshot.paused()?;
    let mut names: Vec<String> = rules.iter().map(|rule| rule.name.clone()).collect();
    for name in owed.iter().map(|(name, ..)| name).chain(deliveries.iter().map(|owed| &owed.remote)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names.retain(|name| wanted(name));
    let mut found = Vec::new();
    for name in names {
        let rule = rules.iter().find(|rule| rule.name == name);
        let there = |intake: &&Arc<Intake>| intake.from.as_ref().is_some_and(|from| from.remote == name);
        let (_, to_fetch, to_clear) = owed.iter().find(|(of, ..)| *of == name).cloned().unwrap_or_default();
        let look = |intake: &Arc<Intake>| LookThere {
            source: intake.source(),
            origin: intake.from.as_ref().map(|from| from.origin()).unwrap_or_default(),
            look: looks.iter().find(|l| l.partner == intake.sender.partner && l.intake == intake.id).cloned(),
            paused: paused.intake(&intake.sender.partner, &intake.id),
        };
        found.push(RemoteStatus {
            configured: rule.is_some(),
            place: rule.map(|rule| place(rule)).unwrap_or_default(),
            state: states.iter().find(|state| state.remote == name).cloned(),
            to_bring: deliveries.iter().filter(|owed| owed.remote == name).cloned().collect(),
            to_fetch,
            to_clear,
            looks: intakes.iter().filter(there).map(look).collect(),
            name,
        });
    }
    Ok(found)
}

fn place(rule: &RemoteRule) -> String {
    match &rule.kind {
        Kind::Folder { path } => format!("the folder {}", path.display()),
        Kind::Ftp(ftp) => shown_server(&ftp.host, ftp.port),
    }
}

/// How a remote that does not work is told; nothing while it works. `at` puts a stored instant into words.
pub fn trouble_told(state: &RemoteState, at: &dyn Fn(&str) -> String) -> Option<String> {
    let trouble = Trouble::parse(&state.trouble)?;
    let what = match trouble {
        Trouble::Passing => "cannot be reached or does not answer",
        Trouble::Refused => "refuses us",
        Trouble::Login => "refuses our user or password, so it is asked rarely lest it locks the account",
    };
    let since = state.since.as_deref().map(|since| format!(" since {}", at(since))).unwrap_or_default();
    let tries = match state.failures {
        0 | 1 => String::new(),
        many => format!(" ({many} tries in a row)"),
    };
    let last = state.last_ok.as_deref().map(|ok| format!(" It answered last {}.", at(ok))).unwrap_or_default();
    let next = state.next_try.as_deref().map(|next| format!(" It is tried again {}.", at(next))).unwrap_or_default();
    let words = state.words.trim_end_matches('.');
    Some(format!("{} {what}{since}{tries}: {words}.{last}{next}", state.remote))
}

/// Not over yet?
pub fn rests_until(state: &RemoteState, sight: Sight<'_>) -> Option<String> {
    state.next_try.clone().filter(|next| clock::read_iso(next).is_some_and(|next| next > sight.now))
}
