//! Orders and their PDFs by the real binary, in every order in which they may come, with a process of its own for each step and kills
//! between: no order leaves without its PDF, none with another, no PDF is bound twice.

#[path = "fuzzing/papers.rs"]
#[allow(dead_code)] // the fuzz driver writes more of them
mod papers;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nattpost::model::archive::{Directory, Limits, Member};
use papers::Paper;
use rusqlite::Connection;
use tempfile::TempDir;

const WMS: &str = "name = \"Warehouse\"\n[feed.orders]\nlayout = \"nattpost-order-csv\"\nfile_name = \"order_{run:1}.zip\"\n\
    zip = \"{buyer_order_no}.csv\"\npdf = \"{buyer_order_no}.pdf\"\norders_per_file = 1\n\
    [intake.customers]\nlayouts = [\"nattpost-customer-csv\"]\nsettle = \"rename\"\n";

fn desk(more: &str) -> String {
    format!(
        "name = \"Desk\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\n\
         companion = [\"{{no}}.csv\", \"{{no}}.pdf\"]\npdf = \"by-name\"\narticles = \"accept\"\n{more}\n\
         [intake.changes]\nlayouts = [\"nattpost-order-change-csv\"]\nsettle = \"rename\"\n\
         customers = \"accept\"\n"
    )
}

fn company(more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("partners")).unwrap();
    fs::write(root.join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    fs::write(root.join("partners/desk.toml"), desk(more)).unwrap();
    fs::write(root.join("partners/shop.toml"), desk(more)).unwrap();
    fs::write(root.join("partners/wms.toml"), WMS).unwrap();
    for folder in ["desk/orders", "desk/changes", "shop/orders", "wms/customers"] {
        fs::create_dir_all(root.join("spool/in").join(folder)).unwrap();
    }
    folder
}

/// True: it came to its end, whatever waits or was refused.
fn nattpost(root: &Path, words: &[&str], fault: Option<&str>) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.args(words).current_dir(root).env_remove("NATTPOST_CONFIG").env_remove("NATTPOST_FAULT");
    fault.into_iter().for_each(|fault| _ = command.env("NATTPOST_FAULT", fault));
    let done = command.stdin(Stdio::null()).output().unwrap();
    let ended = done.status.code().is_some_and(|code| matches!(code, 0 | 65 | 75));
    assert!(fault.is_some() || ended, "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    ended
}

/// A PDF of one page that says something of its own.
fn paper(says: &str) -> Vec<u8> {
    Paper::of(1).with(&format!("({says})")).packed(true)
}

/// What cannot go on with an order, and what would become of it.
fn hostile(word: char) -> Vec<u8> {
    let of_tree = |node: &str| Paper::of(1).instead(2, node);
    match word {
        'L' => Paper::of(3).table(),
        'B' => Paper::of(1).with("<</S/JavaScript/JS(app.alert)>>").table(),
        'X' => Paper::of(1).table()[..90].to_vec(),
        'E' => Paper::of(1).trailer("/Encrypt<</Filter/Standard/V 4>>").table(),
        // Its tree of pages names itself.
        'N' => of_tree("<</Type/Pages/Kids[2 0 R]/Count 1>>").table(),
        // A tree of 500 levels; a page for each of 20,000.
        'D' => (4..500)
            .fold(of_tree("<</Type/Pages/Kids[4 0 R]/Count 1>>"), |paper, nth| {
                paper.with(&format!("<</Type/Pages/Kids[{} 0 R]/Count 1>>", nth + 1))
            })
            .table(),
        'H' => Paper::of(20_000).packed(true),
        'W' => b"MZ\x90\0\x03\0\0\0 This program cannot be run in DOS mode. %PDF-1.4 %%EOF".to_vec(),
        other => panic!("{other}"),
    }
}

