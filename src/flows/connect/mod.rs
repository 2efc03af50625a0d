//! `check --connect`: one connection to a remote, and what it lets us do there, tried in the order in which files would go.
//! What is said is for a person who is about to ask the partner for a right. It opens no ledger, and what it puts there is
//! its own and removed again; what it could not remove is named.

pub mod channels;
mod writing;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::edges::clock::Clock;
use crate::edges::remote::ftp::Learned;
use crate::edges::remote::{self, Fault, FaultKind, ListingSort, Remote, Sentry};
use crate::edges::secret;
use crate::model::certificate;
use crate::model::feed::Feed;
use crate::model::intake::Intake;
use crate::model::remote::{After, Folder, Kind, RemoteRule, SendTo, Tls, shown_server};
use crate::model::remote_name;

/// A certificate that ends sooner is worth a word to the partner.
const ENDS_SOON_DAYS: i64 = 14;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Well,
    /// Worth knowing; nothing is hindered.
    Note,
    /// Somebody has to do something.
    Wrong,
}

impl Mark {
    pub fn as_str(self) -> &'static str {
        match self {
            Mark::Well => "well",
            Mark::Note => "note",
            Mark::Wrong => "wrong",
        }
    }
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub mark: Mark,
    /// One word: connect, tls, login, list, write, clock, rename, read, remove, left …
    pub step: &'static str,
    /// None: of the whole remote.
    pub folder: Option<String>,
    /// A sentence with its point.
    pub words: String,
}

/// A folder at the remote, who uses it, and for what.
#[derive(Debug, Clone)]
struct Place {
    /// `intake shop/orders`
    who: Vec<String>,
    folder: Folder,
    used: Used,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Used {
    /// Files are taken from here; None: whatever the name.
    Taken { matching: Vec<String>, after: After },
    /// Files are brought here; an upload is made in this folder below.
    Brought { through: Option<Vec<u8>> },
}

/// One remote with all that intakes and feeds do there.
pub struct Trial {
    rule: Arc<RemoteRule>,
    places: Vec<Place>,
    only_looks: bool,
}

impl Trial {
    /// `only_looks`: nothing may be written there.
    pub fn new(rule: &Arc<RemoteRule>, intakes: &[Arc<Intake>], feeds: &[Arc<Feed>], only_looks: bool) -> Trial {
        let mut trial = Trial { rule: rule.clone(), places: Vec::new(), only_looks };
        for intake in intakes {
            if let Some(from) = intake.from.as_ref().filter(|from| from.remote == rule.name) {
                let used = Used::Taken { matching: from.matching.clone(), after: from.after.clone() };
                trial.add(format!("intake {}", intake.source()), &from.folder, used);
            }
            if let Some(to) = intake.receipt_to.as_ref().filter(|to| to.remote == rule.name) {
                trial.add(format!("receipts of {}", intake.source()), &to.folder, brought(to));
            }
        }
        for feed in feeds {
            if let Some(to) = feed.to.as_ref().filter(|to| to.remote == rule.name) {
                trial.add(format!("feed {}", feed.name()), &to.folder, brought(to));
            }
        }
        trial
    }

    pub fn name(&self) -> &str {
        &self.rule.name
    }

    /// What is used alike is tried once.
    fn add(&mut self, who: String, folder: &Folder, used: Used) {
        match self.places.iter_mut().find(|place| place.folder == *folder && place.used == used) {
            Some(place) => place.who.push(who),
            None => self.places.push(Place { who: vec![who], folder: folder.clone(), used }),
        }
    }
}

fn brought(to: &SendTo) -> Used {
    let slash = to.upload_as.as_ref().and_then(|pattern| pattern.rsplit_once('/'));
    Used::Brought { through: slash.map(|(folder, _)| folder.as_bytes().to_vec()) }
}

/// One connection after the other, as long as there is something to try.
struct Session<'a> {
    trial: &'a Trial,
    sentry: &'a Arc<Sentry>,
    learned: Arc<Learned>,
    /// Of this spool, for names that the next check knows again.
    mark: &'a str,
    clock: Clock,
    remote: Option<Box<dyn Remote>>,
    told_clock: bool,
    tell: &'a mut dyn FnMut(Finding),
}

