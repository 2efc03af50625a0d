//! `[feed.NAME.also.VALUE]`: values of other kinds in the rows of a feed. What of an order a status echoes needs no such table:
//! it is added here.

use std::sync::Arc;

use super::keyed::{Keyed, Wrong};
use super::keys::Table;
use super::partner::Surroundings;
use crate::model::also::{self, Also, What, key_of, ties};
use crate::model::document::{Spot, suggest};
use crate::model::intake::{Intake, Sender};
use crate::model::kind::{Class, FieldType, Kind, shipped_kinds};
use crate::model::layout::Layout;
use crate::model::layout::form::{Direction, Form, Shape};
use crate::model::layout::plan::Ours;

/// A place of the layout for a value that is no field of its kind.
struct Slot<'l> {
    name: &'l Arc<str>,
    group: usize,
    form: &'l Form,
}

pub(super) fn read(
    keyed: &Keyed<'_, '_>,
    layout: Option<&Layout>,
    (recipient, intakes): (&Sender, &[Arc<Intake>]),
    around: &Surroundings<'_>,
) -> Vec<Also> {
    let named = keyed.named("also");
    let Some(layout) = layout else {
        named.iter().for_each(|(_, section)| section.pass_over(&["from", "where", "of"]));
        return Vec::new();
    };
    let slots = slots(layout);
    let mut all: Vec<Also> = Vec::new();
    for (name, section) in &named {
        let inner = Keyed::new(section, Table::FeedAlso);
        all.extend(read_one(&inner, name, layout, &slots, recipient, around));
    }
    let echoed = echoed(layout, &slots, &all, recipient);
    all.extend(echoed);
    let own = own_extras(layout, &slots, &all, (recipient, intakes));
    all.extend(own);
    all
}

fn slots(layout: &Layout) -> Vec<Slot<'_>> {
    let mut slots: Vec<Slot<'_>> = Vec::new();
    for field in layout.records.iter().flat_map(|record| &record.fields) {
        let Ours::Extra { group, name } = &field.ours else { continue };
        let is_known = slots.iter().any(|slot| slot.name == name && slot.group == *group);
        if field.form.direction != Direction::ReadOnly && !is_known {
            slots.push(Slot { name, group: *group, form: &field.form });
        }
    }
    slots
}

