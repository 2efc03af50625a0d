//! Questions and their answers by the real binary: what is told by question is what the nightly file tells, a history comes in pages,
//! and with its call N failing or the process killed there every question is answered once, under its own number.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;
use tempfile::TempDir;

mod copied;
use copied::copy_folder;

const ERP: &str =
    "name = \"ERP\"\n[intake.stock]\nlayouts = [\"nattpost-stock-csv\"]\nsettle = \"rename\"\narticles = \"accept\"\n";
const GARAGE: &str = "name = \"Garage\"\ncustomers = [\"1001\"]\nfeatures = [\"stock\", \"order_history\"]\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\n\
    settle = \"rename\"\ncustomers = \"accept\"\narticles = \"accept\"\n[intake.questions]\nlayouts = [\"nattpost-question-csv\"]\nsettle = \"rename\"\n\
    customers = \"accept\"\nanswer = \"answers\"\n[feed.answers]\nlayout = \"nattpost-answer-csv\"\nfile_name = \"{request_id}.csv\"\ndone_file = \".ok\"\n\
    [feed.status]\nlayout = \"nattpost-order-status-csv\"\nfile_name = \"status_{run}.csv\"\n\
    [feed.stock]\nlayout = \"nattpost-stock-csv\"\nfile_name = \"stock_{run}.csv\"\n";
const QUESTIONS: &str = "nattpost;question;1\n!question;request_id;about;customer_no;page\n!line;article_no\n";
const STOCK: &str = "nattpost;stock;1\n!stock;article_no;warehouse;qty\n";
/// Each takes three processes; the everyday loop tries one call of so many.
const EVERYDAY: usize = 13;

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

