//! Messages made up for tests: any kind, every type of field, texts that break what does not quote well.
//!
//! A tape of numbers decides everything, so that a failing case shrinks to a short one.

use nattpost::model::decimal;
use nattpost::model::kind::{Field, FieldType, Kind};
use serde_json::{Map, Value};

/// Numbers to decide by; at its end it gives zeros, which make the smallest message.
pub struct Tape<'t> {
    numbers: &'t [u64],
    at: usize,
}

impl<'t> Tape<'t> {
    pub fn new(numbers: &'t [u64]) -> Self {
        Tape { numbers, at: 0 }
    }

    pub fn next(&mut self) -> u64 {
        let number = self.numbers.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        number
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Characters that mean something to some syntax, and some that mean nothing to any.
const HOSTILE: [&str; 26] = [
    "a", "B", "7", " ", ";", "\"", "'", "\n", "\r", "\r\n", "\t", ",", "|", "!", "<", ">", "&", "&amp;", "]]>", "<!--",
    "\u{FEFF}", "ä", "ß", "漢", "🚚", "\u{a0}",
];

/// An object of a message of this kind, as JSON lines hold it.
pub fn message(kind: &Kind, tape: &mut Tape<'_>) -> Value {
    node(kind, 0, tape)
}

fn node(kind: &Kind, index: usize, tape: &mut Tape<'_>) -> Value {
    let group = &kind.groups[index];
    let mut object = Map::new();
    for field in group.fields.iter().filter(|f| !f.ours) {
        match tape.below(4) {
            _ if field.required => {
                object.insert(field.name.clone(), value(field, tape));
            }
            0 => {}
            1 => {
                object.insert(field.name.clone(), "".into());
            }
            _ => {
                object.insert(field.name.clone(), value(field, tape));
            }
        }
    }
    for (child, data) in kind.groups.iter().enumerate().skip(1).filter(|(_, g)| g.parent == index) {
        let count = tape.below(4).max(usize::from(data.required));
        if count > 0 {
            let nodes: Vec<Value> = (0..count).map(|_| node(kind, child, tape)).collect();
            object.insert(data.name.clone(), nodes.into());
        }
    }
    Value::Object(object)
}

fn value(field: &Field, tape: &mut Tape<'_>) -> Value {
    let letters = |count: usize, tape: &mut Tape<'_>| -> String {
        (0..count).map(|_| char::from(b'A' + tape.below(26) as u8)).collect()
    };
    match &field.field_type {
        FieldType::Text(max) => text(*max, tape).into(),
        FieldType::Identifier(max) | FieldType::Customer(max) | FieldType::Article(max) | FieldType::Order(max) => {
            let text = text(*max, tape);
            // What is no part of a number, or in none.
            let kept = text.replace(['\n', '\r', '\t', '\u{FEFF}', '\u{a0}'], "");
            let trimmed = kept.trim();
            if trimmed.is_empty() { "N".into() } else { trimmed.into() }
        }
        FieldType::Boolean => (tape.below(2) == 1).into(),
        FieldType::Integer => number(tape).into(),
        FieldType::Quantity | FieldType::Price | FieldType::Money => decimal::text(number(tape), 6).into(),
        FieldType::Percent => decimal::text(number(tape), 4).into(),
        FieldType::Date => date(tape).into(),
        FieldType::Time => time(tape).into(),
        FieldType::Instant => format!("{}T{}Z", date(tape), time(tape)).into(),
        FieldType::Currency => letters(3, tape).into(),
        FieldType::Country => letters(2, tape).into(),
        FieldType::Unit => letters(3, tape).into(),
        FieldType::Choice(words) => words[tape.below(words.len())].as_str().into(),
    }
}

fn number(tape: &mut Tape<'_>) -> i64 {
    match tape.below(4) {
        0 => 1_000_000,
        1 => (tape.next() as i64).max(-i64::MAX),
        2 => i64::MAX,
        _ => tape.below(1_000_000_000) as i64 - 500_000_000,
    }
}

fn text(max: usize, tape: &mut Tape<'_>) -> String {
    if tape.below(20) == 1 {
        return "ü".repeat(max);
    }
    let mut text = String::new();
    for _ in 0..=tape.below(8) {
        let piece = HOSTILE[tape.below(HOSTILE.len())];
        if text.chars().count() + piece.chars().count() <= max {
            text.push_str(piece);
        }
    }
    if text.is_empty() { "a".into() } else { text }
}

fn date(tape: &mut Tape<'_>) -> String {
    format!("20{:02}-{:02}-{:02}", tape.below(100), 1 + tape.below(12), 1 + tape.below(28))
}

fn time(tape: &mut Tape<'_>) -> String {
    format!("{:02}:{:02}:{:02}", tape.below(24), tape.below(60), tape.below(60))
}
