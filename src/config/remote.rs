//! `[remote.NAME]`, and where intakes and feeds name one: `from = "REMOTE:FOLDER"`, `to = "REMOTE:FOLDER"`. What must fit
//! together is checked after each key was read alone.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::company::Company;
use super::fingerprint;
use super::forms;
use super::ftp;
use super::keyed::{Keyed, Wrong, parse_duration};
use super::keys::Table;
use crate::model::document::{Section, suggest};
use crate::model::intake::{Intake, Settle};
use crate::model::remote::{After, Claiming, FetchFrom, Folder, Kind, Redeliver, RemoteRule, SendTo};
use crate::model::remote_name;

const LEAST_TIMEOUT: Duration = Duration::from_secs(5);
const MOST_TIMEOUT: Duration = Duration::from_secs(10 * 60);
const LEAST_EVERY: Duration = Duration::from_secs(10);
const MOST_EVERY: Duration = Duration::from_secs(86_400);
const CONNECTIONS_MAX: u32 = 16;

/// None where it lacks what it needs; the problem is reported.
pub fn read(partner: &str, id: &str, section: &Section<'_>, company: &Company) -> Option<RemoteRule> {
    let keyed = Keyed::new(section, Table::Remote);
    let kind = keyed.has("kind").then(|| keyed.required_text("kind"));
    let connections = keyed.number("connections", 1, CONNECTIONS_MAX) as u8;
    let timeout = keyed.value("timeout", parse_duration(LEAST_TIMEOUT, MOST_TIMEOUT));
    let path = keyed.parsed("path", |text| folder_path(text, company));
    let kind = match kind.as_deref() {
        Some("ftp") => {
            section.pass_over(&["path"]);
            if keyed.has("path") {
                section.problem("path", "belongs to kind folder; expected host, user and password.");
            }
            Kind::Ftp(ftp::read(&keyed, company)?)
        }
        Some("folder") => {
            section.pass_over(&ftp::KEYS);
            for key in ftp::KEYS.into_iter().filter(|key| keyed.has(key)) {
                section.problem(key, "belongs to kind ftp; a folder has only its path.");
            }
            if !keyed.has("path") {
                section.problem("path", "is missing: a remote of kind folder needs to know which one.");
            }
            Kind::Folder { path: path? }
        }
        None => {
            section.pass_over(&ftp::KEYS);
            section.problem("kind", "is missing; expected kind = \"ftp\" or kind = \"folder\".");
            return None;
        }
        // Told as empty.
        Some("") => {
            section.pass_over(&ftp::KEYS);
            return None;
        }
        Some(other) => {
            section.pass_over(&ftp::KEYS);
            let wrong = Wrong::word(other, &["folder", "ftp"]);
            section.problem_with("kind", wrong.text, wrong.suggestion);
            return None;
        }
    };
    let mut rule = RemoteRule { name: format!("{partner}/{id}"), kind, connections, timeout, fingerprint: 0 };
    rule.fingerprint = fingerprint::of_texts([(rule.name.as_str(), format!("{rule:?}").as_str())]);
    Some(rule)
}

fn folder_path(text: &str, company: &Company) -> Result<std::path::PathBuf, Wrong> {
    if text.trim().is_empty() || text.contains('\0') {
        return Err(Wrong::new("is empty; expected the path of a folder."));
    }
    let path = company.folder.join(text);
    if path.starts_with(&company.spool) || Path::new(text).starts_with(&company.spool) {
        return Err(Wrong::new(format!(
            "\"{text}\" lies inside the spool, where files are moved and removed; expected a folder outside. What a partner drops here is taken from in/ without a remote."
        )));
    }
    Ok(path)
}

/// The remotes of a partner.
#[derive(Debug, Default)]
pub struct Remotes {
    pub rules: Vec<Arc<RemoteRule>>,
    /// `[remote.NAME]` that could not be read: naming one is no second problem.
    broken: Vec<String>,
}

impl Remotes {
    pub fn add(&mut self, id: &str, rule: Option<RemoteRule>) {
        match rule {
            Some(rule) => self.rules.push(Arc::new(rule)),
            None => self.broken.push(id.to_string()),
        }
    }

    /// By its name, `partner/remote`.
    pub fn find(&self, name: &str) -> Option<&RemoteRule> {
        self.rules.iter().find(|rule| rule.name == name).map(|rule| &**rule)
    }
}