fn read_one(
    keyed: &Keyed<'_, '_>,
    name: &Spot<String>,
    layout: &Layout,
    slots: &[Slot<'_>],
    recipient: &Sender,
    around: &Surroundings<'_>,
) -> Option<Also> {
    let slot = slots.iter().find(|slot| **slot.name == *name.value);
    if slot.is_none() {
        let known: Vec<&str> = slots.iter().map(|slot| &**slot.name).collect();
        let expected = match known.is_empty() {
            true => "it writes no extra.NAME at all".to_string(),
            false => format!("expected one of: {}", known.join(", ")),
        };
        let text = format!("the layout \"{}\" does not write extra.{}; {expected}.", layout.id, name.value);
        keyed.section.problem_at(name.span.clone(), "", text, suggest(&name.value, &known));
    }
    let group = slot.map_or(0, |slot| slot.group);
    let owner = keyed.parsed("of", |text| owner(text, around));
    let given = keyed.pairs("where");
    let from = keyed.required_text("from");
    let from = keyed.section.text_spot("from").filter(|_| !from.trim().is_empty())?;
    let (kind, what) = match source(&from.value) {
        Ok(found) => found,
        Err(wrong) => {
            keyed.wrong(&from, "from", wrong);
            return None;
        }
    };
    let is_kept = matches!(what, What::Extra { .. }) && kind.class != Class::Request;
    if owner.is_some() && !is_kept {
        let text = "decides nothing here: only the extras of records and facts are kept by partner. Take it out.";
        keyed.section.problem("of", text);
    }
    if let Some(slot) = slot
        && let Some(text) = misfit(&kind, &what, slot)
    {
        keyed.wrong(&from, "from", Wrong::new(text));
    }
    let given = read_given(keyed, &given, &kind, what.group())?;
    let own = (&*layout.kind, group);
    match ties(own, (&kind, what.group()), &given) {
        Ok(ties) => Some(Also {
            name: slot.map_or_else(|| name.value.as_str().into(), |slot| slot.name.clone()),
            group,
            what,
            ties,
            owner: owner.unwrap_or_else(|| recipient.partner.clone()),
            kind,
        }),
        Err(untied) => {
            let text = format!(
                "a row of {} is found by its {}, and a row of {} says none; expected it in where = {{ {} = \"…\" }}.",
                kind.name, untied.field, layout.kind.name, untied.field
            );
            keyed.wrong(&from, "from", Wrong::new(text));
            None
        }
    }
}

fn owner(text: &str, around: &Surroundings<'_>) -> Result<String, Wrong> {
    if around.partners.iter().any(|partner| partner == text) {
        return Ok(text.to_string());
    }
    let known: Vec<&str> = around.partners.iter().map(String::as_str).collect();
    let text_of = format!("there is no partner \"{text}\"; expected one of: {}.", known.join(", "));
    Err(Wrong { text: text_of, suggestion: suggest(text, &known) })
}

/// `article.ean`, `stock.extra.days`, `order.lines.extra.mark`.
fn source(text: &str) -> Result<(Arc<Kind>, What), Wrong> {
    let stored = || shipped_kinds().iter().filter(|kind| !kind.head().table.is_empty());
    let names: Vec<&str> = stored().map(|kind| kind.name.as_str()).collect();
    let Some((kind, path)) = text.split_once('.') else {
        return Err(Wrong::new(format!("\"{text}\" is no value; expected KIND.FIELD, like article.ean.")));
    };
    let Some(kind) = stored().find(|known| known.name == kind) else {
        let text = format!("there is no kind \"{kind}\"; expected one of: {}.", names.join(", "));
        return Err(Wrong { text, suggestion: suggest(kind, &names) });
    };
    if let Some((group, name)) = extra(kind, path) {
        if group > 0 && kind.class != Class::Request {
            let text = format!("of a {} the extras of its head are kept, not those of its parts.", kind.name);
            return Err(Wrong::new(text));
        }
        return Ok((kind.clone(), What::Extra { group, name: name.to_string() }));
    }
    if let Some((group, field)) = kind.path(path) {
        return Ok((kind.clone(), What::Field { group, field }));
    }
    let paths = kind.paths();
    let known: Vec<&str> = paths.iter().map(String::as_str).collect();
    let near = suggest(path, &known);
    Err(Wrong { text: format!("the kind {} has no field \"{path}\".", kind.name), suggestion: near })
}

fn extra<'t>(kind: &Kind, path: &'t str) -> Option<(usize, &'t str)> {
    if let Some(name) = path.strip_prefix("extra.") {
        return Some((0, name));
    }
    let (group, name) = path.split_once(".extra.")?;
    Some((kind.group(group)?, name))
}

/// Each name is a part of the key, or a field of the group that the value stands in.
fn read_given(
    keyed: &Keyed<'_, '_>,
    given: &[(Spot<String>, Spot<String>)],
    kind: &Kind,
    group: usize,
) -> Option<Vec<((usize, usize), String)>> {
    let key = key_of(kind);
    let mut found = Vec::new();
    for (field, value) in given {
        let of_group = kind.groups[group].field(&field.value).filter(|_| group > 0).map(|at| (group, at));
        let at = kind.head().field(&field.value).filter(|at| key.contains(at)).map(|at| (0, at)).or(of_group);
        let Some(at) = at else {
            let parts = key.iter().map(|at| kind.head().fields[*at].name.as_str());
            let inner = kind.groups[group].fields.iter().filter(|_| group > 0).map(|field| field.name.as_str());
            let known: Vec<&str> = parts.chain(inner).collect();
            let text =
                format!("a {} is not found by \"{}\"; expected one of: {}.", kind.name, field.value, known.join(", "));
            keyed.wrong(field, "where", Wrong { text, suggestion: suggest(&field.value, &known) });
            return None;
        };
        let field_type = &kind.groups[at.0].fields[at.1].field_type;
        if let FieldType::Choice(words) = field_type
            && !words.contains(&value.value)
        {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            keyed.wrong(value, "where", Wrong::word(&value.value, &words));
            return None;
        }
        if let Some(scale) = field_type.scale()
            && crate::model::decimal::parse(value.value.as_bytes(), b'.', scale).is_err()
        {
            let text = format!("\"{}\" is no value of \"{}\"; expected a number.", value.value, field.value);
            keyed.wrong(value, "where", Wrong::new(text));
            return None;
        }
        found.push((at, value.value.clone()));
    }
    Some(found)
}

