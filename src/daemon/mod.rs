//! The running program: wiring, threads, stop, join. One loop does everything that writes, in turn: commands, files in,
//! feeds, housekeeping. The other threads read ahead (decoder), wake the loop (watch), or tell it to stop (signals).

mod attempts;
mod carriers;
mod courier;
mod crew;
mod door;
mod feeds;
mod outage;
mod outage_letters;
pub mod planning;
mod pulse;
mod queue;
mod remotes;
mod reports;
mod room;
mod secret_files;
mod signals;
mod starting;
mod troubles;
mod turn;
mod watchman;
mod works;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::config::{Config, LogFormat};
use crate::edges::clock::{Clock, Now};
use crate::edges::events::{Event, Events, Format, Key, Value};
use crate::edges::lock::{InstanceLock, LockError};
use crate::edges::memory;
use crate::edges::sd_notify::Supervisor;
use crate::edges::spool::{Mover, Place, Spool, Syncer};
use crate::edges::store::Store;
use crate::edges::watch::Watch;
use crate::flows::inbound::desk::Desk;
use crate::flows::inbound::reading::{Decoder, SpillFiles};
use crate::flows::{lineage, of_spool, recover};
use crate::model::intake::Intake;
use crate::model::pause::Paused;

use attempts::EarlierAttempts;
use courier::Courier;
use door::Vitals;
use feeds::Out;
use pulse::Pulse;
use queue::Queue;
use remotes::Remotes;
use signals::Stop;
use starting::{Beginning, Hold};
use troubles::Troubles;
use watchman::Watchman;
use works::Works;

/// Nothing is due for so long: a start is over, with all that it brought about.
const LONG_REST: Duration = Duration::from_millis(500);

/// A command line waits so long for an older command that cannot be read; then a daemon does it.
const FOR_A_MOMENT: Duration = Duration::from_secs(3);
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Stopped in order, or (once) nothing is left to do.
    Done,
    /// Once: these still settle, each with its folder.
    StillSettling(Vec<String>),
    /// Once: the disk or the database takes nothing.
    Waiting(String),
    /// Once: all is done but for what stands at a remote or in a folder that refuses us.
    SomeWaits(String),
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
    queue: Queue,
    /// What a person stopped, as the ledger has it.
    paused: Paused,
    earlier_attempts: EarlierAttempts,
    /// What waits was not judged yet under the configuration as it is.
    config_is_new: bool,
    ring: SyncSender<()>,
    rung: Rc<Receiver<()>>,
    stop: Arc<Stop>,
    pulse: Arc<Pulse>,
    outage: outage::Outage,
    troubles: Troubles,
    disks: room::Disks,
    vitals: Arc<Vitals>,
    /// From the first turn on, where the configuration has any.
    remotes: Option<Remotes>,
    watchman: Watchman,
    /// What `status` was told last of what waits.
    told_waiting: Vec<String>,
    /// Memory that only a start or a reload needs was given back.
    is_lean: bool,
    housekeeping_at: Duration,
    /// When files were last taken in.
    last_round: Duration,
    /// Of the spool and of the database: two spools on one database would write each other's ledger.
    _locks: [InstanceLock; 2],
}

/// Runs until it is told to stop; once: until nothing is left to do. `accept_database`: also one that is not the spool's own.
pub fn run(config: Config, once: bool, accept_database: bool) -> Result<Ended> {
    let events = Events::to_stderr(format(config.log));
    let beginning = Beginning::new(events, Hold::ToStay, accept_database);
    let signals = signals::listen(beginning.stop.clone(), beginning.ring.clone())?;
    let ended = match starting::begin(config, &beginning, once)? {
        Ok(mut daemon) => daemon.run_watched(once),
        Err(ended) => Ok(ended),
    };
    signals.end();
    ended
}

/// Carries out the commands that lie in the spool, for a command line while no daemon runs. False: one does.
/// Silent: who asked is told, and the audit trail stands in the ledger.
/// `accept_database`: as for `run`.
pub fn carry_out_alone(config: Config, accept_database: bool) -> Result<bool> {
    let events = Events::to(format(config.log), Box::new(std::io::sink()));
    let begun = Daemon::open(config, &Beginning::new(events, Hold::ForAMoment, accept_database));
    let mut daemon = match begun {
        Ok(daemon) => daemon,
        Err(error) if matches!(error.downcast_ref(), Some(LockError::Held { .. })) => return Ok(false),
        Err(error) => return Err(error),
    };
    daemon.take_up()?;
    daemon.carry_out_commands()?;
    let given_up_at = Instant::now() + FOR_A_MOMENT;
    while daemon.queue.holds_back() && Instant::now() < given_up_at {
        std::thread::sleep(BETWEEN_LOOKS);
        daemon.carry_out_commands()?;
    }
    daemon.confirm_placed()?;
    if let Some(words) = daemon.queue.sentence().filter(|_| daemon.queue.holds_back()) {
        anyhow::bail!("it waits for an older one: {words}");
    }
    Ok(true)
}

