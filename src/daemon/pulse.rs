//! Signs of life to the supervisor, given by the loop's own thread and by nobody else, each where something was done: a turn, a
//! parcel of a file, a million steps of a statement. A loop that hangs gives none, and is ended and started anew.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::edges::sd_notify::Supervisor;

/// Until it is ready, it asks for so much more time with each sign: more than a single sync or checkpoint takes.
const START_EXTENDED: Duration = Duration::from_secs(120);
/// At most one sign in this time while it starts.
const BETWEEN_EXTENSIONS: Duration = Duration::from_secs(10);
/// Signs within the time after which a silence is a hang.
const SIGNS_A_WATCH: u32 = 4;
/// No supervisor counts: it sleeps as long as nothing is due.
const UNWATCHED: Duration = Duration::MAX;

#[derive(Debug)]
pub struct Pulse {
    supervisor: Supervisor,
    began: Instant,
    /// Of the last sign, in milliseconds since it began.
    last_ms: AtomicU64,
    /// Of the last thing that was done, whether it was told or not.
    done_ms: AtomicU64,
    is_ready: AtomicBool,
}

impl Pulse {
    pub fn of(supervisor: Supervisor) -> Pulse {
        let pulse = Pulse {
            supervisor,
            began: Instant::now(),
            last_ms: AtomicU64::new(0),
            done_ms: AtomicU64::new(0),
            is_ready: AtomicBool::new(false),
        };
        pulse.extend();
        pulse
    }

    /// Something was done. Costs next to nothing when the last sign was a moment ago.
    pub fn beat(&self) {
        self.done_ms.store(self.elapsed_ms(), Ordering::Relaxed);
        let is_ready = self.is_ready.load(Ordering::Relaxed);
        let pause = match (is_ready, self.supervisor.watchdog()) {
            (false, _) => BETWEEN_EXTENSIONS,
            (true, Some(watched)) => watched / SIGNS_A_WATCH,
            (true, None) => return,
        };
        let last = Duration::from_millis(self.last_ms.load(Ordering::Relaxed));
        if self.began.elapsed().saturating_sub(last) < pause {
            return;
        }
        if is_ready { self.sign("WATCHDOG=1") } else { self.extend() }
    }

    /// Everything that the last run left is put right; or a reload is over, however it ended.
    pub fn ready(&self) {
        self.is_ready.store(true, Ordering::Relaxed);
        self.sign("READY=1\nSTATUS=");
    }

    /// A start that waits, and for what.
    pub fn waits(&self, words: &str) {
        self.supervisor.tell(&format!("STATUS=Not started yet: {}", words.replace('\n', " ")));
        self.extend();
    }

    pub fn reloading(&self) {
        self.sign("RELOADING=1");
    }

    pub fn stopping(&self) {
        self.sign("STOPPING=1");
    }

    /// How long the loop may sleep and still be seen alive.
    pub fn longest_rest(&self) -> Duration {
        self.supervisor.watchdog().map_or(UNWATCHED, |watched| watched / SIGNS_A_WATCH)
    }

    /// Since the loop last did something.
    pub fn silent_for(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms().saturating_sub(self.done_ms.load(Ordering::Relaxed)))
    }

    /// After such a silence the supervisor ends it.
    pub fn watched(&self) -> Option<Duration> {
        self.supervisor.watchdog()
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn extend(&self) {
        self.sign(&format!("EXTEND_TIMEOUT_USEC={}", START_EXTENDED.as_micros()));
    }

    fn sign(&self, values: &str) {
        self.supervisor.tell(values);
        let now = self.began.elapsed().as_millis();
        self.last_ms.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
