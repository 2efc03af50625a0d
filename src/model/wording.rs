//! The words for everything that can be wrong with a partner's file. Problems are built only here, so that they stay
//! alike: what was found, what was expected, what to do; the place is printed before them.

pub mod answering;
mod companions;
pub mod deletion;
pub mod edifact;
pub mod guard;
pub mod judging;
pub mod manifest;
pub mod problems;
pub mod registering;
pub mod requests;
mod values;
pub mod workbook;

use super::diagnostic::{Place, Problem, shown};

pub use companions::*;
pub use values::*;

/// The code of every reason, for whoever asks by one.
pub const CODES: [&str; 106] = [
    "already-registered",
    "amount-invalid",
    "archive-damaged",
    "archive-limit",
    "archive-not-taken",
    "article-ambiguous",
    "article-missing",
    "article-unknown",
    "came-back",
    "cell-invalid",
    "change-empty",
    "change-gap",
    "change-older",
    "change-too-late",
    "change-unfit",
    "character-invalid",
    "check-digit-wrong",
    "code-unlisted",
    "columns-wrong",
    "companion-invalid",
    "companion-missing",
    "content-changed",
    "content-invalid",
    "content-mismatch",
    "content-missing",
    "country-invalid",
    "crashed-while-reading",
    "currency-invalid",
    "customer-ambiguous",
    "customer-missing",
    "customer-not-yours",
    "customer-unknown",
    "date-implausible",
    "date-invalid",
    "deletion-key",
    "deletion-not-taken",
    "deletion-not-yours",
    "deletion-unknown",
    "element-unknown",
    "encoding-invalid",
    "file-empty",
    "file-name-invalid",
    "file-too-large",
    "file-truncated",
    "flag-invalid",
    "guard-behind",
    "guard-locked",
    "head-contradicts",
    "identifier-invalid",
    "ignored",
    "instant-invalid",
    "internal-error",
    "json-invalid",
    "layout-ambiguous",
    "layout-mismatch",
    "line-number-duplicate",
    "message-not-taken",
    "message-too-large",
    "number-invalid",
    "numbers-used-up",
    "order-ambiguous",
    "order-unknown",
    "password-sent",
    "pdf-active",
    "pdf-ambiguous",
    "pdf-changed",
    "pdf-encrypted",
    "pdf-invalid",
    "pdf-late",
    "pdf-missing",
    "pdf-orphan",
    "pdf-pages",
    "percent-invalid",
    "price-invalid",
    "quantity-invalid",
    "quote-ambiguous",
    "quote-differs",
    "quote-expired",
    "quote-invalid",
    "quote-ordered",
    "quote-unknown",
    "record-misplaced",
    "record-missing",
    "record-too-long",
    "record-unknown",
    "record-width",
    "registration-ambiguous",
    "registration-incomplete",
    "registration-unknown",
    "row-in-doubt",
    "sequence-broken",
    "text-too-long",
    "time-invalid",
    "total-mismatch",
    "unit-unknown",
    "value-incomplete",
    "value-invalid",
    "value-missing",
    "value-repeated",
    "version-mismatch",
    "waits-behind",
    "word-unknown",
    "xml-doctype",
    "xml-entity",
    "xml-invalid",
    "xml-limit",
];

// XML documents.

const NOT_XML: &str = "The file is not a valid XML document";

pub fn xml_broken_markup(place: Place, found: &str) -> Problem {
    invalid(place, format!("\"{}\" is not a tag. {NOT_XML}; write < in texts as &lt; and send it again.", shown(found)))
}

pub fn xml_broken_attribute(place: Place, what: &str) -> Problem {
    invalid(
        place,
        format!(
            "an attribute of this element is wrong ({}). {NOT_XML}; expected name=\"value\", each name once, < and & written as &lt; and &amp;.",
            shown(what)
        ),
    )
}

pub fn xml_unclosed_quote(place: Place) -> Problem {
    invalid(
        place,
        format!(
            "the quote of an attribute of this element is not closed. {NOT_XML}; close the quote and send it again."
        ),
    )
}

