//! What can be the matter: the closed list of kinds of problems, and what a condition, a channel and a letter's entry are.
//!
//! A *condition* is true of ledger, spool or loop at this moment and can be looked for again at any time. A *problem* is a
//! condition from its begin to its end. Values only; the decisions are `rules::problems` and `rules::told`, the sentences
//! `wording::problems`. docs/problems.md lists the kinds for people (a test compares).

use chrono::{DateTime, TimeDelta, Utc};

use super::ids::Id;
use super::secret::SecretRef;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Waits for a person, or will.
    Warning,
    /// Does not work.
    Error,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }

    pub fn parse(text: &str) -> Level {
        if text == "error" { Level::Error } else { Level::Warning }
    }
}

macro_rules! kinds {
    ($($variant:ident $name:literal $tell:literal $quiet:literal $about:literal $begins:literal $over:literal;)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = $begins] $variant,)+
        }

        impl Kind {
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)+];

            pub fn as_str(self) -> &'static str {
                match self { $(Kind::$variant => $name,)+ }
            }

            /// What it is about, begins with and ends with, as in docs/problems.md.
            pub fn meaning(self) -> [&'static str; 3] {
                match self { $(Kind::$variant => [$about, $begins, $over],)+ }
            }

            /// How long it must last before anybody is told.
            pub fn tell_after(self) -> TimeDelta {
                TimeDelta::minutes(match self { $(Kind::$variant => $tell,)+ })
            }

            /// How long it must be gone before it is over. Back before that it is the same problem.
            pub fn quiet(self) -> TimeDelta {
                TimeDelta::minutes(match self { $(Kind::$variant => $quiet,)+ })
            }
        }
    };
}

// Minutes before it is told, minutes of quiet before it is over; about, begins, over.
kinds! {
    ArrivalLate "arrival-late" 0 0 "intake" "Fewer files came than expected by a due time and its grace." "The window, or a later one, gets what it expects; what is missing and held is closed by a person.";
    ArrivalExtra "arrival-extra" 0 0 "intake" "More files came than expected, or outside of the time for them." "The next window opens.";
    NumbersMissing "numbers-missing" 60 0 "intake" "Numbers are missing between those in the names of its files (as_of with {seq})." "The files came, or seven days have passed since the last ones.";
    FilesRefused "files-refused" 5 0 "intake, day" "Files of that day are refused, wholly or in part, and nobody acted on it." "All are retried well, ignored or come back.";
    FilesHeld "files-held" 5 0 "intake, day" "Messages of files of that day wait for a person." "They are released, discarded or ignored.";
    RecordsMade "records-made" 0 0 "intake, day" "Customers or articles were made that day of what orders say of them (`create`), and are to be completed." "The ERP has sent all of them.";
    QuestionsNotAllowed "questions-not-allowed" 0 0 "intake, day" "Somebody asked that day what he has no right to ask; he was told so." "A day has passed since, without another.";
    FileStuck "file-stuck" 60 0 "intake or partner" "A file lies in in/ and is not taken." "It is taken, or gone.";
    OriginalMissing "original-missing" 0 0 "intake, file" "A verdict stands, and the file itself is nowhere." "It is found again, or closed with nattpost ignore.";
    GuardLocked "guard-locked" 0 0 "feed or intake" "The guard locked it: what it would change is out of the usual." "It is released or discarded.";
    FeedFailed "feed-failed" 0 0 "feed" "The last file of a feed could not be made." "A file is made, or there is nothing to send.";
    FeedLate "feed-late" 0 0 "feed" "A feed is due for 15 minutes and did not run." "It ran.";
    DeliveryLate "delivery-late" 0 15 "feed" "A file of ours is ready for an hour and not delivered." "It is delivered, or closed by a person.";
    DeliveryUnknown "delivery-unknown" 0 0 "feed, run" "Nobody knows whether a file of requests arrived, or it is gone from out/ before it was brought." "A person decided: release sends it again, discard closes it.";
    RemoteDown "remote-down" 15 30 "remote" "Tries to reach a remote fail." "Tries succeed.";
    RemoteRefused "remote-refused" 0 30 "remote" "A remote refuses the login, a certificate or a right." "Tries succeed.";
    RunUnknown "run-unknown" 0 0 "partner" "A file stands in held/out/ that no run of a feed knows." "None is left.";
    FolderRefused "folder-refused" 1 1 "intake, feed or spool" "A folder of the spool cannot be worked in: a right is missing, or something else stands there." "The folder is mended.";
    DiskLow "disk-low" 0 0 "disk, or intake" "Less is free than the disk floor, or the next file of an intake does not fit above it." "There is room again.";
    AllWaits "all-waits" 0 1 "disk or database" "The disk or the database takes nothing: everything waits." "A turn of the loop goes through.";
    WatchPoor "watch-poor" 10 10 "spool" "Folders cannot be watched; files are found by the periodic scan." "They are watched again.";
    CommandUnread "command-unread" 10 10 "commands" "A command of the command line cannot be read." "It is gone.";
    ConfigBad "config-bad" 0 0 "configuration" "A new configuration is wrong; the old one stays in force." "A configuration is read without problems.";
    DaemonCrashed "daemon-crashed" 0 60 "daemon" "The daemon was not stopped in order." "An hour passes without a crash.";
    DatabaseOlder "database-older" 0 0 "database" "Files stand in the spool that the accepted database does not know." "None is unknown any more.";
    BackupOld "backup-old" 0 0 "database" "The database was not copied for longer than backup_within." "It is copied.";
    PausedLong "paused-long" 0 0 "what is paused" "A partner, intake or feed is paused for 24 hours." "It is resumed.";
    NoticeFailed "notice-failed" 60 0 "channel" "A channel does not take its notices." "The channel takes one.";
}

