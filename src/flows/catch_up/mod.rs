//! An older database beside a newer spool: what stands in the folders that it does not know, and what is to be done so that
//! no order is doubled, none lost, no number given twice. This file looks and plans; `carry_out` does it.
//!
//! Originals are judged anew under the ids they have; files of ours that went out are known again with the orders in them,
//! each at its moment, as it happened. Feeds of orders stay paused until all of theirs is accounted for.

mod accounts;
mod carry_out;
mod gather;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use super::files::Sight;
use super::lineage;
use crate::edges::spool::{Place, State, shown_name};
use crate::edges::store::Snapshot;
use crate::model::feed::Feed;
use crate::model::ids::{Id, split_prefixed};
use crate::model::intake::Intake;
use crate::model::kind::Class;
use crate::model::pause::Subject;
use crate::model::remote::Redeliver;

pub use carry_out::catch_up;

/// Who pauses feeds of orders when an older database is accepted.
pub const PAUSED_BY: &str = "nattpost";

pub fn subject_of(feed: &Feed) -> Subject {
    Subject::Feed { partner: feed.partner.clone(), feed: feed.id.clone() }
}

/// Nothing of this feed goes out, not even asked for by name: it could be a second time.
pub fn holds_back(snapshot: &Snapshot<'_>, feed: &Feed) -> Result<bool> {
    Ok(snapshot.pause_of(&subject_of(feed))?.is_some_and(|pause| pause.who == PAUSED_BY))
}

/// A folder with what names it, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stand {
    state: State,
    partner: String,
    /// Intake, day, or folder below out/.
    below: String,
}

impl Stand {
    fn of(place: Place<'_>) -> Option<Stand> {
        let (partner, below) = match place {
            Place::Done { partner, day } | Place::Sent { partner, day } => (partner, day.to_string()),
            Place::In { partner, intake } | Place::Failed { partner, intake } | Place::HeldIn { partner, intake } => {
                (partner, intake.to_string())
            }
            Place::HeldOut { partner } => (partner, String::new()),
            Place::Out { partner, folder } => (partner, folder.to_string()),
            _ => return None,
        };
        Some(Stand { state: place.state(), partner: partner.to_string(), below })
    }

    fn place(&self) -> Result<Place<'_>> {
        let (partner, below) = (&self.partner[..], &self.below[..]);
        Ok(match self.state {
            State::Done => Place::Done { partner, day: below.parse()? },
            State::Sent => Place::Sent { partner, day: below.parse()? },
            State::In => Place::In { partner, intake: below },
            State::Failed => Place::Failed { partner, intake: below },
            State::HeldIn => Place::HeldIn { partner, intake: below },
            State::HeldOut => Place::HeldOut { partner },
            _ => Place::Out { partner, folder: below },
        })
    }
}

/// A file that came, to be judged anew.
#[derive(Debug, Clone)]
pub struct Original {
    pub id: Id,
    pub intake: Arc<Intake>,
    stand: Stand,
    /// With the id.
    name: Vec<u8>,
    done_file: Option<Vec<u8>>,
    /// Reason and reject of the verdict that is not known any more, in failed/.
    papers: Vec<Vec<u8>>,
}

impl Original {
    /// The name it came with, for people.
    pub fn shown(&self) -> String {
        let plain = split_prefixed(&self.name).map_or(&self.name[..], |(_, plain)| plain);
        shown_name(plain).to_string()
    }
}

/// A file of ours, to be known again.
#[derive(Debug, Clone)]
pub struct SentFile {
    /// In sent/ it stands in the name.
    pub id: Option<Id>,
    pub feed: Arc<Feed>,
    /// 0 where nobody knows it.
    pub number: u64,
    pub name: String,
    stand: Stand,
    raw_name: Vec<u8>,
    size: u64,
    /// When it was made, in milliseconds.
    made_ms: i64,
}

impl SentFile {
    /// It never left: its partner finds it in out/ again.
    pub fn is_unsent(&self) -> bool {
        self.stand.state != State::Sent
    }

    /// It was on its way to a server of its partner when the database was lost.
    fn may_have_arrived(&self) -> bool {
        self.is_unsent() && self.feed.to.as_ref().is_some_and(|to| to.redeliver == Redeliver::Ask)
    }

    fn holds_requests(&self) -> bool {
        self.feed.layout.kind.class == Class::Request
    }
}

/// What a person has to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    pub path: PathBuf,
    pub why: String,
    /// The feed of orders that stays paused for it, and the number of the file.
    pub feed: Option<(String, u64)>,
    /// Files of the same partner that came later wait for it: what an order means depends on those before it.
    behind: Option<(String, Id)>,
}

/// A feed of orders, and whether all that it gave out is accounted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub feed: String,
    /// Since the older database was accepted; false where a person paused it, or nobody.
    pub paused: bool,
    /// Numbers of files that are neither known nor found: the partner took them from his folder, or they were removed.
    pub missing: Vec<(u64, u64)>,
    /// Files of its own that are undecided.
    pub undecided: u64,
}

impl Account {
    pub fn is_settled(&self) -> bool {
        self.missing.is_empty() && self.undecided == 0
    }
}

/// Everything that the database does not know.
#[derive(Debug, Default)]
pub struct Plan {
    pub originals: Vec<Original>,
    pub runs: Vec<SentFile>,
    pub undecided: Vec<Undecided>,
    pub accounts: Vec<Account>,
    /// Files that are to be judged once those before them are decided.
    pub waiting: u64,
    /// Files in held/out/ that nobody needs: newer ones are made of the same facts.
    pub superfluous: u64,
    /// The database ends and the folders end here: commands given in between are lost.
    pub between: Option<(Option<Id>, Id)>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.originals.is_empty()
            && self.runs.is_empty()
            && self.undecided.is_empty()
            && self.accounts.iter().all(|account| !account.paused)
    }
}

/// Looks; changes nothing. Also before the database was accepted.
pub fn plan(sight: Sight<'_>, intakes: &[Arc<Intake>], feeds: &[Arc<Feed>]) -> Result<Plan> {
    let mut plan = Plan::default();
    let after = lineage::known_until(sight.snapshot)?;
    gather::originals(sight, intakes, after, &mut plan)?;
    put_behind(&mut plan);
    gather::runs(sight, feeds, after, &mut plan)?;
    accounts::give_numbers(sight, feeds, &mut plan)?;
    // While originals are to be judged, it would be no wonder that their orders are not there.
    let all_are_judged = plan.originals.is_empty();
    accounts::what_cannot_be_known(sight, &mut plan, all_are_judged)?;
    accounts::of_feeds(sight, feeds, &mut plan)?;
    plan.runs.sort_by_key(|run| run.made_ms);
    let newest = plan.originals.last().map(|original| original.id).max(plan.runs.iter().filter_map(|run| run.id).max());
    plan.between = newest.map(|newest| (after, newest));
    Ok(plan)
}

/// In the order they came, and of each partner only up to the first that nobody can decide.
fn put_behind(plan: &mut Plan) {
    plan.originals.sort_by_key(|original| original.id);
    let before = plan.originals.len();
    let undecided: Vec<(String, Id)> = plan.undecided.iter().filter_map(|item| item.behind.clone()).collect();
    plan.originals.retain(|original| {
        !undecided.iter().any(|(partner, id)| *partner == original.intake.sender.partner && *id < original.id)
    });
    plan.waiting = (before - plan.originals.len()) as u64;
}
