//! Siblings that are one message by a key: orders here, all their lines there. What each holds is kept until the element
//! around them ends, and then put together; a line without its order is refused.
//!
//! All of it is in memory: so much and no more.

use std::collections::HashMap;
use std::ops::Range;

use crate::model::diagnostic::Problem;
use crate::model::layout::Layout;
use crate::model::layout::assembly::At;
use crate::model::layout::plan::Role;
use crate::model::wording;

use super::read::{Found, FoundRecord, MESSAGE_MIB, Marks, NONE, Slot};
use super::tree::{RecordSet, Tree};

/// What the elements of one file, or of one interchange, may take that are joined.
pub const JOINED_MIB: usize = 64;
/// Between the parts of a key; no XML text can hold it.
const KEY_END: char = '\u{1F}';

/// The elements that wait for the end of the one around them.
#[derive(Debug, Default)]
pub struct Joining {
    units: Vec<Unit>,
    bytes: usize,
}

/// A message's own element, or one that belongs to a message.
#[derive(Debug)]
pub struct Unit {
    pub found: Found,
    pub range: Range<u64>,
    pub at: At,
    pub problems: Vec<Problem>,
    pub too_large: bool,
    key: String,
    is_head: bool,
}

/// What makes one message: its head first, if it has come.
#[derive(Debug)]
pub struct Joined {
    pub units: Vec<Unit>,
    pub has_head: bool,
}

impl Joining {
    /// Keeps what was found of one element; an error says that it is too much.
    pub fn keep(&mut self, layout: &Layout, tree: &Tree, mut unit: Unit) -> Result<(), Problem> {
        if let Some(record) = unit.found.records.first() {
            let set = &tree.sets[record.set];
            unit.is_head = set.records.iter().any(|index| layout.records[*index].role == Role::Opens(0));
            unit.key = key(set, record, &unit.found);
        }
        self.bytes += unit.size();
        if self.bytes > JOINED_MIB << 20 {
            return Err(wording::joined_too_large(unit.at.place(""), JOINED_MIB));
        }
        self.units.push(unit);
        Ok(())
    }

    /// The messages in the order of their heads, then what has none.
    pub fn join(&mut self) -> Vec<Joined> {
        self.bytes = 0;
        let mut joined: Vec<Joined> = Vec::new();
        let mut by_key: HashMap<String, usize> = HashMap::new();
        let (heads, others): (Vec<Unit>, Vec<Unit>) =
            std::mem::take(&mut self.units).into_iter().partition(|u| u.is_head);
        for head in heads {
            // Of two heads with one key the first has the others; the second is judged without them.
            by_key.entry(head.key.clone()).or_insert(joined.len());
            joined.push(Joined { units: vec![head], has_head: true });
        }
        for unit in others {
            // Nothing is joined by a key that is not there.
            let known = by_key.get(&unit.key).copied().filter(|_| !unit.key.is_empty());
            match known {
                Some(at) => joined[at].units.push(unit),
                None => {
                    by_key.insert(unit.key.clone(), joined.len());
                    joined.push(Joined { units: vec![unit], has_head: false });
                }
            }
        }
        joined
    }
}

impl Unit {
    /// Takes what was found since the marks out of the reader's own.
    pub fn split_off(found: &mut Found, marks: Marks, end: u64, problems: Vec<Problem>, too_large: bool) -> Self {
        let mut own = Found {
            records: found.records.split_off(marks.records),
            slots: found.slots.split_off(marks.slots),
            text: found.text.split_off(marks.text),
        };
        for record in &mut own.records {
            record.first_slot -= marks.slots;
            record.around = record.around.and_then(|around| around.checked_sub(marks.records));
        }
        for slot in own.slots.iter_mut().filter(|slot| slot.start != NONE) {
            slot.start -= marks.text as u32;
        }
        let at = own.records.first().map_or(At { line: 0, byte: marks.start }, |record| record.at);
        Unit { found: own, range: marks.start..end, at, problems, too_large, key: String::new(), is_head: false }
    }

    /// Puts it behind what is found already; `around`: the record that it stands in.
    pub fn append_to(self, found: &mut Found, around: Option<usize>) {
        let (records, slots, text) = (found.records.len(), found.slots.len(), found.text.len());
        found.records.extend(self.found.records.iter().map(|record| FoundRecord {
            first_slot: record.first_slot + slots,
            around: record.around.map(|inner| inner + records).or(around),
            ..*record
        }));
        found.slots.extend(self.found.slots.iter().map(|slot| match slot.start {
            NONE => *slot,
            start => Slot { start: start + text as u32, ..*slot },
        }));
        found.text.push_str(&self.found.text);
    }

    fn size(&self) -> usize {
        let Found { records, slots, text } = &self.found;
        size_of::<Unit>() + size_of_val(&records[..]) + size_of_val(&slots[..]) + text.len() + self.key.len()
    }
}

/// Would the message be larger than one may be?
pub fn is_too_large(units: &[Unit]) -> bool {
    units.iter().any(|unit| unit.too_large) || units.iter().map(Unit::size).sum::<usize>() > MESSAGE_MIB << 20
}

/// What stands at the places of the key; nothing where one of them is not given.
fn key(set: &RecordSet, record: &FoundRecord, found: &Found) -> String {
    let mut key = String::new();
    for slots in &set.key {
        let text =
            slots.iter().find_map(|slot| found.text_of(record.first_slot + slot)).map_or("", |(text, _)| text.trim());
        if text.is_empty() {
            return String::new();
        }
        key.push_str(text);
        key.push(KEY_END);
    }
    key
}
