//! A start that waits: for a disk or a database that takes nothing yet, and for a command line that holds the lock for a
//! moment. A supervisor is told meanwhile, and people by a letter that needs no ledger; a stop ends it. What is opened and put right is the daemon's own.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::courier::{Back, Courier};
use super::outage::Outage;
use super::outage_letters::{Means, OutageLetters};
use super::troubles::FIRST_PAUSE;
use super::watchman::{OF_A_SINGLE_RUN, watched};
use super::{Daemon, Ended, Pulse, Stop, Supervisor};
use crate::config::Config;
use crate::edges::clock::Clock;
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::lock::{InstanceLock, LockError};
use crate::flows::{is_outage, of_spool};

/// How long the locks are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    ToStay,
    ForAMoment,
}

/// What there is before anything is opened.
pub struct Beginning {
    pub events: Arc<Events>,
    pub stop: Arc<Stop>,
    pub pulse: Arc<Pulse>,
    pub ring: SyncSender<()>,
    pub rung: Rc<Receiver<()>>,
    pub accept_database: bool,
    hold: Hold,
}

impl Beginning {
    pub fn new(events: Events, hold: Hold, accept_database: bool) -> Beginning {
        let (ring, rung) = sync_channel(1);
        let supervisor = match hold {
            Hold::ToStay => Supervisor::of_environment(),
            // A command that a supervised program gives is nothing that its supervisor waits for.
            Hold::ForAMoment => Supervisor::default(),
        };
        Beginning {
            events: Arc::new(events),
            stop: Arc::new(Stop::default()),
            pulse: Arc::new(Pulse::of(supervisor)),
            ring,
            rung: Rc::new(rung),
            accept_database,
            hold,
        }
    }

    /// For whatever may take long on the loop's thread.
    pub fn beat(&self) -> Arc<dyn Fn() + Send + Sync> {
        let pulse = self.pulse.clone();
        Arc::new(move || pulse.beat())
    }

    pub fn take(&self, lock: &Path) -> Result<InstanceLock, LockError> {
        match self.hold {
            Hold::ForAMoment => InstanceLock::take_for_a_moment(lock),
            Hold::ToStay => InstanceLock::take_patiently(lock, &|| {
                self.pulse.beat();
                self.stop.is_asked()
            }),
        }
    }

    /// Only a stop ends it early: what else rings says nothing to somebody who cannot work.
    fn wait(&self, pause: Duration) {
        let end = Instant::now() + pause;
        while !self.stop.is_asked() && self.rung.recv_timeout(end.saturating_duration_since(Instant::now())).is_ok() {}
    }
}

/// Opens and puts right, as soon as that is possible; or how it ended before it had begun.
pub fn begin(config: Config, beginning: &Beginning, once: bool) -> Result<Result<Daemon, Ended>> {
    let (clock, mut outage) = (Clock::start(), Outage::default());
    let (mut letters, mut courier) = (OutageLetters::default(), Courier::new(beginning.ring.clone()));
    let mut opened: Option<Daemon> = None;
    loop {
        let tried = match opened.take() {
            None => Daemon::open(config.clone(), beginning).inspect(tell_begin),
            Some(daemon) => Ok(daemon),
        };
        let error = match tried.map(|daemon| take_up(daemon, &mut opened)) {
            Ok(Ok(mut daemon)) => {
                outage.over(&beginning.events, clock.now());
                daemon.watchman.go_on_telling(letters, courier);
                return Ok(Ok(daemon));
            }
            Ok(Err(error)) | Err(error) => error,
        };
        if beginning.stop.is_asked() {
            return stopped(opened, beginning, &clock, &error);
        }
        let about = if of_spool(&error).is_some() { "disk" } else { "database" };
        let words = outage.begins(None, &beginning.events, clock.now(), error)?;
        let mut means = Means {
            // Only with its lock is it surely ours.
            spool: opened.as_ref().map(|daemon| &*daemon.works.spool),
            events: &beginning.events,
            watched: watched(&config),
            now: clock.now(),
        };
        letters.tell(&mut courier, &means, (about, &words))?;
        if once {
            let backs = courier.wait(OF_A_SINGLE_RUN);
            means.now = clock.now();
            for Back { posted, outcome } in backs {
                letters.took(&posted.channel.name, outcome, means.spool, means.events, means.now);
            }
            return Ok(Err(Ended::Waiting(words)));
        }
        beginning.pulse.waits(&words);
        beginning.wait(outage.pause().unwrap_or(FIRST_PAUSE));
    }
}

fn tell_begin(daemon: &Daemon) {
    let path = daemon.config.spool.display().to_string();
    daemon.tell(Event::DaemonStarted, &[(Key::Path, Value::Text(path.into()))]);
}

/// What cannot be put right yet stays open for the next try.
fn take_up(mut daemon: Daemon, opened: &mut Option<Daemon>) -> Result<Daemon> {
    match daemon.take_up() {
        Ok(()) => Ok(daemon),
        Err(error) => {
            if is_outage(&error) {
                // No fault of the file that was being read; a database that takes not even this has not noted the attempt either.
                let _ = daemon.take_attempts_back();
            }
            *opened = Some(daemon);
            Err(error)
        }
    }
}

/// Asked to stop before it was ready.
fn stopped(
    opened: Option<Daemon>,
    beginning: &Beginning,
    clock: &Clock,
    error: &anyhow::Error,
) -> Result<Result<Daemon, Ended>> {
    match opened {
        Some(mut daemon) => {
            daemon.give_attempts_back(error);
            daemon.stop_in_order()?;
        }
        None => {
            let words = format!("{error:#}");
            let fields = [(Key::Reason, Value::Text(words.into()))];
            beginning.events.tell(clock.now().wall, "", Event::DaemonStopping, &fields);
            beginning.pulse.stopping();
        }
    }
    Ok(Err(Ended::Done))
}
