//! The running program: wiring, threads, stop, join. One loop does everything that writes, in turn: commands, files in,
//! feeds, housekeeping. The other threads read ahead (decoder), wake the loop (watch), or tell it to stop (signals).

mod feeds;
mod outage;
mod room;
mod signals;
mod troubles;
mod turn;
mod works;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::config::{Config, LogFormat};
use crate::edges::clock::{Clock, Now};
use crate::edges::events::{Event, Events, Format, Key, Value};
use crate::edges::lock::{InstanceLock, LockError};
use crate::edges::spool::{Mover, Place, Spool, Syncer};
use crate::edges::store::Store;
use crate::edges::watch::Watch;
use crate::flows::inbound::desk::Desk;
use crate::flows::inbound::reading::{Decoder, SpillFiles};
use crate::flows::{lineage, recover};
use crate::model::intake::Intake;
use crate::model::pause::Paused;

use feeds::Out;
pub use signals::Stop;
use troubles::Troubles;
use works::Works;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Stopped in order, or (once) nothing is left to do.
    Done,
    /// Once: these still settle, each with its folder.
    StillSettling(Vec<String>),
    /// Once: the disk or the database takes nothing.
    Waiting(String),
}

/// Everything the loop works with.
pub struct Daemon {
    config: Config,
    works: Works,
    out: Out,
    clock: Clock,
    desks: Vec<Desk>,
    /// The desk whose folder was looked at last.
    looked_at: usize,
    /// Partners take turns; this one is next.
    next_partner: usize,
    /// The folders of the desks in their order, and that of the commands.
    watch: Watch,
    /// Something may lie in commands/.
    commands_due: bool,
    /// What a person stopped, as the ledger has it.
    paused: Paused,
    /// What waits was not judged yet under the configuration as it is.
    config_is_new: bool,
    ring: SyncSender<()>,
    rung: Receiver<()>,
    stop: Arc<Stop>,
    outage: outage::Outage,
    troubles: Troubles,
    disks: room::Disks,
    /// What `status` was told last of what waits.
    told_waiting: Vec<String>,
    housekeeping_at: Duration,
    /// When files were last taken in.
    last_round: Duration,
    /// Of the spool and of the database: two spools on one database would write each other's ledger.
    _locks: [InstanceLock; 2],
}

/// Runs until it is told to stop; once: until nothing is left to do. `accept_database`: also one that is not the spool's own.
pub fn run(config: Config, once: bool, accept_database: bool) -> Result<Ended> {
    let stop = Arc::new(Stop::default());
    let events = Events::to_stderr(format(config.log));
    let mut daemon = Daemon::start(config, stop.clone(), events, accept_database)?;
    let signals = signals::listen(stop, daemon.ring.clone())?;
    let ended = daemon.run(once);
    signals.end();
    ended
}

/// Carries out the commands that lie in the spool, for a command line while no daemon runs. False: one does.
/// Silent: who asked is told, and the audit trail stands in the ledger.
/// `accept_database`: as for `run`.
pub fn carry_out_alone(config: Config, accept_database: bool) -> Result<bool> {
    let events = Events::to(format(config.log), Box::new(std::io::sink()));
    let mut daemon = match Daemon::start(config, Arc::new(Stop::default()), events, accept_database) {
        Ok(daemon) => daemon,
        Err(error) if matches!(error.downcast_ref(), Some(LockError::Held { .. })) => return Ok(false),
        Err(error) => return Err(error),
    };
    daemon.carry_out_commands()?;
    daemon.confirm_placed()?;
    Ok(true)
}

fn format(log: LogFormat) -> Format {
    match log {
        LogFormat::Plain => Format::Plain,
        LogFormat::Json => Format::Json,
    }
}

