//! What is the matter: conditions are gathered (`conditions`), compared with the problems that are open and kept in one commit
//! with their notices (`keep`), and what is to be told becomes letters (`letters`). Nothing hangs on an event that could be
//! lost: a restart finds what the last process found.

mod conditions;
pub mod keep;
pub mod letters;

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;

use crate::model::feed::Feed;
use crate::model::intake::Intake;
use crate::model::problem::{Channel, Named};
use crate::model::rules::arrivals::Expect;

/// What of the configuration is watched, and who is told.
#[derive(Clone, Copy)]
pub struct Watched<'w> {
    pub company: &'w str,
    pub zone: Tz,
    /// How old a copy of the database may be.
    pub backup_within: Option<Duration>,
    pub intakes: &'w [Arc<Intake>],
    pub feeds: &'w [Arc<Feed>],
    pub expects: &'w [Expect],
    pub channels: &'w [Channel],
    pub named: &'w Named,
}
