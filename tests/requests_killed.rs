//! Quotes that become orders and orders that are changed, by the real binary, killed at its call N or with that call failing: no
//! quote is ordered twice, no number given twice, no change lost or told twice, and no order goes out in a form that a change
//! took from it untold.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tempfile::TempDir;

mod copied;
use copied::copy_folder;

const SHOP: &str = "name = \"Shop\"\n[intake.quotes]\nlayouts = [\"nattpost-quote-csv\"]\nsettle = \"rename\"\ncustomers = \"accept\"\n\
    articles = \"accept\"\norder_numbers = \"own\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\n\
    customers = \"accept\"\narticles = \"accept\"\norder_numbers = \"own\"\n[intake.changes]\nlayouts = [\"nattpost-order-change-csv\"]\n\
    settle = \"rename\"\ncustomers = \"accept\"\norders = \"wait\"\n";
const ERP: &str = "name = \"ERP\"\n[feed.orders]\nlayout = \"nattpost-order-csv\"\nfile_name = \"orders_{run}.csv\"\n\
    [feed.changes]\nlayout = \"nattpost-order-change-csv\"\nfile_name = \"changes_{run}.csv\"\n";
const ORDERS: &str =
    "nattpost;order;1\n!order;buyer_order_no;customer_no;quote_no;delivery_city\n!line;line_no;article_no;qty\n";
const CHANGES: &str = "nattpost;order_change;1\n!order_change;buyer_order_no;customer_no;change_seq;action;delivery_city\n!line;line_no;qty\n";
const QUOTES: &str =
    "nattpost;quote;1\n!quote;quote_no;customer_no;valid_until\n!line;line_no;article_no;qty;net_price\n";

/// What is the same after every fault.
const LEDGER: [&str; 8] = [
    "SELECT buyer_order_no, line_no, CAST(qty AS TEXT), CAST(net_price AS TEXT) FROM v_order_line ORDER BY 1, 2",
    "SELECT buyer_order_no, delivery_city, status, order_no IS NOT NULL FROM v_order ORDER BY 1",
    "SELECT o.buyer_order_no, q.quote_no FROM quote_order t JOIN orders o ON o.row_id = t.order_row JOIN quote q ON q.row_id = t.quote_row ORDER BY 1",
    "SELECT c.buyer_order_no, c.change_seq, f.told, f.cancels, c.told FROM order_form f JOIN order_change c ON c.row_id = f.change_row ORDER BY 1, 2",
    "SELECT feed, kind, count(*), count(DISTINCT row_id) FROM run_request GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT name, state, verdict, accepted, duplicate, held, refused, placed FROM file ORDER BY name",
    "SELECT count(order_no) - count(DISTINCT order_no) FROM orders",
    "PRAGMA foreign_key_check",
];
/// Each takes three processes; the everyday loop tries one call of so many. A prime, so that loops are met at different places.
const EVERYDAY: usize = 23;
const SEND: [&str; 3] = ["send", "erp/orders", "erp/changes"];

fn nattpost(root: &Path, words: &[&str], fault: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.args(words).current_dir(root).env_remove("NATTPOST_CONFIG").env("NATTPOST_FAULT", fault);
    if fault.is_empty() {
        command.env_remove("NATTPOST_FAULT");
    }
    command.stdin(Stdio::null()).output().unwrap()
}

