//! Copies without personal data: what a layout overwrites and what it leaves, for every syntax and encoding.

mod decoding;
mod made;

use std::io::Read;
use std::path::Path;

use decoding::decode;
use nattpost::model::json::to_json;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::own::{own_id, shipped_layout};
use nattpost::model::layout::{EncodeContext, Layout, RedactError, Redacted, read_layout};
use proptest::prelude::*;
use serde_json::Value;

fn layout(text: &str) -> Layout {
    read_layout("t.toml", text, shipped_kinds()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// Gives a few bytes at a time, as pipes do.
struct Slow<'b>(&'b [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let most = into.len().min(61);
        self.0.read(&mut into[..most])
    }
}

fn try_redact(layout: &Layout, bytes: &[u8]) -> Result<(Vec<u8>, Redacted), RedactError> {
    let mut out = Vec::new();
    let done = layout.redact(&mut Slow(bytes), &mut Slow(bytes), &mut out)?;
    assert_eq!(out.len(), bytes.len(), "every byte stays in its place");
    let mut again = Vec::new();
    layout.redact(&mut &out[..], &mut &out[..], &mut again)?;
    assert!(again == out, "a second time nothing changes");
    Ok((out, done))
}

fn redacted(layout: &Layout, text: &str) -> (String, u64) {
    let (out, done) = try_redact(layout, text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{text}"));
    (String::from_utf8(out).unwrap(), done.unread)
}

const BY_NAME: &str = r#"
layout = "by-name"
title = "By name"
kind = "order"
syntax = "delimited"
[delimited]
unknown_columns = "ignore"
[[record]]
opens = "message"
group_by = ["No"]
fields = [
  ["No", "buyer_order_no", "text required"],
  ["Name|Consignee", "delivery_name", "text before=' / '"],
  ["Name|Consignee", "delivery_contact", "text after=' / '"],
  ["Street + Street 2", "delivery_street", "optional none=-"],
  ["City", "delivery_city", "text"],
  ["=row['Given'] ~ ' ' ~ row.Family", "contact_name", ""],
  ["Given", "extra.given", ""],
  ["Family", "-", ""],
  ["Skype", "extra.skype", "personal optional"],
  ["Shoe", "extra.shoe", "optional"],
  ["Art", "lines.article_no", "text"],
  ["Qty", "lines.qty", "decimal"],
]
"#;

#[test]
fn cells_lose_their_values_and_keep_delimiters_quotes_and_breaks() {
    let sent = "No;Consignee;Street;Street 2;City;Given;Family;Skype;Shoe;Other;Art;Qty\r\n\
        7;\"Ann \"\"A;\"\" Berg / Bö\";Way 1;-;Oslo;Ann;Berg;ann.b;42;x@y;A1;2\r\n\
        \r\n\
        8;\"Two\r\nlines / me\"; Way;\"\";Bergen;;;;43;;A2;1\r\n";
    let kept = "No;Consignee;Street;Street 2;City;Given;Family;Skype;Shoe;Other;Art;Qty\r\n\
        7;\"xxxx\"\"xx\"\"xxxxx / x×\";xxxxx;-;Oslo;xxx;xxxx;xxxxx;42;x@y;A1;2\r\n\
        \r\n\
        8;\"xxx\r\nxxxxx / xx\"; xxx;\"\";Bergen;;;;43;;A2;1\r\n";
    let layout = layout(BY_NAME);
    assert_eq!(redacted(&layout, sent), (kept.to_string(), 0));
    let (before, after) = (decode(&layout, sent.as_bytes()), decode(&layout, kept.as_bytes()));
    assert!(before.1.fatal.is_empty() && before.0.refused.is_empty(), "{:?} {:?}", before.1.fatal, before.0.refused);
    assert_eq!((after.1.messages, after.0.refused.len()), (before.1.messages, 0));
    let wide = |text: &str, unit: fn(u16) -> [u8; 2], mark: [u8; 2]| -> Vec<u8> {
        mark.into_iter().chain(text.encode_utf16().flat_map(unit)).collect()
    };
    let in_utf16 = Layout {
        encoding: nattpost::model::syntax::encoding::Encoding::named("utf-16").unwrap(),
        ..self::layout(BY_NAME)
    };
    for (unit, mark) in [(u16::to_le_bytes as fn(u16) -> [u8; 2], [0xFF, 0xFE]), (u16::to_be_bytes, [0xFE, 0xFF])] {
        let (out, _) = try_redact(&in_utf16, &wide(sent, unit, mark)).unwrap();
        assert!(out == wide(kept, unit, mark));
    }
}

const FIXED: &str = r#"
layout = "fixed"
title = "Fixed"
kind = "order"
syntax = "fixed"
encoding = "cp850"
[fixed]
width = 30
tag = "1-1"
[[record]]
tag = "H"
opens = "message"
fields = [["2-6", "buyer_order_no", "text"], ["7-20", "delivery_name", "text"], ["21-30", "delivery_city", "text"]]
[[record]]
tag = "L"
opens = "lines"
fields = [["2-8", "lines.article_no", "text"], ["9-12", "lines.qty", "decimal"], ["13-20", "lines.extra.born", "date '%d.%m.%y' personal"]]
"#;

#[test]
fn columns_stay_where_they_are_and_rows_that_cannot_be_read_go_whole() {
    let layout = layout(FIXED);
    let sent = b"H00007J\x81rgen Berg   Oslo\r\nLA1        203.04.80\r\nZwho knows? Ann\r\nH00008\n";
    let kept = b"H00007xxxxxxxxxxx   Oslo\r\nLA1        211.11.11\r\nxxxxxxxxxxxxxxx\r\nH00008\n";
    let (out, done) = try_redact(&layout, sent).unwrap();
    assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(kept));
    assert_eq!(done.unread, 1);
    let (found, _) = decode(&layout, kept);
    assert_eq!(found.messages().count() + found.refused.len(), 2);
    let error = try_redact(&layout, b"Q1\nQ2\n").unwrap_err();
    assert!(matches!(&error, RedactError::NotRead(why) if why.contains("layout fixed")), "{error}");
}

#[test]
fn a_row_without_its_quote_or_end_is_overwritten_in_bounded_memory() {
    let text = BY_POSITION.replace("COUNT", "3");
    let layout = layout(&text);
    let long = "ä".repeat(3 << 20);
    let sent = format!("1;Ann;Oslo\n2;\"Bob;Oslo\n3;{long};Oslo\n4;Cid\n5;Dan;Oslo\n");
    let (out, unread) = redacted(&layout, &sent);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((lines[0], lines[1], lines[3], lines[4]), ("1;xxx;Oslo", "x;\"xxx;xxxx", "x;xxx", "5;xxx;Oslo"));
    assert!(lines[2].bytes().all(|b| matches!(b, b'x' | b';')));
    assert_eq!(unread, 3);
    let other = self::layout(&text.replace("[delimited]", "[delimited]\nheader = \"required\""));
    let error = try_redact(&other, sent.as_bytes()).unwrap_err();
    assert!(matches!(error, RedactError::NotRead(_)));
}

const BY_POSITION: &str = r#"
layout = "by-position"
title = "By position"
kind = "order"
syntax = "delimited"
[delimited]
columns = "positions"
[[record]]
fields = [
  ["1", "buyer_order_no", "text", "No"],
  ["2", "delivery_name", "text", "Name"],
  ["COUNT", "delivery_city", "text", "City"],
]
"#;

const TELLING: &str = r#"
layout = "telling"
title = "Elements told by values"
kind = "order"
syntax = "xml"
[xml]
root = "orders"
[[record]]
tag = "order"
opens = "message"
fields = [
  ["@no", "buyer_order_no", "text"],
  ["@by", "contact_name", "text"],
  ["to/name", "delivery_name", "text"],
  ["to/city", "delivery_city", "text"],
  ["=row['first'] ~ row['last']", "invoice_name", ""],
  ["first", "-", ""],
  ["last", "-", ""],
]
[[record]]
tag = "field"
adds = "message"
when = ["name", "email"]
fields = [["value", "email", "text"]]
[[record]]
tag = "field"
adds = "message"
when = ["name", "ref"]
fields = [["value", "note", "text"]]
[[record]]
tag = "line"
opens = "lines"
fields = [["art", "lines.article_no", "text"], ["qty", "lines.qty", "decimal"]]
"#;

const TOLD: &str = "<?xml version=\"1.0\"?>\n<orders>\r\n <order no='1' by = \"A &amp; B&#252;\">\
    <to><name> J&#xFC;rg<!-- Ann --> <![CDATA[<Berg> & \u{e9}]]></name><city>Oslo</city></to>\
    <field><value>a@b.no</value><name>email</name></field><field><value>Ref Ann</value><name>ref</name></field>\
    <first>Ann</first><last/><other>Ann</other>\
    <line><art>A1</art><qty>1</qty></line></order>\n</orders>\n";

#[test]
fn texts_and_attributes_lose_their_values_and_keep_their_markup() {
    let layout = layout(TELLING);
    let kept = "<?xml version=\"1.0\"?>\n<orders>\r\n <order no='1' by = \"xx&#88;xx&#120;\">\
    <to><name> x&#x78;xx<!-- Ann -->x<![CDATA[xxxxxxxxx×]]></name><city>Oslo</city></to>\
    <field><value>xxxxxx</value><name>email</name></field><field><value>Ref Ann</value><name>ref</name></field>\
    <first>xxx</first><last/><other>Ann</other>\
    <line><art>A1</art><qty>1</qty></line></order>\n</orders>\n";
    let kept = kept.replace("&#x78;", "&#120;");
    assert_eq!(redacted(&layout, TOLD), (kept.clone(), 0));
    let values = |text: &str| {
        let (found, decoded) = decode(&layout, text.as_bytes());
        assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.refused);
        found.messages().map(|m| to_json(m)).collect::<Vec<Value>>()
    };
    let (before, after) = (values(TOLD), values(&kept));
    assert_eq!(before[0]["delivery_name"], "Jürg <Berg> & é");
    assert_eq!(after[0]["delivery_name"], "xxxxxxxxxxxxxx×");
    assert_eq!((&after[0]["note"], &after[0]["lines"]), (&before[0]["note"], &before[0]["lines"]));
    let wide: Vec<u8> = [0xFE, 0xFF].into_iter().chain(TOLD.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let (out, _) = try_redact(&layout, &wide).unwrap();
    let units: Vec<u16> = out[2..].chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    assert_eq!(String::from_utf16(&units).unwrap(), kept);
    let latin = TOLD.replace("?>", " encoding='latin-1'?>").replace(" & \u{e9}", "E").into_bytes();
    let latin: Vec<u8> = latin.into_iter().map(|b| if b == b'E' { 0xE9 } else { b }).collect();
    let (out, _) = try_redact(&layout, &latin).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("<![CDATA[xxxxxxx]]>"));
}

