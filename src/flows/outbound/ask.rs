//! Why a feed goes out now, and how much of it is wanted.

use chrono::{DateTime, Utc};

use crate::edges::store::RunNo;
use crate::edges::store::ledger::RunReason;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    pub reason: RunReason,
    /// The due time it is for.
    pub due_at: Option<DateTime<Utc>>,
    /// The due time of a full file that it is for.
    pub full_due_at: Option<DateTime<Utc>>,
    /// A full file, also where changes would do.
    pub full: bool,
    /// Only rows of which a part of the key is this.
    pub key: Option<String>,
    /// A person has looked at what the guard holds back.
    pub unguarded: bool,
    /// The run whose file is gone before it was brought: what it says is made again, in its place.
    pub instead_of: Option<RunNo>,
}

impl Ask {
    /// A person asked for it.
    pub fn request() -> Ask {
        Ask {
            reason: RunReason::Request,
            due_at: None,
            full_due_at: None,
            full: false,
            key: None,
            unguarded: false,
            instead_of: None,
        }
    }
}