/// The layout writes another type than the value has.
fn misfit(kind: &Kind, what: &What, slot: &Slot<'_>) -> Option<String> {
    let What::Field { group, field } = what else { return None };
    let field = &kind.groups[*group].fields[*field];
    let expected = match &slot.form.shape {
        Shape::Text(_) => return None,
        Shape::Number(_) => "a number",
        Shape::Boolean { .. } => "yes or no",
        Shape::Date(_) => "a date",
        Shape::Time(_) => "a time",
        Shape::Instant(_) => "an instant",
    };
    let fits = match (&slot.form.shape, &field.field_type) {
        (Shape::Number(_), found) => found.is_number() && *found != FieldType::Boolean,
        (Shape::Boolean { .. }, found) => *found == FieldType::Boolean,
        (Shape::Date(_), found) => *found == FieldType::Date,
        (Shape::Time(_), found) => *found == FieldType::Time,
        (Shape::Instant(_), found) => *found == FieldType::Instant,
        (Shape::Text(_), _) => true,
    };
    (!fits).then(|| format!("the layout writes extra.{} as {expected}, and {} is none.", slot.name, field.name))
}

/// What the partner's own files say of a record or fact under a name that the layout writes.
fn own_extras(
    layout: &Layout,
    slots: &[Slot<'_>],
    known: &[Also],
    (recipient, intakes): (&Sender, &[Arc<Intake>]),
) -> Vec<Also> {
    let kind = &layout.kind;
    if kind.class == Class::Request || kind.name == "order_status" {
        return Vec::new();
    }
    let brings =
        |name: &str| intakes.iter().flat_map(|intake| &intake.layouts).any(|l| l.brings_extra(&kind.name, name));
    let open = slots.iter().filter(|slot| slot.group == 0 && !known.iter().any(|also| *also.name == **slot.name));
    let mut own = Vec::new();
    for slot in open.filter(|slot| brings(slot.name)) {
        let what = What::Extra { group: 0, name: slot.name.to_string() };
        let Ok(ties) = ties((kind, 0), (kind, 0), &[]) else { continue };
        let (name, owner) = (slot.name.clone(), recipient.partner.clone());
        own.push(Also { name, group: 0, kind: kind.clone(), what, ties, owner });
    }
    own
}

/// What partners bring with their orders and want to read again: the layout of a status says its name, no table is needed.
fn echoed(layout: &Layout, slots: &[Slot<'_>], known: &[Also], recipient: &Sender) -> Vec<Also> {
    let own = &*layout.kind;
    let Some(order) = shipped_kinds().get("order").filter(|_| own.name == "order_status") else { return Vec::new() };
    let lines = order.group("lines").unwrap_or_default();
    let mut echoed = Vec::new();
    for slot in slots.iter().filter(|slot| !known.iter().any(|also| *also.name == **slot.name)) {
        let of_line = own.groups[slot.group].field("line_no").is_some();
        let group = match slot.group {
            0 => 0,
            _ if of_line => lines,
            _ => continue,
        };
        let what = What::Extra { group, name: slot.name.to_string() };
        let Ok(ties) = also::ties((own, slot.group), (order, group), &[]) else { continue };
        echoed.push(Also {
            name: slot.name.clone(),
            group: slot.group,
            kind: order.clone(),
            what,
            ties,
            owner: recipient.partner.clone(),
        });
    }
    echoed
}