/// Something that is the matter at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub kind: Kind,
    /// Intake, feed, partner, channel or part of the program; `named` hears of it by that.
    pub about: String,
    /// Tells conditions of one kind and subject apart: a day, a file id; mostly empty.
    pub part: String,
    pub level: Level,
    /// How many things it concerns.
    pub count: u64,
    /// Where and what was found. The same for as long as nothing changes: no "for 3 hours".
    pub words: String,
    pub advice: String,
}

impl Condition {
    pub fn key(&self) -> (Kind, &str, &str) {
        (self.kind, &self.about, &self.part)
    }
}

/// A way by which people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// NAME of `[notices.NAME]`.
    pub name: String,
    /// It hears of this level and above.
    pub level: Level,
    /// Else only of partners, intakes and feeds that name it.
    pub hears_all: bool,
    /// What comes within this time is one letter.
    pub gather: TimeDelta,
    /// An open problem is told again after so long.
    pub remind: Option<TimeDelta>,
    pub way: Way,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// The program and its arguments; no shell.
    Command(Vec<String>),
    Webhook(Webhook),
    Mail(Mail),
}

impl Way {
    pub fn as_str(&self) -> &'static str {
        match self {
            Way::Command(_) => "command",
            Way::Webhook(_) => "webhook",
            Way::Mail(_) => "mail",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// http:// is for the own machine only.
    pub tls: bool,
    pub host: String,
    pub port: u16,
    /// With its query; begins with `/`.
    pub path: String,
    pub headers: Vec<(String, HeaderValue)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    Plain(String),
    /// Read when it is sent.
    Secret(SecretRef),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub to: Vec<String>,
    pub server: MailServer,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    pub from: String,
    pub login: Option<(String, SecretRef)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// STARTTLS where the server offers it, unchecked certificate or not; else in the open.
    IfOffered,
    StartTls,
    /// From the first byte on.
    Tls,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Begun,
    Over,
}

impl Phase {
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Begun => "begun",
            Phase::Over => "over",
        }
    }

    pub fn parse(text: &str) -> Phase {
        if text == "over" { Phase::Over } else { Phase::Begun }
    }
}

/// One end of one problem, as a channel hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub problem: Id,
    pub phase: Phase,
    /// How often it was told before as a reminder.
    pub reminders: u32,
    pub kind: String,
    pub about: String,
    pub part: String,
    pub level: Level,
    pub count: u64,
    pub times: u32,
    pub began_at: DateTime<Utc>,
    pub over_at: Option<DateTime<Utc>>,
    /// At the end: what became of it.
    pub words: String,
    pub advice: String,
}

/// Channels that partners, intakes and feeds name: `partner`, `partner/intake` or `partner/feed` → NAMEs.
pub type Named = std::collections::BTreeMap<String, Vec<String>>;

/// The channels named for what a problem is about, and for its partner.
pub fn named_for(named: &Named, about: &str) -> Vec<String> {
    let partner = about.split('/').next().unwrap_or(about);
    let of = |key: &str| named.get(key).cloned().unwrap_or_default();
    let mut all = of(partner);
    all.extend(of(about).into_iter().filter(|_| about != partner));
    all
}
