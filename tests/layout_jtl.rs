//! The JTL layout: the published partner sample becomes what its specification says, our own sample shows that the order
//! of elements means nothing, and refused messages make a file of their own.

use std::io::Cursor;
use std::path::PathBuf;

use nattpost::model::batch::Batch;
use nattpost::model::json::to_json;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::{Completeness, DecodeContext, Decoded, Layout, Refused, Sink, Spill, Stop, read_layout};
use serde_json::{Value, json};

#[derive(Default)]
struct Kept {
    messages: Vec<Value>,
    ranges: Vec<std::ops::Range<u64>>,
    refused: Vec<Refused>,
}

impl Sink for Kept {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        self.messages.extend(batch.messages().map(to_json));
        self.ranges.extend(batch.messages().flat_map(|m| m.origin().bytes.to_vec()));
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.refused.push(message);
        Ok(())
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn layout() -> Layout {
    let file = root().join("samples/layouts/jtl-orders/layout.toml");
    read_layout("layout.toml", &std::fs::read_to_string(file).unwrap(), shipped_kinds()).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>());
    })
}

fn no_spill() -> std::io::Result<Box<dyn Spill>> {
    Err(std::io::Error::other("XML needs no spill file"))
}

fn decode(bytes: &[u8]) -> (Kept, Decoded) {
    let layout = layout();
    let mut kept = Kept::default();
    let context = DecodeContext { file_name: "orders.xml", zone: chrono_tz::Europe::Berlin, spill: &no_spill };
    let decoded = layout.decode(&mut Cursor::new(bytes), &context, &mut kept).unwrap();
    (kept, decoded)
}

fn own_sample() -> Vec<u8> {
    std::fs::read(root().join("samples/layouts/jtl-orders/sample.xml")).unwrap()
}

#[test]
fn our_sample_is_read_whatever_the_order_of_its_elements() {
    let (kept, decoded) = decode(&own_sample());
    assert!(decoded.fatal.is_empty() && kept.refused.is_empty(), "{:?} {:?}", decoded.fatal, kept.refused);
    let expected = json!({
        "buyer_order_no": "WEB-4711", "order_date": "2026-11-20", "currency": "EUR", "language": "ger",
        "delivery_name": "Änne Krüger & Söhne", "delivery_street": "Bahnstraße 9", "delivery_zip": "2230",
        "delivery_city": "Gänserndorf", "delivery_country": "AT", "freight": "6.9", "note": "",
        "extra": {"company": "2", "user": "7"},
        "lines": [{"line_no": 1, "article_no": "KABEL-3", "description": "Kabel <3 m>, grün", "qty": "2.5",
            "net_price": "1.195", "tax_pct": "20"}],
    });
    assert_eq!(kept.messages, [expected]);
}

/// Our name of a neutral field of expected.json, and how it is compared.
const NEUTRAL: [(&str, &str); 16] = [
    ("order_no", "buyer_order_no"),
    ("language", "language"),
    ("currency", "currency"),
    ("order_date", "order_date"),
    ("requested_date", "requested_date"),
    ("ship_method", "delivery_method"),
    ("note", "note"),
    ("payment_method", "payment_method"),
    ("payment_days", "payment_days"),
    ("paid_date", "paid_date"),
    ("shipping_amount", "freight"),
    ("article_no", "article_no"),
    ("description", "description"),
    ("qty", "qty"),
    ("net_price", "net_price"),
    ("tax_pct", "tax_pct"),
];

fn ours_of<'v>(neutral: &str, message: &'v Value) -> Option<&'v Value> {
    match neutral {
        "company" | "invoice_no" => message["extra"].get(neutral),
        "unit_price" => message.get("gross_price"),
        "name" | "street" | "zip" | "city" | "country" => message.get(format!("delivery_{neutral}").as_str()),
        _ => message.get(NEUTRAL.iter().find(|(n, _)| *n == neutral)?.1),
    }
}

fn same(expected: &Value, found: &Value) -> bool {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_string);
    let scaled = |v: &Value| nattpost::model::decimal::parse(text(v).as_bytes(), b'.', 6).ok();
    text(expected) == text(found) || scaled(expected).is_some() && scaled(expected) == scaled(found)
}

