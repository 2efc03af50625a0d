//! What a command works with: the configuration, the spool, one moment of the ledger, a layout by its name.
//! Every way this can fail is told here once, with what to do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;
use chrono_tz::Tz;

use super::ends::{End, Failure};
use crate::config::Config;
use crate::edges::lock;
use crate::edges::spool::Spool;
use crate::edges::store::Reader;
use crate::flows::files::Sight;
use crate::flows::lineage;
use crate::model::document::DocumentProblem;
use crate::model::kind::shipped_kinds;
use crate::model::layout::own::shipped_layouts;
use crate::model::layout::{Layout, read_layout};

/// The configuration, or all that is wrong with it.
pub fn read_configuration(path: &Path) -> Result<Config, Vec<DocumentProblem>> {
    Config::read(path, shipped_layouts())
}

/// The same, where a wrong one is the end of it.
pub fn configuration(path: &Path) -> Result<Config, Failure> {
    read_configuration(path).map_err(|problems| misconfigured(path, &problems))
}

fn misconfigured(path: &Path, problems: &[DocumentProblem]) -> Failure {
    let mut text = if path.exists() {
        "the configuration is wrong:".to_string()
    } else {
        format!(
            "there is no configuration {}; name one with --config or NATTPOST_CONFIG, or go to the folder of nattpost.toml:",
            path.display()
        )
    };
    for problem in problems {
        text.push_str(&format!("\n  {problem}"));
    }
    Failure::new(End::Configuration, text)
}

/// A spool that was begun; a command that only looks makes none.
pub fn spool(config: &Config) -> Result<Spool, Failure> {
    if !config.spool.is_dir() {
        return Err(Failure::new(
            End::Unavailable,
            format!("there is no spool {} yet; nattpost run makes it", config.spool.display()),
        ));
    }
    Spool::open(&config.spool).map_err(|error| Failure::from(anyhow::Error::new(error)))
}

pub fn daemon_runs(config: &Config) -> bool {
    // The path is the spool's; a spool that cannot be opened has no daemon either.
    Spool::open(&config.spool).is_ok_and(|spool| lock::is_held(&spool.lock_path()))
}

/// The ledger for reading, also while the daemon is down.
pub fn reader(config: &Config) -> Result<Reader, Failure> {
    if !config.store.exists() {
        if let Some(missing) = lineage::is_missing(&config.store, &spool(config)?)? {
            return Err(Failure { end: End::Unavailable, error: missing.into() });
        }
        return Err(Failure::new(
            End::Unavailable,
            format!("there is no database {} yet, so nothing has come; nattpost run makes it", config.store.display()),
        ));
    }
    Ok(Reader::open(&config.store)?)
}

/// Does the looking with one moment of the ledger.
pub fn look<T>(config: &Config, looking: impl FnOnce(Sight<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
    let spool = spool(config)?;
    let reader = reader(config)?;
    let snapshot = reader.snapshot()?;
    looking(Sight { snapshot: &snapshot, spool: &spool, zone: config.zone, now: Utc::now() })
}

/// A layout by id (ours or the site's) or by path, and the zone that local times are read in.
pub fn layout(config_path: &Path, name: &str) -> Result<(Arc<Layout>, Tz), Failure> {
    // A layout can be tried before there is any configuration.
    let config = config_path.exists().then(|| configuration(config_path));
    let zone = config.as_ref().and_then(|config| config.as_ref().ok()).map_or(Tz::UTC, |config| config.zone);
    if is_path(name) {
        return Ok((Arc::new(layout_file(Path::new(name))?), zone));
    }
    if let Some(shipped) = shipped_layouts().iter().find(|layout| layout.id == name) {
        return Ok((Arc::clone(shipped), zone));
    }
    let Some(config) = config.transpose()? else {
        let known: Vec<&str> = shipped_layouts().iter().map(|layout| layout.id.as_str()).collect();
        let hint = crate::model::document::suggest(name, &known).unwrap_or_default();
        return Err(Failure::new(
            End::NotFound,
            format!(
                "there is no layout \"{name}\" among Nattpost's own, and no configuration {} that could name others; a layout file is named by its path. {hint}",
                config_path.display()
            ),
        ));
    };
    match config.layouts.find(name) {
        Ok(Some(known)) => Ok((Arc::clone(&known.layout), zone)),
        // A file with problems of its own would have failed the configuration.
        Ok(None) => {
            Err(Failure::new(End::NotFound, format!("the layout \"{name}\" has problems; nattpost check lists them")))
        }
        Err(wrong) => {
            let hint = wrong.suggestion.map(|s| format!(" {s}")).unwrap_or_default();
            Err(Failure::new(End::NotFound, format!("{}{hint}", wrong.text)))
        }
    }
}

fn is_path(name: &str) -> bool {
    name.contains('/') || (name.ends_with(".toml") && Path::new(name).is_file())
}

fn layout_file(path: &Path) -> Result<Layout, Failure> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::from(anyhow::Error::new(error).context(format!("cannot read the layout {shown}"))))?;
    read_layout(&shown, &text, shipped_kinds()).map_err(|problems| {
        let list: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        Failure::new(End::Configuration, format!("the layout {shown} is wrong:{}", list.concat()))
    })
}

/// For people: relative to where they stand, when that is shorter.
pub fn shown_path(path: &Path) -> String {
    let here: Option<PathBuf> = std::env::current_dir().ok();
    let relative = here.as_deref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
    super::page::safe(&relative.to_string_lossy())
}
