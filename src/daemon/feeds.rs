//! Feeds while the program runs: what is due is written, what is committed becomes visible, what was taken is noted.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};

use super::Daemon;
use crate::config::Config;
use crate::edges::clock::Now;
use crate::edges::store::{Beat, Reader};
use crate::flows::catch_up;
use crate::flows::command::Order;
use crate::flows::inbound::round::Bench;
use crate::flows::outbound::{Ask, Dispatch, Outcome, Pending, next_due, runs_ahead};
use crate::model::feed::Feed;
use crate::model::ids::Id;
use crate::model::kind::Class;
use crate::model::wording::guard;

/// Between two looks whether partners took their files.
const PICK_UP_EVERY: Duration = Duration::from_secs(10);

pub struct Out {
    pub feeds: Vec<Arc<Feed>>,
    reader: Reader,
    /// Something was done.
    beat: Beat,
    pending: Pending,
    next_due: Option<DateTime<Utc>>,
    /// When a feed that rings may go out, after its pause.
    next_ring: Option<DateTime<Utc>>,
    look_at: Duration,
}

impl Out {
    /// `beat`: while rows are selected.
    pub fn new(config: &Config, beat: Beat) -> Result<Out> {
        Ok(Out {
            feeds: config.feeds.clone(),
            reader: Reader::open_beating(&config.store, beat.clone())?,
            beat,
            pending: Pending::default(),
            next_due: None,
            next_ring: None,
            look_at: Duration::ZERO,
        })
    }

    pub(super) fn dispatch<'d>(&'d mut self, bench: &'d mut Bench<'_>) -> Dispatch<'d> {
        Dispatch {
            store: bench.store,
            reader: &mut self.reader,
            spool: bench.spool,
            events: bench.events,
            now: bench.now,
            zone: bench.zone,
            pending: &mut self.pending,
        }
    }

    /// `nattpost send`, `release`, `discard`: one feed now. The sentence is for who asked.
    pub fn order(&mut self, bench: &mut Bench<'_>, name: &str, order: &Order) -> Result<String> {
        let feed = self.feeds.iter().find(|feed| feed.name() == name).cloned();
        if let Some(run) = name.split_once('/').and_then(|(_, run)| Id::parse(run)).filter(|_| feed.is_none()) {
            return self.decide_run(bench, run, order);
        }
        let Some(feed) = feed else { return self.order_unknown(bench, name, order) };
        if *order != Order::Discard && catch_up::holds_back(&bench.store.read()?, &feed)? {
            bail!(
                "{name} waits since an older database was accepted: what went out since then could go out again. nattpost catch-up tells \
                 what is missing; if nothing is, nattpost resume {name}"
            );
        }
        if let Order::Send { full, key } = order {
            check_ask(&feed, *full, key.as_deref())?;
        }
        let beat = self.beat.clone();
        let mut dispatch = self.dispatch(bench);
        if matches!(order, Order::Send { key: Some(_), .. }) {
            dispatch.refuse_while_locked(&feed)?;
        }
        let outcome = match order {
            Order::Send { full, key } => {
                let ask = Ask { full: *full, key: key.clone(), ..Ask::request() };
                send_all(&mut dispatch, (&feed, &ask), &beat)?
            }
            Order::Release => dispatch.release(&feed)?,
            Order::Discard => return dispatch.discard((&feed.partner, &feed.id)),
        };
        dispatch.place_ready()?;
        match outcome {
            Outcome::Ready { name: file, rows, files: 1, .. } => Ok(format!("{name}: {file} with {rows} row(s)")),
            Outcome::Ready { name: file, rows, files, .. } => {
                Ok(format!("{name}: {files} files with {rows} row(s), the last of them {file}"))
            }
            Outcome::Empty { .. } => Ok(format!("{name}: nothing to send, so no file was written")),
            Outcome::Failed { reason, .. } => bail!("{name}: {reason}"),
            Outcome::Locked { reason, .. } => Ok(format!("{name}: locked, {reason}; {}", guard::what_to_do(name))),
        }
    }
}

impl Out {
    /// Feeds whose files do not get to their partner, with a sentence each.
    pub fn refused(&self) -> impl Iterator<Item = (&str, String)> {
        self.pending.refused().into_iter().map(|(about, words)| {
            let words = words.into_iter().collect::<Vec<_>>().join("; ");
            (about, format!("Files of {about} do not get to out/, or nobody sees whether they were taken: {words}."))
        })
    }

    /// A feed that left the configuration may have left its lock behind: there is nothing to release, and it can be dropped.
    fn order_unknown(&mut self, bench: &mut Bench<'_>, name: &str, order: &Order) -> Result<String> {
        let none = || format!("there is no feed {name} in the configuration in force");
        let (partner, feed) = name.split_once('/').with_context(none)?;
        if !bench.store.read()?.is_locked(partner, feed)? {
            bail!(none());
        }
        match order {
            Order::Discard => self.dispatch(bench).discard((partner, feed)),
            Order::Release | Order::Send { .. } => {
                bail!(
                    "{}: put it back, then release it; or nattpost discard {name} --out drops what was held back",
                    none()
                )
            }
        }
    }

    /// A person decides about one run that is still to be brought.
    fn decide_run(&mut self, bench: &mut Bench<'_>, run: Id, order: &Order) -> Result<String> {
        let feeds = self.feeds.clone();
        let mut dispatch = self.dispatch(bench);
        match order {
            Order::Release => dispatch.release_run(run, &feeds),
            Order::Discard => dispatch.discard_run(run),
            Order::Send { .. } => bail!("{run} is a run, not a feed"),
        }
    }
}

