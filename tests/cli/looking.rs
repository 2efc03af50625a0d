//! `status`, `files`, `show`, `explain` and `find` by the real binary on a real spool and database: a night with orders
//! taken, refused, held for their customer and held for other content, and one file that still settles.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use crate::desk::{Desk, Listed, came, decide, exported, list, order, place};
use nattpost::edges::clock::iso;
use nattpost::edges::lock::InstanceLock;
use nattpost::edges::store::ledger::Waits;
use nattpost::model::ids::Id;
use nattpost::model::verdict::{Home, Verdict};

const TAKEN: &str = r#"{"buyer_order_no":"B-7","customer_no":"K-1","partner":"dealer","reference":"first","lines":[{"line_no":1,"article_no":"A-1","qty":"2"}]}"#;
const CHANGED: &str = r#"{"buyer_order_no":"B-7","customer_no":"K-1","partner":"dealer","reference":"second","lines":[{"line_no":1,"article_no":"A-1","qty":"3"}]}"#;

struct Night {
    desk: Desk,
    good: Id,
    refused: Id,
    waiting: Id,
    changed: Id,
}

fn night() -> Night {
    let desk = Desk::new();
    desk.spool();
    let mut store = desk.store();
    let tx = store.begin().unwrap();
    let (good_no, good) = came(&desk, &tx, "orders-1.csv", 90);
    let row = order(&tx, good_no, TAKEN);
    decide(&desk, &tx, good_no, &[(Verdict::Accepted, 1)], "");
    exported(&desk, &tx, row);

    let (refused_no, refused) = came(&desk, &tx, "orders-2.csv", 60);
    let text = "\"2,5x\" is not a quantity; expected a number like 2.5.";
    let listed = |number, key, verdict, code| Listed {
        number,
        key,
        verdict,
        code,
        text: "",
        payload: None,
        row: None,
        waits: None,
    };
    list(&desk, &tx, refused_no, Listed { text, ..listed(1, "K-1 / B-8", Verdict::Refused, "quantity-invalid") });
    decide(&desk, &tx, refused_no, &[(Verdict::Refused, 1)], "");

    let (waiting_no, waiting) = came(&desk, &tx, "orders-3.csv", 30);
    let until = iso(desk.now + chrono::TimeDelta::hours(24));
    let waits = Some(Waits { kind: "customer".into(), key: "K-9".into(), until: Some(until) });
    list(&desk, &tx, waiting_no, Listed { waits, ..listed(1, "K-9 / B-9", Verdict::Held, "customer-unknown") });
    decide(&desk, &tx, waiting_no, &[(Verdict::Held, 1)], "");

    let (changed_no, changed) = came(&desk, &tx, "orders-4.csv", 20);
    let change = listed(1, "K-1 / B-7", Verdict::Held, "content-changed");
    list(&desk, &tx, changed_no, Listed { payload: Some(CHANGED), row: Some(row), ..change });
    decide(&desk, &tx, changed_no, &[(Verdict::Held, 1)], "");
    tx.commit().unwrap();

    place(&desk, good, "orders-1.csv", Home::Done);
    place(&desk, refused, "orders-2.csv", Home::Failed);
    place(&desk, waiting, "orders-3.csv", Home::Held);
    place(&desk, changed, "orders-4.csv", Home::Held);
    fs::create_dir_all(desk.root().join("spool/in/dealer/orders")).unwrap();
    fs::write(desk.root().join("spool/in/dealer/orders/late\u{1b}.csv"), "x").unwrap();
    fs::create_dir_all(desk.root().join("spool/in/dealer/odrers")).unwrap();
    fs::write(desk.root().join("spool/in/dealer/odrers/lost.csv"), "x").unwrap();
    Night { desk, good, refused, waiting, changed }
}

fn holds(text: &str, expected: &[&str]) {
    for words in expected {
        assert!(text.contains(words), "\"{words}\" is not in:\n{text}");
    }
}

