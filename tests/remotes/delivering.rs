//! Files out to a remote: sent under a name of ours, renamed, counted; killed and failing at every call that has to do with it.

use super::place::{Place, calls, each, order, some_of};

pub const ORDERS: &str = "[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\ncustomers = \"accept\"\narticles = \"accept\"\n\
                      [feed.new]\nlayout = \"nattpost-order-csv\"\nfile_name = \"new_{run}.csv\"\nto = \"drop:/in\"\n";
pub const STOCK: &str = "[intake.stock]\nlayouts = [\"nattpost-stock-csv\"]\nsettle = \"rename\"\narticles = \"accept\"\n\
                     [feed.stock]\nlayout = \"nattpost-stock-csv\"\nfile_name = \"stock_{run}.csv\"\nto = \"drop:/in\"\n";
const MATTER: [&str; 10] = [
    "remote.",
    "store.note",
    "store.set_run_state",
    "store.settle_delivery",
    "store.deliver_again",
    "store.commit",
    "store.begin",
    "store.mark_runs_placed",
    "spool.rename",
    "spool.open",
];

/// In the everyday loop.
const ONE_OF: usize = 7;

pub fn stock(qty: u32) -> String {
    format!("nattpost;stock;1\n!stock;article_no;warehouse;qty\nstock;A1;HH;{qty}\n")
}

pub fn drop_file(place: &Place, intake: &str, name: &str, content: &str) {
    let folder = place.at(&format!("spool/in/shop/{intake}"));
    std::fs::create_dir_all(&folder).unwrap();
    place.put_now(&format!("spool/in/shop/{intake}/{name}"), content);
}

