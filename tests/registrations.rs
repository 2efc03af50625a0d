//! Numbers of who registers, by the real binary, killed at its call N or with that call failing: each registration gets one
//! number, no number is given twice, and the partner is told that one; also by an older database. And passwords of contacts:
//! the words are nowhere, the hash in one table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;
use tempfile::TempDir;

const SHOP: &str = "name = \"Shop\"\n[intake.people]\nlayouts = [\"nattpost-registration-csv\"]\nsettle = \"rename\"\nreceipt = \"nattpost-receipt-csv\"\n\
    customer_numbers = \"own 700\"\ncontact_numbers = \"own 40\"\n\
    [feed.answers]\nlayout = \"nattpost-registration-answer-csv\"\nfile_name = \"answers_{run:1}.csv\"\ncontent = \"delta\"\nreads_within = \"10 s\"\non_change = \"10 min\"\n";
const HEAD: &str = "nattpost;registration;1\n!registration;external_id;subject;name;customer_external_id;last_name;email;vat_no;country\n";
/// Each takes two processes: of so many calls the everyday loop tries one. A prime.
const EVERYDAY: usize = 47;
const CALLS_MAX: usize = 600;

fn run(root: &Path, words: &[&str], fault: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command
        .args(words)
        .current_dir(root)
        .env_remove("NATTPOST_CONFIG")
        .env_remove("NATTPOST_FAULT")
        .stdin(Stdio::null());
    if !fault.is_empty() {
        command.env("NATTPOST_FAULT", fault);
    }
    command.output().unwrap()
}

fn well(root: &Path, words: &[&str]) -> String {
    let done = run(root, words, "");
    let told = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "{words:?}: {told}");
    told
}

fn text(root: &Path, sql: &str) -> String {
    let store = Connection::open(root.join("nattpost.db")).unwrap();
    let found: Option<String> = store.query_row(sql, [], |row| row.get(0)).unwrap();
    found.unwrap_or_default()
}

fn site() -> TempDir {
    let site = tempfile::tempdir().unwrap();
    fs::create_dir(site.path().join("partners")).unwrap();
    fs::write(site.path().join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    fs::write(site.path().join("partners/shop.toml"), SHOP).unwrap();
    well(site.path(), &["run", "--once"]);
    site
}

/// Two customers and a contact; the second file brings one that waits for nobody and one that comes again.
fn drop_all(root: &Path) {
    let first = format!(
        "{HEAD}registration;W1;customer;Krause;;;;DE811569869;DE\nregistration;W2;contact;;W1;Krause;;;\nregistration;W3;customer;Ott;;;;;DE\n"
    );
    let second = format!(
        "{HEAD}registration;W4;customer;Licht;;;;;DE\nregistration;W1;customer;Krause;;;;DE811569869;DE\nregistration;W5;customer;Krause;;;;811 569 869;DE\n"
    );
    for (name, content) in [("a.csv", first), ("b.csv", second)] {
        fs::write(root.join(format!("spool/in/shop/people/{name}")), content).unwrap();
    }
}

/// What the partner can read of each registration: all numbers that any file of ours in out/ and sent/ says.
fn told(root: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in fs::read_dir(root.join("spool/out/shop")).into_iter().flatten() {
        for line in fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            let cells: Vec<&str> = line.split(';').collect();
            let said = match cells[..] {
                ["registration_answer", _, id, _, "given", number, ..] => Some((id, number)),
                ["item", _, id, _, "number-given", _, number, ..] => Some((id, number)),
                _ => None,
            };
            if let Some((id, number)) = said {
                told.entry(id.to_string()).or_default().insert(number.to_string());
            }
        }
    }
    told
}

const GIVEN: &str =
    "SELECT group_concat(external_id || '=' || number_given, ' ') FROM (SELECT * FROM registration ORDER BY 1)";