impl Daemon {
    /// Opens everything and puts right what the last run left.
    fn start(config: Config, stop: Arc<Stop>, events: Events, accept_database: bool) -> Result<Daemon> {
        let events = Arc::new(events);
        let spool = Arc::new(Spool::open(&config.spool)?);
        let lock = InstanceLock::take(&spool.lock_path())?;
        let store_lock = InstanceLock::take(&lock_beside(&config.store))?;
        let clock = Clock::start();
        let store = open_store(&config, &spool, &events, clock.now(), accept_database)?;
        let (ring, rung) = sync_channel(1);
        let spill = spill_files(&spool);
        let urgent = stop.clone();
        let mut daemon = Daemon {
            watch: watch(&config, &spool, &ring)?,
            desks: desks(&config.intakes),
            out: Out::new(&config)?,
            works: Works {
                store,
                decoder: Decoder::start(spill.clone(), config.store.clone())?,
                syncer: Syncer::start(spool.clone())?,
                mover: Mover::start()?,
                spool,
                events,
                intakes: config.intakes.clone(),
                zone: config.zone,
                placed: Vec::new(),
                under_way: None,
                denied: BTreeSet::new(),
                give_up: Box::new(move || urgent.is_urgent()),
            },
            looked_at: 0,
            next_partner: 0,
            commands_due: true,
            paused: Paused::default(),
            config_is_new: true,
            clock,
            ring,
            rung,
            stop,
            outage: outage::Outage::default(),
            troubles: Troubles::default(),
            disks: room::Disks::new(&config),
            told_waiting: Vec::new(),
            housekeeping_at: Duration::ZERO,
            last_round: Duration::ZERO,
            config,
            _locks: [lock, store_lock],
        };
        let now = daemon.clock.now();
        // Of a process that was killed while everything waited.
        daemon.works.spool.nothing_waits_any_more();
        daemon.make_folders()?;
        daemon
            .tell(Event::DaemonStarted, &[(Key::Path, Value::Text(daemon.config.spool.display().to_string().into()))]);
        daemon.read_pauses()?;
        recover::start(&mut daemon.works.bench(now))?;
        daemon.recover_runs(now)?;
        Ok(daemon)
    }

    /// The folders partners and people work in exist before anybody looks for them.
    fn make_folders(&self) -> Result<()> {
        for intake in &self.works.intakes {
            self.works.spool.make(Place::In { partner: &intake.sender.partner, intake: &intake.id })?;
        }
        for feed in &self.out.feeds {
            self.works.spool.make(Place::Out { partner: &feed.partner, folder: &feed.folder })?;
        }
        Ok(())
    }