#[test]
fn status_tells_what_waits_and_why_also_while_the_daemon_is_down() {
    let night = night();
    let text = night.desk.well(&["status"]);
    holds(
        &text,
        &[
            "Nordkap",
            "THE DAEMON IS DOWN",
            "dealer/orders",
            "late\\u{1b}.csv still settles",
            "dealer/odrers: lost.csv lies in a folder that no intake takes from",
            "1 message held for content-changed",
            "1 message held for customer-unknown",
        ],
    );
    let status = night.desk.object(&["status"]);
    let intake = &status["intakes"][0];
    assert_eq!((intake["held"].as_u64(), intake["refused_last_day"].as_u64()), (Some(2), Some(1)));
    assert_eq!(intake["backlog"], 1);
    assert_eq!(intake["waiting"][0]["why"], "settles");
    assert_eq!(intake["last_applied_name"], "orders-1.csv");
    assert_eq!(status["strays"][0]["why"], "no-intake");

    let _lock = InstanceLock::take(&night.desk.spool().lock_path()).unwrap();
    holds(&night.desk.well(&["status", "dealer"]), &["the daemon runs"]);
}

#[test]
fn files_are_chosen_by_name_verdict_reason_and_day() {
    let night = night();
    let names = |words: &[&str]| -> Vec<String> {
        let object = night.desk.object(&[&["files"], words].concat());
        object["files"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap().to_string()).collect()
    };
    assert_eq!(names(&[]), ["orders-4.csv", "orders-3.csv", "orders-2.csv", "orders-1.csv"]);
    assert_eq!(names(&["--verdict", "refused"]), ["orders-2.csv"]);
    assert_eq!(names(&["--reason", "customer-unknown"]), ["orders-3.csv"]);
    assert_eq!(names(&["orders-1.csv", "*-4.csv"]), ["orders-4.csv", "orders-1.csv"]);
    assert_eq!(names(&[night.good.as_str()]), ["orders-1.csv"]);
    assert_eq!(names(&["--partner", "dealer", "--verdict", "stale"]), [""; 0]);
    assert_eq!(names(&["--day", "2020-01-01"]), [""; 0]);
    assert_eq!(names(&["orders_1.csv", "orders%"]), [""; 0]);
    holds(&night.desk.well(&["files", "--limit", "1"]), &["orders-4.csv", "The newest 1 of 4"]);
    holds(&night.desk.well(&["files", "--day", "2020-01-01"]), &["No such file has come."]);
}

#[test]
fn show_has_reasons_differences_the_place_and_the_next_command() {
    let night = night();
    let changed = night.desk.well(&["show", "orders-4.csv"]);
    let overrule = format!("nattpost retry {} --overrule", night.changed);
    holds(
        &changed,
        &["1 held", "lines[1].qty", "reference", "first", "second", "spool/held/in/dealer/orders/", &overrule],
    );
    let refused = night.desk.well(&["show", "orders-2.csv"]);
    let retry = format!("nattpost retry {}", night.refused);
    holds(
        &refused,
        &["[quantity-invalid]", "line 14, \"qty\": \"2,5x\" is not a quantity", &retry, "1 x quantity-invalid"],
    );
    let waiting = night.desk.well(&["show", "orders-3.csv"]);
    holds(&waiting, &["waits for customer K-9, refused if it has not come by "]);
    holds(&night.desk.well(&["show", "erp/orders#41"]), &["orders_41.xml", "ready (due)", "no longer in the spool"]);

    let object = night.desk.object(&["show", night.changed.as_str()]);
    let differences = object["exceptions"][0]["differences"].as_array().unwrap();
    assert!(differences.iter().any(|d| d["field"] == "reference" && d["ours"] == "first" && d["sent"] == "second"));

    let nothing = night.desk.run(&["show", "orders-5.csv", "orders-1.csv"]);
    assert_eq!(nothing.code, 66);
    holds(&nothing.out, &["No file or run orders-5.csv is known", "Did you mean orders-", "1 accepted"]);
}

#[test]
fn explain_tells_the_story_of_files_numbers_and_names_never_seen() {
    let night = night();
    let path = format!("spool/done/dealer/2026-01-01/{}~orders-1.csv", night.good);
    let story = night.desk.well(&["explain", &path]);
    holds(
        &story,
        &["orders-1.csv came ", "of 1 message 1 accepted", "Orders of it went out in erp/orders#41", "It is now "],
    );
    let held = night.desk.well(&["explain", night.waiting.as_str()]);
    holds(&held, &["Order K-9 / B-9 (line 14) waits for customer K-9 until ", "then it is refused"]);
    let number = night.desk.well(&["explain", "B-7"]);
    holds(
        &number,
        &[
            "Order B-7 of customer K-1 came ",
            "line 14",
            "no status has come for it yet",
            "It went out in erp/orders#41 as orders_41.xml",
            "Order K-1 / B-7 in orders-4.csv",
        ],
    );
    let settling = night.desk.well(&["explain", "late\u{1b}.csv"]);
    holds(
        &settling,
        &[
            "lies in in/dealer/orders now",
            "still settles",
            "must rest for 1 h, so for",
            "settle = stable 3600 s",
            "No daemon runs",
        ],
    );
    let never = night.desk.run(&["explain", "nothing-like-it"]);
    assert_eq!(never.code, 66);
    holds(&never.out, &["nothing-like-it was never seen"]);
    assert_eq!(night.desk.object(&["explain", "nothing-like-it"])["seen"], false);
}

