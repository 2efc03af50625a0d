//! Files of ours that are gone from out/ before they were brought: facts and answers are made again in their place, orders wait for a
//! person, who has the same ones written anew.

use super::delivering::{ORDERS, STOCK, drop_file, stock, with_an_order};
use super::place::{Place, calls, calls_of, each, order, some_of};

const MATTER: [&str; 7] = [
    "remote.",
    "spool.rename",
    "spool.unnamed",
    "spool.open",
    "store.commit",
    "store.complete_run",
    "store.carry_over",
];

/// In the everyday loop.
const ONE_OF: usize = 7;

fn remove_from_out(place: &Place, name: &str) {
    std::fs::remove_file(place.at("spool/out/shop").join(name)).unwrap();
}

fn without_its_stock_file() -> Place {
    let place = Place::new(STOCK);
    drop_file(&place, "stock", "s.csv", &stock(1));
    assert_eq!(place.run(None).code, Some(0));
    assert_eq!(place.command(&["send", "shop/stock"], None).code, Some(0));
    remove_from_out(&place, "stock_000001.csv");
    place
}

/// Without a carrier that looks first, nobody knows that it is gone.
fn without_its_order() -> Place {
    let place = with_an_order();
    remove_from_out(&place, "new_000001.csv");
    place
}

fn brought(place: &Place, name: &str, words: &str) -> Result<(), String> {
    let there = place.there("in");
    let left: Vec<String> = ["out", "staged", "tmp"].into_iter().flat_map(|state| place.spool(state)).collect();
    let open = place.rows("SELECT run_no, words FROM delivery WHERE settled = 0");
    let odd = place.rows("SELECT run_id, state FROM run WHERE state <> 'sent' AND state <> 'superseded'");
    let is_it = there.len() == 1 && there.get(name).is_some_and(|content| content.contains(words));
    if is_it && left.is_empty() && open.is_empty() && odd.is_empty() {
        return Ok(());
    }
    Err(format!("there {there:?}, left {left:?}, open {open:?}, odd {odd:?}"))
}

#[test]
fn facts_are_composed_again_in_todays_state_whatever_call_the_process_dies_at() {
    let prepared = without_its_stock_file();
    let sample = prepared.copy();
    let calls = calls(&sample, &MATTER);
    brought(&sample, "stock_000001.csv", ";HH;1;").unwrap();
    assert_eq!(sample.rows("SELECT state, number FROM run ORDER BY run_no"), ["superseded|1", "sent|1"]);
    for (turn, how) in ["kill", "fail"].into_iter().enumerate() {
        each(&some_of(&calls, ONE_OF, turn), |call| {
            let place = prepared.copy();
            let first = place.run(Some(&format!("{how}@{call}")));
            let told = place.run(None);
            brought(&place, "stock_000001.csv", ";HH;1;")
                .map_err(|words| format!("{how}: {words}\n{}\n{}", first.text, told.text))
        });
    }
}

#[test]
fn a_file_of_changes_that_is_gone_is_made_again_with_all_of_them() {
    let place = Place::new(&format!("{STOCK}content = \"delta\"\n"));
    for quantity in [1, 2] {
        drop_file(&place, "stock", "s.csv", &stock(quantity));
        assert_eq!(place.run(None).code, Some(0));
        assert_eq!(place.command(&["send", "shop/stock"], None).code, Some(0));
        if quantity == 1 {
            assert_eq!(place.run(None).code, Some(0));
            std::fs::remove_file(place.at("there/in/stock_000001.csv")).unwrap();
        }
    }
    remove_from_out(&place, "stock_000002.csv");
    let told = place.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    brought(&place, "stock_000002.csv", ";HH;2;").unwrap();
    assert_eq!(place.rows("SELECT count(*) FROM outbox"), ["0"]);
}

#[test]
fn orders_wait_for_a_person_who_has_the_same_ones_written_anew() {
    let prepared = without_its_order();
    prepared.run(None);
    let sample = without_its_order();
    let told = sample.run(None);
    assert!(told.text.contains("delivery-unknown") && told.text.contains("nattpost release"), "{}", told.text);
    assert!(sample.there("in").is_empty());
    let again = sample.run(None);
    assert!(!again.text.contains("delivery-unknown"), "once: {}", again.text);
    let id = sample.rows("SELECT run_id FROM run").remove(0);
    // An order that came meanwhile is none of that file.
    drop_file(&sample, "orders", "b.csv", &order("b"));
    sample.run(None);
    let calls = calls_of(&sample, &["release", &id, "--comment", "it was moved away"], &MATTER);
    assert!(calls.iter().any(|call| call.contains("carry_over")), "{calls:?}");
    sample.run(None);
    brought(&sample, "new_000001.csv", ";a;1001;").unwrap();
    assert!(!sample.there("in")["new_000001.csv"].contains(";b;"));
    assert_eq!(sample.rows("SELECT count(*) FROM run_request"), ["1"]);
    for (turn, how) in ["kill", "fail"].into_iter().enumerate() {
        each(&some_of(&calls, ONE_OF, turn), |call| {
            let place = prepared.copy();
            let id = place.rows("SELECT run_id FROM run").remove(0);
            let release = ["release", &id, "--comment", "it was moved away"];
            let first = place.command(&release, Some(&format!("{how}@{call}")));
            let again = place.command(&release, None);
            let told = place.run(None);
            let sent = place.rows("SELECT count(*) FROM run_request");
            brought(&place, "new_000001.csv", ";a;1001;")
                .and_then(|()| if sent == ["1"] { Ok(()) } else { Err(format!("{sent:?} orders")) })
                .map_err(|words| format!("{how}: {words}\n{}\n{}\n{}", first.text, again.text, told.text))
        });
    }
}

#[test]
fn an_answer_is_made_again_byte_for_byte() {
    let receipts =
        ORDERS.replace("customers", "receipt = \"nattpost-receipt-xml\"\nreceipt_to = \"drop:/in\"\ncustomers");
    let place = Place::new(&receipts);
    place.take_away();
    drop_file(&place, "orders", "a.csv", &order("a"));
    place.run(None);
    let name = place.rows("SELECT name FROM run WHERE reason = 'receipt'").remove(0);
    let before = std::fs::read_to_string(place.at("spool/out/shop").join(&name)).unwrap();
    remove_from_out(&place, &name);
    place.bring_back();
    let told = place.run(None);
    assert_eq!(place.there("in").get(&name), Some(&before), "{}", told.text);
    assert_eq!(place.rows("SELECT state FROM run WHERE reason = 'receipt'"), ["sent"]);
}
