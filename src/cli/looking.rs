//! `status`, `files`, `show`, `explain` and `find`: each looks with one moment of the ledger and prints. Nothing changes.

use super::args::{Explain, Files, Find, Show, Status};
use super::ends::{End, Failure, Outcome};
use super::page::{Page, safe};
use super::{ask, files_page, setting, show_page, status_page, story_page, then_page};
use crate::config::Config;
use crate::edges::lock;
use crate::flows::configured::Configured;
use crate::flows::files::Sight;
use crate::flows::show::Shown;
use crate::flows::{explain, files, find, show, status, waiting};
use crate::model::kind::shipped_kinds;

pub fn status(page: &mut Page<'_>, config: &Config, asked: &Status) -> Outcome {
    page.zone = config.zone;
    let is_remote = |only: &&String| config.remotes.iter().any(|remote| remote.name == **only);
    for only in asked.only.iter().filter(|only| !is_remote(only)) {
        setting::known_partner(config, "PARTNER", only)?;
    }
    setting::look(config, |sight| {
        let known = status::Known {
            intakes: &config.intakes,
            feeds: &config.feeds,
            remotes: &config.remotes,
            store: &config.store,
            disk_floor: config.disk_floor,
        };
        let now = status::status(sight, &known, &asked.only)?;
        if page.json {
            page.object(&status_page::object(config, &now))?;
        } else {
            status_page::print(page, config, &now)?;
        }
        Ok(End::Well)
    })
}

pub fn files(page: &mut Page<'_>, config: &Config, asked: &Files) -> Outcome {
    page.zone = config.zone;
    ask::check(config, &asked.choice)?;
    setting::look(config, |sight| {
        let list = files::list(sight, &ask::selection(&asked.choice, config.zone, sight.now), asked.limit)?;
        // Who asks for all that came wants to know what lies where nobody takes it.
        let strays = match asked.choice.is_empty() {
            true => waiting::without_intake(sight, &config.intakes, asked.limit as usize)?,
            false => Vec::new(),
        };
        if page.json {
            page.object(&files_page::object(&list, &strays))?;
        } else {
            files_page::print(page, &list, &strays, !asked.choice.is_empty())?;
        }
        Ok(End::Well)
    })
}

pub fn show(page: &mut Page<'_>, config: &Config, asked: &Show) -> Outcome {
    page.zone = config.zone;
    setting::look(config, |sight| each(page, &asked.items, |page, item| show_one(page, sight, config, item)))
}

fn show_one(page: &mut Page<'_>, sight: Sight<'_>, config: &Config, item: &str) -> Outcome {
    one_name(item)?;
    let configured = Configured { intakes: &config.intakes, feeds: &config.feeds };
    match show::show(sight, shipped_kinds(), configured, item)? {
        Shown::File(shown) if page.json => page.object(&show_page::file_shown_object(&shown))?,
        Shown::File(shown) => show_page::print_file(page, &shown)?,
        Shown::Run(shown) if page.json => page.object(&show_page::run_shown_object(&shown))?,
        Shown::Run(shown) => show_page::print_run(page, &shown)?,
        Shown::Nothing { near } => {
            if page.json {
                page.object(&serde_json::json!({ "item": item, "seen": false, "near": near }))?;
            } else {
                page.line(format!(
                    "No file or run {} is known; nattpost explain also looks into in/, nattpost find looks for numbers.",
                    safe(item)
                ))?;
                story_page::near(page, &near)?;
            }
            return Ok(End::NotFound);
        }
    }
    Ok(End::Well)
}

pub fn explain(page: &mut Page<'_>, config: &Config, asked: &Explain) -> Outcome {
    page.zone = config.zone;
    setting::look(config, |sight| {
        let daemon_runs = lock::is_held(&sight.spool.lock_path());
        each(page, &asked.items, |page, item| {
            one_name(item)?;
            let around = explain::Around {
                kinds: shipped_kinds(),
                intakes: &config.intakes,
                remotes: &config.remotes,
                feeds: &config.feeds,
                daemon_runs,
            };
            let stories = explain::explain(sight, &around, item)?;
            if page.json {
                page.object(&story_page::stories_object(item, &stories))?;
            } else {
                story_page::print_stories(page, item, &stories)?;
            }
            Ok(if stories.stories.is_empty() { End::NotFound } else { End::Well })
        })
    })
}

pub fn find(page: &mut Page<'_>, config: &Config, asked: &Find) -> Outcome {
    page.zone = config.zone;
    let at = asked.at.map(|at| then_page::instant(at, config.zone)).transpose()?;
    setting::look(config, |sight| {
        each(page, &asked.keys, |page, key| {
            one_name(key)?;
            if let Some(at) = at {
                return then_page::tell(page, key, at, &find::find_at(sight, key, at)?);
            }
            let found = find::find(sight, key)?;
            if page.json {
                page.object(&story_page::found_object(&found))?;
            } else {
                story_page::print_found(page, &found)?;
            }
            Ok(if found.is_empty() { End::NotFound } else { End::Well })
        })
    })
}

/// These tell of single things: an empty word or a pattern was meant for another command.
fn one_name(item: &str) -> Result<(), Failure> {
    if item.trim().is_empty() {
        return Err(Failure::new(End::Usage, "usage-wrong", "an argument is empty").expected("a name, id or number"));
    }
    if item.contains('*') {
        let found = format!("\"{}\" is a pattern", safe(item));
        return Err(Failure::new(End::Usage, "usage-wrong", found)
            .expected("one name, id or number")
            .advice("nattpost files takes patterns and lists what fits; name one of those."));
    }
    Ok(())
}

/// One after the other, with a gap between; the worst end counts.
fn each(page: &mut Page<'_>, items: &[String], mut one: impl FnMut(&mut Page<'_>, &str) -> Outcome) -> Outcome {
    let mut worst = End::Well;
    for (index, item) in items.iter().enumerate() {
        if index > 0 && !page.json {
            page.gap()?;
        }
        let end = one(page, item)?;
        if end != End::Well {
            worst = end;
        }
    }
    Ok(worst)
}
