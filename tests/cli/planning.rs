//! `plan`: what a file would change, told before it does; awkward files through the real binary. Whatever is planned, neither spool nor
//! database is another one afterwards, and nothing of the copy stays.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nattpost::edges::lock::InstanceLock;
use serde_json::Value;

use crate::desk::{Desk, Told};

const ORDERS: &str = r#"layout = "dealer-orders"
title = "Orders of the dealer"
kind = "order"
syntax = "delimited"
[delimited]
[[record]]
group_by = ["Order"]
fields = [
  ["Order", "buyer_order_no", "text"],
  ["Customer", "customer_no", "text"],
  ["Article", "lines.article_no", "text"],
  ["Qty", "lines.qty", "decimal"],
]
"#;

const STOCK: &str = r#"layout = "erp-stock"
title = "Stock"
kind = "stock"
syntax = "delimited"
[delimited]
[[record]]
fields = [
  ["Article", "article_no", "text"],
  ["Stock", "qty", "decimal"],
]
"#;

const DEALER: &str = r#"name = "Dealer"
[intake.orders]
layouts = ["dealer-orders"]
settle = "stable 1 h"
customers = "accept"
articles = "accept"
receipt = "nattpost-receipt-csv"
"#;

const ERP: &str = r#"name = "ERP"
[intake.stock]
layouts = ["erp-stock"]
settle = "rename"
articles = "accept"
absent = "close"
"#;

/// The company, with its files to come in `files/` and the copies of plans in `scratch/`.
fn company() -> Desk {
    let desk = Desk::new();
    let root = desk.root();
    for folder in ["files", "scratch"] {
        fs::create_dir(root.join(folder)).unwrap();
    }
    for (path, text) in [
        ("layouts/dealer-orders.toml", ORDERS),
        ("layouts/erp-stock.toml", STOCK),
        ("partners/dealer.toml", DEALER),
        ("partners/erp.toml", ERP),
    ] {
        fs::write(root.join(path), text).unwrap();
    }
    desk
}

fn file(desk: &Desk, name: &str, text: &str) -> String {
    fs::write(desk.root().join("files").join(name), text).unwrap();
    format!("files/{name}")
}

/// As at night: the file comes, and is taken in.
fn take_in(desk: &Desk, intake: &str, name: &str, text: &str) {
    let folder = desk.root().join("spool/in").join(intake);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
    desk.well(&["run", "--once"]);
}

/// Every file of the spool and the database, with its content.
fn everything(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.join("spool")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => _ = found.insert(path.clone(), fs::read(path).unwrap()),
            }
        }
    }
    for name in ["nattpost.db", "nattpost.db-wal"] {
        found.extend(fs::read(root.join(name)).ok().map(|bytes| (root.join(name), bytes)));
    }
    found
}

fn plan(desk: &Desk, words: &[&str]) -> Told {
    let before = everything(desk.root());
    let told = desk.run(&[&["plan", "--scratch", "scratch"], words].concat());
    assert!(everything(desk.root()) == before, "{words:?} changed something");
    assert_eq!(fs::read_dir(desk.root().join("scratch")).unwrap().count(), 0, "{words:?} left something");
    told
}

fn objects(desk: &Desk, words: &[&str]) -> (i32, Vec<Value>) {
    let told = plan(desk, &[&["--json"], words].concat());
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}{}", told.err));
    (told.code, told.out.lines().map(read).collect())
}

#[test]
fn a_deletion_shows_the_rows_that_it_would_close_of_any_kind() {
    let desk = company();
    let both = "layouts = [\"nattpost-deletion-csv\"]\nsettle = \"rename\"\n";
    fs::write(desk.root().join("partners/erp.toml"), format!("{ERP}[intake.deleted]\n{both}")).unwrap();
    take_in(&desk, "erp/stock", "stock.csv", "Article;Stock\nA-1;5\nA-2;7\nA-3;9\n");
    let deletion = file(
        &desk,
        "gone.csv",
        "nattpost;deletion;1\n!deletion;kind;key\ndeletion;stock;A-1\ndeletion;stock;A-9\ndeletion;stock;article_no=A-3|warehouse=\n",
    );
    let (code, told) = objects(&desk, &[&deletion, "--intake", "erp/deleted"]);
    assert_eq!(code, 0, "{told:?}");
    let mut closed: Vec<String> = told
        .iter()
        .filter(|object| object["change"] == "closed")
        .map(|object| format!("{} {}", object["kind"].as_str().unwrap(), object["key"]))
        .collect();
    closed.sort();
    assert_eq!(closed.len(), 2, "{told:?}");
    assert!(closed[0].contains("A-1") && closed[1].contains("A-3"), "{closed:?}");
}