/// One order that is to go out.
pub fn with_an_order() -> Place {
    let place = Place::new(ORDERS);
    drop_file(&place, "orders", "a.csv", &order("a"));
    assert_eq!(place.run(None).code, Some(0));
    let told = place.command(&["send", "shop/new"], None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    place
}

/// A stock file is to take the place of one that is as large.
fn with_newer_stock() -> Place {
    let place = Place::new(STOCK);
    drop_file(&place, "stock", "s.csv", &stock(7));
    assert_eq!(place.run(None).code, Some(0));
    let told = place.command(&["send", "shop/stock"], None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    let ours = std::fs::metadata(place.at("spool/out/shop/stock_000001.csv")).unwrap();
    place.put("there/in/stock_000001.csv", &"x".repeat(ours.len() as usize));
    place
}

/// Under its name and no other, and the ledger says so.
fn all_sent(place: &Place, name: &str, words: &str) -> Result<(), String> {
    let there = place.there("in");
    let states = place.rows("SELECT DISTINCT state FROM run");
    let left = place.spool("out").len() + place.spool("staged").len() + place.spool("tmp").len();
    let open = place.rows("SELECT run_no, words FROM delivery WHERE settled = 0");
    let is_whole = there.len() == 1 && there.get(name).is_some_and(|content| content.contains(words));
    if is_whole && states == ["sent"] && left == 0 && open.is_empty() {
        return Ok(());
    }
    Err(format!("there {there:?}, runs {states:?}, {left} left in the spool, open {open:?}"))
}

fn through_every_call(prepare: fn() -> Place, check: impl Fn(&Place) -> Result<(), String> + Sync) {
    let prepared = prepare();
    let sample = prepared.copy();
    let calls = calls(&sample, &MATTER);
    check(&sample).unwrap();
    assert!(calls.len() > 20, "{calls:?}");
    for (turn, how) in ["kill", "fail"].into_iter().enumerate() {
        each(&some_of(&calls, ONE_OF, turn), |call| {
            let place = prepared.copy();
            let first = place.run(Some(&format!("{how}@{call}")));
            if how == "kill" && first.code.is_some() {
                return Err(format!("was not reached: {}", first.text));
            }
            // A failure of the store or the spool may end the first run before anything was tried.
            let told = place.run(None);
            check(&place).map_err(|words| format!("{how}: {words}\n{}\n{}", first.text, told.text))?;
            let runs = place.rows("SELECT count(*) FROM delivery_try WHERE reached = 'sent'");
            if runs == place.rows("SELECT count(*) FROM run") { Ok(()) } else { Err(format!("{how}: sent {runs:?}")) }
        });
    }
}

#[test]
fn a_file_of_orders_arrives_once_whatever_call_the_process_dies_at() {
    through_every_call(with_an_order, |place| all_sent(place, "new_000001.csv", ";a;1001;"));
}

#[test]
fn an_equally_large_file_of_before_is_never_taken_for_ours() {
    through_every_call(with_newer_stock, |place| all_sent(place, "stock_000001.csv", ";HH;7;"));
}

/// Killed after the rename, before its answer; and the partner is quick.
#[test]
fn what_may_have_arrived_waits_for_a_person_or_is_sent_again() {
    let orders = with_an_order();
    assert_eq!(orders.run(Some("kill@remote.replace")).code, None);
    // As if it had been renamed and taken.
    for name in orders.there("in").into_keys() {
        std::fs::remove_file(orders.at("there/in").join(name)).unwrap();
    }
    let told = orders.run(None);
    assert!(told.text.contains("delivery-unknown"), "{}", told.text);
    assert!(orders.there("in").is_empty());
    assert_eq!(orders.rows("SELECT state FROM run"), ["renaming"]);
    let again = orders.run(None);
    assert!(!again.text.contains("delivery-unknown"), "once: {}", again.text);
    assert!(orders.there("in").is_empty());
    let run = orders.rows("SELECT run_id FROM run").remove(0);
    let told = orders.command(&["release", &run, "--comment", "he has nothing"], None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    orders.run(None);
    all_sent(&orders, "new_000001.csv", ";a;1001;").unwrap();

    let facts = with_newer_stock();
    assert_eq!(facts.run(Some("kill@remote.replace")).code, None);
    // The server lost the upload; what stood there before is as large as ours, and is not ours.
    for name in facts.there("in").into_keys().filter(|name| name != "stock_000001.csv") {
        std::fs::remove_file(facts.at("there/in").join(name)).unwrap();
    }
    let told = facts.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    all_sent(&facts, "stock_000001.csv", ";HH;7;").unwrap();
}

#[test]
fn a_remote_that_is_away_is_told_once_and_tried_again() {
    let place = with_an_order();
    std::fs::rename(place.at("there"), place.at("away")).unwrap();
    let told = place.run(None);
    assert_eq!(told.code, Some(75), "{}", told.text);
    assert!(told.text.contains("remote-failed") && told.text.contains("there, open"), "{}", told.text);
    let told = place.run(None);
    assert!(!told.text.contains("remote-failed"), "told once: {}", told.text);
    std::fs::rename(place.at("away"), place.at("there")).unwrap();
    let told = place.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert!(told.text.contains("remote-back") && told.text.contains("run-sent"), "{}", told.text);
    all_sent(&place, "new_000001.csv", ";a;1001;").unwrap();
}

#[test]
fn what_the_partner_has_after_all_is_closed_as_delivered() {
    let place = with_an_order();
    assert_eq!(place.run(Some("kill@remote.replace")).code, None);
    for name in place.there("in").into_keys() {
        std::fs::remove_file(place.at("there/in").join(name)).unwrap();
    }
    place.run(None);
    let run = place.rows("SELECT run_id FROM run").remove(0);
    let told = place.command(&["discard", &run, "--comment", "he has it"], None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    place.run(None);
    assert_eq!(place.rows("SELECT state FROM run"), ["sent"]);
    assert!(place.there("in").is_empty() && place.spool("out").is_empty());
    assert_eq!(place.spool("sent").len(), 1);
}

/// Files of orders that all have one name: the first stands there, the second waits.
fn with_orders_under_one_name() -> Place {
    let place = Place::new(&ORDERS.replace("new_{run}", "new"));
    for number in ["a", "b"] {
        drop_file(&place, "orders", &format!("{number}.csv"), &order(number));
        assert_eq!(place.run(None).code, Some(0));
        let told = place.command(&["send", "shop/new"], None);
        assert_eq!(told.code, Some(0), "{}", told.text);
        let told = place.run(None);
        let waits = number == "b" && told.text.contains("new.csv stands there and was not taken yet");
        // Where something waits, the end says so.
        assert_eq!(told.code, Some(if waits { 75 } else { 0 }), "{}", told.text);
    }
    place
}

#[test]
fn orders_under_one_name_arrive_one_after_the_other_whatever_call_the_process_dies_at() {
    let prepared = with_orders_under_one_name();
    let there = prepared.there("in");
    assert!(there.len() == 1 && there["new.csv"].contains(";a;1001;"), "{there:?}");
    assert_eq!(prepared.rows("SELECT state, number FROM run ORDER BY run_no"), ["sent|1", "ready|2"]);
    let status = prepared.command(&["status"], None);
    assert!(status.text.contains("new.csv stands there and was not taken yet"), "{}", status.text);
    assert_eq!(prepared.rows("SELECT failures FROM delivery WHERE settled = 0"), ["0"], "nothing failed");

    // He takes the first; the second comes, once.
    std::fs::remove_file(prepared.at("there/in/new.csv")).unwrap();
    let sample = prepared.copy();
    let calls = calls(&sample, &MATTER);
    all_sent(&sample, "new.csv", ";b;1001;").unwrap();
    for (turn, how) in ["kill", "fail"].into_iter().enumerate() {
        each(&some_of(&calls, ONE_OF, turn), |call| {
            let place = prepared.copy();
            let first = place.run(Some(&format!("{how}@{call}")));
            let told = place.run(None);
            all_sent(&place, "new.csv", ";b;1001;").map_err(|words| format!("{words}\n{}\n{}", first.text, told.text))
        });
    }
}

/// A file of whole stock takes the place of the one before, also where nobody takes it.
#[test]
fn whole_files_under_one_name_replace_each_other() {
    let place = Place::new(&STOCK.replace("stock_{run}", "stock"));
    for quantity in [7, 8, 9] {
        drop_file(&place, "stock", &format!("{quantity}.csv"), &stock(quantity));
        assert_eq!(place.run(None).code, Some(0));
        let told = place.command(&["send", "shop/stock"], None);
        assert_eq!(told.code, Some(0), "{}", told.text);
        assert_eq!(place.run(None).code, Some(0));
        all_sent(&place, "stock.csv", &format!(";HH;{quantity}")).unwrap();
    }
    assert_eq!(place.rows("SELECT number FROM run"), ["1", "2", "3"]);
    assert_eq!(place.spool("sent").len(), 3, "each is kept under its id");
}
