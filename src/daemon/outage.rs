//! The disk or the database takes nothing (or a folder that all need refuses us): everything waits, says so once, tries again
//! with growing pauses, and says when it is over. Anything else that fails ends the process; its supervisor starts it anew and the ledger knows the rest.

use std::time::Duration;

use anyhow::Result;

use crate::edges::clock::Now;
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::spool::Spool;
use crate::edges::store::StoreFault;
use crate::flows::{is_outage, of_spool, rights};

use super::troubles::{FIRST_PAUSE, LONGEST_PAUSE};

#[derive(Debug, Default)]
pub struct Outage {
    /// Since it began; nothing when all is well.
    pause: Option<Duration>,
    /// What was told to begin, each once however its words change from try to try, with what tells its end.
    told: Vec<(Event, Event)>,
    words: String,
}

impl Outage {
    /// Takes note of an error that passes by itself; gives back any other.
    pub fn begins(&mut self, spool: Option<&Spool>, events: &Events, now: Now, error: anyhow::Error) -> Result<String> {
        if !is_outage(&error) {
            return Err(error);
        }
        let denied = spool.and_then(|spool| rights::told(spool, &[], &error));
        let (begins, is_back, words) = match (denied, StoreFault::of(&error)) {
            (Some(denied), _) => (Event::FolderFailed, Event::FolderBack, denied),
            (None, None) => (Event::DiskFull, Event::DiskBack, format!("{error:#}")),
            (None, Some(_)) => (Event::StoreWaiting, Event::StoreBack, words_of_store(&error)),
        };
        if !self.told.contains(&(begins, is_back)) {
            events.tell(now.wall, "", begins, &[(Key::Reason, Value::Text(words.as_str().into()))]);
            self.told.push((begins, is_back));
        }
        self.words.clone_from(&words);
        let longer = self.pause.map_or(FIRST_PAUSE, |pause| pause * 2);
        self.pause = Some(longer.min(LONGEST_PAUSE));
        Ok(words)
    }

    pub fn over(&mut self, events: &Events, now: Now) {
        if self.pause.take().is_some() {
            for (_, is_back) in std::mem::take(&mut self.told) {
                events.tell(now.wall, "", is_back, &[]);
            }
            self.words.clear();
        }
    }

    /// For `status`.
    pub fn sentence(&self) -> Option<String> {
        let words = Some(&self.words).filter(|words| !words.is_empty())?;
        Some(format!("Everything waits and is tried again by itself; the last try said: {words}."))
    }

    /// How long to wait before the next try.
    pub fn pause(&self) -> Option<Duration> {
        self.pause
    }
}

/// What stands behind it and what was tried, without the driver's own text.
pub(super) fn words_of_store(error: &anyhow::Error) -> String {
    // The system's own word may be that of another disk.
    if let Some(spool) = of_spool(error) {
        return spool.outage_words().map_or_else(|| format!("{error:#}"), |words| format!("{words} ({error})"));
    }
    StoreFault::of(error).map_or_else(|| format!("{error:#}"), |fault| format!("{fault} ({error})"))
}
