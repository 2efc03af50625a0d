//! Rows written and read back: the own CSV of every kind, record types with totals, grouped rows in any order.

mod decoding;
mod made;
mod row_capabilities;
mod row_faults;

use std::sync::Arc;

use decoding::{decode, layout};
use nattpost::model::batch::Batch;
use nattpost::model::json::{read_line, to_json};
use nattpost::model::kind::{Kind, shipped_kinds};
use nattpost::model::layout::own::{own_id, shipped_layout};
use nattpost::model::layout::{EncodeContext, EncodeError, Layout, read_layout};
use nattpost::model::rules::delta::Op;

use proptest::prelude::*;
use serde_json::{Value, json};

fn batch_of(kind: &Arc<Kind>, messages: &[Value]) -> Batch {
    let mut batch = Batch::new(kind.clone());
    for (index, message) in messages.iter().enumerate() {
        let line = message.to_string();
        read_line(&line, index as u32 + 1, index as u64 + 1, &mut batch).unwrap_or_else(|p| panic!("{p:#?}\n{line}"));
    }
    batch
}

fn written(layout: &Layout, messages: &[Value]) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    let mut encoder = layout.encoder(EncodeContext { zone: chrono_tz::Europe::Berlin }, &mut bytes)?;
    encoder.write(&batch_of(&layout.kind, messages))?;
    encoder.finish()?;
    Ok(bytes)
}

fn read_back(layout: &Layout, bytes: &[u8]) -> Vec<Value> {
    let (found, decoded) = decode(layout, bytes);
    let text = String::from_utf8_lossy(bytes);
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}\n{text}", decoded.fatal, found.refused);
    found.messages().map(|m| given(&to_json(m))).collect()
}

/// Without what is empty: a column that is there for one message is there for all.
fn given(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let given = object.iter().filter(|(_, v)| v.as_str() != Some(""));
            Value::Object(given.map(|(name, v)| (name.clone(), given_of(v))).collect())
        }
        other => given_of(other),
    }
}

fn given_of(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(given).collect(),
        Value::Object(_) => given(value),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn own_csv_is_the_identity(tape in proptest::collection::vec(any::<u64>(), 1..400), count in 1usize..4) {
        for kind in shipped_kinds().iter() {
            let mut tape = made::Tape::new(&tape);
            let messages: Vec<Value> = (0..count).map(|_| made::message(kind, &mut tape)).collect();
            let layout = shipped_layout(&own_id(kind, "csv")).unwrap();
            let bytes = written(layout, &messages).unwrap();
            let expected: Vec<Value> = messages.iter().map(given).collect();
            prop_assert_eq!(read_back(layout, &bytes), expected, "{}", kind.name);
        }
    }

    #[test]
    fn fixed_width_with_totals_is_the_identity(orders in proptest::collection::vec(order(), 1..4)) {
        let layout = layout("bisac-po/layout.toml");
        let bytes = written(&layout, &orders).unwrap();
        prop_assert!(bytes.split(|b| *b == b'\n').all(|l| l.is_empty() || l.len() == 81));
        prop_assert_eq!(read_back(&layout, &bytes), orders);
    }

    #[test]
    fn grouped_rows_are_the_same_messages_in_any_order(
        count in 1usize..8,
        lines in 1usize..5,
        mix in proptest::collection::vec(any::<u32>(), 40),
    ) {
        let layout = layout("missingink-orders/layout.toml");
        let orders: Vec<Value> = (0..count).map(|n| grouped_order(n, lines)).collect();
        let text = String::from_utf8(written(&layout, &orders).unwrap()).unwrap();
        prop_assert_eq!(read_back(&layout, text.as_bytes()), orders.clone());
        let (header, rows) = text.split_once('\n').unwrap();
        let mut rows: Vec<(u32, &str)> = rows.split_inclusive('\n').zip(mix).map(|(row, at)| (at, row)).collect();
        rows.sort();
        let mixed: String = std::iter::once(format!("{header}\n")).chain(rows.iter().map(|r| r.1.to_string())).collect();
        let mut back = read_back(&layout, mixed.as_bytes());
        let no = |order: &Value| order["buyer_order_no"].as_str().unwrap().to_string();
        let first_rows: Vec<String> = rows.iter().map(|r| r.1.split(',').next().unwrap().to_string()).collect();
        let mut expected_order: Vec<String> = Vec::new();
        first_rows.into_iter().for_each(|n| if !expected_order.contains(&n) { expected_order.push(n) });
        prop_assert_eq!(back.iter().map(no).collect::<Vec<_>>(), expected_order);
        for order in &mut back {
            let lines = order["lines"].as_array_mut().unwrap();
            lines.sort_by_key(|l| l["article_no"].to_string());
            lines.iter_mut().enumerate().for_each(|(n, l)| l["line_no"] = json!(n + 1));
        }
        back.sort_by_key(no);
        prop_assert_eq!(back, orders);
    }
}