#[test]
fn find_tells_where_from_and_where_to() {
    let night = night();
    holds(
        &night.desk.well(&["find", "B-7"]),
        &["orders-1.csv", "14", "erp/orders#41 orders_41.xml", "content-changed"],
    );
    let found = night.desk.object(&["find", "B-9"]);
    assert_eq!((found["orders"].as_array().unwrap().len(), &found["messages"][0]["key"]), (0, &"K-9 / B-9".into()));
    let orders = |key| night.desk.object(&["find", key])["orders"].as_array().unwrap().len();
    assert_eq!((orders("K-1 / B-7"), night.desk.run(&["find", "K-2/B-7"]).code), (1, 66));
    let nothing = night.desk.run(&["find", "B-999"]);
    assert_eq!(nothing.code, 66);
    holds(&nothing.out, &["Nothing goes by B-999"]);
}

#[test]
fn what_is_not_there_yet_is_told_in_a_sentence() {
    let desk = Desk::new();
    let told = desk.run(&["status"]);
    assert_eq!(told.code, 69);
    holds(&told.err, &["there is no spool", "nattpost run makes it"]);
    desk.spool();
    let told = desk.run(&["files"]);
    holds(&told.err, &["there is no database", "nothing has come"]);
    desk.store();
    holds(&desk.well(&["files"]), &["No file has come yet."]);
    let told = desk.run(&["--config", "elsewhere.toml", "status"]);
    assert_eq!(told.code, 78);
    holds(&told.err, &["there is no configuration elsewhere.toml"]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let night = night();
    let mut child = night.desk.command(&["files"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(0), ""));
}

#[test]
fn every_name_of_the_objects_is_described() {
    let page = nattpost::cli::manual::page();
    let night = night();
    let mut unknown = Vec::new();
    for words in [
        &["status"][..],
        &["files"],
        &["show", "orders-1.csv"],
        &["show", "orders-2.csv"],
        &["show", "orders-3.csv"],
        &["show", "orders-4.csv"],
        &["show", "erp/orders#41"],
        &["show", "nothing"],
        &["explain", "B-7"],
        &["find", "B-7"],
        &["check"],
    ] {
        names(&night.desk.object(words), &mut |name| {
            if !page.contains(&format!("`{name}`")) && Verdict::parse(name).is_none() {
                unknown.push(format!("{words:?}: {name}"));
            }
        });
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

fn names(value: &serde_json::Value, each: &mut dyn FnMut(&str)) {
    match value {
        serde_json::Value::Object(object) => object.iter().for_each(|(name, value)| {
            each(name);
            names(value, each);
        }),
        serde_json::Value::Array(list) => list.iter().for_each(|value| names(value, each)),
        _ => {}
    }
}

#[test]
fn a_file_without_its_end_is_told_as_incomplete_by_status_explain_and_run() {
    let desk = Desk::new();
    let partner = "name = \"Shop\"\n[intake.orders]\nlayouts = [\"nattpost-order-xml\"]\nsettle = \"stable 2 s\"\n";
    fs::write(desk.root().join("partners/shop.toml"), partner).unwrap();
    let folder = desk.root().join("spool/in/shop/orders");
    desk.spool();
    desk.store();
    fs::create_dir_all(&folder).unwrap();
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/own/order.xml");
    let whole = fs::read(sample).unwrap();
    let path = folder.join("half.xml");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    // Old by its own time, so that the pause is over at the first look of a command.
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(600)).unwrap();
    holds(&desk.well(&["status", "shop"]), &["half.xml is incomplete: ", "refused when it does not grow for 1 h"]);
    holds(&desk.well(&["explain", "half.xml"]), &["It is incomplete: ", "settle = stable 2 s"]);
    let told = desk.run(&["run", "--once"]);
    assert_eq!(told.code, 75, "{}{}", told.out, told.err);
    holds(&told.out, &["what still settles", "shop/orders: half.xml is incomplete"]);
}
