//! What a command works with: the configuration, the spool, one moment of the ledger, a layout by its name.
//! Every way this can fail is told here once, with what to do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;

use super::ends::{End, Failure};
use crate::config::Config;
use crate::edges::spool::Spool;
use crate::edges::store::Reader;
use crate::flows::files::Sight;
use crate::model::document::DocumentProblem;
use crate::model::layout::Layout;

/// Nattpost's own layouts.
fn shipped_layouts() -> &'static [Arc<Layout>] {
    &[]
}

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

/// The ledger for reading, also while the daemon is down.
pub fn reader(config: &Config) -> Result<Reader, Failure> {
    if !config.store.exists() {
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

/// For people: relative to where they stand, when that is shorter.
pub fn shown_path(path: &Path) -> String {
    let here: Option<PathBuf> = std::env::current_dir().ok();
    let relative = here.as_deref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
    super::page::safe(&relative.to_string_lossy())
}
