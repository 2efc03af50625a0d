//! The XML layouts of samples/layouts against what their partners published, and against faulty variants of it; what goes out is
//! the partner's own sample again.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use nattpost::model::batch::Batch;
use nattpost::model::canonical::lines;
use nattpost::model::decimal;
use nattpost::model::json::{read_line, to_json};
use nattpost::model::layout::{EncodeContext, Layout};
use serde_json::{Value, json};

use crate::decoding::{decode, layout};

fn partner(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("NATTPOST_SHARED").map_or_else(beside, PathBuf::from).join("partners").join(name);
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

fn expected(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn same(expected: &Value, found: &Value) -> bool {
    let (expected, found) = (text(expected), text(found));
    let number = |text: &str| decimal::parse(text.as_bytes(), b'.', 6).ok();
    expected == found || number(&expected).is_some() && number(&expected) == number(&found)
}

/// Every value of theirs that `places` names stands at ours; `their path = our path`, both below the object.
fn compare(theirs: &Value, ours: &Value, places: &[(&str, &str)], used: &mut Vec<String>) {
    for (path, place) in places {
        let Some(value) = theirs.pointer(path) else { continue };
        let found = ours.pointer(place).unwrap_or(&Value::Null);
        assert!(same(value, found), "{path}: {found} instead of {value}");
        used.push((*path).to_string());
    }
}

/// How many values a tree holds.
fn leaves(value: &Value) -> usize {
    match value {
        Value::Object(inner) => inner.values().map(leaves).sum(),
        Value::Array(inner) => inner.iter().map(leaves).sum(),
        _ => 1,
    }
}

const UNITE: [(&str, &str); 27] = [
    ("/order_no", "/buyer_order_no"),
    ("/customer_no", "/customer_no"),
    ("/order_date", "/order_date"),
    ("/currency", "/currency"),
    ("/supplier_no", "/extra/supplier_no"),
    ("/customer/name", "/extra/buyer_name"),
    ("/customer/name2", "/contact_name"),
    ("/customer/street", "/extra/buyer_street"),
    ("/customer/zip", "/extra/buyer_zip"),
    ("/customer/city", "/extra/buyer_city"),
    ("/customer/country", "/extra/buyer_country"),
    ("/customer/email", "/email"),
    ("/bill_to/name", "/invoice_name"),
    ("/bill_to/name2", "/invoice_name2"),
    ("/bill_to/street", "/invoice_street"),
    ("/bill_to/zip", "/invoice_zip"),
    ("/bill_to/city", "/invoice_city"),
    ("/bill_to/country", "/invoice_country"),
    ("/bill_to/email", "/invoice_email"),
    ("/ship_to/name", "/delivery_name"),
    ("/ship_to/name2", "/delivery_name2"),
    ("/ship_to/street", "/delivery_street"),
    ("/ship_to/zip", "/delivery_zip"),
    ("/ship_to/city", "/delivery_city"),
    ("/ship_to/country", "/delivery_country"),
    ("/control/total", "/total_net"),
    ("/note", "/note"),
];
const UNITE_LINE: [(&str, &str); 8] = [
    ("/line_no", "/line_no"),
    ("/article_no", "/article_no"),
    ("/description", "/description"),
    ("/qty", "/qty"),
    ("/unit", "/unit"),
    ("/unit_price", "/net_price"),
    ("/price_per", "/price_per"),
    ("/line_total", "/line_total"),
];

#[test]
fn unite_orders_read_as_expected() {
    let Some(folder) = partner("21-unite-opentrans21-order") else { return };
    let bytes = std::fs::read(folder.join("sample.xml")).unwrap();
    let layout = layout("unite-orders/layout.toml");
    let (found, decoded) = decode(&layout, &bytes);
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.problems());
    let order = &expected(&folder)["orders"][0];
    let ours: Vec<Value> = found.messages().map(to_json).collect();
    let mut used = Vec::new();
    compare(order, &ours[0], &UNITE, &mut used);
    let lines = order["lines"].as_array().unwrap();
    assert_eq!(lines.len(), ours[0]["lines"].as_array().unwrap().len());
    for (line, found) in lines.iter().zip(ours[0]["lines"].as_array().unwrap()) {
        compare(line, found, &UNITE_LINE, &mut used);
    }
    // All but the count of lines, which is checked when it is read.
    assert_eq!(used.len(), leaves(order) - 1, "{used:?}");

    // Faulty: another version of the format, a lost line, a line without its article, a buyer without his number.
    let whole = String::from_utf8(bytes).unwrap();
    let codes = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        let (found, decoded) = decode(&layout, whole.replacen(from, to, 1).as_bytes());
        let fatal = decoded.fatal.kept().iter().map(|p| (p.code, p.place.line));
        let all = fatal.chain(found.refused.iter().flat_map(|r| r.problems.iter().map(|p| (p.code, p.place.line))));
        all.map(|(code, _)| code).collect::<Vec<_>>()
    };
    assert_eq!(codes("version=\"2.1\"", "version=\"2.0\""), ["version-mismatch"]);
    assert_eq!(codes("<TOTAL_ITEM_NUM>2<", "<TOTAL_ITEM_NUM>3<"), ["total-mismatch"]);
    assert_eq!(codes("<bmecat:SUPPLIER_PID>B900</bmecat:SUPPLIER_PID>", ""), ["value-missing"]);
    assert_eq!(codes("type=\"mercateo\"", "type=\"other\""), ["value-missing"]);
    assert_eq!(codes("<QUANTITY>10<", "<QUANTITY>ten<"), ["quantity-invalid"]);
    assert_eq!(codes("</ORDER>", ""), ["file-truncated"]);
    assert_eq!(codes("XMLSchema/2.1\"", "XMLSchema/3.0\""), ["layout-mismatch"]);
}

