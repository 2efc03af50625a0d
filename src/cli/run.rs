//! `run`: hands over to the daemon, and tells how it ended.

use serde_json::{Value, json};

use super::args::Run;
use super::ends::{End, Failure, Outcome};
use super::page::{Page, safe};
use super::{setting, status_page};
use crate::config::Config;
use crate::daemon::{self, Ended};
use crate::edges::lock::LockError;
use crate::edges::store::StoreFault;
use crate::flows::lineage::NotItsDatabase;
use crate::flows::waiting::{self, WaitingFile};

/// Files of an intake that are told one by one.
const TOLD: usize = 20;

pub fn run(page: &mut Page<'_>, config: Config, asked: &Run) -> Outcome {
    page.zone = config.zone;
    let ended = daemon::run(config.clone(), asked.once, asked.accept_database).map_err(|error| {
        let another_runs = matches!(error.downcast_ref(), Some(LockError::Held { .. }));
        match (another_runs, error.is::<NotItsDatabase>()) {
            (true, _) => Failure::from(error).ending(End::Unavailable, "already-running"),
            (_, true) => Failure::from(error).ending(End::Unavailable, "database-not-its-own"),
            // Starting it again and again mends nothing, and nobody would be told.
            _ if StoreFault::of(&error) == Some(StoreFault::Corrupt) => {
                Failure::from(error).ending(End::Unavailable, "database-damaged")
            }
            _ => Failure::from(error),
        }
    })?;
    match ended {
        Ended::Done => {
            if page.json {
                page.object(&json!({ "ended": "done", "waiting": [] }))?;
            }
            Ok(End::Well)
        }
        Ended::StillSettling(_) => {
            let files = still_settling(&config)?;
            if page.json {
                let waiting: Vec<Value> = files.iter().map(|file| status_page::waiting_object(file, false)).collect();
                page.object(&json!({ "ended": "settling", "waiting": waiting }))?;
            } else {
                page.line("Done but for what still settles; the next run takes it:")?;
                for file in &files {
                    page.line(safe(&format!("  {}", status_page::waiting_line(file, true))))?;
                }
            }
            Ok(End::Later)
        }
        Ended::Waiting(words) => Err(Failure::new(End::Later, "all-waits", format!("everything waits: {words}"))
            .advice("It goes on by itself once that has passed.")),
        Ended::SomeWaits(words) => {
            Err(Failure::new(End::Later, "some-waits", format!("not everything could be done: {words}"))
                .advice("What waits is tried again by the next run, or by a daemon by itself."))
        }
    }
}

fn still_settling(config: &Config) -> Result<Vec<WaitingFile>, Failure> {
    setting::look(config, |sight| {
        let mut files = Vec::new();
        for intake in &config.intakes {
            files.extend(waiting::of_intake(sight, intake, TOLD)?.0);
        }
        Ok(files)
    })
}
