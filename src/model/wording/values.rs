//! The words for values, messages, totals and rows, whatever the syntax: where, what was found, what was expected, what
//! to do. Part of `wording`, cut off for its length.

use crate::model::diagnostic::{Place, Problem, shown};
use crate::model::kind::FieldType;
use crate::model::layout::form::moment::Pattern;
use crate::model::layout::form::{Check, Form, NumberShape, Shape, Wrong};
use crate::model::rules::identity;

const AGAIN: &str = "Correct it and drop the file again.";
/// So many words of a table are listed to a person.
const LISTED: usize = 12;

// --- Values, any syntax -------------------------------------------------------------------------------------------

/// A value that its form or type does not allow.
pub fn value_invalid(place: Place, field_type: Option<&FieldType>, form: &Form, found: &str, wrong: &Wrong) -> Problem {
    let found = shown(found);
    let (code, noun) = naming(field_type);
    match wrong {
        Wrong::NotListed => {
            let lookup = form.lookup.as_ref();
            let words = lookup.map(|l| list(&l.words())).unwrap_or_default();
            let code = if field_type == Some(&FieldType::Unit) { "unit-unknown" } else { "word-unknown" };
            let table = lookup.map_or("", |l| l.name.as_str());
            let text = format!(
                "\"{found}\" is not in the table \"{table}\"; expected one of: {words}. Correct it, or have the word added to the table."
            );
            Problem::new(code, place, text)
        }
        Wrong::TooLong { max, found: length } => Problem::new(
            "text-too-long",
            place,
            format!("\"{found}\" has {length} characters; expected at most {max}. Shorten it and drop the file again."),
        ),
        Wrong::NoMark => {
            let lacks = match (&form.after, &form.before) {
                (Some(after), Some(before)) => format!("\"{}\" with \"{}\" behind it", shown(after), shown(before)),
                (one, other) => format!("\"{}\"", shown(one.as_ref().or(other.as_ref()).map_or("", String::as_str))),
            };
            let text = format!("\"{found}\" has no {lacks}; expected a value with it. {AGAIN}");
            Problem::new("value-incomplete", place, text)
        }
        Wrong::NotLike => {
            let likes = [&form.matches, &form.take].into_iter().flatten();
            let likes: Vec<&str> = likes.map(|like| like.source()).collect();
            let text = format!("\"{found}\" does not look like {}; expected that. {AGAIN}", likes.join(" and "));
            Problem::new(code, place, text)
        }
        Wrong::Invisible(c) => Problem::new(
            "identifier-invalid",
            place,
            format!(
                "\"{found}\" holds {}, which no number has; expected it as a person would type it. {AGAIN}",
                identity::named(*c)
            ),
        ),
        Wrong::TooFine => Problem::new(
            code,
            place,
            format!("\"{found}\" has more decimals than can be kept; expected {}. {AGAIN}", expected(form)),
        ),
        Wrong::TooLarge => Problem::new(
            code,
            place,
            format!("\"{found}\" is too large for {noun}; expected {}. {AGAIN}", expected(form)),
        ),
        Wrong::Malformed => {
            let why = why_malformed(form, &found);
            Problem::new(code, place, format!("\"{found}\" is not {noun}{why}; expected {}. {AGAIN}", expected(form)))
        }
    }
}

/// What a person would not see at once: a day that the calendar lacks, the other decimal mark.
fn why_malformed(form: &Form, found: &str) -> String {
    match &form.shape {
        Shape::Date(patterns) | Shape::Instant(patterns) => {
            let lacking = patterns.iter().find_map(|pattern| pattern.impossible(found.trim()));
            lacking.map_or_else(String::new, |what| format!(": there is no such {what}"))
        }
        Shape::Number(number) => why_no_number(number, found),
        _ => String::new(),
    }
}

