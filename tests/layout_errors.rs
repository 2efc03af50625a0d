//! Fifteen layouts with one fault each: what is wrong is told at its line and column, with what was probably meant.

use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::{Extendable, read_extended, read_layout};

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
    ("%d.%m.%Y", "%d.%m.%K", 20, 30, &["%K"]),
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

/// A layout of every other syntax, with one fault each: what can never work is told too.
const OTHERS: [(&str, &str, &str, &[&str]); 18] = [
    (
        GOOD,
        "\"lines.article_no\"],",
        "\"lines.article_no\"],\n  [\"= row.Skuu\", \"note\"],",
        &["line 22, column 3", "row.Skuu", "Did you mean \"Sku\"?"],
    ),
    (GOOD, "date %d.%m.%Y", "date dd.mm.yyyy", &["line 20, column 30", "\"dd.mm.yyyy\"", "as in %d.%m.%Y"]),
    (GOOD, "lookup=unit", "lookup=country", &["line 23, column 30", "there is no [lookup.country]", "it has unit"]),
    (
        GOOD,
        "opens = \"lines\"\ngroup_by = [\"No\"]",
        "adds = \"lines\"\ngroup_by = [\"No\"]",
        &["nothing opens \"lines\""],
    ),
    (
        FIXED,
        "tag = \"L\"",
        "tag = \"LL\"",
        &["line 14, column 1", "\"LL\" is longer than the place of the tag, which has 1"],
    ),
    (FIXED, "tag = \"L\"", "tag = \"H\"", &["line 14, column 1", "the tag of the record \"head\" too"]),
    (FIXED, "11-15", "15-11", &["line 20, column 3", "\"15-11\" are not columns like 8-20"]),
    (FIXED, "width = 40", "width = 12", &["line 20, column 3", "lies behind the record's width of 12"]),
    (
        XML,
        "root = \"o:orders\"",
        "root = \"p:orders\"",
        &["line 6, column 8", "\"p:\" is not declared in [xml.namespaces]"],
    ),
    (
        XML,
        "tag = \"o:order\"",
        "tag = \"/o:order\"",
        &["line 9, column 1", "begins at the document", "Did you mean \"o:order\"?"],
    ),
    (XML, "\"o:qty\"", "\"p:qty\"", &["line 19, column 42", "\"p:\" is not declared"]),
    (XML, "\"o:date\"", "\"o:date[1\"", &["line 14, column 3", "brackets belong to the last element"]),
    (TAGGED, "\"200\"", "\"marker x\"", &["line 18, column 11", "\"marker x\" is neither a tag nor characters"]),
    (
        XML,
        "root = \"o:orders\"",
        "root = \"o:orders\"\ndoctype = \"orders SYSTEM 'o.dtd'\"",
        &["line 7, column 11", "not what a document type names", "SYSTEM \"…\""],
    ),
    (XML, "root = \"o:orders\"", "root = \"o:orders\"\ndoctype = 'PUBLIC \"o.dtd\"'", &["line 7", "expected SYSTEM"]),
    (
        FIXED,
        "\"decimal implied=2 required\"],\n]\n",
        "\"decimal implied=2 required\"],\n]\n[[record]]\nname = \"text\"\ntag = \"T\"\nadds = \"lines\"\nnode_by = [\"2-10\"]\nfields = [[\"11-40\", \"lines.note\"]]\n",
        &["line 22, column 1", "no record opens one with a key", "opens = \"lines\""],
    ),
    (
        GOOD,
        "columns = \"names\"\n\n[lookup.unit]",
        "columns = \"positions\"\n\n[[record]]\nfields = [[\"11-14\", \"-\"]]\n[lookup.unit]",
        &["\"11-14\" names several columns; expected a row for each", "more = \"ignore\""],
    ),
    (TAGGED, "opens = \"lines\"", "adds = \"lines\"", &["line 14, column 1", "nothing opens \"lines\""]),
];

const FIXED: &str = "layout = \"fx\"\ntitle = \"Fx\"\nkind = \"order\"\nsyntax = \"fixed\"\n[fixed]\nwidth = 40\ntag = \"1-1\"\n[[record]]\nname = \"head\"\ntag = \"H\"\nopens = \"message\"\nfields = [[\"2-10\", \"buyer_order_no\", \"text required\"]]\n\n[[record]]\nname = \"line\"\ntag = \"L\"\nopens = \"lines\"\nfields = [\n  [\"2-10\", \"lines.article_no\"],\n  [\"11-15\", \"lines.qty\", \"decimal implied=2 required\"],\n]\n";

const XML: &str = "layout = \"x\"\ntitle = \"X\"\nkind = \"order\"\nsyntax = \"xml\"\n[xml]\nroot = \"o:orders\"\n[xml.namespaces]\no = \"urn:o\"\n[[record]]\ntag = \"o:order\"\nopens = \"message\"\nfields = [\n  [\"@no\", \"buyer_order_no\", \"required\"],\n  [\"o:date\", \"order_date\"],\n]\n[[record]]\ntag = \"o:lines/o:line\"\nopens = \"lines\"\nfields = [[\"o:sku\", \"lines.article_no\"], [\"o:qty\", \"lines.qty\", \"required\"]]\n";

const TAGGED: &str = "layout = \"t\"\ntitle = \"T\"\nkind = \"order\"\nsyntax = \"tagged\"\n[tagged]\nprefix = \"#\"\nseparator = \";\"\ntag = \"1-2\"\n[[record]]\nname = \"order\"\ntag = \"01\"\nopens = \"message\"\nfields = [[\"100\", \"buyer_order_no\", \"text required\"]]\n[[record]]\nname = \"line\"\ntag = \"11\"\nopens = \"lines\"\nfields = [[\"200\", \"lines.article_no\"], [\"210\", \"lines.qty\", \"required\"]]\n";

#[test]
fn what_can_never_work_is_told_in_every_syntax() {
    let mut wrong = Vec::new();
    for (good, found, instead, words) in OTHERS {
        assert!(read_layout("l.toml", good, shipped_kinds()).is_ok(), "{good}");
        let text = good.replacen(found, instead, 1);
        assert_ne!(text, good, "{found} is not there");
        let told: Vec<String> = match read_layout("l.toml", &text, shipped_kinds()) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        };
        if !told.iter().any(|told| words.iter().all(|word| told.contains(word))) {
            wrong.push(format!("{instead}: expected {words:?}; told:\n    {}", told.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_variant_that_changes_a_record_that_is_not_there_is_told() {
    let text =
        "layout = \"nord\"\nextends = \"shop\"\n[[record]]\nname = \"lines\"\nfields = [[\"Menge\", \"lines.qty\"]]\n";
    let two = format!(
        "{GOOD}[[record]]\nname = \"end\"\ncloses = \"file\"\nwhen = [\"No\", \"\"]\nfields = [[\"Qty\", \"-\"]]\n"
    );
    let others = [Extendable::new("shop.toml", &two)];
    let problems = read_extended("nord.toml", text, shipped_kinds(), &others).map(|_| ()).unwrap_err();
    let told = problems[0].to_string();
    assert!(told.starts_with("nord.toml, line 4, column 8"), "{told}");
    assert!(told.contains("has no record \"lines\"") && told.contains("Did you mean \"line\"?"), "{told}");
}
