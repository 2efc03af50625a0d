//! UBL and openTRANS orders that nobody here wrote, against the facts that an independent program found in them: right, wrong or
//! refused, in a table.

use std::path::{Path, PathBuf};

use nattpost::model::decimal;
use nattpost::model::json::to_json;
use nattpost::model::layout::{Layout, read_layout};
use serde_json::Value;

use crate::decoding::decode;
use crate::naming::standards;

fn layout(id: &str) -> Layout {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/layouts/standards/{id}.toml"));
    let text = std::fs::read_to_string(file).unwrap();
    read_layout(id, &text, nattpost::model::kind::shipped_kinds())
        .unwrap_or_else(|problems| panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>()))
}

/// The same text, or the same number.
fn same(expected: &str, found: &str) -> bool {
    let number = |text: &str| decimal::parse(text.as_bytes(), b'.', 6).ok();
    expected == found || number(expected).is_some() && number(expected) == number(found)
}

/// Facts of an order and where ours stand; lines are compared apart.
const HEAD: [(&str, &str); 10] = [
    ("/order_number", "/buyer_order_no"),
    ("/document_date", "/order_date"),
    ("/issue_time", "/order_time"),
    ("/currency", "/currency"),
    ("/type_code", "/order_type"),
    ("/notes/0", "/note"),
    ("/buyer/name", "/extra/buyer_name"),
    ("/supplier/name", "/extra/supplier_name"),
    ("/total_line_amount", "/extra/total_lines"),
    ("/idrefs/BUYER_IDREF", "/extra/buyer_no"),
];
const LINE: [(&str, &str); 14] = [
    ("line_no", "partner_line_ref"),
    ("quantity", "qty"),
    ("unit", "unit"),
    ("unit_price", "net_price"),
    ("base_quantity", "price_per"),
    ("line_amount", "line_total"),
    ("name", "description"),
    ("seller_article", "article_no"),
    ("buyer_article", "buyer_article_no"),
    ("manufacturer_article", "supplier_article_no"),
    ("ean", "ean"),
    ("requested_start", "requested_date"),
    ("delivery_start", "requested_date"),
    ("status", "extra/line_status"),
];

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn compare(name: &str, expected: Option<&Value>, found: Option<&Value>, wrong: &mut Vec<String>) {
    let Some(expected) = expected.map(text) else { return };
    match found.map(text) {
        Some(found) if same(&expected, &found) => {}
        Some(found) => wrong.push(format!("{name}: \"{found}\" instead of \"{expected}\"")),
        None => wrong.push(format!("{name} is missing; expected \"{expected}\"")),
    }
}

/// What is not as the facts say.
fn differences(facts: &Value, ours: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (theirs, place) in HEAD {
        compare(theirs, facts.pointer(theirs), ours.pointer(place), &mut wrong);
    }
    let customer = ours.get("customer_no").map(text).unwrap_or_default();
    let ids = facts.pointer("/buyer/ids").and_then(Value::as_array).into_iter().flatten();
    let mut known: Vec<String> = ids.filter_map(|id| id.pointer("/1").map(text)).collect();
    let others =
        ["/buyer/endpoint", "/buyer/supplier_assigned_id", "/buyer/customer_assigned_id", "/idrefs/BUYER_IDREF"];
    known.extend(others.iter().filter_map(|place| facts.pointer(place).map(text)));
    if !known.contains(&customer) {
        wrong.push(format!("customer_no: \"{customer}\" is none of {known:?}"));
    }
    let (theirs, lines) = (facts["lines"].as_array().unwrap(), ours["lines"].as_array().unwrap());
    if theirs.len() != lines.len() {
        wrong.push(format!("{} lines instead of {}", lines.len(), theirs.len()));
    }
    for (theirs, line) in theirs.iter().zip(lines) {
        for (name, place) in LINE {
            compare(name, theirs.get(name), line.pointer(&format!("/{place}")), &mut wrong);
        }
        compare("price_currency", theirs.get("price_currency"), ours.get("currency"), &mut wrong);
    }
    wrong
}

/// Reads every order of a standard; a line of the table each.
fn table(standard: &str, layout: &Layout, is_order: &str) -> (Vec<String>, Vec<String>) {
    let Some(folder) = standards() else { return Default::default() };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder.join(standard)).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().to_string();
        let facts = folder.join("expected").join(format!("{standard}__{name}.json"));
        let facts: Value = serde_json::from_slice(&std::fs::read(facts).unwrap()).unwrap();
        let (found, decoded) = decode(layout, &std::fs::read(&file).unwrap());
        let messages: Vec<Value> = found.messages().map(to_json).collect();
        let problems = found.refused.iter().flat_map(|r| &r.problems).chain(decoded.fatal.kept());
        let told: Vec<String> = problems.map(|p| format!("[{}] {p}", p.code)).collect();
        let of_this_type = facts["messages"].as_array().is_some_and(|m| m.iter().any(|m| m["type"] == is_order));
        if !of_this_type {
            let named = told.first().is_some_and(|t| t.contains("the file is ") || t.contains("[xml-invalid] line"));
            if !messages.is_empty() || !named {
                bad.push(format!("{name}: not refused by name: {told:?}"));
            }
            continue;
        }
        let wrong = match messages.first() {
            Some(ours) => differences(&facts["messages"][0], ours),
            None => Vec::new(),
        };
        let verdict = match (messages.len(), wrong.is_empty()) {
            (1, true) => "right".to_string(),
            (1, false) => format!("wrong: {}", wrong.join("; ")),
            _ => format!("refused: {}", told.join("; ")),
        };
        rows.push(format!("{} {name}: {verdict}", facts["validity"].as_str().unwrap_or_default()));
    }
    rows.iter().for_each(|row| println!("{row}"));
    (rows, bad)
}

#[test]
fn ubl_orders_become_what_their_facts_say() {
    let (rows, bad) = table("ubl", &layout("ubl-order"), "Order");
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    let wrong: Vec<&String> = rows.iter().filter(|row| row.starts_with("valid") && !row.ends_with(": right")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // What is invalid is refused with its place, whether a row of the layout takes it or not.
    let read: Vec<&String> =
        rows.iter().filter(|row| row.starts_with("invalid") && !row.contains(": refused: [")).collect();
    assert!(read.is_empty(), "{read:#?}");
    let told = |name: &str, words: &str| rows.iter().any(|row| row.contains(name) && row.contains(words));
    assert!(rows.is_empty() || told("bad-model", "[element-unknown] line 50"), "{rows:#?}");
    assert!(rows.is_empty() || told("bad-model", "Did you mean \"ChannelCode\"?"), "{rows:#?}");
    assert!(rows.is_empty() || told("bad-code", "[code-unlisted] line 50"), "{rows:#?}");
    assert!(rows.is_empty() || rows.len() >= 13, "{}", rows.len());
}

#[test]
fn opentrans_orders_become_what_their_facts_say() {
    let (rows, bad) = table("opentrans", &layout("opentrans-order"), "ORDER");
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    let wrong: Vec<&String> = rows.iter().filter(|row| row.starts_with("valid") && !row.ends_with(": right")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rows.is_empty() || rows.len() >= 12, "{}", rows.len());
}