fn format(log: LogFormat) -> Format {
    match log {
        LogFormat::Plain => Format::Plain,
        LogFormat::Json => Format::Json,
    }
}

impl Daemon {
    /// Opens everything; `take_up` comes next.
    fn open(config: Config, beginning: &Beginning) -> Result<Daemon> {
        let (events, stop, pulse) = (beginning.events.clone(), beginning.stop.clone(), beginning.pulse.clone());
        let spool = Arc::new(Spool::open(&config.spool)?);
        let lock = beginning.take(&spool.lock_path())?;
        let store_lock = beginning.take(&lock_beside(&config.store))?;
        let clock = Clock::start();
        let store = open_store(&config, &spool, beginning, clock.now())?;
        let spill = spill_files(&spool);
        let urgent = stop.clone();
        Ok(Daemon {
            earlier_attempts: EarlierAttempts::of(&store)?,
            vitals: Arc::new(Vitals::new(pulse.clone(), events.clone(), spool.clone(), &config)),
            watch: watch(&config, &spool, &beginning.ring)?,
            desks: desks(&config.intakes),
            out: Out::new(&config, beginning.beat())?,
            works: Works {
                store,
                decoder: Decoder::start(spill, config.store.clone())?.telling(beginning.beat()),
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
            queue: Queue::default(),
            paused: Paused::default(),
            config_is_new: true,
            clock,
            ring: beginning.ring.clone(),
            rung: beginning.rung.clone(),
            stop,
            pulse,
            outage: outage::Outage::default(),
            troubles: Troubles::default(),
            disks: room::Disks::new(&config),
            remotes: None,
            watchman: Watchman::new(Courier::new(beginning.ring.clone())),
            told_waiting: Vec::new(),
            is_lean: false,
            housekeeping_at: Duration::ZERO,
            last_round: Duration::ZERO,
            config,
            _locks: [lock, store_lock],
        })
    }

    /// Puts right what the last run left. Doing it twice changes nothing.
    fn take_up(&mut self) -> Result<()> {
        // Of a try before.
        self.settle_moves()?;
        let now = self.clock.now();
        // Of a process that was killed while everything waited.
        self.works.spool.nothing_waits_any_more();
        self.make_folders()?;
        self.read_pauses()?;
        recover::start(&mut self.works.bench(now))?;
        self.recover_runs(now)
    }

    /// The folders partners and people work in exist before anybody looks for them.
    fn make_folders(&self) -> Result<()> {
        let intakes = self.works.intakes.iter();
        let drops = intakes.map(|intake| Place::In { partner: &intake.sender.partner, intake: &intake.id });
        let pick_ups = self.out.feeds.iter().map(|feed| Place::Out { partner: &feed.partner, folder: &feed.folder });
        drops.chain(pick_ups).try_for_each(|place| make_if_allowed(&self.works.spool, place))
    }

    fn tell(&self, event: Event, fields: &[(Key, Value<'_>)]) {
        self.works.events.tell(self.clock.now().wall, "", event, fields);
    }

    /// The loop.
    fn run_watched(&mut self, once: bool) -> Result<Ended> {
        let door = if once { None } else { door::open(&self.vitals, &self.config.http) };
        let ended = self.run(once);
        if let Some(door) = door {
            door.close();
        }
        ended
    }

    fn run(&mut self, once: bool) -> Result<Ended> {
        if !once {
            // Only for speed: what is wrong with the disk or the database, the first turn finds too, and waits for it.
            let _ = self.works.store.lengthen_log();
        }
        self.begin_remotes(once)?;
        self.begin_watch()?;
        self.pulse.ready();
        while !self.stop.is_asked() {
            match self.turn() {
                // A stop ends a turn early: that says nothing of the disk.
                Ok(()) if self.stop.is_asked() => {}
                Ok(()) => self.outage.over(&self.works.events, self.clock.now()),
                Err(error) if self.stop.is_asked() => {
                    self.give_attempts_back(&error);
                    break;
                }
                Err(error) => {
                    let spool = Some(&*self.works.spool);
                    let about = if of_spool(&error).is_some() { "disk" } else { "database" };
                    match self.outage.begins(spool, &self.works.events, self.clock.now(), error)? {
                        words if once => {
                            self.end_watch()?;
                            return Ok(Ended::Waiting(words));
                        }
                        words => self.tell_outage(about, &words)?,
                    }
                }
            }
            self.say_what_waits();
            if self.stop.is_asked() {
                break;
            }
            if once && let Some(ended) = self.is_drained()? {
                self.post_the_last()?;
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
        self.vitals.waits(self.outage.sentence());
        let all = self.outage.sentence().into_iter().chain(self.troubles.sentences());
        let all = all.chain(self.out.refused().map(|(_, sentence)| sentence));
        // How remotes stand, the ledger says.
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
        let until = self.until_next(self.clock.now()).min(self.pulse.longest_rest());
        if until >= LONG_REST && !std::mem::replace(&mut self.is_lean, true) {
            memory::give_back();
        }
        match self.rung.recv_timeout(until) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            // We hold a sender ourselves, so the channel never closes.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(until),
        }
        if self.stop.take_reload() {
            self.pulse.reloading();
            self.reload();
            self.pulse.ready();
            self.is_lean = false;
        }
    }

    /// SIGHUP: a bad configuration leaves the old one running and says so.
    fn reload(&mut self) {
        let bad: Vec<String> = match Config::read(&self.config.path) {
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
            Ok(config) if config.spool != self.config.spool || config.store != self.config.store => {
                vec!["spool and store cannot be changed while running; restart for that".to_string()]
            }
            Ok(config) => self.take_over(config).err().map(|error| format!("{error:#}")).into_iter().collect(),
        };
        for problem in &bad {
            self.tell(Event::ConfigBad, &[(Key::Reason, Value::Text(problem.as_str().into()))]);
        }
        self.watchman.config_is(&bad);
        // Told at once, or over at once.
        self.housekeeping_at = Duration::ZERO;
    }

    fn take_over(&mut self, config: Config) -> Result<()> {
        self.watch = watch(&config, &self.works.spool, &self.ring)?;
        self.desks = desks(&config.intakes);
        self.works.intakes = config.intakes.clone();
        self.works.zone = config.zone;
        self.out.feeds = config.feeds.clone();
        self.disks.take_over(config.disk_floor);
        self.config = config;
        self.vitals.take_over(&self.config);
        (self.config_is_new, self.housekeeping_at) = (true, Duration::ZERO);
        self.make_folders()?;
        self.take_over_remotes()?;
        self.begin_feeds()?;
        self.tell(Event::ConfigLoaded, &[(Key::Path, Value::Text(self.config.path.display().to_string().into()))]);
        Ok(())
    }

    fn stop_in_order(&mut self) -> Result<()> {
        self.pulse.stopping();
        self.end_remotes()?;
        self.confirm_placed().context("cannot write the last confirmation; the next start does it again")?;
        if !self.told_waiting.is_empty() {
            self.works.spool.nothing_waits_any_more();
        }
        self.end_watch()?;
        if let Err(error) = self.works.store.gather() {
            // Nothing is lost: the log beside the database holds it.
            self.tell(Event::StoreWaiting, &[(Key::Reason, Value::Text(outage::words_of_store(&error).into()))]);
        }
        self.tell(Event::DaemonStopped, &[]);
        Ok(())
    }

    /// A stop is no fault of the file that was being read.
    fn give_attempts_back(&mut self, error: &anyhow::Error) {
        let words = format!("{error:#}");
        let given = self.take_attempts_back();
        let words = if given.is_ok() { words } else { format!("{words}; and the attempt could not be given back") };
        self.tell(Event::DaemonStopping, &[(Key::Reason, Value::Text(words.into()))]);
    }

    fn take_attempts_back(&mut self) -> Result<()> {
        self.earlier_attempts.take_back_later_ones(&mut self.works.store)
    }
}

fn watch(config: &Config, spool: &Spool, ring: &SyncSender<()>) -> Result<Watch> {
    let mut folders = Vec::new();
    for intake in &config.intakes {
        let place = Place::In { partner: &intake.sender.partner, intake: &intake.id };
        make_if_allowed(spool, place)?;
        folders.push(spool.folder(place)?);
    }
    folders.push(spool.folder(Place::Commands)?);
    let ring = ring.clone();
    // Full means that the loop has not come to the last ring yet: it will look anyway.
    Ok(Watch::start(folders, config.scan_every, move || _ = ring.try_send(())))
}

/// A folder that cannot be made keeps back only what needs it: that is told when it is looked at.
fn make_if_allowed(spool: &Spool, place: Place<'_>) -> Result<()> {
    match spool.make(place) {
        Err(error) if !error.is_denied() => Err(error.into()),
        _ => Ok(()),
    }
}

/// The spool's own database; a new one only where both begin.
fn open_store(config: &Config, spool: &Spool, beginning: &Beginning, now: Now) -> Result<Store> {
    let accept = beginning.accept_database;
    if let Some(missing) = lineage::is_missing(&config.store, spool)?.filter(|_| !accept) {
        return Err(missing.into());
    }
    let mut store = Store::open_beating(&config.store, beginning.beat())?;
    lineage::meet(&mut store, &config.store, spool, &beginning.events, now, accept.then_some(&config.feeds[..]))?;
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
