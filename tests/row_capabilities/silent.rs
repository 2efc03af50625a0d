//! What was once taken, or written, without a word although it was wrong, and what partners' pages ask beside it: several
//! texts of one line, comments and titles above the heading, headings between the rows.

use super::{BY_POSITION, one, order, read};
use crate::decoding::decode;
use crate::{compiled, written};
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::{Layout, read_layout};
use serde_json::json;

/// The first reason, with its code: of the file, else of its first refused message.
fn reason(layout: &Layout, bytes: &[u8]) -> (&'static str, String) {
    let (found, decoded) = decode(layout, bytes);
    let of_file = decoded.fatal.kept().first().cloned();
    let problem = of_file.or_else(|| found.refused.first().map(|refused| refused.problems[0].clone()));
    let problem = problem.expect("nothing was refused");
    (problem.code, problem.to_string())
}

/// What is wrong with a layout.
fn refused(text: &str) -> String {
    format!("{:?}", read_layout("x", text, shipped_kinds()).unwrap_err())
}

fn delimited(options: &str, records: &str) -> Layout {
    compiled(&format!(
        "layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"delimited\"\n[delimited]\n{options}\n{records}"
    ))
}

#[test]
fn utf8_under_a_code_page_is_refused_and_the_code_page_is_named() {
    for encoding in ["cp1252", "latin-1", "cp850", "iso-8859-15"] {
        let head = format!("encoding = \"{encoding}\"\n{BY_POSITION}");
        let layout = order(&head, r#"["4", "delivery_city"]"#);
        let (code, text) = reason(&layout, "A;sku;1;Würzburg\n".as_bytes());
        assert_eq!(code, "encoding-invalid", "{encoding}");
        assert!(text.contains("like \"ü\", are in UTF-8") && text.contains(encoding), "{text}");
    }
    let layout = order(&format!("encoding = \"cp1252\"\n{BY_POSITION}"), r#"["4", "delivery_city"]"#);
    assert_eq!(read(&layout, "A;sku;1;Oslo\n")[0]["delivery_city"], "Oslo");
    // What cp1252 says with such bytes stays what it is: one letter alone, or letters that are none of this page.
    for (bytes, expected) in [(&b"W\xfcrzburg"[..], "Würzburg"), (b"CAF\xc9\xbb", "CAFÉ»"), (b"\xd0\xa0", "Ð\u{a0}")]
    {
        let (found, _) = decode(&layout, &[b"A;sku;1;", bytes, b"x\n"].concat());
        let city = nattpost::model::json::to_json(found.messages().next().unwrap())["delivery_city"].clone();
        assert_eq!(city, json!(format!("{expected}x")));
    }
    // A byte that is no character is told with the encoding that the layout says.
    let (code, text) = reason(&layout, b"A;sku;1;\x81\n");
    assert!(code == "encoding-invalid" && text.contains("not a character in cp1252"), "{text}");
    let ascii = order(&format!("encoding = \"ascii\"\n{BY_POSITION}"), r#"["4", "delivery_city"]"#);
    assert!(reason(&ascii, b"A;sku;1;\xfc\n").1.contains("expected ascii throughout"));
    // Of a fixed row the encoding is told, not the width that it makes wrong; of a heading too.
    let fixed = compiled(
        "layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"fixed\"\nencoding = \"cp850\"\n[fixed]\nwidth = 8\n[[record]]\n\
         opens = \"lines\"\ngroup_by = [\"1\"]\nfields = [[\"1\", \"buyer_order_no\"], [\"2-4\", \"lines.description\"], \
         [\"5-6\", \"lines.article_no\"], [\"7-8\", \"lines.qty\"]]",
    );
    assert_eq!(reason(&fixed, "1TürA101\n".as_bytes()).0, "encoding-invalid");
    let named = "[[record]]\nopens = \"lines\"\ngroup_by = [\"No\"]\nfields = [[\"No\", \"buyer_order_no\"], [\"Größe\", \
                 \"lines.article_no\"], [\"Qty\", \"lines.qty\"]]";
    let named = compiled(&format!(
        "layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"delimited\"\nencoding = \"cp1252\"\n[delimited]\n{named}"
    ));
    assert_eq!(reason(&named, "No;Größe;Qty\n1;A;1\n".as_bytes()).0, "encoding-invalid");
}

#[test]
fn numbers_and_days_that_mean_something_else_are_refused() {
    let price = r#"["4", "lines.net_price", "decimal point=, thousands=."]"#;
    assert_eq!(one(price, "1.234,5").unwrap()["lines"][0]["net_price"], "1234.5");
    for text in ["0.123", ".234", "1234.567"] {
        assert_eq!(one(price, text), Err("price-invalid"), "{text}");
    }
    let (_, why) = reason(&order(BY_POSITION, price), b"A;sku;1;0.123\n");
    assert!(why.contains("\".\" stands between thousands here") && why.contains("decimals behind \",\""), "{why}");
    assert_eq!(one(r#"["4", "order_date", "date %Y-%m-%d"]"#, "0001-01-01"), Err("date-invalid"));
    let none = r#"["4", "order_date", "date %Y-%m-%d none=0001-01-01"]"#;
    assert_eq!(one(none, "0001-01-01").unwrap()["order_date"], "");
    let (_, why) = reason(&order(BY_POSITION, r#"["4", "order_date", "date %Y-%m-%d"]"#), b"A;sku;1;0026-01-15\n");
    assert!(why.contains("there is no such year"), "{why}");
    // Milliseconds, read as seconds, are the year 56202.
    assert_eq!(one(r#"["4", "extra.at", "instant %s"]"#, "1711404127000"), Err("value-invalid"));
    let millis = one(r#"["4", "message.extra.at", "instant %Q"]"#, "1711404127250").unwrap();
    assert_eq!(millis["extra"]["at"], "2024-03-25T22:02:07.250Z");
    assert_eq!(one(r#"["4", "order_date", "date %Q"]"#, "1711404127250").unwrap()["order_date"], "2024-03-25");
    assert_eq!(
        one(r#"["4", "lines.discount_pct", "decimal suffix=%"]"#, "10 %").unwrap()["lines"][0]["discount_pct"],
        "10"
    );
}

#[test]
fn what_stands_between_two_marks_is_found_wherever_the_second_stands_too() {
    let id = r#"["4", "requested_date", "date %Y%m%d after=*1201 before=*"]"#;
    assert_eq!(one(id, "*3010text*120120260115*9999").unwrap()["requested_date"], "2026-01-15");
    assert_eq!(one(id, "*3010text*9999"), Err("value-incomplete"));
    let maybe = r#"["4", "-"], ["= ((row['4']|split('*1201'))[1]|split('*'))[0] if '*1201' in row['4'] else ''", "requested_date", "date %Y%m%d"]"#;
    assert_eq!(one(maybe, "*3010text*120120260115*9999").unwrap()["requested_date"], "2026-01-15");
    assert_eq!(one(maybe, "*3010text*9999").unwrap()["requested_date"], "");
    assert_eq!(one(maybe, "*3010text*12012026*9999"), Err("date-invalid"));
}

#[test]
fn what_is_asked_of_a_filler_or_of_a_heading_between_the_rows_is_not_passed_over() {
    for (form, good, bad, code) in [
        ("required", "x", "", "value-missing"),
        ("match=[0-9]+", "17", "x", "value-invalid"),
        ("max=3", "abc", "abcd", "text-too-long"),
        ("date %Y%m%d", "20260115", "2026", "value-invalid"),
    ] {
        let filler = format!(r#"["4", "-", "{form}"]"#);
        assert_eq!(one(&filler, good).unwrap()["lines"][0].get("extra"), None, "{form}");
        assert_eq!(one(&filler, bad), Err(code), "{form}");
    }
    assert!(one(r#"["4", "-"]"#, "anything").is_ok());
    let sections = delimited(
        "columns = \"positions\"",
        r#"
[[record]]
name = "blank"
ignored = true
when = ["1", ""]
fields = [["1", "-"], ["2", "-"], ["3", "-"]]

[[record]]
name = "heading"
ignored = true
when = ["1", "No"]
unless = ["2", "Kind"]
fields = [["1", "constant(No)"], ["2", "constant(Item)"], ["3", "constant(Amount)"]]

[[record]]
name = "heading of the order"
ignored = true
when = ["1", "No"]
fields = [["1", "constant(No)"], ["2", "constant(Kind)"], ["3", "constant(City)"]]

[[record]]
name = "order"
opens = "message"
group_by = ["1"]
when = ["2", "DELIVERY"]
fields = [["1", "buyer_order_no"], ["2", "order_type"], ["3", "delivery_city"]]

[[record]]
name = "line"
opens = "lines"
group_by = ["1"]
fields = [["1", "buyer_order_no"], ["2", "lines.article_no"], ["3", "lines.qty"]]
"#,
    );
    let file = "No;Kind;City\n7;DELIVERY;Oslo\n;;\nNo;Item;Amount\n7;A;2\n";
    assert_eq!(read(&sections, file)[0]["lines"][0]["qty"], "2");
    let (code, text) = reason(&sections, file.replace("Item;Amount", "Amount;Item").as_bytes());
    assert!(code == "layout-mismatch" && text.contains("expected \"Item\""), "{text}");
}

const TEXTS: &str = r#"
[[record]]
tag = "H"
opens = "message"
fields = [["1", "constant(H)"], ["2", "buyer_order_no"]]

[[record]]
tag = "L"
opens = "lines"
fields = [["1", "constant(L)"], ["2", "lines.article_no"], ["3", "lines.qty"]]

[[record]]
tag = "T"
adds = "lines"
fields = [["1", "constant(T)"], ["2", "lines.note", "APPEND"]]

[[record]]
tag = "X"
adds = "lines"
fields = [["1", "constant(X)"], ["2", "lines.extra.colour"]]
"#;

#[test]
fn texts_of_several_rows_are_one_text_where_the_layout_says_so() {
    let options = "columns = \"positions\"\ntag = 1";
    let joined = delimited(options, &TEXTS.replace("APPEND", "append=' / '"));
    let file = "H;1\nL;A;1\nT;one\nT;one\nT;\nT;two\nL;B;1\nT;three\n";
    let lines = &read(&joined, file)[0]["lines"];
    assert_eq!((&lines[0]["note"], &lines[1]["note"]), (&json!("one / one / two"), &json!("three")));
    let short = delimited(options, &TEXTS.replace("APPEND", "append=' ' max=7"));
    assert_eq!(reason(&short, b"H;1\nL;A;1\nT;one\nT;two\nT;three\n").0, "text-too-long");
    // Without it two texts contradict each other, of a field of ours and of one of the partner's alike.
    let single = delimited(options, &TEXTS.replace("APPEND", ""));
    assert_eq!(reason(&single, b"H;1\nL;A;1\nT;one\nT;two\n").0, "head-contradicts");
    assert_eq!(reason(&single, b"H;1\nL;A;1\nX;red\nX;blue\n").0, "head-contradicts");
    assert_eq!(read(&single, "H;1\nL;A;1\nX;red\nX;red\n")[0]["lines"][0]["extra"]["colour"], "red");
}

const NAMED: &str = "[[record]]\nopens = \"lines\"\ngroup_by = [\"No\"]\nfields = [[\"No\", \"buyer_order_no\"], [\"Sku\", \
                     \"lines.article_no\"], [\"Qty\", \"lines.qty\"]]";

#[test]
fn comments_and_titles_stand_above_the_heading_and_comments_between_the_rows() {
    let commented = delimited("delimiter = \",\"\ncomment = \"#\"", NAMED);
    let found = read(&commented, "# of the shop\n#\nNo,Sku,Qty\n1,A,2\n# 1,B,9\n1,C,1\n");
    assert_eq!(found[0]["lines"].as_array().unwrap().len(), 2);
    let titled = delimited("titles = true", NAMED);
    let found = read(&titled, "Orders of 15.01.2026\n\nfor;Nord AS\nNo;Sku;Qty\n1;A;2\nNo;Sku;Qty\n2;B;1\n");
    assert_eq!(found.len(), 2);
    let (code, text) = reason(&titled, b"Orders of 15.01.2026\nNo;Sku;Amount\n1;A;2\n");
    assert_eq!(code, "layout-mismatch");
    assert!(text.contains("line 2") && text.contains("missing: \"Qty\"; not known: \"Amount\""), "{text}");
    let far = format!("{}No;Sku;Qty\n1;A;2\n", "title\n".repeat(201));
    assert_eq!(reason(&titled, far.as_bytes()).0, "layout-mismatch");
    assert_eq!(reason(&titled, b"").0, "file-empty");
    let head = "layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"delimited\"\n[delimited]\n";
    assert!(refused(&format!("{head}comment = \";\"\n{NAMED}")).contains("rows of content begin like this"));
    assert!(refused(&format!("{head}titles = true\ncolumns = \"positions\"\n{NAMED}")).contains("found by its names"));
    // A heading that stands there twice is not unknown too.
    let (_, text) = reason(&delimited("", NAMED), b"No;Sku;Sku\n1;A;2\n");
    assert!(text.contains("there twice: \"Sku\"") && !text.contains("not known"), "{text}");
}

#[test]
fn what_is_longer_or_looks_otherwise_than_agreed_is_not_written() {
    let layout = order(BY_POSITION, r#"["4", "reference", "max=3"], ["5", "customer_no", "match=[0-9]+"]"#);
    let message = |reference: &str, customer: &str| json!({"buyer_order_no": "1", "reference": reference, "customer_no": customer, "lines": [{"article_no": "A", "qty": "1"}]});
    assert_eq!(written(&layout, &[message("abc", "17")]).unwrap(), b"1;A;1;abc;17\n");
    let why = |message| written(&layout, &[message]).unwrap_err().to_string();
    assert!(why(message("abcd", "17")).contains("does not fit into 3 characters"));
    assert!(why(message("abc", "C17")).contains("does not look like"));
}