/// `ftp:/outgoing/orders`; none where that remote has problems of its own.
fn place(text: &str, remotes: &Remotes, partner: &str) -> Result<Option<(String, Folder)>, Wrong> {
    let Some((remote, folder)) = text.split_once(':') else {
        return Err(Wrong::new(format!(
            "\"{text}\" does not name a folder at a remote; expected REMOTE:FOLDER, like \"ftp:/outgoing\"."
        )));
    };
    let folder =
        Folder::parse(folder.as_bytes()).map_err(|why| Wrong::new(format!("\"{}\": {why}.", text.escape_debug())))?;
    if remotes.broken.iter().any(|broken| broken == remote) {
        return Ok(None);
    }
    let name = format!("{partner}/{remote}");
    if remotes.find(&name).is_none() {
        let ids = remotes.rules.iter().filter_map(|rule| rule.name.split_once('/')).map(|(_, id)| id);
        let known: Vec<&str> = ids.chain(remotes.broken.iter().map(String::as_str)).collect();
        let expected = match known.is_empty() {
            true => "this partner has no [remote.NAME]".to_string(),
            false => format!("expected one of: {}", known.join(", ")),
        };
        return Err(Wrong {
            text: format!("there is no remote \"{remote}\"; {expected}."),
            suggestion: suggest(remote, &known),
        });
    }
    Ok(Some((name, folder)))
}

/// Where an intake takes its files from; none: from its folder in in/ alone.
pub fn read_from(keyed: &Keyed<'_, '_>, partner: &str, remotes: &Remotes, settle: &Settle) -> Option<FetchFrom> {
    let found = keyed.parsed("from", |text| place(text, remotes, partner));
    let matching: Vec<String> = keyed.parsed_list("match", pattern);
    let every = keyed.value("every", parse_duration(LEAST_EVERY, MOST_EVERY));
    let after = keyed.value("after", after);
    let says_claim = keyed.has("claim");
    let claim =
        keyed.value("claim", |text| forms::word(text, &[("rename", Claiming::Rename), ("look", Claiming::Look)]));
    if !keyed.has("from") {
        for key in ["match", "every", "claim", "after"] {
            if keyed.has(key) {
                keyed
                    .section
                    .problem(key, "decides nothing without from = \"REMOTE:FOLDER\"; add it, or take this out.");
            }
        }
        return None;
    }
    let (remote, folder) = found??;
    if after == After::Keep {
        if says_claim && claim == Claiming::Rename {
            keyed
                .section
                .problem("claim", "a kept file stays under its name; take claim out, or say what happens after.");
        }
        if matches!(settle, Settle::DoneFile { .. }) {
            keyed.section.problem("after", "a file that is kept would be vouched for again by its done-file; expected \"delete\", \"move FOLDER\" or \"rename {name}.done\".");
        }
    }
    if matches!(&after, After::Move(to) if *to == folder) {
        keyed.section.problem("after", "moves files to the folder they are taken from; expected another one.");
    }
    if let After::Rename(pattern) = &after
        && matching.iter().any(|own| {
            remote_name::matches(own.as_bytes(), pattern.replace("{name}", own.trim_matches('*')).as_bytes())
        })
    {
        keyed.section.problem(
            "after",
            "gives files a name that this intake takes again; expected another name, or a narrower match.",
        );
    }
    Some(FetchFrom { remote, folder, matching, every, claim, after })
}

fn pattern(text: &str) -> Result<String, Wrong> {
    if text.is_empty() || text.contains('/') {
        return Err(Wrong::new(format!(
            "\"{text}\" is no pattern of file names; expected something like \"orders*.csv\"."
        )));
    }
    Ok(text.to_string())
}

fn after(text: &str) -> Result<After, Wrong> {
    let (word, rest) = text.split_once(' ').map_or((text, ""), |(word, rest)| (word, rest.trim()));
    match (word, rest) {
        ("delete", "") => Ok(After::Delete),
        ("keep", "") => Ok(After::Keep),
        ("move", folder) if !folder.is_empty() => Folder::parse(folder.as_bytes())
            .map(After::Move)
            .map_err(|why| Wrong::new(format!("\"{}\": {why}.", text.escape_debug()))),
        ("rename", pattern) if pattern.contains("{name}") && pattern != "{name}" && !pattern.contains('/') => {
            Ok(After::Rename(pattern.to_string()))
        }
        _ => Err(Wrong {
            text: format!(
                "\"{text}\" does not say what happens to a file that was taken; expected \"delete\", \"move FOLDER\", \"rename {{name}}.done\" or \"keep\"."
            ),
            suggestion: suggest(word, &["delete", "move", "rename", "keep"]),
        }),
    }
}

/// Where the files of a feed, or the receipts of an intake, are brought; none: they are picked up.
pub fn read_to(keyed: &Keyed<'_, '_>, key: &str, partner: &str, remotes: &Remotes) -> Option<SendTo> {
    let (remote, folder) = keyed.parsed(key, |text| place(text, remotes, partner))??;
    Some(SendTo { remote, folder, upload_as: None, redeliver: Redeliver::Ask })
}

