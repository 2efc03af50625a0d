//! Fifteen layouts with one fault each: what is wrong is told at its line and column, with what was probably meant.

use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::read_layout;

const GOOD: &str = r#"layout = "shop"
title = "Shop"
kind = "order"
syntax = "delimited"
encoding = "cp1252"

[delimited]
delimiter = ";"
columns = "names"

[lookup.unit]
Stk = "PCE"

[[record]]
name = "line"
opens = "lines"
group_by = ["No"]
fields = [
  ["No",   "buyer_order_no", "text required"],
  ["Date", "order_date",     "date %d.%m.%Y"],
  ["Sku",  "lines.article_no"],
  ["Qty",  "lines.qty",      "decimal point=, required"],
  ["Unit", "lines.unit",     "lookup=unit"],
]
"#;

/// What is exchanged for what, the line and column it is told at, and words that are said.
const FAULTS: [(&str, &str, usize, usize, &[&str]); 15] = [
    ("layout = \"shop\"\n", "", 0, 0, &["\"layout\": is missing."]),
    ("kind = \"order\"", "kind = \"ordre\"", 3, 8, &["no kind \"ordre\"", "Did you mean \"order\"?"]),
    (
        "syntax = \"delimited\"",
        "syntax = \"delimeted\"",
        4,
        10,
        &["expected one of: delimited, fixed", "Did you mean \"delimited\"?"],
    ),
    ("cp1252", "cp1255x", 5, 12, &["not an encoding known here", "Did you mean \"cp1252\"?"]),
    ("[delimited]", "[delimited]\nheadr = \"none\"", 8, 1, &["this key is not known here", "Did you mean \"header\"?"]),
    (
        "columns = \"names\"",
        "columns = \"name\"",
        9,
        11,
        &["expected one of: names, positions, rows", "Did you mean \"names\"?"],
    ),
    ("opens = \"lines\"", "opens = \"line\"", 16, 9, &["is not something a record opens", "Did you mean \"lines\"?"]),
    (
        "\"buyer_order_no\"",
        "\"buyer_orderno\"",
        19,
        12,
        &["is not a field of order", "extra.NAME", "Did you mean \"buyer_order_no\"?"],
    ),
    ("text required", "text requird", 19, 30, &["\"requird\"", "Did you mean \"required\"?"]),
    ("%d.%m.%Y", "%d.%m.%Q", 20, 30, &["%Q"]),
    ("point=,", "point=;;", 22, 30, &["point"]),
    ("lookup=unit", "lookup=units", 23, 30, &["there is no [lookup.units]", "Did you mean \"unit\"?"]),
    (
        "  [\"Sku\",  \"lines.article_no\"],",
        "  [\"Sku\"],",
        21,
        3,
        &["a row is [\"place\", \"ours\", \"form\", \"partner's name\"]"],
    ),
    (
        "\"lines.qty\",      \"decimal",
        "\"sum(lines.qtty)\",      \"decimal",
        22,
        12,
        &["\"lines.qtty\" is not a field of order"],
    ),
    ("\"decimal point=, required\"],", "\"decimal point=, required],", 22, 0, &["this is not valid TOML"]),
];

#[test]
fn what_is_wrong_in_a_layout_is_told_where_it_stands() {
    assert!(read_layout("layouts/shop.toml", GOOD, shipped_kinds()).is_ok());
    let mut wrong = Vec::new();
    for (found, instead, line, column, words) in FAULTS {
        let text = GOOD.replacen(found, instead, 1);
        assert_ne!(text, GOOD, "{found} is not there");
        let told: Vec<String> = match read_layout("layouts/shop.toml", &text, shipped_kinds()) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        };
        let place = match (line, column) {
            (0, _) => "layouts/shop.toml".to_string(),
            (line, 0) => format!("layouts/shop.toml, line {line}, column "),
            (line, column) => format!("layouts/shop.toml, line {line}, column {column}, "),
        };
        if !told.iter().any(|told| told.starts_with(&place) && words.iter().all(|word| told.contains(word))) {
            wrong.push(format!("{instead}: expected {place} {words:?}; told:\n    {}", told.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
