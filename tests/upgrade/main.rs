//! A site that an earlier version left in the middle of an evening: this version opens it, brings the database up to date,
//! finishes what was begun, and nothing is lost or done twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// Applied when the evening ends, written down by hand from the evenings of tests/rigs/night.py.
const ORDERS: [&str; 9] = ["D-1", "D-11", "D-2", "D-3", "D-5", "D-9", "W-1", "W-2", "W-4"];
/// Everything that came, and where it stands at the end.
const FILES: [(&str, &str); 15] = [
    ("a-waits.csv", "done"),
    ("articles.csv", "done"),
    ("b-mixed.csv", "done"),
    ("c-bad.csv", "failed"),
    ("customers.csv", "done"),
    ("d-whole.csv", "failed"),
    ("e-odd.csv", "failed"),
    ("f-again.csv", "done"),
    ("g-changed.csv", "held"),
    ("h-new.csv", "done"),
    ("i-late.csv", "done"),
    ("prices.csv", "done"),
    ("status.csv", "done"),
    ("stock-1.csv", "done"),
    ("stock-2.csv", "done"),
];
/// Of the web shop: judged by the version before, moved by this one.
const HALF_DONE: [(&str, &str); 2] = [("w-1.xml", "done"), ("w-2.xml", "done")];

fn unpacked() -> tempfile::TempDir {
    let site = tempfile::tempdir().unwrap();
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade/v7.tar.gz");
    let tar = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(site.path()).status().unwrap();
    assert!(tar.success());
    wait_for_years(&site.path().join("nattpost.db"));
    site
}

/// What waited then was to wait for a day: it waits on, or the site would tell something else from the next day on. The log
/// stays as it was left.
fn wait_for_years(database: &Path) {
    let db = Connection::open(database).unwrap();
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    let count =
        db.execute("UPDATE message SET wait_until = '2034-11-20T09:40:00.000Z' WHERE wait_until IS NOT NULL", []);
    assert_eq!(count.unwrap(), 1, "held messages that wait");
    drop(db);
    assert!(database.with_extension("db-wal").exists(), "the log was gathered");
}

fn nattpost(root: &Path, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.args(words).current_dir(root).env_remove("NATTPOST_CONFIG").env_remove("NATTPOST_FAULT");
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8(said).unwrap())
}

/// Contents of all originals below a folder of the spool, with the state they stand in.
fn originals(spool: &Path) -> BTreeMap<Vec<u8>, Vec<(String, String)>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for state in ["in", "work", "done", "failed", "held"] {
        let mut open = vec![spool.join(state)];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let is_paper = [".reason.txt", ".reject", ".done"].iter().any(|end| name.ends_with(end));
                if path.is_dir() {
                    open.push(path);
                } else if !is_paper {
                    let plain = name.split_once('~').map_or(&name[..], |(_, plain)| plain).to_string();
                    found.entry(fs::read(&path).unwrap()).or_default().push((state.to_string(), plain));
                }
            }
        }
    }
    found
}

fn column(db: &Connection, question: &str) -> Vec<String> {
    let mut statement = db.prepare(question).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_site_of_version_7_goes_on_where_it_was() {
    let site = unpacked();
    let (root, spool) = (site.path(), site.path().join("spool"));
    let before = originals(&spool);
    assert_eq!(before.len(), FILES.len() + HALF_DONE.len());
    let staged = fs::read_dir(spool.join("staged")).unwrap().count();
    assert_eq!(staged, 2, "receipts that nobody has seen");

    assert_eq!(nattpost(root, &["check", "--quiet"]), (0, String::new()), "the configuration of then");
    let (code, said) = nattpost(root, &["run", "--once"]);
    assert_eq!(code, 0, "{said}");

    let after = originals(&spool);
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "bytes of originals");
    let mut stand: Vec<(&str, &str)> = Vec::new();
    for places in after.values() {
        assert_eq!(places.len(), 1, "{places:?}");
        stand.push((&places[0].1, &places[0].0));
    }
    stand.sort_unstable();
    assert_eq!(stand, [&FILES[..], &HALF_DONE].concat());
    for state in ["work", "staged", "tmp", "commands"] {
        assert!(nothing_in(&spool.join(state)), "{state}/");
    }
    let files = |folder: &str| {
        fs::read_dir(spool.join(folder)).unwrap().filter(|e| e.as_ref().unwrap().path().is_file()).count()
    };
    assert_eq!([files("out/dealer"), files("out/webshop")], [9, 2], "receipts");

    let db = Connection::open(root.join("nattpost.db")).unwrap();
    assert_eq!(column(&db, "SELECT buyer_order_no FROM orders ORDER BY buyer_order_no"), ORDERS);
    assert_eq!(column(&db, "SELECT integrity_check FROM pragma_integrity_check"), ["ok"]);
    assert!(column(&db, "SELECT \"table\" FROM pragma_foreign_key_check").is_empty());
    let unplaced = column(&db, "SELECT CAST(raw_name AS TEXT) FROM file WHERE placed = 0 AND state = 'judged'");
    assert!(unplaced.is_empty(), "{unplaced:?}");

    let (code, said) = nattpost(root, &["run", "--once"]);
    assert!(code == 0 && originals(&spool) == after, "the second start finds nothing to do: {said}");
    let (code, said) = nattpost(root, &["explain", "W-2"]);
    assert!(code == 0 && said.contains("w-1.xml"), "{said}");
}

fn nothing_in(folder: &Path) -> bool {
    fs::read_dir(folder).into_iter().flatten().all(|entry| {
        let path = entry.unwrap().path();
        path.is_dir() && nothing_in(&path)
    })
}