/// The same of a feed, with what else it may say of it. `is_request`: its files ask for something once.
pub fn read_feed_to(keyed: &Keyed<'_, '_>, partner: &str, remotes: &Remotes, is_request: bool) -> Option<SendTo> {
    let to = read_to(keyed, "to", partner, remotes);
    let upload_as = keyed.parsed("upload_as", upload_as);
    let redeliver =
        keyed.value("redeliver", |text| forms::word(text, &[("ask", Redeliver::Ask), ("always", Redeliver::Always)]));
    if !keyed.has("to") {
        for key in ["upload_as", "redeliver"] {
            if keyed.has(key) {
                keyed.section.problem(key, "decides nothing without to = \"REMOTE:FOLDER\"; add it, or take this out.");
            }
        }
    } else if keyed.has("redeliver") && !is_request {
        keyed.section.problem("redeliver", "decides nothing here: a file of facts is sent again whenever nobody knows whether it arrived. Take it out.");
    }
    to.map(|to| SendTo { upload_as, redeliver, ..to })
}

/// Two runs must never meet under one name: it holds the run's id, or stands in a folder of its own.
fn upload_as(text: &str) -> Result<String, Wrong> {
    let is_apart = text.contains("{run_id}") || text.split_once('/').is_some_and(|(folder, _)| !folder.is_empty());
    let leads_out = text.starts_with('/') || text.split('/').any(|step| matches!(step, "" | "." | ".."));
    let names_it = text.contains("{name}") || text.contains("{run_id}");
    if is_apart && names_it && !leads_out && !text.contains(['\r', '\n', '\0']) {
        return Ok(text.to_string());
    }
    Err(Wrong::new(format!(
        "\"{text}\" is no name for a file being sent; expected one with {{run_id}}, like \"{{name}}.{{run_id}}.part\", or in a folder of its own, like \"tmp/{{name}}\"."
    )))
}

/// Two intakes on one folder must not both claim a file.
pub fn check_apart(section: &Section<'_>, intake: &Intake, others: &[Arc<Intake>]) {
    let Some(from) = &intake.from else { return };
    let same = |other: &&Arc<Intake>| {
        other.from.as_ref().is_some_and(|theirs| {
            (&theirs.remote, &theirs.folder) == (&from.remote, &from.folder)
                && overlap(&theirs.matching, &from.matching)
        })
    };
    if let Some(other) = others.iter().find(same) {
        section.problem(
            "from",
            format!(
                "the intake \"{}\" takes files from this folder too, and a name could fit both; expected another folder, or match patterns that tell them apart.",
                other.id
            ),
        );
    }
    let moves_here = |other: &&Arc<Intake>| match (&intake.from, &other.from) {
        (Some(mine), Some(theirs)) if mine.remote == theirs.remote => {
            matches!(&theirs.after, After::Move(to) if *to == mine.folder)
                || matches!(&mine.after, After::Move(to) if *to == theirs.folder)
        }
        _ => false,
    };
    if let Some(other) = others.iter().find(moves_here) {
        section.problem(
            "after",
            format!(
                "files would go round between this intake and \"{}\"; expected a folder that none takes from.",
                other.id
            ),
        );
    }
}

/// Could one name fit both? In doubt yes: two patterns are apart only where their fixed beginnings or ends are.
fn overlap(one: &[String], other: &[String]) -> bool {
    let fixed = |text: &str| text.find(['*', '?']).map(|at| text[..at].to_string());
    let ending = |text: &str| text.rfind(['*', '?']).map(|at| text[at + 1..].to_string());
    let apart = |a: &str, b: &str| match (fixed(a), fixed(b), ending(a), ending(b)) {
        (None, None, ..) => a != b,
        (None, Some(_), ..) => !remote_name::matches(b.as_bytes(), a.as_bytes()),
        (Some(_), None, ..) => !remote_name::matches(a.as_bytes(), b.as_bytes()),
        (Some(x), Some(y), Some(u), Some(v)) => {
            !(x.starts_with(&y) || y.starts_with(&x)) || !(u.ends_with(&v) || v.ends_with(&u))
        }
        _ => false,
    };
    one.iter().any(|a| other.iter().any(|b| !apart(a, b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_apart_where_no_name_fits_both() {
        for (one, other, both) in [
            ("*", "x.csv", true),
            ("orders*.csv", "stock*.csv", false),
            ("orders*.csv", "order*.csv", true),
            ("*.csv", "*.xml", false),
            ("a.csv", "a.csv", true),
            ("a.csv", "b.csv", false),
            ("a*.csv", "a1.csv", true),
            ("a*.csv", "b.csv", false),
        ] {
            assert_eq!(overlap(&[one.into()], &[other.into()]), both, "{one} {other}");
            assert_eq!(overlap(&[other.into()], &[one.into()]), both, "{other} {one}");
        }
    }

    #[test]
    fn what_happens_after_is_read() {
        let folder = |text: &str| Folder::parse(text.as_bytes()).unwrap();
        for (text, expected) in [
            ("delete", After::Delete),
            ("keep", After::Keep),
            ("move /done", After::Move(folder("/done"))),
            ("rename {name}.done", After::Rename("{name}.done".into())),
        ] {
            assert_eq!(after(text), Ok(expected));
        }
        for text in ["", "move", "move ../x", "rename x", "rename {name}", "rename a/{name}", "delete all"] {
            assert!(after(text).is_err(), "{text}");
        }
    }
}
