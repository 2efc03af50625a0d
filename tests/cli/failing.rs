//! How failures are told: a sentence for people, one object on standard error for programs, always with an exit code that
//! is not 0. Nothing of a library's own words.

use std::fs;

use serde_json::Value;

use super::desk::{Desk, Told};

/// The one object on standard error.
fn object(told: &Told) -> Value {
    let mut lines = told.err.lines();
    let object = serde_json::from_str(lines.next().unwrap_or_default()).unwrap_or_else(|e| panic!("{e}: {}", told.err));
    assert_eq!(lines.next(), None, "{}", told.err);
    object
}

/// Fails with this exit code and code, and says all of these words, as text and as an object.
fn fails(desk: &Desk, words: &[&str], code: (i32, &str), says: &[&str]) -> Value {
    let told = desk.run(words);
    assert_eq!(told.code, code.0, "{words:?}: {}{}", told.out, told.err);
    assert!(told.err.starts_with("nattpost: ") || code.1 == "usage-wrong", "{}", told.err);
    let as_json = desk.run(&[&["--json"], words].concat());
    let object = object(&as_json);
    assert_eq!((as_json.code, object["code"].as_str()), (code.0, Some(code.1)), "{words:?}: {object}");
    assert_eq!(as_json.out, "");
    for name in ["code", "where", "found", "expected", "advice", "problems"] {
        assert!(object.get(name).is_some(), "{words:?}: {name} in {object}");
    }
    let all = object.to_string();
    for word in says {
        assert!(told.err.contains(word), "{words:?}: {word} in {}", told.err);
        assert!(all.contains(&word.replace('"', "\\\"")), "{words:?}: {word} in {all}");
    }
    object
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.spool();
    desk.store();
    desk
}

#[test]
fn a_filter_that_nobody_knows_is_no_empty_list() {
    let desk = desk();
    let found =
        fails(&desk, &["files", "--partner", "deler"], (66, "partner-unknown"), &["there is no partner \"deler\""]);
    assert_eq!(found["advice"], "Did you mean \"dealer\"?");
    assert_eq!(found["where"], "--partner");
    fails(
        &desk,
        &["files", "--partner", "dealer/order"],
        (66, "partner-unknown"),
        &["Did you mean \"dealer/orders\"?"],
    );
    fails(
        &desk,
        &["files", "--reason", "article-unknwn"],
        (66, "reason-unknown"),
        &["Did you mean \"article-unknown\"?"],
    );
    fails(&desk, &["files", "--verdict", "refuse"], (64, "usage-wrong"), &["Did you mean \"refused\"?"]);
    fails(&desk, &["status", "deler"], (66, "partner-unknown"), &["Did you mean \"dealer\"?"]);
    fails(&desk, &["retry", "--partner", "deler"], (66, "partner-unknown"), &["Did you mean \"dealer\"?"]);
    fails(&desk, &["send", "dealer/stok"], (66, "feed-unknown"), &["there is no feed \"dealer/stok\""]);
    assert_eq!(desk.run(&["files", "--partner", "dealer", "--reason", "article-unknown"]).code, 0);
}

#[test]
fn wrong_words_are_told_with_what_to_do() {
    let desk = desk();
    fails(
        &desk,
        &["ignore", "--partner", "dealer", "--comment", " "],
        (64, "comment-missing"),
        &["the comment is empty"],
    );
    fails(&desk, &["retry"], (64, "usage-wrong"), &["retry was not told which files", "--help"]);
    fails(&desk, &["show", "*"], (64, "usage-wrong"), &["\"*\" is a pattern", "nattpost files"]);
    fails(&desk, &["explain", ""], (64, "usage-wrong"), &["an argument is empty"]);
    fails(&desk, &["find", "B-*"], (64, "usage-wrong"), &["\"B-*\" is a pattern"]);
    fails(&desk, &["retry", "gone.csv"], (66, "file-unknown"), &["no such file has come: gone.csv"]);
    let clap = desk.run(&["--json", "fils"]);
    assert_eq!((clap.code, object(&clap)["code"].as_str()), (64, Some("usage-wrong")));
    assert!(object(&clap)["found"].as_str().unwrap().contains("fils"));
    assert_eq!(desk.run(&["--json", "files", "--help"]).code, 0);
}