/// What a step drops: `O` the order A-1, `o` the same with another quantity, `2` a file with another order beside it; `P` its PDF, `Q`
/// another, others as `hostile` says; `Z` another partner's PDF of that name, `K` the order is cancelled; `C` the customer; `S` sends
/// what is to go out; `I` ignores what was refused, `T` takes longer ones from now on and judges again. `kill`: at that call each run
/// of the step is ended once, and another goes on.
fn step(root: &Path, words: &str, kill: Option<usize>) {
    let run = |words: &[&str]| {
        if let Some(call) = kill {
            nattpost(root, words, Some(&format!("kill@{call}")));
            // What a killed command has done it is not to do twice.
            if words[0] != "run" {
                nattpost(root, &["run", "--once"], None);
            }
        }
        nattpost(root, words, None);
    };
    let order = |qty: u32, more: &str| {
        format!(
            "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\norder;A-1;1001\nline;1;X1;{qty}\n{more}"
        )
    };
    let put = |name: &str, bytes: &[u8]| fs::write(root.join("spool/in/desk/orders").join(name), bytes).unwrap();
    for word in words.chars() {
        match word {
            'O' => put("A-1.csv", order(2, "").as_bytes()),
            'o' => put("A-1.csv", order(3, "").as_bytes()),
            '2' => put("A-1.csv", order(2, "order;A-2;1001\nline;1;X1;1\n").as_bytes()),
            '3' => put("day.csv", order(2, "order;A-2;1001\nline;1;X1;1\norder;A-3;1001\nline;1;X1;1\n").as_bytes()),
            'P' => put("A-1.pdf", &paper("first")),
            'Q' => put("A-1.pdf", &paper("other")),
            'Z' => fs::write(root.join("spool/in/shop/orders/A-1.pdf"), paper("of the shop")).unwrap(),
            'K' => fs::write(
                root.join("spool/in/desk/changes/k.csv"),
                "nattpost;order_change;1\n!order_change;buyer_order_no;customer_no;change_seq;action\norder_change;A-1;1001;1;cancel\n",
            )
            .unwrap(),
            'I' => run(&["ignore", "--verdict", "refused", "--partner", "desk", "--comment", "sent anew"]),
            'T' => {
                fs::write(root.join("partners/desk.toml"), desk(&format!("{HOLD}\npdf_pages = 3"))).unwrap();
                run(&["retry", "--verdict", "refused", "--partner", "desk"]);
            }
            'C' => fs::write(
                root.join("spool/in/wms/customers/c.csv"),
                "nattpost;customer;1\n!customer;customer_no;name\ncustomer;1001;Miller\n",
            )
            .unwrap(),
            'S' => {
                run(&["run", "--once"]);
                run(&["send", "wms/orders"]);
            }
            other => put("A-1.pdf", &hostile(other)),
        }
    }
    if !words.ends_with('S') {
        run(&["run", "--once"]);
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries.map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { files.extend(files_below(&entry)) } else { files.push(entry) }
    }
    files.sort();
    files
}

/// The PDFs that the warehouse sees; each stands with one order, none without.
fn left(root: &Path) -> Vec<Vec<u8>> {
    let mut pdfs = Vec::new();
    for path in files_below(&root.join("spool/out/wms")) {
        let mut file = File::open(&path).unwrap();
        let directory = Directory::read(&mut file, Limits { members: 9, bytes: 1 << 20 }).unwrap();
        let names: Vec<String> = directory.entries.iter().map(|entry| entry.name.clone()).collect();
        assert_eq!(names, ["A-1.pdf", "A-1.csv"], "{}", path.display());
        let mut pdf = Vec::new();
        std::io::copy(&mut Member::open(&mut file, &directory, &directory.entries[0]).unwrap(), &mut pdf).unwrap();
        pdfs.push(pdf);
    }
    pdfs
}

fn codes(root: &Path) -> String {
    let store = Connection::open(root.join("nattpost.db")).unwrap();
    let mut all =
        store.prepare("SELECT code FROM file WHERE intake = 'orders' AND code <> '' ORDER BY file_no").unwrap();
    let found: Vec<String> = all.query_map([], |row| row.get(0)).unwrap().map(|code| code.unwrap()).collect();
    found.join(" ")
}

const REPLACE: &str = "customers = \"accept\"\non_change = \"replace-until-exported\"";
const HOLD: &str = "customers = \"accept\"";

