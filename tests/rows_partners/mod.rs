//! Partners whose files are rows: their samples read as expected, and written byte for byte; and samples of our own beside each
//! layout.

use std::path::{Path, PathBuf};

use crate::decoding::{Found, decode, decode_named, layout};
use crate::neutral::{Pairs, ours, renamed};
use crate::partners::{compare, expected, shared};
use nattpost::model::batch::Batch;
use nattpost::model::json::{read_line, to_json};
use nattpost::model::layout::{EncodeContext, EncodeError, Layout};
use serde_json::{Value as Json, json};

fn partner(name: &str) -> Option<PathBuf> {
    Some(shared()?.join("partners").join(name))
}

fn read(layout: &Layout, path: &Path) -> Found {
    let name = path.file_name().unwrap().to_str().unwrap();
    let (found, decoded) = decode_named(layout, &std::fs::read(path).unwrap(), name);
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.refused);
    found
}

fn messages(found: &Found, pairs: Pairs<'_>) -> Json {
    found.messages().map(|message| renamed(&to_json(message), pairs)).collect()
}

fn same(what: &str, expected: &Json, found: &Json, more: &[&str]) {
    let mut wrong = Vec::new();
    compare(what, expected, found, more, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn written(layout: &Layout, messages: &[Json]) -> Result<Vec<u8>, EncodeError> {
    let mut batch = Batch::new(layout.kind.clone());
    for (index, message) in messages.iter().enumerate() {
        let line = message.to_string();
        read_line(&line, index as u32 + 1, index as u64 + 1, &mut batch).unwrap_or_else(|p| panic!("{p:#?}\n{line}"));
    }
    let mut bytes = Vec::new();
    let mut encoder = layout.encoder(EncodeContext { zone: chrono_tz::Europe::Berlin }, &mut bytes)?;
    encoder.write(&batch)?;
    encoder.finish()?;
    Ok(bytes)
}

fn shown(bytes: &[u8]) -> String {
    bytes.iter().map(|b| *b as char).collect()
}

/// Codes and lines of what is wrong with a file.
fn wrong(layout: &Layout, name: &str, text: &str) -> Vec<(&'static str, u32)> {
    let (found, decoded) = decode_named(layout, text.as_bytes(), name);
    let of_file = decoded.fatal.kept().iter().map(|p| (p.code, p.place.line));
    of_file.chain(found.refused.iter().flat_map(|r| r.problems.iter().map(|p| (p.code, p.place.line)))).collect()
}

const DELIVERY: [(&str, &str); 9] = [
    ("delivery_name", "ship_to.name"),
    ("delivery_street", "ship_to.street"),
    ("delivery_street2", "ship_to.street2"),
    ("delivery_city", "ship_to.city"),
    ("delivery_state", "ship_to.state"),
    ("delivery_zip", "ship_to.zip"),
    ("delivery_country", "ship_to.country"),
    ("delivery_contact", "ship_to.contact"),
    ("delivery_phone", "ship_to.phone"),
];

#[test]
fn evopos_reads_as_expected() {
    let Some(folder) = partner("04-evopos-orders-csv") else { return };
    let found = read(&layout("evopos-orders/layout.toml"), &folder.join("sample.csv"));
    let pairs = [
        ("buyer_order_no", "order_no"),
        ("delivery_name", "customer.name"),
        ("email", "customer.email"),
        ("phone", "customer.phone"),
        ("delivery_street", "customer.street"),
        ("delivery_street2", "customer.street2"),
        ("delivery_city", "customer.city"),
        ("delivery_state", "customer.state"),
        ("delivery_zip", "customer.zip"),
        ("delivery_country", "customer.country"),
        ("lines.gross_price", "unit_price"),
    ];
    let mut orders = messages(&found, &pairs);
    // That prices are with tax is said by the field they stand in.
    orders.as_array_mut().unwrap().iter_mut().for_each(|order| order["prices_include_tax"] = true.into());
    same("orders", &expected(&folder)["orders"], &orders, &["line_no"]);
}

#[test]
fn shop_orders_with_and_without_a_head_read_as_expected() {
    let layout = layout("shop-hi-orders/layout.toml");
    let bare = "I;162;1\nI;163;2\n";
    let (found, decoded) = decode_named(&layout, bare.as_bytes(), "import.txt");
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.refused);
    let first = to_json(found.messages().next().unwrap());
    assert_eq!((decoded.messages, first["lines"].as_array().unwrap().len()), (1, 2));
    // The number is that of the content, whatever the file is called.
    let (again, _) = decode_named(&layout, bare.as_bytes(), "other.txt");
    assert_eq!(to_json(again.messages().next().unwrap()), first);
    assert_eq!(first["buyer_order_no"].as_str().unwrap().len(), 12);
    assert_eq!(layout.rebuild_reject(&mut std::io::Cursor::new(bare), &[0..8, 8..16], &mut Vec::new()).ok(), Some(()));
    assert!(layout.recognises(bare.as_bytes()) && layout.recognises(b"H;;;x;y\nI;1;1\n"));
    let Some(folder) = partner("08-lenovoshop-hi") else { return };
    let found = read(&layout, &folder.join("sample.txt"));
    same("orders", &expected(&folder)["orders"], &messages(&found, &[]), &["line_no", "buyer_order_no"]);
}

#[test]
fn dropstream_reads_as_expected() {
    let layout = layout("dropstream-orders/layout.toml");
    let Some(folder) = partner("09-dropstream-ph-pd") else { return };
    let mut pairs = vec![
        ("buyer_order_no", "order_no"),
        ("delivery_method", "ship_method"),
        ("invoice_name", "bill_to.name"),
        ("invoice_street", "bill_to.street"),
        ("invoice_street2", "bill_to.street2"),
        ("invoice_city", "bill_to.city"),
        ("invoice_state", "bill_to.state"),
        ("invoice_zip", "bill_to.zip"),
        ("invoice_country", "bill_to.country"),
        ("lines.gross_price", "unit_price"),
    ];
    pairs.extend(DELIVERY);
    let text = std::fs::read_to_string(folder.join("sample.csv")).unwrap();
    let (found, decoded) = decode_named(&layout, text.as_bytes(), "ord_2016981433_160308143001.csv");
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.refused);
    let mut expected = expected(&folder)["orders"].clone();
    // Wall times are of the partner's zone, here that of the file.
    expected[1]["order_time"] = "14:30:00".into();
    same("orders", &expected, &messages(&found, &pairs), &["order_time", "sent_at"]);
    // What the page says is refused: other names, numbers with blanks or tildes, the columns of another version.
    let name = "ord_2016981433_160308143001.csv";
    assert_eq!(wrong(&layout, "ship_2016981433_160308143001.csv", &text), [("file-name-invalid", 0)]);
    assert_eq!(wrong(&layout, "ord_2016981433_160308143001.txt", &text), [("file-name-invalid", 0)]);
    let blank = text.replace("ABC-1234_5", "ABC 1234~5");
    assert_eq!(wrong(&layout, name, &blank), [("value-invalid", 7)]);
    let with_email = text.replacen("\"12345678\",", "\"12345678\",\"joan@example.com\",", 1);
    assert_eq!(wrong(&layout, name, &with_email)[0], ("country-invalid", 1));
}