pub fn xml_wrong_end(place: Place, found: &str, expected: Option<&str>) -> Problem {
    let expected = match expected {
        Some(name) => format!("expected </{}>", shown(name)),
        None => "no element is open here".to_string(),
    };
    invalid(
        place,
        format!("</{}> closes nothing; {expected}. {NOT_XML}; correct the tags and send it again.", shown(found)),
    )
}

pub fn xml_text_outside(place: Place, found: &str) -> Problem {
    invalid(
        place,
        format!("\"{}\" stands outside the root element. {NOT_XML}; remove it and send the file again.", shown(found)),
    )
}

pub fn xml_second_root(place: Place, found: &str) -> Problem {
    invalid(
        place,
        format!(
            "a second root element <{}> begins. An XML file has one; send two documents as two files.",
            shown(found)
        ),
    )
}

pub fn xml_late_declaration(place: Place) -> Problem {
    invalid(place, "the XML declaration <?xml …?> must be the very first thing in the file and stand there once. Remove what is before it (also blank lines) and send the file again.".into())
}

pub fn xml_prefix_undeclared(place: Place, prefix: &str) -> Problem {
    invalid(
        place,
        format!(
            "the prefix \"{0}:\" was never declared; expected xmlns:{0}=\"…\" on this element or around it.",
            shown(prefix)
        ),
    )
}

pub fn xml_control_character(place: Place, found: char) -> Problem {
    let text = format!(
        "a control character (U+{:04X}) stands here, which XML does not allow. Remove it and send the file again.",
        found as u32
    );
    invalid(place, text)
}

pub fn xml_lone_ampersand(place: Place) -> Problem {
    invalid(place, format!("an & stands alone. {NOT_XML}; write it as &amp; and send it again."))
}

fn invalid(place: Place, text: String) -> Problem {
    Problem::new("xml-invalid", place, text)
}

pub fn xml_empty(place: Place) -> Problem {
    Problem::new(
        "file-empty",
        place,
        "the file holds no XML element. Expected a document with one root element; send it again.".into(),
    )
}

pub fn xml_entity(place: Place, name: &str) -> Problem {
    let text = format!(
        "the entity &{}; is not taken: only &amp; &lt; &gt; &quot; &apos; and numbers of allowed characters (&#228;) are. Write the character itself.",
        shown(name)
    );
    Problem::new("xml-entity", place, text)
}

pub fn xml_doctype(place: Place) -> Problem {
    Problem::new("xml-doctype", place, "a document type that declares something itself (<!DOCTYPE … [ … ]>) is not taken, since it can make a small file huge. Leave out what stands in the brackets and send the file again.".into())
}

pub fn xml_too_deep(place: Place, limit: usize) -> Problem {
    Problem::new(
        "xml-limit",
        place,
        format!(
            "elements stand in each other more than {limit} deep, which no message is. Check the program that wrote the file."
        ),
    )
}

pub fn xml_tag_too_long(place: Place) -> Problem {
    Problem::new("xml-limit", place, "a tag here is longer than is taken (64 KiB in all, 256 attributes, 256 bytes a name). Check the program that wrote the file, and whether a quote was left open.".into())
}

pub fn xml_truncated(place: Place, open: &str) -> Problem {
    let text = match open {
        "" => "the file ends in the middle of a tag. Send it again whole.".to_string(),
        path => format!(
            "the file ends here, but <{}> is still open. It was cut off; send it again whole.",
            path.rsplit('/').next().unwrap_or(path)
        ),
    };
    Problem::new("file-truncated", place, text)
}

pub fn xml_encoding(place: Place) -> Problem {
    Problem::new("encoding-invalid", place, "the bytes here are no text in the file's encoding. Expected what the XML declaration says (UTF-8 where it says nothing); correct the declaration or the program that writes the file.".into())
}

pub fn encoding_unknown(label: &str) -> Problem {
    let text = format!(
        "the encoding \"{}\" is not taken; expected UTF-8, UTF-16, or one with one byte a character, like ISO-8859-1 or windows-1252.",
        shown(label)
    );
    Problem::new("encoding-invalid", Place { line: 1, ..Place::default() }, text)
}

// Messages as JSON lines.

