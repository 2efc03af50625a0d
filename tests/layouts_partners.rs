//! Foreign layouts against the samples their owners published, and against their faulty variants.

mod decoding;
mod neutral;
mod partners;
mod rows_partners;

use decoding::{decode, layout};
use nattpost::model::layout::Completeness;
use partners::{compare, decode_file, expected, neutral_orders, shared};

#[test]
fn missing_ink_reads_as_expected() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("partners/01-missingink-orders-csv");
    let (found, decoded) = decode_file(&layout("missingink-orders/layout.toml"), &folder.join("samples/sample.csv"));
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.problems());
    let mut wrong = Vec::new();
    let orders = serde_json::Value::Array(neutral_orders(&found));
    // The partner does not number his lines; we count them.
    compare("orders", &expected(&folder)["orders"], &orders, &["line_no"], &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn missing_ink_as_published_loses_the_whole_order_2222() {
    let Some(shared) = shared() else { return };
    let file = shared.join("partners/01-missingink-orders-csv/samples/sample_as_published.csv");
    let (found, decoded) = decode_file(&layout("missingink-orders/layout.toml"), &file);
    assert!(decoded.fatal.is_empty());
    assert_eq!(decoded.messages, 2);
    let orders = neutral_orders(&found);
    assert_eq!(orders.len(), 1);
    assert_eq!((&orders[0]["order_no"], orders[0]["lines"].as_array().unwrap().len()), (&"1111".into(), 2));
    let [refused] = &found.refused[..] else { panic!("{:?}", found.problems()) };
    assert_eq!(refused.number, 2);
    let problems = found.problems();
    assert!(problems.contains(&(2, "columns-wrong", 4)) && problems.contains(&(2, "columns-wrong", 6)), "{problems:?}");
    let bytes = std::fs::read(&file).unwrap();
    let cut: Vec<u8> = refused.bytes.iter().flat_map(|r| bytes[r.start as usize..r.end as usize].to_vec()).collect();
    assert_eq!(cut.iter().filter(|b| **b == b'\n').count(), 3);
    assert!(cut.starts_with(b"2222, Miley"));
}

#[test]
fn contradicting_head_data_refuse_the_message_wherever_its_rows_stand() {
    let layout = layout("missingink-orders/layout.toml");
    let head = "order id,ship_name,ship_address_1,ship_city,ship_state,ship_zipcode,ship_country,product_sku,product_qty,product_name\n";
    let row = |order: &str, name: &str, sku: &str| format!("{order},{name},1 Road,Town,NY,10001,US,{sku},1,Hat\n");
    let rows =
        [row("1", "Ann", "a"), row("2", "Bea", "b"), row("1", "Ann", "c"), row("2", "Eve", "d"), row("3", "Fay", "e")];
    let text = format!("{head}{}", rows.concat());
    let (found, decoded) = decode(&layout, text.as_bytes());
    assert_eq!((decoded.messages, found.problems()), (3, vec![(2, "head-contradicts", 5)]));
    let orders = neutral_orders(&found);
    let skus: Vec<_> =
        orders[0]["lines"].as_array().unwrap().iter().map(|l| l["article_no"].as_str().unwrap()).collect();
    assert_eq!((skus, orders.len()), (vec!["a", "c"], 2));
    let origin = found.messages().next().unwrap().origin();
    let cut: Vec<&str> = origin.bytes.iter().map(|r| &text[r.start as usize..r.end as usize]).collect();
    assert_eq!(cut, [rows[0].as_str(), rows[2].as_str()]);
}

#[test]
fn bisac_reads_as_expected() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("partners/15-bisac-fixed-po");
    let (found, decoded) = decode_file(&layout("bisac-po/layout.toml"), &folder.join("samples/sample_constructed.txt"));
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.problems());
    let mut expected = expected(&folder)["orders"].clone();
    for order in expected.as_array_mut().unwrap() {
        // Control totals are checked, not kept; a line's title is its description.
        order.as_object_mut().unwrap().remove("control");
        for line in order["lines"].as_array_mut().unwrap() {
            let title = line.as_object_mut().unwrap().remove("title").unwrap();
            line["description"] = title;
        }
    }
    let mut wrong = Vec::new();
    let orders = serde_json::Value::Array(neutral_orders(&found));
    let more = ["sender_san", "receiver_san", "file_date", "file_name"];
    compare("orders", &expected, &orders, &more, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bisac_without_its_trailer_is_refused_whole() {
    let Some(shared) = shared() else { return };
    let file = shared.join("partners/15-bisac-fixed-po/samples/sample_no_trailer.txt");
    let (_, decoded) = decode_file(&layout("bisac-po/layout.toml"), &file);
    assert_eq!(decoded.fatal.counts().keys().collect::<Vec<_>>(), [&"file-truncated"]);
}

#[test]
fn yardstick_rows_are_read() {
    let layout = layout("yardstick/orders_hl.toml");
    let text = "H;P001;26000000;2026-01-01T00:00:00;2026-02-04;EUR;100001;REF-1;\"Autohaus \"\"Nord\"\"; Filiale 2\";Hauptstraße;5;10115;Berlin;DE;a@example.test;+49 30 1;DHL;NET30;1234;F01;\nL;P001;26000000;1;A0000001;S-1;4000000000000;Ölfilter;2000;PCE;617;250;1900\n";
    let (found, decoded) = decode(&layout, text.as_bytes());
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.refused);
    let order = &neutral_orders(&found)[0];
    assert_eq!(order["ship_to"]["name"], "Autohaus \"Nord\"; Filiale 2");
    assert_eq!(order["order_time"], "00:00:00");
    assert_eq!((&order["lines"][0]["qty"], &order["lines"][0]["net_price"]), (&"2".into(), &"6.17".into()));
    assert_eq!((&order["lines"][0]["discount_pct"], &order["lines"][0]["tax_pct"]), (&"2.5".into(), &"19".into()));
}