fn order() -> impl Strategy<Value = Value> {
    let line =
        ("[0-9]{9}[0-9X]", 1u32..99_999, proptest::option::of(1u32..999_999), 0u32..99_999, "[A-Z][A-Z ]{0,20}[A-Z]");
    let line = line.prop_map(|(isbn, qty, price, discount, title)| {
        let mut line =
            json!({"isbn": isbn, "qty": qty.to_string(), "discount_pct": decimal(discount, 3), "description": title});
        if let Some(price) = price {
            line["net_price"] = json!(decimal(price, 2));
        }
        line
    });
    ("[A-Z0-9][A-Z0-9-]{0,11}", "[0-9]{7}", any::<bool>(), proptest::collection::vec(line, 1..4)).prop_map(
        |(no, customer, backorder, mut lines)| {
            for (n, line) in lines.iter_mut().enumerate() {
                let number = json!(n + 1);
                let mut ordered = serde_json::Map::new();
                ordered.insert("line_no".into(), number);
                ordered.extend(line.as_object().unwrap().clone());
                *line = Value::Object(ordered);
            }
            json!({"buyer_order_no": no, "customer_no": customer, "order_date": "2026-03-31", "allow_backorder": backorder, "lines": lines})
        },
    )
}

fn decimal(value: u32, places: u32) -> String {
    nattpost::model::decimal::text(value as i64, places)
}

fn grouped_order(n: usize, lines: usize) -> Value {
    let lines: Vec<Value> = (0..lines)
        .map(|l| json!({"line_no": l + 1, "article_no": format!("sku-{l}"), "description": "Hat, \"large\"", "qty": "2"}))
        .collect();
    json!({
        "buyer_order_no": format!("{n}"), "delivery_name": format!("Ann {n}"), "delivery_street": "1 Road",
        "delivery_zip": "10001", "delivery_city": "Town", "delivery_state": "NY", "delivery_country": "US", "lines": lines
    })
}

const SMALL: &str = r#"
layout = "small"
title = "Small"
kind = "stock"
syntax = "delimited"
encoding = "latin-1"
[delimited]
any_case = true
unknown_columns = "keep"
[[record]]
name = "row"
fields = [
  ["Art|Article", "article_no", "text required"],
  ["Qty", "qty", "decimal point=, required"],
  ["From", "expected_date", "date '%d.%m.%Y|%Y-%m-%d' optional"],
  ["Width + Unit", "extra.size", "join=x optional"],
]
"#;

fn small() -> Layout {
    read_layout("small.toml", SMALL, shipped_kinds()).unwrap_or_else(|p| panic!("{p:#?}"))
}

#[test]
fn columns_are_found_by_name_in_any_order_and_unknown_ones_kept() {
    let layout = small();
    let text = b"\xEF\xBB\xBFsep=;\r\nQTY ; article;colour;width;unit\r\n2,5;A1;rot;5;mm\r\n\r\n-1;A2;;;mm\r\n";
    let (found, decoded) = decode(&layout, text);
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.problems());
    let messages: Vec<Value> = found.messages().map(to_json).collect();
    assert_eq!(messages[0], json!({"article_no": "A1", "qty": "2.5", "extra": {"size": "5xmm", "colour": "rot"}}));
    assert_eq!(messages[1]["extra"], json!({"size": "mm"}));
    let lines: Vec<u32> = found.messages().map(|m| m.origin().line).collect();
    assert_eq!(lines, [3, 5]);
}

