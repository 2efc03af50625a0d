//! What is the matter, while the program runs: a look every minute at ledger, folders and what only the loop knows; letters
//! out, and what became of them. While the database takes nothing, the one letter that says so (`outage_letters`) goes out without it.

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::Daemon;
use super::courier::{Back, Courier};
use super::outage_letters::{Means, OutageLetters};
use crate::config::Config;
use crate::edges::clock::Now;
use crate::flows::problems::keep::{self, Patrol, Sensed, ToldOutage};
use crate::flows::problems::{Watched, letters};
use crate::flows::{files::Sight, is_outage, lineage};
use crate::model::problem::{Condition, Kind};
use crate::model::wording::problems as words;

/// Strangers of an accepted database are counted by walking the folders.
const DATABASE_EVERY: Duration = Duration::from_secs(3_600);
/// How long a stop waits for letters on their way, and a single run for its own.
const AT_A_STOP: Duration = Duration::from_secs(2);
pub(super) const OF_A_SINGLE_RUN: Duration = Duration::from_secs(35);

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
    outage: OutageLetters,
}

/// What of a configuration is watched, and who is told.
pub(super) fn watched(config: &Config) -> Watched<'_> {
    Watched {
        company: &config.company,
        zone: config.zone,
        backup_within: config.backup_within,
        intakes: &config.intakes,
        feeds: &config.feeds,
        expects: &config.expects,
        channels: &config.channels,
        named: &config.named,
    }
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
            outage: OutageLetters::default(),
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

    /// What a start told before this daemon was open, with its letters on their way.
    pub fn go_on_telling(&mut self, outage: OutageLetters, courier: Courier) {
        (self.outage, self.courier) = (outage, courier);
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

    /// A commit that changes nothing, so whatever it meets is the database's.
    pub(super) fn note_alive(&mut self) -> Result<()> {
        let tx = self.works.store.begin()?;
        tx.set_ended(false)?;
        tx.commit()
    }

    fn note_ended(&mut self, ended: bool) -> Result<()> {
        let noted = self.works.store.begin().and_then(|tx| tx.set_ended(ended).and_then(|()| tx.commit()));
        match noted {
            // The first turn finds the same, and waits for it.
            Err(error) if !is_outage(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// The look of every minute.
    pub(super) fn look_after(&mut self) -> Result<()> {
        let now = self.clock.now();
        self.record_outage()?;
        let sensed = self.sense(now)?;
        let events = self.works.events.clone();
        let spool = self.works.spool.clone();
        let watched = watched(&self.config);
        let store = &mut self.works.store;
        keep::look(&mut Patrol { store, spool: &spool, events: &events, now: now.wall, watched }, &sensed)?;
        self.watchman.is_first = false;
        self.look_for_letters(now)?;
        Ok(())
    }

    fn look_for_letters(&mut self, now: Now) -> Result<()> {
        self.watchman.next_letter = letters::next_due(&self.works.store.read()?, &watched(&self.config), now.wall)?;
        Ok(())
    }

    fn sense(&mut self, now: Now) -> Result<Sensed> {
        let mut conditions: Vec<Condition> = self.troubles.conditions();
        conditions.extend(self.out.refused().map(|(about, sentence)| words::folder_refused(about, "out", &sentence)));
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
        let posted = letters::due(&self.works.store.read()?, &watched(&self.config), &in_hand, (now, all))?;
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
        let all_taken = backs.iter().all(|back| back.outcome.as_ref().is_ok_and(|taken| taken.later.is_empty()));
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
                let (spool, events) = (Some(&*self.works.spool), &*self.works.events);
                self.watchman.outage.took(&posted.channel.name, outcome, spool, events, now);
            }
        }
        if is_any {
            self.look_for_letters(now)?;
        }
        Ok(())
    }

    /// Everything waits, and the ledger cannot say so.
    pub(super) fn tell_outage(&mut self, about: &str, reason: &str) -> Result<()> {
        if !self.watchman.outage.is_begun() {
            // Within its quiet time it is the same problem, and was told.
            let rows = self.works.store.read().and_then(|snapshot| snapshot.open_problems()).unwrap_or_default();
            if rows.iter().any(|row| row.kind == Kind::AllWaits.as_str() && row.told_at.is_some()) {
                return Ok(());
            }
        }
        let means = Means {
            spool: Some(&self.works.spool),
            events: &self.works.events,
            watched: watched(&self.config),
            now: self.clock.now(),
        };
        let Watchman { outage, courier, .. } = &mut self.watchman;
        outage.tell(courier, &means, (about, reason))
    }

    /// Commits go again: the outage becomes a problem that was told, and ends the usual way.
    fn record_outage(&mut self) -> Result<()> {
        let noted = || self.works.spool.outage_note().as_deref().and_then(ToldOutage::read);
        // Of a process that was killed meanwhile.
        let kept = if self.watchman.is_first { noted() } else { None };
        if let Some(told) = self.watchman.outage.told().cloned().or(kept) {
            keep::record_outage(&mut self.works.store, &self.works.events, &told, self.clock.now().wall)?;
            self.works.spool.note_outage("");
            self.watchman.outage.over();
        }
        Ok(())
    }
}
