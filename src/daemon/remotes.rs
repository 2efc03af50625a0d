//! Remotes while the program runs: what is due becomes a job for an idle carrier, what carriers report becomes a commit. The
//! order of a file's steps is in `flows::inbound::collect` and `flows::outbound::deliver`; this gives them their turns.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::carriers::{Doing, Job, Report, Shared};
use super::crew::Crew;
use super::{Daemon, Ended};
use crate::config::Config;
use crate::edges::clock::Now;
use crate::edges::remote::{Gate, Sentry};
use crate::edges::spool::Spool;
use crate::edges::store::Store;
use crate::flows::inbound::collect::{Halves, RemoteDesk};
use crate::flows::outbound::deliver;
use crate::model::pause::Paused;
use crate::model::rules::room::TIMES_OF_A_FETCH;

/// Reports that wait for the loop; carriers wait when it is full.
const REPORTS: usize = 64;
/// At a stop: bytes under way are cut after this, and a rename or removal may still end.
const CUT_AFTER: Duration = Duration::from_secs(2);
/// Between two looks whether a stop has become urgent.
const LOOK_UP: Duration = Duration::from_millis(100);
/// By then the countdown is about to end the process: nobody is waited for any more.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(9);

/// Whether there is room for so many bytes: of which intake, up to which of its files. Told where there is not.
type Fits<'f> = dyn FnMut(&str, &str, u64) -> bool + 'f;

pub(super) struct Remotes {
    pub desks: Vec<RemoteDesk>,
    pub(super) crews: Vec<Crew>,
    shared: Arc<Shared>,
    pub(super) reports: Receiver<Report>,
    /// Of names of ours there.
    pub(super) mark: String,
    /// Open at one time, all remotes together.
    connections: usize,
    next_number: u64,
    pub(super) book: deliver::Book,
    /// In one run that ends: each delivery is tried, whatever an earlier try found.
    is_once: bool,
    /// Files were taken since what is owed was last asked of the ledger.
    pub(super) owed_is_stale: bool,
}

impl Remotes {
    /// None of the ways out or in leads to a remote: no thread is begun for them, no mark made.
    pub fn start(
        config: &Config,
        (spool, store): (&Arc<Spool>, &Store),
        ring: &SyncSender<()>,
        now: Now,
    ) -> Result<Option<Remotes>> {
        if config.remotes.is_empty() {
            return Ok(None);
        }
        let (sender, reports) = sync_channel(REPORTS);
        let read = |place: &_| crate::edges::secret::read(place).map_err(|fault| fault.to_string());
        let shared = Shared {
            spool: spool.clone(),
            gate: Arc::new(Gate::default()),
            halves: Halves::default(),
            sentry: Arc::new(Sentry::start().context("cannot start the thread that watches sockets")?),
            secret: Box::new(read),
            reports: sender,
            ring: ring.clone(),
        };
        let mut remotes = Remotes {
            desks: Vec::new(),
            crews: Vec::new(),
            shared: Arc::new(shared),
            reports,
            mark: spool.mark()?,
            connections: config.connections,
            next_number: 0,
            book: deliver::Book::default(),
            is_once: false,
            owed_is_stale: true,
        };
        remotes.take_over(config, store, now)?;
        Ok(Some(remotes))
    }

