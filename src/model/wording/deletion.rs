//! Words for deletions that name nothing that could be deleted.

use crate::model::diagnostic::{Place, Problem, shown};
use crate::model::rules::deletion::NoKey;

pub fn no_key(place: Place, kind: &str, why: &NoKey) -> Problem {
    Problem::new(
        "deletion-key",
        place,
        format!("{why}. Nothing of the kind {kind} was deleted. Correct the key, or say older_than to clean up."),
    )
}

pub fn unknown(place: Place, kind: &str, key: &str) -> Problem {
    Problem::new(
        "deletion-unknown",
        place,
        format!(
            "nothing of the kind {kind} was ever known as \"{}\", so nothing was deleted. Is the key right?",
            shown(key)
        ),
    )
}

pub fn not_yours(place: Place, kind: &str, key: &str, partner: &str) -> Problem {
    Problem::new(
        "deletion-not-yours",
        place,
        format!(
            "\"{}\" of the kind {kind} is what another partner said last, and {partner} deletes only what he said himself; nothing was deleted. \
             Have it deleted by who sends it.",
            shown(key)
        ),
    )
}

pub fn newer(place: Place, kind: &str, key: &str) -> Problem {
    Problem::new(
        "stale",
        place,
        format!("\"{}\" of the kind {kind} was said again after this deletion, so it stays.", shown(key)),
    )
}