#[test]
fn a_message_too_large_to_be_kept_loses_its_personal_data_too() {
    let layout = layout(TELLING);
    let many = "<line><art>A1</art><qty>1</qty></line><field><value>Ann &amp; B</value><name>email</name></field>";
    let text = |count: usize| TOLD.replace("<first>", &format!("{}<first>", many.repeat(count)));
    let sent = text(60_000);
    let (out, _) = redacted(&layout, &sent);
    assert!(!out.contains("<first>Ann") && !out.contains("J&#") && !out.contains("a@b") && !out.contains(">Ann &amp;"));
    assert!(!out.contains("Ref Ann"), "it was not too large");
    assert_eq!(out.matches("<art>A1</art><qty>1</qty>").count(), 60_001);
    assert!(out.contains("<city>Oslo</city>") && out.contains("<other>Ann</other>"));
}

#[test]
fn a_file_that_does_not_fit_is_not_touched() {
    let layout = layout(TELLING);
    for (text, word) in [
        ("<other/>", "orders"),
        ("<orders><order>", "end"),
        ("<orders><thing/></orders>", "no element"),
        ("<orders>&boom;</orders>", "boom"),
    ] {
        let error = try_redact(&layout, text.as_bytes()).unwrap_err();
        assert!(matches!(&error, RedactError::NotRead(why) if why.contains(word)), "{text}: {error}");
    }
}

