//! Words for what a manifest says of a document and what cannot be.

use crate::model::diagnostic::{Place, Problem, shown};

const CODE: &str = "value-invalid";

pub fn hash_invalid(place: Place, found: &str) -> Problem {
    let text = format!(
        "\"{}\" is not a SHA-256; expected 64 hexadecimal digits. Send the SHA-256 of the file, or leave it out.",
        shown(found)
    );
    Problem::new(CODE, place, text)
}

pub fn revision_older(place: Place, sent: &str, known: &str) -> Problem {
    let text = format!(
        "revision \"{}\" is older than \"{}\", which is known, so nothing was written. Send a newer revision, delete the newer one, or have this one taken all the same (retry --overrule).",
        shown(sent),
        shown(known)
    );
    Problem::new("stale", place, text)
}

pub fn size_negative(place: Place, found: i64) -> Problem {
    let text =
        format!("{found} is below 0, which no file has; expected 0 or more. Correct the number, or leave it out.");
    Problem::new(CODE, place, text)
}

pub fn validity_ends_first(place: Place, begins: &str, ends: &str) -> Problem {
    let text = format!(
        "it is valid up to {} and from {} on only, so never; expected a last day that is not before the first. Correct one of them.",
        shown(ends),
        shown(begins)
    );
    Problem::new(CODE, place, text)
}
