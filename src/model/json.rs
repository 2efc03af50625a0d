//! A message as one JSON object, and back: `decode` and `encode` print and read these lines, the ledger stores held messages as them.
//!
//! Fields stand by name in the order of the kind; a missing value is left out, an empty one is `""`. Whole numbers and
//! booleans are JSON's own, every scaled number is a string with its exact digits (`"2.5"`), since JSON numbers are
//! floats to most readers. A number that was resolved to ours has the one sent beside it (`article_no_sent`). Groups are
//! arrays inside the part they belong to, the partner's own fields stand under `extra`.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::batch::{Batch, Message, NodeRef, Value};
use super::decimal::{self, NotDecimal};
use super::diagnostic::{Place, Problem};
use super::document::suggest;
use super::kind::{Field, FieldType, Group};
use super::rules::identity;
use super::wording;

/// Where the partner's own fields stand.
pub const EXTRA: &str = "extra";

/// The message as an object.
pub fn to_json(message: Message<'_>) -> Json {
    node_to_json(message, message.head())
}

/// The message as one line, without its line end.
pub fn to_line(message: Message<'_>) -> String {
    to_json(message).to_string()
}

fn node_to_json(message: Message<'_>, node: NodeRef<'_>) -> Json {
    let kind = message.kind();
    let group = &kind.groups[node.group()];
    let mut object = Map::new();
    for (index, field) in group.fields.iter().enumerate() {
        let mut put = |name: String, value| {
            if let Some(json) = value_to_json(field, value) {
                object.insert(name, json);
            }
        };
        put(field.name.clone(), node.value(index));
        if let Some(column) = field.sent_column() {
            put(column, node.sent(index));
        }
    }
    for (name, value) in node.extras() {
        let extras = object.entry(EXTRA).or_insert_with(|| Json::Object(Map::new()));
        // A name that came more than once keeps all its values.
        match extras.as_object_mut().and_then(|extras| extras.get_mut(name)) {
            Some(Json::Array(values)) => values.push(value.into()),
            Some(first) => *first = Json::Array(vec![first.take(), value.into()]),
            None => extras[name] = value.into(),
        }
    }
    // Ten thousand lines are not gone through for each of them.
    let may_have_children = kind.groups.iter().skip(1).any(|group| group.parent == node.group());
    let is_child = |child: &NodeRef<'_>| child.index() > 0 && child.parent() == node.index();
    for child in message.nodes().take_while(|_| may_have_children).filter(is_child) {
        let name = &kind.groups[child.group()].name;
        let list = object.entry(name.as_str()).or_insert_with(|| Json::Array(Vec::new()));
        if let Some(list) = list.as_array_mut() {
            list.push(node_to_json(message, child));
        }
    }
    Json::Object(object)
}

fn value_to_json(field: &Field, value: Value<'_>) -> Option<Json> {
    Some(match (value, field.field_type.scale()) {
        (Value::Missing, _) => return None,
        (Value::Empty, _) => "".into(),
        (Value::Text(text), _) => text.into(),
        (Value::Number(number), _) if field.field_type == FieldType::Boolean => (number != 0).into(),
        (Value::Number(number), Some(scale)) if scale > 0 => decimal::text(number, scale).into(),
        (Value::Number(number), _) => number.into(),
    })
}

/// Reads one line into the batch; `line` is its number in the file. With a problem nothing is left in the batch.
pub fn read_line(text: &str, line: u32, number: u64, batch: &mut Batch) -> Result<(), Vec<Problem>> {
    let mut reader = Reader { line, number, problems: Vec::new() };
    match serde_json::from_str(text) {
        Ok(Json::Object(object)) => {
            batch.begin(number, line);
            reader.node(batch, 0, 0, &object, "");
            if !reader.problems.is_empty() {
                batch.drop_last();
            }
        }
        Ok(_) => reader.problem("", wording::json_not_object),
        Err(error) => {
            // Columns are bytes from 1; 0 is before all of them.
            let at = error.column().saturating_sub(1);
            let found = text.get(at..).filter(|_| !error.is_eof()).map(str::trim_end);
            reader.problem("", |place| wording::json_invalid(place, error.column().max(1), found));
        }
    }
    if reader.problems.is_empty() { Ok(()) } else { Err(reader.problems) }
}

struct Reader {
    line: u32,
    number: u64,
    problems: Vec<Problem>,
}

impl Reader {
    fn problem(&mut self, path: &str, make: impl FnOnce(Place) -> Problem) {
        let place = Place { line: self.line, byte: 0, field: path.to_string(), spoken: None };
        self.problems.push(Problem { message: self.number, ..make(place) });
    }