const MAMUT: [(&str, &str); 14] = [
    ("/customer_no", "/customer_no"),
    ("/name", "/name"),
    ("/street", "/street"),
    ("/zip", "/zip"),
    ("/city", "/city"),
    ("/contact/name", "/contact_name"),
    ("/phone", "/phone"),
    ("/email", "/email"),
    ("/our_ref", "/extra/our_ref"),
    ("/status", "/extra/status"),
    ("/group", "/customer_group"),
    ("/rounding", "/extra/rounding"),
    ("/batch_invoicing", "/extra/batch_invoicing"),
    ("/country", "/country"),
];

#[test]
fn mamut_customers_read_as_expected() {
    let Some(folder) = partner("28-mamut-gbacx10") else { return };
    let layout = layout("mamut-customers/layout.toml");
    let (found, decoded) = decode(&layout, &std::fs::read(folder.join("sample.xml")).unwrap());
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.problems());
    let ours: Vec<Value> = found.messages().map(to_json).collect();
    let expected = expected(&folder);
    let customers = expected["customers"].as_array().unwrap();
    assert_eq!(customers.len(), ours.len());
    for (customer, ours) in customers.iter().zip(&ours) {
        let mut used = Vec::new();
        compare(customer, ours, &MAMUT, &mut used);
        let lines = customer.get("address_lines").map_or(0, |lines| {
            assert_eq!([&ours["street"], &ours["street2"]], [&lines[0], &lines[1]]);
            2
        });
        assert_eq!(used.len() + lines, leaves(customer), "{used:?}");
    }
    // What is blank leaves what is known: it is not there at all.
    assert!(ours[1].get("phone").is_none() && ours[0].get("street2").is_none(), "{ours:#?}");
    let own = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/layouts/mamut-customers/sample.xml"))
        .unwrap();
    let text: String = own.iter().map(|b| *b as char).collect();
    let wrong: Vec<u8> =
        text.replace("<DATA67>5", "<DATA67>9").chars().map(|c| u8::try_from(c as u32).unwrap()).collect();
    let (found, _) = decode(&layout, &wrong);
    assert_eq!(found.problems(), [(1, "word-unknown", 14)]);
}

