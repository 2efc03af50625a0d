//! The form of a column: how its values are read into the field that it was given.

use super::content::{Content, content};
use crate::model::kind::{Field, FieldType};

/// Names of countries in the languages that partners write, for a table to begin with.
pub const COUNTRIES: [(&str, &str); 36] = [
    ("Deutschland", "DE"),
    ("Germany", "DE"),
    ("Tyskland", "DE"),
    ("Duitsland", "DE"),
    ("Österreich", "AT"),
    ("Austria", "AT"),
    ("Schweiz", "CH"),
    ("Switzerland", "CH"),
    ("Sverige", "SE"),
    ("Sweden", "SE"),
    ("Schweden", "SE"),
    ("Norge", "NO"),
    ("Norway", "NO"),
    ("Norwegen", "NO"),
    ("Danmark", "DK"),
    ("Denmark", "DK"),
    ("Dänemark", "DK"),
    ("Nederland", "NL"),
    ("Netherlands", "NL"),
    ("Niederlande", "NL"),
    ("België", "BE"),
    ("Belgium", "BE"),
    ("Belgien", "BE"),
    ("Finland", "FI"),
    ("Suomi", "FI"),
    ("Finnland", "FI"),
    ("France", "FR"),
    ("Frankreich", "FR"),
    ("Italia", "IT"),
    ("Italy", "IT"),
    ("Polska", "PL"),
    ("Poland", "PL"),
    ("United Kingdom", "GB"),
    ("Great Britain", "GB"),
    ("United States", "US"),
    ("Canada", "CA"),
];

pub fn form(field: &Field, content: &Content, values: &[String], is_xml: bool) -> String {
    let mut words = kind_of(field, content, values);
    let mut some = values.iter().filter(|value| !value.is_empty()).peekable();
    let all = some.peek().is_some() && (is_xml || values.iter().all(|value| !value.is_empty()));
    if field.required && all {
        words.push("required".to_string());
    }
    words.join(" ")
}

fn kind_of(field: &Field, content: &Content, values: &[String]) -> Vec<String> {
    let pattern = |word: &str, pattern: &str| vec![format!("{word} {}", quoted(pattern))];
    match (&field.field_type, content) {
        (FieldType::Date, Content::Date(found) | Content::Instant(found)) => {
            let mut words = if found == "%Y-%m-%d" { vec!["date".to_string()] } else { pattern("date", found) };
            words.extend(none(values));
            words
        }
        (FieldType::Time, Content::Time(found) | Content::Instant(found)) => pattern("time", found),
        (FieldType::Instant, Content::Instant(found) | Content::Date(found)) => pattern("instant", found),
        (FieldType::Boolean, Content::Flag { yes, no }) => vec![format!("boolean {yes}/{no}")],
        (FieldType::Integer, Content::Padded) => vec!["integer pad=0".to_string()],
        (FieldType::Price | FieldType::Money, Content::Padded) => vec!["decimal implied=2 pad=0".to_string()],
        (FieldType::Percent, Content::Padded) => vec!["decimal implied=2 pad=0".to_string()],
        (FieldType::Quantity, Content::Padded) => vec!["integer pad=0".to_string()],
        (_, Content::Decimal { point, thousands }) if field.field_type.is_number() => {
            let mut words = vec!["decimal".to_string()];
            words.extend((*point == ',').then(|| "point=,".to_string()));
            words.extend(thousands.map(|mark| format!("thousands={mark}")));
            words
        }
        // `US United States`
        (FieldType::Country, _) if begins_with_code(values) => vec!["before=' '".to_string()],
        (FieldType::Country, content) if *content != Content::Country && *content != Content::Empty => {
            vec!["lookup=country unlisted=keep".to_string()]
        }
        _ => Vec::new(),
    }
}

/// With what stands before and behind the value in every cell.
pub fn around(form: &str, (before, behind): &(String, String)) -> String {
    let mut words: Vec<String> = (!form.is_empty()).then(|| form.to_string()).into_iter().collect();
    for (word, text) in [("prefix", before), ("suffix", behind)] {
        if !text.is_empty() && !text.contains('\'') {
            words.push(format!("{word}='{text}'"));
        }
    }
    words.join(" ")
}

/// A code, a blank, the country's name.
fn begins_with_code(values: &[String]) -> bool {
    let mut some = values.iter().filter(|value| !value.is_empty()).peekable();
    let coded = |value: &String| {
        value.split_once(' ').is_some_and(|(code, _)| content(&[code.to_string()]) == Content::Country)
    };
    some.peek().is_some() && some.all(coded)
}

/// What stands for no day.
fn none(values: &[String]) -> Option<String> {
    let zeros = values.iter().find(|value| value.len() >= 6 && value.bytes().all(|b| b == b'0'))?;
    Some(format!("none={zeros}"))
}

fn quoted(pattern: &str) -> String {
    if pattern.contains(' ') { format!("'{pattern}'") } else { pattern.to_string() }
}
