//! The key of a message as bytes: comparing bytes compares keys, in the order of the tables. Kept in lists of what changed
//! and beside what was delivered, where a row is known by its key alone.
//!
//! The fields stand in the kind's order: text with `00 00` behind it (a NUL inside is `00 FF`), numbers as eight bytes with the
//! sign turned over. What is not said is '' or 0, as in the tables.

use std::sync::Arc;

use super::batch::{Batch, Message, Value};
use super::decimal;
use super::kind::Kind;

const SIGN: i64 = i64::MIN;
const END: [u8; 2] = [0, 0];
const NUL: [u8; 2] = [0, 0xFF];

/// One field of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyCell {
    Text(String),
    Number(i64),
}

/// The bytes are no key of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored key is damaged")]
pub struct BadKey;

/// Adds the key of a message.
pub fn encode_into(message: Message<'_>, key: &mut Vec<u8>) {
    let head = message.head();
    let group = message.kind().head();
    for field in &group.key {
        match head.value(*field) {
            Value::Number(number) => put_number(number, key),
            Value::Text(text) => put_text(text, key),
            Value::Missing | Value::Empty if group.fields[*field].field_type.is_number() => put_number(0, key),
            Value::Missing | Value::Empty => put_text("", key),
        }
    }
}

pub fn put_number(number: i64, key: &mut Vec<u8>) {
    key.extend_from_slice(&(number ^ SIGN).to_be_bytes());
}

pub fn put_text(text: &str, key: &mut Vec<u8>) {
    put_bytes(text.as_bytes(), key);
}

/// A text as it is stored.
pub fn put_bytes(text: &[u8], key: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(0, rest) {
        key.extend_from_slice(&rest[..at]);
        key.extend_from_slice(&NUL);
        rest = &rest[at + 1..];
    }
    key.extend_from_slice(rest);
    key.extend_from_slice(&END);
}

/// The fields of a key, in the kind's order.
pub fn cells(kind: &Kind, key: &[u8]) -> Result<Vec<KeyCell>, BadKey> {
    let head = kind.head();
    let mut rest = key;
    let mut cells = Vec::with_capacity(head.key.len());
    for field in &head.key {
        cells.push(if head.fields[*field].field_type.is_number() {
            let (bytes, after) = rest.split_first_chunk::<8>().ok_or(BadKey)?;
            rest = after;
            KeyCell::Number(i64::from_be_bytes(*bytes) ^ SIGN)
        } else {
            KeyCell::Text(take_text(&mut rest)?)
        });
    }
    if rest.is_empty() { Ok(cells) } else { Err(BadKey) }
}

fn take_text(rest: &mut &[u8]) -> Result<String, BadKey> {
    let mut text = Vec::new();
    loop {
        let at = rest.iter().position(|byte| *byte == 0).ok_or(BadKey)?;
        text.extend_from_slice(&rest[..at]);
        let second = *rest.get(at + 1).ok_or(BadKey)?;
        *rest = &rest[at + 2..];
        match second {
            0 => return String::from_utf8(text).map_err(|_| BadKey),
            0xFF => text.push(0),
            _ => return Err(BadKey),
        }
    }
}

/// Begins a message that says nothing but its key.
pub fn begin_message(kind: &Arc<Kind>, key: &[u8], batch: &mut Batch) -> Result<(), BadKey> {
    let cells = cells(kind, key)?;
    batch.begin(0, 0);
    for (field, cell) in kind.head().key.iter().zip(cells) {
        match cell {
            KeyCell::Number(number) => batch.set_number(0, *field, number),
            KeyCell::Text(text) if text.is_empty() => {}
            KeyCell::Text(text) => batch.set_text(0, *field, &text),
        }
    }
    Ok(())
}

/// A key for people: its fields as far as they say something.
pub fn words(kind: &Kind, key: &[u8]) -> Result<String, BadKey> {
    let head = kind.head();
    let text = |(field, cell): (&usize, KeyCell)| match cell {
        KeyCell::Text(text) => text,
        KeyCell::Number(0) => String::new(),
        KeyCell::Number(number) => decimal::text(number, head.fields[*field].field_type.scale().unwrap_or(0)),
    };
    let parts: Vec<String> = head.key.iter().zip(cells(kind, key)?).map(text).filter(|part| !part.is_empty()).collect();
    Ok(parts.join(" / "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kind::shipped_kinds;
    use proptest::prelude::*;

    fn price(list: &str, article: &str, from: i64) -> Batch {
        let kind = shipped_kinds().get("price").unwrap();
        let mut batch = Batch::new(kind.clone());
        batch.begin(1, 1);
        let field = |name| kind.head().field(name).unwrap();
        for (name, value) in [("price_list", list), ("article_no", article)] {
            if !value.is_empty() {
                batch.set_text(0, field(name), value);
            }
        }
        batch.set_number(0, field("from_qty"), from);
        batch
    }

    fn key(batch: &Batch) -> Vec<u8> {
        let mut key = Vec::new();
        encode_into(batch.message(0), &mut key);
        key
    }

    proptest! {
        #[test]
        fn bytes_compare_as_the_tables_do(
            a in ("[a\u{0}\u{1}é]{0,3}", "[A-C\u{0}]{0,3}", -3_i64..3),
            b in ("[a\u{0}\u{1}é]{0,3}", "[A-C\u{0}]{0,3}", -3_i64..3),
        ) {
            let (one, other) = (price(&a.0, &a.1, a.2), price(&b.0, &b.1, b.2));
            prop_assert_eq!(key(&one).cmp(&key(&other)), a.cmp(&b));
            let kind = one.kind();
            let read = cells(kind, &key(&one)).unwrap();
            prop_assert_eq!(&read[0], &KeyCell::Text(a.0.clone()));
            prop_assert_eq!(&read[2], &KeyCell::Text(a.1.clone()));
            prop_assert_eq!(&read[4], &KeyCell::Number(a.2));
            let mut made = Batch::new(kind.clone());
            begin_message(kind, &key(&one), &mut made).unwrap();
            prop_assert_eq!(key(&made), key(&one));
        }

        #[test]
        fn damaged_bytes_are_no_key(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let kind = shipped_kinds().get("price").unwrap();
            if let Ok(read) = cells(kind, &bytes) {
                prop_assert_eq!(read.len(), 6);
            }
        }
    }

    #[test]
    fn people_read_what_a_key_says() {
        let kind = shipped_kinds().get("price").unwrap();
        assert_eq!(words(kind, &key(&price("A", "A-1001", 2_500_000))).unwrap(), "A / A-1001 / 2.5");
        assert_eq!(words(kind, b"A"), Err(BadKey));
    }

    /// Lists are merged with rows read in the order of the tables' columns.
    #[test]
    fn the_tables_of_flat_kinds_are_ordered_by_the_kinds_key() {
        for name in ["stock", "price", "article", "customer", "discount"] {
            let key = &shipped_kinds().get(name).unwrap().head().key;
            assert!(key.is_sorted(), "{name}: {key:?}");
        }
    }
}
