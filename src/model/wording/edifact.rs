//! The words for EDIFACT files: their envelopes, segments and dates. Part of `wording`, cut off for its length.

use crate::model::diagnostic::{Place, Problem, shown};

const AGAIN: &str = "Correct it and drop the file again.";

/// A message of another type in an interchange that is read.
pub fn message_foreign(place: Place, found: &str, expected: &str) -> Problem {
    let text = format!(
        "EDIFACT {}: not accepted here; expected {expected}. Send it where such messages are taken, or leave it out.",
        shown(found)
    );
    Problem::new("message-not-taken", place, text)
}

pub fn not_edifact(place: Place, found: &str) -> Problem {
    let text = format!(
        "the file begins with \"{}\"; expected an EDIFACT file, which begins with UNA, UNB or UNH. Send the file in the agreed layout.",
        shown(found)
    );
    Problem::new("layout-mismatch", place, text)
}

pub fn una_broken(place: Place, found: &str) -> Problem {
    let text = format!(
        "the service string is \"{}\"; expected UNA and six marks that differ, like UNA:+.? '. {AGAIN}",
        shown(found)
    );
    Problem::new("layout-mismatch", place, text)
}

pub fn envelope_invalid(place: Place, found: &str, expected: &str) -> Problem {
    let text = format!("\"{}\" was found; expected {expected}. {AGAIN}", shown(found));
    Problem::new("layout-mismatch", place, text)
}

pub fn segment_too_long(place: Place, limit: usize) -> Problem {
    let text = format!(
        "no segment terminator stands within {limit} bytes; expected segments shorter than that. Look for a missing terminator or a wrong UNA. {AGAIN}"
    );
    Problem::new("record-too-long", place, text)
}

/// A segment where none of its kind can stand.
pub fn segment_misplaced(place: Place, found: &str, expected: &str) -> Problem {
    let text = format!("the segment \"{}\" stands outside of a message; expected {expected}. {AGAIN}", shown(found));
    Problem::new("record-misplaced", place, text)
}

pub fn segment_unknown(place: Place, found: &str) -> Problem {
    let text = format!(
        "the segment \"{}\" is not one that the agreed layout knows at this place; expected none. Leave it out, or have it added to the layout.",
        shown(found)
    );
    Problem::new("record-unknown", place, text)
}

/// What stands where a segment begins cannot be one.
pub fn tag_invalid(place: Place, found: &str) -> Problem {
    let text = format!(
        "\"{}\" stands where a segment begins; expected its three letters, like BGM, right behind the end of the one before. Correct it and drop the file again.",
        shown(found)
    );
    Problem::new("record-unknown", place, text)
}

pub fn message_unclosed(place: Place) -> Problem {
    let text = format!("the message ends without its segment UNT; expected it at the end. {AGAIN}");
    Problem::new("record-missing", place, text)
}

pub fn envelope_missing(place: Place) -> Problem {
    let text = format!("the message stands without UNB before it; expected it in an interchange. {AGAIN}");
    Problem::new("record-misplaced", place, text)
}

/// Syntax version 4: an element that the layout reads is there several times.
pub fn element_repeated(place: Place, mark: u8) -> Problem {
    let mark = mark as char;
    let text = format!(
        "the element is repeated: \"{mark}\" separates several of them in syntax version 4; expected one. Send one, or \"?{mark}\" where the mark belongs to the text."
    );
    Problem::new("value-repeated", place, text)
}

/// A date that is not what its format says.
pub fn date_invalid(place: Place, found: &str, format: &str) -> Problem {
    let expected = match format {
        "" => "a date and its format, like 20260331:102".to_string(),
        "101" => "a date like 260331, as the format 101 says".to_string(),
        "102" => "a date like 20260331, as the format 102 says".to_string(),
        "201" => "a date and time like 2603311730, as the format 201 says".to_string(),
        "203" => "a date and time like 202603311730, as the format 203 says".to_string(),
        "204" => "a date and time like 20260331173000, as the format 204 says".to_string(),
        other => format!("one of the formats 101, 102, 201 to 205, 303 and 304, not \"{}\"", shown(other)),
    };
    // As many digits as the format has, and still no date: the calendar or the clock lacks it.
    let digits = match format {
        "101" => 6,
        "102" => 8,
        "201" => 10,
        "203" => 12,
        "204" => 14,
        _ => 0,
    };
    let is_whole = found.len() == digits && found.bytes().all(|b| b.is_ascii_digit());
    let why = match (is_whole, digits) {
        (true, 6 | 8) => ": there is no such day",
        (true, _) => ": there is no such day or time",
        _ => "",
    };
    Problem::new(
        "date-invalid",
        place,
        format!("\"{}\" is not a date{why}; expected {expected}. {AGAIN}", shown(found)),
    )
}