#[test]
fn bad_rows_refuse_themselves_alone_and_say_why() {
    let text = b"art;qty;from;width;unit\nA1;2,5x;2024-02-31;;\n\"A2;1;;;\nA3;1;;;\nA4;1;;\nA\x81;1;;;\n;1;;;\nA5;1e400;;;\nA6;2;31.12.2026;;\n";
    let (found, decoded) = decode(&small(), text);
    assert!(decoded.fatal.is_empty());
    assert_eq!(decoded.messages, 8);
    let expected = [
        (1, "quantity-invalid", 2),
        (1, "date-invalid", 2),
        (2, "quote-invalid", 3),
        (4, "columns-wrong", 5),
        (5, "encoding-invalid", 6),
        (6, "value-missing", 7),
        (7, "quantity-invalid", 8),
    ];
    assert_eq!(found.problems(), expected);
    let numbers: Vec<u64> = found.messages().map(|m| m.origin().number).collect();
    assert_eq!(numbers, [3, 8]);
    let first = &found.refused[0].problems[0];
    assert_eq!(
        first.to_string(),
        "line 2, \"Qty\": \"2,5x\" is not a quantity; expected a number like 2,5. Correct it and drop the file again."
    );
}

#[test]
fn characters_that_the_encoding_lacks_are_an_error_with_field_or_replaced() {
    let stock = [json!({"article_no": "漢1", "qty": "1"})];
    let error = written(&small(), &stock).unwrap_err().to_string();
    assert!(error.contains("Art") && error.contains("漢") && error.contains("latin-1"), "{error}");
    let text = SMALL.replace("[delimited]", "replace_unmappable = \"?\"\n[delimited]");
    let layout = read_layout("small.toml", &text, shipped_kinds()).unwrap();
    let bytes = written(&layout, &stock).unwrap();
    assert!(bytes.windows(3).any(|w| w == b"?1;"), "{}", String::from_utf8_lossy(&bytes));
}

#[test]
fn a_layout_with_mistakes_names_them_all_with_line_and_suggestion() {
    let text = "layout = \"x\"\ntitle = \"x\"\nkind = \"ordr\"\nsyntax = \"delimited\"\n";
    let problems = |text: &str| -> Vec<String> {
        read_layout("x.toml", text, shipped_kinds()).unwrap_err().iter().map(|p| p.to_string()).collect()
    };
    assert!(problems(text).iter().any(|p| p.contains("line 3") && p.contains("Did you mean \"order\"?")));
    let text = SMALL
        .replace("article_no", "artcle_no")
        .replace("point=,", "pont=,")
        .replace("any_case", "anycase")
        .replace("latin-1", "latn-1")
        .replace("name = \"row\"", "name = \"row\"\nopens = \"mesage\"");
    let all = problems(&text).join("\n");
    for expected in ["article_no\"?", "point\"?", "any_case\"?", "latin-1\"?", "message\"?"] {
        assert!(all.contains(expected), "{expected} in\n{all}");
    }
}

#[test]
fn what_a_file_says_once_is_never_written_of_a_message_of_which_it_is_not_so() {
    let around = |head: &str| {
        compiled(&format!(
            "layout = \"x\"\ntitle = \"x\"\nkind = \"price\"\nsyntax = \"delimited\"\n[delimited]\ncolumns = \"positions\"\ntag = 1\n\
             [[record]]\ntag = \"F\"\nopens = \"file\"\nfields = [[\"1\", \"constant(F)\"], [\"2\", \"{head}\"]]\n\
             [[record]]\ntag = \"P\"\nopens = \"message\"\nfields = [[\"1\", \"constant(P)\"], [\"\", \"price_list\", \"default=A\"], [\"2\", \"article_no\"], [\"3\", \"price\"]]\n"
        ))
    };
    let price =
        |list: &str, currency: &str| json!({"article_no": "1", "price": "2", "price_list": list, "currency": currency});
    let layout = around("currency");
    let one = written(&layout, &[price("A", "EUR"), price("A", "EUR")]).unwrap();
    assert_eq!(String::from_utf8(one).unwrap(), "F;EUR\nP;1;2\nP;1;2\n");
    let told = written(&layout, &[price("A", "EUR"), price("A", "SEK")]).unwrap_err().to_string();
    assert!(told.contains("says \"EUR\"") && told.contains("\"SEK\""), "{told}");
    let told = written(&layout, &[price("B", "EUR")]).unwrap_err().to_string();
    assert!(told.contains("\"B\"") && told.contains("can only mean \"A\""), "{told}");
    let xml = compiled(
        "layout = \"x\"\ntitle = \"x\"\nkind = \"price\"\nsyntax = \"xml\"\n[xml]\nroot = \"r\"\n[[record]]\nname = \"f\"\ntag = \".\"\n\
         opens = \"file\"\nfields = [[\"@count\", \"count(p)\"]]\n[[record]]\ntag = \"p\"\nopens = \"message\"\nfields = [[\"a\", \"article_no\"], [\"b\", \"price\"]]\n",
    );
    let told = written(&xml, &[json!({"article_no": "1", "price": "2"})]).unwrap_err().to_string();
    assert!(told.contains("known only at the end"), "{told}");
}

