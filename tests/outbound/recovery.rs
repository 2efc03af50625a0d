//! What a start finds of the way out: every row of the recovery table on staged/ and out/, built by hand, and done twice.

use std::fs;

use crate::bench::{Bench, feed};
use nattpost::edges::spool::{Existing, Lasting, Place};
use nattpost::edges::store::ledger::RunState;
use nattpost::flows::outbound::{Ask, Outcome};
use nattpost::model::ids::Id;

const DAY: &str = "2026-11-19T06:00:00.000Z";
const STOCK: [&str; 1] = [r#"{"article_no":"A1","warehouse":"01","qty":"25"}"#];

/// A run of a stock feed of `shop`, in out/.
fn sent(bench: &mut Bench) -> (Id, String) {
    bench.applied("stock", DAY, &STOCK);
    match bench.dispatch().send(&feed("shop", "stock", "nattpost-stock-xml"), &Ask::request()).unwrap() {
        Outcome::Ready { id, name, .. } => (id, name),
        other => panic!("{other:?}"),
    }
}

/// A start after a crash, and one more after a crash in it: nothing is left to do.
fn recovered(bench: &mut Bench) -> String {
    bench.restart();
    bench.dispatch().recover(&[]).unwrap();
    let told = bench.told();
    let before = (bench.files("."), bench.runs().iter().map(|r| r.state).collect::<Vec<_>>());
    bench.restart();
    bench.dispatch().recover(&[]).unwrap();
    assert_eq!(bench.told(), "", "the second time there is nothing to tell");
    assert_eq!((bench.files("."), bench.runs().iter().map(|r| r.state).collect::<Vec<_>>()), before);
    told
}

#[test]
fn staged_without_a_run_is_removed() {
    let mut bench = Bench::new();
    let id = Id::new(bench.now.wall.timestamp_millis(), 7);
    let to = (Place::Staged, id.as_str().as_bytes());
    bench.spool.write(to, b"never committed", Existing::Refuse, Lasting::Now).unwrap();
    assert!(recovered(&mut bench).starts_with(&format!("{id} run-removed")));
    assert!(bench.files("staged").is_empty());
}

#[test]
fn what_a_person_puts_into_staged_is_left_alone() {
    let mut bench = Bench::new();
    fs::write(bench.path("staged/notes.txt"), "mine").unwrap();
    assert_eq!(recovered(&mut bench), "");
    assert_eq!(bench.files("staged"), ["notes.txt"]);
}

#[test]
fn staged_with_a_ready_run_becomes_visible() {
    let mut bench = Bench::new();
    let (id, name) = sent(&mut bench);
    fs::rename(bench.path(&format!("out/shop/{name}")), bench.path(&format!("staged/{id}"))).unwrap();
    bench.told();
    assert!(recovered(&mut bench).starts_with(&format!("{id} run-ready partner=shop feed=stock")));
    assert_eq!(bench.files("out"), ["shop/stock_000001.xml"]);
    bench.dispatch().look_at_pick_up().unwrap();
    let run = &bench.runs()[0];
    assert_eq!((run.state, run.placed), (RunState::Ready, true));
}

#[test]
fn a_ready_run_in_out_stays_until_it_is_taken() {
    let mut bench = Bench::new();
    let (id, name) = sent(&mut bench);
    bench.told();
    assert_eq!(recovered(&mut bench), "");
    assert_eq!(bench.dispatch().look_at_pick_up().unwrap(), 0);
    assert_eq!(bench.runs()[0].state, RunState::Ready);

    bench.later(60);
    fs::remove_file(bench.path(&format!("out/shop/{name}"))).unwrap();
    assert_eq!(bench.dispatch().look_at_pick_up().unwrap(), 1);
    let run = &bench.runs()[0];
    assert_eq!(
        (run.state, run.placed, run.sent_at.as_deref()),
        (RunState::Sent, true, Some("2026-11-20T04:01:00.000Z"))
    );
    assert!(bench.told().starts_with(&format!("{id} run-sent partner=shop feed=stock")));
    assert_eq!(bench.dispatch().look_at_pick_up().unwrap(), 0);
    assert_eq!(recovered(&mut bench), "");
}

#[test]
fn a_ready_run_that_is_nowhere_was_taken() {
    let mut bench = Bench::new();
    let (id, name) = sent(&mut bench);
    fs::remove_file(bench.path(&format!("out/shop/{name}"))).unwrap();
    bench.told();
    assert!(recovered(&mut bench).starts_with(&format!("{id} run-sent")));
    assert_eq!(bench.runs()[0].state, RunState::Sent);
    assert!(bench.files("out").is_empty(), "and is not composed again");
}

#[test]
fn what_the_ledger_does_not_know_in_out_is_held() {
    let mut bench = Bench::new();
    fs::create_dir_all(bench.path("out/shop/ware")).unwrap();
    fs::create_dir_all(bench.path("held/out/shop")).unwrap();
    fs::write(bench.path("out/shop/stock_000001.xml"), "of a ledger we do not have").unwrap();
    fs::write(bench.path("out/shop/ware/x\u{e9}.csv"), "another").unwrap();
    fs::write(bench.path("held/out/shop/stock_000001.xml"), "held before").unwrap();
    let told = recovered(&mut bench);
    assert_eq!(told.matches("- run-unknown level=warning partner=shop name=").count(), 2, "{told}");
    assert!(bench.files("out").is_empty());
    let held = bench.files("held/out/shop");
    assert_eq!(held.len(), 3, "nothing is overwritten: {held:?}");
    assert_eq!(bench.text("held/out/shop/stock_000001.xml"), "held before");
    assert!(held.iter().any(|name| name.ends_with("~stock_000001.xml")), "{held:?}");
}

#[test]
fn what_cannot_be_moved_does_not_keep_the_others_back() {
    let mut bench = Bench::new();
    for partner in ["dealer", "shop"] {
        fs::create_dir_all(bench.path(&format!("out/{partner}"))).unwrap();
        fs::write(bench.path(&format!("out/{partner}/x.csv")), "unknown").unwrap();
    }
    fs::write(bench.path("held/out/dealer"), "a file where a folder should be").unwrap();
    bench.dispatch().recover(&[]).unwrap();
    assert_eq!(
        (bench.files("out"), bench.files("held/out")),
        (vec!["dealer/x.csv".into()], vec!["dealer".to_string(), "shop/x.csv".into()])
    );
    let told = bench.told();
    assert!(told.contains("- folder-failed level=error error=") && told.contains("partner=shop name=x.csv"), "{told}");
}

#[test]
fn the_same_name_in_another_folder_is_another_file() {
    let mut bench = Bench::new();
    let (_, name) = sent(&mut bench);
    fs::create_dir_all(bench.path("out/dealer")).unwrap();
    fs::copy(bench.path(&format!("out/shop/{name}")), bench.path(&format!("out/dealer/{name}"))).unwrap();
    bench.told();
    assert!(recovered(&mut bench).contains("run-unknown level=warning partner=dealer"));
    assert_eq!(bench.files("out"), ["shop/stock_000001.xml"]);
}

#[test]
fn a_sent_file_that_stands_in_out_moves_on_to_sent() {
    let mut bench = Bench::new();
    let (id, name) = sent(&mut bench);
    let run = bench.runs()[0].no;
    let tx = bench.store.begin().unwrap();
    tx.set_run_state(run, RunState::Sent, DAY, "").unwrap();
    tx.commit().unwrap();
    recovered(&mut bench);
    assert_eq!(bench.files("sent"), [format!("shop/2026-11-20/{id}~{name}")]);
    assert!(bench.files("out").is_empty());
}

#[test]
fn a_second_file_of_a_sent_run_is_held() {
    let mut bench = Bench::new();
    let (id, name) = sent(&mut bench);
    fs::rename(bench.path(&format!("out/shop/{name}")), bench.path(&format!("staged/{id}"))).unwrap();
    let run = bench.runs()[0].no;
    let tx = bench.store.begin().unwrap();
    tx.set_run_state(run, RunState::Sent, DAY, "").unwrap();
    tx.commit().unwrap();
    assert!(recovered(&mut bench).contains("run-unknown"));
    assert_eq!(bench.files("held/out"), [format!("shop/{name}")]);
}

#[test]
fn a_stranger_in_the_way_is_held_and_a_file_of_ours_is_never_overwritten() {
    let mut bench = Bench::new();
    fs::create_dir_all(bench.path("out/shop")).unwrap();
    fs::write(bench.path("out/shop/stock_000001.xml"), "a stranger").unwrap();
    let (_, name) = sent(&mut bench);
    assert_eq!(bench.text("held/out/shop/stock_000001.xml"), "a stranger");
    assert!(bench.text(&format!("out/shop/{name}")).contains("A1"));

    // The numbers are lost with an older database and a new spool file: ours meets ours.
    fs::remove_file(bench.path(".numbers")).unwrap();
    let first = bench.runs()[0].clone();
    let staged = Id::new(bench.now.wall.timestamp_millis(), 9);
    fs::write(bench.path(&format!("staged/{staged}")), "the second").unwrap();
    let tx = bench.store.begin().unwrap();
    tx.add_run(&nattpost::edges::store::ledger::NewRun {
        id: staged,
        number: 1,
        partner: "shop",
        feed: "stock",
        kind: "stock",
        layout: &first.layout,
        reason: first.reason,
        due_at: None,
        state: RunState::Ready,
        folder: "",
        name: &first.name,
        hash: &[],
        size: 10,
        rows: 1,
        file: None,
        ready_at: &first.ready_at,
        day: &first.day,
    })
    .unwrap();
    tx.commit().unwrap();
    bench.told();
    assert_eq!(bench.dispatch().place_ready().unwrap(), 0);
    assert_eq!(bench.dispatch().place_ready().unwrap(), 0);
    let told = bench.told();
    assert_eq!(told.lines().count(), 1, "told once: {told}");
    assert!(told.starts_with(&format!("{staged} folder-failed level=error")), "{told}");
    assert!(bench.text(&format!("out/shop/{name}")).contains("A1"));
    // The partner takes the first, and the second follows.
    fs::remove_file(bench.path(&format!("out/shop/{name}"))).unwrap();
    assert_eq!(bench.dispatch().look_at_pick_up().unwrap(), 1);
    assert_eq!(bench.dispatch().place_ready().unwrap(), 1);
    assert_eq!(bench.text(&format!("out/shop/{name}")), "the second");
}
