//! Files out through a real spool and database: what is in them, when they are made, and that an order goes out once.

use crate::bench::{Bench, at, daily, feed};
use nattpost::edges::store::ledger::{RunReason, RunState};
use nattpost::flows::outbound::{Ask, Outcome, next_due, runs_ahead};
use nattpost::model::feed::Missed;
use nattpost::model::intake::Sender;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::read_layout;
use nattpost::model::rules::published::Published;
use std::sync::Arc;

const DAY: &str = "2026-11-19T06:00:00.000Z";

const STOCK: [&str; 4] = [
    r#"{"article_no":"A1","warehouse":"01","qty":"25","unit":"PCE"}"#,
    r#"{"article_no":"A2","warehouse":"01","qty":"-3","unit":"PCE"}"#,
    r#"{"article_no":"A3","warehouse":"01","qty":"7.25","unit":"MTR","availability":"in_stock"}"#,
    r#"{"article_no":"A1","warehouse":"02","qty":"4","unit":"PCE"}"#,
];

pub fn elements(xml: &str, name: &str) -> Vec<String> {
    let open = format!("<{name}>");
    xml.split(&open).skip(1).map(|rest| rest.split("</").next().unwrap().to_string()).collect()
}

#[test]
fn stock_goes_out_full_in_the_partners_words_and_is_stored_as_it_was() {
    let mut bench = Bench::new();
    let file = bench.applied("stock", DAY, &STOCK);
    let stamp = nattpost::edges::store::business::Stamp { file, as_of: "2026-11-19T07:00:00.000Z" };
    let kind = shipped_kinds().get("stock").unwrap();
    // A later full file names A1 and A2 only: A3 is closed.
    let tx = bench.store.begin().unwrap();
    let mut records = tx.records(kind, &stamp).unwrap();
    crate::bench::batch("stock", &STOCK[..2]).messages().for_each(|m| _ = records.apply(m).unwrap());
    records.finish().unwrap();
    tx.commit().unwrap();
    let n = bench.next_file();
    let tx = bench.store.begin().unwrap();
    let newer = crate::bench::see(&tx, n, "erp", "facts", "2026-11-19T08:00:00.000Z");
    let stamp = nattpost::edges::store::business::Stamp { file: newer, as_of: "2026-11-19T08:00:00.000Z" };
    let mut records = tx.records(kind, &stamp).unwrap();
    crate::bench::batch("stock", &STOCK[..2]).messages().for_each(|m| _ = records.apply(m).unwrap());
    records.finish().unwrap();
    assert_eq!(tx.close_absent(kind, "erp", &["facts"], &[("warehouse", "01")], &stamp).unwrap(), 1);
    tx.commit().unwrap();

    let mut stock = feed("shop", "stock", "nattpost-stock-xml");
    stock.only = vec![("warehouse".to_string(), "01".to_string())];
    stock.published.negative_as_zero = true;
    stock.folder = "ware/stock".to_string();
    stock.recipient =
        Arc::new(Sender { units: [("Stk".to_string(), "PCE".to_string())].into(), ..Sender::clone(&stock.recipient) });
    let Outcome::Ready { id, name, rows, .. } = bench.dispatch().send(&stock, &Ask::request()).unwrap() else {
        panic!()
    };
    assert_eq!((name.as_str(), rows), ("stock_000001.xml", 3));
    let xml = bench.text("out/shop/ware/stock/stock_000001.xml");
    assert_eq!(elements(&xml, "article_no"), ["A1", "A2", "A3"]);
    assert_eq!(elements(&xml, "qty"), ["25", "0", "0"], "{xml}");
    assert_eq!(elements(&xml, "unit"), ["Stk", "Stk"], "the closed one says nothing more: {xml}");
    assert!(elements(&xml, "availability").is_empty());
    let run = &bench.runs()[0];
    assert_eq!((run.id, run.state, run.reason, run.rows), (id, RunState::Ready, RunReason::Request, 3));
    assert_eq!((run.size, &run.hash[..]), (xml.len() as u64, &blake3::hash(xml.as_bytes()).as_bytes()[..]));
    assert_eq!((run.folder.as_str(), run.day.as_str()), ("ware/stock", "2026-11-20"));
    let told = bench.told();
    assert!(told.contains("run-ready partner=shop feed=stock kind=stock name=stock_000001.xml messages=3"), "{told}");
    let stored = bench.store.read().unwrap().find_rows(kind, "A3", 1).unwrap();
    assert!(!stored[0].active);
    assert!(bench.files("staged").is_empty() && bench.files("tmp").is_empty());
}

