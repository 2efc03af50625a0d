//! What a command works with: the configuration, the spool, one moment of the ledger, a layout by its name.
//! Every way this can fail is told here once, with what to do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;
use chrono_tz::Tz;

use super::ends::{End, Failure};
use super::page::safe;
use crate::config::Config;
use crate::edges::lock;
use crate::edges::spool::Spool;
use crate::edges::store::Reader;
use crate::flows::files::Sight;
use crate::flows::lineage;
use crate::model::document::{DocumentProblem, suggest};
use crate::model::kind::shipped_kinds;
use crate::model::layout::lookup::Words;
use crate::model::layout::own::{shipped_layout, shipped_layouts, shipped_texts};
use crate::model::layout::{Extendable, Layout, read_extended, read_layout_with};

/// The configuration, or all that is wrong with it.
pub fn read_configuration(path: &Path) -> Result<Config, Vec<DocumentProblem>> {
    Config::read(path)
}

/// The same, where a wrong one is the end of it.
pub fn configuration(path: &Path) -> Result<Config, Failure> {
    read_configuration(path).map_err(|problems| misconfigured(path, &problems))
}

fn misconfigured(path: &Path, problems: &[DocumentProblem]) -> Failure {
    if !path.exists() {
        return Failure::new(
            End::Configuration,
            "configuration-missing",
            format!("there is no configuration {}", path.display()),
        )
        .expected("a nattpost.toml")
        .advice("Name it with --config or NATTPOST_CONFIG, or go to its folder.");
    }
    Failure::new(End::Configuration, "configuration-wrong", "the configuration is wrong")
        .at(path.display().to_string())
        .problems(problems.iter().map(ToString::to_string).collect())
}

