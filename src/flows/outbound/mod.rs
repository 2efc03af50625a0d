//! Files out: feeds that are due or ring (`due`) are composed (`compose`; `looking`, `selecting`, `compare`), judged (`judge`),
//! staged and committed (`stage`, `made`), and made visible (`place`); what is taken is noted (`taken`), what is locked waits for
//! a person (`release`). Receipts and answers to questions (`receipt`, `answering`) go out as replies (`reply`); a start ends what a crash left (`recover`).
//!
//! What everything hangs on is the order: written to staged/ and synced → commit `ready` → the visible name in out/ →
//! `placed` with a later commit. Before its commit nothing of ours is visible, after it everything can be found again.
//! It knows no configuration and no clock: feeds and `now` are given.

pub mod answering;
mod ask;
mod compare;
mod compose;
mod contents;
pub mod deliver;
mod due;
mod judge;
mod looking;
mod made;
mod namesakes;
mod number;
mod paper;
mod place;
pub mod receipt;
mod recover;
mod registry;
mod release;
mod reply;
mod ringing;
mod selecting;
mod sheet;
mod stage;
mod taken;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::edges::clock::Now;
use crate::edges::events::Events;
use crate::edges::spool::Spool;
use crate::edges::store::{Reader, RunNo, Store};
use crate::model::ids::Id;

pub use ask::Ask;
pub use due::{next_due, runs_ahead};
pub use number::Numbers;
pub use stage::Outcome;
pub use taken::settle_sent;

/// What is kept from turn to turn of the loop. Losing it costs nothing: a start finds it all again.
#[derive(Debug, Default)]
pub struct Pending {
    /// Runs whose files stand in out/; whoever commits next may tell the ledger (`mark_runs_placed`) and clear this.
    pub placed: Vec<RunNo>,
    /// Runs that cannot be placed, and that this was told of.
    told: HashSet<Id>,
    /// Runs whose folder in out/ cannot be worked in, or whose name there is taken: whose they are, and why.
    refused: BTreeMap<Id, (String, String)>,
    /// When feeds went out last because they rang, with a file or without.
    rung: HashMap<String, DateTime<Utc>>,
}

impl Pending {
    /// Feeds, or receipts' intakes, whose files cannot get to their partner's folder, each with the reasons.
    pub fn refused(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut refused: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (about, words) in self.refused.values() {
            refused.entry(about).or_default().insert(words);
        }
        refused
    }
}

/// All that the way out works with during one turn of the loop.
pub struct Dispatch<'a> {
    pub store: &'a mut Store,
    /// Reads what was delivered while a file is composed, on a connection of its own.
    pub reader: &'a mut Reader,
    pub spool: &'a Spool,
    pub events: &'a Events,
    pub now: Now,
    /// Zone of the days in sent/.
    pub zone: Tz,
    pub pending: &'a mut Pending,
}
