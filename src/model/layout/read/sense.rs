//! What is well said in a layout and can never work: records that no row reaches, parts that nobody opens, names that an expression
//! will not find. Told when the layout is read, not when the first file comes.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::model::document::{Section, suggest};
use crate::model::kind::Kind;
use crate::model::layout::Syntax;
use crate::model::layout::expression::Expression;
use crate::model::layout::plan::{Condition, Ours, Place, Record, Role, Spot};
use crate::model::layout::rows::options::Cutting;

/// Seen by expressions beside places and fields: the moment of the file.
const MOMENT: [&str; 2] = ["now", "now_unix"];

pub(super) fn check(root: &Section<'_>, kind: &Kind, syntax: &Syntax, records: &[Record]) {
    unreached(root, syntax, records);
    unopened(root, kind, records);
    unkeyed(root, kind, records);
    misnamed(root, kind, records);
    for record in records.iter().filter(|_| matches!(syntax, Syntax::Xml(_))) {
        for tag in record.tags.iter().filter(|tag| tag.starts_with('/')) {
            let text = format!(
                "\"{tag}\" begins at the document; expected the path below the root element, or below the record around."
            );
            report(
                root,
                &record.span,
                "record.tag",
                text,
                tag.rsplit('/').next().map(|near| format!("Did you mean \"{near}\"?")),
            );
        }
    }
}

fn report(root: &Section<'_>, span: &Range<usize>, key: &str, text: String, near: Option<String>) {
    root.problem_at(span.clone(), key, text, near);
}

/// Of several records of one tag the first that fits is taken.
fn unreached(root: &Section<'_>, syntax: &Syntax, records: &[Record]) {
    let Syntax::Rows(rows) = syntax else { return };
    let width = match &rows.options.cutting {
        Cutting::Fixed(cut) => cut.tag.clone(),
        Cutting::Tagged(cut) => Some(cut.tag.clone()),
        Cutting::Delimited(_) => None,
    };
    let width = width.filter(|tag| tag.end < usize::MAX).map(|tag| tag.len());
    for (at, record) in records.iter().enumerate() {
        for tag in &record.tags {
            let long = width.filter(|width| tag.chars().count() > *width);
            if let Some(width) = long {
                let text = format!(
                    "\"{tag}\" is longer than the place of the tag, which has {width} characters: no record is ever this one."
                );
                report(root, &record.span, "record.tag", text, None);
            }
            let before = records[..at].iter().find(|other| other.tags.contains(tag) && other.when.is_empty());
            if let Some(other) = before.filter(|other| !record.again && other.width == record.width) {
                let text = format!(
                    "\"{tag}\" is the tag of the record \"{}\" too, which takes every such row; expected a when, unless or if on that one, a \
                     tag of its own, or again = true.",
                    other.name
                );
                report(root, &record.span, "record.tag", text, None);
            }
        }
    }
}

/// A part that is added to is opened by a record, or by a field that fills it.
fn unopened(root: &Section<'_>, kind: &Kind, records: &[Record]) {
    for record in records {
        let Role::Adds(group @ 1..) = record.role else { continue };
        let fills = |other: &Record| {
            !std::ptr::eq(other, record)
                && other.fields.iter().any(|field| match &field.ours {
                    Ours::Field { group: of, .. } | Ours::Extra { group: of, .. } => *of == group,
                    _ => false,
                })
        };
        if !records.iter().any(|other| other.role == Role::Opens(group) || fills(other)) {
            let name = &kind.groups[group].name;
            let text = format!(
                "nothing opens \"{name}\", so nothing can be added to it; expected opens = \"{name}\" here or on a record before."
            );
            report(root, &record.span, "record.adds", text, None);
        }
    }
}

/// What looks for a node by its key finds only nodes that were opened with one.
fn unkeyed(root: &Section<'_>, kind: &Kind, records: &[Record]) {
    for record in records.iter().filter(|record| !record.node_by.is_empty()) {
        let Role::Adds(group @ 1..) = record.role else { continue };
        let keyed = |other: &Record| match other.role {
            Role::Opens(of) if of == group => !other.node_by.is_empty(),
            Role::Opens(of @ 1..) => kind.groups[of].parent == group && !other.parent_by.is_empty(),
            _ => false,
        };
        if !records.iter().any(keyed) {
            let name = &kind.groups[group].name;
            let text = format!(
                "node_by looks for a node of \"{name}\" by its key, and no record opens one with a key; expected node_by on the record with opens = \"{name}\" too."
            );
            report(root, &record.span, "record.node_by", text, None);
        }
    }
}

/// Expressions see places by the names that rows give them, and our fields.
fn misnamed(root: &Section<'_>, kind: &Kind, records: &[Record]) {
    let mut known: BTreeSet<&str> = MOMENT.into();
    known.extend(kind.groups.iter().flat_map(|group| &group.fields).map(|field| field.name.as_str()));
    for record in records {
        let keys = record.group_by.iter().chain(&record.node_by).chain(&record.parent_by);
        let keys = keys.chain(record.each.iter().map(|each| &each.place));
        known.extend(keys.flat_map(names));
        for condition in &record.when {
            if let Condition::Is { place, .. } = condition {
                known.extend(names(place));
            }
        }
        for field in &record.fields {
            match &field.place {
                Place::One(spot) => known.extend(names(spot)),
                Place::Joined(spots) | Place::Either { spots, .. } => known.extend(spots.iter().flat_map(names)),
                Place::Nowhere | Place::Computed(_) => {}
            }
            if let Ours::Extra { name, .. } = &field.ours {
                known.insert(name);
            }
        }
    }
    let all: Vec<&str> = known.iter().copied().collect();
    let look = |expression: &Expression, span: &Range<usize>, key: &str| {
        for name in expression.looks_at().iter().filter(|name| !known.contains(name.as_str())) {
            let text = format!(
                "the expression looks at row.{name}, and no row of the layout names such a place (filler is a row too: [\"{name}\", \"-\"])."
            );
            report(root, span, key, text, suggest(name, &all));
        }
    };
    for record in records {
        for condition in &record.when {
            if let Condition::Holds(expression) = condition {
                look(expression, &record.span, "record.if");
            }
        }
        for field in &record.fields {
            if let Place::Computed(expression) = &field.place {
                look(expression, &field.span, "record.fields");
            }
            if let Ours::Computed(expression) = &field.ours {
                look(expression, &field.span, "record.fields");
            }
        }
    }
}

fn names(spot: &Spot) -> impl Iterator<Item = &str> {
    spot.names.iter().map(String::as_str)
}
