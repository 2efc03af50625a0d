//! `originals = "archive after 10 d, keep 100 d"` through the program: whatever it is doing when it is killed or when a call fails, each
//! original is kept once, whole, as a file or in an archive; and an archive goes with the last that it holds.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output};

use nattpost::model::archive::{Directory, Limits, Member};
use rusqlite::Connection;
use tempfile::TempDir;

mod copied;
use copied::copy_folder;

const COMPANY: &str = "company = \"Company\"\n";
const ERP: &str = "name = \"ERP\"\n[intake.stock]\nlayouts = [\"nattpost-stock-csv\"]\nsettle = \"rename\"\narticles = \"accept\"\n\
                   as_of = \"name stock_{seq}.csv\"\noriginals = \"archive after 10 d, keep 100 d\"\n";
/// Calls left out between two faults in everyday runs.
const EVERYDAY: usize = 5;

fn nattpost(root: &Path, words: &[&str], fault: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.args(words).arg("--config").arg(root.join("nattpost.toml")).env_remove("NATTPOST_FAULT");
    if !fault.is_empty() {
        command.env("NATTPOST_FAULT", fault);
    }
    command.output().unwrap()
}

fn well(root: &Path, words: &[&str]) -> String {
    let done = nattpost(root, words, "");
    let told = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "{words:?}: {told}");
    told
}

fn stock(quantity: u32) -> String {
    format!("nattpost;stock;1\n!stock;article_no;warehouse;qty\nstock;A-1;01;{quantity}\n")
}

/// Three files were taken so many days ago; the second one is older than the first.
fn site(days: u32) -> TempDir {
    let site = tempfile::tempdir().unwrap();
    let root = site.path();
    fs::create_dir_all(root.join("partners")).unwrap();
    fs::write(root.join("nattpost.toml"), COMPANY).unwrap();
    fs::write(root.join("partners/erp.toml"), ERP).unwrap();
    for (number, quantity) in [(5, 5), (4, 4), (6, 6)] {
        let folder = root.join("spool/in/erp/stock");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("stock_{number}.csv")), stock(quantity)).unwrap();
        well(root, &["run", "--once"]);
    }
    age(root, days);
    site
}

fn age(root: &Path, days: u32) {
    let store = Connection::open(root.join("nattpost.db")).unwrap();
    let by = format!("-{days} days");
    let (day, before): (String, String) = store
        .query_row("SELECT DISTINCT day, date(day, ?1) FROM file", [&by], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let done = root.join("spool/done/erp");
    fs::rename(done.join(day), done.join(before)).unwrap();
    store.execute("UPDATE file SET day = date(day, ?1)", [&by]).unwrap();
}

/// Names without ids and their content, as files and in archives; what stands elsewhere by its path.
fn kept(root: &Path) -> BTreeMap<String, Vec<String>> {
    let mut kept: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut folders = vec![root.join("spool")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let below = path.strip_prefix(root.join("spool")).unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if below.ends_with(".zip") {
                let mut file = File::open(&path).unwrap();
                let directory = Directory::read(&mut file, Limits { members: 100, bytes: 1 << 20 }).unwrap();
                for entry in &directory.entries {
                    let mut text = String::new();
                    Member::open(&mut file, &directory, entry).unwrap().read_to_string(&mut text).unwrap();
                    kept.entry(entry.name[14..].to_string()).or_default().push(format!("packed {text}"));
                }
            } else if below.starts_with("done/") {
                let name = path.file_name().unwrap().to_string_lossy()[14..].to_string();
                kept.entry(name).or_default().push(format!("file {}", fs::read_to_string(&path).unwrap()));
            } else if below.contains('/') {
                kept.entry(below).or_default().push("left".to_string());
            }
        }
    }
    kept
}

fn copied(site: &Path) -> TempDir {
    let scratch = tempfile::tempdir().unwrap();
    copy_folder(site, scratch.path());
    scratch
}

/// After every kill and every failed call of these words, and two good runs behind it, all is as without it. In between nothing is lost.
fn whenever(site: &Path, words: &[&str], expected: &BTreeMap<String, Vec<String>>) {
    let counted = copied(site);
    let list = counted.path().join("calls");
    nattpost(counted.path(), words, &format!("count@{}", list.display()));
    let calls = fs::read_to_string(&list).unwrap().lines().count();
    assert!(calls > 20, "{calls} calls");
    let step = if std::env::var_os("NATTPOST_EVERY_CALL").is_some() { 1 } else { EVERYDAY };
    for (nth, fault) in ["kill", "fail"].iter().enumerate() {
        for call in (1 + nth * step / 2..=calls).step_by(step) {
            let scratch = copied(site);
            nattpost(scratch.path(), words, &format!("{fault}@{call}"));
            let between = kept(scratch.path());
            for name in expected.keys() {
                assert!(
                    between.contains_key(name) || between.keys().any(|path| path.ends_with(name.as_str())),
                    "{fault} at {call}: {name} is lost: {between:?}"
                );
            }
            well(scratch.path(), &["run", "--once"]);
            well(scratch.path(), &["run", "--once"]);
            assert_eq!(&kept(scratch.path()), expected, "{fault} at call {call} of {calls}");
        }
    }
}