    /// A new configuration. Carriers of a remote that changed or left end after their job.
    pub fn take_over(&mut self, config: &Config, store: &Store, now: Now) -> Result<()> {
        let snapshot = store.read()?;
        let (rows, known) = (snapshot.open_collected()?, snapshot.remote_states()?);
        self.connections = config.connections;
        let mut before = std::mem::take(&mut self.crews);
        for rule in &config.remotes {
            let same = before.iter().position(|crew| crew.rule == *rule);
            let mut crew = match same {
                Some(at) => before.swap_remove(at),
                None => Crew::new(rule.clone(), known.iter().find(|state| state.remote == rule.name), now),
            };
            if same.is_some() {
                // Who asks for the configuration to be read again has done something about it.
                crew.again_at = now.mono;
            }
            self.crews.push(crew);
        }
        let mut before = std::mem::take(&mut self.desks);
        for intake in &config.intakes {
            let Some(from) = intake.from.clone() else { continue };
            let same = |desk: &RemoteDesk| desk.source() == intake.source() && desk.from.remote == from.remote;
            match before.iter().position(same) {
                Some(at) => {
                    let mut desk = before.swap_remove(at);
                    desk.take_over(intake.clone(), from);
                    desk.wake(now.mono);
                    self.desks.push(desk);
                }
                None => self.desks.extend(RemoteDesk::new(intake.clone(), &rows, now)),
            }
        }
        self.owed_is_stale = true;
        Ok(())
    }

    /// A file there does not fit on our disks.
    pub fn waits_for_room(&self) -> bool {
        self.desks.iter().any(RemoteDesk::waits_for_room)
    }

    fn busy(&self) -> usize {
        self.crews.iter().flat_map(|crew| &crew.carriers).filter(|carrier| carrier.does.is_some()).count()
    }

    /// In one run that ends: what an earlier run found does not keep it from trying, except a refused login.
    pub fn try_all_once(&mut self, now: Now) {
        self.is_once = true;
        self.crews.iter_mut().filter(|crew| !crew.is_login_refused()).for_each(|crew| crew.again_at = now.mono);
    }

    /// When something is due that somebody could begin with, by the monotonic clock. Whoever is at work rings when he is done.
    pub fn next_at(&self, (paused, takes_in): (&Paused, bool), now: Now) -> Option<Duration> {
        let is_full = self.busy() >= self.connections;
        let free = self.crews.iter().filter(|crew| !is_full && crew.has_room(now));
        let due = free.filter_map(|crew| {
            let his = self.desks.iter().filter(|desk| desk.from.remote == crew.rule.name && !desk.is_paused(paused));
            let desks =
                his.filter(|_| takes_in && !crew.is_at(Doing::Look)).map(|desk| match crew.is_at(Doing::Files) {
                    true => desk.next_aside(),
                    false => desk.next_at(),
                });
            let owed = crew.owes(now) && !crew.is_busy();
            let sent = self.book.next_at(&crew.rule.name, paused);
            let first = desks.chain(owed.then_some(now.mono)).chain(sent).min()?;
            Some(first.max(crew.again_at))
        });
        let secrets = self.crews.iter().filter_map(Crew::next_secret_look);
        due.chain(secrets).min()
    }

    /// Hands out what is due, as far as there is somebody idle.
    fn give_jobs(
        &mut self,
        store: &Store,
        (paused, takes_in): (&Paused, bool),
        fits: &mut Fits<'_>,
        now: Now,
    ) -> Result<()> {
        for index in 0..self.crews.len() {
            self.crews[index].look_at_secrets(now);
            while self.busy() < self.connections && self.crews[index].again_at <= now.mono {
                let Remotes { crews, desks, shared, next_number, book, mark, .. } = self;
                let crew = &mut crews[index];
                // So that nothing is taken out of its place for nobody.
                if crew.idle(next_number, shared, now)?.is_none() {
                    break;
                }
                let snapshot = store.read()?;
                let sent = book.next_job(&crew.rule.name, &snapshot, (paused, mark), now)?;
                drop(snapshot);
                let found = match sent {
                    Some(job) => Some((Job::Out(job), Doing::Delivery)),
                    None => next_job(crew, desks, (store, paused, takes_in), fits, now)?,
                };
                let Some((job, doing)) = found else { break };
                crew.note_secrets();
                let Some(carrier) = crew.idle(next_number, shared, now)? else { break };
                if carrier.give(job, doing).is_err() {
                    bail!("a carrier of {} has ended", crew.rule.name);
                }
            }
        }
        Ok(())
    }
}