/// How they come, under which rules; which PDF left with the order, and what was refused.
const ARRIVALS: [(&str, &str, &str, &str); 32] = [
    ("OP S", HOLD, "P", ""),
    ("O S P S", HOLD, "P", ""),
    ("P S O S", HOLD, "P", ""),
    ("O S", HOLD, "", ""),
    ("P S", HOLD, "", ""),
    // The same once more, before and after it went out; the order is a duplicate, its PDF nothing new.
    ("OP OP S", HOLD, "P", ""),
    ("OP S OP S", HOLD, "P", ""),
    // Another PDF: before the order goes out it may take the place of the first, after it never.
    ("OP OQ S", REPLACE, "Q", ""),
    ("OP OQ S", HOLD, "P", "pdf-changed"),
    ("OP S OQ S", REPLACE, "P", "pdf-changed"),
    ("OP oQ S", REPLACE, "Q", ""),
    ("OP oQ S", HOLD, "P", ""),
    // The order waits for its customer, and its PDF with it.
    ("OP S C S", "customers = \"wait 1 h\"", "P", ""),
    // What cannot go on refuses both; corrected they come again.
    ("OL S OP S", HOLD, "P", "pdf-pages"),
    ("OB S", HOLD, "", "pdf-active"),
    ("OX S OP S", HOLD, "P", "pdf-invalid"),
    ("2P S OP S", HOLD, "P", "pdf-ambiguous"),
    ("OB S", "customers = \"accept\"\npdf_active = \"take\"", "B", ""),
    ("OE S OP S", HOLD, "P", "pdf-encrypted"),
    ("ON S OP S", HOLD, "P", "pdf-invalid"),
    ("OD S OP S", HOLD, "P", "pdf-invalid"),
    ("OH S OP S", HOLD, "P", "pdf-invalid"),
    ("OW S OP S", HOLD, "P", "pdf-invalid"),
    // Another partner's PDF of that name waits for his own order.
    ("O Z S", HOLD, "", ""),
    ("Z O S P S", HOLD, "P", ""),
    // A PDF that came once more and found no order goes with the order that comes once more, or stays.
    ("OP P S", HOLD, "P", ""),
    ("OP S P S O S", HOLD, "P", ""),
    // Cancelled before it went out, it stays with its PDF; after, both went.
    ("OP K S", HOLD, "kept", ""),
    ("OP S K S", HOLD, "P", ""),
    // What was refused is closed by a person and comes anew, or is judged again under another rule.
    ("OL S I OP S", HOLD, "P", "pdf-pages"),
    ("OL S T S", HOLD, "L", ""),
    // The same PDF, whatever came of the original.
    ("OP S OP S", "customers = \"accept\"\noriginals = \"none\"", "P", ""),
];

/// PDFs that come alone, before or after their orders: `3` a file of three orders, A-1 among them; the others as above.
const ALONE: [(&str, &str, &str, &str); 28] = [
    ("O S P S", HOLD, "", "pdf-late"),
    ("P S O S", HOLD, "P", ""),
    ("O P S", HOLD, "P", ""),
    ("P 3 S", HOLD, "P", ""),
    ("3 P S", HOLD, "P", ""),
    // The same once more, before and after; another; another where it may take the first one's place.
    ("P P O S", HOLD, "P", ""),
    ("O P P S P S", HOLD, "P", ""),
    ("P Q O S", HOLD, "P", "pdf-changed"),
    ("O P Q S", REPLACE, "Q", ""),
    ("O P S Q S", REPLACE, "P", "pdf-changed"),
    // The order waits for its customer; another partner's PDF of that name never goes with it.
    ("P S O S C S", "customers = \"wait 1 h\"", "P", ""),
    ("Z O P S", HOLD, "P", ""),
    ("Z O", HOLD, "", ""),
    // What cannot go on is refused alone, and its order stays.
    ("O E S", HOLD, "", "pdf-encrypted"),
    // An order that has to have its PDF waits for it, and goes in the commit that brings it.
    ("O S", REQUIRED, "", ""),
    ("O S P S", REQUIRED, "P", ""),
    ("P S O S", REQUIRED, "P", ""),
    ("O P S", REQUIRED, "P", ""),
    ("3 S P S", REQUIRED, "P", ""),
    ("P S 3 S", REQUIRED, "P", ""),
    ("O S P S P S", REQUIRED, "P", ""),
    ("O S P S Q S", REQUIRED, "P", "pdf-changed"),
    ("O S Z S", REQUIRED, "", ""),
    ("Z S O S P S", REQUIRED, "P", ""),
    // The order once more while it waits, as it was and with another quantity; a PDF that nobody can use before the one that goes.
    ("O S O S P S", REQUIRED, "P", ""),
    ("O S o S P S", REQUIRED, "P", ""),
    ("O S E S P S", REQUIRED, "P", "pdf-encrypted"),
    // It waits for its customer first.
    ("O S P S C S", "customers = \"wait 1 h\"\npdf_required = true", "P", ""),
];
const REQUIRED: &str = "customers = \"accept\"\npdf_required = true";

