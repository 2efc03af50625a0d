//! Siblings that are one message by their key, and lists in an element.

use nattpost::model::json::to_json;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::{Layout, read_layout};
use serde_json::Value;

use crate::decoding::decode;

fn read_text(rest: &str) -> Result<Layout, String> {
    let text = format!("layout = \"t\"\ntitle = \"T\"\nkind = \"order\"\nsyntax = \"xml\"\n{rest}");
    read_layout("t.toml", &text, shipped_kinds()).map_err(|p| p.iter().map(|p| format!("{p}\n")).collect())
}

fn layout(rest: &str) -> Layout {
    read_text(rest).unwrap_or_else(|problems| panic!("{problems}"))
}

/// `order: article*quantity …` of each message, and code and line of each problem.
fn read(layout: &Layout, text: &str) -> (Vec<String>, Vec<(&'static str, u32)>) {
    let (found, decoded) = decode(layout, text.as_bytes());
    let problems = found.refused.iter().flat_map(|r| &r.problems).chain(decoded.fatal.kept());
    let told = problems.map(|p| (p.code, p.place.line)).collect();
    let shown = |message: Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let lines = message["lines"].as_array().cloned().unwrap_or_default();
        let lines: Vec<String> = lines
            .iter()
            .map(|l| format!("{}*{}{}", text(&l["article_no"]), text(&l["qty"]), text(&l["note"])))
            .collect();
        format!("{} {}: {}", text(&message["customer_no"]), text(&message["buyer_order_no"]), lines.join(" "))
    };
    (found.messages().map(to_json).map(shown).collect(), told)
}

const BESIDE: &str = r#"
[xml]
root = "export"
[[record]]
tag = "."
opens = "file"
fields = [["@customer", "customer_no"], ["count", "count(order)"]]
[[record]]
name = "order"
tag = "orders/order"
opens = "message"
group_by = ["@id"]
fields = [["@id", "buyer_order_no"], ["date", "order_date"]]
[[record]]
name = "line"
tag = "lines/line"
opens = "lines"
group_by = ["@order"]
fields = [["sku", "lines.article_no"], ["qty", "lines.qty"]]
[[record]]
tag = "text"
adds = "lines"
fields = [[".", "lines.note"]]
"#;

const EXPORT: &str = "<export customer='7'>\n<orders>\n<order id='A'><date>2026-03-01</date></order>\n<order id='B'/>\n</orders>\n<lines>\n\
<line order='B'><sku>x</sku><qty>1</qty></line>\n<line order='A'><sku>y</sku><qty>2</qty><text>!</text></line>\n\
<line order='B'><sku>z</sku><qty>3</qty></line>\n</lines>\n<count>2</count>\n</export>\n";

#[test]
fn orders_here_and_all_their_lines_there_are_joined() {
    let beside = layout(BESIDE);
    assert!(beside.reads() && !beside.writes());
    let both = vec!["7 A: y*2!".to_string(), "7 B: x*1 z*3".to_string()];
    assert_eq!(read(&beside, EXPORT), (both.clone(), vec![]));
    // The lines may come first.
    let (orders, lines) = (EXPORT.find("<orders>").unwrap(), EXPORT.find("<lines>").unwrap());
    let end = EXPORT.find("<count>").unwrap();
    let turned = format!("{}{}{}{}", &EXPORT[..orders], &EXPORT[lines..end], &EXPORT[orders..lines], &EXPORT[end..]);
    assert_eq!(read(&beside, &turned), (both, vec![]));
    // A line whose order is not there, one without a number, an order without lines: each for itself.
    let (good, told) = read(&beside, &EXPORT.replace("order='A'", "order='C'").replacen("order='B'", "order=' '", 1));
    assert_eq!(good, ["7 B: z*3"]);
    assert_eq!(told, [("record-missing", 3), ("record-missing", 7), ("record-missing", 8)]);
    let (good, told) = read(&beside, &EXPORT.replace("<count>2", "<count>3"));
    assert_eq!((good.len(), told), (2, vec![("total-mismatch", 11)]));
    // Two with one number: the lines are the first one's.
    let (good, told) = read(&beside, &EXPORT.replace("id='B'", "id='A'").replace("order='B'", "order='A'"));
    assert_eq!((good.len(), told), (1, vec![("record-missing", 4)]));
}