#[test]
fn pyramid_reads_as_expected_and_is_written_as_it_was() {
    let layout = layout("pyramid-salesorders/layout.toml");
    let Some(folder) = partner("12-webmercs-pyramid-salesorders") else { return };
    let pairs = [
        ("buyer_order_no", "order_no"),
        ("freight", "shipping_amount"),
        ("payment_method", "payment_type"),
        ("delivery_name2", "ship_to.company"),
        ("delivery_street", "ship_to.street"),
        ("delivery_zip", "ship_to.zip"),
        ("delivery_city", "ship_to.city"),
        ("delivery_phone", "ship_to.phone"),
        ("delivery_name", "ship_to.name"),
        ("lines.net_price", "unit_price"),
    ];
    let file = folder.join("samples/salesorders_20240315.txt");
    let found = read(&layout, &file);
    same("orders", &expected(&folder)["orders"], &messages(&found, &pairs), &["day"]);
    let all: Vec<Json> = found.messages().map(to_json).collect();
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(shown(&written(&layout, &all).unwrap()), shown(&bytes));
    let ascii = shown(&bytes).replace(|c: char| !c.is_ascii(), "?");
    assert_eq!(wrong(&layout, "purchaseorders_20240315.txt", &ascii), [("file-name-invalid", 0)]);
}

