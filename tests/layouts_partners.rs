//! Foreign layouts against the samples their owners published, and against their faulty variants.

mod partners;

use partners::{compare, decode, decode_file, expected, layout, neutral_orders, shared};

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
    let origin = found.messages().next().unwrap().origin().clone();
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