/// Who asked wants all of it, however many files that makes.
fn send_all(dispatch: &mut Dispatch<'_>, (feed, ask): (&Feed, &Ask), beat: &Beat) -> Result<Outcome> {
    let (mut made, mut all) = (0, 0);
    loop {
        let mut outcome = dispatch.send(feed, ask)?;
        beat();
        let Outcome::Ready { rows, files, has_more, .. } = &mut outcome else { return Ok(outcome) };
        (made, all) = (made + *files, all + *rows);
        (*files, *rows) = (made, all);
        if !*has_more {
            return Ok(outcome);
        }
    }
}

fn check_ask(feed: &Feed, full: bool, key: Option<&str>) -> Result<()> {
    let is_request = feed.layout.kind.class == Class::Request;
    if is_request && (full || key.is_some()) {
        bail!("{}: orders go out once each, so neither --full nor --key can send them again", feed.name());
    }
    if full && key.is_some() {
        bail!("{}: --full sends everything and --key some rows; take one of them", feed.name());
    }
    Ok(())
}

impl Daemon {
    /// What a start finds of runs, and where new feeds begin.
    pub(super) fn recover_runs(&mut self, now: Now) -> Result<()> {
        let intakes = self.works.intakes.clone();
        let feeds = self.out.feeds.clone();
        let mut bench = self.works.bench(now);
        let mut dispatch = self.out.dispatch(&mut bench);
        dispatch.register(feeds.iter().map(|feed| &**feed))?;
        dispatch.recover(&intakes)?;
        dispatch.begin_schedules(feeds.iter().map(|feed| &**feed))?;
        dispatch.begin_numbers(feeds.iter().map(|feed| &**feed))?;
        // One that comes to be live may wait for a person.
        self.read_pauses()?;
        self.look_for_due()
    }

    /// Feeds that come due: those that nobody paused.
    fn awake(&self) -> Vec<Arc<Feed>> {
        let is_awake = |feed: &&Arc<Feed>| !self.paused.feed(&feed.partner, &feed.id);
        self.out.feeds.iter().filter(is_awake).cloned().collect()
    }

    pub(super) fn look_for_due(&mut self) -> Result<()> {
        let feeds = self.awake();
        self.out.next_due = next_due(&self.works.store.read()?, feeds.iter().map(|feed| &**feed))?;
        Ok(())
    }

    /// Somebody may have set it back.
    pub(super) fn mind_the_clock(&mut self) -> Result<()> {
        let now = self.clock.now().wall;
        let feeds = self.out.feeds.iter().map(|feed| &**feed);
        if runs_ahead(&self.works.store.read()?, feeds, now)? { self.begin_feeds() } else { Ok(()) }
    }

    /// After a reload: new feeds begin now.
    pub(super) fn begin_feeds(&mut self) -> Result<()> {
        let (now, feeds) = (self.clock.now(), self.out.feeds.clone());
        let mut bench = self.works.bench(now);
        let mut dispatch = self.out.dispatch(&mut bench);
        dispatch.register(feeds.iter().map(|feed| &**feed))?;
        dispatch.begin_schedules(feeds.iter().map(|feed| &**feed))?;
        dispatch.begin_numbers(feeds.iter().map(|feed| &**feed))?;
        // One that comes to be live may wait for a person.
        self.read_pauses()?;
        self.look_for_due()
    }

    /// Receipts that a commit made ready become visible.
    pub(super) fn place_ready(&mut self) -> Result<()> {
        if self.works.intakes.iter().any(|intake| intake.is_replied()) {
            let now = self.clock.now();
            let mut bench = self.works.bench(now);
            self.out.dispatch(&mut bench).place_ready()?;
        }
        Ok(())
    }

    /// Whatever an outage kept from becoming visible, or from leaving.
    pub(super) fn runs_after_outage(&mut self) -> Result<()> {
        let now = self.clock.now();
        let mut bench = self.works.bench(now);
        self.out.dispatch(&mut bench).after_outage()
    }

    pub(super) fn run_feeds(&mut self) -> Result<()> {
        let now = self.clock.now();
        if self.disks.composes() && self.out.next_due.is_some_and(|due| due <= now.wall) {
            let feeds = self.awake();
            let mut bench = self.works.bench(now);
            let mut dispatch = self.out.dispatch(&mut bench);
            dispatch.run_due(feeds.iter().map(|feed| &**feed))?;
            dispatch.place_ready()?;
            self.look_for_due()?;
        }
        self.ring_out()?;
        if now.mono >= self.out.look_at {
            self.out.look_at = now.mono + PICK_UP_EVERY;
            let is_refused = !self.out.pending.refused().is_empty();
            let mut bench = self.works.bench(now);
            let mut dispatch = self.out.dispatch(&mut bench);
            dispatch.look_at_pick_up()?;
            if is_refused {
                // Its folder may be mended by now.
                dispatch.place_ready()?;
            }
        }
        Ok(())
    }

    /// Feeds for which something changed.
    fn ring_out(&mut self) -> Result<()> {
        if !self.disks.composes() {
            return Ok(());
        }
        let feeds = self.awake();
        let now = self.clock.now();
        let mut bench = self.works.bench(now);
        let mut dispatch = self.out.dispatch(&mut bench);
        let (made, next) = dispatch.run_ringing(feeds.iter().map(|feed| &**feed))?;
        if made > 0 {
            dispatch.place_ready()?;
        }
        self.out.next_ring = next;
        Ok(())
    }

    pub(super) fn until_feed(&self, now: Now) -> Duration {
        // Without room nothing is composed, and the loop looks for room by itself.
        let due = [self.out.next_due, self.out.next_ring]
            .into_iter()
            .flatten()
            .min()
            .filter(|_| self.disks.composes())
            .map_or(Duration::MAX, |due| (due - now.wall).to_std().unwrap_or_default());
        due.min(self.out.look_at.saturating_sub(now.mono))
    }
}
