//! Documents with their files in one archive, by the real binary: the bytes are those that came, and whatever call of store or spool is the last
//! one, or fails, no archive is there that is not whole, and each document is told once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nattpost::model::archive::{Directory, Limits, Member};
use tempfile::TempDir;

const ERP: &str = "name = \"ERP\"\n[intake.documents]\nlayouts = [\"nattpost-document-csv\"]\nsettle = \"rename\"\narticles = \"accept\"\n\
    contents = [\"*.pdf\", \"*.mp4\"]\n";
const DEALER: &str = "name = \"Dealer\"\n[feed.documents]\nlayout = \"nattpost-document-csv\"\ncontent = \"delta\"\ndeletes = \"leave-out\"\nfile_name = \"documents_{run:1}.zip\"\n\
    zip = \"documents.csv\"\nfiles = true\nonly = { customer_no = \"\" }\nreads_within = \"10 s\"\n";
const HEAD: &str = "nattpost;document;1\n!document;doc_kind;doc_no;article_no;revision;file_name\n";

fn company() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("partners")).unwrap();
    fs::write(root.join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    fs::write(root.join("partners/erp.toml"), ERP).unwrap();
    fs::write(root.join("partners/dealer.toml"), DEALER).unwrap();
    fs::create_dir_all(root.join("spool/in/erp/documents")).unwrap();
    folder
}

/// True: it came to its end.
fn nattpost(root: &Path, words: &[&str], fault: Option<&str>) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.args(words).current_dir(root).env_remove("NATTPOST_CONFIG").env_remove("NATTPOST_FAULT");
    fault.into_iter().for_each(|fault| _ = command.env("NATTPOST_FAULT", fault));
    let done = command.stdin(Stdio::null()).output().unwrap();
    let ended = done.status.code().is_some_and(|code| matches!(code, 0 | 65 | 75));
    assert!(fault.is_some() || ended, "{}", String::from_utf8_lossy(&done.stderr));
    ended
}

fn put(root: &Path, name: &str, bytes: &[u8]) {
    fs::write(root.join("spool/in/erp/documents").join(name), bytes).unwrap();
}

fn manifest(root: &Path, name: &str, rows: &[[&str; 3]]) {
    let rows: String =
        rows.iter().map(|row| format!("document;data_sheet;{};A-1;{};{}\n", row[0], row[1], row[2])).collect();
    put(root, name, format!("{HEAD}{rows}").as_bytes());
}

/// No two are alike, and none packs to nothing.
fn pdf(seed: u32, length: usize) -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut state = seed;
    bytes.extend((0..length).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    }));
    bytes
}

/// Name and bytes.
type MemberOut = (String, Vec<u8>);

/// What stands in out/: by archive its members with their bytes, read to the end.
fn out(root: &Path) -> Vec<(PathBuf, Vec<MemberOut>)> {
    let Ok(entries) = fs::read_dir(root.join("spool/out/dealer")) else { return Vec::new() };
    let mut archives: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    archives.sort();
    let read = |path: PathBuf| {
        let mut file = File::open(&path).unwrap();
        let directory = Directory::read(&mut file, Limits { members: 99, bytes: 1 << 30 }).unwrap();
        let members = directory.entries.iter().map(|entry| {
            let mut bytes = Vec::new();
            std::io::copy(&mut Member::open(&mut file, &directory, entry).unwrap(), &mut bytes).unwrap();
            (entry.name.clone(), bytes)
        });
        let members = members.collect();
        (path, members)
    };
    archives.into_iter().map(read).collect()
}

