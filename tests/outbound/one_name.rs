//! Files whose name carries no number: a whole one takes the place of the one before in one step, changes and orders wait until theirs
//! was taken, one after the other. Also in a process that is killed, or has one call fail, at call 1, 2, 3 … until it gets through.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use nattpost::edges::store::ledger::{RunReason, RunState};
use nattpost::flows::outbound::{Ask, Outcome};
use nattpost::model::archive::{Directory, Limits, Member};
use nattpost::model::feed::{Feed, Packing, Replace};
use nattpost::model::rules::file_name::NamePattern;

use crate::bench::{Bench, feed, tried};
use crate::runs::elements;

const FOLDER: &str = "NATTPOST_TEST_FOLDER";
const ORDERS: &str = "NATTPOST_TEST_ORDERS";
/// More calls than there are, so that a loop that never ends is noticed.
const CALLS_MAX: usize = 500;

fn named(mut feed: Feed, pattern: &str) -> Feed {
    feed.file_name = NamePattern::parse(pattern).unwrap();
    feed
}

fn orders() -> Feed {
    named(feed("erp", "orders", "nattpost-order-xml"), "orders.xml")
}

/// Each order in a file that is called after a number of it.
fn of_one(pattern: &str) -> Feed {
    Feed { per_file: Some(1), ..named(feed("erp", "orders", "nattpost-order-xml"), pattern) }
}

/// With a file that vouches for each.
fn stock() -> Feed {
    let mut feed = named(feed("shop", "stock", "nattpost-stock-xml"), "stock.xml");
    feed.replace = Replace::Unsent;
    feed.done_suffix = Some(".done".to_string());
    feed
}

