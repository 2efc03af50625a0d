//! What no row takes of a message: collected while its elements are read, and from what was read for a record that then
//! needs it not. A row with the place `*` keeps it, a line each: `PARTY/ADDRESS/STREET = High Street 1`.

use crate::model::layout::plan::{Field, Place};

use super::read::{BETWEEN, Found, FoundRecord, NONE, Slot};
use super::tree::{RecordPlaces, RecordSet};

/// The place of all that no other row takes.
pub(super) const UNREAD: &str = "*";
/// They say how the document is to be read, not what it says.
const OF_THE_SCHEMA: [&str; 2] = ["schemaLocation", "noNamespaceSchemaLocation"];

/// What no row takes of the elements that are open.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// Names of the open elements of the message, and where each begins.
    path: String,
    begins: Vec<usize>,
    /// By open record: how long the path of its element is, and what is kept of it.
    records: Vec<(usize, String)>,
    /// Text of the element opened last, if no row takes it.
    text: String,
    size: usize,
}

impl Unread {
    pub fn open(&mut self, name: &str) {
        self.told();
        self.begins.push(self.path.len());
        self.path.push('/');
        self.path.push_str(name);
    }

    pub fn close(&mut self) {
        let begin = self.begins.pop().unwrap_or(0);
        self.path.truncate(begin);
    }

    pub fn text(&mut self, piece: &str) {
        self.text.push_str(piece);
    }

    pub fn attribute(&mut self, name: &str, value: &str) {
        if !value.trim().is_empty() && !OF_THE_SCHEMA.contains(&name) {
            let name = format!("/@{name}");
            self.add(&name, value);
        }
    }

    /// The text before a child or the end of its element is kept.
    pub fn told(&mut self) {
        if self.text.trim().is_empty() {
            return self.text.clear();
        }
        let text = std::mem::take(&mut self.text);
        self.add("", &text);
        self.text = text;
        self.text.clear();
    }

    fn add(&mut self, behind: &str, value: &str) {
        let Some((base, kept)) = self.records.last_mut() else { return };
        let before = kept.len();
        append(kept, self.path[*base..].trim_start_matches('/'), behind, value);
        self.size += kept.len() - before;
    }

    pub fn begin_record(&mut self) {
        self.records.push((self.path.len(), String::new()));
    }

    /// What is kept of the record that ends; what no row of it keeps goes to the record around it.
    pub fn end_record(&mut self, keeps: bool) -> String {
        let Some((base, kept)) = self.records.pop() else { return String::new() };
        if keeps {
            return kept;
        }
        if let Some((around, outer)) = self.records.last_mut() {
            let between = self.path[*around..base.max(*around)].trim_start_matches('/').to_string();
            for line in kept.split(BETWEEN).filter(|line| !line.is_empty()) {
                if !outer.is_empty() {
                    outer.push(BETWEEN);
                }
                let joint = if between.is_empty() { "" } else { "/" };
                outer.extend([between.as_str(), joint, line]);
            }
        }
        String::new()
    }

    pub fn size(&self) -> usize {
        self.size + self.text.len()
    }

    pub fn clear(&mut self) {
        (self.size, self.path, self.text) = (0, String::new(), String::new());
        self.begins.clear();
        self.records.clear();
    }
}

/// `path/behind = value`, white space as one blank.
fn append(kept: &mut String, path: &str, behind: &str, value: &str) {
    if !kept.is_empty() {
        kept.push(BETWEEN);
    }
    let behind = if path.is_empty() { behind.trim_start_matches('/') } else { behind };
    kept.extend([path, behind, if path.is_empty() && behind.is_empty() { "" } else { " = " }]);
    for (at, word) in value.split_whitespace().enumerate() {
        if at > 0 {
            kept.push(' ');
        }
        kept.push_str(word);
    }
}

/// What was read for a record, and is taken by none of the rows of the one that is meant: other names of a place, all of a
/// record that is ignored.
pub(super) fn left(
    found: &Found,
    record: &FoundRecord,
    set: &RecordSet,
    name: &str,
    meant: Option<(&[Field], &RecordPlaces)>,
    kept: &mut String,
) {
    let slot = |slot: usize| found.slots[record.first_slot + slot];
    let mut taken: Vec<Slot> = Vec::new();
    if let Some((fields, places)) = meant {
        for (field, parts) in fields.iter().zip(&places.fields) {
            for names in parts {
                let there = names.iter().map(|at| slot(*at)).filter(|slot| slot.start != NONE);
                let all = matches!(field.place, Place::Computed(_));
                taken.extend(there.take(if all { usize::MAX } else { 1 }));
            }
        }
        taken.extend(places.conditions.iter().flatten().map(|at| slot(*at)));
    }
    let text = |slot: &Slot| &found.text[slot.start as usize..(slot.start + slot.len) as usize];
    let mut told: Vec<&str> =
        taken.iter().filter(|slot| slot.start != NONE).flat_map(|s| text(s).split(BETWEEN)).collect();
    // What tells records of one path apart, like the role of a party.
    let mut words = set.places.iter().flat_map(|p| p.conditions.iter().flatten()).map(|at| slot(*at));
    let word = words.find(|slot| slot.start != NONE).map_or("", |slot| text(&slot).trim()).to_string();
    let name = if word.is_empty() { name.to_string() } else { format!("{name}({word})") };
    let joint = if name.is_empty() { "" } else { "/" };
    for (at, place) in set.slots.iter().enumerate().filter(|(_, place)| *place != UNREAD) {
        let slot = slot(at);
        if slot.start == NONE {
            continue;
        }
        for value in text(&slot).split(BETWEEN) {
            if value.trim().is_empty() || told.contains(&value) {
                continue;
            }
            told.push(value);
            append(kept, &format!("{name}{joint}{}", plain(place)), "", value);
        }
    }
}

/// A place without its prefixes and brackets: `t:ADDRESS/b:ZIP[1]` is `ADDRESS/ZIP`.
pub(super) fn plain(place: &str) -> String {
    let steps = place.split('/').map(|step| {
        let step = step.split('[').next().unwrap_or(step);
        step.rsplit(':').next().unwrap_or(step)
    });
    steps.collect::<Vec<_>>().join("/")
}