    fn tell(&self, event: Event, fields: &[(Key, Value<'_>)]) {
        self.works.events.tell(self.clock.now().wall, "", event, fields);
    }

    /// The loop.
    pub fn run(&mut self, once: bool) -> Result<Ended> {
        if !once {
            // Only for speed: what is wrong with the disk or the database, the first turn finds too, and waits for it.
            let _ = self.works.store.lengthen_log();
        }
        loop {
            match self.turn() {
                // A stop ends a turn early: that says nothing of the disk.
                Ok(()) if self.stop.is_asked() => {}
                Ok(()) => self.outage.over(&self.works.events, self.clock.now()),
                Err(error) if self.stop.is_asked() => {
                    self.give_attempts_back(&error);
                    break;
                }
                Err(error) => {
                    match self.outage.begins(&self.works.spool, &self.works.events, self.clock.now(), error)? {
                        words if once => return Ok(Ended::Waiting(words)),
                        _ => {}
                    }
                }
            }
            self.say_what_waits();
            if self.stop.is_asked() {
                break;
            }
            if once && let Some(ended) = self.is_drained()? {
                self.stop_in_order()?;
                return Ok(ended);
            }
            self.sleep();
        }
        self.tell(Event::DaemonStopping, &[]);
        self.stop_in_order()?;
        Ok(Ended::Done)
    }

    /// `status` is another process.
    fn say_what_waits(&mut self) {
        let all = self.outage.sentence().into_iter().chain(self.troubles.sentences());
        let waits: Vec<String> = all.chain(self.disks.too_large()).collect();
        if waits.is_empty() && !self.told_waiting.is_empty() {
            self.works.spool.nothing_waits_any_more();
        } else if waits != self.told_waiting {
            self.works.spool.say_what_waits(&waits);
        }
        self.told_waiting = waits;
    }

    /// Until somebody rings, or the next thing is due.
    fn sleep(&mut self) {
        let until = self.until_next(self.clock.now());
        match self.rung.recv_timeout(until) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            // We hold a sender ourselves, so the channel never closes.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(until),
        }
        if self.stop.take_reload() {
            self.reload();
        }
    }

    /// SIGHUP: a bad configuration leaves the old one running and says so.
    fn reload(&mut self) {
        match crate::config::read_with_own(&self.config.path) {
            Err(problems) => {
                for problem in problems {
                    self.tell(Event::ConfigBad, &[(Key::Reason, Value::Text(problem.to_string().into()))]);
                }
            }
            Ok(config) if config.spool != self.config.spool || config.store != self.config.store => {
                let words = "spool and store cannot be changed while running; restart for that";
                self.tell(Event::ConfigBad, &[(Key::Reason, Value::Text(words.into()))]);
            }
            Ok(config) => {
                if let Err(error) = self.take_over(config) {
                    self.tell(Event::ConfigBad, &[(Key::Reason, Value::Text(format!("{error:#}").into()))]);
                }
            }
        }
    }

    fn take_over(&mut self, config: Config) -> Result<()> {
        self.watch = watch(&config, &self.works.spool, &self.ring)?;
        self.desks = desks(&config.intakes);
        self.works.intakes = config.intakes.clone();
        self.works.zone = config.zone;
        self.out.feeds = config.feeds.clone();
        self.disks.take_over(config.disk_floor);
        self.config = config;
        (self.config_is_new, self.housekeeping_at) = (true, Duration::ZERO);
        self.make_folders()?;
        self.begin_feeds()?;
        self.tell(Event::ConfigLoaded, &[(Key::Path, Value::Text(self.config.path.display().to_string().into()))]);
        Ok(())
    }

    fn stop_in_order(&mut self) -> Result<()> {
        self.confirm_placed().context("cannot write the last confirmation; the next start does it again")?;
        if let Err(error) = self.works.store.gather() {
            // Nothing is lost: the log beside the database holds it.
            self.tell(Event::StoreWaiting, &[(Key::Reason, Value::Text(outage::words_of_store(&error).into()))]);
        }
        if !self.told_waiting.is_empty() {
            self.works.spool.nothing_waits_any_more();
        }
        self.tell(Event::DaemonStopped, &[]);
        Ok(())
    }

    /// A stop is no fault of the file that was being read.
    fn give_attempts_back(&mut self, error: &anyhow::Error) {
        let words = format!("{error:#}");
        let given = (|| {
            let open = self.works.store.read()?.open_files()?;
            let tx = self.works.store.begin()?;
            for row in open.iter().filter(|row| row.alone && row.attempts > 0) {
                tx.take_back_attempt(row.no)?;
            }
            tx.commit()
        })();
        let words = if given.is_ok() { words } else { format!("{words}; and the attempt could not be given back") };
        self.tell(Event::DaemonStopping, &[(Key::Reason, Value::Text(words.into()))]);
    }
}

fn watch(config: &Config, spool: &Spool, ring: &SyncSender<()>) -> Result<Watch> {
    let mut folders = Vec::new();
    for intake in &config.intakes {
        let place = Place::In { partner: &intake.sender.partner, intake: &intake.id };
        spool.make(place)?;
        folders.push(spool.folder(place)?);
    }
    folders.push(spool.folder(Place::Commands)?);
    let ring = ring.clone();
    // Full means that the loop has not come to the last ring yet: it will look anyway.
    Ok(Watch::start(folders, config.scan_every, move || _ = ring.try_send(())))
}

/// The spool's own database; a new one only where both begin.
fn open_store(config: &Config, spool: &Spool, events: &Events, now: Now, accept: bool) -> Result<Store> {
    if let Some(missing) = lineage::is_missing(&config.store, spool)?.filter(|_| !accept) {
        return Err(missing.into());
    }
    let mut store = Store::open(&config.store)?;
    lineage::meet(&mut store, &config.store, spool, events, now, accept.then_some(&config.feeds[..]))?;
    Ok(store)
}

/// `nattpost.db` → `nattpost.db.lock`.
fn lock_beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_os_string();
    name.push(".lock");
    name.into()
}

fn desks(intakes: &[Arc<Intake>]) -> Vec<Desk> {
    intakes.iter().map(|intake| Desk::new(intake.clone())).collect()
}

/// Scattered rows of a file are sorted in files without a name: gone with the process, whatever happens.
fn spill_files(spool: &Arc<Spool>) -> SpillFiles {
    let spool = spool.clone();
    Arc::new(move || {
        let file = spool.unnamed_file().map_err(|e| std::io::Error::new(e.kind(), e))?;
        Ok(Box::new(file))
    })
}
