//! `check`: everything that is wrong with the configuration and with what it points to, and what each layout can do.

use std::path::Path;

use serde_json::{Value, json};

use super::args::Check;
use super::ends::{End, Outcome};
use super::page::{Columns, Page, safe};
use super::{connect_page, golden, setting};
use crate::config::{Around, Config, KnownLayout, look_around};
use crate::flows::moments;
use crate::model::document::DocumentProblem;

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
    // A start and a reload do not look at it: one partner's missing file is no reason to keep the others waiting.
    let is_alone = asked.quiet && asked.connect.is_none();
    let Around { mut problems, notes } = if is_alone { Around::default() } else { look_around(&config) };
    if !is_alone {
        problems.extend(golden::problems(&config)?);
    }
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

fn well(page: &mut Page<'_>, config: &Config, notes: &[DocumentProblem]) -> std::io::Result<()> {
    if page.json {
        let layouts: Vec<Value> = config.layouts.iter().map(layout_object).collect();
        return page.object(&json!({ "well": true, "problems": [], "notes": sentences(notes), "layouts": layouts }));
    }
    for note in sentences(notes) {
        page.line(format!("Note: {}", safe(&note)))?;
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

fn wrong(
    page: &mut Page<'_>,
    path: &Path,
    problems: &[DocumentProblem],
    notes: &[DocumentProblem],
) -> std::io::Result<()> {
    if page.json {
        let problems: Vec<Value> = problems.iter().map(problem_object).collect();
        return page.object(&json!({ "well": false, "problems": problems, "notes": sentences(notes), "layouts": [] }));
    }
    for note in sentences(notes) {
        page.line(format!("Note: {}", safe(&note)))?;
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

fn sentences(notes: &[DocumentProblem]) -> Vec<String> {
    notes.iter().map(ToString::to_string).collect()
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
