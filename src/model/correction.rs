//! A message corrected by a person, field by field: where a field stands, what it may hold, what it held before.
//!
//! A field is named as its kind names it, a repeated part by its number from 1: `reference`, `lines.2.qty`,
//! `lines.2.line_charges.1.amount`, `extra.colour`. It knows messages as their JSON only (`json`) and judges nothing: whether
//! what comes of it can be taken is decided by the code that judges every message.

use serde_json::{Map, Value};

use super::document::suggest;
use super::json::{self, EXTRA};
use super::kind::{Field, FieldType, Kind};

/// What a person wants a field to hold; nothing: as if it had not been sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub field: String,
    pub value: Option<String>,
}

/// What came of an edit. A value that is not there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub personal: bool,
}

impl Edit {
    /// `FIELD=VALUE`; the value may hold further equals signs.
    pub fn parse(text: &str) -> Option<Edit> {
        let (field, value) = text.split_once('=')?;
        Some(Edit { field: plain(field), value: Some(value.to_string()) })
    }

    pub fn unset(field: &str) -> Edit {
        Edit { field: plain(field), value: None }
    }
}

/// `lines[2].qty`, as problems write it, is `lines.2.qty`.
fn plain(field: &str) -> String {
    field.trim().replace('[', ".").replace(']', "")
}

/// Carries all edits out, or none; an error says which field and why.
pub fn correct(kind: &Kind, message: &mut Value, edits: &[Edit]) -> Result<Vec<Change>, String> {
    let mut corrected = message.clone();
    let mut changes = Vec::with_capacity(edits.len());
    for edit in edits {
        let change = carry_out(kind, &mut corrected, edit).map_err(|why| format!("\"{}\": {why}", edit.field))?;
        changes.push(change);
    }
    *message = corrected;
    Ok(changes)
}

fn carry_out(kind: &Kind, message: &mut Value, edit: &Edit) -> Result<Change, String> {
    let parts: Vec<&str> = edit.field.split('.').collect();
    let (name, way) = parts.split_last().ok_or("no field is named")?;
    if let [way @ .., EXTRA] = way {
        let (_, node) = node(kind, message, way)?;
        let extras = node.entry(EXTRA).or_insert_with(|| Value::Object(Map::new()));
        let extras = extras.as_object_mut().ok_or("what stands there is no part")?;
        let before = put(extras, name, edit.value.as_deref().map(Value::from));
        // Nobody knows what it holds.
        return Ok(Change { field: edit.field.clone(), before, after: edit.value.clone(), personal: true });
    }
    let (group, node) = node(kind, message, way)?;
    let fields = &kind.groups[group].fields;
    let Some(field) = fields.iter().find(|field| field.name == *name && !field.ours) else {
        let known: Vec<&str> = fields.iter().filter(|field| !field.ours).map(|field| field.name.as_str()).collect();
        let hint = suggest(name, &known).map_or(String::new(), |near| format!(" Did you mean \"{near}\"?"));
        return Err(format!("there is no such field.{hint} Expected one of: {}", known.join(", ")));
    };
    let value = edit.value.as_deref().map(|text| typed(field, text)).transpose()?;
    if field.required && value.as_ref().is_none_or(|value| value == "") {
        return Err("it may not be empty".to_string());
    }
    // What we found out by the value before is found out anew.
    for ours in fields.iter().filter(|field| field.ours) {
        node.remove(&ours.name);
    }
    let sent = field.sent_column().and_then(|column| put(node, &column, None));
    let before = put(node, name, value);
    Ok(Change {
        field: edit.field.clone(),
        before: sent.or(before),
        after: edit.value.clone(),
        personal: field.personal,
    })
}

/// The part that a way of names and numbers leads to, and its group.
fn node<'m>(kind: &Kind, message: &'m mut Value, way: &[&str]) -> Result<(usize, &'m mut Map<String, Value>), String> {
    let (mut group, mut at) = (0, message);
    let mut steps = way.iter();
    while let Some(name) = steps.next() {
        let of_here =
            |candidate: &usize| kind.groups[*candidate].parent == group && kind.groups[*candidate].name == **name;
        let Some(found) = (1..kind.groups.len()).find(of_here) else {
            let children = kind.groups.iter().skip(1).filter(|child| child.parent == group);
            let known: Vec<&str> = children.map(|child| child.name.as_str()).collect();
            return Err(format!("\"{name}\" is no part of it; expected one of: {}", known.join(", ")));
        };
        let number = steps.next().and_then(|text| text.parse::<usize>().ok()).filter(|number| *number > 0);
        let Some(number) = number else {
            return Err(format!("which of \"{name}\"? Expected its number from 1, like {name}.2"));
        };
        let list = at.get_mut(*name).and_then(Value::as_array_mut);
        let count = list.as_ref().map_or(0, |list| list.len());
        let Some(next) = list.and_then(|list| list.get_mut(number - 1)) else {
            return Err(format!("there is no such part: the message has {count} of \"{name}\""));
        };
        (group, at) = (found, next);
    }
    Ok((group, at.as_object_mut().ok_or("the message is not stored as one")?))
}

