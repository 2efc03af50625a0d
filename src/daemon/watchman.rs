//! What is the matter, while the program runs: a look every minute at ledger, folders and what only the loop knows; letters
//! out, and what became of them. While the database takes nothing, the one letter that says so goes out without it.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::Daemon;
use super::courier::{Back, Courier};
use crate::edges::clock::{Now, new_id};
use crate::edges::events::{Event, Key, Value};
use crate::flows::problems::keep::{self, Patrol, Sensed, ToldOutage};
use crate::flows::problems::{Watched, letters};
use crate::flows::{files::Sight, is_outage, lineage};
use crate::model::problem::{Condition, Kind};
use crate::model::rules::told;
use crate::model::wording::problems as words;

/// Strangers of an accepted database are counted by walking the folders.
const DATABASE_EVERY: Duration = Duration::from_secs(3_600);
/// How long a stop waits for letters on their way, and a single run for its own.
const AT_A_STOP: Duration = Duration::from_secs(2);
const OF_A_SINGLE_RUN: Duration = Duration::from_secs(35);

pub struct Watchman {
    courier: Courier,
    /// Nobody has looked yet in this process.
    is_first: bool,
    /// Its begin is noted, so its end is to be.
    has_begun: bool,
    /// The last daemon did not end in order.
    crashed: bool,
    /// Of the last reload: how many problems, and the first.
    config_bad: Option<(u64, String)>,
    /// Why a command cannot be read.
    unread: Option<String>,
    /// What the watch said last.
    poor: Option<String>,
    strangers: u64,
    strangers_at: Duration,
    next_letter: Option<DateTime<Utc>>,
    outage: Option<Untold>,
}

/// An outage that the ledger cannot take note of.
struct Untold {
    told: ToldOutage,
    /// When a channel that did not take it is tried again, and how often it was.
    again: Vec<(String, Duration, u32)>,
}

impl Watchman {
    pub fn new(courier: Courier) -> Watchman {
        Watchman {
            courier,
            is_first: true,
            has_begun: false,
            crashed: false,
            config_bad: None,
            unread: None,
            poor: None,
            strangers: 0,
            strangers_at: Duration::ZERO,
            next_letter: None,
            outage: None,
        }
    }

    /// A new configuration was not taken: all that is wrong with it; nothing when it was.
    pub fn config_is(&mut self, bad: &[String]) {
        self.config_bad = bad.first().map(|first| (bad.len() as u64, first.clone()));
    }

    pub fn command_unread(&mut self, why: Option<String>) {
        self.unread = why;
    }

    pub fn watch_poor(&mut self, why: &str) {
        self.poor = Some(why.to_string());
    }

    /// When the next letter is due.
    pub fn next_letter(&self) -> Option<DateTime<Utc>> {
        self.next_letter
    }
}

/// The kinds that only the loop knows of.
const SENSED: [Kind; 8] = [
    Kind::FolderRefused,
    Kind::AllWaits,
    Kind::WatchPoor,
    Kind::CommandUnread,
    Kind::ConfigBad,
    Kind::DaemonCrashed,
    Kind::DiskLow,
    Kind::DatabaseOlder,
];

impl Daemon {
    /// A daemon begins: did the last one end in order?
    pub(super) fn begin_watch(&mut self) -> Result<()> {
        self.works.spool.make_waiting();
        self.watchman.has_begun = true;
        self.watchman.crashed = self.works.store.read().and_then(|now| now.has_ended()).is_ok_and(|ended| !ended);
        self.note_ended(false)
    }