#[test]
fn the_partners_sample_becomes_what_the_specification_expects() {
    let shared = std::env::var_os("NATTPOST_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let folder = shared.join("partners/24-jtl-wawi-tbestellungen");
    let Ok(sample) = std::fs::read(folder.join("sample.xml")) else {
        println!("skipped: {} is not there", folder.display());
        return;
    };
    let (kept, decoded) = decode(&sample);
    assert!(decoded.fatal.is_empty() && kept.refused.is_empty(), "{:?} {:?}", decoded.fatal, kept.refused);
    let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let orders = expected["orders"].as_array().unwrap();
    assert_eq!(orders.len(), kept.messages.len());
    let mut compared = 0;
    for (order, message) in orders.iter().zip(&kept.messages) {
        let mut pairs: Vec<(&String, &Value, &Value)> = Vec::new();
        for (name, value) in order.as_object().unwrap() {
            match value {
                Value::Object(inner) => pairs.extend(inner.iter().map(|(n, v)| (n, v, message))),
                Value::Array(lines) => {
                    assert_eq!(lines.len(), message["lines"].as_array().unwrap().len());
                    for (line, ours) in lines.iter().zip(message["lines"].as_array().unwrap()) {
                        pairs.extend(line.as_object().unwrap().iter().map(|(n, v)| (n, v, ours)));
                    }
                }
                _ => pairs.push((name, value, message)),
            }
        }
        for (name, value, message) in pairs {
            let found = ours_of(name, message).unwrap_or_else(|| panic!("{name} is not in {message}"));
            assert!(same(value, found), "{name}: {found} instead of {value}");
            compared += 1;
        }
    }
    assert!(compared > 30, "only {compared} values were compared");
}

/// Three orders, the second with two mistakes.
fn three_orders() -> String {
    let order = |no: &str, qty: &str, kind: &str| {
        format!(
            "  <tBestellung kFirma=\"1\">\n    <cExterneBestellNr>{no}</cExterneBestellNr>\n    <twarenkorbpos><cArtNr>A</cArtNr><fAnzahl>{qty}</fAnzahl><cPosTyp>{kind}</cPosTyp></twarenkorbpos>\n    <twarenkorbpos><cArtNr>B</cArtNr><fAnzahl>1</fAnzahl><cPosTyp>standard</cPosTyp></twarenkorbpos>\n  </tBestellung>\n"
        )
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<!-- t\u{e4}glich -->\n<tBestellungen>\n{}{}{}</tBestellungen>\n",
        order("1", "1", "standard"),
        order("2", "2,5x", "gutschein"),
        order("3", "1", "standard")
    )
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c as u32).unwrap()).collect()
}

#[test]
fn a_refused_message_says_why_and_makes_a_file_that_can_be_corrected() {
    let bytes = latin1(&three_orders());
    let (kept, decoded) = decode(&bytes);
    assert_eq!((decoded.messages, kept.messages.len(), kept.refused.len()), (3, 2, 1));
    let refused = &kept.refused[0];
    assert_eq!((refused.number, refused.line, refused.key.as_str()), (2, 9, "2"));
    let codes: Vec<(&str, u32)> = refused.problems.iter().map(|p| (p.code, p.place.line)).collect();
    assert_eq!(codes, [("record-unknown", 11)]);

    let layout = layout();
    let mut reject = Vec::new();
    layout.rebuild_reject(&mut Cursor::new(&bytes), &refused.bytes, &mut reject).unwrap();
    let text: String = reject.iter().map(|b| *b as char).collect();
    assert!(text.contains("t\u{e4}glich") && !text.contains("<cExterneBestellNr>1<"), "{text}");
    let corrected = latin1(&text.replace("gutschein", "standard").replace("2,5x", "2.5"));
    let (again, decoded) = decode(&corrected);
    assert!(decoded.fatal.is_empty() && again.refused.is_empty(), "{:?} {:?}\n{text}", decoded.fatal, again.refused);
    assert_eq!(again.messages[0]["lines"][0]["qty"], "2.5");
}

#[test]
fn wrong_values_are_told_with_line_and_element() {
    let text = three_orders().replace("gutschein", "standard");
    let (kept, _) = decode(&latin1(&text));
    let told: Vec<String> = kept.refused[0].problems.iter().map(|p| p.to_string()).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("line 11, \"fAnzahl\": \"2,5x\""), "{told:?}");
    assert_eq!(kept.refused[0].problems[0].code, "quantity-invalid");
}

#[test]
fn two_shipping_lines_of_different_price_contradict_each_other() {
    let line = "<twarenkorbpos><cPosTyp>versandkosten</cPosTyp><fPreis>5</fPreis></twarenkorbpos>";
    let text = three_orders().replace("2,5x", "2").replace("gutschein", "standard");
    let twice = text.replacen("  </tBestellung>", &format!("{line}{}</tBestellung>", line.replace('5', "6")), 1);
    let (kept, _) = decode(&latin1(&twice));
    assert_eq!(kept.refused.len(), 1);
    assert_eq!(kept.refused[0].problems.len(), 1, "{:?}", kept.refused[0].problems);
    let same_twice = text.replacen("  </tBestellung>", &format!("{line}{line}</tBestellung>"), 1);
    assert_eq!(decode(&latin1(&same_twice)).0.refused.len(), 0);
}

#[test]
fn another_root_and_a_file_without_its_end_are_refused_whole() {
    let codes = |bytes: &[u8]| decode(bytes).1.fatal.counts().keys().copied().collect::<Vec<_>>();
    assert_eq!(codes(b"<Orders/>"), ["layout-mismatch"]);
    assert_eq!(codes(b"<tBestellungen/>"), ["file-empty"]);
    let whole = latin1(&three_orders());
    assert_eq!(codes(&whole[..whole.len() - 20]), ["file-truncated"]);

    let layout = layout();
    assert_eq!(layout.completeness(&whole, false), Completeness::Complete);
    assert!(matches!(layout.completeness(&whole[..whole.len() - 3], false), Completeness::Incomplete(_)));
    assert_eq!(
        layout.completeness(b"</x><!-- a > b --></p:tBestellungen >\n<!-- <end> -->\r\n", false),
        Completeness::Complete
    );
    assert!(matches!(layout.completeness(b"</tBestellung>", false), Completeness::Incomplete(_)));
    assert!(layout.recognises(&whole[..100]) && !layout.recognises(b"<Orders>"));
}
