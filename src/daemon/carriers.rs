//! The threads that work at remotes: one connection each, one job at a time, no decision. A partner's silence holds only his
//! own; the loop never waits for one. They report into one channel and ring.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::edges::remote::ftp::Learned;
use crate::edges::remote::{self, Gate, ReadSecret, Remote, Sentry};
use crate::edges::spool::Spool;
use crate::flows::carried::End;
use crate::flows::inbound::collect;
use crate::flows::outbound::deliver;
use crate::model::remote::RemoteRule;

/// A connection that nobody needs is closed; the thread stays for the next job.
const HANGS_UP_AFTER: Duration = Duration::from_secs(30);
/// One that rested for longer is asked whether it still stands before anything hangs on it: servers hang up on who says nothing,
/// and that is no fault of theirs.
const RESTED: Duration = Duration::from_secs(1);
/// One connection's buffers stand on the heap.
const STACK_BYTES: usize = 512 * 1024;

pub(super) enum Job {
    In(collect::Job),
    Out(deliver::Job),
}

pub(super) enum Outcome {
    In(collect::Report),
    Out(deliver::Report),
    /// It panicked: the loop ends the process, and the next start takes up what it left.
    Died(String),
}

/// What a carrier says when a job is over.
pub(super) struct Report {
    pub carrier: u64,
    pub outcome: Outcome,
    /// Why it ended early.
    pub end: Option<End>,
    /// It goes on with the connection that it has.
    pub is_connected: bool,
}

/// What all carriers have in common.
pub(super) struct Shared {
    pub spool: Arc<Spool>,
    pub gate: Arc<Gate>,
    /// Of large files whose line broke.
    pub halves: collect::Halves,
    pub sentry: Arc<Sentry>,
    pub secret: Box<ReadSecret>,
    pub reports: SyncSender<Report>,
    pub ring: SyncSender<()>,
}

pub(super) struct Carrier {
    pub number: u64,
    /// What it does now: a job of files in, or another.
    pub does: Option<Doing>,
    /// It had a connection at the end of its last job.
    pub is_connected: bool,
    jobs: SyncSender<Job>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Look,
    /// Changes what a listing of a folder would show.
    Files,
    Delivery,
}

impl Carrier {
    pub fn start(number: u64, rule: Arc<RemoteRule>, learned: Arc<Learned>, shared: Arc<Shared>) -> Result<Carrier> {
        let (jobs, his) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name(format!("post {} {number}", rule.name))
            .stack_size(STACK_BYTES)
            .spawn(move || carry(number, (&rule, &learned), &his, &shared))
            .context("cannot start a thread for a remote")?;
        Ok(Carrier { number, does: None, is_connected: false, jobs, thread })
    }

    /// Only to an idle one: nothing queues where it cannot be seen. Gives the job back where the thread has ended.
    pub fn give(&mut self, job: Job, does: Doing) -> Result<(), Job> {
        self.jobs.try_send(job).map_err(|refused| match refused {
            std::sync::mpsc::TrySendError::Full(job) | std::sync::mpsc::TrySendError::Disconnected(job) => job,
        })?;
        self.does = Some(does);
        Ok(())
    }

    /// No further job: it ends after the one it has.
    pub fn dismiss(self) -> JoinHandle<()> {
        self.thread
    }
}

fn carry(number: u64, (rule, learned): (&RemoteRule, &Arc<Learned>), jobs: &Receiver<Job>, shared: &Shared) {
    let mut connection: Option<Box<dyn Remote>> = None;
    let mut rests_since = Instant::now();
    loop {
        let job = match jobs.recv_timeout(HANGS_UP_AFTER) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => {
                connection.take().into_iter().for_each(Remote::hang_up);
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let has_rested = rests_since.elapsed() > RESTED;
        let done = catch_unwind(AssertUnwindSafe(|| {
            // There are servers that hang up after each file.
            let is_gone = |remote: &mut Box<dyn Remote>| !remote.is_there() || has_rested && remote.probe().is_err();
            if connection.as_mut().is_some_and(is_gone) {
                drop(connection.take());
            }
            carry_out((rule, learned), &mut connection, job, shared)
        }));
        let (outcome, end) = done.unwrap_or_else(|_| {
            let words = format!("a carrier of {} has panicked; its message stands above", rule.name);
            (Outcome::Died(words), None)
        });
        rests_since = Instant::now();
        let report = Report { carrier: number, outcome, end, is_connected: connection.is_some() };
        let is_over = shared.reports.send(report).is_err();
        // Full means that the loop has not come to the last ring yet.
        let _ = shared.ring.try_send(());
        if is_over {
            break;
        }
    }
    connection.into_iter().for_each(Remote::hang_up);
}

fn carry_out(
    (rule, learned): (&RemoteRule, &Arc<Learned>),
    connection: &mut Option<Box<dyn Remote>>,
    job: Job,
    shared: &Shared,
) -> (Outcome, Option<End>) {
    if connection.is_none() {
        match remote::open(rule, &*shared.secret, &shared.sentry, learned) {
            Ok(opened) => *connection = Some(opened),
            Err(fault) => return (not_tried(job), Some(End::Theirs(fault))),
        }
    }
    let Some(remote) = connection else { return (not_tried(job), None) };
    let (outcome, end) = match job {
        Job::In(job) => {
            let (report, end) = collect::carry_out(&mut **remote, &shared.spool, job, (&shared.gate, &shared.halves));
            (Outcome::In(report), end)
        }
        Job::Out(job) => {
            let (report, end) = deliver::carry_out(&mut **remote, &shared.spool, job, &shared.gate);
            (Outcome::Out(report), end)
        }
    };
    // A transfer of ours that broke leaves the line in its middle.
    let is_broken = match &end {
        Some(End::Theirs(fault)) => fault.is_broken(),
        Some(End::Ours(_) | End::Stopped) => true,
        None => false,
    };
    if is_broken {
        drop(connection.take());
    }
    (outcome, end)
}

fn not_tried(job: Job) -> Outcome {
    match job {
        Job::In(job) => Outcome::In(job.not_tried()),
        Job::Out(job) => Outcome::Out(job.not_tried()),
    }
}
