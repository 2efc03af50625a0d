//! Being told to stop or to read the configuration again. SIGTERM and SIGINT ask for a stop; what runs may finish for a
//! while, then it is taken back; and should even that hang, the process ends itself: systemd is never kept waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

/// A running file gets so long to come to its end before it is taken back.
const PATIENCE: Duration = Duration::from_secs(8);
/// After that long the process is gone, whatever hangs. Two seconds less than nobody notices, two more than a rollback takes.
const GONE_AFTER: Duration = Duration::from_secs(10);

/// What has been asked for. Shared by the loop and the signal thread.
#[derive(Debug)]
pub struct Stop {
    asked: AtomicBool,
    urgent: AtomicBool,
    reload: AtomicBool,
}

impl Default for Stop {
    fn default() -> Self {
        Stop { asked: AtomicBool::new(false), urgent: AtomicBool::new(false), reload: AtomicBool::new(false) }
    }
}

impl Stop {
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// What runs is to be taken back now.
    pub fn is_urgent(&self) -> bool {
        self.urgent.load(Ordering::SeqCst)
    }

    pub fn take_reload(&self) -> bool {
        self.reload.swap(false, Ordering::SeqCst)
    }
}

/// The listening thread; ends with `end`.
pub struct Listening {
    handle: Handle,
    thread: JoinHandle<()>,
}

impl Listening {
    pub fn end(self) {
        self.handle.close();
        let _ = self.thread.join();
    }
}

pub fn listen(stop: Arc<Stop>, ring: SyncSender<()>) -> Result<Listening> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).context("cannot listen for signals")?;
    let handle = signals.handle();
    let thread = std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGHUP => stop.reload.store(true, Ordering::SeqCst),
                _ if stop.is_asked() => stop.urgent.store(true, Ordering::SeqCst),
                _ => {
                    stop.ask();
                    become_urgent(&stop);
                }
            }
            let _ = ring.try_send(());
        }
    })?;
    Ok(Listening { handle, thread })
}

/// Counts down beside everything else. Not joined: it ends with the process, which is its purpose.
fn become_urgent(stop: &Arc<Stop>) {
    let (stop, began) = (stop.clone(), Instant::now());
    let counting = std::thread::Builder::new().name("countdown".into()).spawn(move || {
        std::thread::sleep(PATIENCE.saturating_sub(began.elapsed()));
        stop.urgent.store(true, Ordering::SeqCst);
        std::thread::sleep(GONE_AFTER.saturating_sub(began.elapsed()));
        // Nothing is lost: what was not committed is not there, and the next start goes on from the ledger.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    });
    if counting.is_err() {
        stop_at_once_instead();
    }
}

/// No thread to be had: without a countdown a hanging read would keep the system waiting.
fn stop_at_once_instead() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}