/// `found`: from where on it cannot be read; nothing where the line ended too early.
pub fn json_invalid(place: Place, column: usize, found: Option<&str>) -> Problem {
    let found = match found {
        Some(found) => format!("is no JSON from column {column} on, where \"{}\" stands", shown(found)),
        None => "ends before it is complete: a quote, bracket or brace is not closed".to_string(),
    };
    json(
        place,
        format!(
            "this line {found}. Expected one message a line, as `decode` writes them; look for a missing quote, comma or brace."
        ),
    )
}

pub fn json_not_object(place: Place) -> Problem {
    json(place, "expected an object in braces, {\"field\": value, …}.".into())
}

pub fn json_unknown(place: Place, hint: Option<String>) -> Problem {
    json(
        place,
        format!(
            "this name is not known here. {}",
            hint.unwrap_or_else(|| "Put fields of your own under \"extra\".".into())
        ),
    )
}

pub fn json_missing(place: Place) -> Problem {
    json(place, "it is missing or empty, and must be there.".into())
}

pub fn json_value(place: Place, found: &str, expected: &str) -> Problem {
    json(place, format!("{} is not taken; expected {expected}.", shown(found)))
}

fn json(place: Place, text: String) -> Problem {
    Problem::new("json-invalid", place, text)
}

// XML by a layout.

pub fn xml_wrong_root(place: Place, found: &str, expected: &str) -> Problem {
    let text = format!(
        "the root element is <{}>; expected <{}>. Send the agreed layout, or have a layout added for this one.",
        shown(found),
        shown(expected)
    );
    Problem::new("layout-mismatch", place, text)
}

pub fn xml_unknown(place: Place, found: &str) -> Problem {
    let text = format!(
        "{} is not known here, so that it would be lost. Look for a misspelt name, or leave it out.",
        shown(found)
    );
    Problem::new("layout-mismatch", place, text)
}

pub fn xml_name_unknown(place: Place, found: &str, near: Option<&str>) -> Problem {
    let near = near.map_or_else(String::new, |near| format!(" {near}"));
    let text = format!(
        "<{}> is not an element of its namespace in the standard.{near} Correct the name and drop the file again.",
        shown(found)
    );
    Problem::new("element-unknown", place, text)
}

pub fn code_unlisted(place: Place, found: &str, name: &str, known: &str) -> Problem {
    let text = format!(
        "\"{}\" is not a code of {}; expected one of: {known}. Correct it and drop the file again.",
        shown(found),
        shown(name)
    );
    Problem::new("code-unlisted", place, text)
}

pub fn joined_too_large(place: Place, limit_mib: usize) -> Problem {
    let text = format!(
        "what is to be joined by its key takes more than {limit_mib} MiB up to here; expected less. Send it in several files."
    );
    Problem::new("file-too-large", place, text)
}

pub fn xml_repeated(place: Place, found: &str, first: &str) -> Problem {
    let text = format!(
        "\"{}\" stands here, but \"{}\" stood in the same place before; expected it once. Remove one of them and drop the file again.",
        shown(found),
        shown(first)
    );
    Problem::new("value-repeated", place, text)
}

/// A value of every message stands behind some of them, so that those would lack it.
pub fn xml_late(place: Place) -> Problem {
    let text = "this belongs to all messages and stands behind the first of them; expected it before them. Move it up and send the \
                file again.";
    Problem::new("record-misplaced", place, text.to_string())
}

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn every_code_that_is_told_is_listed() {
        assert!(CODES.is_sorted());
        let sources = [
            include_str!("wording.rs"),
            include_str!("wording/judging.rs"),
            include_str!("wording/registering.rs"),
            include_str!("wording/values.rs"),
        ];
        // Written so that it does not find itself.
        let mark = format!("Problem::{}(", "new");
        let made = sources.iter().flat_map(|text| text.split(mark.as_str()).skip(1));
        let codes: Vec<&str> = made
            .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once("\","))
            .map(|(code, _)| code)
            .collect();
        assert!(codes.len() > 40, "{codes:?}");
        let missing: Vec<&&str> = codes.iter().filter(|code| !CODES.contains(code)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
