//! `demo`: a night of a small company, told step by step, on ./spool. Nothing is acted: the daemon is `nattpost run` in a
//! process of its own, files are dropped as partners drop them, and each sentence is said when the ledger shows it.
//! Parts: `props` (configuration and files, compiled in), `night` (daemon, drops, waiting), `story`, `telling`.

mod night;
mod props;
mod story;
mod telling;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::args::Demo;
use super::ends::{End, Failure, Outcome};
use super::page::{Page, safe};
use crate::edges::lock;
use crate::edges::spool::ground::{self, Ground};
use night::Night;
use telling::Telling;

/// Below the folder the person stands in.
const SPOOL: &str = "spool";
/// Foreign names that are told.
const NAMES_TOLD: usize = 5;

pub fn demo(page: &mut Page<'_>, asked: &Demo) -> Outcome {
    let root = Path::new(SPOOL);
    clear(root)?;
    let config = props::lay_out(&ground::folder(root))?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, stop.clone())?;
    }
    let mut night = Night::begin(&config, &ground::folder(root).join("nattpost.log"), stop)?;
    let mut telling = Telling::new(page);
    let told = story::tell(&mut night, &mut telling);
    let told = match told {
        Ok(()) if !asked.once && !night.is_stopped() => stay(&mut night, &mut telling),
        told => told,
    };
    let ended = night.end();
    match told {
        Err(_) if night.is_stopped() => telling.plain("Stopped before the story was over.")?,
        told => told?,
    }
    ended?;
    if asked.once {
        telling.plain("The daemon has stopped in order; everything stays in ./spool until the next demo.")?;
    } else {
        telling.plain("The daemon has stopped in order.")?;
    }
    Ok(End::Well)
}

fn stay(night: &mut Night, telling: &mut Telling<'_, '_>) -> Result<(), Failure> {
    telling.plain("The daemon stays up: drop files, try the commands above. Ctrl-C ends it.")?;
    night.stay()
}

/// Free ground, or an earlier demo's; anything else is somebody's work.
fn clear(root: &Path) -> Result<(), Failure> {
    let refused = |found: String| Failure::new(End::Unavailable, "spool-taken", found).at("./spool");
    match ground::look(root).map_err(anyhow::Error::new)? {
        Ground::Free => {}
        Ground::Demo => {
            if let Some(holder) = lock::held_by(&ground::lock_path(root)) {
                // A demo that was killed leaves its daemon behind, which no Ctrl-C reaches.
                return Err(refused(format!("a demo still runs in ./spool: its daemon is {holder}")).advice(
                    "End it with Ctrl-C where it was started, or end that process, then start this one again.",
                ));
            }
        }
        Ground::Taken(names) => {
            let mut list: Vec<String> =
                names.iter().take(NAMES_TOLD).map(|name| safe(&name.to_string_lossy())).collect();
            if names.len() > NAMES_TOLD {
                list.push(format!("{} more", names.len() - NAMES_TOLD));
            }
            return Err(refused(format!(
                "./spool is not empty and no demo made it (there are {}); nothing was touched",
                list.join(", ")
            ))
            .advice("Start the demo in another folder, or move ./spool away."));
        }
    }
    ground::clear(root).map_err(|error| Failure::from(anyhow::Error::new(error)))
}