#[test]
fn a_layout_that_does_not_write_says_what_it_lacks() {
    let layout = compiled(
        "layout = \"x\"\ntitle = \"x\"\nkind = \"order_status\"\nsyntax = \"delimited\"\n[delimited]\n[[record]]\n\
         fields = [[\"no\", \"buyer_order_no\"], [\"state\", \"status\"], [\"link\", \"trackings.tracking_url\"]]\n",
    );
    let told = written(&layout, &[json!({"buyer_order_no": "1", "status": "shipped"})]).unwrap_err().to_string();
    assert!(told.contains("trackings.tracking_no"), "{told}");
}

#[test]
fn a_row_like_no_record_is_told_by_the_records_where_none_has_a_tag() {
    let layout = compiled(
        "layout = \"x\"\ntitle = \"x\"\nkind = \"price\"\nsyntax = \"delimited\"\n[delimited]\ncolumns = \"positions\"\n\
         [[record]]\nname = \"a price\"\nopens = \"message\"\nif = \"row['1'] is startingwith('A')\"\nfields = [[\"1\", \"article_no\"], [\"2\", \"price\"]]\n",
    );
    let (found, decoded) = decode(&layout, b"A1;2\nB1;2\n");
    let of_file = decoded.fatal.kept().iter().map(|p| p.to_string());
    let told: Vec<String> =
        of_file.chain(found.refused.iter().flat_map(|r| r.problems.iter().map(|p| p.to_string()))).collect();
    assert!(
        told.iter().any(|text| text.contains("like none of the records known here; expected one of: a price")),
        "{told:?}"
    );
}

const PRICES: &str = r#"
layout = "prices"
title = "x"
kind = "price"
syntax = "delimited"
[lookup.op]
N = "create"
U = "change"
D = "delete"
[delimited]
delimiter = ";"
[[record]]
name = "price"
fields = [
  ["op", "change()", "lookup=op none=F"],
  ["sku", "article_no", "required"],
  ["price", "price"],
]
"#;