/// 25 and 26 are the same file where 25 means "25 or more": the partner cannot tell them apart.
#[test]
fn a_cap_keeps_the_true_quantity_to_ourselves() {
    let mut bench = Bench::new();
    let mut stock = feed("shop", "stock", "nattpost-stock-xml");
    stock.published = Published {
        cap_e6: Some(25_000_000),
        buffer_e6: 2_000_000,
        floor_e6: 3_000_000,
        negative_as_zero: true,
        ..Published::default()
    };
    for (nth, (there, told)) in [("27", "25"), ("28", "25"), ("5", "3"), ("4.999999", "0")].into_iter().enumerate() {
        let line = format!(r#"{{"article_no":"A1","warehouse":"01","qty":"{there}"}}"#);
        bench.applied("stock", &format!("2026-11-19T0{nth}:00:00.000Z"), &[&line]);
        let Outcome::Ready { name, .. } = bench.dispatch().send(&stock, &Ask::request()).unwrap() else { panic!() };
        assert_eq!(elements(&bench.text(&format!("out/shop/{name}")), "qty"), [told], "{there}");
    }
    let runs = bench.runs();
    assert_eq!(runs[0].hash, runs[1].hash);
    assert_ne!(runs[1].hash, runs[2].hash);
    // What is stored stays as it came.
    bench.dispatch().send(&feed("shop", "all", "nattpost-stock-xml"), &Ask::request()).unwrap();
    assert_eq!(elements(&bench.text("out/shop/all_000001.xml"), "qty"), ["4.999999"]);
}

/// What is ordered and not confirmed is not sold twice; old orders, and those that the ERP has taken, no longer count.
#[test]
fn open_orders_lower_the_published_stock_until_they_are_confirmed() {
    let mut bench = Bench::new();
    let lines = [
        r#"{"article_no":"A1","warehouse":"01","qty":"10"}"#,
        r#"{"article_no":"A1","warehouse":"02","qty":"2"}"#,
        r#"{"article_no":"A2","warehouse":"01","qty":"7"}"#,
    ];
    bench.applied("stock", DAY, &lines);
    let mut stock = feed("shop", "stock", "nattpost-stock-xml");
    stock.published = Published { open_orders_days: Some(14), negative_as_zero: true, ..Published::default() };
    let told = |bench: &mut Bench| {
        let Outcome::Ready { name, .. } = bench.dispatch().send(&stock, &Ask::request()).unwrap() else { panic!() };
        elements(&bench.text(&format!("out/shop/{name}")), "qty")
    };
    assert_eq!(told(&mut bench), ["10", "2", "7"]);
    // 2.5 of A1 each, of no warehouse: they count in both.
    bench.ordered("shop", &["B-1", "B-2"]);
    assert_eq!(told(&mut bench), ["5", "0", "7"]);
    let status = |number: &str, status: &str| {
        format!(r#"{{"partner":"shop","customer_no":"10042","buyer_order_no":"{number}","status":"{status}"}}"#)
    };
    bench.applied("order_status", DAY, &[&status("B-1", "held"), &status("B-2", "confirmed")]);
    assert_eq!(told(&mut bench), ["7.5", "0", "7"], "what the ERP holds is not taken yet");
    bench.later(15 * 86_400);
    assert_eq!(told(&mut bench), ["10", "2", "7"], "older ones no longer count");
}

/// Where it goes out on change, an order rings a feed that subtracts it, once until it was tried; others do not hear of it.
#[test]
fn an_order_rings_the_feeds_that_publish_stock_without_it() {
    let mut bench = Bench::new();
    let mut rings = feed("shop", "rings", "nattpost-stock-xml");
    rings.triggers.on_change = Some(std::time::Duration::from_secs(300));
    let mut silent = feed("shop", "silent", "nattpost-stock-xml");
    silent.triggers.on_change = rings.triggers.on_change;
    rings.published.open_orders_days = Some(14);
    bench.dispatch().register([&rings, &silent]).unwrap();
    let ringing = |bench: &Bench| -> Vec<String> {
        bench.store.read().unwrap().ringing().unwrap().into_iter().map(|(name, _)| name).collect()
    };
    assert!(ringing(&bench).is_empty());
    bench.ordered("shop", &["B-1"]);
    bench.ordered("shop", &["B-2"]);
    assert_eq!(ringing(&bench), ["shop/rings"]);
    bench.dispatch().send(&rings, &Ask::request()).unwrap();
    assert!(ringing(&bench).is_empty(), "it was tried");
    let status = r#"{"partner":"shop","customer_no":"10042","buyer_order_no":"B-1","status":"confirmed"}"#;
    bench.applied("order_status", DAY, &[status]);
    assert_eq!(ringing(&bench), ["shop/rings"]);
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    let mut bench = Bench::new();
    bench.applied("stock", DAY, &STOCK);
    for layout in ["nattpost-stock-xml", "nattpost-stock-csv"] {
        let feed = feed("shop", "stock", layout);
        bench.dispatch().send(&feed, &Ask::request()).unwrap();
        bench.later(90_061);
        bench.dispatch().send(&feed, &Ask::request()).unwrap();
    }
    let runs = bench.runs();
    assert_eq!(runs.len(), 4);
    assert_eq!(runs[0].hash, runs[1].hash);
    assert_eq!(runs[2].hash, runs[3].hash);
    assert_eq!(runs.iter().map(|r| r.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn many_rows_pass_both_threads_in_their_order() {
    let mut bench = Bench::new();
    let lines: Vec<String> = (0..20_000)
        .map(|n| format!(r#"{{"article_no":"A{:06}","warehouse":"W","qty":"{n}"}}"#, (n * 7_919) % 20_000))
        .collect();
    bench.applied("stock", DAY, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let Outcome::Ready { rows, .. } =
        bench.dispatch().send(&feed("shop", "stock", "nattpost-stock-xml"), &Ask::request()).unwrap()
    else {
        panic!()
    };
    assert_eq!(rows, 20_000);
    let articles = elements(&bench.text("out/shop/stock_000001.xml"), "article_no");
    assert_eq!(articles, (0..20_000).map(|n| format!("A{n:06}")).collect::<Vec<_>>());
}

#[test]
fn an_order_goes_out_once_by_each_feed() {
    let mut bench = Bench::new();
    bench.ordered("shop", &["S1", "S2"]);
    bench.ordered("dealer", &["D1"]);
    let erp = feed("erp", "orders", "nattpost-order-xml");
    let mut shop_only = feed("archive", "orders", "nattpost-order-xml");
    shop_only.partners = vec!["shop".to_string()];

    bench.dispatch().send(&erp, &Ask::request()).unwrap();
    assert_eq!(elements(&bench.text("out/erp/orders_000001.xml"), "buyer_order_no"), ["S1", "S2", "D1"]);
    let rows = bench.ordered("shop", &["S3"]);
    bench.dispatch().send(&erp, &Ask::request()).unwrap();
    assert_eq!(elements(&bench.text("out/erp/orders_000002.xml"), "buyer_order_no"), ["S3"]);
    bench.dispatch().send(&shop_only, &Ask::request()).unwrap();
    assert_eq!(elements(&bench.text("out/archive/orders_000001.xml"), "buyer_order_no"), ["S1", "S2", "S3"]);
    let Outcome::Empty { .. } = bench.dispatch().send(&erp, &Ask::request()).unwrap() else { panic!("nothing new") };

    let runs = bench.store.read().unwrap().runs_of_request("order", rows[0]).unwrap();
    assert_eq!(runs.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["orders_000002.xml", "orders_000001.xml"]);
    let empty = bench.runs().pop().unwrap();
    assert_eq!((empty.state, empty.placed, empty.name.as_str()), (RunState::Empty, true, ""));
    assert!(bench.told().contains("run-empty partner=erp feed=orders"));
    assert_eq!(bench.files("out").len(), 3);
}

/// Partners who take one order a file, or so many at most. What one turn leaves over is still due.
#[test]
fn orders_go_out_in_as_many_files_as_the_partner_wants() {
    let mut bench = Bench::new();
    let names: Vec<String> = (1..=30).map(|n| format!("S{n:02}")).collect();
    bench.ordered("shop", &names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut in_dozens = feed("archive", "orders", "nattpost-order-xml");
    in_dozens.per_file = Some(12);
    let told = bench.dispatch().send(&in_dozens, &Ask::request()).unwrap();
    let Outcome::Ready { name, rows: 30, files: 3, has_more: false, .. } = told else { panic!("{told:?}") };
    assert_eq!(name, "orders_000003.xml");
    let count = |bench: &Bench, file: &str| elements(&bench.text(file), "buyer_order_no").len();
    assert_eq!([1, 2, 3].map(|n| count(&bench, &format!("out/archive/orders_00000{n}.xml"))), [12, 12, 6]);
    let told = bench.dispatch().send(&in_dozens, &Ask::request()).unwrap();
    assert!(matches!(told, Outcome::Empty { .. }), "{told:?}");

    let mut each = daily(feed("erp", "orders", "nattpost-order-xml"), "0 6 * * *", Missed::Once);
    each.per_file = Some(1);
    bench.dispatch().begin_schedules([&each]).unwrap();
    bench.later(86_400);
    let due = |bench: &Bench| next_due(&bench.store.read().unwrap(), [&each]).unwrap().unwrap() <= bench.now.wall;
    for expected in [25, 30] {
        assert!(due(&bench));
        bench.dispatch().run_due([&each]).unwrap();
        assert_eq!(bench.files("out/erp").len(), expected);
    }
    assert!(!due(&bench));
    let content = |file: &String| elements(&bench.text(&format!("out/erp/{file}")), "buyer_order_no");
    assert_eq!(bench.files("out/erp").iter().flat_map(content).collect::<Vec<_>>(), names);
    let empty = |run: &nattpost::edges::store::ledger::RunRow| run.state == RunState::Empty;
    assert_eq!(bench.runs().iter().filter(|run| empty(run)).count(), 1, "the one that a person asked for");
}

#[test]
fn orders_that_come_while_a_file_is_composed_go_out_once_all_the_same() {
    let mut bench = Bench::new();
    let erp = feed("erp", "orders", "nattpost-order-xml");
    let mut other = bench.beside();
    let writer = std::thread::spawn(move || {
        for n in 0..60 {
            other.ordered("shop", &[&format!("S{n}"), &format!("T{n}")]);
        }
        other
    });
    while !writer.is_finished() {
        bench.dispatch().send(&erp, &Ask::request()).unwrap();
        // Who waits for the database looks now and then only: it has to be free for longer than a moment.
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    drop(writer.join().unwrap());
    bench.dispatch().send(&erp, &Ask::request()).unwrap();
    let mut numbers: Vec<String> = bench
        .files("out/erp")
        .iter()
        .flat_map(|f| elements(&bench.text(&format!("out/erp/{f}")), "buyer_order_no"))
        .collect();
    numbers.sort();
    let mut expected: Vec<String> = (0..60).flat_map(|n| [format!("S{n}"), format!("T{n}")]).collect();
    expected.sort();
    assert_eq!(numbers, expected);
}

#[test]
fn an_empty_file_is_written_where_the_partner_wants_one() {
    let mut bench = Bench::new();
    let mut orders = feed("erp", "orders", "nattpost-order-xml");
    orders.allow_empty = true;
    let Outcome::Ready { rows: 0, .. } = bench.dispatch().send(&orders, &Ask::request()).unwrap() else { panic!() };
    assert!(bench.text("out/erp/orders_000001.xml").contains("<orders version=\"1\""));
}

#[test]
fn a_status_is_the_partners_own_and_no_older_than_the_window() {
    let mut bench = Bench::new();
    bench.ordered("shop", &["OLD"]);
    bench.later(8 * 86_400);
    bench.ordered("shop", &["S1", "S2"]);
    bench.ordered("dealer", &["D1"]);
    bench.applied(
        "order_status",
        DAY,
        &[r#"{"partner":"shop","customer_no":"10042","buyer_order_no":"S2","order_no":"E-9","status":"shipped","despatches":[{"carrier":"DHL","trackings":[{"tracking_no":"T1"},{"tracking_no":"T2"}]}]}"#],
    );
    let mut status = feed("shop", "status", "nattpost-order-status-xml");
    status.window_days = 7;
    bench.dispatch().send(&status, &Ask::request()).unwrap();
    let xml = bench.text("out/shop/status_000001.xml");
    assert_eq!(elements(&xml, "buyer_order_no"), ["S1", "S2"]);
    assert_eq!(elements(&xml, "status"), ["received", "shipped"]);
    assert_eq!(elements(&xml, "tracking_no"), ["T1", "T2"]);
}

#[test]
fn records_and_prices_go_out_without_closed_ones() {
    let mut bench = Bench::new();
    bench.applied("customer", DAY, &[r#"{"customer_no":"10042","name":"Åsa & Co"}"#]);
    bench.applied(
        "price",
        DAY,
        &[
            r#"{"price_list":"A","article_no":"A1","price":"9.95","currency":"EUR"}"#,
            r#"{"price_list":"B","article_no":"A1","price":"8.95","currency":"EUR"}"#,
        ],
    );
    bench.dispatch().send(&feed("shop", "customers", "nattpost-customer-xml"), &Ask::request()).unwrap();
    assert!(bench.text("out/shop/customers_000001.xml").contains("<name>Åsa &amp; Co</name>"));
    let mut prices = feed("shop", "prices", "nattpost-price-xml");
    prices.only = vec![("price_list".to_string(), "B".to_string())];
    bench.dispatch().send(&prices, &Ask::request()).unwrap();
    assert_eq!(elements(&bench.text("out/shop/prices_000001.xml"), "price").pop().unwrap(), "8.95");
    assert_eq!(elements(&bench.text("out/shop/prices_000001.xml"), "price_list"), ["B"]);
}

#[test]
fn a_feed_begins_when_it_is_first_seen_and_every_due_time_is_handled_once() {
    let mut bench = Bench::new();
    bench.applied("stock", DAY, &STOCK);
    let feeds = [
        daily(feed("shop", "stock", "nattpost-stock-xml"), "0 6 * * *", Missed::Once),
        daily(feed("dealer", "stock", "nattpost-stock-xml"), "0 6 * * *", Missed::Skip),
        feed("erp", "orders", "nattpost-order-xml"),
    ];
    assert_eq!(next_due(&bench.store.read().unwrap(), &feeds).unwrap(), None);
    bench.dispatch().begin_schedules(&feeds).unwrap();
    assert_eq!(bench.dispatch().run_due(&feeds).unwrap(), 0, "nothing is caught up on from before the first start");
    assert_eq!(next_due(&bench.store.read().unwrap(), &feeds).unwrap(), Some(at("2026-11-20T05:00:00Z")));

    bench.later(3_600 + 5);
    assert_eq!(bench.dispatch().run_due(&feeds).unwrap(), 2);
    assert_eq!(bench.dispatch().run_due(&feeds).unwrap(), 0);
    assert_eq!(bench.files("out"), ["dealer/stock_000001.xml", "shop/stock_000001.xml"]);
    let first = &bench.runs()[0];
    assert_eq!((first.reason, first.due_at.as_deref()), (RunReason::Due, Some("2026-11-20T05:00:00.000Z")));

    // Three days of standstill: one run makes up for all, the other feed skips them.
    bench.later(3 * 86_400 + 3_600);
    bench.restart();
    bench.dispatch().begin_schedules(&feeds).unwrap();
    assert_eq!(bench.dispatch().run_due(&feeds).unwrap(), 1);
    assert_eq!(bench.runs().pop().unwrap().due_at.as_deref(), Some("2026-11-23T05:00:00.000Z"));
    assert_eq!(bench.dispatch().run_due(&feeds).unwrap(), 0);
    assert_eq!(next_due(&bench.store.read().unwrap(), &feeds).unwrap(), Some(at("2026-11-24T05:00:00Z")));
}

#[test]
fn a_clock_that_ran_ahead_keeps_no_feed_silent() {
    let mut bench = Bench::new();
    bench.applied("stock", DAY, &STOCK);
    let feeds = [daily(feed("shop", "stock", "nattpost-stock-xml"), "0 6 * * *", Missed::Once)];
    bench.dispatch().begin_schedules(&feeds).unwrap();
    // Four years too far, and a file went out.
    bench.later(4 * 365 * 86_400);
    assert_eq!(bench.dispatch().run_due(&feeds).unwrap(), 1);
    bench.later(-4 * 365 * 86_400);
    assert!(runs_ahead(&bench.store.read().unwrap(), &feeds, bench.now.wall).unwrap());
    bench.dispatch().begin_schedules(&feeds).unwrap();
    assert!(!runs_ahead(&bench.store.read().unwrap(), &feeds, bench.now.wall).unwrap());
    assert_eq!(next_due(&bench.store.read().unwrap(), &feeds).unwrap(), Some(at("2026-11-20T05:00:00Z")));
    bench.later(3_600);
    assert_eq!(bench.dispatch().run_due(&feeds).unwrap(), 1);
    // Corrected by a little, it does not come due twice.
    bench.later(-300);
    bench.dispatch().begin_schedules(&feeds).unwrap();
    assert_eq!(next_due(&bench.store.read().unwrap(), &feeds).unwrap(), Some(at("2026-11-21T05:00:00Z")));
}

#[test]
fn a_file_that_cannot_be_written_is_told_once_and_keeps_nothing_back() {
    let mut bench = Bench::new();
    bench.applied("stock", DAY, &STOCK);
    let text = r#"
        layout = "ascii"
        title = "Stock, ASCII"
        kind = "stock"
        syntax = "xml"
        [xml]
        root = "s"
        [[record]]
        name = "row"
        tag = "row"
        opens = "message"
        fields = [["no", "article_no"], ["q", "qty", "decimal implied=1"]]
    "#;
    let mut bad = daily(feed("dealer", "stock", "nattpost-stock-xml"), "0 6 * * *", Missed::Once);
    bad.layout = Arc::new(read_layout("ascii.toml", text, shipped_kinds()).unwrap());
    let feeds = [bad, daily(feed("shop", "stock", "nattpost-stock-xml"), "0 6 * * *", Missed::Once)];
    bench.dispatch().begin_schedules(&feeds).unwrap();
    bench.later(3_600);
    assert_eq!(bench.dispatch().run_due(&feeds).unwrap(), 2);
    assert_eq!(bench.dispatch().run_due(&feeds).unwrap(), 0);
    assert_eq!(bench.files("out"), ["shop/stock_000001.xml"], "and no number was used up");
    let failed = &bench.runs()[0];
    assert_eq!((failed.state, failed.placed), (RunState::Failed, true));
    assert!(failed.comment.contains("7.25"), "{}", failed.comment);
    assert!(bench.told().contains("run-failed level=error partner=dealer feed=stock reason="));
    assert!(bench.files("staged").is_empty() && bench.files("tmp").is_empty());
}

#[test]
fn an_older_backup_of_the_database_gives_no_number_twice() {
    let mut bench = Bench::new();
    bench.applied("stock", DAY, &STOCK);
    let stock = feed("shop", "stock", "nattpost-stock-xml");
    bench.dispatch().send(&stock, &Ask::request()).unwrap();
    bench.replace_database();
    bench.applied("stock", DAY, &STOCK);
    bench.dispatch().send(&stock, &Ask::request()).unwrap();
    assert_eq!(bench.files("out"), ["shop/stock_000001.xml", "shop/stock_000002.xml"]);
}
