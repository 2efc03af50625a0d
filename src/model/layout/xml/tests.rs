//! What the shipped layouts do not show: namespaces, a root that is the message, elements chosen by a child's or an
//! attribute's value, an envelope around the messages, and what cannot be compiled.

use std::io::Cursor;

use serde_json::{Value, json};

use crate::model::batch::Batch;
use crate::model::json::{read_line, to_json};
use crate::model::kind::shipped_kinds;
use crate::model::layout::{DecodeContext, EncodeContext, Layout, Refused, Sink, Spill, Stop, read_layout};

#[derive(Default)]
struct Kept(Vec<Value>, Vec<Refused>);

impl Sink for Kept {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        self.0.extend(batch.messages().map(to_json));
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.1.push(message);
        Ok(())
    }
}

fn no_spill() -> std::io::Result<Box<dyn Spill>> {
    Err(std::io::Error::other("XML needs no spill file"))
}

fn layout(text: &str) -> Layout {
    read_layout("t.toml", text, shipped_kinds()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn read(layout: &Layout, text: &str) -> (Vec<Value>, Vec<String>, Vec<Refused>) {
    let context = DecodeContext { file_name: "t.xml", zone: chrono_tz::Europe::Berlin, spill: &no_spill };
    let mut kept = Kept::default();
    let decoded = layout.decode(&mut Cursor::new(text.as_bytes()), &context, &mut kept).unwrap();
    let problems = kept.1.iter().flat_map(|r| &r.problems).chain(decoded.fatal.kept());
    (kept.0, problems.map(|p| format!("{} {p}", p.code)).collect(), kept.1)
}

fn written(layout: &Layout, kind: &str, messages: &[Value]) -> String {
    let mut batch = Batch::new(shipped_kinds().get(kind).unwrap().clone());
    for (index, message) in messages.iter().enumerate() {
        read_line(&message.to_string(), 1, index as u64 + 1, &mut batch).unwrap();
    }
    let mut out = Vec::new();
    let mut encoder = layout.encoder(EncodeContext { zone: chrono_tz::Europe::Berlin }, &mut out).unwrap();
    encoder.write(&batch).unwrap();
    encoder.finish().unwrap();
    String::from_utf8(out).unwrap()
}

const ONE_ORDER: &str = r#"
layout = "one-order"
title = "An order a file, in two namespaces"
kind = "order"
syntax = "xml"
[xml]
root = "ORDER"
[xml.namespaces]
b = "urn:b"
[[record]]
tag = "."
opens = "message"
fields = [
  ["@type", "order_type"],
  ["HEAD/ID", "buyer_order_no", "required"],
  ["HEAD/b:CURRENCY|HEAD/CUR", "currency"],
]
[[record]]
name = "buyer"
tag = "HEAD/PARTY"
adds = "message"
when = ["ROLE", "buyer"]
fields = [["b:PID", "customer_no"], ["ADDRESS/b:NAME", "invoice_name"]]
[[record]]
name = "delivery"
tag = "HEAD/PARTY"
adds = "message"
when = ["ROLE", "delivery"]
fields = [["ADDRESS/b:NAME", "delivery_name"]]
[[record]]
name = "other party"
tag = "HEAD/PARTY"
ignored = true
[[record]]
tag = "ITEMS/ITEM"
opens = "lines"
fields = [
  ["@no", "lines.line_no"],
  ["b:PID", "lines.article_no"],
  ["QTY", "lines.qty"],
  ["QTY/@unit", "lines.unit"],
  ["NOTE", "lines.note"],
  ["DISCOUNT", "line_charges.amount"],
  ["", "line_charges.charge_type", "default=allowance read-only"],
]
"#;

#[test]
fn namespaces_roles_and_attributes_are_found_whatever_the_prefixes() {
    let text = r#"<o:ORDER xmlns:o="urn:o" xmlns="urn:b" type="std"><o:ITEMS><o:ITEM no="7"><PID>A</PID><o:QTY unit="PCE">2.5</o:QTY><o:NOTE/></o:ITEM></o:ITEMS><o:HEAD><o:PARTY><PID>no</PID><o:ROLE>supplier</o:ROLE></o:PARTY><o:PARTY><o:ADDRESS><NAME>D</NAME></o:ADDRESS><o:ROLE>delivery</o:ROLE></o:PARTY><o:PARTY><PID>4711</PID><o:PID xmlns:o="urn:x">not this</o:PID><o:ROLE>buyer</o:ROLE><o:ADDRESS><NAME>B</NAME></o:ADDRESS></o:PARTY><o:ID>N1</o:ID><CURRENCY>EUR</CURRENCY></o:HEAD></o:ORDER>"#;
    let expected = json!({
        "buyer_order_no": "N1", "order_type": "std", "currency": "EUR", "customer_no": "4711", "invoice_name": "B",
        "delivery_name": "D",
        "lines": [{"line_no": 7, "article_no": "A", "qty": "2.5", "unit": "PCE", "note": "",
            "line_charges": [{"charge_type": "allowance"}]}],
    });
    let layout = layout(ONE_ORDER);
    assert_eq!(read(&layout, text).0, std::slice::from_ref(&expected));
    let again = text.replace("<CURRENCY>EUR</CURRENCY>", "<o:CUR>EUR</o:CUR>");
    assert_eq!(read(&layout, &again).0, [expected]);
}

#[test]
fn what_a_record_is_told_by_is_written_with_it_and_alone_makes_no_record() {
    let more = r#"["SUM/COUNT", "count(ITEMS/ITEM)", "integer"], ["@type""#;
    let told = ONE_ORDER
        .replace("[\"@type\"", more)
        .replace("\"DISCOUNT\", \"line_charges.amount\"", "\"KIND\", \"constant(I)\"");
    let told = told.replace("[\"\", \"line_charges.charge_type\", \"default=allowance read-only\"],", "");
    let layout = layout(&told);
    let message = json!({
        "buyer_order_no": "N1", "customer_no": "4711", "invoice_name": "B",
        "lines": [{"line_no": 7, "article_no": "A", "qty": "2.5"}],
    });
    let text = written(&layout, "order", std::slice::from_ref(&message));
    assert!(text.contains("<ROLE>buyer</ROLE>"), "{text}");
    assert!(!text.contains("delivery"), "nothing is said of a delivery address:\n{text}");
    assert!(text.contains("<KIND>I</KIND>") && text.contains("<COUNT>1</COUNT>"), "{text}");
    assert_eq!(read(&layout, &text).0, [message]);
}

const ENVELOPE: &str = r#"
layout = "stock-envelope"
title = "Stock in an envelope"
kind = "stock"
syntax = "xml"
[xml]
root = "Envelope"
[[record]]
name = "header"
tag = "Header"
opens = "file"
fields = [["Version", "version(1.01)"], ["Sender", "constant(WE)"]]
[[record]]
tag = "List/Article"
opens = "message"
fields = [
  ["Number", "article_no"],
  ["Stock/@key", "warehouse"],
  ["Stock", "qty", "decimal point=','"],
  ["Dates/Next", "expected_date", "date %d.%m.%Y none=00.00.0000"],
]
"#;

#[test]
fn an_envelope_is_written_checked_and_kept_around_rejects() {
    let layout = layout(ENVELOPE);
    let messages = [
        json!({"article_no": "A<1>", "warehouse": "B\"ö\"", "qty": "2.5", "expected_date": "2026-12-01"}),
        json!({"article_no": "A2", "qty": "-1"}),
    ];
    let text = written(&layout, "stock", &messages);
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Envelope>\n  <Header>\n    <Version>1.01</Version>\n    <Sender>WE</Sender>\n  </Header>\n  <List>\n    <Article>\n      <Number>A&lt;1&gt;</Number>\n      <Stock key=\"B&quot;ö&quot;\">2,5</Stock>\n      <Dates>\n        <Next>01.12.2026</Next>\n      </Dates>\n    </Article>\n    <Article>\n      <Number>A2</Number>\n      <Stock>-1</Stock>\n    </Article>\n  </List>\n</Envelope>\n";
    assert_eq!(text, expected);
    assert_eq!(read(&layout, &text).0, messages);

    let fatal = read(&layout, &text.replace("1.01", "1.02")).1;
    assert!(fatal.len() == 1 && fatal[0].starts_with("version-mismatch line 4"), "{fatal:?}");
    let fatal = read(&layout, &text.replace("    <Sender>WE</Sender>\n", "")).1;
    assert!(fatal.len() == 1 && fatal[0].starts_with("layout-mismatch"), "{fatal:?}");

    let bad = text.replace("-1<", "one<").replace("<List>", "<List><!-- of today -->");
    let (good, problems, refused) = read(&layout, &bad);
    assert_eq!((good.len(), refused.len()), (1, 1));
    assert!(problems[0].contains("line 17, \"Stock\": \"one\""), "{problems:?}");
    let mut reject = Vec::new();
    layout.rebuild_reject(&mut Cursor::new(bad.as_bytes()), &refused[0].bytes, &mut reject).unwrap();
    let reject = String::from_utf8(reject).unwrap();
    assert!(reject.contains("of today") && reject.ends_with("</Article>\n\n  </List>\n</Envelope>\n"), "{reject}");
    assert_eq!(read(&layout, &reject.replace("one", "-1")).0, messages[1..]);
}

const COUNTED: &str = r#"
layout = "orders-counted"
title = "Orders with counts and sums around them"
kind = "order"
syntax = "xml"
[xml]
root = "Orders"
[[record]]
name = "envelope"
tag = "."
opens = "file"
fields = [
  ["@count",       "count(order)"],
  ["@sender",      "constant(WE)"],
  ["Head/Lines",   "count(line)"],
  ["Foot/Qty",     "sum(lines.qty)", "decimal point=, places=2"],
  ["Foot/Qty/@of", "count(order)"],
]
[[record]]
name = "order"
tag = "Batch/Order"
opens = "message"
fields = [["No", "buyer_order_no", "required"]]
[[record]]
name = "line"
tag = "Line"
opens = "lines"
fields = [["Art", "lines.article_no"], ["Qty", "lines.qty", "decimal point=, required"]]
"#;

/// Three orders; the envelope counts them all.
fn counted(second: &str, third: &str) -> String {
    let order = |no: u32, lines: &[&str]| {
        let lines: String = lines.iter().map(|q| format!("<Line><Art>A</Art><Qty>{q}</Qty></Line>")).collect();
        format!("    <Order><No>N{no}</No>{lines}</Order>\n")
    };
    let orders = [order(1, &["1", "2"]), order(2, &["3", second]), order(3, &[third])].concat();
    format!(
        "<?xml version=\"1.0\"?>\n<Orders sender=\"WE\" count='3'>\n  <Head><Lines> 5 </Lines></Head>\n  <Batch>\n{orders}  </Batch>\n  <Foot><Qty of=\"3\"><!-- in all -->17,50</Qty></Foot>\n</Orders>\n"
    )
}

#[test]
fn a_reject_has_its_counts_and_sums_made_right() {
    let layout = layout(COUNTED);
    let (good, problems, _) = read(&layout, &counted("4,5", "7"));
    assert_eq!((good.len(), problems.len()), (3, 0), "{problems:?}");
    let wrong = read(&layout, &counted("4,5", "7").replace("count='3'", "count='4'")).1;
    assert!(wrong.iter().any(|p| p.starts_with("total-mismatch")), "{wrong:?}");

    let bad = counted("4,5x", "7");
    let (good, problems, refused) = read(&layout, &bad);
    // The sum over a value that cannot be read is not judged; the file stands, but for that order.
    assert_eq!((good.len(), refused.len(), problems.len()), (2, 1, 1), "{problems:?}");
    let mut reject = Vec::new();
    layout.rebuild_reject(&mut Cursor::new(bad.as_bytes()), &refused[0].bytes, &mut reject).unwrap();
    let reject = String::from_utf8(reject).unwrap();
    let expected = "<?xml version=\"1.0\"?>\n<Orders sender=\"WE\" count='1'>\n  <Head><Lines> 2 </Lines></Head>\n  <Batch>\n    <Order><No>N2</No><Line><Art>A</Art><Qty>3</Qty></Line><Line><Art>A</Art><Qty>4,5x</Qty></Line></Order>\n\n  </Batch>\n  <Foot><Qty of=\"1\"><!-- in all -->7,50</Qty></Foot>\n</Orders>\n";
    assert_eq!(reject, expected);
    let corrected = reject.replace("4,5x", "4,5");
    let (good, problems, _) = read(&layout, &corrected);
    assert_eq!((good.len(), problems.len()), (1, 0), "{problems:?}");
}

#[test]
fn a_reject_from_utf_16_has_its_counts_made_right_too() {
    let layout = layout(COUNTED);
    let bad = counted("x", "y").replace("version=\"1.0\"", "version=\"1.0\" encoding=\"UTF-16\"");
    let wide: Vec<u8> = format!("\u{FEFF}{bad}").encode_utf16().flat_map(u16::to_be_bytes).collect();
    let context = DecodeContext { file_name: "t.xml", zone: chrono_tz::Europe::Berlin, spill: &no_spill };
    let mut kept = Kept::default();
    layout.decode(&mut Cursor::new(&wide), &context, &mut kept).unwrap();
    let ranges: Vec<_> = kept.1.iter().flat_map(|r| r.bytes.iter().cloned()).collect();
    assert_eq!(ranges.len(), 2);
    let mut reject = Vec::new();
    layout.rebuild_reject(&mut Cursor::new(&wide), &ranges, &mut reject).unwrap();
    let units: Vec<u16> = reject.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units).unwrap();
    assert!(text.contains("count='2'") && text.contains("<Lines> 3 </Lines>"), "{text}");
    // What was taken out held 3: 17.5 less that is what the two orders must add up to.
    assert!(text.contains("<Qty of=\"2\"><!-- in all -->14,50<"), "{text}");
}

#[test]
fn a_place_that_is_filled_twice_and_text_beside_elements_are_told() {
    let layout = layout(ENVELOPE);
    let text = written(&layout, "stock", &[json!({"article_no": "A", "qty": "1"})]);
    let twice = |more: &str| read(&layout, &text.replace("<Number>", &format!("{more}<Number>"))).1;
    assert_eq!(twice("<Number> A </Number>"), Vec::<String>::new());
    assert!(
        twice("<Number>B</Number>")[0].starts_with("value-repeated line 9, \"Number\""),
        "{:?}",
        twice("<Number>B</Number>")
    );
    // Of what stands around the messages nobody knows which holds: that is the file's fault, not the next message's.
    let (_, problems, refused) = read(&layout, &text.replace("<Sender>WE<", "<Sender>WE</Sender><Sender>WX<"));
    assert!(problems[0].starts_with("value-repeated line 5, \"Sender\""), "{problems:?}");
    assert!(problems.len() == 1 && refused.is_empty(), "{refused:?}");
    // An element of the sender's own inside a value ends the value's text.
    let nested = text.replace("<Number>A</Number>", "<Number>A<x>B</x>C</Number>");
    assert_eq!(read(&layout, &nested).0[0]["article_no"], "A");
}

#[test]
fn what_cannot_be_compiled_is_explained() {
    let problems = |text: &str| {
        let problems = read_layout("t.toml", text, shipped_kinds()).unwrap_err();
        problems.iter().map(|p| p.to_string()).collect::<Vec<_>>().join("\n")
    };
    let undeclared = problems(&ONE_ORDER.replace("b:CURRENCY", "c:CURRENCY"));
    assert!(undeclared.contains("\"c:\" is not declared"), "{undeclared}");
    for (place, step) in [("../ID", ".."), ("HEAD/*", "*"), ("HEAD/@", "@")] {
        let odd = problems(&ONE_ORDER.replace("HEAD/ID", place));
        assert!(odd.contains(&format!("\"{step}\" is not the name of")), "{place}: {odd}");
    }
    for place in ["HEAD/ID[0]", "HEAD[1]/ID", "HEAD/ID[ROLE=buyer]", "HEAD/ID[@a=b"] {
        let odd = problems(&ONE_ORDER.replace("HEAD/ID", place));
        assert!(odd.contains("brackets belong to the last element of a path"), "{place}: {odd}");
    }
    let no_tag = problems(&ENVELOPE.replace("tag = \"List/Article\"\n", ""));
    assert!(no_tag.contains("tag is missing"), "{no_tag}");
    let both = problems(&format!("{ONE_ORDER}[[record]]\ntag = \".\"\nopens = \"file\"\nfields = []\n"));
    assert!(both.contains("cannot belong to all messages too"), "{both}");
    let no_root = problems(&ENVELOPE.replace("root = \"Envelope\"", ""));
    assert!(no_root.contains("xml.root"), "{no_root}");
    let closes = problems(&format!("{ENVELOPE}[[record]]\ntag = \"x\"\ncloses = \"file\"\n"));
    assert!(closes.contains("closes nothing"), "{closes}");
}