/// What there is to do: what was taken is removed first, then files, then looks, which nothing may change meanwhile.
fn next_job(
    crew: &mut Crew,
    desks: &mut [RemoteDesk],
    (store, paused, takes_in): (&Store, &Paused, bool),
    fits: &mut Fits<'_>,
    now: Now,
) -> Result<Option<(Job, Doing)>> {
    if crew.is_at(Doing::Look) {
        return Ok(None);
    }
    if let Some(job) = crew.after_job(now) {
        return Ok(Some((job, Doing::Files)));
    }
    if !takes_in {
        return Ok(None);
    }
    let is_his = |desk: &&mut RemoteDesk| desk.from.remote == crew.rule.name && !desk.is_paused(paused);
    let mut his: Vec<&mut RemoteDesk> = desks.iter_mut().filter(is_his).collect();
    his.sort_by_key(|desk| desk.rank());
    for desk in &mut his {
        if let Some(job) = desk.compare_job() {
            return Ok(Some((Job::In(job), Doing::Files)));
        }
        let source = desk.source();
        let mut its = |name: &str, bytes: u64| fits(&source, name, bytes);
        if let Some(job) = desk.collect_job(&store.read()?, &mut its, now)? {
            return Ok(Some((Job::In(job), Doing::Files)));
        }
    }
    if crew.is_at(Doing::Files) {
        return Ok(None);
    }
    Ok(his.into_iter().find_map(|desk| desk.look_job(now)).map(|job| (Job::In(job), Doing::Look)))
}

impl Daemon {
    /// Before the first turn.
    pub(super) fn begin_remotes(&mut self, once: bool) -> Result<()> {
        let now = self.clock.now();
        let works = &self.works;
        self.remotes = Remotes::start(&self.config, (&works.spool, &works.store), &self.ring, now)?;
        if let Some(remotes) = self.remotes.as_mut().filter(|_| once) {
            remotes.try_all_once(now);
        }
        Ok(())
    }

    /// After a reload.
    pub(super) fn take_over_remotes(&mut self) -> Result<()> {
        let now = self.clock.now();
        match &mut self.remotes {
            Some(remotes) => remotes.take_over(&self.config, &self.works.store, now),
            None => self.begin_remotes(false),
        }
    }

    /// What carriers report is committed, what is due is handed out.
    pub(super) fn tend_remotes(&mut self) -> Result<()> {
        if self.remotes.is_none() {
            return Ok(());
        }
        self.take_reports()?;
        let now = self.clock.now();
        let Some(remotes) = &mut self.remotes else { return Ok(()) };
        for desk in &mut remotes.desks {
            while desk.has_sighted() {
                self.works.bench(now).see_remote(desk, &remotes.mark)?;
            }
        }
        if std::mem::take(&mut remotes.owed_is_stale) {
            let rows = self.works.store.read()?.taken_collected()?;
            remotes.crews.iter_mut().for_each(|crew| crew.refresh_owed(&rows));
        }
        remotes.book.refresh(&self.works.store.read()?, remotes.is_once, now)?;
        if self.outage.pause().is_some() || self.stop.is_asked() {
            return Ok(());
        }
        let (disks, events) = (&mut self.disks, &self.works.events);
        disks.look(events, now);
        let takes_in = disks.takes_in();
        let mut fits =
            |source: &str, name: &str, bytes: u64| disks.fits(source, (name, bytes), TIMES_OF_A_FETCH, events, now);
        remotes.give_jobs(&self.works.store, (&self.paused, takes_in), &mut fits, now)?;
        for desk in &mut remotes.desks {
            if desk.has_stopped_waiting() {
                self.disks.waits_no_longer(&desk.intake);
            }
        }
        Ok(())
    }

    /// Files that were fetched by now and are next in their order: that desk's turn.
    pub(super) fn judge_fetched(&mut self, index: usize) -> Result<()> {
        let now = self.clock.now();
        if let Some(remotes) = &mut self.remotes
            && let Some(desk) = remotes.desks.get_mut(index)
        {
            remotes.owed_is_stale = true;
            self.works.bench(now).take_fetched(desk)?;
        }
        Ok(())
    }

