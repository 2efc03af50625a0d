//! `backup`: copies the database into a folder while everything goes on, and tells where it is. The copying is the flow's.

use chrono::Utc;
use serde_json::json;

use super::args::Backup;
use super::ends::{End, Failure, Outcome};
use super::page::{Page, safe};
use super::progress::Percent;
use super::setting;
use crate::config::Config;
use crate::edges::{clock, who};
use crate::flows::backup::{self, Asked, NotThere};
use crate::flows::commands::{self, Command, Verb};
use crate::flows::moments;

pub fn backup(page: &mut Page<'_>, config: &Config, asked: &Backup) -> Outcome {
    let spool = setting::spool(config)?;
    // Says why where there is none.
    setting::reader(config)?;
    let now = Utc::now();
    let mut percent = Percent::new("copying".to_string());
    let asking = Asked {
        company: &config.company,
        spool: &spool,
        store: &config.store,
        folder: &asked.folder,
        floor: config.disk_floor,
        now,
    };
    let copied = backup::backup(&asking, &mut |done, all| percent.at(done, all)).map_err(|error| {
        if error.is::<NotThere>() {
            Failure::from(error).ending(End::Unavailable, "backup-not-there")
        } else {
            Failure::from(error)
        }
    })?;
    drop(percent);
    // For the ledger, so that somebody notices when no copy was made for long; whoever works next writes it down.
    let noted = Command {
        id: clock::new_id(now)?,
        verb: Verb::Backup { path: copied.path.display().to_string(), made: now },
        who: who::name(),
        at: now,
        comment: asked.comment.clone(),
    };
    commands::hand_over(&spool, &noted)?;
    let path = setting::shown_path(&copied.path);
    if page.json {
        page.object(&json!({ "path": copied.path.to_string_lossy(), "bytes": copied.bytes }))?;
    } else {
        page.line(safe(&format!("{path}: the database as it is now, {}, checked.", moments::size(copied.bytes))))?;
    }
    Ok(End::Well)
}
