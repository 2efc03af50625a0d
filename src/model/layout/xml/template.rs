//! The places of all records as one template of nested elements: what a written file looks like, without its values.
//!
//! Elements come in the layout's order, a field's before those of the records inside; elements that only wrap are shared
//! by all places that go through them.

use crate::model::kind::Kind;
use crate::model::layout::form::Direction;
use crate::model::layout::plan::{Condition, Ours, Place, Record, Role};

use super::options::Options;
use super::place::XmlPlace;
use super::tree::{Pick, elsewhere, opened_by_fields};

/// An element of the file and what goes into it.
#[derive(Debug, Default)]
pub struct Element {
    pub name: String,
    /// Which of several with this name: what the layout says in brackets.
    pub which: String,
    pub attributes: Vec<(String, Source)>,
    pub text: Option<Source>,
    pub items: Vec<Item>,
}

#[derive(Debug)]
pub enum Item {
    Element(Element),
    /// One element for each node that the record opens, or for the node it adds to.
    Record(usize, Element),
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Field {
        record: usize,
        field: usize,
    },
    /// What a record's condition wants to find there.
    Word(String),
}

#[derive(Debug)]
pub struct Template {
    pub root: Element,
    /// Positions of the items that lead from the root to the message.
    pub to_message: Vec<usize>,
    /// Where messages stand in interchanges, `to_message` leads to those, and this from them to the message.
    pub in_interchange: Vec<usize>,
    /// The message's record where the root element is the message.
    pub root_is_message: Option<usize>,
}

impl Template {
    pub fn compile(kind: &Kind, options: &Options, records: &[Record]) -> Self {
        let mut root = Element { name: options.root.clone(), ..Element::default() };
        let mut root_is_message = None;
        let has_interchange = records.iter().any(|record| record.role == Role::OpensInterchange);
        for (index, record) in records.iter().enumerate() {
            let tag = record.tags.first().map_or("", String::as_str);
            match record.role {
                Role::Opens(0) if tag == "." => {
                    fill(&mut root, index, record);
                    add_records(&mut root, kind, records, 0);
                    root_is_message = Some(index);
                }
                Role::OpensInterchange if !has_record(&root, index, records) => {
                    add_record(&mut root, kind, records, index);
                }
                Role::Opens(0) if !has_record(&root, index, records) && !has_interchange => {
                    add_record(&mut root, kind, records, index);
                }
                Role::OpensFile => fill(element_at(&mut root, tag), index, record),
                _ => {}
            }
        }
        let (mut to_message, mut in_interchange) = (Vec::new(), Vec::new());
        let around = if has_interchange { Role::OpensInterchange } else { Role::Opens(0) };
        let found = find(&root, records, around, &mut to_message);
        if let Some(interchange) = found.filter(|_| has_interchange) {
            find(interchange, records, Role::Opens(0), &mut in_interchange);
        }
        Template { to_message, in_interchange, root_is_message, root }
    }
}

/// Only the first record that opens a group is written: a node does not say which of several it came from.
fn has_record(element: &Element, index: usize, records: &[Record]) -> bool {
    element.items.iter().any(|item| match item {
        Item::Record(other, _) => records[*other].role == records[index].role,
        Item::Element(inner) => has_record(inner, index, records),
    })
}

/// The first record of this role, and the way to it.
fn find<'e>(element: &'e Element, records: &[Record], role: Role, path: &mut Vec<usize>) -> Option<&'e Element> {
    for (at, item) in element.items.iter().enumerate() {
        path.push(at);
        let found = match item {
            Item::Record(record, own) => (records[*record].role == role).then_some(own),
            Item::Element(inner) => find(inner, records, role, path),
        };
        if found.is_some() {
            return found;
        }
        path.pop();
    }
    None
}

/// The element of a path, made where it is not there yet.
fn element_at<'e>(from: &'e mut Element, path: &str) -> &'e mut Element {
    path.split('/').filter(|step| !matches!(*step, "" | ".")).fold(from, |at, step| child_of(at, step, ""))
}

fn child_of<'e>(at: &'e mut Element, name: &str, which: &str) -> &'e mut Element {
    let is = |item: &Item| matches!(item, Item::Element(e) if e.name == name && e.which == which);
    let index = at.items.iter().position(is).unwrap_or_else(|| {
        let made = Element { name: name.to_string(), which: which.to_string(), ..Element::default() };
        at.items.push(Item::Element(made));
        at.items.len() - 1
    });
    let Item::Element(inner) = &mut at.items[index] else { unreachable!("the index is that of an element") };
    inner
}

fn put(element: &mut Element, place: &str, source: Source) {
    let Ok(place) = XmlPlace::parse(place) else { return };
    let at = match (place.wants, place.pick) {
        (None, Pick::One) => element_at(element, place.path),
        (wants, pick) => {
            let (path, name) = place.path.rsplit_once('/').unwrap_or(("", place.path));
            let which = wants.map_or_else(|| format!("{pick:?}"), |(attribute, value)| format!("{attribute}={value}"));
            let at = child_of(element_at(element, path), name, &which);
            if let Some((attribute, value)) = wants.filter(|_| at.attributes.is_empty()) {
                at.attributes.push((attribute.to_string(), Source::Word(value.to_string())));
            }
            at
        }
    };
    match place.attribute {
        Some(name) if at.attributes.iter().all(|(known, _)| known != name) => {
            at.attributes.push((name.to_string(), source));
        }
        Some(_) => {}
        None => {
            at.text.get_or_insert(source);
        }
    }
}

/// Puts the fields of a record into its element.
fn fill(element: &mut Element, index: usize, record: &Record) {
    for (at, field) in record.fields.iter().enumerate() {
        let readable_only = field.form.direction == Direction::ReadOnly || matches!(field.ours, Ours::Ignored);
        if let (Place::One(spot), false) = (&field.place, readable_only) {
            put(element, spot.name(), Source::Field { record: index, field: at });
        }
    }
    for condition in &record.when {
        if let Condition::Is { place, words, not: false } = condition
            && elsewhere(&words[0]).is_none()
        {
            put(element, place.name(), Source::Word(words[0].clone()));
        }
    }
}

/// Adds the records that stand inside an element of a group.
fn add_records(element: &mut Element, kind: &Kind, records: &[Record], group: usize) {
    for (index, record) in records.iter().enumerate() {
        let inside = match record.role {
            Role::Opens(inner) => {
                inner > 0 && opener_of(kind, records, inner) == group && !has_record(element, index, records)
            }
            Role::Adds(to) => to == group,
            _ => false,
        };
        if inside {
            add_record(element, kind, records, index);
        }
    }
}

/// The group above in whose element a group stands.
fn opener_of(kind: &Kind, records: &[Record], group: usize) -> usize {
    let mut at = kind.groups[group].parent;
    while at > 0 && opened_by_fields(records, at) {
        at = kind.groups[at].parent;
    }
    at
}

fn add_record(element: &mut Element, kind: &Kind, records: &[Record], index: usize) {
    let record = &records[index];
    let tag = record.tags.first().map_or("", String::as_str);
    let (path, name) = tag.rsplit_once('/').unwrap_or(("", tag));
    let mut own = Element { name: name.to_string(), ..Element::default() };
    fill(&mut own, index, record);
    match record.role {
        Role::Opens(group) => add_records(&mut own, kind, records, group),
        Role::OpensInterchange => {
            let message = records.iter().position(|record| record.role == Role::Opens(0));
            message.into_iter().for_each(|message| add_record(&mut own, kind, records, message));
        }
        _ => {}
    }
    element_at(element, path).items.push(Item::Record(index, own));
}
