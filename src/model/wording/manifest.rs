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

/// Before its time is over, and after it.
pub fn content_missing(place: Place, file_name: &str) -> Problem {
    let text = format!(
        "the file \"{}\" is not there yet; the document is taken when it comes. Send it into the same folder, under this name.",
        shown(file_name)
    );
    Problem::new("content-missing", place, text)
}

pub fn content_never(file_name: &str) -> Problem {
    let text = format!(
        "the file \"{}\" did not come within the time its manifest may wait. Send the file, then the manifest again.",
        shown(file_name)
    );
    Problem::new("content-missing", Place::default(), text)
}

pub fn content_mismatch(place: Place, what: &str, (said, found): (&str, &str)) -> Problem {
    let text = format!(
        "{what} is {} as the manifest says, and {} as the file has it; nothing of the document was taken. Send the file that is meant, then the manifest again, or correct the manifest.",
        shown(said),
        shown(found)
    );
    Problem::new("content-mismatch", place, text)
}

pub fn content_empty(name: &str) -> Problem {
    let text = format!("\"{}\" is empty; expected the bytes of a document. Send the file again.", shown(name));
    Problem::new("content-invalid", Place::default(), text)
}

pub fn content_no_such(name: &str, promised: &str, found: &str) -> Problem {
    let found = if found.is_empty() { "begins as none of that type does" } else { found };
    let text = format!(
        "\"{}\" is {promised} by its name, and {found}; expected bytes that begin as such a file does. Send the file that is meant, or give it the ending that it has.",
        shown(name)
    );
    Problem::new("content-invalid", Place::default(), text)
}

pub fn file_name_unsafe(place: Place, found: &str) -> Problem {
    let text = format!(
        "\"{}\" is no name of a file beside the manifest; expected a plain name without folders, like sheet.pdf. Correct it.",
        shown(found)
    );
    Problem::new(CODE, place, text)
}
