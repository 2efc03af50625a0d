//! Golden files: what a sample must become, and row by row where it does not.
//!
//! The text of a golden file is made and compared here; finding and reading files is the command line's.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::batch::Message;
use super::diagnostic::{Diagnostics, Problem};
use super::json;
use super::layout::Refused;

/// What a sample became, in the order of its messages.
#[derive(Debug, Default)]
pub struct Reading {
    messages: BTreeMap<u64, Value>,
    file: Vec<Value>,
}

/// One value that is not what it should be; what is absent is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `messages[2].lines[1].qty`
    pub path: String,
    pub expected: String,
    pub found: String,
}

impl Reading {
    pub fn add(&mut self, message: Message<'_>) {
        self.messages.insert(message.origin().number, json::to_json(message));
    }

    pub fn add_refused(&mut self, message: &Refused) {
        let problems: Vec<Value> = message.problems.iter().map(problem).collect();
        self.messages.insert(message.number, json!({ "refused": problems }));
    }

    pub fn add_fatal(&mut self, problems: &Diagnostics) {
        self.file.extend(problems.kept().iter().map(problem));
    }

    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        if !self.file.is_empty() {
            object.insert("refused_file".to_string(), Value::from(self.file.clone()));
        }
        object.insert("messages".to_string(), self.messages.values().cloned().collect());
        Value::Object(object)
    }

    /// The golden file.
    pub fn text(&self) -> String {
        format!("{:#}\n", self.to_json())
    }
}

/// Codes and places stay when words are made better.
fn problem(problem: &Problem) -> Value {
    let mut object = Map::new();
    object.insert("code".to_string(), problem.code.into());
    if problem.place.line > 0 {
        object.insert("line".to_string(), problem.place.line.into());
    }
    if !problem.place.field.is_empty() {
        object.insert("field".to_string(), problem.place.field.as_str().into());
    }
    Value::Object(object)
}

/// Every value that differs, in the order of the expected ones; what was not expected comes last.
pub fn differences(expected: &Value, found: &Value) -> Vec<Difference> {
    let (mut wanted, mut got) = (Vec::new(), Vec::new());
    flatten(expected, String::new(), &mut wanted);
    flatten(found, String::new(), &mut got);
    let by_path: BTreeMap<&str, &str> = got.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let known: BTreeMap<&str, &str> = wanted.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let differs = wanted.iter().filter(|(path, text)| by_path.get(path.as_str()) != Some(&text.as_str()));
    let mut all: Vec<Difference> = differs
        .map(|(path, text)| Difference {
            path: path.clone(),
            expected: text.clone(),
            found: by_path.get(path.as_str()).unwrap_or(&"").to_string(),
        })
        .collect();
    let more = got.iter().filter(|(path, _)| !known.contains_key(path.as_str()));
    all.extend(more.map(|(path, text)| Difference {
        path: path.clone(),
        expected: String::new(),
        found: text.clone(),
    }));
    all
}

fn flatten(value: &Value, path: String, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            let dot = if path.is_empty() { "" } else { "." };
            object.iter().for_each(|(name, value)| flatten(value, format!("{path}{dot}{name}"), into));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| flatten(value, format!("{path}[{}]", at + 1), into));
        }
        // An empty value and none are two things.
        Value::String(text) if text.is_empty() => into.push((path, "(empty)".to_string())),
        Value::String(text) => into.push((path, text.clone())),
        other => into.push((path, other.to_string())),
    }
}

/// The first place where two files part: line and column from 1, and the two lines from there.
pub fn first_difference(expected: &[u8], found: &[u8]) -> Option<Difference> {
    if expected == found {
        return None;
    }
    let same = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
    let line_start = expected[..same].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let line = expected[..same].iter().filter(|b| **b == b'\n').count() + 1;
    let rest = |bytes: &[u8]| {
        let end = bytes[same..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |at| same + at + 1);
        match String::from_utf8_lossy(&bytes[same..end]).into_owned() {
            text if text.is_empty() => "(the file ends)".to_string(),
            text => super::diagnostic::shown(&text),
        }
    };
    Some(Difference {
        path: format!("line {line}, byte {}", same - line_start + 1),
        expected: rest(expected),
        found: rest(found),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_differ_are_told_by_their_path() {
        let expected = json!({ "messages": [{ "a": "1", "lines": [{ "qty": "2" }, { "qty": "3" }] }, { "b": "" }] });
        let found = json!({ "messages": [{ "a": "1", "lines": [{ "qty": "2" }, { "qty": "30" }] }, { "c": true }] });
        let told: Vec<_> = differences(&expected, &found).into_iter().map(|d| (d.path, d.expected, d.found)).collect();
        let row = |path: &str, expected: &str, found: &str| (path.into(), expected.into(), found.into());
        assert_eq!(
            told,
            [
                row("messages[1].lines[2].qty", "3", "30"),
                row("messages[2].b", "(empty)", ""),
                row("messages[2].c", "", "true")
            ]
        );
        assert!(differences(&expected, &expected).is_empty());
    }

    #[test]
    fn written_files_part_at_a_place() {
        let told = first_difference(b"a;b\r\nc;d\r\n", b"a;b\r\nc;e\r\n").unwrap();
        assert_eq!(
            (told.path.as_str(), told.expected.as_str(), told.found.as_str()),
            ("line 2, byte 3", "d\\r\\n", "e\\r\\n")
        );
        assert_eq!(first_difference(b"a", b"a"), None);
        assert_eq!(first_difference(b"ab", b"a").unwrap().found, "(the file ends)");
    }
}