    fn node(&mut self, batch: &mut Batch, group_index: usize, node: u32, object: &Map<String, Json>, path: &str) {
        let kind = batch.kind().clone();
        let group = &kind.groups[group_index];
        for (name, json) in object {
            let path = format!("{path}{name}");
            if let Some(cell) = cell_named(group, name) {
                self.cell(batch, node, cell, json, &path);
            } else if let Some(child) = child_named(&kind.groups, group_index, name) {
                self.children(batch, child, node, json, &path);
            } else if name == EXTRA {
                self.extras(batch, node, json, &path);
            } else {
                let known: Vec<&str> = group.fields.iter().map(|f| f.name.as_str()).collect();
                let hint = suggest(name, &known);
                self.problem(&path, |place| wording::json_unknown(place, hint));
            }
        }
        for field in group.fields.iter().filter(|f| f.required && !object.contains_key(&f.name)) {
            self.problem(&format!("{path}{}", field.name), wording::json_missing);
        }
    }

    fn cell(&mut self, batch: &mut Batch, node: u32, (cell, field): (usize, &Field), json: &Json, path: &str) {
        match read_value(&field.field_type, json) {
            Ok(Read::Empty) if field.required => self.problem(path, wording::json_missing),
            Ok(Read::Empty) => batch.set_empty(node, cell),
            Ok(Read::Number(number)) => batch.set_number(node, cell, number),
            Ok(Read::Text(text)) => batch.set_text(node, cell, text),
            Err(expected) => self.problem(path, |place| wording::json_value(place, &json.to_string(), &expected)),
        }
    }

    fn children(&mut self, batch: &mut Batch, group: usize, parent: u32, json: &Json, path: &str) {
        let Json::Array(items) = json else {
            return self.problem(path, |place| wording::json_value(place, &json.to_string(), "a list of objects"));
        };
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{}].", index + 1);
            match item {
                Json::Object(object) => {
                    let node = batch.open(group, parent, self.line);
                    self.node(batch, group, node, object, &path);
                }
                _ => self.problem(&path, wording::json_not_object),
            }
        }
    }

    fn extras(&mut self, batch: &mut Batch, node: u32, json: &Json, path: &str) {
        let Json::Object(extras) = json else { return self.problem(path, wording::json_not_object) };
        for (name, json) in extras {
            let name: Arc<str> = name.as_str().into();
            let values = if let Json::Array(values) = json { values.as_slice() } else { std::slice::from_ref(json) };
            for value in values {
                match value.as_str() {
                    Some(text) => batch.add_extra(node, &name, text),
                    None => self.problem(path, |place| wording::json_value(place, &value.to_string(), "a text")),
                }
            }
        }
    }
}

/// A field's cell by its name, or the cell of its number as sent.
fn cell_named<'g>(group: &'g Group, name: &str) -> Option<(usize, &'g Field)> {
    group.fields.iter().enumerate().find_map(|(index, field)| {
        if field.name == name {
            return Some((index, field));
        }
        let sent = field.sent_column().is_some_and(|column| column == name);
        sent.then(|| group.sent_cell(index)).flatten().map(|cell| (cell, field))
    })
}

fn child_named(groups: &[Group], parent: usize, name: &str) -> Option<usize> {
    groups.iter().position(|g| !g.name.is_empty() && g.parent == parent && g.name == name)
}

enum Read<'a> {
    Empty,
    Number(i64),
    Text(&'a str),
}

/// What a field of this type expects instead of this value; none: it takes it.
pub fn expected(field_type: &FieldType, value: &Json) -> Option<String> {
    read_value(field_type, value).err()
}

/// `Err` says what was expected.
fn read_value<'a>(field_type: &FieldType, json: &'a Json) -> Result<Read<'a>, String> {
    let scale = field_type.scale();
    match (json, scale) {
        (Json::String(text), _) if text.is_empty() => Ok(Read::Empty),
        (Json::Bool(value), _) if *field_type == FieldType::Boolean => Ok(Read::Number(i64::from(*value))),
        (_, Some(_)) if *field_type == FieldType::Boolean => Err("true or false".into()),
        (Json::String(text), Some(scale)) => read_decimal(text, scale),
        // A number with a point or exponent went through a float already.
        (Json::Number(number), Some(scale)) if number.is_i64() => read_decimal(&number.to_string(), scale),
        (_, Some(0)) => Err("a whole number".into()),
        (_, Some(_)) => Err("a number in quotes, like \"2.5\"".into()),
        (Json::String(text), None) => check_text(field_type, text).map(|()| Read::Text(text)),
        _ => Err("a text".into()),
    }
}