#[test]
fn partners_files_keep_their_messages_and_lose_their_people() {
    for (name, sample, people) in [
        ("missingink-orders", "sample.csv", true),
        ("bisac-po", "sample.txt", false),
        ("jtl-orders", "sample.xml", true),
    ] {
        let layout = decoding::layout(&format!("{name}/layout.toml"));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/layouts").join(name);
        let bytes = std::fs::read(folder.join(sample)).unwrap();
        let (before, decoded) = decode(&layout, &bytes);
        assert!(decoded.fatal.is_empty() && decoded.messages > 0);
        assert_eq!(layout.has_personal(), people, "{name}");
        let (out, _) = try_redact(&layout, &bytes).unwrap();
        assert_eq!(out != bytes, people, "{name}");
        let (after, again) = decode(&layout, &out);
        assert_eq!((again.messages, after.problems()), (decoded.messages, before.problems()), "{name}");
        for (was, is) in before.messages().zip(after.messages()) {
            let (was, is) = (to_json(was), to_json(is));
            assert_eq!(without(&layout.kind, 0, was), without(&layout.kind, 0, is), "{name}");
        }
    }
}

/// Every personal field of a message, as text.
fn personal(kind: &nattpost::model::kind::Kind, group: usize, message: &Value, found: &mut Vec<String>) {
    for field in kind.groups[group].fields.iter().filter(|f| f.personal) {
        found.extend(message[&field.name].as_str().map(str::to_string));
    }
    for (index, child) in kind.groups.iter().enumerate().skip(1).filter(|(_, g)| g.parent == group) {
        let nodes = message[&child.name].as_array().into_iter().flatten();
        nodes.for_each(|node| personal(kind, index, node, found));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn own_formats_differ_in_their_personal_fields_alone(tape in proptest::collection::vec(any::<u64>(), 1..400)) {
        for (kind, format) in ["order", "customer"].into_iter().flat_map(|kind| [(kind, "csv"), (kind, "xml")]) {
            let kind = shipped_kinds().get(kind).unwrap();
            let layout = shipped_layout(&own_id(kind, format)).unwrap();
            let mut tape = made::Tape::new(&tape);
            let message = made::message(kind, &mut tape);
            let mut batch = nattpost::model::batch::Batch::new(kind.clone());
            nattpost::model::json::read_line(&message.to_string(), 1, 1, &mut batch).unwrap();
            let mut bytes = Vec::new();
            let mut encoder = layout.encoder(EncodeContext { zone: chrono_tz::Europe::Berlin }, &mut bytes).unwrap();
            encoder.write(&batch).unwrap();
            encoder.finish().unwrap();
            let (out, done) = try_redact(layout, &bytes).unwrap();
            prop_assert_eq!(done.unread, 0);
            let (found, decoded) = decode(layout, &out);
            let text = String::from_utf8_lossy(&out);
            prop_assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}\n{}", decoded.fatal, found.refused, text);
            let before = decode(layout, &bytes).0.messages().map(|m| to_json(m)).next().unwrap();
            let after = found.messages().map(|m| to_json(m)).next().unwrap();
            let (mut was, mut is) = (Vec::new(), Vec::new());
            personal(kind, 0, &before, &mut was);
            personal(kind, 0, &after, &mut is);
            prop_assert_eq!(was.len(), is.len());
            for value in is {
                let stays = |c: char| c.is_whitespace() || matches!(c, 'x' | '×' | '✕' | '𝗑' | '"' | 'X' | '<' | '>');
                prop_assert!(value.chars().all(stays), "{value:?}\n{text}");
            }
            prop_assert_eq!(without(kind, 0, before), without(kind, 0, after));
        }
    }
}

fn without(kind: &nattpost::model::kind::Kind, group: usize, mut message: Value) -> Value {
    for field in kind.groups[group].fields.iter().filter(|f| f.personal) {
        message.as_object_mut().unwrap().remove(&field.name);
    }
    for (index, child) in kind.groups.iter().enumerate().skip(1).filter(|(_, g)| g.parent == group) {
        if let Some(nodes) = message.get_mut(&child.name).and_then(Value::as_array_mut) {
            nodes.iter_mut().for_each(|node| *node = without(kind, index, node.take()));
        }
    }
    message
}
