//! `/health` and `/metrics` for machines that watch. Answers come from a thread and a reader of their own, so that a loop that
//! hangs is told as that. It only tells: nothing can be asked for through it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::Utc;

use super::pulse::Pulse;
use crate::config::{Config, Http};
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::http::{self, Answer, Door, Listen};
use crate::edges::spool::Spool;
use crate::edges::store::Reader;
use crate::flows::files::Sight;
use crate::flows::metrics::{Process, metrics};
use crate::flows::status::Known;
use crate::model::open_metrics::CONTENT_TYPE;

const PLAIN: &str = "text/plain; charset=utf-8";
/// A turn of the loop comes at least once a minute.
const SILENCE: Duration = Duration::from_secs(120);

/// What the loop leaves for those who ask.
pub struct Vitals {
    pulse: Arc<Pulse>,
    events: Arc<Events>,
    spool: Arc<Spool>,
    config: Mutex<Arc<Config>>,
    /// Why everything waits.
    waits: Mutex<Option<String>>,
}

impl Vitals {
    pub fn new(pulse: Arc<Pulse>, events: Arc<Events>, spool: Arc<Spool>, config: &Config) -> Vitals {
        let config = Mutex::new(Arc::new(config.clone()));
        Vitals { pulse, events, spool, config, waits: Mutex::new(None) }
    }

    pub fn take_over(&self, config: &Config) {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(config.clone());
    }

    pub fn waits(&self, sentence: Option<String>) {
        *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = sentence;
    }

    /// Nothing where all is well.
    fn troubles(&self) -> Vec<String> {
        let silent = self.pulse.silent_for();
        let longest = self.pulse.watched().map_or(SILENCE, |watched| SILENCE.min(watched / 2));
        let loop_silent = (silent > longest).then(|| format!("the loop is silent for {} s", silent.as_secs()));
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner).clone();
        loop_silent.into_iter().chain(waits).collect()
    }

    fn health(&self) -> Answer {
        match &self.troubles()[..] {
            [] => Answer { status: 200, content_type: PLAIN, body: "well\n".to_string() },
            troubles => Answer { status: 503, content_type: PLAIN, body: format!("{}\n", troubles.join("\n")) },
        }
    }

    fn metrics(&self) -> Result<String> {
        let config = self.config.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let reader = Reader::open(&config.store)?;
        let snapshot = reader.snapshot()?;
        let sight = Sight { snapshot: &snapshot, spool: &self.spool, zone: config.zone, now: Utc::now() };
        let known = Known {
            intakes: &config.intakes,
            feeds: &config.feeds,
            remotes: &config.remotes,
            store: &config.store,
            disk_floor: config.disk_floor,
        };
        let silent_ms = u64::try_from(self.pulse.silent_for().as_millis()).unwrap_or(u64::MAX);
        metrics(sight, &known, &Process { silent_ms, events: self.events.counted() })
    }

    fn answer(&self, path: &str) -> Answer {
        match path {
            "/health" => self.health(),
            "/metrics" => match self.metrics() {
                Ok(body) => Answer { status: 200, content_type: CONTENT_TYPE, body },
                Err(error) => Answer { status: 503, content_type: PLAIN, body: format!("{error:#}\n") },
            },
            _ => Answer { status: 404, content_type: PLAIN, body: "there are /health and /metrics\n".to_string() },
        }
    }
}

/// As configured; none where nobody wants one. A door that cannot be opened stops nobody's files: it is told.
pub fn open(vitals: &Arc<Vitals>, http: &Http) -> Option<Door> {
    let opened = listen(http).transpose()?.and_then(|at| {
        let vitals = vitals.clone();
        http::open(at, move |path| vitals.answer(path)).context("the door for /health and /metrics cannot be opened")
    });
    match opened {
        Ok(door) => Some(door),
        Err(error) => {
            let fields = [(Key::Reason, Value::Text(format!("{error:#}").into()))];
            vitals.events.tell(Utc::now(), "", Event::HttpFailed, &fields);
            None
        }
    }
}

fn listen(http: &Http) -> Result<Option<Listen>> {
    Ok(match http {
        Http::Off => None,
        Http::Loopback(address) => Some(Listen::Loopback(*address)),
        Http::Socket => {
            let folder = std::env::var_os("RUNTIME_DIRECTORY").context(
                "http = \"unix\" needs a folder in RUNTIME_DIRECTORY, as systemd gives it (RuntimeDirectory=nattpost)",
            )?;
            Some(Listen::Socket(PathBuf::from(folder).join("http.sock")))
        }
    })
}