/// Of a text of digits and marks: which mark is the wrong one.
fn why_no_number(number: &NumberShape, found: &str) -> String {
    let is_digits = found.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+' | ' ' | '\''));
    let marks = found.chars().filter(|c| matches!(c, '.' | ',')).count();
    let between = |w: &[u8]| w[0].is_ascii_digit() && matches!(w[1], b' ' | b'\'') && w[2].is_ascii_digit();
    let is_grouped = marks < 2 && found.as_bytes().windows(3).any(between);
    if is_digits && is_grouped && number.thousands.is_none() {
        return ": nothing between the thousands is taken here".to_string();
    }
    if let Some(mark) = number.thousands.filter(|mark| is_digits && found.contains(*mark as char)) {
        let point = number.point as char;
        return format!(
            ": \"{}\" stands between thousands here, with three digits behind it, and decimals behind \"{point}\"",
            mark as char
        );
    }
    let is_plain = number.implied.is_none() && number.thousands.is_none() && !number.whole && number.scale > 0;
    if !is_digits || marks == 0 || !is_plain {
        return String::new();
    }
    let (point, named) = (number.point as char, if number.point == b',' { "a comma" } else { "a point" });
    if marks == 1 && !found.contains(point) {
        return format!(": decimals stand behind {named} here");
    }
    if marks > 1 {
        format!(": decimals stand behind {named} here, and no mark between the thousands")
    } else {
        String::new()
    }
}

fn naming(field_type: Option<&FieldType>) -> (&'static str, &'static str) {
    match field_type {
        Some(FieldType::Quantity) => ("quantity-invalid", "a quantity"),
        Some(FieldType::Price) => ("price-invalid", "a price"),
        Some(FieldType::Money) => ("amount-invalid", "an amount"),
        Some(FieldType::Percent) => ("percent-invalid", "a percentage"),
        Some(FieldType::Integer) => ("number-invalid", "a whole number"),
        Some(FieldType::Boolean) => ("flag-invalid", "a yes or no"),
        Some(FieldType::Date) => ("date-invalid", "a date"),
        Some(FieldType::Time) => ("time-invalid", "a time"),
        Some(FieldType::Instant) => ("instant-invalid", "a date with time"),
        Some(FieldType::Currency) => ("currency-invalid", "a currency"),
        Some(FieldType::Country) => ("country-invalid", "a country"),
        Some(FieldType::Choice(_)) => ("word-unknown", "a word known here"),
        _ => ("value-invalid", "a value known here"),
    }
}

fn expected(form: &Form) -> String {
    let patterns = |patterns: &[Pattern], what: &str| {
        let examples: Vec<String> = patterns.iter().map(Pattern::example).collect();
        format!("{what} like {}", examples.join(" or "))
    };
    match &form.shape {
        Shape::Number(number) => expected_number(number),
        Shape::Boolean { yes, no } => {
            let words: Vec<&str> = yes.iter().chain(no).map(String::as_str).filter(|w| !w.is_empty()).collect();
            format!("one of: {}", list(&words))
        }
        Shape::Date(p) => patterns(p, "a date"),
        Shape::Time(p) => patterns(p, "a time"),
        Shape::Instant(p) => patterns(p, "a date with time"),
        Shape::Text(Check::Currency) => "an ISO 4217 code like EUR".to_string(),
        Shape::Text(Check::Country) => "an ISO 3166 code of two letters like DE".to_string(),
        Shape::Text(Check::Choice(words)) => {
            format!("one of: {}", list(&words.iter().map(String::as_str).collect::<Vec<_>>()))
        }
        Shape::Text(Check::Any | Check::Identifier) => "text".to_string(),
    }
}

fn expected_number(number: &NumberShape) -> String {
    match (number.implied, if number.whole { 0 } else { number.scale }) {
        (Some(0), _) | (None, 0) => "a number without decimals like 25".to_string(),
        (Some(implied), _) => format!("digits alone, the last {implied} of them decimals, like 250"),
        _ => format!("a number like 2{}5", number.point as char),
    }
}

fn list(words: &[&str]) -> String {
    let mut text = words.iter().take(LISTED).map(|w| shown(w)).collect::<Vec<_>>().join(", ");
    if words.len() > LISTED {
        text.push_str(&format!(" … ({} in all)", words.len()));
    }
    text
}

pub fn value_missing(place: Place) -> Problem {
    Problem::new(
        "value-missing",
        place,
        "is empty or missing; expected a value. Fill it in and drop the file again.".to_string(),
    )
}

pub fn contradicts(place: Place, found: &str, before: &str) -> Problem {
    let text = format!(
        "\"{}\" contradicts \"{}\" given before for the same message; expected the same value on all of its rows. {AGAIN}",
        shown(found),
        shown(before)
    );
    Problem::new("head-contradicts", place, text)
}

pub fn expression_failed(place: Place, why: &str) -> Problem {
    Problem::new("value-invalid", place, format!("{why} Expected values that the layout can compute with. {AGAIN}"))
}

// --- Messages and the file, any syntax ----------------------------------------------------------------------------