/// Everything that has to be so whatever went wrong before.
fn check(root: &Path, what: &str) {
    let given = text(root, GIVEN);
    let pairs: Vec<(&str, &str)> = given.split(' ').filter_map(|pair| pair.split_once('=')).collect();
    let ids: BTreeSet<&str> = pairs.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, BTreeSet::from(["W1", "W2", "W3", "W4"]), "{what}: {given}");
    let numbers: BTreeSet<&str> = pairs.iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers.len(), 4, "{what}: a number twice: {given}");
    assert_eq!(text(root, "SELECT count(*) || '' FROM customer"), "3", "{what}: {given}");
    assert_eq!(text(root, "SELECT group_concat(DISTINCT key) FROM message WHERE verdict = 'held'"), "W5", "{what}");
    let told = told(root);
    for (id, number) in &pairs {
        assert_eq!(told.get(*id), Some(&BTreeSet::from([number.to_string()])), "{what}: told {told:?}, given {given}");
        let customer = text(
            root,
            &format!(
                "SELECT external_id FROM customer WHERE customer_no = '{number}' \
             UNION SELECT external_id FROM contact WHERE contact_no = '{number}'"
            ),
        );
        assert_eq!(customer, *id, "{what}");
    }
    let marks = fs::read_to_string(root.join("spool/.numbers")).unwrap();
    let mark =
        |name: &str| marks.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok()).unwrap_or(0);
    let highest = pairs.iter().filter(|(id, _)| *id != "W2").map(|(_, number)| number.parse::<u64>().unwrap()).max();
    assert!(Some(mark("customer 700 ")) >= highest, "{what}: {marks} {given}");
    assert!(mark("contact 40 ") >= 40, "{what}: {marks}");
}

fn calls() -> usize {
    let site = site();
    drop_all(site.path());
    let list = site.path().join("calls");
    run(site.path(), &["run", "--once"], &format!("count@{}", list.display()));
    check(site.path(), "untouched");
    fs::read_to_string(list).unwrap().lines().count()
}

fn each(fault: &str, first: usize) {
    let calls = calls();
    assert!((50..CALLS_MAX).contains(&calls), "{calls} calls");
    let step = if std::env::var_os("NATTPOST_EVERY_CALL").is_some() { 1 } else { EVERYDAY };
    for call in (first.min(step)..=calls).step_by(step) {
        let site = site();
        drop_all(site.path());
        run(site.path(), &["run", "--once"], &format!("{fault}@{call}"));
        well(site.path(), &["run", "--once"]);
        check(site.path(), &format!("{fault}@{call}"));
    }
}

#[test]
fn no_number_is_given_twice_whenever_it_is_killed() {
    each("kill", 3);
}

#[test]
fn no_number_is_given_twice_whichever_call_fails() {
    each("fail", 7);
    each("full", 23);
}

/// The mark in the spool is raised before the commit, so that a number that was told is never somebody else's.
#[test]
fn an_older_database_gives_no_number_again() {
    let site = site();
    let root = site.path();
    let copy = root.join("older");
    fs::create_dir(&copy).unwrap();
    well(root, &["backup", "older"]);
    drop_all(root);
    well(root, &["run", "--once"]);
    let before: BTreeSet<String> = told(root).into_values().flatten().collect();
    assert_eq!(before, ["40", "700", "701", "702"].map(String::from).into());
    let mut older = fs::read_dir(&copy).unwrap().map(|entry| entry.unwrap().path());
    let older = older.find(|path| path.extension().is_some_and(|end| end == "db")).unwrap();
    ["nattpost.db-wal", "nattpost.db-shm"].iter().for_each(|name| drop(fs::remove_file(root.join(name))));
    fs::copy(older, root.join("nattpost.db")).unwrap();
    fs::write(
        root.join("spool/in/shop/people/c.csv"),
        format!("{HEAD}registration;W9;customer;Neu;;;;;DE\nregistration;W8;contact;;W9;Neu;;;\n"),
    )
    .unwrap();
    well(root, &["run", "--once", "--accept-database"]);
    assert_eq!(text(root, GIVEN), "W9=703 W8=41");
}

/// A number that a person lets be given is kept in the spool before it is committed, as those of a round.
#[test]
fn what_is_retried_keeps_its_number_too() {
    let site = site();
    drop_all(site.path());
    well(site.path(), &["run", "--once"]);
    well(site.path(), &["retry", "b.csv", "--key", "W5", "--overrule"]);
    assert_eq!(text(site.path(), "SELECT number_given FROM registration WHERE external_id = 'W5'"), "703");
    let marks = fs::read_to_string(site.path().join("spool/.numbers")).unwrap();
    assert!(marks.contains("customer 700 703\n"), "{marks}");
}

