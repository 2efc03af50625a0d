//! Messages in as few bytes as they take, for those that wait in memory until they can be written in the order of their
//! keys. A message of eleven cells of which four hold something takes a fifth of what it takes in a batch.
//!
//! It keeps all of a message; of the partner's own fields those of the head that are named (`keeping`): no other is stored with
//! a record or fact, and requests do not wait.
//! Equal keys stay in the order they came in, so that the last of them wins.

use std::sync::Arc;

use super::{Batch, Cell, Message};
use crate::model::kind::Kind;

/// What a cell holds, in the lowest two bits of its code; above them stands its place, from 1. Code 0 ends a node.
const EMPTY: u64 = 0;
const TEXT: u64 = 1;
const NUMBER: u64 = 2;
/// The text of an earlier cell of the node, whose place follows: a number as sent mostly is ours.
const SAME: u64 = 3;

/// For so many messages at a time memory is asked for.
const AHEAD: usize = 32;
/// What memory hands out at a time.
const LINE_BYTES: usize = 64;

#[derive(Debug, Default)]
pub struct Packed {
    bytes: Vec<u8>,
    order: Vec<Entry>,
    /// The key of the message that is being pushed.
    key: Vec<u8>,
    /// Names of the partner's own fields that are kept.
    extras: Vec<Arc<str>>,
}

/// Where a message stands, with the first eight bytes of its key: most comparisons need no more.
#[derive(Debug, Clone, Copy)]
struct Entry {
    prefix: u64,
    at: u32,
    len: u32,
}

impl Packed {
    pub fn keeping(extras: Vec<Arc<str>>) -> Self {
        Packed { extras, ..Packed::default() }
    }

    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Memory that the messages take.
    pub fn size(&self) -> usize {
        self.bytes.len() + size_of_val(&self.order[..])
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.order.clear();
    }

    pub fn push(&mut self, message: Message<'_>) {
        let at = self.bytes.len() as u32;
        self.key.clear();
        put_key(&mut self.key, message);
        let mut prefix = [0; size_of::<u64>()];
        let count = self.key.len().min(prefix.len());
        prefix[..count].copy_from_slice(&self.key[..count]);
        put(&mut self.bytes, self.key.len() as u64);
        self.bytes.extend_from_slice(&self.key);
        put_message(&mut self.bytes, message);
        for name in &self.extras {
            let value = message.head().extras().find(|(known, _)| *known == &**name).map_or("", |(_, value)| value);
            put(&mut self.bytes, value.len() as u64);
            self.bytes.extend_from_slice(value.as_bytes());
        }
        let len = self.bytes.len() as u32 - at;
        self.order.push(Entry { prefix: u64::from_be_bytes(prefix), at, len });
    }

    /// Puts the messages into the order of their keys; those of one key stay in the order they came in.
    pub fn sort(&mut self) {
        let bytes = &self.bytes;
        let key = |entry: &Entry| key_of(&bytes[entry.at as usize..]);
        self.order.sort_unstable_by(|a, b| {
            a.prefix.cmp(&b.prefix).then_with(|| key(a).cmp(key(b))).then_with(|| a.at.cmp(&b.at))
        });
    }

    /// Adds the message at a place of the order to a batch of its kind.
    pub fn read(&self, nth: usize, into: &mut Batch) {
        if nth.is_multiple_of(AHEAD) {
            self.look_ahead(nth);
        }
        unpack(self.message(&self.order[nth]), &self.extras, into);
    }

    fn message(&self, entry: &Entry) -> &[u8] {
        &self.bytes[entry.at as usize..][..entry.len as usize]
    }

    /// All messages as they are packed, in their order.
    pub fn messages(&self) -> impl Iterator<Item = &[u8]> {
        self.order.iter().map(|entry| self.message(entry))
    }

    /// The key of the first and of the last one in their order.
    pub fn bounds(&self) -> Option<(&[u8], &[u8])> {
        let key = |entry: &Entry| key_of(&self.bytes[entry.at as usize..]);
        Some((key(self.order.first()?), key(self.order.last()?)))
    }
}

/// The key of a packed message, such that comparing bytes compares keys.
pub(super) fn key_of(message: &[u8]) -> &[u8] {
    let mut cursor = Cursor { bytes: message };
    let length = cursor.number() as usize;
    cursor.take(length)
}