pub fn group_missing(place: Place, group: &str) -> Problem {
    let text = format!("the message has no \"{group}\"; expected at least one. Add it and drop the file again.");
    Problem::new("record-missing", place, text)
}

pub fn record_missing(place: Place, record: &str) -> Problem {
    let text = format!("the message ends without its record \"{}\"; expected it at the end. {AGAIN}", shown(record));
    Problem::new("record-missing", place, text)
}

pub fn columns_twice(place: Place) -> Problem {
    let text = format!(
        "the columns of a record type are named anew here, and rows of one message stand on both sides; expected the same names. {AGAIN}"
    );
    Problem::new("layout-mismatch", place, text)
}

pub fn head_missing(place: Place, record: &str) -> Problem {
    let text =
        format!("no record \"{}\" has the key of this row; expected one in the same file. {AGAIN}", shown(record));
    Problem::new("record-missing", place, text)
}

pub fn message_too_large(place: Place, limit_mib: usize) -> Problem {
    let text = format!(
        "one message is larger than {limit_mib} MiB; expected less. Split it into several and drop them again."
    );
    Problem::new("message-too-large", place, text)
}

pub fn total_mismatch(place: Place, what: &str, found: &str, counted: &str) -> Problem {
    let text = format!(
        "says {} for {what}, but there are {counted}; expected both to be the same. Check whether something is missing, correct it and drop the file again.",
        shown(found)
    );
    Problem::new("total-mismatch", place, text)
}

pub fn number_mismatch(place: Place, found: &str, expected: u64) -> Problem {
    let text = format!(
        "\"{}\" is out of sequence; expected {expected}. Check whether a record is missing, correct it and drop the file again.",
        shown(found)
    );
    Problem::new("sequence-broken", place, text)
}

pub fn constant_mismatch(place: Place, found: &str, expected: &str) -> Problem {
    Problem::new(
        "layout-mismatch",
        place,
        format!(
            "\"{}\" was found; expected \"{}\". Send the file in the agreed layout.",
            shown(found),
            shown(expected)
        ),
    )
}

/// `what` came, like `X12 810`; `why` is what the layout missed in it, where it looked.
pub fn layout_foreign(what: &str, title: &str, why: &str) -> Problem {
    let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
    let text = format!(
        "the file is {what}; expected \"{}\"{why}. Send the agreed layout, or have a layout added for this one.",
        shown(title)
    );
    Problem::new("layout-mismatch", Place::default(), text)
}

pub fn version_mismatch(place: Place, found: &str, expected: &str) -> Problem {
    let text = format!(
        "the file says version \"{}\"; expected \"{}\". Send that version, or have a layout added for yours.",
        shown(found),
        shown(expected)
    );
    Problem::new("version-mismatch", place, text)
}

pub fn deletion_not_taken(place: Place, found: &str) -> Problem {
    let text = format!(
        "\"{}\" says that this is deleted, and only what there is is taken here. Send a full file without it, or take the row out.",
        shown(found)
    );
    Problem::new("deletion-not-taken", place, text)
}

pub fn file_misnamed(place: Place, found: &str, expected: &str) -> Problem {
    let text = format!(
        "the file is called \"{}\"; expected a name like \"{expected}\". Rename it and drop it again.",
        shown(found)
    );
    Problem::new("file-name-invalid", place, text)
}

pub fn file_truncated(place: Place, missing: &str) -> Problem {
    let text = format!("the file ends without {missing}; expected it at the end. Send the file again, whole.");
    Problem::new("file-truncated", place, text)
}

/// Another interchange begins where the one before has no end.
pub fn record_missing_before(place: Place, record: &str) -> Problem {
    let text = format!(
        "a new head stands here, and the part before it ends without its record \"{}\"; expected that first, or one head. Look for a doubled head or a part that is cut, and drop the file again.",
        shown(record)
    );
    Problem::new("file-truncated", place, text)
}

pub fn file_empty() -> Problem {
    let text = "the file holds no message; expected at least one. Send the file again, with its content.";
    Problem::new("file-empty", Place::default(), text.to_string())
}

pub fn encoding_invalid(place: Place, encoding: &str, byte: u8, at: u64) -> Problem {
    let text = format!(
        "the byte {byte:#04x} at offset {at} is not a character in {encoding}; expected {encoding} throughout. Save the file in {encoding} and drop it again."
    );
    Problem::new("encoding-invalid", place, text)
}