#[test]
fn kuali_reads_as_expected() {
    let layout = layout("kuali-customers/layout.toml");
    let Some(folder) = partner("25-kuali-kfs-customers") else { return };
    let found = read(&layout, &folder.join("sample.csv"));
    let pairs = [("vat_no", "tax_no"), ("contact_name", "contact"), ("blocked", "active")];
    let mut expected = expected(&folder)["customers"].clone();
    let mut customers = messages(&found, &pairs);
    for customer in customers.as_array_mut().unwrap() {
        customer["active"] = (customer["active"] == false).into();
    }
    for address in expected.as_array_mut().unwrap().iter_mut().flat_map(|c| c["addresses"].as_array_mut().unwrap()) {
        // A province is a state to us.
        if let Some(province) = address.as_object_mut().unwrap().remove("province") {
            address["state"] = province;
        }
    }
    expected[1]["customer_no"] = "NEW Ontario Radio Supply".into();
    same("customers", &expected, &customers, &[]);
    let text = std::fs::read_to_string(folder.join("sample.csv")).unwrap();
    // A file whose names are all blank fails as a whole.
    let nameless = text.replace("\"ABBOTT TIRE, INC.\"", "").replace("Ontario Radio Supply", "");
    assert_eq!(wrong(&layout, "c.csv", &nameless).first(), Some(&("record-misplaced", 1)));
    assert!(decode(&layout, nameless.as_bytes()).0.batches.is_empty());
    // `1` is not `01`.
    assert_eq!(wrong(&layout, "c.csv", &text.replacen(",,01,,", ",,1,,", 1)), [("value-invalid", 1)]);
}

#[test]
fn erc_is_written_as_published() {
    let layout = layout("erc-stockfeed/layout.toml");
    let pairs = [
        ("article_no", "article_no"),
        ("qty", "qty"),
        ("extra.ean", "ean"),
        ("extra.price", "price"),
        ("extra.days", "lead_days"),
        ("extra.qty_external", "qty_external"),
        ("extra.days_external", "lead_days_external"),
    ];
    assert_eq!(
        shown(&written(&layout, &[]).unwrap()),
        "Itemcode\tBarcode\tPrice\tStockINT\tDeliveryDaysINT\tStockEXT\tDeliveryDaysEXT\n"
    );
    let Some(folder) = partner("33-erc-stockfeed-tab") else { return };
    let expected = expected(&folder);
    for (state, file) in [("stock", "StockFeedInit.csv"), ("later_state", "StockFeedIncremental.csv")] {
        let rows = expected[state].as_array().unwrap().iter();
        // Only what differs from the full file.
        let rows = rows.enumerate().filter(|(at, row)| state == "stock" || expected["stock"][*at] != **row);
        let all: Vec<Json> = rows.map(|(_, row)| ours(row, &pairs)).collect();
        let sample = std::fs::read(folder.join("samples").join(file)).unwrap();
        assert_eq!(shown(&written(&layout, &all).unwrap()), shown(&sample), "{file}");
        let found = decode(&layout, &sample).0;
        assert_eq!(messages(&found, &[]).as_array().unwrap().len(), all.len());
    }
}

#[test]
fn storel_is_written_as_published() {
    let (gross, net) = (layout("storel-prices/layout.toml"), layout("storel-prices/net.toml"));
    assert_eq!(written(&net, &[]).unwrap(), b"", "an empty file says that there are no net prices");
    let Some(folder) = partner("37-storel-gn-prislista") else { return };
    let pairs = [
        ("article_no", "article_no"),
        ("price", "price"),
        ("price_unit", "unit"),
        ("discount_group", "group"),
        ("valid_from", "valid_from"),
        ("extra.description", "description"),
        ("extra.responsibility", "responsibility"),
        ("extra.stocked", "stocked"),
        ("extra.status", "status"),
    ];
    let expected = expected(&folder);
    for (layout, rows, file) in [(&gross, "prices", "gn_prislista.txt"), (&net, "net_prices", "nettopris.txt")] {
        let all: Vec<Json> = expected[rows].as_array().unwrap().iter().map(|row| ours(row, &pairs)).collect();
        let sample = std::fs::read(folder.join("samples").join(file)).unwrap();
        assert_eq!(shown(&written(layout, &all).unwrap()), shown(&sample), "{file}");
        same(rows, &expected[rows], &messages(&decode(layout, &sample).0, &pairs), &[]);
    }
}

