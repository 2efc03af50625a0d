//! `contents` of an intake: documents come with their bytes, and these files are the bytes.

use std::sync::Arc;
use std::time::Duration;

use super::keyed::{Keyed, parse_duration};
use crate::model::intake::{AsOf, Intake, Originals};
use crate::model::rules::contents::Contents;

const KIND: &str = "document";
const LEAST_WITHIN: Duration = Duration::from_secs(1);
const MOST_WITHIN: Duration = Duration::from_secs(90 * 86_400);

pub fn read(keyed: &Keyed<'_, '_>) -> Option<Arc<Contents>> {
    let names: Vec<String> = keyed.list("contents").into_iter().map(|name| name.value).collect();
    let within = keyed.value("contents_within", parse_duration(LEAST_WITHIN, MOST_WITHIN));
    if !names.is_empty() {
        return Some(Arc::new(Contents { names, within }));
    }
    if keyed.has("contents_within") {
        keyed.section.problem("contents_within", "says nothing without contents; add it, or take this out.");
    }
    None
}

/// What else the intake says may not be in the way of bytes that stand as originals of files of their own.
pub fn check(keyed: &Keyed<'_, '_>, intake: &Intake) {
    if intake.contents.is_none() {
        return;
    }
    for layout in intake.layouts.iter().filter(|layout| layout.kind.name != KIND) {
        let text = format!(
            "\"{}\" reads {}, and only documents have such files; take it out, or give that kind an intake of its own.",
            layout.id, layout.kind.name
        );
        keyed.section.problem("contents", text);
    }
    let in_the_way = [
        (
            !matches!(intake.originals, Originals::Keep { .. }),
            "originals are kept for so many days (originals = \"keep 90 d\"): the bytes are such originals, as they came",
        ),
        (
            intake.as_of != AsOf::FirstSeen,
            "the moment is the one of coming (no as_of): the names of these files are their own",
        ),
        (intake.companions.is_some(), "there is no companion: each of these files comes for itself"),
        (intake.unzip, "unzip is false: what an archive holds is no file of its own"),
    ];
    for (_, expected) in in_the_way.iter().filter(|(is_so, _)| *is_so) {
        keyed
            .section
            .problem("contents", format!("cannot be beside what else this intake says; expected that {expected}."));
    }
}