/// UTF-8 where a code page was agreed: it could be read, and every letter beyond ASCII would be two wrong ones.
pub fn utf8_unexpected(place: Place, encoding: &str, letter: char) -> Problem {
    let text = format!(
        "the letters beyond ASCII, like \"{letter}\", are in UTF-8; expected {encoding}. Save the file in {encoding} and drop it again, or have the layout say encoding = \"utf-8\"."
    );
    Problem::new("encoding-invalid", place, text)
}

/// Half of a pair of UTF-16 without the other.
pub fn character_halved(place: Place, half: u16, at: u64) -> Problem {
    let text = format!(
        "the two bytes at offset {at} are half of a character of UTF-16 ({half:#06x}), and its other half does not stand beside it; expected whole characters. Correct the value and drop the file again."
    );
    Problem::new("encoding-invalid", place, text)
}

/// Nothing but a mark or a zero in every second byte shows it.
pub fn utf16_unexpected(encoding: &str) -> Problem {
    let text = format!(
        "the file is in UTF-16; expected {encoding}. Save the file in {encoding} and drop it again, or have the layout say encoding = \"utf-16\"."
    );
    Problem::new("encoding-invalid", Place { line: 1, ..Place::default() }, text)
}

pub fn utf16_missing(encoding: &str) -> Problem {
    let text = format!(
        "the file begins with one byte a character; expected {encoding}, two bytes a character. Save the file in {encoding} and drop it again, or have the layout say another encoding."
    );
    Problem::new("encoding-invalid", Place { line: 1, ..Place::default() }, text)
}

// --- Rows: delimited and fixed width ------------------------------------------------------------------------------

/// The header does not fit; `difference` lists what is missing and what is not known.
pub fn header_mismatch(place: Place, difference: &str) -> Problem {
    let text = format!(
        "the header line does not fit the agreed layout: {difference}. Nothing was read by position. Send the agreed columns."
    );
    Problem::new("layout-mismatch", place, text)
}

/// A layout without a heading, and a first line of words. `found` stands where `wanted` is expected.
pub fn heading_unexpected(place: Place, line: &str, found: &str, wanted: &str) -> Problem {
    let text = format!(
        "the first line looks like a heading: \"{}\" has the word \"{}\" where {wanted} is expected; expected values from the first line on. Leave the heading out, or have the layout say header = \"required\".",
        shown(line),
        shown(found)
    );
    Problem::new("layout-mismatch", place, text)
}

pub fn first_line_mismatch(place: Place, found: &str, expected: &str) -> Problem {
    let text =
        format!("the first line is \"{}\"; expected \"{}\". Send the agreed layout.", shown(found), shown(expected));
    Problem::new("layout-mismatch", place, text)
}

pub fn columns_wrong(place: Place, found: usize, expected: &str, delimiter: u8) -> Problem {
    let delimiter = match delimiter {
        b'\t' => "tab".to_string(),
        other => format!("\"{}\"", other as char),
    };
    let text = format!(
        "the row has {found} column{}; expected {expected}, with a {delimiter} between them. Look for a missing or additional one, correct it and drop the file again.",
        if found == 1 { "" } else { "s" }
    );
    Problem::new("columns-wrong", place, text)
}

/// `like` is a line of the right form.
pub fn tag_unknown(place: Place, found: &str, like: &str) -> Problem {
    let text = format!(
        "\"{}\" has a tag that is not known here; expected one of the agreed tags, in a line like \"{}\". {AGAIN}",
        shown(found),
        shown(like)
    );
    Problem::new("record-unknown", place, text)
}

pub fn tag_twice(place: Place, found: &str) -> Problem {
    let text = format!("\"{}\" repeats a tag of its block; expected each tag once. {AGAIN}", shown(found));
    Problem::new("value-repeated", place, text)
}

pub fn tag_misplaced(place: Place, found: &str, record: &str) -> Problem {
    let text = format!(
        "\"{}\" does not belong to the block \"{}\"; expected it behind its own marker line. {AGAIN}",
        shown(found),
        shown(record)
    );
    Problem::new("record-misplaced", place, text)
}

pub fn row_in_doubt(place: Place) -> Problem {
    let text = "a row before this one could not be read and may belong to this message. Correct that row and drop the file again.";
    Problem::new("row-in-doubt", place, text.to_string())
}

pub fn columns_unnamed(place: Place, record: &str) -> Problem {
    let text = format!(
        "no row before this one names the columns of \"{}\" rows; expected one. Send the agreed layout.",
        shown(record)
    );
    Problem::new("layout-mismatch", place, text)
}

