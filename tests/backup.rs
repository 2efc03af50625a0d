//! `backup`: a copy that is whole whatever is committed meanwhile, that stands alone, and that is refused where it would be in
//! the way. What a restored copy means is in catch_up.rs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SHOP: &str = "name = \"Shop\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\n\
                    customers = \"accept\"\narticles = \"accept\"\n";

fn house(floor: &str) -> (tempfile::TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().to_path_buf();
    fs::create_dir(root.join("partners")).unwrap();
    fs::create_dir(root.join("copies")).unwrap();
    fs::write(root.join("nattpost.toml"), format!("company = \"Nordkap\"\ndisk_floor = \"{floor}\"\n")).unwrap();
    fs::write(root.join("partners/shop.toml"), SHOP).unwrap();
    (scratch, root)
}

fn nattpost(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.args(words).current_dir(root).env_remove("NATTPOST_CONFIG").stdin(Stdio::null());
    command
}

fn run(root: &Path, words: &[&str]) -> (Option<i32>, String) {
    let output = nattpost(root, words).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), said)
}

fn drop_orders(root: &Path, from: u32, to: u32) {
    for number in from..to {
        let text = format!(
            "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\norder;S-{number};1001\nline;1;A1;2\n"
        );
        fs::write(root.join("aside"), text).unwrap();
        fs::rename(root.join("aside"), root.join("spool/in/shop/orders").join(format!("{number}.csv"))).unwrap();
    }
}

fn copies(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(root.join("copies")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn count(path: &Path, sql: &str) -> i64 {
    let db = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_copy_is_one_moment_of_a_daemon_that_goes_on() {
    let (_scratch, root) = house("off");
    assert_eq!(run(&root, &["run", "--once"]).0, Some(0));
    drop_orders(&root, 0, 300);
    let mut daemon = nattpost(&root, &["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut seen = Vec::new();
    for round in 1..4 {
        drop_orders(&root, round * 300, (round + 1) * 300);
        let (code, said) = run(&root, &["backup", "copies", "--comment", "nightly"]);
        assert!(code == Some(0) && said.contains("checked"), "{said}");
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&daemon), rustix::process::Signal::TERM).unwrap();
    assert!(daemon.wait().unwrap().success());
    let found = copies(&root);
    assert_eq!(found.len(), 6, "three copies, each with its page, and nothing else: {found:?}");
    for copy in found.iter().filter(|path| path.extension().is_some_and(|e| e == "db")) {
        assert_eq!(count(copy, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
        // A file and its rows are one commit.
        let whole = "SELECT count(*) FROM file WHERE verdict = 'accepted' AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.file_no = file.file_no)";
        assert_eq!(count(copy, whole), 0);
        assert_eq!(count(copy, "SELECT ended FROM identity"), 1, "nobody runs on the copy");
        seen.push(count(copy, "SELECT count(*) FROM orders"));
        let page = fs::read_to_string(copy.with_extension("txt")).unwrap();
        let hash = blake3::hash(&fs::read(copy).unwrap()).to_hex();
        assert!(
            page.contains(&format!("blake3: {hash}")) && page.contains("last numbers: order 0, receipt "),
            "{page}"
        );
    }
    assert!(seen.is_sorted() && !copies(&root).iter().any(|path| path.to_string_lossy().contains("-wal")), "{seen:?}");
    // The ledger knows when it was copied last.
    assert_eq!(run(&root, &["run", "--once"]).0, Some(0));
    assert_eq!(
        count(&root.join("nattpost.db"), "SELECT count(*) FROM high_water WHERE name = 'backup' AND value > 0"),
        1
    );
}

#[test]
fn a_copy_is_refused_where_it_would_be_in_the_way() {
    let (_scratch, root) = house("off");
    let (code, said) = run(&root, &["backup", "copies"]);
    assert!(code == Some(69) && said.contains("there is no"), "{said}");
    assert_eq!(run(&root, &["run", "--once"]).0, Some(0));
    for (folder, words) in [
        ("spool/out", "where files are moved and removed"),
        ("nowhere", "make it, or mount the disk that it lies on"),
        ("nattpost.toml", "nattpost.toml is no folder"),
    ] {
        let (code, said) = run(&root, &["backup", folder]);
        assert!(code == Some(69) && said.contains(words), "{folder}: {said}");
    }
    fs::write(root.join("nattpost.toml"), "company = \"Nordkap\"\ndisk_floor = \"1000000 TB\"\n").unwrap();
    let (code, said) = run(&root, &["backup", "copies"]);
    assert!(code == Some(69) && said.contains("are to stay free (disk_floor)"), "{said}");
    assert!(copies(&root).is_empty());
}

#[test]
fn a_copy_that_was_killed_is_written_over_by_the_next() {
    let (_scratch, root) = house("off");
    assert_eq!(run(&root, &["run", "--once"]).0, Some(0));
    for call in ["copy.step", "copy.sync", "copy.rename"] {
        let output =
            nattpost(&root, &["backup", "copies"]).env("NATTPOST_FAULT", format!("kill@{call}")).output().unwrap();
        assert_eq!(output.status.code(), None, "{call}");
        assert!(copies(&root).iter().all(|path| path.ends_with(".nattpost.part")), "{call}");
    }
    assert_eq!(run(&root, &["backup", "copies"]).0, Some(0));
    assert_eq!(copies(&root).len(), 2);
}
