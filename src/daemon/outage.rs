//! The disk or the database takes nothing: everything waits, says so once, tries again with growing pauses, and says when
//! it is over. Anything else that fails ends the process; its supervisor starts it anew and the ledger knows the rest.

use std::time::Duration;

use anyhow::Result;

use crate::edges::clock::Now;
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::spool::Spool;
use crate::edges::store::StoreFault;
use crate::flows::is_outage;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub struct Outage {
    /// Since it began; nothing when all is well.
    pause: Option<Duration>,
    is_store: bool,
    words: String,
}

impl Outage {
    /// Takes note of an error that passes by itself; gives back any other.
    pub fn begins(&mut self, spool: &Spool, events: &Events, now: Now, error: anyhow::Error) -> Result<String> {
        if !is_outage(&error) {
            return Err(error);
        }
        let words = format!("{error:#}");
        let is_store = StoreFault::of(&error).is_some();
        if self.words != words {
            let event = if is_store { Event::StoreWaiting } else { Event::DiskFull };
            events.tell(now.wall, "", event, &[(Key::Reason, Value::Text(words.as_str().into()))]);
            spool.say_why_all_waits(&words);
            self.is_store = is_store;
            self.words.clone_from(&words);
        }
        let longer = self.pause.map_or(FIRST_PAUSE, |pause| pause * 2);
        self.pause = Some(longer.min(LONGEST_PAUSE));
        Ok(words)
    }

    pub fn over(&mut self, spool: &Spool, events: &Events, now: Now) {
        if self.pause.take().is_some() {
            let event = if self.is_store { Event::StoreBack } else { Event::DiskBack };
            events.tell(now.wall, "", event, &[]);
            spool.nothing_waits_any_more();
            self.words.clear();
        }
    }

    /// How long to wait before the next try.
    pub fn pause(&self) -> Option<Duration> {
        self.pause
    }
}
