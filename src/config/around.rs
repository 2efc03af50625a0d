//! What a configuration points to, looked at as it is now: secrets, authorities, folders. `check` does it for people; a start and a
//! reload do not, since one partner's missing file is no reason to keep the others waiting.
//!
//! The configuration is well; its files are read once more, for the places of what is found.

use std::path::Path;

use super::come_back::Places;
use super::{Config, across, for_one_alone, one_name, texts, untold};
use crate::edges::secret::{self, SecretFault};
use crate::model::document::{Document, DocumentProblem, Section, Spot};
use crate::model::secret::SecretRef;

/// What was found, in the order of the files and lines.
#[derive(Debug, Default)]
pub struct Around {
    pub problems: Vec<DocumentProblem>,
    /// Worth knowing, and no reason to change anything.
    pub notes: Vec<DocumentProblem>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Problem,
    Note,
}

pub fn look_around(config: &Config) -> Around {
    let folder = config.path.parent().unwrap_or(Path::new(""));
    let name = config.path.file_name().map_or_else(|| "nattpost.toml".into(), |name| name.to_string_lossy());
    // A file that vanished since it was read is told by the next look.
    let main = texts::read(&config.path, &name);
    let partners =
        texts::read_folder(&config.partners_folder, &super::shown(&config.partners_folder, folder), &mut Vec::new());
    let find = |sort: Sort| {
        let mut found = Vec::new();
        if let Ok(main) = &main {
            found.extend(of_document(&main.name, &main.text, |root| look_at_company(root, sort)));
        }
        for text in &partners {
            let looks_for = if sort == Sort::Problem { Places::One } else { Places::Maybe };
            found.extend(of_document(&text.name, &text.text, |root| {
                look_at_partner(root, folder, sort);
                across::look(root, &text.stem, config, looks_for);
                if sort == Sort::Note {
                    one_name::look(root, &text.stem, config);
                    untold::look(root, &text.stem, config);
                    for_one_alone::look(root, &text.stem, config);
                }
            }));
        }
        found
    };
    Around { problems: find(Sort::Problem), notes: find(Sort::Note) }
}

fn of_document(name: &str, text: &str, look: impl Fn(&Section<'_>)) -> Vec<DocumentProblem> {
    let document = Document::parse(name, text);
    look(&known(document.root()));
    document.into_problems()
}

/// Its keys were judged when the configuration was read.
pub(super) fn known(section: Section<'_>) -> Section<'_> {
    let keys = section.keys();
    section.pass_over(&keys.iter().map(|key| key.value.as_str()).collect::<Vec<_>>());
    section
}

fn look_at_company(root: &Section<'_>, sort: Sort) {
    if let Some(mail) = root.section("mail").map(known) {
        look_at_secret(&mail, "password", mail.text_spot("password"), sort);
    }
    for (_, channel) in root.named_sections("notices") {
        let channel = known(channel);
        for (name, value) in channel.has("header").then(|| channel.pairs("header")).flatten().unwrap_or_default() {
            look_at_secret(&channel, &format!("header.{}", name.value), Some(value), sort);
        }
    }
}

fn look_at_partner(root: &Section<'_>, folder: &Path, sort: Sort) {
    for (_, remote) in root.named_sections("remote") {
        let remote = known(remote);
        for key in ["password", "client_cert", "client_key"] {
            look_at_secret(&remote, key, remote.text_spot(key), sort);
        }
        if let (Some(ca), Sort::Problem) = (remote.text_spot("ca"), sort)
            && let Err(why) = std::fs::File::open(folder.join(&ca.value))
        {
            let words =
                format!("\"{}\" cannot be read: {why}. Expected the certificate of an authority as PEM.", ca.value);
            remote.problem_at(ca.span, "ca", words, None);
        }
        if let (Some(path), Sort::Problem) = (remote.text_spot("path"), sort)
            && !folder.join(&path.value).is_dir()
        {
            let words = format!("there is no folder \"{}\"; make it, or mount what belongs there.", path.value);
            remote.problem_at(path.span, "path", words, None);
        }
        if let (Some(tls), Sort::Note) = (remote.text_spot("tls").filter(|tls| tls.value == "none"), sort) {
            remote.problem_at(tls.span, "tls", "the password, and everything else, is readable on the line.", None);
        }
    }
}

fn look_at_secret(section: &Section<'_>, key: &str, found: Option<Spot<String>>, sort: Sort) {
    let Some((spot, place)) = found.and_then(|spot| Some((spot.span, SecretRef::parse(&spot.value)?))) else { return };
    let Err(fault) = secret::read(&place) else { return };
    // Who looks is often another user than the daemon, with another environment.
    let is_of_unit = std::env::var_os("CREDENTIALS_DIRECTORY").is_some();
    let (is, words) = match (&place, &fault) {
        (SecretRef::Credential(_), _) if !is_of_unit => {
            (Sort::Note, format!("{place}: only the daemon's unit is given it, so it was not read."))
        }
        (SecretRef::Env(_), SecretFault::Missing(..)) => (Sort::Note, format!("{fault}.")),
        _ if fault.is_unreadable() => (Sort::Note, format!("{fault}; the daemon's user may be able to.")),
        _ => (Sort::Problem, format!("{fault}.")),
    };
    if is == sort {
        section.problem_at(spot, key, words, None);
    }
}