fn set_password(root: &Path, contact: &str, words: &str, fault: &str) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command
        .args(["user", "set-password", contact])
        .current_dir(root)
        .env_remove("NATTPOST_CONFIG")
        .env_remove("NATTPOST_FAULT");
    if !fault.is_empty() {
        command.env("NATTPOST_FAULT", fault);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(words.as_bytes());
    let done = child.wait_with_output().unwrap();
    (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
}

/// No file below the folder holds these bytes.
fn is_nowhere(folder: &Path, bytes: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => is_nowhere(&path, bytes),
            false => {
                let held = fs::read(&path).unwrap();
                assert!(
                    !held.windows(bytes.len()).any(|part| part == bytes.as_bytes()),
                    "{bytes} in {}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn a_password_is_kept_as_its_hash_alone() {
    const WORDS: &str = "correct horse battery";
    let site = site();
    let root = site.path();
    fs::write(root.join("partners/erp.toml"), "name = \"ERP\"\n[intake.contacts]\nlayouts = [\"nattpost-contact-csv\"]\nsettle = \"rename\"\ncustomers = \"accept\"\n").unwrap();
    well(root, &["run", "--once"]);
    let contacts = "nattpost;contact;1\n!contact;contact_no;customer_no;last_name;email;web_login\n\
        contact;K-1;10;Lampe;lampe@ott.example;true\ncontact;K-2;10;Licht;licht@ott.example;false\n\
        contact;K-3;10;Dritte;LAMPE@ott.example;true\ncontact;K-4;10;Vierte;;true\n";
    fs::write(root.join("spool/in/erp/contacts/contacts.csv"), contacts).unwrap();
    well(root, &["run", "--once"]);

    let (done, said) = set_password(root, "K-1", &format!("{WORDS}\n"), "");
    assert!(done && said.contains("the password of contact K-1 is set") && !said.contains(WORDS), "{said}");
    let hash = text(root, "SELECT hash FROM login");
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    for (contact, words, told) in [
        ("K-2", WORDS, "may not log in"),
        ("K-3", WORDS, "contact K-1 logs in with the same e-mail address"),
        ("K-4", WORDS, "no e-mail address"),
        ("K-9", WORDS, "there is no contact K-9"),
        ("K-1", "too short", "9 characters"),
        ("K-1", "", "0 characters"),
    ] {
        let (done, said) = set_password(root, contact, words, "");
        assert!(!done && said.contains(told), "{contact}: {said}");
    }
    assert_eq!(text(root, "SELECT group_concat(contact_no || hash) FROM login"), format!("K-1{hash}"));

    let list = well(root, &["user", "list"]) + &well(root, &["--json", "user", "list"]);
    assert!(list.contains("K-1") && list.contains("may log in") && !list.contains("argon2"), "{list}");
    assert!(text(root, "SELECT group_concat(arguments || outcome) FROM command").contains("set-password"));
    assert!(!text(root, "SELECT group_concat(arguments || outcome) FROM command").contains("argon2"));
    is_nowhere(root, WORDS);
    is_nowhere(&root.join("spool"), "argon2");

    // Killed while it is handed over or carried out, it is set by the next start, or given again.
    for call in (1..60).step_by(23) {
        set_password(root, "K-1", &format!("{WORDS} {call}"), &format!("kill@{call}"));
        well(root, &["run", "--once"]);
        assert!(fs::read_dir(root.join("spool/commands")).unwrap().next().is_none(), "{call}");
        assert!(text(root, "SELECT hash FROM login").starts_with("$argon2id$"), "{call}");
        is_nowhere(&root.join("spool"), "argon2");
    }
    well(root, &["user", "disable", "K-1", "--comment", "left"]);
    assert!(well(root, &["user", "list"]).contains("disabled"));
    assert!(set_password(root, "K-1", WORDS, "").0);
    assert!(well(root, &["user", "list"]).contains("may log in"));
    well(root, &["user", "remove", "K-1"]);
    assert!(well(root, &["user", "list"]).contains("Nobody has a password"));
    assert!(!run(root, &["user", "remove", "K-1"], "").status.success());
}
