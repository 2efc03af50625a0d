//! One test for each entry of the cookbook, docs/layouts/cookbook.md: what a partner's page may ask of rows.

mod joined;
mod silent;

use crate::decoding::{decode, decode_named};
use crate::{compiled, written};
use nattpost::model::json::to_json;
use nattpost::model::layout::Layout;
use serde_json::{Value, json};

/// A delimited order by position with these fields; the order number stands in column 1, the article in 2, the quantity in 3.
fn order(head: &str, fields: &str) -> Layout {
    let base = "[\"1\", \"buyer_order_no\"], [\"2\", \"lines.article_no\"], [\"3\", \"lines.qty\"],";
    let record = format!("[[record]]\nopens = \"lines\"\ngroup_by = [\"1\"]\nfields = [{base} {fields}]");
    compiled(&format!("layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"delimited\"\n{head}\n{record}"))
}

const BY_POSITION: &str = "[delimited]\ncolumns = \"positions\"";

fn read(layout: &Layout, text: &str) -> Vec<Value> {
    let (found, decoded) = decode(layout, text.as_bytes());
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.refused);
    found.messages().map(to_json).collect()
}

/// One row of an order with one field more.
fn one(fields: &str, value: &str) -> Result<Value, &'static str> {
    let (found, _) = decode(&order(BY_POSITION, fields), format!("A;sku;1;{value}\n").as_bytes());
    match found.refused.first() {
        Some(refused) => Err(refused.problems[0].code),
        None => Ok(to_json(found.messages().next().unwrap())),
    }
}

