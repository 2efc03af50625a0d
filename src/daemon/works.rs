//! What files in are worked with, apart from the rest of the daemon, so that a bench can be laid while feeds are at hand.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use chrono_tz::Tz;

use crate::edges::clock::Now;
use crate::edges::events::Events;
use crate::edges::spool::{Mover, Spool, Syncer};
use crate::edges::store::{FileNo, Store, Tx};
use crate::flows::inbound::finish::UnderWay;
use crate::flows::inbound::reading::Decoder;
use crate::flows::inbound::round::Bench;
use crate::flows::outbound::{Numbers, answering, receipt};
use crate::model::intake::Intake;

pub struct Works {
    pub store: Store,
    pub spool: Arc<Spool>,
    pub events: Arc<Events>,
    pub decoder: Decoder,
    pub syncer: Syncer,
    pub mover: Mover,
    pub intakes: Vec<Arc<Intake>>,
    pub zone: Tz,
    /// Files whose folders have followed, to be confirmed by the next commit.
    pub placed: Vec<FileNo>,
    /// Moves of the last round that are not waited for yet.
    pub under_way: Option<UnderWay>,
    /// Folders that refused a move, in words.
    pub denied: BTreeSet<String>,
    pub give_up: Box<dyn Fn() -> bool>,
}

/// The receipts of files that were just decided, and the answers to what they asked, in the transaction of their verdicts.
pub(super) fn replies(tx: &Tx<'_>, spool: &Spool, files: &[(FileNo, Arc<Intake>)], now: Now, zone: Tz) -> Result<()> {
    let mut numbers = Numbers::read(tx, spool)?;
    let mut gathered = answering::Gathered::default();
    for (file, intake) in files {
        receipt::add(tx, spool, &mut numbers, intake, *file, (now, zone))?;
        answering::add(tx, spool, (&mut numbers, &mut gathered), intake, *file, (now, zone))?;
    }
    numbers.keep(tx, spool)
}

impl Works {
    pub fn bench(&mut self, now: Now) -> Bench<'_> {
        Bench {
            store: &mut self.store,
            spool: &self.spool,
            decoder: &mut self.decoder,
            syncer: &self.syncer,
            mover: &self.mover,
            events: &self.events,
            intakes: &self.intakes,
            zone: self.zone,
            now,
            placed: &mut self.placed,
            under_way: &mut self.under_way,
            denied: &mut self.denied,
            give_up: &self.give_up,
            answer: &replies,
        }
    }
}
