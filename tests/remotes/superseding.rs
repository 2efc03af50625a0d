//! A remote that was down gets the newest file of a feed of facts, under the name and number of the first that it did not get: not
//! ten stale ones in a row. Whatever call the process dies at, nothing is left there or here, and no change is lost.

use super::delivering::{STOCK, drop_file, stock};
use super::place::{Place, calls, calls_of, each, some_of};

/// What comes between a run and the one whose place it takes.
const MATTER: [&str; 9] = [
    "spool.rename",
    "spool.remove",
    "spool.unnamed",
    "spool.fsync",
    "store.commit",
    "store.complete_run",
    "store.set_run_state",
    "store.close_delivery",
    "store.end_try",
];
/// In the everyday loop.
const ONE_OF: usize = 7;
const CLEARING: [&str; 6] =
    ["remote.", "store.commit", "store.settle_delivery", "store.note", "store.set_run_state", "spool.rename"];

/// A new quantity is applied, and its file is asked for.
fn say(place: &Place, quantity: u32) {
    drop_file(place, "stock", "s.csv", &stock(quantity));
    place.run(None);
    let told = place.command(&["send", "shop/stock"], None);
    assert_eq!(told.code, Some(0), "{}", told.text);
}

fn states(place: &Place) -> Vec<String> {
    place.rows("SELECT state, number, count(*) FROM run GROUP BY state, number ORDER BY 1, 2")
}

/// The first run was half sent when the line broke, and its remote has not been seen since.
fn with_half_of_an_older_one() -> Place {
    let place = Place::new(STOCK);
    drop_file(&place, "stock", "s.csv", &stock(1));
    assert_eq!(place.run(None).code, Some(0));
    assert_eq!(place.command(&["send", "shop/stock"], None).code, Some(0));
    assert_eq!(place.run(Some("kill@remote.sent")).code, None);
    assert_eq!(place.there("in").len(), 1, "the upload is left there");
    place.take_away();
    drop_file(&place, "stock", "s.csv", &stock(2));
    assert_eq!(place.run(None).code, Some(75));
    assert_eq!(place.rows("SELECT ended IS NULL FROM delivery_try"), ["0"], "the try has ended");
    place.bring_back();
    place
}

/// The newest file stands there alone, everything else is over.
fn only_the_newest(place: &Place) -> Result<(), String> {
    let there = place.there("in");
    let is_it = there.len() == 1 && there.get("stock_000001.csv").is_some_and(|content| content.contains(";HH;2;"));
    let left: Vec<String> = ["out", "staged", "tmp", "held"].into_iter().flat_map(|state| place.spool(state)).collect();
    let open = place.rows("SELECT run_no FROM delivery WHERE settled = 0");
    let odd = place.rows("SELECT run_id, state FROM run WHERE state <> 'sent' AND state <> 'superseded'");
    let sent = place.rows("SELECT count(*) FROM run WHERE state = 'sent'");
    if is_it && left.is_empty() && open.is_empty() && odd.is_empty() && sent == ["1"] {
        return Ok(());
    }
    Err(format!("there {there:?}, left {left:?}, open {open:?}, states {:?}", states(place)))
}

#[test]
fn a_remote_that_was_down_gets_the_newest_file_alone() {
    let place = Place::new(STOCK);
    place.take_away();
    (1..=10).for_each(|quantity| say(&place, quantity));
    assert_eq!(place.spool("out").len(), 1);
    assert_eq!(states(&place), ["ready|1|1", "superseded|1|9"]);
    place.bring_back();
    let told = place.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    let there = place.there("in");
    assert_eq!(there.keys().collect::<Vec<_>>(), ["stock_000001.csv"], "no number is left out");
    assert!(there["stock_000001.csv"].contains(";HH;10;"), "{there:?}");
    assert_eq!(states(&place), ["sent|1|1", "superseded|1|9"]);
    say(&place, 11);
    place.run(None);
    assert_eq!(place.there("in").len(), 2);
}

