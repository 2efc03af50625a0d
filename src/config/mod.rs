//! The configuration: nattpost.toml and partners/<id>.toml beside it become `Intake`s and `Feed`s, the types of the model
//! that everything below works with. A value: a reload reads a new one, and the old one runs on when it has problems.
//!
//! Reading collects all problems of all files with file, line, key and suggestion; nothing is half configured. What the
//! keys are stands in `keys`. It opens no spool and no store.

mod across;
mod answering;
mod around;
mod calendar;
mod closes;
mod come_back;
mod companion;
mod company;
mod contents;
pub mod copied;
mod expect;
mod feed;
mod feed_also;
mod feed_delta;
mod feed_files;
mod fingerprint;
mod for_one_alone;
mod forms;
mod ftp;
mod full_when;
mod guard;
mod intake;
mod keyed;
pub mod keys;
mod layouts;
mod notices;
mod one_name;
mod paper;
mod partner;
mod remote;
mod size;
pub mod templates;
mod texts;
mod untold;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;

use crate::model::document::{Document, DocumentProblem};
use crate::model::feed::Feed;
use crate::model::intake::{Intake, Sender};
use crate::model::layout::lookup::Words;
use crate::model::problem::{Channel, Named};
use crate::model::remote::RemoteRule;
use crate::model::rules::arrivals::Expect;
use crate::model::rules::room::Floor;
pub use around::{Around, look_around};
use company::Company;
pub use company::{Http, LogFormat};
pub use keyed::Wrong;
pub use layouts::{KnownLayout, Layouts};
use partner::{Partner, Surroundings};
use texts::NamedText;

/// A configuration without problems.
#[derive(Debug, Clone)]
pub struct Config {
    /// Of nattpost.toml.
    pub path: PathBuf,
    pub company: String,
    pub zone: Tz,
    pub spool: PathBuf,
    pub store: PathBuf,
    pub log: LogFormat,
    pub scan_every: Duration,
    /// How many days files stay in sent/.
    pub sent_days: u32,
    /// How many days values that were replaced can be asked for.
    pub history_days: u32,
    /// What is to stay free on the disks of spool and database.
    pub disk_floor: Floor,
    /// A copy of the database is to be no older.
    pub backup_within: Option<Duration>,
    pub http: Http,
    /// Where the partners' files are.
    pub partners_folder: PathBuf,
    /// By id.
    pub partners: Vec<Arc<Sender>>,
    /// Of each partner: his words for tables of layouts.
    pub words: BTreeMap<String, Vec<Words>>,
    /// By partner, then in the order of his file.
    pub intakes: Vec<Arc<Intake>>,
    pub feeds: Vec<Arc<Feed>>,
    pub remotes: Vec<Arc<RemoteRule>>,
    /// To remotes, at work at one time.
    pub connections: usize,
    pub layouts: Layouts,
    /// Ways by which people are told.
    pub channels: Vec<Channel>,
    /// Which of them partners, intakes and feeds name.
    pub named: Named,
    /// What intakes expect to come.
    pub expects: Vec<Expect>,
    /// Of all files as they are written.
    pub fingerprint: u64,
}

/// What may be the id of a partner: the name of his file, and of his folders.
pub fn partner_id(text: &str) -> Result<String, Wrong> {
    forms::id(text)
}

/// Company, zone and channels of a configuration that may be wrong elsewhere: so that people can be told of just that.
pub fn channels_of(path: &Path) -> (String, Tz, Vec<Channel>) {
    let Ok(main) = texts::read(path, "nattpost.toml") else { return (String::new(), Tz::UTC, Vec::new()) };
    let company = read_company(&main, path.parent().unwrap_or(Path::new("")), &mut Vec::new());
    (company.name, company.zone, company.channels)
}