fn names(members: &[MemberOut]) -> Vec<&str> {
    members.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn what_leaves_are_the_bytes_that_came() {
    let company = company();
    let root = company.path();
    let (one, two, large) = (pdf(1, 70_000), pdf(2, 10), pdf(3, 20 << 20));
    put(root, "one.pdf", &one);
    put(root, "two.pdf", &two);
    put(root, "large.pdf", &large);
    // The same bytes under two names are two files, and one file of two documents is one.
    put(root, "again.pdf", &one);
    let rows = [
        ["D-1", "1", "one.pdf"],
        ["D-2", "1", "two.pdf"],
        ["D-3", "1", "large.pdf"],
        ["D-4", "1", "again.pdf"],
        ["D-5", "1", "one.pdf"],
    ];
    manifest(root, "m.csv", &rows);
    nattpost(root, &["run", "--once"], None);
    nattpost(root, &["send", "dealer/documents"], None);
    let [(first, members)] = &out(root)[..] else { panic!("one archive") };
    assert_eq!(names(members), ["again.pdf", "large.pdf", "one.pdf", "two.pdf", "documents.csv"]);
    assert!([&one, &large, &one, &two].iter().zip(members).all(|(wanted, (_, found))| *wanted == found));

    // He took it; a new revision goes alone, though other documents come again.
    fs::remove_file(first).unwrap();
    nattpost(root, &["run", "--once"], None);
    put(root, "two-b.pdf", &pdf(4, 99));
    manifest(root, "m2.csv", &[["D-2", "2", "two-b.pdf"], ["D-1", "1", "one.pdf"]]);
    nattpost(root, &["run", "--once"], None);
    nattpost(root, &["send", "dealer/documents"], None);
    let [(_, members)] = &out(root)[..] else { panic!("one archive") };
    assert_eq!(names(members), ["two-b.pdf", "documents.csv"]);
    assert_eq!(members[0].1, pdf(4, 99));
}

/// Two documents with one name of file and other bytes: neither archive nor half of one leaves, and the reason names both.
#[test]
fn two_files_of_one_name_are_never_taken_for_each_other() {
    let company = company();
    let root = company.path();
    let other = ERP.replace("ERP", "Other").replace("intake.documents", "intake.papers");
    fs::write(root.join("partners/other.toml"), other).unwrap();
    put(root, "sheet.pdf", &pdf(1, 50));
    manifest(root, "m.csv", &[["D-1", "1", "sheet.pdf"]]);
    nattpost(root, &["run", "--once"], None);
    let papers = root.join("spool/in/other/papers");
    fs::write(papers.join("SHEET.pdf"), pdf(2, 50)).unwrap();
    fs::write(papers.join("m.csv"), format!("{HEAD}document;data_sheet;D-2;A-1;1;SHEET.pdf\n")).unwrap();
    nattpost(root, &["run", "--once"], None);
    let done = Command::new(env!("CARGO_BIN_EXE_nattpost"))
        .args(["send", "dealer/documents"])
        .current_dir(root)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(
        !done.status.success() && said.contains("\"SHEET.pdf\" is the file of the document data_sheet / D-1"),
        "{said}"
    );
    assert_eq!(out(root).len(), 0);
}

/// Each call of the store's and the spool's while an archive is made is the last one once, and fails once.
#[test]
fn whatever_step_is_the_last_no_archive_is_there_that_is_not_whole() {
    let every: usize = std::env::var("NATTPOST_KILL_EVERY").ok().and_then(|n| n.parse().ok()).unwrap_or(17);
    let prepared = || {
        let night = company();
        let root = night.path();
        put(root, "one.pdf", &pdf(1, 70_000));
        put(root, "two.pdf", &pdf(2, 10));
        manifest(root, "m.csv", &[["D-1", "1", "one.pdf"], ["D-2", "1", "two.pdf"]]);
        nattpost(root, &["run", "--once"], None);
        night
    };
    let counted = prepared();
    let list = counted.path().join("calls");
    nattpost(counted.path(), &["send", "dealer/documents"], Some(&format!("count@{}", list.display())));
    let calls = fs::read_to_string(&list).unwrap().lines().count();
    assert!(calls > 20, "{calls}");
    for (call, how) in (1..=calls).filter(|call| call % every == 0).flat_map(|call| [(call, "kill"), (call, "fail")]) {
        let night = prepared();
        let root = night.path();
        nattpost(root, &["send", "dealer/documents"], Some(&format!("{how}@{call}")));
        assert!(out(root).iter().all(|(_, members)| members.len() == 3), "{how} at {call}");
        nattpost(root, &["run", "--once"], None);
        if out(root).is_empty() {
            nattpost(root, &["send", "dealer/documents"], None);
        }
        let [(_, members)] = &out(root)[..] else { panic!("{how} at {call}: one archive is expected") };
        assert_eq!(names(members), ["one.pdf", "two.pdf", "documents.csv"], "{how} at {call}");
        assert_eq!((&members[0].1, &members[1].1), (&pdf(1, 70_000), &pdf(2, 10)), "{how} at {call}");
    }
}
