//! A newer file takes the place of one that was not taken: under its name and number, and told again where the partner may have
//! read the other. What rings goes out, and keeps its pause.

use crate::mirror::{Mirror, delta};
use nattpost::edges::store::ledger::{RunReason, RunState};
use nattpost::flows::outbound::Ask;
use nattpost::model::feed::{Content, Deletes, Delta, Feed, Replace, Since};
use nattpost::model::rules::file_name::NamePattern;
use nattpost::model::rules::guard::Limit;
use std::time::Duration;

fn numbers(mirror: &Mirror) -> Vec<(u64, RunState)> {
    mirror.bench.runs().iter().filter(|run| run.number > 0).map(|run| (run.number, run.state)).collect()
}

#[test]
fn replaced_runs_leave_no_gap_in_the_numbers() {
    let mut mirror = Mirror::new(delta(Since::LastDelivered, Replace::Unsent));
    for quantity in ["1", "2"] {
        mirror.say("A1", "0", quantity);
        mirror.send(false);
    }
    assert_eq!(mirror.files(), ["dealer/full_1.xml"], "the first is full until he has it");
    mirror.bench.later(3_600);
    mirror.take_all();
    for quantity in ["3", "4", "5"] {
        mirror.say("A1", "0", quantity);
        mirror.send(false);
    }
    assert_eq!(mirror.files(), ["dealer/delta_2.xml"]);
    mirror.send(true);
    assert_eq!(mirror.files(), ["dealer/full_2.xml"], "a full file says all that a delta says");
    mirror.bench.later(3_600);
    mirror.take_all();
    mirror.say("A1", "0", "6");
    mirror.send(false);
    assert_eq!(mirror.files(), ["dealer/delta_3.xml"]);
    use RunState::{Ready, Sent, Superseded};
    let states = [Superseded, Sent, Superseded, Superseded, Superseded, Sent, Ready];
    assert_eq!(numbers(&mirror), [1, 1, 2, 2, 2, 2, 3].into_iter().zip(states).collect::<Vec<_>>());
    assert!(mirror.bench.told().contains("run-superseded partner=dealer feed=stock kind=stock name=delta_2.xml"));
}

/// He reads, it is replaced, he sleeps and removes what he did not read.
#[test]
fn what_he_may_not_have_read_is_told_again_under_its_name() {
    let mut mirror = Mirror::new(delta(Since::LastDelivered, Replace::Unsent));
    mirror.say("A1", "0", "1");
    mirror.send(false);
    mirror.take_all();
    mirror.say("A1", "0", "2");
    mirror.send(false);
    mirror.read("dealer/delta_2.xml");
    mirror.say("A1", "0", "1");
    mirror.say("A2", "0", "7");
    mirror.send(false);
    mirror.bench.later(60);
    mirror.remove("dealer/delta_2.xml");
    assert!(mirror.bench.told().contains("run-in-doubt level=warning partner=dealer feed=stock"));
    let feed = mirror.feed.clone();
    assert_eq!(mirror.bench.dispatch().run_ringing([&feed]).unwrap().0, 1, "it rings by itself");
    assert_eq!(mirror.files(), ["dealer/delta_2.xml"]);
    mirror.bench.later(60);
    mirror.take_all();
    mirror.check();
    assert!(mirror.files().is_empty() && !mirror.bench.told().contains("in-doubt"));
    assert_eq!(mirror.bench.dispatch().run_ringing([&feed]).unwrap(), (0, None));
}

