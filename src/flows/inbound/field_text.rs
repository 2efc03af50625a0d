//! Fields of messages as texts: the key by which people know a message, and single values.

use crate::model::batch::{Message, Value};
use crate::model::decimal;

/// The key of a message for people: its key fields, as far as they are given.
pub fn business_key(message: &Message<'_>) -> String {
    let parts = message.kind().head().key.iter().map(|field| field_text(message, *field));
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" / ")
}

pub fn field_text(message: &Message<'_>, field: usize) -> String {
    match message.head().value(field) {
        Value::Text(text) => text.to_string(),
        Value::Number(number) => {
            decimal::text(number, message.kind().head().fields[field].field_type.scale().unwrap_or(0))
        }
        Value::Missing | Value::Empty => String::new(),
    }
}