fn read_decimal(text: &str, scale: u32) -> Result<Read<'static>, String> {
    decimal::parse(text.as_bytes(), b'.', scale).map(Read::Number).map_err(|why| match why {
        NotDecimal::Malformed if scale == 0 => "a whole number".to_string(),
        NotDecimal::Malformed => "a number like \"2.5\"".to_string(),
        NotDecimal::TooFine => format!("at most {scale} digits after the point"),
        NotDecimal::TooLarge => "a smaller number".to_string(),
    })
}

/// Is the text what a batch would hold in a field of this type?
fn check_text(field_type: &FieldType, text: &str) -> Result<(), String> {
    let upper = |count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_uppercase());
    if field_type.is_identifier() && !identity::is_bare(text) {
        return Err("a number without white space at its ends and without characters that nobody sees".into());
    }
    if let Some(max) = field_type.length() {
        let fits = text.chars().count() <= max;
        return if fits { Ok(()) } else { Err(format!("at most {max} characters")) };
    }
    let (good, expected) = match field_type {
        FieldType::Date => (
            text.len() == 10 && chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok(),
            "a date like 2026-11-30".to_string(),
        ),
        FieldType::Time => (
            text.len() == 8 && chrono::NaiveTime::parse_from_str(text, "%H:%M:%S").is_ok(),
            "a time like 14:05:00".to_string(),
        ),
        FieldType::Instant => (
            text.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(text).is_ok(),
            "an instant like 2026-11-30T14:05:00Z".to_string(),
        ),
        FieldType::Currency => (upper(3), "three capital letters like EUR".to_string()),
        FieldType::Country => (upper(2), "two capital letters like DE".to_string()),
        FieldType::Choice(words) => (words.iter().any(|w| w == text), format!("one of: {}", words.join(", "))),
        _ => (true, String::new()),
    };
    if good { Ok(()) } else { Err(expected) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kind::shipped_kinds;

    fn order() -> Batch {
        Batch::new(shipped_kinds().get("order").unwrap().clone())
    }

    const LINE: &str = r#"{"buyer_order_no":"B-1","order_date":"2026-11-30","drop_ship":true,"reference":"","extra":{"colour":"red"},"lines":[{"line_no":1,"article_no":"OURS","article_no_sent":"THEIRS","qty":"2.5","line_charges":[{"charge_type":"allowance","pct":"3.25"}]},{"line_no":2,"qty":"-1"}],"charges":[{"charge_type":"charge","amount":"4.9"}]}"#;

    #[test]
    fn a_line_reads_back_as_it_was() {
        let mut batch = order();
        read_line(LINE, 7, 1, &mut batch).unwrap();
        assert_eq!(to_line(batch.message(0)), LINE);
        let message = batch.message(0);
        let (group, article) = batch.kind().path("lines.article_no").unwrap();
        let line = message.group(group).next().unwrap();
        assert_eq!((line.value(article), line.sent(article)), (Value::Text("OURS"), Value::Text("THEIRS")));
        assert_eq!(message.head().value(batch.kind().path("reference").unwrap().1), Value::Empty);
    }

    #[test]
    fn every_problem_of_a_line_is_told_with_its_path() {
        let mut batch = order();
        let text = r#"{"order_date":"2026-02-31","currncy":"EUR","lines":[{"qty":2.5},{"qty":"1.0000001","net_price":"x"}],"charges":{}}"#;
        let problems = read_line(text, 3, 9, &mut batch).unwrap_err();
        let told: Vec<String> = problems.iter().map(|p| p.to_string()).collect();
        for expected in [
            "\"order_date\": \"2026-02-31\" is not taken; expected a date",
            "\"currncy\": this name is not known here. Did you mean \"currency\"?",
            "\"lines[1].qty\": 2.5 is not taken; expected a number in quotes",
            "\"lines[2].qty\": \"1.0000001\" is not taken; expected at most 6 digits",
            "\"lines[2].net_price\": \"x\" is not taken",
            "\"charges\": {} is not taken; expected a list",
            "\"buyer_order_no\": it is missing",
        ] {
            assert!(told.iter().any(|t| t.contains(expected)), "{expected} in {told:#?}");
        }
        assert!(problems.iter().all(|p| p.message == 9 && p.place.line == 3));
        assert!(batch.is_empty());
        assert!(read_line("[1]", 1, 1, &mut batch).is_err() && read_line("{", 1, 1, &mut batch).is_err());
    }
}