/// Something is in the way of the file that vouches: it is told once, tried again at each look, and not counted as placed before.
#[test]
fn a_file_is_vouched_for_as_soon_as_that_is_possible() {
    let mut feed = delta(Since::LastDelivered, Replace::Unsent);
    feed.done_suffix = Some(".done".to_string());
    let mut mirror = Mirror::new(feed);
    let in_the_way = mirror.bench.path("out/dealer/full_1.xml.done");
    std::fs::create_dir_all(in_the_way.join("a")).unwrap();
    mirror.say("A1", "0", "1");
    mirror.send(false);
    for _ in 0..2 {
        mirror.bench.dispatch().look_at_pick_up().unwrap();
    }
    let told = mirror.bench.told();
    assert_eq!((told.matches("folder-failed").count(), told.matches("run-ready").count()), (1, 1), "{told}");
    assert!(!mirror.bench.runs()[0].placed);
    std::fs::remove_dir_all(&in_the_way).unwrap();
    mirror.bench.dispatch().look_at_pick_up().unwrap();
    assert_eq!(mirror.bench.files("out"), ["dealer/full_1.xml", "dealer/full_1.xml.done"]);
    assert!(mirror.bench.runs()[0].placed);
    mirror.take_all();
    assert_eq!(mirror.bench.files("out"), [""; 0], "it goes with the file it vouches for");
    mirror.check();
}

/// Counted from the last full file: the newer one had said what is true, and the older one was read after it.
#[test]
fn files_read_the_other_way_round_are_followed_by_a_full_one() {
    let mut mirror = Mirror::new(delta(Since::LastFull, Replace::Never));
    for quantity in ["0", "1", "3"] {
        mirror.say("A1", "0", quantity);
        mirror.send(false);
        if quantity == "0" {
            mirror.take_all();
        }
    }
    for name in ["dealer/delta_3.xml", "dealer/delta_2.xml"] {
        mirror.bench.later(60);
        mirror.read(name);
        mirror.remove(name);
    }
    mirror.send(false);
    assert_eq!(mirror.files(), ["dealer/full_4.xml"]);
    mirror.rest();
    mirror.check();
}

/// What was committed is carried out when the disk takes it again, not at the next start only.
#[test]
fn after_an_outage_nothing_stays_that_was_decided_about_or_taken() {
    let mut feed = delta(Since::LastDelivered, Replace::Unsent);
    feed.done_suffix = Some(".done".to_string());
    feed.limits.deletes = vec![Limit::parse("20 %").unwrap()];
    let mut mirror = Mirror::new(feed.clone());
    mirror.say("A1", "0", "1");
    mirror.say("A2", "0", "1");
    mirror.send(false);
    mirror.take_all();
    mirror.say("A1", "0", "0");
    mirror.send(false);
    let held = mirror.bench.files("held/out");
    assert_eq!(held.len(), 1);
    let copy = mirror.bench.path(&format!("held/out/{}", held[0]));
    mirror.bench.dispatch().release(&feed).unwrap();
    std::fs::write(&copy, "as it was before the disk failed").unwrap();
    mirror.bench.later(3_600);
    mirror.take_all();
    std::fs::write(mirror.bench.path("out/dealer/delta_2.xml.done"), "").unwrap();

    mirror.bench.dispatch().after_outage().unwrap();
    assert_eq!((mirror.bench.files("held/out"), mirror.bench.files("out")), (Vec::new(), Vec::new()));
    mirror.check();
}

#[test]
fn what_changes_goes_out_at_once_and_then_keeps_its_pause() {
    let mut feed: Feed = delta(Since::LastDelivered, Replace::Unsent);
    feed.triggers.on_change = Some(Duration::from_secs(300));
    let mut mirror = Mirror::new(feed.clone());
    mirror.bench.dispatch().register([&feed]).unwrap();
    mirror.say("A1", "0", "1");
    assert_eq!(mirror.bench.dispatch().run_ringing([&feed]).unwrap(), (1, None));
    assert_eq!(mirror.bench.runs()[0].reason, RunReason::Change);
    mirror.bench.later(20);
    mirror.take_all();
    mirror.say("A1", "0", "2");
    // A ring that was lost with the process rings again.
    mirror.bench.restart();
    let (made, next) = mirror.bench.dispatch().run_ringing([&feed]).unwrap();
    assert_eq!((made, next), (0, Some(mirror.bench.now.wall + chrono::TimeDelta::seconds(280))));
    mirror.bench.later(280);
    assert_eq!(mirror.bench.dispatch().run_ringing([&feed]).unwrap(), (1, None));
    assert_eq!(mirror.files(), ["dealer/delta_2.xml"]);
    // What says nothing new makes neither file nor run.
    mirror.bench.later(300);
    let runs = mirror.bench.runs().len();
    mirror.say("A1", "0", "2");
    mirror.say("A1", "0", "3");
    mirror.say("A1", "0", "2");
    assert_eq!(mirror.bench.dispatch().run_ringing([&feed]).unwrap(), (1, None));
    assert_eq!(mirror.bench.runs().len(), runs);
}

