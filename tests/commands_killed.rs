//! People's decisions (`release`, `discard`, `pause`, `resume`, `correct`) by the real binary, killed at its call N, or with that call failing.
//! After each the next start finds the command answered, or it was never given and is given again; at the end all is as if
//! nothing had been: each lock ended once, each file judged once, each row told once, no number left out.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tempfile::TempDir;

mod copied;
use copied::copy_folder;

const ERP: &str = "name = \"ERP\"\n[intake.full]\nlayouts = [\"nattpost-stock-csv\"]\nsettle = \"rename\"\narticles = \"accept\"\nabsent = \"close\"\n\
    [intake.changes]\nlayouts = [\"nattpost-stock-csv\"]\nsettle = \"rename\"\narticles = \"accept\"\nreceipt = \"nattpost-receipt-csv\"\n\
    [intake.changes.guard]\ndeletes = [\"1\"]\n";
const DEALER: &str = "name = \"Dealer\"\n[feed.stock]\nlayout = \"nattpost-stock-csv\"\nfile_name = \"stock_{run:1}.csv\"\n\
    content = \"delta\"\nreads_within = \"10 s\"\n[feed.stock.guard]\ndeletes = \"25 %\"\n";
/// The dealer's files, and receipts (which stand under their intake).
const FEEDS: [&str; 2] = ["stock", "changes"];
/// Each takes three processes: of so many calls the everyday loop tries one. A prime, so that loops of calls are met at different
/// places.
const EVERYDAY: usize = 23;
/// More would be a loop that never ends.
const CALLS_MAX: usize = 500;

/// What becomes equal after every fault.
const LEDGER: [&str; 10] = [
    "SELECT intake, name, state, verdict, code, accepted, held, refused, placed, comment FROM file ORDER BY file_no",
    "SELECT feed, number > 0, state, rows, placed FROM run WHERE state <> 'empty' ORDER BY run_no",
    "SELECT side, name, ended_at IS NULL, ended_by, command_id IS NULL FROM guard_lock ORDER BY lock_no",
    "SELECT subject, who IS NULL, comment FROM pause ORDER BY subject",
    "SELECT article_no, CAST(qty AS TEXT), active FROM v_stock ORDER BY article_no",
    "SELECT buyer_order_no, customer_no, article_no, CAST(qty AS TEXT) FROM v_order_line ORDER BY buyer_order_no",
    "SELECT number, field, before, after FROM correction ORDER BY number, field",
    "SELECT number, verdict, code, key FROM message ORDER BY number",
    "SELECT count(*) FROM command WHERE done_at IS NULL",
    "PRAGMA foreign_key_check",
];

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

fn drop_file(root: &Path, intake: &str, name: &str, rows: &[(&str, u32)]) {
    let mut text = "nattpost;stock;1\n!stock;article_no;warehouse;qty\n".to_string();
    rows.iter().for_each(|(article, qty)| text.push_str(&format!("stock;{article};HH;{qty}\n")));
    fs::write(root.join(format!("spool/in/erp/{intake}/{name}")), text).unwrap();
    well(root, &["run", "--once"]);
}

/// The dealer holds four articles; of two that are gone he is not told; behind a locked file of changes another waits.
fn prepared() -> TempDir {
    let site = tempfile::tempdir().unwrap();
    let root = site.path();
    fs::create_dir(root.join("partners")).unwrap();
    fs::write(root.join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    fs::write(root.join("partners/erp.toml"), ERP).unwrap();
    fs::write(root.join("partners/dealer.toml"), DEALER).unwrap();
    well(root, &["run", "--once"]);
    drop_file(root, "full", "all.csv", &[("A1", 5), ("A2", 5), ("A3", 5), ("A4", 5)]);
    well(root, &["send", "dealer/stock"]);
    fs::remove_file(root.join("spool/out/dealer/stock_1.csv")).unwrap();
    drop_file(root, "full", "half.csv", &[("A1", 5), ("A2", 5)]);
    well(root, &["send", "dealer/stock"]);
    drop_file(root, "changes", "monday.csv", &[("A1", 0), ("A2", 0)]);
    drop_file(root, "changes", "tuesday.csv", &[("A1", 7), ("A5", 7)]);
    fs::read_dir(root.join("spool/out/erp")).unwrap().for_each(|file| fs::remove_file(file.unwrap().path()).unwrap());
    well(root, &["run", "--once"]);
    assert_eq!(
        rows(root, "SELECT side, name FROM guard_lock WHERE ended_at IS NULL ORDER BY side"),
        "in|changes\nout|stock"
    );
    site
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

/// All files of the spool, ids and days taken out; of those that a partner sees their content too.
fn files(folder: &Path, below: &str, told: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let plain = name.split_once('~').map_or(&name[..], |(_, plain)| plain);
        let is_day = name.len() == 10 && name.starts_with("20");
        let path = format!("{below}/{}", if is_day { "DAY" } else { plain });
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), &path, told);
        } else if !name.starts_with('.') {
            let text =
                if path.starts_with("/out/dealer") { fs::read_to_string(entry.path()).unwrap() } else { String::new() };
            // Which number it has, `numbers` says.
            told.push(format!("{} {text}", path.replace(|c: char| c.is_ascii_digit(), "")));
        }
    }
}