#[test]
fn a_full_file_is_told_row_by_row_before_and_after() {
    let desk = company();
    // Before anything ever came: no spool, no database.
    let first = file(&desk, "stock-1.csv", "Article;Stock\nA-1;5\nA-2;7\nA-3;9\n");
    let told = plan(&desk, &[&first]);
    assert!(told.code == 0 && told.out.contains("Rows of stock: 3 created."), "{}{}", told.out, told.err);
    assert!(!desk.root().join("spool").exists() && !desk.root().join("nattpost.db").exists());

    take_in(&desk, "erp/stock", "stock-1.csv", "Article;Stock\nA-1;5\nA-2;7\nA-3;9\n");
    let second = file(&desk, "stock-2.csv", "Article;Stock\nA-1;5\nA-2;8\nA-4;2.5\n");
    let (code, told) = objects(&desk, &[&second, "--partner", "erp"]);
    assert_eq!(code, 0);
    let rows: Vec<String> = told
        .iter()
        .filter(|object| object["change"].is_string())
        .map(|row| {
            format!("{} {} {} → {}", row["change"], row["key"], row["before"]["qty"], row["after"]["qty"])
                .replace('"', "")
        })
        .collect();
    assert_eq!(rows, ["changed A-2 7 → 8", "created A-4 null → 2.5", "closed A-3 9 → null"]);
    let end = told.last().unwrap();
    let counts = serde_json::json!({ "created": 1, "reopened": 0, "changed": 1, "closed": 1, "unchanged": 1 });
    assert_eq!((&end["rows"]["stock"], &end["intake"]), (&counts, &"erp/stock".into()));

    // What was closed comes again; the same file once more says nothing new.
    take_in(&desk, "erp/stock", "stock-2.csv", "Article;Stock\nA-1;5\nA-2;8\nA-4;2.5\n");
    let told = plan(&desk, &[&first]).out;
    for expected in [
        "reopened  A-3",
        "closed    A-4",
        "changed   A-2  qty    8       7",
        "1 unchanged",
        "same content as stock-1.csv",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    let told = plan(&desk, &[&second]).out;
    assert!(told.contains("unchanged") && told.contains("No row would be another one."), "{told}");
}

#[test]
fn half_refused_duplicate_and_changed_orders_are_told_with_reason_place_and_receipt() {
    let desk = company();
    let good = "Order;Customer;Article;Qty\nB-1;K1;A-1;2\nB-2;K1;A-1;5\n";
    take_in_orders(&desk, "orders-1.csv", good);
    let again = file(&desk, "orders-2.csv", good);
    let told = plan(&desk, &[&again]);
    assert_eq!(told.code, 0, "{}", told.err);
    for expected in [
        "2 duplicate",
        "same content as orders-1.csv",
        "No row would be another one.",
        "A receipt would be written: orders-2.",
    ] {
        assert!(told.out.contains(expected), "{expected} in {}", told.out);
    }
    let half = file(&desk, "orders-3.csv", "Order;Customer;Article;Qty\nB-3;K1;A-1;2\nB-2;K1;A-1;6\nB-4;K1;A-1;2,5x\n");
    let (code, told) = objects(&desk, &[&half]);
    assert_eq!(code, 65);
    let message = |number: u64| told.iter().find(|o| o["message"]["number"] == number).unwrap()["message"].clone();
    assert_eq!((&message(2)["verdict"], &message(2)["code"]), (&"held".into(), &"content-changed".into()));
    assert_eq!((&message(3)["line"], &message(3)["problems"][0]["field"]), (&4.into(), &"Qty".into()));
    assert!(message(3)["problems"][0]["text"].as_str().unwrap().contains("\"2,5x\" is not a quantity"));
    let created = told.iter().find(|o| o["change"] == "created").unwrap();
    assert_eq!((&created["key"], &created["after"]["lines"][0]["qty"]), (&"K1 / B-3".into(), &"2".into()));
    let receipt = told.iter().find(|o| o["receipt"].is_object()).unwrap();
    assert!(receipt["receipt"]["text"].as_str().unwrap().contains("quantity-invalid"), "{receipt}");
    // Numbers go on where those that were given stand.
    assert_eq!(receipt["receipt"]["number"], 2);
    let whole = file(&desk, "letter.csv", "%PDF-1.7 and so on\n");
    let told = plan(&desk, &[&whole, "--partner", "dealer"]);
    assert_eq!(told.code, 65);
    assert!(told.out.contains("PDF"), "{}", told.out);
}

fn take_in_orders(desk: &Desk, name: &str, text: &str) {
    let settled = DEALER.replace("stable 1 h", "rename");
    let kept = fs::read_to_string(desk.root().join("partners/dealer.toml")).unwrap();
    fs::write(desk.root().join("partners/dealer.toml"), settled).unwrap();
    take_in(desk, "dealer/orders", name, text);
    fs::write(desk.root().join("partners/dealer.toml"), kept).unwrap();
}

#[test]
fn what_the_guard_would_lock_says_so_and_what_its_release_would_do() {
    let desk = company();
    fs::write(desk.root().join("partners/erp.toml"), format!("{ERP}[intake.stock.guard]\ndeletes = \"10 %\"\n"))
        .unwrap();
    let full: String = (1..=20).map(|n| format!("A-{n};5\n")).collect();
    take_in(&desk, "erp/stock", "stock-1.csv", &format!("Article;Stock\n{full}"));
    let short = file(&desk, "stock-2.csv", "Article;Stock\nA-1;6\n");
    let told = plan(&desk, &[&short]);
    assert_eq!(told.code, 65, "{}{}", told.out, told.err);
    for expected in ["the guard would lock it: 19 of 20 rows", "nattpost release erp/stock", "19 closed", "1 changed"] {
        assert!(told.out.contains(expected), "{expected} in {}", told.out);
    }
    assert!(!desk.well(&["status"]).contains("locked"));
}

#[test]
fn what_would_wait_and_what_would_go_on_with_it_are_told() {
    let desk = company();
    let waits = DEALER.replace("articles = \"accept\"", "articles = \"wait\"");
    fs::write(desk.root().join("partners/dealer.toml"), &waits).unwrap();
    let order = "Order;Customer;Article;Qty\nB-1;K1;A-9;2\n";
    let first = file(&desk, "orders-1.csv", order);
    let (code, told) = objects(&desk, &[&first]);
    assert_eq!(code, 0);
    let waiting = &told[0]["message"]["waits_for"];
    assert_eq!((&waiting["kind"], &waiting["key"]), (&"article".into(), &"A-9".into()));

    fs::write(desk.root().join("partners/dealer.toml"), waits.replace("stable 1 h", "rename")).unwrap();
    take_in(&desk, "dealer/orders", "orders-1.csv", order);
    let articles = "name = \"ERP\"\n[intake.articles]\nlayouts = [\"nattpost-article-csv\"]\nsettle = \"rename\"\n";
    fs::write(desk.root().join("partners/erp.toml"), articles).unwrap();
    let brings = file(&desk, "articles.csv", "nattpost;article;1\n!article;article_no;name\narticle;A-9;Lamp\n");
    let (code, told) = objects(&desk, &[&brings]);
    assert_eq!(code, 0, "{told:?}");
    let created: Vec<&str> =
        told.iter().filter(|o| o["change"] == "created").filter_map(|o| o["kind"].as_str()).collect();
    assert_eq!(created, ["article", "order"]);
    let on = &told.iter().find(|o| o["brought_on"].is_object()).unwrap()["brought_on"];
    assert_eq!(
        (&on["key"], &on["file_name"], &on["verdict"]),
        (&"K1 / B-1".into(), &"orders-1.csv".into(), &"accepted".into())
    );
    let told = plan(&desk, &[&brings]).out;
    assert!(told.contains("Brought on by it, what waited:\n  order K1 / B-1 of orders-1.csv: accepted"), "{told}");
}

#[test]
fn the_intake_is_guessed_or_asked_for_by_name() {
    let desk = company();
    let orders = file(&desk, "x.csv", "Order;Customer;Article;Qty\nB-1;K1;A-1;2\n");
    assert!(plan(&desk, &[&orders]).out.contains("dealer/orders now (by its content)"));
    assert!(plan(&desk, &[&orders, "--partner", "dealer/orders"]).out.contains("(as named)"));
    let unknown = plan(&desk, &[&orders, "--partner", "deeler"]);
    assert_eq!(unknown.code, 66);
    assert!(unknown.err.contains("Did you mean \"dealer\"?"), "{}", unknown.err);
    let unknown = plan(&desk, &[&orders, "--partner", "dealer", "--intake", "order"]);
    assert!(unknown.code == 66 && unknown.err.contains("Did you mean \"orders\"?"), "{}", unknown.err);
    assert_eq!(plan(&desk, &["files/none.csv"]).code, 66);
    assert_eq!(plan(&desk, &["files"]).code, 64);
    let odd = file(&desk, "odd.csv", "nothing that anybody sends\n");
    let nobody = plan(&desk, &[&odd]);
    assert!(nobody.code == 64 && nobody.err.contains("dealer/orders, erp/stock"), "{}", nobody.err);
    // The same content could be somebody else's too.
    fs::write(desk.root().join("partners/other.toml"), DEALER.replace("Dealer", "Other")).unwrap();
    let several = plan(&desk, &[&orders]);
    assert!(several.code == 64 && several.err.contains("dealer/orders, other/orders"), "{}", several.err);
    // Where it stands says it; there it may still be written, and is taken as it is.
    let there = desk.root().join("spool/in/other/orders");
    fs::create_dir_all(&there).unwrap();
    fs::write(there.join("y.csv"), "Order;Customer;Article;Qty\nB-1;K1;A-1;2\n").unwrap();
    desk.spool();
    let told = plan(&desk, &["spool/in/other/orders/y.csv"]).out;
    assert!(told.contains("other/orders now (by its place in the spool)"), "{told}");
}

#[test]
fn a_rehearsed_partner_is_planned_in_earnest_and_a_file_of_the_spool_is_known_again() {
    let desk = company();
    fs::write(
        desk.root().join("partners/dealer.toml"),
        format!("mode = \"test\"\n{}", DEALER.replace("stable 1 h", "rename")),
    )
    .unwrap();
    take_in(&desk, "dealer/orders", "orders-1.csv", "Order;Customer;Article;Qty\nB-1;K1;A-1;2\nB-2;K1;A-1;x\n");
    let done =
        everything(desk.root()).into_keys().find(|path| path.to_string_lossy().ends_with("~orders-1.csv")).unwrap();
    let done = done.display().to_string();
    let told = plan(&desk, &[&done]);
    assert_eq!(told.code, 65, "{}", told.err);
    for expected in
        ["dealer is in mode test", "(by its place in the spool)", "orders-1.csv, as if", "Rows of order: 1 created."]
    {
        assert!(told.out.contains(expected), "{expected} in {}", told.out);
    }
}

#[test]
fn it_asks_nothing_of_a_daemon_that_runs_and_says_when_there_is_no_room() {
    let desk = company();
    let spool = desk.spool();
    let mut store = desk.store();
    // A daemon holds its lock and is in the middle of a commit.
    let _lock = InstanceLock::take(&spool.lock_path()).unwrap();
    let _writing = store.begin().unwrap();
    let orders = file(&desk, "x.csv", "Order;Customer;Article;Qty\nB-1;K1;A-1;2\n");
    let told = plan(&desk, &[&orders]);
    assert!(told.code == 0 && told.out.contains("1 created"), "{}{}", told.out, told.err);
    let main = fs::read_to_string(desk.root().join("nattpost.toml")).unwrap();
    fs::write(desk.root().join("nattpost.toml"), format!("disk_floor = \"1000 TB\"\n{main}")).unwrap();
    let full = plan(&desk, &[&orders]);
    assert!(full.code == 69 && full.err.contains("--scratch"), "{}", full.err);
}

#[test]
fn of_many_rows_the_first_are_shown_and_all_on_request() {
    let desk = company();
    let rows: String = (1..=700).map(|n| format!("A-{n:03};{n}\n")).collect();
    let many = file(&desk, "stock.csv", &format!("Article;Stock\n{rows}"));
    let told = plan(&desk, &[&many]).out;
    assert!(told.contains("A-020") && !told.contains("A-021"), "{told}");
    assert!(told.contains("… and 680 more created; --all shows them"), "{told}");
    let told = plan(&desk, &[&many, "--all"]).out;
    assert!(told.contains("A-700") && told.contains("Rows of stock: 700 created."), "{told}");
}