/// The BISAC sample with a quantity of PO-1002 made unreadable.
fn bisac_with_a_bad_quantity() -> Option<String> {
    let file = shared()?.join("partners/15-bisac-fixed-po/samples/sample_constructed.txt");
    let text = std::fs::read_to_string(file).unwrap();
    let bad = text.replace("344273124X00012", "344273124X0x012");
    assert_ne!(text, bad);
    Some(bad)
}

#[test]
fn a_bad_quantity_refuses_its_order_and_not_the_file() {
    let Some(bad) = bisac_with_a_bad_quantity() else { return };
    let (found, decoded) = decode(&layout("bisac-po/layout.toml"), bad.as_bytes());
    assert!(decoded.fatal.is_empty(), "{:?}", decoded.fatal);
    assert_eq!(found.problems(), [(2, "quantity-invalid", 11)]);
    assert_eq!(found.refused[0].key, "7654321 / PO-1002");
    assert_eq!(found.refused[0].problems[0].place.field, "quantity");
    assert_eq!(neutral_orders(&found).len(), 2);
}

#[test]
fn the_reject_file_has_its_envelope_numbers_and_totals_right() {
    let Some(bad) = bisac_with_a_bad_quantity() else { return };
    let layout = layout("bisac-po/layout.toml");
    let (found, _) = decode(&layout, bad.as_bytes());
    let mut reject = Vec::new();
    layout.rebuild_reject(&mut std::io::Cursor::new(&bad), &found.refused[0].bytes, &mut reject).unwrap();
    let reject = String::from_utf8(reject).unwrap();
    let lines: Vec<&str> = reject.lines().collect();
    let numbers: Vec<&str> = lines.iter().map(|l| &l[..7]).collect();
    assert_eq!(numbers, ["0000001", "1000002", "4000003", "4100004", "4200005", "5000006", "9000007"]);
    assert_eq!(&lines[6][7..35], "0000000000001000010000000012");
    // The partner corrects the quantity and drops the file again.
    let corrected = reject.replace("0x012", "00012");
    let (found, decoded) = decode(&layout, corrected.as_bytes());
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.problems());
    assert_eq!(neutral_orders(&found)[0]["order_no"], "PO-1002");
}

#[test]
fn wrong_totals_and_gaps_refuse_what_they_speak_of() {
    let Some(shared) = shared() else { return };
    let text =
        std::fs::read_to_string(shared.join("partners/15-bisac-fixed-po/samples/sample_constructed.txt")).unwrap();
    let layout = layout("bisac-po/layout.toml");
    let fatal = |text: &str| decode(&layout, text.as_bytes()).1.fatal.counts().keys().copied().collect::<Vec<_>>();
    // Units of PO-1001: that order alone.
    let (found, decoded) = decode(&layout, text.replacen("0000000004 ", "0000000005 ", 1).as_bytes());
    assert!(decoded.fatal.is_empty());
    assert_eq!(found.problems(), [(1, "total-mismatch", 9)]);
    // Lines in the trailer, a lost line, a version nobody agreed on, two interchanges without the first trailer.
    assert_eq!(fatal(&text.replacen("900001500000000000030", "900001500000000000040", 1)), ["total-mismatch"]);
    let lost: String = text.split_inclusive('\n').filter(|l| !l.starts_with("4200005")).collect();
    assert!(fatal(&lost).contains(&"sequence-broken"));
    assert_eq!(fatal(&text.replacen("F03", "F09", 1)), ["version-mismatch"]);
    let headless: String = text.split_inclusive('\n').filter(|l| !l.starts_with("9000015")).collect();
    assert_eq!(fatal(&headless), ["file-truncated"]);
}

#[test]
fn files_are_complete_or_not_and_known_or_not_by_their_ends() {
    let Some(shared) = shared() else { return };
    let bisac = layout("bisac-po/layout.toml");
    let ink = layout("missingink-orders/layout.toml");
    let read = |file: &str| std::fs::read(shared.join("partners").join(file)).unwrap();
    let whole = read("15-bisac-fixed-po/samples/sample_constructed.txt");
    let cut = read("15-bisac-fixed-po/samples/sample_no_trailer.txt");
    let csv = read("01-missingink-orders-csv/samples/sample.csv");
    assert_eq!(bisac.completeness(&whole, true), Completeness::Complete);
    assert!(matches!(bisac.completeness(&cut, true), Completeness::Incomplete(text) if text.contains("file trailer")));
    assert_ne!(bisac.completeness(&whole[..whole.len() - 20], true), Completeness::Complete);
    assert_eq!(ink.completeness(&csv, true), Completeness::Complete);
    assert_ne!(ink.completeness(&csv[..csv.len() - 20], true), Completeness::Complete);
    assert!(bisac.recognises(&whole) && !bisac.recognises(&csv) && !bisac.recognises(b"") && !bisac.recognises(b"\0"));
    assert!(ink.recognises(&csv) && !ink.recognises(&whole) && !ink.recognises(b"<?xml version=\"1.0\"?>\n<a/>"));
}

#[test]
fn a_header_that_does_not_fit_is_shown_and_never_read_by_position() {
    let layout = layout("missingink-orders/layout.toml");
    let (found, decoded) = decode(&layout, b"order id,name,product_sku\n1,x,y\n");
    assert_eq!((found.refused.len(), decoded.messages), (0, 0));
    let problem = &decoded.fatal.kept()[0];
    assert_eq!((problem.code, problem.place.line), ("layout-mismatch", 1));
    assert!(problem.text.contains("\"ship_name\"") && problem.text.contains("not known: \"name\""), "{}", problem.text);
}
