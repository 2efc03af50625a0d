//! Everything waits and the ledger cannot say so: whoever hears of errors is told straight away, once. The loop tells so of an
//! outage it meets, and a start of one that keeps it from opening anything. What was told is noted in the spool, and becomes a
//! problem like any other once commits go again.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;

use super::courier::{Back, Courier};
use crate::edges::clock::{Now, new_id};
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::notice::Taken;
use crate::edges::spool::Spool;
use crate::flows::problems::keep::ToldOutage;
use crate::flows::problems::{Watched, letters};
use crate::model::problem::Kind;
use crate::model::rules::told;
use crate::model::wording::problems as words;

/// An outage that the ledger cannot take note of; none while all is well.
#[derive(Default)]
pub(super) struct OutageLetters(Option<Untold>);

struct Untold {
    told: ToldOutage,
    /// When a channel that did not take it is tried again, and how often it was.
    again: Vec<(String, Duration, u32)>,
}

/// What is there to tell with.
pub(super) struct Means<'m> {
    /// None: it may be another's, since it could not be locked yet.
    pub spool: Option<&'m Spool>,
    pub events: &'m Events,
    pub watched: Watched<'m>,
    pub now: Now,
}

impl OutageLetters {
    pub fn is_begun(&self) -> bool {
        self.0.is_some()
    }

    /// What was told, for the ledger.
    pub fn told(&self) -> Option<&ToldOutage> {
        self.0.as_ref().map(|untold| &untold.told)
    }

    pub fn over(&mut self) {
        self.0 = None;
    }

    /// Letters to the channels that have not taken it yet. `about`: disk or database.
    pub fn tell(&mut self, courier: &mut Courier, means: &Means<'_>, (about, reason): (&str, &str)) -> Result<()> {
        let now = means.now;
        if self.0.is_none() {
            let noted = means.spool.and_then(Spool::outage_note);
            let told = match noted.as_deref().and_then(ToldOutage::read) {
                Some(told) => told,
                None => ToldOutage::new(new_id(now.wall)?, now.wall, words::all_waits(about, reason)),
            };
            note(means.spool, &told);
            self.0 = Some(Untold { told, again: Vec::new() });
        }
        // An outage ends turns early, so what is back is taken here.
        for Back { posted, outcome } in courier.take() {
            if !posted.is_of_ledger() {
                self.took(&posted.channel.name, outcome, means.spool, means.events, now);
            }
        }
        let Some(untold) = &self.0 else { return Ok(()) };
        let in_hand: BTreeSet<String> = courier.in_hand();
        let mut to_send = Vec::new();
        for channel in told::channels(Kind::AllWaits, "", untold.told.condition.level, &[], means.watched.channels) {
            let rests = untold.again.iter().any(|(name, at, _)| *name == channel.name && *at > now.mono);
            if !untold.told.channels.contains(&channel.name) && !in_hand.contains(&channel.name) && !rests {
                to_send.push(letters::of_outage(&untold.told, channel, &means.watched, now.wall));
            }
        }
        to_send.into_iter().try_for_each(|posted| courier.send(posted))
    }

    /// What became of a letter.
    pub fn took(
        &mut self,
        channel: &str,
        outcome: Result<Taken, String>,
        spool: Option<&Spool>,
        events: &Events,
        now: Now,
    ) {
        let Some(untold) = &mut self.0 else { return };
        let name = (Key::Channel, Value::Text(channel.to_string().into()));
        match outcome {
            Ok(_) => {
                untold.told.channels.push(channel.to_string());
                note(spool, &untold.told);
                events.tell(now.wall, "", Event::NoticeSent, &[name]);
            }
            Err(reason) => {
                let tries = untold.again.iter().find(|(name, ..)| name == channel).map_or(0, |(.., tries)| *tries) + 1;
                untold.again.retain(|(name, ..)| name != channel);
                let pause = told::pause(tries).to_std().unwrap_or_default();
                untold.again.push((channel.to_string(), now.mono + pause, tries));
                let reason = (Key::Reason, Value::Text(reason.into()));
                events.tell(now.wall, "", Event::NoticeFailed, &[name, reason]);
            }
        }
    }
}

fn note(spool: Option<&Spool>, told: &ToldOutage) {
    if let Some(spool) = spool {
        spool.note_outage(&told.line());
    }
}