#[test]
fn every_file_is_brought_where_each_is_wanted() {
    let place = Place::new(&format!("{STOCK}replace = \"never\"\n"));
    place.take_away();
    (1..=3).for_each(|quantity| say(&place, quantity));
    place.bring_back();
    place.run(None);
    let there = place.there("in");
    assert_eq!(there.len(), 3, "{there:?}");
    assert!(there["stock_000002.csv"].contains(";HH;2;"), "{there:?}");
}

#[test]
fn changes_of_hours_arrive_as_one_file_that_holds_them_all() {
    let place = Place::new(&format!("{STOCK}content = \"delta\"\n"));
    let row = |article: &str, quantity: u32| stock(quantity).replace(";A1;", &format!(";{article};"));
    let tell = |article: &str, quantity| {
        drop_file(&place, "stock", "s.csv", &row(article, quantity));
        place.run(None);
        assert_eq!(place.command(&["send", "shop/stock"], None).code, Some(0));
    };
    tell("A0", 1);
    assert_eq!(place.run(None).code, Some(0));
    place.take_away();
    for (article, quantity) in [("A1", 1), ("A2", 2), ("A1", 7), ("A3", 3)] {
        tell(article, quantity);
    }
    place.bring_back();
    assert_eq!(place.run(None).code, Some(0));
    let there = place.there("in");
    assert_eq!(there.keys().collect::<Vec<_>>(), ["stock_000001.csv", "stock_000002.csv"]);
    let delta = &there["stock_000002.csv"];
    assert!(["A1;HH;7", "A2;HH;2", "A3;HH;3"].iter().all(|row| delta.contains(row)), "{delta}");
    assert!(!delta.contains("A0"), "{delta}");
    // All of it counts as told, and nothing rings on.
    assert_eq!(place.rows("SELECT count(*) FROM outbox"), ["0"]);
    assert_eq!(place.rows("SELECT count(*) FROM delivered"), ["4"]);
}

/// A try that a crash cut off is one in delivery until the remote was asked: it goes first, and whole.
#[test]
fn one_in_delivery_is_never_replaced() {
    let place = Place::new(STOCK);
    drop_file(&place, "stock", "s.csv", &stock(1));
    assert_eq!(place.run(None).code, Some(0));
    assert_eq!(place.command(&["send", "shop/stock"], None).code, Some(0));
    assert_eq!(place.run(Some("kill@remote.sent")).code, None);
    assert_eq!(place.command(&["send", "shop/stock"], None).code, Some(0));
    assert_eq!(states(&place), ["delivering|1|1", "ready|2|1"]);
    assert_eq!(place.run(None).code, Some(0));
    assert_eq!(place.there("in").into_keys().collect::<Vec<_>>(), ["stock_000001.csv", "stock_000002.csv"]);
}

#[test]
fn half_of_an_older_one_is_removed_there_whatever_call_the_process_dies_at() {
    let prepared = with_half_of_an_older_one();
    let sample = prepared.copy();
    let send = ["send", "shop/stock"];
    let calls = calls_of(&sample, &send, &MATTER);
    assert!(calls.len() > 10 && calls.iter().any(|call| call.contains("close_delivery")), "{calls:?}");
    assert_eq!(states(&sample), ["ready|1|1", "superseded|1|1"]);
    sample.run(None);
    only_the_newest(&sample).unwrap();
    for (turn, how) in ["kill", "fail"].into_iter().enumerate() {
        each(&some_of(&calls, ONE_OF, turn), |call| {
            let place = prepared.copy();
            let first = place.command(&send, Some(&format!("{how}@{call}")));
            if how == "kill" && first.code.is_some() {
                return Err(format!("was not reached: {}", first.text));
            }
            let again = place.command(&send, None);
            let told = place.run(None);
            only_the_newest(&place)
                .map_err(|words| format!("{how}: {words}\n{}\n{}\n{}", first.text, again.text, told.text))
        });
    }
}