    /// After an outage: what stood in work/ was judged beside the desks.
    pub(super) fn remotes_begin_anew(&mut self) -> Result<()> {
        let now = self.clock.now();
        if let Some(remotes) = &mut self.remotes {
            let rows = self.works.store.read()?.open_collected()?;
            remotes.desks.iter_mut().for_each(|desk| desk.begin_anew(&rows, now));
            remotes.owed_is_stale = true;
        }
        Ok(())
    }

    /// What the feeds of this turn made is to be brought without waiting for anything else.
    pub(super) fn note_deliveries(&mut self) -> Result<()> {
        let now = self.clock.now();
        match &mut self.remotes {
            Some(remotes) => remotes.book.refresh(&self.works.store.read()?, remotes.is_once, now),
            None => Ok(()),
        }
    }

    /// Once: is nothing left to be done at remotes? `None`: something is.
    pub(super) fn remotes_drained(&self) -> Option<Ended> {
        let Some(remotes) = &self.remotes else { return Some(Ended::Done) };
        let now = self.clock.now();
        if !self.disks.takes_in() {
            return Some(Ended::Waiting(self.disks.words().join("; ")));
        }
        if remotes.busy() > 0 || remotes.owed_is_stale {
            return None;
        }
        let (mut wrong, mut settling) = (Vec::new(), Vec::new());
        for crew in &remotes.crews {
            if crew.again_at > now.mono {
                // Without a sentence it rests for a folder of the spool, which is told with those.
                wrong.extend(crew.sentence());
                continue;
            }
            if crew.owes(now) || remotes.book.has_due(&crew.rule.name, &self.paused, now) {
                return None;
            }
            let awake = |desk: &&RemoteDesk| desk.from.remote == crew.rule.name && !desk.is_paused(&self.paused);
            for desk in remotes.desks.iter().filter(awake) {
                if let Some(words) = desk.sentence() {
                    wrong.push(words);
                    continue;
                }
                if desk.waits_for_room() {
                    wrong.extend(self.disks.too_large());
                    continue;
                }
                if !desk.has_looked || !desk.is_idle() || desk.is_settling() {
                    return None;
                }
                if desk.waits() {
                    settling.push(desk.from.origin());
                }
            }
        }
        wrong.extend(remotes.book.sentences());
        if !wrong.is_empty() {
            return Some(Ended::SomeWaits(wrong.join(" ")));
        }
        Some(if settling.is_empty() { Ended::Done } else { Ended::StillSettling(settling) })
    }

    /// No job is given any more; what is under way may end, bytes are cut after a while, and what carriers still report is
    /// committed. Whatever is left, committed names tell the next start.
    pub(super) fn end_remotes(&mut self) -> Result<()> {
        let stop = self.stop.clone();
        let Some(remotes) = &mut self.remotes else { return Ok(()) };
        remotes.shared.gate.close();
        let began = Instant::now();
        while self.remotes.as_ref().is_some_and(|remotes| remotes.busy() > 0) && began.elapsed() < GIVEN_UP_AFTER {
            let Some(remotes) = &self.remotes else { break };
            if began.elapsed() >= CUT_AFTER {
                remotes.shared.gate.cut();
            }
            if stop.is_urgent() {
                remotes.shared.sentry.shut_all();
            }
            match remotes.reports.recv_timeout(LOOK_UP) {
                Ok(report) => self.take_report(report)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let Some(remotes) = self.remotes.take() else { return Ok(()) };
        let carriers = remotes.crews.into_iter().flat_map(|crew| crew.carriers);
        let idle: Vec<_> = carriers.filter(|carrier| carrier.does.is_none()).map(|carrier| carrier.dismiss()).collect();
        for thread in idle {
            // A panic was reported before.
            let _ = thread.join();
        }
        Ok(())
    }
}
