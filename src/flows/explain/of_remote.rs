//! The stories of remotes: how one stands, and why a name that stands there is not taken.

use anyhow::Result;

use super::{Around, Story, Teller, rule_of};
use crate::edges::store::ledger::CollectRow;
use crate::flows::moments;
use crate::flows::next_steps::NextStep;
use crate::flows::remotes::{LookThere, NOTED_NAMES, RemoteStatus, remotes, rests_until, trouble_told};
use crate::flows::show::There;
use crate::model::diagnostic::shown;
use crate::model::remote_name::matches;

/// Names and files told one by one.
const TOLD: usize = 10;

impl Teller<'_> {
    /// `shop/ftp`.
    pub(super) fn remote(&self, around: &Around<'_>, name: &str) -> Result<Option<Story>> {
        let found = remotes(self.sight, around.remotes, around.intakes, &|one| one == name)?;
        let Some(remote) = found.into_iter().next() else { return Ok(None) };
        let mut told = Vec::new();
        told.push(match (&remote.state, remote.trouble()) {
            _ if !remote.configured => {
                "It is in the configuration no more; what is listed here is still owed there.".to_string()
            }
            (None, _) => format!("It is {} and was never tried.", remote.place),
            (Some(state), None) => {
                let last = state.last_ok.as_deref().map(|at| format!(", {} for the last time", self.at_stored(at)));
                format!("It is {}, and answers{}.", remote.place, last.unwrap_or_default())
            }
            (Some(_), Some(_)) => format!("It is {}.", remote.place),
        });
        told.extend(remote.state.as_ref().and_then(|state| trouble_told(state, &|at| self.at_stored(at))));
        told.extend(self.waits_for(&remote));
        for look in &remote.looks {
            told.push(self.look(look));
            told.extend(look.not_taken().iter().take(TOLD).map(|one| {
                let name = if one.name.is_empty() { "The folder" } else { &one.name };
                format!("{name} {}.", one.words.trim_end_matches('.'))
            }));
        }
        let partner = name.split('/').next().unwrap_or(name);
        let try_it = |_| NextStep {
            why: "try it now, step by step".to_string(),
            command: format!("nattpost check --connect {partner}"),
        };
        let next = remote.trouble().map(try_it).into_iter().collect();
        Ok(Some(Story { title: format!("Remote {}", remote.name), sentences: told, next }))
    }

    fn waits_for(&self, remote: &RemoteStatus) -> Vec<String> {
        let mut told = Vec::new();
        for owed in remote.to_bring.iter().take(TOLD) {
            let why = if owed.is_unknown { ", for a person" } else { "" };
            told.push(format!(
                "{} of {} waits to be brought there since {}{why} (run {}).",
                owed.name,
                owed.feed,
                self.at_stored(&owed.since),
                owed.run
            ));
        }
        if remote.to_bring.len() > TOLD {
            told.push(format!("And {} more files wait to be brought.", remote.to_bring.len() - TOLD));
        }
        if remote.to_fetch > 0 {
            told.push(format!(
                "{} there known and not taken yet.",
                moments::count(remote.to_fetch, "file is", "files are")
            ));
        }
        if remote.to_clear > 0 {
            told.push(format!(
                "{} taken and still to be removed, moved or renamed there.",
                moments::count(remote.to_clear, "file was", "files were")
            ));
        }
        told
    }

    fn look(&self, look: &LookThere) -> String {
        let paused = if look.paused { "; it is paused by a person" } else { "" };
        match &look.look {
            None => format!("{} takes files from {} and has not looked yet{paused}.", look.source, look.origin),
            Some(row) => format!(
                "{} takes files from {}; its look {} found {}{paused}.",
                look.source,
                look.origin,
                self.at_stored(&row.looked_at),
                moments::count(row.listed, "name", "names")
            ),
        }
    }

    /// Names that stood at a remote at the last look and were not taken.
    pub(super) fn named_there(&self, around: &Around<'_>, name: &str) -> Result<Vec<Story>> {
        let mut stories = Vec::new();
        for remote in remotes(self.sight, around.remotes, around.intakes, &|_| true)? {
            for look in &remote.looks {
                for one in look.not_taken().iter().filter(|one| one.name == name) {
                    let at = look.look.as_ref().map(|row| self.at_stored(&row.looked_at)).unwrap_or_default();
                    let mut told = vec![
                        format!("It stands at {}, by the look {at}, and is not taken by {}.", look.origin, look.source),
                        format!("It {}.", one.words.trim_end_matches('.')),
                    ];
                    told.extend(self.why_nobody_looks(&remote, look, around.daemon_runs));
                    let intake = around.intakes.iter().find(|intake| intake.source() == look.source);
                    told.extend(intake.map(|intake| format!("Rule: {}.", rule_of(intake))));
                    stories.push(Story {
                        title: format!("{name} at {}", look.origin),
                        sentences: told,
                        next: Vec::new(),
                    });
                }
            }
        }
        Ok(stories)
    }

    fn why_nobody_looks(&self, remote: &RemoteStatus, look: &LookThere, daemon_runs: bool) -> Vec<String> {
        let mut told = Vec::new();
        if look.paused {
            told.push(format!(
                "{} is paused by a person, so nobody looks (nattpost resume {}).",
                look.source, look.source
            ));
        }
        let rests = remote.state.as_ref().filter(|state| rests_until(state, self.sight).is_some());
        told.extend(rests.and_then(|state| trouble_told(state, &|at| self.at_stored(at))));
        if !daemon_runs {
            told.push("No daemon runs on this spool.".to_string());
        }
        told
    }

    /// Where it was looked for in vain.
    pub(super) fn looked_in(&self, around: &Around<'_>, name: &str) -> Result<Vec<String>> {
        let mut told = Vec::new();
        for remote in remotes(self.sight, around.remotes, around.intakes, &|_| true)? {
            let trouble = remote.state.as_ref().and_then(|state| trouble_told(state, &|at| self.at_stored(at)));
            told.extend(trouble.filter(|_| !remote.looks.is_empty()));
            for look in &remote.looks {
                told.push(self.look(look));
                told.extend(unnoted(around, look, name));
            }
        }
        Ok(told)
    }

    /// What of a collected file is still at its remote.
    pub(super) fn there(&self, there: &There, origin: &str) -> Vec<String> {
        match there {
            There::Nothing if origin.contains(':') => {
                vec![format!("It came from {origin}; nothing is owed there any more.")]
            }
            There::Nothing => Vec::new(),
            There::Stays => vec![format!("It came from {origin} and stays there (after = \"keep\").")],
            There::Owed(rows) => {
                let owed: Vec<String> = rows.iter().map(|row| owed(row, rows.len() > 1)).collect();
                vec![format!("It came from {origin}. {}", owed.join(" "))]
            }
        }
    }
}

