//! A partner's sample compared with what expected.json says, in the neutral names of its vocabulary.

use std::path::{Path, PathBuf};

use nattpost::model::batch::{Message, Value};
use nattpost::model::decimal;
use nattpost::model::kind::FieldType;
use nattpost::model::layout::{Decoded, Layout};
use serde_json::{Map, Value as Json};

use crate::decoding::{Found, decode};

/// The shared folder of partner samples, when it is there.
pub fn shared() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path = std::env::var_os("NATTPOST_SHARED").map_or_else(beside, PathBuf::from);
    if !path.join("partners").is_dir() {
        println!("skipped: {} holds no partner samples", path.display());
        return None;
    }
    Some(path)
}

pub fn decode_file(layout: &Layout, path: &Path) -> (Found, Decoded) {
    decode(layout, &std::fs::read(path).unwrap())
}

/// Neutral name of an order's field, as a path of expected.json.
const ORDER: [(&str, &str); 31] = [
    ("buyer_order_no", "order_no"),
    ("customer_no", "customer_no"),
    ("order_date", "order_date"),
    ("requested_date", "requested_date"),
    ("allow_backorder", "allow_backorder"),
    ("currency", "currency"),
    ("language", "language"),
    ("paid_date", "paid_date"),
    ("note", "note"),
    ("delivery_method", "ship_method"),
    ("payment_method", "payment_method"),
    ("payment_days", "payment_days"),
    ("freight", "shipping_amount"),
    ("delivery_name", "ship_to.name"),
    ("delivery_contact", "ship_to.contact"),
    ("delivery_street", "ship_to.street"),
    ("delivery_street2", "ship_to.street2"),
    ("delivery_zip", "ship_to.zip"),
    ("delivery_city", "ship_to.city"),
    ("delivery_state", "ship_to.state"),
    ("delivery_country", "ship_to.country"),
    ("delivery_phone", "ship_to.phone"),
    ("delivery_email", "ship_to.email"),
    ("lines.line_no", "line_no"),
    ("lines.article_no", "article_no"),
    ("lines.isbn", "isbn"),
    ("lines.qty", "qty"),
    ("lines.description", "description"),
    ("lines.net_price", "net_price"),
    ("lines.gross_price", "unit_price"),
    ("lines.discount_pct", "discount_pct"),
];

/// The decoded orders in the neutral vocabulary.
pub fn neutral_orders(found: &Found) -> Vec<Json> {
    found.messages().map(|message| neutral_order(&message)).collect()
}

fn neutral_order(message: &Message<'_>) -> Json {
    let kind = message.kind();
    let mut order = Map::new();
    let mut lines = Vec::new();
    for node in message.nodes() {
        let group = &kind.groups[node.group()];
        let mut object = Map::new();
        for (index, field) in group.fields.iter().enumerate() {
            let path = if node.group() == 0 { field.name.clone() } else { format!("{}.{}", group.name, field.name) };
            let text = match (node.value(index), &field.field_type) {
                (Value::Missing | Value::Empty, _) => continue,
                (Value::Text(text), _) => Json::from(text),
                (Value::Number(n), FieldType::Boolean) => Json::from(n != 0),
                (Value::Number(n), t) => Json::from(decimal::text(n, t.scale().unwrap())),
            };
            let neutral = match path.as_str() {
                "lines.tax_pct" => "tax_pct",
                other => ORDER.iter().find(|(ours, _)| *ours == other).map_or(other, |(_, neutral)| neutral),
            };
            match neutral.split_once('.') {
                Some((outer, inner)) => {
                    let nested = object.entry(outer).or_insert_with(|| Json::Object(Map::new()));
                    nested.as_object_mut().unwrap().insert(inner.to_string(), text);
                }
                None => {
                    object.insert(neutral.to_string(), text);
                }
            }
        }
        for (name, value) in node.extras() {
            object.insert(name.to_string(), Json::from(value));
        }
        match group.name.as_str() {
            "" => order = object,
            "lines" => lines.push(Json::Object(object)),
            other => panic!("no neutral name for {other}"),
        }
    }
    order.insert("lines".to_string(), Json::Array(lines));
    Json::Object(order)
}

/// Everything expected is there with that value; decimals compared as numbers. What we have beyond is fine only where
/// `more` names it.
pub fn compare(path: &str, expected: &Json, found: &Json, more: &[&str], wrong: &mut Vec<String>) {
    match (expected, found) {
        (Json::Object(expected), Json::Object(found)) => {
            for (key, value) in expected {
                match found.get(key) {
                    Some(ours) => compare(&format!("{path}.{key}"), value, ours, more, wrong),
                    None => wrong.push(format!("{path}.{key} is missing; expected {value}")),
                }
            }
            for (key, value) in found {
                if !expected.contains_key(key) && !more.contains(&key.as_str()) {
                    wrong.push(format!("{path}.{key} = {value} is not expected"));
                }
            }
        }
        (Json::Array(expected), Json::Array(found)) => {
            if expected.len() != found.len() {
                wrong.push(format!("{path}: {} instead of {}", found.len(), expected.len()));
            }
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(&format!("{path}[{index}]"), expected, found, more, wrong);
            }
        }
        (expected, found) => {
            let text = |json: &Json| json.as_str().map_or_else(|| json.to_string(), str::to_string);
            let (expected, found) = (text(expected), text(found));
            let number = |text: &str| decimal::parse(text.as_bytes(), b'.', 6).ok();
            let same = expected == found || number(&expected).is_some() && number(&expected) == number(&found);
            if !same {
                wrong.push(format!("{path}: \"{found}\" instead of \"{expected}\""));
            }
        }
    }
}

pub fn expected(folder: &Path) -> Json {
    serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap()
}