#[test]
fn richer_parts_are_written_as_published_and_read_as_price_lists() {
    let Some(folder) = partner("40-richer-parts-118") else { return };
    let layout_of = |name: &str| layout(&format!("richer-parts/{name}.toml"));
    let pairs = [
        ("article_no", "article_no"),
        ("price", "price1"),
        ("extra.description", "description"),
        ("extra.price2", "price2"),
        ("extra.price3", "price3"),
        ("extra.price4", "price4"),
        ("extra.cost", "cost"),
        ("extra.core", "core"),
    ];
    let mut expected = expected(&folder)["prices"].clone();
    let all: Vec<Json> = expected.as_array().unwrap().iter().map(|row| ours(row, &pairs)).collect();
    let sample = std::fs::read(folder.join("sample.txt")).unwrap();
    assert_eq!(shown(&written(&layout_of("layout"), &all).unwrap()), shown(&sample));
    // What was cut cannot come back.
    for price in expected.as_array_mut().unwrap() {
        let whole = price["description"].as_str().unwrap().to_string();
        price["description"] = whole[..whole.len().min(8)].into();
    }
    same("prices", &expected, &messages(&decode(&layout_of("layout"), &sample).0, &pairs), &[]);
    let levels = messages(&decode(&layout_of("levels"), &sample).0, &[]);
    assert_eq!(levels.as_array().unwrap().len(), 9);
    assert_eq!(levels[1], json!({"price_list": "2", "article_no": "1802345C91", "price": "26.1"}));
}

#[test]
fn shipments_are_written_as_published() {
    let layout = layout("35up-shipments/layout.toml");
    let Some(folder) = partner("43-35up-shipments-csv") else { return };
    let mut orders: Vec<Json> = Vec::new();
    for row in expected(&folder)["order_statuses"].as_array().unwrap() {
        let order = &row["order_no"];
        if orders.last().is_none_or(|last| last["buyer_order_no"] != *order) {
            orders.push(json!({"buyer_order_no": order, "status": "shipped", "despatches": []}));
        }
        let despatches = orders.last_mut().unwrap()["despatches"].as_array_mut().unwrap();
        if despatches.last().is_none_or(|last| last["delivery_note_no"] != row["shipment_no"]) {
            let mut despatch = json!({"delivery_note_no": row["shipment_no"], "shipped_at": row["shipped_at"]});
            for key in ["carrier", "service"].into_iter().filter(|key| row.get(key).is_some()) {
                despatch[key] = row[key].clone();
            }
            if let Some(tracking) = row.get("tracking_no") {
                despatch["trackings"] = json!([{"tracking_no": tracking, "tracking_url": row["tracking_url"]}]);
            }
            despatch["despatch_lines"] = json!([]);
            despatches.push(despatch);
        }
        let lines = despatches.last_mut().unwrap()["despatch_lines"].as_array_mut().unwrap();
        lines.push(
            json!({"article_no": row["article_no"], "qty": row["qty"], "extra": {"item_id": row["partner_line_ref"]}}),
        );
    }
    let sample = std::fs::read(folder.join("sample.csv")).unwrap();
    assert_eq!(shown(&written(&layout, &orders).unwrap()), shown(&sample));
}

/// Every layout here has a sample of our own beside it, and what it reads as: one message a line.
#[test]
fn our_own_samples_read_as_they_stand() {
    let samples = [
        ("evopos-orders/layout.toml", "sample.csv"),
        ("shop-hi-orders/layout.toml", "sample.txt"),
        ("dropstream-orders/layout.toml", "ord_TN-4401_260311094500.csv"),
        ("pyramid-salesorders/layout.toml", "salesorders_20260311.txt"),
        ("kuali-customers/layout.toml", "sample.csv"),
        ("erc-stockfeed/layout.toml", "sample.csv"),
        ("storel-prices/layout.toml", "sample.txt"),
        ("richer-parts/layout.toml", "sample.txt"),
    ];
    for (name, sample) in samples {
        let layout = layout(name);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/layouts").join(name).with_file_name(sample);
        let found = read(&layout, &file);
        let all: Vec<Json> = found.messages().map(to_json).collect();
        let beside = file.with_file_name(format!("{sample}.expected.json"));
        if std::env::var_os("NATTPOST_BLESS").is_some() {
            let text = serde_json::to_string_pretty(&json!({"messages": all})).unwrap();
            std::fs::write(&beside, text + "\n").unwrap();
        }
        let expected: Json = serde_json::from_str(&std::fs::read_to_string(&beside).unwrap()).unwrap();
        assert_eq!(expected["messages"], Json::Array(all.clone()), "{}", beside.display());
        if layout.writes() && !name.starts_with("evopos") && !name.starts_with("shop-hi") && !name.starts_with("kuali")
        {
            assert_eq!(shown(&written(&layout, &all).unwrap()), shown(&std::fs::read(&file).unwrap()), "{name}");
        }
    }
}