#[test]
fn what_is_missing_or_wrong_around_is_an_object_too() {
    let desk = Desk::new();
    fails(&desk, &["status"], (69, "spool-missing"), &["there is no spool"]);
    desk.spool();
    fails(&desk, &["files"], (69, "database-missing"), &["nothing has come"]);
    desk.store();
    fails(&desk, &["--config", "elsewhere.toml", "files"], (78, "configuration-missing"), &["elsewhere.toml"]);
    fails(
        &desk,
        &["decode", "x.csv", "--layout", "deler-orders"],
        (66, "layout-unknown"),
        &["Did you mean \"dealer-orders\"?"],
    );
    fails(&desk, &["decode", "x.csv", "--layout", "dealer-orders"], (66, "not-there"), &["cannot read x.csv"]);
    fs::write(
        desk.root().join("partners/dealer.toml"),
        "name = \"D\"\nnme = 5\n[intake.x]\nlayouts = [\"dealer-orders\"\n",
    )
    .unwrap();
    let wrong = fails(&desk, &["files"], (78, "configuration-wrong"), &["partners/dealer.toml, line 4"]);
    assert!(!wrong["problems"].as_array().unwrap().is_empty());
}

#[test]
fn a_damaged_database_is_told_in_our_words() {
    let desk = desk();
    for content in [&b"This is a letter and no database at all, long enough to be looked at."[..], &[0; 4096]] {
        for name in ["nattpost.db-wal", "nattpost.db-shm"] {
            let _ = fs::remove_file(desk.root().join(name));
        }
        fs::write(desk.root().join("nattpost.db"), content.repeat(3)).unwrap();
        let told = desk.run(&["files"]);
        assert_ne!(told.code, 0, "{}", told.out);
        for raw in ["file is not a database", "Error code", "rusqlite", "SqliteFailure", "malformed"] {
            assert!(!told.err.contains(raw), "{raw} in {}", told.err);
        }
    }
    fs::write(desk.root().join("nattpost.db"), b"a letter ".repeat(700)).unwrap();
    fails(
        &desk,
        &["files"],
        (74, "database-damaged"),
        &["nattpost.db", "it is damaged, or no database of Nattpost", "store in nattpost.toml"],
    );
    fails(&desk, &["status"], (74, "database-damaged"), &["nattpost.db"]);
    let told = desk.run(&["run", "--once"]);
    // Its unit is not started again and again, and tells somebody.
    assert_eq!(told.code, 69, "{}{}", told.out, told.err);
    assert!(told.err.contains("it is damaged, or no database of Nattpost"), "{}", told.err);
}

#[test]
fn json_that_is_none_is_told_in_our_words() {
    let desk = Desk::new();
    for (line, says) in [
        ("{\"buyer_order_no\": }", "column 20"),
        ("{\"buyer_order_no\": \"1\"", "ends before it is complete"),
        ("buyer", "column 1"),
    ] {
        fs::write(desk.root().join("o.jsonl"), format!("{line}\n")).unwrap();
        let told = desk.run(&["encode", "o.jsonl", "--layout", "nattpost-order-csv"]);
        assert_eq!(told.code, 65, "{}", told.err);
        assert!(told.err.contains("line 1") && told.err.contains(says), "{line}: {}", told.err);
        for raw in ["EOF while", "expected value", "at line 1 column"] {
            assert!(!told.err.contains(raw), "{raw} in {}", told.err);
        }
        let told = desk.run(&["--json", "encode", "o.jsonl", "--layout", "nattpost-order-csv"]);
        let codes: Vec<String> = told
            .err
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["code"].as_str().unwrap().to_string())
            .collect();
        assert_eq!(codes, ["json-invalid", "messages-refused"]);
    }
}