pub fn quote_unclosed(place: Place, column: usize) -> Problem {
    let text = format!(
        "the quote that opens value {column} of this row is never closed; expected a closing quote before the next delimiter. {AGAIN}"
    );
    Problem::new("quote-invalid", place, text)
}

pub fn quote_misplaced(place: Place, column: usize) -> Problem {
    let text = format!(
        "value {column} of this row goes on behind its closing quote; expected a delimiter there, and quotes inside a value doubled. {AGAIN}"
    );
    Problem::new("quote-invalid", place, text)
}

pub fn record_too_long(place: Place, limit: usize) -> Problem {
    let text = format!(
        "the record is longer than {limit} bytes and was skipped; expected less. Look for a missing line end or quote. {AGAIN}"
    );
    Problem::new("record-too-long", place, text)
}

pub fn width_wrong(place: Place, found: usize, expected: usize) -> Problem {
    let text = format!("the record has {found} characters; expected {expected}. {AGAIN}");
    Problem::new("record-width", place, text)
}

/// `columns`: characters of the value's columns; `of`: found and expected characters of the record.
pub fn value_cut_off(place: Place, found: &str, columns: usize, (width, whole): (usize, usize)) -> Problem {
    let has = found.chars().count();
    let text = format!(
        "\"{}\" is not all of this value: the record ends after {width} of its {whole} characters, {has} of {columns} of this value; expected all {columns}, since only blanks behind a text may be left out. Look whether the line was cut, and drop the file again.",
        shown(found)
    );
    Problem::new("record-width", place, text)
}

/// `at`: which character of the record.
pub fn tab_between_columns(place: Place, at: usize) -> Problem {
    let text = format!(
        "character {at} of the record is a tab; expected blanks, since the columns of this record are counted in characters. Have the tabs replaced and drop the file again."
    );
    Problem::new("character-invalid", place, text)
}

pub fn nul_byte(place: Place) -> Problem {
    let text =
        format!("the record holds a NUL byte; expected text. Look whether the file was damaged on its way. {AGAIN}");
    Problem::new("character-invalid", place, text)
}

pub fn record_unknown(place: Place, found: &str, known: &[&str]) -> Problem {
    if found.is_empty() {
        let text = format!("the record does not say its type; expected one of: {}. {AGAIN}", list(known));
        return Problem::new("record-unknown", place, text);
    }
    let text =
        format!("\"{}\" is not a record type known here; expected one of: {}. {AGAIN}", shown(found), list(known));
    Problem::new("record-unknown", place, text)
}

/// No record has a tag: what tells them apart are conditions.
pub fn record_unlike(place: Place, known: &[&str]) -> Problem {
    let text = format!("the row is like none of the records known here; expected one of: {}. {AGAIN}", list(known));
    Problem::new("record-unknown", place, text)
}

pub fn record_misplaced(place: Place, record: &str, after: &str) -> Problem {
    let text = format!(
        "the record \"{}\" stands without a \"{}\" before it; expected it behind one. {AGAIN}",
        shown(record),
        shown(after)
    );
    Problem::new("record-misplaced", place, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::layout::form::read_form;

    #[test]
    fn a_bad_quantity_reads_as_a_person_would_say_it() {
        let form = read_form("decimal", Some(&FieldType::Quantity), &[]).unwrap();
        let place = Place { line: 14, byte: 0, field: "qty".into(), ..Place::default() };
        let problem = value_invalid(place, Some(&FieldType::Quantity), &form, "2,5x", &Wrong::Malformed);
        assert_eq!(
            problem.to_string(),
            "line 14, \"qty\": \"2,5x\" is not a quantity; expected a number like 2.5. Correct it and drop the file again."
        );
        assert_eq!(problem.code, "quantity-invalid");
    }

    #[test]
    fn what_is_expected_follows_the_form() {
        let text = |form: &str, t: FieldType| expected(&read_form(form, Some(&t), &[]).unwrap());
        assert_eq!(text("decimal point=,", FieldType::Price), "a number like 2,5");
        assert_eq!(text("date %d.%m.%Y", FieldType::Date), "a date like 31.03.2026");
        assert_eq!(text("boolean J/N", FieldType::Boolean), "one of: J, N");
        assert_eq!(text("decimal implied=2", FieldType::Price), "digits alone, the last 2 of them decimals, like 250");
    }
}