fn picture(root: &Path) -> String {
    let mut told = Vec::new();
    files(&root.join("spool"), "", &mut told);
    told.sort();
    LEDGER.iter().for_each(|sql| told.push(rows(root, sql)));
    told.join("\n")
}

/// The numbers that files of each sequence have, in the order in which they were made.
fn numbers(root: &Path, feed: &str) -> Vec<u64> {
    let told = rows(root, &format!("SELECT number FROM run WHERE feed = '{feed}' AND number > 0 ORDER BY run_no"));
    told.lines().map(|number| number.parse().unwrap()).collect()
}

fn locks_open(root: &Path) -> String {
    rows(root, "SELECT count(*) FROM guard_lock WHERE ended_at IS NULL")
}

/// One decision, from where, and what it ends.
struct Decision<'d> {
    words: &'d [&'d str],
    site: &'d Path,
    /// The ledger and the folders after an untouched one.
    after: String,
    /// Of `FEEDS`, after an untouched one.
    numbers: [Vec<u64>; 2],
    calls: usize,
}

impl<'d> Decision<'d> {
    fn new(site: &'d Path, words: &'d [&'d str]) -> Decision<'d> {
        let scratch = tempfile::tempdir().unwrap();
        copy_folder(site, scratch.path());
        let list = scratch.path().join("calls");
        let done = nattpost(scratch.path(), words, &format!("count@{}", list.display()));
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        let calls = fs::read_to_string(&list).unwrap().lines().count();
        well(scratch.path(), &["run", "--once"]);
        let numbers = FEEDS.map(|feed| numbers(scratch.path(), feed));
        Decision { words, site, after: picture(scratch.path()), numbers, calls }
    }

    /// The fault at its call; the next start; given again by a person who sees that nothing came of it.
    fn survives(&self, fault: &str) {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path();
        copy_folder(self.site, root);
        nattpost(root, self.words, fault);
        well(root, &["run", "--once"]);

        let what = format!("{:?} {fault}", self.words);
        let waiting = fs::read_dir(root.join("spool/commands")).unwrap().map(|file| file.unwrap().file_name());
        let waiting: Vec<_> = waiting.filter(|name| !OsStr::to_string_lossy(name).starts_with('.')).collect();
        assert!(waiting.is_empty(), "{what}: the start leaves {waiting:?}");
        let answers = rows(root, "SELECT done_at IS NOT NULL, outcome FROM command ORDER BY at DESC LIMIT 1");
        let given = rows(root, "SELECT count(*) FROM command") != rows(self.site, "SELECT count(*) FROM command");
        assert!(!given || answers.starts_with("1|"), "{what}: {answers}");
        if given && !answers.contains("failed") && matches!(self.words[0], "release" | "discard") {
            assert_eq!(locks_open(root), "0", "{what}: {answers}");
        }
        if !given {
            assert_eq!(picture(root), picture(self.site), "{what}: not given, and something has changed");
        }
        if !given || answers.contains("failed") {
            nattpost(root, self.words, "");
            well(root, &["run", "--once"]);
        }
        assert_eq!(picture(root), self.after, "{what}: {answers}");
        for (feed, untouched) in FEEDS.iter().zip(&self.numbers) {
            let given = numbers(root, feed);
            assert!(given.is_sorted_by(|one, next| one < next), "{what}: {feed} {given:?}");
            // One that was given and not committed is left out: a gap, never a double.
            let left_out = given.last().unwrap_or(&0) - untouched.last().unwrap_or(&0);
            assert!(left_out <= 1, "{what}: {feed} {given:?}, untouched {untouched:?}");
        }
    }

    /// Every `EVERYDAY`th call; with `NATTPOST_EVERY_CALL` (tests/run) each.
    fn at_its_calls(&self, faults: &[&str], turn: usize) {
        assert!((5..CALLS_MAX).contains(&self.calls), "{:?}: {} calls", self.words, self.calls);
        println!("{:?}: {} calls", self.words, self.calls);
        let step = if std::env::var_os("NATTPOST_EVERY_CALL").is_some() { 1 } else { EVERYDAY };
        for (nth, fault) in faults.iter().enumerate() {
            // The second is the first with another number of the error: fewer of its calls will do.
            let step = step * (1 + 2 * nth);
            let first = 1 + (turn + nth) % step;
            (first..=self.calls).step_by(step).for_each(|call| self.survives(&format!("{fault}@{call}")));
        }
    }
}

const KILLED: [&str; 1] = ["kill"];
const FAILING: [&str; 2] = ["fail", "full"];

fn released(faults: &[&str], turn: usize) {
    let site = prepared();
    let words = ["release", "dealer/stock", "erp/changes", "--comment", "right"];
    let decision = Decision::new(site.path(), &words);
    assert!(decision.after.contains("out|stock|0|released|") && decision.after.contains("in|changes|0|released|"));
    decision.at_its_calls(faults, turn);
}

fn discarded(faults: &[&str], turn: usize) {
    let site = prepared();
    let words = ["discard", "dealer/stock", "erp/changes", "--comment", "wrong"];
    let decision = Decision::new(site.path(), &words);
    assert!(decision.after.contains("out|stock|0|discarded|") && decision.after.contains("in|changes|0|discarded|"));
    decision.at_its_calls(faults, turn);
}

#[test]
fn what_is_released_goes_on_once_whenever_it_is_killed() {
    released(&KILLED, 0);
}

#[test]
fn what_is_released_goes_on_once_whichever_call_fails() {
    released(&FAILING, 4);
}

#[test]
fn what_is_discarded_is_gone_once_whenever_it_is_killed() {
    discarded(&KILLED, 2);
}

#[test]
fn what_is_discarded_is_gone_once_whichever_call_fails() {
    discarded(&FAILING, 7);
}

const SHOP: &str = "name = \"Shop\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\narticles = \"check\"\n\
    customers = \"wait 24 h\"\nreceipt = \"nattpost-receipt-csv\"\n";
const ORDERS: &str = "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\n\
    order;W-1;K-1\nline;1;A-404;1\norder;W-2;K-9\nline;1;A1;2\n";

/// An order was refused for its article, another waits for its customer.
fn with_orders() -> TempDir {
    let site = tempfile::tempdir().unwrap();
    let root = site.path();
    fs::create_dir(root.join("partners")).unwrap();
    fs::write(root.join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    let erp = "name = \"ERP\"\n[intake.customers]\nlayouts = [\"nattpost-customer-csv\"]\nsettle = \"rename\"\n\
        [intake.articles]\nlayouts = [\"nattpost-article-csv\"]\nsettle = \"rename\"\n";
    for (name, text) in [("erp", erp), ("shop", SHOP)] {
        fs::write(root.join(format!("partners/{name}.toml")), text).unwrap();
    }
    well(root, &["run", "--once"]);
    for (path, text) in [
        ("erp/customers/c.csv", "nattpost;customer;1\n!customer;customer_no;name\ncustomer;K-1;One\n"),
        ("erp/articles/a.csv", "nattpost;article;1\n!article;article_no;name\narticle;A1;Disc\n"),
        ("shop/orders/orders.csv", ORDERS),
    ] {
        fs::write(root.join("spool/in").join(path), text).unwrap();
        well(root, &["run", "--once"]);
    }
    assert_eq!(rows(root, "SELECT number, verdict FROM message ORDER BY number"), "1|refused\n2|held");
    site
}

/// Applied once, both values noted once, and never lost.
#[test]
fn what_is_corrected_is_applied_once_whenever_it_is_killed_and_whichever_call_fails() {
    let site = with_orders();
    for (message, edit, line) in
        [("1", "lines.1.article_no=A1", "W-1|K-1|A1|1"), ("2", "customer_no=K-1", "W-2|K-1|A1|2")]
    {
        let words = ["correct", "orders.csv", "--message", message, "--set", edit];
        let decision = Decision::new(site.path(), &words);
        assert!(decision.after.contains(line), "{}", decision.after);
        for (turn, faults) in [&KILLED[..], &FAILING].into_iter().enumerate() {
            decision.at_its_calls(faults, 3 + turn);
        }
    }
}

#[test]
fn what_is_paused_and_resumed_is_so_once() {
    let site = prepared();
    let pause = ["pause", "dealer", "erp/changes", "--comment", "stocktaking"];
    let paused = Decision::new(site.path(), &pause);
    assert!(paused.after.contains("stocktaking"));
    well(site.path(), &pause);
    let resumed = Decision::new(site.path(), &["resume", "dealer", "erp/changes"]);
    assert!(!resumed.after.contains("stocktaking"));
    for faults in [&KILLED[..], &FAILING] {
        resumed.at_its_calls(faults, 5);
    }
    let site = prepared();
    let paused = Decision { site: site.path(), ..paused };
    for faults in [&KILLED[..], &FAILING] {
        paused.at_its_calls(faults, 1);
    }
}