/// Each step is a process of its own; in some arrivals, or with NATTPOST_KILL_EVERY in all, each is killed once in its midst.
#[test]
fn no_order_leaves_without_its_pdf_however_they_come() {
    /// Most of the time they wait for the disk.
    const AT_ONCE: usize = 4;
    let all = std::env::var_os("NATTPOST_KILL_EVERY").is_some();
    std::thread::scope(|threads| {
        for lane in 0..AT_ONCE {
            threads.spawn(move || {
                for nth in (lane..ARRIVALS.len()).step_by(AT_ONCE) {
                    let is_some = (nth / AT_ONCE) % 4 == lane;
                    if all || !is_some {
                        play(nth, false);
                    }
                    if all || is_some {
                        play(nth, true);
                    }
                }
            });
        }
    });
}

fn play(nth: usize, is_killed: bool) {
    let (arrival, rules, with, refused) = ARRIVALS[nth];
    let night = company(rules);
    let root = night.path();
    for (at, words) in arrival.split(' ').enumerate() {
        // Somewhere between the first commit and the last move; behind the end it does nothing.
        step(root, words, is_killed.then_some(20 + (nth * 31 + at * 17) % 90));
    }
    let told = format!("{arrival} under {rules}, killed: {is_killed}");
    let pdf = match with {
        "" | "kept" => Vec::new(),
        "P" => vec![paper("first")],
        "Q" => vec![paper("other")],
        other => vec![hostile(other.chars().next().unwrap())],
    };
    assert!(left(root) == pdf, "{told}: {} left", left(root).len());
    assert_eq!(codes(root), refused, "{told}");
    let store = Connection::open(root.join("nattpost.db")).unwrap();
    let sql = "SELECT count(order_row), count(DISTINCT order_row) FROM order_pdf";
    let bound: (i64, i64) = store.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let wanted = i64::from(!with.is_empty());
    assert_eq!(bound, (wanted, wanted), "{told}");
}

/// Those that come alone, each killed once or not; an order whose PDF is not there by then leaves without one, unless it has to
/// have one.
#[test]
fn a_pdf_that_comes_alone_goes_with_its_order_and_no_other() {
    let all = std::env::var_os("NATTPOST_KILL_EVERY").is_some();
    std::thread::scope(|threads| {
        for nth in 0..ALONE.len() {
            threads.spawn(move || {
                for is_killed in [false, true].into_iter().filter(|killed| all || *killed == (nth % 3 == 0)) {
                    play_alone(nth, is_killed);
                }
            });
        }
    });
}

fn play_alone(nth: usize, is_killed: bool) {
    let (arrival, rules, with, refused) = ALONE[nth];
    let night = company(rules);
    let root = night.path();
    by_number(root, rules);
    for (at, words) in arrival.split(' ').enumerate() {
        step(root, words, is_killed.then_some(20 + (nth * 31 + at * 17) % 90));
    }
    let told = format!("{arrival} under {rules}, killed: {is_killed}");
    let expected = match with {
        "" => Vec::new(),
        "P" => vec![("A-1".to_string(), paper("first"))],
        _ => vec![("A-1".to_string(), paper("other"))],
    };
    assert!(pdfs_beside_orders(root) == expected, "{told}");
    if rules.contains("pdf_required") {
        assert_eq!(files_below(&root.join("spool/out/wms")).len(), expected.len(), "{told}: none without");
    }
    let store = Connection::open(root.join("nattpost.db")).unwrap();
    // Of the file, or of a PDF that had waited.
    let sql = "SELECT COALESCE(group_concat(COALESCE(m.code, f.code), ' '), '') FROM file f LEFT JOIN message m USING (file_no) \
         WHERE f.intake = 'orders' AND f.verdict = 'refused'";
    let found: String = store.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(found, refused, "{told}");
    let sql = "SELECT count(order_row), count(DISTINCT order_row) FROM order_pdf";
    let bound: (i64, i64) = store.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(bound, (expected.len() as i64, expected.len() as i64), "{told}");
}

/// PDFs come alone from here on.
fn by_number(root: &Path, rules: &str) {
    for partner in ["desk", "shop"] {
        let pairs = "companion = [\"{no}.csv\", \"{no}.pdf\"]\npdf = \"by-name\"";
        let text = desk(rules).replace(pairs, "pdf = \"by-number\"");
        fs::write(root.join(format!("partners/{partner}.toml")), text).unwrap();
    }
}

/// Each PDF that left, with the number of the order beside it.
fn pdfs_beside_orders(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for path in files_below(&root.join("spool/out/wms")) {
        let mut file = File::open(&path).unwrap();
        let directory = Directory::read(&mut file, Limits { members: 9, bytes: 1 << 20 }).unwrap();
        if let [pdf, order] = &directory.entries[..] {
            let mut bytes = Vec::new();
            std::io::copy(&mut Member::open(&mut file, &directory, pdf).unwrap(), &mut bytes).unwrap();
            found.push((order.name.trim_end_matches(".csv").to_string(), bytes));
        }
    }
    found
}

