//! Each reason that a partner may read is brought about by some test or story, so that none is a promise nobody has seen kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nattpost::model::wording::CODES;
use rusqlite::Connection;

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|ending| ["rs", "toml", "txt", "json"].iter().any(|e| ending == *e)) {
            found.push(path);
        }
    }
}

/// As a word of its own: one may be the beginning of another.
fn says(text: &str, code: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.match_indices(code).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + code.len()..]);
        !before.chars().next_back().is_some_and(is_part) && !after.chars().next().is_some_and(is_part)
    })
}

#[test]
fn each_reason_is_expected_by_some_test() {
    let mut found = Vec::new();
    files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut found);
    assert!(found.len() > 300, "{}", found.len());
    let texts: Vec<String> = found.iter().map(|path| fs::read_to_string(path).unwrap_or_default()).collect();
    let unseen: Vec<&str> = CODES.into_iter().filter(|code| !texts.iter().any(|text| says(text, code))).collect();
    assert!(unseen.is_empty(), "no test expects {unseen:?}");
}

/// Of a megabyte without an end no story can be told in a file that somebody reads.
#[test]
fn a_record_without_an_end_is_refused_alone() {
    let night = tempfile::tempdir().unwrap();
    let root = night.path();
    fs::create_dir(root.join("partners")).unwrap();
    fs::write(root.join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    fs::write(
        root.join("partners/desk.toml"),
        "name = \"Desk\"\n[intake.stock]\nlayouts = [\"nattpost-stock-csv\"]\nsettle = \"rename\"\narticles = \"accept\"\n",
    )
    .unwrap();
    fs::create_dir_all(root.join("spool/in/desk/stock")).unwrap();
    let long = "x".repeat((1 << 20) + 1);
    let text = format!("nattpost;stock;1\n!stock;article_no;qty\nstock;A-1;1\nstock;{long};2\nstock;A-2;3\n");
    fs::write(root.join("spool/in/desk/stock/stock.csv"), text).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_nattpost"))
        .args(["run", "--once", "--config"])
        .arg(root.join("nattpost.toml"))
        .output()
        .unwrap();
    let store = Connection::open(root.join("nattpost.db")).unwrap();
    let read = |sql: &str| -> String { store.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(
        read("SELECT COALESCE(group_concat(verdict || ' ' || code || ' ' || line), '') FROM message"),
        "refused record-too-long 4",
        "{}",
        String::from_utf8_lossy(&done.stdout)
    );
    assert_eq!(read("SELECT group_concat(article_no) FROM (SELECT article_no FROM stock ORDER BY 1)"), "A-1,A-2");
}