fn say(bench: &mut Bench, quantity: &str) {
    bench.later(60);
    let at = nattpost::edges::clock::iso(bench.now.wall);
    bench.applied("stock", &at, &[&format!(r#"{{"article_no":"A1","warehouse":"0","qty":"{quantity}"}}"#)]);
}

fn send(bench: &mut Bench, feed: &Feed) {
    let outcome = bench.dispatch().send(feed, &Ask::request()).unwrap();
    assert!(matches!(outcome, Outcome::Ready { .. }), "{outcome:?}");
}

fn states(bench: &Bench) -> Vec<(u64, RunState)> {
    bench.runs().iter().map(|run| (run.number, run.state)).collect()
}

fn take(bench: &mut Bench, name: &str) {
    std::fs::remove_file(bench.path(name)).unwrap();
    bench.later(3_600);
    bench.dispatch().look_at_pick_up().unwrap();
}

#[test]
fn a_whole_file_takes_the_place_of_the_one_before_in_one_step() {
    let mut bench = Bench::new();
    say(&mut bench, "1");
    send(&mut bench, &stock());
    // He reads it while it is replaced, and has the whole of one of them.
    let mut reading = std::fs::File::open(bench.path("out/shop/stock.xml")).unwrap();
    say(&mut bench, "2");
    send(&mut bench, &stock());
    let mut first = String::new();
    reading.read_to_string(&mut first).unwrap();
    assert_eq!(elements(&first, "qty"), ["1"]);
    assert_eq!(elements(&bench.text("out/shop/stock.xml"), "qty"), ["2"]);
    assert_eq!(states(&bench), [(1, RunState::Superseded), (1, RunState::Ready)]);
    take(&mut bench, "out/shop/stock.xml");
    assert!(bench.files("out").is_empty(), "what vouched for it goes with it");
    say(&mut bench, "3");
    send(&mut bench, &stock());
    assert_eq!(states(&bench)[1..], [(1, RunState::Sent), (2, RunState::Ready)]);

    // He took it before the next is made, and nobody has looked since.
    std::fs::remove_file(bench.path("out/shop/stock.xml")).unwrap();
    bench.later(3_600);
    say(&mut bench, "4");
    send(&mut bench, &stock());
    assert_eq!(states(&bench)[2..], [(2, RunState::Sent), (3, RunState::Ready)]);

    // A file of somebody else is not overwritten.
    std::fs::write(bench.path("out/shop/stock.xml"), "mine").unwrap();
    say(&mut bench, "5");
    send(&mut bench, &stock());
    assert_eq!(bench.text("held/out/shop/stock.xml"), "mine");
    assert_eq!(elements(&bench.text("out/shop/stock.xml"), "qty"), ["5"]);
    assert!(bench.told().contains("run-unknown"));
    assert!(bench.files("staged").is_empty());
}

#[test]
fn orders_wait_for_each_other_and_none_is_lost() {
    let mut bench = Bench::new();
    for number in ["S1", "S2", "S3"] {
        bench.ordered("shop", &[number]);
        send(&mut bench, &orders());
        bench.later(60);
        bench.dispatch().look_at_pick_up().unwrap();
    }
    let told = bench.told();
    assert_eq!((told.matches("run-ready").count(), told.matches("folder-failed").count()), (1, 0), "{told}");
    for number in ["S1", "S2", "S3"] {
        // Whatever happens between: a start puts nothing in front of another.
        bench.restart();
        bench.dispatch().recover(&[]).unwrap();
        assert_eq!(bench.files("out"), ["erp/orders.xml"]);
        assert_eq!(elements(&bench.text("out/erp/orders.xml"), "buyer_order_no"), [number]);
        take(&mut bench, "out/erp/orders.xml");
    }
    assert!(bench.files("out").is_empty() && bench.files("staged").is_empty() && bench.files("held").is_empty());
    assert_eq!(states(&bench), [(1, RunState::Sent), (2, RunState::Sent), (3, RunState::Sent)]);
}

#[test]
fn two_files_of_a_day_have_one_name_and_the_next_day_another() {
    let mut bench = Bench::new();
    let daily = named(orders(), "orders_{date}.xml");
    for (number, hours) in [("S1", 1), ("S2", 24), ("S3", 0)] {
        bench.ordered("shop", &[number]);
        send(&mut bench, &daily);
        bench.later(hours * 3_600);
    }
    assert_eq!(bench.files("out"), ["erp/orders_20261120.xml", "erp/orders_20261121.xml"], "tomorrow's does not wait");
    take(&mut bench, "out/erp/orders_20261120.xml");
    assert_eq!(elements(&bench.text("out/erp/orders_20261120.xml"), "buyer_order_no"), ["S2"]);

    // A whole file that was not taken makes way for the next day's, which is called after its own day.
    let whole = named(stock(), "stock_{date}.xml");
    say(&mut bench, "1");
    send(&mut bench, &whole);
    bench.later(86_400);
    say(&mut bench, "2");
    send(&mut bench, &whole);
    let his: Vec<String> = bench.files("out").into_iter().filter(|name| name.starts_with("shop/")).collect();
    assert_eq!(his, ["shop/stock_20261122.xml", "shop/stock_20261122.xml.done"]);
}

/// What the numbers hold is the shops' business: nothing leaves its folder, hides, or takes the name of another order's file.
#[test]
fn files_are_called_after_the_orders_in_them() {
    let mut bench = Bench::new();
    bench.ordered("shop", &["2026/17", "../../etc/x", ".a", "2026=2F17", "aux"]);
    let named = of_one("{buyer_order_no}.xml");
    send(&mut bench, &named);
    let names = ["2026=2F17", "=2E.=2F..=2Fetc=2Fx", "=2Ea", "2026=3D2F17", "=61ux"];
    let mut expected: Vec<String> = names.iter().map(|name| format!("erp/{name}.xml")).collect();
    expected.sort();
    assert_eq!(bench.files("out"), expected);
    assert_eq!(elements(&bench.text("out/erp/2026=3D2F17.xml"), "buyer_order_no"), ["2026=2F17"]);

    // Another shop's order of the same number, and to a Windows the same in other letters: one after the other, and a start changes nothing.
    for (shop, number) in [("shop", "B-1"), ("other", "B-1"), ("third", "b-1")] {
        bench.ordered(shop, &[number]);
        send(&mut bench, &named);
        bench.later(60);
    }
    for (name, number) in [("B-1", "B-1"), ("B-1", "B-1"), ("b-1", "b-1")] {
        bench.restart();
        bench.dispatch().recover(&[]).unwrap();
        let his = |file: &String| file.to_lowercase() == "erp/b-1.xml";
        assert_eq!(bench.files("out").into_iter().filter(his).collect::<Vec<_>>(), [format!("erp/{name}.xml")]);
        assert_eq!(elements(&bench.text(&format!("out/erp/{name}.xml")), "buyer_order_no"), [number]);
        take(&mut bench, &format!("out/erp/{name}.xml"));
    }
    assert!(bench.files("staged").is_empty() && bench.files("held").is_empty());
    assert_eq!(bench.runs().iter().filter(|run| run.state == RunState::Sent).count(), 3);
}

/// The seller's number is there once it was given; in archives names may carry them too, and of a customer's own files.
#[test]
fn other_numbers_stand_in_names_too() {
    let mut bench = Bench::new();
    let rows = bench.ordered("shop", &["S1", "S2"]);
    let tx = bench.store.begin().unwrap();
    assert!(tx.number_order(rows[0], "AB-7").unwrap());
    tx.commit().unwrap();
    let mut packed = of_one("{customer_no}_{order_no}.zip");
    packed.packing = Some(Packing::Zip(NamePattern::parse("{buyer_order_no}_{run:1}.xml").unwrap()));
    send(&mut bench, &packed);
    assert_eq!(bench.files("out"), ["erp/10042_=none.zip", "erp/10042_AB-7.zip"]);
    let mut file = std::fs::File::open(bench.path("out/erp/10042_=none.zip")).unwrap();
    let directory = Directory::read(&mut file, Limits { members: 2, bytes: 1 << 20 }).unwrap();
    assert_eq!(directory.entries[0].name, "S2_2.xml");
}

/// What the process does that is killed: a start, a newer file, the next look. Errors are met as the loop meets them.
#[test]
#[ignore = "run by the tests below in a process of its own"]
fn one_turn() {
    let folder = std::env::var(FOLDER).expect("run by the tests below");
    let feed = std::env::var(ORDERS).map_or_else(|_| stock(), |pattern| of_one(&pattern));
    let Ok(mut bench) = Bench::on(Path::new(&folder)) else { return };
    bench.later(7_200);
    for _ in 0..2 {
        let mut dispatch = bench.dispatch();
        let turn = dispatch
            .recover(&[])
            .and_then(|()| dispatch.send(&feed, &Ask::request()))
            .and_then(|_| dispatch.look_at_pick_up());
        if turn.is_ok() {
            return;
        }
    }
}

/// All orders are one customer's.
fn standing(pattern: &str) -> String {
    format!("out/erp/{}", pattern.replace("{customer_no}", "10042"))
}

fn turn(folder: &Path, fault: &str, of_orders: Option<&str>) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["one_name::one_turn", "--exact", "--ignored"]).env("NATTPOST_FAULT", fault).env(FOLDER, folder);
    if let Some(pattern) = of_orders {
        command.env(ORDERS, pattern);
    }
    command.output().unwrap().status
}

/// Whole files: one stands there that he does not remove, and it is an older one that has his name too. Orders: he has taken the first,
/// nobody has noticed, and the second waits.
fn prepared(of_orders: Option<&str>) -> Bench {
    let mut bench = Bench::new();
    if let Some(pattern) = of_orders {
        for number in ["S1", "S2", "S3"] {
            bench.ordered("shop", &[number]);
            if number != "S3" {
                send(&mut bench, &of_one(pattern));
            }
        }
        std::fs::remove_file(bench.path(&standing(pattern))).unwrap();
    } else {
        say(&mut bench, "7");
        send(&mut bench, &stock());
        take(&mut bench, "out/shop/stock.xml");
        send(&mut bench, &stock());
        say(&mut bench, "8");
    }
    bench.later(3_600);
    bench
}

/// The fault at its call, and the next start. Tells whether the process was killed.
fn survives(fault: &str, of_orders: Option<&str>) -> bool {
    let mut bench = prepared(of_orders);
    let status = turn(&bench.folder, fault, of_orders);
    let killed = status.signal() == Some(9);
    assert!(killed || status.success(), "{fault}: {status}");
    if of_orders.is_none() {
        let quantity = elements(&bench.text("out/shop/stock.xml"), "qty");
        assert!(quantity == ["7"] || quantity == ["8"], "{fault}: at no moment there is none: {quantity:?}");
    }
    bench.restart();
    bench.later(7_200);
    bench.dispatch().recover(&[]).unwrap();
    let feed = of_orders.map_or_else(stock, of_one);
    bench.dispatch().send(&feed, &Ask::request()).unwrap();
    bench.dispatch().look_at_pick_up().unwrap();
    assert!(bench.files("held").is_empty(), "{fault}: {:?}", bench.files("held"));
    if let Some(pattern) = of_orders {
        let standing = standing(pattern);
        let mut read = vec!["S1".to_string()];
        for _ in 0..2 {
            read.extend(elements(&bench.text(&standing), "buyer_order_no"));
            take(&mut bench, &standing);
        }
        assert_eq!(read, ["S1", "S2", "S3"], "{fault}");
        assert!(bench.files("out").is_empty(), "{fault}");
        assert_eq!(states(&bench).into_iter().filter(|(_, s)| *s == RunState::Sent).count(), 3, "{fault}");
    } else {
        assert_eq!(bench.files("out"), ["shop/stock.xml", "shop/stock.xml.done"], "{fault}");
        assert_eq!(elements(&bench.text("out/shop/stock.xml"), "qty"), ["8"], "{fault}");
        let ready: Vec<_> = bench.runs().into_iter().filter(|run| run.state == RunState::Ready).collect();
        assert_eq!((ready.len(), ready[0].placed, ready[0].number), (1, true, 2), "{fault}: {ready:?}");
        take(&mut bench, "out/shop/stock.xml");
        assert!(bench.files("out").is_empty(), "{fault}");
    }
    assert!(bench.files("staged").is_empty() && bench.files("sent").is_empty(), "{fault}");
    killed
}

fn whenever_killed(of_orders: Option<&str>) {
    let kills = tried(CALLS_MAX, 1).take_while(|call| survives(&format!("kill@{call}"), of_orders)).count();
    assert!((5..tried(CALLS_MAX, 1).count()).contains(&kills), "{kills} kills");
}

fn whichever_call_fails(of_orders: Option<&str>) {
    let bench = prepared(of_orders);
    let list = bench.folder.join("calls");
    assert!(turn(&bench.folder, &format!("count@{}", list.display()), of_orders).success());
    let calls = std::fs::read_to_string(list).unwrap().lines().count();
    assert!(calls >= 15, "{calls} calls");
    tried(calls, 1).for_each(|call| _ = survives(&format!("fail@{call}"), of_orders));
}

#[test]
fn whole_files_follow_each_other_whenever_the_process_is_killed() {
    whenever_killed(None);
}

#[test]
fn whole_files_follow_each_other_whichever_call_fails() {
    whichever_call_fails(None);
}

#[test]
fn orders_follow_each_other_whenever_the_process_is_killed() {
    whenever_killed(Some("{customer_no}.xml"));
}

#[test]
fn orders_follow_each_other_whichever_call_fails() {
    whichever_call_fails(Some("orders.xml"));
}

/// The number in the name of what an archive holds is that of its file, also where the file took another's place; the same once more,
/// rung by a change that tells this partner nothing, is no news.
#[test]
fn what_an_archive_holds_is_called_after_the_run() {
    let mut bench = Bench::new();
    let mut feed = named(stock(), "stock_{run:2}.zip");
    feed.packing = Some(Packing::Zip(NamePattern::parse("{feed}_{run:2}_{time}.xml").unwrap()));
    feed.only = vec![("warehouse".to_string(), "0".to_string())];
    let rung = Ask { reason: RunReason::Change, ..Ask::request() };
    for (quantity, name, held) in
        [("1", "stock_01.zip", "stock_01_"), ("2", "stock_01.zip", "stock_01_"), ("3", "stock_02.zip", "stock_02_")]
    {
        say(&mut bench, quantity);
        send(&mut bench, &feed);
        let out: Vec<String> = bench.files("out").into_iter().filter(|file| file.ends_with(".zip")).collect();
        assert_eq!(out, [format!("shop/{name}")]);
        let bytes = std::fs::read(bench.path(&format!("out/shop/{name}"))).unwrap();
        let mut input = std::io::Cursor::new(&bytes);
        let directory = Directory::read(&mut input, Limits { members: 2, bytes: 1 << 20 }).unwrap();
        assert!(directory.entries.len() == 1 && directory.entries[0].name.starts_with(held), "{directory:?}");
        let mut content = String::new();
        Member::open(&mut input, &directory, &directory.entries[0]).unwrap().read_to_string(&mut content).unwrap();
        assert_eq!(elements(&content, "qty"), [quantity]);
        let run = bench.runs().pop().unwrap();
        assert_eq!((run.hash.as_slice(), run.size), (&blake3::hash(&bytes).as_bytes()[..], bytes.len() as u64));
        bench.later(60);
        let again = bench.dispatch().send(&feed, &rung).unwrap();
        assert!(matches!(again, Outcome::Empty { .. }), "{again:?}");
        if quantity == "2" {
            take(&mut bench, "out/shop/stock_01.zip");
        }
    }
    assert!(bench.files("staged").is_empty() && bench.files("tmp").is_empty());
}
