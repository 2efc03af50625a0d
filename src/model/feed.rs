//! One outbound rule of a partner: what he gets, in which layout, when. Data only.

use std::sync::Arc;
use std::time::Duration;

use super::also::{Also, What};
use super::intake::Sender;
use super::kind::Class;
use super::layout::Layout;
use super::mode::{self, Mode};
use super::remote::SendTo;
use super::rules::file_name::NamePattern;
use super::rules::guard::Limits;
use super::rules::holidays::Closed;
use super::rules::own_number::OwnNumber;
use super::rules::published::Published;

#[derive(Debug, Clone)]
pub struct Feed {
    /// Partner id.
    pub partner: String,
    /// Who gets it: his words for units and codes.
    pub recipient: Arc<Sender>,
    /// With the mode of a partner who is not live: `stock?test`.
    pub id: String,
    pub layout: Arc<Layout>,
    /// Empty: only on request.
    pub schedule: Vec<Schedule>,
    /// File name with `{run}`, `{date}`, `{order_no}` …
    pub file_name: NamePattern,
    /// Sub-folder of out/<partner>/; empty for the folder itself.
    pub folder: String,
    /// Only rows whose fields have these values.
    pub only: Vec<(String, String)>,
    /// Values of other kinds in its rows.
    pub also: Vec<Also>,
    /// Stock: how a quantity on hand becomes one that this partner is told.
    pub published: Published,
    /// Requests of these partners; empty: of all.
    pub partners: Vec<String>,
    /// So many requests in a file at most; the others go into further files at once.
    pub per_file: Option<u64>,
    /// Order status: how many days back.
    pub window_days: u32,
    /// An empty result is written only when allowed.
    pub allow_empty: bool,
    /// Zone of dates and times in names and content.
    pub zone: chrono_tz::Tz,
    pub content: Content,
    pub triggers: Triggers,
    /// A file that goes beyond them waits for a person.
    pub limits: Limits,
    pub replace: Replace,
    /// A partner who picks up removes a file so long after reading it at most.
    pub reads_within: Duration,
    /// Ending of an empty file behind each file, which says that it is whole.
    pub done_suffix: Option<String>,
    /// What its files are packed into.
    pub packing: Option<Packing>,
    /// What the PDF of the order in a file is called in its archive; none: PDFs stay here.
    pub pdf: Option<NamePattern>,
    /// Documents: their bytes stand in the archive beside what is said of them.
    pub files: bool,
    /// Where its files are brought; none: they are picked up from out/.
    pub to: Option<SendTo>,
    /// Of all that decides what its rows say.
    pub fingerprint: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packing {
    /// An archive that holds the content under this name.
    Zip(NamePattern),
    Gzip,
}

/// How much of its rows a file tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Content {
    /// Requests: those that did not go out before. Else all that there is.
    #[default]
    Full,
    /// What changed, and now and then everything.
    Delta(Delta),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    pub since: Since,
    /// When it is a full file; the first always is.
    pub full: Vec<Schedule>,
    /// Name and sub-folder of full files, where they have others.
    pub full_file_name: Option<NamePattern>,
    pub full_folder: Option<String>,
    pub deletes: Deletes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    LastDelivered,
    LastFull,
}

/// What a partner hears of rows that are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletes {
    Tell,
    LeaveOut,
    /// And of nothing else: what there is he hears by another feed.
    Only,
}

/// What makes a feed go out beside its schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Triggers {
    /// Rows changed; at most once in so long.
    pub on_change: Option<Duration>,
    /// An order of the partner was applied.
    pub on_registration: bool,
}

/// What becomes of a file that was not taken when a newer one is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Replace {
    /// The newer takes its place.
    Unsent,
    /// Every file stays.
    #[default]
    Never,
}

impl Feed {
    /// `partner/feed`, as commands, runs and log lines name it.
    pub fn name(&self) -> String {
        format!("{}/{}", self.partner, self.id)
    }

    pub fn mode(&self) -> Mode {
        self.recipient.mode
    }

    /// As the configuration has it, and as names of files say it.
    pub fn plain_id(&self) -> &str {
        mode::plain(&self.id)
    }

    /// Whose numbers its files get: those of a test go on in those of the live feed, since the partner sees both.
    pub fn numbers(&self) -> String {
        if self.mode().answers() { format!("{}/{}", self.partner, self.plain_id()) } else { self.name() }
    }

    /// What the partner holds is kept row by row: for deltas, and where a guard counts changes.
    pub fn keeps_delivered(&self) -> bool {
        matches!(self.content, Content::Delta(_)) || self.limits.count()
    }

    /// Kinds beside its own whose changes change its rows. Of an order its status hears by itself.
    pub fn looks_at(&self) -> Vec<&str> {
        let own = self.layout.kind.name.as_str();
        let mut kinds: Vec<&str> = self.also.iter().map(|also| also.kind.name.as_str()).collect();
        let hears = self.layout.kind.class != Class::Request;
        // The stock of a set changes with what it consists of.
        if own == "stock" {
            kinds.push("set_article");
        }
        kinds.retain(|kind| hears && *kind != own && !(own == "order_status" && *kind == "order"));
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// Whose own fields of which records and facts it writes: owner, kind, name.
    pub fn needs_extras(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.also.iter().filter_map(|also| match &also.what {
            What::Extra { name, .. } if also.kind.class != Class::Request => {
                Some((also.owner.as_str(), also.kind.name.as_str(), name.as_str()))
            }
            _ => None,
        })
    }

    /// The patterns of its names: of its files, of what its archives hold, of its full files.
    pub fn names(&self) -> impl Iterator<Item = &NamePattern> {
        let packed = if let Some(Packing::Zip(name)) = &self.packing { Some(name) } else { None };
        let full = self.delta().and_then(|delta| delta.full_file_name.as_ref());
        [Some(&self.file_name), packed, full].into_iter().flatten()
    }

    /// Numbers of orders and customers that its names carry.
    pub fn own_numbers(&self) -> Vec<OwnNumber> {
        OwnNumber::ALL
            .into_iter()
            .filter(|number| self.names().any(|name| name.own_numbers().any(|n| n == *number)))
            .collect()
    }

    /// The one value that a field has in all of its rows.
    pub fn pinned(&self, field: &str) -> Option<&str> {
        let mut values = self.only.iter().filter(|(name, _)| name == field).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    }

    pub fn delta(&self) -> Option<&Delta> {
        if let Content::Delta(delta) = &self.content { Some(delta) } else { None }
    }

    /// Files of what is gone, and of nothing else.
    pub fn tells_only_deletes(&self) -> bool {
        self.delta().is_some_and(|delta| delta.deletes == Deletes::Only)
    }
}

/// A cron pattern in a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub pattern: String,
    pub zone: chrono_tz::Tz,
    pub missed: Missed,
    /// Nothing comes due on these days of the zone.
    pub closed: Closed,
}

/// What happens to due times that passed while nobody ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    Once,
    Each,
    Skip,
}