#[test]
fn a_reject_holds_a_refused_order_with_its_lines_and_nothing_of_the_others() {
    let beside = layout(BESIDE);
    let bad = EXPORT.replace("<qty>3<", "<qty>three<");
    let (found, _) = decode(&beside, bad.as_bytes());
    assert_eq!(found.refused[0].problems[0].place.line, 9);
    let mut reject = Vec::new();
    beside.rebuild_reject(&mut std::io::Cursor::new(&bad), &found.refused[0].bytes, &mut reject).unwrap();
    let reject = String::from_utf8(reject).unwrap();
    assert!(!reject.contains("'A'") && reject.contains("<count>1</count>"), "{reject}");
    let corrected = reject.replace("three", "3");
    assert_eq!(read(&beside, &corrected), (vec!["7 B: x*1 z*3".to_string()], vec![]));
}

#[test]
fn keys_count_within_their_interchange_and_memory_is_bounded() {
    let within = BESIDE.replace("tag = \".\"\nopens = \"file\"", "tag = \"shop\"\nopens = \"interchange\"");
    let within = layout(&within.replace(", [\"count\", \"count(order)\"]", ""));
    let shop = |no: u32| {
        EXPORT.replace("<export customer='7'>", &format!("<shop customer='{no}'>")).replace("</export>", "</shop>")
    };
    let (good, told) = read(&within, &format!("<export>{}{}</export>", shop(1), shop(2)));
    assert_eq!(
        (good, told),
        (vec!["1 A: y*2!".into(), "1 B: x*1 z*3".into(), "2 A: y*2!".into(), "2 B: x*1 z*3".into()], vec![])
    );
    let line = format!("<line order='A'><sku>{}</sku></line>\n", "x".repeat(1 << 20));
    let large = format!("<export><lines>\n{}</lines></export>", line.repeat(70));
    let (good, told) = read(&layout(BESIDE), &large);
    assert_eq!((good.len(), told), (0, vec![("file-too-large", 65)]));
}

#[test]
fn personal_data_beside_the_message_is_overwritten_too() {
    let personal = layout(&BESIDE.replace("[\".\", \"lines.note\"]", "[\".\", \"lines.note\", \"personal\"]"));
    let mut copy = Vec::new();
    personal.redact(&mut EXPORT.as_bytes(), &mut EXPORT.as_bytes(), &mut copy).unwrap();
    let copy = String::from_utf8(copy).unwrap();
    assert_eq!(copy, EXPORT.replace("<text>!</text>", "<text>x</text>"));
}

#[test]
fn what_cannot_be_joined_is_told_in_the_layout() {
    for (old, new) in [
        ("group_by = [\"@id\"]\n", ""),
        ("group_by = [\"@order\"]", "group_by = [\"@order\", \"@no\"]"),
        ("tag = \"orders/order\"", "tag = \".\""),
        ("adds = \"lines\"\n", "adds = \"lines\"\ngroup_by = [\"@no\"]\n"),
        ("adds = \"lines\"\n", "adds = \"lines\"\neach = [\".\", \",\"]\n"),
        ("adds = \"lines\"\n", "adds = \"lines\"\nnode_by = [\"@no\"]\n"),
    ] {
        assert!(read_text(&BESIDE.replace(old, new)).is_err(), "{new}");
    }
}

const LIST: &str = r#"
[xml]
root = "orders"
[[record]]
tag = "order"
opens = "message"
fields = [["@no", "buyer_order_no"], ["@to", "customer_no"]]
[[record]]
tag = "items"
opens = "lines"
each = [".", ";", ":"]
fields = [["piece 1", "lines.article_no", "required"], ["piece 2", "lines.qty", "default=1"], ["@unit", "lines.unit"]]
"#;

