//! What XML layouts can say, one small layout and file each: the entries of the cookbook, docs/layouts/cookbook.md.

use nattpost::model::json::to_json;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::{Layout, read_layout};
use serde_json::{Value, json};

use crate::decoding::decode;

fn layout(kind: &str, rest: &str) -> Layout {
    let text = format!("layout = \"t\"\ntitle = \"T\"\nkind = \"{kind}\"\nsyntax = \"xml\"\n{rest}");
    read_layout("t.toml", &text, shipped_kinds())
        .unwrap_or_else(|problems| panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>()))
}

/// Good messages, and the problems of the others.
fn read(layout: &Layout, text: &str) -> (Vec<Value>, Vec<String>) {
    let (found, decoded) = decode(layout, text.as_bytes());
    let problems = found.refused.iter().flat_map(|r| &r.problems).chain(decoded.fatal.kept());
    let told = problems.map(|p| format!("{} {p}", p.code)).collect();
    (found.messages().map(to_json).collect(), told)
}

const REPEATED: &str = r#"
[xml]
root = "order"
[[record]]
tag = "."
opens = "message"
fields = [
  ["no", "buyer_order_no"],
  ["note[*]", "note", "join='; '"],
  ["line[1]", "delivery_street"],
  ["line[2]", "delivery_street2"],
  ["id[@type=ours]|id[1]", "customer_no"],
  ["date[@of=delivery]/@on", "requested_date"],
]
[[record]]
tag = "item"
opens = "lines"
fields = [["sku", "lines.article_no"], ["qty", "lines.qty"], ["price[@currency='EUR']", "lines.net_price"]]
"#;

#[test]
fn one_of_several_is_told_by_number_or_attribute_and_all_are_joined() {
    let layout = layout("order", REPEATED);
    let text = "<order><no>1</no><note>a</note><id type='x'>7</id><note/><note> b </note><line>Way 1</line><line>Floor 2</line><line>c</line>\
                <id type='ours'>4711</id><date of='x' on='2026-01-01'/><date of='delivery' on='2026-12-01'/>\
                <item><sku>A</sku><qty>1</qty><price currency='SEK'>9</price><price currency='EUR'>2.5</price></item></order>";
    let expected = json!({
        "buyer_order_no": "1", "customer_no": "4711", "requested_date": "2026-12-01", "delivery_street": "Way 1",
        "delivery_street2": "Floor 2", "note": "a; b",
        "lines": [{"line_no": 1, "article_no": "A", "qty": "1", "net_price": "2.5"}],
    });
    assert_eq!(read(&layout, text), (vec![expected], vec![]));
    // Without ours the first number counts; a place without brackets may say only one thing.
    let (messages, _) = read(&layout, &text.replace("'ours'", "'y'"));
    assert_eq!(messages[0]["customer_no"], "7");
    let (_, told) = read(&layout, &text.replace("<no>1</no>", "<no>1</no>\n<no>2</no>"));
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("value-repeated line 2, \"no\": \"2\" stands here, but \"1\""), "{told:?}");
}

const AROUND: &str = r#"
[xml]
root = "delivery"
[[record]]
name = "file"
tag = "."
opens = "file"
fields = [["@currency", "currency"], ["head/sender", "extra.sender"], ["head/count", "count(order)"]]
[[record]]
name = "customer"
tag = "customer"
opens = "interchange"
fields = [["@no", "customer_no", "required"], ["name", "delivery_name"]]
[[record]]
name = "order"
tag = "order"
opens = "message"
fields = [["@id", "buyer_order_no"], ["when", "order_date", "date %d.%m.%Y"]]
[[record]]
tag = "item"
opens = "lines"
fields = [[".", "lines.qty"], ["@sku", "lines.article_no"]]
"#;

#[test]
fn what_stands_around_the_messages_is_given_to_each() {
    let layout = layout("order", AROUND);
    let order = |id: &str| format!("<order id='{id}'><when>24.12.2026</when><item sku='A'>2</item></order>");
    let text = format!(
        "<delivery currency='EUR'><head><sender>S</sender><count>3</count></head><customer no='1'><name>N</name>{}{}</customer>\n<customer no='2'>{}</customer></delivery>",
        order("a"),
        order("b"),
        order("c")
    );
    let (messages, told) = read(&layout, &text);
    assert_eq!(told, Vec::<String>::new());
    let of = |at: usize| {
        ["customer_no", "delivery_name", "currency", "buyer_order_no"]
            .map(|f| messages[at].get(f).and_then(Value::as_str).unwrap_or(""))
    };
    assert_eq!([of(0), of(1), of(2)], [["1", "N", "EUR", "a"], ["1", "N", "EUR", "b"], ["2", "", "EUR", "c"]]);
    assert_eq!(messages[2]["extra"]["sender"], "S");
    // What comes behind the first message would be missing from it.
    let late = text.replace("<name>N</name>", "").replace("</customer>\n", "<name>N</name></customer>\n");
    let (_, told) = read(&layout, &late);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("record-misplaced line 1, \"name\""), "{told:?}");
    let (_, told) = read(&layout, &text.replace(" no='2'", ""));
    assert!(told.len() == 1 && told[0].starts_with("value-missing line 2, \"@no\""), "{told:?}");
    let (_, told) = read(&layout, &text.replace("<count>3", "<count>4"));
    assert!(told.len() == 1 && told[0].starts_with("total-mismatch line 1, \"head/count\""), "{told:?}");
}

const BY_REFERENCE: &str = r#"
[xml]
root = "order"
[[record]]
tag = "."
opens = "message"
fields = [["no", "buyer_order_no"], ["buyer", "-"], ["goto", "-"]]
[[record]]
name = "buyer"
tag = "party"
adds = "message"
when = ["@id", "=buyer"]
fields = [["@id", "customer_no"], ["name", "invoice_name"]]
[[record]]
name = "consignee"
tag = "party"
adds = "message"
when = ["@id", "=goto", "here"]
fields = [["name", "delivery_name"]]
[[record]]
tag = "party"
ignored = true
[[record]]
tag = "item"
opens = "lines"
fields = [["@sku", "lines.article_no"], ["@qty", "lines.qty"]]
"#;

#[test]
fn a_part_is_told_by_who_refers_to_it_before_or_behind() {
    let layout = layout("order", BY_REFERENCE);
    let text = "<order><party id='2'><name>D</name></party><no>1</no><party id='3'><name>X</name></party><party id='1'><name>B</name></party>\
                <item sku='A' qty='1'/><buyer>1</buyer><goto>2</goto></order>";
    let (messages, told) = read(&layout, text);
    assert_eq!(told, Vec::<String>::new());
    let found = ["customer_no", "invoice_name", "delivery_name"].map(|f| messages[0][f].as_str().unwrap_or(""));
    assert_eq!(found, ["1", "B", "D"]);
    let (messages, _) = read(&layout, &text.replace("<goto>2</goto>", "").replace("id='2'", "id='here'"));
    assert_eq!(messages[0]["delivery_name"], "D");
}
