//! Whose rows a full file closes beside its own: intakes of the same partner that bring changes of them. Asked once all of the
//! partner's intakes are read.

use std::sync::Arc;

use crate::model::document::{Section, suggest};
use crate::model::intake::{Absent, Intake};

const KEY: &str = "closes";

pub(super) fn check(section: &Section<'_>, intake: &Intake, intakes: &[Arc<Intake>]) {
    if intake.closes.is_empty() {
        return;
    }
    if intake.absent == Absent::Leave {
        section.problem(KEY, "says nothing without absent = \"close\"; add it, or take this out.");
    }
    for spot in section.texts(KEY).unwrap_or_default() {
        let name = &spot.value[..];
        let others: Vec<&str> =
            intakes.iter().filter(|other| other.id != intake.id).map(|other| &other.id[..]).collect();
        let (text, nearest) = match intakes.iter().find(|other| other.id == name) {
            Some(other) if other.id == intake.id => {
                ("an intake closes its own rows anyway; name those that bring changes of them.".to_string(), None)
            }
            Some(other) if share_no_kind(intake, other) => (
                format!(
                    "the intake \"{name}\" takes other kinds than this one, so there is nothing to close. Take it out."
                ),
                None,
            ),
            Some(_) => continue,
            None => (
                format!("there is no intake \"{name}\" of this partner; expected one of: {}.", others.join(", ")),
                suggest(name, &others),
            ),
        };
        section.problem_at(spot.span, KEY, text, nearest);
    }
}

fn share_no_kind(a: &Intake, b: &Intake) -> bool {
    let is_there = |kind: &str| b.layouts.iter().any(|layout| layout.kind.name == kind);
    !a.layouts.iter().any(|layout| is_there(&layout.kind.name))
}