#[test]
fn a_list_in_an_element_is_several_lines() {
    let list = layout(LIST);
    let secret = layout(&LIST.replace("\"required\"", "\"required personal\""));
    let plain = "<orders><order><items>ab:2; cd</items></order></orders>";
    let mut copy = Vec::new();
    secret.redact(&mut plain.as_bytes(), &mut plain.as_bytes(), &mut copy).unwrap();
    let copy = String::from_utf8(copy).unwrap();
    assert!(!copy.contains("ab") && !copy.contains("cd") && copy.len() == plain.len(), "{copy}");
    let text = "<orders>\n<order no='A' to='7'><items unit='PCE'>x:2; y ;z:4</items></order>\n<order no='B' to='7'><items> </items></order>\n\
                <order no='C' to='7'><items>q:w</items></order></orders>";
    let (good, told) = read(&list, text);
    assert_eq!(good, ["7 A: x*2 y*1 z*4"]);
    assert_eq!(
        told.iter().map(|(code, line)| (*code, *line)).collect::<Vec<_>>(),
        [("record-missing", 3), ("quantity-invalid", 4)]
    );
}

#[test]
fn what_stands_around_messages_cannot_look_into_them() {
    let into = BESIDE.replace("[\"count\", \"count(order)\"]", "[\"orders/order/date\", \"extra.date\"]");
    let problems = read_text(&into).unwrap_err();
    assert!(problems.contains("\"orders/order/date\" stands in a message"), "{problems}");
}

#[test]
fn whatever_is_missing_of_a_file_that_is_joined_is_told_and_its_reject_can_be_made() {
    let beside = layout(BESIDE);
    for from in 0..EXPORT.len() {
        for length in [1, 7, 40, EXPORT.len()] {
            let to = EXPORT.len().min(from + length);
            let (whole, rest) = (&EXPORT[..from], &EXPORT[to..]);
            let text = format!("{whole}{rest}");
            let (found, decoded) = decode(&beside, text.as_bytes());
            // Nothing of a file that is not well-formed is applied; of any other each element is somebody's.
            let lines: usize = found.messages().map(|m| m.group(1).count()).sum();
            assert!(!decoded.fatal.is_empty() || lines <= 3);
            for refused in &found.refused {
                beside.rebuild_reject(&mut std::io::Cursor::new(&text), &refused.bytes, &mut Vec::new()).unwrap();
            }
        }
    }
}

/// What an interchange claims is counted within it, in the file and in its reject.
#[test]
fn a_reject_of_several_interchanges_claims_what_stands_in_each() {
    let plain = "layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"xml\"\n[xml]\nroot = \"export\"\n[[record]]\ntag = \"shop\"\n\
        opens = \"interchange\"\nfields = [[\"@customer\", \"customer_no\"], [\"@count\", \"count(order)\"]]\n[[record]]\nname = \"order\"\n\
        tag = \"order\"\nopens = \"message\"\nfields = [[\"@id\", \"buyer_order_no\"], [\"date\", \"order_date\"]]\n[[record]]\nname = \"line\"\n\
        tag = \"line\"\nopens = \"lines\"\nfields = [[\"sku\", \"lines.article_no\"], [\"qty\", \"lines.qty\"]]\n";
    let order = |id: &str, qty: &str| format!("<order id='{id}'><line><sku>a</sku><qty>{qty}</qty></line></order>");
    let text = format!(
        "<export><shop customer='7' count='3'>{}{}{}</shop><shop customer='8' count='2'>{}{}</shop></export>",
        order("A", "x"),
        order("B", "1"),
        order("C", "x"),
        order("D", "2"),
        order("E", "x")
    );
    let layout = read_layout("x.toml", plain, shipped_kinds()).unwrap();
    let (found, decoded) = decode(&layout, text.as_bytes());
    assert!(decoded.fatal.is_empty(), "{:?}", decoded.fatal);
    let ranges: Vec<_> = found.refused.iter().flat_map(|refused| refused.bytes.clone()).collect();
    let mut reject = Vec::new();
    layout.rebuild_reject(&mut std::io::Cursor::new(text.as_bytes()), &ranges, &mut reject).unwrap();
    let reject = String::from_utf8(reject).unwrap();
    let expected = text
        .replace(&order("B", "1"), "")
        .replace(&order("D", "2"), "")
        .replace("'3'", "'2'")
        .replace("'8' count='2'", "'8' count='1'");
    assert_eq!(reject, expected, "E is still of shop 8");
    let (again, decoded) = decode(&layout, reject.as_bytes());
    assert_eq!((decoded.fatal.is_empty(), again.refused.len()), (true, 3));
}
