//! Death and I/O errors at every call of the spool: whatever the call, each file is in exactly one state, nothing is half,
//! and the next try gets through.

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use nattpost::edges::spool::{Existing, Lasting, Marks, Place, Role, Spool, State, state_name};
use nattpost::model::ids::Id;

const IN: Place<'_> = Place::In { partner: "shop", intake: "orders" };
const WORK: Place<'_> = Place::Work { partner: "shop", intake: "orders" };
const FAILED: Place<'_> = Place::Failed { partner: "shop", intake: "orders" };
const OUT: Place<'_> = Place::Out { partner: "shop", folder: "pick-up" };
const STAGED_BYTES: u64 = 200_000;
const REASON: &[u8] = b"orders.csv, line 2: what is wrong, and what to do";

fn id() -> Id {
    Id::new(1_795_300_000_000, 7)
}

/// A journey through all steps, each of which may have been done by an earlier try.
fn journey(root: &Path) -> anyhow::Result<()> {
    let spool = Spool::open(root)?;
    spool.remove_stale_drafts()?;
    spool.make(IN)?;
    let claimed = state_name(id(), b"orders.csv", Role::Original);
    for entry in spool.scan(IN)?.entries() {
        spool.rename((IN, entry.name), (WORK, &claimed))?;
    }
    spool.write((FAILED, b"reason"), REASON, Existing::Replace, Lasting::Now)?;
    if spool.look(WORK, &claimed)?.is_some() {
        spool.rename((WORK, &claimed), (FAILED, &claimed))?;
    }
    let run = id();
    let run = run.as_str().as_bytes();
    if spool.look(Place::Staged, run)?.is_none() && spool.look(OUT, b"stock.csv")?.is_none() {
        let mut draft = spool.draft(State::Staged)?;
        for _ in 0..STAGED_BYTES / 10 {
            draft.write_all(b"0123456789")?;
        }
        draft.publish(&spool, (Place::Staged, run), Existing::Refuse, Lasting::Now)?;
    }
    spool.raise_marks(&Marks { order: 12, run: 7, ..Marks::default() })?;
    spool.sync()?;
    if spool.look(Place::Staged, run)?.is_some() {
        spool.rename((Place::Staged, run), (OUT, b"stock.csv"))?;
    }
    if spool.commands()?.is_empty() {
        spool.drop_command(id(), b"retry everything")?;
    }
    Ok(())
}

#[test]
#[ignore = "run by the tests below in a process of its own"]
fn one_journey() {
    let root = std::env::var_os("SPOOL_TEST_FOLDER").expect("the tests below set it");
    let done = journey(Path::new(&root));
    let code = i32::from(done.is_err());
    if let Err(e) = done {
        println!("{e:#}");
    }
    std::process::exit(code);
}

fn run(root: &Path, fault: &str) -> std::process::Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["one_journey", "--exact", "--ignored", "--nocapture"])
        .env("SPOOL_TEST_FOLDER", root)
        .env("NATTPOST_FAULT", fault)
        .output()
        .unwrap()
}

fn fresh(folder: &Path) -> std::path::PathBuf {
    let root = folder.join("spool");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("in/shop/orders")).unwrap();
    fs::write(root.join("in/shop/orders/orders.csv"), "one order").unwrap();
    root
}

/// Everything that may be found at any moment: one original, and only whole files outside tmp/ and the hidden drafts of commands/.
fn check_halfway(root: &Path, when: &str) {
    let mut originals = 0;
    for entry in walk(root) {
        let bytes = fs::read(&entry).unwrap();
        let below = entry.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        match below.split('/').next().unwrap() {
            "tmp" => {}
            "in" | "work" => originals += 1,
            "failed" if below.ends_with("reason") => assert_eq!(bytes, REASON, "{when}: {below}"),
            "failed" => originals += 1,
            "staged" | "out" => assert_eq!(bytes.len() as u64, STAGED_BYTES, "{when}: {below}"),
            "commands" if below.starts_with("commands/.") => {}
            "commands" => assert_eq!(bytes, b"retry everything", "{when}: {below}"),
            ".numbers" => assert_eq!(bytes, b"order 12\nrun 7\n", "{when}: {below}"),
            "README.md" => {}
            other => panic!("{when}: {other}"),
        }
    }
    assert_eq!(originals, 1, "{when}: the dropped file is in one state");
}

fn check_end(root: &Path, when: &str) {
    check_halfway(root, when);
    let files: Vec<String> = walk(root)
        .iter()
        .map(|path| path.strip_prefix(root).unwrap().to_string_lossy().into_owned())
        .filter(|path| path != "README.md")
        .collect();
    let expected = [
        ".numbers".to_owned(),
        format!("commands/{}.command", id()),
        format!("failed/shop/orders/{}~orders.csv", id()),
        "failed/shop/orders/reason".to_owned(),
        "out/shop/pick-up/stock.csv".to_owned(),
    ];
    assert_eq!(files, expected, "{when}");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Tries N = 1, 2, 3 … until a journey goes through untouched; after each, the next must go through.
fn at_every_call(fault: impl Fn(u64) -> String) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    for n in 1.. {
        let root = fresh(folder.path());
        let hit = run(&root, &fault(n));
        let when = fault(n);
        if hit.status.success() {
            check_end(&root, &when);
            return n - 1;
        }
        let killed = when.starts_with("kill");
        assert_eq!(hit.status.signal(), killed.then_some(9), "{when}: {}", String::from_utf8_lossy(&hit.stdout));
        check_halfway(&root, &when);
        let again = run(&root, "fail@1000000");
        assert!(again.status.success(), "{when}: {}", String::from_utf8_lossy(&again.stdout));
        check_end(&root, &format!("after {when}"));
    }
    unreachable!("the loop ends with an untouched journey");
}

#[test]
fn killed_at_every_call() {
    let calls = at_every_call(|n| format!("kill@{n}"));
    println!("{calls} calls");
    assert!(calls >= 40, "{calls}");
}

#[test]
fn an_error_at_every_call() {
    assert!(at_every_call(|n| format!("fail@{n}")) >= 40);
}

#[test]
fn a_disk_full_from_every_call_on() {
    assert!(at_every_call(|n| format!("full@{n}+")) >= 40);
}
