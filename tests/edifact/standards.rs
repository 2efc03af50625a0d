//! Every EDIFACT file of the standards beside the project against its facts: right, wrong, refused. Neither files nor facts
//! are the project's, so that this says so and ends where they are absent.

use std::fmt::Write;
use std::path::PathBuf;

use nattpost::model::json::to_json;
use nattpost::model::layout::Layout;
use nattpost::model::layout::own::shipped_layout;
use nattpost::model::layout::standards::STANDARDS;
use serde_json::Value;

use crate::decoding::{Found, decode, layout_of};

fn standards() -> Option<PathBuf> {
    let shared = std::env::var("NATTPOST_SHARED").unwrap_or_else(|_| "../shared".to_string());
    let folder = PathBuf::from(shared).join("standards");
    if !folder.join("edifact").is_dir() {
        println!("no published EDIFACT files at {}: nothing to compare with", folder.display());
        return None;
    }
    Some(folder)
}

/// The shipped layout with other options.
fn variant(from: &str, to: &str) -> Layout {
    let text = STANDARDS.iter().find(|(id, _)| *id == "edifact-orders").unwrap().1.replacen(from, to, 1);
    layout_of(&text)
}

/// Orders that are valid by the facts and yet not taken, and why.
const NOT_TAKEN: [(&str, &str); 4] = [
    ("hupe1980__d01b_orders_conforming", "an order without a line orders nothing"),
    ("hupe1980__d96a_orders_conforming", "an order without a line orders nothing"),
    ("nerdocs__order", "UNB without UNZ: right with end = \"optional\""),
    ("nerdocs__order2", "UNB without UNZ: right with end = \"optional\""),
];

#[test]
fn published_orders_are_what_their_facts_say() {
    let Some(folder) = standards() else { return };
    let layout = shipped_layout("edifact-orders").unwrap();
    let open_ended = variant("message = \"ORDERS\"", "message = \"ORDERS\"\nend = \"optional\"");
    let mut names: Vec<_> = std::fs::read_dir(folder.join("edifact")).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    let (mut table, mut bad) = (String::new(), Vec::new());
    for path in names {
        let name = path.file_stem().unwrap().to_string_lossy().to_string();
        let bytes = std::fs::read(&path).unwrap();
        let facts = folder.join("expected").join(format!("edifact__{name}.edi.json"));
        let facts: Value = serde_json::from_slice(&std::fs::read(facts).unwrap()).unwrap();
        let is_order = facts["messages"].as_array().unwrap().iter().all(|m| m["type"] == "ORDERS");
        let (outcome, told) = judge(layout, &bytes, &facts);
        let expected = match NOT_TAKEN.iter().find(|(known, _)| *known == name) {
            Some((_, why)) if why.contains("optional") => {
                let (open, told) = judge(&open_ended, &bytes, &facts);
                if open != "right" {
                    bad.push(format!("{name} with an open end: {told}"));
                }
                "refused"
            }
            Some(_) => "refused",
            None if facts["validity"] == "valid" && is_order => "right",
            None => "refused",
        };
        let _ = writeln!(table, "{name:52} {:8} {outcome:8} {told}", facts["validity"].as_str().unwrap());
        if outcome != expected {
            bad.push(name);
        }
    }
    println!("{table}");
    assert!(bad.is_empty(), "{bad:?}\n{table}");
}

/// Right, wrong or refused, and the difference or the reason.
fn judge(layout: &Layout, bytes: &[u8], facts: &Value) -> (&'static str, String) {
    let (found, decoded) = decode(layout, bytes);
    let problems: Vec<String> = decoded
        .fatal
        .kept()
        .iter()
        .chain(found.refused.iter().flat_map(|r| &r.problems))
        .map(|p| p.to_string())
        .collect();
    if let Some(problem) = problems.first() {
        let placed = decoded.fatal.kept().is_empty() || problem.contains("line ") || problem.contains("the file");
        assert!(placed, "a reason has a place: {problem}");
        return ("refused", problem.clone());
    }
    match differences(&found, facts) {
        list if list.is_empty() => ("right", String::new()),
        list => ("wrong", list.join("; ")),
    }
}

fn differences(found: &Found, facts: &Value) -> Vec<String> {
    let messages: Vec<Value> = found.messages().map(to_json).collect();
    let expected = facts["messages"].as_array().unwrap();
    let mut list = Vec::new();
    if messages.len() != expected.len() {
        list.push(format!("{} messages, not {}", messages.len(), expected.len()));
    }
    for (ours, fact) in messages.iter().zip(expected) {
        let mut compare = |what: &str, ours: &Value, fact: &Value| {
            if text(ours) != text(fact) {
                list.push(format!("{what}: {} is not {}", text(ours), text(fact)));
            }
        };
        compare("number", &ours["buyer_order_no"], &fact["order_number"]);
        let (day, time) = match fact["document_date"].as_str().unwrap_or_default().split_once('T') {
            Some((day, time)) => (day.to_string(), format!("{time}:00")),
            None => (text(&fact["document_date"]), String::new()),
        };
        compare("date", &ours["order_date"], &day.into());
        compare("time", &ours["order_time"], &time.into());
        compare("currency", &ours["currency"], &fact["currency"]);
        compare("type", &ours["order_type"], &fact["document_code"]);
        compare("message", &ours["extra"]["message_no"], &fact["message_ref"]);
        compare("requested", &ours["requested_date"], &day_of(&fact["dates"]["2"]));
        compare("buyer", &ours["customer_no"], &fact["buyer"]["id"]);
        compare("buyer's name", &ours["extra"]["buyer_name"], &fact["buyer"]["name"]);
        compare("buyer's city", &ours["extra"]["buyer_city"], &fact["buyer"]["city"]);
        compare("supplier", &ours["extra"]["supplier"], &fact["supplier"]["id"]);
        compare("ship to", &ours["extra"]["delivery_no"], &fact["ship_to"]["id"]);
        lines(&mut compare, ours, fact);
    }
    list
}

fn lines(compare: &mut dyn FnMut(&str, &Value, &Value), ours: &Value, fact: &Value) {
    let empty = Vec::new();
    let (lines, facts) = (ours["lines"].as_array().unwrap_or(&empty), fact["lines"].as_array().unwrap_or(&empty));
    compare("lines", &lines.len().into(), &facts.len().into());
    for (line, fact) in lines.iter().zip(facts) {
        let pairs = [
            ("line_no", "line_no"),
            ("ean", "ean"),
            ("article_no", "seller_article"),
            ("buyer_article_no", "buyer_article"),
            ("qty", "quantity"),
            ("unit", "unit"),
            ("net_price", "unit_price"),
        ];
        for (name, known) in pairs {
            compare(name, &line[name], &fact[known]);
        }
        let price = &fact["prices"][fact["price_qualifier"].as_str().unwrap_or_default()][0];
        compare("price_per", &line["price_per"], &price["base_quantity"]);
        compare("price_unit", &line["price_unit"], &price["unit"]);
    }
}

fn day_of(value: &Value) -> Value {
    text(value).split('T').next().unwrap_or_default().into()
}

/// Numbers alike where they are the same number.
fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.parse::<f64>() {
        Ok(_) if text.contains('.') => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        _ => text,
    }
}