fn site(limits: &str) -> TempDir {
    let site = tempfile::tempdir().unwrap();
    let root = site.path();
    fs::create_dir(root.join("partners")).unwrap();
    fs::write(root.join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    fs::write(root.join("partners/erp.toml"), ERP).unwrap();
    fs::write(root.join("partners/garage.toml"), format!("{GARAGE}{limits}")).unwrap();
    well(root, &["run", "--once"]);
    site
}

fn drop_file(root: &Path, folder: &str, name: &str, text: &str) {
    fs::write(root.join(format!("spool/in/{folder}/{name}")), text).unwrap();
}

fn read(root: &Path, name: &str) -> String {
    fs::read_to_string(root.join("spool/out/garage").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Article → quantity of rows that begin with this word, by the heading of their record.
fn quantities(text: &str, word: &str) -> BTreeMap<String, String> {
    let heading = text.lines().find_map(|line| line.strip_prefix(&format!("!{word};"))).unwrap();
    let place = |name: &str| heading.split(';').position(|cell| cell == name).unwrap();
    let (article, qty) = (place("article_no"), place("qty"));
    let rows = text.lines().filter_map(|line| line.strip_prefix(&format!("{word};")));
    let cells = rows.map(|row| row.split(';').collect::<Vec<_>>());
    cells.map(|cells| (cells[article].to_string(), cells[qty].to_string())).collect()
}

#[test]
fn a_question_is_told_what_the_nightly_file_tells() {
    let limits = [
        "",
        "cap = 25\n",
        "cap = 25\nbuffer = 2\nfloor = 3\n",
        "negative_as_zero = false\n",
        "only = { warehouse = \"01\" }\ncap = 10\n",
    ];
    for limits in limits {
        let site = site(limits);
        let root = site.path();
        let (mut stock, mut question) = (STOCK.to_string(), format!("{QUESTIONS}question;Q-1;stock;1001;\n"));
        for (nth, qty) in [
            "-3",
            "0",
            "0.5",
            "1",
            "2",
            "3",
            "4",
            "5",
            "9.999999",
            "10",
            "24",
            "25",
            "25.000001",
            "26",
            "27",
            "28",
            "9000000",
        ]
        .iter()
        .enumerate()
        {
            writeln!(stock, "stock;A-{nth};01;{qty}").unwrap();
            writeln!(question, "line;A-{nth}").unwrap();
        }
        drop_file(root, "erp/stock", "s.csv", &stock);
        well(root, &["run", "--once"]);
        drop_file(root, "garage/questions", "q.csv", &question);
        well(root, &["run", "--once"]);
        well(root, &["send", "garage/stock"]);
        let out = root.join("spool/out/garage");
        let names = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let nightly = names.into_iter().find(|name| name.starts_with("stock_")).unwrap();
        let (night, asked) = (quantities(&read(root, &nightly), "stock"), quantities(&read(root, "Q-1.csv"), "line"));
        assert_eq!(night.len(), 17, "{limits}");
        assert_eq!(night, asked, "{limits}");
    }
}

#[test]
fn a_history_comes_in_pages() {
    let site = site("");
    let root = site.path();
    let mut orders = "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\n".to_string();
    for nth in 1..=501 {
        writeln!(orders, "order;B-{nth};1001\nline;1;A;{nth}").unwrap();
    }
    drop_file(root, "garage/orders", "o.csv", &orders);
    well(root, &["run", "--once"]);
    let ask = |page: &str| format!("{QUESTIONS}question;H-{page};order_history;1001;{page}\n");
    for page in ["1", "2", "3"] {
        drop_file(root, "garage/questions", &format!("{page}.csv"), &ask(page));
    }
    well(root, &["run", "--once"]);
    let page = |page: &str| {
        let text = read(root, &format!("H-{page}.csv"));
        let head = text.lines().find(|line| line.starts_with("answer;")).unwrap();
        let next = head.rsplit(';').next().unwrap().to_string();
        let orders = text.lines().filter(|line| line.starts_with("order;"));
        (
            next,
            orders
                .map(|line| line.split(';').find(|cell| cell.starts_with("B-")).unwrap().to_string())
                .collect::<Vec<_>>(),
        )
    };
    let (first, second, third) = (page("1"), page("2"), page("3"));
    assert_eq!((first.0.as_str(), first.1.len(), first.1[0].as_str()), ("2", 500, "B-1"));
    assert_eq!((second.0.as_str(), second.1), ("", vec!["B-501".to_string()]));
    assert_eq!((third.0.as_str(), third.1.len()), ("", 0));
}

/// Three questions lie there, of one who may and of one who may not, and one is refused; the stock is known.
fn asked() -> TempDir {
    let site = site("cap = 25\n");
    let root = site.path();
    drop_file(root, "erp/stock", "s.csv", &format!("{STOCK}stock;A;;7\nstock;B;;99\n"));
    well(root, &["run", "--once"]);
    drop_file(root, "garage/questions", "1.csv", &format!("{QUESTIONS}question;Q-1;stock;1001;\nline;A\n"));
    drop_file(root, "garage/questions", "2.csv", &format!("{QUESTIONS}question;Q-2;stock;1001;\nline;B\nline;NOPE\n"));
    drop_file(root, "garage/questions", "3.csv", &format!("{QUESTIONS}question;Q-3;price;1001;\nline;A\n"));
    drop_file(root, "garage/questions", "4.csv", &format!("{QUESTIONS}question;;stock;1001;\nline;A\n"));
    site
}

/// What is the same after every fault; moments and ids are not.
fn picture(root: &Path) -> String {
    let mut all = Vec::new();
    let out = root.join("spool/out/garage");
    let mut names: Vec<String> =
        fs::read_dir(out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    for name in names {
        for line in read(root, &name).lines() {
            let cells = line.split(';').filter(|cell| !(cell.ends_with('Z') && cell.contains('T')));
            all.push(format!("{name}: {}", cells.collect::<Vec<_>>().join(";")));
        }
        all.push(name);
    }
    let store = Connection::open(root.join("nattpost.db")).unwrap();
    for sql in [
        "SELECT group_concat(name || state || verdict || placed, ' ') FROM (SELECT * FROM file ORDER BY name)",
        "SELECT group_concat(request_id || about || code || answer_name || answer_state, ' ') FROM (SELECT * FROM v_question ORDER BY request_id)",
        "SELECT count(*) FROM run WHERE kind = 'answer'",
    ] {
        all.push(
            store.query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0)).map(|v| format!("{v:?}")).unwrap(),
        );
    }
    for folder in ["staged", "work", "held", "tmp"] {
        let left = Command::new("find").arg(root.join("spool").join(folder)).args(["-type", "f"]).output().unwrap();
        all.push(String::from_utf8_lossy(&left.stdout).into_owned());
    }
    all.join("\n")
}

fn copied(site: &Path) -> TempDir {
    let scratch = tempfile::tempdir().unwrap();
    copy_folder(site, scratch.path());
    scratch
}

#[test]
fn every_question_is_answered_once_whenever_it_is_killed() {
    let site = asked();
    let well_done = copied(site.path());
    let list = well_done.path().join("calls");
    let done = nattpost(well_done.path(), &["run", "--once"], &format!("count@{}", list.display()));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let calls = fs::read_to_string(&list).unwrap().lines().count();
    assert!(calls > 50, "{calls} calls");
    well(well_done.path(), &["run", "--once"]);
    let expected = picture(well_done.path());
    assert!(
        expected.contains("Q-1stockQ-1.csvready Q-2stockQ-2.csvready Q-3pricenot-allowedQ-3.csvready"),
        "{expected}"
    );
    let step = if std::env::var_os("NATTPOST_EVERY_CALL").is_some() { 1 } else { EVERYDAY };
    for (nth, fault) in ["kill", "fail"].iter().enumerate() {
        for call in (1 + nth * step / 2..=calls).step_by(step) {
            let scratch = copied(site.path());
            nattpost(scratch.path(), &["run", "--once"], &format!("{fault}@{call}"));
            well(scratch.path(), &["run", "--once"]);
            well(scratch.path(), &["run", "--once"]);
            assert_eq!(picture(scratch.path()), expected, "{fault} at call {call} of {calls}");
        }
    }
}

/// A crash cost the answer, and the stock has changed since: it is made of what is known now, under the number of the question.
#[test]
fn an_answer_that_is_gone_is_made_again() {
    let site = asked();
    let root = site.path();
    well(root, &["run", "--once"]);
    let store = Connection::open(root.join("nattpost.db")).unwrap();
    store.execute("UPDATE run SET placed = 0 WHERE name = 'Q-1.csv'", []).unwrap();
    store.execute("UPDATE stock SET qty_e6 = 8000000 WHERE article_no = 'A'", []).unwrap();
    drop(store);
    fs::remove_file(root.join("spool/out/garage/Q-1.csv")).unwrap();
    well(root, &["run", "--once"]);
    let text = read(root, "Q-1.csv");
    assert!(text.contains("answer;Q-1;stock;1001;"), "{text}");
    assert_eq!(quantities(&text, "line")["A"], "8");
    assert_eq!(quantities(&read(root, "Q-2.csv"), "line")["B"], "25");
}