fn written(layout: &Layout, messages: &[Value], zone: Tz, now: &str) -> Result<String, String> {
    let mut batch = Batch::new(layout.kind.clone());
    for (index, message) in messages.iter().enumerate() {
        read_line(&message.to_string(), 1, index as u64 + 1, &mut batch).unwrap();
    }
    let mut out = Vec::new();
    let mut encoder = layout.encoder(EncodeContext { zone }, &mut out).map_err(|e| e.to_string())?;
    encoder.at(now.parse::<DateTime<Utc>>().unwrap());
    encoder.write(&batch).map_err(|e| e.to_string())?;
    encoder.finish().map_err(|e| e.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

fn assert_same(written: &str, sample: &[u8]) {
    assert_eq!(lines(written.as_bytes()).unwrap(), lines(sample).unwrap(), "{written}");
}

#[test]
fn tbstock_writes_its_partners_samples() {
    let layout = layout("tbstock/layout.toml");
    let Some(folder) = partner("34-tradebyte-tbstock") else { return };
    let expected = expected(&folder);
    let rows: Vec<Value> = expected["stock"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let number = row.get("article_no").or_else(|| row.get("ean")).unwrap();
            json!({"article_no": number, "warehouse": row["warehouse"], "qty": row["qty"]})
        })
        .collect();
    let now = expected["context"]["now"].as_str().unwrap();
    let text = written(&layout, &rows, Tz::UTC, now).unwrap();
    assert_same(&text, &std::fs::read(folder.join("sample.xml")).unwrap());
    for (name, rows) in [
        ("sample_one_warehouse.xml", vec![json!({"article_no": "4712", "qty": "20"})]),
        ("sample_two_warehouses.xml", rows[..2].to_vec()),
    ] {
        assert_same(
            &written(&layout, &rows, Tz::UTC, now).unwrap(),
            &std::fs::read(folder.join("samples").join(name)).unwrap(),
        );
    }
    // What was written reads back.
    let (found, decoded) = decode(&layout, text.as_bytes());
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.problems());
    assert_eq!(found.messages().map(to_json).collect::<Vec<_>>(), rows);
    // A part of a unit is nothing that the partner takes.
    assert!(text.contains(">120<"));
}

#[test]
fn amazon_gets_a_numbered_message_for_each_despatch() {
    let layout = layout("amazon-fulfilment/layout.toml");
    let Some(folder) = partner("44-amazon-orderfulfillment-xml") else { return };
    let rows = expected(&folder)["order_statuses"].as_array().unwrap().clone();
    let messages: Vec<Value> = rows.iter().map(|row| {
        let lines = row["lines"].as_array().unwrap().iter().map(|line| {
            json!({"extra": {"item": line["line_ref"]}, "qty": line["qty"]})
        });
        json!({"buyer_order_no": row["order_no"], "status": "shipped", "despatches": [{"delivery_note_no": row["shipment_no"],
            "shipped_at": row["shipped_at"], "carrier": row["carrier"], "service": row["service"],
            "trackings": [{"tracking_no": row["tracking_no"]}], "despatch_lines": lines.collect::<Vec<_>>()}]})
    }).collect();
    let now = "2026-11-22T00:00:00Z";
    let text = written(&layout, &messages, chrono_tz::Etc::GMTPlus8, now).unwrap();
    assert_same(&text, &std::fs::read(folder.join("sample.xml")).unwrap());
    let two = [messages[0].clone(), messages[0].clone()];
    assert!(written(&layout, &two, Tz::UTC, now).unwrap().contains("<MessageID>2</MessageID>"));

    // Each despatch of an order, whatever the order's status, with its own lines; an order without one is not in the file.
    let mut twice = messages[0].clone();
    let mut despatch = twice["despatches"][0].clone();
    despatch["delivery_note_no"] = json!("1234568");
    despatch["despatch_lines"][0]["qty"] = json!("7");
    twice["despatches"].as_array_mut().unwrap().push(despatch);
    twice["status"] = json!("partly_shipped");
    let none = json!({"buyer_order_no": "1234569", "status": "received"});
    let text = written(&layout, &[none, twice.clone()], Tz::UTC, now).unwrap();
    assert_eq!((text.matches("<Message>").count(), text.matches("<Quantity>").count()), (2, 2), "{text}");
    assert!(text.find("<MessageID>2<").unwrap() < text.find(">1234568<").unwrap(), "{text}");
    assert!(text.find(">1234568<").unwrap() < text.find("<Quantity>7<").unwrap(), "{text}");

    // What one Message has no room for is not told in part.
    let parcel = json!({"tracking_no": "2"});
    twice["despatches"][0]["trackings"].as_array_mut().unwrap().push(parcel);
    let refused = written(&layout, &[twice], Tz::UTC, now).unwrap_err();
    assert!(refused.contains("it has 2 of trackings, and the layout has room for 1"), "{refused}");
}