#[test]
fn an_original_is_kept_once_whenever_packing_is_killed() {
    let site = site(12);
    let done = copied(site.path());
    well(done.path(), &["run", "--once"]);
    let expected = kept(done.path());
    let packed = |number: u32, quantity| (format!("stock_{number}.csv"), vec![format!("packed {}", stock(quantity))]);
    assert_eq!(expected, BTreeMap::from([packed(4, 4), packed(5, 5), packed(6, 6)]));
    whenever(site.path(), &["run", "--once"], &expected);
}

#[test]
fn archives_go_with_the_last_they_hold_whenever_it_is_killed() {
    let site = site(12);
    well(site.path(), &["run", "--once"]);
    age(site.path(), 200);
    whenever(site.path(), &["run", "--once"], &BTreeMap::new());
}

/// What is judged again is got out of its archive: killed on the way it stands in the one or the other, and may be judged again.
#[test]
fn getting_one_out_again_loses_nothing_whenever_it_is_killed() {
    let site = site(12);
    well(site.path(), &["run", "--once"]);
    let words = ["retry", "stock_4.csv", "--overrule", "--comment", "that was right"];
    let counted = copied(site.path());
    let list = counted.path().join("calls");
    nattpost(counted.path(), &words, &format!("count@{}", list.display()));
    let calls = fs::read_to_string(&list).unwrap().lines().count();
    for (nth, fault) in ["kill", "fail"].iter().enumerate() {
        for call in (1 + nth..=calls).step_by(EVERYDAY) {
            let scratch = copied(site.path());
            nattpost(scratch.path(), &words, &format!("{fault}@{call}"));
            well(scratch.path(), &["run", "--once"]);
            well(scratch.path(), &words);
            well(scratch.path(), &["run", "--once"]);
            let kept = kept(scratch.path());
            for (number, quantity) in [(4, 4), (5, 5), (6, 6)] {
                let copies = &kept[&format!("stock_{number}.csv")];
                let text = format!("packed {}", stock(quantity));
                assert!(!copies.is_empty() && copies.iter().all(|copy| *copy == text), "{fault} at {call}: {copies:?}");
            }
            let store = Connection::open(scratch.path().join("nattpost.db")).unwrap();
            let quantity: i64 = store.query_row("SELECT qty_e6 FROM stock", [], |row| row.get(0)).unwrap();
            assert_eq!(quantity, 4_000_000, "{fault} at {call}");
            assert_eq!(kept.len(), 3, "{fault} at {call}: {kept:?}");
        }
    }
}

/// An older copy of the database knows nothing of the archives, and finds what is in them.
#[test]
fn a_database_of_before_finds_what_was_packed_since() {
    let site = site(12);
    let root = site.path();
    fs::copy(root.join("nattpost.db"), root.join("older.db")).unwrap();
    well(root, &["run", "--once"]);
    for rest in ["nattpost.db-wal", "nattpost.db-shm"] {
        _ = fs::remove_file(root.join(rest));
    }
    fs::copy(root.join("older.db"), root.join("nattpost.db")).unwrap();
    let shown = well(root, &["show", "stock_4.csv"]);
    assert!(shown.contains("stock.1.zip"), "{shown}");
    well(root, &["retry", "stock_4.csv", "--overrule", "--comment", "that was right"]);
    let store = Connection::open(root.join("nattpost.db")).unwrap();
    let quantity: i64 = store.query_row("SELECT qty_e6 FROM stock", [], |row| row.get(0)).unwrap();
    assert_eq!(quantity, 4_000_000);
}

/// Nothing knows of the files any more: the archive is named, and unpacked in its folder they are caught up with.
#[test]
fn a_lost_database_is_told_of_archives() {
    let site = site(12);
    let root = site.path();
    well(root, &["run", "--once"]);
    for file in ["nattpost.db", "nattpost.db-wal", "nattpost.db-shm"] {
        _ = fs::remove_file(root.join(file));
    }
    well(root, &["run", "--once", "--accept-database"]);
    let told = nattpost(root, &["catch-up"], "");
    let told = String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned();
    assert!(
        told.contains("stock.1.zip") && told.contains("3 of the originals in this archive are not known"),
        "{told}"
    );
}

/// The intake turns to another way of keeping: what was packed is got out, looked at, and the archive is gone.
#[test]
fn what_was_packed_is_redacted_where_the_intake_says_so_later() {
    let site = site(12);
    let root = site.path();
    well(root, &["run", "--once"]);
    fs::write(root.join("partners/erp.toml"), ERP.replace("archive after", "redact after")).unwrap();
    well(root, &["run", "--once"]);
    let file = |number: u32, quantity| (format!("stock_{number}.csv"), vec![format!("file {}", stock(quantity))]);
    assert_eq!(kept(root), BTreeMap::from([file(4, 4), file(5, 5), file(6, 6)]));
}