/// Of a full feed: what changed may be nothing that this partner is told.
#[test]
fn a_full_file_that_says_the_same_does_not_go_out_again_by_itself() {
    let mut feed = crate::bench::feed("dealer", "stock", "nattpost-stock-xml");
    feed.file_name = NamePattern::parse("full_{run:1}.xml").unwrap();
    feed.only = vec![("warehouse".to_string(), "0".to_string())];
    feed.triggers.on_change = Some(Duration::from_secs(60));
    let mut mirror = Mirror::new(feed.clone());
    mirror.bench.dispatch().register([&feed]).unwrap();
    for (warehouse, files) in [("0", 1), ("1", 1), ("0", 2)] {
        mirror.bench.later(60);
        mirror.say(if files == 2 { "A2" } else { "A1" }, warehouse, "1");
        assert_eq!(mirror.bench.dispatch().run_ringing([&feed]).unwrap(), (1, None));
        assert_eq!(mirror.files().len(), files, "{warehouse}");
    }
}

#[test]
fn an_order_that_was_applied_is_answered_once_to_its_partner() {
    let mut bench = crate::bench::Bench::new();
    let answering = |partner: &str| {
        let mut feed = crate::bench::feed(partner, "ack", "nattpost-order-status-xml");
        feed.triggers.on_registration = true;
        feed
    };
    let feeds = [answering("dealer"), answering("shop")];
    bench.dispatch().register(&feeds).unwrap();
    bench.ordered("shop", &["S1", "S2"]);
    assert_eq!(bench.dispatch().run_ringing(&feeds).unwrap(), (1, None));
    assert_eq!(bench.files("out"), ["shop/ack_000001.xml"]);
    assert_eq!(bench.runs()[0].reason, RunReason::Registration);
    assert_eq!(crate::runs::elements(&bench.text("out/shop/ack_000001.xml"), "buyer_order_no"), ["S1", "S2"]);
    assert_eq!(bench.dispatch().run_ringing(&feeds).unwrap(), (0, None));
}

#[test]
fn a_key_that_is_asked_for_goes_out_whatever_he_holds() {
    let mut mirror = Mirror::new(delta(Since::LastDelivered, Replace::Unsent));
    mirror.say("A1", "0", "1");
    mirror.say("A2", "0", "1");
    mirror.send(false);
    mirror.take_all();
    let (feed, ask) = (mirror.feed.clone(), Ask { key: Some("A2".to_string()), ..Ask::request() });
    mirror.bench.dispatch().send(&feed, &ask).unwrap();
    let xml = mirror.bench.text("out/dealer/part_2.xml");
    assert_eq!(crate::runs::elements(&xml, "article_no"), ["A2"]);
    mirror.take_all();
    mirror.check();
}

