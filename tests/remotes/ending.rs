//! A run that its remote refuses for ever: a person tries it once more, or ends it. Nothing of it stays there, and nothing that it said is lost.

use std::fs;
use std::time::{Duration, Instant};

use super::delivering::{STOCK, drop_file, stock, with_an_order};
use super::place::{Place, calls_of, each};

const MATTER: [&str; 7] = [
    "spool.rename",
    "spool.remove",
    "store.commit",
    "store.set_run_state",
    "store.end_try",
    "store.close_delivery",
    "store.settle_delivery",
];

/// Under its name stands a folder: it can be uploaded, and not renamed.
fn block(place: &Place, name: &str) {
    fs::create_dir_all(place.at(&format!("there/in/{name}/x"))).unwrap();
}

fn refused(place: &Place) -> String {
    let told = place.run(None);
    assert_eq!(told.code, Some(75), "{}", told.text);
    assert_eq!(place.there("in").len(), 1, "its upload stands there");
    place.rows("SELECT run_id FROM run WHERE state = 'renaming'").remove(0)
}

/// The second file of changes is refused.
fn with_refused_changes() -> (Place, String) {
    let place = Place::new(&format!("{STOCK}content = \"delta\"\n"));
    for (quantity, code) in [(1, 0), (7, 75)] {
        drop_file(&place, "stock", "s.csv", &stock(quantity));
        place.run(None);
        block(&place, "stock_000002.csv");
        assert_eq!(place.command(&["send", "shop/stock"], None).code, Some(0));
        assert_eq!(place.run(None).code, Some(code));
    }
    fs::remove_file(place.at("there/in/stock_000001.csv")).unwrap();
    let run = refused(&place);
    (place, run)
}

/// What was dropped may have come all the same: the next file tells it again, also where all is as it was before.
fn all_is_told_again(place: &Place) -> Result<(), String> {
    place.run(None);
    let open = place.rows("SELECT run_no FROM delivery WHERE settled = 0");
    let left: Vec<String> = ["out", "staged", "held"].into_iter().flat_map(|state| place.spool(state)).collect();
    let (there, states) = (place.there("in"), place.rows("SELECT state FROM run"));
    if !there.is_empty() || !left.is_empty() || !open.is_empty() || states != ["sent", "discarded"] {
        return Err(format!("there {there:?}, left {left:?}, open {open:?}, {states:?}"));
    }
    drop_file(place, "stock", "back.csv", &stock(1));
    place.run(None);
    place.command(&["send", "shop/stock"], None);
    place.run(None);
    let there = place.there("in");
    let is_told =
        there.len() == 1 && there.get("stock_000003.csv").is_some_and(|content| content.contains(";A1;HH;1;"));
    if is_told { Ok(()) } else { Err(format!("{there:?} {:?}", place.rows("SELECT state, comment FROM run"))) }
}

#[test]
fn a_file_of_facts_that_is_refused_for_ever_is_dropped_and_told_again() {
    let (prepared, run) = with_refused_changes();
    let (release, discard) = (format!("nattpost release {run}"), format!("nattpost discard {run}"));
    for item in ["stock_000002.csv", &run] {
        let told = prepared.command(&["explain", item], None).text;
        assert!(told.contains(&release) && told.contains(&discard) && told.contains("drop it"), "{told}");
    }
    let status = prepared.command(&["status"], None).text;
    assert!(status.contains(&format!("nattpost explain {run} says how to end it")), "{status}");

    let words = ["discard", &run, "--comment", "he knows"];
    let sample = prepared.copy();
    let calls = calls_of(&sample, &words, &MATTER);
    all_is_told_again(&sample).unwrap();
    let told = sample.command(&["explain", &run], None).text;
    assert!(told.contains("A person dropped it before it was brought"), "{told}");
    assert!(calls.len() > 5, "{calls:?}");
    each(&calls, |call| {
        for how in ["kill", "fail"] {
            let place = prepared.copy();
            let first = place.command(&words, Some(&format!("{how}@{call}")));
            place.command(&words, None);
            all_is_told_again(&place).map_err(|wrong| format!("{how}: {wrong}\n{}", first.text))?;
        }
        Ok(())
    });
}

#[test]
fn orders_that_are_refused_for_ever_are_closed_as_delivered() {
    let place = with_an_order();
    block(&place, "new_000001.csv");
    let run = refused(&place);
    let told = place.command(&["explain", "new_000001.csv"], None).text;
    assert!(told.contains("by another way: close it as delivered"), "{told}");
    let told = place.command(&["discard", &run, "--comment", "sent by mail"], None);
    assert!(told.code == Some(0) && told.text.contains("is closed as delivered"), "{}", told.text);
    assert_eq!(place.run(None).code, Some(0));
    assert!(place.there("in").is_empty(), "its upload is removed");
    assert_eq!((place.spool("sent").len(), place.spool("out").len()), (1, 0));
    assert_eq!(place.rows("SELECT state FROM run"), ["sent"]);
    // Each goes out once.
    place.command(&["send", "shop/new"], None);
    assert_eq!(place.rows("SELECT count(*) FROM run WHERE number > 0"), ["1"]);
}

/// Its next try would be ten minutes away.
#[test]
fn what_was_mended_is_tried_at_once_when_a_person_says_so() {
    let place = with_an_order();
    block(&place, "new_000001.csv");
    let daemon = place.daemon();
    wait_for(&place, "SELECT count(*) FROM delivery WHERE failures = 1");
    fs::remove_dir_all(place.at("there/in/new_000001.csv")).unwrap();
    let run = place.rows("SELECT run_id FROM run").remove(0);
    let told = place.command(&["release", &run, "--comment", "mended"], None);
    assert!(told.code == Some(0) && told.text.contains("is tried now"), "{}", told.text);
    wait_for(&place, "SELECT count(*) FROM run WHERE state = 'sent'");
    drop(daemon);
    assert_eq!(place.there("in").into_keys().collect::<Vec<_>>(), ["new_000001.csv"]);
    assert_eq!(place.rows("SELECT count(*) FROM delivery_try"), ["1"], "its upload was not sent again");
}

fn wait_for(place: &Place, sql: &str) {
    let began = Instant::now();
    while place.rows(sql) != ["1"] {
        assert!(began.elapsed() < Duration::from_secs(60), "{sql}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