/// What can be said of a name that may stand there beyond those that are noted.
fn unnoted(around: &Around<'_>, look: &LookThere, name: &str) -> Option<String> {
    if !look.is_cut() {
        return None;
    }
    let intake = around.intakes.iter().find(|intake| intake.source() == look.source);
    let patterns = intake.and_then(|intake| intake.from.as_ref()).map(|from| &from.matching);
    let fits = patterns.is_none_or(|all| all.iter().any(|one| matches(one.as_bytes(), name.as_bytes())));
    let rule = if fits { "" } else { "; this one would not be taken, since it fits none of the intake's patterns" };
    Some(format!(
        "Of the names there that are not taken the first {NOTED_NAMES} are noted, and it is none of them: it may be one of the others{rule}."
    ))
}

/// `is_one_of`: of several files that are one arrival.
fn owed(row: &CollectRow, is_one_of: bool) -> String {
    let text = |bytes: &[u8]| shown(&String::from_utf8_lossy(bytes));
    let it = if is_one_of { text(&row.own_name) } else { "It".to_string() };
    let stands = match (&row.claim, row.is_taken) {
        (Some(claim), true) => format!("{it} stands there as {}", text(claim)),
        (Some(claim), false) if is_one_of => {
            format!("There {it} is called {}, or gets that name to be fetched", text(claim))
        }
        (Some(claim), false) => format!("There it is called {}, or gets that name to be fetched", text(claim)),
        (None, _) => format!("{it} stands there as {}", text(&row.name)),
    };
    let target = row.target.as_deref().map(text).unwrap_or_default();
    match (row.is_taken, &row.then_do[..]) {
        (false, _) => format!("{stands}."),
        (true, "move") => format!("{stands}, was taken and is still to be moved to {target}."),
        (true, "rename") => format!("{stands}, was taken and is still to be renamed to {target}."),
        (true, _) => format!("{stands}, was taken and is still to be removed."),
    }
}