/// Rows of a tree, in the order of their keys and not of their arrival; an order has a status before the ERP has spoken.
#[test]
fn the_status_of_orders_goes_out_as_changes() {
    let mut bench = crate::bench::Bench::new();
    let mut status = delta(Since::LastDelivered, Replace::Unsent);
    status.layout = crate::bench::feed("shop", "status", "nattpost-order-status-xml").layout;
    (status.partner, status.id, status.reads_within) = ("shop".into(), "status".into(), Duration::ZERO);
    bench.dispatch().register([&status]).unwrap();
    let told = |bench: &mut crate::bench::Bench, name: &str| {
        bench.later(60);
        bench.dispatch().send(&status, &Ask::request()).unwrap();
        let files = bench.files("out/shop");
        assert_eq!(files, [name]);
        let xml = bench.text(&format!("out/shop/{name}"));
        std::fs::remove_file(bench.path(&format!("out/shop/{name}"))).unwrap();
        bench.dispatch().look_at_pick_up().unwrap();
        (crate::runs::elements(&xml, "buyer_order_no"), crate::runs::elements(&xml, "status"))
    };
    bench.ordered("shop", &["S2"]);
    bench.ordered("dealer", &["D1"]);
    assert_eq!(told(&mut bench, "full_1.xml").0, ["S2"]);
    bench.ordered("shop", &["S3", "S1"]);
    let line = r#"{"partner":"shop","customer_no":"10042","buyer_order_no":"S2","status":"shipped","despatches":[{"carrier":"DHL"}]}"#;
    bench.applied("order_status", "2026-11-20T05:00:00.000Z", &[line]);
    let (orders, states) = told(&mut bench, "delta_2.xml");
    assert_eq!(
        (orders, states),
        (vec!["S1".into(), "S2".into(), "S3".into()], vec!["received".into(), "shipped".into(), "received".into()])
    );
    // The head is as it was, and a parcel is new.
    let more = line.replace("\"carrier\":\"DHL\"", "\"carrier\":\"DHL\",\"trackings\":[{\"tracking_no\":\"T1\"}]");
    bench.applied("order_status", "2026-11-20T06:00:00.000Z", &[&more]);
    assert_eq!(told(&mut bench, "delta_3.xml").0, ["S2"]);
    bench.applied("order_status", "2026-11-20T07:00:00.000Z", &[&more]);
    bench.dispatch().send(&status, &Ask::request()).unwrap();
    assert!(bench.files("out/shop").is_empty(), "it says what is known");
}

/// A layout without a word for it leaves out what is gone; when it comes back as it was, the partner still has it.
#[test]
fn prices_that_are_gone_are_left_out() {
    let mut bench = crate::bench::Bench::new();
    let mut prices = delta(Since::LastDelivered, Replace::Unsent);
    prices.layout = crate::bench::feed("shop", "prices", "nattpost-price-xml").layout;
    (prices.partner, prices.id, prices.reads_within) = ("shop".into(), "prices".into(), Duration::ZERO);
    prices.content = Content::Delta(Delta { deletes: Deletes::LeaveOut, ..prices.delta().unwrap().clone() });
    prices.only = vec![("price_list".to_string(), "A".to_string())];
    bench.dispatch().register([&prices]).unwrap();
    let price = |article: &str, list: &str, price: &str| {
        format!(r#"{{"price_list":"{list}","article_no":"{article}","price":"{price}","currency":"EUR"}}"#)
    };
    let mut as_of = 0;
    let mut say = |bench: &mut crate::bench::Bench, lines: &[String]| {
        as_of += 1;
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        bench.applied("price", &format!("2026-11-20T05:00:{as_of:02}.000Z"), &lines);
    };
    let told = |bench: &mut crate::bench::Bench| {
        bench.later(60);
        bench.dispatch().send(&prices, &Ask::request()).unwrap();
        let files = bench.files("out/shop");
        let articles: Vec<String> = files
            .iter()
            .flat_map(|f| crate::runs::elements(&bench.text(&format!("out/shop/{f}")), "article_no"))
            .collect();
        files.iter().for_each(|f| std::fs::remove_file(bench.path(&format!("out/shop/{f}"))).unwrap());
        bench.dispatch().look_at_pick_up().unwrap();
        articles
    };
    say(&mut bench, &[price("A1", "A", "9.95"), price("A2", "A", "1"), price("A1", "B", "8")]);
    assert_eq!(told(&mut bench), ["A1", "A2"]);
    say(&mut bench, &[price("A1", "B", "7"), price("A2", "A", "2")]);
    assert_eq!(told(&mut bench), ["A2"], "another list is not his");
    say(&mut bench, &[price("A3", "A", "3")]);
    let n = bench.next_file();
    let tx = bench.store.begin().unwrap();
    let as_of = "2026-11-20T06:00:00.000Z";
    let file = crate::bench::see(&tx, n, "erp", "facts", as_of);
    let kind = prices.layout.kind.clone();
    let stamp = nattpost::edges::store::business::Stamp { file, as_of };
    tx.close_absent(&kind, "erp", &["facts"], &[("price_list", "A")], &stamp).unwrap();
    tx.commit().unwrap();
    assert!(told(&mut bench).is_empty());
}