/// What was there before, as text.
fn put(node: &mut Map<String, Value>, name: &str, value: Option<Value>) -> Option<String> {
    let before = match value {
        Some(value) => node.insert(name.to_string(), value),
        None => node.remove(name),
    };
    before.as_ref().map(text)
}

/// A value as people read it.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn typed(field: &Field, text: &str) -> Result<Value, String> {
    let value = match (&field.field_type, text) {
        (FieldType::Boolean, "true") => Value::Bool(true),
        (FieldType::Boolean, "false") => Value::Bool(false),
        _ => Value::from(text),
    };
    match json::expected(&field.field_type, &value) {
        None => Ok(value),
        Some(expected) => Err(format!("\"{text}\" is not taken; expected {expected}")),
    }
}

/// Every field of a message by the name under which it can be corrected, with its value.
pub fn fields(kind: &Kind, message: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    add_fields(kind, 0, message, "", &mut found);
    found
}

fn add_fields(kind: &Kind, group: usize, node: &Value, before: &str, found: &mut Vec<(String, String)>) {
    for field in kind.groups[group].fields.iter().filter(|field| !field.ours) {
        // The number that was sent is what is corrected.
        let sent = field.sent_column().and_then(|column| node.get(column));
        if let Some(value) = sent.or_else(|| node.get(&field.name)) {
            found.push((format!("{before}{}", field.name), text(value)));
        }
    }
    for (name, value) in node.get(EXTRA).and_then(Value::as_object).into_iter().flatten() {
        found.push((format!("{before}{EXTRA}.{name}"), text(value)));
    }
    for child in (1..kind.groups.len()).filter(|child| kind.groups[*child].parent == group) {
        let name = &kind.groups[child].name;
        for (index, part) in node.get(name).and_then(Value::as_array).into_iter().flatten().enumerate() {
            add_fields(kind, child, part, &format!("{before}{name}.{}.", index + 1), found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kind::shipped_kinds;

    const ORDER: &str = r#"{"buyer_order_no":"B-1","drop_ship":true,"extra":{"colour":"red"},"lines":[{"line_no":1,"article_no":"OURS","article_no_sent":"THEIRS","qty":"2.5","line_charges":[{"charge_type":"allowance","pct":"3.25"}]},{"line_no":2,"qty":"-1"}]}"#;

    fn edited(edits: &[&str]) -> Result<(Value, Vec<Change>), String> {
        let kinds = shipped_kinds();
        let kind = kinds.get("order").unwrap();
        let mut message: Value = serde_json::from_str(ORDER).unwrap();
        let edit = |text: &&str| Edit::parse(text).unwrap_or_else(|| Edit::unset(text));
        let changes = correct(kind, &mut message, &edits.iter().map(edit).collect::<Vec<_>>())?;
        Ok((message, changes))
    }

    #[test]
    fn a_field_is_found_by_its_way_and_both_values_are_told() {
        for (edit, before, after) in [
            ("buyer_order_no=B=2", Some("B-1"), Some("B=2")),
            ("lines.2.qty=3", Some("-1"), Some("3")),
            ("lines[2].qty=3", Some("-1"), Some("3")),
            ("lines.1.article_no=A 1", Some("THEIRS"), Some("A 1")),
            ("lines.1.line_charges.1.pct=4", Some("3.25"), Some("4")),
            ("drop_ship=false", Some("true"), Some("false")),
            ("extra.colour=blue", Some("red"), Some("blue")),
            ("reference=new", None, Some("new")),
            ("drop_ship", Some("true"), None),
        ] {
            let (message, changes) = edited(&[edit]).unwrap();
            let [change] = &changes[..] else { panic!("{edit}") };
            assert_eq!((change.before.as_deref(), change.after.as_deref()), (before, after), "{edit}");
            let kinds = shipped_kinds();
            let told = fields(kinds.get("order").unwrap(), &message);
            let now = told.iter().find(|(name, _)| *name == change.field).map(|(_, value)| value.as_str());
            assert_eq!(now, after, "{edit}");
            assert!(edit != "lines.1.article_no=A 1" || message["lines"][0].get("article_no_sent").is_none());
        }
    }

    #[test]
    fn what_cannot_be_is_said_with_what_is_expected_and_changes_nothing() {
        for (edit, why) in [
            ("buyer_order_nr=1", "Did you mean \"buyer_order_no\"?"),
            ("lines.3.qty=1", "has 2 of \"lines\""),
            ("lines.qty=1", "its number from 1, like lines.2"),
            ("lines.0.qty=1", "its number from 1"),
            ("rows.1.qty=1", "\"rows\" is no part of it; expected one of: "),
            ("lines.1.qty=two", "\"two\" is not taken; expected a number like \"2.5\""),
            ("drop_ship=yes", "expected true or false"),
            ("order_date=30.11.2026", "expected a date like 2026-11-30"),
            ("buyer_order_no=", "it may not be empty"),
            ("buyer_order_no", "it may not be empty"),
            ("received_at=2026-11-30T14:05:00Z", "there is no such field"),
        ] {
            let told = edited(&["reference=x", edit]).unwrap_err();
            assert!(told.contains(why), "{edit}: {told}");
        }
    }
}
