//! `check`: everything that is wrong with the configuration, and what each layout can do.

use std::path::Path;

use serde_json::{Value, json};

use super::args::Check;
use super::ends::{End, Outcome};
use super::page::{Columns, Page, safe};
use super::{connect_page, setting};
use crate::config::{Config, KnownLayout, secrets};
use crate::edges::secret::{self, SecretFault};
use crate::flows::moments;
use crate::model::document::DocumentProblem;
use crate::model::secret::SecretRef;

/// Lost fields named one by one; the JSON has all.
const LOST_TOLD: usize = 6;

pub fn check(page: &mut Page<'_>, path: &Path, asked: &Check) -> Outcome {
    let config = match setting::read_configuration(path) {
        Ok(config) => config,
        Err(problems) => {
            wrong(page, path, &problems, &[])?;
            return Ok(End::Configuration);
        }
    };
    page.zone = config.zone;
    let (problems, notes) = read_secrets(&config);
    if !problems.is_empty() {
        wrong(page, path, &problems, &notes)?;
        return Ok(End::Configuration);
    }
    if let Some(partner) = &asked.connect {
        if !asked.quiet {
            well(page, &config, &notes)?;
        }
        return connect_page::connect(page, &config, partner.as_deref(), asked.quiet);
    }
    if !asked.quiet {
        well(page, &config, &notes)?;
        layouts(page, &config)?;
    }
    Ok(End::Well)
}

/// Each secret as the daemon would read it: what is wrong with it, and what only the daemon's user can say.
fn read_secrets(config: &Config) -> (Vec<DocumentProblem>, Vec<String>) {
    let (mut problems, mut notes) = (Vec::new(), Vec::new());
    let is_of_unit = std::env::var_os("CREDENTIALS_DIRECTORY").is_some();
    for named in secrets::named(config) {
        let where_ = format!("{}, \"{}\"", named.file, named.key);
        if matches!(named.place, SecretRef::Credential(_)) && !is_of_unit {
            notes.push(format!("{where_}: {}: only the daemon's unit is given it, so it was not read.", named.place));
            continue;
        }
        match secret::read(&named.place) {
            Ok(_) => {}
            Err(fault) if fault.is_unreadable() => {
                notes.push(format!("{where_}: {fault}; the daemon's user may be able to."))
            }
            // What is set for the daemon is not set here.
            Err(fault @ SecretFault::Missing(SecretRef::Env(_), _)) => notes.push(format!("{where_}: {fault}.")),
            Err(fault) => problems.push(DocumentProblem {
                file: named.file,
                line: 0,
                column: 0,
                key: named.key,
                text: format!("{fault}."),
                suggestion: None,
            }),
        }
    }
    (problems, notes)
}

fn well(page: &mut Page<'_>, config: &Config, notes: &[String]) -> std::io::Result<()> {
    if page.json {
        let layouts: Vec<Value> = config.layouts.iter().map(layout_object).collect();
        return page.object(&json!({ "well": true, "problems": [], "notes": notes, "layouts": layouts }));
    }
    for note in notes {
        page.line(format!("Note: {}", safe(note)))?;
    }
    page.line(format!(
        "{} is well: {}, {}, {}.",
        config.path.display(),
        moments::count(config.partners.len() as u64, "partner", "partners"),
        moments::count(config.intakes.len() as u64, "intake", "intakes"),
        moments::count(config.feeds.len() as u64, "feed", "feeds")
    ))
}

fn layouts(page: &mut Page<'_>, config: &Config) -> std::io::Result<()> {
    if page.json {
        return Ok(());
    }
    let mut columns =
        Columns::new(&["layout", "kind", "reads", "writes", "does not survive writing and reading again"]);
    for known in config.layouts.iter() {
        let layout = &known.layout;
        columns.row([
            layout.id.clone(),
            layout.kind.name.clone(),
            yes(layout.reads()),
            yes(layout.writes()),
            lost(&layout.lost_fields()),
        ]);
    }
    if columns.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.table(columns)
}

fn wrong(page: &mut Page<'_>, path: &Path, problems: &[DocumentProblem], notes: &[String]) -> std::io::Result<()> {
    if page.json {
        let problems: Vec<Value> = problems.iter().map(problem_object).collect();
        return page.object(&json!({ "well": false, "problems": problems, "notes": notes, "layouts": [] }));
    }
    for note in notes {
        page.line(format!("Note: {}", safe(note)))?;
    }
    for problem in problems {
        page.line(safe(&problem.to_string()))?;
    }
    page.line(format!(
        "{}: {} to correct.",
        path.display(),
        moments::count(problems.len() as u64, "problem", "problems")
    ))
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_string()
}

fn lost(fields: &[String]) -> String {
    match fields.len() {
        0 => "-".to_string(),
        n if n <= LOST_TOLD => fields.join(", "),
        n => format!("{} and {} more", fields[..LOST_TOLD].join(", "), n - LOST_TOLD),
    }
}

fn layout_object(known: &KnownLayout) -> Value {
    let layout = &known.layout;
    json!({
        "layout": layout.id,
        "kind": layout.kind.name,
        "file": known.file,
        "reads": layout.reads(),
        "writes": layout.writes(),
        "lost_fields": layout.lost_fields(),
    })
}

fn problem_object(problem: &DocumentProblem) -> Value {
    json!({
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "key": problem.key,
        "text": problem.text,
        "suggestion": problem.suggestion,
    })
}