    /// It ends in order.
    pub(super) fn end_watch(&mut self) -> Result<()> {
        if !self.watchman.has_begun {
            return Ok(());
        }
        let backs = self.watchman.courier.wait(AT_A_STOP);
        let noted = self.note_letters(backs).and_then(|()| self.note_ended(true));
        self.works.spool.forget_waiting();
        match noted {
            // On a full disk nothing can be noted: what was sent is sent once more, and the next start takes it for a crash.
            Err(error) if !is_outage(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn note_ended(&mut self, ended: bool) -> Result<()> {
        let noted = self.works.store.begin().and_then(|tx| tx.set_ended(ended).and_then(|()| tx.commit()));
        match noted {
            // The first turn finds the same, and waits for it.
            Err(error) if !is_outage(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn watched(&self) -> Watched<'_> {
        Watched {
            company: &self.config.company,
            zone: self.config.zone,
            intakes: &self.works.intakes,
            feeds: &self.out.feeds,
            expects: &self.config.expects,
            channels: &self.config.channels,
            named: &self.config.named,
        }
    }

    /// The look of every minute.
    pub(super) fn look_after(&mut self) -> Result<()> {
        let now = self.clock.now();
        self.record_outage()?;
        let sensed = self.sense(now)?;
        let events = self.works.events.clone();
        let spool = self.works.spool.clone();
        let config = &self.config;
        let watched = Watched {
            company: &config.company,
            zone: config.zone,
            intakes: &self.works.intakes,
            feeds: &self.out.feeds,
            expects: &config.expects,
            channels: &config.channels,
            named: &config.named,
        };
        let store = &mut self.works.store;
        keep::look(&mut Patrol { store, spool: &spool, events: &events, now: now.wall, watched }, &sensed)?;
        self.watchman.is_first = false;
        self.watchman.next_letter = letters::next_due(&self.works.store.read()?)?;
        Ok(())
    }

    fn sense(&mut self, now: Now) -> Result<Sensed> {
        let mut conditions: Vec<Condition> = self.troubles.conditions();
        conditions.extend(self.disks.conditions());
        let watch = &self.watch;
        let is_poor = (0..=self.desks.len()).any(|index| !watch.hears_of(index) && !watch.rests(index));
        if is_poor {
            let why = self.watchman.poor.as_deref().unwrap_or("A folder of the spool cannot be watched");
            conditions.push(words::watch_poor(why.trim_end_matches('.')));
        }
        conditions.extend(self.watchman.unread.as_deref().map(|why| words::command_unread(why.trim_end_matches('.'))));
        conditions.extend(self.watchman.config_bad.as_ref().map(|(count, first)| words::config_bad(*count, first)));
        let asleep_since = match self.watchman.is_first {
            true => keep::asleep_since(keep::looked_at(&self.works.store.read()?)?, now.wall),
            false => None,
        };
        if self.watchman.is_first && self.watchman.crashed {
            conditions.push(words::daemon_crashed());
        }
        if now.mono >= self.watchman.strangers_at {
            let snapshot = self.works.store.read()?;
            let sight = Sight { snapshot: &snapshot, spool: &self.works.spool, zone: self.config.zone, now: now.wall };
            self.watchman.strangers = lineage::unknown_files(sight, 0)?.1;
            self.watchman.strangers_at = now.mono + DATABASE_EVERY;
        }
        if self.watchman.strangers > 0 {
            conditions.push(words::database_older(self.watchman.strangers));
        }
        Ok(Sensed { conditions, looked: SENSED.to_vec(), asleep_since })
    }

    /// Letters that are back, and those whose time has come. `all`: also those that still gather.
    pub(super) fn post_letters(&mut self, all: bool) -> Result<()> {
        let backs = self.watchman.courier.take();
        self.note_letters(backs)?;
        let now = self.clock.now().wall;
        if self.watchman.next_letter.is_none_or(|due| due > now && !all) {
            return Ok(());
        }
        let in_hand = self.watchman.courier.in_hand();
        let posted = letters::due(&self.works.store.read()?, &self.watched(), &in_hand, (now, all))?;
        for posted in posted {
            letters::hand_out(&mut self.works.store, &posted)?;
            self.watchman.courier.send(posted)?;
        }
        // Those in hand say themselves when they are back.
        self.watchman.next_letter = None;
        Ok(())
    }

    /// A single run: whoever starts it from a timetable has nobody to wait for letters later.
    pub(super) fn post_the_last(&mut self) -> Result<()> {
        self.look_after()?;
        self.post_letters(true)?;
        let backs = self.watchman.courier.wait(OF_A_SINGLE_RUN);
        let all_taken = backs.iter().all(|back| back.outcome.is_ok());
        self.note_letters(backs)?;
        if all_taken && self.watchman.next_letter.is_some() {
            // What came up behind a letter that was handed out before.
            self.post_letters(true)?;
            let backs = self.watchman.courier.wait(OF_A_SINGLE_RUN);
            self.note_letters(backs)?;
        }
        Ok(())
    }

    fn note_letters(&mut self, backs: Vec<Back>) -> Result<()> {
        let now = self.clock.now();
        let is_any = !backs.is_empty();
        for Back { posted, outcome } in backs {
            if posted.is_of_ledger() {
                letters::done(&mut self.works.store, &self.works.events, &posted, outcome, now.wall)?;
            } else {
                self.note_outage_letter(&posted.channel.name, outcome, now);
            }
        }
        if is_any {
            self.watchman.next_letter = letters::next_due(&self.works.store.read()?)?;
        }
        Ok(())
    }

    /// Everything waits, and the ledger cannot say so: whoever hears of errors is told straight away, once.
    pub(super) fn tell_outage(&mut self, about: &str, reason: &str) -> Result<()> {
        let now = self.clock.now();
        if self.watchman.outage.is_none() {
            // Within its quiet time it is the same problem, and was told.
            let rows = self.works.store.read().and_then(|snapshot| snapshot.open_problems()).unwrap_or_default();
            if rows.iter().any(|row| row.kind == Kind::AllWaits.as_str() && row.told_at.is_some()) {
                return Ok(());
            }
            let told = match self.works.spool.outage_note().as_deref().and_then(ToldOutage::read) {
                Some(told) => told,
                None => ToldOutage::new(new_id(now.wall)?, now.wall, words::all_waits(about, reason)),
            };
            self.works.spool.note_outage(&told.line());
            self.watchman.outage = Some(Untold { told, again: Vec::new() });
        }
        // An outage ends turns early, so what is back is taken here.
        for Back { posted, outcome } in self.watchman.courier.take() {
            if !posted.is_of_ledger() {
                self.note_outage_letter(&posted.channel.name, outcome, now);
            }
        }
        let Some(untold) = &self.watchman.outage else { return Ok(()) };
        let in_hand: BTreeSet<String> = self.watchman.courier.in_hand();
        let mut to_send = Vec::new();
        for channel in told::channels(Kind::AllWaits, "", untold.told.condition.level, &[], &self.config.channels) {
            let rests = untold.again.iter().any(|(name, at, _)| *name == channel.name && *at > now.mono);
            if !untold.told.channels.contains(&channel.name) && !in_hand.contains(&channel.name) && !rests {
                to_send.push(letters::of_outage(&untold.told, channel, &self.watched(), now.wall));
            }
        }
        to_send.into_iter().try_for_each(|posted| self.watchman.courier.send(posted))
    }

    fn note_outage_letter(&mut self, channel: &str, outcome: Result<Option<String>, String>, now: Now) {
        let Some(untold) = &mut self.watchman.outage else { return };
        let name = (Key::Channel, Value::Text(channel.to_string().into()));
        match outcome {
            Ok(_) => {
                untold.told.channels.push(channel.to_string());
                self.works.spool.note_outage(&untold.told.line());
                self.works.events.tell(now.wall, "", Event::NoticeSent, &[name]);
            }
            Err(reason) => {
                let tries = untold.again.iter().find(|(name, ..)| name == channel).map_or(0, |(.., tries)| *tries) + 1;
                untold.again.retain(|(name, ..)| name != channel);
                let pause = told::pause(tries).to_std().unwrap_or_default();
                untold.again.push((channel.to_string(), now.mono + pause, tries));
                let reason = (Key::Reason, Value::Text(reason.into()));
                self.works.events.tell(now.wall, "", Event::NoticeFailed, &[name, reason]);
            }
        }
    }

    /// Commits go again: the outage becomes a problem that was told, and ends the usual way.
    fn record_outage(&mut self) -> Result<()> {
        let noted = || self.works.spool.outage_note().as_deref().and_then(ToldOutage::read);
        // Of a process that was killed meanwhile.
        let kept = if self.watchman.is_first { noted() } else { None };
        if let Some(told) = self.watchman.outage.as_ref().map(|untold| untold.told.clone()).or(kept) {
            keep::record_outage(&mut self.works.store, &self.works.events, &told, self.clock.now().wall)?;
            self.works.spool.note_outage("");
            self.watchman.outage = None;
        }
        Ok(())
    }
}