impl Config {
    /// All problems of all files, in the order of the files and lines.
    pub fn read(path: &Path) -> Result<Config, Vec<DocumentProblem>> {
        let file = path.file_name().map_or_else(|| "nattpost.toml".into(), |n| n.to_string_lossy());
        let main = texts::read(path, &file).map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        let folder = path.parent().unwrap_or(Path::new(""));
        let company = read_company(&main, folder, &mut problems);

        let partner_texts = texts::read_folder(&company.partners, &shown(&company.partners, folder), &mut problems);
        let (layouts, layout_texts) =
            Layouts::gather(&company.layouts, &shown(&company.layouts, folder), &mut problems);
        let partners = read_partners(&partner_texts, &company, &layouts, &mut problems);
        if problems.is_empty() {
            let feeds = partners.iter().flat_map(|partner| &partner.feeds);
            let expected = partners.iter().flat_map(|partner| &partner.expects).flat_map(|expect| &expect.by);
            let used = feeds.flat_map(|feed| &feed.schedule).chain(expected).map(|schedule| &schedule.closed);
            problems = company.calendars.unused(&main, used);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let all = [&main].into_iter().chain(&partner_texts).chain(&layout_texts);
        let fingerprint = fingerprint::of_texts(all.map(|t| (t.name.as_str(), t.text.as_str())));
        Ok(Config {
            path: path.to_path_buf(),
            company: company.name,
            zone: company.zone,
            spool: company.spool,
            store: company.store,
            log: company.log,
            scan_every: company.scan_every,
            sent_days: company.sent_days,
            history_days: company.history_days,
            disk_floor: company.disk_floor,
            backup_within: company.backup_within,
            http: company.http,
            partners_folder: company.partners,
            intakes: keeping(&partners),
            feeds: partners.iter().flat_map(|p| p.feeds.iter().cloned()).collect(),
            remotes: partners.iter().flat_map(|p| p.remotes.iter().cloned()).collect(),
            connections: company.connections,
            channels: company.channels,
            named: partners.iter().flat_map(|p| p.named.clone()).collect(),
            expects: partners.iter().flat_map(|p| p.expects.iter().cloned()).collect(),
            words: partners.iter().map(|p| (p.sender.partner.clone(), p.words.clone())).collect(),
            partners: partners.into_iter().map(|p| p.sender).collect(),
            layouts,
            fingerprint,
        })
    }

    /// `partner/intake`.
    pub fn intake(&self, source: &str) -> Option<&Arc<Intake>> {
        self.intakes.iter().find(|intake| intake.source() == source)
    }

    /// `partner/feed`.
    pub fn feed(&self, name: &str) -> Option<&Arc<Feed>> {
        self.feeds.iter().find(|feed| feed.name() == name)
    }
}

/// The intakes, which keep of their senders' own fields what any feed asks for.
fn keeping(partners: &[Partner]) -> Vec<Arc<Intake>> {
    let feeds = || partners.iter().flat_map(|partner| &partner.feeds);
    let mut intakes: Vec<Arc<Intake>> = partners.iter().flat_map(|p| p.intakes.iter().cloned()).collect();
    for intake in &mut intakes {
        let asked = feeds().flat_map(|feed| feed.needs_extras()).filter(|(owner, ..)| *owner == intake.sender.partner);
        let mut keeps: Vec<(String, String)> =
            asked.map(|(_, kind, name)| (kind.to_string(), name.to_string())).collect();
        keeps.sort_unstable();
        keeps.dedup();
        keeps.retain(|(kind, name)| intake.layouts.iter().any(|layout| layout.brings_extra(kind, name)));
        if !keeps.is_empty() {
            let intake = Arc::make_mut(intake);
            intake.fingerprint = fingerprint::with_kept(intake.fingerprint, &keeps);
            intake.keeps = keeps;
        }
    }
    intakes
}

fn read_company(main: &NamedText, folder: &Path, problems: &mut Vec<DocumentProblem>) -> Company {
    let document = Document::parse(&main.name, &main.text);
    let company = company::read(&document.root(), folder);
    problems.extend(document.into_problems());
    company
}

fn read_partners(
    texts: &[NamedText],
    company: &Company,
    layouts: &Layouts,
    problems: &mut Vec<DocumentProblem>,
) -> Vec<Partner> {
    let ids: Vec<String> = texts.iter().map(|text| text.stem.clone()).collect();
    let around = Surroundings { company, layouts, partners: &ids };
    let mut partners = Vec::new();
    for text in texts {
        if let Err(wrong) = forms::id(&text.stem) {
            let mut problem = texts::problem(&text.name, wrong.text);
            problem.suggestion = wrong.suggestion;
            problems.push(problem);
        }
        partners.push(partner::read(&text.stem, &text.name, &text.text, &around, problems));
    }
    partners
}

/// A folder as people see it: relative to that of nattpost.toml where it lies below.
fn shown(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}