#[test]
fn values_that_partners_write_in_their_own_way() {
    let either = r#"["4 else 5 + 6", "delivery_name"]"#;
    assert_eq!(one(either, ";Ann;Lee").unwrap()["delivery_name"], "Ann Lee");
    assert_eq!(one(either, "Ann at Lee's;Ann;Lee").unwrap()["delivery_name"], "Ann at Lee's");
    let town = r#"["4", "delivery_zip", "take='^([0-9 ]+) '"], ["4", "delivery_city", "take='[0-9] ([^0-9]+)$'"]"#;
    let read = one(town, "123 45 Lund").unwrap();
    assert_eq!((&read["delivery_zip"], &read["delivery_city"]), (&json!("123 45"), &json!("Lund")));
    assert_eq!(one(town, "Lund"), Err("value-invalid"));
    let sign = r#"["5 + 4", "freight", "decimal implied=2 join='' minus=H plus=S"]"#;
    assert_eq!(one(sign, "000001250;H").unwrap()["freight"], "-12.5");
    assert_eq!(one(sign, "000001250;S").unwrap()["freight"], "12.5");
    assert_eq!(one(sign, "000001250;X"), Err("amount-invalid"));
    let parts = r#"["4", "customer_no", "before=/ read-only"], ["4", "reference", "after=/ read-only"]"#;
    let read = one(parts, "C7/R-1").unwrap();
    assert_eq!((&read["customer_no"], &read["reference"]), (&json!("C7"), &json!("R-1")));
    assert_eq!(one(parts, "C7"), Err("value-incomplete"));
    assert_eq!(one(r#"["4", "note", "breaks=##"]"#, "a##b").unwrap()["note"], "a\nb");
    let cleared = r#"["4", "note", "empty=leaves clear=*"]"#;
    assert_eq!(one(cleared, "").unwrap().get("note"), None);
    assert_eq!(one(cleared, "*").unwrap()["note"], "");
    assert_eq!(one(r#"["4", "extra.cost", "decimal point=,"]"#, "1,50").unwrap()["lines"][0]["extra"]["cost"], "1.5");
    assert_eq!(one(r#"["4", "extra.days", "integer"]"#, "1,5"), Err("value-invalid"));
    assert_eq!(one(r#"["4", "extra.flag", "boolean Y/N"]"#, "N").unwrap()["lines"][0]["extra"]["flag"], "false");
    assert_eq!(one(r#"["4", "reference", "match=[A-Z]{2}-[0-9]+"]"#, "AB 1"), Err("value-invalid"));
}

#[test]
fn prices_per_quantity_are_looked_up() {
    let table = "[lookup.per]\nE = \"1\"\nH = \"100\"\nT = \"1000\"\n[delimited]\ncolumns = \"positions\"";
    let layout = order(table, r#"["4", "lines.net_price"], ["5", "lines.price_per", "lookup=per required"]"#);
    let line = &read(&layout, "A;sku;200;12.5;H\n")[0]["lines"][0];
    assert_eq!((&line["net_price"], &line["price_per"]), (&json!("12.5"), &json!("100")));
    let back = written(&layout, &read(&layout, "A;sku;200;12.5;H\n")).unwrap();
    assert_eq!(back, b"A;sku;200;12.5;H\n");
}

#[test]
fn the_name_of_a_file_says_what_its_rows_do_not_or_must_agree() {
    let head = r#"
[file_name]
pattern = "{customer}-{order}.csv"
fields = [["customer", "customer_no"], ["order", "buyer_order_no"]]
[delimited]
columns = "positions""#;
    let layout = order(head, "");
    let codes = |name: &str| -> Vec<&str> {
        let (found, decoded) = decode_named(&layout, b"B-1;sku;1\n", name);
        let of_file = decoded.fatal.kept().iter().map(|p| p.code);
        of_file.chain(found.refused.iter().flat_map(|r| r.problems.iter().map(|p| p.code))).collect()
    };
    assert_eq!(codes("4711-B-1.csv"), ["head-contradicts"], "the earlier part is the longer");
    assert_eq!(codes("4711.csv"), ["file-name-invalid"]);
    let narrow = order(&head.replace("{customer}", "{customer:[0-9]+}"), "");
    let (found, _) = decode_named(&narrow, b"B-1;sku;1\n", "4711-B-1.csv");
    assert_eq!(to_json(found.messages().next().unwrap())["customer_no"], "4711");
}

#[test]
fn levels_side_by_side_are_messages_or_nodes_of_their_own() {
    let prices = compiled(
        r#"
layout = "x"
title = "x"
kind = "price"
syntax = "delimited"
[delimited]
columns = "positions"
[[record]]
opens = "message"
fields = [["1", "article_no", "required"], ["", "price_list", "default=A"], ["2", "price", "required"]]
[[record]]
opens = "message"
again = true
unless = ["3", "", "0"]
fields = [["1", "article_no", "required"], ["", "price_list", "default=B"], ["3", "price", "required"]]
"#,
    );
    assert!(!prices.writes() && prices.reads());
    let found = read(&prices, "x;1;2\ny;3;0\nz;4;\n");
    let told: Vec<String> = found
        .iter()
        .map(|m| format!("{}{}{}", m["article_no"], m["price_list"], m["price"]).replace('"', ""))
        .collect();
    assert_eq!(told, ["xA1", "xB2", "yA3", "zA4"]);
    let (found, _) = decode(&prices, b"x;1;two\ny;3;5\n");
    assert_eq!(found.problems(), [(2, "price-invalid", 1)]);
    let mut reject = Vec::new();
    prices
        .rebuild_reject(&mut std::io::Cursor::new(b"x;1;two\ny;3;5\n"), &found.refused[0].bytes, &mut reject)
        .unwrap();
    assert_eq!(reject, b"x;1;two\n");
}

const FIXED: &str = r#"
layout = "x"
title = "x"
kind = "order"
syntax = "fixed"
[fixed]
width = 12
tag = "1-1"
line_end = "none"
[[record]]
tag = "H"
opens = "message"
width = 8
fields = [["1", "constant(H)"], ["2-8", "buyer_order_no", "text required"]]
[[record]]
tag = "L"
opens = "lines"
fields = [["1", "constant(L)"], ["2-8", "lines.article_no", "text required"], ["9-12", "lines.qty", "integer pad=0 required"]]
"#;

#[test]
fn records_without_line_ends_have_lengths_of_their_own() {
    let layout = compiled(FIXED);
    let text = "HPO-1   Lsku-1  0002Lsku-2  0010HPO-2   Lsku-3  0001";
    let found = read(&layout, text);
    assert_eq!((found.len(), found[0]["lines"].as_array().unwrap().len()), (2, 2));
    assert_eq!(written(&layout, &found).unwrap(), text.as_bytes());
    assert_eq!(read(&layout, &format!("{text}\r\n")), found, "a line end at the end says nothing");
    let (cut, _) = decode(&layout, &text.as_bytes()[..text.len() - 2]);
    assert_eq!(cut.problems(), [(2, "record-width", 5)]);
    let latin = compiled(&FIXED.replace("syntax = ", "encoding = \"latin-1\"\nsyntax = "));
    let (found, _) = decode(&latin, b"HPO-\xC4   Lsku-1  0002");
    assert_eq!(to_json(found.messages().next().unwrap())["buyer_order_no"], "PO-Ä");
    let mut reject = Vec::new();
    let (bad, _) = decode(&layout, text.replace("0010", "00x0").as_bytes());
    let mut input = std::io::Cursor::new(text.replace("0010", "00x0"));
    layout.rebuild_reject(&mut input, &bad.refused[0].bytes, &mut reject).unwrap();
    assert_eq!(String::from_utf8(reject).unwrap(), "HPO-1   Lsku-1  0002Lsku-2  00x0");
}

#[test]
fn fixed_and_delimited_records_stand_in_one_file() {
    let layout = compiled(
        r#"
layout = "x"
title = "x"
kind = "order"
syntax = "delimited"
encoding = "latin-1"
[delimited]
delimiter = "|"
columns = "positions"
tag = "1-1"
[[record]]
tag = "H"
opens = "message"
width = 12
fields = [["1", "constant(H)"], ["2-6", "buyer_order_no", "text required"], ["7-12", "reference"]]
[[record]]
tag = "L"
opens = "lines"
fields = [["1", "constant(L)"], ["2", "lines.article_no", "required"], ["3", "lines.qty", "required"]]
"#,
    );
    let bytes = b"HPO-1 \xC4pfel \nL|sku-1|2\nL|sku-2|5\n";
    let (found, decoded) = decode(&layout, bytes);
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.refused);
    let all: Vec<Value> = found.messages().map(to_json).collect();
    assert_eq!((&all[0]["reference"], all[0]["lines"].as_array().unwrap().len()), (&json!("Äpfel"), 2));
    assert_eq!(written(&layout, &all).unwrap(), bytes);
    // A quote in a record of fixed width is a character like others.
    let (found, decoded) = decode(&layout, b"HPO-1 1|\"pi\"\nL|\"s|1\"|2\n");
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.refused);
    let order = to_json(found.messages().next().unwrap());
    assert_eq!((&order["reference"], &order["lines"][0]["article_no"]), (&json!("1|\"pi\""), &json!("s|1")));
    let (found, _) = decode(&layout, b"HPO-1 apfel  too long\nL|sku-1|2|3\n");
    assert_eq!(found.problems(), [(1, "record-width", 1), (1, "columns-wrong", 2)]);
}

#[test]
fn blanks_around_quotes_and_blank_columns_behind_are_taken_where_the_layout_says_so() {
    let head = "[delimited]\ncolumns = \"positions\"\ndelimiter = \",\"\n";
    let plain = format!("{head}padded_quotes = true\nmore = \"blank\"");
    let layout = order(&plain, r#"["4", "lines.description"]"#);
    let found = read(&layout, "1, \"sku\" , 2,  \"Hat, \"\"red\"\" \" , , \n2,x,1, plain\n");
    assert_eq!(found[0]["lines"][0]["description"], "Hat, \"red\"");
    assert_eq!(
        (&found[0]["lines"][0]["article_no"], &found[1]["lines"][0]["description"]),
        (&json!("sku"), &json!("plain"))
    );
    let (found, _) = decode(&layout, b"1,sku,2,Hat,,x\n2,sku,2,\"Hat\" x\n");
    assert_eq!(found.problems(), [(1, "columns-wrong", 1), (2, "quote-invalid", 2)]);
}

#[test]
fn a_head_that_may_be_missing_and_one_that_may_not() {
    let text = r#"
layout = "x"
title = "x"
kind = "order"
syntax = "delimited"
[delimited]
columns = "positions"
tag = 1
[[record]]
tag = "H"
opens = "message"
required = false
fields = [["2", "reference"]]
[[record]]
tag = "I"
opens = "lines"
fields = [["2", "lines.article_no"], ["3", "lines.qty"], ["4", "buyer_order_no"]]
"#;
    let layout = compiled(text);
    let bare = read(&layout, "I;a;1;N-1\nI;b;2;N-1\n");
    assert_eq!((bare.len(), bare[0]["lines"].as_array().unwrap().len()), (1, 2));
    assert_eq!(written(&layout, &bare).unwrap(), b"I;a;1;N-1\nI;b;2;N-1\n");
    let headed = read(&layout, "H;ref\nI;a;1;N-1\n");
    assert_eq!((written(&layout, &headed).unwrap(), headed.len()), (b"H;ref\nI;a;1;N-1\n".to_vec(), 1));
    let strict = compiled(&text.replace("required = false\n", ""));
    assert_eq!(decode(&strict, b"I;a;1;N-1\n").0.problems(), [(1, "record-misplaced", 1)]);
}

#[test]
fn letters_that_an_encoding_lacks_are_refused_replaced_or_spelled_out() {
    let layout =
        |policy: &str| order(&format!("encoding = \"ascii\"\n{policy}\n{BY_POSITION}"), r#"["4", "note", "width=6"]"#);
    let message =
        json!({"buyer_order_no": "1", "note": "Ærø漢", "lines": [{"line_no": 1, "article_no": "x", "qty": "1"}]});
    let text =
        |policy: &str| written(&layout(policy), std::slice::from_ref(&message)).map(|b| String::from_utf8(b).unwrap());
    assert!(text("").unwrap_err().to_string().contains("ascii does not have"));
    assert_eq!(text("replace_unmappable = \"?\"").unwrap(), "1;x;1;\"?r??  \"\n");
    assert_eq!(text("replace_unmappable = [\"transliterate\", \"?\"]").unwrap(), "1;x;1;\"AEro? \"\n");
    assert!(text("replace_unmappable = \"transliterate\"").is_err());
}