/// A spool that was begun; a command that only looks makes none.
pub fn spool(config: &Config) -> Result<Spool, Failure> {
    if !config.spool.is_dir() {
        return Err(Failure::new(
            End::Unavailable,
            "spool-missing",
            format!("there is no spool {} yet", config.spool.display()),
        )
        .advice("nattpost run makes it."));
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
            return Err(Failure::from(anyhow::Error::new(missing)).ending(End::Unavailable, "database-missing"));
        }
        return Err(Failure::new(
            End::Unavailable,
            "database-missing",
            format!("there is no database {} yet, so nothing has come", config.store.display()),
        )
        .advice("nattpost run makes it."));
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

/// A name that nobody knows, with the one that was probably meant; `what` is its code and its noun.
pub fn unknown((code, noun): (&'static str, &str), place: &str, found: &str, known: &[&str]) -> Failure {
    const LISTED: usize = 12;
    let mut list = known.iter().take(LISTED).map(|name| safe(name)).collect::<Vec<_>>().join(", ");
    if known.len() > LISTED {
        list.push_str(&format!(" … ({} in all)", known.len()));
    }
    let expected = if known.is_empty() { String::new() } else { format!("one of: {list}") };
    Failure::new(End::NotFound, code, format!("there is no {noun} \"{}\"", safe(found)))
        .at(place)
        .expected(expected)
        .advice(suggest(found, known).unwrap_or_default())
}

/// A partner, or `partner/intake` or `partner/feed`: of the configuration, or one that the ledger still knows.
pub fn known_partner(config: &Config, place: &str, asked: &str) -> Result<(), Failure> {
    let mut names: BTreeSet<String> = config.partners.iter().map(|partner| partner.partner.clone()).collect();
    names.extend(config.intakes.iter().map(|intake| intake.source()));
    names.extend(config.feeds.iter().map(|feed| feed.name()));
    if names.contains(asked) {
        return Ok(());
    }
    // What has no ledger yet knows no partner of earlier times.
    if config.store.exists() {
        for (partner, intake) in reader(config)?.snapshot()?.known_intakes()? {
            names.insert(format!("{partner}/{intake}"));
            names.insert(partner);
        }
    }
    if names.contains(asked) {
        return Ok(());
    }
    let of_its_sort = names.iter().map(String::as_str).filter(|name| name.contains('/') == asked.contains('/'));
    let known: Vec<&str> = of_its_sort.collect();
    let noun = if asked.contains('/') { "intake or feed" } else { "partner" };
    Err(unknown(("partner-unknown", noun), place, asked, &known))
}

/// A layout by id (ours or the site's) or by path, and the zone that local times are read in.
pub fn layout(config_path: &Path, name: &str) -> Result<(Arc<Layout>, Tz), Failure> {
    layout_with_file(config_path, name).map(|(layout, _, zone)| (layout, zone))
}

/// The same as a partner has it: with his words in its tables, in his zone. Without one as it stands.
pub fn layout_of(config_path: &Path, name: &str, partner: Option<&str>) -> Result<(Arc<Layout>, Tz), Failure> {
    let Some(partner) = partner else { return layout(config_path, name) };
    let config = configuration(config_path)?;
    let Some(sender) = config.partners.iter().find(|known| known.partner == partner) else {
        let known: Vec<&str> = config.partners.iter().map(|known| known.partner.as_str()).collect();
        return Err(unknown(("partner-unknown", "partner"), "--partner", partner, &known));
    };
    let words = config.words.get(partner).map(Vec::as_slice).unwrap_or_default();
    if is_path(name) {
        return Ok((Arc::new(layout_file(Path::new(name), words)?), sender.zone));
    }
    // A name that nobody knows is told there.
    let (bare, _) = layout(config_path, name)?;
    let layouts = config.layouts.of_partner(words);
    let his = layouts.find(name).ok().flatten().map(|known| Arc::clone(&known.layout));
    Ok((his.unwrap_or(bare), sender.zone))
}

/// The same with its file, which those that ship do not have.
pub fn layout_with_file(config_path: &Path, name: &str) -> Result<(Arc<Layout>, Option<PathBuf>, Tz), Failure> {
    // A layout can be tried before there is any configuration.
    let config = config_path.exists().then(|| configuration(config_path));
    let zone = config.as_ref().and_then(|config| config.as_ref().ok()).map_or(Tz::UTC, |config| config.zone);
    if is_path(name) {
        return Ok((Arc::new(layout_file(Path::new(name), &[])?), Some(PathBuf::from(name)), zone));
    }
    if let Some(shipped) = shipped_layout(name) {
        return Ok((Arc::clone(shipped), None, zone));
    }
    let Some(config) = config.transpose()? else {
        let known: Vec<&str> = shipped_layouts().iter().map(|shipped| shipped.id).collect();
        let hint = suggest(name, &known).unwrap_or_default();
        return Err(Failure::new(
            End::NotFound,
            "layout-unknown",
            format!(
                "there is no layout \"{name}\" among Nattpost's own, and no configuration {} that could name others",
                config_path.display()
            ),
        )
        .at("--layout")
        .expected("the id of a layout, or the path of a layout file")
        .advice(hint));
    };
    match config.layouts.find(name) {
        Ok(Some(known)) => {
            let beside = config.path.parent().unwrap_or(Path::new(""));
            Ok((Arc::clone(&known.layout), known.file.as_ref().map(|file| beside.join(file)), zone))
        }
        // A file with problems of its own would have failed the configuration.
        Ok(None) => {
            let found = format!("the layout \"{name}\" has problems");
            Err(Failure::new(End::Configuration, "layout-wrong", found).advice("nattpost check lists them."))
        }
        Err(wrong) => {
            let found = wrong.text.trim_end_matches('.');
            Err(Failure::new(End::NotFound, "layout-unknown", found)
                .at("--layout")
                .advice(wrong.suggestion.unwrap_or_else(|| "nattpost check lists the layouts.".to_string())))
        }
    }
}

fn is_path(name: &str) -> bool {
    name.contains('/') || (name.ends_with(".toml") && Path::new(name).is_file())
}

fn layout_file(path: &Path, words: &[Words]) -> Result<Layout, Failure> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::from(anyhow::Error::new(error).context(format!("cannot read the layout {shown}"))))?;
    let beside = texts_beside(path);
    let read = read_extended(&shown, &text, shipped_kinds(), &beside).and_then(|(layout, whole)| match words {
        [] => Ok(layout),
        _ => {
            let his: Vec<Words> = words.iter().filter(|words| layout.tables.contains(&words.table)).cloned().collect();
            read_layout_with(&shown, &whole, shipped_kinds(), &his)
        }
    });
    read.map_err(|problems| {
        Failure::new(End::Configuration, "layout-wrong", format!("the layout {shown} is wrong"))
            .problems(problems.iter().map(ToString::to_string).collect())
    })
}

/// What a layout file may extend: what ships, by id; the layouts beside it, by id or file name.
fn texts_beside(path: &Path) -> Vec<Extendable> {
    let mut found = shipped_texts();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A folder that cannot be read holds nothing to extend; naming a layout of it is told where it is named.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let other = entry.path();
        let is_layout = other.extension().is_some_and(|e| e == "toml") && other.file_name() != path.file_name();
        if let Some(text) = is_layout.then(|| std::fs::read_to_string(&other).ok()).flatten() {
            found.push(Extendable::new(&other.display().to_string(), &text));
        }
    }
    found
}

/// For people: relative to where they stand, when that is shorter.
pub fn shown_path(path: &Path) -> String {
    let here: Option<PathBuf> = std::env::current_dir().ok();
    let relative = here.as_deref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
    safe(&relative.to_string_lossy())
}
