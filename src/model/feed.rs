//! One outbound rule of a partner: what he gets, in which layout, when. Data only.

use std::sync::Arc;

use super::intake::Sender;
use super::layout::Layout;
use super::rules::file_name::NamePattern;
use super::rules::holidays::Closed;
use super::rules::published::Published;

/// Kinds a feed can be made of; the others only come in (or, like receipts, are written by an intake).
pub const COMPOSED_KINDS: [&str; 4] = ["order", "order_status", "price", "stock"];

#[derive(Debug, Clone)]
pub struct Feed {
    /// Partner id.
    pub partner: String,
    /// Who gets it: his words for units and codes.
    pub recipient: Arc<Sender>,
    pub id: String,
    pub layout: Arc<Layout>,
    /// Empty: only on request.
    pub schedule: Vec<Schedule>,
    /// File name with `{run}`, `{date}`, `{time}`, `{partner}`, `{feed}`.
    pub file_name: NamePattern,
    /// Sub-folder of out/<partner>/; empty for the folder itself.
    pub folder: String,
    /// Only rows whose fields have these values.
    pub only: Vec<(String, String)>,
    /// Stock: how a quantity on hand becomes one that this partner is told.
    pub published: Published,
    /// Requests of these partners; empty: of all.
    pub partners: Vec<String>,
    /// Order status: how many days back.
    pub window_days: u32,
    /// An empty result is written only when allowed.
    pub allow_empty: bool,
    /// Zone of dates and times in names and content.
    pub zone: chrono_tz::Tz,
}

impl Feed {
    /// `partner/feed`, as commands, runs and log lines name it.
    pub fn name(&self) -> String {
        format!("{}/{}", self.partner, self.id)
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
