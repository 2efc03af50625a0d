//! `companion` of an intake: several files that are one arrival, and what cannot stand beside it.

use std::sync::Arc;
use std::time::Duration;

use super::keyed::{Keyed, parse_duration};
use super::paper::Asked;
use crate::model::intake::{Intake, Settle};
use crate::model::rules::companions::Companions;
use crate::model::syntax::encoding::Encoding;

const LEAST_WITHIN: Duration = Duration::from_secs(1);
const MOST_WITHIN: Duration = Duration::from_secs(30 * 86_400);

pub fn read(keyed: &Keyed<'_, '_>, settle: &Settle, asked: Option<&Asked>) -> Option<Arc<Companions>> {
    let within = keyed.value("companion_within", parse_duration(LEAST_WITHIN, MOST_WITHIN));
    if !keyed.has("companion") {
        if keyed.has("companion_within") {
            keyed.section.problem("companion_within", "says nothing without companion; add it, or take this out.");
        }
        return None;
    }
    let patterns: Vec<String> = keyed.list("companion").into_iter().map(|spot| spot.value).collect();
    if matches!(settle, Settle::DoneFile { .. }) {
        let text = "a done-file vouches for one file and cannot for several; expected settle = \"rename\" or \"stable N s\" beside companion.";
        keyed.section.problem("companion", text);
    }
    if keyed.boolean("unzip") {
        let text = "says nothing beside companion: an archive of the files that belong together is taken as they are. Take it out.";
        keyed.section.problem("unzip", text);
    }
    let paper = match asked {
        Some(Asked::ByName(limits)) => Some(*limits),
        _ => None,
    };
    match Companions::parse(&patterns, within) {
        Ok(companions) => {
            let papers = (0..patterns.len()).filter(|nth| !companions.is_read(*nth)).count();
            if paper.is_some() && papers != 1 {
                let text = format!("companion names {papers} PDFs; expected one, which goes on with the order.");
                keyed.section.problem("pdf", text);
            }
            Some(Arc::new(companions.with_paper(paper)))
        }
        Err(text) => {
            keyed.section.problem("companion", text);
            None
        }
    }
}

/// What the layouts ask of it.
pub fn check(keyed: &Keyed<'_, '_>, intake: &Intake) {
    let read = intake.companions.as_ref().map(|companions| companions.read_parts());
    for layout in &intake.layouts {
        let Some(files) = layout.files().filter(|files| read != Some(*files)) else { continue };
        let text = match read {
            None => format!(
                "\"{}\" reads the rows of {files} files as one; say with companion which files belong together.",
                layout.id
            ),
            Some(read) => format!(
                "\"{}\" reads the rows of {files} files as one, and companion names {read} that are read; expected as many.",
                layout.id
            ),
        };
        keyed.section.problem(if read.is_some() { "companion" } else { "layouts" }, text);
    }
    for layout in intake.layouts.iter().filter(|l| l.files().is_some() && matches!(l.encoding, Encoding::Utf16(_))) {
        let text = format!("\"{}\" is of UTF-16, in which rows of several files are not read as one.", layout.id);
        keyed.section.problem("layouts", text);
    }
}