fn well(root: &Path, words: &[&str]) {
    let done = nattpost(root, words, "");
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn drop_file(root: &Path, intake: &str, name: &str, text: String) {
    fs::write(root.join(format!("spool/in/shop/{intake}/{name}")), text).unwrap();
}

/// Order B-1 went out, B-2 did not, two quotes are there.
fn prepared() -> TempDir {
    let site = tempfile::tempdir().unwrap();
    let root = site.path();
    fs::create_dir(root.join("partners")).unwrap();
    fs::write(root.join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    fs::write(root.join("partners/shop.toml"), SHOP).unwrap();
    fs::write(root.join("partners/erp.toml"), ERP).unwrap();
    well(root, &["run", "--once"]);
    drop_file(root, "orders", "one.csv", format!("{ORDERS}order;B-1;K;;Kiel\nline;1;A;5\nline;2;B;2\n"));
    well(root, &["run", "--once"]);
    well(root, &SEND);
    drop_file(
        root,
        "orders",
        "two.csv",
        format!("{ORDERS}order;B-2;K;;Kiel\nline;1;A;1\norder;B-3;K;;Kiel\nline;1;A;9\n"),
    );
    let quotes = "quote;Q-1;K;2099-12-31\nline;1;A;5;12.5\nquote;Q-2;K;2099-12-31\nline;1;A;7;9.9\n";
    drop_file(root, "quotes", "quotes.csv", format!("{QUOTES}{quotes}"));
    well(root, &["run", "--once"]);
    site
}

/// Lies in in/: a change of each order, two in the wrong order, and an order that takes a quote up.
fn with_changes(root: &Path) {
    let late = "order_change;B-1;K;2;cancel;\nline;2;\norder_change;B-2;K;1;cancel;\n";
    drop_file(root, "changes", "a.csv", format!("{CHANGES}{late}"));
    let first = "order_change;B-1;K;1;qty;\nline;1;3\norder_change;B-3;K;1;address;Bremen\n";
    drop_file(root, "changes", "b.csv", format!("{CHANGES}{first}"));
    drop_file(root, "orders", "three.csv", format!("{ORDERS}order;B-4;K;Q-1;Kiel\nline;1;A;5\n"));
}

fn rows(root: &Path, sql: &str) -> String {
    let store = Connection::open(root.join("nattpost.db")).unwrap();
    let mut question = store.prepare(sql).unwrap();
    let columns = question.column_count();
    let mut found = question.query([]).unwrap();
    let mut lines = Vec::new();
    while let Some(row) = found.next().unwrap() {
        let cells = (0..columns).map(|column| match row.get_ref(column).unwrap() {
            ValueRef::Null => "-".to_string(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
            other => format!("{other:?}"),
        });
        lines.push(cells.collect::<Vec<_>>().join("|"));
    }
    lines.join("\n")
}

/// What the ERP was told, in whatever files: the rows with a number of ours are told apart from their numbers and moments.
fn told(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for file in fs::read_dir(root.join("spool/out/erp")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| !line.starts_with(['!', 'n'])) {
            let cells: Vec<&str> = line
                .split(';')
                .enumerate()
                .filter(|(at, _)| !(3..6).contains(at) || !line.starts_with("order;"))
                .map(|(_, cell)| cell)
                .collect();
            lines.push(
                cells
                    .iter()
                    .filter(|cell| !cell.contains("T") || cell.len() < 20)
                    .copied()
                    .collect::<Vec<_>>()
                    .join(";"),
            );
        }
    }
    lines.sort();
    lines
}

fn picture(root: &Path) -> String {
    let mut all = told(root);
    LEDGER.iter().for_each(|sql| all.push(rows(root, sql)));
    all.join("\n")
}

/// The fault at its call, the next start, the command once more where nothing came of it, and all that is owed goes out.
fn survives(site: &Path, words: &[&str], fault: &str, after: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    copy_folder(site, root);
    nattpost(root, words, fault);
    well(root, &["run", "--once"]);
    let verb = if words[0] == "quote" { "quote-accept" } else { words[0] };
    let done =
        rows(root, &format!("SELECT outcome FROM command WHERE verb = '{verb}' ORDER BY command_no DESC LIMIT 1"));
    if words[0] != "run" && (done.is_empty() || done.contains("failed")) {
        well(root, words);
    }
    well(root, &SEND);
    assert_eq!(picture(root), after, "{words:?} {fault}: {done}");
}

fn at_its_calls(site: &Path, words: &[&str], turn: usize) -> String {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    copy_folder(site, root);
    let list = root.join("calls");
    let done = nattpost(root, words, &format!("count@{}", list.display()));
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    let calls = fs::read_to_string(&list).unwrap().lines().count();
    assert!(calls > 5, "{words:?}: {calls} calls");
    well(root, &["run", "--once"]);
    well(root, &SEND);
    let after = picture(root);
    let step = if std::env::var_os("NATTPOST_EVERY_CALL").is_some() { 1 } else { EVERYDAY };
    for (nth, fault) in ["kill", "fail"].iter().enumerate() {
        let step = step * (1 + nth);
        (1 + (turn + nth) % step..=calls)
            .step_by(step)
            .for_each(|call| survives(site, words, &format!("{fault}@{call}"), &after));
    }
    after
}

#[test]
fn changes_and_an_order_of_a_quote_are_taken_once_whenever_it_is_killed() {
    let site = prepared();
    with_changes(site.path());
    let after = at_its_calls(site.path(), &["run", "--once"], 0);
    for line in [
        "B-1|1|1|0|1",
        "B-1|2|1|0|1",
        "B-2|1|0|1|0",
        "B-3|1|0|0|0",
        "B-4|Q-1",
        "B-4|1|5.0|12.5",
        "B-2|Kiel|cancelled|1",
    ] {
        assert!(after.contains(line), "{line} in {after}");
    }
    assert!(!after.lines().any(|line| line.starts_with("order;B-2")), "a cancelled order went out: {after}");
}

#[test]
fn what_is_told_of_them_is_told_once_whenever_it_is_killed() {
    let site = prepared();
    with_changes(site.path());
    well(site.path(), &["run", "--once"]);
    let after = at_its_calls(site.path(), &SEND, 3);
    assert!(after.contains("erp/orders|order|3|3") && after.contains("erp/changes|order_change|2|2"), "{after}");
}

#[test]
fn a_quote_is_taken_up_once_whenever_it_is_killed() {
    let site = prepared();
    let after = at_its_calls(site.path(), &["quote", "accept", "Q-2", "--comment", "by phone"], 5);
    assert!(after.contains("Q-2|Q-2") && after.contains("Q-2|1|7.0|9.9"), "{after}");
}