/// Adds a packed message to a batch of its kind.
pub(super) fn unpack(message: &[u8], extras: &[Arc<str>], into: &mut Batch) {
    let mut cursor = Cursor { bytes: message };
    let length = cursor.number() as usize;
    cursor.take(length);
    let (number, line) = (cursor.number(), cursor.number() as u32);
    let nodes = cursor.number();
    into.begin(number, line);
    for _ in 0..cursor.number() {
        let start = cursor.number();
        into.add_bytes(start..start + cursor.number());
    }
    cursor.cells(into);
    for _ in 1..nodes {
        let (group, parent, line) = (cursor.number() as usize, cursor.number() as u32, cursor.number() as u32);
        into.open(group, parent, line);
        cursor.cells(into);
    }
    for name in extras {
        let length = cursor.number() as usize;
        let value = std::str::from_utf8(cursor.take(length)).expect("it was packed from a text");
        if !value.is_empty() {
            into.add_extra(0, name, value);
        }
    }
}

impl Packed {
    /// The next messages stand anywhere in memory. Asked for at once, they come together; one by one, each would be waited for.
    fn look_ahead(&self, nth: usize) {
        let soon = &self.order[nth..self.order.len().min(nth + AHEAD)];
        let ends = soon.iter().map(|entry| (entry.at as usize, self.bytes.len().min(entry.at as usize + LINE_BYTES)));
        std::hint::black_box(ends.fold(0, |all, (start, end)| all ^ self.bytes[start] ^ self.bytes[end - 1]));
    }
}

/// The key of a message such that comparing bytes compares keys. What is not said is '' or 0, as in the tables.
fn put_key(key: &mut Vec<u8>, message: Message<'_>) {
    let kind: &Kind = message.kind();
    let head = message.head();
    for field in &kind.head().key {
        if kind.head().fields[*field].field_type.is_number() {
            let number = head.value(*field).number().unwrap_or_default();
            // With the sign turned over, negative numbers come first.
            key.extend_from_slice(&(number ^ i64::MIN).to_be_bytes());
        } else {
            key.extend_from_slice(head.value(*field).text().unwrap_or_default().as_bytes());
            key.push(0);
        }
    }
}

fn put_message(bytes: &mut Vec<u8>, message: Message<'_>) {
    let origin = message.origin();
    let nodes = message.node_range();
    let batch = message.batch;
    put(bytes, origin.number);
    put(bytes, origin.line.into());
    put(bytes, nodes.len() as u64);
    put(bytes, origin.bytes.len() as u64);
    for range in origin.bytes {
        put(bytes, range.start);
        put(bytes, range.end - range.start);
    }
    for (nth, node) in batch.nodes[nodes].iter().enumerate() {
        if nth > 0 {
            put(bytes, node.group.into());
            put(bytes, node.parent.into());
            put(bytes, node.line.into());
        }
        let first = node.first_cell as usize;
        put_cells(bytes, batch, &batch.cells[first..first + batch.widths[node.group as usize]], node.group as usize);
    }
}