fn compiled(text: &str) -> Layout {
    read_layout("x", text, shipped_kinds()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn told(layout: &Layout, ops: &[Op]) -> String {
    let mut bytes = Vec::new();
    let mut encoder = layout.encoder(EncodeContext { zone: chrono_tz::Europe::Berlin }, &mut bytes).unwrap();
    encoder.at(chrono::DateTime::from_timestamp(1_768_451_400, 0).unwrap());
    for op in ops {
        let mut batch = Batch::new(layout.kind.clone());
        batch.begin(1, 1);
        batch.set_text(0, layout.kind.head().field("article_no").unwrap(), "A");
        if *op != Op::Delete {
            batch.set_number(0, layout.kind.head().field("price").unwrap(), 1_500_000);
        }
        encoder.write_change(batch.message(0), *op).unwrap();
    }
    encoder.finish().unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_moment_of_the_file_stands_in_its_head() {
    let layout = compiled(
        "layout = \"p\"\ntitle = \"P\"\nkind = \"price\"\nsyntax = \"delimited\"\n[delimited]\ncolumns = \"positions\"\ntag = 1\n\
         [[record]]\ntag = \"V\"\nopens = \"file\"\nfields = [[\"1\", \"constant(V)\"], \
         [\"2\", \"= row.now[8:10] ~ row.now[5:7] ~ row.now[2:4]\"], [\"3\", \"= row.now_unix\"]]\n\
         [[record]]\ntag = \"P\"\nopens = \"message\"\nfields = [[\"1\", \"constant(P)\"], [\"2\", \"article_no\"], [\"3\", \"price\"]]\n",
    );
    assert_eq!(told(&layout, &[Op::Same]), "V;150126;1768451400\nP;A;1.5\n");
}

#[test]
fn what_became_of_a_row_is_told_in_the_partners_words() {
    let ops = [Op::Same, Op::Create, Op::Change, Op::Delete];
    let prices = compiled(PRICES);
    assert!(prices.tells_deletes());
    assert_eq!(told(&prices, &ops), "op;sku;price\nF;A;1.5\nN;A;1.5\nU;A;1.5\nD;A;\n");
    // The place stands in fixed rows too, blank where nothing is said.
    let fixed = PRICES
        .replace("syntax = \"delimited\"", "syntax = \"fixed\"")
        .replace("[delimited]\ndelimiter = \";\"", "[fixed]\nwidth = 10")
        .replace("\"op\"", "\"1-1\"")
        .replace("\"sku\"", "\"2-4\"")
        .replace("[\"price\", \"price\"]", "[\"5-10\", \"price\", \"decimal implied=2\"]")
        .replace(" none=F", "");
    assert_eq!(told(&compiled(&fixed), &ops), " A  000150\nNA  000150\nUA  000150\nDA        \n");
    let own = shipped_layout("nattpost-price-xml").unwrap();
    assert!(own.tells_deletes() && !shipped_layout("nattpost-stock-xml").unwrap().tells_deletes());
    let xml: String = told(own, &ops).split_whitespace().collect();
    let price = |rest: &str| format!("<price><article_no>A</article_no>{rest}</price>");
    let said = |word: &str| price(&format!("<price>1.5</price>{word}"));
    let change = |word: &str| format!("<change>{word}</change>");
    let expected = [said(""), said(&change("create")), said(&change("change")), price(&change("delete"))].concat();
    assert!(xml.contains(&expected), "{xml}");
}

#[test]
fn a_deletion_is_not_read_as_what_there_is() {
    let codes = |layout: &Layout, text: &str| -> Vec<String> {
        let (found, decoded) = decode(layout, text.as_bytes());
        assert!(decoded.fatal.is_empty(), "{:?}", decoded.fatal);
        found.refused.iter().flat_map(|r| &r.problems).map(|p| p.code.to_string()).collect()
    };
    let prices = compiled(PRICES);
    assert_eq!(codes(&prices, "op;sku;price\nF;A;1\nU;B;1\nN;C;1\n;D;1\n"), [""; 0]);
    assert_eq!(codes(&prices, "op;sku;price\nD;A;1\n"), ["deletion-not-taken"]);
    assert_eq!(codes(&prices, "op;sku;price\nX;A;1\n"), ["word-unknown"]);
    let own = shipped_layout("nattpost-article-xml").unwrap();
    let article =
        |rest: &str| format!("<articles version='1'><article><article_no>A</article_no>{rest}</article></articles>");
    assert_eq!(codes(own, &article("")), [""; 0]);
    assert_eq!(codes(own, &article("<change>create</change>")), [""; 0]);
    assert_eq!(codes(own, &article("<change>delete</change>")), ["deletion-not-taken"]);
    let csv = shipped_layout("nattpost-article-csv").unwrap();
    let rows =
        |columns: &str, cells: &str| format!("nattpost;article;1\n!article;article_no{columns}\narticle;A{cells}\n");
    assert_eq!(codes(csv, &rows("", "")), [""; 0], "files of before have no such column");
    assert_eq!(codes(csv, &rows(";change", ";")), [""; 0]);
    assert_eq!(codes(csv, &rows(";change", ";delete")), ["deletion-not-taken"]);
}

#[test]
fn a_change_that_could_not_be_said_is_a_problem_of_the_layout() {
    let problems = |text: &str| -> Vec<String> {
        let found = read_layout("x.toml", text, shipped_kinds()).err().unwrap_or_default();
        found.iter().map(|problem| problem.text.clone()).collect()
    };
    let has =
        |text: &str, words: &str| assert!(problems(text).iter().any(|p| p.contains(words)), "{:?}", problems(text));
    has(&PRICES.replace("U = \"change\"\n", ""), "has no word for change");
    has(&PRICES.replace("change()", "change() of file"), "speaks of a message");
    has(&PRICES.replace("kind = \"price\"", "kind = \"order\""), "told once and never changed");
    // Who has no word for deletions is told none.
    let without = compiled(&PRICES.replace("D = \"delete\"\n", ""));
    assert!(without.writes() && !without.tells_deletes());
}