/// The remote does not answer any more; that is told already.
struct Ended;

/// Tries all, and tells each finding as soon as it is there.
pub fn try_remote(trial: &Trial, mark: &str, sentry: &Arc<Sentry>, tell: &mut dyn FnMut(Finding)) {
    let learned = Arc::new(Learned::default());
    let clock = Clock::start();
    let mut session = Session { trial, sentry, learned, mark, clock, remote: None, told_clock: false, tell };
    // Whoever ended it has told why.
    let _ = session.all();
    if let Some(remote) = session.remote.take() {
        remote.hang_up();
    }
}

impl Session<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now().wall
    }

    fn say(&mut self, mark: Mark, step: &'static str, words: impl Into<String>) {
        (self.tell)(Finding { mark, step, folder: None, words: words.into() });
    }

    fn say_of(&mut self, place: &Place, mark: Mark, step: &'static str, words: impl Into<String>) {
        let folder = Some(shown_folder(&place.folder));
        (self.tell)(Finding { mark, step, folder, words: words.into() });
    }

    fn all(&mut self) -> Result<(), Ended> {
        self.greet()?;
        for place in &self.trial.places {
            if let Used::Taken { matching, .. } = &place.used {
                self.list(place, matching)?;
            }
        }
        if self.trial.only_looks {
            if !self.trial.places.is_empty() {
                let words = "The partner's mode is shadow: nothing is written, renamed or removed there, so no right to it was tried.";
                self.say(Mark::Note, "write", words);
            }
            return Ok(());
        }
        for place in &self.trial.places {
            if !matches!(&place.used, Used::Taken { after: After::Keep, .. }) {
                self.write(place)?;
            }
        }
        Ok(())
    }

    /// The connection, a new one where the last was given up.
    fn remote(&mut self) -> Result<&mut dyn Remote, Ended> {
        if self.remote.is_none() {
            let read = |place: &_| secret::read(place).map_err(|fault| fault.to_string());
            match remote::open(&self.trial.rule, &read, self.sentry, &self.learned) {
                Ok(open) => self.remote = Some(open),
                Err(fault) => {
                    self.say(Mark::Wrong, fault.phase.word(), format!("{}.", sentence(&fault)));
                    return Err(Ended);
                }
            }
        }
        self.remote.as_deref_mut().map_or(Err(Ended), |remote| Ok(remote as &mut dyn Remote))
    }

    /// After a fault nothing more is asked of a connection that cannot be trusted.
    fn note(&mut self, fault: &Fault) {
        if fault.is_broken() {
            self.remote = None;
        }
    }

    fn greet(&mut self) -> Result<(), Ended> {
        let probe = match self.remote()?.probe() {
            Ok(probe) => probe,
            Err(fault) => {
                self.say(Mark::Wrong, "connect", format!("{}.", sentence(&fault)));
                return Err(Ended);
            }
        };
        let folder = if probe.folder.is_empty() { "which one is not said".into() } else { shown(&probe.folder) };
        let rule = self.trial.rule.clone();
        let Kind::Ftp(ftp) = &rule.kind else {
            self.say(Mark::Well, "connect", format!("The folder is there: {folder}."));
            return Ok(());
        };
        self.say(
            Mark::Well,
            "connect",
            format!("{} greets: {}.", shown_server(&ftp.host, ftp.port), clean(&probe.greeting)),
        );
        match (&probe.tls, ftp.tls) {
            (Some(words), _) => self.tell_tls(words, probe.certificate.as_deref()),
            (None, Tls::None) => {
                self.say(Mark::Note, "tls", "No TLS: user, password and files go readable over the line.");
            }
            (None, _) => self.say(Mark::Wrong, "tls", "The connection is not secured, although TLS is configured."),
        }
        self.say(Mark::Well, "login", format!("Logged in as {}; login folder: {folder}.", ftp.user));
        let features = match probe.features.len() {
            0 => "It does not say what it can (FEAT); everything is tried.".to_string(),
            _ => format!("It can: {}.", clean(&probe.features.join(", "))),
        };
        self.say(Mark::Well, "features", features);
        Ok(())
    }

    fn tell_tls(&mut self, words: &str, certificate: Option<&[u8]>) {
        let now = self.now();
        let Some(read) = certificate.and_then(certificate::read) else {
            self.say(Mark::Well, "tls", format!("{words}."));
            return;
        };
        let days = (read.ends - now).num_days();
        let issuer = if read.issuer.is_empty() { "nobody named".to_string() } else { clean(&read.issuer) };
        let until = read.ends.format("%Y-%m-%d");
        let said = format!("{words}, issued by {issuer}, until {until}");
        match days {
            // Only one that is pinned comes so far.
            _ if read.ends < now => {
                self.say(Mark::Note, "tls", format!("{said}: it has expired; pin takes it all the same."))
            }
            ..ENDS_SOON_DAYS => {
                self.say(Mark::Note, "tls", format!("{said}: {days} days left; ask the partner when it is renewed."));
            }
            _ => self.say(Mark::Well, "tls", format!("{said}: {days} days left.")),
        }
    }

    fn list(&mut self, place: &Place, matching: &[String]) -> Result<(), Ended> {
        let (mut all, mut fitting) = (0_u64, 0_u64);
        let listed = self.remote()?.list(&place.folder, &mut |entry| {
            all += 1;
            let fits = matching.iter().any(|pattern| remote_name::matches(pattern.as_bytes(), entry.name));
            fitting += u64::from(fits && !remote_name::is_passed_over(entry.name));
        });
        let who = place.who.join(", ");
        match listed {
            Ok(listed) => {
                let sort = match listed.sort {
                    ListingSort::Folder => "",
                    ListingSort::Mlsd => " (MLSD)",
                    ListingSort::List => " (LIST)",
                    ListingSort::Nlst => " (NLST, names alone)",
                };
                let files = if all == 1 { "file" } else { "files" };
                self.say_of(
                    place,
                    Mark::Well,
                    "list",
                    format!("Listed{sort} for {who}: {all} {files}, {fitting} of them to take."),
                );
                if listed.not_understood > 0 {
                    let words = format!(
                        "{} lines of its listing cannot be read as files; docs/ftp.md names the forms that can.",
                        listed.not_understood
                    );
                    self.say_of(place, Mark::Note, "list", words);
                }
            }
            Err(fault) => {
                self.note(&fault);
                let words =
                    format!("{who}: the folder cannot be listed: {}.{}", sentence(&fault), ask_for(&fault, "read"));
                self.say_of(place, Mark::Wrong, "list", words);
            }
        }
        Ok(())
    }
}

/// What to do about a refusal, behind a blank; nothing where the fault itself says so.
fn ask_for(fault: &Fault, right: &str) -> String {
    match fault.kind {
        _ if fault.advice.is_some() => String::new(),
        FaultKind::Missing => " Name another folder in the configuration, or let it be made there.".to_string(),
        FaultKind::Refused => format!(" Ask the partner for the right to {right} there."),
        _ => " Try again; if it stays, show this line to the partner.".to_string(),
    }
}

/// Without the point that an advice ends with.
fn sentence(fault: &Fault) -> String {
    clean(fault.to_string().trim_end_matches('.'))
}

/// What others said, on one line.
fn clean(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_string()
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn shown_folder(folder: &Folder) -> String {
    if folder.as_bytes().is_empty() { "the login folder".to_string() } else { folder.to_string() }
}
