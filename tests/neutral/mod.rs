//! Our messages in the neutral words of a partner's expected.json, and back: one list of pairs serves both directions.

use serde_json::{Map, Value as Json};

/// Our path (`lines.qty`, `extra.cost`) and the neutral one; `+` before ours joins several of ours to an object of that name.
pub type Pairs<'p> = &'p [(&'p str, &'p str)];

/// Moves the values at our paths to the neutral ones; whatever else is there goes along under its own name.
pub fn renamed(ours: &Json, pairs: Pairs<'_>) -> Json {
    let mut out = Json::Object(Map::new());
    let Json::Object(object) = ours else { return ours.clone() };
    for (name, value) in object {
        match value {
            Json::Array(items) => {
                let below = pairs.iter().find(|(path, _)| path == name).map_or(name.as_str(), |(_, neutral)| neutral);
                let prefix = format!("{name}.");
                let inner: Vec<(&str, &str)> =
                    pairs.iter().filter_map(|(path, neutral)| Some((path.strip_prefix(&prefix)?, *neutral))).collect();
                put(&mut out, below, items.iter().map(|item| renamed(item, &inner)).collect());
            }
            Json::Object(extras) => {
                for (extra, value) in extras {
                    let path = format!("{name}.{extra}");
                    put(&mut out, neutral(&path, pairs).unwrap_or(extra), value.clone());
                }
            }
            Json::String(text) if text.is_empty() => {}
            value => put(&mut out, neutral(name, pairs).unwrap_or(name), value.clone()),
        }
    }
    out
}

fn neutral<'p>(path: &str, pairs: Pairs<'p>) -> Option<&'p str> {
    pairs.iter().find(|(ours, _)| *ours == path).map(|(_, neutral)| *neutral)
}

/// Puts a value at a dotted path.
pub fn put(out: &mut Json, path: &str, value: Json) {
    let mut at = out;
    for part in path.split('.') {
        let object = at.as_object_mut().unwrap();
        at = object.entry(part).or_insert_with(|| Json::Object(Map::new()));
    }
    *at = value;
}

/// A neutral row as a message of ours.
pub fn ours(row: &Json, pairs: Pairs<'_>) -> Json {
    let mut out = Json::Object(Map::new());
    for (ours, neutral) in pairs {
        if let Some(value) = row.pointer(&format!("/{}", neutral.replace('.', "/"))) {
            let text = if let Json::Bool(flag) = value { Json::from(flag.to_string()) } else { value.clone() };
            put(&mut out, ours, text);
        }
    }
    out
}