#[test]
fn its_removal_there_happens_once_whatever_call_the_process_dies_at() {
    let prepared = with_half_of_an_older_one();
    assert_eq!(prepared.command(&["send", "shop/stock"], None).code, Some(0));
    let sample = prepared.copy();
    let calls = calls(&sample, &CLEARING);
    only_the_newest(&sample).unwrap();
    for (turn, how) in ["kill", "fail"].into_iter().enumerate() {
        each(&some_of(&calls, ONE_OF, turn), |call| {
            let place = prepared.copy();
            let first = place.run(Some(&format!("{how}@{call}")));
            let told = place.run(None);
            only_the_newest(&place).map_err(|words| format!("{how}: {words}\n{}\n{}", first.text, told.text))
        });
    }
}

/// What the guard holds back holds back what was ready before it, too; a person lets today's state go, once.
#[test]
fn what_was_ready_before_the_guard_locked_waits_with_it() {
    let place = Place::new(&format!("{STOCK}[feed.stock.guard]\nchanges = \"1\"\n"));
    let two = |a: u32, b: u32| stock(a) + &format!("stock;A2;HH;{b}\nstock;A3;HH;{b}\n");
    let tell = |a, b| {
        drop_file(&place, "stock", "s.csv", &two(a, b));
        place.run(None);
        assert_eq!(place.command(&["send", "shop/stock"], None).code, Some(0));
    };
    tell(1, 1);
    assert_eq!(place.run(None).code, Some(0));
    place.take_away();
    tell(2, 1);
    tell(3, 3);
    assert_eq!(states(&place), ["locked|0|1", "ready|2|1", "sent|1|1"]);
    place.bring_back();
    place.run(None);
    assert_eq!(place.there("in").len(), 1, "nothing of that feed goes out");
    let told = place.command(&["release", "shop/stock", "--comment", "it is so"], None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    place.run(None);
    let there = place.there("in");
    assert_eq!(there.keys().collect::<Vec<_>>(), ["stock_000001.csv", "stock_000002.csv"]);
    assert!(there["stock_000002.csv"].contains("A1;HH;3"), "{there:?}");
}

/// A new file comes and rings while the older one is being asked after: whichever goes first, the newest stands there last, and nothing
/// is left of either.
#[test]
fn a_ring_beside_a_delivery_ends_well_whatever_call_the_process_dies_at() {
    let prepared = with_half_of_an_older_one();
    prepared.configure(&format!("{STOCK}on_change = \"10 s\"\n"));
    prepared.rows("UPDATE run SET ready_at = '2026-01-01T00:00:00.000Z' RETURNING 1");
    drop_file(&prepared, "stock", "s.csv", &stock(3));
    let check = |place: &Place| {
        let there = place.there("in");
        let is_it = there.values().last().is_some_and(|content| content.contains(";HH;3;"));
        let left: Vec<String> = ["out", "staged", "tmp", "held"].into_iter().flat_map(|s| place.spool(s)).collect();
        let open = place.rows("SELECT run_no FROM delivery WHERE settled = 0");
        let sent = place.rows("SELECT DISTINCT name FROM run WHERE state = 'sent' ORDER BY 1");
        let names: Vec<String> = there.keys().cloned().collect();
        if is_it && left.is_empty() && open.is_empty() && sent == names {
            return Ok(());
        }
        Err(format!("there {there:?}, left {left:?}, open {open:?}, sent {sent:?}, states {:?}", states(place)))
    };
    let sample = prepared.copy();
    let calls =
        calls(&sample, &["store.commit", "store.close_delivery", "spool.rename", "remote.sent", "remote.asked"]);
    check(&sample).unwrap();
    each(&some_of(&calls, ONE_OF, 0), |call| {
        let place = prepared.copy();
        let first = place.run(Some(&format!("kill@{call}")));
        let told = place.run(None);
        check(&place).map_err(|words| format!("{words}\n{}\n{}", first.text, told.text))
    });
}