/// Each call of the store's and the spool's while a pair is taken and while it goes out is the last one once, and fails once;
/// the everyday loop tries some of them, and all that are about PDFs.
#[test]
fn whatever_step_is_the_last_order_and_pdf_stay_together() {
    let pair = || {
        let night = company(HOLD);
        put_order(night.path());
        put_pdf(night.path());
        night
    };
    killed_everywhere(&["run", "--once"], pair);
    killed_everywhere(&["send", "wms/orders"], || {
        let night = pair();
        nattpost(night.path(), &["run", "--once"], None);
        night
    });
}

/// The same where they come one by one and the order has to have its PDF: whichever comes first waits in the ledger, then the other
/// is taken.
#[test]
fn whatever_step_is_the_last_an_order_that_waits_for_its_pdf_goes_with_it() {
    for (first, second) in [(put_order as fn(&Path), put_pdf as fn(&Path)), (put_pdf, put_order)] {
        killed_everywhere(&["run", "--once"], || {
            let night = company(HOLD);
            by_number(night.path(), REQUIRED);
            first(night.path());
            nattpost(night.path(), &["run", "--once"], None);
            second(night.path());
            night
        });
    }
}

fn put_order(root: &Path) {
    let text = "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\norder;A-1;1001\nline;1;X1;2\n";
    fs::write(root.join("spool/in/desk/orders/A-1.csv"), text).unwrap();
}

fn put_pdf(root: &Path) {
    fs::write(root.join("spool/in/desk/orders/A-1.pdf"), paper("first")).unwrap();
}

fn killed_everywhere(words: &[&str], prepared: impl Fn() -> TempDir) {
    let every: usize = std::env::var("NATTPOST_KILL_EVERY").ok().and_then(|n| n.parse().ok()).unwrap_or(29);
    let counted = prepared();
    let list = counted.path().join("calls");
    nattpost(counted.path(), words, Some(&format!("count@{}", list.display())));
    let calls = fs::read_to_string(&list).unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    assert!(words[0] == "send" || calls.iter().any(|call| call.ends_with("store.bind_pdf")), "{calls:?}");
    let tried = (1..=calls.len()).filter(|call| call % every == 0 || calls[call - 1].ends_with("_pdf"));
    for (call, how) in tried.flat_map(|call| [(call, "kill"), (call, "fail")]) {
        let told = format!("{words:?}, {how} at call {call}, {}", calls[call - 1]);
        let night = prepared();
        let root = night.path();
        let ended = nattpost(root, words, Some(&format!("{how}@{call}")));
        assert!(how == "fail" || !ended, "{told}");
        assert!(left(root).len() <= 1, "{told}");
        nattpost(root, &["run", "--once"], None);
        nattpost(root, &["send", "wms/orders"], None);
        assert!(left(root) == [paper("first")], "{told}: {} left", left(root).len());
        let store = Connection::open(root.join("nattpost.db")).unwrap();
        let rows = "SELECT (SELECT count(*) FROM orders), count(*), count(order_row) FROM order_pdf";
        let found: (i64, i64, i64) =
            store.query_row(rows, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        assert_eq!(found, (1, 1, 1), "{told}");
    }
}

/// The bytes go when the days of the original are over, and not before the order was taken wherever it went.
#[test]
fn what_is_personal_in_a_pdf_goes_when_its_time_is_over() {
    let night = company(HOLD);
    let root = night.path();
    step(root, "OPS", None);
    let store = || Connection::open(root.join("nattpost.db")).unwrap();
    let older = || store().execute("UPDATE file SET day = '2020-01-01' WHERE intake = 'orders'", []).unwrap();
    let kept = || -> (i64, i64) {
        let sql = "SELECT count(bytes), count(order_row) FROM order_pdf";
        store().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    older();
    nattpost(root, &["run", "--once"], None);
    assert_eq!(kept(), (1, 1), "it was not taken yet");
    files_below(&root.join("spool/out/wms")).iter().for_each(|path| fs::remove_file(path).unwrap());
    nattpost(root, &["run", "--once"], None);
    nattpost(root, &["run", "--once"], None);
    assert_eq!(kept(), (0, 1), "it is known which PDF it was, and no more");
}