fn put_cells(bytes: &mut Vec<u8>, batch: &Batch, cells: &[Cell], group: usize) {
    let fields = batch.kind.groups[group].fields.len();
    for (place, cell) in cells.iter().enumerate() {
        let code = (place as u64 + 1) << 2;
        match *cell {
            Cell::Missing => {}
            Cell::Empty => put(bytes, code | EMPTY),
            Cell::Number(number) => {
                put(bytes, code | NUMBER);
                // Small numbers of either sign become small ones without.
                put(bytes, ((number << 1) ^ (number >> 63)).cast_unsigned());
            }
            Cell::Text { start, len } => {
                if place >= fields
                    && let Some(earlier) = cells[..fields].iter().position(|earlier| earlier == cell)
                {
                    put(bytes, code | SAME);
                    put(bytes, earlier as u64);
                } else {
                    put(bytes, code | TEXT);
                    put(bytes, len.into());
                    bytes.extend_from_slice(&batch.text.as_bytes()[start as usize..(start + len) as usize]);
                }
            }
        }
    }
    bytes.push(0);
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads what was put above: nothing else ever stands there.
struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        taken
    }

    fn number(&mut self) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.bytes[0];
            self.bytes = &self.bytes[1..];
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return number;
            }
            shift += 7;
        }
    }

    /// The cells of the node opened last.
    fn cells(&mut self, into: &mut Batch) {
        let first = into.nodes.last().map_or(0, |node| node.first_cell as usize);
        loop {
            let code = self.number();
            if code == 0 {
                return;
            }
            into.cells[first + (code >> 2) as usize - 1] = match code & 3 {
                EMPTY => Cell::Empty,
                SAME => into.cells[first + self.number() as usize],
                NUMBER => {
                    let number = self.number();
                    Cell::Number((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
                }
                _ => {
                    let length = self.number() as usize;
                    let text = std::str::from_utf8(self.take(length)).expect("it was packed from a text");
                    into.store_text(text)
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::batch::Value;
    use crate::model::kind::shipped_kinds;

    fn told(message: Message<'_>) -> String {
        let nodes: Vec<_> = message
            .nodes()
            .map(|node| {
                let cells = (0..message.kind().groups[node.group()].cells()).map(|cell| node.cell(cell));
                (node.group(), node.parent(), node.line(), cells.map(|c| format!("{c:?}")).collect::<Vec<_>>())
            })
            .collect();
        format!("{:?} {nodes:?}", message.origin())
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_pushed(
            numbers in prop::collection::vec((any::<i64>(), any::<u64>(), any::<u32>(), ".{0,40}"), 1..20),
        ) {
            let kind = shipped_kinds().get("order_status").unwrap().clone();
            let (despatches, _) = kind.path("despatches.carrier").unwrap();
            let (tracking, weight) = kind.path("trackings.weight_kg").unwrap();
            let mut batch = Batch::new(kind.clone());
            for (number, place, line, text) in &numbers {
                batch.begin(*place, *line);
                batch.set_text(0, 1, text);
                batch.set_empty(0, 3);
                batch.add_bytes(*place / 2..*place / 2 + u64::from(*line) + 1);
                batch.add_bytes(*place / 2 + u64::from(*line) + 5..*place / 2 + u64::from(*line) + 7);
                let despatch = batch.open(despatches, 0, *line);
                batch.set_text(despatch, 0, text);
                let parcel = batch.open(tracking, despatch, *line);
                batch.set_number(parcel, weight, *number);
                batch.resolve(batch.len() - 1, 0, 1, if number % 2 == 0 { text } else { "ours" });
            }
            let mut packed = Packed::default();
            batch.messages().for_each(|message| packed.push(message));
            let mut read = Batch::new(kind);
            for (nth, message) in batch.messages().enumerate() {
                packed.read(nth, &mut read);
                prop_assert_eq!(told(read.message(nth)), told(message));
            }
        }
    }

    #[test]
    fn keys_are_ordered_as_in_the_tables_and_equal_ones_as_they_came() {
        let kind = shipped_kinds().get("price").unwrap().clone();
        let (article, from, list) = (
            kind.head().field("article_no").unwrap(),
            kind.head().field("from_qty").unwrap(),
            kind.head().field("price_list").unwrap(),
        );
        let mut batch = Batch::new(kind.clone());
        let rows: [(&str, &str, Option<i64>); 8] = [
            ("B", "A1", Some(10)),
            ("", "A2", Some(-3)),
            ("LIST-OF-DEALERS", "A2", Some(0)),
            ("", "A2", None),
            ("B", "A1", Some(2)),
            ("LIST-OF-DEALERS", "A10", Some(0)),
            ("", "A2", Some(0)),
            ("", "A2", None),
        ];
        let mut packed = Packed::default();
        for (nth, (name, no, quantity)) in rows.into_iter().enumerate() {
            batch.begin(nth as u64, 1);
            if !name.is_empty() {
                batch.set_text(0, list, name);
            }
            batch.set_text(0, article, no);
            match quantity {
                Some(quantity) => batch.set_number(0, from, quantity),
                None => batch.set_empty(0, from),
            }
            packed.push(batch.message(nth));
        }
        packed.sort();
        let mut read = Batch::new(kind);
        (0..packed.len()).for_each(|nth| packed.read(nth, &mut read));
        let order: Vec<u64> = read.messages().map(|m| m.origin().number).collect();
        // Empty and 0 are one key: rows 3, 6 and 7 keep their order.
        assert_eq!(order, [1, 3, 6, 7, 4, 0, 5, 2]);
        assert_eq!(read.message(1).head().value(from), Value::Empty);
    }
}
